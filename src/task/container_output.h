// Container, output: the file $MILLRACE_OUTPUT of a container.
//
// It is put into the container before it starts and read when it has ended, by the engine's
// archives: that works for engines on other machines, for any user of the image, and with paths
// that mounts cannot have.

#pragma once

#include "port/task.h"
#include "task/engine.h"

#define MR_CONTAINER_OUTPUT "/millrace/output"

mr_code mr_container_output_put(const mr_engine *engine, const char *name, mr_cx *cx);
// Appends what the container wrote to the try's own file.
//   errors  MR_E_LIMIT: over 4 MiB; MR_E_CORRUPT
mr_code mr_container_output_take(const mr_engine *engine, const char *name, const mr_task_try *try,
                                 mr_cx *cx);
// A tar archive's file. *ret NULL data: it is not in there.  errors  MR_E_CORRUPT
mr_code mr_container_output_find(mr_span archive, const char *file, mr_span *ret, mr_cx *cx);
