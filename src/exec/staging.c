// Staging: see staging.h.

#include "exec/staging.h"

#include "plat/plat.h"

#define ROLL_BYTES_DEFAULT ((uint64_t)48 << 20)

mr_code mr_staging_init(mr_staging *staging, mr_sink *sink, const char *name, uint32_t index,
                        int64_t trigger_us, mr_cx *cx) {
    *staging = (mr_staging){.sink = sink,
                            .name = name,
                            .index = index,
                            .trigger_us = trigger_us,
                            .roll_age_us = -1,
                            .roll_bytes = ROLL_BYTES_DEFAULT};
    mr_rows_init(&staging->waiting, sink->spec.schema);
    const char *age = mr_option_find(sink->spec.options, "roll_age");
    const char *size = mr_option_find(sink->spec.options, "roll_size");
    if (age != NULL && !mr_text_parse_duration_us(mr_span_of(age), &staging->roll_age_us)) {
        return mr_fail(cx, MR_E_OPTION, "Write a duration such as '5 minutes'.",
                       "roll_age of table \"%s\" is \"%s\"", name, age);
    }
    if (size != NULL && !mr_text_parse_bytes(mr_span_of(size), &staging->roll_bytes)) {
        return mr_fail(cx, MR_E_OPTION, "Write a size such as '128MB'.",
                       "roll_size of table \"%s\" is \"%s\"", name, size);
    }
    staging->roll_bytes = staging->roll_bytes == 0 ? ROLL_BYTES_DEFAULT : staging->roll_bytes;
    staging->roll_age_us = staging->roll_age_us == 0 ? -1 : staging->roll_age_us;  // No limit.
    return MR_OK;
}

void mr_staging_release(mr_staging *staging) {
    mr_rows_release(&staging->waiting);
}

void mr_staging_added(mr_staging *staging, int64_t now_us) {
    if (staging->oldest_us == 0 && staging->waiting.row_count > 0) {
        staging->oldest_us = now_us;
    }
}

void mr_staging_add(mr_staging *staging, const mr_batch *batch, int64_t now_us) {
    mr_rows_append(&staging->waiting, batch);
    mr_staging_added(staging, now_us);
}

void mr_staging_add_rows(mr_staging *staging, const mr_rows *rows, int64_t now_us) {
    mr_rows_append_rows(&staging->waiting, rows);
    mr_staging_added(staging, now_us);
}

bool mr_staging_trigger_due(const mr_staging *staging, int64_t now_us) {
    return staging->fires_at_us == 0 || now_us >= staging->fires_at_us;
}

bool mr_staging_due(const mr_staging *staging, int64_t now_us, bool flush) {
    if (staging->waiting.row_count == 0) {
        return false;
    }
    if (flush || staging->waiting.bytes >= staging->roll_bytes) {
        return true;
    }
    if (staging->roll_age_us >= 0) {
        return now_us - staging->oldest_us >= staging->roll_age_us;
    }
    return mr_staging_trigger_due(staging, now_us);
}

mr_code mr_staging_prepare(mr_staging *staging, const mr_publication_id *id, mr_cx *cx) {
    mr_sink *sink = staging->sink;
    int64_t began_us = mr_clock_monotonic_us(cx->plat);
    mr_code code = sink->type->begin(sink, id, cx);
    uint64_t total = staging->waiting.row_count;
    mr_arena batch_arena = {0};
    for (uint64_t first = 0; first < total && code == MR_OK; first += MR_BATCH_ROWS_MAX) {
        uint32_t count = (uint32_t)MR_MIN(total - first, MR_BATCH_ROWS_MAX);
        mr_batch batch;
        mr_arena_clear(&batch_arena);
        mr_rows_batch(&staging->waiting, first, count, &batch_arena, &batch);
        code = sink->type->write(sink, &batch, cx);
    }
    mr_arena_release(&batch_arena);
    if (code == MR_OK) {
        code = sink->type->prepare(sink, &staging->publication, cx);
    }
    if (code != MR_OK) {
        mr_error first = cx->error;
        sink->type->abort(sink, cx);
        cx->error = first;
        return mr_error_in(cx, code, "writing table \"%s\"", staging->name);
    }
    staging->publication.id = *id;
    staging->prepared = true;
    staging->write_us += mr_clock_monotonic_us(cx->plat) - began_us;
    return MR_OK;
}

void mr_staging_committed(mr_staging *staging, int64_t now_us) {
    if (!staging->fires) {
        staging->logged_rows = staging->waiting.row_count;
        return;
    }
    staging->rows_written += staging->waiting.row_count;
    staging->files_written += staging->publication.file_count;
    for (uint32_t f = 0; f < staging->publication.file_count; f++) {
        staging->bytes_written += staging->publication.files[f].bytes;
    }
    mr_rows_clear(&staging->waiting);
    staging->logged_rows = 0;
    staging->oldest_us = 0;
    staging->fires_at_us = MR_MAX(now_us + staging->trigger_us, 1);
    staging->fires = false;
}
