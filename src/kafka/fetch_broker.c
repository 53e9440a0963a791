// Fetch, the broker's side: a thread that asks one broker for the partitions it leads, and cuts
// what comes into chunks; see fetch_state.h.
//
// Only headers of batches are looked at here: which are data, which belong to transactions that
// were aborted (KIP-98: the answer lists them; a marker ends each), where the next request begins.
// Checksums, compression and records are the readers' work, on their own threads.
// Also: mr_fetch_

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

#include "codec/record_batch.h"
#include "kafka/admin.h"
#include "kafka/fetch_state.h"

#define FETCH_VERSION_BY_NAME 12                   // The last that names topics by name.
#define FETCH_CHUNK_BYTES     ((size_t)256 << 10)  // Of a chunk, in whole batches.
#define FETCH_EXPAND_GUESS    4                    // What compressed bytes become.
#define FETCH_ANSWER_BYTES    ((size_t)8 << 20)    // Of an answer, at most …
#define FETCH_ANSWER_LEAST    ((size_t)1 << 20)    // … and at least, when buffers are short.
#define FETCH_FULL_WAIT_MS    5  // When other partitions' queues are full: they soon are not.
#define FETCH_CLOSED          INT64_MAX

// A partition in a request.
typedef struct broker_plan {
    uint32_t partition;
    uint32_t generation;
    int64_t next;
    bool answered;
} broker_plan;

typedef struct broker_run {
    fetch_broker *broker;
    mr_fetch *fetch;
    mr_arena arena;  // Of one round.
    mr_cx cx;
    mr_link link;
    int64_t backoff_us;
    broker_plan *plans;
    uint32_t plan_count;
    bool others_full;
} broker_run;

// ---- what to ask for ---------------------------------------------------------------------------

// Under the mutex. Partitions of this broker whose queues are short.
static void make_plans(broker_run *run) {
    mr_fetch *fetch = run->fetch;
    uint32_t count = fetch->base.partition_count;
    int64_t now_us = mr_clock_monotonic_us(fetch->plat);
    bool room =
        mr_fetch_buffers_bytes(fetch->buffers) < FETCH_BUFFERS_BYTES || fetch->queued_bytes == 0;
    run->plans = mr_arena_raw(&run->arena, sizeof(broker_plan) * MR_MAX(count, 1u));
    run->plan_count = 0;
    run->others_full = false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (run->broker->turn + i) % count;
        fetch_partition *p = fetch->partitions[index];
        if (p->leader != run->broker->node || !p->started || p->asked || p->code != MR_OK ||
            p->retry_us > now_us) {
            continue;
        }
        if (!room || p->queued_bytes >= fetch->config.queue_bytes) {
            run->others_full = true;
            continue;
        }
        p->asked = true;
        run->plans[run->plan_count++] =
            (broker_plan){.partition = index, .generation = p->generation, .next = p->next};
    }
    if (count > 0) {
        run->broker->turn = (run->broker->turn + 1) % count;
    }
}

// Waits until there is something to ask for. False: the client closes.
static bool wait_for_work(broker_run *run) {
    mr_fetch *fetch = run->fetch;
    mr_mutex_lock(&fetch->mutex);
    make_plans(run);
    while (!fetch->stopping && run->plan_count == 0) {
        mr_condition_wait(&run->broker->work, &fetch->mutex, FETCH_PAUSE_US);
        mr_arena_clear(&run->arena);
        make_plans(run);
    }
    bool go = !fetch->stopping;
    mr_mutex_unlock(&fetch->mutex);
    return go;
}

static void end_plans(broker_run *run) {
    mr_mutex_lock(&run->fetch->mutex);
    for (uint32_t i = 0; i < run->plan_count; i++) {
        run->fetch->partitions[run->plans[i].partition]->asked = false;
    }
    run->plan_count = 0;
    mr_mutex_unlock(&run->fetch->mutex);
}

static void fill_request(broker_run *run, mr_wire_fetch_request *request,
                         mr_wire_fetch_topic *topic) {
    mr_fetch *fetch = run->fetch;
    const fetch_config *config = &fetch->config;
    size_t used = mr_fetch_buffers_bytes(fetch->buffers);
    size_t left = used < FETCH_BUFFERS_BYTES ? FETCH_BUFFERS_BYTES - used : 0;
    size_t most = MR_MAX(MR_MIN(left, FETCH_ANSWER_BYTES), FETCH_ANSWER_LEAST);
    mr_wire_clear(&mr_schema_fetch_request, request);
    mr_wire_clear(&mr_schema_fetch_topic, topic);
    request->max_wait_ms =
        run->others_full ? MR_MIN(config->wait_ms, FETCH_FULL_WAIT_MS) : config->wait_ms;
    request->min_bytes = config->min_bytes;
    request->max_bytes = MR_MIN(config->max_bytes, (int32_t)most);
    request->isolation_level = config->isolation;
    request->topics = topic;
    request->topics_count = 1;
    topic->topic = mr_span_of(fetch->topic);
    topic->topic_id = fetch->topic_id;
    topic->partitions = MR_NEW_ARRAY(&run->arena, mr_wire_fetch_partition, run->plan_count);
    topic->partitions_count = (int32_t)run->plan_count;
    for (uint32_t i = 0; i < run->plan_count; i++) {
        mr_wire_fetch_partition *p = &topic->partitions[i];
        mr_wire_clear(&mr_schema_fetch_partition, p);
        p->partition = (int32_t)run->plans[i].partition;
        p->fetch_offset = run->plans[i].next;
        p->partition_max_bytes = config->partition_max_bytes;
    }
}

// ---- what comes --------------------------------------------------------------------------------

// Batches of one partition in an answer, cut into chunks.
typedef struct broker_cut {
    broker_run *run;
    mr_fetch_buffer *buffer;
    mr_wire_fetch_aborted *aborted;
    int32_t aborted_count;
    int64_t next;
    mr_fetch_chunk *first;
    mr_fetch_chunk *last;
    uint64_t bytes;
    mr_fetch_range *ranges;  // Of the chunk to come.
    uint32_t range_count;
    size_t weight;
    int64_t from;
} broker_cut;

// The ranges so far become a chunk.
static void cut_chunk(broker_cut *cut) {
    if (cut->range_count == 0) {
        return;
    }
    size_t ranges_bytes = sizeof(mr_fetch_range) * cut->range_count;
    mr_fetch_chunk *chunk = mr_heap_raw(sizeof(mr_fetch_chunk) + ranges_bytes);
    *chunk = (mr_fetch_chunk){.buffer = cut->buffer,
                              .data = cut->buffer->data,
                              .from = cut->from,
                              .to = cut->next,
                              .batch_count = cut->range_count};
    memcpy(chunk->batches, cut->ranges, ranges_bytes);
    for (uint32_t i = 0; i < cut->range_count; i++) {
        chunk->bytes += cut->ranges[i].bytes;
        chunk->rows += cut->ranges[i].rows;
    }
    mr_fetch_buffer_ref(cut->buffer);
    cut->bytes += chunk->bytes;
    if (cut->last == NULL) {
        cut->first = chunk;
    } else {
        cut->last->next = chunk;
    }
    cut->last = chunk;
    cut->range_count = 0;
    cut->weight = 0;
}

// Whether a batch holds nothing for a reader: a marker, or data that was taken back.
static bool is_void(broker_cut *cut, const mr_record_batch *batch) {
    bool control = (batch->attributes & MR_RECORD_BATCH_CONTROL) != 0;
    if (!control && (batch->attributes & MR_RECORD_BATCH_TRANSACTIONAL) == 0) {
        return batch->record_count == 0;
    }
    bool ends = control && mr_record_batch_marker(batch) == MR_RECORD_ABORT;
    mr_wire_fetch_aborted *found = NULL;  // The earliest that has begun.
    for (int32_t i = 0; i < cut->aborted_count; i++) {
        mr_wire_fetch_aborted *a = &cut->aborted[i];
        if (a->producer_id == batch->producer_id && a->first_offset <= batch->last_offset &&
            (found == NULL || a->first_offset < found->first_offset)) {
            found = a;
        }
    }
    if (ends && found != NULL) {
        found->first_offset = FETCH_CLOSED;
    }
    return control || found != NULL || batch->record_count == 0;
}

static mr_code cut_batch(broker_cut *cut, const mr_record_batch *batch, mr_cx *cx) {
    if (batch->last_offset < cut->next) {
        return MR_OK;  // The broker begins with the batch that the wished offset is in.
    }
    if (cut->range_count > 0 && batch->base_offset < cut->next) {
        return mr_fail(cx, MR_E_CORRUPT, NULL,
                       "record batch at offset %" PRId64 " follows one that ends at %" PRId64,
                       batch->base_offset, cut->next - 1);
    }
    if (is_void(cut, batch)) {
        cut->next = batch->last_offset + 1;
        return MR_OK;
    }
    size_t weight =
        batch->byte_count * (batch->compression == MR_COMPRESS_NONE ? 1 : FETCH_EXPAND_GUESS);
    if (cut->range_count > 0 && cut->weight + weight > FETCH_CHUNK_BYTES) {
        cut_chunk(cut);
    }
    if (cut->range_count == 0) {
        cut->from = MR_MAX(cut->next, batch->base_offset);
    }
    cut->ranges[cut->range_count++] =
        (mr_fetch_range){(uint32_t)(batch->bytes - cut->buffer->data), (uint32_t)batch->byte_count,
                         batch->record_count};
    cut->weight += weight;
    cut->next = batch->last_offset + 1;
    return MR_OK;
}

static mr_code cut_records(broker_cut *cut, mr_span records, mr_cx *cx) {
    size_t most = records.bytes / MR_RECORD_BATCH_HEAD_BYTES + 1;
    cut->ranges = mr_arena_raw(&cut->run->arena, sizeof(mr_fetch_range) * most);
    int64_t before = cut->next;
    bool any = false;
    bool found = true;
    mr_code code = MR_OK;
    while (code == MR_OK && found) {
        mr_record_batch batch;
        code = mr_record_batch_next(&records, &batch, &found, cx);
        if (code == MR_OK && found) {
            code = cut_batch(cut, &batch, cx);
            any = true;
        }
    }
    cut_chunk(cut);
    if (code == MR_OK && !any && records.bytes > 0) {
        code = mr_fail(cx, MR_E_CORRUPT, NULL,
                       "the record batch at offset %" PRId64 " was not sent whole", before);
    }
    return code;
}

// Under the mutex.
static void push_chunks(fetch_partition *p, broker_cut *cut) {
    if (cut->first != NULL) {
        if (p->last == NULL) {
            p->first = cut->first;
        } else {
            p->last->next = cut->first;
        }
        p->last = cut->last;
        p->queued_bytes += cut->bytes;
        cut->run->fetch->queued_bytes += cut->bytes;
        cut->first = NULL;
    }
}

static void drop_chunks(broker_cut *cut) {
    while (cut->first != NULL) {
        mr_fetch_chunk *chunk = cut->first;
        cut->first = chunk->next;
        mr_fetch_chunk_free(chunk);
    }
}

// Whether an error of a partition passes by itself, once leaders are known again.
static bool is_moving(int16_t error) {
    // clang-format off
    return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           error == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE ||
           error == RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR ||
           error == RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH ||
           error == RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN ||
           error == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT ||
           error == 100 ||  // UNKNOWN_TOPIC_ID
           error == 103;    // INCONSISTENT_TOPIC_ID
    // clang-format on
}

// Under the mutex.
static void take_error(broker_run *run, fetch_partition *p, int16_t error) {
    if (is_moving(error)) {
        p->retry_us = mr_clock_monotonic_us(run->fetch->plat) + FETCH_PAUSE_US;
        run->fetch->refresh_wanted = true;
        mr_condition_signal(&run->fetch->ask);
        return;
    }
    p->gone = error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
    mr_fetch_spoil(p, p->gone ? MR_E_MISSING : mr_admin_code((rd_kafka_resp_err_t)error),
                   rd_kafka_err2str((rd_kafka_resp_err_t)error));
}

static void take_partition(broker_run *run, const broker_plan *plan, mr_wire_fetch_data *data,
                           mr_fetch_buffer *buffer) {
    mr_fetch *fetch = run->fetch;
    broker_cut cut = {.run = run,
                      .buffer = buffer,
                      .aborted = data->aborted_transactions,
                      .aborted_count = data->aborted_transactions_count,
                      .next = plan->next};
    mr_code code = data->error_code == 0 ? cut_records(&cut, data->records, &run->cx) : MR_OK;
    mr_mutex_lock(&fetch->mutex);
    fetch_partition *p = fetch->partitions[plan->partition];
    if (p->started && p->generation == plan->generation) {
        if (data->error_code != 0) {
            take_error(run, p, data->error_code);
        }
        push_chunks(p, &cut);
        p->next = cut.next;
        p->stable = fetch->config.isolation == 1 && data->last_stable_offset >= 0
                        ? data->last_stable_offset
                        : data->high_watermark;
        p->stable = data->error_code == 0 ? p->stable : -1;
        if (code != MR_OK) {
            mr_fetch_spoil(p, code, run->cx.error.text);
        }
        mr_fetch_tell(fetch);
    }
    mr_mutex_unlock(&fetch->mutex);
    drop_chunks(&cut);
}

static broker_plan *plan_of(const broker_run *run, int32_t partition) {
    for (uint32_t i = 0; i < run->plan_count; i++) {
        if (run->plans[i].partition == (uint32_t)partition) {
            return &run->plans[i];
        }
    }
    return NULL;
}

static mr_code take_answer(broker_run *run, mr_wire_fetch_response *response,
                           mr_fetch_buffer *buffer) {
    if (response->error_code != 0) {
        return mr_fail(&run->cx, MR_E_NETWORK, NULL, "fetch: %s",
                       rd_kafka_err2str((rd_kafka_resp_err_t)response->error_code));
    }
    for (int32_t t = 0; t < response->responses_count; t++) {
        mr_wire_fetch_data_topic *topic = &response->responses[t];
        for (int32_t i = 0; i < topic->partitions_count; i++) {
            broker_plan *plan = plan_of(run, topic->partitions[i].partition_index);
            if (plan == NULL) {
                continue;
            }
            if (plan->answered) {  // Its rows would count twice.
                return mr_fail(&run->cx, MR_E_CORRUPT, "Write option client 'librdkafka'.",
                               "fetch: the answer of %s lists partition %" PRIu32 " twice",
                               run->link.socket.peer, plan->partition);
            }
            plan->answered = true;
            take_partition(run, plan, &topic->partitions[i], buffer);
        }
    }
    return MR_OK;
}

// ---- the thread --------------------------------------------------------------------------------

static mr_code fetch_once(broker_run *run) {
    mr_fetch *fetch = run->fetch;
    mr_cx *cx = &run->cx;
    mr_wire_fetch_request request;
    mr_wire_fetch_topic topic;
    mr_wire_fetch_response response;
    fill_request(run, &request, &topic);
    int16_t version_max = INT16_MAX;
    static const mr_wire_uuid no_id;
    if (memcmp(&fetch->topic_id, &no_id, sizeof(no_id)) == 0) {
        version_max = FETCH_VERSION_BY_NAME;
    }
    mr_link_call call = {MR_KEY_fetch, version_max, &request, &response};
    mr_socket_limit limit = {
        .deadline_us = mr_clock_monotonic_us(fetch->plat) + fetch->config.timeout_us +
                       (int64_t)request.max_wait_ms * 1000,
        .wake = &fetch->closing,
    };
    size_t bytes = 0;
    MR_TRY(mr_link_send(&run->link, &call, &limit, cx));
    MR_TRY(mr_link_receive_length(&run->link, &limit, &bytes, cx));
    mr_fetch_buffer *buffer = mr_fetch_buffers_take(fetch->buffers, bytes);
    mr_code code = mr_socket_receive(&run->link.socket, buffer->data, bytes, &limit, cx);
    if (code == MR_OK) {
        code = mr_link_decode(&run->link, &call, (mr_span){buffer->data, bytes}, cx);
    }
    if (code == MR_OK) {
        code = take_answer(run, &response, buffer);
    }
    mr_fetch_buffer_unref(buffer);
    return code;
}

static mr_code connect_broker(broker_run *run) {
    mr_fetch *fetch = run->fetch;
    mr_mutex_lock(&fetch->mutex);
    mr_link_address address = run->broker->address;
    mr_mutex_unlock(&fetch->mutex);
    mr_socket_limit limit = {.deadline_us = mr_clock_monotonic_us(fetch->plat) + FETCH_ASK_US,
                             .wake = &fetch->closing};
    return mr_link_open(&run->link, &address, &limit, &run->cx);
}

// What will not pass by itself: who reads these partitions is told.
static void give_up(broker_run *run, mr_code code) {
    mr_mutex_lock(&run->fetch->mutex);
    for (uint32_t i = 0; i < run->plan_count; i++) {
        fetch_partition *p = run->fetch->partitions[run->plans[i].partition];
        if (p->generation == run->plans[i].generation) {
            mr_fetch_spoil(p, code, run->cx.error.text);
        }
    }
    mr_fetch_tell(run->fetch);
    mr_mutex_unlock(&run->fetch->mutex);
}

// The broker is away: others are asked who leads now, and after a pause it is tried again.
static void back_off(broker_run *run) {
    mr_fetch *fetch = run->fetch;
    mr_link_close(&run->link, fetch->plat);
    mr_mutex_lock(&fetch->mutex);
    fetch->refresh_wanted = true;
    mr_condition_signal(&fetch->ask);
    int64_t until_us = mr_clock_monotonic_us(fetch->plat) + run->backoff_us;
    while (!fetch->stopping) {
        int64_t left_us = until_us - mr_clock_monotonic_us(fetch->plat);
        if (left_us <= 0) {
            break;
        }
        mr_condition_wait(&run->broker->work, &fetch->mutex, left_us);
    }
    mr_mutex_unlock(&fetch->mutex);
    run->backoff_us = MR_MIN(run->backoff_us * 2, fetch->config.backoff_us_max);
}

void *mr_fetch_broker_run(void *self) {
    fetch_broker *broker = self;
    broker_run run = {
        .broker = broker, .fetch = broker->fetch, .backoff_us = broker->fetch->config.backoff_us};
    mr_cx_init(&run.cx, &run.arena, broker->fetch->plat);
    mr_link_init(&run.link, broker->fetch->config.client_id);
    while (wait_for_work(&run)) {
        mr_code code = mr_link_is_open(&run.link) ? MR_OK : connect_broker(&run);
        code = code != MR_OK ? code : fetch_once(&run);
        if (code == MR_E_CORRUPT || code == MR_E_UNSUPPORTED || code == MR_E_LIMIT) {
            give_up(&run, code);
        }
        end_plans(&run);
        if (code == MR_OK) {
            run.backoff_us = broker->fetch->config.backoff_us;
            atomic_store(&broker->fetch->down, false);
        } else {
            back_off(&run);
        }
        mr_arena_clear(&run.arena);
    }
    end_plans(&run);
    mr_link_release(&run.link, broker->fetch->plat);
    mr_arena_release(&run.arena);
    return NULL;
}
