// Source "kafka", inside: what source_kafka.c (where to begin and end) and source_kafka_read.c
// share.

#pragma once

#include "conn/conn.h"
#include "conn/intake.h"
#include "conn/pace.h"
#include "kafka/consume.h"
#include "plat/plat.h"
#include "plat/thread.h"

typedef struct kafka_claim {
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
    mr_consume *consume;
    mr_plat *plat;
    mr_pool *pool;
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

bool mr_source_kafka_bounded(const source_kafka *s);
bool mr_source_kafka_closed(const source_kafka *s, const mr_partition *partition);
// Fails, naming the offset that is gone and those that are there.
mr_code mr_source_kafka_gap(const source_kafka *s, const mr_partition *p, int64_t first,
                            int64_t next, mr_cx *cx);

// Claiming and reading.
mr_code mr_source_kafka_claim(mr_source *base, mr_claim *ret, mr_claim_result *ret_result,
                              mr_cx *cx);
mr_code mr_source_kafka_read_open(mr_source *base, mr_reader **ret, mr_cx *cx);
mr_code mr_source_kafka_read(mr_reader *base, const mr_claim *claim, mr_chunk *ret, mr_cx *cx);
void mr_source_kafka_read_close(mr_reader *base);
