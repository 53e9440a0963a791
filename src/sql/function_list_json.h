// Function list, rows of JSON texts; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_JSON(X)                                                                     \
    /* A path is '$.a[0].b' ([-1] is the last), '/a/0/b', or one key. A text that is not JSON    \
     * fails */                                                                                  \
    /* the row. */                                                                               \
    X(JSON_GET, "->", MR_FN_FALLIBLE, JSON, JSON, TEXT, NULLTYPE,                                \
      "The value at a path, as JSON: json_extract.", "json('{\"a\":[1,2]}') -> '$.a[1]'")        \
    X(JSON_GET_TEXT, "->", MR_FN_FALLIBLE, JSON, TEXT, TEXT, NULLTYPE,                           \
      "The value at a path, as JSON: json_extract.", "'{\"a\":[1,2]}' -> 'a'")                   \
    X(JSON_GET_AT, "->", MR_FN_FALLIBLE, JSON, JSON, INT64, NULLTYPE,                            \
      "The element of an array, from 0, as JSON.", "json('[1,2]') -> 1")                         \
    X(JSON_GET_AT_TEXT, "->", MR_FN_FALLIBLE, JSON, TEXT, INT64, NULLTYPE,                       \
      "The element of an array, from 0, as JSON.", "'[1,2]' -> 1")                               \
    X(JSON_STRING, "->>", MR_FN_FALLIBLE, TEXT, JSON, TEXT, NULLTYPE,                            \
      "The value at a path, as text: json_extract_string; NULL for null.",                       \
      "json('{\"a\":\"b\"}') ->> '$.a'")                                                         \
    X(JSON_STRING_TEXT, "->>", MR_FN_FALLIBLE, TEXT, TEXT, TEXT, NULLTYPE,                       \
      "The value at a path, as text: json_extract_string; NULL for null.",                       \
      "'{\"a\":\"b\"}' ->> 'a'")                                                                 \
    X(JSON_STRING_AT, "->>", MR_FN_FALLIBLE, TEXT, JSON, INT64, NULLTYPE,                        \
      "The element of an array, from 0, as text.", "json('[\"a\",\"b\"]') ->> 1")                \
    X(JSON_STRING_AT_TEXT, "->>", MR_FN_FALLIBLE, TEXT, TEXT, INT64, NULLTYPE,                   \
      "The element of an array, from 0, as text.", "'[\"a\",\"b\"]' ->> 1")                      \
    X(JSON_BRACES, "#>", MR_FN_FALLIBLE, JSON, JSON, TEXT, NULLTYPE,                             \
      "The value at a path such as '{a,0}', as JSON; PostgreSQL's, which DuckDB lacks.",         \
      "json('{\"a\":[1,2]}') #> '{a,1}'")                                                        \
    X(JSON_BRACES_TEXT, "#>", MR_FN_FALLIBLE, JSON, TEXT, TEXT, NULLTYPE,                        \
      "The value at a path such as '{a,0}', as JSON; PostgreSQL's, which DuckDB lacks.",         \
      "'{\"a\":[1,2]}' #> '{a,1}'")                                                              \
    X(JSON_BRACES_STRING, "#>>", MR_FN_FALLIBLE, TEXT, JSON, TEXT, NULLTYPE,                     \
      "The value at a path such as '{a,0}', as text; PostgreSQL's, which DuckDB lacks.",         \
      "json('{\"a\":[\"b\"]}') #>> '{a,0}'")                                                     \
    X(JSON_BRACES_STRING_TEXT, "#>>", MR_FN_FALLIBLE, TEXT, TEXT, TEXT, NULLTYPE,                \
      "The value at a path such as '{a,0}', as text; PostgreSQL's, which DuckDB lacks.",         \
      "'{\"a\":[\"b\"]}' #>> '{a,0}'")                                                           \
    X(JSON_VALUE, "json_value", MR_FN_FALLIBLE, TEXT, JSON, TEXT, NULLTYPE,                      \
      "The value at a path as JSON text; NULL for arrays and objects.",                          \
      "json_value(json('{\"a\":1}'), '$.a')")                                                    \
    X(JSON_VALUE_TEXT, "json_value", MR_FN_FALLIBLE, TEXT, TEXT, TEXT, NULLTYPE,                 \
      "The value at a path as JSON text; NULL for arrays and objects.",                          \
      "json_value('{\"a\":1}', '$.a')")                                                          \
    X(JSON_EXISTS, "json_exists", MR_FN_FALLIBLE, BOOL, JSON, TEXT, NULLTYPE,                    \
      "Whether there is a value at a path.", "json_exists(json('{\"a\":null}'), '$.a')")         \
    X(JSON_EXISTS_TEXT, "json_exists", MR_FN_FALLIBLE, BOOL, TEXT, TEXT, NULLTYPE,               \
      "Whether there is a value at a path.", "json_exists('{\"a\":null}', '$.a')")               \
    X(JSON_ARRAY_LENGTH, "json_array_length", MR_FN_FALLIBLE, INT64, JSON, NULLTYPE, NULLTYPE,   \
      "Elements of an array; 0 for what is none.", "json_array_length(json('[1,2]'))")           \
    X(JSON_ARRAY_LENGTH_TEXT, "json_array_length", MR_FN_FALLIBLE, INT64, TEXT, NULLTYPE,        \
      NULLTYPE, "Elements of an array; 0 for what is none.", "json_array_length('[1,2]')")       \
    X(JSON_ARRAY_LENGTH_PATH, "json_array_length", MR_FN_FALLIBLE, INT64, JSON, TEXT, NULLTYPE,  \
      "Elements of the array at a path.", "json_array_length(json('{\"a\":[1,2]}'), '$.a')")     \
    X(JSON_ARRAY_LENGTH_PATH_TEXT, "json_array_length", MR_FN_FALLIBLE, INT64, TEXT, TEXT,       \
      NULLTYPE, "Elements of the array at a path.", "json_array_length('{\"a\":[1,2]}', '$.a')") \
    X(JSON_TYPE, "json_type", MR_FN_FALLIBLE, TEXT, JSON, NULLTYPE, NULLTYPE,                    \
      "What the value is: NULL BOOLEAN UBIGINT BIGINT DOUBLE VARCHAR ARRAY OBJECT.",             \
      "json_type(json('[1]'))")                                                                  \
    X(JSON_TYPE_TEXT, "json_type", MR_FN_FALLIBLE, TEXT, TEXT, NULLTYPE, NULLTYPE,               \
      "What the value is: NULL BOOLEAN UBIGINT BIGINT DOUBLE VARCHAR ARRAY OBJECT.",             \
      "json_type('[1]')")                                                                        \
    X(JSON_TYPE_PATH, "json_type", MR_FN_FALLIBLE, TEXT, JSON, TEXT, NULLTYPE,                   \
      "What the value at a path is.", "json_type(json('{\"a\":1}'), '$.a')")                     \
    X(JSON_TYPE_PATH_TEXT, "json_type", MR_FN_FALLIBLE, TEXT, TEXT, TEXT, NULLTYPE,              \
      "What the value at a path is.", "json_type('{\"a\":1}', '$.a')")                           \
    X(JSON_VALID, "json_valid", MR_FN_PURE, BOOL, TEXT, NULLTYPE, NULLTYPE,                      \
      "Whether the text is JSON.", "json_valid('[1')")                                           \
    X(JSON_MINIFY, "json", MR_FN_FALLIBLE, JSON, TEXT, NULLTYPE, NULLTYPE,                       \
      "The text as JSON without white space.", "json('{\"a\" : 1}')")                            \
    X(JSON_QUOTE, "json_quote", MR_FN_PURE, JSON, TEXT, NULLTYPE, NULLTYPE,                      \
      "The text as a JSON string.", "json_quote('a\"b')")
