// generate: the benchmark's retail events, as JSON lines with Python's ", " and ": ".
//
//   generate COUNT SEED OUT [PARTITIONS]     writes OUT, and OUT.0 .. OUT.<n-1>, line i in part i %
//   n
//
// Why: the input must be the same on every machine and cheap to make, and must not come from the
// program that is measured. 5 % of the rows are exact copies of one of the 512 rows before them,
// 2 % of the amounts, countries and devices are null, and no row is further behind the clock than
// 20 s, so that with a delay of 30 s every engine counts every row.

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_BYTES_MAX    400
#define COPY_DISTANCE_MAX 512
#define PARTITIONS_MAX    64
#define START_SECONDS     1767225600  // 2026-01-01T00:00:00Z
#define ROWS_PER_SECOND   1000        // Of event time.
#define DISORDER_MS       20000
#define USERS             420  // 20 more than dim/users.csv has: a left join must keep their rows.
#define PRODUCTS          104

static const char *const countries[] = {"in", "IN", "in", "us", "US", "de", "gb", "fr", "br"};
static const char *const devices[] = {"mobile", " Mobile ", "Desktop",
                                      "tablet", "MOBILE",   "desktop "};

typedef struct line {
    char text[LINE_BYTES_MAX];
    int bytes;
} line;

static uint64_t state;

// splitmix64.
static uint64_t random_next(void) {
    uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static uint64_t random_below(uint64_t limit) {
    return random_next() % limit;
}

static void quote_or_null(char out[32], const char *word) {
    if (random_below(100) < 2) {
        snprintf(out, 32, "null");
    } else {
        snprintf(out, 32, "\"%s\"", word);
    }
}

static void line_fill(line *out, uint64_t row) {
    char amount[32], country[32], device[32], moment[40];
    uint64_t hi = random_next(), lo = random_next();
    if (random_below(100) < 2) {
        snprintf(amount, sizeof amount, "null");
    } else {
        uint64_t cents = 100 + random_below(49900);
        snprintf(amount, sizeof amount, "%" PRIu64 ".%02" PRIu64, cents / 100, cents % 100);
    }
    quote_or_null(country, countries[random_below(sizeof countries / sizeof *countries)]);
    quote_or_null(device, devices[random_below(sizeof devices / sizeof *devices)]);
    int64_t clock_ms = START_SECONDS * INT64_C(1000) + (int64_t)(row * 1000 / ROWS_PER_SECOND);
    int64_t at_ms = clock_ms - (int64_t)random_below(DISORDER_MS);
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t used = strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(moment + used, sizeof moment - used, ".%03dZ", (int)(at_ms % 1000));
    out->bytes =
        snprintf(out->text, sizeof out->text,
                 "{\"event_id\": \"%08x-%04x-4%03x-a%04x\", \"user_id\": %d, \"product_id\": %d, "
                 "\"amount\": %s, "
                 "\"country\": %s, \"device\": %s, \"event_time\": \"%s\"}\n",
                 (unsigned)(hi >> 32), (unsigned)(hi >> 16 & 0xffff), (unsigned)(hi >> 4 & 0xfff),
                 (unsigned)(lo >> 48), 1 + (int)random_below(USERS),
                 1 + (int)random_below(PRODUCTS), amount, country, device, moment);
    if (out->bytes >= LINE_BYTES_MAX) {
        abort();
    }
}

static FILE *open_or_die(const char *path) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

static void write_or_die(FILE *file, const line *one) {
    if (fwrite(one->text, 1, (size_t)one->bytes, file) != (size_t)one->bytes) {
        perror("write");
        exit(1);
    }
}

static void close_or_die(FILE *file) {
    if (fclose(file) != 0) {
        perror("close");
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: generate COUNT SEED OUT [PARTITIONS]\n");
        return 2;
    }
    uint64_t count = strtoull(argv[1], NULL, 10);
    state = strtoull(argv[2], NULL, 10);
    uint64_t parts = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
    if (parts > PARTITIONS_MAX) {
        fprintf(stderr, "generate: at most %d partitions\n", PARTITIONS_MAX);
        return 2;
    }
    FILE *whole = open_or_die(argv[3]), *part[PARTITIONS_MAX];
    for (uint64_t p = 0; p < parts; p++) {
        char path[4096];
        snprintf(path, sizeof path, "%s.%" PRIu64, argv[3], p);
        part[p] = open_or_die(path);
    }
    line *recent =
        malloc(COPY_DISTANCE_MAX * sizeof *recent);  // A ring: row i is in slot i % size.
    if (recent == NULL) {
        return 1;
    }
    for (uint64_t row = 0; row < count; row++) {
        line *out = &recent[row % COPY_DISTANCE_MAX];
        // A copy is half a second old at the most: even a copy of copies stays under the delay.
        if (row > 0 && random_below(100) < 5) {
            uint64_t back = 1 + random_below(row < COPY_DISTANCE_MAX ? row : COPY_DISTANCE_MAX - 1);
            *out = recent[(row - back) % COPY_DISTANCE_MAX];
        } else {
            line_fill(out, row);
        }
        write_or_die(whole, out);
        if (parts > 0) {
            write_or_die(part[row % parts], out);
        }
    }
    close_or_die(whole);
    for (uint64_t p = 0; p < parts; p++) {
        close_or_die(part[p]);
    }
    free(recent);
    return 0;
}
