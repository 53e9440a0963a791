// Container, life: see container_life.h.

#include "task/container_life.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/jsonvalue.h"
#include "plat/plat.h"

#define MACHINE_FILE    "/etc/machine-id"
#define NAME_PART_BYTES 40
#define REMOVE_US       ((int64_t)15 * 1000 * 1000)  // Until it is really gone.
#define LOOK_AGAIN_US   ((int64_t)100 * 1000)
#define LATE_US         ((int64_t)2 * 1000 * 1000)  // One that is being made comes to be.
#define ID_FILE         "flow.id"
#define ID_BYTES        32  // Hexadecimal digits.
#define END_CONNECT_US  ((int64_t)10 * 1000 * 1000)
#define END_QUIET_US    ((int64_t)20 * 1000 * 1000)
#define STOP_MORE_US    ((int64_t)10 * 1000 * 1000)

// ---- whose it is -----------------------------------------------------------------------------

// As much of a text as can stand in a name.
static const char *part(const char *text, mr_cx *cx) {
    char *ret = mr_arena_copy(cx->arena, text, MR_MIN(strlen(text), (size_t)NAME_PART_BYTES));
    for (char *at = ret; *at != '\0'; at++) {
        bool fine = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                    (*at >= '0' && *at <= '9') || *at == '_' || *at == '-';
        *at = fine ? *at : '-';
    }
    return ret;
}

static mr_code deployment_of(const char *data, const char **ret, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/" ID_FILE, data);
    mr_span text;
    if (!mr_file_exists(path, cx)) {  // Of several that make it at once all take the first one's.
        const char *id = mr_arena_printf(cx->arena, "%016" PRIx64 "%016" PRIx64 "\n",
                                         mr_random_u64(cx->plat), mr_random_u64(cx->plat));
        MR_TRY(mr_dir_make(data, cx));
        MR_TRY(mr_file_save_first(path, mr_span_of(id), cx));
    }
    MR_TRY(mr_file_load(path, /* bytes_max= */ 4096, &text, cx));
    text = mr_span_trim(text);
    *ret = mr_arena_copy(cx->arena, text.data, text.bytes);
    return text.bytes == ID_BYTES && strspn(*ret, "0123456789abcdef") == ID_BYTES
               ? MR_OK
               : mr_fail(cx, MR_E_CORRUPT,
                         "Remove it to get a new one; containers that are left are then not known.",
                         "\"%s\" is not %d hexadecimal digits", path, ID_BYTES);
}

mr_code mr_container_life_who(const mr_task_try *try, mr_container_who *ret, mr_cx *cx) {
    mr_span file = {"", 0};
    const char *machine =
        mr_file_exists(MACHINE_FILE, cx) &&
                mr_file_load(MACHINE_FILE, /* bytes_max= */ 4096, &file, cx) == MR_OK
            ? mr_arena_copy(cx->arena, mr_span_trim(file).data, mr_span_trim(file).bytes)
            : "";
    const char *here = mr_dir_current(cx);
    const char *data = try->data_dir[0] == '\0' ? "data" : try->data_dir;
    data = data[0] == '/' ? data : mr_arena_printf(cx->arena, "%s/%s", here, data);
    const char *dir =
        try->dir[0] == '/' ? try->dir : mr_arena_printf(cx->arena, "%s/%s", here, try->dir);
    const char *deployment;
    MR_TRY(deployment_of(data, &deployment, cx));
    const char *all = mr_arena_printf(cx->arena, "%s\n%s\n%s", machine, dir, deployment);
    ret->name =
        mr_arena_printf(cx->arena, "millrace-%s-%s-%016" PRIx64, part(try->dag, cx),
                        part(try->task, cx), mr_hash_bytes(all, strlen(all), /* seed= */ 0));
    ret->labels[0] = (mr_container_pair){"millrace.try", dir};
    ret->labels[1] = (mr_container_pair){"millrace.task", try->identity};
    ret->labels[2] = (mr_container_pair){"millrace.project", data};
    ret->labels[3] = (mr_container_pair){"millrace.machine", machine};
    ret->labels[4] = (mr_container_pair){"millrace.deployment", deployment};
    return MR_OK;
}

// ---- state -----------------------------------------------------------------------------------

static mr_span get(mr_span object, const char *name) {
    bool is_object = object.bytes > 0 && object.data[0] == '{';
    return is_object ? mr_jsonvalue_get(object, name) : (mr_span){NULL, 0};
}

static const char *text_of(mr_span object, const char *name, mr_cx *cx) {
    mr_span value = get(object, name);
    const char *text = value.bytes == 0 ? NULL : mr_jsonvalue_text(value, cx->arena);
    return text == NULL ? "" : text;
}

static bool is_true(mr_span object, const char *name) {
    return mr_span_is(get(object, name), "true");
}

// What the engine knows of a container; nothing when there is none.
static mr_code inspect(const mr_engine *engine, const char *name, int *ret_status, mr_span *ret,
                       mr_cx *cx) {
    const mr_engine_call call = {.method = "GET",
                                 .path = mr_arena_printf(cx->arena, "/containers/%s/json", name)};
    mr_text body;
    MR_TRY(mr_engine_ask(engine, &call, ret_status, &body, cx));
    if (*ret_status != 200 && *ret_status != 404) {
        return mr_engine_refused(engine, *ret_status, &body, "tell of the container", cx);
    }
    mr_span all = mr_jsonvalue_trim(mr_text_span(&body));
    *ret = *ret_status == 200 && mr_jsonvalue_check(all) ? all : (mr_span){NULL, 0};
    return MR_OK;
}

mr_code mr_container_life_look(const mr_engine *engine, const char *name, mr_container_state *ret,
                               mr_cx *cx) {
    mr_span all;
    int status;
    MR_TRY(inspect(engine, name, &status, &all, cx));
    *ret = (mr_container_state){.error = ""};
    if (status == 404) {
        return MR_OK;
    }
    mr_span state = get(all, "State");
    int64_t code = 0;
    if (state.bytes == 0 || state.data[0] != '{' ||
        (get(state, "ExitCode").bytes > 0 && !mr_text_parse_int64(get(state, "ExitCode"), &code))) {
        return mr_error_flag(
            cx,
            mr_fail(cx, MR_E_CORRUPT, NULL,
                    "engine \"%s\": its answer does not tell the container's state",
                    engine->place->name),
            MR_RETRY);
    }
    const char *word = text_of(state, "Status", cx);
    *ret = (mr_container_state){
        .is_there = true,
        .is_running = is_true(state, "Running") || strcmp(word, "running") == 0 ||
                      strcmp(word, "paused") == 0 || strcmp(word, "restarting") == 0 ||
                      strcmp(word, "stopping") == 0,
        .was_started = strcmp(word, "created") != 0 && strcmp(word, "configured") != 0,
        .out_of_memory = is_true(state, "OOMKilled"),
        .exit_code = (int)code,
        .error = text_of(state, "Error", cx),
    };
    return MR_OK;
}

// ---- its end ---------------------------------------------------------------------------------

mr_code mr_container_life_stop(const mr_engine *engine, const char *name, int64_t seconds,
                               mr_cx *cx) {
    const mr_engine_call call = {
        .method = "POST",
        .path = mr_arena_printf(cx->arena, "/containers/%s/stop?t=%" PRId64, name, seconds),
        .quiet_us = seconds * 1000000 + STOP_MORE_US,
    };
    mr_text body;
    int status;
    MR_TRY(mr_engine_ask(engine, &call, &status, &body, cx));
    bool over = status / 100 == 2 || status == 304 || status == 404;
    return over ? MR_OK : mr_engine_refused(engine, status, &body, "stop the container", cx);
}

// One that is being removed by another request is waited for.
mr_code mr_container_life_remove(const mr_engine *engine, const char *name, bool *ret_there,
                                 mr_cx *cx) {
    const mr_engine_call call = {
        .method = "DELETE",
        .path = mr_arena_printf(cx->arena, "/containers/%s?force=1&v=1", name),
    };
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + REMOVE_US;
    for (;;) {
        mr_text body;
        int status;
        MR_TRY(mr_engine_ask(engine, &call, &status, &body, cx));
        *ret_there = status != 404;
        if (status == 204 || status == 404) {
            return MR_OK;
        }
        if (status == 200) {  // Podman's own API says so; what stands between may, of anything.
            mr_container_state state;
            MR_TRY(mr_container_life_look(engine, name, &state, cx));
            if (!state.is_there) {
                return MR_OK;
            }
        }
        if (status != 409 || mr_clock_monotonic_us(cx->plat) > until_us) {
            return mr_engine_refused(engine, status, &body, "remove the container", cx);
        }
        MR_TRY(mr_engine_pause(engine, LOOK_AGAIN_US, cx));
    }
}

// Whether the labels are ours, from this one on. What an engine says of a filter is not relied on.
static bool is_ours(const mr_container_who *who, uint32_t first, mr_span labels, mr_cx *cx) {
    for (uint32_t i = first; i < MR_CONTAINER_LABELS; i++) {
        if (strcmp(text_of(labels, who->labels[i].name, cx), who->labels[i].value) != 0) {
            return false;
        }
    }
    return true;
}

mr_code mr_container_life_free_name(const mr_engine *engine, const mr_container_who *who, bool *ret,
                                    mr_cx *cx) {
    mr_span all;
    int status;
    bool there;
    MR_TRY(inspect(engine, who->name, &status, &all, cx));
    *ret = status == 404 || is_ours(who, 0, get(get(all, "Config"), "Labels"), cx);
    return *ret ? mr_container_life_remove(engine, who->name, &there, cx) : MR_OK;
}

static const char *filters(const mr_container_who *who, mr_cx *cx) {
    mr_text json, out;
    mr_text_init(&json, cx->arena);
    mr_text_init(&out, cx->arena);
    mr_text_add(&json, "{\"label\":[");
    for (uint32_t i = 1; i < MR_CONTAINER_LABELS; i++) {  // Of any try of the task.
        mr_text_add(&json, i == 1 ? "" : ",");
        mr_text_add_json(&json, mr_span_of(mr_arena_printf(cx->arena, "%s=%s", who->labels[i].name,
                                                           who->labels[i].value)));
    }
    mr_text_add(&json, "]}");
    mr_endpoint_percent(mr_text_span(&json), &out);
    return mr_text_string(&out);
}

mr_code mr_container_life_sweep(const mr_engine *engine, const mr_container_who *who, mr_cx *cx) {
    const mr_engine_call call = {
        .method = "GET",
        .path = mr_arena_printf(cx->arena, "/containers/json?all=1&filters=%s", filters(who, cx)),
    };
    mr_text body;
    int status;
    MR_TRY(mr_engine_ask(engine, &call, &status, &body, cx));
    if (status != 200) {
        return mr_engine_refused(engine, status, &body, "list containers", cx);
    }
    mr_span all = mr_jsonvalue_trim(mr_text_span(&body)), one;
    if (!mr_jsonvalue_check(all) || mr_jsonvalue_kind_of(all) != MR_JSONVALUE_ARRAY) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "engine \"%s\": its list of containers is no list",
                       engine->place->name);
    }
    for (mr_span inside = mr_jsonvalue_inside(all); mr_jsonvalue_next(&inside, NULL, &one);) {
        const char *id = text_of(one, "Id", cx);
        bool whole = id[0] != '\0' && strspn(id, "0123456789abcdefABCDEF") == strlen(id), there;
        if (whole && is_ours(who, 1, get(one, "Labels"), cx)) {
            const char *line = mr_arena_printf(
                cx->arena, "container %.12s, which an earlier try has left, is ended\n", id);
            MR_TRY(mr_stream_write(MR_STDERR, mr_span_of(line), cx));
            MR_TRY(mr_container_life_remove(engine, id, &there, cx));
        }
    }
    return MR_OK;
}

// ---- the note --------------------------------------------------------------------------------

void mr_container_life_note(const mr_engine_place *place, const char *name, mr_text *out) {
    mr_text_add(out, "{\"name\":");
    mr_text_add_json(out, mr_span_of(name));
    mr_text_add(out, ",\"engine\":");
    mr_engine_place_json(place, out);
    mr_text_add_char(out, '}');
}

mr_code mr_container_life_end(mr_span note_json, mr_cx *cx) {
    mr_engine_place place;
    const char *name = text_of(note_json, "name", cx);
    if (strncmp(name, "millrace-", 9) != 0 || strpbrk(name, "/?#% \r\n") != NULL) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "no container of ours is named");
    }
    MR_TRY(mr_engine_place_load(get(note_json, "engine"), &place, cx));
    mr_engine engine = {.place = &place, .connect_us = END_CONNECT_US, .quiet_us = END_QUIET_US};
    MR_TRY(mr_engine_open(&engine, cx));
    // Its making may be under way: what was never started comes to be a moment later.
    int64_t until_us = mr_clock_monotonic_us(cx->plat) + LATE_US;
    bool there = false;
    MR_TRY(mr_container_life_remove(&engine, name, &there, cx));
    while (!there && mr_clock_monotonic_us(cx->plat) < until_us) {
        mr_clock_sleep_us(cx->plat, LOOK_AGAIN_US);
        MR_TRY(mr_container_life_remove(&engine, name, &there, cx));
    }
    const char *line = mr_arena_printf(cx->arena, "container %s %s\n", name,
                                       there ? "was ended" : "is not there: it was never made");
    return mr_stream_write(MR_STDERR, mr_span_of(line), cx);
}
