// Project: the parts that a project's files name: pipelines in sql/, services in millrace.yaml.
//
// Also: mr_part_

#include <string.h>

#include "base/hash.h"
#include "owner/part.h"

#define SQL_BYTES_MAX ((uint64_t)16 << 20)
#define SCHEDULER     "scheduler"

const char *mr_part_paused_path(const mr_part *part, mr_arena *arena) {
    return mr_arena_printf(arena, "%s/state/%s.paused", part->owner->spec.data_dir, part->name);
}

static mr_part *part_new(mr_owner *owner, mr_part_kind kind, const char *name, const char *file) {
    mr_part *part = mr_heap_alloc(sizeof(*part));
    mr_arena arena = {0};
    part->owner = owner;
    part->kind = kind;
    part->name = mr_heap_string(name);
    part->file = mr_heap_string(file);
    part->log_path =
        mr_heap_string(mr_arena_printf(&arena, "%s/logs/%s.log", owner->spec.data_dir, name));
    part->log = MR_FILE_CLOSED;
    part->child = MR_CHILD_NONE;
    part->since_us = mr_clock_monotonic_us(owner->plat);
    mr_mutex_init(&part->mutex);
    mr_part **at = &owner->parts;
    while (*at != NULL &&
           ((*at)->kind < kind || ((*at)->kind == kind && strcmp((*at)->name, name) < 0))) {
        at = &(*at)->next;
    }
    part->next = *at;
    *at = part;
    mr_arena_release(&arena);
    return part;
}

void mr_part_free(mr_part *part) {
    mr_scheduler_free(part);
    mr_file_close(&part->log, part->owner->plat);
    mr_mutex_release(&part->mutex);
    mr_heap_free(part->name);
    mr_heap_free(part->file);
    mr_heap_free(part->log_path);
    mr_heap_free(part);
}

// ---- the project's files ---------------------------------------------------------------------

// SET run = 'manual' keeps a pipeline from starting by itself. A file that does not even parse is
// started, to say why.
static bool is_manual(const char *path, mr_cx *cx) {
    mr_span text;
    if (mr_file_load(path, SQL_BYTES_MAX, &text, cx) != MR_OK) {
        return false;
    }
    return mr_stream_is_manual(text);
}

static uint64_t file_hash(const char *path, mr_cx *cx) {
    mr_span text;
    return mr_file_load(path, SQL_BYTES_MAX, &text, cx) == MR_OK
               ? mr_hash_bytes(text.data, text.bytes, 0)
               : 0;
}

// Two parts of one name would share a log, and nobody could say which one is meant.
static bool clashes(const mr_part *pipeline, mr_cx *cx) {
    const mr_part *other = pipeline->owner->parts;
    while (other != NULL && (other == pipeline || strcmp(other->name, pipeline->name) != 0)) {
        other = other->next;
    }
    bool reserved = strcmp(pipeline->name, SCHEDULER) == 0;
    if (other == NULL && !reserved) {
        return false;
    }
    const char *fact = mr_arena_printf(cx->arena, "the %s has the name \"%s\": rename %s",
                                       reserved ? "scheduler of workflows" : "service",
                                       pipeline->name, pipeline->file);
    mr_owner_say(pipeline->owner, "pipeline %s cannot start: %s", pipeline->name, fact);
    return true;
}

static void begin_pipeline(mr_part *part, mr_cx *cx) {
    part->clashes = clashes(part, cx);
    if (part->clashes) {
        return;
    }
    if (mr_file_exists(mr_part_paused_path(part, cx->arena), cx)) {
        mr_part_set_state(part, MR_PART_PAUSED);
        mr_owner_say(part->owner, "pipeline %s is paused", part->name);
        return;
    }
    if (is_manual(part->file, cx)) {
        mr_owner_say(part->owner, "pipeline %s waits for: millrace stream start %s", part->name,
                     part->name);
        return;
    }
    mr_owner_say(part->owner, "pipeline %s  %s", part->name, part->file);
    mr_part_try_start(part, cx);
}

// A new file starts, a changed one starts again, one that is gone stops. A change counts once the
// file has been still since the last look, so that half a file is not run.
static void look_at_file(mr_owner *owner, const char *entry, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "sql/%s", entry);
    const char *name = mr_arena_copy(cx->arena, entry, strlen(entry) - strlen(".sql"));
    mr_part *part = owner->parts;
    while (part != NULL && (part->kind != MR_PIPELINE || strcmp(part->name, name) != 0)) {
        part = part->next;
    }
    mr_stat stat;
    mr_code code = mr_file_stat(path, &stat, cx);
    if (part != NULL && code != MR_OK && code != MR_E_MISSING) {
        part->seen = true;  // What cannot be looked at is not gone.
    }
    if (code != MR_OK || stat.is_dir) {
        return;
    }
    if (part == NULL) {
        part = part_new(owner, MR_PIPELINE, name, path);
        part->file_modified_us = stat.modified_us;
        part->file_bytes = stat.bytes;
        part->file_hash = file_hash(path, cx);
        part->seen = true;
        begin_pipeline(part, cx);
        return;
    }
    part->seen = true;
    bool moved = stat.modified_us != part->file_modified_us || stat.bytes != part->file_bytes;
    part->file_modified_us = stat.modified_us;
    part->file_bytes = stat.bytes;
    uint64_t hash = moved ? 0 : part->file_hash;
    if (!moved && part->file_hash == 0) {
        hash = file_hash(path, cx);
        part->file_hash = hash;
        if (!part->clashes && part->state != MR_PART_PAUSED && part->state != MR_PART_STOPPED) {
            mr_owner_say(owner, "pipeline %s changed: it starts again", part->name);
            mr_part_stop(part, MR_PART_STOPPED, /* restart= */ true, cx);
        }
    } else if (moved && file_hash(path, cx) != part->file_hash) {
        part->file_hash = 0;  // At the next look.
    }
}

static void drop_gone(mr_owner *owner, mr_cx *cx) {
    for (mr_part **at = &owner->parts; *at != NULL;) {
        mr_part *part = *at;
        bool gone = part->kind == MR_PIPELINE && !part->seen;
        part->seen = false;
        if (gone && part->state != MR_PART_STOPPING && part->state != MR_PART_RUNNING) {
            *at = part->next;
            mr_part_free(part);
            continue;
        }
        if (gone && part->state == MR_PART_RUNNING) {
            mr_owner_say(owner, "pipeline %s is gone: it stops", part->name);
            mr_part_stop(part, MR_PART_STOPPED, /* restart= */ false, cx);
        }
        at = &part->next;
    }
}

// The workflows: from when on there is a folder dags.
static void look_at_dags(mr_owner *owner, mr_cx *cx) {
    if (mr_scheduler_part(owner) == NULL && mr_file_exists("dags", cx)) {
        mr_part *part = part_new(owner, MR_SCHEDULER, SCHEDULER, "dags");
        mr_owner_say(owner, "scheduler dags");
        mr_part_try_start(part, cx);
    }
}

void mr_project_look(mr_owner *owner, mr_cx *cx) {
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    mr_code code = mr_dir_list("sql", &entries, &count, cx);
    bool blind = code != MR_OK && code != MR_E_MISSING;  // A project may have no pipelines.
    if (blind && !owner->blind) {
        mr_owner_say(owner, "cannot look for pipelines: %s", cx->error.text);
    }
    owner->blind = blind;
    if (blind) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!entries[i].is_dir && entries[i].name[0] != '.' &&
            mr_span_ends(mr_span_of(entries[i].name), ".sql")) {
            look_at_file(owner, entries[i].name, cx);
        }
    }
    drop_gone(owner, cx);
    look_at_dags(owner, cx);
}

// services:
//   producer: python producer.py
mr_code mr_project_services(mr_owner *owner, mr_cx *cx) {
    const mr_yaml *services;
    MR_TRY(mr_config_node("services", &services, cx));
    for (uint32_t i = 0; services != NULL && i < services->count; i++) {
        const char *what = mr_arena_printf(cx->arena, "service \"%s\"", services->names[i]);
        MR_TRY(mr_yaml_expect(services->items[i], MR_YAML_SCALAR, what, cx));
        bool reserved = strcmp(services->names[i], SCHEDULER) == 0;
        if (reserved || mr_part_find(owner, mr_span_of(services->names[i])) != NULL) {
            return mr_fail_at(cx, MR_E_EXISTS, services->places[i], "Choose another name.",
                              "there is a %s \"%s\" already", reserved ? "part" : "pipeline",
                              services->names[i]);
        }
        mr_part *part = part_new(owner, MR_SERVICE, services->names[i], services->items[i]->text);
        mr_owner_say(owner, "service %s  %s", part->name, part->file);
        mr_part_try_start(part, cx);
    }
    return MR_OK;
}
