// Args: a command's words against its table of flags. Part of cli.h.

#include "cli/cli.h"

#include <string.h>

static const mr_cli_flag *flag_find(const mr_cli_command *command, const char *word, size_t bytes) {
    for (const mr_cli_flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++) {
        if (strlen(flag->name) == bytes && memcmp(flag->name, word, bytes) == 0) {
            return flag;
        }
    }
    return NULL;
}

static mr_code unknown_flag(const mr_cli_command *command, const char *word, mr_cx *cx) {
    const char *names[64];
    size_t count = 0;
    for (const mr_cli_flag *flag = command->flags;
         flag != NULL && flag->name != NULL && count < MR_COUNT(names); flag++) {
        names[count++] = flag->name;
    }
    const char *help = mr_arena_printf(cx->arena, "Try: millrace %s --help", command->name);
    const char *hint = mr_text_hint(word, names, count, help, cx->arena);
    return mr_fail(cx, MR_E_OPTION, hint, "no option \"%s\" of millrace %s", word, command->name);
}

mr_code mr_args_parse(const mr_cli_command *command, int count, char **words, mr_cli_args *ret,
                      mr_cx *cx) {
    size_t most = (size_t)MR_MAX(count, 1);
    *ret = (mr_cli_args){.command = command,
                         .plain = MR_NEW_ARRAY(cx->arena, const char *, most),
                         .flags = MR_NEW_ARRAY(cx->arena, mr_job_pair, most)};
    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        if (word[0] != '-' || strcmp(word, "-") == 0) {
            ret->plain[ret->plain_count++] = word;
            continue;
        }
        const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
        size_t bytes = equals == NULL ? strlen(word) : (size_t)(equals - word);
        const mr_cli_flag *flag = flag_find(command, word, bytes);
        if (flag == NULL) {
            return unknown_flag(command, word, cx);
        }
        const char *value = equals == NULL ? NULL : equals + 1;
        if (flag->value != NULL && value == NULL && i + 1 < count) {
            value = words[++i];
        }
        if ((flag->value == NULL) != (value == NULL)) {
            const char *hint = mr_arena_printf(cx->arena, "Write %s%s%s.", flag->name,
                                               flag->value == NULL ? "" : " ",
                                               flag->value == NULL ? "" : flag->value);
            return mr_fail(cx, MR_E_OPTION, hint,
                           flag->value == NULL ? "option \"%s\" takes no value"
                                               : "option \"%s\" needs a value",
                           flag->name);
        }
        ret->flags[ret->flag_count++] =
            (mr_job_pair){.name = flag->name, .value = value == NULL ? "" : value};
    }
    if (ret->plain_count < command->plain_min || ret->plain_count > command->plain_max) {
        return mr_fail(
            cx, MR_E_OPTION,
            mr_arena_printf(cx->arena, "Usage: millrace %s %s", command->name, command->usage),
            "millrace %s takes %s arguments", command->name,
            ret->plain_count < command->plain_min ? "more" : "fewer");
    }
    return MR_OK;
}

const char *mr_args_get(const mr_cli_args *args, const char *name) {
    const char *found = NULL;
    for (uint32_t i = 0; i < args->flag_count; i++) {
        found = strcmp(args->flags[i].name, name) == 0 ? args->flags[i].value : found;
    }
    return found;
}

bool mr_args_has(const mr_cli_args *args, const char *name) {
    return mr_args_get(args, name) != NULL;
}

mr_code mr_args_pairs(const mr_cli_args *args, const char *name, mr_job_pair **ret,
                      uint32_t *ret_count, mr_cx *cx) {
    *ret = MR_NEW_ARRAY(cx->arena, mr_job_pair, MR_MAX(args->flag_count, 1u));
    *ret_count = 0;
    for (uint32_t i = 0; i < args->flag_count; i++) {
        if (strcmp(args->flags[i].name, name) != 0) {
            continue;
        }
        const char *value = args->flags[i].value;
        const char *equals = strchr(value, '=');
        if (equals == NULL || equals == value) {
            const char *hint = mr_arena_printf(cx->arena, "Write %s %s=VALUE.", name,
                                               value[0] == '=' ? "NAME" : value);
            return mr_fail(cx, MR_E_OPTION, hint, "option \"%s\" wants NAME=VALUE, not \"%s\"",
                           name, value);
        }
        (*ret)[(*ret_count)++] = (mr_job_pair){
            .name = mr_arena_copy(cx->arena, value, (size_t)(equals - value)),
            .value = equals + 1,
        };
    }
    return MR_OK;
}

mr_code mr_args_until(const mr_cli_args *args, const char *name, mr_job_spec *spec, mr_cx *cx) {
    const char *text = mr_args_get(args, name);
    if (text == NULL) {
        return MR_OK;
    }
    spec->until = MR_UNTIL_STOPPED;
    if (strcmp(text, "available-now") == 0) {
        spec->until = MR_UNTIL_AVAILABLE_NOW;
    } else if (strcmp(text, "end") == 0) {
        spec->until = MR_UNTIL_END;
    } else if (!mr_text_parse_duration_us(mr_span_of(text), &spec->duration_us) ||
               spec->duration_us <= 0) {
        return mr_fail(cx, MR_E_OPTION, "Write available-now, end, or a duration such as 30s.",
                       "%s does not know \"%s\"", name, text);
    }
    return MR_OK;
}

// The words that a command begins with, as its usage has them: "list | show RUN | start|stop NAME".
static size_t verbs_of(const mr_cli_command *command, const char **ret, size_t most, mr_cx *cx) {
    size_t count = 0;
    for (const char *at = command->usage; at != NULL && count < most; at = strchr(at, '|')) {
        at += strspn(at, "| \n");
        size_t bytes = strcspn(at, "| ");
        if (*at >= 'a' && *at <= 'z') {
            ret[count++] = mr_arena_copy(cx->arena, at, bytes);
        }
    }
    return count;
}

int mr_args_usage(const mr_cli_args *args, mr_cx *cx) {
    const mr_cli_command *command = args->command;
    const char *verbs[32], *near, *word = args->plain[0];
    size_t count = verbs_of(command, verbs, MR_COUNT(verbs), cx);
    bool known = false;
    for (size_t i = 0; i < count; i++) {
        known = known || strcmp(verbs[i], word) == 0;
    }
    near = known ? "" : mr_text_hint(word, verbs, count, "", cx->arena);
    const char *hint = mr_arena_printf(cx->arena, "%s%sUsage: millrace %s %s", near,
                                       near[0] == '\0' ? "" : " ", command->name, command->usage);
    if (mr_fail(cx, MR_E_OPTION, hint,
                known ? "\"millrace %s %s\" takes other arguments"
                      : "millrace %s does not know \"%s\"",
                command->name, word) != MR_OK) {
        mr_report_error(cx);
    }
    return MR_EXIT_USAGE;
}

void mr_args_help(const mr_cli_command *command, mr_text *out) {
    mr_text_addf(out, "millrace %s %s\n\n%s\n", command->name, command->usage, command->summary);
    if (command->details != NULL) {
        mr_text_addf(out, "\n%s\n", command->details);
    }
    if (command->flags != NULL && command->flags->name != NULL) {
        mr_text_add(out, "\nOptions:\n");
    }
    for (const mr_cli_flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++) {
        size_t before = out->bytes;
        mr_text_addf(out, "  %s%s%s", flag->name, flag->value == NULL ? "" : " ",
                     flag->value == NULL ? "" : flag->value);
        size_t wide = out->bytes - before;
        mr_text_addf(out, "%s%*s%s\n", wide < 28 ? "" : "\n", wide < 28 ? (int)(28 - wide) : 28, "",
                     flag->doc);
    }
    if (command->more_help != NULL) {
        command->more_help(out);
    }
}
