// Up: what the commands about a running project share: finding it, asking it, showing the answer.

#pragma once

#include "cli/cli.h"

// Tells the owner to start, stop, pause, resume or restart a part, and shows what it is then; by
// the flags --data and --json. Reports what goes wrong; returns an exit code.
int mr_up_tell(const mr_cli_args *args, const char *verb, const char *part, mr_cx *cx);
// The answer to "status", for people.
void mr_up_print_status(mr_span status, mr_text *out);
// One part of it, or the answer to a word about a part.
void mr_up_print_part(mr_span part, mr_text *out);
// The last `lines` lines of a part's log, or of all; with follow it goes on until stopped.
typedef struct mr_up_logs {
    const char *data_dir;
    const char *part;  // NULL = all.
    int64_t lines;
    bool follow;
} mr_up_logs;
int mr_up_show_logs(const mr_up_logs *logs, mr_cx *cx);
