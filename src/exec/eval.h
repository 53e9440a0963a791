// Eval: compiled expressions over batches.
//
// How: an expression compiles to a flat list of steps, each one kernel call writing one vector; constants and
// dictionary columns are computed once (a pure function of one DICT column is memoised per dictionary value).
// Results are aligned with the input's rows: row r of a result belongs to row r of the batch; rows outside
// the selection are unspecified.
// Failing rows: a kernel that cannot compute a row marks it in `failed`; the operator sends it to the bad table.
// Memory: vectors in cx->arena. Threads: an mr_eval belongs to one worker.

#pragma once

#include "column/batch.h"
#include "sql/expr.h"

typedef struct mr_eval mr_eval;

// What an evaluation needs from its surroundings.
typedef struct mr_eval_env {
    const mr_zone *zone;
    int64_t now_us;  // The epoch's time.
} mr_eval_env;

// Rows that failed, in ascending order, with the first reason. Memory: cx->arena.
typedef struct mr_eval_failures {
    uint32_t *rows;
    const char **reasons;
    uint32_t count;
} mr_eval_failures;

mr_code mr_eval_compile(const mr_expr *expr, const mr_schema *input, const mr_eval_env *env,
                        mr_eval **ret,
                        mr_cx *cx);  // Memory: cx->arena; env is borrowed and read live.
void mr_eval_close(mr_eval *eval);   // Frees memo tables.
mr_type mr_eval_type(const mr_eval *eval);
// The value of every selected row. failures may be NULL only for expressions that cannot fail.
mr_code mr_eval_vector(mr_eval *eval, const mr_batch *in, mr_vector *ret,
                       mr_eval_failures *failures, mr_cx *cx);
// The selected rows where a BOOL expression is TRUE: ret_sel (cx->arena) and its count.
mr_code mr_eval_select(mr_eval *eval, const mr_batch *in, uint32_t **ret_sel, uint32_t *ret_count,
                       mr_eval_failures *failures, mr_cx *cx);
// One constant expression, folded: used by the planner's caller for tests.
