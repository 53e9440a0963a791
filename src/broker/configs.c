// Configs: what can be set for topics and for the broker; see configs.h.

#include "broker/configs.h"

#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "broker/configs_broker.h"
#include "broker/configs_topic.h"
#include "broker/ledger.h"
#include "codec/compress.h"

#define LIMITS(a, b) .least = a, .greatest = b
#define R            true
#define D            false

static const mr_config topic_configs[] = {
#define TOPIC_ROW(name_, type_, value_, synonym_, choices_, limits_, doc_) \
    {.name = name_,                                                        \
     .type = MR_CONFIG_##type_,                                            \
     .value = value_,                                                      \
     .synonym = synonym_,                                                  \
     .choices = choices_,                                                  \
     .doc = doc_,                                                          \
     LIMITS limits_},
    MR_TOPIC_CONFIGS(TOPIC_ROW)};

static const mr_config broker_configs[] = {
#define BROKER_ROW(name_, type_, value_, read_only_, choices_, limits_, doc_) \
    {.name = name_,                                                           \
     .type = MR_CONFIG_##type_,                                               \
     .value = value_,                                                         \
     .read_only = read_only_,                                                 \
     .choices = choices_,                                                     \
     .doc = doc_,                                                             \
     LIMITS limits_},
    MR_BROKER_CONFIGS(BROKER_ROW)};

struct mr_configs {
    const char *path;
    mr_mutex mutex;         // Of what follows.
    mr_arena arena;         // Of the object and of millrace.yaml's.
    mr_config_set file;     // From millrace.yaml.
    mr_config_set set[2];   // Altered: for this node, for all brokers.
    mr_arena *changed_now;  // What `set` is in; replaced as a whole.
};

enum { SET_NODE, SET_BROKERS };

const mr_config *mr_configs_list(mr_config_kind kind, size_t *ret_count) {
    bool topics = kind == MR_CONFIGS_OF_TOPICS;
    *ret_count = topics ? MR_COUNT(topic_configs) : MR_COUNT(broker_configs);
    return topics ? topic_configs : broker_configs;
}

const mr_config *mr_configs_find(mr_config_kind kind, mr_span name) {
    size_t count;
    const mr_config *list = mr_configs_list(kind, &count);
    for (size_t i = 0; i < count; i++) {
        if (mr_span_is(name, list[i].name)) {
            return &list[i];
        }
    }
    return NULL;
}

static const char *set_value(mr_config_set set, const char *name) {
    for (uint32_t i = 0; i < set.count; i++) {
        if (strcmp(set.items[i].name, name) == 0) {
            return set.items[i].value;
        }
    }
    return NULL;
}

static mr_config_set set_copy(mr_config_set set, mr_arena *arena) {
    mr_topic_setting *items = MR_NEW_ARRAY(arena, mr_topic_setting, set.count);
    for (uint32_t i = 0; i < set.count; i++) {
        items[i].name = mr_arena_string(arena, set.items[i].name);
        items[i].value = mr_arena_string(arena, set.items[i].value);
    }
    return (mr_config_set){items, set.count};
}

// ---- millrace.yaml ---------------------------------------------------------------------------

typedef struct file_set {
    mr_topic_setting items[32];
    uint32_t count;
    mr_arena *arena;
} file_set;

static void file_put(file_set *set, const char *name, const char *value) {
    const mr_config *config = mr_configs_find(MR_CONFIGS_OF_BROKERS, mr_span_of(name));
    mr_assert(config != NULL && set->count < MR_COUNT(set->items));
    if (value == NULL || (config->value != NULL && strcmp(config->value, value) == 0)) {
        return;  // As Kafka's default: nobody set it.
    }
    set->items[set->count++] = (mr_topic_setting){config->name, value};
}

static void file_int(file_set *set, const char *name, int64_t value) {
    file_put(set, name, mr_arena_printf(set->arena, "%" PRId64, value));
}

static mr_config_set file_of(const mr_broker_settings *s, const char *dir, mr_arena *arena) {
    file_set set = {.arena = arena};
    file_put(&set, "log.dirs", mr_arena_string(arena, dir));
    file_int(&set, "broker.id", MR_BROKER_NODE);
    file_int(&set, "node.id", MR_BROKER_NODE);
    file_put(&set, "process.roles", "broker,controller");
    file_put(&set, "listeners", s->listen);
    file_put(&set, "advertised.listeners", s->advertise);
    file_put(&set, "auto.create.topics.enable", s->auto_create_topics ? "true" : "false");
    file_int(&set, "num.partitions", s->num_partitions);
    file_put(&set, "millrace.durability", s->durability);
    file_int(&set, "socket.request.max.bytes", (int64_t)s->request_bytes_max);
    file_int(&set, "queued.max.request.bytes", (int64_t)s->queue_bytes_max);
    file_int(&set, "max.connections", s->connections_max);
    file_int(&set, "max.incremental.fetch.session.cache.slots", s->fetch_sessions_max);
    file_put(&set, "ssl.principal.mapping.rules", s->tls_principal_mapping_rules);
    file_int(&set, "connections.max.idle.ms", s->idle_timeout_us / 1000);
    file_int(&set, "offsets.retention.minutes", s->offsets_retention_us / 60000000);
    file_int(&set, "group.initial.rebalance.delay.ms", s->group_initial_rebalance_delay_us / 1000);
    file_int(&set, "group.max.size", s->group_members_max);
    file_int(&set, "group.min.session.timeout.ms", s->group_session_min_us / 1000);
    file_int(&set, "group.max.session.timeout.ms", s->group_session_max_us / 1000);
    file_int(&set, "transaction.max.timeout.ms", s->transaction_timeout_max_us / 1000);
    file_int(&set, "transactional.id.expiration.ms", s->transactional_id_expiration_us / 1000);
    file_int(&set, "log.flush.interval.ms", s->flush_interval_us / 1000);
    file_int(&set, "log.retention.check.interval.ms", s->retention_check_us / 1000);
    file_put(&set, "offsets.topic.replication.factor", "1");
    file_put(&set, "transaction.state.log.replication.factor", "1");
    file_put(&set, "transaction.state.log.min.isr", "1");
    return set_copy((mr_config_set){set.items, set.count}, arena);
}

// ---- open and store --------------------------------------------------------------------------

static mr_code load(mr_configs *configs, mr_cx *cx) {
    mr_ledger_row *rows = NULL;
    uint32_t row_count = 0;
    mr_code code = mr_ledger_load(configs->path, "configs", &rows, &row_count, cx);
    if (code == MR_E_MISSING) {
        return MR_OK;
    }
    MR_TRY(code);
    mr_topic_setting *items[2];
    uint32_t counts[2] = {0};
    for (int s = 0; s < 2; s++) {
        items[s] = MR_NEW_ARRAY(configs->changed_now, mr_topic_setting, row_count);
    }
    for (uint32_t r = 0; r < row_count; r++) {
        if (rows[r].count != 4 || !mr_span_is(rows[r].words[0], "broker")) {
            return mr_fail(cx, MR_E_CORRUPT, "Put back a copy of it.",
                           "\"%s\" line %u is no config", configs->path, r + 2);
        }
        int s = rows[r].words[1].bytes > 0 ? SET_NODE : SET_BROKERS;
        items[s][counts[s]++] = (mr_topic_setting){
            mr_arena_string(configs->changed_now, rows[r].words[2].data),
            mr_arena_string(configs->changed_now, rows[r].words[3].data),
        };
    }
    for (int s = 0; s < 2; s++) {
        configs->set[s] = (mr_config_set){items[s], counts[s]};
    }
    return MR_OK;
}

mr_code mr_configs_open(const char *dir, const mr_broker_settings *settings, mr_configs **ret,
                        mr_cx *cx) {
    mr_configs *configs = mr_heap_alloc(sizeof(*configs));
    configs->path = mr_arena_printf(&configs->arena, "%s/configs", dir);
    configs->file = file_of(settings, dir, &configs->arena);
    configs->changed_now = mr_heap_alloc(sizeof(mr_arena));
    mr_mutex_init(&configs->mutex);
    mr_code code = load(configs, cx);
    if (code != MR_OK) {
        mr_configs_close(configs);
        return code;
    }
    *ret = configs;
    return MR_OK;
}

void mr_configs_close(mr_configs *configs) {
    if (configs == NULL) {
        return;
    }
    mr_mutex_release(&configs->mutex);
    mr_arena_release(configs->changed_now);
    mr_heap_free(configs->changed_now);
    mr_arena_release(&configs->arena);
    mr_heap_free(configs);
}

static mr_code store(mr_configs *configs, const mr_config_set set[2], mr_cx *cx) {
    static const char *const names[2] = {"1", ""};
    mr_ledger ledger;
    mr_ledger_begin(&ledger, "configs", cx);
    for (int s = 0; s < 2; s++) {
        for (uint32_t i = 0; i < set[s].count; i++) {
            mr_ledger_row_begin(&ledger, "broker");
            mr_ledger_word(&ledger, mr_span_of(names[s]));
            mr_ledger_word(&ledger, mr_span_of(set[s].items[i].name));
            mr_ledger_word(&ledger, mr_span_of(set[s].items[i].value));
        }
    }
    return mr_ledger_save(&ledger, configs->path, cx);
}

mr_code mr_configs_alter_broker(mr_configs *configs, const mr_config_changes *changes,
                                bool broker_wide, mr_outcome *ret_outcome, mr_cx *cx) {
    int which = broker_wide ? SET_BROKERS : SET_NODE;
    mr_mutex_lock(&configs->mutex);
    mr_config_set next[2] = {configs->set[0], configs->set[1]};
    mr_configs_change(changes, next[which], &next[which], ret_outcome, cx);
    mr_code code = MR_OK;
    if (ret_outcome->error == MR_KAFKA_NONE && !changes->validate_only) {
        code = store(configs, next, cx);
        if (code == MR_OK) {
            mr_arena *now = mr_heap_alloc(sizeof(mr_arena));
            for (int s = 0; s < 2; s++) {
                configs->set[s] = set_copy(next[s], now);
            }
            mr_arena_release(configs->changed_now);
            mr_heap_free(configs->changed_now);
            configs->changed_now = now;
        }
    }
    mr_mutex_unlock(&configs->mutex);
    return code;
}

// ---- values ----------------------------------------------------------------------------------

static void add_origin(mr_config_value *to, const char *name, const char *value,
                       mr_config_source source) {
    if (value == NULL) {
        return;
    }
    mr_assert(to->origin_count < MR_COUNT(to->origins));
    to->origins[to->origin_count++] = (mr_config_origin){name, value, source};
}

// What is set for the broker under this name, but for the default.
static void add_broker(mr_configs *configs, const char *name, bool broker_wide, mr_config_value *to,
                       mr_cx *cx) {
    mr_mutex_lock(&configs->mutex);
    for (int s = broker_wide ? SET_BROKERS : SET_NODE; s <= SET_BROKERS; s++) {
        const char *value = set_value(configs->set[s], name);
        add_origin(to, name, value == NULL ? NULL : mr_arena_string(cx->arena, value),
                   s == SET_NODE ? MR_CONFIG_OF_BROKER : MR_CONFIG_OF_BROKERS);
    }
    mr_mutex_unlock(&configs->mutex);
    if (!broker_wide) {
        add_origin(to, name, set_value(configs->file, name), MR_CONFIG_OF_FILE);
    }
}

// Defaults that the broker has in another unit. Kafka tells them behind what is set, and not alone.
typedef struct unit_default {
    const char *topic;
    const char *name;
    const char *value;
} unit_default;

static const unit_default *unit_default_of(const char *topic_config) {
    static const unit_default list[] = {
        {"retention.ms", "log.retention.hours", "168"},
        {"segment.ms", "log.roll.hours", "168"},
        {"segment.jitter.ms", "log.roll.jitter.hours", "0"},
    };
    for (size_t i = 0; i < MR_COUNT(list); i++) {
        if (strcmp(list[i].topic, topic_config) == 0) {
            return &list[i];
        }
    }
    return NULL;
}

mr_config_value mr_configs_topic_value(mr_configs *configs, const mr_config *config,
                                       mr_config_set own, mr_cx *cx) {
    mr_config_value ret = {.value = config->value, .source = MR_CONFIG_OF_DEFAULT};
    add_origin(&ret, config->name, set_value(own, config->name), MR_CONFIG_OF_TOPIC);
    uint32_t own_count = ret.origin_count;
    if (config->synonym != NULL) {
        add_broker(configs, config->synonym, /* broker_wide= */ false, &ret, cx);
    }
    if (ret.origin_count > 0) {
        ret.value = ret.origins[0].value;
        ret.source = ret.origins[0].source;
    }
    const unit_default *other = unit_default_of(config->name);
    if (other == NULL && config->synonym != NULL) {
        add_origin(&ret, config->synonym, config->value, MR_CONFIG_OF_DEFAULT);
    } else if (other != NULL && ret.origin_count > own_count) {
        add_origin(&ret, other->name, other->value, MR_CONFIG_OF_DEFAULT);
    }
    return ret;
}

mr_config_value mr_configs_broker_value(mr_configs *configs, const mr_config *config,
                                        bool broker_wide, mr_cx *cx) {
    mr_config_value ret = {.value = NULL, .source = MR_CONFIG_OF_DEFAULT};
    add_broker(configs, config->name, broker_wide, &ret, cx);
    if (!broker_wide) {
        add_origin(&ret, config->name, config->value, MR_CONFIG_OF_DEFAULT);
    }
    if (ret.origin_count > 0) {
        ret.value = ret.origins[0].value;
        ret.source = ret.origins[0].source;
    }
    return ret;
}

// ---- what a log acts by ----------------------------------------------------------------------

typedef struct reader {
    mr_configs *configs;
    mr_config_set own;
    mr_cx *cx;
} reader;

static const char *read_text(const reader *r, const char *name) {
    const mr_config *config = mr_configs_find(MR_CONFIGS_OF_TOPICS, mr_span_of(name));
    mr_assert(config != NULL);
    return mr_configs_topic_value(r->configs, config, r->own, r->cx).value;
}

static int64_t read_int(const reader *r, const char *name) {
    int64_t value = 0;
    bool ok = mr_text_parse_int64(mr_span_trim(mr_span_of(read_text(r, name))), &value);
    mr_assert(ok);  // It was checked when it was set.
    return value;
}

static bool read_is(const reader *r, const char *name, const char *value) {
    return mr_span_equal_nocase(mr_span_trim(mr_span_of(read_text(r, name))), mr_span_of(value));
}

static int compression_of(const char *name) {
    static const struct {
        const char *name;
        int value;
    } known[] = {{"uncompressed", MR_COMPRESS_NONE},
                 {"gzip", MR_COMPRESS_GZIP},
                 {"snappy", MR_COMPRESS_SNAPPY},
                 {"lz4", MR_COMPRESS_LZ4},
                 {"zstd", MR_COMPRESS_ZSTD}};
    for (size_t i = 0; i < MR_COUNT(known); i++) {
        if (strcmp(known[i].name, name) == 0) {
            return known[i].value;
        }
    }
    return MR_LOG_COMPRESSION_PRODUCER;
}

static bool list_has(const char *list, const char *word) {
    size_t bytes = strlen(word);
    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == list || at[-1] == ',' || at[-1] == ' ') &&
            (at[bytes] == '\0' || at[bytes] == ',' || at[bytes] == ' ')) {
            return true;
        }
    }
    return false;
}

void mr_configs_log(mr_configs *configs, mr_config_set own, mr_log_config *ret, mr_cx *cx) {
    reader r = {configs, own, cx};
    mr_log_config_default(ret);
    ret->segment_bytes = (uint64_t)read_int(&r, "segment.bytes");
    ret->segment_ms = read_int(&r, "segment.ms");
    ret->segment_jitter_ms = read_int(&r, "segment.jitter.ms");
    ret->index_interval_bytes = (uint64_t)read_int(&r, "index.interval.bytes");
    ret->segment_index_bytes = (uint64_t)read_int(&r, "segment.index.bytes");
    ret->retention_ms = read_int(&r, "retention.ms");
    ret->retention_bytes = MR_MAX(-1, read_int(&r, "retention.bytes"));
    ret->cleanup_delete = list_has(read_text(&r, "cleanup.policy"), "delete");
    ret->cleanup_compact = list_has(read_text(&r, "cleanup.policy"), "compact");
    ret->delete_retention_ms = read_int(&r, "delete.retention.ms");
    ret->min_compaction_lag_ms = read_int(&r, "min.compaction.lag.ms");
    ret->max_compaction_lag_ms = read_int(&r, "max.compaction.lag.ms");
    bool ok = mr_text_parse_double(mr_span_of(read_text(&r, "min.cleanable.dirty.ratio")),
                                   &ret->min_cleanable_dirty_ratio);
    mr_assert(ok);
    ret->file_delete_delay_ms = read_int(&r, "file.delete.delay.ms");
    ret->max_message_bytes = (uint64_t)read_int(&r, "max.message.bytes");
    ret->compression = compression_of(read_text(&r, "compression.type"));
    ret->timestamp_append = read_is(&r, "message.timestamp.type", "LogAppendTime");
    ret->timestamp_before_max_ms = read_int(&r, "message.timestamp.before.max.ms");
    ret->timestamp_after_max_ms = read_int(&r, "message.timestamp.after.max.ms");
    int64_t difference = read_int(&r, "message.timestamp.difference.max.ms");
    ret->timestamp_before_max_ms = MR_MIN(ret->timestamp_before_max_ms, difference);
    ret->timestamp_after_max_ms = MR_MIN(ret->timestamp_after_max_ms, difference);
    ret->preallocate = read_is(&r, "preallocate", "true");
    ret->fsync = read_is(&r, "millrace.durability", "fsync");
    const mr_config *expiration =
        mr_configs_find(MR_CONFIGS_OF_BROKERS, MR_SPAN("producer.id.expiration.ms"));
    const char *value = mr_configs_broker_value(configs, expiration, false, cx).value;
    ok = mr_text_parse_int64(mr_span_of(value), &ret->producer_id_expiration_ms);
    mr_assert(ok);
}
