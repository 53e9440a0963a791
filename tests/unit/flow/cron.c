// Cron: the reference cases, what is refused, and next and previous against minutes counted one by
// one with the C library's clock, in every time zone of the system.

#include "flow/cron.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "flow/schedule.h"
#include "runner.h"

#define ZONES "/usr/share/zoneinfo"

static mr_arena arena;

static mr_zone *load_zone(const char *name) {
    static char bytes[65536];
    char path[512];
    snprintf(path, sizeof(path), ZONES "/%s", name);
    FILE *file = fopen(path, "rb");
    mr_zone *zone = NULL;
    if (file != NULL) {
        size_t got = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        mr_cx cx;
        mr_cx_init(&cx, &arena, NULL);
        if (mr_zone_parse(name, (mr_span){bytes, got}, &zone, &cx) != MR_OK) {
            return NULL;
        }
    }
    return zone;
}

static mr_cron parse(const char *text) {
    mr_cx cx;
    mr_cron cron = {0};
    mr_cx_init(&cx, &arena, NULL);
    if (mr_cron_parse(mr_span_of(text), MR_NOWHERE, &cron, &cx) != MR_OK) {
        printf("%s: %s\n", text, cx.error.text);
        mr_test_code((mr_test_site){__FILE__, __LINE__, text, "OK"}, cx.error.code);
    }
    return cron;
}

static int64_t at(const char *text) {
    int64_t us = 0;
    EXPECT(mr_civil_parse(text, strlen(text), NULL, &us));
    return us;
}

// Ticks in [from, to), as "02T05:30 02T06:30".
static const char *fires(const char *cron_text, const char *zone_name, const char *from,
                         const char *to) {
    static mr_text out;
    mr_cron cron = parse(cron_text);
    mr_zone *zone = strcmp(zone_name, "UTC") == 0 ? NULL : load_zone(zone_name);
    int64_t end = at(to);
    mr_text_clear(&out);
    for (int64_t us = mr_cron_next(&cron, zone, at(from) - 1); us < end;
         us = mr_cron_next(&cron, zone, us)) {
        mr_civil c;
        mr_civil_from_us(us, &c);
        mr_text_addf(&out, "%s%02d-%02dT%02d:%02d", out.bytes == 0 ? "" : " ", c.month, c.day,
                     c.hour, c.minute);
    }
    return mr_text_string(&out);
}

TEST(cron, reference_cases) {
    const char *ny = "America/New_York";
    EXPECT_STR(fires("30 2 * * *", ny, "2025-03-08", "2025-03-12"),
               "03-08T07:30 03-09T07:00 03-10T06:30 03-11T06:30");
    EXPECT_STR(fires("0 2 * * *", ny, "2025-03-09", "2025-03-10"), "03-09T07:00");
    EXPECT_STR(fires("30 1 * * *", ny, "2025-11-01", "2025-11-04"),
               "11-01T05:30 11-02T05:30 11-03T06:30");
    EXPECT_STR(fires("*/30 * * * *", ny, "2025-11-02T04:00", "2025-11-02T08:00"),
               "11-02T04:00 11-02T04:30 11-02T05:00 11-02T05:30 11-02T06:00 11-02T06:30 "
               "11-02T07:00 11-02T07:30");
    EXPECT_STR(fires("*/30 * * * *", ny, "2025-03-09T05:00", "2025-03-09T09:00"),
               "03-09T05:00 03-09T05:30 03-09T06:00 03-09T06:30 03-09T07:00 03-09T07:30 "
               "03-09T08:00 03-09T08:30");
    EXPECT_STR(fires("0 */2 * * *", "America/Toronto", "2023-03-12T04:30", "2023-03-12T11:00"),
               "03-12T05:00 03-12T08:00 03-12T10:00");
    EXPECT_STR(fires("0 7,9 * * *", "America/Los_Angeles", "2020-03-07", "2020-03-09"),
               "03-07T15:00 03-07T17:00 03-08T14:00 03-08T16:00");
    EXPECT_STR(
        fires("0,15,30,45 6-22 * * *", "Europe/Brussels", "2023-10-28T23:00", "2023-10-29T05:30"),
        "10-29T05:00 10-29T05:15");
    EXPECT_STR(fires("0 0 * * *", "Africa/Cairo", "2025-04-23T12:00", "2025-04-26"),
               "04-23T22:00 04-24T22:00 04-25T21:00");
    EXPECT_STR(fires("30 0 * * *", "Africa/Cairo", "2025-04-24T12:00", "2025-04-25T12:00"),
               "04-24T22:00");
    EXPECT_STR(fires("0 2 * * *", "Australia/Lord_Howe", "2024-10-04", "2024-10-07"),
               "10-04T15:30 10-05T15:30 10-06T15:00");
    EXPECT_STR(fires("0 12 * * *", "Pacific/Apia", "2011-12-28T12:00", "2011-12-31T12:00"),
               "12-28T22:00 12-29T22:00 12-30T22:00");
    EXPECT_STR(fires("0 0 * * *", "Asia/Kolkata", "2025-11-25", "2025-11-27"),
               "11-25T18:30 11-26T18:30");
    EXPECT_STR(fires("05 04 * * 0", "UTC", "2025-11-01", "2025-11-17"),
               "11-02T04:05 11-09T04:05 11-16T04:05");
    EXPECT_STR(fires("05 04 * * 0", "Asia/Kolkata", "2025-11-01", "2025-11-10"),
               "11-01T22:35 11-08T22:35");
    EXPECT_STR(fires("0 0 13 * 5", "UTC", "2025-11-01", "2025-12-01"),
               "11-07T00:00 11-13T00:00 11-14T00:00 11-21T00:00 11-28T00:00");
    EXPECT_STR(fires("0 0 29 2 *", "UTC", "2025-01-01", "2032-01-01"), "02-29T00:00");
    EXPECT_STR(fires("*/45 * * * *", "UTC", "2025-01-01T00:00", "2025-01-01T02:00"),
               "01-01T00:00 01-01T00:45 01-01T01:00 01-01T01:45");
    EXPECT_STR(fires("0 0 * * 7", "UTC", "2025-11-01", "2025-11-10"), "11-02T00:00 11-09T00:00");
    EXPECT_STR(fires("0 0 * jan,Feb SUN-TUE", "UTC", "2025-12-31", "2026-01-08"),
               "01-04T00:00 01-05T00:00 01-06T00:00");
    EXPECT_STR(fires("0 0 31 * *", "UTC", "2025-03-01", "2025-09-01"),
               "03-31T00:00 05-31T00:00 07-31T00:00 08-31T00:00");
    mr_arena_release(&arena);
}

TEST(cron, refuses_with_the_place) {
    static const struct {
        const char *text;
        int32_t offset;
        const char *error;
    } cases[] = {
        {"0 0 31 2 *", 0, "cron expression \"0 0 31 2 *\" never fires"},
        {"60 * * * *", 0, "minute \"60\" of a cron expression: out of range"},
        {"0 0 1 13 0", 6, "month \"13\" of a cron expression: out of range"},
        {"* * * *", 0, "cron expression \"* * * *\" has 4 fields instead of 5"},
        {"0 * * * * *", 0, "cron expression \"0 * * * * *\" has 6 fields instead of 5"},
        {"0 5-1 * * *", 2, "hour \"5-1\" of a cron expression: the range runs backwards"},
        {"*/0 * * * *", 0, "minute \"*/0\" of a cron expression: a step is a number from 1"},
        {"0 0 L * *", 4, "day \"L\" of a cron expression: neither a number nor a name"},
        {"0 0 * * 1,", 8, "weekday \"1,\" of a cron expression: neither a number nor a name"},
        {"1-2-3 0 * * *", 0, "minute \"1-2-3\" of a cron expression: not understood"},
        {"@dayly", 0, "no schedule preset \"@dayly\""},
        {"", 0, "cron expression \"\" has 0 fields instead of 5"},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_cx cx;
        mr_cron cron;
        mr_cx_init(&cx, &arena, NULL);
        mr_place place = {.file = "dag.yaml", .source = cases[i].text, .offset = 0};
        EXPECT(mr_cron_parse(mr_span_of(cases[i].text), place, &cron, &cx) != MR_OK);
        EXPECT_STR(cx.error.text, cases[i].error);
        EXPECT_EQ(cx.error.place.offset, cases[i].offset);
    }
    mr_arena_release(&arena);
}

TEST(cron, remarks_on_uneven_steps) {
    EXPECT_STR(mr_cron_remark(mr_span_of("*/45 * * * *"), &arena),
               "\"*/45\" is not every 45 minutes: it starts again at 0 (45, then 0)");
    EXPECT(mr_cron_remark(mr_span_of("*/15 */6 * * *"), &arena) == NULL);
    mr_arena_release(&arena);
}

TEST(cron, a_million_steps_strictly_increase) {
    mr_zone *zone = load_zone("Europe/Brussels");
    mr_cron cron = parse("0,15,30,45 6-22 * * *");
    int64_t us = at("1970-01-01");
    uint32_t back = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        int64_t next = mr_cron_next(&cron, zone, us);
        back += next <= us;
        us = next;
    }
    EXPECT_EQ(back, 0);
    mr_arena_release(&arena);
}

// ---- the oracle --------------------------------------------------------------------------------

#define CORRECTION_S (3 * 3600)

static const char *const oracle_crons[] = {
    "* * * * *",   "*/7 * * * *", "0 * * * *",       "30 */2 * * *",     "0 2 * * *",
    "30 2 * * *",  "0 0 * * *",   "59 23 * * *",     "0,30 0-3 * * *",   "15 1,2,3 * * 0",
    "0 12 13 * 5", "5 4 * * 0",   "45 0-23/5 * * *", "10 3 28-31 3,10 *"};

// What the fields mean, said once more and differently: each value is looked for in the text.
static bool field_says(const char *field, size_t bytes, int value, int most) {
    for (size_t i = 0; i < bytes;) {
        int from = 0, to = most, step = 1, used = 0;
        if (field[i] == '*') {
            i++;
        } else {
            sscanf(field + i, "%d%n", &from, &used);
            i += (size_t)used;
            to = from;
            if (i < bytes && field[i] == '-') {
                sscanf(field + i + 1, "%d%n", &to, &used);
                i += (size_t)used + 1;
            }
        }
        if (i < bytes && field[i] == '/') {
            sscanf(field + i + 1, "%d%n", &step, &used);
            i += (size_t)used + 1;
        }
        if (value >= from && value <= to && (value - from) % step == 0) {
            return true;
        }
        i++;  // The comma.
    }
    return false;
}

typedef struct oracle {
    bool minute[60], hour[24], day[32], month[13], weekday[7];
    bool any_day, any_weekday, elapsed;
} oracle;

static oracle oracle_of(const char *text) {
    oracle o = {0};
    const char *f[5];
    size_t n[5];
    for (int i = 0; i < 5; i++) {
        f[i] = text;
        n[i] = strcspn(text, " ");
        text += n[i] + (text[n[i]] == ' ');
    }
    for (int v = 0; v < 60; v++) {
        o.minute[v] = field_says(f[0], n[0], v, 59);
        o.hour[v % 24] = field_says(f[1], n[1], v % 24, 23);
        o.day[v % 32] = field_says(f[2], n[2], v % 32, 31);
        o.month[v % 13] = field_says(f[3], n[3], v % 13, 12);
        o.weekday[v % 7] = field_says(f[4], n[4], v % 7, 6);
    }
    o.any_day = f[2][0] == '*';
    o.any_weekday = f[4][0] == '*';
    o.elapsed = f[0][0] == '*' || f[1][0] == '*';
    return o;
}

static bool oracle_fits(const oracle *o, int64_t wall_s) {
    struct tm tm;
    time_t wall = (time_t)wall_s;
    gmtime_r(&wall, &tm);
    bool day = o->day[tm.tm_mday], weekday = o->weekday[tm.tm_wday];
    bool date = o->any_day || o->any_weekday ? day && weekday : day || weekday;
    return date && o->minute[tm.tm_min] && o->hour[tm.tm_hour] && o->month[tm.tm_mon + 1];
}

static int64_t offset_at(int64_t utc_s) {
    struct tm tm;
    time_t utc = (time_t)utc_s;
    localtime_r(&utc, &tm);
    return tm.tm_gmtoff;
}

#define WINDOW_S      ((int64_t)3 * 86400)
#define TICKS_MAX     8192
#define STRETCHES_MAX 64

typedef struct stretch {
    int64_t from_s, to_s, offset_s;
} stretch;

// Stretches of constant offset in [from, to), found minute by minute, then second by second.
static size_t oracle_stretches(int64_t from_s, int64_t to_s, stretch *ret) {
    size_t count = 1;
    ret[0] = (stretch){from_s, to_s, offset_at(from_s)};
    for (int64_t t = from_s + 60; t <= to_s; t += 60) {
        int64_t s = t - 59;
        while (offset_at(t) != ret[count - 1].offset_s && s <= t) {
            if (offset_at(s) != ret[count - 1].offset_s && count < STRETCHES_MAX) {
                ret[count - 1].to_s = s;
                ret[count++] = (stretch){s, to_s, offset_at(s)};
            }
            s++;
        }
    }
    return count;
}

static size_t oracle_ticks(const oracle *o, const stretch *stretches, size_t count,
                           int64_t *ticks) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const stretch *s = &stretches[i];
        int64_t jump = i == 0 ? 0 : s->offset_s - s[-1].offset_s;
        int64_t wall = s->from_s + s->offset_s;
        if (!o->elapsed && jump > 0 && jump <= CORRECTION_S) {
            for (int64_t w = (wall - jump + 59) / 60 * 60; w < wall; w += 60) {
                if (oracle_fits(o, w)) {
                    ticks[found++] = s->from_s;
                    break;
                }
            }
        }
        int64_t seen = !o->elapsed && jump < 0 && jump >= -CORRECTION_S ? wall - jump : wall;
        for (int64_t w = (wall + 59) / 60 * 60; w < s->to_s + s->offset_s; w += 60) {
            int64_t utc = w - s->offset_s;
            if (w >= seen && oracle_fits(o, w) && (found == 0 || ticks[found - 1] < utc)) {
                ticks[found++] = utc;
            }
        }
    }
    return found;
}

static uint64_t compared;

static void compare_window(const char *name, const mr_zone *zone, int64_t from_s) {
    static oracle oracles[MR_COUNT(oracle_crons)];
    static mr_cron crons[MR_COUNT(oracle_crons)];
    static bool ready;
    for (size_t i = 0; i < MR_COUNT(oracle_crons) && !ready; i++) {
        oracles[i] = oracle_of(oracle_crons[i]);
        crons[i] = parse(oracle_crons[i]);
    }
    ready = true;
    stretch stretches[STRETCHES_MAX];
    static int64_t ticks[TICKS_MAX];
    int64_t to_s = from_s + WINDOW_S;
    // From a day before: a clock change at the window's first second belongs to it.
    size_t count = oracle_stretches(from_s - 86400, to_s, stretches);
    for (size_t i = 0; i < MR_COUNT(oracle_crons); i++) {
        size_t n = oracle_ticks(&oracles[i], stretches, count, ticks), before = 0;
        while (before < n && ticks[before] < from_s) {
            before++;
        }
        while (n > before && ticks[n - 1] >= to_s) {
            n--;
        }
        n -= before;
        memmove(ticks, ticks + before, n * sizeof(*ticks));
        int64_t us = (from_s - 1) * MR_SECOND_US;
        for (size_t k = 0; k <= n; k++) {
            int64_t next = mr_cron_next(&crons[i], zone, us);
            int64_t expected = k < n ? ticks[k] * MR_SECOND_US : INT64_MAX;
            next = next < to_s * MR_SECOND_US ? next : INT64_MAX;
            if (next != expected) {
                printf("%s \"%s\": after %" PRId64 " expected %" PRId64 ", got %" PRId64 "\n", name,
                       oracle_crons[i], us / 1000000, expected / 1000000, next / 1000000);
                EXPECT(next == expected);
                return;
            }
            if (k > 0 && k < n && k % 97 == 0) {
                EXPECT(mr_cron_previous(&crons[i], zone, next) == us);
            }
            us = next;
            compared++;
        }
    }
}

static uint64_t random_state = 88172645463325252ULL;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

// share: of a zone's changes and other days that are looked at, one in so many.
static void compare_zone(const char *name, uint64_t share) {
    mr_zone *zone = load_zone(name);
    if (zone == NULL) {
        return;  // No TZif file: zone.tab and the like.
    }
    setenv("TZ", name, 1);
    tzset();
    int64_t end = at("2038-01-01"), from, to;
    for (int64_t us = 0; us < end; us = to) {
        mr_zone_stretch(zone, us, &from, &to);
        if (to < end && next_random() % share == 0) {
            compare_window(name, zone, mr_floor_div(to / 1000000, 86400) * 86400 - 86400);
        }
    }
    for (int64_t day = 1; day < end / MR_DAY_US - 3; day += 3) {
        if (next_random() % (100 * share) == 0) {  // A window begins where no overlap is near.
            compare_window(name, zone, day * 86400);
        }
    }
    mr_arena_clear(&arena);
}

static void compare_folder(const char *below, uint64_t share) {
    char path[512];
    snprintf(path, sizeof(path), ZONES "/%s", below);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char name[512];
        struct stat st;
        snprintf(name, sizeof(name), "%s%s%s", below, below[0] == '\0' ? "" : "/", entry->d_name);
        snprintf(path, sizeof(path), ZONES "/%.400s", name);
        if (entry->d_name[0] == '.' || strcmp(name, "right") == 0 || lstat(path, &st) != 0) {
            continue;
        }
        if (S_ISDIR(st.st_mode) && strcmp(name, "posix") != 0) {
            compare_folder(name, share);
        } else if (S_ISREG(st.st_mode)) {
            compare_zone(name, share);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

TEST(cron, agrees_with_minutes_counted_in_every_zone) {
    const char *soak = getenv("MILLRACE_SOAK");
    compared = 0;
    compare_folder("", soak != NULL ? 1 : 300);
    unsetenv("TZ");
    tzset();
    EXPECT(compared > 10000);
    mr_arena_release(&arena);
}
