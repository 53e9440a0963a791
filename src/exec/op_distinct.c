// Distinct: see op_distinct.h.

#include "exec/op_distinct.h"

#include <string.h>

#include "exec/idset.h"

#define PREFETCH_AHEAD 20

typedef struct op_distinct {
    mr_op base;
    mr_slab slab;                  // Of the sets.
    mr_idset sets[MR_KEY_GROUPS];  // Only the owned ones are used.
    mr_text delta;                 // Ids of this epoch.
    int64_t ttl_us;
    uint64_t dropped;
    mr_exchange_message *messages;  // Of the chunk being sent, one a worker.
} op_distinct;

static mr_code distinct_open(mr_op *base, mr_cx *cx) {
    op_distinct *op = (op_distinct *)base;
    (void)cx;
    mr_text_init(&op->delta, NULL);
    for (uint32_t g = 0; g < MR_KEY_GROUPS; g++) {
        op->sets[g].slab = &op->slab;
    }
    // Keys that hold the event time are bounded by the watermark alone: a row behind it is late.
    op->ttl_us = base->plan->event_time < 0        ? MR_IDSET_FOREVER
                 : base->plan->distinct.ttl_us < 0 ? 0
                                                   : base->plan->distinct.ttl_us;
    return MR_OK;
}

static void distinct_close(mr_op *base) {
    op_distinct *op = (op_distinct *)base;
    for (uint32_t g = 0; g < MR_KEY_GROUPS; g++) {
        mr_idset_release(&op->sets[g]);
    }
    mr_slab_release(&op->slab);
    mr_text_release(&op->delta);
}

static void hash_strings(const mr_vector *v, const mr_batch *in, uint64_t seed, mr_hash128 *ret) {
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        mr_str key = mr_vector_is_null(v, row) ? (mr_str){0} : mr_vector_str(v, row);
        ret[row] = mr_hash_bytes128(key.data, key.bytes, seed);
        ret[row].low ^= mr_vector_is_null(v, row) ? 1 : 0;
    }
}

// 128-bit hashes of the keys, aligned with the batch's rows. Memory: cx->arena.
static mr_hash128 *keys_hash(const mr_op *op, const mr_batch *in, mr_cx *cx) {
    const mr_plan *plan = op->plan;
    mr_hash128 *hashes = mr_arena_raw(cx->arena, in->rows * sizeof *hashes);
    const mr_vector *first = &in->columns[plan->distinct.keys[0]];
    if (plan->distinct.key_count == 1 && mr_type_is_string(first->type)) {
        hash_strings(first, in, op->env->seed, hashes);
        return hashes;
    }
    uint64_t *low = mr_arena_alloc(cx->arena, in->rows * sizeof *low);
    uint64_t *high = mr_arena_alloc(cx->arena, in->rows * sizeof *high);
    for (uint32_t k = 0; k < plan->distinct.key_count; k++) {
        const mr_vector *key = &in->columns[plan->distinct.keys[k]];
        mr_vector_hash(key, in->sel, in->sel_count, op->env->seed, low);
        mr_vector_hash(key, in->sel, in->sel_count, ~op->env->seed, high);
    }
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        hashes[row] = (mr_hash128){.low = low[row], .high = high[row]};
    }
    return hashes;
}

static void route(op_distinct *op, const mr_batch *in, mr_cx *cx) {
    uint32_t workers = op->base.env->worker_count;
    uint32_t **rows = MR_NEW_ARRAY(cx->arena, uint32_t *, workers);
    uint32_t *counts = MR_NEW_ARRAY(cx->arena, uint32_t, workers);
    for (uint32_t c = 0; c < in->column_count; c++) {
        if (in->columns[c].kind ==
            MR_DICT) {  // An expression's dictionary may go with its next call.
            mr_hold_add_dict(in->hold, in->columns[c].dict);
        }
    }
    for (uint32_t w = 0; w < workers; w++) {
        rows[w] = mr_arena_raw(cx->arena, in->sel_count * sizeof(uint32_t));
    }
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        uint32_t owner = MR_ID_KEY_GROUP(in->hashes[row]) % workers;
        rows[owner][counts[owner]++] = row;
    }
    for (uint32_t w = 0; w < workers; w++) {
        if (counts[w] > 0) {
            mr_batch part = mr_batch_narrow(in, rows[w], counts[w]);
            mr_exchange_add(&op->messages[w], op->base.plan->id, &part);
        }
    }
}

static mr_code distinct_push(mr_op *base, uint32_t port, const mr_batch *in, mr_cx *cx) {
    op_distinct *op = (op_distinct *)base;
    mr_assert(port == 0);
    mr_batch hashed = *in;
    hashed.hashes = keys_hash(base, in, cx);
    if (op->messages == NULL) {
        return mr_op_distinct_insert(base, &hashed, cx);
    }
    route(op, &hashed, cx);
    return MR_OK;
}

void mr_op_distinct_route(mr_op *base, mr_exchange_message *messages) {
    ((op_distinct *)base)->messages = messages;
}

mr_code mr_op_distinct_insert(mr_op *base, const mr_batch *in, mr_cx *cx) {
    op_distinct *op = (op_distinct *)base;
    int32_t event_time = base->plan->event_time;
    const mr_vector *times = event_time < 0 ? NULL : &in->columns[event_time];
    mr_idset_time time = {.ttl_us = op->ttl_us, .global_watermark_us = base->env->watermark_us};
    uint32_t *kept = mr_arena_raw(cx->arena, in->sel_count * sizeof *kept);
    uint32_t count = 0;
    char *delta = mr_text_grow(&op->delta, in->sel_count * sizeof(mr_id));
    for (uint32_t i = 0; i < in->sel_count; i++) {
        if (i + PREFETCH_AHEAD < in->sel_count) {
            mr_hash128 ahead = in->hashes[mr_batch_row(in, i + PREFETCH_AHEAD)];
            mr_idset_prefetch(&op->sets[MR_ID_KEY_GROUP(ahead)], ahead.low);
        }
        uint32_t row = mr_batch_row(in, i);
        int64_t event_us = times == NULL ? 0 : times->int64s[mr_vector_at(times, row)];
        mr_id id = mr_idset_id(in->hashes[row], event_us);
        time.watermark_us = in->watermark == NULL ? INT64_MIN : in->watermark[row];
        if (mr_idset_add(&op->sets[MR_ID_KEY_GROUP(in->hashes[row])], id, &time)) {
            memcpy(delta + count * sizeof id, &id, sizeof id);
            kept[count++] = row;
        }
    }
    op->delta.bytes -= (in->sel_count - count) * sizeof(mr_id);
    op->dropped += in->sel_count - count;
    mr_batch out = mr_batch_narrow(in, kept, count);
    out.hashes = NULL;
    return mr_op_emit(base, &out, cx);
}

void mr_op_distinct_take_delta(mr_op *base, mr_text *ret) {
    op_distinct *op = (op_distinct *)base;
    mr_text added = op->delta;
    op->delta = *ret;
    mr_text_clear(&op->delta);
    *ret = added;
}

static mr_idset_time load_time(const op_distinct *op) {
    return (mr_idset_time){.ttl_us = op->ttl_us,
                           .watermark_us = INT64_MIN,
                           .global_watermark_us = op->base.env->watermark_us};
}

void mr_op_distinct_save(mr_op *base, uint32_t key_group, mr_text *out) {
    op_distinct *op = (op_distinct *)base;
    mr_idset_time time = load_time(op);
    mr_idset_save(&op->sets[key_group], &time, out);
}

mr_code mr_op_distinct_load(mr_op *base, mr_span saved, mr_cx *cx) {
    op_distinct *op = (op_distinct *)base;
    if (saved.bytes % sizeof(mr_id) != 0) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged ids of a DISTINCT");
    }
    mr_idset_time time = load_time(op);
    for (size_t at = 0; at < saved.bytes; at += sizeof(mr_id)) {
        mr_id id;
        memcpy(&id, saved.data + at, sizeof id);
        uint32_t key_group = MR_ID_KEY_GROUP(id);
        if (key_group % base->env->worker_count == base->env->worker) {
            mr_idset_put(&op->sets[key_group], id, &time);
        }
    }
    return MR_OK;
}

void mr_op_distinct_drop_key_group(mr_op *base, uint32_t key_group) {
    mr_idset_release(&((op_distinct *)base)->sets[key_group]);
}

uint64_t mr_op_distinct_bytes(const mr_op *base) {
    const op_distinct *op = (const op_distinct *)base;
    uint64_t bytes = op->delta.capacity;
    for (uint32_t g = 0; g < MR_KEY_GROUPS; g++) {
        bytes += mr_idset_bytes(&op->sets[g]);
    }
    return bytes;
}

uint64_t mr_op_distinct_ids(const mr_op *base) {
    uint64_t ids = 0;
    for (uint32_t g = 0; g < MR_KEY_GROUPS; g++) {
        ids += ((const op_distinct *)base)->sets[g].used;
    }
    return ids;
}

uint64_t mr_op_distinct_dropped(const mr_op *base) {
    return ((const op_distinct *)base)->dropped;
}

const mr_op_type mr_op_distinct = {
    .name = "distinct",
    .file = __FILE__,
    .size = sizeof(op_distinct),
    .open = distinct_open,
    .push = distinct_push,
    .close = distinct_close,
};
