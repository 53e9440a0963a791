// Request: one HTTP request by libcurl, which is loaded when the first is made.
//
// http and https, proxies of the environment, redirects (ten at the most), compressed answers.
// Ends early when the call is cancelled. Threads: one.

#pragma once

#include "base/cx.h"
#include "base/text.h"
#include "port/task.h"

typedef struct mr_request {
    const char *method;          // NULL: GET, or POST when there is a body.
    const char *url;             // http:// or https://
    const char *const *headers;  // "Name: value"
    uint32_t header_count;
    mr_span body;
    bool has_body;
    const char *login;  // NULL or "" = none.
    const char *password;
    int64_t timeout_us;  // Of all of it.
    uint64_t answer_bytes_max;
} mr_request;

typedef struct mr_request_answer {
    int64_t status;
    const char *type;  // Content-Type; "" = not said.
    mr_text body;      // In cx->arena.
} mr_request_answer;

// Any status is an answer.
//   errors  MR_E_NETWORK, MR_E_TIMEOUT, MR_E_LIMIT, MR_E_CANCELLED; MR_E_VALUE for what is no URL;
//           MR_E_MISSING: no libcurl
mr_code mr_request_send(const mr_request *request, mr_request_answer *ret, mr_cx *cx);
// Fills url, login, password and adds headers from a connection of type http, if there is one: its
// extra values are headers, as in Airflow, and `url` is then a path or a whole URL.
//   conn     NULL = none
//   headers  JSON, a map of the task's own; NULL = none
//   query    JSON, a map that goes behind the URL's ?; NULL = none
typedef struct mr_request_keys {
    const char *url;
    const char *conn;
    const char *headers;
    const char *query;
} mr_request_keys;
mr_code mr_request_aim(const mr_task_try *try, const mr_request_keys *keys, mr_request *ret,
                       mr_cx *cx);
// Whether a status is among those that `wanted` names: 200, "2xx", or a list of them.
//   errors  MR_E_OPTION
mr_code mr_request_expects(const char *wanted, int64_t status, bool *ret, mr_cx *cx);
