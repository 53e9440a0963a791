// simdjson: reads the fields that the retail pipeline uses from a file of JSON lines, On-Demand.
//
//   simdjson FILE [THREADS]   prints one JSON object, with the row count and sums as proof
//
// Why: decoding cannot be much faster than this, so it is one of the limits the benchmark compares
// with. How: iterate_many, one structural pass over a megabyte of lines at a time; fields are asked
// for in the order in which they stand. Each thread has its own part of the lines. The file is read
// before the clock starts.

#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sys/resource.h>
#include <thread>
#include <vector>

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
    if (argc != 2 && argc != 3) {
        std::fprintf(stderr, "usage: simdjson FILE [THREADS]\n");
        return 2;
    }
    try {
        padded_string text = padded_string::load(argv[1]);
        size_t threads = argc == 3 ? std::strtoul(argv[2], nullptr, 10) : 1;
        std::vector<size_t> cuts{0};  // Each behind a line's end.
        for (size_t i = 1; i < threads; i++) {
            size_t end = std::string_view(text).find('\n', text.size() * i / threads);
            cuts.push_back(end == std::string_view::npos ? text.size() : end + 1);
        }
        cuts.push_back(text.size());
        std::vector<Sums> sums(threads);
        std::vector<std::exception_ptr> errors(threads);
        auto part = [&](size_t i) {
            try {
                ondemand::parser parser;
                ondemand::document_stream events = parser.iterate_many(
                    text.data() + cuts[i], cuts[i + 1] - cuts[i], 1000000);
                for (auto event : events) {
                    read(event.get_object(), sums[i]);
                }
            } catch (...) {
                errors[i] = std::current_exception();
            }
        };
        double cpu_before = cpu_seconds();
        auto before = std::chrono::steady_clock::now();
        std::vector<std::thread> running;
        for (size_t i = 1; i < threads; i++) {
            running.emplace_back(part, i);
        }
        part(0);
        for (auto &thread : running) {
            thread.join();
        }
        double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
        double cpu = cpu_seconds() - cpu_before;
        Sums all;
        for (size_t i = 0; i < threads; i++) {
            if (errors[i]) {
                std::rethrow_exception(errors[i]);
            }
            all.events += sums[i].events;
            all.text_bytes += sums[i].text_bytes;
            all.ids += sums[i].ids;
            all.amount += sums[i].amount;
        }
        std::printf(
            "{\"events\": %llu, \"bytes\": %zu, \"seconds\": %.6f, \"cpu_seconds\": %.6f, "
            "\"amount\": %.2f, \"ids\": %lld, \"text_bytes\": %llu, \"implementation\": \"%s\"}\n",
            (unsigned long long)all.events, text.size(), seconds, cpu, all.amount,
            (long long)all.ids, (unsigned long long)all.text_bytes,
            get_active_implementation()->name().c_str());
    } catch (const simdjson_error &error) {
        std::fprintf(stderr, "simdjson: %s\n", error.what());
        return 1;
    }
    return 0;
}
