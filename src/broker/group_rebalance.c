// Group rebalance: how a rebalance begins and ends, and what time does to a group; see group.h.
//
// The first rebalance of an empty group ends as soon as everybody who has announced himself is
// there: a first member alone does not wait. (Kafka always waits group.initial.rebalance.delay.ms;
// the delay only saves rebalances when members of old clients, who announce nothing, start at the
// same time.)
//
// Also: mr_group_

#include "broker/group.h"

#define TIMEOUT_LEAST_MS 1000

// Never 0, whatever members said: a rebalance that is due at once again would never end.
static int64_t rebalance_timeout_us(const mr_group *group) {
    int64_t timeout_ms = TIMEOUT_LEAST_MS;
    for (uint32_t i = 0; i < group->member_count; i++) {
        timeout_ms = MR_MAX(timeout_ms, group->members[i]->rebalance_timeout_ms);
    }
    return timeout_ms * 1000;
}

static void set_join_due(mr_group *group, int64_t due_us) {
    group->join_due_us = due_us;
    group->due_us = MR_MIN(group->due_us, due_us);
}

// A leader who has joined; false when nobody has.
static bool elect_leader(mr_group *group) {
    if (group->leader != NULL && group->leader->join != 0) {
        return true;
    }
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->join != 0) {
            group->leader = group->members[i];
            return true;
        }
    }
    return false;
}

static void next_generation(mr_group *group, mr_group_host *host) {
    group->generation = group->generation == INT32_MAX ? 1 : group->generation + 1;
    bool empty = group->member_count == 0;
    mr_group_set(&group->protocol, empty ? (mr_span){0} : mr_group_choose_protocol(group));
    mr_group_set_state(group, empty ? MR_GROUP_EMPTY : MR_GROUP_COMPLETING, host->wall_ms);
    group->initial = false;
}

static void answer_joins(mr_group *group, mr_group_host *host) {
    for (uint32_t i = 0; i < group->member_count; i++) {
        mr_group_member *member = group->members[i];
        if (member->join != 0) {
            (void)mr_group_answer_join(group, member, member->join, host);
            member->join = 0;
            group->joined_count--;
        }
        mr_group_arm_session(group, member, host);
        member->is_new = false;
        member->owes_sync = true;
    }
    group->sync_due_us = host->now_us + rebalance_timeout_us(group);
    group->due_us = MR_MIN(group->due_us, group->sync_due_us);
}

// Who has not joined is put out (a static member stays, for its session), and the others are told
// of the new generation.
static void end_rebalance(mr_group *group, mr_group_host *host) {
    group->join_due_us = MR_GROUP_NEVER;
    for (uint32_t i = group->member_count; i-- > 0;) {
        mr_group_member *member = group->members[i];
        if (member->join == 0 && member->instance.data == NULL) {
            mr_group_remove(group, member);
        }
    }
    if (group->member_count > 0 && !elect_leader(group)) {
        // Static members only, and none is there: wait for their sessions to end.
        set_join_due(group, host->now_us + rebalance_timeout_us(group));
        return;
    }
    next_generation(group, host);
    if (group->state == MR_GROUP_EMPTY) {
        // If it is not stored, the generation before is found at the next start; it has no members
        // that live.
        int64_t offset = -1;
        if (host->store(host, group, &offset) == MR_KAFKA_NONE) {
            group->stored_at = offset;
        }
        return;
    }
    answer_joins(group, host);
}

void mr_group_refuse_syncs(mr_group *group, int16_t error, mr_group_host *host) {
    for (uint32_t i = 0; i < group->member_count; i++) {
        mr_group_member *member = group->members[i];
        mr_group_set(&member->assignment, MR_SPAN(""));
        if (member->sync != 0) {
            (void)mr_group_answer_new(host, member->sync, error);
            member->sync = 0;
            mr_group_arm_session(group, member, host);
        }
    }
}

static void begin_rebalance(mr_group *group, mr_group_host *host) {
    if (group->state == MR_GROUP_COMPLETING) {
        mr_group_refuse_syncs(group, MR_KAFKA_REBALANCE_IN_PROGRESS, host);
    }
    for (uint32_t i = 0; i < group->member_count; i++) {
        group->members[i]->owes_sync = false;
    }
    group->sync_due_us = MR_GROUP_NEVER;
    group->initial = group->state == MR_GROUP_EMPTY;
    group->newcomer = false;
    mr_group_set_state(group, MR_GROUP_PREPARING, host->wall_ms);
    if (mr_group_joins_all(group) || (group->initial && host->initial_delay_us == 0)) {
        end_rebalance(group, host);
    } else if (group->initial) {
        group->initial_left_us = MR_MAX(rebalance_timeout_us(group) - host->initial_delay_us, 0);
        set_join_due(group, host->now_us + host->initial_delay_us);
    } else {
        set_join_due(group, host->now_us + rebalance_timeout_us(group));
    }
}

void mr_group_rebalance(mr_group *group, mr_group_host *host) {
    if (group->state != MR_GROUP_PREPARING) {
        begin_rebalance(group, host);
    } else if (mr_group_joins_all(group)) {
        end_rebalance(group, host);
    }
}

// ---- time ------------------------------------------------------------------------------------

static void join_is_due(mr_group *group, mr_group_host *host) {
    if (group->initial && group->newcomer && group->initial_left_us > 0) {
        int64_t delay_us = MR_MIN(host->initial_delay_us, group->initial_left_us);
        group->newcomer = false;
        group->initial_left_us -= delay_us;
        set_join_due(group, host->now_us + delay_us);
        return;
    }
    end_rebalance(group, host);
}

static void sync_is_due(mr_group *group, mr_group_host *host) {
    group->sync_due_us = MR_GROUP_NEVER;
    if (group->state != MR_GROUP_COMPLETING && group->state != MR_GROUP_STABLE) {
        return;
    }
    bool lost = false;
    for (uint32_t i = group->member_count; i-- > 0;) {
        if (group->members[i]->owes_sync) {
            mr_group_remove(group, group->members[i]);
            lost = true;
        }
    }
    if (lost) {
        mr_group_rebalance(group, host);
    }
}

static void lose_member(mr_group *group, mr_group_member *member, mr_group_host *host) {
    if (!member->is_new && (member->join != 0 || member->sync != 0)) {
        member->expires_us = MR_GROUP_NEVER;  // Who waits is alive; armed again with the answer.
        return;
    }
    if (member->join != 0) {
        (void)mr_group_answer_new(host, member->join, MR_KAFKA_UNKNOWN_MEMBER_ID);
    }
    mr_group_remove(group, member);
    mr_group_rebalance(group, host);
}

// One thing that is due; false when nothing is.
static bool expire_one(mr_group *group, mr_group_host *host) {
    if (group->join_due_us <= host->now_us) {
        join_is_due(group, host);
        return true;
    }
    if (group->sync_due_us <= host->now_us) {
        sync_is_due(group, host);
        return true;
    }
    for (uint32_t i = 0; i < group->announced_count; i++) {
        if (group->announced[i].expires_us <= host->now_us) {
            (void)mr_group_unannounce(group, group->announced[i].id);
            if (group->state == MR_GROUP_PREPARING) {
                mr_group_rebalance(group, host);
            }
            return true;
        }
    }
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->expires_us <= host->now_us) {
            lose_member(group, group->members[i], host);
            return true;
        }
    }
    return false;
}

void mr_group_expire(mr_group *group, mr_group_host *host) {
    while (expire_one(group, host)) {
    }
    int64_t due_us = MR_MIN(group->join_due_us, group->sync_due_us);
    for (uint32_t i = 0; i < group->announced_count; i++) {
        due_us = MR_MIN(due_us, group->announced[i].expires_us);
    }
    for (uint32_t i = 0; i < group->member_count; i++) {
        due_us = MR_MIN(due_us, group->members[i]->expires_us);
    }
    group->due_us = due_us;
}

void mr_group_wake(mr_group *group, mr_group_host *host) {
    for (uint32_t i = 0; i < group->member_count; i++) {
        mr_group_arm_session(group, group->members[i], host);
    }
    if (group->member_count > host->size_max) {
        mr_group_rebalance(group, host);  // The limit was lowered: who comes first stays.
    }
}
