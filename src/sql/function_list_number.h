// Function list, rows of arithmetic, and greatest and least; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_NUMBER(X)                                                                     \
    /* Arithmetic: DuckDB's meaning; integer overflow fails the row, division is always double. */ \
    X(ADD_INT32, "+", MR_FN_FALLIBLE, INT32, INT32, INT32, NULLTYPE, "Sum.", "6 + 2")              \
    X(ADD_INT64, "+", MR_FN_FALLIBLE, INT64, INT64, INT64, NULLTYPE, "Sum.", "6::bigint + 2")      \
    X(ADD_FLOAT64, "+", MR_FN_PURE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE, "Sum.", "6.5e0 + 2")      \
    X(SUB_INT32, "-", MR_FN_FALLIBLE, INT32, INT32, INT32, NULLTYPE, "Difference.", "6 - 2")       \
    X(SUB_INT64, "-", MR_FN_FALLIBLE, INT64, INT64, INT64, NULLTYPE, "Difference.",                \
      "6::bigint - 2")                                                                             \
    X(SUB_FLOAT64, "-", MR_FN_PURE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE, "Difference.",            \
      "6.5e0 - 2")                                                                                 \
    X(MUL_INT32, "*", MR_FN_FALLIBLE, INT32, INT32, INT32, NULLTYPE, "Product.", "6 * 2")          \
    X(MUL_INT64, "*", MR_FN_FALLIBLE, INT64, INT64, INT64, NULLTYPE, "Product.", "6::bigint * 2")  \
    X(MUL_FLOAT64, "*", MR_FN_PURE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE, "Product.", "6.5e0 * 2")  \
    X(DIV_FLOAT64, "/", MR_FN_PURE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE,                           \
      "Quotient as a double; infinite or NaN when divided by 0.", "7 / 2")                         \
    X(IDIV_INT32, "//", MR_FN_FALLIBLE, INT32, INT32, INT32, NULLTYPE,                             \
      "Whole quotient, cut towards 0; NULL when divided by 0.", "7 // 2")                          \
    X(IDIV_INT64, "//", MR_FN_FALLIBLE, INT64, INT64, INT64, NULLTYPE,                             \
      "Whole quotient, cut towards 0; NULL when divided by 0.", "7::bigint // 2")                  \
    X(IDIV_FLOAT64, "//", MR_FN_PURE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE,                         \
      "Quotient; NULL when divided by 0.", "7.5e0 // 2")                                           \
    X(MOD_INT32, "%", MR_FN_FALLIBLE, INT32, INT32, INT32, NULLTYPE,                               \
      "Remainder with the sign of the dividend; NULL when divided by 0.", "7 % 3")                 \
    X(MOD_INT64, "%", MR_FN_FALLIBLE, INT64, INT64, INT64, NULLTYPE,                               \
      "Remainder with the sign of the dividend; NULL when divided by 0.", "7::bigint % 3")         \
    X(MOD_FLOAT64, "%", MR_FN_PURE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE,                           \
      "Remainder with the sign of the dividend; NaN when divided by 0.", "7.5e0 % 2")              \
    X(NEG_INT32, "-", MR_FN_FALLIBLE, INT32, INT32, NULLTYPE, NULLTYPE,                            \
      "Value with the other sign.", "-(1 + 2)")                                                    \
    X(NEG_INT64, "-", MR_FN_FALLIBLE, INT64, INT64, NULLTYPE, NULLTYPE,                            \
      "Value with the other sign.", "-(3::bigint)")                                                \
    X(NEG_FLOAT64, "-", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                          \
      "Value with the other sign.", "-(1.5e0 + 2)")                                                \
    X(NEG_INTERVAL, "-", MR_FN_FALLIBLE, INTERVAL, INTERVAL, NULLTYPE, NULLTYPE,                   \
      "Value with the other sign.", "-(interval '1 day')")                                         \
    X(ABS_INT32, "abs", MR_FN_FALLIBLE, INT32, INT32, NULLTYPE, NULLTYPE,                          \
      "Value without its sign.", "abs(-3)")                                                        \
    X(ABS_INT64, "abs", MR_FN_FALLIBLE, INT64, INT64, NULLTYPE, NULLTYPE,                          \
      "Value without its sign.", "abs(-3::bigint)")                                                \
    X(ABS_FLOAT64, "abs", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                        \
      "Value without its sign.", "abs(-3.5e0)")                                                    \
    X(SIGN_FLOAT64, "sign", MR_FN_PURE, INT32, FLOAT64, NULLTYPE, NULLTYPE, "-1, 0 or 1.",         \
      "sign(-2.5)")                                                                                \
    X(ROUND, "round", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                            \
      "Nearest whole number; halves go away from 0.", "round(2.5e0)")                              \
    X(FLOOR, "floor", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                            \
      "Greatest whole number that is not greater.", "floor(2.7e0)")                                \
    X(CEIL, "ceil", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                              \
      "Least whole number that is not less.", "ceil(2.1e0)")                                       \
    X(TRUNC, "trunc", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                            \
      "Value without its fraction.", "trunc(-2.7e0)")                                              \
    X(ROUND_DIGITS, "round", MR_FN_PURE, FLOAT64, FLOAT64, INT32, NULLTYPE,                        \
      "Nearest value with that many digits behind the point.", "round(2.567e0, 2)")                \
    X(SQRT, "sqrt", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                          \
      "Square root; a negative value fails the row.", "sqrt(2)")                                   \
    X(CBRT, "cbrt", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Cube root.", "cbrt(27)")    \
    X(POWER, "power", MR_FN_FALLIBLE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE,                         \
      "First argument to the power of the second.", "power(2, 10)")                                \
    X(EXP, "exp", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                                \
      "e to the power of the value.", "exp(1)")                                                    \
    X(LN, "ln", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                              \
      "Natural logarithm; 0 or less fails the row.", "ln(8)")                                      \
    X(LOG10, "log10", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                        \
      "Logarithm to base 10; 0 or less fails the row.", "log10(8)")                                \
    X(LOG2, "log2", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                          \
      "Logarithm to base 2; 0 or less fails the row.", "log2(8)")                                  \
    X(ISNAN, "isnan", MR_FN_PURE, BOOL, FLOAT64, NULLTYPE, NULLTYPE, "Whether the value is NaN.",  \
      "isnan('nan'::double precision)")                                                            \
    X(ISFINITE, "isfinite", MR_FN_PURE, BOOL, FLOAT64, NULLTYPE, NULLTYPE,                         \
      "Whether the value is neither NaN nor infinite.", "isfinite(1.5)")                           \
    /* Greatest and least of any number of values; NULLs are passed over. */                       \
    X(GREATEST_INT32, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, INT32, INT32, NULLTYPE, NULLTYPE,  \
      "Greatest of the values that are not NULL.", "greatest(1, 3, 2)")                            \
    X(GREATEST_INT64, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, INT64, INT64, NULLTYPE, NULLTYPE,  \
      "Greatest of the values that are not NULL.", "greatest(1::bigint, 3)")                       \
    X(GREATEST_FLOAT64, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, FLOAT64, FLOAT64, NULLTYPE,      \
      NULLTYPE, "Greatest of the values that are not NULL.", "greatest(1.5e0, 2)")                 \
    X(GREATEST_TEXT, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, TEXT, TEXT, NULLTYPE, NULLTYPE,     \
      "Greatest of the values that are not NULL.", "greatest('a', 'b')")                           \
    X(GREATEST_DATE, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, DATE, DATE, NULLTYPE, NULLTYPE,     \
      "Greatest of the values that are not NULL.",                                                 \
      "greatest(date '2026-01-01', date '2026-01-02')")                                            \
    X(GREATEST_TIMESTAMP, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, TIMESTAMP, TIMESTAMP,          \
      NULLTYPE, NULLTYPE, "Greatest of the values that are not NULL.",                             \
      "greatest(timestamp '2026-01-01', timestamp '2026-01-02')")                                  \
    X(GREATEST_TIMESTAMPTZ, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, TIMESTAMPTZ, TIMESTAMPTZ,    \
      NULLTYPE, NULLTYPE, "Greatest of the values that are not NULL.",                             \
      "greatest(timestamptz '2026-01-01 00:00:00+00', timestamptz '2026-01-02 00:00:00+00')")      \
    X(LEAST_INT32, "least", MR_FN_VARIADIC | MR_FN_NULLS, INT32, INT32, NULLTYPE, NULLTYPE,        \
      "Least of the values that are not NULL.", "least(1, 3, 2)")                                  \
    X(LEAST_INT64, "least", MR_FN_VARIADIC | MR_FN_NULLS, INT64, INT64, NULLTYPE, NULLTYPE,        \
      "Least of the values that are not NULL.", "least(1::bigint, 3)")                             \
    X(LEAST_FLOAT64, "least", MR_FN_VARIADIC | MR_FN_NULLS, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,  \
      "Least of the values that are not NULL.", "least(1.5e0, 2)")                                 \
    X(LEAST_TEXT, "least", MR_FN_VARIADIC | MR_FN_NULLS, TEXT, TEXT, NULLTYPE, NULLTYPE,           \
      "Least of the values that are not NULL.", "least('a', 'b')")                                 \
    X(LEAST_DATE, "least", MR_FN_VARIADIC | MR_FN_NULLS, DATE, DATE, NULLTYPE, NULLTYPE,           \
      "Least of the values that are not NULL.", "least(date '2026-01-01', date '2026-01-02')")     \
    X(LEAST_TIMESTAMP, "least", MR_FN_VARIADIC | MR_FN_NULLS, TIMESTAMP, TIMESTAMP, NULLTYPE,      \
      NULLTYPE, "Least of the values that are not NULL.",                                          \
      "least(timestamp '2026-01-01', timestamp '2026-01-02')")                                     \
    X(LEAST_TIMESTAMPTZ, "least", MR_FN_VARIADIC | MR_FN_NULLS, TIMESTAMPTZ, TIMESTAMPTZ,          \
      NULLTYPE, NULLTYPE, "Least of the values that are not NULL.",                                \
      "least(timestamptz '2026-01-01 00:00:00+00', timestamptz '2026-01-02 00:00:00+00')")
