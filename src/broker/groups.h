// Groups: the coordinator of classic consumer groups, and the offsets that are committed.
//
// State is in memory and, with Kafka's own records, in __consumer_offsets, from which it is read at
// the start; an answer that promises a commit is sent when its record is durable.

#pragma once

#include "broker/topics.h"

mr_code mr_groups_open(mr_broker *broker, mr_groups **ret, mr_cx *cx);
void mr_groups_close(mr_groups *groups, mr_cx *cx);  // Takes NULL.
// Makes __consumer_offsets if it is missing, which takes syncs; then the partition stays.
//   ret     a mr_kafka_error
int16_t mr_groups_ready(mr_groups *groups, mr_cx *cx);
bool mr_groups_is_ready(mr_groups *groups);
// Sessions, rebalances, expired offsets that are due; returns when to come back (monotonic).
int64_t mr_groups_turn(mr_groups *groups, int64_t now_us, mr_cx *cx);
// The partition of __consumer_offsets that holds a group: where a transaction's marker must go.
int32_t mr_groups_partition(const mr_groups *groups, mr_span group);
// A producer's transaction ended: its pending offsets become the group's, or go. Called after its
// marker was appended to __consumer_offsets.
void mr_groups_end_transaction(mr_groups *groups, int64_t producer_id, bool commit, mr_cx *cx);
// A topic was deleted: its offsets go.
void mr_groups_forget_topic(mr_groups *groups, mr_span topic, mr_cx *cx);
