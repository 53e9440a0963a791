// Error: the code every fallible function returns, and the story that goes with it.
//
// Why: library code neither logs nor exits; it returns a code and tells the call context what
// happened (fact), what to do (hint) and where (position). Each caller may add one line of context.
// job, flow, serve and cli print it. Message rules: PostgreSQL's; one factual line, no full stop;
// the hint is a full sentence.

#pragma once

#include "base/arena.h"

#define MR_CODES(X)                          \
    X(OK, "ok")                              \
    X(E_SYNTAX, "syntax error")              \
    X(E_NAME, "unknown name")                \
    X(E_TYPE, "type mismatch")               \
    X(E_OPTION, "bad option")                \
    X(E_UNSUPPORTED, "not supported")        \
    X(E_VALUE, "bad value")                  \
    X(E_LIMIT, "limit reached")              \
    X(E_IO, "input/output error")            \
    X(E_FULL, "no space left")               \
    X(E_EXISTS, "already exists")            \
    X(E_MISSING, "does not exist")           \
    X(E_PERMISSION, "permission denied")     \
    X(E_LOCKED, "in use by another process") \
    X(E_CORRUPT, "damaged data")             \
    X(E_NETWORK, "network error")            \
    X(E_TIMEOUT, "timed out")                \
    X(E_CANCELLED, "cancelled")              \
    X(E_CRASH, "simulated crash")            \
    X(E_INTERNAL, "internal error")

typedef enum mr_code {
#define MR_CODE_ENUM(name, text) MR_##name,
    MR_CODES(MR_CODE_ENUM)
#undef MR_CODE_ENUM
        MR_CODE_COUNT
} mr_code_value;

// Must-check: the compiler warns where a result is dropped.
typedef enum mr_code mr_code;

// What the caller may do about it.
enum {
    MR_RETRY = 1,  // The same call may succeed later (broker away, disk full).
    MR_ABORT = 2,  // The epoch is lost; recovery from the last commit helps.
    MR_FATAL = 4,  // The part must stop (a failed fsync, damaged state).
};

// A place in a user's file: byte offset into the text that was parsed; -1 = none.
typedef struct mr_place {
    const char *file;    // NULL = not from a file.
    const char *source;  // The text, for the line to be shown; may be NULL.
    int32_t offset;      // Into source.
} mr_place;

#define MR_NOWHERE           ((mr_place){.file = NULL, .source = NULL, .offset = -1})
#define MR_ERROR_TEXT_BYTES  1024
#define MR_ERROR_CONTEXT_MAX 4

typedef struct mr_error {
    mr_code code;
    uint32_t flags;  // MR_RETRY | MR_ABORT | MR_FATAL
    mr_place place;
    char text[MR_ERROR_TEXT_BYTES];
    char hint[MR_ERROR_TEXT_BYTES];
    char context[MR_ERROR_CONTEXT_MAX][256];  // Innermost first: "in: …".
    uint32_t context_count;
    const char *site_file;  // C source of the failing call.
    int site_line;
} mr_error;

// The words of a code, for machines and tests: "unknown name".
const char *mr_error_code_text(mr_code code);

// Line and column (both from 1, column in characters) of a place; false when it has none.
bool mr_error_line_column(const mr_place *place, uint32_t *ret_line, uint32_t *ret_column);
