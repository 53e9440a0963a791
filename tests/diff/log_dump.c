// log_dump: logs on a real disk, for tests/diff/log_kafka.py, which lets Kafka's own tool read what
// is written here, and this read what Kafka wrote.
//
//   log_dump write ROOT     makes ROOT/plain-0 … and closes them
//   log_dump read DIR       opens a folder that was not stopped cleanly; prints what is in it

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/log.h"

#define DUMP_FIRST_MS 1767225600000

typedef struct dump {
    mr_arena arena;
    mr_cx cx;
    mr_flusher *flusher;
    mr_log *log;
    int64_t now_ms;
} dump;

static void must(dump *d, mr_code code) {
    if (code != MR_OK) {
        fprintf(stderr, "log_dump: %s\n", d->cx.error.text);
        exit(1);
    }
}

static void dump_open(dump *d, const char *root, const char *name, const mr_log_config *config) {
    if (d->flusher == NULL) {
        must(d, mr_flusher_open(&(mr_flusher_options){.root = root, .threads = 2}, &d->flusher,
                                &d->cx));
    }
    mr_log_recovery found;
    mr_log_options options = {.dir = mr_arena_printf(&d->arena, "%s/%s", root, name),
                              .topic = name,
                              .topic_id = "AAAAAAAAAAAAAAAAAAAAAQ",
                              .config = *config,
                              .flusher = d->flusher};
    must(d, mr_log_open(&options, &d->log, &found, &d->cx));
}

typedef struct dump_batch {
    uint32_t records;
    uint32_t key;  // + 1; 0 = none.
    int64_t producer;
    int32_t sequence;
    bool transactional;
    bool tombstone;
    mr_compression compression;
} dump_batch;

static void dump_append(dump *d, const dump_batch *b) {
    mr_text records = {.arena = &d->arena}, out = {.arena = &d->arena};
    char key[16];
    snprintf(key, sizeof(key), "key-%u", b->key);
    for (uint32_t i = 0; i < b->records; i++) {
        const char *value = mr_arena_printf(&d->arena, "value %u of %" PRId64, i, d->now_ms);
        mr_record_add(
            &(mr_record_new){.offset_delta = i,
                             .timestamp_delta = i,
                             .key = b->key == 0 ? (mr_span){NULL, 0} : mr_span_of(key),
                             .value = b->tombstone ? (mr_span){NULL, 0} : mr_span_of(value)},
            &records);
    }
    mr_record_batch head = {.last_offset = b->records - 1,
                            .attributes = b->transactional ? MR_RECORD_BATCH_TRANSACTIONAL : 0,
                            .base_timestamp_ms = d->now_ms,
                            .max_timestamp_ms = d->now_ms + b->records - 1,
                            .producer_id = b->producer == 0 ? -1 : b->producer,
                            .producer_epoch = b->producer == 0 ? (int16_t)-1 : (int16_t)0,
                            .base_sequence = b->producer == 0 ? -1 : b->sequence,
                            .record_count = b->records,
                            .compression = b->compression};
    must(d, mr_record_batch_add(&head, mr_text_span(&records), &out, &d->cx));
    mr_log_appended appended;
    must(d, mr_log_append(d->log, mr_text_span(&out), MR_LOG_CLIENT, &appended, &d->cx));
    if (appended.error != MR_KAFKA_NONE) {
        fprintf(stderr, "log_dump: refused: %s\n", appended.reason);
        exit(1);
    }
    d->now_ms += 10;
}

static void dump_end(dump *d, int64_t producer, bool commit) {
    mr_log_appended appended;
    mr_log_end end = {.producer_id = producer, .coordinator_epoch = 3, .commit = commit};
    must(d, mr_log_end_transaction(d->log, &end, &appended, &d->cx));
}

// Plain, idempotent and transactional batches of every compression, over several segments.
static void write_plain(dump *d, const char *root) {
    mr_log_config config;
    mr_log_config_default(&config);
    config.segment_bytes = 20000;
    config.index_interval_bytes = 1000;
    config.segment_ms = INT64_MAX;
    dump_open(d, root, "plain-0", &config);
    for (int32_t i = 0; i < 400; i++) {
        dump_append(d, &(dump_batch){.records = 1 + (uint32_t)i % 7,
                                     .compression = (mr_compression)(i % 5)});
        dump_append(d, &(dump_batch){.records = 2, .producer = 100, .sequence = i * 2});
        dump_append(d, &(dump_batch){.records = 1,
                                     .producer = 200 + i % 3,
                                     .sequence = i / 3,
                                     .transactional = true});
        if (i % 20 >= 17) {
            dump_end(d, 200 + i % 3, i % 40 < 20);
        }
    }
    must(d, mr_log_close(d->log, &d->cx));
}

static void write_compacted(dump *d, const char *root) {
    mr_log_config config;
    mr_log_config_default(&config);
    config.segment_bytes = 20000;
    config.index_interval_bytes = 500;
    config.segment_ms = INT64_MAX;
    config.cleanup_compact = true;
    config.min_cleanable_dirty_ratio = 0;
    config.fsync = false;
    dump_open(d, root, "compacted-0", &config);
    for (int32_t i = 0; i < 1500; i++) {
        dump_append(d, &(dump_batch){.records = 1 + (uint32_t)i % 3,
                                     .key = 1 + (uint32_t)(i * 7) % 90,
                                     .tombstone = i % 11 == 0,
                                     .compression = (mr_compression)(i % 5)});
        if (i % 5 == 0) {
            dump_append(d, &(dump_batch){.records = 1,
                                         .key = 5,
                                         .producer = 300 + i % 2,
                                         .sequence = i / 10,
                                         .transactional = true});
            dump_end(d, 300 + i % 2, i % 3 == 0);
        }
    }
    must(d, mr_flusher_round(d->flusher, &d->cx));
    while (mr_log_recovery_point(d->log) < mr_log_marks_of(d->log).next) {
        mr_clock_sleep_us(d->cx.plat, 1000);
    }
    uint64_t before = mr_log_bytes(d->log), freed = 0;
    must(d, mr_log_compact(d->log, d->now_ms, &freed, &d->cx));
    printf("{\"before\":%" PRIu64 ",\"freed\":%" PRIu64 "}\n", before, freed);
    must(d, mr_log_close(d->log, &d->cx));
}

static void print_batches(dump *d, int64_t first, int64_t high) {
    for (int64_t offset = first; offset < high;) {
        mr_log_wish wish = {offset, 1 << 20, true, MR_LOG_UNCOMMITTED};
        mr_log_slice slice;
        int16_t error;
        must(d, mr_log_read(d->log, &wish, &slice, &error, &d->cx));
        char *data = mr_arena_raw(&d->arena, (size_t)slice.bytes);
        must(d, mr_log_slice_load(&slice, 0, data, (size_t)slice.bytes, &d->cx));
        mr_span in = {data, (size_t)slice.bytes};
        offset = slice.next_offset;
        mr_log_slice_release(&slice);
        mr_record_batch b;
        bool found = true;
        while (mr_record_batch_next(&in, &b, &found, &d->cx) == MR_OK && found) {
            must(d, mr_record_batch_verify(&b, &d->cx));
            printf("{\"base\":%" PRId64 ",\"last\":%" PRId64 ",\"producer\":%" PRId64
                   ",\"control\":%d,\"records\":%u}\n",
                   b.base_offset, b.last_offset, b.producer_id,
                   (b.attributes & MR_RECORD_BATCH_CONTROL) != 0, b.record_count);
        }
    }
}

static void read_log(dump *d, const char *dir) {
    mr_log_config config;
    mr_log_config_default(&config);
    const char *slash = strrchr(dir, '/');
    const char *root = mr_arena_copy(&d->arena, dir, (size_t)(slash - dir));
    dump_open(d, root, slash + 1, &config);
    mr_log_marks marks = mr_log_marks_of(d->log);
    printf("{\"first\":%" PRId64 ",\"stable\":%" PRId64 ",\"next\":%" PRId64 "}\n", marks.first,
           marks.stable, marks.next);
    print_batches(d, marks.first, marks.high);
    mr_log_aborted *aborted;
    mr_log_producer *producers;
    uint32_t count;
    must(d, mr_log_aborted_in(d->log, marks.first, INT64_MAX, &aborted, &count, &d->cx));
    for (uint32_t i = 0; i < count; i++) {
        printf("{\"aborted\":%" PRId64 ",\"first\":%" PRId64 ",\"last\":%" PRId64 "}\n",
               aborted[i].producer_id, aborted[i].first_offset, aborted[i].last_offset);
    }
    mr_log_producers(d->log, &producers, &count, &d->cx);
    for (uint32_t i = 0; i < count; i++) {
        printf("{\"state\":%" PRId64 ",\"epoch\":%d,\"sequence\":%d,\"open\":%" PRId64 "}\n",
               producers[i].producer_id, producers[i].epoch, producers[i].last_sequence,
               producers[i].transaction_start);
    }
    must(d, mr_log_close(d->log, &d->cx));
}

int main(int argc, char **argv) {
    dump d = {.now_ms = DUMP_FIRST_MS};
    mr_cx_init(&d.cx, &d.arena, mr_plat_linux());
    if (argc != 3) {
        fprintf(stderr, "usage: log_dump write ROOT | read DIR\n");
        return 2;
    }
    if (strcmp(argv[1], "write") == 0) {
        write_plain(&d, argv[2]);
        write_compacted(&d, argv[2]);
    } else {
        read_log(&d, argv[2]);
    }
    mr_flusher_close(d.flusher, &d.cx);
    mr_arena_release(&d.arena);
    return 0;
}
