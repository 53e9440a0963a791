// Container, reach: see container_reach.h.

#include "task/container_reach.h"

#include <string.h>

static bool is_loopback(const char *host) {
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 ||
           strcmp(host, "::1") == 0;
}

static bool is_any(const char *host) {
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

// "host:port" or "[::1]:port" in two; port "" when there is none.
static void split(mr_span text, const char **ret_host, const char **ret_port, mr_arena *arena) {
    const char *all = mr_arena_copy(arena, text.data, text.bytes);
    const char *colon = strrchr(all, ':'), *bracket = strchr(all, ']');
    bool has_port = colon != NULL && (bracket == NULL || colon > bracket);
    size_t bytes = has_port ? (size_t)(colon - all) : strlen(all);
    bool bare = bytes >= 2 && all[0] == '[' && all[bytes - 1] == ']';
    *ret_host = mr_arena_copy(arena, all + (bare ? 1 : 0), bytes - (bare ? 2 : 0));
    *ret_port = has_port ? mr_arena_string(arena, colon + 1) : "9092";
}

static const char *join(const char *host, const char *port, mr_arena *arena) {
    return mr_arena_printf(arena, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s", host, port);
}

static bool next_part(mr_span *rest, char end, mr_span *ret) {
    while (rest->bytes > 0) {
        const char *at = memchr(rest->data, end, rest->bytes);
        size_t bytes = at == NULL ? rest->bytes : (size_t)(at - rest->data);
        *ret = mr_span_trim((mr_span){rest->data, bytes});
        bytes += at == NULL ? 0 : 1;
        *rest = (mr_span){rest->data + bytes, rest->bytes - bytes};
        if (ret->bytes > 0) {
            return true;
        }
    }
    return false;
}

// Whether an address cannot be reached from where the container is.
static bool is_own(const mr_container_reach *r, const char *host) {
    for (size_t i = 0; r->engine_is_remote && r->bridges != NULL && r->bridges[i] != NULL; i++) {
        if (strcmp(r->bridges[i], host) == 0) {
            return true;
        }
    }
    return is_loopback(host);
}

// The best of the broker's listeners; plain ones first. NULL: none is beyond this machine.
static const char *listener(const mr_container_reach *r, mr_arena *arena) {
    const char *best = NULL;
    bool plain = false;
    mr_span rest = r->listeners, line;
    while (next_part(&rest, '\n', &line)) {
        const char *text = mr_arena_copy(arena, line.data, line.bytes), *host, *port;
        const char *flags = strchr(text, '?'), *told = strchr(text, '@');
        size_t end = flags == NULL ? strlen(text) : (size_t)(flags - text);
        size_t own = told == NULL ? end : (size_t)(told - text);
        split((mr_span){text, own}, &host, &port, arena);
        const char *at = is_own(r, host) ? NULL : join(is_any(host) ? r->alias : host, port, arena);
        if (told != NULL && !is_loopback(host)) {  // What clients are told they must reach.
            split((mr_span){told + 1, end - own - 1}, &host, &port, arena);
            at = is_own(r, host) ? at : join(host, port, arena);
        }
        if (at == NULL || (best != NULL && (plain || flags != NULL))) {
            continue;
        }
        best = at;
        plain = flags == NULL;
    }
    return best;
}

// Whether a list with commas between has this item.
static bool has_item(mr_span list, const char *item) {
    mr_span one;
    while (next_part(&list, ',', &one)) {
        if (mr_span_is(one, item)) {
            return true;
        }
    }
    return false;
}

static const char *out_of_reach(const mr_container_reach *r, const char *host, const char *port,
                                mr_arena *arena) {
    const char *advice =
        r->engine_is_remote
            ? mr_arena_printf(arena,
                              "of another machine's engine cannot reach it. Let it listen beyond "
                              "this machine too, broker.listen: 127.0.0.1:%s,lan=0.0.0.0:9093?sasl",
                              port)
            : mr_arena_printf(arena,
                              "cannot reach it. Let it listen at the engine's bridge too, "
                              "broker.listen: 127.0.0.1:%s,docker0:%s (podman0 for podman), or "
                              "write network: host",
                              port, port);
    return mr_arena_printf(
        arena, "the broker listens at %s only, which is of this machine alone: a container %s",
        join(host, port, arena), advice);
}

void mr_container_reach_broker(const mr_container_reach *reach, const char **ret,
                               const char **ret_why, mr_arena *arena) {
    bool host_network = reach->network != NULL && strcmp(reach->network, "host") == 0;
    bool here = host_network && !reach->engine_is_remote;
    mr_text out;
    mr_text_init(&out, arena);
    *ret = NULL;
    *ret_why = "";
    if (reach->servers == NULL || reach->servers[0] == '\0') {
        return;
    }
    if (reach->network != NULL && strcmp(reach->network, "none") == 0) {
        *ret_why = "the container has no network: the broker cannot be reached";
        return;
    }
    mr_span rest = mr_span_of(reach->servers), one;
    while (next_part(&rest, ',', &one)) {
        const char *host, *port, *at;
        split(one, &host, &port, arena);
        if (!is_own(reach, host) && !is_any(host)) {
            at = join(host, port, arena);
        } else if (here) {
            at = join(is_any(host) ? "127.0.0.1" : host, port, arena);
        } else if (is_any(host)) {
            at = join(reach->alias, port, arena);
        } else {
            at = listener(reach, arena);
        }
        if (at == NULL) {
            *ret_why = out_of_reach(reach, host, port, arena);
            return;
        }
        if (!has_item(mr_text_span(&out), at)) {
            mr_text_addf(&out, "%s%s", out.bytes == 0 ? "" : ",", at);
        }
    }
    *ret = out.bytes == 0 ? NULL : mr_text_string(&out);
}
