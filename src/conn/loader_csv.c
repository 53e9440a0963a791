// Loader "csv": a static table from a CSV file, whole.

#include "codec/csv.h"
#include "conn/conn.h"
#include "plat/plat.h"

#define FILE_BYTES_MAX ((uint64_t)4 << 30)

typedef struct csv_loader {
    bool header;
    const char *delimiter;
    const char *null;
    const char *quote;
    const char *escape;
} csv_loader;

static const mr_option csv_options[] = {
    MR_OPTION(csv_loader, header, MR_OPT_BOOL, "false", "The first line names the columns."),
    MR_OPTION(csv_loader, delimiter, MR_OPT_TEXT, ",", "One character between fields."),
    MR_OPTION(csv_loader, null, MR_OPT_TEXT, "", "What stands for NULL."),
    MR_OPTION(csv_loader, quote, MR_OPT_TEXT, "\"", "Only the double quote."),
    MR_OPTION(csv_loader, escape, MR_OPT_TEXT, "\"", "Only the double quote."),
    MR_OPTION_END,
};

static mr_code csv_load(const char *path, const mr_option_values *options, mr_rows *ret,
                        mr_cx *cx) {
    csv_loader loader = {0};
    MR_TRY(mr_conn_options(csv_options, options, &loader, cx->arena, cx));
    if (loader.delimiter[0] == '\0' || loader.delimiter[1] != '\0') {
        return mr_fail_at(cx, MR_E_OPTION, mr_conn_place(options, "delimiter"), NULL,
                          "delimiter \"%s\" is not one character", loader.delimiter);
    }
    if (!mr_span_is(mr_span_of(loader.quote), "\"") ||
        !mr_span_is(mr_span_of(loader.escape), "\"")) {
        return mr_fail_at(cx, MR_E_UNSUPPORTED, mr_conn_place(options, "quote"), NULL,
                          "CSV fields are quoted by the double quote only");
    }
    mr_span text;
    MR_TRY(mr_file_load(path, FILE_BYTES_MAX, &text, cx));
    mr_csv_options csv = {
        .header = loader.header, .delimiter = loader.delimiter[0], .null_text = loader.null};
    return mr_csv_read(ret, text, path, &csv, cx);
}

const mr_loader mr_loader_csv = {.format = "csv", .load = csv_load};
