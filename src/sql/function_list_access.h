// Function list, rows that make structs and reach into them; included by
// sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_ACCESS(X)                                                              \
    X(ROW, "row", MR_FN_VARIADIC | MR_FN_NULLS | MR_FN_TYPED, STRUCT, TYPE_COUNT, NULLTYPE, \
      NULLTYPE, "Struct of the values, whose fields have no names.", "row(1, 'a', NULL)")   \
    X(STRUCT_EXTRACT, "struct_extract", MR_FN_TYPED, TYPE_COUNT, STRUCT, TEXT, NULLTYPE,    \
      "Field of a struct; x.field is the same.",                                            \
      "struct_extract((CAST(row(1, 'a') AS pair)), 'b')")
