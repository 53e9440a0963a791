// Eval, logic: AND, OR, NOT and the IS tests, three-valued.
//
// How: AND and OR look at an argument only for the rows that the arguments before it left open, so
// that `x <> 0 AND 1 / x > 2` evaluates no division by zero. A row is closed by FALSE (AND) or TRUE
// (OR); a row that stays open is NULL if any argument was NULL there.

#include "exec/eval_node.h"

static mr_vector bool_const(mr_eval_run *run, bool value) {
    mr_vector ret = mr_vector_flat(run->arena, MR_TYPE(MR_BOOL), 1);
    ret.kind = MR_CONST;
    ret.bools[0] = value;
    return ret;
}

// One argument: rows where it is `closing` are closed and get that value. Returns the rows still
// open.
static mr_eval_rows step(mr_eval_run *run, mr_eval_rows open, const mr_vector *v, uint8_t closing,
                         mr_vector *out) {
    uint32_t *sel = mr_arena_raw(run->arena, sizeof(uint32_t) * (open.count + 1));
    uint32_t count = 0;
    const uint64_t *valid = v->valid;
    bool has_nulls = false;
    for (uint32_t i = 0; i < open.count; i++) {
        uint32_t row = mr_eval_row(open, i);
        uint32_t at = mr_vector_at(v, row);
        bool null = valid != NULL && !mr_bits_get(valid, at);
        bool closes = !null && v->bools[at] == closing;
        has_nulls |= null;
        sel[count] = row;
        count += !closes;
        if (closes) {
            out->bools[row] = closing;
        }
    }
    if (has_nulls) {
        if (out->valid == NULL) {
            mr_vector_own_valid(out, run->arena, run->rows);
        }
        for (uint32_t i = 0; i < open.count; i++) {
            uint32_t row = mr_eval_row(open, i);
            if (mr_vector_is_null(v, row)) {
                mr_bits_clear(out->valid, row);
            }
        }
    }
    return (mr_eval_rows){.sel = sel, .count = count};
}

static mr_vector run_logic(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows,
                           uint8_t closing) {
    mr_vector out = mr_vector_flat(run->arena, node->type, run->rows);
    mr_vector seen = out;  // The same values; its map says where an argument was NULL.
    memset(out.bools, !closing, run->rows);
    mr_eval_rows open = rows;
    bool all_const = true;
    for (uint32_t i = 0; i < node->arg_count && open.count > 0; i++) {
        mr_vector v = mr_eval_node_run(node->args[i], run, open);
        all_const &= v.kind == MR_CONST;
        if (v.kind == MR_CONST && !mr_vector_is_null(&v, 0)) {
            if (v.bools[0] == closing && open.count == rows.count) {
                return bool_const(run, closing != 0);
            }
            if (v.bools[0] != closing) {
                continue;
            }
        }
        open = step(run, open, &v, closing, &seen);
    }
    if (all_const && seen.valid == NULL && open.count == rows.count) {
        return bool_const(run, !closing);
    }
    if (seen.valid != NULL) {  // NULL where one was seen and the row stayed open.
        mr_vector_own_valid(&out, run->arena, run->rows);
        for (uint32_t i = 0; i < open.count; i++) {
            uint32_t row = mr_eval_row(open, i);
            mr_bits_put(out.valid, row, mr_bits_get(seen.valid, row));
        }
    }
    return out;
}

mr_vector mr_eval_logic_and(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    return run_logic(node, run, rows, /* closing= */ 0);
}

mr_vector mr_eval_logic_or(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    return run_logic(node, run, rows, /* closing= */ 1);
}

void mr_eval_logic_not(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_dense(call);
    const mr_vector *in = &call->args[0];
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        call->out->bools[row] = in->bools[mr_vector_at(in, row)] == 0;
    }
}

mr_vector mr_eval_logic_is_null(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    mr_vector v = mr_eval_node_run(node->args[0], run, rows);
    if (v.type.id == MR_NULLTYPE) {
        return bool_const(run, true);
    }
    if (v.kind == MR_CONST || v.valid == NULL) {
        return bool_const(run, v.kind == MR_CONST && mr_vector_is_null(&v, 0));
    }
    mr_vector out = mr_vector_flat(run->arena, node->type, run->rows);
    for (uint32_t row = 0; row < run->rows; row++) {
        out.bools[row] = !mr_bits_get(v.valid, row);
    }
    return out;
}

static mr_vector run_is(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows,
                        uint8_t wanted) {
    mr_vector v = mr_eval_node_run(node->args[0], run, rows);
    if (v.kind == MR_CONST) {
        return bool_const(run, !mr_vector_is_null(&v, 0) && v.bools[0] == wanted);
    }
    mr_vector out = mr_vector_flat(run->arena, node->type, run->rows);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        out.bools[row] = !mr_vector_is_null(&v, row) && v.bools[row] == wanted;
    }
    return out;
}

mr_vector mr_eval_logic_is_true(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    return run_is(node, run, rows, /* wanted= */ 1);
}

mr_vector mr_eval_logic_is_false(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    return run_is(node, run, rows, /* wanted= */ 0);
}
