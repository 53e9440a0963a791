// Parquet footer; see parquet_meta.h.
//
// Source: Apache Parquet format, parquet.thrift. Field numbers stand as literals next to the call
// that writes them, in the order of that file.

#include "codec/parquet_meta.h"

#include <string.h>

#include "codec/parquet_thrift.h"

#define META_VERSION 1  // Data pages v1.

// Numbers of parquet.thrift.
enum { TYPE_BOOLEAN = 0, TYPE_INT32 = 1, TYPE_INT64 = 2, TYPE_DOUBLE = 5, TYPE_BYTE_ARRAY = 6 };
enum { ENCODING_PLAIN = 0, ENCODING_RLE = 3, ENCODING_RLE_DICTIONARY = 8 };
enum {
    CONVERTED_UTF8 = 0,
    CONVERTED_DATE = 6,
    CONVERTED_TIMESTAMP_MICROS = 10,
    CONVERTED_NONE = -1
};
enum { REPETITION_REQUIRED = 0, REPETITION_OPTIONAL = 1 };
enum { LOGICAL_STRING = 1, LOGICAL_DATE = 6, LOGICAL_TIMESTAMP = 8 };

typedef struct meta_type {
    int32_t physical;
    int32_t converted;
} meta_type;

static meta_type meta_type_of(mr_type type) {
    switch (type.id) {
    case MR_BOOL: return (meta_type){TYPE_BOOLEAN, CONVERTED_NONE};
    case MR_INT32: return (meta_type){TYPE_INT32, CONVERTED_NONE};
    case MR_INT64: return (meta_type){TYPE_INT64, CONVERTED_NONE};
    case MR_FLOAT64: return (meta_type){TYPE_DOUBLE, CONVERTED_NONE};
    case MR_TEXT: return (meta_type){TYPE_BYTE_ARRAY, CONVERTED_UTF8};
    case MR_BYTES: return (meta_type){TYPE_BYTE_ARRAY, CONVERTED_NONE};
    case MR_DATE: return (meta_type){TYPE_INT32, CONVERTED_DATE};
    // The format wants the old annotation for wall clocks too; the logical type tells them apart.
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: return (meta_type){TYPE_INT64, CONVERTED_TIMESTAMP_MICROS};
    case MR_INT16:
    case MR_NUMERIC:
    case MR_FLOAT32:
    case MR_UUID:
    case MR_TIME:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_INTERVAL:
    case MR_NULLTYPE:
    case MR_TYPE_COUNT: break;
    }
    return (meta_type){-1, CONVERTED_NONE};
}

bool mr_parquet_meta_can(mr_type type) {
    return meta_type_of(type).physical >= 0;
}

static void meta_logical(mr_thrift *t, mr_type type) {
    if (type.id == MR_TEXT) {
        mr_thrift_struct(t, 10);
        mr_thrift_struct(t, LOGICAL_STRING);
        mr_thrift_end(t);
        mr_thrift_end(t);
    } else if (type.id == MR_DATE) {
        mr_thrift_struct(t, 10);
        mr_thrift_struct(t, LOGICAL_DATE);
        mr_thrift_end(t);
        mr_thrift_end(t);
    } else if (type.id == MR_TIMESTAMP || type.id == MR_TIMESTAMPTZ) {
        mr_thrift_struct(t, 10);
        mr_thrift_struct(t, LOGICAL_TIMESTAMP);
        mr_thrift_bool(t, 1, type.id == MR_TIMESTAMPTZ);  // isAdjustedToUTC
        mr_thrift_struct(t, 2);                           // unit
        mr_thrift_struct(t, 2);                           // MICROS
        mr_thrift_end(t);
        mr_thrift_end(t);
        mr_thrift_end(t);
        mr_thrift_end(t);
    }
}

static void meta_schema(mr_thrift *t, const mr_schema *schema) {
    mr_thrift_list(t, 2, MR_THRIFT_STRUCT, schema->count + 1);
    mr_thrift_element(t);
    mr_thrift_string(t, 4, "schema");
    mr_thrift_i32(t, 5, mr_i32(schema->count));
    mr_thrift_end(t);
    for (uint32_t i = 0; i < schema->count; i++) {
        const mr_column *column = &schema->columns[i];
        meta_type type = meta_type_of(column->type);
        mr_thrift_element(t);
        mr_thrift_i32(t, 1, type.physical);
        mr_thrift_i32(t, 3, column->required ? REPETITION_REQUIRED : REPETITION_OPTIONAL);
        mr_thrift_string(t, 4, column->name);
        if (type.converted != CONVERTED_NONE) {
            mr_thrift_i32(t, 6, type.converted);
        }
        meta_logical(t, column->type);
        mr_thrift_end(t);
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
    if (mr_parquet_range_state(&column->range, column->type, room, &min, &max)) {
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
    mr_thrift_i32(t, 1, meta_type_of(column->type).physical);
    meta_encodings(t, chunk);
    mr_thrift_list(t, 3, MR_THRIFT_BINARY, 1);
    mr_thrift_element_string(t, column->name);
    mr_thrift_i32(t, 4, meta_codec(compression));
    mr_thrift_i64(t, 5, chunk->rows);
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

void mr_parquet_meta_group(const mr_parquet_column *columns, uint32_t column_count,
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
    mr_thrift_i64(&t, 3, first->rows);
    mr_thrift_i64(&t, 5, first->dict_used ? first->dict_offset : first->data_offset);
    mr_thrift_i64(&t, 6, bytes_compressed);
    mr_thrift_end(&t);
}

void mr_parquet_meta_footer(const mr_parquet_file *file, mr_text *out) {
    size_t start = out->bytes;
    mr_thrift t = mr_thrift_begin(out);
    mr_thrift_i32(&t, 1, META_VERSION);
    meta_schema(&t, file->schema);
    mr_thrift_i64(&t, 3, file->row_count);
    mr_thrift_list(&t, 4, MR_THRIFT_STRUCT, file->group_count);
    mr_text_add_bytes(out, file->groups->data, file->groups->bytes);
    mr_thrift_string(&t, 6, file->created_by);
    mr_thrift_list(&t, 7, MR_THRIFT_STRUCT, file->schema->count);
    for (uint32_t i = 0; i < file->schema->count; i++) {
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
