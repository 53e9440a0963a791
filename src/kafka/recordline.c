// Recordline: see recordline.h.

#include "kafka/recordline.h"

#include <inttypes.h>
#include <string.h>

#include "base/civil.h"
#include "base/jsonvalue.h"
#include "base/utf8.h"

// ---- reading ---------------------------------------------------------------------------------

// A member of the line's object as text; null and what is missing have no data.
static mr_span text_of(mr_span value, mr_arena *arena) {
    if (value.bytes == 0 || mr_jsonvalue_kind_of(value) == MR_JSONVALUE_NULL) {
        return (mr_span){0};
    }
    mr_text text;
    mr_text_init(&text, arena);
    if (mr_jsonvalue_kind_of(value) == MR_JSONVALUE_STRING) {
        mr_jsonvalue_unescape(value, &text);
    } else {
        mr_jsonvalue_minify(value, &text);
    }
    return (mr_span){mr_text_string(&text), text.bytes};
}

mr_code mr_recordline_add_headers(const mr_recordline *line, const mr_writer_header *more,
                                  uint32_t more_count, mr_writer_header *headers,
                                  mr_writer_record *record, mr_cx *cx) {
    if (record->header_count + more_count > MR_WRITER_HEADERS_MAX) {
        return mr_fail(cx, MR_E_LIMIT, NULL, "%s, line %" PRIu64 ": more than %d headers",
                       line->file, line->number, MR_WRITER_HEADERS_MAX);
    }
    for (uint32_t i = 0; i < more_count; i++) {
        headers[record->header_count++] = more[i];
    }
    return MR_OK;
}

// [{"key":"k","value":"v"}]
static mr_code take_headers(const mr_recordline *line, mr_span list, mr_writer_header *headers,
                            mr_writer_record *record, mr_cx *cx) {
    if (mr_jsonvalue_kind_of(list) != MR_JSONVALUE_ARRAY) {
        return MR_OK;
    }
    mr_span inside = mr_jsonvalue_inside(list);
    mr_span item;
    while (mr_jsonvalue_next(&inside, NULL, &item)) {
        if (mr_jsonvalue_kind_of(item) != MR_JSONVALUE_OBJECT) {
            continue;
        }
        mr_span key = mr_jsonvalue_get(item, "key");
        mr_writer_header header = {.key = key.bytes == 0 ? MR_SPAN("") : text_of(key, cx->arena),
                                   .value = text_of(mr_jsonvalue_get(item, "value"), cx->arena)};
        if (header.key.data != NULL) {
            MR_TRY(mr_recordline_add_headers(line, &header, 1, headers, record, cx));
        }
    }
    return MR_OK;
}

static mr_code check_object(const mr_recordline *line, const char *hint, mr_cx *cx) {
    return mr_jsonvalue_check(line->text) &&
                   mr_jsonvalue_kind_of(mr_jsonvalue_trim(line->text)) == MR_JSONVALUE_OBJECT
               ? MR_OK
               : mr_fail(cx, MR_E_VALUE, hint, "%s, line %" PRIu64 ": not a JSON object",
                         line->file, line->number);
}

static mr_code take_json(const mr_recordline *line, mr_writer_header *headers,
                         mr_writer_record *record, mr_cx *cx) {
    MR_TRY(check_object(line, "Write {\"key\":\"k\",\"value\":\"v\"}, or drop --json.", cx));
    mr_span object = mr_jsonvalue_trim(line->text);
    mr_span list = mr_jsonvalue_get(object, "headers");
    mr_span time = mr_jsonvalue_get(object, "timestamp");
    int64_t number;
    record->key = text_of(mr_jsonvalue_get(object, "key"), cx->arena);
    record->value = text_of(mr_jsonvalue_get(object, "value"), cx->arena);
    if (list.bytes > 0) {
        MR_TRY(take_headers(line, list, headers, record, cx));
    }
    mr_span text = text_of(time, cx->arena);
    if (time.bytes > 0 && mr_text_parse_int64(time, &number)) {
        record->timestamp_ms = number;
    } else if (text.data != NULL && mr_civil_parse(text.data, text.bytes, NULL, &number)) {
        record->timestamp_ms = number / 1000;
    }
    return MR_OK;
}

static mr_code take_key(const mr_recordline_form *form, const mr_recordline *line,
                        mr_writer_record *record, mr_cx *cx) {
    size_t bytes = strlen(form->separator);
    mr_span text = line->text;
    const char *at = text.bytes == 0 ? NULL : memmem(text.data, text.bytes, form->separator, bytes);
    if (at == NULL) {
        return mr_fail(cx, MR_E_VALUE, "Every line needs a key before its separator.",
                       "%s, line %" PRIu64 ": no \"%s\"", line->file, line->number,
                       form->separator);
    }
    record->key = (mr_span){text.data, (size_t)(at - text.data)};
    record->value = (mr_span){at + bytes, text.bytes - (size_t)(at - text.data) - bytes};
    return MR_OK;
}

mr_code mr_recordline_read(const mr_recordline_form *form, const mr_recordline *line,
                           mr_writer_header *headers, mr_writer_record *record, mr_cx *cx) {
    record->headers = headers;
    record->value = line->text;
    if (form->json) {
        MR_TRY(take_json(line, headers, record, cx));
    } else if (form->separator != NULL) {
        MR_TRY(take_key(form, line, record, cx));
    } else if (form->key_field != NULL) {
        MR_TRY(check_object(line, "The key is a member of each line's object.", cx));
        mr_span object = mr_jsonvalue_trim(line->text);
        record->key = text_of(mr_jsonvalue_get(object, form->key_field), cx->arena);
    }
    if (form->null != NULL && record->key.data != NULL && mr_span_is(record->key, form->null)) {
        record->key = (mr_span){0};
    }
    if (form->null != NULL && record->value.data != NULL && mr_span_is(record->value, form->null)) {
        record->value = (mr_span){0};
    } else if (record->value.data == NULL && !form->json) {
        record->value = MR_SPAN("");  // An empty line.
    }
    return MR_OK;
}

// ---- writing ---------------------------------------------------------------------------------

void mr_recordline_add_json(mr_span value, mr_text *out) {
    if (value.data == NULL) {
        mr_text_add(out, "null");
    } else if (mr_utf8_valid(value.data, value.bytes)) {
        mr_text_add_json(out, value);
    } else {
        mr_text_add(out, "\"\\\\x");
        for (size_t i = 0; i < value.bytes; i++) {
            mr_text_addf(out, "%02x", (unsigned char)value.data[i]);
        }
        mr_text_add(out, "\"");
    }
}

static void add_object(const char *topic, const mr_reader_record *record, mr_text *out) {
    mr_text_add(out, "{\"topic\":");
    mr_text_add_json(out, mr_span_of(topic));
    mr_text_addf(out, ",\"partition\":%d,\"offset\":%" PRId64 ",\"timestamp\":", record->partition,
                 record->offset);
    if (record->timestamp_ms < 0) {
        mr_text_add(out, "null");
    } else {
        mr_text_add_char(out, '"');
        mr_civil_print_iso(out, record->timestamp_ms * 1000);
        mr_text_add_char(out, '"');
    }
    mr_text_add(out, ",\"key\":");
    mr_recordline_add_json(record->key, out);
    mr_text_add(out, ",\"value\":");
    mr_recordline_add_json(record->value, out);
    mr_text_addf(out, ",\"headers\":%s}\n",
                 record->headers.bytes == 0 ? "[]" : mr_text_string(&record->headers));
}

static void add_plain(const char *null, mr_span value, mr_text *out) {
    if (value.data == NULL) {
        mr_text_add(out, null == NULL ? "" : null);
    } else {
        mr_text_add_bytes(out, value.data, value.bytes);
    }
}

void mr_recordline_add(const mr_recordline_form *form, const char *topic,
                       const mr_reader_record *record, mr_text *out) {
    if (form->json) {
        add_object(topic, record, out);
        return;
    }
    if (form->separator != NULL) {
        add_plain(form->null, record->key, out);
        mr_text_add(out, form->separator);
    }
    add_plain(form->null, record->value, out);
    mr_text_add_char(out, '\n');
}
