// Kind "table.merge": rows into a table of the lake by key: new keys are added, known ones change.
//
// Outputs: inserted, updated, unchanged, deleted: rows of the table; version: of the table, 0 when
// nothing had to be written.

// How: the source's rows are kept, in the table's types; DuckDB finds which of the table's files
// hold rows that change. Only those are written anew, with the new rows, and take their place as
// one commit (rewrite.h); a row whose partition changes goes over in the same one. Merging once
// more what was merged changes nothing, so a try may be repeated.

#include <inttypes.h>
#include <string.h>

#include "conn/conn.h"
#include "conn/publish.h"
#include "lake/convert.h"
#include "lake/view.h"
#include "port/sink.h"
#include "task/bind.h"
#include "task/given.h"
#include "task/kinds.h"
#include "task/merge.h"

static const mr_option merge_options[] = {
    MR_OPTION(mr_merge_options, table, MR_OPT_TEXT, MR_REQUIRED,
              "The table of the lake that rows go into; it is made when it is missing."),
    MR_OPTION(mr_merge_options, key, MR_OPT_TEXT, MR_REQUIRED,
              "The columns, one or a list, that say which row is the same."),
    MR_OPTION(
        mr_merge_options, source, MR_OPT_TEXT, NULL,
        "The rows: a table of the lake, or Parquet files, a path or a pattern; or give `sql`."),
    MR_OPTION(mr_merge_options, sql, MR_OPT_TEXT, NULL, "A query that gives the rows."),
    MR_OPTION(mr_merge_options, bind, MR_OPT_TEXT, NULL, "Values for :name in the query, a map."),
    MR_OPTION(mr_merge_options, order_by, MR_OPT_TEXT, NULL,
              "Of several source rows of one key the first in this order counts: "
              "updated_at DESC. Without it they are an error, unless they are equal."),
    MR_OPTION_CHOICE(mr_merge_options, when_matched, "update|ignore", "update",
                     "What a source row does to a row that has its key."),
    MR_OPTION(mr_merge_options, delete_when, MR_OPT_TEXT, NULL,
              "A condition on source rows, in SQL: rows that have their keys are deleted."),
    MR_OPTION(mr_merge_options, leave_out, MR_OPT_TEXT, NULL,
              "Columns of the source, one or a list, that are not for the table."),
    MR_OPTION(mr_merge_options, partition_by, MR_OPT_TEXT, NULL,
              "Columns, one or a list, that become folders of a table that is made."),
    MR_OPTION(mr_merge_options, path, MR_OPT_PATH, NULL,
              "Folder of a table that is made. Without it: the table's name, in the lake."),
    MR_OPTION(mr_merge_options, timezone, MR_OPT_TEXT, "UTC", "Zone of times in the query."),
    MR_OPTION_END,
};

static const char *const merge_nested[] = {"key", "bind", "leave_out", "partition_by", NULL};
static const char *const merge_outputs[] = {"inserted", "updated", "unchanged",
                                            "deleted",  "version", NULL};

// What stands in the DAG file; a key with a template in it is NULL.
static mr_code merge_check(const void *options, mr_cx *cx) {
    const mr_merge_options *o = options;
    if (o->source != NULL && o->sql != NULL) {
        return mr_fail(cx, MR_E_OPTION, "Give one of the two.",
                       "a table.merge task takes \"source\" or \"sql\"");
    }
    const struct {
        const char *name;
        const char *value;
    } lists[] = {{"key", o->key}, {"leave_out", o->leave_out}, {"partition_by", o->partition_by}};
    for (size_t i = 0; i < MR_COUNT(lists); i++) {
        const char **names;
        uint32_t count;
        MR_TRY(mr_given_names(lists[i].name, lists[i].value, &names, &count, cx));
    }
    return MR_OK;
}

static bool is_left_out(const mr_merge *m, const char *column) {
    for (uint32_t i = 0; i < m->leave_out_count; i++) {
        if (strcmp(m->leave_out[i], column) == 0) {
            return true;
        }
    }
    return false;
}

// ---- the source --------------------------------------------------------------------------------

static mr_code source_query(const mr_merge_options *o, const char **ret, mr_cx *cx) {
    if ((o->source == NULL) == (o->sql == NULL)) {
        return mr_fail(cx, MR_E_OPTION, "Give one of the two.",
                       "a table.merge task takes \"source\" or \"sql\"");
    }
    if (o->sql != NULL) {
        return mr_bind_query(o->sql, mr_span_of(o->bind), /* all= */ true, ret, cx);
    }
    bool files =
        strpbrk(o->source, "/*") != NULL || mr_span_ends(mr_span_of(o->source), ".parquet");
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, files ? "SELECT * FROM read_parquet(" : "SELECT * FROM ");
    if (files) {
        mr_view_add_literal(&out, o->source);
        mr_text_add(&out, ", union_by_name = true)");
    } else {
        mr_view_add_name(&out, o->source);
    }
    *ret = mr_text_string(&out);
    return MR_OK;
}

static mr_code take_schema(void *self, const mr_schema *schema, mr_cx *cx) {
    (void)cx;
    ((mr_merge *)self)->given = schema;
    return MR_OK;
}

static mr_code take_no_rows(void *self, const mr_batch *in, mr_cx *cx) {
    (void)self;
    (void)in;
    (void)cx;
    return MR_OK;
}

// Keeps the source's rows as they are now, and finds its columns.
static mr_code read_source(mr_merge *m, mr_cx *cx) {
    const char *query = NULL;
    MR_TRY(source_query(m->o, &query, cx));
    mr_code code = mr_lake_define(m->r.lake, "millrace_rows", query, /* keep= */ true, cx);
    if (code != MR_OK) {
        return mr_error_in(cx, code, "the rows to merge");
    }
    mr_lake_sink sink = {.begin = take_schema, .rows = take_no_rows, .self = m};
    return mr_lake_query(m->r.lake, "SELECT * FROM millrace_rows LIMIT 0", &sink, cx);
}

static mr_code no_column(const mr_merge *m, const char *key, const char *name, mr_cx *cx) {
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, m->given->count + 1);
    for (uint32_t i = 0; i < m->given->count; i++) {
        names[i] = m->given->columns[i].name;
    }
    return mr_fail(cx, MR_E_NAME,
                   mr_text_hint(name, names, m->given->count,
                                "Name a column that the rows to merge have.", cx->arena),
                   "key \"%s\" names \"%s\", which the rows to merge have not", key, name);
}

static const mr_column *given_column(const mr_merge *m, const char *name) {
    for (uint32_t i = 0; i < m->given->count; i++) {
        if (strcmp(m->given->columns[i].name, name) == 0) {
            return &m->given->columns[i];
        }
    }
    return NULL;
}

// ---- the table ---------------------------------------------------------------------------------

static const char *type_name(mr_type type, mr_cx *cx) {
    if (!mr_type_is_nested(type) && type.id != MR_NUMERIC && type.id != MR_JSON) {
        return mr_type_name(type);
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_convert_type_name(type, &out);
    return mr_text_string(&out);
}

// A table with the source's columns.
static mr_code describe_new(mr_merge *m, mr_cx *cx) {
    const mr_merge_options *o = m->o;
    mr_catalog_table *table = &m->r.table;
    const char **by;
    uint32_t by_count;
    mr_text list;
    mr_text_init(&list, cx->arena);
    MR_TRY(mr_given_names("partition_by", o->partition_by, &by, &by_count, cx));
    for (uint32_t i = 0; i < by_count; i++) {
        if (given_column(m, by[i]) == NULL || is_left_out(m, by[i])) {
            return no_column(m, "partition_by", by[i], cx);
        }
        mr_text_addf(&list, "%s%s", i == 0 ? "" : ",", by[i]);
    }
    table->partition_by = mr_text_string(&list);
    table->columns = MR_NEW_ARRAY(cx->arena, mr_catalog_column, m->given->count + 1);
    for (uint32_t i = 0; i < m->given->count; i++) {
        const mr_column *column = &m->given->columns[i];
        if (!is_left_out(m, column->name)) {
            table->columns[table->column_count++] =
                (mr_catalog_column){.name = column->name, .type = type_name(column->type, cx)};
        }
    }
    if (by_count >= table->column_count) {
        return mr_fail(cx, MR_E_OPTION, "Leave at least one column for the files.",
                       "every column of table \"%s\" is in partition_by", table->name);
    }
    return MR_OK;
}

static mr_code make_table(mr_merge *m, mr_cx *cx) {
    mr_catalog_table *table = &m->r.table;
    m->is_new = true;
    table->path = m->o->path != NULL
                      ? m->o->path
                      : mr_arena_printf(cx->arena, "%s/lake/%s", m->r.data_dir, table->name);
    table->path = mr_publish_trim(table->path, cx->arena);
    MR_TRY(describe_new(m, cx));
    MR_TRY(mr_rewrite_look(&m->r, cx));
    if (m->r.file_count > 0) {
        return mr_fail(cx, MR_E_EXISTS, "Give another path, or another name.",
                       "folder \"%s\" has Parquet files, but is no table of the lake", table->path);
    }
    return MR_OK;
}

static mr_code check_partition_by(const mr_merge *m, mr_cx *cx) {
    const char **by;
    uint32_t count;
    mr_text list;
    mr_text_init(&list, cx->arena);
    MR_TRY(mr_given_names("partition_by", m->o->partition_by, &by, &count, cx));
    for (uint32_t i = 0; i < count; i++) {
        mr_text_addf(&list, "%s%s", i == 0 ? "" : ",", by[i]);
    }
    mr_text there;
    mr_text_init(&there, cx->arena);
    for (const char *at = m->r.table.partition_by; *at != '\0'; at++) {
        if (*at != ' ') {
            mr_text_add_char(&there, *at);
        }
    }
    if (count > 0 && !mr_span_equal(mr_text_span(&list), mr_text_span(&there))) {
        return mr_fail(cx, MR_E_OPTION,
                       "Leave the key out, or merge into another table: folders of a table that is "
                       "there stay.",
                       "table \"%s\" is partitioned by \"%s\", not by \"%s\"", m->r.table.name,
                       mr_text_string(&there), mr_text_string(&list));
    }
    return MR_OK;
}

// The source has the keys, and nothing that the table has not.
static mr_code match_columns(mr_merge *m, mr_cx *cx) {
    mr_catalog_table *table = &m->r.table;
    m->has = MR_NEW_ARRAY(cx->arena, bool, table->column_count + 1);
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, table->column_count + 1);
    for (uint32_t c = 0; c < table->column_count; c++) {
        names[c] = table->columns[c].name;
        m->has[c] = given_column(m, names[c]) != NULL && !is_left_out(m, names[c]);
    }
    for (uint32_t i = 0; i < m->key_count; i++) {
        if (given_column(m, m->keys[i]) == NULL || is_left_out(m, m->keys[i])) {
            return no_column(m, "key", m->keys[i], cx);
        }
    }
    for (uint32_t i = 0; i < m->leave_out_count; i++) {
        if (given_column(m, m->leave_out[i]) == NULL) {
            return no_column(m, "leave_out", m->leave_out[i], cx);
        }
    }
    for (uint32_t i = 0; i < m->given->count; i++) {
        const char *name = m->given->columns[i].name;
        uint32_t c = 0;
        while (c < table->column_count && strcmp(names[c], name) != 0) {
            c++;
        }
        if (c == table->column_count && !is_left_out(m, name)) {
            const char *hint = mr_text_hint(name, names, table->column_count, "", cx->arena);
            return mr_fail(cx, MR_E_NAME,
                           mr_arena_printf(
                               cx->arena, "%s%sName it in leave_out, or leave it out of the query.",
                               hint, hint[0] == '\0' ? "" : " "),
                           "the rows to merge have a column \"%s\", table \"%s\" has none", name,
                           table->name);
        }
    }
    return MR_OK;
}

static mr_code open_table(mr_merge *m, mr_cx *cx) {
    if (m->r.table.path == NULL) {
        MR_TRY(make_table(m, cx));
    } else {
        MR_TRY(mr_rewrite_look(&m->r, cx));
        MR_TRY(check_partition_by(m, cx));
    }
    return match_columns(m, cx);
}

// ---- what changes ------------------------------------------------------------------------------

static mr_code take_number(void *self, const mr_batch *in, mr_cx *cx) {
    (void)cx;
    if (in->rows > 0) {
        *(int64_t *)self = in->columns[0].int64s[mr_vector_at(&in->columns[0], 0)];
    }
    return MR_OK;
}

static mr_code number_of(const mr_merge *m, const char *sql, int64_t *ret, mr_cx *cx) {
    mr_lake_sink sink = {.rows = take_number, .self = ret};
    *ret = 0;
    return mr_lake_query(m->r.lake, sql, &sink, cx);
}

static mr_code take_example(void *self, const mr_batch *in, mr_cx *cx) {
    if (in->rows > 0) {
        mr_str text = mr_vector_str(&in->columns[0], 0);
        *(const char **)self = mr_arena_copy(cx->arena, text.data, MR_MIN(text.bytes, 200u));
    }
    return MR_OK;
}

static mr_code check_keys(const mr_merge *m, mr_cx *cx) {
    int64_t count = 0;
    MR_TRY(number_of(m, mr_merge_no_key(m, cx), &count, cx));
    if (count > 0) {
        return mr_fail(cx, MR_E_VALUE, "Leave them out of the query: WHERE … IS NOT NULL.",
                       "rows to merge without a key, a column of it is NULL: %" PRId64, count);
    }
    const char *example = NULL;
    mr_lake_sink sink = {.rows = take_example, .self = &example};
    MR_TRY(mr_lake_query(m->r.lake, mr_merge_same_key(m, cx), &sink, cx));
    return example == NULL
               ? MR_OK
               : mr_fail(cx, MR_E_VALUE,
                         "Say with order_by which of them counts, or make them one in the query.",
                         "the rows to merge differ for one key: %s", example);
}

static mr_code take_match(void *self, const mr_batch *in, mr_cx *cx) {
    mr_merge *m = self;
    for (uint32_t row = 0; row < in->rows; row++) {
        int64_t numbers[3];
        for (uint32_t i = 0; i < 3; i++) {
            const mr_vector *v = &in->columns[i + 1];
            numbers[i] = v->int64s[mr_vector_at(v, row)];
        }
        m->counts[MR_MERGE_DELETED] += numbers[0];
        m->counts[MR_MERGE_UPDATED] += numbers[1];
        m->counts[MR_MERGE_UNCHANGED] += numbers[2];
        if (numbers[0] + numbers[1] > 0) {
            mr_str path = mr_vector_str(&in->columns[0], row);
            m->old[m->old_count++] = mr_arena_copy(cx->arena, path.data, path.bytes);
        }
    }
    return MR_OK;
}

// Which files change, and how many rows.
static mr_code compare(mr_merge *m, mr_cx *cx) {
    mr_rewrite *r = &m->r;
    const char *target = mr_view_files_sql(&r->table, r->files, r->file_count, cx);
    MR_TRY(mr_lake_define(m->r.lake, "millrace_target", target, /* keep= */ false, cx));
    mr_code code =
        mr_lake_define(m->r.lake, "millrace_source", mr_merge_source(m, cx), /* keep= */ true, cx);
    if (code != MR_OK) {
        return mr_error_in(cx, code, "the rows to merge as rows of table \"%s\"", r->table.name);
    }
    MR_TRY(check_keys(m, cx));
    m->old = MR_NEW_ARRAY(cx->arena, const char *, r->file_count + 1);
    mr_lake_sink sink = {.rows = take_match, .self = m};
    MR_TRY(mr_lake_query(m->r.lake, mr_merge_match(m, cx), &sink, cx));
    MR_TRY(number_of(m, mr_merge_count_new(m, cx), &m->counts[MR_MERGE_INSERTED], cx));
    const char *old = mr_view_files_sql(&r->table, m->old, m->old_count, cx);
    MR_TRY(mr_rewrite_check(r, m->old, m->old_count, cx));
    return mr_lake_define(m->r.lake, "millrace_old", old, /* keep= */ false, cx);
}

// ---- writing -----------------------------------------------------------------------------------

typedef struct writing {
    const mr_merge *m;
    mr_sink *sink;
    mr_sink_spec spec;
    mr_option_value options[2];
    mr_option_values values;
    mr_arena scratch;
} writing;

static mr_code writing_begin(void *self, const mr_schema *schema, mr_cx *cx) {
    writing *w = self;
    w->spec.schema = schema;
    w->sink->type = &mr_sink_parquet;
    w->sink->spec = w->spec;
    MR_TRY(mr_sink_parquet.open(w->sink, &w->spec, cx));
    const mr_publication_id id = {.pipeline = w->spec.pipeline,
                                  .incarnation = w->m->r.incarnation,
                                  .epoch = w->m->r.last.version + 1};
    return mr_sink_parquet.begin(w->sink, &id, cx);
}

static mr_code writing_rows(void *self, const mr_batch *in, mr_cx *cx) {
    writing *w = self;
    mr_cx inner = *cx;
    inner.arena = &w->scratch;
    mr_code code = mr_sink_parquet.write(w->sink, in, &inner);
    cx->error = inner.error;
    mr_arena_clear(&w->scratch);
    return code;
}

// The rows as files in the area, in folders by partition; *ret_made: their paths there.
static mr_code write_files(mr_merge *m, const char *dir, writing *w, mr_publication *ret,
                           mr_cx *cx) {
    w->options[0] = (mr_option_value){.name = "path", .value = "data/new", .place = MR_NOWHERE};
    w->options[1] = (mr_option_value){
        .name = "partition_by", .value = m->r.table.partition_by, .place = MR_NOWHERE};
    w->values = (mr_option_values){w->options, m->r.table.partition_by[0] == '\0' ? 1 : 2};
    w->spec = (mr_sink_spec){
        .table = m->r.table.name,
        .pipeline = mr_arena_printf(cx->arena, "%s" MR_PUBLISH_REWRITE, m->r.owner),
        .options = &w->values,
        .data_dir = m->r.area,  // Where the option's data/ leads.
    };
    mr_lake_sink sink = {.begin = writing_begin, .rows = writing_rows, .self = w};
    MR_TRY(mr_lake_query(m->r.lake, mr_merge_content(m, cx), &sink, cx));
    MR_TRY(mr_sink_parquet.prepare(w->sink, ret, cx));
    MR_TRY(mr_sink_parquet.publish(w->sink, ret, cx));
    return mr_dir_delete(mr_arena_printf(cx->arena, "%s/.tmp", dir), cx);
}

static mr_code write_content(mr_merge *m, mr_publication *ret, mr_cx *cx) {
    const char *dir = NULL;
    MR_TRY(mr_rewrite_area(&m->r, &dir, cx));
    writing w = {.m = m, .sink = mr_arena_alloc(cx->arena, mr_sink_parquet.size)};
    mr_code code = write_files(m, dir, &w, ret, cx);
    if (w.sink->type != NULL) {
        mr_sink_parquet.close(w.sink);
    }
    mr_arena_release(&w.scratch);
    return code;
}

static mr_span result_of(const mr_merge *m, uint64_t version, mr_cx *cx) {
    return mr_span_of(
        mr_arena_printf(cx->arena,
                        "{\"inserted\":%" PRId64 ",\"updated\":%" PRId64 ",\"unchanged\":%" PRId64
                        ",\"deleted\":%" PRId64 ",\"version\":%" PRIu64 "}",
                        m->counts[MR_MERGE_INSERTED], m->counts[MR_MERGE_UPDATED],
                        m->counts[MR_MERGE_UNCHANGED], m->counts[MR_MERGE_DELETED], version));
}

static mr_code write_all(mr_merge *m, mr_cx *cx) {
    mr_publication written;
    MR_TRY(write_content(m, &written, cx));
    const size_t made_bytes = strlen(m->r.area) + strlen("/new/");
    const size_t old_bytes = strlen(m->r.table.path) + 1;
    mr_rewrite_files files = {
        .made = MR_NEW_ARRAY(cx->arena, const char *, written.file_count + 1),
        .replaced = MR_NEW_ARRAY(cx->arena, const char *, m->old_count + 1),
        .made_count = written.file_count,
        .replaced_count = m->old_count,
    };
    for (uint32_t i = 0; i < written.file_count; i++) {
        files.made[i] = written.files[i].final + made_bytes;
    }
    for (uint32_t i = 0; i < m->old_count; i++) {
        files.replaced[i] = m->old[i] + old_bytes;
    }
    return mr_rewrite_commit(&m->r, &files, result_of(m, m->r.last.version + 1, cx), cx);
}

// Nothing is to be done: so it is for a try behind one that was killed when all was.
static mr_span result_unchanged(const mr_merge *m, mr_cx *cx) {
    const mr_swap *last = &m->r.last;
    bool ours = last->state == MR_SWAP_DONE && m->r.try->number > 1 &&
                strcmp(last->identity, m->r.try->identity) == 0;
    return ours ? last->result : result_of(m, last->version, cx);
}

static mr_code merge_all(mr_merge *m, mr_cx *cx) {
    MR_TRY(read_source(m, cx));
    MR_TRY(open_table(m, cx));
    MR_TRY(compare(m, cx));
    if (m->is_new) {
        MR_TRY(mr_catalog_register(m->r.data_dir, &m->r.table, cx));
    }
    bool nothing =
        m->counts[MR_MERGE_INSERTED] + m->counts[MR_MERGE_UPDATED] + m->counts[MR_MERGE_DELETED] ==
        0;
    mr_span result = nothing ? result_unchanged(m, cx) : result_of(m, m->r.last.version + 1, cx);
    MR_TRY(nothing ? MR_OK : write_all(m, cx));
    MR_TRY(mr_rewrite_tell(m->r.try, result, cx));
    const char *line = mr_arena_printf(
        cx->arena,
        "table \"%s\": %" PRId64 " rows inserted, %" PRId64 " updated, %" PRId64
        " deleted, %" PRId64 " as they were; %" PRIu32 " of %" PRIu32 " files written anew\n",
        m->r.table.name, m->counts[MR_MERGE_INSERTED], m->counts[MR_MERGE_UPDATED],
        m->counts[MR_MERGE_DELETED], m->counts[MR_MERGE_UNCHANGED], m->old_count, m->r.file_count);
    return mr_stream_write(MR_STDOUT, mr_span_of(line), cx);
}

static mr_code merge_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    mr_merge m = {.o = options};
    MR_TRY(merge_check(options, cx));
    MR_TRY(mr_given_names("key", m.o->key, &m.keys, &m.key_count, cx));
    MR_TRY(mr_given_names("leave_out", m.o->leave_out, &m.leave_out, &m.leave_out_count, cx));
    if (m.key_count == 0) {
        return mr_fail(cx, MR_E_OPTION, "Name the columns that say which row is the same.",
                       "key \"key\" is empty");
    }
    mr_code code = mr_rewrite_open(&m.r, m.o->table, m.o->timezone, try, cx);
    code = code == MR_OK ? merge_all(&m, cx) : code;
    mr_rewrite_close(&m.r, cx);
    return code;
}

const mr_task_type mr_kind_table_merge = {
    .name = "table.merge",
    .doc = "Merges rows into a table by key: rows of new keys are added, those of known ones "
           "change.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = merge_options,
    .nested = merge_nested,
    .outputs = merge_outputs,
    .size = sizeof(mr_merge_options),
    .run = merge_run,
    .check = merge_check,
};
