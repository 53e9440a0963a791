// Arena: memory with one lifetime, and the program's only calls to the C allocator; see arena.h.
//
// Also: mr_heap_
//
// How: blocks double from 4 KiB to 1 MiB, so a small call context stays small and a batch's arena
// settles on one block after a few rounds. Under AddressSanitizer everything not handed out is
// poisoned, which finds reads past an allocation and reads after a clear.

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define ARENA_ASAN 1
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define ARENA_GAP           16  // Poisoned bytes behind every allocation.
#define poison(at, bytes)   ASAN_POISON_MEMORY_REGION((at), (bytes))
#define unpoison(at, bytes) ASAN_UNPOISON_MEMORY_REGION((at), (bytes))
#else
#define ARENA_GAP           0
#define poison(at, bytes)   ((void)(at), (void)(bytes))
#define unpoison(at, bytes) ((void)(at), (void)(bytes))
#endif

#define ARENA_ALIGN       16
#define ARENA_BLOCK_FIRST ((size_t)4096)
#define ARENA_BLOCK_LAST  ((size_t)1 << 20)

struct mr_arena_block {
    mr_arena_block *older;
    size_t bytes;  // With this header.
};

_Static_assert(sizeof(mr_arena_block) % ARENA_ALIGN == 0, "data behind the header is aligned");

static _Noreturn void out_of_memory(size_t bytes) {
    fprintf(stderr, "millrace: out of memory (%zu bytes wanted)\n", bytes);
    fflush(NULL);
    abort();
}

static void block_enter(mr_arena *arena, mr_arena_block *block) {
    arena->head = block;
    arena->at = (uint8_t *)(block + 1);
    arena->end = (uint8_t *)block + block->bytes;
    poison(arena->at, (size_t)(arena->end - arena->at));
}

static void block_free(mr_arena_block *block) {
    unpoison(block, block->bytes);
    free(block);
}

void mr_arena_init(mr_arena *arena) {
    *arena = (mr_arena){.head = NULL};
}

void mr_arena_release(mr_arena *arena) {
    mr_arena_block *block = arena->head;
    while (block != NULL) {
        mr_arena_block *older = block->older;
        block_free(block);
        block = older;
    }
    *arena = (mr_arena){.bytes_max = arena->bytes_max};
}

void mr_arena_clear(mr_arena *arena) {
    mr_arena_block *largest = arena->head;
    if (largest == NULL) {
        return;
    }
    for (mr_arena_block *block = largest->older; block != NULL; block = block->older) {
        if (block->bytes > largest->bytes) {
            largest = block;
        }
    }
    mr_arena_block *block = arena->head;
    while (block != NULL) {
        mr_arena_block *older = block->older;
        if (block != largest) {
            block_free(block);
        }
        block = older;
    }
    largest->older = NULL;
    arena->bytes = largest->bytes;
    block_enter(arena, largest);
}

// Makes room for `need` bytes in a new block. False: over the budget or no memory.
static bool arena_extend(mr_arena *arena, size_t need, size_t bytes_max) {
    size_t least;
    if (!mr_add_fits(need, sizeof(mr_arena_block), &least)) {
        return false;
    }
    size_t wanted = arena->head == NULL ? ARENA_BLOCK_FIRST : arena->head->bytes * 2;
    wanted = MR_MAX(MR_MIN(wanted, ARENA_BLOCK_LAST), least);
    if (bytes_max > 0) {
        size_t left = bytes_max > arena->bytes ? bytes_max - arena->bytes : 0;
        if (least > left) {
            return false;
        }
        wanted = MR_MIN(wanted, left);
    }
    mr_arena_block *block = malloc(wanted);
    if (block == NULL) {
        return false;
    }
    block->older = arena->head;
    block->bytes = wanted;
    arena->bytes += wanted;
    block_enter(arena, block);
    return true;
}

static void *arena_take(mr_arena *arena, size_t bytes, size_t bytes_max) {
    if (bytes > PTRDIFF_MAX / 2) {
        return NULL;
    }
    size_t need = mr_align_up(MR_MAX(bytes, (size_t)1), ARENA_ALIGN) + ARENA_GAP;
    if (need > (size_t)(arena->end - arena->at) && !arena_extend(arena, need, bytes_max)) {
        return NULL;
    }
    void *ret = arena->at;
    arena->at += need;
    unpoison(ret, bytes);
    return ret;
}

void *mr_arena_raw(mr_arena *arena, size_t bytes) {
    void *ret = arena_take(arena, bytes, 0);
    if (MR_UNLIKELY(ret == NULL)) {
        out_of_memory(bytes);
    }
    return ret;
}

void *mr_arena_alloc(mr_arena *arena, size_t bytes) {
    void *ret = mr_arena_raw(arena, bytes);
    memset(ret, 0, bytes);
    return ret;
}

void *mr_arena_try(mr_arena *arena, size_t bytes) {
    return arena_take(arena, bytes, arena->bytes_max);
}

char *mr_arena_copy(mr_arena *arena, const void *data, size_t bytes) {
    mr_assert(bytes < SIZE_MAX);
    char *ret = mr_arena_raw(arena, bytes + 1);
    if (bytes > 0) {
        memcpy(ret, data, bytes);
    }
    ret[bytes] = '\0';
    return ret;
}

char *mr_arena_string(mr_arena *arena, const char *text) {
    mr_assert(text != NULL);
    return mr_arena_copy(arena, text, strlen(text));
}

char *mr_arena_vprintf(mr_arena *arena, const char *format, va_list arguments) {
    char small[256];
    va_list args;
    va_copy(args, arguments);
    int length = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    mr_assert(length >= 0);
    if ((size_t)length < sizeof(small)) {
        return mr_arena_copy(arena, small, (size_t)length);
    }
    char *ret = mr_arena_raw(arena, (size_t)length + 1);
    vsnprintf(ret, (size_t)length + 1, format, arguments);
    return ret;
}

char *mr_arena_printf(mr_arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *ret = mr_arena_vprintf(arena, format, args);
    va_end(args);
    return ret;
}

// ---- the heap ----------------------------------------------------------------------------------

void *mr_heap_alloc(size_t bytes) {
    void *ret = calloc(1, MR_MAX(bytes, (size_t)1));
    if (ret == NULL) {
        out_of_memory(bytes);
    }
    return ret;
}

void *mr_heap_raw(size_t bytes) {
    void *ret = malloc(MR_MAX(bytes, (size_t)1));
    if (ret == NULL) {
        out_of_memory(bytes);
    }
    return ret;
}

void *mr_heap_aligned(size_t bytes) {
    if (bytes > PTRDIFF_MAX) {
        out_of_memory(bytes);
    }
    void *ret = aligned_alloc(64, mr_align_up(MR_MAX(bytes, (size_t)1), 64));
    if (ret == NULL) {
        out_of_memory(bytes);
    }
    return ret;
}

char *mr_heap_string(const char *text) {
    size_t bytes = strlen(text) + 1;
    return memcpy(mr_heap_raw(bytes), text, bytes);
}

void *mr_heap_resize(void *memory, size_t bytes) {
    void *ret = realloc(memory, MR_MAX(bytes, (size_t)1));
    if (ret == NULL) {
        out_of_memory(bytes);
    }
    return ret;
}

void mr_heap_free(void *memory) {
    free(memory);
}
