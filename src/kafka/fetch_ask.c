// Fetch, questions: offsets, leaders and commits; see fetch_state.h.
//
// How: the caller's questions wait for their answers. What nobody waits for (who leads a partition
// now, a group's offsets) is done by a thread of its own, which sleeps when nothing is wanted.
// Also: mr_fetch_

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <string.h>

#include "kafka/admin.h"
#include "kafka/config.h"
#include "kafka/fetch_state.h"

#define ASK_AGAIN_US   ((int64_t)50000)
#define ASK_EARLIEST   ((int64_t)-2)
#define ASK_LATEST     ((int64_t)-1)
#define ASK_GONE_US    ((int64_t)30 * 1000000)  // So long may a topic be unknown.
#define ASK_BACKOFF_US ((int64_t)2000000)       // Between tries while none can be reached.

static bool ended(const mr_fetch *fetch, int64_t deadline_us, mr_cx *cx) {
    return mr_clock_monotonic_us(fetch->plat) >= deadline_us || mr_cx_cancelled(cx);
}

static int64_t deadline_in(const mr_fetch *fetch, int64_t us) {
    return mr_clock_monotonic_us(fetch->plat) + us;
}

// True when the same question may soon have another answer: a topic is new, a leader is moving.
static bool passes(int16_t error) {
    return error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           error == RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE ||
           error == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
           error == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
           error == RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
}

// An error of the network, as the user is told of it.
static mr_code unreachable(const mr_fetch *fetch, mr_code code, mr_cx *cx) {
    if (code != MR_E_NETWORK && code != MR_E_TIMEOUT) {
        return code;
    }
    // "cannot connect to host:port: what happened": with one address the middle says it all.
    char reason[MR_ERROR_TEXT_BYTES];
    memcpy(reason, cx->error.text, sizeof(reason));
    const char *fact = reason;
    if (strchr(fetch->config.servers, ',') == NULL) {
        const char *address = strstr(reason, fetch->config.servers);
        fact = address == NULL ? reason : address + strlen(fetch->config.servers);
        fact += address != NULL && strncmp(fact, ": ", 2) == 0 ? 2 : 0;
    }
    return mr_consume_unreachable(fetch->config.servers, fact, cx);
}

// ---- the topic -------------------------------------------------------------------------------

static mr_code topic_failed(const mr_fetch *fetch, int16_t error, mr_cx *cx) {
    rd_kafka_resp_err_t kafka = (rd_kafka_resp_err_t)error;
    mr_code code = mr_fail(cx, mr_admin_code(kafka), NULL, "topic \"%s\": %s", fetch->topic,
                           rd_kafka_err2str(kafka));
    return code == MR_E_NETWORK ? mr_error_flag(cx, code, MR_RETRY) : code;
}

static bool all_led(const mr_cluster *cluster) {
    for (uint32_t p = 0; p < cluster->partition_count; p++) {
        if (cluster->leaders[p] == MR_CLUSTER_NOBODY) {
            return false;
        }
    }
    return cluster->partition_count > 0;
}

// Until the topic and all its leaders are known, or it is known to be missing.
static mr_code reach(mr_fetch *fetch, int64_t deadline_us, bool may_miss, mr_cx *cx) {
    mr_cluster *cluster = &fetch->cluster;
    for (;;) {
        mr_code code = mr_cluster_refresh(cluster, deadline_us, cx);
        bool missing = cluster->topic_error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        if (code == MR_OK &&
            ((missing && may_miss) || (cluster->topic_error == 0 && all_led(cluster)))) {
            return MR_OK;
        }
        if (code == MR_OK && cluster->topic_error != 0 && !passes(cluster->topic_error)) {
            return topic_failed(fetch, cluster->topic_error, cx);
        }
        // A try in the last moment would only say that time is up.
        if (ended(fetch, deadline_us - 2 * ASK_AGAIN_US, cx)) {
            int16_t error = cluster->topic_error != 0 ? cluster->topic_error
                                                      : RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
            return code != MR_OK ? unreachable(fetch, code, cx) : topic_failed(fetch, error, cx);
        }
        if (code != MR_OK && code != MR_E_NETWORK && code != MR_E_TIMEOUT) {
            return code;
        }
        mr_clock_sleep_us(fetch->plat, ASK_AGAIN_US);
    }
}

static void on_error(rd_kafka_t *client, int error, const char *reason, void *self) {
    (void)client;
    (void)error;
    (void)reason;
    (void)self;
}

// By librdkafka, which has the administration.
static mr_code create_topic(const mr_consume_options *options, mr_cx *cx) {
    mr_config_options wanted = {
        .bootstrap_servers = options->bootstrap_servers,
        .values = options->values,
        .on_error = on_error,
    };
    rd_kafka_conf_t *conf;
    MR_TRY(mr_config_make(&wanted, &conf, cx));
    char reason[512];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        return mr_fail(cx, MR_E_OPTION, NULL, "cannot make a Kafka client: %s", reason);
    }
    mr_admin_topic topic = {options->topic, options->partitions, options->topic_config};
    mr_code code = mr_admin_create(client, &topic, options->connect_timeout_us, cx);
    rd_kafka_destroy(client);
    return code;
}

mr_code mr_fetch_ask_open(mr_fetch *fetch, const mr_consume_options *options, mr_cx *cx) {
    mr_cluster *cluster = &fetch->cluster;
    int64_t deadline_us = deadline_in(fetch, options->connect_timeout_us);
    MR_TRY(reach(fetch, deadline_us, /* may_miss= */ true, cx));
    if (cluster->topic_error != 0) {
        MR_TRY(create_topic(options, cx));
        deadline_us = deadline_in(fetch, options->connect_timeout_us);
        MR_TRY(reach(fetch, deadline_us, /* may_miss= */ false, cx));
    }
    fetch->topic_id = cluster->topic_id;
    mr_mutex_lock(&fetch->mutex);
    mr_fetch_widen(fetch);
    mr_code code = mr_fetch_lead(fetch, cx);
    mr_mutex_unlock(&fetch->mutex);
    return code;
}

// Under ask_mutex. The same name may be another topic now.
static mr_code check_same(const mr_fetch *fetch, mr_cx *cx) {
    static const mr_wire_uuid no_id;
    const mr_wire_uuid *id = &fetch->cluster.topic_id;
    if (fetch->cluster.topic_error != 0 || memcmp(id, &no_id, sizeof(no_id)) == 0 ||
        memcmp(id, &fetch->topic_id, sizeof(no_id)) == 0) {
        return MR_OK;
    }
    return mr_fail(cx, MR_E_MISSING, "Start with --fresh to read the new one.",
                   "topic \"%s\" was deleted and made again while it was read", fetch->topic);
}

mr_code mr_fetch_ask_refresh(mr_consume *base, mr_cx *cx) {
    mr_fetch *fetch = (mr_fetch *)base;
    mr_cluster *cluster = &fetch->cluster;
    mr_mutex_lock(&fetch->ask_mutex);
    mr_code code = mr_cluster_refresh(cluster, deadline_in(fetch, FETCH_ASK_US), cx);
    if (code != MR_OK) {
        code = unreachable(fetch, code, cx);
    } else if (cluster->topic_error != 0) {
        code = passes(cluster->topic_error) ? MR_OK : topic_failed(fetch, cluster->topic_error, cx);
    } else if ((code = check_same(fetch, cx)) == MR_OK &&
               cluster->partition_count < base->partition_count) {
        code = mr_fail(cx, MR_E_MISSING, "Was it deleted? Start with --fresh to read a new one.",
                       "topic \"%s\" has %" PRIu32 " partitions where %" PRIu32 " were read",
                       fetch->topic, cluster->partition_count, base->partition_count);
    } else if (code == MR_OK) {
        mr_mutex_lock(&fetch->mutex);
        mr_fetch_widen(fetch);
        code = mr_fetch_lead(fetch, cx);
        mr_mutex_unlock(&fetch->mutex);
    }
    mr_mutex_unlock(&fetch->ask_mutex);
    return code;
}

// ---- offsets ---------------------------------------------------------------------------------

// Under ask_mutex. Asks again while a leader is moving, for as long as may be.
static mr_code ask_offset(mr_fetch *fetch, const mr_cluster_wish *wish, int64_t *ret, mr_cx *cx) {
    bool down = atomic_load(&fetch->down);
    int64_t deadline_us = deadline_in(fetch, down ? FETCH_ASK_DOWN_US : FETCH_ASK_US);
    for (;;) {
        // A cluster that comes back may know no topic for a moment, and so no partition.
        bool known = wish->partition < fetch->cluster.partition_count;
        int16_t error = known ? 0 : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        mr_code code =
            known ? mr_cluster_offset(&fetch->cluster, wish, deadline_us, ret, &error, cx) : MR_OK;
        if (code == MR_OK && error == 0) {
            atomic_store(&fetch->down, false);
            return MR_OK;
        }
        bool again = code == MR_OK ? passes(error) : code == MR_E_NETWORK || code == MR_E_TIMEOUT;
        if (!again || ended(fetch, deadline_us, cx)) {
            if (code != MR_OK) {
                return unreachable(fetch, code, cx);
            }
            rd_kafka_resp_err_t kafka = (rd_kafka_resp_err_t)error;
            return mr_fail(cx, mr_admin_code(kafka), NULL,
                           "topic \"%s\", partition %" PRIu32 ": %s", fetch->topic, wish->partition,
                           rd_kafka_err2str(kafka));
        }
        mr_clock_sleep_us(fetch->plat, ASK_AGAIN_US);
        (void)mr_cluster_refresh(&fetch->cluster, deadline_us, cx);
        if (wish->partition >= fetch->cluster.partition_count) {
            return topic_failed(fetch, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, cx);
        }
    }
}

mr_code mr_fetch_ask_bounds(mr_consume *base, uint32_t partition, int64_t *ret_first,
                            int64_t *ret_next, mr_cx *cx) {
    mr_fetch *fetch = (mr_fetch *)base;
    int64_t first = 0, next = 0;
    mr_cluster_wish wish = {partition, ASK_EARLIEST, fetch->config.isolation};
    mr_mutex_lock(&fetch->ask_mutex);
    mr_code code = ask_offset(fetch, &wish, &first, cx);
    wish.time_ms = ASK_LATEST;
    code = code != MR_OK ? code : ask_offset(fetch, &wish, &next, cx);
    mr_mutex_unlock(&fetch->ask_mutex);
    MR_TRY(code);
    *ret_first = first;
    *ret_next = next;
    return MR_OK;
}

mr_code mr_fetch_ask_at_time(mr_consume *base, uint32_t partition, int64_t time_ms, int64_t *ret,
                             mr_cx *cx) {
    mr_fetch *fetch = (mr_fetch *)base;
    mr_cluster_wish wish = {partition, MR_MAX(time_ms, 0), fetch->config.isolation};
    int64_t offset = -1;
    mr_mutex_lock(&fetch->ask_mutex);
    mr_code code = ask_offset(fetch, &wish, &offset, cx);
    if (code == MR_OK && offset < 0) {  // No record is that young.
        wish.time_ms = ASK_LATEST;
        code = ask_offset(fetch, &wish, &offset, cx);
    }
    mr_mutex_unlock(&fetch->ask_mutex);
    MR_TRY(code);
    *ret = offset;
    return MR_OK;
}

// ---- the asking thread -------------------------------------------------------------------------

typedef struct ask_run {
    mr_fetch *fetch;
    mr_arena arena;
    mr_cx cx;
    int64_t unknown_us;  // Since when the topic is unknown; 0 = it is known.
} ask_run;

// Under the mutex: no partition can be read any more.
static void spoil_all(mr_fetch *fetch, mr_code code, const char *text) {
    for (uint32_t p = 0; p < fetch->base.partition_count; p++) {
        if (fetch->partitions[p]->code == MR_OK) {
            mr_fetch_spoil(fetch->partitions[p], code, text);
        }
    }
    mr_fetch_tell(fetch);
}

// Who leads now. False: it is to be asked again.
static bool find_leaders(ask_run *run) {
    mr_fetch *fetch = run->fetch;
    mr_cx *cx = &run->cx;
    mr_mutex_lock(&fetch->ask_mutex);
    mr_code code = mr_cluster_refresh(&fetch->cluster, deadline_in(fetch, FETCH_ASK_US), cx);
    int16_t error = code == MR_OK ? fetch->cluster.topic_error : 0;
    bool reached = code == MR_OK;
    int64_t now_us = mr_clock_monotonic_us(fetch->plat);
    run->unknown_us = error != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? 0
                      : run->unknown_us == 0                           ? now_us
                                                                       : run->unknown_us;
    if (run->unknown_us != 0 && now_us - run->unknown_us > ASK_GONE_US) {
        code = mr_fail(cx, MR_E_MISSING, NULL, "the topic does not exist any more");
    }
    code = code == MR_OK ? check_same(fetch, cx) : code;
    mr_mutex_lock(&fetch->mutex);
    if (code == MR_E_MISSING) {
        spoil_all(fetch, code, cx->error.text);
    } else if (code == MR_OK && error == 0) {
        code = mr_fetch_lead(fetch, cx);
    }
    mr_mutex_unlock(&fetch->mutex);
    bool led = reached && error == 0 && all_led(&fetch->cluster);
    mr_mutex_unlock(&fetch->ask_mutex);
    if (!reached && code != MR_E_CANCELLED) {
        atomic_store(&fetch->down, true);
    }
    return led || code == MR_E_MISSING;
}

static void commit(ask_run *run, const int64_t *items, uint32_t count) {
    mr_fetch *fetch = run->fetch;
    mr_cluster_offsets offsets = {fetch->group, items, count};
    int64_t deadline_us = deadline_in(fetch, FETCH_ASK_US);
    for (;;) {
        int16_t error = 0;
        mr_mutex_lock(&fetch->ask_mutex);
        mr_code code = mr_cluster_commit(&fetch->cluster, &offsets, deadline_us, &error, &run->cx);
        mr_mutex_unlock(&fetch->ask_mutex);
        mr_mutex_lock(&fetch->mutex);
        bool stopping = fetch->stopping;
        mr_mutex_unlock(&fetch->mutex);
        if (code != MR_OK || !passes(error) || stopping || ended(fetch, deadline_us, &run->cx)) {
            return;  // The next one says more anyway.
        }
        mr_clock_sleep_us(fetch->plat, ASK_AGAIN_US);
    }
}

// Under the mutex, which is let go meanwhile.
static void do_commit(ask_run *run) {
    mr_fetch *fetch = run->fetch;
    uint32_t count = fetch->commit_count;
    int64_t *offsets = MR_NEW_ARRAY(&run->arena, int64_t, MR_MAX(count, 1u));
    memcpy(offsets, fetch->commit_offsets, sizeof(int64_t) * count);
    fetch->commit_wanted = false;
    fetch->committing = true;
    mr_mutex_unlock(&fetch->mutex);
    commit(run, offsets, count);
    mr_mutex_lock(&fetch->mutex);
    fetch->committing = false;
    mr_condition_broadcast(&fetch->asked);
}

void *mr_fetch_ask_run(void *self) {
    mr_fetch *fetch = self;
    ask_run run = {.fetch = fetch};
    mr_cx_init(&run.cx, &run.arena, fetch->plat);
    int64_t pause_us = FETCH_PAUSE_US;
    mr_mutex_lock(&fetch->mutex);
    while (!fetch->stopping) {
        if (fetch->refresh_wanted) {
            fetch->refresh_wanted = false;
            mr_mutex_unlock(&fetch->mutex);
            bool done = find_leaders(&run);
            mr_mutex_lock(&fetch->mutex);
            fetch->refresh_wanted = fetch->refresh_wanted || !done;
            pause_us = done ? FETCH_PAUSE_US : MR_MIN(pause_us * 2, ASK_BACKOFF_US);
        }
        if (fetch->commit_wanted && !fetch->stopping) {
            do_commit(&run);
        }
        mr_arena_clear(&run.arena);
        bool more = fetch->refresh_wanted || fetch->commit_wanted;
        if (!fetch->stopping && (!more || fetch->refresh_wanted)) {
            mr_condition_wait(&fetch->ask, &fetch->mutex, fetch->refresh_wanted ? pause_us : -1);
        }
    }
    mr_mutex_unlock(&fetch->mutex);
    mr_arena_release(&run.arena);
    return NULL;
}
