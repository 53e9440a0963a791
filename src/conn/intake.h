// Intake: the half of a source's reader that all sources share: from raw records to batches.
//
// How: the decoder gives the columns that come from the value; the record's own (topic, partition,
// offset, timestamp, key, headers) are filled here; batches are cut to the size asked for.
// Threads: an intake belongs to one reader.

#pragma once

#include "codec/json.h"
#include "conn/pool.h"
#include "port/source.h"

typedef struct mr_intake {
    const mr_source_spec *spec;
    mr_json *json;
    mr_pool *pool;
} mr_intake;

// Where a chunk's records are from. Arrays are by record (not by row) and may be NULL.
typedef struct mr_intake_from {
    const char *topic;  // Topic or path; lives as long as the source.
    int32_t partition;
    uint32_t partition_index;
    int64_t timestamp_us;        // Of all records when `timestamps` is NULL.
    const int64_t *timestamps;   // Microseconds; INT64_MIN = none.
    const mr_str *keys;          // data NULL = NULL.
    const mr_str *headers;       // JSON text; data NULL = NULL.
    const mr_bad_record *extra;  // More bad records, behind all others.
    uint32_t extra_count;
} mr_intake_from;

// Refuses what no reader can give: a column of the record with a type it cannot have. Called in
// open.
mr_code mr_intake_check(const mr_source_spec *spec, mr_cx *cx);
mr_code mr_intake_open(mr_intake *intake, const mr_source_spec *spec, mr_cx *cx);
// Decodes records that lie in the buffer of ret->hold, and fills ret->decoded.
mr_code mr_intake_decode(mr_intake *intake, const mr_records *records, const mr_intake_from *from,
                         mr_chunk *ret, mr_cx *cx);
void mr_intake_close(mr_intake *intake);  // Takes a zeroed one.
