// Catalog: the tables of the lake, and which of their files a reader may see; see catalog.h.

#include "store/catalog.h"

#include <inttypes.h>
#include <string.h>

#include "base/map.h"
#include "base/utf8.h"
#include "plat/plat.h"
#include "store/name.h"

#define CATALOG_FILE_BYTES_MAX ((uint64_t)16 << 20)
#define CATALOG_COLUMNS_MAX    10000

// ---- writing ---------------------------------------------------------------------------------

static void add_member(mr_text *out, const char *name, const char *value) {
    mr_text_addf(out, "  \"%s\": ", name);
    mr_text_add_json(out, mr_span_of(value == NULL ? "" : value));
    mr_text_add(out, ",\n");
}

static const char *file_of(const char *data_dir, const char *table, mr_arena *arena) {
    mr_text path;
    mr_text_init(&path, arena);
    mr_text_addf(&path, "%s/catalog/", data_dir);
    for (const char *at = table; *at != '\0'; at++) {
        bool plain =
            *at != '/' && *at != '%' && (unsigned char)*at >= 0x20 && !(at == table && *at == '.');
        mr_text_addf(&path, plain ? "%c" : "%%%02X", (unsigned char)*at);
    }
    mr_text_add(&path, ".json");
    return mr_text_string(&path);
}

mr_code mr_catalog_register(const char *data_dir, const mr_catalog_table *table, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "{\n");
    add_member(&out, "name", table->name);
    add_member(&out, "format", table->format);
    add_member(&out, "path", table->path);
    add_member(&out, "pipeline", table->pipeline);
    add_member(&out, "partition_by", table->partition_by);
    mr_text_add(&out, "  \"columns\": [");
    for (uint32_t c = 0; c < table->column_count; c++) {
        mr_text_add(&out, c == 0 ? "\n    {\"name\": " : ",\n    {\"name\": ");
        mr_text_add_json(&out, mr_span_of(table->columns[c].name));
        mr_text_add(&out, ", \"type\": ");
        mr_text_add_json(&out, mr_span_of(table->columns[c].type));
        mr_text_add_char(&out, '}');
    }
    mr_text_add(&out, "\n  ]\n}\n");
    MR_TRY(mr_dir_make(mr_arena_printf(cx->arena, "%s/catalog", data_dir), cx));
    const char *path = file_of(data_dir, table->name, cx->arena);
    mr_span present;
    if (mr_file_load(path, CATALOG_FILE_BYTES_MAX, &present, cx) == MR_OK &&
        mr_span_equal(present, mr_text_span(&out))) {
        return MR_OK;
    }
    return mr_file_save(path, mr_text_span(&out), cx);
}

mr_code mr_catalog_set_published(const char *state_dir, uint64_t incarnation, uint64_t epoch,
                                 mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/published", state_dir);
    const char *next = mr_arena_printf(cx->arena, "%s.next", path);
    const char *text =
        mr_arena_printf(cx->arena, "%016" PRIx64 " %" PRIu64 "\n", incarnation, epoch);
    mr_file file = MR_FILE_CLOSED;
    MR_TRY(mr_file_open(&file, next, MR_OPEN_TRUNCATE, cx));
    mr_code code = mr_file_append(&file, mr_span_of(text), cx);
    mr_file_close(&file, cx->plat);
    MR_TRY(code);
    return mr_file_replace(next, path, cx);
}

// ---- reading the entries ---------------------------------------------------------------------

typedef struct catalog_reader {
    const char *at;
    const char *end;
    mr_arena *arena;
} catalog_reader;

static bool take(catalog_reader *r, char c) {
    while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL) {
        r->at++;
    }
    if (r->at == r->end || *r->at != c) {
        return false;
    }
    r->at++;
    return true;
}

// One escape behind a backslash, as add_string and people write them.
static bool take_escape(catalog_reader *r, mr_text *out) {
    if (r->at == r->end) {
        return false;
    }
    char c = *r->at++;
    if (c != 'u') {
        const char *from = "\"\\/nt";
        const char *found = strchr(from, c);
        if (found == NULL || c == '\0') {
            return false;
        }
        mr_text_add_char(out, "\"\\/\n\t"[found - from]);
        return true;
    }
    uint32_t code_point = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        const char *digits = "0123456789abcdef";
        const char *digit = r->at < r->end && *r->at != '\0' ? strchr(digits, *r->at) : NULL;
        if (digit == NULL) {
            return false;
        }
        code_point = code_point * 16 + (uint32_t)(digit - digits);
    }
    char utf8[4];
    mr_text_add_bytes(out, utf8, mr_utf8_put(code_point < 0x80 ? code_point : '?', utf8));
    return true;
}

static bool take_string(catalog_reader *r, const char **ret) {
    if (!take(r, '"')) {
        return false;
    }
    mr_text out;
    mr_text_init(&out, r->arena);
    while (r->at < r->end && *r->at != '"') {
        char c = *r->at++;
        if (c != '\\') {
            mr_text_add_char(&out, c);
        } else if (!take_escape(r, &out)) {
            return false;
        }
    }
    *ret = mr_text_string(&out);
    return take(r, '"');
}

static bool take_columns(catalog_reader *r, mr_catalog_table *table) {
    if (!take(r, '[')) {
        return false;
    }
    if (take(r, ']')) {
        return true;
    }
    uint32_t capacity = 0;
    do {
        mr_catalog_column column;
        const char *name_word, *type_word;
        if (!take(r, '{') || !take_string(r, &name_word) || !take(r, ':') ||
            !take_string(r, &column.name) || !take(r, ',') || !take_string(r, &type_word) ||
            !take(r, ':') || !take_string(r, &column.type) || !take(r, '}') ||
            strcmp(name_word, "name") != 0 || strcmp(type_word, "type") != 0 ||
            table->column_count == CATALOG_COLUMNS_MAX) {
            return false;
        }
        if (table->column_count == capacity) {
            capacity = MR_MAX(16u, capacity * 2);
            mr_catalog_column *wider = MR_NEW_ARRAY(r->arena, mr_catalog_column, capacity);
            if (table->column_count > 0) {
                memcpy(wider, table->columns, sizeof(*wider) * table->column_count);
            }
            table->columns = wider;
        }
        table->columns[table->column_count++] = column;
    } while (take(r, ','));
    return take(r, ']');
}

static bool take_member(catalog_reader *r, mr_catalog_table *table) {
    const char *word;
    if (!take_string(r, &word) || !take(r, ':')) {
        return false;
    }
    if (strcmp(word, "columns") == 0) {
        return take_columns(r, table);
    }
    const struct {
        const char *name;
        const char **value;
    } members[] = {{"name", &table->name},
                   {"format", &table->format},
                   {"path", &table->path},
                   {"pipeline", &table->pipeline},
                   {"partition_by", &table->partition_by}};
    const char *value;
    if (!take_string(r, &value)) {
        return false;
    }
    for (size_t i = 0; i < MR_COUNT(members); i++) {
        if (strcmp(members[i].name, word) == 0) {
            *members[i].value = value;
        }
    }
    return true;  // What a later version adds is passed over.
}

static mr_code load_entry(const char *path, mr_catalog_table *ret, mr_cx *cx) {
    mr_span text;
    MR_TRY(mr_file_load(path, CATALOG_FILE_BYTES_MAX, &text, cx));
    catalog_reader r = {text.data, text.data + text.bytes, cx->arena};
    mr_catalog_table table = {.partition_by = "", .pipeline = ""};
    bool ok = take(&r, '{');
    while (ok && !take(&r, '}')) {
        ok = take_member(&r, &table);
        (void)take(&r, ',');
    }
    if (!ok || table.name == NULL || table.format == NULL || table.path == NULL) {
        return mr_fail(cx, MR_E_CORRUPT, "Remove it: its pipeline writes it again when it starts.",
                       "catalogue entry \"%s\" cannot be read", path);
    }
    *ret = table;
    return MR_OK;
}

mr_code mr_catalog_list(const char *data_dir, mr_catalog_table **ret, uint32_t *ret_count,
                        mr_cx *cx) {
    const char *dir = mr_arena_printf(cx->arena, "%s/catalog", data_dir);
    *ret_count = 0;
    *ret = NULL;
    if (!mr_file_exists(dir, cx)) {
        return MR_OK;
    }
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    mr_catalog_table *tables = MR_NEW_ARRAY(cx->arena, mr_catalog_table, count);
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        mr_span name = mr_span_of(entries[i].name);
        if (entries[i].is_dir || !mr_span_ends(name, ".json") || mr_span_starts(name, ".")) {
            continue;
        }
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name);
        MR_TRY(load_entry(path, &tables[found], cx));
        found++;
    }
    *ret = tables;
    *ret_count = found;
    return MR_OK;
}

// ---- files -----------------------------------------------------------------------------------

typedef struct catalog_mark {
    bool known;
    uint64_t incarnation;
    uint64_t epoch;
} catalog_mark;

typedef struct catalog_scan {
    const char *data_dir;
    const char *ending;
    mr_map marks;  // By pipeline.
    const char **paths;
    uint32_t count;
    uint32_t capacity;
} catalog_scan;

static bool parse_hex(mr_span in, uint64_t *ret) {
    uint64_t value = 0;
    for (size_t i = 0; i < in.bytes; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = in.data[i] == '\0' ? NULL : strchr(digits, in.data[i]);
        if (digit == NULL || i == 16) {
            return false;
        }
        value = value * 16 + (uint64_t)(digit - digits);
    }
    *ret = value;
    return in.bytes > 0;
}

bool mr_catalog_get_published(const char *state_dir, uint64_t *ret_incarnation, uint64_t *ret_epoch,
                              mr_cx *cx) {
    mr_span text;
    const char *path = mr_arena_printf(cx->arena, "%s/published", state_dir);
    if (mr_file_load(path, 4096, &text, cx) != MR_OK) {
        return false;
    }
    const char *space = memchr(text.data, ' ', text.bytes);
    int64_t epoch;
    size_t hex = space == NULL ? 0 : (size_t)(space - text.data);
    bool known =
        space != NULL && parse_hex((mr_span){text.data, hex}, ret_incarnation) &&
        mr_span_ends(text, "\n") &&
        mr_text_parse_int64(mr_span_trim((mr_span){space + 1, text.bytes - hex - 1}), &epoch) &&
        epoch >= 0;
    *ret_epoch = known ? (uint64_t)epoch : 0;
    return known;
}

static catalog_mark *mark_of(catalog_scan *scan, mr_span pipeline, mr_cx *cx) {
    catalog_mark *mark = mr_map_get(&scan->marks, pipeline);
    if (mark != NULL) {
        return mark;
    }
    mark = MR_NEW(cx->arena, catalog_mark);
    const char *dir =
        mr_arena_printf(cx->arena, "%s/state/%.*s", scan->data_dir, MR_SPAN_ARGS(pipeline));
    mark->known = mr_catalog_get_published(dir, &mark->incarnation, &mark->epoch, cx);
    mr_map_put(&scan->marks, pipeline, mark);
    return mark;
}

static bool visible(catalog_scan *scan, const char *file_name, mr_cx *cx) {
    mr_name name;
    if (!mr_name_parse(mr_span_of(file_name), &name)) {
        return true;  // Put there by someone else.
    }
    const catalog_mark *mark = mark_of(scan, name.pipeline, cx);
    return !mark->known || name.incarnation != mark->incarnation || name.epoch <= mark->epoch;
}

static mr_code scan_folder(catalog_scan *scan, const char *dir, mr_cx *cx) {
    mr_dir_entry *entries;
    size_t count;
    MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    for (size_t i = 0; i < count; i++) {
        const char *name = entries[i].name;
        const char *path = mr_arena_printf(cx->arena, "%s/%s", dir, name);
        if (name[0] == '.' || name[0] == '_') {
            continue;
        }
        if (entries[i].is_dir) {
            if (strchr(name, '=') != NULL) {
                MR_TRY(scan_folder(scan, path, cx));
            }
            continue;
        }
        if (!mr_span_ends(mr_span_of(name), scan->ending) || !visible(scan, name, cx)) {
            continue;
        }
        if (scan->count == scan->capacity) {
            scan->capacity = MR_MAX(64u, scan->capacity * 2);
            const char **wider = MR_NEW_ARRAY(cx->arena, const char *, scan->capacity);
            if (scan->count > 0) {
                memcpy(wider, scan->paths, sizeof(*wider) * scan->count);
            }
            scan->paths = wider;
        }
        scan->paths[scan->count++] = path;
    }
    return MR_OK;
}

mr_code mr_catalog_files(const char *data_dir, const mr_catalog_table *table, const char ***ret,
                         uint32_t *ret_count, mr_cx *cx) {
    catalog_scan scan = {
        .data_dir = data_dir,
        .ending = mr_arena_printf(cx->arena, ".%s", table->format),
    };
    mr_map_init(&scan.marks, cx->arena);
    if (mr_file_exists(table->path, cx)) {
        MR_TRY(scan_folder(&scan, table->path, cx));
    }
    *ret = scan.paths;
    *ret_count = scan.count;
    return MR_OK;
}
