// Record batch: batches that librdkafka and Kafka's Java client wrote, round trips with every
// codec, and damage.

#include "codec/record_batch.h"

#include <stdio.h>

#include "base/hash.h"
#include "runner.h"

typedef struct batch_case {
    mr_arena arena;
    mr_cx cx;
    mr_text records;
    mr_text out;
} batch_case;

static void case_init(batch_case *c) {
    *c = (batch_case){0};
    mr_cx_init(&c->cx, &c->arena, NULL);
    mr_text_init(&c->records, &c->arena);
    mr_text_init(&c->out, &c->arena);
}

static const mr_record_batch case_head = {
    .base_offset = 1000,
    .leader_epoch = 3,
    .base_timestamp_ms = 1767225600000,
    .max_timestamp_ms = 1767225600009,
    .producer_id = -1,
    .producer_epoch = -1,
    .base_sequence = -1,
};

// A batch of `count` records: value "value-<i>", key NULL for odd ones, a header for every third.
static mr_record_batch case_batch(batch_case *c, uint32_t count, mr_compression compression) {
    mr_text_clear(&c->records);
    for (uint32_t i = 0; i < count; i++) {
        char *value = mr_arena_printf(&c->arena, "{\"value\":%u,\"more\":\"aaaaaaaaaaaaaaaa\"}", i);
        mr_record_header header = {MR_SPAN("h"), i % 2 == 0 ? MR_SPAN("") : (mr_span){NULL, 0}};
        mr_record_new record = {
            .offset_delta = i,
            .timestamp_delta = (int64_t)(i % 10) - 5,
            .key = i % 2 == 1 ? (mr_span){NULL, 0} : MR_SPAN("key"),
            .value = i % 7 == 6 ? (mr_span){NULL, 0} : mr_span_of(value),
            .headers = &header,
            .header_count = i % 3 == 0,
        };
        mr_record_add(&record, &c->records);
    }
    mr_record_batch head = case_head;
    head.last_offset = head.base_offset + MR_MAX(count, 1u) - 1;
    head.record_count = count;
    head.compression = compression;
    return head;
}

static void check_records(batch_case *c, const mr_record_batch *batch, mr_span records,
                          uint32_t count) {
    mr_record_reader reader;
    REQUIRE_OK(mr_record_open(&reader, batch, records, &c->cx));
    mr_record r;
    uint32_t i = 0;
    for (; mr_record_next(&reader, &r); i++) {
        EXPECT_EQ(r.offset, 1000 + i);
        EXPECT_EQ(r.timestamp_ms, 1767225600000 + i % 10 - 5);
        EXPECT_EQ(r.key.data == NULL, i % 2 == 1);
        EXPECT_EQ(r.value.data == NULL, i % 7 == 6);
        if (r.value.data != NULL) {
            char want[64];
            (void)snprintf(want, sizeof(want), "{\"value\":%u,", i);
            EXPECT(mr_span_starts(r.value, want));
        }
        mr_record_headers headers = mr_record_headers_of(&r);
        EXPECT_EQ(headers.left, i % 3 == 0);
        mr_span key, value;
        while (mr_record_headers_next(&headers, &key, &value)) {
            EXPECT(mr_span_is(key, "h"));
            EXPECT_EQ(value.data == NULL, i % 2 == 1);
        }
        EXPECT_EQ(headers.left, 0);
    }
    EXPECT_EQ(i, count);
    EXPECT_OK(mr_record_end(&reader, &c->cx));
}

TEST(record_batch, all_codecs_give_back_what_went_in) {
    static const mr_compression codecs[] = {MR_COMPRESS_NONE, MR_COMPRESS_GZIP, MR_COMPRESS_SNAPPY,
                                            MR_COMPRESS_LZ4, MR_COMPRESS_ZSTD};
    for (size_t i = 0; i < MR_COUNT(codecs); i++) {
        for (uint32_t count = 0; count <= 3000; count = count * 3 + 1) {
            batch_case c;
            case_init(&c);
            mr_record_batch head = case_batch(&c, count, codecs[i]), batch;
            REQUIRE_OK(mr_record_batch_add(&head, mr_text_span(&c.records), &c.out, &c.cx));
            mr_text_add(&c.out, "next");
            mr_span in = mr_text_span(&c.out);
            bool found;
            REQUIRE_OK(mr_record_batch_next(&in, &batch, &found, &c.cx));
            REQUIRE(found);
            EXPECT(mr_span_is(in, "next"));
            EXPECT_OK(mr_record_batch_verify(&batch, &c.cx));
            EXPECT_EQ(batch.base_offset, 1000);
            EXPECT_EQ(batch.last_offset, head.last_offset);
            EXPECT_EQ(batch.leader_epoch, 3);
            EXPECT_EQ(batch.record_count, count);
            EXPECT_EQ(batch.producer_id, -1);
            EXPECT_EQ(batch.compression, codecs[i]);
            mr_text back = {.arena = &c.arena};
            REQUIRE_OK(mr_record_batch_expand(&batch, 1 << 20, &back, &c.cx));
            EXPECT(mr_span_equal(mr_text_span(&back), mr_text_span(&c.records)));
            check_records(&c, &batch, mr_text_span(&back), count);
            REQUIRE_OK(mr_record_batch_next(&in, &batch, &found, &c.cx));
            EXPECT(!found);
            if (count > 100) {
                mr_text_clear(&back);
                EXPECT_EQ(mr_record_batch_expand(&batch, 1000, &back, &c.cx), MR_E_LIMIT);
                EXPECT_EQ(back.bytes, 0);
            }
            mr_arena_release(&c.arena);
        }
    }
}

TEST(record_batch, what_is_cut_is_not_found) {
    batch_case c;
    case_init(&c);
    mr_record_batch head = case_batch(&c, 20, MR_COMPRESS_NONE), batch;
    REQUIRE_OK(mr_record_batch_add(&head, mr_text_span(&c.records), &c.out, &c.cx));
    for (size_t bytes = 0; bytes < c.out.bytes; bytes++) {
        mr_span in = {mr_arena_copy(&c.arena, c.out.data, bytes), bytes};
        bool found = true;
        EXPECT_OK(mr_record_batch_next(&in, &batch, &found, &c.cx));
        EXPECT(!found);
        EXPECT_EQ(in.bytes, bytes);
    }
    mr_arena_release(&c.arena);
}

// Sets bytes of a good batch and says what becomes of it.
static mr_code after(batch_case *c, size_t at, const char *bytes, size_t count) {
    case_init(c);
    mr_record_batch head = case_batch(c, 20, MR_COMPRESS_NONE), batch;
    mr_code code = mr_record_batch_add(&head, mr_text_span(&c->records), &c->out, &c->cx);
    memcpy(c->out.data + at, bytes, count);
    mr_span in = mr_text_span(&c->out);
    bool found = false;
    code = code == MR_OK ? mr_record_batch_next(&in, &batch, &found, &c->cx) : code;
    code = code == MR_OK && found ? mr_record_batch_verify(&batch, &c->cx) : code;
    mr_record_reader reader;
    code = code == MR_OK && found ? mr_record_open(&reader, &batch, batch.payload, &c->cx) : code;
    return code;
}

TEST(record_batch, damage_is_named) {
    static const struct {
        size_t at;
        const char *bytes;
        size_t count;
        mr_code code;
        const char *text;
    } cases[] = {
        {8, "\0\0\0\x30", 4, MR_E_CORRUPT, "it is shorter than its header"},
        {8, "\xFF\xFF\xFF\xFF", 4, MR_E_CORRUPT, "it is shorter than its header"},
        {16, "\1", 1, MR_E_UNSUPPORTED, "the format of Kafka before 0.11"},
        {16, "\7", 1, MR_E_CORRUPT, "its format is unknown"},
        {17, "\1\2\3\4", 4, MR_E_CORRUPT, "its checksum is wrong"},
        {22, "\6", 1, MR_E_CORRUPT, "its compression is unknown"},
        {23, "\xFF\xFF\xFF\xFF", 4, MR_E_CORRUPT, "its offsets are out of range"},
        {0, "\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, MR_E_CORRUPT, "its offsets are out of range"},
        {57, "\0\0\0\x15", 4, MR_E_CORRUPT, "more records than offsets"},
        {57, "\xFF\xFF\xFF\xFF", 4, MR_E_CORRUPT, "more records than offsets"},
        {80, "\xFF", 1, MR_E_CORRUPT, "its checksum is wrong"},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        batch_case c;
        EXPECT_EQ(after(&c, cases[i].at, cases[i].bytes, cases[i].count), cases[i].code);
        EXPECT(strstr(c.cx.error.text, cases[i].text) != NULL);
        mr_arena_release(&c.arena);
    }
}

TEST(record_batch, records_that_lie_are_refused) {
    batch_case c;
    case_init(&c);
    mr_record_batch head = case_batch(&c, 20, MR_COMPRESS_NONE), batch = head;
    mr_record_reader reader;
    mr_record r;
    // Fewer and more records than are there.
    mr_span records = mr_text_span(&c.records);
    batch.record_count = 19;
    EXPECT_OK(mr_record_open(&reader, &batch, records, &c.cx));
    while (mr_record_next(&reader, &r)) {
    }
    EXPECT_EQ(mr_record_end(&reader, &c.cx), MR_E_CORRUPT);
    EXPECT_STR(c.cx.error.text,
               "damaged record batch at offset 1000: bytes are left behind its last record");
    batch.record_count = 20;
    for (size_t bytes = 1; bytes < records.bytes; bytes++) {
        mr_span cut = {mr_arena_copy(&c.arena, records.data, bytes), bytes};
        if (mr_record_open(&reader, &batch, cut, &c.cx) == MR_OK) {
            while (mr_record_next(&reader, &r)) {
            }
            EXPECT_EQ(mr_record_end(&reader, &c.cx), MR_E_CORRUPT);
        }
    }
    batch.record_count = 10000;
    batch.last_offset = 20000;
    EXPECT_EQ(mr_record_open(&reader, &batch, records, &c.cx), MR_E_CORRUPT);
    // Offsets that do not ascend, and one beyond the batch's last.
    static const int64_t deltas[][2] = {{5, 5}, {5, 4}, {5, 10}, {-1, 0}};
    for (size_t i = 0; i < MR_COUNT(deltas); i++) {
        mr_text_clear(&c.records);
        for (size_t k = 0; k < 2; k++) {
            mr_record_new record = {.offset_delta = deltas[i][k], .value = MR_SPAN("v")};
            mr_record_add(&record, &c.records);
        }
        batch.record_count = 2;
        batch.last_offset = 1009;
        EXPECT_OK(mr_record_open(&reader, &batch, mr_text_span(&c.records), &c.cx));
        while (mr_record_next(&reader, &r)) {
        }
        EXPECT_EQ(mr_record_end(&reader, &c.cx), MR_E_CORRUPT);
    }
    mr_arena_release(&c.arena);
}

TEST(record_batch, markers_are_told_apart) {
    static const struct {
        const char *key;
        mr_record_marker marker;
    } cases[] = {{"\0\0\0\0", MR_RECORD_ABORT},
                 {"\0\0\0\1", MR_RECORD_COMMIT},
                 {"\0\0\0\2", MR_RECORD_OTHER}};
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        batch_case c;
        case_init(&c);
        mr_record_new record = {.key = {cases[i].key, 4}, .value = {"\0\0\0\0\0\0", 6}};
        mr_record_add(&record, &c.records);
        mr_record_batch head = case_head, batch;
        head.last_offset = 1000;
        head.record_count = 1;
        head.attributes = MR_RECORD_BATCH_CONTROL | MR_RECORD_BATCH_TRANSACTIONAL;
        REQUIRE_OK(mr_record_batch_add(&head, mr_text_span(&c.records), &c.out, &c.cx));
        mr_span in = mr_text_span(&c.out);
        bool found;
        REQUIRE_OK(mr_record_batch_next(&in, &batch, &found, &c.cx));
        EXPECT_EQ(batch.attributes, head.attributes);
        EXPECT_EQ(mr_record_batch_marker(&batch), cases[i].marker);
        mr_arena_release(&c.arena);
    }
}

TEST(record_batch, append_time_is_that_of_the_batch) {
    batch_case c;
    case_init(&c);
    mr_record_batch batch = case_batch(&c, 3, MR_COMPRESS_NONE);
    mr_record_reader reader;
    mr_record r;
    batch.attributes = MR_RECORD_BATCH_APPEND_TIME;
    EXPECT_OK(mr_record_open(&reader, &batch, mr_text_span(&c.records), &c.cx));
    while (mr_record_next(&reader, &r)) {
        EXPECT_EQ(r.timestamp_ms, 1767225600009);
    }
    batch.attributes = 0;
    batch.base_timestamp_ms = -1;
    EXPECT_OK(mr_record_open(&reader, &batch, mr_text_span(&c.records), &c.cx));
    while (mr_record_next(&reader, &r)) {
        EXPECT_EQ(r.timestamp_ms, -1);
    }
    mr_arena_release(&c.arena);
}

static mr_span unhex(const char *hex, mr_arena *arena) {
    size_t bytes = strlen(hex) / 2;
    char *out = mr_arena_raw(arena, bytes + 1);
    for (size_t i = 0; i < bytes; i++) {
        unsigned value = 0;
        (void)sscanf(hex + 2 * i, "%2x", &value);
        out[i] = (char)value;
    }
    return (mr_span){out, bytes};
}

static void check_foreign(const char *hex, mr_compression compression) {
    batch_case c;
    case_init(&c);
    mr_span in = unhex(hex, &c.arena);
    mr_record_batch batch;
    bool found = false;
    REQUIRE_OK(mr_record_batch_next(&in, &batch, &found, &c.cx));
    REQUIRE(found);
    EXPECT_EQ(in.bytes, 0);
    EXPECT_OK(mr_record_batch_verify(&batch, &c.cx));
    EXPECT_EQ((int)batch.compression, (int)compression);
    EXPECT_EQ(batch.record_count, 3);
    REQUIRE_OK(mr_record_batch_expand(&batch, 1 << 20, &c.out, &c.cx));
    mr_record_reader reader;
    REQUIRE_OK(mr_record_open(&reader, &batch, mr_text_span(&c.out), &c.cx));
    mr_record r;
    for (int i = 0; mr_record_next(&reader, &r); i++) {
        EXPECT_EQ(r.offset, i);
        EXPECT_EQ(r.timestamp_ms, 1767225600000 + 7 * i);
        EXPECT(mr_span_is(r.key, i == 0 ? "k\xC3\xA9y" : ""));
        EXPECT_EQ(r.key.data == NULL, i != 0);
        EXPECT_EQ(r.value.data == NULL, i == 2);
        EXPECT(i == 2 || (mr_span_starts(r.value, "{\"id\":1,") && r.value.bytes == 75));
        mr_record_headers headers = mr_record_headers_of(&r);
        mr_span key, value;
        if (i == 1) {
            EXPECT(mr_record_headers_next(&headers, &key, &value));
            EXPECT(mr_span_is(key, "a") && mr_span_is(value, "1"));
            EXPECT(mr_record_headers_next(&headers, &key, &value));
            EXPECT(mr_span_is(key, "b") && value.data == NULL);
        }
        EXPECT(!mr_record_headers_next(&headers, &key, &value) && headers.left == 0);
    }
    EXPECT_OK(mr_record_end(&reader, &c.cx));
    mr_arena_release(&c.arena);
}

TEST(record_batch, reads_what_other_clients_wrote) {
    // librdkafka, none.
    check_foreign("0000000000000000000000eb00000000020023fff10000000000020000019b76daa8000000019b76"
                  "daa80effffffffffffffffffffffffffff00000003ac01000000086bc3a97996017b226964223a31"
                  "2c2276223a2261616161616161616161616161616161616161616161616161616161616161616161"
                  "6161616161616161616161616161616161616161616161616161227d00b201000e020196017b2269"
                  "64223a312c2276223a22616161616161616161616161616161616161616161616161616161616161"
                  "616161616161616161616161616161616161616161616161616161616161227d0402610231026201"
                  "0c001c04010100",
                  MR_COMPRESS_NONE);
    // librdkafka, gzip.
    check_foreign("00000000000000000000007c000000000231938a3e0001000000020000019b76daa8000000019b76"
                  "daa80effffffffffffffffffffffffffff000000031f8b08000000000000035bc3c8c0c0c0917d78"
                  "65e534c66aa5cc14252b431da532252ba5440a80522dc32646063e2646aa9ac9c294c864c894c4c8"
                  "c320c3c2c8c80000075a9e89ba000000",
                  MR_COMPRESS_GZIP);
    // librdkafka, snappy.
    check_foreign("0000000000000000000000710000000002b4fae8950002000000020000019b76daa8000000019b76"
                  "daa80effffffffffffffffffffffffffff00000003ba0164ac01000000086bc3a97996017b226964"
                  "223a312c2276223a2261ea010020227d00b201000e0201fe54003254003804026102310262010c00"
                  "1c04010100",
                  MR_COMPRESS_SNAPPY);
    // librdkafka, lz4.
    check_foreign("00000000000000000000007d000000000261ce34970003000000020000019b76daa8000000019b76"
                  "daa80effffffffffffffffffffffffffff0000000304224d186040823d000000ff0bac0100000008"
                  "6bc3a97996017b226964223a312c2276223a22610100289f227d00b201000e020154003af0000402"
                  "6102310262010c001c0401010000000000",
                  MR_COMPRESS_LZ4);
    // librdkafka, zstd.
    check_foreign("0000000000000000000000770000000002ad07c3590004000000020000019b76daa8000000019b76"
                  "daa80effffffffffffffffffffffffffff0000000328b52ffd0058ed01002403ac01000000086bc3"
                  "a97996017b226964223a312c2276223a2261227d00b201000e020104026102310262010c001c0401"
                  "010002007a05f408098c01",
                  MR_COMPRESS_ZSTD);
    // Kafka's own client, snappy.
    check_foreign("00000000000000000000008500000000020bde28660002000000020000019b76daa8000000019b76"
                  "daa80effffffffffffffffffffffffffff0000000382534e41505059000000000100000001000000"
                  "40ba0164ac01000000086bc3a97996017b226964223a312c2276223a2261ea010020227d00b20100"
                  "0e0201fe54003254003804026102310262010c001c04010100",
                  MR_COMPRESS_SNAPPY);
    // Kafka's own client, lz4.
    check_foreign("00000000000000000000007d000000000261ce34970003000000020000019b76daa8000000019b76"
                  "daa80effffffffffffffffffffffffffff0000000304224d186040823d000000ff0bac0100000008"
                  "6bc3a97996017b226964223a312c2276223a22610100289f227d00b201000e020154003af0000402"
                  "6102310262010c001c0401010000000000",
                  MR_COMPRESS_LZ4);
    // Kafka's own client, zstd.
    check_foreign("00000000000000000000007a0000000002743aa8920004000000020000019b76daa8000000019b76"
                  "daa80effffffffffffffffffffffffffff0000000328b52ffd0058ec01002403ac01000000086bc3"
                  "a97996017b226964223a312c2276223a2261227d00b201000e020104026102310262010c001c0401"
                  "010002007a05f408098c01010000",
                  MR_COMPRESS_ZSTD);
    // Kafka's own client, gzip.
    check_foreign("00000000000000000000007c00000000024f683a400001000000020000019b76daa8000000019b76"
                  "daa80effffffffffffffffffffffffffff000000031f8b08000000000000ff5bc3c8c0c0c0917d78"
                  "65e534c66aa5cc14252b431da532252ba5440a80522dc32646063e2646aa9ac9c294c864c894c4c8"
                  "c320c3c2c8c80000075a9e89ba000000",
                  MR_COMPRESS_GZIP);
}

TEST(record_batch, refuses_snappy_cut_within_a_length) {
    // The frame of Kafka's own client, and so many bytes where four of a length belong.
    static const char bytes[16 + 3] = "\x82SNAPPY\0\0\0\0\1\0\0\0\1";
    batch_case c;
    case_init(&c);
    for (size_t extra = 1; extra <= 3; extra++) {
        char *copy = mr_heap_raw(16 + extra);  // So that reading beyond it is seen.
        memcpy(copy, bytes, 16 + extra);
        mr_record_batch batch = {.compression = MR_COMPRESS_SNAPPY, .payload = {copy, 16 + extra}};
        EXPECT_EQ(mr_record_batch_expand(&batch, 1 << 20, &c.out, &c.cx), MR_E_CORRUPT);
        EXPECT(strstr(c.cx.error.text, "a block beyond its end") != NULL);
        mr_heap_free(copy);
    }
    mr_arena_release(&c.arena);
}
