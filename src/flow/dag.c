// Dag: reading a file as a whole, and what a DAG says of its runs; see dag.h.
//
// How: YAML gives a tree with places, tables say what each key may hold (dag_key.c), and each part
// of the file has a reader of its own. Errors are collected and put in the order of their places.
//
// Also: mr_trigger_

#include "flow/dag.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "flow/dag_build.h"
#include "flow/template.h"

// ---- errors ----------------------------------------------------------------------------------

void mr_dag_note(mr_dag_build *b, mr_code code) {
    if (code == MR_OK || b->error_count == MR_DAG_ERRORS_MAX) {
        return;
    }
    if (b->errors == NULL) {
        b->errors = mr_heap_alloc(sizeof(mr_error) * MR_DAG_ERRORS_MAX);
    }
    b->errors[b->error_count++] = b->cx->error;
}

void mr_dag_remark(mr_dag_build *b, mr_place place, const char *format, ...) {
    uint32_t line = 0;
    uint32_t column = 0;
    if (mr_error_line_column(&place, &line, &column)) {
        mr_text_addf(&b->remarks, "%s:%u:%u: ", place.file, line, column);
    }
    va_list arguments;
    va_start(arguments, format);
    mr_text_add(&b->remarks, mr_arena_vprintf(b->cx->arena, format, arguments));
    va_end(arguments);
    mr_text_add_char(&b->remarks, '\0');
    b->remark_count++;
}

static int compare_errors(const void *a, const void *b) {
    const mr_error *left = a, *right = b;
    return left->place.offset < right->place.offset ? -1 : left->place.offset > right->place.offset;
}

// What was found, into the caller's arena: the DAG's goes if there are errors. Remarks wait until
// there are none: what they rest on may be what is wrong.
static void give(mr_dag_build *b, mr_dag_errors *ret, mr_cx *cx) {
    *ret = (mr_dag_errors){.count = b->error_count,
                           .remark_count = b->error_count > 0 ? 0 : b->remark_count};
    ret->items = MR_NEW_ARRAY(cx->arena, mr_error, b->error_count + 1);
    const char *from = NULL;
    char *source = NULL;
    char *file = mr_arena_string(cx->arena, b->dag->file);
    for (uint32_t i = 0; i < b->error_count; i++) {
        mr_error *error = &ret->items[i];
        *error = b->errors[i];
        if (error->place.source != NULL && error->place.source != from) {
            from = error->place.source;
            source = mr_arena_string(cx->arena, from);
        }
        error->place.source = error->place.source == NULL ? NULL : source;
        error->place.file = file;
    }
    if (b->error_count > 1) {
        qsort(ret->items, b->error_count, sizeof(mr_error), compare_errors);
    }
    ret->remarks = MR_NEW_ARRAY(cx->arena, const char *, b->remark_count + 1);
    const char *at = mr_arena_copy(cx->arena, mr_text_string(&b->remarks), b->remarks.bytes);
    for (uint32_t i = 0; i < ret->remark_count; i++) {
        ret->remarks[i] = at;
        at += strlen(at) + 1;
    }
}

// ---- the file --------------------------------------------------------------------------------

static void read_keys(mr_dag_build *b) {
    const mr_yaml *root = b->root;
    for (uint32_t i = 0; i < root->count; i++) {
        const mr_dag_key *key = mr_dag_key_find(mr_dag_keys, root->names[i]);
        if (key == NULL) {
            mr_dag_note(
                b, mr_dag_key_unknown(mr_dag_keys, NULL, root->names[i], root->places[i], b->cx));
        } else if (!mr_yaml_is_null(root->items[i])) {
            mr_dag_note(b, mr_dag_key_read(key, root->items[i], b->dag, b->cx));
        }
    }
    for (const mr_dag_key *key = mr_dag_keys; key->name != NULL; key++) {
        const mr_yaml *node = mr_yaml_get(root, key->name);
        if (key->default_text == MR_REQUIRED && (node == NULL || mr_yaml_is_null(node))) {
            const char *hint =
                mr_arena_printf(b->cx->arena, "Write %s: and what it is. %s", key->name, key->doc);
            mr_dag_note(b, mr_fail_at(b->cx, MR_E_OPTION, root->place, hint,
                                      "key \"%s\" is missing", key->name));
        }
    }
}

// A value of a connection: all but two are texts.
static mr_code read_connection_value(const char *name, const mr_yaml *node, mr_cx *cx) {
    if (strcmp(name, "password") == 0) {
        const mr_yaml *secret =
            node->kind == MR_YAML_MAP && node->count == 1 ? mr_yaml_get(node, "secret") : NULL;
        return secret != NULL && secret->kind == MR_YAML_SCALAR && !mr_yaml_is_null(secret)
                   ? MR_OK
                   : mr_fail_at(cx, MR_E_VALUE, node->place,
                                "Write password: {secret: NAME}, and give it by: millrace secret "
                                "set NAME.",
                                "a password stands in the file");
    }
    bool is_map = strcmp(name, "extra") == 0;
    return mr_yaml_expect(node, is_map ? MR_YAML_MAP : MR_YAML_SCALAR,
                          mr_arena_printf(cx->arena, "key \"%s\"", name), cx);
}

static void read_connections(mr_dag_build *b, const mr_yaml *node) {
    if (mr_yaml_expect(node, MR_YAML_LIST, "key \"connections\"", b->cx) != MR_OK) {
        mr_dag_note(b, MR_E_TYPE);
        return;
    }
    b->dag->connections = node;
    for (uint32_t i = 0; i < node->count; i++) {
        const mr_yaml *item = node->items[i];
        if (mr_yaml_expect(item, MR_YAML_MAP, "a connection", b->cx) != MR_OK) {
            mr_dag_note(b, MR_E_TYPE);
            continue;
        }
        for (uint32_t k = 0; k < item->count; k++) {
            if (mr_dag_key_find(mr_dag_keys_connection, item->names[k]) == NULL) {
                mr_dag_note(b, mr_dag_key_unknown(mr_dag_keys_connection, NULL, item->names[k],
                                                  item->places[k], b->cx));
            } else if (!mr_yaml_is_null(item->items[k])) {
                mr_dag_note(b, read_connection_value(item->names[k], item->items[k], b->cx));
            }
        }
        const mr_yaml *id = mr_yaml_get(item, "id");
        if (id == NULL || id->kind != MR_YAML_SCALAR || !mr_dag_key_is_id(id->text)) {
            mr_dag_note(b, mr_fail_at(b->cx, MR_E_OPTION, item->place,
                                      "Write id: and its name, of letters, digits, _ and -.",
                                      "a connection has no id"));
        }
        const mr_yaml *type = mr_yaml_get(item, "type");
        if (type == NULL || mr_yaml_is_null(type)) {
            mr_dag_note(b, mr_fail_at(b->cx, MR_E_OPTION, item->place,
                                      "Write type: and what it is: kafka, postgres, http, s3, …",
                                      "a connection has no type"));
        }
    }
}

static void read_all(mr_dag_build *b) {
    mr_dag_key_defaults(mr_dag_keys, b->dag, b->cx);
    read_keys(b);
    mr_dag_time_read(b);
    const mr_yaml *params = mr_yaml_get(b->root, "params");
    if (params != NULL && !mr_yaml_is_null(params)) {
        mr_dag_param_read(b, params);
    }
    const mr_yaml *connections = mr_yaml_get(b->root, "connections");
    if (connections != NULL && !mr_yaml_is_null(connections)) {
        read_connections(b, connections);
    }
    mr_dag_task_read(b);
    (void)mr_dag_graph_link(b);
    mr_dag_names_check(b);
}

static void read_text(mr_dag_build *b, mr_span text) {
    mr_code code = mr_yaml_parse(b->dag->file, text, &b->root, b->cx);
    if (code != MR_OK) {
        mr_dag_syntax_explain(b->cx);
        mr_dag_note(b, code);
        return;
    }
    if (mr_yaml_is_null(b->root)) {
        mr_dag_note(b, mr_fail_at(b->cx, MR_E_SYNTAX, b->root->place,
                                  "millrace new dag NAME writes one to start from.",
                                  "the file is empty"));
    } else if (b->root->kind != MR_YAML_MAP) {
        code = mr_yaml_expect(b->root, MR_YAML_MAP, "a DAG file", b->cx);
        mr_dag_syntax_explain(b->cx);
        mr_dag_note(b, code);
    } else {
        read_all(b);
    }
}

static void print_hash(mr_span text, char ret[33]) {
    uint8_t digest[MR_DIGEST_MD5_BYTES];
    mr_digest_md5(text.data, text.bytes, digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        ret[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        ret[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    ret[32] = '\0';
}

mr_code mr_dag_read(const mr_dag_reader *reader, const char *file, mr_span text, mr_dag **ret,
                    mr_dag_errors *ret_errors, mr_cx *cx) {
    mr_dag *dag = mr_heap_alloc(sizeof(mr_dag));
    atomic_init(&dag->references, 1);
    mr_arena_init(&dag->arena);
    mr_cx own;
    mr_cx_init(&own, &dag->arena, cx->plat);
    mr_arena scratch = {0};
    mr_dag_build b = {.reader = reader, .dag = dag, .cx = &own, .scratch = &scratch};
    mr_text_init(&b.remarks, &scratch);
    mr_map_init(&b.tasks, &scratch);
    dag->file = mr_arena_string(&dag->arena, file);
    dag->source = (mr_span){mr_arena_copy(&dag->arena, text.data, text.bytes), text.bytes};
    print_hash(text, dag->hash);
    dag->data_interval_us = -1;
    read_text(&b, text);
    give(&b, ret_errors, cx);
    mr_heap_free(b.errors);
    mr_arena_release(&scratch);
    if (ret_errors->count > 0) {
        mr_dag_unref(dag);
        cx->error = ret_errors->items[0];
        return (mr_code)cx->error.code;
    }
    *ret = dag;
    return MR_OK;
}

mr_dag *mr_dag_ref(mr_dag *dag) {
    (void)atomic_fetch_add_explicit(&dag->references, 1, memory_order_relaxed);
    return dag;
}

void mr_dag_unref(mr_dag *dag) {
    if (dag != NULL && atomic_fetch_sub_explicit(&dag->references, 1, memory_order_acq_rel) == 1) {
        mr_arena_release(&dag->arena);
        mr_heap_free(dag);
    }
}

// ---- what it says ----------------------------------------------------------------------------

const mr_dag_task *mr_dag_find(const mr_dag *dag, mr_span task_id) {
    for (uint32_t i = 0; i < dag->task_count; i++) {
        if (mr_span_is(task_id, dag->tasks[i].id)) {
            return &dag->tasks[i];
        }
    }
    return NULL;
}

const char *mr_trigger_rule_text(mr_trigger_rule rule) {
#define RULE_TEXT(name, text) [MR_RULE_##name] = text,
    static const char *const texts[] = {MR_TRIGGER_RULES(RULE_TEXT)};
#undef RULE_TEXT
    mr_assert((unsigned)rule < MR_COUNT(texts));
    return texts[rule];
}

void mr_dag_interval(const mr_dag *dag, int64_t tick_us, int64_t *ret_start_us,
                     int64_t *ret_end_us) {
    *ret_start_us = *ret_end_us = tick_us;
    if (dag->data_interval_us > 0) {
        *ret_start_us = tick_us - dag->data_interval_us;
    } else if (dag->data_interval_us < 0 && dag->schedule.kind != MR_SCHEDULE_NONE) {
        mr_schedule unbound = dag->schedule;
        unbound.first_us = INT64_MIN;
        int64_t previous_us = mr_schedule_previous(&unbound, tick_us);
        *ret_start_us = previous_us == INT64_MIN ? tick_us : previous_us;
    }
}

mr_code mr_dag_body(const mr_dag_task *task, const mr_template_scope *scope, mr_text *out,
                    mr_cx *cx) {
    const mr_yaml *body = task->body;
    mr_text_add_char(out, '{');
    for (uint32_t i = 0, added = 0; i < body->count; i++) {
        if (mr_dag_key_find(mr_dag_keys_task, body->names[i]) != NULL ||
            mr_yaml_is_null(body->items[i])) {
            continue;
        }
        mr_text_add(out, added++ == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(body->names[i]));
        mr_text_add_char(out, ':');
        MR_TRY(mr_error_in(cx, mr_template_json(body->items[i], scope, out, cx),
                           "key \"%s\" of "
                           "task \"%s\"",
                           body->names[i], task->id));
    }
    mr_text_add_char(out, '}');
    return MR_OK;
}
