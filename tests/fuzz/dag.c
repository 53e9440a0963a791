// Fuzz target: DAG files. What is read is in order and linked both ways; what is refused says
// where.

#include <stdint.h>

#include "base/jsonvalue.h"
#include "flow/dag.h"
#include "task/kinds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_dag(const mr_dag *dag, mr_cx *cx) {
    for (uint32_t i = 0; i < dag->task_count; i++) {
        const mr_dag_task *task = &dag->tasks[i];
        mr_assert(task->id != NULL && task->type != NULL);
        mr_assert(mr_dag_find(dag, mr_span_of(task->id)) == task);
        for (uint32_t k = 0; k < task->upstream_count; k++) {
            mr_assert(task->upstream[k] < i);
            const mr_dag_task *up = &dag->tasks[task->upstream[k]];
            bool known = false;
            for (uint32_t d = 0; d < up->downstream_count; d++) {
                known |= up->downstream[d] == i;
            }
            mr_assert(known);
        }
    }
    mr_span json;
    if (mr_dag_params(dag, (mr_span){0}, &json, cx) == MR_OK) {
        mr_assert(mr_jsonvalue_check(json));
    }
    int64_t tick_us = INT64_C(1764181800000000);
    for (int i = 0; i < 3 && tick_us != INT64_MAX; i++) {
        int64_t start_us, end_us;
        mr_dag_interval(dag, tick_us, &start_us, &end_us);
        mr_assert(start_us <= end_us);
        tick_us = mr_schedule_next(&dag->schedule, tick_us);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes > 16384) {
        return 0;
    }
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_dag_reader reader = {.kinds = mr_kinds};
    mr_dag *dag = NULL;
    mr_dag_errors errors = {0};
    mr_code code =
        mr_dag_read(&reader, "f", (mr_span){(const char *)data, bytes}, &dag, &errors, &cx);
    mr_assert((code == MR_OK) == (errors.count == 0) && (code == MR_OK) == (dag != NULL));
    for (uint32_t i = 0; i < errors.count; i++) {
        mr_assert(errors.items[i].text[0] != '\0' &&
                  errors.items[i].place.offset <= (int32_t)bytes);
    }
    if (dag != NULL) {
        check_dag(dag, &cx);
    }
    mr_dag_unref(dag);
    mr_arena_release(&arena);
    return 0;
}
