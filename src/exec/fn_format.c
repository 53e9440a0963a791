// Fn, times as text: strftime and strptime.
//
// How: a format is taken apart once a batch when it is a constant, as it nearly always is. Formats,
// and what a text that is read must look like, are DuckDB's; weeks (%U %W %V %G %u %w) are written
// but not read. Also: mr_fn_.

#include <string.h>

#include "exec/fn_time.h"

#define ZONE       (call->run->env->zone)
#define PARTS_MAX  64
#define FIELD_ROOM 40  // Of one part that is not literal text.

// One part of a format: a specifier, or literal text.
typedef struct part {
    char kind;  // As behind the %; 0 = literal.
    bool bare;  // %-d: without leading zeros.
    mr_str literal;
} part;

typedef struct format {
    part parts[PARTS_MAX];
    uint32_t count;
    size_t literal_bytes;
} format;

static bool add_part(format *f, part p) {
    if (f->count == PARTS_MAX) {
        return false;
    }
    f->parts[f->count++] = p;
    f->literal_bytes += p.literal.bytes;
    return true;
}

// %c, %x and %X are the ISO forms, as DuckDB has them.
static bool add_all(format *f, const char *kinds) {
    for (const char *at = kinds; *at != '\0'; at++) {
        static const char signs[] = "- :";
        const char *sign = strchr(signs, *at);
        if (!add_part(f, sign == NULL ? (part){.kind = *at} : (part){.literal = {sign, 1, 0}})) {
            return false;
        }
    }
    return true;
}

static bool format_parse(mr_str text, const char *known, format *f) {
    f->count = 0;
    f->literal_bytes = 0;
    for (uint32_t i = 0; i < text.bytes;) {
        uint32_t start = i;
        while (i < text.bytes && text.data[i] != '%') {
            i++;
        }
        if (i > start && !add_part(f, (part){.literal = {text.data + start, i - start, 0}})) {
            return false;
        }
        if (i == text.bytes) {
            break;
        }
        bool bare = i + 1 < text.bytes && text.data[i + 1] == '-';
        i += bare ? 2 : 1;
        char kind = i < text.bytes ? text.data[i] : '\0';
        bool good = kind != '\0' && strchr(bare ? "dmyHIMSj" : known, kind) != NULL;
        if (kind == '%') {
            good = good && add_part(f, (part){.literal = {text.data + i, 1, 0}});
        } else if (kind == 'c' || kind == 'x' || kind == 'X') {
            good = good && add_all(f, kind == 'c'   ? "Y-m-d H:M:S"
                                      : kind == 'x' ? "Y-m-d"
                                                    : "H:M:S");
        } else {
            good = good && add_part(f, (part){.kind = kind == 'h' ? 'b' : kind, .bare = bare});
        }
        if (!good) {
            return false;
        }
        i++;
    }
    return true;
}

// The format of a row: parsed once when it is a constant. False: the row has failed.
static bool format_at(mr_fn_call *call, uint32_t row, const char *known, format *f, bool *made) {
    if (*made && call->args[1].kind == MR_CONST) {
        return true;
    }
    *made = format_parse(mr_fn_str(call, 1, row), known, f);
    if (!*made) {
        mr_eval_call_fail(call, row, "format %s has an unknown or unfinished %%",
                          mr_eval_call_quote(call, mr_fn_str(call, 1, row)));
    }
    return *made;
}

// ---- writing -----------------------------------------------------------------------------------

typedef struct moment {
    mr_civil c;
    int64_t days;     // Of the wall clock.
    int64_t weekday;  // 0 = Sunday.
    int64_t in_year;  // Day of the year, from 0.
    int32_t offset_s;
    const char *zone;  // "" without.
} moment;

static char *put_number(char *out, int64_t value, uint32_t width) {
    char digits[24];
    uint32_t at = sizeof(digits), count = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (; rest > 0 || count < MR_MAX(width, 1u); rest /= 10, count++) {
        digits[--at] = (char)('0' + rest % 10);
    }
    if (value < 0) {
        *out++ = '-';
    }
    memcpy(out, digits + at, count);
    return out + count;
}

static char *put_name(char *out, const char *name, size_t bytes_max) {
    size_t bytes = MR_MIN(strlen(name), bytes_max);
    memcpy(out, name, bytes);
    return out + bytes;
}

static char *put_offset(char *out, int32_t offset_s) {
    *out++ = offset_s < 0 ? '-' : '+';
    int32_t seconds = offset_s < 0 ? -offset_s : offset_s;
    out = put_number(out, seconds / 3600, 2);
    if (seconds % 3600 != 0) {
        *out++ = ':';
        out = put_number(out, seconds / 60 % 60, 2);
    }
    if (seconds % 60 != 0) {
        *out++ = ':';
        out = put_number(out, seconds % 60, 2);
    }
    return out;
}

static int32_t half_day_hour(int32_t hour) {
    return hour % 12 == 0 ? 12 : hour % 12;
}

static char *put_part(char *out, const part *p, const moment *m) {
    const mr_civil *c = &m->c;
    uint32_t two = p->bare ? 1 : 2;
    switch (p->kind) {
    case 'a': return put_name(out, mr_fn_time_day_name(m->weekday), 3);
    case 'A': return put_name(out, mr_fn_time_day_name(m->weekday), FIELD_ROOM);
    case 'b': return put_name(out, mr_fn_time_month_name(c->month), 3);
    case 'B': return put_name(out, mr_fn_time_month_name(c->month), FIELD_ROOM);
    case 'w': return put_number(out, m->weekday, 1);
    case 'u': return put_number(out, (m->weekday + 6) % 7 + 1, 1);
    case 'd': return put_number(out, c->day, two);
    case 'm': return put_number(out, c->month, two);
    case 'y': return put_number(out, (c->year < 0 ? -c->year : c->year) % 100, two);
    case 'Y': return put_number(out, c->year, c->year < 0 || c->year > 9999 ? 1 : 4);
    case 'G': {
        int64_t year = mr_fn_time_iso_year(m->days);
        return put_number(out, year, year < 0 || year > 9999 ? 1 : 4);
    }
    case 'V': return put_number(out, mr_fn_time_iso_week(m->days), 2);
    case 'U': return put_number(out, (m->in_year + 7 - m->weekday) / 7, 2);
    case 'W': return put_number(out, (m->in_year + 7 - (m->weekday + 6) % 7) / 7, 2);
    case 'j': return put_number(out, m->in_year + 1, p->bare ? 1 : 3);
    case 'H': return put_number(out, c->hour, two);
    case 'I': return put_number(out, half_day_hour(c->hour), two);
    case 'p': return put_name(out, c->hour < 12 ? "AM" : "PM", 2);
    case 'M': return put_number(out, c->minute, two);
    case 'S': return put_number(out, c->second, two);
    case 'f': return put_number(out, c->us, 6);
    case 'g': return put_number(out, c->us / 1000, 3);
    case 'n': return put_number(out, (int64_t)c->us * 1000, 9);
    case 'z': return put_offset(out, m->offset_s);
    case 'Z': return put_name(out, m->zone, FIELD_ROOM);
    default: return put_name(out, p->literal.data, p->literal.bytes);
    }
}

static void write_all(mr_fn_call *call, const mr_zone *zone) {
    bool is_date = call->args[0].type.id == MR_DATE,
         zoned = call->args[0].type.id == MR_TIMESTAMPTZ;
    mr_fn_writer writer = mr_fn_writer_new(call);
    format f;
    bool made = false;
    MR_FN_EACH(call, row) {
        if (!format_at(call, row, "aAbBhwudmyYGVUWjHIpMSfgnzZcxX%", &f, &made)) {
            continue;
        }
        int64_t us = is_date ? 0 : MR_FN_ARG(call, 0, int64_t, row);
        moment m = {.offset_s = zoned ? mr_zone_offset_s(zone, us) : 0};
        m.zone = !zoned ? "" : zone == NULL ? "UTC" : mr_zone_name(zone);
        us = zoned ? mr_fn_time_local(zone, us) : us;
        m.days = is_date ? MR_FN_ARG(call, 0, int32_t, row) : mr_floor_div(us, MR_DAY_US);
        if (is_date) {
            mr_civil_from_days(m.days, &m.c);
        } else {
            mr_civil_from_us(us, &m.c);
        }
        m.weekday = ((m.days + 4) % 7 + 7) % 7;
        m.in_year = m.days - mr_civil_days(m.c.year, 1, 1);
        char *out = mr_fn_writer_take(&writer, f.literal_bytes + (size_t)f.count * FIELD_ROOM);
        char *at = out;
        for (uint32_t i = 0; i < f.count; i++) {
            at = put_part(at, &f.parts[i], &m);
        }
        call->out->strs[row] = mr_fn_writer_end(&writer, (size_t)(at - out));
    }
}

// clang-format off
void mr_fn_STRFTIME_DATE(mr_fn_call *call) { write_all(call, NULL); }
void mr_fn_STRFTIME_TIMESTAMP(mr_fn_call *call) { write_all(call, NULL); }
void mr_fn_STRFTIME_TIMESTAMPTZ(mr_fn_call *call) { write_all(call, ZONE); }
// clang-format on

// ---- reading -----------------------------------------------------------------------------------

// A text on its way through a format.
typedef struct reading {
    const char *at;
    const char *end;
    mr_civil c;
    int64_t in_year;  // From 1; 0 = not given.
    int32_t offset_s;
    char half;  // 'a', 'p'; 0 = not given.
    bool has_offset;
} reading;

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_spaces(reading *r) {
    while (r->at < r->end && is_space(*r->at)) {
        r->at++;
    }
}

// A run of spaces matches any run of spaces.
static bool read_literal(reading *r, mr_str literal) {
    for (uint32_t i = 0; i < literal.bytes;) {
        if (r->at == r->end) {
            return false;
        }
        if (is_space(literal.data[i])) {
            if (!is_space(*r->at)) {
                return false;
            }
            skip_spaces(r);
            while (i < literal.bytes && is_space(literal.data[i])) {
                i++;
            }
        } else if (*r->at++ != literal.data[i++]) {
            return false;
        }
    }
    return true;
}

static bool read_number(reading *r, uint32_t digits_max, int64_t least, int64_t most,
                        int64_t *ret) {
    int64_t value = 0;
    uint32_t digits = 0;
    for (; digits < digits_max && r->at < r->end && *r->at >= '0' && *r->at <= '9'; digits++) {
        value = value * 10 + (*r->at++ - '0');
    }
    *ret = value;
    return digits > 0 && value >= least && value <= most;
}

// Digits behind a point: "5" is 500 of thousands.
static bool read_fraction(reading *r, uint32_t digits_max, int64_t *ret) {
    const char *start = r->at;
    if (!read_number(r, digits_max, 0, INT64_MAX, ret)) {
        return false;
    }
    for (int64_t i = r->at - start; i < digits_max; i++) {
        *ret *= 10;
    }
    return true;
}

// The index of the name that stands here, or -1. letters 3 = the short form.
static int32_t read_name(reading *r, uint32_t count, bool month, size_t letters) {
    for (uint32_t i = 0; i < count; i++) {
        const char *name = month ? mr_fn_time_month_name((int32_t)i + 1) : mr_fn_time_day_name(i);
        size_t bytes = MR_MIN(strlen(name), letters);
        if ((size_t)(r->end - r->at) >= bytes &&
            mr_span_equal_nocase((mr_span){r->at, bytes}, (mr_span){name, bytes})) {
            r->at += bytes;
            return (int32_t)i;
        }
    }
    return -1;
}

// +hh, +hhmm, +hh:mm.
static bool read_offset(reading *r) {
    if (r->at == r->end || (*r->at != '+' && *r->at != '-')) {
        return false;
    }
    bool west = *r->at++ == '-';
    int64_t hour, minute = 0;
    const char *start = r->at;
    if (!read_number(r, 2, 0, 1559, &hour) || r->at - start != 2) {
        return false;
    }
    const char *before = r->at;
    if (r->at < r->end && *r->at == ':') {
        r->at++;
    }
    start = r->at;
    if (!read_number(r, 2, 0, 59, &minute) || r->at - start != 2) {
        r->at = before;
        minute = 0;
    }
    r->offset_s = (int32_t)((hour * 60 + minute) * 60) * (west ? -1 : 1);
    r->has_offset = true;
    return true;
}

static bool read_half(reading *r) {
    if (r->end - r->at < 2 || (r->at[1] | 0x20) != 'm') {
        return false;
    }
    r->half = (char)(r->at[0] | 0x20);
    r->at += 2;
    return r->half == 'a' || r->half == 'p';
}

static bool read_part(reading *r, const part *p) {
    mr_civil *c = &r->c;
    int64_t value = 0;
    bool good;
    switch (p->kind) {
    case 'Y': return read_number(r, 4, 0, 9999, &c->year);
    case 'y':
        good = read_number(r, 2, 0, 99, &value);
        c->year = value + (value >= 69 ? 1900 : 2000);
        return good;
    case 'm':
        good = read_number(r, 2, 1, 12, &value);
        c->month = (int32_t)value;
        return good;
    case 'd':
        good = read_number(r, 2, 1, 31, &value);
        c->day = (int32_t)value;
        return good;
    case 'j': return read_number(r, 3, 1, 366, &r->in_year);
    case 'H':
        good = read_number(r, 2, 0, 23, &value);
        c->hour = (int32_t)value;
        return good;
    case 'I':
        good = read_number(r, 2, 1, 12, &value);
        c->hour = (int32_t)value;
        return good;
    case 'M':
        good = read_number(r, 2, 0, 59, &value);
        c->minute = (int32_t)value;
        return good;
    case 'S':
        good = read_number(r, 2, 0, 59, &value);
        c->second = (int32_t)value;
        return good;
    case 'f':
        good = read_fraction(r, 6, &value);
        c->us = (int32_t)value;
        return good;
    case 'g':
        good = read_fraction(r, 3, &value);
        c->us = (int32_t)value * 1000;
        return good;
    case 'n':
        good = read_fraction(r, 9, &value);
        c->us = (int32_t)(value / 1000);
        return good;
    case 'p': return read_half(r);
    case 'a': return read_name(r, 7, /* month= */ false, 3) >= 0;
    case 'A': return read_name(r, 7, /* month= */ false, 9) >= 0;
    case 'b':
    case 'B':
        c->month = read_name(r, 12, /* month= */ true, p->kind == 'b' ? 3 : 9) + 1;
        return c->month > 0;
    case 'z': return read_offset(r);
    default: return read_literal(r, p->literal);
    }
}

// The text as a wall clock (with an offset: in UTC). False: it does not fit the format.
static bool read_text(mr_str text, const format *f, reading *r, int64_t *ret) {
    *r = (reading){.at = text.data, .end = text.data + text.bytes};
    r->c = (mr_civil){.year = 1900, .month = 1, .day = 1};
    skip_spaces(r);
    for (uint32_t i = 0; i < f->count; i++) {
        if (!read_part(r, &f->parts[i])) {
            return false;
        }
    }
    skip_spaces(r);
    if (r->at != r->end) {
        return false;
    }
    if (r->half != 0) {
        if (r->c.hour > 12) {
            return false;
        }
        r->c.hour = r->c.hour % 12 + (r->half == 'p' ? 12 : 0);
    }
    if (r->in_year > 0) {
        int64_t days = mr_civil_days(r->c.year, 1, 1) + r->in_year - 1;
        mr_civil day;
        mr_civil_from_days(days, &day);
        if (day.year != r->c.year) {
            return false;
        }
        r->c.month = day.month;
        r->c.day = day.day;
    }
    if (r->c.day > mr_fn_time_month_days(r->c.year, r->c.month)) {
        return false;
    }
    *ret = mr_civil_to_us(&r->c) - r->offset_s * MR_SECOND_US;
    return true;
}

static void read_all(mr_fn_call *call, bool zoned, bool try) {
    format f;
    bool made = false;
    MR_FN_EACH(call, row) {
        call->out->int64s[row] = 0;
        if (!format_at(call, row, "aAbBhdmyYjHIpMSfgnzcxX%", &f, &made)) {
            continue;
        }
        reading r;
        if (read_text(mr_fn_str(call, 0, row), &f, &r, &call->out->int64s[row])) {
            if (zoned && !r.has_offset) {
                call->out->int64s[row] = mr_fn_time_utc(ZONE, call->out->int64s[row]);
            }
        } else if (try) {
            mr_eval_call_null(call, row);
        } else {
            mr_eval_call_fail(call, row, "%s does not fit the format %s",
                              mr_eval_call_quote(call, mr_fn_str(call, 0, row)),
                              mr_eval_call_quote(call, mr_fn_str(call, 1, row)));
        }
    }
}

// clang-format off
void mr_fn_STRPTIME(mr_fn_call *call) { read_all(call, /* zoned= */ false, /* try= */ false); }
void mr_fn_TRY_STRPTIME(mr_fn_call *call) { read_all(call, /* zoned= */ false, /* try= */ true); }
void mr_fn_STRPTIME_ZONED(mr_fn_call *call) { read_all(call, /* zoned= */ true, /* try= */ false); }
void mr_fn_TRY_STRPTIME_ZONED(mr_fn_call *call) { read_all(call, true, /* try= */ true); }
// clang-format on
