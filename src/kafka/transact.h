// Transact: rows to a topic, a transaction at a time, each published exactly once.
//
// How: a transaction holds the rows and, as the metadata of an offset that it commits for a group
// of its own, a token that says which rows these were. After a failure or a crash the producer is
// fenced anew, which ends whatever was open; then the group's token says whether the rows are
// there. So a caller that keeps its rows until publish has succeeded loses none and doubles none.
// Transactions are open only while they are published: a cluster ends those that are old. Over our
// own link: a plain cluster, or the broker of this process. Threads: one at a time.
// Source: KIP-98, KIP-447.

#pragma once

#include "base/option.h"
#include "codec/record_batch.h"
#include "port/embedded.h"

typedef struct mr_transact mr_transact;

typedef struct mr_transact_options {
    const char *bootstrap_servers;
    mr_embedded *embedded;  // The broker of this process is meant; else NULL.
    const char *topic;
    int32_t partitions;        // Of a topic that has to be made; -1 = the broker's default.
    const char *topic_config;  // The same; may be NULL.
    const char *id;            // Transactional id, and the group of the token.
    mr_compression compression;
    int64_t timeout_us;  // Of a call, and of reaching the cluster.
} mr_transact_options;

// Connects, and makes the topic when it is missing.
//   errors  MR_E_NETWORK naming the address, MR_E_OPTION
mr_code mr_transact_open(const mr_transact_options *options, mr_transact **ret, mr_cx *cx);
void mr_transact_close(mr_transact *transact);  // Takes NULL.

// What the token says about a publication.
typedef enum mr_transact_last {
    MR_TRANSACT_OTHER,  // Another one was the last, or it is known without looking.
    MR_TRANSACT_DONE,   // It is there already: nothing is to be added, and nothing was begun.
    MR_TRANSACT_NONE,   // There is no token: the first one ever, or the cluster forgot it: it keeps
                        // the offsets of a group that is quiet for some days only.
} mr_transact_last;

// One publication: begin, add…, commit. Any error ends the transaction; begin may then be called
// again.
//   errors  MR_E_NETWORK with MR_RETRY; MR_E_LOCKED when another producer of this id has come
mr_code mr_transact_begin(mr_transact *transact, const char *token, mr_transact_last *ret_last,
                          mr_cx *cx);
typedef struct mr_transact_row {
    mr_span key;  // data NULL = null, as value. It decides the partition, as in Java's clients.
    mr_span value;
    const mr_record_header *headers;
    uint32_t header_count;
} mr_transact_row;
mr_code mr_transact_add(mr_transact *transact, const mr_transact_row *row, mr_cx *cx);
// Gives up: the next begin ends what is open.
void mr_transact_abandon(mr_transact *transact);
mr_code mr_transact_commit(mr_transact *transact, mr_cx *cx);
