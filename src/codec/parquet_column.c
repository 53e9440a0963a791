// Parquet column: pages and chunks; see parquet_column.h.

#include "codec/parquet_column.h"

#include <string.h>

#include "codec/parquet_encode.h"
#include "codec/parquet_thrift.h"

#define PAGE_BYTES_MAX      ((size_t)1 << 20)   // A page is ended once its values pass this.
#define PAGE_DICT_BYTES_MAX ((size_t)16 << 20)  // The same for indices, by what they stand for.
#define VALUE_BYTES_MAX     ((uint32_t)1 << 29)
#define DICT_BYTES_MAX      ((size_t)1 << 20)
#define DICT_CHUNKS_PAUSED  15  // After a dictionary did not pay even for one page.

// Numbers of parquet.thrift.
enum { PAGE_DATA = 0, PAGE_DICT = 2 };
enum { ENCODING_PLAIN = 0, ENCODING_RLE = 3, ENCODING_RLE_DICTIONARY = 8 };

void mr_parquet_column_init(mr_parquet_column *column, const mr_parquet_leaf *leaf,
                            const char *name, bool required) {
    mr_type type = leaf->physical;
    bool no_width = mr_type_is_string(type) || type.id == MR_BOOL;
    *column = (mr_parquet_column){
        .leaf = leaf,
        .name = name,
        .type = type,
        .optional = !required,
        .nested = leaf->path_count > 1,
        .width = no_width ? 0 : (uint32_t)mr_type_bytes(type),
        .index_capacity = MR_PARQUET_PAGE_ROWS,
    };
    mr_parquet_dict_init(&column->dict, column->width);
    column->dict.fixed = leaf->fixed;
    mr_text_init(&column->defs, /* arena= */ NULL);
    mr_text_init(&column->reps, /* arena= */ NULL);
    column->page_valid = mr_heap_alloc(mr_bits_words(MR_PARQUET_PAGE_ROWS) * sizeof(uint64_t));
    column->indices = mr_heap_raw(MR_PARQUET_PAGE_ROWS * sizeof(uint32_t));
    mr_text_init(&column->plain, /* arena= */ NULL);
    mr_text_init(&column->pages, /* arena= */ NULL);
    mr_text_init(&column->range.str_min, /* arena= */ NULL);
    mr_text_init(&column->range.str_max, /* arena= */ NULL);
    mr_parquet_column_clear(column);
}

void mr_parquet_column_release(mr_parquet_column *column) {
    mr_parquet_dict_release(&column->dict);
    for (uint32_t i = 0; i < MR_PARQUET_REMAPS; i++) {
        mr_heap_free(column->remaps[i].index_of);
    }
    mr_heap_free(column->page_valid);
    mr_heap_free(column->indices);
    mr_text_release(&column->plain);
    mr_text_release(&column->defs);
    mr_text_release(&column->reps);
    mr_text_release(&column->pages);
    mr_text_release(&column->range.str_min);
    mr_text_release(&column->range.str_max);
}

void mr_parquet_column_clear(mr_parquet_column *column) {
    mr_assert(column->page_entries == 0);
    if (column->dict_rest > 0) {
        column->dict_rest--;
    }
    column->dict_on = column->type.id != MR_BOOL && column->dict_rest == 0;
    mr_parquet_dict_clear(&column->dict);
    for (uint32_t i = 0; i < MR_PARQUET_REMAPS; i++) {
        column->remaps[i].dict_id = 0;
    }
    mr_text_clear(&column->pages);
    column->value_count = 0;
    mr_parquet_range_clear(&column->range);
    column->chunk = (mr_parquet_chunk){.dict_offset = -1};
}

// ---- pages -------------------------------------------------------------------------------------

// Compresses press->raw and appends header and page to out.
static mr_code page_write(mr_parquet_column *column, int32_t page_type, int32_t encoding,
                          mr_parquet_press *press, mr_text *out, mr_cx *cx) {
    mr_span page = mr_text_span(&press->raw);
    if (press->compressor != NULL) {
        mr_text_clear(&press->pressed);
        MR_TRY(mr_compressor_run(press->compressor, page, &press->pressed, cx));
        page = mr_text_span(&press->pressed);
    }
    size_t start = out->bytes;
    mr_thrift header = mr_thrift_begin(out);
    mr_thrift_i32(&header, 1, page_type);
    mr_thrift_i32(&header, 2, mr_i32((int64_t)press->raw.bytes));
    mr_thrift_i32(&header, 3, mr_i32((int64_t)page.bytes));
    if (page_type == PAGE_DICT) {
        mr_thrift_struct(&header, 7);
        mr_thrift_i32(&header, 1, mr_i32(column->dict.count));
        mr_thrift_i32(&header, 2, encoding);
    } else {
        mr_thrift_struct(&header, 5);
        mr_thrift_i32(&header, 1, mr_i32(column->page_entries));
        mr_thrift_i32(&header, 2, encoding);
        mr_thrift_i32(&header, 3, ENCODING_RLE);
        mr_thrift_i32(&header, 4, ENCODING_RLE);
    }
    mr_thrift_end(&header);
    mr_thrift_end(&header);
    int64_t header_bytes = (int64_t)(out->bytes - start);
    mr_text_add_bytes(out, page.data, page.bytes);
    column->chunk.bytes_plain += header_bytes + (int64_t)press->raw.bytes;
    column->chunk.bytes_compressed += header_bytes + (int64_t)page.bytes;
    return MR_OK;
}

// The dictionary must be worth its bytes: small, and every value used twice on average.
static bool dict_pays(const mr_parquet_column *column) {
    int64_t values = column->value_count + column->page_values;
    return column->dict.bytes <= DICT_BYTES_MAX && (int64_t)column->dict.count * 2 <= values;
}

// Levels of a nested column's page, with their size in front.
static void put_levels(mr_text *levels, uint32_t max, mr_text *out) {
    if (max > 0) {
        size_t start = out->bytes;
        mr_text_grow(out, sizeof(uint32_t));
        uint32_t count = (uint32_t)(levels->bytes / sizeof(uint32_t));
        mr_parquet_encode_indices((const uint32_t *)(const void *)levels->data, count,
                                  mr_parquet_encode_width(max + 1), out);
        uint32_t size = mr_u32(out->bytes - start - sizeof(uint32_t));
        memcpy(out->data + start, &size, sizeof size);
    }
    mr_text_clear(levels);
}

static mr_code page_finish(mr_parquet_column *column, mr_parquet_press *press, mr_cx *cx) {
    if (column->page_entries == 0) {
        return MR_OK;
    }
    if (column->dict_on && column->page_values > 0 && !dict_pays(column)) {
        mr_parquet_values_plain(column);
    }
    mr_text_clear(&press->raw);
    if (column->nested) {
        put_levels(&column->reps, column->leaf->rep_max, &press->raw);
        put_levels(&column->defs, column->leaf->def_max, &press->raw);
    } else if (column->optional) {
        mr_parquet_encode_levels(column->page_valid, column->page_entries, column->page_values,
                                 &press->raw);
    }
    // Without values there may be no dictionary to point to.
    bool dict = column->dict_on && column->page_values > 0;
    if (dict) {
        uint32_t width = mr_parquet_encode_width(column->dict.count);
        mr_text_add_char(&press->raw, (char)width);
        mr_parquet_encode_indices(column->indices, column->page_values, width, &press->raw);
        column->chunk.dict_used = true;
    } else {
        mr_text_add_bytes(&press->raw, column->plain.data, column->plain.bytes);
        column->chunk.plain_used = true;
    }
    int32_t encoding = dict ? ENCODING_RLE_DICTIONARY : ENCODING_PLAIN;
    MR_TRY(page_write(column, PAGE_DATA, encoding, press, &column->pages, cx));
    column->chunk.entries += column->page_entries;
    column->chunk.null_count += column->page_entries - column->page_values;
    column->value_count += column->page_values;
    column->page_entries = 0;
    column->page_values = 0;
    column->page_bytes = 0;
    mr_text_clear(&column->plain);
    return MR_OK;
}

// ---- adding rows -------------------------------------------------------------------------------

// Notes validity of `count` rows and gathers those with a value. Returns their count; *rows stays
// NULL when they are the first `count` in order.
static uint32_t column_valid(mr_parquet_column *column, const mr_vector *in, const uint32_t **rows,
                             uint32_t count, uint32_t *room) {
    uint32_t first = column->page_entries;
    if (in->kind == MR_CONST) {
        bool null = mr_vector_is_null(in, 0);
        mr_bits_put_run(column->page_valid, first, count, !null);
        memset(room, 0, count * sizeof(room[0]));
        *rows = room;
        return null ? 0 : count;
    }
    if (in->valid == NULL) {
        mr_bits_put_run(column->page_valid, first, count, /* value= */ true);
        return count;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = *rows != NULL ? (*rows)[i] : i;
        bool valid = mr_bits_get(in->valid, row);
        mr_bits_put(column->page_valid, first + i, valid);
        room[kept] = row;
        kept += valid;
    }
    *rows = room;
    return kept;
}

static mr_code value_fits(const mr_parquet_column *column, uint32_t bytes, mr_cx *cx) {
    return bytes <= VALUE_BYTES_MAX
               ? MR_OK
               : mr_fail(cx, MR_E_LIMIT, NULL, "value of %u bytes in column \"%s\" is too large",
                         bytes, column->name);
}

// How many of the rows go in before limits are looked at again: strings of about PAGE_BYTES_MAX.
static mr_code column_fit(mr_parquet_column *column, const mr_vector *in, const uint32_t *sel,
                          uint32_t *count, mr_cx *cx) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t row = sel != NULL ? sel[i] : i;
        if (mr_vector_is_null(in, row)) {
            continue;
        }
        uint32_t value_bytes = mr_vector_str(in, row).bytes;
        MR_TRY(value_fits(column, value_bytes, cx));
        bytes += sizeof(uint32_t) + value_bytes;
        if (bytes >= PAGE_BYTES_MAX) {
            *count = i + 1;
        }
    }
    column->page_bytes += bytes;
    return MR_OK;
}

static bool column_page_full(const mr_parquet_column *column) {
    size_t bytes_max = column->dict_on ? PAGE_DICT_BYTES_MAX : PAGE_BYTES_MAX;
    return column->page_entries >= MR_PARQUET_PAGE_ROWS || column->page_bytes >= bytes_max;
}

mr_code mr_parquet_column_add(mr_parquet_column *column, const mr_vector *in, const uint32_t *sel,
                              uint32_t count, mr_parquet_press *press, mr_cx *cx) {
    mr_assert(count <= MR_BATCH_ROWS_MAX && in->type.id == column->leaf->type.id);
    uint32_t room[MR_BATCH_ROWS_MAX];
    mr_vector stored = mr_parquet_shape_physical(column->leaf, in, sel, count, &press->arena);
    in = &stored;
    while (count > 0) {
        uint32_t part = MR_MIN(count, MR_PARQUET_PAGE_ROWS - column->page_entries);
        if (mr_type_is_string(column->type)) {
            MR_TRY(column_fit(column, in, sel, &part, cx));
        }
        if (sel == NULL && part < count) {
            sel = press->identity;
        }
        const uint32_t *rows = sel;
        uint32_t kept = column_valid(column, in, &rows, part, room);
        if (kept < part && !column->optional) {
            return mr_fail(cx, MR_E_VALUE, NULL, "NULL in column \"%s\", which is NOT NULL",
                           column->name);
        }
        mr_parquet_values_add(column, in, rows, kept);
        column->page_entries += part;
        if (column->dict_on && column->dict.bytes > DICT_BYTES_MAX) {
            mr_parquet_values_plain(column);
        }
        if (column_page_full(column)) {
            MR_TRY(page_finish(column, press, cx));
        }
        count -= part;
        sel = sel != NULL ? sel + part : NULL;
    }
    return MR_OK;
}

// Room for more indices than a page of rows: lists may be long.
static void indices_reserve(mr_parquet_column *column, uint32_t more) {
    uint32_t need = column->page_values + more;
    if (need > column->index_capacity) {
        column->index_capacity = (uint32_t)mr_pow2_up(need);
        column->indices =
            mr_heap_resize(column->indices, column->index_capacity * sizeof(uint32_t));
    }
}

mr_code mr_parquet_column_add_entries(mr_parquet_column *column, const mr_parquet_entries *entries,
                                      mr_parquet_press *press, mr_cx *cx) {
    mr_assert(column->nested);
    mr_vector values = {.type = column->leaf->type, .kind = MR_FLAT, .data = entries->values.data};
    uint32_t count = entries->value_count;
    if (mr_type_is_string(column->leaf->type)) {
        uint32_t fit = count;
        MR_TRY(column_fit(column, &values, /* sel= */ NULL, &fit,
                          cx));  // Notes the size; rows stay whole.
        for (uint32_t i = fit; i < count; i++) {
            MR_TRY(value_fits(column, values.strs[i].bytes, cx));
            column->page_bytes += values.strs[i].bytes;
        }
    }
    values = mr_parquet_shape_physical(column->leaf, &values, NULL, count, &press->arena);
    indices_reserve(column, count);
    mr_parquet_values_add(column, &values, NULL, count);
    mr_text_add_bytes(&column->defs, entries->defs.data, entries->defs.bytes);
    mr_text_add_bytes(&column->reps, entries->reps.data, entries->reps.bytes);
    column->page_entries += entries->count;
    if (column->dict_on && column->dict.bytes > DICT_BYTES_MAX) {
        mr_parquet_values_plain(column);
    }
    return column_page_full(column) ? page_finish(column, press, cx) : MR_OK;
}

// ---- the chunk ---------------------------------------------------------------------------------

mr_code mr_parquet_column_finish(mr_parquet_column *column, int64_t offset, mr_parquet_press *press,
                                 mr_text *out, mr_cx *cx) {
    MR_TRY(page_finish(column, press, cx));
    size_t start = out->bytes;
    if (column->chunk.dict_used) {
        mr_text_clear(&press->raw);
        mr_parquet_dict_write(&column->dict, &press->raw);
        MR_TRY(page_write(column, PAGE_DICT, ENCODING_PLAIN, press, out, cx));
        column->chunk.dict_offset = offset;
    } else if (column->dict.count > 0) {
        column->dict_rest = DICT_CHUNKS_PAUSED + 1;
    }
    column->chunk.data_offset = offset + (int64_t)(out->bytes - start);
    mr_text_add_bytes(out, column->pages.data, column->pages.bytes);
    mr_parquet_range_dict(&column->range, column->type, &column->dict);
    return MR_OK;
}
