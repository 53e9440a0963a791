// Dag: a DAG file, read and checked: what is to run, when, in which order, with which rules.
//
// Structure from Kestra and Dagu, semantic words from Airflow. Strict: unknown keys, wrong types
// and cycles are refused at their place, with the nearest name; all errors of a file are found, not
// the first. A DAG is read-only once read, owns its arena, and lives as long as a run that uses it
// (references): a changed file is another DAG of the same id.

#pragma once

#include <stdatomic.h>

#include "flow/schedule.h"
#include "flow/template.h"
#include "port/task.h"

// clang-format off
#define MR_TRIGGER_RULES(X) \
    X(ALL_SUCCESS, "all_success") X(ALL_FAILED, "all_failed") X(ALL_DONE, "all_done") \
    X(ALL_SKIPPED, "all_skipped") X(ONE_SUCCESS, "one_success") X(ONE_FAILED, "one_failed") \
    X(ONE_DONE, "one_done") X(NONE_FAILED, "none_failed") \
    X(NONE_FAILED_MIN_ONE_SUCCESS, "none_failed_min_one_success") \
    X(NONE_SKIPPED, "none_skipped") X(ALWAYS, "always")
// clang-format on

typedef enum mr_trigger_rule {
#define MR_TRIGGER_RULE(name, text) MR_RULE_##name,
    MR_TRIGGER_RULES(MR_TRIGGER_RULE)
#undef MR_TRIGGER_RULE
} mr_trigger_rule;

typedef enum mr_catchup { MR_CATCHUP_NONE, MR_CATCHUP_LAST, MR_CATCHUP_ALL } mr_catchup;
typedef enum mr_overlap { MR_OVERLAP_QUEUE, MR_OVERLAP_SKIP, MR_OVERLAP_CANCEL } mr_overlap;

// What is done when a task or run ends in a way: a command, or a request to a URL. Templates.
typedef struct mr_callback {
    const char *script;   // Shell; NULL when it is a webhook.
    const char *webhook;  // URL; gets a JSON document by POST.
} mr_callback;

typedef struct mr_callbacks {
    mr_callback *items;
    uint32_t count;
} mr_callbacks;

typedef struct mr_dag_task {
    const char *id;
    const char *group;  // Its task group; NULL = none.
    const char *doc;
    mr_place place;
    const mr_task_type *type;
    const mr_yaml *body;  // The whole map, for the kind's own keys: templates not yet rendered.
    uint32_t *upstream;   // Indexes of tasks, without repeats.
    uint32_t upstream_count;
    uint32_t *downstream;
    uint32_t downstream_count;
    mr_trigger_rule trigger_rule;
    const char *condition;   // if: a template; false, 0, "" and null skip the task. NULL = none.
    const mr_yaml *foreach;  // A list, or a template that gives one; NULL = one instance.
    bool depends_on_past;
    int64_t retries;
    int64_t retry_delay_us;
    bool retry_exponential_backoff;
    int64_t max_retry_delay_us;
    const int32_t *retry_on_exit_codes;  // Empty: on all.
    uint32_t retry_on_exit_code_count;
    const int32_t *skip_on_exit_codes;
    uint32_t skip_on_exit_code_count;
    int64_t execution_timeout_us;  // 0 = none.
    int64_t poke_interval_us;      // Of a kind that waits.
    int64_t timeout_us;            // … and how long it waits in all.
    const char *pool;
    int64_t pool_slots;
    int64_t priority_weight;
    const mr_yaml *env;      // NAME: value or template or {secret: NAME}
    const mr_yaml *outputs;  // key: value or template, set when the task succeeds.
    mr_callbacks on_success, on_failure, on_retry;
} mr_dag_task;

typedef struct mr_dag_param {
    const char *name;
    const char *type;  // string integer number boolean date datetime array object
    const char *doc;
    mr_span default_json;  // Empty: it must be given.
    mr_span choices_json;  // enum: a list; empty = any.
    double least, most;    // Of numbers.
    const char *pattern;   // Of strings; NULL = any.
    mr_place place;
} mr_dag_param;

typedef struct mr_dag {
    atomic_uint references;
    mr_arena arena;
    const char *id;
    const char *file;
    const char *description;
    const char *owner;
    const char *const *tags;  // NULL-ended.
    mr_span source;           // The file's text.
    char hash[33];            // Of the source, hexadecimal: the version.
    mr_schedule schedule;
    const mr_zone *zone;  // NULL = UTC.
    mr_catchup catchup;
    int64_t catchup_window_us;  // 0 = no limit.
    int64_t data_interval_us;   // -1 = previous tick, 0 = none, else fixed.
    int64_t max_active_runs;
    int64_t max_active_tasks;
    mr_overlap overlap;
    int64_t dagrun_timeout_us;  // 0 = none.
    int64_t deadline_us;        // After the tick; 0 = none. A run not done by then calls back.
    int64_t retention_us;       // Runs older than this are deleted with their logs; 0 = kept.
    mr_dag_param *params;
    uint32_t param_count;
    const mr_yaml *env;
    const mr_yaml *connections;
    mr_callbacks on_success, on_failure, on_exit, on_deadline;
    mr_dag_task *tasks;  // In an order in which every task stands behind its upstream.
    uint32_t task_count;
} mr_dag;

// What was found in a file, in order of place.
typedef struct mr_dag_errors {
    mr_error *items;
    uint32_t count;
    const char **remarks;  // "file:line:column: …": right, but maybe not meant. With no error.
    uint32_t remark_count;
} mr_dag_errors;

// Reads a DAG. zones: loads a time zone by name (plat cannot be reached from here).
typedef struct mr_dag_reader {
    mr_task_kinds kinds;
    mr_code (*zone)(void *self, const char *name, const mr_zone **ret, mr_cx *cx);
    const char *default_timezone;  // NULL = UTC.
    void *self;
} mr_dag_reader;

// *ret has one reference. errors: the first of ret_errors.
mr_code mr_dag_read(const mr_dag_reader *reader, const char *file, mr_span text, mr_dag **ret,
                    mr_dag_errors *ret_errors, mr_cx *cx);
mr_dag *mr_dag_ref(mr_dag *dag);
void mr_dag_unref(mr_dag *dag);  // Takes NULL.
const mr_dag_task *mr_dag_find(const mr_dag *dag, mr_span task_id);
const char *mr_trigger_rule_text(mr_trigger_rule rule);
// A task's own keys, rendered: the JSON object that its kind gets (mr_task_options).
mr_code mr_dag_body(const mr_dag_task *task, const mr_template_scope *scope, mr_text *out,
                    mr_cx *cx);
// The JSON Schema of a DAG file, made from the same tables.
void mr_dag_schema(mr_task_kinds kinds, mr_text *out);
// The interval and names of a run whose tick or logical date is known.
void mr_dag_interval(const mr_dag *dag, int64_t tick_us, int64_t *ret_start_us,
                     int64_t *ret_end_us);
// Values given at a trigger, checked against params, defaults filled in: one JSON object.
mr_code mr_dag_params(const mr_dag *dag, mr_span given_json, mr_span *ret_json, mr_cx *cx);
