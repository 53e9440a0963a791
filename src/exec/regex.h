// Regex: compiled regular expressions for the functions of fn_regex.c, kept from batch to batch.
//
// Why PCRE2 and not RE2, which DuckDB has: RE2 is C++. Where the two differ is said in the function
// rows. A search that backtracks too much ends with an error, so that a bad pattern fails its rows
// and not the process.
// How: a call's state (mr_eval_state) holds the patterns it met, the least recently used goes.
// Threads, lifetime: those of the eval.

#pragma once

#include "exec/fn.h"

typedef struct mr_regex mr_regex;

// A search: what it looks in, and what it found. offsets are of bytes; SIZE_MAX for a group that
// took no part.
typedef struct mr_regex_match {
    const mr_regex *regex;
    mr_str text;
    uint32_t row;           // Fails when the search does.
    const size_t *offsets;  // Start, end of the whole, of group 1, of group 2, …
    uint32_t count;         // Groups + 1.
} mr_regex_match;

// The compiled pattern of argument `arg` at a row; whole: only the whole text can match. NULL: the
// pattern is malformed and the row has failed.
const mr_regex *mr_regex_arg(mr_fn_call *call, uint32_t arg, uint32_t row, bool whole);
uint32_t mr_regex_groups(const mr_regex *regex);
// Finds the first match at or behind byte `from`; a text is searched from byte 0 first. False:
// there is none, or the row has failed, since the search took too long. The offsets are valid until
// the next search of the same pattern.
bool mr_regex_search(mr_fn_call *call, mr_regex_match *match, uint32_t from);
