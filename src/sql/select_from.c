// FROM: tables, views, WITH names, sub-selects, windows and joins, to one plan and its names.

#include <string.h>

#include "sql/select.h"

mr_scope_table mr_select_scope_table(mr_arena *arena, const char *name, const mr_schema *schema,
                                     uint32_t first, uint32_t count) {
    mr_scope_table table = {.name = name, .column_count = count};
    table.columns = MR_NEW_ARRAY(arena, mr_scope_column, count);
    for (uint32_t c = 0; c < count; c++) {
        table.columns[c] = (mr_scope_column){.name = schema->columns[c].name, .column = first + c};
    }
    return table;
}

// ---- relations by name -----------------------------------------------------------------------

static mr_code unknown_relation(mr_session *s, const char *name, mr_place place) {
    if (mr_session_suspects(s, name)) {
        return mr_session_fail_silently(s);
    }
    if (strcmp(name, "stream") == 0 || strcmp(name, "table") == 0) {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place, "Write FROM and the table's name.",
                          "FROM %s is another dialect's form", name);
    }
    return mr_fail_at(s->cx, MR_E_NAME, place, mr_session_hint_map(s, name, &s->objects),
                      "unknown table \"%s\"", name);
}

static const mr_cte *find_cte(const mr_select *q, const char *name) {
    for (const mr_cte *cte = q->ctes; cte != NULL; cte = cte->next) {
        if (strcmp(cte->name, name) == 0) {
            return cte;
        }
    }
    return NULL;
}

mr_code mr_select_relation(const mr_select *q, const char *name, mr_place place, mr_plan **ret) {
    mr_session *s = q->s;
    const mr_cte *cte = find_cte(q, name);
    if (cte != NULL) {
        *ret = cte->plan;
        return MR_OK;
    }
    mr_object *object = mr_session_find(&s->objects, name);
    if (object == NULL) {
        return unknown_relation(s, name, place);
    }
    switch (object->kind) {
    case MR_OBJECT_BROKEN: return mr_session_fail_silently(s);
    case MR_OBJECT_VIEW: *ret = object->view; return MR_OK;
    case MR_OBJECT_FOREIGN: return mr_select_source(s, object->foreign, place, ret);
    case MR_OBJECT_STATIC:
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place,
                          "Join it to a stream: FROM stream LEFT JOIN table USING (key).",
                          "\"%s\" is a static table and not a stream", name);
    }
    mr_assert(false);
}

// ---- items of FROM ---------------------------------------------------------------------------

// Words that other dialects put behind a table's name; here they would silently be aliases.
static mr_code check_alias(const mr_select *q, const char *alias, mr_place place) {
    static const struct {
        const char *word;
        const char *hint;
    } words[] = {
        {"emit", "Output follows the sink's option mode: 'append' or 'update'."},
        {"final", "Use DISTINCT ON (keys) to keep one row of each key."},
        {"asof", "As-of joins are not supported yet; join a static table."},
        {"qualify", "Use DISTINCT ON (keys) to keep one row of each key."},
        {"stream", "Every foreign table in FROM is a stream; leave the word out."},
        {"positional", "Join on equality of columns."},
        {"semi", "Join on equality of columns."},
        {"anti", "LEFT JOIN the table and ask WHERE its key IS NULL."},
        {"sample", "Filter with WHERE."},
        {"watermark", "Give the time column OPTIONS (watermark '30 seconds')."},
        {"pivot", "Use aggregates with FILTER (WHERE …)."},
        {"any", "Join on equality of columns."},
    };
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        if (mr_span_equal_nocase(mr_span_of(words[i].word), mr_span_of(alias))) {
            return mr_fail_at(q->s->cx, MR_E_UNSUPPORTED, place, words[i].hint,
                              "\"%s\" would be read as an alias here", alias);
        }
    }
    return MR_OK;
}

// One relation under a name; the alias may rename columns too.
static mr_code one_relation(const mr_select *q, const char *name, const PgQuery__Alias *alias,
                            const mr_schema *schema, mr_select_side *side) {
    mr_session *s = q->s;
    if (alias != NULL) {
        name = alias->aliasname;
        MR_TRY(check_alias(q, name, side->place));
    }
    side->tables = MR_NEW(s->cx->arena, mr_scope_table);
    side->table_count = 1;
    side->tables[0] = mr_select_scope_table(s->cx->arena, name, schema, 0, schema->count);
    size_t renamed = alias == NULL ? 0 : alias->n_colnames;
    if (renamed > schema->count) {
        return mr_fail_at(s->cx, MR_E_TYPE, side->place, /* hint= */ NULL,
                          "alias \"%s\" names %zu columns of %u", name, renamed, schema->count);
    }
    for (size_t c = 0; c < renamed; c++) {
        side->tables[0].columns[c].name = mr_ast_string(alias->colnames[c]);
    }
    return MR_OK;
}

static mr_code from_table(const mr_select *q, const PgQuery__RangeVar *ast, mr_select_side *ret) {
    mr_session *s = q->s;
    ret->place = mr_session_place(s, ast->location);
    if (ast->schemaname != NULL && ast->schemaname[0] != '\0') {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, ret->place, "Write the table's name alone.",
                          "schemas are not supported");
    }
    mr_object *object =
        find_cte(q, ast->relname) != NULL ? NULL : mr_session_find(&s->objects, ast->relname);
    if (object != NULL && object->kind == MR_OBJECT_STATIC) {
        const mr_plan_table *table = object->table;
        if (table->path == NULL && table->rows == NULL) {
            const char *hint = mr_arena_printf(
                s->cx->arena, "Write COPY %s FROM 'file.csv' (FORMAT csv, HEADER) before its use.",
                ast->relname);
            return mr_fail_at(s->cx, MR_E_MISSING, ret->place, hint,
                              "static table \"%s\" has no rows", ast->relname);
        }
        ret->table = table;
        ret->table_index = object->index;
        return one_relation(q, ast->relname, ast->alias, &table->schema, ret);
    }
    MR_TRY(mr_select_relation(q, ast->relname, ret->place, &ret->plan));
    return one_relation(q, ast->relname, ast->alias, ret->plan->schema, ret);
}

static mr_code from_subselect(const mr_select *q, const PgQuery__RangeSubselect *ast,
                              mr_select_side *ret) {
    ret->place = mr_session_place_of(q->s, ast->subquery);
    if (ast->lateral) {
        return mr_fail_at(q->s->cx, MR_E_UNSUPPORTED, ret->place, "Join a static table.",
                          "LATERAL is not supported");
    }
    MR_TRY(mr_select_plan(q, ast->subquery->select_stmt, &ret->plan));
    return one_relation(q, "", ast->alias, ret->plan->schema, ret);
}

static mr_code from_function(const mr_select *q, const PgQuery__RangeFunction *ast,
                             mr_select_side *ret) {
    const mr_ast *list = ast->n_functions == 1 ? ast->functions[0] : NULL;
    const mr_ast *call =
        list != NULL && list->node_case == PG_QUERY__NODE__NODE_LIST && list->list->n_items > 0
            ? list->list->items[0]
            : NULL;
    ret->place = mr_session_place_of(q->s, call);
    if (call == NULL || call->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || ast->ordinality ||
        ast->is_rowsfrom || ast->lateral) {
        return mr_fail_at(q->s->cx, MR_E_UNSUPPORTED, ret->place,
                          "Functions in FROM are tumble(…) and hop(…).",
                          "this function cannot stand in FROM");
    }
    const char *name;
    MR_TRY(mr_select_window(q, call->func_call, &name, &ret->plan));
    return one_relation(q, name, ast->alias, ret->plan->schema, ret);
}

static mr_code from_item(const mr_select *q, const mr_ast *ast, mr_select_side *ret) {
    *ret = (mr_select_side){.place = mr_session_place_of(q->s, ast)};
    switch ((int)ast->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR: return from_table(q, ast->range_var, ret);
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT: return from_subselect(q, ast->range_subselect, ret);
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION: return from_function(q, ast->range_function, ret);
    case PG_QUERY__NODE__NODE_JOIN_EXPR: {
        mr_select_side left, right;
        mr_code code = from_item(q, ast->join_expr->larg, &left);
        if (code != MR_OK) {
            mr_session_report(q->s, code);
        }
        MR_TRY(from_item(q, ast->join_expr->rarg, &right));
        if (code != MR_OK) {
            return mr_session_fail_silently(q->s);
        }
        return mr_select_join(q, ast->join_expr, &left, &right, ret);
    }
    default:
        return mr_fail_at(q->s->cx, MR_E_UNSUPPORTED, ret->place, /* hint= */ NULL,
                          "this form of FROM is not supported");
    }
}

mr_code mr_select_from(const mr_select *q, mr_ast *const *from, size_t count,
                       mr_select_input *ret) {
    mr_session *s = q->s;
    if (count == 0) {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, mr_session_place(s, 0),
                          "Name a foreign table or a view in FROM.", "SELECT reads no stream");
    }
    if (count > 1) {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, mr_session_place_of(s, from[1]),
                          "Write FROM a JOIN b ON a.key = b.key.",
                          "a list of tables in FROM is not supported");
    }
    mr_select_side side;
    MR_TRY(from_item(q, from[0], &side));
    if (side.plan == NULL) {
        const char *hint = mr_arena_printf(s->cx->arena, "FROM stream LEFT JOIN %s USING (key).",
                                           side.table->name);
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, side.place, hint,
                          "\"%s\" is a static table and not a stream", side.table->name);
    }
    ret->plan = side.plan;
    ret->scope = (mr_scope){
        .schema = side.plan->schema, .tables = side.tables, .table_count = side.table_count};
    return MR_OK;
}
