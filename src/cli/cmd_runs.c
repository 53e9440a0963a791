// Command "runs": looks at the runs of workflows, their logs, and stops, retries or clears them.

#include <inttypes.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/columns.h"
#include "owner/tail.h"
#include "plat/thread.h"

#define FOLLOW_US ((int64_t)200000)

static const mr_cli_flag runs_flags[] = {
    {"--dag", "DAG", false, "list: only of this DAG."},
    {"--state", "STATE", false, "list: queued, running, success, failed or cancelled."},
    {"--type", "TYPE", false, "list: scheduled, manual, backfill or called."},
    {"--limit", "N", false, "list: how many (default 25)."},
    {"--before", "RUN", false, "list: runs before this number: the next page."},
    {"--task", "TASK", true, "logs, why: of this task. clear: these tasks (may be repeated)."},
    {"--index", "N", false, "logs: of this instance of a foreach."},
    {"--try", "N", false, "logs: of this try."},
    {"--failed", NULL, false, "clear: only tasks that failed."},
    {"--downstream", NULL, false, "clear: also what stands behind them."},
    {"-f", NULL, false, "logs: go on as it grows, until the run is over."},
    MR_CLI_ASK_FLAGS,
    MR_CLI_FLAGS_END,
};

// RUN: its number, or "DAG/RUN_ID"; a DAG alone is its newest run.
static void add_run(mr_text *request, const char *word, mr_arena *arena) {
    int64_t number;
    const char *slash = strchr(word, '/');
    if (mr_text_parse_int64(mr_span_of(word), &number)) {
        mr_ask_add(request, "run", word);
    } else if (slash == NULL) {
        mr_ask_add(request, "dag", word);
    } else {
        mr_ask_add(request, "dag", mr_arena_copy(arena, word, (size_t)(slash - word)));
        mr_ask_add(request, "run", slash + 1);
    }
}

static void add_run_row(mr_columns *columns, mr_span run, mr_arena *arena) {
    static const char *const fields[] = {"run", "dag", "run_id", "state", "started", "ended"};
    for (size_t i = 0; i < MR_COUNT(fields); i++) {
        const char *text = mr_jsonvalue_field(run, fields[i], arena);
        mr_columns_add(columns, "%s", text[0] == '\0' ? "-" : text);
    }
}

static int list(const mr_cli_args *args, mr_cx *cx) {
    static const char *const numbers[] = {"limit", "before"};
    mr_text request, out;
    mr_span answer, item;
    int exit_code;
    mr_ask_begin(&request, "run.list", cx->arena);
    mr_ask_add(&request, "dag",
               args->plain_count > 1 ? args->plain[1] : mr_args_get(args, "--dag"));
    mr_ask_add(&request, "state", mr_args_get(args, "--state"));
    mr_ask_add(&request, "type", mr_args_get(args, "--type"));
    for (size_t i = 0; i < MR_COUNT(numbers); i++) {
        const char *flag = mr_arena_printf(cx->arena, "--%s", numbers[i]);
        const char *value = mr_args_get(args, flag);
        int64_t number;
        if (value != NULL && !mr_text_parse_int64(mr_span_of(value), &number)) {
            return mr_args_usage(args, cx);
        }
        mr_ask_add_json(&request, numbers[i], value);
    }
    if (!mr_ask_send(args, &request, &answer, &exit_code, cx)) {
        return exit_code;
    }
    if (mr_ask_json(args, answer, cx)) {
        return MR_EXIT_DONE;
    }
    mr_columns columns;
    mr_columns_init(&columns, ">RUN,DAG,RUN ID,STATE,STARTED,ENDED", cx->arena);
    mr_span inside = mr_jsonvalue_inside(mr_jsonvalue_get(answer, "runs"));
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &item)) {
        add_run_row(&columns, item, cx->arena);
    }
    mr_text_init(&out, cx->arena);
    mr_columns_print(&columns, &out);
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}

static void print_tasks(mr_span run, const char *last, const char *heading, mr_text *out,
                        mr_arena *arena) {
    mr_columns columns;
    mr_columns_init(&columns, heading, arena);
    mr_span inside = mr_jsonvalue_inside(mr_jsonvalue_get(run, "tasks")), item;
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &item)) {
        const char *index = mr_jsonvalue_field(item, "index", arena);
        mr_columns_add(&columns, "%s%s%s", mr_jsonvalue_field(item, "task", arena),
                       index[0] == '\0' ? "" : ".", index);
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "state", arena));
        if (strcmp(last, "reason") == 0) {
            mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "tries", arena));
            mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "started", arena));
            mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, "ended", arena));
        }
        mr_columns_add(&columns, "%s", mr_jsonvalue_field(item, last, arena));
    }
    if (columns.cell_count > columns.count) {
        mr_columns_print(&columns, out);
    }
}

// show, why, stop, retry, clear: one run.
static int one(const mr_cli_args *args, const char *verb, mr_cx *cx) {
    mr_text request, out, names;
    mr_span answer;
    int exit_code;
    mr_ask_begin(&request, mr_arena_printf(cx->arena, "run.%s", verb), cx->arena);
    add_run(&request, args->plain[1], cx->arena);
    mr_text_init(&names, cx->arena);
    for (uint32_t i = 0; i < args->flag_count; i++) {
        if (strcmp(args->flags[i].name, "--task") == 0) {
            mr_text_add_char(&names, names.bytes == 0 ? '[' : ',');
            mr_text_add_json(&names, mr_span_of(args->flags[i].value));
        }
    }
    if (names.bytes > 0) {
        mr_text_add_char(&names, ']');
        mr_ask_add_json(&request, "tasks", mr_text_string(&names));
        mr_ask_add(&request, "task", mr_args_get(args, "--task"));
    }
    mr_ask_add_json(&request, "failed", mr_args_has(args, "--failed") ? "true" : NULL);
    mr_ask_add_json(&request, "downstream", mr_args_has(args, "--downstream") ? "true" : NULL);
    if (!mr_ask_send(args, &request, &answer, &exit_code, cx)) {
        return exit_code;
    }
    if (mr_ask_json(args, answer, cx)) {
        return MR_EXIT_DONE;
    }
    mr_text_init(&out, cx->arena);
    mr_text_addf(&out, "run %s  %s  %s  %s", mr_jsonvalue_field(answer, "run", cx->arena),
                 mr_jsonvalue_field(answer, "dag", cx->arena),
                 mr_jsonvalue_field(answer, "run_id", cx->arena),
                 mr_jsonvalue_field(answer, "state", cx->arena));
    const char *why = mr_jsonvalue_field(answer, "why", cx->arena);
    const char *note = mr_jsonvalue_field(answer, "note", cx->arena);
    mr_text_addf(&out, "%s%s%s%s\n", why[0] == '\0' ? "" : ": ", why, note[0] == '\0' ? "" : ": ",
                 note);
    if (strcmp(verb, "show") == 0) {
        print_tasks(answer, "reason", "TASK,STATE,>TRIES,STARTED,ENDED,REASON", &out, cx->arena);
    } else if (strcmp(verb, "why") == 0) {
        print_tasks(answer, "why", "TASK,STATE,WAITS FOR", &out, cx->arena);
    }
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}

// ---- logs
// ----------------------------------------------------------------------------------------

typedef struct shown {
    mr_tails tails;
    const mr_tail *last;  // What was printed last is of this one.
    mr_text piece;
    bool over;  // The run is.
} shown;

static void show_more(shown *s, mr_span item, mr_cx *cx) {
    mr_tail *tail = mr_tail_of(&s->tails, mr_jsonvalue_field(item, "path", cx->arena));
    bool is_new = tail->name == NULL;
    tail->name = "";
    while (mr_tail_read(tail, s->over, &s->piece, cx) == MR_OK) {
        if (is_new || (s->piece.bytes > 0 && s->last != tail)) {
            const char *index = mr_jsonvalue_field(item, "index", cx->arena);
            mr_report_say(cx, "==> %s%s%s, try %s\n", mr_jsonvalue_field(item, "task", cx->arena),
                          index[0] == '-' ? "" : ".", index[0] == '-' ? "" : index,
                          mr_jsonvalue_field(item, "try", cx->arena));
            s->last = tail;
        }
        is_new = false;
        if (s->piece.bytes == 0) {
            return;
        }
        mr_report_print(cx, &s->piece);
    }
}

static int show_logs(const mr_cli_args *args, shown *s, mr_cx *cx) {
    mr_text request;
    mr_span answer, item;
    int exit_code;
    mr_ask_begin(&request, "run.logs", cx->arena);
    add_run(&request, args->plain[1], cx->arena);
    mr_ask_add(&request, "task", mr_args_get(args, "--task"));
    mr_ask_add(&request, "index", mr_args_get(args, "--index"));
    mr_ask_add(&request, "try", mr_args_get(args, "--try"));
    if (!mr_ask_send(args, &request, &answer, &exit_code, cx)) {
        return exit_code;
    }
    const char *state = mr_jsonvalue_field(answer, "state", cx->arena);
    s->over = strcmp(state, "running") != 0 && strcmp(state, "queued") != 0;
    if (mr_ask_json(args, answer, cx)) {
        s->over = true;
        return MR_EXIT_DONE;
    }
    mr_span inside = mr_jsonvalue_inside(mr_jsonvalue_get(answer, "logs"));
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &item)) {
        show_more(s, item, cx);
    }
    return MR_EXIT_DONE;
}

static int logs(const mr_cli_args *args, mr_cx *cx) {
    static atomic_bool stop;
    bool follow = mr_args_has(args, "-f");
    mr_arena turn = {0}, *arena = cx->arena;
    shown s = {0};
    mr_tail_init(&s.tails, arena);
    mr_text_init(&s.piece, /* arena= */ NULL);
    mr_thread_catch_stop(&stop);
    cx->arena = &turn;
    int exit_code = show_logs(args, &s, cx);
    while (exit_code == MR_EXIT_DONE && follow && !s.over && !atomic_load(&stop)) {
        mr_clock_sleep_us(cx->plat, FOLLOW_US);
        mr_arena_clear(&turn);
        exit_code = show_logs(args, &s, cx);
    }
    cx->arena = arena;
    mr_text_release(&s.piece);
    mr_arena_release(&turn);
    return exit_code;
}

static int runs_run(const mr_cli_args *args, mr_cx *cx) {
    static const char *const verbs[] = {"show", "why", "stop", "retry", "clear"};
    const char *verb = args->plain[0];
    if (strcmp(verb, "list") == 0) {
        return args->plain_count <= 2 ? list(args, cx) : mr_args_usage(args, cx);
    }
    if (args->plain_count != 2) {
        return mr_args_usage(args, cx);
    }
    if (strcmp(verb, "logs") == 0) {
        return logs(args, cx);
    }
    for (size_t i = 0; i < MR_COUNT(verbs); i++) {
        if (strcmp(verb, verbs[i]) == 0) {
            return one(args, verb, cx);
        }
    }
    return mr_args_usage(args, cx);
}

const mr_cli_command mr_cmd_runs = {
    .name = "runs",
    .usage = "list [DAG] | show RUN | logs RUN [-f] | why RUN | stop RUN | retry RUN | clear RUN",
    .summary = "Looks at the runs of workflows and their logs; stops and runs them again.",
    .details = "RUN is a number, DAG/RUN_ID, or a DAG for its newest run. why says what a waiting "
               "task waits\nfor. retry runs again what failed and what stands behind it, clear all "
               "or what is named;\nboth with the newest version of the DAG.",
    .flags = runs_flags,
    .plain_min = 1,
    .plain_max = 2,
    .run = runs_run,
};
