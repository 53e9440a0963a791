// Db, PostgreSQL: by libpq, opened when a database of this kind is first asked for.
//
// Why dlopen: libpq and what it links (Kerberos, LDAP, …) would cost every start, and most projects
// keep their workflows in SQLite.   How: the connection is always in pipeline mode and does not
// block. A statement is sent and entered in a queue; answers come in the same order, and are waited
// for at a sync, which follows a statement whose answer is wanted. After a lost connection all that
// was sent is forgotten, and the next call outside of a transaction connects again.
//   Also: mr_db_
// Source: postgresql.org/docs/15/libpq-pipeline-mode.html, appendix A (SQLSTATE).

#include <postgresql/libpq-fe.h>
#include <string.h>

#include "base/map.h"
#include "plat/library.h"
#include "plat/socket.h"
#include "store/db_ops.h"

#define ANSWER_US   ((int64_t)60 * 1000000)  // A server that says nothing for so long is lost.
#define PENDING_MAX 256  // Then the answers are looked at: neither side's memory grows on.

// clang-format off
#define POSTGRES_FUNCTIONS(X) \
    X(connectdbParams) X(finish) X(status) X(errorMessage) X(socket) X(setnonblocking) \
    X(setNoticeProcessor) X(enterPipelineMode) X(pipelineSync) X(sendPrepare) \
    X(sendQueryPrepared) X(flush) X(consumeInput) X(isBusy) X(getResult) X(clear) \
    X(resultStatus) X(resultErrorField) X(cmdStatus) X(cmdTuples) X(ntuples) X(nfields) X(ftype) \
    X(getisnull) X(getvalue) X(getlength) X(db) X(host) X(conninfoParse) X(conninfoFree) X(freemem)
// clang-format on

typedef struct postgres_library {
#define POSTGRES_MEMBER(name) __typeof__(&PQ##name) name;
    POSTGRES_FUNCTIONS(POSTGRES_MEMBER)
#undef POSTGRES_MEMBER
} postgres_library;

typedef enum prepare_state { NOT_PREPARED, PREPARE_SENT, PREPARED } prepare_state;

typedef struct postgres_statement {
    const char *name;  // On the server.
    prepare_state state;
} postgres_statement;

typedef enum pending_kind { PENDING_PREPARE, PENDING_RUN, PENDING_SYNC } pending_kind;

// What was sent and not yet answered.
typedef struct pending {
    pending_kind kind;
    postgres_statement *statement;
} pending;

typedef struct postgres_db {
    mr_db base;
    postgres_library pq;
    PGconn *connection;  // NULL: lost, or not yet made.
    const char *url;
    const char *name;   // For messages: without a password.
    mr_map statements;  // By text.
    pending queue[PENDING_MAX + 4];
    uint32_t queue_count;
    mr_code failure;  // The first among the answers that are being taken.
} postgres_db;

// Types of columns that are used here, as PostgreSQL numbers them (pg_type.dat).
enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
};

// ---- failures --------------------------------------------------------------------------------

// libpq's words, on one line and without its full stop.
static const char *one_line(const char *text, mr_arena *arena) {
    mr_span span = mr_span_trim(mr_span_of(text));
    char *line = mr_arena_copy(arena, span.data, span.bytes);
    for (char *at = line; *at != '\0'; at++) {
        *at = *at == '\n' || *at == '\t' ? ' ' : *at;
    }
    return line;
}

static void disconnect(postgres_db *db) {
    if (db->connection != NULL) {
        db->pq.finish(db->connection);
        db->connection = NULL;
    }
    db->queue_count = 0;
    for (uint32_t i = 0; i < db->statements.count; i++) {
        ((postgres_statement *)db->statements.entries[i].value)->state = NOT_PREPARED;
    }
}

static mr_code lost(postgres_db *db, const char *why, mr_cx *cx) {
    const char *text = one_line(why != NULL ? why : db->pq.errorMessage(db->connection), cx->arena);
    disconnect(db);
    return mr_error_flag(cx,
                         mr_fail(cx, MR_E_NETWORK, "Is the server up, and is it reached from here?",
                                 "lost the connection to %s: %s", db->name, text),
                         MR_RETRY);
}

// By SQLSTATE.
static mr_code code_of(const char *state, uint32_t *ret_flags) {
    static const struct {
        const char *prefix;
        mr_code code;
        uint32_t flags;
    } codes[] = {
        {"23505", MR_E_EXISTS, 0},         {"08", MR_E_NETWORK, MR_RETRY},
        {"57P", MR_E_NETWORK, MR_RETRY},   {"25P03", MR_E_NETWORK, MR_RETRY},
        {"57014", MR_E_TIMEOUT, MR_RETRY}, {"40", MR_E_LOCKED, MR_RETRY},
        {"55P03", MR_E_LOCKED, MR_RETRY},  {"53100", MR_E_FULL, MR_RETRY},
        {"53", MR_E_NETWORK, MR_RETRY},    {"28", MR_E_PERMISSION, 0},
        {"42501", MR_E_PERMISSION, 0},     {"25006", MR_E_PERMISSION, 0},
        {"3D", MR_E_MISSING, 0},           {"XX001", MR_E_CORRUPT, MR_FATAL},
        {"XX002", MR_E_CORRUPT, MR_FATAL},
    };
    for (size_t i = 0; i < MR_COUNT(codes); i++) {
        if (mr_span_starts(mr_span_of(state), codes[i].prefix)) {
            *ret_flags = codes[i].flags;
            return codes[i].code;
        }
    }
    *ret_flags = 0;
    return MR_E_INTERNAL;
}

static mr_code fail(postgres_db *db, const PGresult *result, mr_cx *cx) {
    const char *state = db->pq.resultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = db->pq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (state == NULL) {  // Not the server's word: the connection broke.
        return lost(db, NULL, cx);
    }
    uint32_t flags;
    mr_code code = code_of(state, &flags);
    const char *hint = db->pq.resultErrorField(result, PG_DIAG_MESSAGE_HINT);
    code = mr_fail(cx, code, hint, "%s: %s", db->name,
                   one_line(text == NULL ? state : text, cx->arena));
    return mr_error_flag(cx, code, flags);
}

// ---- answers ---------------------------------------------------------------------------------

// Waits until an answer is here.
static mr_code wait_answer(postgres_db *db, mr_cx *cx) {
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + ANSWER_US;
    for (;;) {
        int unsent = db->pq.flush(db->connection);
        if (unsent < 0) {
            return lost(db, NULL, cx);
        }
        if (unsent == 0 && db->pq.isBusy(db->connection) == 0) {
            return MR_OK;
        }
        int64_t left_us = until_us - mr_clock_monotonic_us(cx->plat);
        if (left_us <= 0) {
            return lost(db, "no answer for 60 seconds", cx);
        }
        mr_socket_event event = {
            .handle = db->pq.socket(db->connection), .read = true, .write = unsent > 0};
        size_t came;
        if (mr_socket_wait(&event, 1, left_us, &came, cx) != MR_OK) {
            return lost(db, "cannot wait for it", cx);
        }
        if (event.readable && db->pq.consumeInput(db->connection) == 0) {
            return lost(db, NULL, cx);
        }
    }
}

static uint64_t big_endian(const char *data, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | (uint8_t)data[i];
    }
    return value;
}

static mr_db_value value_of(const postgres_db *db, const PGresult *result, int row, int column,
                            mr_cx *cx) {
    if (db->pq.getisnull(result, row, column) != 0) {
        return MR_DB_NULL_VALUE;
    }
    const char *data = db->pq.getvalue(result, row, column);
    size_t bytes = (size_t)db->pq.getlength(result, row, column);
    switch (db->pq.ftype(result, column)) {
    case TYPE_INT8: return MR_DB_INT_VALUE((int64_t)big_endian(data, 8));
    case TYPE_INT4: return MR_DB_INT_VALUE((int32_t)big_endian(data, 4));
    case TYPE_INT2: return MR_DB_INT_VALUE((int16_t)big_endian(data, 2));
    case TYPE_BOOL: return MR_DB_INT_VALUE(data[0]);
    case TYPE_BYTEA:
        return MR_DB_BYTES_VALUE(((mr_span){mr_arena_copy(cx->arena, data, bytes), bytes}));
    default: break;
    }
    return MR_DB_TEXT_VALUE(((mr_span){mr_arena_copy(cx->arena, data, bytes), bytes}));
}

static void take_rows(const postgres_db *db, PGresult *result, mr_db_rows *ret, mr_cx *cx) {
    int rows = db->pq.ntuples(result), columns = db->pq.nfields(result);
    *ret = (mr_db_rows){.row_count = (uint32_t)rows, .column_count = (uint32_t)columns};
    ret->values = MR_NEW_ARRAY(cx->arena, mr_db_value, (size_t)rows * (size_t)columns);
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            ret->values[(size_t)r * (size_t)columns + (size_t)c] = value_of(db, result, r, c, cx);
        }
    }
    int64_t changed;
    bool reads = mr_span_starts(mr_span_of(db->pq.cmdStatus(result)), "SELECT");
    if (!reads && mr_text_parse_int64(mr_span_of(db->pq.cmdTuples(result)), &changed)) {
        ret->changed = (uint64_t)changed;
    }
}

// One result of what was sent. db->failure is the first that failed.
static void take_result(postgres_db *db, const pending *of, PGresult *result, mr_db_rows *ret,
                        mr_cx *cx) {
    ExecStatusType status = db->pq.resultStatus(result);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (of->kind == PENDING_PREPARE) {
        of->statement->state = good ? PREPARED : NOT_PREPARED;
    } else if (good && ret != NULL) {
        take_rows(db, result, ret, cx);
    }
    if (!good && status != PGRES_PIPELINE_ABORTED && db->failure == MR_OK) {
        db->failure = fail(db, result, cx);
    }
}

// Takes the answers to all that was sent, the last of which is a sync. ret: of the last statement.
static mr_code drain(postgres_db *db, mr_db_rows *ret, mr_cx *cx) {
    db->failure = MR_OK;
    uint32_t count = db->queue_count;
    for (uint32_t i = 0; i < count; i++) {
        pending of = db->queue[i];
        for (;;) {
            mr_error kept = cx->error;
            mr_code code = wait_answer(db, cx);
            if (code != MR_OK) {
                if (db->failure != MR_OK) {
                    cx->error = kept;
                }
                return db->failure != MR_OK ? db->failure : code;
            }
            PGresult *result = db->pq.getResult(db->connection);
            if (result == NULL) {
                break;
            }
            bool is_last = i + 2 >= count;
            if (of.kind != PENDING_SYNC) {
                take_result(db, &of, result, is_last ? ret : NULL, cx);
            }
            db->pq.clear(result);
            if (db->connection == NULL) {
                return db->failure;
            }
            if (of.kind == PENDING_SYNC) {
                break;  // No NULL follows it.
            }
        }
    }
    db->queue_count = 0;
    return db->failure;
}

// ---- sending ---------------------------------------------------------------------------------

static void enqueue(postgres_db *db, pending_kind kind, postgres_statement *statement) {
    mr_assert(db->queue_count < MR_COUNT(db->queue));
    db->queue[db->queue_count++] = (pending){kind, statement};
}

static postgres_statement *statement_of(postgres_db *db, const char *sql) {
    mr_span text = mr_span_of(sql);
    postgres_statement *statement = mr_map_get(&db->statements, text);
    if (statement == NULL) {
        mr_arena *arena = &db->base.arena;
        statement = MR_NEW(arena, postgres_statement);
        statement->name = mr_arena_printf(arena, "mr%u", db->statements.count);
        mr_span key = {mr_arena_copy(arena, text.data, text.bytes), text.bytes};
        mr_map_put(&db->statements, key, statement);
    }
    return statement;
}

static bool send_arguments(postgres_db *db, const postgres_statement *statement,
                           const mr_db_value *args, uint32_t count, mr_cx *cx) {
    const char **values = MR_NEW_ARRAY(cx->arena, const char *, count);
    int *lengths = MR_NEW_ARRAY(cx->arena, int, count);
    int *formats = MR_NEW_ARRAY(cx->arena, int, count);
    for (uint32_t i = 0; i < count; i++) {
        if (args[i].kind == MR_DB_INT) {
            values[i] = mr_arena_printf(cx->arena, "%lld", (long long)args[i].number);
        } else if (args[i].kind != MR_DB_NULL) {
            mr_assert(args[i].bytes.bytes <= INT32_MAX);
            values[i] = args[i].bytes.data == NULL ? "" : args[i].bytes.data;
            lengths[i] = (int)args[i].bytes.bytes;
            formats[i] = 1;  // As bytes.
        }
    }
    return db->pq.sendQueryPrepared(db->connection, statement->name, (int)count, values, lengths,
                                    formats, /* resultFormat= */ 1) == 1;
}

static mr_code postgres_run(mr_db *base, const mr_db_call *call, mr_db_rows *ret, mr_cx *cx) {
    postgres_db *db = (postgres_db *)base;
    mr_assert(db->connection != NULL);
    postgres_statement *statement = statement_of(db, call->sql);
    if (statement->state == NOT_PREPARED) {
        if (db->pq.sendPrepare(db->connection, statement->name, call->sql, 0, NULL) != 1) {
            return lost(db, NULL, cx);
        }
        statement->state = PREPARE_SENT;
        enqueue(db, PENDING_PREPARE, statement);
    }
    if (!send_arguments(db, statement, call->args, call->arg_count, cx)) {
        return lost(db, NULL, cx);
    }
    enqueue(db, PENDING_RUN, statement);
    if (!call->wait && db->queue_count < PENDING_MAX) {
        return db->pq.flush(db->connection) < 0 ? lost(db, NULL, cx) : MR_OK;
    }
    if (db->pq.pipelineSync(db->connection) != 1) {
        return lost(db, NULL, cx);
    }
    enqueue(db, PENDING_SYNC, NULL);
    return drain(db, ret, cx);
}

static mr_code run_text(mr_db *db, const char *sql, bool wait, mr_cx *cx) {
    return postgres_run(db, &(mr_db_call){.sql = sql, .wait = wait}, NULL, cx);
}

// ---- opening ---------------------------------------------------------------------------------

static void say_nothing(void *state, const char *text) {
    (void)state;
    (void)text;
}

// Whether libpq takes the URL apart as it was meant. An @ or / of a password that is not encoded
// ends it too early: the rest of it becomes a host, a port or a database.
static bool is_plain(const char *url, const PQconninfoOption *options) {
    const char *path = strstr(url, "://");
    path = path == NULL ? NULL : strchr(path + 3, '/');
    if (path != NULL && memchr(path, '@', strcspn(path, "?")) != NULL) {
        return false;
    }
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        bool port = strcmp(o->keyword, "port") == 0, host = strcmp(o->keyword, "host") == 0;
        if (o->val != NULL && ((port && o->val[strspn(o->val, "0123456789,")] != '\0') ||
                               (host && strchr(o->val, '@') != NULL))) {
            return false;
        }
    }
    return true;
}

// libpq's words about a URL that it cannot read show it, password and all; so it is looked at
// first, and told in words of our own.
static mr_code check_url(const postgres_db *db, mr_cx *cx) {
    char *words = NULL;
    PQconninfoOption *options = db->pq.conninfoParse(db->url, &words);
    bool good = options != NULL && is_plain(db->url, options);
    db->pq.conninfoFree(options);
    if (words != NULL) {
        db->pq.freemem(words);
    }
    return good ? MR_OK
                : mr_fail(cx, MR_E_VALUE,
                          "It is postgresql://user:password@host:port/database?option=value; in "
                          "its parts @ is written %40, / is %2F, : is %3A, % is %25.",
                          "cannot open the database: its URL cannot be read");
}

static mr_code fail_connect(postgres_db *db, mr_cx *cx) {
    const char *text = one_line(db->pq.errorMessage(db->connection), cx->arena);
    disconnect(db);
    bool denied = strstr(text, "authentication") != NULL || strstr(text, "no password") != NULL ||
                  strstr(text, "role \"") != NULL || strstr(text, "permission") != NULL;
    if (denied) {
        return mr_fail(cx, MR_E_PERMISSION, "Check the user and the password of the URL.",
                       "cannot open the database: %s", text);
    }
    if (strstr(text, "database \"") != NULL) {
        return mr_fail(cx, MR_E_MISSING, "Make it with createdb, or name another in the URL.",
                       "cannot open the database: %s", text);
    }
    if (strstr(text, "invalid") != NULL && strstr(text, "connection to server") == NULL) {
        return mr_fail(cx, MR_E_VALUE,
                       "It is postgresql://user:password@host:port/database?option=value.",
                       "cannot open the database: %s", text);
    }
    return mr_error_flag(cx,
                         mr_fail(cx, MR_E_NETWORK, "Is the server up, and is it reached from here?",
                                 "cannot open the database: %s", text),
                         MR_RETRY);
}

static mr_code connect(postgres_db *db, mr_cx *cx) {
    // What the URL says comes later and wins.
    const char *const names[] = {"connect_timeout",
                                 "keepalives_idle",
                                 "tcp_user_timeout",
                                 "application_name",
                                 "options",
                                 "dbname",
                                 NULL};
    const char *const values[] = {"10",
                                  "30",
                                  "60000",
                                  "millrace",
                                  db->base.read_only ? "-c default_transaction_read_only=on" : "",
                                  db->url,
                                  NULL};
    db->connection = db->pq.connectdbParams(names, values, /* expand_dbname= */ 1);
    if (db->pq.status(db->connection) != CONNECTION_OK) {
        return fail_connect(db, cx);
    }
    db->pq.setNoticeProcessor(db->connection, say_nothing, NULL);
    if (db->pq.setnonblocking(db->connection, 1) != 0 ||
        db->pq.enterPipelineMode(db->connection) != 1) {
        return fail_connect(db, cx);
    }
    db->name = mr_arena_printf(&db->base.arena, "database \"%s\" of %s", db->pq.db(db->connection),
                               db->pq.host(db->connection));
    return MR_OK;
}

static mr_code postgres_ready(mr_db *base, mr_cx *cx) {
    postgres_db *db = (postgres_db *)base;
    if (db->connection != NULL) {
        return MR_OK;
    }
    MR_TRY(connect(db, cx));
    for (uint32_t i = 0; i < base->session_count; i++) {
        mr_code code = run_text(base, base->session[i], /* wait= */ true, cx);
        if (code != MR_OK) {
            disconnect(db);
            return code;
        }
    }
    return MR_OK;
}

static mr_code load_library(postgres_library *ret, mr_cx *cx) {
    void *library;
    if (mr_library_open("libpq.so.5", &library, cx) != MR_OK) {
        return mr_fail(cx, MR_E_MISSING, "Install PostgreSQL's client library (package libpq5).",
                       "cannot load libpq: %s", mr_arena_string(cx->arena, cx->error.text));
    }
#define POSTGRES_BIND(name)                                                              \
    *(void **)&ret->name = mr_library_symbol(library, "PQ" #name);                       \
    if (ret->name == NULL) {                                                             \
        return mr_fail(cx, MR_E_UNSUPPORTED, "Install libpq of PostgreSQL 14 or later.", \
                       "libpq.so.5 is too old: it has no PQ" #name);                     \
    }
    POSTGRES_FUNCTIONS(POSTGRES_BIND)
#undef POSTGRES_BIND
    return MR_OK;
}

static void postgres_close(mr_db *base) {
    postgres_db *db = (postgres_db *)base;
    disconnect(db);
    mr_arena_release(&base->arena);
    mr_heap_free(db);
}

static mr_code postgres_open(const char *url, bool read_only, mr_db **ret, mr_cx *cx) {
    postgres_db *db = mr_heap_alloc(sizeof(*db));
    db->base = (mr_db){.ops = &mr_db_postgres, .read_only = read_only};
    db->url = mr_arena_string(&db->base.arena, url);
    mr_map_init(&db->statements, &db->base.arena);
    mr_code code = load_library(&db->pq, cx);
    code = code == MR_OK ? check_url(db, cx) : code;
    code = code == MR_OK ? connect(db, cx) : code;
    if (code != MR_OK) {
        postgres_close(&db->base);
        return code;
    }
    *ret = &db->base;
    return MR_OK;
}

// ---- transactions ----------------------------------------------------------------------------

static mr_code postgres_begin(mr_db *db, mr_cx *cx) {
    return run_text(db, "BEGIN", /* wait= */ false, cx);
}

static void postgres_rollback(mr_db *base, mr_cx *cx) {
    postgres_db *db = (postgres_db *)base;
    if (db->connection != NULL) {  // Else the server has done so itself.
        (void)!run_text(base, "ROLLBACK", /* wait= */ true, cx);
    }
}

static mr_code postgres_commit(mr_db *base, mr_cx *cx) {
    mr_code code = run_text(base, "COMMIT", /* wait= */ true, cx);
    if (code == MR_OK) {
        return MR_OK;
    }
    mr_error kept = cx->error;
    postgres_rollback(base, cx);
    cx->error = kept;
    return mr_error_flag(cx, code, code == MR_E_NETWORK ? MR_ABORT : 0);
}

const mr_db_ops mr_db_postgres = {
    .shared = true,
    .open = postgres_open,
    .close = postgres_close,
    .ready = postgres_ready,
    .run = postgres_run,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
};
