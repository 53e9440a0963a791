// Db: what both kinds of database have in common; see db.h.
//
// A failed statement spoils its transaction on PostgreSQL and not on SQLite; here it does on both,
// so that a program tested on the one behaves the same on the other.

#include "store/db.h"

#include <inttypes.h>
#include <string.h>

#include "store/db_ops.h"

bool mr_db_is_url(const char *text) {
    mr_span span = mr_span_of(text);
    return mr_span_starts(span, "postgresql://") || mr_span_starts(span, "postgres://");
}

mr_code mr_db_open(const char *url, bool read_only, mr_db **ret, mr_cx *cx) {
    const mr_db_ops *ops = mr_db_is_url(url) ? &mr_db_postgres : &mr_db_sqlite;
    mr_db *db;
    MR_TRY(ops->open(url, read_only, &db, cx));
    mr_assert(db->ops == ops);
    *ret = db;
    return MR_OK;
}

void mr_db_close(mr_db *db) {
    if (db != NULL) {
        db->ops->close(db);
    }
}

bool mr_db_is_shared(const mr_db *db) {
    return db->ops->shared;
}

mr_code mr_db_set_session(mr_db *db, const char *sql, mr_cx *cx) {
    mr_assert(!db->open);
    MR_TRY(mr_db_run(db, sql, NULL, 0, NULL, cx));
    const char **longer = MR_NEW_ARRAY(&db->arena, const char *, db->session_count + 1);
    for (uint32_t i = 0; i < db->session_count; i++) {
        longer[i] = db->session[i];
    }
    longer[db->session_count++] = mr_arena_string(&db->arena, sql);
    db->session = longer;
    return MR_OK;
}

bool mr_db_is_read_only(const mr_db *db) {
    return db->read_only;
}

// ---- statements and transactions
// -----------------------------------------------------------------

mr_code mr_db_run(mr_db *db, const char *sql, const mr_db_value *args, uint32_t arg_count,
                  mr_db_rows *ret, mr_cx *cx) {
    mr_db_call call = {sql, args, arg_count, .wait = !db->open || ret != NULL};
    if (!db->open) {
        MR_TRY(db->ops->ready(db, cx));
        return db->ops->run(db, &call, ret, cx);
    }
    if (db->failure.code != MR_OK) {
        cx->error = db->failure;
        return db->failure.code;
    }
    mr_code code = db->ops->run(db, &call, ret, cx);
    if (code != MR_OK) {
        db->failure = cx->error;
    }
    return code;
}

mr_code mr_db_begin(mr_db *db, mr_cx *cx) {
    mr_assert(!db->open && !db->read_only);
    MR_TRY(db->ops->ready(db, cx));
    MR_TRY(db->ops->begin(db, cx));
    db->open = true;
    db->failure.code = MR_OK;
    return MR_OK;
}

mr_code mr_db_commit(mr_db *db, mr_cx *cx) {
    mr_assert(db->open);
    if (db->failure.code != MR_OK) {
        mr_db_rollback(db, cx);
        cx->error = db->failure;
        return db->failure.code;
    }
    db->open = false;
    return db->ops->commit(db, cx);
}

void mr_db_rollback(mr_db *db, mr_cx *cx) {
    if (db->open) {
        mr_error kept = cx->error;  // The error to tell is the one that led here.
        db->open = false;
        db->ops->rollback(db, cx);
        cx->error = kept;
    }
}

void mr_db_pace(mr_db *db) {
    mr_assert(!db->open && !db->read_only);
    if (db->ops->pace != NULL) {
        db->ops->pace(db);
    }
}

void mr_db_tend(mr_db *db, bool now) {
    mr_assert(!db->open);
    if (db->ops->tend != NULL) {
        db->ops->tend(db, now);
    }
}

// ---- versions of the tables
// ----------------------------------------------------------------------

static const char *const versions_table =
    "CREATE TABLE IF NOT EXISTS mr_version (name text PRIMARY KEY, version bigint NOT NULL)";

static mr_code has_versions(mr_db *db, bool *ret, mr_cx *cx) {
    mr_db_rows rows;
    MR_TRY(mr_db_run(db,
                     mr_db_is_shared(db) ? "SELECT 1 WHERE to_regclass('mr_version') IS NOT NULL"
                                         : "SELECT 1 FROM sqlite_master WHERE name = 'mr_version'",
                     NULL, 0, &rows, cx));
    *ret = rows.row_count > 0;
    return MR_OK;
}

mr_code mr_db_version(mr_db *db, const char *name, int64_t *ret, mr_cx *cx) {
    bool has;
    mr_db_rows rows;
    *ret = 0;
    MR_TRY(has_versions(db, &has, cx));
    if (has) {
        mr_db_value args[] = {MR_DB_STRING_VALUE(name)};
        MR_TRY(mr_db_run(db, "SELECT version FROM mr_version WHERE name = $1", args, 1, &rows, cx));
        *ret = rows.row_count == 0 ? 0 : mr_db_cell(&rows, 0, 0)->number;
    }
    return MR_OK;
}

// One statement of a step, in this database's words.
static const char *native(const mr_db *db, mr_span statement, mr_arena *arena) {
    const char *text = mr_arena_copy(arena, statement.data, statement.bytes);
    if (db->ops->shared) {
        return text;
    }
    mr_text out;
    mr_text_init(&out, arena);
    const char *word = "bigint primary key";
    for (const char *at; (at = strstr(text, word)) != NULL; text = at + strlen(word)) {
        mr_text_add_bytes(&out, text, (size_t)(at - text));
        mr_text_add(&out, "integer primary key");
    }
    mr_text_add(&out, text);
    return mr_text_string(&out);
}

static mr_code run_step(mr_db *db, const char *step, mr_cx *cx) {
    while (*step != '\0') {
        const char *end = strstr(step, ";\n");
        size_t bytes = end == NULL ? strlen(step) : (size_t)(end - step);
        MR_TRY(mr_db_run(db, native(db, (mr_span){step, bytes}, cx->arena), NULL, 0, NULL, cx));
        step += bytes + (end == NULL ? 0 : 2);
    }
    return MR_OK;
}

static mr_code migrate(mr_db *db, const char *name, const char *const *steps, uint32_t step_count,
                       mr_cx *cx) {
    if (mr_db_is_shared(db)) {  // SQLite's transaction is alone already.
        mr_db_rows locked;
        MR_TRY(mr_db_run(db, "SELECT 1 FROM pg_advisory_xact_lock(7236524618273545)", NULL, 0,
                         &locked, cx));
    }
    MR_TRY(mr_db_run(db, versions_table, NULL, 0, NULL, cx));
    int64_t version;
    MR_TRY(mr_db_version(db, name, &version, cx));
    if (version > step_count) {
        return mr_fail(cx, MR_E_UNSUPPORTED,
                       "Use the newer millrace that has worked with it, or another database.",
                       "the database's tables of \"%s\" have version %" PRId64
                       ", this program knows %u",
                       name, version, step_count);
    }
    for (uint32_t i = (uint32_t)version; i < step_count; i++) {
        MR_TRY(run_step(db, steps[i], cx));
    }
    mr_db_value args[] = {MR_DB_STRING_VALUE(name), MR_DB_INT_VALUE(step_count)};
    return mr_db_run(db,
                     "INSERT INTO mr_version (name, version) VALUES ($1, $2) "
                     "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
                     args, 2, NULL, cx);
}

mr_code mr_db_migrate(mr_db *db, const char *name, const char *const *steps, uint32_t step_count,
                      mr_cx *cx) {
    int64_t version;
    MR_TRY(mr_db_version(db, name, &version, cx));
    if (version == step_count) {
        return MR_OK;
    }
    MR_TRY(mr_db_begin(db, cx));
    mr_code code = migrate(db, name, steps, step_count, cx);
    if (code != MR_OK) {
        mr_db_rollback(db, cx);
        return code;
    }
    return mr_db_commit(db, cx);
}
