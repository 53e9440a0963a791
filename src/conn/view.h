// View: holds whose buffer is somebody else's: a fetch buffer that several chunks lie in.
//
// Why: what is received holds several partitions' batches, and more than one worker decodes it; a
// hold's arena belongs to one. So each chunk has a hold of its own over the shared bytes. A hold
// may also own its bytes: those of expanded batches. Like conn/pool.h otherwise: holds are used
// again, and come back on any thread, even after the source was closed.

#pragma once

#include "column/batch.h"
#include "kafka/fetch.h"

typedef struct mr_views mr_views;

mr_views *mr_views_new(void);
// A hold with refs 1 over the whole of a buffer, of which it takes a reference; the caller unrefs.
mr_hold *mr_views_take(mr_views *views, mr_fetch_buffer *buffer, char *data);
// A hold over the bytes of text, which are swapped for those of an older hold: text is empty after.
mr_hold *mr_views_own(mr_views *views, mr_text *text);
void mr_views_close(mr_views *views);  // No hold is taken any more. Takes NULL.
