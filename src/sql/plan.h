// Plan: a pipeline as data; what sql makes and exec runs.
//
// mr_plan is one operator with its inputs; nodes shared by several queries are one node. A pipeline
// holds the sources, static tables and inserts of one file. Plans are printable and comparable;
// sub-plan hashes decide what state survives a changed query (sink paths and options are left out
// of them).

#pragma once

#include "port/port.h"
#include "sql/expr.h"

typedef struct mr_plan mr_plan;

typedef enum mr_plan_kind {
    MR_PLAN_SCAN,  // Rows of a source. Checks (CHECK constraints) are FILTERs with bad = true.
    MR_PLAN_LATE,  // Late test: sends late rows to <source>_late; before the first stateful
                   // operator.
    MR_PLAN_FILTER,
    MR_PLAN_PROJECT,
    MR_PLAN_JOIN,       // With a static table, on equality of columns.
    MR_PLAN_DISTINCT,   // DISTINCT ON (keys): first row of each key within its time to live.
    MR_PLAN_WINDOW,     // Adds window_start, window_end; one row a window (only where no aggregate
                        // fuses it).
    MR_PLAN_AGGREGATE,  // GROUP BY, windowed or not.
    MR_PLAN_KIND_COUNT
} mr_plan_kind;

typedef enum mr_window_kind { MR_WINDOW_NONE, MR_WINDOW_TUMBLE, MR_WINDOW_HOP } mr_window_kind;

// Windows start at multiples of slide since 1970-01-01 UTC; tumble: slide = size.
typedef struct mr_window {
    mr_window_kind kind;
    int64_t size_us;
    int64_t slide_us;
    uint32_t time_column;  // TIMESTAMPTZ or TIMESTAMP column of the input.
} mr_window;

typedef struct mr_agg_order {  // A key of ORDER BY within an aggregate.
    uint32_t column;           // Of the input.
    bool descending;
    bool nulls_first;
} mr_agg_order;

typedef struct mr_agg_call {
    mr_agg_id fn;
    int32_t column;  // Argument: column of the input; -1 = count(*).
    int32_t second;  // Second argument: column of the input (arg_min's y); -1 = none.
    int32_t filter;  // BOOL column of the input: rows where it is TRUE count; -1 = all.
    bool distinct;   // Each value once.
    const mr_agg_order *orders;
    uint32_t order_count;
    const mr_vector *parameter;  // Constant second argument (a separator, a quantile), or NULL.
    mr_type argument;            // Of `column`; NULLTYPE for count(*).
    mr_type type;                // Of the result.
    mr_place place;
} mr_agg_call;

struct mr_plan {
    mr_plan_kind kind;
    uint32_t id;              // Index in mr_pipeline.plans (inputs have smaller ids).
    mr_plan *input;           // NULL for SCAN.
    const mr_schema *schema;  // Of the output.
    int32_t event_time;       // Column of the output that carries event time, or -1.
    uint64_t hash;            // Of the sub-plan.
    mr_place place;
    union {
        struct {
            uint32_t source;  // Index in mr_pipeline.sources. Output: its fields in order.
        } scan;
        struct {
            mr_window window;  // NONE: late = event_time < watermark (DISTINCT by event time).
            int64_t allowed_lateness_us;
            const char *query;  // Name of the insert's table, for the late table.
        } late;
        struct {
            mr_expr *predicate;
            bool bad;            // A CHECK: rows where it is FALSE go to the bad table.
            const char *reason;  // For bad: "check: amount >= 0".
        } filter;
        struct {
            mr_expr **exprs;  // schema->count of them.
        } project;
        struct {
            uint32_t table;        // Index in mr_pipeline.tables.
            bool left;             // LEFT JOIN, else inner.
            uint32_t *input_keys;  // key_count columns of the input …
            uint32_t *table_keys;  // … equal to these columns of the table.
            uint32_t key_count;
            uint32_t
                *table_columns;  // Appended to the input's columns: table_column_count of them.
            uint32_t table_column_count;
            mr_expr *residue;  // Further ON condition over input columns ++ all appended; or NULL.
        } join;
        struct {
            uint32_t *keys;  // Columns of the input.
            uint32_t key_count;
            int64_t ttl_us;  // state_ttl; -1: the keys hold the event time, the watermark bounds
                             // the state.
        } distinct;
        struct {
            mr_window window;  // Output: input columns ++ window_start, window_end.
        } window;
        struct {
            mr_window window;  // Output: [window_start, window_end,] keys …, results …
            uint32_t *keys;    // Columns of the input.
            uint32_t key_count;
            mr_agg_call *calls;
            uint32_t call_count;
            int64_t allowed_lateness_us;
            bool unbounded;  // No window and said so.
        } aggregate;
    };
};

typedef struct mr_plan_source {
    const char *name;
    const mr_source_type *type;
    mr_option_values options;  // Server's overlaid by the table's.
    mr_fields fields;          // Wanted ones only.
    mr_schema schema;          // Of the wanted fields.
    int64_t watermark_us;      // Delay; 0 when none given.
    bool has_watermark;
    int64_t idle_timeout_us;     // -1 = never idle.
    int64_t max_future_skew_us;  // -1 = off.
    int64_t emit_timeout_us;     // -1 = off.
    uint64_t hash;               // Of what says which records are read: positions belong to it.
    mr_place place;
} mr_plan_source;

typedef struct mr_plan_table {  // A static table and where its rows come from.
    const char *name;
    mr_schema schema;
    const char *path;  // NULL: rows came from INSERT … VALUES (then `rows` is filled).
    const char *format;
    mr_option_values options;
    mr_rows *rows;
    int32_t primary_key;  // Column, or -1.
    mr_place place;
} mr_plan_table;

typedef struct mr_plan_insert {
    const char *table;
    const mr_sink_type *type;
    mr_option_values options;  // Without mode and trigger.
    mr_output_mode mode;
    int64_t trigger_us;  // 0 = every epoch.
    uint32_t *conflict_keys;
    uint32_t conflict_key_count;
    mr_plan *root;  // Its schema is the sink's.
    uint64_t hash;  // Of the whole path to it: plan and output columns; not where the rows go.
    mr_place place;
} mr_plan_insert;

typedef struct mr_pipeline {
    const char *name;  // File name without folder and ending.
    mr_plan **plans;   // All nodes; inputs before their users.
    uint32_t plan_count;
    mr_plan_source *sources;
    uint32_t source_count;
    mr_plan_table *tables;
    uint32_t table_count;
    mr_plan_insert *inserts;
    uint32_t insert_count;
    const mr_zone *zone;  // NULL = UTC.
    const char *zone_name;
    mr_option_values settings;  // SET name = value, but timezone.
    mr_arena *arena;            // Owns everything here.
} mr_pipeline;

// What the outside lends to planning.
typedef struct mr_sql_env {
    const char *file;  // Name of the text, for places and for the pipeline.
    const mr_port *port;
    // ${NAME}: value or NULL.
    const char *(*variable)(void *self, const char *name);
    mr_code (*zone)(void *self, const char *name, const mr_zone **ret, mr_cx *cx);
    // A function that is not in the table. *ret NULL: there is none of that name.  errors  it does
    // not take these arguments, it is volatile, its library cannot be loaded. May be NULL.
    mr_code (*external)(void *self, const mr_external_ask *ask, const mr_external **ret, mr_cx *cx);
    // --source TABLE=SPEC: replaces a source's connector: "file:PATH"; NULL = as written.
    const char *(*source_override)(void *self, const char *table);
    void *self;
} mr_sql_env;

// Text of one file to a checked pipeline. All errors of the file are collected in ret_errors (arena
// list) as far as they are independent; the first is also in cx->error.  Memory: cx->arena (must
// live as long as ret).
typedef struct mr_sql_errors {
    mr_error *items;
    uint32_t count;
} mr_sql_errors;
mr_code mr_plan_make(mr_span text, const mr_sql_env *env, mr_pipeline **ret,
                     mr_sql_errors *ret_errors, mr_cx *cx);
// Takes out of a pipeline all inserts but those with keep[i], all of which read one source, and
// what only the others used. Hashes stay.
void mr_plan_keep(mr_pipeline *pipeline, const bool *keep);
// Frees what a pipeline holds outside its arena (rows of INSERT … VALUES).
void mr_plan_release(mr_pipeline *pipeline);
// The operators as an indented tree, one line each; stable, for golden tests.
void mr_plan_print(const mr_pipeline *pipeline, mr_text *out);
// One operator without its inputs, and an insert's heading, as EXPLAIN shows them.
void mr_plan_print_node(const mr_pipeline *pipeline, const mr_plan *plan, mr_text *out);
void mr_plan_print_insert(const mr_plan_insert *insert, mr_text *out);
const char *mr_plan_kind_name(mr_plan_kind kind);
