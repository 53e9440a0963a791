// consume: reads a Kafka topic from its start to its present end and throws the records away.
//
//   consume BOOTSTRAP TOPIC PARTITIONS [PROPERTY VALUE]...      prints one JSON object
//
// Why: no program that reads with librdkafka can be faster than this, so it is one of the limits
// the benchmark compares with. The callback form is used: the batch call allocates as much and
// copies more. How: explicit assignment, all partitions forwarded to one queue; the clock runs from
// the first record to the last, so that connecting does not count (it is printed apart).

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

typedef struct tally {
    uint64_t records;
    uint64_t bytes;
    uint64_t errors;
    int open;  // Partitions that have not reached their end.
    double first_at;
    double last_at;
} tally;

static double now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

// The most memory this program has held. Not ru_maxrss: that begins with the peak of the process
// that started this one, since exec does not reset it.
static long peak_bytes(void) {
    char row[256];
    long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(row, sizeof row, status) != NULL) {
        if (sscanf(row, "VmHWM: %ld kB", &kilobytes) == 1) {
            break;
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    return kilobytes * 1024;
}

static void take(rd_kafka_message_t *message, void *opaque) {
    tally *t = opaque;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        t->open--;
        t->last_at = now();
        return;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "consume: %s\n", rd_kafka_message_errstr(message));
        t->errors++;
        return;
    }
    if (t->records == 0) {
        t->first_at = now();
    }
    t->records++;
    t->bytes += message->len;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[256];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "consume: %s\n", error);
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc < 4 || argc % 2 != 0) {
        fprintf(stderr, "usage: consume BOOTSTRAP TOPIC PARTITIONS [PROPERTY VALUE]...\n");
        return 2;
    }
    double begun_at = now();
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[1]);
    set(conf, "enable.partition.eof", "true");
    set(conf, "enable.auto.commit", "false");
    for (int i = 4; i < argc; i += 2) {
        set(conf, argv[i], argv[i + 1]);
    }
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (client == NULL) {
        fprintf(stderr, "consume: %s\n", error);
        return 1;
    }
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, argv[2], NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    tally t = {.open = atoi(argv[3])};
    for (int p = 0; p < atoi(argv[3]); p++) {
        if (rd_kafka_consume_start_queue(topic, p, RD_KAFKA_OFFSET_BEGINNING, queue) != 0) {
            fprintf(stderr, "consume: cannot start partition %d\n", p);
            return 1;
        }
    }
    while (t.open > 0 && t.errors == 0) {
        if (rd_kafka_consume_callback_queue(queue, 1000, take, &t) < 0) {
            t.errors++;
        }
    }
    double seconds = t.last_at - t.first_at;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"events\": %" PRIu64 ", \"bytes\": %" PRIu64
           ", \"seconds\": %.6f, \"cpu_seconds\": %.6f, "
           "\"rss_bytes\": %ld, \"first_row_seconds\": %.6f}\n",
           t.records, t.bytes, seconds, cpu, peak_bytes(), t.first_at - begun_at);
    for (int p = 0; p < atoi(argv[3]); p++) {
        rd_kafka_consume_stop(topic, p);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return t.errors == 0 ? 0 : 1;
}
