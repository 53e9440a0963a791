// Text: byte spans, growing buffers, and small string work.
//
// A mr_span is bytes with a length, not NUL-terminated, not owned. A mr_text grows in an arena or
// on the heap (arena NULL) and keeps a NUL behind its bytes.

#pragma once

#include "base/arena.h"

typedef struct mr_span {
    const char *data;
    size_t bytes;
} mr_span;

#define MR_SPAN(literal)   ((mr_span){(literal), sizeof(literal) - 1})
#define MR_SPAN_ARGS(span) (int)(span).bytes, (span).data  // For "%.*s".

typedef struct mr_text {
    char *data;  // NUL-terminated once something was added; may be NULL while empty.
    size_t bytes;
    size_t capacity;
    mr_arena *arena;  // NULL: heap, then mr_text_release frees it.
} mr_text;

mr_span mr_span_of(const char *text);  // NULL gives an empty span.
bool mr_span_equal(mr_span a, mr_span b);
bool mr_span_equal_nocase(mr_span a, mr_span b);  // ASCII letters only.
bool mr_span_is(mr_span a, const char *text);
int mr_span_compare(mr_span a, mr_span b);  // memcmp order, shorter first.
bool mr_span_starts(mr_span a, const char *prefix);
bool mr_span_ends(mr_span a, const char *suffix);
mr_span mr_span_trim(mr_span a);  // Drops ASCII white space at both ends.
// Takes the first line off a text, and gives it without its end; nothing off an empty text.
mr_span mr_span_line(mr_span *text);

void mr_text_init(mr_text *text, mr_arena *arena);
void mr_text_release(mr_text *text);
void mr_text_clear(mr_text *text);                  // Keeps the memory.
char *mr_text_grow(mr_text *text, size_t bytes);    // Appends raw bytes to be filled; returns them.
void mr_text_reserve(mr_text *text, size_t bytes);  // Room for bytes more.
void mr_text_add(mr_text *text, const char *string);
void mr_text_add_bytes(mr_text *text, const void *data, size_t bytes);
void mr_text_add_char(mr_text *text, char c);
void mr_text_addf(mr_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The text as a JSON string, quotes included. It is taken to be UTF-8.
void mr_text_add_json(mr_text *text, mr_span value);
mr_span mr_text_span(const mr_text *text);
const char *mr_text_string(const mr_text *text);  // "" while empty.

// Numbers and sizes as users write them; false when malformed or out of range.
bool mr_text_parse_int64(mr_span in, int64_t *ret);
bool mr_text_parse_double(mr_span in, double *ret);
bool mr_text_parse_bytes(mr_span in, uint64_t *ret);  // "64MB", "1GiB", "512"
bool mr_text_parse_duration_us(mr_span in,
                               int64_t *ret);  // "30 seconds", "1 min", "500ms", "1h30m"
void mr_text_add_duration(mr_text *text, int64_t duration_us);  // "30 s", "1 h 30 min"
void mr_text_add_bytes_human(mr_text *text, uint64_t bytes);    // "1.5 MiB"

// The candidate closest to name by edit distance, or NULL when none is near. For "Did you mean".
const char *mr_text_closest(const char *name, const char *const *candidates, size_t count);
// The advice that comes of it, Did you mean "x"?; when none is near: otherwise, which may be NULL.
const char *mr_text_hint(const char *name, const char *const *candidates, size_t count,
                         const char *otherwise, mr_arena *arena);
