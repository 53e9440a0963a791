// Settings: section `broker` of millrace.yaml; see broker.h.
//
// Also: mr_broker_

#include "broker/broker.h"
#include "broker/listen.h"
#include "broker/principal.h"

#define MS     ((int64_t)1000)
#define SECOND (1000 * MS)
#define MS_31  (INT32_MAX * MS)
#define YEARS  (INT64_MAX / 8)  // Added to a clock it does not run over.

#define SETTING(field, name, type, default_text, doc) \
    { name, type, offsetof(mr_broker_settings, field), default_text, NULL, doc }
#define SETTING_CHOICE(field, name, choices, default_text, doc) \
    { name, MR_OPT_CHOICE, offsetof(mr_broker_settings, field), default_text, choices, doc }

const mr_option mr_broker_options[] = {
    SETTING(listen, "listen", MR_OPT_TEXT, "127.0.0.1:9092",
            "Where it listens: [name=]host:port[@advertised-host:port][?tls][?sasl], several with "
            "commas."),
    SETTING(advertise, "advertise", MR_OPT_TEXT, NULL,
            "host:port that clients are told, for listeners that name none (default: the address "
            "that the client has dialled)."),
    SETTING(insecure, "insecure", MR_OPT_BOOL, "false",
            "Listens beyond this machine without TLS and SASL."),
    SETTING(auto_create_topics, "auto_create_topics", MR_OPT_BOOL, "true",
            "Makes a topic when a client first asks for it."),
    SETTING(num_partitions, "num_partitions", MR_OPT_INT, "4",
            "Partitions of a topic for which nobody says how many."),
    SETTING_CHOICE(replication, "replication", "clamp|reject", "clamp",
                   "What becomes of a replication factor above 1, on this one node."),
    SETTING_CHOICE(durability, "durability", "fsync|kafka", "fsync",
                   "Default of topics: an acknowledged record survives a power cut (fsync), or the "
                   "end of the process only (kafka)."),
    SETTING(threads, "threads", MR_OPT_INT, "0", "Server threads (0: as the machine suits)."),
    SETTING(request_bytes_max, "request_bytes_max", MR_OPT_BYTES, "100MiB",
            "Largest request that is taken (socket.request.max.bytes)."),
    SETTING(queue_bytes_max, "queue_bytes_max", MR_OPT_BYTES, "256MiB",
            "Bytes of all requests at work; beyond it clients wait."),
    SETTING(connections_max, "connections_max", MR_OPT_INT, "20000", "Connections at a time."),
    SETTING(fetch_sessions_max, "fetch_sessions_max", MR_OPT_INT, "1000",
            "Consumers whose lists of partitions are kept between fetches "
            "(max.incremental.fetch.session.cache.slots)."),
    SETTING(idle_timeout_us, "idle_timeout", MR_OPT_DURATION, "10 minutes",
            "A connection that asks nothing for so long is closed (connections.max.idle.ms)."),
    SETTING(offsets_retention_us, "offsets_retention", MR_OPT_DURATION, "7 days",
            "For how long the offsets of a group without members are kept."),
    SETTING(group_initial_rebalance_delay_us, "group_initial_rebalance_delay", MR_OPT_DURATION,
            "3 s",
            "How long a new group waits for members that have announced themselves; one alone does "
            "not wait."),
    SETTING(group_members_max, "group_members_max", MR_OPT_INT, "2147483647",
            "Members of a group (group.max.size)."),
    SETTING(group_session_min_us, "group_session_min", MR_OPT_DURATION, "6 s",
            "Shortest session timeout that a member may ask for."),
    SETTING(group_session_max_us, "group_session_max", MR_OPT_DURATION, "30 minutes",
            "Longest session timeout that a member may ask for."),
    SETTING(transaction_timeout_max_us, "transaction_timeout_max", MR_OPT_DURATION, "1 h",
            "Longest timeout that a transactional producer may ask for."),
    SETTING(transactional_id_expiration_us, "transactional_id_expiration", MR_OPT_DURATION,
            "7 days", "For how long the id of a producer that is gone is kept."),
    SETTING(flush_interval_us, "flush_interval", MR_OPT_DURATION, "100ms",
            "How often logs with durability kafka are synced in the background."),
    SETTING(retention_check_us, "retention_check", MR_OPT_DURATION, "5 minutes",
            "How often logs are looked at for what has expired."),
    SETTING(users, "users", MR_OPT_TEXT, NULL,
            "Users for SASL, name:password with commas; more are made by kafka-configs."),
    SETTING(super_users, "super_users", MR_OPT_TEXT, NULL,
            "Who may do everything, User:name with commas."),
    SETTING(acls, "acls", MR_OPT_BOOL, "false", "Whether clients may do only what ACLs allow."),
    SETTING(acls_optional, "acls_optional", MR_OPT_BOOL, "false",
            "Whether what has no ACL at all is open (allow.everyone.if.no.acl.found)."),
    SETTING(reauth_us, "reauth", MR_OPT_DURATION, "0 s",
            "After how long a client must authenticate again (connections.max.reauth.ms; 0: "
            "never)."),
    SETTING(tls_certificate, "tls_certificate", MR_OPT_PATH, NULL,
            "PEM file of the certificate, and of those that vouch for it, of listeners with TLS."),
    SETTING(tls_key, "tls_key", MR_OPT_PATH, NULL, "PEM file of its key."),
    SETTING(tls_client_ca, "tls_client_ca", MR_OPT_PATH, NULL,
            "PEM file of who may sign clients' certificates; without it none is asked for."),
    SETTING(tls_client_required, "tls_client_required", MR_OPT_BOOL, "false",
            "Whether a client without a certificate is refused."),
    SETTING(tls_principal_mapping_rules, "tls_principal_mapping_rules", MR_OPT_TEXT, "DEFAULT",
            "Who the client of a certificate is, by the name in it: RULE:pattern/replacement/[LU] "
            "and DEFAULT with commas (ssl.principal.mapping.rules)."),
    MR_OPTION_END,
};

static mr_code check_range(const char *name, int64_t value, int64_t least, int64_t most,
                           mr_cx *cx) {
    if (value >= least && value <= most) {
        return MR_OK;
    }
    const char *hint =
        mr_arena_printf(cx->arena, "It goes from %lld to %lld.", (long long)least, (long long)most);
    return mr_fail(cx, MR_E_OPTION, hint, "bad value %lld for key \"%s\"", (long long)value, name);
}

static mr_code check_listen(mr_listen *listen, const mr_broker_settings *s, mr_cx *cx) {
    if (listen->tls && (s->tls_certificate == NULL || s->tls_key == NULL)) {
        return mr_fail(cx, MR_E_OPTION, "Set broker.tls_certificate and broker.tls_key.",
                       "listener \"%s:%u\" asks for TLS, and no certificate is set", listen->host,
                       listen->port);
    }
    return mr_listen_secure(listen, s->insecure, cx);
}

// Durations. What is due after no time at all would be due for ever; Kafka's times end at 2^31 ms.
static mr_code check_times(const mr_broker_settings *s, mr_cx *cx) {
    const struct {
        const char *name;
        int64_t value;
        int64_t least;
        int64_t most;
    } list[] = {
        {"idle_timeout", s->idle_timeout_us, SECOND, YEARS},
        {"offsets_retention", s->offsets_retention_us, SECOND, YEARS},
        {"group_initial_rebalance_delay", s->group_initial_rebalance_delay_us, 0, MS_31},
        {"group_session_min", s->group_session_min_us, MS, MS_31},
        {"group_session_max", s->group_session_max_us, MR_MAX(s->group_session_min_us, MS), MS_31},
        {"transaction_timeout_max", s->transaction_timeout_max_us, MS, MS_31},
        {"transactional_id_expiration", s->transactional_id_expiration_us, SECOND, YEARS},
        {"flush_interval", s->flush_interval_us, MS, YEARS},
        {"retention_check", s->retention_check_us, MS, YEARS},
        {"reauth", s->reauth_us, s->reauth_us == 0 ? 0 : SECOND, MS_31},
    };
    for (size_t i = 0; i < MR_COUNT(list); i++) {
        if (list[i].value < list[i].least || list[i].value > list[i].most) {
            const char *hint =
                mr_arena_printf(cx->arena, "It goes from %lld ms to %lld ms.",
                                (long long)(list[i].least / MS), (long long)(list[i].most / MS));
            return mr_fail(cx, MR_E_OPTION, hint, "bad value %lld ms for key \"%s\"",
                           (long long)(list[i].value / MS), list[i].name);
        }
    }
    return MR_OK;
}

mr_code mr_broker_settings_check(const mr_broker_settings *settings, mr_cx *cx) {
    const mr_broker_settings *s = settings;
    MR_TRY(check_range("num_partitions", s->num_partitions, 1, 100000, cx));
    MR_TRY(check_range("threads", s->threads, 0, 64, cx));
    MR_TRY(check_range("group_members_max", s->group_members_max, 1, INT32_MAX, cx));
    MR_TRY(check_range("connections_max", s->connections_max, 1, 10000000, cx));
    MR_TRY(check_range("fetch_sessions_max", s->fetch_sessions_max, 0, 1000000, cx));
    MR_TRY(check_range("request_bytes_max", (int64_t)MR_MIN(s->request_bytes_max, INT64_MAX), 1024,
                       1 << 30, cx));
    MR_TRY(check_range("queue_bytes_max", (int64_t)MR_MIN(s->queue_bytes_max, INT64_MAX), 1 << 20,
                       INT64_MAX, cx));
    MR_TRY(check_times(s, cx));
    if (s->tls_client_required && s->tls_client_ca == NULL) {
        return mr_fail(cx, MR_E_OPTION, "Set broker.tls_client_ca to who signs them.",
                       "certificates are required of clients, and nobody is named who signs them");
    }
    mr_principal_rules *rules;
    MR_TRY(mr_principal_rules_open(s->tls_principal_mapping_rules, &rules, cx));
    mr_principal_rules_close(rules);
    mr_listen *listens;
    uint32_t count;
    MR_TRY(mr_listen_parse(s->listen, s->advertise, &listens, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(check_listen(&listens[i], s, cx));
    }
    return MR_OK;
}
