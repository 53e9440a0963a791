// Template: {{ … }} in a DAG file's texts: dotted look-ups and filters, no code.
//
//   {{ ds }}  {{ params.path }}  {{ outputs.load.row_count }}  {{ conn.db.host }}  {{ var.NAME }}
//   {{ data_interval_start | date('%Y/%m') }}  {{ ds | add_days(-1) | ds_nodash }}
//   {{ ti.xcom_pull(task_ids='load', key='row_count') }}  {{ outputs.load.rows[0].name }}
//   {{ outputs.a.n > 0 and not params.dry }}  == != < <= > >= and or not in, for `if` and checks
// Filters: default tojson date add_days shellquote ds_nodash lower upper trim replace join length
// int first last. A text that is one {{ }} alone keeps its value's type.
// Jinja's other forms ({% %}, macros) are refused with what to write instead.

#pragma once

#include "base/civil.h"
#include "codec/yaml.h"

// What names stand for. A value is JSON text, in cx->arena.
typedef struct mr_template_scope {
    // path: "outputs" "load" "row_count": the longest part that is known is taken off; what is left
    // is looked up in the value. errors  MR_E_NAME with the nearest name
    mr_code (*find)(void *self, const mr_span *path, uint32_t count, uint32_t *ret_used,
                    mr_span *ret_json, mr_cx *cx);
    const mr_zone *zone;  // For date.
    void *self;
} mr_template_scope;

// Checks the form of all templates in a text. names: gets each root path used, for checks of
// "outputs.x" against the upstream tasks; may be NULL.
mr_code mr_template_check(mr_span text, mr_place place,
                          mr_code (*name)(void *self, const mr_span *path, uint32_t count,
                                          mr_place place, mr_cx *cx),
                          void *self, mr_cx *cx);
bool mr_template_has(mr_span text);  // Whether there is any {{ in it.
// Text with its templates replaced, as text. place: of the text, for errors.
mr_code mr_template_text(mr_span text, mr_place place, const mr_template_scope *scope, mr_text *out,
                         mr_cx *cx);
// A node as JSON, all its texts rendered; scalars as YAML's core schema reads them.
mr_code mr_template_json(const mr_yaml *node, const mr_template_scope *scope, mr_text *out,
                         mr_cx *cx);
// Whether a text's value counts as true: not "", false, 0, null, none, [] or {}.
mr_code mr_template_true(mr_span text, mr_place place, const mr_template_scope *scope, bool *ret,
                         mr_cx *cx);
