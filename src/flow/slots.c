// Slots: which of the queued tasks go now: parallelism, pools, max_active_tasks, by priority; and
// what a task that does not go waits for.
//
// Slots are never counted apart from the tasks that hold them: what is in use is added up anew from
// the open tries, so no slot can leak. A task that waits (for a retry, between two looks) holds
// none. Order: runs of backfills last, then priority_weight, then the older run.
//
// Also: mr_slots_

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flow/state.h"

#define DEFAULT_POOL "default_pool"

static const char *pool_of(const mr_flow_task *task) {
    return task->spec == NULL || task->spec->pool == NULL ? DEFAULT_POOL : task->spec->pool;
}

static int64_t slots_of(const mr_flow_task *task) {
    return task->spec == NULL ? 1 : task->spec->pool_slots;
}

// Its slots; -1: there is no such pool.
static int64_t slots_in(mr_flow *flow, const char *name, mr_cx *cx) {
    if (flow->pools == NULL &&  // Once a turn.
        mr_vault_list(flow->vault, "pool", &flow->pools, &flow->pool_count, cx) != MR_OK) {
        flow->pool_count = 0;
        (void)mr_flow_is_ours(flow, cx);
    }
    for (uint32_t i = 0; i < flow->pool_count; i++) {
        if (strcmp(flow->pools[i].name, name) == 0) {
            return flow->pools[i].number;
        }
    }
    return strcmp(name, DEFAULT_POOL) == 0 ? flow->settings.default_pool_slots : -1;
}

// What is taken of a pool.
static int64_t used(const mr_flow *flow, const char *pool) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < flow->open_count; i++) {
        sum += strcmp(pool_of(flow->open[i]), pool) == 0 ? slots_of(flow->open[i]) : 0;
    }
    return sum;
}

static int64_t active_tasks(const mr_flow *flow, const mr_flow_dag *dag) {
    int64_t count = 0;
    for (uint32_t i = 0; i < flow->open_count; i++) {
        count += flow->open[i]->run->owner == dag && !flow->open[i]->callback ? 1 : 0;
    }
    return count;
}

static int64_t weight_of(const mr_flow_task *task) {
    return task->spec == NULL ? INT64_MAX : task->spec->priority_weight;
}

static int by_priority(const void *left, const void *right) {
    const mr_flow_task *a = *(mr_flow_task *const *)left, *b = *(mr_flow_task *const *)right;
    bool late_a = a->run->row.type == MR_RUN_IS_BACKFILL;
    bool late_b = b->run->row.type == MR_RUN_IS_BACKFILL;
    if (late_a != late_b) {
        return late_a ? 1 : -1;
    }
    if (weight_of(a) != weight_of(b)) {
        return weight_of(a) > weight_of(b) ? -1 : 1;
    }
    if (a->run->row.id != b->run->row.id) {
        return a->run->row.id < b->run->row.id ? -1 : 1;
    }
    if (a->spec != b->spec) {
        return a->spec < b->spec ? -1 : 1;  // The DAG's order.
    }
    return a->row.map_index < b->row.map_index ? -1 : 1;
}

static uint32_t list_queued(mr_flow *flow, mr_flow_task ***ret, mr_cx *cx) {
    uint32_t count = 0;
    for (const mr_run *run = flow->runs; run != NULL; run = run->next) {
        count += run->row.state == MR_RUN_RUNNING ? run->task_count : 0;
    }
    mr_flow_task **queued = MR_NEW_ARRAY(cx->arena, mr_flow_task *, count + 1u);
    count = 0;
    for (const mr_run *run = flow->runs; run != NULL; run = run->next) {
        for (uint32_t i = 0; run->row.state == MR_RUN_RUNNING && i < run->task_count; i++) {
            if (run->tasks[i]->row.state == MR_STATE_QUEUED) {
                queued[count++] = run->tasks[i];
            }
        }
    }
    qsort(queued, count, sizeof(mr_flow_task *), by_priority);
    *ret = queued;
    return count;
}

// What is in the way of a queued task, or NULL.
static const char *in_the_way(mr_flow *flow, const mr_flow_task *task, mr_cx *cx) {
    if ((int64_t)flow->open_count >= flow->settings.parallelism) {
        return mr_arena_printf(cx->arena, "flow.parallelism: %" PRId64 " tasks run already",
                               flow->settings.parallelism);
    }
    const mr_dag *dag = task->run->dag;
    if (!task->callback && active_tasks(flow, task->run->owner) >= dag->max_active_tasks) {
        return mr_arena_printf(cx->arena,
                               "max_active_tasks: %" PRId64 " tasks of this DAG run already",
                               dag->max_active_tasks);
    }
    const char *pool = pool_of(task);
    int64_t all = slots_in(flow, pool, cx), taken = used(flow, pool);
    if (all < 0) {
        return mr_arena_printf(cx->arena, "there is no pool \"%s\": millrace pool set %s SLOTS",
                               pool, pool);
    }
    if (slots_of(task) > all) {
        return mr_arena_printf(cx->arena,
                               "pool \"%s\" has %" PRId64 " slots, the task takes %" PRId64, pool,
                               all, slots_of(task));
    }
    return taken + slots_of(task) <= all
               ? NULL
               : mr_arena_printf(cx->arena,
                                 "pool \"%s\": %" PRId64 " of %" PRId64 " slots are taken", pool,
                                 taken, all);
}

mr_code mr_slots_fill(mr_flow *flow, mr_cx *cx) {
    if ((int64_t)flow->open_count >= flow->settings.parallelism) {
        return MR_OK;
    }
    mr_flow_task **queued = NULL;
    uint32_t count = list_queued(flow, &queued, cx);
    for (uint32_t i = 0; i < count; i++) {
        if ((int64_t)flow->open_count >= flow->settings.parallelism) {
            return MR_OK;
        }
        bool paused = queued[i]->run->owner->row.paused && !queued[i]->callback;
        if (!paused && in_the_way(flow, queued[i], cx) == NULL) {
            MR_TRY(mr_tries_launch(flow, queued[i], cx));
        }
    }
    return MR_OK;
}

void mr_slots_why(mr_flow *flow, const mr_flow_task *task, mr_text *out, mr_cx *cx) {
    if (task->run->owner->row.paused) {
        mr_text_add(out, "the DAG is paused");
        return;
    }
    const char *why = in_the_way(flow, task, cx);
    mr_text_add(out, why == NULL ? "nothing: it goes with the next turn" : why);
}
