// Measure: what a run knows of each node, source and sink; for EXPLAIN --analyze.
//
// Rows are always counted; times only when the driver was opened with options.measured. Called when
// no worker runs: after mr_driver_run, before mr_driver_close. A node's numbers are sums over all
// workers (and over all segments behind an aggregate), so times are of processors, not of the wall.

#pragma once

#include "exec/driver.h"

typedef struct mr_measured_node {
    uint64_t rows_in;
    uint64_t rows_out;
    int64_t busy_ns;  // Own time, without that of what it feeds.
    int64_t end_ns;   // AGGREGATE: merging and emitting at the ends of epochs.
    uint64_t state_rows;
    uint64_t state_bytes;
    uint64_t table_rows;  // JOIN: of the static table.
    uint64_t table_bytes;
} mr_measured_node;

typedef struct mr_measured_source {
    int64_t read_ns;  // Reading and decoding.
    uint64_t bad_rows;
    uint64_t late_rows;
    uint32_t partitions;
} mr_measured_source;

typedef struct mr_measured_sink {
    uint64_t rows;
    uint64_t rows_waiting;
    uint64_t files;
    uint64_t bytes;
    int64_t write_us;
} mr_measured_sink;

void mr_measure_node(const mr_driver *driver, const mr_plan *plan, mr_measured_node *ret);
void mr_measure_source(const mr_driver *driver, uint32_t source, mr_measured_source *ret);
void mr_measure_sink(const mr_driver *driver, uint32_t insert, mr_measured_sink *ret);
