// Memory: see memory.h.

#include "plat/memory.h"

#include <sys/mman.h>

void *mr_memory_take(void) {
    // Twice as much has a piece in it that begins on a border; the rest goes back at once.
    char *all = mmap(NULL, 2 * MR_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                     /* fd= */ -1, 0);
    mr_assert(all != MAP_FAILED);
    size_t before = (size_t)(0 - (uintptr_t)all) & (MR_MEMORY_BYTES - 1);
    char *piece = all + before;
    if (before > 0) {
        munmap(all, before);
    }
    munmap(piece + MR_MEMORY_BYTES, MR_MEMORY_BYTES - before);
    (void)madvise(piece, MR_MEMORY_BYTES, MADV_HUGEPAGE);  // A kernel without them says no.
    return piece;
}

void mr_memory_give(void *piece) {
    munmap(piece, MR_MEMORY_BYTES);
}
