// Fn, lists: reading and writing the lists of a row. For fn_list*.c.

#pragma once

#include "column/nested.h"
#include "exec/fn.h"

// The elements of one list; the array grows in the run's arena and is used again by the next row.
typedef struct mr_fn_list {
    mr_nested_item *items;
    uint32_t count;
    uint32_t room;
} mr_fn_list;

void mr_fn_list_read(mr_fn_call *call, mr_str value, mr_type element, mr_fn_list *ret);
void mr_fn_list_put(mr_text *out, const mr_nested_item *item);
// Makes what was written the row's result.
void mr_fn_list_end(mr_fn_call *call, mr_fn_writer *writer, uint32_t row, const mr_text *text);
// Order of two elements that are not NULL.
int mr_fn_list_compare(const mr_nested_item *a, const mr_nested_item *b);
// A list of texts, an element a call; begin, add, add, …, end.
typedef struct mr_fn_texts {
    mr_text text;
    uint32_t count;
} mr_fn_texts;
void mr_fn_list_begin(mr_fn_texts *texts);
// data NULL: the element is NULL.
void mr_fn_list_add(mr_fn_texts *texts, const char *data, size_t bytes);
void mr_fn_list_close(mr_fn_call *call, mr_fn_writer *writer, uint32_t row, mr_fn_texts *texts);
