// Generate: made-up events, the same for the same seed; see generate.h.

#include "conn/generate.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/civil.h"
#include "base/hash.h"

#define GENERATE_COPY_DISTANCE 512
#define GENERATE_USERS         420  // A few more than the examples' dimensions have.
#define GENERATE_PRODUCTS      104
#define GENERATE_SENSORS       50

const mr_option mr_generate_options[] = {
    MR_OPTION_CHOICE(mr_generate_settings, kind, "retail|sensors", "retail",
                     "What the events are."),
    MR_OPTION(mr_generate_settings, spec, MR_OPT_PATH, NULL,
              "Instead of kind: a YAML file that says what the rows are; see docs/generate.md."),
    MR_OPTION(mr_generate_settings, rate, MR_OPT_INT, "0",
              "Events made in a second; 0 = as many as are taken."),
    MR_OPTION(mr_generate_settings, count, MR_OPT_INT, "0", "Events in all; 0 = no end."),
    MR_OPTION(mr_generate_settings, seed, MR_OPT_INT, "1", "Another seed makes other events."),
    MR_OPTION(mr_generate_settings, partitions, MR_OPT_INT, "1",
              "Partitions that the events are dealt to in turn."),
    MR_OPTION(mr_generate_settings, event_rate, MR_OPT_INT, "1000",
              "Events in a second of event time."),
    MR_OPTION(mr_generate_settings, duplicates, MR_OPT_TEXT, "0.05",
              "Share of events that are copies of an earlier one."),
    MR_OPTION(mr_generate_settings, nulls, MR_OPT_TEXT, "0.02",
              "Share of NULLs in the columns that may have them."),
    MR_OPTION(mr_generate_settings, late, MR_OPT_TEXT, "0", "Share of events that are late."),
    MR_OPTION(mr_generate_settings, bad, MR_OPT_TEXT, "0", "Share of records that cannot be read."),
    MR_OPTION(mr_generate_settings, start, MR_OPT_TEXT, "2026-01-01 00:00:00",
              "Event time of the first event, in UTC."),
    MR_OPTION(mr_generate_settings, disorder, MR_OPT_DURATION, "20 seconds",
              "How far events that are not late are behind each other, at most."),
    MR_OPTION(mr_generate_settings, late_by, MR_OPT_DURATION, "10 minutes",
              "How far late events are behind."),
    MR_OPTION_END,
};

static mr_code take_share(const char *name, const char *text, uint32_t *ret, mr_cx *cx) {
    double share;
    if (!mr_text_parse_double(mr_span_trim(mr_span_of(text)), &share) ||
        !(share >= 0.0 && share <= 1.0)) {
        return mr_fail(cx, MR_E_OPTION, "Write a share from 0 to 1, such as 0.05.",
                       "bad value \"%s\" for option \"%s\"", text, name);
    }
    *ret = (uint32_t)floor(share * 4294967295.0);
    return MR_OK;
}

mr_code mr_generate_init(const mr_generate_settings *settings, mr_generate *ret, mr_cx *cx) {
    mr_generate generate = {
        .sensors = strcmp(settings->kind, "sensors") == 0,
        .seed = (uint64_t)settings->seed,
        .event_rate = settings->event_rate,
        .disorder_us = settings->disorder,
        .late_us = settings->late_by,
    };
    MR_TRY(take_share("duplicates", settings->duplicates, &generate.duplicates, cx));
    MR_TRY(take_share("nulls", settings->nulls, &generate.nulls, cx));
    MR_TRY(take_share("late", settings->late, &generate.late, cx));
    MR_TRY(take_share("bad", settings->bad, &generate.bad, cx));
    if (settings->event_rate < 1 || settings->rate < 0 || settings->count < 0) {
        return mr_fail(cx, MR_E_OPTION, "Write event_rate above 0, rate and count from 0.",
                       "rates and counts cannot be negative");
    }
    mr_span start = mr_span_trim(mr_span_of(settings->start));
    if (!mr_civil_parse(start.data, start.bytes, /* zone= */ NULL, &generate.start_us)) {
        return mr_fail(cx, MR_E_OPTION, "Write a time, such as 2026-01-01 00:00:00.",
                       "bad value \"%s\" for option \"start\"", settings->start);
    }
    *ret = generate;
    return MR_OK;
}

// A stream of random numbers that belongs to one event.
typedef struct dice {
    uint64_t state;
} dice;

static uint64_t roll(dice *d) {
    d->state += 0x9E3779B97F4A7C15u;
    return mr_hash_u64(d->state, 0);
}

static uint32_t roll_below(dice *d, uint32_t limit) {
    return (uint32_t)(((roll(d) >> 32) * limit) >> 32);
}

static bool roll_share(dice *d, uint32_t share) {
    return share > 0 && (roll(d) >> 32) <= share;
}

static dice dice_of(const mr_generate *generate, uint64_t index, uint64_t purpose) {
    return (dice){mr_hash_u64(index, generate->seed * 8 + purpose)};
}

// The event whose content event `index` has: its own, or that of the one it copies.
static uint64_t origin_of(const mr_generate *generate, uint64_t index) {
    while (index > 0) {
        dice d = dice_of(generate, index, 1);
        if (!roll_share(&d, generate->duplicates)) {
            break;
        }
        index -= 1 + roll_below(&d, (uint32_t)MR_MIN(index, (uint64_t)GENERATE_COPY_DISTANCE));
    }
    return index;
}

static void add_time(const mr_generate *generate, uint64_t index, dice *d, mr_text *out) {
    int64_t at_us =
        generate->start_us + (int64_t)((__int128)index * MR_SECOND_US / generate->event_rate);
    if (generate->disorder_us > 0) {
        at_us -= (int64_t)(((unsigned __int128)roll(d) * (uint64_t)generate->disorder_us) >> 64);
    }
    if (roll_share(d, generate->late)) {
        at_us -= generate->late_us;
    }
    mr_text_add_char(out, '"');
    mr_civil_print_iso(out, mr_floor_div(at_us, 1000) * 1000);
    mr_text_add_char(out, '"');
}

static void add_word(const mr_generate *generate, const char *word, dice *d, mr_text *out) {
    if (roll_share(d, generate->nulls)) {
        mr_text_add(out, "null");
    } else {
        mr_text_addf(out, "\"%s\"", word);
    }
}

static void add_retail(const mr_generate *generate, uint64_t index, mr_text *out) {
    static const char *const countries[] = {"in", "IN", "in", "us", "US", "de", "gb", "fr", "br"};
    static const char *const devices[] = {"mobile", " Mobile ", "Desktop",
                                          "tablet", "MOBILE",   "desktop "};
    dice d = dice_of(generate, index, 2);
    uint64_t high = roll(&d), low = roll(&d);
    mr_text_addf(out, "{\"event_id\": \"%08x-%04x-4%03x-a%03x-%012" PRIx64 "\", \"user_id\": %u, ",
                 (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xFFFF),
                 (unsigned)(high >> 4 & 0xFFF), (unsigned)(low >> 52), low & 0xFFFFFFFFFFFFu,
                 1 + roll_below(&d, GENERATE_USERS));
    mr_text_addf(out, "\"product_id\": %u, \"amount\": ", 1 + roll_below(&d, GENERATE_PRODUCTS));
    uint32_t cents = 100 + roll_below(&d, 49900);
    if (roll_share(&d, generate->nulls)) {
        mr_text_add(out, "null");
    } else {
        mr_text_addf(out, "%u.%02u", cents / 100, cents % 100);
    }
    mr_text_add(out, ", \"country\": ");
    add_word(generate, countries[roll_below(&d, MR_COUNT(countries))], &d, out);
    mr_text_add(out, ", \"device\": ");
    add_word(generate, devices[roll_below(&d, MR_COUNT(devices))], &d, out);
    mr_text_add(out, ", \"event_time\": ");
    add_time(generate, index, &d, out);
    mr_text_add_char(out, '}');
}

static void add_sensor(const mr_generate *generate, uint64_t index, mr_text *out) {
    static const char *const sources[] = {"north", "south", "east", "west"};
    dice d = dice_of(generate, index, 2);
    uint32_t id = 1 + roll_below(&d, GENERATE_SENSORS);
    mr_text_addf(out, "{\"id\": %u, \"ts\": ", id);
    add_time(generate, index, &d, out);
    uint32_t value = id * 100 + roll_below(&d, 5000);
    mr_text_addf(out, ", \"value\": %u.%02u, \"source\": ", value / 100, value % 100);
    add_word(generate, sources[id % MR_COUNT(sources)], &d, out);
    mr_text_add_char(out, '}');
}

// Spoils the record that begins at `start`: cut short, not an object, a wrong type, or no time.
static void spoil(const mr_generate *generate, uint64_t index, size_t start, mr_text *out) {
    dice d = dice_of(generate, index, 4);
    const char *time = generate->sensors ? "ts" : "event_time";
    switch (roll_below(&d, 4)) {
    case 0: out->bytes -= (out->bytes - start) / 2; break;
    case 1:
        out->bytes = start;
        mr_text_addf(out, "event %" PRIu64 " is no JSON", index);
        break;
    case 2:
        out->bytes = start;
        mr_text_addf(
            out, "{\"event_id\": \"%" PRIu64 "\", \"user_id\": \"many\", \"id\": \"many\"}", index);
        break;
    default:
        out->bytes = start;
        mr_text_addf(out, "{\"event_id\": \"%" PRIu64 "\", \"id\": 1, \"%s\": \"2026-99-99\"}",
                     index, time);
        break;
    }
}

void mr_generate_event(const mr_generate *generate, uint64_t index, mr_text *out) {
    index = origin_of(generate, index);
    size_t start = out->bytes;
    if (generate->sensors) {
        add_sensor(generate, index, out);
    } else {
        add_retail(generate, index, out);
    }
    dice d = dice_of(generate, index, 3);
    if (roll_share(&d, generate->bad)) {
        spoil(generate, index, start, out);
    }
}
