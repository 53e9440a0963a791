// Fake: the option tables of connectors, without their code; variables and a zone that tests name.

#include "fake.h"

#include <string.h>

typedef struct fake_options {
    const char *bootstrap_servers;
    const char *topic;
    const char *format;
    const char *starting_offsets;
    int64_t partitions;
    const char *path;
    const char *root;
    const char *partition_by;
    const char *key;
    int64_t rows;
    const char *truncate;
    int64_t rate;
} fake_options;

static const mr_option kafka_source[] = {
    MR_OPTION(fake_options, bootstrap_servers, MR_OPT_TEXT, NULL, "Where the brokers are."),
    MR_OPTION(fake_options, topic, MR_OPT_TEXT, MR_REQUIRED, "Name the topic."),
    MR_OPTION_CHOICE(fake_options, format, "json|text|raw", "json", "Of the value."),
    MR_OPTION(fake_options, starting_offsets, MR_OPT_TEXT, "latest", "Where to start."),
    MR_OPTION(fake_options, partitions, MR_OPT_INT, "-1", "Of a topic that is made."),
    MR_OPTION_END,
};
static const mr_option kafka_sink[] = {
    MR_OPTION(fake_options, bootstrap_servers, MR_OPT_TEXT, NULL, "Where the brokers are."),
    MR_OPTION(fake_options, topic, MR_OPT_TEXT, MR_REQUIRED, "Name the topic."),
    MR_OPTION(fake_options, key, MR_OPT_TEXT, NULL, "Columns of the key."),
    MR_OPTION_END,
};
static const mr_option file_source[] = {
    MR_OPTION(fake_options, path, MR_OPT_PATH, MR_REQUIRED, "Name the file or folder."),
    MR_OPTION_CHOICE(fake_options, format, "json|csv", "json", "Of a line."),
    MR_OPTION_END,
};
static const mr_option generator_source[] = {
    MR_OPTION(fake_options, rate, MR_OPT_INT, "100", "Rows a second."),
    MR_OPTION_END,
};
static const mr_option parquet_sink[] = {
    MR_OPTION(fake_options, path, MR_OPT_PATH, NULL, "Folder of the table."),
    MR_OPTION(fake_options, root, MR_OPT_PATH, NULL, "The server's path."),
    MR_OPTION(fake_options, partition_by, MR_OPT_TEXT, NULL, "Columns that become folders."),
    MR_OPTION_END,
};
static const mr_option console_sink[] = {
    MR_OPTION(fake_options, rows, MR_OPT_INT, "20", "Rows shown."),
    MR_OPTION(fake_options, truncate, MR_OPT_TEXT, "true", "Whether values are cut."),
    MR_OPTION_END,
};

#define FAKE_SOURCE(id, rows, prefix, skew)                                \
    static const mr_source_type id##_type = {.name = #id,                  \
                                             .file = __FILE__,             \
                                             .summary = "A fake.",         \
                                             .size = sizeof(fake_options), \
                                             .options = rows,              \
                                             .pass_prefix = prefix,        \
                                             .has_future_skew = skew}
FAKE_SOURCE(kafka, kafka_source, "kafka.", true);
FAKE_SOURCE(file, file_source, NULL, false);
FAKE_SOURCE(generator, generator_source, NULL, false);

#define APPEND   (1u << MR_MODE_APPEND)
#define UPDATE   (1u << MR_MODE_UPDATE)
#define COMPLETE (1u << MR_MODE_COMPLETE)
#define FAKE_SINK(id, text, rows, mode_bits, trigger)                    \
    static const mr_sink_type id##_type = {.name = text,                 \
                                           .file = __FILE__,             \
                                           .summary = "A fake.",         \
                                           .size = sizeof(fake_options), \
                                           .options = rows,              \
                                           .modes = mode_bits,           \
                                           .default_trigger = trigger}
FAKE_SINK(parquet, "parquet", parquet_sink, APPEND, "10 seconds");
FAKE_SINK(jsonl, "jsonl", parquet_sink, APPEND, "0");
FAKE_SINK(console, "console", console_sink, APPEND | UPDATE | COMPLETE, "0");
FAKE_SINK(kafka_out, "kafka", kafka_sink, APPEND | UPDATE, "0");

static const mr_source_type *const sources[] = {&kafka_type, &file_type, &generator_type};
static const mr_sink_type *const sinks[] = {&parquet_type, &jsonl_type, &console_type,
                                            &kafka_out_type};
static const mr_loader csv_loader = {.format = "csv"};
static const mr_loader *const loaders[] = {&csv_loader};
static const mr_port fake_port = {.sources = sources,
                                  .source_count = MR_COUNT(sources),
                                  .sinks = sinks,
                                  .sink_count = MR_COUNT(sinks),
                                  .loaders = loaders,
                                  .loader_count = MR_COUNT(loaders)};

static const char *fake_variable(void *self, const char *name) {
    (void)self;
    return strcmp(name, "RUN_ID") == 0 ? "7" : strcmp(name, "QUOTED") == 0 ? "it's" : NULL;
}

static mr_code fake_zone(void *self, const char *name, const mr_zone **ret, mr_cx *cx) {
    (void)self;
    if (strcmp(name, "Asia/Kolkata") != 0) {
        return mr_fail(cx, MR_E_NAME, "Write it as 'Europe/Berlin'.", "no time zone \"%s\"", name);
    }
    *ret = NULL;  // Plans do not show what a zone does.
    return MR_OK;
}

static const char *fake_override(void *self, const char *table) {
    (void)self;
    return strcmp(table, "overridden") == 0 ? "file:events.jsonl" : NULL;
}

const mr_sql_env fake_env = {.file = "test.sql",
                             .port = &fake_port,
                             .variable = fake_variable,
                             .zone = fake_zone,
                             .source_override = fake_override};

void fake_print_errors(const mr_sql_errors *errors, mr_text *out) {
    for (uint32_t i = 0; i < errors->count; i++) {
        const mr_error *error = &errors->items[i];
        uint32_t line = 0, column = 0;
        mr_text_addf(out, "error: %s (%s)\n", error->text, mr_error_code_text(error->code));
        if (mr_error_line_column(&error->place, &line, &column)) {
            const char *at = error->place.source + error->place.offset;
            const char *start = at, *end = at;
            while (start > error->place.source && start[-1] != '\n') {
                start--;
            }
            end += strcspn(at, "\n");
            mr_text_addf(out, "  at %s:%u:%u\n  | %.*s\n  | %*s^\n", error->place.file, line,
                         column, (int)(end - start), start, (int)(at - start), "");
        }
        if (error->hint[0] != '\0') {
            mr_text_addf(out, "  hint: %s\n", error->hint);
        }
    }
}
