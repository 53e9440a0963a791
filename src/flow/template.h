// Template: {{ … }} in a DAG file's texts: dotted look-ups and filters, no code.
//
//   {{ ds }}  {{ params.path }}  {{ outputs.load.row_count }}  {{ conn.db.host }}  {{ var.NAME }}
//   {{ data_interval_start | date('%Y/%m') }}  {{ ds | add_days(-1) | ds_nodash }}
//   {{ ti.xcom_pull(task_ids='load', key='row_count') }}  {{ outputs.load.rows[0].name }}
//   {{ outputs.a.n > 0 and not params.dry }}  == != < <= > >= and or not in, for `if` and checks
//   {{ 'all' if params.full else ds }}  {{ outputs.a.n is defined }}  is none  is not none
// A text that is one {{ }} alone keeps its value's type. Jinja's other forms ({% %}, macros, calls,
// arithmetic) are refused with what to write instead. {{ '{{' }} gives two braces.

#pragma once

#include "base/civil.h"
#include "codec/yaml.h"

// What a template may name in a run. outputs, params, conn and var are maps; item and map_index are
// those of foreach; state and error are known in callbacks.
// clang-format off
#define MR_TEMPLATE_NAMES(X) \
    X(ds, "\"2025-11-26\"", "Date of the logical date, in the DAG's time zone.") \
    X(ds_nodash, "\"20251126\"", "The same without dashes.") \
    X(ds_utc, "\"2025-11-25\"", "Date of the logical date in UTC: what Airflow 2 calls ds.") \
    X(ts, "\"2025-11-26T00:00:00+05:30\"", "The logical date with its time.") \
    X(ts_nodash, "\"20251126T000000\"", "The same without dashes, colons and offset.") \
    X(logical_date, "\"2025-11-26T00:00:00+05:30\"", "Start of the data interval, as ts.") \
    X(data_interval_start, "\"2025-11-26T00:00:00+05:30\"", \
      "From when on the run's data is; in the DAG's time zone.") \
    X(data_interval_end, "\"2025-11-27T00:00:00+05:30\"", "Up to when, itself excluded.") \
    X(prev_data_interval_end_success, "\"2025-11-26T00:00:00+05:30\"", \
      "End of the interval of the last run that succeeded; null when there is none.") \
    X(run_id, "\"scheduled__2025-11-25T18:30:00Z\"", "Name of the run.") \
    X(try_number, "1", "Number of the try, from 1.") \
    X(dag, "{\"id\":\"daily\"}", "dag.id: the DAG.") \
    X(task, "{\"id\":\"load\"}", "task.id: the task.") \
    X(params, "{\"path\":\"data/in\",\"dry\":false}", "params.NAME: a parameter of the run.") \
    X(outputs, "{\"load\":{\"row_count\":3,\"rows\":[{\"name\":\"a\"}]}}", \
      "outputs.TASK.KEY: what a task before this one put out.") \
    X(conn, "{\"db\":{\"host\":\"localhost\",\"port\":5432}}", \
      "conn.NAME.host, also port, login, password, schema, extra: a connection.") \
    X(var, "{\"region\":\"in\"}", "var.NAME: a variable.") \
    X(item, "\"a.csv\"", "foreach: the item of this instance.") \
    X(map_index, "0", "foreach: its number, from 0.") \
    X(state, "\"failed\"", "In callbacks: how the task or run ended.") \
    X(error, "\"exit code 1\"", "In callbacks: why, or null.")
// clang-format on

typedef struct mr_template_name {
    const char *name;
    const char *example;  // JSON.
    const char *doc;
} mr_template_name;
extern const mr_template_name mr_template_names[];  // Ends with name NULL.

typedef struct mr_template_filter {
    const char *name;
    uint32_t least;  // Arguments.
    uint32_t most;
    const char *example;
    const char *doc;
} mr_template_filter;
extern const mr_template_filter mr_template_filters[];  // Ends with name NULL.

// What names stand for. A value is JSON text, in cx->arena.
typedef struct mr_template_scope {
    // path: "outputs" "load" "row_count": the longest part that is known is taken off; what is left
    // is looked up in the value. errors  MR_E_NAME with the nearest name
    mr_code (*find)(void *self, const mr_span *path, uint32_t count, uint32_t *ret_used,
                    mr_span *ret_json, mr_cx *cx);
    const mr_zone *zone;  // For date.
    void *self;
} mr_template_scope;

// Checks the form of all templates in a text. name: gets each path used, for checks of "outputs.x"
// against the upstream tasks; may be NULL.
//   errors  MR_E_SYNTAX, MR_E_NAME (no such filter), MR_E_UNSUPPORTED, at their places; name's
mr_code mr_template_check(mr_span text, mr_place place,
                          mr_code (*name)(void *self, const mr_span *path, uint32_t count,
                                          mr_place place, mr_cx *cx),
                          void *self, mr_cx *cx);
bool mr_template_has(mr_span text);    // Whether there is any {{ in it.
bool mr_template_alone(mr_span text);  // Whether it is one {{ }} and nothing else.
// Text with its templates replaced, as text: null is nothing, lists and maps are JSON. place: of
// the text, for errors.
//   errors  those of the form; MR_E_NAME, MR_E_TYPE, MR_E_VALUE at the place
mr_code mr_template_text(mr_span text, mr_place place, const mr_template_scope *scope, mr_text *out,
                         mr_cx *cx);
// A node as JSON, all its texts rendered; scalars as YAML's core schema reads them. scope NULL:
// templates stay as they are written.
mr_code mr_template_json(const mr_yaml *node, const mr_template_scope *scope, mr_text *out,
                         mr_cx *cx);
// Whether a text's value counts as true: not "", false, 0, null, none, [] or {}; as texts neither.
mr_code mr_template_true(mr_span text, mr_place place, const mr_template_scope *scope, bool *ret,
                         mr_cx *cx);

// A moment as ts and data_interval_start show it: "2025-11-26T00:00:00+05:30".
void mr_template_add_time(mr_text *out, int64_t us, const mr_zone *zone);
// What `path` finds in a map of values, for mr_template_scope.find and for what it found.
//   errors  MR_E_NAME with the nearest key, MR_E_TYPE where there is nothing to look into
mr_code mr_template_look(mr_span json, const mr_span *path, uint32_t count, mr_span *ret,
                         mr_cx *cx);
