// Scram: SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677), the server's side.
//
// How: what is stored of a password cannot be used to log in: StoredKey and ServerKey, derived from
// the salted password. OpenSSL does HMAC and PBKDF2. Threads: none of its own.

#pragma once

#include "plat/plat.h"

#define MR_SCRAM_KEY_BYTES_MAX  64
#define MR_SCRAM_ITERATIONS_MIN 4096
#define MR_SCRAM_ITERATIONS_MAX 16384  // Kafka's.

typedef enum mr_scram_mechanism {  // Kafka's numbers.
    MR_SCRAM_SHA_256 = 1,
    MR_SCRAM_SHA_512 = 2,
} mr_scram_mechanism;

typedef struct mr_scram_credential {
    mr_scram_mechanism mechanism;
    int32_t iterations;
    mr_span salt;
    uint8_t stored_key[MR_SCRAM_KEY_BYTES_MAX];
    uint8_t server_key[MR_SCRAM_KEY_BYTES_MAX];
} mr_scram_credential;

size_t mr_scram_key_bytes(mr_scram_mechanism mechanism);
// "SCRAM-SHA-256"; 0 when it is none of them.
const char *mr_scram_name(mr_scram_mechanism mechanism);
int mr_scram_mechanism_of(mr_span name);
// What is stored, of what a client sends (salted_password) or of the password itself.
void mr_scram_derive(mr_span salted_password, mr_scram_credential *credential);
void mr_scram_derive_from_password(mr_span password, mr_scram_credential *credential);
// Whether this is the password, in a time that does not tell how much of it is right.
bool mr_scram_matches(mr_span password, const mr_scram_credential *credential);

// ---- an exchange -----------------------------------------------------------------------------

typedef struct mr_scram {
    mr_scram_mechanism mechanism;
    const char *user;  // NULL until the first message was read.
    mr_text auth_message;
    const char *nonce;
    int step;
} mr_scram;

// The client's first message.  *ret_user is whom it says to be.
bool mr_scram_first(mr_scram *scram, mr_span message, const char **ret_user, mr_arena *arena);
// The answer to it, with the user's salt.
mr_span mr_scram_challenge(mr_scram *scram, const mr_scram_credential *credential, uint64_t random,
                           mr_cx *cx);
// The client's proof; *ret_answer proves the server. False: it is not the user.
bool mr_scram_final(mr_scram *scram, mr_span message, const mr_scram_credential *credential,
                    mr_span *ret_answer, mr_cx *cx);
