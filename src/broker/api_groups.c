// Api groups: what members of a group ask: JoinGroup, SyncGroup, Heartbeat, LeaveGroup.
//
// The rules are the group's (group.h); here is who may ask, what a request of each version means,
// and what is waited for.
//
// Also: mr_api_

#include "broker/api.h"
#include "broker/groups_state.h"

static mr_span copied(mr_call *call, mr_span text) {
    return text.data == NULL
               ? text
               : (mr_span){mr_arena_copy(call->arena, text.data, text.bytes), text.bytes};
}

// Before version 7 a name could not be null.
static mr_span or_empty(mr_span text, bool nullable) {
    return text.data == NULL && !nullable ? MR_SPAN("") : text;
}

// What is wrong with a request before any group is looked at.
static int16_t check_group(const mr_call *call, mr_span group) {
    if (!mr_call_may(call, MR_OPERATION_READ, MR_RESOURCE_GROUP, group)) {
        return MR_KAFKA_GROUP_AUTHORIZATION_FAILED;
    }
    return group.bytes == 0 ? MR_KAFKA_INVALID_GROUP_ID : MR_KAFKA_NONE;
}

// ---- JoinGroup -------------------------------------------------------------------------------

static void join_fail(mr_call *call, int16_t error) {
    const mr_wire_join_group_request *request = call->request;
    mr_wire_join_group_response *response = call->response;
    mr_wire_clear(&mr_schema_join_group_response, response);
    response->error_code = error;
    response->generation_id = -1;
    response->protocol_name = or_empty((mr_span){0}, call->head.version >= 7);
    response->leader = MR_SPAN("");
    response->member_id = request->member_id;
}

static void join_fill(mr_call *call, const mr_group_answer *answer) {
    mr_wire_join_group_response *response = call->response;
    join_fail(call, answer->error);
    response->generation_id = answer->generation;
    response->protocol_type = copied(call, answer->protocol_type);
    response->protocol_name = copied(call, or_empty(answer->protocol, call->head.version >= 7));
    response->leader = copied(call, answer->leader);
    response->member_id = copied(call, answer->member_id);
    response->skip_assignment = answer->skip_assignment;
    response->members = MR_NEW_ARRAY(call->arena, mr_wire_join_group_member, answer->seat_count);
    response->members_count = (int32_t)answer->seat_count;
    for (uint32_t i = 0; i < answer->seat_count; i++) {
        const mr_group_seat *seat = &answer->seats[i];
        response->members[i] = (mr_wire_join_group_member){
            .member_id = copied(call, seat->id),
            .group_instance_id = copied(call, seat->instance),
            .metadata = copied(call, seat->metadata),
        };
    }
}

static int16_t check_join(const mr_call *call, const mr_wire_join_group_request *request) {
    int16_t error = check_group(call, request->group_id);
    if (error != MR_KAFKA_NONE) {
        return error;
    }
    const mr_broker_settings *settings = mr_broker_settings_of(call->broker);
    int64_t session_us = (int64_t)request->session_timeout_ms * 1000;
    return session_us < settings->group_session_min_us ||
                   session_us > settings->group_session_max_us
               ? MR_KAFKA_INVALID_SESSION_TIMEOUT
               : MR_KAFKA_NONE;
}

static mr_group_join_ask join_ask(mr_call *call, const mr_wire_join_group_request *request) {
    mr_group_protocol *protocols =
        MR_NEW_ARRAY(call->arena, mr_group_protocol, (size_t)request->protocols_count);
    for (int32_t i = 0; i < request->protocols_count; i++) {
        protocols[i] =
            (mr_group_protocol){request->protocols[i].name, request->protocols[i].metadata};
    }
    const char *host = mr_client_host(call->client);
    return (mr_group_join_ask){
        .member_id = request->member_id,
        .instance = request->group_instance_id,
        .client_id = mr_span_of(mr_client_id(call)),
        .client_host = mr_span_of(mr_arena_printf(call->arena, "/%s", host)),
        .protocol_type = request->protocol_type,
        .protocols = protocols,
        .protocol_count = (uint32_t)request->protocols_count,
        .session_timeout_ms = request->session_timeout_ms,
        // Version 0 has none. Less than the session would put out members that live.
        .rebalance_timeout_ms = call->head.version == 0 ? request->session_timeout_ms
                                                        : MR_MAX(request->rebalance_timeout_ms,
                                                                 request->session_timeout_ms),
        .needs_known_id = call->head.version >= 4,
        .may_skip = call->head.version >= 9,
    };
}

void mr_api_join_group(mr_call *call, mr_cx *cx) {
    const mr_wire_join_group_request *request = call->request;
    mr_groups *groups = mr_broker_groups(call->broker);
    int16_t error = check_join(call, request);
    error = error != MR_KAFKA_NONE ? error : mr_groups_ready(groups, cx);
    if (error != MR_KAFKA_NONE) {
        join_fail(call, error);
        return;
    }
    mr_group_join_ask ask = join_ask(call, request);
    mr_groups_lock(groups, cx);
    mr_group *group = mr_groups_get(groups, request->group_id);
    if (group == NULL && request->member_id.bytes > 0) {
        mr_groups_unlock(groups, request->group_id);
        join_fail(call, MR_KAFKA_UNKNOWN_MEMBER_ID);
        return;
    }
    group = mr_groups_obtain(groups, request->group_id);
    ask.token = ++groups->tokens;
    mr_group_join(group, &ask, &groups->host);
    mr_groups_tidy(groups, group);
    mr_groups_own(groups, ask.token);
    mr_groups_unlock(groups, request->group_id);
    mr_groups_await(call, ask.token, request->group_id, join_fill, join_fail, cx);
}

// ---- SyncGroup -------------------------------------------------------------------------------

static void sync_fail(mr_call *call, int16_t error) {
    mr_wire_sync_group_response *response = call->response;
    mr_wire_clear(&mr_schema_sync_group_response, response);
    response->error_code = error;
    response->assignment = MR_SPAN("");
}

static void sync_fill(mr_call *call, const mr_group_answer *answer) {
    mr_wire_sync_group_response *response = call->response;
    sync_fail(call, answer->error);
    response->protocol_type = copied(call, answer->protocol_type);
    response->protocol_name = copied(call, answer->protocol);
    response->assignment = copied(call, answer->assignment);
}

void mr_api_sync_group(mr_call *call, mr_cx *cx) {
    const mr_wire_sync_group_request *request = call->request;
    mr_groups *groups = mr_broker_groups(call->broker);
    int16_t error = check_group(call, request->group_id);
    // From version 5 on a client must say what it has chosen.
    if (error == MR_KAFKA_NONE && call->head.version >= 5 &&
        (request->protocol_type.data == NULL || request->protocol_name.data == NULL)) {
        error = MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    }
    if (error != MR_KAFKA_NONE) {
        sync_fail(call, error);
        return;
    }
    mr_group_share *shares =
        MR_NEW_ARRAY(call->arena, mr_group_share, (size_t)request->assignments_count);
    for (int32_t i = 0; i < request->assignments_count; i++) {
        shares[i] =
            (mr_group_share){request->assignments[i].member_id, request->assignments[i].assignment};
    }
    mr_group_sync_ask ask = {
        .member_id = request->member_id,
        .instance = request->group_instance_id,
        .generation = request->generation_id,
        .protocol_type = request->protocol_type,
        .protocol = request->protocol_name,
        .shares = shares,
        .share_count = (uint32_t)request->assignments_count,
    };
    mr_groups_lock(groups, cx);
    mr_group *group = mr_groups_get(groups, request->group_id);
    ask.token = ++groups->tokens;
    if (group != NULL) {
        mr_group_sync(group, &ask, &groups->host);
        mr_groups_own(groups, ask.token);
    }
    mr_groups_unlock(groups, request->group_id);
    if (group == NULL) {
        sync_fail(call, MR_KAFKA_UNKNOWN_MEMBER_ID);
        return;
    }
    mr_groups_await(call, ask.token, request->group_id, sync_fill, sync_fail, cx);
}

// ---- Heartbeat -------------------------------------------------------------------------------

void mr_api_heartbeat(mr_call *call, mr_cx *cx) {
    const mr_wire_heartbeat_request *request = call->request;
    mr_wire_heartbeat_response *response = call->response;
    mr_groups *groups = mr_broker_groups(call->broker);
    response->error_code = check_group(call, request->group_id);
    if (response->error_code != MR_KAFKA_NONE) {
        return;
    }
    mr_groups_lock(groups, cx);
    mr_group *group = mr_groups_get(groups, request->group_id);
    response->error_code =
        group == NULL ? MR_KAFKA_UNKNOWN_MEMBER_ID
                      : mr_group_heartbeat(group, request->member_id, request->group_instance_id,
                                           request->generation_id, &groups->host);
    mr_groups_unlock(groups, request->group_id);
}

// ---- LeaveGroup ------------------------------------------------------------------------------

// One member before version 3.
static void leave_members(mr_call *call, mr_wire_leave_group_response *response) {
    const mr_wire_leave_group_request *request = call->request;
    bool one = call->head.version < 3;
    int32_t count = one ? 1 : request->members_count;
    response->members = MR_NEW_ARRAY(call->arena, mr_wire_leave_group_done, (size_t)count);
    response->members_count = count;
    for (int32_t i = 0; i < count; i++) {
        response->members[i] = (mr_wire_leave_group_done){
            .member_id = one ? request->member_id : request->members[i].member_id,
            .group_instance_id = one ? (mr_span){0} : request->members[i].group_instance_id,
            .error_code = MR_KAFKA_UNKNOWN_MEMBER_ID,
        };
    }
}

void mr_api_leave_group(mr_call *call, mr_cx *cx) {
    const mr_wire_leave_group_request *request = call->request;
    mr_wire_leave_group_response *response = call->response;
    mr_groups *groups = mr_broker_groups(call->broker);
    response->error_code = check_group(call, request->group_id);
    if (response->error_code != MR_KAFKA_NONE) {
        return;
    }
    leave_members(call, response);
    mr_groups_lock(groups, cx);
    mr_group *group = mr_groups_get(groups, request->group_id);
    bool left = false;
    for (int32_t i = 0; group != NULL && i < response->members_count; i++) {
        mr_wire_leave_group_done *done = &response->members[i];
        done->error_code =
            mr_group_leave(group, done->member_id, done->group_instance_id, &groups->host);
        left |= done->error_code == MR_KAFKA_NONE;
    }
    if (left) {
        mr_group_left(group, &groups->host);
        mr_groups_tidy(groups, group);
    }
    mr_groups_unlock(groups, request->group_id);
    if (call->head.version < 3) {
        response->error_code = response->members[0].error_code;
    }
}
