// Member: see member.h.

#include "kafka/member.h"

#include <stdlib.h>
#include <string.h>

#include "codec/kafka_error.h"

#define SESSION_MS         45000
#define REBALANCE_MS       60000
#define BEAT_US            ((int64_t)3000000)
#define ANSWER_US          ((int64_t)5000000)  // On top of what the group may take.
#define PAUSE_US           ((int64_t)100000)
#define JOIN_MAX           9
#define SUBSCRIPTION_BYTES ((size_t)4 << 20)
#define PROTOCOL           "range"

typedef enum member_state {
    MEMBER_OUT,      // To join.
    MEMBER_IN,       // Has partitions.
    MEMBER_LEAVING,  // The group divides anew: commit, then join.
} member_state;

struct mr_member {
    mr_control *control;
    char *group;
    char *topic;
    char *id;  // Of the member; "" = none yet.
    member_state state;
    int32_t coordinator;
    int32_t generation;
    int64_t beat_us;  // When the next is due.
    int32_t *partitions;
    uint32_t partition_count;
};

static char *heap_copy(mr_span text) {
    char *copy = mr_heap_raw(text.bytes + 1);
    if (text.bytes > 0) {
        memcpy(copy, text.data, text.bytes);
    }
    copy[text.bytes] = '\0';
    return copy;
}

static void set_id(mr_member *member, mr_span id) {
    char *copy = heap_copy(id);
    mr_heap_free(member->id);
    member->id = copy;
}

mr_member *mr_member_open(mr_control *control, const char *group, const char *topic) {
    mr_member *member = mr_heap_alloc(sizeof(*member));
    member->control = control;
    member->group = heap_copy(mr_span_of(group));
    member->topic = heap_copy(mr_span_of(topic));
    member->id = heap_copy((mr_span){0});
    member->generation = -1;
    return member;
}

static mr_code ask(mr_member *member, const mr_link_call *call, int64_t timeout_us, mr_cx *cx) {
    return mr_cluster_call(&member->control->cluster, member->coordinator, call,
                           mr_clock_monotonic_us(cx->plat) + timeout_us, cx);
}

void mr_member_close(mr_member *member, mr_cx *cx) {
    if (member == NULL) {
        return;
    }
    if (member->state != MEMBER_OUT) {
        mr_wire_leave_group_member one = {.member_id = mr_span_of(member->id)};
        mr_wire_leave_group_request request = {.group_id = mr_span_of(member->group),
                                               .member_id = one.member_id,
                                               .members = &one,
                                               .members_count = 1};
        mr_wire_leave_group_response response;
        mr_link_call call = {MR_KEY_leave_group, INT16_MAX, &request, &response};
        // A group that was not told finds out after the session's time.
        (void)ask(member, &call, ANSWER_US, cx);
    }
    mr_heap_free(member->group);
    mr_heap_free(member->topic);
    mr_heap_free(member->id);
    mr_heap_free(member->partitions);
    mr_heap_free(member);
}

const int32_t *mr_member_partitions(const mr_member *member, uint32_t *ret_count) {
    *ret_count = member->partition_count;
    return member->partitions;
}

mr_control_committer mr_member_committer(const mr_member *member) {
    return (mr_control_committer){member->group, member->id, member->generation};
}

// ---- dividing, if we lead ---------------------------------------------------------------------

typedef struct subscriber {
    mr_span id;
    mr_wire_consumer_protocol_subscription wants;
    mr_wire_consumer_protocol_assigned *topics;  // What it gets.
    int32_t topic_count;
} subscriber;

static int by_id(const void *a, const void *b) {
    return mr_span_compare(((const subscriber *)a)->id, ((const subscriber *)b)->id);
}

static int by_name(const void *a, const void *b) {
    return mr_span_compare(*(const mr_span *)a, *(const mr_span *)b);
}

static bool wants(const subscriber *s, mr_span topic) {
    for (int32_t i = 0; i < s->wants.topics_count; i++) {
        if (mr_span_equal(s->wants.topics[i], topic)) {
            return true;
        }
    }
    return false;
}

// A topic's partitions in order, in ranges, to those that want it in the order of their ids: the
// first ones get one more when it does not come out even.
static void divide(subscriber *all, int32_t count, mr_span topic, int32_t partitions, mr_cx *cx) {
    int32_t takers = 0;
    for (int32_t i = 0; i < count; i++) {
        takers += wants(&all[i], topic);
    }
    int32_t next = 0;
    for (int32_t i = 0, taker = 0; i < count; i++) {
        if (!wants(&all[i], topic)) {
            continue;
        }
        int32_t share = partitions / takers + (taker < partitions % takers);
        taker++;
        if (share == 0) {
            continue;
        }
        mr_wire_consumer_protocol_assigned *got = &all[i].topics[all[i].topic_count++];
        got->topic = topic;
        got->partitions = MR_NEW_ARRAY(cx->arena, int32_t, (size_t)share);
        got->partitions_count = share;
        for (int32_t p = 0; p < share; p++) {
            got->partitions[p] = next++;
        }
    }
}

static mr_code divide_all(mr_member *member, subscriber *all, int32_t count, mr_cx *cx) {
    size_t most = 0;
    for (int32_t i = 0; i < count; i++) {
        most += (size_t)all[i].wants.topics_count;
        all[i].topics = MR_NEW_ARRAY(cx->arena, mr_wire_consumer_protocol_assigned,
                                     (size_t)all[i].wants.topics_count + 1);
    }
    mr_span *topics = MR_NEW_ARRAY(cx->arena, mr_span, most + 1);
    size_t topic_count = 0;
    for (int32_t i = 0; i < count; i++) {
        for (int32_t t = 0; t < all[i].wants.topics_count; t++) {
            topics[topic_count++] = all[i].wants.topics[t];
        }
    }
    qsort(topics, topic_count, sizeof(*topics), by_name);
    size_t kept = 0;
    for (size_t i = 0; i < topic_count; i++) {
        if (kept == 0 || !mr_span_equal(topics[kept - 1], topics[i])) {
            topics[kept++] = topics[i];
        }
    }
    mr_wire_metadata_response metadata;
    MR_TRY(mr_control_metadata(member->control, topics, (int32_t)kept, &metadata, cx));
    for (size_t i = 0; i < kept; i++) {
        for (int32_t t = 0; t < metadata.topics_count; t++) {
            if (metadata.topics[t].error_code == 0 &&
                mr_span_equal(metadata.topics[t].name, topics[i])) {
                divide(all, count, topics[i], metadata.topics[t].partitions_count, cx);
            }
        }
    }
    return MR_OK;
}

// What each member gets, for SyncGroup.
static mr_code assign(mr_member *member, const mr_wire_join_group_response *joined,
                      mr_wire_sync_group_request *ret, mr_cx *cx) {
    int32_t count = joined->members_count;
    subscriber *all = MR_NEW_ARRAY(cx->arena, subscriber, (size_t)count + 1);
    for (int32_t i = 0; i < count; i++) {
        all[i].id = joined->members[i].member_id;
        MR_TRY(mr_wire_read_record(&mr_record_consumer_protocol_subscription,
                                   joined->members[i].metadata, SUBSCRIPTION_BYTES, &all[i].wants,
                                   cx));
    }
    qsort(all, (size_t)count, sizeof(*all), by_id);
    MR_TRY(divide_all(member, all, count, cx));
    ret->assignments = MR_NEW_ARRAY(cx->arena, mr_wire_sync_group_assignment, (size_t)count + 1);
    for (int32_t i = 0; i < count; i++) {
        mr_wire_consumer_protocol_assignment a = {.assigned_partitions = all[i].topics,
                                                  .assigned_partitions_count = all[i].topic_count};
        mr_text out;
        mr_text_init(&out, cx->arena);
        MR_TRY(mr_wire_add_record(&mr_record_consumer_protocol_assignment, 0, &a, &out, cx));
        ret->assignments[ret->assignments_count++] =
            (mr_wire_sync_group_assignment){all[i].id, mr_text_span(&out)};
    }
    return MR_OK;
}

// ---- joining ---------------------------------------------------------------------------------

static mr_code join(mr_member *member, mr_wire_join_group_response *ret, mr_cx *cx) {
    mr_span topic = mr_span_of(member->topic);
    mr_wire_consumer_protocol_subscription subscription = {.topics = &topic, .topics_count = 1};
    mr_text metadata;
    mr_text_init(&metadata, cx->arena);
    MR_TRY(mr_wire_add_record(&mr_record_consumer_protocol_subscription, 0, &subscription,
                              &metadata, cx));
    mr_wire_join_group_protocol protocol = {MR_SPAN(PROTOCOL), mr_text_span(&metadata)};
    mr_wire_join_group_request request = {.group_id = mr_span_of(member->group),
                                          .session_timeout_ms = SESSION_MS,
                                          .rebalance_timeout_ms = REBALANCE_MS,
                                          .member_id = mr_span_of(member->id),
                                          .protocol_type = MR_SPAN("consumer"),
                                          .protocols = &protocol,
                                          .protocols_count = 1};
    mr_link_call call = {MR_KEY_join_group, JOIN_MAX, &request, ret};
    return ask(member, &call, (int64_t)REBALANCE_MS * 1000 + ANSWER_US, cx);
}

static mr_code take_assignment(mr_member *member, mr_span bytes, mr_cx *cx) {
    mr_wire_consumer_protocol_assignment a = {0};
    if (bytes.bytes > 0) {
        MR_TRY(mr_wire_read_record(&mr_record_consumer_protocol_assignment, bytes,
                                   SUBSCRIPTION_BYTES, &a, cx));
    }
    member->partition_count = 0;
    for (int32_t t = 0; t < a.assigned_partitions_count; t++) {
        const mr_wire_consumer_protocol_assigned *topic = &a.assigned_partitions[t];
        if (!mr_span_is(topic->topic, member->topic)) {
            continue;
        }
        member->partition_count = (uint32_t)topic->partitions_count;
        member->partitions = mr_heap_resize(member->partitions,
                                            sizeof(int32_t) * MR_MAX(member->partition_count, 1u));
        if (member->partition_count > 0) {
            memcpy(member->partitions, topic->partitions,
                   sizeof(int32_t) * member->partition_count);
        }
    }
    return MR_OK;
}

static mr_code sync(mr_member *member, const mr_wire_join_group_response *joined,
                    int16_t *ret_error, mr_cx *cx) {
    mr_wire_sync_group_request request = {.group_id = mr_span_of(member->group),
                                          .generation_id = joined->generation_id,
                                          .member_id = mr_span_of(member->id),
                                          .protocol_type = MR_SPAN("consumer"),
                                          .protocol_name = MR_SPAN(PROTOCOL)};
    if (mr_span_equal(joined->leader, joined->member_id)) {
        MR_TRY(assign(member, joined, &request, cx));
    }
    mr_wire_sync_group_response response;
    mr_link_call call = {MR_KEY_sync_group, INT16_MAX, &request, &response};
    MR_TRY(ask(member, &call, (int64_t)REBALANCE_MS * 1000 + ANSWER_US, cx));
    *ret_error = response.error_code;
    return response.error_code == 0 ? take_assignment(member, response.assignment, cx) : MR_OK;
}

// Whether joining once more may help; takes note of what the error says.
static bool joins_again(mr_member *member, int16_t error) {
    switch (error) {
    case MR_KAFKA_UNKNOWN_MEMBER_ID:
    case MR_KAFKA_ILLEGAL_GENERATION:
    case MR_KAFKA_FENCED_INSTANCE_ID: set_id(member, (mr_span){0}); return true;
    case MR_KAFKA_MEMBER_ID_REQUIRED:
    case MR_KAFKA_REBALANCE_IN_PROGRESS:
    case MR_KAFKA_NOT_COORDINATOR:
    case MR_KAFKA_COORDINATOR_NOT_AVAILABLE:
    case MR_KAFKA_COORDINATOR_LOAD_IN_PROGRESS: return true;
    default: return false;
    }
}

static mr_code join_and_sync(mr_member *member, mr_cx *cx) {
    for (;;) {
        MR_TRY(mr_control_coordinator(member->control, mr_span_of(member->group),
                                      &member->coordinator, cx));
        mr_wire_join_group_response joined;
        MR_TRY(join(member, &joined, cx));
        int16_t error = joined.error_code;
        if (error == 0 || error == MR_KAFKA_MEMBER_ID_REQUIRED) {
            set_id(member, joined.member_id);
        }
        if (error == 0) {
            member->generation = joined.generation_id;
            MR_TRY(sync(member, &joined, &error, cx));
        }
        if (error == 0) {
            member->state = MEMBER_IN;
            member->beat_us = mr_clock_monotonic_us(cx->plat) + BEAT_US;
            return MR_OK;
        }
        if (!joins_again(member, error) || mr_cx_cancelled(cx)) {
            return mr_control_failed(
                error, (mr_span){0},
                mr_arena_printf(cx->arena, "cannot join group \"%s\"", member->group), cx);
        }
        if (error != MR_KAFKA_MEMBER_ID_REQUIRED) {
            mr_clock_sleep_us(cx->plat, PAUSE_US);
        }
    }
}

static mr_code beat(mr_member *member, mr_cx *cx) {
    mr_wire_heartbeat_request request = {.group_id = mr_span_of(member->group),
                                         .generation_id = member->generation,
                                         .member_id = mr_span_of(member->id)};
    mr_wire_heartbeat_response response;
    mr_link_call call = {MR_KEY_heartbeat, INT16_MAX, &request, &response};
    member->beat_us = mr_clock_monotonic_us(cx->plat) + BEAT_US;
    MR_TRY(ask(member, &call, ANSWER_US, cx));
    if (response.error_code == 0) {
        return MR_OK;
    }
    if (!joins_again(member, response.error_code)) {
        return mr_control_failed(response.error_code, (mr_span){0}, "the group does not hear us",
                                 cx);
    }
    member->state = MEMBER_LEAVING;
    return MR_OK;
}

mr_code mr_member_turn(mr_member *member, bool *ret_leaving, bool *ret_moved, mr_cx *cx) {
    *ret_leaving = false;
    *ret_moved = false;
    if (member->state == MEMBER_IN) {
        if (mr_clock_monotonic_us(cx->plat) >= member->beat_us) {
            MR_TRY(beat(member, cx));
        }
        *ret_leaving = member->state == MEMBER_LEAVING;
        return MR_OK;
    }
    MR_TRY(join_and_sync(member, cx));
    *ret_moved = true;
    return MR_OK;
}
