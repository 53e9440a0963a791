// Watch: the DAG files: which there are, what changed, and the versions of DAGs that runs keep.
//
// A file that cannot be read changes nothing but its error: the last good version stays in force,
// also over a restart, since versions are in the database. A DAG whose file is gone is not
// scheduled; its row, with pause and watermark, is kept, so a file that comes back goes on where it
// was. A changed schedule never fires for a tick that is past.
//
// Also: mr_watch_

#include <string.h>

#include "base/utf8.h"
#include "flow/state.h"
#include "flow/zones.h"

#define DEPTH_MAX 8

// ---- time zones
// ----------------------------------------------------------------------------------

typedef struct mr_flow_zone {
    struct mr_flow_zone *next;
    const char *name;
    const mr_zone *zone;
} mr_flow_zone;

// Read once: a thousand DAGs share few.
static mr_code find_zone(void *self, const char *name, const mr_zone **ret, mr_cx *cx) {
    mr_flow *flow = self;
    for (mr_flow_zone *zone = flow->zones; zone != NULL; zone = zone->next) {
        if (strcmp(zone->name, name) == 0) {
            *ret = zone->zone;
            return MR_OK;
        }
    }
    mr_flow_zone *zone = MR_NEW(&flow->arena, mr_flow_zone);
    mr_arena *arena = cx->arena;
    cx->arena = &flow->arena;
    mr_code code = mr_zones_load(NULL, name, &zone->zone, cx);
    cx->arena = arena;
    MR_TRY(code);
    zone->name = mr_arena_string(&flow->arena, name);
    zone->next = flow->zones;
    flow->zones = zone;
    *ret = zone->zone;
    return MR_OK;
}

static mr_code read_dag(mr_flow *flow, const char *file, mr_span text, mr_dag **ret,
                        mr_dag_errors *ret_errors, mr_cx *cx) {
    mr_dag_reader reader = {
        .kinds = flow->spec.kinds,
        .zone = find_zone,
        .default_timezone = flow->settings.timezone,
        .self = flow,
    };
    return mr_dag_read(&reader, file, text, ret, ret_errors, cx);
}

// ---- DAGs
// ----------------------------------------------------------------------------------------

static mr_flow_dag *add_dag(mr_flow *flow, const char *id, const char *file) {
    mr_flow_dag *dag = mr_heap_alloc(sizeof(*dag));
    dag->row.id = mr_heap_string(id);
    dag->row.file = mr_heap_string(file);
    dag->next_us = INT64_MAX;
    mr_flow_dag **at = &flow->dags;
    while (*at != NULL && strcmp((*at)->row.id, id) < 0) {
        at = &(*at)->next;
    }
    dag->next = *at;
    *at = dag;
    return dag;
}

static void replace_text(char **text, const char *value) {
    mr_heap_free(*text);
    *text = value == NULL ? NULL : mr_heap_string(value);
}

static void replace_file(mr_flow_dag *dag, const char *file) {
    if (strcmp(dag->row.file, file) != 0) {
        mr_heap_free((char *)(uintptr_t)dag->row.file);
        dag->row.file = mr_heap_string(file);
        dag->changed = true;
    }
}

mr_code mr_watch_version(mr_flow *flow, mr_flow_dag *dag, int64_t version, mr_dag **ret,
                         mr_cx *cx) {
    if (dag->dag != NULL && dag->row.version == version) {
        *ret = mr_dag_ref(dag->dag);
        return MR_OK;
    }
    for (mr_run *run = flow->runs; run != NULL; run = run->next) {
        if (run->owner == dag && run->dag != NULL && run->row.version == version) {
            *ret = mr_dag_ref(run->dag);
            return MR_OK;
        }
    }
    mr_span source;
    mr_dag_errors errors = {0};
    MR_TRY(mr_record_version(flow->record, dag->row.id, version, &source, cx));
    return read_dag(flow, dag->row.file, source, ret, &errors, cx);
}

static bool same_text(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_schedule(const mr_dag *a, const mr_dag *b) {
    const char *zone_a = a->zone == NULL ? NULL : mr_zone_name(a->zone);
    const char *zone_b = b->zone == NULL ? NULL : mr_zone_name(b->zone);
    return a->schedule.kind == b->schedule.kind && same_text(a->schedule.text, b->schedule.text) &&
           same_text(zone_a, zone_b) && a->schedule.start_us == b->schedule.start_us &&
           a->schedule.end_us == b->schedule.end_us;
}

// Where its ticks begin to count.
static int64_t first_watermark(const mr_flow *flow, const mr_dag *dag) {
    bool from_start = dag->catchup != MR_CATCHUP_NONE && dag->schedule.start_us != INT64_MIN &&
                      dag->schedule.start_us <= flow->now_us;
    return from_start ? dag->schedule.start_us - 1 : flow->now_us;
}

// A version that was read comes into force. Takes the reference.
static mr_code accept(mr_flow *flow, mr_flow_file *file, mr_dag *read, mr_cx *cx) {
    mr_flow_dag *dag = mr_flow_find(flow, mr_span_of(read->id));
    if (dag == NULL) {
        dag = add_dag(flow, read->id, file->path);
        dag->row.paused = flow->settings.paused_on_creation;
        dag->row.seen_us = flow->now_us;
        dag->changed = true;
        mr_flow_say(flow, "dag %s  %s%s", read->id, file->path, dag->row.paused ? " (paused)" : "");
    }
    mr_dag *old = dag->dag;
    dag->dag = NULL;
    int64_t version = dag->row.version;
    mr_code code = MR_OK;
    if (version == 0 || strcmp(dag->hash, read->hash) != 0) {
        code = mr_flow_begin(flow, cx);
        code = code != MR_OK ? code
                             : mr_record_put_version(flow->record, read->id, read->hash,
                                                     read->source, &version, cx);
    }
    if (code == MR_OK && old == NULL && dag->row.version != 0 && dag->row.version != version &&
        mr_watch_version(flow, dag, dag->row.version, &old, cx) != MR_OK) {
        old = NULL;  // That version cannot be read by this program: what it was is not known.
        (void)mr_flow_is_ours(flow, cx);
    }
    if (code != MR_OK) {
        mr_dag_unref(old);
        mr_dag_unref(read);
        return code;
    }
    if (dag->row.watermark_us == 0) {
        dag->row.watermark_us = first_watermark(flow, read);
    } else if (old != NULL && !same_schedule(old, read)) {
        dag->row.watermark_us = MR_MAX(dag->row.watermark_us, flow->now_us);
    }
    if (dag->row.version != version && dag->row.version != 0) {
        mr_flow_say(flow, "dag %s changed", read->id);
    }
    mr_dag_unref(old);
    dag->dag = read;
    dag->changed = dag->changed || dag->row.version != version || dag->row.missing_us != 0;
    dag->row.version = version;
    memcpy(dag->hash, read->hash, sizeof(dag->hash));
    dag->row.missing_us = 0;
    replace_text(&dag->error, NULL);
    replace_file(dag, file->path);
    replace_text(&file->dag, read->id);
    mr_runs_plan(dag);
    return MR_OK;
}

// ---- files
// ---------------------------------------------------------------------------------------

// Why a file cannot be read: its errors, a line each.
static const char *error_lines(const mr_dag_errors *errors, const mr_error *error,
                               mr_arena *arena) {
    if (errors->count == 0) {
        return mr_flow_error_text(error, arena);
    }
    mr_text text;
    mr_text_init(&text, arena);
    for (uint32_t i = 0; i < errors->count; i++) {
        mr_text_addf(&text, "%s%s", i == 0 ? "" : "\n",
                     mr_flow_error_text(&errors->items[i], arena));
    }
    return mr_text_string(&text);
}

static void free_remarks(mr_flow_file *file) {
    for (uint32_t i = 0; i < file->remark_count; i++) {
        mr_heap_free(file->remarks[i]);
    }
    mr_heap_free(file->remarks);
    file->remarks = NULL;
    file->remark_count = 0;
}

static void keep_remarks(mr_flow_file *file, const mr_dag_errors *errors) {
    free_remarks(file);
    file->remarks = mr_heap_alloc(sizeof(char *) * (errors->remark_count + 1u));
    for (uint32_t i = 0; i < errors->remark_count; i++) {
        file->remarks[file->remark_count++] = mr_heap_string(errors->remarks[i]);
    }
}

// The other file that has a DAG of this id, or NULL.
static const char *twin_of(const mr_flow *flow, const mr_flow_file *file, const char *id,
                           mr_cx *cx) {
    for (const mr_flow_file *other = flow->files; other != NULL; other = other->next) {
        if (other != file && other->error == NULL && other->dag != NULL &&
            strcmp(other->dag, id) == 0 && mr_file_exists(other->path, cx)) {
            return other->path;
        }
    }
    return NULL;
}

static void refuse(mr_flow *flow, mr_flow_file *file, const char *why) {
    bool news = file->error == NULL || strcmp(file->error, why) != 0;
    replace_text(&file->error, why);
    if (news) {
        mr_flow_say(flow, "%s", why);
    }
    for (mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        if (strcmp(dag->row.file, file->path) == 0) {
            replace_text(&dag->error, why);
        }
    }
}

// The last good version of the DAG that this file had, when the program has just started.
static void recall(mr_flow *flow, const mr_flow_file *file, mr_cx *cx) {
    for (mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        if (strcmp(dag->row.file, file->path) == 0 && dag->dag == NULL && dag->row.version != 0 &&
            dag->row.missing_us == 0) {
            mr_dag *old = NULL;
            if (mr_watch_version(flow, dag, dag->row.version, &old, cx) == MR_OK) {
                dag->dag = old;
                mr_runs_plan(dag);
            } else {
                (void)mr_flow_is_ours(flow, cx);
            }
        }
    }
}

static mr_code read_file(mr_flow *flow, mr_flow_file *file, mr_cx *cx) {
    mr_span text;
    mr_dag *dag = NULL;
    mr_dag_errors errors = {0};
    mr_code code = mr_utf8_valid(file->path, strlen(file->path))
                       ? mr_file_load(file->path, MR_YAML_BYTES_MAX, &text, cx)
                       : mr_fail(cx, MR_E_VALUE, "Give it another name.",
                                 "the name of \"%s\" is no UTF-8 text", file->path);
    code = code != MR_OK ? code : read_dag(flow, file->path, text, &dag, &errors, cx);
    if (code != MR_OK) {
        mr_error error = cx->error;
        recall(flow, file, cx);
        refuse(flow, file, error_lines(&errors, &error, cx->arena));
        return MR_OK;
    }
    keep_remarks(file, &errors);
    const char *twin = twin_of(flow, file, dag->id, cx);
    if (twin != NULL) {
        refuse(flow, file,
               mr_arena_printf(cx->arena, "%s: there is a DAG \"%s\" already, in %s", file->path,
                               dag->id, twin));
        mr_dag_unref(dag);
        return MR_OK;
    }
    replace_text(&file->error, NULL);
    return accept(flow, file, dag, cx);
}

static mr_code look_at_file(mr_flow *flow, const char *path, mr_cx *cx) {
    mr_stat stat;
    if (mr_file_stat(path, &stat, cx) != MR_OK || stat.is_dir) {
        return MR_OK;  // It is gone at this moment.
    }
    mr_flow_file *file = flow->files;
    while (file != NULL && strcmp(file->path, path) != 0) {
        file = file->next;
    }
    if (file == NULL) {
        file = mr_heap_alloc(sizeof(*file));
        file->path = mr_heap_string(path);
        file->next = flow->files;
        flow->files = file;
    } else if (file->modified_us == stat.modified_us && file->bytes == stat.bytes &&
               file->inode == stat.inode) {
        file->seen = true;
        return MR_OK;
    }
    file->seen = true;
    file->modified_us = stat.modified_us;
    file->bytes = stat.bytes;
    file->inode = stat.inode;
    return read_file(flow, file, cx);
}

static bool is_dag_file(mr_span name) {
    return mr_span_ends(name, ".yaml") || mr_span_ends(name, ".yml") || mr_span_ends(name, ".json");
}

static mr_code look_at_folder(mr_flow *flow, const char *dir, int depth, mr_cx *cx) {
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    if (mr_dir_list(dir, &entries, &count, cx) != MR_OK) {
        return MR_OK;  // A project may have no DAGs.
    }
    for (size_t i = 0; i < count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
        if (entries[i].name[0] == '.') {
            continue;
        }
        if (entries[i].is_dir && depth < DEPTH_MAX) {
            MR_TRY(look_at_folder(flow, path, depth + 1, cx));
        } else if (!entries[i].is_dir && is_dag_file(mr_span_of(entries[i].name))) {
            MR_TRY(look_at_file(flow, path, cx));
        }
    }
    return MR_OK;
}

static void free_file(mr_flow_file *file) {
    free_remarks(file);
    mr_heap_free(file->path);
    mr_heap_free(file->dag);
    mr_heap_free(file->error);
    mr_heap_free(file);
}

static void drop_gone(mr_flow *flow) {
    for (mr_flow_file **at = &flow->files; *at != NULL;) {
        mr_flow_file *file = *at;
        if (file->seen) {
            at = &file->next;
            continue;
        }
        *at = file->next;
        free_file(file);
        for (mr_flow_file *left = flow->files; left != NULL; left = left->next) {
            // A twin of it may now be read.
            left->modified_us = left->error == NULL ? left->modified_us : -1;
            flow->files_changed = flow->files_changed || left->error != NULL;
        }
    }
    for (mr_flow_dag *dag = flow->dags; dag != NULL; dag = dag->next) {
        bool there = false;
        for (const mr_flow_file *file = flow->files; file != NULL && !there; file = file->next) {
            there = strcmp(file->path, dag->row.file) == 0;
        }
        if (!there && dag->row.missing_us == 0) {
            mr_flow_say(flow, "dag %s is gone: %s", dag->row.id, dag->row.file);
            dag->row.missing_us = flow->now_us;
            dag->next_us = INT64_MAX;
            dag->changed = true;
        }
    }
}

static mr_code load_rows(mr_flow *flow, mr_cx *cx) {
    mr_record_dag *rows = NULL;
    uint32_t count = 0;
    MR_TRY(mr_record_dags(flow->record, &rows, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        mr_flow_dag *dag = add_dag(flow, rows[i].id, rows[i].file);
        const char *id = dag->row.id, *file = dag->row.file;
        dag->row = rows[i];
        dag->row.id = id;
        dag->row.file = file;
        dag->row.hash = NULL;  // Kept beside the row.
        size_t bytes = MR_MIN(strlen(rows[i].hash), sizeof(dag->hash) - 1);
        memcpy(dag->hash, rows[i].hash, bytes);
    }
    return MR_OK;
}

mr_code mr_watch_files(mr_flow *flow, mr_cx *cx) {
    if (flow->dags == NULL) {
        MR_TRY(load_rows(flow, cx));
    }
    for (mr_flow_file *file = flow->files; file != NULL; file = file->next) {
        file->seen = false;
    }
    if (flow->spec.file != NULL) {
        MR_TRY(look_at_file(flow, flow->spec.file, cx));
    } else if (flow->spec.dags_dir != NULL) {
        MR_TRY(look_at_folder(flow, flow->spec.dags_dir, 0, cx));
    }
    drop_gone(flow);
    return MR_OK;
}

void mr_watch_free(mr_flow *flow) {
    while (flow->files != NULL) {
        mr_flow_file *file = flow->files;
        flow->files = file->next;
        free_file(file);
    }
    while (flow->dags != NULL) {
        mr_flow_dag *dag = flow->dags;
        flow->dags = dag->next;
        mr_dag_unref(dag->dag);
        mr_heap_free((char *)(uintptr_t)dag->row.id);
        mr_heap_free((char *)(uintptr_t)dag->row.file);
        mr_heap_free(dag->error);
        mr_heap_free(dag);
    }
    while (flow->backfills != NULL) {
        mr_flow_backfill *backfill = flow->backfills;
        flow->backfills = backfill->next;
        mr_heap_free(backfill);
    }
}
