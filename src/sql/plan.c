// Plan: from a file's text to its pipeline.
//
// Steps: variables, parsing, SETs, then statement by statement (declarations and queries, errors
// collected), then the rewrites over all inserts together: shared nodes, filters down, late tests,
// columns left out; last the lists that exec reads, and hashes.

#include "sql/plan.h"

#include <string.h>

#include "sql/ddl.h"
#include "sql/insert.h"
#include "sql/parse.h"
#include "sql/plan_pass.h"
#include "sql/rewrite.h"
#include "sql/select.h"

// ---- statements ------------------------------------------------------------------------------

static mr_code unsupported(mr_session *s, const mr_ast *ast) {
    static const struct {
        PgQuery__Node__NodeCase node;
        const char *what;
        const char *hint;
    } rows[] = {
        {PG_QUERY__NODE__NODE_SELECT_STMT, "SELECT by itself",
         "Write INSERT INTO table SELECT …, or run it with: millrace sql 'SELECT …'."},
        {PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT, "CREATE TABLE AS and CREATE MATERIALIZED VIEW",
         "Use CREATE VIEW, and INSERT INTO a foreign table SELECT … FROM it."},
        {PG_QUERY__NODE__NODE_UPDATE_STMT, "UPDATE", "Compute the value in a view."},
        {PG_QUERY__NODE__NODE_DELETE_STMT, "DELETE", "Filter with WHERE in a view."},
        {PG_QUERY__NODE__NODE_MERGE_STMT, "MERGE", "Use INSERT … ON CONFLICT … DO UPDATE."},
        {PG_QUERY__NODE__NODE_DROP_STMT, "DROP", "Take the statement that creates it out."},
        {PG_QUERY__NODE__NODE_ALTER_TABLE_STMT, "ALTER TABLE",
         "Change the statement that creates it."},
        {PG_QUERY__NODE__NODE_INDEX_STMT, "CREATE INDEX", "Leave it out."},
        {PG_QUERY__NODE__NODE_TRANSACTION_STMT, "BEGIN and COMMIT",
         "Leave it out: the file is one pipeline, and each of its epochs is committed whole."},
        {PG_QUERY__NODE__NODE_CREATE_ENUM_STMT, "CREATE TYPE … AS ENUM",
         "Use text, with CHECK (column IN ('a', 'b'))."},
        {PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT, "CREATE DOMAIN",
         "Use its type, with CHECK on the column."},
        {PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT, "CREATE SCHEMA", "Use names without a schema."},
        {PG_QUERY__NODE__NODE_CREATE_EXTENSION_STMT, "CREATE EXTENSION", "Leave it out."},
        {PG_QUERY__NODE__NODE_CREATE_USER_MAPPING_STMT, "CREATE USER MAPPING",
         "Put the options on the server."},
        {PG_QUERY__NODE__NODE_EXPLAIN_STMT, "EXPLAIN", "Run: millrace explain FILE."},
        {PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT, "SHOW", "Leave it out."},
        {PG_QUERY__NODE__NODE_CREATE_TRIG_STMT, "CREATE TRIGGER", "Use a view."},
        {PG_QUERY__NODE__NODE_DO_STMT, "DO", "Use a view."},
        {PG_QUERY__NODE__NODE_CALL_STMT, "CALL", "Use a view."},
        {PG_QUERY__NODE__NODE_ALTER_FOREIGN_SERVER_STMT, "ALTER SERVER",
         "Change the statement that creates it."},
        {PG_QUERY__NODE__NODE_CREATE_FDW_STMT, "CREATE FOREIGN DATA WRAPPER",
         "The wrappers are built in: write CREATE SERVER."},
    };
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        if (rows[i].node == ast->node_case) {
            return mr_fail_at(s->cx, MR_E_UNSUPPORTED, mr_session_place(s, 0), rows[i].hint,
                              "%s is not supported in a pipeline", rows[i].what);
        }
    }
    return mr_fail_at(
        s->cx, MR_E_UNSUPPORTED, mr_session_place(s, 0),
        "A pipeline is made of CREATE SERVER, FOREIGN TABLE, TABLE, TYPE, FUNCTION and "
        "VIEW, COPY, SET, and INSERT INTO … SELECT.",
        "this statement is not supported in a pipeline");
}

// The name that a failed statement would have declared, so that its uses stay silent.
static const char *declared_name(const mr_ast *ast) {
    switch ((int)ast->node_case) {
    case PG_QUERY__NODE__NODE_CREATE_FOREIGN_TABLE_STMT:
        return ast->create_foreign_table_stmt->base_stmt->relation->relname;
    case PG_QUERY__NODE__NODE_CREATE_STMT: return ast->create_stmt->relation->relname;
    case PG_QUERY__NODE__NODE_VIEW_STMT: return ast->view_stmt->view->relname;
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
        return ast->create_table_as_stmt->into->rel->relname;
    default: return NULL;
    }
}

static mr_code run_statement(mr_session *s, const mr_ast *ast) {
    switch ((int)ast->node_case) {
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT: return MR_OK;  // Done before all others.
    case PG_QUERY__NODE__NODE_CREATE_FOREIGN_SERVER_STMT:
        return mr_ddl_server(s, ast->create_foreign_server_stmt);
    case PG_QUERY__NODE__NODE_CREATE_FOREIGN_TABLE_STMT:
        return mr_ddl_foreign(s, ast->create_foreign_table_stmt);
    case PG_QUERY__NODE__NODE_CREATE_STMT: return mr_ddl_static(s, ast->create_stmt);
    case PG_QUERY__NODE__NODE_COPY_STMT: return mr_ddl_copy(s, ast->copy_stmt);
    case PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT:
        return mr_ddl_function(s, ast->create_function_stmt);
    case PG_QUERY__NODE__NODE_COMPOSITE_TYPE_STMT:
        return mr_types_declare(s, ast->composite_type_stmt);
    case PG_QUERY__NODE__NODE_VIEW_STMT: return mr_ddl_view(s, ast->view_stmt);
    case PG_QUERY__NODE__NODE_INSERT_STMT: return mr_insert_plan(s, ast->insert_stmt);
    default: return unsupported(s, ast);
    }
}

static void run_statements(mr_session *s, const mr_parse_statement *list, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        s->base = list[i].base;
        if (list[i].node->node_case == PG_QUERY__NODE__NODE_VARIABLE_SET_STMT) {
            mr_code code = mr_ddl_set(s, list[i].node->variable_set_stmt);
            if (code != MR_OK) {
                mr_session_report(s, code);
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        s->base = list[i].base;
        mr_code code = run_statement(s, list[i].node);
        if (code == MR_OK) {
            continue;
        }
        mr_session_report(s, code);
        const char *name = declared_name(list[i].node);
        if (name != NULL && mr_session_find(&s->objects, name) == NULL) {
            mr_ddl_add(s, MR_OBJECT_BROKEN, name, mr_session_place(s, 0));
        }
    }
}

// ---- the whole file --------------------------------------------------------------------------

// A table that nothing reads or writes: its options are checked where only one use is possible.
static void check_unused(mr_session *s, mr_foreign *table) {
    const char *wrapper = table->server->wrapper;
    bool source = mr_port_source(s->env->port, wrapper) != NULL;
    bool sink = mr_port_sink(s->env->port, wrapper) != NULL;
    mr_plan *unused;
    if (table->read || table->written || source == sink) {
        return;
    }
    mr_code code = sink ? mr_insert_check_unused(s, table)
                        : mr_select_source(s, table, table->source.place, &unused);
    if (code != MR_OK) {
        mr_session_report(s, code);
    }
    table->read = false;
}

static void check_whole(mr_session *s) {
    if (s->pipeline->insert_count == 0 && s->errors->count == 0) {
        mr_session_report(s, mr_fail_at(s->cx, MR_E_MISSING, mr_session_place_at(s, 0),
                                        "Write INSERT INTO table SELECT … FROM a foreign table.",
                                        "pipeline has no query"));
    }
    for (uint32_t i = 0; i < s->objects.count; i++) {
        const mr_object *object = s->objects.entries[i].value;
        mr_foreign *table = object->foreign;
        if (table != NULL) {
            check_unused(s, table);
        }
        if (table != NULL && table->read && table->read_code == MR_OK && table->written) {
            mr_session_report(
                s, mr_fail_at(s->cx, MR_E_UNSUPPORTED, object->place, "Write to another table.",
                              "table \"%s\" is read and written by one pipeline", object->name));
        }
    }
}

// Of static tables, by object.
static int32_t *primary_keys(const mr_session *s) {
    int32_t *keys = MR_NEW_ARRAY(s->pipeline->arena, int32_t, s->objects.count + 1);
    for (uint32_t i = 0; i < s->objects.count; i++) {
        const mr_object *object = s->objects.entries[i].value;
        keys[i] = object->table == NULL ? -1 : object->table->primary_key;
    }
    return keys;
}

static void rewrite_all(mr_session *s) {
    mr_pipeline *p = s->pipeline;
    mr_plan **roots = MR_NEW_ARRAY(p->arena, mr_plan *, p->insert_count);
    mr_rewrite_set written = {.arena = p->arena}, rewritten = {.arena = p->arena},
                   final = {.arena = p->arena};
    rewritten.primary_keys = primary_keys(s);
    for (uint32_t i = 0; i < p->insert_count; i++) {
        roots[i] = mr_rewrite_share(&written, p->inserts[i].root);
    }
    for (uint32_t i = 0; i < p->insert_count; i++) {
        mr_plan *root = mr_rewrite_chain(&written, roots[i], p->inserts[i].table);
        p->inserts[i].root = root;
    }
    for (uint32_t i = 0; i < p->insert_count; i++) {
        roots[i] = mr_rewrite_share(&rewritten, p->inserts[i].root);
    }
    mr_rewrite_prune(&rewritten, roots, p->insert_count);
    for (uint32_t i = 0; i < p->insert_count; i++) {
        p->inserts[i].root = mr_rewrite_share(&final, roots[i]);
    }
    p->plans = final.nodes;
    p->plan_count = final.count;
}

// The declared source as the decoder sees it: only the fields of the scan.
static mr_plan_source final_source(mr_session *s, const mr_foreign *table, const mr_plan *scan) {
    mr_plan_source source = table->source;
    source.schema = *scan->schema;
    source.fields = (mr_fields){
        .count = scan->schema->count, .event_time = scan->event_time, .zone = s->pipeline->zone};
    source.fields.items = MR_NEW_ARRAY(s->cx->arena, mr_field, scan->schema->count);
    for (uint32_t c = 0; c < scan->schema->count; c++) {
        int32_t declared = mr_schema_find(&table->schema, scan->schema->columns[c].name);
        mr_assert(declared >= 0);
        source.fields.items[c] = table->fields[declared];
    }
    return source;
}

// Lists of what is used; scans and joins get their indexes into them.
static void list_used(mr_session *s) {
    mr_pipeline *p = s->pipeline;
    uint32_t objects = s->objects.count;
    uint32_t *index = MR_NEW_ARRAY(p->arena, uint32_t, objects);
    memset(index, 0xFF, sizeof(*index) * objects);
    p->sources = MR_NEW_ARRAY(p->arena, mr_plan_source, objects);
    p->tables = MR_NEW_ARRAY(p->arena, mr_plan_table, objects);
    for (uint32_t i = 0; i < p->plan_count; i++) {
        mr_plan *plan = p->plans[i];
        if (plan->kind == MR_PLAN_SCAN) {
            const mr_object *object = s->objects.entries[plan->scan.source].value;
            p->sources[p->source_count] = final_source(s, object->foreign, plan);
            plan->scan.source = p->source_count++;
        } else if (plan->kind == MR_PLAN_JOIN) {
            uint32_t at = plan->join.table;
            if (index[at] == UINT32_MAX) {
                const mr_object *object = s->objects.entries[at].value;
                index[at] = p->table_count;
                p->tables[p->table_count++] = *object->table;
            }
            plan->join.table = index[at];
        }
    }
}

// By place, so that they read like the file.
static void sort_errors(mr_sql_errors *errors) {
    for (uint32_t i = 1; i < errors->count; i++) {
        mr_error error = errors->items[i];
        uint32_t at = i;
        while (at > 0 && errors->items[at - 1].place.offset > error.place.offset) {
            errors->items[at] = errors->items[at - 1];
            at--;
        }
        errors->items[at] = error;
    }
}

static const char *pipeline_name(mr_arena *arena, const char *file) {
    const char *slash = strrchr(file, '/');
    const char *name = slash == NULL ? file : slash + 1;
    const char *dot = strrchr(name, '.');
    size_t bytes = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    return mr_arena_copy(arena, name, bytes);
}

// Rows of VALUES live on the heap; those the pipeline does not take are released here.
static void release_unused_rows(mr_session *s, bool failed) {
    for (uint32_t i = 0; i < s->objects.count; i++) {
        const mr_object *object = s->objects.entries[i].value;
        bool used = false;
        for (uint32_t t = 0; t < s->pipeline->table_count && !failed; t++) {
            used = used ||
                   (object->table != NULL && s->pipeline->tables[t].rows == object->table->rows);
        }
        if (object->table != NULL && object->table->rows != NULL && !used) {
            mr_rows_release(object->table->rows);
        }
    }
}

mr_code mr_plan_make(mr_span text, const mr_sql_env *env, mr_pipeline **ret,
                     mr_sql_errors *ret_errors, mr_cx *cx) {
    *ret_errors = (mr_sql_errors){0};
    mr_pipeline *pipeline = MR_NEW(cx->arena, mr_pipeline);
    pipeline->arena = cx->arena;
    pipeline->name = pipeline_name(cx->arena, env->file);
    pipeline->zone_name = "UTC";
    mr_session s = {.env = env,
                    .cx = cx,
                    .pipeline = pipeline,
                    .file = env->file,
                    .rules = {.ttl_us = -1},
                    .errors = ret_errors};
    mr_map_init(&s.servers, cx->arena);
    mr_map_init(&s.objects, cx->arena);
    mr_map_init(&s.functions, cx->arena);
    mr_map_init(&s.types, cx->arena);
    mr_parse_statement *list = NULL;
    uint32_t count = 0;
    if (mr_parse_expand(&s, text) == MR_OK) {
        (void)mr_parse_statements(&s, &list, &count);  // What failed is in ret_errors.
        run_statements(&s, list, count);
        check_whole(&s);
    }
    if (ret_errors->count == 0) {
        rewrite_all(&s);
        list_used(&s);
        mr_plan_hash(pipeline);
    }
    release_unused_rows(&s, ret_errors->count > 0);
    if (ret_errors->count > 0) {
        sort_errors(ret_errors);
        cx->error = ret_errors->items[0];
        return ret_errors->items[0].code;
    }
    *ret = pipeline;
    return MR_OK;
}

void mr_plan_release(mr_pipeline *pipeline) {
    for (uint32_t i = 0; i < pipeline->table_count; i++) {
        if (pipeline->tables[i].rows != NULL) {
            mr_rows_release(pipeline->tables[i].rows);
        }
    }
}
