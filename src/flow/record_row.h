// Record rows: how the structs of record.h and the columns of its tables belong together.
//
// Why lists: statements, reading and writing of a table all come from the one list of its columns.
// X(number, column, kind, member): number is the parameter's. 1 is always id, 2 always state; what
// an UPDATE sets comes before what only an INSERT does.

#pragma once

#include "flow/record.h"

// clang-format off
#define MR_RUN_CHANGES(X) \
    X(3, type, RUN_TYPE, type) X(4, started_us, INT, started_us) X(5, ended_us, INT, ended_us) \
    X(6, version, INT, version) X(7, backfill, INT, backfill) \
    X(8, deadline_told, BOOL, deadline_told) X(9, conf, SPAN, conf_json) X(10, note, STRING, note)
#define MR_RUN_FIXED(X) \
    X(11, dag, STRING, dag) X(12, run_id, STRING, run_id) X(13, logical_us, INT, logical_us) \
    X(14, interval_start_us, INT, interval_start_us) X(15, interval_end_us, INT, interval_end_us) \
    X(16, created_us, INT, created_us) X(17, caller, INT, caller)
#define MR_TASK_CHANGES(X) \
    X(3, tries, INT32, tries) X(4, retries, INT32, retries) X(5, ready_us, INT, ready_us) \
    X(6, started_us, INT, started_us) X(7, ended_us, INT, ended_us) X(8, next_us, INT, next_us) \
    X(9, reason, STRING, reason)
#define MR_TASK_FIXED(X) \
    X(10, run, INT, run) X(11, task, STRING, task) X(12, map_index, INT32, map_index) \
    X(13, item, SPAN, item_json)
#define MR_TRY_CHANGES(X) \
    X(3, exit_reason, REASON, exit.reason) X(4, exit_code, INT32, exit.code) \
    X(5, started_us, INT, exit.started_us) X(6, ended_us, INT, exit.ended_us) \
    X(7, cpu_us, INT, exit.cpu_us) X(8, memory_bytes, INT, exit.memory_bytes_max) \
    X(9, detail, DETAIL, exit.text)
#define MR_TRY_FIXED(X) \
    X(10, task, INT, task) X(11, number, INT32, number) X(12, dir, STRING, dir)
#define MR_BACKFILL_CHANGES(X) X(3, ended_us, INT, ended_us)
#define MR_BACKFILL_FIXED(X) \
    X(4, dag, STRING, dag) X(5, from_us, INT, from_us) X(6, to_us, INT, to_us) \
    X(7, reprocess, STRING, reprocess) X(8, max_active_runs, INT, max_active_runs) \
    X(9, backwards, BOOL, backwards) X(10, created_us, INT, created_us)

#define MR_RECORD_COLUMN(n, column, kind, member) ", " #column
#define MR_RECORD_PARAMETER(n, column, kind, member) ", $" #n
#define MR_RECORD_SET(n, column, kind, member) ", " #column " = $" #n
// clang-format on
// "id, state, …" of a table, as RUN.
#define MR_RECORD_COLUMNS(T) \
    "id, state" MR_##T##_CHANGES(MR_RECORD_COLUMN) MR_##T##_FIXED(MR_RECORD_COLUMN)

typedef enum mr_record_kind {
    MR_FIELD_INT,  // int64_t or uint64_t
    MR_FIELD_INT32,
    MR_FIELD_BOOL,
    MR_FIELD_STRING,  // const char *; NULL is stored as "".
    MR_FIELD_SPAN,
    MR_FIELD_TASK_STATE,
    MR_FIELD_RUN_STATE,
    MR_FIELD_RUN_TYPE,
    MR_FIELD_REASON,
    MR_FIELD_DETAIL,  // char[256]
} mr_record_kind;

typedef struct mr_record_field {
    mr_record_kind kind;
    size_t offset;
} mr_record_field;

// A table: its struct, its statements.
typedef struct mr_record_table {
    size_t size;
    const mr_record_field *fields;  // In the order of the parameters.
    uint32_t field_count;
    uint32_t change_count;  // Of them, those that the UPDATE takes.
    const char *insert;
    const char *update;
} mr_record_table;

extern const mr_record_table mr_record_run_table, mr_record_task_table, mr_record_try_table,
    mr_record_backfill_table;

struct mr_record {
    mr_db *db;
    mr_lock lock;  // SQLite; -1 = none.
    mr_arena arena;
    int64_t lease_us;  // PostgreSQL …
    int64_t epoch;
    int64_t turn;           // The newest of this epoch that has begun.
    int64_t held_until_us;  // Monotonic: the lease surely holds until then.
    int64_t last_run, last_task, last_try, last_backfill;  // Ids given so far.
};

// ret: as mr_db_run's.
mr_code mr_record_insert(mr_record *record, const mr_record_table *table, const void *row,
                         mr_db_rows *ret, mr_cx *cx);
mr_code mr_record_update(mr_record *record, const mr_record_table *table, const void *row,
                         mr_cx *cx);
typedef struct mr_record_query {
    const char *sql;
    const mr_db_value *args;
    uint32_t arg_count;
} mr_record_query;

// A query's rows as structs of a table, whose columns it must name in their order.
mr_code mr_record_select(const mr_record *record, const mr_record_table *table,
                         const mr_record_query *query, void **ret, uint32_t *ret_count, mr_cx *cx);
