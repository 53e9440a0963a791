// Function types: see function_type.h.
//
// How: one rule a row, in a table by id. The rules of numbers are DuckDB's: a sum has a digit more
// than its terms, a product as many as both together; but what fits 18 digits stays there, and all
// ends at 38. A result that does not fit fails its row.

#include "sql/function_type.h"

#include "sql/types.h"

#define WORD_DIGITS 18  // What 64 bits hold.

typedef bool (*type_rule)(mr_function_types *types, mr_arena *arena);

// ---- numbers ---------------------------------------------------------------------------------

static void numeric_of(mr_type type, mr_type *ret) {
    uint32_t digits, scale;
    mr_types_digits(type, &digits, &scale);
    *ret = MR_NUMERIC((uint8_t)digits, (uint8_t)scale);
}

// The digits around the point that hold each argument.
static void spread(const mr_function_types *types, uint32_t *ret_digits, uint32_t *ret_scale,
                   uint32_t *ret_most) {
    uint32_t before = 0;
    *ret_scale = *ret_most = 0;
    for (uint32_t i = 0; i < types->count; i++) {
        uint32_t digits, scale;
        mr_types_digits(types->args[i], &digits, &scale);
        *ret_most = MR_MAX(*ret_most, digits);
        *ret_scale = MR_MAX(*ret_scale, scale);
        before = MR_MAX(before, digits - scale);
    }
    *ret_digits = MR_MAX(before + *ret_scale, *ret_most);
}

// All arguments at the result's scale; one that has it keeps its own digits.
static bool aligned(mr_function_types *types, uint32_t digits, uint32_t scale) {
    types->result =
        MR_NUMERIC((uint8_t)MR_MIN(digits, (uint32_t)MR_NUMERIC_DIGITS_MAX), (uint8_t)scale);
    for (uint32_t i = 0; i < types->count; i++) {
        bool has_it = types->args[i].id == MR_NUMERIC && types->args[i].scale == scale;
        types->casts[i] = has_it ? types->args[i] : types->result;
    }
    return true;
}

static bool rule_sum(mr_function_types *types, mr_arena *arena) {
    (void)arena;
    uint32_t digits, scale, most;
    spread(types, &digits, &scale, &most);
    digits++;
    return aligned(types, digits > WORD_DIGITS && most <= WORD_DIGITS ? WORD_DIGITS : digits,
                   scale);
}

static bool rule_rest(mr_function_types *types, mr_arena *arena) {
    (void)arena;
    uint32_t digits, scale, most;
    spread(types, &digits, &scale, &most);
    return aligned(types, digits, scale);
}

static bool rule_product(mr_function_types *types, mr_arena *arena) {
    (void)arena;
    uint32_t digits = 0, scale = 0, most = 0;
    for (uint32_t i = 0; i < types->count; i++) {
        numeric_of(types->args[i], &types->casts[i]);
        digits += types->casts[i].precision;
        scale += types->casts[i].scale;
        most = MR_MAX(most, types->casts[i].precision);
    }
    if (scale > MR_NUMERIC_DIGITS_MAX) {
        types->problem = "would have more than 38 digits behind the point";
        types->hint = "Cast one side to fewer of them, or to double precision.";
        scale = MR_NUMERIC_DIGITS_MAX;
    }
    if (digits > WORD_DIGITS && most <= WORD_DIGITS && scale < WORD_DIGITS) {
        digits = WORD_DIGITS;
    }
    types->result =
        MR_NUMERIC((uint8_t)MR_MIN(digits, (uint32_t)MR_NUMERIC_DIGITS_MAX), (uint8_t)scale);
    return true;
}

// The argument's own type: -x, abs(x).
static bool rule_same(mr_function_types *types, mr_arena *arena) {
    (void)arena;
    numeric_of(types->args[0], &types->casts[0]);
    types->result = types->casts[0];
    return true;
}

static bool rule_whole(mr_function_types *types, mr_arena *arena) {
    (void)rule_same(types, arena);
    types->result.scale = 0;
    return true;
}

// round(x, n): n is known now, since the result's scale is it.
static bool rule_digits(mr_function_types *types, mr_arena *arena) {
    (void)rule_same(types, arena);
    const mr_expr *digits = types->exprs[1];
    types->casts[1] = MR_TYPE(MR_INT32);
    if (digits->kind != MR_EXPR_CONST) {
        types->problem = "needs a constant number of digits";
        types->hint = "Write the digits as a number, or cast x to double precision.";
        return true;
    }
    int32_t wanted =
        digits->type.id != MR_INT32 || mr_expr_is_null(digits) ? 0 : digits->constant.int32s[0];
    if (wanted < types->result.scale) {
        types->result.scale = (uint8_t)MR_MAX(wanted, 0);
    }
    if (wanted < 0 && types->casts[0].scale == 0) {  // 99 becomes 100.
        types->result.precision =
            (uint8_t)MR_MIN(types->result.precision + 1, MR_NUMERIC_DIGITS_MAX);
    }
    return true;
}

// What all arguments meet in: greatest, least. The binder has cast them to it.
static bool rule_first(mr_function_types *types, mr_arena *arena) {
    (void)arena;
    for (uint32_t i = 0; i < types->count; i++) {
        types->casts[i] = types->args[0];
    }
    types->result = types->args[0];
    return true;
}

// ---- lists -----------------------------------------------------------------------------------

// The list and the value that is to be one of its elements; literals follow.
static bool element_fits(mr_function_types *types, uint32_t list, uint32_t value) {
    if (types->args[list].id != MR_LIST || types->args[list].fields == NULL) {
        return false;
    }
    mr_type element = mr_type_element(types->args[list]);
    types->casts[list] = types->args[list];
    types->casts[value] = element;
    return mr_types_cost(types->exprs[value], element) < MR_CAST_NEVER;
}

static bool rule_list(mr_function_types *types, mr_arena *arena) {
    (void)arena;
    types->casts[0] = types->args[0];
    return types->args[0].id == MR_LIST && types->args[0].fields != NULL;
}

static bool rule_list_value(mr_function_types *types, mr_arena *arena) {
    (void)arena;
    return element_fits(types, 0, 1);
}

static bool rule_list_same(mr_function_types *types, mr_arena *arena) {
    bool fits = rule_list(types, arena);
    types->result = types->args[0];
    return fits;
}

static bool rule_list_append(mr_function_types *types, mr_arena *arena) {
    (void)arena;
    types->result = types->args[0];
    return element_fits(types, 0, 1);
}

static bool rule_list_prepend(mr_function_types *types, mr_arena *arena) {
    (void)arena;
    types->result = types->args[1];
    return element_fits(types, 1, 0);
}

static bool rule_list_concat(mr_function_types *types, mr_arena *arena) {
    bool fits = rule_list_same(types, arena);
    types->casts[1] = types->args[0];
    return fits &&
           (types->args[1].id == MR_NULLTYPE || mr_type_equal(types->args[0], types->args[1]));
}

static bool rule_list_element(mr_function_types *types, mr_arena *arena) {
    bool fits = rule_list(types, arena);
    if (fits) {
        types->result = mr_type_element(types->args[0]);
    }
    return fits;
}

static bool rule_list_number(mr_function_types *types, mr_arena *arena) {
    if (!rule_list(types, arena)) {
        return false;
    }
    mr_type element = mr_type_element(types->args[0]);
    if (types->result.id != MR_FLOAT64) {
        types->result = MR_TYPE(mr_type_is_integer(element) ? MR_INT64 : MR_FLOAT64);
    }
    return mr_type_is_integer(element) || mr_type_is_float(element);
}

static bool rule_list_flat(mr_function_types *types, mr_arena *arena) {
    bool fits = rule_list_element(types, arena);
    return fits && types->result.id == MR_LIST && types->result.fields != NULL;
}

// The widest of the arguments' types, to which the others cast silently.
static bool rule_list_of(mr_function_types *types, mr_arena *arena) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < types->count; i++) {
        bool null = types->args[best].id == MR_NULLTYPE;
        if (null || mr_types_cost(types->exprs[i], types->args[best]) >= MR_CAST_NEVER) {
            best = i;
        }
    }
    mr_type element = types->args[best];
    if (element.id == MR_NULLTYPE) {
        element = MR_TYPE(MR_INT32);  // As DuckDB: [NULL] is a list of integers.
    }
    for (uint32_t i = 0; i < types->count; i++) {
        types->casts[i] = element;
        if (mr_types_cost(types->exprs[i], element) >= MR_CAST_NEVER) {
            return false;
        }
    }
    types->result = mr_type_list(element, arena);
    return true;
}

static bool rule_texts(mr_function_types *types, mr_arena *arena) {
    types->result = mr_type_list(MR_TYPE(MR_TEXT), arena);
    return true;
}

static bool rule_row(mr_function_types *types, mr_arena *arena) {
    mr_schema *fields = MR_NEW(arena, mr_schema);
    fields->count = types->count;
    fields->columns = MR_NEW_ARRAY(arena, mr_column, types->count);
    for (uint32_t i = 0; i < types->count; i++) {
        types->casts[i] = types->args[i];
        fields->columns[i] = (mr_column){.name = "", .type = types->args[i]};
    }
    types->result = mr_type_struct(fields);
    return true;
}

static bool rule_field(mr_function_types *types, mr_arena *arena) {
    (void)arena;
    const mr_expr *name = types->exprs[1];
    if (types->args[0].id != MR_STRUCT || name->kind != MR_EXPR_CONST || name->type.id != MR_TEXT ||
        mr_expr_is_null(name)) {
        return false;
    }
    const mr_schema *fields = types->args[0].fields;
    mr_str text = mr_vector_str(&name->constant, 0);
    types->casts[0] = types->args[0];
    for (uint32_t i = 0; i < fields->count; i++) {
        if (mr_span_is((mr_span){text.data, text.bytes}, fields->columns[i].name)) {
            types->result = fields->columns[i].type;
            return true;
        }
    }
    return false;
}

// ---- rows ------------------------------------------------------------------------------------

static const type_rule rules[MR_FN_ID_COUNT] = {
    [MR_FN_ADD_NUMERIC] = rule_sum,
    [MR_FN_SUB_NUMERIC] = rule_sum,
    [MR_FN_MUL_NUMERIC] = rule_product,
    [MR_FN_MOD_NUMERIC] = rule_rest,
    [MR_FN_NEG_NUMERIC] = rule_same,
    [MR_FN_ABS_NUMERIC] = rule_same,
    [MR_FN_ROUND_NUMERIC] = rule_whole,
    [MR_FN_FLOOR_NUMERIC] = rule_whole,
    [MR_FN_CEIL_NUMERIC] = rule_whole,
    [MR_FN_TRUNC_NUMERIC] = rule_whole,
    [MR_FN_ROUND_DIGITS_NUMERIC] = rule_digits,
    [MR_FN_TRUNC_DIGITS_NUMERIC] = rule_digits,
    [MR_FN_GREATEST_NUMERIC] = rule_first,
    [MR_FN_GREATEST_LIST] = rule_first,
    [MR_FN_LEAST_NUMERIC] = rule_first,
    [MR_FN_LEAST_LIST] = rule_first,
    [MR_FN_GREATEST_STRUCT] = rule_first,
    [MR_FN_LEAST_STRUCT] = rule_first,
    [MR_FN_ROW] = rule_row,
    [MR_FN_STRUCT_EXTRACT] = rule_field,
    [MR_FN_LIST_VALUE] = rule_list_of,
    [MR_FN_LIST_LENGTH] = rule_list,
    [MR_FN_LIST_CONTAINS] = rule_list_value,
    [MR_FN_LIST_POSITION] = rule_list_value,
    [MR_FN_LIST_EXTRACT] = rule_list_element,
    [MR_FN_LIST_SLICE] = rule_list_same,
    [MR_FN_LIST_CONCAT] = rule_list_concat,
    [MR_FN_LIST_APPEND] = rule_list_append,
    [MR_FN_LIST_PREPEND] = rule_list_prepend,
    [MR_FN_LIST_REVERSE] = rule_list_same,
    [MR_FN_LIST_SORT] = rule_list_same,
    [MR_FN_LIST_SORT_DESC] = rule_list_same,
    [MR_FN_LIST_MIN] = rule_list_element,
    [MR_FN_LIST_MAX] = rule_list_element,
    [MR_FN_LIST_SUM] = rule_list_number,
    [MR_FN_LIST_AVG] = rule_list_number,
    [MR_FN_LIST_COUNT] = rule_list,
    [MR_FN_LIST_FLATTEN] = rule_list_flat,
    [MR_FN_LIST_TO_STRING] = rule_list,
    [MR_FN_STRING_SPLIT] = rule_texts,
    [MR_FN_REGEXP_SPLIT] = rule_texts,
    [MR_FN_REGEXP_EXTRACT_ALL] = rule_texts,
    [MR_FN_REGEXP_EXTRACT_ALL_GROUP] = rule_texts,
    [MR_FN_JSON_KEYS] = rule_texts,
};

bool mr_function_type(const mr_fn_row *row, mr_function_types *types, mr_arena *arena) {
    type_rule rule = rules[row - mr_function_table];
    mr_assert(rule != NULL);  // A row with MR_FN_TYPED has one.
    return rule(types, arena);
}
