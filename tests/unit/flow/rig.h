// An executor with real processes, below a folder of its own. This program is the spawner too: see
// rig.c.

#pragma once

#include "flow/try.h"

typedef struct rig {
    mr_arena arena;
    mr_cx cx;
    mr_executor *executor;
    char dir[64];
    uint64_t next;
} rig;

bool rig_open(rig *r);
// Kills nothing: what runs goes on.
void rig_close(rig *r);
// The same tries with a new executor.
bool rig_again(rig *r);
void rig_delete(rig *r);

const char *rig_dir(rig *r, uint64_t token);  // The folder of a try.
// A shell's script as the next try; its token. spec: what else its launch says; may be NULL.
uint64_t rig_save(rig *r, const char *script, const mr_launch *spec);
uint64_t rig_start(rig *r, const char *script, const mr_launch *spec);
// Waits for any end; false when none came in time.
bool rig_end(rig *r, uint64_t *ret_token, mr_try_exit *ret, int64_t wait_us);
// … of this try, and no other.
bool rig_end_of(rig *r, uint64_t token, mr_try_exit *ret);
// A file of a try; "" when there is none.
const char *rig_file(rig *r, uint64_t token, const char *name);
// Waits until a file of a try is there and not empty.
bool rig_wait_file(rig *r, uint64_t token, const char *name);
// Processes with this marker in their environment: of try `token`.
uint32_t rig_marked(rig *r, uint64_t token);
int rig_children(void);  // Of this process, whatever their state.
int rig_spawner(void);   // Its pid.
