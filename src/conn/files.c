// Files: the engine of sinks that write files; see files.h.

#include "conn/files.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "conn/conn.h"
#include "plat/plat.h"

#define FILES_HELD_BYTES   ((size_t)4 << 20)
#define FILES_FOLDER_BYTES 240  // Of one folder's name; file systems end at 255.
#define FILES_BY_MAX       16
// What Hive and Spark write for NULL, and for '' too, which has no form of its own there.
#define FILES_NULL_VALUE "__HIVE_DEFAULT_PARTITION__"

struct mr_files_part {
    const char *name;
    const char *folder;  // "country=IN/", or "".
    const char *path;    // Of the temporary.
    void *encoder;
    mr_text held;  // Heap: bytes not yet written.
    mr_file file;
    bool made;  // The file is there.
    uint64_t bytes;
    uint64_t rows;
    uint32_t crc;
    uint32_t rows_now;  // Of the batch at hand, and where they start in the sorted rows.
    uint32_t rows_first;
};

// ---- opening ---------------------------------------------------------------------------------

static mr_code unknown_column(const mr_sink_spec *spec, mr_span name, mr_cx *cx) {
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, spec->schema->count);
    for (uint32_t i = 0; i < spec->schema->count; i++) {
        names[i] = spec->schema->columns[i].name;
    }
    const char *text = mr_arena_copy(cx->arena, name.data, name.bytes);
    const char *hint =
        mr_text_hint(text, names, spec->schema->count,
                     "Write names of its columns with commas between them.", cx->arena);
    return mr_fail_at(cx, MR_E_NAME, mr_conn_place(spec->options, "partition_by"), hint,
                      "no column \"%s\" in table \"%s\"", text, spec->table);
}

static mr_code take_partition_by(mr_files *files, const char *list, mr_arena *arena, mr_cx *cx) {
    const mr_sink_spec *spec = files->spec;
    files->by = MR_NEW_ARRAY(arena, uint32_t, FILES_BY_MAX);
    mr_span rest = mr_span_trim(mr_span_of(list));
    while (rest.bytes > 0) {
        const char *comma = memchr(rest.data, ',', rest.bytes);
        size_t bytes = comma == NULL ? rest.bytes : (size_t)(comma - rest.data);
        mr_span name = mr_span_trim((mr_span){rest.data, bytes});
        rest.data += comma == NULL ? bytes : bytes + 1;
        rest.bytes -= comma == NULL ? bytes : bytes + 1;
        uint32_t c = 0;
        while (c < spec->schema->count && !mr_span_is(name, spec->schema->columns[c].name)) {
            c++;
        }
        if (c == spec->schema->count) {
            return unknown_column(spec, name, cx);
        }
        for (uint32_t i = 0; i < files->by_count; i++) {
            if (files->by[i] == c) {
                return mr_fail_at(cx, MR_E_OPTION, mr_conn_place(spec->options, "partition_by"),
                                  "Keep one of the two.", "column \"%s\" is named twice",
                                  spec->schema->columns[c].name);
            }
        }
        if (files->by_count == FILES_BY_MAX) {
            return mr_fail_at(cx, MR_E_LIMIT, mr_conn_place(spec->options, "partition_by"), NULL,
                              "more than %d partition columns", FILES_BY_MAX);
        }
        files->by[files->by_count++] = c;
    }
    return MR_OK;
}

static bool partitioned_by(const mr_files *files, uint32_t column) {
    for (uint32_t i = 0; i < files->by_count; i++) {
        if (files->by[i] == column) {
            return true;
        }
    }
    return false;
}

mr_code mr_files_open(mr_files *files, const mr_files_options *options, mr_cx *cx) {
    mr_sink *sink = options->sink;
    const mr_schema *schema = sink->spec.schema;
    files->format = options->format;
    files->format_options = options->format_options;
    files->spec = &sink->spec;
    files->plat = cx->plat;
    mr_publish_options publish = {
        .spec = &sink->spec,
        .root = options->root,
        .path = options->path,
        .ending = options->format->ending,
        .arena = &sink->arena,
    };
    MR_TRY(mr_publish_open(&files->publish, &publish, cx));
    sink->path = files->publish.dir;
    if (options->partition_by != NULL) {
        MR_TRY(take_partition_by(files, options->partition_by, &sink->arena, cx));
    }
    files->kept = MR_NEW_ARRAY(&sink->arena, uint32_t, schema->count);
    files->kept_schema.columns = MR_NEW_ARRAY(&sink->arena, mr_column, schema->count);
    for (uint32_t c = 0; c < schema->count; c++) {
        if (!partitioned_by(files, c)) {
            files->kept[files->kept_schema.count] = c;
            files->kept_schema.columns[files->kept_schema.count++] = schema->columns[c];
        }
    }
    if (files->kept_schema.count == 0) {
        return mr_fail_at(cx, MR_E_OPTION, mr_conn_place(sink->spec.options, "partition_by"),
                          "Leave at least one column for the files.",
                          "every column of table \"%s\" is in partition_by", sink->spec.table);
    }
    return MR_OK;
}

// ---- partitions ------------------------------------------------------------------------------

static bool plain_in_folder(unsigned char c) {
    return c >= 0x20 && c != 0x7F && strchr("\"#%'*/:=?\\{}[]^", c) == NULL;
}

// Escapes as Spark and Hive do, and NUL too.
static void add_escaped(mr_text *out, mr_span value) {
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (plain_in_folder(c)) {
            mr_text_add_char(out, (char)c);
        } else {
            mr_text_addf(out, "%%%02X", c);
        }
    }
}

static mr_code folder_of(const mr_files *files, const mr_batch *in, uint32_t row, const char **ret,
                         mr_cx *cx) {
    mr_text folder, value;
    mr_text_init(&folder, cx->arena);
    mr_text_init(&value, cx->arena);
    for (uint32_t i = 0; i < files->by_count; i++) {
        const mr_column *column = &files->spec->schema->columns[files->by[i]];
        const mr_vector *v = &in->columns[files->by[i]];
        size_t start = folder.bytes;
        mr_text_clear(&value);
        if (!mr_vector_is_null(v, row)) {
            mr_vector_print(v, row, files->spec->zone, &value);
        }
        add_escaped(&folder, mr_span_of(column->name));
        mr_text_add_char(&folder, '=');
        add_escaped(&folder, value.bytes == 0 ? MR_SPAN(FILES_NULL_VALUE) : mr_text_span(&value));
        if (folder.bytes - start > FILES_FOLDER_BYTES) {
            return mr_fail(cx, MR_E_LIMIT, "Partition by a shorter column, or cut its values.",
                           "a value of partition column \"%s\" has %zu bytes", column->name,
                           value.bytes);
        }
        mr_text_add_char(&folder, '/');
    }
    *ret = mr_text_string(&folder);
    return MR_OK;
}

// Bytes that are equal exactly when all partition columns are.
static void partition_key(const mr_files *files, const mr_batch *in, uint32_t row, mr_text *key) {
    mr_text_clear(key);
    for (uint32_t i = 0; i < files->by_count; i++) {
        const mr_vector *v = &in->columns[files->by[i]];
        if (mr_vector_is_null(v, row)) {
            mr_text_add_char(key, 0);
            continue;
        }
        mr_text_add_char(key, 1);
        if (mr_type_is_string(v->type)) {
            mr_str value = mr_vector_str(v, row);
            mr_text_add_bytes(key, &value.bytes, sizeof(value.bytes));
            mr_text_add_bytes(key, value.data, value.bytes);
        } else {
            size_t bytes = mr_type_bytes(v->type);
            mr_text_add_bytes(key, (const char *)v->data + bytes * mr_vector_at(v, row), bytes);
        }
    }
}

static mr_code part_new(mr_files *files, const char *folder, mr_files_part **ret, mr_cx *cx) {
    mr_files_part *part = MR_NEW(&files->arena, mr_files_part);
    part->file = MR_FILE_CLOSED;
    part->folder = mr_arena_string(&files->arena, folder);
    part->name = mr_publish_name(&files->publish, &files->id, files->part_count, &files->arena);
    part->path = mr_arena_printf(&files->arena, "%s/%s.part", files->publish.tmp, part->name);
    MR_TRY(files->format->open(files->format_options, &files->kept_schema, &part->encoder, cx));
    if (files->part_count == files->part_capacity) {
        files->part_capacity = MR_MAX(8u, files->part_capacity * 2);
        files->parts = mr_heap_resize(files->parts, sizeof(*files->parts) * files->part_capacity);
    }
    files->parts[files->part_count++] = part;
    *ret = part;
    return MR_OK;
}

// Makes the partition that a row belongs to, and enters it under its key.
static mr_code part_add(mr_files *files, const mr_batch *in, uint32_t row, mr_span key, mr_cx *cx) {
    const char *folder = NULL;
    mr_files_part *part;
    MR_TRY(folder_of(files, in, row, &folder, cx));
    MR_TRY(part_new(files, folder, &part, cx));
    mr_map_put(&files->parts_by_key, key, part);
    return MR_OK;
}

// ---- a publication ---------------------------------------------------------------------------

mr_code mr_files_begin(mr_files *files, const mr_publication_id *id, mr_cx *cx) {
    (void)cx;
    mr_assert(files->part_count == 0);
    mr_arena_clear(&files->arena);
    mr_map_init(&files->parts_by_key, &files->arena);
    files->id = *id;
    files->id.pipeline = files->publish.pipeline;
    files->row_count = 0;
    return MR_OK;
}

static mr_code part_flush(mr_files *files, mr_files_part *part, mr_cx *cx) {
    if (!part->made) {
        MR_TRY(mr_dir_make(files->publish.tmp, cx));
        // Left by a crash before the commit, or by a try that failed: nothing names it.
        MR_TRY(mr_file_open(&part->file, part->path, MR_OPEN_TRUNCATE, cx));
        part->made = true;
    }
    mr_span data = mr_text_span(&part->held);
    MR_TRY(mr_file_append(&part->file, data, cx));
    part->crc = mr_hash_crc32c(part->crc, data.data, data.bytes);
    part->bytes += data.bytes;
    mr_text_clear(&part->held);
    return MR_OK;
}

static mr_code part_write(mr_files *files, mr_files_part *part, const mr_batch *in, mr_cx *cx) {
    MR_TRY(files->format->write(part->encoder, in, &part->held, cx));
    part->rows += in->sel_count;
    files->row_count += in->sel_count;
    return part->held.bytes >= FILES_HELD_BYTES ? part_flush(files, part, cx) : MR_OK;
}

// Deals the selected rows to their partitions: owners[i] is that of the i-th selected row.
static mr_code deal_rows(mr_files *files, const mr_batch *in, mr_files_part **owners, mr_cx *cx) {
    mr_text keys[2];
    mr_text_init(&keys[0], cx->arena);
    mr_text_init(&keys[1], cx->arena);
    mr_files_part *part = NULL;  // Of the row before: neighbours are often alike.
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        mr_text *key = &keys[i & 1], *key_before = &keys[(i & 1) ^ 1];
        partition_key(files, in, row, key);
        if (part == NULL || !mr_span_equal(mr_text_span(key), mr_text_span(key_before))) {
            part = mr_map_get(&files->parts_by_key, mr_text_span(key));
            if (part == NULL) {
                MR_TRY(part_add(files, in, row, mr_text_span(key), cx));
                part = files->parts[files->part_count - 1];
            }
        }
        owners[i] = part;
        part->rows_now++;
    }
    return MR_OK;
}

static mr_code write_dealt(mr_files *files, const mr_batch *in, mr_files_part *const *owners,
                           mr_cx *cx) {
    uint32_t *sorted = mr_arena_raw(cx->arena, sizeof(uint32_t) * in->sel_count);
    uint32_t first = 0;
    for (uint32_t p = 0; p < files->part_count; p++) {
        files->parts[p]->rows_first = first;
        first += files->parts[p]->rows_now;
        files->parts[p]->rows_now = 0;
    }
    mr_assert(first == in->sel_count);
    for (uint32_t i = 0; i < in->sel_count; i++) {
        sorted[owners[i]->rows_first + owners[i]->rows_now++] = mr_batch_row(in, i);
    }
    for (uint32_t p = 0; p < files->part_count; p++) {
        mr_files_part *part = files->parts[p];
        if (part->rows_now > 0) {
            mr_batch rows = mr_batch_narrow(in, sorted + part->rows_first, part->rows_now);
            part->rows_now = 0;
            MR_TRY(part_write(files, part, &rows, cx));
        }
    }
    return MR_OK;
}

mr_code mr_files_write(mr_files *files, const mr_batch *in, mr_cx *cx) {
    if (in->sel_count == 0) {
        return MR_OK;
    }
    mr_batch kept = *in;
    kept.column_count = files->kept_schema.count;
    kept.columns = MR_NEW_ARRAY(cx->arena, mr_vector, kept.column_count);
    for (uint32_t c = 0; c < kept.column_count; c++) {
        kept.columns[c] = in->columns[files->kept[c]];
    }
    if (files->by_count == 0) {
        mr_files_part *part = files->part_count > 0 ? files->parts[0] : NULL;
        if (part == NULL) {
            MR_TRY(part_new(files, "", &part, cx));
        }
        return part_write(files, part, &kept, cx);
    }
    mr_files_part **owners = MR_NEW_ARRAY(cx->arena, mr_files_part *, in->sel_count);
    MR_TRY(deal_rows(files, in, owners, cx));
    return write_dealt(files, &kept, owners, cx);
}

static mr_code part_seal(mr_files *files, mr_files_part *part, mr_cx *cx) {
    MR_TRY(files->format->finish(part->encoder, &part->held, cx));
    MR_TRY(part_flush(files, part, cx));
    MR_TRY(mr_crash_point("sink.part_written", cx));
    MR_TRY(mr_file_sync(&part->file, cx));
    MR_TRY(mr_crash_point("sink.part_synced", cx));
    mr_file_close(&part->file, cx->plat);
    return MR_OK;
}

// Forgets the publication under way; what is on disk stays.
static void forget(mr_files *files, mr_plat *plat) {
    for (uint32_t i = 0; i < files->part_count; i++) {
        mr_files_part *part = files->parts[i];
        files->format->close(part->encoder);
        mr_text_release(&part->held);
        mr_file_close(&part->file, plat);
    }
    files->part_count = 0;
}

mr_code mr_files_prepare(mr_files *files, mr_publication *ret, mr_cx *cx) {
    mr_publication_file *out = MR_NEW_ARRAY(cx->arena, mr_publication_file, files->part_count);
    for (uint32_t i = 0; i < files->part_count; i++) {
        mr_files_part *part = files->parts[i];
        MR_TRY(part_seal(files, part, cx));
        out[i] = (mr_publication_file){
            .part = mr_arena_string(cx->arena, part->path),
            .final =
                mr_arena_printf(cx->arena, "%s/%s%s", files->publish.dir, part->folder, part->name),
            .bytes = part->bytes,
            .rows = part->rows,
            .crc = part->crc,
        };
    }
    if (files->part_count > 0) {
        MR_TRY(mr_dir_sync(files->publish.tmp, cx));
        MR_TRY(mr_crash_point("sink.tmp_synced", cx));
    }
    *ret = (mr_publication){files->id, out, files->part_count, files->row_count};
    forget(files, cx->plat);
    return MR_OK;
}

void mr_files_abort(mr_files *files, mr_cx *cx) {
    mr_error error = cx->error;  // The failure that led here is the one to tell.
    for (uint32_t i = 0; i < files->part_count; i++) {
        mr_files_part *part = files->parts[i];
        mr_file_close(&part->file, cx->plat);
        if (part->made) {
            (void)!mr_file_delete(part->path, cx);  // Else the sweep of the next start does it.
        }
    }
    cx->error = error;
    forget(files, cx->plat);
}

void mr_files_close(mr_files *files) {
    forget(files, files->plat);
    mr_arena_release(&files->arena);
    mr_heap_free(files->parts);
}
