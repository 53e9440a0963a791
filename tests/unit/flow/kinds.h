// Kinds: a few kinds of tasks for tests: one for each place where work is done.

#pragma once

#include "port/task.h"

extern const mr_task_type *const kinds[];  // shell exec sql check wait branch noop topic.create
