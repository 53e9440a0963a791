// Vector, printing: values as DuckDB writes them to CSV.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "column/vector.h"

// The fewest digits that read back to the same double, as DuckDB chooses them: plain with at least
// one fraction digit for exponents -4 .. 15, else 1.5e+16.
static void print_double(double value, mr_text *out) {
    if (value != value) {
        mr_text_add(out, "nan");
        return;
    }
    if (isinf(value)) {
        mr_text_add(out, value > 0 ? "inf" : "-inf");
        return;
    }
    // Fifteen digits always survive in a normal double, so shorter forms are those less zeros.
    char digits[40];
    for (int precision = fpclassify(value) == FP_SUBNORMAL ? 0 : 14;; precision++) {
        double back;
        snprintf(digits, sizeof(digits), "%.*e", precision, value);
        if (precision == 16 || (mr_text_parse_double(mr_span_of(digits), &back) && back == value)) {
            break;
        }
    }
    char *e = strchr(digits, 'e');
    int64_t exponent = 0;
    bool parsed = mr_text_parse_int64(mr_span_of(e + 1), &exponent);
    mr_assert(parsed);
    char *end = e;
    while (end[-1] == '0' && memchr(digits, '.', (size_t)(end - digits)) != NULL) {
        end--;
    }
    if (end[-1] == '.') {
        end--;
    }
    if (exponent < -4 || exponent >= 16) {
        mr_text_add_bytes(out, digits, (size_t)(end - digits));
        mr_text_addf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs((int)exponent));
        return;
    }
    size_t significant = (size_t)(end - digits) - (digits[0] == '-');
    significant -= significant > 1;  // The point.
    int fraction = MR_MAX((int)significant - 1 - (int)exponent, 1);
    mr_text_addf(out, "%.*f", fraction, value);
}

static void print_bytes(mr_str value, mr_text *out) {
    for (uint32_t i = 0; i < value.bytes; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c >= 32 && c <= 126 && c != '\\' && c != '\'' && c != '"') {
            mr_text_add_char(out, (char)c);
        } else {
            mr_text_addf(out, "\\x%02X", c);
        }
    }
}

static void print_count(int64_t count, const char *unit, bool *first, mr_text *out) {
    if (count != 0) {
        mr_text_addf(out, "%s%lld %s%s", *first ? "" : " ", (long long)count, unit,
                     count == 1 || count == -1 ? "" : "s");
        *first = false;
    }
}

// "1 year 2 months 3 days 04:05:06.5"
static void print_interval(mr_interval value, mr_text *out) {
    bool first = true;
    print_count(value.months / 12, "year", &first, out);
    print_count(value.months % 12, "month", &first, out);
    print_count(value.days, "day", &first, out);
    if (value.us == 0 && !first) {
        return;
    }
    uint64_t us = value.us < 0 ? 0 - (uint64_t)value.us : (uint64_t)value.us;
    uint64_t second = (uint64_t)MR_SECOND_US;
    mr_text_addf(out, "%s%s%02llu:%02llu:%02llu", first ? "" : " ", value.us < 0 ? "-" : "",
                 (unsigned long long)(us / (3600 * second)),
                 (unsigned long long)(us / (60 * second) % 60),
                 (unsigned long long)(us / second % 60));
    if (us % second != 0) {
        mr_text_addf(out, ".%06llu", (unsigned long long)(us % second));
        while (out->data[out->bytes - 1] == '0') {
            out->data[--out->bytes] = 0;
        }
    }
}

// A wall clock is printed as one in UTC, without the offset "+00" behind it.
static void print_timestamp(int64_t us, mr_text *out) {
    mr_civil_print(out, us, /* zone= */ NULL);
    mr_assert(out->bytes >= 3 && memcmp(out->data + out->bytes - 3, "+00", 3) == 0);
    out->bytes -= 3;
    out->data[out->bytes] = 0;
}

void mr_vector_print(const mr_vector *vector, uint32_t row, const mr_zone *zone, mr_text *out) {
    if (mr_vector_is_null(vector, row)) {
        return;
    }
    uint32_t at = mr_vector_at(vector, row);
    switch (vector->type.id) {
    case MR_BOOL: mr_text_add(out, vector->bools[at] != 0 ? "true" : "false"); break;
    case MR_INT32: mr_text_addf(out, "%d", vector->int32s[at]); break;
    case MR_INT64: mr_text_addf(out, "%lld", (long long)vector->int64s[at]); break;
    case MR_FLOAT64: print_double(vector->float64s[at], out); break;
    case MR_INT16: mr_text_addf(out, "%d", vector->int16s[at]); break;
    case MR_NUMERIC:
    case MR_UUID:
    case MR_TIME:
    case MR_FLOAT32:
    case MR_LIST:
    case MR_STRUCT: mr_assert(false); break;
    case MR_JSON:
    case MR_TEXT: {
        mr_str value = mr_vector_str(vector, row);
        mr_text_add_bytes(out, value.data, value.bytes);
        break;
    }
    case MR_BYTES: print_bytes(vector->strs[at], out); break;
    case MR_DATE: mr_civil_print_date(out, vector->int32s[at]); break;
    case MR_TIMESTAMP: print_timestamp(vector->int64s[at], out); break;
    case MR_TIMESTAMPTZ: mr_civil_print(out, vector->int64s[at], zone); break;
    case MR_INTERVAL: print_interval(vector->intervals[at], out); break;
    case MR_NULLTYPE: break;
    case MR_TYPE_COUNT: mr_assert(false); break;
    }
}
