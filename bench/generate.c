// generate: the benchmarks' events as JSON lines, the same for the same seed.
//
//   generate KIND COUNT SEED OUT [PARTITIONS]    writes OUT, and OUT.0 .. OUT.<n-1>, line i in part
//                                                i % n; prints one JSON object: what there is
//     retail  as Python's json.dumps writes them; 5 % are exact copies of one of the 512 rows
//             before, 2 % of the amounts, countries and devices are null
//     even    the same with eight countries, each as often as the others
//     hot     the same with 90 % of one country
//     ids     {"id","n","at"}; 10 % have the id of any earlier row; prints the sum of n over the
//     ids wide    60 fields, 1 KB
//
// Why: the input must be the same on every machine and cheap to make, and must not come from the
// program that is measured. No row is further behind the clock than 20 s (ids: 1 s), so that with
// the delays of the pipelines every engine counts every row.

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_BYTES_MAX    2400
#define OUT_BYTES         (1 << 20)
#define COPY_DISTANCE_MAX 512
#define PARTITIONS_MAX    64
#define START_SECONDS     1767225600  // 2026-01-01T00:00:00Z
#define ROWS_PER_SECOND   1000        // Of event time.
#define DISORDER_MS       20000
#define USERS             420  // 20 more than dim/users.csv has: a left join must keep their rows.
#define PRODUCTS          104

#define COUNT(array)      (sizeof(array) / sizeof *(array))
#define ID_ROWS_PER_MS    1000
#define ID_COPIES_PERCENT 10

static const char *const countries[] = {"in", "IN", "in", "us", "US", "de", "gb", "fr", "br"};
static const char *const eight[] = {"IN", "US", "DE", "GB", "FR", "BR", "JP", "AU"};
static const char *const devices[] = {"mobile", " Mobile ", "Desktop",
                                      "tablet", "MOBILE",   "desktop "};

typedef struct line {
    char text[LINE_BYTES_MAX];
    int bytes;
} line;

typedef enum kind { RETAIL, EVEN, HOT, IDS, WIDE, KINDS } kind;
static const char *const kind_names[KINDS] = {"retail", "even", "hot", "ids", "wide"};

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

static const char *country_of(kind what) {
    if (what == RETAIL) {
        return countries[random_below(COUNT(countries))];
    }
    if (what == HOT && random_below(10) > 0) {
        return eight[0];
    }
    return eight[random_below(COUNT(eight))];
}

// The moment of a row: the clock's, less up to 20 s.
static void moment_of(uint64_t row, char *to, size_t bytes) {
    int64_t clock_ms = START_SECONDS * INT64_C(1000) + (int64_t)(row * 1000 / ROWS_PER_SECOND);
    int64_t at_ms = clock_ms - (int64_t)random_below(DISORDER_MS);
    static time_t day = -1;  // Rows of a day share its date; gmtime is slow.
    static char date[16];
    time_t seconds = (time_t)(at_ms / 1000);
    if (seconds / 86400 != day) {
        struct tm tm;
        day = seconds / 86400;
        gmtime_r(&seconds, &tm);
        strftime(date, sizeof date, "%Y-%m-%d", &tm);
    }
    unsigned in_day = (unsigned)(seconds % 86400);
    snprintf(to, bytes, "%sT%02u:%02u:%02u.%03uZ", date, in_day / 3600, in_day / 60 % 60,
             in_day % 60, (unsigned)(at_ms % 1000));
}

static void retail_fill(line *out, uint64_t row, kind what) {
    char amount[32], country[32], device[32], moment[40];
    uint64_t hi = random_next(), lo = random_next();
    if (random_below(100) < 2) {
        snprintf(amount, sizeof amount, "null");
    } else {
        uint64_t cents = 100 + random_below(49900);
        snprintf(amount, sizeof amount, "%" PRIu64 ".%02" PRIu64, cents / 100, cents % 100);
    }
    quote_or_null(country, country_of(what));
    quote_or_null(device, devices[random_below(COUNT(devices))]);
    moment_of(row, moment, sizeof moment);
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

// 60 fields, of which the pipeline reads at, user_id, country, status, amount, latency_ms, host and
// quantity; they stand apart from each other.
static void wide_fill(line *out, uint64_t row) {
    static const char *const used[] = {"at",     "user_id",    "country", "status",
                                       "amount", "latency_ms", "host",    "quantity"};
    char *to = out->text;
    for (unsigned field = 0; field < 60; field++) {
        to += sprintf(to, "%s", field == 0 ? "{" : ", ");
        if (field % 8 != 3) {
            unsigned a = (unsigned)random_next();
            switch (field % 4) {
            case 0:
                to += sprintf(to, "\"attribute_%02u\": \"text %05u\"", field, a % 100000);
                break;
            case 1: to += sprintf(to, "\"measure_%02u\": %u.%u", field, a % 1000, a % 7); break;
            case 2: to += sprintf(to, "\"count_%02u\": %u", field, a % 10000); break;
            default: to += sprintf(to, "\"flag_%02u\": %s", field, a % 3 ? "true" : "null"); break;
            }
            continue;
        }
        to += sprintf(to, "\"%s\": ", used[field / 8]);
        switch (field / 8) {
        case 0: {
            char moment[40];
            moment_of(row, moment, sizeof moment);
            to += sprintf(to, "\"%s\"", moment);
            break;
        }
        case 1: to += sprintf(to, "%" PRIu64, 1 + random_below(100000)); break;
        case 2: to += sprintf(to, "\"%s\"", country_of(EVEN)); break;
        case 3: to += sprintf(to, "%d", random_below(20) > 0 ? 200 : 500); break;
        case 4: to += sprintf(to, "%" PRIu64 ".25", random_below(500)); break;
        case 5: to += sprintf(to, "%" PRIu64, random_below(3000)); break;
        case 6:
            to += random_below(50) > 0 ? sprintf(to, "\"host-%02" PRIu64 "\"", random_below(40))
                                       : sprintf(to, "null");
            break;
        default: to += sprintf(to, "%" PRIu64, 1 + random_below(9)); break;
        }
    }
    to += sprintf(to, "}\n");
    out->bytes = (int)(to - out->text);
}

static uint64_t mix(uint64_t z) {  // One to one: other rows have other ids.
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

// Always three digits: numbers have no leading zero in JSON.
static uint64_t ids_n(uint64_t id) {
    return 100 + mix(id + 1) % 900;
}

// Rows of {"id","n","at"} written digit by digit: there may be 10^8 of them.
static void ids_fill(line *out, uint64_t id, uint64_t row) {
    static const char hex[] = "0123456789abcdef";
    uint64_t hash = mix(id + 1), n = ids_n(id);
    static const char form[] = "{\"id\":\"################\",\"n\":###,\"at\":#############}\n";
    memcpy(out->text, form, sizeof form);
    for (int i = 0; i < 16; i++) {
        out->text[7 + i] = hex[hash >> (60 - 4 * i) & 15];
    }
    for (int i = 2; i >= 0; i--, n /= 10) {
        out->text[29 + i] = (char)('0' + n % 10);
    }
    uint64_t at = (uint64_t)START_SECONDS * 1000 + row / ID_ROWS_PER_MS - hash % 1000;
    for (int i = 12; i >= 0; i--, at /= 10) {
        out->text[38 + i] = (char)('0' + at % 10);
    }
    out->bytes = sizeof form - 1;
}

static FILE *open_or_die(const char *path) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    setvbuf(file, NULL, _IOFBF, OUT_BYTES);
    return file;
}

static void write_or_die(FILE *file, const line *one) {
    if (fwrite_unlocked(one->text, 1, (size_t)one->bytes, file) != (size_t)one->bytes) {
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

typedef struct sums {
    uint64_t ids;  // Rows that are no copy.
    uint64_t n;    // ids: sum of n over these.
} sums;

static const line *next_line(kind what, uint64_t row, line *recent, sums *s) {
    line *out = &recent[row % COPY_DISTANCE_MAX];
    if (what == IDS) {
        // Ids are numbered as they come; a copy has the number of any earlier one.
        bool copy = row > 0 && random_below(100) < ID_COPIES_PERCENT;
        uint64_t id = copy ? random_below(s->ids) : s->ids;
        s->n += copy ? 0 : ids_n(id);
        s->ids += !copy;
        ids_fill(out, id, row);
    } else if (what == WIDE) {
        wide_fill(out, row);
    } else if (row > 0 && random_below(100) < 5) {
        // A copy is half a second old at the most: even a copy of copies stays under the delay.
        uint64_t back = 1 + random_below(row < COPY_DISTANCE_MAX ? row : COPY_DISTANCE_MAX - 1);
        *out = recent[(row - back) % COPY_DISTANCE_MAX];
    } else {
        retail_fill(out, row, what);
    }
    return out;
}

int main(int argc, char **argv) {
    int what = 0;
    while (argc > 4 && what < KINDS && strcmp(argv[1], kind_names[what]) != 0) {
        what++;
    }
    if (argc < 5 || what == KINDS) {
        fprintf(stderr, "usage: generate retail|even|hot|ids|wide COUNT SEED OUT [PARTITIONS]\n");
        return 2;
    }
    uint64_t count = strtoull(argv[2], NULL, 10);
    state = strtoull(argv[3], NULL, 10);
    uint64_t parts = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
    if (parts > PARTITIONS_MAX) {
        fprintf(stderr, "generate: at most %d partitions\n", PARTITIONS_MAX);
        return 2;
    }
    FILE *whole = open_or_die(argv[4]), *part[PARTITIONS_MAX];
    for (uint64_t p = 0; p < parts; p++) {
        char path[4096];
        snprintf(path, sizeof path, "%s.%" PRIu64, argv[4], p);
        part[p] = open_or_die(path);
    }
    // A ring: row i is in slot i % size.
    line *recent = malloc(COPY_DISTANCE_MAX * sizeof *recent);
    if (recent == NULL) {
        return 1;
    }
    sums s = {0};
    for (uint64_t row = 0; row < count; row++) {
        const line *out = next_line((kind)what, row, recent, &s);
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
    printf("{\"rows\": %" PRIu64 ", \"ids\": %" PRIu64 ", \"n\": %" PRIu64 "}\n", count, s.ids,
           s.n);
    return 0;
}
