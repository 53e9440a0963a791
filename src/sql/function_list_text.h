// Function list, rows of functions of texts; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_TEXT(X)                                                                     \
    /* Text. Positions and lengths count characters, from 1. */                                  \
    X(CONCAT_OP, "||", MR_FN_PURE, TEXT, TEXT, TEXT, NULLTYPE,                                   \
      "Both texts in one; NULL when either is.", "'a' || 'b'")                                   \
    X(CONCAT, "concat", MR_FN_VARIADIC | MR_FN_NULLS, TEXT, TEXT, NULLTYPE, NULLTYPE,            \
      "All texts in one; NULLs are passed over.", "concat('a', NULL, 'b')")                      \
    X(CONCAT_WS, "concat_ws", MR_FN_VARIADIC | MR_FN_NULLS, TEXT, TEXT, TEXT, NULLTYPE,          \
      "Texts that are not NULL with the first argument between them.",                           \
      "concat_ws('-', 'a', NULL, 'b')")                                                          \
    X(UPPER, "upper", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE, "Upper case.", "upper('abc')") \
    X(LOWER, "lower", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE, "Lower case.", "lower('ABC')") \
    X(TRIM, "trim", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                                  \
      "Text without spaces at both ends.", "trim('  a ')")                                       \
    X(TRIM_CHARS, "trim", MR_FN_PURE, TEXT, TEXT, TEXT, NULLTYPE,                                \
      "Text without the given characters at both ends.", "trim('xxaxx', 'x')")                   \
    X(LTRIM, "ltrim", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                                \
      "Text without spaces at the start.", "ltrim('  a ')")                                      \
    X(LTRIM_CHARS, "ltrim", MR_FN_PURE, TEXT, TEXT, TEXT, NULLTYPE,                              \
      "Text without the given characters at the start.", "ltrim('xxaxx', 'x')")                  \
    X(RTRIM, "rtrim", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                                \
      "Text without spaces at the end.", "rtrim('  a ')")                                        \
    X(RTRIM_CHARS, "rtrim", MR_FN_PURE, TEXT, TEXT, TEXT, NULLTYPE,                              \
      "Text without the given characters at the end.", "rtrim('xxaxx', 'x')")                    \
    X(LENGTH, "length", MR_FN_PURE, INT64, TEXT, NULLTYPE, NULLTYPE, "Number of characters.",    \
      "length('abc')")                                                                           \
    X(STRLEN, "strlen", MR_FN_PURE, INT64, TEXT, NULLTYPE, NULLTYPE, "Number of bytes.",         \
      "strlen('abc')")                                                                           \
    X(SUBSTRING, "substring", MR_FN_PURE, TEXT, TEXT, INT64, NULLTYPE,                           \
      "Text from a position to the end; a negative position counts from the end.",               \
      "substring('abcdef', 3)")                                                                  \
    X(SUBSTRING_LENGTH, "substring", MR_FN_PURE, TEXT, TEXT, INT64, INT64,                       \
      "That many characters from a position on.", "substring('abcdef', 2, 3)")                   \
    X(STRPOS, "strpos", MR_FN_PURE, INT64, TEXT, TEXT, NULLTYPE,                                 \
      "Position of the second text in the first, 0 when it is not there.", "strpos('abc', 'c')") \
    X(REPLACE, "replace", MR_FN_FALLIBLE, TEXT, TEXT, TEXT, TEXT,                                \
      "Every second text in the first becomes the third.", "replace('abab', 'a', 'x')")          \
    X(SPLIT_PART, "split_part", MR_FN_PURE, TEXT, TEXT, TEXT, INT64,                             \
      "The n-th part between separators; empty when there is none.",                             \
      "split_part('a,b,c', ',', 2)")                                                             \
    X(LEFT, "left", MR_FN_PURE, TEXT, TEXT, INT64, NULLTYPE,                                     \
      "First n characters; a negative n leaves out that many at the end.", "left('abc', 2)")     \
    X(RIGHT, "right", MR_FN_PURE, TEXT, TEXT, INT64, NULLTYPE,                                   \
      "Last n characters; a negative n leaves out that many at the start.", "right('abc', 2)")   \
    X(LPAD, "lpad", MR_FN_FALLIBLE, TEXT, TEXT, INT32, TEXT,                                     \
      "Text filled up at its start, or cut, to n characters.", "lpad('7', 3, '0')")              \
    X(RPAD, "rpad", MR_FN_FALLIBLE, TEXT, TEXT, INT32, TEXT,                                     \
      "Text filled up at its end, or cut, to n characters.", "rpad('7', 3, '0')")                \
    X(REVERSE, "reverse", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                            \
      "Characters in the other order.", "reverse('abc')")                                        \
    X(REPEAT, "repeat", MR_FN_FALLIBLE, TEXT, TEXT, INT64, NULLTYPE,                             \
      "Text n times over; more than 1 MiB fails the row.", "repeat('ab', 2)")                    \
    X(STARTS_WITH, "starts_with", MR_FN_PURE, BOOL, TEXT, TEXT, NULLTYPE,                        \
      "Whether the first text starts with the second.", "starts_with('abc', 'ab')")              \
    X(ENDS_WITH, "ends_with", MR_FN_PURE, BOOL, TEXT, TEXT, NULLTYPE,                            \
      "Whether the first text ends with the second.", "ends_with('abc', 'bc')")                  \
    X(CONTAINS, "contains", MR_FN_PURE, BOOL, TEXT, TEXT, NULLTYPE,                              \
      "Whether the second text is in the first.", "contains('abc', 'b')")                        \
    X(LIKE, "~~", MR_FN_PURE, BOOL, TEXT, TEXT, NULLTYPE,                                        \
      "Whether the whole text matches a pattern of % and _; no character escapes.",              \
      "'abc' LIKE 'a%'")                                                                         \
    X(ILIKE, "~~*", MR_FN_PURE, BOOL, TEXT, TEXT, NULLTYPE, "LIKE without regard to case.",      \
      "'ABC' ILIKE 'a%'")                                                                        \
    X(LIKE_ESCAPE, "like_escape", MR_FN_FALLIBLE, BOOL, TEXT, TEXT, TEXT,                        \
      "LIKE with a character that makes the next one plain.", "'a%' LIKE 'a!%' ESCAPE '!'")      \
    X(ILIKE_ESCAPE, "ilike_escape", MR_FN_FALLIBLE, BOOL, TEXT, TEXT, TEXT,                      \
      "ILIKE with a character that makes the next one plain.", "'A%' ILIKE 'a!%' ESCAPE '!'")
