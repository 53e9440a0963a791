// Progress: see progress.h.

#include "cli/progress.h"

#include <inttypes.h>
#include <string.h>

mr_code mr_progress_init(mr_cli_progress *progress, const char *form, mr_cx *cx) {
    *progress = (mr_cli_progress){.cx = cx, .started_us = mr_clock_monotonic_us(cx->plat)};
    if (form == NULL) {
        progress->form = mr_stream_is_terminal(MR_STDERR) ? MR_PROGRESS_LINE : MR_PROGRESS_NONE;
        return MR_OK;
    }
    static const char *const names[] = {"none", "line", "json"};
    for (size_t i = 0; i < MR_COUNT(names); i++) {
        if (strcmp(form, names[i]) == 0) {
            progress->form = (mr_progress_form)i;
            return MR_OK;
        }
    }
    return mr_fail(cx, MR_E_OPTION, "Write line, json or none.", "--progress does not know \"%s\"",
                   form);
}

static double per_second(uint64_t count, int64_t us) {
    return us <= 0 ? 0 : (double)count * 1e6 / (double)us;
}

static void add_sources(mr_text *out, const mr_progress *epoch) {
    mr_text_add(out, ",\"sources\":[");
    for (uint32_t s = 0; s < epoch->source_count; s++) {
        const mr_source *source = epoch->sources[s];
        mr_text_addf(out, "%s{\"description\":", s == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(source->spec.table));
        mr_text_add(out, ",\"end_offset\":{");
        for (uint32_t p = 0; p < source->partition_count; p++) {
            mr_text_add(out, p == 0 ? "" : ",");
            mr_text_add_json(out, mr_span_of(source->partitions[p].name));
            mr_text_addf(out, ":%" PRIi64, source->partitions[p].position);
        }
        mr_text_add(out, "}}");
    }
    mr_text_add(out, "]");
}

static void add_json(mr_text *out, const mr_cli_progress *progress, const mr_progress *epoch) {
    mr_text_add(out, "{\"name\":");
    mr_text_add_json(out, mr_span_of(progress->pipeline->name));
    mr_text_addf(out, ",\"batch_id\":%" PRIu64 ",\"epoch\":%" PRIu64 ",\"timestamp\":\"",
                 epoch->epoch, epoch->epoch);
    mr_civil_print_iso(out, epoch->epoch_time_us);
    mr_text_addf(out,
                 "\",\"num_input_rows\":%" PRIu64 ",\"num_input_bytes\":%" PRIu64
                 ",\"input_rows_per_second\":%.1f,\"processed_rows_per_second\":%.1f",
                 epoch->input_rows, epoch->input_bytes,
                 per_second(epoch->input_rows, epoch->input_us),
                 per_second(epoch->input_rows, epoch->duration_us));
    mr_text_addf(out,
                 ",\"duration_ms\":{\"get_batch\":%.3f,\"add_batch\":%.3f,\"wal_commit\":%.3f,"
                 "\"publish\":%.3f,\"trigger_execution\":%.3f}",
                 (double)epoch->input_us / 1e3, (double)epoch->emit_us / 1e3,
                 (double)epoch->commit_us / 1e3, (double)epoch->publish_us / 1e3,
                 (double)epoch->duration_us / 1e3);
    mr_text_addf(out, ",\"scheduling_delay_ms\":%.3f,\"total_delay_ms\":%.3f",
                 (double)epoch->scheduling_delay_us / 1e3,
                 (double)(epoch->scheduling_delay_us + epoch->duration_us) / 1e3);
    mr_text_add(out, ",\"event_time\":{");
    if (epoch->watermark_us != INT64_MIN) {
        mr_text_add(out, "\"watermark\":\"");
        mr_civil_print_iso(out, epoch->watermark_us);
        mr_text_add(out, "\"");
    }
    mr_text_addf(out,
                 "},\"state_operators\":{\"num_rows_total\":%" PRIu64
                 ",\"memory_used_bytes\":%" PRIu64 ",\"log_bytes\":%" PRIu64 "}",
                 epoch->state_rows, epoch->state_bytes, epoch->log_bytes);
    mr_text_addf(out,
                 ",\"input_rows_total\":%" PRIu64 ",\"bad_rows_total\":%" PRIu64
                 ",\"late_rows_total\":%" PRIu64 ",\"duplicates_total\":%" PRIu64
                 ",\"recovered\":%s,\"done\":%s",
                 epoch->input_rows_total, epoch->bad_rows_total, epoch->late_rows_total,
                 epoch->duplicates_total, epoch->recovered ? "true" : "false",
                 epoch->done ? "true" : "false");
    add_sources(out, epoch);
    mr_text_add(out, ",\"sinks\":[");
    for (uint32_t s = 0; s < epoch->sink_count; s++) {
        mr_text_addf(out, "%s{\"description\":", s == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(epoch->sinks[s].name));
        mr_text_addf(out,
                     ",\"num_output_rows_total\":%" PRIu64 ",\"num_rows_waiting\":%" PRIu64 "}",
                     epoch->sinks[s].rows_total, epoch->sinks[s].rows_waiting);
    }
    mr_text_add(out, "]}\n");
}

static void add_line(mr_text *out, const mr_cli_progress *progress, const mr_progress *epoch) {
    mr_text_addf(out, "\r\x1b[Kepoch %" PRIu64 "  %" PRIu64 " rows  %.0f rows/s", epoch->epoch,
                 epoch->input_rows_total, per_second(epoch->input_rows, epoch->duration_us));
    if (epoch->watermark_us != INT64_MIN) {
        mr_text_add(out, "  watermark ");
        mr_civil_print(out, epoch->watermark_us, progress->pipeline->zone);
    }
    if (epoch->bad_rows_total + epoch->late_rows_total > 0) {
        mr_text_addf(out, "  bad %" PRIu64 "  late %" PRIu64, epoch->bad_rows_total,
                     epoch->late_rows_total);
    }
    for (uint32_t s = 0; s < epoch->sink_count; s++) {
        if (s < progress->pipeline->insert_count) {
            mr_text_addf(out, "  %s %" PRIu64, epoch->sinks[s].name, epoch->sinks[s].rows_total);
        }
    }
}

void mr_progress_show(void *self, const mr_progress *epoch) {
    mr_cli_progress *progress = self;
    progress->last = *epoch;
    if (progress->form == MR_PROGRESS_NONE) {
        return;
    }
    mr_text out;
    mr_text_init(&out, NULL);
    if (progress->form == MR_PROGRESS_JSON) {
        add_json(&out, progress, epoch);
    } else {
        add_line(&out, progress, epoch);
        progress->drawn = true;
    }
    if (mr_stream_write(MR_STDERR, mr_text_span(&out), progress->cx) != MR_OK) {
        progress->form = MR_PROGRESS_NONE;  // Nobody is listening any more.
    }
    mr_text_release(&out);
}

void mr_progress_warn(void *self, const char *text) {
    mr_cli_progress *progress = self;
    mr_progress_finish(progress);
    mr_text out;
    mr_text_init(&out, NULL);
    mr_text_addf(&out, "warning: %s\n", text);
    if (mr_stream_write(MR_STDERR, mr_text_span(&out), progress->cx) != MR_OK) {
        progress->form = MR_PROGRESS_NONE;
    }
    mr_text_release(&out);
}

void mr_progress_finish(mr_cli_progress *progress) {
    if (progress->drawn && mr_stream_write(MR_STDERR, MR_SPAN("\n"), progress->cx) == MR_OK) {
        progress->drawn = false;
    }
}
