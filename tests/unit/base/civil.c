// Civil: the calendar day by day, and timestamps against DuckDB's answers.

#include "base/civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

TEST(civil, the_calendar_counts_every_day) {
    // Day after day over 1200 years, by the rules that people know.
    static const int32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t days = (int32_t)mr_civil_days(1400, 1, 1);
    EXPECT_EQ(days, -208188);
    size_t wrong = 0;
    for (int64_t year = 1400; year < 2600; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int32_t month = 1; month <= 12; month++) {
            int32_t length = lengths[month - 1] + (month == 2 && leap);
            for (int32_t day = 1; day <= length; day++, days++) {
                mr_civil civil;
                mr_civil_from_us(days * MR_DAY_US + 86399999999, &civil);
                wrong += mr_civil_days(year, month, day) != days || civil.year != year ||
                         civil.month != month || civil.day != day || civil.hour != 23 ||
                         civil.minute != 59 || civil.second != 59 || civil.us != 999999;
                wrong += mr_civil_to_us(&civil) != days * MR_DAY_US + 86399999999;
            }
        }
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(mr_civil_days(1970, 1, 1), 0);
    EXPECT_EQ(mr_civil_days(0, 1, 1), -719528);
    mr_civil civil;
    mr_civil_from_us(INT64_MIN, &civil);
    EXPECT_EQ(civil.year, -290308);
    mr_civil_from_us(INT64_MAX, &civil);
    EXPECT_EQ(civil.year, 294247);
    EXPECT_EQ(civil.us, 775807);
}

#define NONE INT64_MIN

typedef struct parse_case {
    const char *in;
    int64_t us;  // As DuckDB 1.4.4 casts to timestamptz in UTC; NONE: it refuses.
} parse_case;

static int64_t parse(const char *in, size_t bytes) {
    char *exact = malloc(bytes + 1);  // A read past the bytes is seen under ASan.
    memcpy(exact, in, bytes);
    int64_t us = NONE;
    if (!mr_civil_parse(exact, bytes, NULL, &us)) {
        us = NONE;
    }
    free(exact);
    return us;
}

static const parse_case parse_cases[] = {
    {"2026-01-01T00:00:00Z", 1767225600000000},
    {"2026-01-01 00:00:00", 1767225600000000},
    {"2026-01-01", 1767225600000000},
    {"2026-01-01T00:00:00.1", 1767225600100000},
    {"2026-01-01T00:00:00.123456Z", 1767225600123456},
    {"2026-01-01T00:00:00.123456789Z", 1767225600123456},
    {"2026-01-01T00:00:00.1234567891Z", 1767225600123456},
    {"2026-01-01T00:00:00+05:30", 1767205800000000},
    {"2026-01-01T00:00:00-0530", 1767245400000000},
    {"2026-01-01T00:00:00+05", 1767207600000000},
    {"2026-01-01T00:00:00+5", NONE},
    {"2026-01-01T00:00:00+05:30:15", 1767205785000000},
    {"2026-01-01T00:00:00 +05:30", NONE},
    {"2026-01-01T00:00:00 UTC", 1767225600000000},
    {"2026-01-01T00:00:00UTC", NONE},
    {"2026-01-01T00:00:00 Z", NONE},
    {"2026-01-01T00:00:00z", NONE},
    {"2026-01-01t00:00:00Z", NONE},
    {"2026-01-01T23:59:60Z", NONE},
    {"2026-02-29", NONE},
    {"2024-02-29", 1709164800000000},
    {"1900-02-29", NONE},
    {"2000-02-29", 951782400000000},
    {"2026-13-01", NONE},
    {"2026-00-01", NONE},
    {"2026-01-00", NONE},
    {"2026-01-32", NONE},
    {"2026-04-31", NONE},
    {"2026-1-1", 1767225600000000},
    {"2026-1-1 1:2:3", 1767229323000000},
    {"2026-01-01 00:00", 1767225600000000},
    {"2026-01-01T00", NONE},
    {"2026-01-01T00:60:00", NONE},
    {"2026/01/01", 1767225600000000},
    {"2026-01/01", NONE},
    {"2026-01-01T00:00:00Zx", NONE},
    {" 2026-01-01T00:00:00Z", 1767225600000000},
    {"2026-01-01T00:00:00Z ", 1767225600000000},
    {"20260101", NONE},
    {"2026-01-01Z", NONE},
    {"2026-01-01+05", NONE},
    {"12345-01-01", 327403382400000000},
    {"294246-12-31T23:59:59", 9223371244799000000},
    {"294247-01-10T04:00:54.775806Z", 9223372036854775806},
    {"294247-01-10T04:00:54.775807Z", NONE},
    {"294247-01-11", NONE},
    {"0001-01-01", -62135596800000000},
    {"0000-01-01", -62167219200000000},
    {"-0001-01-01", -62198755200000000},
    {"0044-03-15 (BC)", -63517824000000000},
    {"290309-12-22 (BC) 00:00:00", -9223372022400000000},
    {"1969-12-31T23:59:59.999999Z", -1},
    {"1969-12-31T23:59:59.9999999Z", -1},
    {"", NONE},
    {"2026-01-01T00:00:00+15:59", 1767168060000000},
    {"2026-01-01T00:00:00-15:59", 1767283140000000},
    {"2026-01-01T00:00:00+23:59", 1767139260000000},
    {"2026-01-01T00:00:00+053", NONE},
    {"2026-01-01T00:00:00+", NONE},
    {"2026-01-01T1:02:03", 1767229323000000},
    {"2026-01-01T00:00:00,5", NONE},
    {"2026-01-01T", NONE},
    {"infinite", NONE},
    {"2026-01-01T00:00:00Europe/Paris", NONE},
    {"2026-01-01  00:00:00", 1767225600000000},
    {"2026-01-01T00:00:00.5 +01", NONE},
    {"99999-01-01", 3093496444800000000},
    {"+2026-01-01", NONE},
    {"2026-01-01T00:00:0", 1767225600000000},
    {"26-01-01", -61346678400000000},
    {"2026-001-01", NONE},
    {"0000-01-01 (BC)", NONE},
};

TEST(civil, timestamps_are_read_as_duckdb_reads_them) {
    for (size_t i = 0; i < MR_COUNT(parse_cases); i++) {
        if (!EXPECT_EQ(parse(parse_cases[i].in, strlen(parse_cases[i].in)), parse_cases[i].us)) {
            printf("    \"%s\"\n", parse_cases[i].in);
        }
    }
}

// Where this reader is stricter than DuckDB's on purpose (or, on the last line, knows less).
TEST(civil, what_duckdb_guesses_at_is_refused) {
    static const char *const refused[] = {
        "2026-01-01T24:00:00Z",       // DuckDB: the next day.
        "2026-01-01T00:00:00.Z",      // A point without digits.
        "2026-01-01T00:00:00.",       //
        "2026-01-01T00:00:00+05:60",  // Minutes past 59, hours past 23.
        "2026-01-01T00:00:00+24:00",  //
        "2026-01-01T00:00:00+99",     //
        "2026 01 01",                 // Spaces and backslashes in a date.
        "2026\\01\\01",
        "epoch",
        "infinity",
        "2026-01-01T00:00:00 Europe/Paris",
    };
    for (size_t i = 0; i < MR_COUNT(refused); i++) {
        EXPECT_EQ(parse(refused[i], strlen(refused[i])), NONE);
    }
    EXPECT_EQ(parse("2026-01-01 ", 11), 1767225600000000);  // DuckDB refuses this one.
}

TEST(civil, every_wrong_byte_is_seen) {
    // Any byte of the usual form replaced by any other: the value must follow or be refused.
    static const char good[] = "2026-10-12T10:11:12.123456Z";
    size_t bytes = sizeof(good) - 1, taken = 0;
    for (size_t i = 0; i < bytes; i++) {
        for (int c = 0; c < 256; c++) {
            char text[sizeof(good)];
            memcpy(text, good, sizeof(good));
            text[i] = (char)c;
            int64_t us = parse(text, bytes);
            if (us == NONE || c == good[i]) {
                continue;
            }
            taken++;
            bool digit = c >= '0' && c <= '9' && good[i] >= '0' && good[i] <= '9';
            bool other =
                (i == 10 && c == ' ') ||
                (i == bytes - 1 && ((c >= '0' && c <= '9') || c == ' ' || (c >= 9 && c <= 13))) ||
                (i == 0 && (c == '-' || c == ' ' || (c >= 9 && c <= 13)));
            if (!digit && !other) {
                EXPECT_STR(text, "refused");
            }
        }
    }
    EXPECT(taken > 100);
    for (size_t cut = 0; cut < bytes; cut++) {
        int64_t us = parse(good, cut);
        // A date, and from "10:1" on the parts of a clock, are times by themselves.
        bool date = cut == 9 || cut == 10;
        bool clock = cut == 15 || cut == 16 || cut == 18 || cut == 19 || cut >= 21;
        // "10:1" is 10:01, as DuckDB reads it.
        EXPECT_EQ(us != NONE, date || clock);
    }
}

TEST(civil, every_moment_is_printed_and_read_back) {
    uint64_t state = 7;
    mr_text text;
    mr_text_init(&text, NULL);
    size_t wrong = 0;
    for (int i = 0; i < 200000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        int64_t us = (int64_t)state >> (i % 40);
        if (us == INT64_MIN || us < -9223372022400000000) {
            continue;
        }
        int64_t back;
        mr_text_clear(&text);
        mr_civil_print(&text, us, NULL);
        wrong += !mr_civil_parse(text.data, text.bytes, NULL, &back) || back != us;
        mr_text_clear(&text);
        mr_civil_print_iso(&text, us);
        wrong += !mr_civil_parse(text.data, text.bytes, NULL, &back) || back != us;
        int32_t days = (int32_t)(state >> 38), days_back;
        mr_text_clear(&text);
        mr_civil_print_date(&text, days);
        wrong += !mr_civil_parse_date(text.data, text.bytes, &days_back) || days_back != days;
    }
    EXPECT_EQ(wrong, 0);
    mr_text_release(&text);
}

TEST(civil, prints_as_duckdb_does) {
    static const struct {
        int64_t us;
        const char *text;
        const char *iso;
    } cases[] = {
        {0, "1970-01-01 00:00:00+00", "1970-01-01T00:00:00Z"},
        {1, "1970-01-01 00:00:00.000001+00", "1970-01-01T00:00:00.000001Z"},
        {100000, "1970-01-01 00:00:00.1+00", "1970-01-01T00:00:00.100Z"},
        {-1, "1969-12-31 23:59:59.999999+00", "1969-12-31T23:59:59.999999Z"},
        {1767225600123000, "2026-01-01 00:00:00.123+00", "2026-01-01T00:00:00.123Z"},
        {-70000000000000000, "0250-10-15 (BC) 19:33:20+00", "-249-10-15T19:33:20Z"},
        {900000000000000000, "30489-11-11 16:00:00+00", "30489-11-11T16:00:00Z"},
        {9223372036854775806, "294247-01-10 04:00:54.775806+00", "294247-01-10T04:00:54.775806Z"},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_text text;
        mr_text_init(&text, NULL);
        mr_civil_print(&text, cases[i].us, NULL);
        EXPECT_STR(mr_text_string(&text), cases[i].text);
        mr_text_clear(&text);
        mr_civil_print_iso(&text, cases[i].us);
        EXPECT_STR(mr_text_string(&text), cases[i].iso);
        mr_text_release(&text);
    }
}

TEST(civil, dates_are_read_and_printed) {
    static const struct {
        const char *in;
        int32_t days;
        const char *printed;  // NULL: refused.
    } cases[] = {
        {"2026-01-01", 20454, "2026-01-01"},
        {"2026-1-1", 20454, "2026-01-01"},
        {" 2026-01-01 ", 20454, "2026-01-01"},
        {"2026-01-01 23:00:00-05", 20454, "2026-01-01"},  // The date as written.
        {"2026-01-01T10:00:00Z", 20454, "2026-01-01"},
        {"2026-02-29", 0, NULL},
        {"2026-01-01x", 0, NULL},
        {"2026-01-01T", 0, NULL},
        {"12345-01-01", 3789391, "12345-01-01"},
        {"0044-03-15 (BC)", -735160, "0044-03-15 (BC)"},
        {"-0001-01-01", -719893, "0002-01-01 (BC)"},
        {"5877642-06-25", 2146045306, "5877642-06-25"},
        {"9999999-01-01", 0, NULL},
        {"", 0, NULL},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        int32_t days = 0;
        bool ok = mr_civil_parse_date(cases[i].in, strlen(cases[i].in), &days);
        if (!EXPECT_EQ(ok, cases[i].printed != NULL)) {
            printf("    \"%s\"\n", cases[i].in);
        }
        if (ok && cases[i].printed != NULL) {
            EXPECT_EQ(days, cases[i].days);
            mr_text text;
            mr_text_init(&text, NULL);
            mr_civil_print_date(&text, days);
            EXPECT_STR(mr_text_string(&text), cases[i].printed);
            mr_text_release(&text);
        }
    }
}

TEST(civil, times_of_day_are_read_and_printed) {
    static const struct {
        const char *in;
        const char *out;  // NULL: refused.
    } cases[] = {
        {"12:34:56", "12:34:56"},
        {"12:34", "12:34:00"},
        {"1:2:3", "01:02:03"},
        {"24:00:00", "24:00:00"},
        {"24:00:01", NULL},
        {"24:00:00.000001", NULL},
        {"12:34:56.1234567", "12:34:56.123456"},
        {" 12:34:56 ", "12:34:56"},
        {"00:00:00.100", "00:00:00.1"},
        {"00:00:00.000001", "00:00:00.000001"},
        {"2020-01-01 12:34:56", "12:34:56"},
        {"2020-01-01T12:34:56.5+02", "12:34:56.5"},
        {"2020-01-01", "00:00:00"},
        {"12:34:56Z", "12:34:56"},
        {"12:34:56+02:30", "12:34:56"},
        {"12", NULL},
        {"", NULL},
        {"12:60:00", NULL},
        {"12:00:60", NULL},
        {"25:00:00", NULL},
        {"-1:00:00", NULL},
        {"12:34:56x", NULL},
        {"12:34:56 PM", NULL},
        {"T12:34:56", NULL},
        {"2020-01-01 24:00:00", NULL},
    };
    mr_text out;
    mr_text_init(&out, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        size_t bytes = strlen(cases[i].in);
        char *exact = malloc(bytes + 1);
        memcpy(exact, cases[i].in, bytes);
        int64_t us = 0;
        bool good = mr_civil_parse_time(exact, bytes, &us);
        free(exact);
        mr_text_clear(&out);
        if (good) {
            mr_civil_print_time(&out, us);
        }
        EXPECT_STR(good ? mr_text_string(&out) : NULL, cases[i].out);
    }
    mr_text_release(&out);
}
