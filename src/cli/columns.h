// Columns: rows of cells under headings, as wide as the widest of each.

#pragma once

#include "base/text.h"

#define MR_COLUMNS_MAX 12

typedef struct mr_columns {
    mr_arena *arena;
    uint32_t count;
    const char **cells;  // Headings first.
    uint32_t cell_count;
    uint32_t capacity;
} mr_columns;

// headings: with commas between; one that starts with '>' stands at the right.
void mr_columns_init(mr_columns *columns, const char *headings, mr_arena *arena);
void mr_columns_add(mr_columns *columns, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void mr_columns_add_count(mr_columns *columns, int64_t value);  // < 0: "-".
void mr_columns_print(const mr_columns *columns, mr_text *out);
