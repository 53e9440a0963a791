// Function list, rows of lists and structs; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_NESTED(X)
