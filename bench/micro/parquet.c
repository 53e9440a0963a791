// Micro-benchmark of the Parquet writer: rows a second of eight columns on one core.
//
//   parquet FILE none|snappy|zstd plain|codes [TURNS]
//
// Writes the same million rows to memory TURNS times, leaves them in FILE, and prints the best
// turn: rows, bytes of the file, seconds. codes: three text columns come as dictionary codes, as
// the JSON decoder hands them over; plain: as views. bench/micro/parquet.py runs pyarrow on the
// same rows in turn.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/parquet.h"

#define BENCH_ROWS    1000000
#define BENCH_BATCHES ((BENCH_ROWS + MR_BATCH_ROWS_MAX - 1) / MR_BATCH_ROWS_MAX)

static mr_column bench_columns[] = {
    {"event_id", {.id = MR_TEXT}, true},     {"user_id", {.id = MR_INT64}, false},
    {"product_id", {.id = MR_INT32}, false}, {"amount", {.id = MR_FLOAT64}, false},
    {"country", {.id = MR_TEXT}, false},     {"device", {.id = MR_TEXT}, false},
    {"action", {.id = MR_TEXT}, false},      {"event_time", {.id = MR_TIMESTAMPTZ}, true},
};
static const mr_schema bench_schema = {bench_columns, MR_COUNT(bench_columns)};

static const char *const bench_words[3][8] = {
    {"IN", "US", "DE", "FR", "BR", "JP", "GB", "AU"},
    {"mobile", "desktop", "tablet", "mobile", "watch", "mobile", "desktop", "tv"},
    {"view", "view", "view", "click", "click", "cart", "buy", "return"},
};

static uint64_t bench_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static mr_str bench_str(const char *text) {
    return (mr_str){.data = text, .bytes = (uint32_t)strlen(text)};
}

static void bench_word(mr_vector *v, uint32_t row, const char *word) {
    if (v->kind != MR_DICT) {
        v->strs[row] = bench_str(word);
    } else if (!mr_dict_code(v->dict, bench_str(word), &v->codes[row])) {
        abort();
    }
}

static mr_batch bench_batch(mr_arena *arena, uint64_t *seed, int64_t first, mr_dict **dicts) {
    uint32_t rows = (uint32_t)MR_MIN((int64_t)BENCH_ROWS - first, (int64_t)MR_BATCH_ROWS_MAX);
    mr_batch batch = mr_batch_new(arena, bench_schema.count, rows);
    mr_vector *v = batch.columns;
    for (uint32_t c = 0; c < bench_schema.count; c++) {
        v[c] = mr_vector_flat(arena, bench_columns[c].type, rows);
        if (c >= 4 && c <= 6 && dicts != NULL) {
            v[c].kind = MR_DICT;
            v[c].dict = dicts[c - 4];
        }
    }
    mr_vector_own_valid(&v[1], arena, rows);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t a = bench_random(seed);
        uint64_t b = bench_random(seed);
        v[0].strs[i] = bench_str(mr_arena_printf(arena, "%08x-%04x-4%03x", (unsigned)a,
                                                 (unsigned)b & 0xFFFF, (unsigned)(b >> 17)));
        v[1].int64s[i] = (int64_t)(a % 5000);
        v[2].int32s[i] = (int32_t)(b % 300);
        v[3].float64s[i] = (double)(a % 50000) / 100;
        v[7].int64s[i] = 1767225600000000 + (first + i) * 1000 + (int64_t)(b % 5000);
        mr_bits_put(v[1].valid, i, b % 50 != 0);
        for (uint32_t w = 0; w < 3; w++) {
            bench_word(&v[4 + w], i, bench_words[w][bench_random(seed) % 8]);
        }
    }
    return batch;
}

static double bench_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

__attribute__((noinline)) static void bench_turn(const mr_batch *batches, const mr_parquet_options *options, mr_text *out,
                       mr_cx *cx) {
    mr_parquet *writer;
    mr_text_clear(out);
    mr_code code = mr_parquet_open(&bench_schema, options, &writer, cx);
    mr_assert(code == MR_OK);
    for (uint32_t i = 0; code == MR_OK && i < BENCH_BATCHES; i++) {
        code = mr_parquet_write(writer, &batches[i], out, cx);
    }
    mr_assert(code == MR_OK);
    code = mr_parquet_finish(writer, out, cx);
    mr_assert(code == MR_OK);
    mr_parquet_close(writer);
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: parquet FILE none|snappy|zstd plain|codes [TURNS]\n");
        return 2;
    }
    mr_parquet_options options = {
        .compression = strcmp(argv[2], "zstd") == 0     ? MR_COMPRESS_ZSTD
                       : strcmp(argv[2], "snappy") == 0 ? MR_COMPRESS_SNAPPY
                                                        : MR_COMPRESS_NONE,
    };
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_dict *dicts[3] = {mr_dict_new(), mr_dict_new(), mr_dict_new()};
    static mr_batch batches[BENCH_BATCHES];
    uint64_t seed = 1;
    for (uint32_t i = 0; i < BENCH_BATCHES; i++) {
        bool codes = strcmp(argv[3], "codes") == 0;
        batches[i] =
            bench_batch(&arena, &seed, (int64_t)i * MR_BATCH_ROWS_MAX, codes ? dicts : NULL);
    }
    mr_text out;
    mr_text_init(&out, NULL);
    double best = 1e9;
    for (int turn = argc > 4 ? atoi(argv[4]) : 5; turn > 0; turn--) {
        double start = bench_seconds();
        bench_turn(batches, &options, &out, &cx);
        best = MR_MIN(best, bench_seconds() - start);
    }
    FILE *file = fopen(argv[1], "wb");
    if (file == NULL || fwrite(out.data, 1, out.bytes, file) != out.bytes || fclose(file) != 0) {
        perror(argv[1]);
        return 1;
    }
    printf("%d %zu %.6f\n", BENCH_ROWS, out.bytes, best);
    mr_text_release(&out);
    for (int i = 0; i < 3; i++) {
        mr_dict_unref(dicts[i]);
    }
    mr_arena_release(&arena);
    return 0;
}
