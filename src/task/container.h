// Container: what a task of kind container asks for, as the engine's API wants it said.
//
// No engine is spoken to here (engine.h does that): the keys are checked when the DAG file is read,
// and the same code makes the request of a try. Memory: cx->arena.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_container_keys {
    const char *image;
    const char *command;     // JSON, a list.
    const char *entrypoint;  // JSON, a list.
    const char *mounts;      // JSON.
    const char *network;
    const char *hosts;  // JSON, a map.
    const char *working_dir;
    const char *user;
    bool tty;
    uint64_t memory;
    double cpus;
    const char *platform;
    const char *pull;
    const char *registry;
    const char *broker_env;  // JSON or text.
    const char *engine;
    const char *conn;
    int64_t connect_timeout;
    int64_t pull_timeout;
} mr_container_keys;

// What a file gets wrong. Keys that templates will give are NULL and 0.
//   errors  MR_E_OPTION, MR_E_TYPE naming the key
mr_code mr_container_check(const mr_container_keys *keys, mr_cx *cx);

// An image's name, taken apart: registry.example.org:5000/team/app:1.2 or app@sha256:….
typedef struct mr_container_image {
    const char *name;    // Without what follows.
    const char *tag;     // "latest" when there is none; NULL with a digest.
    const char *digest;  // "sha256:…"; NULL = none.
    const char *whole;   // As the engine is asked for it: with its tag or digest.
} mr_container_image;
mr_code mr_container_image_parse(const char *text, mr_container_image *ret, mr_cx *cx);

// Variables that get the broker's address besides KAFKA_BOOTSTRAP_SERVERS, NULL-ended.
mr_code mr_container_broker_env(const char *value, const char *const **ret, mr_cx *cx);

typedef struct mr_container_pair {
    const char *name;
    const char *value;
} mr_container_pair;

typedef struct mr_container_more {
    const char *const *env;  // NAME=value, NULL-ended.
    const mr_container_pair *labels;
    uint32_t label_count;
    const char *dir;   // That paths are relative to.
    const char *host;  // "name:address" beside those of the keys; NULL = none.
} mr_container_more;

// The body of POST /containers/create.
mr_code mr_container_request(const mr_container_keys *keys, const mr_container_more *more,
                             mr_text *out, mr_cx *cx);
