// External functions: calls of what is not in the function table, by DuckDB's name or by CREATE
// FUNCTION … LANGUAGE c.
// Also: mr_bind_library

#include <string.h>

#include "sql/bind.h"

static mr_expr *make_call(mr_arena *arena, const mr_external *external, const mr_bind_args *call) {
    mr_expr *expr = mr_expr_new(arena, MR_EXPR_EXTERNAL, external->result, call->place);
    expr->external = external;
    expr->args = call->args;
    expr->arg_count = call->count;
    return expr;
}

mr_code mr_bind_external(mr_session *s, const mr_bind_args *call, mr_expr **ret) {
    *ret = NULL;
    if (s->env->external == NULL) {
        return MR_OK;
    }
    mr_arena *arena = s->cx->arena;
    mr_type *types = MR_NEW_ARRAY(arena, mr_type, call->count + 1);
    const mr_vector **constants = MR_NEW_ARRAY(arena, const mr_vector *, call->count + 1);
    for (uint32_t i = 0; i < call->count; i++) {
        types[i] = call->args[i]->type;
        constants[i] = call->args[i]->kind == MR_EXPR_CONST ? &call->args[i]->constant : NULL;
    }
    mr_external_ask ask = {
        .name = call->name,
        .args = types,
        .constants = constants,
        .arg_count = call->count,
        .zone = s->pipeline->zone,
        .zone_name = s->pipeline->zone_name,
    };
    const mr_external *external = NULL;
    mr_code code = s->env->external(s->env->self, &ask, &external, s->cx);
    if (code != MR_OK) {
        if (s->cx->error.place.offset < 0) {
            s->cx->error.place = call->place;
        }
        return code;
    }
    *ret = external == NULL ? NULL : make_call(arena, external, call);
    return MR_OK;
}

mr_code mr_bind_library(mr_session *s, const mr_inline *fn, const mr_bind_args *call,
                        mr_expr **ret) {
    if (call->count != fn->params.count) {
        return mr_fail_at(s->cx, MR_E_TYPE, call->place, /* hint= */ NULL,
                          "function %s takes %u argument%s, not %u", fn->name, fn->params.count,
                          fn->params.count == 1 ? "" : "s", call->count);
    }
    for (uint32_t i = 0; i < call->count; i++) {
        MR_TRY(mr_types_cast(s, call->args[i], fn->params.columns[i].type, MR_CAST_IMPLICIT,
                             &call->args[i]));
    }
    *ret = make_call(s->cx->arena, fn->external, call);
    return MR_OK;
}
