// Printing expressions as SQL, for EXPLAIN, reasons of bad rows and golden tests.

#include <string.h>

#include "sql/expr.h"

static const char *const compare_words[] = {
    [MR_CMP_EQ] = "=",
    [MR_CMP_NE] = "<>",
    [MR_CMP_LT] = "<",
    [MR_CMP_LE] = "<=",
    [MR_CMP_GT] = ">",
    [MR_CMP_GE] = ">=",
    [MR_CMP_DISTINCT] = "IS DISTINCT FROM",
    [MR_CMP_NOT_DISTINCT] = "IS NOT DISTINCT FROM",
};

static void print_quoted(mr_text *out, mr_span text) {
    mr_text_add_char(out, '\'');
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '\'') {
            mr_text_add_char(out, '\'');
        }
        mr_text_add_char(out, text.data[i]);
    }
    mr_text_add_char(out, '\'');
}

static void print_constant(const mr_vector *constant, mr_text *out) {
    if (mr_vector_is_null(constant, 0)) {
        mr_text_add(out, "NULL");
        return;
    }
    mr_text value;
    mr_text_init(&value, out->arena);
    mr_vector_print(constant, 0, /* zone= */ NULL, &value);
    switch (constant->type.id) {
    case MR_NULLTYPE:
    case MR_BOOL:
    case MR_INT16:
    case MR_INT32:
    case MR_INT64:
    case MR_NUMERIC:
    case MR_FLOAT32:
    case MR_FLOAT64: mr_text_add(out, mr_text_string(&value)); break;
    case MR_TEXT: print_quoted(out, mr_text_span(&value)); break;
    case MR_BYTES:
    case MR_UUID:
    case MR_TIME:
    case MR_JSON:
    case MR_LIST:
    case MR_STRUCT:
    case MR_DATE:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ:
    case MR_INTERVAL:
        mr_text_addf(out, "%s ", mr_type_name(constant->type));
        print_quoted(out, mr_text_span(&value));
        break;
    case MR_TYPE_COUNT: mr_assert(false);
    }
    mr_text_release(&value);
}

static bool is_operator(const char *name) {
    return strchr("+-*/%|~&<>#", name[0]) != NULL;
}

// Does it need parentheses as an operand?
static bool is_compound(const mr_expr *expr) {
    switch (expr->kind) {
    case MR_EXPR_COMPARE:
    case MR_EXPR_AND:
    case MR_EXPR_OR:
    case MR_EXPR_NOT:
    case MR_EXPR_IS_NULL:
    case MR_EXPR_IS_TRUE:
    case MR_EXPR_IS_FALSE: return true;
    case MR_EXPR_CALL: return is_operator(mr_function_table[expr->fn].name);
    case MR_EXPR_COLUMN:
    case MR_EXPR_CONST:
    case MR_EXPR_CAST:
    case MR_EXPR_EXTERNAL:
    case MR_EXPR_COALESCE:
    case MR_EXPR_CASE:
    case MR_EXPR_NOW: return false;
    }
    return false;
}

static void print_operand(const mr_expr *expr, const mr_schema *schema, mr_text *out) {
    bool wrap = is_compound(expr);
    mr_text_add(out, wrap ? "(" : "");
    mr_expr_print(expr, schema, out);
    mr_text_add(out, wrap ? ")" : "");
}

static void print_list(const mr_expr *expr, const mr_schema *schema, mr_text *out) {
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        mr_text_add(out, i == 0 ? "(" : ", ");
        mr_expr_print(expr->args[i], schema, out);
    }
    mr_text_add(out, expr->arg_count == 0 ? "()" : ")");
}

static void print_joined(const mr_expr *expr, const mr_schema *schema, const char *word,
                         mr_text *out) {
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (i > 0) {
            mr_text_addf(out, " %s ", word);
        }
        print_operand(expr->args[i], schema, out);
    }
}

static void print_call(const mr_expr *expr, const mr_schema *schema, mr_text *out) {
    const char *name = mr_function_table[expr->fn].name;
    if (!is_operator(name)) {
        mr_text_add(out, name);
        print_list(expr, schema, out);
    } else if (expr->arg_count == 1) {
        mr_text_add(out, name);
        print_operand(expr->args[0], schema, out);
    } else {
        const char *word = strcmp(name, "~~") == 0    ? "LIKE"
                           : strcmp(name, "~~*") == 0 ? "ILIKE"
                                                      : name;
        print_joined(expr, schema, word, out);
    }
}

static void print_case(const mr_expr *expr, const mr_schema *schema, mr_text *out) {
    mr_text_add(out, "CASE");
    for (uint32_t i = 0; i + 1 < expr->arg_count; i += 2) {
        mr_text_add(out, " WHEN ");
        mr_expr_print(expr->args[i], schema, out);
        mr_text_add(out, " THEN ");
        mr_expr_print(expr->args[i + 1], schema, out);
    }
    mr_text_add(out, " ELSE ");
    mr_expr_print(expr->args[expr->arg_count - 1], schema, out);
    mr_text_add(out, " END");
}

static void print_cast(const mr_expr *expr, const mr_schema *schema, mr_text *out) {
    if (expr->try_cast) {
        mr_text_add(out, "TRY_CAST(");
        mr_expr_print(expr->args[0], schema, out);
        mr_text_add(out, " AS ");
        mr_type_print(expr->type, out);
        mr_text_add_char(out, ')');
    } else {
        print_operand(expr->args[0], schema, out);
        mr_text_add(out, "::");
        mr_type_print(expr->type, out);
    }
}

void mr_expr_print(const mr_expr *expr, const mr_schema *schema, mr_text *out) {
    switch (expr->kind) {
    case MR_EXPR_COLUMN: mr_text_add(out, schema->columns[expr->column].name); break;
    case MR_EXPR_CONST: print_constant(&expr->constant, out); break;
    case MR_EXPR_CALL: print_call(expr, schema, out); break;
    case MR_EXPR_EXTERNAL:
        mr_text_add(out, expr->external->name);
        print_list(expr, schema, out);
        break;
    case MR_EXPR_CAST: print_cast(expr, schema, out); break;
    case MR_EXPR_COMPARE: print_joined(expr, schema, compare_words[expr->compare], out); break;
    case MR_EXPR_AND: print_joined(expr, schema, "AND", out); break;
    case MR_EXPR_OR: print_joined(expr, schema, "OR", out); break;
    case MR_EXPR_NOT:
        mr_text_add(out, "NOT ");
        print_operand(expr->args[0], schema, out);
        break;
    case MR_EXPR_IS_NULL:
        print_operand(expr->args[0], schema, out);
        mr_text_add(out, " IS NULL");
        break;
    case MR_EXPR_IS_TRUE:
        print_operand(expr->args[0], schema, out);
        mr_text_add(out, " IS TRUE");
        break;
    case MR_EXPR_IS_FALSE:
        print_operand(expr->args[0], schema, out);
        mr_text_add(out, " IS FALSE");
        break;
    case MR_EXPR_COALESCE:
        mr_text_add(out, "coalesce");
        print_list(expr, schema, out);
        break;
    case MR_EXPR_CASE: print_case(expr, schema, out); break;
    case MR_EXPR_NOW: mr_text_add(out, "now()"); break;
    }
}
