// Topics change: topics are created, grown, altered and deleted; the order of what is written is in
// topics_state.h.
//
// Words and codes of refusals are Kafka's. Trouble of the machine is a mr_code.
//
// Also: mr_topics_

#include <inttypes.h>
#include <string.h>

#include "broker/topics_state.h"

#define PARTITIONS_MAX 10000  // Of one change; Kafka's limit on what one writes.

#define refuse(code, ...) \
    (*ret_outcome = (mr_outcome){(code), mr_arena_printf(cx->arena, __VA_ARGS__)}, false)

// ---- what is asked for -----------------------------------------------------------------------

static bool name_is_well(mr_topics *topics, const char *name, mr_outcome *ret_outcome, mr_cx *cx) {
    mr_span span = mr_span_of(name);
    if (span.bytes == 0) {
        return refuse(MR_KAFKA_INVALID_TOPIC_EXCEPTION,
                      "Topic name is invalid: the empty string is not allowed");
    }
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return refuse(MR_KAFKA_INVALID_TOPIC_EXCEPTION,
                      "Topic name is invalid: '%s' is not allowed", name);
    }
    if (span.bytes > 249) {
        return refuse(MR_KAFKA_INVALID_TOPIC_EXCEPTION,
                      "Topic name is invalid: the length of '%s' is longer than the max allowed "
                      "length 249",
                      name);
    }
    if (!mr_topics_name_is_valid(span)) {
        return refuse(
            MR_KAFKA_INVALID_TOPIC_EXCEPTION,
            "Topic name is invalid: '%s' contains one or more characters other than ASCII "
            "alphanumerics, '.', '_' and '-'",
            name);
    }
    for (uint32_t i = 0; i < topics->count; i++) {
        const char *other = topics->families[i]->view->base.name;
        if (strcmp(other, name) == 0) {
            return refuse(MR_KAFKA_TOPIC_ALREADY_EXISTS, "Topic '%s' already exists.", name);
        }
        size_t c = 0;  // Names of metrics have "_" for ".", in Kafka and in what reads them.
        while (other[c] != '\0' && (other[c] == name[c] ||
                                    (strchr("._", other[c]) && name[c] && strchr("._", name[c])))) {
            c++;
        }
        if (other[c] == '\0' && name[c] == '\0') {
            return refuse(MR_KAFKA_INVALID_TOPIC_EXCEPTION,
                          "Topic '%s' collides with existing topic: %s", name, other);
        }
    }
    return true;
}

static bool size_is_well(const mr_topics *topics, const mr_topic_new *topic,
                         mr_outcome *ret_outcome, mr_cx *cx) {
    if (topic->replication < -1 || topic->replication == 0) {
        return refuse(MR_KAFKA_INVALID_REPLICATION_FACTOR,
                      "Replication factor must be larger than 0, or -1 to use the default value.");
    }
    if (topic->partitions < -1 || topic->partitions == 0) {
        return refuse(MR_KAFKA_INVALID_PARTITIONS,
                      "Number of partitions was set to an invalid non-positive value.");
    }
    if (topic->replication > 1 && strcmp(topics->spec.settings->replication, "reject") == 0) {
        return refuse(MR_KAFKA_INVALID_REPLICATION_FACTOR,
                      "Unable to replicate the partition %" PRId32
                      " time(s): The target replication factor of %" PRId32
                      " cannot be reached because only 1 broker(s) are registered.",
                      topic->replication, topic->replication);
    }
    if (topic->partitions > PARTITIONS_MAX) {
        return refuse(MR_KAFKA_POLICY_VIOLATION,
                      "Unable to perform excessively large batch operation.");
    }
    return true;
}

static bool settings_are_well(const mr_topic_new *topic, mr_config_set *ret,
                              mr_outcome *ret_outcome, mr_cx *cx) {
    mr_config_change *items = MR_NEW_ARRAY(cx->arena, mr_config_change, topic->setting_count);
    mr_config_changes changes = {.kind = MR_CONFIGS_OF_TOPICS, .items = items};
    for (uint32_t s = 0; s < topic->setting_count; s++) {
        if (topic->settings[s].value != NULL) {
            items[changes.count++] =
                (mr_config_change){mr_span_of(topic->settings[s].name), MR_CONFIG_SET,
                                   mr_span_of(topic->settings[s].value)};
        }
    }
    mr_configs_change(&changes, (mr_config_set){NULL, 0}, ret, ret_outcome, cx);
    return ret_outcome->error == MR_KAFKA_NONE;
}

// ---- create ----------------------------------------------------------------------------------

// Nothing of an earlier life may be under the names of new partitions.
static mr_code make_room(mr_topics *topics, const topics_view *view, uint32_t from, mr_cx *cx) {
    bool any = false;
    const mr_topic *topic = &view->base;
    for (uint32_t p = from; p < topic->partition_count; p++) {
        const char *dir = mr_topics_partition_dir(topics, topic->name, (int32_t)p, cx->arena);
        if (mr_file_exists(dir, cx)) {
            MR_TRY(mr_dir_delete(dir, cx));
            any = true;
        }
    }
    if (any) {
        MR_TRY(mr_dir_sync(topics->spec.dir, cx));
    }
    // A checkpoint of an earlier life would tell the next start that what is new was synced.
    return topics->notes_stale ? mr_topics_notes_save(topics, cx) : MR_OK;
}

// Takes back what was made of a view that could not be listed.
static void unmake(topics_view *view, uint32_t from, mr_cx *cx) {
    mr_error error = cx->error;
    for (uint32_t p = from; p < view->base.partition_count; p++) {
        (void)!mr_log_delete(view->base.partitions[p]->log, cx);
        mr_log_drop(view->base.partitions[p]->log, cx);
        view->base.partitions[p]->log = NULL;
    }
    cx->error = error;
}

// The partitions of a view from `from` on, and the list with them.
static mr_code make(mr_topics *topics, topics_view *view, uint32_t from, mr_cx *cx) {
    MR_TRY(make_room(topics, view, from, cx));
    MR_TRY(mr_topics_logs_open(&view, 1, from, NULL, cx));
    mr_code code = mr_topics_list_save(topics, NULL, view, cx);
    if (code != MR_OK) {
        unmake(view, from, cx);
    }
    return code;
}

static mr_code create(mr_topics *topics, const mr_topic_new *topic, mr_topic **ret,
                      mr_outcome *ret_outcome, mr_cx *cx) {
    mr_config_set set = {NULL, 0};
    if (!name_is_well(topics, topic->name, ret_outcome, cx) ||
        !size_is_well(topics, topic, ret_outcome, cx) ||
        !settings_are_well(topic, &set, ret_outcome, cx) || topic->validate_only) {
        return MR_OK;
    }
    int64_t count =
        topic->partitions > 0 ? topic->partitions : topics->spec.settings->num_partitions;
    mr_wire_uuid id = mr_topics_id_new(topics->plat);
    topics_family *family = mr_topics_family_new(topics, topic->name, &id);
    family->view = mr_topics_family_widen(family, (uint32_t)MR_MIN(count, PARTITIONS_MAX));
    mr_topics_family_set(family, set);
    mr_code code = make(topics, family->view, 0, cx);
    if (code != MR_OK) {
        mr_error error = cx->error;
        mr_topics_family_unref(family);
        cx->error = error;
        return code;
    }
    mr_topics_table_add(topics, family);
    if (ret != NULL) {
        *ret = mr_topics_find(topics, mr_span_of(topic->name));
    }
    return MR_OK;
}

mr_code mr_topics_create(mr_topics *topics, const mr_topic_new *topic, mr_topic **ret,
                         mr_outcome *ret_outcome, mr_cx *cx) {
    *ret_outcome = (mr_outcome){MR_KAFKA_NONE, NULL};
    if (ret != NULL) {
        *ret = NULL;
    }
    mr_mutex_lock(&topics->change);
    mr_code code = create(topics, topic, ret, ret_outcome, cx);
    mr_mutex_unlock(&topics->change);
    return code;
}

static const mr_topic_setting offsets_settings[] = {{"cleanup.policy", "compact"},
                                                    {"compression.type", "producer"},
                                                    {"segment.bytes", "104857600"}};
static const mr_topic_setting transactions_settings[] = {{"cleanup.policy", "compact"},
                                                         {"compression.type", "uncompressed"},
                                                         {"segment.bytes", "104857600"},
                                                         {"min.insync.replicas", "1"}};

mr_code mr_topics_obtain(mr_topics *topics, mr_span name, bool make, mr_topic **ret,
                         mr_outcome *ret_outcome, mr_cx *cx) {
    *ret_outcome = (mr_outcome){MR_KAFKA_NONE, NULL};
    *ret = mr_topics_find(topics, name);
    if (*ret != NULL) {
        return MR_OK;
    }
    mr_topic_new new = {.name = mr_arena_copy(cx->arena, name.data, name.bytes),
                        .partitions = -1,
                        .replication = -1};
    if (mr_span_is(name, MR_TOPIC_OFFSETS)) {
        new.settings = offsets_settings;
        new.setting_count = MR_COUNT(offsets_settings);
        new.partitions = MR_TOPIC_OFFSETS_PARTITIONS;
    } else if (mr_span_is(name, MR_TOPIC_TRANSACTIONS)) {
        new.settings = transactions_settings;
        new.setting_count = MR_COUNT(transactions_settings);
        new.partitions = MR_TOPIC_TRANSACTIONS_PARTITIONS;
    } else if (!mr_topics_name_is_valid(name)) {
        *ret_outcome = (mr_outcome){MR_KAFKA_INVALID_TOPIC_EXCEPTION, NULL};
        return MR_OK;
    } else if (!make) {
        *ret_outcome = (mr_outcome){MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, NULL};
        return MR_OK;
    }
    MR_TRY(mr_topics_create(topics, &new, ret, ret_outcome, cx));
    if (ret_outcome->error == MR_KAFKA_TOPIC_ALREADY_EXISTS) {  // Another was faster.
        *ret = mr_topics_find(topics, name);
        ret_outcome->error = *ret == NULL ? MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : MR_KAFKA_NONE;
    }
    return MR_OK;
}

// ---- the rest --------------------------------------------------------------------------------

// Under `change`: the topic may have been deleted since it was found.
static bool is_there(mr_topics *topics, const topics_family *family) {
    uint32_t i = 0;
    while (i < topics->count && topics->families[i] != family) {
        i++;
    }
    return i < topics->count;
}

static bool may_change(mr_topics *topics, const topics_family *family, const char *what,
                       mr_outcome *ret_outcome, mr_cx *cx) {
    if (!is_there(topics, family)) {
        *ret_outcome = (mr_outcome){MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, NULL};
        return false;
    }
    if (what != NULL && family->view->base.internal) {
        return refuse(MR_KAFKA_INVALID_REQUEST,
                      "Topic '%s' is the broker's own, which may not be %s.",
                      family->view->base.name, what);
    }
    return true;
}

static mr_code delete (mr_topics *topics, topics_family *family, mr_cx *cx) {
    mr_topic *topic = &family->view->base;
    topics_gone *gone = MR_NEW(&topics->arena, topics_gone);
    *gone = (topics_gone){mr_arena_string(&topics->arena, topic->name),
                          mr_arena_string(&topics->arena, family->id_text), topics->gone};
    topics->gone = gone;
    mr_code code = mr_topics_list_save(topics, family, NULL, cx);
    if (code != MR_OK) {
        topics->gone = gone->next;
        return code;
    }
    // From here on it is deleted: what cannot be removed now, the next start removes.
    mr_topics_table_remove(topics, family);
    topics->notes_stale = true;
    bool removed = true;
    family->offline_said = true;  // All its logs will be.
    for (uint32_t p = 0; p < topic->partition_count; p++) {
        removed = mr_log_delete(topic->partitions[p]->log, cx) == MR_OK && removed;
    }
    if (removed && mr_dir_sync(topics->spec.dir, cx) == MR_OK) {
        topics->gone = gone->next;  // The row goes with the next change.
    }
    return MR_OK;
}

mr_code mr_topics_delete(mr_topics *topics, mr_topic *topic, mr_outcome *ret_outcome, mr_cx *cx) {
    topics_family *family = ((topics_view *)topic)->family;
    *ret_outcome = (mr_outcome){MR_KAFKA_NONE, NULL};
    mr_mutex_lock(&topics->change);
    bool may = may_change(topics, family, "deleted", ret_outcome, cx);
    mr_code code = may ? delete (topics, family, cx) : MR_OK;
    mr_mutex_unlock(&topics->change);
    if (may && code == MR_OK) {
        if (topics->spec.forget != NULL) {
            topics->spec.forget(topics->spec.broker, mr_span_of(topic->name));
        }
        mr_topics_family_unref(family);  // The table's.
    }
    return code;
}

static bool growth_is_well(const topics_family *family, int32_t partitions, mr_outcome *ret_outcome,
                           mr_cx *cx) {
    int64_t now = family->view->base.partition_count;
    if (partitions == now) {
        return refuse(MR_KAFKA_INVALID_PARTITIONS, "Topic already has %" PRId64 " partition(s).",
                      now);
    }
    if (partitions < now) {
        return refuse(MR_KAFKA_INVALID_PARTITIONS,
                      "The topic %s currently has %" PRId64 " partition(s); %" PRId32
                      " would not be an increase.",
                      family->view->base.name, now, partitions);
    }
    if (partitions - now > PARTITIONS_MAX) {
        return refuse(MR_KAFKA_POLICY_VIOLATION,
                      "Unable to perform excessively large batch operation.");
    }
    return true;
}

static mr_code grow(mr_topics *topics, topics_family *family, uint32_t more, mr_cx *cx) {
    topics_view *wide = mr_topics_family_widen(family, more);
    MR_TRY(make(topics, wide, family->view->base.partition_count, cx));
    mr_mutex_lock(&topics->table);
    family->view = wide;
    mr_mutex_unlock(&topics->table);
    return MR_OK;
}

mr_code mr_topics_grow(mr_topics *topics, mr_topic *topic, int32_t partitions, bool validate_only,
                       mr_outcome *ret_outcome, mr_cx *cx) {
    topics_family *family = ((topics_view *)topic)->family;
    *ret_outcome = (mr_outcome){MR_KAFKA_NONE, NULL};
    mr_code code = MR_OK;
    mr_mutex_lock(&topics->change);
    if (may_change(topics, family, "grown", ret_outcome, cx) &&
        growth_is_well(family, partitions, ret_outcome, cx) && !validate_only) {
        code = grow(topics, family, (uint32_t)partitions - family->view->base.partition_count, cx);
    }
    mr_mutex_unlock(&topics->change);
    return code;
}

static void configure(mr_topics *topics, topics_family *family, mr_cx *cx) {
    mr_log_config config;
    mr_configs_log(topics->configs, family->set, &config, cx);
    const mr_topic *topic = &family->view->base;
    for (uint32_t p = 0; p < topic->partition_count; p++) {
        mr_log_configure(topic->partitions[p]->log, &config);
    }
}

// The new set is in force before it is listed, since the list is made of what is in force.
static mr_code alter(mr_topics *topics, topics_family *family, mr_config_set next, mr_cx *cx) {
    mr_topic *topic = &family->view->base;
    mr_config_set before = mr_topics_settings(topics, topic, cx);
    mr_topics_family_set(family, next);
    mr_code code = mr_topics_list_save(topics, NULL, NULL, cx);
    if (code != MR_OK) {
        mr_topics_family_set(family, before);
        return code;
    }
    configure(topics, family, cx);
    return MR_OK;
}

mr_code mr_topics_alter(mr_topics *topics, mr_topic *topic, const mr_config_changes *changes,
                        mr_outcome *ret_outcome, mr_cx *cx) {
    topics_family *family = ((topics_view *)topic)->family;
    *ret_outcome = (mr_outcome){MR_KAFKA_NONE, NULL};
    mr_config_set next = {NULL, 0};
    mr_code code = MR_OK;
    mr_mutex_lock(&topics->change);
    if (may_change(topics, family, NULL, ret_outcome, cx)) {
        mr_configs_change(changes, family->set, &next, ret_outcome, cx);
        if (ret_outcome->error == MR_KAFKA_NONE && !changes->validate_only) {
            code = alter(topics, family, next, cx);
        }
    }
    mr_mutex_unlock(&topics->change);
    return code;
}

void mr_topics_reconfigure(mr_topics *topics, mr_cx *cx) {
    mr_mutex_lock(&topics->change);
    for (uint32_t i = 0; i < topics->count; i++) {
        configure(topics, topics->families[i], cx);
    }
    mr_mutex_unlock(&topics->change);
}

mr_code mr_topics_checkpoint(mr_topics *topics, mr_cx *cx) {
    mr_mutex_lock(&topics->change);
    mr_code code = mr_topics_notes_save(topics, cx);
    mr_mutex_unlock(&topics->change);
    return code;
}
