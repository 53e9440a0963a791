// Fuzz: time zone files. A zone that is read answers for every moment within a day and two hours of
// UTC, near and far.

#include "base/civil.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_zone *zone;
    mr_cx_init(&cx, &arena, NULL);
    if (mr_zone_parse("fuzz", (mr_span){(const char *)data, bytes}, &zone, &cx) == MR_OK) {
        static const int64_t years[] = {-200000, 1800, 1969, 1970, 2026, 2199, 2600, 200000};
        for (size_t i = 0; i < MR_COUNT(years); i++) {
            for (int32_t month = 1; month <= 12; month++) {
                int64_t us = mr_civil_days(years[i], month, 28) * MR_DAY_US;
                int32_t offset_s = mr_zone_offset_s(zone, us);
                mr_assert(offset_s > -26 * 3600 && offset_s < 26 * 3600);
                (void)mr_zone_date(zone, us);
                int64_t difference = us - mr_zone_to_utc(zone, us);
                mr_assert(difference > -26 * 3600 * MR_SECOND_US &&
                          difference < 26 * 3600 * MR_SECOND_US);
            }
        }
        (void)mr_zone_offset_s(zone, INT64_MIN);
        (void)mr_zone_offset_s(zone, INT64_MAX);
    }
    mr_arena_release(&arena);
    return 0;
}
