// Sources under several readers: claims in turn, reads side by side, every row once.

#include <string.h>

#include "plat/thread.h"
#include "runner.h"
#include "unit/conn/drive.h"

#define READERS 4

typedef struct shared {
    mr_source *source;
    mr_mutex mutex;
    atomic_uint_fast64_t rows;
    atomic_uint_fast64_t sum;  // Of the ids.
    atomic_uint errors;
} shared;

static mr_code read_some(shared *s, mr_reader *reader, bool *ret_more, mr_cx *cx) {
    mr_claim claim;
    mr_claim_result result;
    mr_mutex_lock(&s->mutex);
    mr_code code = s->source->type->claim(s->source, &claim, &result, cx);
    mr_mutex_unlock(&s->mutex);
    MR_TRY(code);
    *ret_more = result != MR_CLAIM_DONE;
    if (result != MR_CLAIM_TAKEN) {
        return MR_OK;
    }
    mr_chunk chunk;
    MR_TRY(s->source->type->read(reader, &claim, &chunk, cx));
    for (uint32_t b = 0; b < chunk.decoded.batch_count; b++) {
        const mr_batch *batch = &chunk.decoded.batches[b];
        for (uint32_t row = 0; row < batch->rows; row++) {
            atomic_fetch_add(&s->sum, (uint64_t)batch->columns[0].int64s[row]);
        }
    }
    atomic_fetch_add(&s->rows, chunk.decoded.row_count);
    mr_hold_unref(chunk.hold);
    return MR_OK;
}

static void *read_all(void *argument) {
    shared *s = argument;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    mr_reader *reader;
    mr_code code = s->source->type->reader_open(s->source, &reader, &cx);
    bool more = code == MR_OK;
    while (more && code == MR_OK) {
        code = read_some(s, reader, &more, &cx);
    }
    atomic_fetch_add(&s->errors, code != MR_OK);
    s->source->type->reader_close(reader);
    mr_arena_release(&arena);
    return NULL;
}

static void run(drive *d, const mr_source_type *type, uint64_t rows, uint64_t sum) {
    shared s = {.source = NULL};
    mr_thread threads[READERS] = {{.running = false}};
    mr_mutex_init(&s.mutex);
    REQUIRE_OK(drive_open(d, type));
    s.source = d->source;
    EXPECT_OK(type->start(d->source, &d->cx));
    for (int i = 0; i < READERS; i++) {
        EXPECT_OK(mr_thread_start(&threads[i], "reader", read_all, &s, &d->cx));
    }
    for (int i = 0; i < READERS; i++) {
        mr_thread_join(&threads[i]);
    }
    EXPECT_EQ(atomic_load(&s.errors), 0);
    EXPECT_EQ(atomic_load(&s.rows), rows);
    EXPECT_EQ(atomic_load(&s.sum), sum);
    mr_mutex_release(&s.mutex);
}

TEST(parallel, readers_of_files_take_each_row_once) {
    enum { ROWS = 50000 };
    drive d;
    drive_init(&d);
    drive_field(&d, "id", MR_INT64, MR_FROM_VALUE);
    drive_shell(&d,
                "mkdir %s/in; cd %s/in; for i in $(seq 1 50000); do echo \"{\\\"id\\\":$i}\"; done"
                " > a.jsonl; gzip -c a.jsonl > b.gz; head -1000 a.jsonl | zstd -q > c.zst");
    drive_option(&d, "path", drive_path(&d, "in"));
    d.spec.chunk_bytes = 3000;
    uint64_t whole = (uint64_t)ROWS * (ROWS + 1) / 2;
    run(&d, &mr_source_file, 2 * ROWS + 1000, 2 * whole + 1000 * 1001 / 2);
    drive_release(&d);
}

TEST(parallel, readers_of_a_generator_take_each_row_once) {
    drive d;
    drive_init(&d);
    drive_field(&d, "user_id", MR_INT64, MR_FROM_VALUE);
    drive_option(&d, "count", "20000");
    drive_option(&d, "partitions", "3");
    REQUIRE_OK(drive_open(&d, &mr_source_generator));
    uint64_t sum = 0;
    EXPECT_OK(d.source->type->start(d.source, &d.cx));
    EXPECT_OK(drive_drain(&d));
    const char *at = mr_text_string(&d.rows);
    while ((at = strchr(at, '|')) != NULL) {
        int64_t id;
        EXPECT(mr_text_parse_int64((mr_span){at + 1, strcspn(at + 1, "\n")}, &id));
        sum += (uint64_t)id;
        at++;
    }
    d.spec.chunk_bytes = 5000;
    run(&d, &mr_source_generator, 20000, sum);
    drive_release(&d);
}
