// Say: lines that strangers cause are limited by address and time, and what is left out is counted.

#include <stdio.h>
#include <string.h>

#include "broker/broker.h"
#include "plat/sim.h"
#include "runner.h"

typedef struct heard {
    int lines;
    char last[512];
} heard;

static void hear(void *self, const char *line) {
    heard *h = self;
    h->lines++;
    snprintf(h->last, sizeof(h->last), "%s", line);
}

TEST(say, lines_about_an_address_are_limited_and_counted) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_sim_new(3));
    heard h = {0};
    mr_broker_spec spec = {
        .dir = "data", .version = "test", .by_hand = true, .say = hear, .self = &h};
    mr_broker *broker = NULL;
    REQUIRE_OK(
        mr_option_apply_keys(mr_broker_options, &(mr_option_values){0}, &spec.settings, &cx));
    REQUIRE_OK(mr_broker_open(&spec, &broker, &cx));
    h.lines = 0;
    for (int i = 0; i < 1000; i++) {
        mr_broker_say_of(broker, "10.0.0.1", "why", "refused %d of\n10.0.0.1", i);
    }
    EXPECT(h.lines > 5 && h.lines < 50);
    EXPECT(strstr(h.last, "of?10.0.0.1 (more such lines are left out for a minute)") != NULL);
    int limit = h.lines;
    mr_broker_say_of(broker, "10.0.0.2", "why", "refused 10.0.0.2");
    EXPECT_STR(h.last, "refused 10.0.0.2");  // Another one is heard,
    mr_broker_say_of(broker, "10.0.0.1", "another", "another");
    EXPECT_STR(h.last, "another");  // and so is another reason.
    mr_broker_say(broker, "and so is what nobody outside causes");
    EXPECT_EQ(h.lines, limit + 3);
    mr_clock_sleep_us(cx.plat, 61 * 1000000);
    mr_broker_say_of(broker, "10.0.0.1", "why", "again");
    char counted[100];
    snprintf(counted, sizeof(counted), "again (%d such lines before it were left out)",
             1000 - limit);
    EXPECT_STR(h.last, counted);
    mr_broker_say_of(broker, "10.0.0.1", "why", "again");
    EXPECT_STR(h.last, "again");
    // However many addresses there are.
    h.lines = 0;
    for (int i = 0; i < 100000; i++) {
        char host[32];
        snprintf(host, sizeof(host), "fd00::%x", (unsigned)i);
        mr_broker_say_of(broker, host, "why", "refused");
    }
    EXPECT(h.lines < 10000);
    EXPECT_OK(mr_broker_close(broker, &cx));
    mr_sim_free(cx.plat);
    mr_arena_release(&arena);
}
