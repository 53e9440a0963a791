// Staging: the rows that wait for a sink's trigger, and when it fires.
//
// Why: an epoch is not a trigger. Rows of committed epochs wait here, and are in the commit log
// until they are handed to the sink; one file then holds many epochs. A trigger first fires with
// its first output, and then each `trigger`; with roll_age or roll_size a file is cut by the age of
// its oldest row, or its size. Threads: the driver's.

#pragma once

#include "column/rows.h"
#include "port/sink.h"

typedef struct mr_staging {
    mr_sink *sink;
    const char *name;  // Of the table; key in the commit record.
    uint32_t index;    // Of the sink in the pipeline.
    uint64_t hash;     // Of the path to it; of a side table: of its columns.
    mr_rows waiting;
    uint64_t logged_rows;  // The first of them are in the commit log already.
    int64_t trigger_us;
    int64_t roll_age_us;  // -1 = by trigger.
    uint64_t roll_bytes;
    int64_t oldest_us;           // Monotonic, of the oldest waiting row; 0 = none.
    int64_t fires_at_us;         // Monotonic; 0 = with the first output.
    uint64_t update_epoch;       // Update mode: changes up to this epoch are emitted.
    uint64_t update_epoch_next;  // The same once the epoch under way is committed.
    bool fires;                  // In this epoch.
    uint64_t rows_written;       // Since open, as the three below.
    uint64_t files_written;
    uint64_t bytes_written;
    int64_t write_us;            // From the waiting rows to a durable file.
    mr_publication publication;  // Of this epoch when prepared.
    bool prepared;
} mr_staging;

// Reads roll_size and roll_age from the options. errors MR_E_OPTION
mr_code mr_staging_init(mr_staging *staging, mr_sink *sink, const char *name, uint32_t index,
                        int64_t trigger_us, mr_cx *cx);
void mr_staging_release(mr_staging *staging);
void mr_staging_add(mr_staging *staging, const mr_batch *batch, int64_t now_us);
void mr_staging_add_rows(mr_staging *staging, const mr_rows *rows, int64_t now_us);
void mr_staging_added(mr_staging *staging, int64_t now_us);  // Rows were put into `waiting`.
// Whether the time has come by the trigger alone (for update mode, before rows are made).
bool mr_staging_trigger_due(const mr_staging *staging, int64_t now_us);
// Whether the waiting rows are to be handed over now. flush: the run ends.
bool mr_staging_due(const mr_staging *staging, int64_t now_us, bool flush);
// Hands the waiting rows to the sink and keeps the publication.
mr_code mr_staging_prepare(mr_staging *staging, const mr_publication_id *id, mr_cx *cx);
// After the commit: forgets what was handed over, sets the next time.
void mr_staging_committed(mr_staging *staging, int64_t now_us);
