// Golden tests: each golden/*.sql is planned; the plan, or the errors, must be those of its .out.
//
// A file may hold several cases: a line `-- case: name` starts one, and the text before the first
// such line stands in front of each. UPDATE=1 rewrites the .out files; read the diff.

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "runner.h"

#define FOLDER "tests/unit/sql/golden"
#define CASE   "-- case: "

static char *load(const char *path, size_t *ret_bytes) {
    FILE *file = fopen(path, "rb");
    *ret_bytes = 0;
    if (file == NULL) {
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    size_t bytes = (size_t)ftell(file);
    fseek(file, 0, SEEK_SET);
    char *data = malloc(bytes + 1);
    *ret_bytes = fread(data, 1, bytes, file);
    data[*ret_bytes] = '\0';
    fclose(file);
    return data;
}

static void plan_case(const char *name, mr_span text, mr_text *out) {
    mr_arena arena;
    mr_arena_init(&arena);
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    mr_pipeline *pipeline = NULL;
    mr_sql_errors errors;
    mr_sql_env env = fake_env;
    env.file = name;
    mr_code code = mr_plan_make(text, &env, &pipeline, &errors, &cx);
    EXPECT_EQ(code == MR_OK, errors.count == 0);
    if (code == MR_OK) {
        mr_plan_print(pipeline, out);
        mr_plan_release(pipeline);
    } else {
        EXPECT_EQ(code, errors.items[0].code);
        EXPECT_STR(cx.error.text, errors.items[0].text);
        for (uint32_t i = 0; i < errors.count; i++) {  // The rules for messages.
            size_t bytes = strlen(errors.items[i].text), hint = strlen(errors.items[i].hint);
            EXPECT(bytes > 0 && errors.items[i].text[bytes - 1] != '.');
            EXPECT(hint == 0 || strchr(".?", errors.items[i].hint[hint - 1]) != NULL);
            EXPECT(errors.items[i].place.offset >= 0);
        }
        fake_print_errors(&errors, out);
    }
    mr_arena_release(&arena);
}

// Every case of a file, one after the other.
static void plan_file(const char *name, const char *text, mr_text *out) {
    const char *at = strstr(text, CASE);
    if (at == NULL) {
        plan_case(name, mr_span_of(text), out);
        return;
    }
    mr_span head = {text, (size_t)(at - text)};
    mr_arena arena;
    mr_arena_init(&arena);
    while (at != NULL) {
        const char *next = strstr(at + strlen(CASE), CASE);
        size_t bytes = next == NULL ? strlen(at) : (size_t)(next - at);
        const char *line = at + strlen(CASE);
        mr_text whole;
        mr_text_init(&whole, &arena);
        mr_text_add_bytes(&whole, head.data, head.bytes);
        mr_text_add_bytes(&whole, at, bytes);
        mr_text_addf(out, "-- %.*s\n", (int)strcspn(line, "\n"), line);
        plan_case(name, mr_text_span(&whole), out);
        mr_text_add_char(out, '\n');
        at = next;
    }
    mr_arena_release(&arena);
}

static void check_file(const char *folder, const char *name) {
    mr_text path, out;
    mr_text_init(&path, NULL);
    mr_text_init(&out, NULL);
    mr_text_addf(&path, "%s/%s", folder, name);
    size_t bytes;
    char *text = load(mr_text_string(&path), &bytes);
    if (EXPECT(text != NULL)) {
        plan_file(name, text, &out);
        mr_text_clear(&path);
        mr_text_addf(&path, FOLDER "/%.*s.out", (int)(strlen(name) - 4), name);
        const char *update = getenv("UPDATE");
        if (update != NULL && update[0] != '\0') {
            FILE *file = fopen(mr_text_string(&path), "wb");
            if (EXPECT(file != NULL)) {
                fwrite(mr_text_string(&out), 1, out.bytes, file);
                fclose(file);
            }
        }
        char *expected = load(mr_text_string(&path), &bytes);
        if (!EXPECT_STR(mr_text_string(&out), expected == NULL ? "" : expected)) {
            printf("  in %s; UPDATE=1 rewrites it\n", mr_text_string(&path));
        }
        free(expected);
    }
    free(text);
    mr_text_release(&path);
    mr_text_release(&out);
}

TEST(sql_golden, plans_and_errors_are_those_of_the_files) {
    DIR *dir = opendir(FOLDER);
    REQUIRE(dir != NULL);
    unsigned files = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t bytes = strlen(entry->d_name);
        if (bytes > 4 && strcmp(entry->d_name + bytes - 4, ".sql") == 0) {
            check_file(FOLDER, entry->d_name);
            files++;
        }
    }
    closedir(dir);
    EXPECT(files > 5);
}

TEST(sql_golden, examples_plan) {
    check_file("examples/retail/sql", "retail.sql");
    check_file("examples/sensors/sql", "sensors.sql");
}
