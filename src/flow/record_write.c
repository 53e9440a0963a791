// Record, writing: what a turn changes.   Also: mr_record_

#include <inttypes.h>

#include "flow/record_row.h"

// ---- dags ------------------------------------------------------------------------------------

mr_code mr_record_put_dag(mr_record *record, const mr_record_dag *dag, mr_cx *cx) {
    mr_db_value args[] = {
        MR_DB_STRING_VALUE(dag->id),        MR_DB_STRING_VALUE(dag->file),
        MR_DB_INT_VALUE(dag->paused),       MR_DB_INT_VALUE(dag->version),
        MR_DB_INT_VALUE(dag->watermark_us), MR_DB_INT_VALUE(dag->seen_us),
        MR_DB_INT_VALUE(dag->missing_us),
    };
    return mr_db_run(record->db,
                     "INSERT INTO dag (id, file, paused, version, watermark_us, seen_us, "
                     "missing_us) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE "
                     "SET file = excluded.file, paused = excluded.paused, "
                     "version = excluded.version, watermark_us = excluded.watermark_us, "
                     "missing_us = excluded.missing_us",
                     args, MR_COUNT(args), NULL, cx);
}

mr_code mr_record_put_version(mr_record *record, const char *dag, const char *hash, mr_span source,
                              int64_t *ret_version, mr_cx *cx) {
    mr_db_value args[] = {MR_DB_STRING_VALUE(dag), MR_DB_STRING_VALUE(hash),
                          MR_DB_INT_VALUE(mr_clock_real_us(cx->plat)), MR_DB_TEXT_VALUE(source)};
    mr_db_rows rows;
    MR_TRY(mr_db_run(record->db, "SELECT version FROM dag_version WHERE dag = $1 AND hash = $2",
                     args, 2, &rows, cx));
    if (rows.row_count == 0) {
        MR_TRY(mr_db_run(record->db,
                         "INSERT INTO dag_version (dag, version, hash, seen_us, source) "
                         "SELECT $1, COALESCE(max(version), 0) + 1, $2, $3, $4 "
                         "FROM dag_version WHERE dag = $1 RETURNING version",
                         args, 4, &rows, cx));
    }
    *ret_version = mr_db_cell(&rows, 0, 0)->number;
    return MR_OK;
}

// ---- runs, tasks, tries ----------------------------------------------------------------------

static mr_code fail_exists(const mr_record *record, const mr_record_run *run, mr_cx *cx) {
    mr_db_value args[] = {MR_DB_STRING_VALUE(run->dag), MR_DB_STRING_VALUE(run->run_id),
                          MR_DB_INT_VALUE(run->logical_us)};
    mr_db_rows rows;
    MR_TRY(mr_db_run(record->db,
                     "SELECT run_id FROM run WHERE dag = $1 AND (run_id = $2 OR "
                     "(logical_us = $3 AND type IN ('scheduled', 'backfill')))",
                     args, 3, &rows, cx));
    mr_span there = rows.row_count == 0 ? mr_span_of(run->run_id) : mr_db_cell(&rows, 0, 0)->bytes;
    return mr_fail(cx, MR_E_EXISTS, "Clear that run to do its work again.",
                   "dag \"%s\" has the run \"%.*s\" already", run->dag, MR_SPAN_ARGS(there));
}

mr_code mr_record_add_run(mr_record *record, mr_record_run *run, mr_cx *cx) {
    const mr_record_table *table = &mr_record_run_table;
    run->id = ++record->last_run;
    mr_db_rows rows;
    MR_TRY(mr_record_insert(record, table, run, &rows, cx));
    return rows.changed == 1 ? MR_OK : fail_exists(record, run, cx);
}

mr_code mr_record_put_run(mr_record *record, const mr_record_run *run, mr_cx *cx) {
    return mr_record_update(record, &mr_record_run_table, run, cx);
}

mr_code mr_record_add_task(mr_record *record, mr_record_task *task, mr_cx *cx) {
    task->id = ++record->last_task;
    return mr_record_insert(record, &mr_record_task_table, task, NULL, cx);
}

mr_code mr_record_put_task(mr_record *record, const mr_record_task *task, mr_cx *cx) {
    return mr_record_update(record, &mr_record_task_table, task, cx);
}

mr_code mr_record_add_try(mr_record *record, mr_record_try *try, mr_cx *cx) {
    try->id = ++record->last_try;
    return mr_record_insert(record, &mr_record_try_table, try, NULL, cx);
}

mr_code mr_record_put_try(mr_record *record, const mr_record_try *try, mr_cx *cx) {
    return mr_record_update(record, &mr_record_try_table, try, cx);
}

mr_code mr_record_put_output(mr_record *record, int64_t task, const char *key, mr_span json,
                             mr_cx *cx) {
    if (json.bytes > MR_RECORD_OUTPUT_BYTES_MAX) {
        return mr_fail(cx, MR_E_LIMIT, "Write it to a file or table, and pass on its path.",
                       "output \"%s\" has %zu bytes, at most %zu are kept", key, json.bytes,
                       MR_RECORD_OUTPUT_BYTES_MAX);
    }
    mr_db_value args[] = {MR_DB_INT_VALUE(task), MR_DB_STRING_VALUE(key), MR_DB_TEXT_VALUE(json)};
    return mr_db_run(record->db,
                     "INSERT INTO output (task, name, value) VALUES ($1, $2, $3) "
                     "ON CONFLICT (task, name) DO UPDATE SET value = excluded.value",
                     args, 3, NULL, cx);
}

static mr_code run_all(mr_record *record, const char *const *statements, size_t count, int64_t id,
                       mr_cx *cx) {
    mr_db_value args[] = {MR_DB_INT_VALUE(id)};
    for (size_t i = 0; i < count; i++) {
        MR_TRY(mr_db_run(record->db, statements[i], args, 1, NULL, cx));
    }
    return MR_OK;
}

mr_code mr_record_clear_outputs(mr_record *record, int64_t task, mr_cx *cx) {
    static const char *const statements[] = {"DELETE FROM output WHERE task = $1"};
    return run_all(record, statements, MR_COUNT(statements), task, cx);
}

mr_code mr_record_delete_task(mr_record *record, int64_t task, mr_cx *cx) {
    static const char *const statements[] = {
        "DELETE FROM output WHERE task = $1",
        "DELETE FROM try WHERE task = $1",
        "DELETE FROM task WHERE id = $1",
    };
    return run_all(record, statements, MR_COUNT(statements), task, cx);
}

mr_code mr_record_delete_run(mr_record *record, int64_t run, mr_cx *cx) {
    static const char *const statements[] = {
        "DELETE FROM output WHERE task IN (SELECT id FROM task WHERE run = $1)",
        "DELETE FROM try WHERE task IN (SELECT id FROM task WHERE run = $1)",
        "DELETE FROM task WHERE run = $1",
        "DELETE FROM run WHERE id = $1",
    };
    return run_all(record, statements, MR_COUNT(statements), run, cx);
}

// ---- backfills -------------------------------------------------------------------------------

mr_code mr_record_add_backfill(mr_record *record, mr_record_backfill *backfill, mr_cx *cx) {
    backfill->id = ++record->last_backfill;
    return mr_record_insert(record, &mr_record_backfill_table, backfill, NULL, cx);
}

mr_code mr_record_put_backfill(mr_record *record, const mr_record_backfill *backfill, mr_cx *cx) {
    return mr_record_update(record, &mr_record_backfill_table, backfill, cx);
}
