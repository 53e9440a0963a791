// Broker: opening and closing, and what its parts ask of it; see broker.h.
//
// Order of opening: lock, flusher, topics with their logs, coordinators, and only then the
// listeners: a client never meets a broker that is still loading. Closing goes the other way.

#include "broker/broker.h"

#include "broker/clerk.h"
#include "broker/embedded.h"
#include "broker/fetch_session.h"
#include "broker/groups.h"
#include "broker/server.h"
#include "broker/topics.h"
#include "broker/transactions.h"

#define FLUSH_THREADS 4
#define TURN_LONGEST  (60 * 1000000)

// ---- requests' bytes ---------------------------------------------------------------------------

void mr_broker_charge(mr_broker *broker, size_t bytes) {
    atomic_fetch_add_explicit(&broker->charged, bytes, memory_order_relaxed);
}

void mr_broker_uncharge(mr_broker *broker, size_t bytes) {
    atomic_fetch_sub_explicit(&broker->charged, bytes, memory_order_relaxed);
}

bool mr_broker_is_full(const mr_broker *broker) {
    return atomic_load_explicit(&broker->charged, memory_order_relaxed) >=
           broker->spec.settings.queue_bytes_max;
}

// ---- upkeep ------------------------------------------------------------------------------------

void mr_broker_due(mr_broker *broker, int64_t at_us) {
    mr_mutex_lock(&broker->upkeep_mutex);
    if (at_us < broker->upkeep_due_us) {
        broker->upkeep_due_us = at_us;
        mr_condition_signal(&broker->upkeep_moved);
    }
    mr_mutex_unlock(&broker->upkeep_mutex);
}

// What is due; returns when to come back.
static int64_t upkeep(mr_broker *broker, int64_t now_us, mr_cx *cx) {
    int64_t transactions_us = mr_transactions_turn(broker->transactions, now_us, cx);
    int64_t groups_us = mr_groups_turn(broker->groups, now_us, cx);
    return MR_MIN(MR_MIN(transactions_us, groups_us), now_us + TURN_LONGEST);
}

static void *upkeep_run(void *self) {
    mr_broker *broker = self;
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, broker->plat);
    mr_mutex_lock(&broker->upkeep_mutex);
    while (!broker->upkeep_ends) {
        int64_t now_us = mr_clock_monotonic_us(broker->plat);
        if (now_us < broker->upkeep_due_us) {
            mr_condition_wait(&broker->upkeep_moved, &broker->upkeep_mutex,
                              broker->upkeep_due_us - now_us);
            continue;
        }
        broker->upkeep_due_us = INT64_MAX;  // Whoever says when from now on is heard.
        mr_mutex_unlock(&broker->upkeep_mutex);
        int64_t next_us = upkeep(broker, now_us, &cx);
        mr_arena_clear(&arena);
        mr_mutex_lock(&broker->upkeep_mutex);
        broker->upkeep_due_us = MR_MIN(broker->upkeep_due_us, next_us);
    }
    mr_mutex_unlock(&broker->upkeep_mutex);
    mr_arena_release(&arena);
    return NULL;
}

static void upkeep_stop(mr_broker *broker) {
    mr_mutex_lock(&broker->upkeep_mutex);
    broker->upkeep_ends = true;
    mr_condition_signal(&broker->upkeep_moved);
    mr_mutex_unlock(&broker->upkeep_mutex);
    mr_thread_join(&broker->upkeep);
}

mr_code mr_broker_turn(mr_broker *broker, mr_cx *cx) {
    mr_assert(broker->spec.by_hand);
    (void)mr_topics_turn(broker->topics, mr_clock_monotonic_us(cx->plat), cx);
    (void)upkeep(broker, mr_clock_monotonic_us(cx->plat), cx);
    MR_TRY(mr_flusher_round(broker->flusher, cx));
    mr_loop_run(broker->hand);
    return MR_OK;
}

// The flusher's word that a round ended; it may come before there are transactions, and after.
static void flushed(void *self, mr_cx *cx) {
    mr_broker *broker = self;
    atomic_fetch_add(&broker->flushed_calls, 1);
    mr_transactions *transactions = atomic_load(&broker->transactions);
    if (transactions != NULL) {
        mr_transactions_flushed(transactions, cx);
    }
    atomic_fetch_sub(&broker->flushed_calls, 1);
}

static void close_transactions(mr_broker *broker, mr_cx *cx) {
    mr_transactions *transactions = atomic_exchange(&broker->transactions, NULL);
    while (atomic_load(&broker->flushed_calls) > 0) {
        mr_clock_sleep_us(broker->plat, 100);
    }
    mr_transactions_close(transactions, cx);
}

// ---- opening -----------------------------------------------------------------------------------

static void marks_moved(mr_topic_partition *partition) {
    mr_watchers_signal(partition->broker, &partition->watchers);
    mr_embedded_moved(partition);
}

static void say_line(mr_broker *broker, const char *line) {
    mr_broker_say(broker, "%s", line);
}

// A group's offsets in a topic go with it.
static void topic_gone(mr_broker *broker, mr_span topic) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, broker->plat);
    mr_groups_forget_topic(broker->groups, topic, &cx);
    mr_arena_release(&arena);
}

static void hand_answered(mr_loop *loop, mr_call *call) {
    (void)loop, (void)call;  // Who asked looks at its phase.
}

static mr_code open_by_hand(mr_broker *broker, mr_cx *cx) {
    broker->hand = MR_NEW(&broker->arena, mr_loop);
    MR_TRY(mr_loop_init(broker->hand, broker, /* by_hand= */ true, cx));
    broker->hand->answered = hand_answered;
    broker->hand_client = MR_NEW(&broker->arena, mr_client);
    *broker->hand_client = (mr_client){.broker = broker,
                                       .listen = broker->listens,
                                       .principal = "User:ANONYMOUS",
                                       .host = "127.0.0.1",
                                       .local_host = "127.0.0.1",
                                       .local_port = broker->listens[0].port};
    return MR_OK;
}

static mr_code open_security(mr_broker *broker, mr_cx *cx) {
    const mr_broker_settings *s = &broker->spec.settings;
    mr_access_spec access = {.dir = broker->spec.dir,
                             .users = s->users,
                             .super_users = s->super_users,
                             .authorize = s->acls,
                             .open_without_acls = s->acls_optional,
                             .reauth_us = s->reauth_us};
    MR_TRY(mr_access_open(&access, &broker->access, cx));
    bool tls = false;
    for (uint32_t i = 0; i < broker->listen_count; i++) {
        tls = tls || broker->listens[i].tls;
    }
    mr_tls_options options = {.certificate = s->tls_certificate,
                              .key = s->tls_key,
                              .client_ca = s->tls_client_ca,
                              .client_is_required = s->tls_client_required,
                              .principal_rules = s->tls_principal_mapping_rules};
    return tls ? mr_tls_context_open(&options, &broker->tls, cx) : MR_OK;
}

// Files beside the topics' folders, while it runs.
static const char address_file[] = "address", containers_file[] = "container_address";
static const char listeners_file[] = "listeners";  // Lines host:port[@host:port][?tls][?sasl].

static mr_code leave_address(const mr_broker *broker, const char *file, const char *address,
                             mr_cx *cx) {
    const char *line = mr_arena_printf(cx->arena, "%s\n", address);
    return mr_file_save(mr_arena_printf(cx->arena, "%s/%s", broker->spec.dir, file),
                        mr_span_of(line), cx);
}

// All of them, as they are reached and told to clients.
static mr_code leave_listeners(const mr_broker *broker, mr_cx *cx) {
    mr_text all;
    mr_text_init(&all, cx->arena);
    for (uint32_t i = 0; i < broker->listen_count; i++) {
        const mr_listen *listen = &broker->listens[i];
        mr_text_addf(&all, "%s%s", i == 0 ? "" : "\n", mr_server_address(broker->server, i));
        if (listen->advertised_host != NULL) {
            mr_text_addf(
                &all, "@%s",
                mr_listen_print(listen->advertised_host, listen->advertised_port, cx->arena));
        }
        mr_text_addf(&all, "%s%s", listen->tls ? "?tls" : "", listen->sasl ? "?sasl" : "");
    }
    return leave_address(broker, listeners_file, mr_text_string(&all), cx);
}

// For programs that look for the broker of a data folder, and for containers that they start.
static mr_code leave_addresses(const mr_broker *broker, mr_cx *cx) {
    for (uint32_t i = 0; i < broker->listen_count; i++) {
        uint16_t port = mr_server_port(broker->server, i);
        const char *address = mr_listen_for_containers(&broker->listens[i], port, cx);
        if (address != NULL) {
            MR_TRY(leave_address(broker, containers_file, address, cx));
            break;
        }
    }
    MR_TRY(leave_listeners(broker, cx));
    return leave_address(broker, address_file, mr_server_address(broker->server, 0), cx);
}

static void take_addresses_away(const mr_broker *broker, mr_cx *cx) {
    const char *const files[] = {address_file, containers_file, listeners_file};
    for (size_t i = 0; i < MR_COUNT(files); i++) {
        const char *path = mr_arena_printf(cx->arena, "%s/%s", broker->spec.dir, files[i]);
        (void)(mr_file_delete(path, cx) == MR_OK);  // A stale one would only mislead.
    }
}

static mr_code open_parts(mr_broker *broker, mr_cx *cx) {
    const mr_broker_spec *spec = &broker->spec;
    const char *lock = mr_arena_printf(cx->arena, "%s/lock", spec->dir);
    MR_TRY(mr_dir_make(spec->dir, cx));
    MR_TRY(mr_lock_take(&broker->lock, lock, cx));
    broker->locked = true;
    mr_flusher_options flush = {.root = spec->dir,
                                .threads = spec->by_hand ? 0 : FLUSH_THREADS,
                                .flush_interval_us = spec->settings.flush_interval_us,
                                .flushed = flushed,
                                .self = broker};
    MR_TRY(mr_flusher_open(&flush, &broker->flusher, cx));
    mr_topics_spec topics = {.dir = spec->dir,
                             .settings = &broker->spec.settings,
                             .flusher = broker->flusher,
                             .broker = broker,
                             .moved = marks_moved,
                             .say = say_line,
                             .forget = topic_gone,
                             .by_hand = spec->by_hand};
    MR_TRY(mr_topics_open(&topics, &broker->topics, cx));
    MR_TRY(mr_groups_open(broker, &broker->groups, cx));
    MR_TRY(mr_quotas_open(spec->dir, &broker->quotas, cx));
    MR_TRY(open_security(broker, cx));
    broker->fetch_sessions =
        mr_fetch_sessions_open((uint32_t)spec->settings.fetch_sessions_max, cx->plat);
    mr_transactions *transactions;
    MR_TRY(mr_transactions_open(broker, &transactions, cx));
    atomic_store(&broker->transactions, transactions);
    if (spec->by_hand) {
        return open_by_hand(broker, cx);
    }
    MR_TRY(mr_thread_start(&broker->upkeep, "upkeep", upkeep_run, broker, cx));
    MR_TRY(mr_clerk_open(cx->plat, &broker->clerk, cx));
    MR_TRY(mr_server_open(broker, &broker->server, cx));
    return leave_addresses(broker, cx);
}

// The listeners, with strings that live as long as the broker.
static mr_code read_listens(mr_broker *broker, mr_cx *cx) {
    mr_arena *arena = cx->arena;
    cx->arena = &broker->arena;
    mr_code code = mr_listen_parse(broker->spec.settings.listen, broker->spec.settings.advertise,
                                   &broker->listens, &broker->listen_count, cx);
    for (uint32_t i = 0; i < broker->listen_count && code == MR_OK; i++) {
        code = mr_listen_secure(&broker->listens[i], broker->spec.settings.insecure, cx);
    }
    cx->arena = arena;
    return code;
}

mr_code mr_broker_open(const mr_broker_spec *spec, mr_broker **ret, mr_cx *cx) {
    MR_TRY(mr_broker_settings_check(&spec->settings, cx));
    mr_broker *broker = mr_heap_alloc(sizeof(mr_broker));
    broker->spec = *spec;
    broker->spec.dir = mr_arena_string(&broker->arena, spec->dir);
    broker->plat = cx->plat;
    for (size_t i = 0; i < MR_BROKER_STRIPES; i++) {
        mr_mutex_init(&broker->stripes[i]);
    }
    mr_mutex_init(&broker->say_mutex);
    mr_mutex_init(&broker->listen_mutex);
    mr_mutex_init(&broker->upkeep_mutex);
    mr_condition_init(&broker->upkeep_moved);
    mr_code code = read_listens(broker, cx);
    code = code == MR_OK ? open_parts(broker, cx) : code;
    if (code != MR_OK) {
        mr_error error = cx->error;  // Of the opening; what closing says about it is less.
        (void)(mr_broker_close(broker, cx) == MR_OK);
        cx->error = error;
        return code;
    }
    *ret = broker;
    return MR_OK;
}

mr_code mr_broker_close(mr_broker *broker, mr_cx *cx) {
    if (broker->server != NULL) {
        take_addresses_away(broker, cx);
    }
    mr_server_close(broker->server);
    mr_clerk_close(broker->clerk);
    upkeep_stop(broker);
    if (broker->hand != NULL) {
        mr_loop_release(broker->hand);
    }
    close_transactions(broker, cx);
    mr_groups_close(broker->groups, cx);
    mr_code code = mr_topics_close(broker->topics, cx);
    mr_flusher_close(broker->flusher, cx);
    mr_access_close(broker->access);
    mr_quotas_close(broker->quotas);
    mr_fetch_sessions_close(broker->fetch_sessions);
    mr_tls_context_close(broker->tls);
    if (broker->locked) {
        mr_lock_release(&broker->lock, broker->plat);
    }
    for (size_t i = 0; i < MR_BROKER_STRIPES; i++) {
        mr_mutex_release(&broker->stripes[i]);
    }
    mr_mutex_release(&broker->say_mutex);
    mr_mutex_release(&broker->listen_mutex);
    mr_mutex_release(&broker->upkeep_mutex);
    mr_condition_release(&broker->upkeep_moved);
    mr_arena_release(&broker->arena);
    mr_heap_free(broker);
    return code;
}

// ---- what parts ask ----------------------------------------------------------------------------

const mr_broker_settings *mr_broker_settings_of(const mr_broker *broker) {
    return &broker->spec.settings;
}

mr_plat *mr_broker_plat(const mr_broker *broker) {
    return broker->plat;
}

const char *mr_broker_dir(const mr_broker *broker) {
    return broker->spec.dir;
}

mr_topics *mr_broker_topics(const mr_broker *broker) {
    return broker->topics;
}

mr_groups *mr_broker_groups(const mr_broker *broker) {
    return broker->groups;
}

mr_transactions *mr_broker_transactions(const mr_broker *broker) {
    return broker->transactions;
}

mr_access *mr_broker_access(const mr_broker *broker) {
    return broker->access;
}

mr_quotas *mr_broker_quotas(const mr_broker *broker) {
    return broker->quotas;
}

mr_fetch_sessions *mr_broker_fetch_sessions(const mr_broker *broker) {
    return broker->fetch_sessions;
}

mr_flusher *mr_broker_flusher(const mr_broker *broker) {
    return broker->flusher;
}

const char *mr_broker_cluster_id(const mr_broker *broker) {
    return mr_topics_cluster_id(broker->topics);
}

uint32_t mr_broker_address_count(const mr_broker *broker) {
    return broker->listen_count;
}

const char *mr_broker_address(const mr_broker *broker, uint32_t listener) {
    mr_assert(listener < broker->listen_count);
    return broker->server == NULL ? "" : mr_server_address(broker->server, listener);
}

int64_t mr_broker_now_ms(const mr_broker *broker) {
    return mr_clock_real_us(broker->plat) / 1000;
}
