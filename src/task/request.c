// Request: see request.h.

#include "task/request.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <string.h>

#include "plat/library.h"
#include "plat/plat.h"
#include "task/given.h"
#include "task/where.h"

// Macros of curl.h that check types of arguments; ours go through pointers.
#undef curl_easy_setopt
#undef curl_easy_getinfo

typedef struct curl_calls {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *handle);
    CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
    void (*easy_cleanup)(CURL *handle);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
} curl_calls;

static mr_code load(curl_calls *ret, mr_cx *cx) {
    void *library = NULL;
    if (mr_library_open("libcurl.so.4", &library, cx) != MR_OK) {
        return mr_fail(cx, MR_E_MISSING, "apt install libcurl4 brings it.",
                       "cannot load libcurl.so.4, which HTTP requests need");
    }
    const struct {
        const char *name;
        void **place;
    } symbols[] = {
        {"curl_global_init", (void **)&ret->global_init},
        {"curl_easy_init", (void **)&ret->easy_init},
        {"curl_easy_setopt", (void **)&ret->easy_setopt},
        {"curl_easy_perform", (void **)&ret->easy_perform},
        {"curl_easy_getinfo", (void **)&ret->easy_getinfo},
        {"curl_easy_cleanup", (void **)&ret->easy_cleanup},
        {"curl_easy_strerror", (void **)&ret->easy_strerror},
        {"curl_slist_append", (void **)&ret->slist_append},
        {"curl_slist_free_all", (void **)&ret->slist_free_all},
    };
    for (size_t i = 0; i < MR_COUNT(symbols); i++) {
        *symbols[i].place = mr_library_symbol(library, symbols[i].name);
        if (*symbols[i].place == NULL) {
            return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "libcurl.so.4 has no %s", symbols[i].name);
        }
    }
    return MR_OK;
}

// ---- one request -----------------------------------------------------------------------------

typedef struct exchange {
    const mr_request *request;
    mr_text *body;
    bool too_large;
    mr_cx *cx;
} exchange;

static size_t on_body(char *data, size_t size, size_t count, void *self) {
    exchange *x = self;
    size_t bytes = size * count;
    if (x->body->bytes + bytes > x->request->answer_bytes_max) {
        x->too_large = true;
        return 0;
    }
    mr_text_add_bytes(x->body, data, bytes);
    return bytes;
}

static int on_progress(void *self, curl_off_t down, curl_off_t downed, curl_off_t up,
                       curl_off_t upped) {
    (void)down, (void)downed, (void)up, (void)upped;
    return mr_cx_cancelled(((exchange *)self)->cx);
}

static void set_method(const curl_calls *c, CURL *handle, const mr_request *r) {
    const char *method = r->method != NULL ? r->method : r->has_body ? "POST" : "GET";
    if (r->has_body) {
        c->easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.bytes);
        c->easy_setopt(handle, CURLOPT_POSTFIELDS, r->body.bytes == 0 ? "" : r->body.data);
    } else if (strcmp(method, "POST") == 0) {
        c->easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
        c->easy_setopt(handle, CURLOPT_POSTFIELDS, "");
    }
    if (strcmp(method, "HEAD") == 0) {
        c->easy_setopt(handle, CURLOPT_NOBODY, 1L);
    } else if (strcmp(method, "POST") != 0 && (r->has_body || strcmp(method, "GET") != 0)) {
        c->easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method);
    }
}

static void set_all(const curl_calls *c, CURL *handle, exchange *x, char *reason) {
    const mr_request *r = x->request;
    c->easy_setopt(handle, CURLOPT_URL, r->url);
    c->easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    c->easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    c->easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    c->easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    c->easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
    c->easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
    c->easy_setopt(handle, CURLOPT_USERAGENT, "millrace");
    c->easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)MR_MAX(r->timeout_us / 1000, (int64_t)1));
    c->easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
    c->easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    c->easy_setopt(handle, CURLOPT_WRITEDATA, x);
    c->easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    c->easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    c->easy_setopt(handle, CURLOPT_XFERINFODATA, x);
    if (r->login != NULL && r->login[0] != '\0') {
        c->easy_setopt(handle, CURLOPT_USERNAME, r->login);
        c->easy_setopt(handle, CURLOPT_PASSWORD, r->password == NULL ? "" : r->password);
    }
    set_method(c, handle, r);
}

static mr_code fail_transfer(const curl_calls *c, const exchange *x, CURLcode result,
                             const char *reason, mr_cx *cx) {
    const char *words = reason[0] != '\0' ? reason : c->easy_strerror(result);
    if (x->too_large) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "\"%s\" answers with more than %" PRIu64 " bytes",
                       x->request->url, x->request->answer_bytes_max);
    }
    if (result == CURLE_ABORTED_BY_CALLBACK) {
        return mr_fail(cx, MR_E_CANCELLED, NULL, "asked to end");
    }
    bool bad = result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL;
    mr_code code = bad                                  ? MR_E_VALUE
                   : result == CURLE_OPERATION_TIMEDOUT ? MR_E_TIMEOUT
                                                        : MR_E_NETWORK;
    return mr_fail(cx, code, bad ? "Write http://… or https://…." : NULL, "\"%s\": %s",
                   x->request->url, words);
}

mr_code mr_request_send(const mr_request *request, mr_request_answer *ret, mr_cx *cx) {
    curl_calls c;
    char reason[CURL_ERROR_SIZE] = "";
    MR_TRY(load(&c, cx));
    *ret = (mr_request_answer){.type = ""};
    mr_text_init(&ret->body, cx->arena);
    exchange x = {.request = request, .body = &ret->body, .cx = cx};
    CURL *handle = c.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? c.easy_init() : NULL;
    if (handle == NULL) {
        return mr_fail(cx, MR_E_INTERNAL, NULL, "libcurl cannot be started");
    }
    struct curl_slist *headers = NULL;
    for (uint32_t i = 0; i < request->header_count; i++) {
        headers = c.slist_append(headers, request->headers[i]);
    }
    set_all(&c, handle, &x, reason);
    c.easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    CURLcode result = c.easy_perform(handle);
    long status = 0;
    char *type = NULL;
    c.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    c.easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &type);
    ret->status = status;
    ret->type = type == NULL ? "" : mr_arena_string(cx->arena, type);
    mr_code code = result == CURLE_OK ? MR_OK : fail_transfer(&c, &x, result, reason, cx);
    c.slist_free_all(headers);
    c.easy_cleanup(handle);
    return code;
}

// ---- where to --------------------------------------------------------------------------------

static bool is_whole(const char *url) {
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

static const char *base_of(const mr_endpoint *e, mr_cx *cx) {
    bool tls = strcmp(e->type, "https") == 0 || strcmp(e->schema, "https") == 0;
    const char *base = is_whole(e->host)
                           ? e->host
                           : mr_arena_printf(cx->arena, "%s://%s", tls ? "https" : "http", e->host);
    return e->port == 0 ? base : mr_arena_printf(cx->arena, "%s:%" PRId64, base, e->port);
}

static mr_code add_headers(const char *key, const char *json, mr_request *ret, mr_cx *cx) {
    const char **pairs;
    uint32_t count;
    MR_TRY(mr_given_pairs(key, json, &pairs, &count, cx));
    const char **all = MR_NEW_ARRAY(cx->arena, const char *, ret->header_count + count + 1);
    memcpy(all, ret->headers, ret->header_count * sizeof(*all));
    for (uint32_t i = 0; i < count; i++) {
        const char *name = pairs[2 * i], *value = pairs[2 * i + 1];
        if (strpbrk(name, "\r\n:") != NULL || strpbrk(value, "\r\n") != NULL) {
            return mr_fail(cx, MR_E_VALUE, NULL, "header \"%s\" holds what no header can", name);
        }
        // Without a value libcurl would take the header away; so it is sent empty.
        all[ret->header_count++] = value[0] == '\0'
                                       ? mr_arena_printf(cx->arena, "%s;", name)
                                       : mr_arena_printf(cx->arena, "%s: %s", name, value);
    }
    ret->headers = all;
    return MR_OK;
}

static mr_code add_query(const char *json, mr_request *ret, mr_cx *cx) {
    const char **pairs;
    uint32_t count;
    MR_TRY(mr_given_pairs("query", json, &pairs, &count, cx));
    mr_text url;
    mr_text_init(&url, cx->arena);
    mr_text_add(&url, ret->url);
    for (uint32_t i = 0; i < count; i++) {
        mr_text_add_char(&url, i > 0 || strchr(ret->url, '?') != NULL ? '&' : '?');
        mr_endpoint_percent(mr_span_of(pairs[2 * i]), &url);
        mr_text_add_char(&url, '=');
        mr_endpoint_percent(mr_span_of(pairs[2 * i + 1]), &url);
    }
    ret->url = mr_text_string(&url);
    return MR_OK;
}

mr_code mr_request_aim(const mr_task_try *try, const mr_request_keys *keys, mr_request *ret,
                       mr_cx *cx) {
    static const char *const none[] = {NULL};
    ret->headers = none;
    ret->url = keys->url;
    if (keys->conn != NULL) {
        mr_endpoint e;
        MR_TRY(mr_where_connection(try, keys->conn, NULL, &e, cx));
        if (strcmp(e.type, "http") != 0 && strcmp(e.type, "https") != 0) {
            return mr_fail(cx, MR_E_TYPE, NULL, "connection \"%s\" is of type %s, not http",
                           keys->conn, e.type);
        }
        const char *slash = keys->url[0] == '/' || keys->url[0] == '?' ? "" : "/";
        ret->url = is_whole(keys->url)
                       ? keys->url
                       : mr_arena_printf(cx->arena, "%s%s%s", base_of(&e, cx), slash, keys->url);
        ret->login = e.login;
        ret->password = e.password;
        if (e.extra_json.bytes > 0) {
            const char *extra = mr_arena_copy(cx->arena, e.extra_json.data, e.extra_json.bytes);
            MR_TRY(add_headers("extra", extra, ret, cx));
        }
    }
    if (!is_whole(ret->url)) {
        return mr_fail(cx, MR_E_OPTION, "Write http://… or https://…, or name a connection.",
                       "\"%s\" is no URL", ret->url);
    }
    MR_TRY(add_headers("headers", keys->headers, ret, cx));
    return add_query(keys->query, ret, cx);
}

mr_code mr_request_expects(const char *wanted, int64_t status, bool *ret, mr_cx *cx) {
    mr_span *items;
    uint32_t count;
    mr_given_items(wanted, &items, &count, cx);
    *ret = false;
    for (uint32_t i = 0; i < count; i++) {
        const char *word =
            mr_given_text(mr_arena_copy(cx->arena, items[i].data, items[i].bytes), cx);
        bool whole = strlen(word) == 3 && word[0] >= '1' && word[0] <= '5';
        bool group = whole && strcmp(word + 1, "xx") == 0;
        int64_t number;
        if (!group && !(whole && mr_text_parse_int64(mr_span_of(word), &number))) {
            return mr_fail(cx, MR_E_OPTION, "Write 200, 2xx, or a list of them.",
                           "\"%s\" is no status", word);
        }
        *ret |= group ? status / 100 == word[0] - '0' : status == number;
    }
    return MR_OK;
}
