// HLL: error over all sizes, merging, storing.

#include "exec/hll.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "runner.h"

static void fill(mr_hll *hll, uint64_t seed, uint64_t first, uint64_t count) {
    for (uint64_t i = first; i < first + count; i++) {
        mr_hll_add(hll, mr_hll_hash_u64(mr_hash_u64(i, seed)));
    }
}

TEST(hll, the_error_is_below_one_percent_at_every_size) {
    static const uint64_t sizes[] = {1,    2,    10,    100,   1000,  2000,  3000,  3500,
                                     5000, 8000, 12000, 20000, 40000, 60000, 100000};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        double squares = 0, worst = 0;
        for (uint64_t seed = 1; seed <= 40; seed++) {
            mr_hll hll = {.memory = NULL};
            fill(&hll, seed, 0, sizes[s]);
            double error = (double)mr_hll_count(&hll) / (double)sizes[s] - 1;
            squares += error * error;
            worst = fmax(worst, fabs(error));
            mr_hll_release(&hll);
        }
        EXPECT(sqrt(squares / 40) <= 0.01);
        EXPECT(worst <= 0.05);
        EXPECT(sizes[s] > 384 || worst <= 0.001);  // Sparse: as good as exact.
    }
}

TEST(hll, a_million_values) {
    mr_hll hll = {.memory = NULL};
    fill(&hll, 7, 0, 1000000);
    EXPECT(fabs((double)mr_hll_count(&hll) / 1e6 - 1) < 0.03);
    EXPECT_EQ(mr_hll_bytes(&hll), MR_HLL_REGISTERS);
    mr_hll_release(&hll);
}

static int entry_order(const void *a, const void *b) {
    return memcmp(a, b, sizeof(uint32_t));
}

// What is stored of a sketch that was merged, entries of a sparse one in some fixed order.
static mr_text stored(const mr_hll *hll) {
    mr_text text = {.data = NULL};
    mr_hll merged = {.memory = NULL};
    mr_hll_merge(&merged, hll);
    mr_hll_save(&merged, &text);
    mr_hll_release(&merged);
    if (text.data[0] == 1) {
        qsort(text.data + 3, (text.bytes - 3) / sizeof(uint32_t), sizeof(uint32_t), entry_order);
    }
    return text;
}

static bool same(const mr_hll *a, const mr_hll *b) {
    mr_text x = stored(a), y = stored(b);
    bool ret =
        mr_span_equal(mr_text_span(&x), mr_text_span(&y)) && mr_hll_count(a) == mr_hll_count(b);
    mr_text_release(&x);
    mr_text_release(&y);
    return ret;
}

// A merge is the sketch of both sets, whatever the forms and the order.
TEST(hll, merging_is_adding) {
    static const uint64_t sizes[] = {0, 5, 100, 350, 384, 900, 30000};
    for (size_t a = 0; a < MR_COUNT(sizes); a++) {
        for (size_t b = 0; b < MR_COUNT(sizes); b++) {
            mr_hll left = {.memory = NULL}, right = left, whole = left, other = left;
            fill(&left, 3, 0, sizes[a]);
            fill(&right, 3, 500, sizes[b]);
            fill(&other, 3, 500, sizes[b]);
            fill(&whole, 3, 0, sizes[a]);
            fill(&whole, 3, 500, sizes[b]);
            mr_hll_merge(&other, &left);
            mr_hll_merge(&left, &right);
            EXPECT(same(&left, &other));
            EXPECT(same(&left, &whole));
            mr_hll_release(&left);
            mr_hll_release(&right);
            mr_hll_release(&whole);
            mr_hll_release(&other);
        }
    }
}

TEST(hll, repetition_changes_nothing) {
    mr_hll once = {.memory = NULL}, often = once;
    fill(&once, 5, 0, 384);  // As many as a sparse sketch holds.
    for (int i = 0; i < 3; i++) {
        fill(&often, 5, 0, 384);
    }
    mr_hll_settle(&once);
    mr_hll_settle(&often);
    EXPECT(once.capacity != 0);
    EXPECT(same(&once, &often));
    fill(&often, 5, 384, 1);
    EXPECT_EQ(often.capacity, 0);
    mr_hll_release(&once);
    mr_hll_release(&often);
}

// Rows are appended; a list whose entries repeat, or one that gets long, becomes a table by itself.
TEST(hll, lists_become_tables) {
    mr_hll list = {.memory = NULL}, table = list, full = list;
    fill(&list, 9, 0, 1024);
    EXPECT(list.listed);
    EXPECT_EQ(list.count, 1024);
    EXPECT_EQ(mr_hll_bytes(&list), 4096);
    for (int i = 0; i < 65; i++) {
        fill(&table, 9, 0, 30);
    }
    EXPECT(!table.listed);
    EXPECT_EQ(table.count, 30);
    fill(&full, 9, 0, 1025);
    EXPECT(!full.listed);
    EXPECT_EQ(mr_hll_bytes(&full), MR_HLL_REGISTERS);
    fill(&list, 9, 1024, 1);
    EXPECT(same(&list, &full));
    mr_hll_release(&list);
    mr_hll_release(&table);
    mr_hll_release(&full);
}

TEST(hll, stored_sketches_are_small_and_checked) {
    static const uint64_t sizes[] = {0, 1, 100, 3000, 20000};
    static const size_t bytes_max[] = {1, 7, 403, 12003, 12289};
    mr_arena arena = {.bytes = 0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    for (size_t s = 0; s < 5; s++) {
        mr_hll hll = {.memory = NULL}, loaded = hll;
        fill(&hll, 11, 0, sizes[s]);
        mr_text saved = {.data = NULL};
        mr_hll_save(&hll, &saved);
        EXPECT(saved.bytes <= bytes_max[s]);
        mr_span in = mr_text_span(&saved);
        EXPECT_OK(mr_hll_load(&loaded, &in, &cx));
        EXPECT_EQ(in.bytes, 0);
        EXPECT(same(&hll, &loaded));
        EXPECT_EQ(mr_hll_count(&hll), mr_hll_count(&loaded));
        mr_hll_release(&loaded);
        mr_hll_release(&hll);
        mr_text_release(&saved);
    }
    mr_arena_release(&arena);
}

// Fixed bytes: a sketch stored by one version must mean the same to the next.
TEST(hll, damaged_sketches_are_refused) {
    static const struct {
        const char *bytes;
        size_t count;
    } bad[] = {
        {"", 0},
        {"\3", 1},
        {"\1", 1},
        {"\1\0\0", 3},                       // No entries.
        {"\1\1\0\0\0\0\0", 7},               // Rank 0.
        {"\1\1\0\x28\0\0\0", 7},             // Rank 40.
        {"\1\2\0\x41\0\0\0\x42\0\0\0", 11},  // One index twice.
        {"\1\xFF\xFF\x41\0\0\0", 7},
        {"\2\0\0", 3},
        {"\4\0\0", 3},                // A list of none,
        {"\4\1\0\0\0\0\0", 7},        // of rank 0,
        {"\4\2\0\x41\0\0\0", 7},      // cut off,
        {"\4\xFF\xFF\x41\0\0\0", 7},  // too long.
    };
    mr_arena arena = {.bytes = 0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        mr_hll hll = {.memory = NULL};
        mr_span in = {bad[i].bytes, bad[i].count};
        EXPECT_EQ(mr_hll_load(&hll, &in, &cx), MR_E_CORRUPT);
        EXPECT(hll.memory == NULL);
    }
    char dense[12289];
    memset(dense, 0xFF, sizeof(dense));  // Ranks of 63.
    dense[0] = 2;
    mr_hll hll = {.memory = NULL};
    mr_span in = {dense, sizeof(dense)};
    EXPECT_EQ(mr_hll_load(&hll, &in, &cx), MR_E_CORRUPT);
    mr_arena_release(&arena);
}

TEST(hll, hashes_are_those_of_every_version) {
    EXPECT_EQ(mr_hll_hash_bytes("", 0), 13602862849789602734u);
    EXPECT_EQ(mr_hll_hash_bytes("abc", 3), 7333205774984029430u);
    EXPECT_EQ(mr_hll_hash_u64(1), 3516499899351912648u);
}
