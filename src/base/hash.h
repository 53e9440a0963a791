// Hash: seeded 64- and 128-bit hashes (XXH3) and CRC32C.
//
// Why seeded: chosen ids must not be able to build long probe chains; a pipeline's seed is random
// and stored with its state, since key groups depend on it. CRC32C (Castagnoli) frames what is on
// disk and in Kafka's batches; SSE4.2 or ARMv8 where present.

#pragma once

#include "base/text.h"

typedef struct mr_hash128 {
    uint64_t low;
    uint64_t high;
} mr_hash128;

uint64_t mr_hash_bytes(const void *data, size_t bytes, uint64_t seed);
mr_hash128 mr_hash_bytes128(const void *data, size_t bytes, uint64_t seed);

// A good 64-bit mix for integers and for combining column hashes.
static inline uint64_t mr_hash_u64(uint64_t value, uint64_t seed) {
    uint64_t x = value ^ (seed + 0x9E3779B97F4A7C15u);
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93u;
    return x ^ (x >> 32);
}

// MurmurHash2 as Kafka's clients have it: of a record's key it decides the partition.
uint32_t mr_hash_murmur2(const void *data, size_t bytes);

// CRC32C of data continued from crc (0 to start).
uint32_t mr_hash_crc32c(uint32_t crc, const void *data, size_t bytes);
// The same without the processor's instruction: what runs elsewhere, and what tests compare with.
uint32_t mr_hash_crc32c_table(uint32_t crc, const void *data, size_t bytes);
