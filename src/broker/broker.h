// Broker: a Kafka server on the log, in this process.
//
//   plat/poll ─▶ server.c connections, frames ─▶ call.h ─▶ api_<family>.c ─▶ topics, log
//                                                             groups, transactions ─▶ log
// State is in <data>/broker: topics' folders, their list, address, lock. The coordinators' state
// is in the internal topics __consumer_offsets and __transaction_state, with Kafka's own records.
//
// Threads: server threads own connections; everything else is shared and has locks of its own,
// taken in this order: topics, groups, transactions, log. None is held while a lock before it is
// taken, nor while a sync is waited for.

#pragma once

#include "base/option.h"
#include "log/flush.h"
#include "plat/plat.h"
#include "wire/wire.h"

typedef struct mr_broker mr_broker;
typedef struct mr_call mr_call;                      // call.h
typedef struct mr_topics mr_topics;                  // topics.h
typedef struct mr_groups mr_groups;                  // groups.h
typedef struct mr_transactions mr_transactions;      // transactions.h
typedef struct mr_access mr_access;                  // access.h: SASL credentials and ACLs
typedef struct mr_quotas mr_quotas;                  // quotas.h
typedef struct mr_fetch_sessions mr_fetch_sessions;  // fetch_session.h

// Section `broker` of millrace.yaml.
typedef struct mr_broker_settings {
    const char *listen;  // "127.0.0.1:9092"; several with commas; see docs/broker.md
    const char
        *advertise;  // host:port for every listener that has none of its own; NULL = dialled.
    bool insecure;   // Listens beyond this machine without TLS and SASL.
    bool auto_create_topics;
    int64_t num_partitions;
    const char *replication;     // "clamp" or "reject": what is asked for beyond 1.
    const char *durability;      // "fsync" or "kafka": default of topics.
    int64_t threads;             // 0 = as the machine suits.
    uint64_t request_bytes_max;  // One request (socket.request.max.bytes).
    uint64_t queue_bytes_max;    // All requests at work.
    int64_t connections_max;
    int64_t fetch_sessions_max;
    int64_t idle_timeout_us;  // connections.max.idle.ms
    int64_t offsets_retention_us;
    int64_t group_initial_rebalance_delay_us;
    int64_t group_members_max;
    int64_t group_session_min_us;
    int64_t group_session_max_us;
    int64_t transaction_timeout_max_us;
    int64_t transactional_id_expiration_us;
    int64_t flush_interval_us;
    int64_t retention_check_us;
    // Security: see access.h and tls.h.
    const char *users;        // "name:password, …"
    const char *super_users;  // "User:name, …"
    bool acls;
    bool acls_optional;  // A resource without any ACL is open (allow.everyone.if.no.acl.found).
    int64_t reauth_us;   // connections.max.reauth.ms; 0 = a session has no end.
    const char *tls_certificate;  // PEM files.
    const char *tls_key;
    const char *tls_client_ca;  // NULL: clients are not asked for a certificate.
    bool tls_client_required;
    const char *tls_principal_mapping_rules;  // principal.h
} mr_broker_settings;

extern const mr_option mr_broker_options[];  // For mr_option_apply_keys.

// Checks settings beyond what the table can.  errors  MR_E_OPTION
mr_code mr_broker_settings_check(const mr_broker_settings *settings, mr_cx *cx);

typedef struct mr_broker_spec {
    const char *dir;  // <data>/broker: made when absent.
    mr_broker_settings settings;
    const char *version;  // Of the program.
    // Lines for the owner's log: a listener is up, a partition was cut, a client speaks an old
    // version. May be NULL.
    void (*say)(void *self, const char *line);
    void *self;
    // Called once, by a thread of the broker's, when it serves no client any more by a failure that
    // was said; its owner should close it, and not from in here. NULL = nobody is told.
    void (*failed)(void *self);
    bool by_hand;  // No threads and no sockets: the simulator and tests drive it.
} mr_broker_spec;

// Takes the lock, recovers, starts. Ready for clients when it returns.
//   errors  MR_E_LOCKED naming who has it; MR_E_OPTION, MR_E_NETWORK naming the address
mr_code mr_broker_open(const mr_broker_spec *spec, mr_broker **ret, mr_cx *cx);
// Stops taking requests, answers those at work or lets them go, syncs, closes.
mr_code mr_broker_close(mr_broker *broker, mr_cx *cx);

const mr_broker_settings *mr_broker_settings_of(const mr_broker *broker);
mr_plat *mr_broker_plat(const mr_broker *broker);
const char *mr_broker_dir(const mr_broker *broker);  // <data>/broker
mr_topics *mr_broker_topics(const mr_broker *broker);
mr_groups *mr_broker_groups(const mr_broker *broker);
mr_transactions *mr_broker_transactions(const mr_broker *broker);
mr_access *mr_broker_access(const mr_broker *broker);
mr_quotas *mr_broker_quotas(const mr_broker *broker);
mr_fetch_sessions *mr_broker_fetch_sessions(const mr_broker *broker);
mr_flusher *mr_broker_flusher(const mr_broker *broker);
const char *mr_broker_cluster_id(const mr_broker *broker);  // 22 characters.
uint32_t mr_broker_address_count(const mr_broker *broker);
const char *mr_broker_address(const mr_broker *broker, uint32_t listener);  // "127.0.0.1:9092"
void mr_broker_say(mr_broker *broker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// The same of what a stranger at this address has caused: only so many lines a minute of a reason.
void mr_broker_say_of(mr_broker *broker, const char *host, const char *reason, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));
int64_t mr_broker_now_ms(const mr_broker *broker);  // Wall clock.

// The turns of groups and transactions must come round by then (monotonic), not later.
void mr_broker_due(mr_broker *broker, int64_t at_us);

enum { MR_BROKER_NODE = 1 };  // Its node id.

// By hand: groups, transactions, upkeep and flushing that are due, and calls that go on then.
mr_code mr_broker_turn(mr_broker *broker, mr_cx *cx);
// By hand: one request, as if it had come over a connection; the answer's struct, in cx->arena (all
// its fields at their defaults when none is sent). While the call is parked the clock moves on to
// the next deadline, and turns are taken.
//   head    key, version, client id     request, ret_response  of the key's structs
//   errors  MR_E_UNSUPPORTED for a key or version that is not served; what a turn fails with
mr_code mr_broker_ask(mr_broker *broker, const mr_wire_head *head, const void *request,
                      void *ret_response, mr_cx *cx);
// The same of a frame without its length, which may be anything; *ret_frame data NULL = no answer.
mr_code mr_broker_ask_frame(mr_broker *broker, mr_span frame, mr_span *ret_frame, mr_cx *cx);
// The same in steps, for several at a time: begin, look whether it is answered, forget.
//   *ret_done  the call is gone then
mr_code mr_broker_send(mr_broker *broker, mr_span frame, mr_call **ret, mr_cx *cx);
mr_code mr_broker_take(mr_broker *broker, mr_call *call, bool *ret_done, mr_span *ret_frame,
                       mr_cx *cx);
void mr_broker_forget(mr_broker *broker, mr_call *call);
