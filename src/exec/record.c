// Record: fields of a commit record; see record.h.

#include "exec/record.h"

#include <string.h>

void mr_record_put_u64(mr_text *out, uint64_t value) {
    memcpy(mr_text_grow(out, sizeof value), &value, sizeof value);
}

void mr_record_put_i64(mr_text *out, int64_t value) {
    memcpy(mr_text_grow(out, sizeof value), &value, sizeof value);
}

void mr_record_put_span(mr_text *out, mr_span value) {
    mr_record_put_u64(out, value.bytes);
    mr_text_add_bytes(out, value.data, value.bytes);
}

void mr_record_put_string(mr_text *out, const char *value) {
    mr_record_put_span(out, mr_span_of(value));
}

size_t mr_record_begin_span(mr_text *out) {
    mr_record_put_u64(out, 0);
    return out->bytes;
}

void mr_record_end_span(mr_text *out, size_t mark) {
    mr_assert(mark >= sizeof(uint64_t) && mark <= out->bytes);
    uint64_t bytes = out->bytes - mark;
    memcpy(out->data + mark - sizeof bytes, &bytes, sizeof bytes);
}

static mr_code damaged(const mr_record_reader *in, const char *what, mr_cx *cx) {
    return mr_fail(cx, MR_E_CORRUPT,
                   "Restore the state folder from a copy, or start over with --fresh.",
                   "damaged state in \"%s\": %s", in->name, what);
}

mr_code mr_record_get_u64(mr_record_reader *in, uint64_t *ret, mr_cx *cx) {
    if (in->left.bytes < sizeof *ret) {
        return damaged(in, "a number is cut off", cx);
    }
    memcpy(ret, in->left.data, sizeof *ret);
    in->left.data += sizeof *ret;
    in->left.bytes -= sizeof *ret;
    return MR_OK;
}

mr_code mr_record_get_i64(mr_record_reader *in, int64_t *ret, mr_cx *cx) {
    uint64_t value;
    MR_TRY(mr_record_get_u64(in, &value, cx));
    memcpy(ret, &value, sizeof value);
    return MR_OK;
}

mr_code mr_record_get_u32(mr_record_reader *in, uint32_t *ret, mr_cx *cx) {
    uint64_t value;
    MR_TRY(mr_record_get_u64(in, &value, cx));
    if (value > UINT32_MAX) {
        return damaged(in, "a number is out of range", cx);
    }
    *ret = (uint32_t)value;
    return MR_OK;
}

mr_code mr_record_get_span(mr_record_reader *in, mr_span *ret, mr_cx *cx) {
    uint64_t bytes;
    MR_TRY(mr_record_get_u64(in, &bytes, cx));
    if (bytes > in->left.bytes) {
        return damaged(in, "a length passes the end", cx);
    }
    *ret = (mr_span){in->left.data, bytes};
    in->left.data += bytes;
    in->left.bytes -= bytes;
    return MR_OK;
}

mr_code mr_record_get_string(mr_record_reader *in, const char **ret, mr_cx *cx) {
    mr_span span;
    MR_TRY(mr_record_get_span(in, &span, cx));
    *ret = mr_arena_copy(cx->arena, span.data, span.bytes);
    return MR_OK;
}

mr_code mr_record_get_count(mr_record_reader *in, size_t min_bytes, uint32_t *ret, mr_cx *cx) {
    mr_assert(min_bytes > 0);
    MR_TRY(mr_record_get_u32(in, ret, cx));
    if (*ret > in->left.bytes / min_bytes) {
        return damaged(in, "a count passes the end", cx);
    }
    return MR_OK;
}
