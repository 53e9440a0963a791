// Quotas: how much clients may move, by user and client id, and how long they are to wait.
//
// How: what is set is in <dir>/quotas, replaced whole. For producer_byte_rate and
// consumer_byte_rate each user and client that a quota fits has a bucket which holds one second's
// worth; what it is short of becomes throttle_time_ms, and the client waits by itself (KIP-219).
// The other keys are stored and told, and not acted on. Threads: any.

#pragma once

#include "plat/plat.h"

typedef struct mr_quotas mr_quotas;

typedef enum mr_quota_part {
    MR_QUOTA_USER,
    MR_QUOTA_CLIENT_ID,
    MR_QUOTA_IP,
    MR_QUOTA_PARTS
} mr_quota_part;

typedef struct mr_quota {
    // By part: NULL = not of this kind; "" = the default of the kind.
    const char *entity[MR_QUOTA_PARTS];
    const char *key;  // "producer_byte_rate"
    double value;     // Of a change: NAN takes the quota away.
} mr_quota;

// errors  MR_E_CORRUPT
mr_code mr_quotas_open(const char *dir, mr_quotas **ret, mr_cx *cx);
void mr_quotas_close(mr_quotas *quotas);  // Takes NULL.
// "user", "client-id", "ip"; -1 for other words.
int mr_quotas_part(mr_span word);
const char *mr_quotas_part_name(mr_quota_part part);
// All, those of one entity together; in cx->arena.
mr_quota *mr_quotas_list(mr_quotas *quotas, uint32_t *ret_count, mr_cx *cx);
bool mr_quotas_same_entity(const mr_quota *a, const mr_quota *b);
// Durable when it returns.
mr_code mr_quotas_alter(mr_quotas *quotas, const mr_quota *changes, uint32_t count, mr_cx *cx);

typedef enum mr_quota_kind { MR_QUOTA_PRODUCE, MR_QUOTA_FETCH } mr_quota_kind;
typedef struct mr_quota_use {
    mr_quota_kind kind;
    const char *user;       // "alice", of "User:alice"
    const char *client_id;  // "" when there is none.
    uint64_t bytes;
    int64_t now_us;  // Monotonic.
} mr_quota_use;
// Whether there is any: else nothing need be charged.
bool mr_quotas_any(const mr_quotas *quotas);
// Bytes moved; how long the client should wait now, in milliseconds.
int32_t mr_quotas_charge(mr_quotas *quotas, const mr_quota_use *use);
