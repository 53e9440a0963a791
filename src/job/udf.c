// UDF: see udf.h.
//
// How: the rows that have to be computed are laid one behind the other in plain arrays, so a
// function needs to know neither selections nor kinds of vectors; its results are put back.

#include "job/udf.h"

#include <string.h>

#include "base/hash.h"
#include "base/jsonvalue.h"
#include "base/numeric.h"
#include "base/utf8.h"
#include "plat/library.h"
#include "plat/plat.h"
#include "port/millrace_udf.h"

#define LIBRARY_BYTES_MAX (1ull << 30)

_Static_assert(sizeof(millrace_string) == sizeof(mr_str), "strings are handed over as they are");

typedef struct udf {
    millrace_function *function;
    const char *what;  // "function twice of lib/twice.so"
} udf;

// What is under way; millrace_call is its first member, so that a call leads here.
typedef struct udf_run {
    millrace_call call;
    const mr_external_call *outer;
} udf_run;

static void *udf_alloc(millrace_call *call, uint64_t bytes) {
    return mr_arena_raw(((udf_run *)call)->outer->arena, bytes);
}

static uint32_t outer_row(const mr_external_call *outer, uint32_t row) {
    return outer->sel != NULL ? outer->sel[row] : row;
}

static void udf_fail(millrace_call *call, uint32_t row, const char *reason) {
    const mr_external_call *outer = ((udf_run *)call)->outer;
    if (row < outer->count) {
        outer->fail(outer->self, outer_row(outer, row), reason == NULL ? "failed" : reason);
    }
}

// The rows of an argument as one plain array.
static millrace_column lay_out(const mr_external_call *outer, uint32_t arg) {
    const mr_vector *in = &outer->args[arg];
    size_t width = mr_type_bytes(in->type);
    char *data = mr_arena_raw(outer->arena, width * outer->count + 1);
    uint64_t *valid = NULL;
    for (uint32_t i = 0; i < outer->count; i++) {
        uint32_t row = outer_row(outer, i);
        if (mr_type_is_string(in->type)) {
            mr_str value = mr_vector_str(in, row);
            memcpy(data + width * i, &value, width);
        } else {
            const char *from = (const char *)in->data + width * mr_vector_at(in, row);
            memcpy(data + width * i, from, width);
        }
        if (mr_vector_is_null(in, row)) {
            if (valid == NULL) {
                valid = mr_arena_raw(outer->arena, mr_bits_words(outer->count) * sizeof *valid);
                mr_bits_fill(valid, outer->count);
            }
            mr_bits_clear(valid, i);
        }
    }
    return (millrace_column){data, valid};
}

// What is wrong with a value that came back, which the rest of the program would trust. NULL: none.
static const char *udf_wrong(mr_vector *result, uint32_t i) {
    switch ((int)result->type.id) {
    case MR_BOOL: result->bools[i] = result->bools[i] != 0; return NULL;
    case MR_NUMERIC:
        return mr_numeric_fits(result->numerics[i], result->type.precision)
                   ? NULL
                   : "a number of too many digits";
    case MR_TIME:
        return result->int64s[i] >= 0 && result->int64s[i] <= MR_DAY_US ? NULL : "no time of a day";
    case MR_TEXT:
        return mr_utf8_valid(result->strs[i].data, result->strs[i].bytes)
                   ? NULL
                   : "text that is not UTF-8";
    case MR_JSON:
        return mr_utf8_valid(result->strs[i].data, result->strs[i].bytes) &&
                       mr_jsonvalue_check((mr_span){result->strs[i].data, result->strs[i].bytes})
                   ? NULL
                   : "text that is not JSON";
    default: return NULL;
    }
}

static mr_code udf_run_rows(void *state, const mr_external_call *outer, mr_cx *cx) {
    const udf *self = ((const mr_external *)state)->self;
    const mr_external *external = state;
    millrace_column *columns =
        MR_NEW_ARRAY(outer->arena, millrace_column, MR_MAX(outer->arg_count, 1u));
    for (uint32_t i = 0; i < outer->arg_count; i++) {
        columns[i] = lay_out(outer, i);
    }
    size_t width = mr_type_bytes(external->result);
    mr_vector result = mr_vector_flat(outer->arena, external->result, MR_MAX(outer->count, 1u));
    memset(result.data, 0, width * outer->count);
    mr_vector_own_valid(&result, outer->arena, MR_MAX(outer->count, 1u));
    udf_run run = {.outer = outer,
                   .call = {.version = MILLRACE_UDF_VERSION,
                            .rows = outer->count,
                            .column_count = outer->arg_count,
                            .columns = columns,
                            .result = {result.data, result.valid},
                            .alloc = udf_alloc,
                            .fail = udf_fail}};
    mr_library_enter(self->what);
    self->function(&run.call);
    mr_library_leave();
    for (uint32_t i = 0; i < outer->count; i++) {
        uint32_t row = outer_row(outer, i);
        if (!mr_bits_get(result.valid, i)) {
            mr_bits_clear(outer->out->valid, row);
            continue;
        }
        if (mr_type_is_string(external->result) && result.strs[i].data == NULL) {
            if (result.strs[i].bytes > 0) {
                return mr_fail(cx, MR_E_INTERNAL, NULL, "%s returned a string without bytes",
                               self->what);
            }
            result.strs[i].data = "";
        }
        const char *wrong = udf_wrong(&result, i);
        if (wrong != NULL) {
            outer->fail(outer->self, row,
                        mr_arena_printf(outer->arena, "%s gave %s", self->what, wrong));
        }
        memcpy((char *)outer->out->data + width * row, (char *)result.data + width * i, width);
    }
    return MR_OK;
}

static mr_code udf_open(const mr_external *external, void **ret_state, mr_cx *cx) {
    (void)cx;
    *ret_state = (void *)(uintptr_t)external;
    return MR_OK;
}

static void udf_close(void *state) {
    (void)state;
}

static const mr_external_type udf_type = {
    .kind = "C",
    .file = __FILE__,
    .open = udf_open,
    .run = udf_run_rows,
    .close = udf_close,
};

static mr_code check_types(const mr_external_ask *ask, mr_cx *cx) {
    for (uint32_t i = 0; i <= ask->arg_count; i++) {
        mr_type type = i < ask->arg_count ? ask->args[i] : ask->result;
        if (mr_type_is_nested(type) || type.id == MR_INTERVAL || type.id == MR_NULLTYPE) {
            return mr_fail(cx, MR_E_UNSUPPORTED, "Hand it over as text or jsonb.",
                           "functions of language c do not take type %s",
                           mr_type_text(type, cx->arena));
        }
    }
    return MR_OK;
}

mr_code mr_udf_find(const mr_external_ask *ask, const mr_external **ret, mr_cx *cx) {
    MR_TRY(check_types(ask, cx));
    if (ask->library[0] == '/' || strstr(ask->library, "..") != NULL) {
        return mr_fail(cx, MR_E_PERMISSION, "Put it into the project's folder, as lib/name.so.",
                       "library \"%s\" is not in the project", ask->library);
    }
    void *library;
    const char *path = mr_arena_printf(cx->arena, "./%s", ask->library);
    MR_TRY(mr_library_open(path, &library, cx));
    mr_library_catch();
    const uint32_t *version = mr_library_symbol(library, "millrace_udf_version");
    if (version == NULL || *version != MILLRACE_UDF_VERSION) {
        return mr_fail(cx, MR_E_UNSUPPORTED,
                       "Write MILLRACE_LIBRARY once in it, and compile it with this program's "
                       "millrace_udf.h.",
                       "library \"%s\" is not one for this version", ask->library);
    }
    udf *self = MR_NEW(cx->arena, udf);
    *(void **)&self->function = mr_library_symbol(library, ask->symbol);
    if (self->function == NULL) {
        return mr_fail(cx, MR_E_MISSING, "Functions must not be static.",
                       "library \"%s\" has no function \"%s\"", ask->library, ask->symbol);
    }
    self->what = mr_arena_printf(cx->arena, "function %s of %s", ask->symbol, ask->library);
    mr_span bytes;  // What the library does decides what state means.
    MR_TRY(mr_file_load(ask->library, LIBRARY_BYTES_MAX, &bytes, cx));
    uint64_t content = mr_hash_bytes(bytes.data, bytes.bytes, /* seed= */ 0);
    mr_external *made = MR_NEW(cx->arena, mr_external);
    mr_type *args = MR_NEW_ARRAY(cx->arena, mr_type, ask->arg_count + 1);
    memcpy(args, ask->args, ask->arg_count * sizeof *args);
    *made = (mr_external){
        .type = &udf_type,
        .name = mr_arena_string(cx->arena, ask->name),
        .identity = mr_arena_printf(cx->arena, "c:%s:%s:%016llx", ask->library, ask->symbol,
                                    (unsigned long long)content),
        .args = args,
        .arg_count = ask->arg_count,
        .result = ask->result,
        .sees_nulls = ask->sees_nulls,
        .self = self,
    };
    *ret = made;
    return MR_OK;
}
