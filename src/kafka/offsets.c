// Offsets: the option starting_offsets; see offsets.h.

#include "kafka/offsets.h"

#include <inttypes.h>
#include <string.h>

#define OFFSETS_PARTITIONS_MAX 100000

typedef struct offsets_reader {
    const char *at;
    const char *end;
} offsets_reader;

static void skip_space(offsets_reader *r) {
    while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL) {
        r->at++;
    }
}

static bool take_char(offsets_reader *r, char c) {
    skip_space(r);
    if (r->at == r->end || *r->at != c) {
        return false;
    }
    r->at++;
    return true;
}

// A string without escapes: names of topics and numbers have none.
static bool take_string(offsets_reader *r, mr_span *ret) {
    if (!take_char(r, '"')) {
        return false;
    }
    const char *close = memchr(r->at, '"', (size_t)(r->end - r->at));
    if (close == NULL) {
        return false;
    }
    *ret = (mr_span){r->at, (size_t)(close - r->at)};
    r->at = close + 1;
    return memchr(ret->data, '\\', ret->bytes) == NULL;
}

static bool take_number(offsets_reader *r, int64_t *ret) {
    skip_space(r);
    const char *start = r->at;
    while (r->at < r->end && (*r->at == '-' || (*r->at >= '0' && *r->at <= '9'))) {
        r->at++;
    }
    return mr_text_parse_int64((mr_span){start, (size_t)(r->at - start)}, ret);
}

static void put(mr_offsets *offsets, uint32_t partition, int64_t offset, mr_arena *arena) {
    if (partition >= offsets->each_count) {
        int64_t *wider = mr_arena_raw(arena, sizeof(int64_t) * (partition + 1));
        for (uint32_t p = 0; p <= partition; p++) {
            wider[p] = p < offsets->each_count ? offsets->each[p] : INT64_MIN;
        }
        offsets->each = wider;
        offsets->each_count = partition + 1;
    }
    offsets->each[partition] = offset;
}

// {"0":23,"1":-2}
static bool take_partitions(offsets_reader *r, mr_offsets *offsets, mr_arena *arena) {
    if (!take_char(r, '{')) {
        return false;
    }
    do {
        mr_span name;
        int64_t partition, offset;
        if (!take_string(r, &name) || !take_char(r, ':') || !take_number(r, &offset) ||
            !mr_text_parse_int64(name, &partition) || partition < 0 ||
            partition >= OFFSETS_PARTITIONS_MAX || offset < MR_OFFSETS_EARLIEST) {
            return false;
        }
        put(offsets, (uint32_t)partition, offset, arena);
    } while (take_char(r, ','));
    return take_char(r, '}');
}

static mr_code parse_each(const char *text, const char *topic, mr_offsets *ret, mr_cx *cx) {
    static const char hint[] = "Write {\"events\":{\"0\":23,\"1\":-2}}: topic, partition, offset; "
                               "-2 is the earliest, -1 the latest.";
    offsets_reader r = {text, text + strlen(text)};
    mr_span name;
    if (!take_char(&r, '{') || !take_string(&r, &name) || !take_char(&r, ':')) {
        return mr_fail(cx, MR_E_VALUE, hint, "malformed starting_offsets \"%s\"", text);
    }
    if (!mr_span_is(name, topic)) {
        return mr_fail(cx, MR_E_VALUE, hint, "starting_offsets name topic \"%.*s\", not \"%s\"",
                       MR_SPAN_ARGS(name), topic);
    }
    bool ok = take_partitions(&r, ret, cx->arena) && take_char(&r, '}');
    skip_space(&r);
    if (!ok || r.at != r.end) {
        return mr_fail(cx, MR_E_VALUE, hint, "malformed starting_offsets \"%s\"", text);
    }
    return MR_OK;
}

mr_code mr_offsets_parse(const char *text, const char *topic, const mr_zone *zone, mr_offsets *ret,
                         mr_cx *cx) {
    mr_offsets offsets = {0};
    mr_span in = mr_span_trim(mr_span_of(text));
    int64_t time_us;
    if (mr_span_equal_nocase(in, MR_SPAN("earliest"))) {
        offsets.all = MR_OFFSETS_EARLIEST;
    } else if (mr_span_equal_nocase(in, MR_SPAN("latest"))) {
        offsets.all = MR_OFFSETS_LATEST;
    } else if (in.bytes > 0 && in.data[0] == '{') {
        MR_TRY(parse_each(text, topic, &offsets, cx));
    } else if (mr_text_parse_int64(in, &offsets.time_ms)) {
        offsets.by_time = true;
    } else if (mr_civil_parse(in.data, in.bytes, zone, &time_us)) {
        offsets.by_time = true;
        // Records carry milliseconds: the first one at or after the moment.
        offsets.time_ms = -mr_floor_div(-time_us, 1000);
    } else {
        return mr_fail(cx, MR_E_VALUE, "Write earliest, latest, a time, or {\"topic\":{\"0\":23}}.",
                       "malformed starting_offsets \"%s\"", text);
    }
    *ret = offsets;
    return MR_OK;
}
