// Types: names of types, which casts exist, which are made silently, and typed literals.

#pragma once

#include "sql/session.h"

typedef enum mr_cast_how { MR_CAST_IMPLICIT, MR_CAST_EXPLICIT, MR_CAST_TRY } mr_cast_how;

#define MR_CAST_NEVER 100000  // A cost that no chain of casts reaches.

// errors  MR_E_TYPE, with the nearest name or the type to use instead
mr_code mr_types_from_name(mr_session *s, const PgQuery__TypeName *name, mr_type *ret);
// CREATE TYPE name AS (field type, …).
mr_code mr_types_declare(mr_session *s, const PgQuery__CompositeTypeStmt *ast);
// How far an expression is from a type when casts are silent: 0 = has it, MR_CAST_NEVER = never. A
// text literal fits every type. A type without its parameters (numeric, list, struct) is any of its
// kind.
uint32_t mr_types_cost(const mr_expr *from, mr_type to);
// The expression as a value of a type: itself, a folded constant, or a CAST.
//   errors  MR_E_TYPE (no such cast), MR_E_VALUE (a literal that does not convert)
mr_code mr_types_cast(mr_session *s, mr_expr *expr, mr_type to, mr_cast_how how, mr_expr **ret);
// The type that all expressions are cast to where they meet (comparison, CASE, coalesce, IN).
//   what  names the construct in the message
mr_code mr_types_common(mr_session *s, mr_expr *const *exprs, uint32_t count, const char *what,
                        mr_type *ret);
// Digits and scale of a NUMERIC, or of the NUMERIC that holds all of an integer type.
void mr_types_digits(mr_type type, uint32_t *ret_digits, uint32_t *ret_scale);
// Casts every expression of the array, in place.
mr_code mr_types_cast_all(mr_session *s, mr_expr **exprs, uint32_t count, mr_type to);
