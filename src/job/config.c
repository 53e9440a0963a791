// Config: see config.h.

#include "job/config.h"

#include <string.h>

#include "plat/plat.h"

// The sections there are. A part of the program that takes settings adds its own.
static const char *const sections[] = {"exec", "broker", "services", "flow"};

static const char *all_sections(mr_arena *arena) {
    mr_text text;
    mr_text_init(&text, arena);
    for (size_t s = 0; s < MR_COUNT(sections); s++) {
        mr_text_addf(&text, "%s%s", s == 0 ? "The sections are: " : ", ", sections[s]);
    }
    mr_text_add_char(&text, '.');
    return mr_text_string(&text);
}

static mr_code unknown_section(const char *name, mr_place place, mr_cx *cx) {
    const char *hint =
        mr_text_hint(name, sections, MR_COUNT(sections), all_sections(cx->arena), cx->arena);
    return mr_fail_at(cx, MR_E_OPTION, place, hint, "unknown section \"%s\"", name);
}

static bool is_section(mr_span name) {
    for (size_t s = 0; s < MR_COUNT(sections); s++) {
        if (mr_span_is(name, sections[s])) {
            return true;
        }
    }
    return false;
}

mr_code mr_config_node(const char *section, const mr_yaml **ret, mr_cx *cx) {
    *ret = NULL;
    mr_span text;
    if (!mr_file_exists(MR_CONFIG_FILE, cx)) {
        return MR_OK;
    }
    MR_TRY(mr_file_load(MR_CONFIG_FILE, MR_YAML_BYTES_MAX, &text, cx));
    const mr_yaml *root;
    MR_TRY(mr_yaml_parse(MR_CONFIG_FILE, text, &root, cx));
    if (mr_yaml_is_null(root)) {  // All of it may be commented out.
        return MR_OK;
    }
    MR_TRY(mr_yaml_expect(root, MR_YAML_MAP, MR_CONFIG_FILE, cx));
    for (uint32_t i = 0; i < root->count; i++) {
        if (!is_section(mr_span_of(root->names[i]))) {
            return unknown_section(root->names[i], root->places[i], cx);
        }
    }
    const mr_yaml *own = mr_yaml_get(root, section);
    if (own == NULL || mr_yaml_is_null(own)) {
        return MR_OK;
    }
    const char *what = mr_arena_printf(cx->arena, "section \"%s\"", section);
    MR_TRY(mr_yaml_expect(own, MR_YAML_MAP, what, cx));
    *ret = own;
    return MR_OK;
}

static mr_code from_file(const char *section, const mr_option *table, void *target,
                         mr_option_values *ret, mr_cx *cx) {
    *ret = (mr_option_values){0};
    const mr_yaml *node;
    MR_TRY(mr_config_node(section, &node, cx));
    if (node != NULL) {
        MR_TRY(mr_yaml_options(node, /* nested= */ NULL, ret, cx));
    }
    return mr_option_apply_keys(table, ret, target, cx);  // To check it, at its places.
}

static mr_code add_given(const mr_config *config, const char *section, mr_option_values *values,
                         mr_cx *cx) {
    size_t bytes = strlen(section);
    for (uint32_t i = 0; i < config->given_count; i++) {
        const char *name = config->given[i].name;
        const char *dot = strchr(name, '.');
        mr_span own = {name, dot == NULL ? strlen(name) : (size_t)(dot - name)};
        if (dot == NULL || !is_section(own)) {
            return mr_fail(cx, MR_E_OPTION,
                           mr_arena_printf(cx->arena, "Write -c SECTION.NAME=VALUE. %s",
                                           all_sections(cx->arena)),
                           "no setting \"%s\"", name);
        }
        if (own.bytes == bytes && mr_span_is(own, section)) {
            values->items[values->count++] = (mr_option_value){
                .name = dot + 1, .value = config->given[i].value, .place = MR_NOWHERE};
        }
    }
    return MR_OK;
}

// MILLRACE_EXEC_EPOCH_BYTES for epoch_bytes of section exec.
static const char *variable_of(const char *section, const char *key, mr_arena *arena) {
    char *name = mr_arena_printf(arena, "MILLRACE_%s_%s", section, key);
    for (char *c = name; *c != '\0'; c++) {
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
    return name;
}

mr_code mr_config_apply(const mr_config *config, const char *section, const mr_option *table,
                        void *target, mr_cx *cx) {
    mr_option_values file;
    MR_TRY(from_file(section, table, target, &file, cx));
    size_t most = config->given_count + file.count;
    for (const mr_option *option = table; option->name != NULL; option++) {
        most++;
    }
    mr_option_values values = {.items = MR_NEW_ARRAY(cx->arena, mr_option_value, most)};
    MR_TRY(add_given(config, section, &values, cx));
    for (const mr_option *option = table; option->name != NULL; option++) {
        const char *variable = variable_of(section, option->name, cx->arena);
        const char *value = mr_plat_env(cx->plat, variable);
        if (value != NULL && mr_option_find(&values, option->name) == NULL) {
            values.items[values.count++] =
                (mr_option_value){.name = option->name, .value = value, .place = MR_NOWHERE};
        }
    }
    for (size_t i = 0; i < file.count; i++) {
        if (mr_option_find(&values, file.items[i].name) == NULL) {
            values.items[values.count++] = file.items[i];
        }
    }
    mr_code code = mr_option_apply(table, &values, NULL, target, cx);
    return code == MR_OK
               ? code
               : mr_error_in(cx, code, "settings of %s (-c %s.NAME=VALUE)", section, section);
}
