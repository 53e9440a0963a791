// Source "kafka", what the native client brings: whole record batches, decoded where they lie; see
// source_kafka.c.
//
// How: a claim is a chunk of batches of one partition. Reading checks each batch's CRC, walks its
// records and hands their places to the decoder, which reads the values in the fetch buffer itself.
// Batches that are compressed, or that other claims read too, are expanded or copied into a buffer
// of the chunk's own first. The decoder ends a value with a '\n' in the byte behind it: there is
// always one, and whatever it was has been read by then.

#include <inttypes.h>
#include <string.h>

#include "codec/record_batch.h"
#include "conn/source_kafka.h"
#include "kafka/headers.h"

#define FETCH_EXPAND_BYTES ((size_t)256 << 20)  // Of a chunk.
#define FETCH_RAW_MAX      4096                 // Bytes of a too long record that are kept.

mr_code mr_source_kafka_fetch_claim(source_kafka *s, uint32_t partition, uint64_t rows_max,
                                    mr_claim *ret, bool *ret_taken, mr_cx *cx) {
    mr_partition *p = &s->base.partitions[partition];
    mr_fetch_wish wish = {.rows_max = rows_max, .chunk_bytes = s->chunk_bytes, .end = p->end};
    mr_fetch_chunk *chunk = NULL;
    mr_fetch_seen fetched;
    mr_code code = mr_fetch_take(s->consume, partition, &wish, &chunk, &fetched, cx);
    if (code != MR_OK) {
        return mr_source_kafka_pass_gap(s, partition, code, cx);
    }
    int64_t before = p->position;
    kafka_seen seen = {
        .next = fetched.next,
        .rows = chunk == NULL ? 0 : chunk->rows,
        .at_end = fetched.at_end,
    };
    mr_source_kafka_saw(s, partition, &seen);
    if (chunk != NULL) {
        kafka_claim *claim = mr_source_kafka_claim_new(s);
        claim->chunk = chunk;
        *ret = (mr_claim){partition, before, p->position, claim};
        *ret_taken = true;
    }
    return MR_OK;
}

// ---- reading ---------------------------------------------------------------------------------

// The records of a chunk: arrays for the decoder, in the hold's arena.
typedef struct fetch_list {
    const source_kafka *s;
    const mr_fetch_chunk *chunk;
    const char *base;  // What starts are relative to …
    size_t extent;     // … and the bytes from there.
    mr_arena *arena;
    uint32_t count;
    uint32_t *starts;
    uint32_t *lengths;
    int64_t *offsets;
    int64_t *timestamps;  // NULL when no column wants it, as keys and headers.
    mr_str *keys;
    mr_str *headers;
    mr_bad_record *bad;
    uint32_t bad_count;
    uint64_t bytes;
} fetch_list;

static void list_open(fetch_list *list, uint64_t count) {
    const source_kafka *s = list->s;
    mr_arena *arena = list->arena;
    list->starts = mr_arena_raw(arena, sizeof(uint32_t) * count);
    list->lengths = mr_arena_raw(arena, sizeof(uint32_t) * count);
    list->offsets = mr_arena_raw(arena, sizeof(int64_t) * count);
    list->timestamps = s->wants_timestamps ? mr_arena_raw(arena, sizeof(int64_t) * count) : NULL;
    list->keys = s->wants_keys ? mr_arena_raw(arena, sizeof(mr_str) * count) : NULL;
    list->headers = s->wants_headers ? mr_arena_raw(arena, sizeof(mr_str) * count) : NULL;
}

static mr_str headers_str(const mr_record *record, mr_arena *arena) {
    mr_record_headers walk = mr_record_headers_of(record);
    mr_text text;
    mr_text_init(&text, arena);
    mr_span key, value;
    while (mr_record_headers_next(&walk, &key, &value)) {
        mr_headers_add(&text, key, value);
    }
    if (text.bytes == 0) {
        return (mr_str){0};
    }
    mr_headers_end(&text);
    return (mr_str){.data = text.data, .bytes = mr_u32(text.bytes)};
}

static void list_columns(fetch_list *list, const mr_record *record) {
    uint32_t i = list->count;
    if (list->timestamps != NULL) {
        int64_t us;
        bool none =
            record->timestamp_ms == -1 || !mr_mul_fits(record->timestamp_ms, (int64_t)1000, &us);
        list->timestamps[i] = none ? INT64_MIN : us;
    }
    if (list->keys != NULL) {
        list->keys[i] = (mr_str){.data = record->key.data, .bytes = mr_u32(record->key.bytes)};
    }
    if (list->headers != NULL) {
        list->headers[i] = headers_str(record, list->arena);
    }
}

static void list_too_long(fetch_list *list, const mr_record *record) {
    mr_bad_record *wider = MR_NEW_ARRAY(list->arena, mr_bad_record, list->bad_count + 1);
    if (list->bad_count > 0) {
        memcpy(wider, list->bad, sizeof(*wider) * list->bad_count);
    }
    wider[list->bad_count] = (mr_bad_record){
        .offset = record->offset,
        .raw = record->value.data,
        .raw_bytes = FETCH_RAW_MAX,
        .reason = mr_arena_printf(list->arena, MR_REASON_TOO_LONG ": %zu bytes, over %" PRIu64,
                                  record->value.bytes, list->s->max_record_bytes),
    };
    list->bad = wider;
    list->bad_count++;
}

// Enters the records of one batch that are in the chunk's range.
static mr_code list_batch(fetch_list *list, const mr_record_batch *batch, mr_span records,
                          mr_cx *cx) {
    const mr_fetch_chunk *chunk = list->chunk;
    uint64_t bytes_max = MR_MAX(list->s->max_record_bytes, (uint64_t)FETCH_RAW_MAX);
    bool columns = list->timestamps != NULL || list->keys != NULL || list->headers != NULL;
    mr_record_reader reader;
    MR_TRY(mr_record_open(&reader, batch, records, cx));
    mr_record record;
    while (mr_record_next(&reader, &record)) {
        // A tombstone says nothing but that a key is gone.
        if (record.value.data == NULL || record.offset < chunk->from ||
            record.offset >= chunk->to) {
            continue;
        }
        if (MR_UNLIKELY(record.value.bytes > bytes_max)) {
            list_too_long(list, &record);
            continue;
        }
        if (columns) {
            list_columns(list, &record);
        }
        uint32_t i = list->count++;
        list->starts[i] = (uint32_t)(record.value.data - list->base);
        list->lengths[i] = (uint32_t)record.value.bytes;
        list->offsets[i] = record.offset;
        list->bytes += record.value.bytes;
    }
    return mr_record_end(&reader, cx);
}

// The next batch of the chunk, checked.
static mr_code chunk_batch(const mr_fetch_chunk *chunk, uint32_t i, mr_record_batch *ret,
                           mr_cx *cx) {
    mr_span in = {chunk->data + chunk->batches[i].at, chunk->batches[i].bytes};
    bool found;
    MR_TRY(mr_record_batch_next(&in, ret, &found, cx));
    mr_assert(found);
    if (ret->record_count > ret->payload.bytes / MR_RECORD_BYTES_MIN &&
        ret->compression == MR_COMPRESS_NONE) {
        return mr_fail(cx, MR_E_CORRUPT, NULL,
                       "damaged record batch at offset %" PRId64
                       ": more records than its bytes can hold",
                       ret->base_offset);
    }
    return mr_record_batch_verify(ret, cx);
}

// Whether the chunk's bytes can be decoded where they are; counts the records that it states.
static mr_code look_over(const mr_fetch_chunk *chunk, bool *ret_in_place, uint64_t *ret_count,
                         mr_cx *cx) {
    *ret_in_place = !chunk->shared;
    *ret_count = 0;
    for (uint32_t i = 0; i < chunk->batch_count; i++) {
        mr_record_batch batch;
        MR_TRY(chunk_batch(chunk, i, &batch, cx));
        *ret_in_place = *ret_in_place && batch.compression == MR_COMPRESS_NONE;
        *ret_count += batch.record_count;
    }
    return MR_OK;
}

static mr_code list_in_place(fetch_list *list, uint64_t count, mr_cx *cx) {
    const mr_fetch_chunk *chunk = list->chunk;
    list->base = chunk->data;
    if (chunk->batch_count > 0) {  // Else all were markers, or aborted.
        const mr_fetch_range *last = &chunk->batches[chunk->batch_count - 1];
        list->extent = (size_t)last->at + last->bytes;
    }
    list_open(list, count);
    for (uint32_t i = 0; i < chunk->batch_count; i++) {
        mr_record_batch batch;
        mr_span in = {chunk->data + chunk->batches[i].at, chunk->batches[i].bytes};
        bool found;
        MR_TRY(mr_record_batch_next(&in, &batch, &found, cx));
        MR_TRY(list_batch(list, &batch, batch.payload, cx));
    }
    return MR_OK;
}

// Expands all batches into text, each batch's records behind the other's.
static mr_code expand(const mr_fetch_chunk *chunk, mr_text *text, mr_span *ret_records, mr_cx *cx) {
    mr_text_clear(text);
    for (uint32_t i = 0; i < chunk->batch_count; i++) {
        mr_record_batch batch;
        mr_span in = {chunk->data + chunk->batches[i].at, chunk->batches[i].bytes};
        bool found;
        size_t start = text->bytes;
        MR_TRY(mr_record_batch_next(&in, &batch, &found, cx));
        MR_TRY(mr_record_batch_expand(&batch, FETCH_EXPAND_BYTES - start, text, cx));
        ret_records[i].bytes = text->bytes - start;
        if (batch.record_count > ret_records[i].bytes / MR_RECORD_BYTES_MIN) {
            return mr_fail(cx, MR_E_CORRUPT, NULL,
                           "damaged record batch at offset %" PRId64
                           ": more records than its bytes can hold",
                           batch.base_offset);
        }
    }
    return MR_OK;
}

static mr_code list_expanded(fetch_list *list, const mr_span *records, const char *base,
                             uint64_t count, mr_cx *cx) {
    const mr_fetch_chunk *chunk = list->chunk;
    list->base = base;
    list_open(list, count);
    const char *at = base;
    for (uint32_t i = 0; i < chunk->batch_count; i++) {
        mr_record_batch batch;
        mr_span in = {chunk->data + chunk->batches[i].at, chunk->batches[i].bytes};
        bool found;
        MR_TRY(mr_record_batch_next(&in, &batch, &found, cx));
        MR_TRY(list_batch(list, &batch, (mr_span){at, records[i].bytes}, cx));
        at += records[i].bytes;
    }
    list->extent = (size_t)(at - base);
    return MR_OK;
}

// Makes the hold and lists the chunk's records. *ret_hold is set also on failure, or NULL.
static mr_code list_chunk(kafka_reader *reader, const mr_fetch_chunk *chunk, fetch_list *list,
                          mr_hold **ret_hold, mr_cx *cx) {
    source_kafka *s = reader->source;
    bool in_place = false;
    uint64_t count = 0;
    *ret_hold = NULL;
    MR_TRY(look_over(chunk, &in_place, &count, cx));
    *list = (fetch_list){.s = s, .chunk = chunk};
    if (in_place) {
        *ret_hold = mr_views_take(s->views, chunk->buffer, chunk->data);
        list->arena = &(*ret_hold)->arena;
        return list_in_place(list, count, cx);
    }
    mr_span *records = MR_NEW_ARRAY(cx->arena, mr_span, chunk->batch_count);
    MR_TRY(expand(chunk, &reader->expanded, records, cx));
    *ret_hold = mr_views_own(s->views, &reader->expanded);
    list->arena = &(*ret_hold)->arena;
    return list_expanded(list, records, (*ret_hold)->buffer, count, cx);
}

mr_code mr_source_kafka_fetch_read(kafka_reader *reader, const mr_claim *claim, mr_chunk *ret,
                                   mr_cx *cx) {
    source_kafka *s = reader->source;
    kafka_claim *data = claim->data;
    fetch_list list;
    mr_chunk chunk = {0};
    mr_code code = mr_fetch_chunk_load(&data->chunk, cx);
    code = code != MR_OK ? code : list_chunk(reader, data->chunk, &list, &chunk.hold, cx);
    if (code == MR_OK) {
        mr_records records = {
            .base = list.base,
            .bytes = list.extent,
            .starts = list.starts,
            .lengths = list.lengths,
            .offsets = list.offsets,
            .count = list.count,
        };
        mr_intake_from from = {
            .topic = s->topic,
            .partition = mr_i32(claim->partition),
            .partition_index = claim->partition,
            .timestamps = list.timestamps,
            .keys = list.keys,
            .headers = list.headers,
            .extra = list.bad,
            .extra_count = list.bad_count,
        };
        chunk.bytes = list.bytes + list.count;
        code = mr_intake_decode(&reader->intake, &records, &from, &chunk, cx);
    } else {
        code =
            mr_error_in(cx, code, "topic \"%s\", partition %" PRIu32, s->topic, claim->partition);
    }
    mr_fetch_chunk_free(data->chunk);
    mr_source_kafka_claim_free(s, data);
    if (code != MR_OK) {
        if (chunk.hold != NULL) {
            mr_hold_unref(chunk.hold);
        }
        return code;
    }
    *ret = chunk;
    return MR_OK;
}
