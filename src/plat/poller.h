// Poller: waits for many sockets at once, most of which have nothing to say.
//
// Why beside mr_socket_wait: that looks at every socket each time, this one only at those where
// something happened, so ten thousand idle connections cost a wait nothing. How: a socket is
// entered once, with what is waited for and a token that comes back with its events. Events are
// levels: they come again until they are dealt with. Closing a socket takes it out. Threads: one
// waits; any may add.

#pragma once

#include "plat/socket.h"

typedef struct mr_poller {
    int handle;  // -1 = closed.
} mr_poller;

#define MR_POLLER_CLOSED ((mr_poller){.handle = -1})

typedef enum mr_poller_wish {
    MR_POLLER_READ = 1,
    MR_POLLER_WRITE = 2,
    MR_POLLER_END = 4,  // The other side sends no more.
} mr_poller_wish;

typedef struct mr_poller_event {
    void *token;
    bool readable;
    bool writable;
    bool ended;
    bool broken;  // Nothing goes either way any more. This comes unasked.
} mr_poller_event;

mr_code mr_poller_open(mr_poller *poller, mr_cx *cx);
void mr_poller_close(mr_poller *poller, mr_plat *plat);  // Takes a closed one.
// wishes: MR_POLLER_* or'ed. The handle is a socket's or a wake's.
mr_code mr_poller_add(mr_poller *poller, int handle, uint32_t wishes, void *token, mr_cx *cx);
mr_code mr_poller_change(mr_poller *poller, int handle, uint32_t wishes, void *token, mr_cx *cx);
// timeout_us < 0 = no limit; rounded up to milliseconds.
mr_code mr_poller_wait(mr_poller *poller, mr_poller_event *events, size_t count, int64_t timeout_us,
                       size_t *ret_count, mr_cx *cx);
