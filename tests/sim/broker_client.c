// Clients of the simulated broker: producers of three kinds, a reader, and a group that commits.
//
// Each has one request under way and knows what a real one would: after a crash it sends the same
// again. They do not share ids, so what one is told of its transaction is true.

#include <stdio.h>
#include <string.h>

#include "broker/call.h"
#include "codec/kafka_error.h"
#include "codec/record_batch.h"
#include "runner.h"
#include "sim/broker_history.h"
#include "wire/schema.h"

typedef enum kind { IDEMPOTENT, TRANSACTIONAL_0, TRANSACTIONAL_2, READER, COMMITTER } kind;

static const kind kinds[] = {IDEMPOTENT,      IDEMPOTENT,      TRANSACTIONAL_0, TRANSACTIONAL_0,
                             TRANSACTIONAL_2, TRANSACTIONAL_2, READER,          COMMITTER};

typedef enum activity {
    NOTHING,
    INIT,
    ADDING,
    PRODUCING,
    ADDING_OFFSETS,
    OFFSETS,
    ENDING,
    FETCHING,
    COMMITTING,
    ASKING_OFFSET,
} activity;

struct client {
    kind kind;
    int32_t number;
    const char *name;
    asking asking;
    activity doing;
    bool again;  // The same request is to be sent once more.
    // A producer.
    int64_t producer_id;
    int16_t epoch;
    int32_t sequence[TOPIC_PARTITIONS];
    bool ready;
    int32_t partition;  // What is being written.
    int32_t first;
    int32_t count;
    // A transaction.
    int32_t end;  // -1 = none is open.
    bool joined[TOPIC_PARTITIONS];
    bool offsets_joined;
    bool commits;       // What the end that is under way asks for.
    bool commit_asked;  // Without an answer so far.
    int64_t offset;     // Within it; -1 = none.
    // A group: what was promised, and what may be besides.
    int64_t promised;
    int64_t possible;
    reading reading;
};

void clients_make(world *w) {
    w->client_count = MR_COUNT(kinds);
    w->clients = MR_NEW_ARRAY(&w->arena, client, w->client_count);
    for (uint32_t i = 0; i < w->client_count; i++) {
        client *c = &w->clients[i];
        c->kind = kinds[i];
        c->number = (int32_t)i;
        c->name = mr_arena_printf(&w->arena, "client-%u", i);
        c->end = -1;
        c->offset = c->promised = c->possible = -1;
        c->reading =
            (reading){.committed = true, .seen = w->history.seen, .count = &w->history.seen_count};
    }
}

void clients_lose_calls(world *w) {
    for (uint32_t i = 0; i < w->client_count; i++) {
        client *c = &w->clients[i];
        if (c->asking.call != NULL) {
            mr_broker_forget(w->broker, c->asking.call);
            c->asking.call = NULL;
            c->again = true;
        }
    }
}

bool clients_are_done(const world *w) {
    for (uint32_t i = 0; i < w->client_count; i++) {
        const client *c = &w->clients[i];
        if (c->doing != NOTHING || c->asking.call != NULL || c->end != -1) {
            return false;
        }
    }
    return true;
}

static bool is_transactional(const client *c) {
    return c->kind == TRANSACTIONAL_0 || c->kind == TRANSACTIONAL_2;
}

// ---- requests --------------------------------------------------------------------------------

static bool send_init(world *w, client *c) {
    mr_wire_init_producer_id_request request = {
        .transactional_id = is_transactional(c) ? mr_span_of(c->name) : (mr_span){NULL, 0},
        .transaction_timeout_ms = 60000,
        .producer_id = -1,
        .producer_epoch = -1};
    return world_send(w, &c->asking, MR_KEY_init_producer_id, 4, &request);
}

static bool send_add(world *w, client *c) {
    mr_wire_add_partitions_to_txn_topic topic = {
        .name = MR_SPAN("t"), .partitions = &c->partition, .partitions_count = 1};
    mr_wire_add_partitions_to_txn_request request = {.v3_and_below_transactional_id =
                                                         mr_span_of(c->name),
                                                     .v3_and_below_producer_id = c->producer_id,
                                                     .v3_and_below_producer_epoch = c->epoch,
                                                     .v3_and_below_topics = &topic,
                                                     .v3_and_below_topics_count = 1};
    return world_send(w, &c->asking, MR_KEY_add_partitions_to_txn, 3, &request);
}

// The batch that is being written: one record for each of its writes.
static mr_span batch_of(world *w, const client *c) {
    mr_text records, batch;
    mr_text_init(&records, &w->scratch);
    mr_text_init(&batch, &w->scratch);
    for (int32_t i = 0; i < c->count; i++) {
        int32_t value = c->first + i;
        mr_record_new record = {.offset_delta = i, .value = {(const char *)&value, sizeof(value)}};
        mr_record_add(&record, &records);
    }
    mr_record_batch head = {.last_offset = c->count - 1,
                            .attributes = is_transactional(c) ? MR_RECORD_BATCH_TRANSACTIONAL : 0,
                            .base_timestamp_ms = mr_clock_real_us(w->plat) / 1000,
                            .max_timestamp_ms = mr_clock_real_us(w->plat) / 1000,
                            .producer_id = c->producer_id,
                            .producer_epoch = c->epoch,
                            .base_sequence = c->sequence[c->partition],
                            .record_count = (uint32_t)c->count};
    if (mr_record_batch_add(&head, mr_text_span(&records), &batch, &w->cx) != MR_OK) {
        history_wrong(&w->history, "no batch: %s", w->cx.error.text);
    }
    return mr_text_span(&batch);
}

static bool send_produce(world *w, client *c) {
    mr_wire_produce_partition partition = {.index = c->partition, .records = batch_of(w, c)};
    mr_wire_produce_topic topic = {
        .name = MR_SPAN("t"), .partition_data = &partition, .partition_data_count = 1};
    mr_wire_produce_request request = {.transactional_id = is_transactional(c) ? mr_span_of(c->name)
                                                                               : (mr_span){NULL, 0},
                                       .acks = -1,
                                       .timeout_ms = 2000,
                                       .topic_data = &topic,
                                       .topic_data_count = 1};
    int16_t version = c->kind == TRANSACTIONAL_2 ? 12 : c->kind == TRANSACTIONAL_0 ? 9 : 8;
    return world_send(w, &c->asking, MR_KEY_produce, version, &request);
}

static bool send_add_offsets(world *w, client *c) {
    mr_wire_add_offsets_to_txn_request request = {.transactional_id = mr_span_of(c->name),
                                                  .producer_id = c->producer_id,
                                                  .producer_epoch = c->epoch,
                                                  .group_id = mr_span_of(c->name)};
    return world_send(w, &c->asking, MR_KEY_add_offsets_to_txn, 3, &request);
}

static bool send_offsets(world *w, client *c) {
    mr_wire_txn_offset_commit_partition partition = {.committed_offset = c->offset,
                                                     .committed_leader_epoch = -1};
    mr_wire_txn_offset_commit_topic topic = {
        .name = MR_SPAN("t"), .partitions = &partition, .partitions_count = 1};
    mr_wire_txn_offset_commit_request request = {.transactional_id = mr_span_of(c->name),
                                                 .group_id = mr_span_of(c->name),
                                                 .producer_id = c->producer_id,
                                                 .producer_epoch = c->epoch,
                                                 .generation_id = -1,
                                                 .member_id = MR_SPAN(""),
                                                 .topics = &topic,
                                                 .topics_count = 1};
    return world_send(w, &c->asking, MR_KEY_txn_offset_commit, c->kind == TRANSACTIONAL_2 ? 5 : 3,
                      &request);
}

static bool send_end(world *w, client *c) {
    mr_wire_end_txn_request request = {.transactional_id = mr_span_of(c->name),
                                       .producer_id = c->producer_id,
                                       .producer_epoch = c->epoch,
                                       .committed = c->commits};
    c->commit_asked = c->commit_asked || c->commits;
    return world_send(w, &c->asking, MR_KEY_end_txn, c->kind == TRANSACTIONAL_2 ? 5 : 3, &request);
}

static bool send_commit(world *w, client *c) {
    mr_wire_offset_commit_partition partition = {.committed_offset = c->possible,
                                                 .committed_leader_epoch = -1};
    mr_wire_offset_commit_topic topic = {
        .name = MR_SPAN("t"), .partitions = &partition, .partitions_count = 1};
    mr_wire_offset_commit_request request = {.group_id = mr_span_of(c->name),
                                             .generation_id_or_member_epoch = -1,
                                             .member_id = MR_SPAN(""),
                                             .retention_time_ms = -1,
                                             .topics = &topic,
                                             .topics_count = 1};
    return world_send(w, &c->asking, MR_KEY_offset_commit, 7, &request);
}

static void offset_request(world *w, const client *c, mr_wire_offset_fetch_request *ret) {
    mr_wire_offset_fetch_topic *topic = MR_NEW(&w->scratch, mr_wire_offset_fetch_topic);
    int32_t *partition = MR_NEW(&w->scratch, int32_t);
    *topic = (mr_wire_offset_fetch_topic){
        .name = MR_SPAN("t"), .partition_indexes = partition, .partition_indexes_count = 1};
    *ret = (mr_wire_offset_fetch_request){.group_id = mr_span_of(c->name),
                                          .topics = topic,
                                          .topics_count = 1,
                                          .require_stable = true};
}

static bool send_doing(world *w, client *c) {
    mr_wire_offset_fetch_request offset;
    mr_wire_fetch_request fetch;
    switch (c->doing) {
    case INIT: return send_init(w, c);
    case ADDING: return send_add(w, c);
    case PRODUCING: return send_produce(w, c);
    case ADDING_OFFSETS: return send_add_offsets(w, c);
    case OFFSETS: return send_offsets(w, c);
    case ENDING: return send_end(w, c);
    case COMMITTING: return send_commit(w, c);
    case FETCHING:
        reading_request(&c->reading, c->partition, w, &fetch);
        return world_send(w, &c->asking, MR_KEY_fetch, 11, &fetch);
    case ASKING_OFFSET:
        offset_request(w, c, &offset);
        return world_send(w, &c->asking, MR_KEY_offset_fetch, 7, &offset);
    case NOTHING: break;
    }
    return false;
}

static void begin(world *w, client *c, activity what) {
    c->doing = what;
    c->again = !send_doing(w, c);
}

// ---- what a producer does next ----------------------------------------------------------------

// What was open is over for this instance; the next InitProducerId aborts it.
static void give_up(world *w, client *c) {
    if (c->end != -1) {
        w->history.ends[c->end] = c->commit_asked ? END_UNKNOWN : END_ABORTED;
        if (c->commit_asked && c->offset != -1) {
            c->possible = c->offset;
        }
    }
    c->end = -1;
    c->offset = -1;
    c->commit_asked = false;
    c->ready = false;
    c->doing = NOTHING;
}

static void next_write(world *w, client *c) {
    c->partition = (int32_t)world_draw(w, TOPIC_PARTITIONS);
    c->count = 1 + (int32_t)world_draw(w, 3);
    c->first = w->history.write_count;
    for (int32_t i = 0; i < c->count; i++) {
        (void)history_write_new(&w->history, c->number, c->partition, c->end);
    }
    begin(w, c, c->kind == TRANSACTIONAL_0 && !c->joined[c->partition] ? ADDING : PRODUCING);
}

static void next_of_transaction(world *w, client *c) {
    uint32_t dice = world_draw(w, 10);
    if (c->end == -1) {
        if (w->quiet) {
            return;
        }
        c->end = history_end_new(&w->history);
        memset(c->joined, 0, sizeof(c->joined));
        c->offsets_joined = false;
        next_write(w, c);
    } else if (w->quiet || dice < 4) {
        c->commits = world_draw(w, 10) < 7;
        begin(w, c, ENDING);
    } else if (dice < 6) {
        c->offset = MR_MAX(c->promised, c->possible) + 1 + (int64_t)world_draw(w, 5);
        begin(w, c, c->kind == TRANSACTIONAL_0 && !c->offsets_joined ? ADDING_OFFSETS : OFFSETS);
    } else if (dice == 6 && world_draw(w, 4) == 0) {
        give_up(w, c);  // It dies with an open transaction.
    } else {
        next_write(w, c);
    }
}

static void next(world *w, client *c) {
    switch (c->kind) {
    case IDEMPOTENT:
        if (!w->quiet) {
            c->ready ? next_write(w, c) : begin(w, c, INIT);
        }
        return;
    case TRANSACTIONAL_0:
    case TRANSACTIONAL_2:
        if (c->ready) {
            next_of_transaction(w, c);
        } else if (!w->quiet) {
            begin(w, c, INIT);
        }
        return;
    case READER:
        if (!w->quiet) {
            c->partition = (int32_t)world_draw(w, TOPIC_PARTITIONS);
            begin(w, c, FETCHING);
        }
        return;
    case COMMITTER:
        if (!w->quiet) {
            c->possible = MR_MAX(c->possible, c->promised) + 1;
            begin(w, c, world_draw(w, 2) == 0 ? COMMITTING : ASKING_OFFSET);
        }
        return;
    }
}

// ---- answers ---------------------------------------------------------------------------------

static bool is_retriable(int16_t error) {
    return error == MR_KAFKA_KAFKA_STORAGE_ERROR || error == MR_KAFKA_COORDINATOR_NOT_AVAILABLE ||
           error == MR_KAFKA_NOT_COORDINATOR || error == MR_KAFKA_COORDINATOR_LOAD_IN_PROGRESS ||
           error == MR_KAFKA_REQUEST_TIMED_OUT || error == MR_KAFKA_CONCURRENT_TRANSACTIONS ||
           error == MR_KAFKA_NOT_LEADER_OR_FOLLOWER || error == MR_KAFKA_UNSTABLE_OFFSET_COMMIT;
}

static bool is_abortable(int16_t error) {
    return error == MR_KAFKA_TRANSACTION_ABORTABLE || error == MR_KAFKA_INVALID_PRODUCER_EPOCH;
}

// True when the answer was good. Else what is to be done is decided.
static bool went_well(world *w, client *c, int16_t error) {
    if (error == MR_KAFKA_NONE) {
        return true;
    }
    if (is_retriable(error)) {
        c->again = true;
    } else if (c->kind == IDEMPOTENT || c->kind == COMMITTER || c->kind == READER) {
        history_wrong(&w->history, "%s was refused: %s", c->name, mr_kafka_error_name(error));
    } else if (is_abortable(error) && c->doing != ENDING) {
        c->commits = false;
        begin(w, c, ENDING);
    } else {
        give_up(w, c);
    }
    return false;
}

static void take_init(world *w, client *c, const mr_wire_init_producer_id_response *r) {
    if (went_well(w, c, r->error_code)) {
        c->producer_id = r->producer_id;
        c->epoch = r->producer_epoch;
        memset(c->sequence, 0, sizeof(c->sequence));
        c->ready = true;
        c->doing = NOTHING;
    }
}

static void take_produce(world *w, client *c, const mr_wire_produce_response *r) {
    const mr_wire_produce_done *done = &r->responses[0].partition_responses[0];
    if (!went_well(w, c, done->error_code)) {
        return;
    }
    for (int32_t i = 0; i < c->count; i++) {
        w->history.writes[c->first + i].state = WRITE_ACKED;
        w->history.writes[c->first + i].offset = done->base_offset + i;
    }
    c->sequence[c->partition] += c->count;
    c->doing = NOTHING;
}

static void take_end(world *w, client *c, const mr_wire_end_txn_response *r) {
    if (is_retriable(r->error_code)) {
        c->again = true;
        return;
    }
    if (r->error_code != MR_KAFKA_NONE) {
        give_up(w, c);
        return;
    }
    w->history.ends[c->end] = c->commits ? END_COMMITTED : END_ABORTED;
    if (c->commits && c->offset != -1) {
        c->promised = c->possible = c->offset;
        w->history.offset_count++;
    }
    if (c->kind == TRANSACTIONAL_2) {
        if (r->producer_id == c->producer_id && r->producer_epoch <= c->epoch) {
            history_wrong(&w->history, "%s: an end did not raise its epoch", c->name);
        }
        c->producer_id = r->producer_id;
        c->epoch = r->producer_epoch;
        memset(c->sequence, 0, sizeof(c->sequence));
    }
    c->end = -1;
    c->offset = -1;
    c->commit_asked = false;
    c->doing = NOTHING;
}

static void check_offset(world *w, const client *c, int64_t found) {
    if (found < c->promised || found > MR_MAX(c->possible, c->promised)) {
        history_wrong(&w->history, "%s: its offset is %lld; promised was %lld, at most %lld",
                      c->name, (long long)found, (long long)c->promised, (long long)c->possible);
    }
}

static void take(world *w, client *c, const void *response) {
    switch (c->doing) {
    case INIT: take_init(w, c, response); return;
    case ADDING: {
        const mr_wire_add_partitions_to_txn_response *r = response;
        int16_t error =
            r->results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
        if (went_well(w, c, error)) {
            c->joined[c->partition] = true;
            begin(w, c, PRODUCING);
        }
        return;
    }
    case PRODUCING: take_produce(w, c, response); return;
    case ADDING_OFFSETS:
        if (went_well(w, c, ((const mr_wire_add_offsets_to_txn_response *)response)->error_code)) {
            c->offsets_joined = true;
            begin(w, c, OFFSETS);
        }
        return;
    case OFFSETS: {
        const mr_wire_txn_offset_commit_response *r = response;
        if (went_well(w, c, r->topics[0].partitions[0].error_code)) {
            c->doing = NOTHING;
        }
        return;
    }
    case ENDING: take_end(w, c, response); return;
    case FETCHING: {
        const mr_wire_fetch_response *r = response;
        if (went_well(w, c, r->responses[0].partitions[0].error_code)) {
            reading_take(&c->reading, w, response);
            c->doing = NOTHING;
        }
        return;
    }
    case COMMITTING: {
        const mr_wire_offset_commit_response *r = response;
        if (went_well(w, c, r->topics[0].partitions[0].error_code)) {
            c->promised = c->possible;
            c->doing = NOTHING;
        }
        return;
    }
    case ASKING_OFFSET: {
        const mr_wire_offset_fetch_response *r = response;
        int16_t error = r->error_code != 0 ? r->error_code : r->topics[0].partitions[0].error_code;
        if (went_well(w, c, error)) {
            check_offset(w, c, r->topics[0].partitions[0].committed_offset);
            c->doing = NOTHING;
        }
        return;
    }
    case NOTHING: break;
    }
}

static union answer {
    mr_wire_init_producer_id_response init;
    mr_wire_add_partitions_to_txn_response add;
    mr_wire_produce_response produce;
    mr_wire_add_offsets_to_txn_response add_offsets;
    mr_wire_txn_offset_commit_response offsets;
    mr_wire_end_txn_response end;
    mr_wire_fetch_response fetch;
    mr_wire_offset_commit_response commit;
    mr_wire_offset_fetch_response offset;
} answer;

void clients_step(world *w) {
    client *c = &w->clients[world_draw(w, w->client_count)];
    if (c->asking.call != NULL) {
        if (world_take(w, &c->asking, &answer)) {
            take(w, c, &answer);
        }
    } else if (c->doing != NOTHING) {
        if (c->again && c->doing == PRODUCING && is_transactional(c) && world_draw(w, 8) == 0) {
            // As librdkafka: it gives up what was not answered, and its sequence number is the next
            // one's.
            c->commits = false;
            begin(w, c, ENDING);
        } else if (c->again) {
            begin(w, c, c->doing);
        }
    } else {
        next(w, c);
    }
}

void clients_check(world *w) {
    for (uint32_t i = 0; i < w->client_count; i++) {
        client *c = &w->clients[i];
        if (c->kind == IDEMPOTENT || c->kind == READER) {
            continue;
        }
        mr_wire_offset_fetch_request request;
        offset_request(w, c, &request);
        mr_code code = world_ask(w, MR_KEY_offset_fetch, 7, &request, &answer.offset);
        const mr_wire_offset_fetch_response *r = &answer.offset;
        if (code != MR_OK || r->error_code != 0 || r->topics[0].partitions[0].error_code != 0) {
            history_wrong(&w->history, "%s: no offset in the end: %s", c->name,
                          code != MR_OK ? w->cx.error.text
                          : r->error_code != 0
                              ? mr_kafka_error_name(r->error_code)
                              : mr_kafka_error_name(r->topics[0].partitions[0].error_code));
        } else {
            check_offset(w, c, r->topics[0].partitions[0].committed_offset);
        }
    }
}
