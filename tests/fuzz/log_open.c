// Fuzz target: a segment, its indexes and a snapshot of arbitrary bytes, and a start from them. The
// first two bytes say how the input is split and which start it is.
//
// A start gives an error or a log; a log has whole batches only, and the next start finds the same.

#include <stdint.h>
#include <string.h>

#include "log/log.h"
#include "plat/sim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static bool fuzz_start(mr_log_options *options, mr_log_marks *ret, mr_cx *cx) {
    mr_log *log = NULL;
    mr_log_recovery found;
    mr_code code = mr_flusher_open(&(mr_flusher_options){.root = "logs"}, &options->flusher, cx);
    mr_assert(code == MR_OK);
    code = mr_log_open(options, &log, &found, cx);
    if (code == MR_OK) {
        *ret = mr_log_marks_of(log);
        mr_assert(ret->first <= ret->stable && ret->stable <= ret->high && ret->high == ret->next);
        for (int64_t offset = ret->first; offset < ret->high;) {
            mr_log_wish wish = {offset, 4096, true, MR_LOG_COMMITTED};
            mr_log_slice slice;
            int16_t error = 0;
            code = mr_log_read(log, &wish, &slice, &error, cx);
            int64_t next = slice.segment == NULL ? ret->high : slice.next_offset;
            mr_log_slice_release(&slice);
            mr_assert(code != MR_OK || next > offset);
            offset = code == MR_OK ? next : ret->high;
        }
        mr_log_found time;
        (void)mr_log_find_time(log, 1, MR_LOG_UNCOMMITTED, &time, cx);
        (void)mr_log_find_latest(log, &time, cx);
        mr_log_drop(log, cx);
    }
    mr_flusher_close(options->flusher, cx);
    return log != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 3) {
        return 0;
    }
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_plat *plat = mr_sim_new(1);
    mr_cx_init(&cx, &arena, plat);
    mr_span rest = {(const char *)data + 2, bytes - 2};
    mr_span part = {rest.data, rest.bytes * data[0] / 255};
    mr_span left = {part.data + part.bytes, rest.bytes - part.bytes};
    mr_sim_put(plat, "logs/t-0/00000000000000000000.log", part);
    static const char *const beside[] = {"logs/t-0/00000000000000000000.index",
                                         "logs/t-0/00000000000000000000.timeindex",
                                         "logs/t-0/00000000000000000000.txnindex",
                                         "logs/t-0/00000000000000000000.snapshot",
                                         "logs/t-0/00000000000000000007.log",
                                         "logs/t-0/00000000000000000000.log.swap",
                                         "logs/t-0/sync-failed"};
    if (data[1] % 8 < MR_COUNT(beside)) {
        mr_sim_put(plat, beside[data[1] % 8], left);
    }
    mr_log_options options = {.dir = "logs/t-0", .topic = "t"};
    mr_log_config_default(&options.config);
    options.clean = (data[1] & 8) != 0;
    options.recovery_point = (data[1] & 16) != 0 ? 5 : 0;
    mr_log_marks first = {.next = 0}, second = {.next = 0};
    if (fuzz_start(&options, &first, &cx) && !options.clean) {
        bool again = fuzz_start(&options, &second, &cx);
        mr_assert(again && first.next == second.next);
    }
    mr_sim_free(plat);
    mr_arena_release(&arena);
    return 0;
}
