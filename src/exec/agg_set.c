// Agg: any aggregate over DISTINCT values.
//
// State: the set of values seen, as bytes. The aggregate itself runs over the set when the result
// is made, so that sets of workers and epochs merge, whatever it is. Rows in an order are then in
// that of their values.

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "column/interval.h"
#include "column/nested.h"
#include "exec/agg_table.h"

// Entries: u32 bytes, then a value as an item of a nested value.
typedef struct set_state {
    char *data;       // Heap.
    uint32_t *slots;  // Heap: 1 + index of an entry's place in data, by hash; 0 = free.
    uint64_t bytes;
    uint64_t capacity;
    uint32_t count;
    uint32_t slot_count;  // A power of two, or 0.
} set_state;

#define COUNT_MAX (3u << 29)  // Of 2^31 slots.
#define UNIT      4  // Entries begin at multiples of it, so that a slot of 32 bits reaches 16 GiB.

static void set_init(void *state) {
    *(set_state *)state = (set_state){.count = 0};
}

static mr_span entry_at(const set_state *state, uint64_t place) {
    uint32_t bytes;
    memcpy(&bytes, state->data + place, sizeof bytes);
    return (mr_span){state->data + place + sizeof bytes, bytes};
}

static uint64_t entry_size(uint64_t bytes) {
    return mr_align_up(sizeof(uint32_t) + bytes, UNIT);
}

static uint32_t *slot_of(const set_state *state, mr_span value) {
    uint64_t at = mr_hash_bytes(value.data, value.bytes, /* seed= */ 0);
    for (;; at++) {
        uint32_t *slot = &state->slots[at & (state->slot_count - 1)];
        if (*slot == 0 || mr_span_equal(entry_at(state, (uint64_t)(*slot - 1) * UNIT), value)) {
            return slot;
        }
    }
}

static void set_grow(set_state *state) {
    mr_heap_free(state->slots);
    state->slot_count = MR_MAX(16u, 2 * state->slot_count);
    state->slots = mr_heap_alloc(state->slot_count * sizeof *state->slots);
    for (uint64_t place = 0; place < state->bytes;) {
        mr_span value = entry_at(state, place);
        *slot_of(state, value) = (uint32_t)(place / UNIT) + 1;
        place += entry_size(value.bytes);
    }
}

static mr_code set_full(const set_state *state, mr_cx *cx) {
    return mr_fail(cx, MR_E_LIMIT,
                   "Group by more, take a shorter window, or use approx_count_distinct.",
                   "an aggregate of DISTINCT holds %" PRIu32 " values of one group in %" PRIu64
                   " bytes, and takes no more",
                   state->count, state->bytes);
}

static mr_code set_add(set_state *state, mr_span value, mr_cx *cx) {
    MR_TRY(mr_agg_check_row(0, value.bytes, cx));
    if (state->count >= COUNT_MAX) {
        return set_full(state, cx);
    }
    if (4 * (uint64_t)state->count >= 3 * (uint64_t)state->slot_count) {
        set_grow(state);
    }
    uint32_t *slot = slot_of(state, value);
    if (*slot != 0) {
        return MR_OK;
    }
    uint64_t size = entry_size(value.bytes);
    if (state->bytes / UNIT >= UINT32_MAX) {
        return set_full(state, cx);
    }
    if (state->bytes + size > state->capacity) {
        state->capacity = mr_pow2_up(MR_MAX(state->bytes + size, (uint64_t)64));
        state->data = mr_heap_resize(state->data, state->capacity);
    }
    uint32_t bytes = mr_u32(value.bytes);
    char *at = state->data + state->bytes;
    memset(at, 0, size);
    memcpy(at, &bytes, sizeof bytes);
    memcpy(at + sizeof bytes, value.data, bytes);
    *slot = (uint32_t)(state->bytes / UNIT) + 1;
    state->bytes += size;
    state->count++;
    return MR_OK;
}

static bool sees_nulls(const mr_agg_call *call) {
    return (mr_function_aggregates[call->fn].flags & MR_AGG_NULLS) != 0;
}

// Values that compare equal must be one entry (of reals mr_nested_put sees to it).
static void put_entry(mr_text *out, const mr_vector *in, uint32_t row, bool null) {
    if (in->type.id != MR_INTERVAL || null) {
        mr_nested_put(out, in, row);
        return;
    }
    mr_interval value = mr_interval_canonical(in->intervals[mr_vector_at(in, row)]);
    mr_vector one = {.type = in->type, .kind = MR_FLAT, .intervals = &value};
    mr_nested_put(out, &one, /* row= */ 0);
}

static mr_code set_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                          const uint32_t *rows, uint32_t count, mr_cx *cx) {
    const mr_vector *in = input->value;
    bool nulls = sees_nulls(input->call);
    mr_text value;
    mr_text_init(&value, cx->arena);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows != NULL ? rows[i] : i;
        bool null = in->type.id == MR_NULLTYPE || mr_vector_is_null(in, row);
        if (!null || nulls) {
            mr_text_clear(&value);
            put_entry(&value, in, row, null);
            MR_TRY(set_add((set_state *)(void *)(bases[i] + offset), mr_text_span(&value), cx));
        }
    }
    return MR_OK;
}

static mr_code set_merge(void *into, const void *from, mr_cx *cx) {
    const set_state *more = from;
    for (uint64_t place = 0; place < more->bytes;) {
        mr_span value = entry_at(more, place);
        MR_TRY(set_add(into, value, cx));
        place += entry_size(value.bytes);
    }
    return MR_OK;
}

// The next values of the set as a vector; *place is moved on.
static mr_vector set_vector(const set_state *state, uint64_t *place, mr_type type, uint32_t *count,
                            mr_arena *arena) {
    uint32_t most = MR_MIN(state->count, (uint32_t)MR_BATCH_ROWS_MAX);
    mr_vector v = mr_vector_flat(arena, type, most);
    mr_vector_own_valid(&v, arena, most);
    for (*count = 0; *count < most && *place < state->bytes; (*count)++) {
        mr_span value = entry_at(state, *place);
        *place += entry_size(value.bytes);
        mr_nested_item item = mr_nested_next(&value, type);
        if (item.null) {
            mr_bits_clear(v.valid, *count);
        } else {
            mr_nested_store(&item, &v, *count);
        }
    }
    return v;
}

static mr_code set_result(const void *base, const mr_agg_call *call, mr_vector *out, uint32_t row,
                          mr_cx *cx) {
    const set_state *set = base;
    mr_agg_call plain = *call;
    mr_agg_order by_value = {.column = 0};
    plain.distinct = false;
    if (plain.order_count == 0) {
        plain.orders = &by_value;
        plain.order_count = 1;
    }
    const mr_agg *agg = mr_agg_find(&plain);
    mr_arena *outer = cx->arena;
    mr_arena scratch = {0};  // There may be very many groups, and the result's arena keeps all.
    cx->arena = &scratch;
    void *state = mr_arena_alloc(&scratch, agg->state_bytes);
    agg->init(state);
    uint32_t most = MR_MIN(set->count, (uint32_t)MR_BATCH_ROWS_MAX);
    uint8_t **bases = MR_NEW_ARRAY(&scratch, uint8_t *, most);
    const mr_vector **orders = MR_NEW_ARRAY(&scratch, const mr_vector *, plain.order_count);
    for (uint32_t i = 0; i < most; i++) {
        bases[i] = state;
    }
    mr_code code = MR_OK;
    for (uint64_t place = 0; place < set->bytes && code == MR_OK;) {
        uint32_t count;
        mr_vector v = set_vector(set, &place, call->argument, &count, &scratch);
        for (uint32_t i = 0; i < plain.order_count; i++) {
            orders[i] = &v;  // Every order of a DISTINCT call is its argument.
        }
        mr_agg_input input = {.call = &plain, .value = &v, .orders = orders};
        code = agg->update(bases, 0, &input, /* rows= */ NULL, count, cx);
    }
    cx->arena = outer;
    code = code == MR_OK ? agg->result(state, &plain, out, row, cx) : code;
    if (agg->release != NULL) {
        agg->release(state);
    }
    mr_arena_release(&scratch);
    return code;
}

static void set_save(const void *base, mr_text *out) {
    const set_state *state = base;
    mr_agg_save_fixed(&state->bytes, sizeof state->bytes, out);
    mr_text_add_bytes(out, state->data, state->bytes);
}

static mr_code set_load(void *state, mr_span *in, mr_cx *cx) {
    uint64_t bytes;
    MR_TRY(mr_agg_load_fixed(&bytes, sizeof bytes, in, cx));
    uint64_t at = 0;
    while (bytes <= in->bytes && bytes - at >= UNIT) {
        uint32_t size;
        memcpy(&size, in->data + at, sizeof size);
        if (entry_size(size) > bytes - at) {
            break;
        }
        MR_TRY(set_add(state, (mr_span){in->data + at + sizeof size, size}, cx));
        at += entry_size(size);
    }
    if (bytes > in->bytes || at != bytes) {
        return mr_fail(cx, MR_E_CORRUPT, /* hint= */ NULL, "values of an aggregate are damaged");
    }
    in->data += bytes;
    in->bytes -= bytes;
    return MR_OK;
}

static void set_release(void *base) {
    set_state *state = base;
    mr_heap_free(state->data);
    mr_heap_free(state->slots);
    set_init(state);
}

static size_t set_extra(const void *base) {
    const set_state *state = base;
    return state->capacity + state->slot_count * sizeof *state->slots;
}

const mr_agg mr_agg_set_distinct = {
    .name = "distinct",
    .file = __FILE__,
    .state_bytes = sizeof(set_state),
    .init = set_init,
    .update = set_update,
    .merge = set_merge,
    .result = set_result,
    .save = set_save,
    .load = set_load,
    .release = set_release,
    .extra_bytes = set_extra,
};
