// Panes: against windows counted one by one, for random sizes, slides, lateness and splits into
// parts.

#include "exec/panes.h"

#include <stdio.h>
#include <string.h>

#include "runner.h"

#define ROWS    200
#define WINDOWS 4000
#define BASE    2000  // Index of the window at 0.

typedef struct scene {
    mr_arena arena;
    mr_cx cx;
    uint64_t random;
    mr_column input_columns[3];
    mr_column output_columns[5];
    mr_schema input_schema;
    mr_schema output_schema;
    mr_agg_call calls[2];
    uint32_t keys[1];
    mr_plan input;
    mr_plan plan;
    int64_t time[ROWS];
    int64_t watermark[ROWS];
    int64_t value[ROWS];
    int32_t key[ROWS];
    int64_t expected[WINDOWS][3];  // Sum by window and key.
    int64_t got[WINDOWS][3];
    uint32_t twice;
} scene;

static uint64_t random_next(scene *s) {
    s->random = s->random * 6364136223846793005u + 1442695040888963407u;
    return s->random >> 33;
}

static void scene_make(scene *s, uint64_t seed) {
    *s = (scene){.random = seed};
    mr_cx_init(&s->cx, &s->arena, NULL);
    s->input_columns[0] = (mr_column){"t", MR_TYPE(MR_TIMESTAMPTZ), false};
    s->input_columns[1] = (mr_column){"k", MR_TYPE(MR_INT32), false};
    s->input_columns[2] = (mr_column){"v", MR_TYPE(MR_INT64), false};
    s->input_schema = (mr_schema){s->input_columns, 3};
    s->output_columns[0] = (mr_column){"window_start", MR_TYPE(MR_TIMESTAMPTZ), false};
    s->output_columns[1] = (mr_column){"window_end", MR_TYPE(MR_TIMESTAMPTZ), false};
    s->output_columns[2] = (mr_column){"k", MR_TYPE(MR_INT32), false};
    s->output_columns[3] = (mr_column){"s", MR_TYPE(MR_INT64), false};
    s->output_columns[4] = (mr_column){"n", MR_TYPE(MR_INT64), false};
    s->output_schema = (mr_schema){s->output_columns, 5};
    s->input = (mr_plan){.kind = MR_PLAN_SCAN, .schema = &s->input_schema};
    s->calls[0] = (mr_agg_call){.fn = MR_AGG_SUM_INT64,
                                .column = 2,
                                .second = -1,
                                .filter = -1,
                                .argument = MR_TYPE(MR_INT64),
                                .type = MR_TYPE(MR_INT64)};
    s->calls[1] = (mr_agg_call){.fn = MR_AGG_COUNT_STAR,
                                .column = -1,
                                .second = -1,
                                .filter = -1,
                                .type = MR_TYPE(MR_INT64)};
    s->keys[0] = 1;
    int64_t slide = 1 + (int64_t)(random_next(s) % 12);
    int64_t size = slide + (int64_t)(random_next(s) % 30);
    s->plan = (mr_plan){.kind = MR_PLAN_AGGREGATE, .input = &s->input, .schema = &s->output_schema};
    s->plan.aggregate.window =
        (mr_window){.kind = MR_WINDOW_HOP, .size_us = size, .slide_us = slide};
    s->plan.aggregate.keys = s->keys;
    s->plan.aggregate.key_count = 1;
    s->plan.aggregate.calls = s->calls;
    s->plan.aggregate.call_count = 2;
    s->plan.aggregate.allowed_lateness_us = (int64_t)(random_next(s) % 3) * 5;
}

static bool is_closed(const scene *s, int64_t start, int64_t watermark) {
    return watermark != INT64_MIN &&
           start + s->plan.aggregate.window.size_us + s->plan.aggregate.allowed_lateness_us <=
               watermark;
}

static void rows_make(scene *s) {
    const mr_window *w = &s->plan.aggregate.window;
    int64_t at = -100;
    int64_t max = INT64_MIN;
    for (uint32_t i = 0; i < ROWS; i++) {
        at += (int64_t)(random_next(s) % 4);
        s->time[i] = at - (random_next(s) % 3 == 0 ? (int64_t)(random_next(s) % 60) : 0);
        s->watermark[i] = max == INT64_MIN ? INT64_MIN : max - 3;
        max = MR_MAX(max, s->time[i]);
        s->key[i] = (int32_t)(random_next(s) % 3);
        s->value[i] = 1 + (int64_t)(random_next(s) % 100);
        for (int64_t n = -BASE; n < WINDOWS - BASE; n++) {
            int64_t start = n * w->slide_us;
            if (start <= s->time[i] && s->time[i] < start + w->size_us &&
                !is_closed(s, start, s->watermark[i])) {
                s->expected[n + BASE][s->key[i]] += s->value[i];
            }
        }
    }
}

static void update(scene *s, mr_panes *panes, uint32_t first, uint32_t count) {
    mr_vector columns[3] = {
        {.type = MR_TYPE(MR_TIMESTAMPTZ), .int64s = s->time + first},
        {.type = MR_TYPE(MR_INT32), .int32s = s->key + first},
        {.type = MR_TYPE(MR_INT64), .int64s = s->value + first},
    };
    mr_batch batch = {.rows = count,
                      .column_count = 3,
                      .columns = columns,
                      .sel_count = count,
                      .watermark = s->watermark + first};
    EXPECT_OK(mr_panes_update(panes, &batch, &s->cx));
}

static mr_code take(void *self, const mr_batch *rows, const uint64_t *epochs, mr_cx *cx) {
    scene *s = self;
    (void)epochs;
    (void)cx;
    for (uint32_t i = 0; i < rows->sel_count; i++) {
        uint32_t row = mr_batch_row(rows, i);
        int64_t n = rows->columns[0].int64s[row] / s->plan.aggregate.window.slide_us + BASE;
        int64_t *cell = &s->got[n][rows->columns[2].int32s[row]];
        s->twice += *cell != 0;
        *cell = rows->columns[3].int64s[row];
    }
    return MR_OK;
}

static void emit_up_to(scene *s, const mr_panes *panes, int64_t *from, int64_t to) {
    int64_t start;
    while (mr_panes_next_window(panes, *from, &start) && start < to) {
        EXPECT_OK(mr_panes_emit(panes, start, 0, take, s, &s->cx));
        *from = start + s->plan.aggregate.window.slide_us;
    }
    *from = MR_MAX(*from, to);
}

// The rows go to two parts by turns; parts are merged, windows emitted and panes dropped at random
// moments, and now and then everything is saved and loaded anew.
static uint32_t differences(uint64_t seed) {
    static scene s;
    scene_make(&s, seed);
    rows_make(&s);
    mr_panes parts[2];
    mr_panes all;
    EXPECT_OK(mr_panes_init(&parts[0], &s.plan, 5, &s.cx));
    EXPECT_OK(mr_panes_init(&parts[1], &s.plan, 5, &s.cx));
    EXPECT_OK(mr_panes_init(&all, &s.plan, 5, &s.cx));
    parts[0].epoch = parts[1].epoch = all.epoch = 1;
    int64_t from = INT64_MIN;
    for (uint32_t at = 0; at < ROWS;) {
        uint32_t count = 1 + (uint32_t)(random_next(&s) % 20);
        count = MR_MIN(count, ROWS - at);
        update(&s, &parts[random_next(&s) % 2], at, count);
        at += count;
        if (random_next(&s) % 3 == 0) {
            uint32_t first = (uint32_t)(random_next(&s) % 2);
            EXPECT_OK(mr_panes_merge(&all, &parts[first], &s.cx));
            EXPECT_OK(mr_panes_merge(&all, &parts[1 - first], &s.cx));
            mr_panes_clear(&parts[0]);
            mr_panes_clear(&parts[1]);
            int64_t watermark = s.watermark[at - 1];
            int64_t open = mr_panes_open_from(&all, watermark);
            emit_up_to(&s, &all, &from, open);
            mr_panes_expire(&all, watermark);
        }
        if (random_next(&s) % 5 == 0) {
            mr_text saved;
            mr_text_init(&saved, NULL);
            mr_panes_save(&all, -1, &saved);
            mr_panes_release(&all);
            EXPECT_OK(mr_panes_init(&all, &s.plan, 5, &s.cx));
            all.epoch = 1;
            EXPECT_OK(mr_panes_load(&all, mr_text_span(&saved), &s.cx));
            mr_text_release(&saved);
        }
    }
    EXPECT_OK(mr_panes_merge(&all, &parts[0], &s.cx));
    EXPECT_OK(mr_panes_merge(&all, &parts[1], &s.cx));
    emit_up_to(&s, &all, &from, INT64_MAX);
    uint32_t wrong = s.twice;
    for (uint32_t n = 0; n < WINDOWS; n++) {
        wrong += memcmp(s.expected[n], s.got[n], sizeof s.got[n]) != 0;
    }
    mr_panes_release(&parts[0]);
    mr_panes_release(&parts[1]);
    mr_panes_release(&all);
    mr_arena_release(&s.arena);
    return wrong;
}

TEST(panes, agree_with_windows_counted_one_by_one) {
    for (uint64_t seed = 1; seed <= 200; seed++) {
        if (!EXPECT_EQ(differences(seed), 0)) {
            printf("seed %d\n", (int)seed);
            break;
        }
    }
}

TEST(panes, refuse_damaged_state) {
    static scene s;
    scene_make(&s, 3);
    rows_make(&s);
    mr_panes panes;
    EXPECT_OK(mr_panes_init(&panes, &s.plan, 5, &s.cx));
    update(&s, &panes, 0, 30);
    mr_text saved;
    mr_text_init(&saved, NULL);
    mr_panes_save(&panes, -1, &saved);
    uint32_t whole = 0;
    for (size_t bytes = 1; bytes < saved.bytes; bytes++) {  // Only a whole number of states loads.
        mr_panes other;
        EXPECT_OK(mr_panes_init(&other, &s.plan, 5, &s.cx));
        whole += mr_panes_load(&other, (mr_span){saved.data, bytes}, &s.cx) == MR_OK;
        mr_panes_release(&other);
    }
    EXPECT_EQ(whole, mr_panes_states(&panes) - 1);
    mr_text_release(&saved);
    mr_panes_release(&panes);
    mr_arena_release(&s.arena);
}
