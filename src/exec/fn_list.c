// Fn, lists: elements found, taken, put together, ordered and summed up.
//
// How: a list is its bytes (column/nested.h). It is taken apart into items, which are views, and
// results are written into one text that every row uses again. Equal elements have equal bytes.
// Also: mr_fn_.

#include "exec/fn_list.h"

#include <stdlib.h>
#include <string.h>

#include "column/interval.h"

// ---- reading and writing -----------------------------------------------------------------------

void mr_fn_list_read(mr_fn_call *call, mr_str value, mr_type element, mr_fn_list *ret) {
    mr_span in = {value.data, value.bytes};
    ret->count = mr_nested_count(&in);
    if (ret->count > ret->room) {
        ret->room = MR_MAX(2 * ret->count, 16u);
        ret->items = mr_arena_raw(call->run->arena, sizeof(mr_nested_item) * ret->room);
    }
    for (uint32_t i = 0; i < ret->count; i++) {
        ret->items[i] = mr_nested_next(&in, element);
    }
}

void mr_fn_list_put(mr_text *out, const mr_nested_item *item) {
    if (item->null) {
        mr_nested_put_null(out);
        return;
    }
    if (mr_type_is_string(item->type)) {
        mr_str value = {.data = item->bytes.data, .bytes = mr_u32(item->bytes.bytes)};
        mr_nested_put_value(out, item->type, &value);
        return;
    }
    uint64_t value[2];
    memcpy(value, item->bytes.data, item->bytes.bytes);
    mr_nested_put_value(out, item->type, value);
}

void mr_fn_list_end(mr_fn_call *call, mr_fn_writer *writer, uint32_t row, const mr_text *text) {
    memcpy(mr_fn_writer_take(writer, text->bytes), mr_text_string(text), text->bytes);
    call->out->strs[row] = mr_fn_writer_end(writer, text->bytes);
}

static bool is_null(const mr_fn_call *call, uint32_t arg, uint32_t row) {
    return call->args[arg].type.id == MR_NULLTYPE || mr_vector_is_null(&call->args[arg], row);
}

// A row's value as an element; out keeps its bytes.
static mr_nested_item item_of(mr_fn_call *call, uint32_t arg, uint32_t row, mr_text *out) {
    mr_text_clear(out);
    mr_nested_put(out, &call->args[arg], row);
    mr_span in = mr_text_span(out);
    return mr_nested_next(&in, call->args[arg].type);
}

static bool same(const mr_nested_item *a, const mr_nested_item *b) {
    return a->null == b->null && (a->null || mr_span_equal(a->bytes, b->bytes));
}

// An element into a row of a vector of its type.
static void store(mr_fn_call *call, uint32_t row, const mr_nested_item *item) {
    if (item->null) {
        mr_eval_call_null(call, row);
    } else {
        mr_nested_store(item, call->out, row);
    }
}

#define LOAD(ctype, item, name) \
    ctype name;                 \
    memcpy(&name, (item)->bytes.data, sizeof(name))
#define COMPARE(ctype)            \
    do {                          \
        LOAD(ctype, a, x);        \
        LOAD(ctype, b, y);        \
        return (x > y) - (x < y); \
    } while (0)
#define COMPARE_FLOAT(ctype)                                               \
    do {                                                                   \
        LOAD(ctype, a, x);                                                 \
        LOAD(ctype, b, y);                                                 \
        return x != x || y != y ? (x != x) - (y != y) : (x > y) - (x < y); \
    } while (0)

int mr_fn_list_compare(const mr_nested_item *a, const mr_nested_item *b) {
    switch ((int)a->type.id) {
    case MR_BOOL: COMPARE(uint8_t);
    case MR_INT16: COMPARE(int16_t);
    case MR_INT32:
    case MR_DATE: COMPARE(int32_t);
    case MR_INT64:
    case MR_TIME:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: COMPARE(int64_t);
    case MR_NUMERIC: COMPARE(mr_int128);
    case MR_FLOAT32: COMPARE_FLOAT(float);
    case MR_FLOAT64: COMPARE_FLOAT(double);
    case MR_UUID: {
        LOAD(mr_uuid, a, x);
        LOAD(mr_uuid, b, y);
        return x.high != y.high ? (x.high > y.high) - (x.high < y.high)
                                : (x.low > y.low) - (x.low < y.low);
    }
    case MR_INTERVAL: {
        LOAD(mr_interval, a, x);
        LOAD(mr_interval, b, y);
        return mr_interval_compare(x, y);
    }
    case MR_LIST:
    case MR_STRUCT: return mr_nested_compare(a->type, a->bytes, b->bytes);
    default: return mr_span_compare(a->bytes, b->bytes);
    }
}

// ---- elements ----------------------------------------------------------------------------------

void mr_fn_LIST_LENGTH(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        mr_str value = mr_fn_str(call, 0, row);
        mr_span in = {value.data, value.bytes};
        call->out->int64s[row] = mr_nested_count(&in);
    }
}

void mr_fn_LIST_COUNT(mr_fn_call *call) {
    mr_type element = mr_type_element(call->args[0].type);
    MR_FN_EACH(call, row) {
        mr_str value = mr_fn_str(call, 0, row);
        mr_span in = {value.data, value.bytes};
        call->out->int64s[row] = 0;
        for (uint32_t i = mr_nested_count(&in); i > 0; i--) {
            call->out->int64s[row] += !mr_nested_next(&in, element).null;
        }
    }
}

// Position of a row's value in its list, from 1; 0 = none.
static uint32_t position(mr_fn_call *call, uint32_t row, mr_text *scratch) {
    mr_str value = mr_fn_str(call, 0, row);
    mr_span in = {value.data, value.bytes};
    mr_type element = mr_type_element(call->args[0].type);
    mr_nested_item wanted = item_of(call, 1, row, scratch);
    uint32_t count = mr_nested_count(&in);
    for (uint32_t i = 0; i < count; i++) {
        mr_nested_item item = mr_nested_next(&in, element);
        if (same(&item, &wanted)) {
            return i + 1;
        }
    }
    return 0;
}

void mr_fn_LIST_CONTAINS(mr_fn_call *call) {
    mr_text scratch;
    mr_text_init(&scratch, call->run->arena);
    MR_FN_EACH(call, row) {
        call->out->bools[row] = position(call, row, &scratch) > 0;
    }
}

void mr_fn_LIST_POSITION(mr_fn_call *call) {
    mr_text scratch;
    mr_text_init(&scratch, call->run->arena);
    MR_FN_EACH(call, row) {
        uint32_t found = is_null(call, 0, row) ? 0 : position(call, row, &scratch);
        call->out->int32s[row] = (int32_t)found;
        if (found == 0) {
            mr_eval_call_null(call, row);
        }
    }
}

void mr_fn_LIST_EXTRACT(mr_fn_call *call) {
    mr_type element = mr_type_element(call->args[0].type);
    MR_FN_EACH(call, row) {
        mr_str value = mr_fn_str(call, 0, row);
        mr_span in = {value.data, value.bytes};
        int64_t count = mr_nested_count(&in), at = MR_FN_ARG(call, 1, int64_t, row);
        at = at < 0 ? count + MR_MAX(at, -count - 1) : at - 1;
        mr_nested_item item = {.null = true};
        for (int64_t i = 0; i <= at && at < count; i++) {
            item = mr_nested_next(&in, element);
        }
        store(call, row, &item);
    }
}

// ---- lists of elements
// ---------------------------------------------------------------------------

// A list result being written.
typedef struct output {
    mr_fn_writer writer;
    mr_text text;
    mr_fn_list list;
    mr_type element;
} output;

static output output_new(mr_fn_call *call) {
    output o = {.writer = mr_fn_writer_new(call)};
    mr_text_init(&o.text, call->run->arena);
    o.element = mr_type_element(call->out->type);
    return o;
}

static void put_items(mr_fn_call *call, uint32_t row, output *o, uint32_t first, uint32_t end) {
    mr_text_clear(&o->text);
    mr_nested_put_count(&o->text, end - first);
    for (uint32_t i = first; i < end; i++) {
        mr_fn_list_put(&o->text, &o->list.items[i]);
    }
    mr_fn_list_end(call, &o->writer, row, &o->text);
}

void mr_fn_LIST_VALUE(mr_fn_call *call) {
    output o = output_new(call);
    MR_FN_EACH(call, row) {
        mr_text_clear(&o.text);
        mr_nested_put_count(&o.text, call->arg_count);
        for (uint32_t arg = 0; arg < call->arg_count; arg++) {
            mr_nested_put(&o.text, &call->args[arg], row);
        }
        mr_fn_list_end(call, &o.writer, row, &o.text);
    }
}

void mr_fn_LIST_SLICE(mr_fn_call *call) {
    output o = output_new(call);
    MR_FN_EACH(call, row) {
        mr_fn_list_read(call, mr_fn_str(call, 0, row), o.element, &o.list);
        int64_t count = o.list.count;
        int64_t first = MR_FN_ARG(call, 1, int64_t, row), end = MR_FN_ARG(call, 2, int64_t, row);
        first = first < 0 ? count + MR_MAX(first, -count) : MR_MAX(first, 1) - 1;
        end = end < 0 ? count + MR_MAX(end, -count - 1) + 1 : MR_MIN(end, count);
        first = MR_MIN(first, count);
        put_items(call, row, &o, (uint32_t)first, (uint32_t)MR_MAX(first, end));
    }
}

// The bytes of a list's elements, and how many; none for NULL.
static mr_span elements(mr_fn_call *call, uint32_t arg, uint32_t row, uint32_t *count) {
    if (is_null(call, arg, row)) {
        return (mr_span){.data = ""};
    }
    mr_str value = mr_fn_str(call, arg, row);
    mr_span in = {value.data, value.bytes};
    *count += mr_nested_count(&in);
    return in;
}

void mr_fn_LIST_CONCAT(mr_fn_call *call) {
    output o = output_new(call);
    MR_FN_EACH(call, row) {
        uint32_t count = 0;
        mr_span a = elements(call, 0, row, &count), b = elements(call, 1, row, &count);
        mr_text_clear(&o.text);
        mr_nested_put_count(&o.text, count);
        mr_text_add_bytes(&o.text, a.data, a.bytes);
        mr_text_add_bytes(&o.text, b.data, b.bytes);
        mr_fn_list_end(call, &o.writer, row, &o.text);
    }
}

static void add_one(mr_fn_call *call, uint32_t list, uint32_t value) {
    output o = output_new(call);
    MR_FN_EACH(call, row) {
        uint32_t count = 1;
        mr_span old = elements(call, list, row, &count);
        mr_text_clear(&o.text);
        mr_nested_put_count(&o.text, count);
        if (value < list) {
            mr_nested_put(&o.text, &call->args[value], row);
        }
        mr_text_add_bytes(&o.text, old.data, old.bytes);
        if (value > list) {
            mr_nested_put(&o.text, &call->args[value], row);
        }
        mr_fn_list_end(call, &o.writer, row, &o.text);
    }
}

void mr_fn_LIST_APPEND(mr_fn_call *call) {
    add_one(call, /* list= */ 0, /* value= */ 1);
}

void mr_fn_LIST_PREPEND(mr_fn_call *call) {
    add_one(call, /* list= */ 1, /* value= */ 0);
}

static void swap_items(mr_nested_item *a, mr_nested_item *b) {
    mr_nested_item item = *a;
    *a = *b;
    *b = item;
}

void mr_fn_LIST_REVERSE(mr_fn_call *call) {
    output o = output_new(call);
    MR_FN_EACH(call, row) {
        mr_fn_list_read(call, mr_fn_str(call, 0, row), o.element, &o.list);
        for (uint32_t i = 0, k = o.list.count; i + 1 < k; i++) {
            swap_items(&o.list.items[i], &o.list.items[--k]);
        }
        put_items(call, row, &o, 0, o.list.count);
    }
}

static int ascending(const void *a, const void *b) {
    const mr_nested_item *x = a, *y = b;
    return x->null || y->null ? x->null - y->null : mr_fn_list_compare(x, y);
}

static int descending(const void *a, const void *b) {
    const mr_nested_item *x = a, *y = b;
    return x->null || y->null ? x->null - y->null : mr_fn_list_compare(y, x);
}

static void sort(mr_fn_call *call, int (*compare)(const void *, const void *)) {
    output o = output_new(call);
    MR_FN_EACH(call, row) {
        mr_fn_list_read(call, mr_fn_str(call, 0, row), o.element, &o.list);
        if (o.list.count > 1) {
            qsort(o.list.items, o.list.count, sizeof(mr_nested_item), compare);
        }
        put_items(call, row, &o, 0, o.list.count);
    }
}

void mr_fn_LIST_SORT(mr_fn_call *call) {
    sort(call, ascending);
}

void mr_fn_LIST_SORT_DESC(mr_fn_call *call) {
    sort(call, descending);
}

void mr_fn_LIST_FLATTEN(mr_fn_call *call) {
    output o = output_new(call);
    mr_type inner = mr_type_element(call->args[0].type);
    MR_FN_EACH(call, row) {
        mr_fn_list_read(call, mr_fn_str(call, 0, row), inner, &o.list);
        uint32_t count = 0;
        mr_text_clear(&o.text);
        mr_nested_put_count(&o.text, 0);
        for (uint32_t i = 0; i < o.list.count; i++) {
            mr_span in = o.list.items[i].bytes;
            if (!o.list.items[i].null) {
                count += mr_nested_count(&in);
                mr_text_add_bytes(&o.text, in.data, in.bytes);
            }
        }
        memcpy(o.text.data, &count, sizeof(count));
        mr_fn_list_end(call, &o.writer, row, &o.text);
    }
}

// ---- one value of many
// ---------------------------------------------------------------------------

static void extreme(mr_fn_call *call, int sign) {
    mr_type element = mr_type_element(call->args[0].type);
    MR_FN_EACH(call, row) {
        mr_str value = mr_fn_str(call, 0, row);
        mr_span in = {value.data, value.bytes};
        mr_nested_item best = {.null = true};
        for (uint32_t i = mr_nested_count(&in); i > 0; i--) {
            mr_nested_item item = mr_nested_next(&in, element);
            if (!item.null && (best.null || sign * mr_fn_list_compare(&item, &best) > 0)) {
                best = item;
            }
        }
        store(call, row, &best);
    }
}

void mr_fn_LIST_MIN(mr_fn_call *call) {
    extreme(call, -1);
}

void mr_fn_LIST_MAX(mr_fn_call *call) {
    extreme(call, 1);
}

typedef struct sum {
    __int128 whole;
    double real;
    uint32_t count;
} sum;

static void add_number(const mr_nested_item *item, sum *s) {
    s->count++;
    switch ((int)item->type.id) {
    case MR_INT16: {
        LOAD(int16_t, item, x);
        s->whole += x;
        break;
    }
    case MR_INT32: {
        LOAD(int32_t, item, x);
        s->whole += x;
        break;
    }
    case MR_INT64: {
        LOAD(int64_t, item, x);
        s->whole += x;
        break;
    }
    case MR_FLOAT32: {
        LOAD(float, item, x);
        s->real += (double)x;
        break;
    }
    default: {
        LOAD(double, item, x);
        s->real += x;
        break;
    }
    }
}

static sum sum_of(mr_fn_call *call, uint32_t row) {
    mr_type element = mr_type_element(call->args[0].type);
    mr_str value = mr_fn_str(call, 0, row);
    mr_span in = {value.data, value.bytes};
    sum s = {.count = 0};
    for (uint32_t i = mr_nested_count(&in); i > 0; i--) {
        mr_nested_item item = mr_nested_next(&in, element);
        if (!item.null) {
            add_number(&item, &s);
        }
    }
    return s;
}

void mr_fn_LIST_SUM(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        sum s = sum_of(call, row);
        if (call->out->type.id == MR_FLOAT64) {
            call->out->float64s[row] = s.real;
        } else {
            call->out->int64s[row] = (int64_t)s.whole;
        }
        if (s.count == 0) {
            mr_eval_call_null(call, row);
        } else if (s.whole < INT64_MIN || s.whole > INT64_MAX) {
            mr_eval_call_fail(call, row, "bigint out of range: list_sum");
        }
    }
}

void mr_fn_LIST_AVG(mr_fn_call *call) {
    MR_FN_EACH(call, row) {
        sum s = sum_of(call, row);
        call->out->float64s[row] = ((double)s.whole + s.real) / MR_MAX(s.count, 1u);
        if (s.count == 0) {
            mr_eval_call_null(call, row);
        }
    }
}

void mr_fn_LIST_TO_STRING(mr_fn_call *call) {
    mr_fn_writer writer = mr_fn_writer_new(call);
    mr_type element = mr_type_element(call->args[0].type);
    mr_text text;
    mr_text_init(&text, call->run->arena);
    mr_vector one = mr_vector_flat(call->run->arena, element, 1);
    MR_FN_EACH(call, row) {
        mr_str value = mr_fn_str(call, 0, row), separator = mr_fn_str(call, 1, row);
        mr_span in = {value.data, value.bytes};
        bool any = false;
        mr_text_clear(&text);
        for (uint32_t i = mr_nested_count(&in); i > 0; i--) {
            mr_nested_item item = mr_nested_next(&in, element);
            if (!item.null) {
                mr_text_add_bytes(&text, separator.data, any ? separator.bytes : 0);
                mr_nested_store(&item, &one, 0);
                mr_vector_print(&one, 0, call->run->env->zone, &text);
                any = true;
            }
        }
        if (any) {
            mr_fn_list_end(call, &writer, row, &text);
        } else {
            mr_eval_call_null(call, row);
        }
    }
}
