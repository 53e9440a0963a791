// CREATE FOREIGN TABLE: columns with their own options, watermark, CHECK; the SCAN a query starts
// from.

#include <string.h>

#include "sql/bind.h"
#include "sql/ddl.h"
#include "sql/node.h"
#include "sql/options.h"

// Options of a column: where it comes from, and its time.
typedef struct column_options {
    const char *path;
    const char *from;
    const char *format;
    int64_t watermark;
    int64_t idle_timeout;
    int64_t max_future_skew;
    int64_t emit_timeout;
} column_options;

static const mr_option column_rows[] = {
    MR_OPTION(column_options, path, MR_OPT_TEXT, NULL, "Path of a nested field: '$.a.b'."),
    MR_OPTION_CHOICE(column_options, from, "value|key|topic|partition|offset|timestamp|headers",
                     NULL, "Part of the record that fills the column."),
    MR_OPTION_CHOICE(column_options, format, "iso|epoch_s|epoch_ms|epoch_us", NULL,
                     "How times are written in the record."),
    MR_OPTION(column_options, watermark, MR_OPT_DURATION, NULL,
              "How much later than others a row may come."),
    MR_OPTION(column_options, idle_timeout, MR_OPT_DURATION, NULL,
              "After this long at its end a partition holds time back no more."),
    MR_OPTION(column_options, max_future_skew, MR_OPT_DURATION, NULL,
              "Rows further in the future are set aside."),
    MR_OPTION(column_options, emit_timeout, MR_OPT_DURATION, NULL,
              "After this long without rows time moves on by the clock."),
    MR_OPTION_END,
};

static const char *const from_words[] = {
    [MR_FROM_VALUE] = "value",     [MR_FROM_KEY] = "key",
    [MR_FROM_TOPIC] = "topic",     [MR_FROM_PARTITION] = "partition",
    [MR_FROM_OFFSET] = "offset",   [MR_FROM_TIMESTAMP] = "timestamp",
    [MR_FROM_HEADERS] = "headers",
};
static const char *const format_words[] = {
    [MR_TIME_ISO] = "iso",
    [MR_TIME_EPOCH_S] = "epoch_s",
    [MR_TIME_EPOCH_MS] = "epoch_ms",
    [MR_TIME_EPOCH_US] = "epoch_us",
};

static uint32_t word_index(const char *const *words, size_t count, const char *word) {
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    mr_assert(false);  // The option table lists the same words.
}

static mr_code from_type(mr_session *s, const mr_field *field, mr_place place) {
    static const uint32_t allowed[] = {
        [MR_FROM_VALUE] = UINT32_MAX,      [MR_FROM_KEY] = 1u << MR_TEXT,
        [MR_FROM_TOPIC] = 1u << MR_TEXT,   [MR_FROM_PARTITION] = 1u << MR_INT32 | 1u << MR_INT64,
        [MR_FROM_OFFSET] = 1u << MR_INT64, [MR_FROM_TIMESTAMP] = 1u << MR_TIMESTAMPTZ,
        [MR_FROM_HEADERS] = 1u << MR_TEXT,
    };
    static const char *const hints[] = {
        [MR_FROM_VALUE] = NULL,
        [MR_FROM_KEY] = "Declare it as text.",
        [MR_FROM_TOPIC] = "Declare it as text.",
        [MR_FROM_PARTITION] = "Declare it as int.",
        [MR_FROM_OFFSET] = "Declare it as bigint.",
        [MR_FROM_TIMESTAMP] = "Declare it as timestamptz.",
        [MR_FROM_HEADERS] = "Declare it as text.",
    };
    if ((allowed[field->from] & (1u << field->type.id)) != 0) {
        return MR_OK;
    }
    return mr_fail_at(s->cx, MR_E_TYPE, place, hints[field->from],
                      "record's %s cannot be read as %s", from_words[field->from],
                      mr_type_name(field->type));
}

static bool is_time(mr_type type) {
    return type.id == MR_TIMESTAMP || type.id == MR_TIMESTAMPTZ;
}

// Watermark and what goes with it; only the event time has them.
static mr_code event_time(mr_session *s, mr_foreign *table, uint32_t column,
                          const column_options *given, const mr_option_values *values) {
    static const char *const only[] = {"idle_timeout", "max_future_skew", "emit_timeout"};
    const mr_option_value *mark = mr_options_get(values, "watermark");
    const mr_column *named = &table->schema.columns[column];
    for (size_t i = 0; i < MR_COUNT(only) && mark == NULL; i++) {
        const mr_option_value *value = mr_options_get(values, only[i]);
        if (value != NULL) {
            return mr_fail_at(s->cx, MR_E_OPTION, value->place, "Give the same column a watermark.",
                              "option \"%s\" without a watermark", only[i]);
        }
    }
    if (mark == NULL) {
        return MR_OK;
    }
    if (!is_time(named->type)) {
        return mr_fail_at(s->cx, MR_E_TYPE, mark->place, "Declare it as timestamptz.",
                          "watermark on column \"%s\" of type %s", named->name,
                          mr_type_name(named->type));
    }
    if (table->event_time >= 0) {
        return mr_fail_at(s->cx, MR_E_OPTION, mark->place, "Keep one of the two.",
                          "table \"%s\" has two columns with a watermark", table->name);
    }
    table->event_time = (int32_t)column;
    mr_plan_source *source = &table->source;
    source->has_watermark = true;
    source->watermark_us = given->watermark;
    source->idle_timeout_us =
        mr_options_get(values, "idle_timeout") != NULL ? given->idle_timeout : -1;
    source->emit_timeout_us =
        mr_options_get(values, "emit_timeout") != NULL ? given->emit_timeout : -1;
    source->max_future_skew_us =
        mr_options_get(values, "max_future_skew") != NULL ? given->max_future_skew : -1;
    return MR_OK;
}

static mr_code read_column(mr_session *s, mr_foreign *table, const PgQuery__ColumnDef *ast) {
    MR_TRY(mr_ddl_column(s, ast, &table->schema));
    uint32_t index = table->schema.count - 1;
    mr_column *column = &table->schema.columns[index];
    mr_place place = mr_session_place(s, ast->location);
    mr_option_values values;
    column_options given;
    MR_TRY(mr_options_read(s, ast->fdwoptions, ast->n_fdwoptions, &values));
    const mr_options_target all = {.table = column_rows, .bytes = sizeof(given)};
    MR_TRY(mr_options_check(s, &all, &values, mr_session_place(s, ast->location)));
    MR_TRY(mr_option_apply(column_rows, &values, /* pass_prefix= */ NULL, &given, s->cx));
    mr_field *field = &table->fields[index];
    *field = (mr_field){.name = column->name, .type = column->type, .path = given.path};
    if (given.from != NULL) {
        field->from = (mr_field_from)word_index(from_words, MR_COUNT(from_words), given.from);
        MR_TRY(from_type(s, field, place));
    }
    if (given.path != NULL && given.path[0] != '$') {
        return mr_fail_at(s->cx, MR_E_OPTION, mr_options_get(&values, "path")->place,
                          "Write it as '$.a.b'.", "bad path \"%s\"", given.path);
    }
    if (given.format != NULL) {
        field->time_format =
            (mr_time_format)word_index(format_words, MR_COUNT(format_words), given.format);
        if (!is_time(column->type)) {
            return mr_fail_at(s->cx, MR_E_TYPE, mr_options_get(&values, "format")->place,
                              "Declare it as timestamptz.",
                              "format of times on column \"%s\" of type %s", column->name,
                              mr_type_name(column->type));
        }
    }
    MR_TRY(event_time(s, table, index, &given, &values));
    column->required = column->required || table->event_time == (int32_t)index;
    field->required = column->required;
    return MR_OK;
}

// Refuses what a foreign table cannot keep.
static mr_code check_constraint(mr_session *s, const PgQuery__Constraint *constraint) {
    const char *what = NULL, *hint = NULL;
    switch ((int)constraint->contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
    case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK: return MR_OK;
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
    case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
        what = "a foreign table has no keys";
        hint = "Drop copies with SELECT DISTINCT ON (key).";
        break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
    case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED:
        what = "DEFAULT and GENERATED are not supported";
        hint = "Compute the column in a view.";
        break;
    default:
        what = "this constraint is not supported";
        hint = "Use NOT NULL or CHECK.";
        break;
    }
    return mr_fail_at(s->cx, MR_E_UNSUPPORTED, mr_session_place(s, constraint->location), hint,
                      "%s", what);
}

// A CHECK as a FILTER that sends rows to the bad table.
static mr_code add_check(mr_session *s, mr_foreign *table, const PgQuery__Constraint *constraint) {
    mr_arena *arena = s->cx->arena;
    MR_TRY(check_constraint(s, constraint));
    if (constraint->contype != PG_QUERY__CONSTR_TYPE__CONSTR_CHECK) {
        return MR_OK;
    }
    mr_scope_table names = {.name = table->name, .column_count = table->schema.count};
    names.columns = MR_NEW_ARRAY(arena, mr_scope_column, table->schema.count);
    for (uint32_t c = 0; c < table->schema.count; c++) {
        names.columns[c] = (mr_scope_column){.name = table->schema.columns[c].name, .column = c};
    }
    mr_scope scope = {.schema = &table->schema, .tables = &names, .table_count = 1};
    mr_bind b = {.s = s, .scope = &scope, .clause = "CHECK"};
    mr_expr *predicate;
    MR_TRY(mr_bind_condition(&b, constraint->raw_expr, &predicate));
    table->rows = mr_node_filter(arena, table->rows, predicate);
    table->rows->filter.bad = true;
    table->rows->filter.reason =
        mr_arena_printf(arena, "check: %s", mr_node_expr_text(arena, predicate, &table->schema));
    return MR_OK;
}

static mr_code read_columns(mr_session *s, mr_foreign *table, const PgQuery__CreateStmt *base) {
    bool failed = false;
    for (size_t i = 0; i < base->n_table_elts; i++) {
        const mr_ast *element = base->table_elts[i];
        mr_code code = element->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF
                           ? read_column(s, table, element->column_def)
                           : MR_OK;
        if (code != MR_OK) {
            failed = true;
            mr_session_report(s, code);
        }
    }
    return failed ? mr_session_fail_silently(s) : MR_OK;
}

static mr_code read_checks(mr_session *s, mr_foreign *table, const PgQuery__CreateStmt *base) {
    for (size_t i = 0; i < base->n_table_elts; i++) {
        const mr_ast *element = base->table_elts[i];
        if (element->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
            MR_TRY(add_check(s, table, element->constraint));
        } else if (element->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            const PgQuery__ColumnDef *column = element->column_def;
            for (size_t k = 0; k < column->n_constraints; k++) {
                MR_TRY(add_check(s, table, column->constraints[k]->constraint));
            }
        } else {
            return mr_fail_at(s->cx, MR_E_UNSUPPORTED, mr_session_place(s, 0),
                              "Write the columns out.", "LIKE in a table is not supported");
        }
    }
    return MR_OK;
}

mr_code mr_ddl_foreign(mr_session *s, const PgQuery__CreateForeignTableStmt *ast) {
    mr_arena *arena = s->cx->arena;
    const PgQuery__CreateStmt *base = ast->base_stmt;
    const char *name = base->relation->relname;
    mr_place place = mr_session_place(s, base->relation->location);
    MR_TRY(mr_ddl_check_name(s, name, place));
    const mr_server *server = mr_session_find(&s->servers, ast->servername);
    if (server == NULL && mr_session_suspects(s, ast->servername)) {
        return mr_session_fail_silently(s);
    }
    if (server == NULL) {
        return mr_fail_at(s->cx, MR_E_NAME, place,
                          mr_session_hint_map(s, ast->servername, &s->servers),
                          "unknown server \"%s\"", ast->servername);
    }
    mr_foreign *table = MR_NEW(arena, mr_foreign);
    *table = (mr_foreign){.name = name, .server = server, .event_time = -1};
    table->source = (mr_plan_source){.name = name,
                                     .idle_timeout_us = -1,
                                     .max_future_skew_us = -1,
                                     .emit_timeout_us = -1,
                                     .place = place};
    table->schema.columns = MR_NEW_ARRAY(arena, mr_column, base->n_table_elts + 1);
    table->fields = MR_NEW_ARRAY(arena, mr_field, base->n_table_elts + 1);
    MR_TRY(mr_options_read(s, ast->options, ast->n_options, &table->options));
    MR_TRY(read_columns(s, table, base));
    table->rows = mr_node_new(arena, MR_PLAN_SCAN, /* input= */ NULL, place);
    table->rows->scan.source = s->objects.count;  // Its object's index, made below.
    table->rows->schema = &table->schema;
    table->rows->event_time = table->event_time;
    MR_TRY(read_checks(s, table, base));
    if (server->wrapper == NULL) {
        return mr_session_fail_silently(s);
    }
    mr_ddl_add(s, MR_OBJECT_FOREIGN, name, place)->foreign = table;
    return MR_OK;
}
