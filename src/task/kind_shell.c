// Kinds "shell" and "exec": a command of one's own, as a script or as words.
//
// Why two: a script is for pipes and loops, but what templates put into its text is code to the
// shell; the words of exec reach the program as they are.
//
// Also: mr_kind_

#include "base/jsonvalue.h"
#include "task/kinds.h"

typedef struct shell {
    const char *script;
} shell;

typedef struct exec {
    const char *command;  // JSON.
} exec;

static const mr_option shell_options[] = {
    MR_OPTION(shell, script, MR_OPT_TEXT, MR_REQUIRED,
              "The script, run by /bin/bash -euo pipefail in the project's folder."),
    MR_OPTION_END,
};

static const mr_option exec_options[] = {
    MR_OPTION(exec, command, MR_OPT_TEXT, MR_REQUIRED,
              "The program and its arguments, a list: no shell reads them."),
    MR_OPTION_END,
};

static mr_code shell_command(const void *options, const char *const **ret_words, mr_cx *cx) {
    const char **words = MR_NEW_ARRAY(cx->arena, const char *, 6);
    words[0] = "/bin/bash";
    words[1] = "-euo";
    words[2] = "pipefail";
    words[3] = "-c";
    words[4] = ((const shell *)options)->script;
    *ret_words = words;
    return MR_OK;
}

// The items of a JSON list as words; false when it is none, is empty, or holds lists and maps.
static bool take_words(mr_span json, const char *const **ret, mr_arena *arena) {
    if (!mr_jsonvalue_check(json) || mr_jsonvalue_kind_of(json) != MR_JSONVALUE_ARRAY) {
        return false;
    }
    uint32_t count = 0;
    mr_span item;
    for (mr_span rest = mr_jsonvalue_inside(json); mr_jsonvalue_next(&rest, NULL, &item);) {
        count++;
    }
    const char **words = MR_NEW_ARRAY(arena, const char *, count + 1);
    count = 0;
    for (mr_span rest = mr_jsonvalue_inside(json); mr_jsonvalue_next(&rest, NULL, &item);) {
        mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(item);
        if (kind == MR_JSONVALUE_ARRAY || kind == MR_JSONVALUE_OBJECT ||
            kind == MR_JSONVALUE_NULL) {
            return false;
        }
        mr_text word;
        mr_text_init(&word, arena);
        if (kind == MR_JSONVALUE_STRING) {
            mr_jsonvalue_unescape(item, &word);
        } else {
            mr_jsonvalue_minify(item, &word);
        }
        words[count++] = mr_text_string(&word);
    }
    *ret = words;
    return count > 0;
}

static mr_code exec_command(const void *options, const char *const **ret_words, mr_cx *cx) {
    const char *command = ((const exec *)options)->command;
    return take_words(mr_span_of(command), ret_words, cx->arena)
               ? MR_OK
               : mr_fail(cx, MR_E_TYPE, "Write command: [program, argument, …].",
                         "key \"command\" must be a list of words");
}

static mr_code exec_check(const void *options, mr_cx *cx) {
    const char *const *words;
    return ((const exec *)options)->command == NULL ? MR_OK : exec_command(options, &words, cx);
}

static const char *const exec_nested[] = {"command", NULL};

const mr_task_type mr_kind_shell = {
    .name = "shell",
    .doc = "Runs a script; lines key=<json> in the file $MILLRACE_OUTPUT are its outputs.",
    .file = __FILE__,
    .place = MR_TASK_COMMAND,
    .options = shell_options,
    .size = sizeof(shell),
    .command = shell_command,
};

const mr_task_type mr_kind_exec = {
    .name = "exec",
    .doc = "Runs a program without a shell; outputs as those of shell.",
    .file = __FILE__,
    .place = MR_TASK_COMMAND,
    .options = exec_options,
    .nested = exec_nested,
    .size = sizeof(exec),
    .command = exec_command,
    .check = exec_check,
};
