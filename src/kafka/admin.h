// Admin: what is asked of a cluster about topics, and making them.

#pragma once

#include <librdkafka/rdkafka.h>

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_admin_topic {
    const char *name;
    int32_t partitions;  // -1 = the broker's default.
    const char *config;  // "key=value, key=value", or NULL.
} mr_admin_topic;

// errors  MR_E_VALUE for a name that Kafka does not take
mr_code mr_admin_check_name(const char *topic, mr_cx *cx);
// Number of partitions; 0 when the topic does not exist.  errors  MR_E_NETWORK, MR_E_PERMISSION
mr_code mr_admin_partitions(rd_kafka_t *client, const char *topic, int64_t timeout_us,
                            uint32_t *ret, mr_cx *cx);
// Makes a topic and waits until its partitions have leaders. One that is there already is fine.
mr_code mr_admin_create(rd_kafka_t *client, const mr_admin_topic *topic, int64_t timeout_us,
                        mr_cx *cx);
// The error that fits one of librdkafka's.
mr_code mr_admin_code(rd_kafka_resp_err_t error);
