// Up: see up.h.

#include "cli/up.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "owner/owner.h"
#include "plat/thread.h"

#define LOG_TAIL_BYTES ((uint64_t)1 << 20)
#define FOLLOW_US      ((int64_t)200000)
#define LOGS_MAX       256

mr_code mr_up_enter(const char *dir, mr_cx *cx) {
    if (dir != NULL) {
        return mr_dir_change(dir, cx);
    }
    const char *here = mr_dir_current(cx);
    const char *file = mr_arena_printf(cx->arena, "%s/%s", here, MR_CONFIG_FILE);
    return mr_dir_change(mr_job_project(file, cx), cx);
}

// ---- the answer, for people ------------------------------------------------------------------

static int64_t number(mr_span object, const char *name, mr_arena *arena) {
    int64_t value = 0;
    (void)mr_text_parse_int64(mr_span_of(mr_jsonvalue_field(object, name, arena)), &value);
    return value;
}

void mr_up_print_part(mr_span part, mr_text *out) {
    mr_arena arena = {0};
    const char *kind = mr_jsonvalue_field(part, "kind", &arena);
    mr_text_addf(out, "%-9s %-20s %-9s", kind, mr_jsonvalue_field(part, "name", &arena),
                 mr_jsonvalue_field(part, "state", &arena));
    mr_text_add(out, " for ");
    mr_text_add_duration(out, number(part, "seconds", &arena) * 1000000);
    const char *epoch = mr_jsonvalue_field(part, "epoch", &arena);
    if (epoch[0] != '\0') {
        const char *watermark = mr_jsonvalue_field(part, "watermark", &arena);
        mr_text_addf(out, ", epoch %s, %s rows, watermark %s", epoch,
                     mr_jsonvalue_field(part, "rows", &arena),
                     watermark[0] == '\0' ? "none" : watermark);
    }
    if (number(part, "tasks", &arena) > 0) {
        mr_text_addf(out, ", tasks: %s", mr_jsonvalue_field(part, "tasks", &arena));
    }
    if (number(part, "restarts", &arena) > 0) {
        mr_text_addf(out, ", restarts: %s", mr_jsonvalue_field(part, "restarts", &arena));
    }
    mr_text_add_char(out, '\n');
    const char *error = mr_jsonvalue_field(part, "last_error", &arena);
    const char *stalled = mr_jsonvalue_field(part, "stalled", &arena);
    if (error[0] != '\0') {
        mr_text_addf(out, "          %s\n", error);
    }
    if (stalled[0] != '\0') {
        mr_text_addf(out, "          %s\n", stalled);
    }
    mr_arena_release(&arena);
}

void mr_up_print_status(mr_span status, mr_text *out) {
    mr_arena arena = {0};
    mr_text_addf(out, "up as process %s for ", mr_jsonvalue_field(status, "process", &arena));
    mr_text_add_duration(out, number(status, "seconds", &arena) * 1000000);
    mr_text_addf(out, ", %s s of processor, ", mr_jsonvalue_field(status, "cpu_seconds", &arena));
    mr_text_add_bytes_human(out, (uint64_t)number(status, "memory_bytes", &arena));
    mr_text_addf(out, "\nbroker    %s\n", mr_jsonvalue_field(status, "broker", &arena));
    mr_span parts = mr_jsonvalue_inside(mr_jsonvalue_get(status, "parts")), part;
    while (mr_jsonvalue_next(&parts, /* ret_key= */ NULL, &part)) {
        mr_up_print_part(part, out);
    }
    mr_arena_release(&arena);
}

int mr_up_tell(const mr_cli_args *args, const char *verb, const char *part, mr_cx *cx) {
    const char *data = mr_pipeline_data_dir(args, cx);
    const char *request = mr_arena_printf(cx->arena, "%s %s", verb, part);
    mr_span answer;
    mr_code code = mr_up_enter(NULL, cx);
    code = code == MR_OK ? mr_owner_ask(data, request, &answer, cx) : code;
    if (code != MR_OK) {
        mr_report_error(cx);
        return code == MR_E_NAME ? MR_EXIT_USAGE : MR_EXIT_FAILED;
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    if (mr_args_has(args, "--json")) {
        mr_text_add_bytes(&out, answer.data, answer.bytes);
        mr_text_add_char(&out, '\n');
    } else {
        mr_up_print_part(answer, &out);
    }
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}

// ---- logs ------------------------------------------------------------------------------------

typedef struct log_file {
    const char *name;
    const char *path;
    uint64_t at;
} log_file;

static mr_code find_logs(const mr_up_logs *logs, log_file *files, uint32_t *ret_count, mr_cx *cx) {
    const char *dir = mr_arena_printf(cx->arena, "%s/logs", logs->data_dir);
    mr_dir_entry *entries = NULL;
    size_t count = 0;
    *ret_count = 0;
    if (mr_file_exists(dir, cx)) {
        MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    }
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    for (size_t i = 0; i < count && *ret_count < LOGS_MAX; i++) {
        mr_span entry = mr_span_of(entries[i].name);
        if (!mr_span_ends(entry, ".log")) {
            continue;
        }
        const char *name = mr_arena_copy(cx->arena, entry.data, entry.bytes - strlen(".log"));
        names[i] = name;
        if (logs->part == NULL || strcmp(logs->part, name) == 0) {
            files[(*ret_count)++] = (log_file){
                .name = name, .path = mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name)};
        }
    }
    if (*ret_count == 0 && logs->part != NULL) {
        const char *near = mr_text_closest(logs->part, names, count);
        return mr_fail(cx, MR_E_NAME,
                       near == NULL ? NULL
                                    : mr_arena_printf(cx->arena, "Did you mean \"%s\"?", near),
                       "there is no log of \"%s\"", logs->part);
    }
    return MR_OK;
}

static void add_lines(const log_file *file, bool named, mr_span lines, mr_text *out) {
    while (lines.bytes > 0) {
        const char *end = memchr(lines.data, '\n', lines.bytes);
        size_t bytes = end == NULL ? lines.bytes : (size_t)(end - lines.data);
        if (named) {
            mr_text_addf(out, "%s: ", file->name);
        }
        mr_text_add_bytes(out, lines.data, bytes);
        mr_text_add_char(out, '\n');
        lines.data += MR_MIN(bytes + 1, lines.bytes);
        lines.bytes -= MR_MIN(bytes + 1, lines.bytes);
    }
}

// What was written since the last look; at the first one the last lines.
static mr_code show_news(log_file *file, bool named, int64_t lines, mr_text *out, mr_cx *cx) {
    mr_file open = MR_FILE_CLOSED;
    if (mr_file_open(&open, file->path, MR_OPEN_READ, cx) != MR_OK) {
        return MR_OK;  // It is made anew at this moment.
    }
    bool first = file->at == UINT64_MAX;
    if (first || open.bytes < file->at) {
        file->at = open.bytes > LOG_TAIL_BYTES ? open.bytes - LOG_TAIL_BYTES : 0;
    }
    size_t bytes = (size_t)MR_MIN(open.bytes - file->at, LOG_TAIL_BYTES), got = 0;
    char *data = mr_arena_raw(cx->arena, bytes + 1);
    mr_code code = mr_file_read(&open, file->at, data, bytes, &got, cx);
    mr_file_close(&open, cx->plat);
    MR_TRY(code);
    while (got > 0 && data[got - 1] != '\n') {
        got--;  // A line that is being written: next time.
    }
    mr_span news = {data, got};
    file->at += got;
    for (size_t i = got; first && i > 0; i--) {
        if (data[i - 1] == '\n' && i != got && --lines == 0) {
            news = (mr_span){data + i, got - i};
        }
    }
    add_lines(file, named, news, out);
    return MR_OK;
}

int mr_up_show_logs(const mr_up_logs *logs, mr_cx *cx) {
    log_file *files = MR_NEW_ARRAY(cx->arena, log_file, LOGS_MAX);
    uint32_t count;
    if (find_logs(logs, files, &count, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    for (uint32_t i = 0; i < count; i++) {
        files[i].at = UINT64_MAX;
    }
    static atomic_bool stop;
    mr_thread_catch_stop(&stop);
    mr_arena turn = {0};
    mr_arena *arena = cx->arena;
    int exit_code = MR_EXIT_DONE;
    do {
        mr_arena_clear(&turn);
        cx->arena = &turn;
        mr_text out;
        mr_text_init(&out, &turn);
        for (uint32_t i = 0; i < count; i++) {
            if (show_news(&files[i], count > 1, logs->lines, &out, cx) != MR_OK) {
                exit_code = MR_EXIT_FAILED;
            }
        }
        mr_report_print(cx, &out);
        if (logs->follow && exit_code == MR_EXIT_DONE) {
            mr_clock_sleep_us(cx->plat, FOLLOW_US);
        }
    } while (logs->follow && exit_code == MR_EXIT_DONE && !atomic_load(&stop));
    cx->arena = arena;
    if (exit_code != MR_EXIT_DONE) {
        mr_report_error(cx);
    }
    mr_arena_release(&turn);
    return exit_code;
}
