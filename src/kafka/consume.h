// Consume: reading the partitions of one topic, each from an offset of our own.
//
// Partitions are assigned explicitly and offsets live in the commit record, so no group is joined.
// Only committed records are seen (read_committed). Three clients stand behind it: our own
// (kafka/fetch.h), which hands over batches where they were received; the same for the broker of
// this process, without a socket; and librdkafka, which copies each message, for clusters with TLS
// or SASL and for properties that ours does not know. Threads: one at a time, but wait and wake.

#pragma once

#include "base/option.h"
#include "base/text.h"
#include "port/embedded.h"

typedef struct mr_consume mr_consume;

typedef struct mr_consume_options {
    const char *bootstrap_servers;
    const char *topic;
    int32_t partitions;        // Of a topic that has to be made; -1 = the broker's default.
    const char *topic_config;  // The same; may be NULL.
    const char *group;         // For committed offsets.
    int64_t connect_timeout_us;
    const mr_option_values *values;  // "kafka.<name>" are looked up here.
    const char *client;              // "auto" (also NULL), "native" or "librdkafka".
    mr_embedded *embedded;           // The broker of this process is meant; else NULL.
} mr_consume_options;

typedef struct mr_consume_message {
    int64_t offset;
    int64_t timestamp_us;  // INT64_MIN = none.
    mr_span value;
    bool null;  // A tombstone.
    mr_span key;
    bool key_null;
    const void *native;
} mr_consume_message;

// Takes one message; false = no more for now.
typedef struct mr_consume_taker {
    bool (*take)(void *self, const mr_consume_message *message);
    void *self;
} mr_consume_taker;

// What a call of mr_consume_poll saw besides messages.
typedef struct mr_consume_seen {
    bool at_end;         // The partition's present end was reached …
    int64_t end_offset;  // … which is here.
    uint32_t messages;
} mr_consume_seen;

// Connects, and makes the topic when it is missing.
//   errors  MR_E_NETWORK naming the address, MR_E_OPTION, MR_E_PERMISSION, MR_E_VALUE
mr_code mr_consume_open(const mr_consume_options *options, mr_consume **ret, mr_cx *cx);
void mr_consume_close(mr_consume *consume);  // Takes NULL.
uint32_t mr_consume_partitions(const mr_consume *consume);
// Asks for new partitions; the number may grow.
mr_code mr_consume_refresh(mr_consume *consume, mr_cx *cx);
// First offset and the one after the last.
mr_code mr_consume_bounds(mr_consume *consume, uint32_t partition, int64_t *ret_first,
                          int64_t *ret_next, mr_cx *cx);
// The first offset whose timestamp is at or after time_ms; the end when there is none.
mr_code mr_consume_at_time(mr_consume *consume, uint32_t partition, int64_t time_ms, int64_t *ret,
                           mr_cx *cx);
// Begins to fetch a partition at an offset; anew when it was begun before.
mr_code mr_consume_start(mr_consume *consume, uint32_t partition, int64_t offset, mr_cx *cx);
// Fetches no more of a partition; what has arrived is dropped.
void mr_consume_stop(mr_consume *consume, uint32_t partition);
// Of librdkafka: hands messages that are there to take until it says no; does not wait.
//   errors  MR_E_MISSING with the exact gap when the wished offset is gone
mr_code mr_consume_poll(mr_consume *consume, uint32_t partition, const mr_consume_taker *taker,
                        mr_consume_seen *ret, mr_cx *cx);
// Headers of a message inside take, as JSON: [{"key":"k","value":"v"}]. False when it has none.
bool mr_consume_headers(const mr_consume_message *message, mr_text *out);
// Waits until messages come, at most timeout_us.
void mr_consume_wait(mr_consume *consume, int64_t timeout_us);
// Which client it is, for messages.
const char *mr_consume_client(const mr_consume *consume);
// True while no broker can be reached. Messages and a mr_consume_bounds that succeeds end it.
bool mr_consume_down(mr_consume *consume);
// Returns when what was taken so far survives a power cut of this machine.
//   errors  MR_E_MISSING when the topic was deleted, MR_E_IO
mr_code mr_consume_settle(mr_consume *consume, mr_cx *cx);
// Writes the group's offsets without waiting; what fails is not told. While the write before is
// under way nothing is done.
void mr_consume_commit(mr_consume *consume, const int64_t *offsets, uint32_t count);
