// Parquet footer; see parquet_meta.h.
//
// Source: Apache Parquet format, parquet.thrift. Field numbers stand as literals next to the call
// that writes them, in the order of that file.

#include "codec/parquet_meta.h"

#include <string.h>

#include "codec/parquet_thrift.h"

#define META_VERSION 1  // Data pages v1.

// Numbers of parquet.thrift.
enum {
    TYPE_BOOLEAN = 0,
    TYPE_INT32 = 1,
    TYPE_INT64 = 2,
    TYPE_FLOAT = 4,
    TYPE_DOUBLE = 5,
    TYPE_BYTE_ARRAY = 6,
    TYPE_FIXED_LEN_BYTE_ARRAY = 7,
};
enum { ENCODING_PLAIN = 0, ENCODING_RLE = 3, ENCODING_RLE_DICTIONARY = 8 };
enum {
    CONVERTED_UTF8 = 0,
    CONVERTED_LIST = 3,
    CONVERTED_DECIMAL = 5,
    CONVERTED_DATE = 6,
    CONVERTED_TIME_MICROS = 8,
    CONVERTED_TIMESTAMP_MICROS = 10,
    CONVERTED_INT_16 = 16,
    CONVERTED_JSON = 19,
    CONVERTED_NONE = -1,
};
enum { REPETITION_REQUIRED = 0, REPETITION_OPTIONAL = 1, REPETITION_REPEATED = 2 };
enum {
    LOGICAL_STRING = 1,
    LOGICAL_LIST = 3,
    LOGICAL_DECIMAL = 5,
    LOGICAL_DATE = 6,
    LOGICAL_TIME = 7,
    LOGICAL_TIMESTAMP = 8,
    LOGICAL_INTEGER = 10,
    LOGICAL_JSON = 12,
    LOGICAL_UUID = 14,
};

static int32_t meta_physical(const mr_parquet_leaf *leaf) {
    switch ((int)leaf->physical.id) {
    case MR_BOOL: return TYPE_BOOLEAN;
    case MR_INT32: return TYPE_INT32;
    case MR_INT64: return TYPE_INT64;
    case MR_FLOAT32: return TYPE_FLOAT;
    case MR_FLOAT64: return TYPE_DOUBLE;
    default: return leaf->fixed ? TYPE_FIXED_LEN_BYTE_ARRAY : TYPE_BYTE_ARRAY;
    }
}

static int32_t meta_converted(mr_type type) {
    switch ((int)type.id) {
    case MR_TEXT: return CONVERTED_UTF8;
    case MR_JSON: return CONVERTED_JSON;
    case MR_INT16: return CONVERTED_INT_16;
    case MR_NUMERIC: return CONVERTED_DECIMAL;
    case MR_DATE: return CONVERTED_DATE;
    case MR_LIST: return CONVERTED_LIST;
    // The format has these for moments alone; what is a wall clock, the logical type says.
    case MR_TIME: return CONVERTED_TIME_MICROS;
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return CONVERTED_TIMESTAMP_MICROS;
    default: return CONVERTED_NONE;
    }
}

// isAdjustedToUTC and the unit, of TIME and TIMESTAMP.
static void meta_moment(mr_thrift *t, bool utc) {
    mr_thrift_bool(t, 1, utc);
    mr_thrift_struct(t, 2);  // unit
    mr_thrift_struct(t, 2);  // MICROS
    mr_thrift_end(t);
    mr_thrift_end(t);
}

static int32_t meta_logical_id(mr_type type) {
    switch ((int)type.id) {
    case MR_TEXT: return LOGICAL_STRING;
    case MR_JSON: return LOGICAL_JSON;
    case MR_UUID: return LOGICAL_UUID;
    case MR_LIST: return LOGICAL_LIST;
    case MR_NUMERIC: return LOGICAL_DECIMAL;
    case MR_INT16: return LOGICAL_INTEGER;
    case MR_DATE: return LOGICAL_DATE;
    case MR_TIME: return LOGICAL_TIME;
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return LOGICAL_TIMESTAMP;
    default: return 0;
    }
}

static void meta_logical(mr_thrift *t, mr_type type) {
    int32_t id = meta_logical_id(type);
    if (id == 0) {
        return;
    }
    mr_thrift_struct(t, 10);
    mr_thrift_struct(t, id);
    if (id == LOGICAL_DECIMAL) {
        mr_thrift_i32(t, 1, type.scale);
        mr_thrift_i32(t, 2, type.precision);
    } else if (id == LOGICAL_INTEGER) {
        mr_thrift_i8(t, 1, 16);  // bitWidth
        mr_thrift_bool(t, 2, true);
    } else if (id == LOGICAL_TIME) {
        meta_moment(t, /* utc= */ false);
    } else if (id == LOGICAL_TIMESTAMP) {
        meta_moment(t, type.id == MR_TIMESTAMPTZ);
    }
    mr_thrift_end(t);
    mr_thrift_end(t);
}

// One element of the schema: a leaf, or a group of children.
typedef struct element {
    const mr_parquet_leaf *leaf;  // NULL: a group.
    int32_t repetition;
    const char *name;
    uint32_t children;
    mr_type type;
} element;

static void meta_element(mr_thrift *t, element e) {
    mr_thrift_element(t);
    if (e.leaf != NULL) {
        mr_thrift_i32(t, 1, meta_physical(e.leaf));
        if (e.leaf->fixed) {
            mr_thrift_i32(t, 2, MR_PARQUET_FIXED);
        }
    }
    mr_thrift_i32(t, 3, e.repetition);
    mr_thrift_string(t, 4, e.name);
    if (e.leaf == NULL) {
        mr_thrift_i32(t, 5, mr_i32(e.children));
    }
    if (meta_converted(e.type) != CONVERTED_NONE) {
        mr_thrift_i32(t, 6, meta_converted(e.type));
    }
    if (e.type.id == MR_NUMERIC) {
        mr_thrift_i32(t, 7, e.type.scale);
        mr_thrift_i32(t, 8, e.type.precision);
    }
    meta_logical(t, e.type);
    mr_thrift_end(t);
}

static void meta_shape(mr_thrift *t, const mr_parquet_shapes *shapes,
                       const mr_parquet_shape *shape) {
    bool leaf = !mr_type_is_nested(shape->type);
    meta_element(t, (element){
                        .leaf = leaf ? &shapes->leaves[shape->leaf_first] : NULL,
                        .repetition = shape->optional ? REPETITION_OPTIONAL : REPETITION_REQUIRED,
                        .name = shape->name,
                        .children = shape->child_count,
                        .type = shape->type,
                    });
    if (shape->type.id == MR_LIST) {
        meta_element(t,
                     (element){.repetition = REPETITION_REPEATED, .name = "list", .children = 1});
    }
    for (uint32_t i = 0; i < shape->child_count; i++) {
        meta_shape(t, shapes, &shape->children[i]);
    }
}

static uint32_t meta_elements(const mr_parquet_shape *shape) {
    uint32_t sum = shape->type.id == MR_LIST ? 2 : 1;
    for (uint32_t i = 0; i < shape->child_count; i++) {
        sum += meta_elements(&shape->children[i]);
    }
    return sum;
}

static void meta_schema(mr_thrift *t, const mr_parquet_shapes *shapes, uint32_t column_count) {
    uint32_t elements = 1;
    for (uint32_t i = 0; i < column_count; i++) {
        elements += meta_elements(&shapes->columns[i]);
    }
    mr_thrift_list(t, 2, MR_THRIFT_STRUCT, elements);
    mr_thrift_element(t);
    mr_thrift_string(t, 4, "schema");
    mr_thrift_i32(t, 5, mr_i32(column_count));
    mr_thrift_end(t);
    for (uint32_t i = 0; i < column_count; i++) {
        meta_shape(t, shapes, &shapes->columns[i]);
    }
}

static int32_t meta_codec(mr_compression compression) {
    switch (compression) {
    case MR_COMPRESS_NONE: return 0;
    case MR_COMPRESS_SNAPPY: return 1;
    case MR_COMPRESS_GZIP: return 2;
    case MR_COMPRESS_ZSTD: return 6;
    case MR_COMPRESS_LZ4: break;  // Parquet's LZ4 has no frames.
    }
    mr_assert(false);
    return -1;
}

static void meta_statistics(mr_thrift *t, const mr_parquet_column *column) {
    char room[16];
    mr_span min;
    mr_span max;
    mr_thrift_struct(t, 12);
    mr_thrift_i64(t, 3, column->chunk.null_count);
    // Of wide numerics readers would compare bytes as signed numbers.
    bool signed_bytes = column->leaf->fixed && column->leaf->type.id == MR_NUMERIC;
    if (!signed_bytes && mr_parquet_range_state(&column->range, column->type, room, &min, &max)) {
        mr_thrift_binary(t, 5, max.data, max.bytes);
        mr_thrift_binary(t, 6, min.data, min.bytes);
        mr_thrift_bool(t, 7, true);  // The maximum is exact.
        mr_thrift_bool(t, 8, true);
    }
    mr_thrift_end(t);
}

static void meta_encodings(mr_thrift *t, const mr_parquet_chunk *chunk) {
    // RLE stands for the levels; a dictionary page is plain.
    mr_thrift_list(t, 2, MR_THRIFT_I32, chunk->dict_used ? 3 : 2);
    mr_thrift_element_i32(t, ENCODING_PLAIN);
    mr_thrift_element_i32(t, ENCODING_RLE);
    if (chunk->dict_used) {
        mr_thrift_element_i32(t, ENCODING_RLE_DICTIONARY);
    }
}

static void meta_chunk(mr_thrift *t, const mr_parquet_column *column, mr_compression compression) {
    const mr_parquet_chunk *chunk = &column->chunk;
    mr_thrift_element(t);
    mr_thrift_i64(t, 2, 0);  // No metadata outside the footer.
    mr_thrift_struct(t, 3);
    mr_thrift_i32(t, 1, meta_physical(column->leaf));
    meta_encodings(t, chunk);
    mr_thrift_list(t, 3, MR_THRIFT_BINARY, column->leaf->path_count);
    for (uint32_t i = 0; i < column->leaf->path_count; i++) {
        mr_thrift_element_string(t, column->leaf->path[i]);
    }
    mr_thrift_i32(t, 4, meta_codec(compression));
    mr_thrift_i64(t, 5, chunk->entries);
    mr_thrift_i64(t, 6, chunk->bytes_plain);
    mr_thrift_i64(t, 7, chunk->bytes_compressed);
    mr_thrift_i64(t, 9, chunk->data_offset);
    if (chunk->dict_used) {
        mr_thrift_i64(t, 11, chunk->dict_offset);
    }
    meta_statistics(t, column);
    mr_thrift_end(t);
    mr_thrift_end(t);
}

void mr_parquet_meta_group(const mr_parquet_column *columns, uint32_t column_count, uint32_t rows,
                           mr_compression compression, mr_text *groups) {
    mr_assert(column_count > 0);
    int64_t bytes_plain = 0;
    int64_t bytes_compressed = 0;
    mr_thrift t = mr_thrift_begin(groups);
    mr_thrift_list(&t, 1, MR_THRIFT_STRUCT, column_count);
    for (uint32_t i = 0; i < column_count; i++) {
        meta_chunk(&t, &columns[i], compression);
        bytes_plain += columns[i].chunk.bytes_plain;
        bytes_compressed += columns[i].chunk.bytes_compressed;
    }
    const mr_parquet_chunk *first = &columns[0].chunk;
    mr_thrift_i64(&t, 2, bytes_plain);
    mr_thrift_i64(&t, 3, rows);
    mr_thrift_i64(&t, 5, first->dict_used ? first->dict_offset : first->data_offset);
    mr_thrift_i64(&t, 6, bytes_compressed);
    mr_thrift_end(&t);
}

void mr_parquet_meta_footer(const mr_parquet_file *file, mr_text *out) {
    size_t start = out->bytes;
    mr_thrift t = mr_thrift_begin(out);
    mr_thrift_i32(&t, 1, META_VERSION);
    meta_schema(&t, file->shapes, file->column_count);
    mr_thrift_i64(&t, 3, file->row_count);
    mr_thrift_list(&t, 4, MR_THRIFT_STRUCT, file->group_count);
    mr_text_add_bytes(out, file->groups->data, file->groups->bytes);
    mr_thrift_string(&t, 6, file->created_by);
    mr_thrift_list(&t, 7, MR_THRIFT_STRUCT, file->shapes->leaf_count);
    for (uint32_t i = 0; i < file->shapes->leaf_count; i++) {
        mr_thrift_element(&t);  // The order of the type, the only one there is.
        mr_thrift_struct(&t, 1);
        mr_thrift_end(&t);
        mr_thrift_end(&t);
    }
    mr_thrift_end(&t);
    uint32_t bytes = mr_u32(out->bytes - start);
    mr_text_add_bytes(out, &bytes, sizeof(bytes));
    mr_text_add(out, "PAR1");
}
