// Moment: see moment.h.

#include "kafka/moment.h"

#include <string.h>

#include "base/civil.h"

#define YEAR_MAX 9999  // A larger number is no year, so milliseconds.

bool mr_moment_parse(const char *text, int64_t now_us, int64_t *ret_ms) {
    int64_t us;
    if (text[0] == '-' && mr_text_parse_duration_us(mr_span_of(text + 1), &us)) {
        *ret_ms = (now_us - us) / 1000;
        return true;
    }
    if (mr_text_parse_int64(mr_span_of(text), &us) && us > YEAR_MAX) {
        *ret_ms = us;
        return true;
    }
    if (mr_civil_parse(text, strlen(text), NULL, &us) && us >= 0) {
        *ret_ms = us / 1000;
        return true;
    }
    return false;
}

bool mr_moment_from(const char *text, int64_t now_us, mr_reader_options *ret) {
    if (strcmp(text, "beginning") == 0 || strcmp(text, "earliest") == 0) {
        ret->from = MR_READER_EARLIEST;
        return true;
    }
    if (strcmp(text, "end") == 0 || strcmp(text, "latest") == 0) {
        ret->from = MR_READER_LATEST;
        return true;
    }
    if (mr_text_parse_int64(mr_span_of(text), &ret->number)) {
        ret->from = MR_READER_OFFSET;
        return true;
    }
    ret->from = MR_READER_TIME;
    return mr_moment_parse(text, now_us, &ret->number);
}
