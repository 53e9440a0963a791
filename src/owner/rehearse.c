// Rehearse: see rehearse.h.

#include "owner/rehearse.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "flow/flow.h"
#include "job/job.h"
#include "owner/owner.h"
#include "owner/tail.h"
#include "plat/child.h"
#include "task/kinds.h"

#define LOOK_US ((int64_t)50000)  // How often the logs of what runs are looked at.

typedef struct rehearsal {
    const mr_rehearse_spec *spec;
    mr_arena arena;  // As long as the run.
    const char *dir;
    mr_flow *flow;
    mr_executor *executor;
    mr_tails logs;
    mr_text piece;  // Heap.
    char run[32];
} rehearsal;

static void say(void *self, const char *line) {
    const mr_rehearse_spec *spec = self;
    spec->print(spec->self, line);
}

// ---- logs
// ----------------------------------------------------------------------------------------

static void print_lines(rehearsal *r, const char *name, mr_cx *cx) {
    mr_span lines = mr_text_span(&r->piece);
    while (lines.bytes > 0) {
        mr_span line = mr_span_line(&lines);
        r->spec->print(r->spec->self,
                       mr_arena_printf(cx->arena, "%s | %.*s", name, MR_SPAN_ARGS(line)));
    }
}

// "task" or "task.3", with the try if it is not the first.
static const char *name_of(mr_span item, mr_arena *arena) {
    const char *index = mr_jsonvalue_field(item, "index", arena),
               *number = mr_jsonvalue_field(item, "try", arena);
    bool first = strcmp(number, "1") == 0;
    return mr_arena_printf(arena, "%s%s%s%s%s", mr_jsonvalue_field(item, "task", arena),
                           index[0] == '-' ? "" : ".", index[0] == '-' ? "" : index,
                           first ? "" : " try ", first ? "" : number);
}

static mr_span ask(rehearsal *r, const char *request, mr_cx *cx) {
    mr_text *out = MR_NEW(cx->arena, mr_text);
    mr_text_init(out, cx->arena);
    mr_flow_answer(r->flow, mr_span_of(request), out, cx);
    return mr_text_span(out);
}

// over: of the run; lines that nobody ended are printed too.
static void follow_all(rehearsal *r, bool over, mr_cx *cx) {
    mr_span answer =
        ask(r, mr_arena_printf(cx->arena, "{\"do\":\"run.logs\",\"run\":%s}", r->run), cx);
    mr_span logs = mr_jsonvalue_get(answer, "logs"), item;
    mr_span inside = logs.bytes == 0 ? logs : mr_jsonvalue_inside(logs);
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &item)) {
        mr_tail *log = mr_tail_of(&r->logs, mr_jsonvalue_field(item, "path", cx->arena));
        log->name = log->name == NULL ? name_of(item, &r->arena) : log->name;
        while (mr_tail_read(log, over, &r->piece, cx) == MR_OK && r->piece.bytes > 0) {
            print_lines(r, log->name, cx);
        }
    }
}

// ---- the run
// -------------------------------------------------------------------------------------

static mr_code trigger(rehearsal *r, mr_cx *cx) {
    mr_text request;
    mr_text_init(&request, cx->arena);
    mr_span list = ask(r, "{\"do\":\"dag.list\"}", cx);
    mr_span dags = mr_jsonvalue_inside(mr_jsonvalue_get(list, "dags")), dag;
    mr_span errors = mr_jsonvalue_inside(mr_jsonvalue_get(list, "errors")), error;
    if (mr_jsonvalue_next(&errors, NULL, &error)) {
        return mr_fail(cx, MR_E_SYNTAX, NULL, "%s", mr_jsonvalue_field(error, "text", cx->arena));
    }
    if (!mr_jsonvalue_next(&dags, NULL, &dag)) {
        return mr_fail(cx, MR_E_MISSING, NULL, "there is no DAG in \"%s\"", r->spec->file);
    }
    mr_text_add(&request, "{\"do\":\"dag.trigger\",\"dag\":");
    mr_text_add_json(&request, mr_span_of(mr_jsonvalue_field(dag, "dag", cx->arena)));
    mr_text_addf(&request, ",\"conf\":%s", r->spec->params_json);
    if (r->spec->date != NULL) {
        mr_text_add(&request, ",\"logical_date\":");
        mr_text_add_json(&request, mr_span_of(r->spec->date));
    }
    mr_text_add_char(&request, '}');
    mr_span answer = ask(r, mr_text_string(&request), cx);
    MR_TRY(mr_owner_check_answer(answer, cx));
    const char *run = mr_jsonvalue_field(answer, "run", cx->arena);
    memcpy(r->run, run, MR_MIN(strlen(run) + 1, sizeof(r->run) - 1));
    return MR_OK;
}

static void print_tasks(rehearsal *r, mr_span run, mr_cx *cx) {
    mr_span tasks = mr_jsonvalue_inside(mr_jsonvalue_get(run, "tasks")), task;
    while (mr_jsonvalue_next(&tasks, NULL, &task)) {
        const char *index = mr_jsonvalue_field(task, "index", cx->arena);
        const char *reason = mr_jsonvalue_field(task, "reason", cx->arena);
        r->spec->print(r->spec->self, mr_arena_printf(cx->arena, "%s%s%s: %s%s%s",
                                                      mr_jsonvalue_field(task, "task", cx->arena),
                                                      index[0] == '\0' ? "" : ".", index,
                                                      mr_jsonvalue_field(task, "state", cx->arena),
                                                      reason[0] == '\0' ? "" : ", ", reason));
    }
    r->spec->print(r->spec->self, mr_arena_printf(cx->arena, "run: %s",
                                                  mr_jsonvalue_field(run, "state", cx->arena)));
}

static mr_code wait_a_little(rehearsal *r, int64_t at_us, mr_cx *cx) {
    mr_socket_event event = {.handle = r->executor->type->handle(r->executor), .read = true};
    size_t ready;
    int64_t left_us = at_us == INT64_MAX ? LOOK_US : at_us - mr_clock_real_us(cx->plat);
    return mr_socket_wait(&event, 1, MR_MAX(MR_MIN(left_us, LOOK_US), 0), &ready, cx);
}

static mr_code run_loop(rehearsal *r, bool *ret_good, mr_cx *cx) {
    bool stopping = false;
    for (;;) {
        int64_t at_us;
        mr_arena_clear(cx->arena);
        if (mr_cx_cancelled(cx) && !stopping) {
            stopping = true;
            mr_flow_stop(r->flow, cx);
        }
        MR_TRY(mr_flow_turn(r->flow, &at_us, cx));
        follow_all(r, /* over= */ false, cx);
        if (stopping && mr_flow_open_tries(r->flow) == 0) {
            return mr_fail(cx, MR_E_CANCELLED, NULL, "interrupted");
        }
        mr_span run =
            ask(r, mr_arena_printf(cx->arena, "{\"do\":\"run.show\",\"run\":%s}", r->run), cx);
        const char *state = mr_jsonvalue_field(run, "state", cx->arena);
        if (strcmp(state, "running") != 0 && strcmp(state, "queued") != 0) {
            follow_all(r, /* over= */ true, cx);
            print_tasks(r, run, cx);
            *ret_good = strcmp(state, "success") == 0;
            return MR_OK;
        }
        MR_TRY(wait_a_little(r, at_us, cx));
    }
}

static mr_code open_all(rehearsal *r, mr_cx *cx) {
    const mr_rehearse_spec *spec = r->spec;
    mr_flow_settings *settings = MR_NEW(&r->arena, mr_flow_settings);
    mr_config config = {spec->config, spec->config_count};
    mr_arena *arena = cx->arena;
    cx->arena = &r->arena;
    const char *broker = mr_owner_broker(spec->data_dir, cx);
    const char *const *env = mr_job_env(spec->env, spec->env_count, broker, cx);
    mr_code code = mr_config_apply(&config, "flow", mr_flow_options, settings, cx);
    cx->arena = arena;
    MR_TRY(code);
    settings->paused_on_creation = false;
    mr_flow_spec flow = {
        .data_dir = r->dir,
        .project_data_dir = spec->data_dir,
        .file = spec->file,
        .only = spec->only,
        .mark_success = spec->mark_success,
        .settings = settings,
        .kinds = mr_kinds,
        .executor = r->executor,
        .env = env,
        .say = say,
        .self = (void *)(uintptr_t)spec,
    };
    return mr_flow_open(&flow, &r->flow, cx);
}

// What was read is gone when the error is shown.
static void keep_place(mr_place *place, mr_arena *arena) {
    place->file = place->file == NULL ? NULL : mr_arena_string(arena, place->file);
    place->source = place->source == NULL ? NULL : mr_arena_string(arena, place->source);
}

mr_code mr_rehearse_run(const mr_rehearse_spec *spec, bool *ret_good, mr_cx *cx) {
    rehearsal r = {.spec = spec};
    mr_tail_init(&r.logs, &r.arena);
    mr_text_init(&r.piece, /* arena= */ NULL);
    // No other's folder, also not that of one that was killed: its tasks would go on.
    r.dir = mr_arena_printf(&r.arena, "%s/tmp/dag-test-%016" PRIx64, spec->data_dir,
                            mr_random_u64(cx->plat));
    mr_arena arena = {0};
    mr_cx own = *cx;
    own.arena = &arena;
    mr_code code = mr_dir_make(r.dir, &own);
    code = code == MR_OK ? mr_executor_open(mr_process_file(&own), &r.executor, &own) : code;
    code = code == MR_OK ? open_all(&r, &own) : code;
    code = code == MR_OK ? trigger(&r, &own) : code;
    code = code == MR_OK ? run_loop(&r, ret_good, &own) : code;
    cx->error = own.error;
    keep_place(&cx->error.place, cx->arena);
    if (r.flow != NULL) {
        mr_flow_close(r.flow, &own);
    }
    if (r.executor != NULL) {
        r.executor->type->close(r.executor, &own);
    }
    if (mr_dir_delete(r.dir, &own) != MR_OK && code == MR_OK) {
        cx->error = own.error;
        code = own.error.code;
    }
    mr_text_release(&r.piece);
    mr_arena_release(&arena);
    mr_arena_release(&r.arena);
    return code;
}
