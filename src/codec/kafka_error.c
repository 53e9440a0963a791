// Kafka error: names and words of Kafka's error codes; see kafka_error.h.

#include "codec/kafka_error.h"

const char *mr_kafka_error_text(int16_t code) {
    switch (code) {
#define ROW(name, number, text) \
    case number: return text;
        MR_KAFKA_ERRORS(ROW)
#undef ROW
    default: return "error";
    }
}

const char *mr_kafka_error_name(int16_t code) {
    switch (code) {
#define ROW(name, number, text) \
    case number: return #name;
        MR_KAFKA_ERRORS(ROW)
#undef ROW
    default: return "error";
    }
}
