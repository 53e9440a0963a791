// Command "new": the files of another pipeline or workflow in a project.

#include <string.h>

#include "cli/cli.h"
#include "cli/template.h"
#include "conn/conn.h"

#define NAME_BYTES_MAX 48  // Table names are made of it.
#define NAME_HINT      "Use small letters, digits and _, a letter first, such as page_views."

static const mr_cli_flag new_flags[] = {MR_CLI_FLAGS_END};

// A name must do as a file's and, without quotes, as a table's.
static mr_code check_name(const char *name, mr_cx *cx) {
    size_t bytes = strlen(name);
    bool fine = bytes > 0 && bytes <= NAME_BYTES_MAX && name[0] >= 'a' && name[0] <= 'z';
    fine &= strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == bytes;
    if (!fine) {
        return mr_fail(cx, MR_E_OPTION, NAME_HINT, "\"%s\" cannot be a pipeline's name", name);
    }
    mr_text text;  // Is the pipeline that will be made one?
    mr_text_init(&text, cx->arena);
    mr_template_fill(&mr_template_stream[0], name, &text);
    mr_job_spec spec = {
        .file = "new.sql", .text = mr_text_span(&text), .data_dir = "data", .port = &mr_conn_port};
    mr_job *job;
    mr_sql_errors errors;
    mr_code code = mr_job_load(&spec, &job, &errors, cx);
    if (code == MR_E_SYNTAX && errors.count > 0) {
        return mr_fail(cx, MR_E_OPTION, "Use another, such as my_orders.",
                       "\"%s\" is a word of SQL, and cannot be a table's name", name);
    }
    if (code == MR_OK) {
        mr_job_close(job, cx);
    }
    return code;
}

static mr_code go_to_project(mr_cx *cx) {
    const char *folder = mr_pipeline_project(cx);
    if (!mr_file_exists(mr_arena_printf(cx->arena, "%s/millrace.yaml", folder), cx)) {
        return mr_fail(cx, MR_E_MISSING, "Go to a project, or make one with: millrace init.",
                       "there is no millrace.yaml here or above");
    }
    return mr_dir_change(folder, cx);
}

static mr_code refuse_existing(const char *path, mr_cx *cx) {
    return mr_file_exists(path, cx)
               ? mr_fail(cx, MR_E_EXISTS, "Choose another name.", "%s is there already", path)
               : MR_OK;
}

static mr_code make_stream(const char *name, mr_text *said, mr_cx *cx) {
    MR_TRY(go_to_project(cx));
    MR_TRY(check_name(name, cx));
    MR_TRY(refuse_existing(mr_arena_printf(cx->arena, "sql/%s.sql", name), cx));
    MR_TRY(mr_template_write(mr_template_stream, ".", name, said, cx));
    mr_text_addf(said, "\nNow: write down in sql/%s.sql what it reads, and millrace check it\n",
                 name);
    return MR_OK;
}

static mr_code make_dag(const char *name, mr_text *said, mr_cx *cx) {
    MR_TRY(go_to_project(cx));
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes > NAME_BYTES_MAX || name[0] < 'a' || name[0] > 'z' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != bytes) {
        return mr_fail(cx, MR_E_OPTION, NAME_HINT, "\"%s\" cannot be a DAG's name", name);
    }
    MR_TRY(refuse_existing(mr_arena_printf(cx->arena, "dags/%s.yaml", name), cx));
    MR_TRY(mr_template_write(mr_template_dag, ".", name, said, cx));
    mr_text_addf(said, "\nNow: millrace dag validate dags/%s.yaml\n", name);
    return MR_OK;
}

static int new_run(const mr_cli_args *args, mr_cx *cx) {
    mr_text said;
    mr_text_init(&said, cx->arena);
    mr_code code;
    if (strcmp(args->plain[0], "stream") == 0) {
        code = make_stream(args->plain[1], &said, cx);
    } else if (strcmp(args->plain[0], "dag") == 0) {
        code = make_dag(args->plain[1], &said, cx);
    } else {
        code = mr_fail(cx, MR_E_OPTION, "Write: millrace new stream NAME, or new dag NAME.",
                       "millrace new does not know \"%s\"", args->plain[0]);
    }
    mr_report_print(cx, &said);
    if (code != MR_OK) {
        mr_report_error(cx);
    }
    return code == MR_OK ? MR_EXIT_DONE : code == MR_E_OPTION ? MR_EXIT_USAGE : MR_EXIT_FAILED;
}

const mr_cli_command mr_cmd_new = {
    .name = "new",
    .usage = "stream|dag NAME",
    .summary = "Begins another pipeline (sql/, made/, tests/) or workflow (dags/) in a project.",
    .flags = new_flags,
    .plain_min = 2,
    .plain_max = 2,
    .run = new_run,
};
