// JSON values: a found value into its column, whatever its form; dictionaries; and why a record is
// bad.

#include "codec/json_decode.h"

#include <stdarg.h>
#include <stdio.h>

#include "codec/json_column.h"
#include "codec/json_number.h"
#include "codec/json_time.h"

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

// ---- values ----------------------------------------------------------------------------------

static bool value_wrong(mr_json *json, const json_field *item, json_kind kind) {
    static const char *const kinds[] = {
        [JSON_STRING] = "a string", [JSON_NUMBER] = "a number", [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean", [JSON_NULL] = "null",       [JSON_OBJECT] = "an object",
        [JSON_ARRAY] = "an array",  [JSON_MISSING] = "missing",
    };
    mr_json_value_fail(json, MR_REASON_WRONG_TYPE, NULL, "%s is %s", item->field->name,
                       kinds[kind]);
    return false;
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

static bool value_overflow(mr_json *json, const json_field *item, const json_value *value) {
    char text[41];
    mr_json_value_fail(json, MR_REASON_OVERFLOW, NULL, "%s does not fit %s: %s", item->field->name,
                       mr_type_name(item->field->type), value_quote(value, text, sizeof(text)));
    return false;
}

static bool value_number(mr_json *json, json_field *item, const json_value *value) {
    if (value->kind != JSON_NUMBER) {
        return value_wrong(json, item, value->kind);
    }
    uint32_t row = json->row;
    if (item->op == JSON_OP_FLOAT64) {
        double *ret = &((double *)item->data)[row];
        return number_short_double(value->start, ret) == value->end ||
               mr_json_number_double(value->start, ret) || value_overflow(json, item, value);
    }
    int64_t number = 0;
    json_whole whole = JSON_WHOLE;
    if (number_short_int(value->start, &number) != value->end) {
        whole = mr_json_number_int(value->start, &number);
    }
    if (whole == JSON_WHOLE_NOT) {
        char text[41];
        mr_json_value_fail(json, MR_REASON_WRONG_TYPE, NULL, "%s is no whole number: %s",
                           item->field->name, value_quote(value, text, sizeof(text)));
        return false;
    }
    if (whole == JSON_WHOLE_TOO_LARGE) {
        return value_overflow(json, item, value);
    }
    if (item->op == JSON_OP_INT64) {
        ((int64_t *)item->data)[row] = number;
        return true;
    }
    if (number != (int32_t)number) {
        return value_overflow(json, item, value);
    }
    ((int32_t *)item->data)[row] = (int32_t)number;
    return true;
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

static bool value_put_text(mr_json *json, json_field *item, const json_value *value) {
    if (value->kind != JSON_STRING) {
        return value_wrong(json, item, value->kind);
    }
    mr_str text = value_string(json, value);
    column_put_text(json, item, text.data, text.bytes);
    return true;
}

static bool value_put_time(mr_json *json, json_field *item, const json_value *value) {
    const mr_field *field = item->field;
    const mr_zone *zone = json->fields->zone;
    bool text = field->time_format == MR_TIME_ISO;
    if (value->kind != (text ? JSON_STRING : JSON_NUMBER)) {
        return value_wrong(json, item, value->kind);
    }
    int64_t result = 0;
    if (text) {
        mr_str string = value_string(json, value);
        mr_span span = {string.data, string.bytes};
        bool zulu = false;
        bool quick = item->op == JSON_OP_TIME && time_short(span, &item->day, &result, &zulu) &&
                     (zulu || !item->zulu_needed);
        if (!quick && !mr_json_time_text(field, zone, span, &result)) {
            char quoted[41];
            mr_json_value_fail(json, MR_REASON_BAD_TIME, NULL, "%s is %s", field->name,
                               value_quote(value, quoted, sizeof(quoted)));
            return false;
        }
    } else if (!mr_json_time_epoch(field, zone, value->start, &result)) {
        return value_overflow(json, item, value);
    }
    if (field->type.id == MR_DATE) {
        ((int32_t *)item->data)[json->row] = (int32_t)result;
    } else {
        ((int64_t *)item->data)[json->row] = result;
    }
    return true;
}

bool mr_json_value_put(mr_json *json, int32_t field, const json_value *value) {
    json_field *item = &json->items[field];
    if (value->kind == JSON_NULL) {
        return mr_json_value_null(json, field, value->kind);
    }
    bool good = true;
    switch (item->op) {
    case JSON_OP_TEXT: good = value_put_text(json, item, value); break;
    case JSON_OP_INT32:
    case JSON_OP_INT64:
    case JSON_OP_FLOAT64: good = value_number(json, item, value); break;
    case JSON_OP_BOOL:
        if (value->kind != JSON_TRUE && value->kind != JSON_FALSE) {
            return value_wrong(json, item, value->kind);
        }
        ((uint8_t *)item->data)[json->row] = value->kind == JSON_TRUE;
        break;
    case JSON_OP_TIME:
    case JSON_OP_OTHER: good = value_put_time(json, item, value); break;
    case JSON_OP_END:
    case JSON_OP_SKIP: mr_assert(false); break;
    }
    if (good && item->valid != NULL) {
        mr_bits_set(item->valid, json->row);
    }
    return good;
}
