// Spawn: what looks after other processes needs of the system: fork, sessions, signals as events,
// and finding all that a process has started.
//
// Only the small spawner of workflow tasks forks, and its children: no thread, little memory.
// A process is named by its pid and its start together, since pids come again; a handle (pidfd) is
// taken before the start is compared, so what is signalled through it is what was meant.
// A reaper (PR_SET_CHILD_SUBREAPER) is given what its descendants leave behind: whatever they do
// about sessions and groups, all stays below it. cgroups would do the same, but are seldom ours to
// write to, and making one costs more than a short task.
// Real ones only: the simulator has none. Also: mr_process_ mr_pair_

#pragma once

#include "plat/child.h"

typedef struct mr_process {
    int pid;
    int64_t start;  // Ticks since the machine's start.
} mr_process;

typedef struct mr_process_info {
    mr_process process;
    int parent;
    int session;
    bool over;  // It has ended and waits to be reaped.
    char name[17];
} mr_process_info;

void mr_process_self(mr_process *ret);
// The machine's start; differs after each: "0f4dbf0c-…".
const char *mr_process_boot(mr_cx *cx);
bool mr_process_look(int pid, mr_process_info *ret);  // false when there is none.
// A handle that is readable once the process has ended. errors  MR_E_MISSING: it has
mr_code mr_process_watch(const mr_process *process, int *ret_handle, mr_cx *cx);
void mr_process_unwatch(int *handle);
// SIGTERM, or SIGKILL. Nothing happens to one that has ended.
void mr_process_end(const mr_process *process, bool kill);
void mr_process_end_watched(int handle, bool kill);
// SIGTERM to a child that was not reaped yet: its pid is its own.
void mr_process_end_child(int pid);
int mr_process_parent_id(void);
const char *mr_process_signal_text(int signal);  // "Segmentation fault"
// All there are, in cx->arena.
mr_code mr_process_list(mr_process_info **ret, uint32_t *ret_count, mr_cx *cx);
// All below this one that have not ended, itself not.
void mr_process_below(int pid, mr_process_info **ret, uint32_t *ret_count, mr_cx *cx);
// The value that a variable had when the process's program was started; NULL when it had none, or
// may not be read.
const char *mr_process_env(int pid, const char *name, mr_cx *cx);
// The kernel kills those with more points first: 0 .. 1000.
void mr_process_oom_points(int pid, int points);

// 0 in the child. errors  MR_E_LIMIT
mr_code mr_spawn_fork(int *ret_pid, mr_cx *cx);
// A session of its own, a reaper, and a name for ps.
void mr_spawn_lead(const char *name);
// No program that is started gets `passed`, nor anything that was left open for us by mistake.
void mr_spawn_close_others(int passed);
_Noreturn void mr_spawn_exit(int code);  // At once, without what exit does.

// Blocks the signals that ask to end, and those of children; *ret_handle is readable when one came.
mr_code mr_spawn_signals(int *ret_handle, mr_cx *cx);
typedef enum mr_spawn_signal { MR_SPAWN_NONE, MR_SPAWN_CHILD, MR_SPAWN_STOP } mr_spawn_signal;
mr_spawn_signal mr_spawn_signal_take(int handle);

// A child that has ended, without waiting. *ret_left false: there are no children any more.
typedef struct mr_spawn_end {
    int pid;
    bool killed;  // By signal `code`.
    int code;
    mr_usage usage;  // Its own and that of what it has reaped.
} mr_spawn_end;
bool mr_spawn_reap(mr_spawn_end *ret, bool *ret_left);

// Two ends of a connection that keeps messages whole, neither blocks; and of a pipe, whose reader
// does not block. Of handles that exist, for mr_socket_…: a peer's name.
mr_code mr_pair_open(mr_socket *ret_ours, mr_socket *ret_theirs, mr_cx *cx);
mr_code mr_pair_pipe(mr_socket *ret_reader, mr_socket *ret_writer, mr_cx *cx);
mr_socket mr_pair_of(int handle, const char *peer);
// Not more than bytes; *ret_bytes 0 = not now. The end is MR_E_NETWORK.
mr_code mr_pair_read(mr_socket *reader, void *data, size_t bytes, size_t *ret_bytes, mr_cx *cx);
