// Parse: text to PostgreSQL's parse trees, statement by statement.

#pragma once

#include "sql/session.h"

typedef struct mr_parse_statement {
    const mr_ast *node;
    int32_t base;  // Offset of its text in the session's expanded text.
} mr_parse_statement;

// Replaces ${NAME} and ${NAME:-default} outside comments; fills the session's texts and stretches.
// In a string literal a quote of the value is doubled.  errors  MR_E_NAME (not set), MR_E_SYNTAX;
// each reported
mr_code mr_parse_expand(mr_session *s, mr_span text);
// The statements of the expanded text, in order. Those that do not parse are reported and left out.
mr_code mr_parse_statements(mr_session *s, mr_parse_statement **ret, uint32_t *ret_count);
// One statement of other text, such as a function's body. Places count from base.
mr_code mr_parse_one(mr_session *s, const char *text, int32_t base, const mr_ast **ret);
