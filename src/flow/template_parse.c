// Template, parser: from text to the trees of its templates.
//
// How: recursive descent over the text itself. There is no arithmetic, so names may hold dashes:
// task ids do. ti.xcom_pull(task_ids='t', key='k') is read as outputs.t.k.

#include <string.h>

#include "base/jsonvalue.h"
#include "base/utf8.h"
#include "flow/template_node.h"

#define DEPTH_MAX 32
#define ITEMS_MAX 32

typedef mr_template_reader reader;
typedef mr_template_node node;

#define FAIL(r, code, offset, hint, ...)                                                  \
    mr_fail_at((r)->cx, code, mr_template_place((r)->text, (r)->place, (offset)), (hint), \
               __VA_ARGS__)

// ---- characters and words --------------------------------------------------------------------

static char look(const reader *r, size_t ahead) {
    return r->at + ahead < r->text.bytes ? r->text.data[r->at + ahead] : '\0';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static void skip_space(reader *r) {
    while (r->at < r->text.bytes && strchr(" \t\r\n", r->text.data[r->at]) != NULL) {
        r->at++;
    }
}

static bool take(reader *r, const char *sign) {
    skip_space(r);
    if (!mr_span_starts((mr_span){r->text.data + r->at, r->text.bytes - r->at}, sign)) {
        return false;
    }
    r->at += strlen(sign);
    return true;
}

// A name at the place, without taking it. dashes: a dash between letters belongs to it.
static mr_span peek_name(reader *r, bool dashes) {
    skip_space(r);
    size_t bytes = 0;
    if (is_letter(look(r, 0)) || (dashes && is_digit(look(r, 0)))) {
        while (is_letter(look(r, bytes)) || is_digit(look(r, bytes)) ||
               (dashes && look(r, bytes) == '-' &&
                (is_letter(look(r, bytes + 1)) || is_digit(look(r, bytes + 1))))) {
            bytes++;
        }
    }
    return (mr_span){r->text.data + r->at, bytes};
}

static bool take_word(reader *r, const char *word) {
    mr_span name = peek_name(r, false);
    if (!mr_span_is(name, word)) {
        return false;
    }
    r->at += name.bytes;
    return true;
}

static node *new_node(reader *r, mr_template_kind kind, size_t at, uint32_t items) {
    node *n = MR_NEW(r->cx->arena, node);
    *n = (node){.kind = kind, .at = at, .item_count = items};
    n->items = MR_NEW_ARRAY(r->cx->arena, node *, items + 1);
    return n;
}

static node *join_nodes(reader *r, mr_template_kind kind, size_t at, node *a, node *b) {
    node *n = new_node(r, kind, at, 2);
    n->items[0] = a;
    n->items[1] = b;
    return n;
}

static node *wrap_node(reader *r, mr_template_kind kind, size_t at, node *a) {
    node *n = new_node(r, kind, at, 1);
    n->items[0] = a;
    return n;
}

// ---- literals --------------------------------------------------------------------------------

static mr_code take_string(reader *r, mr_span *ret) {
    size_t begin = r->at;
    char quote = r->text.data[r->at++];
    mr_text out;
    mr_text_init(&out, r->cx->arena);
    for (; r->at < r->text.bytes && r->text.data[r->at] != quote; r->at++) {
        char c = r->text.data[r->at];
        if (c == '\\' && r->at + 1 < r->text.bytes) {
            c = r->text.data[++r->at];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        mr_text_add_char(&out, c);
    }
    if (r->at >= r->text.bytes) {
        return FAIL(r, MR_E_SYNTAX, begin, "Close the text with the quote that it begins with.",
                    "a text in a template does not end");
    }
    r->at++;
    *ret = mr_text_span(&out);
    return MR_OK;
}

static mr_code parse_number(reader *r, node **ret) {
    size_t begin = r->at;
    r->at += look(r, 0) == '-';
    while (is_digit(look(r, 0)) || (look(r, 0) == '.' && is_digit(look(r, 1)))) {
        r->at++;
    }
    mr_span number = {r->text.data + begin, r->at - begin};
    if (is_letter(look(r, 0)) || !mr_jsonvalue_check(number)) {
        return FAIL(r, MR_E_SYNTAX, begin, "Write numbers as 12, -3 or 0.5.",
                    "a number in a template is malformed");
    }
    *ret = new_node(r, MR_NODE_LITERAL, begin, 0);
    (*ret)->json = number;
    return MR_OK;
}

static mr_code parse_expr(reader *r, node **ret);

// Items with commas between, up to the sign that closes them; put behind the items that are there.
static mr_code parse_items(reader *r, const char *close, node *into) {
    node *items[ITEMS_MAX];
    uint32_t count = 0;
    while (!take(r, close)) {
        if (count > 0 && !take(r, ",")) {
            return FAIL(r, MR_E_SYNTAX, r->at, NULL, "expected , or %s in a template", close);
        }
        if (count > 0 && take(r, close)) {
            break;
        }
        if (count == ITEMS_MAX) {
            return FAIL(r, MR_E_LIMIT, r->at, NULL, "more than %d items in a template", ITEMS_MAX);
        }
        MR_TRY(parse_expr(r, &items[count]));
        count++;
    }
    node **all = MR_NEW_ARRAY(r->cx->arena, node *, into->item_count + count + 1);
    for (uint32_t i = 0; i < into->item_count; i++) {
        all[i] = into->items[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        all[into->item_count + i] = items[i];
    }
    into->items = all;
    into->item_count += count;
    return MR_OK;
}

// ---- paths -----------------------------------------------------------------------------------

static void path_add(reader *r, node *n, mr_span part) {
    if ((n->path_count & (n->path_count - 1)) == 0) {  // Doubles at each power of two.
        mr_span *more = MR_NEW_ARRAY(r->cx->arena, mr_span, n->path_count * 2 + 1);
        for (uint32_t i = 0; i < n->path_count; i++) {
            more[i] = n->path[i];
        }
        n->path = more;
    }
    n->path[n->path_count++] = part;
}

static mr_code parse_index(reader *r, node *n) {
    skip_space(r);
    size_t begin = r->at;
    mr_span part;
    if (look(r, 0) == '\'' || look(r, 0) == '"') {
        MR_TRY(take_string(r, &part));
    } else {
        r->at += look(r, 0) == '-';
        while (is_digit(look(r, 0))) {
            r->at++;
        }
        part = (mr_span){r->text.data + begin, r->at - begin};
    }
    if (part.bytes == 0 || !take(r, "]")) {
        return FAIL(r, MR_E_SYNTAX, begin, "Write [0], [-1] or ['name'].",
                    "what stands in [ ] must be a number or a text in quotes");
    }
    path_add(r, n, part);
    return MR_OK;
}

// Advice for a call: a template calls nothing.
static const char *call_hint(reader *r, const node *n, mr_span name) {
    static const struct {
        const char *name;
        const char *hint;
    } known[] = {
        {"strftime", "Write NAME | date('%Y-%m-%d')."},
        {"format", "Write NAME | date('%Y-%m-%d')."},
        {"isoformat", "Leave the call away: moments are texts of that form."},
        {"ds_add", "Write ds | add_days(7)."},
        {"ds_format", "Write ds | date('%d.%m.%Y')."},
        {"get", "Write NAME.KEY | default('…')."},
        {"timedelta", "Write NAME | add_days(-1)."},
        {"now", "There is no now: a run that is repeated must see the same; take ts or ds."},
    };
    for (size_t i = 0; i < MR_COUNT(known); i++) {
        if (mr_span_is(name, known[i].name)) {
            return known[i].hint;
        }
    }
    for (const mr_template_filter *f = mr_template_filters; f->name != NULL; f++) {
        if (n->path_count > 0 && mr_span_is(name, f->name)) {
            return mr_arena_printf(r->cx->arena, "Write it as a filter: NAME | %s.", f->example);
        }
    }
    return "Templates look up values and pass them through filters: NAME | FILTER(…).";
}

static mr_code xcom_argument(reader *r, mr_span *task, mr_span *key, uint32_t index) {
    size_t begin = r->at;
    mr_span name = peek_name(r, false);
    mr_span *into = index == 0 ? task : key;
    if (name.bytes > 0) {
        r->at += name.bytes;
        into = mr_span_is(name, "task_ids") ? task : mr_span_is(name, "key") ? key : NULL;
        if (into == NULL || !take(r, "=")) {
            return FAIL(r, MR_E_UNSUPPORTED, begin, "Write ti.xcom_pull(task_ids='t', key='k').",
                        "xcom_pull takes task_ids and key only");
        }
    }
    skip_space(r);
    if (look(r, 0) != '\'' && look(r, 0) != '"') {
        return FAIL(r, MR_E_UNSUPPORTED, begin, "Write one task's id in quotes.",
                    "xcom_pull wants texts");
    }
    return take_string(r, into);
}

static mr_code parse_xcom(reader *r, node *n, size_t begin) {
    mr_span task = {0};
    mr_span key = MR_SPAN("return_value");
    for (uint32_t i = 0; !take(r, ")"); i++) {
        if (i > 0 && !take(r, ",")) {
            return FAIL(r, MR_E_SYNTAX, r->at, NULL, "expected , or ) in xcom_pull");
        }
        MR_TRY(xcom_argument(r, &task, &key, i));
    }
    if (task.bytes == 0) {
        return FAIL(r, MR_E_SYNTAX, begin, "Write ti.xcom_pull(task_ids='t', key='k').",
                    "xcom_pull names no task");
    }
    n->path_count = 0;
    n->path = NULL;
    path_add(r, n, MR_SPAN("outputs"));
    path_add(r, n, task);
    path_add(r, n, key);
    return MR_OK;
}

static bool is_xcom(const node *n) {
    return n->path_count == 2 && mr_span_is(n->path[1], "xcom_pull") &&
           (mr_span_is(n->path[0], "ti") || mr_span_is(n->path[0], "task_instance"));
}

// .name and [index] behind a path or a value.
static mr_code parse_parts(reader *r, node *n) {
    for (;;) {
        size_t begin = r->at;
        if (look(r, 0) == '.') {
            r->at++;
            mr_span name = peek_name(r, true);
            if (name.bytes == 0) {
                return FAIL(r, MR_E_SYNTAX, begin, NULL, "a name is missing behind the point");
            }
            r->at += name.bytes;
            path_add(r, n, name);
        } else if (look(r, 0) == '[') {
            r->at++;
            MR_TRY(parse_index(r, n));
        } else if (look(r, 0) == '(') {
            r->at++;
            if (n->kind != MR_NODE_PATH || !is_xcom(n)) {
                mr_span name = n->path_count == 0 ? (mr_span){0} : n->path[n->path_count - 1];
                return FAIL(r, MR_E_UNSUPPORTED, n->at, call_hint(r, n, name),
                            "a template cannot call \"%.*s\"", MR_SPAN_ARGS(name));
            }
            MR_TRY(parse_xcom(r, n, begin));
        } else {
            break;
        }
    }
    // Airflow's var.value.NAME.
    if (n->kind == MR_NODE_PATH && n->path_count > 2 && mr_span_is(n->path[0], "var") &&
        mr_span_is(n->path[1], "value")) {
        memmove(n->path + 1, n->path + 2, sizeof(mr_span) * (n->path_count - 2));
        n->path_count--;
    }
    return MR_OK;
}

static bool literal_word(mr_span name, mr_span *ret) {
    static const struct {
        const char *word;
        const char *json;
    } words[] = {{"true", "true"}, {"True", "true"}, {"false", "false"}, {"False", "false"},
                 {"none", "null"}, {"None", "null"}, {"null", "null"}};
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        if (mr_span_is(name, words[i].word)) {
            *ret = mr_span_of(words[i].json);
            return true;
        }
    }
    return false;
}

static mr_code parse_name(reader *r, node **ret) {
    size_t begin = r->at;
    mr_span name = peek_name(r, false);
    r->at += name.bytes;
    mr_span json;
    if (literal_word(name, &json)) {
        *ret = new_node(r, MR_NODE_LITERAL, begin, 0);
        (*ret)->json = json;
        return MR_OK;
    }
    *ret = new_node(r, MR_NODE_PATH, begin, 0);
    path_add(r, *ret, name);
    return parse_parts(r, *ret);
}

// ---- expressions -----------------------------------------------------------------------------

static mr_code unexpected(reader *r) {
    char c = look(r, 0);
    const char *hint = NULL;
    if (c == '.') {
        hint = "To write two braces as they are (Go's templates), write {{ '{{' }} for them.";
    } else if (c != '\0' && strchr("+-*/~%", c) != NULL) {
        hint = "Templates do not calculate: do it in the task, or use a filter such as add_days.";
    } else if (c == '&') {
        hint = "Write: and.";
    } else if (c == '=') {
        hint = "Compare with ==.";
    } else if (c == '!') {
        hint = "Write: not.";
    }
    if (r->at >= r->text.bytes) {
        return FAIL(r, MR_E_SYNTAX, r->at, "Write }} behind it.", "a template does not end");
    }
    if (c == '}' || c == '\n') {
        return FAIL(r, MR_E_SYNTAX, r->at, "Write a name, such as {{ ds }}.",
                    "a value is missing in the template");
    }
    uint32_t bytes = 1;
    while (((unsigned char)look(r, bytes) & 0xC0) == 0x80) {
        bytes++;
    }
    return FAIL(r, MR_E_SYNTAX, r->at, hint, "unexpected %.*s in a template", (int)bytes,
                r->text.data + r->at);
}

static mr_code parse_primary(reader *r, node **ret) {
    skip_space(r);
    size_t begin = r->at;
    char c = look(r, 0);
    if (c == '\'' || c == '"') {
        mr_span text;
        MR_TRY(take_string(r, &text));
        *ret = new_node(r, MR_NODE_LITERAL, begin, 0);
        (*ret)->json = mr_template_filter_string(text, r->cx->arena);
        return MR_OK;
    }
    if (is_digit(c) || (c == '-' && is_digit(look(r, 1)))) {
        return parse_number(r, ret);
    }
    if (is_letter(c)) {
        return parse_name(r, ret);
    }
    if (c == '(') {
        r->at++;
        MR_TRY(parse_expr(r, ret));
        if (!take(r, ")")) {
            return FAIL(r, MR_E_SYNTAX, begin, NULL, "( is not closed in the template");
        }
    } else if (c == '[') {
        r->at++;
        *ret = new_node(r, MR_NODE_LIST, begin, 0);
        MR_TRY(parse_items(r, "]", *ret));
    } else {
        return unexpected(r);
    }
    if (look(r, 0) == '.' || look(r, 0) == '[') {
        *ret = wrap_node(r, MR_NODE_LOOKUP, begin, *ret);
        return parse_parts(r, *ret);
    }
    return MR_OK;
}

static mr_code parse_filtered(reader *r, node **ret) {
    MR_TRY(parse_primary(r, ret));
    while (take(r, "|")) {
        mr_span name = peek_name(r, false);
        size_t begin = r->at;
        if (name.bytes == 0) {
            return FAIL(r, MR_E_SYNTAX, r->at, NULL, "the name of a filter is missing behind |");
        }
        node *n = wrap_node(r, MR_NODE_FILTER, begin, *ret);
        MR_TRY(mr_template_filter_find(r, name, &n->filter));
        r->at += name.bytes;
        if (look(r, 0) == '(') {
            r->at++;
            MR_TRY(parse_items(r, ")", n));
        }
        uint32_t given = n->item_count - 1;
        if (given < n->filter->least || given > n->filter->most) {
            return FAIL(r, MR_E_SYNTAX, begin,
                        mr_arena_printf(r->cx->arena, "Write it as: %s.", n->filter->example),
                        "filter \"%s\" does not take %u argument%s", n->filter->name, given,
                        given == 1 ? "" : "s");
        }
        *ret = n;
    }
    return MR_OK;
}

// is [not] defined | none
static mr_code parse_is(reader *r, node **ret) {
    size_t begin = r->at;
    bool not = take_word(r, "not");
    if (take_word(r, "defined")) {
        *ret = wrap_node(r, MR_NODE_DEFINED, begin, *ret);
    } else if (take_word(r, "none") || take_word(r, "None") || take_word(r, "null")) {
        *ret = wrap_node(r, MR_NODE_NONE, begin, *ret);
    } else {
        return FAIL(r, MR_E_SYNTAX, r->at, "Write is defined, is none, or == and a value.",
                    "behind \"is\" there is no test");
    }
    *ret = not ? wrap_node(r, MR_NODE_NOT, begin, *ret) : *ret;
    return MR_OK;
}

static mr_code parse_compare(reader *r, node **ret) {
    static const struct {
        const char *sign;
        mr_template_kind kind;
    } signs[] = {{"==", MR_NODE_EQUAL},      {"!=", MR_NODE_UNEQUAL}, {"<=", MR_NODE_LESS_EQUAL},
                 {">=", MR_NODE_MORE_EQUAL}, {"<", MR_NODE_LESS},     {">", MR_NODE_MORE}};
    MR_TRY(parse_filtered(r, ret));
    skip_space(r);
    size_t begin = r->at;
    node *right;
    for (size_t i = 0; i < MR_COUNT(signs); i++) {
        if (take(r, signs[i].sign)) {
            MR_TRY(parse_filtered(r, &right));
            *ret = join_nodes(r, signs[i].kind, begin, *ret, right);
            return MR_OK;
        }
    }
    if (take_word(r, "is")) {
        return parse_is(r, ret);
    }
    bool not = take_word(r, "not");
    if (take_word(r, "in")) {
        MR_TRY(parse_filtered(r, &right));
        *ret = join_nodes(r, MR_NODE_IN, begin, *ret, right);
        *ret = not ? wrap_node(r, MR_NODE_NOT, begin, *ret) : *ret;
    } else if (not ) {
        return FAIL(r, MR_E_SYNTAX, begin, "Write: a not in b.", "unexpected not in a template");
    }
    return MR_OK;
}

static mr_code parse_not(reader *r, node **ret) {
    skip_space(r);
    size_t begin = r->at;
    uint32_t count = 0;
    while (take_word(r, "not")) {
        count++;
    }
    MR_TRY(parse_compare(r, ret));
    if (count > 0) {
        *ret = wrap_node(r, MR_NODE_NOT, begin, *ret);
        *ret = count % 2 == 0 ? wrap_node(r, MR_NODE_NOT, begin, *ret) : *ret;
    }
    return MR_OK;
}

static mr_code parse_and(reader *r, node **ret) {
    MR_TRY(parse_not(r, ret));
    for (size_t begin = r->at; take_word(r, "and"); begin = r->at) {
        node *right;
        MR_TRY(parse_not(r, &right));
        *ret = join_nodes(r, MR_NODE_AND, begin, *ret, right);
    }
    return MR_OK;
}

static mr_code parse_or(reader *r, node **ret) {
    MR_TRY(parse_and(r, ret));
    for (size_t begin = r->at; take_word(r, "or"); begin = r->at) {
        node *right;
        MR_TRY(parse_and(r, &right));
        *ret = join_nodes(r, MR_NODE_OR, begin, *ret, right);
    }
    return MR_OK;
}

static mr_code parse_expr(reader *r, node **ret) {
    if (r->depth == DEPTH_MAX) {
        return FAIL(r, MR_E_LIMIT, r->at, NULL, "a template is nested more than %d deep",
                    DEPTH_MAX);
    }
    r->depth++;
    MR_TRY(parse_or(r, ret));
    size_t begin = r->at;
    if (take_word(r, "if")) {
        node *n = new_node(r, MR_NODE_IF, begin, 3);
        n->items[0] = *ret;
        MR_TRY(parse_or(r, &n->items[1]));
        if (!take_word(r, "else")) {
            return FAIL(r, MR_E_SYNTAX, begin, "Write: A if CONDITION else B.",
                        "\"if\" in a template wants an else");
        }
        MR_TRY(parse_expr(r, &n->items[2]));
        *ret = n;
    }
    r->depth--;
    return MR_OK;
}

// ---- texts -----------------------------------------------------------------------------------

// {% if … %} and the like; a shell's ${x%y} is none.
static mr_code refuse_statement(reader *r) {
    static const struct {
        const char *word;
        const char *hint;
    } statements[] = {
        {"if", "Write {{ A if CONDITION else B }}, or the task's key if."},
        {"for", "Use the task's key foreach, or a filter such as {{ list | join(',') }}."},
        {"set", "Give the value to the task by env, or as an output of a task before it."},
        {"macro", "Repeat the text, or put it into a task's output."},
        {"else", "Write {{ A if CONDITION else B }}."},
        {"elif", "Write {{ A if CONDITION else B }}."},
        {"endif", "Write {{ A if CONDITION else B }}."},
        {"endfor", "Use the task's key foreach, or a filter such as {{ list | join(',') }}."},
        {"raw", "Write {{ '{{' }} for two braces."},
        {"include", "Put the text into a file, and let the task read that."},
    };
    size_t begin = r->at;
    r->at += 2;
    r->at += look(r, 0) == '-';
    mr_span word = peek_name(r, false);
    for (size_t i = 0; i < MR_COUNT(statements); i++) {
        if (mr_span_is(word, statements[i].word)) {
            return FAIL(r, MR_E_UNSUPPORTED, begin, statements[i].hint,
                        "templates have no {%% %s %%}", statements[i].word);
        }
    }
    r->at = begin + 1;
    return MR_OK;
}

mr_code mr_template_parse_next(mr_template_reader *r, mr_span *ret_plain, mr_template_node **ret) {
    size_t begin = r->at;
    for (; r->at < r->text.bytes; r->at++) {
        if (look(r, 0) == '{' && look(r, 1) == '{') {
            break;
        }
        if (look(r, 0) == '{' && look(r, 1) == '%') {
            MR_TRY(refuse_statement(r));
        }
    }
    size_t end = MR_MIN(r->at, r->text.bytes);
    *ret_plain = (mr_span){r->text.data + begin, end - begin};
    *ret = NULL;
    if (end == r->text.bytes) {
        return MR_OK;
    }
    r->at += 2;
    if (look(r, 0) == '-' && !is_digit(look(r, 1))) {
        return FAIL(r, MR_E_UNSUPPORTED, r->at, "Write {{ and }}.",
                    "templates do not cut white space");
    }
    r->depth = 0;
    MR_TRY(parse_expr(r, ret));
    skip_space(r);
    if (!take(r, "}}")) {
        return unexpected(r);
    }
    return MR_OK;
}
