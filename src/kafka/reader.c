// Reader: see reader.h.

#include "kafka/reader.h"

#include <string.h>

#include "codec/record_batch.h"
#include "kafka/fetch.h"
#include "kafka/headers.h"
#include "kafka/member.h"

#define CHUNK_BYTES  ((uint64_t)1 << 20)
#define EXPAND_BYTES ((size_t)256 << 20)
#define COMMIT_US    ((int64_t)5000000)
#define BEAT_WAIT_US ((int64_t)200000)

typedef struct reader_partition {
    bool ours;
    bool done;
    int64_t next;    // Offset of what comes next to the caller.
    int64_t end;     // Where it ended at the start; INT64_MAX = no end.
    int64_t stored;  // As committed last; -1 = not.
} reader_partition;

struct mr_reader {
    mr_control *control;
    mr_reader_options options;
    mr_consume *consume;
    mr_member *member;  // NULL: partitions are fixed.
    reader_partition *partitions;
    uint32_t partition_count;
    uint32_t turn;
    bool handed;        // Records, since next said that there are none.
    int64_t commit_us;  // When the next is due.
    // What is being read.
    mr_fetch_chunk *chunk;
    uint32_t chunk_partition;
    int64_t chunk_next;  // Behind the chunk.
    uint32_t batch_at;   // Of the chunk, the next.
    bool reading;
    mr_record_batch batch;
    mr_text expanded;
    mr_record_reader records;
    mr_reader_record record;
    mr_arena arena;  // Of one round of calls.
};

// ---- where to begin --------------------------------------------------------------------------

static void chunk_drop(mr_reader *r) {
    if (r->chunk != NULL) {
        mr_fetch_chunk_free(r->chunk);
        r->chunk = NULL;
    }
    r->reading = false;
}

// The places of these partitions: bounds, and in `committed` where reading begins.
static mr_code find_places(mr_reader *r, const int32_t *numbers, uint32_t count,
                           mr_control_place **ret, mr_cx *cx) {
    mr_control_place *places = MR_NEW_ARRAY(cx->arena, mr_control_place, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = (mr_control_place){.topic = mr_span_of(r->options.topic),
                                       .partition = numbers[i],
                                       .leader = MR_CLUSTER_NOBODY};
    }
    MR_TRY(mr_control_places_bound(r->control, places, count, cx));
    mr_control_wish *wishes = MR_NEW_ARRAY(cx->arena, mr_control_wish, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        wishes[i] = (mr_control_wish){.topic = places[i].topic,
                                      .partition = places[i].partition,
                                      .leader = places[i].leader,
                                      .time_ms = r->options.number};
    }
    if (r->options.from == MR_READER_TIME) {
        MR_TRY(mr_control_offsets(r->control, wishes, count, cx));
    }
    for (uint32_t i = 0; i < count; i++) {
        mr_control_place *p = &places[i];
        if (p->first < 0 || p->next < 0) {
            return mr_fail(cx, MR_E_NETWORK, "It may have one soon: try again.",
                           "partition %s-%d has no leader", r->options.topic, p->partition);
        }
        int64_t number = r->options.number;
        switch (r->options.from) {
        case MR_READER_EARLIEST: p->committed = p->first; break;
        case MR_READER_LATEST: p->committed = p->next; break;
        case MR_READER_OFFSET:
            p->committed = number >= 0 ? number : p->next + MR_MAX(number, -p->next);
            break;
        case MR_READER_TIME:
            p->committed = wishes[i].offset < 0 ? p->next : wishes[i].offset;
            break;
        }
        p->committed = MR_MIN(MR_MAX(p->committed, p->first), p->next);
    }
    *ret = places;
    return MR_OK;
}

// Where the group goes on, if that is still there.
static void take_committed(const mr_reader *r, const mr_control_group *group,
                           mr_control_place *place, int64_t *ret_stored) {
    for (uint32_t i = 0; i < group->place_count; i++) {
        const mr_control_place *p = &group->places[i];
        if (p->partition == place->partition && mr_span_is(p->topic, r->options.topic)) {
            *ret_stored = p->committed;
            if (p->committed >= place->first && p->committed <= place->next) {
                place->committed = p->committed;
            }
        }
    }
}

static mr_code widen(mr_reader *r, const int32_t *numbers, uint32_t count, mr_cx *cx) {
    uint32_t total = mr_consume_partitions(r->consume);
    for (uint32_t i = 0; i < count; i++) {
        if (numbers[i] < 0 || (uint32_t)numbers[i] >= total) {
            MR_TRY(mr_consume_refresh(r->consume, cx));
            total = mr_consume_partitions(r->consume);
        }
        if (numbers[i] < 0 || (uint32_t)numbers[i] >= total) {
            return mr_fail(cx, MR_E_OPTION, "Partitions are counted from 0.",
                           "topic \"%s\" has no partition %d", r->options.topic, numbers[i]);
        }
    }
    if (total > r->partition_count) {
        r->partitions = mr_heap_resize(r->partitions, sizeof(*r->partitions) * total);
        memset(r->partitions + r->partition_count, 0,
               sizeof(*r->partitions) * (total - r->partition_count));
        r->partition_count = total;
    }
    return MR_OK;
}

// Begins to read these partitions, and no others.
static mr_code start_listed(mr_reader *r, const int32_t *numbers, uint32_t count, mr_cx *cx) {
    chunk_drop(r);
    for (uint32_t i = 0; i < r->partition_count; i++) {
        if (r->partitions[i].ours) {
            mr_consume_stop(r->consume, i);
            r->partitions[i].ours = false;
        }
    }
    MR_TRY(widen(r, numbers, count, cx));
    mr_control_place *places;
    MR_TRY(find_places(r, numbers, count, &places, cx));
    mr_control_group group = {0};
    if (r->options.group != NULL) {
        MR_TRY(mr_control_group_look(r->control, r->options.group, &group, cx));
    }
    for (uint32_t i = 0; i < count; i++) {
        reader_partition *p = &r->partitions[numbers[i]];
        *p = (reader_partition){.ours = true, .stored = -1};
        take_committed(r, &group, &places[i], &p->stored);
        p->next = places[i].committed;
        p->end = r->options.follow ? INT64_MAX : places[i].next;
        p->done = p->next >= p->end;
        if (!p->done) {
            MR_TRY(mr_consume_start(r->consume, (uint32_t)numbers[i], p->next, cx));
        }
    }
    return MR_OK;
}

mr_code mr_reader_open(mr_control *control, const mr_reader_options *options, mr_reader **ret,
                       mr_cx *cx) {
    mr_control_topic topic;
    MR_TRY(mr_control_topic_find(control, options->topic, &topic, cx));
    mr_reader *r = mr_heap_alloc(sizeof(*r));
    r->control = control;
    r->options = *options;
    mr_text_init(&r->expanded, NULL);
    mr_text_init(&r->record.headers, NULL);
    mr_option_value value = {"kafka.isolation.level",
                             options->uncommitted ? "read_uncommitted" : "read_committed",
                             MR_NOWHERE};
    mr_option_values values = {&value, 1};
    mr_consume_options consume = {.bootstrap_servers = options->servers,
                                  .topic = options->topic,
                                  .partitions = -1,
                                  .group = options->group == NULL ? "" : options->group,
                                  .connect_timeout_us = options->timeout_us,
                                  .values = &values,
                                  .client = "native"};
    mr_code code = mr_consume_open(&consume, &r->consume, cx);
    r->commit_us = mr_clock_monotonic_us(cx->plat) + COMMIT_US;
    if (code == MR_OK && options->group != NULL && options->partitions == NULL) {
        r->member = mr_member_open(control, options->group, options->topic);
    } else if (code == MR_OK && options->partitions != NULL) {
        code = start_listed(r, options->partitions, options->partition_count, cx);
    } else if (code == MR_OK) {
        int32_t *all = MR_NEW_ARRAY(cx->arena, int32_t, (size_t)topic.partition_count + 1);
        for (int32_t i = 0; i < topic.partition_count; i++) {
            all[i] = i;
        }
        code = start_listed(r, all, (uint32_t)topic.partition_count, cx);
    }
    if (code != MR_OK) {
        mr_reader_close(r, cx);
        return code;
    }
    *ret = r;
    return MR_OK;
}

void mr_reader_close(mr_reader *reader, mr_cx *cx) {
    if (reader == NULL) {
        return;
    }
    chunk_drop(reader);
    mr_member_close(reader->member, cx);
    mr_consume_close(reader->consume);
    mr_text_release(&reader->expanded);
    mr_text_release(&reader->record.headers);
    mr_arena_release(&reader->arena);
    mr_heap_free(reader->partitions);
    mr_heap_free(reader);
}

// ---- the group -------------------------------------------------------------------------------

mr_code mr_reader_commit(mr_reader *reader, mr_cx *cx) {
    mr_reader *r = reader;
    if (r->options.group == NULL) {
        return MR_OK;
    }
    mr_control_place *places = MR_NEW_ARRAY(cx->arena, mr_control_place, r->partition_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->partition_count; i++) {
        if (r->partitions[i].ours && r->partitions[i].next != r->partitions[i].stored) {
            places[count++] = (mr_control_place){.topic = mr_span_of(r->options.topic),
                                                 .partition = (int32_t)i,
                                                 .committed = r->partitions[i].next};
        }
    }
    r->commit_us = mr_clock_monotonic_us(cx->plat) + COMMIT_US;
    if (count == 0) {
        return MR_OK;
    }
    mr_control_committer alone = {.group = r->options.group, .generation = -1};
    mr_control_committer who = r->member == NULL ? alone : mr_member_committer(r->member);
    MR_TRY(mr_control_group_commit(r->control, &who, places, count, cx));
    for (uint32_t i = 0; i < count; i++) {
        r->partitions[places[i].partition].stored = places[i].committed;
    }
    return MR_OK;
}

// Beats, and takes other partitions when the group divides anew.
static mr_code keep_member(mr_reader *r, mr_cx *cx) {
    if (r->member == NULL) {
        return MR_OK;
    }
    bool leaving, moved;
    MR_TRY(mr_member_turn(r->member, &leaving, &moved, cx));
    if (leaving) {
        if (!r->options.commit_late) {
            // Too late is not our error: others read it again, as they must.
            (void)mr_reader_commit(r, cx);
        }
        MR_TRY(mr_member_turn(r->member, &leaving, &moved, cx));
    }
    if (!moved) {
        return MR_OK;
    }
    uint32_t count;
    const int32_t *numbers = mr_member_partitions(r->member, &count);
    return start_listed(r, numbers, count, cx);
}

// Commits and beats that are due.
static mr_code upkeep(mr_reader *r, mr_cx *cx) {
    if (r->options.group == NULL) {
        return MR_OK;
    }
    mr_arena *outer = cx->arena;
    mr_arena_clear(&r->arena);
    cx->arena = &r->arena;
    mr_code code = keep_member(r, cx);
    bool due = !r->options.commit_late && mr_clock_monotonic_us(cx->plat) >= r->commit_us;
    if (code == MR_OK && due) {
        code = mr_reader_commit(r, cx);
    }
    cx->arena = outer;
    return code;
}

// ---- records ---------------------------------------------------------------------------------

// Opens the next batch of the chunk; false when there is none left.
static mr_code next_batch(mr_reader *r, bool *ret_found, mr_cx *cx) {
    *ret_found = r->batch_at < r->chunk->batch_count;
    if (!*ret_found) {
        return MR_OK;
    }
    const mr_fetch_range *range = &r->chunk->batches[r->batch_at++];
    mr_span in = {r->chunk->data + range->at, range->bytes};
    bool found;
    MR_TRY(mr_record_batch_next(&in, &r->batch, &found, cx));
    mr_assert(found);
    MR_TRY(mr_record_batch_verify(&r->batch, cx));
    mr_span records = r->batch.payload;
    if (r->batch.compression != MR_COMPRESS_NONE) {
        mr_text_clear(&r->expanded);
        MR_TRY(mr_record_batch_expand(&r->batch, EXPAND_BYTES, &r->expanded, cx));
        records = mr_text_span(&r->expanded);
    }
    r->reading = true;
    return mr_record_open(&r->records, &r->batch, records, cx);
}

static void take_headers(const mr_record *record, mr_text *out) {
    mr_text_clear(out);
    mr_record_headers headers = mr_record_headers_of(record);
    mr_span key, value;
    bool any = false;
    while (mr_record_headers_next(&headers, &key, &value)) {
        mr_headers_add(out, key, value);
        any = true;
    }
    if (any) {
        mr_headers_end(out);
    }
}

// The next record of the chunk; false when it is used up.
static mr_code next_record(mr_reader *r, bool *ret_found, mr_cx *cx) {
    *ret_found = false;
    reader_partition *p = &r->partitions[r->chunk_partition];
    for (;;) {
        mr_record record;
        while (r->reading && mr_record_next(&r->records, &record)) {
            if (record.offset < r->chunk->from || record.offset >= r->chunk->to ||
                record.offset < p->next || record.offset >= p->end) {
                continue;
            }
            r->record.partition = (int32_t)r->chunk_partition;
            r->record.offset = record.offset;
            r->record.timestamp_ms = record.timestamp_ms;
            r->record.key = record.key;
            r->record.value = record.value;
            take_headers(&record, &r->record.headers);
            p->next = record.offset + 1;
            *ret_found = true;
            return MR_OK;
        }
        if (r->reading) {
            r->reading = false;
            MR_TRY(mr_record_end(&r->records, cx));
        }
        bool found;
        MR_TRY(next_batch(r, &found, cx));
        if (!found) {
            p->next = MR_MIN(MR_MAX(p->next, r->chunk_next), p->end);
            chunk_drop(r);
            return MR_OK;
        }
    }
}

// Takes a chunk of any partition. *ret_end: all are done.
static mr_code next_chunk(mr_reader *r, bool *ret_end, mr_cx *cx) {
    bool end = r->member == NULL || r->partition_count > 0;
    for (uint32_t i = 0; i < r->partition_count && r->chunk == NULL; i++) {
        uint32_t number = r->turn++ % r->partition_count;
        reader_partition *p = &r->partitions[number];
        if (!p->ours || p->done) {
            continue;
        }
        mr_fetch_wish wish = {.rows_max = UINT32_MAX, .chunk_bytes = CHUNK_BYTES, .end = p->end};
        mr_fetch_seen seen;
        MR_TRY(mr_fetch_take(r->consume, number, &wish, &r->chunk, &seen, cx));
        end = false;
        if (r->chunk != NULL) {
            MR_TRY(mr_fetch_chunk_load(&r->chunk, cx));
            r->chunk_partition = number;
            r->chunk_next = seen.next;
            r->batch_at = 0;
            continue;
        }
        p->next = MR_MIN(MR_MAX(p->next, seen.next), p->end);
        // An open transaction may stand before the end.
        p->done = !r->options.follow && (p->next >= p->end || seen.at_end);
    }
    *ret_end = end && !r->options.follow;
    return MR_OK;
}

mr_code mr_reader_next(mr_reader *reader, int64_t timeout_us, const mr_reader_record **ret,
                       bool *ret_end, mr_cx *cx) {
    mr_reader *r = reader;
    *ret = NULL;
    *ret_end = false;
    int64_t deadline_us = 0;
    for (;;) {
        if (r->chunk != NULL) {
            bool found;
            MR_TRY(next_record(r, &found, cx));
            if (found) {
                *ret = &r->record;
                r->handed = true;
                return MR_OK;
            }
        }
        if (r->handed && r->options.group != NULL) {
            r->handed = false;  // They may be committed next: let the caller be done with them.
            return MR_OK;
        }
        MR_TRY(upkeep(r, cx));
        MR_TRY(next_chunk(r, ret_end, cx));
        if (*ret_end) {
            return MR_OK;
        }
        if (r->chunk != NULL) {
            continue;
        }
        int64_t now_us = mr_clock_monotonic_us(cx->plat);
        deadline_us = deadline_us == 0 ? now_us + timeout_us : deadline_us;
        if (now_us >= deadline_us || mr_cx_cancelled(cx)) {
            return MR_OK;
        }
        mr_consume_wait(r->consume, MR_MIN(deadline_us - now_us, BEAT_WAIT_US));
    }
}
