// Compression: round trips, caps, damage, and streams read in pieces of every size.

#include "codec/compress.h"

#include <string.h>

#include "base/hash.h"
#include "runner.h"

static const mr_compression codecs[] = {MR_COMPRESS_NONE, MR_COMPRESS_SNAPPY, MR_COMPRESS_ZSTD,
                                        MR_COMPRESS_GZIP, MR_COMPRESS_LZ4};
static const mr_compression streams[] = {MR_COMPRESS_ZSTD, MR_COMPRESS_GZIP, MR_COMPRESS_LZ4};

typedef struct bench {
    mr_arena arena;
    mr_cx cx;
    mr_text in;
    mr_text out;
    mr_text back;
} bench;

static void bench_open(bench *b, size_t bytes) {
    memset(b, 0, sizeof(*b));
    mr_cx_init(&b->cx, &b->arena, NULL);
    mr_text_init(&b->in, &b->arena);
    mr_text_init(&b->out, &b->arena);
    mr_text_init(&b->back, &b->arena);
    for (size_t i = 0; b->in.bytes < bytes; i++) {
        mr_text_addf(&b->in, "%llu,", (unsigned long long)mr_hash_u64(i, 1) >> (i % 60));
    }
    b->in.bytes = bytes;
}

static bool bench_same(const bench *b) {
    return b->back.bytes == b->in.bytes &&
           (b->in.bytes == 0 || memcmp(b->back.data, b->in.data, b->in.bytes) == 0);
}

TEST(compress, all_codecs_give_back_what_went_in) {
    static const size_t sizes[] = {0, 1, 100, 65536, 3000001};
    for (size_t s = 0; s < MR_COUNT(sizes); s++) {
        for (size_t c = 0; c < MR_COUNT(codecs); c++) {
            bench b;
            bench_open(&b, sizes[s]);
            REQUIRE_OK(mr_compress(codecs[c], mr_text_span(&b.in), &b.out, &b.cx));
            if (codecs[c] != MR_COMPRESS_NONE && sizes[s] > 1000) {
                EXPECT(b.out.bytes < b.in.bytes);
            }
            REQUIRE_OK(
                mr_compress_expand(codecs[c], mr_text_span(&b.out), sizes[s], &b.back, &b.cx));
            EXPECT(bench_same(&b));
            mr_arena_release(&b.arena);
        }
    }
}

TEST(compress, appends_behind_what_is_there) {
    for (size_t c = 0; c < MR_COUNT(codecs); c++) {
        bench b;
        bench_open(&b, 1000);
        REQUIRE_OK(mr_compress(codecs[c], mr_text_span(&b.in), &b.out, &b.cx));
        mr_text_add(&b.back, "kept");
        REQUIRE_OK(mr_compress_expand(codecs[c], mr_text_span(&b.out), 1000, &b.back, &b.cx));
        EXPECT_EQ(b.back.bytes, 1004);
        EXPECT_BYTES(b.back.data, "kept", 4);
        EXPECT_BYTES(b.back.data + 4, b.in.data, 1000);
        mr_arena_release(&b.arena);
    }
}

TEST(compress, a_result_over_the_cap_is_refused) {
    for (size_t c = 0; c < MR_COUNT(codecs); c++) {
        bench b;
        bench_open(&b, 0);
        memset(mr_text_grow(&b.in, 5000000), 'x', 5000000);  // Shrinks a thousandfold.
        REQUIRE_OK(mr_compress(codecs[c], mr_text_span(&b.in), &b.out, &b.cx));
        EXPECT_EQ(mr_compress_expand(codecs[c], mr_text_span(&b.out), 4999999, &b.back, &b.cx),
                  MR_E_LIMIT);
        EXPECT_STR(b.cx.error.text, "compressed data expands to more than 4999999 bytes");
        EXPECT_EQ(b.back.bytes, 0);
        EXPECT_OK(mr_compress_expand(codecs[c], mr_text_span(&b.out), 5000000, &b.back, &b.cx));
        EXPECT(bench_same(&b));
        mr_arena_release(&b.arena);
    }
}

TEST(compress, cut_and_damaged_input_is_refused) {
    for (size_t c = 1; c < MR_COUNT(codecs); c++) {
        bench b;
        bench_open(&b, 20000);
        REQUIRE_OK(mr_compress(codecs[c], mr_text_span(&b.in), &b.out, &b.cx));
        for (size_t bytes = 1; bytes < b.out.bytes; bytes += 1 + b.out.bytes / 50) {
            mr_span cut = {b.out.data, bytes};
            EXPECT_EQ(mr_compress_expand(codecs[c], cut, 20000, &b.back, &b.cx), MR_E_CORRUPT);
        }
        mr_span junk = MR_SPAN("this was never compressed by anyone");
        EXPECT_EQ(mr_compress_expand(codecs[c], junk, 1 << 20, &b.back, &b.cx), MR_E_CORRUPT);
        EXPECT_EQ(b.back.bytes, 0);
        mr_arena_release(&b.arena);
    }
}

TEST(compress, a_compressor_gives_the_same_bytes_call_after_call) {
    for (size_t c = 0; c < MR_COUNT(codecs); c++) {
        bench b;
        bench_open(&b, 50000);
        mr_compressor *compressor;
        REQUIRE_OK(mr_compressor_open(codecs[c], &compressor, &b.cx));
        REQUIRE_OK(mr_compress(codecs[c], mr_text_span(&b.in), &b.out, &b.cx));
        for (int i = 0; i < 3; i++) {
            mr_text_clear(&b.back);
            EXPECT_OK(mr_compressor_run(compressor, mr_text_span(&b.in), &b.back, &b.cx));
            EXPECT_EQ(b.back.bytes, b.out.bytes);
            EXPECT_BYTES(b.back.data, b.out.data, b.out.bytes);
        }
        mr_compressor_close(compressor);
        mr_arena_release(&b.arena);
    }
}

// Reads all of `in` in pieces; returns the code of the first failure.
static mr_code read_pieces(mr_expander *e, mr_span in, size_t in_step, size_t out_step, bench *b) {
    char room[70000];
    mr_span piece = {in.data, 0};
    size_t fed = 0;
    for (;;) {
        if (piece.bytes == 0 && fed < in.bytes) {
            piece = (mr_span){in.data + fed, MR_MIN(in_step, in.bytes - fed)};
            fed += piece.bytes;
        }
        size_t written;
        MR_TRY(mr_expander_read(e, &piece, room, out_step, &written, &b->cx));
        mr_text_add_bytes(&b->back, room, written);
        if (written < out_step && fed == in.bytes) {
            return MR_OK;
        }
    }
}

TEST(expander, reads_concatenated_members_in_pieces_of_any_size) {
    static const size_t steps[] = {1, 7, 4096, 70000};
    for (size_t c = 0; c < MR_COUNT(streams); c++) {
        for (size_t s = 0; s < MR_COUNT(steps) * MR_COUNT(steps); s++) {
            bench b;
            bench_open(&b, 30000);
            mr_span first = {b.in.data, 20000};
            mr_span second = {b.in.data + 20000, 10000};
            REQUIRE_OK(mr_compress(streams[c], first, &b.out, &b.cx));
            REQUIRE_OK(mr_compress(streams[c], MR_SPAN(""), &b.out, &b.cx));
            REQUIRE_OK(mr_compress(streams[c], second, &b.out, &b.cx));
            mr_expander *e;
            REQUIRE_OK(mr_expander_open(streams[c], &e, &b.cx));
            EXPECT(mr_expander_at_end(e));
            EXPECT_OK(read_pieces(e, mr_text_span(&b.out), steps[s / MR_COUNT(steps)],
                                  steps[s % MR_COUNT(steps)], &b));
            EXPECT(bench_same(&b));
            EXPECT(mr_expander_at_end(e));
            mr_expander_close(e);
            mr_arena_release(&b.arena);
        }
    }
}

TEST(expander, is_not_at_the_end_of_a_half_read_member) {
    for (size_t c = 0; c < MR_COUNT(streams); c++) {
        bench b;
        bench_open(&b, 5000);
        REQUIRE_OK(mr_compress(streams[c], mr_text_span(&b.in), &b.out, &b.cx));
        for (size_t bytes = 1; bytes < b.out.bytes; bytes += 1 + b.out.bytes / 30) {
            mr_expander *e;
            REQUIRE_OK(mr_expander_open(streams[c], &e, &b.cx));
            EXPECT_OK(read_pieces(e, (mr_span){b.out.data, bytes}, 100, 1000, &b));
            EXPECT(!mr_expander_at_end(e));
            mr_expander_close(e);
        }
        mr_arena_release(&b.arena);
    }
}

TEST(expander, stays_broken_behind_damage) {
    bench b;
    bench_open(&b, 5000);
    mr_expander *e;
    REQUIRE_OK(mr_expander_open(MR_COMPRESS_GZIP, &e, &b.cx));
    EXPECT_EQ(read_pieces(e, MR_SPAN("no gzip"), 100, 100, &b), MR_E_CORRUPT);
    EXPECT_STR(b.cx.error.text, "damaged gzip data: incorrect header check");
    EXPECT(!mr_expander_at_end(e));
    mr_expander_close(e);
    EXPECT_EQ(mr_expander_open(MR_COMPRESS_SNAPPY, &e, &b.cx), MR_E_UNSUPPORTED);
    mr_arena_release(&b.arena);
}
