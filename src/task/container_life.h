// Container, life: what becomes of a container: its state, its end, and those that earlier tries
// have left.
//
// Labels say whose a container is: millrace.try (the try's folder), millrace.task (its identity),
// millrace.project (the data folder), millrace.machine and millrace.deployment: a random number of
// the data folder's, <data>/flow.id, made when it is first asked for. For machine and folder can be
// the same for two (made of one image), which must not end each other's containers. Asking again
// never harms: what is gone is as if it was ended.

#pragma once

#include "port/task.h"
#include "task/container.h"
#include "task/engine.h"

#define MR_CONTAINER_LABELS 5
typedef struct mr_container_who {
    const char *name;  // Of the container: follows from the try, so no try has two.
    mr_container_pair labels[MR_CONTAINER_LABELS];
} mr_container_who;
// Whose containers this try's are.
//   errors  MR_E_CORRUPT: flow.id; those of files
mr_code mr_container_life_who(const mr_task_try *try, mr_container_who *ret, mr_cx *cx);

typedef struct mr_container_state {
    bool is_there;
    bool is_running;
    bool was_started;
    bool out_of_memory;
    int exit_code;
    const char *error;  // Of the engine's; "".
} mr_container_state;
mr_code mr_container_life_look(const mr_engine *engine, const char *name, mr_container_state *ret,
                               mr_cx *cx);
// Asks it to end, and kills it when `seconds` have passed.
mr_code mr_container_life_stop(const mr_engine *engine, const char *name, int64_t seconds,
                               mr_cx *cx);
// Kills it when it runs, and removes it with its unnamed volumes. *ret_there: whether it was there.
mr_code mr_container_life_remove(const mr_engine *engine, const char *name, bool *ret_there,
                                 mr_cx *cx);
// The name is taken: what has it is removed if it is of this very try. *ret: the name is free.
mr_code mr_container_life_free_name(const mr_engine *engine, const mr_container_who *who, bool *ret,
                                    mr_cx *cx);
// Removes what earlier tries of this task have left, and says so.
mr_code mr_container_life_sweep(const mr_engine *engine, const mr_container_who *who, mr_cx *cx);

// The note of a try's container, and its end by that note.
void mr_container_life_note(const mr_engine_place *place, const char *name, mr_text *out);
mr_code mr_container_life_end(mr_span note_json, mr_cx *cx);
