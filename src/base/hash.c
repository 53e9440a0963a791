// Hash: XXH3 and CRC32C; see hash.h.
//
// How: CRC32C by the processor's instruction where there is one (chosen at run time; three stripes
// side by side), else by slicing-by-8. A table entry is the xor of the entries of its bits, so the
// tables are written as eight constants a slice and expanded by the compiler.
// Source: RFC 3720 appendix B.4 (test vectors); Kounavis and Berry, "A Systematic Approach to
// Building High Performance, Software-based, CRC Generators" (slicing-by-8).

#include "base/hash.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#if defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

uint64_t mr_hash_bytes(const void *data, size_t bytes, uint64_t seed) {
    return XXH3_64bits_withSeed(data, bytes, seed);
}

mr_hash128 mr_hash_bytes128(const void *data, size_t bytes, uint64_t seed) {
    XXH128_hash_t hash = XXH3_128bits_withSeed(data, bytes, seed);
    return (mr_hash128){.low = hash.low64, .high = hash.high64};
}

// ---- CRC32C ------------------------------------------------------------------------------------

// The instruction takes three cycles but may begin each cycle: three stripes keep it busy.
#define CRC_STRIPE 512

// clang-format off
#define BIT(i, k, c) (((i) >> (k)) & 1 ? (c) : 0u)
#define ROW(i, a, b, c, d, e, f, g, h) \
    (BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ \
     BIT(i, 4, e) ^ BIT(i, 5, f) ^ BIT(i, 6, g) ^ BIT(i, 7, h))
#define ROWS_4(i, ...) ROW(i, __VA_ARGS__), ROW(i + 1, __VA_ARGS__), \
                       ROW(i + 2, __VA_ARGS__), ROW(i + 3, __VA_ARGS__)
#define ROWS_16(i, ...) ROWS_4(i, __VA_ARGS__), ROWS_4(i + 4, __VA_ARGS__), \
                        ROWS_4(i + 8, __VA_ARGS__), ROWS_4(i + 12, __VA_ARGS__)
#define ROWS_64(i, ...) ROWS_16(i, __VA_ARGS__), ROWS_16(i + 16, __VA_ARGS__), \
                        ROWS_16(i + 32, __VA_ARGS__), ROWS_16(i + 48, __VA_ARGS__)
#define ROWS(...) {ROWS_64(0, __VA_ARGS__), ROWS_64(64, __VA_ARGS__), \
                   ROWS_64(128, __VA_ARGS__), ROWS_64(192, __VA_ARGS__)}

// crc_table[k][b]: byte b followed by k zero bytes, polynomial 0x1EDC6F41 reflected.
static const uint32_t crc_table[8][256] = {
    ROWS(0xF26B8303, 0xE13B70F7, 0xC79A971F, 0x8AD958CF,
         0x105EC76F, 0x20BD8EDE, 0x417B1DBC, 0x82F63B78),
    ROWS(0x13A29877, 0x274530EE, 0x4E8A61DC, 0x9D14C3B8,
         0x3FC5F181, 0x7F8BE302, 0xFF17C604, 0xFBC3FAF9),
    ROWS(0xA541927E, 0x4F6F520D, 0x9EDEA41A, 0x38513EC5,
         0x70A27D8A, 0xE144FB14, 0xC76580D9, 0x8B277743),
    ROWS(0xDD45AAB8, 0xBF672381, 0x7B2231F3, 0xF64463E6,
         0xE964B13D, 0xD725148B, 0xABA65FE7, 0x52A0C93F),
    ROWS(0x38116FAC, 0x7022DF58, 0xE045BEB0, 0xC5670B91,
         0x8F2261D3, 0x1BA8B557, 0x37516AAE, 0x6EA2D55C),
    ROWS(0xEF306B19, 0xDB8CA0C3, 0xB2F53777, 0x6006181F,
         0xC00C303E, 0x85F4168D, 0x0E045BEB, 0x1C08B7D6),
    ROWS(0x68032CC8, 0xD0065990, 0xA5E0C5D1, 0x4E2DFD53,
         0x9C5BFAA6, 0x3D5B83BD, 0x7AB7077A, 0xF56E0EF4),
    ROWS(0x493C7D27, 0x9278FA4E, 0x211D826D, 0x423B04DA,
         0x847609B4, 0x0D006599, 0x1A00CB32, 0x34019664),
};

// crc_shift_table[k][b]: byte k of a CRC, followed by CRC_STRIPE zero bytes.
static const uint32_t crc_shift_table[4][256] = {
    ROWS(0xBD6F81F8, 0x7F337501, 0xFE66EA02, 0xF921A2F5,
         0xF7AF331B, 0xEAB210C7, 0xD088577F, 0xA4FCD80F),
    ROWS(0x4C15C6EF, 0x982B8DDE, 0x35BB6D4D, 0x6B76DA9A,
         0xD6EDB534, 0xA8371C99, 0x55824FC3, 0xAB049F86),
    ROWS(0x53E549FD, 0xA7CA93FA, 0x4A795105, 0x94F2A20A,
         0x2C0932E5, 0x581265CA, 0xB024CB94, 0x65A5E1D9),
    ROWS(0xCB4BC3B2, 0x937BF195, 0x231B95DB, 0x46372BB6,
         0x8C6E576C, 0x1D30D829, 0x3A61B052, 0x74C360A4),
};
// clang-format on

static uint64_t load_u64(const uint8_t *at) {
    uint64_t ret;
    memcpy(&ret, at, sizeof(ret));
    return ret;
}

static uint32_t crc_by_table(uint32_t crc, const uint8_t *at, size_t bytes) {
    for (; bytes >= 8; at += 8, bytes -= 8) {
        uint64_t word = load_u64(at) ^ crc;
        crc = crc_table[7][word & 0xFF] ^ crc_table[6][(word >> 8) & 0xFF] ^
              crc_table[5][(word >> 16) & 0xFF] ^ crc_table[4][(word >> 24) & 0xFF] ^
              crc_table[3][(word >> 32) & 0xFF] ^ crc_table[2][(word >> 40) & 0xFF] ^
              crc_table[1][(word >> 48) & 0xFF] ^ crc_table[0][word >> 56];
    }
    for (; bytes > 0; at++, bytes--) {
        crc = (crc >> 8) ^ crc_table[0][(crc ^ *at) & 0xFF];
    }
    return crc;
}

#if defined(__x86_64__)
#define CRC_TARGET         __attribute__((target("sse4.2")))
#define CRC_U64(crc, word) ((uint32_t)__builtin_ia32_crc32di((crc), (word)))
#define CRC_U8(crc, byte)  __builtin_ia32_crc32qi((crc), (byte))

static bool crc_by_instruction_works(void) {
    return __builtin_cpu_supports("sse4.2") != 0;
}
#elif defined(__aarch64__)
#ifdef __clang__
#define CRC_TARGET __attribute__((target("crc")))
#else
#define CRC_TARGET __attribute__((target("+crc")))
#endif
#define CRC_U64(crc, word) __builtin_aarch64_crc32cx((crc), (word))
#define CRC_U8(crc, byte)  __builtin_aarch64_crc32cb((crc), (byte))

static bool crc_by_instruction_works(void) {
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}
#endif

#ifdef CRC_TARGET
static uint32_t crc_shift(uint32_t crc) {
    return crc_shift_table[0][crc & 0xFF] ^ crc_shift_table[1][(crc >> 8) & 0xFF] ^
           crc_shift_table[2][(crc >> 16) & 0xFF] ^ crc_shift_table[3][crc >> 24];
}

CRC_TARGET static uint32_t crc_by_instruction(uint32_t crc, const uint8_t *at, size_t bytes) {
    for (; bytes >= (size_t)3 * CRC_STRIPE; bytes -= (size_t)3 * CRC_STRIPE) {
        uint32_t second = 0;
        uint32_t third = 0;
        for (const uint8_t *end = at + CRC_STRIPE; at < end; at += 8) {
            crc = CRC_U64(crc, load_u64(at));
            second = CRC_U64(second, load_u64(at + CRC_STRIPE));
            third = CRC_U64(third, load_u64(at + (size_t)2 * CRC_STRIPE));
        }
        crc = crc_shift(crc_shift(crc) ^ second) ^ third;
        at += (size_t)2 * CRC_STRIPE;
    }
    for (; bytes >= 32; at += 32, bytes -= 32) {
        crc = CRC_U64(crc, load_u64(at));
        crc = CRC_U64(crc, load_u64(at + 8));
        crc = CRC_U64(crc, load_u64(at + 16));
        crc = CRC_U64(crc, load_u64(at + 24));
    }
    for (; bytes >= 8; at += 8, bytes -= 8) {
        crc = CRC_U64(crc, load_u64(at));
    }
    for (; bytes > 0; at++, bytes--) {
        crc = CRC_U8(crc, *at);
    }
    return crc;
}
#endif

uint32_t mr_hash_crc32c_table(uint32_t crc, const void *data, size_t bytes) {
    return ~crc_by_table(~crc, data, bytes);
}

uint32_t mr_hash_crc32c(uint32_t crc, const void *data, size_t bytes) {
#ifdef CRC_TARGET
    if (crc_by_instruction_works()) {
        return ~crc_by_instruction(~crc, data, bytes);
    }
#endif
    return mr_hash_crc32c_table(crc, data, bytes);
}

// ---- MurmurHash2, 32 bits, with Kafka's seed ---------------------------------------------------

#define MURMUR_SEED 0x9747b28cu
#define MURMUR_M    0x5bd1e995u

uint32_t mr_hash_murmur2(const void *data, size_t bytes) {
    const unsigned char *at = data;
    uint32_t h = MURMUR_SEED ^ (uint32_t)bytes;
    for (; bytes >= 4; at += 4, bytes -= 4) {
        uint32_t k =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        k *= MURMUR_M;
        k ^= k >> 24;
        h = h * MURMUR_M ^ k * MURMUR_M;
    }
    for (size_t i = bytes; i > 0; i--) {
        h ^= (uint32_t)at[i - 1] << 8 * (i - 1);
    }
    h = bytes > 0 ? h * MURMUR_M : h;
    h ^= h >> 13;
    h *= MURMUR_M;
    return h ^ h >> 15;
}
