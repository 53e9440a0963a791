// Command "generate": made-up events, built in or from a spec, to a file, a topic, or standard
// output.

#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "conn/generate.h"
#include "conn/synth.h"
#include "kafka/produce.h"
#include "plat/thread.h"

#define WRITE_BYTES (1 << 20)

static const mr_cli_flag generate_flags[] = {
    {"--count", "N", false, "Events in all (default the spec's, or 1000; 0 = no end)."},
    {"--rate", "N", false,
     "Events a second (default the spec's, or 0: as fast as they are taken)."},
    {"--seed", "N", false, "Another seed makes other events (default the spec's, or 1)."},
    {"--to", "FILE|kafka://HOST:PORT/TOPIC", false, "Where they go (default: standard output)."},
    {"--partitions", "N", false, "Partitions of a topic that has to be made (default 3)."},
    {"--event-rate", "N", false,
     "The rest is for retail and sensors. Events in a second of event time (default 1000)."},
    {"--start", "TIME", false, "Event time of the first event (default 2026-01-01; now)."},
    {"--duplicates", "SHARE", false, "Copies of an earlier event (default 0.05)."},
    {"--nulls", "SHARE", false, "NULLs in columns that may have them (default 0.02)."},
    {"--late", "SHARE", false, "Events that come too late (default 0)."},
    {"--bad", "SHARE", false, "Records that cannot be read (default 0)."},
    MR_CLI_FLAGS_END,
};

static atomic_bool stop_flag;

// Where events go; one of the three.
typedef struct target {
    mr_file file;
    bool has_file;
    mr_produce *topic;
    mr_text lines;  // Waiting to be written.
} target;

// What makes the events: one of the built-in kinds, or a spec.
typedef struct maker {
    mr_generate generate;
    mr_synth *synth;  // NULL: the former.
    mr_synth_cursor *cursor;
    int64_t rate;
    int64_t count;
    int32_t partitions;
} maker;

// "--event-rate" of the command is option event_rate of the generator.
static mr_code settings_read(const mr_cli_args *args, mr_generate_settings *ret, mr_cx *cx) {
    mr_option_values values = {.items =
                                   MR_NEW_ARRAY(cx->arena, mr_option_value, args->flag_count + 2)};
    values.items[values.count++] =
        (mr_option_value){.name = "kind", .value = args->plain[0], .place = MR_NOWHERE};
    if (!mr_args_has(args, "--count")) {
        values.items[values.count++] =
            (mr_option_value){.name = "count", .value = "1000", .place = MR_NOWHERE};
    }
    for (uint32_t i = 0; i < args->flag_count; i++) {
        if (strcmp(args->flags[i].name, "--to") == 0) {
            continue;
        }
        char *name = mr_arena_string(cx->arena, args->flags[i].name + 2);
        for (char *c = name; *c != '\0'; c++) {
            *c = *c == '-' ? '_' : *c;
        }
        const char *value = args->flags[i].value;
        if (strcmp(name, "start") == 0 && strcmp(value, "now") == 0) {
            mr_text now;
            mr_text_init(&now, cx->arena);
            mr_civil_print_iso(&now, mr_clock_real_us(cx->plat));
            value = mr_text_string(&now);
        }
        values.items[values.count++] =
            (mr_option_value){.name = name, .value = value, .place = MR_NOWHERE};
    }
    return mr_option_apply(mr_generate_options, &values, NULL, ret, cx);
}

static mr_code target_open(const char *to, int32_t partitions, target *ret, mr_cx *cx) {
    mr_text_init(&ret->lines, NULL);
    if (to == NULL || strcmp(to, "-") == 0) {
        return MR_OK;
    }
    if (strncmp(to, "kafka://", 8) != 0) {
        MR_TRY(mr_file_open(&ret->file, to, MR_OPEN_TRUNCATE, cx));
        ret->has_file = true;
        return MR_OK;
    }
    const char *address = to + 8;
    const char *slash = strchr(address, '/');
    if (slash == NULL || slash == address || slash[1] == '\0') {
        return mr_fail(cx, MR_E_OPTION, "Write kafka://127.0.0.1:9092/topic.",
                       "\"%s\" does not name a host and a topic", to);
    }
    const char *host = mr_arena_copy(cx->arena, address, (size_t)(slash - address));
    return mr_produce_open(host, slash + 1, partitions, &ret->topic, cx);
}

static mr_code target_write(target *to, bool all, mr_cx *cx) {
    if (to->lines.bytes < WRITE_BYTES && !all) {
        return MR_OK;
    }
    mr_span lines = mr_text_span(&to->lines);
    mr_code code =
        to->has_file ? mr_file_append(&to->file, lines, cx) : mr_stream_write(MR_STDOUT, lines, cx);
    mr_text_clear(&to->lines);
    return code;
}

static mr_code send(target *to, const maker *from, uint64_t index, mr_cx *cx) {
    mr_span key = {0};
    if (to->topic != NULL) {
        mr_text_clear(&to->lines);
    }
    if (from->cursor != NULL) {
        mr_synth_row(from->cursor, index, &to->lines, &key);
    } else {
        mr_generate_event(&from->generate, index, &to->lines);
    }
    if (to->topic == NULL) {
        mr_text_add_char(&to->lines, '\n');
        return target_write(to, false, cx);
    }
    int32_t partition = key.data != NULL ? -1 : (int32_t)(index % mr_produce_partitions(to->topic));
    return mr_produce_send(to->topic, partition, key, mr_text_span(&to->lines), cx);
}

static mr_code generate_all(const maker *from, target *to, uint64_t *ret_count, mr_cx *cx) {
    int64_t begun_us = mr_clock_monotonic_us(cx->plat);
    uint64_t count = (uint64_t)from->count;
    uint64_t index = 0;
    if (from->synth != NULL && to->topic == NULL && mr_synth_get(from->synth)->header) {
        mr_synth_header(from->synth, &to->lines);
        mr_text_add(&to->lines, to->lines.bytes > 0 ? "\n" : "");
    }
    for (; (count == 0 || index < count) && !mr_cx_cancelled(cx); index++) {
        if (from->rate > 0) {  // Event i is due at i / rate.
            int64_t due_us = begun_us + (int64_t)((__int128)index * MR_SECOND_US / from->rate);
            int64_t early_us = due_us - mr_clock_monotonic_us(cx->plat);
            if (early_us > 0) {
                MR_TRY(to->topic == NULL ? target_write(to, true, cx) : MR_OK);
                mr_clock_sleep_us(cx->plat, early_us);
            }
        }
        MR_TRY(send(to, from, index, cx));
    }
    *ret_count = index;
    return to->topic == NULL ? target_write(to, true, cx) : mr_produce_flush(to->topic, cx);
}

static bool names_spec(const char *word) {
    mr_span name = mr_span_of(word);
    return strchr(word, '/') != NULL || mr_span_ends(name, ".yaml") || mr_span_ends(name, ".yml") ||
           mr_span_ends(name, ".json");
}

static mr_code whole_number(const mr_cli_args *args, const char *flag, int64_t *ret, mr_cx *cx) {
    const char *text = mr_args_get(args, flag);
    int64_t value;
    if (text == NULL) {
        return MR_OK;
    }
    if (!mr_text_parse_int64(mr_span_of(text), &value) || value < 0) {
        return mr_fail(cx, MR_E_OPTION, "Write a whole number from 0.",
                       "bad value \"%s\" for option \"%s\"", text, flag);
    }
    *ret = value;
    return MR_OK;
}

static mr_code maker_of_spec(const mr_cli_args *args, maker *ret, mr_cx *cx) {
    static const char *const allowed[] = {"--rate", "--count", "--seed", "--to", "--partitions"};
    for (uint32_t i = 0; i < args->flag_count; i++) {
        bool found = false;
        for (size_t a = 0; a < MR_COUNT(allowed); a++) {
            found |= strcmp(args->flags[i].name, allowed[a]) == 0;
        }
        if (!found) {
            return mr_fail(cx, MR_E_OPTION, "Write it into the spec's file.",
                           "option \"%s\" is for retail and sensors", args->flags[i].name);
        }
    }
    MR_TRY(mr_synth_load(args->plain[0], mr_clock_real_us(cx->plat), &ret->synth, cx));
    const mr_synth_settings *own = mr_synth_get(ret->synth);
    int64_t seed = own->seed;
    int64_t partitions = 3;
    ret->rate = own->rate;
    ret->count = own->count;
    MR_TRY(whole_number(args, "--rate", &ret->rate, cx));
    MR_TRY(whole_number(args, "--count", &ret->count, cx));
    MR_TRY(whole_number(args, "--seed", &seed, cx));
    MR_TRY(whole_number(args, "--partitions", &partitions, cx));
    ret->partitions = (int32_t)MR_MIN(partitions, INT32_MAX);
    mr_synth_set_seed(ret->synth, seed);
    ret->cursor = mr_synth_open(ret->synth);
    return MR_OK;
}

static mr_code maker_of_kind(const mr_cli_args *args, maker *ret, mr_cx *cx) {
    mr_generate_settings settings = {0};
    MR_TRY(settings_read(args, &settings, cx));
    ret->rate = settings.rate;
    ret->count = settings.count;
    ret->partitions = mr_args_has(args, "--partitions") ? (int32_t)settings.partitions : 3;
    return mr_generate_init(&settings, &ret->generate, cx);
}

static int generate_run(const mr_cli_args *args, mr_cx *cx) {
    maker from = {0};
    target to = {.file = MR_FILE_CLOSED};
    const char *name = mr_args_get(args, "--to");
    mr_code code = names_spec(args->plain[0]) ? maker_of_spec(args, &from, cx)
                                              : maker_of_kind(args, &from, cx);
    if (code != MR_OK) {
        mr_report_error(cx);
        return code == MR_E_MISSING || code == MR_E_IO ? MR_EXIT_FAILED : MR_EXIT_USAGE;
    }
    mr_thread_catch_stop(&stop_flag);
    cx->cancel = &stop_flag;
    uint64_t count = 0;
    code = target_open(name, from.partitions, &to, cx);
    code = code == MR_OK ? generate_all(&from, &to, &count, cx) : code;
    if (code != MR_OK) {
        mr_report_error(cx);
    } else if (name != NULL) {
        mr_report_say(cx, "%" PRIu64 " events to %s\n", count, name);
    }
    mr_synth_close(from.cursor);
    mr_produce_close(to.topic);
    mr_file_close(&to.file, cx->plat);
    mr_text_release(&to.lines);
    return code == MR_OK ? MR_EXIT_DONE : MR_EXIT_FAILED;
}

const mr_cli_command mr_cmd_generate = {
    .name = "generate",
    .usage = "retail|sensors|SPEC.yaml [options]",
    .summary = "Makes events, built in or from a spec, the same for the same seed.",
    .details = "docs/generate.md shows specs.",
    .more_help = mr_synth_key_help,
    .flags = generate_flags,
    .plain_min = 1,
    .plain_max = 1,
    .run = generate_run,
};
