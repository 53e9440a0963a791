// Vault: connections, variables, secrets, pools and users of a project.
//
// In the flow database, in tables of its own. Secrets, and passwords and extra values of
// connections, are sealed by libsodium (XChaCha20-Poly1305, bound to their names) under
// <data>/flow.key (32 random bytes as hexadecimal digits, mode 0600), or under the key that
// MILLRACE_SECRET_KEY holds (the same digits) or names (a file). The database keeps a sealed word,
// so a wrong or lost key is told at once. MILLRACE_CONN_NAME (a URI or JSON), MILLRACE_VAR_NAME and
// MILLRACE_SECRET_NAME of the environment win over what is stored: name in capitals, other signs
// than letters and digits as _. A project's millrace.yaml and a DAG's `connections` give defaults
// below both (mr_vault_default).
// Each change is a transaction of its own, unless the database is in one. Threads: as mr_db.

#pragma once

#include "store/db.h"
#include "store/endpoint.h"

typedef struct mr_vault mr_vault;

typedef struct mr_vault_entry {
    const char *name;
    const char *value;  // Of a variable, a user's role, a connection's type; NULL of a secret.
    int64_t number;     // Of a pool: its slots.
    int64_t changed_us;
} mr_vault_entry;

// db is borrowed; NULL: only the environment and defaults. One that is not read-only gets the
// tables. Beside a scheduler the same database is opened a second time. env: what the project's
// .env says, NAME=value, NULL-ended, borrowed; NULL: nothing. The process's own environment wins
// over it.
mr_code mr_vault_open(mr_db *db, const char *data_dir, const char *const *env, mr_vault **ret,
                      mr_cx *cx);
void mr_vault_close(mr_vault *vault);  // Takes NULL.

// From the environment, else stored, else a default.
//   errors  MR_E_NAME with the nearest name; MR_E_CORRUPT when the key does not open it
mr_code mr_vault_connection(mr_vault *vault, const char *name, mr_endpoint *ret, mr_cx *cx);
mr_code mr_vault_connections(mr_vault *vault, mr_endpoint **ret, uint32_t *ret_count, mr_cx *cx);
mr_code mr_vault_put_connection(mr_vault *vault, const mr_endpoint *connection, mr_cx *cx);
// A connection that stands in a file. Replaces an earlier one of that name. Copied.
void mr_vault_default(mr_vault *vault, const mr_endpoint *connection);

// kind: "variable", "secret", "pool", "connection", "user". A pool's value is its slots, as text.
//   errors  MR_E_NAME with the nearest name; MR_E_VALUE
mr_code mr_vault_list(mr_vault *vault, const char *kind, mr_vault_entry **ret, uint32_t *ret_count,
                      mr_cx *cx);
mr_code mr_vault_get(mr_vault *vault, const char *kind, const char *name, mr_span *ret, mr_cx *cx);
mr_code mr_vault_put(mr_vault *vault, const char *kind, const char *name, mr_span value, mr_cx *cx);
mr_code mr_vault_delete(mr_vault *vault, const char *kind, const char *name, mr_cx *cx);

// All that logs must not show, longest first, NULL-ended, in all forms: secrets, passwords and
// secret extra values of connections, stored, in this process's environment, or of a default that
// was asked for. What the key does not open is left out: nobody can have read it.
//   errors  those of the database
mr_code mr_vault_masked(mr_vault *vault, const char *const **ret, uint32_t *ret_count, mr_cx *cx);
// Gives the forms that a secret may be met in: as it is, percent-encoded, in JSON, and each of its
// lines. Shorter ones than 4 bytes are left out: they would mask all.
void mr_vault_forms(mr_span value, void (*give)(void *self, const char *secret), void *self);
// Gives what is secret in "NAME=value" of an environment.
void mr_vault_env_secrets(const char *pair, void (*give)(void *self, const char *secret),
                          void *self, mr_cx *cx);
