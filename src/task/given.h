// Given: what stands in the keys of a task that hold texts, lists and maps: read as strictly as the
// keys themselves.

#pragma once

#include "port/task.h"

typedef struct mr_given_keys {
    const mr_option *options;
    const char *const *nested;  // NULL-ended; NULL = none.
    size_t size;                // Of the struct that the options fill.
} mr_given_keys;

// The text of a key: what a JSON string stands for, else the value as it is. NULL stays NULL.
const char *mr_given_text(const char *value, mr_cx *cx);
bool mr_given_is_map(const char *value);
bool mr_given_is_list(const char *value);
// A map's own keys, into a struct of keys->size in cx->arena.
//   key      whose value it is, for messages
//   errors   MR_E_TYPE: no map; MR_E_OPTION
mr_code mr_given_map(const char *key, const char *value, const mr_given_keys *keys, void **ret,
                     mr_cx *cx);
// The items of a list, or the one that stands there by itself, as JSON. In cx->arena.
void mr_given_items(const char *value, mr_span **ret, uint32_t *ret_count, mr_cx *cx);
// The names and values of a map of texts, NULL when it is none; *ret_count pairs: name, value.
mr_code mr_given_pairs(const char *key, const char *value, const char ***ret, uint32_t *ret_count,
                       mr_cx *cx);
// Names, one or a list of them: texts that are not empty, each once.
//   errors   MR_E_TYPE, MR_E_OPTION
mr_code mr_given_names(const char *key, const char *value, const char ***ret, uint32_t *ret_count,
                       mr_cx *cx);
