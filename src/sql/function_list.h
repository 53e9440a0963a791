// Function list: the rows of the function table; included by sql/function.h only.

#pragma once

#include "sql/function_list_access.h"
#include "sql/function_list_aggregate.h"
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
    MR_FUNCTIONS_NESTED(X)  \
    MR_FUNCTIONS_ACCESS(X)
