// Function list, rows of mathematics and bits; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_MATH(X)                                                                       \
    /* Angles are in radians; what is not defined fails the row. */                                \
    X(SIN, "sin", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Sine.", "sin(1)")         \
    X(COS, "cos", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Cosine.", "cos(1)")       \
    X(TAN, "tan", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Tangent.", "tan(1)")      \
    X(COT, "cot", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Cotangent.", "cot(1)")    \
    X(ASIN, "asin", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Angle of a sine.",      \
      "asin(0.5)")                                                                                 \
    X(ACOS, "acos", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Angle of a cosine.",    \
      "acos(0.5)")                                                                                 \
    X(ATAN, "atan", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Angle of a tangent.",       \
      "atan(0.5)")                                                                                 \
    X(ATAN2, "atan2", MR_FN_PURE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE,                             \
      "Angle of the point (x, y), given as y, x.", "atan2(1, 2)")                                  \
    X(SINH, "sinh", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Hyperbolic sine.",          \
      "sinh(1)")                                                                                   \
    X(COSH, "cosh", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Hyperbolic cosine.",        \
      "cosh(1)")                                                                                   \
    X(TANH, "tanh", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Hyperbolic tangent.",       \
      "tanh(1)")                                                                                   \
    X(ASINH, "asinh", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                            \
      "Inverse hyperbolic sine.", "asinh(1)")                                                      \
    X(ACOSH, "acosh", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                            \
      "Inverse hyperbolic cosine; NaN below 1.", "acosh(2)")                                       \
    X(ATANH, "atanh", MR_FN_FALLIBLE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                        \
      "Inverse hyperbolic tangent.", "atanh(0.5)")                                                 \
    X(DEGREES, "degrees", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Radians as degrees.", \
      "degrees(1)")                                                                                \
    X(RADIANS, "radians", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE, "Degrees as radians.", \
      "radians(180)")                                                                              \
    X(EVEN, "even", MR_FN_PURE, FLOAT64, FLOAT64, NULLTYPE, NULLTYPE,                              \
      "Next even number, away from 0.", "even(2.5)")                                               \
    X(LOG_BASE, "log", MR_FN_FALLIBLE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE,                        \
      "Logarithm of the second argument to the base of the first.", "log(2, 8)")                   \
    X(ISINF, "isinf", MR_FN_PURE, BOOL, FLOAT64, NULLTYPE, NULLTYPE,                               \
      "Whether the value is infinite.", "isinf(1.5)")                                              \
    X(FMOD, "fmod", MR_FN_PURE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE,                               \
      "Remainder with the sign of the divisor.", "fmod(-5, 3)")                                    \
    X(FDIV, "fdiv", MR_FN_PURE, FLOAT64, FLOAT64, FLOAT64, NULLTYPE,                               \
      "Whole quotient, rounded down.", "fdiv(-7, 2)")                                              \
    X(TRUNC_DIGITS, "trunc", MR_FN_PURE, FLOAT64, FLOAT64, INT32, NULLTYPE,                        \
      "Value cut to that many digits behind the point.", "trunc(2.567e0, 2)")                      \
    /* Whole numbers. */                                                                           \
    X(SIGN_INT64, "sign", MR_FN_PURE, INT32, INT64, NULLTYPE, NULLTYPE, "-1, 0 or 1.", "sign(-2)") \
    X(ROUND_INT32_DIGITS, "round", MR_FN_FALLIBLE, INT32, INT32, INT32, NULLTYPE,                  \
      "Nearest value with zeros in the last digits (-2: in two); halves go away from 0.",          \
      "round(1250, -2)")                                                                           \
    X(ROUND_INT64_DIGITS, "round", MR_FN_FALLIBLE, INT64, INT64, INT32, NULLTYPE,                  \
      "Nearest value with zeros in the last digits (-2: in two); halves go away from 0.",          \
      "round(1250::bigint, -2)")                                                                   \
    X(TRUNC_INT32_DIGITS, "trunc", MR_FN_PURE, INT32, INT32, INT32, NULLTYPE,                      \
      "Value with zeros in the last digits (-2: in two).", "trunc(1250, -2)")                      \
    X(TRUNC_INT64_DIGITS, "trunc", MR_FN_PURE, INT64, INT64, INT32, NULLTYPE,                      \
      "Value with zeros in the last digits (-2: in two).", "trunc(1250::bigint, -2)")              \
    X(GCD, "gcd", MR_FN_FALLIBLE, INT64, INT64, INT64, NULLTYPE, "Greatest common divisor.",       \
      "gcd(12, 18)")                                                                               \
    X(LCM, "lcm", MR_FN_FALLIBLE, INT64, INT64, INT64, NULLTYPE, "Least common multiple.",         \
      "lcm(4, 6)")                                                                                 \
    X(FACTORIAL, "factorial", MR_FN_FALLIBLE, INT64, INT32, NULLTYPE, NULLTYPE,                    \
      "Product of all numbers up to the value; more than 20 fails the row (DuckDB's is a "         \
      "hugeint).",                                                                                 \
      "factorial(5)")                                                                              \
    /* Bits. */                                                                                    \
    X(BIT_AND_INT32, "&", MR_FN_PURE, INT32, INT32, INT32, NULLTYPE, "Bits that both have.",       \
      "6 & 3")                                                                                     \
    X(BIT_AND_INT64, "&", MR_FN_PURE, INT64, INT64, INT64, NULLTYPE, "Bits that both have.",       \
      "6::bigint & 3")                                                                             \
    X(BIT_OR_INT32, "|", MR_FN_PURE, INT32, INT32, INT32, NULLTYPE, "Bits that one has.", "6 | 3") \
    X(BIT_OR_INT64, "|", MR_FN_PURE, INT64, INT64, INT64, NULLTYPE, "Bits that one has.",          \
      "6::bigint | 3")                                                                             \
    X(BIT_XOR_INT32, "xor", MR_FN_PURE, INT32, INT32, INT32, NULLTYPE, "Bits that just one has.",  \
      "xor(6, 3)")                                                                                 \
    X(BIT_XOR_INT64, "xor", MR_FN_PURE, INT64, INT64, INT64, NULLTYPE, "Bits that just one has.",  \
      "xor(6::bigint, 3)")                                                                         \
    X(BIT_NOT_INT32, "~", MR_FN_PURE, INT32, INT32, NULLTYPE, NULLTYPE, "All bits the other way.", \
      "~(6 + 1)")                                                                                  \
    X(BIT_NOT_INT64, "~", MR_FN_PURE, INT64, INT64, NULLTYPE, NULLTYPE, "All bits the other way.", \
      "~6::bigint")                                                                                \
    X(SHIFT_LEFT_INT32, "<<", MR_FN_FALLIBLE, INT32, INT32, INT32, NULLTYPE,                       \
      "Bits moved up; a negative number, or one that gets too large, fails the row.", "6 << 2")    \
    X(SHIFT_LEFT_INT64, "<<", MR_FN_FALLIBLE, INT64, INT64, INT64, NULLTYPE,                       \
      "Bits moved up; a negative number, or one that gets too large, fails the row.",              \
      "6::bigint << 40")                                                                           \
    X(SHIFT_RIGHT_INT32, ">>", MR_FN_PURE, INT32, INT32, INT32, NULLTYPE, "Bits moved down.",      \
      "-6 >> 1")                                                                                   \
    X(SHIFT_RIGHT_INT64, ">>", MR_FN_PURE, INT64, INT64, INT64, NULLTYPE, "Bits moved down.",      \
      "-6::bigint >> 1")                                                                           \
    X(BIT_COUNT_INT32, "bit_count", MR_FN_PURE, INT32, INT32, NULLTYPE, NULLTYPE,                  \
      "Number of bits that are set.", "bit_count(6)")                                              \
    X(BIT_COUNT_INT64, "bit_count", MR_FN_PURE, INT32, INT64, NULLTYPE, NULLTYPE,                  \
      "Number of bits that are set.", "bit_count(6::bigint)")
