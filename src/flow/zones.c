// Zones: see zones.h.
//
// How: a file a zone below /usr/share/zoneinfo. The list of their names, for advice, is looked for
// only when there is no such file: "Z name …" and "L target name" are lines of tzdata.zi.

#include "flow/zones.h"

#include <string.h>

#include "plat/plat.h"

#define FOLDER         "/usr/share/zoneinfo/"
#define LIST_BYTES_MAX (1 << 20)
#define NAMES_MAX      2000

static const char *advice(const char *name, mr_cx *cx) {
    mr_span list;
    if (mr_file_load(FOLDER "tzdata.zi", LIST_BYTES_MAX, &list, cx) != MR_OK) {
        list = MR_SPAN("");
    }
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, NAMES_MAX);
    size_t count = 0;
    while (list.bytes > 0 && count < NAMES_MAX) {
        mr_span whole = mr_span_line(&list);
        const char *line = mr_arena_copy(cx->arena, whole.data, whole.bytes);
        const char *at = strncmp(line, "Z ", 2) == 0   ? line + 2
                         : strncmp(line, "L ", 2) == 0 ? strchr(line + 2, ' ')
                                                       : NULL;
        if (at != NULL) {
            at += *at == ' ';
            names[count++] = mr_arena_copy(cx->arena, at, strcspn(at, " "));
        }
    }
    return mr_text_hint(name, names, count, "Write a name such as Asia/Kolkata, or UTC.",
                        cx->arena);
}

mr_code mr_zones_load(void *self, const char *name, const mr_zone **ret, mr_cx *cx) {
    (void)self;
    if (strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0) {
        *ret = NULL;
        return MR_OK;
    }
    bool plain = name[0] != '/' && name[0] != '\0' && strstr(name, "..") == NULL;
    mr_span bytes;
    mr_zone *zone;
    if (!plain ||
        mr_file_load(mr_arena_printf(cx->arena, FOLDER "%s", name), 1 << 20, &bytes, cx) != MR_OK ||
        mr_zone_parse(name, bytes, &zone, cx) != MR_OK) {
        return mr_fail(cx, MR_E_NAME, advice(name, cx), "there is no time zone \"%s\"", name);
    }
    *ret = zone;
    return MR_OK;
}
