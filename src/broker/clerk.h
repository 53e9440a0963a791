// Clerk: the thread that does what waits for the disk.
//
// Why: a server thread has many clients, and making a topic takes some syncs, each of which may
// take as long as a busy disk wants. A handler that has such work leaves its thread with it
// (mr_call_leave in call.h), and the clerk hands the call back to its loop, answered. One thread:
// such changes come one after another anyway, since each writes its list whole.
//
//   loop: handler ─▶ leave ─▶ AWAY ·················· signalled ─▶ answer
//   clerk:                     └─▶ step ─▶ push ───────┘
//
// Threads: any gives; a call that is away is the clerk's alone, and its connection stays in memory.

#pragma once

#include "broker/call.h"

typedef struct mr_clerk mr_clerk;

mr_code mr_clerk_open(mr_plat *plat, mr_clerk **ret, mr_cx *cx);
void mr_clerk_close(mr_clerk *clerk);                // No call may be away. Takes NULL.
void mr_clerk_give(mr_clerk *clerk, mr_call *call);  // Its `away` is what is to be done.
