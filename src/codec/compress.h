// Compress: one call each way for every codec, with caps against bombs; and a streaming reader for
// gzip and zstd files.

#pragma once

#include "base/cx.h"
#include "codec/parquet.h"

// By the name that Kafka has for it: none, gzip, snappy, lz4, zstd.  False: there is no such one.
bool mr_compress_named(const char *name, mr_compression *ret);
// Appends to out.
mr_code mr_compress(mr_compression codec, mr_span in, mr_text *out, mr_cx *cx);

// The same for many calls in a row: keeps the codec's working memory. One thread at a time.
typedef struct mr_compressor mr_compressor;
mr_code mr_compressor_open(mr_compression codec, mr_compressor **ret, mr_cx *cx);
mr_code mr_compressor_run(mr_compressor *compressor, mr_span in, mr_text *out, mr_cx *cx);
void mr_compressor_close(mr_compressor *compressor);

// All members and frames of in, appended to out; out is unchanged on failure.
// errors  MR_E_CORRUPT; MR_E_LIMIT when the result would pass bytes_max
mr_code mr_compress_expand(mr_compression codec, mr_span in, size_t bytes_max, mr_text *out,
                           mr_cx *cx);

// A streaming expander: feed input, take output. Concatenated members and frames are read on.
typedef struct mr_expander mr_expander;
mr_code mr_expander_open(mr_compression codec, mr_expander **ret, mr_cx *cx);  // GZIP, ZSTD, LZ4
// Consumes from *in (advanced) and writes up to out_bytes; *ret_bytes = written. Less than
// out_bytes means that all input is used up.  errors MR_E_CORRUPT
mr_code mr_expander_read(mr_expander *expander, mr_span *in, char *out, size_t out_bytes,
                         size_t *ret_bytes, mr_cx *cx);
// True when the stream may end here (no half-read member).
bool mr_expander_at_end(const mr_expander *expander);
void mr_expander_close(mr_expander *expander);
