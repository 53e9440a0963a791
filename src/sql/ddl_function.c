// CREATE FUNCTION. LANGUAGE sql: the body is bound once over the parameters and inlined at each
// call. LANGUAGE c: the function of a library, asked for once.

#include <string.h>

#include "sql/bind.h"
#include "sql/ddl.h"
#include "sql/parse.h"

static mr_code function_fail(mr_session *s, mr_place place, const char *hint, const char *text) {
    return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place, hint, "%s", text);
}

static mr_code read_params(mr_session *s, const PgQuery__CreateFunctionStmt *ast,
                           mr_schema *params) {
    params->columns = MR_NEW_ARRAY(s->cx->arena, mr_column, ast->n_parameters + 1);
    for (size_t i = 0; i < ast->n_parameters; i++) {
        const PgQuery__FunctionParameter *param = ast->parameters[i]->function_parameter;
        mr_place place = mr_session_place(s, param->arg_type->location);
        if (param->mode != PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_IN &&
            param->mode != PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_DEFAULT) {
            return function_fail(s, place, "Return the value.", "only IN parameters are supported");
        }
        if (param->defexpr != NULL) {
            return function_fail(s, place, "Use coalesce in the body.",
                                 "defaults of parameters are not supported");
        }
        mr_column column = {.name = param->name == NULL ? "" : param->name};
        MR_TRY(mr_types_from_name(s, param->arg_type, &column.type));
        if (column.name[0] != '\0' && mr_schema_find(params, column.name) >= 0) {
            return mr_fail_at(s->cx, MR_E_EXISTS, place, "Give it another name.",
                              "parameter \"%s\" is declared twice", column.name);
        }
        params->columns[params->count++] = column;
    }
    return MR_OK;
}

typedef struct function_body {
    const char *text;  // AS '…'; NULL when RETURN was written.
    int32_t location;
    const char *symbol;  // AS 'file', 'symbol'.
    const char *language;
    bool strict;
} function_body;

static mr_code read_body(mr_session *s, const PgQuery__CreateFunctionStmt *ast,
                         function_body *ret) {
    *ret = (function_body){.language = ast->sql_body != NULL ? "sql" : ""};
    for (size_t i = 0; i < ast->n_options; i++) {
        const PgQuery__DefElem *option = ast->options[i]->def_elem;
        if (strcmp(option->defname, "language") == 0) {
            ret->language = mr_ast_string(option->arg);
        } else if (strcmp(option->defname, "as") == 0 && option->arg != NULL &&
                   option->arg->node_case == PG_QUERY__NODE__NODE_LIST) {
            const PgQuery__List *list = option->arg->list;
            ret->text = mr_ast_name(list->items, 1);
            ret->symbol = list->n_items > 1 ? mr_ast_name(list->items, list->n_items) : NULL;
            ret->location = option->location;
        } else if (strcmp(option->defname, "strict") == 0) {
            ret->strict = option->arg != NULL &&
                          option->arg->node_case == PG_QUERY__NODE__NODE_BOOLEAN &&
                          option->arg->boolean->boolval;
        }
    }
    bool is_c = ret->language != NULL && strcmp(ret->language, "c") == 0;
    if (!is_c && (ret->language == NULL || strcmp(ret->language, "sql") != 0)) {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, mr_session_place(s, 0),
                          "Write LANGUAGE sql AS $$ SELECT expression $$, or LANGUAGE c AS "
                          "'lib/file.so', 'symbol'.",
                          "functions of language \"%s\" are not supported",
                          ret->language == NULL ? "" : ret->language);
    }
    if (is_c ? ret->text == NULL || ret->text[0] == '\0'
             : ret->text == NULL && ast->sql_body == NULL) {
        return function_fail(s, mr_session_place(s, 0),
                             is_c ? "Write AS 'lib/file.so', 'symbol'."
                                  : "Write AS $$ SELECT expression $$.",
                             "function has no body");
    }
    return MR_OK;
}

// The expression of `SELECT expression` or `RETURN expression`.
static const mr_ast *body_expression(const mr_ast *ast) {
    if (ast == NULL) {
        return NULL;
    }
    if (ast->node_case == PG_QUERY__NODE__NODE_RETURN_STMT) {
        return ast->return_stmt->returnval;
    }
    if (ast->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        return NULL;
    }
    const PgQuery__SelectStmt *select = ast->select_stmt;
    bool plain = select->n_target_list == 1 && select->n_from_clause == 0 &&
                 select->where_clause == NULL && select->n_group_clause == 0 &&
                 select->having_clause == NULL && select->n_distinct_clause == 0 &&
                 select->limit_count == NULL && select->with_clause == NULL;
    return plain ? select->target_list[0]->res_target->val : NULL;
}

static mr_code bind_body(mr_session *s, const mr_ast *ast, const mr_inline *fn, mr_expr **ret) {
    mr_scope_table names = {.name = fn->name, .column_count = fn->params.count};
    names.columns = MR_NEW_ARRAY(s->cx->arena, mr_scope_column, fn->params.count);
    for (uint32_t c = 0; c < fn->params.count; c++) {
        names.columns[c] = (mr_scope_column){.name = fn->params.columns[c].name, .column = c};
    }
    mr_scope scope = {.schema = &fn->params, .tables = &names, .table_count = 1};
    mr_bind b = {.s = s, .scope = &scope, .clause = "a function", .params = &fn->params};
    const mr_ast *expression = body_expression(ast);
    if (expression == NULL) {
        return function_fail(s, mr_session_place(s, 0), "Write AS $$ SELECT expression $$.",
                             "body is not one SELECT of one expression");
    }
    return mr_bind_expr(&b, expression, ret);
}

// LANGUAGE c: the symbol is the function's name when it is not said.
static mr_code find_library(mr_session *s, mr_inline *fn, const function_body *body, mr_type type) {
    if (s->env->external == NULL) {
        return function_fail(s, mr_session_place(s, 0), /* hint= */ NULL,
                             "functions of language c are not supported here");
    }
    mr_type *types = MR_NEW_ARRAY(s->cx->arena, mr_type, fn->params.count + 1);
    for (uint32_t i = 0; i < fn->params.count; i++) {
        types[i] = fn->params.columns[i].type;
    }
    mr_external_ask ask = {
        .name = fn->name,
        .args = types,
        .arg_count = fn->params.count,
        .zone = s->pipeline->zone,
        .zone_name = s->pipeline->zone_name,
        .library = body->text,
        .symbol = body->symbol == NULL ? fn->name : body->symbol,
        .result = type,
        .sees_nulls = !body->strict,
    };
    mr_code code = s->env->external(s->env->self, &ask, &fn->external, s->cx);
    if (code != MR_OK && s->cx->error.place.offset < 0) {
        s->cx->error.place = mr_session_place(s, 0);
    }
    return code;
}

static bool is_language(const function_body *body, const char *name) {
    return body->language != NULL && strcmp(body->language, name) == 0;
}

mr_code mr_ddl_function(mr_session *s, const PgQuery__CreateFunctionStmt *ast) {
    const char *name = mr_ast_name(ast->funcname, ast->n_funcname);
    mr_place place = mr_session_place(s, 0);
    if (mr_session_find(&s->functions, name) != NULL) {
        return mr_fail_at(s->cx, MR_E_EXISTS, place, "Give it another name.",
                          "function \"%s\" is declared twice", name);
    }
    mr_inline *fn = MR_NEW(s->cx->arena, mr_inline);
    fn->name = name;
    if (ast->is_procedure || ast->return_type == NULL) {
        mr_map_put(&s->functions, mr_span_of(name), fn);
        return function_fail(s, place, "Write CREATE FUNCTION … RETURNS type.",
                             "procedures are not supported");
    }
    function_body body;
    mr_type type = MR_TYPE(MR_NULLTYPE);
    mr_expr *expr = NULL;
    mr_code code = read_body(s, ast, &body);
    code = code == MR_OK ? read_params(s, ast, &fn->params) : code;
    code = code == MR_OK ? mr_types_from_name(s, ast->return_type, &type) : code;
    if (code == MR_OK && is_language(&body, "c")) {
        code = find_library(s, fn, &body, type);
        mr_map_put(&s->functions, mr_span_of(name), fn);
        return code;
    }
    int32_t base = s->base;
    const mr_ast *tree = ast->sql_body;
    if (code == MR_OK && body.text != NULL) {
        const char *from = s->expanded + base + MR_MAX(body.location, 0);
        const char *found = strstr(from, body.text);  // Not there: its quotes were doubled.
        int32_t at = (int32_t)((found == NULL ? from : found) - s->expanded);
        code = mr_parse_one(s, body.text, at, &tree);
        s->base = at;
    }
    code = code == MR_OK ? bind_body(s, tree, fn, &expr) : code;
    code = code == MR_OK ? mr_types_cast(s, expr, type, MR_CAST_IMPLICIT, &expr) : code;
    s->base = base;
    fn->body = code == MR_OK ? expr : NULL;
    mr_map_put(&s->functions, mr_span_of(name), fn);  // Now: a body cannot call itself.
    return code;
}
