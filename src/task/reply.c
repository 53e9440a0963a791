// Reply: see reply.h.

#include "task/reply.h"

#include <inttypes.h>
#include <string.h>

#define LINES_MAX 256

void mr_reply_init(mr_reply *reply, bool head) {
    *reply = (mr_reply){.phase = MR_REPLY_STATUS, .head = head};
}

static mr_code bad(mr_cx *cx, const char *what) {
    return mr_fail(cx, MR_E_CORRUPT, "Is it the address of a container engine?",
                   "the answer is no HTTP: %s", what);
}

static bool has_word(const char *value, const char *word) {
    for (size_t bytes = strlen(word); *value != '\0'; value++) {
        if (mr_span_equal_nocase((mr_span){value, MR_MIN(strlen(value), bytes)},
                                 (mr_span){word, bytes})) {
            return true;
        }
    }
    return false;
}

// ---- lines -----------------------------------------------------------------------------------

static mr_code take_status(mr_reply *r, mr_cx *cx) {
    const char *line = r->line;
    bool fits = strncmp(line, "HTTP/1.", 7) == 0 && strlen(line) >= 12 && line[8] == ' ';
    r->status = 0;
    for (int i = 9; fits && i < 12; i++) {
        fits = line[i] >= '0' && line[i] <= '9';
        r->status = r->status * 10 + (line[i] - '0');
    }
    if (!fits || r->status < 100 || r->status > 599 || (line[12] != ' ' && line[12] != '\0')) {
        r->status = 0;
        return bad(cx, "it does not begin with a status");
    }
    r->phase = MR_REPLY_HEADER;
    return MR_OK;
}

static void keep(char *to, size_t room, const char *value) {
    size_t bytes = MR_MIN(strlen(value), room - 1);
    memcpy(to, value, bytes);
    to[bytes] = '\0';
}

static mr_code take_length(mr_reply *r, const char *value, mr_cx *cx) {
    int64_t bytes;
    if (strchr("0123456789", value[0]) == NULL || !mr_text_parse_int64(mr_span_of(value), &bytes) ||
        bytes < 0 || (r->has_length && r->left != (uint64_t)bytes)) {
        return bad(cx, "its length is not a number, or it has two");
    }
    r->has_length = true;
    r->left = (uint64_t)bytes;
    return MR_OK;
}

// A body begins, unless there is none. An answer that says "go on" is followed by the real one.
static mr_code head_done(mr_reply *r, mr_cx *cx) {
    if (r->status == 101) {
        return bad(cx, "it changes the protocol, which nobody has asked for");
    }
    if (r->status < 200) {
        bool head = r->head;
        uint32_t lines = r->lines;
        mr_reply_init(r, head);
        r->lines = lines;
        return MR_OK;
    }
    bool none = r->head || r->status == 204 || r->status == 304;
    if (none || (!r->chunked && r->has_length && r->left == 0)) {
        r->phase = MR_REPLY_DONE;
        return MR_OK;
    }
    r->until_end = !r->chunked && !r->has_length;
    r->phase = r->chunked ? MR_REPLY_CHUNK_SIZE : MR_REPLY_BODY;
    return MR_OK;
}

static mr_code take_header(mr_reply *r, mr_cx *cx) {
    if (r->line[0] == '\0') {
        return head_done(r, cx);
    }
    const char *colon = strchr(r->line, ':');
    if (colon == NULL || colon == r->line) {
        return bad(cx, "a line of its head has no name");
    }
    mr_span name = {r->line, (size_t)(colon - r->line)};
    mr_span trimmed = mr_span_trim(mr_span_of(colon + 1));
    char value[256];
    size_t bytes = MR_MIN(trimmed.bytes, sizeof(value) - 1);
    memcpy(value, trimmed.data, bytes);
    value[bytes] = '\0';
    if (mr_span_equal_nocase(name, MR_SPAN("content-length"))) {
        return take_length(r, value, cx);
    }
    if (mr_span_equal_nocase(name, MR_SPAN("transfer-encoding"))) {
        if (!mr_span_equal_nocase(mr_span_of(value), MR_SPAN("chunked")) &&
            !mr_span_equal_nocase(mr_span_of(value), MR_SPAN("identity"))) {
            return bad(cx, "its body is encoded in a way that was not asked for");
        }
        r->chunked = r->chunked || has_word(value, "chunked");
    } else if (mr_span_equal_nocase(name, MR_SPAN("content-type"))) {
        keep(r->type, sizeof(r->type), value);
    } else if (mr_span_equal_nocase(name, MR_SPAN("api-version"))) {
        keep(r->version, sizeof(r->version), value);
    } else if (mr_span_equal_nocase(name, MR_SPAN("libpod-api-version"))) {
        r->is_podman = true;
    }
    return MR_OK;
}

static mr_code take_chunk_size(mr_reply *r, mr_cx *cx) {
    uint64_t size = 0;
    size_t digits = 0;
    for (; digits < r->line_bytes; digits++) {
        char c = r->line[digits];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            break;
        }
        if (size > UINT64_MAX >> 5) {
            return bad(cx, "a chunk is longer than can be");
        }
        size = size * 16 + (uint64_t)digit;
    }
    const char *rest = r->line + digits;
    if (digits == 0 || (rest[0] != '\0' && strchr("; \t", rest[0]) == NULL)) {
        return bad(cx, "a chunk's size is no number");
    }
    r->left = size;
    r->phase = size == 0 ? MR_REPLY_TRAILER : MR_REPLY_CHUNK;
    return MR_OK;
}

static mr_code take_line(mr_reply *r, mr_cx *cx) {
    bool cr = r->line_bytes > 0 && r->line[r->line_bytes - 1] == '\r';
    r->line_bytes -= cr ? 1 : 0;
    r->line[r->line_bytes] = '\0';
    if (memchr(r->line, '\0', r->line_bytes) != NULL) {
        return bad(cx, "it holds a zero byte where text must be");
    }
    if (r->phase != MR_REPLY_CHUNK_SIZE && r->phase != MR_REPLY_CHUNK_END &&
        ++r->lines > LINES_MAX) {
        return bad(cx, "its head does not end");
    }
    mr_code code = MR_OK;
    switch (r->phase) {
    case MR_REPLY_STATUS: code = take_status(r, cx); break;
    case MR_REPLY_HEADER: code = take_header(r, cx); break;
    case MR_REPLY_CHUNK_SIZE: code = take_chunk_size(r, cx); break;
    case MR_REPLY_CHUNK_END:
        code = r->line_bytes == 0 ? MR_OK : bad(cx, "a chunk is longer than it says");
        r->phase = MR_REPLY_CHUNK_SIZE;
        break;
    case MR_REPLY_TRAILER: r->phase = r->line_bytes == 0 ? MR_REPLY_DONE : MR_REPLY_TRAILER; break;
    case MR_REPLY_BODY:
    case MR_REPLY_CHUNK:
    case MR_REPLY_DONE: break;
    }
    r->line_bytes = 0;
    return code;
}

// ---- pieces ----------------------------------------------------------------------------------

static mr_code add_line(mr_reply *r, mr_span *piece, mr_cx *cx) {
    const char *end = memchr(piece->data, '\n', piece->bytes);
    size_t bytes = end == NULL ? piece->bytes : (size_t)(end - piece->data);
    if (bytes > sizeof(r->line) - 1 - r->line_bytes) {
        return bad(cx, "a line of it does not end");
    }
    memcpy(r->line + r->line_bytes, piece->data, bytes);
    r->line_bytes += (uint32_t)bytes;
    bytes += end == NULL ? 0 : 1;
    *piece = (mr_span){piece->data + bytes, piece->bytes - bytes};
    return end == NULL ? MR_OK : take_line(r, cx);
}

static mr_code add_body(mr_reply *r, mr_span *piece, const mr_reply_sink *sink, mr_cx *cx) {
    bool all = r->until_end || r->left >= piece->bytes;
    mr_span now = {piece->data, all ? piece->bytes : (size_t)r->left};
    *piece = (mr_span){piece->data + now.bytes, piece->bytes - now.bytes};
    if (!r->until_end) {
        r->left -= now.bytes;
        if (r->left == 0) {
            r->phase = r->chunked ? MR_REPLY_CHUNK_END : MR_REPLY_DONE;
        }
    }
    return now.bytes == 0 ? MR_OK : sink->put(sink->self, now, cx);
}

mr_code mr_reply_put(mr_reply *reply, mr_span piece, const mr_reply_sink *sink, mr_cx *cx) {
    while (piece.bytes > 0 && reply->phase != MR_REPLY_DONE) {
        bool body = reply->phase == MR_REPLY_BODY || reply->phase == MR_REPLY_CHUNK;
        MR_TRY(body ? add_body(reply, &piece, sink, cx) : add_line(reply, &piece, cx));
    }
    return MR_OK;
}

mr_code mr_reply_end(mr_reply *reply, mr_cx *cx) {
    if (reply->phase == MR_REPLY_BODY && reply->until_end) {
        reply->phase = MR_REPLY_DONE;
    }
    if (reply->phase == MR_REPLY_DONE) {
        return MR_OK;
    }
    bool none = reply->phase == MR_REPLY_STATUS && reply->line_bytes == 0 && reply->lines == 0;
    mr_code code = mr_fail(cx, MR_E_CORRUPT, NULL, "%s",
                           none ? "the connection was closed without an answer"
                                : "the connection was closed in the middle of an answer");
    return mr_error_flag(cx, code, MR_RETRY);
}
