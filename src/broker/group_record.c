// Group record: records of __consumer_offsets from and to the schema's structs; see group_record.h.

#include "broker/group_record.h"

#include "wire/schema.h"

enum {
    KEY_OFFSET_LAST = 1,  // Versions of keys: 0 and 1 are an offset's …
    KEY_MEMBERS = 2,      // … 2 a group's.
    KEY_OFFSET = 1,
    VALUE_OFFSET = 3,
    VALUE_OFFSET_EXPIRES = 1,  // The only one with an expiry of its own.
    VALUE_MEMBERS = 3,
    DECODE_BYTES_MAX = 64 << 20,
};

typedef struct message {
    const mr_wire_record *type;
    int16_t version;
    const void *value;  // NULL = none.
} message;

static mr_code add(mr_group_records *records, message key, message value) {
    mr_text keys = {.arena = records->cx->arena}, values = {.arena = records->cx->arena};
    MR_TRY(mr_wire_add_record(key.type, key.version, key.value, &keys, records->cx));
    if (value.value != NULL) {
        MR_TRY(mr_wire_add_record(value.type, value.version, value.value, &values, records->cx));
    }
    mr_record_new record = {
        .offset_delta = records->count,
        .key = mr_text_span(&keys),
        .value = value.value == NULL ? (mr_span){0} : mr_text_span(&values),
    };
    mr_record_add(&record, &records->text);
    records->count++;
    return MR_OK;
}

static mr_span present(mr_span text) {
    return text.data == NULL ? MR_SPAN("") : text;
}

mr_code mr_group_record_members(mr_group_records *records, const mr_group *group) {
    mr_arena *arena = records->cx->arena;
    mr_wire_group_metadata_member *members =
        MR_NEW_ARRAY(arena, mr_wire_group_metadata_member, group->member_count);
    for (uint32_t i = 0; i < group->member_count; i++) {
        const mr_group_member *member = group->members[i];
        members[i] = (mr_wire_group_metadata_member){
            .member_id = member->id,
            .group_instance_id = member->instance,
            .client_id = present(member->client_id),
            .client_host = present(member->client_host),
            .rebalance_timeout = member->rebalance_timeout_ms,
            .session_timeout = member->session_timeout_ms,
            .subscription = present(mr_group_metadata_of(group, member)),
            .assignment = present(member->assignment),
        };
    }
    mr_wire_group_metadata_key key = {.group = group->id};
    mr_wire_group_metadata_value value = {
        .protocol_type = present(group->protocol_type),
        .generation = group->generation,
        .protocol = group->protocol,
        .leader = group->leader == NULL ? (mr_span){0} : group->leader->id,
        .current_state_timestamp = group->state_ms,
        .members = members,
        .members_count = (int32_t)group->member_count,
    };
    return add(records, (message){&mr_record_group_metadata_key, KEY_MEMBERS, &key},
               (message){&mr_record_group_metadata_value, VALUE_MEMBERS, &value});
}

mr_code mr_group_record_gone(mr_group_records *records, mr_span group) {
    mr_wire_group_metadata_key key = {.group = group};
    return add(records, (message){&mr_record_group_metadata_key, KEY_MEMBERS, &key}, (message){0});
}

mr_code mr_group_record_offset(mr_group_records *records, mr_span group, mr_span topic,
                               const mr_group_offset *offset) {
    mr_wire_offset_commit_key key = {
        .group = group, .topic = topic, .partition = offset->partition};
    mr_wire_offset_commit_value value = {
        .offset = offset->offset,
        .leader_epoch = offset->leader_epoch,
        .metadata = present(offset->metadata),
        .commit_timestamp = offset->commit_ms,
        .expire_timestamp = offset->expire_ms,
    };
    int16_t version = offset->expire_ms < 0 ? VALUE_OFFSET : VALUE_OFFSET_EXPIRES;
    return add(records, (message){&mr_record_offset_commit_key, KEY_OFFSET, &key},
               (message){&mr_record_offset_commit_value, version, &value});
}

mr_code mr_group_record_offset_gone(mr_group_records *records, mr_span group, mr_span topic,
                                    int32_t partition) {
    mr_wire_offset_commit_key key = {.group = group, .topic = topic, .partition = partition};
    return add(records, (message){&mr_record_offset_commit_key, KEY_OFFSET, &key}, (message){0});
}

mr_code mr_group_record_batch(const mr_group_records *records, mr_group_producer producer,
                              int64_t wall_ms, mr_text *out) {
    mr_record_batch head = {
        .last_offset = records->count - 1,
        .attributes = producer.id < 0 ? 0 : MR_RECORD_BATCH_TRANSACTIONAL,
        .base_timestamp_ms = wall_ms,
        .max_timestamp_ms = wall_ms,
        .producer_id = producer.id,
        .producer_epoch = producer.id < 0 ? -1 : producer.epoch,
        .base_sequence = -1,
        .record_count = records->count,
    };
    return mr_record_batch_add(&head, mr_text_span(&records->text), out, records->cx);
}

// ---- reading ---------------------------------------------------------------------------------

static mr_code read_offset(const mr_record *record, mr_group_record *ret, mr_cx *cx) {
    mr_wire_offset_commit_key key;
    MR_TRY(
        mr_wire_read_record(&mr_record_offset_commit_key, record->key, DECODE_BYTES_MAX, &key, cx));
    ret->kind = MR_GROUP_RECORD_OFFSET;
    ret->group = key.group;
    ret->topic = key.topic;
    ret->offset = (mr_group_offset){.partition = key.partition, .record = record->offset};
    if (ret->gone) {
        return MR_OK;
    }
    mr_wire_offset_commit_value value;
    MR_TRY(mr_wire_read_record(&mr_record_offset_commit_value, record->value, DECODE_BYTES_MAX,
                               &value, cx));
    ret->offset.leader_epoch = value.leader_epoch;
    ret->offset.offset = value.offset;
    ret->offset.commit_ms = value.commit_timestamp;
    ret->offset.expire_ms = value.expire_timestamp;
    ret->offset.metadata = value.metadata;
    return MR_OK;
}

static void add_member(mr_group *group, const mr_wire_group_metadata_value *value,
                       const mr_wire_group_metadata_member *from) {
    if (mr_group_member_of(group, from->member_id) != NULL ||
        (from->group_instance_id.data != NULL &&
         mr_group_static_member_of(group, from->group_instance_id) != NULL)) {
        return;  // No broker writes a member twice.
    }
    mr_group_protocol protocol = {present(value->protocol), from->subscription};
    mr_group_join_ask ask = {
        .instance = from->group_instance_id,
        .client_id = from->client_id,
        .client_host = from->client_host,
        .protocol_type = value->protocol_type,
        .protocols = &protocol,
        .protocol_count = 1,
        .session_timeout_ms = from->session_timeout,
        .rebalance_timeout_ms =
            from->rebalance_timeout < 0 ? from->session_timeout : from->rebalance_timeout,
    };
    mr_group_member *member = mr_group_add(group, &ask, from->member_id);
    mr_group_set(&member->assignment, from->assignment);
}

static mr_code read_members(const mr_record *record, mr_group_record *ret, mr_cx *cx) {
    mr_wire_group_metadata_key key;
    MR_TRY(mr_wire_read_record(&mr_record_group_metadata_key, record->key, DECODE_BYTES_MAX, &key,
                               cx));
    ret->kind = MR_GROUP_RECORD_MEMBERS;
    ret->group = key.group;
    if (ret->gone) {
        return MR_OK;
    }
    mr_wire_group_metadata_value value;
    MR_TRY(mr_wire_read_record(&mr_record_group_metadata_value, record->value, DECODE_BYTES_MAX,
                               &value, cx));
    mr_group *group = mr_group_new(key.group, value.current_state_timestamp);
    for (int32_t i = 0; i < value.members_count; i++) {
        add_member(group, &value, &value.members[i]);
    }
    group->state = group->member_count > 0 ? MR_GROUP_STABLE : MR_GROUP_EMPTY;
    group->generation = value.generation;
    group->stored_at = record->offset;
    mr_group_set(&group->protocol_type,
                 value.protocol_type.bytes > 0 ? value.protocol_type : (mr_span){0});
    mr_group_set(&group->protocol, value.protocol);
    mr_group_member *leader =
        value.leader.data == NULL ? NULL : mr_group_member_of(group, value.leader);
    group->leader = leader != NULL ? leader : group->leader;
    ret->members = group;
    return MR_OK;
}

mr_code mr_group_record_read(const mr_record *record, mr_group_record *ret, mr_cx *cx) {
    *ret = (mr_group_record){.gone = record->value.data == NULL};
    int16_t version = record->key.data == NULL ? -1 : mr_wire_record_version(record->key);
    if (version >= 0 && version <= KEY_OFFSET_LAST) {
        return read_offset(record, ret, cx);
    }
    return version == KEY_MEMBERS ? read_members(record, ret, cx) : MR_OK;
}
