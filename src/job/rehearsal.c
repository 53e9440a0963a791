// Rehearsal: see rehearsal.h.

#include "job/rehearsal.h"

const mr_source_type *mr_rehearsal_source(const mr_source_type *type, mr_arena *arena) {
    mr_source_type *quiet = MR_NEW(arena, mr_source_type);
    *quiet = *type;
    quiet->committed = NULL;
    return quiet;
}

// ---- A sink that drops its rows ----

static mr_code drop_open(mr_sink *sink, const mr_sink_spec *spec, mr_cx *cx) {
    (void)cx;
    sink->spec = *spec;
    return MR_OK;
}

static mr_code drop_begin(mr_sink *sink, const mr_publication_id *id, mr_cx *cx) {
    (void)sink;
    (void)id;
    (void)cx;
    return MR_OK;
}

static mr_code drop_write(mr_sink *sink, const mr_batch *in, mr_cx *cx) {
    (void)sink;
    (void)in;
    (void)cx;
    return MR_OK;
}

static mr_code drop_prepare(mr_sink *sink, mr_publication *ret, mr_cx *cx) {
    (void)sink;
    (void)cx;
    *ret = (mr_publication){0};
    return MR_OK;
}

static void drop_abort(mr_sink *sink, mr_cx *cx) {
    (void)sink;
    (void)cx;
}

static mr_code drop_publish(mr_sink *sink, const mr_publication *publication, mr_cx *cx) {
    (void)sink;
    (void)publication;
    (void)cx;
    return MR_OK;
}

static mr_code drop_sweep(mr_sink *sink, mr_cx *cx) {
    (void)sink;
    (void)cx;
    return MR_OK;
}

static void drop_close(mr_sink *sink) {
    (void)sink;
}

static const mr_sink_type sink_drop = {
    .name = "drop",
    .file = __FILE__,
    .summary = "Drops its rows.",
    .size = sizeof(mr_sink),
    .modes = 1u << MR_MODE_APPEND | 1u << MR_MODE_UPDATE | 1u << MR_MODE_COMPLETE,
    .default_trigger = "0",
    .open = drop_open,
    .begin = drop_begin,
    .write = drop_write,
    .prepare = drop_prepare,
    .abort = drop_abort,
    .publish = drop_publish,
    .recover = drop_publish,
    .sweep = drop_sweep,
    .close = drop_close,
};

const mr_sink_type *mr_rehearsal_sink(const mr_sink_type *type, const mr_option_values **options,
                                      mr_arena *arena) {
    if (!type->registers) {  // Only files of the lake are tables of the catalogue.
        return &sink_drop;
    }
    mr_option_values *kept = MR_NEW(arena, mr_option_values);
    kept->items = MR_NEW_ARRAY(arena, mr_option_value, (*options)->count + 1);
    for (size_t i = 0; i < (*options)->count; i++) {
        const mr_option_value *value = &(*options)->items[i];
        mr_span name = mr_span_of(value->name);
        if (!mr_span_equal_nocase(name, MR_SPAN("path")) &&
            !mr_span_equal_nocase(name, MR_SPAN("root"))) {
            kept->items[kept->count++] = *value;
        }
    }
    *options = kept;
    return type;
}
