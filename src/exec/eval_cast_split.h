// Eval, casts: texts of lists and structs taken apart. For eval_cast_nested.c.

#pragma once

#include "base/text.h"

// Takes what stands before the next comma (or, with keys, colon) off the front, brackets and quotes
// left whole and spaces around it dropped. *ret_stop is the character behind it, 0 at the end.
// False when brackets or quotes do not close.
bool mr_eval_cast_split_next(mr_span *in, bool keys, mr_span *ret_part, char *ret_stop);
// Whether a part is the word NULL.
bool mr_eval_cast_split_is_null(mr_span part);
// Appends a part without its quotes, and without the backslashes inside of them.
void mr_eval_cast_split_unquote(mr_span part, mr_text *out);
