// Eval, external: calls of functions outside the function table, run like a kernel of their own.
//
// The function is opened when it is first needed, on the worker's thread. What fails as a whole
// (its library, memory) stops the run; a bad row only fails itself.

#include "exec/eval_node.h"
#include "port/external.h"

typedef struct external_state {
    const mr_external_type *type;
    void *state;
} external_state;

static void external_close(void *data) {
    external_state *s = data;
    s->type->close(s->state);
    mr_heap_free(s);
}

static mr_code external_state_get(const mr_eval_node *node, external_state **ret, mr_cx *cx) {
    if (node->state->data == NULL) {
        const mr_external *external = node->external;
        void *state;
        MR_TRY(external->type->open(external, &state, cx));
        external_state *s = mr_heap_alloc(sizeof *s);
        *s = (external_state){external->type, state};
        node->state->data = s;
        node->state->close = external_close;
    }
    *ret = node->state->data;
    return MR_OK;
}

static void external_fail(void *self, uint32_t row, const char *reason) {
    mr_eval_call_fail(self, row, "%s", reason);
}

static mr_code external_run(mr_fn_call *call, mr_cx *cx) {
    external_state *s;
    MR_TRY(external_state_get(call->node, &s, cx));
    mr_eval_rows live = mr_eval_call_live(call);
    if (!call->owns_valid) {
        mr_vector_own_valid(call->out, call->run->arena, call->rows);
        call->owns_valid = true;
    }
    mr_external_call out = {
        .args = call->args,
        .arg_count = call->arg_count,
        .sel = live.sel,
        .count = live.count,
        .rows = call->rows,
        .out = call->out,
        .arena = call->run->arena,
        .fail = external_fail,
        .self = call,
    };
    return s->type->run(s->state, &out, cx);
}

void mr_eval_external(mr_fn_call *call) {
    mr_eval_run *run = call->run;
    if (run->code == MR_OK) {
        run->code = external_run(call, run->cx);
    }
}
