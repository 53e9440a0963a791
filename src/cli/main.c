// Main: finds the command and runs it.

#include <string.h>

#include "base/cx.h"
#include "cli/cli.h"
#include "flow/executor.h"
#include "plat/child.h"
#include "plat/plat.h"
#include "task/task.h"
#include "version.h"

static const mr_cli_command *const commands[] = {
#define MR_CLI_ROW(name) &mr_cmd_##name,
    MR_CLI_COMMANDS(MR_CLI_ROW)
#undef MR_CLI_ROW
};

static int help(mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, "millrace " MR_VERSION ": streams to tables on one machine\n\n");
    for (size_t i = 0; i < MR_COUNT(commands); i++) {
        mr_text_addf(&out, "  millrace %-9s %s\n", commands[i]->name, commands[i]->summary);
    }
    mr_text_add(&out, "\nmillrace help COMMAND tells more. To begin: millrace init shop\n");
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}

static const mr_cli_command *command_find(const char *name) {
    for (size_t i = 0; i < MR_COUNT(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static int unknown_command(const char *name, mr_cx *cx) {
    const char *names[MR_COUNT(commands)];
    for (size_t i = 0; i < MR_COUNT(commands); i++) {
        names[i] = commands[i]->name;
    }
    const char *hint =
        mr_text_hint(name, names, MR_COUNT(names), "Try: millrace --help", cx->arena);
    if (mr_fail(cx, MR_E_NAME, hint, "no command \"%s\"", name) != MR_OK) {
        mr_report_error(cx);
    }
    return MR_EXIT_USAGE;
}

static bool is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int command_help(const mr_cli_command *command, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_args_help(command, &out);
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}

static int run_command(int count, char **words, mr_cx *cx) {
    bool asks = count >= 2 && (is_help(words[1]) || strcmp(words[1], "help") == 0);
    if (count < 2 || (asks && count == 2)) {
        return help(cx);
    }
    if (strcmp(words[1], "--version") == 0 || strcmp(words[1], "version") == 0) {
        mr_text out;
        mr_text_init(&out, cx->arena);
        mr_text_add(&out, "millrace " MR_VERSION "\n");
        mr_report_print(cx, &out);
        return MR_EXIT_DONE;
    }
    const char *name = words[asks ? 2 : 1];  // "help up" is "up --help".
    const mr_cli_command *command = command_find(name);
    if (command == NULL) {
        return unknown_command(name, cx);
    }
    for (int i = 2; i < count; i++) {
        if (asks || is_help(words[i])) {
            return command_help(command, cx);
        }
    }
    mr_cli_args args;
    if (mr_args_parse(command, count - 2, words + 2, &args, cx) != MR_OK) {
        mr_report_error(cx);
        return MR_EXIT_USAGE;
    }
    return command->run(&args, cx);
}

int main(int count, char **words) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, mr_plat_linux());
    if (count == 2 && strcmp(words[1], "__spawner") == 0) {  // First: it stays small.
        return mr_spawner_main(MR_CHILD_PASSED, &cx);
    }
    if (count == 3 && strcmp(words[1], "__task") == 0) {
        return mr_task_main(words[2], &cx);
    }
    if (count == 4 && strcmp(words[1], "__task") == 0 &&
        strcmp(words[3], MR_TASK_OUTSIDE_END) == 0) {
        return mr_task_end(words[2], &cx);
    }
    int exit_code = run_command(count, words, &cx);
    mr_arena_release(&arena);
    return exit_code;
}
