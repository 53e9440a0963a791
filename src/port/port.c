// Port: lookups in the tables of connectors.

#include "port/port.h"

#include <string.h>

const mr_source_type *mr_port_source(const mr_port *port, const char *name) {
    for (size_t i = 0; i < port->source_count; i++) {
        if (strcmp(port->sources[i]->name, name) == 0) {
            return port->sources[i];
        }
    }
    return NULL;
}

const mr_sink_type *mr_port_sink(const mr_port *port, const char *name) {
    for (size_t i = 0; i < port->sink_count; i++) {
        if (strcmp(port->sinks[i]->name, name) == 0) {
            return port->sinks[i];
        }
    }
    return NULL;
}

const mr_loader *mr_port_loader(const mr_port *port, const char *format) {
    for (size_t i = 0; i < port->loader_count; i++) {
        if (strcmp(port->loaders[i]->format, format) == 0) {
            return port->loaders[i];
        }
    }
    return NULL;
}
