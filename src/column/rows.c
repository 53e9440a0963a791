// Rows: appending, reading as batches, encoding.
//
// How: capacity doubles; each column is one array, string bytes lie behind each other in a second
// one, and a string's data pointer holds its offset there. Values behind NULLs are zeroed, so that
// equal rows have equal encodings.
//
// Encoding, little-endian: u64 schema hash, u64 row count, then per column: u8 1 when there are
// NULLs, followed by ceil(rows / 8) bytes of validity; values raw, or for strings u64 byte count,
// u32 length per row, bytes.

#include "column/rows.h"

#include <string.h>

#include "column/nested.h"

#define ROWS_CAPACITY_MIN 64

void mr_rows_init(mr_rows *rows, const mr_schema *schema) {
    *rows = (mr_rows){.schema = schema};
    rows->columns = mr_heap_alloc(sizeof(mr_rows_column) * MR_MAX(1u, schema->count));
    for (uint32_t c = 0; c < schema->count; c++) {
        rows->columns[c].type = schema->columns[c].type;
    }
}

void mr_rows_release(mr_rows *rows) {
    for (uint32_t c = 0; rows->columns != NULL && c < rows->schema->count; c++) {
        mr_heap_free(rows->columns[c].values);
        mr_heap_free(rows->columns[c].valid);
        mr_heap_free(rows->columns[c].bytes);
    }
    mr_heap_free(rows->columns);
    *rows = (mr_rows){.schema = rows->schema};
}

void mr_rows_clear(mr_rows *rows) {
    for (uint32_t c = 0; c < rows->schema->count; c++) {
        rows->columns[c].bytes_used = 0;
        rows->columns[c].null_count = 0;
    }
    rows->row_count = 0;
    rows->bytes = 0;
}

static void rows_reserve(mr_rows *rows, uint64_t more) {
    uint64_t need = rows->row_count + more;
    if (need <= rows->row_capacity) {
        return;
    }
    uint64_t capacity = MR_MAX(mr_pow2_up(need), (uint64_t)ROWS_CAPACITY_MIN);
    for (uint32_t c = 0; c < rows->schema->count; c++) {
        mr_rows_column *column = &rows->columns[c];
        column->values = mr_heap_resize(column->values, mr_type_bytes(column->type) * capacity);
        column->valid = mr_heap_resize(column->valid, mr_bits_words(capacity) * sizeof(uint64_t));
    }
    rows->row_capacity = capacity;
}

// What count more rows add to a validity map.
static size_t valid_bytes(uint64_t row_count, uint64_t count) {
    return (row_count + count + 7) / 8 - (row_count + 7) / 8;
}

static char *column_bytes(mr_rows_column *column, size_t more) {
    size_t need = column->bytes_used + more;
    if (need > column->bytes_capacity || column->bytes == NULL) {
        column->bytes_capacity = mr_pow2_up(MR_MAX(need, (size_t)256));
        column->bytes = mr_heap_resize(column->bytes, column->bytes_capacity);
    }
    return column->bytes + column->bytes_used;
}

// An offset travels in a string's data pointer until the rows are read.
static inline const char *offset_pack(size_t offset) {
    return (const char *)(uintptr_t)offset;  // NOLINT
}
static inline size_t offset_unpack(const char *data) {
    return (size_t)(uintptr_t)data;
}

// ---- appending ---------------------------------------------------------------------------------

// What is appended: `count` rows of a batch, through a selection when sel is set.
typedef struct rows_pick {
    const uint32_t *sel;
    uint32_t count;
} rows_pick;

static inline uint32_t pick_row(rows_pick pick, uint32_t i) {
    return pick.sel != NULL ? pick.sel[i] : i;
}

// NULLs among the appended rows: their validity bits, and zeros in place of their values.
static void append_nulls(mr_rows_column *column, uint64_t first, const mr_vector *in,
                         rows_pick pick) {
    mr_bits_put_run(column->valid, first, pick.count, /* value= */ true);
    bool all = in->type.id == MR_NULLTYPE;
    if (in->valid == NULL && !all) {
        return;
    }
    size_t width = mr_type_bytes(column->type);
    for (uint32_t i = 0; i < pick.count; i++) {
        if (all || mr_vector_is_null(in, pick_row(pick, i))) {
            mr_bits_clear(column->valid, first + i);
            memset(column->values + (first + i) * width, 0, width);
            column->null_count++;
        }
    }
}

#define APPEND_FIXED(name, ctype)                                              \
    static void append_##name(void *to, const mr_vector *in, rows_pick pick) { \
        ctype *values = to;                                                    \
        const ctype *data = in->data;                                          \
        if (in->kind == MR_CONST) {                                            \
            for (uint32_t i = 0; i < pick.count; i++) {                        \
                values[i] = data[0];                                           \
            }                                                                  \
        } else if (pick.sel == NULL) {                                         \
            memcpy(values, data, pick.count * sizeof(ctype));                  \
        } else {                                                               \
            for (uint32_t i = 0; i < pick.count; i++) {                        \
                values[i] = data[pick.sel[i]];                                 \
            }                                                                  \
        }                                                                      \
    }

APPEND_FIXED(fixed1, uint8_t)
APPEND_FIXED(fixed2, uint16_t)
APPEND_FIXED(fixed4, uint32_t)
APPEND_FIXED(fixed8, uint64_t)
APPEND_FIXED(fixed16, mr_interval)

// Returns the bytes that were added.
static size_t append_strings(mr_rows_column *column, mr_str *to, const mr_vector *in,
                             rows_pick pick) {
    size_t sum = 0;
    for (uint32_t i = 0; i < pick.count; i++) {
        uint32_t row = pick_row(pick, i);
        to[i] = mr_vector_is_null(in, row) ? (mr_str){.data = NULL} : mr_vector_str(in, row);
        sum += to[i].bytes;
    }
    char *at = column_bytes(column, sum);
    size_t offset = column->bytes_used;
    for (uint32_t i = 0; i < pick.count; i++) {
        uint32_t bytes = to[i].bytes;
        if (bytes == 0) {
            to[i] = (mr_str){.data = NULL};
            continue;
        }
        memcpy(at, to[i].data, bytes);
        to[i].data = offset_pack(offset);
        at += bytes;
        offset += bytes;
    }
    column->bytes_used = offset;
    return sum;
}

static void rows_append(mr_rows *rows, const mr_batch *in, rows_pick pick) {
    mr_assert(in->column_count == rows->schema->count);
    rows_reserve(rows, pick.count);
    for (uint32_t c = 0; c < in->column_count; c++) {
        mr_rows_column *column = &rows->columns[c];
        const mr_vector *vector = &in->columns[c];
        mr_assert(vector->type.id == column->type.id);
        size_t width = mr_type_bytes(column->type);
        void *to = column->values + rows->row_count * width;
        if (mr_type_is_string(column->type)) {
            rows->bytes += append_strings(column, to, vector, pick);
        } else if (width == 8) {
            append_fixed8(to, vector, pick);
        } else if (width == 4) {
            append_fixed4(to, vector, pick);
        } else if (width == 2) {
            append_fixed2(to, vector, pick);
        } else if (width == 1 && column->type.id == MR_BOOL) {
            append_fixed1(to, vector, pick);
        } else if (width == 16) {
            append_fixed16(to, vector, pick);
        }
        append_nulls(column, rows->row_count, vector, pick);
        rows->bytes += width * pick.count + valid_bytes(rows->row_count, pick.count);
    }
    rows->row_count += pick.count;
}

void mr_rows_append(mr_rows *rows, const mr_batch *batch) {
    if (batch->sel_count > 0) {
        rows_append(rows, batch, (rows_pick){batch->sel, batch->sel_count});
    }
}

void mr_rows_append_row(mr_rows *rows, const mr_batch *batch, uint32_t row) {
    mr_assert(row < batch->rows);
    rows_append(rows, batch, (rows_pick){&row, 1});
}

void mr_rows_append_rows(mr_rows *rows, const mr_rows *more) {
    mr_rows_append_range(rows, more, 0, more->row_count);
}

void mr_rows_append_range(mr_rows *rows, const mr_rows *more, uint64_t row_first,
                          uint64_t row_count) {
    mr_assert(rows != more && rows->schema->count == more->schema->count);
    mr_assert(row_first <= more->row_count && row_count <= more->row_count - row_first);
    mr_arena arena;
    mr_arena_init(&arena);
    uint64_t end = row_first + row_count;
    for (uint64_t row = row_first; row < end;) {
        uint32_t count = (uint32_t)MR_MIN(end - row, (uint64_t)MR_BATCH_ROWS_MAX);
        mr_batch batch;
        mr_rows_batch(more, row, count, &arena, &batch);
        mr_rows_append(rows, &batch);
        mr_arena_clear(&arena);
        row += count;
    }
    mr_arena_release(&arena);
}

// ---- reading -----------------------------------------------------------------------------------

// The validity bits from `first` on, at bit 0: in place when they start a word, else a copy.
static uint64_t *bits_from(uint64_t *bits, uint64_t first, uint32_t count, mr_arena *arena) {
    uint64_t *word = bits + first / 64;
    unsigned shift = (unsigned)(first % 64);
    if (shift == 0) {
        return word;
    }
    size_t words = mr_bits_words(count);
    size_t words_in = mr_bits_words(count + shift);
    uint64_t *ret = mr_arena_raw(arena, words * sizeof(uint64_t));
    for (size_t i = 0; i < words; i++) {
        uint64_t high = i + 1 < words_in ? word[i + 1] << (64 - shift) : 0;
        ret[i] = (word[i] >> shift) | high;
    }
    return ret;
}

void mr_rows_batch(const mr_rows *rows, uint64_t row_first, uint32_t row_count, mr_arena *arena,
                   mr_batch *ret) {
    mr_assert(row_count <= MR_BATCH_ROWS_MAX);
    mr_assert(row_first <= rows->row_count && row_count <= rows->row_count - row_first);
    *ret = mr_batch_new(arena, rows->schema->count, row_count);
    for (uint32_t c = 0; c < rows->schema->count; c++) {
        const mr_rows_column *column = &rows->columns[c];
        mr_vector *vector = &ret->columns[c];
        vector->type = column->type;
        vector->kind = MR_FLAT;
        if (row_count > 0) {
            vector->data = column->values + row_first * mr_type_bytes(column->type);
        }
        if (column->null_count > 0) {
            vector->valid = bits_from(column->valid, row_first, row_count, arena);
        }
        if (mr_type_is_string(column->type)) {
            const mr_str *from = vector->data;
            mr_str *to = mr_arena_raw(arena, sizeof(mr_str) * row_count);
            const char *base = column->bytes != NULL ? column->bytes : "";
            for (uint32_t i = 0; i < row_count; i++) {
                to[i] =
                    (mr_str){.data = base + offset_unpack(from[i].data), .bytes = from[i].bytes};
            }
            vector->strs = to;
        }
    }
}

// ---- encoding ----------------------------------------------------------------------------------

void mr_rows_encode(const mr_rows *rows, mr_text *out) {
    uint64_t hash = mr_schema_hash(rows->schema);
    size_t count = rows->row_count;
    mr_text_reserve(out, rows->bytes + 64);
    mr_text_add_bytes(out, &hash, sizeof(hash));
    mr_text_add_bytes(out, &rows->row_count, sizeof(rows->row_count));
    for (uint32_t c = 0; c < rows->schema->count; c++) {
        const mr_rows_column *column = &rows->columns[c];
        mr_text_add_char(out, column->null_count > 0 ? 1 : 0);
        if (column->null_count > 0) {
            mr_text_add_bytes(out, column->valid, (count + 7) / 8);
            uint8_t *last = (uint8_t *)out->data + out->bytes - 1;
            *last &= (uint8_t)(0xFF >> ((8 - count % 8) % 8));
        }
        if (!mr_type_is_string(column->type)) {
            mr_text_add_bytes(out, column->values, count * mr_type_bytes(column->type));
            continue;
        }
        uint64_t bytes = column->bytes_used;
        mr_text_add_bytes(out, &bytes, sizeof(bytes));
        const mr_str *strs = (const mr_str *)(const void *)column->values;
        char *lengths = mr_text_grow(out, count * sizeof(uint32_t));
        for (size_t i = 0; i < count; i++) {
            memcpy(lengths + i * sizeof(uint32_t), &strs[i].bytes, sizeof(uint32_t));
        }
        mr_text_add_bytes(out, column->bytes, column->bytes_used);
    }
}

// One column of an encoding; all parts lie within the input.
typedef struct rows_part {
    const char *valid;   // NULL = no NULLs.
    const char *values;  // Values, or lengths of strings.
    const char *bytes;
    size_t byte_count;
} rows_part;

static bool part_take(mr_span *in, size_t bytes, const char **ret) {
    if (bytes > in->bytes) {
        return false;
    }
    *ret = in->data;
    in->data += bytes;
    in->bytes -= bytes;
    return true;
}

static bool part_take_u64(mr_span *in, uint64_t *ret) {
    const char *at;
    if (!part_take(in, sizeof(*ret), &at)) {
        return false;
    }
    memcpy(ret, at, sizeof(*ret));
    return true;
}

// Nested values are trusted by those who read them, so they are looked at here.
static bool part_check_nested(const rows_part *part, size_t count, mr_type type) {
    const char *at = part->bytes;
    for (size_t i = 0; i < count; i++) {
        uint32_t length;
        memcpy(&length, part->values + i * sizeof(length), sizeof(length));
        bool null = part->valid != NULL && ((part->valid[i / 8] >> (i % 8)) & 1) == 0;
        if (!null && !mr_nested_check(type, (mr_span){at, length})) {
            return false;
        }
        at += length;
    }
    return true;
}

static bool part_take_strings(mr_span *in, size_t count, rows_part *part) {
    uint64_t bytes;
    if (!part_take_u64(in, &bytes) || !part_take(in, count * sizeof(uint32_t), &part->values) ||
        !part_take(in, bytes, &part->bytes)) {
        return false;
    }
    part->byte_count = bytes;
    uint64_t sum = 0;  // At most 2^32 lengths of 32 bits: cannot overflow.
    for (size_t i = 0; i < count; i++) {
        uint32_t length;
        memcpy(&length, part->values + i * sizeof(length), sizeof(length));
        bool null = part->valid != NULL && ((part->valid[i / 8] >> (i % 8)) & 1) == 0;
        if (null && length != 0) {
            return false;
        }
        sum += length;
    }
    return sum == bytes;
}

static bool part_take_column(mr_span *in, size_t count, mr_type type, rows_part *part) {
    const char *flag;
    if (!part_take(in, 1, &flag) || (uint8_t)*flag > 1) {
        return false;
    }
    if (*flag == 1 && !part_take(in, (count + 7) / 8, &part->valid)) {
        return false;
    }
    if (mr_type_is_string(type)) {
        return part_take_strings(in, count, part) &&
               (!mr_type_is_nested(type) || part_check_nested(part, count, type));
    }
    if (!part_take(in, count * mr_type_bytes(type), &part->values)) {
        return false;
    }
    for (size_t i = 0; type.id == MR_BOOL && i < count; i++) {
        if ((uint8_t)part->values[i] > 1) {
            return false;
        }
    }
    return true;
}

static void rows_add_part(mr_rows *rows, uint32_t c, size_t count, const rows_part *part) {
    mr_rows_column *column = &rows->columns[c];
    size_t width = mr_type_bytes(column->type);
    uint8_t *to = column->values + rows->row_count * width;
    mr_bits_put_run(column->valid, rows->row_count, count, /* value= */ true);
    for (size_t i = 0; part->valid != NULL && i < count; i++) {
        if (((part->valid[i / 8] >> (i % 8)) & 1) == 0) {
            mr_bits_clear(column->valid, rows->row_count + i);
            column->null_count++;
        }
    }
    rows->bytes += width * count + valid_bytes(rows->row_count, count) + part->byte_count;
    if (!mr_type_is_string(column->type)) {
        memcpy(to, part->values, count * width);
        return;
    }
    mr_str *strs = (mr_str *)(void *)to;
    char *bytes = column_bytes(column, part->byte_count);
    size_t offset = column->bytes_used;
    for (size_t i = 0; i < count; i++) {
        strs[i] = (mr_str){.data = NULL};
        memcpy(&strs[i].bytes, part->values + i * sizeof(uint32_t), sizeof(uint32_t));
        strs[i].data = offset_pack(strs[i].bytes > 0 ? offset : 0);
        offset += strs[i].bytes;
    }
    memcpy(bytes, part->bytes, part->byte_count);
    column->bytes_used = offset;
}

mr_code mr_rows_decode(mr_rows *rows, mr_span in, mr_cx *cx) {
    uint64_t hash;
    uint64_t count;
    if (!part_take_u64(&in, &hash) || !part_take_u64(&in, &count)) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "encoded rows end too early");
    }
    if (hash != mr_schema_hash(rows->schema)) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "encoded rows are of another schema");
    }
    // Every row of every column takes a byte at least, so the input bounds what is reserved.
    if (count > UINT32_MAX || (rows->schema->count > 0 && count > in.bytes)) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "encoded rows have an impossible row count %llu",
                       (unsigned long long)count);
    }
    rows_part *parts = MR_NEW_ARRAY(cx->arena, rows_part, rows->schema->count);
    for (uint32_t c = 0; c < rows->schema->count; c++) {
        if (!part_take_column(&in, count, rows->columns[c].type, &parts[c])) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "encoded rows are damaged in column \"%s\"",
                           rows->schema->columns[c].name);
        }
    }
    if (in.bytes > 0) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "encoded rows are followed by %zu bytes", in.bytes);
    }
    if (count > 0) {
        rows_reserve(rows, count);
        for (uint32_t c = 0; c < rows->schema->count; c++) {
            rows_add_part(rows, c, count, &parts[c]);
        }
        rows->row_count += count;
    }
    return MR_OK;
}
