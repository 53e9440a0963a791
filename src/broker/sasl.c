// Sasl: handshake, exchange of tokens, end of a session; see sasl.h.

#include "broker/sasl.h"

#include <string.h>

const char *const mr_sasl_mechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", NULL};

void mr_sasl_begin(mr_sasl_session *session, bool sasl) {
    *session = (mr_sasl_session){.phase = sasl ? MR_SASL_HANDSHAKE : MR_SASL_OFF};
}

void mr_sasl_end(mr_sasl_session *session) {
    mr_arena_release(&session->arena);
    mr_heap_free(session->principal);
    session->principal = NULL;
}

bool mr_sasl_lets(const mr_sasl_session *session, int16_t key, int64_t now_us) {
    switch (session->phase) {
    case MR_SASL_OFF: return true;
    case MR_SASL_HANDSHAKE:
        return key == MR_KEY_sasl_handshake || (key == MR_KEY_api_versions && !session->again);
    case MR_SASL_TOKENS: return key == MR_KEY_sasl_authenticate;
    case MR_SASL_DONE:
        return session->expires_us == 0 || now_us < session->expires_us ||
               key == MR_KEY_sasl_handshake;
    case MR_SASL_FAILED: return false;
    }
    return false;
}

int16_t mr_sasl_choose(mr_sasl_session *session, mr_span mechanism, int16_t version) {
    int scram = mr_scram_mechanism_of(mechanism);
    if (session->phase != MR_SASL_HANDSHAKE && session->phase != MR_SASL_DONE) {
        return MR_KAFKA_ILLEGAL_SASL_STATE;
    }
    session->again = session->phase == MR_SASL_DONE;
    if (scram == 0 && !mr_span_is(mechanism, "PLAIN")) {
        session->phase = MR_SASL_FAILED;
        return MR_KAFKA_UNSUPPORTED_SASL_MECHANISM;
    }
    if (session->again && scram != session->mechanism) {
        session->phase = MR_SASL_FAILED;  // Kafka: a session keeps its mechanism.
        return MR_KAFKA_ILLEGAL_SASL_STATE;
    }
    session->mechanism = scram;
    session->raw = version == 0;
    session->phase = MR_SASL_TOKENS;
    mr_arena_release(&session->arena);
    session->scram = (mr_scram){.mechanism = (mr_scram_mechanism)scram};
    session->known = false;
    return MR_KAFKA_NONE;
}

static mr_sasl_result failed(mr_sasl_session *session, const char *reason) {
    session->phase = MR_SASL_FAILED;
    return (mr_sasl_result){.error = MR_KAFKA_SASL_AUTHENTICATION_FAILED, .reason = reason};
}

const char *mr_sasl_user(mr_sasl_session *session) {
    const char *user = session->scram.user;
    return user == NULL ? "" : mr_arena_printf(&session->arena, ", user \"%s\"", user);
}

static const char *scram_reason(const mr_sasl_session *session, mr_cx *cx) {
    return mr_arena_printf(
        cx->arena,
        "Authentication failed during authentication due to invalid credentials with SASL "
        "mechanism %s",
        mr_scram_name((mr_scram_mechanism)session->mechanism));
}

static mr_sasl_result done(mr_sasl_session *session, mr_access *access, mr_span user, mr_cx *cx) {
    mr_text principal;
    mr_text_init(&principal, /* arena= */ NULL);
    mr_text_addf(&principal, "User:%.*s", MR_SPAN_ARGS(user));
    if (session->again && strcmp(principal.data, session->principal) != 0) {
        mr_text_release(&principal);
        return failed(session, "Cannot change principals during re-authentication");
    }
    mr_heap_free(session->principal);
    session->principal = principal.data;
    session->phase = MR_SASL_DONE;
    int64_t life_us = mr_access_reauth_us(access);
    session->expires_us = life_us == 0 ? 0 : mr_clock_monotonic_us(cx->plat) + life_us;
    mr_arena_release(&session->arena);
    return (mr_sasl_result){.answer = MR_SPAN(""), .lifetime_ms = life_us / 1000};
}

// authorization id NUL user NUL password (RFC 4616).
static mr_sasl_result plain(mr_sasl_session *session, mr_access *access, mr_span token, mr_cx *cx) {
    mr_span parts[3];
    const char *at = token.data, *end = token.data + token.bytes;
    for (int p = 0; p < 3; p++) {
        const char *stop = p < 2 ? memchr(at, '\0', (size_t)(end - at)) : end;
        if (stop == NULL) {
            return failed(session, "Authentication failed: token is not a PLAIN message");
        }
        parts[p] = (mr_span){at, (size_t)(stop - at)};
        at = p < 2 ? stop + 1 : end;
    }
    mr_span as = parts[0], user = parts[1], password = parts[2];
    if (user.bytes == 0 || password.bytes == 0 ||
        memchr(password.data, '\0', password.bytes) != NULL) {
        return failed(session, "Authentication failed: user or password not specified");
    }
    session->scram.user = mr_arena_copy(&session->arena, user.data, user.bytes);
    if (as.bytes > 0 && !mr_span_equal(as, user)) {
        return failed(session, "Authentication failed: Client requested an authorization id that "
                               "is different from username");
    }
    return mr_access_password(access, user, password, cx)
               ? done(session, access, user, cx)
               : failed(session, "Authentication failed: Invalid username or password");
}

static mr_sasl_result scram_first(mr_sasl_session *session, mr_access *access, mr_span token,
                                  mr_cx *cx) {
    const char *user;
    if (!mr_scram_first(&session->scram, token, &user, &session->arena)) {
        return failed(session, scram_reason(session, cx));
    }
    session->known = mr_access_credential(access, mr_span_of(user), session->scram.mechanism,
                                          &session->credential, &(mr_cx){.arena = &session->arena});
    if (!session->known) {
        return failed(session, scram_reason(session, cx));  // As Kafka: at once.
    }
    return (mr_sasl_result){.answer = mr_scram_challenge(&session->scram, &session->credential,
                                                         mr_random_u64(cx->plat), cx)};
}

mr_sasl_result mr_sasl_token(mr_sasl_session *session, mr_access *access, mr_span token,
                             mr_cx *cx) {
    if (session->phase != MR_SASL_TOKENS) {
        return (mr_sasl_result){
            .error = MR_KAFKA_ILLEGAL_SASL_STATE,
            .reason = "SaslAuthenticate request received after successful authentication",
        };
    }
    if (session->mechanism == 0) {
        return plain(session, access, token, cx);
    }
    if (session->scram.step++ == 0) {
        return scram_first(session, access, token, cx);
    }
    mr_span answer;
    if (!mr_scram_final(&session->scram, token, &session->credential, &answer, cx)) {
        return failed(session, scram_reason(session, cx));
    }
    mr_sasl_result result = done(session, access, mr_span_of(session->scram.user), cx);
    if (result.error == MR_KAFKA_NONE) {
        result.answer = answer;
    }
    return result;
}
