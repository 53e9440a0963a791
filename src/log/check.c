// Check: whether a client's batch is one that may be appended, before any lock is taken.
//
// The records inside are not looked at, as this costs more than all the rest (KAFKA-8364), but for
// compacted topics, where each needs a key. What reads them must survive a batch that lies.
// Source: Kafka's UnifiedLog.analyzeAndValidateRecords and LogValidator.

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "log/inside.h"

// What a batch may expand to, since each thread that takes one holds it: so many times what it may
// have itself, but at least and at most this.
#define EXPANDED_TIMES     64
#define EXPANDED_BYTES_MIN ((uint64_t)64 << 20)
#define EXPANDED_BYTES_MAX ((uint64_t)1 << 30)

#define BAD_RECORDS_MAX \
    10000  // That are named: a batch may expand to millions, an answer must not.

static mr_code refuse(mr_log_appended *ret, int16_t error, const char *reason) {
    ret->error = error;
    ret->reason = reason;
    return MR_OK;
}

// Exactly one batch of version 2, whole.
static void check_frame(mr_span in, mr_log_appended *ret) {
    if (in.bytes < 17) {
        refuse(ret, MR_KAFKA_INVALID_RECORD, "there must be exactly one record batch");
        return;
    }
    int64_t bytes = (int64_t)(int32_t)mr_segment_load(in.data + 8, 4) + 12;
    if (in.data[16] != 2) {
        refuse(ret, MR_KAFKA_INVALID_RECORD, "only record batches of version 2 are taken");
    } else if (bytes < MR_RECORD_BATCH_HEAD_BYTES || (uint64_t)bytes > in.bytes) {
        refuse(ret, MR_KAFKA_CORRUPT_MESSAGE, "the record batch is cut off");
    } else if ((uint64_t)bytes < in.bytes) {
        refuse(ret, MR_KAFKA_INVALID_RECORD, "there must be exactly one record batch");
    }
}

static void check_counts(const char *head, mr_log_origin origin, mr_log_appended *ret) {
    int32_t last_delta = (int32_t)mr_segment_load(head + 23, 4);
    int32_t count = (int32_t)mr_segment_load(head + 57, 4);
    int64_t producer = (int64_t)mr_segment_load(head + 43, 8);
    int32_t sequence = (int32_t)mr_segment_load(head + 53, 4);
    bool control = (mr_segment_load(head + 21, 2) & MR_RECORD_BATCH_CONTROL) != 0;
    // The offsets of a transaction are the coordinator's: of a producer, and without a number.
    if (origin != MR_LOG_COORDINATOR && mr_segment_load(head, 8) != 0) {
        refuse(ret, MR_KAFKA_INVALID_RECORD, "the base offset of a new record batch must be 0");
    } else if (last_delta < 0) {
        refuse(ret, MR_KAFKA_INVALID_RECORD, "the record batch has an invalid range of offsets");
    } else if (count <= 0) {
        refuse(ret, MR_KAFKA_INVALID_RECORD, "the record batch has no records");
    } else if ((int64_t)last_delta + 1 != count) {
        refuse(ret, MR_KAFKA_INVALID_RECORD,
               "the record batch's count of records differs from its range of offsets");
    } else if (origin != MR_LOG_COORDINATOR && control) {
        refuse(ret, MR_KAFKA_INVALID_RECORD, "clients must not write control records");
    } else if (origin != MR_LOG_COORDINATOR && producer >= 0 && sequence < 0) {
        refuse(ret, MR_KAFKA_INVALID_RECORD,
               "a record batch with a producer id needs a sequence number");
    } else if (producer < 0 &&
               (mr_segment_load(head + 21, 2) & MR_RECORD_BATCH_TRANSACTIONAL) != 0) {
        refuse(ret, MR_KAFKA_INVALID_RECORD, "a transactional record batch needs a producer id");
    }
}

// By the header: the first record's timestamp and the greatest.
static void check_time(const mr_log_config *config, const mr_record_batch *batch, int64_t now_ms,
                       mr_log_appended *ret, mr_cx *cx) {
    int64_t first = batch->base_timestamp_ms, last = batch->max_timestamp_ms;
    if (config->timestamp_append) {
        return;
    }
    if ((batch->attributes & MR_RECORD_BATCH_APPEND_TIME) != 0) {
        refuse(ret, MR_KAFKA_INVALID_TIMESTAMP,
               "Invalid timestamp type in message. Producer should not set timestamp type to "
               "LogAppendTime.");
    } else if (first < -1 || last < -1) {
        refuse(ret, MR_KAFKA_INVALID_TIMESTAMP, "a timestamp is negative");
    } else if (first >= 0 && now_ms - first > config->timestamp_before_max_ms) {
        refuse(ret, MR_KAFKA_INVALID_TIMESTAMP,
               mr_arena_printf(cx->arena,
                               "timestamp %" PRId64 " is more than %" PRId64 " ms in the past",
                               first, config->timestamp_before_max_ms));
    } else if (last >= 0 && last - now_ms > config->timestamp_after_max_ms) {
        refuse(ret, MR_KAFKA_INVALID_TIMESTAMP,
               mr_arena_printf(cx->arena,
                               "timestamp %" PRId64 " is more than %" PRId64 " ms in the future",
                               last, config->timestamp_after_max_ms));
    }
}

// Of a compacted topic. A producer fails the records that are named with the error, and the others
// with another that says that they may be sent again.
static void check_keys(const mr_record_batch *batch, mr_span records, mr_log_appended *ret,
                       mr_cx *cx) {
    mr_record_reader reader;
    if (mr_record_open(&reader, batch, records, cx) != MR_OK) {
        refuse(ret, MR_KAFKA_INVALID_RECORD, mr_arena_string(cx->arena, cx->error.text));
        return;
    }
    mr_record record;
    int32_t *bad = NULL;
    for (int32_t i = 0; mr_record_next(&reader, &record) && ret->bad_count < BAD_RECORDS_MAX; i++) {
        if (record.key.data == NULL) {
            bad = bad != NULL ? bad : MR_NEW_ARRAY(cx->arena, int32_t, BAD_RECORDS_MAX);
            bad[ret->bad_count++] = i;
        }
    }
    if (bad != NULL) {
        ret->bad_records = bad;
        refuse(ret, MR_KAFKA_INVALID_RECORD, "Compacted topic cannot accept message without key");
        return;
    }
    if (mr_record_end(&reader, cx) != MR_OK) {
        refuse(ret, MR_KAFKA_INVALID_RECORD, mr_arena_string(cx->arena, cx->error.text));
    }
}

static size_t expanded_max(const mr_check *check) {
    uint64_t own = MR_MIN(check->config->max_message_bytes, EXPANDED_BYTES_MAX) * EXPANDED_TIMES;
    bool client = check->origin != MR_LOG_COORDINATOR;
    return (size_t)(client ? MR_MIN(MR_MAX(own, EXPANDED_BYTES_MIN), EXPANDED_BYTES_MAX)
                           : EXPANDED_BYTES_MAX);
}

// The records, expanded, for a check of their keys and another compression.
static mr_code expand(const mr_log_config *config, mr_check *check, mr_log_appended *ret,
                      mr_cx *cx) {
    const mr_record_batch *batch = &check->batch;
    bool control = (batch->attributes & MR_RECORD_BATCH_CONTROL) != 0;
    bool other = !control && config->compression != MR_LOG_COMPRESSION_PRODUCER &&
                 config->compression != (int)batch->compression;
    bool keys = !control && config->cleanup_compact;
    if (!other && !keys) {
        return MR_OK;
    }
    mr_text records;
    mr_text_init(&records, NULL);
    mr_code expanded = mr_record_batch_expand(batch, expanded_max(check), &records, cx);
    if (expanded != MR_OK) {
        refuse(ret, expanded == MR_E_LIMIT ? MR_KAFKA_MESSAGE_TOO_LARGE : MR_KAFKA_CORRUPT_MESSAGE,
               mr_arena_string(cx->arena, cx->error.text));
    } else if (keys) {
        check_keys(batch, mr_text_span(&records), ret, cx);
    }
    mr_code code = MR_OK;
    if (ret->error == MR_KAFKA_NONE && other) {
        mr_text again;
        mr_text_init(&again, cx->arena);
        mr_record_batch head = *batch;
        head.compression = (mr_compression)config->compression;
        code = mr_record_batch_add(&head, mr_text_span(&records), &again, cx);
        if (code == MR_OK) {
            mr_span in = mr_text_span(&again);
            bool found = false;
            code = mr_record_batch_next(&in, &check->batch, &found, cx);
            mr_assert(code != MR_OK || found);
        }
    }
    mr_text_release(&records);
    return code;
}

// With message.timestamp.type LogAppendTime the log's clock stands for all records.
static void stamp(mr_check *check, int64_t now_ms) {
    check->batch.attributes = (int16_t)(check->batch.attributes | MR_RECORD_BATCH_APPEND_TIME);
    check->batch.max_timestamp_ms = now_ms;
    mr_segment_store(check->head + 21, (uint64_t)check->batch.attributes, 2);
    mr_segment_store(check->head + 35, (uint64_t)now_ms, 8);
    uint32_t crc = mr_hash_crc32c(0, check->head + 21, MR_RECORD_BATCH_HEAD_BYTES - 21);
    crc = mr_hash_crc32c(crc, check->payload.data, check->payload.bytes);
    mr_segment_store(check->head + 17, crc, 4);
}

mr_code mr_check_batch(mr_check *check, mr_span in, mr_log_appended *ret_result, mr_cx *cx) {
    check_frame(in, ret_result);
    if (ret_result->error != MR_KAFKA_NONE) {
        return MR_OK;
    }
    check_counts(in.data, check->origin, ret_result);
    if (ret_result->error != MR_KAFKA_NONE) {
        return MR_OK;
    }
    if (in.bytes > check->config->max_message_bytes && check->origin != MR_LOG_COORDINATOR) {
        return refuse(ret_result, MR_KAFKA_MESSAGE_TOO_LARGE,
                      mr_arena_printf(cx->arena,
                                      "a record batch of %zu bytes is larger than the %" PRIu64
                                      " of max.message.bytes",
                                      in.bytes, check->config->max_message_bytes));
    }
    bool found = false;
    mr_span left = in;
    if (mr_record_batch_next(&left, &check->batch, &found, cx) != MR_OK || !found ||
        mr_record_batch_verify(&check->batch, cx) != MR_OK) {
        return refuse(ret_result, MR_KAFKA_CORRUPT_MESSAGE,
                      mr_arena_string(cx->arena, cx->error.text));
    }
    if (check->origin != MR_LOG_COORDINATOR) {
        check_time(check->config, &check->batch, check->now_ms, ret_result, cx);
    }
    if (ret_result->error == MR_KAFKA_NONE) {
        MR_TRY(expand(check->config, check, ret_result, cx));
    }
    if (ret_result->error == MR_KAFKA_NONE &&
        check->batch.byte_count > check->config->segment_bytes) {
        refuse(ret_result, MR_KAFKA_RECORD_LIST_TOO_LARGE,
               mr_arena_printf(cx->arena,
                               "a record batch of %zu bytes is larger than the %" PRIu64
                               " of segment.bytes",
                               check->batch.byte_count, check->config->segment_bytes));
    }
    if (ret_result->error != MR_KAFKA_NONE) {
        return MR_OK;
    }
    memcpy(check->head, check->batch.bytes, MR_RECORD_BATCH_HEAD_BYTES);
    check->payload = check->batch.payload;
    if (check->config->timestamp_append &&
        (check->batch.attributes & MR_RECORD_BATCH_CONTROL) == 0) {
        stamp(check, check->now_ms);
        ret_result->append_time_ms = check->now_ms;
    }
    return MR_OK;
}
