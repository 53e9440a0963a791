// Reset: see reset.h.

#include "job/reset.h"

#include <inttypes.h>
#include <string.h>

#include "job/inside.h"

typedef struct resetting {
    mr_job *job;
    const mr_reset_spec *spec;
    mr_reset_rows rows;
    mr_change change;
    bool *chosen;     // By insert.
    bool *restart;    // By source.
    bool *drop_rows;  // By sink: inserts, then bad and late of each source.
    mr_reset_report *report;
    mr_cx *cx;
} resetting;

static const mr_plan *scan_of(const mr_plan_insert *insert) {
    const mr_plan *plan = insert->root;
    while (plan->kind != MR_PLAN_SCAN) {
        plan = plan->input;
    }
    return plan;
}

static mr_code choose_tables(resetting *r) {
    const mr_pipeline *pipeline = r->job->pipeline;
    const char **names = MR_NEW_ARRAY(r->cx->arena, const char *, pipeline->insert_count + 1);
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        names[i] = pipeline->inserts[i].table;
        r->chosen[i] = r->spec->table_count == 0;
    }
    for (uint32_t t = 0; t < r->spec->table_count; t++) {
        bool found = false;
        for (uint32_t i = 0; i < pipeline->insert_count; i++) {
            bool same = strcmp(names[i], r->spec->tables[t]) == 0;
            r->chosen[i] = r->chosen[i] || same;
            found = found || same;
        }
        if (!found) {
            return mr_fail(
                r->cx, MR_E_OPTION,
                mr_text_hint(r->spec->tables[t], names, pipeline->insert_count,
                             "Name a table that an INSERT INTO of the file writes.", r->cx->arena),
                "pipeline \"%s\" writes no table \"%s\"", pipeline->name, r->spec->tables[t]);
        }
    }
    return MR_OK;
}

// What else changed in the file would be refused by the next run all the same.
static mr_code check_others(resetting *r) {
    for (uint32_t i = 0; i < r->change.item_count; i++) {
        const mr_change_item *item = &r->change.items[i];
        if (strcmp(item->what, "table") != 0 || item->kind == MR_KEEP || item->kind == MR_DROP ||
            item->reason[0] == '\0') {
            continue;
        }
        for (uint32_t p = 0; p < r->job->pipeline->insert_count; p++) {
            const char *table = r->job->pipeline->inserts[p].table;
            if (strcmp(table, item->name) == 0 && !r->chosen[p]) {
                return mr_fail(
                    r->cx, MR_E_OPTION,
                    mr_arena_printf(r->cx->arena, "Add --table %s, or name none: all.", table),
                    "table \"%s\" has changed as well: %s", table, item->reason);
            }
        }
    }
    return MR_OK;
}

static mr_code choose_sources(resetting *r) {
    const mr_pipeline *pipeline = r->job->pipeline;
    for (uint32_t i = 0; i < pipeline->insert_count && r->spec->to != NULL; i++) {
        uint32_t source = scan_of(&pipeline->inserts[i])->scan.source;
        r->restart[source] = r->restart[source] || r->chosen[i];
    }
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        uint32_t source = scan_of(&pipeline->inserts[i])->scan.source;
        if (r->restart[source] && !r->chosen[i]) {
            return mr_fail(r->cx, MR_E_OPTION,
                           mr_arena_printf(r->cx->arena,
                                           "Reset it too: --table %s. Or leave --to out: the table "
                                           "starts empty where the source stands.",
                                           pipeline->inserts[i].table),
                           "source \"%s\" cannot go back alone: table \"%s\" reads it too",
                           pipeline->sources[source].name, pipeline->inserts[i].table);
        }
    }
    return MR_OK;
}

static bool takes_offsets(const mr_source_type *type) {
    for (const mr_option *option = type->options; option->name != NULL; option++) {
        if (strcmp(option->name, "starting_offsets") == 0) {
            return true;
        }
    }
    return false;
}

// Where a restarted source begins: as if its table said so.
static mr_code place_source(resetting *r, mr_plan_source *source) {
    if (!takes_offsets(source->type)) {
        return strcmp(r->spec->to, "earliest") == 0
                   ? MR_OK
                   : mr_fail(r->cx, MR_E_OPTION, "Use --to earliest.",
                             "source \"%s\" (%s) starts at its beginning only", source->name,
                             source->type->name);
    }
    mr_option_values *options = &source->options;
    mr_option_value *items = MR_NEW_ARRAY(r->cx->arena, mr_option_value, options->count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < options->count; i++) {
        if (strcmp(options->items[i].name, "starting_offsets") != 0) {
            items[count++] = options->items[i];
        }
    }
    items[count++] =
        (mr_option_value){.name = "starting_offsets", .value = r->spec->to, .place = MR_NOWHERE};
    options->items = items;
    options->count = count;
    return MR_OK;
}

static mr_code decide_rows(resetting *r) {
    r->rows = r->spec->rows;
    if (r->rows != MR_ROWS_UNSAID) {
        return MR_OK;
    }
    bool known = r->spec->to == NULL || strcmp(r->spec->to, "earliest") == 0 ||
                 strcmp(r->spec->to, "latest") == 0;
    if (!known) {
        return mr_fail(r->cx, MR_E_OPTION,
                       "Add --rows keep (rows behind that time come twice) or --rows delete (rows "
                       "before it are gone).",
                       "from \"%s\" on some rows would be written again", r->spec->to);
    }
    bool again = r->spec->to != NULL && strcmp(r->spec->to, "earliest") == 0;
    r->rows = again ? MR_ROWS_DELETE : MR_ROWS_KEEP;
    return MR_OK;
}

static uint64_t waiting_rows(const resetting *r, const char *table) {
    for (uint32_t s = 0; s < r->change.state.sink_count; s++) {
        if (strcmp(r->change.state.sinks[s].name, table) == 0) {
            return r->change.state.sinks[s].waiting_rows;
        }
    }
    return 0;
}

static void say_table(resetting *r, const char *table, const char *what, bool doomed) {
    mr_text *out = &r->report->said;
    uint64_t waiting = waiting_rows(r, table);
    mr_text_addf(out, "table \"%s\": %srows written so far %s", table, what,
                 doomed ? "are deleted" : "stay");
    if (waiting > 0) {
        mr_text_addf(out, ", and so %s the %" PRIu64 " that wait", doomed ? "are" : "do", waiting);
    }
    mr_text_add_char(out, '\n');
}

static void say_all(resetting *r) {
    const mr_pipeline *pipeline = r->job->pipeline;
    bool doomed = r->rows == MR_ROWS_DELETE;
    mr_text_init(&r->report->said, r->cx->arena);
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        if (r->chosen[i]) {
            r->drop_rows[i] = doomed;
            say_table(r, pipeline->inserts[i].table, "starts with empty state; ", doomed);
        }
    }
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        const char *name = pipeline->sources[s].name;
        if (!r->restart[s]) {
            mr_text_addf(&r->report->said, "source \"%s\": stays where it is\n", name);
            continue;
        }
        mr_text_addf(&r->report->said, "source \"%s\": goes to %s\n", name, r->spec->to);
        static const char *const sides[] = {"_bad", "_late"};
        for (uint32_t side = 0; side < MR_COUNT(sides) && doomed; side++) {
            r->drop_rows[pipeline->insert_count + 2 * s + side] = true;
            say_table(r, mr_arena_printf(r->cx->arena, "%s%s", name, sides[side]), "", doomed);
        }
    }
}

static mr_code prepare(resetting *r) {
    mr_job *job = r->job;
    const mr_pipeline *pipeline = job->pipeline;
    mr_arena *arena = r->cx->arena;
    r->chosen = MR_NEW_ARRAY(arena, bool, pipeline->insert_count + 1);
    r->restart = MR_NEW_ARRAY(arena, bool, pipeline->source_count + 1);
    r->drop_rows =
        MR_NEW_ARRAY(arena, bool, pipeline->insert_count + 2 * pipeline->source_count + 1);
    MR_TRY(mr_query_compare(pipeline, job->state_dir, &r->change, r->cx));
    if (!r->change.state.exists) {
        return mr_fail(r->cx, MR_E_MISSING, "Run it: there is nothing to reset yet.",
                       "pipeline \"%s\" has no state in \"%s\"", pipeline->name, job->state_dir);
    }
    r->report->epoch = r->change.state.epoch;
    MR_TRY(choose_tables(r));
    MR_TRY(check_others(r));
    MR_TRY(choose_sources(r));
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        if (r->restart[s]) {
            MR_TRY(place_source(r, &job->pipeline->sources[s]));
        }
    }
    MR_TRY(decide_rows(r));
    say_all(r);
    return MR_OK;
}

static mr_code mark_doomed(resetting *r, bool *ret_marked) {
    mr_job *job = r->job;
    const char **tables = MR_NEW_ARRAY(r->cx->arena, const char *, job->sink_count + 1);
    uint32_t count = 0;
    for (uint32_t s = 0; s < job->sink_count; s++) {
        if (r->drop_rows[s]) {
            tables[count++] = job->sinks[s]->spec.table;
        }
    }
    *ret_marked = count > 0;
    return count > 0 ? mr_erase_mark(job, r->change.state.epoch, tables, count, r->cx) : MR_OK;
}

mr_code mr_reset_run(mr_job *job, const mr_reset_spec *spec, mr_reset_report *ret, mr_cx *cx) {
    resetting r = {.job = job, .spec = spec, .report = ret, .cx = cx};
    MR_TRY(prepare(&r));
    if (spec->dry) {
        return MR_OK;
    }
    MR_TRY(mr_open_all(job, cx));
    MR_TRY(prepare(&r));  // Again under the lock: what was read may have moved on.
    bool marked;
    MR_TRY(mark_doomed(&r, &marked));
    MR_TRY(mr_crash_point("reset.marked", cx));
    mr_driver_change change = {.forget = r.chosen, .restart = r.restart, .drop_rows = r.drop_rows};
    MR_TRY(mr_open_driver(job, &change, cx));
    MR_TRY(mr_crash_point("reset.committed", cx));
    return marked ? mr_erase_marked(job, mr_driver_epoch(job->driver), cx) : MR_OK;
}
