// Fuzz target: a client's bytes, appended to a log. The first byte chooses the topic's settings
// and, with its lowest bit, puts the checksum right; the input is split in two, so that a second
// batch meets the state that the first one left.
//
// What is taken must be read again, and a start must find just that.

#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "log/log.h"
#include "plat/sim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

typedef struct fuzz_log {
    mr_arena arena;
    mr_cx cx;
    mr_flusher *flusher;
    mr_log *log;
    mr_log_options options;
} fuzz_log;

static void fuzz_open(fuzz_log *f) {
    mr_log_recovery found;
    mr_code code = mr_flusher_open(&(mr_flusher_options){.root = "logs"}, &f->flusher, &f->cx);
    mr_assert(code == MR_OK);
    f->options.flusher = f->flusher;
    code = mr_log_open(&f->options, &f->log, &found, &f->cx);
    mr_assert(code == MR_OK && found.bytes_cut == 0);
}

static void fuzz_close(fuzz_log *f) {
    mr_log_drop(f->log, &f->cx);
    mr_flusher_close(f->flusher, &f->cx);
}

static int64_t fuzz_append(fuzz_log *f, const uint8_t *data, size_t bytes, bool mend) {
    char *copy = mr_arena_copy(&f->arena, data, bytes);
    if (mend && bytes >= MR_RECORD_BATCH_HEAD_BYTES) {
        uint32_t length = __builtin_bswap32((uint32_t)bytes - 12);
        uint32_t crc;
        memset(copy, 0, 8);
        memcpy(copy + 8, &length, 4);
        copy[16] = 2;
        crc = __builtin_bswap32(mr_hash_crc32c(0, copy + 21, bytes - 21));
        memcpy(copy + 17, &crc, 4);
    }
    mr_log_appended appended;
    mr_code code = mr_log_append(f->log, (mr_span){copy, bytes}, MR_LOG_CLIENT, &appended, &f->cx);
    mr_assert(code == MR_OK);
    mr_assert(appended.error == MR_KAFKA_NONE || appended.reason != NULL);
    return appended.error == MR_KAFKA_NONE ? appended.last_offset + 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 2) {
        return 0;
    }
    fuzz_log f = {.log = NULL};
    mr_plat *plat = mr_sim_new(1);
    mr_cx_init(&f.cx, &f.arena, plat);
    f.options = (mr_log_options){.dir = "logs/t-0", .topic = "t"};
    mr_log_config_default(&f.options.config);
    f.options.config.cleanup_compact = (data[0] & 2) != 0;
    f.options.config.timestamp_append = (data[0] & 4) != 0;
    f.options.config.compression = (data[0] & 8) != 0 ? MR_COMPRESS_LZ4 : -1;
    f.options.config.max_message_bytes = 1 << 20;
    fuzz_open(&f);
    size_t half = (data[0] & 16) != 0 ? (bytes - 1) / 2 : bytes - 1;
    int64_t first = fuzz_append(&f, data + 1, half, (data[0] & 1) != 0);
    int64_t second = fuzz_append(&f, data + 1 + half, bytes - 1 - half, (data[0] & 1) != 0);
    int64_t next = mr_log_marks_of(f.log).next;
    mr_assert(next == MR_MAX(first, second));
    mr_code code = mr_flusher_round(f.flusher, &f.cx);
    mr_assert(code == MR_OK && mr_log_marks_of(f.log).high == next);
    mr_log_found time;
    (void)mr_log_find_time(f.log, 0, MR_LOG_UNCOMMITTED, &time, &f.cx);
    (void)mr_log_find_latest(f.log, &time, &f.cx);
    fuzz_close(&f);
    fuzz_open(&f);
    mr_assert(mr_log_marks_of(f.log).next == next);
    fuzz_close(&f);
    mr_sim_free(plat);
    mr_arena_release(&f.arena);
    return 0;
}
