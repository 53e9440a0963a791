// Panes: the state of a (windowed) GROUP BY, cut into slices of gcd(size, slide) so that a row
// updates one state however many windows it belongs to; windows are merged from panes when they are
// emitted.
//
//   pane (start, skip) ─ states by group ─ [epoch | aggregate states …]
//
// A row that is late for its k earliest windows but not for all goes to the pane's own copy with
// skip = k, which those windows do not read: so what a row counts in is decided by the row alone.
// Without a window there is one pane, at 0. The same structure is a worker's part of an epoch and
// the merged state of all epochs. Threads: one owner.   Source: Li et al., "No Pane, No Gain",
// SIGMOD Record 2005.

#pragma once

#include "exec/agg.h"
#include "exec/groups.h"
#include "exec/record.h"

#define MR_KEY_GROUPS 128

typedef struct mr_pane {
    int64_t start_us;
    uint32_t skip;
    uint32_t capacity;  // Of states.
    uint8_t **states;   // By group; NULL = none.
    uint32_t *present;  // Groups that have a state, in order of arrival.
    uint32_t present_count;
    uint32_t present_capacity;
    uint64_t epoch;  // Last one in which a state changed.
    mr_arena arena;  // The states.
} mr_pane;

typedef struct mr_panes {
    const mr_plan *plan;  // An AGGREGATE.
    const mr_agg **aggs;  // One a call.
    uint32_t *offsets;  // Of each call's state in a block; a block begins with its epoch (8 bytes).
    uint32_t block_bytes;
    int64_t pane_us;
    mr_type *key_types;
    mr_groups groups;
    mr_pane **panes;  // Sorted by (start_us, skip).
    uint32_t pane_count;
    uint32_t pane_capacity;
    uint64_t epoch;     // Stamped on what changes.
    mr_rows *rejected;  // Bad table that gets a row for a group whose result does not fit its type;
                        // NULL: that is an error.
} mr_panes;

// Takes rows of a window or of changed groups: columns of the AGGREGATE's schema. epochs: of each
// row, also one that is not selected: the last in which its group changed. Memory: of the call.
typedef mr_code (*mr_panes_take)(void *self, const mr_batch *rows, const uint64_t *epochs,
                                 mr_cx *cx);

mr_code mr_panes_init(mr_panes *panes, const mr_plan *plan, uint64_t seed, mr_cx *cx);
void mr_panes_release(mr_panes *panes);
void mr_panes_clear(mr_panes *panes);  // Forgets all states; groups are kept while they are few.
// Adds the selected rows of a batch.
mr_code mr_panes_update(mr_panes *panes, const mr_batch *in, mr_cx *cx);
// Adds all of `from`'s states.
mr_code mr_panes_merge(mr_panes *into, const mr_panes *from, mr_cx *cx);

// A group by its keys, "k = a, t = NULL", for messages.
const char *mr_panes_group_text(const mr_panes *panes, uint32_t group, mr_arena *arena);
// The first window at or after from_us that has a state; false when there is none.
bool mr_panes_next_window(const mr_panes *panes, int64_t from_us, int64_t *ret_start_us);
// The least window_start that is not closed at this watermark.
int64_t mr_panes_open_from(const mr_panes *panes, int64_t watermark_us);
// Emits the groups of one window that changed after epoch `since` (0 = all). Without a window:
// window_us is 0.
mr_code mr_panes_emit(const mr_panes *panes, int64_t window_us, uint64_t since, mr_panes_take take,
                      void *self, mr_cx *cx);
// Whether anything in this window changed after epoch `since`.
bool mr_panes_changed(const mr_panes *panes, int64_t window_us, uint64_t since);
// Drops panes that no open window reads.
void mr_panes_expire(mr_panes *panes, int64_t watermark_us);

// All states, or those of one key group (-1 = all), appended; load merges them in.
void mr_panes_save(const mr_panes *panes, int32_t key_group, mr_text *out);
// All states, as changed in this epoch: what merging them in it does, for load to repeat.
void mr_panes_save_delta(const mr_panes *panes, uint64_t epoch, mr_text *out);
mr_code mr_panes_load(mr_panes *panes, mr_span saved, mr_cx *cx);
void mr_panes_drop_key_group(mr_panes *panes, uint32_t key_group);
uint64_t mr_panes_bytes(const mr_panes *panes);  // Walks all states.
uint64_t mr_panes_states(const mr_panes *panes);
