// Link: a connection to one broker; see link.h.

#include "kafka/link.h"

#include <string.h>

#define LINK_FRAME_MAX    ((size_t)100 << 20)  // As librdkafka's receive.message.max.bytes.
#define LINK_DECODE_BYTES ((size_t)64 << 20)   // Of arrays in one answer.

void mr_link_init(mr_link *link, const char *client_id) {
    *link = (mr_link){.socket = MR_SOCKET_CLOSED, .client_id = client_id};
    mr_text_init(&link->out, NULL);
}

bool mr_link_is_open(const mr_link *link) {
    return link->socket.handle >= 0 || link->embedded_open;
}

static const char *link_peer(const mr_link *link) {
    return link->embedded != NULL ? MR_EMBEDDED : link->socket.peer;
}

void mr_link_close(mr_link *link, mr_plat *plat) {
    mr_socket_close(&link->socket, plat);
    link->embedded_open = false;
}

void mr_link_release(mr_link *link, mr_plat *plat) {
    mr_link_close(link, plat);
    mr_text_release(&link->out);
}

int16_t mr_link_version(const mr_link *link, int16_t key, int16_t version_max) {
    mr_assert(key >= 0 && key < MR_LINK_KEYS);
    const mr_wire_api *api = mr_wire_find(key);
    int16_t version = MR_MIN(link->versions[key], version_max);
    return version < api->version_min ? -1 : version;
}

// What both sides know: the least of the two newest, if the other side still takes it.
static void take_versions(mr_link *link, const mr_wire_api_versions_response *response) {
    memset(link->versions, -1, sizeof(link->versions));
    for (int32_t i = 0; i < response->api_keys_count; i++) {
        const mr_wire_api_versions_key *row = &response->api_keys[i];
        const mr_wire_api *api =
            row->api_key >= 0 && row->api_key < MR_LINK_KEYS ? mr_wire_find(row->api_key) : NULL;
        if (api == NULL) {
            continue;
        }
        int16_t version = MR_MIN(row->max_version, api->version_max);
        link->versions[row->api_key] = version < row->min_version ? -1 : version;
    }
}

mr_code mr_link_open(mr_link *link, const mr_link_address *address, const mr_socket_limit *limit,
                     mr_cx *cx) {
    mr_assert(!mr_link_is_open(link));
    link->embedded_open = link->embedded != NULL;
    if (link->embedded == NULL) {
        MR_TRY(mr_socket_connect(&link->socket, address->host, address->port, limit, cx));
    }
    memset(link->versions, -1, sizeof(link->versions));
    link->versions[MR_KEY_api_versions] = 0;  // The version that every broker answers.
    mr_wire_api_versions_request request;
    mr_wire_clear(&mr_schema_api_versions_request, &request);
    mr_wire_api_versions_response response;
    mr_link_call call = {MR_KEY_api_versions, 0, &request, &response};
    mr_code code = mr_link_call_wait(link, &call, limit, cx);
    if (code == MR_OK && response.error_code != 0) {
        code = mr_fail(cx, MR_E_UNSUPPORTED, "Kafka 0.11 and later can be read.",
                       "the broker at %s does not tell its versions (error %d)", link_peer(link),
                       response.error_code);
    }
    if (code != MR_OK) {
        mr_link_close(link, cx->plat);
        return code;
    }
    take_versions(link, &response);
    return MR_OK;
}

static mr_code link_lacks(const mr_link *link, int16_t key, mr_cx *cx) {
    return mr_fail(cx, MR_E_UNSUPPORTED, "Write option client 'librdkafka', which knows more.",
                   "the broker at %s has no version of %s that this client knows", link_peer(link),
                   mr_wire_find(key)->name);
}

mr_code mr_link_send(mr_link *link, const mr_link_call *call, const mr_socket_limit *limit,
                     mr_cx *cx) {
    int16_t version = mr_link_version(link, call->key, call->version_max);
    if (version < 0) {
        return link_lacks(link, call->key, cx);
    }
    mr_wire_head head = {call->key, version, ++link->correlation, mr_span_of(link->client_id)};
    mr_text_clear(&link->out);
    MR_TRY(mr_wire_add_request(&head, call->request, &link->out, cx));
    return mr_socket_send(&link->socket, mr_text_span(&link->out), limit, cx);
}

mr_code mr_link_receive_length(mr_link *link, const mr_socket_limit *limit, size_t *ret_bytes,
                               mr_cx *cx) {
    char length[MR_WIRE_LENGTH_BYTES];
    MR_TRY(mr_socket_receive(&link->socket, length, sizeof(length), limit, cx));
    int32_t bytes = mr_wire_frame_bytes(length);
    if (bytes < 4 || (size_t)bytes > LINK_FRAME_MAX) {
        mr_code code = mr_fail(cx, MR_E_NETWORK, "Is it a Kafka broker, and without TLS?",
                               "%s sent a message of %d bytes", link->socket.peer, bytes);
        return mr_error_flag(cx, code, MR_RETRY);
    }
    *ret_bytes = (size_t)bytes;
    return MR_OK;
}

mr_code mr_link_decode_of(mr_link *link, const mr_link_call *call, int32_t correlation,
                          mr_span frame, mr_cx *cx) {
    int16_t version = mr_link_version(link, call->key, call->version_max);
    const mr_wire_api *api = mr_wire_find(call->key);
    mr_wire_head head = {.key = call->key, .version = version};
    mr_span body;
    MR_TRY(mr_wire_read_response(frame, &head, &body, cx));
    if (head.correlation != correlation) {
        mr_code code =
            mr_fail(cx, MR_E_NETWORK, NULL, "%s answered another question", link->socket.peer);
        return mr_error_flag(cx, code, MR_RETRY);
    }
    return mr_wire_decode(api->response, mr_wire_format_of(api, version), body, LINK_DECODE_BYTES,
                          call->response, cx);
}

mr_code mr_link_decode(mr_link *link, const mr_link_call *call, mr_span frame, mr_cx *cx) {
    return mr_link_decode_of(link, call, link->correlation, frame, cx);
}

mr_code mr_link_call_wait(mr_link *link, const mr_link_call *call, const mr_socket_limit *limit,
                          mr_cx *cx) {
    if (link->embedded != NULL) {
        mr_embedded_ask ask = {
            .client_id = link->client_id,
            .key = call->key,
            .version = mr_link_version(link, call->key, call->version_max),
            .request = call->request,
            .response = call->response,
        };
        return ask.version < 0 ? link_lacks(link, call->key, cx)
                               : link->embedded->type->ask(link->embedded, &ask, cx);
    }
    size_t bytes = 0;
    MR_TRY(mr_link_send(link, call, limit, cx));
    MR_TRY(mr_link_receive_length(link, limit, &bytes, cx));
    char *frame = mr_arena_raw(cx->arena, bytes);
    MR_TRY(mr_socket_receive(&link->socket, frame, bytes, limit, cx));
    return mr_link_decode(link, call, (mr_span){frame, bytes}, cx);
}
