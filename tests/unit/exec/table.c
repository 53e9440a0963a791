// Static tables: their keys.

#include "exec/table.h"

#include "runner.h"

static mr_column table_columns[] = {
    {.name = "id", .type = MR_TYPE(MR_INT32)},
    {.name = "name", .type = MR_TYPE(MR_TEXT)},
};

// A table of these ids (0 = NULL) with column `key` as its primary key; -1 = none.
static mr_code table_of(const int32_t *ids, uint32_t count, int32_t key, mr_table *ret, mr_cx *cx) {
    static mr_plan_table plan;
    plan = (mr_plan_table){.name = "t",
                           .schema = {.columns = table_columns, .count = 2},
                           .primary_key = key,
                           .place = MR_NOWHERE};
    mr_batch batch = mr_batch_new(cx->arena, 2, count);
    uint64_t *valid = MR_NEW_ARRAY(cx->arena, uint64_t, mr_bits_words(count));
    mr_str *names = MR_NEW_ARRAY(cx->arena, mr_str, count);
    for (uint32_t row = 0; row < count; row++) {
        mr_bits_put(valid, row, ids[row] != 0);
        names[row] = (mr_str){.data = "abcdefgh" + ids[row] % 8, .bytes = 1};
    }
    batch.columns[0] = (mr_vector){.type = table_columns[0].type,
                                   .kind = MR_FLAT,
                                   .valid = valid,
                                   .data = mr_arena_copy(cx->arena, (const char *)ids, count * 4)};
    batch.columns[1] = (mr_vector){.type = table_columns[1].type, .kind = MR_FLAT, .strs = names};
    mr_rows rows;
    mr_rows_init(&rows, &plan.schema);
    mr_rows_append(&rows, &batch);
    return mr_table_init(ret, &plan, &rows, cx);
}

TEST(table, primary_keys_are_there_and_come_once) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    static const int32_t fine[] = {5, 3, 6, 4};
    static const int32_t twice[] = {5, 3, 4, 3};
    static const int32_t null[] = {5, 0, 3};
    mr_table table;
    EXPECT_OK(table_of(fine, 4, 0, &table, &cx));
    mr_table_release(&table);
    EXPECT_EQ(table_of(twice, 4, 0, &table, &cx), MR_E_EXISTS);
    EXPECT_STR(cx.error.text, "primary key \"id\" of table \"t\" has 3 twice");
    mr_table_release(&table);
    EXPECT_EQ(table_of(null, 3, 0, &table, &cx), MR_E_VALUE);
    EXPECT_STR(cx.error.text, "primary key \"id\" of table \"t\" is NULL in a row");
    mr_table_release(&table);
    EXPECT_EQ(table_of(twice, 4, 1, &table, &cx), MR_E_EXISTS);
    EXPECT_STR(cx.error.text, "primary key \"name\" of table \"t\" has d twice");
    mr_table_release(&table);
    EXPECT_OK(table_of(twice, 4, -1, &table, &cx));
    mr_table_release(&table);
    mr_arena_release(&arena);
}
