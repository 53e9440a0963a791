// Virtual: the real machine with a clock that is set and a kill on demand, for tests of pipelines.
//
// A kill is what kill -9 is to what the process leaves behind: from then on nothing is changed any
// more, every call fails with MR_E_CRASH, and only what frees handles works. It strikes at a crash
// point, so it is always between two steps that recovery must tell apart. Syncs do nothing: a
// killed process loses nothing that it wrote (power cuts are the simulator's, plat/sim.h).
// Threads: any; kills are for one worker.

#pragma once

#include "plat/plat.h"

typedef struct mr_virtual mr_virtual;

// In arena. clock_us: the wall clock, which then stands; INT64_MIN = the real one.
mr_virtual *mr_virtual_new(mr_plat *real, int64_t clock_us, mr_arena *arena);
mr_plat *mr_virtual_plat(mr_virtual *machine);
// A new life; it ends at the `points`-th crash point (from 0) after its first commit, or of a
// scheduler, which commits all the time. UINT32_MAX = it is not killed.
void mr_virtual_live(mr_virtual *machine, uint32_t points);
// Steps the wall clock, as who sets a clock does.
void mr_virtual_set_clock(mr_virtual *machine, int64_t clock_us);
// Time passes: both clocks. From the first call on the monotonic one stands too.
void mr_virtual_advance(mr_virtual *machine, int64_t us);
bool mr_virtual_killed(const mr_virtual *machine);
