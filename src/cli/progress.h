// Progress: what a running pipeline tells on standard error: one line that is drawn over, or JSON
// lines.
//
// The JSON has the fields of Spark's StreamingQueryProgress in snake_case, with scheduling and
// total delay.

#pragma once

#include "exec/driver.h"

typedef enum mr_progress_form {
    MR_PROGRESS_NONE,
    MR_PROGRESS_LINE,
    MR_PROGRESS_JSON
} mr_progress_form;

typedef struct mr_cli_progress {
    mr_progress_form form;
    mr_cx *cx;
    const mr_pipeline *pipeline;
    int64_t started_us;   // Monotonic.
    bool drawn;           // The terminal's cursor is behind a line.
    uint64_t rows_first;  // Totals at the first epoch of this run.
    bool has_first;
    mr_progress last;
} mr_cli_progress;

// form: "line", "json", "none", or NULL: a line on a terminal, else none.
mr_code mr_progress_init(mr_cli_progress *progress, const char *form, mr_cx *cx);
void mr_progress_show(void *progress, const mr_progress *epoch);
void mr_progress_warn(void *progress, const char *text);
void mr_progress_finish(mr_cli_progress *progress);
