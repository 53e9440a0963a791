// Groups: the distinct keys of a GROUP BY, numbered densely from 0.
//
// A key is kept as bytes (per column: 0 for NULL, else 1 and the value; strings with their length),
// so one form serves look-up, merging, and the commit record. How a batch is looked up: where all
// key columns are dictionary codes or constants, a memo maps the combined codes straight to the
// group number, one array read a row; else the key is encoded and looked up by its hash. Threads:
// one owner.

#pragma once

#include "base/hash.h"
#include "column/batch.h"

#define MR_GROUP_NONE     UINT32_MAX
#define MR_GROUP_KEYS_MAX 16

typedef struct mr_group_memo mr_group_memo;

typedef struct mr_groups {
    const mr_type *types;  // key_count of them.
    uint32_t key_count;
    uint32_t count;
    uint32_t capacity;
    uint32_t slot_count;  // Power of two.
    uint32_t *slots;      // Group + 1; 0 = free.
    uint64_t *hashes;     // Of each group's key, with the pipeline's seed.
    mr_span *keys;        // Bytes of each group's key, in the arena.
    mr_arena arena;
    uint64_t seed;
    mr_group_memo *memos;
    uint32_t memo_next;
} mr_groups;

void mr_groups_init(mr_groups *groups, const mr_type *types, uint32_t key_count, uint64_t seed);
void mr_groups_release(mr_groups *groups);
void mr_groups_clear(mr_groups *groups);
// The group of each selected row: ret[i] for the i-th selected row; new keys are added.
//   columns  key_count vectors of the batch        arena  scratch
void mr_groups_find(mr_groups *groups, const mr_vector *const *columns, const mr_batch *batch,
                    uint32_t *ret);
// The group of a key in bytes, added when new.
uint32_t mr_groups_add(mr_groups *groups, mr_span key, uint64_t hash);
// Writes column `column` of a key into row `row` of a flat vector; strings point into the key.
void mr_groups_decode(const mr_groups *groups, uint32_t group, uint32_t column, mr_vector *out,
                      uint32_t row);
// True when bytes are a well-formed key of these types (for keys that come from a file).
bool mr_groups_key_valid(const mr_groups *groups, mr_span key);
uint64_t mr_groups_bytes(const mr_groups *groups);
