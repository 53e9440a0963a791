// Safe: the vault that a command is about: the project's, in the database of its workflows.
//
// Commands work beside a running scheduler: readers open the database read-only, and each change is
// a short transaction of its own.

#pragma once

#include "cli/cli.h"
#include "store/vault.h"

#define MR_CLI_SAFE_FLAGS                                                         \
    {"--json", NULL, false, "One JSON object a line."}, MR_CLI_DATA_FLAG, {       \
        "-c", "SECTION.KEY=VALUE", true, "A setting: flow.store=postgresql://…" \
    }

typedef struct mr_safe {
    mr_db *db;  // NULL: there is none yet.
    mr_vault *vault;
    const char *data_dir;
} mr_safe;

// What a command does by its first word, and how many words may follow.
typedef struct mr_safe_verb {
    const char *name;  // NULL: the list's end.
    uint32_t least, most;
    bool writes;
} mr_safe_verb;

// Opens the vault as the verb needs it, calls run, reports, and returns an exit code.
int mr_safe_run(const mr_cli_args *args, const mr_safe_verb *verbs,
                mr_code (*run)(const mr_cli_args *args, mr_safe *safe, mr_cx *cx), mr_cx *cx);
// Goes to the project and opens its vault. writes: makes the database when there is none.
mr_code mr_safe_open(const mr_cli_args *args, bool writes, mr_safe *ret, mr_cx *cx);
void mr_safe_close(mr_safe *safe);
// All of standard input, without the line's end at its end.  errors  MR_E_VALUE: nothing;
// MR_E_LIMIT
mr_code mr_safe_stdin(const char *what, mr_span *ret, mr_cx *cx);
// What there is of a kind: as a table, or with --json a line each. number: the name of what
// entry.number is, value: of entry.value; NULL: is not shown.
mr_code mr_safe_list(const mr_cli_args *args, mr_safe *safe, const char *kind, const char *value,
                     const char *number, mr_cx *cx);
// Deletes each that the arguments name.
mr_code mr_safe_delete(const mr_cli_args *args, mr_safe *safe, const char *kind, mr_cx *cx);
// A file of Airflow's export: JSON or YAML.
mr_code mr_safe_load(const char *file, const mr_yaml **ret, mr_cx *cx);
void mr_safe_json(const mr_yaml *node, mr_text *out);  // A node of it as JSON.
