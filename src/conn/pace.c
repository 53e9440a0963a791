// Pace: see pace.h.
//
// How: rows fall due at an even rate, so that a second's rows do not come in one burst. What was
// not taken when it was due is forgotten, but for a tenth of a second's worth.

#include "conn/pace.h"

#include <inttypes.h>

#include "base/civil.h"
#include "conn/conn.h"

#define PACE_AHEAD_US ((int64_t)100000)

static uint64_t rows_in(int64_t us, int64_t per_second) {
    return (uint64_t)((__int128)us * per_second / MR_SECOND_US);
}

uint64_t mr_pace_room(mr_pace *pace, int64_t per_second, int64_t now_us) {
    mr_assert(per_second >= 0);
    if (per_second == 0) {
        return UINT64_MAX;
    }
    if (pace->from_us == 0) {
        pace->from_us = now_us;
    }
    uint64_t ahead = MR_MAX(rows_in(PACE_AHEAD_US, per_second), (uint64_t)1);
    uint64_t due = ahead + rows_in(now_us - pace->from_us, per_second);
    if (due <= pace->rows) {
        return 0;
    }
    if (due - pace->rows > ahead) {
        *pace = (mr_pace){.from_us = now_us};
        return ahead;
    }
    return due - pace->rows;
}

uint64_t mr_pace_left(int64_t limit, uint64_t taken) {
    mr_assert(limit >= 0);
    return limit == 0 ? UINT64_MAX : (uint64_t)limit - MR_MIN((uint64_t)limit, taken);
}

static mr_code check_one(const char *name, int64_t value, const mr_option_values *values,
                         mr_cx *cx) {
    if (value >= 0) {
        return MR_OK;
    }
    return mr_fail_at(cx, MR_E_OPTION, mr_conn_place(values, name),
                      "Write a number of rows, or 0 for no limit.", "%s cannot be %" PRId64, name,
                      value);
}

mr_code mr_pace_check(int64_t max_rows_per_trigger, int64_t max_rate_per_partition,
                      const mr_option_values *values, mr_cx *cx) {
    MR_TRY(check_one("max_rows_per_trigger", max_rows_per_trigger, values, cx));
    return check_one("max_rate_per_partition", max_rate_per_partition, values, cx);
}
