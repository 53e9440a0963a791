// Fuzz target: planning of arbitrary text. It ends in a plan that prints, or in errors that have
// words.
//
// Text that starts with '-' (a comment, as the cases of the golden files do) is planned behind a
// head of declarations, so that queries have something to read.

#include <stdint.h>
#include <string.h>

#include "unit/sql/fake.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const char head[] =
    "CREATE SERVER kafka FOREIGN DATA WRAPPER kafka;"
    "CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path 'data/lake');"
    "CREATE SERVER console FOREIGN DATA WRAPPER console;"
    "CREATE FOREIGN TABLE events (id text, n int, user_id int, big bigint, x double precision, ok "
    "boolean, day date, at timestamp, ts timestamptz OPTIONS (watermark '30 seconds')) SERVER "
    "kafka OPTIONS (topic 'events');"
    "CREATE FOREIGN TABLE plain (id text, n int, at timestamptz) SERVER kafka OPTIONS (topic 'p');"
    "CREATE TABLE users (id text PRIMARY KEY, user_id int, segment text, age int, since date);"
    "COPY users FROM 'dim/users.csv' (FORMAT csv, HEADER);"
    "CREATE FOREIGN TABLE out () SERVER lake; CREATE FOREIGN TABLE shown () SERVER console;\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    mr_arena arena;
    mr_arena_init(&arena);
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    mr_text text, out;
    mr_text_init(&text, &arena);
    mr_text_init(&out, &arena);
    if (bytes > 0 && data[0] == '-') {
        mr_text_add(&text, head);
    }
    mr_text_add_bytes(&text, data, bytes);
    mr_pipeline *pipeline = NULL;
    mr_sql_errors errors;
    mr_code code = mr_plan_make(mr_text_span(&text), &fake_env, &pipeline, &errors, &cx);
    mr_assert((code == MR_OK) == (errors.count == 0));
    if (code == MR_OK) {
        mr_plan_print(pipeline, &out);
        for (uint32_t i = 0; i < pipeline->plan_count; i++) {
            const mr_plan *plan = pipeline->plans[i];
            mr_assert(plan->id == i && (plan->input == NULL || plan->input->id < i));
        }
        mr_plan_release(pipeline);
    } else {
        fake_print_errors(&errors, &out);
    }
    mr_assert(out.bytes > 0);
    mr_arena_release(&arena);
    return 0;
}
