// Tidy's rules: limits, layers, library headers and banned calls, one row each.
//
// A new folder of src is a row of `layers`; a call that must not be made is a row of `banned`.
#pragma once

enum {
    FUNCTION_LINES_MAX = 70,
    PARAMETERS_MAX = 5,
    FILE_LINES_MAX = 600,
    FILE_LINES_REASON = 1000,  // Above this a file says why in its first comment.
    HEADER_LINES_MAX = 250,
    COLUMNS_MAX = 100,
};

// The house: a folder of src may include itself and what its row names.
#define ABOVE_JOB "base plat column codec wire log port store sql exec lake kafka conn"
static const struct {
    const char *folder;
    const char *may_include;
} layers[] = {
    {"base", ""},
    {"plat", "base"},
    {"column", "base"},
    {"codec", "base column"},
    {"wire", "base"},
    {"log", "base plat codec"},
    {"port", "base column"},
    {"store", "base plat"},
    {"sql", "base column port"},
    {"exec", "base plat column sql port"},
    {"lake", "base plat column port store"},
    {"kafka", "base plat column codec wire port"},
    {"broker", "base plat codec wire log port store"},
    {"conn", "base plat column codec log kafka lake port store"},
    {"job", ABOVE_JOB},
    {"task", ABOVE_JOB " job"},
    {"flow", "base plat column codec port store"},
    {"export", "base sql flow"},
    {"serve", ABOVE_JOB " broker job task flow export"},
    {"owner", ABOVE_JOB " broker job task flow serve"},
    {"cli", ABOVE_JOB " broker job task flow export serve owner"},
};

// A system or library header and the folders of src that may include it; the first row that fits.
static const struct {
    const char *prefix;
    const char *folders;
} headers[] = {
    {"pg_query", "sql"},  {"protobuf-c", "sql"},    {"librdkafka/", "kafka"},
    {"duckdb", "lake"},   {"zstd", "codec"},        {"lz4", "codec"},
    {"snappy", "codec"},  {"zlib", "codec"},        {"yaml.h", "codec"},
    {"unistd.h", "plat"}, {"fcntl.h", "plat"},      {"sys/auxv.h", "base plat codec"},
    {"sys/", "plat"},     {"pthread.h", "plat"},    {"signal.h", "plat"},
    {"poll.h", "plat"},   {"dirent.h", "plat"},     {"netdb.h", "plat"},
    {"arpa/", "plat"},    {"netinet/", "plat"},     {"spawn.h", "plat"},
    {"glob.h", "plat"},   {"dlfcn.h", "plat"},      {"locale.h", ""},
    {"assert.h", ""},     {"threads.h", ""},        {"openssl/", "broker task"},
    {"sqlite3", "store"}, {"postgresql/", "store"}, {"sodium", "store"},
    {"curl/", "task"},
};

// A call (or a family, with *), the paths that may make it, and what to call instead.
#define TESTING "tests/ tools/ bench/"
static const struct {
    const char *call;
    const char *paths;
    const char *instead;
} banned[] = {
    {"malloc", "src/base/arena.c src/column/ " TESTING, "mr_arena_alloc"},
    {"calloc", "src/base/arena.c src/column/ " TESTING, "mr_arena_alloc"},
    {"realloc", "src/base/arena.c src/column/ " TESTING, "mr_arena_alloc or mr_text"},
    {"free", "src/base/arena.c src/column/ " TESTING, "an arena's release"},
    {"strdup", TESTING, "mr_arena_string"},
    {"alloca", "", "mr_arena_alloc"},
    {"strcpy", "", "mr_arena_string or mr_text_add"},
    {"strcat", "", "mr_text_add"},
    {"strncpy", "", "mr_span and memcpy"},
    {"sprintf", "", "mr_text_addf"},
    {"vsprintf", "", "mr_text_addf"},
    {"gets", "", "mr_file_read"},
    {"sscanf", TESTING, "mr_text_parse_int64"},
    {"atoi", TESTING, "mr_text_parse_int64"},
    {"atol", TESTING, "mr_text_parse_int64"},
    {"atof", TESTING, "mr_text_parse_double"},
    {"strtol", "src/base/text.c " TESTING, "mr_text_parse_int64"},
    {"strtoll", "src/base/text.c " TESTING, "mr_text_parse_int64"},
    {"strtoul", "src/base/text.c " TESTING, "mr_text_parse_int64"},
    {"strtoull", "src/base/text.c " TESTING, "mr_text_parse_int64"},
    {"strtod", "src/base/text.c src/codec/json_number.c " TESTING, "mr_text_parse_double"},
    {"strtok", "", "mr_span"},
    {"strerror", "src/plat/ " TESTING, "the error plat fills"},
    {"rand", "", "mr_random_u64"},
    {"random", "", "mr_random_u64"},
    {"srand", "", "mr_random_u64"},
    {"time", "src/plat/ tests/", "mr_clock_real_us"},
    {"clock", "src/plat/ tests/", "mr_clock_monotonic_us"},
    {"gettimeofday", "src/plat/", "mr_clock_real_us"},
    {"clock_gettime", "src/plat/ " TESTING, "mr_clock_monotonic_us"},
    {"localtime", TESTING, "mr_civil_from_us"},
    {"gmtime", TESTING, "mr_civil_from_us"},
    {"mktime", TESTING, "mr_civil_to_us"},
    {"strftime", TESTING, "mr_civil_print"},
    {"sleep", "src/plat/ " TESTING, "mr_clock_sleep_us"},
    {"usleep", "src/plat/ " TESTING, "mr_clock_sleep_us"},
    {"nanosleep", "src/plat/ " TESTING, "mr_clock_sleep_us"},
    {"open", "src/plat/ " TESTING, "mr_file_open"},
    {"close", "src/plat/ " TESTING, "mr_file_close"},
    {"read", "src/plat/ " TESTING, "mr_file_read"},
    {"pread", "src/plat/ " TESTING, "mr_file_read"},
    {"write", "src/plat/ " TESTING, "mr_file_append"},
    {"pwrite", "src/plat/ " TESTING, "mr_file_append"},
    {"fsync", "src/plat/ " TESTING, "mr_file_sync"},
    {"fdatasync", "src/plat/ " TESTING, "mr_file_sync"},
    {"rename", "src/plat/ " TESTING, "mr_file_rename"},
    {"unlink", "src/plat/ " TESTING, "mr_file_delete"},
    {"remove", "src/plat/ " TESTING, "mr_file_delete"},
    {"mkdir", "src/plat/ " TESTING, "mr_dir_make"},
    {"stat", "src/plat/ " TESTING, "mr_file_stat"},
    {"access", "src/plat/ " TESTING, "mr_file_exists"},
    {"opendir", "src/plat/ " TESTING, "mr_dir_list"},
    {"fopen", "src/plat/ " TESTING, "mr_file_open"},
    {"fread", "src/plat/ " TESTING, "mr_file_read"},
    {"fwrite", "src/plat/ " TESTING, "mr_stream_write"},
    {"fputs", "src/plat/ src/cli/ " TESTING, "mr_stream_write"},
    {"puts", "src/plat/ src/cli/ " TESTING, "mr_stream_write"},
    {"printf", "src/plat/ src/cli/ " TESTING, "mr_text_addf and mr_stream_write"},
    {"fprintf", "src/base/check.c src/base/arena.c src/plat/ src/cli/ " TESTING,
     "mr_fail in a library, mr_stream_write in a command"},
    {"getenv", "src/plat/ " TESTING, "mr_plat_env"},
    {"setenv", TESTING, "an argument"},
    {"system", TESTING, "plat's spawn"},
    {"popen", TESTING, "plat's spawn"},
    {"fork", "src/plat/ " TESTING, "plat's spawn"},
    {"exit", "src/plat/ src/cli/ " TESTING, "mr_fail"},
    {"abort", "src/base/ src/plat/ " TESTING, "mr_assert"},
    {"assert", "tests/", "mr_assert"},
    {"dlopen", "src/plat/ " TESTING, "plat/library.h"},
    {"pthread_*", "src/plat/ " TESTING, "plat/thread.h"},
    {"rd_kafka_*", "src/kafka/ " TESTING, "the kafka folder"},
    {"pg_query_*", "src/sql/ " TESTING, "the sql folder"},
};

// Paths of one machine, written so that this file does not name them itself.
static const char *const machine_paths[] = {"/wo"
                                            "rk/",
                                            "/ro"
                                            "ot/",
                                            "/tmp/"
                                            "mr"};
