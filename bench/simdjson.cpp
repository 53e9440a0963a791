// simdjson: reads the fields that the retail pipeline uses from a file of JSON lines, On-Demand.
//
//   simdjson FILE      prints one JSON object, with the row count and the sum of the amounts as
//   proof
//
// Why: decoding cannot be much faster than this, so it is one of the limits the benchmark compares
// with. How: iterate_many, one structural pass over a megabyte of lines at a time, one thread;
// fields are asked for in the order in which they stand. The file is read before the clock starts.

#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <sys/resource.h>

using namespace simdjson;

namespace {

struct Sums {
    uint64_t events = 0;
    uint64_t text_bytes = 0;  // Of the strings, so that reading them cannot be left out.
    int64_t ids = 0;
    double amount = 0;
};

uint64_t text_or_null(ondemand::value value) {
    if (value.type() == ondemand::json_type::null) {
        return 0;
    }
    return std::string_view(value.get_string()).size();
}

void read(ondemand::object event, Sums &sums) {
    sums.text_bytes += std::string_view(event.find_field("event_id").get_string()).size();
    sums.ids += int64_t(event.find_field("user_id").get_int64());
    sums.ids += int64_t(event.find_field("product_id").get_int64());
    ondemand::value amount = event.find_field("amount");
    if (amount.type() != ondemand::json_type::null) {
        sums.amount += double(amount.get_double());
    }
    sums.text_bytes += text_or_null(event.find_field("country"));
    sums.text_bytes += text_or_null(event.find_field("device"));
    sums.text_bytes += std::string_view(event.find_field("event_time").get_string()).size();
    sums.events++;
}

double cpu_seconds() {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: simdjson FILE\n");
        return 2;
    }
    try {
        padded_string text = padded_string::load(argv[1]);
        ondemand::parser parser;
        Sums sums;
        double cpu_before = cpu_seconds();
        auto before = std::chrono::steady_clock::now();
        ondemand::document_stream events = parser.iterate_many(text, 1000000);
        for (auto event : events) {
            read(event.get_object(), sums);
        }
        double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
        double cpu = cpu_seconds() - cpu_before;
        std::printf(
            "{\"events\": %llu, \"bytes\": %zu, \"seconds\": %.6f, \"cpu_seconds\": %.6f, "
            "\"amount\": %.2f, \"ids\": %lld, \"text_bytes\": %llu, \"implementation\": \"%s\"}\n",
            (unsigned long long)sums.events, text.size(), seconds, cpu, sums.amount,
            (long long)sums.ids, (unsigned long long)sums.text_bytes,
            get_active_implementation()->name().c_str());
    } catch (const simdjson_error &error) {
        std::fprintf(stderr, "simdjson: %s\n", error.what());
        return 1;
    }
    return 0;
}
