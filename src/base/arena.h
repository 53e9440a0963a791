// Arena: memory with one lifetime, freed whole.
//
// Why: nearly all memory here belongs to a process, a job, an epoch or a batch; freeing it piece by
// piece is where leaks and double frees come from. How: a chain of blocks, bump allocation; clear
// keeps the largest block for the next round. A failed small allocation aborts the process (restart
// is from the last commit); what input can size asks mr_arena_try first.
// Threads: an arena belongs to one thread at a time.

#pragma once

#include <stdarg.h>

#include "base/check.h"

typedef struct mr_arena_block mr_arena_block;

typedef struct mr_arena {
    mr_arena_block *head;  // Current block; older blocks hang behind it.
    uint8_t *at;           // Next free byte in head.
    uint8_t *end;          // End of head.
    size_t bytes;          // Sum of all blocks' sizes.
    size_t bytes_max;      // Budget for mr_arena_try; 0 = none.
} mr_arena;

// No memory is taken before the first allocation. A zeroed mr_arena is also initialised.
void mr_arena_init(mr_arena *arena);
// Frees all memory; the arena can be used again.
void mr_arena_release(mr_arena *arena);
// Forgets all allocations, keeps the largest block.
void mr_arena_clear(mr_arena *arena);

// bytes of zeroed memory aligned to 16; never NULL (aborts). bytes may be 0.
void *mr_arena_alloc(mr_arena *arena, size_t bytes);
// The same without zeroing, for memory that the caller fills.
void *mr_arena_raw(mr_arena *arena, size_t bytes);
// For sizes that come from input: NULL when over bytes_max or when the system has no memory.
void *mr_arena_try(mr_arena *arena, size_t bytes);
// A copy of bytes at data, followed by one NUL byte.
char *mr_arena_copy(mr_arena *arena, const void *data, size_t bytes);
// A copy of a C string.
char *mr_arena_string(mr_arena *arena, const char *text);
char *mr_arena_printf(mr_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *mr_arena_vprintf(mr_arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#define MR_NEW(arena, type)              ((type *)mr_arena_alloc((arena), sizeof(type)))
#define MR_NEW_ARRAY(arena, type, count) ((type *)mr_arena_alloc((arena), sizeof(type) * (count)))

// Memory that does not fit an arena's life (growing tables, refcounted buffers). The only calls to
// the C allocator in the program; all abort when the system has no memory.
void *mr_heap_alloc(size_t bytes);       // zeroed
void *mr_heap_raw(size_t bytes);         // not zeroed
void *mr_heap_aligned(size_t bytes);     // not zeroed, aligned to 64
char *mr_heap_string(const char *text);  // A copy, to be freed.
void *mr_heap_resize(void *memory, size_t bytes);
void mr_heap_free(void *memory);  // takes NULL; also frees mr_heap_aligned
