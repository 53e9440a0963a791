// Configs: what can be set for topics and for the broker, with Kafka's names, rules and words.
//
// How: one row a config (configs_topic.h, configs_broker.h) is the parser, the checker, and what
// DescribeConfigs tells. A topic's own settings are with the topic (topics.h); what was altered for
// the broker while it ran is here, in <dir>/configs. A value is found like this, the first that is
// set: topic, broker 1, all brokers, millrace.yaml, default.
// Threads: any.
//
// Also: mr_topics_

#pragma once

#include "broker/topics.h"

typedef enum mr_config_type {  // Kafka's numbers.
    MR_CONFIG_BOOLEAN = 1,
    MR_CONFIG_STRING = 2,
    MR_CONFIG_INT = 3,
    MR_CONFIG_SHORT = 4,
    MR_CONFIG_LONG = 5,
    MR_CONFIG_DOUBLE = 6,
    MR_CONFIG_LIST = 7,
    MR_CONFIG_CLASS = 8,
    MR_CONFIG_PASSWORD = 9,
} mr_config_type;

typedef enum mr_config_source {  // Kafka's numbers.
    MR_CONFIG_OF_TOPIC = 1,
    MR_CONFIG_OF_BROKER = 2,   // Altered for this node.
    MR_CONFIG_OF_BROKERS = 3,  // Altered for all nodes.
    MR_CONFIG_OF_FILE = 4,     // millrace.yaml.
    MR_CONFIG_OF_DEFAULT = 5,
} mr_config_source;

typedef struct mr_config {
    const char *name;
    mr_config_type type;
    const char *value;    // Default; NULL = none.
    const char *synonym;  // Of a topic's: the broker's config that is its default, or NULL.
    const char *choices;  // Of strings and lists, with commas, or NULL.
    double least;
    double greatest;
    const char *doc;
    bool read_only;  // Of the broker's.
} mr_config;

typedef enum mr_config_kind { MR_CONFIGS_OF_TOPICS, MR_CONFIGS_OF_BROKERS } mr_config_kind;

const mr_config *mr_configs_list(mr_config_kind kind, size_t *ret_count);  // By name.
const mr_config *mr_configs_find(mr_config_kind kind, mr_span name);       // NULL: there is none.

typedef struct mr_configs mr_configs;

//   errors  MR_E_CORRUPT
mr_code mr_configs_open(const char *dir, const mr_broker_settings *settings, mr_configs **ret,
                        mr_cx *cx);
void mr_configs_close(mr_configs *configs);  // Takes NULL.

// ---- values ----------------------------------------------------------------------------------

typedef struct mr_config_origin {
    const char *name;
    const char *value;
    mr_config_source source;
} mr_config_origin;

typedef struct mr_config_value {
    const char *value;  // NULL = null.
    mr_config_source source;
    mr_config_origin origins[5];  // Kafka's synonyms: what is set where, the one that holds first.
    uint32_t origin_count;
} mr_config_value;

// A list of a topic's settings, or of what is altered for a node.
typedef struct mr_config_set {
    const mr_topic_setting *items;
    uint32_t count;
} mr_config_set;

// What is set for a topic, in cx->arena.
mr_config_set mr_topics_settings(mr_topics *topics, const mr_topic *topic, mr_cx *cx);
mr_configs *mr_topics_configs(const mr_topics *topics);

// In cx->arena. broker_wide: as of all brokers, not of this node.
mr_config_value mr_configs_topic_value(mr_configs *configs, const mr_config *config,
                                       mr_config_set own, mr_cx *cx);
mr_config_value mr_configs_broker_value(mr_configs *configs, const mr_config *config,
                                        bool broker_wide, mr_cx *cx);
// What a log of a topic with these settings acts by.
void mr_configs_log(mr_configs *configs, mr_config_set own, mr_log_config *ret, mr_cx *cx);

// ---- changes ---------------------------------------------------------------------------------

typedef enum mr_config_op {  // Kafka's numbers.
    MR_CONFIG_SET,
    MR_CONFIG_DELETE,
    MR_CONFIG_APPEND,
    MR_CONFIG_SUBTRACT,
} mr_config_op;

typedef struct mr_config_change {
    mr_span name;
    mr_config_op op;
    mr_span value;  // data NULL = null.
} mr_config_change;

typedef struct mr_config_changes {
    mr_config_kind kind;
    const mr_config_change *items;
    uint32_t count;
    bool replace;        // What is not named goes (AlterConfigs).
    bool validate_only;  // For those that also store.
} mr_config_changes;

// What a set becomes by changes; in cx->arena. ret_outcome has Kafka's error when they are not
// allowed, with *ret unchanged.
void mr_configs_change(const mr_config_changes *changes, mr_config_set now, mr_config_set *ret,
                       mr_outcome *ret_outcome, mr_cx *cx);
// Changes what is altered for this node, or for all brokers; durable when it returns.
mr_code mr_configs_alter_broker(mr_configs *configs, const mr_config_changes *changes,
                                bool broker_wide, mr_outcome *ret_outcome, mr_cx *cx);
// Changes a topic's settings; durable, and its logs act by them, when it returns.
mr_code mr_topics_alter(mr_topics *topics, mr_topic *topic, const mr_config_changes *changes,
                        mr_outcome *ret_outcome, mr_cx *cx);
