// Conn: the connectors this program was built with; see conn.h.

#include "conn/conn.h"

#define CONN_ROW(name) &mr_source_##name,
static const mr_source_type *const sources[] = {MR_CONN_SOURCES(CONN_ROW)};
#undef CONN_ROW
#define CONN_ROW(name) &mr_sink_##name,
static const mr_sink_type *const sinks[] = {MR_CONN_SINKS(CONN_ROW)};
#undef CONN_ROW
#define CONN_ROW(name) &mr_loader_##name,
static const mr_loader *const loaders[] = {MR_CONN_LOADERS(CONN_ROW)};
#undef CONN_ROW

const mr_port mr_conn_port = {
    .sources = sources,
    .source_count = MR_COUNT(sources),
    .sinks = sinks,
    .sink_count = MR_COUNT(sinks),
    .loaders = loaders,
    .loader_count = MR_COUNT(loaders),
};

mr_code mr_conn_options(const mr_option *table, const mr_option_values *values, void *target,
                        mr_arena *arena, mr_cx *cx) {
    mr_arena *arena_before = cx->arena;
    cx->arena = arena;
    mr_code code = mr_option_apply(table, values, /* pass_prefix= */ NULL, target, cx);
    cx->arena = arena_before;
    return code;
}

mr_place mr_conn_place(const mr_option_values *values, const char *name) {
    for (size_t i = 0; i < values->count; i++) {
        if (mr_span_equal_nocase(mr_span_of(values->items[i].name), mr_span_of(name))) {
            return values->items[i].place;
        }
    }
    return MR_NOWHERE;
}
