// Rewrite: what table.merge and table.compact share: files of a table are replaced by others, as
// one commit (store/swap.h).
//
//   open: the table's lock, what a killed one left is finished ─▶ which files a reader sees
//   area: files are written where no reader looks
//   commit: record ─▶ the table's one writer exchanges the folders: the pipeline that runs, between
//           two epochs; without one this task, which holds the pipeline's lock meanwhile
// What a running pipeline has added since the files were listed stays as it is. Threads: one.

#pragma once

#include "lake/lake.h"
#include "plat/plat.h"
#include "port/task.h"
#include "store/catalog.h"
#include "store/swap.h"

typedef struct mr_rewrite {
    const mr_task_try *try;
    const char *data_dir;
    mr_catalog_table table;
    mr_lock lock;
    mr_lake *lake;
    mr_swap last;        // The table's newest commit.
    const char **files;  // That a reader sees, paths below table.path.
    uint32_t file_count;
    const char *owner;  // The files' names begin with it.
    const char *area;
    uint64_t incarnation;
} mr_rewrite;

// Takes the table's lock, waiting for it, and opens the lake. The table may be one that is not
// there: path is given. close takes what was opened, also when this failed.
mr_code mr_rewrite_open(mr_rewrite *r, const char *table, const char *zone_name,
                        const mr_task_try *try, mr_cx *cx);
// The table's files that a reader sees, once its entry is set. Finishes what was left pending.
mr_code mr_rewrite_look(mr_rewrite *r, mr_cx *cx);
void mr_rewrite_close(mr_rewrite *r, mr_cx *cx);
// The folder, made empty, in which files for the table are written: as they will be in the table's.
mr_code mr_rewrite_area(mr_rewrite *r, const char **ret, mr_cx *cx);
// The name, without folder, of a file that is written. roll: of the publication, number: in it.
const char *mr_rewrite_name(const mr_rewrite *r, uint32_t roll, uint32_t number, mr_cx *cx);
// Paths relative to the table's folder.
typedef struct mr_rewrite_files {
    const char **made;  // Durable in the area.
    const char **replaced;
    uint32_t made_count;
    uint32_t replaced_count;
} mr_rewrite_files;
// Replaces files by others at once. result: a JSON object, for who repeats this try.
//   errors  MR_E_MISSING with MR_RETRY: what is replaced was gone before it could be
mr_code mr_rewrite_commit(mr_rewrite *r, const mr_rewrite_files *files, mr_span result, mr_cx *cx);
// Columns that files have and the table has not, so that writing them anew would lose them.
//   errors  MR_E_UNSUPPORTED naming the first
mr_code mr_rewrite_check(mr_rewrite *r, const char *const *files, uint32_t count, mr_cx *cx);
// Sets the members of a JSON object as the task's outputs.
mr_code mr_rewrite_tell(const mr_task_try *try, mr_span result, mr_cx *cx);
