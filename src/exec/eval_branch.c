// Eval, branches: COALESCE and CASE. A branch is evaluated only for the rows that reach it.

#include "exec/eval_node.h"

// out is FLAT; every string in it is readable from the start.
static mr_vector branch_out(const mr_eval_node *node, mr_eval_run *run) {
    mr_vector out = mr_vector_flat(run->arena, node->type, run->rows);
    for (uint32_t row = 0; mr_type_is_string(node->type) && row < run->rows; row++) {
        out.strs[row] = (mr_str){.data = ""};
    }
    return out;
}

#define PUT_LOOP(ctype)                                        \
    do {                                                       \
        const ctype *from = v->data;                           \
        ctype *to = out->data;                                 \
        uint32_t mask = v->kind == MR_CONST ? 0u : UINT32_MAX; \
        for (uint32_t i = 0; i < rows.count; i++) {            \
            uint32_t row = mr_eval_row(rows, i);               \
            to[row] = from[row & mask];                        \
        }                                                      \
    } while (0)

// Copies the rows' values and NULLs from v.
static void branch_put(mr_eval_run *run, mr_vector *out, const mr_vector *v, mr_eval_rows rows) {
    if (v->valid != NULL || v->type.id == MR_NULLTYPE) {
        for (uint32_t i = 0; i < rows.count; i++) {
            uint32_t row = mr_eval_row(rows, i);
            if (v->type.id == MR_NULLTYPE || mr_vector_is_null(v, row)) {
                if (out->valid == NULL) {
                    mr_vector_own_valid(out, run->arena, run->rows);
                }
                mr_bits_clear(out->valid, row);
            }
        }
        if (v->type.id == MR_NULLTYPE) {
            return;
        }
    }
    mr_assert(v->type.id == out->type.id);
    if (mr_type_is_string(v->type)) {
        for (uint32_t i = 0; i < rows.count; i++) {
            uint32_t row = mr_eval_row(rows, i);
            out->strs[row] = mr_vector_str(v, row);
        }
        return;
    }
    switch (mr_type_bytes(v->type)) {
    case 1: PUT_LOOP(uint8_t); break;
    case 2: PUT_LOOP(uint16_t); break;
    case 4: PUT_LOOP(uint32_t); break;
    case 8: PUT_LOOP(uint64_t); break;
    default: PUT_LOOP(mr_interval); break;
    }
}

mr_vector mr_eval_branch_coalesce(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    mr_vector out = {.data = NULL};
    mr_eval_rows open = rows;
    for (uint32_t i = 0; i < node->arg_count; i++) {
        mr_vector v = mr_eval_node_run(node->args[i], run, open);
        if (i == 0 && v.type.id == node->type.id) {
            if (v.kind == MR_CONST ? !mr_vector_is_null(&v, 0) : v.valid == NULL) {
                return v;
            }
        }
        mr_eval_rows null = {.sel = open.sel, .count = 0};
        if (v.type.id == MR_NULLTYPE) {
            null = open;
        } else if (v.valid != NULL) {
            null = mr_eval_node_valid(run, open, &v, /* valid= */ false);
        }
        if (i == 0 && null.count == 0) {
            return v;
        }
        if (out.data == NULL) {
            out = branch_out(node, run);
        }
        branch_put(run, &out, &v, open);
        if (i > 0 && out.valid != NULL) {  // Rows that an argument before left NULL.
            for (uint32_t k = 0; k < open.count; k++) {
                uint32_t row = mr_eval_row(open, k);
                bool is_null = v.type.id == MR_NULLTYPE || mr_vector_is_null(&v, row);
                mr_bits_put(out.valid, row, !is_null);
            }
        }
        open = null;
        if (open.count == 0) {
            break;
        }
    }
    if (out.data == NULL) {
        return mr_vector_null(run->arena, node->type);
    }
    return out;
}

// Splits rows by a condition: TRUE, and the rest (FALSE or NULL).
static void split(mr_eval_run *run, mr_eval_rows rows, const mr_vector *v, mr_eval_rows *ret_true,
                  mr_eval_rows *ret_rest) {
    if (v->kind == MR_CONST) {
        bool is_true = !mr_vector_is_null(v, 0) && v->bools[0] != 0;
        *ret_true = is_true ? rows : (mr_eval_rows){.sel = rows.sel, .count = 0};
        *ret_rest = is_true ? (mr_eval_rows){.sel = rows.sel, .count = 0} : rows;
        return;
    }
    uint32_t *yes = mr_arena_raw(run->arena, sizeof(uint32_t) * (rows.count + 1));
    uint32_t *no = mr_arena_raw(run->arena, sizeof(uint32_t) * (rows.count + 1));
    uint32_t yes_count = 0;
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        bool is_true = v->bools[row] != 0 && (v->valid == NULL || mr_bits_get(v->valid, row));
        yes[yes_count] = row;
        no[i - yes_count] = row;
        yes_count += is_true;
    }
    *ret_true = (mr_eval_rows){.sel = yes, .count = yes_count};
    *ret_rest = (mr_eval_rows){.sel = no, .count = rows.count - yes_count};
}

mr_vector mr_eval_branch_case(const mr_eval_node *node, mr_eval_run *run, mr_eval_rows rows) {
    mr_assert(node->arg_count % 2 == 1);
    mr_vector out = {.data = NULL};
    mr_eval_rows open = rows;
    for (uint32_t i = 0; i + 1 < node->arg_count && open.count > 0; i += 2) {
        mr_vector when = mr_eval_node_run(node->args[i], run, open);
        mr_eval_rows taken;
        split(run, open, &when, &taken, &open);
        if (taken.count == 0) {
            continue;
        }
        mr_vector v = mr_eval_node_run(node->args[i + 1], run, taken);
        if (taken.count == rows.count && v.type.id == node->type.id) {
            return v;
        }
        if (out.data == NULL) {
            out = branch_out(node, run);
        }
        branch_put(run, &out, &v, taken);
    }
    if (open.count > 0 || out.data == NULL) {
        mr_vector v = mr_eval_node_run(node->args[node->arg_count - 1], run, open);
        if (open.count == rows.count && v.type.id == node->type.id) {
            return v;
        }
        if (out.data == NULL) {
            out = branch_out(node, run);
        }
        branch_put(run, &out, &v, open);
    }
    return out;
}
