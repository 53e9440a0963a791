// Source "kafka": the records of a topic, from any Kafka cluster.
//
// How: every partition is read at our own offsets (kafka/consume.h). A claim takes what has arrived
// of one partition, and reading decodes it in parallel: of our own client whole batches, whose
// values are decoded where they were received; of librdkafka messages, whose values are copied
// once, into one padded buffer with a line end behind each. Positions are next offsets; gaps
// (aborted transactions, compaction, markers) are simply passed over. Ends: a bounded run ends a
// partition at the offset that was its end at start, or at an end event. Threads: claims under the
// driver's mutex; readers share nothing but claims.

#include "conn/source_kafka.h"

#include <inttypes.h>
#include <string.h>

#include "kafka/offsets.h"

static const mr_option kafka_options[] = {
    MR_OPTION(source_kafka, bootstrap_servers, MR_OPT_TEXT, MR_EMBEDDED,
              "Addresses of brokers, host:port, with commas; embedded: the project's own."),
    MR_OPTION(source_kafka, topic, MR_OPT_TEXT, MR_REQUIRED, "The topic."),
    MR_OPTION_CHOICE(source_kafka, format, "json|text|raw|csv|avro", "json",
                     "What a record's value holds."),
    MR_OPTION(source_kafka, starting_offsets, MR_OPT_TEXT, "latest",
              "Where a first start begins: earliest, latest, a time, or offsets by partition."),
    MR_OPTION(source_kafka, partitions, MR_OPT_INT, "-1",
              "Partitions of the topic when it has to be made; -1 = the broker's default."),
    MR_OPTION(source_kafka, topic_config, MR_OPT_TEXT, NULL,
              "Settings of the topic when it has to be made: key=value, with commas."),
    MR_OPTION(source_kafka, connect_timeout, MR_OPT_DURATION, "10 seconds",
              "How long a start waits for the cluster."),
    MR_OPTION(source_kafka, refresh_interval, MR_OPT_DURATION, "10 seconds",
              "How often new partitions are looked for."),
    MR_OPTION(source_kafka, max_rows_per_trigger, MR_OPT_INT, "0",
              "Records taken in one epoch, at most; 0 = no limit."),
    MR_OPTION(source_kafka, max_rate_per_partition, MR_OPT_INT, "0",
              "Records taken from a partition in a second, at most; 0 = no limit."),
    MR_OPTION(source_kafka, max_record_bytes, MR_OPT_BYTES, "16MiB",
              "A longer record is a bad one."),
    MR_OPTION(source_kafka, fail_on_data_loss, MR_OPT_BOOL, "true",
              "Whether offsets that are gone stop the pipeline, or are passed over."),
    MR_OPTION_CHOICE(source_kafka, client, "auto|native|librdkafka", "auto",
                     "Who reads: millrace itself, or librdkafka, which knows TLS and SASL."),
    MR_OPTION_END,
};

bool mr_source_kafka_bounded(const source_kafka *s) {
    return s->base.spec.until != MR_UNTIL_STOPPED;
}

// A partition that came to the end of a bounded run still grows: its rows of the next run must not
// find the watermark at that of a faster partition. Only where all windows close at the end does it
// let go.
bool mr_source_kafka_closed(const source_kafka *s, const mr_partition *partition) {
    return partition->finished && s->base.spec.until == MR_UNTIL_END;
}

// ---- opening ---------------------------------------------------------------------------------

// The broker of this process, or the one that runs the project, at the address it left.
static mr_code take_embedded(source_kafka *s, mr_cx *cx) {
    const mr_source_spec *spec = &s->base.spec;
    s->embedded = spec->embedded;
    if (s->embedded != NULL) {
        return MR_OK;
    }
    if (spec->embedded_address == NULL) {
        return mr_fail_at(cx, MR_E_UNSUPPORTED, mr_conn_place(spec->options, "bootstrap_servers"),
                          "Start one with millrace up, set KAFKA_BOOTSTRAP_SERVERS, or read a file "
                          "with --source TABLE=file:PATH.",
                          "there is no embedded broker to read topic \"%s\" from", s->topic);
    }
    s->bootstrap_servers = spec->embedded_address;
    return MR_OK;
}

static mr_code take_options(source_kafka *s, mr_cx *cx) {
    const mr_option_values *values = s->base.spec.options;
    mr_arena *arena_before = cx->arena;
    cx->arena = &s->base.arena;
    mr_code code = mr_option_apply(kafka_options, values, "kafka.", s, cx);
    cx->arena = arena_before;
    MR_TRY(code);
    if (strcmp(s->format, "json") != 0) {
        return mr_fail_at(cx, MR_E_UNSUPPORTED, mr_conn_place(values, "format"),
                          "Write format 'json'.", "a Kafka source cannot read format \"%s\"",
                          s->format);
    }
    if (strcmp(s->bootstrap_servers, MR_EMBEDDED) == 0) {
        MR_TRY(take_embedded(s, cx));
    }
    MR_TRY(mr_pace_check(s->max_rows_per_trigger, s->max_rate_per_partition, values, cx));
    if (s->partitions != -1 && (s->partitions < 1 || s->partitions > 100000)) {
        return mr_fail_at(cx, MR_E_OPTION, mr_conn_place(values, "partitions"),
                          "Write a number from 1 to 100000.",
                          "a topic cannot have %" PRId64 " partitions", s->partitions);
    }
    mr_offsets offsets;
    code = mr_offsets_parse(s->starting_offsets, s->topic, s->base.spec.fields->zone, &offsets, cx);
    if (code != MR_OK) {
        cx->error.place = mr_conn_place(values, "starting_offsets");
    }
    return code;
}

static void add_partitions(source_kafka *s) {
    mr_source *base = &s->base;
    uint32_t count = mr_consume_partitions(s->consume);
    if (count <= base->partition_count) {
        return;
    }
    base->partitions = mr_heap_resize(base->partitions, sizeof(*base->partitions) * count);
    s->parts = mr_heap_resize(s->parts, sizeof(*s->parts) * count);
    for (uint32_t p = base->partition_count; p < count; p++) {
        s->parts[p] = (kafka_part){0};
        base->partitions[p] = (mr_partition){
            .name = mr_arena_printf(&base->arena, "%s/%" PRIu32, s->topic, p),
            .topic = s->topic,
            .number = mr_i32(p),
            .lane = p,
            .end = INT64_MAX,
        };
    }
    base->partition_count = count;
}

static mr_code kafka_open(mr_source *base, const mr_source_spec *spec, mr_cx *cx) {
    source_kafka *s = (source_kafka *)base;
    base->spec = *spec;
    s->plat = cx->plat;
    s->pool = mr_pool_new();
    s->views = mr_views_new();
    mr_mutex_init(&s->mutex);
    MR_TRY(take_options(s, cx));
    MR_TRY(mr_intake_check(spec, cx));
    for (uint32_t i = 0; i < spec->fields->count; i++) {
        mr_field_from from = spec->fields->items[i].from;
        s->wants_timestamps = s->wants_timestamps || from == MR_FROM_TIMESTAMP;
        s->wants_keys = s->wants_keys || from == MR_FROM_KEY;
        s->wants_headers = s->wants_headers || from == MR_FROM_HEADERS;
    }
    s->chunk_bytes = spec->chunk_bytes == 0 ? (size_t)512 << 10 : (size_t)spec->chunk_bytes;
    const char *owner = spec->pipeline == NULL ? spec->table : spec->pipeline;
    mr_consume_options options = {
        .bootstrap_servers = s->bootstrap_servers,
        .topic = s->topic,
        .partitions = (int32_t)s->partitions,
        .topic_config = s->topic_config,
        .group = mr_arena_printf(&base->arena, "millrace-%s", owner),
        .connect_timeout_us = s->connect_timeout,
        .values = spec->options,
        .client = s->client,
        .embedded = s->embedded,
    };
    MR_TRY(mr_consume_open(&options, &s->consume, cx));
    add_partitions(s);
    s->refreshed_us = mr_clock_monotonic_us(cx->plat);
    return MR_OK;
}

// ---- where to begin and to end ---------------------------------------------------------------

mr_code mr_source_kafka_gap(const source_kafka *s, const mr_partition *p, int64_t first,
                            int64_t next, mr_cx *cx) {
    return mr_fail(cx, MR_E_MISSING,
                   "Keep records longer, or write fail_on_data_loss 'false' to go on without them.",
                   "topic \"%s\", partition %" PRId32 ": offset %" PRId64
                   " is gone; available are %" PRId64 " .. %" PRId64,
                   s->topic, p->number, p->position, first, next);
}

// Checks the position against what the broker has, and sets the end of a bounded run.
static mr_code bound_part(source_kafka *s, mr_partition *p, int64_t first, int64_t next,
                          mr_cx *cx) {
    if (p->position < first || p->position > next) {
        if (s->fail_on_data_loss) {
            return mr_source_kafka_gap(s, p, first, next, cx);
        }
        p->position = first;
    }
    if (mr_source_kafka_bounded(s)) {
        p->end = next;
        p->finished = p->position >= next;
        p->closed = mr_source_kafka_closed(s, p);
    }
    p->caught_up = p->position >= next;
    return MR_OK;
}

static mr_code start_part(source_kafka *s, const mr_offsets *offsets, uint32_t index, mr_cx *cx) {
    mr_partition *p = &s->base.partitions[index];
    int64_t first, next;
    MR_TRY(mr_consume_bounds(s->consume, index, &first, &next, cx));
    int64_t wish = offsets->all;
    if (offsets->by_time) {
        MR_TRY(mr_consume_at_time(s->consume, index, offsets->time_ms, &wish, cx));
    } else if (offsets->each != NULL) {
        wish = index < offsets->each_count ? offsets->each[index] : INT64_MIN;
        if (wish == INT64_MIN) {
            return mr_fail_at(cx, MR_E_VALUE,
                              mr_conn_place(s->base.spec.options, "starting_offsets"),
                              "Name every partition; -2 is the earliest offset, -1 the latest.",
                              "starting_offsets do not name partition %" PRIu32 " of topic \"%s\"",
                              index, s->topic);
        }
    }
    p->position = wish == MR_OFFSETS_EARLIEST ? first : wish == MR_OFFSETS_LATEST ? next : wish;
    return bound_part(s, p, first, next, cx);
}

static mr_code kafka_start(mr_source *base, mr_cx *cx) {
    source_kafka *s = (source_kafka *)base;
    mr_offsets offsets;
    MR_TRY(mr_offsets_parse(s->starting_offsets, s->topic, base->spec.fields->zone, &offsets, cx));
    if (offsets.each_count > base->partition_count) {
        return mr_fail_at(cx, MR_E_VALUE, mr_conn_place(base->spec.options, "starting_offsets"),
                          NULL, "topic \"%s\" has no partition %" PRIu32 ", only %" PRIu32,
                          s->topic, offsets.each_count - 1, base->partition_count);
    }
    for (uint32_t p = 0; p < base->partition_count; p++) {
        MR_TRY(start_part(s, &offsets, p, cx));
    }
    return MR_OK;
}

static mr_code seek_part(source_kafka *s, uint32_t index, const int64_t *position, mr_cx *cx) {
    mr_partition *p = &s->base.partitions[index];
    int64_t first, next;
    MR_TRY(mr_consume_bounds(s->consume, index, &first, &next, cx));
    p->position = position == NULL ? first : *position;  // A new partition: from its start.
    return bound_part(s, p, first, next, cx);
}

static mr_code kafka_seek(mr_source *base, const char *const *names, const int64_t *positions,
                          size_t count, mr_cx *cx) {
    source_kafka *s = (source_kafka *)base;
    size_t found = 0;
    for (uint32_t p = 0; p < base->partition_count; p++) {
        const int64_t *position = NULL;
        for (size_t n = 0; n < count && position == NULL; n++) {
            position = strcmp(names[n], base->partitions[p].name) == 0 ? &positions[n] : NULL;
        }
        found += position != NULL;
        MR_TRY(seek_part(s, p, position, cx));
    }
    if (found < count) {
        return mr_fail(cx, MR_E_MISSING, "Is it another topic? Start with --fresh to read it.",
                       "topic \"%s\" has %" PRIu32 " partitions, and %zu that were read are gone",
                       s->topic, base->partition_count, count - found);
    }
    return MR_OK;
}

// The broker was away: finds out whether it is back, and which partitions are caught up.
static void look_again(source_kafka *s, mr_cx *cx) {
    for (uint32_t p = 0; p < s->base.partition_count; p++) {
        int64_t first, next;
        if (mr_consume_bounds(s->consume, p, &first, &next, cx) != MR_OK) {
            return;
        }
        s->base.partitions[p].caught_up = s->base.partitions[p].position >= next;
    }
    s->was_down = false;
}

static mr_code kafka_refresh(mr_source *base, mr_cx *cx) {
    source_kafka *s = (source_kafka *)base;
    s->rows_now = 0;
    if (s->was_down) {
        look_again(s, cx);
        return MR_OK;
    }
    int64_t now_us = mr_clock_monotonic_us(cx->plat);
    if (mr_source_kafka_bounded(s) || now_us - s->refreshed_us < s->refresh_interval) {
        return MR_OK;
    }
    s->refreshed_us = now_us;
    mr_code code = mr_consume_refresh(s->consume, cx);
    if (code != MR_OK) {
        return code == MR_E_NETWORK ? MR_OK : code;  // Asked again next time.
    }
    uint32_t before = base->partition_count;
    add_partitions(s);
    for (uint32_t p = before; p < base->partition_count; p++) {
        MR_TRY(seek_part(s, p, NULL, cx));
    }
    return MR_OK;
}

static void kafka_wait(mr_source *base, int64_t timeout_us, mr_cx *cx) {
    (void)cx;
    mr_consume_wait(((source_kafka *)base)->consume, timeout_us);
}

static mr_code kafka_settle(mr_source *base, mr_cx *cx) {
    return mr_consume_settle(((source_kafka *)base)->consume, cx);
}

static void kafka_committed(mr_source *base, const int64_t *positions, size_t count, mr_cx *cx) {
    (void)cx;
    source_kafka *s = (source_kafka *)base;
    if (!s->was_down) {
        mr_consume_commit(s->consume, positions,
                          (uint32_t)MR_MIN(count, (size_t)base->partition_count));
    }
}

static void kafka_close(mr_source *base) {
    source_kafka *s = (source_kafka *)base;
    for (kafka_claim *claim = s->claims; claim != NULL; claim = claim->next) {
        if (claim->taken && claim->chunk != NULL) {
            mr_fetch_chunk_free(claim->chunk);  // Claimed and never read.
        } else if (claim->taken) {
            mr_hold_unref(claim->hold);
        }
    }
    mr_consume_close(s->consume);
    mr_pool_close(s->pool);
    mr_views_close(s->views);
    mr_mutex_release(&s->mutex);
    mr_heap_free(s->parts);
    mr_heap_free(base->partitions);
    mr_arena_release(&base->arena);
}

const mr_source_type mr_source_kafka = {
    .name = "kafka",
    .file = __FILE__,
    .summary = "Reads the records of a Kafka topic.",
    .size = sizeof(source_kafka),
    .options = kafka_options,
    .pass_prefix = "kafka.",
    .has_future_skew = true,
    .open = kafka_open,
    .start = kafka_start,
    .seek = kafka_seek,
    .claim = mr_source_kafka_claim,
    .wait = kafka_wait,
    .reader_open = mr_source_kafka_read_open,
    .read = mr_source_kafka_read,
    .reader_close = mr_source_kafka_read_close,
    .settle = kafka_settle,
    .committed = kafka_committed,
    .refresh = kafka_refresh,
    .close = kafka_close,
};
