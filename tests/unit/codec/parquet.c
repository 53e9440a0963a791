// Parquet writer: the parts that can be proved without a reader, and the bytes of a small file.
// What readers make of whole files is proved by tests/diff/parquet_readback.py.

#include "codec/parquet.h"

#include "codec/parquet_column.h"
#include "codec/parquet_encode.h"
#include "codec/parquet_thrift.h"
#include "runner.h"

// Reads the hybrid encoding back, by the format's words and nothing of the writer.
static uint32_t hybrid_read(const uint8_t *at, const uint8_t *end, uint32_t width, uint32_t *ret,
                            uint32_t limit) {
    uint32_t count = 0;
    while (at < end && count < limit) {
        uint64_t header = 0;
        for (uint32_t shift = 0;; shift += 7) {
            header |= (uint64_t)(*at & 0x7F) << shift;
            if (*at++ < 0x80) {
                break;
            }
        }
        if ((header & 1) == 0) {
            uint32_t value = 0;
            memcpy(&value, at, (width + 7) / 8);
            at += (width + 7) / 8;
            for (uint64_t i = 0; i < header >> 1 && count < limit; i++) {
                ret[count++] = value;
            }
            continue;
        }
        for (uint64_t i = 0; i < (header >> 1) * 8 && count < limit; i++) {
            uint32_t value = 0;
            for (uint64_t bit = 0; bit < width; bit++) {
                uint64_t k = i * width + bit;
                value |= (uint32_t)(at[k / 8] >> (k % 8) & 1) << bit;
            }
            ret[count++] = value;
        }
        at += (header >> 1) * width;
    }
    return at == end ? count : UINT32_MAX;
}

TEST(parquet, indices_read_back_at_every_width) {
    static uint32_t values[5000];
    static uint32_t back[5000];
    mr_text out;
    mr_text_init(&out, NULL);
    for (uint32_t width = 1; width <= 32; width++) {
        for (uint32_t count = 0; count <= MR_COUNT(values); count += 1 + count / 3 * (count > 40)) {
            uint64_t limit = (uint64_t)1 << width;
            for (uint32_t i = 0; i < count; i++) {
                // Runs of all lengths between single values.
                uint64_t run = mr_hash_u64(i / 50, width) % 3 == 0 ? i / 50 : i;
                values[i] = (uint32_t)(mr_hash_u64(run, width) % limit);
            }
            mr_text_clear(&out);
            mr_parquet_encode_indices(values, count, width, &out);
            const uint8_t *data = (const uint8_t *)mr_text_string(&out);
            REQUIRE(hybrid_read(data, data + out.bytes, width, back, count) == count);
            REQUIRE(EXPECT_BYTES(back, values, count * sizeof(values[0])));
        }
    }
    mr_text_release(&out);
}

TEST(parquet, levels_read_back_in_runs_and_between) {
    static uint64_t valid[400];
    static uint32_t back[20000];
    mr_text out;
    mr_text_init(&out, NULL);
    for (uint32_t mode = 0; mode < 6; mode++) {
        for (uint32_t count = 1; count <= MR_COUNT(back); count += 1 + count / 2) {
            uint32_t valid_count = 0;
            for (uint32_t i = 0; i < count; i++) {
                uint64_t n = mode < 3 ? mr_hash_u64(i, mode) : mr_hash_u64(i / 200, mode);
                bool on = mode == 0 ? false : mode == 1 ? true : n % 4 > 0;
                mr_bits_put(valid, i, on);
                valid_count += on;
            }
            mr_text_clear(&out);
            mr_parquet_encode_levels(valid, count, valid_count, &out);
            uint32_t size;
            memcpy(&size, out.data, sizeof(size));
            REQUIRE(size + sizeof(size) == out.bytes);
            const uint8_t *data = (const uint8_t *)out.data + sizeof(size);
            REQUIRE(hybrid_read(data, data + size, 1, back, count) == count);
            uint32_t wrong = 0;
            for (uint32_t i = 0; i < count; i++) {
                wrong += (back[i] != 0) != mr_bits_get(valid, i);
            }
            EXPECT_EQ(wrong, 0);
        }
    }
    mr_text_release(&out);
}

TEST(parquet, width_is_of_the_largest_index) {
    EXPECT_EQ(mr_parquet_encode_width(1), 1);
    EXPECT_EQ(mr_parquet_encode_width(2), 1);
    EXPECT_EQ(mr_parquet_encode_width(3), 2);
    EXPECT_EQ(mr_parquet_encode_width(256), 8);
    EXPECT_EQ(mr_parquet_encode_width(257), 9);
}

// The bytes that Thrift's own compact protocol gives for this struct.
TEST(parquet, thrift_writes_the_compact_protocol) {
    mr_text out;
    mr_text_init(&out, NULL);
    mr_thrift t = mr_thrift_begin(&out);
    mr_thrift_i32(&t, 1, -1);
    mr_thrift_i64(&t, 3, 300);
    mr_thrift_bool(&t, 4, true);
    mr_thrift_string(&t, 5, "ab");
    mr_thrift_list(&t, 6, MR_THRIFT_I32, 2);
    mr_thrift_element_i32(&t, 1);
    mr_thrift_element_i32(&t, -64);
    mr_thrift_struct(&t, 20);
    mr_thrift_bool(&t, 2, false);
    mr_thrift_end(&t);
    mr_thrift_end(&t);
    static const uint8_t want[] = {0x15, 0x01, 0x26, 0xD8, 0x04, 0x11, 0x18, 0x02, 'a',
                                   'b',  0x19, 0x25, 0x02, 0x7F, 0xEC, 0x22, 0x00, 0x00};
    EXPECT_EQ(out.bytes, sizeof(want));
    EXPECT_BYTES(out.data, want, sizeof(want));
    mr_text_release(&out);
}

TEST(parquet, ranges_hide_nan_and_long_strings_and_widen_zero) {
    mr_parquet_range range = {.any = false};
    mr_text_init(&range.str_min, NULL);
    mr_text_init(&range.str_max, NULL);
    char room[16];
    mr_span min;
    mr_span max;
    EXPECT(!mr_parquet_range_state(&range, MR_TYPE(MR_INT64), room, &min, &max));
    mr_parquet_range_float(&range, 0.0);
    REQUIRE(mr_parquet_range_state(&range, MR_TYPE(MR_FLOAT64), room, &min, &max));
    EXPECT_BYTES(min.data, "\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\0", 16);  // -0.0, then +0.0.
    mr_parquet_range_float(&range, __builtin_nan(""));
    EXPECT(!mr_parquet_range_state(&range, MR_TYPE(MR_FLOAT64), room, &min, &max));
    mr_parquet_range_clear(&range);
    mr_parquet_range_string(&range, (mr_str){.data = "b", .bytes = 1});
    mr_parquet_range_string(&range, (mr_str){.data = "\xC3\xBC", .bytes = 2});  // Unsigned order.
    mr_parquet_range_string(&range, (mr_str){.data = "", .bytes = 0});
    REQUIRE(mr_parquet_range_state(&range, MR_TYPE(MR_TEXT), room, &min, &max));
    EXPECT_EQ(min.bytes, 0);
    EXPECT_EQ(max.bytes, 2);
    char text[65] = {'x'};
    mr_parquet_range_string(&range, (mr_str){.data = text, .bytes = sizeof(text)});
    EXPECT_EQ(max.bytes, 2);
    mr_parquet_range_string(&range, (mr_str){.data = "\xC3\xBD", .bytes = 2});
    EXPECT(mr_parquet_range_state(&range, MR_TYPE(MR_TEXT), room, &min, &max));
    memset(text, 0xFF, sizeof(text));
    mr_parquet_range_string(&range, (mr_str){.data = text, .bytes = sizeof(text)});
    EXPECT(!mr_parquet_range_state(&range, MR_TYPE(MR_TEXT), room, &min, &max));
    mr_text_release(&range.str_min);
    mr_text_release(&range.str_max);
}

typedef struct file_case {
    mr_arena arena;
    mr_cx cx;
    mr_column column;
    mr_schema schema;
    mr_text out;
} file_case;

static void file_open(file_case *f, mr_type_id type, bool required) {
    memset(f, 0, sizeof(*f));
    mr_cx_init(&f->cx, &f->arena, NULL);
    f->column = (mr_column){"value", MR_TYPE(type), required};
    f->schema = (mr_schema){&f->column, 1};
    mr_text_init(&f->out, &f->arena);
}

TEST(parquet, files_start_and_end_with_the_magic_even_without_rows) {
    file_case f;
    file_open(&f, MR_INT64, false);
    mr_parquet *writer;
    mr_parquet_options options = {.compression = MR_COMPRESS_ZSTD};
    REQUIRE_OK(mr_parquet_open(&f.schema, &options, &writer, &f.cx));
    EXPECT_OK(mr_parquet_finish(writer, &f.out, &f.cx));
    mr_parquet_close(writer);
    uint32_t footer;
    memcpy(&footer, f.out.data + f.out.bytes - 8, sizeof(footer));
    EXPECT_EQ(footer + 12, f.out.bytes);
    EXPECT_BYTES(f.out.data, "PAR1", 4);
    EXPECT_BYTES(f.out.data + f.out.bytes - 4, "PAR1", 4);
    mr_arena_release(&f.arena);
}

TEST(parquet, null_in_a_required_column_is_refused) {
    file_case f;
    file_open(&f, MR_TEXT, true);
    mr_parquet *writer;
    mr_parquet_options options = {.compression = MR_COMPRESS_NONE};
    REQUIRE_OK(mr_parquet_open(&f.schema, &options, &writer, &f.cx));
    mr_batch batch = mr_batch_new(&f.arena, 1, 1);
    batch.columns[0] = mr_vector_null(&f.arena, MR_TYPE(MR_TEXT));
    EXPECT_EQ(mr_parquet_write(writer, &batch, &f.out, &f.cx), MR_E_VALUE);
    EXPECT_STR(f.cx.error.text, "NULL in column \"value\", which is NOT NULL");
    mr_parquet_close(writer);
    mr_arena_release(&f.arena);
}

TEST(parquet, types_and_codecs_it_cannot_write_are_refused) {
    file_case f;
    file_open(&f, MR_INTERVAL, false);
    mr_parquet *writer;
    mr_parquet_options options = {.compression = MR_COMPRESS_NONE};
    EXPECT_EQ(mr_parquet_open(&f.schema, &options, &writer, &f.cx), MR_E_UNSUPPORTED);
    EXPECT_STR(f.cx.error.text, "Parquet cannot hold column \"value\" of type interval");
    f.column.type = MR_TYPE(MR_INT64);
    options.compression = MR_COMPRESS_LZ4;
    EXPECT_EQ(mr_parquet_open(&f.schema, &options, &writer, &f.cx), MR_E_UNSUPPORTED);
    mr_arena_release(&f.arena);
}

// Memory is bounded by compressed pages: huge strings end row groups early.
TEST(parquet, rows_are_handed_out_before_memory_grows_without_end) {
    file_case f;
    file_open(&f, MR_BYTES, false);
    mr_parquet *writer;
    mr_parquet_options options = {.compression = MR_COMPRESS_NONE};
    REQUIRE_OK(mr_parquet_open(&f.schema, &options, &writer, &f.cx));
    size_t bytes = (size_t)3 << 20;
    char *text = mr_arena_alloc(&f.arena, bytes);
    mr_batch batch = mr_batch_new(&f.arena, 1, 1);
    batch.columns[0] = mr_vector_flat(&f.arena, MR_TYPE(MR_BYTES), 1);
    batch.columns[0].strs[0] = (mr_str){.data = text, .bytes = (uint32_t)bytes};
    size_t held_max = 0;
    mr_text_release(&f.out);
    mr_text_init(&f.out, NULL);
    size_t written = 0;
    for (uint32_t i = 0; i < 60; i++) {
        memcpy(text, &i, sizeof(i));  // No two are alike.
        REQUIRE_OK(mr_parquet_write(writer, &batch, &f.out, &f.cx));
        written += f.out.bytes;
        mr_text_clear(&f.out);
        held_max = MR_MAX(held_max, (i + 1) * bytes - MR_MIN(written, (i + 1) * bytes));
    }
    EXPECT(written > 0);
    EXPECT(held_max <= (size_t)132 << 20);
    EXPECT_OK(mr_parquet_finish(writer, &f.out, &f.cx));
    mr_parquet_close(writer);
    mr_text_release(&f.out);
    mr_arena_release(&f.arena);
}
