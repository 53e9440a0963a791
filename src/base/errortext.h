// Errortext: an error as people read it, several lines.
//
//   error: no column "usr_id" in table "events"
//     at sql/retail.sql:14:9
//     SELECT usr_id FROM events;
//            ^
//   hint: Did you mean "user_id"?
//   in: opening pipeline "retail"

#pragma once

#include "base/error.h"
#include "base/text.h"

void mr_errortext_format(const mr_error *error, mr_text *out);
