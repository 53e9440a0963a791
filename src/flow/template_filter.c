// Template, filters: each a function from values to a value.
//
// Values are JSON text. The table is the parser's list, the reference in docs/workflows.md, and its
// examples are run by tests.

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "base/utf8.h"
#include "flow/template_node.h"

#define VALUE_BYTES_MAX (16 << 20)  // A chain of filters may double a text at each step.

typedef struct call {
    const mr_span *values;  // Input, arguments.
    uint32_t count;
    const mr_zone *zone;
    const char *name;
    mr_cx *cx;
} call;

static mr_jsonvalue_kind kind_of(mr_span json) {
    return mr_jsonvalue_kind_of(json);
}

void mr_template_filter_text(mr_span json, mr_text *out) {
    switch (kind_of(json)) {
    case MR_JSONVALUE_NULL: break;
    case MR_JSONVALUE_STRING: mr_jsonvalue_unescape(mr_jsonvalue_trim(json), out); break;
    case MR_JSONVALUE_FALSE:
    case MR_JSONVALUE_TRUE:
    case MR_JSONVALUE_NUMBER:
    case MR_JSONVALUE_ARRAY:
    case MR_JSONVALUE_OBJECT: mr_jsonvalue_minify(json, out); break;
    }
}

mr_span mr_template_filter_string(mr_span text, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    mr_text_add_json(&out, text);
    return mr_text_span(&out);
}

static mr_span text_of(const call *c, uint32_t index) {
    mr_text out;
    mr_text_init(&out, c->cx->arena);
    mr_template_filter_text(c->values[index], &out);
    return mr_text_span(&out);
}

static mr_code refuse(const call *c, const char *wants) {
    mr_text out;
    mr_text_init(&out, c->cx->arena);
    mr_jsonvalue_minify(c->values[0], &out);
    return mr_fail(c->cx, MR_E_VALUE, NULL, "filter \"%s\" wants %s, not %.*s%s", c->name, wants,
                   (int)MR_MIN(out.bytes, (size_t)60), mr_text_string(&out),
                   out.bytes > 60 ? "…" : "");
}

static mr_code check_size(const call *c, const mr_text *out) {
    return out->bytes <= VALUE_BYTES_MAX
               ? MR_OK
               : mr_fail(c->cx, MR_E_LIMIT, "Put what is as large into a file.",
                         "filter \"%s\" makes more than %d bytes", c->name, VALUE_BYTES_MAX);
}

// A text, number or truth value: what has a text of its own.
static mr_code want_scalar(const call *c) {
    mr_jsonvalue_kind kind = kind_of(c->values[0]);
    return kind == MR_JSONVALUE_ARRAY || kind == MR_JSONVALUE_OBJECT ? refuse(c, "a text") : MR_OK;
}

static mr_code give_text(const call *c, mr_span text, mr_span *ret) {
    *ret = mr_template_filter_string(text, c->cx->arena);
    return MR_OK;
}

// ---- texts and values ------------------------------------------------------------------------

static mr_code filter_default(const call *c, mr_span *ret) {
    bool null = kind_of(c->values[0]) == MR_JSONVALUE_NULL;
    bool empty =
        c->count > 2 && kind_of(c->values[2]) == MR_JSONVALUE_TRUE && text_of(c, 0).bytes == 0;
    *ret = c->values[null || empty];
    return MR_OK;
}

static mr_code filter_tojson(const call *c, mr_span *ret) {
    mr_text out;
    mr_text_init(&out, c->cx->arena);
    mr_jsonvalue_minify(c->values[0], &out);
    return give_text(c, mr_text_span(&out), ret);
}

static mr_code filter_fromjson(const call *c, mr_span *ret) {
    mr_span text = text_of(c, 0);
    if (!mr_jsonvalue_check(text)) {
        return refuse(c, "JSON");
    }
    *ret = mr_jsonvalue_trim(text);
    return MR_OK;
}

static mr_code map_case(const call *c, uint32_t (*map)(uint32_t), mr_span *ret) {
    MR_TRY(want_scalar(c));
    mr_span in = text_of(c, 0);
    mr_text out;
    mr_text_init(&out, c->cx->arena);
    for (const char *at = in.data; at < in.data + in.bytes;) {
        uint32_t code_point;
        at += mr_utf8_get(at, in.data + in.bytes, &code_point);
        char bytes[4];
        mr_text_add_bytes(&out, bytes, mr_utf8_put(map(code_point), bytes));
    }
    return give_text(c, mr_text_span(&out), ret);
}

static mr_code filter_lower(const call *c, mr_span *ret) {
    return map_case(c, mr_utf8_lower, ret);
}

static mr_code filter_upper(const call *c, mr_span *ret) {
    return map_case(c, mr_utf8_upper, ret);
}

static mr_code filter_trim(const call *c, mr_span *ret) {
    MR_TRY(want_scalar(c));
    return give_text(c, mr_span_trim(text_of(c, 0)), ret);
}

static mr_code filter_string(const call *c, mr_span *ret) {
    return give_text(c, text_of(c, 0), ret);
}

static mr_code filter_replace(const call *c, mr_span *ret) {
    MR_TRY(want_scalar(c));
    mr_span in = text_of(c, 0), old = text_of(c, 1), new = text_of(c, 2);
    mr_text out;
    mr_text_init(&out, c->cx->arena);
    for (size_t i = 0; i < in.bytes;) {
        bool here = old.bytes > 0 && in.bytes - i >= old.bytes &&
                    memcmp(in.data + i, old.data, old.bytes) == 0;
        mr_text_add_bytes(&out, here ? new.data : in.data + i, here ? new.bytes : 1);
        i += here ? old.bytes : 1;
        MR_TRY(check_size(c, &out));
    }
    return give_text(c, mr_text_span(&out), ret);
}

static mr_code filter_shellquote(const call *c, mr_span *ret) {
    mr_span in = text_of(c, 0);
    static const char *const plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_+=:,./-";
    if (in.bytes > 0 && strspn(in.data, plain) == in.bytes) {
        return give_text(c, in, ret);
    }
    mr_text out;
    mr_text_init(&out, c->cx->arena);
    mr_text_add_char(&out, '\'');
    for (size_t i = 0; i < in.bytes; i++) {
        if (in.data[i] == '\'') {
            mr_text_add(&out, "'\\''");
        } else {
            mr_text_add_char(&out, in.data[i]);
        }
    }
    mr_text_add_char(&out, '\'');
    return give_text(c, mr_text_span(&out), ret);
}

static mr_code filter_int(const call *c, mr_span *ret) {
    mr_span text = text_of(c, 0);
    int64_t whole;
    double number;
    mr_jsonvalue_kind kind = kind_of(c->values[0]);
    if (kind == MR_JSONVALUE_TRUE || kind == MR_JSONVALUE_FALSE) {
        whole = kind == MR_JSONVALUE_TRUE;
    } else if (!mr_text_parse_int64(text, &whole)) {
        if (!mr_text_parse_double(text, &number) || number < -9.2e18 || number > 9.2e18) {
            return refuse(c, "a number");
        }
        whole = (int64_t)number;
    }
    *ret = mr_span_of(mr_arena_printf(c->cx->arena, "%" PRId64, whole));
    return MR_OK;
}

static mr_code filter_float(const call *c, mr_span *ret) {
    double number;
    mr_span text = mr_span_trim(text_of(c, 0));
    if (!mr_text_parse_double(text, &number)) {
        return refuse(c, "a number");
    }
    *ret = mr_jsonvalue_check(text) ? text
                                    : mr_span_of(mr_arena_printf(c->cx->arena, "%.17g", number));
    return MR_OK;
}

// ---- lists -----------------------------------------------------------------------------------

static mr_code filter_join(const call *c, mr_span *ret) {
    if (kind_of(c->values[0]) != MR_JSONVALUE_ARRAY) {
        return refuse(c, "a list");
    }
    mr_span between = c->count > 1 ? text_of(c, 1) : (mr_span){0};
    mr_span rest = mr_jsonvalue_inside(c->values[0]);
    mr_text out;
    mr_text_init(&out, c->cx->arena);
    mr_span item;
    for (bool first = true; mr_jsonvalue_next(&rest, NULL, &item); first = false) {
        mr_text_add_bytes(&out, between.data, first ? 0 : between.bytes);
        mr_template_filter_text(item, &out);
        MR_TRY(check_size(c, &out));
    }
    return give_text(c, mr_text_span(&out), ret);
}

static mr_code filter_length(const call *c, mr_span *ret) {
    mr_jsonvalue_kind kind = kind_of(c->values[0]);
    uint64_t count = 0;
    if (kind == MR_JSONVALUE_STRING) {
        count = mr_utf8_length(text_of(c, 0));
    } else if (kind == MR_JSONVALUE_ARRAY || kind == MR_JSONVALUE_OBJECT) {
        mr_span rest = mr_jsonvalue_inside(c->values[0]);
        mr_span key, item;
        while (mr_jsonvalue_next(&rest, kind == MR_JSONVALUE_OBJECT ? &key : NULL, &item)) {
            count++;
        }
    } else {
        return refuse(c, "a text, list or map");
    }
    *ret = mr_span_of(mr_arena_printf(c->cx->arena, "%" PRIu64, count));
    return MR_OK;
}

static mr_code pick(const call *c, bool last, mr_span *ret) {
    if (kind_of(c->values[0]) != MR_JSONVALUE_ARRAY) {
        return refuse(c, "a list");
    }
    mr_span rest = mr_jsonvalue_inside(c->values[0]);
    mr_span item = MR_SPAN("null");
    while (mr_jsonvalue_next(&rest, NULL, &item) && last) {
    }
    *ret = item;
    return MR_OK;
}

static mr_code filter_first(const call *c, mr_span *ret) {
    return pick(c, /* last= */ false, ret);
}

static mr_code filter_last(const call *c, mr_span *ret) {
    return pick(c, /* last= */ true, ret);
}

// ---- times -----------------------------------------------------------------------------------

// A date or moment, in the zone's wall clock.
typedef struct moment {
    bool is_date;
    int64_t local_us;
    int32_t offset_s;
} moment;

static mr_code take_moment(const call *c, moment *ret) {
    mr_span text = text_of(c, 0);
    int64_t us;
    if (kind_of(c->values[0]) != MR_JSONVALUE_STRING ||
        !mr_civil_parse(text.data, text.bytes, c->zone, &us)) {
        return refuse(c, "a date or moment");
    }
    int32_t days;
    ret->is_date = memchr(text.data, ':', text.bytes) == NULL &&
                   mr_civil_parse_date(text.data, text.bytes, &days);
    ret->offset_s = mr_zone_offset_s(c->zone, us);
    ret->local_us = ret->is_date ? (int64_t)days * MR_DAY_US : us + ret->offset_s * MR_SECOND_US;
    return MR_OK;
}

static int64_t day_of(int64_t local_us) {
    return (local_us - ((local_us % MR_DAY_US) + MR_DAY_US) % MR_DAY_US) / MR_DAY_US;
}

static void add_offset(mr_text *out, int32_t offset_s, const char *colon) {
    uint32_t minutes = (uint32_t)(offset_s < 0 ? -offset_s : offset_s) / 60;
    mr_text_addf(out, "%c%02u%s%02u", offset_s < 0 ? '-' : '+', minutes / 60, colon, minutes % 60);
}

void mr_template_add_time(mr_text *out, int64_t us, const mr_zone *zone) {
    int32_t offset_s = mr_zone_offset_s(zone, us);
    mr_civil civil;
    mr_civil_from_us(us + offset_s * MR_SECOND_US, &civil);
    mr_text_addf(out, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d", civil.year, civil.month, civil.day,
                 civil.hour, civil.minute, civil.second);
    if (civil.us != 0) {
        mr_text_addf(out, ".%06d", civil.us);
    }
    add_offset(out, offset_s, ":");
}

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

// ISO 8601 year and week of a day.
static void iso_week(int64_t days, int64_t *ret_year, int32_t *ret_week) {
    int64_t thursday = days - (((days + 3) % 7) + 7) % 7 + 3;
    mr_civil civil;
    mr_civil_from_days(thursday, &civil);
    *ret_year = civil.year;
    *ret_week = (int32_t)((thursday - mr_civil_days(civil.year, 1, 1)) / 7 + 1);
}

// One letter of a format; false when there is no such.
static bool add_time_part(mr_text *out, char letter, const moment *m) {
    mr_civil t;
    mr_civil_from_us(m->local_us, &t);
    int64_t days = day_of(m->local_us);
    int32_t weekday = (int32_t)((((days + 4) % 7) + 7) % 7);
    int64_t iso_year;
    int32_t week;
    iso_week(days, &iso_year, &week);
    switch (letter) {
    case 'Y': mr_text_addf(out, "%04" PRId64, t.year); return true;
    case 'y': mr_text_addf(out, "%02d", (int)(((t.year % 100) + 100) % 100)); return true;
    case 'm': mr_text_addf(out, "%02d", t.month); return true;
    case 'd': mr_text_addf(out, "%02d", t.day); return true;
    case 'e': mr_text_addf(out, "%2d", t.day); return true;
    case 'H': mr_text_addf(out, "%02d", t.hour); return true;
    case 'I': mr_text_addf(out, "%02d", (t.hour + 11) % 12 + 1); return true;
    case 'M': mr_text_addf(out, "%02d", t.minute); return true;
    case 'S': mr_text_addf(out, "%02d", t.second); return true;
    case 'f': mr_text_addf(out, "%06d", t.us); return true;
    case 'p': mr_text_add(out, t.hour < 12 ? "AM" : "PM"); return true;
    case 'j': mr_text_addf(out, "%03d", (int)(days - mr_civil_days(t.year, 1, 1) + 1)); return true;
    case 'B': mr_text_add(out, month_names[t.month - 1]); return true;
    case 'b': mr_text_addf(out, "%.3s", month_names[t.month - 1]); return true;
    case 'A': mr_text_add(out, day_names[weekday]); return true;
    case 'a': mr_text_addf(out, "%.3s", day_names[weekday]); return true;
    case 'w': mr_text_addf(out, "%d", weekday); return true;
    case 'u': mr_text_addf(out, "%d", weekday == 0 ? 7 : weekday); return true;
    case 'G': mr_text_addf(out, "%04" PRId64, iso_year); return true;
    case 'V': mr_text_addf(out, "%02d", week); return true;
    case 'F':
        return add_time_part(out, 'Y', m) && (mr_text_add(out, "-"), true) &&
               add_time_part(out, 'm', m) && (mr_text_add(out, "-"), true) &&
               add_time_part(out, 'd', m);
    case 'T': mr_text_addf(out, "%02d:%02d:%02d", t.hour, t.minute, t.second); return true;
    case 's':
        mr_text_addf(out, "%" PRId64, (m->local_us - m->offset_s * MR_SECOND_US) / MR_SECOND_US);
        return true;
    case 'z': add_offset(out, m->offset_s, ""); return true;
    case '%': mr_text_add_char(out, '%'); return true;
    default: return false;
    }
}

static mr_code filter_date(const call *c, mr_span *ret) {
    moment m;
    MR_TRY(take_moment(c, &m));
    mr_span format = c->count > 1 ? text_of(c, 1) : MR_SPAN("%Y-%m-%d");
    mr_text out;
    mr_text_init(&out, c->cx->arena);
    for (size_t i = 0; i < format.bytes; i++) {
        if (format.data[i] != '%') {
            mr_text_add_char(&out, format.data[i]);
            continue;
        }
        bool bare = i + 2 < format.bytes && format.data[i + 1] == '-';  // "%-d": no zeros before.
        i += bare ? 2 : 1;
        mr_text part;
        mr_text_init(&part, c->cx->arena);
        if (i >= format.bytes || !add_time_part(&part, format.data[i], &m)) {
            return mr_fail(c->cx, MR_E_VALUE,
                           "There are %Y %y %m %d %e %H %I %M %S %f %p %j %B %b %A %a %w %u %G %V "
                           "%F %T %s %z %%, and %-d without zeros.",
                           "the format \"%.*s\" has an unknown letter", MR_SPAN_ARGS(format));
        }
        const char *text = mr_text_string(&part);
        while (bare && *text == '0' && text[1] != '\0') {
            text++;
        }
        mr_text_add(&out, text);
    }
    return give_text(c, mr_text_span(&out), ret);
}

static mr_code filter_add_days(const call *c, mr_span *ret) {
    moment m;
    MR_TRY(take_moment(c, &m));
    int64_t days;
    if (!mr_text_parse_int64(text_of(c, 1), &days) || days < -4000000 || days > 4000000) {
        return mr_fail(c->cx, MR_E_VALUE, NULL, "add_days wants a whole number of days");
    }
    mr_text out;
    mr_text_init(&out, c->cx->arena);
    int64_t local_us;
    mr_civil civil;
    if (!mr_add_fits(m.local_us, days * MR_DAY_US, &local_us) ||
        (mr_civil_from_us(local_us, &civil), civil.year < 1 || civil.year > 9999)) {
        return refuse(c, "a date of the years 1 to 9999 that stays there");
    }
    if (m.is_date) {
        mr_civil_print_date(&out, (int32_t)day_of(local_us));
    } else {
        mr_template_add_time(&out, mr_zone_to_utc(c->zone, local_us), c->zone);
    }
    return give_text(c, mr_text_span(&out), ret);
}

static mr_code format_as(const call *c, const char *format, mr_span *ret) {
    mr_span values[] = {c->values[0], mr_template_filter_string(mr_span_of(format), c->cx->arena)};
    call with = *c;
    with.values = values;
    with.count = 2;
    return filter_date(&with, ret);
}

static mr_code filter_ds(const call *c, mr_span *ret) {
    return format_as(c, "%Y-%m-%d", ret);
}

static mr_code filter_ds_nodash(const call *c, mr_span *ret) {
    return format_as(c, "%Y%m%d", ret);
}

static mr_code filter_ts(const call *c, mr_span *ret) {
    moment m;
    MR_TRY(take_moment(c, &m));
    int64_t us =
        m.is_date ? mr_zone_to_utc(c->zone, m.local_us) : m.local_us - m.offset_s * MR_SECOND_US;
    mr_text out;
    mr_text_init(&out, c->cx->arena);
    mr_template_add_time(&out, us, c->zone);
    return give_text(c, mr_text_span(&out), ret);
}

static mr_code filter_ts_nodash(const call *c, mr_span *ret) {
    return format_as(c, "%Y%m%dT%H%M%S", ret);
}

// ---- table -----------------------------------------------------------------------------------

// clang-format off
#define FILTERS(X) \
    X(default, 1, 2, "params.limit | default(10)", \
      "Another value for null and for what is not there; with true behind it also for \"\".") \
    X(tojson, 0, 0, "outputs.load.rows | tojson", "The value as JSON text.") \
    X(fromjson, 0, 0, "'[1, 2]' | fromjson | last", "The value that a JSON text is.") \
    X(date, 0, 1, "data_interval_start | date('%d.%m.%Y %H:%M')", \
      "A date or moment in the DAG's time zone, by strftime's letters.") \
    X(add_days, 1, 1, "ds | add_days(-1)", \
      "So many days later on the calendar; a moment keeps its time of day.") \
    X(ds, 0, 0, "data_interval_end | ds", "The date of a moment.") \
    X(ds_nodash, 0, 0, "data_interval_end | ds_nodash", "The date without dashes.") \
    X(ts, 0, 0, "ds | ts", "The moment with its offset; of a date its midnight.") \
    X(ts_nodash, 0, 0, "ts | ts_nodash", "The moment without dashes, colons and offset.") \
    X(shellquote, 0, 0, "\"it's\" | shellquote", "As one word of a shell.") \
    X(lower, 0, 0, "'ABC' | lower", "In small letters.") \
    X(upper, 0, 0, "var.region | upper", "In capital letters.") \
    X(trim, 0, 0, "'  a ' | trim", "Without white space at both ends.") \
    X(replace, 2, 2, "ds | replace('-', '/')", "Every occurrence of a text by another.") \
    X(join, 0, 1, "[1, 2, 3] | join(', ')", "The items of a list as one text.") \
    X(length, 0, 0, "outputs.load.rows | length", "Number of items, or of a text's characters.") \
    X(first, 0, 0, "[5, 6, 7] | first", "First item of a list; null when it is empty.") \
    X(last, 0, 0, "[5, 6, 7] | last", "Last item of a list; null when it is empty.") \
    X(int, 0, 0, "'12.9' | int", "A whole number; what is behind the point is cut.") \
    X(float, 0, 0, "'2.50' | float", "A number.") \
    X(string, 0, 0, "12 | string", "A text.")
// clang-format on

#define FILTER_ROW(name, least, most, example, doc) {#name, least, most, example, doc},
const mr_template_filter mr_template_filters[] = {FILTERS(FILTER_ROW){NULL, 0, 0, NULL, NULL}};
#define FILTER_CALL(name, least, most, example, doc) filter_##name,
static mr_code (*const filter_calls[])(const call *c, mr_span *ret) = {FILTERS(FILTER_CALL)};

bool mr_template_filter_is_default(const mr_template_filter *filter) {
    return filter == &mr_template_filters[0];
}

mr_code mr_template_filter_apply(const mr_template_filter *filter, const mr_span *values,
                                 uint32_t count, const mr_template_scope *scope, mr_span *ret,
                                 mr_cx *cx) {
    call c = {
        .values = values, .count = count, .zone = scope->zone, .name = filter->name, .cx = cx};
    return filter_calls[filter - mr_template_filters](&c, ret);
}

mr_code mr_template_filter_find(const mr_template_reader *r, mr_span name,
                                const mr_template_filter **ret) {
    const char *names[MR_COUNT(filter_calls)];
    for (size_t i = 0; i < MR_COUNT(names); i++) {
        names[i] = mr_template_filters[i].name;
        if (mr_span_is(name, names[i])) {
            *ret = &mr_template_filters[i];
            return MR_OK;
        }
    }
    mr_text all;
    mr_text_init(&all, r->cx->arena);
    for (size_t i = 0; i < MR_COUNT(names); i++) {
        mr_text_addf(&all, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    const char *written = mr_arena_copy(r->cx->arena, name.data, name.bytes);
    const char *list = mr_arena_printf(r->cx->arena, "Filters are: %s.", mr_text_string(&all));
    const char *hint = mr_text_hint(written, names, MR_COUNT(names), list, r->cx->arena);
    return mr_fail_at(r->cx, MR_E_NAME, mr_template_place(r->text, r->place, r->at), hint,
                      "unknown filter \"%s\"", written);
}
