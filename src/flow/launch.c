// Launch: the files of a try: what is to run, who has claimed it, how it ended.
//
// Also: mr_try_ mr_exit_reason_
// All are JSON, so that people can read them and a later version can add to them. A claim appears
// with all that is in it, by a rename that never replaces: of two that want it, one gets it.

#include <inttypes.h>
#include <string.h>

#include "base/civil.h"
#include "base/jsonvalue.h"
#include "base/utf8.h"
#include "flow/try.h"
#include "plat/socket.h"

#define LAUNCH_BYTES_MAX ((uint64_t)64 << 20)
#define RECORD_BYTES_MAX ((uint64_t)64 << 10)

static const char *path_of(const char *dir, const char *name, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s/%s", dir, name);
}

// ---- writing JSON ----------------------------------------------------------------------------

static void add_key(mr_text *out, const char *name) {
    mr_text_add(out, out->bytes > 1 ? ",\n\"" : "\"");
    mr_text_add(out, name);
    mr_text_add(out, "\":");
}

static void add_string(mr_text *out, const char *name, const char *value) {
    if (value != NULL) {
        add_key(out, name);
        mr_text_add_json(out, mr_span_of(value));
    }
}

static void add_number(mr_text *out, const char *name, int64_t value) {
    add_key(out, name);
    mr_text_addf(out, "%" PRId64, value);
}

static void add_json(mr_text *out, const char *name, mr_span json) {
    if (json.bytes > 0) {
        add_key(out, name);
        mr_text_add_bytes(out, json.data, json.bytes);
    }
}

static void add_list(mr_text *out, const char *name, const char *const *values) {
    add_key(out, name);
    for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
        mr_text_add(out, i == 0 ? "[" : ",");
        mr_text_add_json(out, mr_span_of(values[i]));
    }
    mr_text_add(out, values == NULL || values[0] == NULL ? "[]" : "]");
}

// ---- reading JSON ----------------------------------------------------------------------------

static const char *get_string(mr_span object, const char *name, mr_cx *cx) {
    return mr_jsonvalue_text(mr_jsonvalue_get(object, name), cx->arena);
}

static int64_t get_number(mr_span object, const char *name) {
    int64_t ret = 0;
    return mr_text_parse_int64(mr_jsonvalue_get(object, name), &ret) ? ret : 0;
}

// A file that holds one object. What is not all there is as if it were not there.
static mr_code load(const char *path, uint64_t bytes_max, mr_span *ret, mr_cx *cx) {
    MR_TRY(mr_file_load(path, bytes_max, ret, cx));
    *ret = mr_jsonvalue_trim(*ret);
    if (ret->bytes == 0 || ret->data[0] != '{' || !mr_jsonvalue_check(*ret)) {
        return mr_fail(cx, MR_E_MISSING, NULL, "\"%s\" is not complete", path);
    }
    return MR_OK;
}

// ---- launch.json -----------------------------------------------------------------------------

mr_code mr_launch_save(const mr_launch *launch, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "{");
    add_string(&out, "kind", launch->kind);
    add_string(&out, "dag", launch->dag);
    add_string(&out, "run_id", launch->run_id);
    add_string(&out, "task", launch->task);
    add_number(&out, "map_index", launch->map_index);
    add_number(&out, "number", launch->number);
    add_number(&out, "first", launch->first);
    add_list(&out, "words", launch->words);
    add_list(&out, "env", launch->env);
    add_string(&out, "work_dir", launch->work_dir);
    add_string(&out, "data_dir", launch->data_dir);
    add_string(&out, "store", launch->store);
    add_number(&out, "timeout_us", launch->timeout_us);
    add_number(&out, "grace_us", launch->grace_us);
    add_list(&out, "masked", launch->masked);
    add_json(&out, "body", launch->body_json);
    add_json(&out, "connections", launch->connections_json);
    mr_text_add(&out, "}\n");
    MR_TRY(mr_dir_make_loose(launch->dir, cx));
    mr_file file;
    const char *path = path_of(launch->dir, "launch.json", cx);
    mr_code code = mr_file_open(&file, path, MR_OPEN_PRIVATE, cx);
    if (code == MR_E_EXISTS) {  // Of a start that was never committed.
        MR_TRY(mr_file_delete(path, cx));
        code = mr_file_open(&file, path, MR_OPEN_PRIVATE, cx);
    }
    MR_TRY(code);
    code = mr_file_append(&file, mr_text_span(&out), cx);
    mr_file_close(&file, cx->plat);
    return code;
}

mr_code mr_launch_load(const char *dir, mr_launch *ret, mr_cx *cx) {
    mr_span all;
    MR_TRY(load(path_of(dir, "launch.json", cx), LAUNCH_BYTES_MAX, &all, cx));
    *ret = (mr_launch){
        .dir = dir,
        .words = mr_jsonvalue_texts(mr_jsonvalue_get(all, "words"), cx->arena),
        .env = mr_jsonvalue_texts(mr_jsonvalue_get(all, "env"), cx->arena),
        .work_dir = get_string(all, "work_dir", cx),
        .body_json = mr_jsonvalue_get(all, "body"),
        .connections_json = mr_jsonvalue_get(all, "connections"),
        .kind = get_string(all, "kind", cx),
        .dag = get_string(all, "dag", cx),
        .run_id = get_string(all, "run_id", cx),
        .task = get_string(all, "task", cx),
        .map_index = get_number(all, "map_index"),
        .number = get_number(all, "number"),
        .first = get_number(all, "first"),
        .data_dir = get_string(all, "data_dir", cx),
        .store = get_string(all, "store", cx),
        .timeout_us = get_number(all, "timeout_us"),
        .grace_us = get_number(all, "grace_us"),
        .masked = mr_jsonvalue_texts(mr_jsonvalue_get(all, "masked"), cx->arena),
    };
    return ret->words[0] != NULL
               ? MR_OK
               : mr_fail(cx, MR_E_CORRUPT, NULL, "\"%s/launch.json\" names no command", dir);
}

// ---- claim -----------------------------------------------------------------------------------

mr_code mr_try_claim_take(const char *dir, mr_cx *cx) {
    mr_process self;
    mr_process_self(&self);
    const char *part = mr_arena_printf(cx->arena, "%s/claim.%d", dir, self.pid);
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_addf(&out, "{\"pid\":%d,\"start\":%" PRId64 ",\"boot\":\"%s\"}\n", self.pid, self.start,
                 mr_process_boot(cx));
    mr_file file;
    MR_TRY(mr_file_open(&file, part, MR_OPEN_TRUNCATE, cx));
    mr_code code = mr_file_append(&file, mr_text_span(&out), cx);
    mr_file_close(&file, cx->plat);
    if (code == MR_OK) {
        code = mr_file_rename(part, path_of(dir, "claim", cx), cx);
    }
    if (code != MR_OK) {
        mr_error first = cx->error;
        (void)!mr_file_delete(part, cx);
        cx->error = first;
    }
    return code;
}

mr_code mr_try_claim_load(const char *dir, mr_try_claim *ret, mr_cx *cx) {
    mr_span all;
    MR_TRY(load(path_of(dir, "claim", cx), RECORD_BYTES_MAX, &all, cx));
    const char *boot = get_string(all, "boot", cx);
    *ret = (mr_try_claim){
        .by = {.pid = (int)get_number(all, "pid"), .start = get_number(all, "start")},
        .boot = boot == NULL ? "" : boot,
    };
    return MR_OK;
}

// ---- exit ------------------------------------------------------------------------------------

static const char *const reasons[] = {
#define REASON_TEXT(name, text) text,
    MR_EXIT_REASONS(REASON_TEXT)
#undef REASON_TEXT
};

const char *mr_exit_reason_text(mr_exit_reason reason) {
    mr_assert((size_t)reason < MR_COUNT(reasons));
    return reasons[reason];
}

bool mr_exit_reason_parse(mr_span text, mr_exit_reason *ret) {
    for (size_t i = 0; i < MR_COUNT(reasons); i++) {
        if (mr_span_is(text, reasons[i])) {
            *ret = (mr_exit_reason)i;
            return true;
        }
    }
    return false;
}

void mr_try_exit_say(mr_try_exit *record, const char *text) {
    (void)mr_utf8_copy(record->text, sizeof(record->text), mr_span_of(text));
}

void mr_try_exit_print(const mr_try_exit *record, mr_text *out) {
    mr_text_addf(out, "{\"reason\":\"%s\",\"code\":%" PRId32 ",\"text\":",
                 mr_exit_reason_text(record->reason), record->code);
    mr_text_add_json(out, mr_span_of(record->text));
    mr_text_add(out, ",\"started\":\"");
    mr_civil_print_iso(out, record->started_us);
    mr_text_add(out, "\",\"ended\":\"");
    mr_civil_print_iso(out, record->ended_us);
    mr_text_addf(out,
                 "\",\"started_us\":%" PRId64 ",\"ended_us\":%" PRId64 ",\"cpu_us\":%" PRId64
                 ",\"memory_bytes_max\":%" PRIu64 "}\n",
                 record->started_us, record->ended_us, record->cpu_us, record->memory_bytes_max);
}

mr_code mr_try_exit_parse(mr_span line, mr_try_exit *ret, mr_cx *cx) {
    mr_span all = mr_jsonvalue_trim(line);
    if (all.bytes == 0 || all.data[0] != '{' || !mr_jsonvalue_check(all)) {
        return mr_fail(cx, MR_E_MISSING, NULL, "the exit record is not complete");
    }
    const char *reason = get_string(all, "reason", cx), *text = get_string(all, "text", cx);
    *ret = (mr_try_exit){
        .reason = MR_EXIT_LOST,
        .code = (int32_t)get_number(all, "code"),
        .started_us = get_number(all, "started_us"),
        .ended_us = get_number(all, "ended_us"),
        .cpu_us = get_number(all, "cpu_us"),
        .memory_bytes_max = (uint64_t)get_number(all, "memory_bytes_max"),
    };
    if (reason != NULL) {
        (void)mr_exit_reason_parse(mr_span_of(reason), &ret->reason);
    }
    mr_try_exit_say(ret, text == NULL ? "" : text);
    return MR_OK;
}

mr_code mr_try_exit_load(const char *dir, mr_try_exit *ret, mr_cx *cx) {
    mr_span line;
    MR_TRY(mr_file_load(path_of(dir, "exit", cx), RECORD_BYTES_MAX, &line, cx));
    return mr_try_exit_parse(line, ret, cx);
}

mr_code mr_try_exit_save(const char *dir, mr_span line, mr_cx *cx) {
    mr_file file;
    MR_TRY(mr_file_open(&file, path_of(dir, "exit", cx), MR_OPEN_TRUNCATE, cx));
    mr_code code = mr_file_append(&file, line, cx);
    mr_file_close(&file, cx->plat);
    return code;
}

// Its entry in the folder is made durable with it by the file systems that there are (a journal
// writes both or neither); else it would be as if the machine had stopped a moment earlier.
mr_code mr_try_exit_sync(const char *dir, mr_cx *cx) {
    mr_file file;
    MR_TRY(mr_file_open(&file, path_of(dir, "exit", cx), MR_OPEN_APPEND, cx));
    mr_code code = mr_file_sync(&file, cx);
    mr_file_close(&file, cx->plat);
    return code;
}

// ---- messages --------------------------------------------------------------------------------

mr_code mr_try_send(mr_socket *socket, const mr_try_message *head, mr_span text, mr_cx *cx) {
    char buffer[MR_TRY_MESSAGE_BYTES];
    mr_assert(sizeof(*head) + text.bytes <= sizeof(buffer));
    mr_try_message full = *head;
    full.bytes = (uint32_t)text.bytes;
    memcpy(buffer, &full, sizeof(full));
    if (text.bytes > 0) {
        memcpy(buffer + sizeof(full), text.data, text.bytes);
    }
    mr_span all = {buffer, sizeof(full) + text.bytes};
    for (;;) {
        size_t sent = 0, count = 0;
        MR_TRY(mr_socket_send_some(socket, all, &sent, cx));
        if (sent > 0) {
            return MR_OK;
        }
        mr_socket_event room = {.handle = socket->handle, .write = true};
        MR_TRY(mr_socket_wait(&room, 1, /* timeout_us= */ -1, &count, cx));
    }
}

mr_code mr_try_receive(mr_socket *socket, char *buffer, mr_try_message *ret, bool *ret_any,
                       mr_cx *cx) {
    size_t bytes = 0;
    *ret_any = false;
    MR_TRY(mr_socket_receive_some(socket, buffer, MR_TRY_MESSAGE_BYTES - 1, &bytes, cx));
    if (bytes < sizeof(*ret)) {
        return MR_OK;
    }
    memcpy(ret, buffer, sizeof(*ret));
    ret->bytes = (uint32_t)MR_MIN((size_t)ret->bytes, bytes - sizeof(*ret));
    memmove(buffer, buffer + sizeof(*ret), ret->bytes);
    buffer[ret->bytes] = '\0';
    *ret_any = true;
    return MR_OK;
}
