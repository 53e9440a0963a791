// Dag, cases: see dag_case.h.

#include "dag_case.h"

#include <string.h>

#include "kinds.h"
#include "runner.h"
#include "scope.h"

mr_arena dag_arena;
mr_cx dag_cx;
mr_dag *dag;

static mr_code find_zone(void *self, const char *name, const mr_zone **ret, mr_cx *in) {
    (void)self;
    if (strcmp(name, "Asia/Kolkata") != 0) {
        return mr_fail(in, MR_E_NAME, "Did you mean \"Asia/Kolkata\"?",
                       "there is no time zone \"%s\"", name);
    }
    mr_arena *kept = in->arena;
    scope_begin("+05:30", kept);
    *ret = scope.zone;
    return MR_OK;
}

static const mr_dag_reader reader = {.kinds = kinds, .zone = find_zone};

// "" or what was found: "line:column text | hint", then remarks, each on a line.
const char *dag_shown(const char *text) {
    mr_dag_unref(dag);
    dag = NULL;
    mr_arena_clear(&dag_arena);
    mr_cx_init(&dag_cx, &dag_arena, /* plat= */ NULL);
    mr_dag_errors errors = {0};
    mr_code code = mr_dag_read(&reader, "f.yaml", mr_span_of(text), &dag, &errors, &dag_cx);
    EXPECT_EQ(code == MR_OK, errors.count == 0);
    EXPECT_EQ(code == MR_OK, dag != NULL);
    mr_text out;
    mr_text_init(&out, &dag_arena);
    for (uint32_t i = 0; i < errors.count; i++) {
        uint32_t line = 0;
        uint32_t column = 0;
        (void)mr_error_line_column(&errors.items[i].place, &line, &column);
        EXPECT_STR(errors.items[i].place.file, "f.yaml");
        mr_text_addf(&out, "%s%u:%u %s | %s", i == 0 ? "" : "\n", line, column,
                     errors.items[i].text, errors.items[i].hint);
    }
    for (uint32_t i = 0; i < errors.remark_count; i++) {
        mr_text_addf(&out, "%s%s", out.bytes == 0 ? "" : "\n", errors.remarks[i]);
    }
    return mr_text_string(&out);
}

void dag_clean(void) {
    mr_dag_unref(dag);
    dag = NULL;
    mr_arena_release(&dag_arena);
}

void dag_tell(const dag_mistake *mistakes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        EXPECT_STR(dag_shown(mistakes[i].text), mistakes[i].said);
    }
    dag_clean();
}
