// Scope: a run for templates in tests, with the examples of the table of names as its values.

#pragma once

#include "flow/template.h"

extern mr_template_scope scope;
// offset: "+05:30", or NULL for UTC. The zone lives in the arena.
void scope_begin(const char *offset, mr_arena *arena);
