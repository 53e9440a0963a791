// Token sink: rows are handed over once, a torn frame is cut off, staged rows are kept until then.

#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"
#include "plat/plat.h"
#include "plat/sim.h"
#include "runner.h"

typedef struct rig {
    mr_arena arena;
    mr_cx cx;
    mr_column column;
    mr_schema schema;
    mr_option_values values;
    mr_sink_spec spec;
    mr_sink *sink;
} rig;

static void rig_start(rig *r, const char *pipeline) {
    r->spec = (mr_sink_spec){.table = "t",
                             .pipeline = pipeline,
                             .schema = &r->schema,
                             .options = &r->values,
                             .data_dir = "data"};
    r->sink = mr_heap_alloc(mr_sink_test_token.size);
    r->sink->type = &mr_sink_test_token;
    EXPECT_OK(mr_sink_test_token.open(r->sink, &r->spec, &r->cx));
}

static void rig_stop(rig *r) {
    mr_sink_test_token.close(r->sink);
    mr_heap_free(r->sink);
}

static void rig_init(rig *r) {
    memset(r, 0, sizeof(*r));
    mr_cx_init(&r->cx, &r->arena, mr_sim_new(1));
    r->column = (mr_column){.name = "id", .type = MR_TYPE(MR_INT64)};
    r->schema = (mr_schema){&r->column, 1};
    rig_start(r, "p");
}

static void rig_release(rig *r) {
    rig_stop(r);
    mr_sim_free(r->cx.plat);
    mr_arena_release(&r->arena);
}

static mr_publication staged(rig *r, uint64_t epoch) {
    mr_publication_id id = {r->spec.pipeline, 10, epoch, 2};
    mr_batch batch = mr_batch_new(&r->arena, 1, 1);
    batch.columns[0] = mr_vector_flat(&r->arena, r->column.type, 1);
    batch.columns[0].int64s[0] = (int64_t)epoch;
    mr_publication publication = {.file_count = 0};
    EXPECT_OK(mr_sink_test_token.begin(r->sink, &id, &r->cx));
    EXPECT_OK(mr_sink_test_token.write(r->sink, &batch, &r->cx));
    EXPECT_OK(mr_sink_test_token.prepare(r->sink, &publication, &r->cx));
    return publication;
}

static const char *outside(rig *r) {
    mr_span text;
    return mr_file_load("data/lake/t/outside.log", 1 << 20, &text, &r->cx) == MR_OK ? text.data
                                                                                    : "none";
}

TEST(sink_token, hands_over_once) {
    rig r;
    rig_init(&r);
    mr_publication first = staged(&r, 1), second = staged(&r, 2);
    EXPECT_STR(outside(&r), "none");
    EXPECT_OK(mr_sink_test_token.publish(r.sink, &first, &r.cx));
    EXPECT(!mr_file_exists(first.files[0].part, &r.cx));
    EXPECT_OK(mr_sink_test_token.publish(r.sink, &first, &r.cx));
    EXPECT_OK(mr_sink_test_token.publish(r.sink, &second, &r.cx));
    const char *both = mr_arena_string(&r.arena, outside(&r));
    EXPECT(strncmp(both, "#9 ", 3) == 0);
    EXPECT(strstr(both, " p-000000000000000a-00000001-2-0.token\n{\"id\":1}\n#9 ") != NULL);
    rig_stop(&r);
    rig_start(&r, "p");
    EXPECT_OK(mr_sink_test_token.recover(r.sink, &first, &r.cx));
    EXPECT_OK(mr_sink_test_token.recover(r.sink, &second, &r.cx));
    EXPECT_STR(outside(&r), both);
    rig_release(&r);
}

TEST(sink_token, cuts_off_a_torn_frame_and_names_what_is_gone) {
    rig r;
    rig_init(&r);
    mr_publication first = staged(&r, 1), second = staged(&r, 2);
    EXPECT_OK(mr_sink_test_token.publish(r.sink, &first, &r.cx));
    const char *one = mr_arena_string(&r.arena, outside(&r));
    mr_file file = MR_FILE_CLOSED;
    REQUIRE_OK(mr_file_open(&file, "data/lake/t/outside.log", MR_OPEN_APPEND, &r.cx));
    EXPECT_OK(mr_file_append(&file, MR_SPAN("#9 0000"), &r.cx));
    mr_file_close(&file, r.cx.plat);
    rig_stop(&r);
    rig_start(&r, "p");
    EXPECT_OK(mr_sink_test_token.recover(r.sink, &second, &r.cx));
    EXPECT(strncmp(outside(&r), one, strlen(one)) == 0);
    EXPECT(strstr(outside(&r), "}\n#9 ") != NULL && strstr(outside(&r), "0000#9") == NULL);
    mr_publication third = staged(&r, 3);
    EXPECT_OK(mr_file_delete(third.files[0].part, &r.cx));
    EXPECT_EQ(mr_sink_test_token.recover(r.sink, &third, &r.cx), MR_E_MISSING);
    EXPECT(strncmp(r.cx.error.text, "1 rows of epoch 3 are gone", 26) == 0);
    rig_release(&r);
}

TEST(sink_token, erases_its_own_frames) {
    rig r;
    rig_init(&r);
    mr_publication mine = staged(&r, 1);
    EXPECT_OK(mr_sink_test_token.publish(r.sink, &mine, &r.cx));
    rig_stop(&r);
    rig_start(&r, "other");
    mr_publication theirs = staged(&r, 1);
    EXPECT_OK(mr_sink_test_token.publish(r.sink, &theirs, &r.cx));
    rig_stop(&r);
    rig_start(&r, "p");
    EXPECT_OK(mr_sink_test_token.erase(r.sink, &r.cx));
    EXPECT(strstr(outside(&r), " other-") != NULL && strstr(outside(&r), " p-") == NULL);
    EXPECT_OK(mr_sink_test_token.sweep(r.sink, &r.cx));
    EXPECT(!mr_file_exists(mine.files[0].part, &r.cx));
    rig_release(&r);
}
