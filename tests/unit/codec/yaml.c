// YAML: what comes out as which tree, and every refusal with its place.

#include "codec/yaml.h"

#include <string.h>

#include "runner.h"

static mr_arena arena;
static mr_cx cx;

static const mr_yaml *parse(const char *text) {
    const mr_yaml *root = NULL;
    mr_arena_clear(&arena);
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    return mr_yaml_parse("f.yaml", mr_span_of(text), &root, &cx) == MR_OK ? root : NULL;
}

static void print(const mr_yaml *node, mr_text *out) {
    if (node->kind == MR_YAML_SCALAR) {
        mr_text_addf(out,
                     mr_yaml_is_null(node) ? "null"
                     : node->quoted        ? "'%s'"
                                           : "%s",
                     node->text);
        return;
    }
    bool map = node->kind == MR_YAML_MAP;
    mr_text_add(out, map ? "{" : "[");
    for (uint32_t i = 0; i < node->count; i++) {
        mr_text_add(out, i == 0 ? "" : ", ");
        mr_text_addf(out, "%s%s", map ? node->names[i] : "", map ? ": " : "");
        print(node->items[i], out);
    }
    mr_text_add(out, map ? "}" : "]");
}

// The tree, or "line:column message | hint".
static const char *shown(const char *text) {
    const mr_yaml *root = parse(text);
    mr_text out;
    mr_text_init(&out, &arena);
    if (root != NULL) {
        print(root, &out);
        return mr_text_string(&out);
    }
    uint32_t line = 0;
    uint32_t column = 0;
    EXPECT(mr_error_line_column(&cx.error.place, &line, &column));
    EXPECT_STR(cx.error.place.file, "f.yaml");
    mr_text_addf(&out, "%u:%u %s | %s", line, column, cx.error.text, cx.error.hint);
    return mr_text_string(&out);
}

TEST(yaml, reads_scalars_lists_and_maps) {
    EXPECT_STR(shown("a: 1\nb: [x, 'y', \"z\"]\nc:\n  - d: e\n  - f\n"),
               "{a: 1, b: [x, 'y', 'z'], c: [{d: e}, f]}");
    EXPECT_STR(shown("{\"a\": [1, {\"b\": null}]}"), "{a: [1, {b: null}]}");  // JSON.
    EXPECT_STR(shown("no: on\n~: ~\nx:\n"), "{no: on, ~: null, x: null}");
    EXPECT_STR(shown("a: 'null'\nb: |\n  two\n  lines\nc: >-\n  one\n  line\n"),
               "{a: 'null', b: 'two\nlines\n', c: 'one line'}");
    EXPECT_STR(shown("\xEF\xBB\xBF# comment\na: b # more\n"), "{a: b}");
    EXPECT_STR(shown("a: &x [1, 2]\nb: *x\nc: {d: *x}\n"),
               "{a: [1, 2], b: [1, 2], c: {d: [1, 2]}}");
}

TEST(yaml, knows_where_each_node_stands) {
    const mr_yaml *root = parse("# ö\nä: x\nlist:\n  - one\n  - {k: ü, z: two}\n");
    REQUIRE(root != NULL);
    const mr_yaml *list = mr_yaml_get(root, "list");
    REQUIRE(list != NULL);
    uint32_t line;
    uint32_t column;
    EXPECT(mr_error_line_column(&mr_yaml_get(list->items[1], "z")->place, &line, &column));
    EXPECT_EQ(line, 5);
    EXPECT_EQ(column, 15);  // In characters.
    EXPECT(mr_error_line_column(&list->items[1]->places[1], &line, &column));
    EXPECT_EQ(column, 12);
    EXPECT(mr_yaml_get(root, "nothing") == NULL);
    root = parse("a: 1\r\nb: 2\r\n");
    REQUIRE(root != NULL);
    EXPECT(mr_error_line_column(&mr_yaml_get(root, "b")->place, &line, &column));
    EXPECT_EQ(line, 2);
    EXPECT_EQ(column, 4);
}

TEST(yaml, refuses_with_the_place) {
    EXPECT_STR(shown("a: 1\nb: 2\na: 3\n"), "3:1 key \"a\" is given twice | Keep one of the two.");
    EXPECT_STR(shown("a: !!str 1\n"),
               "1:4 tag \"tag:yaml.org,2002:str\" is not supported | Leave it away; put quotes "
               "around what is text.");
    EXPECT_STR(shown("[a, b]: c\n"), "1:1 a key must be a word | ");
    EXPECT_STR(shown("a: 1\n---\nb: 2\n"),
               "2:1 a second document begins | Make two files of them.");
    EXPECT_STR(shown("a: *x\n"), "1:4 no anchor \"x\" | An alias names an anchor (&name) that "
                                 "stands before it.");
    EXPECT_STR(shown("a: &x [1, *x]\n"), "1:11 anchor \"x\" holds itself | An alias names an "
                                         "anchor (&name) that stands before it.");
    EXPECT_STR(shown(""), "null");
    EXPECT_STR(shown("# nothing\n"), "null");
    EXPECT_STR(shown("schedule: */5 * * * *\n"),
               "1:12 did not find expected alphabetic or numeric character while scanning an alias "
               "| A * begins an alias in YAML: put quotes around the text, '*/5 * * * *'.");
    EXPECT_STR(shown("a:\n\tb: 1\n"),
               "2:1 found character that cannot start any token while scanning for the next token "
               "| Indent with blanks: YAML takes no tabs.");
    EXPECT_STR(shown("a: b: c\n"), "1:5 mapping values are not allowed in this context | ");
    EXPECT(strstr(shown("a: [1, 2\n"), "1:4 [ begins here") != NULL);
    EXPECT(strstr(shown("a: {b: 1, c: \n"), "1:4 { begins here") != NULL);
    EXPECT(strstr(shown("a: {b: [1, &x {c: \n"), "1:15 { begins here") != NULL);
    EXPECT(strstr(shown("a: [{b: 1}, c: "), "1:4 [ begins here") != NULL);
    EXPECT(strstr(shown("a: \xFF\n"), "1:4 ") != NULL);
    EXPECT(strstr(shown("a: \"\\0\"\n"), "NUL") != NULL);
}

TEST(yaml, refuses_what_explodes) {
    EXPECT(
        strstr(shown("a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                     "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                     "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]\n"),
               "more than 100000 nodes") != NULL);
    char deep[200];
    memset(deep, '[', 100);
    deep[100] = '\0';
    EXPECT(strstr(shown(deep), "1:33 nested more than 32 deep") != NULL);
}

TEST(yaml, maps_are_option_values) {
    typedef struct target {
        int64_t count;
        double share;
        const char *list;
    } target;
    static const mr_option table[] = {
        MR_OPTION(target, count, MR_OPT_INT, "7", "How many."),
        MR_OPTION(target, share, MR_OPT_NUMBER, "0.5", "How much."),
        MR_OPTION(target, list, MR_OPT_TEXT, NULL, "Which."),
        MR_OPTION_END,
    };
    static const char *const nested[] = {"list", NULL};
    const mr_yaml *root = parse("share: 0.25\ncount:\nlist: [a, b]\n");
    REQUIRE(root != NULL);
    mr_option_values values;
    target out = {0};
    REQUIRE_OK(mr_yaml_options(root, nested, &values, &cx));
    REQUIRE_OK(mr_option_apply_keys(table, &values, &out, &cx));
    EXPECT(out.share == 0.25 && out.count == 7);
    root = parse("share: 0.25\ncuont: 3\n");
    REQUIRE_OK(mr_yaml_options(root, nested, &values, &cx));
    EXPECT_EQ(mr_option_apply_keys(table, &values, &out, &cx), MR_E_OPTION);
    EXPECT_STR(cx.error.text, "unknown key \"cuont\"");
    EXPECT_STR(cx.error.hint, "Did you mean \"count\"?");
    uint32_t line;
    uint32_t column;
    EXPECT(mr_error_line_column(&cx.error.place, &line, &column));
    EXPECT_EQ(line, 2);
    root = parse("count: [1]\n");
    EXPECT_EQ(mr_yaml_options(root, nested, &values, &cx), MR_E_TYPE);
    EXPECT_STR(cx.error.text, "key \"count\" must be one value, not a list");
    mr_arena_release(&arena);
}
