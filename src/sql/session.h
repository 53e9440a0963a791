// Session: what is known while one file is planned: its text, its names, the errors found so far.
//
// Why: statements are checked one by one and every independent error of a file is reported, so the
// names of broken objects are kept too: what refers to them fails without a word of its own.
// Memory: everything lives in cx->arena, as long as the pipeline.

#pragma once

#include <pg_query/pg_query.pb-c.h>

#include "sql/plan.h"

typedef PgQuery__Node mr_ast;

// A stretch of the expanded text: copied from the file, or the value of a ${variable}.
typedef struct mr_stretch {
    int32_t expanded;
    int32_t original;
    bool value;
} mr_stretch;

typedef struct mr_server {
    const char *name;
    const char *wrapper;  // NULL: its statement failed.
    mr_option_values options;
} mr_server;

// A foreign table as declared: a source, a sink, or (Kafka) both.
typedef struct mr_foreign {
    const char *name;
    const mr_server *server;
    mr_option_values options;
    mr_schema schema;
    mr_field *fields;       // Of schema->count columns.
    mr_plan_source source;  // Times and place; type and options are set when it is first read.
    int32_t event_time;     // Column with a watermark, or -1.
    mr_plan *rows;          // SCAN and its CHECK filters.
    bool read;              // A query reads it, and it was checked as a source …
    mr_code read_code;      // … with this result.
    bool written;           // An INSERT writes it.
} mr_foreign;

typedef enum mr_object_kind {
    MR_OBJECT_BROKEN,  // Its statement failed: what refers to it fails silently.
    MR_OBJECT_FOREIGN,
    MR_OBJECT_STATIC,
    MR_OBJECT_VIEW,
} mr_object_kind;

// A name that may stand in FROM or behind INSERT INTO.
typedef struct mr_object {
    mr_object_kind kind;
    uint32_t
        index;  // In the session's objects; what SCAN and JOIN hold until the plan is finished.
    const char *name;
    mr_place place;
    mr_foreign *foreign;
    mr_plan_table *table;
    mr_plan *view;
} mr_object;

// CREATE FUNCTION: the body of one in SQL, bound over its parameters as columns, or one in C.
typedef struct mr_inline {
    const char *name;
    mr_schema params;
    mr_expr *body;
    const mr_external *external;  // Both NULL: its statement failed.
} mr_inline;

// CREATE TYPE … AS (…).
typedef struct mr_named_type {
    mr_type type;  // NULLTYPE: its statement failed.
} mr_named_type;

// What a view's WITH and the file's SET say about the state of a SELECT.
typedef struct mr_state_rules {
    int64_t ttl_us;  // -1 = none given.
    int64_t allowed_lateness_us;
    bool unbounded;
} mr_state_rules;

typedef struct mr_session {
    const mr_sql_env *env;
    mr_cx *cx;
    mr_pipeline *pipeline;
    const char *file;
    const char *original;  // The file's text, NUL-terminated.
    char *expanded;        // The same with variables replaced.
    size_t expanded_bytes;
    mr_stretch *stretches;
    uint32_t stretch_count;
    int32_t base;        // Offset in expanded of the text being bound: locations count from it.
    int32_t *try_casts;  // Offsets in expanded of TRY_CAST.
    uint32_t try_cast_count;
    mr_map servers;        // mr_server
    mr_map objects;        // mr_object
    mr_map functions;      // mr_inline
    mr_map types;          // mr_named_type
    mr_state_rules rules;  // From SET.
    mr_sql_errors *errors;
    uint32_t error_capacity;
    const char **unparsed;  // Texts of statements that did not parse: they may declare any name.
    uint32_t unparsed_count;
    bool silent;  // The failure under way was reported, or follows from one that was.
} mr_session;

// A place from an AST location (bytes from the start of the text being bound).
mr_place mr_session_place(const mr_session *s, int32_t location);
// The place of an expanded offset.
mr_place mr_session_place_at(const mr_session *s, int32_t offset);
// The best place known for an AST node.
mr_place mr_session_place_of(const mr_session *s, const mr_ast *node);
// Takes cx's error into the list, unless it was said before. Returns code.
mr_code mr_session_report(mr_session *s, mr_code code);
// Fails without a word: the reason was reported.
mr_code mr_session_fail_silently(mr_session *s);
// `Did you mean "x"?` from the keys of a map or a list of names; NULL when nothing is near.
const char *mr_session_hint(mr_session *s, const char *name, const char *const *names,
                            size_t count);
const char *mr_session_hint_map(mr_session *s, const char *name, const mr_map *map);
// May a statement that did not parse have declared this name?
bool mr_session_suspects(const mr_session *s, const char *name);
void *mr_session_find(const mr_map *map, const char *name);

// sval of a String node, or NULL.
static inline const char *mr_ast_string(const mr_ast *node) {
    return node != NULL && node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval
                                                                          : NULL;
}
// The last word of a qualified name.
static inline const char *mr_ast_name(mr_ast *const *names, size_t count) {
    const char *name = count == 0 ? NULL : mr_ast_string(names[count - 1]);
    return name == NULL ? "" : name;
}
