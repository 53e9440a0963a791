// Fuzz: requests as a client may send them, through the whole path: header, decoding, handler,
// log, answer. The input is frames, one behind the other, each with its length in two bytes. Every
// answer must be one that the schema reads; nothing else is promised about it.

#include "broker/broker.h"
#include "broker/call.h"
#include "plat/sim.h"

#define FRAMES_MAX 16
#define TURNS_MAX  4
#define TURN_US    (400 * 1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_answer(mr_span frame, mr_span answer, mr_cx *cx) {
    mr_wire_head head;
    mr_span body;
    mr_assert(mr_wire_read_request(frame, &head, &body, cx) == MR_OK);
    const mr_wire_api *api = mr_wire_find(head.key);
    mr_assert(api != NULL);
    if (head.version < api->version_min || head.version > api->version_max) {
        head.version = 0;  // ApiVersions answers in its oldest form.
    }
    mr_assert(mr_wire_read_response(answer, &head, &body, cx) == MR_OK);
    void *response = mr_arena_alloc(cx->arena, api->response->bytes);
    mr_assert(mr_wire_decode(api->response, mr_wire_format_of(api, head.version), body, SIZE_MAX,
                             response, cx) == MR_OK);
}

// Some requests wait for others that never come: they are forgotten after a while.
static void ask(mr_broker *broker, mr_span frame, mr_cx *cx) {
    mr_call *call = NULL;
    if (mr_broker_send(broker, frame, &call, cx) != MR_OK) {
        return;
    }
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        bool done = false;
        mr_span answer;
        mr_assert(mr_broker_take(broker, call, &done, &answer, cx) == MR_OK);
        if (done) {
            if (answer.data != NULL) {
                check_answer(frame, answer, cx);
            }
            return;
        }
        mr_assert(mr_broker_turn(broker, cx) == MR_OK);
        mr_clock_sleep_us(cx->plat, TURN_US);
    }
    mr_broker_forget(broker, call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_plat *plat = mr_sim_new(/* seed= */ 1);
    mr_cx_init(&cx, &arena, plat);
    mr_option_values none = {0};
    mr_broker_spec spec = {.dir = "data/broker", .version = "fuzz", .by_hand = true};
    mr_broker *broker = NULL;
    mr_assert(mr_option_apply_keys(mr_broker_options, &none, &spec.settings, &cx) == MR_OK);
    mr_assert(mr_broker_open(&spec, &broker, &cx) == MR_OK);
    const char *at = (const char *)data;
    const char *end = at + bytes;
    for (int i = 0; i < FRAMES_MAX && end - at >= 2; i++) {
        size_t length = (size_t)(uint8_t)at[0] << 8 | (uint8_t)at[1];
        mr_span frame = {at + 2, MR_MIN(length, (size_t)(end - at - 2))};
        at = frame.data + frame.bytes;
        ask(broker, frame, &cx);
    }
    mr_assert(mr_broker_close(broker, &cx) == MR_OK);
    mr_sim_free(plat);
    mr_arena_release(&arena);
    return 0;
}
