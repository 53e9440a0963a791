// Consume: chooses the client, and passes calls on to it; see consume.h.

#include "kafka/consume.h"

#include <string.h>

#include "kafka/admin.h"
#include "kafka/consume_type.h"
#include "kafka/fetch.h"

mr_code mr_consume_unreachable(const char *address, const char *reason, mr_cx *cx) {
    mr_code code =
        mr_fail(cx, MR_E_NETWORK,
                "Is it running, and are bootstrap_servers and the security settings right?",
                "cannot reach Kafka at %s%s%s", address, reason[0] == '\0' ? "" : ": ", reason);
    return mr_error_flag(cx, code, MR_RETRY);
}

mr_code mr_consume_open(const mr_consume_options *options, mr_consume **ret, mr_cx *cx) {
    MR_TRY(mr_admin_check_name(options->topic, cx));
    if (options->embedded != NULL) {
        return mr_consume_embedded_open(options, ret, cx);
    }
    const char *client = options->client == NULL ? "auto" : options->client;
    const char *property = NULL;
    bool native = strcmp(client, "auto") == 0 ? mr_fetch_can(options->values, &property)
                                              : strcmp(client, "native") == 0;
    return native ? mr_fetch_open(options, ret, cx) : mr_consume_librdkafka_open(options, ret, cx);
}

void mr_consume_close(mr_consume *consume) {
    if (consume != NULL) {
        consume->type->close(consume);
    }
}

const char *mr_consume_client(const mr_consume *consume) {
    return consume->type->name;
}

uint32_t mr_consume_partitions(const mr_consume *consume) {
    return consume->partition_count;
}

mr_code mr_consume_refresh(mr_consume *consume, mr_cx *cx) {
    return consume->type->refresh(consume, cx);
}

mr_code mr_consume_bounds(mr_consume *consume, uint32_t partition, int64_t *ret_first,
                          int64_t *ret_next, mr_cx *cx) {
    return consume->type->bounds(consume, partition, ret_first, ret_next, cx);
}

mr_code mr_consume_at_time(mr_consume *consume, uint32_t partition, int64_t time_ms, int64_t *ret,
                           mr_cx *cx) {
    return consume->type->at_time(consume, partition, time_ms, ret, cx);
}

mr_code mr_consume_start(mr_consume *consume, uint32_t partition, int64_t offset, mr_cx *cx) {
    return consume->type->start(consume, partition, offset, cx);
}

void mr_consume_stop(mr_consume *consume, uint32_t partition) {
    consume->type->stop(consume, partition);
}

mr_code mr_consume_poll(mr_consume *consume, uint32_t partition, const mr_consume_taker *taker,
                        mr_consume_seen *ret, mr_cx *cx) {
    return consume->type->poll(consume, partition, taker, ret, cx);
}

void mr_consume_wait(mr_consume *consume, int64_t timeout_us) {
    consume->type->wait(consume, timeout_us);
}

bool mr_consume_down(mr_consume *consume) {
    return consume->type->down(consume);
}

mr_code mr_consume_settle(mr_consume *consume, mr_cx *cx) {
    return consume->type->settle == NULL ? MR_OK : consume->type->settle(consume, cx);
}

void mr_consume_commit(mr_consume *consume, const int64_t *offsets, uint32_t count) {
    consume->type->commit(consume, offsets, count);
}
