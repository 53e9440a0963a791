// Types, their names: what a word in DDL or a cast means, with its parameters and array brackets.
//
// PostgreSQL's grammar turns some words into others before they come here: real is float4, double
// precision and a bare float are float8, float(1 .. 24) is float4, decimal is numeric, char is
// bpchar. As in DuckDB the length of a text and the precision of a time are read and not applied,
// and a bare numeric is numeric(18,3).

#include <string.h>

#include "sql/types.h"

#define NUMERIC_DIGITS 18  // Of a bare numeric.
#define NUMERIC_SCALE  3

static const struct {
    const char *name;
    mr_type_id id;
    const char *instead;  // For NULLTYPE: what to use.
} type_names[] = {
    {"bool", MR_BOOL, NULL},
    {"boolean", MR_BOOL, NULL},
    {"smallint", MR_INT16, NULL},
    {"int2", MR_INT16, NULL},
    {"int", MR_INT32, NULL},
    {"integer", MR_INT32, NULL},
    {"int4", MR_INT32, NULL},
    {"bigint", MR_INT64, NULL},
    {"int8", MR_INT64, NULL},
    {"numeric", MR_NUMERIC, NULL},
    {"decimal", MR_NUMERIC, NULL},
    {"real", MR_FLOAT32, NULL},
    {"float4", MR_FLOAT32, NULL},
    {"float8", MR_FLOAT64, NULL},
    {"double", MR_FLOAT64, NULL},
    {"text", MR_TEXT, NULL},
    {"string", MR_TEXT, NULL},
    {"varchar", MR_TEXT, NULL},
    {"bpchar", MR_TEXT, NULL},
    {"bytea", MR_BYTES, NULL},
    {"blob", MR_BYTES, NULL},
    {"uuid", MR_UUID, NULL},
    {"date", MR_DATE, NULL},
    {"time", MR_TIME, NULL},
    {"timestamp", MR_TIMESTAMP, NULL},
    {"datetime", MR_TIMESTAMP, NULL},
    {"timestamptz", MR_TIMESTAMPTZ, NULL},
    {"interval", MR_INTERVAL, NULL},
    {"json", MR_JSON, NULL},
    {"jsonb", MR_JSON, NULL},
    {"tinyint", MR_NULLTYPE, "Use smallint."},
    {"utinyint", MR_NULLTYPE, "Use smallint."},
    {"usmallint", MR_NULLTYPE, "Use int."},
    {"uinteger", MR_NULLTYPE, "Use bigint."},
    {"ubigint", MR_NULLTYPE, "Use numeric(20, 0)."},
    {"hugeint", MR_NULLTYPE, "Use numeric(38, 0)."},
    {"uhugeint", MR_NULLTYPE, "Use numeric(38, 0)."},
    {"smallserial", MR_NULLTYPE, "Use smallint."},
    {"serial", MR_NULLTYPE, "Use int."},
    {"bigserial", MR_NULLTYPE, "Use bigint."},
    {"money", MR_NULLTYPE, "Use numeric(18, 2)."},
    {"timetz", MR_NULLTYPE, "Use timestamptz, or time."},
    {"timestamp_s", MR_NULLTYPE, "Use timestamp."},
    {"timestamp_ms", MR_NULLTYPE, "Use timestamp."},
    {"timestamp_ns", MR_NULLTYPE, "Use timestamp."},
    {"bit", MR_NULLTYPE, "Use text."},
    {"varbit", MR_NULLTYPE, "Use text."},
    {"xml", MR_NULLTYPE, "Use text."},
    {"inet", MR_NULLTYPE, "Use text."},
    {"map", MR_NULLTYPE, "Use jsonb."},
    {"hstore", MR_NULLTYPE, "Use jsonb."},
    {"struct", MR_NULLTYPE, "Declare it: CREATE TYPE name AS (a int, b text)."},
    {"record", MR_NULLTYPE, "Declare it: CREATE TYPE name AS (a int, b text)."},
    {"list", MR_NULLTYPE, "Write int[]."},
};

// The numbers in the parentheses behind a name. False when one is none.
static bool read_numbers(const PgQuery__TypeName *name, int32_t *ret, size_t most) {
    for (size_t i = 0; i < name->n_typmods && i < most; i++) {
        const mr_ast *number = name->typmods[i];
        if (number->node_case != PG_QUERY__NODE__NODE_A_CONST ||
            number->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL) {
            return false;
        }
        ret[i] = number->a_const->ival->ival;
    }
    return name->n_typmods <= most;
}

static mr_code numeric_type(mr_session *s, const PgQuery__TypeName *name, mr_type *ret) {
    int32_t number[2] = {NUMERIC_DIGITS, name->n_typmods == 0 ? NUMERIC_SCALE : 0};
    if (!read_numbers(name, number, 2) || number[0] < 1 || number[0] > MR_NUMERIC_DIGITS_MAX ||
        number[1] < 0 || number[1] > number[0]) {
        return mr_fail_at(s->cx, MR_E_TYPE, mr_session_place(s, name->location),
                          "Write numeric(p, s): p digits, 1 to 38, and s of them behind the point.",
                          "bad precision or scale of numeric");
    }
    *ret = MR_NUMERIC((uint8_t)number[0], (uint8_t)number[1]);
    return MR_OK;
}

static mr_code unknown_type(mr_session *s, const char *word, mr_place place) {
    const char *known[MR_COUNT(type_names)];
    for (size_t i = 0; i < MR_COUNT(type_names); i++) {
        known[i] = type_names[i].name;
    }
    const char *hint = mr_session_hint_map(s, word, &s->types);
    hint = hint != NULL ? hint : mr_session_hint(s, word, known, MR_COUNT(type_names));
    return mr_session_suspects(s, word)
               ? mr_session_fail_silently(s)
               : mr_fail_at(s->cx, MR_E_TYPE, place, hint, "unknown type \"%s\"", word);
}

// The type without its brackets.
static mr_code scalar_type(mr_session *s, const PgQuery__TypeName *name, mr_type *ret) {
    const char *word = mr_ast_name(name->names, name->n_names);
    mr_place place = mr_session_place(s, name->location);
    const mr_named_type *declared = mr_session_find(&s->types, word);
    if (declared != NULL) {
        *ret = declared->type;
        return declared->type.id == MR_NULLTYPE ? mr_session_fail_silently(s) : MR_OK;
    }
    for (size_t i = 0; i < MR_COUNT(type_names); i++) {
        if (!mr_span_equal_nocase(mr_span_of(type_names[i].name), mr_span_of(word))) {
            continue;
        }
        if (type_names[i].instead != NULL) {
            return mr_fail_at(s->cx, MR_E_TYPE, place, type_names[i].instead,
                              "type %s is not supported", word);
        }
        *ret = MR_TYPE(type_names[i].id);
        return ret->id == MR_NUMERIC ? numeric_type(s, name, ret) : MR_OK;
    }
    return unknown_type(s, word, place);
}

mr_code mr_types_from_name(mr_session *s, const PgQuery__TypeName *name, mr_type *ret) {
    mr_place place = mr_session_place(s, name->location);
    mr_type type;
    MR_TRY(scalar_type(s, name, &type));
    if (name->setof) {
        return mr_fail_at(s->cx, MR_E_TYPE, place, "Return an array.", "SETOF is not supported");
    }
    for (size_t i = 0; i < name->n_array_bounds; i++) {
        const mr_ast *bound = name->array_bounds[i];
        if (bound->node_case == PG_QUERY__NODE__NODE_INTEGER && bound->integer->ival >= 0) {
            return mr_fail_at(s->cx, MR_E_TYPE, place, "Leave the length out: int[].",
                              "arrays of a fixed length are not supported");
        }
        type = mr_type_list(type, s->cx->arena);
    }
    *ret = type;
    return MR_OK;
}

// ---- CREATE TYPE -----------------------------------------------------------------------------

static mr_code read_fields(mr_session *s, const PgQuery__CompositeTypeStmt *ast,
                           mr_schema *fields) {
    fields->columns = MR_NEW_ARRAY(s->cx->arena, mr_column, ast->n_coldeflist + 1);
    for (size_t i = 0; i < ast->n_coldeflist; i++) {
        const PgQuery__ColumnDef *field = ast->coldeflist[i]->column_def;
        if (mr_schema_find(fields, field->colname) >= 0) {
            return mr_fail_at(s->cx, MR_E_EXISTS, mr_session_place(s, field->location),
                              "Give it another name.", "field \"%s\" is declared twice",
                              field->colname);
        }
        mr_column column = {.name = field->colname};
        MR_TRY(mr_types_from_name(s, field->type_name, &column.type));
        fields->columns[fields->count++] = column;
    }
    if (fields->count == 0) {
        return mr_fail_at(s->cx, MR_E_TYPE, mr_session_place(s, 0), "Declare its fields.",
                          "type \"%s\" has no fields", ast->typevar->relname);
    }
    return MR_OK;
}

mr_code mr_types_declare(mr_session *s, const PgQuery__CompositeTypeStmt *ast) {
    const char *name = ast->typevar->relname;
    mr_place place = mr_session_place(s, ast->typevar->location);
    if (mr_session_find(&s->types, name) != NULL) {
        return mr_fail_at(s->cx, MR_E_EXISTS, place, "Give it another name.",
                          "type \"%s\" is declared twice", name);
    }
    for (size_t i = 0; i < MR_COUNT(type_names); i++) {
        if (strcmp(type_names[i].name, name) == 0) {
            return mr_fail_at(s->cx, MR_E_EXISTS, place, "Give it another name.",
                              "\"%s\" is the name of a type that is built in", name);
        }
    }
    mr_named_type *declared = MR_NEW(s->cx->arena, mr_named_type);
    mr_schema *fields = MR_NEW(s->cx->arena, mr_schema);
    mr_code code = read_fields(s, ast, fields);
    declared->type = code == MR_OK ? mr_type_struct(fields) : MR_TYPE(MR_NULLTYPE);
    mr_map_put(&s->types, mr_span_of(name), declared);  // Now: a type cannot hold itself.
    return code;
}
