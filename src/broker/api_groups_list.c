// Api groups list: what administrators ask about groups: ListGroups, DescribeGroups, DeleteGroups.
//
// Also: mr_api_

#include "broker/api.h"
#include "broker/groups_state.h"

#define GROUP_TYPE "classic"

static mr_span copied(mr_call *call, mr_span text) {
    return text.data == NULL
               ? MR_SPAN("")
               : (mr_span){mr_arena_copy(call->arena, text.data, text.bytes), text.bytes};
}

static bool may(const mr_call *call, mr_operation operation, mr_span group) {
    return mr_call_may(call, operation, MR_RESOURCE_GROUP, group);
}

// ---- ListGroups ------------------------------------------------------------------------------

static bool names(const mr_span *filter, int32_t count, const char *name) {
    for (int32_t i = 0; i < count; i++) {
        if (mr_span_equal_nocase(mr_span_trim(filter[i]), mr_span_of(name))) {
            return true;
        }
    }
    return count <= 0;
}

void mr_api_list_groups(mr_call *call, mr_cx *cx) {
    const mr_wire_list_groups_request *request = call->request;
    mr_wire_list_groups_response *response = call->response;
    mr_groups *groups = mr_broker_groups(call->broker);
    bool all_allowed =
        mr_call_may(call, MR_OPERATION_DESCRIBE, MR_RESOURCE_CLUSTER, MR_SPAN("kafka-cluster"));
    mr_groups_lock(groups, cx);
    mr_group **all = mr_groups_sorted(groups, call->arena);
    response->groups = MR_NEW_ARRAY(call->arena, mr_wire_list_groups_group, groups->count);
    for (uint32_t i = 0; i < groups->count; i++) {
        const char *state = mr_group_state_name(all[i]->state);
        if (names(request->states_filter, request->states_filter_count, state) &&
            names(request->types_filter, request->types_filter_count, GROUP_TYPE)) {
            response->groups[response->groups_count++] = (mr_wire_list_groups_group){
                .group_id = copied(call, all[i]->id),
                .protocol_type = copied(call, all[i]->protocol_type),
                .group_state = mr_span_of(state),
                .group_type = MR_SPAN(GROUP_TYPE),
            };
        }
    }
    mr_groups_unlock(groups, MR_SPAN(""));
    int32_t count = 0;
    for (int32_t i = 0; i < response->groups_count; i++) {
        if (all_allowed || may(call, MR_OPERATION_DESCRIBE, response->groups[i].group_id)) {
            response->groups[count++] = response->groups[i];
        }
    }
    response->groups_count = count;
}

// ---- DescribeGroups --------------------------------------------------------------------------

static void describe_members(mr_call *call, const mr_group *group,
                             mr_wire_describe_groups_group *out) {
    bool stable = group->state == MR_GROUP_STABLE;
    out->protocol_data = stable ? copied(call, group->protocol) : MR_SPAN("");
    out->members = MR_NEW_ARRAY(call->arena, mr_wire_describe_groups_member, group->member_count);
    out->members_count = (int32_t)group->member_count;
    for (uint32_t i = 0; i < group->member_count; i++) {
        const mr_group_member *member = group->members[i];
        out->members[i] = (mr_wire_describe_groups_member){
            .member_id = copied(call, member->id),
            .group_instance_id =
                member->instance.data == NULL ? (mr_span){0} : copied(call, member->instance),
            .client_id = copied(call, member->client_id),
            .client_host = copied(call, member->client_host),
            .member_metadata =
                stable ? copied(call, mr_group_metadata_of(group, member)) : MR_SPAN(""),
            .member_assignment = copied(call, member->assignment),
        };
    }
}

static int32_t operations_on(const mr_call *call, mr_span group) {
    static const mr_operation all[] = {
        MR_OPERATION_READ,          MR_OPERATION_DELETE,
        MR_OPERATION_DESCRIBE,      MR_OPERATION_DESCRIBE_CONFIGS,
        MR_OPERATION_ALTER_CONFIGS,
    };
    int32_t bits = 0;
    for (size_t i = 0; i < MR_COUNT(all); i++) {
        bits |= may(call, all[i], group) ? 1 << all[i] : 0;
    }
    return bits;
}

static void describe_one(mr_call *call, mr_span id, mr_wire_describe_groups_group *out) {
    const mr_wire_describe_groups_request *request = call->request;
    mr_wire_clear(&mr_schema_describe_groups_group, out);
    out->group_id = id;
    out->group_state = out->protocol_type = out->protocol_data = MR_SPAN("");
    if (!may(call, MR_OPERATION_DESCRIBE, id)) {
        out->error_code = MR_KAFKA_GROUP_AUTHORIZATION_FAILED;
        return;
    }
    const mr_group *group = mr_groups_get(mr_broker_groups(call->broker), id);
    out->group_state =
        mr_span_of(mr_group_state_name(group == NULL ? MR_GROUP_DEAD : group->state));
    if (group != NULL) {
        out->protocol_type = copied(call, group->protocol_type);
        describe_members(call, group, out);
    } else if (call->head.version >= 6) {
        out->error_code = MR_KAFKA_GROUP_ID_NOT_FOUND;
        out->error_message =
            mr_span_of(mr_arena_printf(call->arena, "Group %.*s not found.", MR_SPAN_ARGS(id)));
    }
    if (request->include_authorized_operations) {
        out->authorized_operations = operations_on(call, id);
    }
}

void mr_api_describe_groups(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_groups_request *request = call->request;
    mr_wire_describe_groups_response *response = call->response;
    mr_groups *groups = mr_broker_groups(call->broker);
    int32_t count = request->groups_count;
    response->groups = MR_NEW_ARRAY(call->arena, mr_wire_describe_groups_group, (size_t)count);
    response->groups_count = count;
    mr_groups_lock(groups, cx);
    for (int32_t i = 0; i < count; i++) {
        describe_one(call, request->groups[i], &response->groups[i]);
    }
    mr_groups_unlock(groups, MR_SPAN(""));
}

// ---- DeleteGroups ----------------------------------------------------------------------------

static void delete_fail(mr_call *call, int16_t error) {
    mr_wire_delete_groups_response *response = call->response;
    for (int32_t i = 0; i < response->results_count; i++) {
        mr_wire_delete_groups_done *done = &response->results[i];
        done->error_code = done->error_code == MR_KAFKA_NONE ? error : done->error_code;
    }
}

static int16_t delete_one(mr_call *call, mr_span id, int64_t *ret_after) {
    mr_groups *groups = mr_broker_groups(call->broker);
    mr_group *group = mr_groups_get(groups, id);
    if (!may(call, MR_OPERATION_DELETE, id)) {
        return MR_KAFKA_GROUP_AUTHORIZATION_FAILED;
    }
    if (group == NULL) {
        return MR_KAFKA_GROUP_ID_NOT_FOUND;
    }
    if (group->state != MR_GROUP_EMPTY) {
        return MR_KAFKA_NON_EMPTY_GROUP;
    }
    mr_groups_change change = mr_groups_all_gone(group, call->arena);
    return mr_groups_write(groups, group, &change, ret_after);
}

void mr_api_delete_groups(mr_call *call, mr_cx *cx) {
    const mr_wire_delete_groups_request *request = call->request;
    mr_wire_delete_groups_response *response = call->response;
    mr_groups *groups = mr_broker_groups(call->broker);
    int32_t count = request->groups_names_count;
    response->results = MR_NEW_ARRAY(call->arena, mr_wire_delete_groups_done, (size_t)count);
    response->results_count = count;
    int64_t last = -1;
    mr_groups_lock(groups, cx);
    for (int32_t i = 0; i < count; i++) {
        int64_t after = -1;
        response->results[i] = (mr_wire_delete_groups_done){
            .group_id = request->groups_names[i],
            .error_code = delete_one(call, request->groups_names[i], &after),
        };
        last = MR_MAX(last, after);
    }
    mr_groups_unlock(groups, MR_SPAN(""));
    mr_groups_settle(call, last, delete_fail, cx);
}
