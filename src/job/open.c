// Open: from a planned job to a driver on its state; see inside.h.

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "job/inside.h"
#include "job/rehearsal.h"
#include "lake/convert.h"
#include "store/catalog.h"
#include "store/swap.h"

#define LOCK_WAIT_US ((int64_t)30 * 1000 * 1000)
#define LOCK_LOOK_US ((int64_t)20 * 1000)

static mr_code source_open(mr_job *job, uint32_t index, mr_cx *cx) {
    const mr_plan_source *plan = &job->pipeline->sources[index];
    mr_source *source = mr_arena_alloc(cx->arena, plan->type->size);
    source->type = job->spec.rehearsal ? mr_rehearsal_source(plan->type, cx->arena) : plan->type;
    source->spec = (mr_source_spec){.table = plan->name,
                                    .pipeline = job->name,
                                    .fields = &plan->fields,
                                    .options = &plan->options,
                                    .until = job->spec.until,
                                    .embedded = job->spec.embedded,
                                    .embedded_address = job->spec.embedded_address,
                                    .chunk_bytes = job->exec.chunk_bytes,
                                    .batch_rows = (uint32_t)job->exec.batch_rows,
                                    .seed = mr_hash_bytes(plan->name, strlen(plan->name), 0)};
    job->sources[index] = source;
    mr_code code = plan->type->open(source, &source->spec, cx);
    return code == MR_OK ? code : mr_error_in(cx, code, "opening source \"%s\"", plan->name);
}

static mr_code sink_open(mr_job *job, const mr_sink_type *type, const mr_sink_spec *spec,
                         mr_cx *cx) {
    mr_sink *sink = mr_arena_alloc(cx->arena, type->size);
    sink->type = type;
    sink->spec = *spec;
    sink->spec.pipeline = job->name;
    sink->spec.data_dir = job->spec.data_dir;
    sink->spec.zone = job->pipeline->zone;
    sink->spec.print = job->spec.print;
    sink->spec.print_self = job->spec.self;
    sink->spec.embedded = job->spec.embedded;
    sink->spec.embedded_address = job->spec.embedded_address;
    job->sinks[job->sink_count++] = sink;
    mr_code code = type->open(sink, &sink->spec, cx);
    return code == MR_OK ? code : mr_error_in(cx, code, "opening table \"%s\"", spec->table);
}

static mr_code sinks_open(mr_job *job, mr_cx *cx) {
    const mr_pipeline *pipeline = job->pipeline;
    job->sinks =
        MR_NEW_ARRAY(cx->arena, mr_sink *, pipeline->insert_count + 2 * pipeline->source_count);
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        const mr_plan_insert *insert = &pipeline->inserts[i];
        mr_sink_spec spec = {.table = insert->table,
                             .schema = insert->root->schema,
                             .options = &insert->options,
                             .mode = insert->mode,
                             .conflict_keys = insert->conflict_keys,
                             .conflict_key_count = insert->conflict_key_count};
        const mr_sink_type *type = insert->type;
        if (job->spec.rehearsal) {
            type = mr_rehearsal_sink(type, &spec.options, cx->arena);
        }
        MR_TRY(sink_open(job, type, &spec, cx));
    }
    static const mr_option_values no_options = {0};
    const mr_sink_type *aside = mr_port_sink(job->spec.port, job->exec.aside_format);
    mr_assert(aside != NULL);
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        const mr_plan_source *source = &pipeline->sources[s];
        mr_schema *late = MR_NEW(cx->arena, mr_schema);
        *late = mr_op_late_schema(&source->schema, cx->arena);
        mr_sink_spec spec = {.options = &no_options, .schema = &mr_op_bad_schema};
        spec.table = mr_arena_printf(cx->arena, "%s_bad", source->name);
        MR_TRY(sink_open(job, aside, &spec, cx));
        spec.table = mr_arena_printf(cx->arena, "%s_late", source->name);
        spec.schema = late;
        MR_TRY(sink_open(job, aside, &spec, cx));
    }
    return MR_OK;
}

// What DuckDB's SQL calls the type; the catalogue's readers are views there.
static const char *column_type(mr_type type, mr_arena *arena) {
    if (!mr_type_is_nested(type) && type.id != MR_NUMERIC && type.id != MR_JSON) {
        return mr_type_name(type);
    }
    mr_text out;
    mr_text_init(&out, arena);
    mr_convert_type_name(type, &out);
    return mr_text_string(&out);
}

static mr_code register_table(const mr_job *job, const mr_sink *sink, mr_cx *cx) {
    const mr_schema *schema = sink->spec.schema;
    mr_catalog_table table = {
        .name = sink->spec.table,
        .format = sink->type->format,
        .path = sink->path,
        .pipeline = job->name,
        .partition_by = mr_option_find(sink->spec.options, "partition_by"),
        .columns = MR_NEW_ARRAY(cx->arena, mr_catalog_column, schema->count),
        .column_count = schema->count,
    };
    for (uint32_t c = 0; c < schema->count; c++) {
        table.columns[c].name = schema->columns[c].name;
        table.columns[c].type = column_type(schema->columns[c].type, cx->arena);
    }
    return mr_catalog_register(job->spec.data_dir, &table, cx);
}

static mr_code register_tables(const mr_job *job, mr_cx *cx) {
    for (uint32_t s = 0; s < job->sink_count && job->replays == NULL; s++) {
        if (job->sinks[s]->type->registers) {
            MR_TRY(register_table(job, job->sinks[s], cx));
        }
    }
    return MR_OK;
}

static mr_code published(void *self, uint64_t incarnation, uint64_t epoch, mr_cx *cx) {
    const mr_job *job = self;
    return mr_catalog_set_published(job->state_dir, incarnation, epoch, cx);
}

// A table that a task may ask this pipeline, its one writer, to swap files of: store/swap.h.
struct mr_job_swap {
    const char *table;
    const char *path;  // Of its commit.
    uint64_t inode;    // As it was looked at last.
    int64_t modified_us;
};

// Finishes what is pending, and finds the tables to look after.
static mr_code swaps_open(mr_job *job, mr_cx *cx) {
    mr_catalog_table *tables;
    uint32_t count;
    MR_TRY(mr_catalog_list(job->spec.data_dir, &tables, &count, cx));
    job->swaps = MR_NEW_ARRAY(cx->arena, struct mr_job_swap, count + 1);
    job->swap_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        mr_swap swap;
        if (strcmp(tables[i].pipeline, job->name) == 0) {
            job->swaps[job->swap_count++] = (struct mr_job_swap){
                .table = tables[i].name,
                .path = mr_catalog_path(job->spec.data_dir, tables[i].name, ".commit", cx->arena)};
            MR_TRY(mr_swap_finish(job->spec.data_dir, tables[i].name, &swap, cx));
        }
    }
    return MR_OK;
}

// Between two publications nothing else moves files into a table's folders.
static void swap_when_asked(mr_job *job, struct mr_job_swap *s, mr_cx *cx) {
    mr_stat stat;
    mr_swap swap;
    if (mr_file_stat(s->path, &stat, cx) != MR_OK ||
        (stat.inode == s->inode && stat.modified_us == s->modified_us)) {
        return;
    }
    mr_code code = mr_swap_finish(job->spec.data_dir, s->table, &swap, cx);
    if (code == MR_OK) {
        s->inode = stat.inode;
        s->modified_us = stat.modified_us;
    } else if (job->spec.warn != NULL && code != MR_E_CRASH) {
        job->spec.warn(job->spec.self,
                       mr_arena_printf(cx->arena, "table \"%s\" is not swapped yet: %s", s->table,
                                       cx->error.text));
    }
}

static void between_epochs(void *self, mr_cx *cx) {
    mr_job *job = self;
    mr_tables_refresh(&job->tables, cx);
    for (uint32_t i = 0; i < job->swap_count; i++) {
        swap_when_asked(job, &job->swaps[i], cx);
    }
}

// A table that a task is about to swap files of; NULL: none.
static mr_code find_pending(const mr_job *job, const char **ret, mr_cx *cx) {
    mr_catalog_table *tables;
    uint32_t count;
    *ret = NULL;
    MR_TRY(mr_catalog_list(job->spec.data_dir, &tables, &count, cx));
    for (uint32_t i = 0; i < count && *ret == NULL; i++) {
        mr_swap swap;
        MR_TRY(mr_swap_load(job->spec.data_dir, tables[i].name, &swap, cx));
        *ret = swap.state == MR_SWAP_PENDING ? tables[i].name : NULL;
    }
    return MR_OK;
}

mr_code mr_open_lock(mr_job *job, mr_cx *cx) {
    MR_TRY(mr_dir_make(mr_arena_printf(cx->arena, "%s/state", job->spec.data_dir), cx));
    const char *lock = mr_arena_printf(cx->arena, "%s.lock", job->state_dir);
    const char *table = NULL, *told = NULL;
    int64_t end_us = mr_clock_monotonic_us(cx->plat) + LOCK_WAIT_US;
    mr_code code = mr_lock_take(&job->lock, lock, cx);
    // A task that has just ended its swap lets go a moment later: so one more look at least.
    for (bool look = true; code == MR_E_LOCKED && look; look = table != NULL) {
        MR_TRY(find_pending(job, &table, cx));
        if (table != NULL && told == NULL && job->spec.warn != NULL) {
            told = mr_arena_printf(cx->arena, "waits: a task puts files into table \"%s\"", table);
            job->spec.warn(job->spec.self, told);
        }
        mr_clock_sleep_us(cx->plat, LOCK_LOOK_US);
        code = mr_lock_take(&job->lock, lock, cx);
        if (mr_cx_cancelled(cx) || mr_clock_monotonic_us(cx->plat) > end_us) {
            break;
        }
    }
    job->locked = code == MR_OK;
    return code;
}

mr_code mr_open_all(mr_job *job, mr_cx *cx) {
    const mr_pipeline *pipeline = job->pipeline;
    MR_TRY(mr_open_lock(job, cx));
    job->tables.warn = job->spec.warn;
    job->tables.self = job->spec.self;
    MR_TRY(mr_tables_open(&job->tables, pipeline, job->spec.port, cx));
    job->sources = MR_NEW_ARRAY(cx->arena, mr_source *, pipeline->source_count);
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        MR_TRY(source_open(job, s, cx));
    }
    MR_TRY(sinks_open(job, cx));
    MR_TRY(swaps_open(job, cx));
    MR_TRY(mr_erase_recover(job, cx));
    if (job->spec.fresh) {
        MR_TRY(mr_erase_state(job, cx));
    }
    MR_TRY(mr_dir_make(job->state_dir, cx));
    const char *run_id = mr_arena_printf(cx->arena, "%s/run_id", job->state_dir);
    if (!mr_file_exists(run_id, cx)) {
        MR_TRY(mr_file_save(run_id, mr_span_of(job->run_id), cx));
    }
    MR_TRY(register_tables(job, cx));
    return swaps_open(job, cx);  // Of the tables that are new, too.
}

// The description is there before a record that names it.
static mr_code query_save(mr_job *job, uint64_t *ret_hash, mr_cx *cx) {
    mr_span text = mr_query_describe(job->pipeline, ret_hash, cx);
    const char *path = mr_query_path(job->state_dir, *ret_hash, cx);
    return mr_file_exists(path, cx) ? MR_OK : mr_file_save(path, text, cx);
}

// Descriptions of former queries go once no record to come names them.
static mr_code queries_sweep(mr_job *job, uint64_t hash, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(job->state_dir, &entries, &count, cx));
    const char *own = mr_query_path(job->state_dir, hash, cx);
    for (size_t i = 0; i < count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", job->state_dir, entries[i].name);
        if (mr_span_starts(mr_span_of(entries[i].name), "query-") && strcmp(path, own) != 0) {
            MR_TRY(mr_file_delete(path, cx));
        }
    }
    return MR_OK;
}

mr_code mr_open_driver(mr_job *job, const mr_driver_change *change, mr_cx *cx) {
    const mr_pipeline *pipeline = job->pipeline;
    mr_sink **bad = MR_NEW_ARRAY(cx->arena, mr_sink *, pipeline->source_count);
    mr_sink **late = MR_NEW_ARRAY(cx->arena, mr_sink *, pipeline->source_count);
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        bad[s] = job->sinks[pipeline->insert_count + 2 * s];
        late[s] = job->sinks[pipeline->insert_count + 2 * s + 1];
    }
    mr_driver_spec spec = {
        .pipeline = pipeline,
        .state_dir = job->state_dir,
        .change = change,
        .sources = job->sources,
        .sinks = job->sinks,
        .bad_sinks = bad,
        .late_sinks = late,
        .tables = job->tables.items,
        .aside_trigger_us = job->exec.aside_trigger,
        .options = {.workers = (uint32_t)job->exec.workers,
                    .epoch_us = job->exec.epoch,
                    .epoch_first_us = job->exec.epoch_first,
                    .seed = (uint64_t)job->exec.seed,
                    .epoch_bytes = job->exec.epoch_bytes,
                    .epoch_rows = (uint64_t)job->exec.epoch_rows,
                    .state_bytes_max = job->exec.memory_limit,
                    .log_bytes = job->exec.log_bytes,
                    .stop_after_epochs = (uint32_t)job->exec.stop_after_epochs,
                    .until = job->spec.until,
                    .duration_us = job->spec.duration_us,
                    .accept_loss = job->spec.accept_loss,
                    .measured = job->spec.rehearsal},
        .progress = job->spec.progress,
        .published = published,
        .self = job->spec.self,
    };
    spec.between_epochs = between_epochs;
    spec.published_self = job;
    MR_TRY(query_save(job, &spec.query_hash, cx));
    MR_TRY(mr_driver_open(&spec, &job->driver, cx));
    return queries_sweep(job, spec.query_hash, cx);
}

static mr_code refused(mr_job *job, bool dropped, mr_cx *cx) {
    const mr_change *change = job->change;
    const char *hint =
        dropped
            ? "Run the former file once with --until available-now, or go on with --accept-loss."
            : mr_arena_printf(cx->arena,
                              "See what changed: millrace diff %s. Start the table anew: "
                              "millrace stream reset %s --table %s. Or start all over: --fresh.",
                              job->spec.file, job->spec.file, change->refused_table);
    return mr_fail(cx, MR_E_UNSUPPORTED, hint,
                   "the state was kept for another query: table \"%s\" %s", change->refused_table,
                   change->refusal);
}

mr_code mr_open_driver_to_run(mr_job *job, mr_cx *cx) {
    mr_code code = mr_open_driver(job, NULL, cx);
    if (code != MR_E_UNSUPPORTED) {
        return code;
    }
    mr_error first = cx->error;
    job->change = MR_NEW(cx->arena, mr_change);
    if (mr_query_compare(job->pipeline, job->state_dir, job->change, cx) != MR_OK ||
        !job->change->changed) {
        cx->error = first;
        return code;
    }
    bool dropped = job->change->refused_table != NULL &&
                   mr_query_is_drop(job->change, job->change->refused_table);
    if (job->change->refusal != NULL && !(dropped && job->spec.accept_loss)) {
        return refused(job, dropped, cx);
    }
    for (uint32_t i = 0; i < job->change->item_count && job->spec.warn != NULL; i++) {
        const mr_change_item *item = &job->change->items[i];
        if (item->kind != MR_KEEP) {
            job->spec.warn(job->spec.self,
                           mr_arena_printf(cx->arena, "the query changed: %s %s %s", item->what,
                                           item->name,
                                           item->kind == MR_DROP ? "is dropped" : "is new"));
        }
    }
    mr_driver_close(job->driver);
    job->driver = NULL;
    const mr_pipeline *pipeline = job->pipeline;
    mr_driver_change take_over = {
        .forget = MR_NEW_ARRAY(cx->arena, bool, pipeline->insert_count + 1),
        .restart = MR_NEW_ARRAY(cx->arena, bool, pipeline->source_count + 1),
        .drop_rows = MR_NEW_ARRAY(cx->arena, bool, job->sink_count + 1)};
    return mr_open_driver(job, &take_over, cx);
}
