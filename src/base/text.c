// Text: spans, growing buffers, and numbers as users write them; see text.h.
//
// Also: mr_span_

#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- spans -------------------------------------------------------------------------------------

static char lower_ascii(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
    return lower_ascii(c) >= 'a' && lower_ascii(c) <= 'z';
}

mr_span mr_span_of(const char *text) {
    return text == NULL ? (mr_span){"", 0} : (mr_span){text, strlen(text)};
}

bool mr_span_equal(mr_span a, mr_span b) {
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

bool mr_span_equal_nocase(mr_span a, mr_span b) {
    if (a.bytes != b.bytes) {
        return false;
    }
    for (size_t i = 0; i < a.bytes; i++) {
        if (lower_ascii(a.data[i]) != lower_ascii(b.data[i])) {
            return false;
        }
    }
    return true;
}

bool mr_span_is(mr_span a, const char *text) {
    return mr_span_equal(a, mr_span_of(text));
}

int mr_span_compare(mr_span a, mr_span b) {
    size_t bytes = MR_MIN(a.bytes, b.bytes);
    int order = bytes == 0 ? 0 : memcmp(a.data, b.data, bytes);
    if (order != 0) {
        return order < 0 ? -1 : 1;
    }
    return a.bytes < b.bytes ? -1 : a.bytes > b.bytes;
}

bool mr_span_starts(mr_span a, const char *prefix) {
    size_t bytes = strlen(prefix);
    return a.bytes >= bytes && (bytes == 0 || memcmp(a.data, prefix, bytes) == 0);
}

bool mr_span_ends(mr_span a, const char *suffix) {
    size_t bytes = strlen(suffix);
    return a.bytes >= bytes && (bytes == 0 || memcmp(a.data + a.bytes - bytes, suffix, bytes) == 0);
}

mr_span mr_span_trim(mr_span a) {
    while (a.bytes > 0 && is_space(a.data[0])) {
        a.data++;
        a.bytes--;
    }
    while (a.bytes > 0 && is_space(a.data[a.bytes - 1])) {
        a.bytes--;
    }
    return a;
}

mr_span mr_span_line(mr_span *text) {
    const char *end = text->bytes == 0 ? NULL : memchr(text->data, '\n', text->bytes);
    mr_span line = {text->data, end == NULL ? text->bytes : (size_t)(end - text->data)};
    size_t step = line.bytes + (end != NULL);
    *text = (mr_span){text->data + step, text->bytes - step};
    return line;
}

// ---- buffers -----------------------------------------------------------------------------------

#define TEXT_BYTES_FIRST 64

void mr_text_init(mr_text *text, mr_arena *arena) {
    *text = (mr_text){.arena = arena};
}

void mr_text_release(mr_text *text) {
    if (text->arena == NULL) {
        mr_heap_free(text->data);
    }
    *text = (mr_text){.arena = text->arena};
}

void mr_text_clear(mr_text *text) {
    text->bytes = 0;
    if (text->data != NULL) {
        text->data[0] = '\0';
    }
}

void mr_text_reserve(mr_text *text, size_t bytes) {
    size_t need;
    mr_assert(mr_add_fits(text->bytes, bytes, &need) && need < PTRDIFF_MAX / 2);
    if (MR_LIKELY(need < text->capacity)) {
        return;
    }
    size_t capacity = MR_MAX(MR_MAX(need + 1, text->capacity * 2), (size_t)TEXT_BYTES_FIRST);
    if (text->arena == NULL) {
        text->data = mr_heap_resize(text->data, capacity);
    } else {
        char *data = mr_arena_raw(text->arena, capacity);
        if (text->bytes > 0) {
            memcpy(data, text->data, text->bytes);
        }
        text->data = data;
    }
    text->data[text->bytes] = '\0';
    text->capacity = capacity;
}

char *mr_text_grow(mr_text *text, size_t bytes) {
    mr_text_reserve(text, bytes);
    char *ret = text->data + text->bytes;
    text->bytes += bytes;
    text->data[text->bytes] = '\0';
    return ret;
}

void mr_text_add_bytes(mr_text *text, const void *data, size_t bytes) {
    if (bytes > 0) {
        memcpy(mr_text_grow(text, bytes), data, bytes);
    }
}

void mr_text_add(mr_text *text, const char *string) {
    mr_text_add_bytes(text, string, strlen(string));
}

void mr_text_add_char(mr_text *text, char c) {
    *mr_text_grow(text, 1) = c;
}

void mr_text_addf(mr_text *text, const char *format, ...) {
    mr_text_reserve(text, TEXT_BYTES_FIRST);
    size_t room = text->capacity - text->bytes;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text->data + text->bytes, room, format, args);
    va_end(args);
    mr_assert(length >= 0);
    if ((size_t)length >= room) {
        mr_text_reserve(text, (size_t)length);
        va_start(args, format);
        vsnprintf(text->data + text->bytes, (size_t)length + 1, format, args);
        va_end(args);
    }
    text->bytes += (size_t)length;
}

void mr_text_add_json(mr_text *text, mr_span value) {
    mr_text_add_char(text, '"');
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.data[i];
        static const char *const shorts = "\b\t\n\f\r", *const letters = "btnfr";
        const char *found = c == '\0' ? NULL : strchr(shorts, c);
        if (found != NULL) {
            mr_text_add_char(text, '\\');
            mr_text_add_char(text, letters[found - shorts]);
            continue;
        }
        if (c < 0x20) {
            mr_text_addf(text, "\\u%04x", c);
            continue;
        }
        if (c == '"' || c == '\\') {
            mr_text_add_char(text, '\\');
        }
        mr_text_add_char(text, (char)c);
    }
    mr_text_add_char(text, '"');
}

mr_span mr_text_span(const mr_text *text) {
    return (mr_span){text->data == NULL ? "" : text->data, text->bytes};
}

const char *mr_text_string(const mr_text *text) {
    return text->data == NULL ? "" : text->data;
}

// ---- numbers -----------------------------------------------------------------------------------

bool mr_text_parse_int64(mr_span in, int64_t *ret) {
    in = mr_span_trim(in);
    bool negative = in.bytes > 0 && in.data[0] == '-';
    size_t i = in.bytes > 0 && (in.data[0] == '-' || in.data[0] == '+') ? 1 : 0;
    if (i == in.bytes) {
        return false;
    }
    int64_t value = 0;  // Built on the negative side, which is the longer one.
    for (; i < in.bytes; i++) {
        if (!is_digit(in.data[i]) || !mr_mul_fits(value, (int64_t)10, &value) ||
            !mr_sub_fits(value, (int64_t)(in.data[i] - '0'), &value)) {
            return false;
        }
    }
    if (!negative && !mr_sub_fits((int64_t)0, value, &value)) {
        return false;
    }
    *ret = value;
    return true;
}

bool mr_text_parse_double(mr_span in, double *ret) {
    char copy[512];
    in = mr_span_trim(in);
    if (in.bytes == 0 || in.bytes >= sizeof(copy)) {
        return false;
    }
    for (size_t i = 0; i < in.bytes; i++) {
        char c = in.data[i];
        if (!is_digit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E') {
            return false;  // No "inf", no "nan", no hexadecimal.
        }
    }
    memcpy(copy, in.data, in.bytes);
    copy[in.bytes] = '\0';
    char *end;
    double value = strtod(copy, &end);
    if (end != copy + in.bytes || value - value != 0) {  // The latter: overflow to infinity.
        return false;
    }
    *ret = value;
    return true;
}

// A decimal number as whole + fraction / fraction_of, so that units apply without rounding.
typedef struct decimal {
    int64_t whole;
    int64_t fraction;
    int64_t fraction_of;  // Power of ten.
} decimal;

// Takes digits with at most one point off the front of in; digits past the 12th place are cut.
static bool take_decimal(mr_span *in, decimal *ret) {
    *ret = (decimal){.fraction_of = 1};
    bool any = false, point = false;
    while (in->bytes > 0) {
        char c = in->data[0];
        if (c == '.' && !point) {
            point = true;
        } else if (!is_digit(c)) {
            break;
        } else if (point) {
            any = true;
            if (ret->fraction_of < 1000000000000) {
                ret->fraction = ret->fraction * 10 + (c - '0');
                ret->fraction_of *= 10;
            }
        } else {
            any = true;
            if (!mr_mul_fits(ret->whole, (int64_t)10, &ret->whole) ||
                !mr_add_fits(ret->whole, (int64_t)(c - '0'), &ret->whole)) {
                return false;
            }
        }
        in->data++;
        in->bytes--;
    }
    return any;
}

static bool scale_decimal(decimal number, int64_t unit, int64_t *ret) {
    __int128 value =
        (__int128)number.whole * unit + (__int128)number.fraction * unit / number.fraction_of;
    if (value > INT64_MAX) {
        return false;
    }
    *ret = (int64_t)value;
    return true;
}

static mr_span take_word(mr_span *in) {
    mr_span word = {in->data, 0};
    while (word.bytes < in->bytes && is_letter(in->data[word.bytes])) {
        word.bytes++;
    }
    in->data += word.bytes;
    in->bytes -= word.bytes;
    return word;
}

static void take_space(mr_span *in) {
    while (in->bytes > 0 && is_space(in->data[0])) {
        in->data++;
        in->bytes--;
    }
}

typedef struct unit_name {
    const char *name;
    int64_t size;
} unit_name;

static const unit_name byte_units[] = {
    {"", 1},
    {"b", 1},
    {"byte", 1},
    {"bytes", 1},
    {"k", 1 << 10},
    {"kb", 1000},
    {"kib", 1 << 10},
    {"m", 1 << 20},
    {"mb", 1000000},
    {"mib", 1 << 20},
    {"g", 1 << 30},
    {"gb", 1000000000},
    {"gib", 1 << 30},
    {"t", (int64_t)1 << 40},
    {"tb", 1000000000000},
    {"tib", (int64_t)1 << 40},
};

static const unit_name time_units[] = {
    {"us", 1},
    {"usec", 1},
    {"usecs", 1},
    {"microsecond", 1},
    {"microseconds", 1},
    {"ms", 1000},
    {"msec", 1000},
    {"msecs", 1000},
    {"millisecond", 1000},
    {"milliseconds", 1000},
    {"s", 1000000},
    {"sec", 1000000},
    {"secs", 1000000},
    {"second", 1000000},
    {"seconds", 1000000},
    {"m", 60000000},
    {"min", 60000000},
    {"mins", 60000000},
    {"minute", 60000000},
    {"minutes", 60000000},
    {"h", 3600000000},
    {"hr", 3600000000},
    {"hrs", 3600000000},
    {"hour", 3600000000},
    {"hours", 3600000000},
    {"d", 86400000000},
    {"day", 86400000000},
    {"days", 86400000000},
    {"w", 604800000000},
    {"week", 604800000000},
    {"weeks", 604800000000},
};

// The size of a unit, or 0 when there is none of that name.
static int64_t unit_size(const unit_name *units, size_t count, mr_span word) {
    for (size_t i = 0; i < count; i++) {
        if (mr_span_equal_nocase(word, mr_span_of(units[i].name))) {
            return units[i].size;
        }
    }
    return 0;
}

bool mr_text_parse_bytes(mr_span in, uint64_t *ret) {
    in = mr_span_trim(in);
    decimal number;
    if (!take_decimal(&in, &number)) {
        return false;
    }
    take_space(&in);
    int64_t unit = unit_size(byte_units, MR_COUNT(byte_units), in);
    int64_t value;
    if (unit == 0 || !scale_decimal(number, unit, &value)) {
        return false;
    }
    *ret = (uint64_t)value;
    return true;
}

// The rest of "HH:MM[:SS[.ffffff]]" behind its hours.
static bool take_clock(mr_span *in, decimal hours, int64_t *ret) {
    decimal minutes, seconds = {.fraction_of = 1};
    if (hours.fraction_of != 1) {
        return false;
    }
    in->data++;  // The colon.
    in->bytes--;
    if (!take_decimal(in, &minutes) || minutes.fraction_of != 1 || minutes.whole > 59) {
        return false;
    }
    if (in->bytes > 0 && in->data[0] == ':') {
        in->data++;
        in->bytes--;
        if (!take_decimal(in, &seconds) || seconds.whole > 59) {
            return false;
        }
    }
    int64_t hours_us, seconds_us;
    return scale_decimal(hours, 3600000000, &hours_us) &&
           scale_decimal(seconds, 1000000, &seconds_us) &&
           mr_add_fits(hours_us, minutes.whole * 60000000 + seconds_us, ret);
}

bool mr_text_parse_duration_us(mr_span in, int64_t *ret) {
    in = mr_span_trim(in);
    if (mr_span_is(in, "0")) {
        *ret = 0;
        return true;
    }
    int64_t sum = 0;
    bool any = false;
    for (; in.bytes > 0; take_space(&in)) {
        bool negative = in.data[0] == '-';
        if (in.data[0] == '-' || in.data[0] == '+') {
            in.data++;
            in.bytes--;
        }
        decimal number;
        int64_t part;
        if (!take_decimal(&in, &number)) {
            return false;
        }
        if (in.bytes > 0 && in.data[0] == ':') {
            if (!take_clock(&in, number, &part)) {
                return false;
            }
        } else {
            take_space(&in);
            int64_t unit = unit_size(time_units, MR_COUNT(time_units), take_word(&in));
            if (unit == 0 || !scale_decimal(number, unit, &part)) {
                return false;
            }
        }
        if (!mr_add_fits(sum, negative ? -part : part, &sum)) {
            return false;
        }
        any = true;
    }
    if (!any) {
        return false;
    }
    *ret = sum;
    return true;
}

void mr_text_add_duration(mr_text *text, int64_t duration_us) {
    static const unit_name parts[] = {{"d", 86400000000}, {"h", 3600000000}, {"min", 60000000},
                                      {"s", 1000000},     {"ms", 1000},      {"us", 1}};
    if (duration_us == 0) {
        mr_text_add(text, "0 s");
        return;
    }
    uint64_t rest = duration_us < 0 ? 0 - (uint64_t)duration_us : (uint64_t)duration_us;
    const char *gap = "";
    for (size_t i = 0; i < MR_COUNT(parts); i++) {
        uint64_t count = rest / (uint64_t)parts[i].size;
        rest %= (uint64_t)parts[i].size;
        if (count > 0) {  // Each part has its sign, so that the text can be parsed back.
            mr_text_addf(text, "%s%s%" PRIu64 " %s", gap, duration_us < 0 ? "-" : "", count,
                         parts[i].name);
            gap = " ";
        }
    }
}

void mr_text_add_bytes_human(mr_text *text, uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        mr_text_addf(text, "%" PRIu64 " B", bytes);
        return;
    }
    size_t unit = 0;
    double value = (double)bytes / 1024;
    while (value >= 1023.95 && unit + 1 < MR_COUNT(units)) {
        value /= 1024;
        unit++;
    }
    char number[32];
    snprintf(number, sizeof(number), "%.1f", value);
    size_t length = strlen(number);
    if (number[length - 1] == '0') {
        number[length - 2] = '\0';
    }
    mr_text_addf(text, "%s %s", number, units[unit]);
}

// ---- nearest name ------------------------------------------------------------------------------

#define NAME_BYTES_MAX 96

// Edit distance (insert, delete, replace, swap of neighbours), letters' case ignored.
static uint32_t edit_distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    uint32_t rows[3][NAME_BYTES_MAX + 1];
    uint32_t *before = rows[0], *last = rows[1], *now = rows[2];
    mr_assert(a_bytes <= NAME_BYTES_MAX && b_bytes <= NAME_BYTES_MAX);
    memset(rows, 0, sizeof(rows));
    for (size_t j = 0; j <= b_bytes; j++) {
        last[j] = (uint32_t)j;
    }
    for (size_t i = 1; i <= a_bytes; i++) {
        now[0] = (uint32_t)i;
        char x = lower_ascii(a[i - 1]);
        for (size_t j = 1; j <= b_bytes; j++) {
            char y = lower_ascii(b[j - 1]);
            uint32_t best = last[j - 1] + (x != y);
            best = MR_MIN(best, last[j] + 1);
            best = MR_MIN(best, now[j - 1] + 1);
            if (i > 1 && j > 1 && x == lower_ascii(b[j - 2]) && y == lower_ascii(a[i - 2])) {
                best = MR_MIN(best, before[j - 2] + 1);
            }
            now[j] = best;
        }
        uint32_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b_bytes];
}

const char *mr_text_closest(const char *name, const char *const *candidates, size_t count) {
    const char *closest = NULL;
    uint32_t closest_distance = UINT32_MAX;
    size_t name_bytes = strlen(name);
    if (name_bytes > NAME_BYTES_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t bytes = strlen(candidates[i]);
        if (bytes > NAME_BYTES_MAX) {
            continue;
        }
        size_t longer = MR_MAX(name_bytes, bytes);
        uint32_t distance = edit_distance(name, name_bytes, candidates[i], bytes);
        if (distance <= (longer + 2) / 3 && distance < longer && distance < closest_distance) {
            closest = candidates[i];
            closest_distance = distance;
        }
    }
    return closest;
}

const char *mr_text_hint(const char *name, const char *const *candidates, size_t count,
                         const char *otherwise, mr_arena *arena) {
    const char *near = mr_text_closest(name, candidates, count);
    return near == NULL ? otherwise : mr_arena_printf(arena, "Did you mean \"%s\"?", near);
}
