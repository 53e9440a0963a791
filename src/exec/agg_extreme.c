// Agg: min and max of every type.
//
// State: whether there is a value, and the value; a text's bytes are a copy on the heap. NaN is the
// greatest double, as in comparisons.

#include <string.h>

#include "column/interval.h"
#include "column/uuid.h"
#include "exec/agg_table.h"
#include "exec/eval_node.h"

// ---- values of a fixed size --------------------------------------------------------------------

// A state { has, value } and its calls for one C type; LESS and GREATER say that x beats best.
#define EXTREME(name, ctype, LESS, GREATER)                                                  \
    typedef struct name##_state {                                                            \
        ctype best;                                                                          \
        int64_t has;                                                                         \
    } name##_state;                                                                          \
    static void name##_init(void *state) {                                                   \
        memset(state, 0, sizeof(name##_state));                                              \
    }                                                                                        \
    static inline void name##_min(name##_state *state, ctype x) {                            \
        const ctype best = state->best;                                                      \
        state->best = state->has == 0 || (LESS) ? x : best;                                  \
        state->has = 1;                                                                      \
    }                                                                                        \
    static inline void name##_max(name##_state *state, ctype x) {                            \
        const ctype best = state->best;                                                      \
        state->best = state->has == 0 || (GREATER) ? x : best;                               \
        state->has = 1;                                                                      \
    }                                                                                        \
    static mr_code name##_min_update(uint8_t *const *bases, uint32_t offset,                 \
                                     const mr_agg_input *input, const uint32_t *rows,        \
                                     uint32_t count, mr_cx *cx) {                            \
        const mr_vector *in = input->value;                                                  \
        (void)cx;                                                                            \
        const ctype *values = in->data;                                                      \
        uint32_t mask = in->kind == MR_CONST ? 0u : ~0u;                                     \
        MR_AGG_EACH(name##_state, name##_min(state, values[row & mask]));                    \
        return MR_OK;                                                                        \
    }                                                                                        \
    static mr_code name##_max_update(uint8_t *const *bases, uint32_t offset,                 \
                                     const mr_agg_input *input, const uint32_t *rows,        \
                                     uint32_t count, mr_cx *cx) {                            \
        const mr_vector *in = input->value;                                                  \
        (void)cx;                                                                            \
        const ctype *values = in->data;                                                      \
        uint32_t mask = in->kind == MR_CONST ? 0u : ~0u;                                     \
        MR_AGG_EACH(name##_state, name##_max(state, values[row & mask]));                    \
        return MR_OK;                                                                        \
    }                                                                                        \
    static mr_code name##_min_merge(void *into, const void *from, mr_cx *cx) {               \
        (void)cx;                                                                            \
        if (((const name##_state *)from)->has != 0) {                                        \
            name##_min(into, ((const name##_state *)from)->best);                            \
        }                                                                                    \
        return MR_OK;                                                                        \
    }                                                                                        \
    static mr_code name##_max_merge(void *into, const void *from, mr_cx *cx) {               \
        (void)cx;                                                                            \
        if (((const name##_state *)from)->has != 0) {                                        \
            name##_max(into, ((const name##_state *)from)->best);                            \
        }                                                                                    \
        return MR_OK;                                                                        \
    }                                                                                        \
    static mr_code name##_result(const void *state, const mr_agg_call *call, mr_vector *out, \
                                 uint32_t row, mr_cx *cx) {                                  \
        (void)call, (void)cx;                                                                \
        ((ctype *)out->data)[row] = ((const name##_state *)state)->best;                     \
        if (((const name##_state *)state)->has == 0) {                                       \
            mr_agg_result_null(out, row);                                                    \
        }                                                                                    \
        return MR_OK;                                                                        \
    }                                                                                        \
    static void name##_save(const void *state, mr_text *out) {                               \
        mr_agg_save_fixed(state, sizeof(name##_state), out);                                 \
    }                                                                                        \
    static mr_code name##_load(void *state, mr_span *in, mr_cx *cx) {                        \
        return mr_agg_load_fixed(state, sizeof(name##_state), in, cx);                       \
    }

#define EXTREME_ROW(kind, how)                                                               \
    {                                                                                        \
        .name = #how, .file = __FILE__, .state_bytes = (sizeof(kind##_state) + 7) / 8 * 8,   \
        .init = kind##_init, .update = kind##_##how##_update, .merge = kind##_##how##_merge, \
        .result = kind##_result, .save = kind##_save, .load = kind##_load,                   \
    }

EXTREME(bools, uint8_t, x<best, x> best)
EXTREME(int16s, int16_t, x<best, x> best)
EXTREME(numerics, mr_int128, x<best, x> best)
EXTREME(uuids, mr_uuid, mr_uuid_compare(x, best) < 0, mr_uuid_compare(best, x) < 0)
EXTREME(float32s, float, x<best || best != best, x> best || x != x)
EXTREME(int32s, int32_t, x<best, x> best)
EXTREME(int64s, int64_t, x<best, x> best)
EXTREME(float64s, double, x<best || best != best, x> best || x != x)
EXTREME(intervals, mr_interval, mr_interval_compare(x, best) < 0, mr_interval_compare(x, best) > 0)

// ---- text --------------------------------------------------------------------------------------

typedef struct text_state {
    char *data;  // Heap; NULL = no value.
    uint32_t bytes;
    uint32_t capacity;
} text_state;

static void text_init(void *state) {
    *(text_state *)state = (text_state){.data = NULL};
}

static void text_set(text_state *state, mr_span value) {
    if (state->data == NULL || value.bytes > state->capacity) {
        uint32_t capacity = MR_MAX(mr_u32(mr_align_up(value.bytes, 16)), 16u);
        mr_heap_free(state->data);
        state->data = mr_heap_raw(capacity);
        state->capacity = capacity;
    }
    memcpy(state->data, value.data, value.bytes);
    state->bytes = (uint32_t)value.bytes;
}

static inline void text_offer(text_state *state, mr_span value, bool greatest) {
    if (state->data != NULL) {
        int order = mr_span_compare(value, (mr_span){state->data, state->bytes});
        if (greatest ? order <= 0 : order >= 0) {
            return;
        }
    }
    text_set(state, value);
}

static mr_span text_span(mr_str value) {
    return (mr_span){value.bytes > 0 ? value.data : "", value.bytes};
}

static mr_code text_min_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                               const uint32_t *rows, uint32_t count, mr_cx *cx) {
    const mr_vector *in = input->value;
    (void)cx;
    MR_AGG_EACH(text_state, text_offer(state, text_span(mr_vector_str(in, row)), false));
    return MR_OK;
}

static mr_code text_max_update(uint8_t *const *bases, uint32_t offset, const mr_agg_input *input,
                               const uint32_t *rows, uint32_t count, mr_cx *cx) {
    const mr_vector *in = input->value;
    (void)cx;
    MR_AGG_EACH(text_state, text_offer(state, text_span(mr_vector_str(in, row)), true));
    return MR_OK;
}

static void text_merge(void *into, const void *from, bool greatest) {
    const text_state *more = from;
    if (more->data != NULL) {
        text_offer(into, (mr_span){more->data, more->bytes}, greatest);
    }
}

static mr_code text_min_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    text_merge(into, from, /* greatest= */ false);
    return MR_OK;
}

static mr_code text_max_merge(void *into, const void *from, mr_cx *cx) {
    (void)cx;
    text_merge(into, from, /* greatest= */ true);
    return MR_OK;
}

static mr_code text_result(const void *state, const mr_agg_call *call, mr_vector *out, uint32_t row,
                           mr_cx *cx) {
    (void)call;
    const text_state *best = state;
    if (best->data == NULL) {
        out->strs[row] = (mr_str){.data = ""};
        mr_agg_result_null(out, row);
        return MR_OK;
    }
    out->strs[row] =
        (mr_str){.data = mr_arena_copy(cx->arena, best->data, best->bytes), .bytes = best->bytes};
    return MR_OK;
}

#define TEXT_NONE UINT32_MAX

static void text_save(const void *state, mr_text *out) {
    const text_state *best = state;
    uint32_t bytes = best->data == NULL ? TEXT_NONE : best->bytes;
    memcpy(mr_text_grow(out, sizeof(bytes)), &bytes, sizeof(bytes));
    if (best->data != NULL) {
        mr_text_add_bytes(out, best->data, best->bytes);
    }
}

static mr_code text_load(void *state, mr_span *in, mr_cx *cx) {
    uint32_t bytes;
    MR_TRY(mr_agg_load_fixed(&bytes, sizeof(bytes), in, cx));
    if (bytes == TEXT_NONE) {
        return MR_OK;
    }
    if (bytes > in->bytes) {
        return mr_fail(cx, MR_E_CORRUPT, /* hint= */ NULL, "stored text is cut short");
    }
    text_set(state, (mr_span){in->data, bytes});
    in->data += bytes;
    in->bytes -= bytes;
    return MR_OK;
}

static void text_release(void *state) {
    mr_heap_free(((text_state *)state)->data);
    text_init(state);
}

static size_t text_extra(const void *state) {
    return ((const text_state *)state)->capacity;
}

#define TEXT_ROW(how)                                                                             \
    {                                                                                             \
        .name = #how, .file = __FILE__, .state_bytes = sizeof(text_state), .init = text_init,     \
        .update = text_##how##_update, .merge = text_##how##_merge, .result = text_result,        \
        .save = text_save, .load = text_load, .release = text_release, .extra_bytes = text_extra, \
    }

const mr_agg *mr_agg_extreme_find(mr_type_id type, bool greatest) {
    static const mr_agg bools[2] = {EXTREME_ROW(bools, min), EXTREME_ROW(bools, max)};
    static const mr_agg int32s[2] = {EXTREME_ROW(int32s, min), EXTREME_ROW(int32s, max)};
    static const mr_agg int16s[2] = {EXTREME_ROW(int16s, min), EXTREME_ROW(int16s, max)};
    static const mr_agg numerics[2] = {EXTREME_ROW(numerics, min), EXTREME_ROW(numerics, max)};
    static const mr_agg uuids[2] = {EXTREME_ROW(uuids, min), EXTREME_ROW(uuids, max)};
    static const mr_agg float32s[2] = {EXTREME_ROW(float32s, min), EXTREME_ROW(float32s, max)};
    static const mr_agg int64s[2] = {EXTREME_ROW(int64s, min), EXTREME_ROW(int64s, max)};
    static const mr_agg float64s[2] = {EXTREME_ROW(float64s, min), EXTREME_ROW(float64s, max)};
    static const mr_agg intervals[2] = {EXTREME_ROW(intervals, min), EXTREME_ROW(intervals, max)};
    static const mr_agg texts[2] = {TEXT_ROW(min), TEXT_ROW(max)};
    switch (type) {
    case MR_NULLTYPE:
    case MR_BOOL: return &bools[greatest];
    case MR_INT32:
    case MR_DATE: return &int32s[greatest];
    case MR_INT16: return &int16s[greatest];
    case MR_NUMERIC: return &numerics[greatest];
    case MR_UUID: return &uuids[greatest];
    case MR_FLOAT32: return &float32s[greatest];
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return &int64s[greatest];
    case MR_FLOAT64: return &float64s[greatest];
    case MR_TEXT:
    case MR_BYTES:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT: return &texts[greatest];
    case MR_INTERVAL: return &intervals[greatest];
    case MR_TYPE_COUNT: break;
    }
    mr_assert(false);
    return NULL;
}
