// Transactions' records: a state as Kafka writes it (TransactionLogKey, TransactionLogValue).
//
// What Kafka's record has no field for, the epoch that a retry may still name, follows from the
// others: under version 2 every end raised the epoch by one.

#include "broker/transactions_state.h"
#include "wire/schema.h"

#define VALUE_VERSION   1  // The first with tagged fields; Kafka reads it since 3.7.
#define VALUE_BYTES_MAX (16u << 20)

// Members by topic; they are in that order.
static void add_members(const mr_transaction *now, mr_wire_transaction_log_value *value,
                        mr_cx *cx) {
    value->transaction_partitions =
        MR_NEW_ARRAY(cx->arena, mr_wire_transaction_log_partition, now->member_count);
    value->transaction_partitions_count = 0;
    int32_t *numbers = MR_NEW_ARRAY(cx->arena, int32_t, now->member_count);
    mr_wire_transaction_log_partition *last = NULL;
    for (uint32_t i = 0; i < now->member_count; i++) {
        const mr_transaction_member *member = &now->members[i];
        if (last == NULL || !mr_span_equal(last->topic, member->topic)) {
            last = &value->transaction_partitions[value->transaction_partitions_count++];
            *last = (mr_wire_transaction_log_partition){.topic = member->topic,
                                                        .partition_ids = numbers + i};
        }
        last->partition_ids[last->partition_ids_count++] = member->partition;
    }
}

mr_code mr_transactions_record_add(mr_span id, const mr_transaction *next, int64_t now_ms,
                                   mr_text *out, mr_cx *cx) {
    mr_text key, value, records;
    mr_text_init(&key, cx->arena);
    mr_text_init(&value, cx->arena);
    mr_text_init(&records, cx->arena);
    mr_wire_transaction_log_key name = {.transactional_id = id};
    MR_TRY(mr_wire_add_record(&mr_record_transaction_log_key, 0, &name, &key, cx));
    if (next != NULL) {
        mr_wire_transaction_log_value state = {
            .producer_id = next->producer_id,
            .previous_producer_id = next->previous_producer_id,
            .next_producer_id = next->next_producer_id,
            .producer_epoch = next->epoch,
            .transaction_timeout_ms = next->timeout_ms,
            .transaction_status = (int8_t)next->state,
            .transaction_last_update_timestamp_ms = next->update_ms,
            .transaction_start_timestamp_ms = next->start_ms,
            .client_transaction_version = next->version,
        };
        add_members(next, &state, cx);
        MR_TRY(mr_wire_add_record(&mr_record_transaction_log_value, VALUE_VERSION, &state, &value,
                                  cx));
    }
    mr_record_new record = {.key = mr_text_span(&key), .value = mr_text_span(&value)};
    if (next == NULL) {
        record.value = (mr_span){NULL, 0};
    }
    mr_record_add(&record, &records);
    mr_record_batch head = {.base_timestamp_ms = now_ms,
                            .max_timestamp_ms = now_ms,
                            .producer_id = -1,
                            .producer_epoch = -1,
                            .base_sequence = -1,
                            .record_count = 1,
                            .compression = MR_COMPRESS_NONE};
    return mr_record_batch_add(&head, mr_text_span(&records), out, cx);
}

static int16_t last_epoch_of(const mr_transaction *now) {
    if (now->version < 2 || now->state < MR_TRANSACTION_PREPARE_COMMIT) {
        return -1;
    }
    if (now->epoch > 0) {
        return (int16_t)(now->epoch - 1);
    }
    return now->previous_producer_id == -1 ? -1 : MR_TRANSACTION_EPOCH_MAX;
}

static mr_code read_members(const mr_wire_transaction_log_value *value, mr_transaction *ret,
                            mr_cx *cx) {
    uint32_t count = 0;
    for (int32_t i = 0; i < value->transaction_partitions_count; i++) {
        count += (uint32_t)value->transaction_partitions[i].partition_ids_count;
    }
    mr_transaction_member *members = MR_NEW_ARRAY(cx->arena, mr_transaction_member, count);
    count = 0;
    for (int32_t i = 0; i < value->transaction_partitions_count; i++) {
        const mr_wire_transaction_log_partition *topic = &value->transaction_partitions[i];
        for (int32_t n = 0; n < topic->partition_ids_count; n++) {
            members[count++] = (mr_transaction_member){topic->topic, topic->partition_ids[n]};
        }
    }
    // Kafka writes them in any order; added one after another they are in ours.
    *ret = mr_transaction_with(ret, members, count, cx);
    return MR_OK;
}

mr_code mr_transactions_record_read(const mr_record *record, mr_span *ret_id, mr_transaction *ret,
                                    bool *ret_gone, mr_cx *cx) {
    *ret_id = (mr_span){NULL, 0};
    *ret_gone = false;
    if (mr_wire_record_version(record->key) != 0) {
        return MR_OK;
    }
    mr_wire_transaction_log_key key;
    MR_TRY(mr_wire_read_record(&mr_record_transaction_log_key, record->key, VALUE_BYTES_MAX, &key,
                               cx));
    *ret_id = key.transactional_id;
    if (record->value.data == NULL) {
        *ret_gone = true;
        return MR_OK;
    }
    mr_wire_transaction_log_value value;
    MR_TRY(mr_wire_read_record(&mr_record_transaction_log_value, record->value, VALUE_BYTES_MAX,
                               &value, cx));
    if (value.transaction_status > MR_TRANSACTION_COMPLETE_ABORT) {
        *ret_gone = true;  // Kafka's Dead; its PrepareEpochFence is never written.
        return MR_OK;
    }
    *ret = (mr_transaction){
        .id = key.transactional_id,
        .producer_id = value.producer_id,
        .previous_producer_id = value.previous_producer_id,
        .next_producer_id = value.next_producer_id,
        .epoch = value.producer_epoch,
        .timeout_ms = value.transaction_timeout_ms,
        .state = (mr_transaction_state)value.transaction_status,
        .version = value.client_transaction_version,
        .start_ms = value.transaction_start_timestamp_ms,
        .update_ms = value.transaction_last_update_timestamp_ms,
    };
    ret->last_epoch = last_epoch_of(ret);
    return read_members(&value, ret, cx);
}
