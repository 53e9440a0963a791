// Topics: the table of topics, and who holds what; see topics.h and topics_state.h.
//
// Also: mr_topic_

#include "broker/topics.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "broker/topics_state.h"

#define NAME_BYTES_MAX 249

bool mr_topics_name_is_valid(mr_span name) {
    if (name.bytes == 0 || name.bytes > NAME_BYTES_MAX || mr_span_is(name, ".") ||
        mr_span_is(name, "..")) {
        return false;
    }
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-')) {
            return false;
        }
    }
    return true;
}

void mr_topics_say(mr_topics *topics, const char *format, ...) {
    if (topics->spec.say == NULL) {
        return;
    }
    char line[1200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    topics->spec.say(topics->spec.broker, line);
}

// ---- families --------------------------------------------------------------------------------

topics_family *mr_topics_family_new(mr_topics *topics, const char *name, const mr_wire_uuid *id) {
    topics_family *family = mr_heap_alloc(sizeof(*family));
    family->owner = topics;
    atomic_store(&family->references, 1);
    topics_view *view = MR_NEW(&family->arena, topics_view);
    view->family = family;
    view->base.name = mr_arena_string(&family->arena, name);
    view->base.id = *id;
    view->base.internal =
        strcmp(name, MR_TOPIC_OFFSETS) == 0 || strcmp(name, MR_TOPIC_TRANSACTIONS) == 0;
    family->view = view;
    mr_topics_id_text(id, family->id_text);
    return family;
}

topics_view *mr_topics_family_widen(topics_family *family, uint32_t count) {
    const mr_topic *old = &family->view->base;
    topics_view *view = MR_NEW(&family->arena, topics_view);
    *view = *family->view;
    view->base.partition_count = old->partition_count + count;
    view->base.partitions =
        MR_NEW_ARRAY(&family->arena, mr_topic_partition *, view->base.partition_count);
    for (uint32_t p = 0; p < view->base.partition_count; p++) {
        if (p < old->partition_count) {
            view->base.partitions[p] = old->partitions[p];
            continue;
        }
        mr_topic_partition *partition = MR_NEW(&family->arena, mr_topic_partition);
        partition->number = (int32_t)p;
        partition->topic = &view->base;
        partition->broker = family->owner->spec.broker;
        view->base.partitions[p] = partition;
    }
    return view;
}

void mr_topics_family_set(topics_family *family, mr_config_set set) {
    mr_arena *arena = mr_heap_alloc(sizeof(*arena));
    mr_topic_setting *items = MR_NEW_ARRAY(arena, mr_topic_setting, set.count);
    for (uint32_t i = 0; i < set.count; i++) {
        items[i].name = mr_arena_string(arena, set.items[i].name);
        items[i].value = mr_arena_string(arena, set.items[i].value);
    }
    mr_arena *old = family->set_arena;
    mr_mutex_lock(&family->owner->table);
    family->set_arena = arena;
    family->set = (mr_config_set){items, set.count};
    mr_mutex_unlock(&family->owner->table);
    if (old != NULL) {
        mr_arena_release(old);
        mr_heap_free(old);
    }
}

void mr_topics_family_unref(topics_family *family) {
    if (atomic_fetch_sub_explicit(&family->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, family->owner->plat);
    mr_topic *topic = &family->view->base;
    for (uint32_t p = 0; p < topic->partition_count; p++) {
        if (topic->partitions[p]->log != NULL) {
            mr_log_drop(topic->partitions[p]->log, &cx);
        }
    }
    mr_arena_release(&arena);
    if (family->set_arena != NULL) {
        mr_arena_release(family->set_arena);
        mr_heap_free(family->set_arena);
    }
    mr_arena_release(&family->arena);
    mr_heap_free(family);
}

// ---- the table -------------------------------------------------------------------------------

static uint32_t name_slot(const mr_topics *topics, mr_span name) {
    return (uint32_t)mr_hash_bytes(name.data, name.bytes, 0) & (topics->slot_count - 1);
}

static uint32_t id_slot(const mr_topics *topics, const mr_wire_uuid *id) {
    return (uint32_t)mr_hash_bytes(id->bytes, sizeof(id->bytes), 0) & (topics->slot_count - 1);
}

static void put(uint32_t *slots, uint32_t slot_count, uint32_t at, uint32_t index) {
    while (slots[at] != 0) {
        at = (at + 1) & (slot_count - 1);
    }
    slots[at] = index + 1;
}

static void rehash(mr_topics *topics) {
    uint32_t slot_count = mr_u32(mr_pow2_up((uint64_t)topics->count * 4 + 4));
    mr_heap_free(topics->by_name);
    mr_heap_free(topics->by_id);
    topics->slot_count = slot_count;
    topics->by_name = mr_heap_alloc(sizeof(uint32_t) * slot_count);
    topics->by_id = mr_heap_alloc(sizeof(uint32_t) * slot_count);
    for (uint32_t i = 0; i < topics->count; i++) {
        const mr_topic *topic = &topics->families[i]->view->base;
        put(topics->by_name, slot_count, name_slot(topics, mr_span_of(topic->name)), i);
        put(topics->by_id, slot_count, id_slot(topics, &topic->id), i);
    }
}

void mr_topics_table_add(mr_topics *topics, topics_family *family) {
    mr_mutex_lock(&topics->table);
    if (topics->count == topics->capacity) {
        topics->capacity = MR_MAX(16u, topics->capacity * 2);
        topics->families =
            mr_heap_resize(topics->families, sizeof(*topics->families) * topics->capacity);
    }
    uint32_t at = topics->count;
    while (at > 0 &&
           strcmp(topics->families[at - 1]->view->base.name, family->view->base.name) > 0) {
        topics->families[at] = topics->families[at - 1];
        at--;
    }
    topics->families[at] = family;
    topics->count++;
    rehash(topics);
    mr_mutex_unlock(&topics->table);
}

void mr_topics_table_remove(mr_topics *topics, topics_family *family) {
    mr_mutex_lock(&topics->table);
    uint32_t at = 0;
    while (topics->families[at] != family) {
        at++;
        mr_assert(at < topics->count);
    }
    memmove(&topics->families[at], &topics->families[at + 1],
            sizeof(*topics->families) * (topics->count - at - 1));
    topics->count--;
    rehash(topics);
    mr_mutex_unlock(&topics->table);
}

static mr_topic *reference(topics_family *family) {
    atomic_fetch_add_explicit(&family->references, 1, memory_order_relaxed);
    return &family->view->base;
}

mr_topic *mr_topics_find(mr_topics *topics, mr_span name) {
    mr_topic *found = NULL;
    mr_mutex_lock(&topics->table);
    uint32_t at = topics->slot_count == 0 ? 0 : name_slot(topics, name);
    while (topics->slot_count > 0 && topics->by_name[at] != 0 && found == NULL) {
        topics_family *family = topics->families[topics->by_name[at] - 1];
        found = mr_span_is(name, family->view->base.name) ? reference(family) : NULL;
        at = (at + 1) & (topics->slot_count - 1);
    }
    mr_mutex_unlock(&topics->table);
    return found;
}

mr_topic *mr_topics_find_id(mr_topics *topics, const mr_wire_uuid *id) {
    mr_topic *found = NULL;
    mr_mutex_lock(&topics->table);
    uint32_t at = topics->slot_count == 0 ? 0 : id_slot(topics, id);
    while (topics->slot_count > 0 && topics->by_id[at] != 0 && found == NULL) {
        topics_family *family = topics->families[topics->by_id[at] - 1];
        bool same = memcmp(&family->view->base.id, id, sizeof(*id)) == 0;
        found = same ? reference(family) : NULL;
        at = (at + 1) & (topics->slot_count - 1);
    }
    mr_mutex_unlock(&topics->table);
    return found;
}

void mr_topic_release(mr_topic *topic) {
    if (topic != NULL) {
        mr_topics_family_unref(((topics_view *)topic)->family);
    }
}

mr_topic_partition *mr_topic_partition_of(const mr_topic *topic, int32_t number) {
    bool there = number >= 0 && (uint32_t)number < topic->partition_count;
    return there ? topic->partitions[number] : NULL;
}

topics_family **mr_topics_families(mr_topics *topics, uint32_t *ret_count, mr_cx *cx) {
    mr_mutex_lock(&topics->table);
    topics_family **all = MR_NEW_ARRAY(cx->arena, topics_family *, topics->count);
    for (uint32_t i = 0; i < topics->count; i++) {
        all[i] = topics->families[i];
        (void)reference(all[i]);
    }
    *ret_count = topics->count;
    mr_mutex_unlock(&topics->table);
    return all;
}

mr_topic **mr_topics_list(mr_topics *topics, uint32_t *ret_count, mr_cx *cx) {
    mr_mutex_lock(&topics->table);
    mr_topic **all = MR_NEW_ARRAY(cx->arena, mr_topic *, topics->count);
    for (uint32_t i = 0; i < topics->count; i++) {
        all[i] = reference(topics->families[i]);
    }
    *ret_count = topics->count;
    mr_mutex_unlock(&topics->table);
    return all;
}

mr_config_set mr_topics_settings(mr_topics *topics, const mr_topic *topic, mr_cx *cx) {
    const topics_family *family = ((const topics_view *)topic)->family;
    mr_mutex_lock(&topics->table);
    mr_topic_setting *items = MR_NEW_ARRAY(cx->arena, mr_topic_setting, family->set.count);
    for (uint32_t i = 0; i < family->set.count; i++) {
        items[i].name = mr_arena_string(cx->arena, family->set.items[i].name);
        items[i].value = mr_arena_string(cx->arena, family->set.items[i].value);
    }
    mr_config_set set = {items, family->set.count};
    mr_mutex_unlock(&topics->table);
    return set;
}

mr_configs *mr_topics_configs(const mr_topics *topics) {
    return topics->configs;
}

const char *mr_topics_cluster_id(const mr_topics *topics) {
    return topics->cluster_id;
}

const char *mr_topics_dir(const mr_topics *topics) {
    return topics->spec.dir;
}
