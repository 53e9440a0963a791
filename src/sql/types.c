// Types: silent and explicit casts, and the type where expressions meet; see types.h.
//
// How: silent casts go DuckDB's way, towards wider numbers (smallint, int, bigint, numeric, real,
// double) and date -> timestamp -> timestamptz; costs are its own, so that the same overload wins.
// A text literal takes the type it meets, a whole number written out the narrowest that holds it; a
// text column never changes silently, except to JSON. Explicit casts are one matrix.

#include "sql/types.h"

#include <string.h>

#include "column/interval.h"
#include "sql/types_fold.h"
#include "sql/types_text.h"

static bool is_text_literal(const mr_expr *expr) {
    return expr->kind == MR_EXPR_CONST && expr->type.id == MR_TEXT;
}

static bool is_whole_literal(const mr_expr *expr) {
    return expr->kind == MR_EXPR_CONST && expr->literal &&
           (expr->type.id == MR_INT32 || expr->type.id == MR_INT64);
}

// ---- silent casts ----------------------------------------------------------------------------

// DuckDB's costs of casts between numbers: the lower, the sooner it is chosen.
static uint32_t number_cost(mr_type_id to) {
    switch ((int)to) {
    case MR_INT64: return 101;
    case MR_FLOAT64: return 102;
    case MR_INT32: return 103;
    case MR_NUMERIC: return 104;
    default: return 110;
    }
}

// Numbers from narrow to wide.
static uint32_t number_rank(mr_type_id id) {
    static const uint8_t ranks[MR_TYPE_COUNT] = {
        [MR_INT16] = 1,   [MR_INT32] = 2,   [MR_INT64] = 3,
        [MR_NUMERIC] = 4, [MR_FLOAT32] = 5, [MR_FLOAT64] = 6};
    return ranks[id];
}

static uint32_t type_cost(mr_type from, mr_type to);

static uint32_t struct_cost(const mr_schema *from, const mr_schema *to) {
    uint32_t most = 0;
    for (uint32_t i = 0; i < to->count && from->count == to->count; i++) {
        int32_t field = mr_schema_find(from, to->columns[i].name);
        uint32_t cost =
            field < 0 ? MR_CAST_NEVER : type_cost(from->columns[field].type, to->columns[i].type);
        most = MR_MAX(most, cost);
    }
    return from->count == to->count ? most : MR_CAST_NEVER;
}

static uint32_t type_cost(mr_type from, mr_type to) {
    mr_type_id a = from.id, b = to.id;
    if (a == b) {
        bool any = from.fields == NULL || to.fields == NULL;
        return any || !mr_type_is_nested(to) ? 0
               : a == MR_LIST                ? type_cost(mr_type_element(from), mr_type_element(to))
                                             : struct_cost(from.fields, to.fields);
    }
    if (a == MR_NULLTYPE) {
        return 1;
    }
    if (number_rank(a) > 0 && number_rank(b) > 0) {
        return number_rank(a) < number_rank(b) ? number_cost(b) : MR_CAST_NEVER;
    }
    switch ((int)a) {
    case MR_DATE: return b == MR_TIMESTAMP ? 110 : b == MR_TIMESTAMPTZ ? 120 : MR_CAST_NEVER;
    case MR_TIMESTAMP: return b == MR_TIMESTAMPTZ ? 110 : MR_CAST_NEVER;
    case MR_JSON: return b == MR_TEXT ? 105 : MR_CAST_NEVER;
    case MR_TEXT: return b == MR_JSON ? 160 : MR_CAST_NEVER;
    default: return MR_CAST_NEVER;
    }
}

static bool literal_fits(const mr_expr *expr, mr_type_id to) {
    int64_t value = expr->type.id == MR_INT32 ? expr->constant.int32s[0] : expr->constant.int64s[0];
    return to == MR_INT16 ? value == (int16_t)value : number_rank(to) >= number_rank(expr->type.id);
}

uint32_t mr_types_cost(const mr_expr *from, mr_type to) {
    uint32_t cost = type_cost(from->type, to);
    if (cost == 0) {
        return 0;
    }
    if (is_text_literal(from)) {
        return 20;
    }
    if (is_whole_literal(from) && number_rank(to.id) > 0 && literal_fits(from, to.id)) {
        return number_cost(to.id) - 90;
    }
    return cost;
}

// ---- explicit casts --------------------------------------------------------------------------

#define BIT(id)  (1u << MR_##id)
#define INTEGERS (BIT(INT16) | BIT(INT32) | BIT(INT64))
#define NUMBERS  (INTEGERS | BIT(NUMERIC) | BIT(FLOAT32) | BIT(FLOAT64))
#define TIMES    (BIT(DATE) | BIT(TIMESTAMP) | BIT(TIMESTAMPTZ))

// To which types a type may be cast explicitly. Each may be cast to text and JSON, and these to
// each; lists and structs as their elements and fields may.
static const uint32_t explicit_casts[MR_TYPE_COUNT] = {
    [MR_BOOL] = NUMBERS,
    [MR_INT16] = NUMBERS | BIT(BOOL),
    [MR_INT32] = NUMBERS | BIT(BOOL),
    [MR_INT64] = NUMBERS | BIT(BOOL),
    [MR_NUMERIC] = NUMBERS | BIT(BOOL),
    [MR_FLOAT32] = NUMBERS | BIT(BOOL),
    [MR_FLOAT64] = NUMBERS | BIT(BOOL),
    [MR_UUID] = BIT(BYTES),
    [MR_DATE] = TIMES,
    [MR_TIMESTAMP] = TIMES | BIT(TIME),
    [MR_TIMESTAMPTZ] = TIMES,
};

static bool can_cast(mr_type from, mr_type to) {
    bool any = from.id == MR_NULLTYPE || from.id == MR_TEXT || from.id == MR_JSON ||
               to.id == MR_TEXT || to.id == MR_JSON;
    if (any || (explicit_casts[from.id] & (1u << to.id)) != 0) {
        return true;
    }
    if (from.id != to.id) {
        return false;
    }
    if (from.id == MR_LIST) {
        return can_cast(mr_type_element(from), mr_type_element(to));
    }
    if (from.id != MR_STRUCT) {
        return true;
    }
    for (uint32_t i = 0; i < to.fields->count; i++) {  // By name; what is missing becomes NULL.
        int32_t field = mr_schema_find(from.fields, to.fields->columns[i].name);
        if (field >= 0 && !can_cast(from.fields->columns[field].type, to.fields->columns[i].type)) {
            return false;
        }
    }
    return true;
}

// Advice for a cast that does not exist.
static const char *cast_hint(mr_session *s, mr_type from, mr_type to, mr_cast_how how) {
    if (mr_type_is_numeric(from) && (BIT(TIMESTAMP) | BIT(TIMESTAMPTZ)) & (1u << to.id)) {
        return "Use to_timestamp(seconds) or epoch_ms(milliseconds).";
    }
    if (how == MR_CAST_IMPLICIT && can_cast(from, to)) {
        return mr_arena_printf(s->cx->arena, "Cast it: x::%s.", mr_type_text(to, s->cx->arena));
    }
    return from.id == MR_TIMESTAMPTZ && to.id == MR_TIME
               ? "Take the wall clock first: x::timestamp::time."
               : NULL;
}

static mr_code bad_literal(mr_session *s, const mr_expr *expr, mr_type to) {
    mr_str text = mr_vector_str(&expr->constant, 0);
    static const char *const hints[MR_TYPE_COUNT] = {
        [MR_BOOL] = "Write 'true' or 'false'.",
        [MR_INT16] = "Write a whole number from -32768 to 32767.",
        [MR_INT32] = "Write a whole number.",
        [MR_INT64] = "Write a whole number.",
        [MR_NUMERIC] = "Write a number that has no more digits.",
        [MR_FLOAT32] = "Write a number.",
        [MR_FLOAT64] = "Write a number.",
        [MR_BYTES] = "Write \\x and two digits for bytes that are not plain letters: '\\x00\\xFF'.",
        [MR_UUID] = "Write it as 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'.",
        [MR_DATE] = "Write it as '2026-01-31'.",
        [MR_TIME] = "Write it as '12:30:00'.",
        [MR_TIMESTAMP] = "Write it as '2026-01-31 12:00:00'.",
        [MR_TIMESTAMPTZ] = "Write it as '2026-01-31 12:00:00+00'.",
        [MR_INTERVAL] = "Write it as '30 seconds' or '1 day 2 hours'.",
    };
    mr_interval interval;
    bool is_time = to.id == MR_DATE || to.id == MR_TIMESTAMP || to.id == MR_TIMESTAMPTZ;
    const char *hint = hints[to.id];
    if (is_time && mr_interval_parse((mr_span){text.data, text.bytes}, &interval)) {
        hint = mr_arena_printf(s->cx->arena, "Write interval '%.*s'.", (int)text.bytes, text.data);
    }
    const char *type = mr_type_text(to, s->cx->arena);
    return mr_fail_at(s->cx, MR_E_VALUE, expr->place, hint, "\"%.*s\" is not %s %s",
                      (int)MR_MIN(text.bytes, 80u), text.data,
                      strchr("aeiou", type[0]) != NULL ? "an" : "a", type);
}

// Texts of these are cast by exec, once: sql has no parser for them.
static bool cast_late(mr_type to) {
    return to.id == MR_JSON || mr_type_is_nested(to);
}

// Constants that can be cast here and now. Others are cast by exec, once.
static bool fold(mr_session *s, const mr_expr *expr, mr_type to, mr_expr **ret) {
    mr_arena *arena = s->cx->arena;
    const mr_vector *c = &expr->constant;
    uint64_t value[2] = {0, 0};
    if (mr_vector_is_null(c, 0)) {
        *ret = mr_expr_constant(arena, to, NULL, expr->place);
        return true;
    }
    bool folded = mr_types_fold(c, to, value);
    if (!folded && is_text_literal(expr)) {
        mr_str text = mr_vector_str(c, 0);
        folded =
            mr_types_literal((mr_span){text.data, text.bytes}, to, s->pipeline->zone, arena, value);
    }
    if (folded) {
        *ret = mr_expr_constant(arena, to, value, expr->place);
    }
    return folded;
}

mr_code mr_types_cast(mr_session *s, mr_expr *expr, mr_type to, mr_cast_how how, mr_expr **ret) {
    if (mr_type_equal(expr->type, to)) {
        *ret = expr;
        return MR_OK;
    }
    bool literal = is_text_literal(expr) && !mr_vector_is_null(&expr->constant, 0);
    bool allowed = expr->type.id == MR_NULLTYPE || literal ||
                   (how == MR_CAST_IMPLICIT ? mr_types_cost(expr, to) < MR_CAST_NEVER
                                            : can_cast(expr->type, to));
    if (!allowed) {
        return mr_fail_at(s->cx, MR_E_TYPE, expr->place, cast_hint(s, expr->type, to, how),
                          how == MR_CAST_IMPLICIT ? "%s where %s is needed"
                                                  : "%s cannot be cast to %s",
                          mr_type_text(expr->type, s->cx->arena), mr_type_text(to, s->cx->arena));
    }
    if (expr->kind == MR_EXPR_CONST && fold(s, expr, to, ret)) {
        return MR_OK;
    }
    if (literal && !cast_late(to)) {
        if (how != MR_CAST_TRY) {
            return bad_literal(s, expr, to);
        }
        *ret = mr_expr_constant(s->cx->arena, to, NULL, expr->place);
        return MR_OK;
    }
    mr_expr *cast = mr_expr_new(s->cx->arena, MR_EXPR_CAST, to, expr->place);
    cast->args = MR_NEW_ARRAY(s->cx->arena, mr_expr *, 1);
    cast->args[0] = expr;
    cast->arg_count = 1;
    cast->try_cast = how == MR_CAST_TRY;
    *ret = cast;
    return MR_OK;
}

// ---- the type where types meet ---------------------------------------------------------------

void mr_types_digits(mr_type type, uint32_t *ret_digits, uint32_t *ret_scale) {
    switch ((int)type.id) {
    case MR_INT16: *ret_digits = 5, *ret_scale = 0; return;
    case MR_INT32: *ret_digits = 10, *ret_scale = 0; return;
    case MR_INT64: *ret_digits = 19, *ret_scale = 0; return;
    default: *ret_digits = type.precision, *ret_scale = type.scale; return;
    }
}

static mr_type meet_numbers(mr_type a, mr_type b) {
    if (a.id != MR_NUMERIC && b.id != MR_NUMERIC) {
        return number_rank(a.id) > number_rank(b.id) ? a : b;
    }
    if (mr_type_is_float(a) || mr_type_is_float(b)) {
        return mr_type_is_float(a) ? a : b;
    }
    uint32_t digits[2], scale[2];
    mr_types_digits(a, &digits[0], &scale[0]);
    mr_types_digits(b, &digits[1], &scale[1]);
    uint32_t behind = MR_MAX(scale[0], scale[1]);
    uint32_t before = MR_MAX(digits[0] - scale[0], digits[1] - scale[1]);
    return MR_NUMERIC((uint8_t)MR_MIN(before + behind, (uint32_t)MR_NUMERIC_DIGITS_MAX),
                      (uint8_t)behind);
}

static bool meet(mr_type a, mr_type b, mr_arena *arena, mr_type *ret);

static bool meet_structs(const mr_schema *a, const mr_schema *b, mr_arena *arena, mr_type *ret) {
    if (a->count != b->count) {
        return false;
    }
    mr_schema *fields = MR_NEW(arena, mr_schema);
    fields->count = a->count;
    fields->columns = MR_NEW_ARRAY(arena, mr_column, a->count);
    for (uint32_t i = 0; i < a->count; i++) {
        const char *name = a->columns[i].name[0] != '\0' ? a->columns[i].name : b->columns[i].name;
        int32_t same = mr_schema_find(b, name);
        int32_t other = b->columns[i].name[0] == '\0' || same < 0 ? (int32_t)i : same;
        fields->columns[i] = (mr_column){.name = name};
        if (other < 0 ||
            !meet(a->columns[i].type, b->columns[other].type, arena, &fields->columns[i].type)) {
            return false;
        }
    }
    *ret = mr_type_struct(fields);
    return true;
}

static bool meet(mr_type a, mr_type b, mr_arena *arena, mr_type *ret) {
    if (mr_type_equal(a, b) || a.id == MR_NULLTYPE || b.id == MR_NULLTYPE) {
        *ret = a.id == MR_NULLTYPE ? b : a;
        return true;
    }
    if (number_rank(a.id) > 0 && number_rank(b.id) > 0) {
        *ret = meet_numbers(a, b);
        return true;
    }
    if (a.id == MR_LIST && b.id == MR_LIST) {
        mr_type element;
        bool met = meet(mr_type_element(a), mr_type_element(b), arena, &element);
        *ret = met ? mr_type_list(element, arena) : a;
        return met;
    }
    if (a.id == MR_STRUCT && b.id == MR_STRUCT) {
        return meet_structs(a.fields, b.fields, arena, ret);
    }
    if ((a.id == MR_TEXT && b.id == MR_JSON) || (a.id == MR_JSON && b.id == MR_TEXT)) {
        *ret = MR_TYPE(MR_JSON);
        return true;
    }
    *ret = type_cost(a, b) < MR_CAST_NEVER ? b : a;
    return type_cost(a, b) < MR_CAST_NEVER || type_cost(b, a) < MR_CAST_NEVER;
}

// The narrowest type of a whole literal beside smallints.
static mr_type firm_type(const mr_expr *expr, mr_type beside) {
    bool narrow = beside.id == MR_INT16 && is_whole_literal(expr) && literal_fits(expr, MR_INT16);
    return narrow ? beside : expr->type;
}

mr_code mr_types_common(mr_session *s, mr_expr *const *exprs, uint32_t count, const char *what,
                        mr_type *ret) {
    mr_assert(count > 0);
    mr_arena *arena = s->cx->arena;
    // First what is firmly typed, then whole literals, which may be narrow; texts follow.
    mr_type best = MR_TYPE(MR_NULLTYPE);
    bool texts = false;
    for (uint32_t i = 0; i < 2 * count; i++) {
        const mr_expr *expr = exprs[i % count];
        if (expr->type.id == MR_NULLTYPE || is_whole_literal(expr) == (i < count)) {
            continue;
        }
        if (is_text_literal(expr)) {
            texts = true;
            continue;
        }
        mr_type type = firm_type(expr, best);
        if (!meet(best, type, arena, &best)) {
            const char *name = mr_type_text(best, arena);
            const char *hint = mr_arena_printf(arena, "Cast one of them, as in x::%s.", name);
            return mr_fail_at(s->cx, MR_E_TYPE, expr->place,
                              can_cast(type, best) ? hint : "Cast both to one type, as in x::text.",
                              "%s mixes %s and %s", what, name, mr_type_text(type, arena));
        }
    }
    if (best.id == MR_NULLTYPE) {  // NULLs alone: DuckDB's choice.
        best = MR_TYPE(texts ? MR_TEXT : MR_INT32);
    }
    *ret = best;
    return MR_OK;
}

mr_code mr_types_cast_all(mr_session *s, mr_expr **exprs, uint32_t count, mr_type to) {
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(mr_types_cast(s, exprs[i], to, MR_CAST_IMPLICIT, &exprs[i]));
    }
    return MR_OK;
}
