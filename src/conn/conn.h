// Conn: the connectors this program was built with.
//
// A connector is a row of one of these lists and a file of its own, source_<name>.c or
// sink_<name>.c.

#pragma once

#include "port/port.h"

// clang-format off
#define MR_CONN_SOURCES(X) \
    X(file)                \
    X(generator)           \
    X(kafka)

#define MR_CONN_SINKS(X) \
    X(parquet)           \
    X(jsonl)             \
    X(console)           \
    X(kafka)             \
    X(test_token)

#define MR_CONN_LOADERS(X) \
    X(csv)                 \
    X(parquet)             \
    X(json)
// clang-format on

#define MR_CONN_SOURCE(name) extern const mr_source_type mr_source_##name;
MR_CONN_SOURCES(MR_CONN_SOURCE)
#undef MR_CONN_SOURCE
#define MR_CONN_SINK(name) extern const mr_sink_type mr_sink_##name;
MR_CONN_SINKS(MR_CONN_SINK)
#undef MR_CONN_SINK
#define MR_CONN_LOADER(name) extern const mr_loader mr_loader_##name;
MR_CONN_LOADERS(MR_CONN_LOADER)
#undef MR_CONN_LOADER

extern const mr_port mr_conn_port;

// Fills target from options as mr_option_apply does, but strings live in `arena`, as long as the
// connector.
mr_code mr_conn_options(const mr_option *table, const mr_option_values *values, void *target,
                        mr_arena *arena, mr_cx *cx);
// Where the user wrote an option; MR_NOWHERE when not.
mr_place mr_conn_place(const mr_option_values *values, const char *name);
