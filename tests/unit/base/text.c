// Text: spans, buffers, numbers as users write them, nearest names.

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "runner.h"

TEST(text, spans_compare_trim_and_match) {
    EXPECT(mr_span_equal(MR_SPAN("ab"), mr_span_of("ab")));
    EXPECT(!mr_span_equal(MR_SPAN("ab"), MR_SPAN("abc")));
    EXPECT(mr_span_equal((mr_span){NULL, 0}, MR_SPAN("")));
    EXPECT(mr_span_equal_nocase(MR_SPAN("AbZ"), MR_SPAN("aBz")));
    EXPECT(!mr_span_equal_nocase(MR_SPAN("@"), MR_SPAN("`")));
    EXPECT_EQ(mr_span_compare(MR_SPAN("a"), MR_SPAN("ab")), -1);
    EXPECT_EQ(mr_span_compare(MR_SPAN("b"), MR_SPAN("ab")), 1);
    EXPECT_EQ(mr_span_compare(MR_SPAN("\xFF"), MR_SPAN("a")), 1);
    EXPECT_EQ(mr_span_compare((mr_span){NULL, 0}, MR_SPAN("")), 0);
    EXPECT(mr_span_starts(MR_SPAN("kafka.x"), "kafka."));
    EXPECT(!mr_span_starts(MR_SPAN("kaf"), "kafka."));
    EXPECT(mr_span_ends(MR_SPAN("a.csv"), ".csv"));
    EXPECT(mr_span_is(mr_span_trim(MR_SPAN(" \t x y\r\n ")), "x y"));
    EXPECT_EQ(mr_span_trim(MR_SPAN("  ")).bytes, 0);
    EXPECT_EQ(mr_span_of(NULL).bytes, 0);
}

static void grow_text(mr_arena *arena) {
    mr_text text;
    mr_text_init(&text, arena);
    EXPECT_STR(mr_text_string(&text), "");
    EXPECT_EQ(mr_text_span(&text).bytes, 0);
    for (int i = 0; i < 1000; i++) {
        mr_text_addf(&text, "%d,", i);
        mr_text_add_char(&text, ';');
        mr_text_add(&text, "ab");
        mr_text_add_bytes(&text, "c\0d", 3);
    }
    EXPECT_EQ(text.bytes, 2890 + 1000 + 1000 + 2000 + 3000);
    EXPECT_EQ(text.data[text.bytes], '\0');
    EXPECT_BYTES(text.data, "0,;abc\0d1,;abc\0d", 16);
    mr_text_clear(&text);
    EXPECT_STR(mr_text_string(&text), "");
    mr_text_addf(&text, "%0300d", 5);  // Longer than the first guess of a format.
    EXPECT_EQ(text.bytes, 300);
    memcpy(mr_text_grow(&text, 2), "xy", 2);
    EXPECT_STR(mr_text_string(&text) + 299, "5xy");
    mr_text_release(&text);
}

TEST(text, grows_in_an_arena_and_on_the_heap) {
    mr_arena arena = {.head = NULL};
    grow_text(&arena);
    mr_arena_release(&arena);
    grow_text(NULL);
}

TEST(text, integers_are_read_whole_or_not_at_all) {
    static const struct {
        const char *in;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {" 42 ", true, 42},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"92233720368547758070", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1x", false, 0},
        {"1 2", false, 0},
        {"1.0", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        int64_t value = 77;
        EXPECT_EQ(mr_text_parse_int64(mr_span_of(cases[i].in), &value), cases[i].ok);
        EXPECT_EQ(value, cases[i].ok ? cases[i].value : 77);
    }
}

TEST(text, doubles_are_finite_decimals) {
    double value;
    EXPECT(mr_text_parse_double(MR_SPAN(" -1.5e3 "), &value));
    EXPECT_EQ(value, -1500.0);
    EXPECT(mr_text_parse_double((mr_span){"12345", 2}, &value));  // Never past its bytes.
    EXPECT_EQ(value, 12.0);
    static const char *const bad[] = {"", "inf", "nan", "1e999", "0x1p3", "1.2.3", "1e", "--1"};
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        EXPECT(!mr_text_parse_double(mr_span_of(bad[i]), &value));
    }
}

TEST(text, sizes_know_their_units) {
    static const struct {
        const char *in;
        uint64_t bytes;
    } cases[] = {
        {"512", 512},      {"64MB", 64000000}, {"64 MiB", 64 << 20},
        {"1GiB", 1 << 30}, {"1k", 1024},       {"1kB", 1000},
        {"1.5KiB", 1536},  {"0.5 mb", 500000}, {"2 TB", 2000000000000},
        {"7 bytes", 7},
    };
    uint64_t bytes = 0;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        EXPECT(mr_text_parse_bytes(mr_span_of(cases[i].in), &bytes));
        EXPECT_EQ(bytes, cases[i].bytes);
    }
    static const char *const bad[] = {"", "MB", "-1", "1XB", "1 2", "1e3", "99999999999TB", "."};
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        EXPECT(!mr_text_parse_bytes(mr_span_of(bad[i]), &bytes));
    }
}

TEST(text, durations_read_postgres_words) {
    static const struct {
        const char *in;
        int64_t us;
    } cases[] = {
        {"30 seconds", 30000000},
        {"1 min", 60000000},
        {"500ms", 500000},
        {"1h30m", 5400000000},
        {"1 hour 30 minutes", 5400000000},
        {"1.5 hours", 5400000000},
        {"2 DAYS", 172800000000},
        {"1 week", 604800000000},
        {"250 us", 250},
        {"01:02:03", 3723000000},
        {"01:02:03.5", 3723500000},
        {"00:30", 1800000000},
        {"1 day 02:00:00", 93600000000},
        {"-1 hour", -3600000000},
        {"1 day -1 hour", 82800000000},
        {"0", 0},
        {"0.000001 s", 1},
    };
    int64_t us = 0;
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        if (!EXPECT(mr_text_parse_duration_us(mr_span_of(cases[i].in), &us))) {
            printf("    %s\n", cases[i].in);
        }
        EXPECT_EQ(us, cases[i].us);
    }
    static const char *const bad[] = {
        "",        "30",    "seconds", "1 month", "1 year",       "1 sec x",          "1:60",
        "1:00:60", "- 1 s", "1..5 s",  "1.5:00",  "300000 years", "99999999999 weeks"};
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        if (!EXPECT(!mr_text_parse_duration_us(mr_span_of(bad[i]), &us))) {
            printf("    %s\n", bad[i]);
        }
    }
}

TEST(text, printed_durations_can_be_read_back) {
    static const int64_t values[] = {
        0, 1, 999, 30000000, 5400000000, -5400000000, 604800000001, INT64_MAX, 86399999999};
    for (size_t i = 0; i < MR_COUNT(values); i++) {
        mr_text text;
        mr_text_init(&text, NULL);
        mr_text_add_duration(&text, values[i]);
        int64_t us;
        EXPECT(mr_text_parse_duration_us(mr_text_span(&text), &us));
        EXPECT_EQ(us, values[i]);
        mr_text_release(&text);
    }
    mr_text text;
    mr_text_init(&text, NULL);
    mr_text_add_duration(&text, 5400000000);
    mr_text_add(&text, "|");
    mr_text_add_duration(&text, 30000000);
    EXPECT_STR(mr_text_string(&text), "1 h 30 min|30 s");
    mr_text_release(&text);
}

TEST(text, sizes_for_people_have_one_digit) {
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 B"},         {1023, "1023 B"},      {1024, "1 KiB"},
                 {1536, "1.5 KiB"},  {1572864, "1.5 MiB"},  {1048575, "1 MiB"},
                 {1 << 30, "1 GiB"}, {UINT64_MAX, "16 EiB"}};
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_text text;
        mr_text_init(&text, NULL);
        mr_text_add_bytes_human(&text, cases[i].bytes);
        EXPECT_STR(mr_text_string(&text), cases[i].text);
        mr_text_release(&text);
    }
}

TEST(text, closest_name_is_found_or_none) {
    static const char *const names[] = {"user_id", "event_time", "amount", "country"};
    EXPECT_STR(mr_text_closest("usr_id", names, 4), "user_id");
    EXPECT_STR(mr_text_closest("USER_ID", names, 4), "user_id");
    EXPECT_STR(mr_text_closest("evnet_time", names, 4), "event_time");
    EXPECT_STR(mr_text_closest("contry", names, 4), "country");
    EXPECT_EQ(mr_text_closest("window_start", names, 4), NULL);
    EXPECT_EQ(mr_text_closest("x", names, 4), NULL);
    EXPECT_EQ(mr_text_closest("x", names, 0), NULL);
    char large[300];
    memset(large, 'a', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    EXPECT_EQ(mr_text_closest(large, names, 4), NULL);
}

TEST(text, a_json_string_escapes_quotes_and_control_characters) {
    mr_text out;
    mr_text_init(&out, NULL);
    mr_text_add_json(&out, MR_SPAN("a\"b\\c\n\x01 é"));
    EXPECT_STR(mr_text_string(&out), "\"a\\\"b\\\\c\\n\\u0001 é\"");
    mr_text_release(&out);
}

TEST(text, is_taken_apart_line_by_line) {
    static const char *const want[] = {"one", "", " two ", "three"};
    mr_span text = MR_SPAN("one\n\n two \nthree");
    for (size_t i = 0; i < MR_COUNT(want); i++) {
        EXPECT(mr_span_is(mr_span_line(&text), want[i]));
    }
    EXPECT(text.bytes == 0 && mr_span_line(&text).bytes == 0);
    text = MR_SPAN("\n");
    EXPECT(mr_span_line(&text).bytes == 0 && text.bytes == 0);
}
