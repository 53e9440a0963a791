// Listen: the grammar of `broker.listen`; see listen.h.

#include "broker/listen.h"

#include <string.h>

#include "plat/network.h"

#define LISTEN_HINT "Write host:port, as in 127.0.0.1:9092."

static mr_code listen_bad(mr_span item, const char *what, const char *hint, mr_cx *cx) {
    return mr_fail(cx, MR_E_OPTION, hint, "%s in listener \"%.*s\"", what, MR_SPAN_ARGS(item));
}

// The part of *in before `separator`, which is taken away with it; all of it when there is none.
static mr_span cut(mr_span *in, char separator) {
    const char *at = in->bytes == 0 ? NULL : memchr(in->data, separator, in->bytes);
    mr_span part = *in;
    if (at == NULL) {
        *in = (mr_span){in->data + in->bytes, 0};
        return part;
    }
    part.bytes = (size_t)(at - in->data);
    *in = (mr_span){at + 1, in->bytes - part.bytes - 1};
    return part;
}

// host:port, [v6]:port.
static mr_code address_read(mr_span item, mr_span text, const char **ret_host, uint16_t *ret_port,
                            mr_cx *cx) {
    const char *colon = text.bytes == 0 ? NULL : memrchr(text.data, ':', text.bytes);
    if (colon == NULL) {
        return listen_bad(item, "no port", LISTEN_HINT, cx);
    }
    mr_span host = {text.data, (size_t)(colon - text.data)};
    mr_span port = {colon + 1, text.bytes - host.bytes - 1};
    if (host.bytes > 2 && host.data[0] == '[' && host.data[host.bytes - 1] == ']') {
        host = (mr_span){host.data + 1, host.bytes - 2};
    } else if (memchr(host.data, ':', host.bytes) != NULL) {
        return listen_bad(item, "an address of IPv6 without brackets", "Write [::1]:9092.", cx);
    }
    if (host.bytes == 0) {
        return listen_bad(item, "no host", "Write 127.0.0.1 for this machine, 0.0.0.0 for all.",
                          cx);
    }
    if (memchr(host.data, '/', host.bytes) != NULL) {
        return listen_bad(item, "a scheme or path", LISTEN_HINT, cx);
    }
    int64_t number = 0;
    if (!mr_text_parse_int64(port, &number) || number < 0 || number > UINT16_MAX) {
        return listen_bad(item, "a bad port", "A port is a number from 0 (any) to 65535.", cx);
    }
    *ret_host = mr_arena_copy(cx->arena, host.data, host.bytes);
    *ret_port = (uint16_t)number;
    return MR_OK;
}

static bool name_is_valid(mr_span name) {
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || ((c < '0' || c > '9') && c != '-'))) {
            return false;
        }
    }
    return name.bytes > 0;
}

static mr_code item_read(mr_span item, mr_listen *ret, mr_cx *cx) {
    mr_span rest = item;
    mr_span place = cut(&rest, '?');
    bool flags = place.bytes < item.bytes;
    while (flags) {
        mr_span flag = cut(&rest, '?');
        if (mr_span_is(flag, "tls")) {
            ret->tls = true;
        } else if (mr_span_is(flag, "sasl")) {
            ret->sasl = true;
        } else {
            return listen_bad(item, "an unknown flag", "The flags are ?tls and ?sasl.", cx);
        }
        flags = rest.bytes > 0;
    }
    ret->name = ret->sasl  ? ret->tls ? "SASL_SSL" : "SASL_PLAINTEXT"
                : ret->tls ? "SSL"
                           : "PLAINTEXT";
    if (memchr(place.data, '=', place.bytes) != NULL) {
        mr_span name = cut(&place, '=');
        if (!name_is_valid(name)) {
            return listen_bad(item, "a bad name", "A name is made of letters, digits, _ and -.",
                              cx);
        }
        ret->name = mr_arena_copy(cx->arena, name.data, name.bytes);
    }
    mr_span own = cut(&place, '@');
    MR_TRY(address_read(item, own, &ret->host, &ret->port, cx));
    if (place.bytes > 0) {
        MR_TRY(address_read(item, place, &ret->advertised_host, &ret->advertised_port, cx));
    }
    return MR_OK;
}

mr_code mr_listen_parse(const char *text, const char *advertise, mr_listen **ret,
                        uint32_t *ret_count, mr_cx *cx) {
    mr_span rest = mr_span_of(text);
    uint32_t count = 1;
    for (size_t i = 0; i < rest.bytes; i++) {
        count += rest.data[i] == ',';
    }
    mr_listen *list = MR_NEW_ARRAY(cx->arena, mr_listen, count);
    mr_listen common = {0};
    if (advertise != NULL) {
        mr_span all = mr_span_of(advertise);
        MR_TRY(address_read(all, all, &common.advertised_host, &common.advertised_port, cx));
    }
    for (uint32_t i = 0; i < count; i++) {
        mr_span item = mr_span_trim(cut(&rest, ','));
        if (item.bytes == 0) {
            return mr_fail(cx, MR_E_OPTION, LISTEN_HINT, "an empty listener in \"%s\"", text);
        }
        list[i] = common;
        MR_TRY(item_read(item, &list[i], cx));
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(list[k].host, list[i].host) == 0 && list[k].port == list[i].port &&
                list[i].port != 0) {
                return listen_bad(item, "an address for the second time", NULL, cx);
            }
        }
    }
    *ret = list;
    *ret_count = count;
    return MR_OK;
}

// ---- who reaches it --------------------------------------------------------------------------

static bool is_local(const char *host) {
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

static bool is_any(const char *host) {
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

// This machine's network of containers that has this address, or this name; NULL if none does.
static const mr_network *containers_find(const char *host, mr_cx *cx) {
    mr_network *all = NULL;
    uint32_t count = 0;
    if (mr_networks_list(&all, &count, cx) != MR_OK) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool named = strcmp(all[i].host, host) == 0 || strcmp(all[i].name, host) == 0;
        if (all[i].containers && (named || is_any(host))) {
            return &all[i];
        }
    }
    return NULL;
}

mr_code mr_listen_secure(mr_listen *listen, bool insecure, mr_cx *cx) {
    if (is_local(listen->host)) {
        return MR_OK;
    }
    const mr_network *bridge = is_any(listen->host) ? NULL : containers_find(listen->host, cx);
    bool open = !listen->tls && !listen->sasl && !insecure;
    if (bridge != NULL) {
        listen->host = mr_arena_string(cx->arena, bridge->host);
        listen->containers_only = open;
        return MR_OK;
    }
    if (!open) {
        return MR_OK;
    }
    return mr_fail(cx, MR_E_OPTION,
                   "Add ?tls or ?sasl to it, listen at 127.0.0.1 or, for containers, at their "
                   "bridge (docker0:9092), or, in a network where everybody may read and write "
                   "everything, set broker.insecure.",
                   "listener \"%s:%u\" can be reached from other machines and has no security",
                   listen->host, listen->port);
}

bool mr_listen_takes(const mr_listen *listen, const char *peer_host, mr_cx *cx) {
    mr_network *all = NULL;
    uint32_t count = 0;
    if (!listen->containers_only) {
        return true;
    }
    if (mr_networks_list(&all, &count, cx) != MR_OK) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].containers && mr_network_has(&all[i], peer_host)) {
            return true;
        }
    }
    return false;
}

const char *mr_listen_for_containers(const mr_listen *listen, uint16_t port, mr_cx *cx) {
    const mr_network *bridge = is_local(listen->host) ? NULL : containers_find(listen->host, cx);
    return bridge == NULL ? NULL : mr_listen_print(bridge->host, port, cx->arena);
}

const char *mr_listen_print(const char *host, uint16_t port, mr_arena *arena) {
    return strchr(host, ':') == NULL ? mr_arena_printf(arena, "%s:%u", host, port)
                                     : mr_arena_printf(arena, "[%s]:%u", host, port);
}
