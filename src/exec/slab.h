// Slab: blocks of 64 KiB, cut out of pieces of 2 MiB (plat/memory.h).
//
// Why: the tables of a DISTINCT are large together, but each of them is not, and they grow at
// different moments. Put together from blocks of one size they share large pages, and what one
// gives back another takes. A piece whose last block came back goes to the system.
// Threads: one owner.

#pragma once

#include "base/cx.h"

#define MR_SLAB_BLOCK ((size_t)64 << 10)

typedef struct mr_slab_piece {
    char *memory;
    uint32_t free;  // A bit for each block.
} mr_slab_piece;

typedef struct mr_slab {  // Zeroed: empty.
    mr_slab_piece *pieces;
    uint32_t count;
    uint32_t capacity;
} mr_slab;

void *mr_slab_take(mr_slab *slab);  // Not zeroed.
void mr_slab_give(mr_slab *slab, void *block);
void mr_slab_release(mr_slab *slab);  // When all blocks are back.
