// Duck: DuckDB's C API, found when it is first needed; see duck.h.

#include "lake/duck.h"

#include <dlfcn.h>

#include "plat/plat.h"

// $ORIGIN is the program's own folder.
static const char *const places[] = {
    "$ORIGIN/libduckdb.so",
    "$ORIGIN/../lib/libduckdb.so",
    "$ORIGIN/../lib/millrace/libduckdb.so",
    "$ORIGIN/deps/lib/libduckdb.so",
    "$ORIGIN/../deps/lib/libduckdb.so",
    "build/deps/lib/libduckdb.so",
    "libduckdb.so",
};

static mr_code bind_functions(mr_duck *duck, mr_cx *cx) {
#define DUCK_BIND(function)                                                          \
    *(void **)&duck->function = dlsym(duck->library, "duckdb_" #function);           \
    if (duck->function == NULL) {                                                    \
        return mr_fail(cx, MR_E_UNSUPPORTED, "Run scripts/setup for the right one.", \
                       "libduckdb.so is too old: it has no duckdb_" #function);      \
    }
    MR_DUCK_FUNCTIONS(DUCK_BIND)
#undef DUCK_BIND
    return MR_OK;
}

mr_code mr_duck_load(mr_duck *ret, mr_cx *cx) {
    mr_duck duck = {0};
    const char *given = mr_plat_env(cx->plat, "MILLRACE_DUCKDB");
    if (given != NULL && given[0] != '\0') {
        duck.library = dlopen(given, RTLD_NOW | RTLD_LOCAL);
        if (duck.library == NULL) {
            return mr_fail(cx, MR_E_MISSING,
                           "MILLRACE_DUCKDB names the file libduckdb.so; scripts/setup fetches it.",
                           "cannot load DuckDB: %s", dlerror());
        }
    }
    for (size_t i = 0; i < MR_COUNT(places) && duck.library == NULL; i++) {
        duck.library = dlopen(places[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (duck.library == NULL) {
        return mr_fail(cx, MR_E_MISSING, "Run scripts/setup, or name the file in MILLRACE_DUCKDB.",
                       "cannot load DuckDB: no libduckdb.so near the program or in the system");
    }
    MR_TRY(bind_functions(&duck, cx));
    *ret = duck;
    return MR_OK;
}
