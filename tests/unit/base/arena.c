// Arena, map and error: what base promises to everything above it.

#include "base/arena.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/cx.h"
#include "base/map.h"
#include "runner.h"

TEST(arena, gives_zeroed_aligned_memory_of_any_size) {
    mr_arena arena = {.head = NULL};
    for (size_t bytes = 0; bytes < 9000; bytes += 7) {
        uint8_t *at = mr_arena_alloc(&arena, bytes);
        REQUIRE(at != NULL);
        EXPECT_EQ((uintptr_t)at % 16, 0);
        for (size_t i = 0; i < bytes; i++) {
            if (at[i] != 0) {
                EXPECT_EQ(at[i], 0);
                break;
            }
        }
        memset(at, 0xEE, bytes);
    }
    uint8_t *large = mr_arena_alloc(&arena, 5 << 20);
    EXPECT_EQ(large[(5 << 20) - 1], 0);
    EXPECT(arena.bytes >= 5 << 20);
    mr_arena_release(&arena);
    EXPECT_EQ(arena.bytes, 0);
    EXPECT(mr_arena_alloc(&arena, 1) != NULL);  // Can be used again.
    mr_arena_release(&arena);
}

TEST(arena, clear_keeps_the_largest_block_only) {
    mr_arena arena;
    mr_arena_init(&arena);
    mr_arena_alloc(&arena, 100);
    void *large = mr_arena_alloc(&arena, 3 << 20);
    mr_arena_alloc(&arena, 2 << 20);
    mr_arena_clear(&arena);
    EXPECT(arena.bytes >= 3 << 20);
    EXPECT(arena.bytes < 4 << 20);
    EXPECT_EQ(mr_arena_raw(&arena, 3 << 20), large);  // The same memory, from its start.
    mr_arena_release(&arena);
}

TEST(arena, try_keeps_to_the_budget) {
    mr_arena arena = {.bytes_max = 100000};
    EXPECT(mr_arena_try(&arena, 1000) != NULL);
    EXPECT(mr_arena_try(&arena, 90000) != NULL);
    EXPECT_EQ(mr_arena_try(&arena, 90000), NULL);
    EXPECT(arena.bytes <= 100000);
    EXPECT_EQ(mr_arena_try(&arena, SIZE_MAX - 3), NULL);
    mr_arena_clear(&arena);
    EXPECT(mr_arena_try(&arena, 89000) != NULL);
    mr_arena_release(&arena);
    EXPECT_EQ(arena.bytes_max, 100000);
}

TEST(arena, copies_end_with_a_nul) {
    mr_arena arena = {.head = NULL};
    EXPECT_STR(mr_arena_copy(&arena, "abcdef", 3), "abc");
    EXPECT_STR(mr_arena_copy(&arena, NULL, 0), "");
    EXPECT_STR(mr_arena_string(&arena, "x"), "x");
    EXPECT_STR(mr_arena_printf(&arena, "%d-%s", 7, "a"), "7-a");
    char *wide = mr_arena_printf(&arena, "%0500d", 1);
    EXPECT_EQ(strlen(wide), 500);
    EXPECT_EQ(wide[499], '1');
    mr_arena_release(&arena);
}

TEST(arena, heap_aligned_memory_is_freed_like_the_rest) {
    void *at = mr_heap_aligned(100);
    EXPECT_EQ((uintptr_t)at % 64, 0);
    mr_heap_free(at);
    char *grown = mr_heap_resize(NULL, 4);
    memcpy(grown, "abc", 4);
    grown = mr_heap_resize(grown, 4000);
    EXPECT_STR(grown, "abc");
    mr_heap_free(grown);
    uint8_t *zero = mr_heap_alloc(64);
    EXPECT_EQ(zero[63], 0);
    mr_heap_free(zero);
    mr_heap_free(NULL);
}

TEST(map, finds_what_was_put_and_keeps_the_order) {
    mr_arena arena = {.head = NULL};
    mr_map map;
    mr_map_init(&map, &arena);
    EXPECT_EQ(mr_map_get(&map, MR_SPAN("none")), NULL);
    static int values[1000];
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "key %d", i);  // The map copies: the buffer is used again.
        EXPECT(mr_map_put(&map, mr_span_of(name), &values[i]));
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "key %d", i);
        EXPECT_EQ(mr_map_get(&map, mr_span_of(name)), (void *)&values[i]);
        EXPECT_STR(map.entries[i].key.data, name);
    }
    EXPECT(!mr_map_put(&map, MR_SPAN("key 5"), &values[0]));
    EXPECT_EQ(mr_map_get(&map, MR_SPAN("key 5")), (void *)&values[0]);
    EXPECT_EQ(map.count, 1000);
    EXPECT(mr_map_put(&map, MR_SPAN(""), &values[1]));
    EXPECT_EQ(mr_map_get(&map, MR_SPAN("")), (void *)&values[1]);
    EXPECT_EQ(mr_map_get(&map, MR_SPAN("key 1000")), NULL);
    mr_arena_release(&arena);
}

TEST(bits, fill_count_and_put_agree) {
    uint64_t bits[4];
    for (size_t count = 0; count <= 256; count++) {
        memset(bits, 0, sizeof(bits));
        mr_bits_fill(bits, count);
        EXPECT_EQ(mr_bits_count(bits, count), count);
        EXPECT_EQ(mr_bits_count(bits, 256), count);
    }
    mr_bits_put(bits, 77, false);
    EXPECT(!mr_bits_get(bits, 77));
    EXPECT_EQ(mr_bits_count(bits, 256), 255);
    mr_bits_put(bits, 77, true);
    EXPECT(mr_bits_get(bits, 77));
}

TEST(check, arithmetic_helpers_hold_at_their_edges) {
    EXPECT_EQ(mr_floor_div(-1, 10), -1);
    EXPECT_EQ(mr_floor_div(-10, 10), -1);
    EXPECT_EQ(mr_floor_div(9, 10), 0);
    EXPECT_EQ(mr_pow2_up(1), 1);
    EXPECT_EQ(mr_pow2_up(3), 4);
    EXPECT_EQ(mr_pow2_up((uint64_t)1 << 63), (uint64_t)1 << 63);
    EXPECT_EQ(mr_align_up(17, 16), 32);
    int64_t sum;
    EXPECT(!mr_add_fits(INT64_MAX, (int64_t)1, &sum));
    EXPECT(mr_add_fits(INT64_MAX, (int64_t)-1, &sum));
}

TEST(error, a_failure_keeps_its_story) {
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_place place = {.file = "p.sql", .source = "SELECT\n  \xC3\xA9x, y", .offset = 12};
    mr_code code =
        mr_fail_at(&cx, MR_E_NAME, place, "Did you mean \"z\"?", "no column \"%s\"", "y");
    EXPECT_EQ(code, MR_E_NAME);
    EXPECT_EQ(cx.error.code, MR_E_NAME);
    EXPECT_STR(cx.error.text, "no column \"y\"");
    EXPECT_STR(cx.error.hint, "Did you mean \"z\"?");
    EXPECT(strstr(cx.error.site_file, "arena.c") != NULL);
    uint32_t line, column;
    EXPECT(mr_error_line_column(&cx.error.place, &line, &column));
    EXPECT_EQ(line, 2);
    EXPECT_EQ(column, 5);  // Characters, not bytes.
    EXPECT_EQ(mr_error_in(&cx, code, "plan of job \"%s\"", "clicks"), MR_E_NAME);
    EXPECT_EQ(cx.error.context_count, 1);
    EXPECT_STR(cx.error.context[0], "plan of job \"clicks\"");
    for (int i = 0; i < 10; i++) {
        (void)mr_error_in(&cx, code, "more");
    }
    EXPECT_EQ(cx.error.context_count, MR_ERROR_CONTEXT_MAX);
    EXPECT_EQ(mr_error_flag(&cx, code, MR_RETRY), MR_E_NAME);
    EXPECT_EQ(cx.error.flags, MR_RETRY);
    // A new failure starts over, and may quote the old one.
    EXPECT_EQ(mr_fail(&cx, MR_E_IO, NULL, "again: %s", cx.error.text), MR_E_IO);
    EXPECT_STR(cx.error.text, "again: no column \"y\"");
    EXPECT_STR(cx.error.hint, "");
    EXPECT_EQ(cx.error.flags, 0);
    EXPECT_EQ(cx.error.context_count, 0);
    EXPECT(!mr_error_line_column(&cx.error.place, &line, &column));
    EXPECT_STR(mr_error_code_text(MR_E_LOCKED), "in use by another process");
    mr_arena_release(&arena);
}

TEST(error, long_text_is_cut_between_characters) {
    mr_arena arena = {.head = NULL};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    char text[4 * MR_ERROR_TEXT_BYTES];
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xC3\xA9", 3);
    }
    (void)mr_fail(&cx, MR_E_VALUE, text, "x%s", text);
    size_t bytes = strlen(cx.error.text);
    EXPECT(bytes >= MR_ERROR_TEXT_BYTES - 4 && bytes < MR_ERROR_TEXT_BYTES);
    EXPECT_EQ(bytes % 2, 1);
    EXPECT_EQ(strlen(cx.error.hint) % 2, 0);
    mr_arena_release(&arena);
}
