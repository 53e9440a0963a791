// Zone: conversions against Python's zoneinfo, and damaged files.
//
// The files in tests/unit/base/zone are the tz database's (public domain), kept here so that the
// answers do not change with the machine's. The checksums are of the lines "second offset\n" at
// which the offset changes, in half-hour steps from 1970 to 2100, as zoneinfo gives them: once for
// moments in UTC, once for wall clocks (the smaller offset of fold=0 and 1).

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/hash.h"
#include "runner.h"

static mr_arena arena;

static mr_span load(const char *name) {
    char path[128];
    static char bytes[8192];
    snprintf(path, sizeof(path), "tests/unit/base/zone/%s.tzif", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return (mr_span){bytes, 0};
    }
    size_t got = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    return (mr_span){bytes, got};
}

static mr_zone *zone_of(const char *name) {
    mr_cx cx;
    mr_zone *zone = NULL;
    mr_cx_init(&cx, &arena, NULL);
    EXPECT_OK(mr_zone_parse(name, load(name), &zone, &cx));
    return zone;
}

#define YEAR_2100_S ((int64_t)4102444800)

static uint32_t checksum(const mr_zone *zone, bool local, uint32_t *ret_count) {
    uint32_t crc = 0;
    int32_t last = INT32_MIN;
    *ret_count = 0;
    for (int64_t s = 0; s < YEAR_2100_S; s += 1800) {
        int64_t us = s * MR_SECOND_US;
        int32_t offset_s = local ? (int32_t)((us - mr_zone_to_utc(zone, us)) / MR_SECOND_US)
                                 : mr_zone_offset_s(zone, us);
        if (offset_s != last) {
            char line[64];
            int bytes = snprintf(line, sizeof(line), "%" PRId64 " %d\n", s, offset_s);
            crc = mr_hash_crc32c(crc, line, (size_t)bytes);
            last = offset_s;
            (*ret_count)++;
        }
    }
    return crc;
}

TEST(zone, agrees_with_zoneinfo_from_1970_to_2100) {
    static const struct {
        const char *name;
        uint32_t utc_count;
        uint32_t utc_crc;
        uint32_t local_count;
        uint32_t local_crc;
    } cases[] = {
        {"New_York", 261, 0x38FED060, 261, 0x516CD97A},
        {"Berlin", 241, 0x00F90065, 241, 0x211A08EF},
        {"Kolkata", 1, 0x897EDA7C, 1, 0x897EDA7C},
        {"Lord_Howe", 239, 0xAB9F8EDB, 239, 0x936CF809},
        {"Dublin", 258, 0xF827BFDD, 258, 0x3D6DF634},
        {"Casablanca", 188, 0xE87A480E, 188, 0x806D72F6},
        {"St_Johns", 261, 0x0EFE6B14, 261, 0x053904E1},
        {"Apia", 24, 0xDE36CF3B, 24, 0xE35802BE},
        {"Troll", 191, 0x1DC116FE, 191, 0x9BD78A9B},
        {"Sao_Paulo", 69, 0x6650FC03, 69, 0xAAB35830},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        const mr_zone *zone = zone_of(cases[i].name);
        REQUIRE(zone != NULL);
        EXPECT_STR(mr_zone_name(zone), cases[i].name);
        uint32_t count;
        EXPECT_EQ(checksum(zone, /* local= */ false, &count), cases[i].utc_crc);
        EXPECT_EQ(count, cases[i].utc_count);
        EXPECT_EQ(checksum(zone, /* local= */ true, &count), cases[i].local_crc);
        EXPECT_EQ(count, cases[i].local_count);
    }
    mr_arena_release(&arena);
}

static int64_t at(const char *text) {
    int64_t us = 0;
    EXPECT(mr_civil_parse(text, strlen(text), NULL, &us));
    return us;
}

static void expect_local(const mr_zone *zone, const char *local, const char *utc) {
    EXPECT_EQ(mr_zone_to_utc(zone, at(local)), at(utc));
}

TEST(zone, gap_and_overlap_on_both_switch_days) {
    const mr_zone *zone = zone_of("New_York");
    REQUIRE(zone != NULL);
    expect_local(zone, "2026-03-08 01:59:59", "2026-03-08T06:59:59Z");
    expect_local(zone, "2026-03-08 02:30:00",
                 "2026-03-08T07:30:00Z");  // Skipped: by the old offset.
    expect_local(zone, "2026-03-08 03:00:00", "2026-03-08T07:00:00Z");
    expect_local(zone, "2026-11-01 00:59:59", "2026-11-01T04:59:59Z");
    expect_local(zone, "2026-11-01 01:30:00", "2026-11-01T06:30:00Z");  // Twice: the second.
    expect_local(zone, "2026-11-01 02:00:00", "2026-11-01T07:00:00Z");
    // A day has 23 and 25 hours.
    EXPECT_EQ(mr_zone_to_utc(zone, at("2026-03-09")) - mr_zone_to_utc(zone, at("2026-03-08")),
              23 * 3600 * MR_SECOND_US);
    EXPECT_EQ(mr_zone_to_utc(zone, at("2026-11-02")) - mr_zone_to_utc(zone, at("2026-11-01")),
              25 * 3600 * MR_SECOND_US);
    EXPECT_EQ(mr_zone_offset_s(zone, at("2026-03-08T06:59:59.999999Z")), -5 * 3600);
    EXPECT_EQ(mr_zone_offset_s(zone, at("2026-03-08T07:00:00Z")), -4 * 3600);
    zone = zone_of("Apia");
    REQUIRE(zone != NULL);  // 30 December 2011 did not happen.
    expect_local(zone, "2011-12-29 23:59:59", "2011-12-30T09:59:59Z");
    expect_local(zone, "2011-12-31 00:00:00", "2011-12-30T10:00:00Z");
    expect_local(zone, "2011-12-30 12:00:00", "2011-12-30T22:00:00Z");
    mr_arena_release(&arena);
}

TEST(zone, dates_are_taken_in_the_zone) {
    const mr_zone *zone = zone_of("Kolkata");
    REQUIRE(zone != NULL);
    int32_t day = (int32_t)mr_civil_days(2026, 1, 1);
    EXPECT_EQ(mr_zone_date(zone, at("2025-12-31T18:29:59.999999Z")), day - 1);
    EXPECT_EQ(mr_zone_date(zone, at("2025-12-31T18:30:00Z")), day);
    EXPECT_EQ(mr_zone_date(NULL, at("2025-12-31T23:59:59Z")), day - 1);
    EXPECT_EQ(mr_zone_date(NULL, -1), -1);
    EXPECT_STR(mr_zone_name(NULL), "UTC");
    EXPECT_EQ(mr_zone_to_utc(NULL, 5), 5);
    mr_arena_release(&arena);
}

TEST(zone, far_past_and_far_future_follow_the_rule) {
    const mr_zone *zone = zone_of("New_York");
    REQUIRE(zone != NULL);
    EXPECT_EQ(mr_zone_offset_s(zone, at("1800-01-01T00:00:00Z")), -17762);  // Local mean time.
    EXPECT_EQ(mr_zone_offset_s(zone, INT64_MIN + 1), -17762);
    // The same day of another cycle of 400 years, summer and winter.
    static const char *const years[] = {"2126", "2400", "2526", "9926", "12926"};
    for (size_t i = 0; i < MR_COUNT(years); i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s-07-01T00:00:00Z", years[i]);
        EXPECT_EQ(mr_zone_offset_s(zone, at(text)), -4 * 3600);
        EXPECT_EQ(mr_zone_to_utc(zone, at(text)), at(text) + 4 * 3600 * MR_SECOND_US);
        snprintf(text, sizeof(text), "%s-01-15T00:00:00Z", years[i]);
        EXPECT_EQ(mr_zone_offset_s(zone, at(text)), -5 * 3600);
        EXPECT_EQ(mr_zone_to_utc(zone, at(text)), at(text) + 5 * 3600 * MR_SECOND_US);
    }
    int32_t last = mr_zone_offset_s(zone, INT64_MAX);
    EXPECT(last == -4 * 3600 || last == -5 * 3600);
    mr_arena_release(&arena);
}

// A version 2 file with no changes and this footer.
static mr_span footer_only(const char *footer, char *bytes) {
    static const char header[44] = "TZif2";
    memset(bytes, 0, 400);
    size_t used = 0;
    for (int block = 0; block < 2; block++) {
        memcpy(bytes + used, header, 44);
        bytes[used + 39] = 1;  // One type,
        bytes[used + 43] = 4;  // four characters of names,
        used += 44;
        memcpy(bytes + used + 6, "LMT", 4);
        used += 6 + 4;
    }
    used += (size_t)snprintf(bytes + used, 400 - used, "\n%s\n", footer);
    return (mr_span){bytes, used};
}

TEST(zone, rules_of_every_form_are_read) {
    static const struct {
        const char *rule;
        const char *utc;
        int32_t offset_s;
    } cases[] = {
        {"EST5", "2026-07-01", -18000},
        {"<+0330>-3:30", "2026-07-01", 12600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 3600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-15", 39600},  // The south.
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-15", 36000},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-15", 0},  // Winter is the exception.
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-15", 3600},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600},
        {"XXX3EDT4,0/0,J365/23", "2026-01-01", -14400},  // Summer all year.
        {"XXX3EDT4,0/0,J365/23", "2026-12-31T23:59:59Z", -14400},
        {"AAA0BBB,J60,J300", "2024-03-01T01:59:59Z", 0},  // 1 March, leap year or not.
        {"AAA0BBB,J60,J300", "2024-03-01T02:00:00Z", 3600},
        {"AAA0BBB,J60,J300", "2023-03-01T02:00:00Z", 3600},
        {"AAA0BBB,59,300", "2024-02-29T02:00:00Z", 3600},  // Counted with 29 February.
        {"AAA0BBB,59,300", "2023-03-01T01:59:59Z", 0},
    };
    char bytes[400];
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_cx cx;
        mr_zone *zone = NULL;
        mr_cx_init(&cx, &arena, NULL);
        REQUIRE_OK(mr_zone_parse("x", footer_only(cases[i].rule, bytes), &zone, &cx));
        if (!EXPECT_EQ(mr_zone_offset_s(zone, at(cases[i].utc)), cases[i].offset_s)) {
            printf("    %s at %s\n", cases[i].rule, cases[i].utc);
        }
    }
    static const char *const bad[] = {"X5",
                                      "EST",
                                      "EST5EDT",
                                      "EST5EDT,M3.2.0",
                                      "EST5EDT,M13.2.0,M11.1.0",
                                      "EST5EDT,M3.6.0,M11.1.0",
                                      "EST5EDT,M3.2.7,M11.1.0",
                                      "EST5EDT,J0,J300",
                                      "<EST5",
                                      "EST5x",
                                      "EST168",
                                      "EST30",
                                      "EST5EDT,M3.2.0,M11.1.0x"};
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        mr_cx cx;
        mr_zone *zone = NULL;
        mr_cx_init(&cx, &arena, NULL);
        if (!EXPECT_EQ(mr_zone_parse("x", footer_only(bad[i], bytes), &zone, &cx), MR_E_CORRUPT)) {
            printf("    %s\n", bad[i]);
        }
    }
    mr_arena_release(&arena);
}

TEST(zone, damaged_files_are_refused_or_read_never_worse) {
    mr_span whole = load("Berlin");
    REQUIRE(whole.bytes > 1000);
    char *copy = malloc(whole.bytes);
    size_t refused = 0;
    mr_cx cx;
    mr_zone *zone;
    for (size_t bytes = 0; bytes < whole.bytes; bytes++) {
        char *exact = malloc(bytes + 1);  // So that a read past the end is seen.
        memcpy(exact, whole.data, bytes);
        mr_cx_init(&cx, &arena, NULL);
        refused += mr_zone_parse("x", (mr_span){exact, bytes}, &zone, &cx) == MR_E_CORRUPT;
        free(exact);
        mr_arena_clear(&arena);
    }
    EXPECT(refused >= whole.bytes - 40);  // All but those cut right before the footer.
    for (size_t i = 0; i < whole.bytes; i++) {
        memcpy(copy, whole.data, whole.bytes);
        copy[i] = (char)(copy[i] ^ (1 << i % 8));
        mr_cx_init(&cx, &arena, NULL);
        if (mr_zone_parse("x", (mr_span){copy, whole.bytes}, &zone, &cx) == MR_OK) {
            (void)mr_zone_offset_s(zone, at("2026-07-01"));
            (void)mr_zone_to_utc(zone, at("3026-07-01"));
        }
        mr_arena_clear(&arena);
    }
    free(copy);
    mr_arena_release(&arena);
}
