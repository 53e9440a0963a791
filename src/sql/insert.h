// Insert: INSERT INTO a foreign table SELECT …, checked against its sink.

#pragma once

#include "sql/session.h"

// Adds to the session's pipeline: an insert and its root, not rewritten yet. INSERT … VALUES into a
// static table fills that.
mr_code mr_insert_plan(mr_session *s, const PgQuery__InsertStmt *ast);
// Checks the options of a table that no statement uses, as those of the sink it can only be.
mr_code mr_insert_check_unused(mr_session *s, mr_foreign *table);
