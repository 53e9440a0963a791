// Node: building plan nodes. Schemas, names and event time follow from the input.
//
// Every node has one input (a join's other side is a static table), so a query is a chain from its
// scan to its insert. While building, id counts the nodes below.

#pragma once

#include "sql/plan.h"

#define MR_NODE_DEEP_MAX 400  // Longest chain.

// A copy over another input of the same columns; schema and event time are settled anew.
mr_plan *mr_node_over(mr_arena *arena, const mr_plan *plan, mr_plan *input);
// Sets schema (where it follows from input and content) and event_time. Call after filling a new
// node.
void mr_node_settle(mr_arena *arena, mr_plan *plan);
mr_plan *mr_node_new(mr_arena *arena, mr_plan_kind kind, mr_plan *input, mr_place place);

// Columns called names[i] (NULL: the text of the expression).
mr_plan *mr_node_project(mr_arena *arena, mr_plan *input, mr_expr **exprs, const char *const *names,
                         uint32_t count);
mr_plan *mr_node_filter(mr_arena *arena, mr_plan *input, mr_expr *predicate);
// A FILTER for each conjunct of predicate.
mr_plan *mr_node_filter_all(mr_arena *arena, mr_plan *input, mr_expr *predicate);
// The input, or its columns and behind them one for each expression that is not a plain column.
// ret_columns[i] = column of exprs[i].
mr_plan *mr_node_extend(mr_arena *arena, mr_plan *input, mr_expr *const *exprs, uint32_t count,
                        uint32_t *ret_columns);

// Does this column carry event time: is it never behind the watermark by more than the delay?
bool mr_node_is_time(const mr_plan *plan, uint32_t column);
// The columns 0 .. count-1 as expressions would name them; for the printed text of an expression.
const char *mr_node_expr_text(mr_arena *arena, const mr_expr *expr, const mr_schema *schema);
// The SCAN at the bottom.
const mr_plan *mr_node_scan(const mr_plan *plan);
