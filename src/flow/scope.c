// Scope: see scope.h.

#include "flow/scope.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "base/map.h"
#include "flow/mask.h"

// ---- masks
// ---------------------------------------------------------------------------------------

static void mask_form(void *self, const char *form) {
    mr_scope_mask(self, form);
}

// Short ones too: this task is given them.
static void mask_secret(void *self, const char *secret) {
    mr_scope_mask(self, secret);
    mr_vault_forms(mr_span_of(secret), mask_form, self);
}

static mr_code load_masked(mr_flow *flow, mr_cx *cx) {
    uint32_t count = 0;
    return flow->masked != NULL ? MR_OK  // Once a turn.
                                : mr_vault_masked(flow->vault, &flow->masked, &count, cx);
}

const char *mr_scope_failure(mr_flow *flow, mr_cx *cx) {
    const char *text = mr_flow_error_text(&cx->error, cx->arena);
    if (load_masked(flow, cx) != MR_OK) {
        (void)mr_flow_is_ours(flow, cx);  // The turn is over: nothing of it is kept.
        return "";
    }
    return mr_mask_text(flow->masked, text, cx->arena);
}

mr_code mr_scope_mask_all(mr_scope *scope, const char *const *env, mr_cx *cx) {
    mr_flow *flow = scope->flow;
    for (size_t i = 0; env[i] != NULL; i++) {
        mr_vault_env_secrets(env[i], mask_secret, scope, cx);
    }
    MR_TRY(load_masked(flow, cx));
    for (size_t i = 0; flow->masked[i] != NULL; i++) {
        mr_scope_mask(scope, flow->masked[i]);
    }
    mr_scope_mask(scope, NULL);
    return MR_OK;
}

void mr_scope_mask(mr_scope *scope, const char *value) {
    mr_arena *arena = &scope->flow->turn;
    if (scope->masked_count + 1 >= scope->masked_room) {
        uint32_t room = scope->masked_room == 0 ? 8 : scope->masked_room * 2;
        const char **masked = MR_NEW_ARRAY(arena, const char *, room);
        for (uint32_t i = 0; i < scope->masked_count; i++) {
            masked[i] = scope->masked[i];
        }
        scope->masked = masked;
        scope->masked_room = room;
    }
    if (value != NULL && value[0] != '\0') {
        scope->masked[scope->masked_count++] = mr_arena_string(arena, value);
        scope->masked[scope->masked_count] = NULL;
    }
}

// ---- times
// ---------------------------------------------------------------------------------------

typedef struct named_time {
    const char *name;
    char form;  // d date, n date without dashes, t time, c time without punctuation
    size_t offset;
    bool utc;
} named_time;

#define RUN_TIME(field) offsetof(mr_record_run, field)

static const named_time named_times[] = {
    {"ds", 'd', RUN_TIME(logical_us), false},
    {"ds_nodash", 'n', RUN_TIME(logical_us), false},
    {"ds_utc", 'd', RUN_TIME(logical_us), true},
    {"ts", 't', RUN_TIME(logical_us), false},
    {"ts_nodash", 'c', RUN_TIME(logical_us), false},
    {"logical_date", 't', RUN_TIME(logical_us), false},
    {"data_interval_start", 't', RUN_TIME(interval_start_us), false},
    {"data_interval_end", 't', RUN_TIME(interval_end_us), false},
};

static const char *time_text(const mr_scope *scope, const named_time *named, mr_arena *arena) {
    int64_t us;
    memcpy(&us, (const char *)&scope->run->row + named->offset, sizeof(us));
    const mr_zone *zone = named->utc ? NULL : scope->base.zone;
    mr_text text, plain;
    mr_text_init(&text, arena);
    mr_text_init(&plain, arena);
    mr_template_add_time(&text, us, zone);
    size_t bytes = named->form == 't' ? text.bytes : named->form == 'c' ? 19 : 10;
    for (size_t i = 0; i < bytes; i++) {
        bool mark = text.data[i] == '-' || text.data[i] == ':';
        if (!mark || named->form == 't' || named->form == 'd') {
            mr_text_add_char(&plain, text.data[i]);
        }
    }
    return mr_text_string(&plain);
}

// ---- values
// --------------------------------------------------------------------------------------

static void give_text(const char *text, mr_span *ret, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    mr_text_add_json(&out, mr_span_of(text));
    *ret = mr_text_span(&out);
}

static mr_span id_object(const char *id, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    mr_text_add(&out, "{\"id\":");
    mr_text_add_json(&out, mr_span_of(id));
    mr_text_add_char(&out, '}');
    return mr_text_span(&out);
}

static const mr_flow_output *output_of(const mr_flow_task *task, const char *key) {
    const mr_flow_output *output = task->run->outputs;
    while (output != NULL && (output->task != task || strcmp(output->key, key) != 0)) {
        output = output->next;
    }
    return output;
}

// All outputs of one instance: an object.
static void add_outputs(const mr_flow_task *task, mr_text *out) {
    uint32_t count = 0;
    mr_text_add_char(out, '{');
    for (const mr_flow_output *o = task->run->outputs; o != NULL; o = o->next) {
        if (o->task == task) {
            mr_text_add(out, count++ == 0 ? "" : ",");
            mr_text_add_json(out, mr_span_of(o->key));
            mr_text_add_char(out, ':');
            mr_text_add_bytes(out, o->json.data, o->json.bytes);
        }
    }
    mr_text_add_char(out, '}');
}

// Of a task with foreach: a list with a value an instance, null where it has none.
static void add_list(const mr_flow_task *task, const char *key, mr_text *out) {
    mr_text_add_char(out, '[');
    for (const mr_flow_task *at = task; at != NULL; at = at->next) {
        const mr_flow_output *output = output_of(at, key);
        mr_text_add(out, at == task ? "" : ",");
        if (output == NULL) {
            mr_text_add(out, "null");
        } else {
            mr_text_add_bytes(out, output->json.data, output->json.bytes);
        }
    }
    mr_text_add_char(out, ']');
}

static mr_code no_output(const mr_flow_task *task, const char *key, mr_cx *cx) {
    const char *keys[64];
    size_t count = 0;
    for (const mr_flow_output *o = task->run->outputs; o != NULL && count < MR_COUNT(keys);
         o = o->next) {
        if (o->task == task) {
            keys[count++] = o->key;
        }
    }
    return mr_fail(cx, MR_E_NAME, mr_text_hint(key, keys, count, NULL, cx->arena),
                   "task \"%s\" (%s) has put out no \"%s\"", task->row.task,
                   mr_task_state_text(task->row.state), key);
}

static mr_code find_output(const mr_scope *scope, const mr_span *path, uint32_t count,
                           uint32_t *ret_used, mr_span *ret, mr_cx *cx) {
    if (count < 2) {
        return mr_fail(cx, MR_E_NAME, "Write outputs.TASK.KEY.", "outputs needs a task");
    }
    const mr_dag_task *spec = mr_dag_find(scope->run->dag, path[1]);
    const mr_flow_task *task =
        spec == NULL ? NULL : scope->run->heads[spec - scope->run->dag->tasks];
    if (task == NULL) {
        return mr_fail(cx, MR_E_NAME, NULL, "there is no task \"%.*s\"", MR_SPAN_ARGS(path[1]));
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    *ret_used = MR_MIN(count, 3u);
    if (count == 2) {
        add_outputs(task, &out);
    } else {
        const char *key = mr_arena_copy(cx->arena, path[2].data, path[2].bytes);
        const mr_flow_output *output = output_of(task, key);
        if (task->row.map_index >= 0) {
            add_list(task, key, &out);
        } else if (output == NULL) {
            return no_output(task, key, cx);
        } else {
            mr_text_add_bytes(&out, output->json.data, output->json.bytes);
        }
    }
    *ret = mr_text_span(&out);
    return MR_OK;
}

// ---- connections and variables
// -------------------------------------------------------------------

// What a {secret: NAME} stands for; it is masked from then on.
static mr_code add_secret(mr_scope *scope, const mr_yaml *node, mr_text *out, mr_cx *cx) {
    const mr_yaml *name = mr_yaml_get(node, "secret");
    mr_assert(name != NULL);  // The DAG file was checked.
    mr_span value;
    MR_TRY(mr_vault_get(scope->flow->vault, "secret", name->text, &value, cx));
    mr_text_add_bytes(out, value.data, value.bytes);
    mask_secret(scope, mr_text_string(out));
    return MR_OK;
}

static mr_code add_connection_value(mr_scope *scope, const mr_yaml *node, bool is_password,
                                    mr_text *out, mr_cx *cx) {
    if (!is_password || node->kind != MR_YAML_MAP) {
        return mr_template_json(node, &scope->base, out, cx);
    }
    mr_text secret;
    mr_text_init(&secret, cx->arena);
    MR_TRY(add_secret(scope, node, &secret, cx));
    mr_text_add_json(out, mr_text_span(&secret));
    return MR_OK;
}

// One of the DAG's own connections, filled in: added to out, as mr_endpoint_parse reads it, and
// read.
static mr_code render_connection(mr_scope *scope, const mr_yaml *map, mr_text *out,
                                 mr_endpoint *ret, mr_cx *cx) {
    mr_text json;
    mr_text_init(&json, cx->arena);
    scope->rendering = true;  // What is in it cannot ask for the DAG's connections again.
    mr_code code = MR_OK;
    for (uint32_t i = 0; i < map->count && code == MR_OK; i++) {
        mr_text_add_char(&json, i == 0 ? '{' : ',');
        mr_text_add_json(&json, mr_span_of(map->names[i]));
        mr_text_add_char(&json, ':');
        bool is_password = strcmp(map->names[i], "password") == 0;
        code = add_connection_value(scope, map->items[i], is_password, &json, cx);
    }
    scope->rendering = false;
    MR_TRY(code);
    mr_text_add_char(&json, '}');
    MR_TRY(mr_endpoint_parse(mr_yaml_get(map, "id")->text, mr_text_span(&json), ret, cx));
    mr_endpoint_secrets(ret, mask_secret, scope);
    mr_text_add_bytes(out, json.data, json.bytes);
    return MR_OK;
}

// The DAG's own are what is meant when neither the environment nor the store has the name.
static mr_code find_connection(mr_scope *scope, const char *name, mr_endpoint *ret, mr_cx *cx) {
    mr_code code = mr_vault_connection(scope->flow->vault, name, ret, cx);
    const mr_yaml *list = scope->run->dag == NULL ? NULL : scope->run->dag->connections;
    for (uint32_t i = 0; code == MR_E_NAME && list != NULL && i < list->count; i++) {
        if (!scope->rendering && strcmp(mr_yaml_get(list->items[i], "id")->text, name) == 0) {
            mr_text unused;
            mr_text_init(&unused, cx->arena);
            return render_connection(scope, list->items[i], &unused, ret, cx);
        }
    }
    MR_TRY(code);
    mr_endpoint_secrets(ret, mask_secret, scope);
    return MR_OK;
}

static mr_code find_stored(mr_scope *scope, const mr_span *path, uint32_t count, uint32_t *ret_used,
                           mr_span *ret, mr_cx *cx) {
    if (count < 2) {
        return mr_fail(cx, MR_E_NAME, NULL, "%.*s needs a name: %.*s.NAME", MR_SPAN_ARGS(path[0]),
                       MR_SPAN_ARGS(path[0]));
    }
    const char *name = mr_arena_copy(cx->arena, path[1].data, path[1].bytes);
    *ret_used = 2;
    if (mr_span_is(path[0], "var")) {
        mr_span value;
        MR_TRY(mr_vault_get(scope->flow->vault, "variable", name, &value, cx));
        give_text(mr_arena_copy(cx->arena, value.data, value.bytes), ret, cx->arena);
        return MR_OK;
    }
    mr_endpoint connection;
    mr_text out;
    mr_text_init(&out, cx->arena);
    MR_TRY(find_connection(scope, name, &connection, cx));
    mr_endpoint_json(&connection, /* with_password= */ true, &out);
    *ret = mr_text_span(&out);
    return MR_OK;
}

// ---- names
// ---------------------------------------------------------------------------------------

static mr_code find_previous(const mr_scope *scope, mr_span *ret, mr_cx *cx) {
    const mr_record_run *run;
    MR_TRY(mr_record_run_before(scope->flow->record, scope->run->row.dag,
                                scope->run->row.logical_us, MR_RUN_SUCCESS, &run, cx));
    if (run == NULL) {
        *ret = MR_SPAN("null");
        return MR_OK;
    }
    mr_text text;
    mr_text_init(&text, cx->arena);
    mr_template_add_time(&text, run->interval_end_us, scope->base.zone);
    give_text(mr_text_string(&text), ret, cx->arena);
    return MR_OK;
}

// How the run or its task ended, in callbacks.
static void find_state(const mr_scope *scope, bool error, mr_span *ret, mr_cx *cx) {
    const mr_flow_task *task = scope->task;
    mr_run_state result = mr_runs_result(scope->run);
    const char *reason = task == NULL ? scope->run->row.note : task->row.reason;
    for (uint32_t i = 0; task == NULL && result == MR_RUN_FAILED && i < scope->run->task_count;
         i++) {
        const mr_record_task *row = &scope->run->tasks[i]->row;
        reason = reason[0] == '\0' && row->state == MR_STATE_FAILED ? row->reason : reason;
    }
    if (error && reason[0] == '\0') {
        *ret = MR_SPAN("null");
        return;
    }
    const char *state =
        task != NULL ? mr_task_state_text(task->row.state) : mr_run_state_text(result);
    give_text(error ? reason : state, ret, cx->arena);
}

static bool find_plain(const mr_scope *scope, mr_span name, mr_span *ret, mr_cx *cx) {
    const mr_flow_task *task = scope->task;
    for (size_t i = 0; i < MR_COUNT(named_times); i++) {
        if (mr_span_is(name, named_times[i].name)) {
            give_text(time_text(scope, &named_times[i], cx->arena), ret, cx->arena);
            return true;
        }
    }
    if (mr_span_is(name, "run_id")) {
        give_text(scope->run->row.run_id, ret, cx->arena);
    } else if (mr_span_is(name, "dag")) {
        *ret = id_object(scope->run->row.dag, cx->arena);
    } else if (mr_span_is(name, "params")) {
        *ret = scope->run->row.conf_json;
    } else if (mr_span_is(name, "state") || mr_span_is(name, "error")) {
        find_state(scope, mr_span_is(name, "error"), ret, cx);
    } else if (task != NULL && mr_span_is(name, "task")) {
        *ret = id_object(task->row.task, cx->arena);
    } else if (task != NULL && mr_span_is(name, "try_number")) {
        *ret = mr_span_of(mr_arena_printf(cx->arena, "%" PRId32, task->row.retries + 1));
    } else if (task != NULL && task->row.map_index >= 0 && mr_span_is(name, "item")) {
        *ret = task->row.item_json;
    } else if (task != NULL && task->row.map_index >= 0 && mr_span_is(name, "map_index")) {
        *ret = mr_span_of(mr_arena_printf(cx->arena, "%" PRId32, task->row.map_index));
    } else {
        return false;
    }
    return true;
}

static mr_code find(void *self, const mr_span *path, uint32_t count, uint32_t *ret_used,
                    mr_span *ret, mr_cx *cx) {
    mr_scope *scope = self;
    *ret_used = 1;
    if (find_plain(scope, path[0], ret, cx)) {
        return MR_OK;
    }
    if (mr_span_is(path[0], "prev_data_interval_end_success")) {
        return find_previous(scope, ret, cx);
    }
    if (mr_span_is(path[0], "outputs")) {
        return find_output(scope, path, count, ret_used, ret, cx);
    }
    if (mr_span_is(path[0], "conn") || mr_span_is(path[0], "var")) {
        return find_stored(scope, path, count, ret_used, ret, cx);
    }
    const char *names[64];
    size_t known = 0;
    for (; mr_template_names[known].name != NULL && known < MR_COUNT(names); known++) {
        names[known] = mr_template_names[known].name;
    }
    const char *name = mr_arena_copy(cx->arena, path[0].data, path[0].bytes);
    return mr_fail(cx, MR_E_NAME, mr_text_hint(name, names, known, NULL, cx->arena),
                   "there is no \"%s\" here", name);
}

void mr_scope_init(mr_scope *scope, mr_flow *flow, mr_run *run, mr_flow_task *task) {
    *scope = (mr_scope){.flow = flow, .run = run, .task = task};
    scope->base = (mr_template_scope){.find = find, .self = scope};
    scope->base.zone = run->dag == NULL ? NULL : run->dag->zone;
}

// ---- the environment of a task
// -------------------------------------------------------------------

static mr_code add_map(mr_scope *scope, const mr_yaml *map, mr_map *env, mr_cx *cx) {
    for (uint32_t i = 0; map != NULL && i < map->count; i++) {
        const mr_yaml *node = map->items[i];
        mr_text value;
        mr_text_init(&value, cx->arena);
        if (mr_yaml_is_null(node)) {
            continue;
        }
        if (node->kind == MR_YAML_SCALAR) {
            MR_TRY(mr_template_text(mr_span_of(node->text), node->place, &scope->base, &value, cx));
        } else {
            MR_TRY(add_secret(scope, node, &value, cx));
        }
        const char *text = mr_text_string(&value);
        (void)mr_map_put(env, mr_span_of(map->names[i]), (void *)(uintptr_t)text);
    }
    return MR_OK;
}

static void put(mr_map *env, const char *name, const char *value) {
    (void)mr_map_put(env, mr_span_of(name), (void *)(uintptr_t)value);
}

static void add_dates(const mr_scope *scope, mr_map *env, mr_arena *arena) {
    put(env, "MILLRACE_DS", time_text(scope, &named_times[0], arena));
    put(env, "MILLRACE_TS", time_text(scope, &named_times[3], arena));
    put(env, "MILLRACE_DATA_INTERVAL_START", time_text(scope, &named_times[6], arena));
    put(env, "MILLRACE_DATA_INTERVAL_END", time_text(scope, &named_times[7], arena));
}

mr_code mr_scope_connections(mr_scope *scope, mr_text *out, mr_cx *cx) {
    const mr_yaml *list = scope->run->dag->connections;
    for (uint32_t i = 0; list != NULL && i < list->count; i++) {
        mr_endpoint connection;
        mr_text_add_char(out, i == 0 ? '[' : ',');
        MR_TRY(render_connection(scope, list->items[i], out, &connection, cx));
    }
    mr_text_add(out, out->bytes == 0 ? "" : "]");
    return MR_OK;
}

mr_code mr_scope_env(mr_scope *scope, const char *const **ret, mr_cx *cx) {
    mr_map env;
    mr_map_init(&env, cx->arena);
    for (size_t i = 0; scope->flow->spec.env != NULL && scope->flow->spec.env[i] != NULL; i++) {
        const char *pair = scope->flow->spec.env[i];
        size_t bytes = strcspn(pair, "=");
        (void)mr_map_put(&env, (mr_span){pair, bytes}, (void *)(uintptr_t)(pair + bytes + 1));
    }
    MR_TRY(add_map(scope, scope->run->dag->env, &env, cx));
    if (scope->task->spec != NULL) {
        MR_TRY(add_map(scope, scope->task->spec->env, &env, cx));
    }
    add_dates(scope, &env, cx->arena);
    const char **list = MR_NEW_ARRAY(cx->arena, const char *, env.count + 1u);
    for (uint32_t i = 0; i < env.count; i++) {
        list[i] = mr_arena_printf(cx->arena, "%.*s=%s", MR_SPAN_ARGS(env.entries[i].key),
                                  (const char *)env.entries[i].value);
    }
    *ret = list;
    return MR_OK;
}
