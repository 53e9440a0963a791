// Nothing lost: a broker on a simulated machine that fails, under many clients; every seed is
// another life.
//
// A seed chooses what the clients do and a schedule of faults: power cuts (what was not synced is
// kept, dropped or torn), kills, ENOSPC, EIO, short writes, failed syncs. After each the broker
// starts again, and the clients go on as real ones do. In the end, when no transaction is open any
// more, all that was acknowledged must be there, at its place, once, in order, transactions whole,
// and no group's offset before the one that was promised. SEED=n repeats one; SIM_SEEDS=n runs n.

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/topics.h"
#include "codec/kafka_error.h"
#include "codec/record_batch.h"
#include "runner.h"
#include "sim/broker_history.h"
#include "wire/schema.h"

#define SEEDS_DEFAULT 300
#define LIVES         5
#define STEPS         400
#define STEPS_QUIET   4000
#define OPENS_MAX     20

// ---- the history -----------------------------------------------------------------------------

void history_init(history *h, mr_arena *arena) {
    h->arena = arena;
    h->writes = MR_NEW_ARRAY(arena, history_write, WRITES_MAX);
    h->ends = MR_NEW_ARRAY(arena, end_state, ENDS_MAX);
    h->seen = MR_NEW_ARRAY(arena, history_seen, SEEN_MAX);
}

void history_wrong(history *h, const char *format, ...) {
    if (h->why != NULL) {
        return;
    }
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    h->why = mr_arena_string(h->arena, text);
}

int32_t history_write_new(history *h, int32_t by, int32_t partition, int32_t end) {
    mr_assert(h->write_count < WRITES_MAX);
    h->writes[h->write_count] =
        (history_write){.client = by, .partition = partition, .end = end, .offset = -1};
    return h->write_count++;
}

int32_t history_end_new(history *h) {
    mr_assert(h->end_count < ENDS_MAX);
    return h->end_count++;
}

// Each write once, in its client's order, and acknowledged ones where it was said.
static void check_all(history *h, const history_seen *all, int32_t count, int64_t *places) {
    int32_t last[TOPIC_PARTITIONS][32];
    memset(last, 0xFF, sizeof(last));
    for (int32_t i = 0; i < h->write_count; i++) {
        places[i] = -1;
    }
    for (int32_t i = 0; i < count; i++) {
        const history_seen *s = &all[i];
        if (s->write < 0 || s->write >= h->write_count ||
            h->writes[s->write].partition != s->partition) {
            history_wrong(h, "invented: %d at t-%d %" PRId64, s->write, s->partition, s->offset);
            return;
        }
        if (places[s->write] != -1) {
            history_wrong(h, "duplicate: %d at t-%d %" PRId64 " and %" PRId64, s->write,
                          s->partition, places[s->write], s->offset);
        }
        places[s->write] = s->offset;
        int32_t *before = &last[s->partition][h->writes[s->write].client];
        if (*before > s->write) {
            history_wrong(h, "order: %d behind %d in t-%d", s->write, *before, s->partition);
        }
        *before = s->write;
    }
    for (int32_t i = 0; i < h->write_count; i++) {
        const history_write *w = &h->writes[i];
        if (w->state == WRITE_ACKED && places[i] != w->offset) {
            history_wrong(h,
                          "lost: %d of client %d, acknowledged at t-%d %" PRId64 ", is at %" PRId64,
                          i, w->client, w->partition, w->offset, places[i]);
        }
    }
}

static void check_committed(history *h, const int64_t *places) {
    for (int32_t i = 0; i < h->write_count; i++) {
        const history_write *w = &h->writes[i];
        bool there = places[i] != -1;
        if (w->end == -1) {
            continue;
        }
        end_state end = h->ends[w->end];
        if (end == END_ABORTED && there) {
            history_wrong(h, "aborted-read: %d of transaction %d", i, w->end);
        } else if (end == END_COMMITTED && w->state == WRITE_ACKED && !there) {
            history_wrong(h, "torn: %d of transaction %d, which was committed", i, w->end);
        } else if (end == END_UNKNOWN && w->state == WRITE_ACKED) {
            for (int32_t j = i + 1; j < h->write_count; j++) {
                const history_write *o = &h->writes[j];
                if (o->end == w->end && o->state == WRITE_ACKED && (places[j] != -1) != there) {
                    history_wrong(h, "torn: %d and %d of transaction %d", i, j, w->end);
                }
            }
        }
    }
}

static void check_seen(history *h, const int64_t *places) {
    int64_t before[TOPIC_PARTITIONS] = {-1, -1, -1};
    for (int32_t i = 0; i < h->seen_count; i++) {
        const history_seen *s = &h->seen[i];
        if (s->write < 0 || s->write >= h->write_count || places[s->write] != s->offset) {
            history_wrong(h, "vanished: %d was read at t-%d %" PRId64, s->write, s->partition,
                          s->offset);
            return;
        }
        if (s->offset <= before[s->partition]) {
            history_wrong(h, "backwards: t-%d %" PRId64, s->partition, s->offset);
        }
        before[s->partition] = s->offset;
    }
}

void history_check(history *h, const history_seen *all, int32_t all_count,
                   const history_seen *committed, int32_t committed_count) {
    int64_t *places = MR_NEW_ARRAY(h->arena, int64_t, (size_t)h->write_count + 1);
    check_all(h, all, all_count, places);
    int64_t *visible = MR_NEW_ARRAY(h->arena, int64_t, (size_t)h->write_count + 1);
    memset(visible, 0xFF, sizeof(*visible) * (size_t)h->write_count);
    for (int32_t i = 0; h->why == NULL && i < committed_count; i++) {
        visible[committed[i].write] = committed[i].offset;
    }
    check_committed(h, visible);
    check_seen(h, visible);
}

// ---- reading as a consumer -------------------------------------------------------------------

void reading_request(const reading *r, int32_t partition, world *w, void *ret) {
    mr_wire_fetch_topic *topic = MR_NEW(&w->scratch, mr_wire_fetch_topic);
    mr_wire_fetch_partition *part = MR_NEW(&w->scratch, mr_wire_fetch_partition);
    mr_wire_clear(&mr_schema_fetch_partition, part);
    part->partition = partition;
    part->fetch_offset = r->offset[partition];
    part->partition_max_bytes = 1 << 20;
    *topic =
        (mr_wire_fetch_topic){.topic = MR_SPAN("t"), .partitions = part, .partitions_count = 1};
    mr_wire_fetch_request *request = ret;
    mr_wire_clear(&mr_schema_fetch_request, request);
    request->max_wait_ms = 0;
    request->max_bytes = 1 << 20;
    request->isolation_level = r->committed;
    request->session_epoch = -1;
    request->topics = topic;
    request->topics_count = 1;
}

static bool is_aborted(const mr_wire_fetch_data *data, const mr_record_batch *batch,
                       const bool *begun) {
    for (int32_t i = 0; i < data->aborted_transactions_count; i++) {
        if (begun[i] && data->aborted_transactions[i].producer_id == batch->producer_id) {
            return true;
        }
    }
    return false;
}

// Aborted transactions begin at their first offset and end with the next abort marker.
static void note_aborted(const mr_wire_fetch_data *data, const mr_record_batch *batch, bool *begun,
                         bool *over) {
    for (int32_t i = 0; i < data->aborted_transactions_count; i++) {
        const mr_wire_fetch_aborted *a = &data->aborted_transactions[i];
        begun[i] = !over[i] && a->first_offset <= batch->base_offset;
        if (begun[i] && a->producer_id == batch->producer_id &&
            mr_record_batch_marker(batch) == MR_RECORD_ABORT &&
            (batch->attributes & MR_RECORD_BATCH_CONTROL) != 0) {
            over[i] = true;
            break;
        }
    }
}

static void read_records(reading *r, world *w, int32_t partition, const mr_record_batch *batch) {
    mr_record_reader reader;
    mr_record record;
    if (mr_record_open(&reader, batch, batch->payload, &w->cx) != MR_OK) {
        history_wrong(&w->history, "unreadable batch at t-%d", partition);
        return;
    }
    while (mr_record_next(&reader, &record)) {
        int32_t value = -1;
        if (record.offset < r->offset[partition] || record.value.bytes != sizeof(value)) {
            continue;
        }
        memcpy(&value, record.value.data, sizeof(value));
        mr_assert(*r->count < SEEN_MAX);
        r->seen[(*r->count)++] = (history_seen){partition, value, record.offset};
    }
}

void reading_take(reading *r, world *w, const void *response) {
    const mr_wire_fetch_data *data =
        &((const mr_wire_fetch_response *)response)->responses[0].partitions[0];
    mr_span bytes = data->records;
    size_t count = (size_t)MR_MAX(data->aborted_transactions_count, 0);
    bool *begun = MR_NEW_ARRAY(&w->scratch, bool, count);
    bool *over = MR_NEW_ARRAY(&w->scratch, bool, count);
    mr_record_batch batch;
    bool found = true;
    while (bytes.bytes > 0 && found) {
        if (mr_record_batch_next(&bytes, &batch, &found, &w->cx) != MR_OK ||
            (found && mr_record_batch_verify(&batch, &w->cx) != MR_OK)) {
            history_wrong(&w->history, "damage is served: %s", w->cx.error.text);
            return;
        }
        if (!found) {
            return;
        }
        bool control = (batch.attributes & MR_RECORD_BATCH_CONTROL) != 0;
        bool transactional = (batch.attributes & MR_RECORD_BATCH_TRANSACTIONAL) != 0;
        note_aborted(data, &batch, begun, over);
        if (!control && !(r->committed && transactional && is_aborted(data, &batch, begun))) {
            read_records(r, w, data->partition_index, &batch);
        }
        r->offset[data->partition_index] = batch.last_offset + 1;
    }
}

// ---- the world -------------------------------------------------------------------------------

uint32_t world_draw(world *w, uint32_t below) {
    uint64_t x = w->random += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)((x ^ (x >> 31)) % below);
}

static mr_wire_head head_of(int16_t key, int16_t version) {
    return (mr_wire_head){.key = key, .version = version, .client_id = MR_SPAN("sim")};
}

bool world_send(world *w, asking *a, int16_t key, int16_t version, const void *request) {
    if (w->broker == NULL) {
        return false;
    }
    mr_wire_head head = head_of(key, version);
    mr_text out;
    mr_text_init(&out, &w->scratch);
    if (mr_wire_add_request(&head, request, &out, &w->cx) != MR_OK) {
        history_wrong(&w->history, "no request: %s", w->cx.error.text);
        return false;
    }
    mr_span frame = {out.data + MR_WIRE_LENGTH_BYTES, out.bytes - MR_WIRE_LENGTH_BYTES};
    a->key = key;
    a->version = version;
    a->call = NULL;
    return mr_broker_send(w->broker, frame, &a->call, &w->cx) == MR_OK;
}

bool world_take(world *w, asking *a, void *ret) {
    bool done = false;
    mr_span frame, body;
    if (mr_broker_take(w->broker, a->call, &done, &frame, &w->cx) != MR_OK || !done) {
        a->call = done ? NULL : a->call;
        return false;
    }
    a->call = NULL;
    mr_wire_head head = head_of(a->key, a->version);
    const mr_wire_api *api = mr_wire_find(a->key);
    if (mr_wire_read_response(frame, &head, &body, &w->cx) != MR_OK ||
        mr_wire_decode(api->response, mr_wire_format_of(api, a->version), body, SIZE_MAX, ret,
                       &w->cx) != MR_OK) {
        history_wrong(&w->history, "unreadable answer: %s", w->cx.error.text);
        return false;
    }
    return true;
}

mr_code world_ask(world *w, int16_t key, int16_t version, const void *request, void *ret) {
    mr_wire_head head = head_of(key, version);
    return mr_broker_ask(w->broker, &head, request, ret, &w->cx);
}

static mr_code broker_open(world *w) {
    mr_broker_spec spec = {.dir = "data/broker", .version = "test", .by_hand = true};
    mr_option_values none = {.count = 0};
    w->cx.arena = &w->arena;
    mr_code code = mr_option_apply_keys(mr_broker_options, &none, &spec.settings, &w->cx);
    w->cx.arena = &w->scratch;
    MR_TRY(code);
    spec.settings.auto_create_topics = false;
    MR_TRY(mr_broker_open(&spec, &w->broker, &w->cx));
    // Not by a request: the first life may end at any point of it.
    mr_topic *topic = NULL;
    mr_outcome outcome;
    mr_topic_new fresh = {.name = "t", .partitions = TOPIC_PARTITIONS, .replication = 1};
    MR_TRY(mr_topics_create(mr_broker_topics(w->broker), &fresh, &topic, &outcome, &w->cx));
    mr_topic_release(topic);
    return MR_OK;
}

static void broker_drop(world *w) {
    clients_lose_calls(w);
    if (w->broker != NULL) {
        (void)(mr_broker_close(w->broker, &w->cx) == MR_OK);
        w->broker = NULL;
    }
    mr_sim_restart(w->plat);
}

// Tries until it is up; faults that are still to come may strike the start too.
static void broker_start(world *w) {
    for (int i = 0; i < OPENS_MAX; i++) {
        if (broker_open(w) == MR_OK) {
            return;
        }
        broker_drop(w);
    }
    history_wrong(&w->history, "it does not start: %s", w->cx.error.text);
}

static const mr_sim_fault faults[] = {MR_SIM_POWER_CUT,  MR_SIM_POWER_CUT,  MR_SIM_POWER_CUT,
                                      MR_SIM_KILL,       MR_SIM_NO_SPACE,   MR_SIM_WRITE_ERROR,
                                      MR_SIM_SYNC_ERROR, MR_SIM_SHORT_WRITE};

static void step(world *w) {
    if (world_draw(w, 4) == 0) {
        (void)(mr_broker_turn(w->broker, &w->cx) == MR_OK);
        mr_sim_clock_advance(w->plat, (int64_t)world_draw(w, 3000));
    } else {
        clients_step(w);
    }
    mr_arena_clear(&w->scratch);
}

static void life(world *w) {
    uint64_t now = mr_sim_operations(w->plat);
    for (uint32_t i = 1 + world_draw(w, 2); i > 0; i--) {
        uint64_t at = now + 1 + world_draw(w, 400);
        w->last_fault = MR_MAX(w->last_fault, at);
        mr_sim_fault_at(w->plat, at, faults[world_draw(w, MR_COUNT(faults))]);
    }
    broker_start(w);
    for (int i = 0; i < STEPS && w->history.why == NULL && !mr_sim_down(w->plat); i++) {
        step(w);
    }
    broker_drop(w);
}

// Lets the faults strike that are still to come, so that none strikes what is to be looked at.
static void burn(world *w) {
    // Some more: a fault waits for the next operation that it fits.
    for (int more = 4; more > 0; more -= mr_sim_operations(w->plat) > w->last_fault) {
        (void)(mr_file_save("data/burnt", MR_SPAN("x"), &w->cx) == MR_OK);
        if (mr_sim_down(w->plat)) {
            mr_sim_restart(w->plat);
        }
        mr_arena_clear(&w->scratch);
    }
}

// No more faults: what was begun is finished, and what nobody finishes runs out of time.
static void settle(world *w) {
    w->quiet = true;
    burn(w);
    for (int i = 0; i < OPENS_MAX && w->history.why == NULL; i++) {
        broker_start(w);
        for (int n = 0; n < STEPS_QUIET && w->broker != NULL && !mr_sim_down(w->plat); n++) {
            step(w);
            if (clients_are_done(w) || w->history.why != NULL) {
                break;
            }
        }
        if (clients_are_done(w)) {
            break;
        }
        broker_drop(w);
    }
    if (w->history.why == NULL && !clients_are_done(w)) {
        history_wrong(&w->history, "a client hangs");
    }
    for (int i = 0; i < 300 && w->history.why == NULL; i++) {
        mr_sim_clock_advance(w->plat, 1000000);
        (void)(mr_broker_turn(w->broker, &w->cx) == MR_OK);
        mr_arena_clear(&w->scratch);
    }
}

static void read_all(world *w, bool committed, history_seen **ret, int32_t *ret_count) {
    *ret = MR_NEW_ARRAY(&w->arena, history_seen, SEEN_MAX);
    *ret_count = 0;
    reading r = {.committed = committed, .seen = *ret, .count = ret_count};
    for (int32_t p = 0; p < TOPIC_PARTITIONS && w->history.why == NULL; p++) {
        int64_t high = 0;
        do {
            mr_wire_fetch_request request;
            mr_wire_fetch_response response;
            reading_request(&r, p, w, &request);
            if (world_ask(w, MR_KEY_fetch, 11, &request, &response) != MR_OK) {
                history_wrong(&w->history, "no fetch: %s", w->cx.error.text);
                return;
            }
            const mr_wire_fetch_data *data = &response.responses[0].partitions[0];
            high = data->high_watermark;
            if (data->error_code != 0 || data->last_stable_offset != high) {
                history_wrong(&w->history, "hanging: t-%d stable %" PRId64 " high %" PRId64 " (%s)",
                              p, data->last_stable_offset, high,
                              mr_kafka_error_name(data->error_code));
                return;
            }
            int64_t before = r.offset[p];
            reading_take(&r, w, &response);
            if (r.offset[p] == before && before < high) {
                history_wrong(&w->history, "t-%d cannot be read at %" PRId64, p, before);
            }
        } while (r.offset[p] < high && w->history.why == NULL);
    }
}

typedef struct summary {
    uint64_t writes;
    uint64_t acked;
    uint64_t committed;
    uint64_t offsets;
    uint64_t seen;
} summary;

// NULL: all was well.
static const char *run(uint64_t seed, mr_arena *arena, summary *sum) {
    world *w = MR_NEW(arena, world);
    w->random = seed;
    w->plat = mr_sim_new(seed);
    mr_cx_init(&w->cx, &w->scratch, w->plat);
    history_init(&w->history, &w->arena);
    clients_make(w);
    for (int i = 0; i < LIVES && w->history.why == NULL; i++) {
        life(w);
    }
    if (w->history.why == NULL) {
        settle(w);
    }
    if (w->history.why == NULL) {
        history_seen *all, *committed;
        int32_t all_count, committed_count;
        read_all(w, false, &all, &all_count);
        read_all(w, true, &committed, &committed_count);
        if (w->history.why == NULL) {
            history_check(&w->history, all, all_count, committed, committed_count);
            clients_check(w);
        }
    }
    if (w->broker != NULL) {
        broker_drop(w);
    }
    for (int32_t i = 0; i < w->history.write_count; i++) {
        sum->acked += w->history.writes[i].state == WRITE_ACKED;
    }
    for (int32_t i = 0; i < w->history.end_count; i++) {
        sum->committed += w->history.ends[i] == END_COMMITTED;
    }
    sum->writes += (uint64_t)w->history.write_count;
    sum->offsets += w->history.offset_count;
    sum->seen += (uint64_t)w->history.seen_count;
    const char *why = w->history.why == NULL ? NULL : mr_arena_string(arena, w->history.why);
    mr_sim_free(w->plat);
    mr_arena_release(&w->arena);
    mr_arena_release(&w->scratch);
    return why;
}

static uint64_t env_number(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text == NULL || text[0] == '\0' ? otherwise : strtoull(text, NULL, 10);
}

TEST(broker_history, loses_nothing_that_was_acknowledged) {
    uint64_t only = env_number("SEED", 0);
    uint64_t seeds = only != 0 ? 1 : MR_MIN(env_number("SIM_SEEDS", SEEDS_DEFAULT), 5000);
    summary sum = {0};
    int failures = 0;
    for (uint64_t i = 0; i < seeds && failures < 10; i++) {
        uint64_t seed = only != 0 ? only : i + 1;
        mr_arena arena = {.head = NULL};
        const char *why = run(seed, &arena, &sum);
        if (!EXPECT(why == NULL)) {
            printf("SEED=%" PRIu64 ": %s\n", seed, why);
            failures++;
        }
        mr_arena_release(&arena);
    }
    printf("%" PRIu64 " writes, %" PRIu64 " acknowledged, %" PRIu64 " transactions committed, "
           "%" PRIu64 " records read on the way\n",
           sum.writes, sum.acked, sum.committed, sum.seen);
    if (only == 0) {  // Else the load did nothing.
        EXPECT(sum.acked > seeds * 20 && sum.committed > seeds * 5 && sum.offsets > seeds &&
               sum.seen > seeds * 20);
    }
}
