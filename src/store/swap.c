// Swap: one folder of a table takes the place of another; see swap.h.

#include "store/swap.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "base/map.h"
#include "plat/plat.h"
#include "store/catalog.h"

#define RECORD_BYTES_MAX ((uint64_t)256 << 20)
#define SYNC_EACH_MAX    32  // Folders; more are synced with the whole file system.
#define LOCK_WAIT_US     ((int64_t)30 * 1000 * 1000)
#define LOCK_LOOK_US     ((int64_t)10 * 1000)

static const char *const state_words[] = {
    [MR_SWAP_NONE] = "none",
    [MR_SWAP_PENDING] = "pending",
    [MR_SWAP_DONE] = "done",
    [MR_SWAP_DROPPED] = "dropped",
};

// ---- the record ------------------------------------------------------------------------------

static void add_text(mr_text *out, const char *name, const char *value) {
    mr_text_addf(out, ",\n\"%s\":", name);
    mr_text_add_json(out, mr_span_of(value));
}

static void add_list(mr_text *out, const char *name, const char *const *items, uint32_t count) {
    mr_text_addf(out, ",\n\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        mr_text_add(out, i == 0 ? "" : ",\n");
        mr_text_add_json(out, mr_span_of(items[i]));
    }
    mr_text_add_char(out, ']');
}

mr_code mr_swap_save(const char *data_dir, const char *table, const mr_swap *swap, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_addf(&out, "{\"version\":%" PRIu64, swap->version);
    add_text(&out, "state", state_words[swap->state]);
    add_text(&out, "identity", swap->identity);
    add_text(&out, "live", swap->live);
    add_text(&out, "staged", swap->staged);
    add_text(&out, "area", swap->area);
    add_list(&out, "made", swap->made, swap->made_count);
    add_list(&out, "replaced", swap->replaced, swap->replaced_count);
    mr_text_addf(&out, ",\n\"result\":%.*s}\n", MR_SPAN_ARGS(swap->result));
    return mr_file_save(mr_catalog_path(data_dir, table, ".commit", cx->arena), mr_text_span(&out),
                        cx);
}

static void take_list(mr_span list, const char ***ret, uint32_t *ret_count, mr_arena *arena) {
    *ret = (const char **)(uintptr_t)mr_jsonvalue_texts(list, arena);
    for (*ret_count = 0; (*ret)[*ret_count] != NULL; ++*ret_count) {
    }
}

static bool take_all(mr_span all, mr_swap *ret, mr_arena *arena) {
    int64_t version;
    const char *state = mr_jsonvalue_text(mr_jsonvalue_get(all, "state"), arena);
    ret->identity = mr_jsonvalue_text(mr_jsonvalue_get(all, "identity"), arena);
    ret->live = mr_jsonvalue_text(mr_jsonvalue_get(all, "live"), arena);
    ret->staged = mr_jsonvalue_text(mr_jsonvalue_get(all, "staged"), arena);
    ret->area = mr_jsonvalue_text(mr_jsonvalue_get(all, "area"), arena);
    ret->result = mr_jsonvalue_get(all, "result");
    take_list(mr_jsonvalue_get(all, "made"), &ret->made, &ret->made_count, arena);
    take_list(mr_jsonvalue_get(all, "replaced"), &ret->replaced, &ret->replaced_count, arena);
    for (size_t i = 1; state != NULL && i < MR_COUNT(state_words); i++) {
        if (strcmp(state, state_words[i]) == 0) {
            ret->state = (mr_swap_state)i;
        }
    }
    if (!mr_text_parse_int64(mr_jsonvalue_get(all, "version"), &version) || version < 1) {
        return false;
    }
    ret->version = (uint64_t)version;
    return ret->state != MR_SWAP_NONE && ret->identity != NULL && ret->live != NULL &&
           ret->staged != NULL && ret->area != NULL && ret->result.bytes > 0;
}

mr_code mr_swap_load(const char *data_dir, const char *table, mr_swap *ret, mr_cx *cx) {
    *ret = (mr_swap){.state = MR_SWAP_NONE};
    const char *path = mr_catalog_path(data_dir, table, ".commit", cx->arena);
    mr_span text;
    mr_code code = mr_file_load(path, RECORD_BYTES_MAX, &text, cx);
    if (code == MR_E_MISSING) {
        return MR_OK;
    }
    MR_TRY(code);
    text = mr_jsonvalue_trim(text);
    mr_swap swap = {.state = MR_SWAP_NONE};
    if (text.bytes == 0 || text.data[0] != '{' || !mr_jsonvalue_check(text) ||
        !take_all(text, &swap, cx->arena)) {
        return mr_fail(cx, MR_E_CORRUPT,
                       "Restore it from a copy; or remove it, if no merge and no compaction of the "
                       "table was under way.",
                       "the table's commit \"%s\" cannot be read", path);
    }
    *ret = swap;
    return MR_OK;
}

mr_code mr_swap_mark(const char *data_dir, const char *table, mr_text *ret, mr_cx *cx) {
    mr_swap swap;
    MR_TRY(mr_swap_load(data_dir, table, &swap, cx));
    mr_stat stat = {.inode = 0};
    if (swap.state == MR_SWAP_PENDING) {
        mr_code code = mr_file_stat(swap.live, &stat, cx);
        MR_TRY(code == MR_E_MISSING ? MR_OK : code);
    }
    mr_text_addf(ret, "%" PRIu64 " %d %" PRIu64, swap.version, (int)swap.state, stat.inode);
    return MR_OK;
}

// ---- carrying --------------------------------------------------------------------------------

typedef struct carrying {
    const mr_swap *swap;
    mr_map replaced;  // By path relative to the folder.
    mr_map made;
    mr_map touched;   // Folders with entries that are not synced.
    uint64_t device;  // Of the area.
    bool hidden;      // Temporaries too.
    mr_cx *cx;
} carrying;

static const char *join(const char *folder, const char *name, mr_arena *arena) {
    return folder[0] == '\0' ? mr_arena_string(arena, name)
                             : mr_arena_printf(arena, "%s/%s", folder, name);
}

static void touch(carrying *c, const char *folder) {
    mr_map_put(&c->touched, mr_span_of(folder), (void *)(uintptr_t)folder);
}

// A link that is there must be to the file that is there now.
static mr_code link_again(carrying *c, const char *path, const char *target) {
    mr_stat now, then;
    mr_code code = mr_file_stat(path, &now, c->cx);
    MR_TRY(code == MR_OK ? mr_file_stat(target, &then, c->cx) : code);
    if (now.inode == then.inode) {
        return MR_E_EXISTS;
    }
    MR_TRY(mr_file_delete(target, c->cx));
    return mr_file_link(path, target, c->cx);
}

static mr_code link_one(carrying *c, const char *path, const char *target) {
    mr_code code = mr_file_link(path, target, c->cx);
    if (code == MR_E_EXISTS) {
        code = link_again(c, path, target);
    }
    // What is gone by now need not be carried.
    return code == MR_E_EXISTS || code == MR_E_MISSING ? MR_OK : code;
}

static mr_code make_folder(carrying *c, const char *path) {
    return mr_file_exists(path, c->cx) ? MR_OK : mr_dir_make_loose(path, c->cx);
}

// A folder that is mounted can neither be linked from nor be exchanged.
static mr_code check_device(const carrying *c, const char *folder) {
    mr_stat stat;
    mr_code code = mr_file_stat(folder, &stat, c->cx);
    if (code != MR_OK || stat.device == c->device) {
        return code == MR_E_MISSING ? MR_OK : code;
    }
    return mr_fail(c->cx, MR_E_UNSUPPORTED, "Keep all of a table on one file system.",
                   "folder \"%s\" is on another file system than its table, so its files cannot be "
                   "replaced; nothing was changed",
                   folder);
}

// Links what `from` has and `to` has not; rel is where both are.
static mr_code link_missing(carrying *c, const char *from, const char *to, const char *rel) {
    mr_arena *arena = c->cx->arena;
    mr_dir_entry *entries;
    size_t count;
    const char *source = rel[0] == '\0' ? from : join(from, rel, arena);
    MR_TRY(check_device(c, source));
    mr_code code = mr_dir_list(source, &entries, &count, c->cx);
    if (code != MR_OK) {
        return code == MR_E_MISSING ? MR_OK : code;
    }
    const char *folder = join(to, rel, arena);
    touch(c, folder);  // Also for links that are there: who made them may have died before a sync.
    for (size_t i = 0; i < count; i++) {
        const char *path = join(rel, entries[i].name, arena);
        const char *target = join(to, path, arena);
        if (!c->hidden && entries[i].name[0] == '.') {
            continue;
        }
        if (entries[i].is_dir) {
            MR_TRY(make_folder(c, target));
            MR_TRY(link_missing(c, from, to, path));
        } else if (mr_map_get(&c->replaced, mr_span_of(path)) == NULL &&
                   mr_map_get(&c->made, mr_span_of(path)) == NULL) {
            MR_TRY(link_one(c, join(from, path, arena), target));
        }
    }
    return MR_OK;
}

// Drops from the staged folder what was linked and is gone from the live one.
static mr_code drop_gone(carrying *c, const char *rel) {
    mr_arena *arena = c->cx->arena;
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(join(c->swap->staged, rel, arena), &entries, &count, c->cx));
    for (size_t i = 0; i < count; i++) {
        const char *path = join(rel, entries[i].name, arena);
        if (entries[i].is_dir) {
            MR_TRY(drop_gone(c, path));
        } else if (mr_map_get(&c->made, mr_span_of(path)) == NULL &&
                   !mr_file_exists(join(c->swap->live, path, arena), c->cx)) {
            MR_TRY(mr_file_delete(join(c->swap->staged, path, arena), c->cx));
            touch(c, join(c->swap->staged, rel, arena));
        }
    }
    return MR_OK;
}

static mr_code sync_touched(carrying *c) {
    if (c->touched.count > SYNC_EACH_MAX) {
        mr_disk disk = MR_DISK_CLOSED;
        MR_TRY(mr_disk_open(&disk, c->swap->area, c->cx));
        mr_code code = mr_disk_sync(&disk, c->cx);
        mr_disk_close(&disk, c->cx->plat);
        if (code != MR_E_UNSUPPORTED) {
            return code;
        }
    }
    for (uint32_t i = 0; i < c->touched.count; i++) {
        MR_TRY(mr_dir_sync(c->touched.entries[i].value, c->cx));
    }
    return MR_OK;
}

mr_code mr_swap_check(const mr_swap *swap, mr_cx *cx) {
    const char *dir = join(swap->area, "check", cx->arena);
    const char *one = join(dir, "1", cx->arena), *two = join(dir, "2", cx->arena);
    MR_TRY(mr_dir_make(swap->area, cx));
    MR_TRY(mr_dir_make_loose(one, cx));
    MR_TRY(mr_dir_make_loose(two, cx));
    mr_code code = mr_file_exchange(one, two, cx);
    if (code == MR_E_UNSUPPORTED) {
        return mr_fail(cx, code, "Keep the table on ext4, xfs, btrfs or tmpfs.",
                       "the file system of \"%s\" cannot exchange two folders, by which a table's "
                       "files are replaced; nothing was changed",
                       mr_plat_parent(swap->area, cx->arena));
    }
    MR_TRY(code);
    return mr_dir_delete(dir, cx);
}

static mr_code carrying_init(carrying *c, const mr_swap *swap, mr_cx *cx) {
    mr_stat area;
    MR_TRY(mr_file_stat(swap->area, &area, cx));
    *c = (carrying){.swap = swap, .cx = cx, .device = area.device};
    mr_map_init(&c->replaced, cx->arena);
    mr_map_init(&c->made, cx->arena);
    mr_map_init(&c->touched, cx->arena);
    for (uint32_t i = 0; i < swap->replaced_count; i++) {
        mr_map_put(&c->replaced, mr_span_of(swap->replaced[i]), c);
    }
    for (uint32_t i = 0; i < swap->made_count; i++) {
        mr_map_put(&c->made, mr_span_of(swap->made[i]), c);
    }
    return MR_OK;
}

mr_code mr_swap_carry(const mr_swap *swap, bool hidden, mr_cx *cx) {
    carrying c;
    if (!mr_file_exists(swap->staged, cx)) {
        MR_TRY(mr_dir_make(swap->staged, cx));
    }
    MR_TRY(carrying_init(&c, swap, cx));
    c.hidden = hidden;
    if (mr_file_exists(swap->live, cx)) {
        MR_TRY(link_missing(&c, swap->live, swap->staged, ""));
        MR_TRY(drop_gone(&c, ""));
    }
    return sync_touched(&c);
}

// ---- finishing -------------------------------------------------------------------------------

// Whether the folders were exchanged. One of the two lists has something in it.
static bool is_exchanged(const mr_swap *swap, mr_cx *cx) {
    if (swap->made_count > 0) {
        return mr_file_exists(join(swap->live, swap->made[0], cx->arena), cx);
    }
    return !mr_file_exists(join(swap->live, swap->replaced[0], cx->arena), cx);
}

static bool all_there(const mr_swap *swap, mr_cx *cx) {
    for (uint32_t i = 0; i < swap->replaced_count; i++) {
        if (!mr_file_exists(join(swap->live, swap->replaced[i], cx->arena), cx)) {
            return false;
        }
    }
    return true;
}

static mr_code exchange(const mr_swap *swap, mr_cx *cx) {
    MR_TRY(mr_swap_carry(swap, /* hidden= */ true, cx));
    MR_TRY(mr_crash_point("swap.carried", cx));
    if (mr_file_exists(swap->live, cx)) {
        MR_TRY(mr_file_exchange(swap->staged, swap->live, cx));
    } else {
        MR_TRY(mr_dir_make(mr_plat_parent(swap->live, cx->arena), cx));
        MR_TRY(mr_file_rename(swap->staged, swap->live, cx));
    }
    return mr_crash_point("swap.exchanged", cx);
}

// Behind the exchange: durable, and with what somebody else put into the old folder meanwhile.
static mr_code settle(const mr_swap *swap, mr_cx *cx) {
    const char *beside = mr_plat_parent(swap->staged, cx->arena);
    MR_TRY(mr_dir_sync(mr_plat_parent(swap->live, cx->arena), cx));
    MR_TRY(mr_file_exists(beside, cx) ? mr_dir_sync(beside, cx) : MR_OK);
    MR_TRY(mr_crash_point("swap.synced", cx));
    if (mr_file_exists(swap->staged, cx)) {
        carrying c;
        MR_TRY(carrying_init(&c, swap, cx));
        MR_TRY(link_missing(&c, swap->staged, swap->live, ""));
        MR_TRY(sync_touched(&c));
    }
    return MR_OK;
}

// Who stands for the writer is not always known: a pipeline may be about to become it. Two that
// finish one swap would exchange twice.
static mr_code lock_finishing(const char *data_dir, const char *table, mr_lock *ret, mr_cx *cx) {
    // No other file of the catalogue has this ending, whatever its table is called.
    const char *path = mr_catalog_path(data_dir, table, ".finishing", cx->arena);
    int64_t end = mr_clock_monotonic_us(cx->plat) + LOCK_WAIT_US;
    mr_code code = mr_lock_take(ret, path, cx);
    while (code == MR_E_LOCKED && !mr_cx_cancelled(cx) && mr_clock_monotonic_us(cx->plat) < end) {
        mr_clock_sleep_us(cx->plat, LOCK_LOOK_US);
        code = mr_lock_take(ret, path, cx);
    }
    return code == MR_E_LOCKED ? mr_error_flag(cx, code, MR_RETRY) : code;
}

// The caller holds the lock.
static mr_code finish_alone(const char *data_dir, const char *table, mr_swap *ret, mr_cx *cx) {
    MR_TRY(mr_swap_load(data_dir, table, ret, cx));
    if (ret->state != MR_SWAP_PENDING) {
        return MR_OK;
    }
    bool exchanged = is_exchanged(ret, cx);
    bool dropped = !exchanged && !all_there(ret, cx);
    if (!exchanged && !dropped) {
        MR_TRY(exchange(ret, cx));
    }
    if (!dropped) {
        MR_TRY(settle(ret, cx));
    }
    // Before the record: who reads that may make the next one, in the same place.
    MR_TRY(mr_dir_delete(ret->area, cx));
    MR_TRY(mr_dir_sync(mr_plat_parent(ret->area, cx->arena), cx));
    MR_TRY(mr_crash_point("swap.swept", cx));
    ret->state = dropped ? MR_SWAP_DROPPED : MR_SWAP_DONE;
    ret->made_count = 0;  // Nobody needs the lists any more, and every reader loads the record.
    ret->replaced_count = 0;
    MR_TRY(mr_swap_save(data_dir, table, ret, cx));
    return mr_crash_point("swap.done", cx);
}

mr_code mr_swap_finish(const char *data_dir, const char *table, mr_swap *ret, mr_cx *cx) {
    MR_TRY(mr_swap_load(data_dir, table, ret, cx));
    if (ret->state != MR_SWAP_PENDING) {
        return MR_OK;
    }
    mr_lock lock = {.handle = -1};
    MR_TRY(lock_finishing(data_dir, table, &lock, cx));
    mr_code code = finish_alone(data_dir, table, ret, cx);  // Looks again.
    mr_lock_release(&lock, cx->plat);
    return code;
}
