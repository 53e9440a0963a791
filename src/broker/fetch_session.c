// Fetch session: the table of sessions, their partitions, and who has to go; see fetch_session.h.
//
// Source: KIP-227; kafka.server.FetchSessionCache of 3.9, whose rule of eviction this is.

#include "broker/fetch_session.h"

#include <string.h>

#include "base/hash.h"
#include "plat/thread.h"

#define EPOCH_FIRST   0                   // Of a request that asks for a session,
#define EPOCH_NONE    (-1)                // and of one that wants none.
#define EVICT_US      (120 * 1000000)     // Kafka's min.incremental.fetch.session.eviction.ms
#define ALL_BYTES_MAX ((size_t)64 << 20)  // All sessions together.
#define MARK_UNKNOWN  (-1)                // Differs from what any partition has.
#define BUCKETS_LEAST 16

typedef struct session_part {
    struct session_part *chain;   // The next of its bucket.
    struct session_part *before;  // In the order of turns.
    struct session_part *after;
    uint64_t hash;
    mr_wire_fetch_partition wish;
    int64_t high_watermark;  // As the client was told.
    int64_t log_start_offset;
    mr_wire_uuid topic_id;
    uint32_t topic_bytes;
    char topic[];
} session_part;

typedef struct fetch_session {
    int32_t id;
    int32_t epoch;  // That its next fetch must say.
    bool by_id;
    int64_t made_us;
    int64_t used_us;
    session_part *first;
    session_part *last;
    uint32_t count;
    uint32_t bucket_count;  // A power of two, 0 at first.
    session_part **buckets;
} fetch_session;

struct mr_fetch_sessions {
    mr_mutex mutex;
    uint64_t seed;
    size_t bytes;            // Of all partitions.
    uint32_t slot_count;     // The session of an id is at id % slot_count.
    fetch_session *slots[];  // NULL = free.
};

// ---- the partitions of a session ---------------------------------------------------------------

static uint64_t hash_of(const mr_fetch_sessions *all, const mr_fetch_wish *wish) {
    uint64_t name = mr_hash_bytes(wish->topic.data, wish->topic.bytes, all->seed);
    uint64_t id = mr_hash_bytes(&wish->topic_id, sizeof(wish->topic_id), name);
    return mr_hash_u64((uint32_t)wish->partition.partition, id);
}

static size_t part_bytes(const mr_fetch_wish *wish) {
    return sizeof(session_part) + wish->topic.bytes + 2 * sizeof(void *);
}

// Where the part is pointed to, or where a new one is to be put; the buckets must be there.
static session_part **part_find(const fetch_session *session, const mr_fetch_wish *wish,
                                uint64_t hash) {
    session_part **at = &session->buckets[hash & (session->bucket_count - 1)];
    for (; *at != NULL; at = &(*at)->chain) {
        const session_part *p = *at;
        if (p->hash == hash && p->wish.partition == wish->partition.partition &&
            mr_span_equal((mr_span){p->topic, p->topic_bytes}, wish->topic) &&
            memcmp(&p->topic_id, &wish->topic_id, sizeof(mr_wire_uuid)) == 0) {
            break;
        }
    }
    return at;
}

static void turn_leave(fetch_session *session, session_part *part) {
    *(part->before != NULL ? &part->before->after : &session->first) = part->after;
    *(part->after != NULL ? &part->after->before : &session->last) = part->before;
}

static void turn_last(fetch_session *session, session_part *part) {
    part->before = session->last;
    part->after = NULL;
    *(part->before != NULL ? &part->before->after : &session->first) = part;
    session->last = part;
}

static void buckets_grow(fetch_session *session) {
    session->bucket_count = MR_MAX(BUCKETS_LEAST, session->bucket_count * 2);
    mr_heap_free(session->buckets);
    session->buckets = mr_heap_alloc(sizeof(session_part *) * session->bucket_count);
    for (session_part *p = session->first; p != NULL; p = p->after) {
        session_part **bucket = &session->buckets[p->hash & (session->bucket_count - 1)];
        p->chain = *bucket;
        *bucket = p;
    }
}

// Adds a partition, or brings it up to date.
static void part_put(mr_fetch_sessions *all, fetch_session *session, const mr_fetch_wish *wish) {
    if (session->count == session->bucket_count) {
        buckets_grow(session);
    }
    uint64_t hash = hash_of(all, wish);
    session_part **at = part_find(session, wish, hash);
    if (*at == NULL) {
        session_part *part = mr_heap_alloc(sizeof(session_part) + wish->topic.bytes);
        part->hash = hash;
        part->high_watermark = part->log_start_offset = MARK_UNKNOWN;
        part->topic_id = wish->topic_id;
        part->topic_bytes = (uint32_t)wish->topic.bytes;
        if (wish->topic.bytes > 0) {
            memcpy(part->topic, wish->topic.data, wish->topic.bytes);
        }
        *at = part;
        turn_last(session, part);
        session->count++;
        all->bytes += part_bytes(wish);
    }
    (*at)->wish = wish->partition;
}

static void part_drop(mr_fetch_sessions *all, fetch_session *session, const mr_fetch_wish *wish) {
    session_part **at = part_find(session, wish, hash_of(all, wish));
    session_part *part = *at;
    if (part != NULL) {
        *at = part->chain;
        turn_leave(session, part);
        session->count--;
        all->bytes -= part_bytes(wish);
        mr_heap_free(part);
    }
}

// Whether the client is told what a partition has; then that is what it knows.
static bool part_tell(fetch_session *session, session_part *part, const mr_wire_fetch_data *data) {
    bool failed = data->error_code != MR_KAFKA_NONE;
    bool told = failed || data->records.bytes > 0 || data->high_watermark != part->high_watermark ||
                data->log_start_offset != part->log_start_offset;
    // The end of an error is told too.
    part->high_watermark = failed ? MARK_UNKNOWN : data->high_watermark;
    part->log_start_offset = data->log_start_offset;
    if (data->records.bytes > 0) {
        turn_leave(session, part);
        turn_last(session, part);
    }
    return told;
}

// ---- the table of sessions ---------------------------------------------------------------------

mr_fetch_sessions *mr_fetch_sessions_open(uint32_t slots, mr_plat *plat) {
    mr_fetch_sessions *all =
        mr_heap_alloc(sizeof(mr_fetch_sessions) + sizeof(fetch_session *) * slots);
    mr_mutex_init(&all->mutex);
    all->seed = mr_random_u64(plat);
    all->slot_count = slots;
    return all;
}

static fetch_session *session_find(const mr_fetch_sessions *all, int32_t id) {
    if (id <= 0 || all->slot_count == 0) {
        return NULL;
    }
    fetch_session *session = all->slots[(uint32_t)id % all->slot_count];
    return session != NULL && session->id == id ? session : NULL;
}

static void session_drop(mr_fetch_sessions *all, fetch_session *session) {
    all->slots[(uint32_t)session->id % all->slot_count] = NULL;
    for (session_part *p = session->first, *after; p != NULL; p = after) {
        after = p->after;
        all->bytes -= sizeof(session_part) + p->topic_bytes + 2 * sizeof(void *);
        mr_heap_free(p);
    }
    mr_heap_free(session->buckets);
    mr_heap_free(session);
}

void mr_fetch_sessions_close(mr_fetch_sessions *sessions) {
    if (sessions == NULL) {
        return;
    }
    for (uint32_t i = 0; i < sessions->slot_count; i++) {
        if (sessions->slots[i] != NULL) {
            session_drop(sessions, sessions->slots[i]);
        }
    }
    mr_mutex_release(&sessions->mutex);
    mr_heap_free(sessions);
}

// Makes room for a session of `count` partitions: the one that was used least recently goes when
// that is long ago, else the smallest of those that have been in use for as long, when it is
// smaller than the new one: a large session saves more.
static bool evict(mr_fetch_sessions *all, uint32_t count, int64_t now_us) {
    fetch_session *oldest = NULL, *smallest = NULL;
    for (uint32_t i = 0; i < all->slot_count; i++) {
        fetch_session *s = all->slots[i];
        if (s == NULL) {
            continue;
        }
        if (oldest == NULL || s->used_us < oldest->used_us) {
            oldest = s;
        }
        if (s->used_us - s->made_us > EVICT_US &&
            (smallest == NULL || s->count < smallest->count)) {
            smallest = s;
        }
    }
    bool stale = oldest != NULL && now_us - oldest->used_us > EVICT_US;
    fetch_session *goes = stale ? oldest : smallest;
    if (goes == NULL || (!stale && goes->count >= count)) {
        return false;
    }
    session_drop(all, goes);
    return true;
}

static uint32_t free_slot(const mr_fetch_sessions *all) {
    uint32_t slot = 0;
    while (slot < all->slot_count && all->slots[slot] != NULL) {
        slot++;
    }
    return slot;
}

// NULL when there is no room for it.
static fetch_session *session_make(mr_fetch_sessions *all, const mr_fetch_plan *plan, mr_cx *cx) {
    int64_t now_us = mr_clock_monotonic_us(cx->plat);
    size_t bytes = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        bytes += part_bytes(&plan->wishes[i]);
    }
    if (bytes > ALL_BYTES_MAX) {
        return NULL;
    }
    uint32_t slot = free_slot(all);
    while (slot == all->slot_count || all->bytes + bytes > ALL_BYTES_MAX) {
        if (!evict(all, plan->count, now_us)) {
            return NULL;
        }
        slot = free_slot(all);
    }
    fetch_session *session = mr_heap_alloc(sizeof(fetch_session));
    uint64_t turns =
        INT32_MAX / all->slot_count - 1;  // Ids that have this slot, but for the first.
    uint64_t turn = 1 + mr_random_u64(cx->plat) % turns;
    session->id = (int32_t)(turn * all->slot_count + slot);
    session->epoch = EPOCH_FIRST + 1;
    session->by_id = plan->by_id;
    session->made_us = session->used_us = now_us;
    for (uint32_t i = 0; i < plan->count; i++) {
        part_put(all, session, &plan->wishes[i]);
    }
    all->slots[slot] = session;
    return session;
}

// ---- a fetch -----------------------------------------------------------------------------------

// All that a request names.
static void plan_request(const mr_wire_fetch_request *q, mr_fetch_plan *plan, mr_cx *cx) {
    size_t count = 0;
    for (int32_t t = 0; t < q->topics_count; t++) {
        count += (size_t)q->topics[t].partitions_count;
    }
    mr_fetch_wish *wishes = MR_NEW_ARRAY(cx->arena, mr_fetch_wish, count);
    for (int32_t t = 0; t < q->topics_count; t++) {
        const mr_wire_fetch_topic *topic = &q->topics[t];
        for (int32_t p = 0; p < topic->partitions_count; p++) {
            wishes[plan->count++] =
                (mr_fetch_wish){topic->topic, topic->topic_id, topic->partitions[p]};
        }
    }
    plan->wishes = wishes;
}

// All that a session has. Names are copied: it may be gone when the answer is written.
static void plan_session(const fetch_session *session, mr_fetch_plan *plan, mr_cx *cx) {
    mr_fetch_wish *wishes = MR_NEW_ARRAY(cx->arena, mr_fetch_wish, session->count);
    mr_span name = MR_SPAN("");
    for (const session_part *p = session->first; p != NULL; p = p->after) {
        mr_span own = {p->topic, p->topic_bytes};
        if (!mr_span_equal(own, name)) {
            name = (mr_span){mr_arena_copy(cx->arena, own.data, own.bytes), own.bytes};
        }
        wishes[plan->count++] = (mr_fetch_wish){name, p->topic_id, p->wish};
    }
    plan->wishes = wishes;
    plan->session_id = session->id;
    plan->epoch = session->epoch;
}

static void session_forget(mr_fetch_sessions *all, fetch_session *session,
                           const mr_wire_fetch_forgotten *topic) {
    mr_fetch_wish wish = {.topic = topic->topic, .topic_id = topic->topic_id};
    for (int32_t p = 0; p < topic->partitions_count && session->count > 0; p++) {
        wish.partition.partition = topic->partitions[p];
        part_drop(all, session, &wish);
    }
}

// The next fetch of a session; `plan` has what the request names.
static int16_t session_go_on(mr_fetch_sessions *all, fetch_session *session,
                             const mr_wire_fetch_request *q, mr_fetch_plan *plan, mr_cx *cx) {
    for (uint32_t i = 0; i < plan->count; i++) {
        if (all->bytes + part_bytes(&plan->wishes[i]) > ALL_BYTES_MAX) {
            session_drop(all, session);
            return MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND;
        }
        part_put(all, session, &plan->wishes[i]);
    }
    for (int32_t t = 0; t < q->forgotten_topics_data_count; t++) {
        session_forget(all, session, &q->forgotten_topics_data[t]);
    }
    if (session->count == 0) {
        session_drop(all, session);
        return MR_KAFKA_NONE;  // A fetch without a session, of what the request names.
    }
    session->used_us = mr_clock_monotonic_us(cx->plat);
    session->epoch = session->epoch == INT32_MAX ? EPOCH_FIRST + 1 : session->epoch + 1;
    plan->count = 0;
    plan_session(session, plan, cx);
    return MR_KAFKA_NONE;
}

int16_t mr_fetch_sessions_begin(mr_fetch_sessions *sessions, const mr_wire_fetch_request *request,
                                bool by_id, mr_fetch_plan *ret, mr_cx *cx) {
    int32_t epoch = request->session_epoch;
    bool whole = epoch == EPOCH_FIRST || epoch == EPOCH_NONE;
    *ret = (mr_fetch_plan){.by_id = by_id, .opens = epoch == EPOCH_FIRST};
    plan_request(request, ret, cx);
    int16_t error = MR_KAFKA_NONE;
    mr_mutex_lock(&sessions->mutex);
    fetch_session *session = session_find(sessions, request->session_id);
    if (whole) {
        if (session != NULL) {
            session_drop(sessions, session);
        }
    } else if (session == NULL) {
        error = MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND;
    } else if (session->epoch != epoch) {
        error = MR_KAFKA_INVALID_FETCH_SESSION_EPOCH;
    } else if (session->by_id != by_id) {
        error = MR_KAFKA_FETCH_SESSION_TOPIC_ID_ERROR;
    } else {
        error = session_go_on(sessions, session, request, ret, cx);
    }
    mr_mutex_unlock(&sessions->mutex);
    return error;
}

// Under the lock. `session` NULL: all is told.
static void tell(const mr_fetch_sessions *all, fetch_session *session, const mr_fetch_plan *plan,
                 const mr_wire_fetch_data *data, bool *ret_told) {
    for (uint32_t i = 0; i < plan->count; i++) {
        const mr_fetch_wish *wish = &plan->wishes[i];
        session_part *part = session == NULL ? NULL : *part_find(session, wish, hash_of(all, wish));
        ret_told[i] = part == NULL || part_tell(session, part, &data[i]);
    }
}

int16_t mr_fetch_sessions_end(mr_fetch_sessions *sessions, mr_fetch_plan *plan,
                              const mr_wire_fetch_data *data, bool *ret_told, mr_cx *cx) {
    int16_t error = MR_KAFKA_NONE;
    mr_mutex_lock(&sessions->mutex);
    fetch_session *session = session_find(sessions, plan->session_id);
    if (plan->session_id != 0 && (session == NULL || session->epoch != plan->epoch)) {
        // Another fetch of this session came meanwhile, or it had to go.
        error = session == NULL ? MR_KAFKA_FETCH_SESSION_ID_NOT_FOUND
                                : MR_KAFKA_INVALID_FETCH_SESSION_EPOCH;
    } else {
        if (plan->opens && plan->count > 0) {
            session = session_make(sessions, plan, cx);
            plan->session_id = session == NULL ? 0 : session->id;
        }
        tell(sessions, session, plan, data, ret_told);
    }
    mr_mutex_unlock(&sessions->mutex);
    return error;
}
