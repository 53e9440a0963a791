// Lanes: see lanes.h.

#include "exec/lanes.h"

#include <string.h>

void mr_lanes_init(mr_lanes *lanes) {
    *lanes = (mr_lanes){0};
    mr_mutex_init(&lanes->mutex);
    mr_condition_init(&lanes->turn);
}

void mr_lanes_release(mr_lanes *lanes) {
    mr_mutex_release(&lanes->mutex);
    mr_condition_release(&lanes->turn);
    mr_heap_free(lanes->items);
}

void mr_lanes_resize(mr_lanes *lanes, uint32_t count) {
    mr_assert(count >= lanes->count);
    lanes->items = mr_heap_resize(lanes->items, MR_MAX(count, 1u) * sizeof *lanes->items);
    for (; lanes->count < count; lanes->count++) {
        lanes->items[lanes->count] = (mr_lane){.max_event_us = INT64_MIN};
    }
}

uint64_t mr_lanes_claim(mr_lanes *lanes, uint32_t lane, int64_t global_watermark_us,
                        int64_t delay_us) {
    mr_mutex_lock(&lanes->mutex);
    mr_lane *item = &lanes->items[lane];
    item->idle = false;
    item->caught_up_since_us = 0;
    int64_t floor_us;
    if (global_watermark_us != INT64_MIN && mr_add_fits(global_watermark_us, delay_us, &floor_us)) {
        item->max_event_us = MR_MAX(item->max_event_us, floor_us);
    }
    uint64_t sequence = item->claimed++;
    mr_mutex_unlock(&lanes->mutex);
    return sequence;
}

// What a source's partitions say of their lane: a lane is closed or caught up when all of them are.
static void lane_look(mr_lane *lane, uint32_t number, const mr_source *source,
                      const mr_lanes_rule *rule) {
    bool closed = true;
    bool caught_up = true;
    for (uint32_t p = 0; p < source->partition_count; p++) {
        const mr_partition *partition = &source->partitions[p];
        if (partition->lane == number) {
            closed &= partition->closed;
            caught_up &= partition->caught_up || partition->closed;
        }
    }
    lane->closed = closed;
    if (!caught_up) {
        lane->caught_up_since_us = 0;
    } else if (lane->caught_up_since_us == 0) {
        lane->caught_up_since_us = MR_MAX(rule->now_us, 1);
    }
    lane->idle = caught_up && rule->idle_timeout_us >= 0 &&
                 rule->now_us - lane->caught_up_since_us >= rule->idle_timeout_us;
}

int64_t mr_lanes_global(mr_lanes *lanes, uint32_t first, const mr_source *source,
                        const mr_lanes_rule *rule) {
    int64_t least = INT64_MAX;
    int64_t greatest = INT64_MIN;
    int64_t quiet_since_us = 0;
    uint32_t holding = 0;
    uint32_t count = 0;
    for (uint32_t p = 0; p < source->partition_count; p++) {
        count = MR_MAX(count, source->partitions[p].lane + 1);
    }
    for (uint32_t l = 0; l < count; l++) {
        mr_lane *lane = &lanes->items[first + l];
        lane_look(lane, l, source, rule);
        int64_t watermark = mr_lanes_watermark(lane->max_event_us, rule->delay_us);
        greatest = MR_MAX(greatest, watermark);
        if (!lane->idle && !lane->closed) {
            holding++;
            least = MR_MIN(least, watermark);
        }
        quiet_since_us = MR_MAX(quiet_since_us, lane->caught_up_since_us);
    }
    if (holding > 0) {
        return least;
    }
    int64_t quiet_us = rule->now_us - quiet_since_us;
    if (rule->emit_timeout_us >= 0 && greatest != INT64_MIN && quiet_us >= rule->emit_timeout_us) {
        return greatest + quiet_us;
    }
    return greatest;
}

int64_t mr_lanes_hand_over(mr_lanes *lanes, uint32_t lane, uint64_t sequence,
                           int64_t chunk_max_us) {
    mr_mutex_lock(&lanes->mutex);
    mr_lane *item = &lanes->items[lane];
    while (item->handed_over != sequence && !lanes->failed) {
        mr_condition_wait(&lanes->turn, &lanes->mutex, -1);
    }
    int64_t before = item->max_event_us;
    item->max_event_us = MR_MAX(before, chunk_max_us);
    item->handed_over++;
    mr_condition_broadcast(&lanes->turn);
    mr_mutex_unlock(&lanes->mutex);
    return before;
}

bool mr_lanes_is_turn(mr_lanes *lanes, uint32_t lane, uint64_t sequence) {
    mr_mutex_lock(&lanes->mutex);
    bool turn = lanes->items[lane].handed_over == sequence || lanes->failed;
    mr_mutex_unlock(&lanes->mutex);
    return turn;
}

void mr_lanes_fail(mr_lanes *lanes) {
    mr_mutex_lock(&lanes->mutex);
    lanes->failed = true;
    mr_condition_broadcast(&lanes->turn);
    mr_mutex_unlock(&lanes->mutex);
}

int64_t mr_lanes_watermark(int64_t max_event_us, int64_t delay_us) {
    int64_t watermark;
    if (max_event_us == INT64_MIN || !mr_sub_fits(max_event_us, delay_us, &watermark)) {
        return INT64_MIN;
    }
    return watermark;
}
