// Records of __consumer_offsets: what is written is read back; Kafka's own bytes are understood;
// damage is an error.

#include "broker/group_record.h"

#include <stdio.h>
#include <string.h>

#include "runner.h"

typedef struct fixture {
    mr_arena arena;
    mr_cx cx;
    mr_group_records records;
    mr_text batch;
    mr_text expanded;
    mr_record_reader reader;
} fixture;

static void fixture_init(fixture *f) {
    *f = (fixture){0};
    mr_cx_init(&f->cx, &f->arena, NULL);
    f->records = (mr_group_records){.text = {.arena = &f->arena}, .cx = &f->cx};
    f->batch.arena = f->expanded.arena = &f->arena;
}

static bool sealed(fixture *f, mr_group_producer producer, mr_record_batch *ret) {
    bool found = false;
    if (!EXPECT_OK(mr_group_record_batch(&f->records, producer, 1700000000000, &f->batch))) {
        return false;
    }
    mr_span in = mr_text_span(&f->batch);
    return EXPECT_OK(mr_record_batch_next(&in, ret, &found, &f->cx)) && EXPECT(found) &&
           EXPECT_OK(mr_record_batch_verify(ret, &f->cx)) &&
           EXPECT_OK(mr_record_batch_expand(ret, 1 << 20, &f->expanded, &f->cx)) &&
           EXPECT_OK(mr_record_open(&f->reader, ret, mr_text_span(&f->expanded), &f->cx));
}

static bool next(fixture *f, mr_group_record *ret) {
    mr_record record;
    return EXPECT(mr_record_next(&f->reader, &record)) &&
           EXPECT_OK(mr_group_record_read(&record, ret, &f->cx));
}

TEST(group_record, offsets_are_read_as_they_were_written) {
    fixture f;
    fixture_init(&f);
    mr_group_offset plain = {.partition = 7,
                             .leader_epoch = 3,
                             .offset = INT64_C(1) << 40,
                             .commit_ms = 1700000000123,
                             .expire_ms = -1,
                             .metadata = MR_SPAN("here")};
    mr_group_offset expires = plain;
    expires.expire_ms = 1800000000000;
    EXPECT_OK(mr_group_record_offset(&f.records, MR_SPAN("g"), MR_SPAN("t"), &plain));
    EXPECT_OK(mr_group_record_offset(&f.records, MR_SPAN("g"), MR_SPAN("t"), &expires));
    EXPECT_OK(mr_group_record_offset_gone(&f.records, MR_SPAN("g"), MR_SPAN("t"), 7));
    mr_record_batch batch;
    REQUIRE(sealed(&f, (mr_group_producer){.id = 44, .epoch = 5}, &batch));
    EXPECT_EQ(batch.producer_id, 44);
    EXPECT_EQ(batch.producer_epoch, 5);
    EXPECT_EQ(batch.base_sequence, -1);
    EXPECT((batch.attributes & MR_RECORD_BATCH_TRANSACTIONAL) != 0);
    EXPECT_EQ(batch.record_count, 3);
    mr_group_record record;
    REQUIRE(next(&f, &record));
    EXPECT_EQ(record.kind, MR_GROUP_RECORD_OFFSET);
    EXPECT(mr_span_is(record.group, "g"));
    EXPECT(mr_span_is(record.topic, "t"));
    EXPECT_EQ(record.offset.partition, 7);
    EXPECT_EQ(record.offset.offset, plain.offset);
    EXPECT_EQ(record.offset.leader_epoch, 3);
    EXPECT_EQ(record.offset.commit_ms, plain.commit_ms);
    EXPECT_EQ(record.offset.expire_ms, -1);
    EXPECT(mr_span_is(record.offset.metadata, "here"));
    REQUIRE(next(&f, &record));
    EXPECT_EQ(record.offset.expire_ms, expires.expire_ms);
    EXPECT_EQ(record.offset.leader_epoch, -1);  // Version 1, which has an expiry, has none.
    EXPECT_EQ(record.offset.record, 1);
    REQUIRE(next(&f, &record));
    EXPECT(record.gone);
    EXPECT_EQ(record.offset.partition, 7);
    mr_arena_release(&f.arena);
}

TEST(group_record, members_are_read_as_they_were_written) {
    fixture f;
    fixture_init(&f);
    mr_group *group = mr_group_new(MR_SPAN("orders"), 1700000000000);
    mr_group_protocol protocols[] = {{MR_SPAN("sticky"), MR_SPAN("s")},
                                     {MR_SPAN("range"), MR_SPAN("subscription")}};
    mr_group_join_ask ask = {
        .client_id = MR_SPAN("app"),
        .client_host = MR_SPAN("/127.0.0.1"),
        .protocol_type = MR_SPAN("consumer"),
        .protocols = protocols,
        .protocol_count = 2,
        .session_timeout_ms = 10000,
        .rebalance_timeout_ms = 60000,
    };
    (void)mr_group_add(group, &ask, MR_SPAN("a"));
    ask.instance = MR_SPAN("second");
    mr_group_member *b = mr_group_add(group, &ask, MR_SPAN("b"));
    mr_group_set(&b->assignment, MR_SPAN("p1"));
    group->leader = b;
    group->generation = 12;
    group->state = MR_GROUP_STABLE;
    mr_group_set(&group->protocol, MR_SPAN("range"));
    EXPECT_OK(mr_group_record_members(&f.records, group));
    EXPECT_OK(mr_group_record_gone(&f.records, MR_SPAN("orders")));
    mr_group_free(group);

    mr_record_batch batch;
    REQUIRE(sealed(&f, (mr_group_producer){.id = -1}, &batch));
    EXPECT_EQ(batch.attributes, 0);
    EXPECT_EQ(batch.producer_id, -1);
    mr_group_record record;
    REQUIRE(next(&f, &record));
    EXPECT_EQ(record.kind, MR_GROUP_RECORD_MEMBERS);
    group = record.members;
    REQUIRE(group != NULL);
    EXPECT_EQ(group->state, MR_GROUP_STABLE);
    EXPECT_EQ(group->state_ms, 1700000000000);
    EXPECT_EQ(group->generation, 12);
    EXPECT_EQ(group->stored_at, 0);
    EXPECT(mr_span_is(group->protocol_type, "consumer"));
    EXPECT(mr_span_is(group->protocol, "range"));
    REQUIRE(group->member_count == 2);
    EXPECT(group->leader == group->members[1]);
    EXPECT(group->members[0]->instance.data == NULL);
    EXPECT(mr_span_is(group->members[1]->instance, "second"));
    EXPECT(mr_span_is(group->members[1]->assignment, "p1"));
    EXPECT(mr_span_is(mr_group_metadata_of(group, group->members[0]), "subscription"));
    EXPECT_EQ(group->members[0]->session_timeout_ms, 10000);
    EXPECT_EQ(group->members[0]->rebalance_timeout_ms, 60000);
    mr_group_free(group);
    REQUIRE(next(&f, &record));
    EXPECT(record.gone);
    EXPECT(record.members == NULL);
    mr_arena_release(&f.arena);
}

TEST(group_record, an_empty_group_keeps_its_generation) {
    fixture f;
    fixture_init(&f);
    mr_group *group = mr_group_new(MR_SPAN("orders"), 5);
    group->generation = 3;
    mr_group_set(&group->protocol_type, MR_SPAN("consumer"));
    EXPECT_OK(mr_group_record_members(&f.records, group));
    mr_group_free(group);
    mr_record_batch batch;
    REQUIRE(sealed(&f, (mr_group_producer){.id = -1}, &batch));
    mr_group_record record;
    REQUIRE(next(&f, &record));
    EXPECT_EQ(record.members->state, MR_GROUP_EMPTY);
    EXPECT_EQ(record.members->generation, 3);
    EXPECT(record.members->protocol.data == NULL);
    EXPECT(record.members->leader == NULL);
    mr_group_free(record.members);
    mr_arena_release(&f.arena);
}

// As Kafka wrote them before version 2.1: keys of version 0, values of version 0 to 2.
TEST(group_record, old_versions_are_read) {
    fixture f;
    fixture_init(&f);
    static const char key[] = "\0\0\0\1g\0\1t\0\0\0\2";
    static const char value[] = "\0\0\0\0\0\0\0\0\0\x2A\0\0\0\0\0\0\0\0\0\x10";
    mr_record record = {
        .offset = 9, .key = {key, sizeof(key) - 1}, .value = {value, sizeof(value) - 1}};
    mr_group_record read;
    REQUIRE_OK(mr_group_record_read(&record, &read, &f.cx));
    EXPECT_EQ(read.offset.partition, 2);
    EXPECT_EQ(read.offset.offset, 42);
    EXPECT_EQ(read.offset.commit_ms, 16);
    EXPECT_EQ(read.offset.record, 9);
    EXPECT_EQ(read.offset.expire_ms, -1);
    mr_arena_release(&f.arena);
}

TEST(group_record, unknown_kinds_are_left_alone_and_damage_is_an_error) {
    fixture f;
    fixture_init(&f);
    mr_record record = {.key = {"\0\xB\0\1g", 5}, .value = {"\0\0", 2}};
    mr_group_record read;
    EXPECT_OK(mr_group_record_read(&record, &read, &f.cx));
    EXPECT_EQ(read.kind, MR_GROUP_RECORD_OTHER);
    record.key = (mr_span){0};
    EXPECT_OK(mr_group_record_read(&record, &read, &f.cx));
    record.key = (mr_span){"\0\1\0\5g", 5};
    EXPECT_EQ(mr_group_record_read(&record, &read, &f.cx), MR_E_CORRUPT);
    record.key = (mr_span){"\0\2\0\1g", 5};
    record.value = (mr_span){"\0\x63", 2};
    EXPECT_EQ(mr_group_record_read(&record, &read, &f.cx), MR_E_UNSUPPORTED);
    mr_arena_release(&f.arena);
}
