// Control of offsets: those of moments, for many partitions at once; see control.h.
//
// Also: mr_control_

#include "codec/kafka_error.h"
#include "kafka/control.h"

#define ANY_REPLICA (-1)  // A client, not another broker.

// The wishes for one leader as a request; what they are about in `picked`.
static void fill_request(mr_control_wish *const *picked, uint32_t count,
                         mr_wire_list_offsets_request *ret, mr_cx *cx) {
    mr_wire_clear(&mr_schema_list_offsets_request, ret);
    ret->replica_id = ANY_REPLICA;
    ret->topics = MR_NEW_ARRAY(cx->arena, mr_wire_list_offsets_topic, count);
    mr_wire_list_offsets_partition *rows =
        MR_NEW_ARRAY(cx->arena, mr_wire_list_offsets_partition, count);
    for (uint32_t i = 0; i < count; i++) {
        mr_wire_clear(&mr_schema_list_offsets_partition, &rows[i]);
        rows[i].partition_index = picked[i]->partition;
        rows[i].timestamp = picked[i]->time_ms;
        if (i == 0 || !mr_span_equal(picked[i]->topic, picked[i - 1]->topic)) {
            ret->topics[ret->topics_count++] =
                (mr_wire_list_offsets_topic){.name = picked[i]->topic, .partitions = &rows[i]};
        }
        ret->topics[ret->topics_count - 1].partitions_count++;
    }
}

static void take_answer(mr_control_wish *const *picked, uint32_t count,
                        const mr_wire_list_offsets_response *response) {
    for (uint32_t i = 0; i < count; i++) {
        picked[i]->error = MR_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        for (int32_t t = 0; t < response->topics_count; t++) {
            const mr_wire_list_offsets_found_topic *topic = &response->topics[t];
            bool same = mr_span_equal(topic->name, picked[i]->topic);
            for (int32_t p = 0; same && p < topic->partitions_count; p++) {
                if (topic->partitions[p].partition_index == picked[i]->partition) {
                    picked[i]->offset = topic->partitions[p].offset;
                    picked[i]->error = topic->partitions[p].error_code;
                }
            }
        }
    }
}

mr_code mr_control_offsets(mr_control *control, mr_control_wish *wishes, uint32_t count,
                           mr_cx *cx) {
    mr_control_wish **picked = MR_NEW_ARRAY(cx->arena, mr_control_wish *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        wishes[i].offset = -1;
        wishes[i].error = MR_KAFKA_LEADER_NOT_AVAILABLE;
    }
    for (uint32_t b = 0; b < control->cluster.broker_count; b++) {
        int32_t node = control->cluster.brokers[b]->node;
        uint32_t picked_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (wishes[i].leader == node) {
                picked[picked_count++] = &wishes[i];
            }
        }
        if (picked_count == 0) {
            continue;
        }
        mr_wire_list_offsets_request request;
        mr_wire_list_offsets_response response;
        fill_request(picked, picked_count, &request, cx);
        mr_link_call call = {MR_KEY_list_offsets, INT16_MAX, &request, &response};
        MR_TRY(mr_control_ask(control, node, &call, cx));
        take_answer(picked, picked_count, &response);
    }
    return MR_OK;
}
