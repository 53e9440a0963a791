// Synth, values: from what a key says to ticks, steps, bounds and lists; see synth_build.h.

#include <math.h>
#include <string.h>

#include "base/civil.h"
#include "conn/synth_build.h"

#define SYNTH_YEAR_FIRST_US (-62135596800 * MR_SECOND_US)  // 0001-01-01
#define SYNTH_YEAR_LAST_US  (253402300800 * MR_SECOND_US - 1)

bool mr_synth_value_given(const mr_synth_building *b, const char *key) {
    return mr_option_find(&b->values, key) != NULL;
}

mr_place mr_synth_value_place(const mr_synth_building *b, const char *key) {
    for (size_t i = 0; i < b->values.count; i++) {
        if (strcmp(b->values.items[i].name, key) == 0) {
            return b->values.items[i].place;
        }
    }
    return b->node->place;
}

double mr_synth_value_unit(const mr_synth_building *b) {
    return (mr_synth_bit(b) & (SYNTH_BIT(FLOAT) | SYNTH_BIT(NUMERIC))) != 0
               ? pow(10, b->column->scale)
               : 1;
}

static mr_code bad_value(const mr_synth_building *b, const char *text, mr_place place) {
    static const char *const hints[SYNTH_TYPE_COUNT] = {
        [SYNTH_BOOLEAN] = "Write true or false.",
        [SYNTH_SMALLINT] = "Write a whole number from -32768 to 32767.",
        [SYNTH_INTEGER] = "Write a whole number from -2147483648 to 2147483647.",
        [SYNTH_BIGINT] = "Write a whole number of 64 bits.",
        [SYNTH_FLOAT] = "Write a number below 9e15 with no more digits than scale says.",
        [SYNTH_NUMERIC] = "Write a number below 9e15 with no more digits than scale says.",
        [SYNTH_UUID] = "Write it as 3f2a91c0-5b7e-4d21-a6f0-0c9d8e7f6a5b.",
        [SYNTH_DATE] = "Write a date, such as 2026-01-31.",
        [SYNTH_TIME] = "Write a time, such as 23:59:59.",
        [SYNTH_TIMESTAMP] = "Write a time from the years 1 to 9999, such as 2026-01-31 23:59:59.",
    };
    return mr_fail_at(b->cx, MR_E_VALUE, place, hints[b->column->type], "\"%s\" is no %s", text,
                      mr_synth_key_types[b->column->type]);
}

void mr_synth_value_range(mr_synth_column *column) {
    static const int64_t ranges[SYNTH_TYPE_COUNT][2] = {
        [SYNTH_BOOLEAN] = {0, 1},
        [SYNTH_SMALLINT] = {INT16_MIN, INT16_MAX},
        [SYNTH_INTEGER] = {INT32_MIN, INT32_MAX},
        [SYNTH_BIGINT] = {INT64_MIN, INT64_MAX},
        [SYNTH_FLOAT] = {-9000000000000000000, 9000000000000000000},
        [SYNTH_NUMERIC] = {-9000000000000000000, 9000000000000000000},
        [SYNTH_UUID] = {0, INT64_MAX},
        [SYNTH_DATE] = {SYNTH_YEAR_FIRST_US / MR_DAY_US, SYNTH_YEAR_LAST_US / MR_DAY_US},
        [SYNTH_TIME] = {0, MR_DAY_US - 1},
        [SYNTH_TIMESTAMP] = {SYNTH_YEAR_FIRST_US, SYNTH_YEAR_LAST_US},
    };
    column->lowest = ranges[column->type][0];
    column->highest = ranges[column->type][1];
}

static bool ticks_of(const mr_synth_building *b, const char *text, int64_t *ret) {
    mr_span in = mr_span_trim(mr_span_of(text));
    int32_t days;
    double number;
    char clock[64];
    *ret = 0;
    switch (b->column->type) {
    case SYNTH_BOOLEAN:
        *ret = mr_span_is(in, "true");
        return mr_span_is(in, "true") || mr_span_is(in, "false");
    case SYNTH_SMALLINT:
    case SYNTH_INTEGER:
    case SYNTH_BIGINT:
        return mr_text_parse_int64(in, ret) && *ret >= b->column->lowest &&
               *ret <= b->column->highest;
    case SYNTH_FLOAT:
    case SYNTH_NUMERIC:
        if (!mr_text_parse_double(in, &number) || fabs(number * mr_synth_value_unit(b)) > 9e15) {
            return false;
        }
        *ret = llrint(number * mr_synth_value_unit(b));
        return fabs(number * mr_synth_value_unit(b) - (double)*ret) <=
               1e-6 * MR_MAX(1, fabs(number));
    case SYNTH_DATE:
        *ret = mr_civil_parse_date(in.data, in.bytes, &days) ? days : INT64_MAX;
        return *ret >= b->column->lowest && *ret <= b->column->highest;
    case SYNTH_TIME:
        if (in.bytes > 20 || memchr(in.data, '-', in.bytes) != NULL) {
            return false;
        }
        memcpy(clock, "1970-01-01 ", 11);
        memcpy(clock + 11, in.data, in.bytes);
        return mr_civil_parse(clock, in.bytes + 11, /* zone= */ NULL, ret) && *ret < MR_DAY_US &&
               *ret >= 0;
    case SYNTH_TIMESTAMP:
        if (mr_span_is(in, "now")) {
            *ret = b->context->now_us;
            return true;
        }
        return mr_civil_parse(in.data, in.bytes, /* zone= */ NULL, ret) &&
               *ret >= b->column->lowest && *ret <= b->column->highest;
    case SYNTH_TEXT: return true;
    case SYNTH_UUID:
        for (size_t i = 0; i < in.bytes; i++) {
            bool dash = i == 8 || i == 13 || i == 18 || i == 23;
            if (dash ? in.data[i] != '-' : strchr("0123456789abcdef", in.data[i]) == NULL) {
                return false;
            }
        }
        return in.bytes == 36;
    case SYNTH_OBJECT:
    case SYNTH_ARRAY:
    case SYNTH_TYPE_COUNT: break;
    }
    return false;
}

mr_code mr_synth_value_ticks(const mr_synth_building *b, const char *key, const char *text,
                             int64_t *ret) {
    int64_t ticks;
    if (!ticks_of(b, text, &ticks)) {
        return bad_value(b, text, mr_synth_value_place(b, key));
    }
    *ret = ticks;
    return MR_OK;
}

mr_code mr_synth_value_step(const mr_synth_building *b, const char *key, const char *text,
                            int64_t *ret) {
    int64_t step;
    bool number = (mr_synth_bit(b) & SYNTH_NUMBERS) != 0;
    if (number) {
        return mr_synth_value_ticks(b, key, text, ret);
    }
    bool days = (mr_synth_bit(b) & (SYNTH_BIT(DATE) | SYNTH_BIT(UUID))) != 0;
    bool fine = days ? mr_text_parse_int64(mr_span_of(text), &step)
                     : mr_text_parse_duration_us(mr_span_of(text), &step);
    if (!fine) {
        return mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, key),
                          days ? "Write a whole number."
                               : "Write a duration, such as '30 seconds' or '5 ms'.",
                          "bad value \"%s\" for key \"%s\"", text, key);
    }
    *ret = step;
    return MR_OK;
}

mr_code mr_synth_value_bounds(mr_synth_building *b) {
    mr_synth_column *column = b->column;
    const mr_synth_given *g = &b->given;
    column->has_min = g->min != NULL;
    column->has_max = g->max != NULL;
    int64_t lowest = column->lowest;  // Both are values of the type, whatever the other says.
    int64_t highest = column->highest;
    if (g->min != NULL) {
        MR_TRY(mr_synth_value_ticks(b, "min", g->min, &lowest));
    }
    if (g->max != NULL) {
        MR_TRY(mr_synth_value_ticks(b, "max", g->max, &highest));
    }
    column->lowest = lowest;
    column->highest = highest;
    return column->lowest <= column->highest
               ? MR_OK
               : mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, "max"), NULL,
                            "max is less than min");
}

// ---- Lists of values ----

bool mr_synth_value_safe(mr_span text) {
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == ',') {
            return false;
        }
    }
    return true;
}

mr_code mr_synth_value_token(mr_synth_building *b, const char *text, mr_place place) {
    mr_synth_column *column = b->column;
    mr_synth_token *token = &column->tokens[column->token_count++];
    if (!ticks_of(b, text, &token->ticks)) {
        return bad_value(b, text, place);
    }
    mr_text out;
    mr_text_init(&out, b->cx->arena);
    if ((mr_synth_bit(b) & SYNTH_WORDS) != 0) {
        mr_text_add(&out, text);
    } else {
        mr_synth_cell_print(column, token->ticks, &out);
    }
    token->text = (mr_span){mr_text_string(&out), out.bytes};
    column->safe &= mr_synth_value_safe(token->text);
    return MR_OK;
}

static mr_code take_weight(const mr_synth_building *b, const mr_yaml *node, double *ret) {
    MR_TRY(mr_yaml_expect(node, MR_YAML_SCALAR, "a weight", b->cx));
    bool fine = mr_text_parse_double(mr_span_of(node->text), ret) && *ret >= 0;
    return fine ? MR_OK
                : mr_fail_at(b->cx, MR_E_VALUE, node->place, "Write a number from 0.",
                             "\"%s\" is no weight", node->text);
}

static mr_code take_weights(mr_synth_building *b, const mr_yaml *values, const mr_yaml *weights) {
    uint32_t count = b->column->token_count;
    double *numbers = MR_NEW_ARRAY(b->cx->arena, double, count);
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = 1;
        if (weights != NULL) {
            MR_TRY(take_weight(b, weights->items[i], &numbers[i]));
        } else if (values->kind == MR_YAML_MAP) {
            MR_TRY(take_weight(b, values->items[i], &numbers[i]));
        }
        sum += numbers[i];
    }
    if (!(sum > 0)) {
        return mr_fail_at(b->cx, MR_E_VALUE,
                          mr_synth_value_place(b, weights != NULL ? "weights" : "values"), NULL,
                          "all weights are 0");
    }
    mr_synth_draw_alias(numbers, count, &b->column->alias, b->cx->arena);
    return MR_OK;
}

mr_code mr_synth_value_list(mr_synth_building *b) {
    const mr_yaml *values = mr_yaml_get(b->node, "values");
    const mr_yaml *weights =
        mr_synth_value_given(b, "weights") ? mr_yaml_get(b->node, "weights") : NULL;
    bool map = values->kind == MR_YAML_MAP && b->column->dist == SYNTH_DIST_CHOICE;
    if (!map) {
        MR_TRY(mr_yaml_expect(values, MR_YAML_LIST, "key \"values\"", b->cx));
    }
    if (values->count == 0) {
        return mr_fail_at(b->cx, MR_E_VALUE, values->place, NULL, "key \"values\" lists nothing");
    }
    if (weights != NULL) {
        MR_TRY(mr_yaml_expect(weights, MR_YAML_LIST, "key \"weights\"", b->cx));
        if (map || weights->count != values->count) {
            return mr_fail_at(b->cx, MR_E_VALUE, weights->place,
                              map ? "Leave weights away, or make values a list."
                                  : "Write one weight for each value.",
                              "%u weights for %u values", weights->count, values->count);
        }
    }
    b->column->tokens = MR_NEW_ARRAY(b->cx->arena, mr_synth_token, values->count);
    for (uint32_t i = 0; i < values->count; i++) {
        const mr_yaml *item = values->items[i];
        if (!map) {
            MR_TRY(mr_yaml_expect(item, MR_YAML_SCALAR, "a value", b->cx));
        }
        MR_TRY(mr_synth_value_token(b, map ? values->names[i] : item->text,
                                    map ? values->places[i] : item->place));
    }
    return b->column->dist == SYNTH_DIST_CHOICE ? take_weights(b, values, weights) : MR_OK;
}
