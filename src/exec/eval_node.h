// Eval, inside: nodes, the run of one batch, and what a kernel is called with. For eval_*.c and
// fn_*.c.
//
// A node computes its vector for a set of rows (mr_eval_rows). Vectors and validity maps are never
// changed after they were made, so nodes may share them. A node whose arguments are all CONST
// computes one row.

#pragma once

#include "exec/eval.h"

// Rows to compute: sel[0 .. count-1], ascending; sel NULL = rows 0 .. count-1.
typedef struct mr_eval_rows {
    const uint32_t *sel;
    uint32_t count;
} mr_eval_rows;

typedef struct mr_eval_node mr_eval_node;
typedef struct mr_eval_memo mr_eval_memo;
typedef struct mr_fn_call mr_fn_call;
typedef void (*mr_fn_kernel)(mr_fn_call *call);

// One evaluation of one batch (or, for a memo, of the new values of a dictionary).
typedef struct mr_eval_run {
    const mr_vector *columns;
    uint32_t rows;  // Of the vectors.
    const mr_eval_env *env;
    mr_arena *arena;
    uint64_t *failed;      // A bit a row; NULL until a row fails.
    const char **reasons;  // Of the failed rows.
    mr_cx *cx;             // For calls out of the program …
    mr_code code;          // … which may fail as a whole; the error is in cx.
} mr_eval_run;

// What a call keeps from batch to batch, such as compiled patterns: made by its kernel when it
// first needs it, freed with the eval. One thread uses it, as the eval.
typedef struct mr_eval_state {
    void *data;
    void (*close)(void *data);  // Set together with data.
    struct mr_eval_state *next;
} mr_eval_state;

struct mr_eval_node {
    mr_vector (*run)(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows);
    mr_type type;
    mr_eval_node **args;
    uint32_t arg_count;
    mr_fn_kernel kernel;  // Calls, casts and comparisons.
    bool sees_nulls;      // The kernel sees NULLs itself.
    bool try_cast;        // A failure is NULL.
    bool reads_nothing;   // No column and no clock: the same for every batch.
    uint32_t column;
    mr_compare compare;
    mr_vector constant;
    const mr_external *external;
    const mr_zone *zone;   // Of timezone(…).
    mr_eval_state *state;  // Of a call.
    mr_eval_memo *memo;    // Set on the top of a part that reads nothing but one text column.
};

struct mr_eval {
    mr_eval_node *root;
    const mr_eval_env *env;
    mr_eval_memo **memos;  // memo_count of them, for close.
    uint32_t memo_count;
    mr_eval_state *states;  // Of all calls, for close.
    uint32_t column_count;  // Of the input.
};

// A call of a kernel. out is FLAT with room for `rows`; strict kernels have out->valid set to where
// all arguments are valid, and never see a CONST NULL.
struct mr_fn_call {
    const mr_vector *args;
    uint32_t arg_count;
    mr_vector *out;
    uint32_t rows;
    mr_eval_rows selected;
    bool owns_valid;  // out->valid belongs to this call and may be changed.
    const mr_eval_node *node;
    mr_eval_run *run;
    mr_eval_rows constant_for;  // All arguments CONST: the rows that fail when the one row does.
    bool is_constant;
};

mr_vector mr_eval_node_run(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows);
// The rows of `rows` whose bit in valid is set (or clear). Memory: run->arena.
mr_eval_rows mr_eval_node_valid(mr_eval_run *run, mr_eval_rows rows, const mr_vector *vector,
                                bool valid);
// Calls node's kernel over ready arguments; NULL handling and constants as above.
mr_vector mr_eval_node_call(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows,
                            const mr_vector *args);

// ---- for kernels -----------------------------------------------------------------------------

// Rows of a strict kernel that are selected and not NULL: for work that costs or may fail.
mr_eval_rows mr_eval_call_live(mr_fn_call *call);
// A superset of them: all rows when most are selected, so that loops run without a selection. The
// values of other rows are readable numbers without meaning (never for strings).
mr_eval_rows mr_eval_call_dense(const mr_fn_call *call);
void mr_eval_call_null(mr_fn_call *call, uint32_t row);  // The row's result is NULL.
// The row fails for a reason ("cannot cast …"; "expression: " is put before it).
void mr_eval_call_fail(mr_fn_call *call, uint32_t row, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// A value as it stands in a reason: quoted, cut to 64 bytes. Memory: run->arena.
const char *mr_eval_call_quote(mr_fn_call *call, mr_str value);
const char *mr_eval_call_value(mr_fn_call *call, uint32_t arg, uint32_t row);
void mr_eval_fail(mr_eval_run *run, uint32_t row, const char *reason);

static inline uint32_t mr_eval_row(mr_eval_rows rows, uint32_t i) {
    return rows.sel != NULL ? rows.sel[i] : i;
}

// ---- nodes by kind -----------------------------------------------------------------------------

mr_vector mr_eval_logic_and(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows);
mr_vector mr_eval_logic_or(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows);
mr_vector mr_eval_logic_is_null(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows);
mr_vector mr_eval_logic_is_true(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows);
mr_vector mr_eval_logic_is_false(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows);
mr_vector mr_eval_branch_coalesce(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows);
mr_vector mr_eval_branch_case(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows);
void mr_eval_logic_not(mr_fn_call *call);  // A kernel.
mr_fn_kernel mr_eval_compare_kernel(mr_type type, mr_compare compare);
// Order of a row's values, both not NULL and of one type: < 0, 0, > 0.
int mr_eval_compare_order(const mr_vector *a, const mr_vector *b, uint32_t row);
mr_fn_kernel mr_eval_cast_kernel(mr_type_id from, mr_type_id to);  // NULL = no such cast.

// ---- memo --------------------------------------------------------------------------------------

mr_eval_memo *mr_eval_memo_new(mr_arena *arena, uint32_t column, uint32_t column_count);
void mr_eval_memo_close(mr_eval_memo *memo);
// The node's result over a DICT column by looking it up; false when the dictionary cannot be
// memoised.
bool mr_eval_memo_run(mr_eval_memo *memo, const mr_eval_node *node, mr_eval_run *run,
                      mr_eval_rows rows, mr_vector *ret);

void mr_eval_external(mr_fn_call *call);  // eval_external.c
