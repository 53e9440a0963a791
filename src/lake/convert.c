// Convert: see convert.h.
//
// How: types of a fixed size are copied as they are, but for DECIMAL, whose integer is as small as
// its digits allow, and UUID, whose top bit is turned over. A nested value is put together from, or
// taken apart into, DuckDB's child vectors by way of vectors of its items.

#include "lake/convert.h"

#include <string.h>

#include "column/nested.h"
#include "lake/view.h"

// ---- types -------------------------------------------------------------------------------------

static const struct {
    duckdb_type duck;
    mr_type_id type;
    const char *name;
} pairs[] = {
    {DUCKDB_TYPE_BOOLEAN, MR_BOOL, "BOOLEAN"},
    {DUCKDB_TYPE_SMALLINT, MR_INT16, "SMALLINT"},
    {DUCKDB_TYPE_INTEGER, MR_INT32, "INTEGER"},
    {DUCKDB_TYPE_BIGINT, MR_INT64, "BIGINT"},
    {DUCKDB_TYPE_FLOAT, MR_FLOAT32, "FLOAT"},
    {DUCKDB_TYPE_DOUBLE, MR_FLOAT64, "DOUBLE"},
    {DUCKDB_TYPE_VARCHAR, MR_TEXT, "VARCHAR"},
    {DUCKDB_TYPE_BLOB, MR_BYTES, "BLOB"},
    {DUCKDB_TYPE_UUID, MR_UUID, "UUID"},
    {DUCKDB_TYPE_DATE, MR_DATE, "DATE"},
    {DUCKDB_TYPE_TIME, MR_TIME, "TIME"},
    {DUCKDB_TYPE_TIMESTAMP, MR_TIMESTAMP, "TIMESTAMP"},
    {DUCKDB_TYPE_TIMESTAMP_TZ, MR_TIMESTAMPTZ, "TIMESTAMPTZ"},
    {DUCKDB_TYPE_INTERVAL, MR_INTERVAL, "INTERVAL"},
    // Those without a counterpart become the next greater one.
    {DUCKDB_TYPE_TINYINT, MR_INT16, NULL},
    {DUCKDB_TYPE_UTINYINT, MR_INT16, NULL},
    {DUCKDB_TYPE_USMALLINT, MR_INT32, NULL},
    {DUCKDB_TYPE_UINTEGER, MR_INT64, NULL},
};

static bool struct_type(const mr_duck *duck, duckdb_logical_type type, mr_type *ret,
                        mr_arena *arena) {
    mr_schema *fields = MR_NEW(arena, mr_schema);
    fields->count = mr_u32(duck->struct_type_child_count(type));
    fields->columns = MR_NEW_ARRAY(arena, mr_column, fields->count);
    for (uint32_t i = 0; i < fields->count; i++) {
        char *name = duck->struct_type_child_name(type, i);
        fields->columns[i].name = mr_arena_string(arena, name);
        duck->free(name);
        duckdb_logical_type child = duck->struct_type_child_type(type, i);
        bool known = mr_convert_type(duck, child, &fields->columns[i].type, arena);
        duck->destroy_logical_type(&child);
        if (!known) {
            return false;
        }
    }
    *ret = mr_type_struct(fields);
    return true;
}

static bool is_json(const mr_duck *duck, duckdb_logical_type type) {
    char *alias = duck->logical_type_get_alias(type);
    bool json = alias != NULL && strcmp(alias, "JSON") == 0;
    duck->free(alias);
    return json;
}

bool mr_convert_type(const mr_duck *duck, duckdb_logical_type type, mr_type *ret, mr_arena *arena) {
    duckdb_type id = duck->get_type_id(type);
    if (id == DUCKDB_TYPE_VARCHAR && is_json(duck, type)) {
        *ret = MR_TYPE(MR_JSON);
        return true;
    }
    if (id == DUCKDB_TYPE_DECIMAL) {
        *ret = MR_NUMERIC(duck->decimal_width(type), duck->decimal_scale(type));
        return true;
    }
    if (id == DUCKDB_TYPE_HUGEINT || id == DUCKDB_TYPE_UBIGINT) {
        *ret = MR_NUMERIC(MR_NUMERIC_DIGITS_MAX, 0);
        return true;
    }
    if (id == DUCKDB_TYPE_SQLNULL) {
        *ret = MR_TYPE(MR_INT32);
        return true;
    }
    if (id == DUCKDB_TYPE_STRUCT) {
        return struct_type(duck, type, ret, arena);
    }
    if (id == DUCKDB_TYPE_LIST) {
        duckdb_logical_type child = duck->list_type_child_type(type);
        mr_type element;
        bool known = mr_convert_type(duck, child, &element, arena);
        duck->destroy_logical_type(&child);
        *ret = known ? mr_type_list(element, arena) : *ret;
        return known;
    }
    for (size_t i = 0; i < MR_COUNT(pairs); i++) {
        if (pairs[i].duck == id) {
            *ret = MR_TYPE(pairs[i].type);
            return true;
        }
    }
    return false;
}

static duckdb_logical_type struct_logical(const mr_duck *duck, const mr_schema *fields) {
    mr_arena arena = {0};
    duckdb_logical_type *children = MR_NEW_ARRAY(&arena, duckdb_logical_type, fields->count);
    const char **names = MR_NEW_ARRAY(&arena, const char *, fields->count);
    for (uint32_t i = 0; i < fields->count; i++) {
        names[i] = fields->columns[i].name;
        children[i] = mr_convert_logical(duck, fields->columns[i].type);
    }
    duckdb_logical_type made = duck->create_struct_type(children, names, fields->count);
    for (uint32_t i = 0; i < fields->count; i++) {
        duck->destroy_logical_type(&children[i]);
    }
    mr_arena_release(&arena);
    return made;
}

duckdb_logical_type mr_convert_logical(const mr_duck *duck, mr_type type) {
    if (type.id == MR_NUMERIC) {
        return duck->create_decimal_type(type.precision, type.scale);
    }
    if (type.id == MR_LIST) {
        duckdb_logical_type child = mr_convert_logical(duck, mr_type_element(type));
        duckdb_logical_type list = duck->create_list_type(child);
        duck->destroy_logical_type(&child);
        return list;
    }
    if (type.id == MR_STRUCT) {
        return struct_logical(duck, type.fields);
    }
    for (size_t i = 0; i < MR_COUNT(pairs); i++) {
        if (pairs[i].type == type.id) {
            return duck->create_logical_type(pairs[i].duck);
        }
    }
    return duck->create_logical_type(DUCKDB_TYPE_VARCHAR);
}

void mr_convert_type_name(mr_type type, mr_text *out) {
    if (type.id == MR_NUMERIC) {
        mr_text_addf(out, "DECIMAL(%u,%u)", type.precision, type.scale);
    } else if (type.id == MR_LIST) {
        mr_convert_type_name(mr_type_element(type), out);
        mr_text_add(out, "[]");
    } else if (type.id == MR_STRUCT) {
        for (uint32_t i = 0; i < type.fields->count; i++) {
            mr_text_add(out, i == 0 ? "STRUCT(" : ", ");
            mr_view_add_name(out, type.fields->columns[i].name);
            mr_text_add_char(out, ' ');
            mr_convert_type_name(type.fields->columns[i].type, out);
        }
        mr_text_add_char(out, ')');
    } else {
        const char *name = type.id == MR_JSON ? "JSON" : "VARCHAR";
        for (size_t i = 0; i < MR_COUNT(pairs); i++) {
            name = pairs[i].type == type.id && pairs[i].name != NULL ? pairs[i].name : name;
        }
        mr_text_add(out, name);
    }
}

// ---- from DuckDB -------------------------------------------------------------------------------

static mr_str str_of(const duckdb_string_t *in, mr_arena *arena) {
    uint32_t bytes = in->value.inlined.length;
    const char *data = bytes <= 12 ? in->value.inlined.inlined : in->value.pointer.ptr;
    return (mr_str){.data = mr_arena_copy(arena, data, bytes), .bytes = bytes};
}

static __int128 wide_of(duckdb_hugeint in) {
    return (__int128)((unsigned __int128)(uint64_t)in.upper << 64 | in.lower);
}

#define COPY(to, from, VALUE)                     \
    for (uint32_t row = 0; row < rows; row++) {   \
        const from x = ((const from *)data)[row]; \
        ((to *)out->data)[row] = (VALUE);         \
    }                                             \
    return

// What is stored in another way than here.
static void copy_values(const mr_duck *duck, const void *data, duckdb_logical_type logical,
                        uint32_t rows, mr_vector *out) {
    duckdb_type id = duck->get_type_id(logical);
    uint8_t width = id == DUCKDB_TYPE_DECIMAL ? duck->decimal_width(logical) : 0;
    switch ((int)id) {
    case DUCKDB_TYPE_TINYINT: COPY(int16_t, int8_t, x);
    case DUCKDB_TYPE_UTINYINT: COPY(int16_t, uint8_t, x);
    case DUCKDB_TYPE_USMALLINT: COPY(int32_t, uint16_t, x);
    case DUCKDB_TYPE_UINTEGER: COPY(int64_t, uint32_t, x);
    case DUCKDB_TYPE_UBIGINT: COPY(mr_int128, uint64_t, (__int128)x);
    case DUCKDB_TYPE_HUGEINT: COPY(mr_int128, duckdb_hugeint, wide_of(x));
    case DUCKDB_TYPE_UUID:
        COPY(mr_uuid, duckdb_hugeint, ((mr_uuid){(uint64_t)x.upper ^ 1ull << 63, x.lower}));
    case DUCKDB_TYPE_INTERVAL:
        COPY(mr_interval, duckdb_interval, ((mr_interval){x.months, x.days, x.micros}));
    case DUCKDB_TYPE_DECIMAL: break;
    default: memcpy(out->data, data, mr_type_bytes(out->type) * rows); return;
    }
    if (width <= 4) {
        COPY(mr_int128, int16_t, x);
    } else if (width <= 9) {
        COPY(mr_int128, int32_t, x);
    } else if (width <= 18) {
        COPY(mr_int128, int64_t, x);
    }
    COPY(mr_int128, duckdb_hugeint, wide_of(x));
}

static void lists_from(mr_convert_source from, uint32_t rows, mr_vector *out, mr_arena *arena) {
    const mr_duck *duck = from.duck;
    mr_convert_source items = {duck, duck->list_vector_get_child(from.vector),
                               duck->list_type_child_type(from.logical)};
    uint32_t count = mr_u32(duck->list_vector_get_size(from.vector));
    mr_vector child = mr_convert_from(items, mr_type_element(out->type), count, arena);
    duck->destroy_logical_type(&items.logical);
    const duckdb_list_entry *entries = duck->vector_get_data(from.vector);
    for (uint32_t row = 0; row < rows; row++) {
        mr_text value;
        mr_text_init(&value, arena);
        if (!mr_vector_is_null(out, row)) {
            mr_nested_put_count(&value, mr_u32(entries[row].length));
            for (uint64_t i = 0; i < entries[row].length; i++) {
                mr_nested_put(&value, &child, mr_u32(entries[row].offset + i));
            }
        }
        out->strs[row] = (mr_str){.data = mr_text_string(&value), .bytes = mr_u32(value.bytes)};
    }
}

static void structs_from(mr_convert_source from, uint32_t rows, mr_vector *out, mr_arena *arena) {
    const mr_duck *duck = from.duck;
    const mr_schema *fields = out->type.fields;
    mr_vector *children = MR_NEW_ARRAY(arena, mr_vector, fields->count);
    for (uint32_t i = 0; i < fields->count; i++) {
        mr_convert_source field = {duck, duck->struct_vector_get_child(from.vector, i),
                                   duck->struct_type_child_type(from.logical, i)};
        children[i] = mr_convert_from(field, fields->columns[i].type, rows, arena);
        duck->destroy_logical_type(&field.logical);
    }
    for (uint32_t row = 0; row < rows; row++) {
        mr_text value;
        mr_text_init(&value, arena);
        for (uint32_t i = 0; i < fields->count && !mr_vector_is_null(out, row); i++) {
            mr_nested_put(&value, &children[i], row);
        }
        out->strs[row] = (mr_str){.data = mr_text_string(&value), .bytes = mr_u32(value.bytes)};
    }
}

mr_vector mr_convert_from(mr_convert_source from, mr_type type, uint32_t rows, mr_arena *arena) {
    const mr_duck *duck = from.duck;
    mr_vector out = mr_vector_flat(arena, type, MR_MAX(rows, 1u));
    const uint64_t *valid = duck->vector_get_validity(from.vector);
    if (valid != NULL) {
        out.valid = mr_arena_raw(arena, mr_bits_words(rows) * sizeof(uint64_t));
        memcpy(out.valid, valid, mr_bits_words(rows) * sizeof(uint64_t));
    }
    if (type.id == MR_LIST) {
        lists_from(from, rows, &out, arena);
    } else if (type.id == MR_STRUCT) {
        structs_from(from, rows, &out, arena);
    } else if (mr_type_is_string(type)) {
        const duckdb_string_t *strings = duck->vector_get_data(from.vector);
        for (uint32_t row = 0; row < rows; row++) {
            bool null = mr_vector_is_null(&out, row);
            out.strs[row] = null ? (mr_str){.data = ""} : str_of(&strings[row], arena);
        }
    } else if (duck->get_type_id(from.logical) == DUCKDB_TYPE_SQLNULL) {
        memset(out.data, 0, mr_type_bytes(type) * rows);
        memset(mr_vector_own_valid(&out, arena, rows), 0, mr_bits_words(rows) * sizeof(uint64_t));
    } else {
        copy_values(duck, duck->vector_get_data(from.vector), from.logical, rows, &out);
    }
    return out;
}

// ---- to DuckDB ---------------------------------------------------------------------------------

static inline uint32_t pick(mr_convert_rows rows, uint32_t i) {
    return rows.sel != NULL ? rows.sel[i] : i;
}

static inline duckdb_hugeint huge_of(__int128 in) {
    return (duckdb_hugeint){.lower = (uint64_t)in, .upper = (int64_t)(in >> 64)};
}

#define PUT(to, from, VALUE)                                                      \
    for (uint32_t i = 0; i < rows.count; i++) {                                   \
        const from x = ((const from *)in->data)[mr_vector_at(in, pick(rows, i))]; \
        ((to *)data)[i] = (VALUE);                                                \
    }                                                                             \
    return

static void put_numerics(const mr_vector *in, mr_convert_rows rows, void *data) {
    if (in->type.precision <= 4) {
        PUT(int16_t, mr_int128, (int16_t)x);
    } else if (in->type.precision <= 9) {
        PUT(int32_t, mr_int128, (int32_t)x);
    } else if (in->type.precision <= 18) {
        PUT(int64_t, mr_int128, (int64_t)x);
    }
    PUT(duckdb_hugeint, mr_int128, huge_of(x));
}

static void put_fixed(const mr_vector *in, mr_convert_rows rows, void *data) {
    switch (in->type.id) {
    case MR_NUMERIC: put_numerics(in, rows, data); return;
    case MR_UUID:
        PUT(duckdb_hugeint, mr_uuid,
            ((duckdb_hugeint){.lower = x.low, .upper = (int64_t)(x.high ^ 1ull << 63)}));
    case MR_INTERVAL:
        PUT(duckdb_interval, mr_interval, ((duckdb_interval){x.months, x.days, x.us}));
    case MR_BOOL: PUT(uint8_t, uint8_t, x != 0);
    case MR_INT16: PUT(uint16_t, uint16_t, x);
    case MR_INT32:
    case MR_FLOAT32:
    case MR_DATE: PUT(uint32_t, uint32_t, x);
    case MR_INT64:
    case MR_FLOAT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: PUT(uint64_t, uint64_t, x);
    case MR_NULLTYPE:
    case MR_TEXT:
    case MR_BYTES:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_TYPE_COUNT: break;
    }
    mr_assert(false);
}

// Items of nested values, one behind the other, as a vector that can be converted in turn.
typedef struct gathered {
    mr_vector vector;
    uint32_t count;
} gathered;

static gathered gathered_new(mr_type type, uint32_t count, mr_arena *arena) {
    gathered g = {.vector = mr_vector_flat(arena, type, MR_MAX(count, 1u))};
    mr_vector_own_valid(&g.vector, arena, MR_MAX(count, 1u));
    return g;
}

static void gather(gathered *g, const mr_nested_item *item) {
    if (item == NULL || item->null) {
        mr_bits_clear(g->vector.valid, g->count);
        if (mr_type_is_string(g->vector.type)) {
            g->vector.strs[g->count] = (mr_str){.data = ""};
        }
    } else {
        mr_nested_store(item, &g->vector, g->count);
    }
    g->count++;
}

static mr_span nested_at(const mr_vector *in, uint32_t row) {
    mr_str value = in->strs[mr_vector_at(in, row)];
    return (mr_span){value.data, value.bytes};
}

static void put_lists(const mr_duck *duck, const mr_vector *in, mr_convert_rows rows,
                      duckdb_vector out, mr_arena *arena) {
    duckdb_list_entry *entries = duck->vector_get_data(out);
    uint64_t total = 0;
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = pick(rows, i);
        mr_span value = nested_at(in, row);
        bool null = mr_vector_is_null(in, row);
        entries[i].offset = total;
        entries[i].length = null ? 0 : mr_nested_count(&value);
        total += entries[i].length;
    }
    mr_type element = mr_type_element(in->type);
    gathered items = gathered_new(element, mr_u32(total), arena);
    for (uint32_t i = 0; i < rows.count; i++) {
        mr_span value = nested_at(in, pick(rows, i));
        uint32_t count = entries[i].length == 0 ? 0 : mr_nested_count(&value);
        for (uint32_t k = 0; k < count; k++) {
            mr_nested_item item = mr_nested_next(&value, element);
            gather(&items, &item);
        }
    }
    duck->list_vector_reserve(out, total);
    duck->list_vector_set_size(out, total);
    mr_convert_to(duck, &items.vector, (mr_convert_rows){.count = items.count},
                  duck->list_vector_get_child(out));
}

static void put_structs(const mr_duck *duck, const mr_vector *in, mr_convert_rows rows,
                        duckdb_vector out, mr_arena *arena) {
    const mr_schema *fields = in->type.fields;
    mr_span *left = MR_NEW_ARRAY(arena, mr_span, rows.count);
    for (uint32_t i = 0; i < rows.count; i++) {
        left[i] = nested_at(in, pick(rows, i));
    }
    for (uint32_t f = 0; f < fields->count; f++) {
        gathered items = gathered_new(fields->columns[f].type, rows.count, arena);
        for (uint32_t i = 0; i < rows.count; i++) {
            mr_nested_item item = {.null = true};
            if (!mr_vector_is_null(in, pick(rows, i))) {
                item = mr_nested_next(&left[i], fields->columns[f].type);
            }
            gather(&items, &item);
        }
        mr_convert_to(duck, &items.vector, (mr_convert_rows){.count = items.count},
                      duck->struct_vector_get_child(out, f));
    }
}

static void put_nulls(const mr_duck *duck, const mr_vector *in, mr_convert_rows rows,
                      duckdb_vector out) {
    bool all = in->type.id == MR_NULLTYPE;
    if (in->valid == NULL && !all) {
        return;
    }
    duck->vector_ensure_validity_writable(out);
    uint64_t *valid = duck->vector_get_validity(out);
    for (uint32_t i = 0; i < rows.count; i++) {
        if (all || mr_vector_is_null(in, pick(rows, i))) {
            mr_bits_clear(valid, i);
        }
    }
}

void mr_convert_to(const mr_duck *duck, const mr_vector *in, mr_convert_rows rows,
                   duckdb_vector out) {
    put_nulls(duck, in, rows, out);
    if (in->type.id == MR_NULLTYPE) {
        return;
    }
    if (mr_type_is_nested(in->type)) {
        mr_arena arena = {0};
        if (in->type.id == MR_LIST) {
            put_lists(duck, in, rows, out, &arena);
        } else {
            put_structs(duck, in, rows, out, &arena);
        }
        mr_arena_release(&arena);
        return;
    }
    if (!mr_type_is_string(in->type)) {
        put_fixed(in, rows, duck->vector_get_data(out));
        return;
    }
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = pick(rows, i);
        if (!mr_vector_is_null(in, row)) {
            mr_str value = mr_vector_str(in, row);
            duck->vector_assign_string_element_len(out, i, value.data, value.bytes);
        }
    }
}
