// Command "consume": the records of a topic to standard output.

#include <inttypes.h>
#include <string.h>

#include "cli/reach.h"
#include "kafka/moment.h"
#include "kafka/recordline.h"
#include "plat/thread.h"

#define WRITE_BYTES ((size_t)64 << 10)
#define WAIT_US     ((int64_t)200000)
#define NUMBERS_MAX 100000

static const mr_cli_flag consume_flags[] = {
    {"--from", "PLACE", false,
     "beginning (the default), end, an offset, -N: N before the end, or a time: 2026-01-31, -1h."},
    {"--partition", "0,2", false, "Only these."},
    {"--group", "GROUP", false, "Take part in a group, and commit what was written out."},
    {"--follow", NULL, false, "Go on when the end is reached."},
    {"--count", "N", false, "Stop after N records."},
    {"--keys", "SEPARATOR", false, "Write the key and this before the value (\\t: a tab)."},
    {"--null", "TEXT", false, "What is written for a null key or value (default nothing)."},
    {"--json", NULL, false, "One JSON object a record, with its metadata."},
    {"--uncommitted", NULL, false, "Records of open and aborted transactions too."},
    MR_CLI_REACH_FLAGS,
    MR_CLI_FLAGS_END,
};

static atomic_bool stop_flag;

typedef struct consume_job {
    mr_reader_options options;
    mr_recordline_form form;
    int64_t count;  // Left; -1 = all.
    uint64_t written;
    mr_text out;
} consume_job;

// ---- options ---------------------------------------------------------------------------------

static mr_code read_place(const char *text, mr_reader_options *options, mr_cx *cx) {
    return text == NULL || mr_moment_from(text, mr_clock_real_us(cx->plat), options)
               ? MR_OK
               : mr_fail(cx, MR_E_OPTION,
                         "Write beginning, end, an offset, -N, or a time such as "
                         "2026-01-31T12:00:00Z or -1h.",
                         "bad value \"%s\" for option \"--from\"", text);
}

static mr_code read_partitions(const char *text, mr_reader_options *options, mr_cx *cx) {
    if (text == NULL) {
        return MR_OK;
    }
    int32_t *numbers = MR_NEW_ARRAY(cx->arena, int32_t, strlen(text) + 1);
    for (const char *at = text; at != NULL;) {
        const char *comma = strchr(at, ',');
        mr_span one = {at, comma == NULL ? strlen(at) : (size_t)(comma - at)};
        int64_t number;
        if (!mr_text_parse_int64(one, &number) || number < 0 || number >= NUMBERS_MAX) {
            return mr_fail(cx, MR_E_OPTION, "Write --partition 0,2.",
                           "bad value \"%s\" for option \"--partition\"", text);
        }
        numbers[options->partition_count++] = (int32_t)number;
        at = comma == NULL ? NULL : comma + 1;
    }
    options->partitions = numbers;
    return MR_OK;
}

static const char *separator_of(const char *text) {
    return text != NULL && strcmp(text, "\\t") == 0 ? "\t" : text;
}

static mr_code read_job(const mr_cli_args *args, consume_job *job, mr_cx *cx) {
    *job = (consume_job){
        .options = {.topic = args->plain[0],
                    .group = mr_args_get(args, "--group"),
                    .follow = mr_args_has(args, "--follow"),
                    .uncommitted = mr_args_has(args, "--uncommitted")},
        .form = {.json = mr_args_has(args, "--json"),
                 .separator = separator_of(mr_args_get(args, "--keys")),
                 .null = mr_args_get(args, "--null")},
        .count = -1,
    };
    mr_text_init(&job->out, NULL);
    MR_TRY(mr_reach_number(args, "--count", 1, &job->count, cx));
    MR_TRY(read_place(mr_args_get(args, "--from"), &job->options, cx));
    return read_partitions(mr_args_get(args, "--partition"), &job->options, cx);
}

// ---- writing ---------------------------------------------------------------------------------

static mr_code write_out(consume_job *job, mr_cx *cx) {
    mr_code code = mr_stream_write(MR_STDOUT, mr_text_span(&job->out), cx);
    mr_text_clear(&job->out);
    return code;
}

static mr_code consume_all(consume_job *job, mr_reader *reader, mr_cx *cx) {
    while (job->count != 0 && !mr_cx_cancelled(cx)) {
        const mr_reader_record *record;
        bool end;
        // What was read is written out before a wait, and before it can be committed.
        MR_TRY(mr_reader_next(reader, job->out.bytes > 0 ? 0 : WAIT_US, &record, &end, cx));
        if (record != NULL) {
            mr_recordline_add(&job->form, job->options.topic, record, &job->out);
            job->written++;
            job->count -= job->count > 0;
        }
        if (job->out.bytes > 0 &&
            (record == NULL || job->out.bytes >= WRITE_BYTES || job->count == 0)) {
            MR_TRY(write_out(job, cx));
        }
        if (end) {
            break;
        }
    }
    MR_TRY(write_out(job, cx));
    return mr_reader_commit(reader, cx);
}

// Whether who read our output went away, as head does: then we are done, too.
static bool is_unread(const mr_error *error) {
    return error->code == MR_E_IO && strstr(error->text, "Broken pipe") != NULL;
}

static int consume_run(const mr_cli_args *args, mr_cx *cx) {
    consume_job job;
    if (read_job(args, &job, cx) != MR_OK) {
        return mr_reach_failed(cx);
    }
    mr_control control;
    if (mr_reach_open(args, &control, cx) != MR_OK) {
        return mr_reach_failed(cx);
    }
    mr_thread_catch_stop(&stop_flag);
    cx->cancel = &stop_flag;
    job.options.servers = mr_reach_servers(args, cx);
    job.options.timeout_us = control.timeout_us;
    mr_reader *reader = NULL;
    mr_code code = mr_reader_open(&control, &job.options, &reader, cx);
    code = code == MR_OK ? consume_all(&job, reader, cx) : code;
    int exit_code = code == MR_OK || is_unread(&cx->error) ? MR_EXIT_DONE : mr_reach_failed(cx);
    mr_reader_close(reader, cx);
    mr_text_release(&job.out);
    mr_control_close(&control, cx->plat);
    return exit_code == MR_EXIT_DONE && atomic_load(&stop_flag) ? MR_EXIT_INTERRUPTED : exit_code;
}

const mr_cli_command mr_cmd_consume = {
    .name = "consume",
    .usage = "TOPIC [options]",
    .summary = "Writes a topic's records to standard output.",
    .details = "Reads all that is there, from the beginning to the end, unless --from, --follow or "
               "--count says\notherwise. With --group its offsets come first; --group and "
               "--partition reads these without\njoining. Bytes that are not UTF-8 are \\x and hex "
               "digits in JSON.",
    .flags = consume_flags,
    .plain_min = 1,
    .plain_max = 1,
    .run = consume_run,
};
