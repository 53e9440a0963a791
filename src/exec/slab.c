// Slab: see slab.h.

#include "exec/slab.h"

#include "plat/memory.h"

#define BLOCKS   (MR_MEMORY_BYTES / MR_SLAB_BLOCK)
#define ALL_FREE UINT32_MAX
_Static_assert(BLOCKS == 32, "a bit for each block");

// From the first piece on, so that the last ones get empty.
void *mr_slab_take(mr_slab *slab) {
    uint32_t p = 0;
    while (p < slab->count && slab->pieces[p].free == 0) {
        p++;
    }
    if (p == slab->count) {
        if (slab->count == slab->capacity) {
            slab->capacity = MR_MAX(8u, 2 * slab->capacity);
            slab->pieces = mr_heap_resize(slab->pieces, slab->capacity * sizeof *slab->pieces);
        }
        slab->pieces[slab->count++] = (mr_slab_piece){mr_memory_take(), ALL_FREE};
    }
    mr_slab_piece *piece = &slab->pieces[p];
    uint32_t block = (uint32_t)__builtin_ctz(piece->free);
    piece->free &= piece->free - 1;
    return piece->memory + block * MR_SLAB_BLOCK;
}

void mr_slab_give(mr_slab *slab, void *block) {
    uintptr_t start = (uintptr_t)block & ~(uintptr_t)(MR_MEMORY_BYTES - 1);
    uint32_t p = 0;
    while ((uintptr_t)slab->pieces[p].memory != start) {
        p++;
        mr_assert(p < slab->count);
    }
    mr_slab_piece *piece = &slab->pieces[p];
    uint32_t bit = 1u << (((uintptr_t)block - start) / MR_SLAB_BLOCK);
    mr_assert((piece->free & bit) == 0);
    piece->free |= bit;
    if (piece->free == ALL_FREE) {
        mr_memory_give(piece->memory);
        *piece = slab->pieces[--slab->count];
    }
}

void mr_slab_release(mr_slab *slab) {
    mr_assert(slab->count == 0);
    mr_heap_free(slab->pieces);
    *slab = (mr_slab){0};
}
