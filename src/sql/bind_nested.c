// Bind, lists and structs: ARRAY[…], ROW(…), x[i], x[a:b], x.field.
//
// A field is reached as (x).field, and as x.field where x is no table of FROM.

#include <string.h>

#include "column/nested.h"
#include "sql/bind.h"

mr_code mr_bind_nested_list(mr_session *s, const mr_bind_args *call, mr_expr **ret) {
    mr_arena *arena = s->cx->arena;
    mr_type type = MR_TYPE(MR_NULLTYPE);
    if (call->count == 0) {
        mr_text empty;
        mr_text_init(&empty, arena);
        mr_nested_put_count(&empty, 0);
        mr_str value = {.data = mr_text_string(&empty), .bytes = mr_u32(empty.bytes)};
        *ret = mr_expr_constant(arena, mr_type_list(type, arena), &value, call->place);
        return MR_OK;
    }
    MR_TRY(mr_types_common(s, call->args, call->count, "array", &type));
    MR_TRY(mr_types_cast_all(s, call->args, call->count, type));
    return mr_bind_function(s, &(mr_bind_args){"list_value", call->args, call->count, call->place},
                            ret);
}

mr_code mr_bind_nested_array(mr_bind *b, const PgQuery__AArrayExpr *ast, mr_expr **ret) {
    mr_bind_args call = {.count = mr_u32(ast->n_elements),
                         .place = mr_session_place(b->s, ast->location)};
    MR_TRY(mr_bind_list(b, ast->elements, call.count, &call.args));
    return mr_bind_nested_list(b->s, &call, ret);
}

mr_code mr_bind_nested_row(mr_bind *b, const PgQuery__RowExpr *ast, mr_expr **ret) {
    mr_bind_args call = {.name = "row",
                         .count = mr_u32(ast->n_args),
                         .place = mr_session_place(b->s, ast->location)};
    if (call.count == 0) {
        return mr_fail_at(b->s->cx, MR_E_TYPE, call.place, "Give it values: ROW(1, 'a').",
                          "row has no values");
    }
    MR_TRY(mr_bind_list(b, ast->args, call.count, &call.args));
    return mr_bind_function(b->s, &call, ret);
}

mr_code mr_bind_nested_field(mr_session *s, mr_expr *from, const char *field, mr_expr **ret) {
    mr_arena *arena = s->cx->arena;
    if (from->type.id != MR_STRUCT) {
        const char *hint =
            from->type.id == MR_JSON
                ? mr_arena_printf(arena, "Write x->>'%s' for text, or x->'%s' for JSON.", field,
                                  field)
                : "Only composite types have fields.";
        return mr_fail_at(s->cx, MR_E_TYPE, from->place, hint, "%s has no field \"%s\"",
                          mr_type_text(from->type, arena), field);
    }
    const mr_schema *fields = from->type.fields;
    if (mr_schema_find(fields, field) < 0) {
        const char **names = MR_NEW_ARRAY(arena, const char *, fields->count + 1);
        for (uint32_t i = 0; i < fields->count; i++) {
            names[i] = fields->columns[i].name;
        }
        return mr_fail_at(s->cx, MR_E_NAME, from->place,
                          mr_session_hint(s, field, names, fields->count), "%s has no field \"%s\"",
                          mr_type_text(from->type, arena), field);
    }
    mr_expr *name = mr_expr_text(arena, mr_span_of(field), from->place);
    return mr_bind_function(
        s, &(mr_bind_args){"struct_extract", (mr_expr *[]){from, name}, 2, from->place}, ret);
}

// A bound of x[a:b]; the one that is left out is the end of the list on its side.
static mr_code bind_bound(mr_bind *b, const mr_ast *ast, int32_t open, mr_place place,
                          mr_expr **ret) {
    if (ast == NULL) {
        *ret = mr_expr_constant(b->s->cx->arena, MR_TYPE(MR_INT32), &open, place);
        return MR_OK;
    }
    return mr_bind_expr(b, ast, ret);
}

static mr_code bind_index(mr_bind *b, mr_expr *from, const PgQuery__AIndices *ast, mr_expr **ret) {
    mr_session *s = b->s;
    mr_expr *args[3] = {from, NULL, NULL};
    if (ast->is_slice && from->type.id == MR_LIST) {
        MR_TRY(bind_bound(b, ast->lidx, 1, from->place, &args[1]));
        MR_TRY(bind_bound(b, ast->uidx, -1, from->place, &args[2]));
        return mr_bind_function(s, &(mr_bind_args){"list_slice", args, 3, from->place}, ret);
    }
    if (!ast->is_slice) {
        MR_TRY(mr_bind_expr(b, ast->uidx, &args[1]));
    }
    if (!ast->is_slice && from->type.id == MR_LIST) {
        return mr_bind_function(s, &(mr_bind_args){"list_extract", args, 2, from->place}, ret);
    }
    if (!ast->is_slice && from->type.id == MR_JSON) {
        return mr_bind_function(s, &(mr_bind_args){"->", args, 2, from->place}, ret);
    }
    if (!ast->is_slice && from->type.id == MR_TEXT) {
        args[2] = mr_expr_constant(s->cx->arena, MR_TYPE(MR_INT32), &(int32_t){1}, from->place);
        return mr_bind_function(s, &(mr_bind_args){"substring", args, 3, from->place}, ret);
    }
    return mr_fail_at(s->cx, MR_E_TYPE, from->place,
                      from->type.id == MR_TEXT ? "Use substring(x, first, count)." : NULL,
                      "%s has no elements", mr_type_text(from->type, s->cx->arena));
}

mr_code mr_bind_nested_access(mr_bind *b, const PgQuery__AIndirection *ast, mr_expr **ret) {
    mr_expr *expr;
    MR_TRY(mr_bind_expr(b, ast->arg, &expr));
    for (size_t i = 0; i < ast->n_indirection; i++) {
        const mr_ast *step = ast->indirection[i];
        switch ((int)step->node_case) {
        case PG_QUERY__NODE__NODE_STRING:
            MR_TRY(mr_bind_nested_field(b->s, expr, step->string->sval, &expr));
            break;
        case PG_QUERY__NODE__NODE_A_INDICES:
            MR_TRY(bind_index(b, expr, step->a_indices, &expr));
            break;
        default:
            return mr_fail_at(b->s->cx, MR_E_UNSUPPORTED, expr->place, "Name the field.",
                              "* cannot stand behind a value");
        }
    }
    *ret = expr;
    return MR_OK;
}
