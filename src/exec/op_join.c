// Join: rows with the rows of a static table that have the same key.
//
// How: one look-up a row finds its first match. With a unique key, the usual case, the table's
// columns are gathered beside the input's, which are shared and not copied. Else all pairs of rows
// are listed and put side by side. Rows stay in the order of the input: DISTINCT above keeps the
// first one. State: an index over the table, made anew when the driver replaced the table
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

// The selected rows that have a match.
static mr_batch narrow_matched(const mr_batch *in, const uint32_t *match, mr_cx *cx) {
    uint32_t *rows = mr_arena_raw(cx->arena, in->sel_count * sizeof *rows);
    uint32_t count = 0;
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        if (match[row] != MR_TABLE_NO_ROW) {
            rows[count++] = row;
        }
    }
    return mr_batch_narrow(in, rows, count);
}

// Rows of the input beside rows of the table, in the order of the input.
typedef struct pairs {
    uint32_t *rows;
    uint32_t *matches;
    uint32_t count;
} pairs;

static pairs pairs_new(uint64_t count_max, mr_arena *arena) {
    return (pairs){.rows = mr_arena_raw(arena, (count_max + 1) * sizeof(uint32_t)),
                   .matches = mr_arena_raw(arena, (count_max + 1) * sizeof(uint32_t))};
}

static void pairs_add(pairs *p, uint32_t row, uint32_t match) {
    p->rows[p->count] = row;
    p->matches[p->count++] = match;
}

// Every match of every row.
static pairs pairs_find(const op_join *op, const mr_batch *in, const uint32_t *match,
                        mr_arena *arena) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t at = match[mr_batch_row(in, i)];
        for (; at != MR_TABLE_NO_ROW; at = op->index.next[at]) {
            count++;
        }
    }
    pairs p = pairs_new(count, arena);
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        for (uint32_t at = match[row]; at != MR_TABLE_NO_ROW; at = op->index.next[at]) {
            pairs_add(&p, row, at);
        }
    }
    return p;
}

// Pairs first .. first + count - 1 as a batch of their own.
static mr_batch pairs_batch(const op_join *op, const mr_batch *in, const pairs *p, uint32_t first,
                            uint32_t count, mr_cx *cx) {
    mr_batch rows = mr_batch_take(in, p->rows + first, count, cx->arena);
    return widen(&op->base, &rows, p->matches + first, cx);
}

// The pairs for which the rest of ON holds; `failed` marks the rows of the input on which it could
// not be computed.
static mr_code pairs_filter(op_join *op, const mr_batch *in, pairs *p, bool *failed, mr_cx *cx) {
    pairs kept = pairs_new(p->count, cx->arena);
    for (uint32_t first = 0; first < p->count; first += MR_BATCH_ROWS_MAX) {
        uint32_t count = MR_MIN(p->count - first, (uint32_t)MR_BATCH_ROWS_MAX);
        mr_batch wide = pairs_batch(op, in, p, first, count, cx);
        mr_batch rest;
        uint32_t *rows;
        uint32_t row_count;
        mr_eval_failures failures = {0};
        MR_TRY(mr_eval_select(op->residue, &wide, &rows, &row_count, &failures, cx));
        MR_TRY(mr_op_reject(&op->base, &wide, &failures, &rest, cx));
        for (uint32_t i = 0; i < failures.count; i++) {
            failed[p->rows[first + failures.rows[i]]] = true;
        }
        for (uint32_t i = 0; i < row_count; i++) {
            pairs_add(&kept, p->rows[first + rows[i]], p->matches[first + rows[i]]);
        }
    }
    *p = kept;
    return MR_OK;
}

// LEFT JOIN: rows without a pair get one with nothing, in their place.
static pairs pairs_fill(const mr_batch *in, const pairs *p, const bool *failed, mr_arena *arena) {
    pairs all = pairs_new((uint64_t)p->count + in->sel_count, arena);
    uint32_t at = 0;
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        if ((at == p->count || p->rows[at] != row) && !failed[row]) {
            pairs_add(&all, row, MR_TABLE_NO_ROW);
        }
        for (; at < p->count && p->rows[at] == row; at++) {
            pairs_add(&all, row, p->matches[at]);
        }
    }
    return all;
}

static mr_code push_pairs(op_join *op, const mr_batch *in, const uint32_t *match, mr_cx *cx) {
    pairs p = pairs_find(op, in, match, cx->arena);
    bool *failed = MR_NEW_ARRAY(cx->arena, bool, in->rows);
    if (op->residue != NULL) {
        MR_TRY(pairs_filter(op, in, &p, failed, cx));
    }
    if (op->base.plan->join.left) {
        p = pairs_fill(in, &p, failed, cx->arena);
    }
    for (uint32_t first = 0; first < p.count; first += MR_BATCH_ROWS_MAX) {
        uint32_t count = MR_MIN(p.count - first, (uint32_t)MR_BATCH_ROWS_MAX);
        mr_batch out = pairs_batch(op, in, &p, first, count, cx);
        MR_TRY(mr_op_emit(&op->base, &out, cx));
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
        mr_batch rows = plan->join.left ? *in : narrow_matched(in, match, cx);
        mr_batch out = widen(base, &rows, match, cx);
        return mr_op_emit(base, &out, cx);
    }
    return push_pairs(op, in, match, cx);
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
