// Consume, inside: what a client behind consume.h does. There are three: kafka/fetch.h, our own;
// consume_librdkafka.c, for what that one does not know; and consume_embedded.c, for the broker of
// this process.

#pragma once

#include "kafka/fetch.h"

typedef struct mr_consume_type {
    const char *name;
    void (*close)(mr_consume *consume);
    mr_code (*refresh)(mr_consume *consume, mr_cx *cx);
    mr_code (*bounds)(mr_consume *consume, uint32_t partition, int64_t *ret_first,
                      int64_t *ret_next, mr_cx *cx);
    mr_code (*at_time)(mr_consume *consume, uint32_t partition, int64_t time_ms, int64_t *ret,
                       mr_cx *cx);
    mr_code (*start)(mr_consume *consume, uint32_t partition, int64_t offset, mr_cx *cx);
    void (*stop)(mr_consume *consume, uint32_t partition);
    // Chunks of batches, or messages one by one: one of the two.
    mr_code (*take)(mr_consume *consume, uint32_t partition, const mr_fetch_wish *wish,
                    mr_fetch_chunk **ret, mr_fetch_seen *ret_seen, mr_cx *cx);
    mr_code (*poll)(mr_consume *consume, uint32_t partition, const mr_consume_taker *taker,
                    mr_consume_seen *ret, mr_cx *cx);
    void (*wait)(mr_consume *consume, int64_t timeout_us);
    bool (*down)(mr_consume *consume);
    mr_code (*settle)(mr_consume *consume, mr_cx *cx);  // NULL: the cluster is another machine's.
    void (*commit)(mr_consume *consume, const int64_t *offsets, uint32_t count);
} mr_consume_type;

struct mr_consume {
    const mr_consume_type *type;
    uint32_t partition_count;
};

extern const mr_consume_type mr_consume_librdkafka;
mr_code mr_consume_embedded_open(const mr_consume_options *options, mr_consume **ret, mr_cx *cx);
mr_code mr_consume_librdkafka_open(const mr_consume_options *options, mr_consume **ret, mr_cx *cx);
// "cannot reach Kafka at …: reason", with MR_RETRY.
mr_code mr_consume_unreachable(const char *address, const char *reason, mr_cx *cx);
