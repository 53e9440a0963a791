// Plat: the operating system behind one vtable, so that a simulator can stand in for it.
//
// Why: every byte that must survive goes through here; the simulator (plat/sim.h) drops what was
// not synced, tears writes, loses directory entries and fails calls, from one seed. Paths are UTF-8
// C strings, relative to the process's working directory. All calls retry EINTR; a failed call
// names the path and the reason in the error. ENOSPC gives MR_E_FULL (MR_RETRY); a failed fsync
// gives MR_E_IO with MR_FATAL and is never retried.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_file {
    int handle;      // Descriptor, or the simulator's number; -1 = closed.
    uint64_t bytes;  // Append position for writers; size at open for readers.
    char *path;      // Heap copy, for messages.
} mr_file;

typedef enum mr_open_mode {
    MR_OPEN_READ,      // Must exist.
    MR_OPEN_CREATE,    // Must not exist; write at the end.
    MR_OPEN_PRIVATE,   // The same, and only its owner may read or write it.
    MR_OPEN_TRUNCATE,  // Made or emptied; write at the end.
    MR_OPEN_APPEND,    // Made or kept; write at the end.
} mr_open_mode;

typedef struct mr_stat {
    uint64_t bytes;
    int64_t modified_us;
    uint64_t inode;
    uint64_t device;  // Two files with different ones are on two file systems.
    bool is_dir;
} mr_stat;

#define MR_FILE_CLOSED ((mr_file){.handle = -1})

mr_code mr_file_open(mr_file *file, const char *path, mr_open_mode mode, mr_cx *cx);
void mr_file_close(mr_file *file, mr_plat *plat);  // Takes a closed file.
mr_code mr_file_append(mr_file *file, mr_span data, mr_cx *cx);
// The same of several pieces, one behind the other.
mr_code mr_file_append_parts(mr_file *file, const mr_span *parts, uint32_t count, mr_cx *cx);
// Takes room on the disk for the bytes from..to; the file's size stays. What is beyond the size is
// given back by the next mr_file_truncate. MR_OK where the file system cannot.
mr_code mr_file_allocate(mr_file *file, uint64_t from, uint64_t to, mr_cx *cx);
// Writes over bytes that are there (all of them); the size never changes, also on failure.
mr_code mr_file_overwrite(mr_file *file, uint64_t offset, mr_span data, mr_cx *cx);
// Reads up to bytes at offset; *ret_bytes < bytes only at the end of the file.
mr_code mr_file_read(mr_file *file, uint64_t offset, void *data, size_t bytes, size_t *ret_bytes,
                     mr_cx *cx);
mr_code mr_file_sync(mr_file *file, mr_cx *cx);  // Data and size are durable (fdatasync).
mr_code mr_file_truncate(mr_file *file, uint64_t bytes, mr_cx *cx);
// Tells the system that nobody will read soon what is durable of the file: its memory is free for
// what is written next. Only a hint.
void mr_file_forget(const mr_file *file, mr_cx *cx);
mr_code mr_file_stat(const char *path, mr_stat *ret, mr_cx *cx);  // MR_E_MISSING when absent.
bool mr_file_exists(const char *path, mr_cx *cx);
// The whole file into arena memory (NUL behind it). errors  MR_E_LIMIT over bytes_max
mr_code mr_file_load(const char *path, uint64_t bytes_max, mr_span *ret, mr_cx *cx);
// Renames; fails with MR_E_EXISTS when `to` exists (RENAME_NOREPLACE, or link + unlink).
mr_code mr_file_rename(const char *from, const char *to, mr_cx *cx);
// Renames over an existing file.
mr_code mr_file_replace(const char *from, const char *to, mr_cx *cx);
// Two files or folders change names, at once.  errors  MR_E_UNSUPPORTED where the file system
// cannot
mr_code mr_file_exchange(const char *a, const char *b, mr_cx *cx);
// One more name for a file's bytes.  errors  MR_E_EXISTS; MR_E_UNSUPPORTED where the file system
// cannot
mr_code mr_file_link(const char *from, const char *to, mr_cx *cx);
mr_code mr_file_delete(const char *path, mr_cx *cx);  // MR_OK when absent.
// Writes data to `path` so that a crash leaves the old or the new content: temporary, sync, rename,
// dir sync. Of several that do so at once the last one's stays. A crash may leave `path`.….tmp.
mr_code mr_file_save(const char *path, mr_span data, mr_cx *cx);
// The same for a file that only its owner may read, unless there is one: of several that make it at
// once the first one's stays, and all get MR_OK.
mr_code mr_file_save_first(const char *path, mr_span data, mr_cx *cx);

// All of a file system at once: when files with new bytes are many, one sync of all is much faster
// than one of each. Opened early, so that no failure of a page's writing is missed.
typedef struct mr_disk {
    int handle;  // -1 = closed.
    char *path;  // Heap, for messages.
} mr_disk;

#define MR_DISK_CLOSED ((mr_disk){.handle = -1})

mr_code mr_disk_open(mr_disk *disk, const char *path, mr_cx *cx);  // A folder on it.
// Files and folders.  errors  MR_E_IO with MR_FATAL: sync each file to know which it was;
// MR_E_UNSUPPORTED where failures would not be told
mr_code mr_disk_sync(mr_disk *disk, mr_cx *cx);
void mr_disk_close(mr_disk *disk, mr_plat *plat);  // Takes a closed one.

mr_code mr_dir_make(const char *path,
                    mr_cx *cx);  // With parents; each new entry's parent is synced.
// The same, not synced: for what is of no use after a power cut.
mr_code mr_dir_make_loose(const char *path, mr_cx *cx);
mr_code mr_dir_sync(const char *path, mr_cx *cx);  // Entries of the folder are durable.
// The same for the folder and all above it, as far as they are there and may be read.
// For a start: a process that was killed may have made a folder and not yet synced its parent.
mr_code mr_dir_settle(const char *path, mr_cx *cx);
typedef struct mr_dir_entry {
    const char *name;
    bool is_dir;
} mr_dir_entry;
// Entries without "." and "..", sorted by name, in cx->arena.
mr_code mr_dir_list(const char *path, mr_dir_entry **ret, size_t *ret_count, mr_cx *cx);
mr_code mr_dir_delete(const char *path, mr_cx *cx);  // The folder and all below; MR_OK when absent.

// The folder, unless something is in it or there is no folder: then MR_OK too, nothing is changed.
mr_code mr_dir_delete_empty(const char *path, mr_cx *cx);

// The folder that holds path, in the arena: "a" for "a/b", "." for "b", "/" for "/b".
const char *mr_plat_parent(const char *path, mr_arena *arena);

// An exclusive lock on a file (made when absent), freed when the process ends. The holder's process
// id and command are written into it. errors  MR_E_LOCKED, naming the holder
typedef struct mr_lock {
    int handle;
} mr_lock;
mr_code mr_lock_take(mr_lock *lock, const char *path, mr_cx *cx);
void mr_lock_release(mr_lock *lock, mr_plat *plat);

int64_t mr_clock_real_us(mr_plat *plat);       // Wall clock, UTC; may step.
int64_t mr_clock_monotonic_us(mr_plat *plat);  // For timers and durations.
int64_t mr_clock_monotonic_ns(mr_plat *plat);  // The same clock, for what takes microseconds.
void mr_clock_sleep_us(mr_plat *plat, int64_t us);
uint64_t mr_random_u64(mr_plat *plat);

mr_plat *mr_plat_linux(void);  // The real one; a constant.

// Standard streams, for cli and the console sink. The simulator collects what is written.
typedef enum mr_stream { MR_STDOUT = 1, MR_STDERR = 2 } mr_stream;
mr_code mr_stream_write(mr_stream stream, mr_span data, mr_cx *cx);
// Reads what standard input has, at most bytes. *ret_bytes is MR_STREAM_END at its end, and 0 when
// nothing came within timeout_us.
#define MR_STREAM_END SIZE_MAX
mr_code mr_stream_read(void *data, size_t bytes, int64_t timeout_us, size_t *ret_bytes, mr_cx *cx);

// Whether a person looks at it.
bool mr_stream_is_terminal(mr_stream stream);
// The process's working directory, which relative paths start from. Not in the simulator.
mr_code mr_dir_change(const char *path, mr_cx *cx);
const char *mr_dir_current(mr_cx *cx);

// Process resources for metrics: CPU microseconds (user + system) and peak resident bytes.
typedef struct mr_usage {
    int64_t cpu_us;
    uint64_t resident_bytes;
    uint64_t resident_bytes_max;
} mr_usage;
void mr_plat_usage(mr_plat *plat, mr_usage *ret);
uint32_t mr_plat_cores(mr_plat *plat);
// How many files and sockets may be open, after raising the limit as far as the system allows.
uint64_t mr_plat_files_max(mr_plat *plat);
const char *mr_plat_env(mr_plat *plat, const char *name);  // NULL when unset.
// "NAME=value", one after the other from 0; NULL behind the last. The simulator tells none.
const char *mr_plat_env_at(mr_plat *plat, size_t index);

// A named crash point: the process dies here at once (kill -9 / power cut) when MILLRACE_CRASH
// names it as "point" or "point:n" (n-th time); in the simulator, when the schedule says so: then
// MR_E_CRASH returns and every later call fails until the simulated restart.
mr_code mr_crash_point(const char *name, mr_cx *cx);
