// CSV: reading by schema; see csv.h. Writing is in csv_write.c.
//
// How: one pass cuts fields out of the text as views (only doubled quotes make a copy), decodes
// them into column vectors and appends a batch at a time. Lines are counted as an editor does, so
// that a message names the line where a record starts.

#include "codec/csv.h"

#include <math.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "base/numeric.h"
#include "base/utf8.h"
#include "column/interval.h"
#include "column/uuid.h"

#define CSV_SHOWN_BYTES_MAX 64  // Of a bad value, in a message.

typedef struct csv_field {
    mr_span text;
    bool quoted;
    bool last;  // Of its record.
} csv_field;

typedef struct csv_reader {
    const mr_schema *schema;
    const mr_csv_options *options;
    const char *name;
    char delimiter;
    mr_span null_text;
    const char *at;
    const char *end;
    uint32_t line;         // Of `at`, from 1.
    uint32_t record_line;  // Where the present record starts.
    int32_t *targets;      // Per field of a record: index of its column, or -1.
    uint32_t field_count;  // Fields a record must have.
    mr_arena *arena;       // Life of a batch.
    mr_cx *cx;
} csv_reader;

// ---- fields ------------------------------------------------------------------------------------

// Takes the delimiter or the line end behind a field. False when there is neither.
static bool csv_take_end(csv_reader *r, csv_field *field) {
    if (r->at < r->end && *r->at == r->delimiter) {
        r->at++;
        field->last = false;
        return true;
    }
    field->last = true;
    if (r->at + 1 < r->end && r->at[0] == '\r' && r->at[1] == '\n') {
        r->at++;
    }
    if (r->at < r->end && *r->at == '\n') {
        r->at++;
        r->line++;
        return true;
    }
    return r->at == r->end;
}

static mr_span csv_undouble(csv_reader *r, mr_span text) {
    char *ret = mr_arena_raw(r->arena, text.bytes);
    size_t bytes = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        ret[bytes++] = text.data[i];
        i += text.data[i] == '"';  // Quotes come in pairs here.
    }
    return (mr_span){ret, bytes};
}

static mr_code csv_quoted(csv_reader *r, csv_field *field) {
    const char *start = ++r->at;
    uint32_t line = r->line;
    bool doubled = false;
    for (;; r->at++) {
        if (r->at == r->end) {
            return mr_fail(r->cx, MR_E_VALUE, NULL, "%s:%u: quoted field does not end", r->name,
                           line);
        }
        if (*r->at == '\n') {
            r->line++;
        } else if (*r->at == '"') {
            if (r->at + 1 == r->end || r->at[1] != '"') {
                break;
            }
            doubled = true;
            r->at++;
        }
    }
    field->text = (mr_span){start, (size_t)(r->at - start)};
    field->quoted = true;
    if (doubled) {
        field->text = csv_undouble(r, field->text);
    }
    r->at++;
    line = r->line;
    if (!csv_take_end(r, field)) {
        return mr_fail(r->cx, MR_E_VALUE, "Double the quotes inside a quoted field.",
                       "%s:%u: text behind a quoted field", r->name, line);
    }
    return MR_OK;
}

static mr_code csv_next(csv_reader *r, csv_field *field) {
    *field = (csv_field){.last = false};
    if (r->at < r->end && *r->at == '"') {
        return csv_quoted(r, field);
    }
    const char *start = r->at;
    while (r->at < r->end && *r->at != r->delimiter && *r->at != '\n') {
        r->at++;
    }
    // A line end may be two bytes: the first is no part of the field.
    bool crlf = r->at < r->end && *r->at == '\n' && r->at > start && r->at[-1] == '\r';
    bool crlf_cut = r->at == r->end && r->at > start && r->at[-1] == '\r';
    field->text = (mr_span){start, (size_t)(r->at - start) - (crlf || crlf_cut)};
    bool ended = csv_take_end(r, field);
    mr_assert(ended);
    return MR_OK;
}

// ---- values ------------------------------------------------------------------------------------

static mr_code csv_bad(csv_reader *r, const mr_column *column, mr_span text, const char *what) {
    bool cut = text.bytes > CSV_SHOWN_BYTES_MAX;
    int bytes = (int)MR_MIN(text.bytes, (size_t)CSV_SHOWN_BYTES_MAX);
    return mr_fail(r->cx, MR_E_VALUE, "Correct the file, or give the column another type.",
                   "%s:%u: column \"%s\": \"%.*s%s\" %s", r->name, r->record_line, column->name,
                   bytes, text.data, cut ? "..." : "", what);
}

static bool csv_bool(mr_span text, uint8_t *ret) {
    static const char *const words[2][4] = {{"false", "f", "no", "0"}, {"true", "t", "yes", "1"}};
    for (uint8_t value = 0; value < 2; value++) {
        for (size_t i = 0; i < MR_COUNT(words[value]); i++) {
            if (mr_span_equal_nocase(text, mr_span_of(words[value][i]))) {
                *ret = value;
                return true;
            }
        }
    }
    return false;
}

static bool csv_double(mr_span text, double *ret) {
    text = mr_span_trim(text);
    bool negative = text.bytes > 0 && text.data[0] == '-';
    mr_span word = {text.data + negative, text.bytes - negative};
    if (mr_span_equal_nocase(word, MR_SPAN("nan"))) {
        *ret = NAN;
        return true;
    }
    if (mr_span_equal_nocase(word, MR_SPAN("inf")) ||
        mr_span_equal_nocase(word, MR_SPAN("infinity"))) {
        *ret = negative ? -INFINITY : INFINITY;
        return true;
    }
    return mr_text_parse_double(text, ret);
}

static int csv_hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// Bytes as DuckDB prints them: "\xAB" for what is not plain ASCII.
static bool csv_bytes(csv_reader *r, mr_span text, mr_str *ret) {
    char *to = mr_arena_raw(r->arena, text.bytes);
    uint32_t bytes = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] != '\\') {
            to[bytes++] = text.data[i];
            continue;
        }
        if (text.bytes - i < 4 || text.data[i + 1] != 'x' || csv_hex(text.data[i + 2]) < 0 ||
            csv_hex(text.data[i + 3]) < 0) {
            return false;
        }
        to[bytes++] = (char)(csv_hex(text.data[i + 2]) * 16 + csv_hex(text.data[i + 3]));
        i += 3;
    }
    *ret = (mr_str){.data = to, .bytes = bytes};
    return true;
}

static mr_code csv_int(csv_reader *r, const mr_column *column, mr_span text, int64_t *ret) {
    int64_t most = column->type.id == MR_INT16   ? INT16_MAX
                   : column->type.id == MR_INT32 ? INT32_MAX
                                                 : INT64_MAX;
    char *range = mr_arena_printf(r->arena, "is out of range for %s", mr_type_name(column->type));
    int64_t value;
    if (mr_text_parse_int64(text, &value)) {
        if (value > most || value < -most - 1) {
            return csv_bad(r, column, text, range);
        }
        *ret = value;
        return MR_OK;
    }
    mr_span digits = mr_span_trim(text);
    size_t i = digits.bytes > 0 && *digits.data == '-' ? 1 : 0;
    while (i < digits.bytes && digits.data[i] >= '0' && digits.data[i] <= '9') {
        i++;
    }
    bool large = i == digits.bytes && i >= 19;
    return csv_bad(r, column, text, large ? range : "is not an integer");
}

static bool csv_float(mr_span text, float *ret) {
    double value = 0;
    if (!csv_double(text, &value)) {
        return false;
    }
    *ret = (float)value;  // By way of the double, as DuckDB does it.
    return isfinite(*ret) || !isfinite(value);
}

static mr_code csv_numeric(csv_reader *r, const mr_column *column, mr_span text, mr_int128 *ret) {
    __int128 value = 0;
    double unused;
    if (mr_numeric_parse(text, column->type.precision, column->type.scale, &value)) {
        *ret = value;
        return MR_OK;
    }
    if (!mr_text_parse_double(text, &unused)) {
        return csv_bad(r, column, text, "is not a number");
    }
    return csv_bad(
        r, column, text,
        mr_arena_printf(r->arena, "does not fit %s", mr_type_text(column->type, r->arena)));
}

// Types whose text is read as a whole. False when it is malformed; *what says what it is not.
static bool csv_text(csv_reader *r, mr_type_id type, mr_span text, void *ret, const char **what) {
    switch ((int)type) {
    case MR_TEXT:
        *what = "is not valid UTF-8";
        *(mr_str *)ret = (mr_str){.data = text.data, .bytes = (uint32_t)text.bytes};
        return text.bytes <= UINT32_MAX && mr_utf8_valid(text.data, text.bytes);
    case MR_JSON:
        *what = "is not JSON";
        *(mr_str *)ret = (mr_str){.data = text.data, .bytes = (uint32_t)text.bytes};
        return text.bytes <= UINT32_MAX && mr_utf8_valid(text.data, text.bytes) &&
               mr_jsonvalue_check(text);
    case MR_BYTES:
        *what = "has a backslash that is not followed by x and two hexadecimal digits";
        return text.bytes <= UINT32_MAX && csv_bytes(r, text, ret);
    case MR_UUID: *what = "is not a uuid"; return mr_uuid_parse(text, ret);
    case MR_TIME: *what = "is not a time"; return mr_civil_parse_time(text.data, text.bytes, ret);
    case MR_INTERVAL: *what = "is not an interval"; return mr_interval_parse(text, ret);
    case MR_DATE: *what = "is not a date"; return mr_civil_parse_date(text.data, text.bytes, ret);
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ:
        *what = "is not a timestamp";
        return mr_civil_parse(text.data, text.bytes, type == MR_TIMESTAMP ? NULL : r->options->zone,
                              ret);
    default: break;
    }
    mr_assert(false);  // Refused before.
    return false;
}

static mr_code csv_put(csv_reader *r, uint32_t c, mr_vector *v, uint32_t row, mr_span text) {
    const mr_column *column = &r->schema->columns[c];
    bool ok = true;
    const char *what = "";
    int64_t value = 0;
    switch ((int)column->type.id) {
    case MR_BOOL:
        ok = csv_bool(mr_span_trim(text), &v->bools[row]);
        what = "is not a boolean";
        break;
    case MR_INT16:
        MR_TRY(csv_int(r, column, text, &value));
        v->int16s[row] = (int16_t)value;
        break;
    case MR_INT32:
        MR_TRY(csv_int(r, column, text, &value));
        v->int32s[row] = (int32_t)value;
        break;
    case MR_INT64: return csv_int(r, column, text, &v->int64s[row]);
    case MR_NUMERIC: return csv_numeric(r, column, text, &v->numerics[row]);
    case MR_FLOAT32:
        ok = csv_float(text, &v->float32s[row]);
        what = "is not a number";
        break;
    case MR_FLOAT64:
        ok = csv_double(text, &v->float64s[row]);
        what = "is not a number";
        break;
    default: {
        char *to = (char *)v->data + row * mr_type_bytes(column->type);
        ok = csv_text(r, column->type.id, text, to, &what);
        break;
    }
    }
    return ok ? MR_OK : csv_bad(r, column, text, what);
}

static mr_code csv_put_null(csv_reader *r, uint32_t c, mr_vector *v, uint32_t row, uint32_t rows) {
    const mr_column *column = &r->schema->columns[c];
    if (column->required) {
        return mr_fail(r->cx, MR_E_VALUE, "Fill the field, or leave NOT NULL and PRIMARY KEY out.",
                       "%s:%u: column \"%s\": NULL in a NOT NULL column", r->name, r->record_line,
                       column->name);
    }
    if (v->valid == NULL) {
        mr_vector_own_valid(v, r->arena, rows);
    }
    mr_bits_clear(v->valid, row);
    if (mr_type_is_string(column->type)) {
        v->strs[row] = (mr_str){.data = ""};
    }
    return MR_OK;
}

// ---- records -----------------------------------------------------------------------------------

// Blank lines are skipped, save in a file of one column, where one is a NULL.
static void csv_skip_blank(csv_reader *r) {
    while (r->field_count > 1 && r->at < r->end) {
        size_t cr = r->at + 1 < r->end && r->at[0] == '\r' ? 1 : 0;
        if (r->at[cr] != '\n') {
            return;
        }
        r->at += cr + 1;
        r->line++;
    }
}

static mr_code csv_record(csv_reader *r, mr_batch *batch, uint32_t row) {
    r->record_line = r->line;
    uint32_t fields = 0;
    csv_field field = {.last = false};
    for (; !field.last; fields++) {
        MR_TRY(csv_next(r, &field));
        int32_t target = fields < r->field_count ? r->targets[fields] : -1;
        if (target < 0) {
            continue;
        }
        uint32_t c = (uint32_t)target;
        bool null = !field.quoted && mr_span_equal(field.text, r->null_text);
        MR_TRY(null ? csv_put_null(r, c, &batch->columns[c], row, MR_BATCH_ROWS_MAX)
                    : csv_put(r, c, &batch->columns[c], row, field.text));
    }
    if (fields != r->field_count) {
        return mr_fail(r->cx, MR_E_VALUE,
                       "A field that holds a comma or a line end needs double quotes around it.",
                       "%s:%u: %u field%s where %u are expected", r->name, r->record_line, fields,
                       fields == 1 ? "" : "s", r->field_count);
    }
    return MR_OK;
}

static mr_code csv_read_batch(csv_reader *r, mr_rows *rows) {
    mr_batch batch = mr_batch_new(r->arena, r->schema->count, MR_BATCH_ROWS_MAX);
    for (uint32_t c = 0; c < r->schema->count; c++) {
        batch.columns[c] = mr_vector_flat(r->arena, r->schema->columns[c].type, MR_BATCH_ROWS_MAX);
    }
    uint32_t row = 0;
    for (csv_skip_blank(r); r->at < r->end && row < MR_BATCH_ROWS_MAX; csv_skip_blank(r)) {
        MR_TRY(csv_record(r, &batch, row++));
    }
    batch.rows = row;
    batch.sel_count = row;
    mr_rows_append(rows, &batch);
    return MR_OK;
}

// ---- the header --------------------------------------------------------------------------------

static mr_code csv_check_header(csv_reader *r, const char **names, uint32_t count) {
    for (uint32_t c = 0; c < r->schema->count; c++) {
        const char *wanted = r->schema->columns[c].name;
        uint32_t found = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (strcmp(names[i], wanted) == 0) {
                r->targets[i] = (int32_t)c;
                found++;
            }
        }
        if (found > 1) {
            return mr_fail(r->cx, MR_E_NAME, NULL, "%s:1: column \"%s\" is there %u times", r->name,
                           wanted, found);
        }
        if (found == 0) {
            const char *hint = mr_text_hint(wanted, names, count, NULL, r->cx->arena);
            return mr_fail(r->cx, MR_E_NAME, hint, "%s:1: no column \"%s\" in the header", r->name,
                           wanted);
        }
    }
    return MR_OK;
}

static mr_code csv_header(csv_reader *r) {
    mr_text names;  // Pointers, as many as the header has fields.
    mr_text_init(&names, r->cx->arena);
    uint32_t count = 0;
    for (csv_field field = {.last = false}; !field.last; count++) {
        MR_TRY(csv_next(r, &field));
        const char *name = mr_arena_copy(r->cx->arena, field.text.data, field.text.bytes);
        mr_text_add_bytes(&names, &name, sizeof(name));
    }
    r->field_count = count;
    r->targets = MR_NEW_ARRAY(r->cx->arena, int32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        r->targets[i] = -1;
    }
    return csv_check_header(r, (const char **)(void *)names.data, count);
}

static mr_code csv_open(csv_reader *r) {
    for (uint32_t c = 0; c < r->schema->count; c++) {
        const mr_column *column = &r->schema->columns[c];
        if (mr_type_is_nested(column->type) || column->type.id == MR_NULLTYPE) {
            return mr_fail(r->cx, MR_E_TYPE, "Declare it as jsonb, and cast it where it is used.",
                           "CSV cannot give column \"%s\" of type %s", column->name,
                           mr_type_text(column->type, r->cx->arena));
        }
    }
    if (r->end - r->at >= 3 && memcmp(r->at, "\xEF\xBB\xBF", 3) == 0) {
        r->at += 3;
    }
    if (r->options->header) {
        return csv_header(r);
    }
    r->field_count = r->schema->count;
    r->targets = MR_NEW_ARRAY(r->cx->arena, int32_t, r->field_count);
    for (uint32_t i = 0; i < r->field_count; i++) {
        r->targets[i] = (int32_t)i;
    }
    return MR_OK;
}

mr_code mr_csv_read(mr_rows *rows, mr_span text, const char *name, const mr_csv_options *options,
                    mr_cx *cx) {
    mr_arena arena;
    mr_arena_init(&arena);
    csv_reader r = {
        .schema = rows->schema,
        .options = options,
        .name = name,
        .delimiter = options->delimiter != 0 ? options->delimiter : ',',
        .null_text = mr_span_of(options->null_text),
        .at = text.data,
        .end = text.data + text.bytes,
        .line = 1,
        .arena = &arena,
        .cx = cx,
    };
    mr_assert(r.delimiter != '"' && r.delimiter != '\n' && r.delimiter != '\r');
    mr_code code = csv_open(&r);
    while (code == MR_OK && r.at < r.end) {
        code = csv_read_batch(&r, rows);
        mr_arena_clear(&arena);
    }
    mr_arena_release(&arena);
    return code;
}
