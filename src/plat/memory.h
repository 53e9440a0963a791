// Memory: large pieces for tables that are read and written here and there.
//
// Why: the processor knows where some thousand pages of 4 KiB lie; a table of 100 MB has ten times
// as many, and then most looks into it wait for a walk through the kernel's page tables too. Pages
// of 2 MiB end that, and only memory that was taken in such pieces, on their borders, can get them.
// Real memory only: the simulator has no other.

#pragma once

#include "base/cx.h"

#define MR_MEMORY_BYTES ((size_t)2 << 20)  // Of a piece, and its alignment.

void *mr_memory_take(void);  // Zeroed. Aborts when there is none.
void mr_memory_give(void *piece);
