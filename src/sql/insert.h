// Insert: INSERT INTO a foreign table SELECT …, checked against its sink.

#pragma once

#include "sql/session.h"

// Adds to the session's pipeline: an insert and its root, not rewritten yet. INSERT … VALUES into a
// static table fills that.
mr_code mr_insert_plan(mr_session *s, const PgQuery__InsertStmt *ast);
