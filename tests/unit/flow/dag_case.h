// Dag, cases: a DAG read from a text, or what was found wrong with it.

#pragma once

#include "flow/dag.h"

extern mr_arena dag_arena;
extern mr_cx dag_cx;
extern mr_dag *dag;  // The one that was read last; NULL when it had errors.

#define TASKS "tasks:\n  - {id: a, type: noop}\n"

typedef struct dag_mistake {
    const char *text;
    const char *said;
} dag_mistake;

// Reads a text; "" or what was found: "line:column text | hint", then remarks, each on a line.
const char *dag_shown(const char *text);
void dag_tell(const dag_mistake *mistakes, size_t count);
void dag_clean(void);
