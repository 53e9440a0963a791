// Tls: TLS of a connection, over bytes that somebody else sends and receives; see tls.h.

#include "broker/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include "broker/principal.h"

#define PIECE_BYTES    16384  // A record of TLS.
#define FILE_BYTES_MAX ((uint64_t)1 << 20)

struct mr_tls_context {
    SSL_CTX *ssl;
    mr_principal_rules *rules;
};

struct mr_tls {
    const mr_tls_context *context;
    SSL *ssl;
    BIO *in;          // From the socket; of the SSL.
    BIO *out;         // To the socket; of the SSL.
    mr_text pending;  // Taken from `out`, not yet with the socket.
    size_t sent;      // Of pending.
};

static const char *reason(void) {
    unsigned long code = ERR_peek_last_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    ERR_clear_error();
    return text == NULL ? "unknown reason" : text;
}

// Files are read by plat; OpenSSL sees memory only.
static BIO *file_bio(const char *path, mr_cx *cx) {
    mr_span text;
    if (mr_file_load(path, FILE_BYTES_MAX, &text, cx) != MR_OK) {
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.bytes);
    mr_assert(bio != NULL);
    return bio;
}

// In place of OpenSSL's own, which asks for the pass phrase on the terminal.
static int no_pass_phrase(char *buffer, int bytes, int writing, void *encrypted) {
    (void)buffer, (void)bytes, (void)writing;
    *(bool *)encrypted = true;
    return -1;
}

static X509 *read_certificate(BIO *bio) {
    bool encrypted;
    return PEM_read_bio_X509(bio, NULL, no_pass_phrase, &encrypted);
}

// What use_file takes: NULL, or why a file cannot be used.
typedef const char *tls_use(SSL_CTX *ssl, BIO *bio);

// Takes them one by one to the end of the file; one that is damaged is an error.
static bool each_certificate(SSL_CTX *ssl, BIO *bio, bool (*take)(SSL_CTX *ssl, X509 *one)) {
    bool any = false;
    for (X509 *one; (one = read_certificate(bio)) != NULL; any = true) {
        bool ok = take(ssl, one);
        X509_free(one);
        if (!ok) {
            return false;
        }
    }
    return any && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

// Own certificate first, then those that vouch for it.
static bool take_chain(SSL_CTX *ssl, X509 *one) {
    return SSL_CTX_get0_certificate(ssl) == NULL ? SSL_CTX_use_certificate(ssl, one) == 1
                                                 : SSL_CTX_add1_chain_cert(ssl, one) == 1;
}

static const char *use_chain(SSL_CTX *ssl, BIO *bio) {
    return each_certificate(ssl, bio, take_chain) ? NULL : reason();
}

static const char *use_key(SSL_CTX *ssl, BIO *bio) {
    bool encrypted = false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, &encrypted);
    bool ok =
        key != NULL && SSL_CTX_use_PrivateKey(ssl, key) == 1 && SSL_CTX_check_private_key(ssl) == 1;
    EVP_PKEY_free(key);
    return ok          ? NULL
           : encrypted ? "it is encrypted, and the broker has no pass phrase (openssl pkey -in … "
                         "-out … takes it off)"
                       : reason();
}

static bool take_client_ca(SSL_CTX *ssl, X509 *one) {
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl), one) == 1 &&
           SSL_CTX_add_client_CA(ssl, one) == 1;
}

static const char *use_client_ca(SSL_CTX *ssl, BIO *bio) {
    return each_certificate(ssl, bio, take_client_ca) ? NULL : reason();
}

static mr_code use_file(SSL_CTX *ssl, const char *path, tls_use *use, mr_cx *cx) {
    ERR_clear_error();
    BIO *bio = path == NULL ? NULL : file_bio(path, cx);
    const char *why = bio != NULL    ? use(ssl, bio)
                      : path == NULL ? "no file is named"
                                     : mr_arena_string(cx->arena, cx->error.text);
    BIO_free(bio);
    ERR_clear_error();
    return why == NULL ? MR_OK
                       : mr_fail(cx, MR_E_OPTION, "It must be a readable PEM file.",
                                 "TLS cannot use \"%s\": %s", path == NULL ? "" : path, why);
}

static mr_code configure(SSL_CTX *ssl, const mr_tls_options *options, mr_cx *cx) {
    static const unsigned char id[] = "millrace";  // Without one sessions are not resumed.
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_id_context(ssl, id, sizeof(id) - 1);
    MR_TRY(use_file(ssl, options->certificate, use_chain, cx));
    MR_TRY(use_file(ssl, options->key, use_key, cx));
    if (options->client_ca == NULL) {
        return MR_OK;
    }
    int strict = options->client_is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | strict, /* callback= */ NULL);
    return use_file(ssl, options->client_ca, use_client_ca, cx);
}

mr_code mr_tls_context_open(const mr_tls_options *options, mr_tls_context **ret, mr_cx *cx) {
    mr_tls_context *context = mr_heap_alloc(sizeof(mr_tls_context));
    context->ssl = SSL_CTX_new(TLS_server_method());
    mr_assert(context->ssl != NULL);
    mr_code code = configure(context->ssl, options, cx);
    code = code == MR_OK ? mr_principal_rules_open(options->principal_rules, &context->rules, cx)
                         : code;
    if (code != MR_OK) {
        mr_tls_context_close(context);
        return code;
    }
    *ret = context;
    return MR_OK;
}

void mr_tls_context_close(mr_tls_context *context) {
    if (context != NULL) {
        SSL_CTX_free(context->ssl);
        mr_principal_rules_close(context->rules);
        mr_heap_free(context);
    }
}

mr_tls *mr_tls_new(mr_tls_context *context, bool who_else) {
    mr_tls *tls = mr_heap_alloc(sizeof(*tls));
    tls->context = context;
    tls->ssl = SSL_new(context->ssl);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    mr_assert(tls->ssl != NULL && tls->in != NULL && tls->out != NULL);
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    if (who_else) {
        // A session that was begun here without a certificate must not be gone on with where one is
        // asked for.
        static const unsigned char id[] = "millrace-sasl";
        SSL_set_session_id_context(tls->ssl, id, sizeof(id) - 1);
        SSL_set_verify(tls->ssl, SSL_VERIFY_NONE, /* callback= */ NULL);
    }
    SSL_set_accept_state(tls->ssl);
    mr_text_init(&tls->pending, /* arena= */ NULL);
    return tls;
}

void mr_tls_free(mr_tls *tls) {
    if (tls != NULL) {
        SSL_free(tls->ssl);
        mr_text_release(&tls->pending);
        mr_heap_free(tls);
    }
}

// Who a certificate is of, as Java prints it (RFC 2253), which is Kafka's principal.
static const char *subject(const X509 *certificate, mr_arena *arena) {
    BIO *text = BIO_new(BIO_s_mem());
    char *data = NULL;
    // Letters beyond ASCII stay as they are.
    (void)X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0,
                             XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    long bytes = BIO_get_mem_data(text, &data);
    const char *name = mr_arena_copy(arena, data, (size_t)bytes);
    BIO_free(text);
    return name;
}

// What the client, or its certificate, has done.
static mr_code broken(const mr_tls *tls, const mr_socket *socket, mr_cx *cx) {
    int code = ERR_GET_REASON(ERR_peek_last_error());
    const char *why = reason();
    long verdict = SSL_get_verify_result(tls->ssl);
    const char *hint = "The client may speak another protocol; check its security.protocol.";
    if (verdict != X509_V_OK) {
        X509 *certificate = SSL_get1_peer_certificate(tls->ssl);
        const char *of = certificate == NULL ? "" : subject(certificate, cx->arena);
        why = mr_arena_printf(cx->arena, "its certificate%s%s%s is refused: %s", *of ? " \"" : "",
                              of, *of ? "\"" : "", X509_verify_cert_error_string(verdict));
        hint = "It must be valid now, and signed by one of broker.tls_client_ca.";
        X509_free(certificate);
    } else if (code == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        why = "it shows no certificate";
        hint = "Give the client one (ssl.keystore.location), or unset broker.tls_client_required.";
    } else if (code >= SSL_AD_REASON_OFFSET) {
        hint = "The client does not accept the broker's certificate or its versions of TLS.";
    }
    return mr_fail(cx, MR_E_CORRUPT, hint, "TLS with %s failed: %s", socket->peer, why);
}

bool mr_tls_has_more(const mr_tls *tls) {
    return SSL_pending(tls->ssl) > 0 || BIO_pending(tls->in) > 0;
}

bool mr_tls_wants_write(const mr_tls *tls) {
    return tls->sent < tls->pending.bytes || BIO_pending(tls->out) > 0;
}

mr_code mr_tls_flush(mr_tls *tls, mr_socket *socket, mr_cx *cx) {
    for (;;) {
        if (tls->sent == tls->pending.bytes) {
            mr_text_clear(&tls->pending);
            tls->sent = 0;
            size_t waiting = (size_t)BIO_pending(tls->out);
            if (waiting == 0) {
                mr_text_release(&tls->pending);  // An idle connection keeps no memory.
                mr_text_init(&tls->pending, /* arena= */ NULL);
                return MR_OK;
            }
            char *to = mr_text_grow(&tls->pending, waiting);
            int taken = BIO_read(tls->out, to, (int)waiting);
            mr_assert(taken == (int)waiting);
        }
        size_t sent = 0;
        mr_span rest = {tls->pending.data + tls->sent, tls->pending.bytes - tls->sent};
        MR_TRY(mr_socket_send_some(socket, rest, &sent, cx));
        if (sent == 0) {
            return MR_OK;
        }
        tls->sent += sent;
    }
}

mr_code mr_tls_receive_some(mr_tls *tls, mr_socket *socket, void *data, size_t bytes,
                            size_t *ret_bytes, mr_cx *cx) {
    char piece[PIECE_BYTES];
    *ret_bytes = 0;
    while (*ret_bytes < bytes) {
        ERR_clear_error();
        int got = SSL_read(tls->ssl, (char *)data + *ret_bytes,
                           (int)MR_MIN(bytes - *ret_bytes, (size_t)1 << 30));
        int why = got > 0 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, got);
        MR_TRY(mr_tls_flush(tls, socket, cx));
        if (got > 0) {
            *ret_bytes += (size_t)got;
            continue;
        }
        if (why != SSL_ERROR_WANT_READ) {
            bool over = why == SSL_ERROR_ZERO_RETURN;
            return *ret_bytes > 0 ? MR_OK
                   : over         ? mr_fail(cx, MR_E_NETWORK, NULL, "%s has closed", socket->peer)
                                  : broken(tls, socket, cx);
        }
        size_t came = 0;
        mr_code code = mr_socket_receive_some(socket, piece, sizeof(piece), &came, cx);
        if (code != MR_OK || came == 0) {
            return *ret_bytes > 0 ? MR_OK : code;  // Its end is met once more.
        }
        int put = BIO_write(tls->in, piece, (int)came);
        mr_assert(put == (int)came);
    }
    return MR_OK;
}

mr_code mr_tls_send_some(mr_tls *tls, mr_socket *socket, mr_span data, size_t *ret_bytes,
                         mr_cx *cx) {
    *ret_bytes = 0;
    MR_TRY(mr_tls_flush(tls, socket, cx));
    while (*ret_bytes < data.bytes && !mr_tls_wants_write(tls)) {
        ERR_clear_error();
        size_t most = MR_MIN(data.bytes - *ret_bytes, (size_t)PIECE_BYTES);
        int put = SSL_write(tls->ssl, data.data + *ret_bytes, (int)most);
        if (put <= 0) {
            int why = SSL_get_error(tls->ssl, put);
            return why == SSL_ERROR_WANT_READ ? MR_OK : broken(tls, socket, cx);
        }
        *ret_bytes += (size_t)put;
        MR_TRY(mr_tls_flush(tls, socket, cx));
    }
    return MR_OK;
}

mr_code mr_tls_principal(const mr_tls *tls, const char **ret, mr_cx *cx) {
    X509 *certificate = SSL_get1_peer_certificate(tls->ssl);
    if (certificate == NULL) {
        *ret = NULL;
        return MR_OK;
    }
    const char *name = subject(certificate, cx->arena);
    X509_free(certificate);
    const char *who = mr_principal_rules_apply(tls->context->rules, name, cx->arena);
    if (who == NULL) {
        return mr_fail(cx, MR_E_PERMISSION, "A DEFAULT behind the rules would let it in.",
                       "no rule of tls_principal_mapping_rules fits its certificate's name \"%s\"",
                       name);
    }
    *ret = mr_arena_printf(cx->arena, "User:%s", who);
    return MR_OK;
}
