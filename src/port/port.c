// Port: lookups in the tables of connectors and of task kinds.
//
// Also: mr_task_

#include "port/port.h"

#include <string.h>

#include "port/task.h"

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

const mr_task_type *mr_task_find(mr_task_kinds kinds, const char *name) {
    for (; *kinds != NULL; kinds++) {
        if (strcmp((*kinds)->name, name) == 0) {
            return *kinds;
        }
    }
    return NULL;
}
