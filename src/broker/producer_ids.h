// Producer ids: numbers that no producer of this broker ever had.
//
// How: blocks; the end of the block that is in use is in <dir>/producer-ids, durably, before its
// first id is given out, so a start goes on behind it and what was left of it is never used.
// Threads: any.

#pragma once

#include "plat/plat.h"
#include "plat/thread.h"

typedef struct mr_producer_ids {
    mr_mutex mutex;
    const char *path;  // In the owner's arena.
    int64_t next;
    int64_t end;  // Behind the last that may be given out.
} mr_producer_ids;

// errors  MR_E_CORRUPT when the file is not what was written
mr_code mr_producer_ids_open(mr_producer_ids *ids, const char *dir, mr_arena *arena, mr_cx *cx);
void mr_producer_ids_close(mr_producer_ids *ids);
// Takes a block now when less than half of one is left, so that nobody waits for its sync later.
mr_code mr_producer_ids_renew(mr_producer_ids *ids, mr_cx *cx);
mr_code mr_producer_ids_take(mr_producer_ids *ids, int64_t *ret, mr_cx *cx);
// An id that was seen: none up to it is given out.
mr_code mr_producer_ids_skip(mr_producer_ids *ids, int64_t seen, mr_cx *cx);
