// Catalog: the tables of the lake, and which of their files a reader may see; see catalog.h.

#include "store/catalog.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "base/map.h"
#include "plat/plat.h"
#include "store/name.h"
#include "store/swap.h"

#define CATALOG_FILE_BYTES_MAX ((uint64_t)16 << 20)
#define CATALOG_COLUMNS_MAX    10000
#define LIST_TIMES_MAX         1000

// ---- writing ---------------------------------------------------------------------------------

static void add_member(mr_text *out, const char *name, const char *value) {
    mr_text_addf(out, "  \"%s\": ", name);
    mr_text_add_json(out, mr_span_of(value == NULL ? "" : value));
    mr_text_add(out, ",\n");
}

const char *mr_catalog_path(const char *data_dir, const char *table, const char *ending,
                            mr_arena *arena) {
    mr_text path;
    mr_text_init(&path, arena);
    mr_text_addf(&path, "%s/catalog/", data_dir);
    for (const char *at = table; *at != '\0'; at++) {
        bool plain =
            *at != '/' && *at != '%' && (unsigned char)*at >= 0x20 && !(at == table && *at == '.');
        mr_text_addf(&path, plain ? "%c" : "%%%02X", (unsigned char)*at);
    }
    mr_text_add(&path, ending);
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
    const char *path = mr_catalog_path(data_dir, table->name, ".json", cx->arena);
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

static const char *text_of(mr_span object, const char *name, mr_arena *arena) {
    mr_span value = mr_jsonvalue_get(object, name);
    return value.bytes == 0 ? NULL : mr_jsonvalue_text(value, arena);
}

static bool take_columns(mr_span list, mr_catalog_table *table, mr_arena *arena) {
    if (mr_jsonvalue_kind_of(list) != MR_JSONVALUE_ARRAY) {
        return false;
    }
    mr_span inside = mr_jsonvalue_inside(list), item;
    uint32_t count = 0;
    for (mr_span at = inside; mr_jsonvalue_next(&at, /* ret_key= */ NULL, &item);) {
        count++;
    }
    if (count > CATALOG_COLUMNS_MAX) {
        return false;
    }
    table->columns = MR_NEW_ARRAY(arena, mr_catalog_column, count);
    while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &item)) {
        if (mr_jsonvalue_kind_of(item) != MR_JSONVALUE_OBJECT) {
            return false;
        }
        mr_catalog_column column = {text_of(item, "name", arena), text_of(item, "type", arena)};
        if (column.name == NULL || column.type == NULL) {
            return false;
        }
        table->columns[table->column_count++] = column;
    }
    return true;
}

// What a later version adds is passed over.
static bool take_entry(mr_span text, mr_catalog_table *table, mr_arena *arena) {
    if (!mr_jsonvalue_check(text) ||
        mr_jsonvalue_kind_of(mr_jsonvalue_trim(text)) != MR_JSONVALUE_OBJECT) {
        return false;
    }
    text = mr_jsonvalue_trim(text);
    mr_span columns = mr_jsonvalue_get(text, "columns");
    table->name = text_of(text, "name", arena);
    table->format = text_of(text, "format", arena);
    table->path = text_of(text, "path", arena);
    const char *pipeline = text_of(text, "pipeline", arena);
    const char *partition_by = text_of(text, "partition_by", arena);
    table->pipeline = pipeline == NULL ? "" : pipeline;
    table->partition_by = partition_by == NULL ? "" : partition_by;
    return table->name != NULL && table->format != NULL && table->path != NULL &&
           (columns.bytes == 0 || take_columns(columns, table, arena));
}

static mr_code load_entry(const char *path, mr_catalog_table *ret, mr_cx *cx) {
    mr_span text;
    MR_TRY(mr_file_load(path, CATALOG_FILE_BYTES_MAX, &text, cx));
    mr_catalog_table table = {.column_count = 0};
    if (text.bytes == 0 || !take_entry(text, &table, cx->arena)) {
        return mr_fail(cx, MR_E_CORRUPT, "Remove it: its pipeline writes it again when it starts.",
                       "catalogue entry \"%s\" cannot be read", path);
    }
    *ret = table;
    return MR_OK;
}

mr_code mr_catalog_find(const char *data_dir, const char *table, mr_catalog_table *ret, mr_cx *cx) {
    return load_entry(mr_catalog_path(data_dir, table, ".json", cx->arena), ret, cx);
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

// Lists until what was listed is of one version: a swap in between would mix two.
static mr_code scan_whole(catalog_scan *scan, const mr_catalog_table *table, mr_cx *cx) {
    for (uint32_t times = 0;; times++) {
        mr_text before, after;
        mr_text_init(&before, cx->arena);
        mr_text_init(&after, cx->arena);
        MR_TRY(mr_swap_mark(scan->data_dir, table->name, &before, cx));
        scan->count = 0;
        mr_code code = mr_file_exists(table->path, cx) ? scan_folder(scan, table->path, cx) : MR_OK;
        mr_error error = cx->error;
        MR_TRY(mr_swap_mark(scan->data_dir, table->name, &after, cx));
        cx->error = error;
        bool same = mr_span_equal(mr_text_span(&before), mr_text_span(&after));
        if (same || times == LIST_TIMES_MAX) {
            return code;
        }
    }
}

mr_code mr_catalog_files(const char *data_dir, const mr_catalog_table *table, const char ***ret,
                         uint32_t *ret_count, mr_cx *cx) {
    catalog_scan scan = {
        .data_dir = data_dir,
        .ending = mr_arena_printf(cx->arena, ".%s", table->format),
    };
    mr_map_init(&scan.marks, cx->arena);
    MR_TRY(scan_whole(&scan, table, cx));
    *ret = scan.paths;
    *ret_count = scan.count;
    return MR_OK;
}
