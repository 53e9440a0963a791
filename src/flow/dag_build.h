// Dag, inside: a DAG that is being read, and the table of its keys.
//
// Private to dag*.c. Errors are collected, so that one look shows all of them; a part that failed
// is left as if it were not there, and what builds on it is not checked against it.

#pragma once

#include "base/map.h"
#include "flow/dag.h"

#define MR_DAG_TASKS_MAX  5000
#define MR_DAG_EDGES_MAX  1000000
#define MR_DAG_ERRORS_MAX 100

// What may stand behind a key. The first ones fill a field, the others have code of their own.
typedef enum mr_dag_shape {
    MR_SHAPE_ID,         // const char *: letters, digits, _ and -.
    MR_SHAPE_TEXT,       // const char *
    MR_SHAPE_BOOL,       // bool
    MR_SHAPE_COUNT,      // int64_t, not below `least`.
    MR_SHAPE_DURATION,   // int64_t microseconds, not below 0.
    MR_SHAPE_CHOICE,     // enum: the number of the choice.
    MR_SHAPE_TEXTS,      // const char *const *, NULL-ended; one text is a list of one.
    MR_SHAPE_CODES,      // const int32_t * and, behind it, uint32_t.
    MR_SHAPE_CALLBACKS,  // mr_callbacks
    MR_SHAPE_CONDITION,  // const char *: one template.
    MR_SHAPE_LIST,       // const mr_yaml *: a list, or a template that gives one.
    MR_SHAPE_VALUES,     // const mr_yaml *: a map of names and values.
    MR_SHAPE_ENV,        // const mr_yaml *: the same, or {secret: NAME}.
    MR_SHAPE_OWN,        // Read by code of its own.
} mr_dag_shape;

typedef struct mr_dag_key {
    const char *name;
    mr_dag_shape shape;
    size_t offset;
    int64_t least;
    const char *default_text;  // NULL = none; for SHAPE_OWN for people only.
    const char *choices;       // "a|b"
    const char *schema;        // SHAPE_OWN: its JSON Schema.
    bool shared;               // Of tasks: may stand in default_args too.
    const char *doc;
} mr_dag_key;

// All end with name NULL.
extern const mr_dag_key mr_dag_keys[];             // Of the file.
extern const mr_dag_key mr_dag_keys_task[];        // Of every task.
extern const mr_dag_key mr_dag_keys_group[];       // Of an item of groups.
extern const mr_dag_key mr_dag_keys_param[];       // Of a parameter.
extern const mr_dag_key mr_dag_keys_connection[];  // Of an item of connections.

typedef struct mr_dag_group {
    const char *id;
    mr_place place;
    const mr_yaml *depends_on;
    const mr_yaml *defaults;
    uint32_t task_count;
} mr_dag_group;

typedef struct mr_dag_build {
    const mr_dag_reader *reader;
    mr_dag *dag;
    const mr_yaml *root;
    mr_cx *cx;          // Its arena is the DAG's.
    mr_arena *scratch;  // Gone when it has been read.
    mr_error *errors;
    uint32_t error_count;
    mr_text remarks;  // Each ends in NUL.
    uint32_t remark_count;
    mr_dag_group *groups;
    uint32_t group_count;
    bool groups_listed;  // The file has `groups`: others are mistakes.
    const mr_yaml *defaults;
    mr_map tasks;     // By id, to mr_dag_task *.
    uint64_t *above;  // Bits: above[i * words …]: what is upstream of task i. NULL: not known.
    uint32_t words;
} mr_dag_build;

// dag_key.c: one value into its field.
const mr_dag_key *mr_dag_key_find(const mr_dag_key *table, const char *name);
mr_code mr_dag_key_read(const mr_dag_key *key, const mr_yaml *node, void *target, mr_cx *cx);
void mr_dag_key_defaults(const mr_dag_key *table, void *target, mr_cx *cx);
// "Did you mean", or all names. names: count of them.
const char *mr_dag_key_hint(const char *name, const char *const *names, size_t count,
                            const char *what, mr_arena *arena);
// A key that the table has not: with the nearest of it, of `own` (may be NULL), or with what the
// word of another tool is called here.
mr_code mr_dag_key_unknown(const mr_dag_key *table, const mr_option *own, const char *name,
                           mr_place place, mr_cx *cx);
bool mr_dag_key_is_id(const char *text);

// dag.c
void mr_dag_note(mr_dag_build *b, mr_code code);  // Keeps cx->error unless code is MR_OK.
void mr_dag_remark(mr_dag_build *b, mr_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// dag_syntax.c: makes the error of a text that is no YAML say what a newcomer did.
void mr_dag_syntax_explain(mr_cx *cx);
// dag_time.c: schedule, time zone, dates, data_interval.
void mr_dag_time_read(mr_dag_build *b);
// dag_param.c
void mr_dag_param_read(mr_dag_build *b, const mr_yaml *node);
// dag_task.c: groups, default_args, tasks.
void mr_dag_task_read(mr_dag_build *b);
// dag_graph.c: upstream and downstream; puts the tasks in order. False when there is a cycle.
bool mr_dag_graph_link(mr_dag_build *b);
bool mr_dag_graph_is_above(const mr_dag_build *b, const mr_dag_task *task,
                           const mr_dag_task *upstream);
// dag_names.c: what templates name.
void mr_dag_names_check(mr_dag_build *b);
