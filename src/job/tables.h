// Tables: the static tables of a running pipeline, loaded at its start and again when their file
// has changed.
//
// A changed file is taken at an epoch's end, when it has been still for a second and reads whole; a
// file that does not read is told once, and the rows in use stay. Rows of one epoch thus see one
// content, whose hash is in the commit record.

#pragma once

#include "exec/table.h"
#include "plat/plat.h"
#include "port/port.h"

typedef struct mr_tables_file {
    mr_stat used;      // Of the file when the rows in use were read.
    mr_stat seen;      // At the last look.
    int64_t still_us;  // Monotonic: since when `seen` has not changed.
} mr_tables_file;

typedef struct mr_tables {
    const mr_port *port;
    mr_table **items;
    mr_tables_file *files;
    uint32_t count;
    int64_t looked_us;
    void (*warn)(void *self, const char *text);
    void *self;
} mr_tables;

// Loads all tables. Memory: cx->arena.  errors  those of the loaders, at the COPY's place
mr_code mr_tables_open(mr_tables *tables, const mr_pipeline *pipeline, const mr_port *port,
                       mr_cx *cx);
// Looks at the files, at most once a second, and replaces what has changed. Only between epochs.
void mr_tables_refresh(mr_tables *tables, mr_cx *cx);
void mr_tables_close(mr_tables *tables);
