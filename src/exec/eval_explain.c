// Eval, explained: which functions of an expression have a kernel here, and which are delegated.
//
// The one place that EXPLAIN asks, so that it cannot say something else than what runs. Part of
// eval.h.

#include <string.h>

#include "exec/eval.h"
#include "exec/fn.h"

void mr_eval_explain(const mr_expr *expr, mr_map *native, mr_map *delegated) {
    if (expr->kind == MR_EXPR_CALL) {
        mr_span name = mr_span_of(mr_function_table[expr->fn].name);
        mr_map *names = mr_fn_kernels[expr->fn] != NULL ? native : delegated;
        (void)mr_map_put(names, name, (void *)(uintptr_t)expr);
    }
    if (expr->kind == MR_EXPR_EXTERNAL) {
        bool duck = strcmp(expr->external->type->kind, "DuckDB") == 0;
        mr_span name = mr_span_of(expr->external->name);
        (void)mr_map_put(duck ? delegated : native, name, (void *)(uintptr_t)expr);
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        mr_eval_explain(expr->args[i], native, delegated);
    }
}
