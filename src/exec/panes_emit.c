// Panes: windows put together from panes, and their form in the commit record; see panes.h.

#include <string.h>

#include "exec/op.h"

int64_t mr_panes_open_from(const mr_panes *panes, int64_t watermark_us) {
    const mr_window *window = &panes->plan->aggregate.window;
    int64_t closed_end;  // A window is closed when its end is not behind this.
    if (watermark_us == INT64_MIN ||
        !mr_sub_fits(watermark_us, panes->plan->aggregate.allowed_lateness_us, &closed_end) ||
        !mr_sub_fits(closed_end, window->size_us, &closed_end)) {
        return INT64_MIN;
    }
    return mr_floor_div(closed_end, window->slide_us) * window->slide_us + window->slide_us;
}

// The first window that a pane's rows count in.
static int64_t pane_first_window(const mr_panes *panes, const mr_pane *pane) {
    const mr_window *window = &panes->plan->aggregate.window;
    int64_t earliest = mr_floor_div(pane->start_us - window->size_us, window->slide_us) + 1;
    return (earliest + pane->skip) * window->slide_us;
}

static bool pane_in_window(const mr_panes *panes, const mr_pane *pane, int64_t window_us) {
    const mr_window *window = &panes->plan->aggregate.window;
    if (window->kind == MR_WINDOW_NONE) {
        return true;
    }
    return pane->start_us >= window_us && pane->start_us < window_us + window->size_us &&
           pane_first_window(panes, pane) <= window_us;
}

bool mr_panes_next_window(const mr_panes *panes, int64_t from_us, int64_t *ret_start_us) {
    const mr_window *window = &panes->plan->aggregate.window;
    bool found = false;
    for (uint32_t p = 0; p < panes->pane_count; p++) {
        const mr_pane *pane = panes->panes[p];
        if (pane->present_count == 0) {
            continue;
        }
        int64_t first = MR_MAX(pane_first_window(panes, pane), from_us);
        int64_t last = mr_floor_div(pane->start_us, window->slide_us) * window->slide_us;
        if (first > last || (found && first >= *ret_start_us)) {
            continue;
        }
        *ret_start_us = first;
        found = true;
    }
    return found;
}

bool mr_panes_changed(const mr_panes *panes, int64_t window_us, uint64_t since) {
    for (uint32_t p = 0; p < panes->pane_count; p++) {
        const mr_pane *pane = panes->panes[p];
        if (pane->epoch > since && pane_in_window(panes, pane, window_us)) {
            return true;
        }
    }
    return false;
}

#define GROUP_TEXT_MAX 200

const char *mr_panes_group_text(const mr_panes *panes, uint32_t group, mr_arena *arena) {
    const mr_plan *plan = panes->plan;
    uint32_t first = plan->aggregate.window.kind == MR_WINDOW_NONE ? 0 : 2;
    mr_text text;
    mr_text_init(&text, arena);
    for (uint32_t k = 0; k < plan->aggregate.key_count; k++) {
        const mr_column *column = &plan->schema->columns[first + k];
        mr_vector v = mr_vector_flat(arena, column->type, 1);
        mr_vector_own_valid(&v, arena, 1);
        mr_groups_decode(&panes->groups, group, k, &v, 0);
        mr_text_addf(&text, "%s%s = ", k == 0 ? "" : ", ", column->name);
        if (mr_vector_is_null(&v, 0)) {
            mr_text_add(&text, "NULL");
            continue;
        }
        size_t from = text.bytes;
        mr_vector_print(&v, 0, /* zone= */ NULL, &text);
        if (text.bytes - from > GROUP_TEXT_MAX) {
            text.bytes = from + GROUP_TEXT_MAX;
            while (((unsigned char)text.data[text.bytes] & 0xC0) == 0x80) {  // Not within a letter.
                text.bytes--;
            }
            mr_text_add(&text, "…");
        }
    }
    return plan->aggregate.key_count == 0 ? "of all rows" : mr_text_string(&text);
}

// A window being put together: the state of each of its groups, and when it changed last.
typedef struct gathering {
    uint8_t **blocks;  // By group; NULL = none.
    bool *owned;       // A block made by merging, to be released.
    uint64_t *epochs;  // By group.
    uint32_t *groups;
    uint32_t count;
    uint32_t *chosen;         // The groups of the rows being made,
    uint64_t *chosen_epochs;  // and when each changed last.
    uint32_t chosen_count;
    bool *refused;  // Of them: a result does not fit its type.
} gathering;

static uint64_t block_epoch(const uint8_t *block) {
    uint64_t epoch;
    memcpy(&epoch, block, sizeof epoch);
    return epoch;
}

static mr_code blocks_merge(const mr_panes *panes, uint8_t *into, const uint8_t *from, mr_cx *cx) {
    for (uint32_t c = 0; c < panes->plan->aggregate.call_count; c++) {
        MR_TRY(panes->aggs[c]->merge(into + panes->offsets[c], from + panes->offsets[c], cx));
    }
    return MR_OK;
}

static mr_code gather_pane(const mr_panes *panes, const mr_pane *pane, gathering *all, mr_cx *cx) {
    for (uint32_t i = 0; i < pane->present_count; i++) {
        uint32_t group = pane->present[i];
        uint8_t *block = pane->states[group];
        all->epochs[group] = MR_MAX(all->epochs[group], block_epoch(block));
        if (all->blocks[group] == NULL) {
            all->blocks[group] = block;
            all->groups[all->count++] = group;
            continue;
        }
        if (!all->owned[group]) {  // The second pane of this group: merge into a copy.
            uint8_t *copy = mr_arena_alloc(cx->arena, panes->block_bytes);
            for (uint32_t c = 0; c < panes->plan->aggregate.call_count; c++) {
                panes->aggs[c]->init(copy + panes->offsets[c]);
            }
            const uint8_t *first = all->blocks[group];
            all->blocks[group] = copy;
            all->owned[group] = true;
            MR_TRY(blocks_merge(panes, copy, first, cx));
        }
        MR_TRY(blocks_merge(panes, all->blocks[group], block, cx));
    }
    return MR_OK;
}

static void gathering_release(const mr_panes *panes, const gathering *all) {
    for (uint32_t i = 0; i < all->count; i++) {
        uint32_t group = all->groups[i];
        for (uint32_t c = 0; all->owned[group] && c < panes->plan->aggregate.call_count; c++) {
            if (panes->aggs[c]->release != NULL) {
                panes->aggs[c]->release(all->blocks[group] + panes->offsets[c]);
            }
        }
    }
}

// A group with a result that does not fit its type is bad data: it is set aside, the rest goes on.
static mr_code group_refuse(const mr_panes *panes, const gathering *all, uint32_t index,
                            mr_cx *cx) {
    if (panes->rejected == NULL) {
        return MR_E_VALUE;  // The error of the result.
    }
    if (!all->refused[index]) {
        all->refused[index] = true;
        const char *reason =
            mr_arena_printf(cx->arena, MR_REASON_EXPRESSION ": %s, in group %s", cx->error.text,
                            mr_panes_group_text(panes, all->chosen[index], cx->arena));
        mr_op_put_bad(panes->rejected, /* origin= */ NULL, 0, reason);
    }
    return MR_OK;
}

static mr_batch rows_not_refused(const gathering *all, const mr_batch *rows, mr_cx *cx) {
    uint32_t *kept = mr_arena_raw(cx->arena, rows->rows * sizeof *kept);
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows->rows; i++) {
        if (!all->refused[i]) {
            kept[count++] = i;
        }
        all->refused[i] = false;
    }
    return count == rows->rows ? *rows : mr_batch_narrow(rows, kept, count);
}

// Rows of some groups as a batch of the AGGREGATE's schema.
static mr_code rows_make(const mr_panes *panes, int64_t window_us, const gathering *all,
                         mr_batch *ret, mr_cx *cx) {
    uint32_t count = all->chosen_count;
    const mr_plan *plan = panes->plan;
    const mr_schema *schema = plan->schema;
    mr_batch out = mr_batch_new(cx->arena, schema->count, count);
    uint32_t column = 0;
    if (plan->aggregate.window.kind != MR_WINDOW_NONE) {
        for (; column < 2; column++) {
            mr_vector *v = &out.columns[column];
            *v = mr_vector_flat(cx->arena, schema->columns[column].type, count);
            int64_t value = column == 0 ? window_us : window_us + plan->aggregate.window.size_us;
            for (uint32_t i = 0; i < count; i++) {
                v->int64s[i] = value;
            }
        }
    }
    for (uint32_t k = 0; k < plan->aggregate.key_count; k++, column++) {
        mr_vector *v = &out.columns[column];
        *v = mr_vector_flat(cx->arena, schema->columns[column].type, count);
        mr_vector_own_valid(v, cx->arena, count);
        for (uint32_t i = 0; i < count; i++) {
            mr_groups_decode(&panes->groups, all->chosen[i], k, v, i);
        }
    }
    for (uint32_t c = 0; c < plan->aggregate.call_count; c++, column++) {
        mr_vector *v = &out.columns[column];
        *v = mr_vector_flat(cx->arena, schema->columns[column].type, count);
        mr_vector_own_valid(v, cx->arena, count);
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t *block = all->blocks[all->chosen[i]];
            mr_code code = panes->aggs[c]->result(block + panes->offsets[c],
                                                  &plan->aggregate.calls[c], v, i, cx);
            MR_TRY(code == MR_E_VALUE ? group_refuse(panes, all, i, cx) : code);
        }
    }
    mr_assert(column == schema->count);
    *ret = rows_not_refused(all, &out, cx);
    return MR_OK;
}

static mr_code window_emit(const mr_panes *panes, int64_t window_us, uint64_t since,
                           mr_panes_take take, void *self, mr_cx *cx) {
    uint32_t group_count = MR_MAX(panes->groups.count, 1u);
    gathering all = {
        .blocks = MR_NEW_ARRAY(cx->arena, uint8_t *, group_count),
        .owned = MR_NEW_ARRAY(cx->arena, bool, group_count),
        .epochs = MR_NEW_ARRAY(cx->arena, uint64_t, group_count),
        .groups = mr_arena_raw(cx->arena, group_count * sizeof(uint32_t)),
        .chosen = mr_arena_raw(cx->arena, MR_BATCH_ROWS_MAX * sizeof(uint32_t)),
        .chosen_epochs = mr_arena_raw(cx->arena, MR_BATCH_ROWS_MAX * sizeof(uint64_t)),
        .refused = MR_NEW_ARRAY(cx->arena, bool, MR_BATCH_ROWS_MAX),
    };
    mr_code code = MR_OK;
    for (uint32_t p = 0; p < panes->pane_count && code == MR_OK; p++) {
        if (pane_in_window(panes, panes->panes[p], window_us)) {
            code = gather_pane(panes, panes->panes[p], &all, cx);
        }
    }
    for (uint32_t i = 0; i < all.count && code == MR_OK; i++) {
        uint64_t epoch = all.epochs[all.groups[i]];
        if (epoch > since) {
            all.chosen_epochs[all.chosen_count] = epoch;
            all.chosen[all.chosen_count++] = all.groups[i];
        }
        if (all.chosen_count == MR_BATCH_ROWS_MAX || (i + 1 == all.count && all.chosen_count > 0)) {
            mr_batch out;
            code = rows_make(panes, window_us, &all, &out, cx);
            code = code != MR_OK ? code : take(self, &out, all.chosen_epochs, cx);
            all.chosen_count = 0;
        }
    }
    gathering_release(panes, &all);
    return code;
}

mr_code mr_panes_emit(const mr_panes *panes, int64_t window_us, uint64_t since, mr_panes_take take,
                      void *self, mr_cx *cx) {
    mr_arena *outer = cx->arena;
    mr_arena own = {0};  // An epoch may emit very many windows.
    cx->arena = &own;
    mr_code code = window_emit(panes, window_us, since, take, self, cx);
    cx->arena = outer;
    mr_arena_release(&own);
    return code;
}

static void state_save(const mr_panes *panes, const mr_pane *pane, uint32_t group, uint64_t epoch,
                       mr_text *out) {
    mr_record_put_i64(out, pane->start_us);
    mr_record_put_u64(out, pane->skip);
    mr_record_put_u64(out, epoch);
    mr_record_put_span(out, panes->groups.keys[group]);
    size_t mark = mr_record_begin_span(out);
    for (uint32_t c = 0; c < panes->plan->aggregate.call_count; c++) {
        panes->aggs[c]->save(pane->states[group] + panes->offsets[c], out);
    }
    mr_record_end_span(out, mark);
}

void mr_panes_save(const mr_panes *panes, int32_t key_group, mr_text *out) {
    for (uint32_t p = 0; p < panes->pane_count; p++) {
        const mr_pane *pane = panes->panes[p];
        for (uint32_t i = 0; i < pane->present_count; i++) {
            uint32_t group = pane->present[i];
            if (key_group < 0 ||
                panes->groups.hashes[group] % MR_KEY_GROUPS == (uint32_t)key_group) {
                state_save(panes, pane, group, block_epoch(pane->states[group]), out);
            }
        }
    }
}

void mr_panes_save_delta(const mr_panes *panes, uint64_t epoch, mr_text *out) {
    for (uint32_t p = 0; p < panes->pane_count; p++) {
        const mr_pane *pane = panes->panes[p];
        for (uint32_t i = 0; i < pane->present_count; i++) {
            state_save(panes, pane, pane->present[i], epoch, out);
        }
    }
}

uint64_t mr_panes_states(const mr_panes *panes) {
    uint64_t states = 0;
    for (uint32_t p = 0; p < panes->pane_count; p++) {
        states += panes->panes[p]->present_count;
    }
    return states;
}

uint64_t mr_panes_bytes(const mr_panes *panes) {
    uint64_t bytes = mr_groups_bytes(&panes->groups);
    for (uint32_t p = 0; p < panes->pane_count; p++) {
        const mr_pane *pane = panes->panes[p];
        bytes += pane->arena.bytes + pane->capacity * sizeof(uint8_t *);
        for (uint32_t c = 0; c < panes->plan->aggregate.call_count; c++) {
            for (uint32_t i = 0; panes->aggs[c]->extra_bytes != NULL && i < pane->present_count;
                 i++) {
                bytes +=
                    panes->aggs[c]->extra_bytes(pane->states[pane->present[i]] + panes->offsets[c]);
            }
        }
    }
    return bytes;
}
