// Stream: see stream.h.

#include "cli/stream.h"

#include <inttypes.h>
#include <string.h>

#include "base/civil.h"

static const char *state_dir(const char *data_dir, const char *name, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s/state/%s", data_dir, name);
}

static void add_time(mr_text *out, int64_t us, const char *none) {
    if (us == INT64_MIN) {
        mr_text_add(out, none);
    } else {
        mr_civil_print_iso(out, us);
    }
}

static void json_time(mr_text *out, const char *name, int64_t us) {
    mr_text_addf(out, ",\"%s\":%s", name, us == INT64_MIN ? "" : "\"");
    add_time(out, us, "null");
    mr_text_add(out, us == INT64_MIN ? "" : "\"");
}

static uint64_t waiting_total(const mr_state *state) {
    uint64_t rows = 0;
    for (uint32_t s = 0; s < state->sink_count; s++) {
        rows += state->sinks[s].waiting_rows;
    }
    return rows;
}

// ---- list ------------------------------------------------------------------------------------

static void list_one(const char *name, const mr_state *state, bool json, mr_text *out) {
    if (json) {
        mr_text_add(out, "{\"pipeline\":");
        mr_text_add_json(out, mr_span_of(name));
        mr_text_addf(out, ",\"epoch\":%" PRIu64, state->epoch);
        json_time(out, "committed", state->last.time_us);
        json_time(out, "watermark", state->last.watermark_us);
        mr_text_addf(out, ",\"waiting_rows\":%" PRIu64 ",\"log_bytes\":%" PRIu64 "}\n",
                     waiting_total(state), state->log_bytes);
        return;
    }
    mr_text_addf(out, "%-24s epoch %-8" PRIu64 " committed ", name, state->epoch);
    add_time(out, state->last.time_us, "never");
    mr_text_addf(out, ", %" PRIu64 " rows wait, log ", waiting_total(state));
    mr_text_add_bytes_human(out, state->log_bytes);
    mr_text_add_char(out, '\n');
}

int mr_stream_list(const char *data_dir, bool json, mr_cx *cx) {
    const char *dir = mr_arena_printf(cx->arena, "%s/state", data_dir);
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    if (mr_file_exists(dir, cx) && mr_dir_list(dir, &entries, &count, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    int exit_code = MR_EXIT_DONE;
    for (size_t i = 0; i < count; i++) {
        mr_state state;
        if (!entries[i].is_dir || mr_span_ends(mr_span_of(entries[i].name), ".gone")) {
            continue;
        }
        if (mr_query_state(state_dir(data_dir, entries[i].name, cx), &state, cx) != MR_OK) {
            mr_report_error(cx);
            exit_code = MR_EXIT_FAILED;
        } else if (state.exists) {
            list_one(entries[i].name, &state, json, &out);
        }
    }
    mr_report_print(cx, &out);
    return exit_code;
}

// ---- show ------------------------------------------------------------------------------------

static void show_sources(const mr_state *state, mr_text *out) {
    for (uint32_t s = 0; s < state->last.source_count; s++) {
        const mr_view_source *source = &state->last.sources[s];
        int64_t newest = INT64_MIN;
        for (uint32_t l = 0; l < source->lane_count; l++) {
            newest = MR_MAX(newest, source->lanes[l]);
        }
        mr_text_addf(out, "source %s: newest event ", source->name);
        add_time(out, newest, "none");
        mr_text_add_char(out, '\n');
        for (uint32_t p = 0; p < source->partition_count; p++) {
            mr_text_addf(out, "  %s at %" PRIi64 "\n", source->partitions[p], source->positions[p]);
        }
    }
}

static void show_text(const char *name, const mr_state *state, mr_text *out) {
    const mr_commit_view *last = &state->last;
    mr_text_addf(out, "pipeline %s\nepoch %" PRIu64 ", committed ", name, state->epoch);
    add_time(out, last->time_us, "never");
    mr_text_addf(out, ", published up to %" PRIu64 "\nwatermark ", last->published_epoch);
    add_time(out, last->watermark_us, "none");
    mr_text_addf(out, "\nstate %" PRIu64 " rows, ", last->state_rows);
    mr_text_add_bytes_human(out, last->state_bytes);
    mr_text_add(out, "; commit log ");
    mr_text_add_bytes_human(out, state->log_bytes);
    mr_text_addf(out, " in %u segments\n", state->segment_count);
    mr_text_addf(out,
                 "rows in %" PRIu64 ", bad %" PRIu64 ", late %" PRIu64 ", duplicates %" PRIu64 "\n",
                 last->counters[0], last->counters[2], last->counters[3], last->counters[4]);
    show_sources(state, out);
    for (uint32_t s = 0; s < state->sink_count; s++) {
        const mr_state_sink *sink = &state->sinks[s];
        mr_text_addf(out, "table %s: %" PRIu64 " rows wait", sink->name, sink->waiting_rows);
        if (sink->pending_count > 0) {
            mr_text_addf(out, ", %u publications with %" PRIu64 " rows to be finished",
                         sink->pending_count, sink->pending_rows);
        }
        mr_text_add_char(out, '\n');
    }
}

static void show_json_sources(const mr_state *state, mr_text *out) {
    mr_text_add(out, ",\"sources\":[");
    for (uint32_t s = 0; s < state->last.source_count; s++) {
        const mr_view_source *source = &state->last.sources[s];
        mr_text_addf(out, "%s{\"table\":", s == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(source->name));
        mr_text_add(out, ",\"positions\":{");
        for (uint32_t p = 0; p < source->partition_count; p++) {
            mr_text_add(out, p == 0 ? "" : ",");
            mr_text_add_json(out, mr_span_of(source->partitions[p]));
            mr_text_addf(out, ":%" PRIi64, source->positions[p]);
        }
        mr_text_add(out, "}}");
    }
    mr_text_add(out, "]");
}

static void show_json(const char *name, const mr_state *state, mr_text *out) {
    const mr_commit_view *last = &state->last;
    mr_text_add(out, "{\"pipeline\":");
    mr_text_add_json(out, mr_span_of(name));
    mr_text_addf(out, ",\"epoch\":%" PRIu64 ",\"published_epoch\":%" PRIu64, state->epoch,
                 last->published_epoch);
    json_time(out, "committed", last->time_us);
    json_time(out, "watermark", last->watermark_us);
    mr_text_addf(out, ",\"state_rows\":%" PRIu64 ",\"state_bytes\":%" PRIu64, last->state_rows,
                 last->state_bytes);
    mr_text_addf(out, ",\"log_bytes\":%" PRIu64 ",\"log_segments\":%u", state->log_bytes,
                 state->segment_count);
    mr_text_addf(out,
                 ",\"input_rows\":%" PRIu64 ",\"bad_rows\":%" PRIu64 ",\"late_rows\":%" PRIu64
                 ",\"duplicates\":%" PRIu64,
                 last->counters[0], last->counters[2], last->counters[3], last->counters[4]);
    show_json_sources(state, out);
    mr_text_add(out, ",\"tables\":[");
    for (uint32_t s = 0; s < state->sink_count; s++) {
        const mr_state_sink *sink = &state->sinks[s];
        mr_text_addf(out, "%s{\"table\":", s == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(sink->name));
        mr_text_addf(out, ",\"waiting_rows\":%" PRIu64 ",\"pending_publications\":%u}",
                     sink->waiting_rows, sink->pending_count);
    }
    mr_text_add(out, "]}\n");
}

int mr_stream_show(const char *data_dir, const char *name, bool json, mr_cx *cx) {
    mr_state state;
    const char *dir = state_dir(data_dir, name, cx);
    mr_code code = mr_query_state(dir, &state, cx);
    if (code == MR_OK && !state.exists) {
        code = mr_fail(cx, MR_E_MISSING, "See what there is: millrace stream list.",
                       "pipeline \"%s\" has no state in \"%s\"", name, dir);
    }
    if (code != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (json) {
        show_json(name, &state, &out);
    } else {
        show_text(name, &state, &out);
    }
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}
