// Db: one small SQL database: SQLite in a file, or PostgreSQL by its URL.
//
// The same SQL text runs on both: parameters are $1, $2 …; types are bigint, text, bytea (SQLite
// takes the names); INSERT … ON CONFLICT, RETURNING; CAST, not "::". A parameter's type is that of
// the column it meets. Times are microseconds since 1970 in bigint.
// SQLite: WAL, synchronous FULL, one connection that writes (BEGIN IMMEDIATE), a busy timeout.
// Its log is a file beside it; see mr_db_pace for who commits all the time.
// PostgreSQL: statements of a transaction that want no answer are sent without waiting for the one
// before (pipeline mode), so a transaction costs one or two round trips whatever its length. A lost
// connection is made again by the next call outside of a transaction.
// Threads: a connection belongs to one thread.

#pragma once

#include "plat/plat.h"

typedef struct mr_db mr_db;

typedef enum mr_db_kind { MR_DB_NULL, MR_DB_INT, MR_DB_TEXT, MR_DB_BYTES } mr_db_kind;

typedef struct mr_db_value {
    mr_db_kind kind;
    int64_t number;
    mr_span bytes;  // TEXT and BYTES; a NUL stands behind those that the database gave.
} mr_db_value;

#define MR_DB_INT_VALUE(x)    ((mr_db_value){.kind = MR_DB_INT, .number = (x)})
#define MR_DB_TEXT_VALUE(x)   ((mr_db_value){.kind = MR_DB_TEXT, .bytes = (x)})
#define MR_DB_STRING_VALUE(x) MR_DB_TEXT_VALUE(mr_span_of(x))
#define MR_DB_BYTES_VALUE(x)  ((mr_db_value){.kind = MR_DB_BYTES, .bytes = (x)})
#define MR_DB_NULL_VALUE      ((mr_db_value){.kind = MR_DB_NULL})

typedef struct mr_db_rows {
    mr_db_value *values;  // rows x columns, in cx->arena.
    uint32_t row_count;
    uint32_t column_count;
    uint64_t changed;  // Rows that an INSERT, UPDATE or DELETE touched.
} mr_db_rows;

static inline const mr_db_value *mr_db_cell(const mr_db_rows *rows, uint32_t row, uint32_t column) {
    mr_assert(row < rows->row_count && column < rows->column_count);
    return &rows->values[(size_t)row * rows->column_count + column];
}

// url: a path, or "postgresql://…". read_only: of a database that another process may be writing.
//   errors  MR_E_MISSING, MR_E_NETWORK, MR_E_PERMISSION, MR_E_CORRUPT
mr_code mr_db_open(const char *url, bool read_only, mr_db **ret, mr_cx *cx);
void mr_db_close(mr_db *db);            // Takes NULL. An open transaction is rolled back.
bool mr_db_is_shared(const mr_db *db);  // Others on other machines may use it: PostgreSQL.
bool mr_db_is_read_only(const mr_db *db);
bool mr_db_is_url(const char *text);  // Whether it names a PostgreSQL database.
// Statements that are run on each new connection from now on, and on this one: settings of the
// session. Of one statement, without parameters.
mr_code mr_db_set_session(mr_db *db, const char *sql, mr_cx *cx);

// Statements are prepared once a text. ret NULL: no answer is wanted, and in a transaction an error
// may come from a later call, at the latest from mr_db_commit. After an error a transaction can
// only be rolled back, which mr_db_commit does.
//   errors  MR_E_EXISTS (a unique key), MR_E_NETWORK, MR_E_LOCKED or MR_E_FULL with MR_RETRY,
//           MR_E_INTERNAL
mr_code mr_db_run(mr_db *db, const char *sql, const mr_db_value *args, uint32_t arg_count,
                  mr_db_rows *ret, mr_cx *cx);
mr_code mr_db_begin(mr_db *db, mr_cx *cx);
// errors  those of its statements: nothing was changed; MR_E_NETWORK with MR_ABORT beside
//         MR_RETRY: the connection was lost just now, nobody knows whether it was done
mr_code mr_db_commit(mr_db *db, mr_cx *cx);
void mr_db_rollback(mr_db *db, mr_cx *cx);  // Does nothing outside of a transaction.
// For who commits all the time and waits for it: from now on a commit does nothing but write and
// sync the log; what else is to be done from time to time mr_db_tend does, between two
// transactions. now: also what can be put off, since nobody waits. PostgreSQL needs neither.
void mr_db_pace(mr_db *db);
void mr_db_tend(mr_db *db, bool now);

// Brings the tables to the newest version: steps[i] (statements that end in ";\n") makes version
// i + 1 of `name`; a database of a newer version is refused.  "bigint primary key" becomes SQLite's
// row number.
mr_code mr_db_migrate(mr_db *db, const char *name, const char *const *steps, uint32_t step_count,
                      mr_cx *cx);
// The version that mr_db_migrate brought `name` to; 0 = never.
mr_code mr_db_version(mr_db *db, const char *name, int64_t *ret, mr_cx *cx);
