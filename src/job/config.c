// Config: see config.h.

#include "job/config.h"

#include <string.h>

#include "codec/yaml.h"
#include "plat/plat.h"

// The sections there are. A part of the program that takes settings adds its own.
static const char *const sections[] = {"exec", "broker"};

static mr_code check_sections(const mr_yaml *root, mr_cx *cx) {
    for (uint32_t i = 0; i < root->count; i++) {
        bool known = false;
        for (size_t s = 0; s < MR_COUNT(sections); s++) {
            known |= strcmp(root->names[i], sections[s]) == 0;
        }
        if (!known) {
            const char *near = mr_text_closest(root->names[i], sections, MR_COUNT(sections));
            const char *hint = near == NULL
                                   ? "The sections are: exec, broker."
                                   : mr_arena_printf(cx->arena, "Did you mean \"%s\"?", near);
            return mr_fail_at(cx, MR_E_OPTION, root->places[i], hint, "unknown section \"%s\"",
                              root->names[i]);
        }
    }
    return MR_OK;
}

mr_code mr_config_section(const char *path, const char *section, mr_option_values *ret, mr_cx *cx) {
    *ret = (mr_option_values){0};
    mr_span text;
    if (!mr_file_exists(path, cx)) {
        return MR_OK;
    }
    MR_TRY(mr_file_load(path, MR_YAML_BYTES_MAX, &text, cx));
    const mr_yaml *root;
    MR_TRY(mr_yaml_parse(path, text, &root, cx));
    if (mr_yaml_is_null(root)) {  // All of it may be commented out.
        return MR_OK;
    }
    MR_TRY(mr_yaml_expect(root, MR_YAML_MAP, path, cx));
    MR_TRY(check_sections(root, cx));
    const mr_yaml *own = mr_yaml_get(root, section);
    if (own == NULL || mr_yaml_is_null(own)) {
        return MR_OK;
    }
    MR_TRY(mr_yaml_expect(own, MR_YAML_MAP, mr_arena_printf(cx->arena, "section \"%s\"", section),
                          cx));
    return mr_yaml_options(own, /* nested= */ NULL, ret, cx);
}

// MILLRACE_EXEC_EPOCH_BYTES for epoch_bytes of exec.
static const char *setting_variable(const char *section, const char *key, mr_arena *arena) {
    char *name = mr_arena_printf(arena, "MILLRACE_%s_%s", section, key);
    for (char *c = name; *c != '\0'; c++) {
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
    return name;
}

// The key behind "section." of one of the sections; NULL when it is another's.
static mr_code key_of(const char *name, const char *section, const char **ret, mr_cx *cx) {
    const char *dot = strchr(name, '.');
    mr_span own = {name, dot == NULL ? 0 : (size_t)(dot - name)};
    *ret = NULL;
    for (size_t s = 0; s < MR_COUNT(sections); s++) {
        if (mr_span_is(own, sections[s])) {
            *ret = mr_span_is(own, section) ? dot + 1 : NULL;
            return MR_OK;
        }
    }
    return mr_fail(cx, MR_E_OPTION, "Settings start with \"exec.\" or \"broker.\".",
                   "no setting \"%s\"", name);
}

mr_code mr_config_gather(const char *section, const mr_option *table, const mr_option_values *given,
                         mr_option_values *ret, mr_cx *cx) {
    mr_option_values file;
    MR_TRY(mr_config_section(MR_CONFIG_FILE, section, &file, cx));
    size_t most = given->count + file.count;
    for (const mr_option *option = table; option->name != NULL; option++) {
        most++;
    }
    *ret = (mr_option_values){.items = MR_NEW_ARRAY(cx->arena, mr_option_value, most)};
    for (size_t i = 0; i < given->count; i++) {
        const char *key;
        MR_TRY(key_of(given->items[i].name, section, &key, cx));
        if (key != NULL) {
            ret->items[ret->count] = given->items[i];
            ret->items[ret->count++].name = key;
        }
    }
    for (const mr_option *option = table; option->name != NULL; option++) {
        const char *value =
            mr_plat_env(cx->plat, setting_variable(section, option->name, cx->arena));
        if (value != NULL && mr_option_find(ret, option->name) == NULL) {
            ret->items[ret->count++] =
                (mr_option_value){.name = option->name, .value = value, .place = MR_NOWHERE};
        }
    }
    for (size_t i = 0; i < file.count; i++) {
        if (mr_option_find(ret, file.items[i].name) == NULL) {
            ret->items[ret->count++] = file.items[i];
        }
    }
    return MR_OK;
}
