// Control of consumer groups: list, describe, delete, commit; see control_group.h.
//
// Also: mr_control_

#include "kafka/control_group.h"

#include <stdlib.h>
#include <string.h>

#include "codec/kafka_error.h"

#define COMMIT_VERSION_MAX 9  // Topics by their names, here and when offsets are fetched.
#define ASSIGNMENT_BYTES   ((size_t)16 << 20)

static const char *about(const char *what, mr_span name, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s group \"%.*s\"", what, MR_SPAN_ARGS(name));
}

// ---- list ------------------------------------------------------------------------------------

static int by_id(const void *a, const void *b) {
    return mr_span_compare(((const mr_control_group *)a)->id, ((const mr_control_group *)b)->id);
}

static mr_code list_node(mr_control *control, int32_t node, mr_wire_list_groups_response *ret,
                         mr_cx *cx) {
    mr_wire_list_groups_request request;
    mr_wire_clear(&mr_schema_list_groups_request, &request);
    mr_link_call call = {MR_KEY_list_groups, INT16_MAX, &request, ret};
    int64_t deadline_us = mr_control_deadline(control, cx);
    do {
        MR_TRY(mr_control_ask(control, node, &call, cx));
    } while (mr_control_again(ret->error_code, deadline_us, cx));
    return ret->error_code == 0
               ? MR_OK
               : mr_control_failed(ret->error_code, (mr_span){0}, "cannot list groups", cx);
}

mr_code mr_control_group_list(mr_control *control, mr_control_group **ret, uint32_t *ret_count,
                              mr_cx *cx) {
    uint32_t nodes = control->cluster.broker_count;
    mr_wire_list_groups_response *answers =
        MR_NEW_ARRAY(cx->arena, mr_wire_list_groups_response, nodes);
    size_t most = 0;
    for (uint32_t b = 0; b < nodes; b++) {
        MR_TRY(list_node(control, control->cluster.brokers[b]->node, &answers[b], cx));
        most += (size_t)answers[b].groups_count;
    }
    *ret = MR_NEW_ARRAY(cx->arena, mr_control_group, most + 1);
    *ret_count = 0;
    for (uint32_t b = 0; b < nodes; b++) {
        for (int32_t i = 0; i < answers[b].groups_count; i++) {
            const mr_wire_list_groups_group *g = &answers[b].groups[i];
            (*ret)[(*ret_count)++] = (mr_control_group){
                .id = g->group_id,
                .state = g->group_state,
                .kind = g->group_type,
                .protocol = g->protocol_type,
                .coordinator = control->cluster.brokers[b]->node,
            };
        }
    }
    qsort(*ret, *ret_count, sizeof(**ret), by_id);
    return MR_OK;
}

// ---- places ----------------------------------------------------------------------------------

// Places as they are found, by members and by commits; sorted and joined at the end.
typedef struct gather {
    mr_control_group *group;
    uint32_t capacity;
    mr_cx *cx;
} gather;

static mr_control_place *place_add(gather *g, mr_span topic, int32_t partition) {
    mr_control_group *group = g->group;
    if (group->place_count == g->capacity) {
        g->capacity = MR_MAX(g->capacity * 2, 16u);
        mr_control_place *wider = MR_NEW_ARRAY(g->cx->arena, mr_control_place, g->capacity);
        if (group->place_count > 0) {
            memcpy(wider, group->places, sizeof(*wider) * group->place_count);
        }
        group->places = wider;
    }
    mr_control_place *place = &group->places[group->place_count++];
    *place = (mr_control_place){.topic = topic,
                                .partition = partition,
                                .committed = -1,
                                .first = -1,
                                .next = -1,
                                .leader = MR_CLUSTER_NOBODY};
    return place;
}

static void places_add(gather *g, mr_span topic, const int32_t *partitions, int32_t count,
                       const mr_control_member *member) {
    for (int32_t i = 0; i < count; i++) {
        place_add(g, topic, partitions[i])->member = member;
    }
}

static int by_place(const void *a, const void *b) {
    const mr_control_place *x = a, *y = b;
    int order = mr_span_compare(x->topic, y->topic);
    return order != 0 ? order
           : x->partition != y->partition
               ? (x->partition < y->partition ? -1 : 1)
               : (x->committed < y->committed) - (x->committed > y->committed);
}

// One place a partition: the commit, with the member that reads it.
static void places_join(mr_control_group *group) {
    if (group->place_count > 0) {
        qsort(group->places, group->place_count, sizeof(*group->places), by_place);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < group->place_count; i++) {
        mr_control_place *before = kept == 0 ? NULL : &group->places[kept - 1];
        mr_control_place *p = &group->places[i];
        if (before == NULL || before->partition != p->partition ||
            !mr_span_equal(before->topic, p->topic)) {
            group->places[kept++] = *p;
        } else if (before->member == NULL) {
            before->member = p->member;
        }
    }
    group->place_count = kept;
}

// ---- members ---------------------------------------------------------------------------------

// A group of KIP-848. *ret_error GROUP_ID_NOT_FOUND: it is none.
static mr_code describe_consumer(mr_control *control, gather *g, int16_t *ret_error, mr_cx *cx) {
    mr_control_group *group = g->group;
    mr_wire_consumer_group_describe_request request = {&group->id, 1, false};
    mr_wire_consumer_group_describe_response response;
    mr_link_call call = {MR_KEY_consumer_group_describe, INT16_MAX, &request, &response};
    MR_TRY(mr_control_ask(control, group->coordinator, &call, cx));
    if (response.groups_count != 1) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "the answer to ConsumerGroupDescribe is another's");
    }
    const mr_wire_consumer_group_describe_group *found = response.groups;
    *ret_error = found->error_code;
    if (found->error_code != 0) {
        return MR_OK;
    }
    group->state = found->group_state;
    group->kind = MR_SPAN("consumer");
    group->protocol = MR_SPAN("consumer");
    group->assignor = found->assignor_name;
    group->member_count = found->members_count;
    group->members =
        MR_NEW_ARRAY(cx->arena, mr_control_member, (size_t)MR_MAX(found->members_count, 1));
    for (int32_t i = 0; i < found->members_count; i++) {
        const mr_wire_consumer_group_describe_member *m = &found->members[i];
        group->members[i] =
            (mr_control_member){m->member_id, m->instance_id, m->client_id, m->client_host};
        for (int32_t t = 0; t < m->assignment.topic_partitions_count; t++) {
            const mr_wire_consumer_group_describe_topic *topic = &m->assignment.topic_partitions[t];
            places_add(g, topic->topic_name, topic->partitions, topic->partitions_count,
                       &group->members[i]);
        }
    }
    return MR_OK;
}

static void take_assignment(gather *g, mr_span assignment, const mr_control_member *member) {
    mr_wire_consumer_protocol_assignment a;
    // Groups that are not of consumers have what they like here.
    if (!mr_span_is(g->group->protocol, "consumer") || assignment.bytes == 0 ||
        mr_wire_read_record(&mr_record_consumer_protocol_assignment, assignment, ASSIGNMENT_BYTES,
                            &a, g->cx) != MR_OK) {
        return;
    }
    for (int32_t t = 0; t < a.assigned_partitions_count; t++) {
        places_add(g, a.assigned_partitions[t].topic, a.assigned_partitions[t].partitions,
                   a.assigned_partitions[t].partitions_count, member);
    }
}

static mr_code describe_classic(mr_control *control, gather *g, int16_t *ret_error, mr_cx *cx) {
    mr_control_group *group = g->group;
    mr_wire_describe_groups_request request = {&group->id, 1, false};
    mr_wire_describe_groups_response response;
    mr_link_call call = {MR_KEY_describe_groups, INT16_MAX, &request, &response};
    MR_TRY(mr_control_ask(control, group->coordinator, &call, cx));
    if (response.groups_count != 1) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "the answer to DescribeGroups is another's");
    }
    const mr_wire_describe_groups_group *found = response.groups;
    *ret_error = found->error_code;
    if (found->error_code != 0) {
        return MR_OK;
    }
    group->state = found->group_state;
    group->kind = MR_SPAN("classic");
    group->protocol = found->protocol_type;
    group->assignor = found->protocol_data;
    group->member_count = found->members_count;
    group->members =
        MR_NEW_ARRAY(cx->arena, mr_control_member, (size_t)MR_MAX(found->members_count, 1));
    for (int32_t i = 0; i < found->members_count; i++) {
        const mr_wire_describe_groups_member *m = &found->members[i];
        group->members[i] =
            (mr_control_member){m->member_id, m->group_instance_id, m->client_id, m->client_host};
        take_assignment(g, m->member_assignment, &group->members[i]);
    }
    return MR_OK;
}

// State and members. A group that does not exist is "Dead".
static mr_code describe_members(mr_control *control, gather *g, mr_cx *cx) {
    int64_t deadline_us = mr_control_deadline(control, cx);
    int16_t error;
    do {
        MR_TRY(mr_control_coordinator(control, g->group->id, &g->group->coordinator, cx));
        error = MR_KAFKA_GROUP_ID_NOT_FOUND;
        mr_code code = describe_consumer(control, g, &error, cx);
        if (code != MR_OK && code != MR_E_UNSUPPORTED) {
            return code;
        }
        if (error == MR_KAFKA_GROUP_ID_NOT_FOUND || error == MR_KAFKA_UNSUPPORTED_VERSION) {
            MR_TRY(describe_classic(control, g, &error, cx));
        }
    } while (mr_control_again(error, deadline_us, cx));
    if (error == MR_KAFKA_GROUP_ID_NOT_FOUND) {
        g->group->state = MR_SPAN("Dead");
        return MR_OK;
    }
    return error == 0 ? MR_OK
                      : mr_control_failed(error, (mr_span){0},
                                          about("cannot look at", g->group->id, cx), cx);
}

// ---- what is committed -----------------------------------------------------------------------

static mr_code fetch_committed(mr_control *control, gather *g, mr_cx *cx) {
    mr_wire_offset_fetch_group row = {
        .group_id = g->group->id, .member_epoch = -1, .topics_count = -1};
    mr_wire_offset_fetch_request request = {.group_id = g->group->id,
                                            .topics_count = -1,
                                            .groups = &row,
                                            .groups_count = 1,
                                            .require_stable = false};
    mr_wire_offset_fetch_response response;
    mr_link_call call = {MR_KEY_offset_fetch, COMMIT_VERSION_MAX, &request, &response};
    int64_t deadline_us = mr_control_deadline(control, cx);
    int16_t error;
    do {
        MR_TRY(mr_control_ask(control, g->group->coordinator, &call, cx));
        error = response.groups_count > 0 ? response.groups[0].error_code : response.error_code;
    } while (mr_control_again(error, deadline_us, cx));
    if (error != 0 && error != MR_KAFKA_GROUP_ID_NOT_FOUND) {
        return mr_control_failed(error, (mr_span){0},
                                 about("cannot fetch the offsets of", g->group->id, cx), cx);
    }
    bool grouped = response.groups_count > 0;
    const mr_wire_offset_fetch_found_topic *topics =
        grouped ? response.groups[0].topics : response.topics;
    int32_t count = grouped ? response.groups[0].topics_count : response.topics_count;
    for (int32_t t = 0; t < count; t++) {
        for (int32_t p = 0; p < topics[t].partitions_count; p++) {
            const mr_wire_offset_fetch_found *found = &topics[t].partitions[p];
            if (found->error_code == 0 && found->committed_offset >= 0) {
                mr_control_place *place = place_add(g, topics[t].name, found->partition_index);
                place->committed = found->committed_offset;
                place->metadata = found->metadata;
            }
        }
    }
    return MR_OK;
}

// Leaders and bounds of places that are sorted.
mr_code mr_control_places_bound(mr_control *control, mr_control_place *places, uint32_t count,
                                mr_cx *cx) {
    mr_span *topics = MR_NEW_ARRAY(cx->arena, mr_span, count + 1);
    int32_t topic_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || !mr_span_equal(places[i].topic, places[i - 1].topic)) {
            topics[topic_count++] = places[i].topic;
        }
    }
    mr_wire_metadata_response response;
    MR_TRY(mr_control_metadata(control, topics, topic_count, &response, cx));
    for (uint32_t i = 0; i < count; i++) {
        for (int32_t t = 0; t < response.topics_count; t++) {
            const mr_wire_metadata_topic *topic = &response.topics[t];
            bool same = topic->error_code == 0 && mr_span_equal(topic->name, places[i].topic);
            for (int32_t p = 0; same && p < topic->partitions_count; p++) {
                if (topic->partitions[p].partition_index == places[i].partition) {
                    places[i].leader = topic->partitions[p].leader_id;
                }
            }
        }
    }
    mr_control_wish *wishes = MR_NEW_ARRAY(cx->arena, mr_control_wish, count + 1);
    for (int way = 0; way < 2; way++) {
        for (uint32_t i = 0; i < count; i++) {
            wishes[i] =
                (mr_control_wish){.topic = places[i].topic,
                                  .partition = places[i].partition,
                                  .leader = places[i].leader,
                                  .time_ms = way == 0 ? MR_CONTROL_EARLIEST : MR_CONTROL_LATEST};
        }
        MR_TRY(mr_control_offsets(control, wishes, count, cx));
        for (uint32_t i = 0; i < count; i++) {
            *(way == 0 ? &places[i].first : &places[i].next) =
                wishes[i].error == 0 ? wishes[i].offset : -1;
        }
    }
    return MR_OK;
}

static mr_code missing(mr_control *control, const char *name, mr_cx *cx) {
    mr_control_group *groups;
    uint32_t count;
    MR_TRY(mr_control_group_list(control, &groups, &count, cx));
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = mr_arena_copy(cx->arena, groups[i].id.data, groups[i].id.bytes);
    }
    return mr_fail(
        cx, MR_E_MISSING,
        mr_text_hint(name, names, count, "millrace group list shows what there is.", cx->arena),
        "there is no group \"%s\"", name);
}

mr_code mr_control_group_look(mr_control *control, const char *name, mr_control_group *ret,
                              mr_cx *cx) {
    *ret = (mr_control_group){.id = mr_span_of(name)};
    gather g = {.group = ret, .cx = cx};
    MR_TRY(describe_members(control, &g, cx));
    MR_TRY(fetch_committed(control, &g, cx));
    places_join(ret);
    return MR_OK;
}

mr_code mr_control_group_describe(mr_control *control, const char *name, mr_control_group *ret,
                                  mr_cx *cx) {
    MR_TRY(mr_control_group_look(control, name, ret, cx));
    if (mr_span_is(ret->state, "Dead") && ret->place_count == 0) {
        return missing(control, name, cx);
    }
    return mr_control_places_bound(control, ret->places, ret->place_count, cx);
}

// ---- changes ---------------------------------------------------------------------------------

mr_code mr_control_group_delete(mr_control *control, const char *name, mr_cx *cx) {
    mr_span id = mr_span_of(name);
    mr_wire_delete_groups_request request = {&id, 1};
    mr_wire_delete_groups_response response;
    mr_link_call call = {MR_KEY_delete_groups, INT16_MAX, &request, &response};
    int64_t deadline_us = mr_control_deadline(control, cx);
    int16_t error;
    do {
        int32_t node;
        MR_TRY(mr_control_coordinator(control, id, &node, cx));
        MR_TRY(mr_control_ask(control, node, &call, cx));
        if (response.results_count != 1) {
            return mr_fail(cx, MR_E_CORRUPT, NULL, "the answer to DeleteGroups is another's");
        }
        error = response.results[0].error_code;
    } while (mr_control_again(error, deadline_us, cx));
    if (error == MR_KAFKA_GROUP_ID_NOT_FOUND) {
        return missing(control, name, cx);
    }
    return error == 0 ? MR_OK
                      : mr_control_failed(error, (mr_span){0}, about("cannot delete", id, cx), cx);
}

// The request's topics, from places that are sorted.
static void fill_commit(const mr_control_place *places, uint32_t count,
                        mr_wire_offset_commit_request *ret, mr_cx *cx) {
    ret->topics = MR_NEW_ARRAY(cx->arena, mr_wire_offset_commit_topic, count + 1);
    mr_wire_offset_commit_partition *rows =
        MR_NEW_ARRAY(cx->arena, mr_wire_offset_commit_partition, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        mr_wire_clear(&mr_schema_offset_commit_partition, &rows[i]);
        rows[i].partition_index = places[i].partition;
        rows[i].committed_offset = places[i].committed;
        rows[i].committed_metadata = MR_SPAN("");
        if (i == 0 || !mr_span_equal(places[i].topic, places[i - 1].topic)) {
            ret->topics[ret->topics_count++] =
                (mr_wire_offset_commit_topic){.name = places[i].topic, .partitions = &rows[i]};
        }
        ret->topics[ret->topics_count - 1].partitions_count++;
    }
}

mr_code mr_control_group_commit(mr_control *control, const mr_control_committer *who,
                                const mr_control_place *places, uint32_t count, mr_cx *cx) {
    mr_wire_offset_commit_request request;
    mr_wire_clear(&mr_schema_offset_commit_request, &request);
    request.group_id = mr_span_of(who->group);
    request.member_id = mr_span_of(who->member_id);
    request.generation_id_or_member_epoch = who->generation;
    fill_commit(places, count, &request, cx);
    mr_wire_offset_commit_response response;
    mr_link_call call = {MR_KEY_offset_commit, COMMIT_VERSION_MAX, &request, &response};
    int64_t deadline_us = mr_control_deadline(control, cx);
    int16_t error;
    do {
        int32_t node;
        MR_TRY(mr_control_coordinator(control, request.group_id, &node, cx));
        MR_TRY(mr_control_ask(control, node, &call, cx));
        error = 0;
        for (int32_t t = 0; t < response.topics_count; t++) {
            for (int32_t p = 0; p < response.topics[t].partitions_count; p++) {
                int16_t own = response.topics[t].partitions[p].error_code;
                error = own != 0 ? own : error;
            }
        }
    } while (mr_control_again(error, deadline_us, cx));
    if (error == MR_KAFKA_UNKNOWN_MEMBER_ID) {
        error = MR_KAFKA_NON_EMPTY_GROUP;  // It has members: only they may commit.
    }
    return error == 0
               ? MR_OK
               : mr_control_failed(error, (mr_span){0},
                                   about("cannot commit offsets of", request.group_id, cx), cx);
}
