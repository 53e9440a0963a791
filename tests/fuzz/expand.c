// Fuzz target: expanding. The first byte chooses the codec, the second the size of pieces.
//
// Whole and in pieces must agree on the result and on whether the input is good.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/compress.h"

#define FUZZ_BYTES_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static mr_code fuzz_pieces(mr_compression codec, mr_span in, size_t step, mr_text *out, mr_cx *cx) {
    mr_expander *e;
    MR_TRY(mr_expander_open(codec, &e, cx));
    char room[4096];
    size_t fed = 0;
    mr_span piece = {in.data, 0};
    mr_code code = MR_OK;
    while (code == MR_OK) {
        if (piece.bytes == 0 && fed < in.bytes) {
            piece = (mr_span){in.data + fed, MR_MIN(step, in.bytes - fed)};
            fed += piece.bytes;
        }
        size_t written = 0;
        code = mr_expander_read(e, &piece, room, sizeof(room), &written, cx);
        mr_assert(written <= sizeof(room));
        mr_text_add_bytes(out, room, written);
        if (out->bytes > FUZZ_BYTES_MAX) {
            code = MR_E_LIMIT;
        } else if (code == MR_OK && written < sizeof(room) && fed == in.bytes) {
            code = mr_expander_at_end(e) ? MR_OK : MR_E_CORRUPT;
            break;
        }
    }
    mr_expander_close(e);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static const mr_compression codecs[] = {MR_COMPRESS_SNAPPY, MR_COMPRESS_ZSTD, MR_COMPRESS_GZIP,
                                            MR_COMPRESS_LZ4};
    if (bytes < 2) {
        return 0;
    }
    mr_compression codec = codecs[data[0] % MR_COUNT(codecs)];
    mr_span in = {(const char *)data + 2, bytes - 2};
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_text whole;
    mr_text pieces;
    mr_text_init(&whole, NULL);
    mr_text_init(&pieces, NULL);
    mr_code code = mr_compress_expand(codec, in, FUZZ_BYTES_MAX, &whole, &cx);
    mr_assert(code == MR_OK || whole.bytes == 0);
    if (codec != MR_COMPRESS_SNAPPY) {
        mr_code other = fuzz_pieces(codec, in, (size_t)data[1] + 1, &pieces, &cx);
        mr_assert((code == MR_OK) == (other == MR_OK));
        if (code == MR_OK) {
            mr_assert(mr_span_equal(mr_text_span(&whole), mr_text_span(&pieces)));
        }
    }
    mr_text_release(&whole);
    mr_text_release(&pieces);
    mr_arena_release(&arena);
    return 0;
}
