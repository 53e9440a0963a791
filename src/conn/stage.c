// Stage: see stage.h.

#include "conn/stage.h"

#include "base/hash.h"
#include "plat/plat.h"

static mr_code write_durable(const char *path, mr_span rows, mr_cx *cx) {
    mr_file file = MR_FILE_CLOSED;
    MR_TRY(mr_file_open(&file, path, MR_OPEN_TRUNCATE, cx));
    mr_code code = mr_file_append(&file, rows, cx);
    code = code == MR_OK ? mr_file_sync(&file, cx) : code;
    mr_file_close(&file, cx->plat);
    return code;
}

mr_code mr_stage_write(const mr_stage *stage, mr_publication_file **ret, mr_cx *cx) {
    mr_publication_file *file = MR_NEW(cx->arena, mr_publication_file);
    *file = (mr_publication_file){
        .part = mr_arena_printf(cx->arena, "%s/%s", stage->dir, stage->name),
        .final = mr_arena_string(cx->arena, stage->final),
        .bytes = stage->rows.bytes,
        .rows = stage->row_count,
        .crc = mr_hash_crc32c(0, stage->rows.data, stage->rows.bytes),
    };
    MR_TRY(mr_dir_make(stage->dir, cx));
    MR_TRY(write_durable(file->part, stage->rows, cx));
    MR_TRY(mr_dir_sync(stage->dir, cx));
    *ret = file;
    return MR_OK;
}

mr_code mr_stage_load(const mr_publication_file *file, uint64_t bytes_max, mr_span *ret,
                      mr_cx *cx) {
    MR_TRY(mr_file_load(file->part, bytes_max, ret, cx));
    if (ret->bytes != file->bytes || mr_hash_crc32c(0, ret->data, ret->bytes) != file->crc) {
        return mr_fail(cx, MR_E_CORRUPT, "Restore the file, or go on with --accept-loss.",
                       "file \"%s\" is not what was committed", file->part);
    }
    return MR_OK;
}

mr_code mr_stage_sweep(const char *dir, mr_cx *cx) {
    MR_TRY(mr_dir_delete(dir, cx));
    MR_TRY(mr_dir_make(dir, cx));
    return mr_dir_settle(dir, cx);
}
