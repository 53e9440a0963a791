// Command "secret": values that workflows use and nobody sees.

#include <string.h>

#include "cli/safe.h"

static const mr_cli_flag secret_flags[] = {MR_CLI_SAFE_FLAGS, MR_CLI_FLAGS_END};

static mr_code run_verb(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    const char *verb = args->plain[0];
    if (strcmp(verb, "list") == 0) {
        return mr_safe_list(args, safe, "secret", NULL, NULL, cx);
    }
    if (strcmp(verb, "delete") == 0) {
        return mr_safe_delete(args, safe, "secret", cx);
    }
    mr_span value;
    MR_TRY(mr_safe_stdin("the secret", &value, cx));
    return mr_vault_put(safe->vault, "secret", args->plain[1], value, cx);
}

static int secret_run(const mr_cli_args *args, mr_cx *cx) {
    static const mr_safe_verb verbs[] = {
        {"list", 0, 0, false}, {"set", 1, 1, true}, {"delete", 1, 1000, true}, {0}};
    return mr_safe_run(args, verbs, run_verb, cx);
}

const mr_cli_command mr_cmd_secret = {
    .name = "secret",
    .usage = "list | set NAME | delete NAME …",
    .summary = "Keeps secrets, sealed; their values are never shown.",
    .details = "set reads the value from standard input. A task gets it by\n"
               "  env: {PASSWORD: {secret: NAME}}\n"
               "and its log shows *** in its place. MILLRACE_SECRET_NAME of the environment wins "
               "over what is stored.\nThe key is flow.key in the data folder, or "
               "MILLRACE_SECRET_KEY: keep a copy of it.",
    .flags = secret_flags,
    .plain_min = 1,
    .plain_max = 1001,
    .run = secret_run,
};
