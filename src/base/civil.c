// Civil: calendar arithmetic, and reading and printing dates and times; see civil.h.
//
// How: the fixed form "YYYY-MM-DDTHH:MM:SS" is read by three 8-byte loads, each checked and paired
// into two-digit numbers in a few operations; a cursor reads every other form.
// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

#include "base/civil.h"

#include <string.h>

// ---- calendar ----------------------------------------------------------------------------------

#define ERA_DAYS 146097  // 400 years.

int64_t mr_civil_days(int64_t year, int32_t month, int32_t day) {
    mr_assert(month >= 1 && month <= 12);
    // Years begin in March here, so that the leap day is the last one.
    year -= month <= 2;
    int64_t era = mr_floor_div(year, 400);
    uint32_t year_of_era = (uint32_t)(year - era * 400);
    uint32_t month_of_year = (uint32_t)(month + (month > 2 ? -3 : 9));
    uint32_t day_of_year = (153 * month_of_year + 2) / 5 + (uint32_t)day - 1;
    uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + (int64_t)day_of_era - 719468;
}

static void civil_from_days(int64_t days, mr_civil *ret) {
    days += 719468;
    int64_t era = mr_floor_div(days, ERA_DAYS);
    uint32_t day_of_era = (uint32_t)(days - era * ERA_DAYS);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_of_year = (5 * day_of_year + 2) / 153;
    ret->day = (int32_t)(day_of_year - (153 * month_of_year + 2) / 5 + 1);
    ret->month = (int32_t)(month_of_year < 10 ? month_of_year + 3 : month_of_year - 9);
    ret->year = (int64_t)year_of_era + era * 400 + (ret->month <= 2);
}

void mr_civil_from_days(int64_t days, mr_civil *ret) {
    *ret = (mr_civil){0};
    civil_from_days(days, ret);
}

void mr_civil_from_us(int64_t us, mr_civil *ret) {
    int64_t days = mr_floor_div(us, MR_DAY_US);
    uint64_t rest = (uint64_t)us - (uint64_t)days * (uint64_t)MR_DAY_US;
    civil_from_days(days, ret);
    ret->us = (int32_t)(rest % 1000000);
    uint32_t seconds = (uint32_t)(rest / 1000000);
    ret->hour = (int32_t)(seconds / 3600);
    ret->minute = (int32_t)(seconds / 60 % 60);
    ret->second = (int32_t)(seconds % 60);
}

static int32_t month_days(int64_t year, uint32_t month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + leap;
}

// Days and microseconds of the day as one number; false outside of int64. Its two ends are DuckDB's
// infinities and no moments.
static bool join_us(int64_t days, int64_t us, int64_t *ret) {
    __int128 sum = (__int128)days * MR_DAY_US + us;
    if (sum <= -(__int128)INT64_MAX || sum >= INT64_MAX) {
        return false;
    }
    *ret = (int64_t)sum;
    return true;
}

int64_t mr_civil_to_us(const mr_civil *civil) {
    mr_assert(civil->month >= 1 && civil->month <= 12 && civil->day >= 1 && civil->day <= 31);
    int64_t seconds = civil->hour * 3600 + civil->minute * 60 + civil->second;
    int64_t us;
    bool fits = join_us(mr_civil_days(civil->year, civil->month, civil->day),
                        seconds * MR_SECOND_US + civil->us, &us);
    mr_assert(fits);
    return us;
}

// ---- the usual form ----------------------------------------------------------------------------

// Eight characters to digit pairs: byte i becomes 10 * digit i + digit i + 1. `digits` has 0xFF
// where a digit must be, `rest` the other characters. False when the text has another shape.
static inline bool pair_digits(const char *at, uint64_t digits, uint64_t rest, uint64_t *ret) {
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    word ^= rest | (digits & 0x3030303030303030u);
    // A digit is 0 .. 9 now, the other characters 0: adding 0x76 or 0x7F must not reach the high
    // bit.
    uint64_t over = word + ((digits & 0x7676767676767676u) | (~digits & 0x7F7F7F7F7F7F7F7Fu));
    if (((word | over) & 0x8080808080808080u) != 0) {
        return false;
    }
    *ret = word * 10 + (word >> 8);
    return true;
}

#define BYTE(word, i) ((uint32_t)((word) >> (8 * (i))) & 0xFF)

// "YYYY-MM-DD" at data, 10 bytes.
static inline bool read_date(const char *data, int32_t *ret_days) {
    uint64_t pairs;
    uint32_t ten = (uint32_t)(uint8_t)data[8] - '0', one = (uint32_t)(uint8_t)data[9] - '0';
    if (!pair_digits(data, 0x00FFFF00FFFFFFFFu, 0x2D00002D00000000u, &pairs) || ten > 9 ||
        one > 9) {
        return false;
    }
    uint32_t year = BYTE(pairs, 0) * 100 + BYTE(pairs, 2);
    uint32_t month = BYTE(pairs, 5), day = ten * 10 + one;
    if (month - 1 > 11 || day - 1 > 27) {
        if (month - 1 > 11 || day == 0 || (int32_t)day > month_days(year, month)) {
            return false;
        }
    }
    *ret_days = mr_i32(mr_civil_days(year, (int32_t)month, (int32_t)day));
    return true;
}

// "HH:MM:SS" at data, 8 bytes.
static inline bool read_clock(const char *data, int32_t *ret_seconds) {
    uint64_t pairs;
    if (!pair_digits(data, 0xFFFF00FFFF00FFFFu, 0x00003A00003A0000u, &pairs)) {
        return false;
    }
    uint32_t hour = BYTE(pairs, 0), minute = BYTE(pairs, 3), second = BYTE(pairs, 6);
    *ret_seconds = (int32_t)(hour * 3600 + minute * 60 + second);
    return hour < 24 && minute < 60 && second < 60;
}

// ---- the other forms ---------------------------------------------------------------------------

typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

// What was read of a time.
typedef struct reading {
    int64_t days;
    int64_t us;         // Of the day.
    int32_t offset_s;   // East of UTC.
    bool offset_given;  // Else local in the session's zone.
} reading;

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool take_char(cursor *in, char c) {
    if (in->at < in->end && *in->at == c) {
        in->at++;
        return true;
    }
    return false;
}

static bool take_text(cursor *in, const char *text) {
    size_t bytes = strlen(text);
    if ((size_t)(in->end - in->at) < bytes || memcmp(in->at, text, bytes) != 0) {
        return false;
    }
    in->at += bytes;
    return true;
}

static void skip_space(cursor *in) {
    while (in->at < in->end && (*in->at == ' ' || (*in->at >= '\t' && *in->at <= '\r'))) {
        in->at++;
    }
}

// A number of digits_min .. digits_max digits; more digits are an error.
static bool take_number(cursor *in, int digits_min, int digits_max, uint32_t *ret) {
    uint32_t value = 0;
    int digits = 0;
    for (; in->at < in->end && is_digit(*in->at); in->at++, digits++) {
        if (digits == digits_max) {
            return false;
        }
        value = value * 10 + (uint32_t)(*in->at - '0');
    }
    *ret = value;
    return digits >= digits_min;
}

// ".123456789": microseconds, later digits are cut. No point: 0. A point without digits is an
// error.
static bool take_fraction(cursor *in, uint32_t *ret_us) {
    *ret_us = 0;
    if (!take_char(in, '.')) {
        return true;
    }
    uint32_t unit = 1000000;
    const char *first = in->at;
    for (; in->at < in->end && is_digit(*in->at); in->at++) {
        unit /= 10;  // 0 behind the sixth digit.
        *ret_us += (uint32_t)(*in->at - '0') * unit;
    }
    return in->at > first;
}

// "Z", "+05", "+0530", "+05:30", "+05:30:15" or nothing.
static bool take_offset(cursor *in, reading *out) {
    if (take_char(in, 'Z')) {
        out->offset_given = true;
        return true;
    }
    bool west = in->at < in->end && *in->at == '-';
    if (!west && (in->at == in->end || *in->at != '+')) {
        return true;
    }
    in->at++;
    uint32_t part[3] = {0, 0, 0};
    for (size_t i = 0; i < 3; i++) {
        bool more =
            i == 0 || take_char(in, ':') || (i == 1 && in->at < in->end && is_digit(*in->at));
        if (!more) {
            break;
        }
        if (in->end - in->at < 2 || !is_digit(in->at[0]) || !is_digit(in->at[1])) {
            return false;
        }
        part[i] = (uint32_t)(in->at[0] - '0') * 10 + (uint32_t)(in->at[1] - '0');
        in->at += 2;
    }
    if (part[0] > 23 || part[1] > 59 || part[2] > 59) {
        return false;
    }
    int32_t offset_s = (int32_t)(part[0] * 3600 + part[1] * 60 + part[2]);
    out->offset_s = west ? -offset_s : offset_s;
    out->offset_given = true;
    return true;
}

// A year of up to 7 digits, month and day of one or two, "-" or "/" between them, " (BC)" behind.
static bool take_date(cursor *in, int64_t *ret_days) {
    uint32_t year_text, month, day;
    bool negative = take_char(in, '-');
    if (!take_number(in, 1, 7, &year_text) || in->at == in->end ||
        (*in->at != '-' && *in->at != '/')) {
        return false;
    }
    char separator = *in->at++;
    if (!take_number(in, 1, 2, &month) || !take_char(in, separator) ||
        !take_number(in, 1, 2, &day)) {
        return false;
    }
    int64_t year = negative ? -(int64_t)year_text : (int64_t)year_text;
    if (take_text(in, " (BC)")) {
        if (negative || year == 0) {
            return false;
        }
        year = 1 - year;  // The year before 1 is 0 here, and 1 BC in words.
    }
    // Within int32 days, as the result must be.
    if (year < -5877640 || year > 5881579 || month - 1 > 11 || day == 0 ||
        (int32_t)day > month_days(year, month)) {
        return false;
    }
    *ret_days = mr_i32(mr_civil_days(year, (int32_t)month, (int32_t)day));
    return true;
}

// "HH:MM[:SS[.f]]" with an offset; hour, minute and second of 1 or 2 digits. Hour 24 is the end of
// the day.
static bool take_clock(cursor *in, reading *out) {
    uint32_t hour, minute, second = 0, us = 0;
    if (!take_number(in, 1, 2, &hour) || !take_char(in, ':') || !take_number(in, 1, 2, &minute)) {
        return false;
    }
    if (take_char(in, ':') && (!take_number(in, 1, 2, &second) || !take_fraction(in, &us))) {
        return false;
    }
    bool end = hour == 24 && minute == 0 && second == 0 && us == 0;
    if ((hour > 23 && !end) || minute > 59 || second > 59 || !take_offset(in, out)) {
        return false;
    }
    if (!out->offset_given && take_text(in, " UTC")) {
        out->offset_given = true;
    }
    out->us = (int64_t)(hour * 3600 + minute * 60 + second) * MR_SECOND_US + us;
    return true;
}

// The time behind a date.
static bool take_time(cursor *in, reading *out) {
    if (!take_char(in, 'T')) {
        if (in->at == in->end || *in->at != ' ') {
            return false;
        }
        skip_space(in);
    }
    return take_clock(in, out) && out->us < MR_DAY_US;
}

static void trim(cursor *in) {
    skip_space(in);
    while (in->end > in->at &&
           (in->end[-1] == ' ' || (in->end[-1] >= '\t' && in->end[-1] <= '\r'))) {
        in->end--;
    }
}

static bool read_slowly(const char *data, size_t bytes, reading *out) {
    cursor in = {data, data + bytes};
    trim(&in);
    *out = (reading){.days = 0};
    return take_date(&in, &out->days) && (in.at == in.end || take_time(&in, out)) &&
           in.at == in.end;
}

static bool read_fast(const char *data, size_t bytes, reading *out) {
    int32_t days, seconds;
    if (bytes < 19 || (data[10] != 'T' && data[10] != ' ') || !read_date(data, &days) ||
        !read_clock(data + 11, &seconds)) {
        return false;
    }
    cursor in = {data + 19, data + bytes};
    uint32_t us;
    *out = (reading){.days = days};
    if (!take_fraction(&in, &us) || !take_offset(&in, out)) {
        return false;
    }
    out->us = seconds * MR_SECOND_US + us;
    return in.at == in.end;
}

bool mr_civil_parse(const char *data, size_t bytes, const mr_zone *zone, int64_t *ret_us) {
    reading out;
    int64_t us;
    if (!read_fast(data, bytes, &out) && !read_slowly(data, bytes, &out)) {
        return false;
    }
    if (!join_us(out.days, out.us - out.offset_s * MR_SECOND_US, &us)) {
        return false;
    }
    if (!out.offset_given && zone != NULL) {
        // Away from both ends, where a zone's offset could leave the range.
        if (us < INT64_MIN + 2 * MR_DAY_US || us > INT64_MAX - 2 * MR_DAY_US) {
            return false;
        }
        us = mr_zone_to_utc(zone, us);
    }
    *ret_us = us;
    return true;
}

bool mr_civil_parse_date(const char *data, size_t bytes, int32_t *ret_days) {
    if (bytes == 10 && read_date(data, ret_days)) {
        return true;
    }
    reading out;  // Other forms of a date, and the date as written of a time.
    if (!read_slowly(data, bytes, &out)) {
        return false;
    }
    *ret_days = mr_i32(out.days);
    return true;
}

bool mr_civil_parse_time(const char *data, size_t bytes, int64_t *ret_us) {
    cursor in = {data, data + bytes};
    reading out = {.days = 0};
    trim(&in);
    if (!take_clock(&in, &out) || in.at != in.end) {
        if (!read_slowly(data, bytes, &out)) {
            return false;
        }
    }
    *ret_us = out.us;
    return true;
}

// ---- printing ----------------------------------------------------------------------------------

static char *put_2(char *at, int32_t value) {
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
    return at + 2;
}

static void print_ymd(mr_text *out, const mr_civil *civil, int64_t year) {
    if (year >= 0 && year <= 9999) {
        char *at = put_2(mr_text_grow(out, 10), (int32_t)year / 100);
        at = put_2(at, (int32_t)year % 100);
        *at++ = '-';
        at = put_2(at, civil->month);
        *at++ = '-';
        put_2(at, civil->day);
    } else {
        mr_text_addf(out, "%04lld-%02d-%02d", (long long)year, civil->month, civil->day);
    }
}

// As DuckDB does: "0044-03-15 (BC)" for years before 1.
static void print_date(mr_text *out, const mr_civil *civil) {
    if (civil->year > 0) {
        print_ymd(out, civil, civil->year);
    } else {
        print_ymd(out, civil, 1 - civil->year);
        mr_text_add(out, " (BC)");
    }
}

static void print_clock(mr_text *out, int32_t seconds) {
    char *at = put_2(mr_text_grow(out, 8), seconds / 3600);
    *at++ = ':';
    at = put_2(at, seconds / 60 % 60);
    *at++ = ':';
    put_2(at, seconds % 60);
}

// ".123456" with `digits` digits; digits 1 .. 6.
static void print_fraction(mr_text *out, int32_t us, int32_t digits) {
    char *at = mr_text_grow(out, (size_t)digits + 1);
    *at++ = '.';
    int32_t unit = 100000;
    for (int32_t i = 0; i < digits; i++, unit /= 10) {
        *at++ = (char)('0' + us / unit % 10);
    }
}

// The fraction of a second without zeros at its end; nothing for 0.
static void print_part(mr_text *out, int32_t us) {
    int32_t digits = 6;
    for (int32_t rest = us; rest != 0 && rest % 10 == 0; rest /= 10) {
        digits--;
    }
    if (us != 0) {
        print_fraction(out, us, digits);
    }
}

void mr_civil_print_time(mr_text *out, int64_t us) {
    mr_assert(us >= 0 && us <= MR_DAY_US);
    print_clock(out, (int32_t)(us / MR_SECOND_US));
    print_part(out, (int32_t)(us % MR_SECOND_US));
}

void mr_civil_print(mr_text *out, int64_t us, const mr_zone *zone) {
    int32_t offset_s = mr_zone_offset_s(zone, us);
    int64_t local;
    if (!mr_add_fits(us, offset_s * MR_SECOND_US, &local)) {
        local = us;
        offset_s = 0;
    }
    mr_civil civil;
    mr_civil_from_us(local, &civil);
    print_date(out, &civil);
    mr_text_add_char(out, ' ');
    print_clock(out, civil.hour * 3600 + civil.minute * 60 + civil.second);
    print_part(out, civil.us);
    // Whole minutes only, as DuckDB prints the odd offsets of before 1900.
    int32_t minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    char *at = mr_text_grow(out, minutes % 60 == 0 ? 3 : 6);
    *at++ = offset_s < 0 ? '-' : '+';
    at = put_2(at, minutes / 60);
    if (minutes % 60 != 0) {
        *at++ = ':';
        put_2(at, minutes % 60);
    }
}

void mr_civil_print_date(mr_text *out, int32_t days) {
    mr_civil civil;
    civil_from_days(days, &civil);
    print_date(out, &civil);
}

void mr_civil_print_iso(mr_text *out, int64_t us) {
    mr_civil civil;
    mr_civil_from_us(us, &civil);
    print_ymd(out, &civil, civil.year);
    mr_text_add_char(out, 'T');
    print_clock(out, civil.hour * 3600 + civil.minute * 60 + civil.second);
    if (civil.us != 0) {
        print_fraction(out, civil.us, civil.us % 1000 == 0 ? 3 : 6);
    }
    mr_text_add_char(out, 'Z');
}
