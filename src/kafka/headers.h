// Headers: those of a record as a JSON text, the value of a column from 'headers'.
//
//   [{"key":"k","value":"v"}]: a value that is not UTF-8 is PostgreSQL's form of bytea.

#pragma once

#include "base/text.h"

// out is empty before the first. value.data NULL = null.
void mr_headers_add(mr_text *out, mr_span key, mr_span value);
void mr_headers_end(mr_text *out);  // After one or more, or none.
