// Replay: see replay.h.

#include "job/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "conn/publish.h"
#include "job/inside.h"
#include "job/replay_source.h"
#include "lake/lake.h"
#include "lake/view.h"

#define RECORDS_BYTES_MAX ((uint64_t)4 << 30)
#define DELAY_FOREVER_US  ((int64_t)1 << 61)  // So that no row is late and no window closes.

typedef struct replaying {
    const mr_job_spec *spec;
    const mr_replay_spec *replay;
    mr_replay_report *report;
    mr_job *job;                // The pipeline as it is, for its plan, names and lock.
    uint32_t source;            // Whose side table it is.
    bool late;                  // Or bad.
    const char *dir;            // state/<pipeline>/replay/<table>
    mr_map taken;               // Identity → how often it was replayed (uint32_t *).
    mr_replay_record *records;  // Chosen.
    uint32_t record_count;
    uint32_t record_capacity;
    uint32_t next;  // Number of the next replay.
    mr_cx *cx;
} replaying;

static mr_code find_source(replaying *r) {
    const mr_pipeline *pipeline = r->job->pipeline;
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        size_t bytes = strlen(pipeline->sources[s].name);
        if (strncmp(r->replay->table, pipeline->sources[s].name, bytes) == 0) {
            const char *rest = r->replay->table + bytes;
            r->late = strcmp(rest, "_late") == 0;
            if (r->late || strcmp(rest, "_bad") == 0) {
                r->source = s;
                return MR_OK;
            }
        }
    }
    return mr_fail(r->cx, MR_E_NAME, "Name TABLE_bad or TABLE_late of a table that it reads.",
                   "pipeline \"%s\" has no side table \"%s\"", pipeline->name, r->replay->table);
}

// Raw records are read as the source's connector would read them: JSON, from the value alone.
static mr_code check_source(const replaying *r) {
    const mr_plan_source *source = &r->job->pipeline->sources[r->source];
    const char *format = mr_option_find(&source->options, "format");
    if (format != NULL && strcmp(format, "json") != 0) {
        return mr_fail(r->cx, MR_E_UNSUPPORTED, NULL, "records of format %s cannot be replayed yet",
                       format);
    }
    for (uint32_t f = 0; f < source->fields.count; f++) {
        mr_field_from from = source->fields.items[f].from;
        if (from == MR_FROM_KEY || from == MR_FROM_TIMESTAMP || from == MR_FROM_HEADERS) {
            return mr_fail(r->cx, MR_E_UNSUPPORTED,
                           "Only a record's value, topic, partition and offset are kept.",
                           "column \"%s\" is not from the record's value: it cannot be replayed",
                           source->fields.items[f].name);
        }
    }
    return MR_OK;
}

// ---- which queries get a record --------------------------------------------------------------

static uint32_t source_of(const mr_plan *plan) {
    while (plan->kind != MR_PLAN_SCAN) {
        plan = plan->input;
    }
    return plan->scan.source;
}

static bool takes(const mr_plan_insert *insert, uint32_t source, const char *query) {
    bool found = query[0] == '\0';
    for (const mr_plan *plan = insert->root; plan != NULL && !found; plan = plan->input) {
        found = plan->kind == MR_PLAN_LATE && strcmp(plan->late.query, query) == 0;
    }
    return found && source_of(insert->root) == source;
}

static uint32_t choose_inserts(const replaying *r, const mr_pipeline *pipeline, const char *query,
                               bool *keep) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        keep[i] = takes(&pipeline->inserts[i], r->source, query);
        count += keep[i];
    }
    return count;
}

static mr_code check_stateless(const replaying *r, const char *query) {
    const mr_pipeline *pipeline = r->job->pipeline;
    for (uint32_t i = 0; i < pipeline->insert_count && !r->replay->as_new_rows; i++) {
        const mr_plan_insert *insert = &pipeline->inserts[i];
        const mr_plan *plan = takes(insert, r->source, query) ? insert->root : NULL;
        for (; plan != NULL; plan = plan->input) {
            if (mr_commit_is_stateful(plan)) {
                return mr_fail_at(
                    r->cx, MR_E_UNSUPPORTED, plan->place,
                    "Windows that are closed stay closed. With --as-new-rows the replayed rows are "
                    "counted by themselves, and their results come as further rows.",
                    "rows replayed into table \"%s\" would pass %s", insert->table,
                    plan->kind == MR_PLAN_DISTINCT ? "DISTINCT" : "GROUP BY");
            }
        }
    }
    return MR_OK;
}

// The windows of a row that is listed as late; it was late for all of them when as many are listed.
static bool is_partial(const replaying *r, const char *query, int64_t time_us, mr_str windows) {
    const mr_pipeline *pipeline = r->job->pipeline;
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        const mr_plan *plan = pipeline->plans[p];
        if (plan->kind != MR_PLAN_LATE || strcmp(plan->late.query, query) != 0 ||
            plan->late.window.kind == MR_WINDOW_NONE) {
            continue;
        }
        const mr_window *window = &plan->late.window;
        int64_t count = mr_floor_div(time_us, window->slide_us) -
                        mr_floor_div(time_us - window->size_us, window->slide_us);
        int64_t listed = windows.bytes > 0;
        for (uint32_t i = 0; i < windows.bytes; i++) {
            listed += windows.data[i] == ',';
        }
        return listed < count;
    }
    return false;
}

// ---- choosing rows ---------------------------------------------------------------------------

static uint32_t *times_taken(replaying *r, const mr_replay_record *record) {
    const char *key =
        mr_arena_printf(r->cx->arena, "%s\n%" PRIi32 "\n%" PRIi64 "\n%s", record->topic,
                        record->partition, record->offset, record->query);
    uint32_t *count = mr_map_get(&r->taken, mr_span_of(key));
    if (count == NULL) {
        count = MR_NEW(r->cx->arena, uint32_t);
        mr_map_put(&r->taken, mr_span_of(key), count);
    }
    return count;
}

// Of equal records as many stay to be replayed as are listed oftener than they were replayed; those
// that the condition does not choose come first.
static void choose(replaying *r, const mr_replay_record *record, bool wanted) {
    uint32_t *taken = times_taken(r, record);
    if (*taken > 0) {
        (*taken)--;
        r->report->already += wanted;
        return;
    }
    if (!wanted) {
        return;
    }
    if (r->record_count == r->record_capacity) {
        uint32_t wider = MR_MAX(256u, r->record_capacity * 2);
        mr_replay_record *records = MR_NEW_ARRAY(r->cx->arena, mr_replay_record, wider);
        if (r->record_count > 0) {
            memcpy(records, r->records, r->record_count * sizeof *records);
        }
        r->records = records;
        r->record_capacity = wider;
    }
    r->records[r->record_count++] = *record;
    r->report->replayed++;
}

static bool is_null(const mr_batch *in, uint32_t column, uint32_t row) {
    return mr_vector_is_null(&in->columns[column], row);
}

static mr_str text_at(const mr_batch *in, uint32_t column, uint32_t row) {
    return is_null(in, column, row) ? (mr_str){0} : mr_vector_str(&in->columns[column], row);
}

// Columns: raw, topic, partition, offset, reason, query, windows, time, wanted.
static mr_code take_row(replaying *r, const mr_batch *in, uint32_t row) {
    mr_arena *arena = r->cx->arena;
    mr_str raw = text_at(in, 0, row);
    mr_str topic = text_at(in, 1, row);
    mr_str reason = text_at(in, 4, row);
    mr_str query = text_at(in, 5, row);
    mr_span why = {reason.data, reason.bytes};
    uint32_t others = 0;
    for (uint32_t i = 0; i < r->job->pipeline->insert_count; i++) {
        others += takes(&r->job->pipeline->inserts[i], r->source, "");
    }
    mr_replay_record record = {
        .topic = mr_arena_copy(arena, topic.data, topic.bytes),
        .partition =
            is_null(in, 2, row) ? 0 : in->columns[2].int32s[mr_vector_at(&in->columns[2], row)],
        .offset =
            is_null(in, 3, row) ? 0 : in->columns[3].int64s[mr_vector_at(&in->columns[3], row)],
        .query = mr_arena_copy(arena, query.data, query.bytes),
        .raw = {mr_arena_copy(arena, raw.data, raw.bytes), raw.bytes},
    };
    bool *keep = MR_NEW_ARRAY(arena, bool, r->job->pipeline->insert_count + 1);
    if (in->columns[8].bools[mr_vector_at(&in->columns[8], row)] == 0) {
        choose(r, &record, false);
        return MR_OK;
    }
    // An expression fails in one query: the record went through the others. A record that was too
    // long is not kept whole.
    bool unfit = is_null(in, 0, row) || is_null(in, 1, row) ||
                 mr_span_starts(why, MR_REASON_TOO_LONG) ||
                 (mr_span_starts(why, MR_REASON_EXPRESSION) && others > 1) ||
                 choose_inserts(r, r->job->pipeline, record.query, keep) == 0;
    if (unfit) {
        r->report->unfit++;
        return MR_OK;
    }
    if (r->late && !is_null(in, 7, row) && record.query[0] != '\0' &&
        is_partial(r, record.query, in->columns[7].int64s[mr_vector_at(&in->columns[7], row)],
                   text_at(in, 6, row))) {
        r->report->partial++;
        return MR_OK;
    }
    choose(r, &record, true);
    return MR_OK;
}

static mr_code take_begin(void *self, const mr_schema *schema, mr_cx *cx) {
    (void)self;
    (void)cx;
    mr_assert(schema->count == 9);
    return MR_OK;
}

static mr_code take_rows(void *self, const mr_batch *in, mr_cx *cx) {
    (void)cx;
    for (uint32_t i = 0; i < in->sel_count; i++) {
        MR_TRY(take_row(self, in, mr_batch_row(in, i)));
    }
    return MR_OK;
}

static const char *rows_sql(const replaying *r) {
    mr_text sql;
    mr_text_init(&sql, r->cx->arena);
    const mr_plan_source *source = &r->job->pipeline->sources[r->source];
    if (r->late) {
        mr_text_add(&sql, "SELECT _raw, _topic, _partition, _offset, _reason, _query, _windows, ");
        if (source->fields.event_time >= 0) {
            mr_text_add(&sql, "CAST(");
            mr_view_add_name(&sql, source->fields.items[source->fields.event_time].name);
            mr_text_add(&sql, " AS TIMESTAMPTZ)");
        } else {
            mr_text_add(&sql, "CAST(NULL AS TIMESTAMPTZ)");
        }
    } else {
        mr_text_add(&sql,
                    "SELECT raw, topic, partition, \"offset\", reason, CAST(NULL AS VARCHAR), "
                    "CAST(NULL AS VARCHAR), CAST(NULL AS TIMESTAMPTZ)");
    }
    const char *where = r->replay->where == NULL ? "true" : r->replay->where;
    mr_text_addf(&sql, ", coalesce((%s\n), false) AS wanted FROM ",
                 where);  // A comment ends there.
    mr_view_add_name(&sql, r->replay->table);
    mr_text_add(&sql, r->late ? " ORDER BY _topic, _partition, _offset, _query, wanted"
                              : " ORDER BY topic, partition, \"offset\", wanted");
    return mr_text_string(&sql);
}

static mr_code choose_rows(replaying *r) {
    mr_lake_options options = {.data_dir = r->spec->data_dir};
    mr_lake *lake;
    MR_TRY(mr_lake_open(&options, &lake, r->cx));
    mr_lake_sink sink = {.begin = take_begin, .rows = take_rows, .self = r};
    mr_arena scratch = {0};  // Kept: what the query's memory holds is copied out of it.
    mr_cx own = *r->cx;
    own.arena = &scratch;
    mr_code code = mr_lake_query(lake, rows_sql(r), &sink, &own);
    if (code != MR_OK) {
        r->cx->error = own.error;
        code = mr_error_in(r->cx, code, "choosing rows of \"%s\"", r->replay->table);
    }
    mr_arena_release(&scratch);
    mr_lake_close(lake);
    return code;
}

// ---- former replays --------------------------------------------------------------------------

static const char *replay_dir(const replaying *r, uint32_t number) {
    return mr_arena_printf(r->cx->arena, "%s/%u", r->dir, number);
}

static mr_code load_records(const replaying *r, uint32_t number, mr_replay_record **ret,
                            uint32_t *ret_count, bool *ret_there) {
    const char *path = mr_arena_printf(r->cx->arena, "%s/records", replay_dir(r, number));
    *ret_there = mr_file_exists(path, r->cx);
    if (!*ret_there) {
        return MR_OK;
    }
    mr_span bytes;
    MR_TRY(mr_file_load(path, RECORDS_BYTES_MAX, &bytes, r->cx));
    return mr_replay_source_decode(path, bytes, ret, ret_count, r->cx);
}

// ---- running ---------------------------------------------------------------------------------

// Turns a freshly loaded job into the replay's: its queries, its source, its names.
static void become_replay(const replaying *r, mr_job *job, uint32_t number, const char *query) {
    mr_pipeline *pipeline = job->pipeline;
    bool *keep = MR_NEW_ARRAY(r->cx->arena, bool, pipeline->insert_count + 1);
    uint32_t kept = choose_inserts(r, pipeline, query, keep);
    mr_assert(kept > 0);
    mr_plan_keep(pipeline, keep);
    mr_plan_source *source = &pipeline->sources[0];
    mr_option_value *path = MR_NEW(r->cx->arena, mr_option_value);
    *path = (mr_option_value){
        .name = "path",
        .value = mr_arena_printf(r->cx->arena, "%s/records", replay_dir(r, number)),
        .place = MR_NOWHERE};
    source->type = &mr_replay_source;
    source->options = (mr_option_values){.items = path, .count = 1};
    source->watermark_us = DELAY_FOREVER_US;
    source->idle_timeout_us = source->emit_timeout_us = source->max_future_skew_us = -1;
    job->replays = job->name;
    job->name = mr_arena_printf(r->cx->arena, "%s" MR_PUBLISH_REPLAY "-%s-%u", job->name,
                                r->replay->table, number);
    pipeline->name = job->name;
    job->state_dir = replay_dir(r, number);
}

static mr_code run_one(const replaying *r, uint32_t number, const char *query) {
    mr_job_spec spec = *r->spec;
    spec.until = MR_UNTIL_END;
    mr_job *job;
    mr_sql_errors errors;
    MR_TRY(mr_job_load(&spec, &job, &errors, r->cx));
    become_replay(r, job, number, query);
    bool ended;
    mr_code code = mr_job_run(job, &ended, r->cx);
    if (code == MR_OK && !ended) {
        code = mr_fail(r->cx, MR_E_CANCELLED, "Call it again: it goes on where it stopped.",
                       "the replay was stopped");
    }
    mr_job_close(job, r->cx);
    MR_TRY(code);
    MR_TRY(mr_crash_point("replay.ran", r->cx));
    const char *done = mr_arena_printf(r->cx->arena, "%s/done", replay_dir(r, number));
    return mr_file_save(done, MR_SPAN("done\n"), r->cx);
}

// Former replays: what they took is not taken again; one that was cut short is finished.
static mr_code look_at_former(replaying *r) {
    for (;; r->next++) {
        mr_replay_record *records;
        uint32_t count;
        bool there;
        MR_TRY(load_records(r, r->next, &records, &count, &there));
        if (!there) {
            return MR_OK;
        }
        for (uint32_t i = 0; i < count; i++) {
            (*times_taken(r, &records[i]))++;
        }
        const char *done = mr_arena_printf(r->cx->arena, "%s/done", replay_dir(r, r->next));
        if (count == 0 || mr_file_exists(done, r->cx) || r->replay->dry) {
            continue;
        }
        bool *keep = MR_NEW_ARRAY(r->cx->arena, bool, r->job->pipeline->insert_count + 1);
        if (choose_inserts(r, r->job->pipeline, records[0].query, keep) == 0) {
            return mr_fail(r->cx, MR_E_UNSUPPORTED, "Finish it with the former file.",
                           "replay %u into \"%s\" was not finished, and the file has that query no "
                           "more",
                           r->next, records[0].query);
        }
        MR_TRY(run_one(r, r->next, records[0].query));
        r->report->resumed += count;
    }
}

// All chosen records of one query, as one replay.
static mr_code replay_query(replaying *r, const char *query) {
    mr_replay_record *records = MR_NEW_ARRAY(r->cx->arena, mr_replay_record, r->record_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->record_count; i++) {
        if (strcmp(r->records[i].query, query) == 0) {
            records[count++] = r->records[i];
        }
    }
    uint32_t number = r->next++;
    mr_text bytes;
    mr_text_init(&bytes, NULL);
    mr_replay_source_encode(records, count, &bytes);
    mr_code code = mr_dir_make(replay_dir(r, number), r->cx);
    const char *path = mr_arena_printf(r->cx->arena, "%s/records", replay_dir(r, number));
    code = code == MR_OK ? mr_file_save(path, mr_text_span(&bytes), r->cx) : code;
    mr_text_release(&bytes);
    MR_TRY(code);
    MR_TRY(mr_crash_point("replay.decided", r->cx));
    return run_one(r, number, query);
}

static mr_code replay_all(replaying *r) {
    for (uint32_t i = 0; i < r->record_count; i++) {
        MR_TRY(check_stateless(r, r->records[i].query));
    }
    if (r->replay->dry) {
        return MR_OK;
    }
    for (uint32_t i = 0; i < r->record_count; i++) {
        bool first = true;
        for (uint32_t j = 0; j < i && first; j++) {
            first = strcmp(r->records[i].query, r->records[j].query) != 0;
        }
        if (first) {
            MR_TRY(replay_query(r, r->records[i].query));
        }
    }
    return MR_OK;
}

static mr_code with_lock(replaying *r) {
    MR_TRY(mr_open_lock(r->job, r->cx));
    if (!mr_file_exists(r->job->state_dir, r->cx)) {
        return mr_fail(r->cx, MR_E_MISSING, "Run it first.",
                       "pipeline \"%s\" has no state in \"%s\"", r->job->pipeline->name,
                       r->job->state_dir);
    }
    MR_TRY(look_at_former(r));
    MR_TRY(choose_rows(r));
    return replay_all(r);
}

mr_code mr_replay_run(const mr_job_spec *spec, const mr_replay_spec *replay, mr_replay_report *ret,
                      mr_cx *cx) {
    *ret = (mr_replay_report){0};
    replaying r = {.spec = spec, .replay = replay, .report = ret, .cx = cx};
    mr_map_init(&r.taken, cx->arena);
    mr_sql_errors errors;
    MR_TRY(mr_job_load(spec, &r.job, &errors, cx));
    mr_code code = find_source(&r);
    code = code == MR_OK ? check_source(&r) : code;
    r.dir = mr_arena_printf(cx->arena, "%s/replay/%s", r.job->state_dir, replay->table);
    code = code == MR_OK ? with_lock(&r) : code;
    mr_error error = cx->error;
    mr_job_close(r.job, cx);
    cx->error = error;
    return code;
}
