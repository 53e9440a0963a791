// Command "user": who may use the page and the API.

#include <string.h>

#include "cli/safe.h"
#include "store/users.h"

static const mr_cli_flag user_flags[] = {
    {"--role", "ROLE", false, "admin, op, user or viewer."},
    {"--password-stdin", NULL, false, "Read the password from standard input."},
    MR_CLI_SAFE_FLAGS,
    MR_CLI_FLAGS_END,
};

static mr_code read_password(const mr_cli_args *args, mr_span *ret, mr_cx *cx) {
    if (!mr_args_has(args, "--password-stdin")) {
        return mr_fail(cx, MR_E_OPTION, "Others on this machine could see it in the command line.",
                       "the password is read from standard input: give --password-stdin");
    }
    return mr_safe_stdin("the password", ret, cx);
}

static mr_code run_verb(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    const char *verb = args->plain[0], *role = mr_args_get(args, "--role");
    mr_span password;
    if (strcmp(verb, "list") == 0) {
        return mr_safe_list(args, safe, "user", "role", NULL, cx);
    }
    if (strcmp(verb, "delete") == 0) {
        return mr_safe_delete(args, safe, "user", cx);
    }
    if (strcmp(verb, "role") == 0) {
        return mr_users_change(safe->db, args->plain[1], args->plain[2], NULL, cx);
    }
    if (strcmp(verb, "add") == 0 && role == NULL) {
        return mr_fail(cx, MR_E_OPTION, "Roles are admin, op, user and viewer.",
                       "--role is missing");
    }
    MR_TRY(read_password(args, &password, cx));
    return strcmp(verb, "add") == 0
               ? mr_users_add(safe->db, args->plain[1], role, password, cx)
               : mr_users_change(safe->db, args->plain[1], role, &password, cx);
}

static int user_run(const mr_cli_args *args, mr_cx *cx) {
    static const mr_safe_verb verbs[] = {
        {"list", 0, 0, false}, {"add", 1, 1, true},       {"password", 1, 1, true},
        {"role", 2, 2, true},  {"delete", 1, 1000, true}, {0},
    };
    return mr_safe_run(args, verbs, run_verb, cx);
}

const mr_cli_command mr_cmd_user = {
    .name = "user",
    .usage = "list | add NAME --role ROLE --password-stdin | password NAME --password-stdin |\n"
             "       role NAME ROLE | delete NAME …",
    .summary = "Keeps the users of the page and the API.",
    .details = "A viewer reads; a user also triggers and clears runs; an op also pauses DAGs and "
               "keeps\nconnections, variables and pools; an admin also keeps users. There is no "
               "default password.",
    .flags = user_flags,
    .plain_min = 1,
    .plain_max = 1001,
    .run = user_run,
};
