// Broker history: what clients of a simulated broker were told, and what must then be true.
//
// The same invariants as tests/e2e/record_history.py, over a machine that loses what was not
// synced.

#pragma once

#include "broker/broker.h"
#include "plat/sim.h"

#define TOPIC_PARTITIONS 3  // Of the one topic "t".
#define WRITES_MAX       20000
#define ENDS_MAX         8000
#define SEEN_MAX         40000

typedef enum write_state { WRITE_SENT, WRITE_ACKED } write_state;
typedef enum end_state { END_OPEN, END_COMMITTED, END_ABORTED, END_UNKNOWN } end_state;

// A record; its value is its number in the list.
typedef struct history_write {
    int32_t client;
    int32_t partition;
    int32_t end;  // The transaction that it is of, -1 = none.
    write_state state;
    int64_t offset;
} history_write;

typedef struct history_seen {
    int32_t partition;
    int32_t write;
    int64_t offset;
} history_seen;

typedef struct history {
    history_write *writes;
    int32_t write_count;
    end_state *ends;
    int32_t end_count;
    history_seen *seen;  // By a read_committed reader that follows.
    int32_t seen_count;
    uint64_t offset_count;  // That were committed with a transaction.
    const char *why;        // The first thing that must not be; NULL = none.
    mr_arena *arena;
} history;

void history_init(history *h, mr_arena *arena);
void history_wrong(history *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
int32_t history_write_new(history *h, int32_t by, int32_t partition, int32_t end);
int32_t history_end_new(history *h);
// Compares with what is there in the end: two readings of all partitions.
void history_check(history *h, const history_seen *all, int32_t all_count,
                   const history_seen *committed, int32_t committed_count);

// ---- clients ---------------------------------------------------------------------------------

typedef struct world world;
typedef struct client client;

// A request that is under way, and what came of it.
typedef struct asking {
    mr_call *call;  // NULL = none.
    int16_t key;
    int16_t version;
} asking;

struct world {
    mr_arena arena;  // Of the whole life; what one step needs is in `scratch`.
    mr_arena scratch;
    mr_cx cx;
    mr_plat *plat;
    mr_broker *broker;  // NULL = down.
    uint64_t random;
    uint64_t last_fault;  // The operation that it strikes.
    history history;
    client *clients;
    uint32_t client_count;
    bool quiet;  // Clients finish what they have begun, and begin nothing.
};

uint32_t world_draw(world *w, uint32_t below);
// Sends; false when the machine went down meanwhile.
bool world_send(world *w, asking *a, int16_t key, int16_t version, const void *request);
// Whether the answer is there; then it is in *ret. a->call is NULL then, and when all went down.
bool world_take(world *w, asking *a, void *ret);
// The same at once, for the checks in the end.
mr_code world_ask(world *w, int16_t key, int16_t version, const void *request, void *ret);

void clients_make(world *w);
void clients_step(world *w);            // One of them does one thing.
void clients_lose_calls(world *w);      // The broker went down.
bool clients_are_done(const world *w);  // While quiet.
// In the end: offsets of groups are what was promised.
void clients_check(world *w);

// Reads a partition to its end as a consumer does, from *offset on.  false  not now
typedef struct reading {
    int64_t offset[TOPIC_PARTITIONS];
    bool committed;
    history_seen *seen;
    int32_t *count;
} reading;
void reading_request(const reading *r, int32_t partition, world *w, void *ret_fetch_request);
void reading_take(reading *r, world *w, const void *fetch_response);
