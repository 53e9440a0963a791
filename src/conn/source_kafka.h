// Source "kafka", inside: what source_kafka.c (where to begin and end), source_kafka_read.c
// (claims, and what librdkafka brings) and source_kafka_fetch.c (what the native client brings)
// share.

#pragma once

#include "conn/conn.h"
#include "conn/intake.h"
#include "conn/pace.h"
#include "conn/view.h"
#include "kafka/fetch.h"
#include "plat/plat.h"
#include "plat/thread.h"

typedef struct kafka_claim {
    mr_fetch_chunk *chunk;  // Of the native client: nothing else is used then.
    mr_hold *hold;
    size_t used;  // Bytes in its buffer.
    uint32_t count;
    uint32_t capacity;
    uint32_t *starts;  // All arrays are in the hold's arena.
    uint32_t *lengths;
    int64_t *offsets;
    int64_t *timestamps;  // NULL when no column wants it, as keys and headers.
    mr_str *keys;
    mr_str *headers;
    mr_bad_record bad;  // raw NULL: none.
    bool taken;
    struct kafka_claim *next;
} kafka_claim;

typedef struct kafka_part {
    bool started;
    mr_pace pace;  // For max_rate_per_partition.
} kafka_part;

typedef struct source_kafka {
    mr_source base;
    const char *bootstrap_servers;   // Option.
    const char *topic;               // Option.
    const char *format;              // Option.
    const char *starting_offsets;    // Option.
    int64_t partitions;              // Option.
    const char *topic_config;        // Option.
    int64_t connect_timeout;         // Option.
    int64_t refresh_interval;        // Option.
    int64_t max_rows_per_trigger;    // Option.
    int64_t max_rate_per_partition;  // Option.
    uint64_t max_record_bytes;       // Option.
    bool fail_on_data_loss;          // Option.
    const char *client;              // Option.
    mr_embedded *embedded;           // The broker of this process, if that is meant.
    mr_consume *consume;
    mr_plat *plat;
    mr_pool *pool;
    mr_views *views;    // Of the native client.
    kafka_part *parts;  // Beside base.partitions.
    uint32_t turn;      // Partition to look at first.
    size_t chunk_bytes;
    uint64_t rows_now;  // Since the last refresh, for max_rows_per_trigger.
    int64_t refreshed_us;
    bool was_down;
    bool wants_timestamps;
    bool wants_keys;
    bool wants_headers;
    mr_mutex mutex;       // Of `claims`.
    kafka_claim *claims;  // All there ever were; those not taken are free.
} source_kafka;

// A worker's side of either client.
typedef struct kafka_reader {
    source_kafka *source;
    mr_intake intake;
    mr_text expanded;  // Of the chunk being read; its memory goes over to the chunk's hold.
} kafka_reader;

bool mr_source_kafka_bounded(const source_kafka *s);
bool mr_source_kafka_closed(const source_kafka *s, const mr_partition *partition);
// Fails, naming the offset that is gone and those that are there.
mr_code mr_source_kafka_gap(const source_kafka *s, const mr_partition *p, int64_t first,
                            int64_t next, mr_cx *cx);

// Records that may be taken from a partition now.
uint64_t mr_source_kafka_room(source_kafka *s, uint32_t partition, int64_t now_us);
// Goes on behind records that are gone, when that is allowed; else returns code.
mr_code mr_source_kafka_pass_gap(source_kafka *s, uint32_t partition, mr_code code, mr_cx *cx);
// Enters what a claim saw of a partition; rows were taken.
typedef struct kafka_seen {
    int64_t next;
    uint64_t rows;
    bool at_end;
} kafka_seen;
void mr_source_kafka_saw(source_kafka *s, uint32_t partition, const kafka_seen *seen);

// The native client's: chunks of fetched batches.
mr_code mr_source_kafka_fetch_claim(source_kafka *s, uint32_t partition, uint64_t rows_max,
                                    mr_claim *ret, bool *ret_taken, mr_cx *cx);
mr_code mr_source_kafka_fetch_read(kafka_reader *reader, const mr_claim *claim, mr_chunk *ret,
                                   mr_cx *cx);
kafka_claim *mr_source_kafka_claim_new(source_kafka *s);
void mr_source_kafka_claim_free(source_kafka *s, kafka_claim *claim);

// Claiming and reading.
mr_code mr_source_kafka_claim(mr_source *base, mr_claim *ret, mr_claim_result *ret_result,
                              mr_cx *cx);
mr_code mr_source_kafka_read_open(mr_source *base, mr_reader **ret, mr_cx *cx);
mr_code mr_source_kafka_read(mr_reader *base, const mr_claim *claim, mr_chunk *ret, mr_cx *cx);
void mr_source_kafka_read_close(mr_reader *base);
