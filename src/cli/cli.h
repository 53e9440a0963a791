// Cli: what the commands share: the table of commands, arguments, settings, and how errors are
// shown.
//
// A command is one row of MR_CLI_COMMANDS and one file cmd_<name>.c. Commands hold no logic of
// their own: they read arguments, call job, lake and conn, and print. Results go to standard
// output, all else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage or a pipeline
// that does not check, 130 interrupted after a clean commit.

#pragma once

#include "base/option.h"
#include "job/job.h"

enum { MR_EXIT_DONE = 0, MR_EXIT_FAILED = 1, MR_EXIT_USAGE = 2, MR_EXIT_INTERRUPTED = 130 };

// One option of a command, for the parser and --help.
typedef struct mr_cli_flag {
    const char *name;   // "--until"
    const char *value;  // Name of its value in --help; NULL = none.
    bool repeats;
    const char *doc;
} mr_cli_flag;

#define MR_CLI_FLAGS_END \
    { NULL, NULL, false, NULL }

typedef struct mr_cli_command mr_cli_command;

typedef struct mr_cli_args {
    const mr_cli_command *command;
    const char **plain;  // Arguments that are no flags.
    uint32_t plain_count;
    mr_job_pair *flags;  // Name and value ("" without one), in order.
    uint32_t flag_count;
} mr_cli_args;

struct mr_cli_command {
    const char *name;
    const char *usage;                // Behind the name: "FILE.sql [options]"
    const char *summary;              // One line.
    const char *details;              // More lines for --help; may be NULL.
    void (*more_help)(mr_text *out);  // Behind the options; may be NULL.
    const mr_cli_flag *flags;
    uint32_t plain_min;
    uint32_t plain_max;
    int (*run)(const mr_cli_args *args, mr_cx *cx);  // Returns an exit code.
};

// clang-format off
#define MR_CLI_COMMANDS(X) \
    X(init) X(new) X(up) X(status) X(logs) X(down) X(restart) X(run) X(check) X(explain) X(diff) \
    X(test) X(stream) X(replay) X(sql) X(generate) X(topic) X(produce) X(consume) X(group) \
    X(broker) X(dag) X(task) X(runs) X(conn) X(var) X(secret) X(pool) X(user) X(doctor)
// clang-format on

#define MR_CLI_DECLARE(name) extern const mr_cli_command mr_cmd_##name;
MR_CLI_COMMANDS(MR_CLI_DECLARE)
#undef MR_CLI_DECLARE

// args.c
mr_code mr_args_parse(const mr_cli_command *command, int count, char **words, mr_cli_args *ret,
                      mr_cx *cx);
const char *mr_args_get(const mr_cli_args *args, const char *name);  // Last value, or NULL.
bool mr_args_has(const mr_cli_args *args, const char *name);
// All NAME=VALUE values of a flag. errors MR_E_OPTION
mr_code mr_args_pairs(const mr_cli_args *args, const char *name, mr_job_pair **ret,
                      uint32_t *ret_count, mr_cx *cx);
// Sets spec's until and duration from the flag `name`; leaves them when it is not given.
mr_code mr_args_until(const mr_cli_args *args, const char *name, mr_job_spec *spec, mr_cx *cx);
// Reports that a command with verbs does not know these words; returns the exit code.
int mr_args_usage(const mr_cli_args *args, mr_cx *cx);
void mr_args_help(const mr_cli_command *command, mr_text *out);

// report.c: an error as people read it: what, where (with the line), advice, and the way there.
void mr_report_error(mr_cx *cx);  // cx->error to standard error.
void mr_report_say(mr_cx *cx, const char *format, ...) __attribute__((format(printf, 2, 3)));
// A line from any thread to standard error; self: what stands before it, or NULL.
void mr_report_line(void *self, const char *line);
void mr_report_print(mr_cx *cx, const mr_text *text);  // To standard output.
void mr_report_note(mr_cx *cx, const mr_text *text);   // To standard error.

// pipeline.c: the flags that every command about a pipeline takes, and the loading behind them.
#define MR_CLI_DATA_FLAG \
    { "--data", "DIR", false, "Data folder (default: data in the project; MILLRACE_DATA)." }
#define MR_CLI_PIPELINE_FLAGS                                                          \
    MR_CLI_DATA_FLAG, {"--set", "NAME=VALUE", true, "Value of ${NAME} in the file."},  \
        {"--source", "TABLE=file:PATH", true, "Read a source from somewhere else."}, { \
        "-c", "SECTION.KEY=VALUE", true, "A setting, such as exec.workers=2."          \
    }
// The data folder is --data, or MILLRACE_DATA, both from where the user stands, or data in the
// project. That is the folder named; that of the file named; or the nearest one from here upwards
// with a millrace.yaml, or here. Commands about a project go there first.
//   dir           the project's folder; NULL: it is looked for
//   ret_data_dir  the data folder, as it is called from there; may be NULL
mr_code mr_pipeline_enter(const mr_cli_args *args, const char *dir, const char **ret_data_dir,
                          mr_cx *cx);
// For a command that goes to the project of a file afterwards: as it is called from there.
const char *mr_pipeline_data_dir(const mr_cli_args *args, mr_cx *cx);
// For a command that stays: as it is called from here.
const char *mr_pipeline_data_here(const mr_cli_args *args, mr_cx *cx);
// A path of the command line, as it is called from anywhere; "-" stays.
const char *mr_pipeline_path(const char *path, mr_cx *cx);
const char *mr_pipeline_project(mr_cx *cx);  // The project's folder, found from here.
// A file that was planned, or why it could not be.
typedef struct mr_cli_plan {
    mr_job_spec spec;  // Some of it may be filled before.
    mr_job *job;
    mr_sql_errors errors;  // At least one when it failed.
    int exit_code;
} mr_cli_plan;
// Reads the file, goes to its project's folder and plans; reports nothing.
mr_code mr_pipeline_plan(const mr_cli_args *args, const char *file, mr_cli_plan *ret, mr_cx *cx);
// Fills spec from the flags, reads the file, goes to the project's folder and plans.
//   errors are all reported; returns an exit code, 0 when *ret is a planned job
//   on failure nothing is left open
int mr_pipeline_load(const mr_cli_args *args, const char *file, mr_job_spec *spec, mr_job **ret,
                     mr_cx *cx);
