// Group case: a consumer group with a clock and a log that the test moves, and what clients send.

#pragma once

#include "broker/group.h"

#include <stdio.h>
#include <string.h>

#include "runner.h"

#define SECOND    INT64_C(1000000)
#define SESSION   10  // Seconds.
#define REBALANCE 60
#define NONE      MR_KAFKA_NONE
#define NULL_SPAN ((mr_span){0})

typedef struct fixture {
    mr_group_host host;
    mr_group *group;
    uint64_t tokens;
    uint64_t random;
    int64_t stored;       // Records so far.
    int16_t store_error;  // Of the next store.
    int32_t stored_generation;
    uint32_t stored_members;
    char stored_assignments[256];
} fixture;

static inline int16_t fake_store(mr_group_host *host, const mr_group *group, int64_t *ret_offset) {
    fixture *f = host->self;
    if (f->store_error != NONE) {
        return f->store_error;
    }
    f->stored_generation = group->generation;
    f->stored_members = group->member_count;
    f->stored_assignments[0] = '\0';
    for (uint32_t i = 0; i < group->member_count; i++) {
        size_t at = strlen(f->stored_assignments);
        (void)snprintf(f->stored_assignments + at, sizeof(f->stored_assignments) - at, "%.*s|",
                       MR_SPAN_ARGS(group->members[i]->assignment));
    }
    *ret_offset = f->stored++;
    return NONE;
}

static inline uint64_t fake_random(mr_group_host *host) {
    fixture *f = host->self;
    return f->random += UINT64_C(0x9E3779B97F4A7C15);
}

static inline void fixture_init(fixture *f) {
    *f = (fixture){0};
    f->host = (mr_group_host){
        .initial_delay_us = 3 * SECOND,
        .newcomer_timeout_us = 300 * SECOND,
        .size_max = UINT32_MAX,
        .now_us = 1000 * SECOND,
        .wall_ms = 1700000000000,
        .store = fake_store,
        .random = fake_random,
        .self = f,
    };
    f->group = mr_group_new(MR_SPAN("orders"), f->host.wall_ms);
}

static inline void fixture_release(fixture *f) {
    mr_group_answer_drop(&f->host, MR_GROUP_NEVER);
    mr_group_free(f->group);
}

// Time goes by, in steps: what is due is done at its time.
static inline void pass(fixture *f, int64_t seconds) {
    int64_t until = f->host.now_us + seconds * SECOND;
    while (f->group->due_us <= until) {
        f->host.now_us = MR_MAX(f->host.now_us, f->group->due_us);
        mr_group_expire(f->group, &f->host);
    }
    f->host.now_us = until;
}

// ---- what clients send -----------------------------------------------------------------------

typedef struct person {
    char id[96];
    const char *instance;   // NULL = dynamic.
    const char *protocols;  // "range,roundrobin": each with itself for metadata.
    uint64_t token;         // Of what it waits for.
} person;

static inline person somebody(const char *instance) {
    return (person){.instance = instance, .protocols = "range"};
}

static inline mr_span span_or_null(const char *text) {
    return text == NULL ? NULL_SPAN : mr_span_of(text);
}

static inline mr_group_join_ask join_ask(fixture *f, const person *p,
                                         mr_group_protocol *protocols) {
    uint32_t count = 0;
    for (const char *at = p->protocols; *at != '\0';) {
        size_t bytes = strcspn(at, ",");
        const char *equals = memchr(at, '=', bytes);  // "range=metadata"
        size_t name = equals == NULL ? bytes : (size_t)(equals - at);
        protocols[count].name = (mr_span){at, name};
        protocols[count].metadata =
            equals == NULL ? (mr_span){at, bytes} : (mr_span){equals + 1, bytes - name - 1};
        count++;
        at += bytes + (at[bytes] == ',');
    }
    return (mr_group_join_ask){
        .token = ++f->tokens,
        .member_id = mr_span_of(p->id),
        .instance = span_or_null(p->instance),
        .client_id = MR_SPAN("app"),
        .client_host = MR_SPAN("/127.0.0.1"),
        .protocol_type = MR_SPAN("consumer"),
        .protocols = protocols,
        .protocol_count = count,
        .session_timeout_ms = SESSION * 1000,
        .rebalance_timeout_ms = REBALANCE * 1000,
        .needs_known_id = true,
        .may_skip = true,
    };
}

static inline void join(fixture *f, person *p) {
    mr_group_protocol protocols[8];
    mr_group_join_ask ask = join_ask(f, p, protocols);
    p->token = ask.token;
    mr_group_join(f->group, &ask, &f->host);
}

// The answer that a person waits for; NULL while there is none.
static inline mr_group_answer *answer_of(fixture *f, const person *p) {
    return mr_group_answer_take(&f->host, p->token);
}

static inline bool waits(fixture *f, const person *p) {
    mr_group_answer *answer = answer_of(f, p);
    mr_group_answer_free(answer);
    return answer == NULL;
}

static inline bool told(fixture *f, const person *p, int16_t error) {
    mr_group_answer *answer = answer_of(f, p);
    bool same = EXPECT(answer != NULL) && EXPECT_EQ(answer->error, error);
    mr_group_answer_free(answer);
    return same;
}

static inline void take_id(person *p, const mr_group_answer *answer) {
    (void)snprintf(p->id, sizeof(p->id), "%.*s", MR_SPAN_ARGS(answer->member_id));
}

// A join that is answered with this generation; -1: with whatever.  ret seats, -1 = no answer
static inline int joined(fixture *f, person *p, int32_t generation) {
    mr_group_answer *answer = answer_of(f, p);
    if (!EXPECT(answer != NULL) || !EXPECT_EQ(answer->error, NONE)) {
        mr_group_answer_free(answer);
        return -1;
    }
    EXPECT_EQ(answer->generation, generation);
    take_id(p, answer);
    int seats = (int)answer->seat_count;
    mr_group_answer_free(answer);
    return seats;
}

// Asks for an id and then joins with it, as clients since 2.2 do.
static inline void enter(fixture *f, person *p) {
    join(f, p);
    if (p->instance == NULL) {
        mr_group_answer *answer = answer_of(f, p);
        if (EXPECT(answer != NULL) && EXPECT_EQ(answer->error, MR_KAFKA_MEMBER_ID_REQUIRED)) {
            take_id(p, answer);
        }
        mr_group_answer_free(answer);
        join(f, p);
    }
}

static inline void sync_as(fixture *f, person *p, int32_t generation, const mr_group_share *shares,
                           uint32_t count) {
    mr_group_sync_ask ask = {
        .token = ++f->tokens,
        .member_id = mr_span_of(p->id),
        .instance = span_or_null(p->instance),
        .generation = generation,
        .shares = shares,
        .share_count = count,
    };
    p->token = ask.token;
    mr_group_sync(f->group, &ask, &f->host);
}

static inline bool assigned(fixture *f, const person *p, const char *assignment) {
    mr_group_answer *answer = answer_of(f, p);
    char text[96] = "no answer";
    if (EXPECT(answer != NULL) && EXPECT_EQ(answer->error, NONE)) {
        (void)snprintf(text, sizeof(text), "%.*s", MR_SPAN_ARGS(answer->assignment));
    }
    mr_group_answer_free(answer);
    return EXPECT_STR(text, assignment);
}

static inline int16_t beat(fixture *f, const person *p, int32_t generation) {
    return mr_group_heartbeat(f->group, mr_span_of(p->id), span_or_null(p->instance), generation,
                              &f->host);
}

static inline int16_t leave(fixture *f, const person *p) {
    int16_t error =
        mr_group_leave(f->group, mr_span_of(p->id), span_or_null(p->instance), &f->host);
    if (error == NONE) {
        mr_group_left(f->group, &f->host);
    }
    return error;
}

// A stable group of `count` people with assignments "p0", "p1" … in generation `count`, since each
// that enters rebalances it; the first leads.
static inline void settle(fixture *f, person *people, uint32_t count) {
    mr_group_share shares[8];
    char names[8][16];
    for (uint32_t i = 0; i < count; i++) {
        enter(f, &people[i]);
        for (uint32_t j = 0; j < i; j++) {
            join(f, &people[j]);
        }
        for (uint32_t j = 0; j <= i; j++) {
            EXPECT_EQ(joined(f, &people[j], (int32_t)i + 1), j == 0 ? (int)i + 1 : 0);
        }
        for (uint32_t j = i; j > 0; j--) {
            sync_as(f, &people[j], (int32_t)i + 1, NULL, 0);
        }
        for (uint32_t j = 0; j <= i; j++) {
            (void)snprintf(names[j], sizeof(names[j]), "p%u", j);
            shares[j] = (mr_group_share){mr_span_of(people[j].id), mr_span_of(names[j])};
        }
        sync_as(f, &people[0], (int32_t)i + 1, shares, i + 1);
        for (uint32_t j = 0; j <= i; j++) {
            assigned(f, &people[j], names[j]);
        }
    }
    EXPECT_EQ(f->group->state, MR_GROUP_STABLE);
}
