// Tail: whole lines of files that grow, and the last lines of what is there.

#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "owner/tail.h"
#include "plat/plat.h"

typedef struct rig {
    mr_arena arena;
    mr_cx cx;
    char path[64];
    mr_tails tails;
    mr_tail *tail;
    mr_text piece;
} rig;

static bool rig_init(rig *r) {
    memset(r, 0, sizeof(*r));
    mr_cx_init(&r->cx, &r->arena, mr_plat_linux());
    memcpy(r->path, "/tmp/millrace-tail-XXXXXX", sizeof("/tmp/millrace-tail-XXXXXX"));
    int handle = mkstemp(r->path);
    FILE *file = handle < 0 ? NULL : fdopen(handle, "w");
    if (!EXPECT(file != NULL)) {
        return false;
    }
    (void)fclose(file);
    mr_tail_init(&r->tails, &r->arena);
    mr_text_init(&r->piece, /* arena= */ NULL);
    r->tail = mr_tail_of(&r->tails, r->path);
    return EXPECT(r->tail == mr_tail_of(&r->tails, r->path) && r->tail->name == NULL);
}

static void rig_release(rig *r) {
    (void)remove(r->path);
    mr_text_release(&r->piece);
    mr_arena_release(&r->arena);
}

static void put(rig *r, const char *mode, const char *text) {
    FILE *file = fopen(r->path, mode);
    if (EXPECT(file != NULL)) {
        (void)fputs(text, file);
        (void)fclose(file);
    }
}

static const char *look(rig *r, bool ended) {
    EXPECT_OK(mr_tail_read(r->tail, ended, &r->piece, &r->cx));
    return mr_arena_copy(&r->arena, r->piece.data, r->piece.bytes);
}

TEST(tail, gives_whole_lines_once) {
    rig r;
    REQUIRE(rig_init(&r));
    EXPECT_STR(look(&r, false), "");
    put(&r, "a", "one\ntwo\nthr");
    EXPECT_STR(look(&r, false), "one\ntwo\n");
    EXPECT_STR(look(&r, false), "");
    put(&r, "a", "ee");
    EXPECT_STR(look(&r, false), "");
    EXPECT_STR(look(&r, true), "three");  // Nobody ends it any more.
    EXPECT_STR(look(&r, true), "");
    put(&r, "w", "anew\n");  // Shorter than what was read.
    EXPECT_STR(look(&r, false), "anew\n");
    (void)remove(r.path);
    EXPECT_STR(look(&r, false), "");
    rig_release(&r);
}

TEST(tail, begins_with_the_last_lines) {
    static const struct {
        const char *text;
        int64_t lines;
        const char *given;
    } cases[] = {{"a\nb\nc\n", 2, "b\nc\n"},
                 {"a\nb\nc\n", 3, "a\nb\nc\n"},
                 {"a\nb\nc\n", 9, "a\nb\nc\n"},
                 {"a\nb\nc", 1, "b\n"},
                 {"a\n\n\n", 2, "\n\n"},
                 {"begun", 5, ""},
                 {"", 1, ""}};
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        rig r;
        REQUIRE(rig_init(&r));
        put(&r, "w", cases[i].text);
        EXPECT_OK(mr_tail_skip(r.tail, cases[i].lines, &r.cx));
        EXPECT_STR(look(&r, false), cases[i].given);
        rig_release(&r);
    }
}

TEST(tail, gives_a_line_longer_than_a_piece) {
    rig r;
    REQUIRE(rig_init(&r));
    const size_t bytes = (size_t)3 << 20;
    char *line = mr_arena_alloc(&r.arena, bytes + 1);
    memset(line, 'x', bytes);
    line[bytes - 1] = '\n';
    put(&r, "w", line);
    size_t got = 0;
    do {
        EXPECT_OK(mr_tail_read(r.tail, /* ended= */ false, &r.piece, &r.cx));
        got += r.piece.bytes;
    } while (r.piece.bytes > 0);
    EXPECT_EQ(got, bytes);
    rig_release(&r);
}
