// Tail: log files that grow, each read on from where the last look ended.
//
// A look gives whole lines, so that those of several logs can be mixed; only what is given as ended
// gives its rest without a line end. A log that became shorter is read from its beginning.

#pragma once

#include "base/cx.h"
#include "base/map.h"

typedef struct mr_tail {
    const char *path;
    const char *name;  // The caller's; NULL when it is new.
    uint64_t at;       // Bytes that were given.
} mr_tail;

typedef struct mr_tails {
    mr_map by_path;
} mr_tails;

// arena: as long as the tails are used.
void mr_tail_init(mr_tails *tails, mr_arena *arena);
mr_tail *mr_tail_of(mr_tails *tails, const char *path);  // Made when it is new.
// Sets out to what came since the last look, a piece of it; empty: no more now, or no such file.
mr_code mr_tail_read(mr_tail *tail, bool ended, mr_text *out, mr_cx *cx);
// Leaves out all but the last lines, as far as they are within the file's last piece.
mr_code mr_tail_skip(mr_tail *tail, int64_t lines, mr_cx *cx);
