// Stream: the verbs of "millrace stream" that only look.

#pragma once

#include "cli/cli.h"

// Every pipeline with a state in the data folder.
int mr_stream_list(const char *data_dir, bool json, mr_cx *cx);
// One pipeline: epoch, positions, watermark, state, what waits.
int mr_stream_show(const char *data_dir, const char *name, bool json, mr_cx *cx);
