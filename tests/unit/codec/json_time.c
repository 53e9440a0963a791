// JSON decoder: times, dates and epoch numbers.

#include <stdio.h>
#include <string.h>

#include "unit/codec/json_show.h"

#include "runner.h"

TEST(json_time, iso_forms_agree_with_civil_parse) {
    static const char *const texts[] = {
        "2026-01-01T00:00:00Z",      "2026-01-01 00:00:00",         "2026-01-01T23:59:59.1Z",
        "2026-01-01T23:59:59.12Z",   "2026-01-01T23:59:59.123Z",    "2026-01-01T23:59:59.1234",
        "2026-01-01T23:59:59.12345", "2026-12-31T23:59:59.123456Z", "1969-12-31T23:59:59.999999Z",
        "2024-02-29T12:34:56.789Z",  "2026-01-01T05:30:00+05:30",   "2026-01-01",
        "0001-01-01T00:00:00Z",      "9999-12-31T23:59:59.999Z",    "2000-02-29 00:00:00",
    };
    for (size_t i = 0; i < MR_COUNT(texts); i++) {
        int64_t us = 0;
        EXPECT(mr_civil_parse(texts[i], strlen(texts[i]), NULL, &us));
        char input[128];
        char expected[64];
        snprintf(input, sizeof(input), "{\"t\":\"%s\"}\n", texts[i]);
        snprintf(expected, sizeof(expected), "%lld\n", (long long)us);
        EXPECT_STR(json_show_text("t:timestamptz", input), expected);
    }
}

TEST(json_time, a_wall_clock_ignores_the_offset) {
    EXPECT_STR(json_show_text("t:timestamp", "{\"t\":\"2026-01-01T05:30:00+05:30\"}\n"
                                             "{\"t\":\"2026-01-01T05:30:00Z\"}\n"
                                             "{\"t\":\"2026-01-01T05:30:00-03\"}\n"
                                             "{\"t\":\"2026-01-01T05:30:00\"}\n"),
               "1767245400000000\n1767245400000000\n1767245400000000\n1767245400000000\n");
}

TEST(json_time, a_date_is_the_one_written) {
    EXPECT_STR(json_show_text("d:date",
                              "{\"d\":\"2026-01-02\"}\n{\"d\":\"2026-01-02T23:00:00-08:00\"}\n"
                              "{\"d\":\"2026-01-02T01:00:00.5Z\"}\n{\"d\":\"1969-12-31\"}\n"),
               "20455\n20455\n20455\n-1\n");
}

TEST(json_time, other_text_is_bad_time) {
    static const char *const bad[] = {
        "",
        "x",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-02-30",
        "2026-01-32T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-01-01T24:00:01Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01X00:00:00Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T00:00:0aZ",
        "2026-01-01T00-00:00Z",
        "2026-01-01T00:00:00.1x3Z",
        "20x6-01-01T00:00:00Z",
        "2026-01-01T00:00:00ZZ",
        "01/02/2026",
    };
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        char input[256];
        char expected[256];
        // The date before it fills the cache of dates.
        snprintf(input, sizeof(input),
                 "{\"t\":\"2026-01-01T00:00:00Z\"}\n{\"t\":\"%s\"}\n{\"t\":null}\n", bad[i]);
        snprintf(expected, sizeof(expected), "1767225600000000\n!bad_time: t is \"%s\"\n-\n",
                 bad[i]);
        EXPECT_STR(json_show_text("t:timestamptz", input), expected);
        EXPECT_STR(json_show_text("t:timestamp", input), expected);
    }
}

TEST(json_time, an_escaped_time_is_read) {
    EXPECT_STR(json_show_text("t:timestamptz d:date", "{\"t\":\"\\u0032026-01-01T00:00:00Z\","
                                                      "\"d\":\"2026\\u002d01-02\"}\n"),
               "1767225600000000,20455\n");
}

TEST(json_time, epoch_numbers_are_exact) {
    EXPECT_STR(
        json_show_text("s:timestamptz%s m:timestamptz%ms u:timestamptz%us d:date%s w:timestamp%ms",
                       "{\"s\":1767225600.123456,\"m\":1767225600123,\"u\":1767225600123456,"
                       "\"d\":1767225599,\"w\":1.5}\n"
                       "{\"s\":-1,\"m\":-0.5,\"u\":-1.5,\"d\":-1,\"w\":1e3}\n"
                       "{\"s\":1.7672256e9,\"m\":0.0001,\"u\":0,\"d\":0.0,\"w\":-0}\n"
                       "{\"s\":0.1234567,\"m\":-0.0001,\"u\":9223372036854775806,\"d\":86400,"
                       "\"w\":null}\n"),
        "1767225600123456,1767225600123000,1767225600123456,20453,1500\n"
        "-1000000,-500,-2,-1,1000000\n"
        "1767225600000000,0,0,0,0\n"
        "123456,-1,9223372036854775806,1,-\n");
    EXPECT_STR(json_show_text("s:timestamptz%s",
                              "{\"s\":9223372036855}\n{\"s\":1e999}\n{\"s\":-1e300}\n"
                              "{\"s\":9223372036854.775807}\n{\"s\":\"1\"}\n"
                              "{\"s\":1e-999999999}\n"),
               "!overflow: s does not fit timestamptz: 9223372036855\n"
               "!overflow: s does not fit timestamptz: 1e999\n"
               "!overflow: s does not fit timestamptz: -1e300\n"
               "!overflow: s does not fit timestamptz: 9223372036854.775807\n"
               "!wrong_type: s is a string\n0\n");
}
