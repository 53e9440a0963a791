// Template, inside: the tree of one {{ … }}, and the filters.
//
// Private to template*.c. A tree lives in the arena of the call that made it.

#pragma once

#include "flow/template.h"

typedef enum mr_template_kind {
    MR_NODE_LITERAL,  // json
    MR_NODE_PATH,     // path, path_count
    MR_NODE_LIST,     // items
    MR_NODE_LOOKUP,   // Of items[0]: path, path_count.
    MR_NODE_FILTER,   // filter over items[0], the others are its arguments.
    MR_NODE_NOT,
    MR_NODE_AND,
    MR_NODE_OR,
    MR_NODE_EQUAL,
    MR_NODE_UNEQUAL,
    MR_NODE_LESS,
    MR_NODE_LESS_EQUAL,
    MR_NODE_MORE,
    MR_NODE_MORE_EQUAL,
    MR_NODE_IN,
    MR_NODE_DEFINED,
    MR_NODE_NONE,
    MR_NODE_IF,  // items: what if, the condition, what else.
} mr_template_kind;

typedef struct mr_template_node mr_template_node;
struct mr_template_node {
    mr_template_kind kind;
    size_t at;  // Where it stands in the text.
    mr_span json;
    mr_span *path;
    uint32_t path_count;
    const mr_template_filter *filter;
    mr_template_node **items;
    uint32_t item_count;
};

// A text, part by part.
typedef struct mr_template_reader {
    mr_span text;
    mr_place place;
    size_t at;
    uint32_t depth;
    mr_cx *cx;
} mr_template_reader;

// The next part: what is text as it stands, then a template behind it (NULL at the text's end).
mr_code mr_template_parse_next(mr_template_reader *r, mr_span *ret_plain, mr_template_node **ret);
// The place of a byte of a YAML text in the file.
mr_place mr_template_place(mr_span text, mr_place place, size_t at);

// A value as text: strings without quotes, null as nothing.
void mr_template_filter_text(mr_span json, mr_text *out);
mr_span mr_template_filter_string(mr_span text, mr_arena *arena);  // Text as JSON.
// One filter on its input and arguments.  errors  MR_E_VALUE, MR_E_TYPE without a place
mr_code mr_template_filter_apply(const mr_template_filter *filter, const mr_span *values,
                                 uint32_t count, const mr_template_scope *scope, mr_span *ret,
                                 mr_cx *cx);
// The filter of this name.  errors  MR_E_NAME at the reader's place
mr_code mr_template_filter_find(const mr_template_reader *r, mr_span name,
                                const mr_template_filter **ret);
bool mr_template_filter_is_default(const mr_template_filter *filter);
