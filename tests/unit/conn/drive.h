// Drive: what the tests of sources share: a source is opened, drained, and its rows kept as text.

#pragma once

#include "conn/conn.h"
#include "plat/plat.h"

typedef struct drive {
    mr_arena arena;
    mr_cx cx;
    char dir[64];  // A folder of the test's own.
    mr_field fields[16];
    mr_fields wanted;
    mr_option_value options[16];
    mr_option_values values;
    mr_source_spec spec;
    mr_source *source;
    mr_text rows;  // A line a row: offset|column|column, bad ones as offset!reason!raw.
    uint64_t row_count;
    uint64_t bad_count;
    uint64_t batch_count;
    uint64_t chunk_count;
} drive;

void drive_init(drive *d);
void drive_release(drive *d);
void drive_field(drive *d, const char *name, mr_type_id type, mr_field_from from);
void drive_option(drive *d, const char *name, const char *value);
const char *drive_path(drive *d, const char *name);
void drive_write(drive *d, const char *name, const char *text);
void drive_append(drive *d, const char *name, const char *text);
// Runs a shell command, %s in it is the folder.
void drive_shell(drive *d, const char *format);

mr_code drive_open(drive *d, const mr_source_type *type);
void drive_close(drive *d);
// Claims and reads until done, or until nothing is there.
mr_code drive_drain(drive *d);
// The same, at most this many chunks.
mr_code drive_chunks(drive *d, uint64_t chunks_max);
