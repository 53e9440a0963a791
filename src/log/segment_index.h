// Segment index: the files beside a segment's batches; internal to segments.

#pragma once

#include "log/segment.h"

#define MR_SEGMENT_INDEXES 3

extern const char *const mr_segment_suffixes[MR_SEGMENT_INDEXES];  // ".index" …
mr_code mr_segment_open_indexes(mr_log_segment *segment, mr_cx *cx);
