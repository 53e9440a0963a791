// Ask: see ask.h.

#include "cli/ask.h"

#include <string.h>

#include "cli/up.h"
#include "owner/owner.h"

void mr_ask_begin(mr_text *request, const char *verb, mr_arena *arena) {
    mr_text_init(request, arena);
    mr_text_add(request, "{\"do\":");
    mr_text_add_json(request, mr_span_of(verb));
}

void mr_ask_add(mr_text *request, const char *name, const char *value) {
    if (value != NULL) {
        mr_text_addf(request, ",\"%s\":", name);
        mr_text_add_json(request, mr_span_of(value));
    }
}

void mr_ask_add_json(mr_text *request, const char *name, const char *json) {
    if (json != NULL) {
        mr_text_addf(request, ",\"%s\":%s", name, json);
    }
}

bool mr_ask_send(const mr_cli_args *args, mr_text *request, mr_span *ret, int *ret_exit,
                 mr_cx *cx) {
    mr_text_add_char(request, '}');
    mr_owner_flow_spec spec = {0};
    mr_job_pair *config = NULL;
    mr_code code = mr_args_pairs(args, "-c", &config, &spec.config_count, cx);
    spec.config = config;
    code = code == MR_OK ? mr_pipeline_enter(args, NULL, &spec.data_dir, cx) : code;
    code = code == MR_OK ? mr_owner_ask_flow(&spec, mr_text_span(request), ret, cx) : code;
    if (code != MR_OK) {
        mr_report_error(cx);
        *ret_exit = code == MR_E_OPTION || code == MR_E_NAME ? MR_EXIT_USAGE : MR_EXIT_FAILED;
    }
    return code == MR_OK;
}

bool mr_ask_json(const mr_cli_args *args, mr_span answer, mr_cx *cx) {
    if (!mr_args_has(args, "--json")) {
        return false;
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_addf(&out, "%.*s\n", MR_SPAN_ARGS(mr_span_trim(answer)));
    mr_report_print(cx, &out);
    return true;
}

mr_code mr_ask_params(const mr_cli_args *args, const char *flag, const char **ret, mr_cx *cx) {
    mr_job_pair *pairs;
    uint32_t count;
    MR_TRY(mr_args_pairs(args, flag, &pairs, &count, cx));
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add_char(&out, '{');
    for (uint32_t i = 0; i < count; i++) {
        mr_span value = mr_span_of(pairs[i].value);
        mr_text_add(&out, i == 0 ? "" : ",");
        mr_text_add_json(&out, mr_span_of(pairs[i].name));
        mr_text_add_char(&out, ':');
        if (mr_jsonvalue_check(value)) {
            mr_jsonvalue_minify(value, &out);
        } else {
            mr_text_add_json(&out, value);
        }
    }
    mr_text_add_char(&out, '}');
    *ret = mr_text_string(&out);
    return MR_OK;
}
