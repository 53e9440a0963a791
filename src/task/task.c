// Task: see task.h.

#include "task/task.h"

#include <inttypes.h>
#include <string.h>

#include "base/errortext.h"
#include "base/jsonvalue.h"
#include "plat/plat.h"
#include "plat/thread.h"
#include "store/vault.h"
#include "task/kinds.h"

#define LAUNCH_BYTES_MAX ((uint64_t)64 << 20)

// What the launch file says beyond the try itself.
typedef struct child {
    mr_task_try try;
    const mr_task_type *type;
    mr_span body;
    mr_span connections;  // The DAG's own, a list; empty = none.
    int exit_code;        // Of a program of the user's; 0 = none.
} child;

static const char *text_of(mr_span all, const char *name, mr_cx *cx) {
    const char *text = mr_jsonvalue_text(mr_jsonvalue_get(all, name), cx->arena);
    return text == NULL ? "" : text;
}

static int64_t number_of(mr_span all, const char *name) {
    int64_t ret = 0;
    return mr_text_parse_int64(mr_jsonvalue_get(all, name), &ret) ? ret : 0;
}

static mr_code load(const char *dir, child *c, mr_cx *cx) {
    mr_span all;
    const char *path = mr_arena_printf(cx->arena, "%s/launch.json", dir);
    MR_TRY(mr_file_load(path, LAUNCH_BYTES_MAX, &all, cx));
    all = mr_jsonvalue_trim(all);
    if (all.bytes == 0 || all.data[0] != '{' || !mr_jsonvalue_check(all)) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "\"%s\" is no JSON object", path);
    }
    mr_span masked = mr_jsonvalue_get(all, "masked");
    if (masked.bytes > 0 && mr_jsonvalue_trim(mr_jsonvalue_inside(masked)).bytes > 0) {
        MR_TRY(mr_file_delete(path, cx));  // Secrets do not stay.
    }
    const char *kind = text_of(all, "kind", cx);
    c->type = mr_task_find(mr_kinds, kind);
    if (c->type == NULL || c->type->run == NULL) {
        return mr_fail(cx, MR_E_NAME, NULL, "no kind of task \"%s\" runs here", kind);
    }
    c->try.dag = text_of(all, "dag", cx);
    c->try.run_id = text_of(all, "run_id", cx);
    c->try.task = text_of(all, "task", cx);
    c->try.number = (uint32_t)number_of(all, "number");
    c->try.dir = dir;
    c->try.data_dir = text_of(all, "data_dir", cx);
    int64_t index = number_of(all, "map_index");
    int64_t first = number_of(all, "first");
    mr_text identity;
    mr_text_init(&identity, cx->arena);
    mr_text_addf(&identity, "%s/%s/%s", c->try.dag, c->try.run_id, c->try.task);
    if (index >= 0) {
        mr_text_addf(&identity, "/%" PRId64, index);
    }
    if (first > 1) {
        mr_text_addf(&identity, "#%" PRId64, first);
    }
    c->try.identity = mr_text_string(&identity);
    c->body = mr_jsonvalue_get(all, "body");
    c->connections = mr_jsonvalue_get(all, "connections");
    c->try.store = text_of(all, "store", cx);
    c->try.env = mr_jsonvalue_texts(mr_jsonvalue_get(all, "env"), cx->arena);
    c->try.grace_us = number_of(all, "grace_us");
    return MR_OK;
}

static mr_code put_output(const mr_task_try *self, const char *key, mr_span json, mr_cx *cx) {
    if (json.bytes > MR_TASK_OUTPUT_BYTES_MAX) {
        return mr_fail(cx, MR_E_LIMIT, "Write large results to a file, and give its path.",
                       "output \"%s\" has %zu bytes; at most 64 KiB are kept", key, json.bytes);
    }
    mr_text line;
    mr_text_init(&line, cx->arena);
    mr_text_add(&line, key);
    mr_text_add_char(&line, '=');
    mr_jsonvalue_minify(json, &line);
    mr_text_add_char(&line, '\n');
    mr_file file;
    const char *path = mr_arena_printf(cx->arena, "%s/output", self->dir);
    MR_TRY(mr_file_open(&file, path, MR_OPEN_APPEND, cx));
    mr_code code = mr_file_append(&file, mr_text_span(&line), cx);
    mr_file_close(&file, cx->plat);
    return code;
}

// The DAG's own are for what neither the environment nor the store has, as in templates.
static mr_code add_defaults(const child *c, mr_vault *vault, mr_cx *cx) {
    mr_span inside = c->connections, value;
    inside = inside.bytes == 0 ? inside : mr_jsonvalue_inside(inside);
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &value)) {
        bool is_object = mr_jsonvalue_kind_of(value) == MR_JSONVALUE_OBJECT;
        const char *id =
            is_object ? mr_jsonvalue_text(mr_jsonvalue_get(value, "id"), cx->arena) : NULL;
        if (id == NULL) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "a connection of launch.json has no id");
        }
        mr_endpoint endpoint;
        MR_TRY(mr_endpoint_parse(id, value, &endpoint, cx));
        mr_vault_default(vault, &endpoint);
    }
    return MR_OK;
}

static mr_code get_connection(const mr_task_try *self, const char *name, mr_span *ret_json,
                              mr_cx *cx) {
    const child *c = self->self;
    const char *data_dir = self->data_dir[0] == '\0' ? "data" : self->data_dir;
    mr_db *db = NULL;
    mr_vault *vault = NULL;
    mr_endpoint endpoint;
    if (self->store[0] != '\0' && (mr_db_is_url(self->store) || mr_file_exists(self->store, cx))) {
        MR_TRY(mr_db_open(self->store, /* read_only= */ true, &db, cx));
    }
    mr_code code = mr_vault_open(db, data_dir, /* env= */ NULL, &vault, cx);
    code = code == MR_OK ? add_defaults(c, vault, cx) : code;
    code = code == MR_OK ? mr_vault_connection(vault, name, &endpoint, cx) : code;
    if (code == MR_OK) {
        mr_text json;
        mr_text_init(&json, cx->arena);
        mr_endpoint_json(&endpoint, /* with_password= */ true, &json);
        *ret_json = mr_text_span(&json);
    }
    mr_vault_close(vault);
    mr_db_close(db);
    return code;
}

static void put_exited(const mr_task_try *self, int code) {
    ((child *)self->self)->exit_code = code;
}

// ---- what runs outside -----------------------------------------------------------------------

static mr_code put_outside(const mr_task_try *self, mr_span note_json, mr_cx *cx) {
    const child *c = self->self;
    const char *path = mr_arena_printf(cx->arena, "%s/" MR_TASK_OUTSIDE, self->dir);
    if (note_json.bytes == 0) {
        return mr_file_delete(path, cx);
    }
    mr_text text;
    mr_text_init(&text, cx->arena);
    mr_text_addf(&text, "{\"kind\":\"%s\",\"note\":%.*s}\n", c->type->name,
                 MR_SPAN_ARGS(note_json));
    return mr_file_save(path, mr_text_span(&text), cx);
}

static mr_code end_outside(const char *dir, mr_cx *cx) {
    mr_span all;
    const char *path = mr_arena_printf(cx->arena, "%s/" MR_TASK_OUTSIDE, dir);
    MR_TRY(mr_file_load(path, LAUNCH_BYTES_MAX, &all, cx));
    all = mr_jsonvalue_trim(all);
    bool object = all.bytes > 0 && all.data[0] == '{' && mr_jsonvalue_check(all);
    const mr_task_type *type = object ? mr_task_find(mr_kinds, text_of(all, "kind", cx)) : NULL;
    if (type == NULL || type->end == NULL) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "\"%s\" does not say what is to be ended", path);
    }
    MR_TRY(type->end(mr_jsonvalue_get(all, "note"), cx));
    return mr_file_delete(path, cx);
}

int mr_task_end(const char *dir, mr_cx *cx) {
    if (end_outside(dir, cx) == MR_OK) {
        return 0;
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_errortext_format(&cx->error, &out);
    (void)!mr_stream_write(MR_STDERR, mr_text_span(&out), cx);
    return 1;
}

// ---- running ---------------------------------------------------------------------------------

static mr_code run(const char *dir, child *c, mr_cx *cx) {
    MR_TRY(load(dir, c, cx));
    void *options = NULL;
    mr_code code = mr_task_options(c->type, c->body, &options, cx);
    if (code != MR_OK) {
        return mr_error_in(cx, code, "task \"%s\" (%s)", c->try.task, c->type->name);
    }
    return c->type->run(options, &c->try, cx);
}

static int exit_code(const child *c, const mr_error *error) {
    bool retry = (error->flags & MR_RETRY) != 0;
    if (c->exit_code != 0) {
        return c->exit_code;
    }
    if ((error->flags & MR_TASK_SKIP) != 0) {
        return MR_TASK_EXIT_SKIPPED;
    }
    if (error->code == MR_E_TIMEOUT && retry && c->type != NULL && c->type->waits) {
        return MR_TASK_EXIT_WAITING;
    }
    return !retry && (error->code == MR_E_OPTION || error->code == MR_E_NAME) ? MR_TASK_EXIT_USAGE
                                                                              : 1;
}

// To the log, and one line for the scheduler. What fails here is not worth more than the error.
static int tell(const char *dir, const child *c, mr_cx *cx) {
    mr_error error = cx->error;
    int code = exit_code(c, &error);
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (c->exit_code != 0) {
        mr_text_addf(&out, "%s\n", error.text);
    } else if (code == MR_TASK_EXIT_SKIPPED || code == MR_TASK_EXIT_WAITING) {
        mr_text_addf(&out, "%s: %s\n", code == MR_TASK_EXIT_SKIPPED ? "skipped" : "not yet",
                     error.text);
    } else {
        mr_errortext_format(&error, &out);
    }
    (void)!mr_stream_write(MR_STDERR, mr_text_span(&out), cx);
    mr_file file;
    if (mr_file_open(&file, mr_arena_printf(cx->arena, "%s/why", dir), MR_OPEN_TRUNCATE, cx) ==
        MR_OK) {
        (void)!mr_file_append(&file, mr_span_of(error.text), cx);
        mr_file_close(&file, cx->plat);
    }
    return code;
}

int mr_task_main(const char *dir, mr_cx *cx) {
    child c = {.try = {.output = put_output,
                       .connection = get_connection,
                       .exited = put_exited,
                       .outside = put_outside}};
    c.try.self = &c;
    atomic_bool stop = false;
    mr_thread_catch_stop(&stop);
    cx->cancel = &stop;
    return run(dir, &c, cx) == MR_OK ? 0 : tell(dir, &c, cx);
}
