// Parquet encodings: the RLE / bit-packed hybrid of levels and dictionary indices.
//
// Source: Apache Parquet format, "Run Length Encoding / Bit-Packing Hybrid".

#pragma once

#include "base/text.h"

// Bits that an index of a dictionary of `count` values needs; at least 1.
uint32_t mr_parquet_encode_width(uint32_t count);
// Appends `count` values of `width` bits (1 .. 32) each.
void mr_parquet_encode_indices(const uint32_t *values, uint32_t count, uint32_t width,
                               mr_text *out);
// Appends definition levels of width 1: bit i of `valid` for row i, and in front their size in four
// bytes.
void mr_parquet_encode_levels(const uint64_t *valid, uint32_t count, uint32_t valid_count,
                              mr_text *out);
