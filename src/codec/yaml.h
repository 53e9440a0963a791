// Yaml: a strict reader of YAML into a tree that knows where everything stands.
//
// Why strict: a project's files are written by hand, and a typing error must be told, not read as
// something else. YAML 1.2's core schema: `no` and `on` stay text. Refused: tags, a key given
// twice, keys that are not text, more than one document, and aliases that would make the tree
// explode. JSON is YAML, so a spec may be that too. libyaml does the scanning; nothing of it is
// seen outside. Memory: cx->arena; a tree is read-only and may be shared by threads.

#pragma once

#include "base/option.h"

#define MR_YAML_BYTES_MAX ((size_t)1 << 20)
#define MR_YAML_DEPTH_MAX 32
#define MR_YAML_NODES_MAX 100000  // Counting each node as often as aliases repeat it.

typedef enum mr_yaml_kind { MR_YAML_SCALAR, MR_YAML_LIST, MR_YAML_MAP } mr_yaml_kind;

typedef struct mr_yaml mr_yaml;
struct mr_yaml {
    mr_yaml_kind kind;
    mr_place place;
    const char *text;    // SCALAR; ends in NUL, holds none.
    bool quoted;         // SCALAR: '…', "…" or a block, so it is text whatever it looks like.
    const char **names;  // MAP: count keys, in order …
    mr_place *places;    // … where they stand,
    mr_yaml **items;     // and their values; LIST: the items.
    uint32_t count;
    uint64_t weight;  // Nodes below and this one.
};

// file: its name for messages. The text is copied. An empty one is null.
//   errors  MR_E_SYNTAX, MR_E_LIMIT, MR_E_UNSUPPORTED, with the place
mr_code mr_yaml_parse(const char *file, mr_span text, const mr_yaml **ret, mr_cx *cx);
// The value of a key of a MAP; NULL when it is not there.
const mr_yaml *mr_yaml_get(const mr_yaml *map, const char *name);
bool mr_yaml_is_null(const mr_yaml *node);  // null, ~ or nothing.
// Fails unless the node is of this kind. what: "key \"columns\"".
mr_code mr_yaml_expect(const mr_yaml *node, mr_yaml_kind kind, const char *what, mr_cx *cx);
// A MAP as option values for mr_option_apply_keys, which then checks names and types at their
// places. Keys whose table row is in `nested` (NULL-ended) may hold lists and maps: their value is
// "…", and the caller gets them by mr_yaml_get. A key without value, or with null, is as if not
// written.
mr_code mr_yaml_options(const mr_yaml *map, const char *const *nested, mr_option_values *ret,
                        mr_cx *cx);
