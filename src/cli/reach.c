// Reach: see reach.h.

#include "cli/reach.h"

#include <inttypes.h>
#include <string.h>

#include "kafka/bootstrap.h"
#include "kafka/moment.h"

#define REACH_TIMEOUT_US ((int64_t)30 * MR_SECOND_US)

const char *mr_reach_servers(const mr_cli_args *args, mr_cx *cx) {
    const char *given = mr_args_get(args, "--bootstrap");
    return given != NULL ? given : mr_bootstrap_servers(mr_pipeline_data_here(args, cx), cx);
}

mr_code mr_reach_open(const mr_cli_args *args, mr_control *ret, mr_cx *cx) {
    int64_t timeout_us = REACH_TIMEOUT_US;
    const char *text = mr_args_get(args, "--timeout");
    if (text != NULL &&
        (!mr_text_parse_duration_us(mr_span_of(text), &timeout_us) || timeout_us <= 0)) {
        return mr_fail(cx, MR_E_OPTION, "Write a duration such as 30s.",
                       "bad value \"%s\" for option \"--timeout\"", text);
    }
    return mr_control_open(ret, mr_reach_servers(args, cx), timeout_us, cx);
}

int mr_reach_failed(mr_cx *cx) {
    mr_report_error(cx);
    return cx->error.code == MR_E_OPTION ? MR_EXIT_USAGE : MR_EXIT_FAILED;
}

mr_code mr_reach_settings(const mr_cli_args *args, const char *flag, mr_control_setting **ret,
                          int32_t *ret_count, mr_cx *cx) {
    mr_job_pair *pairs;
    uint32_t count;
    MR_TRY(mr_args_pairs(args, flag, &pairs, &count, cx));
    *ret = MR_NEW_ARRAY(cx->arena, mr_control_setting, count + 1);
    *ret_count = (int32_t)count;
    for (uint32_t i = 0; i < count; i++) {
        (*ret)[i].name = mr_span_of(pairs[i].name);
        (*ret)[i].value = pairs[i].value[0] == '\0' ? (mr_span){0} : mr_span_of(pairs[i].value);
    }
    return MR_OK;
}

mr_code mr_reach_number(const mr_cli_args *args, const char *flag, int64_t least, int64_t *ret,
                        mr_cx *cx) {
    const char *text = mr_args_get(args, flag);
    int64_t value;
    if (text == NULL) {
        return MR_OK;
    }
    if (!mr_text_parse_int64(mr_span_of(text), &value) || value < least) {
        const char *hint =
            mr_arena_printf(cx->arena, "Write a whole number from %lld.", (long long)least);
        return mr_fail(cx, MR_E_OPTION, hint, "bad value \"%s\" for option \"%s\"", text, flag);
    }
    *ret = value;
    return MR_OK;
}

void mr_reach_add_number(mr_text *out, const char *name, int64_t value) {
    if (value < 0) {
        mr_text_addf(out, ",\"%s\":null", name);
    } else {
        mr_text_addf(out, ",\"%s\":%" PRId64, name, value);
    }
}

mr_code mr_reach_time(const char *text, const char *flag, int64_t *ret_ms, mr_cx *cx) {
    if (mr_moment_parse(text, mr_clock_real_us(cx->plat), ret_ms)) {
        return MR_OK;
    }
    return mr_fail(cx, MR_E_OPTION,
                   "Write 2026-01-31T12:00:00Z, milliseconds since 1970, or a time ago: -1h.",
                   "bad value \"%s\" for option \"%s\"", text, flag);
}
