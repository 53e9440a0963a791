// Scene: a broker in the simulator, driven by hand, and the requests that the tests of the handlers
// share.

#pragma once

#include "broker/broker.h"
#include "broker/call.h"
#include "codec/record_batch.h"
#include "plat/sim.h"
#include "runner.h"

typedef struct scene {
    mr_arena arena;
    mr_cx cx;
    mr_broker *broker;
} scene;

// settings: pairs "name", "value", …, NULL.
bool scene_open(scene *s, const char *const *settings);
void scene_close(scene *s);
bool scene_restart(scene *s);    // Closes and opens again.
bool scene_power_cut(scene *s);  // The same after a power cut: what was not synced may be gone.
// The answer to a request; cleared when it failed, which is a failure of the test.
void scene_ask(scene *s, int key, int version, const void *request, void *ret);

// A batch of `count` records with values "v0", "v1", …, timestamps from time_ms on, one a second.
mr_span scene_batch(scene *s, uint32_t count, int64_t time_ms);
// Produces a batch with acks=all in version 7; the answer's error and base offset.
int16_t scene_produce(scene *s, const char *topic, int32_t partition, mr_span batch,
                      int64_t *ret_base);
// Makes a topic as Metadata does; its id.
mr_wire_uuid scene_topic(scene *s, const char *name);
// A fetch of one partition in a version; request and its parts are in the scene's arena.
mr_wire_fetch_request *scene_fetch(scene *s, const char *topic, int32_t partition, int64_t offset);
// Records in a run of batches; -1 when it is damaged.
int64_t scene_count(scene *s, mr_span records);
