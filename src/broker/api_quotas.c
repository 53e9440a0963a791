// Api quotas: DescribeClientQuotas, AlterClientQuotas.
//
// Also: mr_api_

#include <math.h>
#include <string.h>

#include "broker/answer.h"
#include "broker/api.h"
#include "broker/quotas.h"

enum { MATCH_EXACT, MATCH_DEFAULT, MATCH_ANY };  // Kafka's numbers.

static mr_outcome invalid(const char *reason) {
    return (mr_outcome){MR_KAFKA_INVALID_REQUEST, reason};
}

// ---- DescribeClientQuotas ---------------------------------------------------------------------

static bool component_fits(const mr_wire_describe_client_quotas_component *component,
                           const mr_quota *quota) {
    const char *name = quota->entity[mr_quotas_part(component->entity_type)];
    switch (component->match_type) {
    case MATCH_EXACT: return name != NULL && name[0] != '\0' && mr_span_is(component->match, name);
    case MATCH_DEFAULT: return name != NULL && name[0] == '\0';
    default: return name != NULL;
    }
}

static bool quota_fits(const mr_wire_describe_client_quotas_request *q, const mr_quota *quota) {
    int parts = 0;
    for (int p = 0; p < MR_QUOTA_PARTS; p++) {
        parts += quota->entity[p] != NULL;
    }
    for (int32_t c = 0; c < q->components_count; c++) {
        if (!component_fits(&q->components[c], quota)) {
            return false;
        }
    }
    return !q->strict || q->components_count == 0 || parts == q->components_count;
}

static mr_outcome check_filter(const mr_wire_describe_client_quotas_request *q, mr_cx *cx) {
    for (int32_t c = 0; c < q->components_count; c++) {
        const mr_wire_describe_client_quotas_component *component = &q->components[c];
        if (mr_quotas_part(component->entity_type) < 0) {
            return (mr_outcome){MR_KAFKA_UNSUPPORTED_VERSION,
                                mr_arena_printf(cx->arena,
                                                "Custom entity type '%.*s' not supported",
                                                MR_SPAN_ARGS(component->entity_type))};
        }
        if (component->match_type < MATCH_EXACT || component->match_type > MATCH_ANY) {
            return invalid(
                mr_arena_printf(cx->arena, "Unknown match type %d", component->match_type));
        }
        for (int32_t o = 0; o < c; o++) {
            if (mr_span_equal(q->components[o].entity_type, component->entity_type)) {
                return invalid(mr_arena_printf(cx->arena,
                                               "Entity type %.*s cannot appear more "
                                               "than once in the filter.",
                                               MR_SPAN_ARGS(component->entity_type)));
            }
        }
    }
    return (mr_outcome){MR_KAFKA_NONE, NULL};
}

static void entry_fill(mr_wire_describe_client_quotas_entry *entry, const mr_quota *quota,
                       mr_cx *cx) {
    entry->entity = MR_NEW_ARRAY(cx->arena, mr_wire_describe_client_quotas_entity, MR_QUOTA_PARTS);
    for (int p = 0; p < MR_QUOTA_PARTS; p++) {
        if (quota->entity[p] != NULL) {
            bool standard = quota->entity[p][0] == '\0';
            entry->entity[entry->entity_count++] = (mr_wire_describe_client_quotas_entity){
                mr_span_of(mr_quotas_part_name((mr_quota_part)p)),
                mr_answer_nullable(standard ? NULL : quota->entity[p])};
        }
    }
}

void mr_api_describe_client_quotas(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_client_quotas_request *q = call->request;
    mr_wire_describe_client_quotas_response *r = call->response;
    bool may =
        mr_call_may(call, MR_OPERATION_DESCRIBE_CONFIGS, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER);
    mr_outcome outcome =
        may ? check_filter(q, cx) : (mr_outcome){MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED, NULL};
    r->error_code = outcome.error;
    r->error_message = mr_answer_reason(outcome);
    if (outcome.error != MR_KAFKA_NONE) {
        r->entries_count = -1;
        return;
    }
    uint32_t count = 0;
    mr_quota *list = mr_quotas_list(mr_broker_quotas(call->broker), &count, cx);
    r->entries = MR_NEW_ARRAY(cx->arena, mr_wire_describe_client_quotas_entry, count);
    r->entries_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!quota_fits(q, &list[i])) {
            continue;
        }
        bool more = i > 0 && mr_quotas_same_entity(&list[i], &list[i - 1]);
        mr_wire_describe_client_quotas_entry *entry =
            &r->entries[more ? r->entries_count - 1 : r->entries_count++];
        if (!more) {
            entry_fill(entry, &list[i], cx);
            entry->values =
                MR_NEW_ARRAY(cx->arena, mr_wire_describe_client_quotas_value, count - i);
        }
        entry->values[entry->values_count++] =
            (mr_wire_describe_client_quotas_value){mr_span_of(list[i].key), list[i].value};
    }
}

// ---- AlterClientQuotas ------------------------------------------------------------------------

static mr_outcome read_entity(const mr_wire_alter_client_quotas_entry *entry, mr_quota *ret,
                              mr_cx *cx) {
    if (entry->entity_count <= 0) {
        return invalid("Invalid empty client quota entity");
    }
    for (int32_t e = 0; e < entry->entity_count; e++) {
        mr_span type = entry->entity[e].entity_type, name = entry->entity[e].entity_name;
        int part = mr_quotas_part(type);
        if (part < 0) {
            return invalid(mr_arena_printf(cx->arena, "Unhandled client quota entity type: %.*s",
                                           MR_SPAN_ARGS(type)));
        }
        if (ret->entity[part] != NULL) {
            return invalid(mr_arena_printf(
                cx->arena, "Invalid client quota entity, duplicate entity entry %.*s",
                MR_SPAN_ARGS(type)));
        }
        if (name.data != NULL && (name.bytes == 0 || memchr(name.data, '\0', name.bytes) != NULL)) {
            return invalid(
                mr_arena_printf(cx->arena, "Empty %.*s not supported", MR_SPAN_ARGS(type)));
        }
        ret->entity[part] =
            name.data == NULL ? "" : mr_arena_copy(cx->arena, name.data, name.bytes);
    }
    if (ret->entity[MR_QUOTA_IP] != NULL && entry->entity_count > 1) {
        return invalid("Invalid quota entity combination, IP entity should not be "
                       "combined with "
                       "User or ClientId");
    }
    return (mr_outcome){MR_KAFKA_NONE, NULL};
}

static mr_outcome read_op(const mr_wire_alter_client_quotas_op *op, mr_quota *ret, mr_cx *cx) {
    static const char *const keys[] = {"producer_byte_rate", "consumer_byte_rate",
                                       "request_percentage", "controller_mutation_rate",
                                       "connection_creation_rate"};
    bool ip = ret->entity[MR_QUOTA_IP] != NULL;
    ret->key = NULL;
    for (size_t k = ip ? 4 : 0; k < (ip ? 5u : 4u); k++) {
        ret->key = mr_span_is(op->key, keys[k]) ? keys[k] : ret->key;
    }
    if (ret->key == NULL) {
        return invalid(
            mr_arena_printf(cx->arena, "Invalid configuration key %.*s", MR_SPAN_ARGS(op->key)));
    }
    ret->value = op->remove ? NAN : op->value;
    if (!op->remove && !(op->value > 0)) {
        return invalid(mr_arena_printf(cx->arena, "Quota %s must be greater than 0", ret->key));
    }
    bool real = strcmp(ret->key, keys[2]) == 0 || strcmp(ret->key, keys[3]) == 0;
    if (!op->remove && !real && (op->value >= 9.2e18 || op->value - floor(op->value) > 1e-6)) {
        return invalid(mr_arena_printf(cx->arena, "%s cannot be a fractional value.", ret->key));
    }
    return (mr_outcome){MR_KAFKA_NONE, NULL};
}

static mr_outcome alter(mr_call *call, const mr_wire_alter_client_quotas_entry *entry, mr_cx *cx) {
    const mr_wire_alter_client_quotas_request *q = call->request;
    size_t count = (size_t)MR_MAX(0, entry->ops_count);
    mr_quota *changes = MR_NEW_ARRAY(cx->arena, mr_quota, count + 1);
    mr_quota entity = {0};
    mr_outcome outcome = read_entity(entry, &entity, cx);
    for (size_t o = 0; o < count && outcome.error == MR_KAFKA_NONE; o++) {
        changes[o] = entity;
        outcome = read_op(&entry->ops[o], &changes[o], cx);
        for (size_t before = 0; before < o && outcome.error == MR_KAFKA_NONE; before++) {
            if (strcmp(changes[before].key, changes[o].key) == 0) {
                outcome =
                    invalid(mr_arena_printf(cx->arena, "Duplicate quota key %s", changes[o].key));
            }
        }
    }
    if (outcome.error == MR_KAFKA_NONE && !q->validate_only &&
        mr_quotas_alter(mr_broker_quotas(call->broker), changes, (uint32_t)count, cx) != MR_OK) {
        outcome =
            (mr_outcome){MR_KAFKA_KAFKA_STORAGE_ERROR, mr_arena_string(cx->arena, cx->error.text)};
    }
    return outcome;
}

void mr_api_alter_client_quotas(mr_call *call, mr_cx *cx) {
    const mr_wire_alter_client_quotas_request *q = call->request;
    mr_wire_alter_client_quotas_response *r = call->response;
    bool may =
        mr_call_may(call, MR_OPERATION_ALTER_CONFIGS, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER);
    r->entries_count = MR_MAX(0, q->entries_count);
    r->entries =
        MR_NEW_ARRAY(cx->arena, mr_wire_alter_client_quotas_done, (size_t)r->entries_count);
    for (int32_t e = 0; e < r->entries_count; e++) {
        const mr_wire_alter_client_quotas_entry *entry = &q->entries[e];
        mr_wire_alter_client_quotas_done *done = &r->entries[e];
        mr_outcome outcome = may ? alter(call, entry, cx)
                                 : (mr_outcome){MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED, NULL};
        done->error_code = outcome.error;
        done->error_message = mr_answer_reason(outcome);
        done->entity_count = MR_MAX(0, entry->entity_count);
        done->entity = MR_NEW_ARRAY(cx->arena, mr_wire_alter_client_quotas_done_entity,
                                    (size_t)done->entity_count);
        for (int32_t p = 0; p < done->entity_count; p++) {
            done->entity[p] = (mr_wire_alter_client_quotas_done_entity){
                entry->entity[p].entity_type, entry->entity[p].entity_name};
        }
    }
}
