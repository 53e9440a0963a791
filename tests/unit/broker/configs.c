// Configs: Kafka's defaults and rules, and what is set where.

#include "runner.h"

#include <string.h>

#include "broker/configs.h"
#include "plat/sim.h"

typedef struct rig {
    mr_arena arena;
    mr_plat *plat;
    mr_cx cx;
    mr_configs *configs;
    mr_broker_settings settings;
    mr_config_set set;  // What `change` changes.
} rig;

static void rig_init(rig *r) {
    memset(r, 0, sizeof(*r));
    r->plat = mr_sim_new(3);
    mr_cx_init(&r->cx, &r->arena, r->plat);
    mr_option_values none = {NULL, 0};
    REQUIRE_OK(mr_option_apply_keys(mr_broker_options, &none, &r->settings, &r->cx));
    REQUIRE_OK(mr_dir_make("d", &r->cx));
    REQUIRE_OK(mr_configs_open("d", &r->settings, &r->configs, &r->cx));
}

static void rig_release(rig *r) {
    mr_configs_close(r->configs);
    mr_sim_free(r->plat);
    mr_arena_release(&r->arena);
}

static mr_outcome change(rig *r, mr_config_kind kind, const char *name, mr_config_op op,
                         const char *value) {
    mr_config_change item = {mr_span_of(name), op, mr_span_of(value)};
    mr_config_changes changes = {.kind = kind, .items = &item, .count = 1};
    mr_outcome outcome;
    mr_configs_change(&changes, r->set, &r->set, &outcome, &r->cx);
    return outcome;
}

static const mr_config_set empty = {NULL, 0};

TEST(configs, every_default_is_allowed_by_its_own_row) {
    rig r;
    rig_init(&r);
    for (int kind = 0; kind < 2; kind++) {
        size_t count;
        const mr_config *list = mr_configs_list((mr_config_kind)kind, &count);
        EXPECT(count > 30);
        for (size_t i = 0; i < count; i++) {
            r.set = empty;
            EXPECT(i == 0 || strcmp(list[i - 1].name, list[i].name) < 0);
            EXPECT(list[i].doc[strlen(list[i].doc) - 1] == '.');
            if (list[i].value == NULL || list[i].read_only) {
                continue;
            }
            mr_outcome outcome =
                change(&r, (mr_config_kind)kind, list[i].name, MR_CONFIG_SET, list[i].value);
            EXPECT_EQ(outcome.error, MR_KAFKA_NONE);
        }
    }
    // What a topic falls back to is a config of the broker.
    size_t count;
    const mr_config *list = mr_configs_list(MR_CONFIGS_OF_TOPICS, &count);
    for (size_t i = 0; i < count; i++) {
        EXPECT(list[i].synonym == NULL ||
               mr_configs_find(MR_CONFIGS_OF_BROKERS, mr_span_of(list[i].synonym)) != NULL);
    }
    rig_release(&r);
}

TEST(configs, a_log_without_settings_acts_as_kafka) {
    rig r;
    rig_init(&r);
    mr_log_config want, got;
    mr_log_config_default(&want);
    mr_configs_log(r.configs, empty, &got, &r.cx);
    EXPECT_EQ(got.segment_bytes, want.segment_bytes);
    EXPECT_EQ(got.segment_ms, want.segment_ms);
    EXPECT_EQ(got.segment_jitter_ms, want.segment_jitter_ms);
    EXPECT_EQ(got.index_interval_bytes, want.index_interval_bytes);
    EXPECT_EQ(got.segment_index_bytes, want.segment_index_bytes);
    EXPECT_EQ(got.retention_ms, want.retention_ms);
    EXPECT_EQ(got.retention_bytes, want.retention_bytes);
    EXPECT_EQ(got.cleanup_delete, want.cleanup_delete);
    EXPECT_EQ(got.cleanup_compact, want.cleanup_compact);
    EXPECT_EQ(got.delete_retention_ms, want.delete_retention_ms);
    EXPECT_EQ(got.min_compaction_lag_ms, want.min_compaction_lag_ms);
    EXPECT_EQ(got.max_compaction_lag_ms, want.max_compaction_lag_ms);
    EXPECT_EQ(got.file_delete_delay_ms, want.file_delete_delay_ms);
    EXPECT_EQ(got.max_message_bytes, want.max_message_bytes);
    EXPECT_EQ(got.compression, want.compression);
    EXPECT_EQ(got.timestamp_append, want.timestamp_append);
    EXPECT_EQ(got.timestamp_before_max_ms, want.timestamp_before_max_ms);
    EXPECT_EQ(got.timestamp_after_max_ms, want.timestamp_after_max_ms);
    EXPECT_EQ(got.preallocate, want.preallocate);
    EXPECT_EQ(got.fsync, want.fsync);
    EXPECT_EQ(got.producer_id_expiration_ms, want.producer_id_expiration_ms);
    EXPECT(got.min_cleanable_dirty_ratio == want.min_cleanable_dirty_ratio);
    rig_release(&r);
}

static void refused(rig *r, const char *name, const char *value, const char *reason) {
    r->set = empty;
    mr_outcome outcome = change(r, MR_CONFIGS_OF_TOPICS, name, MR_CONFIG_SET, value);
    EXPECT_EQ(outcome.error, MR_KAFKA_INVALID_CONFIG);
    EXPECT_STR(outcome.reason, reason);
    EXPECT_EQ(r->set.count, 0);
}

TEST(configs, refusals_have_kafkas_words) {
    rig r;
    rig_init(&r);
    refused(&r, "foo", "1", "Unknown topic config name: foo");
    refused(&r, "retention.ms", "x",
            "Invalid value x for configuration retention.ms: Not a number of type LONG");
    refused(&r, "retention.ms", "-2",
            "Invalid value -2 for configuration retention.ms: Value must be at least -1");
    refused(&r, "segment.bytes", "99999999999",
            "Invalid value 99999999999 for configuration segment.bytes: Not a number of type INT");
    refused(&r, "preallocate", "yes",
            "Invalid value yes for configuration preallocate: Expected value to be either true or "
            "false");
    refused(&r, "cleanup.policy", "delete,shred",
            "Invalid value shred for configuration cleanup.policy: String must be one of: compact, "
            "delete");
    refused(&r, "compression.type", "rar",
            "Invalid value rar for configuration compression.type: String must be one of: "
            "uncompressed, zstd, lz4, snappy, gzip, producer");
    refused(&r, "min.cleanable.dirty.ratio", "1.5",
            "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more "
            "than 1.0");
    refused(&r, "max.compaction.lag.ms", "0",
            "Invalid value 0 for configuration max.compaction.lag.ms: Value must be at least 1");
    rig_release(&r);
}

TEST(configs, lists_are_appended_to_and_subtracted_from) {
    rig r;
    rig_init(&r);
    (void)change(&r, MR_CONFIGS_OF_TOPICS, "cleanup.policy", MR_CONFIG_APPEND, "compact");
    REQUIRE(r.set.count == 1);
    EXPECT_STR(r.set.items[0].value, "delete,compact");
    (void)change(&r, MR_CONFIGS_OF_TOPICS, "cleanup.policy", MR_CONFIG_APPEND, "compact");
    EXPECT_STR(r.set.items[0].value, "delete,compact");
    mr_log_config log;
    mr_configs_log(r.configs, r.set, &log, &r.cx);
    EXPECT(log.cleanup_delete && log.cleanup_compact);
    (void)change(&r, MR_CONFIGS_OF_TOPICS, "cleanup.policy", MR_CONFIG_SUBTRACT, "delete");
    EXPECT_STR(r.set.items[0].value, "compact");
    EXPECT_EQ(change(&r, MR_CONFIGS_OF_TOPICS, "retention.ms", MR_CONFIG_APPEND, "1").error,
              MR_KAFKA_INVALID_CONFIG);
    (void)change(&r, MR_CONFIGS_OF_TOPICS, "cleanup.policy", MR_CONFIG_DELETE, NULL);
    EXPECT_EQ(r.set.count, 0);
    rig_release(&r);
}

TEST(configs, the_nearest_that_is_set_holds) {
    rig r;
    rig_init(&r);
    mr_config_change item = {MR_SPAN("log.segment.bytes"), MR_CONFIG_SET, MR_SPAN("2000")};
    mr_config_changes changes = {.kind = MR_CONFIGS_OF_BROKERS, .items = &item, .count = 1};
    mr_outcome outcome;
    REQUIRE_OK(mr_configs_alter_broker(r.configs, &changes, true, &outcome, &r.cx));
    item.value = MR_SPAN("1000");
    REQUIRE_OK(mr_configs_alter_broker(r.configs, &changes, false, &outcome, &r.cx));
    mr_configs_close(r.configs);
    mr_sim_restart(r.plat);
    REQUIRE_OK(mr_configs_open("d", &r.settings, &r.configs, &r.cx));
    const mr_config *config = mr_configs_find(MR_CONFIGS_OF_TOPICS, MR_SPAN("segment.bytes"));
    mr_config_value value = mr_configs_topic_value(r.configs, config, empty, &r.cx);
    EXPECT_STR(value.value, "1000");
    EXPECT_EQ(value.source, MR_CONFIG_OF_BROKER);
    REQUIRE(value.origin_count == 3);
    EXPECT_STR(value.origins[1].value, "2000");
    EXPECT_EQ(value.origins[1].source, MR_CONFIG_OF_BROKERS);
    EXPECT_EQ(value.origins[2].source, MR_CONFIG_OF_DEFAULT);
    mr_topic_setting own = {"segment.bytes", "500"};
    value = mr_configs_topic_value(r.configs, config, (mr_config_set){&own, 1}, &r.cx);
    EXPECT_STR(value.value, "500");
    EXPECT_EQ(value.source, MR_CONFIG_OF_TOPIC);
    EXPECT_EQ(value.origin_count, 4);
    item = (mr_config_change){MR_SPAN("num.partitions"), MR_CONFIG_SET, MR_SPAN("9")};
    REQUIRE_OK(mr_configs_alter_broker(r.configs, &changes, false, &outcome, &r.cx));
    EXPECT_EQ(outcome.error, MR_KAFKA_INVALID_REQUEST);  // Only while it does not run.
    rig_release(&r);
}

TEST(configs, tell_how_many_partitions_the_internal_topics_have) {
    const mr_config *offsets =
        mr_configs_find(MR_CONFIGS_OF_BROKERS, MR_SPAN("offsets.topic.num.partitions"));
    const mr_config *transactions =
        mr_configs_find(MR_CONFIGS_OF_BROKERS, MR_SPAN("transaction.state.log.num.partitions"));
    REQUIRE(offsets != NULL && transactions != NULL);
    int64_t count = 0;
    EXPECT(mr_text_parse_int64(mr_span_of(offsets->value), &count));
    EXPECT_EQ(count, MR_TOPIC_OFFSETS_PARTITIONS);
    EXPECT(mr_text_parse_int64(mr_span_of(transactions->value), &count));
    EXPECT_EQ(count, MR_TOPIC_TRANSACTIONS_PARTITIONS);
}
