// Fn: the table of kernels, in the order of the function table.

#include "exec/fn.h"

#define WRITER_BYTES 16384

#define FN_KERNEL(id, ...) [MR_FN_##id] = mr_fn_##id,
const mr_fn_kernel mr_fn_kernels[] = {MR_FUNCTIONS(FN_KERNEL)};
#undef FN_KERNEL
_Static_assert(MR_COUNT(mr_fn_kernels) == MR_FN_ID_COUNT, "one kernel a row of the function table");

mr_fn_writer mr_fn_writer_new(const mr_fn_call *call) {
    return (mr_fn_writer){.arena = call->run->arena};
}

char *mr_fn_writer_take(mr_fn_writer *writer, size_t bytes_max) {
    if (writer->at == NULL || (size_t)(writer->end - writer->at) < bytes_max) {
        size_t bytes = MR_MAX(bytes_max, (size_t)WRITER_BYTES);
        writer->at = mr_arena_raw(writer->arena, bytes);
        writer->end = writer->at + bytes;
    }
    return writer->at;
}

mr_str mr_fn_writer_end(mr_fn_writer *writer, size_t bytes) {
    mr_assert(bytes <= (size_t)(writer->end - writer->at));
    mr_str ret = {.data = writer->at, .bytes = mr_u32(bytes)};
    writer->at += bytes;
    return ret;
}

int mr_fn_hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool mr_fn_too_long(mr_fn_call *call, uint32_t row, size_t bytes) {
    if (bytes <= MR_FN_TEXT_BYTES_MAX) {
        return false;
    }
    mr_eval_call_fail(call, row, "text of more than 1 MiB");
    return true;
}
