// Thrift compact protocol, writing only: what Parquet's headers and footer need.
//
// Source: Apache Thrift, "Thrift Compact protocol encoding".

#pragma once

#include "base/text.h"

#define MR_THRIFT_DEPTH_MAX 8

// Types as they are written in field and list headers.
typedef enum mr_thrift_type {
    MR_THRIFT_TRUE = 1,
    MR_THRIFT_FALSE = 2,
    MR_THRIFT_BYTE = 3,
    MR_THRIFT_I16 = 4,
    MR_THRIFT_I32 = 5,
    MR_THRIFT_I64 = 6,
    MR_THRIFT_BINARY = 8,
    MR_THRIFT_LIST = 9,
    MR_THRIFT_STRUCT = 12,
} mr_thrift_type;

typedef struct mr_thrift {
    mr_text *out;
    int32_t last[MR_THRIFT_DEPTH_MAX];  // Field id before, per open struct.
    uint32_t depth;                     // Open structs.
} mr_thrift;

// A writer whose outermost struct is open.
mr_thrift mr_thrift_begin(mr_text *out);
// Ends the innermost struct.
void mr_thrift_end(mr_thrift *thrift);

// Fields of the innermost struct, in ascending order of id.
void mr_thrift_bool(mr_thrift *thrift, int32_t id, bool value);
void mr_thrift_i8(mr_thrift *thrift, int32_t id, int8_t value);
void mr_thrift_i32(mr_thrift *thrift, int32_t id, int32_t value);
void mr_thrift_i64(mr_thrift *thrift, int32_t id, int64_t value);
void mr_thrift_binary(mr_thrift *thrift, int32_t id, const void *data, size_t bytes);
void mr_thrift_string(mr_thrift *thrift, int32_t id, const char *text);
void mr_thrift_struct(mr_thrift *thrift, int32_t id);  // Then its fields, then mr_thrift_end.
// Then count elements: structs by mr_thrift_element and mr_thrift_end, others by their own call.
void mr_thrift_list(mr_thrift *thrift, int32_t id, mr_thrift_type element, uint32_t count);
void mr_thrift_element(mr_thrift *thrift);
void mr_thrift_element_i32(mr_thrift *thrift, int32_t value);
void mr_thrift_element_string(mr_thrift *thrift, const char *text);

void mr_thrift_varint(mr_text *out, uint64_t value);  // LEB128, also used by the RLE hybrid.
