// Option tables: one row an option is the parser, the checker, --help and the reference docs.

#pragma once

#include "base/cx.h"
#include "base/map.h"

typedef enum mr_option_type {
    MR_OPT_TEXT,      // const char *
    MR_OPT_PATH,      // const char *
    MR_OPT_BOOL,      // bool
    MR_OPT_INT,       // int64_t
    MR_OPT_BYTES,     // uint64_t, "64MB"
    MR_OPT_DURATION,  // int64_t microseconds, "30 seconds"
    MR_OPT_CHOICE,    // const char *, one of `choices` ("a|b|c")
    MR_OPT_NUMBER,    // double
} mr_option_type;

#define MR_REQUIRED ((const char *)1)  // As default_text: the option must be given.

typedef struct mr_option {
    const char *name;
    mr_option_type type;
    size_t offset;             // Into the struct that the table belongs to.
    const char *default_text;  // Parsed like a user's; NULL = zero/NULL; MR_REQUIRED.
    const char *choices;       // MR_OPT_CHOICE only.
    const char *doc;           // One sentence.
} mr_option;

#define MR_OPTION(type, field, kind, default_text, doc) \
    { #field, kind, offsetof(type, field), default_text, NULL, doc }
#define MR_OPTION_CHOICE(type, field, choices, default_text, doc) \
    { #field, MR_OPT_CHOICE, offsetof(type, field), default_text, choices, doc }
#define MR_OPTION_END \
    { NULL, MR_OPT_TEXT, 0, NULL, NULL, NULL }

// One option as the user wrote it.
typedef struct mr_option_value {
    const char *name;
    const char *value;
    mr_place place;
} mr_option_value;

typedef struct mr_option_values {
    mr_option_value *items;
    size_t count;
} mr_option_values;

// Fills target's fields from values, defaults for the rest. Names that start with pass_prefix
// ("kafka."; may be NULL) are left to the caller. Strings are copied to cx->arena.
//   errors  MR_E_OPTION (unknown: nearest name; malformed: what is expected; missing; twice)
mr_code mr_option_apply(const mr_option *table, const mr_option_values *values,
                        const char *pass_prefix, void *target, mr_cx *cx);
// The same for the keys of a file: messages call them so.
mr_code mr_option_apply_keys(const mr_option *table, const mr_option_values *values, void *target,
                             mr_cx *cx);
// The value of one option as the user wrote it, or NULL.
const char *mr_option_find(const mr_option_values *values, const char *name);
