// Catalog: entries come back as they were, and readers see whole epochs.

#include "runner.h"

#include <stdlib.h>
#include <string.h>

#include "plat/plat.h"
#include "store/catalog.h"

typedef struct rig {
    mr_arena arena;
    mr_cx cx;
    char dir[64];
} rig;

static void rig_init(rig *r) {
    memset(r, 0, sizeof(*r));
    mr_cx_init(&r->cx, &r->arena, mr_plat_linux());
    memcpy(r->dir, "/tmp/millrace-store-XXXXXX", sizeof("/tmp/millrace-store-XXXXXX"));
    if (mkdtemp(r->dir) == NULL) {
        abort();
    }
}

static void rig_release(rig *r) {
    (void)!mr_dir_delete(r->dir, &r->cx);
    mr_arena_release(&r->arena);
}

static void put(rig *r, const char *path) {
    char *full = mr_arena_printf(&r->arena, "%s/%s", r->dir, path);
    char *slash = strrchr(full, '/');
    EXPECT_OK(mr_dir_make(mr_arena_copy(&r->arena, full, (size_t)(slash - full)), &r->cx));
    EXPECT_OK(mr_file_save(full, MR_SPAN("x"), &r->cx));
}

TEST(catalog, gives_entries_back) {
    rig r;
    rig_init(&r);
    mr_catalog_column columns[] = {{"id", "bigint"}, {"a \"b\"\\\n\x01", "text"}};
    mr_catalog_table odd = {"../x/y", "jsonl", "some/where", "p-1", "", columns, 2};
    mr_catalog_table plain = {"events_bad", "parquet", "/lake/events_bad", "retail", "a,b",
                              columns,      1};
    EXPECT_OK(mr_catalog_register(r.dir, &odd, &r.cx));
    EXPECT_OK(mr_catalog_register(r.dir, &plain, &r.cx));
    plain.column_count = 2;
    EXPECT_OK(mr_catalog_register(r.dir, &plain, &r.cx));
    EXPECT_OK(mr_catalog_register(r.dir, &plain, &r.cx));
    mr_catalog_table *tables;
    uint32_t count;
    REQUIRE_OK(mr_catalog_list(r.dir, &tables, &count, &r.cx));
    REQUIRE(count == 2);
    EXPECT_STR(tables[0].name, "../x/y");
    EXPECT_STR(tables[0].columns[1].name, "a \"b\"\\\n\x01");
    EXPECT_STR(tables[1].name, "events_bad");
    EXPECT_STR(tables[1].format, "parquet");
    EXPECT_STR(tables[1].path, "/lake/events_bad");
    EXPECT_STR(tables[1].pipeline, "retail");
    EXPECT_STR(tables[1].partition_by, "a,b");
    EXPECT_EQ(tables[1].column_count, 2);
    EXPECT_STR(tables[1].columns[0].type, "bigint");
    EXPECT_OK(mr_file_save(mr_arena_printf(&r.arena, "%s/catalog/z.json", r.dir),
                           MR_SPAN("{\"name\": \"z\", "), &r.cx));
    EXPECT_EQ(mr_catalog_list(r.dir, &tables, &count, &r.cx), MR_E_CORRUPT);
    rig_release(&r);
}

TEST(catalog, reads_any_json_and_passes_over_what_it_does_not_know) {
    rig r;
    rig_init(&r);
    mr_catalog_table *tables;
    uint32_t count;
    const char *path = mr_arena_printf(&r.arena, "%s/catalog/t.json", r.dir);
    EXPECT_OK(mr_dir_make(mr_arena_printf(&r.arena, "%s/catalog", r.dir), &r.cx));
    EXPECT_OK(
        mr_file_save(path,
                     MR_SPAN("{\"later\": {\"a\": [1, null]}, \"name\":\"t\\u00e9\\u00E9\\r\\b\", "
                             "\"columns\": [{\"type\": \"text\", \"more\": 1, \"name\": "
                             "\"\\ud83d\\ude00\"}], \"format\": \"parquet\", \"path\": \"p\"}"),
                     &r.cx));
    REQUIRE_OK(mr_catalog_list(r.dir, &tables, &count, &r.cx));
    REQUIRE(count == 1 && tables[0].column_count == 1);
    EXPECT_STR(tables[0].name, "téé\r\b");
    EXPECT_STR(tables[0].columns[0].name, "😀");
    EXPECT_STR(tables[0].pipeline, "");
    static const char *const broken[] = {
        "",
        "[]",
        "{\"name\": \"t\", \"format\": \"x\"}",
        "{\"name\": \"t\", \"format\": \"x\", \"path\": 1}",
        "{\"name\": \"t\", \"format\": \"x\", \"path\": \"p\", \"columns\": [1]}",
        "{\"name\": \"t\", \"format\": \"x\", \"path\": \"p\", \"columns\": [{\"name\": \"a\"}]}",
    };
    for (size_t i = 0; i < MR_COUNT(broken); i++) {
        EXPECT_OK(mr_file_save(path, mr_span_of(broken[i]), &r.cx));
        EXPECT_EQ(mr_catalog_list(r.dir, &tables, &count, &r.cx), MR_E_CORRUPT);
    }
    rig_release(&r);
}

static uint32_t files(rig *r, const char *format, const char ***ret) {
    mr_catalog_table table = {.name = "t", .format = format};
    table.path = mr_arena_printf(&r->arena, "%s/lake/t", r->dir);
    uint32_t count = 99;
    EXPECT_OK(mr_catalog_files(r->dir, &table, ret, &count, &r->cx));
    return count;
}

TEST(catalog, hides_epochs_that_are_not_published_whole) {
    rig r;
    rig_init(&r);
    const char **paths;
    EXPECT_EQ(files(&r, "parquet", &paths), 0);
    put(&r, "lake/t/c=IN/p-000000000000000a-00000001-0-0.parquet");
    put(&r, "lake/t/c=IN/p-000000000000000a-00000002-0-0.parquet");
    put(&r, "lake/t/c=US/p-000000000000000a-00000002-0-1.parquet");
    put(&r, "lake/t/c=US/p-000000000000000b-00000009-0-1.parquet");
    put(&r, "lake/t/c=US/q-000000000000000a-00000009-0-1.parquet");
    put(&r, "lake/t/c=US/by-hand.parquet");
    put(&r, "lake/t/c=US/p-000000000000000a-00000001-0-1.jsonl");
    put(&r, "lake/t/.tmp/p/p-000000000000000a-00000003-0-1.parquet");
    put(&r, "lake/t/other/p-000000000000000a-00000001-0-1.parquet");
    EXPECT_EQ(files(&r, "parquet", &paths), 6);  // Nothing is known: all that is there.
    const char *state = mr_arena_printf(&r.arena, "%s/state/p", r.dir);
    EXPECT_OK(mr_dir_make(state, &r.cx));
    EXPECT_OK(mr_catalog_set_published(state, 10, 1, &r.cx));
    EXPECT_EQ(files(&r, "parquet", &paths), 4);
    EXPECT(strstr(paths[0], "/c=IN/p-000000000000000a-00000001-0-0.parquet") != NULL);
    EXPECT_OK(mr_catalog_set_published(state, 10, 2, &r.cx));
    EXPECT_EQ(files(&r, "parquet", &paths), 6);
    EXPECT_EQ(files(&r, "jsonl", &paths), 1);
    EXPECT_OK(mr_file_save(mr_arena_printf(&r.arena, "%s/published", state), MR_SPAN("00"), &r.cx));
    EXPECT_EQ(files(&r, "parquet", &paths), 6);
    rig_release(&r);
}
