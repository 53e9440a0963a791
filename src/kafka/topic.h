// Topic: the one topic of a cluster that a source or sink is about, made when it is missing.

#pragma once

#include "kafka/cluster.h"

typedef struct mr_topic_wish {
    int32_t partitions;    // -1 = the broker's default.
    const char *settings;  // "key=value, key=value", or NULL.
    int64_t deadline_us;   // Monotonic.
} mr_topic_wish;

// Refreshes the cluster until its topic and all leaders are known; makes the topic when there is
// none.  errors  MR_E_NETWORK, MR_E_TIMEOUT, MR_E_OPTION for settings that the cluster refuses,
//        MR_E_PERMISSION
mr_code mr_topic_obtain(mr_cluster *cluster, const mr_topic_wish *wish, mr_cx *cx);
// What a Kafka error about the cluster's topic is here.
mr_code mr_topic_refused(const mr_cluster *cluster, int16_t error, mr_cx *cx);
