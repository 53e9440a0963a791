// Template: see template.h.

#include "cli/template.h"

#include <string.h>

#include "job/job.h"
#include "plat/plat.h"

// id, file in src/cli/templates, path in a project
#define INIT_FILES(X)                                            \
    X(init_yaml, "init/millrace.yaml", "millrace.yaml")          \
    X(init_hello, "init/hello.sql", "sql/hello.sql")             \
    X(init_orders, "init/orders.yaml", "made/orders.yaml")       \
    X(init_customers, "init/customers.csv", "dim/customers.csv") \
    X(init_test, "init/hello.test", "tests/hello.test")          \
    X(init_env, "init/env.example", ".env.example")              \
    X(init_ignore, "init/gitignore", ".gitignore")               \
    X(init_readme, "init/README.md", "README.md")

#define STREAM_FILES(X)                                        \
    X(stream_sql, "stream/stream.sql", "sql/{{name}}.sql")     \
    X(stream_yaml, "stream/stream.yaml", "made/{{name}}.yaml") \
    X(stream_test, "stream/stream.test", "tests/{{name}}.test")

#define DAG_FILES(X) X(dag_yaml, "dag/dag.yaml", "dags/{{name}}.yaml")

// The bytes of a file, between two symbols. The path is from the folder where make runs.
#define INCLUDE(id, file, path)                                                            \
    __asm__(".pushsection .rodata\n.globl mr_template_text_" #id "\nmr_template_text_" #id \
            ":\n.incbin \"src/cli/templates/" file "\"\n.globl mr_template_end_" #id       \
            "\nmr_template_end_" #id ":\n.byte 0\n.popsection\n");                         \
    extern const char mr_template_text_##id[], mr_template_end_##id[];
INIT_FILES(INCLUDE)
STREAM_FILES(INCLUDE)
DAG_FILES(INCLUDE)
#undef INCLUDE

#define ROW(id, file, path) {path, mr_template_text_##id, mr_template_end_##id},
const mr_template mr_template_init[] = {INIT_FILES(ROW){NULL, NULL, NULL}};
const mr_template mr_template_stream[] = {STREAM_FILES(ROW){NULL, NULL, NULL}};
const mr_template mr_template_dag[] = {DAG_FILES(ROW){NULL, NULL, NULL}};
#undef ROW

static void add_exec(mr_text *out) {
    for (const mr_option *option = mr_job_exec_options; option->name != NULL; option++) {
        if (option->doc[0] != '\0') {
            mr_text line;
            mr_text_init(&line, NULL);
            mr_text_addf(&line, "#   %s: %s", option->name, option->default_text);
            mr_text_addf(out, "%-30s # %s\n", mr_text_string(&line), option->doc);
            mr_text_release(&line);
        }
    }
}

static void fill(mr_span from, const char *name, mr_text *out) {
    while (from.bytes > 0) {
        bool names = mr_span_starts(from, "{{name}}");
        bool settings = mr_span_starts(from, "{{exec}}\n");
        if (names) {
            mr_text_add(out, name);
        } else if (settings) {
            add_exec(out);
        } else {
            mr_text_add_char(out, from.data[0]);
        }
        size_t bytes = names ? strlen("{{name}}") : settings ? strlen("{{exec}}\n") : 1;
        from = (mr_span){from.data + bytes, from.bytes - bytes};
    }
}

static mr_code write_new(const char *path, mr_span text, mr_cx *cx) {
    const char *slash = strrchr(path, '/');
    if (slash != NULL && slash != path) {
        MR_TRY(mr_dir_make(mr_arena_copy(cx->arena, path, (size_t)(slash - path)), cx));
    }
    mr_file file;
    MR_TRY(mr_file_open(&file, path, MR_OPEN_CREATE, cx));
    mr_code code = mr_file_append(&file, text, cx);
    mr_file_close(&file, cx->plat);
    return code;
}

void mr_template_fill(const mr_template *from, const char *name, mr_text *out) {
    fill((mr_span){from->text, (size_t)(from->end - from->text)}, name, out);
}

mr_code mr_template_write(const mr_template *list, const char *folder, const char *name,
                          mr_text *said, mr_cx *cx) {
    for (; list->path != NULL; list++) {
        mr_text path;
        mr_text text;
        mr_text_init(&path, cx->arena);
        mr_text_init(&text, cx->arena);
        if (strcmp(folder, ".") != 0) {
            mr_text_addf(&path, "%s/", folder);
        }
        fill(mr_span_of(list->path), name, &path);
        bool there = mr_file_exists(mr_text_string(&path), cx);
        if (!there) {
            mr_template_fill(list, name, &text);
            MR_TRY(write_new(mr_text_string(&path), mr_text_span(&text), cx));
        }
        mr_text_addf(said, "%s %s\n", there ? "kept" : "made", mr_text_string(&path));
    }
    return MR_OK;
}
