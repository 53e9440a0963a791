// Call: watches, parking and what handlers ask of their caller; see call.h.
//
// Also: mr_watchers_ mr_client_

#include "broker/call.h"

#include <string.h>

#include "base/hash.h"
#include "broker/inside.h"
#include "broker/loop.h"
#include "broker/session.h"

typedef struct mr_watch {
    mr_call *call;
    mr_watchers *watchers;
    struct mr_watch *before;  // Of the watchers.
    struct mr_watch *after;
    struct mr_watch *next;  // Of the call.
} mr_watch;

void mr_call_park(mr_call *call, int64_t deadline_us, mr_call_step *resume) {
    mr_assert(call->phase == MR_CALL_WORKING && resume != NULL);
    call->deadline_us = deadline_us;
    call->resume = resume;
}

void mr_call_leave(mr_call *call, mr_call_step *step) {
    mr_assert(call->phase == MR_CALL_WORKING && call->watches == NULL && call->resume == NULL);
    call->away = step;
}

bool mr_call_is_late(const mr_call *call) {
    return mr_clock_monotonic_us(call->broker->plat) >= call->deadline_us;
}

// ---- watching --------------------------------------------------------------------------------

static mr_mutex *stripe_of(mr_broker *broker, const mr_watchers *watchers) {
    uint64_t hash = mr_hash_u64((uint64_t)(uintptr_t)watchers, 0);
    return &broker->stripes[hash % MR_BROKER_STRIPES];
}

void mr_call_watch(mr_call *call, mr_watchers *watchers) {
    mr_watch *watch = call->spare_watches;
    if (watch != NULL) {
        call->spare_watches = watch->next;
    } else {
        watch = MR_NEW(call->arena, mr_watch);
    }
    mr_mutex *stripe = stripe_of(call->broker, watchers);
    mr_mutex_lock(stripe);
    mr_watch *first = atomic_load_explicit(&watchers->first, memory_order_relaxed);
    *watch = (mr_watch){.call = call, .watchers = watchers, .after = first, .next = call->watches};
    if (first != NULL) {
        first->before = watch;
    }
    // Seen before the caller looks at what it watches: see mr_watchers_signal.
    atomic_store(&watchers->first, watch);
    mr_mutex_unlock(stripe);
    call->watches = watch;
    atomic_thread_fence(memory_order_seq_cst);
}

void mr_call_unwatch(mr_call *call) {
    while (call->watches != NULL) {
        mr_watch *watch = call->watches;
        call->watches = watch->next;
        mr_mutex *stripe = stripe_of(call->broker, watch->watchers);
        mr_mutex_lock(stripe);
        if (watch->before != NULL) {
            watch->before->after = watch->after;
        } else {
            atomic_store(&watch->watchers->first, watch->after);
        }
        if (watch->after != NULL) {
            watch->after->before = watch->before;
        }
        mr_mutex_unlock(stripe);
        watch->next = call->spare_watches;
        call->spare_watches = watch;
    }
}

void mr_watchers_signal(mr_broker *broker, mr_watchers *watchers) {
    // What is watched was changed before; who began to watch after this look has seen the change.
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&watchers->first) == NULL) {
        return;
    }
    mr_mutex *stripe = stripe_of(broker, watchers);
    mr_mutex_lock(stripe);
    for (mr_watch *watch = watchers->first; watch != NULL; watch = watch->after) {
        if (!atomic_exchange(&watch->call->signalled, true)) {
            mr_loop_push(watch->call->loop, watch->call);
        }
    }
    mr_mutex_unlock(stripe);
}

// ---- answers ---------------------------------------------------------------------------------

mr_span mr_call_attach(mr_call *call, const mr_log_slice *slice) {
    mr_assert(slice->bytes > 0);
    mr_call_attachment *made = MR_NEW(call->arena, mr_call_attachment);
    made->slice = *slice;
    if (call->attachments == NULL) {
        call->attachments = made;
    } else {
        call->attachments_last->next = made;
    }
    call->attachments_last = made;
    // The encoder knows it by its address, and never reads there.
    return (mr_span){(const char *)made, slice->bytes};
}

// ---- who asks --------------------------------------------------------------------------------

const char *mr_client_host(const mr_client *client) {
    return client->host;
}

const char *mr_client_principal(const mr_client *client) {
    return client->principal;
}

const char *mr_client_id(const mr_call *call) {
    mr_span id = call->head.client_id;
    return id.bytes == 0 ? "" : mr_arena_copy(call->arena, id.data, id.bytes);
}

void mr_client_set_software(mr_client *client, mr_span name, mr_span version) {
    size_t most = sizeof(client->software) - 1;
    size_t first = MR_MIN(name.bytes, most / 2);
    size_t second = MR_MIN(version.bytes, most - first - 1);
    memcpy(client->software, name.data, first);
    client->software[first] = ' ';
    memcpy(client->software + first + 1, version.data, second);
    client->software[first + 1 + second] = '\0';
}

mr_sasl_session *mr_client_sasl(mr_client *client) {
    return &client->sasl;
}

void mr_client_named(mr_client *client) {
    client->principal = client->sasl.principal != NULL ? client->sasl.principal
                        : client->certified != NULL    ? client->certified
                                                       : "User:ANONYMOUS";
}

void mr_client_advertised(const mr_client *client, const char **ret_host, uint16_t *ret_port) {
    const mr_listen *listen = client->listen;
    bool dialled = listen == NULL || listen->advertised_host == NULL;
    *ret_host = dialled ? client->local_host : listen->advertised_host;
    *ret_port = dialled ? client->local_port : listen->advertised_port;
}

int32_t mr_call_throttle(const mr_call *call, mr_quota_kind kind, uint64_t bytes) {
    if (!mr_quotas_any(call->broker->quotas)) {
        return 0;
    }
    const char *colon = strchr(call->client->principal, ':');
    mr_quota_use use = {.kind = kind,
                        .user = colon == NULL ? call->client->principal : colon + 1,
                        .client_id = mr_client_id(call),
                        .bytes = bytes,
                        .now_us = mr_clock_monotonic_us(call->broker->plat)};
    return mr_quotas_charge(call->broker->quotas, &use);
}

bool mr_call_may(const mr_call *call, mr_operation operation, mr_resource resource, mr_span name) {
    if (call->client->in_process) {
        return true;
    }
    const mr_access_question question = {call->client->principal, call->client->host, operation,
                                         resource, name};
    return mr_access_may(call->broker->access, &question);
}

bool mr_call_may_some(const mr_call *call, mr_operation operation, mr_resource resource) {
    if (call->client->in_process) {
        return true;
    }
    const mr_access_question question = {
        .principal = call->client->principal,
        .host = call->client->host,
        .operation = operation,
        .resource = resource,
    };
    return mr_access_may_some(call->broker->access, &question);
}
