// Options: from parse trees to the connectors' option tables.

#pragma once

#include "sql/session.h"

// OPTIONS (…), WITH (…) and COPY's parentheses as written. A word alone means "true".
mr_code mr_options_read(mr_session *s, mr_ast *const *list, size_t count, mr_option_values *ret);
// The server's options overlaid by the table's. Paths of both are joined. Options of the server
// that only the other direction (`other`, may be NULL) knows are left out.
mr_option_values mr_options_overlay(mr_session *s, const mr_foreign *foreign,
                                    const mr_option *table, const mr_option *other);
// Checks values against a connector's table; a failure without a place of its own gets this one.
typedef struct mr_options_target {
    const mr_option *table;
    const char *pass_prefix;
    size_t bytes;
} mr_options_target;
mr_code mr_options_check(mr_session *s, const mr_options_target *target,
                         const mr_option_values *values, mr_place place);
// The values but those named; ret_taken[i] = the value of names[i] or NULL.
mr_option_values mr_options_without(mr_session *s, const mr_option_values *values,
                                    const char *const *names, size_t count,
                                    const mr_option_value **ret_taken);
const mr_option_value *mr_options_get(const mr_option_values *values, const char *name);

// state_ttl, allowed_lateness, unbounded: of a view's WITH, over those of the file's SET.
mr_code mr_options_rules(mr_session *s, const mr_option_values *values, mr_state_rules *rules);
// What SET may name, timezone left out.
mr_code mr_options_settings(mr_session *s, const mr_option_values *values);
mr_code mr_options_duration(mr_session *s, const mr_option_value *value, int64_t *ret);
