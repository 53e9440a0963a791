// Listeners: the grammar of broker.listen, and what is wrong with it.

#include "broker/listen.h"

#include <string.h>

#include "broker/broker.h"
#include "runner.h"

typedef struct listen_case {
    mr_arena arena;
    mr_cx cx;
    mr_listen *list;
    uint32_t count;
} listen_case;

static void case_init(listen_case *c) {
    *c = (listen_case){0};
    mr_cx_init(&c->cx, &c->arena, NULL);
}

static mr_code parse(listen_case *c, const char *text, const char *advertise) {
    return mr_listen_parse(text, advertise, &c->list, &c->count, &c->cx);
}

TEST(listen, all_parts_of_a_listener_are_read) {
    listen_case c;
    case_init(&c);
    REQUIRE_OK(parse(
        &c, "127.0.0.1:9092, lan=0.0.0.0:9093@kafka.example.org:19093?tls?sasl,[::1]:0", NULL));
    EXPECT_EQ(c.count, 3);
    EXPECT_STR(c.list[0].name, "PLAINTEXT");
    EXPECT_STR(c.list[0].host, "127.0.0.1");
    EXPECT_EQ(c.list[0].port, 9092);
    EXPECT(c.list[0].advertised_host == NULL && !c.list[0].tls && !c.list[0].sasl);
    EXPECT_STR(c.list[1].name, "lan");
    EXPECT_STR(c.list[1].host, "0.0.0.0");
    EXPECT_STR(c.list[1].advertised_host, "kafka.example.org");
    EXPECT_EQ(c.list[1].advertised_port, 19093);
    EXPECT(c.list[1].tls && c.list[1].sasl);
    EXPECT_STR(c.list[2].host, "::1");
    EXPECT_EQ(c.list[2].port, 0);
    EXPECT_STR(mr_listen_print("::1", 9092, &c.arena), "[::1]:9092");
    REQUIRE_OK(parse(&c, "h:1?tls,h:2?sasl,h:3@o:5", "outside:9"));
    EXPECT_STR(c.list[0].name, "SSL");
    EXPECT_STR(c.list[0].advertised_host, "outside");
    EXPECT_EQ(c.list[1].advertised_port, 9);
    EXPECT_STR(c.list[1].name, "SASL_PLAINTEXT");
    EXPECT_STR(c.list[2].advertised_host, "o");
    mr_arena_release(&c.arena);
}

TEST(listen, what_is_wrong_is_quoted) {
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"", "an empty listener"},
        {"127.0.0.1:9092,", "an empty listener"},
        {"127.0.0.1", "no port in listener \"127.0.0.1\""},
        {":9092", "no host in listener \":9092\""},
        {"a:99999", "a bad port in listener \"a:99999\""},
        {"a:-1", "a bad port"},
        {"a:", "a bad port"},
        {"::1:9092", "without brackets"},
        {"PLAINTEXT://a:9092", "without brackets in listener \"PLAINTEXT://a:9092\""},
        {"a:1?ssl", "an unknown flag in listener \"a:1?ssl\""},
        {"a:1?", "an unknown flag"},
        {"9=a:1", "a bad name"},
        {"=a:1", "a bad name"},
        {"a:1@b", "no port"},
        {"a:1,a:1", "an address for the second time in listener \"a:1\""},
    };
    listen_case c;
    case_init(&c);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        EXPECT_EQ(parse(&c, cases[i].text, NULL), MR_E_OPTION);
        if (!EXPECT(strstr(c.cx.error.text, cases[i].says) != NULL)) {
            EXPECT_STR(c.cx.error.text, cases[i].says);
        }
    }
    mr_arena_release(&c.arena);
}

TEST(listen, beyond_this_machine_needs_security_or_consent) {
    listen_case c;
    case_init(&c);
    c.cx.plat = mr_plat_linux();  // It is asked for its networks.
    mr_option_values none = {0};
    mr_broker_settings settings = {0};
    REQUIRE_OK(mr_option_apply_keys(mr_broker_options, &none, &settings, &c.cx));
    EXPECT_OK(mr_broker_settings_check(&settings, &c.cx));
    settings.listen = "127.0.0.1:9092,localhost:9093,[::1]:9094";
    EXPECT_OK(mr_broker_settings_check(&settings, &c.cx));
    settings.listen = "127.0.0.1:9092,0.0.0.0:9093";
    EXPECT_EQ(mr_broker_settings_check(&settings, &c.cx), MR_E_OPTION);
    EXPECT_STR(c.cx.error.text,
               "listener \"0.0.0.0:9093\" can be reached from other machines and has no security");
    settings.insecure = true;
    EXPECT_OK(mr_broker_settings_check(&settings, &c.cx));
    settings.num_partitions = 0;
    EXPECT_EQ(mr_broker_settings_check(&settings, &c.cx), MR_E_OPTION);
    EXPECT_STR(c.cx.error.text, "bad value 0 for key \"num_partitions\"");
    settings.num_partitions = 4;
    settings.idle_timeout_us = 0;
    EXPECT_EQ(mr_broker_settings_check(&settings, &c.cx), MR_E_OPTION);
    EXPECT_STR(c.cx.error.text, "bad value 0 ms for key \"idle_timeout\"");
    settings.idle_timeout_us = 1000000;
    settings.group_session_max_us = settings.group_session_min_us - 1;
    EXPECT_EQ(mr_broker_settings_check(&settings, &c.cx), MR_E_OPTION);
    settings.group_session_max_us = settings.group_session_min_us;
    EXPECT_OK(mr_broker_settings_check(&settings, &c.cx));
    mr_arena_release(&c.arena);
}
