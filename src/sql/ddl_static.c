// Static tables: CREATE TABLE, and their rows from COPY … FROM 'file' or INSERT … VALUES.

#include <string.h>

#include "sql/bind.h"
#include "sql/ddl.h"
#include "sql/options.h"

static mr_code static_fail(mr_session *s, mr_place place, const char *hint, const char *text) {
    return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place, hint, "%s", text);
}

static mr_code set_primary(mr_session *s, mr_plan_table *table, int32_t column, mr_place place) {
    if (table->primary_key >= 0) {
        return static_fail(s, place, "Keep one of the two.", "table has two primary keys");
    }
    table->primary_key = column;
    table->schema.columns[column].required = true;
    return MR_OK;
}

static mr_code read_constraint(mr_session *s, mr_plan_table *table,
                               const PgQuery__Constraint *constraint, int32_t column) {
    mr_place place = mr_session_place(s, constraint->location);
    switch ((int)constraint->contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
    case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL: return MR_OK;
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
        if (column < 0 && constraint->n_keys == 1) {
            const char *name = mr_ast_string(constraint->keys[0]);
            column = mr_schema_find(&table->schema, name);
            if (column < 0) {
                return mr_fail_at(s->cx, MR_E_NAME, place, /* hint= */ NULL,
                                  "no column \"%s\" in \"%s\"", name, table->name);
            }
        }
        return column >= 0
                   ? set_primary(s, table, column, place)
                   : static_fail(s, place, "Leave PRIMARY KEY out and join on both columns.",
                                 "a primary key of several columns is not supported");
    default:
        return static_fail(s, place, "Use PRIMARY KEY or NOT NULL.",
                           "this constraint is not supported on a static table");
    }
}

static mr_code read_columns(mr_session *s, mr_plan_table *table, const PgQuery__CreateStmt *ast) {
    for (size_t i = 0; i < ast->n_table_elts; i++) {
        const mr_ast *element = ast->table_elts[i];
        if (element->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            const PgQuery__ColumnDef *column = element->column_def;
            MR_TRY(mr_ddl_column(s, column, &table->schema));
            for (size_t k = 0; k < column->n_constraints; k++) {
                MR_TRY(read_constraint(s, table, column->constraints[k]->constraint,
                                       (int32_t)table->schema.count - 1));
            }
        }
    }
    for (size_t i = 0; i < ast->n_table_elts; i++) {
        const mr_ast *element = ast->table_elts[i];
        if (element->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
            MR_TRY(read_constraint(s, table, element->constraint, /* column= */ -1));
        } else if (element->node_case != PG_QUERY__NODE__NODE_COLUMN_DEF) {
            return static_fail(s, mr_session_place(s, 0), "Write the columns out.",
                               "LIKE in a table is not supported");
        }
    }
    return MR_OK;
}

mr_code mr_ddl_static(mr_session *s, const PgQuery__CreateStmt *ast) {
    const char *name = ast->relation->relname;
    mr_place place = mr_session_place(s, ast->relation->location);
    MR_TRY(mr_ddl_check_name(s, name, place));
    if (ast->n_options > 0 || ast->partspec != NULL || ast->partbound != NULL ||
        ast->n_inh_relations > 0 || ast->of_typename != NULL ||
        (ast->access_method != NULL && ast->access_method[0] != '\0')) {
        return static_fail(s, place,
                           "For a stream write CREATE FOREIGN TABLE … SERVER … OPTIONS (…).",
                           "a static table takes no WITH, USING, PARTITION BY or INHERITS");
    }
    mr_plan_table *table = MR_NEW(s->cx->arena, mr_plan_table);
    table->name = name;
    table->primary_key = -1;
    table->place = place;
    table->schema.columns = MR_NEW_ARRAY(s->cx->arena, mr_column, ast->n_table_elts + 1);
    MR_TRY(read_columns(s, table, ast));
    if (table->schema.count == 0) {
        return static_fail(s, place, "Declare its columns.", "table has no columns");
    }
    mr_ddl_add(s, MR_OBJECT_STATIC, name, place)->table = table;
    return MR_OK;
}

// ---- COPY ------------------------------------------------------------------------------------

static mr_code copy_form(mr_session *s, const PgQuery__CopyStmt *ast, mr_place place) {
    if (!ast->is_from || ast->relation == NULL) {
        return static_fail(s, place, "Write INSERT INTO table SELECT … to a foreign table.",
                           "COPY … TO is not supported");
    }
    if (ast->is_program || ast->filename == NULL || ast->filename[0] == '\0') {
        return static_fail(s, place, "Write COPY table FROM 'file.csv' (FORMAT csv, HEADER).",
                           "COPY reads files only");
    }
    if (ast->n_attlist > 0 || ast->where_clause != NULL) {
        return static_fail(s, place, "Declare the table with the file's columns.",
                           "a column list or WHERE in COPY is not supported");
    }
    return MR_OK;
}

static const char *format_of(const char *path) {
    static const char *const endings[][2] = {{".csv", "csv"},         {".csv.gz", "csv"},
                                             {".parquet", "parquet"}, {".json", "json"},
                                             {".jsonl", "json"},      {".ndjson", "json"}};
    for (size_t i = 0; i < MR_COUNT(endings); i++) {
        if (mr_span_ends(mr_span_of(path), endings[i][0])) {
            return endings[i][1];
        }
    }
    return "csv";
}

static mr_code copy_options(mr_session *s, const mr_option_values *options) {
    static const char *const known[] = {"format", "header", "delimiter", "quote", "escape", "null"};
    for (size_t i = 0; i < options->count; i++) {
        const mr_option_value *value = &options->items[i];
        bool found = false;
        for (size_t k = 0; k < MR_COUNT(known); k++) {
            found = found || strcmp(known[k], value->name) == 0;
        }
        if (!found) {
            const char *hint = mr_session_hint(s, value->name, known, MR_COUNT(known));
            return mr_fail_at(
                s->cx, MR_E_OPTION, value->place,
                hint != NULL ? hint
                             : "The options are: format, header, delimiter, quote, escape, null.",
                "unknown option \"%s\"", value->name);
        }
    }
    return MR_OK;
}

mr_code mr_ddl_copy(mr_session *s, const PgQuery__CopyStmt *ast) {
    mr_place place = mr_session_place(s, ast->relation == NULL ? 0 : ast->relation->location);
    MR_TRY(copy_form(s, ast, place));
    mr_object *object = mr_session_find(&s->objects, ast->relation->relname);
    if (object == NULL && mr_session_suspects(s, ast->relation->relname)) {
        return mr_session_fail_silently(s);
    }
    if (object == NULL) {
        return mr_fail_at(s->cx, MR_E_NAME, place,
                          mr_session_hint_map(s, ast->relation->relname, &s->objects),
                          "unknown table \"%s\"", ast->relation->relname);
    }
    if (object->kind == MR_OBJECT_BROKEN) {
        return mr_session_fail_silently(s);
    }
    if (object->kind != MR_OBJECT_STATIC) {
        return static_fail(s, place, "COPY fills tables made by CREATE TABLE.",
                           "COPY into something that is not a static table");
    }
    mr_plan_table *table = object->table;
    if (table->path != NULL || table->rows != NULL) {
        return mr_fail_at(s->cx, MR_E_EXISTS, place, "Keep one of the two.",
                          "static table \"%s\" has rows already", table->name);
    }
    mr_option_values options;
    MR_TRY(mr_options_read(s, ast->options, ast->n_options, &options));
    MR_TRY(copy_options(s, &options));
    const mr_option_value *format;
    table->options = mr_options_without(s, &options, (const char *const[]){"format"}, 1, &format);
    table->format = format == NULL ? format_of(ast->filename) : format->value;
    if (mr_port_loader(s->env->port, table->format) == NULL) {
        return mr_fail_at(s->cx, MR_E_OPTION, format == NULL ? place : format->place,
                          "Write (FORMAT csv, HEADER).", "unknown format \"%s\"", table->format);
    }
    table->path = ast->filename;
    return MR_OK;
}

// ---- INSERT … VALUES -------------------------------------------------------------------------

// One row of VALUES as constants of the table's types.
static mr_code values_row(mr_session *s, const mr_plan_table *table, const PgQuery__List *row,
                          mr_vector *columns) {
    mr_bind b = {.s = s, .scope = &(mr_scope){.schema = &(mr_schema){0}}, .clause = "VALUES"};
    if (row->n_items != table->schema.count) {
        return mr_fail_at(s->cx, MR_E_TYPE,
                          mr_session_place_of(s, row->n_items == 0 ? NULL : row->items[0]),
                          /* hint= */ NULL, "row has %zu values, table \"%s\" %u columns",
                          row->n_items, table->name, table->schema.count);
    }
    for (uint32_t c = 0; c < table->schema.count; c++) {
        const mr_column *column = &table->schema.columns[c];
        mr_expr *value;
        MR_TRY(mr_bind_expr(&b, row->items[c], &value));
        MR_TRY(mr_types_cast(s, value, column->type, MR_CAST_IMPLICIT, &value));
        if (value->kind != MR_EXPR_CONST) {
            return mr_fail_at(s->cx, MR_E_UNSUPPORTED, value->place, "Write the value itself.",
                              "VALUES takes literals only");
        }
        if (column->required && mr_expr_is_null(value)) {
            return mr_fail_at(s->cx, MR_E_VALUE, value->place, /* hint= */ NULL,
                              "NULL in column \"%s\", which is NOT NULL", column->name);
        }
        columns[c] = value->constant;
        columns[c].kind = MR_FLAT;  // Of one row.
    }
    return MR_OK;
}

mr_code mr_ddl_values(mr_session *s, const mr_object *object, const PgQuery__InsertStmt *ast) {
    mr_plan_table *table = object->table;
    mr_place place = mr_session_place(s, ast->relation->location);
    const PgQuery__SelectStmt *select =
        ast->select_stmt == NULL ? NULL : ast->select_stmt->select_stmt;
    if (select == NULL || select->n_values_lists == 0 || ast->n_cols > 0 ||
        ast->on_conflict_clause != NULL) {
        return static_fail(s, place, "Write INSERT INTO table VALUES (…), (…), or COPY.",
                           "a static table takes all its columns from VALUES");
    }
    if (table->path != NULL) {
        return mr_fail_at(s->cx, MR_E_EXISTS, place, "Keep COPY or VALUES.",
                          "static table \"%s\" has rows already", table->name);
    }
    if (table->rows == NULL) {
        table->rows = MR_NEW(s->cx->arena, mr_rows);
        mr_rows_init(table->rows, &table->schema);
    }
    mr_batch batch = mr_batch_new(s->cx->arena, table->schema.count, 1);
    for (size_t i = 0; i < select->n_values_lists; i++) {
        MR_TRY(values_row(s, table, select->values_lists[i]->list, batch.columns));
        mr_rows_append(table->rows, &batch);
    }
    return MR_OK;
}
