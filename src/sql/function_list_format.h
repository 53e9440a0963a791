// Function list, rows of times as text and in other zones; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_FORMAT(X)
