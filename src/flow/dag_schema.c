// Dag, schema: the JSON Schema (draft 7) of a DAG file, for editors, made from the reader's tables.
//
// What no schema can say (templates' names, circles, cron) the reader says.

#include <inttypes.h>
#include <string.h>

#include "flow/dag_build.h"

#define TEMPLATE "{\"type\":\"string\",\"pattern\":\"\\\\{\\\\{\"}"
#define DURATION "{\"anyOf\":[{\"const\":0},{\"type\":\"string\",\"pattern\":\"^[0-9]\"}]}"

static void add_name(mr_text *out, const char *name, bool first) {
    mr_text_add(out, first ? "" : ",");
    mr_text_add_json(out, mr_span_of(name));
    mr_text_add_char(out, ':');
}

static void add_choices(mr_text *out, const char *choices) {
    mr_text_add(out, "{\"enum\":[");
    for (const char *at = choices; at != NULL;) {
        const char *bar = strchr(at, '|');
        size_t bytes = bar == NULL ? strlen(at) : (size_t)(bar - at);
        mr_text_add(out, at == choices ? "" : ",");
        mr_text_add_json(out, (mr_span){at, bytes});
        at = bar == NULL ? NULL : bar + 1;
    }
    mr_text_add(out, "]}");
}

static void add_shape(mr_text *out, const mr_dag_key *key) {
    switch (key->shape) {
    case MR_SHAPE_ID:
        mr_text_add(out, key == &mr_dag_keys[0]
                             ? "{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_][A-Za-z0-9_.-]*$\","
                               "\"maxLength\":128}"
                             : "{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_][A-Za-z0-9_-]*$\","
                               "\"maxLength\":128}");
        break;
    case MR_SHAPE_TEXT: mr_text_add(out, "{\"type\":[\"string\",\"number\"]}"); break;
    case MR_SHAPE_BOOL: mr_text_add(out, "{\"type\":\"boolean\"}"); break;
    case MR_SHAPE_COUNT:
        mr_text_addf(out, "{\"type\":\"integer\",\"minimum\":%" PRId64 "}", key->least);
        break;
    case MR_SHAPE_DURATION: mr_text_add(out, DURATION); break;
    case MR_SHAPE_CHOICE: add_choices(out, key->choices); break;
    case MR_SHAPE_TEXTS:
        mr_text_add(out, "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{"
                         "\"type\":\"string\"}}]}");
        break;
    case MR_SHAPE_CODES:
        mr_text_add(out, "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"array\",\"items\":{"
                         "\"type\":\"integer\",\"minimum\":0,\"maximum\":255}}]}");
        break;
    case MR_SHAPE_CALLBACKS: mr_text_add(out, "{\"$ref\":\"#/definitions/callbacks\"}"); break;
    case MR_SHAPE_CONDITION:
        mr_text_add(out, "{\"anyOf\":[{\"type\":\"boolean\"}," TEMPLATE "]}");
        break;
    case MR_SHAPE_LIST: mr_text_add(out, "{\"anyOf\":[{\"type\":\"array\"}," TEMPLATE "]}"); break;
    case MR_SHAPE_VALUES: mr_text_add(out, "{\"type\":\"object\"}"); break;
    case MR_SHAPE_ENV: mr_text_add(out, "{\"$ref\":\"#/definitions/env\"}"); break;
    case MR_SHAPE_OWN: mr_text_add(out, key->schema); break;
    }
}

// A property with its words for people; null is as if not written.
static void add_key(mr_text *out, const mr_dag_key *key, bool first) {
    add_name(out, key->name, first);
    bool required = key->default_text == MR_REQUIRED;
    mr_text_add(out, "{\"description\":");
    mr_text_add_json(out, mr_span_of(key->doc));
    mr_text_add(out, required ? ",\"allOf\":[" : ",\"anyOf\":[{\"type\":\"null\"},");
    add_shape(out, key);
    mr_text_add(out, "]}");
}

static void add_table(mr_text *out, const mr_dag_key *table, bool shared_only) {
    mr_text_add(out, "\"additionalProperties\":false,\"properties\":{");
    bool first = true;
    for (const mr_dag_key *key = table; key->name != NULL; key++) {
        if (!shared_only || key->shared) {
            add_key(out, key, first);
            first = false;
        }
    }
    mr_text_add(out, "}");
}

static void add_required(mr_text *out, const mr_dag_key *table, const mr_option *own) {
    mr_text_add(out, ",\"required\":[");
    bool first = true;
    for (const mr_dag_key *key = table; key->name != NULL; key++) {
        if (key->default_text == MR_REQUIRED) {
            mr_text_add(out, first ? "" : ",");
            mr_text_add_json(out, mr_span_of(key->name));
            first = false;
        }
    }
    for (const mr_option *row = own; row != NULL && row->name != NULL; row++) {
        if (row->default_text == MR_REQUIRED) {
            mr_text_add(out, first ? "" : ",");
            mr_text_add_json(out, mr_span_of(row->name));
            first = false;
        }
    }
    mr_text_add(out, "]");
}

// ---- kinds -----------------------------------------------------------------------------------

static void add_option(mr_text *out, const mr_task_type *type, const mr_option *row) {
    add_name(out, row->name, /* first= */ false);
    mr_text_add(out, "{\"description\":");
    mr_text_add_json(out, mr_span_of(row->doc));
    if (mr_task_is_nested(type, row->name)) {
        mr_text_add(out, "}");
        return;
    }
    mr_text_add(out, row->default_text == MR_REQUIRED ? ",\"anyOf\":["
                                                      : ",\"anyOf\":[{\"type\":\"null\"},");
    switch (row->type) {
    case MR_OPT_TEXT:
    case MR_OPT_PATH: mr_text_add(out, "{\"type\":[\"string\",\"number\",\"boolean\"]}"); break;
    case MR_OPT_BOOL: mr_text_add(out, "{\"type\":\"boolean\"}," TEMPLATE); break;
    case MR_OPT_INT: mr_text_add(out, "{\"type\":\"integer\"}," TEMPLATE); break;
    case MR_OPT_NUMBER: mr_text_add(out, "{\"type\":\"number\"}," TEMPLATE); break;
    case MR_OPT_BYTES: mr_text_add(out, "{\"type\":\"integer\"},{\"type\":\"string\"}"); break;
    case MR_OPT_DURATION: mr_text_add(out, DURATION "," TEMPLATE); break;
    case MR_OPT_CHOICE:
        add_choices(out, row->choices);
        mr_text_add(out, "," TEMPLATE);
        break;
    }
    mr_text_add(out, "]}");
}

static void add_kind(mr_text *out, const mr_task_type *type) {
    mr_text_add(out, "{\"title\":");
    mr_text_add_json(out, mr_span_of(type->name));
    mr_text_add(out, ",\"description\":");
    mr_text_add_json(out, mr_span_of(type->doc == NULL ? "" : type->doc));
    mr_text_add(out, ",\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (const mr_dag_key *key = mr_dag_keys_task; key->name != NULL; key++) {
        add_name(out, key->name, key == mr_dag_keys_task);
        if (strcmp(key->name, "type") == 0) {
            mr_text_add(out, "{\"const\":");
            mr_text_add_json(out, mr_span_of(type->name));
            mr_text_add(out, "}");
        } else {
            mr_text_add(out, "{\"$ref\":");
            mr_text_addf(out, "\"#/definitions/task/properties/%s\"}", key->name);
        }
    }
    for (const mr_option *row = type->options; row != NULL && row->name != NULL; row++) {
        add_option(out, type, row);
    }
    mr_text_add(out, "}");
    add_required(out, mr_dag_keys_task, type->options);
    mr_text_add(out, "}");
}

static void add_definitions(mr_text *out, mr_task_kinds kinds) {
    mr_text_add(out, "\"definitions\":{\"callback\":{\"type\":\"object\",\"properties\":{"
                     "\"script\":{\"type\":\"string\"},\"webhook\":{\"type\":\"string\","
                     "\"pattern\":\"^(https?://|\\\\{\\\\{)\"}},\"minProperties\":1,"
                     "\"maxProperties\":1,\"additionalProperties\":false},"
                     "\"callbacks\":{\"anyOf\":[{\"$ref\":\"#/definitions/callback\"},{\"type\":"
                     "\"array\",\"items\":{\"$ref\":\"#/definitions/callback\"}}]},"
                     "\"env\":{\"type\":\"object\",\"propertyNames\":{\"pattern\":"
                     "\"^[A-Za-z_][A-Za-z0-9_]*$\"},\"additionalProperties\":{\"anyOf\":[{\"type\":"
                     "[\"string\",\"number\",\"boolean\",\"null\"]},{\"type\":\"object\","
                     "\"properties\":{\"secret\":{\"type\":\"string\"}},\"required\":[\"secret\"],"
                     "\"additionalProperties\":false}]}},\"default_args\":{\"type\":\"object\",");
    add_table(out, mr_dag_keys_task, /* shared_only= */ true);
    mr_text_add(out, "},\"param\":{\"type\":\"object\",");
    add_table(out, mr_dag_keys_param, /* shared_only= */ false);
    mr_text_add(out, "},\"group\":{\"type\":\"object\",");
    add_table(out, mr_dag_keys_group, /* shared_only= */ false);
    add_required(out, mr_dag_keys_group, NULL);
    mr_text_add(out, "},\"connection\":{\"type\":\"object\",");
    add_table(out, mr_dag_keys_connection, /* shared_only= */ false);
    add_required(out, mr_dag_keys_connection, NULL);
    mr_text_add(out, "},\"task\":{\"type\":\"object\",");
    add_table(out, mr_dag_keys_task, /* shared_only= */ false);
    mr_text_add(out, "},\"any_task\":{\"anyOf\":[");
    for (mr_task_kinds at = kinds; *at != NULL; at++) {
        mr_text_add(out, at == kinds ? "" : ",");
        add_kind(out, *at);
    }
    mr_text_add(out, "]}}");
}

void mr_dag_schema(mr_task_kinds kinds, mr_text *out) {
    mr_text_add(out, "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"title\":"
                     "\"millrace DAG\",\"type\":\"object\",");
    add_table(out, mr_dag_keys, /* shared_only= */ false);
    add_required(out, mr_dag_keys, NULL);
    mr_text_add_char(out, ',');
    add_definitions(out, kinds);
    mr_text_add(out, "}\n");
}
