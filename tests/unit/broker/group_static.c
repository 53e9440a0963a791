// Static members of a consumer group, what a group is asked about, and its offsets.

#include "group_case.h"

// ---- static members --------------------------------------------------------------------------

TEST(group, a_static_member_joins_at_once_and_survives_its_restart_without_a_rebalance) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody("first"), somebody("second")};
    settle(&f, people, 2);
    EXPECT(strncmp(people[0].id, "first-", 6) == 0);
    person old = people[1];
    people[1].id[0] = '\0';  // It was restarted.
    int64_t stored = f.stored;
    join(&f, &people[1]);
    mr_group_answer *answer = answer_of(&f, &people[1]);
    if (EXPECT(answer != NULL)) {
        EXPECT_EQ(answer->error, NONE);
        EXPECT_EQ(answer->generation, 2);
        EXPECT_EQ(answer->after, stored);
        EXPECT_EQ(answer->seat_count, 0);
        EXPECT(!answer->skip_assignment);
        EXPECT(mr_span_is(answer->leader, people[0].id));
        take_id(&people[1], answer);
    }
    mr_group_answer_free(answer);
    EXPECT(strcmp(old.id, people[1].id) != 0);
    EXPECT_EQ(f.group->state, MR_GROUP_STABLE);
    sync_as(&f, &people[1], 2, NULL, 0);
    assigned(&f, &people[1], "p1");
    // Whoever still uses the old id is fenced.
    EXPECT_EQ(beat(&f, &old, 2), MR_KAFKA_FENCED_INSTANCE_ID);
    join(&f, &old);
    EXPECT(told(&f, &old, MR_KAFKA_FENCED_INSTANCE_ID));
    sync_as(&f, &old, 2, NULL, 0);
    EXPECT(told(&f, &old, MR_KAFKA_FENCED_INSTANCE_ID));
    EXPECT_EQ(leave(&f, &old), MR_KAFKA_FENCED_INSTANCE_ID);
    EXPECT_EQ(mr_group_check_commit(f.group, mr_span_of(old.id), MR_SPAN("second"), 2, false),
              MR_KAFKA_FENCED_INSTANCE_ID);
    EXPECT_EQ(mr_group_check_commit(f.group, mr_span_of(people[1].id), MR_SPAN("second"), 2, true),
              NONE);
    old.instance = NULL;
    EXPECT_EQ(beat(&f, &old, 2), MR_KAFKA_UNKNOWN_MEMBER_ID);
    fixture_release(&f);
}

TEST(group, a_static_leader_that_was_restarted_leads_but_need_not_assign) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody("first"), somebody("second")};
    settle(&f, people, 2);
    people[0].id[0] = '\0';
    join(&f, &people[0]);
    mr_group_answer *answer = answer_of(&f, &people[0]);
    if (EXPECT(answer != NULL)) {
        EXPECT(answer->skip_assignment);
        EXPECT_EQ(answer->seat_count, 2);
        EXPECT(mr_span_equal(answer->leader, answer->member_id));
        take_id(&people[0], answer);
    }
    mr_group_answer_free(answer);
    // An older client does not know of skipping: it is told of a leader that it is not.
    char before[96];
    (void)snprintf(before, sizeof(before), "%s", people[0].id);
    people[0].id[0] = '\0';
    mr_group_protocol protocols[8];
    mr_group_join_ask ask = join_ask(&f, &people[0], protocols);
    ask.may_skip = false;
    people[0].token = ask.token;
    mr_group_join(f.group, &ask, &f.host);
    answer = answer_of(&f, &people[0]);
    if (EXPECT(answer != NULL)) {
        EXPECT(!answer->skip_assignment);
        EXPECT_EQ(answer->seat_count, 0);
        EXPECT(mr_span_is(answer->leader, before));
    }
    mr_group_answer_free(answer);
    fixture_release(&f);
}

TEST(group, a_static_member_that_changes_the_protocol_rebalances) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody("first"), somebody("second")};
    people[0].protocols = "range,roundrobin";
    people[1].protocols = "range,roundrobin";
    settle(&f, people, 2);
    people[1].id[0] = '\0';
    people[1].protocols = "range,sticky";  // range stays.
    join(&f, &people[1]);
    EXPECT_EQ(joined(&f, &people[1], 2), 0);
    EXPECT_EQ(f.group->state, MR_GROUP_STABLE);
    people[1].protocols = "range,roundrobin";
    people[1].id[0] = '\0';
    join(&f, &people[1]);
    EXPECT_EQ(joined(&f, &people[1], 2), 0);
    people[1].protocols = "roundrobin";
    people[1].id[0] = '\0';
    join(&f, &people[1]);
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    join(&f, &people[0]);
    EXPECT_EQ(joined(&f, &people[0], 3), 2);
    EXPECT_EQ(joined(&f, &people[1], 3), 0);
    EXPECT(mr_span_is(f.group->protocol, "roundrobin"));
    fixture_release(&f);
}

TEST(group, a_static_member_that_cannot_be_stored_stays_who_it_was) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody("first"), somebody("second")};
    settle(&f, people, 2);
    person old = people[0];
    f.store_error = MR_KAFKA_COORDINATOR_NOT_AVAILABLE;
    people[0].id[0] = '\0';
    join(&f, &people[0]);
    EXPECT(told(&f, &people[0], MR_KAFKA_COORDINATOR_NOT_AVAILABLE));
    EXPECT_EQ(beat(&f, &old, 2), NONE);
    EXPECT(mr_span_is(f.group->leader->id, old.id));
    EXPECT_EQ(f.group->joined_count, 0);
    fixture_release(&f);
}

TEST(group, a_duplicate_static_member_fences_the_one_that_waits) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody("first"), somebody("second")};
    settle(&f, people, 2);
    join(&f, &people[0]);  // The leader rebalances; the follower joins, then its duplicate.
    join(&f, &people[1]);
    joined(&f, &people[0], 3);
    joined(&f, &people[1], 3);
    sync_as(&f, &people[1], 3, NULL, 0);
    person twin = people[1];
    twin.id[0] = '\0';
    join(&f, &twin);
    EXPECT(told(&f, &people[1], MR_KAFKA_FENCED_INSTANCE_ID));
    // While COMPLETING the leader may assign to the old id: all rejoin.
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    EXPECT(waits(&f, &twin));
    person third = twin;
    third.id[0] = '\0';
    join(&f, &third);
    EXPECT(told(&f, &twin, MR_KAFKA_FENCED_INSTANCE_ID));
    join(&f, &people[0]);
    EXPECT_EQ(joined(&f, &people[0], 4), 2);
    EXPECT_EQ(joined(&f, &third, 4), 0);
    fixture_release(&f);
}

TEST(group, a_static_member_that_does_not_rejoin_stays_and_loses_the_lead) {
    fixture f;
    fixture_init(&f);
    person people[3] = {somebody("first"), somebody("second"), somebody("third")};
    settle(&f, people, 2);
    f.group->members[0]->session_timeout_ms = 1000 * 1000;
    EXPECT_EQ(beat(&f, &people[0], 2), NONE);
    enter(&f, &people[2]);
    join(&f, &people[1]);
    pass(&f, REBALANCE);
    EXPECT_EQ(joined(&f, &people[1], 3), 3);  // It is in the list, and will be assigned to.
    EXPECT_EQ(joined(&f, &people[2], 3), 0);
    EXPECT(mr_span_is(f.group->leader->id, people[1].id));
    EXPECT_EQ(f.group->member_count, 3);
    fixture_release(&f);
}

TEST(group, a_rebalance_that_no_static_member_joins_goes_on) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody("first"), somebody("second")};
    settle(&f, people, 2);
    f.group->members[0]->session_timeout_ms = 100 * 1000;
    f.group->members[1]->session_timeout_ms = 100 * 1000;
    EXPECT_EQ(beat(&f, &people[0], 2), NONE);
    EXPECT_EQ(beat(&f, &people[1], 2), NONE);
    mr_group_rebalance(f.group, &f.host);
    pass(&f, REBALANCE + 1);
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    EXPECT_EQ(f.group->member_count, 2);
    join(&f, &people[0]);
    EXPECT(waits(&f, &people[0]));
    pass(&f, REBALANCE);  // The other's session ended.
    EXPECT_EQ(joined(&f, &people[0], 3), 1);
    fixture_release(&f);
}

TEST(group, static_members_are_removed_by_their_instance) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody("first"), somebody("second")};
    settle(&f, people, 2);
    person admin = somebody("second");
    EXPECT_EQ(leave(&f, &admin), NONE);
    EXPECT_EQ(leave(&f, &admin), MR_KAFKA_UNKNOWN_MEMBER_ID);
    admin.instance = NULL;
    EXPECT_EQ(leave(&f, &admin), MR_KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT_EQ(f.group->member_count, 1);
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    fixture_release(&f);
}

TEST(group, an_unknown_instance_with_a_known_id_is_unknown) {
    fixture f;
    fixture_init(&f);
    person people[1] = {somebody("first")};
    settle(&f, people, 1);
    people[0].instance = "other";
    join(&f, &people[0]);
    EXPECT(told(&f, &people[0], MR_KAFKA_UNKNOWN_MEMBER_ID));
    fixture_release(&f);
}

// ---- what else it is asked -------------------------------------------------------------------

TEST(group, offsets_may_be_committed_by_members_and_to_empty_groups) {
    fixture f;
    fixture_init(&f);
    const mr_group *group = f.group;
    mr_span none = MR_SPAN("");
    EXPECT_EQ(mr_group_check_commit(group, none, NULL_SPAN, -1, false), NONE);
    EXPECT_EQ(mr_group_check_commit(group, MR_SPAN("x"), NULL_SPAN, 1, false),
              MR_KAFKA_UNKNOWN_MEMBER_ID);
    person a = somebody(NULL);
    enter(&f, &a);
    joined(&f, &a, 1);
    mr_span id = mr_span_of(a.id);
    EXPECT_EQ(mr_group_check_commit(group, id, NULL_SPAN, 1, false),
              MR_KAFKA_REBALANCE_IN_PROGRESS);
    EXPECT_EQ(mr_group_check_commit(group, id, NULL_SPAN, 1, true), NONE);
    sync_as(&f, &a, 1, NULL, 0);
    assigned(&f, &a, "");
    EXPECT_EQ(mr_group_check_commit(group, id, NULL_SPAN, 1, false), NONE);
    EXPECT_EQ(mr_group_check_commit(group, id, NULL_SPAN, 0, false), MR_KAFKA_ILLEGAL_GENERATION);
    EXPECT_EQ(mr_group_check_commit(group, none, NULL_SPAN, -1, false), MR_KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT_EQ(mr_group_check_commit(group, none, NULL_SPAN, -1, true), NONE);
    fixture_release(&f);
}

TEST(group, what_members_read_is_found_in_their_subscriptions) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL);
    enter(&f, &a);
    joined(&f, &a, 1);
    static const char subscription[] = "\0\1\0\0\0\2\0\6orders\0\1x\0\0\0\0";
    EXPECT(mr_group_reads_topic(f.group, MR_SPAN("orders")));  // Unreadable: perhaps.
    EXPECT(!mr_group_knows_topics(f.group));
    mr_group_protocol protocol = {MR_SPAN("range"), MR_SPAN(subscription)};
    mr_group_set_protocols(f.group->members[0], &protocol, 1);
    EXPECT(mr_group_knows_topics(f.group));
    EXPECT(mr_group_reads_topic(f.group, MR_SPAN("orders")));
    EXPECT(mr_group_reads_topic(f.group, MR_SPAN("x")));
    EXPECT(!mr_group_reads_topic(f.group, MR_SPAN("order")));
    for (size_t cut = 0; cut < 17; cut++) {  // Cut anywhere it is not read beyond its end.
        char *copy = mr_heap_raw(cut + 1);
        memcpy(copy, subscription, cut);
        protocol.metadata = (mr_span){copy, cut};
        mr_group_set_protocols(f.group->members[0], &protocol, 1);
        EXPECT(!mr_group_knows_topics(f.group));
        mr_heap_free(copy);
    }
    fixture_release(&f);
}

TEST(group, answers_that_nobody_takes_are_dropped) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL), b = somebody(NULL);
    join(&f, &a);
    f.host.now_us += 100;
    join(&f, &b);
    mr_group_answer_drop(&f.host, f.host.now_us);
    EXPECT(waits(&f, &a));
    EXPECT(!waits(&f, &b));
    fixture_release(&f);
}

// ---- offsets ---------------------------------------------------------------------------------

TEST(group_offsets, are_kept_by_topic_and_partition) {
    mr_group_offsets offsets = {0};
    char name[16];
    for (int i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i * 7 % 20);
        mr_group_offset offset = {
            .partition = i * 13 % 40, .offset = i, .metadata = mr_span_of(name)};
        mr_group_offsets_put(&offsets, mr_span_of(name), &offset);
    }
    EXPECT_EQ(offsets.count, 20);
    for (uint32_t i = 0; i < offsets.count; i++) {
        const mr_group_topic *topic = &offsets.topics[i];
        EXPECT(i == 0 || mr_span_compare(offsets.topics[i - 1].name, topic->name) < 0);
        for (uint32_t j = 0; j < topic->count; j++) {
            EXPECT(j == 0 || topic->items[j - 1].partition < topic->items[j].partition);
            EXPECT(mr_span_equal(topic->items[j].metadata, topic->name));
        }
    }
    mr_group_offset *last = mr_group_offsets_get(&offsets, MR_SPAN("t13"), 199 * 13 % 40);
    if (EXPECT(last != NULL)) {
        EXPECT_EQ(last->offset, 199);
    }
    EXPECT(mr_group_offsets_get(&offsets, MR_SPAN("t13"), 1000) == NULL);
    EXPECT(!mr_group_offsets_remove(&offsets, MR_SPAN("t99"), 0));
    for (uint32_t left = 20; offsets.count > 0;) {
        mr_group_topic *topic = &offsets.topics[offsets.count / 2];
        (void)snprintf(name, sizeof(name), "%.*s", MR_SPAN_ARGS(topic->name));
        uint32_t count = topic->count;
        EXPECT(mr_group_offsets_remove(&offsets, mr_span_of(name), topic->items[0].partition));
        left -= count == 1;
        EXPECT_EQ(offsets.count, left);
    }
    mr_group_offsets_release(&offsets);
}
