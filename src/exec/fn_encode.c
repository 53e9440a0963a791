// Fn, encodings: bytes and numbers as hexadecimal, binary and base64 digits, URLs.
//
// Source: RFC 4648 for base64, RFC 3986 for URLs; what is malformed is DuckDB's view. Also: mr_fn_.

#include <string.h>

#include "base/utf8.h"
#include "exec/fn.h"

static const char hex_digits[] = "0123456789ABCDEF";

// ---- hexadecimal and binary --------------------------------------------------------------------

static mr_str write_hex(mr_fn_writer *writer, mr_str s, const char *digits) {
    char *out = mr_fn_writer_take(writer, (size_t)s.bytes * 2);
    for (uint32_t i = 0; i < s.bytes; i++) {
        out[2 * i] = digits[(uint8_t)s.data[i] >> 4];
        out[2 * i + 1] = digits[(uint8_t)s.data[i] & 15];
    }
    return mr_fn_writer_end(writer, (size_t)s.bytes * 2);
}

void mr_fn_HEX(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        call->out->strs[row] = write_hex(&writer, mr_fn_str(call, 0, row), hex_digits);
    }
}

void mr_fn_HEX_BYTES(mr_fn_call *call) {
    mr_fn_HEX(call);
}

// Digits of `bits` bits each, the first not 0.
static void write_number(mr_fn_call *call, uint32_t bits) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        uint64_t value = (uint64_t)MR_FN_ARG(call, 0, int64_t, row);
        char digits[64];
        size_t at = sizeof(digits);
        do {
            digits[--at] = hex_digits[value & ((1u << bits) - 1)];
            value >>= bits;
        } while (value != 0);
        memcpy(mr_fn_writer_take(&writer, sizeof(digits)), digits + at, sizeof(digits) - at);
        call->out->strs[row] = mr_fn_writer_end(&writer, sizeof(digits) - at);
    }
}

void mr_fn_HEX_INT64(mr_fn_call *call) {
    write_number(call, 4);
}

void mr_fn_BIN_INT64(mr_fn_call *call) {
    write_number(call, 1);
}

void mr_fn_BIN(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        char *out = mr_fn_writer_take(&writer, (size_t)s.bytes * 8);
        for (size_t bit = 0; bit < (size_t)s.bytes * 8; bit++) {
            out[bit] = (char)('0' + (((uint8_t)s.data[bit / 8] >> (7 - bit % 8)) & 1));
        }
        call->out->strs[row] = mr_fn_writer_end(&writer, (size_t)s.bytes * 8);
    }
}

// An odd first digit is a byte of its own, as DuckDB has it, unless `even` digits are asked for.
static bool read_hex(mr_fn_call *call, mr_fn_writer *writer, uint32_t row, bool even) {
    mr_str s = mr_fn_str(call, 0, row);
    if (even && s.bytes % 2 != 0) {
        mr_eval_call_fail(call, row, "odd number of hexadecimal digits: %s",
                          mr_eval_call_quote(call, s));
        return false;
    }
    size_t bytes = ((size_t)s.bytes + 1) / 2;
    uint8_t *out = (uint8_t *)mr_fn_writer_take(writer, bytes);
    uint32_t skew = s.bytes % 2;
    memset(out, 0, bytes);
    for (uint32_t i = 0; i < s.bytes; i++) {
        int digit = mr_fn_hex_digit(s.data[i]);
        if (digit < 0) {
            mr_eval_call_fail(call, row, "%s is not a text of hexadecimal digits",
                              mr_eval_call_quote(call, s));
            return false;
        }
        out[(i + skew) / 2] = (uint8_t)(out[(i + skew) / 2] << 4 | digit);
    }
    call->out->strs[row] = mr_fn_writer_end(writer, bytes);
    return true;
}

void mr_fn_UNHEX(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        (void)read_hex(call, &writer, row, /* even= */ false);
    }
}

// ---- base64 ------------------------------------------------------------------------------------

static mr_str write_base64(mr_fn_writer *writer, mr_str s) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t bytes = ((size_t)s.bytes + 2) / 3 * 4;
    char *out = mr_fn_writer_take(writer, bytes);
    const uint8_t *in = (const uint8_t *)s.data;
    for (uint32_t i = 0; i < s.bytes; i += 3, out += 4) {
        uint32_t have = MR_MIN(s.bytes - i, 3u);
        uint32_t word = (uint32_t)in[i] << 16 | (have > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                        (have > 2 ? in[i + 2] : 0);
        out[0] = digits[word >> 18];
        out[1] = digits[word >> 12 & 63];
        out[2] = have > 1 ? digits[word >> 6 & 63] : '=';
        out[3] = have > 2 ? digits[word & 63] : '=';
    }
    return mr_fn_writer_end(writer, bytes);
}

static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// Four digits as three bytes; `last`: digits 3 and 4 may be missing. Returns the bytes, 0 = not so.
static uint32_t read_four(const char *in, bool last, char *out) {
    uint32_t word = 0, have = 0;
    for (uint32_t i = 0; i < 4; i++) {
        int value = base64_value(in[i]);
        bool pad = last && i >= 2 && in[i] == '=' && (i == 3 || in[i + 1] == '=');
        // DuckDB: once the third is missing, the fourth is not looked at.
        if (last && i == 2 && in[i] == '=') {
            pad = true;
        }
        if (value < 0 && !pad) {
            return 0;
        }
        if (pad) {
            word <<= 6 * (4 - i);
            break;
        }
        word = word << 6 | (uint32_t)value;
        have++;
    }
    out[0] = (char)(word >> 16);
    out[1] = (char)(word >> 8);
    out[2] = (char)word;
    return have - 1;
}

static bool read_base64(mr_fn_call *call, mr_fn_writer *writer, uint32_t row) {
    mr_str s = mr_fn_str(call, 0, row);
    bool good = s.bytes % 4 == 0;
    char *out = mr_fn_writer_take(writer, (size_t)s.bytes / 4 * 3 + 3);
    size_t bytes = 0;
    for (uint32_t i = 0; i < s.bytes && good; i += 4) {
        uint32_t got = read_four(s.data + i, i + 4 == s.bytes, out + bytes);
        good = got > 0;
        bytes += got;
    }
    if (!good) {
        mr_eval_call_fail(call, row, "%s is not base64", mr_eval_call_quote(call, s));
        return false;
    }
    call->out->strs[row] = mr_fn_writer_end(writer, bytes);
    return true;
}

void mr_fn_TO_BASE64(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        call->out->strs[row] = write_base64(&writer, mr_fn_str(call, 0, row));
    }
}

void mr_fn_FROM_BASE64(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        (void)read_base64(call, &writer, row);
    }
}

// ---- text and bytes ----------------------------------------------------------------------------

void mr_fn_ENCODE(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        call->out->strs[row] = mr_fn_str(call, 0, row);
    }
}

void mr_fn_DECODE(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        if (mr_utf8_valid(s.data, s.bytes)) {
            call->out->strs[row] = s;
        } else {
            mr_eval_call_fail(call, row, "bytes are not UTF-8");
        }
    }
}

// 'h' for hex, 'b' for base64; 0, and the row fails, for another format.
static char format_of(mr_fn_call *call, uint32_t row) {
    mr_str format = mr_fn_str(call, 1, row);
    mr_span name = {format.data, format.bytes};
    if (mr_span_equal_nocase(name, MR_SPAN("hex"))) {
        return 'h';
    }
    if (mr_span_equal_nocase(name, MR_SPAN("base64"))) {
        return 'b';
    }
    mr_eval_call_fail(call, row, "format %s is neither 'hex' nor 'base64'",
                      mr_eval_call_quote(call, format));
    return 0;
}

void mr_fn_ENCODE_FORMAT(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        char format = format_of(call, row);
        mr_str s = mr_fn_str(call, 0, row);
        if (format != 0) {
            call->out->strs[row] = format == 'h' ? write_hex(&writer, s, "0123456789abcdef")
                                                 : write_base64(&writer, s);
        }
    }
}

void mr_fn_DECODE_FORMAT(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        char format = format_of(call, row);
        if (format == 'h') {
            (void)read_hex(call, &writer, row, /* even= */ true);
        } else if (format == 'b') {
            (void)read_base64(call, &writer, row);
        }
    }
}

// ---- URLs --------------------------------------------------------------------------------------

void mr_fn_URL_ENCODE(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        char *out = mr_fn_writer_take(&writer, (size_t)s.bytes * 3), *at = out;
        for (uint32_t i = 0; i < s.bytes; i++) {
            uint8_t c = (uint8_t)s.data[i];
            bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                         (c != 0 && strchr("-._~", c) != NULL);
            if (plain) {
                *at++ = (char)c;
            } else {
                *at++ = '%';
                *at++ = hex_digits[c >> 4];
                *at++ = hex_digits[c & 15];
            }
        }
        call->out->strs[row] = mr_fn_writer_end(&writer, (size_t)(at - out));
    }
}

void mr_fn_URL_DECODE(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        char *out = mr_fn_writer_take(&writer, s.bytes);
        uint32_t bytes = 0;
        for (uint32_t i = 0; i < s.bytes; bytes++) {
            bool coded = s.data[i] == '%' && i + 2 < s.bytes &&
                         mr_fn_hex_digit(s.data[i + 1]) >= 0 && mr_fn_hex_digit(s.data[i + 2]) >= 0;
            out[bytes] =
                coded ? (char)(mr_fn_hex_digit(s.data[i + 1]) * 16 + mr_fn_hex_digit(s.data[i + 2]))
                      : s.data[i];
            i += coded ? 3 : 1;
        }
        if (mr_utf8_valid(out, bytes)) {
            call->out->strs[row] = mr_fn_writer_end(&writer, bytes);
        } else {
            mr_eval_call_fail(call, row, "%s does not decode to UTF-8",
                              mr_eval_call_quote(call, s));
        }
    }
}
