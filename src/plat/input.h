// Input: the lines of files and of standard input, one after the other.

#pragma once

#include "plat/plat.h"

typedef struct mr_input {
    const char *const *files;  // "-" = standard input.
    uint32_t file_count;
    uint32_t turn;  // The file that is read.
    mr_file file;
    bool is_stdin;
    bool is_open;
    bool at_end;  // Of this file: what is left is its last line.
    uint64_t offset;
    uint64_t number;  // Of the line in its file, from 1.
    mr_text buffer;   // Heap.
    size_t used;      // Of it.
} mr_input;

void mr_input_init(mr_input *lines, const char *const *files, uint32_t file_count);
void mr_input_release(mr_input *lines, mr_plat *plat);
// The next line, without its end, until the next call. *ret_found false with *ret_end: no more;
// without: standard input had nothing within timeout_us.
mr_code mr_input_next(mr_input *lines, int64_t timeout_us, mr_span *ret, bool *ret_found,
                      bool *ret_end, mr_cx *cx);
const char *mr_input_file(const mr_input *lines);  // The one that the last line was of.
