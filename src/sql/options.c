// Options: reading, overlaying and checking; see options.h.

#include "sql/options.h"

#include <string.h>

static const mr_option *find_row(const mr_option *table, const char *name) {
    for (const mr_option *row = table; row != NULL && row->name != NULL; row++) {
        if (mr_span_equal_nocase(mr_span_of(row->name), mr_span_of(name))) {
            return row;
        }
    }
    return NULL;
}

const mr_option_value *mr_options_get(const mr_option_values *values, const char *name) {
    for (size_t i = 0; i < values->count; i++) {
        if (mr_span_equal_nocase(mr_span_of(values->items[i].name), mr_span_of(name))) {
            return &values->items[i];
        }
    }
    return NULL;
}

// The text of an option's value; NULL when it has another form.
static const char *value_text(mr_session *s, const mr_ast *arg) {
    switch (arg == NULL ? 0 : (int)arg->node_case) {
    case 0: return "true";
    case PG_QUERY__NODE__NODE_STRING: return arg->string->sval;
    case PG_QUERY__NODE__NODE_INTEGER:
        return mr_arena_printf(s->cx->arena, "%d", arg->integer->ival);
    case PG_QUERY__NODE__NODE_FLOAT: return arg->float_->fval;
    case PG_QUERY__NODE__NODE_BOOLEAN: return arg->boolean->boolval != 0 ? "true" : "false";
    case PG_QUERY__NODE__NODE_TYPE_NAME:
        return mr_ast_name(arg->type_name->names, arg->type_name->n_names);
    default: return NULL;
    }
}

mr_code mr_options_read(mr_session *s, mr_ast *const *list, size_t count, mr_option_values *ret) {
    ret->items = MR_NEW_ARRAY(s->cx->arena, mr_option_value, count + 1);
    ret->count = 0;
    for (size_t i = 0; i < count; i++) {
        const PgQuery__DefElem *elem = list[i]->def_elem;
        mr_place place = mr_session_place(s, elem->location);
        const char *value = value_text(s, elem->arg);
        if (value == NULL) {
            return mr_fail_at(s->cx, MR_E_OPTION, place, "Write a text, a number or a word.",
                              "bad value for option \"%s\"", elem->defname);
        }
        const char *name = elem->defname;
        if (elem->defnamespace != NULL && elem->defnamespace[0] != '\0') {
            name = mr_arena_printf(s->cx->arena, "%s.%s", elem->defnamespace, name);
        }
        if (mr_options_get(ret, name) != NULL) {
            return mr_fail_at(s->cx, MR_E_OPTION, place, "Keep one of the two.",
                              "option \"%s\" is given twice", name);
        }
        ret->items[ret->count++] = (mr_option_value){.name = name, .value = value, .place = place};
    }
    return MR_OK;
}

static bool is_absolute(const char *path) {
    return path[0] == '/' || strcmp(path, "-") == 0 || strstr(path, "://") != NULL;
}

// A table's path stands below its server's.
static mr_option_value join_paths(mr_session *s, const mr_option_value *server,
                                  const mr_option_value *table) {
    mr_option_value value = *table;
    size_t bytes = strlen(server->value);
    bool slash = bytes > 0 && server->value[bytes - 1] == '/';
    if (bytes > 0 && !is_absolute(table->value)) {
        value.value =
            mr_arena_printf(s->cx->arena, "%s%s%s", server->value, slash ? "" : "/", table->value);
    }
    return value;
}

mr_option_values mr_options_overlay(mr_session *s, const mr_foreign *foreign,
                                    const mr_option *table, const mr_option *other) {
    const mr_option_values *low = &foreign->server->options, *high = &foreign->options;
    mr_option_values all = {.count = 0};
    all.items = MR_NEW_ARRAY(s->cx->arena, mr_option_value, low->count + high->count + 1);
    bool rooted = find_row(table, "root") != NULL;  // The connector joins the paths itself.
    for (size_t i = 0; i < low->count; i++) {
        const mr_option_value *value = &low->items[i];
        bool foreign_to_it =
            find_row(table, value->name) == NULL && find_row(other, value->name) != NULL;
        if (rooted && strcmp(value->name, "path") == 0) {
            all.items[all.count] = *value;
            all.items[all.count++].name = "root";
        } else if (!foreign_to_it && mr_options_get(high, value->name) == NULL) {
            all.items[all.count++] = *value;
        }
    }
    for (size_t i = 0; i < high->count; i++) {
        const mr_option_value *value = &high->items[i];
        const mr_option *row = find_row(table, value->name);
        const mr_option_value *server = mr_options_get(low, value->name);
        bool path = row != NULL && row->type == MR_OPT_PATH && server != NULL && !rooted;
        all.items[all.count++] = path ? join_paths(s, server, value) : *value;
    }
    return all;
}

mr_code mr_options_check(mr_session *s, const mr_options_target *target,
                         const mr_option_values *values, mr_place place) {
    void *memory = mr_arena_alloc(s->cx->arena, target->bytes);
    mr_option_values left = {.items =
                                 MR_NEW_ARRAY(s->cx->arena, mr_option_value, values->count + 1),
                             .count = values->count};
    memcpy(left.items, values->items, values->count * sizeof(*left.items));
    // Each option that fails is told and left out, until the rest is fine.
    for (size_t failed = 0;; failed++) {
        mr_code code = mr_option_apply(target->table, &left, target->pass_prefix, memory, s->cx);
        if (code == MR_OK) {
            return failed == 0 ? MR_OK : mr_session_fail_silently(s);
        }
        size_t at = left.count;
        for (size_t i = 0; i < left.count; i++) {
            const mr_place *own = &left.items[i].place;
            at = own->offset >= 0 && own->offset == s->cx->error.place.offset ? i : at;
        }
        if (at == left.count) {  // Of no option: one that is missing. It would hide nothing more.
            bool missing = s->cx->error.place.offset < 0;
            s->cx->error.place = missing ? place : s->cx->error.place;
            return failed == 0 ? code : mr_session_fail_silently(s);
        }
        mr_session_report(s, code);
        memmove(&left.items[at], &left.items[at + 1], (left.count - at - 1) * sizeof(*left.items));
        left.count--;
    }
}

mr_option_values mr_options_without(mr_session *s, const mr_option_values *values,
                                    const char *const *names, size_t count,
                                    const mr_option_value **ret_taken) {
    mr_option_values rest = {.count = 0};
    rest.items = MR_NEW_ARRAY(s->cx->arena, mr_option_value, values->count + 1);
    memset(ret_taken, 0, sizeof(*ret_taken) * count);
    for (size_t i = 0; i < values->count; i++) {
        bool taken = false;
        for (size_t n = 0; n < count; n++) {
            if (mr_span_equal_nocase(mr_span_of(values->items[i].name), mr_span_of(names[n]))) {
                ret_taken[n] = &values->items[i];
                taken = true;
            }
        }
        if (!taken) {
            rest.items[rest.count++] = values->items[i];
        }
    }
    return rest;
}

mr_code mr_options_duration(mr_session *s, const mr_option_value *value, int64_t *ret) {
    if (mr_text_parse_duration_us(mr_span_of(value->value), ret) && *ret >= 0) {
        return MR_OK;
    }
    return mr_fail_at(s->cx, MR_E_OPTION, value->place,
                      "Write a duration, such as '30 seconds' or '5 min'.",
                      "bad value \"%s\" for option \"%s\"", value->value, value->name);
}

// ---- state rules and settings ----------------------------------------------------------------

typedef struct settings {
    const char *run;
    uint64_t memory_limit;
    int64_t state_ttl;
    int64_t allowed_lateness;
    bool unbounded;
} settings;

#define RULE_ROWS                                                          \
    MR_OPTION(settings, state_ttl, MR_OPT_DURATION, NULL,                  \
              "How long a key of DISTINCT is remembered, in event time."), \
        MR_OPTION(settings, allowed_lateness, MR_OPT_DURATION, NULL,       \
                  "How long behind its end a window still takes rows."),   \
        MR_OPTION(settings, unbounded, MR_OPT_BOOL, NULL, "Accepts state that grows for ever.")

static const mr_option rule_options[] = {RULE_ROWS, MR_OPTION_END};

static const mr_option setting_options[] = {
    MR_OPTION_CHOICE(settings, run, "auto|manual", NULL, "Whether `up` starts the pipeline."),
    MR_OPTION(settings, memory_limit, MR_OPT_BYTES, NULL, "Memory of the pipeline's state."),
    RULE_ROWS, MR_OPTION_END};

mr_code mr_options_rules(mr_session *s, const mr_option_values *values, mr_state_rules *rules) {
    settings given = {0};
    MR_TRY(mr_option_apply(rule_options, values, /* pass_prefix= */ NULL, &given, s->cx));
    if (mr_option_find(values, "state_ttl") != NULL) {
        rules->ttl_us = MR_MAX(given.state_ttl, 0);
    }
    if (mr_option_find(values, "allowed_lateness") != NULL) {
        rules->allowed_lateness_us = MR_MAX(given.allowed_lateness, 0);
    }
    if (mr_option_find(values, "unbounded") != NULL) {
        rules->unbounded = given.unbounded;
    }
    return MR_OK;
}

mr_code mr_options_settings(mr_session *s, const mr_option_values *values) {
    settings given = {0};
    MR_TRY(mr_option_apply(setting_options, values, /* pass_prefix= */ NULL, &given, s->cx));
    const mr_option_value *unused[2];
    mr_option_values rules =
        mr_options_without(s, values, (const char *const[]){"run", "memory_limit"}, 2, unused);
    return mr_options_rules(s, &rules, &s->rules);
}
