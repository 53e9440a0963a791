// Fn, strings: digests, characters by code point, encodings, edit distance.
//
// Meaning is DuckDB's; initcap and encode and decode with a format are PostgreSQL's. Results are
// written into large pieces of the batch's arena. Also: mr_fn_.

#include <string.h>

#include "base/digest.h"
#include "base/utf8.h"
#include "exec/fn.h"

#define DISTANCE_CELLS_MAX ((uint64_t)1 << 30)  // Of levenshtein, a row.

// ---- digests -----------------------------------------------------------------------------------

static char *put_hex(char *out, const uint8_t *data, size_t bytes, const char *digits) {
    for (size_t i = 0; i < bytes; i++) {
        *out++ = digits[data[i] >> 4];
        *out++ = digits[data[i] & 15];
    }
    return out;
}

static void digest(mr_fn_call *call, void (*function)(const void *, size_t, uint8_t *),
                   size_t bytes) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        uint8_t sum[MR_DIGEST_SHA256_BYTES];
        function(s.data, s.bytes, sum);
        put_hex(mr_fn_writer_take(&writer, 2 * bytes), sum, bytes, "0123456789abcdef");
        call->out->strs[row] = mr_fn_writer_end(&writer, 2 * bytes);
    }
}

// clang-format off
#define SHA256_BYTES MR_DIGEST_SHA256_BYTES
void mr_fn_MD5(mr_fn_call *call) { digest(call, mr_digest_md5, MR_DIGEST_MD5_BYTES); }
void mr_fn_MD5_BYTES(mr_fn_call *call) { digest(call, mr_digest_md5, MR_DIGEST_MD5_BYTES); }
void mr_fn_SHA1(mr_fn_call *call) { digest(call, mr_digest_sha1, MR_DIGEST_SHA1_BYTES); }
void mr_fn_SHA1_BYTES(mr_fn_call *call) { digest(call, mr_digest_sha1, MR_DIGEST_SHA1_BYTES); }
void mr_fn_SHA256(mr_fn_call *call) { digest(call, mr_digest_sha256, SHA256_BYTES); }
void mr_fn_SHA256_BYTES(mr_fn_call *call) { digest(call, mr_digest_sha256, SHA256_BYTES); }
// clang-format on

// ---- characters --------------------------------------------------------------------------------

static void first_character(mr_fn_call *call, int32_t none) {
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        uint32_t code_point = 0;
        if (s.bytes > 0) {
            mr_utf8_get(s.data, s.data + s.bytes, &code_point);
        }
        call->out->int32s[row] = s.bytes == 0 ? none : (int32_t)code_point;
    }
}

void mr_fn_ASCII(mr_fn_call *call) {
    first_character(call, 0);
}

void mr_fn_UNICODE(mr_fn_call *call) {
    first_character(call, -1);
}

void mr_fn_CHR(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        int32_t code_point = MR_FN_ARG(call, 0, int32_t, row);
        if (code_point < 0 || code_point > 0x10FFFF ||
            (code_point >= 0xD800 && code_point < 0xE000)) {
            mr_eval_call_fail(call, row, "no character has the code point %d", code_point);
            continue;
        }
        char *out = mr_fn_writer_take(&writer, 4);
        call->out->strs[row] = mr_fn_writer_end(&writer, mr_utf8_put((uint32_t)code_point, out));
    }
}

#define DROPPED 0xFFFFFFFFu

// What translate does to characters: a table for ASCII, a list for the rest.
typedef struct translation {
    uint32_t ascii[128];
    uint32_t *from;
    uint32_t *to;
    uint32_t count;
} translation;

static void translation_make(mr_fn_call *call, mr_str from, mr_str to, translation *ret) {
    for (uint32_t c = 0; c < 128; c++) {
        ret->ascii[c] = c;
    }
    bool seen[128] = {false};
    ret->from = mr_arena_raw(call->run->arena, sizeof(uint32_t) * (from.bytes + 1));
    ret->to = mr_arena_raw(call->run->arena, sizeof(uint32_t) * (from.bytes + 1));
    ret->count = 0;
    const char *at = to.data, *to_end = to.data + to.bytes;
    for (const char *f = from.data, *end = from.data + from.bytes; f < end;) {
        uint32_t old, new = DROPPED;
        f += mr_utf8_get(f, end, &old);
        if (at < to_end) {
            at += mr_utf8_get(at, to_end, &new);
        }
        if (old >= 128) {  // The first of equal ones is found first.
            ret->from[ret->count] = old;
            ret->to[ret->count++] = new;
        } else if (!seen[old]) {
            seen[old] = true;
            ret->ascii[old] = new;
        }
    }
}

static uint32_t translation_of(const translation *how, uint32_t code_point) {
    if (code_point < 128) {
        return how->ascii[code_point];
    }
    for (uint32_t i = 0; i < how->count; i++) {
        if (how->from[i] == code_point) {
            return how->to[i];
        }
    }
    return code_point;
}

void mr_fn_TRANSLATE(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    bool constant = call->args[1].kind == MR_CONST && call->args[2].kind == MR_CONST;
    translation how = {.count = 0};
    bool made = false;
    MR_FN_EACH(call, row) {
        if (!constant || !made) {
            translation_make(call, mr_fn_str(call, 1, row), mr_fn_str(call, 2, row), &how);
            made = true;
        }
        mr_str s = mr_fn_str(call, 0, row);
        char *out = mr_fn_writer_take(&writer, (size_t)s.bytes * 4);
        size_t bytes = 0;
        for (const char *at = s.data, *end = s.data + s.bytes; at < end;) {
            uint32_t code_point;
            at += mr_utf8_get(at, end, &code_point);
            code_point = translation_of(&how, code_point);
            bytes += code_point == DROPPED ? 0 : mr_utf8_put(code_point, out + bytes);
        }
        call->out->strs[row] = mr_fn_writer_end(&writer, bytes);
    }
}

// Letters and digits. Beyond ASCII: all but the blocks that hold signs, spaces and pictures.
static bool is_word(uint32_t c) {
    static const uint32_t signs[][2] = {
        {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},       {0xD7, 0xD7},
        {0xF7, 0xF7},     {0x1680, 0x1680}, {0x2000, 0x206F}, {0x20A0, 0x20CF},   {0x2190, 0x2BFF},
        {0x2E00, 0x2E7F}, {0x3000, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x3030},   {0xFE30, 0xFE6F},
        {0xFF01, 0xFF0F}, {0xFF1A, 0xFF20}, {0xFFF0, 0xFFFF}, {0x1F000, 0x1FAFF},
    };
    if (c < 0x80) {
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    }
    for (size_t i = 0; i < MR_COUNT(signs) && signs[i][0] <= c; i++) {
        if (c <= signs[i][1]) {
            return false;
        }
    }
    return true;
}

void mr_fn_INITCAP(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    MR_FN_EACH(call, row) {
        mr_str s = mr_fn_str(call, 0, row);
        char *out = mr_fn_writer_take(&writer, (size_t)s.bytes * 2 + 4);
        size_t bytes = 0;
        bool inside = false;
        for (const char *at = s.data, *end = s.data + s.bytes; at < end;) {
            uint32_t code_point;
            at += mr_utf8_get(at, end, &code_point);
            uint32_t mapped = inside ? mr_utf8_lower(code_point) : mr_utf8_upper(code_point);
            inside = is_word(code_point);
            bytes += mr_utf8_put(mapped, out + bytes);
        }
        call->out->strs[row] = mr_fn_writer_end(&writer, bytes);
    }
}

// ---- lengths and distances ---------------------------------------------------------------------

static void byte_count(mr_fn_call *call, int64_t times) {
    MR_FN_EACH(call, row) {
        call->out->int64s[row] = times * mr_fn_str(call, 0, row).bytes;
    }
}

// clang-format off
void mr_fn_BIT_LENGTH(mr_fn_call *call) { byte_count(call, 8); }
void mr_fn_OCTET_LENGTH(mr_fn_call *call) { byte_count(call, 1); }
void mr_fn_OCTET_LENGTH_BYTES(mr_fn_call *call) { byte_count(call, 1); }
// clang-format on

// The classic table, a line at a time. line has b.bytes + 1 places.
static int64_t distance(mr_str a, mr_str b, uint32_t *line) {
    for (uint32_t k = 0; k <= b.bytes; k++) {
        line[k] = k;
    }
    for (uint32_t i = 0; i < a.bytes; i++) {
        uint32_t diagonal = line[0];
        line[0] = i + 1;
        for (uint32_t k = 0; k < b.bytes; k++) {
            uint32_t change = diagonal + (a.data[i] != b.data[k]);
            diagonal = line[k + 1];
            line[k + 1] = MR_MIN(change, MR_MIN(diagonal, line[k]) + 1);
        }
    }
    return line[b.bytes];
}

void mr_fn_LEVENSHTEIN(mr_fn_call *call) {
    uint32_t *line = NULL, room = 0;
    MR_FN_EACH(call, row) {
        mr_str a = mr_fn_str(call, 0, row), b = mr_fn_str(call, 1, row);
        call->out->int64s[row] = 0;
        if ((uint64_t)a.bytes * b.bytes > DISTANCE_CELLS_MAX) {
            mr_eval_call_fail(call, row, "texts of %u and %u bytes are too long for levenshtein",
                              a.bytes, b.bytes);
            continue;
        }
        if (room < b.bytes + 1) {
            room = MR_MAX(2 * b.bytes, 256u);
            line = mr_arena_raw(call->run->arena, sizeof(uint32_t) * room);
        }
        call->out->int64s[row] = distance(a, b, line);
    }
}
