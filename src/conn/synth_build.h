// Synth build: what reading a spec shares; see synth_column.c. Nobody else includes it.

#pragma once

#include "codec/yaml.h"
#include "conn/synth_plan.h"

// The keys of a column.
typedef struct mr_synth_given {
    const char *name;
    const char *type;
    const char *distribution;
    const char *value;
    const char *start;
    const char *step;
    double rate;
    int64_t disorder;
    const char *min;
    const char *max;
    double mean;
    double sd;
    int64_t n;
    double exponent;
    const char *values;
    const char *weights;
    const char *pattern;
    const char *column;
    double multiply;
    const char *add;
    int64_t scale;
    double nulls;
    const char *columns;
    const char *of;
    int64_t length_min;
    int64_t length_max;
} mr_synth_given;

extern const mr_option mr_synth_key_spec[];
extern const mr_option mr_synth_key_column[];

// A column under construction.
typedef struct mr_synth_context mr_synth_context;
typedef struct mr_synth_building {
    mr_synth_context *context;
    const mr_yaml *node;
    mr_option_values values;
    mr_synth_given given;
    mr_synth_column *column;
    const mr_synth_group *group;  // The columns before it.
    mr_cx *cx;
} mr_synth_building;

// synth_column.c: checks a list of columns and makes a group of it.
struct mr_synth_context {
    mr_synth *synth;
    int64_t now_us;
    uint32_t depth;
    uint32_t columns;  // Seen so far, in all groups.
    uint64_t salt;
    bool in_array;
    uint64_t items;  // Of the arrays around, at most, multiplied; 0 = none.
};
mr_code mr_synth_column_group(mr_synth_context *context, const mr_yaml *list, mr_synth_group *ret,
                              mr_cx *cx);
// Index of a column of a group, or -1; with nearest name for messages.
int32_t mr_synth_column_find(const mr_synth_group *group, const char *name);
mr_code mr_synth_column_missing(const mr_synth_group *group, const char *name, mr_place place,
                                mr_cx *cx);
mr_code mr_synth_column_share(const mr_option_values *values, const char *key, double share,
                              uint32_t *ret, mr_cx *cx);

// synth_value.c: the values that keys give. Each fails at the key's place.
bool mr_synth_value_given(const mr_synth_building *b, const char *key);
mr_place mr_synth_value_place(const mr_synth_building *b, const char *key);
void mr_synth_value_range(mr_synth_column *column);      // Sets what the type allows.
double mr_synth_value_unit(const mr_synth_building *b);  // Ticks in 1.
// A value of the column's type as ticks; text and uuid have none.
mr_code mr_synth_value_ticks(const mr_synth_building *b, const char *key, const char *text,
                             int64_t *ret);
// A distance in the column's ticks: a number, days, or a duration.
mr_code mr_synth_value_step(const mr_synth_building *b, const char *key, const char *text,
                            int64_t *ret);
mr_code mr_synth_value_bounds(mr_synth_building *b);  // min and max.
mr_code mr_synth_value_token(mr_synth_building *b, const char *text, mr_place place);
mr_code mr_synth_value_list(mr_synth_building *b);  // values and weights.
bool mr_synth_value_safe(mr_span text);             // Needs no escapes.

static inline uint32_t mr_synth_bit(const mr_synth_building *b) {
    return 1u << b->column->type;
}
