// Ledger: rows come back as they were, and damage is seen.

#include "runner.h"

#include <string.h>

#include "broker/ledger.h"
#include "plat/sim.h"

typedef struct rig {
    mr_arena arena;
    mr_plat *plat;
    mr_cx cx;
} rig;

static void rig_init(rig *r) {
    memset(r, 0, sizeof(*r));
    r->plat = mr_sim_new(7);
    mr_cx_init(&r->cx, &r->arena, r->plat);
}

static void rig_release(rig *r) {
    mr_sim_free(r->plat);
    mr_arena_release(&r->arena);
}

static void save_two_rows(rig *r) {
    mr_ledger ledger;
    mr_ledger_begin(&ledger, "things", &r->cx);
    mr_ledger_row_begin(&ledger, "a");
    mr_ledger_word(&ledger, MR_SPAN(""));
    mr_ledger_word(&ledger, MR_SPAN("x y\n%\0\xFF."));
    mr_ledger_word(&ledger, MR_SPAN("%"));
    mr_ledger_number(&ledger, INT64_MIN);
    mr_ledger_row_begin(&ledger, "b");
    REQUIRE_OK(mr_ledger_save(&ledger, "f", &r->cx));
}

TEST(ledger, gives_rows_back) {
    rig r;
    rig_init(&r);
    mr_ledger_row *rows;
    uint32_t count = 0;
    EXPECT_EQ(mr_ledger_load("f", "things", &rows, &count, &r.cx), MR_E_MISSING);
    save_two_rows(&r);
    REQUIRE_OK(mr_ledger_load("f", "things", &rows, &count, &r.cx));
    REQUIRE(count == 2 && rows[0].count == 5 && rows[1].count == 1);
    EXPECT(mr_span_is(rows[0].words[0], "a"));
    EXPECT_EQ(rows[0].words[1].bytes, 0);
    EXPECT(mr_span_equal(rows[0].words[2], MR_SPAN("x y\n%\0\xFF.")));
    EXPECT(mr_span_is(rows[0].words[3], "%"));
    int64_t number = 0;
    EXPECT_OK(mr_ledger_int(&rows[0], 4, &number, &r.cx));
    EXPECT_EQ(number, INT64_MIN);
    EXPECT_EQ(mr_ledger_int(&rows[0], 2, &number, &r.cx), MR_E_CORRUPT);
    EXPECT_EQ(mr_ledger_int(&rows[0], 5, &number, &r.cx), MR_E_CORRUPT);
    rig_release(&r);
}

TEST(ledger, sees_every_cut_and_every_flipped_bit) {
    rig r;
    rig_init(&r);
    save_two_rows(&r);
    mr_span whole;
    REQUIRE(mr_sim_get(r.plat, "f", &whole));
    char *bytes = mr_arena_copy(&r.arena, whole.data, whole.bytes);
    size_t length = whole.bytes;
    mr_ledger_row *rows;
    uint32_t count = 0;
    for (size_t cut = 0; cut < length; cut++) {
        mr_sim_put(r.plat, "f", (mr_span){bytes, cut});
        EXPECT_EQ(mr_ledger_load("f", "things", &rows, &count, &r.cx), MR_E_CORRUPT);
    }
    for (size_t bit = 0; bit < length * 8; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        mr_sim_put(r.plat, "f", (mr_span){bytes, length});
        EXPECT_EQ(mr_ledger_load("f", "things", &rows, &count, &r.cx), MR_E_CORRUPT);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    mr_sim_put(r.plat, "f", (mr_span){bytes, length});
    EXPECT_OK(mr_ledger_load("f", "things", &rows, &count, &r.cx));
    EXPECT_EQ(mr_ledger_load("f", "other", &rows, &count, &r.cx), MR_E_CORRUPT);
    rig_release(&r);
}
