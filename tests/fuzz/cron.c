// Fuzz: cron expressions: whatever is accepted fires, forwards and backwards, in order.

#include "flow/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cron cron;
    mr_cx_init(&cx, &arena, NULL);
    mr_span text = {(const char *)data, bytes};
    if (bytes < 512 && mr_cron_parse(text, MR_NOWHERE, &cron, &cx) == MR_OK) {
        int64_t first = mr_cron_next(&cron, NULL, 0);
        int64_t second = mr_cron_next(&cron, NULL, first);
        mr_assert(first > 0 && second > first && second != INT64_MAX);
        mr_assert(mr_cron_previous(&cron, NULL, second) == first);
        (void)mr_cron_remark(text, &arena);
    }
    mr_arena_release(&arena);
    return 0;
}
