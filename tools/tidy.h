// Tidy: what its two files share; see tidy.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { PATH_BYTES = 1024 };

typedef struct source {
    char path[PATH_BYTES];  // Relative to the root: "src/exec/op_filter.c".
    char *raw;
    char *code;       // Same length: comments, literals and directives blanked, newlines kept.
    char folder[64];  // Of src; "" elsewhere.
    size_t bytes;
    int lines;
    bool is_header;
} source;

typedef struct exception {
    char path[PATH_BYTES];
    char name[128];
    char kind[16];
    int count;
    int used;  // What was seen; 0 = nothing.
} exception;

// How the run stands.
typedef struct tidy_state {
    exception exceptions[256];
    int exception_count;
    int passed;
    int failed;
    int complaints;       // In the file at hand.
    const char *objects;  // Folder of object files, or NULL.
} tidy_state;
extern tidy_state tidy;

__attribute__((format(printf, 4, 5))) void complain(const char *path, int line, const char *rule,
                                                    const char *format, ...);
bool starts(const char *text, const char *prefix);
bool ends(const char *text, const char *suffix);
char *load(const char *path, size_t *ret_bytes);  // Heap, ends in NUL; NULL when it cannot be read.

// Columns, tabs, blanks, machine paths. Columns only where a formatter keeps them.
void check_lines(const char *path, const char *text, size_t bytes, bool columns);
void check_machine_paths(const char *path, const char *text, size_t bytes);
void check_source(const char *path);  // Every rule for one C file.
