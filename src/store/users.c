// Users: see users.h. A list of them, and their removal, are mr_vault_list and mr_vault_delete.

#include "store/users.h"

#include <string.h>

#include "store/endpoint.h"
#include "store/vault_seal.h"

#define PASSWORD_BYTES_MIN 8
#define PASSWORD_BYTES_MAX 1024

static mr_code check_role(const char *role, mr_cx *cx) {
    static const char *const roles[] = {"admin", "op", "user", "viewer"};
    for (size_t i = 0; i < MR_COUNT(roles); i++) {
        if (strcmp(roles[i], role) == 0) {
            return MR_OK;
        }
    }
    return mr_fail(cx, MR_E_VALUE, "Roles are admin, op, user and viewer.", "no role \"%s\"", role);
}

static mr_code hash_of(mr_span password, const char **ret, mr_cx *cx) {
    if (password.bytes < PASSWORD_BYTES_MIN || password.bytes > PASSWORD_BYTES_MAX) {
        return mr_fail(cx, MR_E_VALUE, NULL, "a password has 8 to 1024 bytes, this one has %zu",
                       password.bytes);
    }
    return mr_vault_seal_password(password, ret, cx);
}

mr_code mr_users_add(mr_db *db, const char *name, const char *role, mr_span password, mr_cx *cx) {
    MR_TRY(mr_endpoint_check_name("user", name, cx));
    MR_TRY(check_role(role, cx));
    const char *hash;
    MR_TRY(hash_of(password, &hash, cx));
    mr_db_value args[] = {MR_DB_STRING_VALUE(name), MR_DB_STRING_VALUE(role),
                          MR_DB_STRING_VALUE(hash), MR_DB_INT_VALUE(mr_clock_real_us(cx->plat))};
    mr_db_rows rows;
    MR_TRY(mr_db_run(db,
                     "INSERT INTO users (name, role, hash, changed_us) VALUES ($1, $2, $3, $4) "
                     "ON CONFLICT (name) DO NOTHING",
                     args, 4, &rows, cx));
    return rows.changed == 1
               ? MR_OK
               : mr_fail(cx, MR_E_EXISTS, "Change it with user password or user role.",
                         "there is a user \"%s\" already", name);
}

mr_code mr_users_change(mr_db *db, const char *name, const char *role, const mr_span *password,
                        mr_cx *cx) {
    const char *hash = "";
    if (role != NULL) {
        MR_TRY(check_role(role, cx));
    }
    if (password != NULL) {
        MR_TRY(hash_of(*password, &hash, cx));
    }
    mr_db_value args[] = {MR_DB_STRING_VALUE(name), MR_DB_STRING_VALUE(role == NULL ? "" : role),
                          MR_DB_STRING_VALUE(hash), MR_DB_INT_VALUE(mr_clock_real_us(cx->plat))};
    mr_db_rows rows;
    MR_TRY(mr_db_run(db,
                     "UPDATE users SET role = COALESCE(NULLIF($2, ''), role), "
                     "hash = COALESCE(NULLIF($3, ''), hash), changed_us = $4 WHERE name = $1",
                     args, 4, &rows, cx));
    return rows.changed == 1 ? MR_OK
                             : mr_fail(cx, MR_E_NAME, "millrace user list shows who there is.",
                                       "no user \"%s\"", name);
}

mr_code mr_users_check(mr_db *db, const char *name, mr_span password, const char **ret_role,
                       mr_cx *cx) {
    mr_db_value args[] = {MR_DB_STRING_VALUE(name)};
    mr_db_rows rows;
    MR_TRY(mr_db_run(db, "SELECT role, hash FROM users WHERE name = $1", args, 1, &rows, cx));
    *ret_role = NULL;
    if (rows.row_count == 0) {
        const char *hash;  // As much work as for a user who is there.
        return mr_vault_seal_password(password, &hash, cx);
    }
    if (mr_vault_seal_matches(mr_db_cell(&rows, 0, 1)->bytes.data, password)) {
        *ret_role = mr_db_cell(&rows, 0, 0)->bytes.data;
    }
    return MR_OK;
}
