// UTF-8: every short byte string against a slow reader, and case mapping of every character.

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "runner.h"

// RFC 3629 read word by word.
static bool slowly_valid(const uint8_t *at, size_t bytes) {
    for (size_t i = 0; i < bytes;) {
        uint32_t c = at[i];
        size_t need = c < 0x80         ? 1
                      : (c >> 5) == 6  ? 2
                      : (c >> 4) == 14 ? 3
                      : (c >> 3) == 30 ? 4
                                       : 0;
        if (need == 0 || bytes - i < need) {
            return false;
        }
        uint32_t value = need == 1 ? c : c & (0x7Fu >> need);
        for (size_t k = 1; k < need; k++) {
            if ((at[i + k] & 0xC0) != 0x80) {
                return false;
            }
            value = value << 6 | (at[i + k] & 0x3F);
        }
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (value < least[need] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
            return false;
        }
        i += need;
    }
    return true;
}

TEST(utf8, validation_agrees_with_the_slow_reader) {
    // All strings of one and two bytes, and of three and four at the edges of each class, at
    // several places of a longer ASCII text so that both loops see them.
    static const uint8_t edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                    0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                    0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    size_t n = sizeof(edges);
    size_t wrong = 0;
    for (size_t code = 0; code < 65536; code++) {
        uint8_t two[2] = {(uint8_t)(code >> 8), (uint8_t)code};
        wrong += mr_utf8_valid(two, 2) != slowly_valid(two, 2);
    }
    for (size_t code = 0; code < n * n * n * n; code++) {
        uint8_t text[40];
        memset(text, 'x', sizeof(text));
        size_t at = code % 3 == 0 ? 0 : code % 3 == 1 ? 14 : 36;
        text[at] = edges[code % n];
        text[at + 1] = edges[code / n % n];
        text[at + 2] = edges[code / n / n % n];
        text[at + 3] = edges[code / n / n / n];
        wrong += mr_utf8_valid(text, sizeof(text)) != slowly_valid(text, sizeof(text));
        wrong += mr_utf8_valid(text + at, 4) != slowly_valid(text + at, 4);
        wrong += mr_utf8_valid(text + at, 3) != slowly_valid(text + at, 3);
    }
    EXPECT_EQ(wrong, 0);
    EXPECT(mr_utf8_valid("", 0));
    EXPECT(mr_utf8_valid("a\0b", 3));
}

TEST(utf8, every_character_is_written_read_and_counted) {
    size_t wrong = 0;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF) {
            continue;
        }
        char bytes[4];
        uint32_t back;
        size_t count = mr_utf8_put(c, bytes);
        wrong += !mr_utf8_valid(bytes, count);
        wrong += mr_utf8_get(bytes, bytes + count, &back) != count || back != c;
        wrong += mr_utf8_length((mr_span){bytes, count}) != 1;
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(mr_utf8_length(MR_SPAN("na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80 ascii tail")), 20);
    EXPECT_EQ(mr_utf8_length(MR_SPAN("")), 0);
}

// All changes as lines "61>41", as upper() and lower() of DuckDB 1.4.4 give them for every
// character. Python 3.11's str.upper and str.lower agree wherever they give one character: no
// differences.
TEST(utf8, case_mapping_is_duckdbs) {
    uint32_t upper_crc = 0, lower_crc = 0;
    size_t upper_count = 0, lower_count = 0;
    for (uint32_t c = 1; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF) {
            continue;
        }
        char line[32];
        if (mr_utf8_upper(c) != c) {
            int bytes = snprintf(line, sizeof(line), "%X>%X\n", c, mr_utf8_upper(c));
            upper_crc = mr_hash_crc32c(upper_crc, line, (size_t)bytes);
            upper_count++;
        }
        if (mr_utf8_lower(c) != c) {
            int bytes = snprintf(line, sizeof(line), "%X>%X\n", c, mr_utf8_lower(c));
            lower_crc = mr_hash_crc32c(lower_crc, line, (size_t)bytes);
            lower_count++;
        }
    }
    EXPECT_EQ(upper_count, 1451);
    EXPECT_EQ(upper_crc, 0xB8AF350Eu);
    EXPECT_EQ(lower_count, 1433);
    EXPECT_EQ(lower_crc, 0xA23E0C5Cu);
    EXPECT_EQ(mr_utf8_upper(0xE9), 0xC9);      // é
    EXPECT_EQ(mr_utf8_lower(0x0416), 0x0436);  // Ж
    EXPECT_EQ(mr_utf8_upper(0xDF), 0x1E9E);    // ß has a capital of one character.
}

TEST(utf8, a_copy_is_valid_and_holds_whole_characters) {
    static const struct {
        const char *text;
        size_t room;
        const char *copy;
    } cases[] = {
        {"", 1, ""},
        {"abc", 1, ""},
        {"abc", 3, "ab"},
        {"abc", 4, "abc"},
        {"a\u00e4", 3, "a"},
        {"a\u00e4", 4, "a\u00e4"},
        {"\U0001F600", 4, ""},
        {"\U0001F600", 5, "\U0001F600"},
        {"a\xff"
         "b\xc3",
         9, "a?b?"},
        {"\xe2\x82", 9, "??"},
        {"\xed\xa0\x80", 9, "???"},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        char copy[16];
        memset(copy, 'x', sizeof(copy));
        EXPECT_EQ(mr_utf8_copy(copy, cases[i].room, mr_span_of(cases[i].text)),
                  strlen(cases[i].copy));
        EXPECT_STR(copy, cases[i].copy);
        EXPECT_EQ(copy[cases[i].room], 'x');
    }
    char copy[4];
    EXPECT_EQ(mr_utf8_copy(copy, sizeof(copy), (mr_span){"a\0b", 3}), 3);
    EXPECT_STR(copy, "a?b");
}
