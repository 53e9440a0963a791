// Tries: one try of a task, from what it is told to what came of it.
//
//   launch: templates filled in → launch.json in the try's folder → RUNNING, try row
//   (the turn's commit)
//   start: the executor                     … its end comes, or is read after a restart
//   end: exit → outputs checked → success, skipped, waiting, up_for_retry, failed, cancelled
// A try whose row is not committed was never started, so its folder may be made again. One that is
// lost (power cut, no start, ended with the scheduler) is run again as a new try that does not
// count against `retries`.
//
// Also: mr_tries_

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "base/utf8.h"
#include "flow/mask.h"
#include "flow/scope.h"

#define BACKOFF_US_MAX   ((int64_t)86400 * MR_SECOND_US)  // As Airflow.
#define OUTPUT_BYTES_MAX ((uint64_t)4 << 20)
#define LOST_MAX         10  // In a row: then it is for people.
#define CALLBACK_US      ((int64_t)300 * MR_SECOND_US)

// ---- open tries
// ----------------------------------------------------------------------------------

static void open_try(mr_flow *flow, mr_flow_task *task) {
    if (flow->open_count == flow->open_room) {
        flow->open_room = flow->open_room == 0 ? 64 : flow->open_room * 2;
        flow->open = mr_heap_resize(flow->open, sizeof(flow->open[0]) * flow->open_room);
    }
    flow->open[flow->open_count++] = task;
    task->token = ++flow->tokens;
}

static mr_flow_task *close_try(mr_flow *flow, uint64_t token) {
    for (uint32_t i = 0; i < flow->open_count; i++) {
        mr_flow_task *task = flow->open[i];
        if (task->token == token) {
            flow->open[i] = flow->open[--flow->open_count];
            task->token = 0;
            task->launched = false;
            return task;
        }
    }
    return NULL;
}

// ---- launching
// -----------------------------------------------------------------------------------

static const char *try_dir(const mr_flow *flow, const mr_flow_task *task, int32_t number,
                           mr_arena *arena) {
    const char *run = mr_flow_run_dir(flow, task->run, arena);
    return task->row.map_index < 0
               ? mr_arena_printf(arena, "%s/%s/%" PRId32, run, task->row.task, number)
               : mr_arena_printf(arena, "%s/%s.%" PRId32 "/%" PRId32, run, task->row.task,
                                 task->row.map_index, number);
}

// A callback: a shell's script, or a request by the kind http.
static mr_code fill_callback(const mr_flow *flow, const mr_flow_task *task, mr_launch *launch,
                             mr_cx *cx) {
    const char *script =
        mr_jsonvalue_text(mr_jsonvalue_get(task->row.item_json, "script"), cx->arena);
    const char **words = MR_NEW_ARRAY(cx->arena, const char *, 6);
    launch->words = words;
    launch->timeout_us = CALLBACK_US;
    if (script != NULL) {
        launch->kind = "shell";
        launch->body_json = MR_SPAN("{}");
        words[0] = "/bin/bash";
        words[1] = "-euo";
        words[2] = "pipefail";
        words[3] = "-c";
        words[4] = script;
        return MR_OK;
    }
    const char *url =
        mr_jsonvalue_text(mr_jsonvalue_get(task->row.item_json, "webhook"), cx->arena);
    if (mr_task_find(flow->spec.kinds, "http") == NULL || url == NULL) {
        return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "webhooks need the kind http");
    }
    mr_text body;
    mr_text_init(&body, cx->arena);
    mr_text_add(&body, "{\"url\":");
    mr_text_add_json(&body, mr_span_of(url));
    mr_text_add(&body, ",\"method\":\"POST\",\"json\":{\"dag\":");
    mr_text_add_json(&body, mr_span_of(task->run->row.dag));
    mr_text_add(&body, ",\"run_id\":");
    mr_text_add_json(&body, mr_span_of(task->run->row.run_id));
    mr_text_add(&body, ",\"event\":");
    mr_text_add_json(&body, mr_span_of(strchr(task->row.task, '~') + 1));
    mr_text_add(&body, ",\"details\":");
    mr_text_add_bytes(&body, task->row.item_json.data, task->row.item_json.bytes);
    mr_text_add(&body, "}}");
    launch->kind = "http";
    launch->body_json = mr_text_span(&body);
    words[0] = "task";
    return MR_OK;
}

static mr_code fill_task(mr_scope *scope, mr_launch *launch, mr_cx *cx) {
    const mr_dag_task *spec = scope->task->spec;
    mr_assert(spec->type->place != MR_TASK_HERE);  // There is no process for it.
    static const char *const child[] = {"task", NULL};
    mr_text body;
    mr_text_init(&body, cx->arena);
    MR_TRY(mr_dag_body(spec, &scope->base, &body, cx));
    launch->kind = spec->type->name;
    launch->body_json = mr_text_span(&body);
    launch->timeout_us = spec->execution_timeout_us;
    launch->words = child;
    if (spec->type->place == MR_TASK_COMMAND) {
        void *options;
        MR_TRY(mr_task_options(spec->type, launch->body_json, &options, cx));
        MR_TRY(spec->type->command(options, &launch->words, cx));
    }
    return MR_OK;
}

// A task that was cleared does its work again: what an earlier success has done is not its own.
static int32_t first_try(const mr_flow *flow, const mr_flow_task *task, mr_cx *cx) {
    int32_t first = task->row.tries;
    mr_try_exit end;
    while (first > 1 &&
           (mr_try_exit_load(try_dir(flow, task, first - 1, cx->arena), &end, cx) != MR_OK ||
            end.reason != MR_EXIT_CODE || end.code != 0)) {
        first--;
    }
    return first;
}

static mr_code fill_and_save(mr_scope *scope, const char *dir, mr_cx *cx) {
    mr_flow *flow = scope->flow;
    mr_flow_task *task = scope->task;
    const char *data_dir = flow->spec.project_data_dir;
    data_dir = data_dir != NULL ? data_dir : flow->spec.data_dir;
    mr_record_spec record = {.data_dir = data_dir, .store = flow->settings.store};
    mr_text connections;
    mr_text_init(&connections, cx->arena);
    mr_launch launch = {
        .dir = dir,
        .work_dir = ".",
        .dag = task->run->row.dag,
        .run_id = task->run->row.run_id,
        .task = task->row.task,
        .map_index = task->row.map_index,
        .number = task->row.tries,
        .first = first_try(flow, task, cx),
        .data_dir = data_dir,
        .store = mr_record_store(&record, cx->arena),
        .grace_us = flow->settings.kill_grace,
    };
    MR_TRY(task->callback ? fill_callback(flow, task, &launch, cx) : fill_task(scope, &launch, cx));
    MR_TRY(mr_scope_env(scope, &launch.env, cx));
    if (task->spec != NULL && task->spec->type->place == MR_TASK_CHILD) {
        MR_TRY(mr_scope_connections(scope, &connections, cx));
    }
    launch.connections_json = mr_text_span(&connections);
    MR_TRY(mr_scope_mask_all(scope, launch.env, cx));
    launch.masked = scope->masked;
    return mr_launch_save(&launch, cx);
}

// What a template gave may stand in what is said of it.
static mr_code write_launch(mr_flow *flow, mr_flow_task *task, const char *dir, mr_cx *cx) {
    mr_scope scope;
    mr_scope_init(&scope, flow, task->run, task);
    mr_code code = fill_and_save(&scope, dir, cx);
    if (code != MR_OK && scope.masked_count > 0) {
        const char *text = mr_mask_text(scope.masked, cx->error.text, cx->arena);
        (void)mr_utf8_copy(cx->error.text, sizeof(cx->error.text), mr_span_of(text));
    }
    return code;
}

// What it put out in an earlier try must not be met by later tasks.
static void forget_outputs(mr_flow_task *task) {
    for (mr_flow_output **at = &task->run->outputs; *at != NULL;) {
        if ((*at)->task == task) {
            *at = (*at)->next;
        } else {
            at = &(*at)->next;
        }
    }
}

// Looks of a wait share one try: else a week of them would leave a hundred thousand folders.
static bool looks_again(const mr_flow_task *task) {
    return task->try.id != 0 && task->try.state == MR_STATE_WAITING;
}

mr_code mr_tries_launch(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    bool again = looks_again(task);
    int32_t number = task->row.tries + (again ? 0 : 1);
    const char *dir = again ? task->try.dir : try_dir(flow, task, number, &task->run->arena);
    // One that was taken belongs to a task that was cleared.
    while (!again && mr_file_exists(mr_arena_printf(cx->arena, "%s/claim", dir), cx)) {
        dir = try_dir(flow, task, ++number, &task->run->arena);
    }
    int32_t before = task->row.tries;
    task->row.tries = number;
    mr_code code = again ? mr_dir_delete(dir, cx) : MR_OK;
    code = code == MR_OK ? write_launch(flow, task, dir, cx) : code;
    if (code != MR_OK && mr_flow_is_ours(flow, cx)) {
        return code;
    }
    if (code != MR_OK) {  // No retry helps what is wrong with its templates or keys.
        task->row.tries = before;
        mr_flow_set(flow, task, MR_STATE_FAILED, mr_scope_failure(flow, cx));
        if (task->spec != NULL) {
            mr_runs_call(flow, task->run, task, "on_failure", &task->spec->on_failure, cx);
        }
        return MR_OK;
    }
    forget_outputs(task);
    int64_t id = again ? task->try.id : 0;
    task->try = (mr_record_try){.id = id, .number = number, .state = MR_STATE_RUNNING, .dir = dir};
    task->try_changed = true;
    bool waits = task->spec != NULL && task->spec->type->waits && task->row.started_us != 0;
    task->row.started_us = waits ? task->row.started_us : flow->now_us;
    mr_flow_set(flow, task, MR_STATE_RUNNING, "");
    task->row.ended_us = 0;
    open_try(flow, task);
    task->launched = true;
    return MR_OK;
}

static void add_end(mr_flow *flow, uint64_t token, mr_exit_reason reason, const char *text) {
    mr_flow_end *end = mr_heap_alloc(sizeof(*end));
    end->token = token;
    end->exit =
        (mr_try_exit){.reason = reason, .started_us = flow->now_us, .ended_us = flow->now_us};
    mr_try_exit_say(&end->exit, text);
    end->next = flow->ends;
    flow->ends = end;
}

// Its end was taken in this turn.
static void note_kept(mr_flow *flow, uint64_t token) {
    if (flow->kept_count == flow->kept_room) {
        flow->kept_room = flow->kept_room == 0 ? 64 : flow->kept_room * 2;
        flow->kept = mr_heap_resize(flow->kept, sizeof(flow->kept[0]) * flow->kept_room);
    }
    flow->kept[flow->kept_count++] = token;
}

mr_code mr_tries_start(mr_flow *flow, mr_cx *cx) {
    mr_executor *executor = flow->spec.executor;
    for (uint32_t i = 0; i < flow->open_count; i++) {
        mr_flow_task *task = flow->open[i];
        if (task->launched) {
            if (!mr_record_holds(flow->record, cx)) {
                return mr_error_flag(
                    cx, mr_fail(cx, MR_E_LOCKED, NULL, "the lease of the flow database is over"),
                    MR_FATAL);
            }
            task->launched = false;
            mr_code code = executor->type->start(executor, task->token, task->try.dir, cx);
            if (code == MR_E_CRASH) {
                return code;
            }
            if (code != MR_OK) {
                add_end(flow, task->token, MR_EXIT_NO_START, cx->error.text);
            }
            MR_TRY(mr_crash_point("flow.started", cx));
        }
        if (task->stopping && !task->stop_told && executor != NULL) {
            task->stop_told = true;
            executor->type->stop(executor, task->token, cx);
        }
    }
    if (flow->kept_count > 0 && executor != NULL && executor->type->kept != NULL) {
        executor->type->kept(executor, flow->kept, flow->kept_count, cx);
    }
    flow->kept_count = 0;
    return MR_OK;
}

mr_code mr_tries_adopt(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    bool known = false;
    open_try(flow, task);
    if (flow->spec.executor == NULL) {
        return MR_OK;  // Only looked at.
    }
    mr_executor *executor = flow->spec.executor;
    MR_TRY(executor->type->adopt(executor, task->token, task->try.dir, &known, cx));
    if (!known) {
        add_end(flow, task->token, MR_EXIT_LOST, "");
    }
    return MR_OK;
}

// ---- outputs
// -------------------------------------------------------------------------------------

void mr_tries_output(mr_flow_task *task, const char *key, mr_span json) {
    mr_run *run = task->run;
    mr_flow_output *output = NULL;
    for (mr_flow_output *old = run->outputs; old != NULL && output == NULL; old = old->next) {
        output = old->task == task && strcmp(old->key, key) == 0 ? old : NULL;
    }
    if (output == NULL) {
        output = MR_NEW(&run->arena, mr_flow_output);
        output->task = task;
        output->key = mr_arena_string(&run->arena, key);
        output->next = run->outputs;
        run->outputs = output;
    }
    output->json = (mr_span){mr_arena_copy(&run->arena, json.data, json.bytes), json.bytes};
    output->saved = false;
    run->touched = true;
}

static bool is_key(mr_span key) {
    for (size_t i = 0; i < key.bytes; i++) {
        char c = key.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return key.bytes > 0 && key.bytes <= 200;
}

// A line key=<json>; what is no JSON is taken as text.
static mr_code take_line(mr_flow_task *task, mr_span line, mr_cx *cx) {
    if (!mr_utf8_valid(line.data, line.bytes)) {
        return mr_fail(cx, MR_E_VALUE, "Put out other bytes as base64.",
                       "output line \"%.*s\" is no UTF-8 text", (int)MR_MIN(line.bytes, 80),
                       line.data);
    }
    const char *equals = memchr(line.data, '=', line.bytes);
    mr_span key = {line.data, equals == NULL ? 0 : (size_t)(equals - line.data)};
    if (!is_key(key)) {
        return mr_fail(cx, MR_E_SYNTAX,
                       "Each line of $MILLRACE_OUTPUT is key=<json>; a key has letters, digits, _ "
                       "and -.",
                       "output line \"%.*s\" has no key", (int)MR_MIN(line.bytes, 80), line.data);
    }
    mr_span value = {equals + 1, line.bytes - key.bytes - 1};
    mr_text json;
    mr_text_init(&json, cx->arena);
    if (mr_jsonvalue_check(value)) {
        mr_jsonvalue_minify(value, &json);
    } else {
        mr_text_add_json(&json, value);
    }
    if (json.bytes > MR_RECORD_OUTPUT_BYTES_MAX) {
        return mr_fail(cx, MR_E_LIMIT,
                       "Outputs are small values: write data to a file or table and put out its "
                       "name.",
                       "output \"%.*s\" has %zu bytes, %zu are allowed", MR_SPAN_ARGS(key),
                       json.bytes, MR_RECORD_OUTPUT_BYTES_MAX);
    }
    mr_tries_output(task, mr_arena_copy(cx->arena, key.data, key.bytes), mr_text_span(&json));
    return MR_OK;
}

static mr_code take_file(mr_flow_task *task, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/output", task->try.dir);
    mr_span text;
    if (!mr_file_exists(path, cx)) {
        return MR_OK;
    }
    MR_TRY(mr_file_load(path, OUTPUT_BYTES_MAX, &text, cx));
    while (text.bytes > 0) {
        mr_span line = mr_span_trim(mr_span_line(&text));
        if (line.bytes > 0) {
            MR_TRY(take_line(task, line, cx));
        }
    }
    return MR_OK;
}

// What the DAG says that it puts out.
static mr_code take_declared(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    const mr_yaml *outputs = task->spec->outputs;
    mr_scope scope;
    mr_scope_init(&scope, flow, task->run, task);
    for (uint32_t i = 0; outputs != NULL && i < outputs->count; i++) {
        mr_text json;
        mr_text_init(&json, cx->arena);
        MR_TRY(mr_template_json(outputs->items[i], &scope.base, &json, cx));
        if (json.bytes > MR_RECORD_OUTPUT_BYTES_MAX) {
            return mr_fail_at(cx, MR_E_LIMIT, outputs->places[i], "Outputs are small values.",
                              "output \"%s\" has %zu bytes, %zu are allowed", outputs->names[i],
                              json.bytes, MR_RECORD_OUTPUT_BYTES_MAX);
        }
        mr_tries_output(task, outputs->names[i], mr_text_span(&json));
    }
    return MR_OK;
}

// ---- ends
// ----------------------------------------------------------------------------------------

static void succeed(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    if (task->spec == NULL || take_declared(flow, task, cx) == MR_OK) {
        mr_flow_set(flow, task, MR_STATE_SUCCESS, "");
        if (task->spec != NULL) {
            mr_runs_call(flow, task->run, task, "on_success", &task->spec->on_success, cx);
        }
        return;
    }
    if (mr_flow_is_ours(flow, cx)) {
        return;  // The turn is over.
    }
    forget_outputs(task);
    mr_flow_set(flow, task, MR_STATE_FAILED, mr_scope_failure(flow, cx));
    mr_runs_call(flow, task->run, task, "on_failure", &task->spec->on_failure, cx);
}

void mr_tries_here(mr_flow *flow, mr_flow_task *task, mr_cx *cx) {
    task->row.tries++;
    task->row.started_us = flow->now_us;
    succeed(flow, task, cx);
}

int64_t mr_tries_delay_us(const mr_dag_task *spec, int32_t retry) {
    int64_t delay_us = spec->retry_delay_us;
    int64_t most_us = spec->max_retry_delay_us > 0 ? spec->max_retry_delay_us : BACKOFF_US_MAX;
    if (!spec->retry_exponential_backoff) {
        return delay_us;
    }
    // Doubled only as long as it is below the cap: no number of retries overflows.
    for (int32_t i = 1; i < retry && delay_us > 0 && delay_us < most_us; i++) {
        delay_us = delay_us > most_us / 2 ? most_us : delay_us * 2;
    }
    return MR_MIN(delay_us, most_us);
}

static bool has_code(const int32_t *codes, uint32_t count, int32_t code) {
    for (uint32_t i = 0; i < count; i++) {
        if (codes[i] == code) {
            return true;
        }
    }
    return false;
}

static void wait_until(mr_flow *flow, mr_flow_task *task, mr_task_state state, int64_t delay_us,
                       const char *reason) {
    mr_flow_set(flow, task, state, reason);
    task->row.next_us = flow->now_us + delay_us;
    task->due_us = flow->now_mono_us + delay_us;
}

static const char *reason_of(const mr_try_exit *exit, mr_arena *arena) {
    const char *text = exit->text[0] == '\0' ? "" : mr_arena_printf(arena, ": %s", exit->text);
    switch (exit->reason) {
    case MR_EXIT_CODE: return mr_arena_printf(arena, "exit code %" PRId32 "%s", exit->code, text);
    case MR_EXIT_SIGNAL:
        return mr_arena_printf(arena, "killed by signal %" PRId32 "%s", exit->code, text);
    case MR_EXIT_TIMEOUT: return mr_arena_printf(arena, "execution_timeout is over%s", text);
    case MR_EXIT_STOPPED: return mr_arena_printf(arena, "stopped%s", text);
    case MR_EXIT_LOST: return mr_arena_printf(arena, "lost%s", text);
    case MR_EXIT_NO_START: return mr_arena_printf(arena, "it cannot be started%s", text);
    }
    return "";
}

static void fail(mr_flow *flow, mr_flow_task *task, bool may_retry, const char *reason, mr_cx *cx) {
    const mr_dag_task *spec = task->spec;
    if (spec == NULL || !may_retry || task->row.retries >= spec->retries) {
        mr_flow_set(flow, task, MR_STATE_FAILED, reason);
        if (spec != NULL) {
            mr_runs_call(flow, task->run, task, "on_failure", &spec->on_failure, cx);
        }
        return;
    }
    task->row.retries++;
    task->row.started_us = 0;                  // Of a wait: its time begins anew.
    bool rehearsal = flow->spec.file != NULL;  // Somebody sits before it.
    wait_until(flow, task, MR_STATE_UP_FOR_RETRY,
               rehearsal ? 0 : mr_tries_delay_us(spec, task->row.retries), reason);
    mr_runs_call(flow, task->run, task, "on_retry", &spec->on_retry, cx);
}

void mr_tries_failed(mr_flow *flow, mr_flow_task *task, const char *reason, mr_cx *cx) {
    fail(flow, task, /* may_retry= */ true, reason, cx);
}

// A wait that is not over.
static void wait_more(mr_flow *flow, mr_flow_task *task, const char *text, mr_cx *cx) {
    const mr_dag_task *spec = task->spec;
    int64_t passed_us = flow->now_us - task->row.started_us;
    if (spec->timeout_us > 0 && passed_us + spec->poke_interval_us > spec->timeout_us) {
        if (passed_us >= spec->timeout_us) {
            fail(flow, task, /* may_retry= */ false, "timeout is over", cx);
            return;
        }
        wait_until(flow, task, MR_STATE_WAITING, spec->timeout_us - passed_us, text);
        return;
    }
    wait_until(flow, task, MR_STATE_WAITING, spec->poke_interval_us, text);
}

static void end_by_code(mr_flow *flow, mr_flow_task *task, const mr_try_exit *exit, mr_cx *cx) {
    const mr_dag_task *spec = task->spec;
    const char *reason = reason_of(exit, cx->arena);
    bool skips = spec != NULL &&
                 (has_code(spec->skip_on_exit_codes, spec->skip_on_exit_code_count, exit->code) ||
                  exit->code == MR_TASK_EXIT_SKIPPED);
    if (exit->code == 0) {
        if (take_file(task, cx) != MR_OK) {
            if (mr_flow_is_ours(flow, cx)) {
                return;
            }
            const char *why = mr_scope_failure(flow, cx);
            forget_outputs(task);
            fail(flow, task, /* may_retry= */ true, why, cx);
            return;
        }
        succeed(flow, task, cx);
    } else if (skips) {
        mr_flow_set(flow, task, MR_STATE_SKIPPED, exit->text[0] != '\0' ? exit->text : reason);
    } else if (spec != NULL && spec->type->waits && exit->code == MR_TASK_EXIT_WAITING) {
        wait_more(flow, task, exit->text, cx);
    } else {
        bool usage =
            exit->code == MR_TASK_EXIT_USAGE && spec != NULL && spec->type->place == MR_TASK_CHILD;
        bool listed =
            spec == NULL || spec->retry_on_exit_code_count == 0 ||
            has_code(spec->retry_on_exit_codes, spec->retry_on_exit_code_count, exit->code);
        fail(flow, task, listed && !usage, reason, cx);
    }
}

static uint32_t lost_in_row(const mr_flow_task *task) {
    return task->row.tries > task->row.retries ? (uint32_t)(task->row.tries - task->row.retries)
                                               : 0;
}

static mr_code end_try(mr_flow *flow, mr_flow_task *task, const mr_try_exit *exit, mr_cx *cx) {
    const char *reason = reason_of(exit, cx->arena);
    task->try.exit = *exit;
    bool lost = exit->reason == MR_EXIT_LOST || exit->reason == MR_EXIT_STOPPED;
    bool waits = task->spec != NULL && task->spec->type->waits;
    if (task->stopping && (exit->reason != MR_EXIT_CODE || exit->code != 0)) {
        mr_flow_set(flow, task, MR_STATE_CANCELLED, task->run->row.note);
    } else if (lost && (waits || lost_in_row(task) <= LOST_MAX)) {
        mr_flow_set(flow, task, MR_STATE_QUEUED, reason);
    } else if (exit->reason == MR_EXIT_CODE) {
        end_by_code(flow, task, exit, cx);
    } else {
        fail(flow, task, /* may_retry= */ true, reason, cx);
    }
    task->stopping = false;
    task->stop_told = false;
    task->try.state = task->row.state == MR_STATE_QUEUED         ? MR_STATE_CANCELLED
                      : task->row.state == MR_STATE_UP_FOR_RETRY ? MR_STATE_FAILED
                                                                 : task->row.state;
    // At once: the same turn may begin the next try.
    MR_TRY(mr_flow_begin(flow, cx));
    return mr_record_put_try(flow->record, &task->try, cx);
}

mr_code mr_tries_collect(mr_flow *flow, mr_cx *cx) {
    mr_executor *executor = flow->spec.executor;
    uint64_t token;
    mr_try_exit exit;
    while (executor != NULL && executor->type->ended(executor, &token, &exit, cx)) {
        note_kept(flow, token);
        mr_flow_task *task = close_try(flow, token);
        if (task != NULL) {
            MR_TRY(end_try(flow, task, &exit, cx));
        }
    }
    while (flow->ends != NULL) {
        mr_flow_end *end = flow->ends;
        mr_flow_task *task = close_try(flow, end->token);
        if (task != NULL) {
            MR_TRY(end_try(flow, task, &end->exit, cx));
        }
        flow->ends = end->next;
        mr_heap_free(end);
    }
    return MR_OK;
}

void mr_tries_timers(mr_flow *flow) {
    for (mr_run *run = flow->runs; run != NULL; run = run->next) {
        for (uint32_t i = 0; run->row.state == MR_RUN_RUNNING && i < run->task_count; i++) {
            mr_flow_task *task = run->tasks[i];
            if (task->due_us <= flow->now_mono_us) {
                // What needs no process is looked at by ready.c, where it began.
                bool here = task->spec != NULL && task->spec->type->place == MR_TASK_HERE;
                mr_flow_set(flow, task, here ? MR_STATE_NONE : MR_STATE_QUEUED, task->row.reason);
            }
        }
    }
}
