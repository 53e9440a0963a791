// Pipeline: a pipeline of an owner, on a thread of its own; see part.h.
//
// Also: mr_stream_

#include <inttypes.h>
#include <string.h>

#include "job/job.h"
#include "owner/part.h"

#define SQL_BYTES_MAX ((uint64_t)16 << 20)

// ---- SET run = 'manual' ----------------------------------------------------------------------

static mr_span next_word(mr_span *in) {
    while (in->bytes > 0 && strchr(" \t\r\n=;", in->data[0]) != NULL) {
        in->data++;
        in->bytes--;
    }
    size_t bytes = 0;
    while (bytes < in->bytes && strchr(" \t\r\n=;", in->data[bytes]) == NULL) {
        bytes++;
    }
    mr_span word = {in->data, bytes};
    in->data += bytes;
    in->bytes -= bytes;
    return word;
}

bool mr_stream_is_manual(mr_span text) {
    mr_span word;
    while ((word = next_word(&text)).bytes > 0) {
        if (mr_span_starts(word, "--")) {
            const char *end = memchr(word.data, '\n', (size_t)(text.data + text.bytes - word.data));
            mr_span rest = {text.data + text.bytes, 0};
            text = end == NULL ? rest : (mr_span){end, (size_t)(text.data + text.bytes - end)};
        } else if (mr_span_equal_nocase(word, MR_SPAN("set"))) {
            mr_span name = next_word(&text);
            mr_span value = next_word(&text);
            if (mr_span_equal_nocase(value, MR_SPAN("to"))) {
                value = next_word(&text);
            }
            if (mr_span_equal_nocase(name, MR_SPAN("run"))) {
                return mr_span_equal_nocase(value, MR_SPAN("'manual'"));
            }
        }
    }
    return false;
}

// ---- the thread ------------------------------------------------------------------------------

static void on_progress(void *self, const mr_progress *progress) {
    mr_part *part = self;
    mr_mutex_lock(&part->mutex);
    mr_part_progress *p = &part->progress;
    p->any = true;
    p->epoch = progress->epoch;
    p->rows = progress->input_rows_total;
    p->bad_rows = progress->bad_rows_total;
    p->late_rows = progress->late_rows_total;
    p->state_rows = progress->state_rows;
    p->state_bytes = progress->state_bytes;
    p->watermark_us = progress->watermark_us;
    if (progress->input_rows > 0 && progress->duration_us > 0) {
        p->rows_a_second = (double)progress->input_rows * 1e6 / (double)progress->duration_us;
    }
    const char *stalled = progress->stalled == NULL ? "" : progress->stalled;
    bool news = strncmp(p->stalled, stalled, sizeof(p->stalled) - 1) != 0;
    size_t bytes = MR_MIN(strlen(stalled), sizeof(p->stalled) - 1);
    memcpy(p->stalled, stalled, bytes);
    p->stalled[bytes] = '\0';
    mr_mutex_unlock(&part->mutex);
    if (news) {
        mr_part_say(part, stalled[0] == '\0' ? "goes on" : stalled);
    }
}

static void on_warning(void *self, const char *text) {
    mr_part_say(self, text);
}

static void on_print(void *self, mr_span text) {
    mr_part *part = self;
    mr_arena arena = {0};
    mr_part_say(part, mr_arena_copy(&arena, text.data, text.bytes));
    mr_arena_release(&arena);
}

static void keep_error(mr_part *part, const mr_error *error) {
    mr_text text;
    mr_text_init(&text, NULL);
    uint32_t line, column;
    if (mr_error_line_column(&error->place, &line, &column)) {
        mr_text_addf(&text, "%s:%" PRIu32 ":%" PRIu32 ": ", error->place.file, line, column);
    }
    mr_text_add(&text, error->text);
    if (error->hint[0] != '\0') {
        mr_text_addf(&text, " (%s)", error->hint);
    }
    size_t bytes = MR_MIN(text.bytes, sizeof(part->error) - 1);
    mr_mutex_lock(&part->mutex);
    memcpy(part->error, mr_text_string(&text), bytes);
    part->error[bytes] = '\0';
    mr_mutex_unlock(&part->mutex);
    mr_text_release(&text);
}

static mr_code run_job(mr_part *part, bool *ret_finished, mr_cx *cx) {
    const mr_owner_spec *owner = &part->owner->spec;
    mr_job_spec spec = {
        .file = part->file,
        .data_dir = owner->data_dir,
        .port = owner->port,
        .sets = owner->sets,
        .set_count = owner->set_count,
        .env_count = owner->env_count,
        .config = owner->config,
        .config_count = owner->config_count,
        .embedded = part->owner->embedded,
        .embedded_address = part->owner->broker_address,
        .until = MR_UNTIL_STOPPED,
        .progress = on_progress,
        .warn = on_warning,
        .print = on_print,
        .self = part,
    };
    mr_job *job = NULL;
    mr_sql_errors errors = {0};
    MR_TRY(mr_file_load(part->file, SQL_BYTES_MAX, &spec.text, cx));
    mr_code code = mr_job_load(&spec, &job, &errors, cx);
    if (code != MR_OK && errors.count > 0) {
        cx->error = errors.items[0];
    }
    code = code == MR_OK ? mr_job_run(job, ret_finished, cx) : code;
    if (job != NULL) {
        mr_error error = cx->error;
        mr_job_close(job, cx);
        cx->error = error;
    }
    return code;
}

static void *run(void *self) {
    mr_part *part = self;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, part->owner->plat);
    cx.cancel = &part->cancel;
    mr_part_say(part, "starts");
    bool finished = false;
    mr_code code = run_job(part, &finished, &cx);
    if (code != MR_OK) {
        keep_error(part, &cx.error);
        mr_part_say(part, part->error);
    }
    mr_part_say(part, code == MR_OK ? "ends" : "failed");
    mr_mutex_lock(&part->mutex);
    part->code = code;
    part->finished = finished;
    part->ended = true;
    mr_mutex_unlock(&part->mutex);
    mr_wake_signal(&part->owner->wake, part->owner->plat);
    mr_arena_release(&arena);
    return NULL;
}

mr_code mr_stream_start(mr_part *part, mr_cx *cx) {
    atomic_store(&part->cancel, false);
    part->ended = false;
    part->error[0] = '\0';
    return mr_thread_start(&part->thread, part->name, run, part, cx);
}
