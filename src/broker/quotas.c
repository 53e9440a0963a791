// Quotas: how much clients may move, and how long they are to wait; see quotas.h.

#include "broker/quotas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "broker/ledger.h"
#include "plat/thread.h"

#define BUCKETS_MAX 10000  // Then all begin anew: clients make up ids.

typedef struct bucket {
    double tokens;
    int64_t filled_us;
} bucket;

typedef struct quota_set {
    mr_arena arena;
    mr_quota *items;
    uint32_t count;
} quota_set;

struct mr_quotas {
    char *path;
    mr_mutex change;
    mr_mutex mutex;  // Of all that follows.
    quota_set *set;
    mr_arena bucket_arena;
    mr_map buckets;      // Kind, user and client, with NULs between → bucket
    atomic_bool in_use;  // Something is set: else nobody waits for the mutex.
};

static const char *const part_names[MR_QUOTA_PARTS] = {"user", "client-id", "ip"};
static const char *const kind_keys[] = {"producer_byte_rate", "consumer_byte_rate"};

int mr_quotas_part(mr_span word) {
    for (int p = 0; p < MR_QUOTA_PARTS; p++) {
        if (mr_span_is(word, part_names[p])) {
            return p;
        }
    }
    return -1;
}

const char *mr_quotas_part_name(mr_quota_part part) {
    return part_names[part];
}

static bool same_text(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool mr_quotas_same_entity(const mr_quota *a, const mr_quota *b) {
    bool same = true;
    for (int p = 0; p < MR_QUOTA_PARTS; p++) {
        same = same && same_text(a->entity[p], b->entity[p]);
    }
    return same;
}

static mr_quota quota_copy(const mr_quota *quota, mr_arena *arena) {
    mr_quota copy = *quota;
    for (int p = 0; p < MR_QUOTA_PARTS; p++) {
        copy.entity[p] = quota->entity[p] == NULL ? NULL : mr_arena_string(arena, quota->entity[p]);
    }
    copy.key = mr_arena_string(arena, quota->key);
    return copy;
}

static void set_free(quota_set *set) {
    if (set != NULL) {
        mr_arena_release(&set->arena);
        mr_heap_free(set);
    }
}

static quota_set *set_copy(const quota_set *from, uint32_t more) {
    quota_set *to = mr_heap_alloc(sizeof(*to));
    to->items = MR_NEW_ARRAY(&to->arena, mr_quota, from->count + more);
    for (uint32_t i = 0; i < from->count; i++) {
        to->items[to->count++] = quota_copy(&from->items[i], &to->arena);
    }
    return to;
}

// ---- the file --------------------------------------------------------------------------------

// A row: quota, three words of the entity ("-" none, "=" and the name), key, value.
static mr_code set_save(const mr_quotas *quotas, const quota_set *set, mr_cx *cx) {
    mr_ledger ledger;
    mr_ledger_begin(&ledger, "quotas", cx);
    for (uint32_t i = 0; i < set->count; i++) {
        const mr_quota *quota = &set->items[i];
        mr_ledger_row_begin(&ledger, "quota");
        for (int p = 0; p < MR_QUOTA_PARTS; p++) {
            const char *word = quota->entity[p] == NULL
                                   ? "-"
                                   : mr_arena_printf(cx->arena, "=%s", quota->entity[p]);
            mr_ledger_word(&ledger, mr_span_of(word));
        }
        mr_ledger_word(&ledger, mr_span_of(quota->key));
        mr_ledger_word(&ledger, mr_span_of(mr_arena_printf(cx->arena, "%.17g", quota->value)));
    }
    return mr_ledger_save(&ledger, quotas->path, cx);
}

static mr_code load(mr_quotas *quotas, mr_cx *cx) {
    mr_ledger_row *rows = NULL;
    uint32_t count = 0;
    quotas->set = mr_heap_alloc(sizeof(quota_set));
    mr_code code = mr_ledger_load(quotas->path, "quotas", &rows, &count, cx);
    if (code == MR_E_MISSING) {
        return MR_OK;
    }
    MR_TRY(code);
    quotas->set->items = MR_NEW_ARRAY(&quotas->set->arena, mr_quota, count);
    for (uint32_t r = 0; r < count; r++) {
        mr_quota quota = {0};
        if (rows[r].count != 6 || !mr_text_parse_double(rows[r].words[5], &quota.value)) {
            return mr_fail(cx, MR_E_CORRUPT, "Put back a copy of it.", "\"%s\" line %u is no quota",
                           quotas->path, r + 2);
        }
        for (int p = 0; p < MR_QUOTA_PARTS; p++) {
            const char *word = rows[r].words[1 + p].data;
            quota.entity[p] = word[0] == '=' ? word + 1 : NULL;
        }
        quota.key = rows[r].words[4].data;
        quotas->set->items[quotas->set->count++] = quota_copy(&quota, &quotas->set->arena);
    }
    atomic_store(&quotas->in_use, count > 0);
    return MR_OK;
}

mr_code mr_quotas_open(const char *dir, mr_quotas **ret, mr_cx *cx) {
    mr_quotas *quotas = mr_heap_alloc(sizeof(*quotas));
    mr_text path;
    mr_text_init(&path, /* arena= */ NULL);
    mr_text_addf(&path, "%s/quotas", dir);
    quotas->path = path.data;
    mr_mutex_init(&quotas->change);
    mr_mutex_init(&quotas->mutex);
    mr_map_init(&quotas->buckets, &quotas->bucket_arena);
    mr_code code = load(quotas, cx);
    if (code != MR_OK) {
        mr_quotas_close(quotas);
        return code;
    }
    *ret = quotas;
    return MR_OK;
}

void mr_quotas_close(mr_quotas *quotas) {
    if (quotas == NULL) {
        return;
    }
    set_free(quotas->set);
    mr_mutex_release(&quotas->change);
    mr_mutex_release(&quotas->mutex);
    mr_arena_release(&quotas->bucket_arena);
    mr_heap_free(quotas->path);
    mr_heap_free(quotas);
}

mr_quota *mr_quotas_list(mr_quotas *quotas, uint32_t *ret_count, mr_cx *cx) {
    mr_mutex_lock(&quotas->mutex);
    mr_quota *list = MR_NEW_ARRAY(cx->arena, mr_quota, quotas->set->count);
    for (uint32_t i = 0; i < quotas->set->count; i++) {
        list[i] = quota_copy(&quotas->set->items[i], cx->arena);
    }
    *ret_count = quotas->set->count;
    mr_mutex_unlock(&quotas->mutex);
    return list;
}

static void forget_buckets(mr_quotas *quotas) {
    mr_arena_release(&quotas->bucket_arena);
    mr_map_init(&quotas->buckets, &quotas->bucket_arena);
}

static void apply(quota_set *set, const mr_quota *change) {
    uint32_t at = 0, behind = set->count;
    while (at < set->count && !(mr_quotas_same_entity(&set->items[at], change) &&
                                strcmp(set->items[at].key, change->key) == 0)) {
        behind = mr_quotas_same_entity(&set->items[at], change) ? at + 1 : behind;
        at++;
    }
    size_t item = sizeof(mr_quota);
    if (isnan(change->value)) {
        if (at < set->count) {
            memmove(&set->items[at], &set->items[at + 1], item * (set->count - at - 1));
            set->count--;
        }
    } else if (at < set->count) {
        set->items[at].value = change->value;
    } else {
        memmove(&set->items[behind + 1], &set->items[behind], item * (set->count - behind));
        set->items[behind] = quota_copy(change, &set->arena);
        set->count++;
    }
}

mr_code mr_quotas_alter(mr_quotas *quotas, const mr_quota *changes, uint32_t count, mr_cx *cx) {
    mr_mutex_lock(&quotas->change);
    quota_set *next = set_copy(quotas->set, count);
    for (uint32_t c = 0; c < count; c++) {
        apply(next, &changes[c]);
    }
    mr_code code = set_save(quotas, next, cx);
    if (code == MR_OK) {
        mr_mutex_lock(&quotas->mutex);
        quota_set *old = quotas->set;
        quotas->set = next;
        next = old;
        forget_buckets(quotas);
        atomic_store(&quotas->in_use, quotas->set->count > 0);
        mr_mutex_unlock(&quotas->mutex);
    }
    set_free(next);
    mr_mutex_unlock(&quotas->change);
    return code;
}

// ---- use -------------------------------------------------------------------------------------

static bool part_fits(const char *set, const char *name, bool *exact) {
    *exact = set != NULL && set[0] != '\0';
    return set == NULL || set[0] == '\0' || strcmp(set, name) == 0;
}

// Kafka's order, the first that is set: user and client by name; user by name and any client; user
// by name; the same with any user; client by name; any client.
static int rank_of(const mr_quota *quota, const mr_quota_use *use) {
    bool user_exact, client_exact;
    if (quota->entity[MR_QUOTA_IP] != NULL ||
        !part_fits(quota->entity[MR_QUOTA_USER], use->user, &user_exact) ||
        !part_fits(quota->entity[MR_QUOTA_CLIENT_ID], use->client_id, &client_exact)) {
        return -1;
    }
    int user = quota->entity[MR_QUOTA_USER] == NULL ? 0 : user_exact ? 2 : 1;
    int client = quota->entity[MR_QUOTA_CLIENT_ID] == NULL ? 0 : client_exact ? 2 : 1;
    return user * 3 + client;
}

static const mr_quota *quota_of(const quota_set *set, const mr_quota_use *use) {
    const mr_quota *best = NULL;
    int rank = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const mr_quota *quota = &set->items[i];
        int here = strcmp(quota->key, kind_keys[use->kind]) == 0 ? rank_of(quota, use) : -1;
        if (here > rank) {
            best = quota;
            rank = here;
        }
    }
    return best;
}

// Clients share a bucket as far as the quota does not tell them apart.
static bucket *bucket_of(mr_quotas *quotas, const mr_quota *quota, const mr_quota_use *use) {
    char key[600];
    size_t bytes = 0;
    key[bytes++] = (char)('0' + use->kind);
    const char *parts[2] = {use->user, use->client_id};
    for (int p = 0; p < 2; p++) {
        if (quota->entity[p] != NULL) {
            size_t take = MR_MIN(strlen(parts[p]), (size_t)290);
            memcpy(key + bytes, parts[p], take);
            bytes += take;
        }
        key[bytes++] = '\0';
        key[bytes++] = quota->entity[p] != NULL;
    }
    mr_span span = {key, bytes};
    bucket *found = mr_map_get(&quotas->buckets, span);
    if (found == NULL) {
        if (quotas->buckets.count >= BUCKETS_MAX) {
            forget_buckets(quotas);
        }
        found = MR_NEW(&quotas->bucket_arena, bucket);
        *found = (bucket){quota->value, use->now_us};
        mr_map_put(&quotas->buckets, span, found);
    }
    return found;
}

bool mr_quotas_any(const mr_quotas *quotas) {
    return atomic_load_explicit(&quotas->in_use, memory_order_relaxed);
}

int32_t mr_quotas_charge(mr_quotas *quotas, const mr_quota_use *use) {
    if (!mr_quotas_any(quotas)) {
        return 0;
    }
    double wait_ms = 0;
    mr_mutex_lock(&quotas->mutex);
    const mr_quota *quota = quota_of(quotas->set, use);
    if (quota != NULL) {
        bucket *b = bucket_of(quotas, quota, use);
        double gained = quota->value * (double)(use->now_us - b->filled_us) / 1e6;
        b->tokens = MR_MIN(quota->value, b->tokens + gained) - (double)use->bytes;
        b->filled_us = use->now_us;
        wait_ms = b->tokens < 0 ? -b->tokens / quota->value * 1000 : 0;
    }
    mr_mutex_unlock(&quotas->mutex);
    return (int32_t)MR_MIN(wait_ms, 30000.0);
}
