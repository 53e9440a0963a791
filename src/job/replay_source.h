// Replay source: records that were kept, as a source: each with the place it came from.
//
// A file of records takes the place of a table's connector. Records of one topic and partition are
// one partition here, in the order of the file, so what becomes bad again is listed with its true
// origin. Positions are indexes into the partition.

#pragma once

#include "base/text.h"
#include "port/source.h"

typedef struct mr_replay_record {
    const char *topic;
    int32_t partition;
    int64_t offset;
    const char *query;  // That it was late for; "" = all.
    mr_span raw;
} mr_replay_record;

// The bytes of a file of records, and its reader.  errors  MR_E_CORRUPT
void mr_replay_source_encode(const mr_replay_record *records, uint32_t count, mr_text *out);
mr_code mr_replay_source_decode(const char *path, mr_span bytes, mr_replay_record **ret,
                                uint32_t *ret_count, mr_cx *cx);

// Option: path, of the file.
extern const mr_source_type mr_replay_source;
