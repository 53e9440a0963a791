// Dispatch: from a request's frame to its handler, and from the response to a frame.
//
// What is refused here (a key or version that is not served, a damaged message) ends the
// connection, as in Kafka: a client that says such things has not understood what we are. The one
// exception is ApiVersions itself, whose unknown versions are answered in the oldest form
// (KIP-511).

#include "broker/inside.h"
#include "broker/session.h"

#define DECODE_BYTES_LEAST ((size_t)1 << 20)
#define DECODE_BYTES_MOST  ((size_t)256 << 20)
#define DECODE_BYTES_EACH  32  // Of memory for arrays, for a byte of the frame.

bool mr_dispatch_peek(mr_span frame, int16_t *ret_key) {
    if (frame.bytes < 2) {
        return false;
    }
    *ret_key = (int16_t)((uint16_t)(uint8_t)frame.data[0] << 8 | (uint8_t)frame.data[1]);
    return true;
}

// Who sent a frame whose version the tables do not have: the id is at the same place in all.
static mr_span client_of(mr_span rest) {
    if (rest.bytes < 2) {
        return (mr_span){NULL, 0};
    }
    int length = (int16_t)((uint16_t)(uint8_t)rest.data[0] << 8 | (uint8_t)rest.data[1]);
    bool there = length > 0 && (size_t)length <= MR_MIN(rest.bytes - 2, 100);
    return there ? (mr_span){rest.data + 2, (size_t)length} : (mr_span){NULL, 0};
}

static mr_code not_served(const mr_call *call, const mr_api *api, mr_span rest, mr_cx *cx) {
    const mr_wire_head *head = &call->head;
    mr_span client = head->client_id.data != NULL ? head->client_id : client_of(rest);
    const mr_wire_api *wire = mr_wire_find(head->key);
    const char *name = api != NULL ? api->name : wire != NULL ? wire->name : "an unknown request";
    const char *hint = api != NULL && head->version < api->version_max
                           ? "The client is too old: Kafka 4 does not take such requests either."
                           : "The client asks for what it was not offered.";
    return mr_fail(cx, MR_E_UNSUPPORTED, hint,
                   "%s (key %d) of version %d is not served; client \"%.*s\"", name, head->key,
                   head->version, MR_SPAN_ARGS(client));
}

// ---- tokens of SASL that come as bare frames (handshake of version 0) --------------------------

bool mr_dispatch_wants_token(const mr_client *client) {
    return client->sasl.phase == MR_SASL_TOKENS && client->sasl.raw;
}

static void token_step(mr_call *call, mr_cx *cx) {
    mr_client *client = call->client;
    mr_sasl_result result =
        mr_sasl_token(&client->sasl, call->broker->access, *(const mr_span *)call->request, cx);
    mr_client_named(client);
    if (result.error != MR_KAFKA_NONE) {
        const char *why =
            mr_arena_printf(cx->arena, "%s: %s", mr_sasl_user(&client->sasl), result.reason);
        mr_broker_say_of(call->broker, client->host, why, "%s%s", client->host, why);
        call->silent = call->hang_up = true;  // There is no form for an error.
        return;
    }
    size_t bytes = result.answer.bytes;
    char *to = mr_text_grow(&call->answer, MR_WIRE_LENGTH_BYTES);
    for (int b = 0; b < MR_WIRE_LENGTH_BYTES; b++) {
        to[b] = (char)(bytes >> (24 - 8 * b));
    }
    mr_text_add_bytes(&call->answer, result.answer.data, bytes);
}

static mr_code dispatch_token(mr_call *call, mr_span frame) {
    mr_span *token = MR_NEW(call->arena, mr_span);
    *token = frame;
    call->request = token;
    call->raw = true;
    mr_text_clear(&call->answer);
    call->received_us = mr_clock_monotonic_us(call->broker->plat);
    mr_loop_step(call->loop, call, token_step);
    return MR_OK;
}

// Who has not said who it is, or whose session is over, is not answered.
static mr_code check_session(const mr_call *call, mr_cx *cx) {
    const mr_sasl_session *session = &call->client->sasl;
    if (mr_sasl_lets(session, call->head.key, mr_clock_monotonic_us(cx->plat))) {
        return MR_OK;
    }
    const mr_wire_api *wire = mr_wire_find(call->head.key);
    bool over = session->phase == MR_SASL_DONE;
    return mr_fail(cx, MR_E_PERMISSION,
                   over ? "Its client should authenticate again before its session ends (KIP-368)."
                        : "Set security.protocol, sasl.mechanism and a user in the client.",
                   "%s (key %d) %s; client \"%.*s\"", wire == NULL ? "a request" : wire->name,
                   call->head.key,
                   over ? "came after its session's end" : "came before it has authenticated",
                   MR_SPAN_ARGS(call->head.client_id));
}

static void leave(mr_call *call, mr_cx *cx) {
    (void)cx;
    mr_call_leave(call, mr_api_find(call->head.key)->handle);
}

mr_code mr_dispatch(mr_call *call, mr_span frame, mr_cx *cx) {
    mr_span body;
    cx->arena = call->arena;
    if (mr_dispatch_wants_token(call->client)) {
        return dispatch_token(call, frame);
    }
    MR_TRY(mr_wire_read_request(frame, &call->head, &body, cx));
    MR_TRY(check_session(call, cx));
    const mr_api *api = mr_api_find(call->head.key);
    const mr_wire_api *wire = mr_wire_find(call->head.key);
    int16_t version = call->head.version;
    bool served = api != NULL && version >= MR_MAX(api->version_min, wire->version_min) &&
                  version <= api->version_max;
    if (!served && call->head.key != MR_KEY_api_versions) {
        return not_served(call, api, body, cx);
    }
    if (served) {
        size_t least = MR_MAX(DECODE_BYTES_LEAST, frame.bytes * DECODE_BYTES_EACH);
        void *request = mr_arena_alloc(call->arena, wire->request->bytes);
        // What follows is passed over, as by Kafka: librdkafka up to 2.16 at least asks for the
        // metadata of all topics with three bytes too many.
        MR_TRY(mr_wire_decode_some(wire->request, mr_wire_format_of(wire, version), &body,
                                   MR_MIN(least, DECODE_BYTES_MOST), request, cx));
        call->request = request;
    } else {
        call->request = NULL;  // For the handler of ApiVersions.
        call->head.version = 0;
    }
    call->response = mr_arena_alloc(call->arena, wire->response->bytes);
    mr_wire_clear(wire->response, call->response);
    call->frame_bytes = frame.bytes;
    call->received_us = mr_clock_monotonic_us(cx->plat);
    mr_loop_step(call->loop, call, api->away ? leave : api->handle);
    return MR_OK;
}

mr_code mr_dispatch_answer(mr_call *call, mr_cx *cx) {
    if (call->raw) {
        return MR_OK;  // It was written with its token.
    }
    uint32_t count = 0;
    for (const mr_call_attachment *a = call->attachments; a != NULL; a = a->next) {
        count++;
    }
    mr_wire_holes holes = {.items =
                               count == 0 ? NULL : MR_NEW_ARRAY(call->arena, mr_wire_hole, count),
                           .count = count};
    uint32_t at = 0;
    for (const mr_call_attachment *a = call->attachments; a != NULL; a = a->next) {
        holes.items[at++].mark = a;
    }
    mr_text_clear(&call->answer);
    MR_TRY(mr_wire_add_response_around(&call->head, call->response, &holes, &call->answer, cx));
    call->holes = holes.items;
    call->hole_count = holes.filled;
    return MR_OK;
}
