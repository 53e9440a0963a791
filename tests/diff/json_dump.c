// json_dump: prints what the JSON decoder makes of a file, for comparison with another reader.
//
//   json_dump scalar|avx2|best|neon lines|framed FILE NAME=TYPE[@FORMAT][:PATH]…
//
// One line of JSON for each record, in the order of the file: {"at":offset,"row":[…]} or
// {"at":offset,"bad":"reason"}. framed: a record is a line, handed over as a message of its own.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "codec/json_decode.h"
#include "type_text.h"

static void dump_field(char *spec, mr_arena *arena, mr_field *ret) {
    char *type = strchr(spec, '=');
    if (type == NULL) {
        fprintf(stderr, "no type in %s\n", spec);
        exit(2);
    }
    *type++ = '\0';
    *ret = (mr_field){.name = spec};
    const char *behind = type;
    ret->type = type_text_take(&behind, arena);
    char *format = type + (behind - type);
    char *path = strchr(format, ':');
    if (path != NULL) {
        *path++ = '\0';
        ret->path = path;
    }
    if (*format == '@') {
        format++;
        ret->time_format = strcmp(format, "s") == 0    ? MR_TIME_EPOCH_S
                           : strcmp(format, "ms") == 0 ? MR_TIME_EPOCH_MS
                                                       : MR_TIME_EPOCH_US;
    }
}

static void dump_value(const mr_vector *v, uint32_t row, mr_text *out) {
    if (mr_vector_is_null(v, row)) {
        mr_text_add(out, "null");
        return;
    }
    switch ((int)v->type.id) {
    case MR_BOOL: mr_text_add(out, v->bools[row] ? "true" : "false"); break;
    case MR_INT32:
    case MR_DATE: mr_text_addf(out, "%" PRId32, v->int32s[row]); break;
    case MR_FLOAT64: mr_text_addf(out, "%.17g", v->float64s[row]); break;
    case MR_TEXT: {
        mr_str s = mr_vector_str(v, row);
        mr_json_text_quote(s.data, s.bytes, out);
        break;
    }
    case MR_INT64:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: mr_text_addf(out, "%" PRId64, v->int64s[row]); break;
    default: {  // As DuckDB casts it to text.
        mr_text text;
        mr_text_init(&text, NULL);
        mr_vector_print(v, row, /* zone= */ NULL, &text);
        mr_json_text_quote(mr_text_string(&text), text.bytes, out);
        mr_text_release(&text);
        break;
    }
    }
}

static void dump_all(const mr_decoded *in, uint32_t columns) {
    uint32_t batch = 0, row = 0, bad = 0;
    mr_text out;
    mr_text_init(&out, NULL);
    while (batch < in->batch_count || bad < in->bad_count) {
        const mr_batch *b = batch < in->batch_count ? &in->batches[batch] : NULL;
        mr_text_clear(&out);
        if (b == NULL || (bad < in->bad_count && in->bad[bad].offset < b->origin->offsets[row])) {
            const mr_bad_record *r = &in->bad[bad++];
            mr_text_addf(&out, "{\"at\":%" PRId64 ",\"bad\":", r->offset);
            mr_json_text_quote(r->reason, strlen(r->reason), &out);
        } else {
            mr_text_addf(&out, "{\"at\":%" PRId64 ",\"row\":", b->origin->offsets[row]);
            for (uint32_t c = 0; c < columns; c++) {
                mr_text_add_char(&out, c == 0 ? '[' : ',');
                dump_value(&b->columns[c], row, &out);
            }
            mr_text_add_char(&out, ']');
            if (++row == b->rows) {
                row = 0;
                batch++;
            }
        }
        mr_text_add(&out, "}\n");
        fwrite(out.data, 1, out.bytes, stdout);
    }
    mr_text_release(&out);
}

// Each line, without its '\r', as a record; a byte between them is there: the line's end.
static mr_records dump_frames(char *data, size_t bytes) {
    size_t count = 1;
    for (size_t i = 0; i < bytes; i++) {
        count += data[i] == '\n';
    }
    uint32_t *starts = calloc(count, sizeof(*starts));
    uint32_t *lengths = calloc(count, sizeof(*lengths));
    int64_t *offsets = calloc(count, sizeof(*offsets));
    size_t n = 0;
    for (size_t at = 0; at < bytes;) {
        char *end = memchr(data + at, '\n', bytes - at);
        size_t stop = end == NULL ? bytes : (size_t)(end - data);
        starts[n] = (uint32_t)at;
        lengths[n] = (uint32_t)(stop - at) - (stop > at && data[stop - 1] == '\r');
        offsets[n++] = (int64_t)at;
        at = stop + 1;
    }
    return (mr_records){.base = data,
                        .bytes = bytes,
                        .starts = starts,
                        .lengths = lengths,
                        .offsets = offsets,
                        .count = (uint32_t)n};
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: json_dump SIMD lines|framed FILE NAME=TYPE[@FORMAT][:PATH]...\n");
        return 2;
    }
    mr_json_simd simd = strcmp(argv[1], "scalar") == 0 ? MR_JSON_SCALAR
                        : strcmp(argv[1], "avx2") == 0 ? MR_JSON_AVX2
                        : strcmp(argv[1], "neon") == 0 ? MR_JSON_NEON
                                                       : MR_JSON_BEST;
    FILE *file = fopen(argv[3], "rb");
    if (file == NULL) {
        perror(argv[3]);
        return 1;
    }
    fseek(file, 0, SEEK_END);
    size_t bytes = (size_t)ftell(file);
    rewind(file);
    mr_hold *hold = mr_hold_new(bytes);
    if (fread(hold->buffer, 1, bytes, file) != bytes) {
        perror(argv[3]);
        return 1;
    }
    fclose(file);
    uint32_t columns = (uint32_t)(argc - 4);
    mr_field *items = calloc(columns, sizeof(*items));
    mr_arena arena = {0};
    for (uint32_t c = 0; c < columns; c++) {
        dump_field(argv[4 + c], &arena, &items[c]);
    }
    mr_fields fields = {.items = items, .count = columns, .event_time = -1};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_json *json;
    mr_decoded decoded;
    mr_records records = strcmp(argv[2], "framed") == 0
                             ? dump_frames(hold->buffer, bytes)
                             : (mr_records){.base = hold->buffer, .bytes = bytes};
    if (mr_json_open(&fields, simd, &json, &cx) != MR_OK ||
        mr_json_decode(json, &records, hold, &decoded, &cx) != MR_OK) {
        fprintf(stderr, "json_dump: %s\n", cx.error.text);
        return 1;
    }
    dump_all(&decoded, columns);
    mr_json_close(json);
    mr_hold_unref(hold);
    free((void *)(uintptr_t)records.starts);
    free((void *)(uintptr_t)records.lengths);
    free((void *)(uintptr_t)records.offsets);
    free(items);
    mr_arena_release(&arena);
    return 0;
}
