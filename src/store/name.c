// Name: what a published file is called; see name.h.

#include "store/name.h"

#include <inttypes.h>
#include <string.h>

char *mr_name_make(const mr_name *name, mr_arena *arena) {
    return mr_arena_printf(arena, "%.*s-%016" PRIx64 "-%08" PRIu64 "-%" PRIu32 "-%" PRIu32 "%.*s",
                           MR_SPAN_ARGS(name->pipeline), name->incarnation, name->epoch, name->sink,
                           name->number, MR_SPAN_ARGS(name->ending));
}

// Cuts "-<digits>" off the end of *rest; false when it does not end so or the number is too large.
static bool cut_number(mr_span *rest, unsigned base, uint64_t most, uint64_t *ret) {
    size_t at = rest->bytes;
    while (at > 0 && rest->data[at - 1] != '-') {
        at--;
    }
    if (at == 0 || at == rest->bytes) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = at; i < rest->bytes; i++) {
        char c = rest->data[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 99;
        if (digit >= base || !mr_mul_fits(value, base, &value) ||
            !mr_add_fits(value, digit, &value)) {
            return false;
        }
    }
    rest->bytes = at - 1;
    *ret = value;
    return value <= most;
}

bool mr_name_parse(mr_span file_name, mr_name *ret) {
    mr_name name = {0};
    const char *dash = memrchr(file_name.data, '-', file_name.bytes);
    if (dash == NULL) {
        return false;
    }
    size_t behind = file_name.bytes - (size_t)(dash - file_name.data);
    const char *dot = memchr(dash, '.', behind);
    if (dot == NULL) {
        return false;
    }
    name.ending = (mr_span){dot, file_name.bytes - (size_t)(dot - file_name.data)};
    mr_span rest = {file_name.data, (size_t)(dot - file_name.data)};
    uint64_t number, sink;
    if (!cut_number(&rest, 10, UINT32_MAX, &number) || !cut_number(&rest, 10, UINT32_MAX, &sink) ||
        !cut_number(&rest, 10, UINT64_MAX, &name.epoch) ||
        !cut_number(&rest, 16, UINT64_MAX, &name.incarnation) || rest.bytes == 0) {
        return false;
    }
    name.number = (uint32_t)number;
    name.sink = (uint32_t)sink;
    name.pipeline = rest;
    *ret = name;
    return true;
}
