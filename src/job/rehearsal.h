// Rehearsal: a run that leaves no trace, for EXPLAIN --analyze.
//
// It reads the real input and does all the work, but what it writes stays in its own data folder,
// which the caller throws away: file sinks write there whatever path they were given; sinks that
// would reach something else (a console, another system) drop their rows and only count them; a
// source does not tell the outside how far it read.

#pragma once

#include "port/port.h"

const mr_source_type *mr_rehearsal_source(const mr_source_type *type, mr_arena *arena);
// The type to open instead, and in *options those without the paths.
const mr_sink_type *mr_rehearsal_sink(const mr_sink_type *type, const mr_option_values **options,
                                      mr_arena *arena);
