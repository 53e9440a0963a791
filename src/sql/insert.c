// Insert: the sink's options, mode and trigger, the columns it gets, and what the mode allows.
//
// Results that change are legal in front of a sink only: in update and complete mode nothing but
// projections and filters may stand above the aggregate whose rows change.

#include "sql/insert.h"

#include <string.h>

#include "sql/ddl.h"
#include "sql/options.h"
#include "sql/select.h"

#define INSERTS_MAX 256

typedef struct insert_build {
    mr_session *s;
    const PgQuery__InsertStmt *ast;
    mr_foreign *table;
    mr_plan_insert insert;
    const mr_option_value *mode;  // As given, or NULL.
} insert_build;

static mr_code insert_fail(mr_session *s, mr_place place, const char *hint, const char *text) {
    return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place, hint, "%s", text);
}

// ---- the sink --------------------------------------------------------------------------------

static const char *const mode_words[] = {
    [MR_MODE_APPEND] = "append", [MR_MODE_UPDATE] = "update", [MR_MODE_COMPLETE] = "complete"};

static mr_code insert_mode(insert_build *b, const mr_sink_type *type) {
    mr_session *s = b->s;
    bool conflict = b->ast->on_conflict_clause != NULL;
    b->insert.mode = conflict ? MR_MODE_UPDATE : MR_MODE_APPEND;
    mr_place place = b->insert.place;
    if (b->mode != NULL) {
        place = b->mode->place;
        uint32_t at = 0;
        while (at < MR_COUNT(mode_words) && strcmp(mode_words[at], b->mode->value) != 0) {
            at++;
        }
        if (at == MR_COUNT(mode_words)) {
            return mr_fail_at(s->cx, MR_E_OPTION, place, "Write one of: append, update, complete.",
                              "bad value \"%s\" for option \"mode\"", b->mode->value);
        }
        if (conflict && at != MR_MODE_UPDATE) {
            return mr_fail_at(s->cx, MR_E_OPTION, place, "Leave the mode out, or write 'update'.",
                              "ON CONFLICT … DO UPDATE in mode %s", mode_words[at]);
        }
        b->insert.mode = (mr_output_mode)at;
    } else if (!conflict && (type->modes & (1u << MR_MODE_APPEND)) == 0) {
        b->insert.mode = MR_MODE_UPDATE;
    }
    if ((type->modes & (1u << b->insert.mode)) == 0) {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place,
                          "Use mode 'append', or a sink that can change rows.",
                          "%s does not take mode %s", type->name, mode_words[b->insert.mode]);
    }
    if (b->insert.mode == MR_MODE_COMPLETE) {
        return insert_fail(s, place, "Use mode 'update', which gives the rows that changed.",
                           "mode complete is not supported yet");
    }
    return MR_OK;
}

// The wrapper's options and those of every table, so that a misspelt one finds its nearest name.
static const mr_option *with_common(mr_session *s, const mr_sink_type *type) {
    size_t count = 0;
    while (type->options[count].name != NULL) {
        count++;
    }
    mr_option *all = MR_NEW_ARRAY(s->cx->arena, mr_option, count + 3);
    memcpy(all, type->options, count * sizeof(*all));
    // Taken out of the values before; a missing value clears the pointer at offset 0, no more.
    all[count] = (mr_option){.name = "mode", .type = MR_OPT_TEXT};
    all[count + 1] = (mr_option){.name = "trigger", .type = MR_OPT_TEXT};
    return all;
}

static mr_code insert_sink(insert_build *b) {
    mr_session *s = b->s;
    const mr_port *port = s->env->port;
    const char *wrapper = b->table->server->wrapper;
    const mr_sink_type *type = mr_port_sink(port, wrapper);
    if (type == NULL) {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, b->insert.place,
                          "Insert into a table of another wrapper, such as parquet or console.",
                          "\"%s\" of wrapper %s cannot be written", b->table->name, wrapper);
    }
    const mr_source_type *source = mr_port_source(port, wrapper);
    mr_option_values all =
        mr_options_overlay(s, b->table, type->options, source == NULL ? NULL : source->options);
    const mr_option_value *taken[2];
    b->insert.options =
        mr_options_without(s, &all, (const char *const[]){"mode", "trigger"}, 2, taken);
    b->mode = taken[0];
    b->insert.type = type;
    // Options do not depend on each other: each that is wrong is told.
    mr_code code = mr_options_check(
        s, &(mr_options_target){.table = with_common(s, type), .bytes = type->size},
        &b->insert.options, b->table->source.place);
    if (code != MR_OK) {
        mr_session_report(s, code);
    }
    mr_option_value trigger = {.name = "trigger", .value = type->default_trigger};
    if (taken[1] != NULL) {
        trigger = *taken[1];
    }
    if (trigger.value != NULL && strcmp(trigger.value, "0") != 0) {
        mr_code trigger_code = mr_options_duration(s, &trigger, &b->insert.trigger_us);
        if (trigger_code != MR_OK) {
            code = mr_session_report(s, trigger_code);
        }
    }
    mr_code mode_code = insert_mode(b, type);
    if (mode_code != MR_OK) {
        code = mr_session_report(s, mode_code);
    }
    return code == MR_OK ? MR_OK : mr_session_fail_silently(s);
}

// ---- columns ---------------------------------------------------------------------------------

// ROW(…) has fields without names, which neither Parquet nor JSON has.
static bool has_nameless_field(mr_type type) {
    bool found = false;
    for (uint32_t i = 0; mr_type_is_nested(type) && i < type.fields->count && !found; i++) {
        const mr_column *field = &type.fields->columns[i];
        found = (type.id == MR_STRUCT && field->name[0] == '\0') || has_nameless_field(field->type);
    }
    return found;
}

static mr_code check_output(insert_build *b, const mr_schema *schema) {
    mr_session *s = b->s;
    for (uint32_t c = 0; c < schema->count; c++) {
        const mr_column *column = &schema->columns[c];
        if (mr_schema_find(schema, column->name) != (int32_t)c) {
            return mr_fail_at(s->cx, MR_E_EXISTS, b->insert.place, "Name one of them with AS.",
                              "\"%s\" gets two columns \"%s\"", b->table->name, column->name);
        }
        if (column->type.id == MR_INTERVAL) {
            return mr_fail_at(s->cx, MR_E_TYPE, b->insert.place,
                              "Write epoch(x) for its seconds, or x::text.",
                              "column \"%s\" is an interval, which is not stored", column->name);
        }
        if (has_nameless_field(column->type)) {
            return mr_fail_at(s->cx, MR_E_TYPE, b->insert.place,
                              "Cast it to a type that names them: CREATE TYPE pair AS (a int, b "
                              "text), then ROW(1, 'x')::pair.",
                              "column \"%s\" is a row whose fields have no names", column->name);
        }
    }
    return MR_OK;
}

// The declared columns that the query's columns fill, in order; NULL names = all of them.
static mr_code insert_targets(insert_build *b, uint32_t *targets, uint32_t *ret_count) {
    mr_session *s = b->s;
    const mr_schema *declared = &b->table->schema;
    if (b->ast->n_cols == 0) {
        for (uint32_t c = 0; c < declared->count; c++) {
            targets[c] = c;
        }
        *ret_count = declared->count;
        return MR_OK;
    }
    for (uint32_t i = 0; i < b->ast->n_cols; i++) {
        const PgQuery__ResTarget *target = b->ast->cols[i]->res_target;
        int32_t found = mr_schema_find(declared, target->name);
        mr_place place = mr_session_place(s, target->location);
        if (found < 0) {
            const char **names = MR_NEW_ARRAY(s->cx->arena, const char *, declared->count + 1);
            for (uint32_t c = 0; c < declared->count; c++) {
                names[c] = declared->columns[c].name;
            }
            return mr_fail_at(s->cx, MR_E_NAME, place,
                              mr_session_hint(s, target->name, names, declared->count),
                              "no column \"%s\" in \"%s\"", target->name, b->table->name);
        }
        for (uint32_t k = 0; k < i; k++) {
            if (targets[k] == (uint32_t)found) {
                return mr_fail_at(s->cx, MR_E_EXISTS, place, "Name it once.",
                                  "column \"%s\" is named twice", target->name);
            }
        }
        targets[i] = (uint32_t)found;
    }
    *ret_count = mr_u32(b->ast->n_cols);
    return MR_OK;
}

// Casts the query's columns to the declared ones.
static mr_code insert_declared(insert_build *b, mr_plan **plan) {
    mr_session *s = b->s;
    mr_arena *arena = s->cx->arena;
    const mr_schema *declared = &b->table->schema, *got = (*plan)->schema;
    uint32_t *targets = MR_NEW_ARRAY(arena, uint32_t, declared->count + b->ast->n_cols);
    uint32_t count = 0;
    MR_TRY(insert_targets(b, targets, &count));
    if (got->count != count) {
        return mr_fail_at(
            s->cx, MR_E_TYPE, b->insert.place, "The SELECT must give one column for each.",
            "\"%s\" takes %u columns, the query has %u", b->table->name, count, got->count);
    }
    mr_expr **exprs = MR_NEW_ARRAY(arena, mr_expr *, declared->count);
    const char **names = MR_NEW_ARRAY(arena, const char *, declared->count);
    for (uint32_t i = 0; i < count; i++) {
        const mr_column *column = &declared->columns[targets[i]];
        mr_expr *value = mr_expr_column(arena, got, i, b->insert.place);
        if ((*plan)->kind == MR_PLAN_PROJECT) {
            mr_expr *given = (*plan)->project.exprs[i];
            value->place = given->place;
            value = given->kind == MR_EXPR_CONST ? given : value;  // A literal takes its type.
        }
        if (mr_expr_is_null(value)) {
            value = mr_expr_constant(arena, column->type, NULL, value->place);
        }
        if (mr_types_cost(value, column->type) >= MR_CAST_NEVER) {
            return mr_fail_at(
                s->cx, MR_E_TYPE, value->place,
                mr_arena_printf(arena, "Cast it in the SELECT: x::%s.", mr_type_name(column->type)),
                "column \"%s\" of \"%s\" is %s, the query gives %s", column->name, b->table->name,
                mr_type_name(column->type), mr_type_name(value->type));
        }
        MR_TRY(mr_types_cast(s, value, column->type, MR_CAST_IMPLICIT, &exprs[targets[i]]));
    }
    for (uint32_t c = 0; c < declared->count; c++) {
        names[c] = declared->columns[c].name;
        if (exprs[c] == NULL && declared->columns[c].required) {
            return mr_fail_at(s->cx, MR_E_VALUE, b->insert.place, "Add it to the list.",
                              "column \"%s\" of \"%s\" is NOT NULL and gets no value", names[c],
                              b->table->name);
        }
        if (exprs[c] == NULL) {
            exprs[c] = mr_expr_constant(arena, declared->columns[c].type, NULL, b->insert.place);
        }
    }
    *plan = mr_node_project(arena, *plan, exprs, names, declared->count);
    return MR_OK;
}

// A table without columns takes those of the query; a column list renames them.
static mr_code insert_free(insert_build *b, mr_plan **plan) {
    mr_arena *arena = b->s->cx->arena;
    const mr_schema *got = (*plan)->schema;
    if (b->ast->n_cols == 0) {
        return MR_OK;
    }
    if (b->ast->n_cols != got->count) {
        return mr_fail_at(b->s->cx, MR_E_TYPE, b->insert.place,
                          "The SELECT must give one column for each.",
                          "INSERT names %zu columns, the query has %u", b->ast->n_cols, got->count);
    }
    mr_expr **exprs = MR_NEW_ARRAY(arena, mr_expr *, got->count);
    const char **names = MR_NEW_ARRAY(arena, const char *, got->count);
    for (uint32_t c = 0; c < got->count; c++) {
        exprs[c] = mr_expr_column(arena, got, c, b->insert.place);
        names[c] = b->ast->cols[c]->res_target->name;
    }
    *plan = mr_node_project(arena, *plan, exprs, names, got->count);
    return MR_OK;
}

// ---- ON CONFLICT -----------------------------------------------------------------------------

static bool is_excluded(const PgQuery__ResTarget *set) {
    const mr_ast *value = set->val;
    if (value == NULL || value->node_case != PG_QUERY__NODE__NODE_COLUMN_REF ||
        value->column_ref->n_fields != 2) {
        return false;
    }
    const char *table = mr_ast_string(value->column_ref->fields[0]);
    const char *column = mr_ast_string(value->column_ref->fields[1]);
    return table != NULL && column != NULL && strcmp(table, "excluded") == 0 &&
           strcmp(column, set->name) == 0;
}

static mr_code conflict_keys(insert_build *b, const PgQuery__OnConflictClause *ast,
                             const mr_schema *schema, bool *covered) {
    mr_session *s = b->s;
    mr_place place = mr_session_place(s, ast->location);
    uint32_t count = ast->infer == NULL ? 0 : mr_u32(ast->infer->n_index_elems);
    if (count == 0 || ast->where_clause != NULL || ast->infer->where_clause != NULL) {
        return insert_fail(s, place, "Write ON CONFLICT (key) DO UPDATE SET x = EXCLUDED.x.",
                           "this form of ON CONFLICT is not supported");
    }
    b->insert.conflict_keys = MR_NEW_ARRAY(s->cx->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = ast->infer->index_elems[i]->index_elem->name;
        int32_t column = name == NULL ? -1 : mr_schema_find(schema, name);
        if (column < 0) {
            return mr_fail_at(s->cx, MR_E_NAME, place, "Name a column of the query.",
                              "no column \"%s\" for ON CONFLICT", name == NULL ? "" : name);
        }
        covered[column] = true;
        b->insert.conflict_keys[b->insert.conflict_key_count++] = (uint32_t)column;
    }
    return MR_OK;
}

static mr_code insert_conflict(insert_build *b, const mr_schema *schema) {
    mr_session *s = b->s;
    const PgQuery__OnConflictClause *ast = b->ast->on_conflict_clause;
    if (ast == NULL) {
        return MR_OK;
    }
    mr_place place = mr_session_place(s, ast->location);
    if (ast->action != PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE) {
        return insert_fail(s, place, "Drop copies with SELECT DISTINCT ON (key).",
                           "ON CONFLICT DO NOTHING is not supported");
    }
    bool *covered = MR_NEW_ARRAY(s->cx->arena, bool, schema->count);
    MR_TRY(conflict_keys(b, ast, schema, covered));
    for (size_t i = 0; i < ast->n_target_list; i++) {
        const PgQuery__ResTarget *set = ast->target_list[i]->res_target;
        int32_t column = mr_schema_find(schema, set->name);
        if (column < 0 || !is_excluded(set)) {
            return mr_fail_at(s->cx, MR_E_UNSUPPORTED, mr_session_place(s, set->location),
                              "Write SET x = EXCLUDED.x for columns of the query.",
                              "ON CONFLICT sets \"%s\" to something else than the new value",
                              set->name);
        }
        covered[column] = true;
    }
    for (uint32_t c = 0; c < schema->count; c++) {
        if (!covered[c]) {
            const char *name = schema->columns[c].name;
            return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place,
                              mr_arena_printf(s->cx->arena, "Add %s = EXCLUDED.%s.", name, name),
                              "ON CONFLICT leaves column \"%s\" as it was", name);
        }
    }
    return MR_OK;
}

// ---- what the mode allows --------------------------------------------------------------------

static mr_code check_mode(insert_build *b, const mr_plan *root) {
    mr_session *s = b->s;
    mr_place place = b->mode != NULL ? b->mode->place : b->insert.place;
    const mr_plan *above = NULL;  // The last operator seen that cannot take changes.
    const mr_plan *distinct = NULL;
    for (const mr_plan *plan = root; plan != NULL; plan = plan->input) {
        if (plan->kind == MR_PLAN_AGGREGATE) {
            if (plan->aggregate.unbounded && b->insert.mode == MR_MODE_APPEND) {
                return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place,
                                  "Use mode 'update', or GROUP BY window_start, window_end.",
                                  "a GROUP BY without a window never has a final result to append");
            }
            if (above != NULL && (b->insert.mode != MR_MODE_APPEND || plan->aggregate.unbounded)) {
                return mr_fail_at(s->cx, MR_E_UNSUPPORTED, above->place,
                                  "Write the inner result in mode 'append' first, or leave the "
                                  "outer step out.",
                                  "results that change cannot go through a further %s",
                                  above->kind == MR_PLAN_AGGREGATE  ? "GROUP BY"
                                  : above->kind == MR_PLAN_DISTINCT ? "DISTINCT"
                                  : above->kind == MR_PLAN_JOIN     ? "join"
                                                                    : "window");
            }
            if (distinct != NULL) {
                return mr_fail_at(s->cx, MR_E_UNSUPPORTED, distinct->place,
                                  "Put the DISTINCT ON in front of the GROUP BY.",
                                  "DISTINCT behind a GROUP BY is not supported yet");
            }
        }
        distinct = plan->kind == MR_PLAN_DISTINCT ? plan : distinct;
        if (plan->kind == MR_PLAN_AGGREGATE || plan->kind == MR_PLAN_DISTINCT ||
            plan->kind == MR_PLAN_JOIN || plan->kind == MR_PLAN_WINDOW) {
            above = plan;
        }
    }
    return MR_OK;
}

// ---- INSERT ----------------------------------------------------------------------------------

static mr_code insert_target(mr_session *s, const PgQuery__InsertStmt *ast, mr_object **ret) {
    mr_place place = mr_session_place(s, ast->relation->location);
    mr_object *object = mr_session_find(&s->objects, ast->relation->relname);
    if (object == NULL && mr_session_suspects(s, ast->relation->relname)) {
        return mr_session_fail_silently(s);
    }
    if (object == NULL) {
        return mr_fail_at(s->cx, MR_E_NAME, place,
                          mr_session_hint_map(s, ast->relation->relname, &s->objects),
                          "unknown table \"%s\"", ast->relation->relname);
    }
    if (object->kind == MR_OBJECT_VIEW) {
        return insert_fail(s, place, "Insert into a foreign table.", "a view cannot be written");
    }
    if (ast->n_returning_list > 0) {
        return insert_fail(s, place, "Leave RETURNING out.", "RETURNING is not supported");
    }
    if (ast->with_clause != NULL) {
        return insert_fail(s, place, "Write INSERT INTO table WITH … SELECT ….",
                           "WITH in front of INSERT is not supported");
    }
    *ret = object;
    return MR_OK;
}

static mr_code insert_add(mr_session *s, const mr_plan_insert *insert) {
    mr_pipeline *p = s->pipeline;
    if (p->insert_count == INSERTS_MAX) {
        return mr_fail_at(s->cx, MR_E_LIMIT, insert->place, "Split it into several files.",
                          "file has more than %d INSERTs", INSERTS_MAX);
    }
    if (p->inserts == NULL) {
        p->inserts = MR_NEW_ARRAY(s->cx->arena, mr_plan_insert, INSERTS_MAX);
    }
    for (uint32_t i = 0; i < p->insert_count; i++) {
        bool changes = insert->mode != MR_MODE_APPEND || p->inserts[i].mode != MR_MODE_APPEND;
        if (strcmp(p->inserts[i].table, insert->table) == 0 && changes) {
            return mr_fail_at(s->cx, MR_E_UNSUPPORTED, insert->place,
                              "Give each INSERT a table of its own, or append.",
                              "two INSERTs change the rows of \"%s\"", insert->table);
        }
    }
    p->inserts[p->insert_count++] = *insert;
    return MR_OK;
}

mr_code mr_insert_plan(mr_session *s, const PgQuery__InsertStmt *ast) {
    mr_object *object = NULL;
    MR_TRY(insert_target(s, ast, &object));
    if (object->kind == MR_OBJECT_STATIC) {
        return mr_ddl_values(s, object, ast);
    }
    if (ast->select_stmt == NULL ||
        ast->select_stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        return insert_fail(s, mr_session_place(s, ast->relation->location),
                           "Write INSERT INTO table SELECT ….", "INSERT has no SELECT");
    }
    mr_plan *root;
    mr_select q = {.s = s, .rules = s->rules};
    mr_code planned = mr_select_plan(&q, ast->select_stmt->select_stmt, &root);
    if (object->kind == MR_OBJECT_BROKEN) {
        return planned != MR_OK ? planned : mr_session_fail_silently(s);
    }
    if (planned != MR_OK) {
        mr_session_report(s, planned);  // The sink's own errors do not depend on it.
    }
    insert_build b = {.s = s, .ast = ast, .table = object->foreign};
    b.insert.table = object->name;
    b.insert.place = mr_session_place(s, ast->relation->location);
    object->foreign->written = true;
    MR_TRY(insert_sink(&b));
    if (planned != MR_OK) {
        return mr_session_fail_silently(s);
    }
    MR_TRY(object->foreign->schema.count > 0 ? insert_declared(&b, &root) : insert_free(&b, &root));
    MR_TRY(check_output(&b, root->schema));
    MR_TRY(insert_conflict(&b, root->schema));
    MR_TRY(check_mode(&b, root));
    b.insert.root = root;
    return insert_add(s, &b.insert);
}

mr_code mr_insert_check_unused(mr_session *s, mr_foreign *table) {
    const PgQuery__InsertStmt ast = PG_QUERY__INSERT_STMT__INIT;
    insert_build b = {.s = s, .ast = &ast, .table = table};
    b.insert.place = table->source.place;
    return insert_sink(&b);
}
