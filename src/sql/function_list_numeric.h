// Function list, rows of arithmetic of smallint, real and numeric; included by sql/function_list.h
// only.

#pragma once

#define MR_FUNCTIONS_NUMERIC(X)
