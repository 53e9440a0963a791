// Function list: the rows of the function table; included by sql/function.h only.

#pragma once

#include "sql/function_list_format.h"
#include "sql/function_list_json.h"
#include "sql/function_list_math.h"
#include "sql/function_list_nested.h"
#include "sql/function_list_number.h"
#include "sql/function_list_numeric.h"
#include "sql/function_list_regex.h"
#include "sql/function_list_string.h"
#include "sql/function_list_text.h"
#include "sql/function_list_time.h"

#define MR_FUNCTIONS(X)     \
    MR_FUNCTIONS_NUMBER(X)  \
    MR_FUNCTIONS_MATH(X)    \
    MR_FUNCTIONS_NUMERIC(X) \
    MR_FUNCTIONS_TEXT(X)    \
    MR_FUNCTIONS_STRING(X)  \
    MR_FUNCTIONS_REGEX(X)   \
    MR_FUNCTIONS_TIME(X)    \
    MR_FUNCTIONS_FORMAT(X)  \
    MR_FUNCTIONS_JSON(X)    \
    MR_FUNCTIONS_NESTED(X)

#define MR_AGGREGATES(X)                                                                         \
    X(COUNT_STAR, "count", INT64, NULLTYPE, "Rows.", "count(*)")                                 \
    X(COUNT, "count", INT64, TYPE_COUNT, "Rows where the argument is not NULL.", "count(x)")     \
    X(SUM_INT64, "sum", INT64, INT64, "Sum; a group whose sum passes 64 bits is bad.", "sum(x)") \
    X(SUM_FLOAT64, "sum", FLOAT64, FLOAT64, "Sum, accumulated in double-double.", "sum(x)")      \
    X(AVG_FLOAT64, "avg", FLOAT64, FLOAT64, "Mean, accumulated in double-double.", "avg(x)")     \
    X(MIN, "min", NULLTYPE, TYPE_COUNT, "Least value.", "min(x)")                                \
    X(MAX, "max", NULLTYPE, TYPE_COUNT, "Greatest value.", "max(x)")                             \
    X(APPROX_COUNT_DISTINCT, "approx_count_distinct", INT64, TYPE_COUNT,                         \
      "Distinct values by HyperLogLog, 16,384 registers (error 0.8 %).",                         \
      "approx_count_distinct(x)")
