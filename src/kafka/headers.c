// Headers: those of a record as a JSON text; see headers.h.

#include "kafka/headers.h"

#include "kafka/recordline.h"

void mr_headers_add(mr_text *out, mr_span key, mr_span value) {
    mr_text_add(out, out->bytes == 0 ? "[{\"key\":" : ",{\"key\":");
    mr_text_add_json(out, key);
    mr_text_add(out, ",\"value\":");
    mr_recordline_add_json(value, out);
    mr_text_add_char(out, '}');
}

void mr_headers_end(mr_text *out) {
    mr_text_add(out, out->bytes == 0 ? "[]" : "]");
}
