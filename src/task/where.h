// Where: the cluster that a task is about, and other services by the names of their connections.

#pragma once

#include "kafka/control.h"
#include "port/task.h"
#include "store/endpoint.h"

// A connection. type: what it must be ("kafka"), or NULL.
//   errors  MR_E_NAME: there is none; MR_E_VALUE, MR_E_TYPE
mr_code mr_where_connection(const mr_task_try *try, const char *name, const char *type,
                            mr_endpoint *ret, mr_cx *cx);
// "host:port, …" of a connection; without one (NULL): as kafka/bootstrap.h finds it; the scheduler
// sets KAFKA_BOOTSTRAP_SERVERS to the project's broker if it has no value.
//   errors  as above; MR_E_UNSUPPORTED: it wants a login
mr_code mr_where_servers(const mr_task_try *try, const char *conn, const char **ret, mr_cx *cx);
// The same, but NULL when there is none.
const char *mr_where_found(const mr_task_try *try, mr_cx *cx);
// The address that the project's broker left; NULL: none did.
const char *mr_where_broker(const mr_task_try *try, mr_cx *cx);
// Where it listens, a line each: host:port[@host:port][?tls][?sasl]. Empty: it does not run.
mr_span mr_where_listeners(const mr_task_try *try, mr_cx *cx);
// A handle to the cluster.
mr_code mr_where_open(const mr_task_try *try, const char *conn, int64_t timeout_us, mr_control *ret,
                      mr_cx *cx);
