// Api acls: DescribeAcls, CreateAcls, DeleteAcls.
//
// Also: mr_api_

#include <string.h>

#include "broker/access.h"
#include "broker/answer.h"
#include "broker/api.h"

#define DISABLED "No Authorizer is configured."

static bool is_on(const mr_call *call) {
    mr_access *access = mr_broker_access(call->broker);
    return access != NULL && mr_access_authorizes(access);
}

// SECURITY_DISABLED, CLUSTER_AUTHORIZATION_FAILED or NONE.
static mr_outcome may(const mr_call *call, mr_operation operation) {
    if (!is_on(call)) {
        return (mr_outcome){MR_KAFKA_SECURITY_DISABLED, DISABLED};
    }
    return mr_call_may(call, operation, MR_RESOURCE_CLUSTER, MR_ANSWER_CLUSTER)
               ? (mr_outcome){MR_KAFKA_NONE, NULL}
               : (mr_outcome){MR_KAFKA_CLUSTER_AUTHORIZATION_FAILED, NULL};
}

static const char *text_of(mr_span span, mr_cx *cx) {
    return span.data == NULL ? NULL : mr_arena_copy(cx->arena, span.data, span.bytes);
}

// ---- DescribeAcls -----------------------------------------------------------------------------

static bool same_resource(const mr_acl *a, const mr_acl *b) {
    return a->resource == b->resource && a->pattern == b->pattern && strcmp(a->name, b->name) == 0;
}

void mr_api_describe_acls(mr_call *call, mr_cx *cx) {
    const mr_wire_describe_acls_request *q = call->request;
    mr_wire_describe_acls_response *r = call->response;
    mr_outcome outcome = may(call, MR_OPERATION_DESCRIBE);
    r->error_code = outcome.error;
    r->error_message = mr_answer_reason(outcome);
    if (outcome.error != MR_KAFKA_NONE) {
        return;
    }
    mr_acl filter = {q->resource_type_filter,
                     q->pattern_type_filter,
                     q->operation,
                     q->permission_type,
                     text_of(q->resource_name_filter, cx),
                     text_of(q->principal_filter, cx),
                     text_of(q->host_filter, cx)};
    uint32_t count = 0;
    mr_acl *acls = mr_access_acls(mr_broker_access(call->broker), &filter, &count, cx);
    r->resources = MR_NEW_ARRAY(cx->arena, mr_wire_describe_acls_resource, count);
    for (uint32_t a = 0; a < count; a++) {
        uint32_t before = 0;
        while (before < a && !same_resource(&acls[before], &acls[a])) {
            before++;
        }
        if (before < a) {
            continue;  // Told with the first of its resource.
        }
        mr_wire_describe_acls_resource *to = &r->resources[r->resources_count++];
        to->resource_type = acls[a].resource;
        to->resource_name = mr_span_of(acls[a].name);
        to->pattern_type = acls[a].pattern;
        to->acls = MR_NEW_ARRAY(cx->arena, mr_wire_describe_acls_acl, count - a);
        for (uint32_t o = a; o < count; o++) {
            if (same_resource(&acls[o], &acls[a])) {
                to->acls[to->acls_count++] = (mr_wire_describe_acls_acl){
                    mr_span_of(acls[o].principal), mr_span_of(acls[o].host), acls[o].operation,
                    acls[o].permission};
            }
        }
    }
}

// ---- CreateAcls -------------------------------------------------------------------------------

static mr_outcome invalid(const char *reason) {
    return (mr_outcome){MR_KAFKA_INVALID_REQUEST, reason};
}

static mr_outcome check(const mr_acl *acl) {
    if (acl->resource < MR_RESOURCE_TOPIC || acl->resource > 7) {
        return invalid("Invalid resourceType");
    }
    if (acl->pattern != MR_ACL_LITERAL && acl->pattern != MR_ACL_PREFIXED) {
        return invalid("Invalid patternType");
    }
    if (acl->operation < MR_OPERATION_ALL || acl->operation > 14) {
        return invalid("Invalid operation");
    }
    if (acl->permission != MR_ACL_DENY && acl->permission != MR_ACL_ALLOW) {
        return invalid("Invalid permissionType");
    }
    if (acl->resource == MR_RESOURCE_CLUSTER && strcmp(acl->name, "kafka-cluster") != 0) {
        return invalid("The only valid name for the CLUSTER resource is kafka-cluster");
    }
    if (acl->name[0] == '\0') {
        return invalid("Invalid empty resource name");
    }
    if (strchr(acl->principal, ':') == NULL) {
        return invalid("Could not parse principal from `principal` (no colon is present "
                       "separating the principal type from the principal name)");
    }
    return (mr_outcome){MR_KAFKA_NONE, NULL};
}

void mr_api_create_acls(mr_call *call, mr_cx *cx) {
    const mr_wire_create_acls_request *q = call->request;
    mr_wire_create_acls_response *r = call->response;
    mr_outcome all = may(call, MR_OPERATION_ALTER);
    size_t count = (size_t)MR_MAX(0, q->creations_count);
    mr_outcome *outcomes = MR_NEW_ARRAY(cx->arena, mr_outcome, count);
    mr_acl *acls = MR_NEW_ARRAY(cx->arena, mr_acl, count);
    uint32_t good = 0;
    for (size_t c = 0; c < count && all.error == MR_KAFKA_NONE; c++) {
        const mr_wire_create_acls_creation *wish = &q->creations[c];
        acls[good] = (mr_acl){
            wish->resource_type,    wish->resource_pattern_type,      wish->operation,
            wish->permission_type,  text_of(wish->resource_name, cx), text_of(wish->principal, cx),
            text_of(wish->host, cx)};
        outcomes[c] = check(&acls[good]);
        good += outcomes[c].error == MR_KAFKA_NONE;
    }
    if (good > 0 && mr_access_add(mr_broker_access(call->broker), acls, good, cx) != MR_OK) {
        all =
            (mr_outcome){MR_KAFKA_KAFKA_STORAGE_ERROR, mr_arena_string(cx->arena, cx->error.text)};
    }
    r->results = MR_NEW_ARRAY(cx->arena, mr_wire_create_acls_done, count);
    r->results_count = (int32_t)count;
    for (size_t c = 0; c < count; c++) {
        mr_outcome outcome = all.error != MR_KAFKA_NONE ? all : outcomes[c];
        r->results[c] = (mr_wire_create_acls_done){outcome.error, mr_answer_reason(outcome)};
    }
}

// ---- DeleteAcls -------------------------------------------------------------------------------

void mr_api_delete_acls(mr_call *call, mr_cx *cx) {
    const mr_wire_delete_acls_request *q = call->request;
    mr_wire_delete_acls_response *r = call->response;
    mr_outcome outcome = may(call, MR_OPERATION_ALTER);
    size_t count = (size_t)MR_MAX(0, q->filters_count);
    mr_acl *filters = MR_NEW_ARRAY(cx->arena, mr_acl, count);
    r->filter_results = MR_NEW_ARRAY(cx->arena, mr_wire_delete_acls_done, count);
    r->filter_results_count = (int32_t)count;
    for (size_t f = 0; f < count; f++) {
        const mr_wire_delete_acls_filter *wish = &q->filters[f];
        mr_wire_delete_acls_done *done = &r->filter_results[f];
        filters[f] = (mr_acl){wish->resource_type_filter,
                              wish->pattern_type_filter,
                              wish->operation,
                              wish->permission_type,
                              text_of(wish->resource_name_filter, cx),
                              text_of(wish->principal_filter, cx),
                              text_of(wish->host_filter, cx)};
        uint32_t found = 0;
        mr_acl *acls =
            outcome.error != MR_KAFKA_NONE
                ? NULL
                : mr_access_acls(mr_broker_access(call->broker), &filters[f], &found, cx);
        done->matching_acls = MR_NEW_ARRAY(cx->arena, mr_wire_delete_acls_acl, found);
        done->matching_acls_count = (int32_t)found;
        for (uint32_t a = 0; a < found; a++) {
            done->matching_acls[a] = (mr_wire_delete_acls_acl){
                .resource_type = acls[a].resource,
                .resource_name = mr_span_of(acls[a].name),
                .pattern_type = acls[a].pattern,
                .principal = mr_span_of(acls[a].principal),
                .host = mr_span_of(acls[a].host),
                .operation = acls[a].operation,
                .permission_type = acls[a].permission,
            };
        }
    }
    if (outcome.error == MR_KAFKA_NONE &&
        mr_access_remove(mr_broker_access(call->broker), filters, (uint32_t)count, cx) != MR_OK) {
        outcome =
            (mr_outcome){MR_KAFKA_KAFKA_STORAGE_ERROR, mr_arena_string(cx->arena, cx->error.text)};
    }
    for (size_t f = 0; f < count && outcome.error != MR_KAFKA_NONE; f++) {
        r->filter_results[f].error_code = outcome.error;
        r->filter_results[f].error_message = mr_answer_reason(outcome);
        r->filter_results[f].matching_acls_count = 0;
    }
}
