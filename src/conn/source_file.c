// Source "file": JSON lines from a file, from the files of a folder, or from standard input.
//
// Why ranges: a plain file is claimed in ranges of bytes, [first, next), and a range holds the
// lines that START in it. So nothing has to be read to claim, workers read different ranges at the
// same time straight into the buffer they decode, and no byte is copied. A position is any byte
// offset: it means "the lines that start here or behind". Compressed files and standard input are
// expanded in order by `claim` (conn/lines.c) and decoded in parallel; their position is the offset
// of the expanded bytes.
//
// Growth: with until = stopped a plain file is followed; a line counts when its end is there. Else
// the size at the start is the end, and a last line without an end counts. A folder's files are one
// lane. A file that shrinks or becomes another one stops the pipeline: its rows cannot be told
// apart. Threads: claim, refresh, start, seek under the driver's mutex; readers share nothing but
// claims.

#include "conn/source_file.h"

#include <inttypes.h>
#include <string.h>

#define FILE_CHUNK_BYTES_MAX ((uint64_t)8 << 20)
#define FILE_CHUNK_LEAST     ((uint64_t)96 << 10)  // Of a chunk whose size is not given.
#define FILE_CHUNK_MOST      ((uint64_t)512 << 10)
#define FILE_CHUNK_ROWS      512
#define FILE_POLL_US         50000
#define FILE_POLL_US_MAX     5000000

static const mr_option file_options[] = {
    MR_OPTION(source_file, path, MR_OPT_PATH, MR_REQUIRED,
              "A file, a folder whose files are read in order of name, or - for standard input."),
    MR_OPTION_CHOICE(source_file, format, "json|csv", "json", "What a line holds."),
    MR_OPTION_CHOICE(source_file, compression, "auto|none|gzip|zstd", "auto",
                     "How the files are compressed; auto looks at their first bytes."),
    MR_OPTION_CHOICE(source_file, missing, "error|ignore", "error",
                     "What a restart does when a file that it knows is gone from the folder."),
    MR_OPTION(source_file, max_rows_per_trigger, MR_OPT_INT, "0",
              "Lines taken in one epoch, at most (of compressed files: about); 0 = no limit."),
    MR_OPTION(source_file, max_rate_per_partition, MR_OPT_INT, "0",
              "Lines taken from a file in a second, at most; 0 = no limit."),
    MR_OPTION(source_file, max_record_bytes, MR_OPT_BYTES, "16MiB",
              "A longer line is a bad record."),
    MR_OPTION_END,
};

static bool file_followed(const source_file *s) {
    return s->base.spec.until == MR_UNTIL_STOPPED;
}

// ---- finding files ---------------------------------------------------------------------------

static mr_code detect_codec(const source_file *s, file_part *part, mr_cx *cx) {
    part->codec = MR_COMPRESS_NONE;
    if (strcmp(s->compression, "gzip") == 0) {
        part->codec = MR_COMPRESS_GZIP;
    } else if (strcmp(s->compression, "zstd") == 0) {
        part->codec = MR_COMPRESS_ZSTD;
    } else if (strcmp(s->compression, "auto") == 0 && !s->is_stdin) {
        mr_file file = MR_FILE_CLOSED;
        unsigned char start[4];
        size_t got;
        MR_TRY(mr_file_open(&file, part->path, MR_OPEN_READ, cx));
        mr_code code = mr_file_read(&file, 0, start, sizeof(start), &got, cx);
        mr_file_close(&file, cx->plat);
        MR_TRY(code);
        if (got >= 2 && start[0] == 0x1F && start[1] == 0x8B) {
            part->codec = MR_COMPRESS_GZIP;
        } else if (got == 4 && memcmp(start, "\x28\xB5\x2F\xFD", 4) == 0) {
            part->codec = MR_COMPRESS_ZSTD;
        }
    }
    part->in_order = s->is_stdin || part->codec != MR_COMPRESS_NONE;
    return MR_OK;
}

static mr_code add_part(source_file *s, const char *path, mr_cx *cx) {
    mr_source *base = &s->base;
    file_part *part = MR_NEW(&base->arena, file_part);
    part->path = mr_arena_string(&base->arena, path);
    part->number = base->partition_count;
    if (!s->is_stdin) {
        mr_stat stat;
        MR_TRY(mr_file_stat(path, &stat, cx));
        part->inode = stat.inode;
        part->modified_us = stat.modified_us;
    } else {
        part->modified_us = mr_clock_real_us(cx->plat);
    }
    MR_TRY(detect_codec(s, part, cx));
    if (base->partition_count == s->part_capacity) {
        s->part_capacity = MR_MAX(8u, s->part_capacity * 2);
        s->parts = mr_heap_resize(s->parts, sizeof(*s->parts) * s->part_capacity);
        base->partitions =
            mr_heap_resize(base->partitions, sizeof(*base->partitions) * s->part_capacity);
    }
    s->parts[base->partition_count] = part;
    base->partitions[base->partition_count++] = (mr_partition){
        .name = part->path,
        .topic = part->path,
        .number = mr_i32(part->number),
        .lane = 0,
        .end = INT64_MAX,
    };
    return MR_OK;
}

static bool known_path(const source_file *s, const char *path) {
    for (uint32_t i = 0; i < s->base.partition_count; i++) {
        if (strcmp(s->parts[i]->path, path) == 0) {
            return true;
        }
    }
    return false;
}

static bool wanted_name(const char *name) {
    return name[0] != '.' && name[0] != '_' && !mr_span_ends(mr_span_of(name), ".tmp");
}

// Adds the files of the folder that are not known yet, in order of name.
static mr_code scan_folder(source_file *s, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(s->path, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].is_dir || !wanted_name(entries[i].name)) {
            continue;
        }
        const char *path = mr_arena_printf(cx->arena, "%s/%s", s->path, entries[i].name);
        if (known_path(s, path)) {
            continue;
        }
        mr_code code = add_part(s, path, cx);
        if (code != MR_OK && code != MR_E_MISSING) {  // It went away since the listing.
            return code;
        }
    }
    return MR_OK;
}

static mr_code file_open(mr_source *base, const mr_source_spec *spec, mr_cx *cx) {
    source_file *s = (source_file *)base;
    base->spec = *spec;
    s->plat = cx->plat;
    mr_mutex_init(&s->mutex);
    s->pool = mr_pool_new();
    MR_TRY(mr_conn_options(file_options, spec->options, s, &base->arena, cx));
    if (strcmp(s->format, "json") != 0) {
        return mr_fail_at(cx, MR_E_UNSUPPORTED, mr_conn_place(spec->options, "format"),
                          "Write format 'json': one object a line.",
                          "a file source cannot read format \"%s\"", s->format);
    }
    MR_TRY(mr_pace_check(s->max_rows_per_trigger, s->max_rate_per_partition, spec->options, cx));
    MR_TRY(mr_intake_check(spec, cx));
    s->chunk_bytes = MR_MIN(spec->chunk_bytes, FILE_CHUNK_BYTES_MAX);
    s->is_stdin = strcmp(s->path, "-") == 0;
    if (s->is_stdin) {
        return add_part(s, "-", cx);
    }
    mr_stat stat;
    if (mr_file_stat(s->path, &stat, cx) == MR_E_MISSING) {
        return mr_fail_at(cx, MR_E_MISSING, mr_conn_place(spec->options, "path"),
                          s->path[0] == '/' ? "Is the path right?"
                                            : mr_arena_printf(cx->arena,
                                                              "Relative paths start in the "
                                                              "project's folder, \"%s\".",
                                                              mr_dir_current(cx)),
                          "no file or folder \"%s\"", s->path);
    }
    MR_TRY(mr_file_stat(s->path, &stat, cx));
    s->is_dir = stat.is_dir;
    return s->is_dir ? scan_folder(s, cx) : add_part(s, s->path, cx);
}

// ---- how far a plain file goes ---------------------------------------------------------------

mr_code mr_source_file_changed(const file_part *part, const char *how, mr_cx *cx) {
    return mr_fail(cx, MR_E_CORRUPT,
                   "A file that is being read may only grow. Put it back, or start with --fresh.",
                   "file \"%s\" %s while it was read", part->path, how);
}

// The offset behind the last line end in [from, bytes); from when there is none.
static mr_code last_line_end(const file_part *part, uint64_t from, uint64_t bytes, uint64_t *ret,
                             mr_cx *cx) {
    char block[4096];
    mr_file file = MR_FILE_CLOSED;
    MR_TRY(mr_file_open(&file, part->path, MR_OPEN_READ, cx));
    mr_code code = MR_OK;
    uint64_t end = bytes;
    *ret = from;
    while (code == MR_OK && end > from) {
        uint64_t start = end - MR_MIN(end - from, (uint64_t)sizeof(block));
        size_t got;
        code = mr_file_read(&file, start, block, (size_t)(end - start), &got, cx);
        const char *at = code == MR_OK ? memrchr(block, '\n', got) : NULL;
        if (at != NULL) {
            *ret = start + (uint64_t)(at - block) + 1;
            break;
        }
        end = start;
    }
    mr_file_close(&file, cx->plat);
    return code;
}

// Looks at a followed file again. Its lines up to part->bytes are whole.
static mr_code look(source_file *s, file_part *part, mr_partition *p, mr_cx *cx) {
    int64_t now_us = mr_clock_monotonic_us(cx->plat);
    if (now_us < part->look_us) {
        return MR_OK;
    }
    mr_stat stat;
    mr_code code = mr_file_stat(part->path, &stat, cx);
    if (code == MR_E_MISSING && s->is_dir && p->position == (int64_t)part->bytes) {
        p->finished = true;  // Taken away after it was read.
        p->closed = true;
        return MR_OK;
    }
    MR_TRY(code);
    if (stat.inode != part->inode) {
        return mr_source_file_changed(part, "was replaced", cx);
    }
    if (stat.bytes < part->bytes) {
        return mr_source_file_changed(part, "shrank", cx);
    }
    uint64_t before = part->bytes;
    if (stat.bytes > before) {
        MR_TRY(last_line_end(part, before, stat.bytes, &part->bytes, cx));
        part->modified_us = stat.modified_us;
    }
    if (part->bytes > before) {
        part->grown_us = now_us;
    }
    // A file that has been still for long is looked at less often.
    int64_t pause_us =
        MR_MIN(MR_MAX((now_us - part->grown_us) / 10, FILE_POLL_US), FILE_POLL_US_MAX);
    part->look_us = now_us + (part->bytes > before ? 0 : pause_us);
    return MR_OK;
}

// Sets the ends of a bounded run, or finds what is there of a followed one.
static mr_code bound_part(source_file *s, file_part *part, mr_partition *p, mr_cx *cx) {
    if (part->in_order) {
        return MR_OK;
    }
    mr_stat stat;
    MR_TRY(mr_file_stat(part->path, &stat, cx));
    if ((int64_t)stat.bytes < p->position) {
        return mr_fail(cx, MR_E_MISSING, "Put the file back as it was, or start with --fresh.",
                       "file \"%s\" holds %" PRIu64 " bytes, but was read up to byte %" PRId64,
                       part->path, stat.bytes, p->position);
    }
    if (file_followed(s)) {
        part->bytes = (uint64_t)p->position;
        return MR_OK;
    }
    part->bytes = stat.bytes;
    p->end = (int64_t)stat.bytes;
    p->finished = p->position >= p->end;
    p->closed = p->finished;
    return MR_OK;
}

static mr_code bound_all(source_file *s, uint32_t first, mr_cx *cx) {
    for (uint32_t i = first; i < s->base.partition_count; i++) {
        MR_TRY(bound_part(s, s->parts[i], &s->base.partitions[i], cx));
    }
    return MR_OK;
}

static mr_code file_start(mr_source *base, mr_cx *cx) {
    return bound_all((source_file *)base, 0, cx);
}

static mr_code missing_file(const source_file *s, const char *name, int64_t position, mr_cx *cx) {
    if (strcmp(s->missing, "ignore") == 0) {
        return MR_OK;
    }
    return mr_fail(cx, MR_E_MISSING,
                   "Put it back; or write missing 'ignore' when files are taken away once read.",
                   "file \"%s\" is gone; it was read up to byte %" PRId64, name, position);
}

// Known files come first and in the order they were read in, so that a replay reads the same
// sequence.
static mr_code file_seek(mr_source *base, const char *const *names, const int64_t *positions,
                         size_t count, mr_cx *cx) {
    source_file *s = (source_file *)base;
    uint32_t placed = 0;
    for (size_t n = 0; n < count; n++) {
        uint32_t i = placed;
        while (i < base->partition_count && strcmp(s->parts[i]->path, names[n]) != 0) {
            i++;
        }
        if (i == base->partition_count) {
            MR_TRY(missing_file(s, names[n], positions[n], cx));
            continue;
        }
        if (s->is_stdin && positions[n] != 0) {
            return mr_fail(cx, MR_E_UNSUPPORTED,
                           "Start with --fresh, or read from a file or a topic.",
                           "standard input cannot be read again from byte %" PRId64, positions[n]);
        }
        file_part *part = s->parts[i];
        mr_partition partition = base->partitions[i];
        memmove(&s->parts[placed + 1], &s->parts[placed], sizeof(*s->parts) * (i - placed));
        memmove(&base->partitions[placed + 1], &base->partitions[placed],
                sizeof(partition) * (i - placed));
        partition.position = positions[n];
        s->parts[placed] = part;
        base->partitions[placed++] = partition;
    }
    for (uint32_t i = 0; i < base->partition_count; i++) {
        s->parts[i]->number = i;
        base->partitions[i].number = mr_i32(i);
    }
    return bound_all(s, 0, cx);
}

static mr_code file_refresh(mr_source *base, mr_cx *cx) {
    source_file *s = (source_file *)base;
    s->rows_now = 0;
    if (!s->is_dir || !file_followed(s)) {
        return MR_OK;
    }
    uint32_t before = base->partition_count;
    MR_TRY(scan_folder(s, cx));
    return bound_all(s, before, cx);
}

// ---- claims ----------------------------------------------------------------------------------

static file_claim *claim_new(source_file *s, file_part *part) {
    mr_mutex_lock(&s->mutex);
    file_claim *claim = s->claims;
    while (claim != NULL && claim->taken) {
        claim = claim->next;
    }
    if (claim == NULL) {
        claim = MR_NEW(&s->base.arena, file_claim);
        claim->next = s->claims;
        s->claims = claim;
    }
    claim->taken = true;
    claim->chunk = (mr_lines_chunk){0};
    claim->part = part;
    claim->modified_us = part->modified_us;
    mr_mutex_unlock(&s->mutex);
    return claim;
}

void mr_source_file_done(source_file *s, file_claim *claim, uint64_t bytes, uint64_t rows) {
    mr_mutex_lock(&s->mutex);
    mr_assert(claim->taken);
    claim->taken = false;
    s->bytes_seen += bytes;
    s->rows_seen += rows;
    mr_mutex_unlock(&s->mutex);
}

static mr_code claim_in_order(source_file *s, uint32_t index, mr_claim *ret, bool *ret_taken,
                              mr_cx *cx) {
    file_part *part = s->parts[index];
    mr_partition *p = &s->base.partitions[index];
    *ret_taken = false;
    if (mr_source_file_pace_room(s, part, cx) == 0) {
        return MR_OK;
    }
    if (part->lines == NULL) {
        mr_lines_options options = {
            .path = part->path,
            .codec = part->codec,
            .chunk_bytes = s->chunk_bytes == 0 ? FILE_CHUNK_MOST : s->chunk_bytes,
            .record_bytes_max = s->max_record_bytes,
            .pool = s->pool,
        };
        MR_TRY(mr_lines_open(&options, &part->lines, cx));
        MR_TRY(mr_lines_seek(part->lines, p->position, cx));
    }
    mr_lines_chunk chunk;
    mr_lines_result result;
    MR_TRY(mr_lines_next(part->lines, &chunk, &result, cx));
    p->caught_up = result != MR_LINES_TAKEN;
    if (result == MR_LINES_END) {
        p->finished = true;
        p->closed = true;
        mr_lines_close(part->lines, cx->plat);
        part->lines = NULL;
    }
    *ret_taken = result == MR_LINES_TAKEN;
    if (*ret_taken) {
        file_claim *claim = claim_new(s, part);
        claim->chunk = chunk;
        mr_source_file_pace_count(s, part, (mr_span){chunk.hold->buffer, chunk.bytes});
        *ret = (mr_claim){index, chunk.offset_first, chunk.offset_next, claim};
        p->position = chunk.offset_next;
    }
    return MR_OK;
}

// How much is claimed at a time. The buffers of all chunks under way, and the columns made of them,
// should stay in a core's cache: else each byte that is read goes to memory and comes back. But a
// chunk of a few rows would cost more than it saves, so long lines get larger ones.
static uint64_t range_bytes(source_file *s) {
    if (s->chunk_bytes != 0) {
        return s->chunk_bytes;
    }
    mr_mutex_lock(&s->mutex);
    uint64_t wanted = FILE_CHUNK_ROWS * (s->bytes_seen / MR_MAX(s->rows_seen, (uint64_t)1));
    mr_mutex_unlock(&s->mutex);
    return MR_MIN(MR_MAX(wanted, FILE_CHUNK_LEAST), FILE_CHUNK_MOST);
}

static mr_code claim_range(source_file *s, uint32_t index, mr_claim *ret, bool *ret_taken,
                           mr_cx *cx) {
    file_part *part = s->parts[index];
    mr_partition *p = &s->base.partitions[index];
    *ret_taken = false;
    if (file_followed(s) && p->position == (int64_t)part->bytes) {
        MR_TRY(look(s, part, p, cx));
        p->caught_up = p->position == (int64_t)part->bytes;
    }
    uint64_t left = part->bytes - (uint64_t)p->position;
    if (left == 0) {
        return MR_OK;
    }
    int64_t next = p->position + (int64_t)MR_MIN(left, range_bytes(s));
    uint64_t room = mr_source_file_pace_room(s, part, cx);
    if (room == 0) {
        return MR_OK;
    }
    if (room < UINT64_MAX) {
        MR_TRY(mr_source_file_pace_cut(s, part, p->position, &next, room, cx));
    }
    file_claim *claim = claim_new(s, part);
    claim->limit = part->bytes;
    *ret = (mr_claim){index, p->position, next, claim};
    *ret_taken = true;
    p->position = next;
    p->finished = next >= p->end;
    p->closed = p->finished;
    return MR_OK;
}

static mr_code file_claim_next(mr_source *base, mr_claim *ret, mr_claim_result *ret_result,
                               mr_cx *cx) {
    source_file *s = (source_file *)base;
    bool open = s->is_dir && file_followed(s);
    for (uint32_t i = 0; i < base->partition_count; i++) {
        if (base->partitions[i].finished) {
            continue;
        }
        bool taken;
        MR_TRY(s->parts[i]->in_order ? claim_in_order(s, i, ret, &taken, cx)
                                     : claim_range(s, i, ret, &taken, cx));
        if (taken) {
            *ret_result = MR_CLAIM_TAKEN;
            return MR_OK;
        }
        open = open || !base->partitions[i].finished;
    }
    *ret_result = open ? MR_CLAIM_NONE : MR_CLAIM_DONE;
    return MR_OK;
}

static void file_wait(mr_source *base, int64_t timeout_us, mr_cx *cx) {
    (void)base;
    mr_clock_sleep_us(cx->plat, MR_MIN(timeout_us, FILE_POLL_US));
}

static void file_close(mr_source *base) {
    source_file *s = (source_file *)base;
    for (file_claim *claim = s->claims; claim != NULL; claim = claim->next) {
        if (claim->taken && claim->chunk.hold != NULL) {
            mr_hold_unref(claim->chunk.hold);  // Claimed and never read.
        }
    }
    for (uint32_t i = 0; i < base->partition_count; i++) {
        mr_lines_close(s->parts[i]->lines, s->plat);
    }
    mr_pool_close(s->pool);
    mr_mutex_release(&s->mutex);
    mr_heap_free(s->parts);
    mr_heap_free(base->partitions);
    mr_arena_release(&base->arena);
}

const mr_source_type mr_source_file = {
    .name = "file",
    .file = __FILE__,
    .summary = "Reads JSON lines from a file, a folder or standard input.",
    .size = sizeof(source_file),
    .options = file_options,
    .open = file_open,
    .start = file_start,
    .seek = file_seek,
    .claim = file_claim_next,
    .wait = file_wait,
    .reader_open = mr_source_file_read_open,
    .read = mr_source_file_read,
    .reader_close = mr_source_file_read_close,
    .refresh = file_refresh,
    .close = file_close,
};
