// Sink "console": shows each batch as a table on standard output, as Spark's console sink does.
//
// How: prepare prints the rows into text, publish writes it. The number is the epoch's. What a
// crash keeps from being shown is gone: a terminal cannot be asked what it has shown, so this sink
// promises nothing. Memory: of the rows, only those that are shown are kept. Threads: one instance
// belongs to one driver.

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "column/rows.h"
#include "conn/conn.h"
#include "plat/plat.h"

#define CONSOLE_CUT_DEFAULT 20  // Characters of a cell, with truncate 'true'.

// A batch that is prepared and not yet shown.
typedef struct console_page {
    uint64_t epoch;
    mr_text text;  // Heap.
    struct console_page *next;
} console_page;

typedef struct sink_console {
    mr_sink base;
    int64_t rows;          // Option.
    const char *truncate;  // Option.
    uint32_t cut;          // Characters of a cell; 0 = all.
    mr_publication_id id;
    mr_rows shown;  // The first `rows` rows.
    bool shown_made;
    uint64_t row_count;
    console_page *pages;  // Oldest first.
} sink_console;

static const mr_option console_options[] = {
    MR_OPTION(sink_console, rows, MR_OPT_INT, "20", "Rows shown of a batch, at most."),
    MR_OPTION(sink_console, truncate, MR_OPT_TEXT, "true",
              "Whether long values are cut to 20 characters; or the number of characters."),
    MR_OPTION_END,
};

static mr_code console_open(mr_sink *base, const mr_sink_spec *spec, mr_cx *cx) {
    sink_console *s = (sink_console *)base;
    base->spec = *spec;
    mr_rows_init(&s->shown, spec->schema);
    s->shown_made = true;
    MR_TRY(mr_conn_options(console_options, spec->options, s, &base->arena, cx));
    int64_t cut;
    mr_span truncate = mr_span_trim(mr_span_of(s->truncate));
    if (mr_span_equal_nocase(truncate, MR_SPAN("true"))) {
        cut = CONSOLE_CUT_DEFAULT;
    } else if (mr_span_equal_nocase(truncate, MR_SPAN("false"))) {
        cut = 0;
    } else if (!mr_text_parse_int64(truncate, &cut) || cut < 0 || cut > INT32_MAX) {
        return mr_fail_at(cx, MR_E_OPTION, mr_conn_place(spec->options, "truncate"),
                          "Write true, false, or a number of characters.",
                          "bad value \"%s\" for option \"truncate\"", s->truncate);
    }
    s->cut = (uint32_t)cut;
    if (s->rows < 1) {
        return mr_fail_at(cx, MR_E_OPTION, mr_conn_place(spec->options, "rows"),
                          "Write a number above 0.", "rows cannot be %" PRId64, s->rows);
    }
    return MR_OK;
}

static mr_code console_begin(mr_sink *base, const mr_publication_id *id, mr_cx *cx) {
    (void)cx;
    sink_console *s = (sink_console *)base;
    s->id = *id;
    s->id.pipeline = base->spec.pipeline;
    s->row_count = 0;
    mr_rows_clear(&s->shown);
    return MR_OK;
}

static mr_code console_write(mr_sink *base, const mr_batch *in, mr_cx *cx) {
    (void)cx;
    sink_console *s = (sink_console *)base;
    for (uint32_t i = 0; i < in->sel_count && s->shown.row_count < (uint64_t)s->rows; i++) {
        mr_rows_append_row(&s->shown, in, mr_batch_row(in, i));
    }
    s->row_count += in->sel_count;
    return MR_OK;
}

// ---- the table -------------------------------------------------------------------------------

typedef struct console_cell {
    const char *text;
    size_t characters;
} console_cell;

static console_cell cell_of(const sink_console *s, mr_span value, mr_arena *arena) {
    mr_text text;
    mr_text_init(&text, arena);
    size_t length = mr_utf8_length(value);
    if (s->cut == 0 || length <= s->cut) {
        mr_text_add_bytes(&text, value.data, value.bytes);
        return (console_cell){mr_text_string(&text), length};
    }
    size_t keep = s->cut < 4 ? s->cut : s->cut - 3;
    const char *at = value.data;
    uint32_t code_point;
    for (size_t i = 0; i < keep; i++) {
        at += mr_utf8_get(at, value.data + value.bytes, &code_point);
    }
    mr_text_add_bytes(&text, value.data, (size_t)(at - value.data));
    mr_text_add(&text, s->cut < 4 ? "" : "...");
    return (console_cell){mr_text_string(&text), s->cut};
}

static void add_rule(mr_text *out, const size_t *widths, uint32_t columns) {
    for (uint32_t c = 0; c < columns; c++) {
        mr_text_add_char(out, '+');
        for (size_t i = 0; i < widths[c]; i++) {
            mr_text_add_char(out, '-');
        }
    }
    mr_text_add(out, "+\n");
}

// Cut values stand right, whole ones left, as Spark's do.
static void add_line(const sink_console *s, mr_text *out, const console_cell *cells,
                     const size_t *widths) {
    for (uint32_t c = 0; c < s->base.spec.schema->count; c++) {
        size_t pad = widths[c] - cells[c].characters;
        mr_text_add_char(out, '|');
        for (size_t i = 0; s->cut > 0 && i < pad; i++) {
            mr_text_add_char(out, ' ');
        }
        mr_text_add(out, cells[c].text);
        for (size_t i = 0; s->cut == 0 && i < pad; i++) {
            mr_text_add_char(out, ' ');
        }
    }
    mr_text_add(out, "|\n");
}

// The cells of the header and of all rows shown, row after row.
static console_cell *all_cells(const sink_console *s, mr_arena *arena) {
    const mr_schema *schema = s->base.spec.schema;
    console_cell *cells =
        MR_NEW_ARRAY(arena, console_cell, (s->shown.row_count + 1) * schema->count);
    console_cell *cell = cells;
    for (uint32_t c = 0; c < schema->count; c++) {
        *cell++ = cell_of(s, mr_span_of(schema->columns[c].name), arena);
    }
    mr_text value;
    mr_text_init(&value, arena);
    for (uint64_t row = 0; row < s->shown.row_count; row += MR_BATCH_ROWS_MAX) {
        uint64_t left = s->shown.row_count - row;
        mr_batch batch;
        mr_rows_batch(&s->shown, row, (uint32_t)MR_MIN(left, (uint64_t)MR_BATCH_ROWS_MAX), arena,
                      &batch);
        for (uint32_t r = 0; r < batch.rows; r++) {
            for (uint32_t c = 0; c < schema->count; c++) {
                mr_text_clear(&value);
                if (mr_vector_is_null(&batch.columns[c], r)) {
                    mr_text_add(&value, "NULL");
                } else {
                    mr_vector_print(&batch.columns[c], r, s->base.spec.zone, &value);
                }
                *cell++ = cell_of(s, mr_text_span(&value), arena);
            }
        }
    }
    return cells;
}

static void print_page(const sink_console *s, mr_text *out, mr_arena *arena) {
    static const char line[] = "-------------------------------------------\n";
    uint32_t columns = s->base.spec.schema->count;
    const console_cell *cells = all_cells(s, arena);
    size_t *widths = MR_NEW_ARRAY(arena, size_t, columns);
    for (uint32_t c = 0; c < columns; c++) {
        widths[c] = 3;  // Spark's narrowest column.
        for (uint64_t row = 0; row <= s->shown.row_count; row++) {
            widths[c] = MR_MAX(widths[c], cells[row * columns + c].characters);
        }
    }
    mr_text_addf(out, "%sBatch: %" PRIu64 "\n%s", line, s->id.epoch, line);
    add_rule(out, widths, columns);
    add_line(s, out, cells, widths);
    add_rule(out, widths, columns);
    for (uint64_t row = 1; row <= s->shown.row_count; row++) {
        add_line(s, out, cells + row * columns, widths);
    }
    add_rule(out, widths, columns);
    if (s->row_count > s->shown.row_count) {
        mr_text_addf(out, "only showing top %" PRIu64 " rows\n", s->shown.row_count);
    }
    mr_text_add_char(out, '\n');
}

// ---- showing it ------------------------------------------------------------------------------

static mr_code console_prepare(mr_sink *base, mr_publication *ret, mr_cx *cx) {
    sink_console *s = (sink_console *)base;
    console_page *page = mr_heap_alloc(sizeof(*page));
    page->epoch = s->id.epoch;
    print_page(s, &page->text, cx->arena);
    console_page **end = &s->pages;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = page;
    *ret = (mr_publication){.id = s->id, .row_count = s->row_count};
    mr_rows_clear(&s->shown);
    return MR_OK;
}

static void drop_first_page(sink_console *s) {
    console_page *page = s->pages;
    s->pages = page->next;
    mr_text_release(&page->text);
    mr_heap_free(page);
}

static void console_abort(mr_sink *base, mr_cx *cx) {
    (void)cx;
    mr_rows_clear(&((sink_console *)base)->shown);
}

static mr_code print_text(sink_console *s, mr_span text, mr_cx *cx) {
    if (s->base.spec.print == NULL) {
        return mr_stream_write(MR_STDOUT, text, cx);
    }
    s->base.spec.print(s->base.spec.print_self, text);
    return MR_OK;
}

// Shows the pages up to this epoch; an epoch of an earlier life has none.
static mr_code console_publish(mr_sink *base, const mr_publication *publication, mr_cx *cx) {
    sink_console *s = (sink_console *)base;
    while (s->pages != NULL && s->pages->epoch <= publication->id.epoch) {
        if (s->pages->epoch == publication->id.epoch) {
            MR_TRY(print_text(s, mr_text_span(&s->pages->text), cx));
        }
        drop_first_page(s);
    }
    return MR_OK;
}

static mr_code console_recover(mr_sink *base, const mr_publication *publication, mr_cx *cx) {
    (void)base;
    (void)publication;
    (void)cx;
    return MR_OK;
}

static mr_code console_sweep(mr_sink *base, mr_cx *cx) {
    (void)base;
    (void)cx;
    return MR_OK;
}

static void console_close(mr_sink *base) {
    sink_console *s = (sink_console *)base;
    while (s->pages != NULL) {
        drop_first_page(s);
    }
    if (s->shown_made) {
        mr_rows_release(&s->shown);
    }
    mr_arena_release(&base->arena);
}

const mr_sink_type mr_sink_console = {
    .name = "console",
    .file = __FILE__,
    .summary = "Shows each batch as a table on standard output.",
    .size = sizeof(sink_console),
    .options = console_options,
    .modes = 1u << MR_MODE_APPEND | 1u << MR_MODE_UPDATE | 1u << MR_MODE_COMPLETE,
    .default_trigger = "0",
    .registers = false,
    .open = console_open,
    .begin = console_begin,
    .write = console_write,
    .prepare = console_prepare,
    .abort = console_abort,
    .publish = console_publish,
    .recover = console_recover,
    .sweep = console_sweep,
    .close = console_close,
};
