// Group: its parts and what can be asked about them; the events are in group_join.c and
// group_rebalance.c. See group.h.

#include "broker/group.h"

#include <string.h>

static const char *const group_state_names[] = {
    [MR_GROUP_EMPTY] = "Empty",
    [MR_GROUP_PREPARING] = "PreparingRebalance",
    [MR_GROUP_COMPLETING] = "CompletingRebalance",
    [MR_GROUP_STABLE] = "Stable",
    [MR_GROUP_DEAD] = "Dead",
};

const char *mr_group_state_name(mr_group_state state) {
    return group_state_names[state];
}

// ---- spans on the heap -----------------------------------------------------------------------

// An empty span that is owned points at a constant; NULL stays NULL.
static void disown(mr_span text) {
    if (text.bytes > 0) {
        mr_heap_free((void *)(uintptr_t)text.data);
    }
}

void mr_group_set(mr_span *field, mr_span value) {
    mr_span before = *field;
    if (value.data == NULL) {
        *field = (mr_span){0};
    } else if (value.bytes == 0) {
        *field = (mr_span){"", 0};
    } else {
        char *copy = mr_heap_raw(value.bytes);
        memcpy(copy, value.data, value.bytes);
        *field = (mr_span){copy, value.bytes};
    }
    disown(before);
}

// ---- life ------------------------------------------------------------------------------------

mr_group *mr_group_new(mr_span id, int64_t wall_ms) {
    mr_group *group = mr_heap_alloc(sizeof(*group));
    mr_group_set(&group->id, id.data == NULL ? MR_SPAN("") : id);
    group->state = MR_GROUP_EMPTY;
    group->state_ms = wall_ms;
    group->join_due_us = group->sync_due_us = group->due_us = MR_GROUP_NEVER;
    group->stored_at = group->committed_at = -1;
    return group;
}

void mr_group_retire(mr_group *group, mr_group_member *member) {
    (void)group;
    disown(member->id);
    disown(member->instance);
    disown(member->client_id);
    disown(member->client_host);
    disown(member->assignment);
    mr_heap_free(member->protocols);
    mr_heap_free(member);
}

void mr_group_free(mr_group *group) {
    if (group == NULL) {
        return;
    }
    for (uint32_t i = 0; i < group->member_count; i++) {
        mr_group_retire(group, group->members[i]);
    }
    for (uint32_t i = 0; i < group->announced_count; i++) {
        disown(group->announced[i].id);
    }
    for (uint32_t i = 0; i < group->pending_count; i++) {
        mr_group_offsets_release(&group->pending[i].offsets);
    }
    mr_group_offsets_release(&group->offsets);
    mr_heap_free(group->members);
    mr_heap_free(group->announced);
    mr_heap_free(group->pending);
    disown(group->id);
    disown(group->protocol_type);
    disown(group->protocol);
    mr_heap_free(group);
}

void mr_group_set_state(mr_group *group, mr_group_state state, int64_t wall_ms) {
    group->state = state;
    group->state_ms = wall_ms;
}

// ---- members ---------------------------------------------------------------------------------

mr_group_member *mr_group_member_of(const mr_group *group, mr_span id) {
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (mr_span_equal(group->members[i]->id, id)) {
            return group->members[i];
        }
    }
    return NULL;
}

mr_group_member *mr_group_static_member_of(const mr_group *group, mr_span instance) {
    for (uint32_t i = 0; i < group->member_count; i++) {
        mr_group_member *member = group->members[i];
        if (member->instance.data != NULL && mr_span_equal(member->instance, instance)) {
            return member;
        }
    }
    return NULL;
}

void mr_group_set_protocols(mr_group_member *member, const mr_group_protocol *protocols,
                            uint32_t count) {
    size_t bytes = sizeof(*protocols) * count;
    for (uint32_t i = 0; i < count; i++) {
        bytes += protocols[i].name.bytes + protocols[i].metadata.bytes;
    }
    mr_group_protocol *copy = mr_heap_raw(bytes + 1);
    char *at = (char *)(copy + count);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = (mr_group_protocol){{at, protocols[i].name.bytes}, {0}};
        memcpy(at, protocols[i].name.data, protocols[i].name.bytes);
        at += protocols[i].name.bytes;
        copy[i].metadata = (mr_span){at, protocols[i].metadata.bytes};
        memcpy(at, protocols[i].metadata.data, protocols[i].metadata.bytes);
        at += protocols[i].metadata.bytes;
    }
    mr_heap_free(member->protocols);
    member->protocols = copy;
    member->protocol_count = count;
}

mr_group_member *mr_group_add(mr_group *group, const mr_group_join_ask *ask, mr_span id) {
    mr_assert(ask->instance.data == NULL || !mr_group_static_member_of(group, ask->instance));
    if (group->member_count == 0) {
        mr_group_set(&group->protocol_type, ask->protocol_type);
    }
    mr_group_member *member = mr_heap_alloc(sizeof(*member));
    mr_group_set(&member->id, id);
    mr_group_set(&member->instance, ask->instance);
    mr_group_set(&member->client_id, ask->client_id);
    mr_group_set(&member->client_host, ask->client_host);
    member->rebalance_timeout_ms = ask->rebalance_timeout_ms;
    member->session_timeout_ms = ask->session_timeout_ms;
    mr_group_set_protocols(member, ask->protocols, ask->protocol_count);
    member->assignment = (mr_span){"", 0};
    member->expires_us = MR_GROUP_NEVER;
    if (group->member_count == group->member_capacity) {
        group->member_capacity = group->member_capacity == 0 ? 4 : group->member_capacity * 2;
        group->members =
            mr_heap_resize(group->members, sizeof(*group->members) * group->member_capacity);
    }
    group->members[group->member_count++] = member;
    if (group->leader == NULL) {
        group->leader = member;
    }
    mr_group_unannounce(group, id);
    return member;
}

void mr_group_remove(mr_group *group, mr_group_member *member) {
    uint32_t index = 0;
    while (group->members[index] != member) {
        index++;
        mr_assert(index < group->member_count);
    }
    memmove(&group->members[index], &group->members[index + 1],
            sizeof(*group->members) * (group->member_count - index - 1));
    group->member_count--;
    if (member->join != 0) {
        group->joined_count--;
    }
    if (group->leader == member) {
        group->leader = group->member_count > 0 ? group->members[0] : NULL;
    }
    mr_group_retire(group, member);
}

void mr_group_arm(mr_group *group, mr_group_member *member, int64_t expires_us) {
    member->expires_us = expires_us;
    group->due_us = MR_MIN(group->due_us, expires_us);
}

bool mr_group_is_announced(const mr_group *group, mr_span id) {
    for (uint32_t i = 0; i < group->announced_count; i++) {
        if (mr_span_equal(group->announced[i].id, id)) {
            return true;
        }
    }
    return false;
}

void mr_group_announce(mr_group *group, mr_span id, int64_t expires_us) {
    group->announced =
        mr_heap_resize(group->announced, sizeof(*group->announced) * (group->announced_count + 1));
    mr_group_announced *entry = &group->announced[group->announced_count++];
    *entry = (mr_group_announced){.expires_us = expires_us};
    mr_group_set(&entry->id, id);
    group->due_us = MR_MIN(group->due_us, expires_us);
}

bool mr_group_unannounce(mr_group *group, mr_span id) {
    for (uint32_t i = 0; i < group->announced_count; i++) {
        if (mr_span_equal(group->announced[i].id, id)) {
            disown(group->announced[i].id);
            group->announced[i] = group->announced[--group->announced_count];
            return true;
        }
    }
    return false;
}

bool mr_group_joins_all(const mr_group *group) {
    return group->joined_count == group->member_count && group->announced_count == 0;
}

// ---- protocols -------------------------------------------------------------------------------

static bool member_supports(const mr_group_member *member, mr_span name) {
    for (uint32_t i = 0; i < member->protocol_count; i++) {
        if (mr_span_equal(member->protocols[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool all_support(const mr_group *group, mr_span name) {
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (!member_supports(group->members[i], name)) {
            return false;
        }
    }
    return true;
}

bool mr_group_fits(const mr_group *group, mr_span type, const mr_group_protocol *protocols,
                   uint32_t count) {
    if (group->state == MR_GROUP_EMPTY) {
        return type.bytes > 0 && count > 0;
    }
    if (group->protocol_type.data == NULL || !mr_span_equal(group->protocol_type, type)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (all_support(group, protocols[i].name)) {
            return true;
        }
    }
    return false;
}

// The first of a member's protocols that all support.
static mr_span vote_of(const mr_group *group, const mr_group_member *member) {
    for (uint32_t i = 0; i < member->protocol_count; i++) {
        if (all_support(group, member->protocols[i].name)) {
            return member->protocols[i].name;
        }
    }
    return (mr_span){0};
}

mr_span mr_group_choose_protocol(const mr_group *group) {
    mr_assert(group->member_count > 0);
    // Candidates are among the first member's; of equal ones its own order decides.
    const mr_group_member *first = group->members[0];
    mr_span best = {0};
    uint32_t best_votes = 0;
    for (uint32_t i = 0; i < first->protocol_count; i++) {
        mr_span name = first->protocols[i].name;
        if (!all_support(group, name)) {
            continue;
        }
        uint32_t votes = 0;
        for (uint32_t j = 0; j < group->member_count; j++) {
            votes += mr_span_equal(vote_of(group, group->members[j]), name);
        }
        if (best.data == NULL || votes > best_votes) {
            best = name;
            best_votes = votes;
        }
    }
    return best;
}

mr_span mr_group_metadata_of(const mr_group *group, const mr_group_member *member) {
    for (uint32_t i = 0; group->protocol.data != NULL && i < member->protocol_count; i++) {
        if (mr_span_equal(member->protocols[i].name, group->protocol)) {
            return member->protocols[i].metadata;
        }
    }
    return (mr_span){0};
}

// ---- subscriptions ---------------------------------------------------------------------------

bool mr_group_is_consumers(const mr_group *group) {
    return group->protocol_type.data != NULL && mr_span_is(group->protocol_type, "consumer");
}

static bool take_int(mr_span *in, size_t bytes, int32_t *ret) {
    if (in->bytes < bytes) {
        return false;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | (uint8_t)in->data[i];
    }
    *ret = bytes == 2 ? (int16_t)value : (int32_t)value;
    *in = (mr_span){in->data + bytes, in->bytes - bytes};
    return true;
}

// The consumer protocol's subscription begins in every version with its version and its topics.
//   ret_reads  whether `topic` is among them      false when it cannot be read
static bool subscription_reads(mr_span in, mr_span topic, bool *ret_reads) {
    int32_t version = 0, count = 0;
    if (!take_int(&in, 2, &version) || version < 0 || !take_int(&in, 4, &count) || count < 0) {
        return false;
    }
    for (int32_t i = 0; i < count; i++) {
        int32_t bytes = 0;
        if (!take_int(&in, 2, &bytes) || bytes < 0 || (size_t)bytes > in.bytes) {
            return false;
        }
        *ret_reads |= mr_span_equal((mr_span){in.data, (size_t)bytes}, topic);
        in = (mr_span){in.data + bytes, in.bytes - (size_t)bytes};
    }
    return true;
}

// false: unknown.
static bool group_reads(const mr_group *group, mr_span topic, bool *ret_reads) {
    *ret_reads = false;
    if (!mr_group_is_consumers(group)) {
        return false;
    }
    for (uint32_t i = 0; i < group->member_count; i++) {
        mr_span metadata = mr_group_metadata_of(group, group->members[i]);
        if (metadata.data == NULL || !subscription_reads(metadata, topic, ret_reads)) {
            return false;
        }
    }
    return true;
}

bool mr_group_reads_topic(const mr_group *group, mr_span topic) {
    bool reads = false;
    return group_reads(group, topic, &reads) ? reads : mr_group_is_consumers(group);
}

bool mr_group_knows_topics(const mr_group *group) {
    bool reads = false;
    return group_reads(group, MR_SPAN(""), &reads);
}

// ---- checks ----------------------------------------------------------------------------------

int16_t mr_group_check_member(const mr_group *group, mr_span id, mr_span instance) {
    if (instance.data != NULL) {
        const mr_group_member *known = mr_group_static_member_of(group, instance);
        if (known == NULL) {
            return MR_KAFKA_UNKNOWN_MEMBER_ID;
        }
        if (!mr_span_equal(known->id, id)) {
            return MR_KAFKA_FENCED_INSTANCE_ID;
        }
    }
    return mr_group_member_of(group, id) == NULL ? MR_KAFKA_UNKNOWN_MEMBER_ID : MR_KAFKA_NONE;
}

int16_t mr_group_check_commit(const mr_group *group, mr_span id, mr_span instance,
                              int32_t generation, bool transactional) {
    if (generation < 0 && group->state == MR_GROUP_EMPTY) {
        return MR_KAFKA_NONE;  // Of an administrator, or a consumer that assigns itself.
    }
    if (generation >= 0 || id.bytes > 0 || instance.data != NULL) {
        int16_t error = mr_group_check_member(group, id, instance);
        if (error != MR_KAFKA_NONE) {
            return error;
        }
        if (generation != group->generation) {
            return MR_KAFKA_ILLEGAL_GENERATION;
        }
    } else if (!transactional && group->state != MR_GROUP_EMPTY) {
        return MR_KAFKA_UNKNOWN_MEMBER_ID;
    }
    if (!transactional && group->state == MR_GROUP_COMPLETING) {
        return MR_KAFKA_REBALANCE_IN_PROGRESS;
    }
    return MR_KAFKA_NONE;
}

// ---- pending offsets -------------------------------------------------------------------------

mr_group_offsets *mr_group_pending_of(mr_group *group, int64_t producer_id, bool make) {
    for (uint32_t i = 0; i < group->pending_count; i++) {
        if (group->pending[i].producer_id == producer_id) {
            return &group->pending[i].offsets;
        }
    }
    if (!make) {
        return NULL;
    }
    group->pending =
        mr_heap_resize(group->pending, sizeof(*group->pending) * (group->pending_count + 1));
    mr_group_pending *entry = &group->pending[group->pending_count++];
    *entry = (mr_group_pending){.producer_id = producer_id};
    return &entry->offsets;
}

void mr_group_pending_drop(mr_group *group, int64_t producer_id) {
    for (uint32_t i = 0; i < group->pending_count; i++) {
        if (group->pending[i].producer_id == producer_id) {
            mr_group_offsets_release(&group->pending[i].offsets);
            group->pending[i] = group->pending[--group->pending_count];
            return;
        }
    }
}

bool mr_group_is_pending(const mr_group *group, mr_span topic, int32_t partition) {
    for (uint32_t i = 0; i < group->pending_count; i++) {
        if (mr_group_offsets_get(&group->pending[i].offsets, topic, partition) != NULL) {
            return true;
        }
    }
    return false;
}
