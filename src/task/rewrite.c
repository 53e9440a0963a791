// Rewrite: see rewrite.h.

#include "task/rewrite.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "base/map.h"
#include "conn/publish.h"
#include "lake/view.h"
#include "store/name.h"

#define LOOK_US    ((int64_t)20000)
#define MARK_TRIES 100

static void say(const char *text, mr_cx *cx) {
    mr_error error = cx->error;
    (void)!mr_stream_write(MR_STDERR, mr_span_of(mr_arena_printf(cx->arena, "%s\n", text)), cx);
    cx->error = error;
}

// Waits a moment; fails when the task is to end.
static mr_code pause_for(const char *what, bool first, mr_cx *cx) {
    if (first) {
        say(what, cx);
    }
    if (mr_cx_cancelled(cx)) {
        return mr_fail(cx, MR_E_CANCELLED, NULL, "asked to end; the table is as it was");
    }
    mr_clock_sleep_us(cx->plat, LOOK_US);
    return MR_OK;
}

static const char *base_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

// ---- opening ---------------------------------------------------------------------------------

static mr_code find_entry(mr_rewrite *r, const char *table, mr_cx *cx) {
    mr_code code = mr_catalog_find(r->data_dir, table, &r->table, cx);
    if (code == MR_E_MISSING) {
        r->table = (mr_catalog_table){.name = table, .format = "parquet", .pipeline = ""};
    } else {
        MR_TRY(code);
    }
    if (strcmp(r->table.format, "parquet") != 0) {
        return mr_fail(cx, MR_E_UNSUPPORTED, "Only tables of Parquet files are rewritten.",
                       "table \"%s\" has files of format %s", table, r->table.format);
    }
    if (r->table.path != NULL) {  // Its last part must be the folder's name: the area is beside.
        r->table.path = mr_publish_trim(r->table.path, cx->arena);
    }
    r->owner = r->table.pipeline[0] == '\0' ? table : r->table.pipeline;
    return MR_OK;
}

mr_code mr_rewrite_open(mr_rewrite *r, const char *table, const char *zone_name,
                        const mr_task_try *try, mr_cx *cx) {
    *r = (mr_rewrite){.try = try,
                      .data_dir = try->data_dir[0] == '\0' ? "data" : try->data_dir,
                      .lock = {.handle = -1}};
    if (table[0] == '\0' || strlen(table) > 200 || strchr(table, '/') != NULL) {
        return mr_fail(cx, MR_E_OPTION, "Give a table's name; its folder is `path`.",
                       "\"%s\" is no name of a table", table);
    }
    MR_TRY(mr_dir_make(mr_arena_printf(cx->arena, "%s/catalog", r->data_dir), cx));
    const char *lock = mr_catalog_path(r->data_dir, table, ".lock", cx->arena);
    mr_code code = mr_lock_take(&r->lock, lock, cx);
    for (bool first = true; code == MR_E_LOCKED; first = false) {
        MR_TRY(pause_for(mr_arena_printf(cx->arena, "waits: %s", cx->error.text), first, cx));
        code = mr_lock_take(&r->lock, lock, cx);
    }
    MR_TRY(code);
    r->incarnation = mr_random_u64(cx->plat);
    MR_TRY(find_entry(r, table, cx));
    mr_lake_options options = {.data_dir = r->data_dir, .any_file = true, .zone_name = zone_name};
    return mr_lake_open(&options, &r->lake, cx);
}

void mr_rewrite_close(mr_rewrite *r, mr_cx *cx) {
    mr_lake_close(r->lake);
    mr_lock_release(&r->lock, cx->plat);
}

// ---- who writes the table --------------------------------------------------------------------

// A pipeline that starts may have entered itself since the table was opened.
static mr_code find_pipeline(mr_rewrite *r, mr_cx *cx) {
    mr_catalog_table now;
    mr_code code = mr_catalog_find(r->data_dir, r->table.name, &now, cx);
    MR_TRY(code == MR_E_MISSING ? MR_OK : code);
    r->table.pipeline = code == MR_OK ? now.pipeline : r->table.pipeline;
    return MR_OK;
}

// Whoever wrote a file of the table may write another one, unless its lock is held.
typedef struct writers {
    mr_map names;
    mr_lock *locks;
    uint32_t lock_count;
} writers;

static void add_writer(writers *w, mr_rewrite *r, mr_span pipeline, mr_cx *cx) {
    mr_span owner = mr_publish_owner(pipeline);
    const char *name = mr_arena_copy(cx->arena, owner.data, owner.bytes);
    // Its lock's file stays for good; its folder is away for a while when it starts afresh.
    const char *lock = mr_arena_printf(cx->arena, "%s/state/%s.lock", r->data_dir, name);
    if (name[0] != '\0' && mr_file_exists(lock, cx)) {
        mr_map_put(&w->names, mr_span_of(name), (void *)(uintptr_t)name);
    }
}

static mr_code find_writers(mr_rewrite *r, writers *w, mr_cx *cx) {
    mr_map_init(&w->names, cx->arena);
    add_writer(w, r, mr_span_of(r->table.pipeline), cx);
    for (uint32_t i = 0; i < r->file_count; i++) {
        mr_name name;
        if (mr_name_parse(mr_span_of(base_of(r->files[i])), &name)) {
            add_writer(w, r, name.pipeline, cx);
        }
    }
    const char *tmp = mr_arena_printf(cx->arena, "%s/.tmp", r->table.path);
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    if (mr_file_exists(tmp, cx)) {
        MR_TRY(mr_dir_list(tmp, &entries, &count, cx));
    }
    for (size_t i = 0; i < count; i++) {
        add_writer(w, r, mr_span_of(entries[i].name), cx);
    }
    w->locks = MR_NEW_ARRAY(cx->arena, mr_lock, w->names.count + 1);
    return MR_OK;
}

static void release_writers(writers *w, mr_cx *cx) {
    while (w->lock_count > 0) {
        mr_lock_release(&w->locks[--w->lock_count], cx->plat);
    }
}

// *ret_busy: the table's own pipeline runs, the others are locked.
static mr_code lock_writers(mr_rewrite *r, writers *w, bool *ret_busy, mr_cx *cx) {
    *ret_busy = false;
    for (uint32_t i = 0; i < w->names.count; i++) {
        const char *name = w->names.entries[i].value;
        const char *lock = mr_arena_printf(cx->arena, "%s/state/%s.lock", r->data_dir, name);
        mr_code code = mr_lock_take(&w->locks[w->lock_count], lock, cx);
        w->lock_count += code == MR_OK;
        if (code == MR_E_LOCKED && strcmp(name, r->table.pipeline) == 0) {
            *ret_busy = true;
        } else if (code == MR_E_LOCKED) {
            code = mr_fail(cx, MR_E_LOCKED,
                           "Stop it, or have each table written by one pipeline only.",
                           "pipeline \"%s\" runs and has files in table \"%s\", which is pipeline "
                           "\"%s\"'s",
                           name, r->table.name, r->table.pipeline);
            return mr_error_flag(cx, code, MR_RETRY);
        } else if (code != MR_OK) {
            return code;
        }
    }
    return MR_OK;
}

// The pending commit is finished by whoever writes the table.
static mr_code finish(mr_rewrite *r, mr_cx *cx) {
    MR_TRY(mr_swap_load(r->data_dir, r->table.name, &r->last, cx));
    for (bool first = true; r->last.state == MR_SWAP_PENDING; first = false) {
        writers w = {.lock_count = 0};
        bool busy = false;
        MR_TRY(find_pipeline(r, cx));
        MR_TRY(find_writers(r, &w, cx));
        mr_code code = lock_writers(r, &w, &busy, cx);
        if (code == MR_OK && !busy) {
            code = mr_swap_finish(r->data_dir, r->table.name, &r->last, cx);
        } else if (code == MR_OK) {
            const char *text = mr_arena_printf(
                cx->arena, "pipeline \"%s\" writes the table: it takes this in between two epochs",
                r->table.pipeline);
            code = pause_for(text, first, cx);
            code = code == MR_OK ? mr_swap_load(r->data_dir, r->table.name, &r->last, cx) : code;
        }
        release_writers(&w, cx);
        MR_TRY(code);
    }
    return MR_OK;
}

mr_code mr_rewrite_look(mr_rewrite *r, mr_cx *cx) {
    MR_TRY(finish(r, cx));
    const char *base = base_of(r->table.path);
    r->area = mr_arena_printf(cx->arena, "%.*s.%s.swap", (int)(base - r->table.path), r->table.path,
                              base);
    MR_TRY(mr_dir_delete(r->area, cx));  // Of one that died before its record.
    return mr_catalog_files(r->data_dir, &r->table, &r->files, &r->file_count, cx);
}

mr_code mr_rewrite_area(mr_rewrite *r, const char **ret, mr_cx *cx) {
    MR_TRY(mr_dir_delete(r->area, cx));
    const char *dir = mr_arena_printf(cx->arena, "%s/new", r->area);
    MR_TRY(mr_dir_make(dir, cx));
    *ret = dir;
    return MR_OK;
}

const char *mr_rewrite_name(const mr_rewrite *r, uint32_t roll, uint32_t number, mr_cx *cx) {
    mr_name name = {
        .pipeline = mr_span_of(mr_arena_printf(cx->arena, "%s" MR_PUBLISH_REWRITE, r->owner)),
        .incarnation = r->incarnation,
        .epoch = r->last.version + 1,
        .sink = roll,
        .number = number,
        .ending = MR_SPAN(".parquet"),
    };
    return mr_name_make(&name, cx->arena);
}

// ---- what a commit log may still list ----------------------------------------------------------

static const char *life_of(const mr_name *name, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%.*s-%" PRIx64, MR_SPAN_ARGS(name->pipeline),
                           name->incarnation);
}

// The newest epoch of each life of each writer, of which a reader sees files.
static void newest_epochs(const mr_rewrite *r, mr_map *ret, mr_cx *cx) {
    mr_map_init(ret, cx->arena);
    for (uint32_t i = 0; i < r->file_count; i++) {
        mr_name name;
        if (!mr_name_parse(mr_span_of(base_of(r->files[i])), &name)) {
            continue;
        }
        const char *life = life_of(&name, cx);
        uint64_t *epoch = mr_map_get(ret, mr_span_of(life));
        if (epoch == NULL) {
            epoch = MR_NEW(cx->arena, uint64_t);
            mr_map_put(ret, mr_span_of(life), epoch);
        }
        *epoch = MR_MAX(*epoch, name.epoch);
    }
}

// A log that went on lists older epochs no more.
static mr_code prune_taken(const char *tmp, const mr_map *newest, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    mr_code code = mr_dir_list(tmp, &entries, &count, cx);
    if (code != MR_OK) {
        return code == MR_E_MISSING ? MR_OK : code;  // The pipeline starts afresh.
    }
    for (size_t i = 0; i < count; i++) {
        mr_span text = mr_span_of(entries[i].name);
        mr_name name;
        if (!mr_span_ends(text, MR_SINK_TAKEN)) {
            continue;
        }
        text.bytes -= strlen(MR_SINK_TAKEN);
        const uint64_t *epoch =
            mr_name_parse(text, &name) ? mr_map_get(newest, mr_span_of(life_of(&name, cx))) : NULL;
        if (epoch != NULL && name.epoch < *epoch) {
            MR_TRY(mr_file_delete(mr_arena_printf(cx->arena, "%s/%s", tmp, entries[i].name), cx));
        }
    }
    return MR_OK;
}

// A start of the pipeline sweeps this folder, so it may go, and what is on the way to its name too.
static mr_code save_mark(const char *tmp, const char *base, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/%s" MR_SINK_TAKEN, tmp, base);
    mr_code code = MR_E_MISSING;
    for (uint32_t tries = 0; tries < MARK_TRIES && code == MR_E_MISSING; tries++) {
        MR_TRY(mr_dir_make(tmp, cx));
        code = mr_file_save(path, MR_SPAN(""), cx);
    }
    return code;
}

// A pipeline that was killed publishes its last epoch once more: it must not miss what is replaced.
static mr_code mark_taken(const mr_rewrite *r, const mr_rewrite_files *files, mr_cx *cx) {
    mr_map newest, dirs;
    newest_epochs(r, &newest, cx);
    mr_map_init(&dirs, cx->arena);
    for (uint32_t i = 0; i < files->replaced_count; i++) {
        const char *base = base_of(files->replaced[i]);
        mr_name name;
        if (!mr_name_parse(mr_span_of(base), &name)) {
            continue;
        }
        const uint64_t *epoch = mr_map_get(&newest, mr_span_of(life_of(&name, cx)));
        bool rewritten = memmem(name.pipeline.data, name.pipeline.bytes, MR_PUBLISH_REWRITE,
                                strlen(MR_PUBLISH_REWRITE)) != NULL;  // No commit log lists those.
        if (rewritten || epoch == NULL || name.epoch < *epoch) {
            continue;
        }
        const char *tmp =
            mr_arena_printf(cx->arena, "%s/.tmp/%.*s", r->table.path, MR_SPAN_ARGS(name.pipeline));
        MR_TRY(save_mark(tmp, base, cx));
        mr_map_put(&dirs, mr_span_of(tmp), (void *)(uintptr_t)tmp);
    }
    for (uint32_t i = 0; i < dirs.count; i++) {
        MR_TRY(prune_taken(dirs.entries[i].value, &newest, cx));
    }
    return MR_OK;
}

// ---- the commit ------------------------------------------------------------------------------

// Bytes of the deepest folder that holds both: of "a=1/b=2/" for a=1/b=2/x and a=1/b=2/y.
static size_t common_folder(const char *a, size_t bytes, const char *b) {
    size_t folder = 0;
    for (size_t i = 0; i < bytes && a[i] == b[i]; i++) {
        if (a[i] == '/') {
            folder = i + 1;
        }
    }
    return folder;
}

static const char *const *behind(const char *const *paths, uint32_t count, size_t bytes,
                                 mr_cx *cx) {
    const char **ret = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = paths[i] + bytes;
    }
    return ret;
}

// The smallest folder that all of them are in.
static size_t find_folder(const mr_rewrite_files *files) {
    const char *first = files->made_count > 0 ? files->made[0] : files->replaced[0];
    const char *slash = strrchr(first, '/');
    size_t bytes = slash == NULL ? 0 : (size_t)(slash - first) + 1;
    for (uint32_t i = 0; i < files->made_count; i++) {
        bytes = common_folder(first, bytes, files->made[i]);
    }
    for (uint32_t i = 0; i < files->replaced_count; i++) {
        bytes = common_folder(first, bytes, files->replaced[i]);
    }
    return bytes;
}

mr_code mr_rewrite_commit(mr_rewrite *r, const mr_rewrite_files *files, mr_span result, mr_cx *cx) {
    mr_assert(files->made_count + files->replaced_count > 0);
    size_t bytes = find_folder(files);
    const char *first = files->made_count > 0 ? files->made[0] : files->replaced[0];
    const char *sub =
        bytes == 0 ? "" : mr_arena_printf(cx->arena, "/%.*s", (int)(bytes - 1), first);
    mr_swap swap = {
        .version = r->last.version + 1,
        .state = MR_SWAP_PENDING,
        .identity = r->try->identity,
        .live = mr_arena_printf(cx->arena, "%s%s", r->table.path, sub),
        .staged = mr_arena_printf(cx->arena, "%s/new%s", r->area, sub),
        .area = r->area,
        .made = (const char **)(uintptr_t)behind(files->made, files->made_count, bytes, cx),
        .replaced =
            (const char **)(uintptr_t)behind(files->replaced, files->replaced_count, bytes, cx),
        .made_count = files->made_count,
        .replaced_count = files->replaced_count,
        .result = result,
    };
    MR_TRY(mr_swap_check(&swap, cx));
    MR_TRY(mark_taken(r, files, cx));
    MR_TRY(mr_swap_carry(&swap, /* hidden= */ false, cx));
    MR_TRY(mr_crash_point("swap.staged", cx));
    MR_TRY(mr_swap_save(r->data_dir, r->table.name, &swap, cx));
    MR_TRY(mr_crash_point("swap.recorded", cx));
    MR_TRY(finish(r, cx));
    if (r->last.state == MR_SWAP_DROPPED) {
        mr_code code = mr_fail(cx, MR_E_MISSING, "Try again: nothing was changed.",
                               "files of table \"%s\" were removed meanwhile", r->table.name);
        return mr_error_flag(cx, code, MR_RETRY);
    }
    return MR_OK;
}

// ---- columns -----------------------------------------------------------------------------------

static mr_code take_extra(void *self, const mr_batch *in, mr_cx *cx) {
    if (in->rows > 0 && *(const char **)self == NULL) {
        mr_str name = mr_vector_str(&in->columns[0], 0);
        *(const char **)self = mr_arena_copy(cx->arena, name.data, name.bytes);
    }
    return MR_OK;
}

mr_code mr_rewrite_check(mr_rewrite *r, const char *const *files, uint32_t count, mr_cx *cx) {
    mr_text sql;
    mr_text_init(&sql, cx->arena);
    mr_text_add(&sql, "SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet([");
    for (uint32_t i = 0; i < count; i++) {
        mr_text_add(&sql, i == 0 ? "" : ", ");
        mr_view_add_literal(&sql, files[i]);
    }
    mr_text_add(&sql, "], hive_partitioning = false, union_by_name = true)) "
                      "WHERE lower(column_name) NOT IN (''");
    for (uint32_t c = 0; c < r->table.column_count; c++) {
        mr_text_add(&sql, ", lower(");
        mr_view_add_literal(&sql, r->table.columns[c].name);
        mr_text_add_char(&sql, ')');
    }
    mr_text_add_char(&sql, ')');
    const char *extra = NULL;
    mr_lake_sink sink = {.rows = take_extra, .self = &extra};
    MR_TRY(count == 0 ? MR_OK : mr_lake_query(r->lake, mr_text_string(&sql), &sink, cx));
    if (extra != NULL) {
        return mr_fail(cx, MR_E_UNSUPPORTED,
                       "Bring it back into the table's definition, or remove those files.",
                       "files of table \"%s\" have the column \"%s\", which the table has not: it "
                       "would be lost",
                       r->table.name, extra);
    }
    return MR_OK;
}

// ---- what it tells -----------------------------------------------------------------------------

mr_code mr_rewrite_tell(const mr_task_try *try, mr_span result, mr_cx *cx) {
    mr_span inside = mr_jsonvalue_inside(mr_jsonvalue_trim(result)), key, value;
    while (mr_jsonvalue_next(&inside, &key, &value)) {
        MR_TRY(try->output(try, mr_jsonvalue_text(key, cx->arena), value, cx));
    }
    return MR_OK;
}
