// Container, output: see container_output.h. Archives are tar's (POSIX ustar).

#include "task/container_output.h"

#include <inttypes.h>
#include <string.h>

#include "plat/plat.h"

#define BLOCK       ((size_t)512)
#define OUTPUT_MOST ((uint64_t)4 << 20)  // As the scheduler takes.

// ---- tar -------------------------------------------------------------------------------------

static void add_octal(char *to, size_t digits, uint64_t value) {
    for (size_t i = digits; i > 0; i--) {
        to[i - 1] = (char)('0' + value % 8);
        value /= 8;
    }
}

static void add_entry(const char *name, bool is_dir, uint64_t mode, mr_text *out) {
    char head[512] = "";
    memcpy(head, name, strlen(name));
    add_octal(head + 100, 7, mode);
    add_octal(head + 108, 7, 0);  // Owner: root.
    add_octal(head + 116, 7, 0);
    add_octal(head + 124, 11, 0);  // No bytes.
    add_octal(head + 136, 11, 0);
    memset(head + 148, ' ', 8);
    head[156] = is_dir ? '5' : '0';
    memcpy(head + 257, "ustar\00000", 8);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(head); i++) {
        sum += (uint8_t)head[i];
    }
    add_octal(head + 148, 6, sum);
    head[154] = '\0';
    mr_text_add_bytes(out, head, sizeof(head));
}

static bool octal(const char *from, size_t digits, uint64_t *ret) {
    *ret = 0;
    bool any = false;
    for (size_t i = 0; i < digits && from[i] != '\0' && from[i] != ' '; i++) {
        if (from[i] < '0' || from[i] > '7') {
            return false;
        }
        *ret = *ret * 8 + (uint64_t)(from[i] - '0');
        any = true;
    }
    return any;
}

mr_code mr_container_output_find(mr_span archive, const char *file, mr_span *ret, mr_cx *cx) {
    *ret = (mr_span){NULL, 0};
    while (archive.bytes >= BLOCK && archive.data[0] != '\0') {
        const char *head = archive.data;
        uint64_t bytes;
        if (!octal(head + 124, 12, &bytes) || bytes > archive.bytes - BLOCK) {
            return mr_fail(cx, MR_E_CORRUPT, NULL,
                           "the archive of the container's file is damaged");
        }
        const char *name = mr_arena_copy(cx->arena, head, strnlen(head, 100));
        const char *base = strrchr(name, '/');
        bool plain = head[156] == '0' || head[156] == '\0';
        if (plain && strcmp(base == NULL ? name : base + 1, file) == 0) {
            *ret = (mr_span){head + BLOCK, (size_t)bytes};
            return MR_OK;
        }
        size_t whole = BLOCK + ((size_t)bytes + BLOCK - 1) / BLOCK * BLOCK;
        whole = MR_MIN(whole, archive.bytes);
        archive = (mr_span){archive.data + whole, archive.bytes - whole};
    }
    return MR_OK;
}

// ---- the engine ------------------------------------------------------------------------------

mr_code mr_container_output_put(const mr_engine *engine, const char *name, mr_cx *cx) {
    mr_text archive;
    mr_text_init(&archive, cx->arena);
    add_entry("millrace/", /* is_dir= */ true, 01777, &archive);
    add_entry("millrace/output", /* is_dir= */ false, 0666, &archive);
    static const char nothing[1024];
    mr_text_add_bytes(&archive, nothing, sizeof(nothing));
    const mr_engine_call call = {
        .method = "PUT",
        .path = mr_arena_printf(cx->arena, "/containers/%s/archive?path=%%2F", name),
        .type = "application/x-tar",
        .body = mr_text_span(&archive),
    };
    mr_text body;
    int status;
    MR_TRY(mr_engine_ask(engine, &call, &status, &body, cx));
    return status / 100 == 2
               ? MR_OK
               : mr_engine_refused(engine, status, &body,
                                   "put " MR_CONTAINER_OUTPUT " into the container", cx);
}

static mr_code append(const mr_task_try *try, mr_span text, mr_cx *cx) {
    mr_file file;
    const char *path = mr_arena_printf(cx->arena, "%s/output", try->dir);
    MR_TRY(mr_file_open(&file, path, MR_OPEN_APPEND, cx));
    mr_code code = mr_file_append(&file, text, cx);
    mr_file_close(&file, cx->plat);
    return code;
}

mr_code mr_container_output_take(const mr_engine *engine, const char *name, const mr_task_try *try,
                                 mr_cx *cx) {
    const mr_engine_call call = {
        .method = "GET",
        .path =
            mr_arena_printf(cx->arena, "/containers/%s/archive?path=%%2Fmillrace%%2Foutput", name),
        .most = OUTPUT_MOST + 64 * BLOCK,
    };
    mr_text body;
    int status;
    mr_span file;
    mr_code code = mr_engine_ask(engine, &call, &status, &body, cx);
    if (code == MR_E_LIMIT) {
        return mr_fail(
            cx, MR_E_LIMIT, "Outputs are small values: write data to a mount or a topic.",
            "$MILLRACE_OUTPUT of the container has more than %" PRIu64 " bytes", OUTPUT_MOST);
    }
    MR_TRY(code);
    if (status == 404) {
        return MR_OK;  // It was removed: nothing is put out.
    }
    if (status != 200) {
        return mr_engine_refused(engine, status, &body, "give the container's outputs", cx);
    }
    MR_TRY(mr_container_output_find(mr_text_span(&body), "output", &file, cx));
    if (file.data == NULL) {
        return mr_fail(cx, MR_E_CORRUPT, NULL, "engine \"%s\": its archive does not hold %s",
                       engine->place->name, MR_CONTAINER_OUTPUT);
    }
    return file.bytes == 0 ? MR_OK : append(try, file, cx);
}
