// Pool: buffers of source chunks that are used again and again.
//
// Why: a chunk's hold is a buffer, an arena and its vectors; taking them from the system for each
// chunk costs more than decoding. A hold goes back to its pool when the last batch lets go of it,
// on any thread, even after the source was closed: the pool lives until its last hold is back.

#pragma once

#include "column/batch.h"

typedef struct mr_pool mr_pool;

mr_pool *mr_pool_new(void);
// A hold with refs 1 and a buffer of at least buffer_bytes; the caller unrefs.
mr_hold *mr_pool_take(mr_pool *pool, size_t buffer_bytes);
// No hold is taken any more. Takes NULL.
void mr_pool_close(mr_pool *pool);
