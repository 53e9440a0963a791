// Answer: what the commands and the API ask of the scheduler; see flow.h.
//
// A request changes the memory, and is committed before it is answered; what follows from it (a
// start) happens in the next turn. A request that is refused changes nothing.
//
// Also: mr_flow_answer, mr_answer_

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "base/utf8.h"
#include "flow/answer.h"

// ---- reading
// -------------------------------------------------------------------------------------

mr_span mr_answer_json(const mr_answer *a, const char *name) {
    mr_span value = mr_jsonvalue_get(a->request, name);
    bool any = value.bytes > 0 && mr_jsonvalue_kind_of(value) != MR_JSONVALUE_NULL;
    return any ? value : (mr_span){"", 0};
}

const char *mr_answer_text(const mr_answer *a, const char *name) {
    return mr_answer_json(a, name).bytes == 0 ? NULL
                                              : mr_jsonvalue_field(a->request, name, a->cx->arena);
}

int64_t mr_answer_number(const mr_answer *a, const char *name, int64_t other) {
    int64_t value = other;
    const char *text = mr_answer_text(a, name);
    return text != NULL && mr_text_parse_int64(mr_span_of(text), &value) ? value : other;
}

bool mr_answer_flag(const mr_answer *a, const char *name) {
    const char *text = mr_answer_text(a, name);
    return text != NULL && strcmp(text, "true") == 0;
}

mr_code mr_answer_time(const mr_answer *a, const char *name, const mr_zone *zone, int64_t *ret) {
    const char *text = mr_answer_text(a, name);
    if (text == NULL || !mr_civil_parse(text, strlen(text), zone, ret)) {
        return mr_fail(a->cx, MR_E_VALUE, "Write 2025-11-26, or 2025-11-26T18:30:00Z.",
                       text == NULL ? "\"%s\" is missing" : "\"%s\" is no moment: %s", name,
                       text == NULL ? "" : text);
    }
    return MR_OK;
}

mr_code mr_answer_dag_of(const mr_answer *a, mr_flow_dag **ret) {
    const char *id = mr_answer_text(a, "dag");
    if (id == NULL) {
        return mr_fail(a->cx, MR_E_OPTION, NULL, "the request names no DAG");
    }
    *ret = mr_flow_find(a->flow, mr_span_of(id));
    if (*ret != NULL) {
        return MR_OK;
    }
    for (const mr_flow_file *file = a->flow->files; file != NULL; file = file->next) {
        if (file->error != NULL && strstr(file->path, id) != NULL) {
            return mr_fail(a->cx, MR_E_NAME, file->error,
                           "there is no DAG \"%s\": its file is broken", id);
        }
    }
    const char *names[256];
    size_t count = 0;
    for (mr_flow_dag *dag = a->flow->dags; dag != NULL && count < MR_COUNT(names);
         dag = dag->next) {
        names[count++] = dag->row.id;
    }
    return mr_fail(a->cx, MR_E_NAME,
                   mr_text_hint(id, names, count, "See: millrace dag list", a->cx->arena),
                   "there is no DAG \"%s\"", id);
}

// ---- writing
// -------------------------------------------------------------------------------------

static void add_name(mr_text *out, const char *name) {
    char last = out->bytes == 0 ? '{' : out->data[out->bytes - 1];
    mr_text_addf(out, "%s\"%s\":", last == '{' || last == '[' ? "" : ",", name);
}

void mr_answer_add_text(mr_text *out, const char *name, const char *value) {
    add_name(out, name);
    if (value == NULL) {
        mr_text_add(out, "null");
    } else if (mr_utf8_valid(value, strlen(value))) {
        mr_text_add_json(out, mr_span_of(value));
    } else {  // A file's name may be anything.
        char *shown = mr_heap_string(value);
        (void)mr_utf8_copy(shown, strlen(value) + 1, mr_span_of(value));
        mr_text_add_json(out, mr_span_of(shown));
        mr_heap_free(shown);
    }
}

void mr_answer_add_number(mr_text *out, const char *name, int64_t value) {
    add_name(out, name);
    mr_text_addf(out, "%" PRId64, value);
}

void mr_answer_add_bool(mr_text *out, const char *name, bool value) {
    add_name(out, name);
    mr_text_add(out, value ? "true" : "false");
}

void mr_answer_add_time(mr_text *out, const char *name, int64_t us) {
    add_name(out, name);
    if (us == 0 || us == INT64_MAX || us == INT64_MIN) {
        mr_text_add(out, "null");
        return;
    }
    mr_text_add_char(out, '"');
    mr_civil_print_iso(out, us);
    mr_text_add_char(out, '"');
}

void mr_answer_add_run(const mr_record_run *run, mr_text *out) {
    mr_text_add_char(out, '{');
    mr_answer_add_number(out, "run", run->id);
    mr_answer_add_text(out, "dag", run->dag);
    mr_answer_add_text(out, "run_id", run->run_id);
    mr_answer_add_text(out, "type", mr_run_type_text(run->type));
    mr_answer_add_text(out, "state", mr_run_state_text(run->state));
    mr_answer_add_time(out, "logical_date", run->logical_us);
    mr_answer_add_time(out, "data_interval_start", run->interval_start_us);
    mr_answer_add_time(out, "data_interval_end", run->interval_end_us);
    mr_answer_add_time(out, "created", run->created_us);
    mr_answer_add_time(out, "started", run->started_us);
    mr_answer_add_time(out, "ended", run->ended_us);
    if (run->note != NULL && run->note[0] != '\0') {
        mr_answer_add_text(out, "note", run->note);
    }
    mr_text_add_char(out, '}');
}

// ---- the request
// ---------------------------------------------------------------------------------

static mr_code dispatch(const mr_answer *a) {
    const char *verb = mr_answer_text(a, "do");
    if (verb != NULL && strcmp(verb, "dag.backfill") == 0) {
        return mr_answer_backfill(a);
    }
    if (verb != NULL && strncmp(verb, "dag.", 4) == 0) {
        return mr_answer_dag(a, verb + 4);
    }
    if (verb != NULL && strncmp(verb, "run.", 4) == 0) {
        return mr_answer_run(a, verb + 4);
    }
    if (verb != NULL && strcmp(verb, "flow.look") == 0) {
        mr_text_add(a->out, "{}");
        return MR_OK;
    }
    return mr_fail(a->cx, MR_E_OPTION, NULL, "the scheduler does not know \"%s\"",
                   verb == NULL ? "" : verb);
}

static void refuse(const mr_error *error, mr_text *out) {
    mr_text_add_char(out, '{');
    mr_answer_add_text(out, "error", error->text);
    if (error->hint[0] != '\0') {
        mr_answer_add_text(out, "hint", error->hint);
    }
    mr_text_add_char(out, '}');
}

void mr_flow_answer(mr_flow *flow, mr_span request, mr_text *out, mr_cx *cx) {
    mr_answer a = {.flow = flow, .request = mr_span_trim(request), .out = out, .cx = cx};
    size_t bytes = out->bytes;
    mr_code code = flow->broken;
    if (code != MR_OK) {
        cx->error = flow->error;
    } else if (!mr_utf8_valid(a.request.data, a.request.bytes) || !mr_jsonvalue_check(a.request) ||
               mr_jsonvalue_kind_of(a.request) != MR_JSONVALUE_OBJECT) {
        code = mr_fail(cx, MR_E_SYNTAX, NULL, "the request is no JSON object");
    } else {
        mr_flow_clocks(flow);
        code = dispatch(&a);
        code = code == MR_OK ? mr_flow_commit(flow, cx) : code;
    }
    if (code != MR_OK) {
        mr_error error = cx->error;
        mr_flow_undo(flow, cx);
        out->bytes = bytes;
        refuse(&error, out);
    }
}
