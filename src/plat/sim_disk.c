// Sim disk: an in-memory disk that knows what is durable; see sim_disk.h.
//
// Why so long: the rules of files, folders and power cuts rest on one set of structures.
//
// How: a file has its bytes now, its bytes kept, and a flag for each 512-byte sector that differs.
// A folder has its entries now and its entries kept; what leads from the one to the other are the
// disk's pending changes in the order they were made. A rename is one change of two folders, so it
// is atomic. A power cut decides for each file by sectors and for each folder by changes.
// Source: Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014 (what may be
// reordered); Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020.

#include "plat/sim_disk.h"

#include <string.h>

#define SECTOR_BYTES ((size_t)512)
#define ROOT         0

typedef struct disk_entry {
    char *name;  // Heap.
    int inode;
} disk_entry;

typedef struct disk_entries {
    disk_entry *items;
    size_t count;
} disk_entries;

typedef struct disk_inode {
    bool is_dir;
    bool failed;  // Dropped by a sync of all files, and not told yet.
    int64_t modified_us;
    mr_text now;  // A file's bytes.
    mr_text kept;
    mr_text dirty;  // One char a sector: 1 = differs from what is kept.
    disk_entries entries;
    disk_entries entries_kept;
} disk_inode;

// Folder `to` gets name `to_name` for the inode; folder `from` loses `from_name`, or, in an
// exchange, gets it for the other inode. Either folder may be -1.
typedef struct disk_change {
    int inode;
    int other;  // -1 = no exchange.
    int from;
    int to;
    char *from_name;
    char *to_name;
} disk_change;

struct mr_sim_disk {
    disk_inode **inodes;
    size_t inode_count;
    disk_change *changes;  // Not durable yet.
    size_t change_count;
};

// ---- entries -----------------------------------------------------------------------------------

static char *copy_name(mr_span name) {
    char *ret = mr_heap_raw(name.bytes + 1);
    memcpy(ret, name.data, name.bytes);
    ret[name.bytes] = '\0';
    return ret;
}

static int entries_find(const disk_entries *entries, mr_span name) {
    for (size_t i = 0; i < entries->count; i++) {
        if (mr_span_is(name, entries->items[i].name)) {
            return (int)i;
        }
    }
    return -1;
}

static void entries_put(disk_entries *entries, const char *name, int inode) {
    int at = entries_find(entries, mr_span_of(name));
    if (at >= 0) {
        entries->items[at].inode = inode;
        return;
    }
    entries->items = mr_heap_resize(entries->items, (entries->count + 1) * sizeof(*entries->items));
    entries->items[entries->count++] = (disk_entry){copy_name(mr_span_of(name)), inode};
}

// Removes the name if it still means this inode.
static void entries_remove(disk_entries *entries, const char *name, int inode) {
    int at = entries_find(entries, mr_span_of(name));
    if (at >= 0 && entries->items[at].inode == inode) {
        mr_heap_free(entries->items[at].name);
        entries->items[at] = entries->items[--entries->count];
    }
}

static void entries_release(disk_entries *entries) {
    for (size_t i = 0; i < entries->count; i++) {
        mr_heap_free(entries->items[i].name);
    }
    mr_heap_free(entries->items);
    *entries = (disk_entries){.items = NULL};
}

// ---- changes -----------------------------------------------------------------------------------

static void change_apply(mr_sim_disk *disk, const disk_change *change, bool kept) {
    if (change->from >= 0) {
        disk_inode *from = disk->inodes[change->from];
        disk_entries *entries = kept ? &from->entries_kept : &from->entries;
        if (change->other >= 0) {
            entries_put(entries, change->from_name, change->other);
        } else {
            entries_remove(entries, change->from_name, change->inode);
        }
    }
    if (change->to >= 0) {
        disk_inode *to = disk->inodes[change->to];
        entries_put(kept ? &to->entries_kept : &to->entries, change->to_name, change->inode);
    }
}

static void change_release(disk_change *change) {
    mr_heap_free(change->from_name);
    mr_heap_free(change->to_name);
}

// A place in the tree: the folder and the last name of a path, and the inode there or -1.
typedef struct disk_place {
    int dir;
    mr_span name;
    int inode;
} disk_place;

static void change_push(mr_sim_disk *disk, const disk_change *change) {
    change_apply(disk, change, /* kept= */ false);
    disk->changes =
        mr_heap_resize(disk->changes, (disk->change_count + 1) * sizeof(*disk->changes));
    disk->changes[disk->change_count++] = *change;
}

static void change_add(mr_sim_disk *disk, int inode, const disk_place *from, const disk_place *to) {
    disk_change change = {
        .inode = inode,
        .other = -1,
        .from = from == NULL ? -1 : from->dir,
        .to = to == NULL ? -1 : to->dir,
        .from_name = from == NULL ? NULL : copy_name(from->name),
        .to_name = to == NULL ? NULL : copy_name(to->name),
    };
    change_push(disk, &change);
}

// Ends what is pending in a folder: it becomes durable, or it never will be.
static void dir_settle(mr_sim_disk *disk, int dir, bool durable) {
    size_t left = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        disk_change *change = &disk->changes[i];
        if (change->from != dir && change->to != dir) {
            disk->changes[left++] = *change;
            continue;
        }
        if (durable) {
            change_apply(disk, change, /* kept= */ true);
        }
        change_release(change);
    }
    disk->change_count = left;
}

// ---- paths -------------------------------------------------------------------------------------

static int inode_new(mr_sim_disk *disk, bool is_dir) {
    disk_inode *inode = mr_heap_alloc(sizeof(*inode));
    inode->is_dir = is_dir;
    disk->inodes = mr_heap_resize(disk->inodes, (disk->inode_count + 1) * sizeof(disk_inode *));
    disk->inodes[disk->inode_count] = inode;
    return (int)disk->inode_count++;
}

// Walks to the folder of the path's last name. The working directory is the root.
static int walk(const mr_sim_disk *disk, const char *path, disk_place *ret) {
    *ret = (disk_place){.dir = ROOT, .inode = ROOT};
    for (const char *at = path; *at != '\0';) {
        mr_span name = {at, strcspn(at, "/")};
        at += name.bytes;
        at += strspn(at, "/");
        if (name.bytes == 0 || mr_span_is(name, ".")) {
            continue;
        }
        if (mr_span_is(name, "..")) {
            return -EINVAL;  // Nothing in the program needs it.
        }
        if (name.bytes > 255) {
            return -ENAMETOOLONG;
        }
        if (ret->inode < 0) {
            return -ENOENT;
        }
        if (!disk->inodes[ret->inode]->is_dir) {
            return -ENOTDIR;
        }
        int dir = ret->inode;
        int found = entries_find(&disk->inodes[dir]->entries, name);
        *ret =
            (disk_place){dir, name, found < 0 ? -1 : disk->inodes[dir]->entries.items[found].inode};
    }
    return path[0] == '\0' ? -ENOENT : 0;
}

int mr_sim_disk_find(const mr_sim_disk *disk, const char *path) {
    disk_place place;
    int error = walk(disk, path, &place);
    return error != 0 ? error : place.inode < 0 ? -ENOENT : place.inode;
}

// ---- files -------------------------------------------------------------------------------------

static disk_inode *file_of(const mr_sim_disk *disk, int inode) {
    mr_assert(inode >= 0 && (size_t)inode < disk->inode_count && !disk->inodes[inode]->is_dir);
    return disk->inodes[inode];
}

int mr_sim_disk_open(mr_sim_disk *disk, const char *path, mr_open_mode mode, int64_t now_us) {
    disk_place place;
    bool creates = mode == MR_OPEN_CREATE || mode == MR_OPEN_PRIVATE;
    int error = walk(disk, path, &place);
    if (error != 0) {
        return error;
    }
    if (place.inode >= 0 && disk->inodes[place.inode]->is_dir) {
        return creates ? -EEXIST : -EISDIR;
    }
    if (place.inode < 0) {
        if (mode == MR_OPEN_READ) {
            return -ENOENT;
        }
        int inode = inode_new(disk, /* is_dir= */ false);
        disk->inodes[inode]->modified_us = now_us;
        change_add(disk, inode, NULL, &place);
        return inode;
    }
    if (creates) {
        return -EEXIST;
    }
    if (mode == MR_OPEN_TRUNCATE) {
        mr_sim_disk_truncate(disk, place.inode, 0);
        disk->inodes[place.inode]->modified_us = now_us;
    }
    return place.inode;
}

uint64_t mr_sim_disk_size(const mr_sim_disk *disk, int inode) {
    return file_of(disk, inode)->now.bytes;
}

mr_span mr_sim_disk_bytes(const mr_sim_disk *disk, int inode) {
    return mr_text_span(&file_of(disk, inode)->now);
}

void mr_sim_disk_touch(mr_sim_disk *disk, int inode, int64_t now_us) {
    file_of(disk, inode)->modified_us = now_us;
}

// Grows with zeros or cuts.
static void text_resize(mr_text *text, size_t bytes) {
    if (bytes > text->bytes) {
        size_t more = bytes - text->bytes;
        memset(mr_text_grow(text, more), 0, more);
    } else if (text->data != NULL) {
        text->bytes = bytes;
        text->data[bytes] = '\0';
    }
}

static void mark_dirty(disk_inode *file, size_t from, size_t to) {
    if (from >= to) {
        return;
    }
    size_t last = (to - 1) / SECTOR_BYTES;
    if (file->dirty.bytes <= last) {
        text_resize(&file->dirty, last + 1);
    }
    memset(file->dirty.data + from / SECTOR_BYTES, 1, last - from / SECTOR_BYTES + 1);
}

void mr_sim_disk_write(mr_sim_disk *disk, int inode, uint64_t offset, mr_span data) {
    disk_inode *file = file_of(disk, inode);
    if (data.bytes == 0) {
        return;
    }
    size_t from = MR_MIN((size_t)offset, file->now.bytes), to = (size_t)offset + data.bytes;
    if (to > file->now.bytes) {
        text_resize(&file->now, to);
    }
    memcpy(file->now.data + offset, data.data, data.bytes);
    mark_dirty(file, from, to);
}

void mr_sim_disk_truncate(mr_sim_disk *disk, int inode, uint64_t bytes) {
    disk_inode *file = file_of(disk, inode);
    size_t before = file->now.bytes, after = (size_t)bytes;
    text_resize(&file->now, after);
    mark_dirty(file, MR_MIN(before, after), MR_MAX(before, after));
}

void mr_sim_disk_drop(mr_sim_disk *disk, int inode) {
    mr_text *dirty = &file_of(disk, inode)->dirty;
    mr_text_clear(dirty);
}

bool mr_sim_disk_sync(mr_sim_disk *disk, int inode) {
    disk_inode *file = file_of(disk, inode);
    bool failed = file->failed;
    file->failed = false;
    // Dirty sectors only: one that a failed sync dropped stays lost, though the size is written.
    text_resize(&file->kept, file->now.bytes);
    for (size_t s = 0; s < file->dirty.bytes; s++) {
        size_t at = s * SECTOR_BYTES;
        if (file->dirty.data[s] != 0 && at < file->now.bytes) {
            memcpy(file->kept.data + at, file->now.data + at,
                   MR_MIN(SECTOR_BYTES, file->now.bytes - at));
        }
    }
    mr_text_clear(&file->dirty);
    return !failed;
}

static bool file_is_dirty(const disk_inode *file) {
    return !file->is_dir && file->dirty.bytes > 0;
}

void mr_sim_disk_sync_all(mr_sim_disk *disk, mr_sim_random *random) {
    bool struck = false;
    for (size_t i = 0; i < disk->inode_count; i++) {
        disk_inode *file = disk->inodes[i];
        if (!file_is_dirty(file)) {
            continue;
        }
        uint64_t luck = random == NULL ? 1 : mr_sim_random_below(random, 3);
        bool last = true;
        for (size_t j = i + 1; j < disk->inode_count && last; j++) {
            last = !file_is_dirty(disk->inodes[j]);
        }
        if (luck == 0 || (random != NULL && !struck && last)) {
            mr_text_clear(&file->dirty);
            file->failed = struck = true;
        } else if (luck == 1) {
            bool failed_before = file->failed;
            (void)mr_sim_disk_sync(disk, (int)i);
            file->failed = failed_before;
        }
    }
    if (random != NULL) {
        return;
    }
    for (size_t i = 0; i < disk->change_count; i++) {
        change_apply(disk, &disk->changes[i], /* kept= */ true);
        change_release(&disk->changes[i]);
    }
    disk->change_count = 0;
}

// Puts one sector as it is now onto the disk.
static void keep_sector(disk_inode *file, mr_text *onto, size_t sector) {
    size_t at = sector * SECTOR_BYTES;
    if (at >= file->now.bytes) {
        return;
    }
    size_t end = MR_MIN(at + SECTOR_BYTES, file->now.bytes);
    if (onto->bytes < end) {
        text_resize(onto, end);
    }
    memcpy(onto->data + at, file->now.data + at, end - at);
}

void mr_sim_disk_write_back(mr_sim_disk *disk, int inode, mr_sim_random *random) {
    disk_inode *file = file_of(disk, inode);
    if (file->dirty.bytes == 0 || mr_sim_random_below(random, 8) != 0) {
        return;
    }
    size_t sector = (size_t)mr_sim_random_below(random, file->dirty.bytes);
    if (file->dirty.data[sector] != 0) {
        keep_sector(file, &file->kept, sector);  // Still dirty: harmless, and it may change again.
    }
}

// ---- folders -----------------------------------------------------------------------------------

int mr_sim_disk_stat(const mr_sim_disk *disk, const char *path, mr_stat *ret) {
    int found = mr_sim_disk_find(disk, path);
    if (found < 0) {
        return found;
    }
    const disk_inode *inode = disk->inodes[found];
    *ret = (mr_stat){
        .bytes = inode->is_dir ? 0 : inode->now.bytes,
        .modified_us = inode->modified_us,
        .inode = (uint64_t)found + 1,
        .is_dir = inode->is_dir,
    };
    return 0;
}

int mr_sim_disk_rename(mr_sim_disk *disk, const char *from, const char *to, bool replace) {
    disk_place source, target;
    int error = walk(disk, from, &source);
    if (error != 0 || source.inode < 0) {
        return error != 0 ? error : -ENOENT;
    }
    error = walk(disk, to, &target);
    if (error != 0) {
        return error;
    }
    if (target.inode >= 0) {
        if (!replace) {
            return -EEXIST;
        }
        if (target.inode == source.inode) {
            return 0;
        }
        bool source_dir = disk->inodes[source.inode]->is_dir;
        if (disk->inodes[target.inode]->is_dir != source_dir) {
            return source_dir ? -ENOTDIR : -EISDIR;
        }
        if (source_dir && disk->inodes[target.inode]->entries.count > 0) {
            return -ENOTEMPTY;
        }
    }
    change_add(disk, source.inode, &source, &target);
    return 0;
}

int mr_sim_disk_exchange(mr_sim_disk *disk, const char *a, const char *b) {
    disk_place first, second;
    int error = walk(disk, a, &first);
    error = error != 0 ? error : walk(disk, b, &second);
    if (error != 0 || first.inode < 0 || second.inode < 0) {
        return error != 0 ? error : -ENOENT;
    }
    disk_change change = {
        .inode = first.inode,
        .other = second.inode,
        .from = first.dir,
        .to = second.dir,
        .from_name = copy_name(first.name),
        .to_name = copy_name(second.name),
    };
    change_push(disk, &change);
    return 0;
}

int mr_sim_disk_link(mr_sim_disk *disk, const char *from, const char *to) {
    disk_place source, target;
    int error = walk(disk, from, &source);
    error = error != 0 ? error : walk(disk, to, &target);
    if (error != 0 || source.inode < 0) {
        return error != 0 ? error : -ENOENT;
    }
    if (target.inode >= 0 || disk->inodes[source.inode]->is_dir) {
        return target.inode >= 0 ? -EEXIST : -EPERM;
    }
    change_add(disk, source.inode, NULL, &target);
    return 0;
}

int mr_sim_disk_unlink(mr_sim_disk *disk, const char *path) {
    disk_place place;
    int error = walk(disk, path, &place);
    if (error != 0 || place.inode < 0) {
        return error != 0 ? error : -ENOENT;
    }
    if (disk->inodes[place.inode]->is_dir) {
        return -EISDIR;
    }
    change_add(disk, place.inode, &place, NULL);
    return 0;
}

int mr_sim_disk_dir_make(mr_sim_disk *disk, const char *path) {
    disk_place place;
    int error = walk(disk, path, &place);
    if (error != 0 || place.inode >= 0) {
        return error != 0 ? error : -EEXIST;
    }
    change_add(disk, inode_new(disk, /* is_dir= */ true), NULL, &place);
    return 0;
}

int mr_sim_disk_dir_remove(mr_sim_disk *disk, const char *path) {
    disk_place place;
    int error = walk(disk, path, &place);
    if (error != 0 || place.inode < 0) {
        return error != 0 ? error : -ENOENT;
    }
    if (!disk->inodes[place.inode]->is_dir) {
        return -ENOTDIR;
    }
    if (disk->inodes[place.inode]->entries.count > 0 || place.inode == ROOT) {
        return place.inode == ROOT ? -EBUSY : -ENOTEMPTY;
    }
    change_add(disk, place.inode, &place, NULL);
    return 0;
}

static int dir_sync(mr_sim_disk *disk, const char *path, bool durable) {
    int dir = mr_sim_disk_find(disk, path);
    if (dir < 0) {
        return dir;
    }
    if (!disk->inodes[dir]->is_dir) {
        return -ENOTDIR;
    }
    dir_settle(disk, dir, durable);
    return 0;
}

int mr_sim_disk_dir_sync(mr_sim_disk *disk, const char *path) {
    return dir_sync(disk, path, /* durable= */ true);
}

void mr_sim_disk_dir_drop(mr_sim_disk *disk, const char *path) {
    (void)dir_sync(disk, path, /* durable= */ false);
}

int mr_sim_disk_dir_list(const mr_sim_disk *disk, const char *path, mr_plat_visit visit,
                         void *state) {
    int dir = mr_sim_disk_find(disk, path);
    if (dir < 0 || !disk->inodes[dir]->is_dir) {
        return dir < 0 ? dir : -ENOTDIR;
    }
    const disk_entries *entries = &disk->inodes[dir]->entries;
    for (size_t i = 0; i < entries->count; i++) {
        visit(state, entries->items[i].name, disk->inodes[entries->items[i].inode]->is_dir);
    }
    return 0;
}

// ---- power -------------------------------------------------------------------------------------

// Which of `count` things in order survive: none, all, the first few, or each by itself.
typedef enum survival_kind { SURVIVE_NONE, SURVIVE_ALL, SURVIVE_FIRST, SURVIVE_ANY } survival_kind;

typedef struct disk_survival {
    survival_kind kind;
    size_t first;
} disk_survival;

static disk_survival survival_choose(size_t count, mr_sim_random *random) {
    disk_survival ret = {.kind = (survival_kind)mr_sim_random_below(random, 4)};
    ret.first = (size_t)mr_sim_random_below(random, count + 1);
    return ret;
}

static bool survives(const disk_survival *how, size_t index, mr_sim_random *random) {
    switch (how->kind) {
    case SURVIVE_NONE: return false;
    case SURVIVE_ALL: return true;
    case SURVIVE_FIRST: return index < how->first;
    case SURVIVE_ANY: return mr_sim_random_below(random, 2) == 0;
    }
    return false;
}

static void file_lose(disk_inode *file, mr_sim_random *random) {
    size_t now = file->now.bytes, kept = file->kept.bytes;
    if (file->dirty.bytes > 0) {
        disk_survival how = survival_choose(file->dirty.bytes, random);
        size_t seen = 0;
        for (size_t s = 0; s < file->dirty.bytes; s++) {
            if (file->dirty.data[s] != 0 && survives(&how, seen++, random)) {
                keep_sector(file, &file->kept, s);
            }
        }
        // The size is written apart from the data: the new one may stand over zeros, or the old one
        // over data that is there. Not when all was dropped, or there would be no such case.
        if (how.kind == SURVIVE_ALL || (how.kind == SURVIVE_ANY && now > kept)) {
            size_t bytes = how.kind == SURVIVE_ALL || mr_sim_random_below(random, 2) == 0
                               ? now
                               : kept + (size_t)mr_sim_random_below(random, now - kept + 1);
            text_resize(&file->kept, bytes);
        } else if (now < kept && mr_sim_random_below(random, 2) == 0) {
            text_resize(&file->kept, now);
        }
    }
    file->failed = false;
    mr_text_clear(&file->dirty);
    mr_text_clear(&file->now);
    mr_text_add_bytes(&file->now, file->kept.data, file->kept.bytes);
}

void mr_sim_disk_lose(mr_sim_disk *disk, mr_sim_random *random) {
    // A change belongs to the folder that loses the name, or gains it when none does.
    disk_survival *how = mr_heap_alloc(disk->inode_count * sizeof(*how));
    size_t *seen = mr_heap_alloc(disk->inode_count * sizeof(*seen));
    for (size_t i = 0; i < disk->change_count; i++) {
        seen[disk->changes[i].from >= 0 ? disk->changes[i].from : disk->changes[i].to]++;
    }
    for (size_t i = 0; i < disk->inode_count; i++) {
        if (seen[i] > 0) {
            how[i] = survival_choose(seen[i], random);
            seen[i] = 0;
        }
    }
    for (size_t i = 0; i < disk->change_count; i++) {
        disk_change *change = &disk->changes[i];
        int dir = change->from >= 0 ? change->from : change->to;
        if (survives(&how[dir], seen[dir]++, random)) {
            change_apply(disk, change, /* kept= */ true);
        }
        change_release(change);
    }
    disk->change_count = 0;
    mr_heap_free(how);
    mr_heap_free(seen);
    for (size_t i = 0; i < disk->inode_count; i++) {
        disk_inode *inode = disk->inodes[i];
        if (!inode->is_dir) {
            file_lose(inode, random);
            continue;
        }
        entries_release(&inode->entries);
        for (size_t e = 0; e < inode->entries_kept.count; e++) {
            entries_put(&inode->entries, inode->entries_kept.items[e].name,
                        inode->entries_kept.items[e].inode);
        }
    }
}

// ---- life --------------------------------------------------------------------------------------

mr_sim_disk *mr_sim_disk_new(void) {
    mr_sim_disk *disk = mr_heap_alloc(sizeof(*disk));
    int root = inode_new(disk, /* is_dir= */ true);
    mr_assert(root == ROOT);
    return disk;
}

void mr_sim_disk_free(mr_sim_disk *disk) {
    for (size_t i = 0; i < disk->inode_count; i++) {
        disk_inode *inode = disk->inodes[i];
        mr_text_release(&inode->now);
        mr_text_release(&inode->kept);
        mr_text_release(&inode->dirty);
        entries_release(&inode->entries);
        entries_release(&inode->entries_kept);
        mr_heap_free(inode);
    }
    for (size_t i = 0; i < disk->change_count; i++) {
        change_release(&disk->changes[i]);
    }
    mr_heap_free(disk->changes);
    mr_heap_free(disk->inodes);
    mr_heap_free(disk);
}
