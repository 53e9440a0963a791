// Join: rows with the rows of a static table that have the same key.
//
// How: one look-up a row finds its first match; round k then emits the rows that have a k-th match,
// with the table's columns gathered beside the input's, which are shared and not copied. A LEFT
// JOIN ends with the rows that matched nothing. With a unique key, the usual case, that is one
// batch for one batch. State: an index over the table, made anew when the driver replaced the table
// between epochs.

#include "exec/op.h"

#include <string.h>

#include "exec/table.h"

typedef struct op_join {
    mr_op base;
    mr_eval *residue;  // NULL when the ON clause is nothing but equalities.
    mr_table_index index;
    uint64_t version;  // Of the table that the index is over.
} op_join;

static mr_code join_open(mr_op *base, mr_cx *cx) {
    op_join *op = (op_join *)base;
    const mr_plan *plan = base->plan;
    if (plan->join.residue != NULL) {
        MR_TRY(
            mr_eval_compile(plan->join.residue, plan->schema, &base->env->eval, &op->residue, cx));
    }
    return MR_OK;
}

// One table column for the rows of a batch; rows without a match are NULL.
static mr_vector gather(const mr_vector *from, const mr_batch *in, const uint32_t *match,
                        mr_arena *arena) {
    size_t bytes = from->kind == MR_DICT ? sizeof(uint32_t) : mr_type_bytes(from->type);
    mr_vector out = {.type = from->type, .kind = from->kind, .dict = from->dict};
    out.data = mr_arena_raw(arena, in->rows * MR_MAX(bytes, 1u));
    uint64_t *valid = NULL;
    const char *source = from->data;
    char *target = out.data;
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        uint32_t found = match[row];
        if (found == MR_TABLE_NO_ROW || mr_vector_is_null(from, found)) {
            if (valid == NULL) {
                valid = mr_vector_own_valid(&out, arena, in->rows);
            }
            mr_bits_clear(valid, row);
            memset(target + row * bytes, 0, bytes);
            continue;
        }
        switch (bytes) {  // tidy: opcode switch
        case 1: target[row] = source[found]; break;
        case 4: memcpy(target + row * 4, source + (size_t)found * 4, 4); break;
        case 8: memcpy(target + row * 8, source + (size_t)found * 8, 8); break;
        default: memcpy(target + row * bytes, source + found * bytes, bytes); break;
        }
    }
    return out;
}

// The batch with the table's columns beside it.
static mr_batch widen(const mr_op *op, const mr_batch *in, const uint32_t *match, mr_cx *cx) {
    const mr_plan *plan = op->plan;
    const mr_table *table = op->env->tables[plan->join.table];
    mr_batch out = *in;
    out.column_count = in->column_count + plan->join.table_column_count;
    mr_assert(out.column_count == plan->schema->count);
    out.columns = mr_arena_raw(cx->arena, out.column_count * sizeof *out.columns);
    memcpy(out.columns, in->columns, in->column_count * sizeof *out.columns);
    for (uint32_t c = 0; c < plan->join.table_column_count; c++) {
        const mr_vector *from = &table->columns[plan->join.table_columns[c]];
        out.columns[in->column_count + c] = gather(from, in, match, cx->arena);
    }
    return out;
}

// The selected rows for which keep(match) holds.
static mr_batch narrow_matched(const mr_batch *in, const uint32_t *match, bool matched,
                               const bool *done, mr_cx *cx) {
    uint32_t *rows = mr_arena_raw(cx->arena, in->sel_count * sizeof *rows);
    uint32_t count = 0;
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        if ((match[row] != MR_TABLE_NO_ROW) == matched && (done == NULL || !done[row])) {
            rows[count++] = row;
        }
    }
    return mr_batch_narrow(in, rows, count);
}

// Emits the k-th matches of all rows, for k = 1, 2, …; marks rows that passed in `done`.
static mr_code emit_matches(op_join *op, const mr_batch *in, uint32_t *match, bool *done,
                            mr_cx *cx) {
    for (mr_batch round = narrow_matched(in, match, true, NULL, cx); round.sel_count > 0;) {
        mr_batch wide = widen(&op->base, &round, match, cx);
        mr_batch out = wide;
        if (op->residue != NULL) {
            uint32_t *kept;
            uint32_t count;
            mr_eval_failures failures = {0};
            MR_TRY(mr_eval_select(op->residue, &wide, &kept, &count, &failures, cx));
            MR_TRY(mr_op_reject(&op->base, &wide, &failures, &out, cx));
            for (uint32_t i = 0; i < failures.count; i++) {
                done[failures.rows[i]] = true;
            }
            out = mr_batch_narrow(&wide, kept, count);
        }
        for (uint32_t i = 0; i < out.sel_count; i++) {
            done[mr_batch_row(&out, i)] = true;
        }
        MR_TRY(mr_op_emit(&op->base, &out, cx));
        for (uint32_t i = 0; i < round.sel_count; i++) {
            uint32_t row = mr_batch_row(&round, i);
            match[row] = op->index.next[match[row]];
        }
        round = narrow_matched(&round, match, true, NULL, cx);
    }
    return MR_OK;
}

static mr_code join_push(mr_op *base, uint32_t port, const mr_batch *in, mr_cx *cx) {
    op_join *op = (op_join *)base;
    mr_assert(port == 0);
    const mr_plan *plan = base->plan;
    const mr_table *table = base->env->tables[plan->join.table];
    if (op->version != table->version) {
        mr_table_index_release(&op->index);
        mr_table_index_init(&op->index, table, plan->join.table_keys, plan->join.key_count);
        op->version = table->version;
    }
    uint32_t *match = mr_arena_raw(cx->arena, in->rows * sizeof *match);
    mr_table_index_find(&op->index, in, plan->join.input_keys, match, cx->arena);
    if (op->index.unique && op->residue == NULL) {
        mr_batch rows = plan->join.left ? *in : narrow_matched(in, match, true, NULL, cx);
        mr_batch out = widen(base, &rows, match, cx);
        return mr_op_emit(base, &out, cx);
    }
    bool *done = MR_NEW_ARRAY(cx->arena, bool, in->rows);
    MR_TRY(emit_matches(op, in, match, done, cx));
    if (!plan->join.left) {
        return MR_OK;
    }
    mr_batch rest = narrow_matched(in, match, false, done, cx);
    mr_batch out = widen(base, &rest, match, cx);
    return mr_op_emit(base, &out, cx);
}

static void join_close(mr_op *base) {
    op_join *op = (op_join *)base;
    mr_table_index_release(&op->index);
    if (op->residue != NULL) {
        mr_eval_close(op->residue);
    }
}

const mr_op_type mr_op_join = {
    .name = "join",
    .file = __FILE__,
    .size = sizeof(op_join),
    .open = join_open,
    .push = join_push,
    .close = join_close,
};
