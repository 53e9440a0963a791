// Joins of a stream with a static table, on equality of columns; other conditions are the residue.
//
// How: the conditions are bound over both sides' columns. `stream expression = table column`
// becomes a key (an expression is computed below the join), the rest is kept as residue. A stream
// on the right is swapped to the left; names keep the order of the text.

#include <string.h>

#include "sql/select.h"

typedef struct join_build {
    const mr_select *q;
    mr_select_side *stream;
    mr_select_side *table;
    bool left;              // Rows of the stream without a match are kept.
    uint32_t first;         // Columns of the stream; the table's stand behind them.
    mr_schema schema;       // Of both.
    mr_scope_table *names;  // Of both, in the order of the text.
    uint32_t name_count;
    mr_expr **stream_keys;
    uint32_t *table_keys;
    uint32_t key_count;
    mr_expr **residue;
    uint32_t residue_count;
} join_build;

static mr_code join_fail(const mr_select *q, mr_place place, const char *hint, const char *text) {
    return mr_fail_at(q->s->cx, MR_E_UNSUPPORTED, place, hint, "%s", text);
}

// Decides which side is the stream, and whether its rows are kept.
static mr_code join_sides(join_build *j, const PgQuery__JoinExpr *ast, mr_select_side *left,
                          mr_select_side *right) {
    mr_place place = right->place;
    if (left->plan != NULL && right->plan != NULL) {
        return join_fail(j->q, place,
                         "Joins with static tables (CREATE TABLE and COPY) work today.",
                         "a join of two streams is not supported yet; it comes later");
    }
    if (left->plan == NULL && right->plan == NULL) {
        return join_fail(j->q, place, "Join a stream with one of them first.",
                         "a join of two static tables is not supported");
    }
    bool swapped = left->plan == NULL;
    bool inner = ast->jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER;
    bool outer = ast->jointype ==
                 (swapped ? PG_QUERY__JOIN_TYPE__JOIN_RIGHT : PG_QUERY__JOIN_TYPE__JOIN_LEFT);
    if (!inner && !outer) {
        return join_fail(j->q, place, "Put the stream on the left and LEFT JOIN the table.",
                         "this join would wait for the end of the stream");
    }
    if (ast->is_natural) {
        return join_fail(j->q, place, "Write JOIN … USING (key).", "NATURAL is not supported");
    }
    if (ast->alias != NULL || ast->join_using_alias != NULL) {
        return join_fail(j->q, place, "Give each table an alias of its own.",
                         "an alias for a join is not supported");
    }
    j->stream = swapped ? right : left;
    j->table = swapped ? left : right;
    j->left = outer;
    return MR_OK;
}

// Schema and names of both sides. A joined column whose name is taken is called table.column.
static mr_code join_names(join_build *j, bool swapped) {
    mr_arena *arena = j->q->s->cx->arena;
    const mr_schema *left = j->stream->plan->schema;
    const mr_schema *right = &j->table->table->schema;
    j->first = left->count;
    j->schema.count = left->count + right->count;
    j->schema.columns = MR_NEW_ARRAY(arena, mr_column, j->schema.count);
    for (uint32_t c = 0; c < left->count; c++) {
        j->schema.columns[c] = left->columns[c];
    }
    mr_scope_table *names = &j->table->tables[0];
    for (uint32_t c = 0; c < right->count; c++) {
        mr_column *column = &j->schema.columns[j->first + c];
        *column = right->columns[c];
        column->required = column->required && !j->left;
        names->columns[c].column = j->first + c;
        for (uint32_t k = 0; k < j->first; k++) {
            if (strcmp(left->columns[k].name, right->columns[c].name) == 0) {
                column->name = mr_arena_printf(arena, "%s.%s", names->name, right->columns[c].name);
                break;
            }
        }
    }
    j->name_count = j->stream->table_count + 1;
    j->names = MR_NEW_ARRAY(arena, mr_scope_table, j->name_count);
    memcpy(j->names + (swapped ? 1 : 0), j->stream->tables,
           sizeof(mr_scope_table) * j->stream->table_count);
    j->names[swapped ? 0 : j->name_count - 1] = *names;
    for (uint32_t t = 0; t < j->stream->table_count; t++) {
        if (names->name[0] != '\0' && strcmp(j->stream->tables[t].name, names->name) == 0) {
            return mr_fail_at(j->q->s->cx, MR_E_NAME, j->table->place, "Give one of them an alias.",
                              "name \"%s\" is twice in FROM", names->name);
        }
    }
    return MR_OK;
}

// Which sides an expression reads: bit 0 the stream, bit 1 the table.
static uint32_t join_reads(const join_build *j, const mr_expr *expr) {
    if (expr->kind == MR_EXPR_COLUMN) {
        return expr->column < j->first ? 1 : 2;
    }
    uint32_t sides = 0;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        sides |= join_reads(j, expr->args[i]);
    }
    return sides;
}

static mr_code join_add_key(join_build *j, mr_expr *stream, const mr_expr *table) {
    if (table->kind == MR_EXPR_CAST && table->args[0]->kind == MR_EXPR_COLUMN) {
        const char *name = j->schema.columns[table->args[0]->column].name;
        const char *hint = mr_arena_printf(
            j->q->s->cx->arena, "Declare column \"%s\" of \"%s\" as %s, or cast the other side.",
            name, j->table->table->name, mr_type_name(table->type));
        return mr_fail_at(j->q->s->cx, MR_E_TYPE, table->place, hint,
                          "join compares %s with column \"%s\" of type %s",
                          mr_type_name(table->type), name, mr_type_name(table->args[0]->type));
    }
    if (table->kind != MR_EXPR_COLUMN) {
        return join_fail(j->q, table->place, "Compare the table's column as it is.",
                         "join needs a plain column of the static table");
    }
    j->stream_keys[j->key_count] = stream;
    j->table_keys[j->key_count++] = table->column - j->first;
    return MR_OK;
}

static mr_code join_condition(join_build *j, mr_expr *condition) {
    if (condition->kind == MR_EXPR_COMPARE && condition->compare == MR_CMP_EQ) {
        mr_expr *a = condition->args[0], *b = condition->args[1];
        if (join_reads(j, a) == 1 && join_reads(j, b) == 2) {
            return join_add_key(j, a, b);
        }
        if (join_reads(j, a) == 2 && join_reads(j, b) == 1) {
            return join_add_key(j, b, a);
        }
    }
    j->residue[j->residue_count++] = condition;
    return MR_OK;
}

static mr_code join_on(join_build *j, const mr_ast *quals) {
    mr_scope scope = {.schema = &j->schema, .tables = j->names, .table_count = j->name_count};
    mr_bind b = {.s = j->q->s, .scope = &scope, .clause = "ON"};
    mr_expr *condition;
    MR_TRY(mr_bind_condition(&b, quals, &condition));
    uint32_t count = condition->kind == MR_EXPR_AND ? condition->arg_count : 1;
    mr_expr **parts = condition->kind == MR_EXPR_AND ? condition->args : &condition;
    j->stream_keys = MR_NEW_ARRAY(j->q->s->cx->arena, mr_expr *, count);
    j->table_keys = MR_NEW_ARRAY(j->q->s->cx->arena, uint32_t, count);
    j->residue = MR_NEW_ARRAY(j->q->s->cx->arena, mr_expr *, count);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(join_condition(j, parts[i]));
    }
    return MR_OK;
}

static mr_code join_using(join_build *j, const PgQuery__JoinExpr *ast) {
    mr_session *s = j->q->s;
    uint32_t count = mr_u32(ast->n_using_clause);
    j->stream_keys = MR_NEW_ARRAY(s->cx->arena, mr_expr *, count);
    j->table_keys = MR_NEW_ARRAY(s->cx->arena, uint32_t, count);
    mr_scope stream = {
        .schema = &j->schema, .tables = j->stream->tables, .table_count = j->stream->table_count};
    mr_scope_table *names = NULL;  // The table's, in the joined list.
    for (uint32_t t = 0; t < j->name_count; t++) {
        names = strcmp(j->names[t].name, j->table->tables[0].name) == 0 ? &j->names[t] : names;
    }
    mr_scope table = {.schema = &j->schema, .tables = names, .table_count = 1};
    for (uint32_t i = 0; i < count; i++) {
        const char *name = mr_ast_string(ast->using_clause[i]);
        uint32_t left, right;
        MR_TRY(mr_bind_column(&(mr_bind){.s = s, .scope = &stream}, /* table= */ NULL, name,
                              j->table->place, &left));
        MR_TRY(mr_bind_column(&(mr_bind){.s = s, .scope = &table}, /* table= */ NULL, name,
                              j->table->place, &right));
        mr_expr *equal;
        MR_TRY(mr_bind_compare(
            s, MR_CMP_EQ, mr_expr_column(s->cx->arena, &j->schema, left, j->table->place),
            mr_expr_column(s->cx->arena, &j->schema, right, j->table->place), &equal));
        MR_TRY(join_add_key(j, equal->args[0], equal->args[1]));
        names->columns[right - j->first].merged = true;
    }
    return MR_OK;
}

// The JOIN node over the stream and what must be computed of it.
static mr_plan *join_node(join_build *j) {
    mr_arena *arena = j->q->s->cx->arena;
    uint32_t *keys = MR_NEW_ARRAY(arena, uint32_t, j->key_count);
    mr_plan *input = mr_node_extend(arena, j->stream->plan, j->stream_keys, j->key_count, keys);
    uint32_t more = input->schema->count - j->first;
    uint32_t appended = j->schema.count - j->first;
    mr_plan *plan = mr_node_new(arena, MR_PLAN_JOIN, input, j->table->place);
    plan->join.table = j->table->table_index;
    plan->join.left = j->left;
    plan->join.input_keys = keys;
    plan->join.table_keys = j->table_keys;
    plan->join.key_count = j->key_count;
    plan->join.table_columns = MR_NEW_ARRAY(arena, uint32_t, appended);
    plan->join.table_column_count = appended;
    mr_schema *schema = MR_NEW(arena, mr_schema);
    schema->count = input->schema->count + appended;
    schema->columns = MR_NEW_ARRAY(arena, mr_column, schema->count);
    uint32_t *map = MR_NEW_ARRAY(arena, uint32_t, j->schema.count);
    for (uint32_t c = 0; c < schema->count; c++) {
        schema->columns[c] =
            c < input->schema->count ? input->schema->columns[c] : j->schema.columns[c - more];
    }
    for (uint32_t c = 0; c < j->schema.count; c++) {
        map[c] = c < j->first ? c : c + more;
    }
    for (uint32_t c = 0; c < appended; c++) {
        plan->join.table_columns[c] = c;
    }
    for (uint32_t t = 0; t < j->name_count;
         t++) {  // The table's names move behind what was computed.
        for (uint32_t c = 0; c < j->names[t].column_count; c++) {
            j->names[t].columns[c].column = map[j->names[t].columns[c].column];
        }
    }
    mr_expr *residue = mr_expr_join(arena, MR_EXPR_AND, j->residue, j->residue_count);
    plan->join.residue = residue == NULL ? NULL : mr_expr_renumber(arena, residue, map);
    plan->schema = schema;
    mr_node_settle(arena, plan);
    return plan;
}

mr_code mr_select_join(const mr_select *q, const PgQuery__JoinExpr *ast, mr_select_side *left,
                       mr_select_side *right, mr_select_side *ret) {
    join_build j = {.q = q};
    MR_TRY(join_sides(&j, ast, left, right));
    MR_TRY(join_names(&j, j.stream == right));
    if (ast->n_using_clause > 0) {
        MR_TRY(join_using(&j, ast));
    } else if (ast->quals != NULL) {
        MR_TRY(join_on(&j, ast->quals));
    }
    if (j.key_count == 0) {
        return join_fail(q, j.table->place, "Write JOIN … USING (key), or ON a.key = b.key.",
                         "join has no equality of a stream's column and a table's");
    }
    *ret = (mr_select_side){.plan = join_node(&j),
                            .tables = j.names,
                            .table_count = j.name_count,
                            .place = left->place};
    return MR_OK;
}
