// Duck: DuckDB's C API, found when it is first needed; see duck.h.

#include "lake/duck.h"

#include "plat/library.h"
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
#define DUCK_BIND(function)                                                            \
    *(void **)&duck->function = mr_library_symbol(duck->library, "duckdb_" #function); \
    if (duck->function == NULL) {                                                      \
        return mr_fail(cx, MR_E_UNSUPPORTED, "Run scripts/setup for the right one.",   \
                       "libduckdb.so is too old: it has no duckdb_" #function);        \
    }
    MR_DUCK_FUNCTIONS(DUCK_BIND)
#undef DUCK_BIND
    return MR_OK;
}

mr_code mr_duck_load(mr_duck *ret, mr_cx *cx) {
    mr_duck duck = {0};
    const char *given = mr_plat_env(cx->plat, "MILLRACE_DUCKDB");
    if (given != NULL && given[0] != '\0') {
        if (mr_library_open(given, &duck.library, cx) != MR_OK) {
            return mr_fail(cx, MR_E_MISSING,
                           "MILLRACE_DUCKDB names the file libduckdb.so; scripts/setup fetches it.",
                           "cannot load DuckDB: %s", mr_arena_string(cx->arena, cx->error.text));
        }
    }
    for (size_t i = 0; i < MR_COUNT(places) && duck.library == NULL; i++) {
        (void)!mr_library_open(places[i], &duck.library, cx);
    }
    if (duck.library == NULL) {
        return mr_fail(cx, MR_E_MISSING, "Run scripts/setup, or name the file in MILLRACE_DUCKDB.",
                       "cannot load DuckDB: no libduckdb.so near the program or in the system");
    }
    MR_TRY(bind_functions(&duck, cx));
    *ret = duck;
    return MR_OK;
}

mr_code mr_duck_open(const mr_duck *duck, const mr_duck_setting *settings, size_t count,
                     duckdb_database *ret, mr_cx *cx) {
    static const mr_duck_setting always[] = {
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
    };
    duckdb_config config;
    if (duck->create_config(&config) != DuckDBSuccess) {
        return mr_fail(cx, MR_E_INTERNAL, NULL, "cannot configure DuckDB");
    }
    bool ok = true;
    for (size_t i = 0; i < MR_COUNT(always) + count; i++) {
        const mr_duck_setting *s =
            i < MR_COUNT(always) ? &always[i] : &settings[i - MR_COUNT(always)];
        ok = ok &&
             (s->value == NULL || duck->set_config(config, s->name, s->value) == DuckDBSuccess);
    }
    char *reason = NULL;
    ok = ok && duck->open_ext(NULL, ret, config, &reason) == DuckDBSuccess;
    duck->destroy_config(&config);
    mr_code code = ok ? MR_OK
                      : mr_fail(cx, MR_E_INTERNAL, NULL, "cannot open DuckDB: %s",
                                reason == NULL ? "bad settings" : reason);
    duck->free(reason);
    return code;
}
