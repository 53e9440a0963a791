// Sink "test_token": stands for a system outside, to prove that such sinks are exactly once.
//
// What an outside sink needs: the rows of an epoch are staged in a local file before the commit
// record; publishing hands them over together with a token in one act of the outside system; a
// token that is there already means that it is done. Here the system is one append-only file:
//   frame: "#<bytes> <crc32c> <token>\n" and bytes of JSON lines; one append, then a sync
// A frame that a crash tore is cut off: the system that is stood for is atomic. The staged file is
// kept until the frame is safe. Crash points: token.staged, token.appended, token.synced. Threads:
// one instance belongs to one driver.

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "codec/json.h"
#include "conn/conn.h"
#include "conn/publish.h"
#include "conn/stage.h"
#include "plat/plat.h"

#define TOKEN_HEADER_MAX 1024
#define TOKEN_BYTES_MAX  ((uint64_t)1 << 31)  // Of a staged file, and of the target when erased.

typedef struct sink_test_token {
    mr_sink base;
    const char *path;  // Option.
    const char *root;  // Option.
    mr_publish names;  // dir: the target's folder.
    const char *target;
    const char *stage_dir;
    mr_publication_id id;
    mr_text rows;  // Heap: of the publication under way.
    uint64_t row_count;
    uint64_t scanned;  // Frames of the target before this byte are known.
    mr_map tokens;     // Of all of them.
    mr_plat *plat;
} sink_test_token;

static const mr_option token_options[] = {
    MR_OPTION(sink_test_token, path, MR_OPT_PATH, NULL, "Folder of the file outside.log."),
    MR_OPTION(sink_test_token, root, MR_OPT_PATH, NULL, "The server's path."),
    MR_OPTION_END,
};

static mr_code token_open(mr_sink *base, const mr_sink_spec *spec, mr_cx *cx) {
    sink_test_token *s = (sink_test_token *)base;
    base->spec = *spec;
    s->plat = cx->plat;
    mr_map_init(&s->tokens, &base->arena);
    MR_TRY(mr_conn_options(token_options, spec->options, s, &base->arena, cx));
    mr_publish_options options = {
        .spec = &base->spec,
        .root = s->root,
        .path = s->path,
        .ending = ".token",
        .arena = &base->arena,
    };
    MR_TRY(mr_publish_open(&s->names, &options, cx));
    base->path = s->names.dir;
    s->target = mr_arena_printf(&base->arena, "%s/outside.log", s->names.dir);
    s->stage_dir = mr_arena_printf(&base->arena, "%s/stage/%s/%s", spec->data_dir, spec->pipeline,
                                   spec->table);
    return MR_OK;
}

// ---- staging ---------------------------------------------------------------------------------

static mr_code token_begin(mr_sink *base, const mr_publication_id *id, mr_cx *cx) {
    (void)cx;
    sink_test_token *s = (sink_test_token *)base;
    s->id = *id;
    s->id.pipeline = s->names.pipeline;
    s->row_count = 0;
    mr_text_clear(&s->rows);
    return MR_OK;
}

static mr_code token_write(mr_sink *base, const mr_batch *in, mr_cx *cx) {
    (void)cx;
    sink_test_token *s = (sink_test_token *)base;
    mr_json_write(base->spec.schema, in, /* nulls= */ true, &s->rows);
    s->row_count += in->sel_count;
    return MR_OK;
}

static mr_code token_prepare(mr_sink *base, mr_publication *ret, mr_cx *cx) {
    sink_test_token *s = (sink_test_token *)base;
    *ret = (mr_publication){.id = s->id, .row_count = s->row_count};
    if (s->row_count == 0) {
        return MR_OK;
    }
    mr_stage stage = {
        .dir = s->stage_dir,
        .name = mr_publish_name(&s->names, &s->id, 0, cx->arena),
        .final = s->target,
        .rows = mr_text_span(&s->rows),
        .row_count = s->row_count,
    };
    MR_TRY(mr_stage_write(&stage, &ret->files, cx));
    MR_TRY(mr_crash_point("token.staged", cx));
    mr_text_clear(&s->rows);
    ret->file_count = 1;
    return MR_OK;
}

static void token_abort(mr_sink *base, mr_cx *cx) {
    (void)cx;
    mr_text_clear(&((sink_test_token *)base)->rows);  // What is staged is swept at the next start.
}

// ---- the system outside ----------------------------------------------------------------------

typedef struct token_frame {
    mr_span token;  // In the buffer that was parsed.
    uint64_t header_bytes;
    uint64_t bytes;
    uint32_t crc;
} token_frame;

static bool parse_hex(mr_span in, uint32_t *ret) {
    uint32_t value = 0;
    for (size_t i = 0; i < in.bytes; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = in.data[i] == '\0' ? NULL : strchr(digits, in.data[i]);
        if (digit == NULL) {
            return false;
        }
        value = value * 16 + (uint32_t)(digit - digits);
    }
    *ret = value;
    return in.bytes == 8;
}

static bool parse_header(mr_span in, token_frame *ret) {
    const char *end = in.bytes == 0 || in.data[0] != '#' ? NULL : memchr(in.data, '\n', in.bytes);
    if (end == NULL) {
        return false;
    }
    mr_span line = {in.data + 1, (size_t)(end - in.data) - 1};
    const char *first = memchr(line.data, ' ', line.bytes);
    if (first == NULL || end - first < 11 || first[9] != ' ') {
        return false;
    }
    int64_t bytes;
    if (!mr_text_parse_int64((mr_span){line.data, (size_t)(first - line.data)}, &bytes) ||
        bytes < 0 || !parse_hex((mr_span){first + 1, 8}, &ret->crc)) {
        return false;
    }
    ret->token = (mr_span){first + 10, (size_t)(end - first) - 10};
    ret->header_bytes = (uint64_t)(end - in.data) + 1;
    ret->bytes = (uint64_t)bytes;
    return true;
}

// Whether the rows of the frame at `at` are whole. Only the last frame can be torn.
static mr_code rows_whole(mr_file *file, uint64_t at, const token_frame *frame, bool *ret,
                          mr_cx *cx) {
    uint64_t from = at + frame->header_bytes;
    *ret = frame->bytes <= file->bytes - from;
    if (!*ret || from + frame->bytes < file->bytes) {
        return MR_OK;
    }
    char *rows = mr_heap_raw(MR_MAX(frame->bytes, (uint64_t)1));
    size_t got;
    mr_code code = mr_file_read(file, from, rows, frame->bytes, &got, cx);
    *ret = code == MR_OK && got == frame->bytes && mr_hash_crc32c(0, rows, got) == frame->crc;
    mr_heap_free(rows);
    return code;
}

// Learns the tokens of frames not yet seen, and cuts off one that is torn.
static mr_code scan(sink_test_token *s, mr_file *file, mr_cx *cx) {
    while (s->scanned < file->bytes) {
        char header[TOKEN_HEADER_MAX];
        size_t got;
        token_frame frame = {0};
        bool whole = false;
        MR_TRY(mr_file_read(file, s->scanned, header, sizeof(header), &got, cx));
        if (parse_header((mr_span){header, got}, &frame)) {
            MR_TRY(rows_whole(file, s->scanned, &frame, &whole, cx));
        }
        if (!whole) {
            return mr_file_truncate(file, s->scanned, cx);
        }
        mr_map_put(&s->tokens, frame.token, s);
        s->scanned += frame.header_bytes + frame.bytes;
    }
    return MR_OK;
}

static mr_code append_frame(sink_test_token *s, mr_file *file, const char *token, mr_span rows,
                            mr_cx *cx) {
    mr_text frame;
    mr_text_init(&frame, NULL);
    mr_text_addf(&frame, "#%zu %08" PRIx32 " %s\n", rows.bytes,
                 mr_hash_crc32c(0, rows.data, rows.bytes), token);
    mr_text_add_bytes(&frame, rows.data, rows.bytes);
    mr_code code = mr_file_append(file, mr_text_span(&frame), cx);
    mr_text_release(&frame);
    MR_TRY(code);
    MR_TRY(mr_crash_point("token.appended", cx));
    MR_TRY(mr_file_sync(file, cx));
    s->scanned = file->bytes;
    mr_map_put(&s->tokens, mr_span_of(token), s);
    return mr_crash_point("token.synced", cx);
}

static mr_code hand_over(sink_test_token *s, mr_file *file, const mr_publication *publication,
                         mr_cx *cx) {
    MR_TRY(scan(s, file, cx));
    const mr_publication_file *staged = &publication->files[0];
    const char *token = mr_publish_name(&s->names, &publication->id, 0, cx->arena);
    if (mr_map_get(&s->tokens, mr_span_of(token)) != NULL) {
        return MR_OK;
    }
    mr_span rows;
    mr_code code = mr_stage_load(staged, TOKEN_BYTES_MAX, &rows, cx);
    if (code == MR_E_MISSING) {
        return mr_fail(cx, MR_E_MISSING, "Restore the file, or go on with --accept-loss.",
                       "%" PRIu64 " rows of epoch %" PRIu64
                       " are gone: \"%s\" is not there, and its token not in \"%s\"",
                       staged->rows, publication->id.epoch, staged->part, s->target);
    }
    MR_TRY(code);
    return append_frame(s, file, token, rows, cx);
}

static mr_code token_publish(mr_sink *base, const mr_publication *publication, mr_cx *cx) {
    sink_test_token *s = (sink_test_token *)base;
    if (publication->file_count == 0) {
        return MR_OK;
    }
    MR_TRY(mr_dir_make(s->names.dir, cx));
    mr_file file = MR_FILE_CLOSED;
    MR_TRY(mr_file_open(&file, s->target, MR_OPEN_APPEND, cx));
    // A token that is read may still be unsynced, when the life before ended between the two.
    mr_code code = hand_over(s, &file, publication, cx);
    code = code == MR_OK ? mr_file_sync(&file, cx) : code;
    mr_file_close(&file, cx->plat);
    if (code != MR_OK) {
        s->scanned = 0;  // What is in the file is to be found out again.
        mr_map_init(&s->tokens, &base->arena);
        return code;
    }
    MR_TRY(mr_dir_sync(s->names.dir, cx));
    return mr_file_delete(publication->files[0].part, cx);
}

// Both folders are durable afterwards, whatever a killed life left of them.
static mr_code token_sweep(mr_sink *base, mr_cx *cx) {
    sink_test_token *s = (sink_test_token *)base;
    MR_TRY(mr_stage_sweep(s->stage_dir, cx));
    MR_TRY(mr_dir_make(s->names.dir, cx));
    return mr_dir_settle(s->names.dir, cx);
}

// Takes this pipeline's frames out of the target.
static mr_code token_erase(mr_sink *base, mr_cx *cx) {
    sink_test_token *s = (sink_test_token *)base;
    MR_TRY(token_sweep(base, cx));
    if (!mr_file_exists(s->target, cx)) {
        return MR_OK;
    }
    mr_span rest;
    MR_TRY(mr_file_load(s->target, TOKEN_BYTES_MAX, &rest, cx));
    mr_text kept;
    mr_text_init(&kept, cx->arena);
    token_frame frame;
    while (parse_header(rest, &frame) && frame.bytes <= rest.bytes - frame.header_bytes) {
        size_t bytes = (size_t)(frame.header_bytes + frame.bytes);
        if (!mr_publish_is_own(&s->names, frame.token)) {
            mr_text_add_bytes(&kept, rest.data, bytes);
        }
        rest = (mr_span){rest.data + bytes, rest.bytes - bytes};
    }
    s->scanned = 0;
    mr_map_init(&s->tokens, &base->arena);
    return mr_file_save(s->target, mr_text_span(&kept), cx);
}

static void token_close(mr_sink *base) {
    mr_text_release(&((sink_test_token *)base)->rows);
    mr_arena_release(&base->arena);
}

const mr_sink_type mr_sink_test_token = {
    .name = "test_token",
    .file = __FILE__,
    .summary = "Stands for a system outside, in tests: one file, rows and token in one append.",
    .size = sizeof(sink_test_token),
    .options = token_options,
    .modes = 1u << MR_MODE_APPEND,
    .default_trigger = "0",
    .registers = false,
    .open = token_open,
    .begin = token_begin,
    .write = token_write,
    .prepare = token_prepare,
    .abort = token_abort,
    .publish = token_publish,
    .recover = token_publish,
    .sweep = token_sweep,
    .erase = token_erase,
    .close = token_close,
};
