// Task: what a kind of workflow task is, and what one try of it gets and gives.
//
// Why here: flow knows kinds only by this table (it checks their keys when a DAG file is read, and
// decides what to start); the work is done by src/task, in a process of its own. So the scheduler
// never loads a connector, and whatever a task does, no other feels it.
//
//   DAG file ─▶ keys, templates in them ─▶ rendered by the scheduler ─▶ launch file ─▶ child ─▶ run

#pragma once

#include "base/option.h"
#include "base/text.h"

// Exit codes that mean more than a failure, after those that the task's own keys name.
enum {
    MR_TASK_EXIT_SKIPPED = 99,  // Airflow's BashOperator's.
    MR_TASK_EXIT_WAITING = 98,  // A wait that is not over: ask again after its interval.
    MR_TASK_EXIT_USAGE = 97,    // What it was told cannot be done: no retry helps.
};

#define MR_TASK_OUTPUT_BYTES_MAX ((size_t)64 << 10)  // Of one output, as JSON.

// A flag of an error, beside MR_RETRY …: there is nothing to do, and that is no failure: skipped.
enum { MR_TASK_SKIP = 256 };

// Where a kind's work is done.
typedef enum mr_task_place {
    MR_TASK_HERE,  // In the scheduler, which knows them by name: noop; branch, whose key
                   // `choose` is an id or a list of ids; dag (`dag`, `params`, `wait`). No process.
    MR_TASK_COMMAND,  // A command that the supervisor starts: shell, exec, python.
    MR_TASK_CHILD,    // `run` below, in a child that is this program.
} mr_task_place;

// One try, in its own process.
typedef struct mr_task_try {
    const char *dag;
    const char *run_id;
    const char *task;
    uint32_t number;         // Of the try, from 1.
    const char *dir;         // The try's folder: its launch file, its log, its outputs.
    const char *data_dir;    // The project's; the working directory is the project's folder.
    const char *store;       // The flow database: a path or URL; "" = none.
    const char *identity;    // "dag/run_id/task[/map index][#first try]": the same for each try of
                             // it, up to its success. Writers use it to do a thing once.
    const char *const *env;  // NAME=value that the DAG file and the project give, NULL-ended.
    int64_t grace_us;        // From being asked to end to being killed.
    // A value for tasks behind this one; also what `row_count` and the like are. json: one value.
    mr_code (*output)(const struct mr_task_try *self, const char *key, mr_span json, mr_cx *cx);
    // A connection of this name; MR_E_NAME when there is none. json: host, port, login, password …
    mr_code (*connection)(const struct mr_task_try *self, const char *name, mr_span *ret_json,
                          mr_cx *cx);
    // A program of the user's has ended with this code, which becomes the try's when `run` fails.
    void (*exited)(const struct mr_task_try *self, int code);
    // Something is about to run outside of the try's processes (a container): what `end` needs to
    // end it. On disk before it begins, so that whoever finds the try dead ends it first. note:
    // an object; empty = it is gone.
    mr_code (*outside)(const struct mr_task_try *self, mr_span note_json, mr_cx *cx);
    void *self;
} mr_task_try;

// The note's file in a try's folder; `millrace __task DIR end` does what it says.
#define MR_TASK_OUTSIDE     "outside"
#define MR_TASK_OUTSIDE_END "end"

typedef struct mr_task_type {
    const char *name;  // "topic.create"
    const char *doc;   // One sentence.
    const char *file;
    mr_task_place place;
    const mr_option *options;   // Keys of its own, beside those that every task has.
    const char *const *nested;  // Keys that may hold lists and maps, NULL-ended: they come as JSON
                                // text in their MR_OPT_TEXT field.
    // [optional] The outputs that it sets, NULL-ended, so that a DAG file that names another one is
    // refused. NULL: it may set any (a kind that is done HERE: none).
    const char *const *outputs;
    size_t size;  // Of the struct that the options fill.
    // COMMAND: the words of the command that the supervisor starts, NULL-ended, in cx->arena.
    mr_code (*command)(const void *options, const char *const **ret_words, mr_cx *cx);
    // CHILD: does the work. The log is standard output and standard error.
    //   errors  a failed try; flags: without MR_RETRY, MR_E_OPTION and MR_E_NAME end all tries
    //           MR_E_TIMEOUT with MR_RETRY of a kind that `waits`: not yet
    mr_code (*run)(const void *options, const mr_task_try *try, mr_cx *cx);
    // [optional] What its keys say beyond types, when the DAG file is read; values with templates
    // in them are NULL or 0 here.
    mr_code (*check)(const void *options, mr_cx *cx);
    // [optional] CHILD: ends what `note` tells of, of a try that is dead. MR_OK when it is gone.
    mr_code (*end)(mr_span note_json, mr_cx *cx);
    bool waits;  // Holds no slot of a pool while it waits.
} mr_task_type;

// The kinds there are, NULL-ended: src/task/kinds.c fills it; tests bring their own.
typedef const mr_task_type *const *mr_task_kinds;
const mr_task_type *mr_task_find(mr_task_kinds kinds, const char *name);
// Whether a key of its own may hold lists and maps.
bool mr_task_is_nested(const mr_task_type *type, const char *name);
// A kind's options from its own keys as they are in the launch file: rendered, one JSON object.
//   *ret     a struct of type->size, in cx->arena
//   errors   MR_E_OPTION, MR_E_TYPE naming the key: a template may have given anything
mr_code mr_task_options(const mr_task_type *type, mr_span body_json, void **ret, mr_cx *cx);
