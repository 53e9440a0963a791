// Poller: many sockets at once, over the platform's operations; see poller.h.

#include "plat/poller.h"

#include "plat/plat_ops.h"

mr_code mr_poller_open(mr_poller *poller, mr_cx *cx) {
    const mr_plat_sockets *ops = cx->plat->ops->sockets;
    if (ops == NULL) {
        return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "this platform has no network");
    }
    int handle = ops->poller_open(cx->plat);
    if (handle < 0) {
        return plat_fail(cx, -handle, "make", "a poller");
    }
    poller->handle = handle;
    return MR_OK;
}

void mr_poller_close(mr_poller *poller, mr_plat *plat) {
    if (poller->handle >= 0) {
        plat->ops->sockets->close(plat, poller->handle);
        poller->handle = -1;
    }
}

static mr_code poller_set(mr_poller *poller, const mr_plat_interest *interest, mr_cx *cx) {
    int done = cx->plat->ops->sockets->poller_set(cx->plat, poller->handle, interest);
    return done < 0 ? plat_fail(cx, -done, "wait for", "a socket") : MR_OK;
}

mr_code mr_poller_add(mr_poller *poller, int handle, uint32_t wishes, void *token, mr_cx *cx) {
    return poller_set(poller, &(mr_plat_interest){handle, wishes, token, /* add= */ true}, cx);
}

mr_code mr_poller_change(mr_poller *poller, int handle, uint32_t wishes, void *token, mr_cx *cx) {
    return poller_set(poller, &(mr_plat_interest){handle, wishes, token, /* add= */ false}, cx);
}

mr_code mr_poller_wait(mr_poller *poller, mr_poller_event *events, size_t count, int64_t timeout_us,
                       size_t *ret_count, mr_cx *cx) {
    mr_assert(count > 0);
    int ready =
        cx->plat->ops->sockets->poller_wait(cx->plat, poller->handle, events, count, timeout_us);
    if (ready < 0) {
        return plat_fail(cx, -ready, "wait for", "sockets");
    }
    *ret_count = (size_t)ready;
    return MR_OK;
}
