// Record: opening the flow database, who owns it, and turns; see record.h.
//
// Why the lease's row is changed first in each turn: the change holds the row's lock until the
// commit, so another scheduler that takes the lease waits for the turn's end or comes before it,
// and never in between. A scheduler that is stopped inside a turn would hold that lock for ever;
// the server ends its session after the time of a lease (idle_in_transaction_session_timeout).
// The row also counts turns: after a connection that broke in a commit it says whether that was
// done.

#include "flow/record_row.h"

#include <inttypes.h>
#include <string.h>

#define LEASE_US ((int64_t)15 * 1000000)
#define AGAIN_US ((int64_t)200 * 1000)  // Between two looks at a server that is away.

static const char *const steps[] = {
    "CREATE TABLE dag (id text PRIMARY KEY, file text NOT NULL, paused bigint NOT NULL, "
    "version bigint NOT NULL, watermark_us bigint NOT NULL, seen_us bigint NOT NULL, "
    "missing_us bigint NOT NULL);\n"
    "CREATE TABLE dag_version (dag text NOT NULL, version bigint NOT NULL, hash text NOT NULL, "
    "seen_us bigint NOT NULL, source text NOT NULL, PRIMARY KEY (dag, version), "
    "UNIQUE (dag, hash));\n"
    "CREATE TABLE run (id bigint primary key, state text NOT NULL, type text NOT NULL, "
    "started_us bigint NOT NULL, ended_us bigint NOT NULL, version bigint NOT NULL, "
    "backfill bigint NOT NULL, deadline_told bigint NOT NULL, conf text NOT NULL, "
    "note text NOT NULL, dag text NOT NULL, run_id text NOT NULL, logical_us bigint NOT NULL, "
    "interval_start_us bigint NOT NULL, interval_end_us bigint NOT NULL, "
    "created_us bigint NOT NULL, caller bigint NOT NULL, UNIQUE (dag, run_id));\n"
    "CREATE UNIQUE INDEX run_planned ON run (dag, logical_us) "
    "WHERE type IN ('scheduled', 'backfill');\n"
    "CREATE INDEX run_active ON run (id) WHERE state IN ('queued', 'running');\n"
    "CREATE INDEX run_newest ON run (dag, id);\n"
    "CREATE INDEX run_before ON run (dag, logical_us);\n"
    "CREATE TABLE task (id bigint primary key, state text NOT NULL, tries bigint NOT NULL, "
    "retries bigint NOT NULL, ready_us bigint NOT NULL, started_us bigint NOT NULL, "
    "ended_us bigint NOT NULL, next_us bigint NOT NULL, reason text NOT NULL, "
    "run bigint NOT NULL, task text NOT NULL, map_index bigint NOT NULL, item text NOT NULL, "
    "UNIQUE (run, task, map_index));\n"
    "CREATE TABLE try (id bigint primary key, state text NOT NULL, exit_reason text NOT NULL, "
    "exit_code bigint NOT NULL, started_us bigint NOT NULL, ended_us bigint NOT NULL, "
    "cpu_us bigint NOT NULL, memory_bytes bigint NOT NULL, detail text NOT NULL, "
    "task bigint NOT NULL, number bigint NOT NULL, dir text NOT NULL, UNIQUE (task, number));\n"
    "CREATE TABLE output (task bigint NOT NULL, name text NOT NULL, value text NOT NULL, "
    "PRIMARY KEY (task, name));\n"
    "CREATE TABLE backfill (id bigint primary key, state text NOT NULL, next_us bigint NOT NULL, "
    "ended_us bigint NOT NULL, dag text NOT NULL, from_us bigint NOT NULL, "
    "to_us bigint NOT NULL, reprocess text NOT NULL, max_active_runs bigint NOT NULL, "
    "backwards bigint NOT NULL, created_us bigint NOT NULL);\n"
    "CREATE TABLE lease (name text PRIMARY KEY, holder text NOT NULL, epoch bigint NOT NULL, "
    "turn bigint NOT NULL, until_us bigint NOT NULL)",
    "ALTER TABLE backfill DROP COLUMN next_us",
};

// The server's clock: those of two schedulers may differ.
#define NOW_US "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"

// ---- the lease -------------------------------------------------------------------------------

static mr_code fail_held(const mr_record *record, uint32_t flags, mr_cx *cx) {
    mr_db_rows rows;
    MR_TRY(
        mr_db_run(record->db, "SELECT holder FROM lease WHERE name = 'flow'", NULL, 0, &rows, cx));
    mr_span holder =
        rows.row_count == 0 ? MR_SPAN("another process") : mr_db_cell(&rows, 0, 0)->bytes;
    return mr_error_flag(
        cx,
        mr_fail(cx, MR_E_LOCKED,
                "One scheduler works at a time; another takes over when it has ended.",
                "the workflows of this database are run by %.*s", MR_SPAN_ARGS(holder)),
        flags);
}

static mr_code lease_take(mr_record *record, const char *holder, mr_cx *cx) {
    // Also the end of a holder that stopped in the middle of a turn.
    const char *limit =
        mr_arena_printf(cx->arena, "SET idle_in_transaction_session_timeout = %" PRId64,
                        MR_MAX(record->lease_us / 1000, 1));
    MR_TRY(mr_db_set_session(record->db, limit, cx));
    int64_t now_us = mr_clock_monotonic_us(cx->plat);
    mr_db_value args[] = {MR_DB_STRING_VALUE(holder), MR_DB_INT_VALUE(record->lease_us)};
    mr_db_rows rows;
    MR_TRY(mr_db_run(record->db,
                     "INSERT INTO lease (name, holder, epoch, turn, until_us) "
                     "VALUES ('flow', $1, 1, 0, $2 + " NOW_US ") "
                     "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, "
                     "epoch = lease.epoch + 1, turn = 0, until_us = excluded.until_us "
                     "WHERE lease.until_us <= " NOW_US " RETURNING epoch",
                     args, 2, &rows, cx));
    if (rows.row_count == 0) {
        return fail_held(record, MR_RETRY, cx);
    }
    record->epoch = mr_db_cell(&rows, 0, 0)->number;
    record->held_until_us = now_us + record->lease_us;
    return MR_OK;
}

// Renews the lease and counts the turn, in the turn's transaction.
static mr_code lease_keep(mr_record *record, mr_cx *cx) {
    int64_t now_us = mr_clock_monotonic_us(cx->plat);
    mr_db_value args[] = {MR_DB_INT_VALUE(record->epoch), MR_DB_INT_VALUE(record->lease_us)};
    mr_db_rows rows;
    MR_TRY(mr_db_run(record->db,
                     "UPDATE lease SET turn = turn + 1, until_us = $2 + " NOW_US
                     " WHERE name = 'flow' AND epoch = $1 RETURNING turn",
                     args, 2, &rows, cx));
    if (rows.row_count == 0) {
        return fail_held(record, MR_FATAL, cx);
    }
    record->turn = mr_db_cell(&rows, 0, 0)->number;
    record->held_until_us = now_us + record->lease_us;
    return MR_OK;
}

// Whether the turn whose commit was cut off is done. The row's lock waits for the old session.
static mr_code lease_resolve(const mr_record *record, mr_cx *cx) {
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + record->lease_us;
    mr_error lost = cx->error;
    mr_db_rows rows;
    mr_code code;
    while ((code = mr_db_run(record->db,
                             "SELECT epoch, turn FROM lease WHERE name = 'flow' FOR UPDATE", NULL,
                             0, &rows, cx)) == MR_E_NETWORK &&
           mr_clock_monotonic_us(cx->plat) < until_us && !mr_cx_cancelled(cx)) {
        mr_clock_sleep_us(cx->plat, AGAIN_US);
    }
    if (code != MR_OK) {
        return mr_error_flag(cx, code, MR_ABORT);
    }
    if (rows.row_count == 0 || mr_db_cell(&rows, 0, 0)->number != record->epoch) {
        return fail_held(record, MR_FATAL, cx);
    }
    if (mr_db_cell(&rows, 0, 1)->number >= record->turn) {
        return MR_OK;
    }
    lost.flags &= ~(uint32_t)MR_ABORT;
    cx->error = lost;
    return lost.code;
}

// ---- opening ---------------------------------------------------------------------------------

const char *mr_record_store(const mr_record_spec *spec, mr_arena *arena) {
    return spec->store != NULL && spec->store[0] != '\0'
               ? spec->store
               : mr_arena_printf(arena, "%s/flow.db", spec->data_dir);
}

static mr_code last_id(mr_record *record, const char *sql, int64_t *ret, mr_cx *cx) {
    mr_db_rows rows;
    MR_TRY(mr_db_run(record->db, sql, NULL, 0, &rows, cx));
    *ret = mr_db_cell(&rows, 0, 0)->number;  // NULL is 0.
    return MR_OK;
}

static mr_code own_tables(mr_record *record, const mr_record_spec *spec, mr_cx *cx) {
    MR_TRY(mr_db_open(mr_record_store(spec, cx->arena), /* read_only= */ false, &record->db, cx));
    MR_TRY(mr_db_migrate(record->db, "flow", steps, MR_COUNT(steps), cx));
    if (mr_db_is_shared(record->db)) {
        MR_TRY(lease_take(record, spec->holder == NULL ? "" : spec->holder, cx));
    }
    MR_TRY(last_id(record, "SELECT max(id) FROM run", &record->last_run, cx));
    MR_TRY(last_id(record, "SELECT max(id) FROM task", &record->last_task, cx));
    MR_TRY(last_id(record, "SELECT max(id) FROM try", &record->last_try, cx));
    return last_id(record, "SELECT max(id) FROM backfill", &record->last_backfill, cx);
}

static mr_record *make(const mr_record_spec *spec) {
    mr_record *record = mr_heap_alloc(sizeof(*record));
    record->lock.handle = -1;
    record->lease_us = spec->lease_us == 0 ? LEASE_US : spec->lease_us;
    return record;
}

mr_code mr_record_own(const mr_record_spec *spec, mr_record **ret, mr_cx *cx) {
    MR_TRY(mr_dir_make(spec->data_dir, cx));
    mr_record *record = make(spec);
    mr_code code = MR_OK;
    if (!mr_db_is_url(mr_record_store(spec, cx->arena))) {
        code = mr_lock_take(&record->lock,
                            mr_arena_printf(cx->arena, "%s/flow.lock", spec->data_dir), cx);
    }
    if (code == MR_OK) {
        code = own_tables(record, spec, cx);
    }
    if (code != MR_OK) {
        mr_error kept = cx->error;
        mr_record_close(record, cx);
        cx->error = kept;
        return code;
    }
    *ret = record;
    return MR_OK;
}

mr_code mr_record_read(const mr_record_spec *spec, mr_record **ret, mr_cx *cx) {
    mr_record *record = make(spec);
    int64_t version = 0;
    mr_code code =
        mr_db_open(mr_record_store(spec, cx->arena), /* read_only= */ true, &record->db, cx);
    if (code == MR_OK) {
        code = mr_db_version(record->db, "flow", &version, cx);
    }
    if (code == MR_OK && version == 0) {
        code = mr_fail(cx, MR_E_MISSING, NULL, "no workflow has run here yet");
    } else if (code == MR_OK && version != (int64_t)MR_COUNT(steps)) {
        code = mr_fail(cx, MR_E_UNSUPPORTED, "Start the scheduler of this program once.",
                       "the flow database has version %" PRId64 ", this program reads %zu", version,
                       MR_COUNT(steps));
    }
    if (code != MR_OK) {
        mr_record_close(record, cx);
        return code;
    }
    *ret = record;
    return MR_OK;
}

void mr_record_close(mr_record *record, mr_cx *cx) {
    if (record == NULL) {
        return;
    }
    if (record->epoch != 0) {
        mr_error kept = cx->error;
        mr_db_rollback(record->db, cx);
        mr_db_value args[] = {MR_DB_INT_VALUE(record->epoch)};
        (void)!mr_db_run(record->db,
                         "UPDATE lease SET until_us = 0 WHERE name = 'flow' AND epoch = $1", args,
                         1, NULL, cx);  // Else it runs out by itself.
        cx->error = kept;
    }
    mr_db_close(record->db);
    mr_lock_release(&record->lock, cx->plat);
    mr_arena_release(&record->arena);
    mr_heap_free(record);
}

mr_db *mr_record_db(const mr_record *record) {
    return record->db;
}

// ---- turns -----------------------------------------------------------------------------------

static mr_code begin(mr_record *record, mr_cx *cx) {
    MR_TRY(mr_db_begin(record->db, cx));
    if (!mr_db_is_shared(record->db)) {
        return MR_OK;
    }
    mr_code code = lease_keep(record, cx);
    if (code != MR_OK) {
        mr_db_rollback(record->db, cx);
    }
    return code;
}

mr_code mr_record_begin(mr_record *record, mr_cx *cx) {
    mr_code code = begin(record, cx);
    // A connection that has died unused is noticed here, where nothing is lost yet.
    return code == MR_E_NETWORK ? begin(record, cx) : code;
}

mr_code mr_record_commit(mr_record *record, mr_cx *cx) {
    mr_code code = mr_db_commit(record->db, cx);
    return code == MR_E_NETWORK && (cx->error.flags & MR_ABORT) != 0 ? lease_resolve(record, cx)
                                                                     : code;
}

void mr_record_rollback(mr_record *record, mr_cx *cx) {
    mr_db_rollback(record->db, cx);
}

int64_t mr_record_renew_us(const mr_record *record) {
    return record->epoch == 0 ? INT64_MAX : record->held_until_us - record->lease_us * 2 / 3;
}

bool mr_record_holds(const mr_record *record, mr_cx *cx) {
    return record->epoch == 0 || mr_clock_monotonic_us(cx->plat) < record->held_until_us;
}
