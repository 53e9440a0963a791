// Groups wait: calls that wait for a rebalance, and for the log; see groups_state.h.
//
// Also: mr_groups_

#include "broker/groups_state.h"

#define SETTLE_US ((int64_t)5 * 1000000)  // offsets.commit.timeout.ms

typedef struct waiting {
    uint64_t token;
    mr_span group;
    mr_groups_fill *fill;
    mr_groups_fail *fail;
    int64_t after;
    mr_topic_partition *beside;  // Another log, which must be durable behind …; NULL = none.
    int64_t beside_after;
    int64_t deadline_us;
} waiting;

static waiting *waiting_of(mr_call *call) {
    if (call->state == NULL) {
        call->state = MR_NEW(call->arena, waiting);
    }
    return call->state;
}

static void settle_step(mr_call *call, mr_cx *cx) {
    (void)cx;
    mr_groups *groups = mr_broker_groups(call->broker);
    const waiting *w = call->state;
    // Set before anything was appended, and kept.
    mr_topic_partition *partition = groups->partition;
    mr_call_watch(call, &partition->watchers);
    if (w->beside != NULL) {
        mr_call_watch(call, &w->beside->watchers);
    }
    if (mr_log_marks_of(partition->log).high > w->after &&
        (w->beside == NULL || mr_log_marks_of(w->beside->log).high > w->beside_after)) {
        mr_call_unwatch(call);
        return;
    }
    bool offline = mr_log_offline(partition->log, NULL) ||
                   (w->beside != NULL && mr_log_offline(w->beside->log, NULL));
    if (offline || mr_clock_monotonic_us(mr_broker_plat(call->broker)) >= w->deadline_us) {
        mr_call_unwatch(call);
        w->fail(call, offline ? MR_KAFKA_NOT_COORDINATOR : MR_KAFKA_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    mr_call_park(call, w->deadline_us, settle_step);
}

void mr_groups_settle(mr_call *call, int64_t after, mr_groups_fail *fail, mr_cx *cx) {
    if (after < 0) {
        return;
    }
    waiting *w = waiting_of(call);
    w->after = after;
    w->fail = fail;
    w->deadline_us = mr_clock_monotonic_us(mr_broker_plat(call->broker)) + SETTLE_US;
    settle_step(call, cx);
}

void mr_groups_settle_beside(mr_call *call, mr_topic_partition *partition, int64_t after) {
    waiting *w = waiting_of(call);
    w->beside = partition;
    w->beside_after = after;
}

static void await_step(mr_call *call, mr_cx *cx) {
    mr_groups *groups = mr_broker_groups(call->broker);
    const waiting *w = call->state;
    mr_call_watch(call, mr_groups_watchers(groups, w->group));
    mr_mutex_lock(&groups->mutex);
    mr_group_answer *answer = mr_group_answer_take(&groups->host, w->token);
    mr_mutex_unlock(&groups->mutex);
    if (answer == NULL) {
        mr_call_park(call, INT64_MAX, await_step);
        return;
    }
    mr_call_unwatch(call);
    int64_t after = answer->after;
    w->fill(call, answer);
    mr_group_answer_free(answer);
    mr_groups_settle(call, after, w->fail, cx);
}

void mr_groups_await(mr_call *call, uint64_t token, mr_span group, mr_groups_fill *fill,
                     mr_groups_fail *fail, mr_cx *cx) {
    waiting *w = waiting_of(call);
    *w = (waiting){.token = token, .group = group, .fill = fill, .fail = fail};
    await_step(call, cx);
}
