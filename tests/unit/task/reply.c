// Reply, frames: answers of engines and the logs in them, in pieces of any size; archives; and
// where a container reaches the broker.

#include "task/reply.h"

#include <string.h>

#include "plat/plat.h"
#include "runner.h"
#include "task/container_output.h"
#include "task/container_pull.h"
#include "task/container_reach.h"
#include "task/engine.h"
#include "task/frames.h"

static mr_arena arena;
static mr_cx cx;

static mr_code add(void *self, mr_span piece, mr_cx *c) {
    (void)c;
    mr_text_add_bytes(self, piece.data, piece.bytes);
    return MR_OK;
}

// "200 body", or the error, the same in pieces of any size.
static const char *read_reply(const char *text) {
    const char *first = NULL;
    for (size_t step = 1; step <= strlen(text); step++) {
        mr_reply reply;
        mr_text body;
        mr_text_init(&body, &arena);
        mr_cx_init(&cx, &arena, NULL);
        const mr_reply_sink sink = {add, &body};
        mr_reply_init(&reply, false);
        mr_code code = MR_OK;
        for (size_t at = 0; at < strlen(text) && code == MR_OK; at += step) {
            mr_span piece = {text + at, MR_MIN(step, strlen(text) - at)};
            code = mr_reply_put(&reply, piece, &sink, &cx);
        }
        code = code == MR_OK ? mr_reply_end(&reply, &cx) : code;
        const char *got =
            code == MR_OK ? mr_arena_printf(&arena, "%d %s", reply.status, mr_text_string(&body))
                          : mr_arena_string(&arena, cx.error.text);
        first = first == NULL ? got : first;
        EXPECT_STR(got, first);
    }
    return first;
}

#define OK "HTTP/1.1 200 OK\r\n"

TEST(reply, bodies_end_by_length_by_chunks_or_with_the_connection) {
    EXPECT_STR(read_reply(OK "Content-Length: 5\r\n\r\nhello"), "200 hello");
    EXPECT_STR(read_reply(OK "content-length:5\n\nhello, and what is behind it"), "200 hello");
    EXPECT_STR(read_reply(OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\n"
                             "T: 1\r\n\r\n"),
               "200 hello");
    EXPECT_STR(read_reply("HTTP/1.0 200 OK\r\n\r\nhello"), "200 hello");
    EXPECT_STR(read_reply("HTTP/1.1 204 No Content\r\n\r\n"), "204 ");
    EXPECT_STR(read_reply("HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx"),
               "200 x");
    mr_arena_release(&arena);
}

TEST(reply, what_is_no_http_is_told) {
    static const char *const cases[][2] = {
        {"SSH-2.0-OpenSSH_9\r\n", "the answer is no HTTP: it does not begin with a status"},
        {"HTTP/1.1 2x0 OK\r\n", "the answer is no HTTP: it does not begin with a status"},
        {OK "Content-Length: -5\r\n\r\n",
         "the answer is no HTTP: its length is not a number, or it has two"},
        {OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
         "the answer is no HTTP: its length is not a number, or it has two"},
        {OK "Transfer-Encoding: gzip\r\n\r\n",
         "the answer is no HTTP: its body is encoded in a way that was not asked for"},
        {OK "no colon\r\n\r\n", "the answer is no HTTP: a line of its head has no name"},
        {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\n0\r\n\r\n",
         "the answer is no HTTP: a chunk is longer than it says"},
        {OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
         "the answer is no HTTP: a chunk's size is no number"},
        {OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
         "the answer is no HTTP: a chunk is longer than can be"},
        {"HTTP/1.1 101 Switching\r\n\r\n",
         "the answer is no HTTP: it changes the protocol, which nobody has asked for"},
        {OK "Content-Length: 5\r\n\r\nhel", "the connection was closed in the middle of an answer"},
        {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n",
         "the connection was closed in the middle of an answer"},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        EXPECT_STR(read_reply(cases[i][0]), cases[i][1]);
    }
    mr_arena_release(&arena);
}

TEST(reply, a_head_without_an_end_is_refused) {
    mr_reply reply;
    mr_text body;
    mr_text_init(&body, &arena);
    mr_cx_init(&cx, &arena, NULL);
    const mr_reply_sink sink = {add, &body};
    mr_reply_init(&reply, false);
    EXPECT_OK(mr_reply_put(&reply, MR_SPAN(OK), &sink, &cx));
    mr_code code = MR_OK;
    for (int i = 0; i < 10000 && code == MR_OK; i++) {
        code = mr_reply_put(&reply, MR_SPAN("X-More: of it\r\n"), &sink, &cx);
    }
    EXPECT(code == MR_E_CORRUPT);
    mr_reply_init(&reply, false);
    code = MR_OK;
    for (int i = 0; i < 10000 && code == MR_OK; i++) {
        code = mr_reply_put(&reply, MR_SPAN("HTTP/1.1 100 Continue\r\n\r\n"), &sink, &cx);
    }
    EXPECT(code == MR_E_CORRUPT);
    mr_arena_release(&arena);
}

TEST(engine, what_it_refuses_has_advice_that_is_about_it) {
    static const struct {
        const char *text, *hint;
    } cases[] = {
        {"network shots not found", "Make the network first"},
        {"unable to find network with name or ID x: network not found", "Make the network first"},
        {"Get \"https://r.org/v2/\": dial tcp: connect: network is unreachable", ""},
        {"failed to create task: exec: \"/run\": permission denied: unknown", "Look at user:"},
        {"pull access denied for x: denied: requested access", "Look at the image's name"},
    };
    const mr_engine_place place = {.name = "e"};
    const mr_engine engine = {.place = &place};
    mr_cx_init(&cx, &arena, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_text body;
        mr_text_init(&body, &arena);
        mr_text_add(&body, cases[i].text);
        EXPECT(mr_engine_refused(&engine, 500, &body, "start it", &cx) == MR_E_IO);
        EXPECT(strstr(cx.error.hint, cases[i].hint) != NULL);
        EXPECT((cx.error.hint[0] == '\0') == (cases[i].hint[0] == '\0'));
    }
    mr_arena_release(&arena);
}

// ---- frames ----------------------------------------------------------------------------------

static mr_code add_stream(void *self, uint32_t stream, mr_span piece, mr_cx *c) {
    (void)c;
    mr_text_addf(self, "%u:%.*s ", stream, MR_SPAN_ARGS(piece));
    return MR_OK;
}

TEST(frames, streams_are_told_apart_and_go_on_after_a_break) {
    static const char log[] =
        "\1\0\0\0\0\0\0\3abc\2\0\0\0\0\0\0\2xy\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\2de";
    mr_span all = {log, sizeof(log) - 1};
    mr_text out;
    mr_frames frames;
    const mr_frames_sink sink = {add_stream, &out};
    for (size_t cut = 0; cut <= all.bytes; cut++) {
        mr_text_init(&out, &arena);
        mr_cx_init(&cx, &arena, NULL);
        mr_frames_init(&frames, /* plain= */ false, /* timed= */ cut % 2 == 0);  // It gives none.
        EXPECT_OK(mr_frames_put(&frames, (mr_span){log, cut}, &sink, &cx));
        mr_frames_again(&frames);  // It breaks off there, and comes anew.
        EXPECT_OK(mr_frames_put(&frames, all, &sink, &cx));
        EXPECT(mr_frames_between(&frames));
        EXPECT_EQ(mr_frames_passed(&frames), 7);
        EXPECT_EQ(mr_frames_since(&frames), 0);
    }
    EXPECT_STR(mr_text_string(&out), "1:abc 2:xy 1:de ");
    mr_frames_init(&frames, false, false);
    EXPECT(mr_frames_put(&frames, MR_SPAN("plain text"), &sink, &cx) == MR_E_CORRUPT);
    mr_arena_release(&arena);
}

// A frame; seconds: its moment, < 0: without.
static void add_frame(mr_text *log, char stream, double seconds, const char *text) {
    int64_t us = (int64_t)(seconds * 1e6 + 0.5);
    const char *all = seconds < 0 ? text
                                  : mr_arena_printf(&arena, "2025-11-26T00:00:%02d.%06d123Z %s",
                                                    (int)(us / 1000000), (int)(us % 1000000), text);
    const char head[8] = {stream, 0, 0, 0, 0, 0, 0, (char)strlen(all)};
    mr_text_add_bytes(log, head, sizeof(head));
    mr_text_add(log, all);
}

static mr_code add_bare(void *self, uint32_t stream, mr_span piece, mr_cx *c) {
    (void)c;
    mr_text_add_bytes(self, piece.data, stream == 3 ? 0 : piece.bytes);  // What it says is not log.
    return MR_OK;
}

#define BEGUN_NS ((int64_t)1764115200 * 1000000000)  // 2025-11-26

TEST(frames, a_log_with_times_goes_on_where_it_was_without_its_beginning) {
    mr_text log, later, out;
    mr_frames frames;
    const mr_frames_sink sink = {add_bare, &out};
    mr_text_init(&log, &arena);
    mr_cx_init(&cx, &arena, NULL);
    add_frame(&log, 1, 3, "aa\n");
    add_frame(&log, 1, 5, "b\n");
    size_t from = log.bytes;  // What stands before is deleted before it comes again.
    add_frame(&log, 2, 6, "E\n");
    add_frame(&log, 1, 7, "c\n");
    add_frame(&log, 1, 7, "c\n");  // Of the same moment.
    add_frame(&log, 3, -1, "of the engine\n");
    add_frame(&log, 1, 7, "");
    add_frame(&log, 2, 6.5, "F\n");  // Before c, by its clock.
    add_frame(&log, 1, 8, "d\n");
    for (size_t cut = from; cut <= log.bytes; cut++) {
        mr_text_init(&out, &arena);
        mr_frames_init(&frames, false, /* timed= */ true);
        EXPECT_OK(mr_frames_put(&frames, (mr_span){log.data, cut}, &sink, &cx));
        bool gone = frames.streams[1].time_ns < BEGUN_NS + 7000000000LL;  // Its last line.
        mr_frames_again(&frames);
        int64_t since_ns = mr_frames_since(&frames) - BEGUN_NS;
        EXPECT(since_ns >= 3 * 1000000000LL && since_ns <= 6000000123LL);
        EXPECT_OK(mr_frames_put(&frames, (mr_span){log.data + from, log.bytes - from}, &sink, &cx));
        EXPECT_STR(mr_text_string(&out), "aa\nb\nE\nc\nc\nF\nd\n");
        EXPECT_EQ(mr_frames_passed(&frames), 15);
        EXPECT_EQ(frames.gap, gone);
    }
    mr_text_init(&later, &arena);
    add_frame(&later, 1, 9, "e\n");
    mr_frames_again(&frames);
    EXPECT(!frames.gap);
    EXPECT_OK(mr_frames_put(&frames, mr_text_span(&later), &sink, &cx));
    EXPECT(frames.gap);  // d has not come again.
    mr_text_init(&later, &arena);
    add_frame(&later, 1, -1, "no time\n");
    EXPECT(mr_frames_put(&frames, mr_text_span(&later), &sink, &cx) == MR_E_CORRUPT);
    mr_arena_release(&arena);
}

TEST(frames, a_log_that_breaks_off_again_before_it_has_caught_up_gives_no_line_twice) {
    mr_text log, out;
    mr_frames frames;
    const mr_frames_sink sink = {add_bare, &out};
    mr_text_init(&log, &arena);
    mr_cx_init(&cx, &arena, NULL);
    add_frame(&log, 1, 6, "a\n");
    add_frame(&log, 1, 7, "b\n");
    add_frame(&log, 1, 7, "c\n");  // Of the same moment.
    for (size_t cut = 0; cut <= log.bytes; cut++) {
        mr_text_init(&out, &arena);
        mr_frames_init(&frames, false, /* timed= */ true);
        EXPECT_OK(mr_frames_put(&frames, mr_text_span(&log), &sink, &cx));
        mr_frames_again(&frames);
        EXPECT_OK(mr_frames_put(&frames, (mr_span){log.data, cut}, &sink, &cx));
        mr_frames_again(&frames);
        EXPECT_OK(mr_frames_put(&frames, mr_text_span(&log), &sink, &cx));
        EXPECT_STR(mr_text_string(&out), "a\nb\nc\n");
    }
    mr_arena_release(&arena);
}

TEST(frames, a_clock_that_is_set_back_loses_no_line) {
    mr_text log, out;
    mr_frames frames;
    const mr_frames_sink sink = {add_bare, &out};
    mr_cx_init(&cx, &arena, NULL);
    mr_text_init(&log, &arena);
    mr_text_init(&out, &arena);
    mr_frames_init(&frames, false, /* timed= */ true);
    add_frame(&log, 1, 50, "a\n");
    add_frame(&log, 1, 20, "b\n");
    add_frame(&log, 1, 21, "c\n");
    EXPECT_OK(mr_frames_put(&frames, mr_text_span(&log), &sink, &cx));
    EXPECT_STR(mr_text_string(&out), "a\nb\nc\n");
    EXPECT_EQ(mr_frames_since(&frames) - BEGUN_NS, 19000000123LL);
    mr_arena_release(&arena);
}

// ---- progress --------------------------------------------------------------------------------

TEST(container_pull, progress_of_a_large_image_takes_no_memory) {
    static const char line[] =
        "{\"status\":\"Downloading\",\"id\":\"a1b2\",\"progressDetail\":{\"current\":7}}\r\n";
    mr_container_progress progress = {.error = ""};
    mr_cx_init(&cx, &arena, NULL);
    mr_text_init(&progress.line, &arena);
    EXPECT_OK(mr_container_pull_progress(&progress, MR_SPAN(line), &cx));
    size_t before = arena.bytes;
    for (int i = 0; i < 100000; i++) {
        EXPECT_OK(mr_container_pull_progress(&progress, MR_SPAN(line), &cx));
    }
    EXPECT_EQ(arena.bytes, before);
    mr_arena_release(&arena);
}

// ---- archives --------------------------------------------------------------------------------

TEST(container_output, a_damaged_archive_is_told) {
    char archive[2048] = "output";
    mr_span file;
    mr_cx_init(&cx, &arena, NULL);
    memcpy(archive + 124, "00000000005", 11);
    archive[156] = '0';
    memcpy(archive + 512, "a=12\n", 5);
    EXPECT_OK(mr_container_output_find((mr_span){archive, 2048}, "output", &file, &cx));
    EXPECT(mr_span_is(file, "a=12\n"));
    EXPECT_OK(mr_container_output_find((mr_span){archive, 2048}, "other", &file, &cx));
    EXPECT(file.data == NULL);
    EXPECT(mr_container_output_find((mr_span){archive, 514}, "output", &file, &cx) == MR_E_CORRUPT);
    memcpy(archive + 124, "77777777777", 11);
    EXPECT(mr_container_output_find((mr_span){archive, 2048}, "output", &file, &cx) ==
           MR_E_CORRUPT);
    memcpy(archive + 124, "x", 1);
    EXPECT(mr_container_output_find((mr_span){archive, 2048}, "output", &file, &cx) ==
           MR_E_CORRUPT);
    mr_arena_release(&arena);
}

// ---- the broker ------------------------------------------------------------------------------

static const char *reach_by(const mr_container_reach *r) {
    const char *ret, *why;
    mr_container_reach_broker(r, &ret, &why, &arena);
    EXPECT(ret == NULL || why[0] == '\0');
    return ret != NULL ? ret : mr_arena_printf(&arena, "%.40s", why);
}

static const char *reach(const char *servers, const char *listeners, const char *network) {
    const mr_container_reach r = {.servers = servers,
                                  .listeners = mr_span_of(listeners),
                                  .network = network,
                                  .alias = "host.docker.internal"};
    return reach_by(&r);
}

// From a container of another machine, which reaches us at 10.0.0.5.
static const char *reach_far(const char *servers, const char *listeners, const char *network) {
    static const char *bridges[] = {"172.17.0.1", "10.88.0.1", NULL};
    const mr_container_reach r = {.servers = servers,
                                  .listeners = mr_span_of(listeners),
                                  .network = network,
                                  .alias = "10.0.0.5",
                                  .engine_is_remote = true,
                                  .bridges = bridges};
    return reach_by(&r);
}

TEST(container_reach, a_broker_is_named_as_the_container_reaches_it) {
    EXPECT_STR(reach(NULL, "", NULL), "");
    EXPECT_STR(reach("k:9092,l:9093", "", NULL), "k:9092,l:9093");
    EXPECT_STR(reach("k", "", NULL), "k:9092");
    EXPECT_STR(reach("0.0.0.0:9092", "", "host"), "127.0.0.1:9092");
    EXPECT_STR(reach("0.0.0.0:9092", "", "net"), "host.docker.internal:9092");
    EXPECT_STR(reach("[::1]:9092", "[::1]:9092\n[::]:9093\n", NULL), "host.docker.internal:9093");
    EXPECT_STR(reach("localhost:9092", "10.0.0.7:9093\n", NULL), "10.0.0.7:9093");
    EXPECT_STR(reach("localhost:9092", "0.0.0.0:9093@127.0.0.1:9093\n", NULL),
               "host.docker.internal:9093");
    EXPECT_STR(reach("localhost:9092", "", NULL), "the broker listens at localhost:9092 onl");
    EXPECT_STR(reach("localhost:9092", "", "none"), "the container has no network: the broker");
    EXPECT_STR(reach("k12:9092,k1:9092,2:9092,k12:9092", "", NULL), "k12:9092,k1:9092,2:9092");
    mr_arena_release(&arena);
}

TEST(container_reach, an_engine_on_another_machine_gets_no_address_of_this_one_alone) {
    EXPECT_STR(reach("127.0.0.1:9092", "127.0.0.1:9092\n172.17.0.1:9095\n", NULL),
               "172.17.0.1:9095");
    EXPECT_STR(
        reach_far("127.0.0.1:9092", "127.0.0.1:9092\n172.17.0.1:9095\n0.0.0.0:9093?sasl\n", NULL),
        "10.0.0.5:9093");
    EXPECT_STR(reach_far("127.0.0.1:9092", "127.0.0.1:9092\n172.17.0.1:9095\n", "host"),
               "the broker listens at 127.0.0.1:9092 onl");
    EXPECT_STR(reach_far("172.17.0.1:9095", "172.17.0.1:9095\n10.0.0.5:9093\n", NULL),
               "10.0.0.5:9093");
    EXPECT_STR(reach_far("172.17.0.1:9095", "172.17.0.1:9095@k.example.org:19092\n", NULL),
               "k.example.org:19092");
    EXPECT_STR(reach_far("127.0.0.1:9092", "0.0.0.0:9093@172.17.0.1:9093\n", NULL),
               "10.0.0.5:9093");
    EXPECT_STR(reach_far("k.example.org:9092", "", NULL), "k.example.org:9092");
    mr_arena_release(&arena);
}
