// Parquet writer: row groups from batches; see parquet.h.
//
// How: every column fills pages of its own (parquet_column.c, parquet_values.c); a full row group
// hands its pages out in column order and leaves an entry for the footer (parquet_meta.c). A group
// is also ended by its size, so that memory is bounded whatever the strings are.

#include "codec/parquet.h"

#include "codec/parquet_column.h"
#include "codec/parquet_meta.h"

#define PARQUET_GROUP_ROWS      122880
#define PARQUET_GROUP_BYTES_MAX ((size_t)128 << 20)
#define PARQUET_NESTED_ROWS     64
#define PARQUET_NESTED_BYTES    ((size_t)1 << 20)
#define PARQUET_CREATED_BY      "millrace version 0.1.0"

struct mr_parquet {
    const mr_schema *schema;  // Borrowed.
    mr_compression compression;
    uint32_t group_rows_max;
    char *created_by;
    mr_arena arena;
    mr_parquet_shapes shapes;
    mr_parquet_column *columns;  // By leaf.
    mr_parquet_press press;
    uint32_t group_rows;  // In the present row group.
    int64_t file_bytes;   // Handed out so far.
    int64_t row_count;    // In finished row groups.
    uint32_t group_count;
    mr_text groups;
    bool finished;
};

static mr_code parquet_check(const mr_schema *schema, const mr_parquet_options *options,
                             mr_cx *cx) {
    for (uint32_t i = 0; i < schema->count; i++) {
        if (!mr_parquet_shape_can(schema->columns[i].type)) {
            return mr_fail(cx, MR_E_UNSUPPORTED, "Cast the column to another type.",
                           "Parquet cannot hold column \"%s\" of type %s", schema->columns[i].name,
                           mr_type_text(schema->columns[i].type, cx->arena));
        }
    }
    if (schema->count == 0) {
        return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "Parquet cannot hold rows without columns");
    }
    if (options->compression == MR_COMPRESS_LZ4) {
        return mr_fail(cx, MR_E_UNSUPPORTED, "Use zstd, snappy or none.",
                       "Parquet is not written with lz4");
    }
    return MR_OK;
}

mr_code mr_parquet_open(const mr_schema *schema, const mr_parquet_options *options,
                        mr_parquet **ret, mr_cx *cx) {
    MR_TRY(parquet_check(schema, options, cx));
    mr_compressor *compressor = NULL;
    if (options->compression != MR_COMPRESS_NONE) {
        MR_TRY(mr_compressor_open(options->compression, &compressor, cx));
    }
    mr_parquet *writer = mr_heap_alloc(sizeof(*writer));
    const char *created_by = options->created_by != NULL ? options->created_by : PARQUET_CREATED_BY;
    writer->schema = schema;
    writer->compression = options->compression;
    writer->group_rows_max =
        options->row_group_rows > 0 ? options->row_group_rows : PARQUET_GROUP_ROWS;
    mr_arena_init(&writer->arena);
    writer->created_by = mr_arena_string(&writer->arena, created_by);
    writer->shapes = mr_parquet_shape_make(schema, &writer->arena);
    uint32_t leaves = writer->shapes.leaf_count;
    writer->columns = MR_NEW_ARRAY(&writer->arena, mr_parquet_column, leaves);
    writer->press.entries = MR_NEW_ARRAY(&writer->arena, mr_parquet_entries, leaves);
    for (uint32_t i = 0; i < schema->count; i++) {
        const mr_parquet_shape *shape = &writer->shapes.columns[i];
        for (uint32_t k = shape->leaf_first; k < shape->leaf_first + shape->leaf_count; k++) {
            mr_parquet_column_init(&writer->columns[k], &writer->shapes.leaves[k], shape->name,
                                   !shape->optional);
        }
    }
    writer->press.compressor = compressor;
    mr_text_init(&writer->press.raw, /* arena= */ NULL);
    mr_text_init(&writer->press.pressed, /* arena= */ NULL);
    mr_text_init(&writer->groups, /* arena= */ NULL);
    for (uint32_t i = 0; i < MR_COUNT(writer->press.identity); i++) {
        writer->press.identity[i] = i;
    }
    *ret = writer;
    return MR_OK;
}

static void parquet_magic(mr_parquet *writer, mr_text *out) {
    if (writer->file_bytes == 0) {
        mr_text_add(out, "PAR1");
        writer->file_bytes = 4;
    }
}

static mr_code parquet_end_group(mr_parquet *writer, mr_text *out, mr_cx *cx) {
    if (writer->group_rows == 0) {
        return MR_OK;
    }
    parquet_magic(writer, out);
    uint32_t leaves = writer->shapes.leaf_count;
    for (uint32_t i = 0; i < leaves; i++) {
        mr_parquet_column *column = &writer->columns[i];
        size_t start = out->bytes;
        MR_TRY(mr_parquet_column_finish(column, writer->file_bytes, &writer->press, out, cx));
        writer->file_bytes += (int64_t)(out->bytes - start);
        mr_assert(column->nested || column->chunk.entries == (int64_t)writer->group_rows);
    }
    mr_parquet_meta_group(writer->columns, leaves, writer->group_rows, writer->compression,
                          &writer->groups);
    for (uint32_t i = 0; i < leaves; i++) {
        mr_parquet_column_clear(&writer->columns[i]);
    }
    writer->row_count += writer->group_rows;
    writer->group_count++;
    writer->group_rows = 0;
    return MR_OK;
}

static bool parquet_group_full(const mr_parquet *writer) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < writer->shapes.leaf_count; i++) {
        bytes += writer->columns[i].pages.bytes;
    }
    return writer->group_rows >= writer->group_rows_max || bytes >= PARQUET_GROUP_BYTES_MAX;
}

// Rows of a nested column are taken apart a few at a time, so that pages do not grow without bound.
static mr_code parquet_add_nested(mr_parquet *writer, const mr_parquet_shape *shape,
                                  const mr_vector *in, const uint32_t *sel, uint32_t count,
                                  mr_cx *cx) {
    mr_parquet_entries *entries = writer->press.entries;
    for (uint32_t row = 0; row < count;) {
        uint32_t end = MR_MIN(count, row + PARQUET_NESTED_ROWS);
        for (uint32_t k = 0; k < shape->leaf_count; k++) {
            mr_parquet_entries *leaf = &entries[shape->leaf_first + k];
            mr_text_clear(&leaf->values);
            mr_text_clear(&leaf->defs);
            mr_text_clear(&leaf->reps);
            leaf->count = leaf->value_count = 0;
        }
        for (size_t bytes = 0; row < end && bytes < PARQUET_NESTED_BYTES; row++) {
            uint32_t at = sel != NULL ? sel[row] : row;
            if (!shape->optional && mr_vector_is_null(in, at)) {
                return mr_fail(cx, MR_E_VALUE, NULL, "NULL in column \"%s\", which is NOT NULL",
                               shape->name);
            }
            bytes += mr_vector_is_null(in, at) ? 0 : mr_vector_str(in, at).bytes;
            mr_parquet_shape_shred(shape, in, at, entries);
        }
        for (uint32_t k = shape->leaf_first; k < shape->leaf_first + shape->leaf_count; k++) {
            MR_TRY(mr_parquet_column_add_entries(&writer->columns[k], &entries[k], &writer->press,
                                                 cx));
        }
    }
    return MR_OK;
}

static mr_code parquet_add(mr_parquet *writer, uint32_t column, const mr_vector *in,
                           const uint32_t *sel, uint32_t count, mr_cx *cx) {
    const mr_parquet_shape *shape = &writer->shapes.columns[column];
    if (mr_type_is_nested(shape->type)) {
        return parquet_add_nested(writer, shape, in, sel, count, cx);
    }
    return mr_parquet_column_add(&writer->columns[shape->leaf_first], in, sel, count,
                                 &writer->press, cx);
}

mr_code mr_parquet_write(mr_parquet *writer, const mr_batch *in, mr_text *out, mr_cx *cx) {
    mr_assert(!writer->finished && in->column_count == writer->schema->count);
    mr_assert(in->rows <= MR_BATCH_ROWS_MAX);
    const uint32_t *sel = in->sel;
    for (uint32_t left = in->sel_count; left > 0;) {
        uint32_t part = MR_MIN(left, writer->group_rows_max - writer->group_rows);
        if (sel == NULL && part < left) {
            sel = writer->press.identity;
        }
        for (uint32_t i = 0; i < in->column_count; i++) {
            MR_TRY(parquet_add(writer, i, &in->columns[i], sel, part, cx));
        }
        mr_arena_clear(&writer->press.arena);
        writer->group_rows += part;
        if (parquet_group_full(writer)) {
            MR_TRY(parquet_end_group(writer, out, cx));
        }
        left -= part;
        sel = sel != NULL ? sel + part : NULL;
    }
    return MR_OK;
}

mr_code mr_parquet_finish(mr_parquet *writer, mr_text *out, mr_cx *cx) {
    mr_assert(!writer->finished);
    MR_TRY(parquet_end_group(writer, out, cx));
    parquet_magic(writer, out);
    size_t start = out->bytes;
    mr_parquet_file file = {
        .shapes = &writer->shapes,
        .column_count = writer->schema->count,
        .compression = writer->compression,
        .created_by = writer->created_by,
        .row_count = writer->row_count,
        .group_count = writer->group_count,
        .groups = &writer->groups,
    };
    mr_parquet_meta_footer(&file, out);
    writer->file_bytes += (int64_t)(out->bytes - start);
    writer->finished = true;
    return MR_OK;
}

void mr_parquet_close(mr_parquet *writer) {
    if (writer == NULL) {
        return;
    }
    for (uint32_t i = 0; i < writer->shapes.leaf_count; i++) {
        mr_parquet_column_release(&writer->columns[i]);
        mr_text_release(&writer->press.entries[i].values);
        mr_text_release(&writer->press.entries[i].defs);
        mr_text_release(&writer->press.entries[i].reps);
    }
    mr_arena_release(&writer->press.arena);
    mr_compressor_close(writer->press.compressor);
    mr_text_release(&writer->press.raw);
    mr_text_release(&writer->press.pressed);
    mr_text_release(&writer->groups);
    mr_arena_release(&writer->arena);
    mr_heap_free(writer);
}
