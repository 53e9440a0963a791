// Delegate: see delegate.h.
//
// How: a table function, mr_input, hands out the rows of the call under way; `SELECT f(c0, …) FROM
// mr_input()` is prepared once and executed once a batch. Constant arguments stand in the query as
// literals, since many functions want them so. When a batch fails, halves of it are tried, down to
// the rows that cannot be computed.

#include "lake/delegate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/numeric.h"
#include "column/nested.h"
#include "lake/convert.h"
#include "lake/view.h"
#include "plat/thread.h"

#define INPUT_NAME "mr_input"

struct mr_delegate {
    mr_mutex mutex;
    bool loaded;
    bool missing;     // DuckDB is not there.
    bool registered;  // The table function exists.
    mr_duck duck;
    duckdb_database database;
};

typedef struct function {
    const mr_external *external;
    mr_delegate *delegate;
    duckdb_connection connection;
    duckdb_prepared_statement statement;
    // Of the call under way:
    const mr_external_call *call;
    mr_convert_rows rows;
    bool handed_out;
} function;

mr_delegate *mr_delegate_new(void) {
    mr_delegate *delegate = mr_heap_alloc(sizeof *delegate);
    mr_mutex_init(&delegate->mutex);
    return delegate;
}

void mr_delegate_free(mr_delegate *delegate) {
    if (delegate == NULL) {
        return;
    }
    if (delegate->database != NULL) {
        delegate->duck.close(&delegate->database);
    }
    mr_mutex_release(&delegate->mutex);
    mr_heap_free(delegate);
}

static mr_code database_open(mr_delegate *delegate, mr_cx *cx) {
    static const mr_duck_setting settings[] = {{"threads", "1"},
                                               {"enable_external_access", "false"}};
    return mr_duck_open(&delegate->duck, settings, MR_COUNT(settings), &delegate->database, cx);
}

// Loads DuckDB once. Where it is missing, no function is found, and the rest works.
static mr_code load(mr_delegate *delegate, mr_cx *cx) {
    mr_mutex_lock(&delegate->mutex);
    mr_code code = MR_OK;
    if (!delegate->loaded && !delegate->missing) {
        mr_error error = cx->error;
        if (mr_duck_load(&delegate->duck, cx) != MR_OK) {
            cx->error = error;
            delegate->missing = true;
        } else {
            code = database_open(delegate, cx);
            delegate->loaded = code == MR_OK;
        }
    }
    mr_mutex_unlock(&delegate->mutex);
    return code;
}

// ---- finding -----------------------------------------------------------------------------------

static bool is_literal(const mr_external_ask *ask, uint32_t arg) {
    return ask->args[arg].id == MR_NULLTYPE || ask->constants[arg] != NULL;
}

static void add_constant(const mr_external_ask *ask, uint32_t arg, mr_text *out) {
    const mr_vector *constant = ask->constants[arg];
    if (ask->args[arg].id == MR_NULLTYPE || mr_vector_is_null(constant, 0)) {
        mr_text_add(out, "NULL");
    } else {
        mr_text value;
        mr_text_init(&value, out->arena);
        mr_vector_print(constant, 0, ask->zone, &value);
        mr_view_add_literal_span(out, mr_text_span(&value));
    }
    if (ask->args[arg].id != MR_NULLTYPE && ask->args[arg].id != MR_TEXT) {
        mr_text_add(out, "::");
        mr_convert_type_name(ask->args[arg], out);
    }
}

// f(c0, 'constant', CAST(c2 AS JSON), …); columns are NULLs of their type when `probe` is set.
static void add_call(const mr_external_ask *ask, bool probe, mr_text *out) {
    mr_text_add_char(out, '"');
    mr_text_add(out, ask->name);
    mr_text_add(out, "\"(");
    for (uint32_t i = 0; i < ask->arg_count; i++) {
        mr_text_add(out, i == 0 ? "" : ", ");
        if (is_literal(ask, i)) {
            add_constant(ask, i, out);
        } else if (probe || ask->args[i].id == MR_JSON) {
            mr_text_addf(out, probe ? "CAST(NULL AS " : "CAST(c%" PRIu32 " AS ", i);
            mr_convert_type_name(ask->args[i], out);
            mr_text_add_char(out, ')');
        } else {
            mr_text_addf(out, "c%" PRIu32, i);
        }
    }
    mr_text_add_char(out, ')');
}

// The first line of DuckDB's message without its kind.
static const char *reason_of(const char *message, mr_arena *arena) {
    if (message == NULL) {
        return "DuckDB failed without a word";
    }
    const char *start = strstr(message, "Error: ");
    start = start == NULL ? message : start + strlen("Error: ");
    return mr_arena_copy(arena, start, strcspn(start, "\n"));
}

typedef struct known {
    bool scalar;
    bool other;  // An aggregate, or a function of tables.
    bool is_volatile;
} known;

static mr_code look_up(mr_delegate *delegate, duckdb_connection connection, const char *name,
                       known *ret, mr_cx *cx) {
    mr_duck *duck = &delegate->duck;
    mr_text sql;
    mr_text_init(&sql, cx->arena);
    mr_text_add(&sql, "SELECT function_type IN ('scalar', 'macro'), "
                      "coalesce(stability <> 'CONSISTENT', false) "
                      "FROM duckdb_functions() WHERE function_name = lower(");
    mr_view_add_literal(&sql, name);
    mr_text_add(&sql, ") GROUP BY ALL");
    duckdb_result result;
    if (duck->query(connection, mr_text_string(&sql), &result) != DuckDBSuccess) {
        mr_code code = mr_fail(cx, MR_E_INTERNAL, NULL, "cannot ask DuckDB for its functions: %s",
                               reason_of(duck->result_error(&result), cx->arena));
        duck->destroy_result(&result);
        return code;
    }
    *ret = (known){.scalar = false};
    for (duckdb_data_chunk chunk; (chunk = duck->fetch_chunk(result)) != NULL;) {
        const bool *scalar = duck->vector_get_data(duck->data_chunk_get_vector(chunk, 0));
        const bool *random = duck->vector_get_data(duck->data_chunk_get_vector(chunk, 1));
        for (idx_t row = 0; row < duck->data_chunk_get_size(chunk); row++) {
            ret->scalar |= scalar[row];
            ret->other |= !scalar[row];
            ret->is_volatile |= scalar[row] && random[row];
        }
        duck->destroy_data_chunk(&chunk);
    }
    duck->destroy_result(&result);
    return MR_OK;
}

static mr_code connect(mr_delegate *delegate, const char *zone_name, duckdb_connection *ret,
                       mr_cx *cx) {
    mr_duck *duck = &delegate->duck;
    if (duck->connect(delegate->database, ret) != DuckDBSuccess) {
        return mr_fail(cx, MR_E_INTERNAL, NULL, "cannot connect to DuckDB");
    }
    mr_text sql;
    mr_text_init(&sql, cx->arena);
    mr_text_add(&sql, "SET TimeZone = ");
    const char *zone = zone_name == NULL ? "UTC" : zone_name;
    mr_view_add_literal(&sql, zone);
    duckdb_result result;
    mr_code code = MR_OK;
    if (duck->query(*ret, mr_text_string(&sql), &result) != DuckDBSuccess) {
        code = mr_fail(cx, MR_E_VALUE, NULL, "DuckDB does not know the time zone %s", zone);
    }
    duck->destroy_result(&result);
    return code;
}

static mr_code not_of_a_row(const mr_external_ask *ask, mr_cx *cx) {
    return mr_fail(cx, MR_E_UNSUPPORTED, /* hint= */ NULL,
                   "%s is not a function of a row in DuckDB, and not supported here", ask->name);
}

#define PROBE_ROWS 3  // Neither one, as aggregates give, nor none, as unnest gives of NULL.

static uint64_t count_rows(const mr_duck *duck, duckdb_result result) {
    uint64_t rows = 0;
    for (duckdb_data_chunk chunk; (chunk = duck->fetch_chunk(result)) != NULL;) {
        rows += duck->data_chunk_get_size(chunk);
        duck->destroy_data_chunk(&chunk);
    }
    return rows;
}

// The type of the result: the call over NULLs is run. Macros may hold an aggregate or unnest, which
// the rows they give tell.
static mr_code probe(mr_delegate *delegate, duckdb_connection connection,
                     const mr_external_ask *ask, mr_type *ret, mr_cx *cx) {
    mr_duck *duck = &delegate->duck;
    mr_text sql;
    mr_text_init(&sql, cx->arena);
    mr_text_add(&sql, "SELECT ");
    add_call(ask, /* probe= */ true, &sql);
    mr_text_addf(&sql, " FROM range(%d)", PROBE_ROWS);
    duckdb_result result;
    mr_code code = MR_OK;
    if (duck->query(connection, mr_text_string(&sql), &result) != DuckDBSuccess) {
        code = mr_fail(cx, MR_E_TYPE, "It is one of DuckDB's functions.", "%s",
                       reason_of(duck->result_error(&result), cx->arena));
    } else {
        duckdb_logical_type type = duck->column_logical_type(&result, 0);
        if (!mr_convert_type(duck, type, ret, cx->arena)) {
            code = mr_fail(cx, MR_E_UNSUPPORTED, "Take it apart or cast it in another function.",
                           "result of %s has a type of DuckDB's that is not supported", ask->name);
        }
        duck->destroy_logical_type(&type);
        if (code == MR_OK && count_rows(duck, result) != PROBE_ROWS) {
            code = not_of_a_row(ask, cx);
        }
    }
    duck->destroy_result(&result);
    return code;
}

static const mr_external_type delegate_type;

typedef struct found {
    mr_delegate *delegate;
    const char *call;  // f(c0, …)
    const char *zone_name;
} found;

static const mr_external *make(mr_delegate *delegate, const mr_external_ask *ask, mr_type result,
                               mr_arena *arena) {
    mr_text call;
    mr_text_init(&call, arena);
    add_call(ask, /* probe= */ false, &call);
    found *self = MR_NEW(arena, found);
    self->delegate = delegate;
    self->call = mr_text_string(&call);
    self->zone_name = ask->zone_name == NULL ? "UTC" : mr_arena_string(arena, ask->zone_name);
    mr_type *args = MR_NEW_ARRAY(arena, mr_type, ask->arg_count);
    memcpy(args, ask->args, ask->arg_count * sizeof *args);
    mr_external *made = MR_NEW(arena, mr_external);
    *made = (mr_external){
        .type = &delegate_type,
        .name = mr_arena_string(arena, ask->name),
        .identity = mr_arena_printf(arena, "duckdb:%s:%s", self->call, self->zone_name),
        .args = args,
        .arg_count = ask->arg_count,
        .result = result,
        .sees_nulls = true,
        .self = self,
    };
    return made;
}

static mr_code function_open(const mr_external *external, void **ret_state, mr_cx *cx);
static void function_close(void *state);

// Some functions take an argument as a constant only: that shows when the call is prepared.
static mr_code try_open(const mr_external *external, mr_cx *cx) {
    void *state;
    MR_TRY(function_open(external, &state, cx));
    function_close(state);
    return MR_OK;
}

mr_code mr_delegate_find(mr_delegate *delegate, const mr_external_ask *ask, const mr_external **ret,
                         mr_cx *cx) {
    *ret = NULL;
    if (ask->library != NULL || strchr(ask->name, '"') != NULL) {
        return MR_OK;
    }
    MR_TRY(load(delegate, cx));
    if (delegate->missing) {
        return MR_OK;
    }
    duckdb_connection connection = NULL;
    mr_code code = connect(delegate, ask->zone_name, &connection, cx);
    known what = {.scalar = false};
    code = code == MR_OK ? look_up(delegate, connection, ask->name, &what, cx) : code;
    if (code == MR_OK && what.is_volatile) {
        code = mr_fail(cx, MR_E_UNSUPPORTED,
                       "A replay would give other rows; now() is the epoch's stored time.",
                       "%s() is refused in a stream", ask->name);
    } else if (code == MR_OK && !what.scalar && what.other) {
        code = not_of_a_row(ask, cx);
    } else if (code == MR_OK && what.scalar) {
        mr_type result = MR_TYPE(MR_NULLTYPE);
        code = probe(delegate, connection, ask, &result, cx);
        *ret = code == MR_OK ? make(delegate, ask, result, cx->arena) : NULL;
        code = code == MR_OK ? try_open(*ret, cx) : code;
        *ret = code == MR_OK ? *ret : NULL;
    }
    delegate->duck.disconnect(&connection);
    return code;
}

// ---- the table function ------------------------------------------------------------------------

// DuckDB's calls come with handles only, which mean nothing without the library's functions. They
// are made on the thread that runs the query (there is no other one), so it says here what runs.
static _Thread_local function *running;

// Of a call without arguments no column is read, but DuckDB wants one.
static void bind_filler(const mr_duck *duck, duckdb_bind_info info) {
    duckdb_logical_type type = duck->create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duck->bind_add_result_column(info, "none", type);
    duck->destroy_logical_type(&type);
}

static void columns_bind(duckdb_bind_info info) {
    const mr_duck *duck = &running->delegate->duck;
    const mr_external *external = running->external;
    for (uint32_t i = 0; i < external->arg_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%" PRIu32, i);
        duckdb_logical_type type = mr_convert_logical(duck, external->args[i]);
        duck->bind_add_result_column(info, name, type);
        duck->destroy_logical_type(&type);
    }
    if (external->arg_count == 0) {
        bind_filler(duck, info);
    }
}

static void rows_init(duckdb_init_info info) {
    (void)info;
    running->handed_out = false;
}

static void rows_hand_out(duckdb_function_info info, duckdb_data_chunk out) {
    (void)info;
    const mr_duck *duck = &running->delegate->duck;
    const mr_external_call *call = running->call;
    uint32_t count = running->handed_out || call == NULL ? 0 : running->rows.count;
    for (uint32_t i = 0; count > 0 && i < call->arg_count; i++) {
        mr_convert_to(duck, &call->args[i], running->rows, duck->data_chunk_get_vector(out, i));
    }
    duck->data_chunk_set_size(out, count);
    running->handed_out = true;
}

static mr_code register_input(mr_delegate *delegate, duckdb_connection connection, mr_cx *cx) {
    mr_duck *duck = &delegate->duck;
    duckdb_table_function table = duck->create_table_function();
    duck->table_function_set_name(table, INPUT_NAME);
    duck->table_function_set_bind(table, columns_bind);
    duck->table_function_set_init(table, rows_init);
    duck->table_function_set_function(table, rows_hand_out);
    bool ok = duck->register_table_function(connection, table) == DuckDBSuccess;
    duck->destroy_table_function(&table);
    return ok ? MR_OK : mr_fail(cx, MR_E_INTERNAL, NULL, "cannot hand rows to DuckDB");
}

// ---- running -----------------------------------------------------------------------------------

static void function_close(void *state) {
    function *f = state;
    mr_duck *duck = &f->delegate->duck;
    if (f->statement != NULL) {
        duck->destroy_prepare(&f->statement);
    }
    if (f->connection != NULL) {
        duck->disconnect(&f->connection);
    }
    mr_heap_free(f);
}

static mr_code function_prepare(function *f, mr_cx *cx) {
    const found *self = f->external->self;
    mr_duck *duck = &f->delegate->duck;
    MR_TRY(connect(f->delegate, self->zone_name, &f->connection, cx));
    mr_delegate *delegate = f->delegate;
    mr_mutex_lock(&delegate->mutex);
    mr_code code = delegate->registered ? MR_OK : register_input(delegate, f->connection, cx);
    delegate->registered = code == MR_OK;
    mr_mutex_unlock(&delegate->mutex);
    MR_TRY(code);
    mr_text sql;
    mr_text_init(&sql, cx->arena);
    mr_text_addf(&sql, "SELECT %s FROM " INPUT_NAME "()", self->call);
    running = f;
    if (duck->prepare(f->connection, mr_text_string(&sql), &f->statement) != DuckDBSuccess) {
        return mr_fail(cx, MR_E_TYPE, "It is one of DuckDB's functions.", "%s: %s",
                       f->external->name, reason_of(duck->prepare_error(f->statement), cx->arena));
    }
    return MR_OK;
}

static mr_code function_open(const mr_external *external, void **ret_state, mr_cx *cx) {
    function *f = mr_heap_alloc(sizeof *f);
    f->external = external;
    f->delegate = ((const found *)external->self)->delegate;
    mr_code code = function_prepare(f, cx);
    if (code != MR_OK) {
        function_close(f);
        return code;
    }
    *ret_state = f;
    return MR_OK;
}

static bool has_numeric(mr_type type) {
    bool some = type.id == MR_NUMERIC;
    for (uint32_t i = 0; mr_type_is_nested(type) && i < type.fields->count && !some; i++) {
        some = has_numeric(type.fields->columns[i].type);
    }
    return some;
}

// DuckDB's sums may have more digits than their type, and a HUGEINT may have 39.
static bool digits_fit(const mr_vector *v, uint32_t row) {
    return v->type.id == MR_NUMERIC
               ? mr_numeric_fits(v->numerics[row], v->type.precision)
               : mr_nested_check(v->type, (mr_span){v->strs[row].data, v->strs[row].bytes});
}

// Puts a chunk's rows where they belong.
static void take_chunk(const function *f, duckdb_data_chunk chunk, duckdb_logical_type logical,
                       uint32_t first, const mr_external_call *call) {
    const mr_duck *duck = &f->delegate->duck;
    uint32_t count = mr_u32(duck->data_chunk_get_size(chunk));
    mr_convert_source from = {duck, duck->data_chunk_get_vector(chunk, 0), logical};
    mr_vector v = mr_convert_from(from, call->out->type, count, call->arena);
    size_t width = mr_type_bytes(v.type);
    bool numeric = has_numeric(v.type);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = f->rows.sel != NULL ? f->rows.sel[first + i] : first + i;
        memcpy((char *)call->out->data + width * row, (const char *)v.data + width * i, width);
        if (mr_vector_is_null(&v, i)) {
            mr_bits_clear(call->out->valid, row);
        } else if (numeric && !digits_fit(&v, i)) {
            call->fail(call->self, row, "the result has too many digits");
        }
    }
}

static mr_code run_rows(function *f, const mr_external_call *call, mr_convert_rows rows, mr_cx *cx);

// A batch that failed: halves of it, down to the row that cannot be computed.
static mr_code run_halves(function *f, const mr_external_call *call, mr_convert_rows rows,
                          const char *reason, mr_cx *cx) {
    if (rows.count == 1) {
        call->fail(call->self, rows.sel[0], reason);
        return MR_OK;
    }
    uint32_t half = rows.count / 2;
    MR_TRY(run_rows(f, call, (mr_convert_rows){rows.sel, half}, cx));
    return run_rows(f, call, (mr_convert_rows){rows.sel + half, rows.count - half}, cx);
}

static mr_code run_rows(function *f, const mr_external_call *call, mr_convert_rows rows,
                        mr_cx *cx) {
    mr_duck *duck = &f->delegate->duck;
    f->call = call;
    f->rows = rows;
    running = f;
    duckdb_result result;
    const char *reason = NULL;
    uint32_t done = 0;
    if (duck->execute_prepared(f->statement, &result) == DuckDBSuccess) {
        duckdb_logical_type logical = duck->column_logical_type(&result, 0);
        for (duckdb_data_chunk chunk; (chunk = duck->fetch_chunk(result)) != NULL;) {
            take_chunk(f, chunk, logical, done, call);
            done += mr_u32(duck->data_chunk_get_size(chunk));
            duck->destroy_data_chunk(&chunk);
        }
        duck->destroy_logical_type(&logical);
        mr_assert(done == rows.count);
    } else {
        const char *message = duck->result_error(&result);
        bool memory = message != NULL && strstr(message, "Out of Memory") != NULL;
        reason = reason_of(message, cx->arena);
        if (memory) {
            duck->destroy_result(&result);
            return mr_fail(cx, MR_E_LIMIT, NULL, "DuckDB, in %s: %s", f->external->name, reason);
        }
    }
    duck->destroy_result(&result);
    return reason == NULL ? MR_OK : run_halves(f, call, rows, reason, cx);
}

static mr_code function_run(void *state, const mr_external_call *call, mr_cx *cx) {
    function *f = state;
    mr_convert_rows rows = {call->sel, call->count};
    if (rows.sel == NULL) {  // Halves want a list.
        uint32_t *all = mr_arena_raw(call->arena, (rows.count + 1) * sizeof *all);
        for (uint32_t i = 0; i < rows.count; i++) {
            all[i] = i;
        }
        rows.sel = all;
    }
    return rows.count == 0 ? MR_OK : run_rows(f, call, rows, cx);
}

static const mr_external_type delegate_type = {
    .kind = "DuckDB",
    .file = __FILE__,
    .open = function_open,
    .run = function_run,
    .close = function_close,
};
