// Kinds: the table; see kinds.h.

#include "task/kinds.h"

#define KIND(name) &mr_kind_##name,
const mr_task_type *const mr_kinds[] = {MR_KINDS(KIND) NULL};
