// Safe: see safe.h.

#include "cli/safe.h"

#include <string.h>

#include "base/civil.h"
#include "base/jsonvalue.h"
#include "cli/columns.h"
#include "cli/dagfile.h"
#include "cli/reach.h"
#include "cli/up.h"
#include "flow/record.h"

#define STDIN_BYTES_MAX ((size_t)64 << 10)

// Where the project keeps its workflows.
static mr_code find_store(const mr_cli_args *args, const char *data_dir, const char **ret,
                          mr_cx *cx) {
    mr_flow_settings settings;
    MR_TRY(mr_dagfile_settings(args, "x", &settings, cx));
    mr_record_spec spec = {.data_dir = data_dir, .store = settings.store};
    *ret = mr_record_store(&spec, cx->arena);
    return MR_OK;
}

mr_code mr_safe_open(const mr_cli_args *args, bool writes, mr_safe *ret, mr_cx *cx) {
    mr_safe safe = {0};
    mr_job_pair *env;
    uint32_t env_count;
    const char *data_dir, *store;
    MR_TRY(mr_pipeline_enter(args, NULL, &data_dir, cx));
    safe.data_dir = data_dir;
    MR_TRY(find_store(args, data_dir, &store, cx));
    MR_TRY(mr_job_env_file(".env", &env, &env_count, cx));
    bool is_url = mr_db_is_url(store);
    if (writes && !is_url) {
        MR_TRY(mr_dir_make(data_dir, cx));
    }
    if (writes || is_url || mr_file_exists(store, cx)) {
        MR_TRY(mr_db_open(store, /* read_only= */ !writes, &safe.db, cx));
    }
    mr_code code = mr_vault_open(
        safe.db, data_dir, mr_job_env(env, env_count, /* servers= */ NULL, cx), &safe.vault, cx);
    if (code != MR_OK) {
        mr_safe_close(&safe);
        return code;
    }
    *ret = safe;
    return MR_OK;
}

void mr_safe_close(mr_safe *safe) {
    mr_vault_close(safe->vault);
    mr_db_close(safe->db);
    *safe = (mr_safe){0};
}

int mr_safe_run(const mr_cli_args *args, const mr_safe_verb *verbs,
                mr_code (*run)(const mr_cli_args *args, mr_safe *safe, mr_cx *cx), mr_cx *cx) {
    uint32_t words = args->plain_count - 1;
    while (verbs->name != NULL && strcmp(verbs->name, args->plain[0]) != 0) {
        verbs++;
    }
    if (verbs->name == NULL || words < verbs->least || words > verbs->most) {
        return mr_args_usage(args, cx);
    }
    mr_safe safe = {0};
    mr_code code = mr_safe_open(args, verbs->writes, &safe, cx);
    code = code == MR_OK ? run(args, &safe, cx) : code;
    mr_safe_close(&safe);
    if (code == MR_OK) {
        return MR_EXIT_DONE;
    }
    mr_report_error(cx);
    return code == MR_E_OPTION || code == MR_E_VALUE || code == MR_E_SYNTAX ? MR_EXIT_USAGE
                                                                            : MR_EXIT_FAILED;
}

mr_code mr_safe_stdin(const char *what, mr_span *ret, mr_cx *cx) {
    char *text = mr_arena_alloc(cx->arena, STDIN_BYTES_MAX + 1);
    size_t bytes = 0, more = 0;
    if (mr_stream_is_terminal(MR_STDERR)) {
        mr_report_say(cx, "%s, then Ctrl-D: ", what);
    }
    while (more != MR_STREAM_END) {
        MR_TRY(mr_stream_read(text + bytes, STDIN_BYTES_MAX + 1 - bytes, 1000000, &more, cx));
        bytes += more == MR_STREAM_END ? 0 : more;
        if (bytes > STDIN_BYTES_MAX) {
            return mr_fail(cx, MR_E_LIMIT, NULL, "%s has more than 64 KiB", what);
        }
        if (mr_cx_cancelled(cx)) {
            return mr_fail(cx, MR_E_CANCELLED, NULL, "interrupted");
        }
    }
    bytes -= bytes > 0 && text[bytes - 1] == '\n';
    bytes -= bytes > 0 && text[bytes - 1] == '\r';
    if (bytes == 0) {
        return mr_fail(cx, MR_E_VALUE, "Pipe it in, or type it and end with Ctrl-D.",
                       "%s is read from standard input, which is empty", what);
    }
    text[bytes] = '\0';
    *ret = (mr_span){text, bytes};
    return MR_OK;
}

// ---- lists -----------------------------------------------------------------------------------

static const char *time_of(int64_t us, mr_arena *arena) {
    mr_text text;
    mr_text_init(&text, arena);
    mr_civil_print_iso(&text, us - us % 1000000);
    return mr_text_string(&text);
}

static void add_json(const mr_vault_entry *entry, const char *value, const char *number,
                     mr_text *out, mr_cx *cx) {
    mr_text_add(out, "{\"name\": ");
    mr_text_add_json(out, mr_span_of(entry->name));
    if (value != NULL) {
        mr_text_addf(out, ", \"%s\": ", value);
        mr_text_add_json(out, mr_span_of(entry->value));
    }
    if (number != NULL) {
        mr_text_addf(out, ", \"%s\": %lld", number, (long long)entry->number);
    }
    mr_text_addf(out, ", \"changed\": \"%s\"}\n", time_of(entry->changed_us, cx->arena));
}

mr_code mr_safe_list(const mr_cli_args *args, mr_safe *safe, const char *kind, const char *value,
                     const char *number, mr_cx *cx) {
    mr_vault_entry *entries;
    uint32_t count;
    MR_TRY(mr_vault_list(safe->vault, kind, &entries, &count, cx));
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (mr_args_has(args, "--json")) {
        for (uint32_t i = 0; i < count; i++) {
            add_json(&entries[i], value, number, &out, cx);
        }
        mr_report_print(cx, &out);
        return MR_OK;
    }
    mr_columns columns;
    mr_columns_init(&columns,
                    value != NULL    ? mr_arena_printf(cx->arena, "name,%s,changed", value)
                    : number != NULL ? mr_arena_printf(cx->arena, "name,>%s,changed", number)
                                     : "name,changed",
                    cx->arena);
    for (uint32_t i = 0; i < count; i++) {
        mr_columns_add(&columns, "%s", entries[i].name);
        if (value != NULL) {
            mr_columns_add(&columns, "%s", entries[i].value);
        } else if (number != NULL) {
            mr_columns_add_count(&columns, entries[i].number);
        }
        mr_columns_add(&columns, "%s", time_of(entries[i].changed_us, cx->arena));
    }
    mr_columns_print(&columns, &out);
    mr_report_print(cx, &out);
    return MR_OK;
}

mr_code mr_safe_delete(const mr_cli_args *args, mr_safe *safe, const char *kind, mr_cx *cx) {
    for (uint32_t i = 1; i < args->plain_count; i++) {
        MR_TRY(mr_vault_delete(safe->vault, kind, args->plain[i], cx));
        mr_report_say(cx, "%s \"%s\" is gone\n", kind, args->plain[i]);
    }
    return MR_OK;
}

// ---- files -----------------------------------------------------------------------------------

mr_code mr_safe_load(const char *file, const mr_yaml **ret, mr_cx *cx) {
    mr_span text;
    MR_TRY(mr_file_load(file, MR_YAML_BYTES_MAX, &text, cx));
    MR_TRY(mr_yaml_parse(file, text, ret, cx));
    return mr_yaml_expect(*ret, MR_YAML_MAP, mr_arena_printf(cx->arena, "\"%s\"", file), cx);
}

// A number of YAML stays one if JSON writes it so too: 0123, +5 and .nan are texts there.
static bool is_bare(const mr_yaml *node) {
    mr_span text = mr_span_of(node->text);
    bool digits = text.bytes > 0 && text.data[text.bytes - 1] >= '0' &&
                  text.data[text.bytes - 1] <= '9' && mr_jsonvalue_check(text) &&
                  mr_jsonvalue_kind_of(text) == MR_JSONVALUE_NUMBER;
    return !node->quoted && (mr_yaml_is_null(node) || mr_span_is(text, "true") ||
                             mr_span_is(text, "false") || digits);
}

void mr_safe_json(const mr_yaml *node, mr_text *out) {
    if (node->kind == MR_YAML_SCALAR) {
        if (is_bare(node)) {
            mr_text_add(out, mr_yaml_is_null(node) ? "null" : node->text);
        } else {
            mr_text_add_json(out, mr_span_of(node->text));
        }
        return;
    }
    bool is_map = node->kind == MR_YAML_MAP;
    mr_text_add_char(out, is_map ? '{' : '[');
    for (uint32_t i = 0; i < node->count; i++) {
        mr_text_add(out, i == 0 ? "" : ", ");
        if (is_map) {
            mr_text_add_json(out, mr_span_of(node->names[i]));
            mr_text_add(out, ": ");
        }
        mr_safe_json(node->items[i], out);
    }
    mr_text_add_char(out, is_map ? '}' : ']');
}
