// Eval, casts to and from JSON of single values; lists and structs are in eval_cast_nested.c.
//
// DuckDB's meaning: a number becomes a JSON number, a text is parsed, everything else becomes a
// string of how it prints. On the way back a JSON string is read as a cast of its text would be,
// and a number goes into number types and boolean only.

#include <math.h>

#include "base/jsonvalue.h"
#include "base/numeric.h"
#include "base/shortest.h"
#include "column/nested.h"
#include "exec/eval_cast.h"
#include "exec/fn.h"
#include "sql/types_fold.h"
#include "sql/types_text.h"

#define DOUBLE_DIGITS 15  // Numbers of so many digits are told apart by doubles.

static mr_span span_of(mr_str value) {
    return (mr_span){value.data, value.bytes};
}

// ---- to JSON -----------------------------------------------------------------------------------

typedef struct json_put {
    const mr_zone *zone;
    mr_arena *arena;
    mr_text *out;
} json_put;

static void put_value(const json_put *p, const mr_vector *v, uint32_t row);

static void put_item(const json_put *p, const mr_nested_item *item) {
    if (item->null) {
        mr_text_add(p->out, "null");
        return;
    }
    uint64_t storage[2];
    mr_vector one = {.type = item->type, .kind = MR_FLAT, .data = storage};
    mr_nested_store(item, &one, 0);
    put_value(p, &one, 0);
}

static void put_list(const json_put *p, mr_type type, mr_span in) {
    uint32_t count = mr_nested_count(&in);
    mr_text_add_char(p->out, '[');
    for (uint32_t i = 0; i < count; i++) {
        mr_nested_item item = mr_nested_next(&in, mr_type_element(type));
        mr_text_add(p->out, i == 0 ? "" : ",");
        put_item(p, &item);
    }
    mr_text_add_char(p->out, ']');
}

static void put_struct(const json_put *p, mr_type type, mr_span in) {
    mr_text_add_char(p->out, '{');
    for (uint32_t i = 0; i < type.fields->count; i++) {
        const mr_column *field = &type.fields->columns[i];
        mr_nested_item item = mr_nested_next(&in, field->type);
        mr_text_add(p->out, i == 0 ? "" : ",");
        mr_text_add_json(p->out, mr_span_of(field->name));
        mr_text_add_char(p->out, ':');
        put_item(p, &item);
    }
    mr_text_add_char(p->out, '}');
}

static void put_double(double value, mr_text *out) {
    if (isfinite(value)) {
        mr_shortest_json_double(value, out);
    } else {
        mr_text_add(out, value != value ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
    }
}

static void put_float(float value, mr_text *out) {
    if (isfinite(value)) {
        mr_shortest_json_float(value, out);
    } else {
        put_double((double)value, out);
    }
}

// Few digits go by way of a double, as DuckDB sends them; more are written out.
static void put_numeric(const json_put *p, const mr_vector *v, uint32_t row) {
    mr_type type = v->type;
    __int128 value = v->numerics[mr_vector_at(v, row)];
    if (type.precision <= DOUBLE_DIGITS) {
        mr_shortest_json_double(mr_numeric_to_double(value, type.scale), p->out);
    } else {
        mr_numeric_print(value, type.scale, p->out);
    }
}

static void put_value(const json_put *p, const mr_vector *v, uint32_t row) {
    uint32_t at = mr_vector_at(v, row);
    switch (v->type.id) {
    case MR_BOOL:
    case MR_INT16:
    case MR_INT32:
    case MR_INT64: mr_vector_print(v, row, p->zone, p->out); break;
    case MR_NUMERIC: put_numeric(p, v, row); break;
    case MR_FLOAT32: put_float(v->float32s[at], p->out); break;
    case MR_FLOAT64: put_double(v->float64s[at], p->out); break;
    case MR_JSON: mr_jsonvalue_minify(span_of(mr_vector_str(v, row)), p->out); break;
    case MR_LIST: put_list(p, v->type, span_of(mr_vector_str(v, row))); break;
    case MR_STRUCT: put_struct(p, v->type, span_of(mr_vector_str(v, row))); break;
    case MR_TEXT: mr_text_add_json(p->out, span_of(mr_vector_str(v, row))); break;
    case MR_NULLTYPE: mr_text_add(p->out, "null"); break;
    case MR_BYTES:
    case MR_UUID:
    case MR_DATE:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ:
    case MR_INTERVAL: {
        mr_text plain;
        mr_text_init(&plain, p->arena);
        mr_vector_print(v, row, /* zone= */ NULL, &plain);  // In UTC, as DuckDB does.
        mr_text_add_json(p->out, mr_text_span(&plain));
        break;
    }
    case MR_TYPE_COUNT: mr_assert(false);
    }
}

void mr_eval_cast_put_json(const mr_vector *v, uint32_t row, const mr_zone *zone, mr_arena *arena,
                           mr_text *out) {
    put_value(&(json_put){.zone = zone, .arena = arena, .out = out}, v, row);
}

void mr_eval_cast_to_json(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_text text;
    mr_text_init(&text, call->run->arena);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        mr_text_clear(&text);
        mr_eval_cast_put_json(&call->args[0], row, call->run->env->zone, call->run->arena, &text);
        memcpy(mr_fn_writer_take(&writer, text.bytes), mr_text_string(&text), text.bytes);
        call->out->strs[row] = mr_fn_writer_end(&writer, text.bytes);
    }
}

// A text is JSON already, or is not.
void mr_eval_cast_text_json(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        mr_str x = mr_vector_str(&call->args[0], row);
        if (mr_jsonvalue_check(span_of(x))) {
            call->out->strs[row] = x;
        } else {
            mr_eval_cast_fail(call, row);
        }
    }
}

// ---- from JSON ---------------------------------------------------------------------------------

static bool number_to(mr_span number, mr_type to, void *ret) {
    int64_t whole;
    double real;
    if (to.id == MR_NUMERIC) {
        return mr_types_number_numeric(number, to, ret);
    }
    mr_vector from = {.type = MR_TYPE(MR_INT64), .kind = MR_CONST, .int64s = &whole};
    if (!mr_text_parse_int64(number, &whole)) {
        if (!mr_types_number_double(number, &real)) {
            return false;
        }
        from = (mr_vector){.type = MR_TYPE(MR_FLOAT64), .kind = MR_CONST, .float64s = &real};
    }
    if (to.id == MR_BOOL) {
        *(uint8_t *)ret = from.type.id == MR_INT64 ? whole != 0 : real != 0;
        return true;
    }
    return mr_types_fold(&from, to, ret);
}

static bool is_number_or_bool(mr_type type) {
    return mr_type_is_numeric(type) || type.id == MR_BOOL;
}

// One value that is not null; a string's text lives in arena.
static bool value_to(mr_fn_call *call, mr_span value, void *ret) {
    mr_type to = call->out->type;
    mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(value);
    switch (kind) {
    case MR_JSONVALUE_STRING: {
        mr_text text;
        mr_text_init(&text, call->run->arena);
        mr_jsonvalue_unescape(value, &text);
        return mr_types_literal(mr_text_span(&text), to, call->run->env->zone, call->run->arena,
                                ret);
    }
    case MR_JSONVALUE_NUMBER: return is_number_or_bool(to) && number_to(value, to, ret);
    case MR_JSONVALUE_TRUE:
    case MR_JSONVALUE_FALSE:
        return is_number_or_bool(to) &&
               number_to(kind == MR_JSONVALUE_TRUE ? MR_SPAN("1") : MR_SPAN("0"), to, ret);
    case MR_JSONVALUE_NULL:
    case MR_JSONVALUE_ARRAY:
    case MR_JSONVALUE_OBJECT: break;
    }
    return false;
}

void mr_eval_cast_from_json(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    size_t bytes = mr_type_bytes(call->out->type);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        mr_span value = mr_jsonvalue_trim(span_of(mr_vector_str(&call->args[0], row)));
        uint8_t *to = call->out->bools + bytes * row;
        memset(to, 0, bytes);
        if (mr_jsonvalue_kind_of(value) == MR_JSONVALUE_NULL) {
            mr_eval_call_null(call, row);
        } else if (!value_to(call, value, to)) {
            memset(to, 0, bytes);
            mr_eval_cast_fail(call, row);
        }
    }
}
