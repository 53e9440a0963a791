// Lanes: order and watermarks of the input.
//
// A lane is what shares one order: a Kafka partition, or a folder's files. Chunks of a lane are
// numbered when they are claimed. Every row carries its lane's watermark, the greatest event time
// of earlier rows - delay: workers decode chunks in parallel and hand the greatest time on in
// sequence, so only a few instructions a chunk are serial. The global watermark is the least over
// the lanes that are not idle and not closed; it never goes back, and only decides when to emit and
// to free. Threads: claim, hand-over under the mutex; the rest by the driver between epochs.

#pragma once

#include "plat/thread.h"
#include "port/source.h"

typedef struct mr_lane {
    uint64_t claimed;            // Chunks claimed: the next one's sequence.
    uint64_t handed_over;        // Sequence whose turn it is to add its times.
    int64_t max_event_us;        // Greatest event time so far; INT64_MIN = none.
    int64_t caught_up_since_us;  // Monotonic; 0 = not caught up.
    bool idle;
    bool closed;
} mr_lane;

typedef struct mr_lanes {
    mr_lane *items;  // Of all sources, one source's after the other's.
    uint32_t count;
    mr_mutex mutex;
    mr_condition turn;
    bool failed;  // A worker gave up: nobody waits for its turn any more.
} mr_lanes;

void mr_lanes_init(mr_lanes *lanes);
void mr_lanes_release(mr_lanes *lanes);
// Grows to count lanes; only between epochs.
void mr_lanes_resize(mr_lanes *lanes, uint32_t count);
// Numbers a chunk. A lane that is behind the global watermark (it was idle, or is new) starts at
// it: what it brings that is older belongs to windows that were emitted without it.
uint64_t mr_lanes_claim(mr_lanes *lanes, uint32_t lane, int64_t global_watermark_us,
                        int64_t delay_us);
// Waits for the chunk's turn; returns the lane's greatest event time before it and adds the
// chunk's.
//   chunk_max_us  INT64_MIN when the chunk has no row that counts
int64_t mr_lanes_hand_over(mr_lanes *lanes, uint32_t lane, uint64_t sequence, int64_t chunk_max_us);
// Whether hand_over would not have to wait.
bool mr_lanes_is_turn(mr_lanes *lanes, uint32_t lane, uint64_t sequence);
void mr_lanes_fail(mr_lanes *lanes);  // Wakes all who wait.

// The global watermark of some lanes (one source's) at this moment: the least of those that hold it
// back, or the greatest of all when none does. INT64_MIN = none yet. Marks lanes idle by what
// partitions say.
typedef struct mr_lanes_rule {
    int64_t delay_us;
    int64_t idle_timeout_us;  // -1 = never idle.
    int64_t emit_timeout_us;  // -1 = off: else time goes on by the clock once all lanes are idle.
    int64_t now_us;           // Monotonic.
} mr_lanes_rule;
int64_t mr_lanes_global(mr_lanes *lanes, uint32_t first, const mr_source *source,
                        const mr_lanes_rule *rule);

// A lane's watermark: INT64_MIN while it has no row.
int64_t mr_lanes_watermark(int64_t max_event_us, int64_t delay_us);
