// Db ops: what a kind of database does for db.c.

#pragma once

#include "store/db.h"

// One statement. wait: the answer is wanted, or there is no transaction.
typedef struct mr_db_call {
    const char *sql;
    const mr_db_value *args;
    uint32_t arg_count;
    bool wait;
} mr_db_call;

typedef struct mr_db_ops {
    bool shared;
    mr_code (*open)(const char *url, bool read_only, mr_db **ret, mr_cx *cx);
    void (*close)(mr_db *db);
    // Ready to work: connects again where the connection was lost. Outside of a transaction.
    mr_code (*ready)(mr_db *db, mr_cx *cx);
    mr_code (*run)(mr_db *db, const mr_db_call *call, mr_db_rows *ret,
                   mr_cx *cx);  // ret: may be NULL
    mr_code (*begin)(mr_db *db, mr_cx *cx);
    // A failure leaves no transaction; with MR_ABORT nobody knows whether it was done.
    mr_code (*commit)(mr_db *db, mr_cx *cx);
    void (*rollback)(mr_db *db, mr_cx *cx);
    void (*pace)(mr_db *db);            // NULL: a server sees to it.
    void (*tend)(mr_db *db, bool now);  // NULL likewise.
} mr_db_ops;

struct mr_db {
    const mr_db_ops *ops;
    bool read_only;
    bool open;             // In a transaction.
    mr_error failure;      // Of a statement of this transaction; code MR_OK = none.
    mr_arena arena;        // Lives as long as the database.
    const char **session;  // Statements of mr_db_set_session.
    uint32_t session_count;
};

extern const mr_db_ops mr_db_sqlite;    // db_sqlite.c
extern const mr_db_ops mr_db_postgres;  // db_postgres.c
