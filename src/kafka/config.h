// Config: options of a server or table to a librdkafka configuration.
//
// Every librdkafka property can be given as "kafka.<name>"; those that decide where reading starts
// and what is committed are millrace's own and are refused.

#pragma once

#include <librdkafka/rdkafka.h>

#include "base/option.h"

typedef struct mr_config_options {
    const char *bootstrap_servers;
    const mr_option_values *values;  // Where "kafka.<name>" is looked for.
    // Called by librdkafka with self as opaque: an error that concerns the whole client.
    void (*on_error)(rd_kafka_t *client, int error, const char *reason, void *self);
    void *self;
} mr_config_options;

// errors  MR_E_OPTION at the option's place
mr_code mr_config_make(const mr_config_options *options, rd_kafka_conf_t **ret, mr_cx *cx);
