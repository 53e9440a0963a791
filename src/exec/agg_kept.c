// Agg: the value of one row that is first or last in an order: first, last, any_value, arg_min,
// arg_max.
//
// State: the order's key and the value of the row that is kept, as bytes on the heap. Of rows that
// are equal in order the one that came first in its partition wins, behind an aggregate the one of
// the lesser value, so that a result does not depend on workers or epochs.

#include <string.h>

#include "column/nested.h"
#include "exec/agg_key.h"
#include "exec/agg_table.h"

typedef struct kept_state {
    char *data;  // Heap: key, then value; NULL = no row.
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t capacity;
    uint32_t unused;
} kept_state;
_Static_assert(sizeof(kept_state) % 8 == 0, "states are aligned to 8");

static void kept_init(void *state) {
    *(kept_state *)state = (kept_state){.data = NULL};
}

static mr_span kept_key(const kept_state *state) {
    return (mr_span){state->data, state->key_bytes};
}

static mr_span kept_value(const kept_state *state) {
    return (mr_span){state->data + state->key_bytes, state->value_bytes};
}

static mr_code kept_set(kept_state *state, mr_span key, mr_span value, mr_cx *cx) {
    MR_TRY(mr_agg_check_row(key.bytes, value.bytes, cx));
    uint32_t bytes = mr_u32(key.bytes + value.bytes);
    if (state->data == NULL || bytes > state->capacity) {
        uint32_t capacity = MR_MAX(mr_u32(mr_align_up(bytes, 16)), 32u);
        mr_heap_free(state->data);
        state->data = mr_heap_raw(capacity);
        state->capacity = capacity;
    }
    memcpy(state->data, key.data, key.bytes);
    memcpy(state->data + key.bytes, value.data, value.bytes);
    state->key_bytes = (uint32_t)key.bytes;
    state->value_bytes = (uint32_t)value.bytes;
    return MR_OK;
}

static mr_code kept_offer(kept_state *state, mr_span key, mr_span value, bool last, mr_cx *cx) {
    if (state->data != NULL) {
        int order = mr_span_compare(key, kept_key(state));
        order = last ? -order : order;
        if (order > 0 || (order == 0 && mr_span_compare(value, kept_value(state)) >= 0)) {
            return MR_OK;
        }
    }
    return kept_set(state, key, value, cx);
}

// What a function does with a row.
typedef struct kept_how {
    bool last;        // Keeps the greatest key, else the least.
    bool nulls;       // A NULL value counts.
    bool by_second;   // Order is that of the second argument …
    bool descending;  // … backwards.
} kept_how;

static mr_code kept_update(const mr_agg_input *input, kept_how how, mr_agg_rows to, mr_cx *cx) {
    mr_text key, value;
    mr_text_init(&key, cx->arena);
    mr_text_init(&value, cx->arena);
    for (uint32_t i = 0; i < to.count; i++) {
        uint32_t row = to.rows != NULL ? to.rows[i] : i;
        bool null = input->value->type.id == MR_NULLTYPE || mr_vector_is_null(input->value, row);
        if ((null && !how.nulls) || (how.by_second && mr_vector_is_null(input->second, row))) {
            continue;
        }
        mr_text_clear(&key);
        mr_text_clear(&value);
        if (how.by_second) {
            mr_agg_key_put(&key, input->second, row, how.descending, /* nulls_first= */ false);
            mr_agg_key_put_origin(&key, input->origin, row);
        } else {
            mr_agg_key_put_row(&key, input, row);
        }
        mr_nested_put(&value, input->value, row);
        MR_TRY(kept_offer((kept_state *)(void *)(to.bases[i] + to.offset), mr_text_span(&key),
                          mr_text_span(&value), how.last, cx));
    }
    return MR_OK;
}

static mr_code kept_result(const void *base, const mr_agg_call *call, mr_vector *out, uint32_t row,
                           mr_cx *cx) {
    const kept_state *state = base;
    mr_nested_item item = {.null = true};
    if (state->data != NULL) {
        mr_span value = kept_value(state);
        const char *copy = mr_arena_copy(cx->arena, value.data, value.bytes);
        value.data = copy;
        item = mr_nested_next(&value, call->type);
    }
    if (item.null) {
        mr_agg_result_null(out, row);
    } else {
        mr_nested_store(&item, out, row);
    }
    return MR_OK;
}

// u32 1 + key bytes (0: no row), u32 value bytes, key, value.
static void kept_save(const void *base, mr_text *out) {
    const kept_state *state = base;
    uint32_t head[2] = {state->data == NULL ? 0 : state->key_bytes + 1, state->value_bytes};
    mr_text_add_bytes(out, head, sizeof head);
    mr_text_add_bytes(out, state->data, (size_t)state->key_bytes + state->value_bytes);
}

static mr_code kept_load(void *base, mr_span *in, mr_cx *cx) {
    uint32_t head[2];
    MR_TRY(mr_agg_load_fixed(head, sizeof head, in, cx));
    uint64_t key_bytes = head[0] == 0 ? 0 : head[0] - 1;
    if (key_bytes + head[1] > in->bytes || (head[0] == 0 && head[1] != 0)) {
        return mr_fail(cx, MR_E_CORRUPT, /* hint= */ NULL, "state of an aggregate is cut short");
    }
    if (head[0] != 0) {
        MR_TRY(kept_set(base, (mr_span){in->data, key_bytes},
                        (mr_span){in->data + key_bytes, head[1]}, cx));
    }
    in->data += key_bytes + head[1];
    in->bytes -= key_bytes + head[1];
    return MR_OK;
}

static void kept_release(void *base) {
    mr_heap_free(((kept_state *)base)->data);
    kept_init(base);
}

static size_t kept_extra(const void *base) {
    return ((const kept_state *)base)->capacity;
}

#define KEPT(id, name_, ...)                                                                      \
    static mr_code id##_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input, \
                               const uint32_t *rows, uint32_t count, mr_cx *cx) {                 \
        return kept_update(input, (kept_how){__VA_ARGS__},                                        \
                           (mr_agg_rows){bases, offset, rows, count}, cx);                        \
    }                                                                                             \
    static mr_code id##_merge(void *into, const void *from, mr_cx *cx) {                          \
        const kept_state *more = from;                                                            \
        return more->data == NULL ? MR_OK                                                         \
                                  : kept_offer(into, kept_key(more), kept_value(more),            \
                                               (kept_how){__VA_ARGS__}.last, cx);                 \
    }                                                                                             \
    const mr_agg mr_agg_kept_##id = {                                                             \
        .name = name_,                                                                            \
        .file = __FILE__,                                                                         \
        .state_bytes = sizeof(kept_state),                                                        \
        .init = kept_init,                                                                        \
        .update = id##_update,                                                                    \
        .merge = id##_merge,                                                                      \
        .result = kept_result,                                                                    \
        .save = kept_save,                                                                        \
        .load = kept_load,                                                                        \
        .release = kept_release,                                                                  \
        .extra_bytes = kept_extra,                                                                \
    };

KEPT(first, "first", .nulls = true)
KEPT(last, "last", .last = true, .nulls = true)
KEPT(any, "any_value", .last = false)
KEPT(arg_min, "arg_min", .by_second = true)
KEPT(arg_max, "arg_max", .by_second = true, .descending = true)
