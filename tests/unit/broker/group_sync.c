// A consumer group between two rebalances: syncs, heartbeats, sessions that end, members that
// leave.

#include "group_case.h"

// ---- syncing ---------------------------------------------------------------------------------

TEST(group, followers_before_and_after_the_leader_get_their_assignment) {
    fixture f;
    fixture_init(&f);
    person people[3] = {somebody(NULL), somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    enter(&f, &people[2]);
    join(&f, &people[0]);
    join(&f, &people[1]);
    for (int i = 0; i < 3; i++) {
        joined(&f, &people[i], 3);
    }
    sync_as(&f, &people[1], 3, NULL, 0);
    EXPECT(waits(&f, &people[1]));
    mr_group_share shares[] = {{mr_span_of(people[1].id), MR_SPAN("one")},
                               {mr_span_of(people[2].id), MR_SPAN("two")},
                               {MR_SPAN("stranger"), MR_SPAN("three")}};
    sync_as(&f, &people[0], 3, shares, 3);
    mr_group_answer *answer = answer_of(&f, &people[0]);
    if (EXPECT(answer != NULL)) {
        EXPECT_EQ(answer->after, f.stored - 1);  // It waits for its record.
        EXPECT_EQ(answer->assignment.bytes, 0);
        EXPECT(mr_span_is(answer->protocol_type, "consumer"));
        EXPECT(mr_span_is(answer->protocol, "range"));
    }
    mr_group_answer_free(answer);
    assigned(&f, &people[1], "one");
    sync_as(&f, &people[2], 3, NULL, 0);
    assigned(&f, &people[2], "two");
    EXPECT_STR(f.stored_assignments, "|one|two|");
    EXPECT_EQ(f.stored_generation, 3);
    fixture_release(&f);
}

TEST(group, a_sync_must_fit_to_the_group) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL), ghost = somebody(NULL);
    (void)snprintf(ghost.id, sizeof(ghost.id), "ghost");
    sync_as(&f, &ghost, 1, NULL, 0);
    EXPECT(told(&f, &ghost, MR_KAFKA_UNKNOWN_MEMBER_ID));
    enter(&f, &a);
    joined(&f, &a, 1);
    sync_as(&f, &ghost, 1, NULL, 0);
    EXPECT(told(&f, &ghost, MR_KAFKA_UNKNOWN_MEMBER_ID));
    sync_as(&f, &a, 2, NULL, 0);
    EXPECT(told(&f, &a, MR_KAFKA_ILLEGAL_GENERATION));
    mr_group_sync_ask ask = {.token = ++f.tokens,
                             .member_id = mr_span_of(a.id),
                             .generation = 1,
                             .protocol_type = MR_SPAN("connect")};
    a.token = ask.token;
    mr_group_sync(f.group, &ask, &f.host);
    EXPECT(told(&f, &a, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL));
    ask.protocol_type = MR_SPAN("consumer");
    ask.protocol = MR_SPAN("sticky");
    ask.token = a.token = ++f.tokens;
    mr_group_sync(f.group, &ask, &f.host);
    EXPECT(told(&f, &a, MR_KAFKA_INCONSISTENT_GROUP_PROTOCOL));
    ask.protocol = MR_SPAN("range");
    ask.token = a.token = ++f.tokens;
    mr_group_sync(f.group, &ask, &f.host);
    assigned(&f, &a, "");
    fixture_release(&f);
}

TEST(group, an_assignment_that_cannot_be_stored_is_nobodys) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    join(&f, &people[0]);
    join(&f, &people[1]);
    joined(&f, &people[0], 3);
    joined(&f, &people[1], 3);
    sync_as(&f, &people[1], 3, NULL, 0);
    f.store_error = MR_KAFKA_NOT_COORDINATOR;
    sync_as(&f, &people[0], 3, NULL, 0);
    EXPECT(told(&f, &people[0], MR_KAFKA_NOT_COORDINATOR));
    EXPECT(told(&f, &people[1], MR_KAFKA_NOT_COORDINATOR));
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    fixture_release(&f);
}

TEST(group, who_owes_a_sync_is_put_out_when_the_rebalance_timeout_is_over) {
    fixture f;
    fixture_init(&f);
    person people[3] = {somebody(NULL), somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    enter(&f, &people[2]);
    join(&f, &people[0]);
    join(&f, &people[1]);
    for (int i = 0; i < 3; i++) {
        joined(&f, &people[i], 3);
    }
    sync_as(&f, &people[0], 3, NULL, 0);
    assigned(&f, &people[0], "");
    sync_as(&f, &people[1], 3, NULL, 0);
    assigned(&f, &people[1], "");
    for (int i = 0; i < REBALANCE / 5; i++) {  // All live, one never asks.
        EXPECT_EQ(beat(&f, &people[0], 3), NONE);
        EXPECT_EQ(beat(&f, &people[1], 3), NONE);
        EXPECT_EQ(beat(&f, &people[2], 3), NONE);
        pass(&f, 5);
    }
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    EXPECT_EQ(beat(&f, &people[2], 3), MR_KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT_EQ(beat(&f, &people[0], 3), MR_KAFKA_REBALANCE_IN_PROGRESS);
    fixture_release(&f);
}

TEST(group, a_lost_leader_makes_those_who_wait_for_it_join_again) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    join(&f, &people[0]);
    join(&f, &people[1]);
    joined(&f, &people[0], 3);
    joined(&f, &people[1], 3);
    sync_as(&f, &people[1], 3, NULL, 0);
    pass(&f, SESSION);  // The leader's session ends, the follower waits and so lives.
    EXPECT(told(&f, &people[1], MR_KAFKA_REBALANCE_IN_PROGRESS));
    join(&f, &people[1]);
    EXPECT_EQ(joined(&f, &people[1], 4), 1);
    fixture_release(&f);
}

TEST(group, all_who_owe_a_sync_may_be_gone_at_once) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL);
    enter(&f, &a);
    joined(&f, &a, 1);
    pass(&f, REBALANCE);
    EXPECT_EQ(f.group->state, MR_GROUP_EMPTY);
    EXPECT_EQ(f.group->generation, 2);
    EXPECT_EQ(f.stored_generation, 2);
    EXPECT_EQ(f.stored_members, 0);
    fixture_release(&f);
}

// ---- heartbeats and sessions -----------------------------------------------------------------

TEST(group, heartbeats_keep_a_session_and_say_what_is_wrong) {
    fixture f;
    fixture_init(&f);
    person a = somebody(NULL);
    EXPECT_EQ(beat(&f, &a, 1), MR_KAFKA_UNKNOWN_MEMBER_ID);
    enter(&f, &a);
    joined(&f, &a, 1);
    EXPECT_EQ(beat(&f, &a, 1), NONE);  // COMPLETING.
    sync_as(&f, &a, 1, NULL, 0);
    assigned(&f, &a, "");
    for (int i = 0; i < 5; i++) {
        pass(&f, SESSION - 1);
        EXPECT_EQ(beat(&f, &a, 1), NONE);
    }
    EXPECT_EQ(beat(&f, &a, 2), MR_KAFKA_ILLEGAL_GENERATION);
    pass(&f, SESSION);
    EXPECT_EQ(beat(&f, &a, 1), MR_KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT_EQ(f.group->state, MR_GROUP_EMPTY);
    EXPECT_EQ(f.group->generation, 2);
    EXPECT(mr_span_is(f.group->protocol_type, "consumer"));
    fixture_release(&f);
}

TEST(group, a_lost_member_makes_the_others_rejoin) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    pass(&f, SESSION / 2);
    EXPECT_EQ(beat(&f, &people[1], 2), NONE);
    pass(&f, SESSION / 2);
    EXPECT_EQ(f.group->member_count, 1);
    EXPECT_EQ(beat(&f, &people[1], 2), MR_KAFKA_REBALANCE_IN_PROGRESS);
    join(&f, &people[1]);
    EXPECT_EQ(joined(&f, &people[1], 3), 1);
    fixture_release(&f);
}

TEST(group, who_waits_for_a_rebalance_needs_no_heartbeat) {
    fixture f;
    fixture_init(&f);
    person people[3] = {somebody(NULL), somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    enter(&f, &people[2]);
    join(&f, &people[0]);
    for (int i = 0; i < 8; i++) {
        EXPECT_EQ(beat(&f, &people[1], 2), MR_KAFKA_REBALANCE_IN_PROGRESS);
        pass(&f, 5);
    }
    EXPECT(waits(&f, &people[0]));
    EXPECT_EQ(f.group->member_count, 3);
    join(&f, &people[1]);
    EXPECT_EQ(joined(&f, &people[0], 3), 3);
    fixture_release(&f);
}

// ---- leaving ---------------------------------------------------------------------------------

TEST(group, leaving_rebalances_and_the_last_one_empties_the_group) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 2);
    EXPECT_EQ(leave(&f, &people[0]), NONE);
    EXPECT_EQ(leave(&f, &people[0]), MR_KAFKA_UNKNOWN_MEMBER_ID);
    EXPECT_EQ(f.group->state, MR_GROUP_PREPARING);
    EXPECT_EQ(leave(&f, &people[1]), NONE);
    EXPECT_EQ(f.group->state, MR_GROUP_EMPTY);
    EXPECT_EQ(f.group->generation, 3);
    EXPECT(f.group->protocol.data == NULL);
    fixture_release(&f);
}

TEST(group, who_leaves_while_its_join_waits_is_answered) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 1);
    enter(&f, &people[1]);
    EXPECT_EQ(leave(&f, &people[1]), NONE);
    EXPECT(told(&f, &people[1], MR_KAFKA_UNKNOWN_MEMBER_ID));
    join(&f, &people[0]);
    EXPECT_EQ(joined(&f, &people[0], 2), 1);
    fixture_release(&f);
}

TEST(group, an_announced_member_may_leave_and_is_waited_for_no_more) {
    fixture f;
    fixture_init(&f);
    person people[2] = {somebody(NULL), somebody(NULL)};
    settle(&f, people, 1);
    join(&f, &people[1]);
    mr_group_answer *answer = answer_of(&f, &people[1]);
    take_id(&people[1], answer);
    mr_group_answer_free(answer);
    join(&f, &people[0]);
    EXPECT(waits(&f, &people[0]));
    EXPECT_EQ(leave(&f, &people[1]), NONE);
    EXPECT_EQ(joined(&f, &people[0], 2), 1);
    fixture_release(&f);
}
