// JSON rows: both ways through a record, compiled once for each form of json_scan.h.
//
// Included by json_rows_*.c only. The end of a record is always a '\n' byte: in lines the one that
// ends it, in framed records one that the decoder wrote behind it. There, and nowhere else, at most
// one '\n' inside is white space, so a walk compares with `end` only where it meets one.

#pragma once

#include "codec/json_column.h"
#include "codec/json_nested.h"
#include "codec/json_number.h"
#include "codec/json_string.h"
#include "codec/json_time.h"
#include "column/uuid.h"

// ---- the guided way --------------------------------------------------------------------------

static inline void rows_set_valid(const json_field *item, uint32_t row) {
    if (MR_UNLIKELY(item->valid != NULL)) {
        mr_bits_set(item->valid, row);
    }
}

// A scalar that is only validated. Returns its end, or NULL.
static inline const char *rows_skip(const char *at, rows_fault *fault) {
    if (*at == '"') {
        bool escaped;
        const char *close = rows_string(at + 1, &escaped, fault);
        return close == NULL ? NULL : close + 1;
    }
    if (*at == '-' || (*at >= '0' && *at <= '9')) {
        return number_end(at);
    }
    json_kind kind;
    return rows_literal(at, &kind);
}

// A scalar of any field, with all that may be odd about it. Returns its end, or NULL.
static __attribute__((noinline)) const char *rows_guided_other(mr_json *json, int32_t field,
                                                               const char *at) {
    json_value value;
    if (nested_scalar(at, &value) == NULL) {
        return NULL;
    }
    for (; field >= 0; field = json->items[field].same) {
        if (!mr_json_value_put(json, field, &value)) {
            return NULL;
        }
    }
    return value.end;
}

// A string without escapes in ASCII. Returns behind it, or NULL.
static inline const char *rows_plain(const char *at, mr_span *ret) {
    bool high = false;
    const char *stop = scan_string(at + 1, &high);
    *ret = (mr_span){at + 1, (size_t)(stop - at - 1)};
    return *at != '"' || *stop != '"' || high ? NULL : stop + 1;
}

// The same for the types that came later, in a call so that the others keep their registers.
static __attribute__((noinline)) const char *rows_guided_more(mr_json *json, int32_t field,
                                                              json_op op, const char *at) {
    json_field *item = &json->items[field];
    uint32_t row = json->row;
    mr_span text;
    const char *end = NULL;
    bool good = false;
    if (op == JSON_OP_NESTED) {
        // Where its lines end is not known here, nor where wanted values are inside.
        bool leaf = *at != 'n' && (item->whole || (*at != '{' && *at != '['));
        end = leaf ? nested_put(json, field, at, /* end= */ NULL) : NULL;
        good = true;
    } else if (op == JSON_OP_NUMERIC) {
        end = number_short_numeric(at, item->field->type, &((mr_int128 *)item->data)[row]);
        good = true;
    } else if (op == JSON_OP_UUID) {
        end = rows_plain(at, &text);
        good = end != NULL && mr_uuid_parse(text, &((mr_uuid *)item->data)[row]);
    } else if (op == JSON_OP_CLOCK) {
        end = rows_plain(at, &text);
        good = end != NULL &&
               mr_civil_parse_time(text.data, text.bytes, &((int64_t *)item->data)[row]);
    } else if (op == JSON_OP_INT16) {
        int64_t value = 0;
        end = number_short_int(at, &value);
        good = value == (int16_t)value;
        ((int16_t *)item->data)[row] = (int16_t)value;
    } else if (op == JSON_OP_FLOAT32) {
        double value = 0;
        end = number_short_double(at, &value);
        float narrow = (float)value;  // Of at most 18 digits: never infinite.
        good = true;
        ((float *)item->data)[row] = narrow;
    }
    if (end == NULL || !good) {
        return NULL;
    }
    rows_set_valid(item, row);
    return end;
}

// The common forms of a field's value, decoded in place. Returns its end, or NULL for any other
// form.
static inline __attribute__((always_inline)) const char *
rows_guided_value(mr_json *json, int32_t field, json_op op, const char *at) {
    json_field *item = &json->items[field];
    uint32_t row = json->row;
    switch ((int)op) {
    case JSON_OP_TEXT: {
        bool high = false;
        const char *stop = scan_string(at + 1, &high);
        if (MR_UNLIKELY(*at != '"' || *stop != '"' || high)) {
            return NULL;
        }
        column_put_text(json, item, at + 1, (size_t)(stop - at - 1));
        rows_set_valid(item, row);
        return stop + 1;
    }
    case JSON_OP_INT32:
    case JSON_OP_INT64: {
        int64_t value = 0;
        const char *end = number_short_int(at, &value);
        if (MR_UNLIKELY(end == NULL)) {
            return NULL;
        }
        if (op == JSON_OP_INT64) {
            ((int64_t *)item->data)[row] = value;
        } else if (MR_UNLIKELY(value != (int32_t)value)) {
            return NULL;
        } else {
            ((int32_t *)item->data)[row] = (int32_t)value;
        }
        rows_set_valid(item, row);
        return end;
    }
    case JSON_OP_FLOAT64: {
        const char *end = number_short_double(at, &((double *)item->data)[row]);
        if (MR_LIKELY(end != NULL)) {
            rows_set_valid(item, row);
        }
        return end;
    }
    case JSON_OP_TIME: {
        bool high = false;
        bool zulu = false;
        const char *stop = scan_string(at + 1, &high);
        mr_span text = {at + 1, (size_t)(stop - at - 1)};
        if (MR_UNLIKELY(*at != '"' || *stop != '"' ||
                        !time_short(text, &item->day, &((int64_t *)item->data)[row], &zulu) ||
                        (item->zulu_needed && !zulu))) {
            return NULL;
        }
        rows_set_valid(item, row);
        return stop + 1;
    }
    case JSON_OP_BOOL: {
        json_kind kind = JSON_NULL;
        const char *end = rows_literal(at, &kind);
        if (end == NULL || kind == JSON_NULL) {
            return NULL;
        }
        ((uint8_t *)item->data)[row] = kind == JSON_TRUE;
        rows_set_valid(item, row);
        return end;
    }
    default: return op > JSON_OP_OTHER ? rows_guided_more(json, field, op, at) : NULL;
    }
}

// Behind the last gap: fields that this shape lacks become NULL. False when one is required.
static bool rows_guided_missing(mr_json *json, const json_node *node) {
    for (uint32_t i = 0; i < node->missing_count; i++) {
        if (!mr_json_value_null(json, node->missing[i], JSON_MISSING)) {
            return false;
        }
    }
    return true;
}

// Decodes the record at `at` into the present row along the tree of shapes. Returns where its last
// gap ends; NULL when it does not fit (the row may then be half written).
static inline const char *rows_guided(mr_json *json, const char *at) {
    const json_node *nodes = json->nodes;
    const json_node *node = &nodes[nodes[0].child];
    for (;;) {
        while (MR_UNLIKELY(!scan_gap(at, node))) {
            if (node->sibling == 0) {
                return NULL;
            }
            node = &nodes[node->sibling];
        }
        at += node->gap_bytes;
        if (node->op == JSON_OP_END) {
            return node->missing_count == 0 || rows_guided_missing(json, node) ? at : NULL;
        }
        const char *end;
        if (node->op == JSON_OP_SKIP) {
            rows_fault fault;
            end = rows_skip(at, &fault);
        } else {
            end = rows_guided_value(json, node->field, node->op, at);
            if (MR_UNLIKELY(end == NULL || json->items[node->field].same >= 0)) {
                end = rows_guided_other(json, node->field, at);
            }
        }
        if (MR_UNLIKELY(end == NULL || node->child == 0)) {
            return NULL;  // Also where learning a shape ended before the shape did.
        }
        at = end;
        node = &nodes[node->child];
    }
}
