// Quoted: where SQL text has no code: strings, quoted names and comments, as DuckDB's scanner knows
// them: '…', E'…\'…', "…", $tag$…$tag$, -- and /* … /* … */ … */.

#pragma once

#include <stdbool.h>

// Behind what begins at `at` and is no code; `at` itself when it is code. What has no end goes to
// the end of the text.
//   sql  the whole text: what stands before `at` decides whether an E or $ begins something
const char *mr_quoted_skip(const char *sql, const char *at, bool *ret_comment);
bool mr_quoted_in_name(char c);  // Whether it can be part of a name.
