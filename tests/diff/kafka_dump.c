// kafka_dump: prints what the Kafka source makes of a topic; tests/e2e/test_kafka_source.py judges
// it.
//
//   kafka_dump until=stopped|now|end [seconds=N] [rows=N] [refresh=true] [quiet=true]
//   [seek:NAME=POSITION]… [OPTION=VALUE]…
//
// One line of JSON each: {"begun":true} when it is known where each partition begins, {"row":…} or
// {"bad":…} as they come, {"error":…} when it fails, and at last
// {"positions":{"events/0":23},"finished":true}. Columns: id bigint and v text of the value, and
// the record's own. seconds: how long to go on when nothing more comes (default 5).

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"
#include "plat/plat.h"

#define DUMP_OPTIONS_MAX 64

typedef struct dump {
    mr_arena arena;
    mr_cx cx;
    mr_field fields[8];
    mr_fields wanted;
    mr_option_value options[DUMP_OPTIONS_MAX];
    mr_option_values values;
    const char *seek_names[DUMP_OPTIONS_MAX];
    int64_t seek_positions[DUMP_OPTIONS_MAX];
    size_t seek_count;
    mr_source_spec spec;
    mr_source *source;
    int64_t seconds;
    int64_t rows_max;
    bool refresh;
    bool quiet;  // Count only, and say how long it took.
    bool finished;
    uint64_t rows;
} dump;

static void quoted(const char *data, size_t bytes) {
    putchar('"');
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 0x20) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static void print_batch(dump *d, const mr_batch *batch) {
    mr_text value = {.arena = &d->arena};
    for (uint32_t row = 0; row < batch->rows; row++) {
        printf("{\"row\":{");
        for (uint32_t c = 0; c < batch->column_count; c++) {
            const mr_vector *v = &batch->columns[c];
            printf("%s\"%s\":", c == 0 ? "" : ",", d->fields[c].name);
            if (mr_vector_is_null(v, row)) {
                printf("null");
                continue;
            }
            mr_text_clear(&value);
            mr_vector_print(v, row, NULL, &value);
            if (mr_type_is_numeric(v->type)) {
                printf("%s", mr_text_string(&value));
            } else {
                quoted(value.data, value.bytes);
            }
        }
        printf("}}\n");
    }
}

static void print_chunk(dump *d, const mr_chunk *chunk) {
    for (uint32_t i = 0; i < chunk->decoded.batch_count && !d->quiet; i++) {
        print_batch(d, &chunk->decoded.batches[i]);
    }
    for (uint32_t i = 0; i < chunk->decoded.bad_count; i++) {
        const mr_bad_record *bad = &chunk->decoded.bad[i];
        printf("{\"bad\":{\"o\":%" PRId64 ",\"reason\":", bad->offset);
        quoted(bad->reason, strlen(bad->reason));
        printf(",\"bytes\":%" PRIu32 "}}\n", bad->raw_bytes);
    }
    d->rows += chunk->decoded.record_count;
    fflush(stdout);
}

static mr_code drain(dump *d, mr_reader *reader) {
    const mr_source_type *type = d->source->type;
    int64_t still_since_us = mr_clock_monotonic_us(d->cx.plat);
    while (d->rows_max == 0 || d->rows < (uint64_t)d->rows_max) {
        mr_claim claim;
        mr_claim_result result;
        MR_TRY(type->claim(d->source, &claim, &result, &d->cx));
        if (result == MR_CLAIM_DONE) {
            d->finished = true;
            return MR_OK;
        }
        int64_t now_us = mr_clock_monotonic_us(d->cx.plat);
        if (result == MR_CLAIM_NONE) {
            if (now_us - still_since_us > d->seconds * MR_SECOND_US) {
                return MR_OK;
            }
            type->wait(d->source, 50000, &d->cx);
            if (d->refresh) {
                MR_TRY(type->refresh(d->source, &d->cx));
            }
            continue;
        }
        still_since_us = now_us;
        mr_chunk chunk;
        MR_TRY(type->read(reader, &claim, &chunk, &d->cx));
        print_chunk(d, &chunk);
        mr_hold_unref(chunk.hold);
    }
    return MR_OK;
}

static mr_code run(dump *d) {
    const mr_source_type *type = d->source->type;
    MR_TRY(type->open(d->source, &d->spec, &d->cx));
    if (d->seek_count > 0) {
        MR_TRY(type->seek(d->source, d->seek_names, d->seek_positions, d->seek_count, &d->cx));
    } else {
        MR_TRY(type->start(d->source, &d->cx));
    }
    mr_reader *reader;
    MR_TRY(type->reader_open(d->source, &reader, &d->cx));
    int64_t begun_us = mr_clock_monotonic_us(d->cx.plat);
    puts("{\"begun\":true}");
    fflush(stdout);
    mr_code code = drain(d, reader);
    type->reader_close(reader);
    MR_TRY(code);
    if (d->quiet) {
        printf("{\"records\":%" PRIu64 ",\"seconds\":%.3f}\n", d->rows,
               (double)(mr_clock_monotonic_us(d->cx.plat) - begun_us) / 1e6);
    }
    int64_t *positions = MR_NEW_ARRAY(&d->arena, int64_t, d->source->partition_count);
    printf("{\"positions\":{");
    for (uint32_t p = 0; p < d->source->partition_count; p++) {
        positions[p] = d->source->partitions[p].position;
        printf("%s\"%s\":%" PRId64, p == 0 ? "" : ",", d->source->partitions[p].name, positions[p]);
    }
    printf("},\"caught_up\":[");
    for (uint32_t p = 0; p < d->source->partition_count; p++) {
        printf("%s%s", p == 0 ? "" : ",", d->source->partitions[p].caught_up ? "true" : "false");
    }
    printf("],\"finished\":%s}\n", d->finished ? "true" : "false");
    type->committed(d->source, positions, d->source->partition_count, &d->cx);
    mr_clock_sleep_us(d->cx.plat, d->finished ? 0 : 300000);  // Let the commit go out.
    return MR_OK;
}

static void take_argument(dump *d, char *argument) {
    char *equal = strchr(argument, '=');
    if (equal == NULL) {
        fprintf(stderr, "kafka_dump: %s is not NAME=VALUE\n", argument);
        exit(2);
    }
    *equal = '\0';
    const char *value = equal + 1;
    if (strcmp(argument, "until") == 0) {
        d->spec.until = strcmp(value, "stopped") == 0 ? MR_UNTIL_STOPPED
                        : strcmp(value, "now") == 0   ? MR_UNTIL_AVAILABLE_NOW
                                                      : MR_UNTIL_END;
    } else if (strcmp(argument, "seconds") == 0) {
        d->seconds = atoll(value);
    } else if (strcmp(argument, "rows") == 0) {
        d->rows_max = atoll(value);
    } else if (strcmp(argument, "refresh") == 0) {
        d->refresh = strcmp(value, "true") == 0;
    } else if (strcmp(argument, "quiet") == 0) {
        d->quiet = strcmp(value, "true") == 0;
    } else if (strcmp(argument, "chunk_bytes") == 0) {
        d->spec.chunk_bytes = (uint64_t)atoll(value);
    } else if (strncmp(argument, "seek:", 5) == 0) {
        d->seek_names[d->seek_count] = argument + 5;
        d->seek_positions[d->seek_count++] = atoll(value);
    } else {
        d->options[d->values.count++] = (mr_option_value){argument, value, MR_NOWHERE};
    }
}

int main(int argc, char **argv) {
    static dump d;
    mr_cx_init(&d.cx, &d.arena, mr_plat_linux());
    static const struct {
        const char *name;
        mr_type_id type;
        mr_field_from from;
    } columns[] = {{"id", MR_INT64, MR_FROM_VALUE},
                   {"v", MR_TEXT, MR_FROM_VALUE},
                   {"key", MR_TEXT, MR_FROM_KEY},
                   {"topic", MR_TEXT, MR_FROM_TOPIC},
                   {"p", MR_INT32, MR_FROM_PARTITION},
                   {"o", MR_INT64, MR_FROM_OFFSET},
                   {"ts", MR_TIMESTAMPTZ, MR_FROM_TIMESTAMP},
                   {"headers", MR_TEXT, MR_FROM_HEADERS}};
    for (size_t i = 0; i < MR_COUNT(columns); i++) {
        d.fields[i] = (mr_field){
            .name = columns[i].name, .type = MR_TYPE(columns[i].type), .from = columns[i].from};
    }
    d.wanted = (mr_fields){.items = d.fields, .count = MR_COUNT(columns), .event_time = -1};
    d.values.items = d.options;
    d.seconds = 5;
    d.spec = (mr_source_spec){
        .table = "events", .pipeline = "dump", .fields = &d.wanted, .options = &d.values};
    for (int i = 1; i < argc && d.values.count < DUMP_OPTIONS_MAX; i++) {
        take_argument(&d, argv[i]);
    }
    d.source = mr_heap_alloc(mr_source_kafka.size);
    d.source->type = &mr_source_kafka;
    mr_code code = run(&d);
    if (code != MR_OK) {
        printf("{\"error\":");
        quoted(d.cx.error.text, strlen(d.cx.error.text));
        printf(",\"hint\":");
        quoted(d.cx.error.hint, strlen(d.cx.error.hint));
        printf(",\"code\":");
        quoted(mr_error_code_text(code), strlen(mr_error_code_text(code)));
        printf("}\n");
    }
    mr_source_kafka.close(d.source);
    mr_heap_free(d.source);
    mr_arena_release(&d.arena);
    return code == MR_OK ? 0 : 1;
}
