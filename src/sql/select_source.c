// Reading a foreign table: its wrapper, options and columns are checked as a source at the first
// use.

#include <string.h>

#include "sql/options.h"
#include "sql/select.h"

#define FUTURE_SKEW_US (5 * 60 * (int64_t)1000000)

// --source TABLE=file:PATH: another connector, which keeps the options that it knows.
static mr_code override_source(mr_session *s, mr_foreign *table, const char *spec,
                               mr_option_values *ret) {
    const char *colon = strchr(spec, ':');
    const char *name =
        mr_arena_copy(s->cx->arena, spec, colon == NULL ? strlen(spec) : (size_t)(colon - spec));
    const mr_source_type *type = mr_port_source(s->env->port, name);
    if (type == NULL || colon == NULL) {
        return mr_fail_at(s->cx, MR_E_OPTION, table->source.place,
                          "Write --source TABLE=file:PATH.", "bad source \"%s\" for \"%s\"", spec,
                          table->name);
    }
    mr_option_values all = mr_options_overlay(s, table, type->options, /* other= */ NULL);
    ret->items = MR_NEW_ARRAY(s->cx->arena, mr_option_value, all.count + 1);
    ret->count = 0;
    for (size_t i = 0; i < all.count; i++) {
        for (const mr_option *row = type->options; row->name != NULL; row++) {
            if (strcmp(row->name, all.items[i].name) == 0 && strcmp(row->name, "path") != 0) {
                ret->items[ret->count++] = all.items[i];
            }
        }
    }
    if (colon[1] != '\0') {
        ret->items[ret->count++] =
            (mr_option_value){.name = "path", .value = colon + 1, .place = table->source.place};
    }
    table->source.type = type;
    return MR_OK;
}

static mr_code check_columns(mr_session *s, const mr_foreign *table, mr_place place) {
    if (table->schema.count == 0) {
        return mr_fail_at(s->cx, MR_E_MISSING, place,
                          "Declare its columns: CREATE FOREIGN TABLE "
                          "name (id text, …).",
                          "table \"%s\" has no columns to read", table->name);
    }
    for (uint32_t c = 0; c < table->schema.count; c++) {
        mr_type type = table->schema.columns[c].type;
        if (type.id == MR_BYTES || type.id == MR_INTERVAL) {
            return mr_fail_at(s->cx, MR_E_TYPE, table->source.place, "Use text.",
                              "column \"%s\" of type %s cannot be read from a source",
                              table->schema.columns[c].name, mr_type_name(type));
        }
    }
    return MR_OK;
}

static mr_code check_source(mr_session *s, mr_foreign *table, mr_place place) {
    const mr_port *port = s->env->port;
    mr_plan_source *source = &table->source;
    const char *spec =
        s->env->source_override == NULL ? NULL : s->env->source_override(s->env->self, table->name);
    source->type = mr_port_source(port, table->server->wrapper);
    if (spec != NULL) {
        MR_TRY(override_source(s, table, spec, &source->options));
    } else if (source->type == NULL) {
        const char *hint =
            mr_arena_printf(s->cx->arena, "Write it with INSERT INTO %s SELECT ….", table->name);
        return mr_fail_at(s->cx, MR_E_UNSUPPORTED, place, hint,
                          "\"%s\" of wrapper %s cannot be read in a stream", table->name,
                          table->server->wrapper);
    } else {
        const mr_sink_type *sink = mr_port_sink(port, table->server->wrapper);
        source->options = mr_options_overlay(s, table, source->type->options,
                                             sink == NULL ? NULL : sink->options);
    }
    MR_TRY(check_columns(s, table, place));
    MR_TRY(mr_options_check(s,
                            &(mr_options_target){.table = source->type->options,
                                                 .pass_prefix = source->type->pass_prefix,
                                                 .bytes = source->type->size},
                            &source->options, source->place));
    if (!source->type->has_future_skew) {
        source->max_future_skew_us = -1;  // No clock of the outside to compare with.
    } else if (source->max_future_skew_us < 0 && source->has_watermark) {
        source->max_future_skew_us = FUTURE_SKEW_US;
    }
    return MR_OK;
}

mr_code mr_select_source(mr_session *s, mr_foreign *foreign, mr_place place, mr_plan **ret) {
    if (foreign->read && foreign->read_code != MR_OK) {
        return mr_session_fail_silently(s);
    }
    if (!foreign->read) {
        foreign->read = true;
        foreign->read_code = check_source(s, foreign, place);
        MR_TRY(foreign->read_code);
    }
    *ret = foreign->rows;
    return MR_OK;
}
