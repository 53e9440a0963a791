// Synth, keys: the tables behind the parser, the checker, --help and the manual.

#include "conn/synth_build.h"

const mr_option mr_synth_key_spec[] = {
    MR_OPTION_CHOICE(mr_synth_settings, format, "json|csv", "json", "How a row is written."),
    MR_OPTION(mr_synth_settings, header, MR_OPT_BOOL, "true",
              "A CSV file begins with the names of the columns."),
    MR_OPTION(mr_synth_settings, rate, MR_OPT_INT, "0",
              "Rows made in a second; 0 = as many as are taken."),
    MR_OPTION(mr_synth_settings, count, MR_OPT_INT, "1000", "Rows in all; 0 = no end."),
    MR_OPTION(mr_synth_settings, seed, MR_OPT_INT, "1", "Another seed makes other rows."),
    MR_OPTION(mr_synth_settings, key, MR_OPT_TEXT, NULL,
              "The column that is a Kafka record's key, and picks its partition."),
    MR_OPTION(mr_synth_settings, event_time, MR_OPT_TEXT, NULL,
              "The timestamp by which rows are late; the first sequence when not given."),
    MR_OPTION(mr_synth_settings, duplicates, MR_OPT_NUMBER, "0",
              "Share of rows that are exact copies of an earlier one."),
    MR_OPTION(mr_synth_settings, duplicates_within, MR_OPT_INT, "512",
              "A copy's first is among so many rows before it."),
    MR_OPTION(mr_synth_settings, late, MR_OPT_NUMBER, "0",
              "Share of rows whose event time is behind its disorder."),
    MR_OPTION(mr_synth_settings, late_by, MR_OPT_DURATION, "10 minutes",
              "How far behind they are, at most."),
    MR_OPTION(mr_synth_settings, future, MR_OPT_NUMBER, "0",
              "Share of rows whose event time is ahead of its sequence."),
    MR_OPTION(mr_synth_settings, future_by, MR_OPT_DURATION, "1 hour",
              "How far ahead they are, at most."),
    MR_OPTION(mr_synth_settings, bad, MR_OPT_NUMBER, "0", "Share of rows that are spoilt."),
    MR_OPTION(mr_synth_settings, bad_kinds, MR_OPT_TEXT, NULL,
              "List of: malformed, wrong_type, missing_field; all as likely. All three when not "
              "given."),
    MR_OPTION(mr_synth_settings, columns, MR_OPT_TEXT, MR_REQUIRED, "List of columns."),
    MR_OPTION_END,
};

#define SYNTH_NAME(id, name, doc) name,
const char *const mr_synth_key_types[SYNTH_TYPE_COUNT] = {MR_SYNTH_TYPES(SYNTH_NAME)};
#undef SYNTH_NAME

#define SYNTH_ROW(id, name, types, keys, doc) {name, types, keys, doc},
const mr_synth_dist_row mr_synth_key_dists[SYNTH_DIST_COUNT] = {MR_SYNTH_DISTS(SYNTH_ROW)};
#undef SYNTH_ROW

#define COLUMN_TYPES \
    "boolean|smallint|integer|bigint|float|numeric|text|uuid|date|time|timestamp|object|array"
#define COLUMN_DISTS \
    "constant|sequence|uniform|normal|exponential|zipf|choice|pattern|reference|walk"

const mr_option mr_synth_key_column[] = {
    MR_OPTION(mr_synth_given, name, MR_OPT_TEXT, NULL, "Its name."),
    MR_OPTION_CHOICE(mr_synth_given, type, COLUMN_TYPES, MR_REQUIRED, "Its type, see below."),
    MR_OPTION_CHOICE(mr_synth_given, distribution, COLUMN_DISTS, NULL,
                     "How values are drawn, see below; when not given, by the other keys."),
    MR_OPTION(mr_synth_given, nulls, MR_OPT_NUMBER, "0", "Share of NULLs."),
    MR_OPTION(mr_synth_given, scale, MR_OPT_INT, "-1",
              "Digits behind the point; numeric: 2, float: 6 when not given."),
    MR_OPTION(mr_synth_given, value, MR_OPT_TEXT, NULL, "The value of constant."),
    MR_OPTION(mr_synth_given, start, MR_OPT_TEXT, NULL,
              "First value of sequence and walk; numbers: 0, times: 2026-01-01, also now."),
    MR_OPTION(mr_synth_given, step, MR_OPT_TEXT, NULL,
              "From row to row: a number (1), a duration for time and timestamp (1 ms), days for "
              "date; of walk: the greatest."),
    MR_OPTION(mr_synth_given, rate, MR_OPT_NUMBER, "0",
              "Instead of step: rows in a second of event time."),
    MR_OPTION(mr_synth_given, disorder, MR_OPT_DURATION, "0",
              "A timestamp of sequence is behind by up to so much."),
    MR_OPTION(mr_synth_given, min, MR_OPT_TEXT, NULL, "The least value; uniform numbers: 0."),
    MR_OPTION(mr_synth_given, max, MR_OPT_TEXT, NULL,
              "The greatest value; uniform whole numbers: 1000, others: 1."),
    MR_OPTION(mr_synth_given, mean, MR_OPT_NUMBER, "0", "Of normal and exponential."),
    MR_OPTION(mr_synth_given, sd, MR_OPT_NUMBER, "1", "Standard deviation of normal."),
    MR_OPTION(mr_synth_given, n, MR_OPT_INT, "0", "Ranks of zipf."),
    MR_OPTION(mr_synth_given, exponent, MR_OPT_NUMBER, "1", "Of zipf, above 0."),
    MR_OPTION(mr_synth_given, values, MR_OPT_TEXT, NULL,
              "List of values; for choice also a map of value: weight."),
    MR_OPTION(mr_synth_given, weights, MR_OPT_TEXT, NULL, "List of weights, one a value."),
    MR_OPTION(mr_synth_given, pattern, MR_OPT_TEXT, NULL, "Text with {…}, see pattern below."),
    MR_OPTION(mr_synth_given, column, MR_OPT_TEXT, NULL, "The earlier column of reference."),
    MR_OPTION(mr_synth_given, multiply, MR_OPT_NUMBER, "1", "Factor of reference."),
    MR_OPTION(mr_synth_given, add, MR_OPT_TEXT, NULL,
              "Added by reference: a number, or a duration for time and timestamp."),
    MR_OPTION(mr_synth_given, columns, MR_OPT_TEXT, NULL, "List of columns of an object."),
    MR_OPTION(mr_synth_given, of, MR_OPT_TEXT, NULL, "An array's items: a column without name."),
    MR_OPTION(mr_synth_given, length_min, MR_OPT_INT, "0", "Fewest items of an array."),
    MR_OPTION(mr_synth_given, length_max, MR_OPT_INT, "3", "Most items of an array."),
    MR_OPTION_END,
};

static void add_row(mr_text *out, const char *name, const char *doc) {
    mr_text_addf(out, "  %-18s %s\n", name, doc);
}

static void add_options(mr_text *out, const mr_option *table) {
    for (const mr_option *row = table; row->name != NULL; row++) {
        bool plain = row->default_text != NULL && row->default_text != MR_REQUIRED &&
                     row->default_text[0] != '-';
        mr_text_addf(out, "  %-18s %s%s%s%s\n", row->name, row->doc, plain ? " Default " : "",
                     plain ? row->default_text : "", plain ? "." : "");
    }
}

void mr_synth_key_help(mr_text *out) {
    mr_text_add(out, "\nKeys of a SPEC.yaml:\n");
    add_options(out, mr_synth_key_spec);
    mr_text_add(out, "\nKeys of a column:\n");
    add_options(out, mr_synth_key_column);
    mr_text_add(out, "\nTypes:\n");
#define SYNTH_ROW(id, name, doc) add_row(out, name, doc);
    MR_SYNTH_TYPES(SYNTH_ROW)
#undef SYNTH_ROW
    mr_text_add(out, "\nDistributions:\n");
    for (size_t i = 0; i < SYNTH_DIST_COUNT; i++) {
        add_row(out, mr_synth_key_dists[i].name, mr_synth_key_dists[i].doc);
    }
}
