// Fuzz target: the JSON decoder in all its ways on the same bytes.
//
// The first byte chooses the fields, the rest are lines. Plain C, SIMD, framed, a decoder that has
// seen the input before: all must find the same rows and the same bad records. What comes out
// holds: offsets ascend, text is UTF-8, doubles are finite, every line is accounted for.

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/numeric.h"
#include "base/utf8.h"
#include "codec/json_decode.h"
#include "column/nested.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static mr_field fuzz_flat[] = {
    {.name = "a", .type = MR_TYPE(MR_TEXT)},    {.name = "b", .type = MR_TYPE(MR_INT32)},
    {.name = "c", .type = MR_TYPE(MR_FLOAT64)}, {.name = "d", .type = MR_TYPE(MR_TIMESTAMPTZ)},
    {.name = "e", .type = MR_TYPE(MR_BOOL)},    {.name = "f", .type = MR_TYPE(MR_INT64)},
};

static mr_field fuzz_odd[] = {
    {.name = "a", .type = MR_TYPE(MR_TEXT)},
    {.name = "x", .type = MR_TYPE(MR_TEXT), .path = "$.a.b"},
    {.name = "y", .type = MR_TYPE(MR_INT32), .path = "$.a.c.d", .required = true},
    {.name = "b", .type = MR_TYPE(MR_DATE)},
    {.name = "c", .type = MR_TYPE(MR_TIMESTAMP)},
    {.name = "d", .type = MR_TYPE(MR_TIMESTAMPTZ), .time_format = MR_TIME_EPOCH_MS},
    {.name = "e", .type = MR_TYPE(MR_TEXT), .path = "$.d"},
    {.name = "k", .type = MR_TYPE(MR_BYTES), .from = MR_FROM_KEY},
};

static mr_column fuzz_element[] = {{"element", MR_TYPE(MR_INT32), false}};
static const mr_schema fuzz_list = {fuzz_element, 1};
static mr_column fuzz_members[] = {
    {"a", MR_TYPE(MR_TEXT), false},
    {"b", MR_NUMERIC(5, 2), false},
    {"c", {.id = MR_LIST, .fields = &fuzz_list}, false},
    {"d", MR_TYPE(MR_JSON), false},
};
static const mr_schema fuzz_struct = {fuzz_members, 4};
static mr_column fuzz_rows_element[] = {
    {"element", {.id = MR_STRUCT, .fields = &fuzz_struct}, false}};
static const mr_schema fuzz_rows = {fuzz_rows_element, 1};

static mr_field fuzz_nested[] = {
    {.name = "a", .type = {.id = MR_LIST, .fields = &fuzz_rows}},
    {.name = "b", .type = {.id = MR_STRUCT, .fields = &fuzz_struct}},
    {.name = "c", .type = MR_TYPE(MR_JSON)},
    {.name = "d", .type = MR_NUMERIC(38, 20)},
    {.name = "e", .type = MR_TYPE(MR_BYTES)},
    {.name = "f", .type = MR_TYPE(MR_FLOAT32)},
    {.name = "u", .type = MR_TYPE(MR_UUID)},
    {.name = "t", .type = MR_TYPE(MR_TIME)},
    {.name = "i", .type = MR_TYPE(MR_INT16), .path = "$.a[1].b"},
    {.name = "v", .type = MR_TYPE(MR_INTERVAL), .path = "$.u"},
};

typedef struct fuzz_way {
    mr_json *json;
    mr_hold *hold;
    mr_decoded decoded;
} fuzz_way;

// Lines as framed records.
static mr_records fuzz_frames(const char *base, size_t bytes, mr_arena *arena) {
    mr_records records = {.base = base, .bytes = bytes};
    uint32_t *starts = MR_NEW_ARRAY(arena, uint32_t, bytes + 1);
    uint32_t *lengths = MR_NEW_ARRAY(arena, uint32_t, bytes + 1);
    int64_t *offsets = MR_NEW_ARRAY(arena, int64_t, bytes + 1);
    for (size_t at = 0; at < bytes;) {
        const char *end = memchr(base + at, '\n', bytes - at);
        size_t stop = end == NULL ? bytes : (size_t)(end - base);
        starts[records.count] = (uint32_t)at;
        lengths[records.count] = (uint32_t)(stop - at) - (stop > at && base[stop - 1] == '\r');
        offsets[records.count++] = (int64_t)at + 1;
        at = stop + 1;
    }
    records.starts = starts;
    records.lengths = lengths;
    records.offsets = offsets;
    return records;
}

static void fuzz_decode(fuzz_way *way, const uint8_t *data, size_t bytes, bool framed) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    if (way->hold != NULL) {
        mr_hold_unref(way->hold);
    }
    way->hold = mr_hold_new(bytes);
    if (bytes > 0) {
        memcpy(way->hold->buffer, data, bytes);
    }
    // Not from 0, where a BOM would be skipped in lines only.
    mr_records records =
        framed ? fuzz_frames(way->hold->buffer, bytes, &arena)
               : (mr_records){.base = way->hold->buffer, .bytes = bytes, .offset_first = 1};
    mr_assert(mr_json_decode(way->json, &records, way->hold, &way->decoded, &cx) == MR_OK);
    mr_arena_release(&arena);
}

static void fuzz_check_value(const mr_vector *v, uint32_t row) {
    if (mr_vector_is_null(v, row)) {
        return;
    }
    if (v->type.id == MR_TEXT) {
        mr_str s = mr_vector_str(v, row);
        mr_assert(s.unused == 0 && mr_utf8_valid(s.data, s.bytes));
    } else if (mr_type_is_nested(v->type)) {
        mr_str s = mr_vector_str(v, row);
        mr_assert(s.unused == 0 && mr_nested_check(v->type, (mr_span){s.data, s.bytes}));
    } else if (v->type.id == MR_NUMERIC) {
        mr_assert(mr_numeric_fits(v->numerics[row], v->type.precision));
    } else if (v->type.id == MR_FLOAT64) {
        mr_assert(isfinite(v->float64s[row]));
    } else if (v->type.id == MR_BOOL) {
        mr_assert(v->bools[row] <= 1);
    }
}

static void fuzz_check(const mr_decoded *in, const mr_fields *fields) {
    uint32_t rows = 0;
    int64_t last = 0;
    for (uint32_t b = 0; b < in->batch_count; b++) {
        const mr_batch *batch = &in->batches[b];
        mr_assert(batch->rows > 0 && batch->rows <= MR_BATCH_ROWS_MAX && batch->sel == NULL);
        for (uint32_t row = 0; row < batch->rows; row++) {
            mr_assert(batch->origin->offsets[row] > last);
            last = batch->origin->offsets[row];
            for (uint32_t c = 0; c < fields->count; c++) {
                mr_assert(!mr_vector_is_null(&batch->columns[c], row) ||
                          !fields->items[c].required);
                if (fields->items[c].from == MR_FROM_VALUE) {
                    fuzz_check_value(&batch->columns[c], row);
                }
            }
        }
        rows += batch->rows;
    }
    mr_assert(rows == in->row_count && rows + in->bad_count == in->record_count);
}

static void fuzz_same(const mr_decoded *a, const mr_decoded *b, const mr_fields *fields) {
    mr_assert(a->row_count == b->row_count && a->bad_count == b->bad_count &&
              a->batch_count == b->batch_count);
    for (uint32_t i = 0; i < a->bad_count; i++) {
        mr_assert(a->bad[i].offset == b->bad[i].offset && a->bad[i].record == b->bad[i].record &&
                  a->bad[i].raw_bytes == b->bad[i].raw_bytes &&
                  strcmp(a->bad[i].reason, b->bad[i].reason) == 0);
    }
    for (uint32_t i = 0; i < a->batch_count; i++) {
        const mr_batch *x = &a->batches[i];
        const mr_batch *y = &b->batches[i];
        mr_assert(x->rows == y->rows);
        for (uint32_t row = 0; row < x->rows; row++) {
            mr_assert(x->origin->offsets[row] == y->origin->offsets[row] &&
                      x->origin->starts[row] == y->origin->starts[row] &&
                      x->origin->lengths[row] == y->origin->lengths[row]);
            for (uint32_t c = 0; c < fields->count; c++) {
                mr_assert(fields->items[c].from != MR_FROM_VALUE ||
                          mr_vector_same(&x->columns[c], row, &y->columns[c], row));
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes == 0) {
        return 0;
    }
    bool odd = (data[0] & 1) != 0, nested = (data[0] & 2) != 0;
    mr_fields fields = {.items = nested ? fuzz_nested
                                 : odd  ? fuzz_odd
                                        : fuzz_flat,
                        .count = nested ? MR_COUNT(fuzz_nested)
                                 : odd  ? MR_COUNT(fuzz_odd)
                                        : MR_COUNT(fuzz_flat),
                        .event_time = -1};
    data++;
    bytes--;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    fuzz_way ways[4] = {{.json = NULL}};
    bool bom = false;  // Framed records skip one, lines that do not start the file have none.
    for (size_t i = 0; i + 3 <= bytes; i++) {
        bom |= memcmp(data + i, "\xEF\xBB\xBF", 3) == 0;
    }
    for (int i = 0; i < 4; i++) {
        mr_json_simd simd = i % 2 == 0 ? MR_JSON_SCALAR : MR_JSON_BEST;
        mr_assert(mr_json_open(&fields, simd, &ways[i].json, &cx) == MR_OK);
        fuzz_decode(&ways[i], data, bytes, i >= 2);
        fuzz_check(&ways[i].decoded, &fields);
        if (i < 2 || !bom) {
            fuzz_same(&ways[0].decoded, &ways[i].decoded, &fields);
        }
    }
    fuzz_decode(&ways[1], data, bytes, false);  // Again, with what it has learned.
    fuzz_same(&ways[0].decoded, &ways[1].decoded, &fields);
    ways[1].json->pause = UINT32_MAX;  // And by the flat way.
    fuzz_decode(&ways[1], data, bytes, false);
    fuzz_same(&ways[0].decoded, &ways[1].decoded, &fields);
    for (int i = 0; i < 4; i++) {
        mr_json_close(ways[i].json);
        mr_hold_unref(ways[i].hold);
    }
    mr_arena_release(&arena);
    return 0;
}
