// Function list, rows of padding, hashing and encoding of text; included by sql/function_list.h
// only.

#pragma once

#define MR_FUNCTIONS_STRING(X)
