// Tidy's checks of one C file: lines, sizes, includes, calls, functions, symbols; see tidy.c.
//
// How: the file is read once; in a copy of the same length comments, literals and directives are
// blanked, so that a plain scan for brackets and words sees code only.

#include "tidy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tidy_rules.h"

// Is `word` (exactly) one of the blank-separated words of `list`?
static bool listed(const char *list, const char *word) {
    size_t bytes = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += bytes) {
        if ((at == list || at[-1] == ' ') && (at[bytes] == ' ' || at[bytes] == '\0')) {
            return bytes > 0;
        }
    }
    return false;
}

// Does `path` start with one of the words of `list`?
static bool path_listed(const char *list, const char *path) {
    while (*list != '\0') {
        size_t bytes = strcspn(list, " ");
        if (bytes > 0 && strncmp(list, path, bytes) == 0) {
            return true;
        }
        list += bytes + (list[bytes] == ' ');
    }
    return false;
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

static int line_of(const source *s, size_t at) {
    int line = 1;
    for (size_t i = 0; i < at; i++) {
        line += s->raw[i] == '\n';
    }
    return line;
}

static exception *exception_of(const char *path, const char *name, const char *kind) {
    for (int i = 0; i < tidy.exception_count; i++) {
        exception *e = &tidy.exceptions[i];
        if (!strcmp(e->path, path) && !strcmp(e->name, name) && !strcmp(e->kind, kind)) {
            return e;
        }
    }
    return NULL;
}

// Over the limit, and not excused by the ratchet?
static bool over(const source *s, const char *name, const char *kind, int count, int limit) {
    exception *e = exception_of(s->path, name, kind);
    if (e != NULL && count > limit) {
        e->used = count;
        return count > e->count;
    }
    return count > limit;
}

// ---- reading ----------------------------------------------------------------------------------

static void blank(source *s, size_t from, size_t to) {
    for (size_t i = from; i < to && i < s->bytes; i++) {
        if (s->code[i] != '\n') {
            s->code[i] = ' ';
        }
    }
}

// The end of what starts at `at` and is not code: a comment, a literal or a directive; else `at`.
static size_t skip_uncode(const source *s, size_t at, bool line_start) {
    const char *t = s->raw;
    if (t[at] == '/' && t[at + 1] == '/') {
        return at + strcspn(t + at, "\n");
    }
    if (t[at] == '/' && t[at + 1] == '*') {
        const char *end = strstr(t + at + 2, "*/");
        return end == NULL ? s->bytes : (size_t)(end + 2 - t);
    }
    if (t[at] == '"' || (t[at] == '\'' && (at == 0 || !isdigit((unsigned char)t[at - 1])))) {
        size_t i = at + 1;
        while (i < s->bytes && t[i] != t[at] && t[i] != '\n') {
            i += t[i] == '\\' ? 2 : 1;
        }
        return i + 1;
    }
    if (t[at] == '#' && line_start) {
        size_t i = at + strcspn(t + at, "\n");
        while (i < s->bytes && t[i - 1] == '\\') {
            i += 1 + strcspn(t + i + 1, "\n");
        }
        return i;
    }
    return at;
}

static bool source_load(source *s, const char *path) {
    *s = (source){.is_header = ends(path, ".h")};
    snprintf(s->path, sizeof(s->path), "%s", path);
    if (starts(path, "src/")) {
        const char *slash = strchr(path + 4, '/');
        int bytes = slash == NULL ? 0 : (int)(slash - path - 4);
        snprintf(s->folder, sizeof(s->folder), "%.*s", bytes, path + 4);
    }
    s->raw = load(path, &s->bytes);
    if (s->raw == NULL) {
        return false;
    }
    s->code = calloc(1, s->bytes + 2);
    memcpy(s->code, s->raw, s->bytes);
    bool line_start = true;
    for (size_t i = 0; i < s->bytes;) {
        size_t end = skip_uncode(s, i, line_start);
        if (end > i) {
            blank(s, i, end);
            i = end;
            continue;
        }
        s->lines += s->raw[i] == '\n';
        line_start = s->raw[i] == '\n' || (line_start && s->raw[i] == ' ');
        i++;
    }
    s->lines = line_of(s, s->bytes) - 1;
    return true;
}

static void source_free(source *s) {
    free(s->raw);
    free(s->code);
}

// ---- lines and files --------------------------------------------------------------------------

static void check_columns(const char *path, int line, const char *text, size_t bytes) {
    int columns = 0;
    for (size_t i = 0; i < bytes; i++) {
        columns += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    if (columns > COLUMNS_MAX) {
        complain(path, line, "columns", "%d columns, at most %d", columns, COLUMNS_MAX);
    }
}

static void check_line(const char *path, int line, const char *text, size_t bytes) {
    if (memchr(text, '\t', bytes) != NULL) {
        complain(path, line, "tab", "a tab; indent with spaces");
    }
    if (bytes > 0 && isspace((unsigned char)text[bytes - 1])) {
        complain(path, line, "blank", "blanks at the end of the line");
    }
}

void check_machine_paths(const char *path, const char *text, size_t bytes) {
    for (size_t i = 0; i < sizeof(machine_paths) / sizeof(machine_paths[0]); i++) {
        const char *at = memmem(text, bytes, machine_paths[i], strlen(machine_paths[i]));
        if (at != NULL) {
            int line = 1;
            for (const char *c = text; c < at; c++) {
                line += *c == '\n';
            }
            complain(path, line, "machine", "names a path of one machine, %s", machine_paths[i]);
        }
    }
}

void check_lines(const char *path, const char *text, size_t bytes, bool columns) {
    int line = 1;
    for (size_t i = 0; i < bytes; line++) {
        size_t length = strcspn(text + i, "\n");
        check_line(path, line, text + i, length);
        if (columns) {
            check_columns(path, line, text + i, length);
        }
        i += length + 1;
    }
    if (bytes > 0 && text[bytes - 1] != '\n') {
        complain(path, line - 1, "newline", "no newline at the end of the file");
    }
    check_machine_paths(path, text, bytes);
}

// Does a line of the file's first comment start with `word`? Returns what follows it.
static const char *first_comment(const source *s, const char *word) {
    for (const char *at = s->raw; starts(at, "//");) {
        const char *text = at + 2 + strspn(at + 2, " ");
        if (starts(text, word)) {
            return text + strlen(word);
        }
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return NULL;
}

static void check_size(const source *s) {
    bool reason = first_comment(s, "Why so long:") != NULL;
    if (s->is_header && s->lines > HEADER_LINES_MAX) {
        complain(s->path, 1, "header", "%d lines, a header has at most %d", s->lines,
                 HEADER_LINES_MAX);
    } else if (s->lines > FILE_LINES_REASON && !reason) {
        complain(s->path, 1, "file", "%d lines; over %d its first comment needs `Why so long:`",
                 s->lines, FILE_LINES_REASON);
    } else if (s->lines <= FILE_LINES_REASON && !reason &&
               over(s, "-", "file", s->lines, FILE_LINES_MAX)) {
        complain(s->path, 1, "file", "%d lines, at most %d; split it", s->lines, FILE_LINES_MAX);
    }
    if (!starts(s->raw, "//")) {
        complain(s->path, 1, "comment", "does not start with a comment that says what it is");
    }
    if (s->is_header && strstr(s->raw, "#pragma once") == NULL) {
        complain(s->path, 1, "once", "no #pragma once");
    }
}

// ---- includes ---------------------------------------------------------------------------------

static const char *layer_of(const char *folder) {
    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        if (strcmp(layers[i].folder, folder) == 0) {
            return layers[i].may_include;
        }
    }
    return NULL;
}

static void check_own_include(const source *s, int line, const char *name) {
    char folder[64];
    const char *slash = strchr(name, '/');
    if (slash == NULL) {
        if (strcmp(name, "version.h") != 0) {
            complain(s->path, line, "layer", "include \"%s\" with its folder", name);
        }
        return;
    }
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
    const char *may = layer_of(s->folder);
    if (layer_of(folder) == NULL) {
        complain(s->path, line, "layer", "\"%s\": %s is no folder of the house", name, folder);
    } else if (may != NULL && strcmp(folder, s->folder) != 0 && !listed(may, folder)) {
        complain(s->path, line, "layer", "%s may not include %s (it may: %s)", s->folder, folder,
                 *may == '\0' ? "nothing" : may);
    }
}

static void check_system_include(const source *s, int line, const char *name) {
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (!starts(name, headers[i].prefix)) {
            continue;
        }
        if (!listed(headers[i].folders, s->folder)) {
            complain(s->path, line, "layer", "<%s> belongs in %s", name,
                     *headers[i].folders == '\0' ? "no folder" : headers[i].folders);
        }
        return;
    }
}

static void check_includes(const source *s) {
    int line = 1;
    for (const char *at = s->raw; *at != '\0'; line++) {
        char open, name[256];
        if (sscanf(at, "# include %c%255[^\">\n]", &open, name) == 2 ||
            sscanf(at, "#include %c%255[^\">\n]", &open, name) == 2) {
            if (open == '"') {
                check_own_include(s, line, name);
            } else {
                check_system_include(s, line, name);
            }
        }
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
}

// ---- calls and functions ----------------------------------------------------------------------

static bool is_banned(const char *call, const char *name) {
    size_t bytes = strlen(call);
    return call[bytes - 1] == '*' ? strncmp(call, name, bytes - 1) == 0 : strcmp(call, name) == 0;
}

static void check_call(const source *s, size_t at, const char *name) {
    for (size_t i = 0; i < sizeof(banned) / sizeof(banned[0]); i++) {
        if (is_banned(banned[i].call, name) && !path_listed(banned[i].paths, s->path)) {
            complain(s->path, line_of(s, at), "banned", "%s(): call %s", name, banned[i].instead);
        }
    }
}

static void check_calls(const source *s) {
    const char *t = s->code;
    for (size_t i = 0; i < s->bytes; i++) {
        if (!is_word(t[i])) {
            continue;
        }
        size_t from = i;
        while (is_word(t[i])) {
            i++;
        }
        size_t next = i + strspn(t + i, " ");
        bool member = from > 0 && (t[from - 1] == '.' ||
                                   (from > 1 && t[from - 1] == '>' && t[from - 2] == '-'));
        char name[128];
        if (t[next] == '(' && !member && i - from < sizeof(name)) {
            snprintf(name, sizeof(name), "%.*s", (int)(i - from), t + from);
            check_call(s, from, name);
        }
    }
}

// The signature that ends at `end`, a closing bracket: its name, parameters and first byte.
static bool signature(const source *s, size_t end, char *name, size_t name_bytes,
                      int *ret_parameters) {
    const char *t = s->code;
    int depth = 0, commas = 0;
    size_t open = end;
    for (;; open--) {
        depth += t[open] == ')';
        depth -= t[open] == '(';
        commas += t[open] == ',' && depth == 1;
        if (depth == 0 || open == 0) {
            break;
        }
    }
    size_t last = open;
    while (last > 0 && !is_word(t[last - 1]) && isspace((unsigned char)t[last - 1])) {
        last--;
    }
    size_t first = last;
    while (first > 0 && is_word(t[first - 1])) {
        first--;
    }
    if (first == last || last - first >= name_bytes) {
        return false;
    }
    snprintf(name, name_bytes, "%.*s", (int)(last - first), t + first);
    const char *inside = t + open + 1 + strspn(t + open + 1, " \n");
    bool none = *inside == ')' || starts(inside, "void)");
    bool variadic = end >= 3 && strncmp(t + end - 3, "...", 3) == 0;
    // The call context comes with nearly every call: it says nothing of how much a function asks
    // for.
    static const char context[] = "mr_cx *cx";
    bool has_context =
        end >= sizeof(context) - 1 && starts(t + end - (sizeof(context) - 1), context);
    *ret_parameters = none ? 0 : commas + 1 - variadic - has_context;
    if (strcmp(name, "TEST") == 0) {  // The test's own name, for the ratchet.
        size_t comma = open + strcspn(t + open, ",") + 1;
        comma += strspn(t + comma, " \n");
        snprintf(name, name_bytes, "%.*s", (int)strcspn(t + comma, ") \n"), t + comma);
    }
    return true;
}

static void check_function(const source *s, size_t open, size_t close, size_t bracket) {
    char name[128];
    int parameters = 0;
    if (!signature(s, bracket, name, sizeof(name), &parameters)) {
        return;
    }
    int line = line_of(s, open), lines = line_of(s, close) - line + 1;
    const char *marker = strstr(s->raw + open, "// tidy: opcode switch");
    bool exempt = marker != NULL && marker < s->raw + close;
    if (!exempt && over(s, name, "lines", lines, FUNCTION_LINES_MAX)) {
        complain(s->path, line, "function", "%s has %d lines, at most %d", name, lines,
                 FUNCTION_LINES_MAX);
    }
    if (over(s, name, "parameters", parameters, PARAMETERS_MAX)) {
        complain(s->path, line, "parameters", "%s has %d parameters, at most %d; use a struct",
                 name, parameters, PARAMETERS_MAX);
    }
}

// A body is a brace at depth 0 that follows a closing bracket.
static void check_functions(const source *s) {
    int depth = 0;
    size_t open = 0, bracket = 0, last = 0;
    bool body = false;
    for (size_t i = 0; i < s->bytes; i++) {
        char c = s->code[i];
        if (c == '{') {
            if (depth == 0) {
                body = s->code[last] == ')';
                open = i;
                bracket = last;
            }
            depth++;
        } else if (c == '}') {
            depth--;
            if (depth == 0 && body) {
                check_function(s, open, i, bracket);
            }
        }
        if (!isspace((unsigned char)c)) {
            last = i;
        }
    }
}

// ---- symbols ----------------------------------------------------------------------------------

// Is `symbol` mr_<words>, mr_<words>_..., for `words` = the stem or a leading part of it?
static bool symbol_fits(const char *symbol, const char *stem) {
    for (size_t bytes = strlen(stem); bytes > 0; bytes--) {
        bool whole_word = stem[bytes] == '\0' || stem[bytes] == '_';
        if (whole_word && starts(symbol, "mr_") && strncmp(symbol + 3, stem, bytes) == 0 &&
            !isalnum((unsigned char)symbol[3 + bytes])) {
            return true;
        }
    }
    return false;
}

// Is its family one that the first comment announces: `Also: mr_span_, mr_fail`?
static bool symbol_announced(const source *s, const char *symbol) {
    const char *also = first_comment(s, "Also:");
    char list[512] = "";
    if (also != NULL) {
        snprintf(list, sizeof(list), "%.*s", (int)strcspn(also, "\n"), also);
    }
    for (char *at = list; *at != '\0'; at += strcspn(at, " ,.")) {
        at += strspn(at, " ,.");
        size_t bytes = strcspn(at, " ,.");
        bool family = bytes > 0 && at[bytes - 1] == '_';
        if (bytes > 3 && strncmp(at, symbol, bytes) == 0 && (family || symbol[bytes] == '\0')) {
            return true;
        }
    }
    return false;
}

static void check_symbols(const source *s) {
    char object[PATH_BYTES * 2], command[PATH_BYTES * 2 + 64], stem[128], line[512];
    struct stat at_object, at_source;
    int bytes = (int)strlen(s->path) - 2;
    snprintf(object, sizeof(object), "%s/%.*s.o", tidy.objects, bytes, s->path);
    if (stat(object, &at_object) != 0 || stat(s->path, &at_source) != 0 ||
        at_object.st_mtime < at_source.st_mtime) {
        return;
    }
    const char *base = strrchr(s->path, '/') + 1;
    snprintf(stem, sizeof(stem), "%.*s", (int)strlen(base) - 2, base);
    snprintf(command, sizeof(command), "nm -g --defined-only '%s'", object);
    FILE *pipe = popen(command, "r");
    while (pipe != NULL && fgets(line, sizeof(line), pipe) != NULL) {
        char symbol[256];
        if (sscanf(line, "%*s %*c %255s", symbol) != 1 || starts(symbol, "__") ||
            (strcmp(symbol, "main") == 0 && strcmp(s->path, "src/cli/main.c") == 0)) {
            continue;
        }
        if (!symbol_fits(symbol, stem) && !symbol_announced(s, symbol)) {
            complain(s->path, 1, "symbol",
                     "%s is not mr_%s_...; make it static, move it, or add `Also: mr_..._` to the "
                     "first comment",
                     symbol, stem);
        }
    }
    if (pipe != NULL) {
        pclose(pipe);
    }
}

void check_source(const char *path) {
    source s;
    if (!source_load(&s, path)) {
        complain(path, 1, "read", "cannot be read");
        return;
    }
    check_lines(s.path, s.raw, s.bytes, /* columns= */ true);
    check_size(&s);
    check_calls(&s);
    check_functions(&s);
    if (starts(s.path, "src/")) {
        if (layer_of(s.folder) == NULL) {
            complain(s.path, 1, "layer", "folder \"%s\" is not in the table of layers", s.folder);
        }
        check_includes(&s);
        if (tidy.objects != NULL && !s.is_header) {
            check_symbols(&s);
        }
    }
    source_free(&s);
}
