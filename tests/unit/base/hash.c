// Hash: known vectors, and that every way to compute CRC32C agrees.

#include "base/hash.h"

#include <string.h>

#include "runner.h"

TEST(hash, crc32c_matches_the_rfc) {
    // RFC 3720, appendix B.4.
    uint8_t data[32];
    EXPECT_EQ(mr_hash_crc32c(0, "123456789", 9), 0xE3069283u);
    memset(data, 0, sizeof(data));
    EXPECT_EQ(mr_hash_crc32c(0, data, 32), 0x8A9136AAu);
    memset(data, 0xFF, sizeof(data));
    EXPECT_EQ(mr_hash_crc32c(0, data, 32), 0x62A8AB43u);
    for (int i = 0; i < 32; i++) {
        data[i] = (uint8_t)i;
    }
    EXPECT_EQ(mr_hash_crc32c(0, data, 32), 0x46DD794Eu);
    EXPECT_EQ(mr_hash_crc32c(0, "", 0), 0);
    EXPECT_EQ(mr_hash_crc32c_table(0, "123456789", 9), 0xE3069283u);
}

TEST(hash, crc32c_by_instruction_by_table_and_in_parts_agree) {
    static uint8_t data[5000];
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)mr_hash_u64(i, 1);
    }
    for (size_t bytes = 0; bytes < sizeof(data); bytes += bytes < 200 ? 1 : 97) {
        size_t shift = bytes % 9;
        const uint8_t *at = data + MR_MIN(shift, sizeof(data) - bytes);
        uint32_t whole = mr_hash_crc32c(0, at, bytes);
        EXPECT_EQ(whole, mr_hash_crc32c_table(0, at, bytes));
        size_t cut = bytes / 3;
        EXPECT_EQ(whole, mr_hash_crc32c(mr_hash_crc32c(0, at, cut), at + cut, bytes - cut));
    }
}

TEST(hash, xxh3_matches_its_published_values) {
    // XXH3 of nothing, seed 0.
    EXPECT_EQ(mr_hash_bytes("", 0, 0), 0x2D06800538D394C2u);
    mr_hash128 empty = mr_hash_bytes128("", 0, 0);
    EXPECT_EQ(empty.low, 0x6001C324468D497Fu);
    EXPECT_EQ(empty.high, 0x99AA06D3014798D8u);
    // Stored state depends on these: they may never change.
    EXPECT_EQ(mr_hash_bytes("millrace", 8, 0), mr_hash_bytes("millrace", 8, 0));
    EXPECT(mr_hash_bytes("millrace", 8, 0) != mr_hash_bytes("millrace", 8, 1));
    EXPECT(mr_hash_bytes("millrace", 8, 0) != mr_hash_bytes("millracf", 8, 0));
}

TEST(hash, u64_has_no_collision_among_neighbours) {
    uint64_t seen = 0;
    uint64_t buckets[128] = {0};
    for (uint64_t i = 0; i < 100000; i++) {
        uint64_t hash = mr_hash_u64(i, 42);
        buckets[hash >> 57]++;
        seen |= hash;
    }
    EXPECT_EQ(seen, UINT64_MAX);
    for (size_t i = 0; i < 128; i++) {
        EXPECT(buckets[i] > 600 && buckets[i] < 970);
    }
}

TEST(hash, murmur2_is_that_of_kafka_clients) {
    // Of kafka-python, whose partitioner is Java's.
    static const struct {
        const char *key;
        uint32_t hash;
    } cases[] = {
        {"", 275646681u},
        {"a", 2731586172u},
        {"ab", 316155434u},
        {"abc", 479470107u},
        {"abcd", 2971317748u},
        {"foobar", 3504634814u},
        {"millrace-key-17", 164115626u},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        EXPECT_EQ(mr_hash_murmur2(cases[i].key, strlen(cases[i].key)), cases[i].hash);
    }
}
