// Merge: the queries of table.merge; see merge.h.

#include "task/merge.h"

#include <string.h>

#include "lake/view.h"

static bool is_key(const mr_merge *m, const char *column) {
    for (uint32_t i = 0; i < m->key_count; i++) {
        if (strcmp(m->keys[i], column) == 0) {
            return true;
        }
    }
    return false;
}

static void add_keys(mr_text *out, const mr_merge *m, const char *between) {
    for (uint32_t i = 0; i < m->key_count; i++) {
        mr_text_add(out, i == 0 ? "" : between);
        mr_view_add_name(out, m->keys[i]);
    }
}

static void add_same_key(mr_text *out, const mr_merge *m) {
    for (uint32_t i = 0; i < m->key_count; i++) {
        mr_text_add(out, i == 0 ? "t." : " AND t.");
        mr_view_add_name(out, m->keys[i]);
        mr_text_add(out, " = s.");
        mr_view_add_name(out, m->keys[i]);
    }
}

// A column of the source as one of the table. A folder's name has no empty text: it stands for
// NULL.
static void add_cast(mr_text *out, const mr_merge *m, const mr_catalog_column *column) {
    bool folder = mr_view_partitioned_by(&m->r.table, column->name);
    bool text =
        folder && (strcmp(column->type, "text") == 0 || strcmp(column->type, "varchar") == 0);
    mr_text_add(out, text ? "nullif(CAST(" : "CAST(");
    mr_view_add_name(out, column->name);
    mr_text_addf(out, text ? " AS %s), '')" : " AS %s)", column->type);
}

const char *mr_merge_source(const mr_merge *m, mr_cx *cx) {
    const mr_merge_options *o = m->o;
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_addf(&out, o->order_by != NULL ? "SELECT * EXCLUDE (millrace_rank) FROM (SELECT "
                                           : "SELECT DISTINCT ");
    for (uint32_t c = 0; c < m->r.table.column_count; c++) {
        if (m->has[c]) {
            add_cast(&out, m, &m->r.table.columns[c]);
            mr_text_add(&out, " AS ");
            mr_view_add_name(&out, m->r.table.columns[c].name);
            mr_text_add(&out, ", ");
        }
    }
    mr_text_addf(&out, "coalesce((%s\n)::BOOLEAN, false) AS millrace_delete",
                 o->delete_when == NULL ? "false" : o->delete_when);
    if (o->order_by != NULL) {  // Equal in that order: the least row, so that all tries agree.
        mr_text_add(&out, ", row_number() OVER (PARTITION BY ");
        for (uint32_t c = 0, n = 0; c < m->r.table.column_count; c++) {
            if (is_key(m, m->r.table.columns[c].name)) {
                mr_text_add(&out, n++ == 0 ? "" : ", ");
                add_cast(&out, m, &m->r.table.columns[c]);
            }
        }
        mr_text_addf(&out, " ORDER BY %s\n, millrace_r) AS millrace_rank", o->order_by);
    }
    mr_text_add(&out, " FROM millrace_rows AS millrace_r");
    mr_text_add(&out, o->order_by != NULL ? ") WHERE millrace_rank = 1" : "");
    return mr_text_string(&out);
}

const char *mr_merge_match(const mr_merge *m, mr_cx *cx) {
    mr_text out, changed;
    mr_text_init(&out, cx->arena);
    mr_text_init(&changed, cx->arena);
    bool update = strcmp(m->o->when_matched, "update") == 0;
    for (uint32_t c = 0; c < m->r.table.column_count && update; c++) {
        const char *name = m->r.table.columns[c].name;
        if (m->has[c] && !is_key(m, name)) {
            mr_text_add(&changed, changed.bytes == 0 ? "t." : " OR t.");
            mr_view_add_name(&changed, name);
            mr_text_add(&changed, " IS DISTINCT FROM s.");
            mr_view_add_name(&changed, name);
        }
    }
    mr_text_addf(&out,
                 "SELECT file, count(*) FILTER (WHERE gone), count(*) FILTER (WHERE NOT gone AND "
                 "changed), count(*) FILTER (WHERE NOT gone AND NOT changed) FROM (SELECT "
                 "t.millrace_file AS file, s.millrace_delete AS gone, (%s) AS changed FROM "
                 "millrace_target t JOIN millrace_source s ON ",
                 changed.bytes == 0 ? "false" : mr_text_string(&changed));
    add_same_key(&out, m);
    mr_text_add(&out, ") GROUP BY file ORDER BY file");
    return mr_text_string(&out);
}

static void add_new_rows(mr_text *out, const mr_merge *m) {
    mr_text_add(out, " FROM millrace_source s WHERE NOT s.millrace_delete AND NOT EXISTS "
                     "(SELECT 1 FROM millrace_target t WHERE ");
    add_same_key(out, m);
    mr_text_add_char(out, ')');
}

const char *mr_merge_content(const mr_merge *m, mr_cx *cx) {
    mr_text out, rows;
    mr_text_init(&out, cx->arena);
    mr_text_init(&rows, cx->arena);
    bool update = strcmp(m->o->when_matched, "update") == 0;
    mr_text_add(&out, "SELECT ");
    for (uint32_t c = 0; c < m->r.table.column_count; c++) {
        const mr_catalog_column *column = &m->r.table.columns[c];
        mr_text_add(&out, c == 0 ? "" : ", ");
        mr_text_add(&rows, c == 0 ? "" : ", ");
        if (m->has[c] && update && !is_key(m, column->name)) {
            mr_text_add(&out, "CASE WHEN s.millrace_delete IS NULL THEN t.");
            mr_view_add_name(&out, column->name);
            mr_text_add(&out, " ELSE s.");
            mr_view_add_name(&out, column->name);
            mr_text_add(&out, " END AS ");
        } else {
            mr_text_add(&out, "t.");
        }
        mr_view_add_name(&out, column->name);
        if (m->has[c]) {
            mr_text_add(&rows, "s.");
            mr_view_add_name(&rows, column->name);
        } else {
            mr_text_addf(&rows, "CAST(NULL AS %s)", column->type);
        }
    }
    mr_text_add(&out, " FROM millrace_old t LEFT JOIN millrace_source s ON ");
    add_same_key(&out, m);
    mr_text_addf(&out, " WHERE s.millrace_delete IS NOT TRUE UNION ALL SELECT %s",
                 mr_text_string(&rows));
    add_new_rows(&out, m);
    return mr_text_string(&out);
}

const char *mr_merge_count_new(const mr_merge *m, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "SELECT count(*)::BIGINT");
    add_new_rows(&out, m);
    return mr_text_string(&out);
}

const char *mr_merge_no_key(const mr_merge *m, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "SELECT count(*)::BIGINT FROM millrace_source WHERE ");
    add_keys(&out, m, " IS NULL OR ");
    mr_text_add(&out, " IS NULL");
    return mr_text_string(&out);
}

const char *mr_merge_same_key(const mr_merge *m, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "SELECT k::VARCHAR || ' (' || n || ' rows; keys of this kind: ' || count(*) "
                      "OVER () || ')' FROM (SELECT {");
    for (uint32_t i = 0; i < m->key_count; i++) {
        mr_text_add(&out, i == 0 ? "" : ", ");
        mr_view_add_literal(&out, m->keys[i]);
        mr_text_add(&out, ": ");
        mr_view_add_name(&out, m->keys[i]);
    }
    mr_text_add(&out, "} AS k, count(*) AS n FROM millrace_source GROUP BY ");
    add_keys(&out, m, ", ");
    mr_text_add(&out, " HAVING count(*) > 1) ORDER BY k LIMIT 1");
    return mr_text_string(&out);
}
