// Eval, memo: results of an expression per value of a dictionary.
//
// Why: device, country and the like have few values and many rows; their string work is done once a
// value. How: per dictionary a map from code (one more entry for NULL) to a result. A batch is
// looked up in one loop; when it holds codes not seen before, the expression runs over just these
// values and the loop is repeated. Text results go into a dictionary of the memo's own, so the
// result is DICT again; other types are copied out as FLAT.
// Failures are remembered with their code: each row with such a value fails for the same reason.
// Only codes that occur are looked at, since a dictionary's count belongs to its owner's thread.
// Bounds: DICTS_MAX dictionaries, the least recently used is dropped; 4096 values each.

#include "exec/eval_node.h"

#define DICTS_MAX   16
#define NULL_ENTRY  MR_DICT_CAPACITY
#define ENTRY_COUNT (MR_DICT_CAPACITY + 1)

// An entry of the map: a code of the result dictionary (or 0), and above it what the entry is.
#define ENTRY_UNSEEN 0x80000000u
#define ENTRY_FAILED 0x40000000u
#define ENTRY_NULL   0x20000000u
#define ENTRY_CODE   0x0000FFFFu

typedef struct memo_dict {
    uint64_t id;       // Of the input's dictionary; 0 = free.
    uint64_t used_at;  // The memo's clock.
    bool full;         // More results than a dictionary holds: not memoised.
    mr_dict *dict;     // Of text results; referenced.
    uint32_t *map;     // ENTRY_COUNT of them.
    uint8_t *values;   // ENTRY_COUNT results that are not text.
    const char **reasons;
    mr_arena arena;  // The above, and the reasons' text.
} memo_dict;

struct mr_eval_memo {
    uint32_t column;
    uint32_t column_count;
    uint64_t clock;
    mr_dict *dict;  // Where new text results go; shared by as many entries as it has room for.
    memo_dict dicts[DICTS_MAX];
};

mr_eval_memo *mr_eval_memo_new(mr_arena *arena, uint32_t column, uint32_t column_count) {
    mr_eval_memo *memo = MR_NEW(arena, mr_eval_memo);
    memo->column = column;
    memo->column_count = column_count;
    return memo;
}

static void memo_dict_drop(memo_dict *entry) {
    if (entry->dict != NULL) {
        mr_dict_unref(entry->dict);
    }
    mr_arena_release(&entry->arena);
    *entry = (memo_dict){.id = 0};
}

void mr_eval_memo_close(mr_eval_memo *memo) {
    for (uint32_t i = 0; i < DICTS_MAX; i++) {
        memo_dict_drop(&memo->dicts[i]);
    }
    if (memo->dict != NULL) {
        mr_dict_unref(memo->dict);
        memo->dict = NULL;
    }
}

static memo_dict *memo_find(mr_eval_memo *memo, uint64_t id, mr_type type) {
    memo_dict *oldest = &memo->dicts[0];
    memo->clock++;
    for (uint32_t i = 0; i < DICTS_MAX; i++) {
        memo_dict *entry = &memo->dicts[i];
        if (entry->id == id) {
            entry->used_at = memo->clock;
            return entry;
        }
        oldest = entry->used_at < oldest->used_at ? entry : oldest;
    }
    memo_dict_drop(oldest);
    oldest->id = id;
    oldest->used_at = memo->clock;
    oldest->map = MR_NEW_ARRAY(&oldest->arena, uint32_t, ENTRY_COUNT);
    for (uint32_t i = 0; i < ENTRY_COUNT; i++) {
        oldest->map[i] = ENTRY_UNSEEN;
    }
    if (type.id != MR_TEXT) {
        oldest->values = mr_arena_alloc(&oldest->arena, mr_type_bytes(type) * ENTRY_COUNT);
    }
    return oldest;
}

// The code of a text result in the entry's dictionary. A full dictionary is left to those who have
// it, and this entry moves its values to a new one.
static bool result_code(mr_eval_memo *memo, memo_dict *entry, mr_str value, uint32_t *ret) {
    if (entry->dict == NULL) {
        if (memo->dict == NULL) {
            memo->dict = mr_dict_new();
        }
        entry->dict = memo->dict;
        mr_dict_ref(entry->dict);
    }
    if (mr_dict_code(entry->dict, value, ret)) {
        return true;
    }
    mr_dict *fresh = mr_dict_new();
    for (uint32_t i = 0; i < ENTRY_COUNT; i++) {
        uint32_t code;
        if (entry->map[i] <= ENTRY_CODE) {
            bool fits = mr_dict_code(fresh, entry->dict->values[entry->map[i]], &code);
            mr_assert(fits);  // It held them all before.
            entry->map[i] = code;
        }
    }
    mr_dict_unref(entry->dict);
    mr_dict_unref(memo->dict);
    entry->dict = fresh;
    memo->dict = fresh;
    mr_dict_ref(fresh);
    return mr_dict_code(fresh, value, ret);
}

static uint32_t entry_of(const mr_vector *in, uint32_t row) {
    bool null = in->valid != NULL && !mr_bits_get(in->valid, row);
    return null ? NULL_ENTRY : in->codes[row];
}

// The entries that these rows need and the map lacks; each once. They are marked as seen.
static uint32_t entries_new(memo_dict *entry, const mr_vector *in, mr_eval_rows rows,
                            uint32_t *ret) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t at = entry_of(in, mr_eval_row(rows, i));
        if (entry->map[at] == ENTRY_UNSEEN) {
            entry->map[at] = ENTRY_NULL;
            ret[count++] = at;
        }
    }
    return count;
}

static void entry_store(mr_eval_memo *memo, memo_dict *entry, uint32_t at, const mr_vector *result,
                        uint32_t row) {
    if (mr_vector_is_null(result, row) || result->type.id == MR_NULLTYPE) {
        entry->map[at] = ENTRY_NULL;
        return;
    }
    entry->map[at] = 0;
    if (entry->values == NULL) {
        uint32_t code;
        entry->map[at] = ENTRY_NULL;  // Not yet a code, should the others have to move.
        if (result_code(memo, entry, mr_vector_str(result, row), &code)) {
            entry->map[at] = code;
        } else {
            entry->full = true;
        }
        return;
    }
    size_t bytes = mr_type_bytes(result->type);
    uint32_t from = mr_vector_at(result, row);
    memcpy(entry->values + bytes * at, (const uint8_t *)result->data + bytes * from, bytes);
}

// Runs the expression over the values behind new entries and stores what comes out.
static void memo_extend(mr_eval_memo *memo, memo_dict *entry, const mr_eval_node *node,
                        mr_eval_run *run, mr_eval_rows rows) {
    const mr_vector *in = &run->columns[memo->column];
    uint32_t *entries = mr_arena_raw(run->arena, sizeof(uint32_t) * (rows.count + 1));
    uint32_t count = entries_new(entry, in, rows, entries);
    mr_vector *columns = MR_NEW_ARRAY(run->arena, mr_vector, memo->column_count);
    mr_vector *values = &columns[memo->column];
    *values = mr_vector_flat(run->arena, in->type, count);
    for (uint32_t i = 0; i < count; i++) {
        bool null = entries[i] == NULL_ENTRY;
        values->strs[i] = null ? (mr_str){.data = ""} : in->dict->values[entries[i]];
        if (null) {
            mr_bits_clear(mr_vector_own_valid(values, run->arena, count), i);
        }
    }
    mr_eval_run sub = {.columns = columns,
                       .rows = count,
                       .env = run->env,
                       .arena = run->arena,
                       .cx = run->cx,
                       .code = run->code};
    mr_vector result = node->run(node, &sub, (mr_eval_rows){.count = count});
    run->code = sub.code;
    for (uint32_t i = 0; i < count; i++) {
        if (sub.failed != NULL && mr_bits_get(sub.failed, i)) {
            if (entry->reasons == NULL) {
                entry->reasons = MR_NEW_ARRAY(&entry->arena, const char *, ENTRY_COUNT);
            }
            entry->map[entries[i]] = ENTRY_FAILED | ENTRY_NULL;
            entry->reasons[entries[i]] = mr_arena_string(&entry->arena, sub.reasons[i]);
        } else {
            entry_store(memo, entry, entries[i], &result, i);
        }
    }
}

// ---- look-up -----------------------------------------------------------------------------------

// Writes every row's entry of the map; returns all of them or-ed.
static uint32_t look_up(const memo_dict *entry, const mr_vector *in, mr_eval_rows rows,
                        uint32_t *restrict out) {
    const uint32_t *restrict map = entry->map;
    const uint32_t *restrict codes = in->codes;
    uint32_t all = 0;
    if (in->valid == NULL && rows.sel == NULL) {
        for (uint32_t row = 0; row < rows.count; row++) {
            out[row] = map[codes[row]];
            all |= out[row];
        }
        return all;
    }
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        out[row] = map[entry_of(in, row)];
        all |= out[row];
    }
    return all;
}

// NULLs and failures among what was looked up.
static void mark_rows(const memo_dict *entry, mr_eval_run *run, mr_eval_rows rows,
                      const mr_vector *in, mr_vector *out) {
    mr_vector_own_valid(out, run->arena, run->rows);
    const uint32_t *found = out->codes;
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        if ((found[row] & ENTRY_NULL) == 0) {
            continue;
        }
        mr_bits_clear(out->valid, row);
        if ((found[row] & ENTRY_FAILED) != 0) {  // The reason outlives the entry.
            const char *reason = entry->reasons[entry_of(in, row)];
            mr_eval_fail(run, row, mr_arena_string(run->arena, reason));
        }
        out->codes[row] = 0;
    }
}

#define COPY_LOOP(ctype)                                  \
    do {                                                  \
        const ctype *from = (const ctype *)entry->values; \
        ctype *to = out->data;                            \
        for (uint32_t i = 0; i < rows.count; i++) {       \
            uint32_t row = mr_eval_row(rows, i);          \
            to[row] = from[entry_of(in, row)];            \
        }                                                 \
    } while (0)

static void copy_values(const memo_dict *entry, const mr_vector *in, mr_eval_rows rows,
                        mr_vector *out) {
    switch (mr_type_bytes(out->type)) {
    case 1: COPY_LOOP(uint8_t); break;
    case 2: COPY_LOOP(uint16_t); break;
    case 4: COPY_LOOP(uint32_t); break;
    case 8: COPY_LOOP(uint64_t); break;
    default: COPY_LOOP(mr_interval); break;
    }
}

bool mr_eval_memo_run(mr_eval_memo *memo, const mr_eval_node *node, mr_eval_run *run,
                      mr_eval_rows rows, mr_vector *ret) {
    const mr_vector *in = &run->columns[memo->column];
    if (in->kind != MR_DICT || (mr_type_is_string(node->type) && node->type.id != MR_TEXT)) {
        return false;
    }
    memo_dict *entry = memo_find(memo, in->dict->id, node->type);
    if (entry->full) {
        return false;
    }
    mr_vector found = {.type = node->type, .kind = MR_DICT};
    found.codes = MR_NEW_ARRAY(run->arena, uint32_t, run->rows);
    uint32_t all = look_up(entry, in, rows, found.codes);
    if ((all & ENTRY_UNSEEN) != 0) {
        memo_extend(memo, entry, node, run, rows);
        if (entry->full) {
            return false;
        }
        all = look_up(entry, in, rows, found.codes);
    }
    if ((all & ENTRY_NULL) != 0) {
        mark_rows(entry, run, rows, in, &found);
    }
    if (entry->values == NULL) {
        if (entry->dict == NULL) {  // All NULL so far.
            *ret = mr_vector_null(run->arena, node->type);
            return true;
        }
        found.dict = entry->dict;
        *ret = found;
        return true;
    }
    *ret = mr_vector_flat(run->arena, node->type, run->rows);
    ret->valid = found.valid;
    copy_values(entry, in, rows, ret);
    return true;
}
