// Kind "http": one request, whose answer is an output. Outputs: status, body: text, json: the body
// as a value when it is one, path.

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/jsonvalue.h"
#include "base/utf8.h"
#include "plat/plat.h"
#include "task/given.h"
#include "task/kinds.h"
#include "task/request.h"

#define SHOWN_BYTES 300  // Of a body that is an error's.

typedef struct http {
    const char *url;
    const char *method;
    const char *headers;  // JSON.
    const char *query;    // JSON.
    const char *body;
    const char *json;    // JSON.
    const char *expect;  // JSON.
    const char *write_to;
    int64_t request_timeout;
    uint64_t max_size;
    const char *conn;
} http;

static const mr_option http_options[] = {
    MR_OPTION(http, url, MR_OPT_TEXT, MR_REQUIRED, "http://…, https://…, or a path with `conn`."),
    MR_OPTION(http, method, MR_OPT_TEXT, NULL, "GET, or POST with a body, if not given."),
    MR_OPTION(http, headers, MR_OPT_TEXT, NULL, "Headers, a map."),
    MR_OPTION(http, query, MR_OPT_TEXT, NULL, "What goes behind the ? of the URL, a map."),
    MR_OPTION(http, body, MR_OPT_TEXT, NULL, "What is sent, as it is."),
    MR_OPTION(http, json, MR_OPT_TEXT, NULL, "Or a value that is sent as JSON."),
    MR_OPTION(http, expect, MR_OPT_TEXT, "2xx",
              "Status codes that are fine, one or a list: 200, 2xx; others fail the task."),
    MR_OPTION(http, write_to, MR_OPT_PATH, NULL, "A file for the answer's body."),
    MR_OPTION(http, request_timeout, MR_OPT_DURATION, "60s", "How long the request may take."),
    MR_OPTION(http, max_size, MR_OPT_BYTES, "64MiB", "Of an answer's body."),
    MR_OPTION(http, conn, MR_OPT_TEXT, NULL,
              "A connection of type http: host, login, and its extra values as headers."),
    MR_OPTION_END,
};

static const char *const http_nested[] = {"headers", "query", "json", "expect", NULL};
static const char *const http_outputs[] = {"status", "body", "json", "path", NULL};

static mr_code take_body(const http *o, mr_request *r, mr_cx *cx) {
    if (o->body != NULL && o->json != NULL) {
        return mr_fail(cx, MR_E_OPTION, "Keep one of them.",
                       "\"body\" and \"json\" exclude each other");
    }
    r->has_body = o->body != NULL || o->json != NULL;
    r->body = mr_span_of(o->body != NULL ? o->body : o->json);
    if (o->json == NULL) {
        return MR_OK;
    }
    const char **headers = MR_NEW_ARRAY(cx->arena, const char *, r->header_count + 2);
    headers[0] = "Content-Type: application/json";
    memcpy(headers + 1, r->headers, r->header_count * sizeof(*headers));
    for (uint32_t i = 0; i < r->header_count; i++) {
        if (strncasecmp(r->headers[i], "content-type:", 13) == 0) {
            return MR_OK;  // One of the user's own.
        }
    }
    r->headers = headers;
    r->header_count++;
    return MR_OK;
}

static mr_code put_text(const mr_task_try *try, const char *key, mr_span text, mr_cx *cx) {
    mr_text json;
    mr_text_init(&json, cx->arena);
    mr_text_add_json(&json, text);
    return try->output(try, key, mr_text_span(&json), cx);
}

// What was asked for has happened: an answer that is too long for an output fails nothing.
static mr_code put_body(mr_span body, const mr_task_try *try, mr_cx *cx) {
    mr_text text, value;
    mr_text_init(&text, cx->arena);
    mr_text_init(&value, cx->arena);
    bool is_text = mr_utf8_valid(body.data, body.bytes);
    if (is_text && body.bytes <= MR_TASK_OUTPUT_BYTES_MAX) {
        mr_text_add_json(&text, body);  // What is escaped is longer.
    }
    if (is_text && body.bytes > 0 && mr_jsonvalue_check(body)) {
        mr_jsonvalue_minify(mr_jsonvalue_trim(body), &value);
    }
    if (text.bytes == 0 || text.bytes > MR_TASK_OUTPUT_BYTES_MAX) {
        const char *line = mr_arena_printf(
            cx->arena, "the body, %zu bytes, is no output: it is too long, or no text\n",
            body.bytes);
        MR_TRY(mr_stream_write(MR_STDERR, mr_span_of(line), cx));
    } else {
        MR_TRY(try->output(try, "body", mr_text_span(&text), cx));
    }
    return value.bytes > 0 && value.bytes <= MR_TASK_OUTPUT_BYTES_MAX
               ? try->output(try, "json", mr_text_span(&value), cx)
               : MR_OK;
}

static mr_code hand_on(const http *o, const mr_request_answer *answer, const mr_task_try *try,
                       mr_cx *cx) {
    mr_span body = mr_text_span(&answer->body);
    const char *status = mr_arena_printf(cx->arena, "%" PRId64, answer->status);
    MR_TRY(try->output(try, "status", mr_span_of(status), cx));
    if (o->write_to != NULL) {
        MR_TRY(mr_dir_make(mr_plat_parent(o->write_to, cx->arena), cx));
        MR_TRY(mr_file_save(o->write_to, body, cx));
        return put_text(try, "path", mr_span_of(o->write_to), cx);
    }
    return put_body(body, try, cx);
}

static mr_code http_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    const http *o = options;
    const mr_request_keys keys = {o->url, o->conn, o->headers, o->query};
    mr_request request = {
        .method = o->method, .timeout_us = o->request_timeout, .answer_bytes_max = o->max_size};
    mr_request_answer answer;
    bool fine;
    MR_TRY(
        mr_request_expects(o->expect, 0, &fine, cx));  // What is wrong with it, before it is sent.
    MR_TRY(mr_request_aim(try, &keys, &request, cx));
    MR_TRY(take_body(o, &request, cx));
    MR_TRY(mr_request_send(&request, &answer, cx));
    const char *line = mr_arena_printf(cx->arena, "%s: %" PRId64 ", %zu bytes %s\n", request.url,
                                       answer.status, answer.body.bytes, answer.type);
    MR_TRY(mr_stream_write(MR_STDOUT, mr_span_of(line), cx));
    MR_TRY(mr_request_expects(o->expect, answer.status, &fine, cx));
    if (!fine) {
        return mr_fail(cx, MR_E_VALUE, NULL, "\"%s\" answers %" PRId64 ": %.*s", request.url,
                       answer.status, (int)MR_MIN(answer.body.bytes, (size_t)SHOWN_BYTES),
                       mr_text_string(&answer.body));
    }
    return hand_on(o, &answer, try, cx);
}

const mr_task_type mr_kind_http = {
    .name = "http",
    .doc = "Makes an HTTP request, and hands its answer on.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = http_options,
    .nested = http_nested,
    .outputs = http_outputs,
    .size = sizeof(http),
    .run = http_run,
};
