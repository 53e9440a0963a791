// Intake: the half of a source's reader that all sources share; see intake.h.

#include "conn/intake.h"

#include <string.h>

static const char *from_name(mr_field_from from) {
    switch (from) {
    case MR_FROM_VALUE: return "value";
    case MR_FROM_KEY: return "key";
    case MR_FROM_TOPIC: return "topic";
    case MR_FROM_PARTITION: return "partition";
    case MR_FROM_OFFSET: return "offset";
    case MR_FROM_TIMESTAMP: return "timestamp";
    case MR_FROM_HEADERS: return "headers";
    }
    return "";
}

// The types a column of the record may be declared with, and their names for the hint.
static const char *from_types(mr_field_from from, uint32_t *ret_mask) {
    *ret_mask = 0;
    switch (from) {
    case MR_FROM_VALUE: return NULL;
    case MR_FROM_KEY: *ret_mask = 1u << MR_TEXT | 1u << MR_BYTES; return "text or bytea";
    case MR_FROM_TOPIC:
    case MR_FROM_HEADERS: *ret_mask = 1u << MR_TEXT; return "text";
    case MR_FROM_PARTITION: *ret_mask = 1u << MR_INT32 | 1u << MR_INT64; return "int or bigint";
    case MR_FROM_OFFSET: *ret_mask = 1u << MR_INT64; return "bigint";
    case MR_FROM_TIMESTAMP:
        *ret_mask = 1u << MR_TIMESTAMPTZ | 1u << MR_TIMESTAMP;
        return "timestamptz";
    }
    return NULL;
}

mr_code mr_intake_check(const mr_source_spec *spec, mr_cx *cx) {
    for (uint32_t i = 0; i < spec->fields->count; i++) {
        const mr_field *field = &spec->fields->items[i];
        uint32_t mask;
        const char *types = from_types(field->from, &mask);
        if (types != NULL && (mask & 1u << field->type.id) == 0) {
            const char *hint = mr_arena_printf(cx->arena, "Declare it as %s.", types);
            return mr_fail(cx, MR_E_TYPE, hint, "column \"%s\" from '%s' cannot be %s", field->name,
                           from_name(field->from), mr_type_name(field->type));
        }
    }
    return MR_OK;
}

mr_code mr_intake_open(mr_intake *intake, const mr_source_spec *spec, mr_cx *cx) {
    intake->spec = spec;
    MR_TRY(mr_json_open(spec->fields, MR_JSON_BEST, &intake->json, cx));
    intake->pool = mr_pool_new();
    return MR_OK;
}

void mr_intake_close(mr_intake *intake) {
    if (intake->json != NULL) {
        mr_json_close(intake->json);
    }
    mr_pool_close(intake->pool);
    *intake = (mr_intake){0};
}

// Indexes of the records that became the batch's rows: both lists ascend by offset. *at: where to
// go on.
static uint32_t *row_records(const mr_records *records, const mr_batch *batch, uint32_t *at,
                             mr_arena *arena) {
    uint32_t *index = mr_arena_raw(arena, sizeof(uint32_t) * MR_MAX(batch->rows, 1u));
    for (uint32_t row = 0; row < batch->rows; row++) {
        while (records->offsets[*at] != batch->origin->offsets[row]) {
            (*at)++;
            mr_assert(*at < records->count);
        }
        index[row] = (*at)++;
    }
    return index;
}

static mr_vector const_int(mr_arena *arena, mr_type type, int64_t value) {
    mr_vector v = mr_vector_flat(arena, type, 1);
    v.kind = MR_CONST;
    if (type.id == MR_INT32) {
        v.int32s[0] = (int32_t)value;
    } else {
        v.int64s[0] = value;
    }
    return v;
}

static mr_vector const_text(mr_arena *arena, mr_type type, const char *text) {
    mr_vector v = mr_vector_flat(arena, type, 1);
    v.kind = MR_CONST;
    v.strs[0] = (mr_str){.data = text, .bytes = mr_u32(strlen(text))};
    return v;
}

static mr_vector times_of(const int64_t *times, const uint32_t *index, uint32_t rows, mr_type type,
                          mr_arena *arena) {
    mr_vector v = mr_vector_flat(arena, type, rows);
    uint64_t *valid = NULL;
    for (uint32_t row = 0; row < rows; row++) {
        v.int64s[row] = times[index[row]];
        if (v.int64s[row] == INT64_MIN) {
            valid = valid != NULL ? valid : mr_vector_own_valid(&v, arena, rows);
            mr_bits_clear(valid, row);
        }
    }
    return v;
}

static mr_vector strs_of(const mr_str *strs, const uint32_t *index, uint32_t rows, mr_type type,
                         mr_arena *arena) {
    mr_vector v = mr_vector_flat(arena, type, rows);
    uint64_t *valid = NULL;
    for (uint32_t row = 0; row < rows; row++) {
        v.strs[row] = strs[index[row]];
        if (v.strs[row].data == NULL) {
            v.strs[row] = (mr_str){.data = ""};
            valid = valid != NULL ? valid : mr_vector_own_valid(&v, arena, rows);
            mr_bits_clear(valid, row);
        }
    }
    return v;
}

static void fill_columns(const mr_fields *fields, const mr_intake_from *from, const uint32_t *index,
                         mr_batch *batch, mr_arena *arena) {
    for (uint32_t c = 0; c < fields->count; c++) {
        mr_type type = fields->items[c].type;
        mr_vector *v = &batch->columns[c];
        switch (fields->items[c].from) {
        case MR_FROM_VALUE: break;
        case MR_FROM_TOPIC: *v = const_text(arena, type, from->topic); break;
        case MR_FROM_PARTITION: *v = const_int(arena, type, from->partition); break;
        case MR_FROM_OFFSET:
            *v = mr_vector_flat(arena, type, batch->rows);
            memcpy(v->int64s, batch->origin->offsets, sizeof(int64_t) * batch->rows);
            break;
        case MR_FROM_TIMESTAMP:
            *v = from->timestamps == NULL
                     ? const_int(arena, type, from->timestamp_us)
                     : times_of(from->timestamps, index, batch->rows, type, arena);
            break;
        case MR_FROM_KEY:
            *v = from->keys == NULL ? mr_vector_null(arena, type)
                                    : strs_of(from->keys, index, batch->rows, type, arena);
            break;
        case MR_FROM_HEADERS:
            *v = from->headers == NULL ? mr_vector_null(arena, type)
                                       : strs_of(from->headers, index, batch->rows, type, arena);
            break;
        }
    }
}

static mr_vector vector_cut(const mr_vector *in, uint32_t first, uint32_t rows, mr_arena *arena) {
    mr_vector out = *in;
    if (in->kind == MR_CONST) {
        return out;
    }
    size_t bytes = in->kind == MR_DICT ? sizeof(uint32_t) : mr_type_bytes(in->type);
    out.data = (char *)in->data + bytes * first;
    if (in->valid != NULL) {
        out.valid = MR_NEW_ARRAY(arena, uint64_t, mr_bits_words(rows));
        for (uint32_t row = 0; row < rows; row++) {
            mr_bits_put(out.valid, row, mr_bits_get(in->valid, first + row));
        }
    }
    return out;
}

static mr_batch batch_cut(const mr_batch *in, uint32_t first, uint32_t rows, mr_arena *arena) {
    mr_batch out = *in;
    out.rows = rows;
    out.sel_count = rows;
    out.columns = MR_NEW_ARRAY(arena, mr_vector, in->column_count);
    for (uint32_t c = 0; c < in->column_count; c++) {
        out.columns[c] = vector_cut(&in->columns[c], first, rows, arena);
    }
    mr_origin *origin = MR_NEW(arena, mr_origin);
    *origin = *in->origin;
    origin->offsets += first;
    origin->starts += first;
    origin->lengths += first;
    out.origin = origin;
    return out;
}

// Cuts batches into ones of at most rows_max rows.
static void cut_batches(mr_decoded *decoded, uint32_t rows_max, mr_arena *arena) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < decoded->batch_count; i++) {
        count += (decoded->batches[i].rows + rows_max - 1) / rows_max;
    }
    mr_batch *out = MR_NEW_ARRAY(arena, mr_batch, count);
    uint32_t filled = 0;
    for (uint32_t i = 0; i < decoded->batch_count; i++) {
        const mr_batch *in = &decoded->batches[i];
        for (uint32_t first = 0; first < in->rows; first += rows_max) {
            out[filled++] = batch_cut(in, first, MR_MIN(rows_max, in->rows - first), arena);
        }
    }
    mr_assert(filled == count);
    decoded->batches = out;
    decoded->batch_count = count;
}

static void add_bad(mr_decoded *decoded, const mr_intake_from *from, mr_arena *arena) {
    uint32_t before = decoded->bad_count;
    uint32_t count = before + from->extra_count;
    mr_bad_record *bad = MR_NEW_ARRAY(arena, mr_bad_record, count);
    if (before > 0) {
        memcpy(bad, decoded->bad, sizeof(*bad) * before);
    }
    for (uint32_t i = 0; i < from->extra_count; i++) {
        bad[before + i] = from->extra[i];
        bad[before + i].record = decoded->record_count++;
    }
    decoded->bad = bad;
    decoded->bad_count = count;
}

mr_code mr_intake_decode(mr_intake *intake, const mr_records *records, const mr_intake_from *from,
                         mr_chunk *ret, mr_cx *cx) {
    mr_hold *hold = ret->hold;
    mr_decoded *decoded = &ret->decoded;
    MR_TRY(mr_json_decode(intake->json, records, hold, decoded, cx));
    bool by_record = from->timestamps != NULL || from->keys != NULL || from->headers != NULL;
    mr_assert(!by_record || records->offsets != NULL);
    uint32_t at = 0;
    for (uint32_t i = 0; i < decoded->batch_count; i++) {
        mr_batch *batch = &decoded->batches[i];
        mr_origin *origin = MR_NEW(&hold->arena, mr_origin);
        *origin = *batch->origin;
        origin->topic = from->topic;
        origin->partition = from->partition;
        origin->partition_index = from->partition_index;
        batch->origin = origin;
        uint32_t *index = by_record ? row_records(records, batch, &at, &hold->arena) : NULL;
        fill_columns(intake->spec->fields, from, index, batch, &hold->arena);
    }
    uint32_t rows_max = intake->spec->batch_rows;
    if (rows_max > 0 && rows_max < MR_BATCH_ROWS_MAX) {
        cut_batches(decoded, rows_max, &hold->arena);
    }
    if (from->extra_count > 0) {
        add_bad(decoded, from, &hold->arena);
    }
    return MR_OK;
}
