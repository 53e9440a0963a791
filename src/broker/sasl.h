// Sasl: how a connection comes to be somebody: handshake, exchange of tokens, end of a session.
//
// How: a connection on a listener with SASL begins in MR_SASL_HANDSHAKE. SaslHandshake names the
// mechanism; then come tokens, in SaslAuthenticate (handshake version 1) or as bare frames
// (version 0). Until that is done nothing but ApiVersions is answered, as in Kafka. With a session
// lifetime a client authenticates once more on the same connection before it ends (KIP-368).
// Threads: a session belongs to its connection's.

#pragma once

#include "broker/access.h"

typedef enum mr_sasl_phase {
    MR_SASL_OFF,        // The listener has no SASL.
    MR_SASL_HANDSHAKE,  // Wants a mechanism.
    MR_SASL_TOKENS,     // Wants tokens.
    MR_SASL_DONE,
    MR_SASL_FAILED,  // Is closed after its answer.
} mr_sasl_phase;

typedef struct mr_sasl_session {
    mr_sasl_phase phase;
    bool raw;            // Tokens come as bare frames.
    bool again;          // A further authentication on this connection.
    int mechanism;       // 0 = PLAIN, else a mr_scram_mechanism.
    char *principal;     // Heap; NULL before the first one is done.
    int64_t expires_us;  // Monotonic; 0 = never.
    mr_arena arena;      // Of the exchange that is under way.
    mr_scram scram;
    mr_scram_credential credential;
    bool known;  // The user has a credential.
} mr_sasl_session;

void mr_sasl_begin(mr_sasl_session *session, bool sasl);
void mr_sasl_end(mr_sasl_session *session);

// Whether a request may be handled now. Others end the connection.
bool mr_sasl_lets(const mr_sasl_session *session, int16_t key, int64_t now_us);
// The mechanisms that are on; NULL ends them.
extern const char *const mr_sasl_mechanisms[];
// A mechanism is chosen.  ret  a mr_kafka_error
int16_t mr_sasl_choose(mr_sasl_session *session, mr_span mechanism, int16_t version);
typedef struct mr_sasl_result {
    int16_t error;       // SASL_AUTHENTICATION_FAILED, ILLEGAL_SASL_STATE, NONE
    const char *reason;  // What the client is told; in cx->arena.
    mr_span answer;      // In cx->arena.
    int64_t lifetime_ms;
} mr_sasl_result;
// Who the exchange that is under way, or has failed, is about, in quotes, for the log; "" before it
// has said so. In the session's arena.
const char *mr_sasl_user(mr_sasl_session *session);
// A token came.
mr_sasl_result mr_sasl_token(mr_sasl_session *session, mr_access *access, mr_span token, mr_cx *cx);
