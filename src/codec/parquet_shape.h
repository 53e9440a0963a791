// Parquet shape: how a column is stored: the physical type of its values, and, of lists and
// structs, its leaves with their levels.
//
// A leaf is what Parquet calls a column. A flat column is one leaf. A nested one has a leaf for
// each value type at its bottom; a row gives each leaf one entry or more: a repetition level (which
// list goes on), a definition level (how much of the path is there) and, when all of it is, a
// value. Source: Apache Parquet format, "Nested Encoding"; Melnik et al., "Dremel", VLDB 2010.

#pragma once

#include "column/vector.h"

#define MR_PARQUET_DEPTH_MAX 32
#define MR_PARQUET_FIXED     16  // Bytes of a fixed-size value: UUID, wide numeric.

typedef struct mr_parquet_leaf {
    mr_type type;      // Of the values, here.
    mr_type physical;  // As they are stored: BOOL INT32 INT64 FLOAT32 FLOAT64 TEXT BYTES.
    bool fixed;        // BYTES of MR_PARQUET_FIXED bytes.
    uint32_t def_max;
    uint32_t rep_max;
    const char **path;
    uint32_t path_count;
} mr_parquet_leaf;

// A column, or what is inside of one. Leaves are numbered within the file.
typedef struct mr_parquet_shape {
    const char *name;
    mr_type type;
    bool optional;
    uint32_t leaf_first;
    uint32_t leaf_count;
    struct mr_parquet_shape *children;  // Of a struct its fields; of a list its element.
    uint32_t child_count;
} mr_parquet_shape;

typedef struct mr_parquet_shapes {
    mr_parquet_shape *columns;
    mr_parquet_leaf *leaves;
    uint32_t leaf_count;
} mr_parquet_shapes;

// True when a column of this type can be written.
bool mr_parquet_shape_can(mr_type type);
mr_parquet_shapes mr_parquet_shape_make(const mr_schema *schema, mr_arena *arena);

// Entries of one leaf, to be added to its column.
typedef struct mr_parquet_entries {
    mr_text values;  // Of the leaf's type, as in a flat vector.
    mr_text defs;    // uint32_t each
    mr_text reps;
    uint32_t value_count;
    uint32_t count;
} mr_parquet_entries;

// Takes one row of a nested column apart; entries: of all leaves of the file. Strings are views.
void mr_parquet_shape_shred(const mr_parquet_shape *column, const mr_vector *in, uint32_t row,
                            mr_parquet_entries *entries);
// A vector of a leaf's type as one of its physical type; rows as in mr_parquet_column_add.
mr_vector mr_parquet_shape_physical(const mr_parquet_leaf *leaf, const mr_vector *in,
                                    const uint32_t *sel, uint32_t count, mr_arena *arena);
