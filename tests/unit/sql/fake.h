// Fake: connectors that exist by name and options only, and an environment to plan in.

#pragma once

#include "sql/plan.h"

extern const mr_sql_env fake_env;

// The errors as a user sees them, one after the other.
void fake_print_errors(const mr_sql_errors *errors, mr_text *out);
