// Eval: compiled expressions over batches.
//
// How: an expression compiles to a tree of nodes, each of which computes one vector for a set of
// rows with one kernel call. CASE, COALESCE, AND and OR hand their branches only the rows that need
// them, so that a guarded cast or division fails no row. A part that is a pure function of a single
// text column is memoised per dictionary value: over a DICT column it costs one table look-up a row
// and gives a DICT again. Results are aligned with the input's rows: row r of a result belongs to
// row r of the batch; rows outside the selection are unspecified. A failed row's value is readable
// and means nothing. Failing rows: a kernel that cannot compute a row marks it; the operator sends
// it to the bad table. Memory: vectors in cx->arena, and views into the input. Threads: an mr_eval
// belongs to one worker.
//
// Dictionaries of results: eval does not touch the batch's hold, which other threads may share
// behind an exchange. A DICT result's dictionary stays alive until the next call of the same eval,
// or its close. That is enough for everything done within a push, since operators copy what they
// keep. Who hands a batch on for longer (an exchange, before it gives references to others, on the
// thread that owns the hold) calls mr_eval_hold_dicts first. Behind an exchange holds are shared
// and nobody adds to them.

#pragma once

#include "base/map.h"
#include "column/batch.h"
#include "sql/expr.h"

typedef struct mr_eval mr_eval;

// What an evaluation needs from its surroundings.
typedef struct mr_eval_env {
    const mr_zone *zone;
    int64_t now_us;  // The epoch's time.
} mr_eval_env;

// Rows that failed, in ascending order, with the first reason ("expression: cannot cast \"abc\" to
// integer"). Overwritten by each call. Memory: cx->arena.
typedef struct mr_eval_failures {
    uint32_t *rows;
    const char **reasons;
    uint32_t count;
} mr_eval_failures;

mr_code mr_eval_compile(const mr_expr *expr, const mr_schema *input, const mr_eval_env *env,
                        mr_eval **ret,
                        mr_cx *cx);  // Memory: cx->arena; env is borrowed and read live.
void mr_eval_close(mr_eval *eval);   // Frees memo tables and what calls kept.
mr_type mr_eval_type(const mr_eval *eval);
// The value of every selected row. failures may be NULL only for expressions that cannot fail.
mr_code mr_eval_vector(mr_eval *eval, const mr_batch *in, mr_vector *ret,
                       mr_eval_failures *failures, mr_cx *cx);
// The selected rows where a BOOL expression is TRUE: ret_sel (cx->arena) and its count.
mr_code mr_eval_select(mr_eval *eval, const mr_batch *in, uint32_t **ret_sel, uint32_t *ret_count,
                       mr_eval_failures *failures, mr_cx *cx);
// Makes the batch's hold (if any) keep the dictionaries of its DICT columns. By the hold's owner
// only.
void mr_eval_hold_dicts(const mr_batch *batch);
// eval_explain.c: adds the names of the functions that an expression calls: to `native` those with
// a kernel here, to `delegated` those that DuckDB runs. Values are of no use.
void mr_eval_explain(const mr_expr *expr, mr_map *native, mr_map *delegated);
