// Session: places, reported errors, names; see session.h.

#include "sql/session.h"

#include <string.h>

#define SESSION_ERRORS_MAX 100

mr_place mr_session_place_at(const mr_session *s, int32_t offset) {
    const mr_stretch *at = NULL;
    for (uint32_t i = 0; i < s->stretch_count && s->stretches[i].expanded <= offset; i++) {
        at = &s->stretches[i];
    }
    int32_t original = at == NULL  ? offset
                       : at->value ? at->original
                                   : at->original + (offset - at->expanded);
    return (mr_place){.file = s->file, .source = s->original, .offset = original};
}

mr_place mr_session_place(const mr_session *s, int32_t location) {
    return mr_session_place_at(s, s->base + MR_MAX(location, 0));
}

static int32_t first_location(mr_ast *const *nodes, size_t count);

// Location of a node, or -1 for those that have none of their own.
static int32_t node_location(const mr_ast *node) {
    if (node == NULL) {
        return -1;
    }
    switch ((int)node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF: return node->column_ref->location;
    case PG_QUERY__NODE__NODE_A_CONST: return node->a_const->location;
    case PG_QUERY__NODE__NODE_FUNC_CALL: return node->func_call->location;
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
        int32_t inner = node_location(node->type_cast->arg);
        int32_t own = node->type_cast->location;
        return inner >= 0 && inner < own ? inner : own;
    }
    case PG_QUERY__NODE__NODE_A_EXPR: {
        int32_t left = node_location(node->a_expr->lexpr);
        return left >= 0 ? left : node->a_expr->location;
    }
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
        return node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR
                   ? node->bool_expr->location
                   : first_location(node->bool_expr->args, node->bool_expr->n_args);
    case PG_QUERY__NODE__NODE_NULL_TEST: return node_location(node->null_test->arg);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return node_location(node->boolean_test->arg);
    case PG_QUERY__NODE__NODE_CASE_EXPR: return node->case_expr->location;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR: return node->coalesce_expr->location;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: return node->min_max_expr->location;
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: return node->sqlvalue_function->location;
    case PG_QUERY__NODE__NODE_SUB_LINK: return node->sub_link->location;
    case PG_QUERY__NODE__NODE_PARAM_REF: return node->param_ref->location;
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: return node->a_array_expr->location;
    case PG_QUERY__NODE__NODE_ROW_EXPR: return node->row_expr->location;
    case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR: return node->named_arg_expr->location;
    case PG_QUERY__NODE__NODE_GROUPING_SET: return node->grouping_set->location;
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: return node->collate_clause->location;
    case PG_QUERY__NODE__NODE_RES_TARGET: return node->res_target->location;
    case PG_QUERY__NODE__NODE_SORT_BY: return node_location(node->sort_by->node);
    case PG_QUERY__NODE__NODE_RANGE_VAR: return node->range_var->location;
    case PG_QUERY__NODE__NODE_COLUMN_DEF: return node->column_def->location;
    case PG_QUERY__NODE__NODE_CONSTRAINT: return node->constraint->location;
    case PG_QUERY__NODE__NODE_DEF_ELEM: return node->def_elem->location;
    case PG_QUERY__NODE__NODE_JOIN_EXPR: return node_location(node->join_expr->larg);
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
        return node_location(node->range_subselect->subquery);
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
        return first_location(node->range_function->functions, node->range_function->n_functions);
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        return first_location(node->select_stmt->target_list, node->select_stmt->n_target_list);
    case PG_QUERY__NODE__NODE_LIST: return first_location(node->list->items, node->list->n_items);
    default: return -1;
    }
}

static int32_t first_location(mr_ast *const *nodes, size_t count) {
    return count == 0 ? -1 : node_location(nodes[0]);
}

mr_place mr_session_place_of(const mr_session *s, const mr_ast *node) {
    return mr_session_place(s, node_location(node));
}

mr_code mr_session_report(mr_session *s, mr_code code) {
    mr_assert(code != MR_OK);
    if (s->silent) {
        s->silent = false;
        return code;
    }
    const mr_error *error = &s->cx->error;
    mr_sql_errors *list = s->errors;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].place.offset == error->place.offset &&
            strcmp(list->items[i].text, error->text) == 0) {
            return code;
        }
    }
    if (list->count == SESSION_ERRORS_MAX) {
        return code;
    }
    if (list->count == s->error_capacity) {
        uint32_t capacity = MR_MAX(4u, s->error_capacity * 2);
        mr_error *items = MR_NEW_ARRAY(s->cx->arena, mr_error, capacity);
        if (list->count > 0) {
            memcpy(items, list->items, sizeof(*items) * list->count);
        }
        list->items = items;
        s->error_capacity = capacity;
    }
    list->items[list->count++] = *error;
    return code;
}

mr_code mr_session_fail_silently(mr_session *s) {
    s->silent = true;
    return MR_E_NAME;
}

const char *mr_session_hint(mr_session *s, const char *name, const char *const *names,
                            size_t count) {
    return mr_text_hint(name, names, count, /* otherwise= */ NULL, s->cx->arena);
}

const char *mr_session_hint_map(mr_session *s, const char *name, const mr_map *map) {
    const char **names = MR_NEW_ARRAY(s->cx->arena, const char *, map->count + 1);
    for (uint32_t i = 0; i < map->count; i++) {
        mr_span key = map->entries[i].key;
        names[i] = mr_arena_copy(s->cx->arena, key.data, key.bytes);
    }
    return mr_session_hint(s, name, names, map->count);
}

void *mr_session_find(const mr_map *map, const char *name) {
    return mr_map_get(map, mr_span_of(name));
}

bool mr_session_suspects(const mr_session *s, const char *name) {
    for (uint32_t i = 0; i < s->unparsed_count; i++) {
        if (strstr(s->unparsed[i], name) != NULL) {
            return true;
        }
    }
    return false;
}
