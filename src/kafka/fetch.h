// Fetch: chunks of fetched record batches, as the native clients hand them over.
//
// A chunk is a run of whole batches in the very buffer that they were received into; reading it
// (codec/record_batch.h) copies nothing. It may be a part of a batch: then others read the same
// bytes, and they must not be written to. Threads: a chunk belongs to who has it; buffers are
// counted.

#pragma once

#include "kafka/consume.h"

typedef struct mr_fetch_buffer mr_fetch_buffer;

typedef struct mr_fetch_range {
    uint32_t at;  // In the buffer.
    uint32_t bytes;
    uint32_t rows;  // As the batch states them.
} mr_fetch_range;

typedef struct mr_fetch_chunk {
    struct mr_fetch_chunk *next;  // In its queue.
    mr_fetch_buffer *buffer;      // A reference.
    char *data;                   // Of the buffer; MR_HOLD_PADDING readable bytes follow it.
    int64_t from;                 // Records with from <= offset < to count.
    int64_t to;
    uint64_t bytes;
    uint64_t rows;
    bool shared;  // Others read these bytes too.
    // Of the broker of this process: where the bytes are, as long as they are not loaded.
    struct {
        mr_embedded_slice slice;
        mr_embedded_log *log;
        mr_embedded *embedded;
        struct fetch_buffers *buffers;
    } later;
    uint32_t batch_count;
    mr_fetch_range batches[];
} mr_fetch_chunk;

// Loads a chunk whose bytes are not there yet; *chunk is another one then. By its reader.
mr_code mr_fetch_chunk_load(mr_fetch_chunk **chunk, mr_cx *cx);
void mr_fetch_chunk_free(mr_fetch_chunk *chunk);
void mr_fetch_buffer_ref(mr_fetch_buffer *buffer);
void mr_fetch_buffer_unref(mr_fetch_buffer *buffer);  // Any thread, even after the client closed.

// What may be taken.
typedef struct mr_fetch_wish {
    uint64_t rows_max;
    uint64_t chunk_bytes;  // Larger batches are divided, if they are much larger.
    int64_t end;           // No record at or behind this offset.
} mr_fetch_wish;

typedef struct mr_fetch_seen {
    int64_t next;  // Below this offset everything was handed out, or holds nothing.
    bool at_end;   // Of what there is to read at present.
} mr_fetch_seen;

// The next chunk of a partition that was started; *ret NULL when none is there.
//   errors  MR_E_MISSING with the exact gap when the wished offset is gone, or that the topic is
//           another one
mr_code mr_fetch_take(mr_consume *consume, uint32_t partition, const mr_fetch_wish *wish,
                      mr_fetch_chunk **ret, mr_fetch_seen *ret_seen, mr_cx *cx);
// Whether chunks are taken; else messages are polled.
bool mr_fetch_is(const mr_consume *consume);
// Whether the native client knows all that was configured: no TLS, no SASL, no odd property.
bool mr_fetch_can(const mr_option_values *values, const char **ret_property);
mr_code mr_fetch_open(const mr_consume_options *options, mr_consume **ret, mr_cx *cx);
