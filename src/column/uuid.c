// Uuid: reading and printing; see uuid.h.

#include "column/uuid.h"

static int hex_digit(char c) {
    char lower = (char)(c | 0x20);
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool mr_uuid_parse(mr_span in, mr_uuid *ret) {
    if (in.bytes >= 2 && in.data[0] == '{' && in.data[in.bytes - 1] == '}') {
        in = (mr_span){in.data + 1, in.bytes - 2};
    }
    uint64_t words[2] = {0, 0};
    uint32_t count = 0;
    for (size_t i = 0; i < in.bytes; i++) {
        if (in.data[i] == '-') {
            continue;
        }
        int digit = hex_digit(in.data[i]);
        if (digit < 0 || count == 32) {
            return false;
        }
        words[count / 16] = words[count / 16] << 4 | (uint64_t)digit;
        count++;
    }
    if (count < 32) {
        return false;
    }
    *ret = (mr_uuid){.high = words[0], .low = words[1]};
    return true;
}

void mr_uuid_print(mr_uuid value, mr_text *out) {
    static const char hex[] = "0123456789abcdef";
    char *to = mr_text_grow(out, MR_UUID_TEXT_BYTES);
    const uint64_t words[2] = {value.high, value.low};
    for (uint32_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            *to++ = '-';
        }
        *to++ = hex[words[i / 16] >> (60 - 4 * (i % 16)) & 15];
    }
}
