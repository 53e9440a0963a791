// Command "pool": how many tasks that name a pool may run at once.

#include <string.h>

#include "cli/safe.h"
#include "owner/owner.h"

static const mr_cli_flag pool_flags[] = {MR_CLI_SAFE_FLAGS, MR_CLI_FLAGS_END};

// Tasks may wait for what has changed. Nothing is up: the next start looks anyway.
static void wake_scheduler(const mr_safe *safe, mr_cx *cx) {
    mr_error kept = cx->error;
    mr_span answer;
    (void)!mr_owner_ask(safe->data_dir, "flow {\"do\":\"flow.look\"}", &answer, cx);
    cx->error = kept;
}

static mr_code run_verb(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    const char *verb = args->plain[0];
    if (strcmp(verb, "list") == 0) {
        return mr_safe_list(args, safe, "pool", NULL, "slots", cx);
    }
    if (strcmp(verb, "delete") == 0) {
        MR_TRY(mr_safe_delete(args, safe, "pool", cx));
    } else {
        mr_span slots = mr_span_of(args->plain[2]);
        MR_TRY(mr_vault_put(safe->vault, "pool", args->plain[1], slots, cx));
    }
    wake_scheduler(safe, cx);
    return MR_OK;
}

static int pool_run(const mr_cli_args *args, mr_cx *cx) {
    static const mr_safe_verb verbs[] = {
        {"list", 0, 0, false}, {"set", 2, 2, true}, {"delete", 1, 1000, true}, {0}};
    return mr_safe_run(args, verbs, run_verb, cx);
}

const mr_cli_command mr_cmd_pool = {
    .name = "pool",
    .usage = "list | set NAME SLOTS | delete NAME …",
    .summary = "Keeps pools: how many tasks that name one may run at once.",
    .details = "A task names its pool by \"pool: NAME\" and takes \"pool_slots\" of it (1). Those "
               "without one\nare in default_pool, which has flow.default_pool_slots (128) until "
               "it is set here.",
    .flags = pool_flags,
    .plain_min = 1,
    .plain_max = 1001,
    .run = pool_run,
};
