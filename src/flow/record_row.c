// Record rows: structs into parameters of statements, and rows of answers into structs.
//
// Also: mr_task_state_ mr_run_state_ mr_run_type_ mr_record_

#include "flow/record_row.h"

#include <string.h>

#include "base/utf8.h"

// ---- words -----------------------------------------------------------------------------------

static const char *const task_states[] = {
#define TASK_STATE_TEXT(name, text) text,
    MR_TASK_STATES(TASK_STATE_TEXT)
#undef TASK_STATE_TEXT
};
static const char *const run_states[] = {
#define RUN_STATE_TEXT(name, text) text,
    MR_RUN_STATES(RUN_STATE_TEXT)
#undef RUN_STATE_TEXT
};
static const char *const run_types[] = {
#define RUN_TYPE_TEXT(name, text) text,
    MR_RUN_TYPES(RUN_TYPE_TEXT)
#undef RUN_TYPE_TEXT
};

const char *mr_task_state_text(mr_task_state state) {
    mr_assert((size_t)state < MR_COUNT(task_states));
    return task_states[state];
}

const char *mr_run_state_text(mr_run_state state) {
    mr_assert((size_t)state < MR_COUNT(run_states));
    return run_states[state];
}

const char *mr_run_type_text(mr_run_type type) {
    mr_assert((size_t)type < MR_COUNT(run_types));
    return run_types[type];
}

bool mr_task_state_is_over(mr_task_state state) {
    switch (state) {
    case MR_STATE_SUCCESS:
    case MR_STATE_FAILED:
    case MR_STATE_SKIPPED:
    case MR_STATE_UPSTREAM_FAILED:
    case MR_STATE_CANCELLED:
    case MR_STATE_REMOVED: return true;
    case MR_STATE_NONE:
    case MR_STATE_QUEUED:
    case MR_STATE_RUNNING:
    case MR_STATE_WAITING:
    case MR_STATE_UP_FOR_RETRY: break;
    }
    return false;
}

// ---- tables ----------------------------------------------------------------------------------

#define FIELD(n, column, kind, member)     {MR_FIELD_##kind, offsetof(ROW, member)},
#define FIELD_ONE(n, column, kind, member) +1
#define INSERT_OF(T, name)                                                             \
    "INSERT INTO " name                                                                \
    " (" MR_RECORD_COLUMNS(T) ") VALUES ($1, $2" MR_##T##_CHANGES(MR_RECORD_PARAMETER) \
        MR_##T##_FIXED(MR_RECORD_PARAMETER) ")"
#define UPDATE_OF(T, name) \
    "UPDATE " name " SET state = $2" MR_##T##_CHANGES(MR_RECORD_SET) " WHERE id = $1"
#define FIELDS_OF(T, state_kind)                                                          \
    {                                                                                     \
        {MR_FIELD_INT, offsetof(ROW, id)}, {MR_FIELD_##state_kind, offsetof(ROW, state)}, \
            MR_##T##_CHANGES(FIELD) MR_##T##_FIXED(FIELD)                                 \
    }
#define TABLE_OF(T, list, name)                                                      \
    {                                                                                \
        .size = sizeof(ROW), .fields = list, .field_count = MR_COUNT(list),          \
        .change_count = 2 MR_##T##_CHANGES(FIELD_ONE), .insert = INSERT_OF(T, name), \
        .update = UPDATE_OF(T, name)                                                 \
    }

#define ROW mr_record_run
static const mr_record_field run_fields[] = FIELDS_OF(RUN, RUN_STATE);
// A run that is there already is told by what was changed: an error would spoil the turn.
const mr_record_table mr_record_run_table = {
    .size = sizeof(ROW),
    .fields = run_fields,
    .field_count = MR_COUNT(run_fields),
    .change_count = 2 MR_RUN_CHANGES(FIELD_ONE),
    .insert = INSERT_OF(RUN, "run") " ON CONFLICT DO NOTHING",
    .update = UPDATE_OF(RUN, "run"),
};
#undef ROW
#define ROW mr_record_task
static const mr_record_field task_fields[] = FIELDS_OF(TASK, TASK_STATE);
const mr_record_table mr_record_task_table = TABLE_OF(TASK, task_fields, "task");
#undef ROW
#define ROW mr_record_try
static const mr_record_field try_fields[] = FIELDS_OF(TRY, TASK_STATE);
const mr_record_table mr_record_try_table = TABLE_OF(TRY, try_fields, "try");
#undef ROW
#define ROW mr_record_backfill
static const mr_record_field backfill_fields[] = FIELDS_OF(BACKFILL, RUN_STATE);
const mr_record_table mr_record_backfill_table = TABLE_OF(BACKFILL, backfill_fields, "backfill");
#undef ROW

// ---- rows ------------------------------------------------------------------------------------

static mr_db_value value_of(const mr_record_field *field, const void *row) {
    const void *at = (const uint8_t *)row + field->offset;
    switch (field->kind) {
    case MR_FIELD_INT: return MR_DB_INT_VALUE(*(const int64_t *)at);
    case MR_FIELD_INT32: return MR_DB_INT_VALUE(*(const int32_t *)at);
    case MR_FIELD_BOOL: return MR_DB_INT_VALUE(*(const bool *)at);
    case MR_FIELD_STRING: return MR_DB_STRING_VALUE(*(const char *const *)at);
    case MR_FIELD_SPAN: return MR_DB_TEXT_VALUE(*(const mr_span *)at);
    case MR_FIELD_TASK_STATE:
        return MR_DB_STRING_VALUE(mr_task_state_text(*(const mr_task_state *)at));
    case MR_FIELD_RUN_STATE:
        return MR_DB_STRING_VALUE(mr_run_state_text(*(const mr_run_state *)at));
    case MR_FIELD_RUN_TYPE: return MR_DB_STRING_VALUE(mr_run_type_text(*(const mr_run_type *)at));
    case MR_FIELD_REASON:
        return MR_DB_STRING_VALUE(mr_exit_reason_text(*(const mr_exit_reason *)at));
    case MR_FIELD_DETAIL: return MR_DB_STRING_VALUE((const char *)at);
    }
    mr_assert(false && "a kind of field");
    return MR_DB_NULL_VALUE;
}

// The place of a word in a list; false when it is not there.
static bool word_of(mr_span word, const char *const *words, size_t count, int *ret) {
    for (size_t i = 0; i < count; i++) {
        if (mr_span_is(word, words[i])) {
            *ret = (int)i;
            return true;
        }
    }
    return false;
}

static mr_code take_value(const mr_record_field *field, const mr_db_value *value, void *row,
                          mr_cx *cx) {
    void *at = (uint8_t *)row + field->offset;
    int word = 0;
    bool known = true;
    mr_span text = value->bytes;
    switch (field->kind) {
    case MR_FIELD_INT: *(int64_t *)at = value->number; break;
    case MR_FIELD_INT32: *(int32_t *)at = (int32_t)value->number; break;
    case MR_FIELD_BOOL: *(bool *)at = value->number != 0; break;
    case MR_FIELD_STRING: *(const char **)at = text.data == NULL ? "" : text.data; break;
    case MR_FIELD_SPAN: *(mr_span *)at = text; break;
    case MR_FIELD_TASK_STATE:
        known = word_of(text, task_states, MR_COUNT(task_states), &word);
        *(mr_task_state *)at = (mr_task_state)word;
        break;
    case MR_FIELD_RUN_STATE:
        known = word_of(text, run_states, MR_COUNT(run_states), &word);
        *(mr_run_state *)at = (mr_run_state)word;
        break;
    case MR_FIELD_RUN_TYPE:
        known = word_of(text, run_types, MR_COUNT(run_types), &word);
        *(mr_run_type *)at = (mr_run_type)word;
        break;
    case MR_FIELD_REASON: known = mr_exit_reason_parse(text, at); break;
    case MR_FIELD_DETAIL: {
        (void)mr_utf8_copy(at, sizeof(((mr_try_exit *)NULL)->text), text);
        break;
    }
    }
    return known ? MR_OK
                 : mr_fail(cx, MR_E_CORRUPT, "Was the database changed by hand?",
                           "the flow database holds \"%.*s\", which is no state or type",
                           MR_SPAN_ARGS(text));
}

static void values_of(const mr_record_table *table, const void *row, uint32_t count,
                      mr_db_value *ret) {
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = value_of(&table->fields[i], row);
    }
}

mr_code mr_record_insert(mr_record *record, const mr_record_table *table, const void *row,
                         mr_db_rows *ret, mr_cx *cx) {
    mr_db_value args[24];
    mr_assert(table->field_count <= MR_COUNT(args));
    values_of(table, row, table->field_count, args);
    return mr_db_run(record->db, table->insert, args, table->field_count, ret, cx);
}

mr_code mr_record_update(mr_record *record, const mr_record_table *table, const void *row,
                         mr_cx *cx) {
    mr_db_value args[24];
    values_of(table, row, table->change_count, args);
    return mr_db_run(record->db, table->update, args, table->change_count, NULL, cx);
}

mr_code mr_record_select(const mr_record *record, const mr_record_table *table,
                         const mr_record_query *query, void **ret, uint32_t *ret_count, mr_cx *cx) {
    mr_db_rows rows;
    MR_TRY(mr_db_run(record->db, query->sql, query->args, query->arg_count, &rows, cx));
    mr_assert(rows.row_count == 0 || rows.column_count == table->field_count);
    uint8_t *items = mr_arena_alloc(cx->arena, table->size * rows.row_count);
    for (uint32_t r = 0; r < rows.row_count; r++) {
        for (uint32_t f = 0; f < table->field_count; f++) {
            MR_TRY(take_value(&table->fields[f], mr_db_cell(&rows, r, f), items + r * table->size,
                              cx));
        }
    }
    *ret = items;
    *ret_count = rows.row_count;
    return MR_OK;
}
