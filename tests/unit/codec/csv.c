// CSV: what is read, what is refused and with which words, and that writing reads back.

#include "codec/csv.h"

#include "runner.h"

static mr_column csv_columns[] = {
    {"user_id", {.id = MR_INT32}, true},
    {"name", {.id = MR_TEXT}, false},
    {"score", {.id = MR_FLOAT64}, false},
};
static const mr_schema csv_schema = {csv_columns, MR_COUNT(csv_columns)};

typedef struct csv_case {
    mr_arena arena;
    mr_cx cx;
    mr_rows rows;
    mr_text out;
} csv_case;

// Reads text by a schema and writes it again into k->out, without a header.
static mr_code reread(csv_case *k, const mr_schema *schema, mr_span text, mr_csv_options options) {
    memset(k, 0, sizeof(*k));
    mr_cx_init(&k->cx, &k->arena, NULL);
    mr_rows_init(&k->rows, schema);
    mr_text_init(&k->out, &k->arena);
    MR_TRY(mr_csv_read(&k->rows, text, "dim/users.csv", &options, &k->cx));
    options.header = false;
    for (uint64_t row = 0; row < k->rows.row_count;) {
        uint32_t count = (uint32_t)MR_MIN(k->rows.row_count - row, (uint64_t)MR_BATCH_ROWS_MAX);
        mr_batch batch;
        mr_rows_batch(&k->rows, row, count, &k->arena, &batch);
        mr_csv_write(schema, &batch, &options, &k->out);
        row += count;
    }
    return MR_OK;
}

static void done(csv_case *k) {
    mr_rows_release(&k->rows);
    mr_arena_release(&k->arena);
}

TEST(csv, reads_quotes_line_ends_and_nulls) {
    static const struct {
        mr_span in;
        const char *out;
    } cases[] = {
        {MR_SPAN(""), ""},
        {MR_SPAN("1,a,2"), "1,a,2.0\n"},
        {MR_SPAN("1,a,2\n"), "1,a,2.0\n"},
        {MR_SPAN("1,a,2\r\n2,b,3\r\n"), "1,a,2.0\n2,b,3.0\n"},
        {MR_SPAN("\xEF\xBB\xBF"
                 "1,a,2\n\n\r\n2,b,3\n\n"),
         "1,a,2.0\n2,b,3.0\n"},
        {MR_SPAN("1,,\n"), "1,,\n"},
        {MR_SPAN("1,\"\",\n"), "1,\"\",\n"},
        {MR_SPAN("1,\"say \"\"hi\"\"\",\n"), "1,\"say \"\"hi\"\"\",\n"},
        {MR_SPAN("1,\"two\nlines, one field\",0.5\r\n"), "1,\"two\nlines, one field\",0.5\n"},
        {MR_SPAN("\"1\",a\"b,\"1e3\"\n"), "1,\"a\"\"b\",1000.0\n"},
        {MR_SPAN("-2147483648, a ,nan\n"), "-2147483648, a ,nan\n"},
        {MR_SPAN("1,\"\"\"\",-inf"), "1,\"\"\"\",-inf\n"},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        csv_case k;
        EXPECT_OK(reread(&k, &csv_schema, cases[i].in, (mr_csv_options){.header = false}));
        EXPECT_STR(mr_text_string(&k.out), cases[i].out);
        done(&k);
    }
}

TEST(csv, header_maps_columns_by_name_and_ignores_others) {
    csv_case k;
    mr_span text = MR_SPAN("x,score,\"user_id\",name\n9,1.5,7,seven\n");
    EXPECT_OK(reread(&k, &csv_schema, text, (mr_csv_options){.header = true}));
    EXPECT_STR(mr_text_string(&k.out), "7,seven,1.5\n");
    done(&k);
}

TEST(csv, delimiter_and_null_text_can_be_chosen) {
    csv_case k;
    mr_csv_options options = {.delimiter = ';', .null_text = "NA"};
    mr_span text = MR_SPAN("1;NA;NA\n2;\"NA\";1\n3;;2\n4;a,b;3\n");
    EXPECT_OK(reread(&k, &csv_schema, text, options));
    EXPECT_EQ(k.rows.columns[1].null_count, 1);
    EXPECT_STR(mr_text_string(&k.out), "1;NA;NA\n2;\"NA\";1.0\n3;;2.0\n4;a,b;3.0\n");
    done(&k);
}

TEST(csv, messages_name_file_line_column_and_value) {
    static const struct {
        mr_span in;
        bool header;
        mr_code code;
        const char *text;
    } cases[] = {
        {MR_SPAN("1,a,2\nabc,b,3\n"), false, MR_E_VALUE,
         "dim/users.csv:2: column \"user_id\": \"abc\" is not an integer"},
        {MR_SPAN("1,\"a\n\nb\",2\n\n2.5,b,3\n"), false, MR_E_VALUE,
         "dim/users.csv:5: column \"user_id\": \"2.5\" is not an integer"},
        {MR_SPAN("2147483648,b,3\n"), false, MR_E_VALUE,
         "dim/users.csv:1: column \"user_id\": \"2147483648\" is out of range for integer"},
        {MR_SPAN("-"), false, MR_E_VALUE,
         "dim/users.csv:1: column \"user_id\": \"-\" is not an integer"},
        {MR_SPAN("1,b,fast\n"), false, MR_E_VALUE,
         "dim/users.csv:1: column \"score\": \"fast\" is not a number"},
        {MR_SPAN("1,\xFF,2\n"), false, MR_E_VALUE,
         "dim/users.csv:1: column \"name\": \"?\" is not valid UTF-8"},
        {MR_SPAN("\n,b,3\n"), false, MR_E_VALUE,
         "dim/users.csv:2: column \"user_id\": NULL in a NOT NULL column"},
        {MR_SPAN("1,a\n"), false, MR_E_VALUE, "dim/users.csv:1: 2 fields where 3 are expected"},
        {MR_SPAN("1,a,2,3\n"), false, MR_E_VALUE, "dim/users.csv:1: 4 fields where 3 are expected"},
        {MR_SPAN("1,\"a,2\n2,b,3\n"), false, MR_E_VALUE,
         "dim/users.csv:1: quoted field does not end"},
        {MR_SPAN("1,a,2\n1,\"a\"b,2\n"), false, MR_E_VALUE,
         "dim/users.csv:2: text behind a quoted field"},
        {MR_SPAN("user_is,name,score\n"), true, MR_E_NAME,
         "dim/users.csv:1: no column \"user_id\" in the header"},
        {MR_SPAN("user_id,name,score,name\n"), true, MR_E_NAME,
         "dim/users.csv:1: column \"name\" is there 2 times"},
        {MR_SPAN(""), true, MR_E_NAME, "dim/users.csv:1: no column \"user_id\" in the header"},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        csv_case k;
        mr_csv_options options = {.header = cases[i].header};
        EXPECT_EQ(reread(&k, &csv_schema, cases[i].in, options), cases[i].code);
        EXPECT_STR(k.cx.error.text, cases[i].text);
        if (i == 11) {
            EXPECT_STR(k.cx.error.hint, "Did you mean \"user_is\"?");
        }
        done(&k);
    }
}

TEST(csv, every_type_reads_back_what_was_written) {
    mr_column columns[] = {
        {"b", MR_TYPE(MR_BOOL), false},      {"l", MR_TYPE(MR_INT64), false},
        {"x", MR_TYPE(MR_BYTES), false},     {"d", MR_TYPE(MR_DATE), false},
        {"t", MR_TYPE(MR_TIMESTAMP), false}, {"z", MR_TYPE(MR_TIMESTAMPTZ), false},
    };
    mr_schema schema = {columns, MR_COUNT(columns)};
    mr_span text = MR_SPAN("T,9223372036854775807,a\\x00\\xFf,2026-01-01,2026-01-01T10:00:00.5,"
                           "2026-01-01 10:00:00+02\n0,-1,,,,\n");
    static const char *const want =
        "true,9223372036854775807,a\\x00\\xFF,2026-01-01,2026-01-01 10:00:00.5,"
        "2026-01-01 08:00:00+00\nfalse,-1,,,,\n";
    csv_case k;
    EXPECT_OK(reread(&k, &schema, text, (mr_csv_options){.header = false}));
    EXPECT_STR(mr_text_string(&k.out), want);
    csv_case again;
    EXPECT_OK(reread(&again, &schema, mr_text_span(&k.out), (mr_csv_options){.header = false}));
    EXPECT_STR(mr_text_string(&again.out), want);
    done(&again);
    done(&k);
    mr_arena arena = {0};
    columns[0].type = mr_type_list(MR_TYPE(MR_INT32), &arena);
    EXPECT_EQ(reread(&k, &schema, text, (mr_csv_options){.header = false}), MR_E_TYPE);
    done(&k);
    mr_arena_release(&arena);
}

TEST(csv, blank_lines_of_one_column_are_null) {
    mr_schema schema = {&csv_columns[1], 1};
    csv_case k;
    EXPECT_OK(reread(&k, &schema, MR_SPAN("a\n\n\"\"\nb\n"), (mr_csv_options){.header = false}));
    EXPECT_EQ(k.rows.row_count, 4);
    EXPECT_EQ(k.rows.columns[0].null_count, 1);
    EXPECT_STR(mr_text_string(&k.out), "a\n\n\"\"\nb\n");
    done(&k);
}

TEST(csv, files_of_many_batches_are_read_whole) {
    mr_text text;
    mr_text_init(&text, NULL);
    for (int i = 0; i < 10000; i++) {
        mr_text_addf(&text, "%d,\"n\"\"%d\",%d.5\n", i, i, i);
    }
    csv_case k;
    EXPECT_OK(reread(&k, &csv_schema, mr_text_span(&text), (mr_csv_options){.header = false}));
    EXPECT_EQ(k.rows.row_count, 10000);
    EXPECT_STR(mr_text_string(&k.out), mr_text_string(&text));
    done(&k);
    mr_text_release(&text);
}

TEST(csv, numbers_ids_and_times_of_every_type) {
    static mr_column columns[] = {
        {"s", {.id = MR_INT16}, false},   {"n", MR_NUMERIC(6, 2), false},
        {"f", {.id = MR_FLOAT32}, false}, {"u", {.id = MR_UUID}, false},
        {"t", {.id = MR_TIME}, false},    {"i", {.id = MR_INTERVAL}, false},
    };
    static const mr_schema schema = {columns, MR_COUNT(columns)};
    csv_case k;
    mr_csv_options options = {0};
    EXPECT_OK(reread(&k, &schema,
                     MR_SPAN("-32768,1.005,0.1,A0EEBC999C0B4EF8BB6D6BB9BD380A11,1:2:3.5,1 day\n"
                             " 7 , 1e3,inf,,24:00:00,\n,,,,,02:00:00\n"),
                     options));
    EXPECT_STR(mr_text_string(&k.out),
               "-32768,1.01,0.1,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,01:02:03.5,1 day\n"
               "7,1000.00,inf,,24:00:00,\n,,,,,02:00:00\n");
    done(&k);
    static const struct {
        mr_span in;
        const char *error;
    } wrong[] = {
        {MR_SPAN("32768,,,,,\n"),
         "dim/users.csv:1: column \"s\": \"32768\" is out of range for smallint"},
        {MR_SPAN(",9999.995,,,,\n"),
         "dim/users.csv:1: column \"n\": \"9999.995\" does not fit numeric(6,2)"},
        {MR_SPAN(",x,,,,\n"), "dim/users.csv:1: column \"n\": \"x\" is not a number"},
        {MR_SPAN(",,1e39,,,\n"), "dim/users.csv:1: column \"f\": \"1e39\" is not a number"},
        {MR_SPAN(",,,x,,\n"), "dim/users.csv:1: column \"u\": \"x\" is not a uuid"},
        {MR_SPAN(",,,,25:00,\n"), "dim/users.csv:1: column \"t\": \"25:00\" is not a time"},
        {MR_SPAN(",,,,,soon\n"), "dim/users.csv:1: column \"i\": \"soon\" is not an interval"},
    };
    for (size_t i = 0; i < MR_COUNT(wrong); i++) {
        EXPECT_EQ(reread(&k, &schema, wrong[i].in, options), MR_E_VALUE);
        EXPECT_STR(k.cx.error.text, wrong[i].error);
        done(&k);
    }
}
