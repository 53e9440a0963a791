// Kinds of tasks that are commands: the words that the supervisor starts.

#include "task/kinds.h"

#include <string.h>

#include "runner.h"

// The words with | between, or the error.
static const char *words(const char *kind, const char *body, mr_cx *cx) {
    void *options = NULL;
    const char *const *list = NULL;
    const mr_task_type *type = mr_task_find(mr_kinds, kind);
    if (type == NULL || mr_task_options(type, mr_span_of(body), &options, cx) != MR_OK ||
        type->command(options, &list, cx) != MR_OK) {
        return cx->error.text;
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    for (; *list != NULL; list++) {
        mr_text_addf(&out, "%s%s", out.bytes == 0 ? "" : "|", *list);
    }
    return mr_text_string(&out);
}

TEST(kinds, commands_have_their_words) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    EXPECT_STR(words("shell", "{\"script\":\"a\\nb\"}", &cx), "/bin/bash|-euo|pipefail|-c|a\nb");
    EXPECT_STR(words("exec", "{\"command\":[\"ls\",\"-l\",3,\"a b\"]}", &cx), "ls|-l|3|a b");
    EXPECT_STR(words("exec", "{\"command\":[]}", &cx), "key \"command\" must be a list of words");
    EXPECT_STR(words("exec", "{\"command\":\"ls -l\"}", &cx),
               "key \"command\" must be a list of words");
    EXPECT_STR(words("python", "{\"file\":\"a.py\",\"args\":[\"x\"]}", &cx), "python3|-u|a.py|x");
    EXPECT_STR(words("python", "{\"script\":\"print(1)\"}", &cx), "python3|-u|-c|print(1)");
    EXPECT_STR(words("python", "{}", &cx), "a python task takes \"script\" or \"file\"");
    mr_arena_release(&arena);
}

TEST(kinds, each_says_what_it_is) {
    for (mr_task_kinds at = mr_kinds; *at != NULL; at++) {
        EXPECT((*at)->doc != NULL && (*at)->file != NULL && (*at)->options != NULL);
        EXPECT(((*at)->command != NULL) == ((*at)->place == MR_TASK_COMMAND));
        EXPECT(((*at)->run != NULL) == ((*at)->place == MR_TASK_CHILD));
        EXPECT(mr_task_find(mr_kinds, (*at)->name) == *at);
    }
}
