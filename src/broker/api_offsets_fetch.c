// Api offsets fetch: OffsetFetch: what groups have committed.
//
// An answer waits until the last commit of its groups is durable, so nobody goes on from a place
// that a power cut takes back. With require_stable a partition with an offset of an open
// transaction is UNSTABLE_OFFSET_COMMIT, and the client asks again.
//
// Also: mr_api_

#include "broker/api.h"
#include "broker/groups_state.h"

#define NO_OFFSET (-1)

// One group of a request, in the form of version 8; earlier versions have one.
typedef struct fetch {
    mr_call *call;
    const mr_group *group;  // NULL = none.
    bool stable;
} fetch;

static mr_wire_offset_fetch_found found_one(const fetch *f, mr_span topic, int32_t partition) {
    mr_wire_offset_fetch_found out = {
        .partition_index = partition,
        .committed_offset = NO_OFFSET,
        .committed_leader_epoch = -1,
        .metadata = MR_SPAN(""),
    };
    if (f->group == NULL) {
        return out;
    }
    if (f->stable && mr_group_is_pending(f->group, topic, partition)) {
        out.error_code = MR_KAFKA_UNSTABLE_OFFSET_COMMIT;
        return out;
    }
    const mr_group_offset *offset = mr_group_offsets_get(&f->group->offsets, topic, partition);
    if (offset != NULL) {
        out.committed_offset = offset->offset;
        out.committed_leader_epoch = offset->leader_epoch;
        out.metadata =
            (mr_span){mr_arena_copy(f->call->arena, offset->metadata.data, offset->metadata.bytes),
                      offset->metadata.bytes};
    }
    return out;
}

static bool may_see(const mr_call *call, mr_span topic) {
    return mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_TOPIC, topic);
}

static void find_asked(const fetch *f, const mr_wire_offset_fetch_topic *topics, int32_t count,
                       mr_wire_offset_fetch_found_group *out) {
    out->topics = MR_NEW_ARRAY(f->call->arena, mr_wire_offset_fetch_found_topic, (size_t)count);
    out->topics_count = count;
    for (int32_t i = 0; i < count; i++) {
        const mr_wire_offset_fetch_topic *asked = &topics[i];
        mr_wire_offset_fetch_found_topic *topic = &out->topics[i];
        bool allowed = may_see(f->call, asked->name);
        topic->name = asked->name;
        topic->partitions_count = asked->partition_indexes_count;
        topic->partitions = MR_NEW_ARRAY(f->call->arena, mr_wire_offset_fetch_found,
                                         (size_t)topic->partitions_count);
        for (int32_t j = 0; j < topic->partitions_count; j++) {
            fetch none = {.call = f->call};
            topic->partitions[j] =
                found_one(allowed ? f : &none, asked->name, asked->partition_indexes[j]);
            if (!allowed) {
                topic->partitions[j].error_code = MR_KAFKA_TOPIC_AUTHORIZATION_FAILED;
            }
        }
    }
}

static void find_all(const fetch *f, mr_wire_offset_fetch_found_group *out) {
    const mr_group_offsets *offsets = &f->group->offsets;
    out->topics = MR_NEW_ARRAY(f->call->arena, mr_wire_offset_fetch_found_topic, offsets->count);
    for (uint32_t i = 0; i < offsets->count; i++) {
        const mr_group_topic *from = &offsets->topics[i];
        if (!may_see(f->call, from->name)) {
            continue;
        }
        mr_wire_offset_fetch_found_topic *topic = &out->topics[out->topics_count++];
        topic->name = (mr_span){mr_arena_copy(f->call->arena, from->name.data, from->name.bytes),
                                from->name.bytes};
        topic->partitions = MR_NEW_ARRAY(f->call->arena, mr_wire_offset_fetch_found, from->count);
        topic->partitions_count = (int32_t)from->count;
        for (uint32_t j = 0; j < from->count; j++) {
            topic->partitions[j] = found_one(f, from->name, from->items[j].partition);
        }
    }
}

// ret  the offset behind which the log must be durable
static int64_t find_group(mr_call *call, const mr_wire_offset_fetch_group *asked,
                          mr_wire_offset_fetch_found_group *out) {
    const mr_wire_offset_fetch_request *request = call->request;
    out->group_id = asked->group_id;
    if (!mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_GROUP, asked->group_id)) {
        out->error_code = MR_KAFKA_GROUP_AUTHORIZATION_FAILED;
        return -1;
    }
    fetch f = {
        .call = call,
        .group = mr_groups_get(mr_broker_groups(call->broker), asked->group_id),
        .stable = request->require_stable,
    };
    if (asked->topics_count >= 0) {
        find_asked(&f, asked->topics, asked->topics_count, out);
    } else if (f.group != NULL) {
        find_all(&f, out);
    }
    return f.group == NULL ? -1 : f.group->committed_at;
}

// Before version 8 the one group is the response itself, before 2 an error is each partition's.
static void flatten(mr_call *call) {
    const mr_wire_offset_fetch_request *request = call->request;
    mr_wire_offset_fetch_response *response = call->response;
    mr_wire_offset_fetch_found_group *group = response->groups;
    if (call->head.version < 2 && group->error_code != MR_KAFKA_NONE) {
        fetch none = {.call = call};
        find_asked(&none, request->topics, request->topics_count, group);
        for (int32_t i = 0; i < group->topics_count; i++) {
            for (int32_t j = 0; j < group->topics[i].partitions_count; j++) {
                group->topics[i].partitions[j].error_code = group->error_code;
            }
        }
    }
    response->topics = group->topics;
    response->topics_count = group->topics_count;
    response->error_code = group->error_code;
}

static void fetch_fail(mr_call *call, int16_t error) {
    mr_wire_offset_fetch_response *response = call->response;
    // Clients before 3.9 try only this one again.
    (void)error;
    for (int32_t i = 0; i < response->groups_count; i++) {
        mr_wire_offset_fetch_found_group *group = &response->groups[i];
        if (group->error_code == MR_KAFKA_NONE) {
            group->error_code = MR_KAFKA_NOT_COORDINATOR;
            group->topics_count = 0;
        }
    }
    if (call->head.version < 8) {
        flatten(call);
    }
}

void mr_api_offset_fetch(mr_call *call, mr_cx *cx) {
    const mr_wire_offset_fetch_request *request = call->request;
    mr_wire_offset_fetch_response *response = call->response;
    mr_groups *groups = mr_broker_groups(call->broker);
    bool one = call->head.version < 8;
    mr_wire_offset_fetch_group single = {
        .group_id = request->group_id,
        .topics = request->topics,
        // Before version 2 there was no way to ask for all.
        .topics_count =
            call->head.version < 2 ? MR_MAX(request->topics_count, 0) : request->topics_count,
    };
    const mr_wire_offset_fetch_group *asked = one ? &single : request->groups;
    int32_t count = one ? 1 : request->groups_count;
    response->groups = MR_NEW_ARRAY(call->arena, mr_wire_offset_fetch_found_group, (size_t)count);
    response->groups_count = count;
    int64_t last = -1;
    mr_groups_lock(groups, cx);
    for (int32_t i = 0; i < count; i++) {
        int64_t after = find_group(call, &asked[i], &response->groups[i]);
        last = MR_MAX(last, after);
    }
    mr_groups_unlock(groups, MR_SPAN(""));
    if (one) {
        flatten(call);
    }
    if (groups->partition != NULL && mr_log_offline(groups->partition->log, NULL)) {
        // What was committed may not have been read: "none" would send the group back.
        fetch_fail(call, MR_KAFKA_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    mr_groups_settle(call, last, fetch_fail, cx);
}
