// Interval: its order, and the one form of equal ones.

#include "column/interval.h"

#include "base/civil.h"

#include "runner.h"

static bool same(mr_interval a, mr_interval b) {
    return a.months == b.months && a.days == b.days && a.us == b.us;
}

TEST(interval, has_one_form_of_those_that_are_equal) {
    mr_interval month = {.months = 1};
    mr_interval days = {.days = 30};
    mr_interval hours = {.us = 30 * MR_DAY_US};
    EXPECT_EQ(mr_interval_compare(month, days), 0);
    EXPECT_EQ(mr_interval_compare(month, hours), 0);
    EXPECT(same(mr_interval_canonical(month), days));
    EXPECT(same(mr_interval_canonical(hours), days));
    // What a difference of times gives stays as it is.
    mr_interval difference = {.days = -45, .us = -1500};
    EXPECT(same(mr_interval_canonical(difference), difference));
    EXPECT(same(
        mr_interval_canonical((mr_interval){.months = -1, .days = -16, .us = MR_DAY_US - 1500}),
        difference));
}

TEST(interval, has_a_form_of_extremes) {
    const int32_t counts[] = {INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX};
    const int64_t times[] = {INT64_MIN, -1, 0, MR_DAY_US, INT64_MAX};
    for (size_t m = 0; m < MR_COUNT(counts); m++) {
        for (size_t d = 0; d < MR_COUNT(counts); d++) {
            for (size_t t = 0; t < MR_COUNT(times); t++) {
                mr_interval value = {counts[m], counts[d], times[t]};
                mr_interval form = mr_interval_canonical(value);
                EXPECT_EQ(mr_interval_compare(form, value), 0);
                EXPECT(same(mr_interval_canonical(form), form));
            }
        }
    }
}
