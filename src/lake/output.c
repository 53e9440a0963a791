// Output: a query's result as a table, CSV, JSON lines or Parquet; see output.h.

#include "lake/output.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "plat/plat.h"
#include "plat/spawn.h"

#define OUTPUT_HELD_BYTES ((size_t)256 * 1024)
#define OUTPUT_CELL_MAX   200  // Characters of a table's cell.

typedef struct output_writer {
    mr_output_format format;
    mr_file file;  // Closed: standard output.
    mr_text held;  // Heap.
    const mr_schema *schema;
    const bool *numeric;  // By column, for tables.
    mr_rows rows;         // Tables only.
    bool rows_made;
    uint64_t row_count;
} output_writer;

static mr_code flush(output_writer *w, mr_cx *cx) {
    mr_span data = mr_text_span(&w->held);
    MR_TRY(w->file.handle >= 0 ? mr_file_append(&w->file, data, cx)
                               : mr_stream_write(MR_STDOUT, data, cx));
    mr_text_clear(&w->held);
    return MR_OK;
}

static mr_code flush_when_full(output_writer *w, mr_cx *cx) {
    return w->held.bytes >= OUTPUT_HELD_BYTES ? flush(w, cx) : MR_OK;
}

// ---- csv and json ----------------------------------------------------------------------------

static void add_csv_field(mr_text *out, mr_str value) {
    bool plain = value.bytes > 0;
    for (uint32_t i = 0; i < value.bytes && plain; i++) {
        plain = strchr(",\"\r\n", value.data[i]) == NULL && value.data[i] != '\0';
    }
    if (plain) {
        mr_text_add_bytes(out, value.data, value.bytes);
        return;
    }
    mr_text_add_char(out, '"');
    for (uint32_t i = 0; i < value.bytes; i++) {
        if (value.data[i] == '"') {
            mr_text_add_char(out, '"');
        }
        mr_text_add_char(out, value.data[i]);
    }
    mr_text_add_char(out, '"');
}

static mr_code csv_rows(output_writer *w, const mr_batch *in, mr_cx *cx) {
    for (uint32_t row = 0; row < in->rows; row++) {
        for (uint32_t c = 0; c < in->column_count; c++) {
            if (c > 0) {
                mr_text_add_char(&w->held, ',');
            }
            if (!mr_vector_is_null(&in->columns[c], row)) {
                add_csv_field(&w->held, mr_vector_str(&in->columns[c], row));
            }
        }
        mr_text_add_char(&w->held, '\n');
    }
    return flush_when_full(w, cx);
}

static mr_code json_rows(output_writer *w, const mr_batch *in, mr_cx *cx) {
    for (uint32_t row = 0; row < in->rows; row++) {
        mr_str value = mr_vector_str(&in->columns[0], row);
        mr_text_add_bytes(&w->held, value.data, value.bytes);
        mr_text_add_char(&w->held, '\n');
    }
    return flush_when_full(w, cx);
}

static mr_code writer_begin(void *self, const mr_schema *schema, mr_cx *cx) {
    (void)cx;
    output_writer *w = self;
    w->schema = schema;
    if (w->format == MR_OUTPUT_TABLE) {
        mr_rows_init(&w->rows, schema);
        w->rows_made = true;
    }
    for (uint32_t c = 0; c < schema->count && w->format == MR_OUTPUT_CSV; c++) {
        const char *name = schema->columns[c].name;
        mr_text_add(&w->held, c == 0 ? "" : ",");
        add_csv_field(&w->held, (mr_str){.data = name, .bytes = mr_u32(strlen(name))});
    }
    if (w->format == MR_OUTPUT_CSV) {
        mr_text_add_char(&w->held, '\n');
    }
    return MR_OK;
}

static mr_code writer_rows(void *self, const mr_batch *in, mr_cx *cx) {
    output_writer *w = self;
    w->row_count += in->rows;
    switch (w->format) {
    case MR_OUTPUT_TABLE: mr_rows_append(&w->rows, in); return MR_OK;
    case MR_OUTPUT_CSV: return csv_rows(w, in, cx);
    case MR_OUTPUT_JSON: return json_rows(w, in, cx);
    case MR_OUTPUT_PARQUET: break;
    }
    return MR_OK;
}

// ---- table -----------------------------------------------------------------------------------

// The part of a value that is shown: one line, not endless.
static mr_span shown(mr_span value, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    const char *at = value.data, *end = value.data + value.bytes;
    for (uint32_t n = 0; at < end; n++) {
        uint32_t code_point;
        size_t bytes = mr_utf8_get(at, end, &code_point);
        if (n == OUTPUT_CELL_MAX) {
            mr_text_add(&out, "…");
            break;
        }
        if (code_point < 0x20 || code_point == 0x7F) {
            mr_text_add_char(&out, ' ');
        } else {
            mr_text_add_bytes(&out, at, bytes);
        }
        at += bytes;
    }
    return mr_text_span(&out);
}

static void add_cell(mr_text *out, mr_span value, size_t width, bool right) {
    size_t pad = width - mr_utf8_length(value);
    mr_text_addf(out, " %*s", right ? (int)pad : 0, "");
    mr_text_add_bytes(out, value.data, value.bytes);
    mr_text_addf(out, "%*s ", right ? 0 : (int)pad, "");
}

static mr_span cell_of(const mr_batch *batch, uint32_t c, uint32_t row, mr_arena *arena) {
    if (mr_vector_is_null(&batch->columns[c], row)) {
        return MR_SPAN("NULL");
    }
    mr_str value = mr_vector_str(&batch->columns[c], row);
    return shown((mr_span){value.data, value.bytes}, arena);
}

typedef void (*each_row)(output_writer *w, const mr_batch *batch, size_t *widths, mr_arena *arena);

static void over_rows(output_writer *w, each_row each, size_t *widths) {
    mr_arena arena = {0};
    for (uint64_t row = 0; row < w->rows.row_count; row += MR_BATCH_ROWS_MAX) {
        uint64_t left = w->rows.row_count - row;
        mr_batch batch;
        mr_arena_clear(&arena);
        mr_rows_batch(&w->rows, row, (uint32_t)MR_MIN(left, (uint64_t)MR_BATCH_ROWS_MAX), &arena,
                      &batch);
        each(w, &batch, widths, &arena);
    }
    mr_arena_release(&arena);
}

static void measure(output_writer *w, const mr_batch *batch, size_t *widths, mr_arena *arena) {
    for (uint32_t row = 0; row < batch->rows; row++) {
        for (uint32_t c = 0; c < w->schema->count; c++) {
            widths[c] = MR_MAX(widths[c], mr_utf8_length(cell_of(batch, c, row, arena)));
        }
    }
}

static void print_rows(output_writer *w, const mr_batch *batch, size_t *widths, mr_arena *arena) {
    for (uint32_t row = 0; row < batch->rows; row++) {
        for (uint32_t c = 0; c < w->schema->count; c++) {
            mr_text_add(&w->held, c == 0 ? "" : "|");
            add_cell(&w->held, cell_of(batch, c, row, arena), widths[c], w->numeric[c]);
        }
        mr_text_add_char(&w->held, '\n');
    }
}

static mr_code print_table(output_writer *w, mr_cx *cx) {
    uint32_t columns = w->schema->count;
    size_t *widths = MR_NEW_ARRAY(cx->arena, size_t, columns);
    for (uint32_t c = 0; c < columns; c++) {
        widths[c] = mr_utf8_length(shown(mr_span_of(w->schema->columns[c].name), cx->arena));
    }
    over_rows(w, measure, widths);
    for (uint32_t c = 0; c < columns; c++) {
        mr_text_add(&w->held, c == 0 ? "" : "|");
        add_cell(&w->held, shown(mr_span_of(w->schema->columns[c].name), cx->arena), widths[c],
                 w->numeric[c]);
    }
    mr_text_add_char(&w->held, '\n');
    for (uint32_t c = 0; c < columns; c++) {
        mr_text_add(&w->held, c == 0 ? "" : "+");
        for (size_t i = 0; i < widths[c] + 2; i++) {
            mr_text_add_char(&w->held, '-');
        }
    }
    mr_text_add_char(&w->held, '\n');
    over_rows(w, print_rows, widths);
    mr_text_addf(&w->held, "(%" PRIu64 " row%s)\n", w->row_count, w->row_count == 1 ? "" : "s");
    return flush(w, cx);
}

// Numbers stand right; types are those of the result before it was made text.
static mr_code find_numeric(mr_lake *lake, const char *sql, output_writer *w, mr_cx *cx) {
    static const char *const numbers[] = {"INTEGER", "BIGINT",  "DOUBLE",  "FLOAT",   "SMALLINT",
                                          "TINYINT", "HUGEINT", "DECIMAL", "UBIGINT", "UINTEGER"};
    const char **types = NULL;
    uint32_t count = 0;
    if (mr_lake_types(lake, sql, &types, &count, cx) != MR_OK) {
        count = 0;  // EXPLAIN and the like: all text.
    }
    bool *numeric = MR_NEW_ARRAY(cx->arena, bool, MR_MAX(count, 64u));
    for (uint32_t c = 0; c < count; c++) {
        for (size_t i = 0; i < MR_COUNT(numbers); i++) {
            mr_span type = mr_span_of(types[c]);
            numeric[c] =
                numeric[c] || (mr_span_starts(type, numbers[i]) && !mr_span_ends(type, "]"));
        }
    }
    w->numeric = numeric;
    return MR_OK;
}

// ---- all of it -------------------------------------------------------------------------------

static mr_code run(mr_lake *lake, const char *sql, output_writer *w, mr_cx *cx) {
    mr_lake_sink sink = {writer_begin, writer_rows, w};
    if (w->format == MR_OUTPUT_JSON) {
        MR_TRY(mr_lake_query_json(lake, sql, &sink, cx));
        return flush(w, cx);
    }
    if (w->format == MR_OUTPUT_TABLE) {
        MR_TRY(find_numeric(lake, sql, w, cx));
    }
    MR_TRY(mr_lake_query_text(lake, sql, &sink, cx));
    return w->format == MR_OUTPUT_TABLE ? print_table(w, cx) : flush(w, cx);
}

// A writer's own, so that two of one file do not meet: PATH.<pid>-<start>.tmp.
const char *mr_output_part(const mr_output *output, mr_cx *cx) {
    mr_process self;
    mr_process_self(&self);
    return mr_arena_printf(cx->arena, "%s.%d-%" PRId64 ".tmp", output->path, self.pid, self.start);
}

// Whether a file in the folder of `base` is what a writer of it has left that is no more.
static bool is_left(mr_span name, mr_span base) {
    mr_span rest = {name.data + base.bytes, name.bytes - base.bytes};
    const size_t dot = 1, ending = strlen(".tmp");
    if (name.bytes <= base.bytes + dot + ending || memcmp(name.data, base.data, base.bytes) != 0 ||
        rest.data[0] != '.' || !mr_span_ends(name, ".tmp")) {
        return false;
    }
    rest = (mr_span){rest.data + dot, rest.bytes - dot - ending};
    const char *line = memchr(rest.data, '-', rest.bytes);
    size_t bytes = line == NULL ? rest.bytes : (size_t)(line - rest.data);
    int64_t pid, start;
    mr_process_info info;
    return line != NULL && mr_text_parse_int64((mr_span){rest.data, bytes}, &pid) &&
           mr_text_parse_int64((mr_span){line + 1, rest.bytes - bytes - 1}, &start) &&
           (!mr_process_look((int)pid, &info) || info.process.start != start || info.over);
}

static mr_code sweep(const char *path, mr_cx *cx) {
    const char *slash = strrchr(path, '/');
    const char *dir = mr_plat_parent(path, cx->arena);
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        mr_span base = mr_span_of(slash == NULL ? path : slash + 1);
        if (!entries[i].is_dir && is_left(mr_span_of(entries[i].name), base)) {
            const char *left = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
            mr_code code = mr_file_delete(left, cx);
            MR_TRY(code == MR_E_MISSING ? MR_OK : code);
        }
    }
    return MR_OK;
}

static mr_code write_part(mr_lake *lake, const char *sql, const char *part, output_writer *w,
                          mr_cx *cx) {
    bool parquet = w->format == MR_OUTPUT_PARQUET;
    MR_TRY(parquet ? mr_lake_copy(lake, sql, part, &w->row_count, cx) : MR_OK);
    MR_TRY(mr_file_open(&w->file, part, parquet ? MR_OPEN_APPEND : MR_OPEN_TRUNCATE, cx));
    MR_TRY(parquet ? MR_OK : run(lake, sql, w, cx));
    return mr_file_sync(&w->file, cx);
}

static mr_code to_file(mr_lake *lake, const char *sql, const mr_output *output, output_writer *w,
                       mr_cx *cx) {
    const char *part = mr_output_part(output, cx);
    MR_TRY(sweep(output->path, cx));
    mr_code code = write_part(lake, sql, part, w, cx);
    mr_file_close(&w->file, cx->plat);
    code = code == MR_OK ? mr_file_replace(part, output->path, cx) : code;
    if (code != MR_OK) {
        mr_error error = cx->error;
        (void)!mr_file_delete(part, cx);
        cx->error = error;
        return code;
    }
    return mr_dir_sync(mr_plat_parent(output->path, cx->arena), cx);
}

mr_code mr_output_query(mr_lake *lake, const char *sql, const mr_output *output, uint64_t *ret_rows,
                        mr_cx *cx) {
    if (output->format == MR_OUTPUT_PARQUET && output->path == NULL) {
        return mr_fail(cx, MR_E_OPTION, "Name a file with -o.",
                       "Parquet cannot be written to standard output");
    }
    output_writer w = {.format = output->format, .file = MR_FILE_CLOSED};
    mr_code code =
        output->path == NULL ? run(lake, sql, &w, cx) : to_file(lake, sql, output, &w, cx);
    if (w.rows_made) {
        mr_rows_release(&w.rows);
    }
    mr_text_release(&w.held);
    *ret_rows = w.row_count;
    return code;
}
