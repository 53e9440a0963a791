// Api access: SaslHandshake, SaslAuthenticate, DescribeUserScramCredentials,
// AlterUserScramCredentials, DescribeAcls, CreateAcls, DeleteAcls.
//
// Also: mr_api_

#include <stdlib.h>
#include <string.h>

#include "broker/access.h"
#include "broker/answer.h"
#include "broker/api.h"
#include "broker/sasl.h"
#include "broker/session.h"

#define FAILED_DELAY_US 100000  // connection.failed.authentication.delay.ms

// ---- SASL -------------------------------------------------------------------------------------

void mr_api_sasl_handshake(mr_call *call, mr_cx *cx) {
    const mr_wire_sasl_handshake_request *q = call->request;
    mr_wire_sasl_handshake_response *r = call->response;
    r->error_code = mr_sasl_choose(mr_client_sasl(call->client), q->mechanism, call->head.version);
    call->hang_up = r->error_code == MR_KAFKA_UNSUPPORTED_SASL_MECHANISM;
    r->mechanisms = MR_NEW_ARRAY(cx->arena, mr_span, 3);
    for (; mr_sasl_mechanisms[r->mechanisms_count] != NULL; r->mechanisms_count++) {
        r->mechanisms[r->mechanisms_count] = mr_span_of(mr_sasl_mechanisms[r->mechanisms_count]);
    }
}

// The answer waited, so that passwords cannot be tried quickly.
static void sasl_failed(mr_call *call, mr_cx *cx) {
    (void)cx;
    call->hang_up = true;
}

void mr_api_sasl_authenticate(mr_call *call, mr_cx *cx) {
    const mr_wire_sasl_authenticate_request *q = call->request;
    mr_wire_sasl_authenticate_response *r = call->response;
    mr_sasl_session *session = mr_client_sasl(call->client);
    mr_sasl_result result =
        mr_sasl_token(session, mr_broker_access(call->broker), q->auth_bytes, cx);
    r->error_code = result.error;
    r->error_message = mr_answer_nullable(result.reason);
    r->auth_bytes = result.answer.data == NULL ? MR_SPAN("") : result.answer;
    r->session_lifetime_ms = result.lifetime_ms;
    mr_client_named(call->client);
    if (result.error == MR_KAFKA_SASL_AUTHENTICATION_FAILED) {
        const char *host = mr_client_host(call->client);
        const char *why =
            mr_arena_printf(cx->arena, "%s: %s", mr_sasl_user(session), result.reason);
        mr_broker_say_of(call->broker, host, why, "%s%s", host, why);
        mr_call_park(call, call->received_us + FAILED_DELAY_US, sasl_failed);
    }
}

// ---- SCRAM credentials ------------------------------------------------------------------------

static bool may_cluster(const mr_call *call, mr_operation operation) {
    return mr_call_may(call, operation, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER);
}

static mr_wire_describe_user_scram_credentials_found
scram_found(const mr_access_stored *all, uint32_t count, mr_span user, mr_cx *cx) {
    mr_wire_describe_user_scram_credentials_found found = {.user = user};
    found.credential_infos =
        MR_NEW_ARRAY(cx->arena, mr_wire_describe_user_scram_credentials_credential, 2);
    for (uint32_t i = 0; i < count; i++) {
        if (mr_span_is(user, all[i].user)) {
            found.credential_infos[found.credential_infos_count++] =
                (mr_wire_describe_user_scram_credentials_credential){
                    (int8_t)all[i].credential.mechanism, all[i].credential.iterations};
        }
    }
    return found;
}

static void scram_add(mr_wire_describe_user_scram_credentials_response *r,
                      const mr_access_stored *all, uint32_t count, mr_span user, mr_cx *cx) {
    r->results[r->results_count++] = scram_found(all, count, user, cx);
}

void mr_api_describe_user_scram_credentials(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_user_scram_credentials_request *q = call->request;
    mr_wire_describe_user_scram_credentials_response *r = call->response;
    if (!may_cluster(call, MR_OPERATION_DESCRIBE)) {
        r->error_code = MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        r->error_message = mr_span_of(mr_kafka_error_text(r->error_code));
        return;
    }
    uint32_t count = 0;
    mr_access_stored *all = mr_access_list(mr_broker_access(call->broker), &count, cx);
    size_t most = MR_MAX((size_t)MR_MAX(0, q->users_count), (size_t)count);
    r->results = MR_NEW_ARRAY(cx->arena, mr_wire_describe_user_scram_credentials_found, most);
    if (q->users_count <= 0) {
        for (uint32_t u = 0; u < count; u++) {
            if (u == 0 || strcmp(all[u].user, all[u - 1].user) != 0) {
                scram_add(r, all, count, mr_span_of(all[u].user), cx);
            }
        }
        return;
    }
    for (int32_t u = 0; u < q->users_count; u++) {
        mr_span user = q->users[u].name;
        int32_t same = 0, before = 0;
        for (int32_t o = 0; o < q->users_count; o++) {
            bool equal = mr_span_equal(q->users[o].name, user);
            same += equal;
            before += equal && o < u;
        }
        if (before > 0) {
            continue;
        }
        scram_add(r, all, count, user, cx);
        mr_wire_describe_user_scram_credentials_found *found = &r->results[r->results_count - 1];
        if (same > 1) {
            found->error_code = MR_KAFKA_DUPLICATE_RESOURCE;
            found->error_message =
                mr_span_of(mr_arena_printf(cx->arena,
                                           "Cannot describe SCRAM credentials for "
                                           "the same user twice in a single request: "
                                           "%.*s",
                                           MR_SPAN_ARGS(user)));
            found->credential_infos_count = 0;
        } else if (found->credential_infos_count == 0) {
            found->error_code = MR_KAFKA_RESOURCE_NOT_FOUND;
            found->error_message = mr_span_of(mr_arena_printf(
                cx->arena, "Attempt to describe a user credential that does not exist: %.*s",
                MR_SPAN_ARGS(user)));
        }
    }
}

// One change of a request, on its way.
typedef struct scram_change {
    mr_span user;
    int8_t mechanism;
    const mr_wire_alter_user_scram_credentials_upsertion *upsertion;  // NULL: it goes.
    mr_outcome outcome;
} scram_change;

static mr_outcome scram_refused(int16_t error, const char *reason) {
    return (mr_outcome){error, reason};
}

static mr_outcome scram_check(const scram_change *change, mr_access *access, mr_cx *cx) {
    if (change->user.bytes == 0) {
        return scram_refused(MR_KAFKA_UNACCEPTABLE_CREDENTIAL, "Username must not be empty");
    }
    if (change->mechanism != MR_SCRAM_SHA_256 && change->mechanism != MR_SCRAM_SHA_512) {
        return scram_refused(MR_KAFKA_UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism");
    }
    if (change->upsertion == NULL) {
        uint32_t count = 0;
        mr_access_stored *all = mr_access_list(access, &count, cx);
        for (uint32_t u = 0; u < count; u++) {
            if (mr_span_is(change->user, all[u].user) &&
                (int)all[u].credential.mechanism == change->mechanism) {
                return scram_refused(MR_KAFKA_NONE, NULL);
            }
        }
        return scram_refused(MR_KAFKA_RESOURCE_NOT_FOUND,
                             "Attempt to delete a user credential that does not exist");
    }
    if (change->upsertion->iterations < MR_SCRAM_ITERATIONS_MIN) {
        return scram_refused(MR_KAFKA_UNACCEPTABLE_CREDENTIAL, "Too few iterations");
    }
    if (change->upsertion->iterations > MR_SCRAM_ITERATIONS_MAX) {
        return scram_refused(MR_KAFKA_UNACCEPTABLE_CREDENTIAL, "Too many iterations");
    }
    // As in Kafka a salted password of another length is taken: it just fits no password.
    if (change->upsertion->salt.bytes == 0 || change->upsertion->salted_password.bytes == 0 ||
        memchr(change->user.data, '\0', change->user.bytes) != NULL) {
        return scram_refused(MR_KAFKA_UNACCEPTABLE_CREDENTIAL,
                             "Username, salt or salted password cannot be stored");
    }
    return scram_refused(MR_KAFKA_NONE, NULL);
}

static uint32_t scram_read(const mr_wire_alter_user_scram_credentials_request *q,
                           scram_change **ret, mr_cx *cx) {
    uint32_t count = 0;
    size_t most = (size_t)MR_MAX(0, q->deletions_count) + (size_t)MR_MAX(0, q->upsertions_count);
    scram_change *changes = MR_NEW_ARRAY(cx->arena, scram_change, most);
    for (int32_t d = 0; d < q->deletions_count; d++) {
        changes[count++] = (scram_change){
            q->deletions[d].name, q->deletions[d].mechanism, NULL, {MR_KAFKA_NONE, NULL}};
    }
    for (int32_t u = 0; u < q->upsertions_count; u++) {
        changes[count++] = (scram_change){q->upsertions[u].name,
                                          q->upsertions[u].mechanism,
                                          &q->upsertions[u],
                                          {MR_KAFKA_NONE, NULL}};
    }
    *ret = changes;
    return count;
}

// A user fails as a whole: what is told of it is its first error.
static mr_outcome scram_outcome(const scram_change *changes, uint32_t count, mr_span user) {
    mr_outcome outcome = {MR_KAFKA_NONE, NULL};
    for (uint32_t c = 0; c < count && outcome.error == MR_KAFKA_NONE; c++) {
        if (mr_span_equal(changes[c].user, user)) {
            outcome = changes[c].outcome;
        }
    }
    return outcome;
}

static mr_code scram_store(mr_call *call, const scram_change *changes, uint32_t count, mr_cx *cx) {
    mr_access_stored *stored = MR_NEW_ARRAY(cx->arena, mr_access_stored, count);
    uint32_t stored_count = 0;
    for (uint32_t c = 0; c < count; c++) {
        if (scram_outcome(changes, count, changes[c].user).error != MR_KAFKA_NONE) {
            continue;
        }
        mr_access_stored *to = &stored[stored_count++];
        to->user = mr_arena_copy(cx->arena, changes[c].user.data, changes[c].user.bytes);
        to->credential.mechanism = (mr_scram_mechanism)changes[c].mechanism;
        if (changes[c].upsertion != NULL) {
            to->credential.iterations = changes[c].upsertion->iterations;
            to->credential.salt = changes[c].upsertion->salt;
            mr_scram_derive(changes[c].upsertion->salted_password, &to->credential);
        }
    }
    return stored_count == 0
               ? MR_OK
               : mr_access_store(mr_broker_access(call->broker), stored, stored_count, cx);
}

void mr_api_alter_user_scram_credentials(mr_call *call, mr_cx *cx) {
    mr_wire_alter_user_scram_credentials_response *r = call->response;
    scram_change *changes;
    uint32_t count = scram_read(call->request, &changes, cx);
    bool may = may_cluster(call, MR_OPERATION_ALTER);
    for (uint32_t c = 0; c < count; c++) {
        changes[c].outcome = may ? scram_check(&changes[c], mr_broker_access(call->broker), cx)
                                 : scram_refused(MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED, NULL);
        for (uint32_t o = 0; o < c && may; o++) {
            if (mr_span_equal(changes[o].user, changes[c].user)) {
                changes[c].outcome =
                    scram_refused(MR_KAFKA_DUPLICATE_RESOURCE,
                                  "A user credential cannot be altered twice in the same request");
                changes[o].outcome = changes[c].outcome;
            }
        }
    }
    mr_outcome trouble = {MR_KAFKA_NONE, NULL};
    if (scram_store(call, changes, count, cx) != MR_OK) {
        trouble =
            scram_refused(MR_KAFKA_KAFKA_STORAGE_ERROR, mr_arena_string(cx->arena, cx->error.text));
    }
    r->results = MR_NEW_ARRAY(cx->arena, mr_wire_alter_user_scram_credentials_done, count);
    for (uint32_t c = 0; c < count; c++) {
        bool told = false;
        for (uint32_t o = 0; o < c; o++) {
            told = told || mr_span_equal(changes[o].user, changes[c].user);
        }
        if (!told) {
            mr_outcome outcome = scram_outcome(changes, count, changes[c].user);
            outcome = outcome.error == MR_KAFKA_NONE ? trouble : outcome;
            r->results[r->results_count++] = (mr_wire_alter_user_scram_credentials_done){
                changes[c].user, outcome.error, mr_answer_reason(outcome)};
        }
    }
}
