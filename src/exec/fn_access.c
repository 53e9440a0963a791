// Fn, structs: making them, and reaching into them.
//
// How: values are encoded one behind the other (column/nested.h), so reaching an element walks over
// those before it, and a slice is a stretch of the same bytes. Results are views. Also: mr_fn_.

#include "column/nested.h"
#include "exec/fn.h"

// The arguments of each row, encoded; of a list, their count before them.
static void put_all(mr_fn_call *call, bool list) {
    mr_eval_rows rows = mr_eval_call_live(call);
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_text text;
    mr_text_init(&text, call->run->arena);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        mr_text_clear(&text);
        if (list) {
            mr_nested_put_count(&text, call->arg_count);
        }
        for (uint32_t arg = 0; arg < call->arg_count; arg++) {
            if (call->args[arg].type.id == MR_NULLTYPE) {
                mr_nested_put_null(&text);
            } else {
                mr_nested_put(&text, &call->args[arg], row);
            }
        }
        memcpy(mr_fn_writer_take(&writer, text.bytes), mr_text_string(&text), text.bytes);
        call->out->strs[row] = mr_fn_writer_end(&writer, text.bytes);
    }
}

void mr_fn_ROW(mr_fn_call *call) {
    put_all(call, /* list= */ false);
}

static mr_span encoded(const mr_fn_call *call, uint32_t row) {
    mr_str value = mr_vector_str(&call->args[0], row);
    return (mr_span){value.data, value.bytes};
}

static void give(mr_fn_call *call, uint32_t row, const mr_nested_item *item) {
    if (item == NULL || item->null) {
        memset(call->out->bools + mr_type_bytes(call->out->type) * row, 0,
               mr_type_bytes(call->out->type));
        if (mr_type_is_string(call->out->type)) {
            call->out->strs[row] = (mr_str){.data = ""};
        }
        mr_eval_call_null(call, row);
    } else {
        mr_nested_store(item, call->out, row);
    }
}

// The field's name is a constant: the binder has found it in the struct.
void mr_fn_STRUCT_EXTRACT(mr_fn_call *call) {
    mr_eval_rows rows = mr_eval_call_live(call);
    const mr_schema *fields = call->args[0].type.fields;
    mr_str name = call->args[1].strs[0];
    uint32_t field = 0;
    while (field < fields->count &&
           !mr_span_is((mr_span){name.data, name.bytes}, fields->columns[field].name)) {
        field++;
    }
    mr_assert(field < fields->count);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = mr_eval_row(rows, i);
        mr_span in = encoded(call, row);
        mr_nested_item item = {.null = true};
        for (uint32_t f = 0; f <= field; f++) {
            item = mr_nested_next(&in, fields->columns[f].type);
        }
        give(call, row, &item);
    }
}
