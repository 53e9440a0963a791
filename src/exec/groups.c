// Groups: see groups.h.

#include "exec/groups.h"

#include <math.h>
#include <string.h>

#include "column/interval.h"

#define SLOTS_MIN        64
#define SLOTS_MAX        ((uint32_t)1 << 31)
#define MEMO_COUNT       8
#define MEMO_ENTRIES_MAX ((uint64_t)1 << 18)
#define STRIDE_MIN       16

// Combined dictionary codes of all key columns to group number. Column k contributes (code + 1)
// times its step, NULL contributes 0; a code past its span makes the memo start anew with a wider
// one.
struct mr_group_memo {
    uint64_t dict_ids[MR_GROUP_KEYS_MAX];  // 0 for a constant column.
    uint32_t spans[MR_GROUP_KEYS_MAX];     // Codes a column has room for, NULL included.
    uint32_t *groups;                      // Group + 1; 0 = not yet known.
    uint64_t entry_count;
    bool used;
};

void mr_groups_init(mr_groups *groups, const mr_type *types, uint32_t key_count, uint64_t seed) {
    mr_assert(key_count <= MR_GROUP_KEYS_MAX);
    *groups = (mr_groups){.types = types, .key_count = key_count, .seed = seed};
    groups->memos = mr_heap_alloc(MEMO_COUNT * sizeof *groups->memos);
}

static void memos_clear(mr_groups *groups) {
    for (uint32_t m = 0; groups->memos != NULL && m < MEMO_COUNT; m++) {
        mr_heap_free(groups->memos[m].groups);
        groups->memos[m] = (mr_group_memo){0};
    }
}

void mr_groups_release(mr_groups *groups) {
    memos_clear(groups);
    mr_heap_free(groups->memos);
    mr_heap_free(groups->slots);
    mr_heap_free(groups->hashes);
    mr_heap_free(groups->keys);
    mr_arena_release(&groups->arena);
    *groups = (mr_groups){0};
}

void mr_groups_clear(mr_groups *groups) {
    memos_clear(groups);
    if (groups->slot_count > 0) {
        memset(groups->slots, 0, groups->slot_count * sizeof *groups->slots);
    }
    mr_arena_clear(&groups->arena);
    groups->count = 0;
}

uint64_t mr_groups_bytes(const mr_groups *groups) {
    return groups->arena.bytes + groups->slot_count * sizeof *groups->slots +
           groups->capacity * (sizeof *groups->hashes + sizeof *groups->keys);
}

static void grow(mr_groups *groups) {
    if (groups->count == groups->capacity) {
        groups->capacity = groups->capacity == 0 ? SLOTS_MIN : 2 * groups->capacity;
        groups->hashes = mr_heap_resize(groups->hashes, groups->capacity * sizeof *groups->hashes);
        groups->keys = mr_heap_resize(groups->keys, groups->capacity * sizeof *groups->keys);
    }
    if ((uint64_t)groups->count * 2 < groups->slot_count) {
        return;
    }
    if (groups->slot_count == SLOTS_MAX) {
        mr_assert(groups->count < SLOTS_MAX - 1);  // Some 200 GB of groups.
        return;
    }
    uint64_t wider = MR_MIN(4 * (uint64_t)groups->slot_count, (uint64_t)SLOTS_MAX);
    groups->slot_count = MR_MAX((uint32_t)SLOTS_MIN, (uint32_t)wider);
    mr_heap_free(groups->slots);
    groups->slots = mr_heap_alloc(groups->slot_count * sizeof *groups->slots);
    for (uint32_t g = 0; g < groups->count; g++) {
        uint32_t at = (uint32_t)groups->hashes[g] & (groups->slot_count - 1);
        while (groups->slots[at] != 0) {
            at = (at + 1) & (groups->slot_count - 1);
        }
        groups->slots[at] = g + 1;
    }
}

uint32_t mr_groups_add(mr_groups *groups, mr_span key, uint64_t hash) {
    grow(groups);
    uint32_t mask = groups->slot_count - 1;
    uint32_t at = (uint32_t)hash & mask;
    for (; groups->slots[at] != 0; at = (at + 1) & mask) {
        uint32_t group = groups->slots[at] - 1;
        if (groups->hashes[group] == hash && mr_span_equal(groups->keys[group], key)) {
            return group;
        }
    }
    uint32_t group = groups->count++;
    groups->slots[at] = group + 1;
    groups->hashes[group] = hash;
    groups->keys[group] = (mr_span){mr_arena_copy(&groups->arena, key.data, key.bytes), key.bytes};
    return group;
}

// Values that compare equal must have equal bytes.
static double double_canonical(double value) {
    return isnan(value) ? (double)NAN : value + 0.0;
}

static float float_canonical(float value) {
    return isnan(value) ? NAN : value + 0.0F;
}

static void key_add_value(mr_text *key, const mr_vector *column, uint32_t row) {
    if (mr_vector_is_null(column, row)) {
        mr_text_add_char(key, 0);
        return;
    }
    mr_text_add_char(key, 1);
    if (mr_type_is_string(column->type)) {
        mr_str value = mr_vector_str(column, row);
        mr_text_add_bytes(key, &value.bytes, sizeof value.bytes);
        mr_text_add_bytes(key, value.data, value.bytes);
        return;
    }
    size_t bytes = mr_type_bytes(column->type);
    const char *value = (const char *)column->data + mr_vector_at(column, row) * bytes;
    if (column->type.id == MR_FLOAT64) {
        double number = double_canonical(column->float64s[mr_vector_at(column, row)]);
        mr_text_add_bytes(key, &number, sizeof number);
    } else if (column->type.id == MR_FLOAT32) {
        float number = float_canonical(column->float32s[mr_vector_at(column, row)]);
        mr_text_add_bytes(key, &number, sizeof number);
    } else if (column->type.id == MR_INTERVAL) {
        mr_interval interval = mr_interval_canonical(column->intervals[mr_vector_at(column, row)]);
        mr_text_add_bytes(key, &interval, sizeof interval);
    } else {
        mr_text_add_bytes(key, value, bytes);
    }
}

static uint32_t find_by_bytes(mr_groups *groups, const mr_vector *const *columns, uint32_t row,
                              mr_text *scratch) {
    mr_text_clear(scratch);
    for (uint32_t k = 0; k < groups->key_count; k++) {
        key_add_value(scratch, columns[k], row);
    }
    mr_span key = mr_text_span(scratch);
    return mr_groups_add(groups, key, mr_hash_bytes(key.data, key.bytes, groups->seed));
}

// The memo of these dictionaries, or NULL when some column is neither dictionary nor constant.
// Constants differ from batch to batch, so they only count when there is nothing but their one
// value: then the memo is of no use and bytes serve.
static mr_group_memo *memo_find(mr_groups *groups, const mr_vector *const *columns) {
    uint64_t ids[MR_GROUP_KEYS_MAX] = {0};
    for (uint32_t k = 0; k < groups->key_count; k++) {
        if (columns[k]->kind != MR_DICT) {
            return NULL;
        }
        ids[k] = columns[k]->dict->id;
    }
    for (uint32_t m = 0; m < MEMO_COUNT; m++) {
        mr_group_memo *memo = &groups->memos[m];
        if (memo->used && memcmp(memo->dict_ids, ids, groups->key_count * sizeof ids[0]) == 0) {
            return memo;
        }
    }
    mr_group_memo *memo = &groups->memos[groups->memo_next++ % MEMO_COUNT];
    mr_heap_free(memo->groups);
    *memo = (mr_group_memo){.used = true, .entry_count = 1};
    memcpy(memo->dict_ids, ids, sizeof ids);
    for (uint32_t k = 0; k < groups->key_count; k++) {
        memo->spans[k] = STRIDE_MIN;
        memo->entry_count = MR_MIN(memo->entry_count * STRIDE_MIN, MEMO_ENTRIES_MAX + 1);
    }
    if (memo->entry_count > MEMO_ENTRIES_MAX) {
        memo->entry_count = 0;
        return memo;
    }
    memo->groups = mr_heap_alloc(memo->entry_count * sizeof *memo->groups);
    return memo;
}

// Widens the memo so that every column's code fits; entry_count 0 when it would be too large.
static void memo_widen(mr_group_memo *memo, const mr_groups *groups,
                       const mr_vector *const *columns, uint32_t row) {
    uint64_t entries = 1;
    for (uint32_t k = 0; k < groups->key_count; k++) {
        uint32_t need = mr_vector_is_null(columns[k], row) ? 1 : columns[k]->codes[row] + 2;
        memo->spans[k] = (uint32_t)mr_pow2_up(MR_MAX(need, memo->spans[k]));
        entries = MR_MIN(entries * memo->spans[k], MEMO_ENTRIES_MAX + 1);
    }
    mr_heap_free(memo->groups);
    memo->groups = NULL;
    memo->entry_count = entries > MEMO_ENTRIES_MAX ? 0 : entries;
    if (memo->entry_count > 0) {
        memo->groups = mr_heap_alloc(memo->entry_count * sizeof *memo->groups);
    }
}

// Position of a row's codes in the memo, or UINT64_MAX when a code has no room.
static inline uint64_t memo_at(const mr_group_memo *memo, uint32_t key_count,
                               const mr_vector *const *columns, uint32_t row) {
    uint64_t at = 0;
    for (uint32_t k = 0; k < key_count; k++) {
        uint32_t code = mr_vector_is_null(columns[k], row) ? 0 : columns[k]->codes[row] + 1;
        if (MR_UNLIKELY(code >= memo->spans[k])) {
            return UINT64_MAX;
        }
        at = at * memo->spans[k] + code;
    }
    return at;
}

// Every row's position in the memo, a column at a time; false when some code has no room.
static bool memo_positions(const mr_group_memo *memo, uint32_t key_count,
                           const mr_vector *const *columns, const mr_batch *batch, uint32_t *ret) {
    const uint32_t *sel = batch->sel;
    uint32_t count = batch->sel_count;
    memset(ret, 0, count * sizeof *ret);
    for (uint32_t k = 0; k < key_count; k++) {
        const uint32_t *codes = columns[k]->codes;
        const uint64_t *valid = columns[k]->valid;
        uint32_t span = memo->spans[k];
        uint32_t over = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = sel == NULL ? i : sel[i];
            uint32_t code = codes[row] + 1;
            code = valid == NULL || mr_bits_get(valid, row) ? code : 0;
            over |= code >= span;
            ret[i] = ret[i] * span + code;
        }
        if (MR_UNLIKELY(over != 0)) {
            return false;
        }
    }
    return true;
}

// The same row by row, as long as the memo is being widened.
static void find_widening(mr_groups *groups, mr_group_memo *memo, const mr_vector *const *columns,
                          const mr_batch *batch, uint32_t *ret) {
    mr_text scratch;
    mr_text_init(&scratch, NULL);
    for (uint32_t i = 0; i < batch->sel_count; i++) {
        uint32_t row = mr_batch_row(batch, i);
        ret[i] = find_by_bytes(groups, columns, row, &scratch);
        if (memo != NULL && memo->entry_count > 0 &&
            memo_at(memo, groups->key_count, columns, row) == UINT64_MAX) {
            memo_widen(memo, groups, columns, row);
        }
    }
    mr_text_release(&scratch);
}

void mr_groups_find(mr_groups *groups, const mr_vector *const *columns, const mr_batch *batch,
                    uint32_t *ret) {
    mr_group_memo *memo = groups->key_count > 0 ? memo_find(groups, columns) : NULL;
    if (memo == NULL || memo->entry_count == 0 ||
        !memo_positions(memo, groups->key_count, columns, batch, ret)) {
        find_widening(groups, memo, columns, batch, ret);
        return;
    }
    mr_text scratch;
    mr_text_init(&scratch, NULL);
    uint32_t *known = memo->groups;
    for (uint32_t i = 0; i < batch->sel_count; i++) {
        uint32_t at = ret[i];
        if (MR_UNLIKELY(known[at] == 0)) {
            known[at] = find_by_bytes(groups, columns, mr_batch_row(batch, i), &scratch) + 1;
        }
        ret[i] = known[at] - 1;
    }
    mr_text_release(&scratch);
}

// The bytes of column `column` within a key: its value's start, or NULL for NULL; *ret_next behind
// it.
static const char *key_column(const mr_groups *groups, mr_span key, uint32_t column) {
    const char *at = key.data;
    for (uint32_t k = 0;; k++) {
        bool null = *at++ == 0;
        if (k == column) {
            return null ? NULL : at;
        }
        if (null) {
            continue;
        }
        if (mr_type_is_string(groups->types[k])) {
            uint32_t bytes;
            memcpy(&bytes, at, sizeof bytes);
            at += sizeof bytes + bytes;
        } else {
            at += mr_type_bytes(groups->types[k]);
        }
    }
}

void mr_groups_decode(const mr_groups *groups, uint32_t group, uint32_t column, mr_vector *out,
                      uint32_t row) {
    mr_assert(group < groups->count && column < groups->key_count && out->kind == MR_FLAT);
    const char *at = key_column(groups, groups->keys[group], column);
    size_t bytes = mr_type_bytes(groups->types[column]);
    if (at == NULL) {
        mr_assert(out->valid != NULL);
        mr_bits_clear(out->valid, row);
        memset((char *)out->data + row * bytes, 0, bytes);
        return;
    }
    if (!mr_type_is_string(groups->types[column])) {
        memcpy((char *)out->data + row * bytes, at, bytes);
        return;
    }
    mr_str value = {0};
    memcpy(&value.bytes, at, sizeof value.bytes);
    value.data = at + sizeof value.bytes;
    out->strs[row] = value;
}

bool mr_groups_key_valid(const mr_groups *groups, mr_span key) {
    for (uint32_t k = 0; k < groups->key_count; k++) {
        if (key.bytes == 0 || (uint8_t)key.data[0] > 1) {
            return false;
        }
        size_t bytes = 1;
        if (key.data[0] == 1 && mr_type_is_string(groups->types[k])) {
            uint32_t string_bytes;
            if (key.bytes < 1 + sizeof string_bytes) {
                return false;
            }
            memcpy(&string_bytes, key.data + 1, sizeof string_bytes);
            bytes += sizeof string_bytes + string_bytes;
        } else if (key.data[0] == 1) {
            bytes += mr_type_bytes(groups->types[k]);
        }
        if (bytes > key.bytes) {
            return false;
        }
        key.data += bytes;
        key.bytes -= bytes;
    }
    return key.bytes == 0;
}
