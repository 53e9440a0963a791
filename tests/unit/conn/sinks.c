// Sinks of files: names, folders, what is in them, and that publishing may be repeated.

#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn/conn.h"
#include "plat/plat_ops.h"
#include "store/name.h"

typedef struct rig {
    mr_arena arena;
    mr_cx cx;
    char dir[64];
    mr_column columns[3];
    mr_schema schema;
    mr_option_value options[8];
    mr_option_values values;
    mr_sink_spec spec;
    mr_sink *sink;
} rig;

static void rig_init(rig *r) {
    memset(r, 0, sizeof(*r));
    mr_cx_init(&r->cx, &r->arena, mr_plat_linux());
    memcpy(r->dir, "/tmp/millrace-sink-XXXXXX", sizeof("/tmp/millrace-sink-XXXXXX"));
    if (mkdtemp(r->dir) == NULL) {
        abort();
    }
    r->columns[0] = (mr_column){.name = "id", .type = MR_TYPE(MR_INT64)};
    r->columns[1] = (mr_column){.name = "country", .type = MR_TYPE(MR_TEXT)};
    r->columns[2] = (mr_column){.name = "v", .type = MR_TYPE(MR_FLOAT64)};
    r->schema = (mr_schema){r->columns, 3};
    r->values.items = r->options;
    r->spec = (mr_sink_spec){
        .table = "t",
        .pipeline = "my-pipe",
        .schema = &r->schema,
        .options = &r->values,
        .data_dir = r->dir,
    };
}

static void rig_option(rig *r, const char *name, const char *value) {
    r->options[r->values.count++] = (mr_option_value){name, value, MR_NOWHERE};
}

static mr_code rig_open(rig *r, const mr_sink_type *type) {
    r->sink = mr_heap_alloc(type->size);
    r->sink->type = type;
    return type->open(r->sink, &r->spec, &r->cx);
}

static void rig_close(rig *r) {
    if (r->sink != NULL) {
        r->sink->type->close(r->sink);
        mr_heap_free(r->sink);
        r->sink = NULL;
    }
}

static void rig_release(rig *r) {
    rig_close(r);
    (void)!mr_dir_delete(r->dir, &r->cx);
    mr_arena_release(&r->arena);
}

// Row i: id i, countries in turn (NULL for a NULL name), v i / 2.
static mr_batch rows_of(rig *r, const char *const *countries, uint32_t count) {
    mr_batch batch = mr_batch_new(&r->arena, 3, count);
    for (uint32_t c = 0; c < 3; c++) {
        batch.columns[c] = mr_vector_flat(&r->arena, r->columns[c].type, count);
    }
    uint64_t *valid = mr_vector_own_valid(&batch.columns[1], &r->arena, count);
    for (uint32_t i = 0; i < count; i++) {
        batch.columns[0].int64s[i] = i;
        batch.columns[2].float64s[i] = i / 2.0;
        const char *country = countries[i] == NULL ? "" : countries[i];
        batch.columns[1].strs[i] = (mr_str){.data = country, .bytes = (uint32_t)strlen(country)};
        if (countries[i] == NULL) {
            mr_bits_clear(valid, i);
        }
    }
    return batch;
}

static mr_code stage(rig *r, uint64_t epoch, const mr_batch *batch, mr_publication *ret) {
    const mr_sink_type *type = r->sink->type;
    mr_publication_id id = {"my-pipe", 0xABCDEF, epoch, 1};
    MR_TRY(type->begin(r->sink, &id, &r->cx));
    MR_TRY(type->write(r->sink, batch, &r->cx));
    return type->prepare(r->sink, ret, &r->cx);
}

static const char *text_of(rig *r, const char *path) {
    mr_span text;
    char *full = mr_arena_printf(&r->arena, "%s/%s", r->dir, path);
    return mr_file_load(full, 1 << 20, &text, &r->cx) == MR_OK ? text.data : NULL;
}

static bool there(rig *r, const char *path) {
    return mr_file_exists(mr_arena_printf(&r->arena, "%s/%s", r->dir, path), &r->cx);
}

TEST(sinks, stage_then_publish_by_partition) {
    rig r;
    rig_init(&r);
    rig_option(&r, "partition_by", "country");
    REQUIRE_OK(rig_open(&r, &mr_sink_jsonl));
    static const char *const countries[] = {"IN", "US", "IN", NULL, "a/b=c%", ""};
    mr_batch batch = rows_of(&r, countries, 6);
    mr_publication pub;
    REQUIRE_OK(stage(&r, 7, &batch, &pub));
    EXPECT_EQ(pub.file_count, 5);  // NULL and '' have one folder, two files.
    EXPECT_EQ(pub.row_count, 6);
    EXPECT(there(&r, "lake/t/.tmp/my-pipe/my-pipe-0000000000abcdef-00000007-1-0.jsonl.part"));
    EXPECT(!there(&r, "lake/t/country=IN"));
    for (int twice = 0; twice < 2; twice++) {
        EXPECT_OK(r.sink->type->publish(r.sink, &pub, &r.cx));
        EXPECT_OK(r.sink->type->recover(r.sink, &pub, &r.cx));
    }
    EXPECT_STR(text_of(&r, "lake/t/country=IN/my-pipe-0000000000abcdef-00000007-1-0.jsonl"),
               "{\"id\":0,\"v\":0.0}\n{\"id\":2,\"v\":1.0}\n");
    EXPECT_STR(text_of(&r, "lake/t/country=US/my-pipe-0000000000abcdef-00000007-1-1.jsonl"),
               "{\"id\":1,\"v\":0.5}\n");
    EXPECT_STR(text_of(&r, "lake/t/country=__HIVE_DEFAULT_PARTITION__/"
                           "my-pipe-0000000000abcdef-00000007-1-2.jsonl"),
               "{\"id\":3,\"v\":1.5}\n");
    EXPECT(there(&r, "lake/t/country=a%2Fb%3Dc%25/my-pipe-0000000000abcdef-00000007-1-3.jsonl"));
    rig_release(&r);
}

TEST(sinks, say_which_file_is_gone_or_wrong) {
    rig r;
    rig_init(&r);
    REQUIRE_OK(rig_open(&r, &mr_sink_jsonl));
    static const char *const countries[] = {"IN"};
    mr_batch batch = rows_of(&r, countries, 1);
    mr_publication pub;
    REQUIRE_OK(stage(&r, 1, &batch, &pub));
    mr_file part = MR_FILE_CLOSED;
    EXPECT_OK(mr_file_open(&part, pub.files[0].part, MR_OPEN_APPEND, &r.cx));
    EXPECT_OK(mr_file_append(&part, MR_SPAN("x"), &r.cx));
    mr_file_close(&part, r.cx.plat);
    EXPECT_EQ(r.sink->type->recover(r.sink, &pub, &r.cx), MR_E_CORRUPT);
    EXPECT_OK(mr_file_delete(pub.files[0].part, &r.cx));
    EXPECT_EQ(r.sink->type->recover(r.sink, &pub, &r.cx), MR_E_MISSING);
    EXPECT(strncmp(r.cx.error.text, "1 rows of epoch 1 are gone: neither \"", 37) == 0);
    EXPECT_OK(mr_file_save(pub.files[0].final, MR_SPAN("other"), &r.cx));
    EXPECT_EQ(r.sink->type->recover(r.sink, &pub, &r.cx), MR_E_CORRUPT);
    rig_release(&r);
}

TEST(sinks, sweep_and_erase_only_what_is_theirs) {
    rig r;
    rig_init(&r);
    rig_option(&r, "partition_by", "country");
    REQUIRE_OK(rig_open(&r, &mr_sink_jsonl));
    static const char *const countries[] = {"IN", "US"};
    mr_batch batch = rows_of(&r, countries, 2);
    mr_publication pub;
    REQUIRE_OK(stage(&r, 1, &batch, &pub));
    REQUIRE_OK(r.sink->type->publish(r.sink, &pub, &r.cx));
    REQUIRE_OK(stage(&r, 2, &batch, &pub));
    static const char *const others[] = {
        "lake/t/.tmp/other/x.part",
        "lake/t/country=US/other-0000000000abcdef-00000007-1-0.jsonl",
        "lake/t/country=US/my-pipe-0000000000abcdef-00000007-1-0.parquet",
        "lake/t/my-pipe-notes.jsonl",
    };
    for (size_t i = 0; i < MR_COUNT(others); i++) {
        const char *path = mr_arena_printf(&r.arena, "%s/%s", r.dir, others[i]);
        const char *slash = strrchr(path, '/');
        EXPECT_OK(mr_dir_make(mr_arena_copy(&r.arena, path, (size_t)(slash - path)), &r.cx));
        EXPECT_OK(mr_file_save(path, MR_SPAN("mine"), &r.cx));
    }
    EXPECT_OK(r.sink->type->sweep(r.sink, &r.cx));
    EXPECT(!there(&r, "lake/t/.tmp/my-pipe"));
    EXPECT(there(&r, "lake/t/country=IN/my-pipe-0000000000abcdef-00000001-1-0.jsonl"));
    EXPECT_OK(r.sink->type->erase(r.sink, &r.cx));
    EXPECT(!there(&r, "lake/t/country=IN"));
    EXPECT(!there(&r, "lake/t/country=US/my-pipe-0000000000abcdef-00000001-1-1.jsonl"));
    for (size_t i = 0; i < MR_COUNT(others); i++) {
        EXPECT(there(&r, others[i]));
    }
    rig_release(&r);
}

#define TMP  "lake/t/.tmp/my-pipe"
#define MARK "my-pipe-0000000000abcdef-00000001-1-0.jsonl.taken"

static const char *mark_meanwhile;  // Made behind the next listing of the folder that it is in.

static int list_then_mark(mr_plat *plat, const char *path, mr_plat_visit visit, void *state) {
    mr_plat *real = mr_plat_linux();
    int ret = real->ops->dir_list(plat, path, visit, state);
    size_t bytes = strlen(path);
    if (mark_meanwhile != NULL && strncmp(mark_meanwhile, path, bytes) == 0 &&
        strchr(mark_meanwhile + bytes + 1, '/') == NULL) {
        uint64_t unused;
        int handle = real->ops->open(real, mark_meanwhile, MR_OPEN_CREATE, &unused);
        EXPECT(handle >= 0);
        real->ops->close(real, handle);
        mark_meanwhile = NULL;
    }
    return ret;
}

TEST(sinks, a_sweep_leaves_marks_of_what_was_taken) {
    rig r;
    rig_init(&r);
    REQUIRE_OK(rig_open(&r, &mr_sink_jsonl));
    static const char *const countries[] = {"IN"};
    mr_batch batch = rows_of(&r, countries, 1);
    mr_publication pub;
    mr_plat_ops ops = *mr_plat_linux()->ops;
    ops.dir_list = list_then_mark;
    mr_plat plat = {.ops = &ops};
    r.cx.plat = &plat;
    for (int meanwhile = 1; meanwhile >= 0; meanwhile--) {
        REQUIRE_OK(stage(&r, 1, &batch, &pub));
        EXPECT(there(&r, TMP "/my-pipe-0000000000abcdef-00000001-1-0.jsonl.part"));
        mark_meanwhile =
            meanwhile ? mr_arena_printf(&r.arena, "%s/" TMP "/" MARK, r.dir) : mark_meanwhile;
        EXPECT_OK(r.sink->type->sweep(r.sink, &r.cx));
        EXPECT(mark_meanwhile == NULL && there(&r, TMP "/" MARK));
        EXPECT(!there(&r, TMP "/my-pipe-0000000000abcdef-00000001-1-0.jsonl.part"));
    }
    EXPECT_OK(r.sink->type->erase(r.sink, &r.cx));
    EXPECT(!there(&r, TMP));
    r.cx.plat = mr_plat_linux();
    rig_release(&r);
}

TEST(sinks, abort_leaves_nothing_behind) {
    rig r;
    rig_init(&r);
    REQUIRE_OK(rig_open(&r, &mr_sink_jsonl));
    static const char *const countries[] = {"IN"};
    mr_batch batch = rows_of(&r, countries, 1);
    mr_publication_id id = {"my-pipe", 1, 1, 0};
    EXPECT_OK(r.sink->type->begin(r.sink, &id, &r.cx));
    EXPECT_OK(r.sink->type->write(r.sink, &batch, &r.cx));
    r.sink->type->abort(r.sink, &r.cx);
    mr_publication pub;
    EXPECT_OK(stage(&r, 1, &batch, &pub));
    EXPECT_EQ(pub.row_count, 1);
    EXPECT_OK(r.sink->type->begin(r.sink, &id, &r.cx));
    EXPECT_OK(r.sink->type->prepare(r.sink, &pub, &r.cx));
    EXPECT_EQ(pub.file_count, 0);
    EXPECT_OK(r.sink->type->publish(r.sink, &pub, &r.cx));
    rig_release(&r);
}

static const char *folder_for(rig *r, const char *root, const char *path) {
    r->values.count = 0;
    if (root != NULL) {
        rig_option(r, "root", root);
    }
    if (path != NULL) {
        rig_option(r, "path", path);
    }
    rig_close(r);
    if (rig_open(r, &mr_sink_parquet) != MR_OK) {
        return r->cx.error.text;
    }
    size_t bytes = strlen(r->dir);
    bool inside = strncmp(r->sink->path, r->dir, bytes) == 0;
    return mr_arena_printf(&r->arena, "%s%s", inside ? "DATA" : "",
                           r->sink->path + (inside ? bytes : 0));
}

TEST(sinks, find_their_folder) {
    rig r;
    rig_init(&r);
    EXPECT_STR(folder_for(&r, NULL, NULL), "DATA/lake/t");
    EXPECT_STR(folder_for(&r, NULL, "a/b"), "DATA/lake/a/b");
    EXPECT_STR(folder_for(&r, NULL, "/x/y"), "/x/y");
    EXPECT_STR(folder_for(&r, NULL, "a/b/"), "DATA/lake/a/b");
    EXPECT_STR(folder_for(&r, NULL, "a/b//./"), "DATA/lake/a/b");
    EXPECT_STR(folder_for(&r, NULL, "/x/y/."), "/x/y");
    EXPECT_STR(folder_for(&r, "data/lake", "a/"), "DATA/lake/a");
    EXPECT_STR(folder_for(&r, "/out", "a"), "/out/a");
    EXPECT_STR(folder_for(&r, "out", "a"), "out/a");
    EXPECT_STR(folder_for(&r, "data/lake", "a"), "DATA/lake/a");
    EXPECT_STR(folder_for(&r, "data/lake", "/x"), "/x");
    EXPECT_STR(folder_for(&r, "data/lake", "../x"), "path \"../x\" of table \"t\" has a \"..\"");
    r.values.count = 0;
    rig_option(&r, "partition_by", "id,contry");
    rig_close(&r);
    EXPECT_EQ(rig_open(&r, &mr_sink_parquet), MR_E_NAME);
    EXPECT_STR(r.cx.error.hint, "Did you mean \"country\"?");
    rig_release(&r);
}

TEST(sinks, console_shows_what_spark_shows) {
    rig r;
    rig_init(&r);
    rig_option(&r, "rows", "2");
    REQUIRE_OK(rig_open(&r, &mr_sink_console));
    static const char *const countries[] = {"a country with a very long name", NULL, "x"};
    mr_batch batch = rows_of(&r, countries, 3);
    mr_publication pub, stale;
    REQUIRE_OK(stage(&r, 4, &batch, &stale));
    REQUIRE_OK(stage(&r, 5, &batch, &pub));
    EXPECT_EQ(pub.file_count, 0);
    fflush(stdout);
    int out = dup(1);
    FILE *file = fopen(mr_arena_printf(&r.arena, "%s/out", r.dir), "w");
    dup2(fileno(file), 1);
    mr_code code = r.sink->type->publish(r.sink, &pub, &r.cx);
    mr_code again = r.sink->type->publish(r.sink, &pub, &r.cx);
    dup2(out, 1);
    close(out);
    fclose(file);
    EXPECT_OK(code);
    EXPECT_OK(again);
    EXPECT_STR(text_of(&r, "out"), "-------------------------------------------\n"
                                   "Batch: 5\n"
                                   "-------------------------------------------\n"
                                   "+---+--------------------+---+\n"
                                   "| id|             country|  v|\n"
                                   "+---+--------------------+---+\n"
                                   "|  0|a country with a ...|0.0|\n"
                                   "|  1|                NULL|0.5|\n"
                                   "+---+--------------------+---+\n"
                                   "only showing top 2 rows\n\n");
    rig_release(&r);
}

TEST(name, survives_the_way_there_and_back) {
    static const char *const pipelines[] = {"retail", "a-b", "x-0000000000000001-00000002-3-4",
                                            "a.b"};
    mr_arena arena = {0};
    for (size_t i = 0; i < MR_COUNT(pipelines); i++) {
        mr_name in = {mr_span_of(pipelines[i]), UINT64_MAX - i, 123456789012u, 7, 8,
                      MR_SPAN(".jsonl.zst")};
        mr_name out;
        REQUIRE(mr_name_parse(mr_span_of(mr_name_make(&in, &arena)), &out));
        EXPECT(mr_span_equal(in.pipeline, out.pipeline) && mr_span_equal(in.ending, out.ending));
        EXPECT_EQ(out.incarnation, in.incarnation);
        EXPECT_EQ(out.epoch, in.epoch);
        EXPECT_EQ(out.sink, 7);
        EXPECT_EQ(out.number, 8);
    }
    static const char *const wrong[] = {
        "",          "a",           "a-1-2-3.x",  "-1-2-3-4.x",  "a.x-1",
        "a-1-2-3-4", "a-1-2-3-b.x", "a-1-2--4.x", "a-g-2-3-4.x", "a-1-2-3-99999999999.x"};
    for (size_t i = 0; i < MR_COUNT(wrong); i++) {
        mr_name out;
        EXPECT(!mr_name_parse(mr_span_of(wrong[i]), &out));
    }
    mr_arena_release(&arena);
}
