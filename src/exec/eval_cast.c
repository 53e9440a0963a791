// Eval, casts: a kernel for each pair of types that convert. Numbers are in
// eval_cast_number.c, JSON, lists and structs in eval_cast_json.c and eval_cast_nested.c.
//
// DuckDB's meaning: what does not convert fails its row (a try_cast gives NULL); dates and wall
// clocks are read and made in the session's zone.

#include "exec/eval_cast.h"

#include <string.h>

#include "exec/fn.h"
#include "sql/types_text.h"

void mr_eval_cast_fail(mr_fn_call *call, uint32_t row) {
    const mr_vector *in = &call->args[0];
    const char *type = mr_type_text(call->out->type, call->run->arena);
    if (mr_type_is_string(in->type) && !mr_type_is_nested(in->type)) {
        mr_eval_call_fail(call, row, "cannot cast %s to %s",
                          mr_eval_call_quote(call, mr_vector_str(in, row)), type);
    } else {
        mr_eval_call_fail(call, row, "cannot cast %s to %s", mr_eval_call_value(call, 0, row),
                          type);
    }
}

static bool days_to_us(int32_t days, const mr_zone *zone, int64_t *to) {
    if (!mr_mul_fits((int64_t)days, MR_DAY_US, to)) {
        return false;
    }
    *to = zone == NULL ? *to : mr_zone_to_utc(zone, *to);
    return true;
}

#define ZONE (call->run->env->zone)

MR_CAST_CHECKED(date_to_timestamp, int32_t, int64_t, days_to_us(x, NULL, to))
MR_CAST_CHECKED(date_to_timestamptz, int32_t, int64_t, days_to_us(x, ZONE, to))
MR_CAST_ALWAYS(timestamp_to_date, int64_t, int32_t, (int32_t)mr_floor_div(x, MR_DAY_US))
MR_CAST_ALWAYS(timestamp_to_timestamptz, int64_t, int64_t,
               ZONE == NULL ? x : mr_zone_to_utc(ZONE, x))
MR_CAST_ALWAYS(timestamptz_to_date, int64_t, int32_t, mr_zone_date(ZONE, x))
MR_CAST_ALWAYS(timestamptz_to_timestamp, int64_t, int64_t,
               (int64_t)((uint64_t)x +
                         (uint64_t)((int64_t)mr_zone_offset_s(ZONE, x) * MR_SECOND_US)))

MR_CAST_ALWAYS(timestamp_to_time, int64_t, int64_t, x - mr_floor_div(x, MR_DAY_US) * MR_DAY_US)

// The bytes as they are written: the first digits first.
static void uuid_to_bytes(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    mr_fn_writer writer = mr_fn_writer_new(call);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        mr_uuid id = MR_FN_ARG(call, 0, mr_uuid, row);
        uint64_t halves[2] = {__builtin_bswap64(id.high), __builtin_bswap64(id.low)};
        memcpy(mr_fn_writer_take(&writer, sizeof(halves)), halves, sizeof(halves));
        call->out->strs[row] = mr_fn_writer_end(&writer, sizeof(halves));
    }
}

// ---- from and to text --------------------------------------------------------------------------

static void cast_text(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    size_t bytes = mr_type_bytes(call->out->type);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        mr_str x = mr_vector_str(&call->args[0], row);
        uint8_t *to = call->out->bools + bytes * row;
        memset(to, 0, bytes);
        if (!mr_types_literal((mr_span){x.data, x.bytes}, call->out->type, ZONE, call->run->arena,
                              to)) {
            memset(to, 0, bytes);
            mr_eval_cast_fail(call, row);
        }
    }
}

// Every type prints itself; a view into one buffer a call.
static void cast_to_text(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_text text;
    mr_text_init(&text, call->run->arena);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        mr_text_clear(&text);
        mr_vector_print(&call->args[0], row, ZONE, &text);
        memcpy(mr_fn_writer_take(&writer, text.bytes), mr_text_string(&text), text.bytes);
        call->out->strs[row] = mr_fn_writer_end(&writer, text.bytes);
    }
}

static void cast_same(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    size_t bytes = mr_type_bytes(call->out->type);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        if (mr_type_is_string(call->out->type)) {
            call->out->strs[row] = mr_vector_str(&call->args[0], row);
        } else {
            memcpy(call->out->bools + bytes * row,
                   call->args[0].bools + bytes * mr_vector_at(&call->args[0], row), bytes);
        }
    }
}

// NULL of no type becomes NULL of any: strict, so it never has a row to do.
static void cast_null(mr_fn_call *call) {
    (void)call;
}

// Kernels to and from JSON, and to lists and structs. NULL = the pair is none of them.
static mr_fn_kernel nested_kernel(mr_type_id from, mr_type_id to) {
    switch ((int)to) {
    case MR_JSON: return from == MR_TEXT ? mr_eval_cast_text_json : mr_eval_cast_to_json;
    case MR_LIST: return mr_eval_cast_list;
    case MR_STRUCT: return mr_eval_cast_struct;
    default: return from == MR_JSON ? mr_eval_cast_from_json : NULL;
    }
}

mr_fn_kernel mr_eval_cast_kernel(mr_type_id from, mr_type_id to) {
    static const mr_fn_kernel kernels[MR_TYPE_COUNT][MR_TYPE_COUNT] = {
        [MR_UUID] = {[MR_BYTES] = uuid_to_bytes},
        [MR_DATE] = {[MR_TIMESTAMP] = date_to_timestamp, [MR_TIMESTAMPTZ] = date_to_timestamptz},
        [MR_TIMESTAMP] = {[MR_DATE] = timestamp_to_date,
                          [MR_TIME] = timestamp_to_time,
                          [MR_TIMESTAMPTZ] = timestamp_to_timestamptz},
        [MR_TIMESTAMPTZ] =
            {[MR_DATE] = timestamptz_to_date, [MR_TIMESTAMP] = timestamptz_to_timestamp},
        [MR_JSON] = {[MR_TEXT] = cast_same, [MR_JSON] = cast_same},
    };
    mr_assert(from < MR_TYPE_COUNT && to < MR_TYPE_COUNT);
    if (from == MR_NULLTYPE) {
        return cast_null;
    }
    mr_fn_kernel kernel = kernels[from][to];
    kernel = kernel == NULL ? mr_eval_cast_number(from, to) : kernel;
    kernel = kernel == NULL ? nested_kernel(from, to) : kernel;
    if (kernel != NULL) {
        return kernel;
    }
    if (from == to) {
        return cast_same;
    }
    return to == MR_TEXT ? cast_to_text : from == MR_TEXT ? cast_text : NULL;
}
