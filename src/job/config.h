// Config: what a project's millrace.yaml says.
//
// Every key is a setting, and everything is optional. A value given as -c section.key=value or in
// the environment wins over the file's.

#pragma once

#include "base/option.h"

#define MR_CONFIG_FILE "millrace.yaml"

// The keys of one section of a file, for mr_option_apply, which checks them at their places; none
// when the file or the section is not there. Memory: cx->arena.
//   errors  MR_E_SYNTAX, MR_E_TYPE; MR_E_OPTION for a section that no part of the program has
mr_code mr_config_section(const char *path, const char *section, mr_option_values *ret, mr_cx *cx);

// The values of a section: what was given (named "section.key"), then the environment
// (MILLRACE_SECTION_KEY for keys of `table`), then the file. The file's are checked by themselves.
//   given   those of other sections are passed over
//   errors  as above; MR_E_OPTION for one that is of no section
mr_code mr_config_gather(const char *section, const mr_option *table, const mr_option_values *given,
                         mr_option_values *ret, mr_cx *cx);
