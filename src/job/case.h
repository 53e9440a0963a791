// Case: a test of a pipeline: SQL and rows in, expected rows out; docs/testing.md has the format.
//
// Who runs cases decides under which configurations: `millrace test` runs one plain and one with a
// kill between every two inputs; tests/sql runs its corpus under more. All of them must give the
// same rows, as multisets: the order of rows does not count, floats may differ by 1e-12 of their
// size.

#pragma once

#include "job/job.h"

#define MR_CASE_BLOCKS_MAX 64
#define MR_CASE_SETS_MAX   32

typedef enum mr_case_kind {
    MR_CASE_INPUT,  // Lines of the file ${IN}/name; a second block of a name goes behind the first.
    MR_CASE_SOURCE,  // Records of the source table `name`, in place of its connector.
    MR_CASE_EXPECT,  // Rows of a table once all blocks above are taken.
    MR_CASE_OUTPUT,  // Rows of a table at the end.
} mr_case_kind;

typedef struct mr_case_block {
    mr_case_kind kind;
    const char *name;
    mr_span text;  // In mr_case.text.
} mr_case_block;

typedef struct mr_case {
    const char *path;
    mr_span text;      // Of the whole file.
    const char *file;  // The pipeline's file, from the project folder; or NULL, then
    mr_span pipeline;  // its text.
    mr_case_block blocks[MR_CASE_BLOCKS_MAX];
    uint32_t block_count;
    mr_span error;
    bool has_error;
    const char *only;  // Words of configurations; NULL = all.
    mr_until until;
    mr_job_pair sets[MR_CASE_SETS_MAX];
    uint32_t set_count;
    int64_t clock_us;  // INT64_MIN = the real one.
} mr_case;

typedef struct mr_case_config {
    const char *name;
    mr_job_pair settings[6];
    uint32_t setting_count;
    bool restarts;  // Each life commits once and stops.
    bool kills;     // Each life commits once and is killed somewhere behind that.
} mr_case_config;

typedef struct mr_case_options {
    const char *dir;  // Of this run; emptied before.
    const mr_port *port;
    const mr_job_pair *env;  // What the project's .env says.
    uint32_t env_count;
    bool any_sink;  // Tables of every sink are read: their rows go to JSON lines instead.
    void (*format)(const mr_error *error, mr_text *out);  // An error as people see it.
} mr_case_options;

typedef struct mr_case_result {
    bool passed;
    mr_text report;                       // Why not, as lines.
    const char *got[MR_CASE_BLOCKS_MAX];  // By block: rows found, sorted; NULL = not looked at.
    const char *got_error;                // The run's error as lines; NULL = none.
    uint32_t lives;
} mr_case_result;

// Reads a case. Memory: cx->arena.  errors  MR_E_SYNTAX at the line
mr_code mr_case_read(const char *path, mr_case *ret, mr_cx *cx);
// Runs it under one configuration. What goes wrong is in the result, not in cx.
void mr_case_run(const mr_case *test, const mr_case_config *config, const mr_case_options *options,
                 mr_case_result *ret, mr_cx *cx);
// The case's text with what was found in place of what was expected.
mr_span mr_case_update(const mr_case *test, const mr_case_result *result, mr_cx *cx);
// Compares two sets of JSON lines; adds "- expected" and "+ got" of those without a counterpart.
bool mr_case_compare(mr_span expected, mr_span got, mr_text *out, mr_cx *cx);
