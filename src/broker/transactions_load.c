// Transactions' start: reads back what __transaction_state says, and asks the partitions what they
// know of transactions that it does not.
//
// Why the second: a partition may have data whose "joined" record was lost with the power. It was
// not acknowledged, but may be repeated and acknowledged later. What a partition has open under an
// id's present epoch can only be its transaction that is not over, and joins it; under an earlier
// one it was fenced, and is aborted, also when it is found late: the partition may have been
// offline at the start before, or the marker of that start was lost. What belongs to no id is left
// alone: `kafka-transactions find-hanging` finds it.

#include "broker/transactions_state.h"

#define READ_BYTES (1u << 20)

static mr_code load_record(mr_transactions *t, const mr_record *record, mr_cx *cx) {
    mr_span id;
    mr_transaction state;
    bool gone;
    MR_TRY(mr_transactions_record_read(record, &id, &state, &gone, cx));
    if (id.bytes == 0) {
        return MR_OK;
    }
    mr_transactions_entry *entry = mr_transactions_entry_of(t, id);
    if (!gone) {
        (void)mr_transactions_set(t, &state, record->offset);
        MR_TRY(
            mr_producer_ids_skip(&t->ids, MR_MAX(state.producer_id, state.next_producer_id), cx));
    } else if (entry != NULL) {
        mr_transactions_remove(t, entry);
    }
    return MR_OK;
}

static mr_code load_batches(mr_transactions *t, mr_span bytes, mr_cx *cx) {
    bool found;
    mr_record_batch batch;
    while (bytes.bytes > 0) {
        MR_TRY(mr_record_batch_next(&bytes, &batch, &found, cx));
        if (!found) {
            return MR_OK;
        }
        MR_TRY(mr_record_batch_verify(&batch, cx));
        mr_text records;
        mr_text_init(&records, cx->arena);
        MR_TRY(mr_record_batch_expand(&batch, batch.byte_count * 64, &records, cx));
        mr_record_reader reader;
        mr_record record;
        MR_TRY(mr_record_open(&reader, &batch, mr_text_span(&records), cx));
        while (mr_record_next(&reader, &record)) {
            MR_TRY(load_record(t, &record, cx));
        }
        MR_TRY(mr_record_end(&reader, cx));
    }
    return MR_OK;
}

// cx->arena is the caller's for this alone: it is cleared after each slice.
static mr_code load_partition(mr_transactions *t, mr_log *log, mr_cx *cx) {
    int64_t offset = mr_log_marks_of(log).first;
    for (;;) {
        mr_log_wish wish = {.offset = offset, .bytes_max = READ_BYTES, .at_least_one = true};
        mr_log_slice slice = {.segment = NULL};
        int16_t error;
        MR_TRY(mr_log_read(log, &wish, &slice, &error, cx));
        if (error != MR_KAFKA_NONE || slice.bytes == 0) {
            mr_log_slice_release(&slice);
            return error == MR_KAFKA_NONE
                       ? MR_OK
                       : mr_fail(cx, MR_E_IO, NULL, "%s cannot be read: %s", MR_TOPIC_TRANSACTIONS,
                                 mr_kafka_error_name(error));
        }
        char *bytes = mr_heap_raw(slice.bytes);
        mr_code code = mr_log_slice_load(&slice, 0, bytes, slice.bytes, cx);
        code = code == MR_OK ? load_batches(t, (mr_span){bytes, slice.bytes}, cx) : code;
        offset = slice.next_offset;
        mr_heap_free(bytes);
        mr_log_slice_release(&slice);
        mr_arena_clear(cx->arena);
        MR_TRY(code);
    }
}

// ---- what only the partitions know -----------------------------------------------------------

// Also by the id that it had before its epochs ended, or will have after the end under way.
static mr_transactions_entry *entry_of_producer(mr_transactions *t, int64_t producer_id) {
    for (uint32_t i = 0; i < t->slot_count; i++) {
        for (mr_transactions_entry *e = t->slots[i]; e != NULL; e = e->next) {
            const mr_transaction *now = &e->now;
            if (now->producer_id == producer_id || now->previous_producer_id == producer_id ||
                now->next_producer_id == producer_id) {
                return e;
            }
        }
    }
    return NULL;
}

// For when the end that is under way is over.
static void keep_orphan(mr_transactions *t, mr_transactions_entry *entry,
                        const mr_transaction_member *member) {
    entry->orphans = mr_heap_resize(entry->orphans,
                                    sizeof(entry->orphans[0]) * ((size_t)entry->orphan_count + 1));
    mr_span name = member->topic;
    name.data = mr_arena_copy(&t->arena, name.data, name.bytes);
    entry->orphans[entry->orphan_count++] = (mr_transaction_member){name, member->partition};
}

// Ends what is open in a partition and belongs to no transaction any more.
static mr_code abort_open(mr_transactions *t, mr_transaction_producer producer,
                          mr_topic_partition *partition, mr_cx *cx) {
    mr_log_end end = {producer.id, producer.epoch, /* coordinator_epoch= */ 0,
                      /* commit= */ false, /* version= */ 0};
    mr_log_appended appended;
    MR_TRY(mr_log_end_transaction(partition->log, &end, &appended, cx));
    if (mr_span_is(mr_span_of(partition->topic->name), MR_TOPIC_OFFSETS)) {
        mr_groups_end_transaction(mr_broker_groups(t->broker), producer.id, /* commit= */ false,
                                  cx);
    }
    return MR_OK;
}

static mr_transaction_producer present(const mr_transactions_entry *entry) {
    return (mr_transaction_producer){entry->now.producer_id, entry->now.epoch};
}

// Of an id whose transaction is ending: its members get its markers. A marker has the epoch of what
// comes after it (version 2), so data of that epoch is the next transaction's. All else was joined
// by a record that is lost, so it was not acknowledged and will not be.
static mr_code adopt_ending(mr_transactions *t, mr_transactions_entry *entry,
                            mr_topic_partition *partition, int16_t epoch, mr_cx *cx) {
    mr_transaction_member member = {mr_span_of(partition->topic->name), partition->number};
    if (entry->now.version >= 2 && epoch == entry->now.epoch) {
        keep_orphan(t, entry, &member);
        return MR_OK;
    }
    return mr_transaction_has(&entry->now, &member) ? MR_OK
                                                    : abort_open(t, present(entry), partition, cx);
}

// What is open under another id of an entry than its present one. Under the one before nothing can
// be going on; under the next one its first transaction is, whose "complete" before it was lost.
static mr_code adopt_other(mr_transactions *t, mr_transactions_entry *entry,
                           mr_topic_partition *partition, int64_t producer_id, mr_cx *cx) {
    mr_transaction_member member = {mr_span_of(partition->topic->name), partition->number};
    if (producer_id == entry->now.next_producer_id) {
        keep_orphan(t, entry, &member);
        return MR_OK;
    }
    return abort_open(t, (mr_transaction_producer){producer_id, INT16_MAX}, partition, cx);
}

// Of a partition that was offline since then: nothing of a transaction that began later.
static bool is_stale(const mr_transactions_entry *entry, const mr_transaction_member *member,
                     int64_t offline_ms) {
    bool going_on =
        entry->now.state == MR_TRANSACTION_ONGOING || mr_transaction_is_ending(&entry->now);
    return offline_ms >= 0 && (!going_on || !mr_transaction_has(&entry->now, member) ||
                               entry->now.start_ms >= offline_ms);
}

static mr_code adopt(mr_transactions *t, mr_topic_partition *partition,
                     const mr_log_producer *producer, int64_t offline_ms, mr_cx *cx) {
    mr_transactions_entry *entry = entry_of_producer(t, producer->producer_id);
    if (entry == NULL) {
        return MR_OK;
    }
    if (producer->producer_id != entry->now.producer_id) {
        return adopt_other(t, entry, partition, producer->producer_id, cx);
    }
    mr_transaction_member member = {mr_span_of(partition->topic->name), partition->number};
    if (is_stale(entry, &member, offline_ms)) {
        return abort_open(t, present(entry), partition, cx);
    }
    if (mr_transaction_is_ending(&entry->now)) {
        return adopt_ending(t, entry, partition, producer->epoch, cx);
    }
    if (producer->epoch < entry->now.epoch) {
        return abort_open(t, present(entry), partition, cx);
    }
    if (entry->now.state == MR_TRANSACTION_ONGOING && mr_transaction_has(&entry->now, &member)) {
        return MR_OK;
    }
    mr_transaction next =
        mr_transaction_adopt(&entry->now, &member, mr_broker_now_ms(t->broker), cx);
    return mr_transactions_write(t, &next, NULL, cx);
}

static mr_code adopt_of(mr_transactions *t, mr_topic_partition *partition, int64_t offline_ms,
                        mr_cx *cx) {
    mr_log_producer *producers;
    uint32_t count;
    mr_log_producers(partition->log, &producers, &count, cx);
    for (uint32_t i = 0; i < count; i++) {
        if (producers[i].transaction_start >= 0) {
            MR_TRY(adopt(t, partition, &producers[i], offline_ms, cx));
        }
    }
    // Before it is forgotten that it was offline.
    return offline_ms >= 0 ? mr_log_flush(partition->log, cx) : MR_OK;
}

static mr_code adopt_all(mr_transactions *t, const mr_transactions_offline *offline, mr_cx *cx) {
    uint32_t count;
    mr_topic **topics = mr_topics_list(mr_broker_topics(t->broker), &count, cx);
    mr_code code = MR_OK;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t p = 0; code == MR_OK && p < topics[i]->partition_count; p++) {
            mr_topic_partition *partition = topics[i]->partitions[p];
            if (!mr_log_offline(partition->log, NULL)) {
                code =
                    adopt_of(t, partition, mr_transactions_offline_since(offline, partition), cx);
            }
        }
        mr_topic_release(topics[i]);
    }
    return code;
}

mr_code mr_transactions_load(mr_transactions *t, mr_cx *cx) {
    mr_arena scratch = {.head = NULL}, *outer = cx->arena;
    cx->arena = &scratch;
    mr_code code = MR_OK;
    for (uint32_t i = 0; code == MR_OK && i < t->topic->partition_count; i++) {
        mr_log *log = t->topic->partitions[i]->log;
        code = mr_log_offline(log, NULL) ? MR_OK : load_partition(t, log, cx);
        if (code != MR_OK) {
            code =
                mr_error_in(cx, code, "start of the transactions, %s-%u", MR_TOPIC_TRANSACTIONS, i);
        }
    }
    mr_transactions_offline offline;
    code = code != MR_OK ? code : mr_transactions_offline_load(t, &offline, cx);
    code = code != MR_OK || t->count == 0 ? code : adopt_all(t, &offline, cx);
    code = code != MR_OK ? code : mr_transactions_offline_save(t, &offline, cx);
    mr_arena_release(&scratch);
    cx->arena = outer;
    return code;
}
