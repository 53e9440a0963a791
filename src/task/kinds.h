// Kinds: the kinds of workflow tasks that this program has.

#pragma once

#include "port/task.h"

// A kind is a row here and one const mr_task_type in a file of this folder.
// clang-format off
#define MR_KINDS(X) \
    X(shell) X(exec) X(python) X(branch) X(noop) X(dag) X(sql) X(check) X(topic_create) \
    X(topic_produce) X(topic_consume) X(stream_run) X(table_merge) X(table_compact) X(http) \
    X(wait) X(container)
// clang-format on

#define MR_KIND_DECLARE(name) extern const mr_task_type mr_kind_##name;
MR_KINDS(MR_KIND_DECLARE)
#undef MR_KIND_DECLARE

extern const mr_task_type *const mr_kinds[];  // NULL-ended.
