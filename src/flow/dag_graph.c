// Dag, graph: who waits for whom.
//
// How: depends_on becomes a matrix of bits in the order of the file; a walk upstream from each task
// puts it behind all that it needs, and meets itself where there is a circle. What is above a task
// is the union of what is above its upstream.

#include <string.h>

#include "base/bits.h"
#include "flow/dag_build.h"

typedef struct graph {
    mr_dag_build *b;
    uint64_t *direct;  // direct[i * words …]: what task i depends on.
    uint32_t words;
    uint64_t edges;
    mr_place *places;  // Of each task's depends_on.
} graph;

static void add_edge(graph *g, uint32_t task, uint32_t upstream) {
    uint64_t *row = g->direct + (size_t)task * g->words;
    g->edges += !mr_bits_get(row, upstream);
    mr_bits_set(row, upstream);
}

static mr_code unknown_upstream(graph *g, const mr_yaml *node) {
    mr_dag_build *b = g->b;
    uint32_t most = b->dag->task_count + b->group_count;
    const char **names = MR_NEW_ARRAY(b->scratch, const char *, most + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->dag->task_count; i++) {
        names[count++] = b->dag->tasks[i].id;
    }
    for (uint32_t i = 0; i < b->group_count; i++) {
        names[count++] = b->groups[i].id;
    }
    return mr_fail_at(b->cx, MR_E_NAME, node->place,
                      mr_dag_key_hint(node->text, names, count, "The tasks are", b->cx->arena),
                      "there is no task \"%s\" to depend on", node->text);
}

static mr_code depend(graph *g, uint32_t task, const mr_yaml *node) {
    mr_dag_build *b = g->b;
    MR_TRY(mr_yaml_expect(node, MR_YAML_SCALAR, "an item of depends_on", b->cx));
    const mr_dag_task *upstream = mr_map_get(&b->tasks, mr_span_of(node->text));
    if (upstream != NULL) {
        add_edge(g, task, (uint32_t)(upstream - b->dag->tasks));
        return MR_OK;
    }
    bool found = false;
    for (uint32_t i = 0; i < b->group_count; i++) {
        found |= strcmp(b->groups[i].id, node->text) == 0;
    }
    if (!found) {
        return unknown_upstream(g, node);
    }
    const char *own = b->dag->tasks[task].group;
    if (own != NULL && strcmp(own, node->text) == 0) {
        return mr_fail_at(b->cx, MR_E_VALUE, node->place, "Name the tasks of the group.",
                          "task \"%s\" is itself in group \"%s\"", b->dag->tasks[task].id, own);
    }
    for (uint32_t i = 0; i < b->dag->task_count; i++) {
        const char *group = b->dag->tasks[i].group;
        if (group != NULL && strcmp(group, node->text) == 0) {
            add_edge(g, task, i);
        }
    }
    return MR_OK;
}

static void depend_all(graph *g, uint32_t task, const mr_yaml *node) {
    if (node == NULL || mr_yaml_is_null(node)) {
        return;
    }
    if (node->kind != MR_YAML_LIST) {
        mr_dag_note(g->b, depend(g, task, node));
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        mr_dag_note(g->b, depend(g, task, node->items[i]));
    }
}

// The tasks of a group that depend on none of it depend on what the group depends on.
static void depend_groups(graph *g) {
    mr_dag_build *b = g->b;
    const mr_dag *dag = b->dag;
    for (uint32_t i = 0; i < dag->task_count; i++) {
        const mr_dag_group *group = NULL;
        for (uint32_t k = 0; dag->tasks[i].group != NULL && k < b->group_count; k++) {
            group = strcmp(b->groups[k].id, dag->tasks[i].group) == 0 ? &b->groups[k] : group;
        }
        if (group == NULL || group->depends_on == NULL) {
            continue;
        }
        bool inside = false;
        for (uint32_t k = 0; k < dag->task_count; k++) {
            inside |= dag->tasks[k].group == group->id &&
                      mr_bits_get(g->direct + (size_t)i * g->words, k);
        }
        if (!inside) {
            uint32_t before = b->error_count;
            depend_all(g, i, group->depends_on);
            if (b->error_count > before) {
                return;  // It is the same for the others.
            }
        }
    }
}

// ---- order -----------------------------------------------------------------------------------

static void tell_circle(graph *g, const uint32_t *stack, uint32_t depth, uint32_t met) {
    mr_dag_build *b = g->b;
    uint32_t first = 0;
    while (stack[first] != met) {
        first++;
    }
    mr_text circle;
    mr_text_init(&circle, b->scratch);
    for (uint32_t i = first; i < depth && circle.bytes < 900; i++) {
        mr_text_addf(&circle, "%s -> ", b->dag->tasks[stack[i]].id);
    }
    mr_text_add(&circle, b->dag->tasks[met].id);
    bool self = depth - first == 1;
    mr_dag_note(b, mr_fail_at(b->cx, MR_E_VALUE, g->places[stack[depth - 1]],
                              self ? "Take it out of its own depends_on."
                                   : "Take one of these depends_on away.",
                              self ? "task \"%s\" depends on itself"
                                   : "tasks depend on each other in a circle: %s",
                              self ? b->dag->tasks[met].id : mr_text_string(&circle)));
}

// Fills order with the tasks, each behind its upstream. A stack of its own: chains may be long.
static bool put_in_order(graph *g, uint32_t *order) {
    uint32_t count = g->b->dag->task_count, done = 0;
    mr_arena *arena = g->b->scratch;
    uint8_t *state = MR_NEW_ARRAY(arena, uint8_t, count + 1);  // 1 = on the stack, 2 = in order.
    uint32_t *stack = MR_NEW_ARRAY(arena, uint32_t, count + 1);
    uint32_t *next = MR_NEW_ARRAY(arena, uint32_t, count + 1);
    for (uint32_t root = 0; root < count; root++) {
        if (state[root] != 0) {
            continue;
        }
        uint32_t depth = 1;
        stack[0] = root;
        state[root] = 1;
        while (depth > 0) {
            uint32_t task = stack[depth - 1];
            const uint64_t *row = g->direct + (size_t)task * g->words;
            uint32_t up = next[task];
            while (up < count && (!mr_bits_get(row, up) || state[up] == 2)) {
                up++;
            }
            next[task] = up;
            if (up == count) {
                state[task] = 2;
                order[done++] = task;
                depth--;
            } else if (state[up] == 1) {
                tell_circle(g, stack, depth, up);
                return false;
            } else {
                state[up] = 1;
                stack[depth++] = up;
            }
        }
    }
    return true;
}

static uint32_t *list_of(mr_dag_build *b, const uint32_t *items, uint32_t count) {
    uint32_t *list = MR_NEW_ARRAY(b->cx->arena, uint32_t, count + 1);
    memcpy(list, items, count * sizeof(uint32_t));
    return list;
}

// Moves the tasks into order and says upstream, downstream and what is above.
static void settle(graph *g, const uint32_t *order) {
    mr_dag_build *b = g->b;
    mr_dag *dag = b->dag;
    uint32_t count = dag->task_count;
    mr_dag_task *tasks = MR_NEW_ARRAY(b->cx->arena, mr_dag_task, count + 1);
    uint32_t *place_of = MR_NEW_ARRAY(b->scratch, uint32_t, count + 1);
    uint32_t *items = MR_NEW_ARRAY(b->scratch, uint32_t, count + 1);
    b->above = MR_NEW_ARRAY(b->scratch, uint64_t, (size_t)count * g->words + 1);
    b->words = g->words;
    for (uint32_t i = 0; i < count; i++) {
        tasks[i] = dag->tasks[order[i]];
        place_of[order[i]] = i;
        (void)mr_map_put(&b->tasks, mr_span_of(tasks[i].id), &tasks[i]);
    }
    dag->tasks = tasks;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *row = g->direct + (size_t)order[i] * g->words;
        uint64_t *above = b->above + (size_t)i * g->words;
        uint32_t found = 0;
        for (uint32_t k = 0; k < count; k++) {
            if (!mr_bits_get(row, k)) {
                continue;
            }
            uint32_t up = place_of[k];
            items[found++] = up;
            mr_bits_set(above, up);
            for (uint32_t w = 0; w < g->words; w++) {
                above[w] |= b->above[(size_t)up * g->words + w];
            }
            tasks[up].downstream_count++;
        }
        tasks[i].upstream = list_of(b, items, found);
        tasks[i].upstream_count = found;
    }
    for (uint32_t i = 0; i < count; i++) {
        tasks[i].downstream = MR_NEW_ARRAY(b->cx->arena, uint32_t, tasks[i].downstream_count + 1);
        tasks[i].downstream_count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < tasks[i].upstream_count; k++) {
            mr_dag_task *up = &tasks[tasks[i].upstream[k]];
            up->downstream[up->downstream_count++] = i;
        }
    }
}

static void look_at_shape(mr_dag_build *b) {
    for (uint32_t i = 0; i < b->dag->task_count; i++) {
        mr_dag_task *task = &b->dag->tasks[i];
        const mr_yaml *rule = mr_yaml_get(task->body, "trigger_rule");
        if (rule != NULL && task->upstream_count == 0) {
            mr_dag_remark(b, rule->place, "trigger_rule says nothing without depends_on");
        }
        if (task->type == NULL || strcmp(task->type->name, "branch") != 0) {
            continue;
        }
        if (task->downstream_count == 0) {
            mr_dag_remark(b, task->place, "nothing depends on branch \"%s\", so it chooses nothing",
                          task->id);
        }
    }
}

bool mr_dag_graph_link(mr_dag_build *b) {
    mr_dag *dag = b->dag;
    uint32_t count = dag->task_count;
    graph g = {.b = b, .words = count / 64 + 1};
    g.direct = MR_NEW_ARRAY(b->scratch, uint64_t, (size_t)count * g.words + 1);
    g.places = MR_NEW_ARRAY(b->scratch, mr_place, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const mr_yaml *node = mr_yaml_get(dag->tasks[i].body, "depends_on");
        g.places[i] = node == NULL ? dag->tasks[i].place : node->place;
        if (node != NULL && node->kind == MR_YAML_MAP) {
            mr_dag_note(b, mr_yaml_expect(node, MR_YAML_LIST, "key \"depends_on\"", b->cx));
        } else {
            depend_all(&g, i, node);
        }
    }
    depend_groups(&g);
    if (g.edges > MR_DAG_EDGES_MAX) {
        mr_dag_note(b, mr_fail_at(b->cx, MR_E_LIMIT, b->root->place,
                                  "Put a noop between groups that depend on each other.",
                                  "more than %d dependencies", MR_DAG_EDGES_MAX));
        return false;
    }
    uint32_t *order = MR_NEW_ARRAY(b->scratch, uint32_t, count + 1);
    if (!put_in_order(&g, order)) {
        return false;
    }
    settle(&g, order);
    look_at_shape(b);
    return true;
}

bool mr_dag_graph_is_above(const mr_dag_build *b, const mr_dag_task *task,
                           const mr_dag_task *upstream) {
    if (b->above == NULL) {
        return true;  // Not known: nothing is said about it.
    }
    uint32_t row = (uint32_t)(task - b->dag->tasks);
    return mr_bits_get(b->above + (size_t)row * b->words, (uint32_t)(upstream - b->dag->tasks));
}
