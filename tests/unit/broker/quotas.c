// Quotas: which one holds for a client, and how long it waits.

#include "runner.h"

#include <math.h>
#include <string.h>

#include "broker/quotas.h"
#include "plat/sim.h"

typedef struct rig {
    mr_arena arena;
    mr_plat *plat;
    mr_cx cx;
    mr_quotas *quotas;
} rig;

static void rig_init(rig *r) {
    memset(r, 0, sizeof(*r));
    r->plat = mr_sim_new(5);
    mr_cx_init(&r->cx, &r->arena, r->plat);
    REQUIRE_OK(mr_dir_make("d", &r->cx));
    REQUIRE_OK(mr_quotas_open("d", &r->quotas, &r->cx));
}

static void rig_release(rig *r) {
    mr_quotas_close(r->quotas);
    mr_sim_free(r->plat);
    mr_arena_release(&r->arena);
}

static void set(rig *r, const char *user, const char *client, double value) {
    mr_quota quota = {{user, client, NULL}, "producer_byte_rate", value};
    REQUIRE_OK(mr_quotas_alter(r->quotas, &quota, 1, &r->cx));
}

static int32_t wait(rig *r, const char *user, const char *client, uint64_t bytes, int64_t now_us) {
    return mr_quotas_charge(r->quotas,
                            &(mr_quota_use){MR_QUOTA_PRODUCE, user, client, bytes, now_us});
}

TEST(quotas, a_client_waits_for_what_it_took_too_much) {
    rig r;
    rig_init(&r);
    EXPECT_EQ(wait(&r, "u", "c", 1000000, 0), 0);
    set(&r, NULL, "c", 1000);
    EXPECT_EQ(wait(&r, "u", "c", 1000, 0), 0);
    EXPECT_EQ(wait(&r, "u", "c", 500, 0), 500);
    EXPECT_EQ(wait(&r, "u", "c", 0, 500000), 0);
    EXPECT_EQ(wait(&r, "u", "c", 1000, 10000000), 0);  // A second's worth is kept, not ten.
    EXPECT_EQ(wait(&r, "u", "c", 1000, 10000000), 1000);
    EXPECT_EQ(wait(&r, "u", "other", 1000000, 0), 0);
    mr_quota_use fetch = {MR_QUOTA_FETCH, "u", "c", 1000000, 0};
    EXPECT_EQ(mr_quotas_charge(r.quotas, &fetch), 0);
    rig_release(&r);
}

TEST(quotas, the_most_exact_one_holds_and_survives_a_restart) {
    rig r;
    rig_init(&r);
    set(&r, NULL, "", 1);
    set(&r, NULL, "c", 2);
    set(&r, "", NULL, 3);
    set(&r, "u", NULL, 4);
    set(&r, "u", "c", 500);
    mr_quotas_close(r.quotas);
    mr_sim_restart(r.plat);
    REQUIRE_OK(mr_quotas_open("d", &r.quotas, &r.cx));
    EXPECT_EQ(wait(&r, "u", "c", 1000, 0), 1000);  // 500 of 1000 are short, at 500 a second.
    EXPECT_EQ(wait(&r, "u", "else", 8, 0), 1000);  // The user's 4.
    EXPECT_EQ(wait(&r, "v", "c", 6, 0), 1000);     // Any user's 3, before any client's.
    set(&r, "u", "c", NAN);
    EXPECT_EQ(wait(&r, "u", "c", 8, 0), 1000);
    uint32_t count = 0;
    (void)mr_quotas_list(r.quotas, &count, &r.cx);
    EXPECT_EQ(count, 4);
    rig_release(&r);
}
