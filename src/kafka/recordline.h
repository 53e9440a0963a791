// Recordline: records as lines of text: what produce reads and consume writes, for people, scripts
// and tasks.
//
// A line is a value; or key, separator and value; or a JSON object with key, value, headers,
// timestamp. What consume writes as JSON, produce reads.

#pragma once

#include "kafka/reader.h"
#include "kafka/writer.h"

typedef struct mr_recordline_form {
    bool json;
    const char *separator;  // Between key and value; NULL: lines have no keys.
    const char *key_field;  // Reading: lines are objects, and this member is the key; or NULL.
    const char *null;       // The text of a null key or value; NULL: none is, and none is written.
} mr_recordline_form;

typedef struct mr_recordline {
    mr_span text;
    const char *file;  // With the number for messages.
    uint64_t number;
} mr_recordline;

// The record of a line; its partition and what the line does not say stay as they are. It borrows
// the line's text, cx->arena and `headers`, of which there are MR_WRITER_HEADERS_MAX.
//   errors  MR_E_VALUE, MR_E_LIMIT, with file and line
mr_code mr_recordline_read(const mr_recordline_form *form, const mr_recordline *line,
                           mr_writer_header *headers, mr_writer_record *record, mr_cx *cx);
// Adds headers behind those of the line.  errors  MR_E_LIMIT: there are too many
mr_code mr_recordline_add_headers(const mr_recordline *line, const mr_writer_header *more,
                                  uint32_t more_count, mr_writer_header *headers,
                                  mr_writer_record *record, mr_cx *cx);
// Appends a record as a line, with its end.
void mr_recordline_add(const mr_recordline_form *form, const char *topic,
                       const mr_reader_record *record, mr_text *out);
// Appends a value as JSON: text, \x and hex digits for what is not UTF-8, or null.
void mr_recordline_add_json(mr_span value, mr_text *out);
