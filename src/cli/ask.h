// Ask: what the commands about workflows share: finding the project, and asking its scheduler.

#pragma once

#include "base/jsonvalue.h"
#include "cli/cli.h"

#define MR_CLI_ASK_FLAGS                                                          \
    {"--json", NULL, false, "JSON instead of lines."}, MR_CLI_DATA_FLAG, {        \
        "-c", "SECTION.KEY=VALUE", true, "A setting, such as flow.parallelism=8." \
    }

// A request: {"do": verb …}
void mr_ask_begin(mr_text *request, const char *verb, mr_arena *arena);
void mr_ask_add(mr_text *request, const char *name, const char *value);  // Text; NULL = left out.
void mr_ask_add_json(mr_text *request, const char *name, const char *json);  // As it is; likewise.
// Ends the request, goes to the project and asks: its scheduler if it is up, else its database.
// Errors are reported; *ret_exit says how the command ends then.
bool mr_ask_send(const mr_cli_args *args, mr_text *request, mr_span *ret, int *ret_exit, mr_cx *cx);
// With --json: prints the answer, and that was all.
bool mr_ask_json(const mr_cli_args *args, mr_span answer, mr_cx *cx);
// "NAME=VALUE" flags as one JSON object: values that are JSON stay so.  errors  MR_E_OPTION
mr_code mr_ask_params(const mr_cli_args *args, const char *flag, const char **ret, mr_cx *cx);
