// Up: see up.h.

#include "cli/up.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "owner/owner.h"
#include "owner/tail.h"
#include "plat/thread.h"

#define FOLLOW_US ((int64_t)200000)

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
    const char *data;
    const char *request = mr_arena_printf(cx->arena, "%s %s", verb, part);
    mr_span answer;
    mr_code code = mr_pipeline_enter(args, NULL, &data, cx);
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

// begin: the first look, which leaves out all but the last lines.
static mr_code find_logs(const mr_up_logs *logs, bool begin, mr_tails *tails, mr_cx *cx) {
    const char *dir = mr_arena_printf(cx->arena, "%s/logs", logs->data_dir);
    mr_dir_entry *entries = NULL;
    size_t count = 0, named = 0;
    if (mr_file_exists(dir, cx)) {
        MR_TRY(mr_dir_list(dir, &entries, &count, cx));
    }
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        mr_span entry = mr_span_of(entries[i].name);
        if (!mr_span_ends(entry, ".log")) {
            continue;
        }
        const char *name = mr_arena_copy(cx->arena, entry.data, entry.bytes - strlen(".log"));
        names[named++] = name;
        if (logs->part == NULL || strcmp(logs->part, name) == 0) {
            mr_tail *tail =
                mr_tail_of(tails, mr_arena_printf(cx->arena, "%s/%s", dir, entries[i].name));
            if (tail->name == NULL) {
                tail->name = mr_arena_string(tails->by_path.arena, name);
                MR_TRY(begin ? mr_tail_skip(tail, logs->lines, cx) : MR_OK);
            }
        }
    }
    if (begin && tails->by_path.count == 0 && logs->part != NULL) {
        return mr_fail(cx, MR_E_NAME,
                       mr_text_hint(logs->part, names, named, /* otherwise= */ NULL, cx->arena),
                       "there is no log of \"%s\"", logs->part);
    }
    if (begin && tails->by_path.count == 0) {
        mr_report_say(cx, "There is no log in %s yet.\n", dir);
    }
    return MR_OK;
}

static void print_lines(const char *name, mr_span lines, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, /* arena= */ NULL);
    while (lines.bytes > 0) {
        mr_span line = mr_span_line(&lines);
        mr_text_addf(&out, "%s%s%.*s\n", name, name[0] == '\0' ? "" : ": ", MR_SPAN_ARGS(line));
    }
    mr_report_print(cx, &out);
    mr_text_release(&out);
}

// What was written since the last look.
static mr_code show_news(const mr_tails *tails, mr_text *piece, mr_cx *cx) {
    for (uint32_t i = 0; i < tails->by_path.count; i++) {
        mr_tail *tail = tails->by_path.entries[i].value;
        const char *name = tails->by_path.count > 1 ? tail->name : "";
        do {
            MR_TRY(mr_tail_read(tail, /* ended= */ false, piece, cx));
            print_lines(name, mr_text_span(piece), cx);
        } while (piece->bytes > 0);
    }
    return MR_OK;
}

int mr_up_show_logs(const mr_up_logs *logs, mr_cx *cx) {
    static atomic_bool stop;
    mr_tails tails;
    mr_text piece;
    mr_arena turn = {0}, *arena = cx->arena;
    mr_tail_init(&tails, arena);
    mr_text_init(&piece, /* arena= */ NULL);
    mr_thread_catch_stop(&stop);
    cx->arena = &turn;
    mr_code code = find_logs(logs, /* begin= */ true, &tails, cx);
    code = code == MR_OK ? show_news(&tails, &piece, cx) : code;
    while (code == MR_OK && logs->follow && !atomic_load(&stop)) {
        mr_clock_sleep_us(cx->plat, FOLLOW_US);
        mr_arena_clear(&turn);
        code = find_logs(logs, /* begin= */ false, &tails, cx);
        code = code == MR_OK ? show_news(&tails, &piece, cx) : code;
    }
    if (code != MR_OK) {
        mr_report_error(cx);
    }
    cx->arena = arena;
    mr_text_release(&piece);
    mr_arena_release(&turn);
    return code == MR_OK ? MR_EXIT_DONE : code == MR_E_NAME ? MR_EXIT_USAGE : MR_EXIT_FAILED;
}
