// Tables: see tables.h.

#include "job/tables.h"

#define LOOK_US  (1 * MR_SECOND_US)
#define STILL_US (1 * MR_SECOND_US)

static mr_code rows_load(const mr_tables *tables, const mr_plan_table *plan, mr_rows *rows,
                         mr_cx *cx) {
    mr_rows_init(rows, &plan->schema);
    if (plan->path == NULL) {
        mr_rows_append_rows(rows, plan->rows);
        return MR_OK;
    }
    const mr_loader *loader = mr_port_loader(tables->port, plan->format);
    if (loader == NULL) {
        return mr_fail_at(cx, MR_E_UNSUPPORTED, plan->place, "Use (FORMAT csv).",
                          "static tables cannot be read from format \"%s\"", plan->format);
    }
    mr_code code = loader->load(plan->path, &plan->options, rows, cx);
    if (code != MR_OK) {
        mr_rows_release(rows);
        cx->error.place = plan->place;
        return mr_error_in(cx, code, "loading table \"%s\"", plan->name);
    }
    return MR_OK;
}

static bool same_file(const mr_stat *a, const mr_stat *b) {
    return a->bytes == b->bytes && a->modified_us == b->modified_us && a->inode == b->inode;
}

mr_code mr_tables_open(mr_tables *tables, const mr_pipeline *pipeline, const mr_port *port,
                       mr_cx *cx) {
    tables->port = port;
    uint32_t most = MR_MAX(pipeline->table_count, 1u);
    tables->items = MR_NEW_ARRAY(cx->arena, mr_table *, most);
    tables->files = MR_NEW_ARRAY(cx->arena, mr_tables_file, most);
    for (uint32_t t = 0; t < pipeline->table_count; t++) {
        const mr_plan_table *plan = &pipeline->tables[t];
        mr_tables_file *file = &tables->files[t];
        // Looked at before it is read: what is written in between makes it be read again.
        if (plan->path != NULL && mr_file_stat(plan->path, &file->used, cx) != MR_OK) {
            file->used = (mr_stat){0};
        }
        mr_rows rows;
        MR_TRY(rows_load(tables, plan, &rows, cx));
        tables->items[t] = MR_NEW(cx->arena, mr_table);
        tables->count++;
        MR_TRY(mr_table_init(tables->items[t], plan, &rows, cx));
        file->seen = file->used;
    }
    return MR_OK;
}

static void warn(const mr_tables *tables, const mr_table *table, const mr_cx *cx) {
    if (tables->warn != NULL) {
        tables->warn(tables->self,
                     mr_arena_printf(cx->arena, "table \"%s\" keeps its former rows: %s",
                                     table->plan->name, cx->error.text));
    }
}

static void reload(const mr_tables *tables, mr_table *table, mr_cx *cx) {
    mr_rows rows;
    mr_table fresh;
    if (rows_load(tables, table->plan, &rows, cx) != MR_OK) {
        warn(tables, table, cx);
        return;
    }
    if (mr_table_init(&fresh, table->plan, &rows, cx) != MR_OK) {
        warn(tables, table, cx);
        mr_table_release(&fresh);
        return;
    }
    fresh.version = table->version + 1;  // Joins make their index anew.
    mr_table_release(table);
    *table = fresh;
}

void mr_tables_refresh(mr_tables *tables, mr_cx *cx) {
    int64_t now_us = mr_clock_monotonic_us(cx->plat);
    if (now_us - tables->looked_us < LOOK_US) {
        return;
    }
    tables->looked_us = now_us;
    for (uint32_t t = 0; t < tables->count; t++) {
        mr_tables_file *file = &tables->files[t];
        mr_table *table = tables->items[t];
        mr_stat stat;
        if (table->plan->path == NULL || mr_file_stat(table->plan->path, &stat, cx) != MR_OK) {
            continue;  // A file that is being replaced may be away for a moment.
        }
        if (!same_file(&stat, &file->seen)) {
            file->seen = stat;
            file->still_us = now_us;
        } else if (!same_file(&stat, &file->used) && now_us - file->still_us >= STILL_US) {
            file->used = stat;
            reload(tables, table, cx);
        }
    }
}

void mr_tables_close(mr_tables *tables) {
    for (uint32_t t = 0; t < tables->count; t++) {
        mr_table_release(tables->items[t]);
    }
    tables->count = 0;
}
