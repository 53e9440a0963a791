// Eval, compiling: a bound expression becomes a tree of nodes.
//
// How: one node an expression; each gets the function that runs it and, for calls, casts and
// comparisons, its kernel. On the way up it is noted which columns a part reads: the largest parts
// that read one text column and nothing else get a memo.

#include "exec/eval_node.h"
#include "exec/fn.h"

#define DEPTH_MAX 2000  // Deeper trees would end the stack, not the row.

// What a part reads.
typedef struct reads {
    bool any;         // Some column.
    bool many;        // More than one column, or the time: not a function of one column.
    uint32_t column;  // With any.
} reads;

typedef struct compiler {
    mr_eval *eval;
    const mr_schema *input;
    mr_cx *cx;
    uint32_t memo_capacity;
    uint32_t depth;
} compiler;

static mr_vector run_column(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    (void)rows;
    return run->columns[node->column];
}

static mr_vector run_const(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    (void)run, (void)rows;
    return node->constant;
}

static mr_vector run_now(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    (void)rows;
    mr_vector ret = mr_vector_flat(run->arena, node->type, 1);
    ret.kind = MR_CONST;
    ret.int64s[0] = run->env->now_us;
    return ret;
}

static mr_vector run_call(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    mr_vector *args = MR_NEW_ARRAY(run->arena, mr_vector, node->arg_count);
    for (uint32_t i = 0; i < node->arg_count; i++) {
        if (node->args[i]->reads_nothing) {
            args[i] = mr_eval_node_run(node->args[i], run, rows);
            // A NULL of the query makes the call NULL. One that all rows of a batch happen to have
            // does not: what the others fail on would depend on the batch.
            if (!node->sees_nulls && args[i].kind == MR_CONST && mr_vector_is_null(&args[i], 0)) {
                return mr_vector_null(run->arena, node->type);
            }
        }
    }
    for (uint32_t i = 0; i < node->arg_count; i++) {
        if (!node->args[i]->reads_nothing) {
            args[i] = mr_eval_node_run(node->args[i], run, rows);
        }
    }
    return mr_eval_node_call(node, run, rows, args);
}

static mr_eval_state *state_add(compiler *c) {
    mr_eval_state *state = MR_NEW(c->cx->arena, mr_eval_state);
    state->next = c->eval->states;
    c->eval->states = state;
    return state;
}

static mr_code kernel_find(compiler *c, const mr_expr *expr, mr_eval_node *node) {
    mr_cx *cx = c->cx;
    node->run = run_call;
    switch (expr->kind) {
    case MR_EXPR_CALL:
        mr_assert(expr->fn < MR_FN_ID_COUNT);
        node->zone = expr->zone;
        node->state = state_add(c);
        node->kernel = mr_fn_kernels[expr->fn];
        node->sees_nulls = (mr_function_table[expr->fn].flags & MR_FN_NULLS) != 0;
        return MR_OK;
    case MR_EXPR_EXTERNAL:
        node->state = state_add(c);
        node->external = expr->external;
        node->kernel = mr_eval_external;
        node->sees_nulls = expr->external->sees_nulls;
        return MR_OK;
    case MR_EXPR_CAST:
        node->kernel = mr_eval_cast_kernel(expr->args[0]->type.id, expr->type.id);
        node->try_cast = expr->try_cast;
        if (node->kernel == NULL) {
            return mr_fail_at(cx, MR_E_TYPE, expr->place, /* hint= */ NULL,
                              "cannot cast type %s to %s", mr_type_name(expr->args[0]->type),
                              mr_type_name(expr->type));
        }
        return MR_OK;
    case MR_EXPR_COMPARE:
        mr_assert(mr_type_equal(expr->args[0]->type, expr->args[1]->type));
        node->compare = expr->compare;
        node->kernel = mr_eval_compare_kernel(expr->args[0]->type, expr->compare);
        node->sees_nulls = expr->compare == MR_CMP_DISTINCT || expr->compare == MR_CMP_NOT_DISTINCT;
        return MR_OK;
    case MR_EXPR_NOT: node->kernel = mr_eval_logic_not; return MR_OK;
    case MR_EXPR_AND: node->run = mr_eval_logic_and; return MR_OK;
    case MR_EXPR_OR: node->run = mr_eval_logic_or; return MR_OK;
    case MR_EXPR_IS_NULL: node->run = mr_eval_logic_is_null; return MR_OK;
    case MR_EXPR_IS_TRUE: node->run = mr_eval_logic_is_true; return MR_OK;
    case MR_EXPR_IS_FALSE: node->run = mr_eval_logic_is_false; return MR_OK;
    case MR_EXPR_COALESCE: node->run = mr_eval_branch_coalesce; return MR_OK;
    case MR_EXPR_CASE: node->run = mr_eval_branch_case; return MR_OK;
    case MR_EXPR_COLUMN:
    case MR_EXPR_CONST:
    case MR_EXPR_NOW: break;
    }
    mr_assert(false);
    return MR_E_INTERNAL;
}

static void memo_add(compiler *c, mr_eval_node *node, uint32_t column) {
    mr_eval *eval = c->eval;
    if (eval->memo_count == c->memo_capacity) {
        uint32_t capacity = MR_MAX(8u, c->memo_capacity * 2);
        mr_eval_memo **grown = MR_NEW_ARRAY(c->cx->arena, mr_eval_memo *, capacity);
        for (uint32_t i = 0; i < eval->memo_count; i++) {
            grown[i] = eval->memos[i];
        }
        eval->memos = grown;
        c->memo_capacity = capacity;
    }
    node->memo = mr_eval_memo_new(c->cx->arena, column, c->input->count);
    eval->memos[eval->memo_count++] = node->memo;
}

// A part worth a memo: more than the column itself, and not only a look at its NULLs.
static bool memo_fits(const compiler *c, const mr_expr *expr, reads what) {
    return what.any && !what.many && c->input->columns[what.column].type.id == MR_TEXT &&
           expr->kind != MR_EXPR_COLUMN && expr->type.id != MR_NULLTYPE &&
           !(expr->kind == MR_EXPR_IS_NULL && expr->args[0]->kind == MR_EXPR_COLUMN);
}

static mr_code compile(compiler *c, const mr_expr *expr, mr_eval_node **ret, reads *ret_reads) {
    if (++c->depth > DEPTH_MAX) {
        return mr_fail_at(c->cx, MR_E_LIMIT, expr->place, "Split it over several views.",
                          "expression is nested more than %d deep", DEPTH_MAX);
    }
    mr_eval_node *node = MR_NEW(c->cx->arena, mr_eval_node);
    node->type = expr->type;
    *ret = node;
    *ret_reads = (reads){.any = false};
    if (expr->kind == MR_EXPR_COLUMN) {
        mr_assert(expr->column < c->input->count);
        node->run = run_column;
        node->column = expr->column;
        *ret_reads = (reads){.any = true, .column = expr->column};
    } else if (expr->kind == MR_EXPR_CONST) {
        mr_assert(expr->constant.kind == MR_CONST);
        node->run = run_const;
        node->constant = expr->constant;
    } else if (expr->kind == MR_EXPR_NOW) {
        node->run = run_now;
        ret_reads->many = true;
    } else {
        MR_TRY(kernel_find(c, expr, node));
        node->arg_count = expr->arg_count;
        node->args = MR_NEW_ARRAY(c->cx->arena, mr_eval_node *, expr->arg_count);
        reads *parts = MR_NEW_ARRAY(c->cx->arena, reads, expr->arg_count);
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            MR_TRY(compile(c, expr->args[i], &node->args[i], &parts[i]));
            bool other = ret_reads->any && parts[i].any && parts[i].column != ret_reads->column;
            ret_reads->many |= parts[i].many || other;
            ret_reads->column = parts[i].any ? parts[i].column : ret_reads->column;
            ret_reads->any |= parts[i].any;
        }
        if (ret_reads->many) {  // This part cannot have one, so the largest below it do.
            for (uint32_t i = 0; i < expr->arg_count; i++) {
                if (memo_fits(c, expr->args[i], parts[i])) {
                    memo_add(c, node->args[i], parts[i].column);
                }
            }
        }
    }
    node->reads_nothing = !ret_reads->any && !ret_reads->many;
    c->depth--;
    return MR_OK;
}

mr_code mr_eval_compile(const mr_expr *expr, const mr_schema *input, const mr_eval_env *env,
                        mr_eval **ret, mr_cx *cx) {
    mr_eval *eval = MR_NEW(cx->arena, mr_eval);
    eval->env = env;
    eval->column_count = input->count;
    compiler c = {.eval = eval, .input = input, .cx = cx};
    reads what;
    mr_code code = compile(&c, expr, &eval->root, &what);
    if (code != MR_OK) {
        mr_eval_close(eval);
        return code;
    }
    if (memo_fits(&c, expr, what)) {
        memo_add(&c, eval->root, what.column);
    }
    *ret = eval;
    return MR_OK;
}
