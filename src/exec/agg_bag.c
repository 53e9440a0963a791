// Agg: what needs all its values: string_agg, array_agg, median, quantile_cont, quantile_disc,
// mode.
//
// State: a bag of entries on the heap, each the key of a row's order and its value; put in order
// when the result is made. Two bags merge by standing one behind the other.

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "column/nested.h"
#include "exec/agg_key.h"
#include "exec/agg_table.h"

// An entry: u32 key bytes, u32 value bytes, key, value (as an item of a nested value).
typedef struct bag_state {
    char *data;
    uint64_t bytes;
    uint64_t capacity;
    uint64_t count;
} bag_state;

#define ENTRY_HEAD 8

static void bag_init(void *state) {
    *(bag_state *)state = (bag_state){.data = NULL};
}

static char *bag_room(bag_state *state, uint64_t bytes) {
    if (state->bytes + bytes > state->capacity) {
        state->capacity = mr_pow2_up(MR_MAX(state->bytes + bytes, (uint64_t)64));
        state->data = mr_heap_resize(state->data, state->capacity);
    }
    char *at = state->data + state->bytes;
    state->bytes += bytes;
    return at;
}

static mr_code bag_add(bag_state *state, mr_span key, mr_span value, mr_cx *cx) {
    MR_TRY(mr_agg_check_row(key.bytes, value.bytes, cx));
    uint32_t head[2] = {mr_u32(key.bytes), mr_u32(value.bytes)};
    char *at = bag_room(state, ENTRY_HEAD + key.bytes + value.bytes);
    memcpy(at, head, ENTRY_HEAD);
    memcpy(at + ENTRY_HEAD, key.data, key.bytes);
    memcpy(at + ENTRY_HEAD + key.bytes, value.data, value.bytes);
    state->count++;
    return MR_OK;
}

// by_value: in the order of values; else in that of rows.
static mr_code bag_update(const mr_agg_input *input, bool by_value, mr_agg_rows to, mr_cx *cx) {
    bool nulls = (mr_function_aggregates[input->call->fn].flags & MR_AGG_NULLS) != 0;
    mr_text key, value;
    mr_text_init(&key, cx->arena);
    mr_text_init(&value, cx->arena);
    for (uint32_t i = 0; i < to.count; i++) {
        uint32_t row = to.rows != NULL ? to.rows[i] : i;
        bool null = input->value->type.id == MR_NULLTYPE || mr_vector_is_null(input->value, row);
        if (null && !nulls) {
            continue;
        }
        mr_text_clear(&key);
        mr_text_clear(&value);
        if (by_value) {
            mr_agg_key_put(&key, input->value, row, /* descending= */ false,
                           /* nulls_first= */ false);
        } else {
            mr_agg_key_put_row(&key, input, row);
        }
        mr_nested_put(&value, input->value, row);
        MR_TRY(bag_add((bag_state *)(void *)(to.bases[i] + to.offset), mr_text_span(&key),
                       mr_text_span(&value), cx));
    }
    return MR_OK;
}

static mr_code rows_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                           const uint32_t *rows, uint32_t count, mr_cx *cx) {
    return bag_update(input, /* by_value= */ false, (mr_agg_rows){bases, offset, rows, count}, cx);
}

static mr_code values_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                             const uint32_t *rows, uint32_t count, mr_cx *cx) {
    return bag_update(input, /* by_value= */ true, (mr_agg_rows){bases, offset, rows, count}, cx);
}

static mr_code bag_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    const bag_state *more = from;
    if (more->bytes > 0) {
        memcpy(bag_room(into, more->bytes), more->data, more->bytes);
        ((bag_state *)into)->count += more->count;
    }
    return MR_OK;
}

static void bag_save(const void *base, mr_text *out) {
    const bag_state *state = base;
    uint64_t head[2] = {state->count, state->bytes};
    mr_text_add_bytes(out, head, sizeof head);
    mr_text_add_bytes(out, state->data, state->bytes);
}

static mr_code bag_load(void *base, mr_span *in, mr_cx *cx) {
    bag_state *state = base;
    uint64_t head[2];
    MR_TRY(mr_agg_load_fixed(head, sizeof head, in, cx));
    uint64_t at = 0, count = 0;
    while (head[1] <= in->bytes && head[1] - at >= ENTRY_HEAD) {
        uint32_t sizes[2];
        memcpy(sizes, in->data + at, ENTRY_HEAD);
        uint64_t bytes = ENTRY_HEAD + (uint64_t)sizes[0] + sizes[1];
        if (bytes > head[1] - at) {
            break;
        }
        at += bytes;
        count++;
    }
    if (head[1] > in->bytes || at != head[1] || count != head[0]) {
        return mr_fail(cx, MR_E_CORRUPT, /* hint= */ NULL, "values of an aggregate are damaged");
    }
    if (at > 0) {
        memcpy(bag_room(state, at), in->data, at);
    }
    state->count += count;
    in->data += at;
    in->bytes -= at;
    return MR_OK;
}

static void bag_release(void *base) {
    mr_heap_free(((bag_state *)base)->data);
    bag_init(base);
}

static size_t bag_extra(const void *base) {
    return ((const bag_state *)base)->capacity;
}

// ---- results -----------------------------------------------------------------------------------

typedef struct bag_entry {
    mr_span key;
    mr_span value;
} bag_entry;

static int entry_compare(const void *a, const void *b) {
    const bag_entry *x = a, *y = b;
    int order = mr_span_compare(x->key, y->key);
    return order != 0 ? order : mr_span_compare(x->value, y->value);
}

static int entry_compare_values(const void *a, const void *b) {
    const bag_entry *x = a, *y = b;
    int order = mr_span_compare(x->value, y->value);
    return order != 0 ? order : mr_span_compare(x->key, y->key);
}

static bag_entry *bag_entries(const bag_state *state, mr_arena *arena) {
    bag_entry *entries = mr_arena_raw(arena, (state->count + 1) * sizeof *entries);
    const char *at = state->data;
    for (uint64_t i = 0; i < state->count; i++) {
        uint32_t head[2];
        memcpy(head, at, ENTRY_HEAD);
        entries[i].key = (mr_span){at + ENTRY_HEAD, head[0]};
        entries[i].value = (mr_span){at + ENTRY_HEAD + head[0], head[1]};
        at += ENTRY_HEAD + (size_t)head[0] + head[1];
    }
    return entries;
}

static bag_entry *bag_sorted(const bag_state *state, mr_arena *arena) {
    bag_entry *entries = bag_entries(state, arena);
    qsort(entries, state->count, sizeof *entries, entry_compare);
    return entries;
}

static void store_entry(const bag_entry *entry, mr_type type, mr_vector *out, uint32_t row,
                        mr_arena *arena) {
    mr_span value = {mr_arena_copy(arena, entry->value.data, entry->value.bytes),
                     entry->value.bytes};
    mr_nested_item item = mr_nested_next(&value, type);
    mr_assert(!item.null);
    mr_nested_store(&item, out, row);
}

// Results are kept well below the 4 GiB of a string, so that what is made of them (a key, an
// element) fits too.
#define RESULT_BYTES_MAX ((uint64_t)1 << 30)

static mr_code check_result(const mr_agg_call *call, uint64_t bytes, uint64_t count, mr_cx *cx) {
    if (bytes <= RESULT_BYTES_MAX && count <= UINT32_MAX) {
        return MR_OK;
    }
    return mr_fail(cx, MR_E_VALUE, "Group by more, or take a shorter window.",
                   "%s of %" PRIu64 " values has %" PRIu64 " bytes, more than 1 GiB",
                   mr_function_aggregates[call->fn].name, count, bytes);
}

static mr_code string_result(const void *base, const mr_agg_call *call, mr_vector *out,
                             uint32_t row, mr_cx *cx) {
    const bag_state *state = base;
    if (state->count == 0) {
        mr_agg_result_null(out, row);
        return MR_OK;
    }
    mr_span separator = MR_SPAN(",");
    if (call->parameter != NULL) {
        mr_str text = mr_vector_str(call->parameter, 0);
        separator = (mr_span){text.data, text.bytes};
    }
    bag_entry *entries = bag_sorted(state, cx->arena);
    uint64_t total = separator.bytes * (state->count - 1);
    for (uint64_t i = 0; i < state->count; i++) {
        total += entries[i].value.bytes;
    }
    MR_TRY(check_result(call, total, state->count, cx));
    mr_text joined;
    mr_text_init(&joined, cx->arena);
    for (uint64_t i = 0; i < state->count; i++) {
        mr_span value = entries[i].value;
        mr_nested_item item = mr_nested_next(&value, MR_TYPE(MR_TEXT));
        mr_text_add_bytes(&joined, separator.data, i == 0 ? 0 : separator.bytes);
        mr_text_add_bytes(&joined, item.bytes.data, item.bytes.bytes);
    }
    out->strs[row] = (mr_str){.data = mr_text_string(&joined), .bytes = mr_u32(joined.bytes)};
    return MR_OK;
}

static mr_code array_result(const void *base, const mr_agg_call *call, mr_vector *out, uint32_t row,
                            mr_cx *cx) {
    const bag_state *state = base;
    if (state->count == 0) {
        mr_agg_result_null(out, row);
        return MR_OK;
    }
    bag_entry *entries = bag_sorted(state, cx->arena);
    uint64_t total = 0;
    for (uint64_t i = 0; i < state->count; i++) {
        total += entries[i].value.bytes;
    }
    MR_TRY(check_result(call, total, state->count, cx));
    mr_text list;
    mr_text_init(&list, cx->arena);
    mr_nested_put_count(&list, mr_u32(state->count));
    for (uint64_t i = 0; i < state->count; i++) {
        mr_text_add_bytes(&list, entries[i].value.data, entries[i].value.bytes);
    }
    out->strs[row] = (mr_str){.data = list.data, .bytes = mr_u32(list.bytes)};
    return MR_OK;
}

static double entry_double(const bag_entry *entry) {
    mr_span value = entry->value;
    mr_nested_item item = mr_nested_next(&value, MR_TYPE(MR_FLOAT64));
    double ret;
    memcpy(&ret, item.bytes.data, sizeof ret);
    return ret;
}

static mr_code between_result(const bag_state *state, double quantile, mr_vector *out, uint32_t row,
                              mr_arena *arena) {
    if (state->count == 0) {
        mr_agg_result_null(out, row);
        return MR_OK;
    }
    bag_entry *entries = bag_sorted(state, arena);
    double place = (double)(state->count - 1) * quantile;
    double low = entry_double(&entries[(uint64_t)floor(place)]);
    double high = entry_double(&entries[(uint64_t)ceil(place)]);
    out->float64s[row] = low == high ? low : low + (high - low) * (place - floor(place));
    return MR_OK;
}

static mr_code median_result(const void *base, const mr_agg_call *call, mr_vector *out,
                             uint32_t row, mr_cx *cx) {
    (void)call;
    return between_result(base, 0.5, out, row, cx->arena);
}

static mr_code cont_result(const void *base, const mr_agg_call *call, mr_vector *out, uint32_t row,
                           mr_cx *cx) {
    return between_result(base, call->parameter->float64s[0], out, row, cx->arena);
}

static mr_code disc_result(const void *base, const mr_agg_call *call, mr_vector *out, uint32_t row,
                           mr_cx *cx) {
    const bag_state *state = base;
    if (state->count == 0) {
        mr_agg_result_null(out, row);
        return MR_OK;
    }
    bag_entry *entries = bag_sorted(state, cx->arena);
    double count = (double)state->count;
    uint64_t behind = (uint64_t)floor(count - count * call->parameter->float64s[0]);
    uint64_t place = behind >= state->count ? 0 : state->count - behind - 1;
    store_entry(&entries[place], call->type, out, row, cx->arena);
    return MR_OK;
}

static mr_code mode_result(const void *base, const mr_agg_call *call, mr_vector *out, uint32_t row,
                           mr_cx *cx) {
    const bag_state *state = base;
    if (state->count == 0) {
        mr_agg_result_null(out, row);
        return MR_OK;
    }
    bag_entry *entries = bag_entries(state, cx->arena);
    qsort(entries, state->count, sizeof *entries, entry_compare_values);
    const bag_entry *best = NULL;
    uint64_t most = 0;
    for (uint64_t first = 0, end; first < state->count; first = end) {
        for (end = first + 1;
             end < state->count && mr_span_equal(entries[end].value, entries[first].value);) {
            end++;
        }
        bool earlier = best == NULL || mr_span_compare(entries[first].key, best->key) < 0;
        if (end - first > most || (end - first == most && earlier)) {
            most = end - first;
            best = &entries[first];
        }
    }
    store_entry(best, call->type, out, row, cx->arena);
    return MR_OK;
}

#define BAG(id, name_, update_, result_)  \
    const mr_agg mr_agg_bag_##id = {      \
        .name = name_,                    \
        .file = __FILE__,                 \
        .state_bytes = sizeof(bag_state), \
        .init = bag_init,                 \
        .update = update_,                \
        .merge = bag_merge,               \
        .result = result_,                \
        .save = bag_save,                 \
        .load = bag_load,                 \
        .release = bag_release,           \
        .extra_bytes = bag_extra,         \
    };

BAG(string, "string_agg", rows_update, string_result)
BAG(array, "array_agg", rows_update, array_result)
BAG(median, "median", values_update, median_result)
BAG(cont, "quantile_cont", values_update, cont_result)
BAG(disc, "quantile_disc", values_update, disc_result)
BAG(mode, "mode", rows_update, mode_result)
