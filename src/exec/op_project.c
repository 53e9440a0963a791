// Project: computes the output columns, one expression each; a plain column is passed on as it is.
//
// A row on which an expression fails goes to the bad table, whole: its other columns are not
// emitted. State: none. Row order: kept.

#include "exec/op.h"

typedef struct op_project {
    mr_op base;
    mr_eval **evals;  // NULL where the expression is a plain column.
} op_project;

static mr_code project_open(mr_op *base, mr_cx *cx) {
    op_project *op = (op_project *)base;
    const mr_plan *plan = base->plan;
    op->evals = MR_NEW_ARRAY(cx->arena, mr_eval *, plan->schema->count);
    for (uint32_t c = 0; c < plan->schema->count; c++) {
        if (plan->project.exprs[c]->kind != MR_EXPR_COLUMN) {
            MR_TRY(mr_eval_compile(plan->project.exprs[c], plan->input->schema, &base->env->eval,
                                   &op->evals[c], cx));
        }
    }
    return MR_OK;
}

static mr_code project_push(mr_op *base, uint32_t port, const mr_batch *in, mr_cx *cx) {
    op_project *op = (op_project *)base;
    mr_assert(port == 0);
    const mr_schema *schema = base->plan->schema;
    mr_batch sound = *in;
    mr_vector *columns = mr_arena_raw(cx->arena, schema->count * sizeof *columns);
    for (uint32_t c = 0; c < schema->count; c++) {
        if (op->evals[c] == NULL) {
            columns[c] = in->columns[base->plan->project.exprs[c]->column];
            continue;
        }
        mr_eval_failures failures = {0};
        MR_TRY(mr_eval_vector(op->evals[c], &sound, &columns[c], &failures, cx));
        mr_batch kept;
        MR_TRY(mr_op_reject(base, &sound, &failures, &kept, cx));
        sound = kept;
    }
    mr_batch out = sound;
    out.columns = columns;
    out.column_count = schema->count;
    return mr_op_emit(base, &out, cx);
}

static void project_close(mr_op *base) {
    op_project *op = (op_project *)base;
    for (uint32_t c = 0; op->evals != NULL && c < base->plan->schema->count; c++) {
        if (op->evals[c] != NULL) {
            mr_eval_close(op->evals[c]);
        }
    }
}

const mr_op_type mr_op_project = {
    .name = "project",
    .file = __FILE__,
    .size = sizeof(op_project),
    .open = project_open,
    .push = project_push,
    .close = project_close,
};
