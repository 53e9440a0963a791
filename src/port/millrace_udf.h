// millrace_udf.h: functions written in C for millrace's SQL. Stable: what is here stays as it is.
//
//   #include <millrace_udf.h>
//   MILLRACE_LIBRARY
//   void twice(millrace_call *call) {
//       const int64_t *in = call->columns[0].data;
//       int64_t *out = call->result.data;
//       for (uint32_t row = 0; row < call->rows; row++) {
//           out[row] = 2 * in[row];
//       }
//   }
//
//   cc -O2 -shared -fPIC twice.c -o lib/twice.so
//
//   CREATE FUNCTION twice(x bigint) RETURNS bigint LANGUAGE c STRICT AS 'lib/twice.so', 'twice';
//
// A function gets columns and fills a column. It must be pure (the same arguments, the same result:
// after a crash rows are computed again), must not keep pointers behind the call, and is called by
// several threads at once. The library is loaded from the project's folder.
//
// A value, by SQL type:
//   boolean uint8_t 0 or 1 · smallint int16_t · integer int32_t · bigint int64_t · real float
//   double precision double · date int32_t days since 1970-01-01 · time int64_t microseconds
//   timestamp, timestamptz int64_t microseconds since 1970-01-01 (UTC for timestamptz)
//   text, bytea, jsonb millrace_string · uuid two uint64_t, high then low
//   numeric(p,s) __int128, the value times 10^s

#pragma once

#include <stdint.h>

#define MILLRACE_UDF_VERSION 1

// Once in every library.
#define MILLRACE_LIBRARY const uint32_t millrace_udf_version = MILLRACE_UDF_VERSION;

typedef struct millrace_string {
    const char *data;  // Not NUL-terminated.
    uint32_t bytes;
    uint32_t unused;  // 0
} millrace_string;

typedef struct millrace_column {
    const void *data;  // A value a row.
    // A bit a row, from the lowest bit of valid[0] on: 1 = not NULL. NULL: no value is NULL. Of a
    // STRICT function it always is.
    const uint64_t *valid;
} millrace_column;

typedef struct millrace_result {
    void *data;       // To be filled, a value a row.
    uint64_t *valid;  // All bits set; clear the bit of a row that is NULL.
} millrace_result;

typedef struct millrace_call millrace_call;
struct millrace_call {
    uint32_t version;
    uint32_t rows;
    uint32_t column_count;
    const millrace_column *columns;
    millrace_result result;
    // Memory for the bytes of strings in the result; freed by millrace.
    void *(*alloc)(millrace_call *call, uint64_t bytes);
    // This row has no result: it goes to the source's bad table with this reason (copied).
    void (*fail)(millrace_call *call, uint32_t row, const char *reason);
    void *internal;
};

typedef void millrace_function(millrace_call *call);
