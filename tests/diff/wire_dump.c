// wire_dump: what the tables of Kafka's protocol make of bytes; tests/diff/wire_kafka.py judges it.
//
//   wire_dump apis                        one line a key: name key min max
//   wire_dump records                     one line a record: name min max
//   wire_dump < lines of `KEY VERSION request|response HEX`, `NAME VERSION record HEX`
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

static const mr_wire_record *dump_record(const char *name) {
    size_t count;
    const mr_wire_record *const *records = mr_schema_records(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(records[i]->name, name) == 0) {
            return records[i];
        }
    }
    return NULL;
}

// What a line is about.
typedef struct dump_subject {
    const mr_wire_record *record;  // NULL: a message.
    const mr_wire_type *type;
    mr_wire_format format;
} dump_subject;

static bool dump_find(const char *name, int version, const char *way, dump_subject *ret) {
    if (strcmp(way, "record") == 0) {
        const mr_wire_record *record = dump_record(name);
        if (record != NULL) {
            *ret = (dump_subject){
                record, record->type, {(int16_t)version, version >= record->flexible_since}};
        }
        return record != NULL;
    }
    const mr_wire_api *api = mr_wire_find((int16_t)atoi(name));
    if (api != NULL) {
        *ret = (dump_subject){NULL, strcmp(way, "request") == 0 ? api->request : api->response,
                              mr_wire_format_of(api, (int16_t)version)};
    }
    return api != NULL;
}

static void dump_line(const char *line, mr_cx *cx) {
    static char bytes[DUMP_LINE_MAX], hex[DUMP_LINE_MAX];
    int version;
    char name[128], way[16];
    dump_subject s;
    hex[0] = '\0';
    if (sscanf(line, "%127s %d %15s %1048575s", name, &version, way, hex) < 3 ||
        !dump_find(name, version, way, &s)) {
        printf("{\"error\":\"bad line\"}\n");
        return;
    }
    void *value = mr_arena_alloc(cx->arena, s.type->bytes);
    mr_text out = {.arena = cx->arena};
    mr_span in = {bytes, dump_unhex(hex, bytes)};
    mr_code code = s.record == NULL ? mr_wire_decode(s.type, s.format, in, DUMP_BUDGET, value, cx)
                                    : mr_wire_read_record(s.record, in, DUMP_BUDGET, value, cx);
    if (code != MR_OK) {
        mr_text_add_json(&out, mr_span_of(cx->error.text));
        printf("{\"error\":%s}\n", mr_text_string(&out));
        return;
    }
    mr_wire_print(s.type, s.format, value, &out);
    printf("{\"message\":%s,\"again\":\"", mr_text_string(&out));
    mr_text_clear(&out);
    code = s.record == NULL ? mr_wire_encode(s.type, s.format, value, &out, cx)
                            : mr_wire_add_record(s.record, (int16_t)version, value, &out, cx);
    if (code == MR_OK) {
        for (size_t i = 0; i < out.bytes; i++) {
            printf("%02x", (unsigned char)out.data[i]);
        }
    }
    printf("\"}\n");
}

int main(int argc, char **argv) {
    size_t count;
    if (argc > 1 && strcmp(argv[1], "records") == 0) {
        const mr_wire_record *const *records = mr_schema_records(&count);
        for (size_t i = 0; i < count; i++) {
            printf("%s %d %d\n", records[i]->name, records[i]->version_min,
                   records[i]->version_max);
        }
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "apis") == 0) {
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
