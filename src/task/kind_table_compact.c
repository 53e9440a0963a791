// Kind "table.compact": the small files of a table's partitions become few large ones.
//
// How: each partition is a commit of its own (rewrite.h): its small files are read in order of
// name, or in the order that was asked for, and written anew until a file is large enough. A
// partition whose files are large stays as it is, so a try that is repeated goes on where the one
// before ended. Outputs: files_before, files_after, bytes_before, bytes_after, of the whole table;
// partitions: how many were rewritten.

#include <inttypes.h>
#include <string.h>

#include "codec/parquet.h"
#include "lake/view.h"
#include "task/kinds.h"
#include "task/rewrite.h"

#define HELD_BYTES ((size_t)4 << 20)

typedef struct compact {
    const char *table;
    uint64_t target_size;
    int64_t min_files;
    const char *where;
    const char *order_by;
    const char *timezone;
} compact;

static const mr_option compact_options[] = {
    MR_OPTION(compact, table, MR_OPT_TEXT, MR_REQUIRED, "The table of the lake."),
    MR_OPTION(compact, target_size, MR_OPT_BYTES, "128MiB",
              "How large files become; those of three quarters of it stay as they are."),
    MR_OPTION(compact, min_files, MR_OPT_INT, "2",
              "How many small files a partition must have before it is rewritten."),
    MR_OPTION(compact, where, MR_OPT_TEXT, NULL,
              "Which partitions: a condition on partition columns, in SQL."),
    MR_OPTION(compact, order_by, MR_OPT_TEXT, NULL,
              "The order of rows in the files that are written, as behind ORDER BY."),
    MR_OPTION(compact, timezone, MR_OPT_TEXT, "UTC", "Zone of times in `where`."),
    MR_OPTION_END,
};

static const char *const compact_outputs[] = {"files_before", "files_after", "bytes_before",
                                              "bytes_after",  "partitions",  NULL};

// The small files of a partition.
typedef struct part {
    const char *folder;  // "country=IN/", or "".
    const char **files;  // Paths.
    uint32_t count;
    uint32_t capacity;
    bool chosen;  // By `where`.
} part;

typedef struct compacting {
    const compact *o;
    mr_rewrite r;
    mr_map parts;  // By folder.
    uint32_t partitions;
} compacting;

typedef struct sizes {
    uint64_t files;
    uint64_t bytes;
} sizes;

// ---- what there is
// -------------------------------------------------------------------------------

static part *part_of(compacting *c, const char *path, mr_cx *cx) {
    const char *rel = path + strlen(c->r.table.path) + 1;
    const char *slash = strrchr(rel, '/');
    mr_span folder = {rel, slash == NULL ? 0 : (size_t)(slash - rel) + 1};
    part *p = mr_map_get(&c->parts, folder);
    if (p == NULL) {
        p = MR_NEW(cx->arena, part);
        p->folder = mr_arena_copy(cx->arena, folder.data, folder.bytes);
        p->chosen = c->o->where == NULL;
        mr_map_put(&c->parts, folder, p);
    }
    return p;
}

static void part_add(part *p, const char *path, mr_arena *arena) {
    if (p->count == p->capacity) {
        p->capacity = MR_MAX(16u, p->capacity * 2);
        const char **wider = MR_NEW_ARRAY(arena, const char *, p->capacity);
        if (p->count > 0) {
            memcpy(wider, p->files, sizeof(*wider) * p->count);
        }
        p->files = wider;
    }
    p->files[p->count++] = path;
}

// Sizes of all files; with collect, the small ones go to their partitions.
static mr_code look(compacting *c, bool collect, sizes *ret, mr_cx *cx) {
    *ret = (sizes){.files = c->r.file_count};
    for (uint32_t i = 0; i < c->r.file_count; i++) {
        mr_stat stat;
        MR_TRY(mr_file_stat(c->r.files[i], &stat, cx));
        ret->bytes += stat.bytes;
        part *p = collect ? part_of(c, c->r.files[i], cx) : NULL;
        if (collect && stat.bytes < c->o->target_size / 4 * 3) {
            part_add(p, c->r.files[i], cx->arena);
        }
    }
    return MR_OK;
}

static mr_code take_chosen(void *self, const mr_batch *in, mr_cx *cx) {
    for (uint32_t row = 0; row < in->rows; row++) {
        mr_str path = mr_vector_str(&in->columns[0], row);
        part_of(self, mr_arena_copy(cx->arena, path.data, path.bytes), cx)->chosen = true;
    }
    return MR_OK;
}

// Asks DuckDB which folders' values meet the condition: it sees partition columns only.
static mr_code choose(compacting *c, mr_cx *cx) {
    const mr_catalog_table *table = &c->r.table;
    mr_text sql;
    mr_text_init(&sql, cx->arena);
    if (c->o->where == NULL || c->r.file_count == 0) {
        return MR_OK;
    }
    if (table->partition_by[0] == '\0') {
        return mr_fail(cx, MR_E_OPTION, "Leave the key out.",
                       "table \"%s\" has no partitions that \"where\" could choose", table->name);
    }
    mr_text_add(&sql, "SELECT millrace_file FROM (SELECT ");
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (mr_view_partitioned_by(table, table->columns[i].name)) {
            mr_view_add_partition_value(&sql, &table->columns[i]);
            mr_text_add(&sql, ", ");
        }
    }
    mr_text_add(&sql, "millrace_file FROM (SELECT unnest([");
    for (uint32_t i = 0; i < c->parts.count; i++) {
        const part *p = c->parts.entries[i].value;
        mr_text_add(&sql, i == 0 ? "" : ", ");
        mr_view_add_literal(&sql, mr_arena_printf(cx->arena, "%s/%s", table->path, p->folder));
    }
    mr_text_addf(&sql, "]) AS millrace_file)) WHERE (%s\n)", c->o->where);
    mr_lake_sink sink = {.rows = take_chosen, .self = c};
    mr_code code = mr_lake_query(c->r.lake, mr_text_string(&sql), &sink, cx);
    return code == MR_OK ? MR_OK
                         : mr_error_in(cx, code, "key \"where\" sees partition columns only");
}

// ---- writing a partition
// -------------------------------------------------------------------------

typedef struct writing {
    compacting *c;
    const char *dir;     // In the area.
    const char *folder;  // Of the partition.
    const mr_schema *schema;
    mr_parquet *encoder;
    mr_text held;
    mr_file file;
    uint64_t bytes;
    uint32_t number;
    const char **made;
    uint32_t capacity;
    mr_arena scratch;
} writing;

static mr_code file_open(writing *w, mr_cx *cx) {
    const mr_parquet_options options = {.compression = MR_COMPRESS_ZSTD, .created_by = "millrace"};
    const char *name = mr_rewrite_name(&w->c->r, w->c->partitions, w->number, cx);
    if (w->number == w->capacity) {
        w->capacity = MR_MAX(16u, w->capacity * 2);
        const char **wider = MR_NEW_ARRAY(cx->arena, const char *, w->capacity);
        if (w->number > 0) {
            memcpy(wider, w->made, sizeof(*wider) * w->number);
        }
        w->made = wider;
    }
    w->made[w->number++] = mr_arena_printf(cx->arena, "%s%s", w->folder, name);
    w->bytes = 0;
    MR_TRY(mr_parquet_open(w->schema, &options, &w->encoder, cx));
    return mr_file_open(&w->file, mr_arena_printf(cx->arena, "%s/%s%s", w->dir, w->folder, name),
                        MR_OPEN_CREATE, cx);
}

static mr_code flush(writing *w, mr_cx *cx) {
    MR_TRY(mr_file_append(&w->file, mr_text_span(&w->held), cx));
    w->bytes += w->held.bytes;
    mr_text_clear(&w->held);
    return MR_OK;
}

static mr_code file_seal(writing *w, mr_cx *cx) {
    MR_TRY(mr_parquet_finish(w->encoder, &w->held, cx));
    MR_TRY(flush(w, cx));
    MR_TRY(mr_file_sync(&w->file, cx));
    mr_file_close(&w->file, cx->plat);
    mr_parquet_close(w->encoder);
    w->encoder = NULL;
    return MR_OK;
}

static mr_code take_schema(void *self, const mr_schema *schema, mr_cx *cx) {
    (void)cx;
    ((writing *)self)->schema = schema;
    return MR_OK;
}

static mr_code write_rows(writing *w, const mr_batch *in, mr_cx *cx) {
    MR_TRY(mr_parquet_write(w->encoder, in, &w->held, cx));
    return w->held.bytes >= HELD_BYTES ? flush(w, cx) : MR_OK;
}

static mr_code take_rows(void *self, const mr_batch *in, mr_cx *cx) {
    writing *w = self;
    MR_TRY(w->encoder == NULL ? file_open(w, cx) : MR_OK);
    mr_cx inner = *cx;
    inner.arena = &w->scratch;
    mr_code code = write_rows(w, in, &inner);
    cx->error = inner.error;
    mr_arena_clear(&w->scratch);
    MR_TRY(code);
    bool large = w->bytes + w->held.bytes >= w->c->o->target_size;
    return large ? file_seal(w, cx) : MR_OK;
}

static const char *content_sql(const compacting *c, const part *p, mr_cx *cx) {
    mr_text sql;
    mr_text_init(&sql, cx->arena);
    mr_text_add(&sql, "SELECT ");
    bool first = true;
    for (uint32_t i = 0; i < c->r.table.column_count; i++) {
        if (!mr_view_partitioned_by(&c->r.table, c->r.table.columns[i].name)) {
            mr_text_add(&sql, first ? "" : ", ");
            mr_view_add_name(&sql, c->r.table.columns[i].name);
            first = false;
        }
    }
    mr_text_addf(&sql, " FROM (%s)", mr_view_files_sql(&c->r.table, p->files, p->count, cx));
    if (c->o->order_by != NULL) {
        mr_text_addf(&sql, " ORDER BY %s", c->o->order_by);
    }
    return mr_text_string(&sql);
}

static mr_code write_part(writing *w, const part *p, mr_cx *cx) {
    MR_TRY(mr_rewrite_area(&w->c->r, &w->dir, cx));
    size_t bytes = strlen(p->folder) - (p->folder[0] != '\0');  // Without its slash.
    const char *folder = mr_arena_printf(cx->arena, "%s%s%.*s", w->dir, bytes == 0 ? "" : "/",
                                         (int)bytes, p->folder);
    MR_TRY(mr_dir_make(folder, cx));
    mr_lake_sink sink = {.begin = take_schema, .rows = take_rows, .self = w};
    MR_TRY(mr_lake_query(w->c->r.lake, content_sql(w->c, p, cx), &sink, cx));
    MR_TRY(w->encoder != NULL ? file_seal(w, cx) : MR_OK);
    return mr_dir_sync(folder, cx);
}

static mr_code compact_part(compacting *c, const part *p, mr_cx *cx) {
    writing w = {.c = c, .folder = p->folder, .file = MR_FILE_CLOSED};
    mr_text_init(&w.held, NULL);
    MR_TRY(mr_rewrite_check(&c->r, p->files, p->count, cx));
    mr_code code = write_part(&w, p, cx);
    if (w.encoder != NULL) {
        mr_parquet_close(w.encoder);
    }
    mr_file_close(&w.file, cx->plat);
    mr_text_release(&w.held);
    mr_arena_release(&w.scratch);
    MR_TRY(code);
    const size_t bytes = strlen(c->r.table.path) + 1;
    mr_rewrite_files files = {.made = w.made,
                              .replaced = MR_NEW_ARRAY(cx->arena, const char *, p->count),
                              .made_count = w.number,
                              .replaced_count = p->count};
    for (uint32_t i = 0; i < p->count; i++) {
        files.replaced[i] = p->files[i] + bytes;
    }
    c->partitions++;
    return mr_rewrite_commit(&c->r, &files, MR_SPAN("{}"), cx);
}

// ---- all of it
// -----------------------------------------------------------------------------------

static mr_code tell(const compacting *c, const sizes *before, const sizes *after, mr_cx *cx) {
    const char *result = mr_arena_printf(
        cx->arena,
        "{\"files_before\":%" PRIu64 ",\"files_after\":%" PRIu64 ",\"bytes_before\":%" PRIu64
        ",\"bytes_after\":%" PRIu64 ",\"partitions\":%" PRIu32 "}",
        before->files, after->files, before->bytes, after->bytes, c->partitions);
    MR_TRY(mr_rewrite_tell(c->r.try, mr_span_of(result), cx));
    const char *line = mr_arena_printf(
        cx->arena,
        "table \"%s\": %" PRIu64 " files of %" PRIu64 " bytes became %" PRIu64 " of %" PRIu64
        "; %" PRIu32 " partitions rewritten\n",
        c->r.table.name, before->files, before->bytes, after->files, after->bytes, c->partitions);
    return mr_stream_write(MR_STDOUT, mr_span_of(line), cx);
}

static mr_code compact_all(compacting *c, mr_cx *cx) {
    sizes before, after;
    if (c->r.table.path == NULL) {
        return mr_fail(cx, MR_E_NAME, "Name a table that a pipeline or a merge has written.",
                       "no table \"%s\" in the lake", c->r.table.name);
    }
    MR_TRY(mr_rewrite_look(&c->r, cx));
    mr_map_init(&c->parts, cx->arena);
    MR_TRY(look(c, /* collect= */ true, &before, cx));
    MR_TRY(choose(c, cx));
    for (uint32_t i = 0; i < c->parts.count; i++) {
        const part *p = c->parts.entries[i].value;
        if (p->chosen && p->count > 0 && p->count >= c->o->min_files) {
            mr_code code = compact_part(c, p, cx);
            if (code != MR_OK) {
                return p->folder[0] == '\0' ? code
                                            : mr_error_in(cx, code, "partition %s", p->folder);
            }
        }
    }
    MR_TRY(mr_rewrite_look(&c->r, cx));
    MR_TRY(look(c, /* collect= */ false, &after, cx));
    return tell(c, &before, &after, cx);
}

static mr_code compact_check(const void *options, mr_cx *cx) {
    const compact *o = options;
    return o->min_files >= 2 ? MR_OK
                             : mr_fail(cx, MR_E_OPTION, "Write 2 or more: one file is one already.",
                                       "min_files cannot be %" PRId64, o->min_files);
}

static mr_code compact_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    compacting c = {.o = options};
    MR_TRY(compact_check(options, cx));
    mr_code code = mr_rewrite_open(&c.r, c.o->table, c.o->timezone, try, cx);
    code = code == MR_OK ? compact_all(&c, cx) : code;
    mr_rewrite_close(&c.r, cx);
    return code;
}

const mr_task_type mr_kind_table_compact = {
    .name = "table.compact",
    .doc = "Makes few large files of the many small ones of a table's partitions.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = compact_options,
    .outputs = compact_outputs,
    .size = sizeof(compact),
    .run = compact_run,
    .check = compact_check,
};
