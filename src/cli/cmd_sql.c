// Command "sql": batch SQL over the lake's tables, through DuckDB.

#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "lake/output.h"
#include "plat/plat.h"

#define QUERY_BYTES_MAX ((size_t)1 << 20)
#define INPUT_WAIT_US   ((int64_t)60 * 1000000)

static const mr_cli_flag sql_flags[] = {
    MR_CLI_DATA_FLAG,
    {"--format", "table|csv|json|parquet", false, "Form of the result (default: table)."},
    {"-o", "FILE", false, "Write the result to a file."},
    {"--timezone", "NAME", false, "Zone that times are shown in (default: UTC)."},
    MR_CLI_FLAGS_END,
};

static mr_code format_parse(const char *text, mr_output_format *ret, mr_cx *cx) {
    static const char *const names[] = {"table", "csv", "json", "parquet"};
    for (size_t i = 0; i < MR_COUNT(names); i++) {
        if (text == NULL || strcmp(text, names[i]) == 0) {
            *ret = (mr_output_format)i;
            return MR_OK;
        }
    }
    return mr_fail(cx, MR_E_OPTION, "Write table, csv, json or parquet.",
                   "--format does not know \"%s\"", text);
}

// The query from standard input, up to its end.
static mr_code query_read(const char **ret, mr_cx *cx) {
    mr_text query;
    mr_text_init(&query, cx->arena);
    while (query.bytes < QUERY_BYTES_MAX) {
        char part[4096];
        size_t bytes;
        MR_TRY(mr_stream_read(part, sizeof(part), INPUT_WAIT_US, &bytes, cx));
        if (bytes == MR_STREAM_END) {
            *ret = mr_text_string(&query);
            return MR_OK;
        }
        mr_text_add_bytes(&query, part, bytes);
    }
    return mr_fail(cx, MR_E_LIMIT, NULL, "the query is longer than %zu bytes", QUERY_BYTES_MAX);
}

static mr_code run_query(const char *query, const char *data, const mr_cli_args *args,
                         const mr_output *output, mr_cx *cx) {
    mr_lake_options options = {.data_dir = data, .zone_name = mr_args_get(args, "--timezone")};
    if (output->format == MR_OUTPUT_PARQUET && output->path != NULL) {
        options.also_file = mr_output_part(output, cx);  // DuckDB writes it.
    }
    mr_lake *lake;
    MR_TRY(mr_lake_open(&options, &lake, cx));
    uint64_t rows;
    mr_code code = mr_output_query(lake, query, output, &rows, cx);
    mr_lake_close(lake);
    return code;
}

static int sql_run(const mr_cli_args *args, mr_cx *cx) {
    const char *file = mr_args_get(args, "-o"), *data;
    mr_output output = {.path = file == NULL ? NULL : mr_pipeline_path(file, cx)};
    const char *query = args->plain_count > 0 ? args->plain[0] : NULL;
    if (format_parse(mr_args_get(args, "--format"), &output.format, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    mr_code code = query == NULL ? query_read(&query, cx) : MR_OK;
    // Tables' folders are as they are called from the project.
    code = code == MR_OK ? mr_pipeline_enter(args, NULL, &data, cx) : code;
    code = code == MR_OK ? run_query(query, data, args, &output, cx) : code;
    if (code != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_FAILED;
    }
    return MR_EXIT_DONE;
}

const mr_cli_command mr_cmd_sql = {
    .name = "sql",
    .usage = "[\"QUERY\"] [options]",
    .summary = "Asks the lake's tables with SQL (without QUERY: from standard input).",
    .flags = sql_flags,
    .plain_min = 0,
    .plain_max = 1,
    .run = sql_run,
};
