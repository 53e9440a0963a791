// Tidy: checks what STYLE asks of the source and a program can see; run by `make tidy`.
//
// Why: a rule that only people check erodes. How: every C file below src, tests and tools is read
// once; comments and literals are blanked, then lines, includes, calls and functions are looked at.
// The tables at the top are the rules: a new folder, call or library is one row.
//   tidy [--root DIR] [--objects DIR]
// Exceptions live in tools/tidy.ratchet, one a line: `path name kind count`, kind lines, parameters
// or file (name `-`). An entry that is larger than needed is an error, so the list only shrinks.

#include "tidy.h"

#include <dirent.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

tidy_state tidy;

void complain(const char *path, int line, const char *rule, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("%s:%d: %s: ", path, line, rule);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    tidy.complaints++;
}

static void count_file(void) {
    if (tidy.complaints > 0) {
        tidy.failed++;
    } else {
        tidy.passed++;
    }
    tidy.complaints = 0;
}

bool starts(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool ends(const char *text, const char *suffix) {
    size_t a = strlen(text), b = strlen(suffix);
    return a >= b && strcmp(text + a - b, suffix) == 0;
}

char *load(const char *path, size_t *ret_bytes) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    long bytes = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)bytes + 2);  // Two NULs: looking one ahead is safe.
    *ret_bytes = fread(text, 1, (size_t)bytes, file);
    fclose(file);
    return text;
}

// ---- READMEs ----------------------------------------------------------------------------------

// Is there a file `name` below `folder` ("" = the root)? The name may be a pattern.
static bool glob_exists(const char *folder, const char *name) {
    char pattern[PATH_BYTES * 2];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s%s%s", folder, *folder == '\0' ? "" : "/", name);
    bool ok = glob(pattern, 0, NULL, &found) == 0;
    globfree(&found);
    return ok;
}

// A name in backticks means a file when it ends like one or starts with a folder of the tree.
static bool means_file(const char *name) {
    static const char *const suffixes[] = {".c", ".h", ".md", ".py", ".sh", ".yaml", ".test"};
    static const char *const folders[] = {"src/",   "tests/", "tools/",    "scripts/",  "docs/",
                                          "bench/", "ui/",    "examples/", "packaging/"};
    if (strpbrk(name, " <>{}$()|=,\"'") != NULL || starts(name, "build/") || starts(name, "/")) {
        return false;
    }
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (ends(name, suffixes[i]) && strlen(name) > strlen(suffixes[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (starts(name, folders[i])) {
            return true;
        }
    }
    return false;
}

static void check_mentions(const char *path, int line, char *text) {
    char folder[PATH_BYTES];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    *(slash == NULL ? folder : slash) = '\0';
    for (char *open = strchr(text, '`'); open != NULL;) {
        char *close = strchr(open + 1, '`');
        if (close == NULL) {
            return;
        }
        *close = '\0';
        const char *name = open + 1;
        if (means_file(name) && !glob_exists("", name) && !glob_exists(folder, name) &&
            !glob_exists("src", name)) {
            complain(path, line, "missing", "names `%s`, which is not there", name);
        }
        open = strchr(close + 1, '`');
    }
}

// Code blocks, fenced or indented, are examples and not looked at.
static void check_document(const char *path) {
    size_t bytes;
    char *text = load(path, &bytes);
    if (text == NULL) {
        return;
    }
    check_lines(path, text, bytes, /* columns= */ false);
    bool fenced = false;
    int line = 1;
    for (char *at = text, *next; at != NULL; at = next, line++) {
        next = strchr(at, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (starts(at, "```")) {
            fenced = !fenced;
        } else if (!fenced && !starts(at, "    ")) {
            check_mentions(path, line, at);
        }
    }
    free(text);
}

// ---- the tree ---------------------------------------------------------------------------------

static bool is_skipped(const char *folder, const char *name) {
    static const char *const names[] = {"build", "data", "node_modules", "corpus", "__pycache__"};
    if (name[0] == '.') {
        return true;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return strcmp(folder, "tests") == 0 && strcmp(name, "tidy") == 0;  // Files that must fail.
}

static void check_file(const char *path) {
    size_t bytes;
    bool ours = starts(path, "src/") || starts(path, "tests/") || starts(path, "tools/");
    if (ours && (ends(path, ".c") || ends(path, ".h"))) {
        check_source(path);
    } else if (ends(path, ".md")) {
        check_document(path);
    } else {
        char *text = load(path, &bytes);
        if (text != NULL && memchr(text, '\0', bytes) == NULL) {
            check_machine_paths(path, text, bytes);
        }
        free(text);
    }
    count_file();
}

static void walk(const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[PATH_BYTES];
        struct stat at;
        bool fits = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name) < PATH_BYTES;
        if (!fits || is_skipped(folder, entries[i]->d_name) || lstat(path, &at) != 0) {
            // Not ours to read.
        } else if (S_ISDIR(at.st_mode)) {
            walk(path);
        } else if (S_ISREG(at.st_mode)) {
            check_file(path);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

static void check_readmes(void) {
    glob_t found;
    if (glob("src/*/", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            if (!glob_exists(found.gl_pathv[i], "README.md")) {
                complain(found.gl_pathv[i], 1, "readme", "no README.md that says what lives there");
                count_file();
            }
        }
    }
    globfree(&found);
}

// ---- the ratchet ------------------------------------------------------------------------------

#define RATCHET     "tools/tidy.ratchet"
#define RATCHET_MAX ((int)(sizeof(tidy.exceptions) / sizeof(tidy.exceptions[0])))

static void ratchet_read(void) {
    FILE *file = fopen(RATCHET, "r");
    char line[PATH_BYTES];
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        exception e = {.used = 0};
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        if (sscanf(line, "%1000s %127s %15s %d", e.path, e.name, e.kind, &e.count) != 4 ||
            tidy.exception_count == RATCHET_MAX) {
            complain(RATCHET, 1, "ratchet", "cannot read: %s", line);
            continue;
        }
        tidy.exceptions[tidy.exception_count++] = e;
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void ratchet_check(void) {
    for (int i = 0; i < tidy.exception_count; i++) {
        const exception *e = &tidy.exceptions[i];
        if (e->used == 0) {
            complain(RATCHET, i + 1, "ratchet", "%s %s %s is no longer needed; remove it", e->path,
                     e->name, e->kind);
        } else if (e->used < e->count) {
            complain(RATCHET, i + 1, "ratchet", "%s %s %s has shrunk; lower it to %d", e->path,
                     e->name, e->kind, e->used);
        }
    }
    if (tidy.exception_count > 0 || tidy.complaints > 0) {
        count_file();
    }
}

int main(int argc, char **argv) {
    static char objects[PATH_BYTES];
    const char *root = ".";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--root") == 0) {
            root = argv[i + 1];
        } else if (strcmp(argv[i], "--objects") == 0 && realpath(argv[i + 1], objects) != NULL) {
            tidy.objects = objects;
        }
    }
    if (chdir(root) != 0) {
        perror(root);
        return 2;
    }
    ratchet_read();
    static const char *const folders[] = {"src",   "tests", "tools",    "scripts",
                                          "bench", "docs",  "examples", "packaging"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        walk(folders[i]);
    }
    static const char *const documents[] = {"README.md", "ARCHITECTURE.md", "HACKING.md",
                                            "Makefile"};
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        if (access(documents[i], R_OK) == 0) {
            check_file(documents[i]);
        }
    }
    check_readmes();
    ratchet_check();
    printf("%d passed, %d failed\n", tidy.passed, tidy.failed);
    return tidy.failed > 0 || tidy.passed == 0;
}
