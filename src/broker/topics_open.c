// Topics open: the start and the end of all topics, and the opening of their logs, several at a
// time; see topics_state.h.
//
// Also: mr_topics_

#include <inttypes.h>
#include <string.h>

#include "broker/topics_state.h"

#define OPEN_THREADS_MAX 8
#define OPEN_ALONE       8  // So few logs are not worth a thread.

// ---- leftovers -------------------------------------------------------------------------------

// "orders-3" → "orders" and 3.
static bool partition_name(const char *entry, mr_span *ret_topic, int64_t *ret_number) {
    const char *dash = strrchr(entry, '-');
    if (dash == NULL || dash == entry || dash[1] < '0' || dash[1] > '9') {
        return false;
    }
    *ret_topic = (mr_span){entry, (size_t)(dash - entry)};
    return mr_text_parse_int64(mr_span_of(dash + 1), ret_number) && *ret_number >= 0 &&
           mr_topics_name_is_valid(*ret_topic);
}

static bool is_gone(const mr_topics *topics, mr_span name, const char *id) {
    for (const topics_gone *gone = topics->gone; gone != NULL; gone = gone->next) {
        if (mr_span_is(name, gone->name) && (id[0] == '\0' || strcmp(id, gone->id_text) == 0)) {
            return true;
        }
    }
    return false;
}

// A folder whose making was cut has no record: its only segment is the one from 0, and that has no
// whole batch length.
static mr_code has_records(const char *dir, bool *ret, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    *ret = false;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t e = 0; e < count; e++) {
        if (!mr_span_ends(mr_span_of(entries[e].name), ".log")) {
            continue;
        }
        char head[12] = {0};
        size_t bytes = 0;
        mr_file file = MR_FILE_CLOSED;
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[e].name);
        MR_TRY(mr_file_open(&file, path, MR_OPEN_READ, cx));
        mr_code code = mr_file_read(&file, 0, head, sizeof(head), &bytes, cx);
        mr_file_close(&file, cx->plat);
        MR_TRY(code);
        static const char nothing[12] = {0};
        *ret = *ret || memcmp(head, nothing, sizeof(head)) != 0 ||
               strcmp(entries[e].name, "00000000000000000000.log") != 0;
    }
    return MR_OK;
}

// Whether a folder is what the list says that it is.
static bool belongs(mr_topics *topics, mr_span name, int64_t number, const char *id) {
    mr_topic *topic = mr_topics_find(topics, name);
    bool ok = topic != NULL && number < (int64_t)topic->partition_count &&
              (id[0] == '\0' || strcmp(id, ((topics_view *)topic)->family->id_text) == 0);
    mr_topic_release(topic);
    return ok;
}

static mr_code leftover(mr_topics *topics, mr_span name, const char *dir, const char *id,
                        mr_cx *cx) {
    bool worth = false;
    if (!is_gone(topics, name, id)) {
        MR_TRY(has_records(dir, &worth, cx));
    }
    if (!worth) {
        return mr_dir_delete(dir, cx);
    }
    mr_wire_uuid mark = mr_topics_id_new(topics->plat);
    char text[TOPICS_ID_TEXT_BYTES];
    mr_topics_id_text(&mark, text);
    const char *stray = mr_arena_printf(cx->arena, "%s.%.8s-stray", dir, text + 1);
    MR_TRY(mr_file_rename(dir, stray, cx));
    mr_topics_say(topics,
                  "\"%s\" holds records, but the list of topics does not have it: it is now \"%s\"",
                  dir, stray);
    return MR_OK;
}

static mr_code clear_leftovers(mr_topics *topics, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    bool any = false;
    MR_TRY(mr_dir_list(topics->spec.dir, &entries, &count, cx));
    for (size_t e = 0; e < count; e++) {
        mr_span name;
        int64_t number = 0;
        if (!entries[e].is_dir || !partition_name(entries[e].name, &name, &number)) {
            continue;
        }
        const char *dir = mr_arena_printf(cx->arena, "%s/%s", topics->spec.dir, entries[e].name);
        const char *id = mr_topics_metadata_load(dir, cx);
        if (!belongs(topics, name, number, id)) {
            MR_TRY(leftover(topics, name, dir, id, cx));
            any = true;
        }
    }
    MR_TRY(mr_log_sweep(topics->spec.dir, cx));
    if (any || topics->gone != NULL) {
        MR_TRY(mr_dir_sync(topics->spec.dir, cx));
    }
    if (topics->gone != NULL) {
        topics->gone = NULL;
        MR_TRY(mr_topics_list_save(topics, NULL, NULL, cx));
    }
    return MR_OK;
}

// ---- opening logs ----------------------------------------------------------------------------

typedef struct opening_item {
    topics_family *family;
    mr_topic_partition *partition;
    mr_log_config config;
} opening_item;

typedef struct opening {
    mr_topics *topics;
    opening_item *items;
    uint32_t count;
    const topics_notes *notes;  // NULL: the partitions are new.
    atomic_uint next;
    atomic_bool failed;
    mr_mutex mutex;
    mr_error error;  // Of the first that failed. Under mutex.
} opening;

static void log_moved(void *self) {
    mr_topic_partition *partition = self;
    const mr_topics *topics = ((topics_view *)partition->topic)->family->owner;
    if (topics->spec.moved != NULL) {
        topics->spec.moved(partition);
    }
}

static int64_t noted(const mr_map *map, const char *key) {
    const int64_t *offset = mr_map_get(map, mr_span_of(key));
    return offset == NULL ? 0 : *offset;
}

static void open_one(opening *o, const opening_item *item, mr_cx *cx) {
    const char *name = item->family->view->base.name;
    const char *key = mr_arena_printf(cx->arena, "%s-%" PRId32, name, item->partition->number);
    mr_log_options options = {
        .dir = mr_topics_partition_dir(o->topics, name, item->partition->number, cx->arena),
        .topic = name,
        .partition = item->partition->number,
        .config = item->config,
        .flusher = o->topics->spec.flusher,
        .listener = {log_moved, item->partition},
        .clean = o->notes == NULL || o->topics->clean,
        .recovery_point = o->notes == NULL ? 0 : noted(&o->notes->recovery_points, key),
        .first = o->notes == NULL ? 0 : noted(&o->notes->firsts, key),
    };
    mr_log_recovery recovery = {0};
    mr_code code = mr_log_open(&options, &item->partition->log, &recovery, cx);
    bool opened = code == MR_OK;
    if (opened && o->notes == NULL) {
        code = mr_topics_metadata_save(o->topics, item->family, item->partition->number, cx);
    }
    if (code == MR_OK) {
        if (recovery.bytes_cut > 0) {
            mr_topics_say(o->topics,
                          "%s: %" PRIu64
                          " bytes of a torn tail were cut, none of them acknowledged",
                          key, recovery.bytes_cut);
        }
        return;
    }
    if (o->notes == NULL || code == MR_E_CRASH) {
        mr_mutex_lock(&o->mutex);
        o->error = atomic_exchange(&o->failed, true) ? o->error : cx->error;
        mr_mutex_unlock(&o->mutex);
        return;
    }
    mr_topics_say(o->topics, "%s is offline: %s", key, cx->error.text);
    item->family->offline_said = true;
    item->partition->log = mr_log_broken(&options, &cx->error);
}

static void *open_some(void *argument) {
    opening *o = argument;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, o->topics->plat);
    for (uint32_t at; (at = atomic_fetch_add(&o->next, 1)) < o->count;) {
        if (!atomic_load(&o->failed)) {
            open_one(o, &o->items[at], &cx);
        }
        mr_arena_clear(&arena);
    }
    mr_arena_release(&arena);
    return NULL;
}

static void open_items(opening *o, mr_cx *cx) {
    mr_thread threads[OPEN_THREADS_MAX] = {0};
    uint32_t cores = o->topics->spec.by_hand ? 1 : mr_plat_cores(o->topics->plat);
    // Opening waits for the disk more than it computes.
    uint32_t wanted = MR_MIN(cores * 2, MR_MIN(OPEN_THREADS_MAX, o->count / OPEN_ALONE));
    for (uint32_t t = 0; cores > 1 && t < wanted; t++) {
        if (mr_thread_start(&threads[t], "mr-open", open_some, o, cx) != MR_OK) {
            break;  // Then others do its share.
        }
    }
    (void)open_some(o);
    for (uint32_t t = 0; t < OPEN_THREADS_MAX; t++) {
        mr_thread_join(&threads[t]);
    }
}

// What was made for a topic that then failed.
static void undo(opening *o, mr_cx *cx) {
    for (uint32_t i = 0; i < o->count; i++) {
        mr_topic_partition *partition = o->items[i].partition;
        if (partition->log != NULL) {
            (void)!mr_log_delete(partition->log, cx);
            mr_log_drop(partition->log, cx);
            partition->log = NULL;
        } else {
            (void)!mr_dir_delete(mr_topics_partition_dir(o->topics,
                                                         o->items[i].family->view->base.name,
                                                         partition->number, cx->arena),
                                 cx);
        }
    }
}

mr_code mr_topics_logs_open(topics_view *const *views, uint32_t count, uint32_t from,
                            const topics_notes *notes, mr_cx *cx) {
    uint32_t item_count = 0;
    for (uint32_t v = 0; v < count; v++) {
        item_count += views[v]->base.partition_count - from;
    }
    if (item_count == 0) {
        return MR_OK;
    }
    opening o = {.topics = views[0]->family->owner, .count = item_count, .notes = notes};
    o.items = MR_NEW_ARRAY(cx->arena, opening_item, item_count);
    mr_mutex_init(&o.mutex);
    uint32_t at = 0;
    for (uint32_t v = 0; v < count; v++) {
        mr_log_config config;
        mr_configs_log(o.topics->configs, views[v]->family->set, &config, cx);
        const mr_topic *topic = &views[v]->base;
        for (uint32_t p = from; p < topic->partition_count; p++) {
            o.items[at++] = (opening_item){views[v]->family, topic->partitions[p], config};
        }
    }
    open_items(&o, cx);
    mr_mutex_release(&o.mutex);
    if (!atomic_load(&o.failed)) {
        return MR_OK;
    }
    mr_error error = o.error;
    if (notes == NULL) {
        undo(&o, cx);
    }
    cx->error = error;
    return error.code;
}

// ---- start and end ---------------------------------------------------------------------------

static bool notes_are_stale(mr_topics *topics, const topics_notes *notes) {
    for (uint32_t e = 0; e < notes->recovery_points.count; e++) {
        mr_span key = notes->recovery_points.entries[e].key, name;
        int64_t number = 0;
        char entry[300];
        if (key.bytes >= sizeof(entry)) {
            return true;
        }
        memcpy(entry, key.data, key.bytes);
        entry[key.bytes] = '\0';
        if (!partition_name(entry, &name, &number) || !belongs(topics, name, number, "")) {
            return true;
        }
    }
    return false;
}

static mr_code open_all(mr_topics *topics, mr_cx *cx) {
    MR_TRY(mr_configs_open(topics->spec.dir, topics->spec.settings, &topics->configs, cx));
    MR_TRY(mr_topics_identity_load(topics, cx));
    MR_TRY(mr_topics_list_load(topics, cx));
    topics_notes notes;
    mr_topics_notes_load(topics, &notes, cx);
    topics->notes_stale = notes_are_stale(topics, &notes);
    MR_TRY(clear_leftovers(topics, cx));
    topics_view **views = MR_NEW_ARRAY(cx->arena, topics_view *, topics->count);
    for (uint32_t i = 0; i < topics->count; i++) {
        views[i] = topics->families[i]->view;
    }
    MR_TRY(mr_topics_logs_open(views, topics->count, 0, &notes, cx));
    if (topics->notes_stale) {
        MR_TRY(mr_topics_notes_save(topics, cx));
    }
    return MR_OK;
}

mr_code mr_topics_open(const mr_topics_spec *spec, mr_topics **ret, mr_cx *cx) {
    mr_topics *topics = mr_heap_alloc(sizeof(*topics));
    topics->spec = *spec;
    topics->spec.dir = mr_arena_string(&topics->arena, spec->dir);
    topics->plat = cx->plat;
    mr_mutex_init(&topics->change);
    mr_mutex_init(&topics->table);
    mr_mutex_init(&topics->upkeep.mutex);
    mr_condition_init(&topics->upkeep.wake);
    mr_code code = open_all(topics, cx);
    if (code == MR_OK && !spec->by_hand) {
        code = mr_topics_upkeep_start(topics, cx);
    }
    if (code != MR_OK) {
        mr_error error = cx->error;
        mr_topics_drop(topics, cx);
        cx->error = error;
        return code;
    }
    *ret = topics;
    return MR_OK;
}

static void free_all(mr_topics *topics) {
    for (uint32_t i = 0; i < topics->count; i++) {
        mr_topics_family_unref(topics->families[i]);
    }
    mr_configs_close(topics->configs);
    mr_heap_free(topics->families);
    mr_heap_free(topics->by_name);
    mr_heap_free(topics->by_id);
    mr_mutex_release(&topics->change);
    mr_mutex_release(&topics->table);
    mr_mutex_release(&topics->upkeep.mutex);
    mr_condition_release(&topics->upkeep.wake);
    mr_arena_release(&topics->arena);
    mr_heap_free(topics);
}

mr_code mr_topics_close(mr_topics *topics, mr_cx *cx) {
    if (topics == NULL) {
        return MR_OK;
    }
    mr_topics_upkeep_stop(topics);
    bool clean = true;
    mr_error error = {.code = MR_OK};
    // First: a closed log has no marks. Closing syncs, so what is noted can only be too little.
    mr_code code = mr_topics_notes_save(topics, cx);
    for (uint32_t i = 0; i < topics->count; i++) {
        const mr_topic *topic = &topics->families[i]->view->base;
        for (uint32_t p = 0; p < topic->partition_count; p++) {
            mr_log *log = topic->partitions[p]->log;
            if (mr_log_offline(log, NULL)) {
                clean = false;
                mr_log_drop(log, cx);
            } else if (mr_log_close(log, cx) != MR_OK) {
                clean = false;
                error = cx->error;
            }
            topic->partitions[p]->log = NULL;
        }
    }
    if (code == MR_OK && clean) {
        code = mr_topics_clean_save(topics, cx);
    }
    free_all(topics);
    if (code == MR_OK && error.code != MR_OK) {
        cx->error = error;
        code = error.code;
    }
    return code;
}

void mr_topics_drop(mr_topics *topics, mr_cx *cx) {
    (void)cx;
    if (topics != NULL) {
        mr_topics_upkeep_stop(topics);
        free_all(topics);
    }
}
