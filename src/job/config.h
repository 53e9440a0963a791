// Config: a project's settings, from three places: what a command was given as -c
// section.key=value wins over the environment's MILLRACE_SECTION_KEY, which wins over the file
// millrace.yaml. Everything is optional.

#pragma once

#include "base/option.h"
#include "codec/yaml.h"

#define MR_CONFIG_FILE "millrace.yaml"

typedef struct mr_job_pair {
    const char *name;
    const char *value;
} mr_job_pair;

// Where settings come from: the file is in the working directory.
typedef struct mr_config {
    const mr_job_pair *given;  // -c: "exec.workers", "2".
    uint32_t given_count;
} mr_config;

// Fills target with the settings of one section. Memory: cx->arena.
//   errors  MR_E_SYNTAX, MR_E_TYPE, MR_E_OPTION: at the file's place, or naming the setting; also
//           for what is wrong with another section's name
mr_code mr_config_apply(const mr_config *config, const char *section, const mr_option *table,
                        void *target, mr_cx *cx);
// A section that is no table of settings, such as the services; *ret NULL when there is none.
mr_code mr_config_node(const char *section, const mr_yaml **ret, mr_cx *cx);
