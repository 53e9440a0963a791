// Drive: what the tests of sources share; see drive.h.

#include "unit/conn/drive.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void drive_init(drive *d) {
    memset(d, 0, sizeof(*d));
    mr_cx_init(&d->cx, &d->arena, mr_plat_linux());
    memcpy(d->dir, "/tmp/millrace-conn-XXXXXX", sizeof("/tmp/millrace-conn-XXXXXX"));
    if (mkdtemp(d->dir) == NULL) {
        abort();
    }
    d->wanted = (mr_fields){.items = d->fields, .event_time = -1};
    d->values.items = d->options;
    d->spec = (mr_source_spec){
        .table = "events",
        .fields = &d->wanted,
        .options = &d->values,
        .until = MR_UNTIL_END,
    };
}

void drive_release(drive *d) {
    drive_close(d);
    (void)!mr_dir_delete(d->dir, &d->cx);
    mr_text_release(&d->rows);
    mr_arena_release(&d->arena);
}

void drive_field(drive *d, const char *name, mr_type_id type, mr_field_from from) {
    d->fields[d->wanted.count++] = (mr_field){.name = name, .type = MR_TYPE(type), .from = from};
}

void drive_option(drive *d, const char *name, const char *value) {
    for (size_t i = 0; i < d->values.count; i++) {
        if (strcmp(d->options[i].name, name) == 0) {
            d->options[i].value = value;
            return;
        }
    }
    d->options[d->values.count++] = (mr_option_value){name, value, MR_NOWHERE};
}

const char *drive_path(drive *d, const char *name) {
    return mr_arena_printf(&d->arena, "%s/%s", d->dir, name);
}

static void put(drive *d, const char *name, const char *text, const char *mode) {
    FILE *file = fopen(drive_path(d, name), mode);
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        abort();
    }
}

void drive_write(drive *d, const char *name, const char *text) {
    put(d, name, text, "w");
}

void drive_append(drive *d, const char *name, const char *text) {
    put(d, name, text, "a");
}

void drive_shell(drive *d, const char *format) {
    mr_text command = {.arena = &d->arena};
    for (const char *at = format; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's') {
            mr_text_add(&command, d->dir);
            at++;
        } else {
            mr_text_add_char(&command, *at);
        }
    }
    if (system(mr_text_string(&command)) != 0) {
        abort();
    }
}

mr_code drive_open(drive *d, const mr_source_type *type) {
    drive_close(d);
    d->source = mr_heap_alloc(type->size);
    d->source->type = type;
    return type->open(d->source, &d->spec, &d->cx);
}

void drive_close(drive *d) {
    if (d->source != NULL) {
        d->source->type->close(d->source);
        mr_heap_free(d->source);
        d->source = NULL;
    }
}

static void keep_batch(drive *d, const mr_batch *batch) {
    d->batch_count++;
    for (uint32_t row = 0; row < batch->rows; row++) {
        mr_text_addf(&d->rows, "%" PRId64, batch->origin->offsets[row]);
        for (uint32_t c = 0; c < batch->column_count; c++) {
            mr_text_add_char(&d->rows, '|');
            if (mr_vector_is_null(&batch->columns[c], row)) {
                mr_text_add(&d->rows, "NULL");
            } else {
                mr_vector_print(&batch->columns[c], row, NULL, &d->rows);
            }
        }
        mr_text_add_char(&d->rows, '\n');
    }
}

static void keep_chunk(drive *d, const mr_chunk *chunk) {
    const mr_decoded *decoded = &chunk->decoded;
    for (uint32_t i = 0; i < decoded->batch_count; i++) {
        keep_batch(d, &decoded->batches[i]);
    }
    for (uint32_t i = 0; i < decoded->bad_count; i++) {
        const mr_bad_record *bad = &decoded->bad[i];
        mr_text_addf(&d->rows, "%" PRId64 "!%s!%.*s\n", bad->offset, bad->reason,
                     (int)MR_MIN(bad->raw_bytes, 60u), bad->raw);
    }
    d->row_count += decoded->row_count;
    d->bad_count += decoded->bad_count;
    d->chunk_count++;
}

mr_code drive_chunks(drive *d, uint64_t chunks_max) {
    const mr_source_type *type = d->source->type;
    mr_reader *reader;
    MR_TRY(type->reader_open(d->source, &reader, &d->cx));
    mr_code code = MR_OK;
    for (uint64_t i = 0; i < chunks_max; i++) {
        mr_claim claim;
        mr_claim_result result;
        code = type->claim(d->source, &claim, &result, &d->cx);
        if (code != MR_OK || result != MR_CLAIM_TAKEN) {
            break;
        }
        mr_chunk chunk;
        code = type->read(reader, &claim, &chunk, &d->cx);
        if (code != MR_OK) {
            break;
        }
        keep_chunk(d, &chunk);
        mr_hold_unref(chunk.hold);
    }
    type->reader_close(reader);
    return code;
}

mr_code drive_drain(drive *d) {
    return drive_chunks(d, UINT64_MAX);
}
