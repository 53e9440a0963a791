// External: a scalar function that is not in the function table: one of DuckDB's, or one of a
// library that the project brings.
//
// sql asks for one by name when it is planned, exec runs it over columns like a kernel of its own;
// neither knows where it comes from. A function must be pure: the same arguments give the same
// result, or a replay after a crash would give other rows.

#pragma once

#include "base/option.h"
#include "column/vector.h"

typedef struct mr_external mr_external;

// One run over rows of vectors, all of the types the function was asked for.
typedef struct mr_external_call {
    const mr_vector *args;
    uint32_t arg_count;
    const uint32_t *sel;  // Rows to compute, ascending; NULL = 0 .. count-1.
    uint32_t count;
    uint32_t rows;    // Of the vectors.
    mr_vector *out;   // FLAT; valid is its own map, all set: a NULL result clears its bit.
    mr_arena *arena;  // For the bytes of results; lives as long as they do.
    // A row that has no result, because of its values. reason is copied.
    void (*fail)(void *self, uint32_t row, const char *reason);
    void *self;
} mr_external_call;

typedef struct mr_external_type {
    const char *kind;  // "DuckDB", "C", for explain.
    const char *file;
    // A function on one thread.
    mr_code (*open)(const mr_external *function, void **ret_state, mr_cx *cx);
    // errors  what concerns the function as a whole; a bad row is no error
    mr_code (*run)(void *state, const mr_external_call *call, mr_cx *cx);
    void (*close)(void *state);
} mr_external_type;

struct mr_external {
    const mr_external_type *type;
    const char *name;
    const char *identity;               // What decides its meaning, for the hash of a plan.
    const mr_type *args;                // arg_count of them.
    const mr_vector *const *constants;  // By argument: its CONST vector, or NULL.
    uint32_t arg_count;
    mr_type result;
    bool sees_nulls;  // Else NULL in, NULL out, without a call.
    void *self;
};

// What an expression asks for.
typedef struct mr_external_ask {
    const char *name;
    const mr_type *args;
    const mr_vector *const *constants;
    uint32_t arg_count;
    const mr_zone *zone;  // The session's; NULL = UTC.
    const char *zone_name;
    // A library's function: its file and symbol, as the user wrote them, and its result. Else NULL.
    const char *library;
    const char *symbol;
    mr_type result;
    bool sees_nulls;
} mr_external_ask;
