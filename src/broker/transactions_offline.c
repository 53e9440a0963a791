// Transactions offline: partitions that a start could not read, and since when.
//
// Why: what was open in one under an id's present epoch would look, once it is read again, like a
// part of whatever transaction the id has then. While it was offline nothing was written to it; so
// of a transaction that began later it holds nothing, and what no transaction has joined was never
// acknowledged: both are aborted. Kept in a ledger until a start has settled the partition.
// Also: mr_transactions_offline_

#include "broker/ledger.h"
#include "broker/transactions_state.h"

#define KIND "partitions that were offline"
#define ROW  "offline"

static const char *path_of(const mr_transactions *t, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s/offline-partitions", mr_broker_dir(t->broker));
}

mr_code mr_transactions_offline_load(mr_transactions *t, mr_transactions_offline *ret, mr_cx *cx) {
    mr_ledger_row *rows;
    uint32_t count;
    *ret = (mr_transactions_offline){.count = 0};
    mr_code code = mr_ledger_load(path_of(t, cx), KIND, &rows, &count, cx);
    if (code == MR_E_MISSING) {
        return MR_OK;
    }
    MR_TRY(code);
    ret->items = MR_NEW_ARRAY(cx->arena, mr_transactions_offline_one, count);
    for (uint32_t i = 0; i < count; i++) {
        mr_transactions_offline_one *one = &ret->items[i];
        int64_t partition;
        MR_TRY(mr_ledger_int(&rows[i], 2, &partition, cx));
        MR_TRY(mr_ledger_int(&rows[i], 3, &one->since_ms, cx));
        one->member = (mr_transaction_member){rows[i].words[1], mr_i32(partition)};
    }
    ret->count = count;
    return MR_OK;
}

int64_t mr_transactions_offline_since(const mr_transactions_offline *offline,
                                      const mr_topic_partition *partition) {
    for (uint32_t i = 0; i < offline->count; i++) {
        const mr_transaction_member *member = &offline->items[i].member;
        if (member->partition == partition->number &&
            mr_span_is(member->topic, partition->topic->name)) {
            return offline->items[i].since_ms;
        }
    }
    return -1;
}

mr_code mr_transactions_offline_save(mr_transactions *t, const mr_transactions_offline *before,
                                     mr_cx *cx) {
    uint32_t topic_count, rows = 0;
    mr_topic **topics = mr_topics_list(mr_broker_topics(t->broker), &topic_count, cx);
    mr_ledger ledger;
    mr_ledger_begin(&ledger, KIND, cx);
    for (uint32_t i = 0; i < topic_count; i++) {
        for (uint32_t p = 0; p < topics[i]->partition_count; p++) {
            const mr_topic_partition *partition = topics[i]->partitions[p];
            if (!mr_log_offline(partition->log, NULL)) {
                continue;
            }
            int64_t since_ms = mr_transactions_offline_since(before, partition);
            mr_ledger_row_begin(&ledger, ROW);
            mr_ledger_word(&ledger, mr_span_of(topics[i]->name));
            mr_ledger_number(&ledger, partition->number);
            mr_ledger_number(&ledger, since_ms >= 0 ? since_ms : mr_broker_now_ms(t->broker));
            rows++;
        }
        mr_topic_release(topics[i]);
    }
    return rows > 0 || before->count > 0 ? mr_ledger_save(&ledger, path_of(t, cx), cx) : MR_OK;
}
