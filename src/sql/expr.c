// Expr: building, comparing, hashing and rewriting bound expressions.

#include "sql/expr.h"

#include <string.h>

mr_expr *mr_expr_new(mr_arena *arena, mr_expr_kind kind, mr_type type, mr_place place) {
    mr_expr *expr = MR_NEW(arena, mr_expr);
    expr->kind = kind;
    expr->type = type;
    expr->place = place;
    return expr;
}

mr_expr *mr_expr_column(mr_arena *arena, const mr_schema *schema, uint32_t column, mr_place place) {
    mr_assert(column < schema->count);
    mr_expr *expr = mr_expr_new(arena, MR_EXPR_COLUMN, schema->columns[column].type, place);
    expr->column = column;
    return expr;
}

mr_expr *mr_expr_constant(mr_arena *arena, mr_type type, const void *value, mr_place place) {
    mr_expr *expr = mr_expr_new(arena, MR_EXPR_CONST, type, place);
    if (value == NULL) {
        expr->constant = mr_vector_null(arena, type);
        return expr;
    }
    expr->constant = (mr_vector){.type = type, .kind = MR_CONST};
    expr->constant.data = mr_arena_copy(arena, value, mr_type_bytes(type));
    return expr;
}

mr_expr *mr_expr_text(mr_arena *arena, mr_span text, mr_place place) {
    mr_str value = {.data = mr_arena_copy(arena, text.data, text.bytes),
                    .bytes = mr_u32(text.bytes)};
    return mr_expr_constant(arena, MR_TYPE(MR_TEXT), &value, place);
}

static mr_expr *with_args(mr_arena *arena, mr_expr *expr, mr_expr *const *args, uint32_t count) {
    expr->args = MR_NEW_ARRAY(arena, mr_expr *, count);
    memcpy(expr->args, args, sizeof(*args) * count);
    expr->arg_count = count;
    return expr;
}

mr_expr *mr_expr_unary(mr_arena *arena, mr_expr_kind kind, mr_expr *arg) {
    return with_args(arena, mr_expr_new(arena, kind, MR_TYPE(MR_BOOL), arg->place), &arg, 1);
}

mr_expr *mr_expr_compare(mr_arena *arena, mr_compare compare, mr_expr *left, mr_expr *right) {
    mr_assert(mr_type_equal(left->type, right->type));
    mr_expr *expr = mr_expr_new(arena, MR_EXPR_COMPARE, MR_TYPE(MR_BOOL), left->place);
    expr->compare = compare;
    return with_args(arena, expr, (mr_expr *[]){left, right}, 2);
}

mr_expr *mr_expr_join(mr_arena *arena, mr_expr_kind kind, mr_expr **args, uint32_t count) {
    mr_assert(kind == MR_EXPR_AND || kind == MR_EXPR_OR);
    if (count <= 1) {
        return count == 0 ? NULL : args[0];
    }
    return with_args(arena, mr_expr_new(arena, kind, MR_TYPE(MR_BOOL), args[0]->place), args,
                     count);
}

bool mr_expr_is_null(const mr_expr *expr) {
    return expr->kind == MR_EXPR_CONST && mr_vector_is_null(&expr->constant, 0);
}

bool mr_expr_can_fail(const mr_expr *expr) {
    if (expr->kind == MR_EXPR_CALL && (mr_function_table[expr->fn].flags & MR_FN_FALLIBLE) != 0) {
        return true;
    }
    if (expr->kind == MR_EXPR_EXTERNAL || (expr->kind == MR_EXPR_CAST && !expr->try_cast)) {
        return true;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (mr_expr_can_fail(expr->args[i])) {
            return true;
        }
    }
    return false;
}

mr_expr *mr_expr_replace(mr_arena *arena, const mr_expr *expr, mr_expr_column_to to, void *self) {
    if (expr->kind == MR_EXPR_COLUMN) {
        return to(self, expr);
    }
    mr_expr *copy = MR_NEW(arena, mr_expr);
    *copy = *expr;
    copy->args = MR_NEW_ARRAY(arena, mr_expr *, expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        copy->args[i] = mr_expr_replace(arena, expr->args[i], to, self);
    }
    return copy;
}

typedef struct renumber_self {
    mr_arena *arena;
    const uint32_t *map;
} renumber_self;

static mr_expr *renumber_column(void *self, const mr_expr *column) {
    const renumber_self *r = self;
    mr_expr *copy = MR_NEW(r->arena, mr_expr);
    *copy = *column;
    copy->column = r->map[column->column];
    mr_assert(copy->column != UINT32_MAX);  // What is read was kept.
    return copy;
}

mr_expr *mr_expr_renumber(mr_arena *arena, const mr_expr *expr, const uint32_t *map) {
    return mr_expr_replace(arena, expr, renumber_column,
                           &(renumber_self){.arena = arena, .map = map});
}

void mr_expr_mark_columns(const mr_expr *expr, bool *used) {
    if (expr->kind == MR_EXPR_COLUMN) {
        used[expr->column] = true;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        mr_expr_mark_columns(expr->args[i], used);
    }
}

static bool same_own(const mr_expr *a, const mr_expr *b) {
    if (a->kind != b->kind || !mr_type_equal(a->type, b->type) || a->arg_count != b->arg_count) {
        return false;
    }
    switch (a->kind) {
    case MR_EXPR_COLUMN: return a->column == b->column;
    case MR_EXPR_CONST: return mr_vector_same(&a->constant, 0, &b->constant, 0);
    case MR_EXPR_CALL: return a->fn == b->fn;
    case MR_EXPR_EXTERNAL:
        return strcmp(a->external->name, b->external->name) == 0 &&
               strcmp(a->external->identity, b->external->identity) == 0;
    case MR_EXPR_CAST: return a->try_cast == b->try_cast;
    case MR_EXPR_COMPARE: return a->compare == b->compare;
    case MR_EXPR_AND:
    case MR_EXPR_OR:
    case MR_EXPR_NOT:
    case MR_EXPR_IS_NULL:
    case MR_EXPR_IS_TRUE:
    case MR_EXPR_IS_FALSE:
    case MR_EXPR_COALESCE:
    case MR_EXPR_CASE:
    case MR_EXPR_NOW: return true;
    }
    return false;
}

bool mr_expr_equal(const mr_expr *a, const mr_expr *b) {
    if (a == b) {
        return true;
    }
    if (!same_own(a, b)) {
        return false;
    }
    for (uint32_t i = 0; i < a->arg_count; i++) {
        if (!mr_expr_equal(a->args[i], b->args[i])) {
            return false;
        }
    }
    return true;
}

uint64_t mr_expr_hash(const mr_expr *expr) {
    // Ids of functions may be renumbered by a later version, so names and types are hashed instead.
    uint64_t hash = mr_type_hash(expr->type, (uint64_t)expr->kind);
    switch (expr->kind) {
    case MR_EXPR_COLUMN: hash = mr_hash_u64(expr->column, hash); break;
    case MR_EXPR_CONST: {
        uint64_t value = 0;
        mr_vector_hash(&expr->constant, /* sel= */ NULL, 1, /* seed= */ 0, &value);
        hash = mr_hash_u64(value, hash);
        break;
    }
    case MR_EXPR_CALL: {
        const char *id = mr_function_table[expr->fn].id;
        hash = mr_hash_bytes(id, strlen(id), hash);
        break;
    }
    case MR_EXPR_EXTERNAL: {
        const char *parts[] = {expr->external->name, expr->external->identity};
        for (size_t i = 0; i < MR_COUNT(parts); i++) {
            hash = mr_hash_bytes(parts[i], strlen(parts[i]), hash);
        }
        break;
    }
    case MR_EXPR_CAST: hash = mr_hash_u64(expr->try_cast, hash); break;
    case MR_EXPR_COMPARE: hash = mr_hash_u64((uint64_t)expr->compare, hash); break;
    case MR_EXPR_AND:
    case MR_EXPR_OR:
    case MR_EXPR_NOT:
    case MR_EXPR_IS_NULL:
    case MR_EXPR_IS_TRUE:
    case MR_EXPR_IS_FALSE:
    case MR_EXPR_COALESCE:
    case MR_EXPR_CASE:
    case MR_EXPR_NOW: break;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        hash = mr_hash_u64(mr_expr_hash(expr->args[i]), hash);
    }
    return hash;
}
