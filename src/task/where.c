// Where: see where.h.

#include "task/where.h"

#include <inttypes.h>
#include <string.h>

#include "kafka/bootstrap.h"
#include "plat/plat.h"

#define ADDRESS_MAX 4096

mr_code mr_where_connection(const mr_task_try *try, const char *name, const char *type,
                            mr_endpoint *ret, mr_cx *cx) {
    mr_span json;
    MR_TRY(try->connection(try, name, &json, cx));
    MR_TRY(mr_endpoint_parse(name, json, ret, cx));
    if (type != NULL && strcmp(ret->type, type) != 0) {
        return mr_fail(cx, MR_E_TYPE, NULL, "connection \"%s\" is of type %s, not %s", name,
                       ret->type, type);
    }
    return MR_OK;
}

static const char *data_dir_of(const mr_task_try *try) {
    return try->data_dir[0] == '\0' ? "data" : try->data_dir;
}

const char *mr_where_broker(const mr_task_try *try, mr_cx *cx) {
    return mr_bootstrap_own(data_dir_of(try), cx);
}

const char *mr_where_found(const mr_task_try *try, mr_cx *cx) {
    return mr_bootstrap_find(data_dir_of(try), cx);
}

mr_span mr_where_listeners(const mr_task_try *try, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/broker/listeners", data_dir_of(try));
    mr_span text;
    return mr_file_exists(path, cx) && mr_file_load(path, ADDRESS_MAX, &text, cx) == MR_OK
               ? text
               : (mr_span){"", 0};
}

mr_code mr_where_servers(const mr_task_try *try, const char *conn, const char **ret, mr_cx *cx) {
    if (conn == NULL) {
        *ret = mr_bootstrap_servers(data_dir_of(try), cx);
        return MR_OK;
    }
    mr_endpoint endpoint;
    MR_TRY(mr_where_connection(try, conn, "kafka", &endpoint, cx));
    if (endpoint.login[0] != '\0') {
        return mr_fail(cx, MR_E_UNSUPPORTED,
                       "Tasks do not log in: name a listener without ?tls and ?sasl.",
                       "connection \"%s\" has a login", conn);
    }
    bool has_port = endpoint.port == 0 || strchr(endpoint.host, ':') != NULL;
    *ret = has_port ? endpoint.host
                    : mr_arena_printf(cx->arena, "%s:%" PRId64, endpoint.host, endpoint.port);
    return MR_OK;
}

mr_code mr_where_open(const mr_task_try *try, const char *conn, int64_t timeout_us, mr_control *ret,
                      mr_cx *cx) {
    const char *servers;
    MR_TRY(mr_where_servers(try, conn, &servers, cx));
    return mr_control_open(ret, servers, timeout_us, cx);
}
