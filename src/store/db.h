// Db: one small SQL database: SQLite in a file, or PostgreSQL by its URL.
//
// The same SQL text runs on both: parameters are $1, $2 …; types are bigint, text, bytea (SQLite
// takes the names); INSERT … ON CONFLICT, RETURNING. Dates are microseconds since 1970 in bigint.
// SQLite: WAL, synchronous FULL, one connection that writes (BEGIN IMMEDIATE), a busy timeout.
// Threads: a connection belongs to one thread.

#pragma once

#include "plat/plat.h"

typedef struct mr_db mr_db;

typedef enum mr_db_kind { MR_DB_NULL, MR_DB_INT, MR_DB_TEXT, MR_DB_BYTES } mr_db_kind;

typedef struct mr_db_value {
    mr_db_kind kind;
    int64_t number;
    mr_span bytes;  // TEXT and BYTES.
} mr_db_value;

#define MR_DB_INT_VALUE(x)  ((mr_db_value){.kind = MR_DB_INT, .number = (x)})
#define MR_DB_TEXT_VALUE(x) ((mr_db_value){.kind = MR_DB_TEXT, .bytes = (x)})
#define MR_DB_NULL_VALUE    ((mr_db_value){.kind = MR_DB_NULL})

typedef struct mr_db_rows {
    mr_db_value *values;  // rows x columns, in cx->arena.
    uint32_t row_count;
    uint32_t column_count;
    uint64_t changed;  // Rows that an INSERT, UPDATE or DELETE touched.
} mr_db_rows;

// url: a path, or "postgresql://…". read_only: of a file that another process may be writing.
//   errors  MR_E_MISSING, MR_E_NETWORK, MR_E_PERMISSION, MR_E_CORRUPT
mr_code mr_db_open(const char *url, bool read_only, mr_db **ret, mr_cx *cx);
void mr_db_close(mr_db *db);            // Takes NULL. An open transaction is rolled back.
bool mr_db_is_shared(const mr_db *db);  // Others on other machines may use it: PostgreSQL.
// Statements are prepared once a text. ret may be NULL.
//   errors  MR_E_EXISTS (a unique key), MR_E_NETWORK with MR_RETRY, MR_E_FULL, MR_E_INTERNAL
mr_code mr_db_run(mr_db *db, const char *sql, const mr_db_value *args, uint32_t arg_count,
                  mr_db_rows *ret, mr_cx *cx);
mr_code mr_db_begin(mr_db *db, mr_cx *cx);
mr_code mr_db_commit(mr_db *db, mr_cx *cx);
void mr_db_rollback(mr_db *db);
// Brings the tables to the newest version: steps[i] makes version i + 1 of `name`; a database of a
// newer version is refused.
mr_code mr_db_migrate(mr_db *db, const char *name, const char *const *steps, uint32_t step_count,
                      mr_cx *cx);
