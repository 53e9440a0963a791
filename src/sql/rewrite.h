// Rewrite: plans as written to plans as run; the meaning stays.

#pragma once

#include "sql/node.h"

// A set of nodes in which equal ones are one. Nodes come after their inputs.
typedef struct mr_rewrite_set {
    mr_arena *arena;
    mr_plan **nodes;
    uint32_t *uses;  // Inserts whose chain holds the node.
    uint32_t count;
    uint32_t capacity;
    const int32_t *primary_keys;  // For prune: of each table, by a join's number; -1 = none.
} mr_rewrite_set;

// rewrite_share.c: the chain of root, node by node replaced by the equal one of the set or added to
// it.
mr_plan *mr_rewrite_share(mr_rewrite_set *set, mr_plan *root);
// rewrite.c: one insert's chain, whose nodes are in the set: filters move towards the scan,
// DISTINCT below projections, and the late test comes in. Nodes that other inserts share too are
// not moved past.
mr_plan *mr_rewrite_chain(const mr_rewrite_set *set, mr_plan *root, const char *query);
// rewrite_prune.c: leaves out columns that no insert reads, joins that only could add such, and
// projections that do nothing. roots are replaced in place.
void mr_rewrite_prune(mr_rewrite_set *set, mr_plan **roots, uint32_t root_count);
