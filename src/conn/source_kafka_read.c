// Source "kafka", claims and reading: from librdkafka's queues to decoded chunks; see
// source_kafka.c.
//
// Also: mr_source_kafka_

#include <inttypes.h>
#include <string.h>

#include "conn/source_kafka.h"

#define KAFKA_TAIL_BYTES ((size_t)64 * 1024)  // Room behind chunk_bytes for the last record.
#define KAFKA_RAW_MAX    4096                 // Bytes of a too long record that are kept.

// ---- claims ----------------------------------------------------------------------------------

static void claim_arrays(source_kafka *s, kafka_claim *claim, uint32_t capacity) {
    mr_arena *arena = &claim->hold->arena;
    kafka_claim wider = *claim;
    wider.capacity = capacity;
    wider.starts = mr_arena_raw(arena, sizeof(uint32_t) * capacity);
    wider.lengths = mr_arena_raw(arena, sizeof(uint32_t) * capacity);
    wider.offsets = mr_arena_raw(arena, sizeof(int64_t) * capacity);
    size_t strs_bytes = sizeof(mr_str) * capacity;
    wider.timestamps = s->wants_timestamps ? mr_arena_raw(arena, sizeof(int64_t) * capacity) : NULL;
    wider.keys = s->wants_keys ? mr_arena_raw(arena, strs_bytes) : NULL;
    wider.headers = s->wants_headers ? mr_arena_raw(arena, strs_bytes) : NULL;
    uint32_t n = claim->count;
    if (n > 0) {
        memcpy(wider.starts, claim->starts, sizeof(uint32_t) * n);
        memcpy(wider.lengths, claim->lengths, sizeof(uint32_t) * n);
        memcpy(wider.offsets, claim->offsets, sizeof(int64_t) * n);
        if (s->wants_timestamps) {
            memcpy(wider.timestamps, claim->timestamps, sizeof(int64_t) * n);
        }
        if (s->wants_keys) {
            memcpy(wider.keys, claim->keys, sizeof(mr_str) * n);
        }
        if (s->wants_headers) {
            memcpy(wider.headers, claim->headers, sizeof(mr_str) * n);
        }
    }
    *claim = wider;
}

kafka_claim *mr_source_kafka_claim_new(source_kafka *s) {
    mr_mutex_lock(&s->mutex);
    kafka_claim *claim = s->claims;
    while (claim != NULL && claim->taken) {
        claim = claim->next;
    }
    if (claim == NULL) {
        claim = MR_NEW(&s->base.arena, kafka_claim);
        claim->next = s->claims;
        s->claims = claim;
    }
    kafka_claim *next = claim->next;
    *claim = (kafka_claim){.taken = true, .next = next};
    mr_mutex_unlock(&s->mutex);
    return claim;
}

void mr_source_kafka_claim_free(source_kafka *s, kafka_claim *claim) {
    mr_mutex_lock(&s->mutex);
    claim->chunk = NULL;
    claim->hold = NULL;
    claim->taken = false;
    mr_mutex_unlock(&s->mutex);
}

// A poll under way.
typedef struct kafka_take {
    source_kafka *source;
    kafka_claim *claim;  // NULL until the first record.
    int64_t end;
    int64_t next;
    uint64_t rows;
    uint64_t rows_max;
    bool past_end;
} kafka_take;

static mr_str copied_str(mr_arena *arena, mr_span value, bool null) {
    if (null) {
        return (mr_str){0};
    }
    return (mr_str){.data = mr_arena_copy(arena, value.data, value.bytes),
                    .bytes = mr_u32(value.bytes)};
}

// A record much longer than usual: everything moves to a wider hold, strings of the arena too.
static void claim_widen(source_kafka *s, kafka_claim *claim, size_t bytes) {
    mr_hold *narrow = claim->hold;
    claim->hold = mr_pool_take(s->pool, claim->used + bytes + KAFKA_TAIL_BYTES);
    memcpy(claim->hold->buffer, narrow->buffer, claim->used);
    claim_arrays(s, claim, claim->capacity);
    mr_arena *arena = &claim->hold->arena;
    for (uint32_t i = 0; i < claim->count && s->wants_keys; i++) {
        mr_str *key = &claim->keys[i];
        *key = copied_str(arena, (mr_span){key->data, key->bytes}, key->data == NULL);
    }
    for (uint32_t i = 0; i < claim->count && s->wants_headers; i++) {
        mr_str *headers = &claim->headers[i];
        *headers =
            copied_str(arena, (mr_span){headers->data, headers->bytes}, headers->data == NULL);
    }
    mr_hold_unref(narrow);
}

static void take_columns(source_kafka *s, kafka_claim *claim, const mr_consume_message *message) {
    mr_arena *arena = &claim->hold->arena;
    if (s->wants_timestamps) {
        claim->timestamps[claim->count] = message->timestamp_us;
    }
    if (s->wants_keys) {
        claim->keys[claim->count] = copied_str(arena, message->key, message->key_null);
    }
    if (s->wants_headers) {
        mr_text text;
        mr_text_init(&text, arena);
        bool any = mr_consume_headers(message, &text);
        claim->headers[claim->count] = copied_str(arena, mr_text_span(&text), !any);
    }
}

static void take_too_long(source_kafka *s, kafka_claim *claim, const mr_consume_message *message) {
    mr_arena *arena = &claim->hold->arena;
    claim->bad = (mr_bad_record){
        .offset = message->offset,
        .raw = mr_arena_copy(arena, message->value.data, KAFKA_RAW_MAX),
        .raw_bytes = KAFKA_RAW_MAX,
        .reason = mr_arena_printf(arena, MR_REASON_TOO_LONG ": %zu bytes, over %" PRIu64,
                                  message->value.bytes, s->max_record_bytes),
    };
}

static bool kafka_take_message(void *self, const mr_consume_message *message) {
    kafka_take *t = self;
    source_kafka *s = t->source;
    if (message->offset >= t->end) {
        t->past_end = true;
        return false;
    }
    t->next = message->offset + 1;
    t->rows++;
    if (message->null) {  // A tombstone says nothing but that a key is gone.
        return t->rows < t->rows_max;
    }
    if (t->claim == NULL) {
        t->claim = mr_source_kafka_claim_new(s);
        t->claim->hold = mr_pool_take(s->pool, s->chunk_bytes + KAFKA_TAIL_BYTES);
        claim_arrays(s, t->claim, (uint32_t)(s->chunk_bytes / 128) + 16);
    }
    kafka_claim *claim = t->claim;
    if (message->value.bytes > MR_MAX(s->max_record_bytes, (uint64_t)KAFKA_RAW_MAX)) {
        take_too_long(s, claim, message);
        return false;
    }
    if (claim->count == claim->capacity) {
        claim_arrays(s, claim, claim->capacity * 2);
    }
    size_t bytes = message->value.bytes;
    if (claim->hold->buffer_bytes - claim->used < bytes + 1) {
        claim_widen(s, claim, bytes + 1);
    }
    char *to = claim->hold->buffer + claim->used;
    memcpy(to, message->value.data, bytes);
    to[bytes] = '\n';
    take_columns(s, claim, message);
    claim->starts[claim->count] = (uint32_t)claim->used;
    claim->lengths[claim->count] = (uint32_t)bytes;
    claim->offsets[claim->count++] = message->offset;
    claim->used += bytes + 1;
    return claim->used < s->chunk_bytes && t->rows < t->rows_max;
}

uint64_t mr_source_kafka_room(source_kafka *s, uint32_t partition, int64_t now_us) {
    uint64_t left = mr_pace_left(s->max_rows_per_trigger, s->rows_now);
    return MR_MIN(left, mr_pace_room(&s->parts[partition].pace, s->max_rate_per_partition, now_us));
}

mr_code mr_source_kafka_pass_gap(source_kafka *s, uint32_t partition, mr_code code, mr_cx *cx) {
    mr_partition *p = &s->base.partitions[partition];
    int64_t first, next;
    if (code != MR_E_MISSING || s->fail_on_data_loss ||
        mr_consume_bounds(s->consume, partition, &first, &next, cx) != MR_OK) {
        return code;
    }
    p->position = p->position < first || p->position > next ? first : p->position;
    return mr_consume_start(s->consume, partition, p->position, cx);
}

void mr_source_kafka_saw(source_kafka *s, uint32_t partition, const kafka_seen *seen) {
    mr_partition *p = &s->base.partitions[partition];
    p->position = MR_MAX(p->position, MR_MIN(seen->next, p->end));
    s->rows_now += seen->rows;
    s->parts[partition].pace.rows += seen->rows;
    p->caught_up = seen->at_end || (p->caught_up && seen->rows == 0);
    if (mr_source_kafka_bounded(s) && (p->position >= p->end || seen->at_end)) {
        p->finished = true;
        p->closed = mr_source_kafka_closed(s, p);
        mr_consume_stop(s->consume, partition);
    }
}

static mr_code poll_claim(source_kafka *s, uint32_t index, uint64_t rows_max, mr_claim *ret,
                          bool *ret_taken, mr_cx *cx) {
    mr_partition *p = &s->base.partitions[index];
    kafka_take take = {.source = s, .end = p->end, .next = p->position, .rows_max = rows_max};
    mr_consume_taker taker = {kafka_take_message, &take};
    mr_consume_seen polled;
    mr_code code = mr_consume_poll(s->consume, index, &taker, &polled, cx);
    if (code != MR_OK) {
        return mr_source_kafka_pass_gap(s, index, code, cx);
    }
    int64_t before = p->position;
    kafka_seen seen = {
        .next = take.past_end   ? p->end
                : polled.at_end ? MR_MAX(take.next, polled.end_offset)
                                : take.next,
        .rows = take.rows,
        .at_end = polled.at_end,
    };
    mr_source_kafka_saw(s, index, &seen);
    if (take.claim != NULL) {
        *ret = (mr_claim){index, before, p->position, take.claim};
        *ret_taken = true;
    }
    return MR_OK;
}

static mr_code claim_part(source_kafka *s, uint32_t index, mr_claim *ret, bool *ret_taken,
                          mr_cx *cx) {
    *ret_taken = false;
    uint64_t rows_max = mr_source_kafka_room(s, index, mr_clock_monotonic_us(cx->plat));
    if (rows_max == 0) {
        return MR_OK;
    }
    if (!s->parts[index].started) {
        MR_TRY(mr_consume_start(s->consume, index, s->base.partitions[index].position, cx));
        s->parts[index].started = true;
    }
    return mr_fetch_is(s->consume)
               ? mr_source_kafka_fetch_claim(s, index, rows_max, ret, ret_taken, cx)
               : poll_claim(s, index, rows_max, ret, ret_taken, cx);
}

static void notice_down(source_kafka *s) {
    if (s->was_down || !mr_consume_down(s->consume)) {
        return;
    }
    s->was_down = true;
    for (uint32_t p = 0; p < s->base.partition_count; p++) {
        s->base.partitions[p].caught_up = false;  // Who cannot be reached is not idle.
    }
}

mr_code mr_source_kafka_claim(mr_source *base, mr_claim *ret, mr_claim_result *ret_result,
                              mr_cx *cx) {
    source_kafka *s = (source_kafka *)base;
    bool open = false;
    for (uint32_t i = 0; i < base->partition_count; i++) {
        uint32_t p = (s->turn + i) % base->partition_count;
        if (base->partitions[p].finished) {
            continue;
        }
        bool taken;
        MR_TRY(claim_part(s, p, ret, &taken, cx));
        if (taken) {
            s->turn = p + 1;
            *ret_result = MR_CLAIM_TAKEN;
            return MR_OK;
        }
        open = open || !base->partitions[p].finished;
    }
    notice_down(s);
    *ret_result = open ? MR_CLAIM_NONE : MR_CLAIM_DONE;
    return MR_OK;
}

// ---- reading ---------------------------------------------------------------------------------

mr_code mr_source_kafka_read_open(mr_source *base, mr_reader **ret, mr_cx *cx) {
    kafka_reader *reader = mr_heap_alloc(sizeof(*reader));
    reader->source = (source_kafka *)base;
    mr_code code = mr_intake_open(&reader->intake, &base->spec, cx);
    if (code != MR_OK) {
        mr_heap_free(reader);
        return code;
    }
    *ret = (mr_reader *)reader;
    return MR_OK;
}

mr_code mr_source_kafka_read(mr_reader *base, const mr_claim *claim, mr_chunk *ret, mr_cx *cx) {
    kafka_reader *reader = (kafka_reader *)base;
    source_kafka *s = reader->source;
    kafka_claim *data = claim->data;
    if (data->chunk != NULL) {
        return mr_source_kafka_fetch_read(reader, claim, ret, cx);
    }
    mr_records records = {
        .base = data->hold->buffer,
        .bytes = data->used,
        .starts = data->starts,
        .lengths = data->lengths,
        .offsets = data->offsets,
        .count = data->count,
    };
    mr_intake_from from = {
        .topic = s->topic,
        .partition = mr_i32(claim->partition),
        .partition_index = claim->partition,
        .timestamps = data->timestamps,
        .keys = data->keys,
        .headers = data->headers,
        .extra = &data->bad,
        .extra_count = data->bad.raw != NULL,
    };
    mr_chunk chunk = {.hold = data->hold, .bytes = data->used};
    mr_code code = mr_intake_decode(&reader->intake, &records, &from, &chunk, cx);
    mr_source_kafka_claim_free(s, data);
    if (code != MR_OK) {
        mr_hold_unref(chunk.hold);
        return code;
    }
    *ret = chunk;
    return MR_OK;
}

void mr_source_kafka_read_close(mr_reader *base) {
    kafka_reader *reader = (kafka_reader *)base;
    mr_intake_close(&reader->intake);
    mr_text_release(&reader->expanded);
    mr_heap_free(reader);
}
