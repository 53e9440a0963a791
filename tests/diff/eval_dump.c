// eval_dump: what expressions and aggregates give over the columns of a file, for comparison.
//
//   eval_dump ZONE TZIF DATA EXPRESSIONS OUT
//
// DATA: u32 rows, u32 columns; a column: u8 name bytes, name, u8 type, rows validity bytes, then
// the values, or for text rows + 1 u32 offsets and the bytes. EXPRESSIONS: a line each; a line
// "@agg COLUMN" aggregates that column by the integer column g (0 .. GROUPS-1) instead. OUT, for
// each line: u8 type (255: u32 bytes and the error), u32 rows, a byte a row (0 value, 1 NULL, 2
// failed), the values as above, u32 bytes and the first reason.
//
// Functions that no expression used are listed on the standard output.
// Every expression runs over FLAT columns, over DICT ones, with a selection, and (some rows) over
// CONST ones; all must agree or the program says where and exits with 1.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/agg.h"
#include "exec/eval.h"
#include "sql/bind.h"
#include "sql/parse.h"

#define GROUPS     1000
#define CONST_ROWS 200  // As many rows are also computed from constants.

typedef enum dump_mode { MODE_FLAT, MODE_DICT, MODE_SELECTED, MODE_CONST, MODE_COUNT } dump_mode;

typedef struct dump {
    mr_schema schema;
    mr_vector *columns;  // Whole, FLAT.
    uint32_t rows;
    const mr_zone *zone;
    mr_eval_env env;
    mr_session session;
    FILE *out;
} dump;

// What an expression gave: values with memory of their own.
typedef struct outcome {
    mr_type type;
    uint8_t *status;
    uint8_t *values;  // Fixed size.
    char **texts;
    uint32_t *text_bytes;
    char *reason;
    bool lazy;  // Of constants.
} outcome;

static void die(const char *what, const char *name) {
    fprintf(stderr, "eval_dump: %s %s\n", what, name);
    exit(1);
}

static char *file_bytes(const char *path, size_t *ret_bytes) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        die("cannot read", path);
    }
    fseek(file, 0, SEEK_END);
    *ret_bytes = (size_t)ftell(file);
    rewind(file);
    char *data = calloc(1, *ret_bytes + 1);
    if (fread(data, 1, *ret_bytes, file) != *ret_bytes) {
        die("cannot read", path);
    }
    fclose(file);
    return data;
}

static void load(dump *d, const char *path) {
    size_t bytes;
    char *at = file_bytes(path, &bytes);
    memcpy(&d->rows, at, 4);
    memcpy(&d->schema.count, at + 4, 4);
    at += 8;
    d->schema.columns = calloc(d->schema.count, sizeof(mr_column));
    d->columns = calloc(d->schema.count, sizeof(mr_vector));
    for (uint32_t c = 0; c < d->schema.count; c++) {
        size_t name_bytes = (uint8_t)*at;
        char *name = calloc(1, name_bytes + 1);
        memcpy(name, at + 1, name_bytes);
        at += 1 + name_bytes;
        mr_type type = MR_TYPE((mr_type_id)(uint8_t)*at++);
        d->schema.columns[c] = (mr_column){.name = name, .type = type};
        mr_vector *v = &d->columns[c];
        *v = (mr_vector){.type = type, .valid = calloc(mr_bits_words(d->rows), 8)};
        for (uint32_t row = 0; row < d->rows; row++) {
            mr_bits_put(v->valid, row, *at++ != 0);
        }
        size_t size = mr_type_bytes(type) * d->rows;
        v->data = calloc(1, size + 1);
        if (type.id != MR_TEXT) {
            memcpy(v->data, at, size);
            at += size;
            continue;
        }
        const char *offsets = at, *data = at + ((size_t)d->rows + 1) * 4;
        uint32_t end = 0;
        for (uint32_t row = 0; row < d->rows; row++) {
            uint32_t first;
            memcpy(&first, offsets + (size_t)row * 4, 4);
            memcpy(&end, offsets + ((size_t)row + 1) * 4, 4);
            v->strs[row] = (mr_str){.data = data + first, .bytes = end - first};
        }
        at = (char *)(uintptr_t)(data + end);
    }
}

// Rows first .. first + count - 1 of a column; as DICT in a dictionary that is changed when full.
static mr_vector slice(const mr_vector *v, uint32_t first, uint32_t count, mr_dict **dict,
                       mr_arena *arena) {
    mr_vector ret = mr_vector_flat(arena, v->type, count);
    size_t size = mr_type_bytes(v->type);
    memcpy(ret.data, v->bools + size * first, size * count);
    mr_vector_own_valid(&ret, arena, count);
    for (uint32_t row = 0; row < count; row++) {
        mr_bits_put(ret.valid, row, mr_bits_get(v->valid, first + row));
    }
    if (v->type.id != MR_TEXT || dict == NULL) {
        return ret;
    }
    if (*dict == NULL || (*dict)->count + count > MR_DICT_CAPACITY) {
        if (*dict != NULL) {
            mr_dict_unref(*dict);
        }
        *dict = mr_dict_new();
    }
    mr_vector coded = {.type = v->type, .kind = MR_DICT, .valid = ret.valid, .dict = *dict};
    coded.codes = MR_NEW_ARRAY(arena, uint32_t, count);
    for (uint32_t row = 0; row < count; row++) {
        if (mr_bits_get(ret.valid, row)) {
            (void)mr_dict_code(*dict, ret.strs[row], &coded.codes[row]);
        }
    }
    return coded;
}

// Whether values are compared as text: nested ones, and those that have no one C type.
static bool as_text(mr_type type) {
    return type.id == MR_INTERVAL || type.id == MR_NUMERIC || type.id == MR_UUID ||
           mr_type_is_string(type);
}

static void take(const dump *d, outcome *o, uint32_t first, uint32_t row, const mr_vector *v) {
    uint32_t to = first + row;
    (void)d;
    if (v->type.id == MR_NULLTYPE || mr_vector_is_null(v, row)) {
        o->status[to] = o->status[to] == 2 ? 2 : 1;
        return;
    }
    o->status[to] = o->status[to] == 2 ? 2 : 0;
    size_t size = mr_type_bytes(o->type);
    if (as_text(o->type)) {
        mr_text text = {.data = NULL};
        mr_vector_print(v, row, NULL, &text);
        o->texts[to] = text.data;
        o->text_bytes[to] = (uint32_t)text.bytes;
    } else {
        memcpy(o->values + size * to, v->bools + size * mr_vector_at(v, row), size);
    }
}

static void evaluate(const dump *d, mr_eval *eval, dump_mode mode, outcome *o) {
    mr_dict **dicts = calloc(d->schema.count, sizeof(mr_dict *));
    mr_arena arena = {.bytes = 0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    uint32_t rows = mode == MODE_CONST ? MR_MIN(d->rows, (uint32_t)CONST_ROWS) : d->rows;
    uint32_t step = mode == MODE_CONST ? 1 : MR_BATCH_ROWS_MAX;
    for (uint32_t first = 0; first < rows; first += step) {
        mr_arena_clear(&arena);
        uint32_t count = MR_MIN(d->rows - first, (uint32_t)MR_BATCH_ROWS_MAX);
        if (mode == MODE_CONST) {
            count = 1;
        }
        mr_batch batch = mr_batch_new(&arena, d->schema.count, count);
        for (uint32_t c = 0; c < d->schema.count; c++) {
            batch.columns[c] =
                slice(&d->columns[c], first, count, mode == MODE_DICT ? &dicts[c] : NULL, &arena);
            if (mode == MODE_CONST) {
                batch.columns[c].kind = MR_CONST;
            }
        }
        uint32_t *sel = MR_NEW_ARRAY(&arena, uint32_t, count);
        if (mode == MODE_SELECTED) {  // Dense and sparse selections.
            batch.sel_count = 0;
            batch.sel = sel;
            for (uint32_t row = 0; row < count; row++) {
                bool dense = first / MR_BATCH_ROWS_MAX % 2 == 0;
                if (dense ? row % 3 != 0 : row % 7 == 0) {
                    sel[batch.sel_count++] = row;
                }
            }
        }
        mr_vector v;
        mr_eval_failures failures;
        if (mr_eval_vector(eval, &batch, &v, &failures, &cx) != MR_OK) {
            die("evaluation failed:", cx.error.text);
        }
        for (uint32_t i = 0; i < failures.count; i++) {
            o->status[first + failures.rows[i]] = 2;
            if (o->reason == NULL) {
                o->reason = strdup(failures.reasons[i]);
            }
        }
        for (uint32_t i = 0; i < batch.sel_count; i++) {
            take(d, o, first, mr_batch_row(&batch, i), &v);
        }
    }
    for (uint32_t c = 0; c < d->schema.count; c++) {
        if (dicts[c] != NULL) {
            mr_dict_unref(dicts[c]);
        }
    }
    free(dicts);
    mr_arena_release(&arena);
}

static outcome outcome_new(mr_type type, uint32_t rows) {
    outcome o = {.type = type};
    o.status = malloc(rows);
    memset(o.status, 3, rows);
    o.values = calloc(rows, mr_type_bytes(type));
    o.texts = calloc(rows, sizeof(char *));
    o.text_bytes = calloc(rows, sizeof(uint32_t));
    return o;
}

static void outcome_free(outcome *o, uint32_t rows) {
    for (uint32_t i = 0; i < rows; i++) {
        mr_heap_free(o->texts[i]);
    }
    free(o->status);
    free(o->values);
    free(o->texts);
    free(o->text_bytes);
    free(o->reason);
}

static bool both_nan(const outcome *a, const outcome *b, uint32_t i) {
    double x, y;
    memcpy(&x, a->values + (size_t)i * 8, 8);
    memcpy(&y, b->values + (size_t)i * 8, 8);
    return x != x && y != y;
}

// Of constants, an argument that is NULL keeps the ones behind it from being computed, and failing.
static void check_same(const outcome *a, const outcome *b, uint32_t rows, const char *line) {
    size_t size = mr_type_bytes(a->type);
    for (uint32_t i = 0; i < rows; i++) {
        if (b->lazy && a->status[i] == 2 && b->status[i] == 1) {
            continue;
        }
        bool text = as_text(a->type);
        bool same = b->status[i] == 3 ||
                    (a->status[i] == b->status[i] &&
                     (a->status[i] != 0 ||
                      (text ? a->text_bytes[i] == b->text_bytes[i] &&
                                  (a->text_bytes[i] == 0 ||
                                   memcmp(a->texts[i], b->texts[i], a->text_bytes[i]) == 0)
                            : memcmp(a->values + size * i, b->values + size * i, size) == 0 ||
                                  (a->type.id == MR_FLOAT64 && both_nan(a, b, i)))));
        if (!same) {
            fprintf(stderr, "eval_dump: kinds of vectors differ in row %u (%d, %d)\n", i,
                    a->status[i], b->status[i]);
            die("in", line);
        }
    }
}

static void write_outcome(const dump *d, const outcome *o, uint32_t rows) {
    uint8_t type = (uint8_t)o->type.id;
    fwrite(&type, 1, 1, d->out);
    fwrite(&rows, 4, 1, d->out);
    fwrite(o->status, 1, rows, d->out);
    if (as_text(o->type)) {
        uint32_t offset = 0;
        for (uint32_t i = 0; i <= rows; i++) {
            fwrite(&offset, 4, 1, d->out);
            offset += i < rows ? o->text_bytes[i] : 0;
        }
        for (uint32_t i = 0; i < rows; i++) {
            fwrite(o->texts[i] == NULL ? "" : o->texts[i], 1, o->text_bytes[i], d->out);
        }
    } else {
        fwrite(o->values, mr_type_bytes(o->type), rows, d->out);
    }
    uint32_t bytes = o->reason == NULL ? 0 : (uint32_t)strlen(o->reason);
    fwrite(&bytes, 4, 1, d->out);
    fwrite(bytes == 0 ? "" : o->reason, 1, bytes, d->out);
}

static void write_error(const dump *d, const char *text) {
    uint8_t type = 255;
    uint32_t bytes = (uint32_t)strlen(text);
    fwrite(&type, 1, 1, d->out);
    fwrite(&bytes, 4, 1, d->out);
    fwrite(text, 1, bytes, d->out);
}

// The one zone of the command line, by its name.
static mr_code zone_of(void *self, const char *name, const mr_zone **ret, mr_cx *cx) {
    const dump *d = self;
    if (strcmp(name, mr_zone_name(d->zone)) != 0) {
        return mr_fail(cx, MR_E_NAME, NULL, "no zone %s here", name);
    }
    *ret = d->zone;
    return MR_OK;
}

static const char *no_variable(void *self, const char *name) {
    (void)self, (void)name;
    return NULL;
}

// CREATE TYPE pair AS (a int, b text), for the expressions that want a composite type.
static void declare_pair(mr_session *s) {
    static mr_column columns[] = {{.name = "a", .type = {.id = MR_INT32}},
                                  {.name = "b", .type = {.id = MR_TEXT}}};
    static const mr_schema fields = {.columns = columns, .count = 2};
    mr_named_type *pair = MR_NEW(s->cx->arena, mr_named_type);
    pair->type = mr_type_struct(&fields);
    mr_map_put(&s->types, MR_SPAN("pair"), pair);
}

// `SELECT expression` over the columns, bound as a pipeline's file would be.
static mr_code bind(dump *d, const char *line, mr_expr **ret, mr_cx *cx) {
    mr_sql_env env = {.variable = no_variable, .zone = zone_of, .self = d};
    mr_sql_errors errors = {0};
    mr_pipeline *pipeline = MR_NEW(cx->arena, mr_pipeline);
    pipeline->arena = cx->arena;
    pipeline->zone = d->env.zone;
    mr_session s = {.env = &env,
                    .cx = cx,
                    .pipeline = pipeline,
                    .file = "line",
                    .rules = {.ttl_us = -1},
                    .errors = &errors};
    mr_map_init(&s.servers, cx->arena);
    mr_map_init(&s.objects, cx->arena);
    mr_map_init(&s.functions, cx->arena);
    mr_map_init(&s.types, cx->arena);
    declare_pair(&s);
    char *text = mr_arena_printf(cx->arena, "SELECT (%s)", line);
    mr_parse_statement *statements;
    uint32_t count = 0;
    MR_TRY(mr_parse_expand(&s, mr_span_of(text)));
    MR_TRY(mr_parse_statements(&s, &statements, &count));
    if (count != 1) {
        return mr_fail(cx, MR_E_SYNTAX, NULL, "%s", cx->error.text);
    }
    mr_scope_table *table = MR_NEW(cx->arena, mr_scope_table);
    *table = (mr_scope_table){.name = "t", .column_count = d->schema.count};
    table->columns = MR_NEW_ARRAY(cx->arena, mr_scope_column, d->schema.count);
    for (uint32_t c = 0; c < d->schema.count; c++) {
        table->columns[c] = (mr_scope_column){.name = d->schema.columns[c].name, .column = c};
    }
    mr_scope scope = {.schema = &d->schema, .tables = table, .table_count = 1};
    mr_bind b = {.s = &s, .scope = &scope, .clause = "a test"};
    s.base = statements[0].base;
    return mr_bind_expr(&b, statements[0].node->select_stmt->target_list[0]->res_target->val, ret);
}

static bool fn_used[MR_FN_ID_COUNT];

static void note_used(const mr_expr *expr) {
    if (expr->kind == MR_EXPR_CALL) {
        fn_used[expr->fn] = true;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        note_used(expr->args[i]);
    }
}

static void run_expression(dump *d, const char *line) {
    mr_arena arena = {.bytes = 0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    mr_expr *expr;
    mr_eval *eval;
    if (bind(d, line, &expr, &cx) != MR_OK ||
        mr_eval_compile(expr, &d->schema, &d->env, &eval, &cx) != MR_OK) {
        write_error(d, cx.error.text);
        mr_arena_release(&arena);
        return;
    }
    note_used(expr);
    outcome flat = outcome_new(expr->type, d->rows);
    evaluate(d, eval, MODE_FLAT, &flat);
    for (dump_mode mode = MODE_DICT; mode < MODE_COUNT; mode++) {
        outcome other = outcome_new(expr->type, d->rows);
        other.lazy = mode == MODE_CONST;
        evaluate(d, eval, mode, &other);
        check_same(&flat, &other, d->rows, line);
        outcome_free(&other, d->rows);
    }
    write_outcome(d, &flat, d->rows);
    outcome_free(&flat, d->rows);
    mr_eval_close(eval);
    mr_arena_release(&arena);
}

// ---- aggregates --------------------------------------------------------------------------------

static mr_agg_id agg_id(const char *name) {
    static const char *const names[] = {
#define AGG_NAME(id, ...) #id,
        MR_AGGREGATES(AGG_NAME)
#undef AGG_NAME
    };
    for (uint32_t i = 0; i < MR_AGG_ID_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return (mr_agg_id)i;
        }
    }
    die("no aggregate", name);
    return MR_AGG_ID_COUNT;
}

// The second worker's states are stored, read back and merged into the first's.
static outcome aggregate_results(const dump *d, const mr_agg *agg, const mr_agg_call *call,
                                 uint8_t *states) {
    mr_arena arena = {.bytes = 0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    outcome o = outcome_new(call->type, GROUPS);
    mr_vector out = mr_vector_flat(&arena, call->type, GROUPS);
    mr_vector_own_valid(&out, &arena, GROUPS);
    for (uint32_t g = 0; g < GROUPS; g++) {
        uint8_t *into = states + (size_t)g * agg->state_bytes;
        uint8_t *from = into + (size_t)GROUPS * agg->state_bytes;
        mr_text saved = {.data = NULL};
        agg->save(from, &saved);
        uint8_t *loaded = calloc(1, agg->state_bytes);
        agg->init(loaded);
        mr_span in = mr_text_span(&saved);
        if (agg->load(loaded, &in, &cx) != MR_OK || in.bytes != 0 ||
            agg->merge(into, loaded, &cx) != MR_OK) {
            die("load or merge failed:", cx.error.text);
        }
        if (agg->result(into, call, &out, g, &cx) != MR_OK) {
            o.status[g] = 2;
            free(o.reason);
            o.reason = strdup(cx.error.text);
        } else {
            take(d, &o, 0, g, &out);
        }
        for (uint8_t *state = into; agg->release != NULL && state != NULL;) {
            agg->release(state);
            state = state == into ? from : state == from ? loaded : NULL;
        }
        free(loaded);
        mr_text_release(&saved);
    }
    mr_arena_release(&arena);
    return o;
}

// Two workers take turns at the batches.
static void run_aggregate(dump *d, char *line) {
    char *column_name = strchr(line, ' ');
    *column_name++ = '\0';
    int32_t column = mr_schema_find(&d->schema, column_name);
    int32_t group = mr_schema_find(&d->schema, "g");
    mr_agg_call call = {.fn = agg_id(line), .column = column, .second = -1, .filter = -1};
    call.argument = column < 0 ? MR_TYPE(MR_NULLTYPE) : d->schema.columns[column].type;
    mr_type_id result = mr_function_aggregates[call.fn].result;
    call.type = result == MR_NULLTYPE ? call.argument : MR_TYPE(result);
    const mr_agg *agg = mr_agg_find(&call);
    mr_arena arena = {.bytes = 0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    uint8_t *states = calloc(2 * GROUPS, agg->state_bytes);
    for (uint32_t i = 0; i < 2 * GROUPS; i++) {
        agg->init(states + (size_t)i * agg->state_bytes);
    }
    mr_dict *dict = NULL;
    for (uint32_t first = 0, batch = 0; first < d->rows; first += MR_BATCH_ROWS_MAX, batch++) {
        mr_arena_clear(&arena);
        uint32_t count = MR_MIN(d->rows - first, (uint32_t)MR_BATCH_ROWS_MAX);
        mr_vector v = {.data = NULL};
        if (column >= 0) {
            v = slice(&d->columns[column], first, count, batch % 4 < 2 ? NULL : &dict, &arena);
        }
        uint8_t **bases = MR_NEW_ARRAY(&arena, uint8_t *, count);
        uint32_t *sel = MR_NEW_ARRAY(&arena, uint32_t, count);
        for (uint32_t row = 0; row < count; row++) {
            uint32_t g = (uint32_t)d->columns[group].int32s[first + row];
            bases[row] = states + (size_t)(g + (batch % 2) * GROUPS) * agg->state_bytes;
            sel[row] = row;
        }
        mr_agg_input input = {.call = &call, .value = column < 0 ? NULL : &v};
        if (agg->update(bases, 0, &input, batch % 3 == 0 ? sel : NULL, count, &cx) != MR_OK) {
            die("update failed:", cx.error.text);
        }
    }
    outcome o = aggregate_results(d, agg, &call, states);
    write_outcome(d, &o, GROUPS);
    outcome_free(&o, GROUPS);
    if (dict != NULL) {
        mr_dict_unref(dict);
    }
    free(states);
    mr_arena_release(&arena);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        die("use:", "eval_dump ZONE TZIF DATA EXPRESSIONS OUT");
    }
    mr_arena arena = {.bytes = 0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    dump d = {.out = fopen(argv[5], "wb")};
    size_t bytes;
    char *tzif = file_bytes(argv[2], &bytes);
    mr_zone *zone;
    if (d.out == NULL || mr_zone_parse(argv[1], (mr_span){tzif, bytes}, &zone, &cx) != MR_OK) {
        die("zone or output:", argv[5]);
    }
    d.zone = zone;
    d.env = (mr_eval_env){.zone = strcmp(argv[1], "UTC") == 0 ? NULL : zone,
                          .now_us = 1767225600000000};
    load(&d, argv[3]);
    char *lines = file_bytes(argv[4], &bytes);
    for (char *line = lines, *next; line != NULL && *line != '\0'; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (line[0] == '@') {
            run_aggregate(&d, line + 1);
        } else {
            run_expression(&d, line);
        }
    }
    fclose(d.out);
    for (uint32_t i = 0; i < MR_FN_ID_COUNT; i++) {
        if (!fn_used[i]) {
            printf("unused %s\n", mr_function_table[i].id);
        }
    }
    return 0;
}
