// produce: sends files of lines to the partitions of a Kafka topic, as fast as it goes.
//
//   produce BOOTSTRAP TOPIC FILE PARTITIONS [PROPERTY VALUE]...    line i of FILE.<p> to partition
//   p
//
// Prints one JSON object: rows that were acknowledged. The partitions go side by side, so that none
// is ahead of the others by more than a few batches: with a watermark a partition, what is read
// first would otherwise decide what is late.

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS_MAX 64
#define LINE_BYTES_MAX 65536

static uint64_t acknowledged, failed;

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    (void)opaque;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        acknowledged++;
    } else if (failed++ == 0) {
        fprintf(stderr, "produce: %s\n", rd_kafka_err2str(message->err));
    }
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[256];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "produce: %s\n", error);
        exit(1);
    }
}

static void send_line(rd_kafka_t *client, rd_kafka_topic_t *topic, int partition, char *line,
                      size_t bytes) {
    while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, line, bytes, NULL, 0, NULL) !=
           0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            fprintf(stderr, "produce: %s\n", rd_kafka_err2str(rd_kafka_last_error()));
            exit(1);
        }
        rd_kafka_poll(client, 10);
    }
}

int main(int argc, char **argv) {
    int partitions = argc > 4 ? atoi(argv[4]) : 0;
    if (argc % 2 == 0 || partitions < 1 || partitions > PARTITIONS_MAX) {
        fprintf(stderr, "usage: produce BOOTSTRAP TOPIC FILE PARTITIONS [PROPERTY VALUE]...\n");
        return 2;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[1]);
    set(conf, "enable.idempotence", "true");
    set(conf, "linger.ms", "20");
    set(conf, "batch.num.messages", "10000");
    set(conf, "queue.buffering.max.messages", "200000");
    for (int i = 5; i < argc; i += 2) {
        set(conf, argv[i], argv[i + 1]);
    }
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    char error[256];
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    rd_kafka_topic_t *topic = client == NULL ? NULL : rd_kafka_topic_new(client, argv[2], NULL);
    if (topic == NULL) {
        fprintf(stderr, "produce: no topic %s: %s\n", argv[2], error);
        return 1;
    }
    FILE *files[PARTITIONS_MAX];
    for (int p = 0; p < partitions; p++) {
        char path[4096];
        snprintf(path, sizeof path, "%s.%d", argv[3], p);
        files[p] = fopen(path, "rb");
        if (files[p] == NULL) {
            perror(path);
            return 1;
        }
    }
    static char line[LINE_BYTES_MAX];
    uint64_t sent = 0;
    for (int open = partitions; open > 0;) {
        open = 0;
        for (int p = 0; p < partitions; p++) {
            if (fgets(line, sizeof line, files[p]) == NULL) {
                continue;
            }
            open++;
            size_t bytes = strlen(line);
            send_line(client, topic, p, line, bytes - (line[bytes - 1] == '\n'));
            if (++sent % 1000 == 0) {
                rd_kafka_poll(client, 0);
            }
        }
    }
    rd_kafka_flush(client, 120000);
    printf("{\"sent\": %" PRIu64 ", \"acknowledged\": %" PRIu64 "}\n", sent, acknowledged);
    return acknowledged == sent && failed == 0 ? 0 : 1;
}
