// Replay source: see replay_source.h. It reads JSON records, as all of today's connectors do.

#include "job/replay_source.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "conn/intake.h"
#include "exec/record.h"
#include "plat/plat.h"

#define MAGIC          0x315950455250524DULL  // "MRPREPY1"
#define FILE_BYTES_MAX ((uint64_t)4 << 30)
#define CHUNK_RECORDS  1024

// ---- the file --------------------------------------------------------------------------------

void mr_replay_source_encode(const mr_replay_record *records, uint32_t count, mr_text *out) {
    size_t start = out->bytes;
    mr_record_put_u64(out, MAGIC);
    mr_record_put_u64(out, count);
    for (uint32_t i = 0; i < count; i++) {
        mr_record_put_string(out, records[i].topic);
        mr_record_put_i64(out, records[i].partition);
        mr_record_put_i64(out, records[i].offset);
        mr_record_put_string(out, records[i].query);
        mr_record_put_span(out, records[i].raw);
    }
    mr_record_put_u64(out, mr_hash_bytes(out->data + start, out->bytes - start, 0));
}

mr_code mr_replay_source_decode(const char *path, mr_span bytes, mr_replay_record **ret,
                                uint32_t *ret_count, mr_cx *cx) {
    mr_record_reader in = {.left = bytes, .name = path};
    uint64_t magic;
    uint32_t count;
    MR_TRY(mr_record_get_u64(&in, &magic, cx));
    MR_TRY(mr_record_get_count(&in, 40, &count, cx));
    mr_replay_record *records = MR_NEW_ARRAY(cx->arena, mr_replay_record, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        int64_t partition;
        MR_TRY(mr_record_get_string(&in, &records[i].topic, cx));
        MR_TRY(mr_record_get_i64(&in, &partition, cx));
        MR_TRY(mr_record_get_i64(&in, &records[i].offset, cx));
        MR_TRY(mr_record_get_string(&in, &records[i].query, cx));
        MR_TRY(mr_record_get_span(&in, &records[i].raw, cx));
        records[i].partition = (int32_t)partition;
    }
    uint64_t hash;
    uint64_t own = mr_hash_bytes(bytes.data, (size_t)(in.left.data - bytes.data), 0);
    MR_TRY(mr_record_get_u64(&in, &hash, cx));
    if (magic != MAGIC || hash != own) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "\"%s\" is damaged", path);
    }
    *ret = records;
    *ret_count = count;
    return MR_OK;
}

// ---- the source ------------------------------------------------------------------------------

typedef struct source_replay {
    mr_source base;
    const char *path;            // Option.
    mr_replay_record **records;  // By partition.
} source_replay;

typedef struct replay_reader {
    source_replay *source;
    mr_intake intake;
} replay_reader;

static const mr_option replay_options[] = {
    MR_OPTION(source_replay, path, MR_OPT_PATH, MR_REQUIRED, "File of the kept records."),
    MR_OPTION_END,
};

static uint32_t partition_of(source_replay *s, const mr_replay_record *record) {
    mr_source *base = &s->base;
    for (uint32_t p = 0; p < base->partition_count; p++) {
        if (strcmp(base->partitions[p].topic, record->topic) == 0 &&
            base->partitions[p].number == record->partition) {
            return p;
        }
    }
    uint32_t p = base->partition_count++;
    const char *topic = mr_arena_string(&base->arena, record->topic);
    base->partitions[p] = (mr_partition){
        .name = mr_arena_printf(&base->arena, "%s/%" PRIi32, topic, record->partition),
        .topic = topic,
        .number = record->partition,
        .lane = p,
    };
    return p;
}

static mr_code replay_open(mr_source *base, const mr_source_spec *spec, mr_cx *cx) {
    source_replay *s = (source_replay *)base;
    base->spec = *spec;
    s->path = mr_option_find(spec->options, "path");
    mr_assert(s->path != NULL);
    MR_TRY(mr_intake_check(spec, cx));
    mr_span bytes;
    mr_replay_record *records;
    uint32_t count;
    mr_cx own = *cx;
    own.arena = &base->arena;
    mr_code code = mr_file_load(s->path, FILE_BYTES_MAX, &bytes, &own);
    code = code == MR_OK ? mr_replay_source_decode(s->path, bytes, &records, &count, &own) : code;
    if (code != MR_OK) {
        cx->error = own.error;
        return code;
    }
    base->partitions = MR_NEW_ARRAY(&base->arena, mr_partition, count + 1);
    s->records = MR_NEW_ARRAY(&base->arena, mr_replay_record *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        base->partitions[partition_of(s, &records[i])].end++;
    }
    for (uint32_t p = 0; p < base->partition_count; p++) {
        s->records[p] =
            MR_NEW_ARRAY(&base->arena, mr_replay_record, (size_t)base->partitions[p].end + 1);
        base->partitions[p].end = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t p = partition_of(s, &records[i]);
        s->records[p][base->partitions[p].end++] = records[i];
    }
    return MR_OK;
}

static mr_code replay_start(mr_source *base, mr_cx *cx) {
    (void)cx;
    for (uint32_t p = 0; p < base->partition_count; p++) {
        mr_partition *partition = &base->partitions[p];
        partition->finished = partition->closed = partition->position >= partition->end;
    }
    return MR_OK;
}

static mr_code replay_seek(mr_source *base, const char *const *names, const int64_t *positions,
                           size_t count, mr_cx *cx) {
    for (size_t n = 0; n < count; n++) {
        for (uint32_t p = 0; p < base->partition_count; p++) {
            if (strcmp(base->partitions[p].name, names[n]) == 0) {
                base->partitions[p].position = positions[n];
            }
        }
    }
    return replay_start(base, cx);
}

static mr_code replay_claim(mr_source *base, mr_claim *ret, mr_claim_result *ret_result,
                            mr_cx *cx) {
    (void)cx;
    *ret_result = MR_CLAIM_DONE;
    for (uint32_t i = 0; i < base->partition_count; i++) {
        mr_partition *p = &base->partitions[i];
        if (p->finished) {
            continue;
        }
        int64_t next = MR_MIN(p->position + CHUNK_RECORDS, p->end);
        *ret = (mr_claim){i, p->position, next, NULL};
        *ret_result = MR_CLAIM_TAKEN;
        p->position = next;
        p->finished = p->closed = next >= p->end;
        return MR_OK;
    }
    return MR_OK;
}

static mr_code replay_reader_open(mr_source *base, mr_reader **ret, mr_cx *cx) {
    replay_reader *reader = mr_heap_alloc(sizeof *reader);
    reader->source = (source_replay *)base;
    mr_code code = mr_intake_open(&reader->intake, &base->spec, cx);
    if (code != MR_OK) {
        mr_heap_free(reader);
        return code;
    }
    *ret = (mr_reader *)reader;
    return MR_OK;
}

static mr_code replay_read(mr_reader *base, const mr_claim *claim, mr_chunk *ret, mr_cx *cx) {
    replay_reader *reader = (replay_reader *)base;
    const mr_partition *partition = &reader->source->base.partitions[claim->partition];
    const mr_replay_record *from =
        &reader->source->records[claim->partition][claim->position_first];
    uint32_t count = (uint32_t)(claim->position_next - claim->position_first);
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes += from[i].raw.bytes + 1;
    }
    mr_chunk chunk = {.hold = mr_pool_take(reader->intake.pool, bytes), .bytes = bytes};
    mr_arena *arena = &chunk.hold->arena;
    uint32_t *starts = mr_arena_raw(arena, sizeof(uint32_t) * count);
    uint32_t *lengths = mr_arena_raw(arena, sizeof(uint32_t) * count);
    int64_t *offsets = mr_arena_raw(arena, sizeof(int64_t) * count);
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        starts[i] = (uint32_t)at;
        lengths[i] = (uint32_t)from[i].raw.bytes;
        offsets[i] = from[i].offset;
        memcpy(chunk.hold->buffer + at, from[i].raw.data, from[i].raw.bytes);
        at += from[i].raw.bytes;
        chunk.hold->buffer[at++] = '\n';
    }
    mr_records records = {.base = chunk.hold->buffer,
                          .bytes = bytes,
                          .starts = starts,
                          .lengths = lengths,
                          .offsets = offsets,
                          .count = count};
    mr_intake_from origin = {.topic = partition->topic,
                             .partition = partition->number,
                             .partition_index = claim->partition};
    mr_code code = mr_intake_decode(&reader->intake, &records, &origin, &chunk, cx);
    if (code != MR_OK) {
        mr_hold_unref(chunk.hold);
        return code;
    }
    *ret = chunk;
    return MR_OK;
}

static void replay_reader_close(mr_reader *base) {
    replay_reader *reader = (replay_reader *)base;
    mr_intake_close(&reader->intake);
    mr_heap_free(reader);
}

static void replay_close(mr_source *base) {
    mr_arena_release(&base->arena);
}

const mr_source_type mr_replay_source = {
    .name = "replay",
    .file = __FILE__,
    .summary = "Records of a bad or late table, once more.",
    .size = sizeof(source_replay),
    .options = replay_options,
    .open = replay_open,
    .start = replay_start,
    .seek = replay_seek,
    .claim = replay_claim,
    .reader_open = replay_reader_open,
    .read = replay_read,
    .reader_close = replay_reader_close,
    .close = replay_close,
};
