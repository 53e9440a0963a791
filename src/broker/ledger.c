// Ledger: a small file of rows of words, written whole; see ledger.h.

#include "broker/ledger.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"

#define LEDGER_BYTES_MAX ((uint64_t)256 << 20)
#define LEDGER_ADVICE \
    "Put back a copy of the file; without it the broker does not know what is set."

// ---- writing ---------------------------------------------------------------------------------

static void end_row(mr_ledger *ledger) {
    if (ledger->in_row) {
        mr_text_add_char(&ledger->text, '\n');
    }
    ledger->in_row = false;
}

void mr_ledger_begin(mr_ledger *ledger, const char *kind, mr_cx *cx) {
    *ledger = (mr_ledger){.in_row = false};
    mr_text_init(&ledger->text, cx->arena);
    mr_text_addf(&ledger->text, "millrace %s 1\n", kind);
}

void mr_ledger_row_begin(mr_ledger *ledger, const char *word) {
    end_row(ledger);
    mr_text_add(&ledger->text, word);
    ledger->in_row = true;
}

void mr_ledger_word(mr_ledger *ledger, mr_span word) {
    mr_assert(ledger->in_row);
    mr_text_add_char(&ledger->text, ' ');
    if (word.bytes == 0) {
        mr_text_add_char(&ledger->text, '%');
    }
    for (size_t i = 0; i < word.bytes; i++) {
        unsigned char c = (unsigned char)word.data[i];
        bool plain = c > 0x20 && c < 0x7F && c != '%';
        mr_text_addf(&ledger->text, plain ? "%c" : "%%%02X", c);
    }
}

void mr_ledger_number(mr_ledger *ledger, int64_t number) {
    mr_text_addf(&ledger->text, " %" PRId64, number);
}

mr_code mr_ledger_save(mr_ledger *ledger, const char *path, mr_cx *cx) {
    end_row(ledger);
    uint32_t crc = mr_hash_crc32c(0, ledger->text.data, ledger->text.bytes);
    mr_text_addf(&ledger->text, "end %08" PRIx32 "\n", crc);
    return mr_file_save(path, mr_text_span(&ledger->text), cx);
}

// ---- reading ---------------------------------------------------------------------------------

static int hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Words are decoded in place: they only get shorter.
static bool decode(char *word, size_t *bytes) {
    size_t to = 0;
    for (size_t at = 0; at < *bytes; at++) {
        if (word[at] != '%' || *bytes == 1) {
            word[to] = word[at];
            to += word[at] != '%';
            continue;
        }
        int high = at + 2 < *bytes ? hex(word[at + 1]) : -1;
        int low = high >= 0 ? hex(word[at + 2]) : -1;
        if (low < 0) {
            return false;
        }
        word[to++] = (char)(high << 4 | low);
        at += 2;
    }
    word[to] = '\0';
    *bytes = to;
    return true;
}

static bool split(char *line, size_t bytes, mr_ledger_row *ret, mr_cx *cx) {
    uint32_t count = 1;
    for (size_t i = 0; i < bytes; i++) {
        count += line[i] == ' ';
    }
    mr_span *words = MR_NEW_ARRAY(cx->arena, mr_span, count);
    char *at = line, *end = line + bytes;
    for (uint32_t w = 0; w < count; w++) {
        char *stop = memchr(at, ' ', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        size_t length = (size_t)(stop - at);
        *stop = '\0';
        if (length == 0 || !decode(at, &length)) {
            return false;
        }
        words[w] = (mr_span){at, length};
        at = stop + 1;
    }
    *ret = (mr_ledger_row){words, count};
    return true;
}

// Cuts the last line off; false when it does not vouch for what is before it.
static bool checked(mr_span *text) {
    static const size_t tail = sizeof("end 00000000\n") - 1;
    if (text->bytes < tail) {
        return false;
    }
    text->bytes -= tail;
    char want[16];
    mr_text line;
    mr_arena none = {0};
    mr_text_init(&line, &none);
    mr_text_addf(&line, "end %08" PRIx32 "\n", mr_hash_crc32c(0, text->data, text->bytes));
    memcpy(want, line.data, tail);
    mr_arena_release(&none);
    return memcmp(want, text->data + text->bytes, tail) == 0;
}

mr_code mr_ledger_load(const char *path, const char *kind, mr_ledger_row **ret, uint32_t *ret_count,
                       mr_cx *cx) {
    mr_span text;
    MR_TRY(mr_file_load(path, LEDGER_BYTES_MAX, &text, cx));
    const char *head = mr_arena_printf(cx->arena, "millrace %s 1\n", kind);
    if (!checked(&text) || !mr_span_starts(text, head)) {
        return mr_fail(cx, MR_E_CORRUPT, LEDGER_ADVICE,
                       "\"%s\" is not the list of %s that was written", path, kind);
    }
    char *at = (char *)text.data + strlen(head), *end = (char *)text.data + text.bytes;
    uint32_t count = 0;
    for (char *c = at; c < end; c++) {
        count += *c == '\n';
    }
    mr_ledger_row *rows = MR_NEW_ARRAY(cx->arena, mr_ledger_row, count);
    for (uint32_t r = 0; r < count; r++) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL || !split(at, (size_t)(stop - at), &rows[r], cx)) {
            return mr_fail(cx, MR_E_CORRUPT, LEDGER_ADVICE, "\"%s\" line %u cannot be read", path,
                           r + 2);
        }
        at = stop + 1;
    }
    *ret = rows;
    *ret_count = count;
    return MR_OK;
}

mr_code mr_ledger_int(const mr_ledger_row *row, uint32_t word, int64_t *ret, mr_cx *cx) {
    if (word >= row->count || !mr_text_parse_int64(row->words[word], ret)) {
        return mr_fail(cx, MR_E_CORRUPT, LEDGER_ADVICE, "row \"%s\" has no number at word %u",
                       row->words[0].data, word + 1);
    }
    return MR_OK;
}
