// Try: what executor, spawner and supervisor share: a try's files and the messages between them.
//
// Messages keep their borders (a SEQPACKET pair); the scheduler's end is the executor, the other
// one the spawner and, through copies that they inherit, its supervisors: so an end takes one hop.
// Of spawner and supervisors: orders, a pair each, and reports, one for all.

#pragma once

#include "flow/executor.h"
#include "plat/spawn.h"

typedef enum mr_try_kind {
    MR_TRY_START,    // To the spawner, and from it to a supervisor; text: the folder.
    MR_TRY_STOP,     // The same way.
    MR_TRY_RECOVER,  // To the spawner: its supervisor is dead. text: the folder.
    MR_TRY_KEPT,     // To the spawner; text: the tokens of tries whose ends are committed.
    MR_TRY_ENDED,    // From either; text: the exit record. To the spawner: without.
    MR_TRY_TAKEN,    // From the spawner, and to it: somebody else has claimed it.
} mr_try_kind;

typedef struct mr_try_message {
    uint64_t token;
    uint32_t kind;
    uint32_t bytes;  // Of the text.
} mr_try_message;

#define MR_TRY_MESSAGE_BYTES ((size_t)8 << 10)  // The largest, with its text.

// Waits while the other side is slow. errors  MR_E_NETWORK: nobody is there
mr_code mr_try_send(mr_socket *socket, const mr_try_message *head, mr_span text, mr_cx *cx);
// At once. *ret_text: in buffer, NUL-ended. *ret_any false: nothing has come.
// errors  MR_E_NETWORK: the other side has ended
mr_code mr_try_receive(mr_socket *socket, char *buffer, mr_try_message *ret, bool *ret_any,
                       mr_cx *cx);

typedef struct mr_try_claim {
    mr_process by;
    const char *boot;
} mr_try_claim;

// Takes a try for this process. errors  MR_E_EXISTS: it is taken
mr_code mr_try_claim_take(const char *dir, mr_cx *cx);
// errors  MR_E_MISSING
mr_code mr_try_claim_load(const char *dir, mr_try_claim *ret, mr_cx *cx);

void mr_try_exit_print(const mr_try_exit *record, mr_text *out);  // One line, with its end.
mr_code mr_try_exit_parse(mr_span line, mr_try_exit *ret, mr_cx *cx);
// Writes the record; mr_try_exit_sync then makes it durable.
mr_code mr_try_exit_save(const char *dir, mr_span line, mr_cx *cx);
mr_code mr_try_exit_sync(const char *dir, mr_cx *cx);

// Whether something of a try may run outside of its processes; and the child that ends it, which
// writes into the try's log. It is given MR_TRY_OUTSIDE_US.
#define MR_TRY_OUTSIDE_US ((int64_t)60 * 1000 * 1000)
bool mr_try_outside_is(const char *dir, mr_cx *cx);
mr_code mr_try_outside_end(const char *dir, mr_child *ret, mr_cx *cx);

// Exit codes of a supervisor: the end of its last try was told; it had none and was not given one
// for a while. Any other code or a signal: the spawner looks after what it left.
enum { MR_SUPERVISOR_TOLD = 0, MR_SUPERVISOR_IDLE = 3 };
typedef struct mr_supervisor_spec {
    uint64_t token;  // Of its first try.
    const char *dir;
    int signals;           // By mr_spawn_signals.
    mr_socket *scheduler;  // Where ends are told.
    mr_socket orders;      // From the spawner: MR_TRY_START when it has reported, MR_TRY_STOP.
    mr_socket reports;     // To the spawner: MR_TRY_ENDED or MR_TRY_TAKEN: it is free.
} mr_supervisor_spec;
int mr_supervisor_run(mr_supervisor_spec *spec, mr_cx *cx);
