// Endpoint: how to reach a service: a name, a type, an address, an account, and what else it needs.
//
//   postgresql://user:pw@host:5432/db?sslmode=require      {"type": "postgres", "host": …}
// As Airflow writes them, so that what it exported can be read: percent-encoding, the query as
// extra values, __extra__ for an object that is not flat, conn_type and login as names.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_endpoint {
    const char *name;
    const char *type;  // kafka postgres http s3 docker spark generic …
    const char *host;  // May hold several, "a:9092,b:9092", of types that take them.
    int64_t port;      // 0 = the kind's own.
    const char *login;
    const char *password;  // Plain; never printed.
    const char *schema;    // Database, bucket …
    mr_span extra_json;    // An object; empty = none.
} mr_endpoint;

// "postgresql://user:pw@host:5432/db?sslmode=require" and back; percent-encoding as in Airflow.
// Also reads a JSON object. Memory: cx->arena. Messages never show the password.
//   errors  MR_E_VALUE
mr_code mr_endpoint_parse(const char *name, mr_span text, mr_endpoint *ret, mr_cx *cx);
// Without its password: as ***, as are extra values whose names say that they are secret, at any
// depth.
void mr_endpoint_uri(const mr_endpoint *connection, bool with_password, mr_text *out);
void mr_endpoint_json(const mr_endpoint *connection, bool with_password, mr_text *out);
// Whether a name is that of a secret: it holds password, secret, token, api_key, ssl.key, jaas …
// A bare "key" is none: sinks have columns of that name.
bool mr_endpoint_is_secret(mr_span name);
// Gives all that must not be shown: the password, and extra values that are secret by their names
// or by that of what they stand in.
void mr_endpoint_secrets(const mr_endpoint *connection,
                         void (*give)(void *self, const char *secret), void *self);
// What cannot be a name: only letters, digits, _ - . are taken, 200 bytes at the most.
mr_code mr_endpoint_check_name(const char *what, const char *name, mr_cx *cx);
void mr_endpoint_percent(mr_span text, mr_text *out);  // Encodes all but unreserved characters.
