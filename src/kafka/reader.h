// Reader: the records of a topic, one after the other, for people and scripts.
//
// How: on our own client (kafka/fetch.h), which receives in the background; records come partition
// by partition as they arrive, each partition in order. With a group, the partitions are those that
// the group gives us, or those that are named, and its offsets are committed. Threads: one.

#pragma once

#include "kafka/control_group.h"

typedef struct mr_reader mr_reader;

typedef enum mr_reader_from {
    MR_READER_EARLIEST,
    MR_READER_LATEST,
    MR_READER_OFFSET,  // `number`; < 0: so many before the end.
    MR_READER_TIME,    // `number`: milliseconds since 1970.
} mr_reader_from;

typedef struct mr_reader_options {
    const char *servers;
    const char *topic;
    const char *group;          // NULL = none.
    const int32_t *partitions;  // NULL = all; with a group: what it gives us.
    uint32_t partition_count;
    mr_reader_from from;  // With a group: where it has committed nothing.
    int64_t number;
    bool follow;         // Goes on behind the end.
    bool uncommitted;    // Records of open and aborted transactions too.
    bool commit_late;    // Only mr_reader_commit commits.
    int64_t timeout_us;  // To connect.
} mr_reader_options;

typedef struct mr_reader_record {
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;  // -1 = none.
    mr_span key;           // data NULL = null, as value.
    mr_span value;
    mr_text headers;  // [{"key":"k","value":"v"}]; empty = none.
} mr_reader_record;

// The control must live longer.  errors  MR_E_MISSING: there is no such topic
mr_code mr_reader_open(mr_control *control, const mr_reader_options *options, mr_reader **ret,
                       mr_cx *cx);
// The next record, valid until the next call; waits at most timeout_us. NULL: none in that time, or
// with *ret_end no more, since all partitions are read to where they ended at the start. With a
// group, records are only committed after a NULL: then the caller is to be done with them.
mr_code mr_reader_next(mr_reader *reader, int64_t timeout_us, const mr_reader_record **ret,
                       bool *ret_end, mr_cx *cx);
// Commits what was read before the last call of next, for the group. Nothing without one.
mr_code mr_reader_commit(mr_reader *reader, mr_cx *cx);
void mr_reader_close(mr_reader *reader, mr_cx *cx);  // Leaves the group. Takes NULL.
