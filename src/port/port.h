// Port: the connectors a program was built with, and how static tables are loaded.
//
// sql checks names and options against these tables; exec drives them; neither knows one by name.

#pragma once

#include "port/sink.h"
#include "port/source.h"

// Loads a static table (a dimension) from a file.
typedef struct mr_loader {
    const char *format;  // "csv", "parquet", "json"
    mr_code (*load)(const char *path, const mr_option_values *options, mr_rows *ret, mr_cx *cx);
} mr_loader;

typedef struct mr_port {
    const mr_source_type *const *sources;
    size_t source_count;
    const mr_sink_type *const *sinks;
    size_t sink_count;
    const mr_loader *const *loaders;
    size_t loader_count;
} mr_port;

const mr_source_type *mr_port_source(const mr_port *port, const char *name);  // NULL when unknown
const mr_sink_type *mr_port_sink(const mr_port *port, const char *name);
const mr_loader *mr_port_loader(const mr_port *port, const char *format);
