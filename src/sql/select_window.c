// Windows in FROM: tumble(rel, time, size) and hop(rel, time, slide, size) add window_start,
// window_end.
//
// GROUP BY on these columns takes the window into the aggregate, which keeps one state a pane
// instead of one row a window: the WINDOW node is found below, through projections, filters and
// joins that do not read its columns, and left out.

#include <string.h>

#include "base/civil.h"
#include "sql/select.h"

#define WINDOWS_A_ROW_MAX 10000

static mr_code window_fail(const mr_select *q, mr_place place, const char *hint, const char *text) {
    return mr_fail_at(q->s->cx, MR_E_UNSUPPORTED, place, hint, "%s", text);
}

// ---- arguments -------------------------------------------------------------------------------

static mr_code window_relation(const mr_select *q, const mr_ast *ast, const char **ret_name,
                               mr_plan **ret) {
    mr_place place = mr_session_place_of(q->s, ast);
    if (ast->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && ast->column_ref->n_fields == 1 &&
        mr_ast_string(ast->column_ref->fields[0]) != NULL) {
        *ret_name = mr_ast_string(ast->column_ref->fields[0]);
        return mr_select_relation(q, *ret_name, place, ret);
    }
    if (ast->node_case == PG_QUERY__NODE__NODE_SUB_LINK &&
        ast->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK &&
        ast->sub_link->subselect->node_case == PG_QUERY__NODE__NODE_SELECT_STMT) {
        *ret_name = "";
        return mr_select_plan(q, ast->sub_link->subselect->select_stmt, ret);
    }
    return window_fail(q, place, "Write tumble(table, time, interval '1 minute').",
                       "first argument is not the name of a table or view");
}

static mr_code window_time(const mr_select *q, const mr_ast *ast, const char *name,
                           const mr_plan *plan, uint32_t *ret) {
    mr_session *s = q->s;
    mr_place place = mr_session_place_of(s, ast);
    mr_scope_table table =
        mr_select_scope_table(s->cx->arena, name, plan->schema, 0, plan->schema->count);
    mr_scope scope = {.schema = plan->schema, .tables = &table, .table_count = 1};
    mr_bind b = {.s = s, .scope = &scope, .clause = "a window's time"};
    mr_expr *expr;
    MR_TRY(mr_bind_expr(&b, ast, &expr));
    if (expr->kind != MR_EXPR_COLUMN) {
        return window_fail(q, place, "Compute it in a view, or declare it in the table.",
                           "time of a window is not a plain column");
    }
    *ret = expr->column;
    const char *column = plan->schema->columns[expr->column].name;
    if (expr->type.id != MR_TIMESTAMP && expr->type.id != MR_TIMESTAMPTZ) {
        return mr_fail_at(s->cx, MR_E_TYPE, place, "Declare it as timestamptz.",
                          "time of a window is \"%s\" of type %s", column,
                          mr_type_name(expr->type));
    }
    if (mr_node_is_time(plan, expr->column)) {
        return MR_OK;
    }
    if (plan->event_time >= 0) {
        const char *hint = mr_arena_printf(s->cx->arena, "Use \"%s\", which has the watermark.",
                                           plan->schema->columns[plan->event_time].name);
        return mr_fail_at(s->cx, MR_E_TYPE, place, hint, "\"%s\" is not the event time", column);
    }
    const char *hint = mr_node_scan(plan)->event_time < 0
                           ? "Give the table's time column OPTIONS (watermark '30 seconds')."
                           : "Select the table's event time unchanged in the views between.";
    return mr_fail_at(s->cx, MR_E_TYPE, place, hint, "\"%s\" has no watermark", column);
}

static mr_code window_length(const mr_select *q, const mr_ast *ast, const char *what,
                             int64_t *ret) {
    mr_session *s = q->s;
    mr_place place = mr_session_place_of(s, ast);
    mr_bind b = {.s = s, .scope = &(mr_scope){.schema = &(mr_schema){0}}, .clause = "a window"};
    mr_expr *expr;
    MR_TRY(mr_bind_expr(&b, ast, &expr));
    MR_TRY(mr_types_cast(s, expr, MR_TYPE(MR_INTERVAL), MR_CAST_IMPLICIT, &expr));
    if (expr->kind != MR_EXPR_CONST || mr_expr_is_null(expr)) {
        return mr_fail_at(s->cx, MR_E_TYPE, place, "Write interval '1 minute'.",
                          "%s of the window is not a constant", what);
    }
    const mr_interval *length = &expr->constant.intervals[0];
    int64_t days;
    if (length->months != 0) {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place, "Use days or less.",
                          "%s of the window is in months, which differ in length", what);
    }
    if (!mr_mul_fits((int64_t)length->days, MR_DAY_US, &days) ||
        !mr_add_fits(days, length->us, ret) || *ret <= 0) {
        return mr_fail_at(s->cx, MR_E_VALUE, place, "Write interval '1 minute'.",
                          "%s of the window is not more than 0", what);
    }
    return MR_OK;
}

mr_code mr_select_window(const mr_select *q, const PgQuery__FuncCall *call, const char **ret_name,
                         mr_plan **ret) {
    mr_session *s = q->s;
    const char *name = mr_ast_name(call->funcname, call->n_funcname);
    mr_place place = mr_session_place(s, call->location);
    bool hop = strcmp(name, "hop") == 0;
    if (!hop && strcmp(name, "tumble") != 0) {
        bool later = strcmp(name, "session") == 0 || strcmp(name, "cumulate") == 0;
        return later ? mr_fail_at(s->cx, MR_E_UNSUPPORTED, place, "Use tumble(…) or hop(…).",
                                  "%s windows are not supported yet", name)
                     : mr_fail_at(s->cx, MR_E_NAME, place,
                                  "Functions in FROM are tumble(table, time, size) and hop(table, "
                                  "time, slide, size).",
                                  "function \"%s\" cannot stand in FROM", name);
    }
    if (call->n_args != (hop ? 4 : 3)) {
        return mr_fail_at(s->cx, MR_E_TYPE, place,
                          hop ? "Write hop(table, time, interval '30 seconds', interval '1 "
                                "minute'): first the slide, then the size."
                              : "Write tumble(table, time, interval '1 minute').",
                          "%s takes %d arguments, not %zu", name, hop ? 4 : 3, call->n_args);
    }
    mr_plan *input;
    mr_window window = {.kind = hop ? MR_WINDOW_HOP : MR_WINDOW_TUMBLE};
    MR_TRY(window_relation(q, call->args[0], ret_name, &input));
    MR_TRY(window_time(q, call->args[1], *ret_name, input, &window.time_column));
    MR_TRY(window_length(q, call->args[hop ? 3 : 2], "size", &window.size_us));
    window.slide_us = window.size_us;
    if (hop) {
        MR_TRY(window_length(q, call->args[2], "slide", &window.slide_us));
    }
    if (window.slide_us > window.size_us) {
        return mr_fail_at(s->cx, MR_E_VALUE, mr_session_place_of(s, call->args[2]),
                          "hop takes first the slide, then the size.",
                          "slide of the window is longer than its size");
    }
    if (window.size_us / window.slide_us > WINDOWS_A_ROW_MAX) {
        return mr_fail_at(s->cx, MR_E_LIMIT, mr_session_place_of(s, call->args[2]),
                          "Use a longer slide.", "each row is in more than %d windows",
                          WINDOWS_A_ROW_MAX);
    }
    mr_plan *plan = mr_node_new(s->cx->arena, MR_PLAN_WINDOW, input, place);
    plan->window.window = window;
    mr_node_settle(s->cx->arena, plan);
    *ret = plan;
    return MR_OK;
}

// ---- taking the WINDOW node out --------------------------------------------------------------

uint32_t mr_select_window_part(const mr_plan *plan, uint32_t column) {
    for (;; plan = plan->input) {
        uint32_t inputs = plan->input == NULL ? 0 : plan->input->schema->count;
        switch (plan->kind) {
        case MR_PLAN_WINDOW:
            if (column >= inputs) {
                return column == inputs ? MR_WINDOW_START : MR_WINDOW_END;
            }
            break;
        case MR_PLAN_PROJECT: {
            const mr_expr *expr = plan->project.exprs[column];
            if (expr->kind != MR_EXPR_COLUMN) {
                return 0;
            }
            column = expr->column;
            break;
        }
        case MR_PLAN_JOIN:
            if (column >= inputs) {
                return 0;
            }
            break;
        case MR_PLAN_FILTER: break;
        case MR_PLAN_LATE:
        case MR_PLAN_DISTINCT:
        case MR_PLAN_SCAN:
        case MR_PLAN_AGGREGATE: return 0;
        case MR_PLAN_KIND_COUNT: mr_assert(false);
        }
    }
}

// Does the expression read a column that the map sends to the window?
static bool reads_window(const mr_expr *expr, const uint32_t *map) {
    if (expr->kind == MR_EXPR_COLUMN) {
        return map[expr->column] >= MR_WINDOW_START;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (reads_window(expr->args[i], map)) {
            return true;
        }
    }
    return false;
}

// A stripped input, and where its columns went.
typedef struct strip {
    mr_arena *arena;
    mr_plan *input;
    const uint32_t *map;
} strip;

static bool strip_project(const strip *t, const mr_plan *plan, mr_plan **ret, uint32_t *map) {
    mr_arena *arena = t->arena;
    mr_plan *input = t->input;
    const uint32_t *below = t->map;
    uint32_t count = plan->schema->count, kept = 0;
    mr_expr **exprs = MR_NEW_ARRAY(arena, mr_expr *, count);
    const char **names = MR_NEW_ARRAY(arena, const char *, count);
    for (uint32_t c = 0; c < count; c++) {
        const mr_expr *expr = plan->project.exprs[c];
        if (expr->kind == MR_EXPR_COLUMN && below[expr->column] >= MR_WINDOW_START) {
            map[c] = below[expr->column];
            continue;
        }
        if (reads_window(expr, below)) {
            return false;
        }
        exprs[kept] = mr_expr_renumber(arena, expr, below);
        names[kept] = plan->schema->columns[c].name;
        map[c] = kept++;
    }
    *ret = mr_node_project(arena, input, exprs, names, kept);
    return true;
}

static bool strip_join(const strip *t, const mr_plan *plan, mr_plan **ret, uint32_t *map) {
    mr_arena *arena = t->arena;
    mr_plan *input = t->input;
    const uint32_t *below = t->map;
    uint32_t inputs = plan->input->schema->count, now = input->schema->count;
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        map[c] = c < inputs ? below[c] : now + (c - inputs);
    }
    mr_plan *join = MR_NEW(arena, mr_plan);
    *join = *plan;
    join->input = input;
    join->join.input_keys = MR_NEW_ARRAY(arena, uint32_t, plan->join.key_count);
    for (uint32_t k = 0; k < plan->join.key_count; k++) {
        join->join.input_keys[k] = below[plan->join.input_keys[k]];
        if (join->join.input_keys[k] >= MR_WINDOW_START) {
            return false;
        }
    }
    if (plan->join.residue != NULL) {
        if (reads_window(plan->join.residue, map)) {
            return false;
        }
        join->join.residue = mr_expr_renumber(arena, plan->join.residue, map);
    }
    mr_schema *schema = MR_NEW(arena, mr_schema);
    schema->count = now + plan->join.table_column_count;
    schema->columns = MR_NEW_ARRAY(arena, mr_column, schema->count);
    for (uint32_t c = 0; c < schema->count; c++) {
        schema->columns[c] =
            c < now ? input->schema->columns[c] : plan->schema->columns[inputs + (c - now)];
    }
    join->schema = schema;
    mr_node_settle(arena, join);
    *ret = join;
    return true;
}

bool mr_select_strip_window(mr_arena *arena, mr_plan *plan, mr_plan **ret, mr_window *ret_window,
                            uint32_t *map) {
    if (plan->kind == MR_PLAN_WINDOW) {
        uint32_t count = plan->input->schema->count;
        for (uint32_t c = 0; c < count; c++) {
            map[c] = c;
        }
        map[count] = MR_WINDOW_START;
        map[count + 1] = MR_WINDOW_END;
        *ret = plan->input;
        *ret_window = plan->window.window;
        return true;
    }
    if (plan->kind != MR_PLAN_PROJECT && plan->kind != MR_PLAN_FILTER &&
        plan->kind != MR_PLAN_JOIN) {
        return false;
    }
    uint32_t *below = MR_NEW_ARRAY(arena, uint32_t, plan->input->schema->count);
    mr_plan *input;
    if (!mr_select_strip_window(arena, plan->input, &input, ret_window, below)) {
        return false;
    }
    strip t = {.arena = arena, .input = input, .map = below};
    if (plan->kind == MR_PLAN_PROJECT) {
        // The time of the window must come through; it is added when the list leaves it out.
        if (!strip_project(&t, plan, ret, map)) {
            return false;
        }
        mr_expr *time = mr_expr_column(arena, input->schema, ret_window->time_column, plan->place);
        uint32_t kept = (*ret)->schema->count;
        mr_expr **exprs = MR_NEW_ARRAY(arena, mr_expr *, kept + 1);
        const char **names = MR_NEW_ARRAY(arena, const char *, kept + 1);
        for (uint32_t c = 0; c < kept; c++) {
            exprs[c] = (*ret)->project.exprs[c];
            names[c] = (*ret)->schema->columns[c].name;
        }
        exprs[kept] = time;
        names[kept] = input->schema->columns[ret_window->time_column].name;
        *ret = mr_node_project(arena, input, exprs, names, kept + 1);
        ret_window->time_column = kept;
        return true;
    }
    if (plan->kind == MR_PLAN_JOIN) {
        return strip_join(&t, plan, ret, map);
    }
    memcpy(map, below, sizeof(*map) * plan->schema->count);
    if (reads_window(plan->filter.predicate, below)) {
        return false;
    }
    *ret = mr_node_filter(arena, input, mr_expr_renumber(arena, plan->filter.predicate, below));
    (*ret)->filter.bad = plan->filter.bad;
    (*ret)->filter.reason = plan->filter.reason;
    return true;
}
