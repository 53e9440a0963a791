// Dag, tasks: groups, default_args and the items of `tasks`, with the keys of their kinds.

#include <string.h>

#include "flow/dag_build.h"

static const mr_yaml *value_of(const mr_yaml *map, const char *name) {
    const mr_yaml *node = mr_yaml_get(map, name);
    return node == NULL || mr_yaml_is_null(node) ? NULL : node;
}

// ---- default_args ----------------------------------------------------------------------------

// Looks at each key once, so that a mistake is told once and not for every task.
static const mr_yaml *check_defaults(mr_dag_build *b, const mr_yaml *node) {
    if (mr_yaml_expect(node, MR_YAML_MAP, "key \"default_args\"", b->cx) != MR_OK) {
        mr_dag_note(b, MR_E_TYPE);
        return NULL;
    }
    mr_dag_task *trial = MR_NEW(b->scratch, mr_dag_task);
    for (uint32_t i = 0; i < node->count; i++) {
        const mr_dag_key *key = mr_dag_key_find(mr_dag_keys_task, node->names[i]);
        if (key == NULL) {
            mr_dag_note(b, mr_dag_key_unknown(mr_dag_keys_task, NULL, node->names[i],
                                              node->places[i], b->cx));
        } else if (!key->shared) {
            mr_dag_note(b, mr_fail_at(b->cx, MR_E_OPTION, node->places[i], "Write it in the task.",
                                      "key \"%s\" is each task's own", key->name));
        } else if (!mr_yaml_is_null(node->items[i])) {
            mr_dag_note(b, mr_dag_key_read(key, node->items[i], trial, b->cx));
        }
    }
    return node;
}

static void apply_defaults(mr_dag_build *b, const mr_yaml *node, mr_dag_task *task) {
    for (uint32_t i = 0; node != NULL && i < node->count; i++) {
        const mr_dag_key *key = mr_dag_key_find(mr_dag_keys_task, node->names[i]);
        if (key != NULL && key->shared && !mr_yaml_is_null(node->items[i])) {
            mr_code known = mr_dag_key_read(key, node->items[i], task, b->cx);
            (void)known;  // It was told by check_defaults.
        }
    }
}

// ---- groups ----------------------------------------------------------------------------------

static mr_dag_group *find_group(const mr_dag_build *b, const char *id) {
    for (uint32_t i = 0; i < b->group_count; i++) {
        if (strcmp(b->groups[i].id, id) == 0) {
            return &b->groups[i];
        }
    }
    return NULL;
}

static void read_group(mr_dag_build *b, const mr_yaml *node) {
    if (mr_yaml_expect(node, MR_YAML_MAP, "a group", b->cx) != MR_OK) {
        mr_dag_syntax_explain(b->cx);
        mr_dag_note(b, MR_E_TYPE);
        return;
    }
    mr_dag_group group = {.place = node->place};
    for (uint32_t i = 0; i < node->count; i++) {
        const mr_dag_key *key = mr_dag_key_find(mr_dag_keys_group, node->names[i]);
        mr_dag_note(b, key == NULL ? mr_dag_key_unknown(mr_dag_keys_group, NULL, node->names[i],
                                                        node->places[i], b->cx)
                                   : mr_dag_key_read(key, node->items[i], &group, b->cx));
    }
    if (mr_yaml_get(node, "id") == NULL) {
        mr_dag_note(b, mr_fail_at(b->cx, MR_E_OPTION, node->place, "Write id: and its name.",
                                  "a group has no id"));
    }
    if (group.id == NULL) {
        return;
    }
    if (find_group(b, group.id) != NULL) {
        mr_dag_note(b, mr_fail_at(b->cx, MR_E_EXISTS, node->place, "Give it another id.",
                                  "group \"%s\" is there already", group.id));
        return;
    }
    const mr_yaml *defaults = value_of(node, "default_args");
    group.defaults = defaults == NULL ? NULL : check_defaults(b, defaults);
    group.depends_on = value_of(node, "depends_on");
    b->groups[b->group_count++] = group;
}

static void read_groups(mr_dag_build *b, const mr_yaml *node, uint32_t task_count) {
    uint32_t listed = node != NULL && node->kind == MR_YAML_LIST ? node->count : 0;
    b->groups = MR_NEW_ARRAY(b->scratch, mr_dag_group, listed + task_count + 1);
    if (node == NULL) {
        return;
    }
    b->groups_listed = true;
    if (mr_yaml_expect(node, MR_YAML_LIST, "key \"groups\"", b->cx) != MR_OK) {
        mr_dag_note(b, MR_E_TYPE);
    }
    for (uint32_t i = 0; i < listed; i++) {
        read_group(b, node->items[i]);
    }
}

// The group that a task says it belongs to.
static mr_dag_group *join_group(mr_dag_build *b, const mr_dag_task *task) {
    mr_dag_group *group = find_group(b, task->group);
    const mr_yaml *node = mr_yaml_get(task->body, "group");
    if (group == NULL && b->groups_listed) {
        const char **names = MR_NEW_ARRAY(b->scratch, const char *, b->group_count + 1);
        for (uint32_t i = 0; i < b->group_count; i++) {
            names[i] = b->groups[i].id;
        }
        mr_dag_note(b, mr_fail_at(b->cx, MR_E_NAME, node->place,
                                  mr_dag_key_hint(task->group, names, b->group_count,
                                                  "The groups are", b->cx->arena),
                                  "there is no group \"%s\"", task->group));
        return NULL;
    }
    if (group == NULL) {
        group = &b->groups[b->group_count++];
        *group = (mr_dag_group){.id = task->group, .place = node->place};
    }
    group->task_count++;
    return group;
}

// ---- the keys of a kind ----------------------------------------------------------------------

static const char *foreign_type(const char *name) {
    static const struct {
        const char *name;
        const char *here;
    } words[] = {
        {"bash", "shell"},
        {"BashOperator", "shell"},
        {"command", "exec"},
        {"docker", "container"},
        {"DockerOperator", "container"},
        {"PythonOperator", "python"},
        {"EmptyOperator", "noop"},
        {"DummyOperator", "noop"},
        {"SparkSubmitOperator", "stream.run"},
        {"BranchPythonOperator", "branch"},
        {"TriggerDagRunOperator", "dag"},
        {"sensor", "wait"},
        {"FileSensor", "wait"},
        {"ExternalTaskSensor", "wait"},
        {"SQLExecuteQueryOperator", "sql"},
        {"HttpOperator", "http"},
        {"SQLCheckOperator", "check"},
        {"sh", "shell"},
    };
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        if (strcmp(words[i].name, name) == 0) {
            return words[i].here;
        }
    }
    return NULL;
}

static mr_code find_type(mr_dag_build *b, mr_dag_task *task) {
    const mr_yaml *node = value_of(task->body, "type");
    const char *names[64];
    size_t count = 0;
    for (mr_task_kinds kinds = b->reader->kinds; *kinds != NULL && count < MR_COUNT(names);
         kinds++) {
        names[count++] = (*kinds)->name;
    }
    static const char *const wanted[] = {"type"};
    for (uint32_t i = 0; node == NULL && i < task->body->count; i++) {
        if (mr_dag_key_find(mr_dag_keys_task, task->body->names[i]) == NULL &&
            mr_text_closest(task->body->names[i], wanted, 1) != NULL) {
            return mr_fail_at(b->cx, MR_E_OPTION, task->body->places[i], "Did you mean \"type\"?",
                              "unknown key \"%s\"", task->body->names[i]);
        }
    }
    if (node == NULL) {
        return mr_fail_at(b->cx, MR_E_OPTION, task->place,
                          mr_dag_key_hint("", names, count, "Write type: and one of", b->cx->arena),
                          "key \"type\" is missing");
    }
    MR_TRY(mr_yaml_expect(node, MR_YAML_SCALAR, "key \"type\"", b->cx));
    task->type = mr_task_find(b->reader->kinds, node->text);
    if (task->type != NULL) {
        return MR_OK;
    }
    const char *here = foreign_type(node->text);
    const char *hint = here != NULL && mr_task_find(b->reader->kinds, here) != NULL
                           ? mr_arena_printf(b->cx->arena, "Write type: %s.", here)
                           : mr_dag_key_hint(node->text, names, count, "Types are", b->cx->arena);
    return mr_fail_at(b->cx, MR_E_NAME, node->place, hint, "there is no type \"%s\"", node->text);
}

static bool has_template(const mr_yaml *node) {
    bool has = node->kind == MR_YAML_SCALAR && mr_template_has(mr_span_of(node->text));
    for (uint32_t i = 0; i < node->count && !has; i++) {
        has = has_template(node->items[i]);
    }
    return has;
}

// Another kind that has this key, for advice.
static const char *owner_of(const mr_dag_build *b, const char *name) {
    for (mr_task_kinds kinds = b->reader->kinds; *kinds != NULL; kinds++) {
        for (const mr_option *row = (*kinds)->options; row != NULL && row->name != NULL; row++) {
            if (strcmp(row->name, name) == 0) {
                return (*kinds)->name;
            }
        }
    }
    return NULL;
}

static mr_code unknown_own(mr_dag_build *b, const mr_dag_task *task, uint32_t index) {
    const char *name = task->body->names[index];
    mr_code code = mr_dag_key_unknown(mr_dag_keys_task, task->type->options, name,
                                      task->body->places[index], b->cx);
    const char *owner = owner_of(b, name);
    if (owner != NULL && strncmp(b->cx->error.hint, "Did you", 7) != 0) {
        return mr_fail_at(b->cx, code, task->body->places[index],
                          mr_arena_printf(b->cx->arena, "It is a key of type \"%s\".", owner),
                          "a task of type \"%s\" has no key \"%s\"", task->type->name, name);
    }
    return code;
}

// One value of the kind's own by its row; a field in `into`.
static mr_code read_own(mr_dag_build *b, const mr_option *row, const mr_yaml *node, mr_place place,
                        void *into) {
    mr_dag_key key = {.name = row->name, .offset = row->offset};
    if (row->type == MR_OPT_BOOL || row->type == MR_OPT_DURATION) {
        key.shape = row->type == MR_OPT_BOOL ? MR_SHAPE_BOOL : MR_SHAPE_DURATION;
        return mr_dag_key_read(&key, node, into, b->cx);
    }
    const mr_option table[] = { *row, MR_OPTION_END };
    mr_text json;
    mr_text_init(&json, b->scratch);
    if (node->kind != MR_YAML_SCALAR) {
        MR_TRY(mr_template_json(node, /* scope= */ NULL, &json, b->cx));
    }
    mr_option_value value = {.name = row->name,
                             .value =
                                 node->kind == MR_YAML_SCALAR ? node->text : mr_text_string(&json),
                             .place = node->kind == MR_YAML_SCALAR ? node->place : place};
    mr_option_values values = {.items = &value, .count = 1};
    return mr_option_apply_keys(table, &values, into, b->cx);
}

static const mr_option *own_row(const mr_task_type *type, const char *name) {
    for (const mr_option *row = type->options; row != NULL && row->name != NULL; row++) {
        if (strcmp(row->name, name) == 0) {
            return row;
        }
    }
    return NULL;
}

// Fills what is not given: defaults, and NULL or 0 where a template will say it.
static void fill_rest(mr_dag_build *b, const mr_dag_task *task, void *into) {
    mr_option_values none = {.items = NULL};
    for (const mr_option *row = task->type->options; row != NULL && row->name != NULL; row++) {
        if (value_of(task->body, row->name) == NULL && row->default_text != MR_REQUIRED) {
            const mr_option table[] = { *row, MR_OPTION_END };
            mr_code code = mr_option_apply_keys(table, &none, into, b->cx);
            mr_assert(code == MR_OK);
        }
    }
}

// Whether a key that nobody knows looks like this one: then its name is the mistake, told once.
static bool is_misspelled(const mr_dag_task *task, const char *name) {
    const mr_yaml *body = task->body;
    for (uint32_t i = 0; i < body->count; i++) {
        bool known = own_row(task->type, body->names[i]) != NULL ||
                     mr_dag_key_find(mr_dag_keys_task, body->names[i]) != NULL;
        if (!known && mr_text_closest(body->names[i], &name, 1) != NULL) {
            return true;
        }
    }
    return false;
}

static void read_own_keys(mr_dag_build *b, const mr_dag_task *task) {
    const mr_task_type *type = task->type;
    const mr_yaml *body = task->body;
    void *options = mr_arena_alloc(b->cx->arena, type->size + 1);
    uint32_t before = b->error_count;
    for (uint32_t i = 0; i < body->count; i++) {
        const mr_option *row = own_row(type, body->names[i]);
        const mr_yaml *node = body->items[i];
        if (mr_dag_key_find(mr_dag_keys_task, body->names[i]) != NULL) {
            continue;
        }
        if (row == NULL) {
            mr_dag_note(b, unknown_own(b, task, i));
        } else if (node->kind != MR_YAML_SCALAR && !mr_task_is_nested(type, row->name)) {
            mr_dag_note(b, mr_yaml_expect(node, MR_YAML_SCALAR,
                                          mr_arena_printf(b->cx->arena, "key \"%s\"", row->name),
                                          b->cx));
        } else if (!mr_yaml_is_null(node) && !has_template(node)) {
            mr_dag_note(b, read_own(b, row, node, body->places[i], options));
        }
    }
    for (const mr_option *row = type->options; row != NULL && row->name != NULL; row++) {
        if (row->default_text == MR_REQUIRED && value_of(body, row->name) == NULL &&
            !is_misspelled(task, row->name)) {
            mr_dag_note(b, mr_fail_at(b->cx, MR_E_OPTION, task->place,
                                      mr_arena_printf(b->cx->arena, "Write %s: and what it is. %s",
                                                      row->name, row->doc),
                                      "a task of type \"%s\" wants the key \"%s\"", type->name,
                                      row->name));
        }
    }
    if (before == b->error_count && type->check != NULL) {
        fill_rest(b, task, options);
        b->cx->error.place = MR_NOWHERE;
        mr_code code = type->check(options, b->cx);
        if (code != MR_OK && b->cx->error.place.offset < 0) {
            b->cx->error.place = task->place;
        }
        mr_dag_note(b, code);
    }
}

// ---- tasks -----------------------------------------------------------------------------------

static void remark_task(mr_dag_build *b, const mr_dag_task *task) {
    const mr_yaml *longest = value_of(task->body, "max_retry_delay");
    if (longest != NULL && !task->retry_exponential_backoff) {
        mr_dag_remark(b, longest->place,
                      "max_retry_delay says something only with retry_exponential_backoff: true");
    }
    const mr_yaml *delay = value_of(task->body, "retry_delay");
    if (delay != NULL && task->retries == 0) {
        mr_dag_remark(b, delay->place, "retry_delay says something only with retries");
    }
    const mr_yaml *poke = value_of(task->body, "poke_interval");
    if (poke != NULL && task->type != NULL && !task->type->waits) {
        mr_dag_remark(b, poke->place,
                      "a task of type \"%s\" does not wait: poke_interval and "
                      "timeout say nothing; execution_timeout ends it",
                      task->type->name);
    }
}

static void read_keys(mr_dag_build *b, mr_dag_task *task) {
    for (uint32_t i = 0; i < task->body->count; i++) {
        const mr_dag_key *key = mr_dag_key_find(mr_dag_keys_task, task->body->names[i]);
        if (key != NULL && !mr_yaml_is_null(task->body->items[i])) {
            mr_dag_note(b, mr_dag_key_read(key, task->body->items[i], task, b->cx));
        }
    }
}

// False when it has no id of its own: nothing can be said of it then.
static bool register_task(mr_dag_build *b, mr_dag_task *task) {
    if (task->id == NULL) {
        if (value_of(task->body, "id") == NULL) {
            mr_dag_note(b, mr_fail_at(b->cx, MR_E_OPTION, task->place,
                                      "Write id: and its name, such as load_orders.",
                                      "a task has no id"));
        }
        return false;
    }
    const mr_dag_task *first = mr_map_get(&b->tasks, mr_span_of(task->id));
    mr_place place = mr_yaml_get(task->body, "id")->place;
    if (first != NULL) {
        uint32_t line = 0;
        uint32_t column = 0;
        (void)mr_error_line_column(&first->place, &line, &column);
        mr_dag_note(b, mr_fail_at(b->cx, MR_E_EXISTS, place, "Give one of the two another id.",
                                  "task \"%s\" is there already, on line %u", task->id, line));
        return false;
    }
    (void)mr_map_put(&b->tasks, mr_span_of(task->id), task);
    return true;
}

static void read_task(mr_dag_build *b, const mr_yaml *node) {
    mr_dag *dag = b->dag;
    if (mr_yaml_expect(node, MR_YAML_MAP, "a task", b->cx) != MR_OK) {
        mr_dag_syntax_explain(b->cx);
        mr_dag_note(b, MR_E_TYPE);
        return;
    }
    mr_dag_task *task = &dag->tasks[dag->task_count];
    *task = (mr_dag_task){.place = node->place, .body = node};
    const mr_yaml *group_name = value_of(node, "group");
    const mr_dag_key *group_key = mr_dag_key_find(mr_dag_keys_task, "group");
    mr_dag_group *group = NULL;
    if (group_name != NULL && mr_dag_key_read(group_key, group_name, task, b->cx) == MR_OK) {
        group = join_group(b, task);
    }
    mr_dag_key_defaults(mr_dag_keys_task, task, b->cx);
    apply_defaults(b, b->defaults, task);
    apply_defaults(b, group == NULL ? NULL : group->defaults, task);
    read_keys(b, task);
    task->group = group == NULL ? NULL : group->id;
    mr_code code = find_type(b, task);
    mr_dag_note(b, code);
    if (code == MR_OK) {
        read_own_keys(b, task);
        remark_task(b, task);
    }
    if (register_task(b, task)) {
        dag->task_count++;
    }
}

static void check_group_names(mr_dag_build *b) {
    for (uint32_t i = 0; i < b->group_count; i++) {
        const mr_dag_group *group = &b->groups[i];
        if (mr_map_get(&b->tasks, mr_span_of(group->id)) != NULL) {
            mr_dag_note(b, mr_fail_at(b->cx, MR_E_EXISTS, group->place,
                                      "depends_on could mean either: rename one of them.",
                                      "\"%s\" is a task and a group", group->id));
        } else if (group->task_count == 0) {
            mr_dag_remark(b, group->place, "group \"%s\" has no task", group->id);
        }
    }
}

void mr_dag_task_read(mr_dag_build *b) {
    const mr_yaml *node = value_of(b->root, "tasks");
    const mr_yaml *defaults = value_of(b->root, "default_args");
    b->defaults = defaults == NULL ? NULL : check_defaults(b, defaults);
    bool list = node != NULL && node->kind == MR_YAML_LIST;
    uint32_t count = list ? node->count : 0;
    read_groups(b, value_of(b->root, "groups"), count);
    if (node == NULL) {
        return;
    }
    if (!list) {
        mr_code code = mr_yaml_expect(node, MR_YAML_LIST, "key \"tasks\"", b->cx);
        mr_dag_note(b,
                    mr_fail_at(b->cx, code, node->place, "Begin each task with a dash: - id: NAME.",
                               "key \"tasks\" must be a list"));
        return;
    }
    if (count == 0 || count > MR_DAG_TASKS_MAX) {
        mr_dag_note(b, mr_fail_at(b->cx, MR_E_LIMIT, node->place, NULL,
                                  "a DAG has 1 to %d tasks, not %u", MR_DAG_TASKS_MAX, count));
        return;
    }
    b->dag->tasks = MR_NEW_ARRAY(b->cx->arena, mr_dag_task, count);
    for (uint32_t i = 0; i < count; i++) {
        read_task(b, node->items[i]);
    }
    check_group_names(b);
}
