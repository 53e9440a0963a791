// Eval: runs compiled expressions; see eval.h. Compiling is in eval_compile.c.

#include "exec/eval.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "exec/eval_node.h"

#define QUOTE_BYTES 64

// ---- failures ----------------------------------------------------------------------------------

void mr_eval_fail(mr_eval_run *run, uint32_t row, const char *reason) {
    mr_assert(row < run->rows);
    if (run->failed == NULL) {
        run->failed = MR_NEW_ARRAY(run->arena, uint64_t, mr_bits_words(run->rows));
        run->reasons = MR_NEW_ARRAY(run->arena, const char *, run->rows);
    }
    if (!mr_bits_get(run->failed, row)) {
        mr_bits_set(run->failed, row);
        run->reasons[row] = reason;
    }
}

void mr_eval_call_fail(mr_fn_call *call, uint32_t row, const char *format, ...) {
    mr_eval_call_null(call, row);
    if (call->node->try_cast) {
        return;
    }
    char reason[512];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    const char *kept = mr_arena_printf(call->run->arena, "expression: %s", reason);
    if (!call->is_constant) {
        mr_eval_fail(call->run, row, kept);
        return;
    }
    for (uint32_t i = 0; i < call->constant_for.count; i++) {
        mr_eval_fail(call->run, mr_eval_row(call->constant_for, i), kept);
    }
}

const char *mr_eval_call_quote(mr_fn_call *call, mr_str value) {
    uint32_t bytes = value.bytes;
    if (bytes > QUOTE_BYTES) {
        bytes = QUOTE_BYTES;
        while (bytes > 0 && ((uint8_t)value.data[bytes] & 0xC0) == 0x80) {
            bytes--;  // Not inside a character.
        }
    }
    return mr_arena_printf(call->run->arena, "\"%.*s%s\"", (int)bytes, value.data,
                           bytes < value.bytes ? "…" : "");
}

const char *mr_eval_call_value(mr_fn_call *call, uint32_t arg, uint32_t row) {
    mr_text text;
    mr_text_init(&text, call->run->arena);
    mr_vector_print(&call->args[arg], row, call->run->env->zone, &text);
    return mr_text_string(&text);
}

// The failed rows as a list. A row fails only where it was selected.
static void failures_take(const mr_eval_run *run, mr_eval_failures *ret) {
    if (run->failed == NULL) {
        if (ret != NULL) {
            *ret = (mr_eval_failures){.count = 0};
        }
        return;
    }
    mr_assert(ret != NULL);
    uint32_t count = (uint32_t)mr_bits_count(run->failed, run->rows);
    ret->rows = MR_NEW_ARRAY(run->arena, uint32_t, count);
    ret->reasons = MR_NEW_ARRAY(run->arena, const char *, count);
    ret->count = 0;
    for (uint32_t row = 0; row < run->rows; row++) {
        if (mr_bits_get(run->failed, row)) {
            ret->rows[ret->count] = row;
            ret->reasons[ret->count++] = run->reasons[row];
        }
    }
}

// ---- calls -------------------------------------------------------------------------------------

mr_eval_rows mr_eval_node_valid(mr_eval_run *run, mr_eval_rows rows, const mr_vector *vector,
                                bool valid) {
    uint32_t *sel = mr_arena_raw(run->arena, sizeof(uint32_t) * (rows.count + 1));
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        sel[count] = row;
        count += mr_vector_is_null(vector, row) != valid;
    }
    return (mr_eval_rows){.sel = sel, .count = count};
}

mr_eval_rows mr_eval_call_live(mr_fn_call *call) {
    if (call->out->valid == NULL || call->node->sees_nulls) {
        return call->selected;
    }
    return mr_eval_node_valid(call->run, call->selected, call->out, /* valid= */ true);
}

mr_eval_rows mr_eval_call_dense(const mr_fn_call *call) {
    bool sparse = call->selected.sel != NULL && call->selected.count < call->rows / 4;
    return sparse ? call->selected : (mr_eval_rows){.sel = NULL, .count = call->rows};
}

void mr_eval_call_null(mr_fn_call *call, uint32_t row) {
    if (!call->owns_valid) {
        mr_vector_own_valid(call->out, call->run->arena, call->rows);
        call->owns_valid = true;
    }
    mr_bits_clear(call->out->valid, row);
}

// The map of rows where every argument is valid; false when a CONST NULL makes all NULL.
static bool combine_valid(const mr_vector *args, uint32_t count, mr_fn_call *call) {
    size_t words = mr_bits_words(call->rows);
    for (uint32_t i = 0; i < count; i++) {
        if (args[i].kind == MR_CONST || args[i].valid == NULL) {
            if (mr_vector_is_null(&args[i], 0) || args[i].type.id == MR_NULLTYPE) {
                return false;
            }
        } else if (call->out->valid == NULL) {
            call->out->valid = args[i].valid;
        } else {
            if (!call->owns_valid) {
                mr_vector_own_valid(call->out, call->run->arena, call->rows);
                call->owns_valid = true;
            }
            for (size_t w = 0; w < words; w++) {
                call->out->valid[w] &= args[i].valid[w];
            }
        }
    }
    return true;
}

mr_vector mr_eval_node_call(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows,
                            const mr_vector *args) {
    bool all_const = true;
    for (uint32_t i = 0; i < node->arg_count; i++) {
        all_const &= args[i].kind == MR_CONST;
    }
    mr_fn_call call = {
        .args = args,
        .arg_count = node->arg_count,
        .rows = all_const ? 1 : run->rows,
        .selected = all_const ? (mr_eval_rows){.count = 1} : rows,
        .node = node,
        .run = run,
        .constant_for = rows,
        .is_constant = all_const,
    };
    mr_vector out = {.type = node->type};
    call.out = &out;
    if (!node->sees_nulls && !combine_valid(args, node->arg_count, &call)) {
        return mr_vector_null(run->arena, node->type);
    }
    out.data = mr_arena_raw(run->arena, mr_type_bytes(node->type) * call.rows);
    if (mr_type_is_string(node->type)) {
        for (uint32_t row = 0; row < call.rows; row++) {
            out.strs[row] = (mr_str){.data = ""};  // NULL and failed rows stay readable.
        }
    }
    node->kernel(&call);
    out.kind = all_const ? MR_CONST : MR_FLAT;
    return out;
}

mr_vector mr_eval_node_run(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    mr_vector ret;
    if (node->memo != NULL && mr_eval_memo_run(node->memo, node, run, rows, &ret)) {
        return ret;
    }
    return node->run(node, run, rows);
}

// ---- the calls of eval.h ---------------------------------------------------------------------

mr_type mr_eval_type(const mr_eval *eval) {
    return eval->root->type;
}

void mr_eval_close(mr_eval *eval) {
    if (eval == NULL) {
        return;
    }
    for (uint32_t i = 0; i < eval->memo_count; i++) {
        mr_eval_memo_close(eval->memos[i]);
    }
    eval->memo_count = 0;
    for (mr_eval_state *state = eval->states; state != NULL; state = state->next) {
        if (state->data != NULL) {
            state->close(state->data);
            state->data = NULL;
        }
    }
}

static mr_eval_run run_start(const mr_eval *eval, const mr_batch *in, mr_cx *cx) {
    mr_assert(in->rows <= MR_BATCH_ROWS_MAX && in->column_count >= eval->column_count);
    return (mr_eval_run){
        .columns = in->columns,
        .rows = in->rows,
        .env = eval->env,
        .arena = cx->arena,
        .cx = cx,
    };
}

static mr_eval_rows rows_of(const mr_batch *in) {
    return (mr_eval_rows){.sel = in->sel, .count = in->sel != NULL ? in->sel_count : in->rows};
}

mr_code mr_eval_vector(mr_eval *eval, const mr_batch *in, mr_vector *ret,
                       mr_eval_failures *failures, mr_cx *cx) {
    mr_eval_run run = run_start(eval, in, cx);
    *ret = mr_eval_node_run(eval->root, &run, rows_of(in));
    failures_take(&run, failures);
    return run.code;
}

// Narrows rows to those where a node is TRUE. Only TRUE matters here, so an AND narrows step by
// step.
static mr_eval_rows select_true(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    if (node->run == mr_eval_logic_and && node->memo == NULL) {
        for (uint32_t i = 0; i < node->arg_count && rows.count > 0; i++) {
            rows = select_true(node->args[i], run, rows);
        }
        return rows;
    }
    mr_vector v = mr_eval_node_run(node, run, rows);
    uint32_t *sel = mr_arena_raw(run->arena, sizeof(uint32_t) * (rows.count + 1));
    uint32_t count = 0;
    if (v.kind == MR_CONST) {
        bool all = !mr_vector_is_null(&v, 0) && v.bools[0] != 0;
        return all ? rows : (mr_eval_rows){.sel = sel, .count = 0};
    }
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        sel[count] = row;
        count += v.bools[row] != 0 && (v.valid == NULL || mr_bits_get(v.valid, row));
    }
    return (mr_eval_rows){.sel = sel, .count = count};
}

mr_code mr_eval_select(mr_eval *eval, const mr_batch *in, uint32_t **ret_sel, uint32_t *ret_count,
                       mr_eval_failures *failures, mr_cx *cx) {
    mr_assert(eval->root->type.id == MR_BOOL);
    mr_eval_run run = run_start(eval, in, cx);
    mr_eval_rows kept = select_true(eval->root, &run, rows_of(in));
    uint32_t *sel = mr_arena_raw(cx->arena, sizeof(uint32_t) * (kept.count + 1));
    uint32_t count = 0;
    for (uint32_t i = 0; i < kept.count; i++) {
        uint32_t row = mr_eval_row(kept, i);
        sel[count] = row;
        count += run.failed == NULL || !mr_bits_get(run.failed, row);
    }
    *ret_sel = sel;
    *ret_count = count;
    failures_take(&run, failures);
    return run.code;
}

void mr_eval_hold_dicts(const mr_batch *batch) {
    for (uint32_t c = 0; batch->hold != NULL && c < batch->column_count; c++) {
        if (batch->columns[c].kind == MR_DICT) {
            mr_hold_add_dict(batch->hold, batch->columns[c].dict);
        }
    }
}
