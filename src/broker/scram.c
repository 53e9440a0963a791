// Scram: SCRAM-SHA-256 and SCRAM-SHA-512, the server's side; see scram.h.

#include "broker/scram.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static const EVP_MD *digest_of(mr_scram_mechanism mechanism) {
    return mechanism == MR_SCRAM_SHA_256 ? EVP_sha256() : EVP_sha512();
}

size_t mr_scram_key_bytes(mr_scram_mechanism mechanism) {
    return mechanism == MR_SCRAM_SHA_256 ? 32 : 64;
}

const char *mr_scram_name(mr_scram_mechanism mechanism) {
    return mechanism == MR_SCRAM_SHA_256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512";
}

int mr_scram_mechanism_of(mr_span name) {
    return mr_span_is(name, "SCRAM-SHA-256")   ? MR_SCRAM_SHA_256
           : mr_span_is(name, "SCRAM-SHA-512") ? MR_SCRAM_SHA_512
                                               : 0;
}

static void hmac(mr_scram_mechanism mechanism, const void *key, mr_span data, uint8_t *ret) {
    unsigned int bytes = 0;
    const uint8_t *done = HMAC(digest_of(mechanism), key, (int)mr_scram_key_bytes(mechanism),
                               (const uint8_t *)data.data, data.bytes, ret, &bytes);
    mr_assert(done != NULL && bytes == mr_scram_key_bytes(mechanism));
}

static void hash(mr_scram_mechanism mechanism, const uint8_t *data, uint8_t *ret) {
    unsigned int bytes = 0;
    int done = EVP_Digest(data, mr_scram_key_bytes(mechanism), ret, &bytes, digest_of(mechanism),
                          /* impl= */ NULL);
    mr_assert(done == 1);
}

void mr_scram_derive(mr_span salted_password, mr_scram_credential *credential) {
    uint8_t client_key[MR_SCRAM_KEY_BYTES_MAX], salted[MR_SCRAM_KEY_BYTES_MAX] = {0};
    memcpy(salted, salted_password.data,
           MR_MIN(salted_password.bytes, mr_scram_key_bytes(credential->mechanism)));
    hmac(credential->mechanism, salted, MR_SPAN("Client Key"), client_key);
    hash(credential->mechanism, client_key, credential->stored_key);
    hmac(credential->mechanism, salted, MR_SPAN("Server Key"), credential->server_key);
    OPENSSL_cleanse(client_key, sizeof(client_key));
    OPENSSL_cleanse(salted, sizeof(salted));
}

void mr_scram_derive_from_password(mr_span password, mr_scram_credential *credential) {
    uint8_t salted[MR_SCRAM_KEY_BYTES_MAX];
    size_t bytes = mr_scram_key_bytes(credential->mechanism);
    int done = PKCS5_PBKDF2_HMAC(password.data, (int)password.bytes,
                                 (const uint8_t *)credential->salt.data,
                                 (int)credential->salt.bytes, credential->iterations,
                                 digest_of(credential->mechanism), (int)bytes, salted);
    mr_assert(done == 1);
    mr_scram_derive((mr_span){(const char *)salted, bytes}, credential);
    OPENSSL_cleanse(salted, sizeof(salted));
}

bool mr_scram_matches(mr_span password, const mr_scram_credential *credential) {
    mr_scram_credential tried = *credential;
    mr_scram_derive_from_password(password, &tried);
    return CRYPTO_memcmp(tried.stored_key, credential->stored_key,
                         mr_scram_key_bytes(credential->mechanism)) == 0;
}

// ---- messages --------------------------------------------------------------------------------

// "k=value" up to the next comma; advances.
static bool attribute(const char **at, const char *end, char name, mr_span *ret) {
    if (end - *at < 2 || (*at)[0] != name || (*at)[1] != '=') {
        return false;
    }
    const char *from = *at + 2;
    const char *comma = memchr(from, ',', (size_t)(end - from));
    const char *stop = comma == NULL ? end : comma;
    *ret = (mr_span){from, (size_t)(stop - from)};
    *at = comma == NULL ? end : comma + 1;
    return true;
}

// "=2C" is a comma and "=3D" an equals sign; no other "=" may be there.
static const char *user_of(mr_span coded, mr_arena *arena) {
    char *user = mr_arena_copy(arena, coded.data, coded.bytes);
    size_t to = 0;
    for (size_t i = 0; i < coded.bytes; i++) {
        char c = coded.data[i];
        if (c == '=') {
            bool comma = coded.bytes - i >= 3 && memcmp(coded.data + i, "=2C", 3) == 0;
            if (!comma && !(coded.bytes - i >= 3 && memcmp(coded.data + i, "=3D", 3) == 0)) {
                return NULL;
            }
            c = comma ? ',' : '=';
            i += 2;
        }
        user[to++] = c;
    }
    user[to] = '\0';
    return to == 0 || memchr(user, '\0', to) != NULL ? NULL : user;
}

bool mr_scram_first(mr_scram *scram, mr_span message, const char **ret_user, mr_arena *arena) {
    const char *at = message.data, *end = message.data + message.bytes;
    mr_span ignored, name, nonce;
    // No channel binding; an authorization id is read and must be the user.
    if (message.bytes < 3 || at[0] != 'n' || at[1] != ',') {
        return false;
    }
    at += 2;
    mr_span other = {NULL, 0};
    if (*at == ',') {
        at++;
    } else if (!attribute(&at, end, 'a', &other)) {
        return false;
    }
    const char *bare = at;
    if (!attribute(&at, end, 'n', &name) || !attribute(&at, end, 'r', &nonce) || nonce.bytes == 0) {
        return false;
    }
    while (at < end) {  // Extensions, of which "tokenauth" asks for delegation tokens.
        if (end - at < 2 || at[1] != '=' || !attribute(&at, end, at[0], &ignored) ||
            mr_span_equal(ignored, MR_SPAN("true"))) {
            return false;
        }
    }
    scram->user = user_of(name, arena);
    const char *as = other.data == NULL ? scram->user : user_of(other, arena);
    if (scram->user == NULL || as == NULL || strcmp(as, scram->user) != 0) {
        return false;
    }
    scram->nonce = mr_arena_copy(arena, nonce.data, nonce.bytes);
    mr_text_init(&scram->auth_message, arena);
    mr_text_add_bytes(&scram->auth_message, bare, (size_t)(end - bare));
    *ret_user = scram->user;
    return true;
}

static void add_base64(mr_text *out, const void *data, size_t bytes) {
    char *to = mr_text_grow(out, (bytes + 2) / 3 * 4 + 1);
    int made = EVP_EncodeBlock((uint8_t *)to, data, (int)bytes);
    out->bytes -= (bytes + 2) / 3 * 4 + 1 - (size_t)made;
}

mr_span mr_scram_challenge(mr_scram *scram, const mr_scram_credential *credential, uint64_t random,
                           mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    scram->nonce = mr_arena_printf(scram->auth_message.arena, "%s%016" PRIx64 "%016" PRIx64,
                                   scram->nonce, random, mr_random_u64(cx->plat));
    mr_text_addf(&out, "r=%s,s=", scram->nonce);
    add_base64(&out, credential->salt.data, credential->salt.bytes);
    mr_text_addf(&out, ",i=%" PRId32, credential->iterations);
    mr_text_add_char(&scram->auth_message, ',');
    mr_text_add_bytes(&scram->auth_message, out.data, out.bytes);
    return mr_text_span(&out);
}

// librdkafka up to 2.1 puts its own part before the whole nonce once more, which Kafka takes up to
// 3.9: what counts is that all of ours comes back, under the proof.
static bool nonce_fits(mr_span nonce, const char *own) {
    size_t bytes = strlen(own);
    return nonce.bytes >= bytes && memcmp(nonce.data + nonce.bytes - bytes, own, bytes) == 0;
}

bool mr_scram_final(mr_scram *scram, mr_span message, const mr_scram_credential *credential,
                    mr_span *ret_answer, mr_cx *cx) {
    const char *at = message.data, *end = message.data + message.bytes;
    mr_span binding, nonce, proof;
    if (!attribute(&at, end, 'c', &binding) || !attribute(&at, end, 'r', &nonce)) {
        return false;
    }
    size_t bare = (size_t)(at - message.data) - 1;  // Without the comma before the proof.
    size_t key_bytes = mr_scram_key_bytes(credential->mechanism);
    uint8_t given[MR_SCRAM_KEY_BYTES_MAX + 8], key[MR_SCRAM_KEY_BYTES_MAX];
    if (!attribute(&at, end, 'p', &proof) || at != end || !nonce_fits(nonce, scram->nonce) ||
        proof.bytes != (key_bytes + 2) / 3 * 4 ||
        EVP_DecodeBlock(given, (const uint8_t *)proof.data, (int)proof.bytes) < (int)key_bytes) {
        return false;
    }
    mr_text_add_char(&scram->auth_message, ',');
    mr_text_add_bytes(&scram->auth_message, message.data, bare);
    hmac(credential->mechanism, credential->stored_key, mr_text_span(&scram->auth_message), key);
    for (size_t i = 0; i < key_bytes; i++) {
        given[i] ^= key[i];  // The client's key, if it is the user.
    }
    hash(credential->mechanism, given, key);
    if (CRYPTO_memcmp(key, credential->stored_key, key_bytes) != 0) {
        return false;
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "v=");
    hmac(credential->mechanism, credential->server_key, mr_text_span(&scram->auth_message), key);
    add_base64(&out, key, key_bytes);
    *ret_answer = mr_text_span(&out);
    return true;
}
