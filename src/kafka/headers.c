// Headers: those of a record as a JSON text; see headers.h.

#include "kafka/headers.h"

#include "base/utf8.h"

void mr_headers_add(mr_text *out, mr_span key, mr_span value) {
    mr_text_add(out, out->bytes == 0 ? "[{\"key\":" : ",{\"key\":");
    mr_text_add_json(out, key);
    mr_text_add(out, ",\"value\":");
    if (value.data == NULL) {
        mr_text_add(out, "null");
    } else if (mr_utf8_valid(value.data, value.bytes)) {
        mr_text_add_json(out, value);
    } else {
        mr_text_add(out, "\"\\\\x");
        for (size_t i = 0; i < value.bytes; i++) {
            mr_text_addf(out, "%02x", ((const unsigned char *)value.data)[i]);
        }
        mr_text_add_char(out, '"');
    }
    mr_text_add_char(out, '}');
}

void mr_headers_end(mr_text *out) {
    mr_text_add(out, out->bytes == 0 ? "[]" : "]");
}
