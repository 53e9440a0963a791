// Command "var": values that DAG files read as {{ var.NAME }}.

#include <string.h>

#include "cli/safe.h"

static const mr_cli_flag var_flags[] = {MR_CLI_SAFE_FLAGS, MR_CLI_FLAGS_END};

static mr_code get(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    mr_span value;
    MR_TRY(mr_vault_get(safe->vault, "variable", args->plain[1], &value, cx));
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (mr_args_has(args, "--json")) {
        mr_text_add(&out, "{\"name\": ");
        mr_text_add_json(&out, mr_span_of(args->plain[1]));
        mr_text_add(&out, ", \"value\": ");
        mr_text_add_json(&out, value);
        mr_text_add(&out, "}");
    } else {
        mr_text_add_bytes(&out, value.data, value.bytes);
    }
    mr_text_add(&out, "\n");
    mr_report_print(cx, &out);
    return MR_OK;
}

// {"name": value, …}, or {"name": {"value": …, "description": …}} as newer exports have it.
static mr_code put_all(const mr_yaml *root, mr_safe *safe, mr_cx *cx) {
    for (uint32_t i = 0; i < root->count; i++) {
        const mr_yaml *node = root->items[i];
        const mr_yaml *value = node->kind == MR_YAML_MAP ? mr_yaml_get(node, "value") : NULL;
        bool described = value != NULL && (node->count == 1 || mr_yaml_get(node, "description"));
        node = described ? value : node;
        mr_text text;
        mr_text_init(&text, cx->arena);
        if (node->kind == MR_YAML_SCALAR) {
            mr_text_add(&text, node->text);
        } else {
            mr_safe_json(node, &text);
        }
        MR_TRY(mr_vault_put(safe->vault, "variable", root->names[i], mr_text_span(&text), cx));
    }
    return MR_OK;
}

static mr_code import(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    const mr_yaml *root;
    MR_TRY(mr_safe_load(args->plain[1], &root, cx));
    MR_TRY(mr_db_begin(safe->db, cx));  // All of them or none.
    mr_code code = put_all(root, safe, cx);
    if (code != MR_OK) {
        mr_db_rollback(safe->db, cx);
        return code;
    }
    MR_TRY(mr_db_commit(safe->db, cx));
    mr_report_say(cx, "%u variable%s imported\n", root->count, root->count == 1 ? "" : "s");
    return MR_OK;
}

static mr_code run_verb(const mr_cli_args *args, mr_safe *safe, mr_cx *cx) {
    const char *verb = args->plain[0];
    if (strcmp(verb, "list") == 0) {
        return mr_safe_list(args, safe, "variable", "value", NULL, cx);
    }
    if (strcmp(verb, "get") == 0) {
        return get(args, safe, cx);
    }
    if (strcmp(verb, "delete") == 0) {
        return mr_safe_delete(args, safe, "variable", cx);
    }
    if (strcmp(verb, "import") == 0) {
        return import(args, safe, cx);
    }
    mr_span value = mr_span_of(args->plain[2]);
    if (mr_span_is(value, "-")) {
        MR_TRY(mr_safe_stdin("the value", &value, cx));
    }
    return mr_vault_put(safe->vault, "variable", args->plain[1], value, cx);
}

static int var_run(const mr_cli_args *args, mr_cx *cx) {
    static const mr_safe_verb verbs[] = {
        {"list", 0, 0, false},  {"get", 1, 1, false},      {"set", 2, 2, true},
        {"import", 1, 1, true}, {"delete", 1, 1000, true}, {0},
    };
    return mr_safe_run(args, verbs, run_verb, cx);
}

const mr_cli_command mr_cmd_var = {
    .name = "var",
    .usage = "list | get NAME | set NAME VALUE | import FILE | delete NAME …",
    .summary = "Keeps variables, which workflows read as {{ var.NAME }}.",
    .details = "VALUE \"-\" is read from standard input. MILLRACE_VAR_NAME of the environment wins "
               "over what is stored.\nimport reads what \"airflow variables export\" wrote.",
    .flags = var_flags,
    .plain_min = 1,
    .plain_max = 1001,
    .run = var_run,
};
