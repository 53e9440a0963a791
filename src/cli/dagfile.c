// Dagfile: see dagfile.h.

#include "cli/dagfile.h"

#include <string.h>

#include "flow/zones.h"
#include "plat/plat.h"
#include "task/kinds.h"

#define FOLDERS_DEEP_MAX 8

static bool is_dag_name(const char *name) {
    mr_span span = mr_span_of(name);
    return mr_span_ends(span, ".yaml") || mr_span_ends(span, ".yml") || mr_span_ends(span, ".json");
}

bool mr_dagfile_is_file(const char *word) {
    return is_dag_name(word) || strchr(word, '/') != NULL;
}

typedef struct found {
    const char **paths;
    uint32_t count;
    uint32_t capacity;
} found;

static mr_code gather(const char *folder, uint32_t deep, found *into, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(folder, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", folder, entries[i].name);
        if (entries[i].name[0] == '.') {
            continue;
        }
        if (entries[i].is_dir && deep < FOLDERS_DEEP_MAX) {
            MR_TRY(gather(path, deep + 1, into, cx));
        } else if (!entries[i].is_dir && is_dag_name(path)) {
            if (into->count == into->capacity) {
                uint32_t capacity = MR_MAX(16u, into->capacity * 2);
                const char **paths = MR_NEW_ARRAY(cx->arena, const char *, capacity);
                for (uint32_t k = 0; k < into->count; k++) {
                    paths[k] = into->paths[k];
                }
                into->paths = paths;
                into->capacity = capacity;
            }
            into->paths[into->count++] = path;
        }
    }
    return MR_OK;
}

mr_code mr_dagfile_list(const char ***ret, uint32_t *ret_count, mr_cx *cx) {
    const char *here = mr_dir_current(cx);
    const char *project = mr_pipeline_project(cx);
    const char *folder =
        strcmp(project, here) == 0 ? "dags" : mr_arena_printf(cx->arena, "%s/dags", project);
    found all = {0};
    if (gather(folder, 0, &all, cx) == MR_E_MISSING || all.count == 0) {
        return mr_fail(cx, MR_E_MISSING, "Name a file, or write one by: millrace new dag NAME.",
                       "there are no DAG files in %s", folder);
    }
    *ret = all.paths;
    *ret_count = all.count;
    return MR_OK;
}

mr_code mr_dagfile_settings(const mr_cli_args *args, const char *file, mr_flow_settings *ret,
                            mr_cx *cx) {
    mr_job_pair *given;
    mr_config config = {0};
    MR_TRY(mr_args_pairs(args, "-c", &given, &config.given_count, cx));
    config.given = given;
    const char *home = mr_dir_current(cx);
    const char *path = file[0] == '/' ? file : mr_arena_printf(cx->arena, "%s/%s", home, file);
    MR_TRY(mr_dir_change(mr_job_project(path, cx), cx));
    mr_code code = mr_config_apply(&config, "flow", mr_flow_options, ret, cx);
    mr_error error = cx->error;
    MR_TRY(mr_dir_change(home, cx));
    cx->error = error;
    return code;
}

static mr_code load_file(const char *path, const char *zone, mr_dag **ret,
                         mr_dag_errors *ret_errors, mr_cx *cx) {
    mr_dag_reader reader = {.kinds = mr_kinds, .zone = mr_zones_load, .default_timezone = zone};
    mr_span text;
    MR_TRY(mr_file_load(path, MR_YAML_BYTES_MAX + 1, &text, cx));
    return mr_dag_read(&reader, path, text, ret, ret_errors, cx);
}

// The file whose DAG has this id; files that do not read are passed over, and told at the end.
static mr_code load_id(const char *id, const char *zone, mr_dag **ret, mr_dag_errors *ret_errors,
                       mr_cx *cx) {
    const char **paths;
    uint32_t count;
    MR_TRY(mr_dagfile_list(&paths, &count, cx));
    const char **ids = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    uint32_t read = 0;
    for (uint32_t i = 0; i < count; i++) {
        mr_dag *dag;
        if (load_file(paths[i], zone, &dag, ret_errors, cx) != MR_OK) {
            continue;
        }
        if (strcmp(dag->id, id) == 0) {
            *ret = dag;
            return MR_OK;
        }
        ids[read++] = mr_arena_string(cx->arena, dag->id);
        mr_dag_unref(dag);
    }
    const char *unread = read < count ? "Not all files read well: millrace dag validate." : NULL;
    *ret_errors = (mr_dag_errors){0};
    return mr_fail(cx, MR_E_NAME, mr_text_hint(id, ids, read, unread, cx->arena),
                   "no file in dags/ has the DAG \"%s\"", id);
}

mr_code mr_dagfile_load(const mr_cli_args *args, const char *word, mr_dag **ret,
                        mr_dag_errors *ret_errors, mr_cx *cx) {
    *ret = NULL;
    *ret_errors = (mr_dag_errors){0};
    mr_flow_settings settings;
    bool is_file = mr_dagfile_is_file(word);
    MR_TRY(mr_dagfile_settings(args, is_file ? word : "x.yaml", &settings, cx));
    return is_file ? load_file(word, settings.timezone, ret, ret_errors, cx)
                   : load_id(word, settings.timezone, ret, ret_errors, cx);
}

int mr_dagfile_report(const mr_dag_errors *errors, mr_cx *cx) {
    for (uint32_t i = 0; i < errors->count; i++) {
        cx->error = errors->items[i];
        mr_report_error(cx);
    }
    if (errors->count > 0) {
        return MR_EXIT_USAGE;
    }
    mr_report_error(cx);
    mr_code code = cx->error.code;
    return code == MR_E_MISSING || code == MR_E_IO ? MR_EXIT_FAILED : MR_EXIT_USAGE;
}
