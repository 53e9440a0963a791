// Query: what a pipeline's file asks for, in words that can be kept, and compared with another.
//
// The commit record holds hashes: they say that something changed, not what. So the description of
// the query is kept beside the log, under its own hash, which is in the record:
//
//   <data>/state/<pipeline>/query-<hash>      one line a source, insert, and operator of its path
//
// A comparison goes by the record's hashes; the description only gives the words. Where it is gone,
// the words are missing and nothing else.

#pragma once

#include "exec/state.h"

typedef enum mr_change_kind { MR_KEEP, MR_NEW, MR_REBUILD, MR_DROP } mr_change_kind;

typedef struct mr_change_item {
    mr_change_kind kind;
    const char *what;  // "source", "operator", "table".
    const char *name;
    const char *reason;            // One phrase; "" for KEEP.
    mr_place place;                // In the file; MR_NOWHERE for what is no longer in it.
    const char **was;              // Lines of the path that are gone, and
    const char **now;              // those that came; NULL-terminated.
    uint64_t waiting_rows;         // Rows of the table that would be lost, when kind is not KEEP.
    const mr_view_source *source;  // Its committed positions; NULL for what is no source.
} mr_change_item;

typedef struct mr_change {
    const mr_pipeline *pipeline;
    mr_state state;  // state.exists false: nothing to compare with, no items.
    mr_change_item *items;
    uint32_t item_count;
    bool changed;
    // What a run cannot take on by itself, in words; NULL = it goes on.
    const char *refusal;
    const char *refused_table;  // The table that it is about.
} mr_change;

// The description of a pipeline's query, in cx->arena, and its hash.
mr_span mr_query_describe(const mr_pipeline *pipeline, uint64_t *ret_hash, mr_cx *cx);
// Where a description is kept.
const char *mr_query_path(const char *state_dir, uint64_t hash, mr_cx *cx);
// The committed state, with publications that are known to be done taken out.
mr_code mr_query_state(const char *state_dir, mr_state *ret, mr_cx *cx);
// Compares a pipeline with the committed state. Takes no lock and changes nothing.
mr_code mr_query_compare(const mr_pipeline *pipeline, const char *state_dir, mr_change *ret,
                         mr_cx *cx);
// Whether the table is one that the file no longer writes.
bool mr_query_is_drop(const mr_change *change, const char *table);
// For people: one line an item, what changed below it, and what a run would do.
void mr_query_print(const mr_change *change, mr_text *out);
// Only what changed, for behind the message of a run that is refused.
void mr_query_print_changes(const mr_change *change, mr_text *out);
void mr_query_print_json(const mr_change *change, mr_text *out);
