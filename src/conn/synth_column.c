// Synth, columns: from the keys of a column to what draws its values; every mistake is told here.
//
// The order of checks: keys and their types (by the option table), the type and the distribution,
// keys that the two do not take, then the values.

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "conn/synth_build.h"

#define SYNTH_DEFAULT_TIME "2026-01-01"
#define SYNTH_ITEMS_MAX    1000000  // Of arrays in arrays, multiplied.
#define SYNTH_COMMON_KEYS  " name type distribution nulls "

static mr_place place_of(const mr_option_values *values, const char *key, mr_place other) {
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->items[i].name, key) == 0) {
            return values->items[i].place;
        }
    }
    return other;
}

mr_code mr_synth_column_share(const mr_option_values *values, const char *key, double share,
                              uint32_t *ret, mr_cx *cx) {
    if (!(share >= 0 && share <= 1)) {
        return mr_fail_at(cx, MR_E_VALUE, place_of(values, key, MR_NOWHERE),
                          "Write a share from 0 to 1, such as 0.05.", "key \"%s\" is no share: %s",
                          key, mr_option_find(values, key));
    }
    *ret = (uint32_t)llrint(share * 4294967295.0);
    return MR_OK;
}

int32_t mr_synth_column_find(const mr_synth_group *group, const char *name) {
    for (uint32_t c = 0; c < group->count; c++) {
        if (strcmp(group->columns[c].name, name) == 0) {
            return (int32_t)c;
        }
    }
    return -1;
}

mr_code mr_synth_column_missing(const mr_synth_group *group, const char *name, mr_place place,
                                mr_cx *cx) {
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, group->count + 1);
    mr_text all;
    mr_text_init(&all, cx->arena);
    for (uint32_t c = 0; c < group->count; c++) {
        names[c] = group->columns[c].name;
        mr_text_addf(&all, "%s%s", c == 0 ? "" : ", ", names[c]);
    }
    const char *list = mr_arena_printf(cx->arena, "The columns up to here: %s.",
                                       all.bytes > 0 ? mr_text_string(&all) : "none");
    const char *hint = mr_text_hint(name, names, group->count, list, cx->arena);
    return mr_fail_at(cx, MR_E_NAME, place, hint, "no column \"%s\" here", name);
}

// ---- Distributions ----

static mr_code take_uniform(mr_synth_building *b) {
    mr_synth_column *column = b->column;
    if (mr_synth_value_given(b, "values")) {
        if (mr_synth_value_given(b, "min") || mr_synth_value_given(b, "max")) {
            return mr_fail_at(b->cx, MR_E_OPTION, mr_synth_value_place(b, "values"),
                              "Keep one of the two.", "uniform takes min and max, or values");
        }
        return mr_synth_value_list(b);
    }
    if (column->type == SYNTH_TEXT) {
        return mr_fail_at(b->cx, MR_E_OPTION, b->node->place, "Give it values, or a pattern.",
                          "text is not drawn from min to max");
    }
    if (column->type == SYNTH_UUID || column->type == SYNTH_BOOLEAN) {
        return MR_OK;
    }
    bool number = (mr_synth_bit(b) & SYNTH_NUMBERS) != 0;
    mr_synth_given *g = &b->given;
    if (number && g->min == NULL) {
        g->min = "0";
    }
    if (number && g->max == NULL) {
        g->max = (mr_synth_bit(b) & SYNTH_WHOLE) != 0 ? "1000" : "1";
    }
    if (column->type == SYNTH_DATE || column->type == SYNTH_TIMESTAMP) {
        g->min = g->min == NULL ? SYNTH_DEFAULT_TIME : g->min;
        g->max = g->max == NULL ? "2026-12-31" : g->max;
    }
    return mr_synth_value_bounds(b);
}

static mr_code take_sequence(mr_synth_building *b) {
    mr_synth_column *column = b->column;
    const mr_synth_given *g = &b->given;
    bool dated = column->type == SYNTH_DATE || column->type == SYNTH_TIMESTAMP;
    bool clock = column->type == SYNTH_TIME || column->type == SYNTH_TIMESTAMP;
    const char *start = g->start != NULL ? g->start
                        : dated          ? SYNTH_DEFAULT_TIME
                        : clock          ? "00:00:00"
                                         : "0";
    if (column->type == SYNTH_UUID) {
        MR_TRY(mr_synth_value_step(b, "start", start, &column->start));
    } else {
        MR_TRY(mr_synth_value_ticks(b, "start", start, &column->start));
    }
    MR_TRY(mr_synth_value_step(b, "step",
                               g->step != NULL ? g->step
                               : clock         ? "1 ms"
                                               : "1",
                               &column->step));
    if ((mr_synth_value_given(b, "rate") || mr_synth_value_given(b, "disorder")) &&
        column->type != SYNTH_TIMESTAMP) {
        return mr_fail_at(
            b->cx, MR_E_OPTION,
            mr_synth_value_place(b, mr_synth_value_given(b, "rate") ? "rate" : "disorder"), NULL,
            "rate and disorder are for timestamps");
    }
    if (mr_synth_value_given(b, "rate") && (mr_synth_value_given(b, "step") || !(g->rate > 0))) {
        return mr_fail_at(b->cx, MR_E_OPTION, mr_synth_value_place(b, "rate"),
                          "Write step or rate, and a rate above 0.",
                          "a sequence goes by step, or by rate");
    }
    column->rate = g->rate;
    column->disorder = g->disorder;
    return g->disorder >= 0 ? MR_OK
                            : mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, "disorder"),
                                         NULL, "disorder is less than 0");
}

static mr_code take_zipf(mr_synth_building *b) {
    mr_synth_column *column = b->column;
    const mr_synth_given *g = &b->given;
    if (mr_synth_value_given(b, "values") == mr_synth_value_given(b, "n")) {
        return mr_fail_at(b->cx, MR_E_OPTION, b->node->place, NULL,
                          "zipf takes n, or values: one of the two");
    }
    if (!(g->exponent > 0 && g->exponent <= 20)) {
        return mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, "exponent"), NULL,
                          "exponent must be above 0 and 20 at most");
    }
    column->exponent = g->exponent;
    column->step = (int64_t)mr_synth_value_unit(b);
    if (mr_synth_value_given(b, "values")) {
        MR_TRY(mr_synth_value_list(b));
        column->n = column->token_count;
    } else {
        if ((mr_synth_bit(b) & SYNTH_NUMBERS) == 0) {
            return mr_fail_at(b->cx, MR_E_OPTION, mr_synth_value_place(b, "n"), "Give it values.",
                              "n is for numbers, \"%s\" is a %s", column->name,
                              mr_synth_key_types[column->type]);
        }
        double most = MR_MIN((double)column->highest, 9e15);
        if (g->n < 1 || (double)g->n * mr_synth_value_unit(b) > most) {
            return mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, "n"), NULL,
                              "n must be at least 1, and a value of the type");
        }
        column->n = (uint64_t)g->n;
    }
    mr_synth_draw_zipf(column, b->cx->arena);
    return MR_OK;
}

static mr_code take_moments(mr_synth_building *b) {
    mr_synth_column *column = b->column;
    MR_TRY(mr_synth_value_bounds(b));
    column->mean = b->given.mean * mr_synth_value_unit(b);
    column->sd = b->given.sd * mr_synth_value_unit(b);
    if (column->dist == SYNTH_DIST_EXPONENTIAL && !(column->mean > 0)) {
        return mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, "mean"),
                          "Write the mean, a number above 0.", "exponential needs a mean above 0");
    }
    return b->given.sd >= 0 ? MR_OK
                            : mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, "sd"), NULL,
                                         "sd is less than 0");
}

static mr_code take_walk(mr_synth_building *b) {
    mr_synth_column *column = b->column;
    if (b->context->in_array) {
        return mr_fail_at(b->cx, MR_E_UNSUPPORTED, b->node->place, NULL,
                          "a walk goes from row to row, and cannot be inside an array");
    }
    MR_TRY(mr_synth_value_bounds(b));
    MR_TRY(mr_synth_value_ticks(b, "start", b->given.start != NULL ? b->given.start : "0",
                                &column->start));
    MR_TRY(
        mr_synth_value_step(b, "step", b->given.step != NULL ? b->given.step : "1", &column->step));
    if (column->start < column->lowest || column->start > column->highest) {
        return mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, "start"),
                          "Write a start from min to max.",
                          "the walk starts outside of min and max");
    }
    column->walk = b->context->synth->walks++;
    return MR_OK;
}

static mr_code take_reference(mr_synth_building *b) {
    mr_synth_column *column = b->column;
    const char *name = b->given.column;
    if (name == NULL) {
        return mr_fail_at(b->cx, MR_E_OPTION, b->node->place, "Write column: its name.",
                          "reference does not say to which column");
    }
    int32_t found = mr_synth_column_find(b->group, name);
    if (found < 0) {
        return mr_synth_column_missing(b->group, name, mr_synth_value_place(b, "column"), b->cx);
    }
    const mr_synth_column *from = &b->group->columns[found];
    if (from->type != column->type || from->scale != column->scale) {
        return mr_fail_at(b->cx, MR_E_TYPE, mr_synth_value_place(b, "column"),
                          "Use a pattern to make text of it.",
                          "column \"%s\" has another type or scale than \"%s\"", name,
                          column->name);
    }
    column->reference = (uint32_t)found;
    column->safe = from->safe;
    column->multiply = b->given.multiply;
    bool number = (mr_synth_bit(b) & SYNTH_NUMBERS) != 0;
    if ((mr_synth_value_given(b, "multiply") && !number) ||
        (mr_synth_value_given(b, "add") && !number && (mr_synth_bit(b) & SYNTH_TIMES) == 0)) {
        return mr_fail_at(
            b->cx, MR_E_OPTION,
            mr_synth_value_place(b, mr_synth_value_given(b, "multiply") ? "multiply" : "add"), NULL,
            "cannot calculate with a %s", mr_synth_key_types[column->type]);
    }
    return mr_synth_value_given(b, "add")
               ? mr_synth_value_step(b, "add", b->given.add, &column->add)
               : MR_OK;
}

// ---- Patterns ----

static mr_code bad_part(const mr_synth_building *b, mr_span part) {
    return mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, "pattern"),
                      "Write {seq}, {seq:08}, {hex:8}, {digits:4}, {letters:6}, or {column}.",
                      "\"{%.*s}\" in a pattern is unknown", MR_SPAN_ARGS(part));
}

static mr_code take_part(mr_synth_building *b, mr_span text, mr_synth_part *ret) {
    static const char *const words[] = {[SYNTH_PART_SEQ] = "seq",
                                        [SYNTH_PART_HEX] = "hex",
                                        [SYNTH_PART_DIGITS] = "digits",
                                        [SYNTH_PART_LETTERS] = "letters"};
    const char *colon = memchr(text.data, ':', text.bytes);
    mr_span name = {text.data, colon == NULL ? text.bytes : (size_t)(colon - text.data)};
    char *column_name = mr_arena_copy(b->cx->arena, name.data, name.bytes);
    int32_t column = mr_synth_column_find(b->group, column_name);
    if (colon == NULL && column >= 0) {
        *ret = (mr_synth_part){.kind = SYNTH_PART_COLUMN, .column = (uint32_t)column};
        b->column->safe &= b->group->columns[column].safe;
        return MR_OK;
    }
    for (uint32_t w = SYNTH_PART_SEQ; w < MR_COUNT(words); w++) {
        if (!mr_span_is(name, words[w])) {
            continue;
        }
        int64_t width = w == SYNTH_PART_SEQ ? 0 : 8;
        mr_span digits =
            colon == NULL ? (mr_span){0} : (mr_span){colon + 1, text.bytes - name.bytes - 1};
        if (colon != NULL && (!mr_text_parse_int64(digits, &width) || width < 1 || width > 64)) {
            return bad_part(b, text);
        }
        *ret = (mr_synth_part){.kind = (mr_synth_part_kind)w, .width = (uint32_t)width};
        return MR_OK;
    }
    return bad_part(b, text);
}

static mr_code take_pattern(mr_synth_building *b) {
    const char *from = b->given.pattern != NULL ? b->given.pattern : "{letters:8}";
    size_t most = strlen(from) + 1;
    mr_synth_column *column = b->column;
    column->parts = MR_NEW_ARRAY(b->cx->arena, mr_synth_part, most);
    while (*from != '\0') {
        mr_synth_part *part = &column->parts[column->part_count++];
        size_t plain = strcspn(from, "{");
        if (plain > 0) {
            part->text = (mr_span){mr_arena_copy(b->cx->arena, from, plain), plain};
            column->safe &= mr_synth_value_safe(part->text);
            from += plain;
            continue;
        }
        const char *end = strchr(from, '}');
        if (end == NULL) {
            return mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, "pattern"), NULL,
                              "a pattern has a { without its }");
        }
        MR_TRY(take_part(b, (mr_span){from + 1, (size_t)(end - from - 1)}, part));
        from = end + 1;
    }
    return MR_OK;
}

// ---- Objects, arrays, columns ----

static mr_code compile(mr_synth_context *context, const mr_yaml *node, const mr_synth_group *group,
                       mr_synth_column *ret, mr_cx *cx);

static mr_code take_nested(mr_synth_building *b) {
    mr_synth_context inner = *b->context;
    mr_synth_column *column = b->column;
    bool object = column->type == SYNTH_OBJECT;
    const char *key = object ? "columns" : "of";
    if (!mr_synth_value_given(b, key)) {
        return mr_fail_at(b->cx, MR_E_OPTION, b->node->place, NULL, "%s \"%s\" needs key \"%s\"",
                          object ? "object" : "array", column->name, key);
    }
    if (++inner.depth > MR_SYNTH_DEPTH_MAX) {
        return mr_fail_at(b->cx, MR_E_LIMIT, mr_synth_value_place(b, key), NULL,
                          "nested more than %d deep", MR_SYNTH_DEPTH_MAX);
    }
    inner.salt = column->salt;
    column->quoted = false;
    const mr_yaml *node = mr_yaml_get(b->node, key);
    mr_code code;
    if (object) {
        code = mr_synth_column_group(&inner, node, &column->group, b->cx);
    } else {
        const mr_synth_given *g = &b->given;
        if (g->length_min < 0 || g->length_max < g->length_min || g->length_max > 1000000) {
            return mr_fail_at(b->cx, MR_E_VALUE,
                              mr_synth_value_place(b, mr_synth_value_given(b, "length_max")
                                                          ? "length_max"
                                                          : "length_min"),
                              NULL, "length_min and length_max must go from 0 up to 1000000");
        }
        static const mr_synth_group none = {0};
        column->length_min = (uint32_t)g->length_min;
        column->length_max = (uint32_t)g->length_max;
        column->of = MR_NEW(b->cx->arena, mr_synth_column);
        inner.in_array = true;
        inner.items = MR_MAX(inner.items, (uint64_t)1) * MR_MAX(column->length_max, 1u);
        if (inner.items > SYNTH_ITEMS_MAX) {
            return mr_fail_at(b->cx, MR_E_LIMIT, mr_synth_value_place(b, "length_max"),
                              "Make it shorter, or those around it.",
                              "a row would have more than %d items", SYNTH_ITEMS_MAX);
        }
        code = compile(&inner, node, &none, column->of, b->cx);
    }
    b->context->columns = inner.columns;
    return code;
}

static bool takes(const char *keys, const char *key, mr_arena *arena) {
    return strstr(keys, mr_arena_printf(arena, " %s ", key)) != NULL;
}

// A key that the type and distribution do not look at is a mistake.
static mr_code check_keys(const mr_synth_building *b) {
    const mr_synth_column *column = b->column;
    bool nested = column->type == SYNTH_OBJECT || column->type == SYNTH_ARRAY;
    const char *keys = column->type == SYNTH_OBJECT  ? " columns "
                       : column->type == SYNTH_ARRAY ? " of length_min length_max "
                                                     : mr_synth_key_dists[column->dist].keys;
    bool scaled = (mr_synth_bit(b) & (SYNTH_BIT(FLOAT) | SYNTH_BIT(NUMERIC))) != 0;
    for (size_t i = 0; i < b->values.count; i++) {
        const char *key = b->values.items[i].name;
        bool common = takes(SYNTH_COMMON_KEYS, key, b->cx->arena) &&
                      !(nested && strcmp(key, "distribution") == 0);
        if (!common && !takes(keys, key, b->cx->arena) && !(scaled && strcmp(key, "scale") == 0)) {
            mr_span listed = mr_span_trim(mr_span_of(keys));
            return mr_fail_at(b->cx, MR_E_OPTION, b->values.items[i].place,
                              mr_arena_printf(b->cx->arena, "It takes: %.*s%s.",
                                              MR_SPAN_ARGS(listed), scaled ? " scale" : ""),
                              "key \"%s\" is not for %s%s%s", key, mr_synth_key_types[column->type],
                              nested ? "" : " of distribution ",
                              nested ? "" : mr_synth_key_dists[column->dist].name);
        }
    }
    return MR_OK;
}

static mr_synth_dist default_dist(const mr_synth_building *b) {
    return mr_synth_value_given(b, "values")    ? SYNTH_DIST_CHOICE
           : mr_synth_value_given(b, "pattern") ? SYNTH_DIST_PATTERN
           : mr_synth_value_given(b, "value")   ? SYNTH_DIST_CONSTANT
           : mr_synth_value_given(b, "column")  ? SYNTH_DIST_REFERENCE
           : b->column->type == SYNTH_TIMESTAMP ? SYNTH_DIST_SEQUENCE
           : b->column->type == SYNTH_TEXT      ? SYNTH_DIST_PATTERN
                                                : SYNTH_DIST_UNIFORM;
}

static mr_code take_kind(mr_synth_building *b) {
    mr_synth_column *column = b->column;
    while (strcmp(mr_synth_key_types[column->type], b->given.type) != 0) {
        column->type++;
    }
    if (column->type == SYNTH_OBJECT || column->type == SYNTH_ARRAY) {
        return check_keys(b);
    }
    column->dist = default_dist(b);
    if (b->given.distribution != NULL) {
        column->dist = 0;
        while (strcmp(mr_synth_key_dists[column->dist].name, b->given.distribution) != 0) {
            column->dist++;
        }
    }
    if ((mr_synth_key_dists[column->dist].types & mr_synth_bit(b)) == 0) {
        return mr_fail_at(b->cx, MR_E_TYPE, mr_synth_value_place(b, "distribution"), NULL,
                          "a %s cannot have distribution %s", mr_synth_key_types[column->type],
                          mr_synth_key_dists[column->dist].name);
    }
    MR_TRY(check_keys(b));
    int64_t scale = b->given.scale;
    if (scale < -1 || scale > 15 || (scale == -1 && mr_synth_value_given(b, "scale"))) {
        return mr_fail_at(b->cx, MR_E_VALUE, mr_synth_value_place(b, "scale"), NULL,
                          "scale must be from 0 to 15");
    }
    column->scale = scale >= 0                      ? (uint32_t)scale
                    : column->type == SYNTH_FLOAT   ? 6
                    : column->type == SYNTH_NUMERIC ? 2
                                                    : 0;
    return MR_OK;
}

static mr_code take_distribution(mr_synth_building *b) {
    switch (b->column->dist) {
    case SYNTH_DIST_CONSTANT:
        b->column->tokens = MR_NEW(b->cx->arena, mr_synth_token);
        return b->given.value != NULL
                   ? mr_synth_value_token(b, b->given.value, mr_synth_value_place(b, "value"))
                   : mr_fail_at(b->cx, MR_E_OPTION, b->node->place, NULL,
                                "constant needs key \"value\"");
    case SYNTH_DIST_SEQUENCE: return take_sequence(b);
    case SYNTH_DIST_UNIFORM: return take_uniform(b);
    case SYNTH_DIST_NORMAL:
    case SYNTH_DIST_EXPONENTIAL: return take_moments(b);
    case SYNTH_DIST_ZIPF: return take_zipf(b);
    case SYNTH_DIST_CHOICE:
        return mr_synth_value_given(b, "values") ? mr_synth_value_list(b)
                                                 : mr_fail_at(b->cx, MR_E_OPTION, b->node->place,
                                                              NULL, "choice needs key \"values\"");
    case SYNTH_DIST_PATTERN: return take_pattern(b);
    case SYNTH_DIST_REFERENCE: return take_reference(b);
    case SYNTH_DIST_WALK: return take_walk(b);
    case SYNTH_DIST_COUNT: break;
    }
    mr_assert(false);
    return MR_E_INTERNAL;
}

static mr_code take_name(mr_synth_building *b, const mr_synth_group *group) {
    mr_synth_column *column = b->column;
    column->name = b->given.name;
    if (b->context->in_array && group->columns == NULL) {
        column->name = "item";
        return b->given.name == NULL
                   ? MR_OK
                   : mr_fail_at(b->cx, MR_E_OPTION, mr_synth_value_place(b, "name"),
                                "Leave it away.", "the items of an array have no name");
    }
    if (column->name == NULL || column->name[0] == '\0' ||
        !mr_utf8_valid(column->name, strlen(column->name))) {
        return mr_fail_at(b->cx, MR_E_OPTION, b->node->place, "Write name: and the column's name.",
                          "a column has no name");
    }
    if (mr_synth_column_find(group, column->name) >= 0) {
        return mr_fail_at(b->cx, MR_E_EXISTS, mr_synth_value_place(b, "name"), NULL,
                          "column \"%s\" comes twice", column->name);
    }
    return MR_OK;
}

static mr_code compile(mr_synth_context *context, const mr_yaml *node, const mr_synth_group *group,
                       mr_synth_column *ret, mr_cx *cx) {
    static const char *const nested[] = {"values", "weights", "columns", "of", NULL};
    MR_TRY(mr_yaml_expect(node, MR_YAML_MAP, "a column", cx));
    mr_synth_building b = {
        .context = context, .node = node, .column = ret, .group = group, .cx = cx};
    if (++context->columns > MR_SYNTH_COLUMNS_MAX) {
        return mr_fail_at(cx, MR_E_LIMIT, node->place, NULL, "more than %d columns",
                          MR_SYNTH_COLUMNS_MAX);
    }
    MR_TRY(mr_yaml_options(node, nested, &b.values, cx));
    mr_code code = mr_option_apply_keys(mr_synth_key_column, &b.values, &b.given, cx);
    if (code != MR_OK) {
        cx->error.place = cx->error.place.offset < 0 ? node->place : cx->error.place;
        return code;
    }
    *ret = (mr_synth_column){.safe = true, .multiply = 1};
    MR_TRY(take_name(&b, group));
    ret->salt = mr_hash_bytes(ret->name, strlen(ret->name), context->salt ^ 0xC01);
    mr_text lead;
    mr_text_init(&lead, cx->arena);
    mr_text_add_json(&lead, mr_span_of(ret->name));
    mr_text_add_char(&lead, ':');
    ret->lead = (mr_span){mr_text_string(&lead), lead.bytes};
    MR_TRY(take_kind(&b));
    MR_TRY(mr_synth_column_share(&b.values, "nulls", b.given.nulls, &ret->nulls, cx));
    mr_synth_value_range(ret);
    ret->quoted = (mr_synth_bit(&b) & (SYNTH_WORDS | SYNTH_TIMES)) != 0;
    bool nests = ret->type == SYNTH_OBJECT || ret->type == SYNTH_ARRAY;
    return nests ? take_nested(&b) : take_distribution(&b);
}

mr_code mr_synth_column_group(mr_synth_context *context, const mr_yaml *list, mr_synth_group *ret,
                              mr_cx *cx) {
    MR_TRY(mr_yaml_expect(list, MR_YAML_LIST, "key \"columns\"", cx));
    if (list->count == 0) {
        return mr_fail_at(cx, MR_E_VALUE, list->place, NULL, "key \"columns\" lists nothing");
    }
    mr_synth_group group = {.columns = MR_NEW_ARRAY(cx->arena, mr_synth_column, list->count)};
    mr_synth_context inner = *context;
    inner.in_array = context->in_array;
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(compile(&inner, list->items[i], &group, &group.columns[group.count], cx));
        group.count++;
    }
    context->columns = inner.columns;
    *ret = group;
    return MR_OK;
}
