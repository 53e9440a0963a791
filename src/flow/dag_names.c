// Dag, names: what templates name is there, and is known by the time they are filled in.
//
// A template that names a task which is not before its own would fail in the night, or worse, hold
// when tasks happen to end in another order; so it is refused when the file is read.

#include <string.h>

#include "flow/dag_build.h"

// Where a template stands decides what it may name.
typedef struct site {
    mr_dag_build *b;
    const mr_dag_task *task;  // NULL: a key of the DAG or of default_args.
    bool after;               // It is filled in when the task is over: outputs, callbacks.
    bool callback;
    bool shared;  // default_args: of any task.
} site;

// ---- names -----------------------------------------------------------------------------------

static const char *foreign(const char *name) {
    static const struct {
        const char *name;
        const char *here;
    } words[] = {
        {"execution_date", "Write logical_date."},
        {"dag_run", "Write run_id, or params.NAME for what a run was given."},
        {"next_ds", "Write data_interval_end | ds."},
        {"next_execution_date", "Write data_interval_end."},
        {"prev_ds", "Write ds | add_days(-1)."},
        {"yesterday_ds", "Write ds | add_days(-1)."},
        {"tomorrow_ds", "Write ds | add_days(1)."},
        {"ti", "Write outputs.TASK.KEY, try_number, or ti.xcom_pull(task_ids='t', key='k')."},
        {"task_instance", "Write outputs.TASK.KEY, or try_number."},
        {"macros", "Use filters: ds | add_days(7), ts | date('%d.%m.%Y')."},
        {"secret", "Give it by env: NAME: {secret: NAME}; templates are shown, secrets are not."},
        {"secrets", "Give it by env: NAME: {secret: NAME}; templates are shown, secrets are not."},
        {"env", "The script has it: write $NAME."},
        {"inputs", "Write params.NAME."},
        {"now", "Write data_interval_end: a run that is repeated must see the same."},
        {"today", "Write ds: a run that is repeated must see the same."},
        {"test_mode", NULL},
    };
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        if (strcmp(words[i].name, name) == 0) {
            return words[i].here;
        }
    }
    return NULL;
}

static mr_code unknown_root(const char *name, mr_place place, mr_cx *cx) {
    const char *names[64];
    size_t count = 0;
    for (const mr_template_name *row = mr_template_names; row->name != NULL; row++) {
        mr_assert(count < MR_COUNT(names));
        names[count++] = row->name;
    }
    const char *hint = foreign(name);
    hint = hint != NULL ? hint : mr_dag_key_hint(name, names, count, "There are", cx->arena);
    return mr_fail_at(cx, MR_E_NAME, place, hint, "there is no \"%s\" for a template", name);
}

static mr_code check_param(const site *s, const char *name, mr_place place) {
    const mr_dag *dag = s->b->dag;
    const char **names = MR_NEW_ARRAY(s->b->scratch, const char *, dag->param_count + 1);
    for (uint32_t i = 0; i < dag->param_count; i++) {
        names[i] = dag->params[i].name;
        if (strcmp(names[i], name) == 0) {
            return MR_OK;
        }
    }
    const char *hint =
        dag->param_count == 0
            ? mr_arena_printf(s->b->cx->arena, "Write params: {%s: …}.", name)
            : mr_dag_key_hint(name, names, dag->param_count, "Parameters are", s->b->cx->arena);
    return mr_fail_at(s->b->cx, MR_E_NAME, place, hint, "there is no parameter \"%s\"", name);
}

// Names of outputs that a task is known to have; false when it may have any.
static bool known_outputs(const mr_dag_task *task, const char **names, size_t most,
                          size_t *ret_count) {
    if (task->type == NULL || (task->type->place != MR_TASK_HERE && task->type->outputs == NULL)) {
        return false;
    }
    size_t count = 0;
    for (const char *const *at = task->type->outputs; at != NULL && *at != NULL; at++) {
        mr_assert(count < most);
        names[count++] = *at;
    }
    const mr_yaml *own = mr_yaml_get(task->body, "outputs");
    for (uint32_t i = 0; own != NULL && i < own->count && own->kind == MR_YAML_MAP; i++) {
        if (count == most) {
            return false;
        }
        names[count++] = own->names[i];
    }
    *ret_count = count;
    return true;
}

static mr_code check_key(const site *s, const mr_dag_task *from, const char *key, mr_place place) {
    const char *names[128];
    size_t count = 0;
    if (!known_outputs(from, names, MR_COUNT(names), &count)) {
        return MR_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], key) == 0) {
            return MR_OK;
        }
    }
    const char *hint =
        count == 0 ? mr_arena_printf(s->b->cx->arena, "Write outputs: {%s: …} in task \"%s\".", key,
                                     from->id)
                   : mr_dag_key_hint(key, names, count, "Its outputs are", s->b->cx->arena);
    return mr_fail_at(s->b->cx, MR_E_NAME, place, hint, "task \"%s\" has no output \"%s\"",
                      from->id, key);
}

static mr_code check_output(const site *s, const mr_span *path, uint32_t count, mr_place place) {
    mr_dag_build *b = s->b;
    mr_cx *cx = b->cx;
    const mr_dag_task *from = mr_map_get(&b->tasks, path[1]);
    const char *id = mr_arena_copy(b->scratch, path[1].data, path[1].bytes);
    if (from == NULL) {
        const char **names = MR_NEW_ARRAY(b->scratch, const char *, b->dag->task_count + 1);
        for (uint32_t i = 0; i < b->dag->task_count; i++) {
            names[i] = b->dag->tasks[i].id;
        }
        return mr_fail_at(
            cx, MR_E_NAME, place,
            mr_dag_key_hint(id, names, b->dag->task_count, "The tasks are", cx->arena),
            "there is no task \"%s\"", id);
    }
    if (s->task == NULL && !s->callback && !s->shared) {
        return mr_fail_at(cx, MR_E_NAME, place, "Name it in the tasks that come after.",
                          "outputs are not known here");
    }
    if (from == s->task && !s->after) {
        return mr_fail_at(cx, MR_E_NAME, place, "Its outputs are there when it is over.",
                          "task \"%s\" names an output of itself", id);
    }
    if (s->task != NULL && from != s->task && !mr_dag_graph_is_above(b, s->task, from)) {
        return mr_fail_at(cx, MR_E_NAME, place,
                          mr_arena_printf(cx->arena, "Write depends_on: [%s].", id),
                          "task \"%s\" is not before \"%s\"", id, s->task->id);
    }
    return count < 3
               ? MR_OK
               : check_key(s, from, mr_arena_copy(b->scratch, path[2].data, path[2].bytes), place);
}

static mr_code check_name(void *self, const mr_span *path, uint32_t count, mr_place place,
                          mr_cx *cx) {
    const site *s = self;
    const char *root = mr_arena_copy(s->b->scratch, path[0].data, path[0].bytes);
    const char *part = count < 2 ? NULL : mr_arena_copy(s->b->scratch, path[1].data, path[1].bytes);
    bool known = false;
    for (const mr_template_name *row = mr_template_names; row->name != NULL; row++) {
        known |= strcmp(row->name, root) == 0;
    }
    if (!known) {
        return unknown_root(root, place, cx);
    }
    bool item = strcmp(root, "item") == 0 || strcmp(root, "map_index") == 0;
    if (item && s->task != NULL && s->task->foreach == NULL) {
        return mr_fail_at(cx, MR_E_NAME, place, "Write foreach: and a list.",
                          "\"%s\" is known only in a task with foreach", root);
    }
    if ((strcmp(root, "state") == 0 || strcmp(root, "error") == 0) && !s->callback) {
        return mr_fail_at(cx, MR_E_NAME, place, NULL, "\"%s\" is known only in callbacks", root);
    }
    bool map =
        strcmp(root, "outputs") == 0 || strcmp(root, "conn") == 0 || strcmp(root, "var") == 0;
    if (map && part == NULL) {
        return mr_fail_at(cx, MR_E_NAME, place, NULL, "\"%s\" wants a name behind it: %s.NAME",
                          root, root);
    }
    return strcmp(root, "params") == 0 && part != NULL ? check_param(s, part, place)
           : strcmp(root, "outputs") == 0              ? check_output(s, path, count, place)
                                                       : MR_OK;
}

// ---- walking ---------------------------------------------------------------------------------

static void check_node(site *s, const mr_yaml *node) {
    if (node->kind == MR_YAML_SCALAR) {
        mr_dag_note(
            s->b, mr_template_check(mr_span_of(node->text), node->place, check_name, s, s->b->cx));
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        check_node(s, node->items[i]);
    }
}

// A value in a script's text is code to the shell: 'a; rm -rf b'.
static void remark_script(mr_dag_build *b, const mr_dag_task *task, const mr_yaml *node) {
    mr_span text = mr_span_of(node->text);
    while (node->kind == MR_YAML_SCALAR) {
        const char *begin = memmem(text.data, text.bytes, "{{", 2);
        if (begin == NULL) {
            return;
        }
        size_t left = text.bytes - (size_t)(begin - text.data);
        const char *end = memmem(begin, left, "}}", 2);
        if (end == NULL || memmem(begin, (size_t)(end - begin), "shellquote", 10) == NULL) {
            mr_dag_remark(
                b, node->place,
                "task \"%s\": a template stands in its script, and what it gives is read "
                "by the shell; give it by env: {NAME: \"{{ … }}\"} and write \"$NAME\", or "
                "add | shellquote",
                task->id);
            return;
        }
        text = (mr_span){end, left - (size_t)(end - begin)};
    }
}

static void check_task(mr_dag_build *b, const mr_dag_task *task) {
    for (uint32_t i = 0; i < task->body->count; i++) {
        const char *name = task->body->names[i];
        bool callback = strncmp(name, "on_", 3) == 0;
        bool own = mr_dag_key_find(mr_dag_keys_task, name) == NULL;
        site s = {.b = b,
                  .task = task,
                  .callback = callback,
                  .after = callback || strcmp(name, "outputs") == 0};
        check_node(&s, task->body->items[i]);
        if (own && task->type != NULL && task->type->place == MR_TASK_COMMAND &&
            strcmp(task->type->name, "shell") == 0 && strcmp(name, "script") == 0) {
            remark_script(b, task, task->body->items[i]);
        }
    }
}

void mr_dag_names_check(mr_dag_build *b) {
    for (uint32_t i = 0; i < b->dag->task_count; i++) {
        check_task(b, &b->dag->tasks[i]);
    }
    for (uint32_t i = 0; i < b->root->count; i++) {
        const char *name = b->root->names[i];
        site s = {.b = b, .callback = strncmp(name, "on_", 3) == 0};
        if (s.callback || strcmp(name, "env") == 0 || strcmp(name, "connections") == 0) {
            check_node(&s, b->root->items[i]);
        }
    }
    site s = {.b = b, .shared = true, .callback = true, .after = true};
    if (b->defaults != NULL) {
        check_node(&s, b->defaults);
    }
    for (uint32_t i = 0; i < b->group_count; i++) {
        if (b->groups[i].defaults != NULL) {
            check_node(&s, b->groups[i].defaults);
        }
    }
}
