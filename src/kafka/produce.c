// Produce: see produce.h.

#include "kafka/produce.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "kafka/admin.h"
#include "plat/plat.h"

#define CONNECT_US (10 * (int64_t)1000000)
#define FLUSH_MS   60000
#define POLL_MS    100

struct mr_produce {
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    const char *address;  // Caller's.
    uint32_t partitions;
    uint64_t failed;
    rd_kafka_resp_err_t error;  // Of the first that failed.
};

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *self) {
    (void)client;
    mr_produce *produce = self;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        produce->error = produce->failed == 0 ? message->err : produce->error;
        produce->failed++;
    }
}

static mr_code configure(rd_kafka_conf_t *conf, const char *bootstrap_servers, mr_cx *cx) {
    const char *const settings[][2] = {
        {"bootstrap.servers", bootstrap_servers}, {"client.id", "millrace"},
        {"enable.idempotence", "true"},           {"linger.ms", "20"},
        {"queue.buffering.max.kbytes", "65536"},  {"log_level", "0"},
        {"partitioner", "murmur2_random"},
    };
    for (size_t i = 0; i < MR_COUNT(settings); i++) {
        char reason[256];
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof(reason)) !=
            RD_KAFKA_CONF_OK) {
            return mr_fail(cx, MR_E_OPTION, reason, "bad value \"%s\" for Kafka property \"%s\"",
                           settings[i][1], settings[i][0]);
        }
    }
    return MR_OK;
}

static mr_code find_topic(mr_produce *produce, const char *topic, int32_t partitions, mr_cx *cx) {
    MR_TRY(mr_admin_check_name(topic, cx));
    MR_TRY(mr_admin_partitions(produce->client, topic, CONNECT_US, &produce->partitions, cx));
    if (produce->partitions == 0) {
        mr_admin_topic wanted = {.name = topic, .partitions = partitions};
        MR_TRY(mr_admin_create(produce->client, &wanted, CONNECT_US, cx));
        MR_TRY(mr_admin_partitions(produce->client, topic, CONNECT_US, &produce->partitions, cx));
    }
    produce->topic = rd_kafka_topic_new(produce->client, topic, NULL);
    return produce->topic != NULL
               ? MR_OK
               : mr_fail(cx, MR_E_NETWORK, NULL, "cannot open topic \"%s\"", topic);
}

mr_code mr_produce_open(const char *bootstrap_servers, const char *topic, int32_t partitions,
                        mr_produce **ret, mr_cx *cx) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    mr_code code = configure(conf, bootstrap_servers, cx);
    if (code != MR_OK) {
        rd_kafka_conf_destroy(conf);
        return code;
    }
    mr_produce *produce = mr_heap_alloc(sizeof(*produce));
    produce->address = bootstrap_servers;
    rd_kafka_conf_set_opaque(conf, produce);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    char reason[256];
    produce->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    if (produce->client == NULL) {
        rd_kafka_conf_destroy(conf);
        mr_heap_free(produce);
        return mr_fail(cx, MR_E_NETWORK, NULL, "cannot make a Kafka client: %s", reason);
    }
    code = find_topic(produce, topic, partitions, cx);
    if (code != MR_OK) {
        mr_produce_close(produce);
        return mr_error_in(cx, code, "connecting to %s", bootstrap_servers);
    }
    *ret = produce;
    return MR_OK;
}

uint32_t mr_produce_partitions(const mr_produce *produce) {
    return produce->partitions;
}

mr_code mr_produce_send(mr_produce *produce, int32_t partition, mr_span key, mr_span value,
                        mr_cx *cx) {
    int32_t to = partition < 0 ? RD_KAFKA_PARTITION_UA : partition;
    while (rd_kafka_produce(produce->topic, to, RD_KAFKA_MSG_F_COPY, (void *)value.data,
                            value.bytes, key.data, key.bytes, NULL) != 0) {
        rd_kafka_resp_err_t error = rd_kafka_last_error();
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            return mr_fail(cx, mr_admin_code(error), NULL, "cannot send to %s: %s",
                           produce->address, rd_kafka_err2str(error));
        }
        if (mr_cx_cancelled(cx)) {
            return mr_fail(cx, MR_E_CANCELLED, NULL, "stopped while sending");
        }
        rd_kafka_poll(produce->client, POLL_MS);
    }
    rd_kafka_poll(produce->client, 0);
    return MR_OK;
}

mr_code mr_produce_flush(mr_produce *produce, mr_cx *cx) {
    rd_kafka_resp_err_t error = rd_kafka_flush(produce->client, FLUSH_MS);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return mr_fail(cx, MR_E_NETWORK, NULL, "%d records were not acknowledged by %s: %s",
                       rd_kafka_outq_len(produce->client), produce->address,
                       rd_kafka_err2str(error));
    }
    if (produce->failed > 0) {
        return mr_fail(cx, mr_admin_code(produce->error), NULL,
                       "%" PRIu64 " records were refused by %s: %s", produce->failed,
                       produce->address, rd_kafka_err2str(produce->error));
    }
    return MR_OK;
}

void mr_produce_close(mr_produce *produce) {
    if (produce == NULL) {
        return;
    }
    if (produce->topic != NULL) {
        rd_kafka_topic_destroy(produce->topic);
    }
    rd_kafka_destroy(produce->client);
    mr_heap_free(produce);
}
