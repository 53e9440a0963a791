// Access: who a client is, and what it may do: passwords, SCRAM credentials, ACLs.
//
// How: credentials and ACLs are in <dir>/access, replaced whole with a sync before a change is
// acknowledged. Users of millrace.yaml are beside them. Decisions are Kafka's: super users may all;
// a DENY that fits wins; else an ALLOW that fits is needed; a resource without any ACL is open only
// if the settings say so.
// Threads: any.

#pragma once

#include "broker/call.h"
#include "broker/scram.h"
#include "broker/topics.h"

typedef struct mr_access_spec {
    const char *dir;
    const char *users;        // "name:password, …"; NULL = none.
    const char *super_users;  // "User:name, …" (or ";" between); NULL = none.
    bool authorize;           // ACLs are on.
    bool open_without_acls;   // allow.everyone.if.no.acl.found
    int64_t reauth_us;        // Life of an authentication; 0 = no end.
} mr_access_spec;

// errors  MR_E_OPTION for users that cannot be read; MR_E_CORRUPT
mr_code mr_access_open(const mr_access_spec *spec, mr_access **ret, mr_cx *cx);
void mr_access_close(mr_access *access);  // Takes NULL.
int64_t mr_access_reauth_us(const mr_access *access);

// ---- users -----------------------------------------------------------------------------------

// Whether this is the user's password: of millrace.yaml, or one whose SCRAM credential is stored.
bool mr_access_password(mr_access *access, mr_span user, mr_span password, mr_cx *cx);
// A user's credential, in cx->arena; false when there is none.
bool mr_access_credential(mr_access *access, mr_span user, mr_scram_mechanism mechanism,
                          mr_scram_credential *ret, mr_cx *cx);

typedef struct mr_access_stored {
    const char *user;
    mr_scram_credential credential;
} mr_access_stored;
// Stored ones, by user; in cx->arena.
mr_access_stored *mr_access_list(mr_access *access, uint32_t *ret_count, mr_cx *cx);
// Replaces or adds (iterations > 0) and removes (iterations 0), all or none; durable.
mr_code mr_access_store(mr_access *access, const mr_access_stored *changes, uint32_t count,
                        mr_cx *cx);

// ---- ACLs ------------------------------------------------------------------------------------

enum {  // Kafka's numbers.
    MR_ACL_ANY = 1,
    MR_ACL_MATCH = 2,     // Of a filter's pattern: all that fit a name.
    MR_ACL_LITERAL = 3,   // Pattern.
    MR_ACL_PREFIXED = 4,  // Pattern.
    MR_ACL_DENY = 2,      // Permission.
    MR_ACL_ALLOW = 3,     // Permission.
};

typedef struct mr_acl {
    int8_t resource;
    int8_t pattern;
    int8_t operation;
    int8_t permission;
    const char *name;       // Of a filter NULL: any.
    const char *principal;  // The same.
    const char *host;       // The same.
} mr_acl;

bool mr_access_authorizes(const mr_access *access);  // False: ACLs are off.
typedef struct mr_access_question {
    const char *principal;
    const char *host;
    mr_operation operation;
    mr_resource resource;
    mr_span name;
} mr_access_question;
bool mr_access_may(mr_access *access, const mr_access_question *question);
// Whether there is any name of which the answer would be yes; the question's name is not looked at.
bool mr_access_may_some(mr_access *access, const mr_access_question *question);
// In cx->arena, in the order in which they were made.
mr_acl *mr_access_acls(mr_access *access, const mr_acl *filter, uint32_t *ret_count, mr_cx *cx);
mr_code mr_access_add(mr_access *access, const mr_acl *acls, uint32_t count, mr_cx *cx);
mr_code mr_access_remove(mr_access *access, const mr_acl *filters, uint32_t count, mr_cx *cx);
bool mr_access_fits(const mr_acl *filter, const mr_acl *acl);
