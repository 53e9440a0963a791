// Digest: see digest.h.
//
// How: each function compresses blocks of 64 bytes; the last one or two, with the length behind the
// bytes, are built on the stack. Source: RFC 1321, FIPS 180-4.

#include "base/digest.h"

#include <string.h>

#define BLOCK 64

typedef void (*digest_block)(uint32_t *state, const uint8_t *block);

static inline uint32_t rotate(uint32_t x, uint32_t by) {
    return (x << by) | (x >> (32 - by));
}

static inline uint32_t load_big(const uint8_t *at) {
    uint32_t word;
    memcpy(&word, at, 4);
    return __builtin_bswap32(word);
}

// All blocks of data, and the padding: 0x80, zeros, and the length in bits.
static void digest_all(mr_span in, bool big_endian, digest_block block, uint32_t *state) {
    const uint8_t *at = (const uint8_t *)in.data;
    size_t whole = in.bytes / BLOCK * BLOCK, rest = in.bytes - whole;
    for (size_t i = 0; i < whole; i += BLOCK) {
        block(state, at + i);
    }
    uint8_t last[2 * BLOCK] = {0};
    if (rest > 0) {
        memcpy(last, at + whole, rest);
    }
    last[rest] = 0x80;
    size_t bytes = rest + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
    uint64_t bits = (uint64_t)in.bytes * 8;
    bits = big_endian ? __builtin_bswap64(bits) : bits;
    memcpy(last + bytes - 8, &bits, 8);
    for (size_t i = 0; i < bytes; i += BLOCK) {
        block(state, last + i);
    }
}

static void store_big(const uint32_t *state, uint32_t words, uint8_t *ret) {
    for (uint32_t i = 0; i < words; i++) {
        uint32_t word = __builtin_bswap32(state[i]);
        memcpy(ret + (size_t)i * 4, &word, 4);
    }
}

// ---- MD5 ---------------------------------------------------------------------------------------

static const uint32_t md5_sines[64] = {
    0xD76AA478, 0xE8C7B756, 0x242070DB, 0xC1BDCEEE, 0xF57C0FAF, 0x4787C62A, 0xA8304613, 0xFD469501,
    0x698098D8, 0x8B44F7AF, 0xFFFF5BB1, 0x895CD7BE, 0x6B901122, 0xFD987193, 0xA679438E, 0x49B40821,
    0xF61E2562, 0xC040B340, 0x265E5A51, 0xE9B6C7AA, 0xD62F105D, 0x02441453, 0xD8A1E681, 0xE7D3FBC8,
    0x21E1CDE6, 0xC33707D6, 0xF4D50D87, 0x455A14ED, 0xA9E3E905, 0xFCEFA3F8, 0x676F02D9, 0x8D2A4C8A,
    0xFFFA3942, 0x8771F681, 0x6D9D6122, 0xFDE5380C, 0xA4BEEA44, 0x4BDECFA9, 0xF6BB4B60, 0xBEBFBC70,
    0x289B7EC6, 0xEAA127FA, 0xD4EF3085, 0x04881D05, 0xD9D4D039, 0xE6DB99E5, 0x1FA27CF8, 0xC4AC5665,
    0xF4292244, 0x432AFF97, 0xAB9423A7, 0xFC93A039, 0x655B59C3, 0x8F0CCC92, 0xFFEFF47D, 0x85845DD1,
    0x6FA87E4F, 0xFE2CE6E0, 0xA3014314, 0x4E0811A1, 0xF7537E82, 0xBD3AF235, 0x2AD7D2BB, 0xEB86D391,
};

static void md5_block(uint32_t *state, const uint8_t *block) {
    static const uint8_t shifts[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t words[16], a = state[0], b = state[1], c = state[2], d = state[3];
    memcpy(words, block, BLOCK);
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t mixed, word;
        if (i < 16) {
            mixed = (b & c) | (~b & d), word = i;
        } else if (i < 32) {
            mixed = (d & b) | (~d & c), word = (5 * i + 1) % 16;
        } else if (i < 48) {
            mixed = b ^ c ^ d, word = (3 * i + 5) % 16;
        } else {
            mixed = c ^ (b | ~d), word = 7 * i % 16;
        }
        uint32_t sum = a + mixed + md5_sines[i] + words[word];
        a = d, d = c, c = b;
        b += rotate(sum, shifts[i / 16][i % 4]);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

void mr_digest_md5(const void *data, size_t bytes, uint8_t ret[MR_DIGEST_MD5_BYTES]) {
    uint32_t state[4] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476};
    digest_all((mr_span){data, bytes}, /* big_endian= */ false, md5_block, state);
    memcpy(ret, state, MR_DIGEST_MD5_BYTES);
}

// ---- SHA-1 -------------------------------------------------------------------------------------

static void sha1_block(uint32_t *state, const uint8_t *block) {
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (uint32_t i = 0; i < 16; i++) {
        w[i] = load_big(block + (size_t)i * 4);
    }
    for (uint32_t i = 16; i < 80; i++) {
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    for (uint32_t i = 0; i < 80; i++) {
        uint32_t mixed = b ^ c ^ d, constant = i < 40 ? 0x6ED9EBA1 : 0xCA62C1D6;
        if (i < 20) {
            mixed = (b & c) | (~b & d), constant = 0x5A827999;
        } else if (i >= 40 && i < 60) {
            mixed = (b & c) | (b & d) | (c & d), constant = 0x8F1BBCDC;
        }
        uint32_t next = rotate(a, 5) + mixed + e + constant + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

void mr_digest_sha1(const void *data, size_t bytes, uint8_t ret[MR_DIGEST_SHA1_BYTES]) {
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    digest_all((mr_span){data, bytes}, /* big_endian= */ true, sha1_block, state);
    store_big(state, 5, ret);
}

// ---- SHA-256 -----------------------------------------------------------------------------------

static const uint32_t sha256_roots[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

static void sha256_block(uint32_t *state, const uint8_t *block) {
    uint32_t w[64], v[8];
    for (uint32_t i = 0; i < 16; i++) {
        w[i] = load_big(block + (size_t)i * 4);
    }
    for (uint32_t i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (rotate(x, 25) ^ rotate(x, 14) ^ (x >> 3)) + w[i - 7] +
               (rotate(y, 15) ^ rotate(y, 13) ^ (y >> 10));
    }
    memcpy(v, state, sizeof(v));
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t one = v[7] + (rotate(e, 26) ^ rotate(e, 21) ^ rotate(e, 7)) +
                       ((e & v[5]) ^ (~e & v[6])) + sha256_roots[i] + w[i];
        uint32_t two = (rotate(a, 30) ^ rotate(a, 19) ^ rotate(a, 10)) +
                       ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, sizeof(v) - sizeof(v[0]));
        v[4] += one;
        v[0] = one + two;
    }
    for (uint32_t i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

void mr_digest_sha256(const void *data, size_t bytes, uint8_t ret[MR_DIGEST_SHA256_BYTES]) {
    uint32_t state[8] = {
        0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
        0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
    };
    digest_all((mr_span){data, bytes}, /* big_endian= */ true, sha256_block, state);
    store_big(state, 8, ret);
}
