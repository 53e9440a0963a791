// Yaml: see yaml.h.
//
// How: libyaml's events become nodes with an own stack. Its marks count characters; offsets in
// bytes are found by walking the text along with the events, which come in order.

#include "codec/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/map.h"

typedef struct anchor {
    mr_yaml *node;
    bool whole;  // Its end was read; before, an alias to it would be a ring.
} anchor;

// A list or map that is being read.
typedef struct level {
    mr_yaml *node;
    uint32_t capacity;
    const char *name;  // MAP: the key whose value comes next; NULL = a key comes next.
    mr_place place;    // Of that key.
    anchor *anchor;    // NULL: it has none.
} level;

typedef struct reader {
    yaml_parser_t parser;
    const char *file;
    const char *text;  // Copy in the arena; NUL behind it.
    size_t bytes;
    size_t at_bytes;  // A place in the text …
    size_t at_chars;  // … in both measures.
    mr_map anchors;
    level levels[MR_YAML_DEPTH_MAX];
    uint32_t depth;
    mr_yaml *root;
    mr_cx *cx;
} reader;

static mr_place place_of(reader *r, size_t chars) {
    if (chars < r->at_chars) {
        r->at_chars = r->at_bytes = 0;
    }
    while (r->at_chars < chars && r->at_bytes < r->bytes) {
        r->at_bytes++;
        while (r->at_bytes < r->bytes && ((unsigned char)r->text[r->at_bytes] & 0xC0) == 0x80) {
            r->at_bytes++;
        }
        r->at_chars++;
    }
    return (mr_place){.file = r->file, .source = r->text, .offset = (int32_t)r->at_bytes};
}

// The text ends inside of quotes, a list or a map: it is told where they begin.
static bool is_never_closed(reader *r, mr_place end, mr_place *ret) {
    const yaml_parser_t *parser = &r->parser;
    const char *context = parser->context == NULL ? "" : parser->context;
    bool inside =
        strstr(context, "quoted scalar") != NULL || strstr(context, "parsing a flow") != NULL;
    if (!inside || r->text[end.offset + (int32_t)strspn(r->text + end.offset, " \r\n")] != '\0') {
        return false;
    }
    // Where a value is wanted, the context is its place: the list or map around it is on the stack.
    bool wanted = strstr(context, "flow node") != NULL && parser->marks.top > parser->marks.start;
    *ret = place_of(r, (wanted ? parser->marks.top[-1] : parser->context_mark).index);
    return ret->offset < (int32_t)r->bytes;
}

static mr_code scan_failed(reader *r) {
    const yaml_parser_t *parser = &r->parser;
    const char *problem = parser->problem == NULL ? "not YAML" : parser->problem;
    mr_place place = place_of(r, parser->problem_mark.index);
    if (parser->error == YAML_READER_ERROR) {
        place = (mr_place){.file = r->file,
                           .source = r->text,
                           .offset = (int32_t)MR_MIN(parser->problem_offset, r->bytes)};
    }
    mr_place begin;
    if (is_never_closed(r, place, &begin)) {
        char sign = r->text[begin.offset];
        char close = sign == '[' ? ']' : sign == '{' ? '}' : sign;
        return mr_fail_at(r->cx, MR_E_SYNTAX, begin,
                          mr_arena_printf(r->cx->arena, "Write %c where it ends.", close),
                          "%c begins here, and the file ends before it does", sign);
    }
    const char *hint = NULL;
    bool alias = parser->context != NULL && strcmp(parser->context, "while scanning an alias") == 0;
    if (alias) {
        hint = "A * begins an alias in YAML: put quotes around the text, '*/5 * * * *'.";
    } else if (strstr(problem, "cannot start any token") != NULL && r->text[place.offset] == '\t') {
        hint = "Indent with blanks: YAML takes no tabs.";
    }
    return mr_fail_at(r->cx, MR_E_SYNTAX, place, hint, "%s%s%s", problem,
                      parser->context == NULL ? "" : " ",
                      parser->context == NULL ? "" : parser->context);
}

static mr_code add_weight(reader *r, mr_yaml *to, uint64_t weight, mr_place place) {
    to->weight += weight;
    return to->weight <= MR_YAML_NODES_MAX
               ? MR_OK
               : mr_fail_at(r->cx, MR_E_LIMIT, place, "Write fewer nodes, or fewer aliases.",
                            "more than %d nodes, aliases counted out", MR_YAML_NODES_MAX);
}

static mr_code map_key(reader *r, level *top, const mr_yaml *key) {
    if (key->kind != MR_YAML_SCALAR) {
        return mr_fail_at(r->cx, MR_E_SYNTAX, key->place, NULL, "a key must be a word");
    }
    for (uint32_t i = 0; i < top->node->count; i++) {
        if (strcmp(top->node->names[i], key->text) == 0) {
            return mr_fail_at(r->cx, MR_E_SYNTAX, key->place, "Keep one of the two.",
                              "key \"%s\" is given twice", key->text);
        }
    }
    top->name = key->text;
    top->place = key->place;
    return MR_OK;
}

// Puts a node where it belongs: the root, a list, a key or its value.
static mr_code attach(reader *r, mr_yaml *node, mr_place place) {
    if (r->depth == 0) {
        r->root = node;
        return MR_OK;
    }
    level *top = &r->levels[r->depth - 1];
    mr_yaml *parent = top->node;
    if (parent->kind == MR_YAML_MAP && top->name == NULL) {
        return map_key(r, top, node);
    }
    if (parent->count == top->capacity) {
        mr_arena *arena = r->cx->arena;
        uint32_t capacity = MR_MAX(8u, top->capacity * 2);
        mr_yaml **items = MR_NEW_ARRAY(arena, mr_yaml *, capacity);
        const char **names = MR_NEW_ARRAY(arena, const char *, capacity);
        mr_place *places = MR_NEW_ARRAY(arena, mr_place, capacity);
        for (uint32_t i = 0; i < parent->count; i++) {
            items[i] = parent->items[i];
            names[i] = parent->names[i];
            places[i] = parent->places[i];
        }
        parent->items = items;
        parent->names = names;
        parent->places = places;
        top->capacity = capacity;
    }
    parent->names[parent->count] = top->name;
    parent->places[parent->count] = top->place;
    parent->items[parent->count++] = node;
    top->name = NULL;
    return add_weight(r, parent, node->weight, place);
}

static anchor *anchor_put(reader *r, const yaml_char_t *name, mr_yaml *node) {
    if (name == NULL) {
        return NULL;
    }
    anchor *entry = MR_NEW(r->cx->arena, anchor);
    entry->node = node;
    (void)mr_map_put(&r->anchors, mr_span_of((const char *)name), entry);
    return entry;
}

static mr_code refuse_tag(reader *r, const yaml_char_t *tag, mr_place place) {
    return tag == NULL ? MR_OK
                       : mr_fail_at(r->cx, MR_E_UNSUPPORTED, place,
                                    "Leave it away; put quotes around what is text.",
                                    "tag \"%s\" is not supported", (const char *)tag);
}

static mr_code take_scalar(reader *r, const yaml_event_t *event, mr_place place) {
    MR_TRY(refuse_tag(r, event->data.scalar.tag, place));
    const char *value = (const char *)event->data.scalar.value;
    size_t bytes = event->data.scalar.length;
    if (memchr(value, '\0', bytes) != NULL) {
        return mr_fail_at(r->cx, MR_E_SYNTAX, place, NULL, "a text cannot hold a NUL character");
    }
    mr_yaml *node = MR_NEW(r->cx->arena, mr_yaml);
    *node = (mr_yaml){.kind = MR_YAML_SCALAR,
                      .place = place,
                      .text = mr_arena_copy(r->cx->arena, value, bytes),
                      .quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE,
                      .weight = 1};
    anchor *own = anchor_put(r, event->data.scalar.anchor, node);
    if (own != NULL) {
        own->whole = true;
    }
    return attach(r, node, place);
}

static mr_code begin(reader *r, mr_yaml_kind kind, const yaml_char_t *name, mr_place place) {
    if (r->depth == MR_YAML_DEPTH_MAX) {
        return mr_fail_at(r->cx, MR_E_LIMIT, place, NULL, "nested more than %d deep",
                          MR_YAML_DEPTH_MAX);
    }
    mr_yaml *node = MR_NEW(r->cx->arena, mr_yaml);
    *node = (mr_yaml){.kind = kind, .place = place, .weight = 1};
    r->levels[r->depth++] = (level){.node = node, .anchor = anchor_put(r, name, node)};
    return MR_OK;
}

static mr_code end(reader *r) {
    level *top = &r->levels[--r->depth];
    if (top->anchor != NULL) {
        top->anchor->whole = true;
    }
    return attach(r, top->node, top->node->place);
}

static mr_code take_alias(reader *r, const yaml_event_t *event, mr_place place) {
    const char *name = (const char *)event->data.alias.anchor;
    const anchor *entry = mr_map_get(&r->anchors, mr_span_of(name));
    if (entry == NULL || !entry->whole) {
        return mr_fail_at(r->cx, MR_E_SYNTAX, place,
                          "An alias names an anchor (&name) that stands before it.",
                          entry == NULL ? "no anchor \"%s\"" : "anchor \"%s\" holds itself", name);
    }
    return attach(r, entry->node, place);
}

static mr_code take_event(reader *r, const yaml_event_t *event) {
    mr_place place = place_of(r, event->start_mark.index);
    switch (event->type) {
    case YAML_SCALAR_EVENT: return take_scalar(r, event, place);
    case YAML_SEQUENCE_START_EVENT:
        MR_TRY(refuse_tag(r, event->data.sequence_start.tag, place));
        return begin(r, MR_YAML_LIST, event->data.sequence_start.anchor, place);
    case YAML_MAPPING_START_EVENT:
        MR_TRY(refuse_tag(r, event->data.mapping_start.tag, place));
        return begin(r, MR_YAML_MAP, event->data.mapping_start.anchor, place);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return end(r);
    case YAML_ALIAS_EVENT: return take_alias(r, event, place);
    case YAML_DOCUMENT_START_EVENT:
        return r->root == NULL ? MR_OK
                               : mr_fail_at(r->cx, MR_E_SYNTAX, place, "Make two files of them.",
                                            "a second document begins");
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: return MR_OK;
    }
    return MR_OK;
}

static mr_code read_all(reader *r) {
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event)) {
            return scan_failed(r);
        }
        bool over = event.type == YAML_STREAM_END_EVENT;
        mr_code code = take_event(r, &event);
        yaml_event_delete(&event);
        if (code != MR_OK || over) {
            return code;
        }
    }
}

mr_code mr_yaml_parse(const char *file, mr_span text, const mr_yaml **ret, mr_cx *cx) {
    if (text.bytes >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) {
        text = (mr_span){text.data + 3, text.bytes - 3};
    }
    if (text.bytes > MR_YAML_BYTES_MAX) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "%s has more than 1 MiB", file);
    }
    reader *r = MR_NEW(cx->arena, reader);
    r->file = mr_arena_string(cx->arena, file);
    r->text = mr_arena_copy(cx->arena, text.data, text.bytes);
    r->bytes = text.bytes;
    r->cx = cx;
    mr_map_init(&r->anchors, cx->arena);
    if (!yaml_parser_initialize(&r->parser)) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "no memory to read %s", file);
    }
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text, r->bytes);
    mr_code code = read_all(r);
    yaml_parser_delete(&r->parser);
    MR_TRY(code);
    if (r->root == NULL) {  // Nothing, or nothing but comments.
        r->root = MR_NEW(cx->arena, mr_yaml);
        *r->root = (mr_yaml){.place = place_of(r, 0), .text = "", .weight = 1};
    }
    *ret = r->root;
    return MR_OK;
}

const mr_yaml *mr_yaml_get(const mr_yaml *map, const char *name) {
    mr_assert(map->kind == MR_YAML_MAP);
    for (uint32_t i = 0; i < map->count; i++) {
        if (strcmp(map->names[i], name) == 0) {
            return map->items[i];
        }
    }
    return NULL;
}

bool mr_yaml_is_null(const mr_yaml *node) {
    return node->kind == MR_YAML_SCALAR && !node->quoted &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
            strcmp(node->text, "null") == 0);
}

mr_code mr_yaml_expect(const mr_yaml *node, mr_yaml_kind kind, const char *what, mr_cx *cx) {
    static const char *const kinds[] = {
        [MR_YAML_SCALAR] = "one value", [MR_YAML_LIST] = "a list", [MR_YAML_MAP] = "a map"};
    static const char *const hints[] = {[MR_YAML_SCALAR] = NULL,
                                        [MR_YAML_LIST] =
                                            "Write [a, b], or a line \"- a\" for each.",
                                        [MR_YAML_MAP] = "Write name: value on lines of their own."};
    return node->kind == kind
               ? MR_OK
               : mr_fail_at(cx, MR_E_TYPE, node->place, hints[kind], "%s must be %s, not %s", what,
                            kinds[kind], kinds[node->kind]);
}

static bool is_listed(const char *const *names, const char *name) {
    for (; names != NULL && *names != NULL; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

mr_code mr_yaml_options(const mr_yaml *map, const char *const *nested, mr_option_values *ret,
                        mr_cx *cx) {
    *ret = (mr_option_values){.items = MR_NEW_ARRAY(cx->arena, mr_option_value, map->count + 1)};
    for (uint32_t i = 0; i < map->count; i++) {
        const mr_yaml *value = map->items[i];
        if (mr_yaml_is_null(value)) {
            continue;
        }
        bool scalar = value->kind == MR_YAML_SCALAR;
        if (!scalar && !is_listed(nested, map->names[i])) {
            MR_TRY(mr_yaml_expect(value, MR_YAML_SCALAR,
                                  mr_arena_printf(cx->arena, "key \"%s\"", map->names[i]), cx));
        }
        ret->items[ret->count++] = (mr_option_value){
            .name = map->names[i], .value = scalar ? value->text : "…", .place = map->places[i]};
    }
    return MR_OK;
}
