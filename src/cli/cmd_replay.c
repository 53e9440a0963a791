// Command "replay": rows of a bad or late table go through their pipeline once more.

#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "conn/conn.h"
#include "job/replay.h"
#include "store/catalog.h"

static const mr_cli_flag replay_flags[] = {
    {"--where", "CONDITION", false, "Only these rows: SQL over the table's columns."},
    {"--as-new-rows", NULL, false,
     "Let GROUP BY and DISTINCT start empty; results come as further rows."},
    {"--dry-run", NULL, false, "Only say how many rows it would be."},
    {"--file", "FILE.sql", false, "The pipeline (default: sql/NAME.sql, as the catalogue says)."},
    MR_CLI_PIPELINE_FLAGS,
    MR_CLI_FLAGS_END,
};

// The file of the pipeline that writes the table, by the catalogue's word.
static mr_code find_file(const mr_cli_args *args, const char *table, const char **ret, mr_cx *cx) {
    const char *data_dir = mr_pipeline_data_here(args, cx), *project = mr_pipeline_project(cx);
    mr_catalog_table *entries;
    uint32_t count;
    MR_TRY(mr_catalog_list(data_dir, &entries, &count, cx));
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = entries[i].name;
        if (strcmp(entries[i].name, table) != 0) {
            continue;
        }
        const char *in_sql =
            mr_arena_printf(cx->arena, "%s/sql/%s.sql", project, entries[i].pipeline);
        const char *here = mr_arena_printf(cx->arena, "%s/%s.sql", project, entries[i].pipeline);
        *ret = mr_file_exists(in_sql, cx) ? in_sql : here;
        return mr_file_exists(*ret, cx)
                   ? MR_OK
                   : mr_fail(cx, MR_E_MISSING,
                             "Go to the project's folder, or say --file FILE.sql.",
                             "no file \"%s\" of the pipeline that writes \"%s\"", in_sql, table);
    }
    return mr_fail(
        cx, MR_E_NAME,
        mr_text_hint(table, names, count, "Go to the project's folder, or say --data.", cx->arena),
        "no table \"%s\" in \"%s\"", table, data_dir);
}

static void say(const mr_replay_spec *spec, const mr_replay_report *report, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (report->resumed > 0) {
        mr_text_addf(&out, "%" PRIu64 " rows of a replay that was cut short\n", report->resumed);
    }
    mr_text_addf(&out, "%" PRIu64 " rows %s\n", report->replayed,
                 spec->dry ? "would be replayed" : "replayed");
    if (report->already > 0) {
        mr_text_addf(&out, "%" PRIu64 " rows were replayed before\n", report->already);
    }
    if (report->partial > 0) {
        mr_text_addf(&out, "%" PRIu64 " rows left out: they count in some of their windows\n",
                     report->partial);
    }
    if (report->unfit > 0) {
        mr_text_addf(&out,
                     "%" PRIu64 " rows left out: the record is not kept whole, went through other "
                     "queries, or is of a query that the file has no more\n",
                     report->unfit);
    }
    mr_report_print(cx, &out);
}

static int replay_run(const mr_cli_args *args, mr_cx *cx) {
    mr_replay_spec spec = {.table = args->plain[0],
                           .where = mr_args_get(args, "--where"),
                           .as_new_rows = mr_args_has(args, "--as-new-rows"),
                           .dry = mr_args_has(args, "--dry-run")};
    const char *file = mr_args_get(args, "--file");
    if (file == NULL && find_file(args, spec.table, &file, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    mr_job_spec job_spec = {.until = MR_UNTIL_END};
    mr_job *job;  // Loaded here for its errors; the replay loads its own.
    int exit_code = mr_pipeline_load(args, file, &job_spec, &job, cx);
    if (exit_code != MR_EXIT_DONE) {
        return exit_code;
    }
    mr_job_close(job, cx);
    mr_replay_report report;
    if (mr_replay_run(&job_spec, &spec, &report, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    say(&spec, &report, cx);
    return MR_EXIT_DONE;
}

const mr_cli_command mr_cmd_replay = {
    .name = "replay",
    .usage = "TABLE_bad | TABLE_late [options]",
    .summary = "Puts bad or late rows through their pipeline once more, each only once.",
    .details =
        "Bad rows go to every query of their table, late rows to the query that they were late "
        "for.\n"
        "Rows that were replayed are not taken again; one that is bad again is listed again.",
    .flags = replay_flags,
    .plain_min = 1,
    .plain_max = 1,
    .run = replay_run,
};
