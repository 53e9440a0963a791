// Panes: states and their updates; see panes.h. Emission and saving are in panes_emit.c.

#include "exec/panes.h"

#include <string.h>

#define GROUPS_KEPT_MAX 65536
#define BLOCK_HEAD      8  // The epoch.

static int64_t gcd(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static mr_code panes_init(mr_panes *panes, const mr_plan *plan, uint64_t seed, mr_cx *cx) {
    const mr_schema *input = plan->input->schema;
    uint32_t calls = plan->aggregate.call_count;
    panes->aggs = mr_heap_alloc(MR_MAX(calls, 1u) * sizeof *panes->aggs);
    panes->offsets = mr_heap_alloc(MR_MAX(calls, 1u) * sizeof *panes->offsets);
    panes->block_bytes = BLOCK_HEAD;
    for (uint32_t c = 0; c < calls; c++) {
        const mr_agg_call *call = &plan->aggregate.calls[c];
        panes->aggs[c] = mr_agg_find(call);
        if (panes->aggs[c] == NULL) {
            return mr_fail_at(cx, MR_E_UNSUPPORTED, call->place, NULL,
                              "no aggregate %s for type %s", mr_function_aggregates[call->fn].name,
                              mr_type_text(call->argument, cx->arena));
        }
        panes->offsets[c] = panes->block_bytes;
        panes->block_bytes += (uint32_t)mr_align_up(panes->aggs[c]->state_bytes, 8);
    }
    uint32_t keys = plan->aggregate.key_count;
    if (keys > MR_GROUP_KEYS_MAX) {
        return mr_fail_at(cx, MR_E_LIMIT, plan->place, NULL, "GROUP BY has %u keys, at most %d fit",
                          keys, MR_GROUP_KEYS_MAX);
    }
    panes->key_types = mr_heap_alloc(MR_MAX(keys, 1u) * sizeof *panes->key_types);
    for (uint32_t k = 0; k < keys; k++) {
        panes->key_types[k] = input->columns[plan->aggregate.keys[k]].type;
    }
    mr_groups_init(&panes->groups, panes->key_types, keys, seed);
    const mr_window *window = &plan->aggregate.window;
    panes->pane_us = window->kind == MR_WINDOW_NONE ? 1 : gcd(window->size_us, window->slide_us);
    return MR_OK;
}

mr_code mr_panes_init(mr_panes *panes, const mr_plan *plan, uint64_t seed, mr_cx *cx) {
    mr_assert(plan->kind == MR_PLAN_AGGREGATE);
    *panes = (mr_panes){.plan = plan};
    mr_code code = panes_init(panes, plan, seed, cx);
    if (code != MR_OK) {
        mr_panes_release(panes);
    }
    return code;
}

static void state_release(const mr_panes *panes, uint8_t *block) {
    for (uint32_t c = 0; c < panes->plan->aggregate.call_count; c++) {
        if (panes->aggs[c]->release != NULL) {
            panes->aggs[c]->release(block + panes->offsets[c]);
        }
    }
}

static void pane_free(const mr_panes *panes, mr_pane *pane) {
    for (uint32_t i = 0; i < pane->present_count; i++) {
        state_release(panes, pane->states[pane->present[i]]);
    }
    mr_heap_free(pane->states);
    mr_heap_free(pane->present);
    mr_arena_release(&pane->arena);
    mr_heap_free(pane);
}

static void panes_drop(mr_panes *panes) {
    for (uint32_t p = 0; p < panes->pane_count; p++) {
        pane_free(panes, panes->panes[p]);
    }
    panes->pane_count = 0;
}

void mr_panes_clear(mr_panes *panes) {
    panes_drop(panes);
    if (panes->groups.count > GROUPS_KEPT_MAX) {
        mr_groups_clear(&panes->groups);
    }
}

void mr_panes_release(mr_panes *panes) {
    panes_drop(panes);
    mr_heap_free(panes->panes);
    mr_heap_free(panes->aggs);
    mr_heap_free(panes->offsets);
    mr_groups_release(&panes->groups);
    mr_heap_free(panes->key_types);
    *panes = (mr_panes){0};
}

static mr_pane *pane_find(mr_panes *panes, int64_t start_us, uint32_t skip) {
    uint32_t at = panes->pane_count;  // From the end: rows are mostly recent.
    while (at > 0) {
        mr_pane *pane = panes->panes[at - 1];
        if (pane->start_us == start_us && pane->skip == skip) {
            return pane;
        }
        if (pane->start_us < start_us || (pane->start_us == start_us && pane->skip < skip)) {
            break;
        }
        at--;
    }
    if (panes->pane_count == panes->pane_capacity) {
        panes->pane_capacity = panes->pane_capacity == 0 ? 16 : 2 * panes->pane_capacity;
        panes->panes = mr_heap_resize(panes->panes, panes->pane_capacity * sizeof *panes->panes);
    }
    memmove(&panes->panes[at + 1], &panes->panes[at],
            (panes->pane_count - at) * sizeof *panes->panes);
    panes->panes[at] = mr_heap_alloc(sizeof(mr_pane));
    panes->panes[at]->start_us = start_us;
    panes->panes[at]->skip = skip;
    panes->pane_count++;
    return panes->panes[at];
}

static uint8_t *state_make(const mr_panes *panes, mr_pane *pane, uint32_t group) {
    if (group >= pane->capacity) {
        uint32_t capacity = (uint32_t)mr_pow2_up(MR_MAX(group + 1, 64u));
        pane->states = mr_heap_resize(pane->states, capacity * sizeof *pane->states);
        memset(pane->states + pane->capacity, 0, (capacity - pane->capacity) * sizeof(uint8_t *));
        pane->capacity = capacity;
    }
    if (pane->states[group] != NULL) {
        return pane->states[group];
    }
    if (pane->present_count == pane->present_capacity) {
        pane->present_capacity = pane->present_capacity == 0 ? 64 : 2 * pane->present_capacity;
        pane->present =
            mr_heap_resize(pane->present, pane->present_capacity * sizeof *pane->present);
    }
    uint8_t *block = mr_arena_alloc(&pane->arena, panes->block_bytes);
    for (uint32_t c = 0; c < panes->plan->aggregate.call_count; c++) {
        panes->aggs[c]->init(block + panes->offsets[c]);
    }
    pane->states[group] = block;
    pane->present[pane->present_count++] = group;
    return block;
}

static inline uint8_t *state_get(const mr_panes *panes, mr_pane *pane, uint32_t group) {
    if (MR_LIKELY(group < pane->capacity && pane->states[group] != NULL)) {
        return pane->states[group];
    }
    return state_make(panes, pane, group);
}

// The pane of a row: by its time, and by how many of its windows its own watermark has closed.
static mr_pane *pane_of_row(mr_panes *panes, int64_t time_us, int64_t watermark_us) {
    const mr_window *window = &panes->plan->aggregate.window;
    if (window->kind == MR_WINDOW_NONE) {
        return pane_find(panes, 0, 0);
    }
    int64_t start = mr_floor_div(time_us, panes->pane_us) * panes->pane_us;
    int64_t earliest = mr_floor_div(start - window->size_us, window->slide_us) * window->slide_us +
                       window->slide_us;
    int64_t open = watermark_us == INT64_MIN ? earliest : mr_panes_open_from(panes, watermark_us);
    uint32_t skip = open <= earliest ? 0 : (uint32_t)((open - earliest) / window->slide_us);
    return pane_find(panes, start, skip);
}

// Finds the state of each selected row. Most rows belong to the pane of the row before, and to a
// group that has a state in it: those cost a comparison of times and one look into an array.
static void blocks_find(mr_panes *panes, const mr_batch *in, const uint32_t *groups,
                        uint8_t **blocks) {
    static const int64_t none = 0;
    const mr_window *window = &panes->plan->aggregate.window;
    bool windowed = window->kind != MR_WINDOW_NONE;
    const mr_vector *column = windowed ? &in->columns[window->time_column] : NULL;
    const int64_t *times = windowed ? column->int64s : &none;
    uint32_t mask = windowed && column->kind != MR_CONST ? ~0u : 0u;
    const int64_t *watermarks = windowed ? in->watermark : NULL;
    int64_t lateness = panes->plan->aggregate.allowed_lateness_us;
    const uint32_t *sel = in->sel;
    uint32_t count = in->sel_count;
    uint64_t epoch = panes->epoch;
    mr_pane *pane = NULL;
    int64_t low = 0;
    int64_t high = 0;  // The present pane's range of times: [low, high), and its rows are on time.
    uint8_t *const *states = NULL;  // Of the present pane.
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = sel == NULL ? i : sel[i];
        int64_t time = times[row & mask];
        int64_t watermark = watermarks == NULL ? INT64_MIN : watermarks[row];
        // A row not behind its watermark is on time for every window it is in.
        bool on_time = watermark == INT64_MIN || time >= watermark - lateness;
        uint32_t group = groups[i];
        bool here = pane != NULL && time >= low && time < high && on_time;
        if (MR_LIKELY(here && group < capacity && states[group] != NULL)) {
            blocks[i] = states[group];
        } else {
            mr_pane *own = here ? pane : pane_of_row(panes, time, watermark);
            own->epoch = epoch;
            blocks[i] = state_get(panes, own, group);
            if (own->skip == 0) {
                pane = own;
                low = windowed ? own->start_us : INT64_MIN;
                high = windowed ? own->start_us + panes->pane_us : INT64_MAX;
                states = own->states;
                capacity = own->capacity;
            }
        }
        memcpy(blocks[i], &epoch, sizeof epoch);
    }
}

typedef struct update_rows {  // Rows of a batch and the blocks they go to.
    const uint32_t *rows;     // NULL = all.
    uint8_t *const *blocks;
    uint32_t count;
} update_rows;

// The rows of one call with a FILTER: those whose column is TRUE.
static update_rows filter_rows(const mr_vector *filter, const mr_batch *in, uint8_t *const *blocks,
                               mr_arena *arena) {
    uint32_t *rows = mr_arena_raw(arena, in->sel_count * sizeof *rows);
    uint8_t **kept = mr_arena_raw(arena, in->sel_count * sizeof *kept);
    uint32_t count = 0;
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        if (!mr_vector_is_null(filter, row) && filter->bools[mr_vector_at(filter, row)] != 0) {
            rows[count] = row;
            kept[count++] = blocks[i];
        }
    }
    return (update_rows){rows, kept, count};
}

static mr_agg_input call_input(const mr_agg_call *call, const mr_batch *in, mr_arena *arena) {
    mr_agg_input input = {
        .call = call,
        .value = call->column < 0 ? NULL : &in->columns[call->column],
        .second = call->second < 0 ? NULL : &in->columns[call->second],
        .origin = in->origin,
    };
    if (call->order_count > 0) {
        const mr_vector **orders = MR_NEW_ARRAY(arena, const mr_vector *, call->order_count);
        for (uint32_t i = 0; i < call->order_count; i++) {
            orders[i] = &in->columns[call->orders[i].column];
        }
        input.orders = orders;
    }
    return input;
}

mr_code mr_panes_update(mr_panes *panes, const mr_batch *in, mr_cx *cx) {
    const mr_plan *plan = panes->plan;
    const mr_vector *keys[MR_GROUP_KEYS_MAX];
    for (uint32_t k = 0; k < plan->aggregate.key_count; k++) {
        keys[k] = &in->columns[plan->aggregate.keys[k]];
    }
    uint32_t count = in->sel_count;
    uint32_t *groups = mr_arena_raw(cx->arena, count * sizeof *groups);
    uint8_t **blocks = mr_arena_raw(cx->arena, count * sizeof *blocks);
    mr_groups_find(&panes->groups, keys, in, groups);
    blocks_find(panes, in, groups, blocks);
    for (uint32_t c = 0; c < plan->aggregate.call_count; c++) {
        const mr_agg_call *call = &plan->aggregate.calls[c];
        mr_agg_input input = call_input(call, in, cx->arena);
        update_rows to = {in->sel, blocks, count};
        if (call->filter >= 0) {
            to = filter_rows(&in->columns[call->filter], in, blocks, cx->arena);
        }
        MR_TRY(panes->aggs[c]->update(to.blocks, panes->offsets[c], &input, to.rows, to.count, cx));
    }
    return MR_OK;
}

static mr_code state_merge(mr_panes *into, mr_pane *pane, uint32_t group, const mr_panes *from,
                           const uint8_t *block, mr_cx *cx) {
    uint8_t *target = state_get(into, pane, group);
    memcpy(target, &into->epoch, sizeof into->epoch);
    pane->epoch = into->epoch;
    for (uint32_t c = 0; c < into->plan->aggregate.call_count; c++) {
        mr_code code =
            into->aggs[c]->merge(target + into->offsets[c], block + from->offsets[c], cx);
        if (code != MR_OK) {
            return mr_error_in(cx, code, "GROUP BY, group %s",
                               mr_panes_group_text(into, group, cx->arena));
        }
    }
    return MR_OK;
}

mr_code mr_panes_merge(mr_panes *into, const mr_panes *from, mr_cx *cx) {
    uint32_t *map = mr_arena_raw(cx->arena, MR_MAX(from->groups.count, 1u) * sizeof *map);
    memset(map, 0xFF, from->groups.count * sizeof *map);
    for (uint32_t p = 0; p < from->pane_count; p++) {
        const mr_pane *source = from->panes[p];
        mr_pane *pane = pane_find(into, source->start_us, source->skip);
        for (uint32_t i = 0; i < source->present_count; i++) {
            uint32_t group = source->present[i];
            if (map[group] == MR_GROUP_NONE) {
                map[group] = mr_groups_add(&into->groups, from->groups.keys[group],
                                           from->groups.hashes[group]);
            }
            MR_TRY(state_merge(into, pane, map[group], from, source->states[group], cx));
        }
    }
    return MR_OK;
}

// Rebuilds the group table when most of its groups have no state any more.
static void groups_collect(mr_panes *panes) {
    uint64_t live = mr_panes_states(panes);
    if (panes->groups.count < GROUPS_KEPT_MAX || panes->groups.count < 2 * live) {
        return;
    }
    mr_groups old = panes->groups;
    mr_groups_init(&panes->groups, panes->key_types, old.key_count, old.seed);
    for (uint32_t p = 0; p < panes->pane_count; p++) {
        mr_pane *pane = panes->panes[p];
        uint8_t **states = pane->states;
        uint32_t *present = pane->present;
        uint32_t count = pane->present_count;
        pane->states = NULL;
        pane->capacity = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t group =
                mr_groups_add(&panes->groups, old.keys[present[i]], old.hashes[present[i]]);
            if (group >= pane->capacity) {
                uint32_t capacity = (uint32_t)mr_pow2_up(MR_MAX(group + 1, 64u));
                pane->states = mr_heap_resize(pane->states, capacity * sizeof *pane->states);
                memset(pane->states + pane->capacity, 0,
                       (capacity - pane->capacity) * sizeof(uint8_t *));
                pane->capacity = capacity;
            }
            pane->states[group] = states[present[i]];
            present[i] = group;
        }
        mr_heap_free(states);
    }
    mr_groups_release(&old);
}

// The last window that reads a pane starts here.
static int64_t pane_last_window(const mr_panes *panes, const mr_pane *pane) {
    int64_t slide = panes->plan->aggregate.window.slide_us;
    return mr_floor_div(pane->start_us, slide) * slide;
}

void mr_panes_expire(mr_panes *panes, int64_t watermark_us) {
    if (panes->plan->aggregate.window.kind == MR_WINDOW_NONE || watermark_us == INT64_MIN) {
        return;
    }
    int64_t open = mr_panes_open_from(panes, watermark_us);
    uint32_t kept = 0;
    for (uint32_t p = 0; p < panes->pane_count; p++) {
        if (pane_last_window(panes, panes->panes[p]) < open) {
            pane_free(panes, panes->panes[p]);
        } else {
            panes->panes[kept++] = panes->panes[p];
        }
    }
    if (kept < panes->pane_count) {
        panes->pane_count = kept;
        groups_collect(panes);
    }
}

mr_code mr_panes_load(mr_panes *panes, mr_span saved, mr_cx *cx) {
    mr_record_reader in = {.left = saved, .name = "aggregate state"};
    uint8_t *scratch = mr_arena_alloc(cx->arena, panes->block_bytes);
    while (in.left.bytes > 0) {
        int64_t start_us;
        uint32_t skip;
        uint64_t epoch;
        mr_span key;
        mr_span states;
        MR_TRY(mr_record_get_i64(&in, &start_us, cx));
        MR_TRY(mr_record_get_u32(&in, &skip, cx));
        MR_TRY(mr_record_get_u64(&in, &epoch, cx));
        MR_TRY(mr_record_get_span(&in, &key, cx));
        MR_TRY(mr_record_get_span(&in, &states, cx));
        if (!mr_groups_key_valid(&panes->groups, key)) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged group key in aggregate state");
        }
        uint64_t hash = mr_hash_bytes(key.data, key.bytes, panes->groups.seed);
        uint32_t group = mr_groups_add(&panes->groups, key, hash);
        mr_pane *pane = pane_find(panes, start_us, skip);
        uint8_t *target = state_get(panes, pane, group);
        memcpy(target, &epoch, sizeof epoch);
        pane->epoch = MR_MAX(pane->epoch, epoch);
        for (uint32_t c = 0; c < panes->plan->aggregate.call_count; c++) {
            const mr_agg *agg = panes->aggs[c];
            void *part = scratch + panes->offsets[c];
            agg->init(part);
            mr_code code = agg->load(part, &states, cx);
            code = code == MR_OK ? agg->merge(target + panes->offsets[c], part, cx) : code;
            if (agg->release != NULL) {
                agg->release(part);
            }
            MR_TRY(code);
        }
        if (states.bytes > 0) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged aggregate state: bytes are left over");
        }
    }
    return MR_OK;
}

void mr_panes_drop_key_group(mr_panes *panes, uint32_t key_group) {
    for (uint32_t p = 0; p < panes->pane_count; p++) {
        mr_pane *pane = panes->panes[p];
        uint32_t kept = 0;
        for (uint32_t i = 0; i < pane->present_count; i++) {
            uint32_t group = pane->present[i];
            if (panes->groups.hashes[group] % MR_KEY_GROUPS == key_group) {
                state_release(panes, pane->states[group]);
                pane->states[group] = NULL;
            } else {
                pane->present[kept++] = group;
            }
        }
        pane->present_count = kept;
    }
}
