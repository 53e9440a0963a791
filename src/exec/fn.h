// Fn: the kernel of every row of the function table, and what kernels share.
//
// The kernel of row ID is mr_fn_ID; the program does not link while a row lacks one. Strict kernels
// (no MR_FN_NULLS) fill call->out for the rows of mr_eval_call_live or mr_eval_call_dense.

#pragma once

#include "exec/eval_node.h"
#include "sql/function.h"

#define MR_FN_DECLARE(id, ...) void mr_fn_##id(mr_fn_call *call);
MR_FUNCTIONS(MR_FN_DECLARE)
#undef MR_FN_DECLARE

extern const mr_fn_kernel mr_fn_kernels[MR_FN_ID_COUNT];

// Text results: bytes are taken, filled, and ended with the bytes used; memory from the run's arena
// in large pieces.
typedef struct mr_fn_writer {
    mr_arena *arena;
    char *at;
    char *end;
} mr_fn_writer;

mr_fn_writer mr_fn_writer_new(const mr_fn_call *call);
char *mr_fn_writer_take(mr_fn_writer *writer, size_t bytes_max);  // Room for bytes_max.
mr_str mr_fn_writer_end(mr_fn_writer *writer, size_t bytes);      // <= the bytes taken.

int mr_fn_hex_digit(char c);  // 0 .. 15, or -1.

// More than this many bytes in one result fail the row: true, and the row has failed.
#define MR_FN_TEXT_BYTES_MAX ((size_t)1 << 20)
bool mr_fn_too_long(mr_fn_call *call, uint32_t row, size_t bytes);

// A loop over the selected rows that are not NULL.
#define MR_FN_EACH(call, row)                     \
    mr_eval_rows rows_ = mr_eval_call_live(call); \
    for (uint32_t i_ = 0, row; i_ < rows_.count && (row = mr_eval_row(rows_, i_), 1); i_++)

static inline mr_str mr_fn_str(const mr_fn_call *call, uint32_t arg, uint32_t row) {
    return mr_vector_str(&call->args[arg], row);
}

// Argument `arg` at a row, for types that are not text.
#define MR_FN_ARG(call, arg, ctype, row) \
    (((const ctype *)(call)->args[arg].data)[mr_vector_at(&(call)->args[arg], (row))])
