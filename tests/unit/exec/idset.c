// Id set: against a slow model with random times to live, watermarks and key reuse.

#include "exec/idset.h"

#include <stdio.h>
#include <string.h>

#include "runner.h"

#define KEYS 300

static uint64_t random_next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 29;
}

static mr_hash128 key_hash(uint64_t key) {
    return (mr_hash128){.low = mr_hash_u64(key, 1) & ~(uint64_t)127, .high = mr_hash_u64(key, 2)};
}

// Adds random sightings to the set and to the model, which keeps the first time of each live key.
static uint32_t model_run(uint64_t seed, mr_idset *set, int64_t *first, bool *known) {
    uint64_t random = seed;
    int64_t ttl_us = (int64_t)(random_next(&random) % 3000);
    int64_t row_watermark = -5000;
    int64_t global = INT64_MIN;
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        row_watermark += (int64_t)(random_next(&random) % 10);
        if (random_next(&random) % 50 == 0) {
            global = row_watermark - (int64_t)(random_next(&random) % 100);
        }
        uint64_t key = random_next(&random) % KEYS;
        int64_t event_us = row_watermark + (int64_t)(random_next(&random) % 4000) - 2000;
        mr_idset_time time = {
            .ttl_us = ttl_us, .watermark_us = row_watermark, .global_watermark_us = global};
        bool fresh = !known[key] || first[key] + ttl_us < row_watermark;
        wrong += mr_idset_add(set, mr_idset_id(key_hash(key), event_us), &time) != fresh;
        if (fresh) {
            known[key] = true;
            first[key] = event_us;
        }
        if (random_next(&random) % 500 == 0) {  // A restart: saved, and put into a new set.
            mr_text saved;
            mr_text_init(&saved, NULL);
            mr_idset_save(set, &time, &saved);
            mr_idset_release(set);
            for (size_t at = 0; at < saved.bytes; at += sizeof(mr_id)) {
                mr_id id;
                memcpy(&id, saved.data + at, sizeof id);
                mr_idset_put(set, id, &time);
            }
            mr_text_release(&saved);
        }
    }
    return wrong;
}

TEST(idset, agrees_with_a_slow_model) {
    for (uint64_t seed = 1; seed <= 100; seed++) {
        mr_idset set = {0};
        int64_t first[KEYS];
        bool known[KEYS] = {false};
        if (!EXPECT_EQ(model_run(seed, &set, first, known), 0)) {
            printf("seed %d\n", (int)seed);
        }
        mr_idset_release(&set);
    }
}

TEST(idset, never_expires_without_ttl_and_stays_small_with_one) {
    mr_idset set = {0};
    mr_idset_time for_ever = {
        .ttl_us = MR_IDSET_FOREVER, .watermark_us = INT64_MAX, .global_watermark_us = INT64_MAX};
    EXPECT(mr_idset_add(&set, mr_idset_id(key_hash(1), 0), &for_ever));
    EXPECT(!mr_idset_add(&set, mr_idset_id(key_hash(1), 0), &for_ever));
    mr_idset_release(&set);
    for (int64_t i = 0; i < 100000; i++) {
        mr_idset_time time = {.ttl_us = 100, .watermark_us = i, .global_watermark_us = i};
        EXPECT(mr_idset_add(&set, mr_idset_id(key_hash((uint64_t)i), i), &time));
    }
    EXPECT(mr_idset_bytes(&set) <= 1024 * sizeof(mr_id));
    mr_idset_release(&set);
}

// Large tables: blocks of a slab, given back when most ids have expired, and at the end.
TEST(idset, large_tables_share_a_slab) {
    mr_slab slab = {0};
    mr_idset sets[4];
    for (uint32_t s = 0; s < 4; s++) {
        sets[s] = (mr_idset){.slab = s < 3 ? &slab : NULL};
        for (uint32_t i = 0; i < 100000; i++) {
            mr_idset_time time = {.ttl_us = 100000000, .global_watermark_us = 0};
            EXPECT(mr_idset_add(&sets[s], mr_idset_id(key_hash(i * 4 + s), i), &time));
        }
        EXPECT_EQ(sets[s].used, 100000);
        EXPECT(mr_idset_bytes(&sets[s]) <= 100000 * 31);
    }
    EXPECT(slab.count >= 1);
    for (uint32_t s = 0; s < 4; s++) {
        mr_idset_time late = {.ttl_us = 10, .watermark_us = 0, .global_watermark_us = 200000};
        uint32_t known = 0;
        for (uint32_t i = 0; i < 100000; i++) {
            mr_idset_time time = {.ttl_us = 100000000, .global_watermark_us = 0};
            known += !mr_idset_add(&sets[s], mr_idset_id(key_hash(i * 4 + s), i), &time);
        }
        EXPECT_EQ(known, 100000);
        for (uint32_t i = 0; i < 100000; i++) {  // Fills up, and drops those of before.
            EXPECT(mr_idset_add(&sets[s], mr_idset_id(key_hash(1000000 + i), 300000), &late));
        }
        EXPECT(sets[s].used < 150000);
        mr_idset_release(&sets[s]);
        EXPECT(mr_idset_add(&sets[s], mr_idset_id(key_hash(1), 0), &late));
        mr_idset_release(&sets[s]);
    }
    EXPECT_EQ(slab.count, 0);
    mr_slab_release(&slab);
}

// What is saved makes a set that knows the same, whatever the sizes of blocks.
TEST(idset, is_the_same_when_loaded) {
    const uint32_t counts[] = {1, 31, 33, 2047, 2049, 4095, 4096, 4097, 8193, 30000, 70000};
    mr_slab slab = {0};
    mr_idset_time time = {.ttl_us = 1000000, .global_watermark_us = 0};
    for (size_t c = 0; c < MR_COUNT(counts); c++) {
        mr_idset set = {.slab = &slab};
        mr_idset loaded = {.slab = &slab};
        for (uint32_t i = 0; i < counts[c]; i++) {
            EXPECT(mr_idset_add(&set, mr_idset_id(key_hash(i), i), &time));
        }
        mr_text saved;
        mr_text_init(&saved, NULL);
        mr_idset_save(&set, &time, &saved);
        EXPECT_EQ(saved.bytes, counts[c] * sizeof(mr_id));
        for (size_t at = 0; at < 2 * saved.bytes; at += sizeof(mr_id)) {  // Repeated: no matter.
            mr_id id;
            memcpy(&id, saved.data + at % saved.bytes, sizeof id);
            mr_idset_put(&loaded, id, &time);
        }
        EXPECT_EQ(loaded.used, counts[c]);
        for (uint32_t i = 0; i < counts[c]; i++) {
            EXPECT(!mr_idset_add(&loaded, mr_idset_id(key_hash(i), i), &time));
        }
        EXPECT(mr_idset_add(&loaded, mr_idset_id(key_hash(counts[c]), 0), &time));
        mr_text_release(&saved);
        mr_idset_release(&set);
        mr_idset_release(&loaded);
    }
    EXPECT_EQ(slab.count, 0);
    mr_slab_release(&slab);
}

TEST(idset, keeps_ids_of_far_times) {
    const int64_t times[] = {INT64_MIN, -4000000000000000, 0, 3000000000000000, INT64_MAX};
    for (size_t i = 0; i < MR_COUNT(times); i++) {
        mr_idset set = {0};
        mr_idset_time time = {.ttl_us = 1000, .watermark_us = times[i], .global_watermark_us = 0};
        EXPECT(mr_idset_add(&set, mr_idset_id(key_hash(7), times[i]), &time));
        EXPECT(!mr_idset_add(&set, mr_idset_id(key_hash(7), times[i]), &time));
        mr_idset_release(&set);
    }
}
