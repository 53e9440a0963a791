// Command "produce": lines to a topic, as records.

#include <inttypes.h>
#include <string.h>

#include "cli/reach.h"
#include "codec/compress.h"
#include "kafka/recordline.h"
#include "plat/input.h"
#include "plat/thread.h"

#define HEADERS_MAX MR_WRITER_HEADERS_MAX

static const mr_cli_flag produce_flags[] = {
    {"--key-separator", "TEXT", false, "What stands before it in a line is the key (\\t: a tab)."},
    {"--null", "TEXT", false, "A key or value that is this is null."},
    {"--header", "NAME=VALUE", true, "A header of every record."},
    {"--json", NULL, false, "Lines are JSON as consume --json writes them."},
    {"--partition", "N", false, "All go here (default: by the key, or as it suits)."},
    {"--compression", "none|gzip|snappy|lz4|zstd", false, "Of batches (default none)."},
    {"--acks", "all|1|0", false, "Who must have a record before it counts (default all)."},
    {"--rate", "N", false, "Records a second (default: as fast as they are taken)."},
    {"--create", NULL, false, "Make the topic when it is missing."},
    {"-X", "PROPERTY=VALUE", true,
     "acks, compression.type, linger.ms, batch.size, enable.idempotence, request.timeout.ms, "
     "delivery.timeout.ms."},
    MR_CLI_REACH_FLAGS,
    MR_CLI_FLAGS_END,
};

static atomic_bool stop_flag;

typedef struct produce_job {
    mr_writer_options options;
    mr_recordline_form form;
    int64_t partition;
    int64_t rate;
    mr_writer_header headers[HEADERS_MAX];
    uint32_t header_count;
    mr_arena record_arena;  // Of one line's JSON.
    uint64_t count;
} produce_job;

// ---- options ---------------------------------------------------------------------------------

static mr_code bad(const char *name, const char *value, const char *hint, mr_cx *cx) {
    return mr_fail(cx, MR_E_OPTION, hint, "bad value \"%s\" for \"%s\"", value, name);
}

static mr_code set_acks(produce_job *job, const char *name, const char *value, mr_cx *cx) {
    bool all = strcmp(value, "all") == 0 || strcmp(value, "-1") == 0;
    if (!all && strcmp(value, "0") != 0 && strcmp(value, "1") != 0) {
        return bad(name, value, "Write all, 1 or 0.", cx);
    }
    job->options.acks = all ? -1 : (int16_t)(value[0] - '0');
    job->options.idempotent = job->options.idempotent && all;
    return MR_OK;
}

static mr_code set_compression(produce_job *job, const char *name, const char *value, mr_cx *cx) {
    if (mr_compress_named(value, &job->options.compression)) {
        return MR_OK;
    }
    return bad(name, value, "Write none, gzip, snappy, lz4 or zstd.", cx);
}

static mr_code set_number(const char *name, const char *value, int64_t scale, int64_t *ret,
                          mr_cx *cx) {
    int64_t number;
    if (!mr_text_parse_int64(mr_span_of(value), &number) || number < 0 || number > INT32_MAX) {
        return bad(name, value, "Write a whole number from 0.", cx);
    }
    *ret = number * scale;
    return MR_OK;
}

static mr_code set_property(produce_job *job, const mr_job_pair *pair, mr_cx *cx) {
    static const char *const names[] = {"acks",
                                        "compression.type",
                                        "linger.ms",
                                        "batch.size",
                                        "enable.idempotence",
                                        "request.timeout.ms",
                                        "delivery.timeout.ms"};
    mr_writer_options *o = &job->options;
    if (strcmp(pair->name, names[0]) == 0) {
        return set_acks(job, pair->name, pair->value, cx);
    }
    if (strcmp(pair->name, names[1]) == 0) {
        return set_compression(job, pair->name, pair->value, cx);
    }
    if (strcmp(pair->name, names[2]) == 0) {
        return set_number(pair->name, pair->value, 1000, &o->linger_us, cx);
    }
    if (strcmp(pair->name, names[3]) == 0) {
        int64_t bytes;
        MR_TRY(set_number(pair->name, pair->value, 1, &bytes, cx));
        o->batch_bytes = (uint64_t)bytes;
        return MR_OK;
    }
    if (strcmp(pair->name, names[4]) == 0) {
        bool on = strcmp(pair->value, "true") == 0;
        if (!on && strcmp(pair->value, "false") != 0) {
            return bad(pair->name, pair->value, "Write true or false.", cx);
        }
        o->idempotent = on;
        return MR_OK;
    }
    if (strcmp(pair->name, names[5]) == 0) {
        return set_number(pair->name, pair->value, 1000, &o->request_timeout_us, cx);
    }
    if (strcmp(pair->name, names[6]) == 0) {
        return set_number(pair->name, pair->value, 1000, &o->delivery_timeout_us, cx);
    }
    return mr_fail(cx, MR_E_OPTION,
                   mr_text_hint(pair->name, names, MR_COUNT(names),
                                "millrace produce --help lists those that there are.", cx->arena),
                   "no property \"%s\" of millrace produce", pair->name);
}

static const char *unescaped(const char *text, mr_cx *cx) {
    char *out = mr_arena_string(cx->arena, text);
    size_t to = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool tab = text[i] == '\\' && text[i + 1] == 't';
        out[to++] = tab ? '\t' : text[i];
        i += tab;
    }
    out[to] = '\0';
    return out;
}

static mr_code read_job(const mr_cli_args *args, produce_job *job, mr_cx *cx) {
    *job = (produce_job){.partition = -1, .options = mr_writer_defaults};
    job->options.topic = args->plain[0];
    mr_job_pair *pairs;
    uint32_t count;
    MR_TRY(mr_args_pairs(args, "-X", &pairs, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(set_property(job, &pairs[i], cx));
    }
    const char *acks = mr_args_get(args, "--acks");
    const char *compression = mr_args_get(args, "--compression");
    MR_TRY(acks == NULL ? MR_OK : set_acks(job, "--acks", acks, cx));
    MR_TRY(compression == NULL ? MR_OK : set_compression(job, "--compression", compression, cx));
    if (job->options.acks >= 0 && job->options.idempotent) {
        return mr_fail(cx, MR_E_OPTION, "Write --acks all, or enable.idempotence=false.",
                       "enable.idempotence wants acks all");
    }
    MR_TRY(mr_reach_number(args, "--partition", 0, &job->partition, cx));
    MR_TRY(mr_reach_number(args, "--rate", 1, &job->rate, cx));
    MR_TRY(mr_args_pairs(args, "--header", &pairs, &count, cx));
    if (count > HEADERS_MAX) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "a record has %d headers at the most, not %" PRIu32,
                       HEADERS_MAX, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        job->headers[job->header_count++] =
            (mr_writer_header){mr_span_of(pairs[i].name), mr_span_of(pairs[i].value)};
    }
    const char *separator = mr_args_get(args, "--key-separator");
    job->form.separator =
        separator == NULL || separator[0] == '\0' ? NULL : unescaped(separator, cx);
    job->form.null = mr_args_get(args, "--null");
    job->form.json = mr_args_has(args, "--json");
    return job->partition <= INT32_MAX
               ? MR_OK
               : mr_fail(cx, MR_E_OPTION, "Partitions are numbered from 0.",
                         "there can be no partition %" PRId64, job->partition);
}

// ---- records ---------------------------------------------------------------------------------

static mr_code send_line(produce_job *job, mr_writer *writer, const mr_input *lines, mr_span line,
                         mr_cx *cx) {
    mr_writer_header headers[HEADERS_MAX];
    mr_writer_record record = {.partition = (int32_t)job->partition,
                               .timestamp_ms = mr_clock_real_us(cx->plat) / 1000};
    mr_recordline text = {line, mr_input_file(lines), lines->number};
    mr_arena *outer = cx->arena;
    mr_arena_clear(&job->record_arena);
    cx->arena = &job->record_arena;
    mr_code code = mr_recordline_read(&job->form, &text, headers, &record, cx);
    cx->arena = outer;
    MR_TRY(code);
    MR_TRY(mr_recordline_add_headers(&text, job->headers, job->header_count, headers, &record, cx));
    job->count++;
    return mr_writer_add(writer, &record, cx);
}

static mr_code send_all(produce_job *job, mr_writer *writer, mr_input *lines, mr_cx *cx) {
    int64_t begun_us = mr_clock_monotonic_us(cx->plat);
    int64_t wait_us = 0;
    uint64_t turned = 0;
    for (;;) {
        mr_span line;
        bool found, end;
        MR_TRY(mr_input_next(lines, MR_MIN(wait_us, MR_SECOND_US), &line, &found, &end, cx));
        if (end || mr_cx_cancelled(cx)) {
            return mr_writer_flush(writer, cx);
        }
        if (found && job->rate > 0) {  // Record i is due at i / rate.
            int64_t due_us = begun_us + (int64_t)((__int128)job->count * MR_SECOND_US / job->rate);
            int64_t early_us = due_us - mr_clock_monotonic_us(cx->plat);
            if (early_us > 0) {
                MR_TRY(mr_writer_turn(writer, &wait_us, cx));
                mr_clock_sleep_us(cx->plat, early_us);
            }
        }
        if (found) {
            MR_TRY(send_line(job, writer, lines, line, cx));
        }
        if (!found || job->count - turned >= 1000) {
            MR_TRY(mr_writer_turn(writer, &wait_us, cx));
            turned = job->count;
        }
        wait_us = found ? 0 : wait_us;
    }
}

static int produce_run(const mr_cli_args *args, mr_cx *cx) {
    produce_job job;
    if (read_job(args, &job, cx) != MR_OK) {
        return mr_reach_failed(cx);
    }
    mr_control control;
    if (mr_reach_open(args, &control, cx) != MR_OK) {
        return mr_reach_failed(cx);
    }
    mr_thread_catch_stop(&stop_flag);
    cx->cancel = &stop_flag;
    mr_writer *writer = NULL;
    mr_code code = MR_OK;
    if (mr_args_has(args, "--create")) {
        mr_control_topic_new topic = {
            .name = args->plain[0], .partitions = -1, .replication = -1, .exists_fine = true};
        code = mr_control_topic_create(&control, &topic, cx);
    }
    code = code == MR_OK ? mr_writer_open(&control, &job.options, &writer, cx) : code;
    static const char *const standard_input[] = {"-"};
    mr_input lines;
    mr_input_init(&lines, args->plain_count > 1 ? args->plain + 1 : standard_input,
                  MR_MAX(args->plain_count, 2u) - 1);
    int64_t begun_us = mr_clock_monotonic_us(cx->plat);
    code = code == MR_OK ? send_all(&job, writer, &lines, cx) : code;
    int exit_code = code == MR_OK ? MR_EXIT_DONE : mr_reach_failed(cx);
    if (writer != NULL) {
        double seconds = (double)(mr_clock_monotonic_us(cx->plat) - begun_us) / 1e6;
        mr_report_say(cx, "%" PRIu64 " record%s to \"%s\" in %.1f s\n",
                      mr_writer_acknowledged(writer),
                      mr_writer_acknowledged(writer) == 1 ? "" : "s", job.options.topic, seconds);
    }
    mr_writer_close(writer);
    mr_input_release(&lines, cx->plat);
    mr_arena_release(&job.record_arena);
    mr_control_close(&control, cx->plat);
    return exit_code == MR_EXIT_DONE && atomic_load(&stop_flag) ? MR_EXIT_INTERRUPTED : exit_code;
}

const mr_cli_command mr_cmd_produce = {
    .name = "produce",
    .usage = "TOPIC [FILE …] [options]",
    .summary = "Writes lines of files, or of standard input, to a topic.",
    .details = "A line is a record's value. Records are written once and in order: a producer id "
               "is used\nunless --acks is 1 or 0. Keys decide partitions as in Kafka's Java "
               "clients (murmur2).",
    .flags = produce_flags,
    .plain_min = 1,
    .plain_max = 1000,
    .run = produce_run,
};
