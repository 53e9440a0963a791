// Control: what the other commands ask of an owner, and how they ask.
//
// A request is a line of words, "status" or "stop retail"; the answer is one line of JSON, an
// object with "error" and maybe "hint" when it was refused. Over data/owner.sock, which only the
// user can reach.
//
// Also: mr_owner_

#include <inttypes.h>
#include <string.h>

#include "base/civil.h"
#include "base/jsonvalue.h"
#include "owner/part.h"

#define ASK_US       ((int64_t)10 * 1000000)
#define ASK_FLOW_US  ((int64_t)300 * 1000000)  // A backfill of years takes its time.
#define ANSWER_BYTES ((size_t)256 << 20)

// ---- the owner's side ------------------------------------------------------------------------

static void add_field(mr_text *out, const char *name, const char *value) {
    mr_text_addf(out, ",\"%s\":", name);
    mr_text_add_json(out, mr_span_of(value));
}

static void refuse(mr_text *out, const char *fact, const char *hint) {
    mr_text_add(out, "{\"error\":");
    mr_text_add_json(out, mr_span_of(fact));
    if (hint != NULL) {
        add_field(out, "hint", hint);
    }
    mr_text_add_char(out, '}');
}

static void add_progress(const mr_part_progress *p, mr_text *out) {
    mr_text_addf(out,
                 ",\"epoch\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"bad_rows\":%" PRIu64
                 ",\"late_rows\":%" PRIu64 ",\"state_rows\":%" PRIu64 ",\"state_bytes\":%" PRIu64
                 ",\"rows_per_second\":%.0f",
                 p->epoch, p->rows, p->bad_rows, p->late_rows, p->state_rows, p->state_bytes,
                 p->rows_a_second);
    mr_text_add(out, ",\"watermark\":");
    if (p->watermark_us == INT64_MIN) {
        mr_text_add(out, "null");
    } else {
        mr_text_add_char(out, '"');
        mr_civil_print_iso(out, p->watermark_us);
        mr_text_add_char(out, '"');
    }
    if (p->stalled[0] != '\0') {
        add_field(out, "stalled", p->stalled);
    }
}

static void add_part(mr_part *part, mr_text *out) {
    mr_text_add(out, "{\"name\":");
    mr_text_add_json(out, mr_span_of(part->name));
    add_field(out, "kind", mr_part_kind_text(part->kind));
    add_field(out, part->kind == MR_SERVICE ? "command" : "file", part->file);
    add_field(out, "state", mr_part_state_text(part->state));
    add_field(out, "log", part->log_path);
    int64_t for_us = mr_clock_monotonic_us(part->owner->plat) - part->since_us;
    mr_text_addf(out, ",\"seconds\":%" PRId64 ",\"restarts\":%" PRIu32, for_us / 1000000,
                 part->restarts);
    if (part->kind == MR_SERVICE && part->child.pid > 0) {
        mr_text_addf(out, ",\"process\":%d", part->child.pid);
    }
    if (part->kind == MR_SCHEDULER) {
        mr_text_addf(out, ",\"tasks\":%" PRId64, mr_scheduler_tasks(part));
    }
    mr_mutex_lock(&part->mutex);
    if (part->error[0] != '\0' && part->state != MR_PART_RUNNING) {
        add_field(out, "last_error", part->error);
    }
    mr_part_progress progress = part->progress;
    mr_mutex_unlock(&part->mutex);
    if (progress.any) {
        add_progress(&progress, out);
    }
    mr_text_add_char(out, '}');
}

static void answer_status(mr_owner *owner, mr_text *out) {
    mr_usage usage;
    mr_plat_usage(owner->plat, &usage);
    int64_t up_us = mr_clock_monotonic_us(owner->plat) - owner->started_us;
    mr_text_addf(
        out,
        "{\"process\":%d,\"seconds\":%" PRId64 ",\"cpu_seconds\":%.2f,\"memory_bytes\":%" PRIu64,
        mr_process_id(), up_us / 1000000, (double)usage.cpu_us / 1e6, usage.resident_bytes);
    add_field(out, "version", owner->spec.version);
    mr_text_add(out, ",\"broker\":");
    if (owner->broker_address == NULL) {
        mr_text_add(out, "null");
    } else {
        mr_text_add_json(out, mr_span_of(owner->broker_address));
    }
    mr_text_add(out, ",\"parts\":[");
    for (mr_part *part = owner->parts; part != NULL; part = part->next) {
        mr_text_add(out, part == owner->parts ? "" : ",");
        add_part(part, out);
    }
    mr_text_add(out, "]}");
}

static void answer_part(mr_span verb, mr_part *part, mr_text *out, mr_cx *cx) {
    bool pipeline = part->kind == MR_PIPELINE;
    bool rests = part->state != MR_PART_RUNNING && part->state != MR_PART_STOPPING;
    if (mr_span_is(verb, "start") || mr_span_is(verb, "resume")) {
        if (rests) {
            mr_part_stop(part, MR_PART_STOPPED, /* restart= */ true, cx);
        }
    } else if (mr_span_is(verb, "stop")) {
        mr_part_stop(part, MR_PART_STOPPED, /* restart= */ false, cx);
    } else if (mr_span_is(verb, "pause") && pipeline) {
        mr_part_stop(part, MR_PART_PAUSED, /* restart= */ false, cx);
    } else if (mr_span_is(verb, "restart")) {
        mr_part_stop(part, MR_PART_STOPPED, /* restart= */ true, cx);
    } else {
        refuse(out,
               mr_arena_printf(cx->arena, "cannot %.*s \"%s\"", MR_SPAN_ARGS(verb), part->name),
               "start, stop and restart are for all parts, pause and resume for pipelines.");
        return;
    }
    add_part(part, out);
}

void mr_control_answer(mr_owner *owner, mr_span request, mr_text *out, mr_cx *cx) {
    request = mr_span_trim(request);
    const char *space = request.bytes == 0 ? NULL : memchr(request.data, ' ', request.bytes);
    size_t bytes = space == NULL ? request.bytes : (size_t)(space - request.data);
    mr_span verb = {request.data, bytes};
    mr_span name = mr_span_trim((mr_span){request.data + bytes, request.bytes - bytes});
    if (mr_span_is(verb, "status")) {
        answer_status(owner, out);
        return;
    }
    if (mr_span_is(verb, "down")) {
        owner->stop_wanted = true;
        mr_text_addf(out, "{\"process\":%d}", mr_process_id());
        return;
    }
    mr_part *part = mr_part_find(owner, name);
    if (part == NULL) {
        const char *names[64];
        size_t count = 0;
        for (mr_part *p = owner->parts; p != NULL && count < MR_COUNT(names); p = p->next) {
            names[count++] = p->name;
        }
        const char *asked = mr_arena_copy(cx->arena, name.data, name.bytes);
        refuse(out, mr_arena_printf(cx->arena, "there is no pipeline or service \"%s\"", asked),
               mr_text_hint(asked, names, count, "See: millrace status", cx->arena));
        return;
    }
    answer_part(verb, part, out, cx);
}

// ---- the other commands' side ------------------------------------------------------------------

static mr_code exchange(mr_socket *socket, const char *request, mr_text *answer, mr_cx *cx) {
    int64_t ask_us = mr_span_starts(mr_span_of(request), "flow ") ? ASK_FLOW_US : ASK_US;
    mr_socket_limit limit = {.deadline_us = mr_clock_monotonic_us(cx->plat) + ask_us};
    mr_span line = mr_span_of(mr_arena_printf(cx->arena, "%s\n", request));
    MR_TRY(mr_socket_send(socket, line, &limit, cx));
    for (;;) {
        mr_socket_event event = {.handle = socket->handle, .read = true};
        size_t ready, got = 0;
        MR_TRY(mr_socket_wait(&event, 1, limit.deadline_us - mr_clock_monotonic_us(cx->plat),
                              &ready, cx));
        if (ready == 0) {
            return mr_fail(cx, MR_E_TIMEOUT, NULL, "the owner does not answer in time");
        }
        char part[4096];
        MR_TRY(mr_socket_receive_some(socket, part, sizeof(part), &got, cx));
        mr_text_add_bytes(answer, part, got);
        if (got > 0 && part[got - 1] == '\n') {
            return MR_OK;
        }
        if (answer->bytes > ANSWER_BYTES) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "the owner's answer does not end");
        }
    }
}

mr_code mr_owner_check_answer(mr_span answer, mr_cx *cx) {
    if (!mr_jsonvalue_check(answer) || mr_jsonvalue_kind_of(answer) != MR_JSONVALUE_OBJECT) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "the owner's answer is no JSON object");
    }
    const char *fact = mr_jsonvalue_field(answer, "error", cx->arena);
    const char *hint = mr_jsonvalue_field(answer, "hint", cx->arena);
    return fact[0] == '\0' ? MR_OK
                           : mr_fail(cx, MR_E_NAME, hint[0] == '\0' ? NULL : hint, "%s", fact);
}

mr_code mr_owner_ask(const char *data_dir, const char *request, mr_span *ret, mr_cx *cx) {
    mr_socket socket = MR_SOCKET_CLOSED;
    const char *path = mr_arena_printf(cx->arena, "%s/owner.sock", data_dir);
    mr_code code = mr_socket_connect_file(&socket, path, cx);
    if (code == MR_E_MISSING) {
        return mr_fail(cx, MR_E_MISSING, "Start it: millrace up --detach",
                       "nothing is up in \"%s\"", data_dir);
    }
    MR_TRY(code);
    mr_text *answer = MR_NEW(cx->arena, mr_text);
    mr_text_init(answer, cx->arena);
    code = exchange(&socket, request, answer, cx);
    mr_socket_close(&socket, cx->plat);
    MR_TRY(code);
    *ret = mr_span_trim(mr_text_span(answer));
    return mr_owner_check_answer(*ret, cx);
}

const char *mr_owner_broker(const char *data_dir, mr_cx *cx) {
    mr_span answer;
    return mr_owner_ask(data_dir, "status", &answer, cx) == MR_OK
               ? mr_jsonvalue_text(mr_jsonvalue_get(answer, "broker"), cx->arena)
               : NULL;
}
