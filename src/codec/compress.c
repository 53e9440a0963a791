// Compress: zstd, snappy, gzip and lz4 frames through their libraries.
//
// Why one expander for the three stream formats: concatenated members, truncated input and caps are
// then handled in one place, whether input comes whole or in pieces. Snappy blocks (as in Parquet)
// state their size and are expanded at once.
// LZ4 frames have independent blocks, the only kind that Kafka's own readers take.
// Also: mr_compressor_, mr_expander_

#include "codec/compress.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

#define COMPRESS_ZSTD_LEVEL 1
#define COMPRESS_GZIP_LEVEL 6
#define GZIP_WINDOW_BITS    (15 + 16)  // The largest window, with gzip's header and trailer.
#define GZIP_CHUNK_MAX      ((size_t)1 << 30)
#define EXPAND_BYTES_MIN    ((size_t)64 << 10)
#define EXPAND_RATIO_GUESS  16

static mr_code compress_failed(mr_cx *cx, const char *codec, const char *why) {
    return mr_fail(cx, MR_E_INTERNAL, NULL, "%s could not compress: %s", codec, why);
}

// Drops what was appended beyond `bytes`.
static void text_cut(mr_text *text, size_t bytes) {
    mr_assert(bytes <= text->bytes);
    if (text->bytes > bytes) {
        text->bytes = bytes;
        text->data[bytes] = '\0';
    }
}

// ---- compressing -------------------------------------------------------------------------------

struct mr_compressor {
    mr_compression codec;
    ZSTD_CCtx *zstd;
};

static mr_code compress_zstd(ZSTD_CCtx *zstd, mr_span in, mr_text *out, mr_cx *cx) {
    size_t start = out->bytes;
    size_t bound = ZSTD_compressBound(in.bytes);
    char *to = mr_text_grow(out, bound);
    size_t bytes = zstd != NULL
                       ? ZSTD_compressCCtx(zstd, to, bound, in.data, in.bytes, COMPRESS_ZSTD_LEVEL)
                       : ZSTD_compress(to, bound, in.data, in.bytes, COMPRESS_ZSTD_LEVEL);
    text_cut(out, start + (ZSTD_isError(bytes) ? 0 : bytes));
    return ZSTD_isError(bytes) ? compress_failed(cx, "zstd", ZSTD_getErrorName(bytes)) : MR_OK;
}

static mr_code compress_snappy(mr_span in, mr_text *out, mr_cx *cx) {
    size_t start = out->bytes;
    size_t bytes = snappy_max_compressed_length(in.bytes);
    char *to = mr_text_grow(out, bytes);
    snappy_status status = snappy_compress(in.data, in.bytes, to, &bytes);
    text_cut(out, start + (status == SNAPPY_OK ? bytes : 0));
    return status == SNAPPY_OK ? MR_OK : compress_failed(cx, "snappy", "bad input");
}

static mr_code compress_lz4(mr_span in, mr_text *out, mr_cx *cx) {
    LZ4F_preferences_t preferences = {
        .frameInfo = {.blockMode = LZ4F_blockIndependent, .contentSize = in.bytes},
    };
    size_t start = out->bytes;
    size_t bound = LZ4F_compressFrameBound(in.bytes, &preferences);
    char *to = mr_text_grow(out, bound);
    size_t bytes = LZ4F_compressFrame(to, bound, in.data, in.bytes, &preferences);
    text_cut(out, start + (LZ4F_isError(bytes) ? 0 : bytes));
    return LZ4F_isError(bytes) ? compress_failed(cx, "lz4", LZ4F_getErrorName(bytes)) : MR_OK;
}

static mr_code compress_gzip(mr_span in, mr_text *out, mr_cx *cx) {
    z_stream z = {.zalloc = Z_NULL};
    int code = deflateInit2(&z, COMPRESS_GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS,
                            /* memLevel= */ 8, Z_DEFAULT_STRATEGY);
    if (code != Z_OK) {
        return compress_failed(cx, "gzip", zError(code));
    }
    size_t start = out->bytes;
    size_t bound = deflateBound(&z, in.bytes) + 64;
    Bytef *to = (Bytef *)mr_text_grow(out, bound);
    size_t at_in = 0;
    size_t at_out = 0;
    do {
        size_t chunk_in = MR_MIN(in.bytes - at_in, GZIP_CHUNK_MAX);
        size_t chunk_out = MR_MIN(bound - at_out, GZIP_CHUNK_MAX);
        z.next_in = (Bytef *)(uintptr_t)in.data + at_in;
        z.avail_in = (uInt)chunk_in;
        z.next_out = to + at_out;
        z.avail_out = (uInt)chunk_out;
        code = deflate(&z, at_in + chunk_in == in.bytes ? Z_FINISH : Z_NO_FLUSH);
        at_in += chunk_in - z.avail_in;
        at_out += chunk_out - z.avail_out;
    } while (code == Z_OK);
    deflateEnd(&z);
    text_cut(out, start + (code == Z_STREAM_END ? at_out : 0));
    return code == Z_STREAM_END ? MR_OK : compress_failed(cx, "gzip", zError(code));
}

static mr_code compress_with(mr_compression codec, ZSTD_CCtx *zstd, mr_span in, mr_text *out,
                             mr_cx *cx) {
    switch (codec) {
    case MR_COMPRESS_NONE: mr_text_add_bytes(out, in.data, in.bytes); return MR_OK;
    case MR_COMPRESS_SNAPPY: return compress_snappy(in, out, cx);
    case MR_COMPRESS_ZSTD: return compress_zstd(zstd, in, out, cx);
    case MR_COMPRESS_GZIP: return compress_gzip(in, out, cx);
    case MR_COMPRESS_LZ4: return compress_lz4(in, out, cx);
    }
    mr_assert(false);
    return MR_E_INTERNAL;
}

bool mr_compress_named(const char *name, mr_compression *ret) {
    static const char *const names[] = {
        [MR_COMPRESS_NONE] = "none", [MR_COMPRESS_GZIP] = "gzip", [MR_COMPRESS_SNAPPY] = "snappy",
        [MR_COMPRESS_LZ4] = "lz4",   [MR_COMPRESS_ZSTD] = "zstd",
    };
    for (size_t i = 0; i < MR_COUNT(names); i++) {
        if (names[i] != NULL && strcmp(names[i], name) == 0) {
            *ret = (mr_compression)i;
            return true;
        }
    }
    return false;
}

mr_code mr_compress(mr_compression codec, mr_span in, mr_text *out, mr_cx *cx) {
    return compress_with(codec, /* zstd= */ NULL, in, out, cx);
}

mr_code mr_compressor_open(mr_compression codec, mr_compressor **ret, mr_cx *cx) {
    ZSTD_CCtx *zstd = codec == MR_COMPRESS_ZSTD ? ZSTD_createCCtx() : NULL;
    if (codec == MR_COMPRESS_ZSTD && zstd == NULL) {
        return compress_failed(cx, "zstd", "no memory");
    }
    *ret = mr_heap_alloc(sizeof(**ret));
    (*ret)->codec = codec;
    (*ret)->zstd = zstd;
    return MR_OK;
}

mr_code mr_compressor_run(mr_compressor *compressor, mr_span in, mr_text *out, mr_cx *cx) {
    return compress_with(compressor->codec, compressor->zstd, in, out, cx);
}

void mr_compressor_close(mr_compressor *compressor) {
    if (compressor != NULL) {
        ZSTD_freeCCtx(compressor->zstd);
        mr_heap_free(compressor);
    }
}

// ---- expanding a stream ------------------------------------------------------------------------

struct mr_expander {
    mr_compression codec;
    bool inside;  // A member was begun and not ended.
    bool broken;
    z_stream gzip;
    ZSTD_DCtx *zstd;
    LZ4F_dctx *lz4;
};

mr_code mr_expander_open(mr_compression codec, mr_expander **ret, mr_cx *cx) {
    mr_expander *e = mr_heap_alloc(sizeof(*e));
    e->codec = codec;
    bool ok = false;
    if (codec == MR_COMPRESS_GZIP) {
        ok = inflateInit2(&e->gzip, GZIP_WINDOW_BITS) == Z_OK;
    } else if (codec == MR_COMPRESS_ZSTD) {
        e->zstd = ZSTD_createDCtx();
        ok = e->zstd != NULL;
    } else if (codec == MR_COMPRESS_LZ4) {
        ok = !LZ4F_isError(LZ4F_createDecompressionContext(&e->lz4, LZ4F_VERSION));
    }
    if (!ok) {
        mr_heap_free(e);
        return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "this compression cannot be read as a stream");
    }
    *ret = e;
    return MR_OK;
}

void mr_expander_close(mr_expander *expander) {
    if (expander == NULL) {
        return;
    }
    if (expander->codec == MR_COMPRESS_GZIP) {
        inflateEnd(&expander->gzip);
    }
    ZSTD_freeDCtx(expander->zstd);
    LZ4F_freeDecompressionContext(expander->lz4);
    mr_heap_free(expander);
}

bool mr_expander_at_end(const mr_expander *expander) {
    return !expander->inside && !expander->broken;
}

// One call of a library: what it read and wrote, and whether the member ended with it.
typedef struct expand_step {
    size_t read;
    size_t written;
    bool ended;
    const char *error;  // NULL = none.
} expand_step;

static expand_step step_gzip(mr_expander *e, mr_span in, char *out, size_t out_bytes) {
    size_t in_max = MR_MIN(in.bytes, GZIP_CHUNK_MAX);
    size_t out_max = MR_MIN(out_bytes, GZIP_CHUNK_MAX);
    e->gzip.next_in = (Bytef *)(uintptr_t)in.data;
    e->gzip.avail_in = (uInt)in_max;
    e->gzip.next_out = (Bytef *)out;
    e->gzip.avail_out = (uInt)out_max;
    int code = inflate(&e->gzip, Z_NO_FLUSH);
    expand_step step = {
        .read = in_max - e->gzip.avail_in,
        .written = out_max - e->gzip.avail_out,
        .ended = code == Z_STREAM_END,
    };
    if (code == Z_STREAM_END) {
        inflateReset(&e->gzip);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {  // BUF: nothing to do with what it was given.
        step.error = e->gzip.msg != NULL ? e->gzip.msg : zError(code);
    }
    return step;
}

static expand_step step_zstd(mr_expander *e, mr_span in, char *out, size_t out_bytes) {
    ZSTD_inBuffer from = {in.data, in.bytes, 0};
    ZSTD_outBuffer to = {out, out_bytes, 0};
    size_t left = ZSTD_decompressStream(e->zstd, &to, &from);
    return (expand_step){
        .read = from.pos,
        .written = to.pos,
        .ended = left == 0,
        .error = ZSTD_isError(left) ? ZSTD_getErrorName(left) : NULL,
    };
}

static expand_step step_lz4(mr_expander *e, mr_span in, char *out, size_t out_bytes) {
    expand_step step = {.read = in.bytes, .written = out_bytes};
    size_t left = LZ4F_decompress(e->lz4, out, &step.written, in.data, &step.read, NULL);
    step.ended = left == 0;
    step.error = LZ4F_isError(left) ? LZ4F_getErrorName(left) : NULL;
    return step;
}

static expand_step expander_step(mr_expander *e, mr_span in, char *out, size_t out_bytes) {
    switch (e->codec) {
    case MR_COMPRESS_GZIP: return step_gzip(e, in, out, out_bytes);
    case MR_COMPRESS_ZSTD: return step_zstd(e, in, out, out_bytes);
    case MR_COMPRESS_LZ4: return step_lz4(e, in, out, out_bytes);
    case MR_COMPRESS_NONE:
    case MR_COMPRESS_SNAPPY: break;
    }
    mr_assert(false);
    return (expand_step){.error = "no stream"};
}

static const char *expander_name(const mr_expander *e) {
    return e->codec == MR_COMPRESS_GZIP ? "gzip" : e->codec == MR_COMPRESS_ZSTD ? "zstd" : "lz4";
}

mr_code mr_expander_read(mr_expander *expander, mr_span *in, char *out, size_t out_bytes,
                         size_t *ret_bytes, mr_cx *cx) {
    size_t written = 0;
    // A member that is not over may still hold output, so it is asked even when input is used up.
    while (written < out_bytes && (in->bytes > 0 || expander->inside)) {
        expand_step step = expander_step(expander, *in, out + written, out_bytes - written);
        if (step.error != NULL || expander->broken) {
            expander->broken = true;
            return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged %s data: %s", expander_name(expander),
                           step.error != NULL ? step.error : "read on after an error");
        }
        in->data += step.read;
        in->bytes -= step.read;
        written += step.written;
        expander->inside = !step.ended && (expander->inside || step.read > 0);
        if (step.read == 0 && step.written == 0 && !step.ended) {
            break;
        }
    }
    *ret_bytes = written;
    return MR_OK;
}

// ---- expanding at once -------------------------------------------------------------------------

static mr_code expand_too_large(size_t bytes_max, mr_cx *cx) {
    return mr_fail(cx, MR_E_LIMIT, NULL, "compressed data expands to more than %zu bytes",
                   bytes_max);
}

static mr_code expand_snappy(mr_span in, size_t bytes_max, mr_text *out, mr_cx *cx) {
    size_t bytes;
    if (snappy_uncompressed_length(in.data, in.bytes, &bytes) != SNAPPY_OK) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged snappy data: no length");
    }
    if (bytes > bytes_max) {
        return expand_too_large(bytes_max, cx);
    }
    // Memory is taken for the stated size, so the whole input is checked against it first.
    if (snappy_validate_compressed_buffer(in.data, in.bytes) != SNAPPY_OK) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged snappy data: bad block");
    }
    char *to = mr_text_grow(out, bytes);
    snappy_status status = snappy_uncompress(in.data, in.bytes, to, &bytes);
    mr_assert(status == SNAPPY_OK);
    return MR_OK;
}

static mr_code expand_all(mr_expander *e, mr_span in, size_t bytes_max, mr_text *out, mr_cx *cx) {
    size_t start = out->bytes;
    size_t room =
        in.bytes < SIZE_MAX / EXPAND_RATIO_GUESS ? in.bytes * EXPAND_RATIO_GUESS : bytes_max;
    room = MR_MIN(MR_MAX(room, EXPAND_BYTES_MIN), bytes_max);
    for (;;) {
        size_t before = out->bytes;
        // One byte more than allowed shows that there is more.
        size_t limit = bytes_max - (before - start);
        size_t ask = room < limit ? room : limit + 1;
        size_t written;
        char *to = mr_text_grow(out, ask);
        mr_code code = mr_expander_read(e, &in, to, ask, &written, cx);
        text_cut(out, before + (code == MR_OK ? written : 0));
        MR_TRY(code);
        if (written > limit) {
            return expand_too_large(bytes_max, cx);
        }
        if (written < ask) {
            break;
        }
        room = out->bytes - start;
    }
    if (!mr_expander_at_end(e)) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "damaged %s data: it ends too early",
                       expander_name(e));
    }
    return MR_OK;
}

mr_code mr_compress_expand(mr_compression codec, mr_span in, size_t bytes_max, mr_text *out,
                           mr_cx *cx) {
    mr_assert(bytes_max < SIZE_MAX / 2);
    size_t start = out->bytes;
    if (codec == MR_COMPRESS_NONE) {
        if (in.bytes > bytes_max) {
            return expand_too_large(bytes_max, cx);
        }
        mr_text_add_bytes(out, in.data, in.bytes);
        return MR_OK;
    }
    if (codec == MR_COMPRESS_SNAPPY) {
        return expand_snappy(in, bytes_max, out, cx);
    }
    mr_expander *e;
    MR_TRY(mr_expander_open(codec, &e, cx));
    mr_code code = expand_all(e, in, bytes_max, out, cx);
    mr_expander_close(e);
    if (code != MR_OK) {
        text_cut(out, start);
    }
    return code;
}
