// Workflows: the tables of docs/workflows.md are those of the program, with what each example
// gives, and the page's DAG files read without a remark.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/dag_build.h"
#include "runner.h"
#include "scope.h"
#include "task/kinds.h"

#define MADE ": made from the tables of the program; UPDATE=1 make unit T=workflows -->\n"

#define PAGE            "docs/workflows.md"
#define KEYS_BEGIN      "<!-- keys" MADE
#define KEYS_END        "<!-- end of keys -->\n"
#define TEMPLATES_BEGIN "<!-- templates" MADE
#define TEMPLATES_END   "<!-- end of templates -->\n"

static mr_arena arena;

// Text for a cell: a bar would end it.
static void add_cell(mr_text *out, const char *text) {
    for (; *text != '\0'; text++) {
        mr_text_add(out, *text == '|' ? "\\" : "");
        mr_text_add_char(out, *text == '\n' ? ' ' : *text);
    }
}

static void add_row(mr_text *out, const char *name, const char *doc, const char *choices,
                    const char *default_text) {
    mr_text_addf(out, "| `%s` | ", name);
    add_cell(out, doc);
    if (choices != NULL) {
        mr_text_add(out, " One of ");
        for (const char *at = choices; *at != '\0'; at++) {
            if (*at == '|') {
                mr_text_add(out, ", ");
            } else {
                mr_text_add_char(out, *at);
            }
        }
        mr_text_add(out, ".");
    }
    if (default_text == MR_REQUIRED) {
        mr_text_add(out, " Must be given.");
    } else if (default_text != NULL) {
        mr_text_add(out, " Default: ");
        add_cell(out, default_text);
        mr_text_add(out, ".");
    }
    mr_text_add(out, " |\n");
}

static void add_keys(mr_text *out, const char *title, const mr_dag_key *table) {
    mr_text_addf(out, "\n### %s\n\n| key | |\n|---|---|\n", title);
    for (const mr_dag_key *key = table; key->name != NULL; key++) {
        add_row(out, key->name, key->doc, key->choices, key->default_text);
    }
}

static void add_kinds(mr_text *out) {
    mr_text_add(out, "\n### Types of tasks\n");
    for (mr_task_kinds at = mr_kinds; *at != NULL; at++) {
        mr_text_addf(out, "\n`%s`: %s", (*at)->name, (*at)->doc);
        mr_text_add(out, (*at)->waits ? " It waits, and holds no slot meanwhile.\n" : "\n");
        bool any = (*at)->options->name != NULL;
        mr_text_add(out, any ? "\n| key | |\n|---|---|\n" : "");
        for (const mr_option *row = (*at)->options; row->name != NULL; row++) {
            add_row(out, row->name, row->doc, row->choices, row->default_text);
        }
        for (const char *const *name = (*at)->outputs; name != NULL && *name != NULL; name++) {
            mr_text_addf(out, "%s`%s`%s", name == (*at)->outputs ? "\nOutputs: " : ", ", *name,
                         name[1] == NULL ? ".\n" : "");
        }
    }
    mr_text_add_char(out, '\n');
}

static void add_templates(mr_text *out) {
    mr_text_add(out, "\n| name | | for example |\n|---|---|---|\n");
    for (const mr_template_name *n = mr_template_names; n->name != NULL; n++) {
        mr_text_addf(out, "| `%s` | ", n->name);
        add_cell(out, n->doc);
        mr_text_add(out, " | `");
        add_cell(out, n->example);
        mr_text_add(out, "` |\n");
    }
    mr_text_add(out, "\n| filter | | example | gives |\n|---|---|---|---|\n");
    for (const mr_template_filter *f = mr_template_filters; f->name != NULL; f++) {
        mr_cx cx;
        mr_cx_init(&cx, &arena, /* plat= */ NULL);
        mr_text value;
        mr_text_init(&value, &arena);
        const char *text = mr_arena_printf(&arena, "{{ %s }}", f->example);
        EXPECT_OK(mr_template_text(mr_span_of(text), MR_NOWHERE, &scope, &value, &cx));
        mr_text_addf(out, "| `%s` | ", f->name);
        add_cell(out, f->doc);
        mr_text_add(out, " | `");
        add_cell(out, f->example);
        mr_text_add(out, "` | `");
        add_cell(out, mr_text_string(&value));
        mr_text_add(out, "` |\n");
    }
    mr_text_add_char(out, '\n');
}

static const char *load_page(void) {
    FILE *file = fopen(PAGE, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = mr_arena_alloc(&arena, 1 << 20);
    size_t bytes = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    text[bytes] = '\0';
    return text;
}

// Adds the page up to and with begin, then goes to end.
static const char *copy_until(const char *at, const char *begin, const char *end, mr_text *out) {
    const char *from = at == NULL ? NULL : strstr(at, begin);
    const char *to = from == NULL ? NULL : strstr(from, end);
    if (EXPECT(to != NULL)) {
        mr_text_add_bytes(out, at, (size_t)(from - at) + strlen(begin));
    }
    return to;
}

TEST(workflows, the_page_lists_the_tables) {
    scope_begin("+05:30", &arena);
    const char *page = load_page();
    REQUIRE(page != NULL);
    mr_text out;
    mr_text_init(&out, &arena);
    const char *at = copy_until(page, KEYS_BEGIN, KEYS_END, &out);
    REQUIRE(at != NULL);
    add_keys(&out, "Of the file", mr_dag_keys);
    add_keys(&out, "Of every task", mr_dag_keys_task);
    add_keys(&out, "Of a parameter", mr_dag_keys_param);
    add_keys(&out, "Of a group", mr_dag_keys_group);
    add_keys(&out, "Of a connection", mr_dag_keys_connection);
    add_kinds(&out);
    at = copy_until(at, TEMPLATES_BEGIN, TEMPLATES_END, &out);
    REQUIRE(at != NULL);
    add_templates(&out);
    mr_text_add(&out, at);
    const char *update = getenv("UPDATE");
    if (update != NULL && update[0] != '\0') {
        FILE *file = fopen(PAGE, "wb");
        REQUIRE(file != NULL);
        fwrite(out.data, 1, out.bytes, file);
        fclose(file);
    } else if (!EXPECT(strcmp(page, mr_text_string(&out)) == 0)) {
        printf("  " PAGE " is not as the tables; UPDATE=1 make unit T=workflows\n");
    }
    mr_arena_release(&arena);
}

static mr_code find_zone(void *self, const char *name, const mr_zone **ret, mr_cx *cx) {
    (void)self;
    (void)name;
    scope_begin("+05:30", cx->arena);
    *ret = scope.zone;
    return MR_OK;
}

TEST(workflows, a_kinds_keys_are_none_of_every_task) {
    for (mr_task_kinds at = mr_kinds; *at != NULL; at++) {
        for (const mr_option *row = (*at)->options; row->name != NULL; row++) {
            if (!EXPECT(mr_dag_key_find(mr_dag_keys_task, row->name) == NULL)) {
                printf("  %s: what a file says for \"%s\" would be the task's\n", (*at)->name,
                       row->name);
            }
        }
    }
}

TEST(workflows, the_pages_files_are_fine) {
    const char *at = load_page();
    REQUIRE(at != NULL);
    uint32_t count = 0;
    while ((at = strstr(at, "```yaml\n")) != NULL) {
        at += strlen("```yaml\n");
        const char *end = strstr(at, "```\n");
        REQUIRE(end != NULL);
        mr_cx cx;
        mr_cx_init(&cx, &arena, /* plat= */ NULL);
        mr_dag_reader reader = {.kinds = mr_kinds, .zone = find_zone};
        mr_dag *dag = NULL;
        mr_dag_errors errors;
        EXPECT_OK(
            mr_dag_read(&reader, PAGE, (mr_span){at, (size_t)(end - at)}, &dag, &errors, &cx));
        EXPECT_STR(errors.count == 0 ? "" : errors.items[0].text, "");
        EXPECT_STR(errors.remark_count == 0 ? "" : errors.remarks[0], "");
        mr_dag_unref(dag);
        count++;
    }
    EXPECT(count >= 4);
    mr_arena_release(&arena);
}
