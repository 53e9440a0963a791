// Columns: see columns.h.

#include "cli/columns.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add_cell(mr_columns *columns, const char *text) {
    if (columns->cell_count == columns->capacity) {
        uint32_t wider = MR_MAX(columns->capacity * 2, 64u);
        const char **cells = MR_NEW_ARRAY(columns->arena, const char *, wider);
        if (columns->cell_count > 0) {
            memcpy(cells, columns->cells, sizeof(*cells) * columns->cell_count);
        }
        columns->cells = cells;
        columns->capacity = wider;
    }
    columns->cells[columns->cell_count++] = text;
}

void mr_columns_init(mr_columns *columns, const char *headings, mr_arena *arena) {
    *columns = (mr_columns){.arena = arena};
    for (const char *at = headings; at != NULL;) {
        const char *comma = strchr(at, ',');
        size_t bytes = comma == NULL ? strlen(at) : (size_t)(comma - at);
        add_cell(columns, mr_arena_copy(arena, at, bytes));
        columns->count++;
        at = comma == NULL ? NULL : comma + 1;
    }
    mr_assert(columns->count <= MR_COLUMNS_MAX);
}

void mr_columns_add(mr_columns *columns, const char *format, ...) {
    mr_text text;
    mr_text_init(&text, columns->arena);
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *to = mr_arena_raw(columns->arena, (size_t)bytes + 1);
    (void)vsnprintf(to, (size_t)bytes + 1, format, again);
    va_end(again);
    add_cell(columns, to);
}

void mr_columns_add_count(mr_columns *columns, int64_t value) {
    if (value < 0) {
        add_cell(columns, "-");
    } else {
        mr_columns_add(columns, "%" PRId64, value);
    }
}

// Characters, as far as they are one column wide.
static int width_of(const char *text) {
    int width = 0;
    for (; *text != '\0'; text++) {
        width += (*text & 0xC0) != 0x80;
    }
    return width;
}

void mr_columns_print(const mr_columns *columns, mr_text *out) {
    int widths[MR_COLUMNS_MAX] = {0};
    bool right[MR_COLUMNS_MAX];
    for (uint32_t c = 0; c < columns->count; c++) {
        right[c] = columns->cells[c][0] == '>';
    }
    for (uint32_t i = 0; i < columns->cell_count; i++) {
        uint32_t c = i % columns->count;
        int width = width_of(columns->cells[i]) - (i < columns->count && right[c]);
        widths[c] = MR_MAX(widths[c], width);
    }
    for (uint32_t i = 0; i < columns->cell_count; i++) {
        uint32_t c = i % columns->count;
        const char *cell = columns->cells[i] + (i < columns->count && right[c]);
        int pad = widths[c] - width_of(cell);
        bool last = c + 1 == columns->count;
        mr_text_addf(out, "%*s%s%*s%s", right[c] ? pad : 0, "", cell, right[c] || last ? 0 : pad,
                     "", last ? "\n" : "  ");
    }
}
