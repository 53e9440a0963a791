// Explain: see explain.h.
//
// Why so long: it is one walk with a page of words for each kind of node; text and JSON come from
// the same lines, so that they cannot part.

#include "job/explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "exec/measure.h"
#include "store/endpoint.h"

// Where facts go: lines "name: text" below a heading, or members of a JSON object.
typedef struct writer {
    const mr_job *job;
    const mr_pipeline *pipeline;
    const mr_driver *driver;  // NULL: nothing ran.
    uint32_t workers;
    bool json;
    bool first;       // No member yet in the object at hand.
    uint32_t indent;  // Of facts, in text.
    mr_arena arena;
    mr_text *out;
} writer;

static void comma(writer *w) {
    mr_text_add(w->out, w->first ? "" : ",");
    w->first = false;
}

static void member(writer *w, const char *name) {
    comma(w);
    mr_text_addf(w->out, "\"%s\":", name);
}

static void open_list(writer *w, const char *name) {
    if (w->json) {
        member(w, name);
        mr_text_add_char(w->out, '[');
        w->first = true;
    }
}

static void close_list(writer *w) {
    if (w->json) {
        mr_text_add_char(w->out, ']');
        w->first = false;
    }
}

static void open_object(writer *w) {
    if (w->json) {
        comma(w);
        mr_text_add_char(w->out, '{');
        w->first = true;
    }
}

static void close_object(writer *w) {
    if (w->json) {
        mr_text_add_char(w->out, '}');
        w->first = false;
    }
}

// A JSON member only: what text says in the heading.
static void word(writer *w, const char *name, const char *text) {
    if (w->json) {
        member(w, name);
        mr_text_add_json(w->out, mr_span_of(text));
    }
}

static void number(writer *w, const char *name, uint64_t value) {
    if (w->json) {
        member(w, name);
        mr_text_addf(w->out, "%" PRIu64, value);
    }
}

static void milliseconds(writer *w, const char *name, int64_t ns) {
    if (w->json) {
        member(w, name);
        mr_text_addf(w->out, "%" PRId64 ".%06" PRId64, ns / 1000000, ns % 1000000);
    }
}

__attribute__((format(printf, 2, 0))) static mr_span print(writer *w, const char *format,
                                                           va_list args) {
    va_list again;
    va_copy(again, args);
    size_t bytes = (size_t)vsnprintf(NULL, 0, format, args);
    char *text = mr_arena_raw(&w->arena, bytes + 1);
    (void)vsnprintf(text, bytes + 1, format, again);
    va_end(again);
    return (mr_span){text, bytes};
}

// A line of text, or a JSON member. name: a word with _ for blanks.
__attribute__((format(printf, 3, 4))) static void fact(writer *w, const char *name,
                                                       const char *format, ...) {
    va_list args;
    va_start(args, format);
    mr_span value = print(w, format, args);
    va_end(args);
    if (w->json) {
        member(w, name);
        mr_text_add_json(w->out, value);
        return;
    }
    mr_text_addf(w->out, "%*s", (int)w->indent, "");
    for (const char *c = name; *c != '\0'; c++) {
        mr_text_add_char(w->out, *c == '_' ? ' ' : *c);
    }
    mr_text_addf(w->out, ": %.*s\n", MR_SPAN_ARGS(value));
}

// What was measured, as one line of text; JSON has it as numbers.
__attribute__((format(printf, 2, 3))) static void ran(writer *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    mr_span value = print(w, format, args);
    va_end(args);
    if (!w->json) {
        mr_text_addf(w->out, "%*sran: %.*s\n", (int)w->indent, "", MR_SPAN_ARGS(value));
    }
}

static double in_ms(int64_t ns) {
    return (double)ns / 1e6;
}

static const char *duration(writer *w, int64_t us) {
    mr_text text;
    mr_text_init(&text, &w->arena);
    mr_text_add_duration(&text, us);
    return mr_text_string(&text);
}

static const char *size(writer *w, uint64_t bytes) {
    mr_text text;
    mr_text_init(&text, &w->arena);
    mr_text_add_bytes_human(&text, bytes);
    return mr_text_string(&text);
}

static const char *names(writer *w, const uint32_t *columns, uint32_t count,
                         const mr_schema *schema) {
    mr_text text;
    mr_text_init(&text, &w->arena);
    for (uint32_t i = 0; i < count; i++) {
        mr_text_addf(&text, "%s%s", i == 0 ? "" : ", ", schema->columns[columns[i]].name);
    }
    return mr_text_string(&text);
}

// ---- Sources, tables, sinks ----

static void options(writer *w, const mr_option_values *values) {
    if (values->count == 0) {
        return;
    }
    mr_text text;
    mr_text_init(&text, &w->arena);
    for (size_t i = 0; i < values->count; i++) {
        const mr_option_value *value = &values->items[i];
        mr_text_addf(&text, "%s%s '%s'", i == 0 ? "" : ", ", value->name,
                     mr_endpoint_is_secret(mr_span_of(value->name)) ? "***" : value->value);
    }
    fact(w, "options", "%s", mr_text_string(&text));
}

static void watermark(writer *w, const mr_plan_source *source) {
    if (!source->has_watermark) {
        fact(w, "watermark", "none: no column has OPTIONS (watermark ...)");
        return;
    }
    const char *column = source->schema.columns[source->fields.event_time].name;
    fact(w, "watermark", "greatest %s of a partition less %s, the least of all partitions", column,
         duration(w, source->watermark_us));
    bool idles = source->idle_timeout_us >= 0;
    fact(w, "idle_timeout", "%s%s%s", idles ? "a partition quiet for " : "none: ",
         idles ? duration(w, source->idle_timeout_us) : "a quiet partition",
         idles ? " does not hold the watermark" : " holds the watermark");
    if (source->emit_timeout_us >= 0) {
        fact(w, "emit_timeout", "when all is quiet for %s the watermark goes on with the clock",
             duration(w, source->emit_timeout_us));
    }
    if (source->max_future_skew_us >= 0) {
        fact(w, "max_future_skew", "rows more than %s ahead of the clock go to %s_late",
             duration(w, source->max_future_skew_us), source->name);
    }
}

static void put_source(writer *w, uint32_t index) {
    const mr_plan_source *source = &w->pipeline->sources[index];
    if (!w->json) {
        mr_text_addf(w->out, "source %s (%s)  [%s]\n", source->name, source->type->name,
                     source->type->file);
    }
    open_object(w);
    word(w, "name", source->name);
    word(w, "type", source->type->name);
    word(w, "file", source->type->file);
    options(w, &source->options);
    watermark(w, source);
    fact(w, "set_aside", "bad rows in %s_bad, late rows in %s_late", source->name, source->name);
    if (w->driver != NULL) {
        mr_measured_source m;
        mr_measure_source(w->driver, index, &m);
        number(w, "partitions", m.partitions);
        number(w, "bad_rows", m.bad_rows);
        number(w, "late_rows", m.late_rows);
        milliseconds(w, "read_ms", m.read_ns);
        ran(w, "%u partitions, %.3f ms reading and decoding, %" PRIu64 " bad, %" PRIu64 " late",
            m.partitions, in_ms(m.read_ns), m.bad_rows, m.late_rows);
    }
    close_object(w);
}

static void put_table(writer *w, const mr_plan_table *table) {
    if (!w->json) {
        mr_text_addf(w->out, "table %s\n", table->name);
    }
    open_object(w);
    word(w, "name", table->name);
    if (table->path == NULL) {
        fact(w, "rows", "%" PRIu64 " from INSERT ... VALUES",
             table->rows == NULL ? (uint64_t)0 : (uint64_t)table->rows->row_count);
    } else {
        fact(w, "rows", "of %s file %s", table->format, table->path);
        fact(w, "reload",
             "the file is looked at each second, and read between epochs when changed");
    }
    if (table->primary_key >= 0) {
        fact(w, "primary_key", "%s", table->schema.columns[table->primary_key].name);
    }
    close_object(w);
}

static void insert_facts(writer *w, uint32_t index) {
    const mr_plan_insert *insert = &w->pipeline->inserts[index];
    options(w, &insert->options);
    fact(w, "delivery", "%s",
         insert->type->registers
             ? "files are durable before the commit and renamed into place after it"
             : "after the commit");
    if (w->driver == NULL) {
        return;
    }
    if (!insert->type->registers) {
        fact(w, "rehearsal", "rows were counted and dropped");
    }
    mr_measured_sink m;
    mr_measure_sink(w->driver, index, &m);
    number(w, "rows", m.rows);
    number(w, "rows_waiting", m.rows_waiting);
    number(w, "files", m.files);
    number(w, "bytes", m.bytes);
    milliseconds(w, "write_ms", m.write_us * 1000);
    ran(w, "%" PRIu64 " rows, %" PRIu64 " waiting, %" PRIu64 " files, %s, %.3f ms writing", m.rows,
        m.rows_waiting, m.files, size(w, m.bytes), in_ms(m.write_us * 1000));
}

// ---- Operators ----

static bool behind_aggregate(const mr_plan *plan) {
    for (plan = plan->input; plan != NULL; plan = plan->input) {
        if (plan->kind == MR_PLAN_AGGREGATE) {
            return true;
        }
    }
    return false;
}

static void add_names(mr_text *text, const mr_map *map) {
    for (uint32_t i = 0; i < map->count; i++) {
        mr_text_addf(text, "%s%.*s", i == 0 ? "" : ", ", MR_SPAN_ARGS(map->entries[i].key));
    }
}

static void functions(writer *w, mr_expr *const *exprs, uint32_t count) {
    mr_map native;
    mr_map delegated;
    mr_map_init(&native, &w->arena);
    mr_map_init(&delegated, &w->arena);
    for (uint32_t i = 0; i < count; i++) {
        if (exprs[i] != NULL) {
            mr_eval_explain(exprs[i], &native, &delegated);
        }
    }
    mr_text text;
    mr_text_init(&text, &w->arena);
    if (native.count > 0) {
        add_names(&text, &native);
        mr_text_add(&text, " native");
    }
    if (delegated.count > 0) {
        mr_text_add(&text, native.count > 0 ? "; " : "");
        add_names(&text, &delegated);
        mr_text_add(&text, " delegated to DuckDB");
    }
    if (text.bytes > 0) {
        fact(w, "functions", "%s", mr_text_string(&text));
    }
}

static void join_facts(writer *w, const mr_plan *plan) {
    const mr_plan_table *table = &w->pipeline->tables[plan->join.table];
    bool unique =
        plan->join.key_count == 1 && (int32_t)plan->join.table_keys[0] == table->primary_key;
    fact(w, "strategy", "hash of static table %s by %s, %s; whole on every worker, no exchange",
         table->name, names(w, plan->join.table_keys, plan->join.key_count, &table->schema),
         unique ? "one match at most" : "any number of matches");
    functions(w, &plan->join.residue, 1);
}

static void distinct_facts(writer *w, const mr_plan *plan) {
    const char *keys = names(w, plan->distinct.keys, plan->distinct.key_count, plan->input->schema);
    if (plan->distinct.ttl_us == INT64_MAX) {
        fact(w, "state", "an id of 16 bytes a key, without bound (unbounded = true)");
    } else if (plan->distinct.ttl_us < 0) {
        fact(w, "state",
             "an id of 16 bytes a key until the watermark is past it: the keys hold the time");
    } else {
        fact(w, "state",
             "an id of 16 bytes a key for %s of event time (state_ttl, or the window behind it)",
             duration(w, plan->distinct.ttl_us));
    }
    if (w->workers == 1) {
        fact(w, "exchange", "none: one worker");
        return;
    }
    fact(w, "exchange", "by hash of %s, to the one of %u workers that owns the key", keys,
         w->workers);
}

static void aggregate_facts(writer *w, const mr_plan *plan) {
    const mr_window *window = &plan->aggregate.window;
    if (window->kind == MR_WINDOW_NONE) {
        fact(w, "state", "one group a key, without bound (unbounded = true)");
    } else {
        fact(w, "state", "groups of open windows, until the watermark is past window_end%s%s",
             plan->aggregate.allowed_lateness_us > 0 ? " + allowed_lateness " : "",
             plan->aggregate.allowed_lateness_us > 0
                 ? duration(w, plan->aggregate.allowed_lateness_us)
                 : "");
    }
    fact(w, "exchange", "none: each worker has groups of its own, merged at the epoch's end");
}

static void late_facts(writer *w, const mr_plan *plan) {
    const mr_plan *scan = plan;
    while (scan->kind != MR_PLAN_SCAN) {
        scan = scan->input;
    }
    fact(w, "late_rows", "to %s_late, when the watermark was past %s%s%s for all their windows",
         w->pipeline->sources[scan->scan.source].name,
         plan->late.window.kind == MR_WINDOW_NONE ? "the event time" : "window_end",
         plan->late.allowed_lateness_us > 0 ? " + allowed_lateness " : "",
         plan->late.allowed_lateness_us > 0 ? duration(w, plan->late.allowed_lateness_us) : "");
}

static void node_facts(writer *w, const mr_plan *plan) {
    switch (plan->kind) {
    case MR_PLAN_SCAN:
        fact(w, "workers", "any of %u takes the next chunk of any partition", w->workers);
        break;
    case MR_PLAN_LATE: late_facts(w, plan); break;
    case MR_PLAN_FILTER: functions(w, &plan->filter.predicate, 1); break;
    case MR_PLAN_PROJECT: functions(w, plan->project.exprs, plan->schema->count); break;
    case MR_PLAN_JOIN: join_facts(w, plan); break;
    case MR_PLAN_DISTINCT: distinct_facts(w, plan); break;
    case MR_PLAN_WINDOW:
        fact(w, "rows", "%" PRId64 " for each, one a window",
             (plan->window.window.size_us + plan->window.window.slide_us - 1) /
                 plan->window.window.slide_us);
        break;
    case MR_PLAN_AGGREGATE: aggregate_facts(w, plan); break;
    case MR_PLAN_KIND_COUNT: mr_assert(false);
    }
    if (behind_aggregate(plan) && plan->kind != MR_PLAN_AGGREGATE) {
        fact(w, "workers", "one thread, at the epoch's end");
    }
}

static void node_measured(writer *w, const mr_plan *plan) {
    mr_measured_node m;
    mr_measure_node(w->driver, plan, &m);
    number(w, "rows_in", m.rows_in);
    number(w, "rows_out", m.rows_out);
    milliseconds(w, "own_ms", m.busy_ns);
    ran(w, "%" PRIu64 " rows in, %" PRIu64 " out, %.3f ms", m.rows_in, m.rows_out,
        in_ms(m.busy_ns));
    if (plan->kind == MR_PLAN_AGGREGATE) {
        milliseconds(w, "emit_ms", m.end_ns);
        ran(w, "%.3f ms merging and emitting", in_ms(m.end_ns));
    }
    if (plan->kind == MR_PLAN_AGGREGATE || plan->kind == MR_PLAN_DISTINCT) {
        number(w, "state_rows", m.state_rows);
        number(w, "state_bytes", m.state_bytes);
        ran(w, "%" PRIu64 " rows of state at the end, %s", m.state_rows, size(w, m.state_bytes));
    }
    if (plan->kind == MR_PLAN_JOIN) {
        number(w, "table_rows", m.table_rows);
        number(w, "table_bytes", m.table_bytes);
        ran(w, "%" PRIu64 " rows in the table, %s", m.table_rows, size(w, m.table_bytes));
    }
}

static void put_node(writer *w, const mr_plan *plan, uint32_t depth) {
    mr_text content;
    mr_text_init(&content, &w->arena);
    mr_plan_print_node(w->pipeline, plan, &content);
    const char *file = mr_op_find(plan->kind)->file;
    if (!w->json) {
        mr_text_addf(w->out, "%*s#%u %s  [%s]\n", (int)(2 * depth), "", plan->id,
                     mr_text_string(&content), file);
    }
    w->indent = 2 * depth + 6;
    open_object(w);
    number(w, "id", plan->id);
    word(w, "operator", mr_plan_kind_name(plan->kind));
    word(w, "text", mr_text_string(&content));
    word(w, "file", file);
    if (plan->input != NULL) {
        number(w, "input", plan->input->id);
    }
    node_facts(w, plan);
    if (w->driver != NULL) {
        node_measured(w, plan);
    }
    close_object(w);
}

// ---- The whole ----

static void put_settings(writer *w) {
    const mr_job_exec *exec = mr_job_settings(w->job);
    fact(w, "workers", "%u", w->workers);
    fact(w, "epochs", "a commit each %s, or %s of input", duration(w, exec->epoch),
         size(w, exec->epoch_bytes));
    fact(w, "memory_limit", "%s", exec->memory_limit > 0 ? size(w, exec->memory_limit) : "none");
    if (w->pipeline->zone_name != NULL) {
        fact(w, "time_zone", "%s", w->pipeline->zone_name);
    }
}

static void put_run(writer *w, const mr_explain_run *run) {
    if (!w->json) {
        mr_text_add(w->out, "run\n");
    } else {
        member(w, "run");
        mr_text_add_char(w->out, '{');
        w->first = true;
    }
    w->indent = 4;
    number(w, "epochs", run->epochs);
    number(w, "input_rows", run->input_rows);
    number(w, "input_bytes", run->input_bytes);
    number(w, "bad_rows", run->bad_rows);
    number(w, "late_rows", run->late_rows);
    number(w, "duplicates", run->duplicates);
    number(w, "state_bytes_max", run->state_bytes_max);
    number(w, "log_bytes", run->log_bytes);
    number(w, "resident_bytes_max", run->resident_bytes_max);
    milliseconds(w, "wall_ms", run->wall_us * 1000);
    milliseconds(w, "input_ms", run->input_us * 1000);
    milliseconds(w, "emit_ms", run->emit_us * 1000);
    milliseconds(w, "commit_ms", run->commit_us * 1000);
    milliseconds(w, "publish_ms", run->publish_us * 1000);
    number(w, "ended", run->ended ? 1 : 0);
    if (!w->json) {
        fact(w, "input", "%" PRIu64 " rows, %s, in %.3f ms: %.0f rows/s%s", run->input_rows,
             size(w, run->input_bytes), in_ms(run->wall_us * 1000),
             run->wall_us > 0 ? (double)run->input_rows * 1e6 / (double)run->wall_us : 0,
             run->ended ? "" : "; stopped before its end");
        fact(w, "set_aside", "%" PRIu64 " bad, %" PRIu64 " late, %" PRIu64 " duplicates",
             run->bad_rows, run->late_rows, run->duplicates);
        fact(w, "epochs",
             "%" PRIu64 "; %.3f ms taking rows, %.3f emitting, %.3f committing, "
             "%.3f publishing",
             run->epochs, in_ms(run->input_us * 1000), in_ms(run->emit_us * 1000),
             in_ms(run->commit_us * 1000), in_ms(run->publish_us * 1000));
        fact(w, "memory", "%s of state at most, %s of commit log, %s resident at most",
             size(w, run->state_bytes_max), size(w, run->log_bytes),
             size(w, run->resident_bytes_max));
    }
    if (run->watermark_us != INT64_MIN && run->epochs > 0) {
        mr_text time;
        mr_text_init(&time, &w->arena);
        mr_civil_print_iso(&time, run->watermark_us);
        fact(w, "watermark", "%s", mr_text_string(&time));
    }
    close_object(w);
}

static void put_inputs(writer *w) {
    w->indent = 4;
    open_list(w, "sources");
    for (uint32_t s = 0; s < w->pipeline->source_count; s++) {
        put_source(w, s);
    }
    close_list(w);
    open_list(w, "tables");
    for (uint32_t t = 0; t < w->pipeline->table_count; t++) {
        put_table(w, &w->pipeline->tables[t]);
    }
    close_list(w);
}

static void put_inserts(writer *w) {
    bool *printed = MR_NEW_ARRAY(&w->arena, bool, w->pipeline->plan_count + 1);
    open_list(w, "inserts");
    for (uint32_t i = 0; i < w->pipeline->insert_count; i++) {
        const mr_plan_insert *insert = &w->pipeline->inserts[i];
        mr_text heading;
        mr_text_init(&heading, &w->arena);
        mr_plan_print_insert(insert, &heading);
        if (!w->json) {
            mr_text_addf(w->out, "%s  [%s]\n", mr_text_string(&heading), insert->type->file);
        }
        w->indent = 4;
        open_object(w);
        word(w, "table", insert->table);
        word(w, "text", mr_text_string(&heading));
        word(w, "file", insert->type->file);
        number(w, "root", insert->root->id);
        insert_facts(w, i);
        close_object(w);
        uint32_t depth = 1;
        for (const mr_plan *plan = insert->root; !w->json && plan != NULL; plan = plan->input) {
            if (printed[plan->id]) {
                mr_text_addf(w->out, "%*s#%u as above\n", (int)(2 * depth), "", plan->id);
                break;
            }
            printed[plan->id] = true;
            put_node(w, plan, depth++);
        }
    }
    close_list(w);
    open_list(w, "operators");
    for (uint32_t p = 0; w->json && p < w->pipeline->plan_count; p++) {
        put_node(w, w->pipeline->plans[p], 0);
    }
    close_list(w);
}

static void explain(const mr_job *job, const mr_explain_run *run, bool json, mr_text *out) {
    const mr_pipeline *pipeline = mr_job_pipeline(job);
    writer w = {.job = job,
                .pipeline = pipeline,
                .driver = run == NULL ? NULL : mr_job_driver(job),
                .json = json,
                .first = true,
                .indent = 4,
                .out = out};
    mr_arena_init(&w.arena);
    w.workers = mr_driver_workers(pipeline, (uint32_t)mr_job_settings(job)->workers);
    if (!json) {
        mr_text_addf(out, "pipeline %s\n", pipeline->name);
    }
    open_object(&w);
    word(&w, "pipeline", pipeline->name);
    put_settings(&w);
    put_inputs(&w);
    put_inserts(&w);
    if (w.driver != NULL) {
        put_run(&w, run);
    }
    close_object(&w);
    mr_text_add(out, json ? "\n" : "");
    mr_arena_release(&w.arena);
}

void mr_explain_text(const mr_job *job, const mr_explain_run *run, mr_text *out) {
    explain(job, run, /* json= */ false, out);
}

void mr_explain_json(const mr_job *job, const mr_explain_run *run, mr_text *out) {
    explain(job, run, /* json= */ true, out);
}

void mr_explain_count(void *self, const mr_progress *epoch) {
    mr_explain_run *run = self;
    run->epochs = epoch->epoch;
    run->input_rows = epoch->input_rows_total;
    run->bad_rows = epoch->bad_rows_total;
    run->late_rows = epoch->late_rows_total;
    run->duplicates = epoch->duplicates_total;
    run->input_bytes += epoch->input_bytes;
    run->input_us += epoch->input_us;
    run->emit_us += epoch->emit_us;
    run->commit_us += epoch->commit_us;
    run->publish_us += epoch->publish_us;
    run->watermark_us = epoch->watermark_us;
    run->state_bytes_max = MR_MAX(run->state_bytes_max, epoch->state_bytes);
    run->log_bytes = epoch->log_bytes;
}
