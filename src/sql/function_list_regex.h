// Function list, rows of regular expressions; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_REGEX(X)
