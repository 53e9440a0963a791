// Job: see job.h.

#include "job/job.h"

#include <inttypes.h>
#include <string.h>

#include "job/inside.h"
#include "job/udf.h"

const mr_option mr_job_exec_options[] = {
    MR_OPTION(mr_job_exec, workers, MR_OPT_INT, "0", "Threads that process rows; 0 = one a core."),
    MR_OPTION(mr_job_exec, batch_rows, MR_OPT_INT, "2048", "Rows of a batch at most."),
    MR_OPTION(mr_job_exec, chunk_bytes, MR_OPT_BYTES, "0",
              "Input taken at a time; 0 = as suits the source."),
    MR_OPTION(mr_job_exec, epoch, MR_OPT_DURATION, "1 second", "Time between commits."),
    MR_OPTION(mr_job_exec, epoch_first, MR_OPT_DURATION, "20 milliseconds",
              "The same for the first one; each is twice as long, up to epoch."),
    MR_OPTION(mr_job_exec, epoch_bytes, MR_OPT_BYTES, "64MiB", "Input that ends an epoch early."),
    MR_OPTION(mr_job_exec, epoch_rows, MR_OPT_INT, "0", "The same in rows; 0 = no limit."),
    MR_OPTION(mr_job_exec, stop_after_epochs, MR_OPT_INT, "0",
              "Stop after so many commits; 0 = never. For tests of recovery."),
    MR_OPTION(mr_job_exec, memory_limit, MR_OPT_BYTES, "0", "State at most; 0 = no limit."),
    MR_OPTION(mr_job_exec, log_bytes, MR_OPT_BYTES, "64MiB",
              "Commit log that is kept without being shortened; 0 = none, for tests."),
    MR_OPTION(mr_job_exec, aside_trigger, MR_OPT_DURATION, "10 seconds",
              "How often bad and late rows become files."),
    MR_OPTION(mr_job_exec, seed, MR_OPT_INT, "0",
              "Of a fresh state's hashes; 0 = another one each time. For repeatable measurements."),
    MR_OPTION_CHOICE(mr_job_exec, aside_format, "parquet|jsonl", "parquet",
                     "Format of bad and late tables."),
    MR_OPTION_END,
};

const char *mr_job_project(const char *file, mr_cx *cx) {
    const char *own = mr_plat_parent(file, cx->arena);
    for (const char *at = own;;) {
        if (mr_file_exists(mr_arena_printf(cx->arena, "%s/millrace.yaml", at), cx)) {
            return at;
        }
        const char *up = mr_plat_parent(at, cx->arena);
        if (strcmp(up, at) == 0 || strcmp(up, ".") == 0) {
            break;
        }
        at = up;
    }
    const char *slash = strrchr(own, '/');
    const char *last = slash == NULL ? own : slash + 1;
    bool part = strcmp(last, "sql") == 0 || strcmp(last, "dags") == 0 || strcmp(last, "tests") == 0;
    return part ? mr_plat_parent(own, cx->arena) : own;
}

mr_code mr_job_env_file(const char *path, mr_job_pair **ret, uint32_t *ret_count, mr_cx *cx) {
    *ret = NULL;
    *ret_count = 0;
    if (!mr_file_exists(path, cx)) {
        return MR_OK;
    }
    mr_span text;
    MR_TRY(mr_file_load(path, 1 << 20, &text, cx));
    uint32_t lines = 1;
    for (size_t i = 0; i < text.bytes; i++) {
        lines += text.data[i] == '\n';
    }
    *ret = MR_NEW_ARRAY(cx->arena, mr_job_pair, lines);
    for (uint32_t line = 1; text.bytes > 0; line++) {
        mr_span row = mr_span_trim(mr_span_line(&text));
        if (row.bytes == 0 || row.data[0] == '#') {
            continue;
        }
        const char *equals = memchr(row.data, '=', row.bytes);
        if (equals == NULL) {
            return mr_fail(cx, MR_E_SYNTAX, "Write NAME=value on each line.",
                           "%s:%u: no \"=\" in \"%.*s\"", path, line, MR_SPAN_ARGS(row));
        }
        size_t name_bytes = (size_t)(equals - row.data);
        mr_span value = mr_span_trim((mr_span){equals + 1, row.bytes - name_bytes - 1});
        (*ret)[(*ret_count)++] = (mr_job_pair){
            .name = mr_arena_copy(cx->arena, row.data, name_bytes),
            .value = mr_arena_copy(cx->arena, value.data, value.bytes),
        };
    }
    return MR_OK;
}

const char *const *mr_job_env(const mr_job_pair *pairs, uint32_t count, const char *servers,
                              mr_cx *cx) {
    const char **ret = MR_NEW_ARRAY(cx->arena, const char *, count + 2u);
    const mr_job_pair last = {"KAFKA_BOOTSTRAP_SERVERS", servers};
    size_t given = 0;
    for (uint32_t i = 0; i <= count; i++) {
        const mr_job_pair *pair = i < count ? &pairs[i] : &last;
        if (pair->value != NULL && mr_plat_env(cx->plat, pair->name) == NULL) {
            ret[given++] = mr_arena_printf(cx->arena, "%s=%s", pair->name, pair->value);
        }
    }
    return ret;
}

static const char *pipeline_name(const char *file, mr_arena *arena) {
    const char *slash = strrchr(file, '/');
    const char *base = slash == NULL ? file : slash + 1;
    const char *dot = strrchr(base, '.');
    return mr_arena_copy(arena, base, dot == NULL ? strlen(base) : (size_t)(dot - base));
}

// ---- Settings and variables ----

static const char *pair_find(const mr_job_pair *pairs, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].name, name) == 0) {
            return pairs[i].value;
        }
    }
    return NULL;
}

static mr_code load_settings(mr_job *job, mr_cx *cx) {
    mr_config config = {job->spec.config, job->spec.config_count};
    MR_TRY(mr_config_apply(&config, "exec", mr_job_exec_options, &job->exec, cx));
    if (job->exec.batch_rows < 1 || job->exec.batch_rows > MR_BATCH_ROWS_MAX) {
        return mr_fail(cx, MR_E_OPTION,
                       mr_arena_printf(cx->arena, "Use a number from 1 to %d.", MR_BATCH_ROWS_MAX),
                       "exec.batch_rows cannot be %" PRIi64, job->exec.batch_rows);
    }
    if (job->exec.workers < 0 || job->exec.workers > 1024) {
        return mr_fail(cx, MR_E_OPTION, "Use a number from 1 to 1024, or 0 for one a core.",
                       "exec.workers cannot be %" PRIi64, job->exec.workers);
    }
    job->exec.workers =
        job->exec.workers == 0 ? (int64_t)mr_plat_cores(cx->plat) : job->exec.workers;
    return MR_OK;
}

static const char *variable_find(void *self, const char *name) {
    const mr_job *job = self;
    const char *value = pair_find(job->spec.sets, job->spec.set_count, name);
    if (value == NULL) {
        value = mr_plat_env(job->plat, name);
    }
    if (value == NULL) {
        value = pair_find(job->spec.sets + job->spec.set_count, job->spec.env_count, name);
    }
    return value == NULL && strcmp(name, "RUN_ID") == 0 ? job->run_id : value;
}

static const char *source_override(void *self, const char *table) {
    const mr_job *job = self;
    return pair_find(job->spec.sources, job->spec.source_count, table);
}

static mr_code zone_load(void *self, const char *name, const mr_zone **ret, mr_cx *cx) {
    (void)self;
    if (strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0) {
        *ret = NULL;
        return MR_OK;
    }
    bool plain = name[0] != '/' && strstr(name, "..") == NULL;
    const char *path = mr_arena_printf(cx->arena, "/usr/share/zoneinfo/%s", name);
    mr_span bytes;
    if (!plain || mr_file_load(path, 1 << 20, &bytes, cx) != MR_OK) {
        return mr_fail(cx, MR_E_NAME, "Use a name such as 'Asia/Kolkata', or 'UTC'.",
                       "no time zone \"%s\"", name);
    }
    mr_zone *zone;
    MR_TRY(mr_zone_parse(name, bytes, &zone, cx));
    *ret = zone;
    return MR_OK;
}

// RUN_ID is set once per fresh state: a restart goes on with the name it began with.
static mr_code run_id_load(mr_job *job, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/run_id", job->state_dir);
    job->run_id = mr_arena_printf(cx->arena, "%" PRIi64, mr_clock_real_us(cx->plat) / MR_SECOND_US);
    if (job->spec.fresh || !mr_file_exists(path, cx)) {
        return MR_OK;
    }
    mr_span kept;
    MR_TRY(mr_file_load(path, 4096, &kept, cx));
    kept = mr_span_trim(kept);
    job->run_id = mr_arena_copy(cx->arena, kept.data, kept.bytes);
    return MR_OK;
}

// A source that is replaced must be one that the pipeline reads: a misspelt name would go
// unnoticed.
static mr_code check_overrides(const mr_job *job, mr_cx *cx) {
    const mr_pipeline *pipeline = job->pipeline;
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, pipeline->source_count + 1);
    mr_text all;
    mr_text_init(&all, cx->arena);
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        names[s] = pipeline->sources[s].name;
        mr_text_addf(&all, "%s%s", s == 0 ? "" : ", ", names[s]);
    }
    for (uint32_t i = 0; i < job->spec.source_count; i++) {
        bool found = false;
        for (uint32_t s = 0; s < pipeline->source_count; s++) {
            found |= strcmp(names[s], job->spec.sources[i].name) == 0;
        }
        if (!found) {
            return mr_fail(
                cx, MR_E_OPTION,
                mr_arena_printf(cx->arena, "The pipeline reads: %s.", mr_text_string(&all)),
                "--source names table \"%s\", which the pipeline does not read",
                job->spec.sources[i].name);
        }
    }
    return MR_OK;
}

static mr_code external_find(void *self, const mr_external_ask *ask, const mr_external **ret,
                             mr_cx *cx) {
    mr_job *job = self;
    return ask->library != NULL ? mr_udf_find(ask, ret, cx)
                                : mr_delegate_find(job->delegate, ask, ret, cx);
}

mr_code mr_job_load(const mr_job_spec *spec, mr_job **ret, mr_sql_errors *ret_errors, mr_cx *cx) {
    mr_job *job = MR_NEW(cx->arena, mr_job);
    job->spec = *spec;
    job->plat = cx->plat;
    job->name = pipeline_name(spec->file, cx->arena);
    job->state_dir = mr_arena_printf(cx->arena, "%s/state/%s", spec->data_dir, job->name);
    *ret = job;
    *ret_errors = (mr_sql_errors){0};
    MR_TRY(load_settings(job, cx));
    MR_TRY(run_id_load(job, cx));
    mr_sql_env env = {.file = spec->file,
                      .port = spec->port,
                      .variable = variable_find,
                      .zone = zone_load,
                      .source_override = source_override,
                      .external = external_find,
                      .self = job};
    job->delegate = mr_delegate_new();
    MR_TRY(mr_plan_make(spec->text, &env, &job->pipeline, ret_errors, cx));
    for (uint32_t i = 0; spec->any_sink && i < job->pipeline->insert_count; i++) {
        job->pipeline->inserts[i].type = mr_port_sink(spec->port, "jsonl");
        job->pipeline->inserts[i].options = (mr_option_values){0};
    }
    return check_overrides(job, cx);
}

const mr_pipeline *mr_job_pipeline(const mr_job *job) {
    return job->pipeline;
}

const char *mr_job_state_dir(const mr_job *job) {
    return job->state_dir;
}

void mr_job_embed(mr_job *job, mr_embedded *embedded, const char *address) {
    job->spec.embedded = embedded;
    job->spec.embedded_address = address;
}

mr_code mr_job_run(mr_job *job, bool *ret_ended, mr_cx *cx) {
    *ret_ended = false;
    MR_TRY(mr_open_all(job, cx));
    MR_TRY(mr_open_driver_to_run(job, cx));
    return mr_driver_run(job->driver, ret_ended, cx);
}

const mr_job_exec *mr_job_settings(const mr_job *job) {
    return &job->exec;
}

const mr_driver *mr_job_driver(const mr_job *job) {
    return job->driver;
}

mr_code mr_job_compare(mr_job *job, mr_change *ret, mr_cx *cx) {
    return mr_query_compare(job->pipeline, job->state_dir, ret, cx);
}

const mr_change *mr_job_change(const mr_job *job) {
    return job->change;
}

const char *mr_job_sink_path(const mr_job *job, uint32_t insert) {
    return job->sinks == NULL || insert >= job->sink_count ? NULL : job->sinks[insert]->path;
}

void mr_job_close(mr_job *job, mr_cx *cx) {
    if (job->driver != NULL) {
        mr_driver_close(job->driver);
    }
    for (uint32_t s = 0; s < job->sink_count; s++) {
        job->sinks[s]->type->close(job->sinks[s]);
        mr_arena_release(&job->sinks[s]->arena);
    }
    for (uint32_t s = 0; job->sources != NULL && s < job->pipeline->source_count; s++) {
        if (job->sources[s] != NULL) {
            job->sources[s]->type->close(job->sources[s]);
            mr_arena_release(&job->sources[s]->arena);
        }
    }
    mr_tables_close(&job->tables);
    if (job->pipeline != NULL) {
        mr_plan_release(job->pipeline);
    }
    mr_delegate_free(job->delegate);
    if (job->locked) {
        mr_lock_release(&job->lock, cx->plat);
    }
}
