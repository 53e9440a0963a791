// Config: options of a server or table to a librdkafka configuration; see config.h.

#include "kafka/config.h"

#include <string.h>

#define CONFIG_PREFIX "kafka."

// What is set unless the user sets it. Queues are small: what waits in them is memory beside our
// own.
static const struct {
    const char *name;
    const char *value;
} defaults[] = {
    {"client.id", "millrace"},
    {"isolation.level", "read_committed"},
    {"queued.min.messages", "30000"},
    {"queued.max.messages.kbytes", "16384"},
    {"fetch.wait.max.ms", "100"},
    {"reconnect.backoff.ms", "100"},
    {"reconnect.backoff.max.ms", "5000"},
    {"socket.keepalive.enable", "true"},
};

// What a user may not set, and what to say instead.
static const struct {
    const char *name;
    const char *value;  // What it is set to; NULL = set elsewhere.
    const char *hint;
} fixed[] = {
    {"enable.auto.commit", "false", "Offsets are kept in the commit record of each epoch."},
    {"enable.auto.offset.store", "false", "Offsets are kept in the commit record of each epoch."},
    {"auto.offset.reset", "error", "Where reading begins is option starting_offsets."},
    {"enable.partition.eof", "true", "The end of a partition is how a bounded run ends."},
    {"allow.auto.create.topics", "false", "A missing topic is made with option partitions."},
    {"group.id", NULL, "The group is named after the pipeline, and only shows the offsets."},
    {"log_level", "0", "What the client has to say comes as an error."},
};

static mr_code set(rd_kafka_conf_t *conf, const char *name, const char *value, mr_place place,
                   mr_cx *cx) {
    char reason[256];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, reason, sizeof(reason));
    if (result == RD_KAFKA_CONF_OK) {
        return MR_OK;
    }
    if (result == RD_KAFKA_CONF_UNKNOWN) {
        return mr_fail_at(cx, MR_E_OPTION, place,
                          "The names are those of librdkafka's CONFIGURATION.md.",
                          "unknown Kafka property \"%s\"", name);
    }
    return mr_fail_at(cx, MR_E_OPTION, place, reason, "bad value \"%s\" for Kafka property \"%s\"",
                      value, name);
}

// Logs go nowhere: a library does not print, and what matters comes as an error.
static void drop_log(const rd_kafka_t *client, int level, const char *facility, const char *text) {
    (void)client;
    (void)level;
    (void)facility;
    (void)text;
}

static mr_code set_given(rd_kafka_conf_t *conf, const mr_option_values *values, mr_cx *cx) {
    for (size_t i = 0; i < values->count; i++) {
        const mr_option_value *value = &values->items[i];
        if (strncmp(value->name, CONFIG_PREFIX, strlen(CONFIG_PREFIX)) != 0) {
            continue;
        }
        const char *name = value->name + strlen(CONFIG_PREFIX);
        for (size_t f = 0; f < MR_COUNT(fixed); f++) {
            if (strcmp(fixed[f].name, name) == 0) {
                return mr_fail_at(cx, MR_E_OPTION, value->place, fixed[f].hint,
                                  "Kafka property \"%s\" cannot be set", name);
            }
        }
        MR_TRY(set(conf, name, value->value, value->place, cx));
    }
    return MR_OK;
}

static mr_code fill(rd_kafka_conf_t *conf, const mr_config_options *options, mr_cx *cx) {
    for (size_t i = 0; i < MR_COUNT(defaults); i++) {
        MR_TRY(set(conf, defaults[i].name, defaults[i].value, MR_NOWHERE, cx));
    }
    for (size_t i = 0; i < MR_COUNT(fixed); i++) {
        if (fixed[i].value != NULL) {
            MR_TRY(set(conf, fixed[i].name, fixed[i].value, MR_NOWHERE, cx));
        }
    }
    if (options->bootstrap_servers != NULL) {
        MR_TRY(set(conf, "bootstrap.servers", options->bootstrap_servers, MR_NOWHERE, cx));
    }
    return set_given(conf, options->values, cx);
}

mr_code mr_config_make(const mr_config_options *options, rd_kafka_conf_t **ret, mr_cx *cx) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    mr_code code = fill(conf, options, cx);
    if (code != MR_OK) {
        rd_kafka_conf_destroy(conf);
        return code;
    }
    rd_kafka_conf_set_log_cb(conf, drop_log);
    rd_kafka_conf_set_error_cb(conf, options->on_error);
    rd_kafka_conf_set_opaque(conf, options->self);
    *ret = conf;
    return MR_OK;
}
