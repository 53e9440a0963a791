// Intervals and other values written as text.

#include "sql/types_text.h"

#include "column/interval.h"
#include "sql/types_fold.h"

#include "runner.h"

static bool interval_is(const char *text, int32_t months, int32_t days, int64_t us) {
    mr_interval value = {-1, -1, -1};
    bool read = mr_interval_parse(mr_span_of(text), &value);
    return EXPECT(read) && EXPECT_EQ(value.months, months) && EXPECT_EQ(value.days, days) &&
           EXPECT_EQ(value.us, us);
}

TEST(sql_types, intervals_are_read_in_postgresql_and_iso_form) {
    const int64_t second = 1000000;
    interval_is("30 seconds", 0, 0, 30 * second);
    interval_is("1 minute", 0, 0, 60 * second);
    interval_is("1 day 2 hours", 0, 1, 7200 * second);
    interval_is("-1 day +02:03:04.5", 0, -1, 7384 * second + second / 2);
    interval_is("-00:30", 0, 0, -1800 * second);
    interval_is("1.5 hours", 0, 0, 5400 * second);
    interval_is("1.5 days", 0, 1, 43200 * second);
    interval_is("1 week", 0, 7, 0);
    interval_is("2 years 3 mons", 27, 0, 0);
    interval_is("500ms", 0, 0, second / 2);
    interval_is("P1Y2M3DT4H5M6S", 14, 3, 14706 * second);
    interval_is("PT90M", 0, 0, 5400 * second);
}

TEST(sql_types, malformed_intervals_are_not_read) {
    static const char *const wrong[] = {
        "",       " ",    "5",      "day", "1 fortnight", "1.5 months",
        "1:99",   "P",    "P1H",    "PT",  "1 day 2",     "99999999999 years",
        "9e99 s", "1::2", "--1 day"};
    for (size_t i = 0; i < MR_COUNT(wrong); i++) {
        mr_interval value;
        if (!EXPECT(!mr_interval_parse(mr_span_of(wrong[i]), &value))) {
            EXPECT_STR(wrong[i], "");
        }
    }
}

TEST(sql_types, whole_numbers_round_and_doubles_know_their_words) {
    int32_t whole;
    double real;
    EXPECT(mr_types_literal(MR_SPAN(" 42 "), MR_TYPE(MR_INT32), NULL, NULL, &whole));
    EXPECT_EQ(whole, 42);
    EXPECT(mr_types_literal(MR_SPAN("-2.5"), MR_TYPE(MR_INT32), NULL, NULL, &whole));
    EXPECT_EQ(whole, -3);
    EXPECT(!mr_types_literal(MR_SPAN("2147483648"), MR_TYPE(MR_INT32), NULL, NULL, &whole));
    EXPECT(!mr_types_literal(MR_SPAN("2147483647.5"), MR_TYPE(MR_INT32), NULL, NULL, &whole));
    EXPECT(mr_types_literal(MR_SPAN("-Infinity"), MR_TYPE(MR_FLOAT64), NULL, NULL, &real));
    EXPECT(real < 0 && real * 0 != 0);
    EXPECT(!mr_types_literal(MR_SPAN("five"), MR_TYPE(MR_FLOAT64), NULL, NULL, &real));
}

static bool folds(double value, mr_type_id to, int64_t want) {
    mr_vector v = {.type = MR_TYPE(MR_FLOAT64), .kind = MR_CONST, .float64s = &value};
    int64_t room[2] = {0};
    if (!mr_types_fold(&v, MR_TYPE(to), room)) {
        return false;
    }
    int64_t got = to == MR_INT16   ? *(int16_t *)(void *)room
                  : to == MR_INT32 ? *(int32_t *)(void *)room
                                   : room[0];
    return EXPECT_EQ(got, want);
}

TEST(sql_types, constants_are_rounded_within_the_range_of_their_type) {
    EXPECT(folds(2147483647.4, MR_INT32, 2147483647));
    EXPECT(folds(-2147483648.0, MR_INT32, INT32_MIN));
    EXPECT(folds(-0.5, MR_INT32, 0));
    EXPECT(!folds(-2147483648.4, MR_INT32, 0));  // As DuckDB, and as a column's value.
    EXPECT(!folds(2147483647.5, MR_INT32, 0));
    EXPECT(folds(32767.4, MR_INT16, 32767));
    EXPECT(!folds(-32768.4, MR_INT16, 0));
    EXPECT(folds(-0x1p63, MR_INT64, INT64_MIN));
    EXPECT(!folds(0x1p63, MR_INT64, 0));
}
