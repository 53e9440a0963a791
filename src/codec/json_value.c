// JSON values: a found value into its column, whatever its form; dictionaries; and why a record is
// bad.

#include "codec/json_decode.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/numeric.h"
#include "codec/json_column.h"
#include "codec/json_number.h"
#include "codec/json_time.h"
#include "column/interval.h"
#include "column/uuid.h"

void mr_json_value_fail(mr_json *json, const char *word, const char *at, const char *format, ...) {
    char detail[256];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    mr_arena *arena = &json->hold->arena;
    if (at == NULL) {
        json->reason = mr_arena_printf(arena, "%s: %s", word, detail);
    } else {
        json->reason = mr_arena_printf(arena, "%s: %s at byte %zu", word, detail,
                                       (size_t)(at - json->start) + 1);
    }
}

void mr_json_value_bad(mr_json *json, int64_t offset, const char *raw, size_t bytes) {
    mr_decoded *ret = json->ret;
    if (ret->bad_count == json->bad_capacity) {
        uint32_t capacity = MR_MAX(16, json->bad_capacity * 2);
        mr_bad_record *more =
            mr_arena_raw(&json->hold->arena, sizeof(mr_bad_record) * (size_t)capacity);
        if (ret->bad_count > 0) {
            memcpy(more, ret->bad, sizeof(mr_bad_record) * ret->bad_count);
        }
        ret->bad = more;
        json->bad_capacity = capacity;
    }
    ret->bad[ret->bad_count++] =
        (mr_bad_record){offset, raw, (uint32_t)bytes, ret->record_count, json->reason};
    ret->record_count++;
}

// ---- dictionaries ----------------------------------------------------------------------------

// From here on the column holds plain views; rows of this batch so far become views too.
static void value_end_dict(mr_json *json, json_field *item) {
    mr_str *views = mr_arena_raw(&json->hold->arena, sizeof(mr_str) * (size_t)json->capacity);
    const uint32_t *codes = item->data;
    for (uint32_t row = 0; row < json->row; row++) {
        views[row] = item->dict->values[codes[row]];
    }
    if (json->row > 0) {
        mr_hold_add_dict(json->hold, item->dict);  // The views point into it.
    }
    mr_dict_unref(item->dict);
    item->dict = NULL;
    item->data = views;
}

// Keeps a short string's code where the rows find it.
static void value_cache(json_field *item, mr_str text, uint32_t code) {
    uint64_t words[2] = {0, 0};
    if (text.bytes == 0 || text.bytes > sizeof(words)) {
        return;
    }
    memcpy(words, text.data, text.bytes);
    *column_cell(item, words[0], words[1], text.bytes) =
        (json_cell){words[0], words[1], text.bytes, code};
}

void mr_json_value_text(mr_json *json, json_field *item, mr_str text) {
    uint32_t row = json->row;
    if (item->dict != NULL) {
        uint32_t code = 0;
        uint64_t distinct_max = JSON_DICT_SLACK + (json->rows_total + row) / 8;
        if (mr_dict_code(item->dict, text, &code) && item->dict->count <= distinct_max) {
            value_cache(item, text, code);
            ((uint32_t *)item->data)[row] = code;
            return;
        }
        value_end_dict(json, item);
    }
    ((mr_str *)item->data)[row] = text;
}

// ---- NULL ------------------------------------------------------------------------------------

bool mr_json_value_null(mr_json *json, int32_t field, json_kind kind) {
    json_field *item = &json->items[field];
    if (item->required) {
        mr_json_value_fail(json, MR_REASON_NULL, NULL, "%s is %s", item->field->name,
                           kind == JSON_MISSING ? "missing" : "null");
        return false;
    }
    if (item->valid == NULL) {
        item->valid = mr_arena_raw(&json->hold->arena, mr_bits_words(json->capacity) * 8);
        mr_bits_fill(item->valid, json->capacity);
    }
    mr_bits_clear(item->valid, json->row);
    uint8_t *data = item->data;
    size_t bytes = item->dict != NULL ? sizeof(uint32_t) : mr_type_bytes(item->field->type);
    memset(data + json->row * bytes, 0, bytes);
    return true;
}

// ---- reasons ---------------------------------------------------------------------------------

// "items[3].price"; cut to what fits.
static const char *value_where(const json_where *where, char *ret, size_t size) {
    const json_where *chain[MR_NESTING_MAX + 1];
    size_t count = 0;
    for (; where != NULL && count < MR_COUNT(chain); where = where->parent) {
        chain[count++] = where;
    }
    size_t at = 0;
    ret[0] = '\0';
    for (bool first = true; count > 0 && at < size; first = false) {
        where = chain[--count];
        int bytes = where->name == NULL
                        ? snprintf(ret + at, size - at, "[%u]", where->index)
                        : snprintf(ret + at, size - at, "%s%s", first ? "" : ".", where->name);
        mr_assert(bytes >= 0);
        at += (size_t)bytes;
    }
    return ret;
}

#define WHERE_BYTES 160

static bool value_wrong(mr_json *json, const json_where *where, json_kind kind) {
    static const char *const kinds[] = {
        [JSON_STRING] = "a string", [JSON_NUMBER] = "a number", [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean", [JSON_NULL] = "null",       [JSON_OBJECT] = "an object",
        [JSON_ARRAY] = "an array",  [JSON_MISSING] = "missing",
    };
    char name[WHERE_BYTES];
    mr_json_value_fail(json, MR_REASON_WRONG_TYPE, NULL, "%s is %s",
                       value_where(where, name, sizeof(name)), kinds[kind]);
    return false;
}

void mr_json_value_wrong(mr_json *json, const json_where *where, const char *at) {
    json_kind kind = *at == '{'   ? JSON_OBJECT
                     : *at == '[' ? JSON_ARRAY
                     : *at == '"' ? JSON_STRING
                     : *at == 't' ? JSON_TRUE
                     : *at == 'f' ? JSON_FALSE
                     : *at == 'n' ? JSON_NULL
                                  : JSON_NUMBER;
    value_wrong(json, where, kind);
}

// Input quoted in a reason: a short piece, printable ASCII only.
static const char *value_quote(const json_value *value, char *ret, size_t size) {
    size_t bytes = MR_MIN((size_t)(value->end - value->start), size - 1);
    for (size_t i = 0; i < bytes; i++) {
        char c = value->start[i];
        ret[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    ret[bytes] = '\0';
    return ret;
}

// "bad_time: at is "x"": where, what it is not, and the value.
static bool value_malformed(mr_json *json, const json_spot *spot, const char *word,
                            const char *what, const json_value *value) {
    char name[WHERE_BYTES], text[41];
    mr_json_value_fail(json, word, NULL, "%s is %s%s", value_where(spot->where, name, sizeof(name)),
                       what, value_quote(value, text, sizeof(text)));
    return false;
}

static bool value_overflow(mr_json *json, const json_spot *spot, const json_value *value) {
    char name[WHERE_BYTES], text[41];
    mr_json_value_fail(json, MR_REASON_OVERFLOW, NULL, "%s does not fit %s: %s",
                       value_where(spot->where, name, sizeof(name)),
                       mr_type_text(spot->type, &json->hold->arena),
                       value_quote(value, text, sizeof(text)));
    return false;
}

// ---- strings ---------------------------------------------------------------------------------

mr_span mr_json_value_unescaped(mr_json *json, const json_value *value) {
    size_t bytes = (size_t)(value->end - value->start) - 2;
    mr_text_clear(&json->plain);
    char *plain = mr_text_grow(&json->plain, bytes + 1);
    bytes = mr_json_text_unescape(value->start + 1, bytes, plain);
    return (mr_span){plain, bytes};
}

void mr_json_value_requote(mr_json *json, const json_value *value, mr_text *out) {
    mr_span text = mr_json_value_unescaped(json, value);
    mr_json_text_quote(text.data, text.bytes, out);
}

// The text of a string, in the buffer or, when it has escapes, in the hold's arena.
static mr_str value_string(mr_json *json, const json_value *value) {
    size_t bytes = (size_t)(value->end - value->start) - 2;
    const char *data = value->start + 1;
    if (value->escaped) {
        // Padded, since times and dictionaries read whole words.
        char *plain = mr_arena_raw(&json->hold->arena, bytes + 16);
        bytes = mr_json_text_unescape(data, bytes, plain);
        memset(plain + bytes, 0, 16);
        data = plain;
    }
    return (mr_str){data, (uint32_t)bytes, 0};
}

// ---- numbers ---------------------------------------------------------------------------------

static bool value_double(mr_json *json, const json_spot *spot, const json_value *value,
                         json_storage *ret) {
    double number = 0;
    if (number_short_double(value->start, &number) != value->end &&
        !mr_json_number_double(value->start, &number)) {
        return value_overflow(json, spot, value);
    }
    if (spot->type.id == MR_FLOAT64) {
        ret->f64 = number;
        return true;
    }
    ret->f32 = (float)number;  // By way of the double, as DuckDB does it.
    return isfinite(ret->f32) || value_overflow(json, spot, value);
}

static bool value_int(mr_json *json, const json_spot *spot, const json_value *value,
                      json_storage *ret) {
    int64_t number = 0;
    json_whole whole = JSON_WHOLE;
    if (number_short_int(value->start, &number) != value->end) {
        whole = mr_json_number_int(value->start, &number);
    }
    if (whole == JSON_WHOLE_NOT) {
        char name[WHERE_BYTES], text[41];
        mr_json_value_fail(json, MR_REASON_WRONG_TYPE, NULL, "%s is no whole number: %s",
                           value_where(spot->where, name, sizeof(name)),
                           value_quote(value, text, sizeof(text)));
        return false;
    }
    bool fits = spot->type.id == MR_INT16   ? number == (int16_t)number
                : spot->type.id == MR_INT32 ? number == (int32_t)number
                                            : true;
    if (whole == JSON_WHOLE_TOO_LARGE || !fits) {
        return value_overflow(json, spot, value);
    }
    if (spot->type.id == MR_INT16) {
        ret->i16 = (int16_t)number;
    } else if (spot->type.id == MR_INT32) {
        ret->i32 = (int32_t)number;
    } else {
        ret->i64 = number;
    }
    return true;
}

// A number, or a string that holds one: sources that fear for digits write them so.
static bool value_numeric(mr_json *json, const json_spot *spot, const json_value *value,
                          json_storage *ret) {
    if (value->kind != JSON_NUMBER && value->kind != JSON_STRING) {
        return value_wrong(json, spot->where, value->kind);
    }
    mr_span text = {value->start, (size_t)(value->end - value->start)};
    if (value->kind == JSON_STRING) {
        mr_str string = value_string(json, value);
        text = (mr_span){string.data, string.bytes};
    }
    __int128 number;
    double unused;
    if (mr_numeric_parse(text, spot->type.precision, spot->type.scale, &number)) {
        ret->numeric = number;
        return true;
    }
    if (value->kind == JSON_NUMBER || mr_text_parse_double(text, &unused)) {
        return value_overflow(json, spot, value);
    }
    return value_malformed(json, spot, MR_REASON_WRONG_TYPE, "no number: ", value);
}

static bool value_bool(mr_json *json, const json_spot *spot, const json_value *value,
                       json_storage *ret) {
    if (value->kind != JSON_TRUE && value->kind != JSON_FALSE) {
        return value_wrong(json, spot->where, value->kind);
    }
    ret->u8 = value->kind == JSON_TRUE;
    return true;
}

// ---- times and other texts -------------------------------------------------------------------

// Days for a date, else microseconds.
static bool value_time(mr_json *json, const json_spot *spot, const json_value *value,
                       json_storage *ret) {
    const mr_zone *zone = json->fields->zone;
    bool text = spot->field->time_format == MR_TIME_ISO;
    if (value->kind != (text ? JSON_STRING : JSON_NUMBER)) {
        return value_wrong(json, spot->where, value->kind);
    }
    int64_t result = 0;
    if (text) {
        mr_str string = value_string(json, value);
        mr_span span = {string.data, string.bytes};
        if (!mr_json_time_text(spot->type, zone, span, &result)) {
            return value_malformed(json, spot, MR_REASON_BAD_TIME, "", value);
        }
    } else if (!mr_json_time_epoch(spot, zone, value->start, &result)) {
        return value_overflow(json, spot, value);
    }
    if (spot->type.id == MR_DATE) {
        ret->i32 = (int32_t)result;
    } else {
        ret->i64 = result;
    }
    return true;
}

static int value_hex(char c) {
    char lower = (char)(c | 0x20);
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Bytes as DuckDB casts text: ASCII as it is, "\xAB" for any byte.
static bool value_bytes(mr_json *json, mr_str text, mr_str *ret) {
    if (memchr(text.data, '\\', text.bytes) == NULL) {
        *ret = text;
        for (uint32_t i = 0; i < text.bytes; i++) {
            if ((unsigned char)text.data[i] >= 0x80) {
                return false;
            }
        }
        return true;
    }
    char *to = mr_arena_raw(&json->hold->arena, text.bytes);
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if ((unsigned char)c >= 0x80) {
            return false;
        }
        if (c == '\\') {
            if (text.bytes - i < 4 || text.data[i + 1] != 'x' || value_hex(text.data[i + 2]) < 0 ||
                value_hex(text.data[i + 3]) < 0) {
                return false;
            }
            c = (char)(value_hex(text.data[i + 2]) * 16 + value_hex(text.data[i + 3]));
            i += 3;
        }
        to[bytes++] = c;
    }
    *ret = (mr_str){.data = to, .bytes = bytes};
    return true;
}

static bool value_text(mr_json *json, const json_spot *spot, const json_value *value,
                       json_storage *ret) {
    if (value->kind != JSON_STRING) {
        return value_wrong(json, spot->where, value->kind);
    }
    mr_str string = value_string(json, value);
    mr_span text = {string.data, string.bytes};
    switch ((int)spot->type.id) {
    case MR_TEXT: ret->str = string; return true;
    case MR_BYTES:
        return value_bytes(json, string, &ret->str) ||
               value_malformed(json, spot, MR_REASON_WRONG_TYPE, "no bytea text: ", value);
    case MR_UUID:
        return mr_uuid_parse(text, &ret->uuid) ||
               value_malformed(json, spot, MR_REASON_WRONG_TYPE, "no uuid: ", value);
    case MR_TIME:
        return mr_civil_parse_time(text.data, text.bytes, &ret->i64) ||
               value_malformed(json, spot, MR_REASON_BAD_TIME, "", value);
    case MR_INTERVAL:
        return mr_interval_parse(text, &ret->interval) ||
               value_malformed(json, spot, MR_REASON_BAD_TIME, "no interval: ", value);
    default: break;
    }
    mr_assert(false);
    return false;
}

bool mr_json_value_scalar(mr_json *json, const json_spot *spot, const json_value *value,
                          json_storage *ret) {
    switch (spot->type.id) {
    case MR_BOOL: return value_bool(json, spot, value, ret);
    case MR_INT16:
    case MR_INT32:
    case MR_INT64:
        return value->kind == JSON_NUMBER ? value_int(json, spot, value, ret)
                                          : value_wrong(json, spot->where, value->kind);
    case MR_FLOAT32:
    case MR_FLOAT64:
        return value->kind == JSON_NUMBER ? value_double(json, spot, value, ret)
                                          : value_wrong(json, spot->where, value->kind);
    case MR_NUMERIC: return value_numeric(json, spot, value, ret);
    case MR_DATE:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return value_time(json, spot, value, ret);
    case MR_TEXT:
    case MR_BYTES:
    case MR_UUID:
    case MR_TIME:
    case MR_INTERVAL: return value_text(json, spot, value, ret);
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_NULLTYPE:
    case MR_TYPE_COUNT: break;
    }
    mr_assert(false);
    return false;
}

// ---- columns ---------------------------------------------------------------------------------

bool mr_json_value_put(mr_json *json, int32_t field, const json_value *value) {
    json_field *item = &json->items[field];
    if (value->kind == JSON_NULL) {
        return mr_json_value_null(json, field, value->kind);
    }
    if (item->op == JSON_OP_TEXT && value->kind == JSON_STRING) {
        mr_str text = value_string(json, value);
        column_put_text(json, item, text.data, text.bytes);
    } else if (item->op == JSON_OP_NESTED) {
        if (json->nested(json, field, value->start, json->end) == NULL) {
            return false;
        }
    } else {
        json_where where = {.name = item->field->name};
        json_spot spot = {.type = item->field->type, .field = item->field, .where = &where};
        json_storage storage;
        if (!mr_json_value_scalar(json, &spot, value, &storage)) {
            return false;
        }
        mr_assert(item->op != JSON_OP_TEXT);
        size_t bytes = mr_type_bytes(item->field->type);
        memcpy((char *)item->data + json->row * bytes, &storage, bytes);
    }
    if (item->valid != NULL) {
        mr_bits_set(item->valid, json->row);
    }
    return true;
}
