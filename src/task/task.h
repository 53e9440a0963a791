// Task: one try of a workflow task, in its own process: `millrace __task DIR`.
//
// DIR is the try's folder. The launch file says kind and keys; the kind runs; what it fails with
// goes to the log as people read it, and in one line to `why`, from where it comes to the scheduler
// with the end. Asked to end (SIGTERM), kinds stop as soon as they can: cx->cancel.

#pragma once

#include "port/task.h"

int mr_task_main(const char *dir, mr_cx *cx);  // An exit code: port/task.h.
// Ends what a try has left outside of its processes: `millrace __task DIR end`. 0: nothing is left.
int mr_task_end(const char *dir, mr_cx *cx);
