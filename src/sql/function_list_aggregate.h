// Function list, rows of aggregates; included by sql/function_list.h only.

#pragma once

#define MR_AGGREGATES(X)                                                                           \
    X(COUNT_STAR, "count", MR_AGG_PLAIN, INT64, NULLTYPE, NULLTYPE, "Rows.", "count(*)")           \
    X(COUNT, "count", MR_AGG_PLAIN, INT64, TYPE_COUNT, NULLTYPE,                                   \
      "Rows where the argument is not NULL.", "count(x)")                                          \
    X(COUNT_IF, "count_if", MR_AGG_PLAIN, INT64, BOOL, NULLTYPE,                                   \
      "Rows where the argument is true; NULL when it is NULL in all.", "count_if(x > 0)")          \
    X(SUM_INT64, "sum", MR_AGG_PLAIN, INT64, INT64, NULLTYPE,                                      \
      "Sum; a group whose sum passes 64 bits is bad.", "sum(x)")                                   \
    X(SUM_NUMERIC, "sum", MR_AGG_PLAIN, NUMERIC, NUMERIC, NULLTYPE,                                \
      "Exact sum of 38 digits; a group whose sum passes them is bad.", "sum(n)")                   \
    X(SUM_FLOAT64, "sum", MR_AGG_PLAIN, FLOAT64, FLOAT64, NULLTYPE,                                \
      "Sum, accumulated in double-double.", "sum(x)")                                              \
    X(AVG_NUMERIC, "avg", MR_AGG_PLAIN, FLOAT64, NUMERIC, NULLTYPE, "Mean, of an exact sum.",      \
      "avg(n)")                                                                                    \
    X(AVG_FLOAT64, "avg", MR_AGG_PLAIN, FLOAT64, FLOAT64, NULLTYPE,                                \
      "Mean, accumulated in double-double.", "avg(x)")                                             \
    X(MIN, "min", MR_AGG_PLAIN, NULLTYPE, TYPE_COUNT, NULLTYPE, "Least value.", "min(x)")          \
    X(MAX, "max", MR_AGG_PLAIN, NULLTYPE, TYPE_COUNT, NULLTYPE, "Greatest value.", "max(x)")       \
    X(ARG_MIN, "arg_min", MR_AGG_PLAIN, NULLTYPE, TYPE_COUNT, TYPE_COUNT,                          \
      "Value of the first argument where the second is least; rows with a NULL are passed "        \
      "over.",                                                                                     \
      "arg_min(x, y)")                                                                             \
    X(ARG_MAX, "arg_max", MR_AGG_PLAIN, NULLTYPE, TYPE_COUNT, TYPE_COUNT,                          \
      "Value of the first argument where the second is greatest; rows with a NULL are "            \
      "passed over.",                                                                              \
      "arg_max(x, y)")                                                                             \
    X(FIRST, "first", MR_AGG_ORDERED | MR_AGG_NULLS, NULLTYPE, TYPE_COUNT, NULLTYPE,               \
      "First value in the given order, else in that of the source.", "first(x order by y)")        \
    X(LAST, "last", MR_AGG_ORDERED | MR_AGG_NULLS, NULLTYPE, TYPE_COUNT, NULLTYPE,                 \
      "Last value in the given order, else in that of the source.", "last(x order by y)")          \
    X(ANY_VALUE, "any_value", MR_AGG_ORDERED, NULLTYPE, TYPE_COUNT, NULLTYPE,                      \
      "First value that is not NULL.", "any_value(x)")                                             \
    X(BOOL_AND, "bool_and", MR_AGG_PLAIN, BOOL, BOOL, NULLTYPE, "Whether all are true.",           \
      "bool_and(x > 0)")                                                                           \
    X(BOOL_OR, "bool_or", MR_AGG_PLAIN, BOOL, BOOL, NULLTYPE, "Whether one is true.",              \
      "bool_or(x > 0)")                                                                            \
    X(BIT_AND, "bit_and", MR_AGG_PLAIN, INT64, INT64, NULLTYPE, "Bits set in all values.",         \
      "bit_and(x)")                                                                                \
    X(BIT_OR, "bit_or", MR_AGG_PLAIN, INT64, INT64, NULLTYPE, "Bits set in one value.",            \
      "bit_or(x)")                                                                                 \
    X(BIT_XOR, "bit_xor", MR_AGG_PLAIN, INT64, INT64, NULLTYPE,                                    \
      "Bits set in an odd number of values.", "bit_xor(x)")                                        \
    X(VAR_SAMP, "var_samp", MR_AGG_PLAIN, FLOAT64, FLOAT64, NULLTYPE,                              \
      "Variance of a sample; NULL below two values.", "var_samp(x)")                               \
    X(VAR_POP, "var_pop", MR_AGG_PLAIN, FLOAT64, FLOAT64, NULLTYPE, "Variance of the population.", \
      "var_pop(x)")                                                                                \
    X(STDDEV_SAMP, "stddev_samp", MR_AGG_PLAIN, FLOAT64, FLOAT64, NULLTYPE,                        \
      "Standard deviation of a sample; NULL below two values.", "stddev_samp(x)")                  \
    X(STDDEV_POP, "stddev_pop", MR_AGG_PLAIN, FLOAT64, FLOAT64, NULLTYPE,                          \
      "Standard deviation of the population.", "stddev_pop(x)")                                    \
    X(COVAR_SAMP, "covar_samp", MR_AGG_PLAIN, FLOAT64, FLOAT64, FLOAT64,                           \
      "Covariance of a sample; NULL below two pairs.", "covar_samp(x, y)")                         \
    X(COVAR_POP, "covar_pop", MR_AGG_PLAIN, FLOAT64, FLOAT64, FLOAT64,                             \
      "Covariance of the population.", "covar_pop(x, y)")                                          \
    X(CORR, "corr", MR_AGG_PLAIN, FLOAT64, FLOAT64, FLOAT64, "Correlation of the two arguments.",  \
      "corr(x, y)")                                                                                \
    X(STRING_AGG, "string_agg", MR_AGG_PARAMETER | MR_AGG_ORDERED, TEXT, TEXT, TEXT,               \
      "Values one behind the other with a separator between them.",                                \
      "string_agg(s, ';' order by y)")                                                             \
    X(STRING_AGG_COMMA, "string_agg", MR_AGG_ORDERED, TEXT, TEXT, NULLTYPE,                        \
      "Values one behind the other with a comma between them.", "string_agg(s order by y)")        \
    X(ARRAY_AGG, "array_agg", MR_AGG_ORDERED | MR_AGG_NULLS, LIST, TYPE_COUNT, NULLTYPE,           \
      "List of the values, NULLs too.", "array_agg(x order by y)")                                 \
    X(MEDIAN, "median", MR_AGG_PLAIN, FLOAT64, FLOAT64, NULLTYPE,                                  \
      "Middle value, exactly; keeps all values.", "median(x)")                                     \
    X(QUANTILE_CONT, "quantile_cont", MR_AGG_PARAMETER, FLOAT64, FLOAT64, FLOAT64,                 \
      "Quantile between two values, exactly; keeps all values.", "quantile_cont(x, 0.9)")          \
    X(QUANTILE_DISC, "quantile_disc", MR_AGG_PARAMETER, NULLTYPE, TYPE_COUNT, FLOAT64,             \
      "Quantile that is one of the values, exactly; keeps all values.", "quantile_disc(x, 0.9)")   \
    X(MODE, "mode", MR_AGG_ORDERED, NULLTYPE, TYPE_COUNT, NULLTYPE,                                \
      "Most frequent value; of several the first. Keeps all values.", "mode(x)")                   \
    X(APPROX_COUNT_DISTINCT, "approx_count_distinct", MR_AGG_PLAIN, INT64, TYPE_COUNT, NULLTYPE,   \
      "Distinct values by HyperLogLog, 16,384 registers (error 0.8 %).",                           \
      "approx_count_distinct(x)")                                                                  \
    X(APPROX_QUANTILE, "approx_quantile", MR_AGG_PARAMETER, NULLTYPE, TYPE_COUNT, FLOAT64,         \
      "Quantile within 0.5 % of its value, of numbers; of times, within a second.",                \
      "approx_quantile(x, 0.9)")
