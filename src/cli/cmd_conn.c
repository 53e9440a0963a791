// Command "conn": how workflows reach databases, clusters and services.

#include <string.h>

#include "cli/reach.h"
#include "cli/safe.h"
#include "plat/socket.h"

#define TEST_US ((int64_t)10 * 1000000)

static const mr_cli_flag conn_flags[] = {
    {"--with-password", NULL, false, "get: show the password too."},
    {"--password-stdin", NULL, false, "add: read the password from standard input."},
    MR_CLI_SAFE_FLAGS,
    MR_CLI_FLAGS_END,
};

// ---- add, get, import ------------------------------------------------------------------------

static mr_code add(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    mr_span text = mr_span_of(args->plain[2]);
    if (mr_span_is(text, "-")) {
        MR_TRY(mr_safe_stdin("the URI", &text, cx));
    }
    mr_endpoint endpoint;
    MR_TRY(mr_endpoint_parse(args->plain[1], text, &endpoint, cx));
    if (mr_args_has(args, "--password-stdin")) {
        mr_span password;
        MR_TRY(mr_safe_stdin("the password", &password, cx));
        endpoint.password = password.data;
    }
    return mr_vault_put_connection(safe->vault, &endpoint, cx);
}

static mr_code get(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    mr_endpoint endpoint;
    MR_TRY(mr_vault_connection(safe->vault, args->plain[1], &endpoint, cx));
    mr_text out;
    mr_text_init(&out, cx->arena);
    bool with_password = mr_args_has(args, "--with-password");
    if (mr_args_has(args, "--json")) {
        mr_endpoint_json(&endpoint, with_password, &out);
    } else {
        mr_endpoint_uri(&endpoint, with_password, &out);
    }
    mr_text_add(&out, "\n");
    mr_report_print(cx, &out);
    return MR_OK;
}

static mr_code put(mr_safe *safe, const char *name, mr_span text, mr_cx *cx) {
    mr_endpoint endpoint;
    MR_TRY(mr_endpoint_parse(name, text, &endpoint, cx));
    return mr_vault_put_connection(safe->vault, &endpoint, cx);
}

// Lines "name=uri", as Airflow exports to .env files.
static mr_code import_lines(const char *file, mr_safe *safe, uint32_t *ret_count, mr_cx *cx) {
    mr_span text;
    MR_TRY(mr_file_load(file, MR_YAML_BYTES_MAX, &text, cx));
    for (uint32_t number = 1; text.bytes > 0; number++) {
        mr_span line = mr_span_trim(mr_span_line(&text));
        if (line.bytes == 0 || line.data[0] == '#') {
            continue;
        }
        const char *equals = memchr(line.data, '=', line.bytes);
        if (equals == NULL) {
            return mr_fail(cx, MR_E_SYNTAX, "Each line is name=uri.",
                           "%s:%u: there is no = in this line", file, number);
        }
        mr_span name = mr_span_trim((mr_span){line.data, (size_t)(equals - line.data)});
        mr_span uri = {equals + 1, line.bytes - (size_t)(equals - line.data) - 1};
        mr_code code =
            put(safe, mr_arena_copy(cx->arena, name.data, name.bytes), mr_span_trim(uri), cx);
        if (code != MR_OK) {
            return mr_error_in(cx, code, "%s:%u", file, number);
        }
        ++*ret_count;
    }
    return MR_OK;
}

// A map of connections: each a URI, or a map as mr_endpoint_parse reads JSON.
static mr_code import_map(const char *file, mr_safe *safe, uint32_t *ret_count, mr_cx *cx) {
    const mr_yaml *root;
    MR_TRY(mr_safe_load(file, &root, cx));
    for (uint32_t i = 0; i < root->count; i++) {
        mr_text text;
        mr_text_init(&text, cx->arena);
        if (root->items[i]->kind == MR_YAML_SCALAR) {
            mr_text_add(&text, root->items[i]->text);
        } else {
            mr_safe_json(root->items[i], &text);
        }
        mr_code code = put(safe, root->names[i], mr_text_span(&text), cx);
        if (code != MR_OK) {
            return mr_fail_at(cx, code, root->places[i], mr_arena_string(cx->arena, cx->error.hint),
                              "%s", mr_arena_string(cx->arena, cx->error.text));
        }
        ++*ret_count;
    }
    return MR_OK;
}

static mr_code import(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    const char *file = args->plain[1];
    mr_span name = mr_span_of(file);
    bool lines = mr_span_ends(name, ".env") || mr_span_ends(name, ".txt");
    uint32_t count = 0;
    // All of them or none.
    MR_TRY(mr_db_begin(safe->db, cx));
    mr_code code =
        lines ? import_lines(file, safe, &count, cx) : import_map(file, safe, &count, cx);
    if (code != MR_OK) {
        mr_db_rollback(safe->db, cx);
        return code;
    }
    MR_TRY(mr_db_commit(safe->db, cx));
    mr_report_say(cx, "%u connection%s imported\n", count, count == 1 ? "" : "s");
    return MR_OK;
}

// ---- test ------------------------------------------------------------------------------------

static mr_code test_postgres(const mr_endpoint *endpoint, mr_text *out, mr_cx *cx) {
    mr_endpoint named = *endpoint;
    named.type = "postgresql";
    mr_text url;
    mr_text_init(&url, cx->arena);
    mr_endpoint_uri(&named, /* with_password= */ true, &url);
    mr_db *db;
    mr_db_rows rows;
    MR_TRY(mr_db_open(mr_text_string(&url), /* read_only= */ true, &db, cx));
    mr_code code = mr_db_run(db, "SELECT current_setting('server_version')", NULL, 0, &rows, cx);
    if (code == MR_OK) {
        mr_text_addf(out, "PostgreSQL %s answers", mr_db_cell(&rows, 0, 0)->bytes.data);
    }
    mr_db_close(db);
    return code;
}

static mr_code test_kafka(const mr_endpoint *endpoint, mr_text *out, mr_cx *cx) {
    const char *servers =
        endpoint->port == 0
            ? endpoint->host
            : mr_arena_printf(cx->arena, "%s:%lld", endpoint->host, (long long)endpoint->port);
    mr_control control;
    MR_TRY(mr_control_open(&control, servers, TEST_US, cx));
    mr_wire_metadata_response metadata;
    mr_code code = mr_control_metadata(&control, NULL, 0, &metadata, cx);
    if (code == MR_OK) {
        mr_text_addf(out, "a Kafka cluster of %u broker%s and %u topics answers",
                     (unsigned)metadata.brokers_count, metadata.brokers_count == 1 ? "" : "s",
                     (unsigned)metadata.topics_count);
    }
    mr_control_close(&control, cx->plat);
    return code;
}

// The status line of a HEAD request; any status is an answer.
static mr_code ask_http(mr_socket *socket, const mr_endpoint *endpoint,
                        const mr_socket_limit *limit, mr_text *out, mr_cx *cx) {
    const char *request = mr_arena_printf(
        cx->arena, "HEAD / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", endpoint->host);
    MR_TRY(mr_socket_send(socket, mr_span_of(request), limit, cx));
    char line[13] = {0};  // "HTTP/1.1 200"
    MR_TRY(mr_socket_receive(socket, line, 12, limit, cx));
    if (!mr_span_starts(mr_span_of(line), "HTTP/1.")) {
        return mr_fail(cx, MR_E_NETWORK, NULL, "what answers at %s does not speak HTTP",
                       socket->peer);
    }
    mr_text_addf(out, "a server answers with status %s", line + 9);
    return MR_OK;
}

static int64_t usual_port(const char *type) {
    static const struct {
        const char *type;
        int64_t port;
    } ports[] = {{"http", 80},     {"https", 443}, {"kafka", 9092}, {"mysql", 3306},
                 {"redis", 6379},  {"ssh", 22},    {"spark", 7077}, {"s3", 443},
                 {"docker", 2375}, {"ftp", 21},    {"smtp", 25}};
    for (size_t i = 0; i < MR_COUNT(ports); i++) {
        if (strcmp(ports[i].type, type) == 0) {
            return ports[i].port;
        }
    }
    return 0;
}

static mr_code test_socket(const mr_endpoint *endpoint, mr_text *out, mr_cx *cx) {
    // As Airflow writes them: http://https%3A%2F%2Fexample.com
    const char *scheme = strstr(endpoint->host, "://");
    mr_endpoint plain = *endpoint;
    plain.host = scheme == NULL ? endpoint->host : scheme + 3;
    bool tls = strcmp(plain.type, "https") == 0 || strcmp(plain.schema, "https") == 0 ||
               (scheme != NULL && mr_span_starts(mr_span_of(endpoint->host), "https"));
    int64_t port = plain.port != 0 ? plain.port : tls ? 443 : usual_port(plain.type);
    if (plain.host[0] == '\0' || port == 0) {
        return mr_fail(cx, MR_E_UNSUPPORTED, "Give it a host and a port to be tested.",
                       "connection \"%s\" of type %s names no address", plain.name, plain.type);
    }
    mr_socket socket = MR_SOCKET_CLOSED;
    mr_socket_limit limit = {.deadline_us = mr_clock_monotonic_us(cx->plat) + TEST_US};
    MR_TRY(mr_socket_connect(&socket, plain.host, (uint16_t)port, &limit, cx));
    mr_code code = MR_OK;
    if (strcmp(plain.type, "http") == 0 && !tls && port != 443) {
        code = ask_http(&socket, &plain, &limit, out, cx);
    } else {
        mr_text_addf(out, "%s:%lld takes connections", plain.host, (long long)port);
    }
    mr_socket_close(&socket, cx->plat);
    return code;
}

static mr_code test(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    mr_endpoint endpoint;
    MR_TRY(mr_vault_connection(safe->vault, args->plain[1], &endpoint, cx));
    mr_text said, out;
    mr_text_init(&said, cx->arena);
    mr_text_init(&out, cx->arena);
    int64_t from_us = mr_clock_monotonic_us(cx->plat);
    mr_code code = strcmp(endpoint.type, "postgres") == 0 ? test_postgres(&endpoint, &said, cx)
                   : strcmp(endpoint.type, "kafka") == 0  ? test_kafka(&endpoint, &said, cx)
                                                          : test_socket(&endpoint, &said, cx);
    int64_t ms = (mr_clock_monotonic_us(cx->plat) - from_us) / 1000;
    if (code != MR_OK) {
        return mr_error_in(cx, code, "testing connection \"%s\"", endpoint.name);
    }
    if (mr_args_has(args, "--json")) {
        mr_text_add(&out, "{\"name\": ");
        mr_text_add_json(&out, mr_span_of(endpoint.name));
        mr_text_add(&out, ", \"ok\": true, \"answer\": ");
        mr_text_add_json(&out, mr_text_span(&said));
        mr_text_addf(&out, ", \"ms\": %lld}\n", (long long)ms);
    } else {
        mr_text_addf(&out, "%s (%lld ms)\n", mr_text_string(&said), (long long)ms);
    }
    mr_report_print(cx, &out);
    return MR_OK;
}

// ---- the command -----------------------------------------------------------------------------

static mr_code run_verb(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    static const struct {
        const char *name;
        mr_code (*run)(const mr_cli_args *args, mr_safe *safe, mr_cx *cx);
    } verbs[] = {{"add", add}, {"get", get}, {"test", test}, {"import", import}};
    for (size_t i = 0; i < MR_COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, args->plain[0]) == 0) {
            return verbs[i].run(args, safe, cx);
        }
    }
    return strcmp(args->plain[0], "delete") == 0
               ? mr_safe_delete(args, safe, "connection", cx)
               : mr_safe_list(args, safe, "connection", "type", NULL, cx);
}

static int conn_run(const mr_cli_args *args, mr_cx *cx) {
    static const mr_safe_verb verbs[] = {
        {"list", 0, 0, false},
        {"add", 2, 2, true},
        {"get", 1, 1, false},
        {"test", 1, 1, false},
        {"import", 1, 1, true},
        {"delete", 1, 1000, true},
        {0},
    };
    return mr_safe_run(args, verbs, run_verb, cx);
}

const mr_cli_command mr_cmd_conn = {
    .name = "conn",
    .usage = "list | add NAME URI | get NAME | test NAME | import FILE | delete NAME …",
    .summary = "Keeps connections: how workflows reach databases, clusters and services.",
    .details = "URI: type://login:password@host:port/schema?key=value, each part percent-encoded; "
               "a JSON object;\nor - to read it from standard input. Passwords and extra values "
               "are sealed. MILLRACE_CONN_NAME\nof the environment wins over what is stored. "
               "import reads what \"airflow connections export\" wrote:\nJSON, YAML, or lines "
               "name=uri (.env).",
    .flags = conn_flags,
    .plain_min = 1,
    .plain_max = 1001,
    .run = conn_run,
};
