// Source "file": every way of cutting a file gives the same rows, and growth, gaps and damage are
// told.

#include "runner.h"

#include <stdio.h>
#include <string.h>

#include "unit/conn/drive.h"

static void two_columns(drive *d) {
    drive_init(d);
    drive_field(d, "id", MR_INT64, MR_FROM_VALUE);
    drive_field(d, "name", MR_TEXT, MR_FROM_VALUE);
}

// Lines of many lengths; every 7th is blank and every 11th is not JSON. No end behind the last.
static const char *some_lines(drive *d, uint32_t count) {
    mr_text text = {.arena = &d->arena};
    for (uint32_t i = 0; i < count; i++) {
        if (i % 7 == 3) {
            mr_text_add(&text, i % 2 == 0 ? "\n" : "\r\n");
        } else if (i % 11 == 5) {
            mr_text_addf(&text, "{\"id\": %u, \"name\n", i);
        } else {
            mr_text_addf(
                &text, "{\"id\": %u, \"name\": \"%.*s\"}%s", i, (int)(i * 37 % 101),
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                i + 1 == count ? "" : "\n");
        }
    }
    return mr_text_string(&text);
}

static const char *read_all(drive *d, const char *path, uint64_t chunk_bytes) {
    mr_text_clear(&d->rows);
    d->row_count = d->bad_count = d->chunk_count = 0;
    drive_option(d, "path", path);
    d->spec.chunk_bytes = chunk_bytes;
    if (!EXPECT_OK(drive_open(d, &mr_source_file)) ||
        !EXPECT_OK(d->source->type->start(d->source, &d->cx)) || !EXPECT_OK(drive_drain(d))) {
        printf("%s\n", d->cx.error.text);
    }
    return mr_arena_string(&d->arena, mr_text_string(&d->rows));
}

TEST(source_file, gives_the_same_rows_for_every_chunk_size) {
    drive d;
    two_columns(&d);
    drive_write(&d, "a.jsonl", some_lines(&d, 200));
    const char *path = drive_path(&d, "a.jsonl");
    read_all(&d, path, 1 << 20);
    uint64_t rows = d.row_count, bad = d.bad_count;
    EXPECT_EQ(bad, 15);
    EXPECT_EQ(rows, 200 - 29 - 15);
    for (uint64_t bytes = 1; bytes < 300; bytes += bytes < 20 ? 1 : 37) {
        read_all(&d, path, bytes);
        EXPECT_EQ(d.row_count, rows);
        EXPECT_EQ(d.bad_count, bad);
    }
    drive_release(&d);
}

TEST(source_file, gives_offsets_and_keeps_the_last_line_without_an_end) {
    drive d;
    two_columns(&d);
    drive_field(&d, "o", MR_INT64, MR_FROM_OFFSET);
    drive_field(&d, "p", MR_INT32, MR_FROM_PARTITION);
    drive_field(&d, "k", MR_TEXT, MR_FROM_KEY);
    drive_write(&d, "a.jsonl",
                "{\"id\":1,\"name\":\"a\"}\n\n{\"id\":2}\nnope\n{\"name\":\"z\",\"id\":3}");
    const char *rows = read_all(&d, drive_path(&d, "a.jsonl"), 5);
    EXPECT(strstr(rows, "0|1|a|0|0|NULL\n") != NULL);
    EXPECT(strstr(rows, "21|2|NULL|21|0|NULL\n") != NULL);
    EXPECT(strstr(rows, "30!bad_json") != NULL);
    EXPECT(strstr(rows, "35|3|z|35|0|NULL\n") != NULL);
    EXPECT_EQ(d.row_count, 3);
    drive_release(&d);
}

TEST(source_file, reads_a_folder_in_order_of_name_and_leaves_hidden_files) {
    drive d;
    two_columns(&d);
    drive_write(&d, "b.jsonl", "{\"id\":2}\n");
    drive_write(&d, "a.jsonl", "{\"id\":1}\n");
    drive_write(&d, ".c.jsonl", "{\"id\":9}\n");
    drive_write(&d, "_d.jsonl", "{\"id\":9}\n");
    drive_write(&d, "e.jsonl.tmp", "{\"id\":9}\n");
    drive_write(&d, "f.jsonl", "");
    EXPECT_STR(read_all(&d, d.dir, 100), "0|1|NULL\n0|2|NULL\n");
    EXPECT_EQ(d.source->partition_count, 3);
    EXPECT_EQ(d.source->partitions[2].finished, true);
    drive_release(&d);
}

TEST(source_file, expands_gzip_and_zstd_to_the_same_rows) {
    drive d;
    two_columns(&d);
    drive_write(&d, "a.jsonl", some_lines(&d, 3000));
    drive_shell(&d, "cd %s && gzip -k a.jsonl && zstd -q a.jsonl && "
                    "(head -c 5000 a.jsonl | gzip; tail -c +5001 a.jsonl | gzip) > two.gz");
    read_all(&d, drive_path(&d, "a.jsonl"), 1000);
    uint64_t rows = d.row_count, bad = d.bad_count;
    EXPECT(rows > 2000);
    static const char *const names[] = {"a.jsonl.gz", "a.jsonl.zst", "two.gz"};
    for (size_t i = 0; i < MR_COUNT(names); i++) {
        const char *path = drive_path(&d, names[i]);
        const char *whole = read_all(&d, path, 1 << 20);
        EXPECT_EQ(d.row_count, rows);
        EXPECT_EQ(d.bad_count, bad);
        EXPECT_STR(whole, read_all(&d, path, 1 << 20));
        read_all(&d, path, 777);
        EXPECT_EQ(d.row_count, rows);
        EXPECT_EQ(d.bad_count, bad);
    }
    drive_release(&d);
}

TEST(source_file, tells_a_cut_or_damaged_compressed_file) {
    drive d;
    two_columns(&d);
    drive_write(&d, "a.jsonl", some_lines(&d, 3000));
    drive_shell(&d, "cd %s && gzip -k a.jsonl && head -c 2000 a.jsonl.gz > cut.gz && "
                    "(head -c 1000 a.jsonl.gz; tail -c +1005 a.jsonl.gz) > bad.gz");
    static const char *const names[] = {"cut.gz", "bad.gz"};
    for (size_t i = 0; i < MR_COUNT(names); i++) {
        drive_option(&d, "path", drive_path(&d, names[i]));
        EXPECT_OK(drive_open(&d, &mr_source_file));
        EXPECT_OK(d.source->type->start(d.source, &d.cx));
        EXPECT_EQ(drive_drain(&d), MR_E_CORRUPT);
    }
    drive_release(&d);
}

// Seeks to every position that a run had, in every file, and expects exactly the rest.
static void seek_everywhere(drive *d, const char *path) {
    read_all(d, path, 64);
    uint64_t all = d->row_count + d->bad_count;
    uint64_t chunks = d->chunk_count;
    for (uint64_t stop = 0; stop <= chunks; stop += 1 + chunks / 40) {
        d->row_count = d->bad_count = 0;
        EXPECT_OK(drive_open(d, &mr_source_file));
        EXPECT_OK(d->source->type->start(d->source, &d->cx));
        EXPECT_OK(drive_chunks(d, stop));
        int64_t position = d->source->partitions[0].position;
        EXPECT_OK(drive_open(d, &mr_source_file));
        EXPECT_OK(d->source->type->seek(d->source, &path, &position, 1, &d->cx));
        EXPECT_OK(drive_drain(d));
        EXPECT_EQ(d->row_count + d->bad_count, all);
    }
}

TEST(source_file, goes_on_from_every_position) {
    drive d;
    two_columns(&d);
    drive_write(&d, "a.jsonl", some_lines(&d, 3000));
    drive_shell(&d, "cd %s && gzip -k a.jsonl");
    seek_everywhere(&d, drive_path(&d, "a.jsonl"));
    seek_everywhere(&d, drive_path(&d, "a.jsonl.gz"));
    drive_release(&d);
}

TEST(source_file, follows_a_growing_file_by_whole_lines) {
    drive d;
    two_columns(&d);
    d.spec.until = MR_UNTIL_STOPPED;
    const char *path = drive_path(&d, "a.jsonl");
    drive_write(&d, "a.jsonl", "{\"id\":1}\n{\"id\"");
    EXPECT_STR(read_all(&d, path, 100), "0|1|NULL\n");
    EXPECT_EQ(d.source->partitions[0].caught_up, true);
    EXPECT_EQ(d.source->partitions[0].position, 9);
    drive_append(&d, "a.jsonl", ":2}");
    mr_clock_sleep_us(d.cx.plat, 60000);
    EXPECT_OK(drive_drain(&d));
    EXPECT_EQ(d.row_count, 1);
    drive_append(&d, "a.jsonl", "\n{\"id\":3}\n");
    mr_clock_sleep_us(d.cx.plat, 60000);
    EXPECT_OK(drive_drain(&d));
    EXPECT_STR(mr_text_string(&d.rows), "0|1|NULL\n9|2|NULL\n18|3|NULL\n");
    drive_release(&d);
}

TEST(source_file, finds_new_files_of_a_followed_folder) {
    drive d;
    two_columns(&d);
    d.spec.until = MR_UNTIL_STOPPED;
    drive_write(&d, "m.jsonl", "{\"id\":1}\n");
    read_all(&d, d.dir, 100);
    drive_write(&d, "a.jsonl", "{\"id\":2}\n");
    EXPECT_OK(d.source->type->refresh(d.source, &d.cx));
    EXPECT_EQ(d.source->partition_count, 2);
    EXPECT_OK(drive_drain(&d));
    EXPECT_STR(mr_text_string(&d.rows), "0|1|NULL\n0|2|NULL\n");
    // A restart knows both, in the order in which they were read.
    const char *names[] = {d.source->partitions[0].name, d.source->partitions[1].name};
    names[0] = mr_arena_string(&d.arena, names[0]);
    names[1] = mr_arena_string(&d.arena, names[1]);
    int64_t positions[] = {9, 0};
    drive_write(&d, "b.jsonl", "{\"id\":3}\n");
    mr_text_clear(&d.rows);
    EXPECT_OK(drive_open(&d, &mr_source_file));
    EXPECT_OK(d.source->type->seek(d.source, names, positions, 2, &d.cx));
    EXPECT_STR(d.source->partitions[0].name, names[0]);
    EXPECT_STR(d.source->partitions[1].name, names[1]);
    EXPECT_OK(drive_drain(&d));
    EXPECT_STR(mr_text_string(&d.rows), "0|2|NULL\n0|3|NULL\n");
    drive_shell(&d, "rm %s/m.jsonl");
    EXPECT_OK(drive_open(&d, &mr_source_file));
    EXPECT_EQ(d.source->type->seek(d.source, names, positions, 2, &d.cx), MR_E_MISSING);
    drive_release(&d);
}

TEST(source_file, tells_a_file_that_shrank_or_was_replaced) {
    drive d;
    two_columns(&d);
    d.spec.until = MR_UNTIL_STOPPED;
    const char *path = drive_path(&d, "a.jsonl");
    drive_write(&d, "a.jsonl", "{\"id\":1}\n{\"id\":2}\n");
    read_all(&d, path, 100);
    drive_write(&d, "a.jsonl", "{\"id\":1}\n");
    mr_clock_sleep_us(d.cx.plat, 60000);
    EXPECT_EQ(drive_drain(&d), MR_E_CORRUPT);
    EXPECT(strstr(d.cx.error.text, "shrank") != NULL);
    read_all(&d, path, 100);
    drive_write(&d, "b.jsonl", "{\"id\":1}\n{\"id\":3}\n{\"id\":4}\n");
    drive_shell(&d, "mv %s/b.jsonl %s/a.jsonl");
    mr_clock_sleep_us(d.cx.plat, 60000);
    EXPECT_EQ(drive_drain(&d), MR_E_CORRUPT);
    EXPECT(strstr(d.cx.error.text, "was replaced") != NULL);
    int64_t position = 1000;
    EXPECT_OK(drive_open(&d, &mr_source_file));
    EXPECT_EQ(d.source->type->seek(d.source, &path, &position, 1, &d.cx), MR_E_MISSING);
    drive_release(&d);
}

TEST(source_file, makes_a_too_long_line_a_bad_record) {
    drive d;
    two_columns(&d);
    drive_option(&d, "max_record_bytes", "1MiB");
    drive_shell(&d,
                "cd %s && (echo '{\"id\":1}'; printf '{\"id\":2,\"name\":\"'; "
                "head -c 3000000 /dev/zero | tr '\\0' x; echo '\"}'; echo '{\"id\":3}') > a.jsonl"
                " && gzip -k a.jsonl");
    static const char *const names[] = {"a.jsonl", "a.jsonl.gz"};
    static const uint64_t sizes[] = {100, 65536, 1 << 20};
    for (size_t i = 0; i < 6; i++) {
        const char *rows = read_all(&d, drive_path(&d, names[i % 2]), sizes[i / 2]);
        EXPECT_EQ(d.row_count, 2);
        EXPECT_EQ(d.bad_count, 1);
        EXPECT(strstr(rows, "9!too_long: over 1048576 bytes!{\"id\":2,\"name\":\"xxxx") != NULL);
        EXPECT(strstr(rows, "3000028|3|NULL\n") != NULL);
    }
    drive_release(&d);
}

TEST(source_file, cuts_batches_to_the_size_asked_for) {
    drive d;
    two_columns(&d);
    drive_field(&d, "o", MR_INT64, MR_FROM_OFFSET);
    drive_write(&d, "a.jsonl", some_lines(&d, 400));
    const char *path = drive_path(&d, "a.jsonl");
    const char *whole = read_all(&d, path, 1 << 20);
    static const uint32_t sizes[] = {1, 2, 3, 64};
    for (size_t i = 0; i < MR_COUNT(sizes); i++) {
        d.spec.batch_rows = sizes[i];
        d.batch_count = 0;
        EXPECT_STR(read_all(&d, path, 1 << 20), whole);
        EXPECT_EQ(d.batch_count, (d.row_count + sizes[i] - 1) / sizes[i]);
    }
    drive_release(&d);
}

TEST(source_file, explains_what_is_wrong_with_options) {
    drive d;
    two_columns(&d);
    drive_option(&d, "path", drive_path(&d, "nothing"));
    EXPECT_EQ(drive_open(&d, &mr_source_file), MR_E_MISSING);
    EXPECT(strncmp(d.cx.error.text, "no file or folder \"", 19) == 0);
    drive_write(&d, "nothing", "");
    drive_option(&d, "format", "csv");
    EXPECT_EQ(drive_open(&d, &mr_source_file), MR_E_UNSUPPORTED);
    drive_option(&d, "format", "json");
    drive_field(&d, "o", MR_TEXT, MR_FROM_OFFSET);
    EXPECT_EQ(drive_open(&d, &mr_source_file), MR_E_TYPE);
    EXPECT_STR(d.cx.error.text, "column \"o\" from 'offset' cannot be text");
    drive_release(&d);
}

TEST(source_file, goes_on_when_files_come_and_claims_stay_unread) {
    drive d;
    two_columns(&d);
    drive_write(&d, "a.jsonl", some_lines(&d, 500));
    drive_shell(&d, "cd %s && gzip -k a.jsonl");
    drive_option(&d, "path", drive_path(&d, "a.jsonl.gz"));
    d.spec.chunk_bytes = 1000;
    REQUIRE_OK(drive_open(&d, &mr_source_file));
    REQUIRE_OK(d.source->type->start(d.source, &d.cx));
    mr_claim claim;
    mr_claim_result result;
    EXPECT_OK(d.source->type->claim(d.source, &claim, &result, &d.cx));
    EXPECT_OK(d.source->type->claim(d.source, &claim, &result, &d.cx));
    EXPECT_EQ(result, MR_CLAIM_TAKEN);
    drive_release(&d);  // The leak checker says whether the chunks were let go.
}

// ---- pace ------------------------------------------------------------------------------------

// Lines, with a long one among them.
static void paced_lines(drive *d, uint32_t count) {
    mr_text text = {.arena = &d->arena};
    for (uint32_t i = 0; i < count; i++) {
        mr_text_addf(&text, "{\"id\": %u, \"name\": \"%*s\"}\n", i, i == 50 ? 3000 : 3, "x");
    }
    drive_write(d, "a.jsonl", mr_text_string(&text));
}

TEST(source_file, takes_no_more_rows_than_an_epoch_may_have) {
    static const uint64_t chunk_bytes[] = {1, 40, 300, 1 << 20};
    for (size_t i = 0; i < MR_COUNT(chunk_bytes); i++) {
        drive d;
        two_columns(&d);
        paced_lines(&d, 100);
        drive_option(&d, "max_rows_per_trigger", "30");
        read_all(&d, drive_path(&d, "a.jsonl"), chunk_bytes[i]);
        uint64_t before = 0;
        uint32_t epochs = 1;
        while (!d.source->partitions[0].finished && epochs < 5000) {
            EXPECT(d.row_count - before <= 30);
            before = d.row_count;
            EXPECT_OK(mr_source_file.refresh(d.source, &d.cx));
            EXPECT_OK(drive_drain(&d));
            epochs++;
        }
        EXPECT_EQ(d.row_count, 100);
        EXPECT(epochs >= 4);
        // Whole lines are cut off where chunks are larger than they.
        EXPECT(chunk_bytes[i] < 300 || epochs == 4);
        drive_release(&d);
    }
}

// overshoot: rows of one chunk, which a file that is read in order may be ahead by.
static void paced_by_time(const char *name, uint64_t lines, uint64_t rate, uint64_t overshoot) {
    drive d;
    two_columns(&d);
    paced_lines(&d, (uint32_t)lines);
    drive_shell(&d, "cd %s && gzip -k a.jsonl");
    drive_option(&d, "max_rate_per_partition", mr_arena_printf(&d.arena, "%d", (int)rate));
    uint64_t begun_us = (uint64_t)mr_clock_monotonic_us(d.cx.plat);
    uint64_t passed_us = 0;
    read_all(&d, drive_path(&d, name), 200);
    while (d.row_count < lines && passed_us < 60000000) {
        passed_us = (uint64_t)mr_clock_monotonic_us(d.cx.plat) - begun_us;
        // A tenth of a second's rows come at once.
        EXPECT(d.row_count <= rate / 10 + overshoot + passed_us * rate / 1000000);
        mr_source_file.wait(d.source, 5000, &d.cx);
        EXPECT_OK(drive_drain(&d));
    }
    EXPECT_EQ(d.row_count, lines);
    passed_us = (uint64_t)mr_clock_monotonic_us(d.cx.plat) - begun_us;
    EXPECT(passed_us >= (lines - rate / 10 - overshoot) * 1000000 / rate - 20000);
    drive_release(&d);
}

TEST(source_file, takes_no_more_rows_than_a_second_may_have) {
    paced_by_time("a.jsonl", 100, 300, 0);
    paced_by_time("a.jsonl.gz", 20000, 60000, 4800);
}

TEST(source_file, refuses_a_negative_pace) {
    drive d;
    two_columns(&d);
    paced_lines(&d, 100);
    drive_option(&d, "path", drive_path(&d, "a.jsonl"));
    drive_option(&d, "max_rate_per_partition", "-1");
    EXPECT_EQ(drive_open(&d, &mr_source_file), MR_E_OPTION);
    EXPECT_STR(d.cx.error.text, "max_rate_per_partition cannot be -1");
    drive_release(&d);
}
