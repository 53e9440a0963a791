// Dag, params: what a run may be given, and the check of what it was given.

#define PCRE2_CODE_UNIT_WIDTH 8
#include <math.h>
#include <pcre2.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "flow/dag_build.h"

#define MATCH_STEPS_MAX 1000000

static const char *const types[] = {"string", "integer",  "number", "boolean",
                                    "date",   "datetime", "array",  "object"};

// ---- one value -------------------------------------------------------------------------------

static mr_span text_of(mr_span json, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    if (mr_jsonvalue_kind_of(json) == MR_JSONVALUE_STRING) {
        mr_jsonvalue_unescape(json, &out);
    } else {
        mr_jsonvalue_minify(json, &out);
    }
    return mr_text_span(&out);
}

static bool is_type(const char *type, mr_span json, mr_arena *arena) {
    mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(json);
    mr_span text = text_of(json, arena);
    int64_t whole;
    double number;
    int32_t days;
    if (strcmp(type, "integer") == 0) {
        return kind == MR_JSONVALUE_NUMBER && mr_text_parse_int64(text, &whole);
    }
    if (strcmp(type, "number") == 0) {
        return kind == MR_JSONVALUE_NUMBER && mr_text_parse_double(text, &number);
    }
    if (strcmp(type, "boolean") == 0) {
        return kind == MR_JSONVALUE_TRUE || kind == MR_JSONVALUE_FALSE;
    }
    if (strcmp(type, "array") == 0 || strcmp(type, "object") == 0) {
        return kind == (type[0] == 'a' ? MR_JSONVALUE_ARRAY : MR_JSONVALUE_OBJECT);
    }
    if (kind != MR_JSONVALUE_STRING) {
        return false;
    }
    return strcmp(type, "date") == 0
               ? text.bytes == 10 && mr_civil_parse_date(text.data, text.bytes, &days)
           : strcmp(type, "datetime") == 0
               ? mr_civil_parse(text.data, text.bytes, /* zone= */ NULL, &whole)
               : true;
}

static mr_code fits_pattern(const char *pattern, mr_span text, bool *ret, mr_cx *cx) {
    int failed;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_UCP, &failed, &at, NULL);
    if (code == NULL) {
        PCRE2_UCHAR words[120];
        pcre2_get_error_message(failed, words, sizeof(words));
        return mr_fail(cx, MR_E_VALUE, NULL, "bad pattern \"%s\": %s", pattern,
                       (const char *)words);
    }
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    mr_assert(limits != NULL && data != NULL);
    pcre2_set_match_limit(limits, MATCH_STEPS_MAX);
    int found = pcre2_match(code, (PCRE2_SPTR)text.data, text.bytes, 0, 0, data, limits);
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
    *ret = found >= 0;
    return found >= 0 || found == PCRE2_ERROR_NOMATCH
               ? MR_OK
               : mr_fail(cx, MR_E_VALUE, NULL, "pattern \"%s\" takes too long", pattern);
}

static const char *shown(mr_span json, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    mr_jsonvalue_minify(json, &out);
    return out.bytes <= 60 ? mr_text_string(&out)
                           : mr_arena_printf(arena, "%.57s…", mr_text_string(&out));
}

static mr_code check_choices(const mr_dag_param *param, mr_span json, mr_cx *cx) {
    mr_span rest = mr_jsonvalue_inside(param->choices_json);
    mr_span item;
    mr_span value = text_of(json, cx->arena);
    mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(json);
    while (mr_jsonvalue_next(&rest, NULL, &item)) {
        if (mr_jsonvalue_kind_of(item) == kind && mr_span_equal(text_of(item, cx->arena), value)) {
            return MR_OK;
        }
    }
    const char *hint =
        mr_arena_printf(cx->arena, "Give one of %.*s.", MR_SPAN_ARGS(param->choices_json));
    return mr_fail(cx, MR_E_VALUE, hint, "%s is none of the values of parameter \"%s\"",
                   shown(json, cx->arena), param->name);
}

static mr_code check_value(const mr_dag_param *param, mr_span json, mr_cx *cx) {
    bool optional = mr_span_is(param->default_json, "null");
    if (optional && mr_jsonvalue_kind_of(json) == MR_JSONVALUE_NULL) {
        return MR_OK;
    }
    if (!is_type(param->type, json, cx->arena)) {
        const char *hint = strcmp(param->type, "date") == 0 ? "Write it as 2025-11-26."
                           : strcmp(param->type, "datetime") == 0
                               ? "Write it as 2025-11-26T08:00:00Z."
                               : NULL;
        return mr_fail(cx, MR_E_TYPE, hint, "parameter \"%s\" must be of type %s, not %s",
                       param->name, param->type, shown(json, cx->arena));
    }
    mr_span text = text_of(json, cx->arena);
    double number;
    if (mr_jsonvalue_kind_of(json) == MR_JSONVALUE_NUMBER && mr_text_parse_double(text, &number) &&
        (number < param->least || number > param->most)) {
        return mr_fail(cx, MR_E_VALUE, NULL, "parameter \"%s\" goes %s %.15g, and is %.*s",
                       param->name, number < param->least ? "from" : "up to",
                       number < param->least ? param->least : param->most, MR_SPAN_ARGS(text));
    }
    bool fits = true;
    if (param->pattern != NULL) {
        MR_TRY(fits_pattern(param->pattern, text, &fits, cx));
    }
    if (!fits) {
        return mr_fail(cx, MR_E_VALUE,
                       mr_arena_printf(cx->arena, "It must fit %s.", param->pattern),
                       "parameter \"%s\" cannot be %s", param->name, shown(json, cx->arena));
    }
    return param->choices_json.bytes == 0 ? MR_OK : check_choices(param, json, cx);
}

// ---- the file --------------------------------------------------------------------------------

static mr_span to_json(const mr_yaml *node, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_code code = mr_template_json(node, /* scope= */ NULL, &out, cx);
    mr_assert(code == MR_OK);  // Nothing is rendered.
    return mr_text_span(&out);
}

static const char *type_of(mr_span json, mr_arena *arena) {
    static const char *const order[] = {"boolean", "integer", "number",
                                        "array",   "object",  "string"};
    for (size_t i = 0; i < MR_COUNT(order); i++) {
        if (is_type(order[i], json, arena)) {
            return order[i];
        }
    }
    return "string";
}

static mr_code read_type(const mr_yaml *node, mr_dag_param *param, mr_cx *cx) {
    MR_TRY(mr_yaml_expect(node, MR_YAML_SCALAR, "key \"type\"", cx));
    for (size_t i = 0; i < MR_COUNT(types); i++) {
        if (strcmp(types[i], node->text) == 0) {
            param->type = types[i];
            return MR_OK;
        }
    }
    return mr_fail_at(cx, MR_E_VALUE, node->place,
                      mr_dag_key_hint(node->text, types, MR_COUNT(types), "Types are", cx->arena),
                      "a parameter cannot be of type \"%s\"", node->text);
}

static mr_code read_bound(const mr_yaml *node, const char *name, double *ret, mr_cx *cx) {
    MR_TRY(mr_yaml_expect(node, MR_YAML_SCALAR, name, cx));
    return mr_text_parse_double(mr_span_of(node->text), ret)
               ? MR_OK
               : mr_fail_at(cx, MR_E_VALUE, node->place, "Write a number.",
                            "bad value \"%s\" for key \"%s\"", node->text, name);
}

static mr_code read_key(const char *name, const mr_yaml *node, mr_dag_param *param, mr_cx *cx) {
    if (strcmp(name, "default") == 0) {
        param->default_json = to_json(node, cx);
    } else if (strcmp(name, "type") == 0) {
        return read_type(node, param, cx);
    } else if (strcmp(name, "enum") == 0) {
        MR_TRY(mr_yaml_expect(node, MR_YAML_LIST, "key \"enum\"", cx));
        param->choices_json = to_json(node, cx);
    } else if (strcmp(name, "minimum") == 0) {
        return read_bound(node, name, &param->least, cx);
    } else if (strcmp(name, "maximum") == 0) {
        return read_bound(node, name, &param->most, cx);
    } else {
        MR_TRY(mr_yaml_expect(node, MR_YAML_SCALAR, name, cx));
        *(strcmp(name, "pattern") == 0 ? &param->pattern : &param->doc) = node->text;
    }
    return MR_OK;
}

static mr_code check_default(mr_dag_param *param, mr_place place, mr_cx *cx) {
    bool fits;
    if (param->pattern != NULL && fits_pattern(param->pattern, MR_SPAN(""), &fits, cx) != MR_OK) {
        cx->error.place = place;
        return (mr_code)cx->error.code;
    }
    if (param->default_json.bytes == 0) {
        return MR_OK;
    }
    cx->error.place = MR_NOWHERE;
    mr_code code = check_value(param, param->default_json, cx);
    if (code != MR_OK) {
        cx->error.place = place;
    }
    return code;
}

static void read_param(mr_dag_build *b, const mr_yaml *map, uint32_t index) {
    const mr_yaml *node = map->items[index];
    mr_dag_param param = {.name = map->names[index],
                          .place = map->places[index],
                          .least = -INFINITY,
                          .most = INFINITY};
    uint32_t before = b->error_count;
    if (node->kind != MR_YAML_MAP) {
        param.default_json = to_json(node, b->cx);
    }
    for (uint32_t i = 0; node->kind == MR_YAML_MAP && i < node->count; i++) {
        const mr_yaml *value = node->items[i];
        if (mr_dag_key_find(mr_dag_keys_param, node->names[i]) == NULL) {
            mr_dag_note(b, mr_dag_key_unknown(mr_dag_keys_param, NULL, node->names[i],
                                              node->places[i], b->cx));
        } else if (!mr_yaml_is_null(value) || strcmp(node->names[i], "default") == 0) {
            mr_dag_note(b, read_key(node->names[i], value, &param, b->cx));
        }
    }
    if (param.type == NULL) {
        param.type =
            param.default_json.bytes == 0 ? "string" : type_of(param.default_json, b->scratch);
    }
    if (before == b->error_count) {
        mr_dag_note(b, check_default(&param, node->place, b->cx));
    }
    b->dag->params[b->dag->param_count++] = param;
}

void mr_dag_param_read(mr_dag_build *b, const mr_yaml *node) {
    if (mr_yaml_expect(node, MR_YAML_MAP, "key \"params\"", b->cx) != MR_OK) {
        mr_dag_note(b, MR_E_TYPE);
        return;
    }
    b->dag->params = MR_NEW_ARRAY(b->cx->arena, mr_dag_param, node->count + 1);
    for (uint32_t i = 0; i < node->count; i++) {
        if (!mr_dag_key_is_id(node->names[i])) {
            mr_dag_note(b, mr_fail_at(b->cx, MR_E_VALUE, node->places[i],
                                      "Use letters, digits, _ and -.",
                                      "\"%s\" cannot be a parameter's name", node->names[i]));
        }
        read_param(b, node, i);
    }
}

// ---- what a run is given ---------------------------------------------------------------------

static mr_code unknown_param(const mr_dag *dag, mr_span name, mr_cx *cx) {
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, dag->param_count + 1);
    for (uint32_t i = 0; i < dag->param_count; i++) {
        names[i] = dag->params[i].name;
    }
    const char *given = mr_arena_copy(cx->arena, name.data, name.bytes);
    const char *hint = dag->param_count == 0 ? "It takes none."
                                             : mr_dag_key_hint(given, names, dag->param_count,
                                                               "Parameters are", cx->arena);
    return mr_fail(cx, MR_E_NAME, hint, "DAG \"%s\" has no parameter \"%s\"", dag->id, given);
}

mr_code mr_dag_params(const mr_dag *dag, mr_span given_json, mr_span *ret_json, mr_cx *cx) {
    mr_span given = mr_span_trim(given_json).bytes == 0 ? MR_SPAN("{}") : given_json;
    if (!mr_jsonvalue_check(given) || mr_jsonvalue_kind_of(given) != MR_JSONVALUE_OBJECT) {
        return mr_fail(cx, MR_E_TYPE, "Write {\"NAME\": value, …}.",
                       "parameters are no JSON object");
    }
    mr_span rest = mr_jsonvalue_inside(given), key, value;
    while (mr_jsonvalue_next(&rest, &key, &value)) {
        mr_span name = text_of(key, cx->arena);
        bool known = false;
        for (uint32_t i = 0; i < dag->param_count; i++) {
            known |= mr_span_is(name, dag->params[i].name);
        }
        if (!known) {
            return unknown_param(dag, name, cx);
        }
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    for (uint32_t i = 0; i < dag->param_count; i++) {
        const mr_dag_param *param = &dag->params[i];
        mr_span json = mr_jsonvalue_get(given, param->name);
        json = json.bytes == 0 ? param->default_json : json;
        if (json.bytes == 0) {
            return mr_fail(cx, MR_E_OPTION, param->doc, "parameter \"%s\" must be given",
                           param->name);
        }
        MR_TRY(check_value(param, json, cx));
        mr_text_add(&out, i == 0 ? "{" : ",");
        mr_text_add_json(&out, mr_span_of(param->name));
        mr_text_add_char(&out, ':');
        mr_jsonvalue_minify(json, &out);
    }
    mr_text_add(&out, dag->param_count == 0 ? "{}" : "}");
    *ret_json = mr_text_span(&out);
    return MR_OK;
}
