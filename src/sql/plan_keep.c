// Plan keep: a part of a pipeline, for who runs some of its queries only.

#include "sql/plan.h"

static const mr_plan *scan_of(const mr_plan *plan) {
    while (plan->kind != MR_PLAN_SCAN) {
        plan = plan->input;
    }
    return plan;
}

void mr_plan_keep(mr_pipeline *pipeline, const bool *keep) {
    bool *used = MR_NEW_ARRAY(pipeline->arena, bool, pipeline->plan_count + 1);
    uint32_t inserts = 0;
    uint32_t source = 0;
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        if (!keep[i]) {
            continue;
        }
        const mr_plan_insert *insert = &pipeline->inserts[i];
        uint32_t own = scan_of(insert->root)->scan.source;
        mr_assert(inserts == 0 || own == source);
        source = own;
        for (const mr_plan *plan = insert->root; plan != NULL; plan = plan->input) {
            used[plan->id] = true;
        }
        pipeline->inserts[inserts++] = *insert;
    }
    mr_assert(inserts > 0);
    pipeline->insert_count = inserts;
    uint32_t plans = 0;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        if (used[p]) {
            pipeline->plans[p]->id = plans;
            pipeline->plans[plans++] = pipeline->plans[p];
        }
    }
    pipeline->plan_count = plans;
    for (uint32_t p = 0; p < plans; p++) {
        if (pipeline->plans[p]->kind == MR_PLAN_SCAN) {
            pipeline->plans[p]->scan.source = 0;
        }
    }
    pipeline->sources[0] = pipeline->sources[source];
    pipeline->source_count = 1;
}
