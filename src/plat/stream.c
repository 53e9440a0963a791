// Stream: standard input, output and error through the platform.

#include "plat/plat_ops.h"

mr_code mr_stream_write(mr_stream stream, mr_span data, mr_cx *cx) {
    while (data.bytes > 0) {
        int64_t wrote = cx->plat->ops->stream_write(cx->plat, stream, data);
        if (wrote < 0) {
            return plat_fail(cx, (int)-wrote, "write to",
                             stream == MR_STDOUT ? "standard output" : "standard error");
        }
        data.data += wrote;
        data.bytes -= (size_t)wrote;
    }
    return MR_OK;
}

mr_code mr_stream_read(void *data, size_t bytes, int64_t timeout_us, size_t *ret_bytes, mr_cx *cx) {
    mr_assert(bytes > 0);
    const mr_plat_ops *ops = cx->plat->ops;
    int64_t got =
        ops->stream_read == NULL ? 0 : ops->stream_read(cx->plat, data, bytes, timeout_us);
    if (got < 0 && got != -EAGAIN) {
        return plat_fail(cx, (int)-got, "read", "standard input");
    }
    *ret_bytes = got == -EAGAIN ? 0 : got == 0 ? MR_STREAM_END : (size_t)got;
    return MR_OK;
}
