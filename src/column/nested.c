// Nested: writing, reading, comparing, printing and checking; see nested.h.
//
// How: a value is walked along its type, by recursion: types are as deep as their declaration, at
// most MR_NESTING_MAX where values come from outside.
// Source of print: DuckDB 1.4, casts of LIST and STRUCT to VARCHAR, which quote what could not be
// read back.

#include "column/nested.h"

#include <string.h>

#include "base/numeric.h"
#include "base/utf8.h"
#include "column/interval.h"
#include "column/uuid.h"

// A value of any type that is no string, with its own place in memory.
typedef union nested_value {
    uint8_t u8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    mr_int128 numeric;
    mr_uuid uuid;
    mr_interval interval;
    mr_str str;
} nested_value;

// ---- writing -----------------------------------------------------------------------------------

void mr_nested_put_count(mr_text *out, uint32_t count) {
    mr_text_add_bytes(out, &count, sizeof(count));
}

void mr_nested_put_null(mr_text *out) {
    mr_text_add_char(out, 0);
}

// -0.0 and 0.0 are equal, and so are all NaN: each gets one form.
static double canonical_double(double value) {
    return value == 0 ? 0.0 : value != value ? __builtin_nan("") : value;
}

static float canonical_float(float value) {
    return value == 0 ? 0.0f : value != value ? __builtin_nanf("") : value;
}

void mr_nested_put_value(mr_text *out, mr_type type, const void *value) {
    mr_text_add_char(out, 1);
    if (mr_type_is_string(type)) {
        mr_str str;
        memcpy(&str, value, sizeof(str));
        mr_text_add_bytes(out, &str.bytes, sizeof(str.bytes));
        mr_text_add_bytes(out, str.data, str.bytes);
        return;
    }
    size_t bytes = mr_type_bytes(type);
    char *to = mr_text_grow(out, bytes);
    memcpy(to, value, bytes);
    if (type.id == MR_FLOAT64) {
        double number;
        memcpy(&number, value, sizeof(number));
        number = canonical_double(number);
        memcpy(to, &number, sizeof(number));
    } else if (type.id == MR_FLOAT32) {
        float number;
        memcpy(&number, value, sizeof(number));
        number = canonical_float(number);
        memcpy(to, &number, sizeof(number));
    }
}

void mr_nested_put(mr_text *out, const mr_vector *vector, uint32_t row) {
    if (vector->type.id == MR_NULLTYPE || mr_vector_is_null(vector, row)) {
        mr_nested_put_null(out);
    } else if (mr_type_is_string(vector->type)) {
        mr_str str = mr_vector_str(vector, row);
        mr_nested_put_value(out, vector->type, &str);
    } else {
        const char *data = vector->data;
        size_t bytes = mr_type_bytes(vector->type);
        mr_nested_put_value(out, vector->type, data + mr_vector_at(vector, row) * bytes);
    }
}

// ---- reading -----------------------------------------------------------------------------------

// Takes bytes off the front of *in. False when there are fewer.
static bool nested_take(mr_span *in, size_t bytes, const char **ret) {
    if (bytes > in->bytes) {
        return false;
    }
    *ret = in->data;
    in->data += bytes;
    in->bytes -= bytes;
    return true;
}

static bool nested_take_u32(mr_span *in, uint32_t *ret) {
    const char *at;
    if (!nested_take(in, sizeof(*ret), &at)) {
        return false;
    }
    memcpy(ret, at, sizeof(*ret));
    return true;
}

static bool nested_take_item(mr_span *in, mr_type type, mr_nested_item *ret) {
    const char *at;
    *ret = (mr_nested_item){.type = type};
    if (!nested_take(in, 1, &at) || (uint8_t)*at > 1) {
        return false;
    }
    ret->null = *at == 0;
    if (ret->null) {
        return true;
    }
    uint32_t bytes = (uint32_t)mr_type_bytes(type);
    if (mr_type_is_string(type) && !nested_take_u32(in, &bytes)) {
        return false;
    }
    ret->bytes.bytes = bytes;
    return nested_take(in, bytes, &ret->bytes.data);
}

uint32_t mr_nested_count(mr_span *in) {
    uint32_t count;
    bool good = nested_take_u32(in, &count);
    mr_assert(good);
    return count;
}

mr_nested_item mr_nested_next(mr_span *in, mr_type type) {
    mr_nested_item item;
    bool good = nested_take_item(in, type, &item);
    mr_assert(good);
    return item;
}

static void nested_load(const mr_nested_item *item, nested_value *ret) {
    mr_assert(!item->null);
    if (mr_type_is_string(item->type)) {
        ret->str = (mr_str){.data = item->bytes.data, .bytes = (uint32_t)item->bytes.bytes};
    } else {
        mr_assert(item->bytes.bytes == mr_type_bytes(item->type));
        memcpy(ret, item->bytes.data, item->bytes.bytes);
    }
}

void mr_nested_store(const mr_nested_item *item, mr_vector *out, uint32_t row) {
    mr_assert(out->kind == MR_FLAT && out->type.id == item->type.id);
    nested_value value;
    nested_load(item, &value);
    size_t bytes = mr_type_bytes(item->type);
    memcpy((char *)out->data + row * bytes, &value, bytes);
}

// ---- order -------------------------------------------------------------------------------------

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

// NaN is the greatest, and equal to itself.
static int double_order(double a, double b) {
    if (a != a || b != b) {
        return (a != a) - (b != b);
    }
    return ORDER(a, b);
}

static int item_order(const mr_nested_item *a, const mr_nested_item *b) {
    if (a->null || b->null) {
        return a->null - b->null;  // NULL is last.
    }
    if (mr_type_is_nested(a->type)) {
        return mr_nested_compare(a->type, a->bytes, b->bytes);
    }
    if (mr_type_is_string(a->type)) {
        return mr_span_compare(a->bytes, b->bytes);
    }
    nested_value x, y;
    nested_load(a, &x);
    nested_load(b, &y);
    switch (a->type.id) {
    case MR_BOOL: return ORDER(x.u8, y.u8);
    case MR_INT16: return ORDER(x.i16, y.i16);
    case MR_INT32:
    case MR_DATE: return ORDER(x.i32, y.i32);
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return ORDER(x.i64, y.i64);
    case MR_NUMERIC: return ORDER(x.numeric, y.numeric);
    case MR_FLOAT32: return double_order((double)x.f32, (double)y.f32);
    case MR_FLOAT64: return double_order(x.f64, y.f64);
    case MR_UUID: return mr_uuid_compare(x.uuid, y.uuid);
    case MR_INTERVAL: return mr_interval_compare(x.interval, y.interval);
    case MR_NULLTYPE: return 0;
    case MR_TEXT:
    case MR_BYTES:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_TYPE_COUNT: break;
    }
    mr_assert(false);
    return 0;
}

int mr_nested_compare(mr_type type, mr_span a, mr_span b) {
    bool list = type.id == MR_LIST;
    uint32_t left = list ? mr_nested_count(&a) : type.fields->count;
    uint32_t right = list ? mr_nested_count(&b) : type.fields->count;
    for (uint32_t i = 0; i < left && i < right; i++) {
        mr_type of = type.fields->columns[list ? 0 : i].type;
        mr_nested_item x = mr_nested_next(&a, of);
        mr_nested_item y = mr_nested_next(&b, of);
        int order = item_order(&x, &y);
        if (order != 0) {
            return order;
        }
    }
    return ORDER(left, right);
}

// ---- printing ----------------------------------------------------------------------------------

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool needs_quotes(mr_span text) {
    if (text.bytes == 0 || is_space(text.data[0]) || is_space(text.data[text.bytes - 1]) ||
        mr_span_equal_nocase(text, MR_SPAN("null"))) {
        return true;
    }
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] != '\0' && strchr("\"'(),:=[]{}", text.data[i]) != NULL) {
            return true;
        }
    }
    return false;
}

// Puts quotes around what was added since `from`, with a backslash before quotes and backslashes.
static void add_quotes(mr_text *out, size_t from) {
    size_t bytes = out->bytes - from;
    size_t more = 2;
    for (size_t i = 0; i < bytes; i++) {
        char c = out->data[from + i];
        more += c == '\'' || c == '\\';
    }
    mr_text_grow(out, more);
    // From the back, since the text moves over itself.
    char *to = out->data + out->bytes;
    *--to = '\'';
    for (size_t i = bytes; i > 0; i--) {
        char c = out->data[from + i - 1];
        *--to = c;
        if (c == '\'' || c == '\\') {
            *--to = '\\';
        }
    }
    *--to = '\'';
    mr_assert(to == out->data + from);
}

static void print_item(const mr_nested_item *item, bool quote, const mr_zone *zone, mr_text *out) {
    if (item->null) {
        mr_text_add(out, "NULL");
        return;
    }
    if (mr_type_is_nested(item->type)) {
        mr_nested_print(item->type, item->bytes, zone, out);
        return;
    }
    nested_value value;
    nested_load(item, &value);
    mr_vector vector = {.type = item->type, .kind = MR_FLAT, .data = &value};
    size_t from = out->bytes;
    mr_vector_print(&vector, /* row= */ 0, zone, out);
    mr_span text = {out->bytes == 0 ? "" : out->data + from, out->bytes - from};
    if (quote && needs_quotes(text)) {
        add_quotes(out, from);
    }
}

void mr_nested_print(mr_type type, mr_span value, const mr_zone *zone, mr_text *out) {
    bool list = type.id == MR_LIST;
    uint32_t count = list ? mr_nested_count(&value) : type.fields->count;
    // A list of JSON is printed as one, not quoted.
    bool quote = !list || mr_type_element(type).id != MR_JSON;
    // A struct made by ROW(…) has fields without names, and is printed as one.
    bool row = !list && count > 0 && type.fields->columns[0].name[0] == '\0';
    mr_text_add_char(out, list ? '[' : row ? '(' : '{');
    for (uint32_t i = 0; i < count; i++) {
        const mr_column *column = &type.fields->columns[list ? 0 : i];
        if (i > 0) {
            mr_text_add(out, ", ");
        }
        if (!list && !row) {
            size_t from = out->bytes;
            mr_text_add(out, column->name);
            add_quotes(out, from);
            mr_text_add(out, ": ");
        }
        mr_nested_item item = mr_nested_next(&value, column->type);
        print_item(&item, quote, zone, out);
    }
    mr_text_add_char(out, list ? ']' : row ? ')' : '}');
}

// ---- checking ----------------------------------------------------------------------------------

static bool check_scalar(const mr_nested_item *item) {
    nested_value value;
    nested_load(item, &value);
    switch (item->type.id) {
    case MR_BOOL: return value.u8 <= 1;
    case MR_NUMERIC: return mr_numeric_fits(value.numeric, item->type.precision);
    case MR_TIME: return value.i64 >= 0 && value.i64 <= MR_DAY_US;
    case MR_FLOAT32: {
        float canonical = canonical_float(value.f32);
        return memcmp(&canonical, &value.f32, sizeof(canonical)) == 0;
    }
    case MR_FLOAT64: {
        double canonical = canonical_double(value.f64);
        return memcmp(&canonical, &value.f64, sizeof(canonical)) == 0;
    }
    case MR_TEXT:
    case MR_JSON: return mr_utf8_valid(item->bytes.data, item->bytes.bytes);
    case MR_LIST:
    case MR_STRUCT: return mr_nested_check(item->type, item->bytes);
    case MR_NULLTYPE: return false;  // Has no values.
    case MR_INT16:
    case MR_INT32:
    case MR_INT64:
    case MR_BYTES:
    case MR_UUID:
    case MR_DATE:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ:
    case MR_INTERVAL: return true;
    case MR_TYPE_COUNT: break;
    }
    mr_assert(false);
    return false;
}

bool mr_nested_check(mr_type type, mr_span value) {
    bool list = type.id == MR_LIST;
    uint32_t count = type.fields->count;
    if (list && !nested_take_u32(&value, &count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        mr_nested_item item;
        if (!nested_take_item(&value, type.fields->columns[list ? 0 : i].type, &item) ||
            (!item.null && !check_scalar(&item))) {
            return false;
        }
    }
    return value.bytes == 0;
}
