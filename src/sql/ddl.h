// DDL: statements that declare names, into the session's maps.

#pragma once

#include "sql/session.h"

mr_code mr_ddl_server(mr_session *s, const PgQuery__CreateForeignServerStmt *ast);
mr_code mr_ddl_view(mr_session *s, const PgQuery__ViewStmt *ast);
mr_code mr_ddl_set(mr_session *s, const PgQuery__VariableSetStmt *ast);
// ddl_function.c
mr_code mr_ddl_function(mr_session *s, const PgQuery__CreateFunctionStmt *ast);
// ddl_foreign.c
mr_code mr_ddl_foreign(mr_session *s, const PgQuery__CreateForeignTableStmt *ast);
// ddl_static.c: CREATE TABLE, COPY … FROM, INSERT … VALUES.
mr_code mr_ddl_static(mr_session *s, const PgQuery__CreateStmt *ast);
mr_code mr_ddl_copy(mr_session *s, const PgQuery__CopyStmt *ast);
mr_code mr_ddl_values(mr_session *s, const mr_object *object, const PgQuery__InsertStmt *ast);

// Fails when the name is taken, by a table, a view or the bad and late tables of a source.
mr_code mr_ddl_check_name(mr_session *s, const char *name, mr_place place);
mr_object *mr_ddl_add(mr_session *s, mr_object_kind kind, const char *name, mr_place place);
// Type and NOT NULL of a column definition. Names are unique.
mr_code mr_ddl_column(mr_session *s, const PgQuery__ColumnDef *ast, mr_schema *schema);
