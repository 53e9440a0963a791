// Api, fetch: records from logs to a client.
//
// How: each partition gives a run of whole batches of one segment file, up to the high watermark
// (or to the first open transaction); the answer names them and the kernel sends them from its page
// cache, so no record passes through this process. (Small runs are copied all the same: that costs
// less than a system call of their own.) When there is less than the client wants, the
// call is parked until one of its partitions moves or the time is up, and looks again.
//
// What is to be fetched is the request's list, or that of its session: fetch_session.h.
//
// Also: mr_api_

#include <string.h>

#include "broker/api.h"
#include "broker/fetch_session.h"
#include "broker/topics.h"

#define ANSWER_BYTES_MAX ((uint64_t)55 << 20)  // Kafka's fetch.max.bytes of a broker.
#define COPY_BYTES_MAX   ((uint64_t)16 << 10)
#define WAIT_MS_MAX      (5 * 60 * 1000)  // A client that wants more asks again.

typedef struct fetch_part {
    mr_topic_partition *partition;  // NULL: there is none.
    const mr_wire_fetch_partition *wish;
    mr_wire_fetch_data *data;
    mr_log_slice slice;  // A reference while bytes > 0, until it is attached.
    int16_t error;       // Of the topic.
} fetch_part;

typedef struct fetch_state {
    fetch_part *parts;
    uint32_t part_count;
    mr_wire_fetch_data *data;  // part_count of them.
    mr_fetch_plan plan;        // The same number of wishes.
    mr_topic **topics;         // References.
    uint32_t topic_count;
    int64_t deadline_us;
    bool failed;  // Some partition has an error to be told.
} fetch_state;

static void slices_release(fetch_state *state) {
    for (uint32_t i = 0; i < state->part_count; i++) {
        if (state->parts[i].slice.bytes > 0) {
            mr_log_slice_release(&state->parts[i].slice);
            state->parts[i].slice = (mr_log_slice){0};
        }
    }
}

static void fetch_release(mr_call *call) {
    fetch_state *state = call->state;
    slices_release(state);
    for (uint32_t i = 0; i < state->topic_count; i++) {
        mr_topic_release(state->topics[i]);
    }
}

static bool is_committed(const mr_call *call) {
    return ((const mr_wire_fetch_request *)call->request)->isolation_level == 1;
}

// ---- reading -----------------------------------------------------------------------------------

static int16_t read_part(mr_call *call, fetch_part *part, uint64_t bytes_max, bool at_least_one,
                         mr_cx *cx) {
    if (part->partition == NULL) {
        return part->error;
    }
    if (part->wish->current_leader_epoch > 0) {
        return MR_KAFKA_UNKNOWN_LEADER_EPOCH;
    }
    mr_log_wish wish = {.offset = part->wish->fetch_offset,
                        .bytes_max = bytes_max,
                        .at_least_one = at_least_one,
                        .isolation = is_committed(call) ? MR_LOG_COMMITTED : MR_LOG_UNCOMMITTED};
    int16_t error = MR_KAFKA_NONE;
    if (mr_log_read(part->partition->log, &wish, &part->slice, &error, cx) != MR_OK) {
        mr_broker_say(call->broker, "cannot read %s-%d: %s", part->partition->topic->name,
                      part->partition->number, cx->error.text);
        part->slice = (mr_log_slice){0};
        return MR_KAFKA_KAFKA_STORAGE_ERROR;
    }
    return error;
}

// Reads all partitions; returns how many bytes there are.
static uint64_t read_all(mr_call *call, mr_cx *cx) {
    fetch_state *state = call->state;
    const mr_wire_fetch_request *q = call->request;
    uint64_t most = MR_MIN((uint64_t)MR_MAX(q->max_bytes, 0), ANSWER_BYTES_MAX);
    uint64_t bytes = 0;
    slices_release(state);
    state->failed = false;
    for (uint32_t i = 0; i < state->part_count; i++) {
        fetch_part *part = &state->parts[i];
        uint64_t own = (uint64_t)MR_MAX(part->wish->partition_max_bytes, 0);
        // The first batch of all goes out however large it is, or a client would never get past it.
        uint64_t left = most > bytes ? most - bytes : 0;
        part->data->error_code =
            read_part(call, part, MR_MIN(own, left), /* at_least_one= */ bytes == 0, cx);
        state->failed |= part->data->error_code != MR_KAFKA_NONE;
        bytes += part->slice.bytes;
    }
    return bytes;
}

// ---- answering ---------------------------------------------------------------------------------

static void aborted_fill(fetch_part *part, mr_cx *cx) {
    mr_log_aborted *list = NULL;
    uint32_t count = 0;
    bool stale = false;
    if (part->slice.bytes > 0) {
        mr_log_aborted_of(part->partition->log, &part->slice, &list, &count, &stale, cx);
    }
    if (stale) {  // As if nothing was there yet: the client asks again, and meets what is there.
        mr_log_slice_release(&part->slice);
    }
    part->data->aborted_transactions_count = (int32_t)count;
    part->data->aborted_transactions = MR_NEW_ARRAY(cx->arena, mr_wire_fetch_aborted, count);
    for (uint32_t i = 0; i < count; i++) {
        part->data->aborted_transactions[i] =
            (mr_wire_fetch_aborted){list[i].producer_id, list[i].first_offset};
    }
}

static mr_code records_fill(mr_call *call, fetch_part *part, mr_cx *cx) {
    size_t bytes = part->slice.bytes;
    if (bytes > COPY_BYTES_MAX) {
        part->data->records = mr_call_attach(call, &part->slice);
        part->slice = (mr_log_slice){0};  // The call's now.
        return MR_OK;
    }
    char *copy = mr_arena_raw(cx->arena, bytes);
    MR_TRY(mr_log_slice_load(&part->slice, 0, copy, bytes, cx));
    part->data->records = (mr_span){copy, bytes};
    return MR_OK;
}

static void part_answer(mr_call *call, fetch_part *part, mr_cx *cx) {
    mr_wire_fetch_data *data = part->data;
    data->partition_index = part->wish->partition;
    data->aborted_transactions_count = -1;
    data->records = MR_SPAN("");
    data->high_watermark = -1;
    if (part->partition == NULL) {
        return;
    }
    mr_log_marks marks = mr_log_marks_of(part->partition->log);
    data->high_watermark = marks.high;
    data->last_stable_offset = marks.stable;
    data->log_start_offset = marks.first;
    if (is_committed(call)) {
        aborted_fill(part, cx);
    }
    if (part->slice.bytes > 0 && records_fill(call, part, cx) != MR_OK) {
        mr_broker_say(call->broker, "cannot read %s-%d: %s", part->partition->topic->name,
                      part->partition->number, cx->error.text);
        data->error_code = MR_KAFKA_KAFKA_STORAGE_ERROR;
    }
}

static bool same_topic(const mr_fetch_wish *a, const mr_fetch_wish *b) {
    return mr_span_equal(a->topic, b->topic) &&
           memcmp(&a->topic_id, &b->topic_id, sizeof(mr_wire_uuid)) == 0;
}

// The parts that are told, those of a topic that follow each other together.
static void response_fill(mr_call *call, const bool *told, mr_cx *cx) {
    const fetch_state *state = call->state;
    mr_wire_fetch_response *r = call->response;
    r->responses = MR_NEW_ARRAY(cx->arena, mr_wire_fetch_data_topic, state->part_count);
    const mr_fetch_wish *before = NULL;
    mr_wire_fetch_data *to = state->data;  // Moved up over those that are not told.
    for (uint32_t i = 0; i < state->part_count; i++) {
        const mr_fetch_wish *wish = &state->plan.wishes[i];
        if (!told[i]) {
            continue;
        }
        if (before == NULL || !same_topic(before, wish)) {
            r->responses[r->responses_count++] = (mr_wire_fetch_data_topic){
                .topic = wish->topic, .topic_id = wish->topic_id, .partitions = to};
        }
        before = wish;
        *to++ = state->data[i];
        r->responses[r->responses_count - 1].partitions_count++;
    }
}

static void fetch_answer(mr_call *call, mr_cx *cx) {
    fetch_state *state = call->state;
    mr_wire_fetch_response *r = call->response;
    uint64_t moved = 0;
    for (uint32_t i = 0; i < state->part_count; i++) {
        moved += state->parts[i].slice.bytes;
        part_answer(call, &state->parts[i], cx);
    }
    bool *told = MR_NEW_ARRAY(cx->arena, bool, state->part_count);
    r->error_code = mr_fetch_sessions_end(mr_broker_fetch_sessions(call->broker), &state->plan,
                                          state->data, told, cx);
    r->session_id = state->plan.session_id;
    if (r->error_code == MR_KAFKA_NONE) {
        response_fill(call, told, cx);
    }
    r->throttle_time_ms = mr_call_throttle(call, MR_QUOTA_FETCH, moved);
}

static void fetch_go_on(mr_call *call, mr_cx *cx) {
    fetch_state *state = call->state;
    const mr_wire_fetch_request *q = call->request;
    for (;;) {
        uint64_t bytes = read_all(call, cx);
        bool enough =
            bytes >= (uint64_t)MR_MAX(q->min_bytes, 0) || state->failed || state->part_count == 0;
        if (enough || mr_clock_monotonic_us(cx->plat) >= state->deadline_us) {
            break;
        }
        if (call->watches != NULL) {
            slices_release(state);
            mr_call_park(call, state->deadline_us, fetch_go_on);
            return;
        }
        for (uint32_t i = 0; i < state->part_count; i++) {
            if (state->parts[i].partition != NULL) {
                mr_call_watch(call, &state->parts[i].partition->watchers);
            }
        }
    }
    fetch_answer(call, cx);
}

// ---- the request -------------------------------------------------------------------------------

static mr_topic *topic_of(mr_call *call, const mr_fetch_wish *in, int16_t *ret_error) {
    mr_topics *topics = mr_broker_topics(call->broker);
    bool by_id = call->head.version >= 13;
    mr_topic *topic =
        by_id ? mr_topics_find_id(topics, &in->topic_id) : mr_topics_find(topics, in->topic);
    mr_span name = topic != NULL ? mr_span_of(topic->name) : in->topic;
    *ret_error = MR_KAFKA_NONE;
    if (topic == NULL) {
        *ret_error = by_id ? MR_KAFKA_UNKNOWN_TOPIC_ID : MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    }
    if ((topic != NULL || !by_id) &&
        !mr_call_may(call, MR_OPERATION_READ, MR_RESOURCE_TOPIC, name)) {
        *ret_error = MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
        mr_topic_release(topic);
        topic = NULL;
    }
    return topic;
}

// Finds what each wish is about.
static void parts_find(mr_call *call, fetch_state *state) {
    mr_topic *topic = NULL;
    int16_t error = MR_KAFKA_NONE;
    for (uint32_t i = 0; i < state->part_count; i++) {
        const mr_fetch_wish *wish = &state->plan.wishes[i];
        if (i == 0 || !same_topic(wish - 1, wish)) {
            topic = topic_of(call, wish, &error);
            if (topic != NULL) {
                state->topics[state->topic_count++] = topic;
            }
        }
        fetch_part *part = &state->parts[i];
        part->wish = &wish->partition;
        part->data = &state->data[i];
        part->partition =
            topic == NULL ? NULL : mr_topic_partition_of(topic, part->wish->partition);
        part->error = error != MR_KAFKA_NONE ? error : MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        mr_wire_clear(&mr_schema_fetch_data, part->data);
    }
}

void mr_api_fetch(mr_call *call, mr_cx *cx) {
    const mr_wire_fetch_request *q = call->request;
    mr_wire_fetch_response *r = call->response;
    fetch_state *state = MR_NEW(cx->arena, fetch_state);
    r->error_code =
        mr_fetch_sessions_begin(mr_broker_fetch_sessions(call->broker), q,
                                /* by_id= */ call->head.version >= 13, &state->plan, cx);
    if (r->error_code != MR_KAFKA_NONE) {
        return;
    }
    state->part_count = state->plan.count;
    state->parts = MR_NEW_ARRAY(cx->arena, fetch_part, state->part_count);
    state->data = MR_NEW_ARRAY(cx->arena, mr_wire_fetch_data, state->part_count);
    state->topics = MR_NEW_ARRAY(cx->arena, mr_topic *, state->part_count);
    int64_t wait_ms = MR_MIN(MR_MAX(q->max_wait_ms, 0), WAIT_MS_MAX);
    state->deadline_us = call->received_us + wait_ms * 1000;
    call->state = state;
    call->release = fetch_release;
    parts_find(call, state);
    fetch_go_on(call, cx);
}
