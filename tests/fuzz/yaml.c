// Fuzz target: YAML, and a spec made of it. What is read is read again the same, and a spec that is
// accepted makes rows.

#include <stdint.h>

#include "codec/yaml.h"
#include "conn/synth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_places(const mr_yaml *node, size_t bytes, uint32_t depth) {
    mr_assert(depth <= MR_YAML_DEPTH_MAX * 2 && node->place.offset >= 0 &&
              (size_t)node->place.offset <= bytes);
    for (uint32_t i = 0; i < node->count && i < 16; i++) {
        check_places(node->items[i], bytes, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    const mr_yaml *root;
    mr_span text = {(const char *)data, bytes};
    if (mr_yaml_parse("f", text, &root, &cx) == MR_OK) {
        check_places(root, bytes, 0);
    }
    mr_synth *synth;
    if (mr_synth_compile("f", text, 0, &synth, &cx) == MR_OK) {
        mr_synth_cursor *cursor = mr_synth_open(synth);
        mr_text out;
        mr_text_init(&out, NULL);
        for (uint64_t i = 0; i < 8 && out.bytes < 1 << 20; i++) {
            mr_synth_row(cursor, i * i * i, &out, NULL);
        }
        mr_text_release(&out);
        mr_synth_close(cursor);
    }
    mr_arena_release(&arena);
    return 0;
}
