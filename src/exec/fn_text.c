// Fn, text: case, trimming, cutting, searching, putting together. LIKE is in fn_like.c.
//
// Positions and lengths count characters (code points), from 1. Results that are a part of the
// argument are views into it; others are written into large pieces of the batch's arena.
// Also: mr_fn_.

#include "base/utf8.h"
#include "exec/fn.h"

static bool is_ascii(mr_str s) {
    uint64_t all = 0, word;
    uint32_t i = 0;
    for (; i + 8 <= s.bytes; i += 8) {
        memcpy(&word, s.data + i, 8);
        all |= word;
    }
    for (; i < s.bytes; i++) {
        all |= (uint8_t)s.data[i];
    }
    return (all & 0x8080808080808080u) == 0;
}

static int64_t char_count(mr_str s) {
    return (int64_t)mr_utf8_length((mr_span){s.data, s.bytes});
}

// Byte offset of character `index` (0 = first); the text's end when it has no more.
static uint32_t char_offset(mr_str s, int64_t index) {
    uint32_t at = 0;
    for (; at < s.bytes && index > 0; index--) {
        at++;
        while (at < s.bytes && ((uint8_t)s.data[at] & 0xC0) == 0x80) {
            at++;
        }
    }
    return at;
}

static mr_str cut_bytes(mr_str s, uint32_t first, uint32_t end) {
    return (mr_str){.data = s.data + first, .bytes = end - first};
}

// Characters first .. end-1 (from 0), both cut to the text.
static mr_str cut_chars(mr_str s, int64_t first, int64_t end) {
    first = MR_MAX(first, 0);
    if (end <= first) {
        return (mr_str){.data = s.data};
    }
    uint32_t from = char_offset(s, first);
    mr_str rest = cut_bytes(s, from, s.bytes);
    return cut_bytes(rest, 0, char_offset(rest, end - first));
}

// ---- case --------------------------------------------------------------------------------------

// Flips bit 0x20 of the 26 letters from `first` on, eight bytes a step.
static void map_ascii(mr_str s, char first, char *out) {
    const uint64_t ones = 0x0101010101010101u, high = 0x80 * ones;
    uint64_t word = 0, low = (uint64_t)(0x80 - first) * ones;
    uint64_t past = (uint64_t)(0x80 - first - 26) * ones;
    for (uint32_t i = 0; i < s.bytes; i += 8) {
        uint32_t bytes = MR_MIN(s.bytes - i, 8u);
        memcpy(&word, s.data + i, bytes);
        word &= ~high;
        // The top bit of a byte: set in the first sum from `first` on, in the second past its 26.
        word ^= (((word + low) & ~(word + past)) & high) >> 2;
        memcpy(out + i, &word, bytes);
    }
}

static mr_str map_case(mr_fn_writer *writer, mr_str s, uint32_t (*map)(uint32_t), char first) {
    // A mapped character has at most 3 bytes where it had 2 (and no more elsewhere).
    char *out = mr_fn_writer_take(writer, (size_t)s.bytes * 2 + 4);
    if (is_ascii(s)) {
        map_ascii(s, first, out);
        return mr_fn_writer_end(writer, s.bytes);
    }
    size_t bytes = 0;
    for (const char *at = s.data, *end = s.data + s.bytes; at < end;) {
        uint32_t code_point;
        at += mr_utf8_get(at, end, &code_point);
        bytes += mr_utf8_put(map(code_point), out + bytes);
    }
    return mr_fn_writer_end(writer, bytes);
}

void mr_fn_UPPER(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        call->out->strs[row] = map_case(&writer, mr_fn_str(call, 0, row), mr_utf8_upper, 'a');
    }
}

void mr_fn_LOWER(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        call->out->strs[row] = map_case(&writer, mr_fn_str(call, 0, row), mr_utf8_lower, 'A');
    }
}

void mr_fn_REVERSE(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        char *out = mr_fn_writer_take(&writer, s.bytes);
        for (uint32_t at = 0; at < s.bytes;) {
            uint32_t bytes = char_offset(cut_bytes(s, at, s.bytes), 1);
            memcpy(out + s.bytes - at - bytes, s.data + at, bytes);
            at += bytes;
        }
        call->out->strs[row] = mr_fn_writer_end(&writer, s.bytes);
    }
}

// ---- trimming ----------------------------------------------------------------------------------

enum { TRIM_LEFT = 1, TRIM_RIGHT = 2 };

static bool has_char(mr_str set, const char *at, uint32_t bytes) {
    for (uint32_t i = 0; i < set.bytes;) {
        uint32_t next = char_offset(cut_bytes(set, i, set.bytes), 1);
        if (next == bytes && memcmp(set.data + i, at, bytes) == 0) {
            return true;
        }
        i += next;
    }
    return false;
}

static mr_str trim(mr_str s, mr_str set, int ends) {
    uint32_t first = 0, end = s.bytes;
    while ((ends & TRIM_LEFT) != 0 && first < end) {
        uint32_t bytes = char_offset(cut_bytes(s, first, end), 1);
        if (!has_char(set, s.data + first, bytes)) {
            break;
        }
        first += bytes;
    }
    while ((ends & TRIM_RIGHT) != 0 && first < end) {
        uint32_t at = end - 1;
        while (at > first && ((uint8_t)s.data[at] & 0xC0) == 0x80) {
            at--;
        }
        if (!has_char(set, s.data + at, end - at)) {
            break;
        }
        end = at;
    }
    return cut_bytes(s, first, end);
}

static void trim_all(mr_fn_call *call, int ends) {
    MR_FN_EACH(call, row) {
        mr_str set = {.data = " ", .bytes = 1};
        if (call->arg_count == 2) {
            set = mr_fn_str(call, 1, row);
        }
        call->out->strs[row] = trim(mr_fn_str(call, 0, row), set, ends);
    }
}

// clang-format off
void mr_fn_TRIM(mr_fn_call *call) { trim_all(call, TRIM_LEFT | TRIM_RIGHT); }
void mr_fn_TRIM_CHARS(mr_fn_call *call) { trim_all(call, TRIM_LEFT | TRIM_RIGHT); }
void mr_fn_LTRIM(mr_fn_call *call) { trim_all(call, TRIM_LEFT); }
void mr_fn_LTRIM_CHARS(mr_fn_call *call) { trim_all(call, TRIM_LEFT); }
void mr_fn_RTRIM(mr_fn_call *call) { trim_all(call, TRIM_RIGHT); }
void mr_fn_RTRIM_CHARS(mr_fn_call *call) { trim_all(call, TRIM_RIGHT); }
// clang-format on

// ---- length and parts --------------------------------------------------------------------------

void mr_fn_LENGTH(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        call->out->int64s[row] = char_count(mr_fn_str(call, 0, row));
    }
}

void mr_fn_STRLEN(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        call->out->int64s[row] = mr_fn_str(call, 0, row).bytes;
    }
}

// DuckDB's: position 1 is the first character, -1 the last, 0 stands before the first; a negative
// length takes characters before the position.
static mr_str substring(mr_str s, int64_t position, int64_t length) {
    const int64_t far = (int64_t)UINT32_MAX + 2;  // Beyond any text, and safe to add.
    position = MR_MIN(MR_MAX(position, -far), far);
    length = MR_MIN(MR_MAX(length, -far), far);
    int64_t first = position > 0 ? position - 1 : position;
    if (position < 0) {
        first = char_count(s) + position;
    } else if (position == 0) {
        first = -1;
    }
    int64_t end = first + length;
    if (length < 0) {
        end = first;
        first += length;
    }
    return cut_chars(s, first, end);
}

void mr_fn_SUBSTRING(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        int64_t position = MR_FN_ARG(call, 1, int64_t, row);
        call->out->strs[row] = substring(mr_fn_str(call, 0, row), position, INT64_MAX);
    }
}

void mr_fn_SUBSTRING_LENGTH(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        call->out->strs[row] = substring(mr_fn_str(call, 0, row), MR_FN_ARG(call, 1, int64_t, row),
                                         MR_FN_ARG(call, 2, int64_t, row));
    }
}

void mr_fn_LEFT(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        int64_t n = MR_FN_ARG(call, 1, int64_t, row);
        n = MR_MAX(n, -((int64_t)UINT32_MAX + 1));
        call->out->strs[row] = cut_chars(s, 0, n >= 0 ? n : char_count(s) + n);
    }
}

void mr_fn_RIGHT(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        int64_t n = MR_FN_ARG(call, 1, int64_t, row), count = char_count(s);
        n = MR_MIN(MR_MAX(n, -count), count);
        call->out->strs[row] = cut_chars(s, n >= 0 ? count - n : -n, count);
    }
}

// ---- searching ---------------------------------------------------------------------------------

// Byte offset of the first `part` in s at or behind `from`, or -1.
static int64_t find(mr_str s, mr_str part, uint32_t from) {
    if (part.bytes == 0) {
        return from;
    }
    const char *at = memmem(s.data + from, s.bytes - from, part.data, part.bytes);
    return at == NULL ? -1 : at - s.data;
}

void mr_fn_STRPOS(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        int64_t at = find(s, mr_fn_str(call, 1, row), 0);
        call->out->int64s[row] = at < 0 ? 0 : char_count(cut_bytes(s, 0, (uint32_t)at)) + 1;
    }
}

void mr_fn_CONTAINS(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        call->out->bools[row] = find(mr_fn_str(call, 0, row), mr_fn_str(call, 1, row), 0) >= 0;
    }
}

void mr_fn_STARTS_WITH(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row), part = mr_fn_str(call, 1, row);
        call->out->bools[row] = part.bytes <= s.bytes &&
                                (part.bytes == 0 || memcmp(s.data, part.data, part.bytes) == 0);
    }
}

void mr_fn_ENDS_WITH(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row), part = mr_fn_str(call, 1, row);
        call->out->bools[row] =
            part.bytes <= s.bytes &&
            (part.bytes == 0 || memcmp(s.data + s.bytes - part.bytes, part.data, part.bytes) == 0);
    }
}

// Part n (from 0), or from the end when `back`; an empty separator separates every character.
static mr_str split_part(mr_str s, mr_str separator, int64_t n) {
    uint32_t step = separator.bytes;
    int64_t count = 1;
    for (int64_t at = 0; n < 0 && step > 0 && (at = find(s, separator, (uint32_t)at)) >= 0;
         at += step) {
        count++;
    }
    if (step == 0) {
        int64_t chars = char_count(s);
        n = n < 0 ? chars + n : n - 1;
        return n < 0 ? (mr_str){.data = ""} : cut_chars(s, n, n + 1);
    }
    n = n < 0 ? count + n : n - 1;
    uint32_t first = 0;
    for (int64_t part = 0;; part++) {
        int64_t at = n < 0 ? -1 : find(s, separator, first);
        if (part == n) {
            return cut_bytes(s, first, at < 0 ? s.bytes : (uint32_t)at);
        }
        if (at < 0) {
            return (mr_str){.data = ""};
        }
        first = (uint32_t)at + step;
    }
}

void mr_fn_SPLIT_PART(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        int64_t n = MR_FN_ARG(call, 2, int64_t, row);
        n = MR_MIN(MR_MAX(n, -((int64_t)1 << 40)), (int64_t)1 << 40);
        call->out->strs[row] =
            n == 0 ? (mr_str){.data = ""}
                   : split_part(mr_fn_str(call, 0, row), mr_fn_str(call, 1, row), n);
    }
}

// ---- putting together --------------------------------------------------------------------------

void mr_fn_CONCAT_OP(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str a = mr_fn_str(call, 0, row), b = mr_fn_str(call, 1, row);
        size_t bytes = (size_t)a.bytes + b.bytes;
        char *out = mr_fn_writer_take(&writer, bytes);
        memcpy(out, a.data, a.bytes);
        memcpy(out + a.bytes, b.data, b.bytes);
        call->out->strs[row] = mr_fn_writer_end(&writer, bytes);
    }
}

static bool arg_null(const mr_fn_call *call, uint32_t arg, uint32_t row) {
    const mr_vector *v = &call->args[arg];
    return v->type.id == MR_NULLTYPE || mr_vector_is_null(v, row);
}

// Arguments first .. last that are not NULL, with separator between them.
static mr_str join(mr_fn_call *call, mr_fn_writer *writer, uint32_t row, mr_str separator,
                   uint32_t first) {
    size_t room = 0, bytes = 0;
    for (uint32_t arg = first; arg < call->arg_count; arg++) {
        room += arg_null(call, arg, row) ? 0 : (size_t)mr_fn_str(call, arg, row).bytes;
        room += separator.bytes;
    }
    char *out = mr_fn_writer_take(writer, room);
    bool any = false;
    for (uint32_t arg = first; arg < call->arg_count; arg++) {
        if (arg_null(call, arg, row)) {
            continue;
        }
        mr_str s = mr_fn_str(call, arg, row);
        if (any && separator.bytes > 0) {
            memcpy(out + bytes, separator.data, separator.bytes);
            bytes += separator.bytes;
        }
        memcpy(out + bytes, s.data, s.bytes);
        bytes += s.bytes;
        any = true;
    }
    return mr_fn_writer_end(writer, bytes);
}

void mr_fn_CONCAT(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        call->out->strs[row] = join(call, &writer, row, (mr_str){.data = ""}, 0);
    }
}

void mr_fn_CONCAT_WS(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        if (arg_null(call, 0, row)) {
            mr_eval_call_null(call, row);
        } else {
            call->out->strs[row] = join(call, &writer, row, mr_fn_str(call, 0, row), 1);
        }
    }
}

void mr_fn_REPEAT(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        int64_t n = MR_FN_ARG(call, 1, int64_t, row);
        n = s.bytes == 0 || n < 0 ? 0 : MR_MIN(n, (int64_t)MR_FN_TEXT_BYTES_MAX + 1);
        size_t bytes = (size_t)n * s.bytes;
        if (mr_fn_too_long(call, row, bytes)) {
            continue;
        }
        char *out = mr_fn_writer_take(&writer, bytes);
        for (int64_t i = 0; i < n; i++) {
            memcpy(out + (size_t)i * s.bytes, s.data, s.bytes);
        }
        call->out->strs[row] = mr_fn_writer_end(&writer, bytes);
    }
}

void mr_fn_REPLACE(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row), old = mr_fn_str(call, 1, row),
               new = mr_fn_str(call, 2, row);
        size_t count = 0;
        for (int64_t at = 0; old.bytes > 0 && (at = find(s, old, (uint32_t)at)) >= 0;
             at += old.bytes) {
            count++;
        }
        if (count == 0) {
            call->out->strs[row] = s;
            continue;
        }
        size_t bytes = s.bytes - count * old.bytes + count * new.bytes;
        if (new.bytes > old.bytes && mr_fn_too_long(call, row, bytes)) {
            continue;
        }
        char *out = mr_fn_writer_take(&writer, bytes);
        uint32_t from = 0;
        for (int64_t at; (at = find(s, old, from)) >= 0; from = (uint32_t)at + old.bytes) {
            memcpy(out, s.data + from, (size_t)at - from);
            out += (size_t)at - from;
            memcpy(out, new.data, new.bytes);
            out += new.bytes;
        }
        memcpy(out, s.data + from, s.bytes - from);
        call->out->strs[row] = mr_fn_writer_end(&writer, bytes);
    }
}

// Fills s up to n characters with `fill`, over and over, before or behind it; a longer s is cut.
static void pad(mr_fn_call *call, bool left) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row), fill = mr_fn_str(call, 2, row);
        int64_t n = MR_MAX(MR_FN_ARG(call, 1, int32_t, row), 0), count = char_count(s);
        if (count >= n) {
            call->out->strs[row] = cut_chars(s, 0, n);
            continue;
        }
        int64_t fill_chars = char_count(fill);
        if (fill_chars == 0) {
            mr_eval_call_fail(call, row, "nothing to fill the text up with");
            continue;
        }
        int64_t whole = (n - count) / fill_chars;
        mr_str rest = cut_chars(fill, 0, (n - count) % fill_chars);
        size_t bytes = s.bytes + (size_t)whole * fill.bytes + rest.bytes;
        if (mr_fn_too_long(call, row, bytes)) {
            continue;
        }
        char *out = mr_fn_writer_take(&writer, bytes);
        char *padding = left ? out : out + s.bytes;
        memcpy(left ? out + bytes - s.bytes : out, s.data, s.bytes);
        for (int64_t i = 0; i < whole; i++, padding += fill.bytes) {
            memcpy(padding, fill.data, fill.bytes);
        }
        memcpy(padding, rest.data, rest.bytes);
        call->out->strs[row] = mr_fn_writer_end(&writer, bytes);
    }
}

void mr_fn_LPAD(mr_fn_call *call) {
    pad(call, /* left= */ true);
}

void mr_fn_RPAD(mr_fn_call *call) {
    pad(call, /* left= */ false);
}
