// Option: tables fill structs, and every mistake has its words.

#include "base/option.h"

#include <string.h>

#include "runner.h"

typedef struct target {
    const char *topic;
    const char *path;
    bool header;
    int64_t partitions;
    uint64_t bytes_max;
    int64_t delay_us;
    const char *mode;
    const char *nothing;
} target;

static const mr_option table[] = {
    MR_OPTION(target, topic, MR_OPT_TEXT, MR_REQUIRED, "The topic that is read."),
    MR_OPTION(target, path, MR_OPT_PATH, "data/lake", "Folder."),
    MR_OPTION(target, header, MR_OPT_BOOL, "false", "A first line of names."),
    MR_OPTION(target, partitions, MR_OPT_INT, "1", "How many."),
    MR_OPTION(target, bytes_max, MR_OPT_BYTES, "64MiB", "Largest."),
    MR_OPTION(target, delay_us, MR_OPT_DURATION, "30 seconds", "How late."),
    MR_OPTION_CHOICE(target, mode, "append|update|complete", "append", "What is written."),
    MR_OPTION(target, nothing, MR_OPT_TEXT, NULL, "No default."),
    MR_OPTION_END,
};

static mr_arena arena;

// Applies up to three options given as name, value, name, value …, NULL.
static mr_code apply(mr_cx *cx, target *out, const char *const *pairs) {
    mr_option_value items[4];
    mr_option_values values = {.items = items};
    for (; pairs[2 * values.count] != NULL; values.count++) {
        items[values.count] = (mr_option_value){
            pairs[2 * values.count],
            pairs[2 * values.count + 1],
            {.file = "p.sql", .source = "abcdef", .offset = (int32_t)values.count + 1}};
    }
    memset(out, 0xAA, sizeof(*out));
    mr_cx_init(cx, &arena, NULL);
    return mr_option_apply(table, &values, "kafka.", out, cx);
}

#define APPLY(cx, out, ...) apply((cx), (out), (const char *const[]){__VA_ARGS__, NULL})

TEST(option, values_and_defaults_fill_the_struct) {
    mr_cx cx;
    target out;
    REQUIRE_OK(APPLY(&cx, &out, "topic", "events", "Partitions", "3", "mode", "UPDATE"));
    EXPECT_STR(out.topic, "events");
    EXPECT_STR(out.path, "data/lake");
    EXPECT(!out.header);
    EXPECT_EQ(out.partitions, 3);
    EXPECT_EQ(out.bytes_max, 64 << 20);
    EXPECT_EQ(out.delay_us, 30000000);
    EXPECT_STR(out.mode, "update");
    EXPECT_EQ(out.nothing, NULL);
    REQUIRE_OK(APPLY(&cx, &out, "topic", "", "header", "ON", "kafka.group.id", "x"));
    EXPECT_STR(out.topic, "");
    EXPECT(out.header);
    mr_arena_release(&arena);
}

TEST(option, mistakes_say_what_is_wrong_and_what_helps) {
    static const struct {
        const char *name;
        const char *value;
        const char *text;
        const char *hint;
    } cases[] = {
        {"partitons", "3", "unknown option \"partitons\"", "Did you mean \"partitions\"?"},
        {"zzzzzzzzzz", "3", "unknown option \"zzzzzzzzzz\"",
         "The options are: topic, path, header, partitions, bytes_max, delay_us, mode, nothing."},
        {"partitions", "many", "bad value \"many\" for option \"partitions\"",
         "Write a whole number."},
        {"header", "maybe", "bad value \"maybe\" for option \"header\"", "Write true or false."},
        {"bytes_max", "64XB", "bad value \"64XB\" for option \"bytes_max\"",
         "Write a size, such as 512, '64MB' or '1GiB'."},
        {"delay_us", "30", "bad value \"30\" for option \"delay_us\"",
         "Write a duration, such as '30 seconds' or '5 min'."},
        {"mode", "upsert", "bad value \"upsert\" for option \"mode\"",
         "Write one of: append, update, complete."},
        {"path", "", "bad value \"\" for option \"path\"", "Write the path of a file or folder."},
        {"TOPIC", "b", "option \"topic\" is given twice", "Keep one of the two."},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_cx cx;
        target out;
        EXPECT_EQ(APPLY(&cx, &out, "topic", "a", cases[i].name, cases[i].value), MR_E_OPTION);
        EXPECT_STR(cx.error.text, cases[i].text);
        EXPECT_STR(cx.error.hint, cases[i].hint);
        EXPECT_EQ(cx.error.place.offset, 2);  // Points at the option, not at the table.
    }
    mr_cx cx;
    target out;
    EXPECT_EQ(APPLY(&cx, &out, "mode", "append"), MR_E_OPTION);
    EXPECT_STR(cx.error.text, "option \"topic\" is missing");
    EXPECT_STR(cx.error.hint, "Write topic '…' among the OPTIONS. The topic that is read.");
    mr_arena_release(&arena);
}

TEST(option, find_gives_the_text_as_written) {
    mr_option_value items[] = {{"a", "1 ", MR_NOWHERE}, {"B", "2", MR_NOWHERE}};
    mr_option_values values = {.items = items, .count = 2};
    EXPECT_STR(mr_option_find(&values, "A"), "1 ");
    EXPECT_STR(mr_option_find(&values, "b"), "2");
    EXPECT_EQ(mr_option_find(&values, "c"), NULL);
}
