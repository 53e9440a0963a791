// Synth: reads a spec, and makes its rows; see synth.h.

#include "conn/synth.h"

#include <inttypes.h>
#include <string.h>

#include "conn/synth_build.h"
#include "plat/plat.h"

// What a row's random numbers are for; each purpose has its own.
enum { SYNTH_FOR_COPY = 1, SYNTH_FOR_VALUES, SYNTH_FOR_TIME, SYNTH_FOR_BAD };

static const char *const bad_names[] = {
    [SYNTH_BAD_NONE] = "",
    [SYNTH_BAD_MALFORMED] = "malformed",
    [SYNTH_BAD_WRONG_TYPE] = "wrong_type",
    [SYNTH_BAD_MISSING] = "missing_field",
};

// ---- Reading ----

static mr_place place_of(const mr_option_values *values, const char *name, const mr_yaml *root) {
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->items[i].name, name) == 0) {
            return values->items[i].place;
        }
    }
    return root->place;
}

static mr_code bad_kinds(mr_synth *synth, const mr_yaml *root, mr_cx *cx) {
    const mr_yaml *list = mr_yaml_get(root, "bad_kinds");
    if (list == NULL || mr_yaml_is_null(list)) {
        for (uint32_t kind = SYNTH_BAD_MALFORMED; kind <= SYNTH_BAD_MISSING; kind++) {
            synth->bad_kinds[synth->bad_kind_count++] = kind;
        }
        return MR_OK;
    }
    MR_TRY(mr_yaml_expect(list, MR_YAML_LIST, "key \"bad_kinds\"", cx));
    for (uint32_t i = 0; i < list->count; i++) {
        MR_TRY(mr_yaml_expect(list->items[i], MR_YAML_SCALAR, "a kind", cx));
        uint32_t kind = SYNTH_BAD_MALFORMED;
        while (kind < MR_COUNT(bad_names) && strcmp(bad_names[kind], list->items[i]->text) != 0) {
            kind++;
        }
        bool known = kind < MR_COUNT(bad_names);
        for (uint32_t k = 0; k < synth->bad_kind_count; k++) {
            known &= synth->bad_kinds[k] != kind;
        }
        if (!known) {
            return mr_fail_at(cx, MR_E_VALUE, list->items[i]->place,
                              "Write each of malformed, wrong_type, missing_field once at most.",
                              "\"%s\" cannot be among bad_kinds", list->items[i]->text);
        }
        synth->bad_kinds[synth->bad_kind_count++] = kind;
    }
    return synth->bad_kind_count > 0
               ? MR_OK
               : mr_fail_at(cx, MR_E_VALUE, list->place, NULL, "key \"bad_kinds\" lists nothing");
}

static mr_code shares(mr_synth *synth, const mr_option_values *values, const mr_yaml *root,
                      mr_cx *cx) {
    const mr_synth_settings *s = &synth->settings;
    MR_TRY(mr_synth_column_share(values, "duplicates", s->duplicates, &synth->duplicates, cx));
    MR_TRY(mr_synth_column_share(values, "late", s->late, &synth->late, cx));
    MR_TRY(mr_synth_column_share(values, "future", s->future, &synth->future, cx));
    MR_TRY(mr_synth_column_share(values, "bad", s->bad, &synth->bad, cx));
    if (s->late + s->future > 1) {
        return mr_fail_at(cx, MR_E_VALUE, place_of(values, "future", root), NULL,
                          "late and future are more than 1 together");
    }
    const struct {
        const char *name;
        int64_t value;
        int64_t least;
    } whole[] = {{"rate", s->rate, 0},
                 {"count", s->count, 0},
                 {"duplicates_within", s->duplicates_within, 1},
                 {"late_by", s->late_by, 1},
                 {"future_by", s->future_by, 1}};
    for (size_t i = 0; i < MR_COUNT(whole); i++) {
        if (whole[i].value < whole[i].least) {
            return mr_fail_at(cx, MR_E_VALUE, place_of(values, whole[i].name, root), NULL,
                              "key \"%s\" must be at least %" PRId64, whole[i].name,
                              whole[i].least);
        }
    }
    return bad_kinds(synth, root, cx);
}

static bool is_event_time(const mr_synth_column *column) {
    return column->type == SYNTH_TIMESTAMP && column->dist == SYNTH_DIST_SEQUENCE;
}

static mr_code event_time(mr_synth *synth, const mr_option_values *values, const mr_yaml *root,
                          mr_cx *cx) {
    const char *name = synth->settings.event_time;
    int32_t found = -1;
    if (name != NULL) {
        found = mr_synth_column_find(&synth->group, name);
        if (found < 0) {
            return mr_synth_column_missing(&synth->group, name,
                                           place_of(values, "event_time", root), cx);
        }
        if (!is_event_time(&synth->group.columns[found])) {
            return mr_fail_at(cx, MR_E_TYPE, place_of(values, "event_time", root), NULL,
                              "event_time \"%s\" is no timestamp with distribution sequence", name);
        }
    }
    for (uint32_t c = 0; c < synth->group.count && found < 0; c++) {
        found = is_event_time(&synth->group.columns[c]) ? (int32_t)c : -1;
    }
    if (found < 0 && (synth->late > 0 || synth->future > 0)) {
        return mr_fail_at(cx, MR_E_OPTION,
                          place_of(values, synth->late > 0 ? "late" : "future", root),
                          "Give a column type timestamp and distribution sequence.",
                          "rows can be late or future by a sequence of timestamps only");
    }
    if (found >= 0) {
        mr_synth_column *column = &synth->group.columns[found];
        column->event_time = true;
        column->late_by = synth->settings.late_by;
        column->future_by = synth->settings.future_by;
    }
    return MR_OK;
}

static mr_code find_key(mr_synth *synth, const mr_option_values *values, const mr_yaml *root,
                        mr_cx *cx) {
    synth->key = -1;
    if (synth->settings.key == NULL) {
        return MR_OK;
    }
    synth->key = mr_synth_column_find(&synth->group, synth->settings.key);
    return synth->key >= 0 ? MR_OK
                           : mr_synth_column_missing(&synth->group, synth->settings.key,
                                                     place_of(values, "key", root), cx);
}

mr_code mr_synth_compile(const char *file, mr_span text, int64_t now_us, mr_synth **ret,
                         mr_cx *cx) {
    static const char *const nested[] = {"columns", "bad_kinds", NULL};
    const mr_yaml *root;
    MR_TRY(mr_yaml_parse(file, text, &root, cx));
    MR_TRY(mr_yaml_expect(root, MR_YAML_MAP, "a spec", cx));
    mr_synth *synth = MR_NEW(cx->arena, mr_synth);
    mr_option_values values;
    MR_TRY(mr_yaml_options(root, nested, &values, cx));
    mr_code code = mr_option_apply_keys(mr_synth_key_spec, &values, &synth->settings, cx);
    if (code != MR_OK) {
        cx->error.place = cx->error.place.offset < 0 ? root->place : cx->error.place;
        return code;
    }
    MR_TRY(shares(synth, &values, root, cx));
    synth->csv = strcmp(synth->settings.format, "csv") == 0;
    mr_synth_set_seed(synth, synth->settings.seed);
    mr_synth_context context = {.synth = synth, .now_us = now_us};
    MR_TRY(mr_synth_column_group(&context, mr_yaml_get(root, "columns"), &synth->group, cx));
    MR_TRY(event_time(synth, &values, root, cx));
    MR_TRY(find_key(synth, &values, root, cx));
    *ret = synth;
    return MR_OK;
}

mr_code mr_synth_load(const char *path, int64_t now_us, mr_synth **ret, mr_cx *cx) {
    mr_span text;
    MR_TRY(mr_file_load(path, MR_YAML_BYTES_MAX, &text, cx));
    return mr_synth_compile(path, text, now_us, ret, cx);
}

const mr_synth_settings *mr_synth_get(const mr_synth *synth) {
    return &synth->settings;
}

void mr_synth_set_seed(mr_synth *synth, int64_t seed) {
    synth->settings.seed = seed;
    synth->seed = mr_hash_u64((uint64_t)seed, 0x5EED);
}

void mr_synth_set_json(mr_synth *synth) {
    synth->csv = false;
}

// ---- Making ----

static uint32_t most_columns(const mr_synth_group *group) {
    uint32_t most = group->count;
    for (uint32_t c = 0; c < group->count; c++) {
        const mr_synth_column *column = &group->columns[c];
        most = MR_MAX(most, most_columns(&column->group));
        for (const mr_synth_column *of = column->of; of != NULL; of = of->of) {
            most = MR_MAX(most, most_columns(&of->group));
        }
    }
    return most;
}

mr_synth_cursor *mr_synth_open(const mr_synth *synth) {
    mr_synth_cursor *cursor = mr_heap_alloc(sizeof *cursor);
    cursor->synth = synth;
    mr_arena_init(&cursor->arena);
    cursor->walks = MR_NEW_ARRAY(&cursor->arena, mr_synth_walk, synth->walks + 1);
    uint32_t columns = MR_MAX(most_columns(&synth->group), 1u);
    for (uint32_t d = 0; d <= MR_SYNTH_DEPTH_MAX; d++) {
        mr_text_init(&cursor->levels[d].scratch, NULL);
        cursor->levels[d].cells = MR_NEW_ARRAY(&cursor->arena, mr_synth_cell, columns);
    }
    return cursor;
}

void mr_synth_close(mr_synth_cursor *cursor) {
    if (cursor == NULL) {
        return;
    }
    for (uint32_t d = 0; d <= MR_SYNTH_DEPTH_MAX; d++) {
        mr_text_release(&cursor->levels[d].scratch);
    }
    mr_arena_release(&cursor->arena);
    mr_heap_free(cursor);
}

static mr_synth_dice dice_of(const mr_synth *synth, uint64_t index, uint64_t purpose) {
    return (mr_synth_dice){mr_hash_u64(index, synth->seed + purpose)};
}

// The row whose content row `index` has: its own, or that of the one it copies.
static uint64_t origin_of(const mr_synth *synth, uint64_t index) {
    while (synth->duplicates > 0 && index > 0) {
        mr_synth_dice dice = dice_of(synth, index, SYNTH_FOR_COPY);
        if (!mr_synth_share(&dice, synth->duplicates)) {
            break;
        }
        uint64_t within = MR_MIN(index, (uint64_t)synth->settings.duplicates_within);
        index -= 1 + mr_synth_below(&dice, within);
    }
    return index;
}

typedef struct spoiling {
    mr_synth_bad kind;
    uint32_t column;  // Of WRONG_TYPE and MISSING.
} spoiling;

static spoiling spoiling_of(const mr_synth *synth, uint64_t index) {
    spoiling none = {.kind = SYNTH_BAD_NONE};
    mr_synth_dice dice = dice_of(synth, index, SYNTH_FOR_BAD);
    if (!mr_synth_share(&dice, synth->bad)) {
        return none;
    }
    spoiling bad = {.kind = synth->bad_kinds[mr_synth_below(&dice, synth->bad_kind_count)]};
    bad.column = (uint32_t)mr_synth_below(&dice, synth->group.count);
    for (uint32_t tried = 0; synth->csv && bad.kind == SYNTH_BAD_WRONG_TYPE; tried++) {
        if (tried == synth->group.count) {  // In CSV nothing is wrong for text.
            bad.kind = SYNTH_BAD_MALFORMED;
        } else if (synth->group.columns[bad.column].type == SYNTH_TEXT) {
            bad.column = (bad.column + 1) % synth->group.count;
        } else {
            break;
        }
    }
    return bad;
}

// What no reader of this type takes.
static const char *wrong_value(const mr_synth_column *column) {
    switch (column->type) {
    case SYNTH_TEXT:
    case SYNTH_UUID: return "-12345";
    case SYNTH_DATE:
    case SYNTH_TIME:
    case SYNTH_TIMESTAMP: return "\"2026-99-99\"";
    case SYNTH_BOOLEAN:
    case SYNTH_SMALLINT:
    case SYNTH_INTEGER:
    case SYNTH_BIGINT:
    case SYNTH_FLOAT:
    case SYNTH_NUMERIC:
    case SYNTH_OBJECT:
    case SYNTH_ARRAY:
    case SYNTH_TYPE_COUNT: break;
    }
    return "\"many\"";
}

static void add_json(const mr_synth_cursor *cursor, spoiling bad, mr_text *out) {
    const mr_synth_group *group = &cursor->synth->group;
    size_t start = out->bytes;
    bool first = true;
    mr_text_add_char(out, '{');
    for (uint32_t c = 0; c < group->count; c++) {
        const mr_synth_column *column = &group->columns[c];
        bool spoilt = bad.kind > SYNTH_BAD_MALFORMED && bad.column == c;
        if (spoilt && bad.kind == SYNTH_BAD_MISSING) {
            continue;
        }
        if (!first) {
            mr_text_add_char(out, ',');
        }
        first = false;
        mr_text_add_bytes(out, column->lead.data, column->lead.bytes);
        if (spoilt) {
            mr_text_add(out, wrong_value(column));
        } else {
            mr_synth_cell_json(column, cursor->levels[0].cells[c].null,
                               mr_synth_cell_text(cursor, 0, c), out);
        }
    }
    mr_text_add_char(out, '}');
    if (bad.kind == SYNTH_BAD_MALFORMED) {
        out->bytes -= (out->bytes - start) / 2;
    }
}

static void add_field(mr_text *out, mr_span text, bool safe) {
    if (safe && text.bytes > 0) {
        mr_text_add_bytes(out, text.data, text.bytes);
        return;
    }
    mr_text_add_char(out, '"');  // An empty text is quoted, since an empty field is NULL.
    for (size_t i = 0; i < text.bytes; i++) {
        mr_text_add_bytes(out, "\"\"", text.data[i] == '"' ? 2 : 0);
        if (text.data[i] != '"') {
            mr_text_add_char(out, text.data[i]);
        }
    }
    mr_text_add_char(out, '"');
}

static void add_csv(const mr_synth_cursor *cursor, spoiling bad, mr_text *out) {
    const mr_synth_group *group = &cursor->synth->group;
    bool first = true;
    for (uint32_t c = 0; c < group->count; c++) {
        const mr_synth_column *column = &group->columns[c];
        bool spoilt = bad.kind > SYNTH_BAD_MALFORMED && bad.column == c;
        if (spoilt && bad.kind == SYNTH_BAD_MISSING) {
            continue;
        }
        if (!first) {
            mr_text_add_char(out, ',');
        }
        first = false;
        if (spoilt) {
            mr_text_add(out, "many");
        } else if (!cursor->levels[0].cells[c].null) {
            bool nested = column->type == SYNTH_OBJECT || column->type == SYNTH_ARRAY;
            add_field(out, mr_synth_cell_text(cursor, 0, c), column->safe && !nested);
        }
    }
    if (bad.kind == SYNTH_BAD_MALFORMED) {
        mr_text_add(out, ",many,many");
    }
}

void mr_synth_row(mr_synth_cursor *cursor, uint64_t index, mr_text *out, mr_span *ret_key) {
    const mr_synth *synth = cursor->synth;
    index = origin_of(synth, index);
    mr_synth_row_of row = {.index = index,
                           .seed = synth->seed,
                           .state = mr_hash_u64(index, synth->seed + SYNTH_FOR_VALUES)};
    if (synth->late > 0 || synth->future > 0) {
        mr_synth_dice dice = dice_of(synth, index, SYNTH_FOR_TIME);
        uint32_t roll = (uint32_t)(mr_synth_roll(&dice) >> 32);
        row.late = roll < synth->late;
        row.future = !row.late && roll - synth->late < synth->future;
    }
    spoiling bad = {.kind = SYNTH_BAD_NONE};
    if (synth->bad > 0) {
        bad = spoiling_of(synth, index);
    }
    mr_synth_cell_group(cursor, &synth->group, 0, &row);
    if (synth->csv) {
        add_csv(cursor, bad, out);
    } else {
        add_json(cursor, bad, out);
    }
    if (ret_key != NULL) {
        bool none = synth->key < 0 || cursor->levels[0].cells[synth->key].null;
        *ret_key = none ? (mr_span){0} : mr_synth_cell_text(cursor, 0, (uint32_t)synth->key);
    }
}

void mr_synth_header(const mr_synth *synth, mr_text *out) {
    for (uint32_t c = 0; synth->csv && c < synth->group.count; c++) {
        mr_span name = mr_span_of(synth->group.columns[c].name);
        bool safe = strpbrk(name.data, ",\"\r\n") == NULL;
        mr_text_add(out, c == 0 ? "" : ",");
        add_field(out, name, safe);
    }
}
