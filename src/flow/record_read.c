// Record, reading: what a start, a template, a list or a page needs.   Also: mr_record_

#include "flow/record_row.h"

#define LIMIT_USUAL 100

mr_code mr_record_dags(const mr_record *record, mr_record_dag **ret, uint32_t *ret_count,
                       mr_cx *cx) {
    mr_db_rows rows;
    MR_TRY(mr_db_run(record->db,
                     "SELECT dag.id, dag.file, dag.paused, dag.version, dag.watermark_us, "
                     "dag.seen_us, dag.missing_us, dag_version.hash FROM dag LEFT JOIN dag_version "
                     "ON dag_version.dag = dag.id AND dag_version.version = dag.version "
                     "ORDER BY dag.id",
                     NULL, 0, &rows, cx));
    mr_record_dag *dags = MR_NEW_ARRAY(cx->arena, mr_record_dag, rows.row_count);
    for (uint32_t i = 0; i < rows.row_count; i++) {
        dags[i] = (mr_record_dag){
            .id = mr_db_cell(&rows, i, 0)->bytes.data,
            .file = mr_db_cell(&rows, i, 1)->bytes.data,
            .paused = mr_db_cell(&rows, i, 2)->number != 0,
            .version = mr_db_cell(&rows, i, 3)->number,
            .watermark_us = mr_db_cell(&rows, i, 4)->number,
            .seen_us = mr_db_cell(&rows, i, 5)->number,
            .missing_us = mr_db_cell(&rows, i, 6)->number,
            .hash = mr_db_cell(&rows, i, 7)->kind == MR_DB_NULL
                        ? ""
                        : mr_db_cell(&rows, i, 7)->bytes.data,
        };
    }
    *ret = dags;
    *ret_count = rows.row_count;
    return MR_OK;
}

mr_code mr_record_version(const mr_record *record, const char *dag, int64_t version,
                          mr_span *ret_source, mr_cx *cx) {
    mr_db_value args[] = {MR_DB_STRING_VALUE(dag), MR_DB_INT_VALUE(version)};
    mr_db_rows rows;
    MR_TRY(mr_db_run(record->db, "SELECT source FROM dag_version WHERE dag = $1 AND version = $2",
                     args, 2, &rows, cx));
    if (rows.row_count == 0) {
        return mr_fail(cx, MR_E_MISSING, NULL, "dag \"%s\" has no version %lld", dag,
                       (long long)version);
    }
    *ret_source = mr_db_cell(&rows, 0, 0)->bytes;
    return MR_OK;
}

// ---- runs with what is below them ------------------------------------------------------------

#define RUNS    "SELECT " MR_RECORD_COLUMNS(RUN) " FROM run "
#define TASKS   "SELECT " MR_RECORD_COLUMNS(TASK) " FROM task "
#define TRIES   "SELECT " MR_RECORD_COLUMNS(TRY) " FROM try "
#define OF_RUN  "run = $1"
#define ACTIVE  "SELECT id FROM run WHERE state IN ('queued', 'running')"
#define IS_OPEN "state = 'running'"

// The queries of runs, tasks and tries, in this order.
static mr_code take_whole(const mr_record *record, const mr_record_query *queries,
                          mr_record_rows *ret, mr_cx *cx) {
    void *runs, *tasks, *tries;
    MR_TRY(mr_record_select(record, &mr_record_run_table, &queries[0], &runs, &ret->run_count, cx));
    MR_TRY(
        mr_record_select(record, &mr_record_task_table, &queries[1], &tasks, &ret->task_count, cx));
    MR_TRY(
        mr_record_select(record, &mr_record_try_table, &queries[2], &tries, &ret->try_count, cx));
    ret->runs = runs;
    ret->tasks = tasks;
    ret->tries = tries;
    return MR_OK;
}

mr_code mr_record_active(const mr_record *record, mr_record_rows *ret, mr_cx *cx) {
    static const mr_record_query queries[] = {
        {.sql = RUNS "WHERE state IN ('queued', 'running') ORDER BY id"},
        {.sql = TASKS "WHERE run IN (" ACTIVE ") ORDER BY run, id"},
        {.sql = TRIES "WHERE " IS_OPEN " AND task IN (SELECT id FROM task WHERE run IN (" ACTIVE
                      ")) ORDER BY task, number"},
    };
    return take_whole(record, queries, ret, cx);
}

mr_code mr_record_run_whole(const mr_record *record, int64_t run, mr_record_rows *ret, mr_cx *cx) {
    mr_db_value args[] = {MR_DB_INT_VALUE(run)};
    mr_record_query queries[] = {
        {RUNS "WHERE id = $1", args, 1},
        {TASKS "WHERE " OF_RUN " ORDER BY id", args, 1},
        {TRIES "WHERE task IN (SELECT id FROM task WHERE " OF_RUN ") ORDER BY task, number", args,
         1},
    };
    MR_TRY(take_whole(record, queries, ret, cx));
    return ret->run_count == 1
               ? MR_OK
               : mr_fail(cx, MR_E_MISSING, NULL, "there is no run %lld", (long long)run);
}

mr_code mr_record_outputs(const mr_record *record, int64_t run, mr_record_output **ret,
                          uint32_t *ret_count, mr_cx *cx) {
    mr_db_value args[] = {MR_DB_INT_VALUE(run)};
    mr_db_rows rows;
    MR_TRY(mr_db_run(record->db,
                     "SELECT task.id, output.name, output.value "
                     "FROM task JOIN output ON output.task = task.id WHERE task.run = $1 "
                     "ORDER BY task.id, output.name",
                     args, 1, &rows, cx));
    mr_record_output *outputs = MR_NEW_ARRAY(cx->arena, mr_record_output, rows.row_count);
    for (uint32_t i = 0; i < rows.row_count; i++) {
        outputs[i] = (mr_record_output){
            .task = mr_db_cell(&rows, i, 0)->number,
            .key = mr_db_cell(&rows, i, 1)->bytes.data,
            .json = mr_db_cell(&rows, i, 2)->bytes,
        };
    }
    *ret = outputs;
    *ret_count = rows.row_count;
    return MR_OK;
}

// ---- lists of runs ---------------------------------------------------------------------------

typedef struct condition_list {
    mr_text sql;
    mr_db_value args[12];
    uint32_t count;
} condition_list;

// One more condition, with its parameter at the end: "dag =".
static void add_condition(condition_list *list, const char *words, mr_db_value value) {
    mr_assert(list->count < MR_COUNT(list->args));
    list->args[list->count++] = value;
    mr_text_addf(&list->sql, "%s %s $%u ", list->count == 1 ? "WHERE" : "AND", words, list->count);
}

static void add_text(condition_list *list, const char *words, const char *value) {
    if (value != NULL) {
        add_condition(list, words, MR_DB_STRING_VALUE(value));
    }
}

static void add_number(condition_list *list, const char *words, int64_t value) {
    if (value != 0) {
        add_condition(list, words, MR_DB_INT_VALUE(value));
    }
}

mr_code mr_record_runs(const mr_record *record, const mr_record_filter *filter, mr_record_run **ret,
                       uint32_t *ret_count, mr_cx *cx) {
    condition_list list = {.count = 0};
    mr_text_init(&list.sql, cx->arena);
    mr_text_add(&list.sql, RUNS);
    add_text(&list, "dag =", filter->dag);
    add_text(&list, "run_id =", filter->run_id);
    add_text(&list, "type =", filter->type);
    add_text(&list, "state =", filter->state);
    add_number(&list, "backfill =", filter->backfill);
    add_number(&list, "id <", filter->before);
    add_number(&list, "logical_us >=", filter->logical_from_us);
    add_number(&list, "logical_us <", filter->logical_until_us);
    add_number(&list, "ended_us <> 0 AND ended_us <", filter->ended_before_us);
    list.args[list.count++] = MR_DB_INT_VALUE(filter->limit == 0 ? LIMIT_USUAL : filter->limit);
    mr_text_addf(&list.sql, "ORDER BY id DESC LIMIT $%u", list.count);
    mr_record_query query = {mr_text_string(&list.sql), list.args, list.count};
    void *runs;
    MR_TRY(mr_record_select(record, &mr_record_run_table, &query, &runs, ret_count, cx));
    *ret = runs;
    return MR_OK;
}

mr_code mr_record_run_before(const mr_record *record, const char *dag, int64_t before_us, int state,
                             const mr_record_run **ret, mr_cx *cx) {
    mr_db_value args[] = {MR_DB_STRING_VALUE(dag), MR_DB_INT_VALUE(before_us), MR_DB_NULL_VALUE};
    mr_record_query query = {RUNS "WHERE dag = $1 AND logical_us < $2 AND type <> 'called' "
                                  "ORDER BY logical_us DESC, id DESC LIMIT 1",
                             args, 2};
    if (state >= 0) {
        args[2] = MR_DB_STRING_VALUE(mr_run_state_text((mr_run_state)state));
        query.sql = RUNS "WHERE dag = $1 AND logical_us < $2 AND state = $3 AND "
                         "type <> 'called' ORDER BY logical_us DESC, id DESC LIMIT 1";
        query.arg_count = 3;
    }
    void *runs;
    uint32_t count;
    MR_TRY(mr_record_select(record, &mr_record_run_table, &query, &runs, &count, cx));
    *ret = count == 1 ? runs : NULL;
    return MR_OK;
}

mr_code mr_record_tasks(const mr_record *record, int64_t run, const mr_record_task **ret,
                        uint32_t *ret_count, mr_cx *cx) {
    mr_db_value args[] = {MR_DB_INT_VALUE(run)};
    mr_record_query query = {TASKS "WHERE " OF_RUN " ORDER BY id", args, 1};
    void *rows;
    MR_TRY(mr_record_select(record, &mr_record_task_table, &query, &rows, ret_count, cx));
    *ret = rows;
    return MR_OK;
}

// ---- backfills -------------------------------------------------------------------------------

mr_code mr_record_backfills(const mr_record *record, const char *dag, bool active,
                            mr_record_backfill **ret, uint32_t *ret_count, mr_cx *cx) {
    condition_list list = {.count = 0};
    mr_text_init(&list.sql, cx->arena);
    mr_text_add(&list.sql, "SELECT " MR_RECORD_COLUMNS(BACKFILL) " FROM backfill ");
    add_number(&list, "id >=", 1);
    add_text(&list, "dag =", dag);
    mr_text_add(&list.sql,
                active ? "AND state IN ('queued', 'running') ORDER BY id" : "ORDER BY id");
    mr_record_query query = {mr_text_string(&list.sql), list.args, list.count};
    void *rows;
    MR_TRY(mr_record_select(record, &mr_record_backfill_table, &query, &rows, ret_count, cx));
    *ret = rows;
    return MR_OK;
}
