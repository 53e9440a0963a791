// parquet_dump: writes a Parquet file of random schema, kinds of vectors and values from a seed.
//
//   parquet_dump SEED PREFIX
//
// Makes PREFIX.parquet, PREFIX.rows (the same rows as mr_rows_encode keeps them, for exact
// comparison) and PREFIX.json (schema and options). Same seed, same bytes. Read back by
// parquet_readback.py.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/parquet.h"

#define COLUMNS_MAX 9

// How a column's values are spread; each stresses another path of the writer.
typedef enum dump_spread {
    SPREAD_FEW,     // A dictionary that pays.
    SPREAD_MANY,    // One that does not.
    SPREAD_RUNS,    // Long runs of equal values.
    SPREAD_CHANGE,  // Few, then many: given up within a chunk.
    SPREAD_NULL,    // Nothing but NULL.
    SPREAD_HUGE,    // Strings of many sizes, some of a page.
    SPREAD_COUNT
} dump_spread;

typedef struct dump_column {
    dump_spread spread;
    uint32_t null_percent;
    mr_dict *dicts[6];
    int64_t run_value;
    uint32_t run_left;
} dump_column;

typedef struct dump {
    uint64_t random;
    uint64_t rows_total;
    uint64_t row;
    mr_schema schema;
    dump_column columns[COLUMNS_MAX];
    mr_arena life;
    mr_arena batch;
    mr_cx cx;
} dump;

static uint64_t dump_random(dump *d) {
    d->random += 0x9E3779B97F4A7C15u;
    return mr_hash_u64(d->random, /* seed= */ 1);
}

static uint32_t dump_below(dump *d, uint64_t limit) {
    return (uint32_t)(dump_random(d) % limit);
}

static void dump_check(dump *d, mr_code code) {
    if (code != MR_OK) {
        fprintf(stderr, "parquet_dump: %s\n", d->cx.error.text);
        exit(1);
    }
}

static int64_t dump_number(dump *d, dump_column *column) {
    switch (column->spread) {
    case SPREAD_FEW: return (int64_t)dump_below(d, 40) - 20;
    case SPREAD_RUNS:
        if (column->run_left == 0) {
            column->run_left = dump_below(d, 200);
            column->run_value = dump_below(d, 1000);
        } else {
            column->run_left--;
        }
        return column->run_value;
    case SPREAD_CHANGE:
        if (d->row < d->rows_total / 2) {
            return dump_below(d, 7);
        }
        break;
    case SPREAD_MANY:
    case SPREAD_NULL:
    case SPREAD_HUGE:
    case SPREAD_COUNT: break;
    }
    return (int64_t)dump_random(d);
}

static double dump_double(dump *d, dump_column *column) {
    static const double odd[] = {0.0, -0.0, 1e308, -1e308, 5e-324, 0.1};
    int64_t number = dump_number(d, column);
    uint32_t pick = dump_below(d, 100);
    // Runs are of no negative numbers, so that a zero is at the lower end.
    if (pick < (column->spread == SPREAD_RUNS ? 2 : MR_COUNT(odd))) {
        return odd[pick];
    }
    if (pick == 50 && column->null_percent == 10) {
        return __builtin_nan("");
    }
    if (pick == 51 && column->null_percent > 0) {
        return number < 0 ? -__builtin_inf() : __builtin_inf();
    }
    return (double)number / 7;
}

static mr_str dump_string(dump *d, dump_column *column, mr_type type) {
    uint64_t number = (uint64_t)dump_number(d, column);
    mr_text text;
    mr_text_init(&text, &d->batch);
    mr_text_addf(&text, "%s%" PRIx64, number % 5 == 0 ? "zürich/" : "", number);
    if (number % 31 == 0) {
        mr_text_clear(&text);
    }
    if (column->spread == SPREAD_HUGE) {
        uint32_t bytes = dump_below(d, 300) == 0 ? dump_below(d, 1500000) : dump_below(d, 100);
        memset(mr_text_grow(&text, bytes), 'a' + (int)(number % 26), bytes);
    }
    if (type.id == MR_BYTES && number % 3 == 0) {
        mr_text_add_bytes(&text, &number, sizeof(number));  // Not UTF-8.
    }
    return (mr_str){.data = text.data, .bytes = (uint32_t)text.bytes};
}

static void dump_value(dump *d, dump_column *column, mr_vector *v, uint32_t at) {
    switch (v->type.id) {
    case MR_BOOL: v->bools[at] = dump_number(d, column) & 1; break;
    case MR_INT32: v->int32s[at] = (int32_t)dump_number(d, column); break;
    // Microseconds and days that every reader can hold.
    case MR_DATE: v->int32s[at] = (int32_t)(dump_number(d, column) % 700000); break;
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: v->int64s[at] = dump_number(d, column) % 60000000000000000; break;
    case MR_INT64: v->int64s[at] = dump_number(d, column); break;
    case MR_FLOAT64: v->float64s[at] = dump_double(d, column); break;
    case MR_TEXT:
    case MR_BYTES: v->strs[at] = dump_string(d, column, v->type); break;
    case MR_INT16:  // These are in tests/e2e/test_parquet_types.py.
    case MR_NUMERIC:
    case MR_FLOAT32:
    case MR_UUID:
    case MR_TIME:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_NULLTYPE:
    case MR_INTERVAL:
    case MR_TYPE_COUNT: mr_assert(false); break;
    }
}

// A text vector as codes, where its values fit into the dictionary.
static void dump_to_dict(dump *d, dump_column *column, mr_vector *v, uint32_t rows) {
    mr_dict **dict = &column->dicts[dump_below(d, MR_COUNT(column->dicts))];
    if (*dict == NULL) {
        *dict = mr_dict_new();
    }
    uint32_t *codes = mr_arena_raw(&d->batch, sizeof(uint32_t) * rows);
    for (uint32_t i = 0; i < rows; i++) {
        mr_str value = mr_vector_is_null(v, i) ? (mr_str){.data = ""} : v->strs[i];
        if (!mr_dict_code(*dict, value, &codes[i])) {
            return;
        }
    }
    v->kind = MR_DICT;
    v->codes = codes;
    v->dict = *dict;
}

static mr_vector dump_vector(dump *d, uint32_t c, uint32_t rows) {
    dump_column *column = &d->columns[c];
    mr_type type = d->schema.columns[c].type;
    uint32_t kind = dump_below(d, 4);
    bool constant = kind == 0 && rows > 0 && dump_below(d, 4) == 0;
    uint32_t count = constant ? 1 : rows;
    if (constant && column->null_percent == 100) {
        return mr_vector_null(&d->batch, type);
    }
    mr_vector v = mr_vector_flat(&d->batch, type, rows);
    v.kind = constant ? MR_CONST : MR_FLAT;
    if (column->null_percent > 0) {
        mr_vector_own_valid(&v, &d->batch, rows);
    }
    for (uint32_t i = 0; i < count; i++) {
        dump_value(d, column, &v, i);
        if (dump_below(d, 100) < column->null_percent) {
            mr_bits_clear(v.valid, i);
        }
    }
    if (type.id == MR_TEXT && !constant && kind == 1 && column->spread != SPREAD_HUGE) {
        dump_to_dict(d, column, &v, rows);
    }
    return v;
}

static const char *dump_schema(dump *d, mr_text *json) {
    static const mr_type_id types[] = {MR_BOOL, MR_INT32, MR_INT64, MR_FLOAT64,   MR_TEXT,
                                       MR_TEXT, MR_BYTES, MR_DATE,  MR_TIMESTAMP, MR_TIMESTAMPTZ};
    static const uint32_t nulls[] = {0, 1, 10, 50, 99};
    d->schema.count = 1 + dump_below(d, COLUMNS_MAX);
    d->schema.columns = MR_NEW_ARRAY(&d->life, mr_column, d->schema.count);
    mr_text_add(json, "{\"columns\":[");
    for (uint32_t c = 0; c < d->schema.count; c++) {
        dump_column *column = &d->columns[c];
        mr_type type = MR_TYPE(types[dump_below(d, MR_COUNT(types))]);
        column->spread = (dump_spread)dump_below(d, SPREAD_COUNT);
        column->null_percent =
            column->spread == SPREAD_NULL ? 100 : nulls[dump_below(d, MR_COUNT(nulls))];
        bool required = column->null_percent == 0 && dump_below(d, 2) == 0;
        d->schema.columns[c] = (mr_column){
            .name = mr_arena_printf(&d->life, "c%u", c), .type = type, .required = required};
        mr_text_addf(json, "%s{\"name\":\"c%u\",\"type\":\"%s\",\"required\":%s,\"spread\":%d}",
                     c > 0 ? "," : "", c, mr_type_name(type), required ? "true" : "false",
                     (int)column->spread);
    }
    mr_text_add(json, "],");
    return json->data;
}

static mr_parquet_options dump_options(dump *d, mr_text *json) {
    static const uint64_t totals[] = {0,    1,     2,     7,     8,     9,     2047,  2048, 2049,
                                      5000, 19999, 20000, 20001, 40000, 40001, 50000, 70000};
    static const uint32_t groups[] = {0, 1000, 2048, 19999, 20000, 20001, 30000};
    static const mr_compression codecs[] = {MR_COMPRESS_NONE, MR_COMPRESS_SNAPPY, MR_COMPRESS_ZSTD};
    mr_parquet_options options = {
        .compression = codecs[dump_below(d, MR_COUNT(codecs))],
        .row_group_rows = groups[dump_below(d, MR_COUNT(groups))],
    };
    d->rows_total = totals[dump_below(d, MR_COUNT(totals))];
    if (d->rows_total < 50 && dump_below(d, 2) == 0) {
        options.row_group_rows = 1;
    }
    mr_text_addf(json, "\"rows\":%" PRIu64 ",\"group\":%u,\"compression\":%d}\n", d->rows_total,
                 options.row_group_rows, (int)options.compression);
    return options;
}

static void dump_file(const char *prefix, const char *ending, const mr_text *text) {
    char path[4096];
    snprintf(path, sizeof(path), "%s%s", prefix, ending);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(text->data, 1, text->bytes, file) != text->bytes ||
        fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

// A batch with, now and then, a selection that leaves rows out.
static mr_batch dump_batch(dump *d) {
    static const uint32_t sizes[] = {1, 7, 100, 1000, 2048, 2048, 2048};
    mr_arena_clear(&d->batch);
    uint32_t rows = sizes[dump_below(d, MR_COUNT(sizes))];
    rows = (uint32_t)MR_MIN((uint64_t)rows, d->rows_total - d->row);
    mr_batch batch = mr_batch_new(&d->batch, d->schema.count, rows);
    for (uint32_t c = 0; c < d->schema.count; c++) {
        batch.columns[c] = dump_vector(d, c, rows);
    }
    if (dump_below(d, 3) > 0) {
        return batch;
    }
    uint32_t *sel = mr_arena_raw(&d->batch, sizeof(uint32_t) * rows);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rows; i++) {
        sel[kept] = i;
        kept += dump_below(d, 3) > 0;
    }
    return mr_batch_narrow(&batch, sel, kept);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: parquet_dump SEED PREFIX\n");
        return 2;
    }
    static dump d;
    d.random = strtoull(argv[1], NULL, 10) * 0xD6E8FEB86659FD93u;
    mr_cx_init(&d.cx, &d.life, /* plat= */ NULL);
    mr_text json;
    mr_text out;
    mr_text kept;
    mr_text_init(&json, NULL);
    mr_text_init(&out, NULL);
    mr_text_init(&kept, NULL);
    dump_schema(&d, &json);
    mr_parquet_options options = dump_options(&d, &json);
    mr_parquet *writer;
    dump_check(&d, mr_parquet_open(&d.schema, &options, &writer, &d.cx));
    mr_rows rows;
    mr_rows_init(&rows, &d.schema);
    while (d.row < d.rows_total) {
        mr_batch batch = dump_batch(&d);
        dump_check(&d, mr_parquet_write(writer, &batch, &out, &d.cx));
        mr_rows_append(&rows, &batch);
        d.row += batch.sel_count;
    }
    dump_check(&d, mr_parquet_finish(writer, &out, &d.cx));
    mr_parquet_close(writer);
    mr_rows_encode(&rows, &kept);
    dump_file(argv[2], ".json", &json);
    dump_file(argv[2], ".parquet", &out);
    dump_file(argv[2], ".rows", &kept);
    mr_rows_release(&rows);
    for (uint32_t c = 0; c < d.schema.count; c++) {
        for (size_t i = 0; i < MR_COUNT(d.columns[c].dicts); i++) {
            if (d.columns[c].dicts[i] != NULL) {
                mr_dict_unref(d.columns[c].dicts[i]);
            }
        }
    }
    mr_text_release(&json);
    mr_text_release(&out);
    mr_text_release(&kept);
    mr_arena_release(&d.batch);
    mr_arena_release(&d.life);
    return 0;
}
