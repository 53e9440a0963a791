// Sim: a simulated machine behind plat's vtable; everything that goes wrong comes from one seed.
//
// Why: a power cut cannot be had on demand, and a disk that loses, tears and reorders what was not
// synced finds in seconds what years of use do not.
// What it promises is what a careful reader of POSIX may count on, and no more: data is durable
// after mr_file_sync, an entry of a folder after mr_dir_sync of that folder, a rename is atomic.
// All else is kept, dropped or torn at 512 bytes when the power goes, entries also in another order
// than made. Threads: one; a machine is not shared.

#pragma once

#include "plat/plat.h"

typedef enum mr_sim_fault {
    MR_SIM_POWER_CUT,    // Down; what was not synced is at risk.
    MR_SIM_KILL,         // Down, but the disk keeps all: kill -9.
    MR_SIM_NO_SPACE,     // ENOSPC from a write, a new file or folder.
    MR_SIM_WRITE_ERROR,  // EIO from anything that changes the disk, syncs aside.
    MR_SIM_READ_ERROR,   // EIO from a read; counted in reads.
    MR_SIM_SYNC_ERROR,   // EIO from a sync, whose pages are then dropped and called clean.
    MR_SIM_SHORT_WRITE,  // A write that takes a part of its bytes.
} mr_sim_fault;

// A machine with an empty disk, a clock at 2026-01-01 00:00:00 UTC and no environment.
mr_plat *mr_sim_new(uint64_t seed);
void mr_sim_free(mr_plat *plat);

// Operations are opens, writes, truncations, syncs, renames, deletions, new folders and crash
// points.
uint64_t mr_sim_operations(const mr_plat *plat);
uint64_t mr_sim_reads(const mr_plat *plat);
// The fault strikes the n-th operation (read) since the machine was made, counted from 1; a fault
// that does not fit that operation strikes the next one that it fits. Each strikes once.
void mr_sim_fault_at(mr_plat *plat, uint64_t n, mr_sim_fault fault);
void mr_sim_power_cut_at(mr_plat *plat, uint64_t n);
// While full, every write and every new file or folder fails with ENOSPC.
void mr_sim_full(mr_plat *plat, bool full);

// After a power cut or kill every call gives MR_E_CRASH until the restart.
bool mr_sim_down(const mr_plat *plat);
// The process ends and starts again: handles are dead, locks free. The power is cut too, unless the
// machine is down by MR_SIM_KILL.
void mr_sim_restart(mr_plat *plat);

// Makes or replaces a file, parents included, durably and without being an operation.
void mr_sim_put(mr_plat *plat, const char *path, mr_span data);
// A file as a reader sees it now, also while down. False: there is none.
bool mr_sim_get(const mr_plat *plat, const char *path, mr_span *ret);

void mr_sim_clock_advance(mr_plat *plat, int64_t us);  // Both clocks.
void mr_sim_clock_step(mr_plat *plat, int64_t us);     // The wall clock alone, back or forth.
void mr_sim_env_set(mr_plat *plat, const char *name, const char *value);  // NULL unsets.
void mr_sim_input(mr_plat *plat, mr_span data);  // Standard input, followed by its end.
mr_span mr_sim_output(const mr_plat *plat, mr_stream stream);
