// Producer ids: see producer_ids.h. The file is one line: the end of the block, in decimal.

#include "broker/producer_ids.h"

#define BLOCK          10000
#define FILE_BYTES_MAX 64

static mr_code save(mr_producer_ids *ids, int64_t end, mr_cx *cx) {
    mr_text line;
    mr_text_init(&line, cx->arena);
    mr_text_addf(&line, "%lld\n", (long long)end);
    MR_TRY(mr_file_save(ids->path, mr_text_span(&line), cx));
    ids->end = end;
    return MR_OK;
}

mr_code mr_producer_ids_open(mr_producer_ids *ids, const char *dir, mr_arena *arena, mr_cx *cx) {
    ids->path = mr_arena_printf(arena, "%s/producer-ids", dir);
    ids->next = ids->end = 0;
    mr_span line;
    mr_code code = mr_file_load(ids->path, FILE_BYTES_MAX, &line, cx);
    if (code == MR_OK) {
        int64_t end = 0;
        if (!mr_text_parse_int64(mr_span_trim(line), &end) || end < 0) {
            return mr_fail(cx, MR_E_CORRUPT,
                           "Restore it, or write a number above all producer ids in use into it.",
                           "%s does not hold a number", ids->path);
        }
        ids->next = ids->end = end;
    } else if (code != MR_E_MISSING) {
        return code;
    }
    mr_mutex_init(&ids->mutex);
    return MR_OK;
}

void mr_producer_ids_close(mr_producer_ids *ids) {
    mr_mutex_release(&ids->mutex);
}

mr_code mr_producer_ids_renew(mr_producer_ids *ids, mr_cx *cx) {
    mr_mutex_lock(&ids->mutex);
    // The block grows at its end: what is left of it stays in use.
    mr_code code = ids->end - ids->next < BLOCK / 2 ? save(ids, ids->end + BLOCK, cx) : MR_OK;
    mr_mutex_unlock(&ids->mutex);
    return code;
}

mr_code mr_producer_ids_take(mr_producer_ids *ids, int64_t *ret, mr_cx *cx) {
    mr_mutex_lock(&ids->mutex);
    mr_code code = ids->next == ids->end ? save(ids, ids->end + BLOCK, cx) : MR_OK;
    if (code == MR_OK) {
        *ret = ids->next++;
    }
    mr_mutex_unlock(&ids->mutex);
    return code;
}

mr_code mr_producer_ids_skip(mr_producer_ids *ids, int64_t seen, mr_cx *cx) {
    mr_mutex_lock(&ids->mutex);
    mr_code code = MR_OK;
    if (seen >= ids->next) {
        code = seen >= ids->end ? save(ids, seen + 1 + BLOCK, cx) : MR_OK;
        if (code == MR_OK) {
            ids->next = seen + 1;
        }
    }
    mr_mutex_unlock(&ids->mutex);
    return code;
}
