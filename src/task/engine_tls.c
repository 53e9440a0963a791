// Engine, TLS: see engine_tls.h.

#include "task/engine_tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "plat/plat.h"

#define PIECE_BYTES    16384
#define FILE_BYTES_MAX ((uint64_t)4 << 20)
#define SEND_US        ((int64_t)5 * 1000 * 1000)

struct mr_engine_tls {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in;   // From the socket; of the SSL.
    BIO *out;  // To the socket; of the SSL.
};

static const char *reason(void) {
    unsigned long code = ERR_peek_last_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    ERR_clear_error();
    return text == NULL ? "unknown reason" : text;
}

// ---- certificates ----------------------------------------------------------------------------

static bool use_ca(SSL_CTX *context, BIO *bio) {
    bool any = false;
    for (X509 *next; (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;) {
        any = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), next) == 1;
        X509_free(next);
    }
    return any;
}

static bool use_cert(SSL_CTX *context, BIO *bio) {
    X509 *own = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    bool ok = own != NULL && SSL_CTX_use_certificate(context, own) == 1;
    X509_free(own);
    for (X509 *next; ok && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;) {
        ok = SSL_CTX_add0_chain_cert(context, next) == 1;
    }
    return ok;
}

static bool use_key(SSL_CTX *context, BIO *bio) {
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    bool ok = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1 &&
              SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    return ok;
}

static mr_code use_file(SSL_CTX *context, const char *path, bool (*use)(SSL_CTX *, BIO *),
                        mr_cx *cx) {
    mr_span text;
    if (path == NULL) {
        return MR_OK;
    }
    ERR_clear_error();
    if (mr_file_load(path, FILE_BYTES_MAX, &text, cx) != MR_OK) {
        const char *why = mr_arena_string(cx->arena, cx->error.text);
        return mr_fail(cx, MR_E_OPTION,
                       "DOCKER_CERT_PATH names a folder with ca.pem, cert.pem and "
                       "key.pem.",
                       "TLS: %s", why);
    }
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.bytes);
    mr_assert(bio != NULL);
    bool ok = use(context, bio);
    BIO_free(bio);
    const char *why = reason();
    return ok ? MR_OK
              : mr_fail(cx, MR_E_OPTION, "It must be a PEM file.", "TLS cannot use \"%s\": %s",
                        path, why);
}

static mr_code configure(mr_engine_tls *tls, const mr_engine_place *place, mr_cx *cx) {
    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(tls->context, place->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (place->ca == NULL) {
        (void)SSL_CTX_set_default_verify_paths(tls->context);
    }
    MR_TRY(use_file(tls->context, place->ca, use_ca, cx));
    MR_TRY(use_file(tls->context, place->cert, use_cert, cx));
    MR_TRY(use_file(tls->context, place->key, use_key, cx));
    tls->ssl = SSL_new(tls->context);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    mr_assert(tls->ssl != NULL && tls->in != NULL && tls->out != NULL);
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, place->host) != 1) {  // No address: a name.
        (void)SSL_set_tlsext_host_name(tls->ssl, place->host);
        (void)X509_VERIFY_PARAM_set1_host(param, place->host, 0);
    }
    ERR_clear_error();
    return MR_OK;
}

// ---- bytes -----------------------------------------------------------------------------------

static mr_code flush(mr_engine_tls *tls, mr_socket *socket, const mr_socket_limit *limit,
                     mr_cx *cx) {
    char piece[PIECE_BYTES];
    for (int bytes; (bytes = BIO_read(tls->out, piece, sizeof(piece))) > 0;) {
        MR_TRY(mr_socket_send(socket, (mr_span){piece, (size_t)bytes}, limit, cx));
    }
    return MR_OK;
}

static mr_code broken(const mr_engine_tls *tls, const mr_socket *socket, mr_cx *cx) {
    long verdict = SSL_get_verify_result(tls->ssl);
    if (verdict != X509_V_OK && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE) {
        return mr_fail(cx, MR_E_PERMISSION,
                       "DOCKER_CERT_PATH names a folder with the ca.pem that vouches for it.",
                       "the certificate of %s is not trusted: %s", socket->peer,
                       X509_verify_cert_error_string(verdict));
    }
    const char *why = reason();
    return mr_fail(cx, MR_E_PERMISSION,
                   "It may speak plain text (tcp:// without DOCKER_TLS_VERIFY), or want a "
                   "certificate of ours.",
                   "TLS with %s failed: %s", socket->peer, why);
}

// Takes what has come. *ret_any false: nothing.
static mr_code fill(mr_engine_tls *tls, mr_socket *socket, bool *ret_any, mr_cx *cx) {
    char piece[PIECE_BYTES];
    size_t came = 0;
    MR_TRY(mr_socket_receive_some(socket, piece, sizeof(piece), &came, cx));
    if (came > 0) {
        int put = BIO_write(tls->in, piece, (int)came);
        mr_assert(put == (int)came);
    }
    *ret_any = came > 0;
    return MR_OK;
}

static mr_code wait_readable(mr_socket *socket, const mr_socket_limit *limit, mr_cx *cx) {
    mr_socket_event events[] = {
        {.handle = socket->handle, .read = true},
        {.handle = limit->wake == NULL ? -1 : limit->wake->handle, .read = true},
    };
    size_t count = 0;
    int64_t left_us = limit->deadline_us - mr_clock_monotonic_us(cx->plat);
    if (left_us > 0) {
        MR_TRY(mr_socket_wait(events, MR_COUNT(events), left_us, &count, cx));
    }
    if (events[1].readable) {
        return mr_fail(cx, MR_E_CANCELLED, NULL, "asked to end");
    }
    return count > 0
               ? MR_OK
               : mr_error_flag(cx,
                               mr_fail(cx, MR_E_TIMEOUT, NULL,
                                       "%s does not shake hands for TLS in time", socket->peer),
                               MR_RETRY);
}

static mr_code shake(mr_engine_tls *tls, mr_socket *socket, const mr_socket_limit *limit,
                     mr_cx *cx) {
    for (;;) {
        ERR_clear_error();
        int done = SSL_do_handshake(tls->ssl);
        int why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl, done);
        if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ) {
            mr_code code = broken(tls, socket, cx);
            mr_error first = cx->error;
            (void)!flush(tls, socket, limit, cx);  // The alert, for the engine's log.
            cx->error = first;
            return code;
        }
        MR_TRY(flush(tls, socket, limit, cx));
        if (why == SSL_ERROR_NONE) {
            return MR_OK;
        }
        bool any = false;
        MR_TRY(fill(tls, socket, &any, cx));
        if (!any) {
            MR_TRY(wait_readable(socket, limit, cx));
        }
    }
}

mr_code mr_engine_tls_open(const mr_engine_place *place, mr_socket *socket,
                           const mr_socket_limit *limit, mr_engine_tls **ret, mr_cx *cx) {
    mr_engine_tls *tls = mr_heap_alloc(sizeof(*tls));
    *tls = (mr_engine_tls){.context = SSL_CTX_new(TLS_client_method())};
    mr_assert(tls->context != NULL);
    mr_code code = configure(tls, place, cx);
    code = code == MR_OK ? shake(tls, socket, limit, cx) : code;
    if (code != MR_OK) {
        mr_engine_tls_close(tls);
        return code;
    }
    *ret = tls;
    return MR_OK;
}

mr_code mr_engine_tls_send(mr_engine_tls *tls, mr_socket *socket, mr_span data,
                           const mr_socket_limit *limit, mr_cx *cx) {
    while (data.bytes > 0) {
        ERR_clear_error();
        int put = SSL_write(tls->ssl, data.data, (int)MR_MIN(data.bytes, (size_t)PIECE_BYTES));
        if (put <= 0) {  // Memory takes all; renegotiation is none of ours.
            return broken(tls, socket, cx);
        }
        data = (mr_span){data.data + put, data.bytes - (size_t)put};
        MR_TRY(flush(tls, socket, limit, cx));
    }
    return MR_OK;
}

mr_code mr_engine_tls_receive(mr_engine_tls *tls, mr_socket *socket, void *data, size_t bytes,
                              size_t *ret_bytes, mr_cx *cx) {
    *ret_bytes = 0;
    for (;;) {
        ERR_clear_error();
        int got = SSL_read(tls->ssl, data, (int)MR_MIN(bytes, (size_t)1 << 20));
        if (got > 0) {
            *ret_bytes = (size_t)got;
            return MR_OK;
        }
        int why = SSL_get_error(tls->ssl, got);
        if (why == SSL_ERROR_ZERO_RETURN) {
            return mr_error_flag(
                cx, mr_fail(cx, MR_E_NETWORK, NULL, "%s has closed the connection", socket->peer),
                MR_RETRY);
        }
        if (why != SSL_ERROR_WANT_READ) {
            return broken(tls, socket, cx);
        }
        mr_socket_limit limit = {.deadline_us = mr_clock_monotonic_us(cx->plat) + SEND_US};
        MR_TRY(flush(tls, socket, &limit, cx));  // A key's update.
        bool any = false;
        MR_TRY(fill(tls, socket, &any, cx));
        if (!any) {
            return MR_OK;
        }
    }
}

void mr_engine_tls_close(mr_engine_tls *tls) {
    if (tls != NULL) {
        SSL_free(tls->ssl);
        SSL_CTX_free(tls->context);
        mr_heap_free(tls);
    }
}
