// Scope: what the names in a run's templates stand for, and the environment of its tasks.
//
// The names are MR_TEMPLATE_NAMES of template.h. Times are in the DAG's zone. Values that must not
// be seen (secrets, passwords of connections) are masked in the task's log: the vault's, and those
// that a DAG file brings as they are used. A scope lives no longer than a turn.

#pragma once

#include "flow/state.h"
#include "flow/template.h"

typedef struct mr_scope {
    mr_template_scope base;
    mr_flow *flow;
    mr_run *run;
    mr_flow_task *task;   // May be NULL.
    const char **masked;  // Values that must not be shown, as they were used.
    uint32_t masked_count;
    uint32_t masked_room;
    bool rendering;  // A connection of the DAG is being filled in.
} mr_scope;
void mr_scope_init(mr_scope *scope, mr_flow *flow, mr_run *run, mr_flow_task *task);
void mr_scope_mask(mr_scope *scope, const char *value);  // NULL: ends the list.
// What the vault knows, and what env brings, the environment of the task; ends the list.
//   errors  those of the store: what must be masked is not known
mr_code mr_scope_mask_all(mr_scope *scope, const char *const *env, mr_cx *cx);
// What cx->error says, as the reason of a task: without what nobody may see.
const char *mr_scope_failure(mr_flow *flow, mr_cx *cx);
// NAME=value of the project, the DAG and the task, and the run's dates.
mr_code mr_scope_env(mr_scope *scope, const char *const **ret, mr_cx *cx);
// The DAG's own connections: a list of objects that mr_endpoint_parse reads, each with its id,
// their secrets filled in; nothing when it has none.
//   errors  those of their templates; MR_E_NAME: there is no such secret
mr_code mr_scope_connections(mr_scope *scope, mr_text *out, mr_cx *cx);
