// Vault: connections, variables, secrets and pools of a project.
//
// In the flow database. Secrets and the passwords of connections are sealed with libsodium
// (XSalsa20-Poly1305) under data/flow.key (32 random bytes, mode 0600), or the key that
// MILLRACE_SECRET_KEY names. MILLRACE_CONN_NAME=uri, MILLRACE_VAR_NAME and MILLRACE_SECRET_NAME of
// the environment win over what is stored. A project's millrace.yaml and a DAG's `connections` give
// defaults below both.

#pragma once

#include "store/db.h"

typedef struct mr_vault mr_vault;

typedef struct mr_connection {
    const char *name;
    const char *type;  // kafka postgres http s3 docker spark generic …
    const char *host;
    int64_t port;  // 0 = the kind's own.
    const char *login;
    const char *password;  // Plain; never printed.
    const char *schema;    // Database, bucket …
    mr_span extra_json;    // An object; empty = none.
} mr_connection;

typedef struct mr_vault_entry {
    const char *name;
    const char *value;  // Of a variable; NULL of a secret.
    int64_t number;     // Of a pool: its slots.
    int64_t changed_us;
} mr_vault_entry;

// db is borrowed; NULL: only the environment.
mr_code mr_vault_open(mr_db *db, const char *data_dir, mr_vault **ret, mr_cx *cx);
void mr_vault_close(mr_vault *vault);

// "postgresql://user:pw@host:5432/db?sslmode=require" and back; percent-encoding as in Airflow.
mr_code mr_connection_parse(const char *name, mr_span uri, mr_connection *ret, mr_cx *cx);
void mr_connection_uri(const mr_connection *connection, bool with_password, mr_text *out);
void mr_connection_json(const mr_connection *connection, bool with_password, mr_text *out);

//   errors  MR_E_NAME with the nearest name; MR_E_CORRUPT when the key does not open it
mr_code mr_vault_connection(mr_vault *vault, const char *name, mr_connection *ret, mr_cx *cx);
mr_code mr_vault_connections(mr_vault *vault, mr_connection **ret, uint32_t *ret_count, mr_cx *cx);
mr_code mr_vault_put_connection(mr_vault *vault, const mr_connection *connection, mr_cx *cx);

// kind: "variable", "secret", "pool", "connection".
mr_code mr_vault_list(mr_vault *vault, const char *kind, mr_vault_entry **ret, uint32_t *ret_count,
                      mr_cx *cx);
mr_code mr_vault_get(mr_vault *vault, const char *kind, const char *name, mr_span *ret, mr_cx *cx);
mr_code mr_vault_put(mr_vault *vault, const char *kind, const char *name, mr_span value, mr_cx *cx);
mr_code mr_vault_delete(mr_vault *vault, const char *kind, const char *name, mr_cx *cx);
