// Library: shared libraries that a project brings, and the name of whose code runs when it crashes.

#pragma once

#include "base/cx.h"

// Loads a library; it stays loaded. A name without a slash is looked for in the system's folders.
//  errors  MR_E_MISSING, with the system's words
mr_code mr_library_open(const char *path, void **ret, mr_cx *cx);
// The address of a symbol, or NULL.
void *mr_library_symbol(void *library, const char *name);

// Once before the first enter: from then on crashes are told.
void mr_library_catch(void);
// Between enter and leave, a crash of this thread is told as that of `what` ("function twice of
// lib/twice.so") before the process ends as it would. what must live until leave.
void mr_library_enter(const char *what);
void mr_library_leave(void);
