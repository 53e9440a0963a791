// Members of a consumer group that come again: each of Kafka's cases of joining, with a clock and a
// log that the test moves.

#include "group_case.h"

// ---- joining ---------------------------------------------------------------------------------

TEST(group, a_first_member_alone_does_not_wait) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL);
    enter(&f, &a);
    EXPECT_EQ(joined(&f, &a, 1), 1);
    EXPECT_EQ(f.group->state, MR_GROUP_COMPLETING);
    EXPECT(strncmp(a.id, "app-", 4) == 0);
    EXPECT_EQ(strlen(a.id), strlen("app-") + 36);
    fixture_release(&f);
}

TEST(group, the_first_rebalance_waits_for_those_who_announced_themselves) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL), b = somebody(NULL);
    join(&f, &a);
    mr_group_answer *answer = answer_of(&f, &a);
    take_id(&a, answer);
    mr_group_answer_free(answer);
    join(&f, &b);
    answer = answer_of(&f, &b);
    take_id(&b, answer);
    mr_group_answer_free(answer);
    join(&f, &a);
    EXPECT(waits(&f, &a));
    pass(&f, 2);
    EXPECT(waits(&f, &a));
    join(&f, &b);
    EXPECT_EQ(joined(&f, &a, 1), 2);
    EXPECT_EQ(joined(&f, &b, 1), 0);
    fixture_release(&f);
}

TEST(group, the_first_rebalance_ends_with_its_delay_when_an_announced_member_does_not_come) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL), b = somebody(NULL);
    join(&f, &b);
    EXPECT(told(&f, &b, MR_KAFKA_MEMBER_ID_REQUIRED));
    enter(&f, &a);
    pass(&f, 2);
    EXPECT(waits(&f, &a));
    pass(&f, 1);
    EXPECT_EQ(joined(&f, &a, 1), 1);
    fixture_release(&f);
}

TEST(group, a_newcomer_puts_the_first_rebalance_off_but_not_beyond_its_timeout) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL), b = somebody(NULL), c = somebody(NULL), nobody = somebody(NULL);
    join(&f, &nobody);
    EXPECT(told(&f, &nobody, MR_KAFKA_MEMBER_ID_REQUIRED));
    enter(&f, &a);
    pass(&f, 2);
    enter(&f, &b);
    pass(&f, 2);  // 4 s: the delay of 3 s was put off by 3 s at its end.
    EXPECT(waits(&f, &a));
    enter(&f, &c);
    pass(&f, 2);  // 6 s: and again.
    EXPECT(waits(&f, &a));
    pass(&f, 3);  // 9 s, and nobody came.
    EXPECT_EQ(joined(&f, &a, 1), 3);
    EXPECT_EQ(joined(&f, &b, 1), 0);
    EXPECT_EQ(joined(&f, &c, 1), 0);
    fixture_release(&f);
}

TEST(group, old_clients_join_without_coming_twice) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL);
    mr_group_protocol protocols[8];
    mr_group_join_ask ask = join_ask(&f, &a, protocols);
    ask.needs_known_id = false;
    a.token = ask.token;
    mr_group_join(f.group, &ask, &f.host);
    EXPECT_EQ(joined(&f, &a, 1), 1);
    fixture_release(&f);
}

TEST(group, unknown_members_and_kinds_are_refused) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL), stranger = somebody(NULL);
    (void)snprintf(stranger.id, sizeof(stranger.id), "ghost");
    join(&f, &stranger);
    EXPECT(told(&f, &stranger, MR_KAFKA_UNKNOWN_MEMBER_ID));
    settle(&f, &a, 1);
    join(&f, &stranger);
    EXPECT(told(&f, &stranger, MR_KAFKA_UNKNOWN_MEMBER_ID));
    person b = somebody(NULL);
    b.protocols = "sticky";
    join(&f, &b);
    EXPECT(told(&f, &b, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL));
    b.protocols = "";
    join(&f, &b);
    EXPECT(told(&f, &b, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL));
    b.protocols = "range";
    mr_group_protocol protocols[8];
    mr_group_join_ask ask = join_ask(&f, &b, protocols);
    ask.protocol_type = MR_SPAN("connect");
    b.token = ask.token;
    mr_group_join(f.group, &ask, &f.host);
    EXPECT(told(&f, &b, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL));
    fixture_release(&f);
}

TEST(group, an_empty_group_wants_a_kind_and_a_protocol) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL);
    mr_group_protocol protocols[8];
    mr_group_join_ask ask = join_ask(&f, &a, protocols);
    ask.protocol_type = MR_SPAN("");
    a.token = ask.token;
    mr_group_join(f.group, &ask, &f.host);
    EXPECT(told(&f, &a, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL));
    a.protocols = "";
    join(&f, &a);
    EXPECT(told(&f, &a, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL));
    fixture_release(&f);
}

TEST(group, an_announced_member_with_an_instance_is_a_mistake) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL);
    join(&f, &a);
    mr_group_answer *answer = answer_of(&f, &a);
    take_id(&a, answer);
    mr_group_answer_free(answer);
    a.instance = "one";
    join(&f, &a);
    EXPECT(told(&f, &a, MR_KAFKA_UNKNOWN_SERVER_ERROR));
    fixture_release(&f);
}

TEST(group, the_protocol_of_most_votes_among_those_all_support_wins) {
    fixture f;
    fixture_init(&f);
    person people[3] = {somebody(NULL), somebody(NULL), somebody(NULL)};
    people[0].protocols = "range,roundrobin,sticky";
    people[1].protocols = "roundrobin,range";
    people[2].protocols = "cooperative,roundrobin,range";
    settle(&f, people, 3);
    EXPECT(mr_span_is(f.group->protocol, "roundrobin"));
    person d = somebody(NULL);
    d.protocols = "cooperative,sticky";
    join(&f, &d);
    EXPECT(told(&f, &d, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL));
    fixture_release(&f);
}

TEST(group, a_second_member_makes_the_first_rejoin) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 1);
    enter(&f, &people[1]);
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    EXPECT_EQ(beat(&f, &people[0], 1), MR_KAFKA_REBALANCE_IN_PROGRESS);
    EXPECT(waits(&f, &people[1]));
    sync_as(&f, &people[0], 1, NULL, 0);
    EXPECT(told(&f, &people[0], MR_KAFKA_REBALANCE_IN_PROGRESS));
    join(&f, &people[0]);
    EXPECT_EQ(joined(&f, &people[0], 2), 2);
    EXPECT_EQ(joined(&f, &people[1], 2), 0);
    fixture_release(&f);
}

TEST(group, a_follower_that_joins_again_unchanged_gets_its_generation_back) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    join(&f, &people[1]);
    EXPECT_EQ(joined(&f, &people[1], 2), 0);
    EXPECT_EQ(f.group->state, MR_GROUP_STABLE);
    sync_as(&f, &people[1], 2, NULL, 0);
    assigned(&f, &people[1], "p1");
    fixture_release(&f);
}

TEST(group, a_follower_with_other_metadata_and_a_leader_rebalance) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    people[1].protocols = "range=other";
    join(&f, &people[1]);
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    join(&f, &people[0]);
    EXPECT_EQ(joined(&f, &people[0], 3), 2);
    EXPECT_EQ(joined(&f, &people[1], 3), 0);
    sync_as(&f, &people[1], 3, NULL, 0);
    sync_as(&f, &people[0], 3, NULL, 0);
    assigned(&f, &people[0], "");
    assigned(&f, &people[1], "");
    join(&f, &people[0]);
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    fixture_release(&f);
}

TEST(group, a_lost_answer_is_given_again_while_assignments_are_made) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 1);
    enter(&f, &people[1]);
    join(&f, &people[0]);
    EXPECT_EQ(joined(&f, &people[0], 2), 2);
    EXPECT_EQ(joined(&f, &people[1], 2), 0);
    join(&f, &people[0]);
    EXPECT_EQ(joined(&f, &people[0], 2), 2);
    EXPECT_EQ(f.group->state, MR_GROUP_COMPLETING);
    people[1].protocols = "range=other";
    join(&f, &people[1]);
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    fixture_release(&f);
}

TEST(group, a_join_is_overtaken_by_a_later_one_of_the_same_member) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 1);
    enter(&f, &people[1]);
    person before = people[1];
    join(&f, &people[1]);
    EXPECT(told(&f, &before, MR_KAFKA_REBALANCE_IN_PROGRESS));
    EXPECT(waits(&f, &people[1]));
    join(&f, &people[0]);
    EXPECT_EQ(joined(&f, &people[1], 2), 0);
    fixture_release(&f);
}

TEST(group, who_does_not_rejoin_in_time_is_put_out) {
    fixture f;
    fixture_init(&f);
    person people[3] = {somebody(NULL), somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    enter(&f, &people[2]);
    join(&f, &people[1]);
    for (int i = 0; i < REBALANCE / 5; i++) {  // The leader lives, but does not join.
        EXPECT_EQ(beat(&f, &people[0], 2), MR_KAFKA_REBALANCE_IN_PROGRESS);
        EXPECT(waits(&f, &people[1]));
        pass(&f, 5);
    }
    EXPECT_EQ(joined(&f, &people[1], 3), 2);
    EXPECT_EQ(joined(&f, &people[2], 3), 0);
    EXPECT_EQ(beat(&f, &people[0], 3), MR_KAFKA_UNKNOWN_MEMBER_ID);
    fixture_release(&f);
}

TEST(group, a_new_member_that_waits_for_minutes_is_let_go) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody("static"), somebody(NULL)};
    settle(&f, people, 1);
    f.group->members[0]->session_timeout_ms = 30 * 60 * 1000;
    f.group->members[0]->rebalance_timeout_ms = 10 * 60 * 1000;
    EXPECT_EQ(beat(&f, &people[0], 1), NONE);
    enter(&f, &people[1]);
    pass(&f, 299);
    EXPECT(waits(&f, &people[1]));
    pass(&f, 2);
    EXPECT(told(&f, &people[1], MR_KAFKA_UNKNOWN_MEMBER_ID));
    fixture_release(&f);
}

// The member that is left has not joined, and stays for its session: the rebalance is put off.
TEST(group, a_rebalance_without_a_timeout_is_not_due_for_ever) {
    for (int timeout_ms = -1; timeout_ms < 1; timeout_ms++) {
        fixture f;
        fixture_init(&f);
        person people[2] = {somebody(NULL), somebody(NULL)};
        settle(&f, people, 2);
        for (int i = 0; i < 2; i++) {
            mr_group_set(&f.group->members[i]->instance, i == 0 ? MR_SPAN("a") : MR_SPAN("b"));
            f.group->members[i]->rebalance_timeout_ms = timeout_ms;
        }
        mr_group_remove(f.group, f.group->members[1]);
        mr_group_rebalance(f.group, &f.host);
        mr_group_expire(f.group, &f.host);
        EXPECT(f.group->due_us > f.host.now_us);
        pass(&f, SESSION + 1);
        EXPECT_EQ(f.group->member_count, 0u);
        fixture_release(&f);
    }
}

TEST(group, an_announced_member_that_does_not_come_is_forgotten) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 1);
    join(&f, &people[1]);
    mr_group_answer *answer = answer_of(&f, &people[1]);
    take_id(&people[1], answer);
    mr_group_answer_free(answer);
    EXPECT(mr_group_is_announced(f.group, mr_span_of(people[1].id)));
    join(&f, &people[0]);  // The leader rebalances: the announced one is waited for.
    EXPECT(waits(&f, &people[0]));
    pass(&f, SESSION);
    EXPECT_EQ(joined(&f, &people[0], 2), 1);
    join(&f, &people[1]);
    EXPECT(told(&f, &people[1], MR_KAFKA_UNKNOWN_MEMBER_ID));
    fixture_release(&f);
}

TEST(group, members_beyond_the_greatest_size_are_turned_away) {
    fixture f;
    fixture_init(&f);
    f.host.size_max = 2;
    person people[3] = {somebody(NULL), somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    join(&f, &people[2]);
    EXPECT(told(&f, &people[2], MR_KAFKA_GROUP_MAX_SIZE_REACHED));
    EXPECT_EQ(f.group->state, MR_GROUP_STABLE);
    f.host.size_max = 1;  // It was lowered: the last to rejoin has no room.
    join(&f, &people[0]);
    EXPECT(waits(&f, &people[0]));
    join(&f, &people[1]);
    EXPECT(told(&f, &people[1], MR_KAFKA_GROUP_MAX_SIZE_REACHED));
    EXPECT_EQ(joined(&f, &people[0], 3), 1);
    fixture_release(&f);
}

TEST(group, a_group_over_its_size_rebalances_when_it_is_read_back) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    f.host.size_max = 1;
    mr_group_wake(f.group, &f.host);
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    fixture_release(&f);
}
