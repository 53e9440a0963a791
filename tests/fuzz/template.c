// Fuzz target: templates. What is read is walked over values and gives valid JSON or an error with
// a place in the text; the check of the form agrees with the walk.

#include <stdint.h>

#include "base/jsonvalue.h"
#include "base/utf8.h"
#include "flow/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static mr_code find(void *self, const mr_span *path, uint32_t count, uint32_t *ret_used,
                    mr_span *ret_json, mr_cx *cx) {
    (void)self;
    mr_assert(count > 0);
    for (const mr_template_name *n = mr_template_names; n->name != NULL; n++) {
        if (mr_span_is(path[0], n->name)) {
            *ret_used = 1;
            *ret_json = mr_span_of(n->example);
            return MR_OK;
        }
    }
    return mr_fail(cx, MR_E_NAME, NULL, "no name \"%.*s\"", MR_SPAN_ARGS(path[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    mr_span text = {(const char *)data, bytes};
    if (bytes > 4096 || !mr_utf8_valid(data, bytes)) {
        return 0;
    }
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_template_scope scope = {.find = find};
    char *source = mr_arena_copy(&arena, text.data, text.bytes);
    mr_place place = {.file = "f", .source = source, .offset = 0};
    mr_text out;
    mr_text_init(&out, &arena);
    mr_code formed = mr_template_check(text, place, NULL, NULL, &cx);
    mr_code code = mr_template_text(text, place, &scope, &out, &cx);
    mr_assert(formed == MR_OK || code != MR_OK);
    if (code != MR_OK) {
        mr_assert(cx.error.place.offset >= 0 && (size_t)cx.error.place.offset <= bytes);
    } else if (!mr_template_has(text)) {
        mr_assert(mr_span_equal(mr_text_span(&out), text));
    }
    const mr_yaml *root;
    mr_text json;
    mr_text_init(&json, &arena);
    if (mr_yaml_parse("f", text, &root, &cx) == MR_OK &&
        mr_template_json(root, &scope, &json, &cx) == MR_OK) {
        mr_assert(mr_jsonvalue_check(mr_text_span(&json)));
    }
    bool truth;
    (void)!mr_template_true(text, place, &scope, &truth, &cx);
    mr_arena_release(&arena);
    return 0;
}
