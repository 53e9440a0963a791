// Sink: see sink.h.

#include "port/sink.h"

const char *mr_sink_taken_path(const mr_publication_file *file, mr_arena *arena) {
    mr_span part = mr_span_of(file->part);
    size_t bytes = part.bytes - (mr_span_ends(part, ".part") ? sizeof(".part") - 1 : 0);
    return mr_arena_printf(arena, "%.*s" MR_SINK_TAKEN, (int)bytes, part.data);
}
