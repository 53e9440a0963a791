// Fuzz target: a connection's URI or JSON. What was read is written, and read again as the same.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_same(const mr_endpoint *a, const mr_endpoint *b) {
    mr_assert(strcmp(a->host, b->host) == 0 && strcmp(a->login, b->login) == 0);
    mr_assert(strcmp(a->password, b->password) == 0 && strcmp(a->schema, b->schema) == 0);
    mr_assert(strcmp(a->type, b->type) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_endpoint first, again;
    if (mr_endpoint_parse("x", (mr_span){(const char *)data, bytes}, &first, &cx) == MR_OK) {
        mr_text json, uri, hidden;
        mr_text_init(&json, &arena);
        mr_text_init(&uri, &arena);
        mr_text_init(&hidden, &arena);
        mr_endpoint_json(&first, /* with_password= */ true, &json);
        mr_assert(mr_endpoint_parse("x", mr_text_span(&json), &again, &cx) == MR_OK);
        check_same(&first, &again);
        mr_assert(first.port == again.port);
        mr_endpoint_uri(&first, /* with_password= */ false, &hidden);
        // Names of types that cannot stand in a URI, and several hosts, only come in JSON.
        mr_endpoint_uri(&first, /* with_password= */ true, &uri);
        bool plain =
            strspn(first.type, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(first.type) &&
            strspn(first.host, "abcdefghijklmnopqrstuvwxyz0123456789.") == strlen(first.host);
        if (plain) {
            mr_assert(mr_endpoint_parse("x", mr_text_span(&uri), &again, &cx) == MR_OK);
            check_same(&first, &again);
        }
    }
    mr_arena_release(&arena);
    return 0;
}
