// Scheduler: the workflows of a project as one of its parts, on a thread of its own.
//
// Requests of the commands come to the main loop, which hands them to that thread and sends the
// answer when it is there, so neither waits for the other. A scheduler that fails (its database,
// a full disk) is closed and opened anew like any part; tasks go on meanwhile.
//
// Also: mr_scheduler_, mr_owner_

#include <inttypes.h>
#include <string.h>

#include "flow/flow.h"
#include "job/job.h"
#include "owner/part.h"
#include "task/kinds.h"

struct mr_scheduler {
    mr_part *part;
    mr_wake wake;
    mr_mutex mutex;
    mr_scheduler_request *first;  // Not yet answered.
    bool open;                    // Its thread answers, as soon as the flow is open.
    int64_t running;              // Tasks, when it was last looked.
};

struct mr_scheduler_request {
    mr_scheduler_request *next;
    mr_text text;
    mr_text answer;
    bool done;
    bool left;  // Nobody waits for it any more.
};

// ---- the thread
// ----------------------------------------------------------------------------------

static void on_say(void *self, const char *line) {
    mr_scheduler *s = self;
    mr_part_say(s->part, line);
}

static void free_request(mr_scheduler_request *request) {
    mr_text_release(&request->text);
    mr_text_release(&request->answer);
    mr_heap_free(request);
}

// Answers all that wait. flow NULL: it cannot be opened.
static void answer_all(mr_scheduler *s, mr_flow *flow, mr_cx *cx) {
    for (;;) {
        mr_mutex_lock(&s->mutex);
        mr_scheduler_request *request = s->first;
        s->first = request == NULL ? NULL : request->next;
        mr_mutex_unlock(&s->mutex);
        if (request == NULL) {
            return;
        }
        mr_text answer;
        mr_text_init(&answer, NULL);
        if (flow == NULL) {
            mr_text_add(&answer,
                        "{\"error\":\"the scheduler does not run\",\"hint\":\"See: millrace "
                        "status, millrace logs scheduler\"}");
        } else {
            mr_flow_answer(flow, mr_text_span(&request->text), &answer, cx);
        }
        mr_mutex_lock(&s->mutex);
        request->answer = answer;
        request->done = true;
        bool left = request->left;
        mr_mutex_unlock(&s->mutex);
        if (left) {
            free_request(request);
        } else {
            mr_wake_signal(&s->part->owner->wake, s->part->owner->plat);
        }
    }
}

static void on_asked(void *self, mr_flow *flow, mr_cx *cx) {
    mr_scheduler *s = self;
    answer_all(s, flow, cx);
    mr_mutex_lock(&s->mutex);
    s->running = mr_flow_open_tries(flow);
    mr_mutex_unlock(&s->mutex);
}

// What every task gets: .env, and the address of the project's broker.
const char *const *mr_owner_env(const mr_owner *owner, mr_cx *cx) {
    return mr_job_env(owner->spec.sets + owner->spec.set_count, owner->spec.env_count,
                      owner->broker_address, cx);
}

static mr_code run_flow(mr_scheduler *s, mr_executor *executor, mr_cx *cx) {
    const mr_owner *owner = s->part->owner;
    mr_flow_settings settings;
    mr_config config = {owner->spec.config, owner->spec.config_count};
    MR_TRY(mr_config_apply(&config, "flow", mr_flow_options, &settings, cx));
    mr_flow_spec spec = {
        .data_dir = owner->spec.data_dir,
        .dags_dir = "dags",
        .settings = &settings,
        .kinds = mr_kinds,
        .executor = executor,
        .env = mr_owner_env(owner, cx),
        .say = on_say,
        .asked = on_asked,
        .self = s,
    };
    mr_flow *flow;
    MR_TRY(mr_flow_open(&spec, &flow, cx));
    mr_code code = mr_flow_run(flow, &s->wake, cx);
    mr_error error = cx->error;
    mr_flow_close(flow, cx);
    cx->error = error;
    return code;
}

static void *run(void *self) {
    mr_scheduler *s = self;
    mr_part *part = s->part;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, part->owner->plat);
    cx.cancel = &part->cancel;
    mr_part_say(part, "starts");
    mr_executor *executor = NULL;
    mr_code code = mr_executor_open(mr_process_file(&cx), &executor, &cx);
    code = code == MR_OK ? run_flow(s, executor, &cx) : code;
    mr_text error;
    mr_text_init(&error, &arena);
    if (code != MR_OK) {
        mr_text_addf(&error, "%s%s%s", cx.error.text, cx.error.hint[0] == '\0' ? "" : ". ",
                     cx.error.hint);
        mr_part_say(part, mr_text_string(&error));
    }
    if (executor != NULL) {
        executor->type->close(executor, &cx);
    }
    mr_mutex_lock(&s->mutex);
    s->open = false;
    s->running = 0;
    mr_mutex_unlock(&s->mutex);
    answer_all(s, NULL, &cx);
    mr_part_say(part, code == MR_OK ? "ends" : "failed");
    mr_mutex_lock(&part->mutex);
    memcpy(part->error, mr_text_string(&error), MR_MIN(error.bytes + 1, sizeof(part->error) - 1));
    part->code = code;
    part->finished = false;
    part->ended = true;
    mr_mutex_unlock(&part->mutex);
    mr_wake_signal(&part->owner->wake, part->owner->plat);
    mr_arena_release(&arena);
    return NULL;
}

// ---- the part
// ------------------------------------------------------------------------------------

mr_code mr_scheduler_start(mr_part *part, mr_cx *cx) {
    if (part->scheduler == NULL) {
        mr_scheduler *s = mr_heap_alloc(sizeof(*s));
        s->part = part;
        s->wake.handle = -1;
        mr_code code = mr_wake_open(&s->wake, cx);
        if (code != MR_OK) {
            mr_heap_free(s);
            return code;
        }
        mr_mutex_init(&s->mutex);
        part->scheduler = s;
    }
    atomic_store(&part->cancel, false);
    part->ended = false;
    part->error[0] = '\0';
    part->scheduler->open = true;
    return mr_thread_start(&part->thread, part->name, run, part->scheduler, cx);
}

void mr_scheduler_wake(const mr_part *part) {
    if (part->scheduler != NULL) {
        mr_wake_signal(&part->scheduler->wake, part->owner->plat);
    }
}

void mr_scheduler_free(mr_part *part) {
    mr_scheduler *s = part->scheduler;
    if (s == NULL) {
        return;
    }
    while (s->first != NULL) {
        mr_scheduler_request *request = s->first;
        s->first = request->next;
        free_request(request);
    }
    mr_wake_close(&s->wake, part->owner->plat);
    mr_mutex_release(&s->mutex);
    mr_heap_free(s);
    part->scheduler = NULL;
}

int64_t mr_scheduler_tasks(const mr_part *part) {
    mr_scheduler *s = part->scheduler;
    if (s == NULL) {
        return 0;
    }
    mr_mutex_lock(&s->mutex);
    int64_t running = s->running;
    mr_mutex_unlock(&s->mutex);
    return running;
}

// ---- requests
// ------------------------------------------------------------------------------------

mr_scheduler_request *mr_scheduler_post(const mr_owner *owner, mr_span text) {
    mr_part *part = owner->parts;
    while (part != NULL && part->kind != MR_SCHEDULER) {
        part = part->next;
    }
    mr_scheduler *s = part == NULL ? NULL : part->scheduler;
    if (s == NULL) {
        return NULL;
    }
    mr_mutex_lock(&s->mutex);
    mr_scheduler_request *request = NULL;
    if (s->open) {
        request = mr_heap_alloc(sizeof(*request));
        mr_text_init(&request->text, NULL);
        mr_text_add_bytes(&request->text, text.data, text.bytes);
        mr_scheduler_request **at = &s->first;
        while (*at != NULL) {
            at = &(*at)->next;
        }
        *at = request;
    }
    mr_mutex_unlock(&s->mutex);
    mr_scheduler_wake(part);
    return request;
}

bool mr_scheduler_take(mr_part *part, mr_scheduler_request *request, mr_text *out) {
    mr_scheduler *s = part->scheduler;
    mr_mutex_lock(&s->mutex);
    bool done = request->done;
    mr_mutex_unlock(&s->mutex);
    if (done) {
        mr_text_add_bytes(out, request->answer.data, request->answer.bytes);
        free_request(request);
    }
    return done;
}

void mr_scheduler_leave(mr_part *part, mr_scheduler_request *request) {
    mr_scheduler *s = part->scheduler;
    mr_mutex_lock(&s->mutex);
    bool done = request->done;
    request->left = true;
    mr_mutex_unlock(&s->mutex);
    if (done) {
        free_request(request);
    }
}

mr_part *mr_scheduler_part(const mr_owner *owner) {
    mr_part *part = owner->parts;
    while (part != NULL && part->kind != MR_SCHEDULER) {
        part = part->next;
    }
    return part;
}

// ---- for the other commands
// ----------------------------------------------------------------------

static void say_nothing(void *self, const char *line) {
    (void)self;
    (void)line;
}

// No scheduler runs: the flow is opened for this request.
static mr_code ask_here(const mr_owner_flow_spec *spec, mr_span request, mr_text *out, mr_cx *cx) {
    mr_flow_settings settings;
    mr_config config = {spec->config, spec->config_count};
    MR_TRY(mr_config_apply(&config, "flow", mr_flow_options, &settings, cx));
    mr_flow_spec flow_spec = {
        .data_dir = spec->data_dir,
        .dags_dir = "dags",
        .settings = &settings,
        .kinds = mr_kinds,
        .say = say_nothing,
    };
    mr_flow *flow;
    MR_TRY(mr_dir_make(spec->data_dir, cx));
    MR_TRY(mr_flow_open(&flow_spec, &flow, cx));
    mr_flow_answer(flow, request, out, cx);
    mr_flow_close(flow, cx);
    return mr_owner_check_answer(mr_text_span(out), cx);
}

mr_code mr_owner_ask_flow(const mr_owner_flow_spec *spec, mr_span request, mr_span *ret,
                          mr_cx *cx) {
    const char *line = mr_arena_printf(cx->arena, "flow %.*s", MR_SPAN_ARGS(request));
    mr_code code = mr_owner_ask(spec->data_dir, line, ret, cx);
    if (code != MR_E_MISSING) {
        return code;
    }
    mr_text *out = MR_NEW(cx->arena, mr_text);
    mr_text_init(out, cx->arena);
    MR_TRY(ask_here(spec, request, out, cx));
    *ret = mr_text_span(out);
    return MR_OK;
}
