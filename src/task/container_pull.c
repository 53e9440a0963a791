// Container, pull: see container_pull.h.

#include "task/container_pull.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "plat/plat.h"

#define LINE_BYTES_MAX ((size_t)256 << 10)
#define QUIET_US       ((int64_t)600 * 1000 * 1000)  // Large layers are unpacked without a word.

// ---- progress --------------------------------------------------------------------------------

static void keep_error(mr_container_progress *p, const char *text) {
    size_t bytes = MR_MIN(strlen(text), sizeof(p->error) - 1);
    if (p->error[0] == '\0') {
        memcpy(p->error, text, bytes);
        p->error[bytes] = '\0';
    }
}

static mr_code tell_line(mr_container_progress *p, mr_cx *cx) {
    mr_span all = mr_jsonvalue_trim(mr_text_span(&p->line));
    if (all.bytes == 0 || all.data[0] != '{' || !mr_jsonvalue_check(all)) {
        return MR_OK;
    }
    const char *error = mr_jsonvalue_field(all, "error", cx->arena),
               *status = mr_jsonvalue_field(all, "status", cx->arena);
    mr_span detail = mr_jsonvalue_get(all, "errorDetail");
    if (error[0] == '\0' && detail.bytes > 0 && detail.data[0] == '{') {
        error = mr_jsonvalue_field(detail, "message", cx->arena);
    }
    if (error[0] != '\0') {
        keep_error(p, error);
        return MR_OK;
    }
    // Of layers only their end: their bytes would fill the log.
    bool layer = mr_jsonvalue_field(all, "id", cx->arena)[0] != '\0';
    bool shown = status[0] != '\0' && (!layer || strncmp(status, "Pulling from", 12) == 0 ||
                                       strcmp(status, "Pull complete") == 0);
    if (!shown) {
        return MR_OK;
    }
    const char *line = layer ? mr_arena_printf(cx->arena, "%s: %s\n",
                                               mr_jsonvalue_field(all, "id", cx->arena), status)
                             : mr_arena_printf(cx->arena, "%s\n", status);
    return mr_stream_write(MR_STDERR, mr_span_of(line), cx);
}

// A large image has many thousand lines: nothing of them stays.
static mr_code take_line(mr_container_progress *p, mr_cx *cx) {
    mr_arena *lasting = cx->arena, scratch = {0};
    cx->arena = &scratch;
    mr_code code = tell_line(p, cx);
    cx->arena = lasting;
    mr_arena_release(&scratch);
    return code;
}

mr_code mr_container_pull_progress(mr_container_progress *progress, mr_span piece, mr_cx *cx) {
    while (piece.bytes > 0) {
        const char *end = memchr(piece.data, '\n', piece.bytes);
        size_t bytes = end == NULL ? piece.bytes : (size_t)(end - piece.data);
        if (progress->line.bytes + bytes > LINE_BYTES_MAX) {
            progress->too_long = true;
            mr_text_clear(&progress->line);
        }
        if (!progress->too_long) {
            mr_text_add_bytes(&progress->line, piece.data, bytes);
        }
        bytes += end == NULL ? 0 : 1;
        piece = (mr_span){piece.data + bytes, piece.bytes - bytes};
        if (end != NULL) {
            mr_code code = progress->too_long ? MR_OK : take_line(progress, cx);
            mr_text_clear(&progress->line);
            progress->too_long = false;
            MR_TRY(code);
        }
    }
    return MR_OK;
}

// ---- asking ----------------------------------------------------------------------------------

#define HUB "docker.io"

// "https://R.org:443/v2/" → "r.org": what two names of one registry have in common.
static const char *registry_name(const char *text, mr_cx *cx) {
    static const char *const hubs[] = {"", "index.docker.io", "registry-1.docker.io"};
    const char *scheme = strstr(text, "://");
    text += scheme == NULL ? 0 : (size_t)(scheme - text) + 3;
    size_t bytes = strcspn(text, "/");
    char *name = mr_arena_copy(cx->arena, text, bytes);
    for (char *at = name; *at != '\0'; at++) {
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
    }
    if (bytes > 4 && strcmp(name + bytes - 4, ":443") == 0) {
        name[bytes - 4] = '\0';
    }
    for (size_t i = 0; i < MR_COUNT(hubs); i++) {
        if (strcmp(name, hubs[i]) == 0) {
            return HUB;
        }
    }
    return name;
}

// As the engine reads it: of a name without a host the image is Docker Hub's.
static const char *registry_of_image(const mr_container_image *image, mr_cx *cx) {
    size_t bytes = strcspn(image->name, "/");
    const char *first = mr_arena_copy(cx->arena, image->name, bytes);
    bool named = image->name[bytes] == '/' &&
                 (strpbrk(first, ".:") != NULL || strcmp(first, "localhost") == 0);
    return registry_name(named ? first : HUB, cx);
}

static const char *registry_of_connection(const mr_endpoint *r, mr_cx *cx) {
    const char *name = registry_name(r->host, cx);
    bool whole = r->port == 0 || strchr(name, ':') != NULL || strcmp(name, HUB) == 0;
    return whole ? name
                 : registry_name(mr_arena_printf(cx->arena, "%s:%" PRId64, name, r->port), cx);
}

// An engine sends a password to whatever registry the image's name says.
static mr_code check_registry(const mr_container_pull *p, mr_cx *cx) {
    if (p->registry == NULL) {
        return MR_OK;
    }
    const char *wanted = registry_of_image(p->image, cx);
    const char *known = registry_of_connection(p->registry, cx);
    return strcmp(wanted, known) == 0
               ? MR_OK
               : mr_fail(cx, MR_E_OPTION,
                         mr_arena_printf(cx->arena,
                                         "Name a connection whose host is %s, or leave registry: "
                                         "out: a password is for its own registry alone.",
                                         wanted),
                         "image \"%s\" is of registry \"%s\", connection \"%s\" of \"%s\"",
                         p->image->whole, wanted, p->registry->name, known);
}

// X-Registry-Auth: JSON in base64, with - and _.
static const char *auth_of(const mr_container_pull *p, mr_cx *cx) {
    const mr_endpoint *r = p->registry;
    if (r == NULL) {
        return NULL;
    }
    const char *server = registry_of_connection(r, cx);
    server = strcmp(server, HUB) == 0 ? "https://index.docker.io/v1/" : server;
    mr_span token = r->extra_json.bytes == 0 ? (mr_span){NULL, 0}
                                             : mr_jsonvalue_get(r->extra_json, "identitytoken");
    const char *const parts[][2] = {
        {"username", r->login},
        {"password", r->password},
        {"serveraddress", server},
        {"identitytoken", token.bytes == 0 ? NULL : mr_jsonvalue_text(token, cx->arena)},
    };
    mr_text json;
    mr_text_init(&json, cx->arena);
    for (size_t i = 0; i < MR_COUNT(parts); i++) {
        if (parts[i][1] != NULL && parts[i][1][0] != '\0') {
            mr_text_addf(&json, "%s\"%s\":", json.bytes == 0 ? "{" : ",", parts[i][0]);
            mr_text_add_json(&json, mr_span_of(parts[i][1]));
        }
    }
    mr_text_add_char(&json, '}');
    char *out = mr_arena_alloc(cx->arena, (json.bytes + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)json.data, (int)json.bytes);
    for (char *at = out; *at != '\0'; at++) {
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    }
    return out;
}

static mr_code take_progress(void *self, mr_span piece, mr_cx *cx) {
    return mr_container_pull_progress(self, piece, cx);
}

static void add_query(const char *name, const char *value, mr_text *out) {
    mr_text_addf(out, "&%s=", name);
    mr_endpoint_percent(mr_span_of(value), out);
}

static mr_code read_all(const mr_engine *e, const mr_container_pull *p, mr_engine_stream *s,
                        mr_container_progress *progress, mr_cx *cx) {
    const mr_reply_sink sink = {take_progress, progress};
    mr_engine_news news = MR_ENGINE_CAME;
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + p->timeout_us;
    while (news == MR_ENGINE_CAME) {
        int64_t left_us = MR_MIN(until_us - mr_clock_monotonic_us(cx->plat), QUIET_US);
        news = MR_ENGINE_QUIET;
        if (left_us > 0) {
            MR_TRY(mr_engine_next(s, left_us, &sink, &news, cx));
        }
    }
    if (news == MR_ENGINE_QUIET) {
        return mr_error_flag(cx,
                             mr_fail(cx, MR_E_TIMEOUT, "A longer pull_timeout may help.",
                                     "engine \"%s\" has not fetched image \"%s\" in time",
                                     e->place->name, p->image->whole),
                             MR_RETRY);
    }
    // What stands without a line's end.
    return mr_container_pull_progress(progress, MR_SPAN("\n"), cx);
}

static mr_code refused(const mr_engine *e, const mr_container_pull *p, int status,
                       const char *message, mr_cx *cx) {
    mr_text body;
    mr_text_init(&body, cx->arena);
    mr_text_add(&body, message);
    const char *doing = mr_arena_printf(cx->arena, "fetch image \"%s\"", p->image->whole);
    mr_code code = mr_engine_refused(e, status, &body, doing, cx);
    bool denied = strstr(message, "unauthorized") != NULL || strstr(message, "denied") != NULL ||
                  strstr(message, "authentication required") != NULL;
    if (denied && p->registry != NULL) {
        const char *text = mr_arena_string(cx->arena, cx->error.text);
        return mr_fail(cx, MR_E_PERMISSION,
                       mr_arena_printf(cx->arena,
                                       "Look at login and password of connection \"%s\", and at "
                                       "the image's name.",
                                       p->registry->name),
                       "%s", text);
    }
    cx->error.code = denied ? MR_E_PERMISSION : code == MR_E_OPTION ? MR_E_IO : code;
    return cx->error.code;
}

static mr_code fetch(const mr_engine *e, const mr_container_pull *p, mr_cx *cx) {
    mr_text path;
    mr_text_init(&path, cx->arena);
    mr_text_add(&path, "/images/create?fromImage=");
    const char *name = p->image->digest == NULL ? p->image->name : p->image->whole;
    mr_endpoint_percent(mr_span_of(name), &path);
    if (p->image->tag != NULL) {
        add_query("tag", p->image->tag, &path);
    }
    if (p->platform != NULL) {
        add_query("platform", p->platform, &path);
    }
    const mr_engine_call call = {
        .method = "POST", .path = mr_text_string(&path), .auth = auth_of(p, cx)};
    const char *line = mr_arena_printf(cx->arena, "fetching image %s\n", p->image->whole);
    MR_TRY(mr_stream_write(MR_STDERR, mr_span_of(line), cx));
    mr_engine_stream s;
    mr_container_progress progress = {.error = ""};
    mr_text_init(&progress.line, cx->arena);
    MR_TRY(mr_engine_begin(e, &call, &s, cx));
    mr_code code = read_all(e, p, &s, &progress, cx);
    mr_engine_stream_close(&s, cx);
    MR_TRY(code);
    if (s.reply.status / 100 != 2) {
        mr_span all = mr_jsonvalue_trim(mr_text_span(&s.refusal));
        bool object = all.bytes > 0 && all.data[0] == '{' && mr_jsonvalue_check(all);
        const char *message = object ? mr_jsonvalue_field(all, "message", cx->arena)
                                     : mr_arena_copy(cx->arena, all.data, all.bytes);
        return refused(e, p, s.reply.status, message, cx);
    }
    return progress.error[0] == '\0' ? MR_OK : refused(e, p, s.reply.status, progress.error, cx);
}

// ---- is it there -----------------------------------------------------------------------------

// Whether "linux/arm64/v8" is what an image says of itself.
static bool is_of(mr_span image, const char *platform, mr_cx *cx) {
    const char *os = mr_jsonvalue_field(image, "Os", cx->arena),
               *machine = mr_jsonvalue_field(image, "Architecture", cx->arena);
    const char *slash = strchr(platform, '/');
    const char *wanted = slash == NULL ? platform : slash + 1;
    size_t bytes = strcspn(wanted, "/");
    bool same_os = slash == NULL || (strlen(os) == (size_t)(slash - platform) &&
                                     strncmp(os, platform, strlen(os)) == 0);
    return os[0] == '\0' ||
           (same_os && strlen(machine) == bytes && strncmp(machine, wanted, bytes) == 0);
}

static mr_code is_there(const mr_engine *e, const mr_container_pull *p, bool *ret, mr_cx *cx) {
    const mr_engine_call call = {
        .method = "GET", .path = mr_arena_printf(cx->arena, "/images/%s/json", p->image->whole)};
    mr_text body;
    int status;
    MR_TRY(mr_engine_ask(e, &call, &status, &body, cx));
    *ret = status == 200;
    if (status != 200 && status != 404) {
        return mr_engine_refused(
            e, status, &body, mr_arena_printf(cx->arena, "look for image \"%s\"", p->image->whole),
            cx);
    }
    mr_span all = mr_jsonvalue_trim(mr_text_span(&body));
    bool object = all.bytes > 0 && all.data[0] == '{' && mr_jsonvalue_check(all);
    *ret = *ret && (!object || p->platform == NULL || is_of(all, p->platform, cx));
    return MR_OK;
}

mr_code mr_container_pull_image(const mr_engine *engine, const mr_container_pull *pull, mr_cx *cx) {
    bool there = false, never = strcmp(pull->policy, "never") == 0;
    MR_TRY(check_registry(pull, cx));
    if (strcmp(pull->policy, "always") != 0) {
        MR_TRY(is_there(engine, pull, &there, cx));
    }
    if (there) {
        return MR_OK;
    }
    if (never) {
        return mr_fail(
            cx, MR_E_MISSING, "Load it into the engine, or let it be fetched: pull: missing.",
            "engine \"%s\" has no image \"%s\"%s%s", engine->place->name, pull->image->whole,
            pull->platform == NULL ? "" : " for ", pull->platform == NULL ? "" : pull->platform);
    }
    MR_TRY(fetch(engine, pull, cx));
    MR_TRY(is_there(engine, pull, &there, cx));
    return there ? MR_OK
                 : mr_fail(cx, MR_E_MISSING, "Look at the image's name, and at platform:.",
                           "engine \"%s\" has no image \"%s\" after fetching it",
                           engine->place->name, pull->image->whole);
}
