// Swap: how the content of a table is replaced: one folder takes the place of another, at once.
//
//   <data>/catalog/<table>.commit    the table's newest commit: what was, or is to be, swapped
//   <data>/catalog/<table>.finishing    locked by who finishes it, from load to save
//   <parent>/.<table folder>.swap/   the new folder is made there; beside the table, so that no
//                                    pattern over the table's files finds what is not in it yet
//
//   new files written and synced ─▶ files that stay linked into the new folder ─▶ RECORD "pending",
//   fsync = commit ─▶ files that came since linked too ─▶ exchange of the two folders (one system
//   call) ─▶ the old folder goes ─▶ RECORD "done"
//
// Why a folder and not files: several files cannot be replaced at once, a folder can. It is the
// smallest that holds all that changes: one partition's, or the table's, whose other partitions
// are then links to the same bytes. So one listing of that folder, by whatever reader, finds all of
// the old or all of the new. A reader that lists several partitions, some before the exchange and
// some after it, may mix two versions; mr_swap_mark tells ours that it did, and it lists anew.
// Whoever finds "pending" finishes it, which may be repeated: the one writer of the table does,
// between two of its publications, when nothing else moves files into the folder. Crash points:
// swap.staged, swap.recorded (task/rewrite.c), swap.carried, swap.exchanged, swap.synced,
// swap.swept, swap.done.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef enum mr_swap_state {
    MR_SWAP_NONE,
    MR_SWAP_PENDING,  // Committed; the folders are exchanged, or will be.
    MR_SWAP_DONE,
    MR_SWAP_DROPPED,  // What it replaces was gone before it could be: nothing was changed.
} mr_swap_state;

typedef struct mr_swap {
    uint64_t version;  // Of the table, from 1.
    mr_swap_state state;
    const char *identity;   // Of the work that it is of, for who repeats it.
    const char *live;       // The folder that changes; it may be missing.
    const char *staged;     // What takes its place.
    const char *area;       // Holds staged; it goes in the end.
    const char **made;      // New files, relative to the folder.
    const char **replaced;  // Old ones whose rows are in the new ones, or gone; the same.
    uint32_t made_count;
    uint32_t replaced_count;
    mr_span result;  // What the work tells of itself, a JSON object.
} mr_swap;

// The newest commit, in cx->arena; state NONE when there is none.  errors  MR_E_CORRUPT
mr_code mr_swap_load(const char *data_dir, const char *table, mr_swap *ret, mr_cx *cx);
// Makes the area, and tries there, with two empty folders, whether the file system can exchange
// them: once the record is there it must be able to.  errors  MR_E_UNSUPPORTED
mr_code mr_swap_check(const mr_swap *swap, mr_cx *cx);
// Makes it the newest, durably.
mr_code mr_swap_save(const char *data_dir, const char *table, const mr_swap *swap, mr_cx *cx);
// Makes the staged folder hold what the live one does, beside what was made and without what is
// replaced: links what it lacks, drops what is gone. Durable. May be repeated.
//   hidden  folders of temporaries too, which only the table's writer may do
mr_code mr_swap_carry(const mr_swap *swap, bool hidden, mr_cx *cx);
// Finishes the commit that is pending; the caller is, or stands for, the table's one writer. *ret:
// the newest commit. What fails leaves it pending. Waits for another that finishes it, 30 seconds
// at most.  errors  MR_E_LOCKED
mr_code mr_swap_finish(const char *data_dir, const char *table, mr_swap *ret, mr_cx *cx);
// What changes whenever a swap does: a listing between two equal ones is of one version.
mr_code mr_swap_mark(const char *data_dir, const char *table, mr_text *ret, mr_cx *cx);
