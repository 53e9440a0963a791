// DDL: servers, views, settings; tables are in ddl_foreign.c and ddl_static.c.

#include "sql/ddl.h"

#include <string.h>

#include "sql/options.h"
#include "sql/select.h"

mr_code mr_ddl_check_name(mr_session *s, const char *name, mr_place place) {
    if (mr_session_find(&s->objects, name) != NULL) {
        return mr_fail_at(s->cx, MR_E_EXISTS, place, "Give it another name.",
                          "\"%s\" is declared twice", name);
    }
    mr_span span = mr_span_of(name);
    if (mr_span_ends(span, "_bad") || mr_span_ends(span, "_late")) {
        size_t cut = mr_span_ends(span, "_bad") ? 4 : 5;
        const char *stem = mr_arena_copy(s->cx->arena, name, span.bytes - cut);
        const mr_object *object = mr_session_find(&s->objects, stem);
        if (object != NULL && object->kind == MR_OBJECT_FOREIGN) {
            return mr_fail_at(s->cx, MR_E_EXISTS, place, "Give it another name.",
                              "\"%s\" is the name of a table that \"%s\" makes", name, stem);
        }
    }
    return MR_OK;
}

mr_object *mr_ddl_add(mr_session *s, mr_object_kind kind, const char *name, mr_place place) {
    mr_object *object = MR_NEW(s->cx->arena, mr_object);
    object->kind = kind;
    object->name = name;
    object->place = place;
    object->index = s->objects.count;
    bool added = mr_map_put(&s->objects, mr_span_of(name), object);
    mr_assert(added);
    return object;
}

mr_code mr_ddl_column(mr_session *s, const PgQuery__ColumnDef *ast, mr_schema *schema) {
    mr_place place = mr_session_place(s, ast->location);
    if (mr_schema_find(schema, ast->colname) >= 0) {
        return mr_fail_at(s->cx, MR_E_EXISTS, place, "Give it another name.",
                          "column \"%s\" is declared twice", ast->colname);
    }
    mr_column column = {.name = ast->colname, .required = ast->is_not_null != 0};
    MR_TRY(mr_types_from_name(s, ast->type_name, &column.type));
    for (size_t i = 0; i < ast->n_constraints; i++) {
        column.required = column.required || ast->constraints[i]->constraint->contype ==
                                                 PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL;
    }
    schema->columns[schema->count++] = column;
    return MR_OK;
}

// ---- servers ---------------------------------------------------------------------------------

static mr_code unknown_wrapper(mr_session *s, const char *name, mr_place place) {
    const mr_port *port = s->env->port;
    size_t count = 0;
    const char **names =
        MR_NEW_ARRAY(s->cx->arena, const char *, port->source_count + port->sink_count + 1);
    mr_text all;
    mr_text_init(&all, s->cx->arena);
    for (size_t i = 0; i < port->source_count; i++) {
        names[count++] = port->sources[i]->name;
    }
    for (size_t i = 0; i < port->sink_count; i++) {
        if (mr_port_source(port, port->sinks[i]->name) == NULL) {
            names[count++] = port->sinks[i]->name;
        }
    }
    for (size_t i = 0; i < count; i++) {
        mr_text_addf(&all, "%s%s", i == 0 ? "There are: " : ", ", names[i]);
    }
    mr_text_add(&all, ".");
    const char *hint = mr_session_hint(s, name, names, count);
    return mr_fail_at(s->cx, MR_E_NAME, place, hint != NULL ? hint : mr_text_string(&all),
                      "unknown foreign data wrapper \"%s\"", name);
}

mr_code mr_ddl_server(mr_session *s, const PgQuery__CreateForeignServerStmt *ast) {
    mr_place place = mr_session_place(s, 0);
    if (mr_session_find(&s->servers, ast->servername) != NULL) {
        return mr_fail_at(s->cx, MR_E_EXISTS, place, "Give it another name.",
                          "server \"%s\" is declared twice", ast->servername);
    }
    mr_server *server = MR_NEW(s->cx->arena, mr_server);
    server->name = ast->servername;
    mr_map_put(&s->servers, mr_span_of(server->name), server);
    MR_TRY(mr_options_read(s, ast->options, ast->n_options, &server->options));
    if (mr_port_source(s->env->port, ast->fdwname) == NULL &&
        mr_port_sink(s->env->port, ast->fdwname) == NULL) {
        return unknown_wrapper(s, ast->fdwname, place);
    }
    server->wrapper = ast->fdwname;
    return MR_OK;
}

// ---- views -----------------------------------------------------------------------------------

mr_code mr_ddl_view(mr_session *s, const PgQuery__ViewStmt *ast) {
    mr_arena *arena = s->cx->arena;
    mr_place place = mr_session_place(s, ast->view->location);
    MR_TRY(mr_ddl_check_name(s, ast->view->relname, place));
    mr_option_values options;
    MR_TRY(mr_options_read(s, ast->options, ast->n_options, &options));
    mr_select q = {.s = s, .rules = s->rules};
    MR_TRY(mr_options_rules(s, &options, &q.rules));
    mr_plan *plan;
    MR_TRY(mr_select_plan(&q, ast->query->select_stmt, &plan));
    uint32_t named = mr_u32(ast->n_aliases);
    if (named > plan->schema->count) {
        return mr_fail_at(s->cx, MR_E_TYPE, place, /* hint= */ NULL,
                          "view \"%s\" names %u columns of %u", ast->view->relname, named,
                          plan->schema->count);
    }
    if (named > 0) {
        uint32_t count = plan->schema->count;
        mr_expr **exprs = MR_NEW_ARRAY(arena, mr_expr *, count);
        const char **names = MR_NEW_ARRAY(arena, const char *, count);
        for (uint32_t c = 0; c < count; c++) {
            exprs[c] = mr_expr_column(arena, plan->schema, c, place);
            names[c] = c < named ? mr_ast_string(ast->aliases[c]) : plan->schema->columns[c].name;
        }
        plan = mr_node_project(arena, plan, exprs, names, count);
    }
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        const char *name = plan->schema->columns[c].name;
        if (mr_schema_find(plan->schema, name) != (int32_t)c) {
            return mr_fail_at(s->cx, MR_E_EXISTS, place, "Name one of them with AS.",
                              "view \"%s\" has two columns \"%s\"", ast->view->relname, name);
        }
    }
    mr_ddl_add(s, MR_OBJECT_VIEW, ast->view->relname, place)->view = plan;
    return MR_OK;
}

// ---- settings --------------------------------------------------------------------------------

static mr_code set_zone(mr_session *s, const mr_option_value *value) {
    s->pipeline->zone_name = value->value;
    if (mr_span_equal_nocase(mr_span_of(value->value), MR_SPAN("UTC"))) {
        s->pipeline->zone = NULL;
        return MR_OK;
    }
    if (s->env->zone == NULL) {
        return mr_fail_at(s->cx, MR_E_NAME, value->place, "Use 'UTC'.", "unknown time zone \"%s\"",
                          value->value);
    }
    mr_code code = s->env->zone(s->env->self, value->value, &s->pipeline->zone, s->cx);
    if (code != MR_OK) {
        s->cx->error.place = value->place;
    }
    return code;
}

mr_code mr_ddl_set(mr_session *s, const PgQuery__VariableSetStmt *ast) {
    mr_place place = mr_session_place(s, 0);
    const mr_ast *arg = ast->n_args == 1 ? ast->args[0] : NULL;
    if (ast->kind != PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE || arg == NULL ||
        arg->node_case != PG_QUERY__NODE__NODE_A_CONST) {
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place, "Write SET name = value.",
                          "this form of SET is not supported");
    }
    const PgQuery__AConst *constant = arg->a_const;
    mr_option_value value = {.name = ast->name, .place = place};
    switch ((int)constant->val_case) {
    case PG_QUERY__A__CONST__VAL_SVAL: value.value = constant->sval->sval; break;
    case PG_QUERY__A__CONST__VAL_IVAL:
        value.value = mr_arena_printf(s->cx->arena, "%d", constant->ival->ival);
        break;
    case PG_QUERY__A__CONST__VAL_FVAL: value.value = constant->fval->fval; break;
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        value.value = constant->boolval->boolval != 0 ? "true" : "false";
        break;
    default: value.value = ""; break;
    }
    if (strcmp(ast->name, "timezone") == 0) {
        return set_zone(s, &value);
    }
    mr_option_values one = {.items = &value, .count = 1};
    MR_TRY(mr_options_settings(s, &one));
    mr_option_values *all = &s->pipeline->settings;
    if (mr_options_get(all, value.name) != NULL) {
        return mr_fail_at(s->cx, MR_E_OPTION, place, "Keep one of the two.", "\"%s\" is set twice",
                          value.name);
    }
    mr_option_value *more = MR_NEW_ARRAY(s->cx->arena, mr_option_value, all->count + 1);
    for (size_t i = 0; i < all->count; i++) {
        more[i] = all->items[i];
    }
    more[all->count] = value;
    *all = (mr_option_values){.items = more, .count = all->count + 1};
    return MR_OK;
}
