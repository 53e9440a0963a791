// wire_dump: what the tables of Kafka's protocol make of bytes; tests/diff/wire_kafka.py judges it.
//
//   wire_dump apis                        one line a key: name key min max
//   wire_dump < lines of `KEY VERSION request|response HEX`
// For each line one of JSON: {"message":{…},"again":"HEX"} with the bytes written again, or
// {"error":"…"}.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/schema.h"

#define DUMP_LINE_MAX ((size_t)1 << 20)
#define DUMP_BUDGET   ((size_t)1 << 20)

static size_t dump_unhex(const char *hex, char *out) {
    size_t bytes = 0;
    unsigned value;
    while (sscanf(hex + 2 * bytes, "%2x", &value) == 1) {
        out[bytes++] = (char)value;
    }
    return bytes;
}

static void dump_line(const char *line, mr_cx *cx) {
    static char bytes[DUMP_LINE_MAX], hex[DUMP_LINE_MAX];
    int key, version;
    char way[16];
    hex[0] = '\0';
    if (sscanf(line, "%d %d %15s %1048575s", &key, &version, way, hex) < 3) {
        printf("{\"error\":\"bad line\"}\n");
        return;
    }
    const mr_wire_api *api = mr_wire_find((int16_t)key);
    const mr_wire_type *type = strcmp(way, "request") == 0 ? api->request : api->response;
    mr_wire_format format = mr_wire_format_of(api, (int16_t)version);
    void *value = mr_arena_alloc(cx->arena, type->bytes);
    mr_text out = {.arena = cx->arena};
    mr_span in = {bytes, dump_unhex(hex, bytes)};
    if (mr_wire_decode(type, format, in, DUMP_BUDGET, value, cx) != MR_OK) {
        mr_text_add_json(&out, mr_span_of(cx->error.text));
        printf("{\"error\":%s}\n", mr_text_string(&out));
        return;
    }
    mr_wire_print(type, format, value, &out);
    printf("{\"message\":%s,\"again\":\"", mr_text_string(&out));
    mr_text_clear(&out);
    if (mr_wire_encode(type, format, value, &out, cx) == MR_OK) {
        for (size_t i = 0; i < out.bytes; i++) {
            printf("%02x", (unsigned char)out.data[i]);
        }
    }
    printf("\"}\n");
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "apis") == 0) {
        size_t count;
        const mr_wire_api *apis = mr_schema_apis(&count);
        for (size_t i = 0; i < count; i++) {
            printf("%s %d %d %d\n", apis[i].name, apis[i].key, apis[i].version_min,
                   apis[i].version_max);
        }
        return 0;
    }
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    static char line[DUMP_LINE_MAX];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        dump_line(line, &cx);
        mr_arena_clear(&arena);
    }
    mr_arena_release(&arena);
    return 0;
}
