// Types, folding: constants of numbers as constants of another number type.

#pragma once

#include "column/vector.h"

// The value of a CONST vector, not NULL, in the storage of a type (16 bytes). False when both are
// not numbers, or the value does not fit: then the cast is left to exec, which says so by row.
bool mr_types_fold(const mr_vector *from, mr_type to, void *ret);
