// Function list, rows of lists; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_NESTED(X)                                                                     \
    /* Lists: positions count from 1, negative ones from the end. NULL elements are elements. */   \
    X(LIST_VALUE, "list_value", MR_FN_VARIADIC | MR_FN_NULLS | MR_FN_TYPED, LIST, TYPE_COUNT,      \
      NULLTYPE, NULLTYPE, "List of the values.", "list_value(1, 2, 3)")                            \
    X(LIST_LENGTH, "length", MR_FN_TYPED, INT64, LIST, NULLTYPE, NULLTYPE, "Number of elements.",  \
      "len(list_value(1, 2))")                                                                     \
    X(LIST_CONTAINS, "list_contains", MR_FN_TYPED, BOOL, LIST, TYPE_COUNT, NULLTYPE,               \
      "Whether the value is an element.", "list_contains(list_value(1, 2), 2)")                    \
    X(LIST_POSITION, "list_position", MR_FN_NULLS | MR_FN_TYPED, INT32, LIST, TYPE_COUNT,          \
      NULLTYPE, "Position of the first element that is the value; NULL when there is none.",       \
      "list_position(list_value('a', 'b'), 'b')")                                                  \
    X(LIST_EXTRACT, "list_extract", MR_FN_TYPED, TYPE_COUNT, LIST, INT64, NULLTYPE,                \
      "Element at a position; NULL when there is none.", "list_extract(list_value('a', 'b'), -1)") \
    X(LIST_SLICE, "list_slice", MR_FN_TYPED, LIST, LIST, INT64, INT64,                             \
      "Elements from a position to another.", "list_slice(list_value(1, 2, 3), 2, -1)")            \
    X(LIST_CONCAT, "list_concat", MR_FN_NULLS | MR_FN_TYPED, LIST, LIST, LIST, NULLTYPE,           \
      "Elements of both lists; NULL counts as empty.",                                             \
      "list_concat(list_value(1), list_value(2, 3))")                                              \
    X(LIST_APPEND, "list_append", MR_FN_NULLS | MR_FN_TYPED, LIST, LIST, TYPE_COUNT, NULLTYPE,     \
      "List with one more element at its end.", "list_append(list_value(1), 2)")                   \
    X(LIST_PREPEND, "list_prepend", MR_FN_NULLS | MR_FN_TYPED, LIST, TYPE_COUNT, LIST, NULLTYPE,   \
      "List with one more element at its start.", "list_prepend(1, list_value(2))")                \
    X(LIST_REVERSE, "list_reverse", MR_FN_TYPED, LIST, LIST, NULLTYPE, NULLTYPE,                   \
      "Elements in the other order.", "list_reverse(list_value(1, 2))")                            \
    X(LIST_SORT, "list_sort", MR_FN_TYPED, LIST, LIST, NULLTYPE, NULLTYPE,                         \
      "Elements in ascending order, NULLs last.", "list_sort(list_value(3, 1, 2))")                \
    X(LIST_SORT_DESC, "list_reverse_sort", MR_FN_TYPED, LIST, LIST, NULLTYPE, NULLTYPE,            \
      "Elements in descending order, NULLs last.", "list_reverse_sort(list_value(3, 1, 2))")       \
    X(LIST_MIN, "list_min", MR_FN_TYPED, TYPE_COUNT, LIST, NULLTYPE, NULLTYPE,                     \
      "Least element; NULLs are passed over.", "list_min(list_value(3, 1, 2))")                    \
    X(LIST_MAX, "list_max", MR_FN_TYPED, TYPE_COUNT, LIST, NULLTYPE, NULLTYPE,                     \
      "Greatest element; NULLs are passed over.", "list_max(list_value('a', 'b'))")                \
    X(LIST_SUM, "list_sum", MR_FN_FALLIBLE | MR_FN_TYPED, TYPE_COUNT, LIST, NULLTYPE, NULLTYPE,    \
      "Sum of whole numbers (more than 64 bits fails the row) or doubles; NULL without any.",      \
      "list_sum(list_value(1, 2))")                                                                \
    X(LIST_AVG, "list_avg", MR_FN_TYPED, FLOAT64, LIST, NULLTYPE, NULLTYPE,                        \
      "Mean of whole numbers or doubles; NULL without any.", "list_avg(list_value(1, 2))")         \
    X(LIST_COUNT, "list_count", MR_FN_TYPED, INT64, LIST, NULLTYPE, NULLTYPE,                      \
      "Elements that are not NULL.", "list_count(list_value(1, NULL))")                            \
    X(LIST_FLATTEN, "flatten", MR_FN_TYPED, LIST, LIST, NULLTYPE, NULLTYPE,                        \
      "Elements of the lists in a list.", "flatten(list_value(list_value(1), list_value(2, 3)))")  \
    X(LIST_TO_STRING, "array_to_string", MR_FN_ZONED | MR_FN_TYPED, TEXT, LIST, TEXT, NULLTYPE,    \
      "Elements as text with a separator between them; NULLs are passed over.",                    \
      "array_to_string(list_value('a', NULL, 'b'), '-')")                                          \
    /* Lists from texts. */                                                                        \
    X(STRING_SPLIT, "string_split", MR_FN_NULLS | MR_FN_TYPED, LIST, TEXT, TEXT, NULLTYPE,         \
      "Parts between separators; characters when the separator is empty.",                         \
      "string_split('a,b,c', ',')")                                                                \
    X(REGEXP_SPLIT, "regexp_split_to_array", MR_FN_FALLIBLE | MR_FN_NULLS | MR_FN_TYPED, LIST,     \
      TEXT, TEXT, NULLTYPE, "Parts between matches of a pattern (third argument: options).",       \
      "regexp_split_to_array('a1b22c', '\\d+')")                                                   \
    X(REGEXP_EXTRACT_ALL, "regexp_extract_all", MR_FN_FALLIBLE | MR_FN_TYPED, LIST, TEXT, TEXT,    \
      NULLTYPE, "All parts that match a pattern.", "regexp_extract_all('a1b22', '\\d+')")          \
    X(REGEXP_EXTRACT_ALL_GROUP, "regexp_extract_all", MR_FN_FALLIBLE | MR_FN_TYPED, LIST, TEXT,    \
      TEXT, INT32, "A group of each match (fourth argument: options).",                            \
      "regexp_extract_all('a1b22', '([a-z])(\\d+)', 2)")                                           \
    X(JSON_KEYS, "json_keys", MR_FN_FALLIBLE | MR_FN_TYPED, LIST, TEXT, NULLTYPE, NULLTYPE,        \
      "Keys of an object.", "json_keys('{\"a\":1,\"b\":2}')")
