// Thrift compact protocol, writing only; see parquet_thrift.h.
// Also: mr_thrift_

#include "codec/parquet_thrift.h"

#include <string.h>

void mr_thrift_varint(mr_text *out, uint64_t value) {
    char bytes[10];
    size_t count = 0;
    while (value >= 0x80) {
        bytes[count++] = (char)(value | 0x80);
        value >>= 7;
    }
    bytes[count++] = (char)value;
    mr_text_add_bytes(out, bytes, count);
}

static uint64_t thrift_zigzag(int64_t value) {
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

mr_thrift mr_thrift_begin(mr_text *out) {
    return (mr_thrift){.out = out, .depth = 1};
}

void mr_thrift_end(mr_thrift *thrift) {
    mr_assert(thrift->depth > 0);
    thrift->depth--;
    mr_text_add_char(thrift->out, 0);
}

static void thrift_field(mr_thrift *thrift, int32_t id, mr_thrift_type type) {
    mr_assert(thrift->depth > 0);
    int32_t *last = &thrift->last[thrift->depth - 1];
    int32_t delta = id - *last;
    mr_assert(delta >= 1 && delta <= 15);  // Parquet's ids never need the long form.
    mr_text_add_char(thrift->out, (char)((delta << 4) | (int32_t)type));
    *last = id;
}

void mr_thrift_bool(mr_thrift *thrift, int32_t id, bool value) {
    thrift_field(thrift, id, value ? MR_THRIFT_TRUE : MR_THRIFT_FALSE);
}

void mr_thrift_i8(mr_thrift *thrift, int32_t id, int8_t value) {
    thrift_field(thrift, id, MR_THRIFT_BYTE);
    mr_text_add_char(thrift->out, (char)value);
}

void mr_thrift_i32(mr_thrift *thrift, int32_t id, int32_t value) {
    thrift_field(thrift, id, MR_THRIFT_I32);
    mr_thrift_varint(thrift->out, thrift_zigzag(value));
}

void mr_thrift_i64(mr_thrift *thrift, int32_t id, int64_t value) {
    thrift_field(thrift, id, MR_THRIFT_I64);
    mr_thrift_varint(thrift->out, thrift_zigzag(value));
}

void mr_thrift_binary(mr_thrift *thrift, int32_t id, const void *data, size_t bytes) {
    thrift_field(thrift, id, MR_THRIFT_BINARY);
    mr_thrift_varint(thrift->out, bytes);
    mr_text_add_bytes(thrift->out, data, bytes);
}

void mr_thrift_string(mr_thrift *thrift, int32_t id, const char *text) {
    mr_thrift_binary(thrift, id, text, strlen(text));
}

static void thrift_open(mr_thrift *thrift) {
    mr_assert(thrift->depth < MR_THRIFT_DEPTH_MAX);
    thrift->last[thrift->depth++] = 0;
}

void mr_thrift_struct(mr_thrift *thrift, int32_t id) {
    thrift_field(thrift, id, MR_THRIFT_STRUCT);
    thrift_open(thrift);
}

void mr_thrift_list(mr_thrift *thrift, int32_t id, mr_thrift_type element, uint32_t count) {
    thrift_field(thrift, id, MR_THRIFT_LIST);
    if (count < 15) {
        mr_text_add_char(thrift->out, (char)((count << 4) | (uint32_t)element));
    } else {
        mr_text_add_char(thrift->out, (char)(0xF0u | (uint32_t)element));
        mr_thrift_varint(thrift->out, count);
    }
}

void mr_thrift_element(mr_thrift *thrift) {
    thrift_open(thrift);
}

void mr_thrift_element_i32(mr_thrift *thrift, int32_t value) {
    mr_thrift_varint(thrift->out, thrift_zigzag(value));
}

void mr_thrift_element_string(mr_thrift *thrift, const char *text) {
    size_t bytes = strlen(text);
    mr_thrift_varint(thrift->out, bytes);
    mr_text_add_bytes(thrift->out, text, bytes);
}
