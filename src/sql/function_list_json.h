// Function list, rows of JSON extraction; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_JSON(X)
