// Table: see table.h.

#include "exec/table.h"

#include <string.h>

#define DIRECT_MAX ((int64_t)1 << 22)
#define SEED       0x6D696C6C72616365u

static mr_str row_string(const mr_rows_column *column, uint64_t row) {
    mr_str value;
    memcpy(&value, column->values + row * sizeof value, sizeof value);
    const char *base = column->bytes == NULL ? "" : column->bytes;
    value.data = base + (uintptr_t)value.data;  // Kept as an offset.
    return value;
}

// A dictionary vector over a whole text column, or false when it has too many values.
static bool dict_try(mr_vector *v, const mr_rows_column *column, uint64_t count, mr_arena *arena) {
    mr_dict *dict = mr_dict_new();
    uint32_t *codes = MR_NEW_ARRAY(arena, uint32_t, count);
    for (uint64_t row = 0; row < count; row++) {
        if (mr_bits_get(column->valid, row) &&
            !mr_dict_code(dict, row_string(column, row), &codes[row])) {
            mr_dict_unref(dict);
            return false;
        }
    }
    *v = (mr_vector){.type = column->type, .kind = MR_DICT, .codes = codes, .dict = dict};
    return true;
}

static mr_code key_fails(const mr_table *table, mr_code code, const char *what, mr_cx *cx) {
    const mr_plan_table *plan = table->plan;
    return mr_fail_at(cx, code, plan->place, "Correct the rows, or leave PRIMARY KEY out.",
                      "primary key \"%s\" of table \"%s\" %s",
                      plan->schema.columns[plan->primary_key].name, plan->name, what);
}

// A join would double what matches a key twice.
static mr_code check_key(const mr_table *table, mr_cx *cx) {
    if (table->plan->primary_key < 0) {
        return MR_OK;
    }
    uint32_t key = (uint32_t)table->plan->primary_key;
    if (table->rows.columns[key].null_count > 0) {
        return key_fails(table, MR_E_VALUE, "is NULL in a row", cx);
    }
    mr_table_index index;
    mr_table_index_init(&index, table, &key, 1);
    mr_code code = MR_OK;
    for (uint32_t row = 0; row < table->rows.row_count && !index.unique; row++) {
        if (index.next[row] != MR_TABLE_NO_ROW) {
            mr_text what;
            mr_text_init(&what, cx->arena);
            mr_text_add(&what, "has ");
            mr_vector_print(&table->columns[key], row, NULL, &what);
            mr_text_add(&what, " twice");
            code = key_fails(table, MR_E_EXISTS, mr_text_string(&what), cx);
            break;
        }
    }
    mr_table_index_release(&index);
    return code;
}

mr_code mr_table_init(mr_table *table, const mr_plan_table *plan, const mr_rows *rows, mr_cx *cx) {
    *table = (mr_table){.plan = plan, .rows = *rows, .version = 1};
    uint64_t count = rows->row_count;
    if (count > MR_TABLE_NO_ROW - 1) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "table \"%s\" has too many rows", plan->name);
    }
    table->columns = MR_NEW_ARRAY(&table->arena, mr_vector, plan->schema.count);
    for (uint32_t c = 0; c < plan->schema.count; c++) {
        const mr_rows_column *column = &rows->columns[c];
        mr_vector *v = &table->columns[c];
        if (column->type.id != MR_TEXT || !dict_try(v, column, count, &table->arena)) {
            *v = (mr_vector){.type = column->type, .data = column->values};
            if (mr_type_is_string(column->type)) {
                v->strs = MR_NEW_ARRAY(&table->arena, mr_str, count);
                for (uint64_t row = 0; row < count; row++) {
                    v->strs[row] = row_string(column, row);
                }
            }
        }
        v->valid = column->null_count == 0 ? NULL : column->valid;
    }
    mr_text content;
    mr_text_init(&content, NULL);
    mr_rows_encode(rows, &content);
    table->hash = mr_hash_bytes(content.data, content.bytes, SEED);
    mr_text_release(&content);
    return check_key(table, cx);
}

void mr_table_release(mr_table *table) {
    for (uint32_t c = 0; table->columns != NULL && c < table->plan->schema.count; c++) {
        if (table->columns[c].kind == MR_DICT) {
            mr_dict_unref(table->columns[c].dict);
        }
    }
    mr_rows_release(&table->rows);
    mr_arena_release(&table->arena);
    *table = (mr_table){0};
}

static bool keys_null(const mr_vector *columns, const uint32_t *keys, uint32_t count,
                      uint32_t row) {
    for (uint32_t k = 0; k < count; k++) {
        if (mr_vector_is_null(&columns[keys[k]], row)) {
            return true;
        }
    }
    return false;
}

// A dense array by value when the one key is an INT32 in a small range.
static void direct_try(mr_table_index *index, const mr_table *table, uint32_t key) {
    const mr_vector *v = &table->columns[key];
    uint32_t count = (uint32_t)table->rows.row_count;
    if (v->type.id != MR_INT32 || v->kind != MR_FLAT || count == 0) {
        return;
    }
    int64_t min = INT64_MAX;
    int64_t max = INT64_MIN;
    for (uint32_t row = 0; row < count; row++) {
        if (!mr_vector_is_null(v, row)) {
            min = MR_MIN(min, v->int32s[row]);
            max = MR_MAX(max, v->int32s[row]);
        }
    }
    if (min > max || max - min >= MR_MIN(DIRECT_MAX, (int64_t)count * 16 + 1024)) {
        return;
    }
    index->direct_min = (int32_t)min;
    index->direct_count = (uint32_t)(max - min + 1);
    index->direct = mr_heap_raw(index->direct_count * sizeof *index->direct);
    memset(index->direct, 0xFF, index->direct_count * sizeof *index->direct);
    for (uint32_t row = count; row-- > 0;) {
        if (!mr_vector_is_null(v, row)) {
            index->direct[v->int32s[row] - index->direct_min] = row;
        }
    }
}

void mr_table_index_init(mr_table_index *index, const mr_table *table, const uint32_t *keys,
                         uint32_t key_count) {
    uint32_t count = (uint32_t)table->rows.row_count;
    *index = (mr_table_index){.table = table, .keys = keys, .key_count = key_count, .unique = true};
    index->slot_count = (uint32_t)mr_pow2_up(2 * (uint64_t)count + 16);
    index->slots = mr_heap_alloc(index->slot_count * sizeof *index->slots);
    index->next = mr_heap_raw(MR_MAX(count, 1u) * sizeof *index->next);
    index->hashes = mr_heap_alloc(MR_MAX(count, 1u) * sizeof *index->hashes);
    for (uint32_t k = 0; k < key_count; k++) {
        mr_vector_hash(&table->columns[keys[k]], NULL, count, SEED, index->hashes);
    }
    for (uint32_t row = count; row-- > 0;) {  // Backwards, so that chains are in row order.
        index->next[row] = MR_TABLE_NO_ROW;
        if (keys_null(table->columns, keys, key_count, row)) {
            continue;
        }
        uint32_t at = (uint32_t)index->hashes[row] & (index->slot_count - 1);
        for (; index->slots[at] != 0; at = (at + 1) & (index->slot_count - 1)) {
            uint32_t other = index->slots[at] - 1;
            bool same = index->hashes[other] == index->hashes[row];
            for (uint32_t k = 0; k < key_count && same; k++) {
                const mr_vector *v = &table->columns[keys[k]];
                same = mr_vector_same(v, other, v, row);
            }
            if (same) {
                index->next[row] = other;
                index->unique = false;
                break;
            }
        }
        index->slots[at] = row + 1;
    }
    if (index->unique && key_count == 1) {
        direct_try(index, table, keys[0]);
    }
}

void mr_table_index_release(mr_table_index *index) {
    mr_heap_free(index->slots);
    mr_heap_free(index->next);
    mr_heap_free(index->hashes);
    mr_heap_free(index->direct);
    *index = (mr_table_index){0};
}

static void find_direct(const mr_table_index *index, const mr_vector *v, const mr_batch *in,
                        uint32_t *ret) {
    const int32_t *keys = v->int32s;
    uint32_t mask = v->kind == MR_CONST ? 0u : ~0u;
    const uint32_t *sel = in->sel;
    const uint32_t *direct = index->direct;
    uint32_t min = (uint32_t)index->direct_min;
    uint32_t size = index->direct_count;
    uint32_t count = in->sel_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = sel == NULL ? i : sel[i];
        uint32_t at = (uint32_t)keys[row & mask] - min;
        bool hit = at < size && (v->valid == NULL || mr_bits_get(v->valid, row & mask));
        ret[row] = hit ? direct[at] : MR_TABLE_NO_ROW;
    }
}

void mr_table_index_find(const mr_table_index *index, const mr_batch *in,
                         const uint32_t *input_keys, uint32_t *ret, mr_arena *arena) {
    uint32_t key_count = index->key_count;
    if (index->direct != NULL && in->columns[input_keys[0]].type.id == MR_INT32) {
        find_direct(index, &in->columns[input_keys[0]], in, ret);
        return;
    }
    uint64_t *hashes = mr_arena_alloc(arena, in->rows * sizeof *hashes);
    for (uint32_t k = 0; k < key_count; k++) {
        mr_vector_hash(&in->columns[input_keys[k]], in->sel, in->sel_count, SEED, hashes);
    }
    for (uint32_t i = 0; i < in->sel_count; i++) {
        uint32_t row = mr_batch_row(in, i);
        ret[row] = MR_TABLE_NO_ROW;
        if (keys_null(in->columns, input_keys, key_count, row)) {
            continue;
        }
        uint32_t at = (uint32_t)hashes[row] & (index->slot_count - 1);
        for (; index->slots[at] != 0; at = (at + 1) & (index->slot_count - 1)) {
            uint32_t other = index->slots[at] - 1;
            bool same = index->hashes[other] == hashes[row];
            for (uint32_t k = 0; k < key_count && same; k++) {
                same = mr_vector_same(&index->table->columns[index->keys[k]], other,
                                      &in->columns[input_keys[k]], row);
            }
            if (same) {
                ret[row] = other;
                break;
            }
        }
    }
}
