// Command "init": a project to start from, with a pipeline that runs without any server.

#include <string.h>

#include "cli/cli.h"
#include "cli/template.h"

static const mr_cli_flag init_flags[] = {MR_CLI_FLAGS_END};

static mr_code make_project(const char *folder, mr_text *said, mr_cx *cx) {
    const char *mark = mr_arena_printf(cx->arena, "%s/millrace.yaml", folder);
    if (mr_file_exists(mark, cx)) {
        return mr_fail(cx, MR_E_EXISTS, "Begin a pipeline in it with: millrace new stream NAME.",
                       "\"%s\" is a project already: it has a millrace.yaml", folder);
    }
    MR_TRY(mr_dir_make(folder, cx));
    return mr_template_write(mr_template_init, folder, "hello", said, cx);
}

static int init_run(const mr_cli_args *args, mr_cx *cx) {
    const char *folder = args->plain_count == 0 ? "." : args->plain[0];
    mr_text said;
    mr_text_init(&said, cx->arena);
    mr_code code = make_project(folder, &said, cx);
    bool here = strcmp(folder, ".") == 0;
    if (code == MR_OK) {
        mr_text_addf(&said, "\nNow: %s%s%smillrace run sql/hello.sql\n", here ? "" : "cd ",
                     here ? "" : folder, here ? "" : " && ");
    }
    mr_report_print(cx, &said);
    if (code != MR_OK) {
        mr_report_error(cx);
    }
    return code == MR_OK ? MR_EXIT_DONE : MR_EXIT_FAILED;
}

const mr_cli_command mr_cmd_init = {
    .name = "init",
    .usage = "[DIR]",
    .summary = "Makes a project to start from, here or in DIR.",
    .details = "Files that are there already are kept as they are.",
    .flags = init_flags,
    .plain_min = 0,
    .plain_max = 1,
    .run = init_run,
};
