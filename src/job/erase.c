// Erase: what a pipeline wrote goes, and its state, so that a crash leaves the old or the new.
//
//   --fresh     state/<name> ─rename─▶ state/<name>.gone · files of its tables · state/<name>.gone
//   reset       state/<name>/reset names the epoch it was asked at, and the tables; the first
//               record after it is the reset; then their files go, then the mark
// Whoever starts next finishes what is marked before it does anything else: between the mark and
// the end of the removal nothing else writes.

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conn/publish.h"
#include "job/inside.h"
#include "job/reset.h"
#include "store/catalog.h"

#define MARK_BYTES_MAX ((uint64_t)1 << 20)

static const char *gone_dir(const mr_job *job, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s.gone", job->state_dir);
}

static const char *mark_path(const mr_job *job, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s/reset", job->state_dir);
}

static mr_sink *sink_find(const mr_job *job, const char *table) {
    for (uint32_t s = 0; s < job->sink_count; s++) {
        if (strcmp(job->sinks[s]->spec.table, table) == 0) {
            return job->sinks[s];
        }
    }
    return NULL;
}

// A table that the file does not write any more: where the catalogue says.
static mr_code erase_entry(const mr_job *job, const mr_catalog_table *entry, mr_cx *cx) {
    mr_publish publish = {
        .dir = entry->path,
        .tmp = mr_arena_printf(cx->arena, "%s/.tmp/%s", entry->path, job->name),
        .pipeline = job->name,
        .ending = mr_arena_printf(cx->arena, ".%s", entry->format),
    };
    return mr_publish_erase(&publish, cx);
}

mr_code mr_erase_table(mr_job *job, const char *table, mr_cx *cx) {
    mr_sink *sink = sink_find(job, table);
    if (sink != NULL) {
        return sink->type->erase == NULL ? MR_OK : sink->type->erase(sink, cx);
    }
    mr_catalog_table *entries;
    uint32_t count;
    MR_TRY(mr_catalog_list(job->spec.data_dir, &entries, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(entries[i].name, table) == 0 && strcmp(entries[i].pipeline, job->name) == 0) {
            MR_TRY(erase_entry(job, &entries[i], cx));
        }
    }
    return MR_OK;
}

// All that the pipeline wrote: tables of this file, and those that the catalogue knows of it.
static mr_code erase_all(mr_job *job, mr_cx *cx) {
    for (uint32_t s = 0; s < job->sink_count; s++) {
        MR_TRY(mr_erase_table(job, job->sinks[s]->spec.table, cx));
    }
    mr_catalog_table *entries;
    uint32_t count;
    MR_TRY(mr_catalog_list(job->spec.data_dir, &entries, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(entries[i].pipeline, job->name) == 0) {
            MR_TRY(erase_entry(job, &entries[i], cx));
        }
    }
    return MR_OK;
}

static mr_code gone_finish(mr_job *job, mr_cx *cx) {
    MR_TRY(erase_all(job, cx));
    MR_TRY(mr_crash_point("fresh.erased", cx));
    MR_TRY(mr_dir_delete(gone_dir(job, cx), cx));
    return mr_dir_sync(mr_arena_printf(cx->arena, "%s/state", job->spec.data_dir), cx);
}

mr_code mr_erase_state(mr_job *job, mr_cx *cx) {
    const char *parent = mr_arena_printf(cx->arena, "%s/state", job->spec.data_dir);
    if (mr_file_exists(job->state_dir, cx)) {
        MR_TRY(mr_file_rename(job->state_dir, gone_dir(job, cx), cx));
    } else {  // Rows of a state that somebody removed by hand go too.
        MR_TRY(mr_dir_make(gone_dir(job, cx), cx));
    }
    MR_TRY(mr_dir_sync(parent, cx));
    MR_TRY(mr_crash_point("fresh.renamed", cx));
    return gone_finish(job, cx);
}

// ---- reset -----------------------------------------------------------------------------------

mr_code mr_erase_mark(mr_job *job, uint64_t epoch, const char *const *tables, uint32_t count,
                      mr_cx *cx) {
    mr_text text;
    mr_text_init(&text, cx->arena);
    mr_text_addf(&text, "epoch %" PRIu64 "\n", epoch);
    for (uint32_t i = 0; i < count; i++) {
        mr_text_addf(&text, "%s\n", tables[i]);
    }
    return mr_file_save(mark_path(job, cx), mr_text_span(&text), cx);
}

static mr_code mark_read(const char *path, uint64_t *ret_epoch, mr_span *ret_tables, mr_cx *cx) {
    mr_span text;
    MR_TRY(mr_file_load(path, MARK_BYTES_MAX, &text, cx));
    const char *end = memchr(text.data, '\n', text.bytes);
    int64_t epoch;
    size_t bytes = end == NULL ? 0 : (size_t)(end - text.data);
    if (end == NULL || !mr_span_starts(text, "epoch ") ||
        !mr_text_parse_int64((mr_span){text.data + 6, bytes - 6}, &epoch) || epoch < 0) {
        return mr_fail(cx, MR_E_CORRUPT, "Start over with --fresh.", "\"%s\" cannot be read", path);
    }
    *ret_epoch = (uint64_t)epoch;
    *ret_tables = (mr_span){end + 1, text.bytes - bytes - 1};
    return MR_OK;
}

mr_code mr_erase_marked(mr_job *job, uint64_t epoch, mr_cx *cx) {
    const char *path = mark_path(job, cx);
    uint64_t asked;
    mr_span tables;
    MR_TRY(mark_read(path, &asked, &tables, cx));
    while (epoch > asked && tables.bytes > 0) {  // Else the reset itself was not committed.
        mr_span line = mr_span_line(&tables);
        const char *table = mr_arena_copy(cx->arena, line.data, line.bytes);
        MR_TRY(mr_erase_table(job, table, cx));
        // What was replayed of a side table may be there again, and may then be replayed again.
        MR_TRY(
            mr_dir_delete(mr_arena_printf(cx->arena, "%s/replay/%s", job->state_dir, table), cx));
    }
    MR_TRY(mr_crash_point("reset.erased", cx));
    MR_TRY(mr_file_delete(path, cx));
    return mr_dir_sync(job->state_dir, cx);
}

mr_code mr_erase_recover(mr_job *job, mr_cx *cx) {
    if (mr_file_exists(gone_dir(job, cx), cx)) {
        MR_TRY(gone_finish(job, cx));
    }
    if (!mr_file_exists(mark_path(job, cx), cx)) {
        return MR_OK;
    }
    mr_state state;
    MR_TRY(mr_state_read(job->state_dir, &state, cx));
    return mr_erase_marked(job, state.exists ? state.epoch : 0, cx);
}
