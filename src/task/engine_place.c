// Engine, place: where a container engine is; see engine.h.
//
// As docker's own command finds it, so that what works there works here; behind that the sockets
// of podman. Also: mr_engine_find

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "plat/plat.h"
#include "task/engine.h"

#define DOCKER_SOCKET "/var/run/docker.sock"
#define PODMAN_SOCKET "/run/podman/podman.sock"
#define PORT          2375
#define PORT_TLS      2376

static const char *env_of(const char *name, mr_cx *cx) {
    const char *value = mr_plat_env(cx->plat, name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static mr_code not_understood(const char *text, mr_cx *cx) {
    return mr_fail(cx, MR_E_OPTION,
                   "Write unix:///var/run/docker.sock, tcp://host:2375 or https://host:2376.",
                   "\"%s\" is no address of a container engine", text);
}

// "host", "host:port", "[::1]:port", with a path behind it.
static mr_code take_host(const char *rest, mr_engine_place *ret, mr_cx *cx) {
    const char *slash = strchr(rest, '/');
    size_t bytes = slash == NULL ? strlen(rest) : (size_t)(slash - rest);
    const char *host = mr_arena_copy(cx->arena, rest, bytes);
    size_t base_bytes = slash == NULL ? 0 : strlen(slash);
    while (base_bytes > 0 && slash[base_bytes - 1] == '/') {
        base_bytes--;
    }
    ret->base = base_bytes == 0 ? "" : mr_arena_copy(cx->arena, slash, base_bytes);
    const char *colon = strrchr(host, ':'), *bracket = strchr(host, ']');
    int64_t port = ret->tls ? PORT_TLS : PORT;
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        if (!mr_text_parse_int64(mr_span_of(colon + 1), &port) || port < 1 || port > 65535) {
            return not_understood(ret->name, cx);
        }
        host = mr_arena_copy(cx->arena, host, (size_t)(colon - host));
    }
    if (host[0] == '[' && bracket != NULL) {
        host = mr_arena_copy(cx->arena, host + 1, strcspn(host + 1, "]"));
    }
    ret->host = host;
    ret->port = (uint16_t)port;
    bool odd = host[0] == '\0' || strpbrk(host, " @?#%\r\n") != NULL ||
               strpbrk(ret->base, " ?#\r\n") != NULL;
    return odd ? not_understood(ret->name, cx) : MR_OK;
}

// tls: that a tcp:// address means it.
static mr_code parse(const char *text, bool tls, mr_engine_place *ret, mr_cx *cx) {
    *ret = (mr_engine_place){.name = mr_arena_string(cx->arena, text), .base = ""};
    if (strncmp(text, "unix://", 7) == 0 || text[0] == '/') {
        ret->file = ret->name + (text[0] == '/' ? 0 : 7);
        return ret->file[0] == '/' ? MR_OK : not_understood(text, cx);
    }
    if (strncmp(text, "ssh://", 6) == 0) {
        return mr_fail(cx, MR_E_UNSUPPORTED,
                       "Forward its socket, ssh -nNT -L /run/user/1000/docker.sock:/var/run/"
                       "docker.sock USER@HOST, and name that.",
                       "\"%s\": engines behind ssh are not spoken to", text);
    }
    bool https = strncmp(text, "https://", 8) == 0, http = strncmp(text, "http://", 7) == 0;
    if (!https && !http && strncmp(text, "tcp://", 6) != 0) {
        return not_understood(text, cx);
    }
    ret->tls = https || (tls && !http);
    ret->verify = ret->tls;
    return take_host(strstr(text, "://") + 3, ret, cx);
}

static const char *file_in(const char *dir, const char *name, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, name);
    return mr_file_exists(path, cx) ? path : NULL;
}

// The certificates of docker's own variables.
static void take_certificates(const char *dir, mr_engine_place *ret, mr_cx *cx) {
    if (ret->tls && dir != NULL) {
        ret->ca = file_in(dir, "ca.pem", cx);
        ret->cert = file_in(dir, "cert.pem", cx);
        ret->key = file_in(dir, "key.pem", cx);
    }
}

static mr_code of_text(const char *text, mr_engine_place *ret, mr_cx *cx) {
    const char *dir = env_of("DOCKER_CERT_PATH", cx), *home = env_of("HOME", cx);
    bool tls = env_of("DOCKER_TLS_VERIFY", cx) != NULL;
    MR_TRY(parse(text, tls, ret, cx));
    if (dir == NULL && tls && home != NULL) {
        dir = mr_arena_printf(cx->arena, "%s/.docker", home);
    }
    take_certificates(dir, ret, cx);
    return MR_OK;
}

// ---- a connection ----------------------------------------------------------------------------

static const char *extra_text(mr_span extra, const char *name, mr_cx *cx) {
    mr_span value = extra.bytes == 0 ? extra : mr_jsonvalue_get(extra, name);
    return value.bytes == 0 ? NULL : mr_jsonvalue_text(value, cx->arena);
}

// As it may be written in a connection's URI ("tls=true") or in JSON.
static bool extra_is(mr_span extra, const char *name, const char *wanted, mr_cx *cx) {
    mr_span value = extra.bytes == 0 ? extra : mr_jsonvalue_get(extra, name);
    const char *text = extra_text(extra, name, cx);
    return (value.bytes > 0 && mr_span_is(value, wanted)) ||
           (text != NULL && strcmp(text, wanted) == 0);
}

static mr_code of_endpoint(const mr_endpoint *e, mr_engine_place *ret, mr_cx *cx) {
    mr_span extra = e->extra_json;
    const char *dir = extra_text(extra, "cert_path", cx);
    bool tls = extra_is(extra, "tls", "true", cx) || dir != NULL || strcmp(e->schema, "https") == 0;
    if (e->host[0] == '\0') {
        return mr_fail(cx, MR_E_OPTION,
                       "Give it the host tcp://engine.example.org:2376, or a socket's path.",
                       "connection \"%s\" has no host", e->name);
    }
    const char *text = e->host;
    if (text[0] != '/' && strstr(text, "://") == NULL) {
        text =
            mr_arena_printf(cx->arena, strchr(text, ':') == NULL ? "tcp://%s" : "tcp://[%s]", text);
        const char *single = strchr(e->host, ':');  // "host:port", not an address of IPv6.
        if (single != NULL && strchr(single + 1, ':') == NULL) {
            text = mr_arena_printf(cx->arena, "tcp://%s", e->host);
        }
    }
    if (e->port != 0 && text[0] != '/' && strncmp(text, "unix:", 5) != 0) {
        text = mr_arena_printf(cx->arena, "%s:%" PRId64, text, e->port);
    }
    MR_TRY(parse(text, tls, ret, cx));
    take_certificates(dir, ret, cx);
    const char *ca = extra_text(extra, "ca", cx);
    ret->ca = ca == NULL ? ret->ca : ca;
    ret->verify = ret->tls && !extra_is(extra, "verify", "false", cx);
    return MR_OK;
}

mr_code mr_engine_find(const char *given, const mr_endpoint *conn, mr_engine_place *ret,
                       mr_cx *cx) {
    const char *host = env_of("DOCKER_HOST", cx), *user = env_of("XDG_RUNTIME_DIR", cx);
    if (conn != NULL) {
        return of_endpoint(conn, ret, cx);
    }
    if (given != NULL || host != NULL) {
        return of_text(given != NULL ? given : host, ret, cx);
    }
    const char *const places[] = {
        DOCKER_SOCKET,
        user == NULL ? NULL : mr_arena_printf(cx->arena, "%s/podman/podman.sock", user),
        PODMAN_SOCKET,
    };
    mr_text looked;
    mr_text_init(&looked, cx->arena);
    for (size_t i = 0; i < MR_COUNT(places); i++) {
        if (places[i] != NULL && mr_file_exists(places[i], cx)) {
            return parse(places[i], /* tls= */ false, ret, cx);
        }
        mr_text_addf(&looked, "%s%s", places[i] == NULL || looked.bytes == 0 ? "" : ", ",
                     places[i] == NULL ? "" : places[i]);
    }
    return mr_fail(cx, MR_E_MISSING,
                   "Install docker or podman (systemctl --user enable --now podman.socket), or say "
                   "where it is: engine: tcp://host:2375.",
                   "no container engine is there: DOCKER_HOST is not set, and there is none of %s",
                   mr_text_string(&looked));
}

// ---- in a note -------------------------------------------------------------------------------

static void add(const char *name, const char *value, mr_text *out) {
    if (value != NULL) {
        mr_text_addf(out, ",\"%s\":", name);
        mr_text_add_json(out, mr_span_of(value));
    }
}

void mr_engine_place_json(const mr_engine_place *place, mr_text *out) {
    mr_text_addf(out, "{\"tls\":%s,\"verify\":%s", place->tls ? "true" : "false",
                 place->verify ? "true" : "false");
    add("name", place->name, out);
    add("ca", place->ca, out);
    add("cert", place->cert, out);
    add("key", place->key, out);
    mr_text_add_char(out, '}');
}

mr_code mr_engine_place_load(mr_span json, mr_engine_place *ret, mr_cx *cx) {
    const char *name = mr_jsonvalue_text(mr_jsonvalue_get(json, "name"), cx->arena);
    if (name == NULL) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "no engine is named");
    }
    MR_TRY(parse(name, mr_span_is(mr_jsonvalue_get(json, "tls"), "true"), ret, cx));
    ret->verify = mr_span_is(mr_jsonvalue_get(json, "verify"), "true");
    ret->ca = mr_jsonvalue_text(mr_jsonvalue_get(json, "ca"), cx->arena);
    ret->cert = mr_jsonvalue_text(mr_jsonvalue_get(json, "cert"), cx->arena);
    ret->key = mr_jsonvalue_text(mr_jsonvalue_get(json, "key"), cx->arena);
    return MR_OK;
}
