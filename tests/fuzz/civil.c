// Fuzz: timestamps and dates. What is read is printed and read back to the same value.

#include "base/civil.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    int64_t us, back;
    int32_t days, days_back;
    mr_text text;
    mr_text_init(&text, NULL);
    if (mr_civil_parse((const char *)data, bytes, NULL, &us)) {
        mr_civil_print(&text, us, NULL);
        mr_assert(mr_civil_parse(text.data, text.bytes, NULL, &back) && back == us);
        mr_text_clear(&text);
        mr_civil_print_iso(&text, us);
        mr_assert(mr_civil_parse(text.data, text.bytes, NULL, &back) && back == us);
        mr_text_clear(&text);
    }
    if (mr_civil_parse_date((const char *)data, bytes, &days)) {
        mr_civil_print_date(&text, days);
        mr_assert(mr_civil_parse_date(text.data, text.bytes, &days_back) && days_back == days);
    }
    mr_text_release(&text);
    return 0;
}
