// HLL: HyperLogLog sketch of distinct values, p = 14, mergeable and storable.
//
// Sparse while small: a hash set of 32-bit entries (26 bits of the hash, 6 bits of rank), which
// counts practically exactly; above 384 entries 16,384 registers of a byte. What rows are added to
// is at first a mere list of entries: a worker has a sketch for each group of each pane, with few
// rows in it, and the ends of all those lists fit a cache where their tables would not. Merging
// makes a table of it, which only then is looked into. A list whose entries repeat becomes a table
// early. A zeroed sketch is empty. The hash is XXH3 with a seed stored in the program, since
// sketches are merged and stored. Source: Flajolet et al. 2007; Heule et al. 2013 (sparse);
// Ertl 2017, arXiv 1702.01284 (estimator).

#pragma once

#include "base/cx.h"
#include "base/text.h"

#define MR_HLL_REGISTERS 16384

typedef struct mr_hll {
    void *memory;       // List: entries. Sparse: slots, 0 = free. Dense: registers. NULL = empty.
    uint32_t count;     // Entries of a list or of a sparse sketch.
    uint16_t capacity;  // Room of a list; slots of a sparse sketch, a power of two; 0 = dense.
    bool listed;        // A list; entries may stand there more than once.
} mr_hll;

uint64_t mr_hll_hash_bytes(const void *data, size_t bytes);
uint64_t mr_hll_hash_u64(uint64_t value);
void mr_hll_add_slow(mr_hll *hll, uint64_t hash);  // Any form; mr_hll_add is its fast front.
void mr_hll_merge(mr_hll *into, const mr_hll *from);
int64_t mr_hll_count(const mr_hll *hll);
void mr_hll_save(const mr_hll *hll, mr_text *out);
// Reads what save wrote into an empty sketch; advances *in.  errors MR_E_CORRUPT
mr_code mr_hll_load(mr_hll *hll, mr_span *in, mr_cx *cx);
void mr_hll_settle(mr_hll *hll);  // A list becomes a table: equal sets get equal forms.
void mr_hll_release(mr_hll *hll);
size_t mr_hll_bytes(const mr_hll *hll);  // Heap behind the sketch.

// Where the search for a sparse entry of this index starts.
static inline uint32_t mr_hll_slot(uint32_t index, uint32_t capacity) {
    return ((index * 0x9E3779B1u) >> 7) & (capacity - 1);
}

// 26 bits of index and the rank of the 38 bits behind, 1 .. 39.
static inline uint32_t mr_hll_entry(uint64_t hash) {
    uint32_t index = (uint32_t)(hash >> 38);
    uint64_t rest = hash << 26 | (uint64_t)1 << 25;
    return index << 6 | (uint32_t)(__builtin_clzll(rest) + 1);
}

// Adds to a list with room. False: the sketch is none.
static inline bool mr_hll_append(mr_hll *hll, uint64_t hash) {
    if (!hll->listed || hll->count == hll->capacity) {
        return false;
    }
    ((uint32_t *)hll->memory)[hll->count++] = mr_hll_entry(hash);
    return true;
}

// Asks for the memory that adding a hash will touch. Sparse: the slot where the search starts.
// Always inline: gcc takes a function that only prefetches for one without effects.
static inline __attribute__((always_inline)) void mr_hll_prefetch(const mr_hll *hll,
                                                                  uint64_t hash) {
    if (hll->listed) {
        return;
    }
    if (hll->capacity != 0) {
        uint32_t index = (uint32_t)(hash >> 38);
        __builtin_prefetch((const uint32_t *)hll->memory + mr_hll_slot(index, hll->capacity), 1);
    } else if (hll->memory != NULL) {
        __builtin_prefetch((const uint8_t *)hll->memory + (hash >> 50), 1);
    }
}

// The register of a hash is its top 14 bits, its rank the position of the first 1 behind them.
static inline void mr_hll_add(mr_hll *hll, uint64_t hash) {
    if (hll->capacity != 0 || hll->memory == NULL) {
        mr_hll_add_slow(hll, hash);
        return;
    }
    uint8_t *registers = hll->memory;
    uint32_t index = (uint32_t)(hash >> 50);
    uint8_t rank = (uint8_t)(__builtin_clzll(hash << 14 | (uint64_t)1 << 13) + 1);
    registers[index] = registers[index] < rank ? rank : registers[index];
}
