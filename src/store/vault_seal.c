// Vault seal: see vault_seal.h.   Also: mr_vault_seal

#include "store/vault_seal.h"

#include <sodium.h>
#include <string.h>

#include "plat/plat.h"

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(MR_VAULT_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a key's size");

// ---- the key ---------------------------------------------------------------------------------

static bool parse_key(mr_span text, mr_vault_key *ret) {
    size_t bytes;
    text = mr_span_trim(text);
    return text.bytes == MR_VAULT_KEY_BYTES * 2 &&
           sodium_hex2bin(ret->bytes, sizeof(ret->bytes), text.data, text.bytes, NULL, &bytes,
                          NULL) == 0 &&
           bytes == MR_VAULT_KEY_BYTES;
}

static mr_code load_key(const char *path, mr_vault_key *ret, mr_cx *cx) {
    mr_span text;
    MR_TRY(mr_file_load(path, 4096, &text, cx));
    return parse_key(text, ret) ? MR_OK
                                : mr_fail(cx, MR_E_VALUE, "Restore it from a copy.",
                                          "\"%s\" holds no key of 64 hexadecimal digits", path);
}

static mr_code make_key(const char *path, mr_cx *cx) {
    char text[MR_VAULT_KEY_BYTES * 2 + 2];
    mr_vault_key key;
    randombytes_buf(key.bytes, sizeof(key.bytes));
    sodium_bin2hex(text, sizeof(text), key.bytes, sizeof(key.bytes));
    text[MR_VAULT_KEY_BYTES * 2] = '\n';
    mr_code code = mr_file_save_first(path, (mr_span){text, MR_VAULT_KEY_BYTES * 2 + 1}, cx);
    sodium_memzero(text, sizeof(text));
    mr_vault_seal_forget(&key);
    return code;
}

mr_code mr_vault_seal_key(const char *data_dir, bool may_make, mr_vault_key *ret, mr_cx *cx) {
    mr_assert(sodium_init() >= 0);
    const char *given = mr_plat_env(cx->plat, "MILLRACE_SECRET_KEY");
    if (given != NULL && given[0] != '\0') {
        if (parse_key(mr_span_of(given), ret)) {
            return MR_OK;
        }
        mr_code code = load_key(given, ret, cx);
        return code == MR_OK
                   ? MR_OK
                   : mr_fail(cx, MR_E_VALUE, "Make one with: openssl rand -hex 32",
                             "MILLRACE_SECRET_KEY is neither 64 hexadecimal digits nor a file "
                             "that holds them");
    }
    const char *path = mr_arena_printf(cx->arena, "%s/flow.key", data_dir);
    if (!mr_file_exists(path, cx)) {
        if (!may_make) {
            return mr_fail(cx, MR_E_MISSING,
                           "Restore the file from a copy, or set MILLRACE_SECRET_KEY; without the "
                           "key, delete what is sealed and give it again.",
                           "\"%s\", the key of the stored secrets, is gone", path);
        }
        MR_TRY(mr_dir_make(data_dir, cx));
        MR_TRY(make_key(path, cx));
    }
    return load_key(path, ret, cx);
}

void mr_vault_seal_forget(mr_vault_key *key) {
    sodium_memzero(key, sizeof(*key));
}

// ---- sealing ---------------------------------------------------------------------------------

mr_span mr_vault_seal(const mr_vault_key *key, const char *label, mr_span plain, mr_arena *arena) {
    size_t bytes = NONCE_BYTES + plain.bytes + TAG_BYTES;
    uint8_t *out = mr_arena_raw(arena, bytes);
    randombytes_buf(out, NONCE_BYTES);
    int done = crypto_aead_xchacha20poly1305_ietf_encrypt(
        out + NONCE_BYTES, NULL, (const uint8_t *)plain.data, plain.bytes, (const uint8_t *)label,
        strlen(label), NULL, out, key->bytes);
    mr_assert(done == 0);
    return (mr_span){(const char *)out, bytes};
}

mr_code mr_vault_seal_open(const mr_vault_key *key, const char *label, mr_span sealed, mr_span *ret,
                           mr_cx *cx) {
    const uint8_t *in = (const uint8_t *)sealed.data;
    if (sealed.bytes >= NONCE_BYTES + TAG_BYTES) {
        size_t bytes = sealed.bytes - NONCE_BYTES - TAG_BYTES;
        char *plain = mr_arena_alloc(cx->arena, bytes + 1);
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(
                (uint8_t *)plain, NULL, NULL, in + NONCE_BYTES, sealed.bytes - NONCE_BYTES,
                (const uint8_t *)label, strlen(label), in, key->bytes) == 0) {
            *ret = (mr_span){plain, bytes};
            return MR_OK;
        }
    }
    return mr_fail(cx, MR_E_CORRUPT,
                   "Is it the key that it was sealed with (flow.key, MILLRACE_SECRET_KEY)?",
                   "the key does not open %s", label);
}

// ---- passwords -------------------------------------------------------------------------------

mr_code mr_vault_seal_password(mr_span password, const char **ret_hash, mr_cx *cx) {
    mr_assert(sodium_init() >= 0);
    char *hash = mr_arena_alloc(cx->arena, crypto_pwhash_STRBYTES);
    if (crypto_pwhash_str(hash, password.data, password.bytes, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
        return mr_fail(cx, MR_E_LIMIT, "It takes 64 MiB of memory.",
                       "the password cannot be hashed");
    }
    *ret_hash = hash;
    return MR_OK;
}

bool mr_vault_seal_matches(const char *hash, mr_span password) {
    mr_assert(sodium_init() >= 0);
    return crypto_pwhash_str_verify(hash, password.data, password.bytes) == 0;
}
