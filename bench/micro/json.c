// Micro-benchmark of the JSON decoder: rows and bytes a second on one core, side by side.
//
//   json [SECONDS]    each line: what, millions of records a second, GB/s, ns and cycles a record
//
// All forms read the same bytes in turns, and the best turn counts, so that ratios hold on a busy
// machine. memcpy is the ceiling of anything; simdjson (when linked in) is the ceiling of parsers
// that build an index first.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "codec/json.h"

// bench/micro/json_simdjson.cpp; absent without the library.
size_t bench_simdjson_index(const char *data, size_t bytes) __attribute__((weak));
size_t bench_simdjson_values(const char *data, size_t bytes) __attribute__((weak));

#define BENCH_ROWS      20000
#define BENCH_TURNS_MIN 5

typedef struct bench_input {
    char *data;  // Padded.
    size_t bytes;
    uint32_t rows;
} bench_input;

static uint64_t bench_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

typedef enum bench_shape {
    SHAPE_RETAIL,    // As the generator writes it.
    SHAPE_SHUFFLED,  // Every record in its own key order.
    SHAPE_SPARSE,    // Any of five fields may be null or missing.
    SHAPE_WIDE,      // 60 fields, of which seven are wanted.
    SHAPE_ESCAPED,   // Text with escapes and with characters past ASCII.
} bench_shape;

static int bench_field(int field, uint64_t *seed, bench_shape shape, char *to) {
    static const char *const countries[] = {"IN", "US", "DE", "FR", "BR", "JP", "GB", "AU"};
    static const char *const devices[] = {" Mobile ", "desktop", "TABLET", "mobile"};
    unsigned a = (unsigned)bench_random(seed), b = (unsigned)bench_random(seed);
    switch (field) {
    case 0:
        return sprintf(to, "\"event_id\": \"%08x-%04x-4%03x-a%03x-%08x%04x\"", a, b & 0xFFFF,
                       b >> 20 & 0xFFF, a & 0xFFF, a ^ b, a >> 7 & 0xFFFF);
    case 1: return sprintf(to, "\"user_id\": %u", a % 5000);
    case 2: return sprintf(to, "\"product_id\": %u", a % 300);
    case 3: return sprintf(to, "\"amount\": %u.%02u", a % 500, b % 100);
    case 4: return sprintf(to, "\"country\": \"%s\"", countries[a % 8]);
    case 5:
        if (shape == SHAPE_ESCAPED) {
            return sprintf(to, "\"device\": \"caf\xC3\xA9 \\\"%u\\u00e9\\n\"", a % 9);
        }
        return sprintf(to, "\"device\": \"%s\"", devices[a % 4]);
    default:
        return sprintf(to, "\"event_time\": \"2026-01-01T%02u:%02u:%02u.%03uZ\"", a % 24,
                       a / 24 % 60, b % 60, b / 60 % 1000);
    }
}

static char *bench_record(bench_shape shape, uint64_t *seed, char *to) {
    int order[7] = {0, 1, 2, 3, 4, 5, 6};
    for (int i = 6; i > 0 && shape == SHAPE_SHUFFLED; i--) {
        int j = (int)(bench_random(seed) % (unsigned)(i + 1));
        int swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    *to++ = '{';
    bool first = true;
    for (int i = 0; i < 7; i++) {
        unsigned luck =
            shape == SHAPE_SPARSE && i > 0 && i < 6 ? (unsigned)bench_random(seed) % 16 : 9;
        if (luck == 0) {
            continue;
        }
        to += first ? 0 : sprintf(to, ", ");
        first = false;
        char *value = to;
        to += bench_field(order[i], seed, shape, to);
        if (luck == 1) {
            to = strchr(value, ' ') + 1;
            to += sprintf(to, "null");
        }
        for (int more = 0; more < 8 && shape == SHAPE_WIDE && i < 6; more++) {
            to += more % 2 == 0
                      ? sprintf(to, ", \"attribute_%d_%d\": \"some text %d\"", i, more, more * 7)
                      : sprintf(to, ", \"measure_%d_%d\": %u.5", i, more, (unsigned)more * 1000);
        }
    }
    to += sprintf(to, "}\n");
    return to;
}

static bench_input bench_make(bench_shape shape) {
    uint64_t seed = 42;
    bench_input in = {.rows = BENCH_ROWS};
    in.data = malloc((size_t)BENCH_ROWS * 2600 + 64);
    char *to = in.data;
    for (uint32_t i = 0; i < in.rows; i++) {
        to = bench_record(shape, &seed, to);
    }
    in.bytes = (size_t)(to - in.data);
    memset(to, 0, 64);
    return in;
}

// ---- measuring -------------------------------------------------------------------------------

static double bench_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t bench_cycles(void) {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return 0;
#endif
}

typedef struct bench_run {
    const char *name;
    size_t (*call)(void *arg,
                   const bench_input *in);  // Returns what it found, so it is not dropped.
    void *arg;
    double seconds;
    uint64_t cycles;
    size_t found;
} bench_run;

static void bench_all(bench_run *runs, size_t count, const bench_input *in, double seconds) {
    double stop = bench_now() + seconds;
    for (int turn = 0; turn < BENCH_TURNS_MIN || bench_now() < stop; turn++) {
        for (size_t i = 0; i < count; i++) {
            double from = bench_now();
            uint64_t cycles = bench_cycles();
            runs[i].found = runs[i].call(runs[i].arg, in);
            cycles = bench_cycles() - cycles;
            double spent = bench_now() - from;
            if (turn == 0 || spent < runs[i].seconds) {
                runs[i].seconds = spent;
                runs[i].cycles = cycles;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        const bench_run *r = &runs[i];
        printf("  %-26s %7.2f M/s %7.2f GB/s %7.1f ns %7.0f cycles  found %zu\n", r->name,
               in->rows / r->seconds / 1e6, (double)in->bytes / r->seconds / 1e9,
               r->seconds * 1e9 / in->rows, (double)r->cycles / in->rows, r->found);
    }
}

// ---- what is measured ------------------------------------------------------------------------

static size_t call_memcpy(void *arg, const bench_input *in) {
    memcpy(arg, in->data, in->bytes);
    return (unsigned char)((char *)arg)[in->bytes / 2];
}

static size_t call_index(void *arg, const bench_input *in) {
    (void)arg;
    return bench_simdjson_index(in->data, in->bytes);
}

static size_t call_values(void *arg, const bench_input *in) {
    (void)arg;
    return bench_simdjson_values(in->data, in->bytes);
}

typedef struct bench_decoder {
    mr_json *json;
    mr_hold *hold;
} bench_decoder;

static void bench_keep(mr_hold *hold, void *arg) {
    (void)hold;
    (void)arg;
}

static size_t call_decode(void *arg, const bench_input *in) {
    bench_decoder *d = arg;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    size_t rows = 0;
    // In chunks as sources hand them over.
    for (size_t at = 0; at < in->bytes;) {
        size_t bytes = MR_MIN(in->bytes - at, (size_t)1 << 20);
        if (at + bytes < in->bytes) {
            bytes = (size_t)((char *)memrchr(in->data + at, '\n', bytes) - (in->data + at)) + 1;
        }
        mr_records records = {.base = in->data + at, .bytes = bytes, .offset_first = (int64_t)at};
        mr_decoded decoded;
        if (mr_json_decode(d->json, &records, d->hold, &decoded, &cx) != MR_OK ||
            decoded.bad_count > 0) {
            printf("bad: %s\n", decoded.bad_count > 0 ? decoded.bad[0].reason : cx.error.text);
            exit(1);
        }
        rows += decoded.row_count;
        mr_hold_unref(d->hold);  // Comes back at once, see bench_keep.
        mr_hold_reset(d->hold, 0);
        at += bytes;
    }
    mr_arena_release(&arena);
    return rows;
}

static bench_decoder bench_open(const mr_fields *fields, mr_json_simd simd) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    bench_decoder d = {.hold = mr_hold_new(0)};
    d.hold->recycle = bench_keep;
    if (mr_json_open(fields, simd, &d.json, &cx) != MR_OK) {
        printf("%s\n", cx.error.text);
        exit(1);
    }
    return d;
}

static void bench_one(const char *title, bench_shape shape, const mr_fields *fields,
                      double seconds) {
    bench_input in = bench_make(shape);
    char *copy = malloc(in.bytes);
    bench_decoder scalar = bench_open(fields, MR_JSON_SCALAR);
    bench_decoder best = bench_open(fields, MR_JSON_BEST);
    bench_run runs[5] = {{.name = "memcpy", .call = call_memcpy, .arg = copy},
                         {.name = "millrace, plain C", .call = call_decode, .arg = &scalar},
                         {.name = "millrace", .call = call_decode, .arg = &best}};
    size_t count = 3;
    if (bench_simdjson_index != NULL) {
        runs[count++] = (bench_run){.name = "simdjson, index only", .call = call_index};
        runs[count++] = (bench_run){.name = "simdjson, same fields", .call = call_values};
    }
    printf("%s: %u records of %.0f bytes\n", title, in.rows, (double)in.bytes / in.rows);
    bench_all(runs, count, &in, seconds);
    bench_decoder *all[] = {&scalar, &best};
    for (int i = 0; i < 2; i++) {
        mr_json_close(all[i]->json);
        all[i]->hold->recycle = NULL;
        mr_hold_unref(all[i]->hold);
    }
    free(copy);
    free(in.data);
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? atof(argv[1]) : 1.0;
    const char *only = argc > 2 ? argv[2] : "";
    mr_field items[] = {
        {.name = "event_id", .type = MR_TYPE(MR_TEXT)},
        {.name = "user_id", .type = MR_TYPE(MR_INT32)},
        {.name = "product_id", .type = MR_TYPE(MR_INT32)},
        {.name = "amount", .type = MR_TYPE(MR_FLOAT64)},
        {.name = "country", .type = MR_TYPE(MR_TEXT)},
        {.name = "event_time", .type = MR_TYPE(MR_TIMESTAMPTZ)},
        {.name = "device", .type = MR_TYPE(MR_TEXT)},
    };
    mr_fields six = {.items = items, .count = 6, .event_time = 5};
    mr_fields seven = {.items = items, .count = 7, .event_time = 5};
    static const struct {
        const char *title;
        bench_shape shape;
        bool device;
    } cases[] = {{"retail", SHAPE_RETAIL, false},       {"retail with device", SHAPE_RETAIL, true},
                 {"sparse", SHAPE_SPARSE, true},        {"shuffled keys", SHAPE_SHUFFLED, false},
                 {"escaped text", SHAPE_ESCAPED, true}, {"wide", SHAPE_WIDE, true}};
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        if (strstr(cases[i].title, only) != NULL) {
            bench_one(cases[i].title, cases[i].shape, cases[i].device ? &seven : &six, seconds);
        }
    }
    return 0;
}
