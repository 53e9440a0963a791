// Operator: one running node of a plan, on one worker.
//
// Rows come in by push and go on by mr_op_emit to the operator's consumers. The driver, never an
// operator, decides when to call what. A batch is borrowed during the call; what an operator keeps,
// it copies. Operators that keep state have their own interface to the commit record
// (op_distinct.h, panes.h). Threads: an operator belongs to one worker; what workers share
// (mr_op_shared) is read-only while they run.

#pragma once

#include "column/rows.h"
#include "exec/eval.h"
#include "exec/panes.h"
#include "sql/plan.h"

typedef struct mr_op mr_op;
typedef struct mr_op_type mr_op_type;
typedef struct mr_exchange mr_exchange;

// Rows a worker sets aside for a source's bad and late tables; taken by the driver at the epoch's
// end.
typedef struct mr_op_aside {
    mr_rows bad;
    mr_rows late;
} mr_op_aside;

// What all operators of one worker see.
typedef struct mr_op_env {
    mr_eval_env eval;                // Zone, and the epoch's time.
    uint64_t seed;                   // Of key hashes; fixed for the pipeline's life.
    uint32_t worker;                 // Index of this worker …
    uint32_t worker_count;           // … of this many.
    struct mr_table *const *tables;  // Static tables by plan index.
    mr_op_aside *asides;             // By source.
    const mr_pipeline *pipeline;
    mr_exchange *exchange;  // NULL with one worker.
    uint64_t claim;         // Of the chunk that is being pushed: its number over all sources.
    int64_t watermark_us;   // Global, as of the last epoch's end.
    bool measured;          // Each push is timed (EXPLAIN --analyze).
    int64_t nested_ns;      // Time of what ran inside the lap that is under way.
} mr_op_env;

struct mr_op {
    const mr_op_type *type;
    // type->push, or what times it: a run that is not measured pays nothing.
    mr_code (*push)(mr_op *op, uint32_t port, const mr_batch *in, mr_cx *cx);
    const mr_plan *plan;
    mr_op_env *env;
    mr_op **consumers;
    uint32_t consumer_count;
    uint32_t source;   // Of the scan at the bottom.
    uint64_t rows_in;  // Since open.
    uint64_t rows_out;
    int64_t busy_ns;  // In its own code, without its consumers'; only in a measured run.
};

struct mr_op_type {
    const char *name;
    const char *file;
    size_t size;
    mr_code (*open)(mr_op *op, mr_cx *cx);
    mr_code (*push)(mr_op *op, uint32_t port, const mr_batch *in, mr_cx *cx);
    void (*close)(mr_op *op);  // Optional.
};

// The visible list of operators, by the plan node they run; a SCAN only passes on.
#define MR_OPS(X)               \
    X(SCAN, mr_op_scan)         \
    X(LATE, mr_op_late)         \
    X(FILTER, mr_op_filter)     \
    X(PROJECT, mr_op_project)   \
    X(JOIN, mr_op_join)         \
    X(DISTINCT, mr_op_distinct) \
    X(WINDOW, mr_op_window)     \
    X(AGGREGATE, mr_op_aggregate)

#define MR_OP_DECLARE(kind, type) extern const mr_op_type type;
MR_OPS(MR_OP_DECLARE)
#undef MR_OP_DECLARE

// An operator for a plan node, opened; memory from cx->arena.
mr_code mr_op_new(const mr_plan *plan, mr_op_env *env, mr_op **ret, mr_cx *cx);
void mr_op_close(mr_op *op);
void mr_op_add_consumer(mr_op *op, mr_op *consumer, mr_arena *arena);
const mr_op_type *mr_op_find(mr_plan_kind kind);

// A lap: the time between two points, and how much of it was an operator's own. Laps nest; both
// calls do nothing in a run that is not measured.
typedef struct mr_op_lap {
    int64_t began_ns;
    int64_t outer_ns;
} mr_op_lap;
void mr_op_lap_begin(mr_op_env *env, mr_op_lap *ret, mr_cx *cx);
// Own time of the lap: without the laps inside it.
int64_t mr_op_lap_end(mr_op_env *env, const mr_op_lap *lap, mr_cx *cx);

// Hands a batch to every consumer. A batch with no selected row is dropped.
mr_code mr_op_emit(mr_op *op, const mr_batch *batch, mr_cx *cx);
// Sends rows that an expression failed on to the source's bad table and returns the selection
// without them. Behind an aggregate there is no record to show: the raw column then holds the
// reason only.
mr_code mr_op_reject(mr_op *op, const mr_batch *in, const mr_eval_failures *failures, mr_batch *ret,
                     mr_cx *cx);
// Copies one row of the origin into a bad table.
void mr_op_put_bad(mr_rows *bad, const mr_origin *origin, uint32_t row, const char *reason);
// Copies one row of a batch of the source into a late table, with why. NULL in `why` shows as NULL.
typedef struct mr_op_late_why {
    const char *reason;
    const char *windows;          // Starts of those that it missed.
    const char *query;            // The one that it is late for.
    const int64_t *watermark_us;  // The row's own,
    const int64_t *lateness_ms;   // and how far behind it the row is.
} mr_op_late_why;
void mr_op_put_late(mr_rows *late, const mr_batch *in, uint32_t row, const mr_op_late_why *why,
                    mr_arena *arena);

// Schemas of the side tables. Late: the source's columns, then the columns below.
extern const mr_schema mr_op_bad_schema;
mr_schema mr_op_late_schema(const mr_schema *source, mr_arena *arena);

// A worker's part of an AGGREGATE's epoch; the driver merges and clears it.
mr_panes *mr_op_aggregate_panes(mr_op *op);
