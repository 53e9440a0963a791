// Group record: what groups write to __consumer_offsets, and how it is read back.
//
// The records are Kafka's own, so that tools which read that topic go on working: a key says which
// group, or which group, topic and partition; the value is its members and generation, or an
// offset; no value means that it is gone. Versions are those of Kafka 3.9 on one release level:
// OffsetCommitValue 3 (1 with an expiry), GroupMetadataValue 3.

#pragma once

#include "broker/group.h"
#include "codec/record_batch.h"

// Records on their way into one batch.
typedef struct mr_group_records {
    mr_text text;  // Records, in the caller's arena.
    uint32_t count;
    mr_cx *cx;
} mr_group_records;

// Each appends one record.  errors  MR_E_LIMIT for what has no form on the wire
mr_code mr_group_record_members(mr_group_records *records, const mr_group *group);
mr_code mr_group_record_gone(mr_group_records *records, mr_span group);
mr_code mr_group_record_offset(mr_group_records *records, mr_span group, mr_span topic,
                               const mr_group_offset *offset);
mr_code mr_group_record_offset_gone(mr_group_records *records, mr_span group, mr_span topic,
                                    int32_t partition);
// Of whom a batch is part of a transaction.
typedef struct mr_group_producer {
    int64_t id;  // -1 = of nobody.
    int16_t epoch;
} mr_group_producer;
// Appends the batch of all records.
mr_code mr_group_record_batch(const mr_group_records *records, mr_group_producer producer,
                              int64_t wall_ms, mr_text *out);

typedef enum mr_group_record_kind {
    MR_GROUP_RECORD_OTHER,  // Of a kind that is not known: kept, not read.
    MR_GROUP_RECORD_MEMBERS,
    MR_GROUP_RECORD_OFFSET,
} mr_group_record_kind;

typedef struct mr_group_record {
    mr_group_record_kind kind;
    bool gone;
    mr_span group;
    mr_span topic;           // Of an offset.
    mr_group_offset offset;  // Its partition also when it is gone.
    mr_group *members;       // A new group, the caller's; NULL when it is gone.
} mr_group_record;

// Spans are borrowed from the record and cx->arena.  errors  MR_E_CORRUPT, MR_E_UNSUPPORTED
mr_code mr_group_record_read(const mr_record *record, mr_group_record *ret, mr_cx *cx);
