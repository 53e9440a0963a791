// Db, SQLite: one file, write-ahead log, every commit synced.
//
// Why these settings: WAL lets readers of other processes go on beside the one writer; synchronous
// FULL syncs the log at each commit, so what was committed survives a power cut. BEGIN IMMEDIATE
// takes the writer's place at once, so a transaction never fails in its middle because another
// writer came first.   Also: mr_db_
// The log of who commits all the time (mr_db_pace): a file that grows with each commit makes the
// sync wait for the file system's own notes of it, so it is given its size beforehand; zeros behind
// its end are no frames to SQLite. And SQLite copies a log of 1000 pages back into the file inside
// the commit that made it so long; here that is done between commits.
// Source: sqlite.org/wal.html, sqlite.org/pragma.html#pragma_synchronous.

#include <sqlite3.h>
#include <string.h>

#include "base/map.h"
#include "store/db_ops.h"

#define BUSY_MS        15000  // Another process writes; each transaction is short.
#define LOG_BYTES      ((sqlite3_int64)8 << 20)
#define LOG_PAGES_BUSY 100   // Who has written so much gets a log of that size.
#define LOG_PAGES      200   // So long a log is copied back when nobody waits,
#define LOG_PAGES_MAX  1700  // so long a one anyhow: before it outgrows LOG_BYTES.

typedef struct sqlite_statement {
    sqlite3_stmt *handle;
    uint32_t *numbers;  // Of its parameters, from 1: SQLite counts them as they come.
    uint32_t parameter_count;
} sqlite_statement;

typedef struct sqlite_db {
    mr_db base;
    sqlite3 *handle;
    const char *path;
    mr_map statements;  // By text.
    int log_pages;      // With mr_db_pace: as of the last commit.
    bool laid_out;
} sqlite_db;

static mr_code code_of(int result) {
    switch (result & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return MR_E_LOCKED;
    case SQLITE_FULL: return MR_E_FULL;
    case SQLITE_IOERR: return MR_E_IO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return MR_E_CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM: return MR_E_PERMISSION;
    case SQLITE_CONSTRAINT:
        return result == SQLITE_CONSTRAINT_UNIQUE || result == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       result == SQLITE_CONSTRAINT_ROWID
                   ? MR_E_EXISTS
                   : MR_E_INTERNAL;
    default: return MR_E_INTERNAL;
    }
}

static const char *hint_of(mr_code code) {
    switch ((int)code) {
    case MR_E_LOCKED: return "Another process has been writing to it for long; try again.";
    case MR_E_FULL: return "Make room on the disk.";
    case MR_E_CORRUPT: return "Is it a file of another program? Else restore it from a copy.";
    case MR_E_PERMISSION: return "Check who owns the file and its folder.";
    default: return NULL;
    }
}

static mr_code fail(const sqlite_db *db, int result, const char *what, mr_cx *cx) {
    mr_code code = code_of(result);
    code = mr_fail(cx, code, hint_of(code), "%s \"%s\": %s", what, db->path,
                   db->handle == NULL ? sqlite3_errstr(result) : sqlite3_errmsg(db->handle));
    bool again = code == MR_E_LOCKED || code == MR_E_FULL;
    bool fatal = code == MR_E_IO || code == MR_E_CORRUPT;
    return mr_error_flag(cx, code, again ? MR_RETRY : fatal ? MR_FATAL : 0);
}

// ---- statements ------------------------------------------------------------------------------

static mr_code prepare(sqlite_db *db, const char *sql, sqlite_statement **ret, mr_cx *cx) {
    mr_span text = mr_span_of(sql);
    *ret = mr_map_get(&db->statements, text);
    if (*ret != NULL) {
        return MR_OK;
    }
    sqlite3_stmt *handle;
    int result = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
    if (result != SQLITE_OK) {
        return fail(db, sqlite3_extended_errcode(db->handle), "cannot read or write", cx);
    }
    mr_arena *arena = &db->base.arena;
    sqlite_statement *statement = MR_NEW(arena, sqlite_statement);
    statement->handle = handle;
    statement->parameter_count = (uint32_t)sqlite3_bind_parameter_count(handle);
    statement->numbers = MR_NEW_ARRAY(arena, uint32_t, statement->parameter_count);
    for (uint32_t i = 0; i < statement->parameter_count; i++) {
        const char *name = sqlite3_bind_parameter_name(handle, (int)i + 1);
        int64_t number = 0;
        mr_assert(name != NULL && name[0] == '$' &&
                  mr_text_parse_int64(mr_span_of(name + 1), &number) && number > 0);
        statement->numbers[i] = mr_u32((uint64_t)number);
    }
    mr_span key = {mr_arena_copy(arena, text.data, text.bytes), text.bytes};
    mr_map_put(&db->statements, key, statement);
    *ret = statement;
    return MR_OK;
}

static int bind_value(sqlite3_stmt *handle, int at, const mr_db_value *value) {
    const char *data = value->bytes.data == NULL ? "" : value->bytes.data;
    switch (value->kind) {
    case MR_DB_INT: return sqlite3_bind_int64(handle, at, value->number);
    case MR_DB_TEXT:
        return sqlite3_bind_text64(handle, at, data, value->bytes.bytes, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case MR_DB_BYTES:
        return sqlite3_bind_blob64(handle, at, data, value->bytes.bytes, SQLITE_STATIC);
    case MR_DB_NULL: break;
    }
    return sqlite3_bind_null(handle, at);
}

static mr_db_value value_of(sqlite3_stmt *handle, int column, mr_arena *arena) {
    int type = sqlite3_column_type(handle, column);
    if (type == SQLITE_NULL) {
        return MR_DB_NULL_VALUE;
    }
    if (type == SQLITE_INTEGER) {
        return MR_DB_INT_VALUE(sqlite3_column_int64(handle, column));
    }
    // The bytes before their number, as SQLite's manual asks.
    const void *data = type == SQLITE_BLOB ? sqlite3_column_blob(handle, column)
                                           : (const void *)sqlite3_column_text(handle, column);
    size_t bytes = (size_t)sqlite3_column_bytes(handle, column);
    mr_span span = {mr_arena_copy(arena, data == NULL ? "" : data, bytes), bytes};
    return type == SQLITE_BLOB ? MR_DB_BYTES_VALUE(span) : MR_DB_TEXT_VALUE(span);
}

static void add_row(sqlite3_stmt *handle, mr_db_rows *rows, uint32_t *capacity, mr_cx *cx) {
    uint32_t columns = rows->column_count;
    if (rows->row_count == *capacity) {
        *capacity = MR_MAX(8u, *capacity * 2);
        mr_db_value *wider = MR_NEW_ARRAY(cx->arena, mr_db_value, (size_t)*capacity * columns);
        if (rows->row_count > 0) {
            memcpy(wider, rows->values, sizeof(*wider) * rows->row_count * columns);
        }
        rows->values = wider;
    }
    for (uint32_t c = 0; c < columns; c++) {
        rows->values[(size_t)rows->row_count * columns + c] = value_of(handle, (int)c, cx->arena);
    }
    rows->row_count++;
}

static mr_code sqlite_run(mr_db *base, const mr_db_call *call, mr_db_rows *ret, mr_cx *cx) {
    sqlite_db *db = (sqlite_db *)base;
    sqlite_statement *statement;
    MR_TRY(prepare(db, call->sql, &statement, cx));
    sqlite3_stmt *handle = statement->handle;
    for (uint32_t i = 0; i < statement->parameter_count; i++) {
        mr_assert(statement->numbers[i] <= call->arg_count);
        int bound = bind_value(handle, (int)i + 1, &call->args[statement->numbers[i] - 1]);
        mr_assert(bound == SQLITE_OK);
    }
    mr_db_rows rows = {.column_count = (uint32_t)sqlite3_column_count(handle)};
    uint32_t capacity = 0;
    int result;
    while ((result = sqlite3_step(handle)) == SQLITE_ROW) {
        if (ret != NULL) {
            add_row(handle, &rows, &capacity, cx);
        }
    }
    mr_code code = result == SQLITE_DONE
                       ? MR_OK
                       : fail(db, sqlite3_extended_errcode(db->handle), "cannot read or write", cx);
    rows.changed = sqlite3_stmt_readonly(handle) ? 0 : (uint64_t)sqlite3_changes64(db->handle);
    sqlite3_reset(handle);
    sqlite3_clear_bindings(handle);
    if (code == MR_OK && ret != NULL) {
        *ret = rows;
    }
    return code;
}

static mr_code run_text(mr_db *db, const char *sql, mr_cx *cx) {
    return sqlite_run(db, &(mr_db_call){.sql = sql, .wait = true}, NULL, cx);
}

// ---- opening and transactions ----------------------------------------------------------------

static void sqlite_close(mr_db *base) {
    sqlite_db *db = (sqlite_db *)base;
    for (uint32_t i = 0; i < db->statements.count; i++) {
        sqlite3_finalize(((sqlite_statement *)db->statements.entries[i].value)->handle);
    }
    sqlite3_close(db->handle);
    mr_arena_release(&base->arena);
    mr_heap_free(db);
}

static mr_code open_file(sqlite_db *db, mr_cx *cx) {
    if (!mr_file_exists(db->path, cx)) {
        if (db->base.read_only) {
            return mr_fail(cx, MR_E_MISSING, NULL, "there is no \"%s\"", db->path);
        }
        // Made here, since SQLite makes a file that everybody may read.
        mr_file file;
        mr_code code = mr_file_open(&file, db->path, MR_OPEN_PRIVATE, cx);
        if (code == MR_OK) {
            mr_file_close(&file, cx->plat);
        } else if (code != MR_E_EXISTS) {
            return code;
        }
    }
    int mode = db->base.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int result = sqlite3_open_v2(db->path, &db->handle,
                                 mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (result != SQLITE_OK) {
        mr_code code = fail(db, result, "cannot open", cx);
        return code == MR_E_INTERNAL
                   ? mr_fail(cx, MR_E_PERMISSION, hint_of(MR_E_PERMISSION),
                             "cannot open \"%s\": %s", db->path, sqlite3_errstr(result))
                   : code;
    }
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    return MR_OK;
}

static mr_code sqlite_open(const char *url, bool read_only, mr_db **ret, mr_cx *cx) {
    sqlite_db *db = mr_heap_alloc(sizeof(*db));
    db->base = (mr_db){.ops = &mr_db_sqlite, .read_only = read_only};
    db->path = mr_arena_string(&db->base.arena, url);
    mr_map_init(&db->statements, &db->base.arena);
    static const char *const settings[] = {
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA journal_size_limit = 16777216",
    };
    mr_code code = open_file(db, cx);
    for (size_t i = 0; i < MR_COUNT(settings) && code == MR_OK && !read_only; i++) {
        code = run_text(&db->base, settings[i], cx);
    }
    if (code != MR_OK) {
        sqlite_close(&db->base);
        return code;
    }
    *ret = &db->base;
    return MR_OK;
}

static mr_code sqlite_ready(mr_db *db, mr_cx *cx) {
    (void)db;
    (void)cx;
    return MR_OK;
}

static mr_code sqlite_begin(mr_db *db, mr_cx *cx) {
    return run_text(db, "BEGIN IMMEDIATE", cx);
}

static void sqlite_rollback(mr_db *base, mr_cx *cx) {
    sqlite_db *db = (sqlite_db *)base;
    if (sqlite3_get_autocommit(db->handle) == 0) {  // Some failures have rolled back already.
        (void)!run_text(base, "ROLLBACK", cx);
    }
}

static mr_code sqlite_commit(mr_db *db, mr_cx *cx) {
    mr_code code = run_text(db, "COMMIT", cx);
    if (code != MR_OK) {
        mr_error kept = cx->error;
        sqlite_rollback(db, cx);
        cx->error = kept;
    }
    return code;
}

// ---- the log ---------------------------------------------------------------------------------

static int after_commit(void *self, sqlite3 *handle, const char *name, int log_pages) {
    (void)handle;
    (void)name;
    ((sqlite_db *)self)->log_pages = log_pages;
    return SQLITE_OK;
}

static void sqlite_pace(mr_db *base) {
    sqlite_db *db = (sqlite_db *)base;
    sqlite3_wal_hook(db->handle, after_commit, db);  // In place of SQLite's own.
}

static int fill(sqlite3 *handle) {
    static const char zeros[64 << 10];
    sqlite3_file *log = NULL;
    sqlite3_int64 bytes = 0;
    int result = sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (result == SQLITE_OK && log != NULL && log->pMethods != NULL) {
        result = log->pMethods->xFileSize(log, &bytes);
        while (result == SQLITE_OK && bytes < LOG_BYTES) {
            int count = (int)MR_MIN(LOG_BYTES - bytes, (sqlite3_int64)sizeof(zeros));
            result = log->pMethods->xWrite(log, zeros, count, bytes);
            bytes += count;
        }
    }
    return result;
}

// Gives the log its size, in a transaction, which keeps all others from writing to it. A disk that
// has no room for it has some for the transactions yet, perhaps: then it is as it was.
static void lay_out(sqlite_db *db) {
    if (sqlite3_exec(db->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK) {
        (void)!fill(db->handle);
        (void)!sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    }
}

// What is not done now, since somebody reads or the disk is full, is done another time.
static void sqlite_tend(mr_db *base, bool now) {
    sqlite_db *db = (sqlite_db *)base;
    if (!db->laid_out && db->log_pages >= LOG_PAGES_BUSY) {
        db->laid_out = true;
        lay_out(db);
    }
    if (db->log_pages >= (now ? LOG_PAGES : LOG_PAGES_MAX)) {
        db->log_pages = 0;
        (void)!sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
}

const mr_db_ops mr_db_sqlite = {
    .shared = false,
    .open = sqlite_open,
    .close = sqlite_close,
    .ready = sqlite_ready,
    .run = sqlite_run,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .pace = sqlite_pace,
    .tend = sqlite_tend,
};
