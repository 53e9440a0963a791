// Users: who may use the page and the API, and as what. In the vault's tables; argon2id.

#pragma once

#include "store/db.h"

// db: one whose tables mr_vault_open has made.
// Adds a user (exists: MR_E_EXISTS), or changes the role or the password (NULL: kept) of one.
//   errors  MR_E_VALUE: no such role, a password of less than 8 bytes; MR_E_NAME
mr_code mr_users_add(mr_db *db, const char *name, const char *role, mr_span password, mr_cx *cx);
mr_code mr_users_change(mr_db *db, const char *name, const char *role, const mr_span *password,
                        mr_cx *cx);
// *ret_role is NULL unless the password is this user's; takes as long for a user who is not there.
mr_code mr_users_check(mr_db *db, const char *name, mr_span password, const char **ret_role,
                       mr_cx *cx);
