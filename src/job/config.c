// Config: see config.h.

#include "job/config.h"

#include <string.h>

#include "codec/yaml.h"
#include "plat/plat.h"

// The sections there are. A part of the program that takes settings adds its own.
static const char *const sections[] = {"exec"};

static mr_code check_sections(const mr_yaml *root, mr_cx *cx) {
    for (uint32_t i = 0; i < root->count; i++) {
        bool known = false;
        for (size_t s = 0; s < MR_COUNT(sections); s++) {
            known |= strcmp(root->names[i], sections[s]) == 0;
        }
        if (!known) {
            const char *near = mr_text_closest(root->names[i], sections, MR_COUNT(sections));
            const char *hint = near == NULL
                                   ? "The sections are: exec."
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
