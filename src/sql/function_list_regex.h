// Function list, rows of regular expressions; included by sql/function_list.h only.

#pragma once

#define MR_FUNCTIONS_REGEX(X)                                                                    \
    /* Patterns are RE2's, as DuckDB's, run by PCRE2. What differs: back references, look-around \
     * and */                                                                                    \
    /* possessive repetition work too; \v is any line break and \s has it; a pattern for which a \
     */                                                                                          \
    /* search steps back too often fails the row. */                                             \
    X(REGEXP_MATCHES, "regexp_matches", MR_FN_FALLIBLE, BOOL, TEXT, TEXT, NULLTYPE,              \
      "Whether a part of the text matches a pattern (third argument: options i, s, l).",         \
      "regexp_matches('abc', '[b-c]+')")                                                         \
    X(REGEXP_FULL_MATCH, "regexp_full_match", MR_FN_FALLIBLE, BOOL, TEXT, TEXT, NULLTYPE,        \
      "Whether the whole text matches a pattern, as ~ and SIMILAR TO (DuckDB's ~, unlike "       \
      "PostgreSQL's).",                                                                          \
      "regexp_full_match('abc', 'a.*')")                                                         \
    X(REGEXP_EXTRACT, "regexp_extract", MR_FN_FALLIBLE, TEXT, TEXT, TEXT, NULLTYPE,              \
      "The first part that matches; empty when none does.", "regexp_extract('abc', '[b-c]+')")   \
    X(REGEXP_EXTRACT_GROUP, "regexp_extract", MR_FN_FALLIBLE | MR_FN_NULLS, TEXT, TEXT, TEXT,    \
      INT32, "A group, 0 to 9, of the first match; empty when there is none.",                   \
      "regexp_extract('2026-01-31', '(\\d+)-(\\d+)', 2)")                                        \
    X(REGEXP_REPLACE, "regexp_replace", MR_FN_FALLIBLE, TEXT, TEXT, TEXT, TEXT,                  \
      "Text with its first match replaced; \\0 to \\9 stand for groups (options: g for all "     \
      "matches, i, s, l).",                                                                      \
      "regexp_replace('banana', 'an', '<\\0>')")                                                 \
    X(REGEXP_REPLACE_ALL, "regexp_replace_all", MR_FN_FALLIBLE, TEXT, TEXT, TEXT, TEXT,          \
      "Text with every match replaced: regexp_replace with the option g.",                       \
      "regexp_replace('banana', 'an', '<\\0>', 'g')")                                            \
    X(REGEXP_ESCAPE, "regexp_escape", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                \
      "Pattern that matches just this text.", "regexp_escape('1.5')")
