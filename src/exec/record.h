// Record: the bytes inside a commit record, a flat sequence of fields written and read in one
// order.
//
// Numbers are 64-bit little-endian, spans are length + bytes. The reader checks every length
// against what is left and a wrong one is MR_E_CORRUPT, so damaged state is an error and never a
// crash.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_record_reader {
    mr_span left;
    const char *name;  // Of the file, for messages.
} mr_record_reader;

void mr_record_put_u64(mr_text *out, uint64_t value);
void mr_record_put_i64(mr_text *out, int64_t value);
void mr_record_put_span(mr_text *out, mr_span value);
void mr_record_put_string(mr_text *out, const char *value);  // NULL reads back as "".
// Starts a span whose length is not known yet; returns the mark to hand to end.
size_t mr_record_begin_span(mr_text *out);
void mr_record_end_span(mr_text *out, size_t mark);

mr_code mr_record_get_u64(mr_record_reader *in, uint64_t *ret, mr_cx *cx);
mr_code mr_record_get_i64(mr_record_reader *in, int64_t *ret, mr_cx *cx);
mr_code mr_record_get_u32(mr_record_reader *in, uint32_t *ret, mr_cx *cx);
mr_code mr_record_get_span(mr_record_reader *in, mr_span *ret, mr_cx *cx);
// A NUL-terminated copy in cx->arena.
mr_code mr_record_get_string(mr_record_reader *in, const char **ret, mr_cx *cx);
// A count of things that take at least min_bytes each: refused when more than the bytes left could
// hold.
mr_code mr_record_get_count(mr_record_reader *in, size_t min_bytes, uint32_t *ret, mr_cx *cx);
