// Source "generator": the same events for the same seed, however they are cut; shares are kept.

#include "runner.h"

#include <string.h>

#include "conn/generate.h"
#include "unit/conn/drive.h"

static void retail(drive *d, const char *count) {
    drive_init(d);
    drive_field(d, "event_id", MR_TEXT, MR_FROM_VALUE);
    drive_field(d, "user_id", MR_INT32, MR_FROM_VALUE);
    drive_field(d, "amount", MR_FLOAT64, MR_FROM_VALUE);
    drive_field(d, "event_time", MR_TIMESTAMPTZ, MR_FROM_VALUE);
    drive_option(d, "count", count);
}

static const char *all(drive *d, uint64_t chunk_bytes) {
    mr_text_clear(&d->rows);
    d->row_count = d->bad_count = 0;
    d->spec.chunk_bytes = chunk_bytes;
    EXPECT_OK(drive_open(d, &mr_source_generator));
    EXPECT_OK(d->source->type->start(d->source, &d->cx));
    EXPECT_OK(drive_drain(d));
    return mr_arena_string(&d->arena, mr_text_string(&d->rows));
}

TEST(source_generator, makes_the_same_events_however_they_are_cut) {
    drive d;
    retail(&d, "1000");
    const char *whole = all(&d, 1 << 20);
    EXPECT_EQ(d.row_count, 1000);
    EXPECT_STR(all(&d, 1000), whole);
    EXPECT_STR(all(&d, 1), whole);
    drive_option(&d, "seed", "2");
    EXPECT(strcmp(all(&d, 1000), whole) != 0);
    drive_option(&d, "partitions", "3");
    all(&d, 1000);
    EXPECT_EQ(d.row_count, 1000);
    EXPECT_EQ(d.source->partitions[0].end, 334);
    EXPECT_EQ(d.source->partitions[2].end, 333);
    drive_release(&d);
}

TEST(source_generator, goes_on_from_a_position) {
    drive d;
    retail(&d, "500");
    const char *whole = all(&d, 1000);
    const char *name = "retail/0";
    int64_t position = 123;
    mr_text_clear(&d.rows);
    EXPECT_OK(drive_open(&d, &mr_source_generator));
    EXPECT_OK(d.source->type->seek(d.source, &name, &position, 1, &d.cx));
    EXPECT_OK(drive_drain(&d));
    const char *rest = strstr(whole, "\n123|") + 1;
    EXPECT_STR(mr_text_string(&d.rows), rest);
    name = "retail/7";
    EXPECT_EQ(d.source->type->seek(d.source, &name, &position, 1, &d.cx), MR_E_MISSING);
    drive_release(&d);
}

TEST(source_generator, keeps_its_shares_and_its_pace) {
    drive d;
    retail(&d, "20000");
    drive_option(&d, "bad", "0.1");
    all(&d, 100000);
    EXPECT(d.bad_count > 1700 && d.bad_count < 2300);
    EXPECT_EQ(d.row_count + d.bad_count, 20000);
    drive_option(&d, "bad", "2");
    EXPECT_EQ(drive_open(&d, &mr_source_generator), MR_E_OPTION);
    drive_option(&d, "bad", "0");
    drive_option(&d, "count", "0");
    EXPECT_EQ(drive_open(&d, &mr_source_generator), MR_E_OPTION);
    d.spec.until = MR_UNTIL_STOPPED;
    drive_option(&d, "rate", "1000");
    d.row_count = 0;
    REQUIRE_OK(drive_open(&d, &mr_source_generator));
    EXPECT_OK(d.source->type->start(d.source, &d.cx));
    mr_clock_sleep_us(d.cx.plat, 200000);
    EXPECT_OK(drive_drain(&d));
    EXPECT(d.row_count >= 200 && d.row_count < 1000);
    EXPECT_EQ(d.source->partitions[0].caught_up, true);
    drive_release(&d);
}

TEST(source_generator, copies_whole_events) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    mr_option_value items[] = {{"duplicates", "0.5", MR_NOWHERE}};
    mr_option_values values = {.items = items, .count = 1};
    mr_generate_settings settings;
    mr_generate generate;
    REQUIRE_OK(mr_option_apply(mr_generate_options, &values, NULL, &settings, &cx));
    REQUIRE_OK(mr_generate_init(&settings, &generate, &cx));
    mr_map seen;
    mr_map_init(&seen, &arena);
    uint32_t copies = 0;
    for (uint64_t i = 0; i < 4000; i++) {
        mr_text event = {.arena = &arena};
        mr_generate_event(&generate, i, &event);
        copies += !mr_map_put(&seen, mr_text_span(&event), &arena);
    }
    EXPECT(copies > 1800 && copies < 2200);
    mr_arena_release(&arena);
}
