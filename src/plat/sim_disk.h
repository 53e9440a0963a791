// Sim disk: files and folders as they are now and as a power cut would leave them; see sim.h.
//
// All calls give 0 or more, or minus an errno. A file is named by its inode number, from open on.

#pragma once

#include "plat/plat_ops.h"

// SplitMix64: small, and good enough to choose faults.
typedef struct mr_sim_random {
    uint64_t state;
} mr_sim_random;

static inline uint64_t mr_sim_random_u64(mr_sim_random *random) {
    uint64_t x = random->state += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}
// 0 .. bound - 1.
static inline uint64_t mr_sim_random_below(mr_sim_random *random, uint64_t bound) {
    return mr_sim_random_u64(random) % bound;
}

typedef struct mr_sim_disk mr_sim_disk;

mr_sim_disk *mr_sim_disk_new(void);
void mr_sim_disk_free(mr_sim_disk *disk);

int mr_sim_disk_open(mr_sim_disk *disk, const char *path, mr_open_mode mode, int64_t now_us);
uint64_t mr_sim_disk_size(const mr_sim_disk *disk, int inode);
mr_span mr_sim_disk_bytes(const mr_sim_disk *disk, int inode);
void mr_sim_disk_write(mr_sim_disk *disk, int inode, uint64_t offset, mr_span data);
void mr_sim_disk_truncate(mr_sim_disk *disk, int inode, uint64_t bytes);
void mr_sim_disk_touch(mr_sim_disk *disk, int inode, int64_t now_us);
// False: a sync of all files had failed for this one, which is told once to who syncs it.
bool mr_sim_disk_sync(mr_sim_disk *disk, int inode);
// All files and folders. With random, some file with new bytes is dropped, which its next sync will
// tell, and the rest is written or stays dirty.
void mr_sim_disk_sync_all(mr_sim_disk *disk, mr_sim_random *random);
// What a failed sync does: what was to be written is never going to be, and nobody remembers.
void mr_sim_disk_drop(mr_sim_disk *disk, int inode);
// The kernel writes back a page on its own.
void mr_sim_disk_write_back(mr_sim_disk *disk, int inode, mr_sim_random *random);

int mr_sim_disk_find(const mr_sim_disk *disk, const char *path);  // Inode.
int mr_sim_disk_stat(const mr_sim_disk *disk, const char *path, mr_stat *ret);
int mr_sim_disk_rename(mr_sim_disk *disk, const char *from, const char *to, bool replace);
int mr_sim_disk_exchange(mr_sim_disk *disk, const char *a, const char *b);
int mr_sim_disk_link(mr_sim_disk *disk, const char *from, const char *to);
int mr_sim_disk_unlink(mr_sim_disk *disk, const char *path);
int mr_sim_disk_dir_make(mr_sim_disk *disk, const char *path);
int mr_sim_disk_dir_remove(mr_sim_disk *disk, const char *path);
int mr_sim_disk_dir_sync(mr_sim_disk *disk, const char *path);
void mr_sim_disk_dir_drop(mr_sim_disk *disk, const char *path);  // As mr_sim_disk_drop.
int mr_sim_disk_dir_list(const mr_sim_disk *disk, const char *path, mr_plat_visit visit,
                         void *state);

// The power goes: what was not synced is kept, dropped or torn.
void mr_sim_disk_lose(mr_sim_disk *disk, mr_sim_random *random);
