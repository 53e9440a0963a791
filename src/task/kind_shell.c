// Kinds "shell", "exec" and "python": a command of one's own, as a script or as words.
//
// The supervisor starts it itself: it costs one exec, and nothing of this program is in its
// process. Why shell and exec: a script is for pipes and loops, but what templates put into its
// text is code to the shell; the words of exec reach the program as they are.
//
// Also: mr_kind_

#include <string.h>

#include "base/jsonvalue.h"
#include "task/kinds.h"

#define SCRIPT_BYTES_MAX ((size_t)127 << 10)  // Of one word: the kernel's limit is 128 KiB.

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

static mr_code check_script(const char *script, mr_cx *cx) {
    return script == NULL || strlen(script) <= SCRIPT_BYTES_MAX
               ? MR_OK
               : mr_fail(cx, MR_E_LIMIT, "Put it into a file and run that.",
                         "the script is longer than 127 KiB");
}

static mr_code shell_command(const void *options, const char *const **ret_words, mr_cx *cx) {
    MR_TRY(check_script(((const shell *)options)->script, cx));
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

// ---- python ----------------------------------------------------------------------------------

typedef struct python {
    const char *script;
    const char *file;
    const char *args;  // JSON.
    const char *interpreter;
} python;

static const mr_option python_options[] = {
    MR_OPTION(python, script, MR_OPT_TEXT, NULL, "Python text that is run; or give `file`."),
    MR_OPTION(python, file, MR_OPT_PATH, NULL, "A Python file that is run."),
    MR_OPTION(python, args, MR_OPT_TEXT, NULL, "Words for sys.argv, a list."),
    MR_OPTION(python, interpreter, MR_OPT_PATH, "python3", "The program that runs it."),
    MR_OPTION_END,
};

static const char *const python_nested[] = {"args", NULL};

static mr_code python_command(const void *options, const char *const **ret_words, mr_cx *cx) {
    const python *o = options;
    static const char *const none[] = {NULL};
    const char *const *args = none;
    MR_TRY(check_script(o->script, cx));
    if ((o->script == NULL) == (o->file == NULL)) {
        return mr_fail(cx, MR_E_OPTION, "Give one of the two.",
                       "a python task takes \"script\" or \"file\"");
    }
    if (o->args != NULL && strcmp(o->args, "[]") != 0 &&
        !take_words(mr_span_of(o->args), &args, cx->arena)) {
        return mr_fail(cx, MR_E_TYPE, "Write args: [one, two].",
                       "key \"args\" must be a list of words");
    }
    uint32_t count = 0;
    while (args[count] != NULL) {
        count++;
    }
    const char **words = MR_NEW_ARRAY(cx->arena, const char *, count + 5);
    uint32_t at = 0;
    words[at++] = o->interpreter;
    words[at++] = "-u";  // The log shows a line when it is written.
    if (o->script != NULL) {
        words[at++] = "-c";
    }
    words[at++] = o->script != NULL ? o->script : o->file;
    memcpy(words + at, args, count * sizeof(*words));
    *ret_words = words;
    return MR_OK;
}

const mr_task_type mr_kind_python = {
    .name = "python",
    .doc = "Runs Python, from the DAG file or a file of its own; outputs as those of shell.",
    .file = __FILE__,
    .place = MR_TASK_COMMAND,
    .options = python_options,
    .nested = python_nested,
    .size = sizeof(python),
    .command = python_command,
};
