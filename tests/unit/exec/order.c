// Order: rows of several workers come together in the order of their source.

#include "exec/order.h"

#include "runner.h"

#define WORKERS 3

typedef struct world {
    mr_arena arena;
    mr_schema schema;
    mr_column column;
    mr_rows rows[WORKERS];
    mr_order orders[WORKERS];
} world;

static void begin(world *w, bool by_row) {
    *w = (world){.column = {.name = "id", .type = MR_TYPE(MR_INT64)}};
    w->schema = (mr_schema){.columns = &w->column, .count = 1};
    for (int i = 0; i < WORKERS; i++) {
        mr_rows_init(&w->rows[i], &w->schema);
        w->orders[i].by_row = by_row;
    }
}

static void end(world *w) {
    for (int i = 0; i < WORKERS; i++) {
        mr_rows_release(&w->rows[i]);
        mr_order_release(&w->orders[i]);
    }
    mr_arena_release(&w->arena);
}

// Rows first, first + step … of a chunk; a row's id is its place as well.
typedef struct lot {
    uint64_t claim;
    int64_t first;
    int64_t step;
    uint32_t count;
} lot;

static void collect(world *w, int worker, lot some) {
    uint32_t count = some.count;
    mr_batch batch = mr_batch_new(&w->arena, 1, count);
    int64_t *ids = MR_NEW_ARRAY(&w->arena, int64_t, count);
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = some.first + some.step * i;
    }
    batch.columns[0] = (mr_vector){.type = MR_TYPE(MR_INT64), .kind = MR_FLAT, .data = ids};
    mr_origin origin = {.offsets = ids};
    batch.origin = &origin;
    mr_order_note(&w->orders[worker], some.claim, w->rows[worker].row_count, &batch);
    mr_rows_append(&w->rows[worker], &batch);
}

static void expect_ascending(world *w, uint64_t count) {
    mr_order_part parts[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        parts[i] = (mr_order_part){&w->rows[i], &w->orders[i]};
    }
    mr_rows out;
    mr_rows_init(&out, &w->schema);
    mr_order_merge(parts, WORKERS, &out, &w->arena);
    EXPECT_EQ(out.row_count, count);
    const int64_t *ids = (const int64_t *)out.columns[0].values;
    for (uint64_t i = 0; i < out.row_count; i++) {
        if (!EXPECT_EQ(ids[i], i)) {
            break;
        }
    }
    mr_rows_release(&out);
}

TEST(order, chunks_follow_each_other_as_they_were_claimed) {
    world w;
    begin(&w, false);
    expect_ascending(&w, 0);
    collect(&w, 2, (lot){0, 0, 1, 10});
    collect(&w, 0, (lot){1, 10, 1, 5});
    collect(&w, 0, (lot){1, 15, 1, 5});  // A second batch of the same chunk.
    collect(&w, 2, (lot){2, 20, 1, 1});
    collect(&w, 0, (lot){4, 28, 1, 2});
    collect(&w, 2, (lot){3, 21, 1, 7});
    expect_ascending(&w, 30);
    end(&w);
}

TEST(order, rows_of_one_chunk_are_put_together_again_behind_a_distinct) {
    world w;
    begin(&w, true);
    for (int round = 0; round < 2; round++) {
        // Chunk 7 first, spread over all three; then chunk 9, more than one batch of it.
        for (int i = 0; i < WORKERS; i++) {
            collect(&w, i, (lot){7, i, WORKERS, 100});
            collect(&w, i, (lot){9, 300 + i, WORKERS, 2000});
            collect(&w, i, (lot){9, 6300 + i, WORKERS, 100});
        }
        collect(&w, 1, (lot){10, 6600, 1, 50});
        expect_ascending(&w, 6650);
        for (int i = 0; i < WORKERS; i++) {  // The next epoch uses the memory again.
            mr_rows_clear(&w.rows[i]);
            mr_order_clear(&w.orders[i]);
        }
    }
    end(&w);
}
