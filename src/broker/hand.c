// By hand: requests without a connection, for the simulator and tests; see broker.h.
//
// How: a request goes through the wire's form both ways, as if it had come over a connection, so
// that what is tested is what a client meets. Time is the platform's: while a call is parked it
// moves on to the next deadline, by sleeping.
//
// Also: mr_broker_

#include <string.h>

#include "broker/inside.h"

#define HAND_WAIT_US 1000  // While nothing has a deadline.

// The answer's frame, without its length, with what was attached; in cx->arena.
static mr_code answer_frame(mr_call *call, mr_span *ret, mr_cx *cx) {
    mr_text frame;
    mr_text_init(&frame, cx->arena);
    MR_TRY(mr_dispatch_answer(call, cx));
    size_t from = MR_WIRE_LENGTH_BYTES;
    for (uint32_t i = 0; i < call->hole_count; i++) {
        const mr_wire_hole *hole = &call->holes[i];
        const mr_call_attachment *attachment = hole->mark;
        mr_text_add_bytes(&frame, call->answer.data + from, hole->at - from);
        from = hole->at;
        char *to = mr_text_grow(&frame, hole->bytes);
        MR_TRY(mr_log_slice_load(&attachment->slice, 0, to, hole->bytes, cx));
    }
    mr_text_add_bytes(&frame, call->answer.data + from, call->answer.bytes - from);
    *ret = mr_text_span(&frame);
    return MR_OK;
}

mr_code mr_broker_send(mr_broker *broker, mr_span frame, mr_call **ret, mr_cx *cx) {
    mr_assert(broker->spec.by_hand);
    mr_loop *loop = broker->hand;
    mr_call *call = mr_loop_call_new(loop);
    call->client = broker->hand_client;
    call->block = mr_loop_block_new(loop, frame.bytes);
    memcpy(call->block->data, frame.data, frame.bytes);
    mr_arena *arena = cx->arena;
    mr_code code = mr_dispatch(call, (mr_span){call->block->data, frame.bytes}, &loop->cx);
    cx->arena = arena;
    if (code != MR_OK) {
        cx->error = loop->cx.error;
        mr_loop_call_free(loop, call);
        return code;
    }
    *ret = call;
    return MR_OK;
}

mr_code mr_broker_take(mr_broker *broker, mr_call *call, bool *ret_done, mr_span *ret_frame,
                       mr_cx *cx) {
    mr_loop *loop = broker->hand;
    mr_loop_run(loop);
    *ret_done = call->phase == MR_CALL_ANSWERED;
    *ret_frame = (mr_span){NULL, 0};
    if (!*ret_done) {
        return MR_OK;
    }
    mr_code code = call->silent ? MR_OK : answer_frame(call, ret_frame, cx);
    mr_loop_call_free(loop, call);
    return code;
}

void mr_broker_forget(mr_broker *broker, mr_call *call) {
    mr_loop_call_free(broker->hand, call);
}

mr_code mr_broker_ask_frame(mr_broker *broker, mr_span frame, mr_span *ret_frame, mr_cx *cx) {
    mr_call *call = NULL;
    MR_TRY(mr_broker_send(broker, frame, &call, cx));
    for (;;) {
        bool done = false;
        MR_TRY(mr_broker_take(broker, call, &done, ret_frame, cx));
        if (done) {
            return MR_OK;
        }
        mr_code code = mr_broker_turn(broker, cx);
        if (code != MR_OK) {
            mr_broker_forget(broker, call);
            return code;
        }
        if (call->phase == MR_CALL_PARKED && !atomic_load(&call->signalled)) {
            int64_t at = mr_loop_deadline(broker->hand);
            int64_t left_us = at - mr_clock_monotonic_us(cx->plat);
            mr_clock_sleep_us(cx->plat, at == INT64_MAX ? HAND_WAIT_US : MR_MAX(left_us, 0));
        }
    }
}

mr_code mr_broker_ask(mr_broker *broker, const mr_wire_head *head, const void *request,
                      void *ret_response, mr_cx *cx) {
    const mr_wire_api *api = mr_wire_find(head->key);
    mr_assert(api != NULL);
    mr_text out;
    mr_text_init(&out, cx->arena);
    MR_TRY(mr_wire_add_request(head, request, &out, cx));
    mr_span frame = {out.data + MR_WIRE_LENGTH_BYTES, out.bytes - MR_WIRE_LENGTH_BYTES};
    mr_span answer;
    MR_TRY(mr_broker_ask_frame(broker, frame, &answer, cx));
    if (answer.data == NULL) {
        mr_wire_clear(api->response, ret_response);
        return MR_OK;
    }
    mr_wire_head got = *head;
    mr_span body;
    MR_TRY(mr_wire_read_response(answer, &got, &body, cx));
    return mr_wire_decode(api->response, mr_wire_format_of(api, head->version), body, SIZE_MAX,
                          ret_response, cx);
}
