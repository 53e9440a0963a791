// Pipeline: from a command's flags to a planned job. Part of cli.h.

#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "conn/conn.h"

#define FILE_BYTES_MAX ((uint64_t)16 << 20)

const char *mr_pipeline_path(const char *path, mr_cx *cx) {
    return path[0] == '/' || strcmp(path, "-") == 0
               ? path
               : mr_arena_printf(cx->arena, "%s/%s", mr_dir_current(cx), path);
}

// "file:PATH" with an absolute path; other specs as they are.
static void sources_absolute(mr_job_pair *sources, uint32_t count, mr_cx *cx) {
    for (uint32_t i = 0; i < count; i++) {
        if (strncmp(sources[i].value, "file:", 5) == 0) {
            sources[i].value =
                mr_arena_printf(cx->arena, "file:%s", mr_pipeline_path(sources[i].value + 5, cx));
        }
    }
}

const char *mr_pipeline_data_dir(const mr_cli_args *args, mr_cx *cx) {
    const char *data = mr_args_get(args, "--data");
    data = data == NULL ? mr_plat_env(cx->plat, "MILLRACE_DATA") : data;
    return data == NULL ? "data" : mr_pipeline_path(data, cx);
}

const char *mr_pipeline_project(mr_cx *cx) {
    return mr_job_project(mr_arena_printf(cx->arena, "%s/.", mr_dir_current(cx)), cx);
}

mr_code mr_pipeline_enter(const mr_cli_args *args, const char *dir, const char **ret_data_dir,
                          mr_cx *cx) {
    const char *data_dir = mr_pipeline_data_dir(args, cx);
    MR_TRY(mr_dir_change(dir == NULL ? mr_pipeline_project(cx) : dir, cx));
    if (ret_data_dir != NULL) {
        *ret_data_dir = data_dir;
    }
    return MR_OK;
}

const char *mr_pipeline_data_here(const mr_cli_args *args, mr_cx *cx) {
    const char *data = mr_pipeline_data_dir(args, cx), *project = mr_pipeline_project(cx);
    return data[0] == '/' || strcmp(project, mr_dir_current(cx)) == 0
               ? data
               : mr_arena_printf(cx->arena, "%s/%s", project, data);
}

// A rehearsal's own data folder: below --data, or below the system's folder for such things.
static const char *throw_away(const mr_cli_args *args, mr_cx *cx) {
    const char *below = mr_args_get(args, "--data");
    below = below == NULL ? mr_plat_env(cx->plat, "TMPDIR") : below;
    below = below == NULL || below[0] == '\0' ? "/tmp" : mr_pipeline_path(below, cx);
    return mr_arena_printf(cx->arena, "%s/millrace-explain-%016" PRIx64, below,
                           mr_random_u64(cx->plat));
}

// A pipeline's name is not its file; say which one that is.
static mr_code load_text(const char *file, mr_span *ret, mr_cx *cx) {
    mr_code code = mr_file_load(file, FILE_BYTES_MAX, ret, cx);
    if (code != MR_E_MISSING) {
        return code;
    }
    const char *named = mr_arena_printf(cx->arena, "%s/sql/%s%s", mr_pipeline_project(cx), file,
                                        mr_span_ends(mr_span_of(file), ".sql") ? "" : ".sql");
    if (mr_file_exists(named, cx)) {
        const char *here = mr_arena_printf(cx->arena, "%s/", mr_dir_current(cx));
        named += mr_span_starts(mr_span_of(named), here) ? strlen(here) : 0;
        return mr_fail(cx, code, mr_arena_printf(cx->arena, "Did you mean \"%s\"?", named),
                       "there is no file \"%s\"", file);
    }
    return code;
}

static mr_code spec_fill(const mr_cli_args *args, const char *file, mr_job_spec *spec, mr_cx *cx) {
    mr_job_pair *sets;
    mr_job_pair *sources;
    mr_job_pair *config;
    uint32_t set_count;
    MR_TRY(mr_args_pairs(args, "--set", &sets, &set_count, cx));
    MR_TRY(mr_args_pairs(args, "--source", &sources, &spec->source_count, cx));
    MR_TRY(mr_args_pairs(args, "-c", &config, &spec->config_count, cx));
    sources_absolute(sources, spec->source_count, cx);
    spec->file = file;
    spec->port = &mr_conn_port;
    spec->sources = sources;
    spec->config = config;
    MR_TRY(load_text(file, &spec->text, cx));
    spec->data_dir = spec->rehearsal ? throw_away(args, cx) : mr_pipeline_data_dir(args, cx);
    MR_TRY(mr_dir_change(mr_job_project(file, cx), cx));
    mr_job_pair *env;
    uint32_t env_count;
    MR_TRY(mr_job_env_file(".env", &env, &env_count, cx));
    mr_job_pair *all = MR_NEW_ARRAY(cx->arena, mr_job_pair, set_count + env_count + 1);
    memcpy(all, sets, set_count * sizeof *all);
    if (env_count > 0) {
        memcpy(all + set_count, env, env_count * sizeof *all);
    }
    spec->sets = all;
    spec->set_count = set_count;
    spec->env_count = env_count;
    return MR_OK;
}

mr_code mr_pipeline_plan(const mr_cli_args *args, const char *file, mr_cli_plan *ret, mr_cx *cx) {
    *ret = (mr_cli_plan){.spec = ret->spec};
    mr_code code = spec_fill(args, file, &ret->spec, cx);
    code = code == MR_OK ? mr_job_load(&ret->spec, &ret->job, &ret->errors, cx) : code;
    if (code == MR_OK) {
        return MR_OK;
    }
    bool usage = ret->job != NULL || cx->error.code == MR_E_OPTION;
    ret->exit_code = usage ? MR_EXIT_USAGE : MR_EXIT_FAILED;
    if (ret->errors.count == 0) {
        ret->errors.items = MR_NEW(cx->arena, mr_error);
        ret->errors.items[0] = cx->error;
        ret->errors.count = 1;
    }
    return code;
}

int mr_pipeline_load(const mr_cli_args *args, const char *file, mr_job_spec *spec, mr_job **ret,
                     mr_cx *cx) {
    mr_cli_plan plan = {.spec = *spec};
    mr_code code = mr_pipeline_plan(args, file, &plan, cx);
    *spec = plan.spec;
    *ret = code == MR_OK ? plan.job : NULL;
    for (uint32_t i = 0; code != MR_OK && i < plan.errors.count; i++) {
        cx->error = plan.errors.items[i];
        mr_report_error(cx);
    }
    if (code != MR_OK && plan.job != NULL) {
        mr_job_close(plan.job, cx);
    }
    return code == MR_OK ? MR_EXIT_DONE : plan.exit_code;
}
