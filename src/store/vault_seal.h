// Vault seal: what is secret, as bytes that only the key opens.

#pragma once

#include "base/cx.h"
#include "base/text.h"

#define MR_VAULT_KEY_BYTES 32

typedef struct mr_vault_key {
    uint8_t bytes[MR_VAULT_KEY_BYTES];
} mr_vault_key;

// MILLRACE_SECRET_KEY, else <data>/flow.key; may_make: makes that file when it is not there.
//   errors  MR_E_MISSING, MR_E_VALUE
mr_code mr_vault_seal_key(const char *data_dir, bool may_make, mr_vault_key *ret, mr_cx *cx);
// label: what it is, "secret/aws_key": another label does not open it.
mr_span mr_vault_seal(const mr_vault_key *key, const char *label, mr_span plain, mr_arena *arena);
// A NUL stands behind *ret. errors  MR_E_CORRUPT
mr_code mr_vault_seal_open(const mr_vault_key *key, const char *label, mr_span sealed, mr_span *ret,
                           mr_cx *cx);
void mr_vault_seal_forget(mr_vault_key *key);  // Overwrites it.
// argon2id, with libsodium's interactive limits (64 MiB, a tenth of a second).
mr_code mr_vault_seal_password(mr_span password, const char **ret_hash, mr_cx *cx);
bool mr_vault_seal_matches(const char *hash, mr_span password);
