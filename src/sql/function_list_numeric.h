// Function list, rows of arithmetic of smallint, real and numeric, and greatest and least of the
// types that function_list_number.h lacks; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_NUMERIC(X)                                                                    \
    X(ADD_INT16, "+", MR_FN_FALLIBLE, INT16, INT16, INT16, NULLTYPE, "Sum.",                       \
      "6::smallint + 2::smallint")                                                                 \
    X(ADD_FLOAT32, "+", MR_FN_PURE, FLOAT32, FLOAT32, FLOAT32, NULLTYPE, "Sum.", "6.5::real + 2")  \
    X(ADD_NUMERIC, "+", MR_FN_FALLIBLE | MR_FN_TYPED, NUMERIC, NUMERIC, NUMERIC, NULLTYPE,         \
      "Sum, exact; more digits than its type has fail the row.", "6.50 + 2.5")                     \
    X(SUB_INT16, "-", MR_FN_FALLIBLE, INT16, INT16, INT16, NULLTYPE, "Difference.",                \
      "6::smallint - 2::smallint")                                                                 \
    X(SUB_FLOAT32, "-", MR_FN_PURE, FLOAT32, FLOAT32, FLOAT32, NULLTYPE, "Difference.",            \
      "6.5::real - 2")                                                                             \
    X(SUB_NUMERIC, "-", MR_FN_FALLIBLE | MR_FN_TYPED, NUMERIC, NUMERIC, NUMERIC, NULLTYPE,         \
      "Difference, exact; more digits than its type has fail the row.", "6.50 - 2.5")              \
    X(MUL_INT16, "*", MR_FN_FALLIBLE, INT16, INT16, INT16, NULLTYPE, "Product.",                   \
      "6::smallint * 2::smallint")                                                                 \
    X(MUL_FLOAT32, "*", MR_FN_PURE, FLOAT32, FLOAT32, FLOAT32, NULLTYPE, "Product.",               \
      "6.5::real * 2")                                                                             \
    X(MUL_NUMERIC, "*", MR_FN_FALLIBLE | MR_FN_TYPED, NUMERIC, NUMERIC, NUMERIC, NULLTYPE,         \
      "Product, exact; more digits than its type has fail the row.", "6.50 * 2.5")                 \
    X(DIV_FLOAT32, "/", MR_FN_PURE, FLOAT32, FLOAT32, FLOAT32, NULLTYPE,                           \
      "Quotient; infinite or NaN when divided by 0.", "6.5::real / 2")                             \
    X(IDIV_INT16, "//", MR_FN_FALLIBLE, INT16, INT16, INT16, NULLTYPE,                             \
      "Whole quotient, cut towards 0; NULL when divided by 0.", "7::smallint // 2::smallint")      \
    X(MOD_INT16, "%", MR_FN_FALLIBLE, INT16, INT16, INT16, NULLTYPE,                               \
      "Remainder with the sign of the dividend; NULL when divided by 0.",                          \
      "7::smallint % 3::smallint")                                                                 \
    X(MOD_FLOAT32, "%", MR_FN_PURE, FLOAT32, FLOAT32, FLOAT32, NULLTYPE,                           \
      "Remainder with the sign of the dividend; NaN when divided by 0.", "7.5::real % 2")          \
    X(MOD_NUMERIC, "%", MR_FN_TYPED, NUMERIC, NUMERIC, NUMERIC, NULLTYPE,                          \
      "Remainder with the sign of the dividend; NULL when divided by 0.", "7.5 % 2.2")             \
    X(NEG_INT16, "-", MR_FN_FALLIBLE, INT16, INT16, NULLTYPE, NULLTYPE,                            \
      "Value with the other sign.", "-(3::smallint + 1::smallint)")                                \
    X(NEG_FLOAT32, "-", MR_FN_PURE, FLOAT32, FLOAT32, NULLTYPE, NULLTYPE,                          \
      "Value with the other sign.", "-(1.5::real + 2)")                                            \
    X(NEG_NUMERIC, "-", MR_FN_TYPED, NUMERIC, NUMERIC, NULLTYPE, NULLTYPE,                         \
      "Value with the other sign.", "-(1.5 + 2)")                                                  \
    X(ABS_INT16, "abs", MR_FN_FALLIBLE, INT16, INT16, NULLTYPE, NULLTYPE,                          \
      "Value without its sign.", "abs(3::smallint + 1::smallint)")                                 \
    X(ABS_FLOAT32, "abs", MR_FN_PURE, FLOAT32, FLOAT32, NULLTYPE, NULLTYPE,                        \
      "Value without its sign.", "abs(1.5::real + 2)")                                             \
    X(ABS_NUMERIC, "abs", MR_FN_TYPED, NUMERIC, NUMERIC, NULLTYPE, NULLTYPE,                       \
      "Value without its sign.", "abs(1.5 + 2)")                                                   \
    X(ROUND_FLOAT32, "round", MR_FN_PURE, FLOAT32, FLOAT32, NULLTYPE, NULLTYPE,                    \
      "Nearest whole number; halves go away from 0.", "round(-2.5::real)")                         \
    X(ROUND_NUMERIC, "round", MR_FN_TYPED, NUMERIC, NUMERIC, NULLTYPE, NULLTYPE,                   \
      "Nearest whole number; halves go away from 0.", "round(-2.5)")                               \
    X(FLOOR_FLOAT32, "floor", MR_FN_PURE, FLOAT32, FLOAT32, NULLTYPE, NULLTYPE,                    \
      "Greatest whole number that is not greater.", "floor(-2.5::real)")                           \
    X(FLOOR_NUMERIC, "floor", MR_FN_TYPED, NUMERIC, NUMERIC, NULLTYPE, NULLTYPE,                   \
      "Greatest whole number that is not greater.", "floor(-2.5)")                                 \
    X(CEIL_FLOAT32, "ceil", MR_FN_PURE, FLOAT32, FLOAT32, NULLTYPE, NULLTYPE,                      \
      "Least whole number that is not less.", "ceil(-2.5::real)")                                  \
    X(CEIL_NUMERIC, "ceil", MR_FN_TYPED, NUMERIC, NUMERIC, NULLTYPE, NULLTYPE,                     \
      "Least whole number that is not less.", "ceil(-2.5)")                                        \
    X(TRUNC_FLOAT32, "trunc", MR_FN_PURE, FLOAT32, FLOAT32, NULLTYPE, NULLTYPE,                    \
      "Value without its fraction.", "trunc(-2.5::real)")                                          \
    X(TRUNC_NUMERIC, "trunc", MR_FN_TYPED, NUMERIC, NUMERIC, NULLTYPE, NULLTYPE,                   \
      "Value without its fraction.", "trunc(-2.5)")                                                \
    X(ROUND_DIGITS_FLOAT32, "round", MR_FN_PURE, FLOAT32, FLOAT32, INT32, NULLTYPE,                \
      "Nearest value with that many digits behind the point.", "round(2.567::real, 2)")            \
    X(ROUND_DIGITS_NUMERIC, "round", MR_FN_TYPED, NUMERIC, NUMERIC, INT32, NULLTYPE,               \
      "Nearest value with that many digits behind the point; their number is a constant.",         \
      "round(2.567, 2)")                                                                           \
    X(TRUNC_DIGITS_NUMERIC, "trunc", MR_FN_TYPED, NUMERIC, NUMERIC, INT32, NULLTYPE,               \
      "Value cut to that many digits behind the point; their number is a constant.",               \
      "trunc(2.567, 2)")                                                                           \
    X(GREATEST_BOOL, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, BOOL, BOOL, NULLTYPE, NULLTYPE,     \
      "Greatest of the values that are not NULL.", "greatest(true, false)")                        \
    X(GREATEST_INT16, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, INT16, INT16, NULLTYPE, NULLTYPE,  \
      "Greatest of the values that are not NULL.", "greatest(1::smallint, 2::smallint)")           \
    X(GREATEST_NUMERIC, "greatest", MR_FN_VARIADIC | MR_FN_NULLS | MR_FN_TYPED, NUMERIC, NUMERIC,  \
      NULLTYPE, NULLTYPE, "Greatest of the values that are not NULL.", "greatest(1.5, 2.25)")      \
    X(GREATEST_FLOAT32, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, FLOAT32, FLOAT32, NULLTYPE,      \
      NULLTYPE, "Greatest of the values that are not NULL.", "greatest(1.5::real, 2)")             \
    X(GREATEST_BYTES, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, BYTES, BYTES, NULLTYPE, NULLTYPE,  \
      "Greatest of the values that are not NULL.", "greatest('a'::bytea, 'b'::bytea)")             \
    X(GREATEST_UUID, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, UUID, UUID, NULLTYPE, NULLTYPE,     \
      "Greatest of the values that are not NULL.",                                                 \
      "greatest('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, "                                    \
      "'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid)")                                             \
    X(GREATEST_TIME, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, TIME, TIME, NULLTYPE, NULLTYPE,     \
      "Greatest of the values that are not NULL.", "greatest(time '12:00', time '13:00')")         \
    X(GREATEST_INTERVAL, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, INTERVAL, INTERVAL, NULLTYPE,   \
      NULLTYPE, "Greatest of the values that are not NULL.",                                       \
      "greatest(interval '1 day', interval '2 days')")                                             \
    X(GREATEST_JSON, "greatest", MR_FN_VARIADIC | MR_FN_NULLS, JSON, JSON, NULLTYPE, NULLTYPE,     \
      "Greatest of the values that are not NULL.", "greatest('1'::json, '2'::json)")               \
    X(GREATEST_LIST, "greatest", MR_FN_VARIADIC | MR_FN_NULLS | MR_FN_TYPED, LIST, LIST, NULLTYPE, \
      NULLTYPE, "Greatest of the values that are not NULL.",                                       \
      "greatest('[1, 2]'::int[], '[1, 3]'::int[])")                                                \
    X(LEAST_BOOL, "least", MR_FN_VARIADIC | MR_FN_NULLS, BOOL, BOOL, NULLTYPE, NULLTYPE,           \
      "Least of the values that are not NULL.", "least(true, false)")                              \
    X(LEAST_INT16, "least", MR_FN_VARIADIC | MR_FN_NULLS, INT16, INT16, NULLTYPE, NULLTYPE,        \
      "Least of the values that are not NULL.", "least(1::smallint, 2::smallint)")                 \
    X(LEAST_NUMERIC, "least", MR_FN_VARIADIC | MR_FN_NULLS | MR_FN_TYPED, NUMERIC, NUMERIC,        \
      NULLTYPE, NULLTYPE, "Least of the values that are not NULL.", "least(1.5, 2.25)")            \
    X(LEAST_FLOAT32, "least", MR_FN_VARIADIC | MR_FN_NULLS, FLOAT32, FLOAT32, NULLTYPE, NULLTYPE,  \
      "Least of the values that are not NULL.", "least(1.5::real, 2)")                             \
    X(LEAST_BYTES, "least", MR_FN_VARIADIC | MR_FN_NULLS, BYTES, BYTES, NULLTYPE, NULLTYPE,        \
      "Least of the values that are not NULL.", "least('a'::bytea, 'b'::bytea)")                   \
    X(LEAST_UUID, "least", MR_FN_VARIADIC | MR_FN_NULLS, UUID, UUID, NULLTYPE, NULLTYPE,           \
      "Least of the values that are not NULL.",                                                    \
      "least('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, "                                       \
      "'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid)")                                             \
    X(LEAST_TIME, "least", MR_FN_VARIADIC | MR_FN_NULLS, TIME, TIME, NULLTYPE, NULLTYPE,           \
      "Least of the values that are not NULL.", "least(time '12:00', time '13:00')")               \
    X(LEAST_INTERVAL, "least", MR_FN_VARIADIC | MR_FN_NULLS, INTERVAL, INTERVAL, NULLTYPE,         \
      NULLTYPE, "Least of the values that are not NULL.",                                          \
      "least(interval '1 day', interval '2 days')")                                                \
    X(LEAST_JSON, "least", MR_FN_VARIADIC | MR_FN_NULLS, JSON, JSON, NULLTYPE, NULLTYPE,           \
      "Least of the values that are not NULL.", "least('1'::json, '2'::json)")                     \
    X(LEAST_LIST, "least", MR_FN_VARIADIC | MR_FN_NULLS | MR_FN_TYPED, LIST, LIST, NULLTYPE,       \
      NULLTYPE, "Least of the values that are not NULL.",                                          \
      "least('[1, 2]'::int[], '[1, 3]'::int[])")                                                   \
    X(GREATEST_STRUCT, "greatest", MR_FN_VARIADIC | MR_FN_NULLS | MR_FN_TYPED, STRUCT, STRUCT,     \
      NULLTYPE, NULLTYPE, "Greatest of the values that are not NULL.",                             \
      "greatest(row(1, 'a'), row(1, 'b'))")                                                        \
    X(LEAST_STRUCT, "least", MR_FN_VARIADIC | MR_FN_NULLS | MR_FN_TYPED, STRUCT, STRUCT, NULLTYPE, \
      NULLTYPE, "Least of the values that are not NULL.", "least(row(1, 'a'), row(1, 'b'))")
