// UDF: functions in C that a project brings, as external functions; see port/millrace_udf.h.

#pragma once

#include "port/external.h"

// The function of ask->library and ask->symbol, paths from the project's folder.
//   errors  MR_E_MISSING the library or its symbol; MR_E_UNSUPPORTED its version, or a type that
//           functions in C do not take; MR_E_PERMISSION a path that leads out of the project
mr_code mr_udf_find(const mr_external_ask *ask, const mr_external **ret, mr_cx *cx);
