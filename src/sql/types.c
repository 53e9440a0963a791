// Types: names, silent and explicit casts, constants folded on the way; see types.h.
//
// How: silent casts go DuckDB's way, int -> bigint -> double and date -> timestamp -> timestamptz;
// a text literal takes the type it meets, a text column never does. Explicit casts are one matrix.

#include "sql/types.h"

#include <string.h>

static bool is_text_literal(const mr_expr *expr) {
    return expr->kind == MR_EXPR_CONST && expr->type.id == MR_TEXT;
}

uint32_t mr_types_cost(const mr_expr *from, mr_type to) {
    mr_type_id a = from->type.id, b = to.id;
    if (a == b) {
        return 0;
    }
    if (a == MR_NULLTYPE) {
        return 1;
    }
    if (is_text_literal(from)) {
        return 3;
    }
    if (a == MR_INT32) {
        return b == MR_INT64 ? 1 : b == MR_FLOAT64 ? 2 : MR_CAST_NEVER;
    }
    if (a == MR_INT64) {
        return b == MR_FLOAT64 ? 2 : MR_CAST_NEVER;
    }
    if (a == MR_DATE) {
        return b == MR_TIMESTAMP ? 1 : b == MR_TIMESTAMPTZ ? 2 : MR_CAST_NEVER;
    }
    return a == MR_TIMESTAMP && b == MR_TIMESTAMPTZ ? 1 : MR_CAST_NEVER;
}

#define BIT(id) (1u << MR_##id)
#define NUMBERS (BIT(INT32) | BIT(INT64) | BIT(FLOAT64))
#define TIMES   (BIT(DATE) | BIT(TIMESTAMP) | BIT(TIMESTAMPTZ))

// To which types a type may be cast explicitly. Each may be cast to text, and text to each.
static const uint32_t explicit_casts[MR_TYPE_COUNT] = {
    [MR_BOOL] = NUMBERS,
    [MR_INT32] = NUMBERS | BIT(BOOL),
    [MR_INT64] = NUMBERS | BIT(BOOL),
    [MR_FLOAT64] = NUMBERS | BIT(BOOL),
    [MR_DATE] = TIMES,
    [MR_TIMESTAMP] = TIMES,
    [MR_TIMESTAMPTZ] = TIMES,
};

static bool can_cast(mr_type_id from, mr_type_id to) {
    return from == to || from == MR_TEXT || to == MR_TEXT ||
           (explicit_casts[from] & (1u << to)) != 0;
}

// Advice for a cast that does not exist.
static const char *cast_hint(mr_session *s, mr_type from, mr_type to, mr_cast_how how) {
    if (mr_type_is_numeric(from) && (BIT(TIMESTAMP) | BIT(TIMESTAMPTZ)) & (1u << to.id)) {
        return "Use to_timestamp(seconds) or epoch_ms(milliseconds).";
    }
    if (how == MR_CAST_IMPLICIT && can_cast(from.id, to.id)) {
        return mr_arena_printf(s->cx->arena, "Cast it: x::%s.", mr_type_name(to));
    }
    return NULL;
}

static mr_code bad_literal(mr_session *s, const mr_expr *expr, mr_type to) {
    mr_str text = mr_vector_str(&expr->constant, 0);
    static const char *const hints[MR_TYPE_COUNT] = {
        [MR_BOOL] = "Write 'true' or 'false'.",
        [MR_INT32] = "Write a whole number.",
        [MR_INT64] = "Write a whole number.",
        [MR_FLOAT64] = "Write a number.",
        [MR_DATE] = "Write it as '2026-01-31'.",
        [MR_TIMESTAMP] = "Write it as '2026-01-31 12:00:00'.",
        [MR_TIMESTAMPTZ] = "Write it as '2026-01-31 12:00:00+00'.",
        [MR_INTERVAL] = "Write it as '30 seconds' or '1 day 2 hours'.",
    };
    mr_interval interval;
    bool is_time = to.id == MR_DATE || to.id == MR_TIMESTAMP || to.id == MR_TIMESTAMPTZ;
    const char *hint = hints[to.id];
    if (is_time && mr_types_interval((mr_span){text.data, text.bytes}, &interval)) {
        hint = mr_arena_printf(s->cx->arena, "Write interval '%.*s'.", (int)text.bytes, text.data);
    }
    return mr_fail_at(s->cx, MR_E_VALUE, expr->place, hint, "\"%.*s\" is not %s %s",
                      (int)MR_MIN(text.bytes, 80u), text.data,
                      strchr("aeiou", mr_type_name(to)[0]) != NULL ? "an" : "a", mr_type_name(to));
}

// Constants that can be cast here and now, exactly. Others are cast by exec, once.
static bool fold(mr_session *s, const mr_expr *expr, mr_type to, mr_expr **ret) {
    mr_arena *arena = s->cx->arena;
    const mr_vector *c = &expr->constant;
    if (mr_vector_is_null(c, 0)) {
        *ret = mr_expr_constant(arena, to, NULL, expr->place);
        return true;
    }
    if (expr->type.id == MR_INT32 && to.id == MR_INT64) {
        *ret = mr_expr_constant(arena, to, &(int64_t){c->int32s[0]}, expr->place);
        return true;
    }
    if (expr->type.id == MR_INT32 && to.id == MR_FLOAT64) {
        *ret = mr_expr_constant(arena, to, &(double){c->int32s[0]}, expr->place);
        return true;
    }
    if (expr->type.id == MR_INT64 && to.id == MR_FLOAT64) {
        *ret = mr_expr_constant(arena, to, &(double){(double)c->int64s[0]}, expr->place);
        return true;
    }
    if (is_text_literal(expr) && to.id != MR_BYTES) {
        mr_str text = mr_vector_str(c, 0);
        uint64_t value[2] = {0, 0};
        if (mr_types_literal((mr_span){text.data, text.bytes}, to, s->pipeline->zone, value)) {
            *ret = mr_expr_constant(arena, to, value, expr->place);
            return true;
        }
    }
    return false;
}

mr_code mr_types_cast(mr_session *s, mr_expr *expr, mr_type to, mr_cast_how how, mr_expr **ret) {
    if (mr_type_equal(expr->type, to)) {
        *ret = expr;
        return MR_OK;
    }
    if (expr->kind == MR_EXPR_CONST && fold(s, expr, to, ret)) {
        return MR_OK;
    }
    if (is_text_literal(expr) && to.id != MR_BYTES) {
        if (how != MR_CAST_TRY) {
            return bad_literal(s, expr, to);
        }
        *ret = mr_expr_constant(s->cx->arena, to, NULL, expr->place);
        return MR_OK;
    }
    bool allowed = expr->type.id == MR_NULLTYPE ||
                   (how == MR_CAST_IMPLICIT ? mr_types_cost(expr, to) < MR_CAST_NEVER
                                            : can_cast(expr->type.id, to.id));
    if (!allowed) {
        return mr_fail_at(s->cx, MR_E_TYPE, expr->place, cast_hint(s, expr->type, to, how),
                          how == MR_CAST_IMPLICIT ? "%s where %s is needed"
                                                  : "%s cannot be cast to %s",
                          mr_type_name(expr->type), mr_type_name(to));
    }
    mr_expr *cast = mr_expr_new(s->cx->arena, MR_EXPR_CAST, to, expr->place);
    cast->args = MR_NEW_ARRAY(s->cx->arena, mr_expr *, 1);
    cast->args[0] = expr;
    cast->arg_count = 1;
    cast->try_cast = how == MR_CAST_TRY;
    *ret = cast;
    return MR_OK;
}

mr_code mr_types_common(mr_session *s, mr_expr *const *exprs, uint32_t count, const char *what,
                        mr_type *ret) {
    mr_assert(count > 0);
    // First what is firmly typed, then literals, which follow.
    const mr_expr *best = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const mr_expr *expr = exprs[i];
        if (expr->type.id == MR_NULLTYPE || is_text_literal(expr)) {
            continue;
        }
        if (best == NULL || mr_types_cost(best, expr->type) < MR_CAST_NEVER) {
            best = expr;
        } else if (mr_types_cost(expr, best->type) >= MR_CAST_NEVER) {
            const char *hint = mr_arena_printf(s->cx->arena, "Cast one of them, as in x::%s.",
                                               mr_type_name(best->type));
            return mr_fail_at(
                s->cx, MR_E_TYPE, expr->place,
                can_cast(expr->type.id, best->type.id) ? hint
                                                       : "Cast both to one type, as in x::text.",
                "%s mixes %s and %s", what, mr_type_name(best->type), mr_type_name(expr->type));
        }
    }
    for (uint32_t i = 0; i < count && best == NULL; i++) {
        best = is_text_literal(exprs[i]) ? exprs[i] : NULL;
    }
    *ret = best == NULL ? MR_TYPE(MR_INT32) : best->type;  // NULLs alone: DuckDB's choice.
    return MR_OK;
}

mr_code mr_types_cast_all(mr_session *s, mr_expr **exprs, uint32_t count, mr_type to) {
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_types_cast(s, exprs[i], to, MR_CAST_IMPLICIT, &exprs[i]));
    }
    return MR_OK;
}
