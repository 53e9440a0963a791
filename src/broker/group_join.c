// Group join: what members ask for: join, sync, heartbeat, leave; see group.h.
//
// Also: mr_group_

#include "broker/group.h"

#include <string.h>

// ---- answers ---------------------------------------------------------------------------------

static void refuse_join(mr_group_host *host, const mr_group_join_ask *ask, int16_t error,
                        mr_span member_id) {
    mr_group_answer *answer = mr_group_answer_new(host, ask->token, error);
    answer->member_id =
        (mr_span){mr_arena_copy(&answer->arena, member_id.data, member_id.bytes), member_id.bytes};
}

// <client id or instance>-<uuid>, in the scratch of an answer's size.
static mr_span make_member_id(const mr_group_join_ask *ask, mr_text *out, mr_group_host *host) {
    uint64_t high = host->random(host), low = host->random(host);
    mr_span front = ask->instance.data != NULL ? ask->instance : ask->client_id;
    mr_text_add_bytes(out, front.data, front.bytes);
    mr_text_addf(out, "-%08x-%04x-4%03x-%04x-%012llx", (unsigned)(high >> 32),
                 (unsigned)(high >> 16 & 0xFFFF), (unsigned)(high & 0xFFF),
                 (unsigned)(0x8000 | (low >> 48 & 0x3FFF)),
                 (unsigned long long)(low & 0xFFFFFFFFFFFF));
    return mr_text_span(out);
}

// ---- join ------------------------------------------------------------------------------------

// A join that waited is overtaken by a later one of the same member.
static void wait_for_join(mr_group *group, mr_group_member *member, uint64_t token,
                          mr_group_host *host) {
    if (member->join != 0) {
        (void)mr_group_answer_new(host, member->join, MR_KAFKA_REBALANCE_IN_PROGRESS);
    } else {
        group->joined_count++;
    }
    member->join = token;
}

static void add_member(mr_group *group, const mr_group_join_ask *ask, mr_span id,
                       mr_group_host *host) {
    if (group->state == MR_GROUP_PREPARING && group->initial) {
        group->newcomer = true;
    }
    mr_group_member *member = mr_group_add(group, ask, id);
    member->is_new = true;
    wait_for_join(group, member, ask->token, host);
    // It knows no id yet, and so cannot send heartbeats; but it must not wait for ever either.
    mr_group_arm(group, member, host->now_us + host->newcomer_timeout_us);
    mr_group_rebalance(group, host);
}

static void update_member(mr_group *group, mr_group_member *member, const mr_group_join_ask *ask,
                          mr_group_host *host) {
    mr_group_set_protocols(member, ask->protocols, ask->protocol_count);
    member->rebalance_timeout_ms = ask->rebalance_timeout_ms;
    member->session_timeout_ms = ask->session_timeout_ms;
    wait_for_join(group, member, ask->token, host);
}

static bool has_protocols(const mr_group_member *member, const mr_group_join_ask *ask) {
    if (member->protocol_count != ask->protocol_count) {
        return false;
    }
    for (uint32_t i = 0; i < ask->protocol_count; i++) {
        if (!mr_span_equal(member->protocols[i].name, ask->protocols[i].name) ||
            !mr_span_equal(member->protocols[i].metadata, ask->protocols[i].metadata)) {
            return false;
        }
    }
    return true;
}

// Puts a new id in the place of a static member's, who came back without knowing it. Who still uses
// the old one is fenced.  ret the old member, taken out of the group
static mr_group_member *replace_static(mr_group *group, mr_group_member *old, mr_span id,
                                       mr_group_host *host) {
    if (old->join != 0) {
        refuse_join(host, &(mr_group_join_ask){.token = old->join}, MR_KAFKA_FENCED_INSTANCE_ID,
                    old->id);
        old->join = 0;
        group->joined_count--;
    }
    if (old->sync != 0) {
        (void)mr_group_answer_new(host, old->sync, MR_KAFKA_FENCED_INSTANCE_ID);
        old->sync = 0;
    }
    uint32_t index = 0;
    while (group->members[index] != old) {
        index++;
    }
    mr_group_member *member = mr_heap_alloc(sizeof(*member));
    *member = *old;
    member->id = member->instance = member->client_id = member->client_host = (mr_span){0};
    member->assignment = (mr_span){0};
    member->protocols = NULL;
    mr_group_set(&member->id, id);
    mr_group_set(&member->instance, old->instance);
    mr_group_set(&member->client_id, old->client_id);
    mr_group_set(&member->client_host, old->client_host);
    mr_group_set(&member->assignment, old->assignment);
    mr_group_set_protocols(member, old->protocols, old->protocol_count);
    group->members[index] = member;
    if (group->leader == old) {
        group->leader = member;
    }
    return old;
}

// The old member again, after its successor could not be stored.
static void restore_static(mr_group *group, mr_group_member *member, mr_group_member *old,
                           mr_group_host *host) {
    uint32_t index = 0;
    while (group->members[index] != member) {
        index++;
    }
    group->members[index] = old;
    if (group->leader == member) {
        group->leader = old;
    }
    if (member->join != 0) {
        group->joined_count--;
    }
    mr_group_retire(group, member);
    mr_group_arm_session(group, old, host);
}

// A static member that came back while the group is stable, and with which the protocol stays:
// no rebalance, the assignment of its former self is still its own.
static void rejoin_stable(mr_group *group, mr_group_member *member, mr_group_member *old,
                          const mr_group_join_ask *ask, mr_group_host *host) {
    int64_t offset = -1;
    int16_t error = host->store(host, group, &offset);
    if (error != MR_KAFKA_NONE) {
        refuse_join(host, ask, error, MR_SPAN(""));
        restore_static(group, member, old, host);
        return;
    }
    group->stored_at = offset;
    bool leads = group->leader == member;
    mr_group_answer *answer = mr_group_answer_join(group, member, ask->token, host);
    answer->after = offset;
    if (ask->may_skip) {
        answer->skip_assignment = leads;
    } else {
        // A leader that does not know skip_assignment would assign anew: it must think that it
        // follows.
        answer->seat_count = 0;
        if (leads) {
            answer->leader = (mr_span){mr_arena_copy(&answer->arena, old->id.data, old->id.bytes),
                                       old->id.bytes};
        }
    }
    member->join = 0;
    group->joined_count--;
    mr_group_retire(group, old);
}

static void join_known_static(mr_group *group, mr_group_member *known, const mr_group_join_ask *ask,
                              mr_span id, mr_group_host *host) {
    mr_group_member *old = replace_static(group, known, id, host);
    mr_group_member *member = mr_group_member_of(group, id);
    mr_group_arm_session(group, member, host);
    update_member(group, member, ask, host);
    if (group->state == MR_GROUP_STABLE &&
        mr_span_equal(mr_group_choose_protocol(group), group->protocol)) {
        rejoin_stable(group, member, old, ask, host);
        return;
    }
    mr_group_retire(group, old);
    // While COMPLETING the leader may already assign to the old id: all must come again.
    mr_group_rebalance(group, host);
}

static void join_new(mr_group *group, const mr_group_join_ask *ask, mr_group_host *host) {
    if (!mr_group_fits(group, ask->protocol_type, ask->protocols, ask->protocol_count)) {
        refuse_join(host, ask, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL, MR_SPAN(""));
        return;
    }
    mr_text text = {0};
    mr_span id = make_member_id(ask, &text, host);
    mr_group_member *known =
        ask->instance.data == NULL ? NULL : mr_group_static_member_of(group, ask->instance);
    if (known != NULL) {
        join_known_static(group, known, ask, id, host);
    } else if (ask->instance.data == NULL && ask->needs_known_id) {
        mr_group_announce(group, id, host->now_us + (int64_t)ask->session_timeout_ms * 1000);
        refuse_join(host, ask, MR_KAFKA_MEMBER_ID_REQUIRED, id);
    } else {
        add_member(group, ask, id, host);
    }
    mr_text_release(&text);
}

static void join_again(mr_group *group, mr_group_member *member, const mr_group_join_ask *ask,
                       mr_group_host *host) {
    bool same = has_protocols(member, ask);
    switch (group->state) {
    case MR_GROUP_PREPARING: break;
    case MR_GROUP_COMPLETING:
        if (same) {  // The answer before was lost.
            (void)mr_group_answer_join(group, member, ask->token, host);
            return;
        }
        break;
    case MR_GROUP_STABLE:
        // A leader that joins again wants a new assignment: topics have changed, say.
        if (same && member != group->leader) {
            (void)mr_group_answer_join(group, member, ask->token, host);
            return;
        }
        break;
    case MR_GROUP_EMPTY:
    case MR_GROUP_DEAD: refuse_join(host, ask, MR_KAFKA_UNKNOWN_MEMBER_ID, ask->member_id); return;
    }
    update_member(group, member, ask, host);
    mr_group_rebalance(group, host);
}

// In a rebalance those who wait are counted, so that after the limit was lowered the last to come
// are turned away; else all members.
static bool has_room(const mr_group *group, const mr_group_member *member,
                     const mr_group_host *host) {
    switch (group->state) {
    case MR_GROUP_PREPARING:
        return (member != NULL && member->join != 0) || group->joined_count < host->size_max;
    case MR_GROUP_COMPLETING:
    case MR_GROUP_STABLE: return member != NULL || group->member_count < host->size_max;
    case MR_GROUP_EMPTY:
    case MR_GROUP_DEAD: break;
    }
    return true;
}

void mr_group_join(mr_group *group, const mr_group_join_ask *ask, mr_group_host *host) {
    mr_group_member *member = mr_group_member_of(group, ask->member_id);
    if (!has_room(group, member, host)) {
        refuse_join(host, ask, MR_KAFKA_GROUP_MAX_SIZE_REACHED, MR_SPAN(""));
        if (member != NULL) {
            mr_group_remove(group, member);
        }
        (void)mr_group_unannounce(group, ask->member_id);
        if (group->state == MR_GROUP_PREPARING) {
            mr_group_rebalance(group, host);  // It was perhaps the last that was waited for.
        }
        return;
    }
    if (ask->member_id.bytes == 0) {
        join_new(group, ask, host);
        return;
    }
    if (!mr_group_fits(group, ask->protocol_type, ask->protocols, ask->protocol_count)) {
        refuse_join(host, ask, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL, ask->member_id);
        return;
    }
    if (mr_group_is_announced(group, ask->member_id)) {
        if (ask->instance.data != NULL) {  // Static members are not announced.
            refuse_join(host, ask, MR_KAFKA_UNKNOWN_SERVER_ERROR, ask->member_id);
            return;
        }
        add_member(group, ask, ask->member_id, host);
        return;
    }
    int16_t error = mr_group_check_member(group, ask->member_id, ask->instance);
    if (error != MR_KAFKA_NONE) {
        refuse_join(host, ask, error, ask->member_id);
        return;
    }
    join_again(group, member, ask, host);
}

// ---- sync ------------------------------------------------------------------------------------

static mr_span kept(mr_group_answer *answer, mr_span text) {
    return text.data == NULL
               ? text
               : (mr_span){mr_arena_copy(&answer->arena, text.data, text.bytes), text.bytes};
}

static void answer_sync(const mr_group *group, const mr_group_member *member, uint64_t token,
                        mr_group_host *host) {
    mr_group_answer *answer = mr_group_answer_new(host, token, MR_KAFKA_NONE);
    answer->after = group->stored_at;
    answer->protocol_type = kept(answer, group->protocol_type);
    answer->protocol = kept(answer, group->protocol);
    answer->assignment = kept(answer, member->assignment);
}

static bool differs(mr_span said, mr_span is) {
    return said.data != NULL && is.data != NULL && !mr_span_equal(said, is);
}

static int16_t check_sync(const mr_group *group, const mr_group_sync_ask *ask) {
    int16_t error = mr_group_check_member(group, ask->member_id, ask->instance);
    if (error != MR_KAFKA_NONE) {
        return error;
    }
    if (ask->generation != group->generation) {
        return MR_KAFKA_ILLEGAL_GENERATION;
    }
    if (differs(ask->protocol_type, group->protocol_type) ||
        differs(ask->protocol, group->protocol)) {
        return MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    }
    return group->state == MR_GROUP_PREPARING ? MR_KAFKA_REBALANCE_IN_PROGRESS : MR_KAFKA_NONE;
}

// The leader's assignment becomes everybody's, once the log has it.
static void assign(mr_group *group, const mr_group_sync_ask *ask, mr_group_host *host) {
    for (uint32_t i = 0; i < group->member_count; i++) {
        mr_group_set(&group->members[i]->assignment, MR_SPAN(""));
    }
    for (uint32_t i = 0; i < ask->share_count; i++) {
        mr_group_member *member = mr_group_member_of(group, ask->shares[i].member_id);
        if (member != NULL) {
            mr_span share = ask->shares[i].assignment;
            mr_group_set(&member->assignment, share.data == NULL ? MR_SPAN("") : share);
        }
    }
    int64_t state_ms = group->state_ms;
    mr_group_set_state(group, MR_GROUP_STABLE, host->wall_ms);
    int64_t offset = -1;
    int16_t error = host->store(host, group, &offset);
    if (error != MR_KAFKA_NONE) {
        mr_group_set_state(group, MR_GROUP_COMPLETING, state_ms);
        mr_group_refuse_syncs(group, error, host);
        mr_group_rebalance(group, host);
        return;
    }
    group->stored_at = offset;
    for (uint32_t i = 0; i < group->member_count; i++) {
        mr_group_member *member = group->members[i];
        if (member->sync != 0) {
            answer_sync(group, member, member->sync, host);
            member->sync = 0;
            mr_group_arm_session(group, member, host);
        }
    }
}

void mr_group_sync(mr_group *group, const mr_group_sync_ask *ask, mr_group_host *host) {
    int16_t error =
        group->state == MR_GROUP_EMPTY ? MR_KAFKA_UNKNOWN_MEMBER_ID : check_sync(group, ask);
    if (error != MR_KAFKA_NONE) {
        (void)mr_group_answer_new(host, ask->token, error);
        return;
    }
    mr_group_member *member = mr_group_member_of(group, ask->member_id);
    member->owes_sync = false;
    if (group->state == MR_GROUP_STABLE) {
        answer_sync(group, member, ask->token, host);
        return;
    }
    if (member->sync != 0) {
        (void)mr_group_answer_new(host, member->sync, MR_KAFKA_REBALANCE_IN_PROGRESS);
    }
    member->sync = ask->token;
    if (member == group->leader) {
        assign(group, ask, host);
    }
}

// ---- heartbeat, leave ------------------------------------------------------------------------

int16_t mr_group_heartbeat(mr_group *group, mr_span member_id, mr_span instance, int32_t generation,
                           mr_group_host *host) {
    int16_t error = mr_group_check_member(group, member_id, instance);
    if (error != MR_KAFKA_NONE) {
        return error;
    }
    if (generation != group->generation) {
        return MR_KAFKA_ILLEGAL_GENERATION;
    }
    mr_group_arm_session(group, mr_group_member_of(group, member_id), host);
    return group->state == MR_GROUP_PREPARING ? MR_KAFKA_REBALANCE_IN_PROGRESS : MR_KAFKA_NONE;
}

int16_t mr_group_leave(mr_group *group, mr_span member_id, mr_span instance, mr_group_host *host) {
    mr_group_member *member = NULL;
    if (member_id.bytes == 0) {  // An administrator knows the instance only.
        member = instance.data == NULL ? NULL : mr_group_static_member_of(group, instance);
        if (member == NULL) {
            return MR_KAFKA_UNKNOWN_MEMBER_ID;
        }
    } else if (mr_group_unannounce(group, member_id)) {
        return MR_KAFKA_NONE;
    } else {
        int16_t error = mr_group_check_member(group, member_id, instance);
        if (error != MR_KAFKA_NONE) {
            return error;
        }
        member = mr_group_member_of(group, member_id);
    }
    if (member->join != 0) {
        (void)mr_group_answer_new(host, member->join, MR_KAFKA_UNKNOWN_MEMBER_ID);
    }
    if (member->sync != 0) {
        (void)mr_group_answer_new(host, member->sync, MR_KAFKA_UNKNOWN_MEMBER_ID);
    }
    mr_group_remove(group, member);
    return MR_KAFKA_NONE;
}

void mr_group_left(mr_group *group, mr_group_host *host) {
    if (group->state != MR_GROUP_EMPTY) {
        mr_group_rebalance(group, host);
    }
}
