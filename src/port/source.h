// Source: what a connector that brings rows promises to the driver.
//
// A source has partitions (a Kafka partition; a file). A partition yields chunks in order. Any
// worker may take the next chunk of any partition: `claim` says which bytes (short, the driver
// calls it under a mutex, so chunks of a partition are claimed in order), `read` fetches and
// decodes them (in parallel, on the claiming worker's own reader). The driver restores the order by
// (partition, sequence).
//
// Exactly once: a position is an opaque int64 a partition (Kafka: next offset; file: byte offset of
// the next line; compressed file: line count). The positions after the last chunk of an epoch go
// into the commit record; after a restart `seek` gets them back. Claims not committed are simply
// read again.

#pragma once

#include "base/option.h"
#include "column/field.h"
#include "port/embedded.h"

typedef struct mr_source mr_source;
typedef struct mr_reader mr_reader;  // A worker's side of a source: decoder, buffers.

typedef struct mr_partition {
    const char *name;   // "events/0", or a path: for messages, status and the commit record's key.
    const char *topic;  // Goes into bad and late tables.
    int32_t number;
    uint32_t lane;  // Partitions of a lane are claimed one after another and share one watermark: a
                    // folder's files are one lane, each Kafka partition is its own.
    int64_t position;  // Next to claim: set by start or seek.
    int64_t end;       // For until = available-now or end: stop here; INT64_MAX = not bounded.
    bool finished;     // Reached `end` (or the end of a file that cannot grow).
    bool closed;       // Cannot grow: no longer holds the watermark back.
    bool caught_up;    // Nothing more right now: counts towards idle_timeout.
} mr_partition;

// One chunk promised to a worker.
typedef struct mr_claim {
    uint32_t partition;  // Index.
    int64_t position_first;
    int64_t position_next;  // Position after the chunk.
    void *data;             // The source's own (messages taken from the queue, a byte range).
} mr_claim;

typedef enum mr_claim_result {
    MR_CLAIM_TAKEN,  // ret is filled.
    MR_CLAIM_NONE,   // Nothing at the moment; ask again after wait.
    MR_CLAIM_DONE,   // Every partition is finished.
} mr_claim_result;

// A chunk: decoded rows in one hold.
typedef struct mr_chunk {
    mr_hold *hold;       // The caller unrefs.
    mr_decoded decoded;  // Batches with origin filled in whole.
    uint64_t bytes;      // Input bytes, for metrics.
} mr_chunk;

typedef enum mr_until { MR_UNTIL_STOPPED, MR_UNTIL_AVAILABLE_NOW, MR_UNTIL_END } mr_until;

// What the planner and driver tell a source.
typedef struct mr_source_spec {
    const char *table;     // Name of the foreign table.
    const char *pipeline;  // Whose source it is: for group ids.
    const mr_fields *fields;
    const mr_option_values
        *options;  // Server's and table's, table's win; column options not included.
    mr_until until;
    uint64_t chunk_bytes;          // Wished size of a chunk; 0 = the source chooses.
    uint32_t batch_rows;           // Rows a batch at most (<= MR_BATCH_ROWS_MAX); small in tests.
    uint64_t seed;                 // Of generators.
    mr_embedded *embedded;         // The broker of this process, or NULL …
    const char *embedded_address;  // … and then where the project's broker listens, or NULL.
} mr_source_spec;

typedef struct mr_source_type {
    const char *name;     // The foreign data wrapper's word.
    const char *file;     // __FILE__
    const char *summary;  // One sentence.
    size_t size;          // Of the struct that begins with mr_source.
    const mr_option *options;
    const char *pass_prefix;  // Options passed through, such as "kafka."; may be NULL.
    bool has_future_skew;     // max_future_skew applies by default (Kafka).

    // Checks options, connects, finds the partitions. Nothing is read yet.
    mr_code (*open)(mr_source *source, const mr_source_spec *spec, mr_cx *cx);
    // First start (epoch 0): sets each partition's position from the starting options. With until
    // set, also the ends.
    mr_code (*start)(mr_source *source, mr_cx *cx);
    // Restart: positions (partition names and values, as committed) for known partitions; a
    // partition that is new starts at its beginning. errors MR_E_MISSING with the exact gap when a
    // position is gone
    mr_code (*seek)(mr_source *source, const char *const *names, const int64_t *positions,
                    size_t count, mr_cx *cx);
    // The next chunk of some partition (fair over partitions). Called under the driver's mutex.
    mr_code (*claim)(mr_source *source, mr_claim *ret, mr_claim_result *ret_result, mr_cx *cx);
    // Waits until claim may have something, at most timeout_us. Called without the mutex. Optional.
    void (*wait)(mr_source *source, int64_t timeout_us, mr_cx *cx);
    mr_code (*reader_open)(mr_source *source, mr_reader **ret, mr_cx *cx);
    // Fetches and decodes. Any number of readers at the same time, each on its own thread.
    mr_code (*read)(mr_reader *reader, const mr_claim *claim, mr_chunk *ret, mr_cx *cx);
    void (*reader_close)(mr_reader *reader);
    // Before a commit: returns when what was read so far will be there, as it was read, after a
    // power cut too; a position that is committed must not outlive its rows. Called without the
    // mutex. Optional; NULL where it always is.
    mr_code (*settle)(mr_source *source, mr_cx *cx);
    // After a commit: tells the outside (Kafka group offsets, for lag displays). Optional,
    // advisory.
    void (*committed)(mr_source *source, const int64_t *positions, size_t count, mr_cx *cx);
    // Looks for new partitions or files; adds them to partitions (never removes). Optional; called
    // at epoch ends under the mutex.
    mr_code (*refresh)(mr_source *source, mr_cx *cx);
    void (*close)(mr_source *source);
} mr_source_type;

struct mr_source {
    const mr_source_type *type;
    mr_source_spec spec;
    mr_arena arena;            // Of the source's life.
    mr_partition *partitions;  // partition_count of them; may move in refresh.
    uint32_t partition_count;
};
