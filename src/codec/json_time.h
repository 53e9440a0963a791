// JSON times, the short way: the ISO forms that events carry, inline; json_time.c has the rest.

#pragma once

#include "codec/json_decode.h"
#include "codec/json_number.h"

// "2026-01-01T00:00:00" with T or space, 0 to 6 fraction digits, and nothing or Z behind. Returns
// false for any other form. *ret_zulu: it ended in Z.
static inline __attribute__((always_inline)) bool time_short(mr_span text, json_day *day,
                                                             int64_t *ret, bool *ret_zulu) {
    const char *at = text.data;
    size_t bytes = text.bytes;
    if (bytes < 19 || bytes > 27) {
        return false;
    }
    uint64_t low;
    uint16_t high;
    memcpy(&low, at, 8);
    memcpy(&high, at + 8, 2);
    if (MR_UNLIKELY(low != day->low || high != day->high) && !mr_json_time_day(at, day)) {
        return false;
    }
    uint64_t clock;
    memcpy(&clock, at + 11, 8);
    clock ^= 0x30303A30303A3030u;  // "00:00:00"
    // A digit is at most 9, a colon 0.
    uint64_t wrong = ((clock + 0x76767F76767F7676u) | clock) & 0x8080808080808080u;
    bool zulu = at[bytes - 1] == 'Z';
    size_t part = bytes - 19 - zulu;  // Of the point and the fraction.
    if (MR_UNLIKELY(wrong != 0 || (at[10] != 'T' && at[10] != ' ') || part == 1 || part > 7)) {
        return false;
    }
    uint32_t hour = (uint32_t)((clock & 15) * 10 + ((clock >> 8) & 15));
    uint32_t minute = (uint32_t)(((clock >> 24) & 15) * 10 + ((clock >> 32) & 15));
    uint32_t second = (uint32_t)(((clock >> 48) & 15) * 10 + ((clock >> 56) & 15));
    if (MR_UNLIKELY(hour > 23 || minute > 59 || second > 59)) {
        return false;
    }
    int64_t us = 0;
    if (part > 0) {
        uint64_t digits;
        memcpy(&digits, at + 20, 8);
        digits ^= 0x3030303030303030u;
        unsigned count = (unsigned)part - 1;
        if (MR_UNLIKELY(at[19] != '.' || number_run(digits) < count)) {
            return false;
        }
        us = (int64_t)(number_eight(digits << (64 - 8 * count)) * number_powers_u64[6 - count]);
    }
    *ret = day->us + (int64_t)((hour * 60 + minute) * 60 + second) * 1000000 + us;
    *ret_zulu = zulu;
    return true;
}
