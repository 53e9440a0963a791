// Offsets: every form of starting_offsets, and what is none.

#include "kafka/offsets.h"

#include "runner.h"

static mr_code parse(const char *text, mr_offsets *ret, mr_arena *arena) {
    mr_cx cx;
    mr_cx_init(&cx, arena, NULL);
    return mr_offsets_parse(text, "events", NULL, ret, &cx);
}

TEST(offsets, take_every_form) {
    mr_arena arena = {0};
    mr_offsets o;
    REQUIRE_OK(parse(" Earliest ", &o, &arena));
    EXPECT(!o.by_time && o.each == NULL && o.all == MR_OFFSETS_EARLIEST);
    REQUIRE_OK(parse("latest", &o, &arena));
    EXPECT_EQ(o.all, MR_OFFSETS_LATEST);
    REQUIRE_OK(parse("1767225600000", &o, &arena));
    EXPECT(o.by_time && o.time_ms == 1767225600000);
    REQUIRE_OK(parse("2026-01-01 00:00:00.0005", &o, &arena));
    EXPECT(o.by_time && o.time_ms == 1767225600001);
    REQUIRE_OK(parse(" { \"events\" : {\"2\": 23, \"0\" : -2 , \"1\":-1 } } ", &o, &arena));
    EXPECT_EQ(o.each_count, 3);
    EXPECT(o.each[0] == -2 && o.each[1] == -1 && o.each[2] == 23);
    REQUIRE_OK(parse("{\"events\":{\"3\":5}}", &o, &arena));
    EXPECT(o.each[0] == INT64_MIN && o.each[3] == 5);
    mr_arena_release(&arena);
}

TEST(offsets, refuse_what_is_none) {
    static const char *const wrong[] = {"",
                                        "first",
                                        "{",
                                        "{}",
                                        "{\"events\"}",
                                        "{\"events\":{}}",
                                        "{\"events\":{\"0\":1}",
                                        "{\"events\":{\"0\":1}} x",
                                        "{\"events\":{\"0\":-3}}",
                                        "{\"events\":{\"-1\":1}}",
                                        "{\"events\":{\"x\":1}}",
                                        "{\"events\":{\"0\":99999999999999999999}}",
                                        "{\"events\":{\"100000\":1}}",
                                        "{\"other\":{\"0\":1}}",
                                        "{\"events\":{\"0\":1,}}"};
    mr_arena arena = {0};
    for (size_t i = 0; i < MR_COUNT(wrong); i++) {
        mr_offsets o;
        EXPECT_EQ(parse(wrong[i], &o, &arena), MR_E_VALUE);
    }
    mr_arena_release(&arena);
}
