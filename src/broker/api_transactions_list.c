// Api of who looks at transactions: DescribeTransactions, ListTransactions, DescribeProducers.
//
// Also: mr_api_

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "broker/api.h"
#include "broker/topics.h"
#include "broker/transactions.h"

#define MATCH_LIMIT 100000  // A pattern that takes longer matches nothing.

// ---- DescribeTransactions --------------------------------------------------------------------

// The members by topic, as far as the caller may see them.
static void describe_members(const mr_call *call, const mr_transaction *now,
                             mr_wire_describe_transactions_state *state) {
    state->topics =
        MR_NEW_ARRAY(call->arena, mr_wire_describe_transactions_topic, now->member_count);
    int32_t *numbers = MR_NEW_ARRAY(call->arena, int32_t, now->member_count);
    mr_wire_describe_transactions_topic *last = NULL;
    for (uint32_t i = 0; i < now->member_count; i++) {
        const mr_transaction_member *member = &now->members[i];
        if (!mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_TOPIC, member->topic)) {
            continue;
        }
        if (last == NULL || !mr_span_equal(last->topic, member->topic)) {
            last = &state->topics[state->topics_count++];
            last->topic = member->topic;
            last->partitions = numbers + i;
        }
        last->partitions[last->partitions_count++] = member->partition;
    }
}

static void describe(mr_call *call, mr_span id, mr_wire_describe_transactions_state *state,
                     mr_cx *cx) {
    mr_transaction now;
    state->transactional_id = id;
    state->transaction_state = MR_SPAN("");
    if (!mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_TRANSACTIONAL_ID, id)) {
        state->error_code = MR_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    } else if (id.bytes == 0) {
        state->error_code = MR_KAFKA_INVALID_REQUEST;
    } else if (!mr_transactions_find(mr_broker_transactions(call->broker), id, &now, cx)) {
        state->error_code = MR_KAFKA_TRANSACTIONAL_ID_NOT_FOUND;
    } else {
        state->transaction_state = mr_span_of(mr_transaction_state_name(now.state));
        state->transaction_timeout_ms = now.timeout_ms;
        state->transaction_start_time_ms = now.start_ms;
        state->producer_id = now.producer_id;
        state->producer_epoch = now.epoch;
        describe_members(call, &now, state);
    }
}

void mr_api_describe_transactions(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_transactions_request *request = call->request;
    mr_wire_describe_transactions_response *response = call->response;
    int32_t count = request->transactional_ids_count;
    response->transaction_states =
        MR_NEW_ARRAY(call->arena, mr_wire_describe_transactions_state, (size_t)count);
    response->transaction_states_count = count;
    for (int32_t i = 0; i < count; i++) {
        describe(call, request->transactional_ids[i], &response->transaction_states[i], cx);
    }
}

// ---- ListTransactions ------------------------------------------------------------------------

typedef struct filter {
    const mr_wire_list_transactions_request *request;
    uint32_t states;  // Bits of those asked for.
    int64_t now_ms;
    pcre2_code *pattern;  // NULL = any id.
    pcre2_match_data *match;
    pcre2_match_context *limits;
} filter;

// False: the pattern is none.
static bool filter_pattern(filter *f) {
    mr_span pattern = f->request->transactional_id_pattern;
    if (pattern.bytes == 0) {
        return true;
    }
    int error;
    size_t place;
    f->pattern =
        pcre2_compile((PCRE2_SPTR)pattern.data, pattern.bytes,
                      PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF, &error, &place, NULL);
    if (f->pattern == NULL) {
        return false;
    }
    f->match = pcre2_match_data_create_from_pattern(f->pattern, NULL);
    f->limits = pcre2_match_context_create(NULL);
    mr_assert(f->match != NULL && f->limits != NULL);
    pcre2_set_match_limit(f->limits, MATCH_LIMIT);
    return true;
}

static bool filter_passes(const filter *f, const mr_transaction *now) {
    const mr_wire_list_transactions_request *request = f->request;
    bool passes = request->state_filters_count <= 0 || (f->states >> now->state & 1) != 0;
    bool found = request->producer_id_filters_count <= 0;
    for (int32_t i = 0; i < request->producer_id_filters_count; i++) {
        found = found || request->producer_id_filters[i] == now->producer_id;
    }
    if (request->duration_filter >= 0 && f->now_ms - now->start_ms <= request->duration_filter) {
        passes = false;
    }
    return passes && found &&
           (f->pattern == NULL || pcre2_match(f->pattern, (PCRE2_SPTR)now->id.data, now->id.bytes,
                                              0, 0, f->match, f->limits) >= 0);
}

// The states asked for; names that are none are answered as such.
static void filter_states(mr_call *call, filter *f, mr_wire_list_transactions_response *response) {
    int32_t count = f->request->state_filters_count;
    response->unknown_state_filters = MR_NEW_ARRAY(call->arena, mr_span, (size_t)MR_MAX(count, 0));
    for (int32_t i = 0; i < count; i++) {
        mr_transaction_state state;
        if (mr_transaction_state_of(f->request->state_filters[i], &state)) {
            f->states |= 1u << state;
        } else {
            response->unknown_state_filters[response->unknown_state_filters_count++] =
                f->request->state_filters[i];
        }
    }
}

void mr_api_list_transactions(mr_call *call, mr_cx *cx) {
    mr_wire_list_transactions_response *response = call->response;
    filter f = {.request = call->request, .now_ms = mr_broker_now_ms(call->broker)};
    filter_states(call, &f, response);
    if (!filter_pattern(&f)) {
        response->error_code = MR_KAFKA_INVALID_REGULAR_EXPRESSION;
        return;
    }
    uint32_t count;
    mr_transaction *list = mr_transactions_list(mr_broker_transactions(call->broker), &count, cx);
    response->transaction_states =
        MR_NEW_ARRAY(call->arena, mr_wire_list_transactions_state, count);
    for (uint32_t i = 0; i < count; i++) {
        if (filter_passes(&f, &list[i]) &&
            mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_TRANSACTIONAL_ID, list[i].id)) {
            response->transaction_states[response->transaction_states_count++] =
                (mr_wire_list_transactions_state){
                    list[i].id, list[i].producer_id,
                    mr_span_of(mr_transaction_state_name(list[i].state))};
        }
    }
    pcre2_code_free(f.pattern);
    pcre2_match_data_free(f.match);
    pcre2_match_context_free(f.limits);
}

// ---- DescribeProducers -----------------------------------------------------------------------

static int16_t producers_check(const mr_call *call, mr_span name, const mr_topic *topic) {
    if (!mr_topics_name_is_valid(name)) {
        return MR_KAFKA_INVALID_TOPIC_EXCEPTION;
    }
    if (!mr_call_may(call, MR_OPERATION_READ, MR_RESOURCE_TOPIC, name)) {
        return MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
    }
    return topic == NULL ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : MR_KAFKA_NONE;
}

static void producers_of(mr_call *call, mr_log *log, mr_wire_describe_producers_found *found,
                         mr_cx *cx) {
    mr_log_producer *producers;
    uint32_t count;
    mr_log_producers(log, &producers, &count, cx);
    found->active_producers = MR_NEW_ARRAY(call->arena, mr_wire_describe_producers_producer, count);
    found->active_producers_count = (int32_t)count;
    for (uint32_t i = 0; i < count; i++) {
        found->active_producers[i] = (mr_wire_describe_producers_producer){
            .producer_id = producers[i].producer_id,
            .producer_epoch = producers[i].epoch,
            .last_sequence = producers[i].last_sequence,
            .last_timestamp = producers[i].last_timestamp_ms,
            .coordinator_epoch = producers[i].coordinator_epoch,
            .current_txn_start_offset = producers[i].transaction_start};
    }
}

static void describe_producers(mr_call *call, const mr_wire_describe_producers_topic *wish,
                               mr_wire_describe_producers_found_topic *ret, mr_cx *cx) {
    mr_topic *topic = mr_topics_find(mr_broker_topics(call->broker), wish->name);
    int16_t error = producers_check(call, wish->name, topic);
    int32_t count = wish->partition_indexes_count;
    ret->name = wish->name;
    ret->partitions = MR_NEW_ARRAY(call->arena, mr_wire_describe_producers_found, (size_t)count);
    ret->partitions_count = count;
    for (int32_t i = 0; i < count; i++) {
        mr_wire_describe_producers_found *found = &ret->partitions[i];
        found->partition_index = wish->partition_indexes[i];
        mr_topic_partition *partition =
            error == MR_KAFKA_NONE ? mr_topic_partition_of(topic, wish->partition_indexes[i])
                                   : NULL;
        if (partition != NULL) {
            producers_of(call, partition->log, found, cx);
            continue;
        }
        found->error_code = error == MR_KAFKA_NONE ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : error;
        found->error_message = mr_span_of(mr_kafka_error_text(found->error_code));
    }
    mr_topic_release(topic);
}

void mr_api_describe_producers(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_producers_request *request = call->request;
    mr_wire_describe_producers_response *response = call->response;
    response->topics = MR_NEW_ARRAY(call->arena, mr_wire_describe_producers_found_topic,
                                    (size_t)MR_MAX(request->topics_count, 0));
    response->topics_count = MR_MAX(request->topics_count, 0);
    for (int32_t i = 0; i < request->topics_count; i++) {
        describe_producers(call, &request->topics[i], &response->topics[i], cx);
    }
}
