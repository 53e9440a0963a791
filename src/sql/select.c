// Select: one SELECT, clause by clause: FROM, WHERE, GROUP BY, HAVING, DISTINCT, the list.
//
// Errors of WHERE and of each item of the list are independent and are all reported.
// Why DISTINCT is planned below the list's projection: expressions are then computed only for the
// rows that survive, and the event time, which bounds the state, is still there.

#include "sql/select.h"

#include <string.h>

// ---- what is refused -------------------------------------------------------------------------

static mr_code refuse(const mr_select *q, mr_place place, const char *what, const char *hint) {
    return mr_fail_at(q->s->cx, MR_E_UNSUPPORTED, place, hint, "%s", what);
}

static mr_code check_clauses(const mr_select *q, const PgQuery__SelectStmt *ast) {
    mr_session *s = q->s;
    mr_place place = mr_session_place_of(s, ast->n_target_list > 0 ? ast->target_list[0] : NULL);
    if (ast->op != PG_QUERY__SET_OPERATION__SETOP_NONE) {
        return refuse(q, mr_session_place(s, 0),
                      "UNION, INTERSECT and EXCEPT are not supported yet",
                      "Write one INSERT for each part into the same table.");
    }
    if (ast->n_values_lists > 0) {
        return refuse(q, mr_session_place(s, 0), "VALUES is not a stream",
                      "Put the rows into a static table with INSERT INTO … VALUES.");
    }
    if (ast->n_sort_clause > 0) {
        return refuse(q, mr_session_place_of(s, ast->sort_clause[0]),
                      "ORDER BY has no meaning over a stream that never ends",
                      ast->n_distinct_clause > 0
                          ? "DISTINCT ON keeps the first row that comes; leave ORDER BY out."
                          : "Leave it out, and sort what is read from the output.");
    }
    if (ast->limit_count != NULL || ast->limit_offset != NULL) {
        return refuse(
            q,
            mr_session_place_of(s, ast->limit_count != NULL ? ast->limit_count : ast->limit_offset),
            "LIMIT has no meaning over a stream that never ends", "Leave it out.");
    }
    if (ast->n_window_clause > 0) {
        return refuse(q, place, "WINDOW is not supported yet",
                      "Use tumble(…) or hop(…) in FROM, and GROUP BY.");
    }
    if (ast->into_clause != NULL) {
        return refuse(q, place, "SELECT INTO is not supported", "Use INSERT INTO … SELECT.");
    }
    if (ast->n_locking_clause > 0) {
        return refuse(q, place, "FOR UPDATE is not supported", "Leave it out.");
    }
    if (ast->n_target_list == 0) {
        return refuse(q, mr_session_place(s, 0), "SELECT names no column",
                      "Name columns, or write *.");
    }
    return MR_OK;
}

// ---- the list --------------------------------------------------------------------------------

static void list_add(mr_arena *arena, mr_select_list *list, mr_expr *expr, const char *name) {
    if (list->count == list->capacity) {
        uint32_t capacity = MR_MAX(16u, 2 * list->capacity);
        mr_select_item *more = MR_NEW_ARRAY(arena, mr_select_item, capacity);
        if (list->count > 0) {
            memcpy(more, list->items, sizeof(*more) * list->count);
        }
        list->items = more;
        list->capacity = capacity;
    }
    list->items[list->count++] = (mr_select_item){.expr = expr, .name = name};
}

// The name of a column without AS: PostgreSQL's rule.
static const char *item_name(const mr_ast *ast) {
    switch ((int)ast->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        return mr_ast_name(ast->column_ref->fields, ast->column_ref->n_fields);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return mr_ast_name(ast->func_call->funcname, ast->func_call->n_funcname);
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
        const char *inner = item_name(ast->type_cast->arg);
        return inner != NULL ? inner
                             : mr_ast_name(ast->type_cast->type_name->names,
                                           ast->type_cast->type_name->n_names);
    }
    case PG_QUERY__NODE__NODE_COALESCE_EXPR: return "coalesce";
    case PG_QUERY__NODE__NODE_CASE_EXPR: return "case";
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        return ast->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least";
    default: return NULL;
    }
}

// `*` or `t.*`.
static mr_code add_star(const mr_bind *b, const PgQuery__ColumnRef *ref, mr_select_list *list) {
    mr_place place = mr_session_place(b->s, ref->location);
    const char *table = ref->n_fields == 2 ? mr_ast_string(ref->fields[0]) : NULL;
    bool found = false;
    for (uint32_t t = 0; t < b->scope->table_count; t++) {
        const mr_scope_table *from = &b->scope->tables[t];
        if (table != NULL && strcmp(table, from->name) != 0) {
            continue;
        }
        found = true;
        for (uint32_t c = 0; c < from->column_count; c++) {
            const mr_scope_column *column = &from->columns[c];
            if (table != NULL || !column->merged) {
                list_add(b->s->cx->arena, list,
                         mr_expr_column(b->s->cx->arena, b->scope->schema, column->column, place),
                         column->name);
            }
        }
    }
    if (!found) {
        uint32_t unused;
        return mr_bind_column(b, table == NULL ? "*" : table, "*", place, &unused);
    }
    return MR_OK;
}

static mr_code bind_item(mr_bind *b, const PgQuery__ResTarget *item, mr_select_list *list) {
    const mr_ast *value = item->val;
    if (value != NULL && value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
        const PgQuery__ColumnRef *ref = value->column_ref;
        const mr_ast *last = ref->fields[ref->n_fields - 1];
        if (last->node_case == PG_QUERY__NODE__NODE_A_STAR && ref->n_fields <= 2) {
            return add_star(b, ref, list);
        }
    }
    mr_expr *expr;
    MR_TRY(mr_bind_expr(b, value, &expr));
    if (expr->type.id == MR_NULLTYPE) {
        MR_TRY(mr_types_cast(b->s, expr, MR_TYPE(MR_INT32), MR_CAST_IMPLICIT, &expr));
    }
    const char *name = item->name != NULL && item->name[0] != '\0' ? item->name : item_name(value);
    if (name == NULL) {
        name = mr_arena_printf(b->s->cx->arena, "column%u", list->count + 1);
    }
    list_add(b->s->cx->arena, list, expr, name);
    return MR_OK;
}

// Reports every item that fails; fails silently when one did.
static mr_code bind_items(mr_bind *b, const PgQuery__SelectStmt *ast, mr_select_list *list) {
    bool failed = false;
    for (size_t i = 0; i < ast->n_target_list; i++) {
        mr_code code = bind_item(b, ast->target_list[i]->res_target, list);
        if (code != MR_OK) {
            failed = true;
            mr_session_report(b->s, code);
            // Ordinals keep counting right.
            list_add(b->s->cx->arena, list,
                     mr_expr_constant(b->s->cx->arena, MR_TYPE(MR_NULLTYPE), NULL, MR_NOWHERE), "");
        }
    }
    return failed ? mr_session_fail_silently(b->s) : MR_OK;
}

static const mr_select_item *list_find(const mr_select_list *list, const char *name) {
    for (uint32_t i = 0; name != NULL && i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

mr_code mr_select_named(mr_bind *b, const mr_ast *ast, const mr_select_list *list, mr_expr **ret) {
    if (ast->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        ast->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
        int32_t ordinal = ast->a_const->ival->ival;
        if (ordinal < 1 || (uint32_t)ordinal > list->count) {
            return mr_fail_at(b->s->cx, MR_E_NAME, mr_session_place_of(b->s, ast),
                              /* hint= */ NULL, "position %d is not in the SELECT list", ordinal);
        }
        *ret = list->items[ordinal - 1].expr;
        return MR_OK;
    }
    const mr_select_item *item = NULL;
    if (ast->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && ast->column_ref->n_fields == 1) {
        item = list_find(list, mr_ast_string(ast->column_ref->fields[0]));
    }
    if (item != NULL && list->names_first) {
        *ret = item->expr;
        return MR_OK;
    }
    mr_code code = mr_bind_expr(b, ast, ret);
    if (code != MR_OK && item != NULL) {
        *ret = item->expr;
        return MR_OK;
    }
    return code;
}

// ---- DISTINCT --------------------------------------------------------------------------------

static mr_code distinct_unbounded(const mr_select *q, const mr_plan *plan, mr_place place,
                                  bool on) {
    const char *hint =
        plan->event_time < 0
            ? "Give the table's time column OPTIONS (watermark '30 seconds'), then WITH (state_ttl "
              "= '1 hour') to the view; or say unbounded = true."
            : "Bound it with state_ttl: CREATE VIEW … WITH (state_ttl = '1 hour') AS …, or put the "
              "event time among the keys; or say unbounded = true.";
    return mr_fail_at(q->s->cx, MR_E_LIMIT, place, hint, "state of DISTINCT%s grows without bound",
                      on ? " ON" : "");
}

// The time to live of keys.
static mr_code distinct_ttl(const mr_select *q, const mr_plan *distinct, bool on, int64_t *ret) {
    const mr_plan *input = distinct->input;
    if (q->rules.ttl_us >= 0 && input->event_time < 0) {
        return mr_fail_at(q->s->cx, MR_E_OPTION, distinct->place,
                          "Give the table's time column OPTIONS (watermark '30 seconds').",
                          "state_ttl counts event time, and these rows have none");
    }
    if (q->rules.ttl_us >= 0) {
        *ret = q->rules.ttl_us;
        return MR_OK;
    }
    for (uint32_t i = 0; i < distinct->distinct.key_count; i++) {
        if (mr_node_is_time(input, distinct->distinct.keys[i])) {
            *ret = -1;
            return MR_OK;
        }
    }
    *ret = INT64_MAX;
    return q->rules.unbounded ? MR_OK : distinct_unbounded(q, input, distinct->place, on);
}

// keys are expressions over plan.
static mr_code plan_distinct(const mr_select *q, mr_plan **plan, mr_expr *const *keys,
                             uint32_t count, bool on) {
    mr_arena *arena = q->s->cx->arena;
    uint32_t *columns = MR_NEW_ARRAY(arena, uint32_t, count);
    mr_plan *input = mr_node_extend(arena, *plan, keys, count, columns);
    mr_plan *distinct = mr_node_new(arena, MR_PLAN_DISTINCT, input, keys[0]->place);
    distinct->distinct.keys = columns;
    distinct->distinct.key_count = count;
    mr_node_settle(arena, distinct);
    MR_TRY(distinct_ttl(q, distinct, on, &distinct->distinct.ttl_us));
    *plan = distinct;
    return MR_OK;
}

// PostgreSQL's parser gives plain DISTINCT as a list of one empty node.
static bool is_distinct_on(const PgQuery__SelectStmt *ast) {
    return ast->n_distinct_clause > 0 &&
           ast->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
}

// ---- SELECT ----------------------------------------------------------------------------------

static mr_code plan_ctes(mr_select *q, const PgQuery__WithClause *with) {
    if (with->recursive) {
        return refuse(q, mr_session_place(q->s, with->location), "WITH RECURSIVE is not supported",
                      "Use views.");
    }
    for (size_t i = 0; i < with->n_ctes; i++) {
        const PgQuery__CommonTableExpr *ast = with->ctes[i]->common_table_expr;
        if (ast->ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
            return refuse(q, mr_session_place(q->s, ast->location), "only SELECT may stand in WITH",
                          "Use INSERT INTO … SELECT.");
        }
        mr_cte *cte = MR_NEW(q->s->cx->arena, mr_cte);
        cte->name = ast->ctename;
        cte->next = q->ctes;
        MR_TRY(mr_select_plan(q, ast->ctequery->select_stmt, &cte->plan));
        q->ctes = cte;
    }
    return MR_OK;
}

// A condition that failed: every part of a conjunction that does, by itself.
static mr_code report_conditions(mr_bind *b, const mr_ast *where, mr_code code) {
    mr_session_report(b->s, code);
    bool all = where->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
               where->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR;
    for (size_t i = 0; all && i < where->bool_expr->n_args; i++) {
        mr_expr *part;
        code = mr_bind_condition(b, where->bool_expr->args[i], &part);
        if (code != MR_OK) {
            mr_session_report(b->s, code);
        }
    }
    return mr_session_fail_silently(b->s);
}

static mr_code plan_where(mr_bind *b, const mr_ast *where, mr_plan **plan) {
    if (where == NULL) {
        return MR_OK;
    }
    mr_expr *predicate;
    b->clause = "WHERE";
    mr_code code = mr_bind_condition(b, where, &predicate);
    if (code != MR_OK) {
        code = report_conditions(b, where, code);
    }
    b->clause = NULL;
    MR_TRY(code);
    *plan = mr_node_filter_all(b->s->cx->arena, *plan, predicate);
    return MR_OK;
}

static bool is_identity(const mr_plan *plan, const mr_select_list *list) {
    if (plan->schema->count != list->count) {
        return false;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const mr_expr *expr = list->items[i].expr;
        if (expr->kind != MR_EXPR_COLUMN || expr->column != i ||
            strcmp(plan->schema->columns[i].name, list->items[i].name) != 0) {
            return false;
        }
    }
    return true;
}

static mr_plan *plan_list(mr_arena *arena, mr_plan *plan, const mr_select_list *list) {
    if (is_identity(plan, list)) {
        return plan;
    }
    mr_expr **exprs = MR_NEW_ARRAY(arena, mr_expr *, list->count);
    const char **names = MR_NEW_ARRAY(arena, const char *, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        exprs[i] = list->items[i].expr;
        names[i] = list->items[i].name;
    }
    return mr_node_project(arena, plan, exprs, names, list->count);
}

// Keys of DISTINCT ON, bound over what FROM yields and appended to the list, so that GROUP BY
// rewrites them with it.
static mr_code bind_distinct_on(mr_bind *b, const PgQuery__SelectStmt *ast, mr_select_list *list,
                                uint32_t item_count) {
    mr_select_list items = {.items = list->items, .count = item_count, .names_first = true};
    for (size_t i = 0; i < ast->n_distinct_clause; i++) {
        mr_expr *key;
        MR_TRY(mr_select_named(b, ast->distinct_clause[i], &items, &key));
        list_add(b->s->cx->arena, list, key, "");
        items.items = list->items;
    }
    return MR_OK;
}

static mr_code plan_distinct_clause(const mr_select *q, const PgQuery__SelectStmt *ast,
                                    const mr_select_list *list, uint32_t item_count,
                                    mr_plan **plan) {
    if (ast->n_distinct_clause == 0) {
        return MR_OK;
    }
    bool on = is_distinct_on(ast);
    uint32_t first = on ? item_count : 0;
    uint32_t count = on ? list->count - item_count : item_count;
    mr_expr **keys = MR_NEW_ARRAY(q->s->cx->arena, mr_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = list->items[first + i].expr;
    }
    return plan_distinct(q, plan, keys, count, on);
}

mr_code mr_select_plan(const mr_select *outer, const PgQuery__SelectStmt *ast, mr_plan **ret) {
    mr_select q = *outer;
    mr_session *s = q.s;
    MR_TRY(check_clauses(&q, ast));
    if (ast->with_clause != NULL) {
        MR_TRY(plan_ctes(&q, ast->with_clause));
    }
    mr_select_input in;
    MR_TRY(mr_select_from(&q, ast->from_clause, ast->n_from_clause, &in));
    mr_bind b = {.s = s, .scope = &in.scope};
    mr_code where = plan_where(&b, ast->where_clause, &in.plan);
    if (where != MR_OK) {
        mr_session_report(s, where);
    }
    mr_select_list list = {0};
    MR_TRY(bind_items(&b, ast, &list));
    uint32_t item_count = list.count;
    if (is_distinct_on(ast)) {
        MR_TRY(bind_distinct_on(&b, ast, &list, item_count));
    }
    if (ast->n_group_clause > 0 || ast->having_clause != NULL || b.aggregate_count > 0) {
        MR_TRY(mr_select_group(&q, ast, &in, &b, &list));
    }
    MR_TRY(plan_distinct_clause(&q, ast, &list, item_count, &in.plan));
    list.count = item_count;
    if (where != MR_OK) {
        return mr_session_fail_silently(s);
    }
    *ret = plan_list(s->cx->arena, in.plan, &list);
    if ((*ret)->id > MR_NODE_DEEP_MAX) {
        return mr_fail_at(s->cx, MR_E_LIMIT, (*ret)->place, "Use fewer views upon views.",
                          "plan is nested too deeply");
    }
    return MR_OK;
}
