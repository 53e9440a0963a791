// Stream: standard output and standard error through the platform.

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
