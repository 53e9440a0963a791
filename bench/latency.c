// latency: how long records are under way, at a rate that was fixed before.
//
//   latency BOOTSTRAP TOPIC PARTITIONS RECORD_BYTES ACKS RATE SECONDS
//
// A producer sends RATE records a second, one to each partition in turn, each stamped with the time
// at which it was due: a broker that stalls makes all that was due meanwhile late. A consumer in the
// same process reads them, so that both ends have one clock. Prints one JSON object: records, and
// percentiles in microseconds from due to acknowledged and from due to read.

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_UP   50  // Records that do not count.
#define PATIENCE  30  // Seconds, for what is still under way at the end.
#define BYTES_MAX 65536

typedef struct times {
    int64_t *items;
    size_t count;
    size_t capacity;
} times;

static times acknowledged, read_back;  // The latter is the consumer thread's until it is joined.
static atomic_size_t arrived;
static atomic_bool over;
static const char *bootstrap, *topic;
static int partitions;

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void note(times *to, const rd_kafka_message_t *message) {
    int64_t due;
    memcpy(&due, message->payload, sizeof due);
    if (to->count < to->capacity) {
        to->items[to->count++] = now_us() - due;
    }
}

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    (void)opaque;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        note(&acknowledged, message);
    } else {
        fprintf(stderr, "latency: %s\n", rd_kafka_err2str(message->err));
    }
}

static rd_kafka_t *client_new(rd_kafka_type_t type, const char *const properties[][2], size_t count) {
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < count; i++) {
        if (rd_kafka_conf_set(conf, properties[i][0], properties[i][1], error, sizeof error) !=
            RD_KAFKA_CONF_OK) {
            fprintf(stderr, "latency: %s\n", error);
            exit(1);
        }
    }
    if (type == RD_KAFKA_PRODUCER) {
        rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    }
    rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof error);
    if (client == NULL) {
        fprintf(stderr, "latency: %s\n", error);
        exit(1);
    }
    return client;
}

static void *consume(void *unused) {
    (void)unused;
    const char *const properties[][2] = {{"bootstrap.servers", bootstrap}, {"group.id", "latency"}};
    rd_kafka_t *client = client_new(RD_KAFKA_CONSUMER, properties, 2);
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++) {
        rd_kafka_topic_partition_list_add(all, topic, p)->offset = 0;
    }
    rd_kafka_assign(client, all);
    rd_kafka_topic_partition_list_destroy(all);
    while (!atomic_load(&over)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 50);
        if (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            note(&read_back, message);
            atomic_fetch_add(&arrived, 1);
        }
        if (message != NULL) {
            rd_kafka_message_destroy(message);
        }
    }
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return NULL;
}

static void send_record(rd_kafka_t *client, size_t number, char *record, size_t bytes, int64_t due) {
    memcpy(record, &due, sizeof due);
    while (rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic),
                             RD_KAFKA_V_PARTITION((int32_t)(number % (size_t)partitions)),
                             RD_KAFKA_V_VALUE(record, bytes),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(client, 10);
    }
}

// Until so many came back, or patience is over.
static bool wait_for(rd_kafka_t *client, size_t count) {
    int64_t end = now_us() + (int64_t)PATIENCE * 1000000;
    while (atomic_load(&arrived) < count || acknowledged.count < count) {
        if (now_us() > end) {
            return false;
        }
        rd_kafka_poll(client, 1);
    }
    return true;
}

static int compare(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static void print(const char *name, times *all, const char *end) {
    size_t count = all->count - WARM_UP;
    int64_t *items = all->items + WARM_UP;
    qsort(items, count, sizeof *items, compare);
    printf("\"%s_us\": {\"p50\": %" PRId64 ", \"p99\": %" PRId64 ", \"max\": %" PRId64 "}%s", name,
           items[count / 2], items[count - 1 - count / 100], items[count - 1], end);
}

int main(int argc, char **argv) {
    if (argc != 8) {
        fprintf(stderr, "usage: latency BOOTSTRAP TOPIC PARTITIONS RECORD_BYTES ACKS RATE SECONDS\n");
        return 2;
    }
    bootstrap = argv[1];
    topic = argv[2];
    partitions = atoi(argv[3]);
    size_t bytes = (size_t)atoi(argv[4]);
    double rate = atof(argv[6]);
    size_t total = WARM_UP + (size_t)(rate * atof(argv[7]));
    static char record[BYTES_MAX];
    if (partitions < 1 || bytes < sizeof(int64_t) || bytes > sizeof record || rate <= 0) {
        fprintf(stderr, "latency: no such run\n");
        return 2;
    }
    acknowledged = (times){calloc(total, sizeof(int64_t)), 0, total};
    read_back = (times){calloc(total, sizeof(int64_t)), 0, total};
    pthread_t consumer;
    pthread_create(&consumer, NULL, consume, NULL);
    const char *const properties[][2] = {
        {"bootstrap.servers", bootstrap}, {"acks", argv[5]}, {"linger.ms", "0"}};
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER, properties, 3);
    for (size_t i = 0; i < WARM_UP; i++) {
        send_record(client, i, record, bytes, now_us());
    }
    bool whole = wait_for(client, WARM_UP);
    int64_t begin = now_us();
    for (size_t i = WARM_UP; i < total && whole; i++) {
        int64_t due = begin + (int64_t)((double)(i - WARM_UP) * 1e6 / rate);
        while (now_us() < due) {
            rd_kafka_poll(client, 1);
        }
        send_record(client, i, record, bytes, due);
    }
    whole = whole && wait_for(client, total);
    atomic_store(&over, true);
    pthread_join(consumer, NULL);
    rd_kafka_destroy(client);
    if (!whole) {
        fprintf(stderr, "latency: of %zu records %zu were acknowledged and %zu read\n", total,
                acknowledged.count, read_back.count);
        return 1;
    }
    printf("{\"records\": %zu, ", total - WARM_UP);
    print("acknowledged", &acknowledged, ", ");
    print("read", &read_back, "}\n");
    return 0;
}
