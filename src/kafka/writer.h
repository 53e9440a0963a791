// Writer: records to a topic, batched, over our own link.
//
// How: a batch a partition is filled until it is large or has waited; batches that are full go out
// at once, several requests one behind the other, so that the next is made while the broker works
// on those before. What fails and may be tried again is sent again, in order and one by one, before
// anything new is; with a producer id (the default) the broker knows what it has already, so
// nothing is written twice or out of order. Plain TCP. Threads: one. Source: KIP-98; KIP-480
// (records without keys go to one partition until its batch is full).

#pragma once

#include "codec/compress.h"
#include "kafka/control.h"

typedef struct mr_writer mr_writer;

typedef struct mr_writer_options {
    const char *topic;
    int16_t acks;  // -1 = all; 0 = none are waited for.
    bool idempotent;
    mr_compression compression;
    uint64_t batch_bytes;  // Of records, before compression.
    int64_t linger_us;
    int64_t request_timeout_us;
    int64_t delivery_timeout_us;
} mr_writer_options;
// What is usual, without a topic: nothing is lost or doubled.
extern const mr_writer_options mr_writer_defaults;

#define MR_WRITER_HEADERS_MAX 64

typedef struct mr_writer_header {
    mr_span key;
    mr_span value;  // data NULL = null.
} mr_writer_header;

typedef struct mr_writer_record {
    int32_t partition;  // -1: by the key, as in Java's clients; without one, as it suits.
    mr_span key;        // data NULL = null, as value.
    mr_span value;
    const mr_writer_header *headers;
    uint32_t header_count;  // At most MR_WRITER_HEADERS_MAX.
    int64_t timestamp_ms;
} mr_writer_record;

// The control must live longer.  errors  MR_E_MISSING: there is no such topic
mr_code mr_writer_open(mr_control *control, const mr_writer_options *options, mr_writer **ret,
                       mr_cx *cx);
void mr_writer_close(mr_writer *writer);  // Takes NULL. What was not flushed is dropped.
uint32_t mr_writer_partitions(const mr_writer *writer);
// errors  MR_E_NETWORK, MR_E_TIMEOUT; MR_E_VALUE what the broker says against a record
mr_code mr_writer_add(mr_writer *writer, const mr_writer_record *record, mr_cx *cx);
// Sends what has waited long enough; *ret_us: in how long to come again.
mr_code mr_writer_turn(mr_writer *writer, int64_t *ret_us, mr_cx *cx);
// Sends all and waits until it is acknowledged.
mr_code mr_writer_flush(mr_writer *writer, mr_cx *cx);
uint64_t mr_writer_acknowledged(const mr_writer *writer);  // Records.
