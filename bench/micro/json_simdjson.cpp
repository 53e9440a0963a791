// simdjson over the same bytes, for bench/micro/json.c: its index alone, and On-Demand reading of the
// fields that the decoder is asked for.

#include <cstddef>
#include <cstdint>
#include <simdjson.h>

extern "C" size_t bench_simdjson_index(const char *data, size_t bytes) {
    static simdjson::dom::parser parser;
    size_t found = 0;
    // A megabyte at a time, its sweet spot.
    for (size_t at = 0; at < bytes;) {
        size_t part = bytes - at < (1u << 20) ? bytes - at : 1u << 20;
        while (at + part < bytes && data[at + part - 1] != '\n') {
            part--;
        }
        if ((parser.capacity() < part && parser.allocate(part, 64) != simdjson::SUCCESS) ||
            parser.implementation->stage1(reinterpret_cast<const uint8_t *>(data + at), part,
                                          simdjson::stage1_mode::streaming_partial) !=
                simdjson::SUCCESS) {
            return 0;
        }
        found += parser.implementation->n_structural_indexes;
        at += part;
    }
    return found;
}

extern "C" size_t bench_simdjson_values(const char *data, size_t bytes) {
    static simdjson::ondemand::parser parser;
    simdjson::ondemand::document_stream stream;
    if (parser.iterate_many(data, bytes, 1 << 20).get(stream) != simdjson::SUCCESS) {
        return 0;
    }
    size_t rows = 0;
    volatile uint64_t sink = 0;
    for (auto doc : stream) {
        std::string_view text;
        int64_t whole;
        double real;
        uint64_t sum = 0;
        simdjson::ondemand::object record;
        if (doc.get_object().get(record)) {
            continue;
        }
        for (auto field : record) {
            std::string_view key;
            if (field.unescaped_key().get(key)) {
                break;
            }
            if (key == "user_id" || key == "product_id") {
                sum += field.value().get_int64().get(whole) ? 0 : static_cast<uint64_t>(whole);
            } else if (key == "amount") {
                sum += field.value().get_double().get(real) ? 0 : static_cast<uint64_t>(real);
            } else if (key == "event_id" || key == "country" || key == "event_time" ||
                       key == "device") {
                sum += field.value().get_string().get(text) ? 0 : text.size();
            }
        }
        sink = sink + sum;
        rows++;
    }
    return rows;
}
