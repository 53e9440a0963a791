// Command "group": lists and describes consumer groups, moves their offsets, deletes them.

#include <inttypes.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/reach.h"
#include "kafka/control_group.h"

#define LIST_BYTES_MAX ((uint64_t)64 << 20)

static const mr_cli_flag group_flags[] = {
    {"--topic", "TOPIC[:0,2]", true,
     "reset-offsets: these partitions (default: all that the group has offsets of)."},
    {"--to-earliest", NULL, false, "reset-offsets: to the first record."},
    {"--to-latest", NULL, false, "reset-offsets: behind the last record."},
    {"--to-current", NULL, false, "reset-offsets: to what is committed; where nothing is, latest."},
    {"--to-offset", "N", false, "reset-offsets: to this offset."},
    {"--to-time", "TIME", false,
     "reset-offsets: to the first record of a moment or later: 2026-01-31T12:00:00Z, or -1h."},
    {"--shift-by", "N", false, "reset-offsets: N records on, or back if it is negative."},
    {"--from-file", "FILE", false, "reset-offsets: lines of TOPIC,PARTITION,OFFSET."},
    {"--execute", NULL, false, "reset-offsets: do it; without it nothing is changed."},
    {"--csv", NULL, false, "reset-offsets: print lines that --from-file reads."},
    {"--json", NULL, false, "list, describe, reset-offsets: JSON, one object a line."},
    MR_CLI_REACH_FLAGS,
    MR_CLI_FLAGS_END,
};

static void member(mr_text *out, const char *name, mr_span value) {
    mr_text_addf(out, "%s\"%s\":", out->bytes > 0 && out->data[out->bytes - 1] == '{' ? "" : ",",
                 name);
    if (value.data == NULL) {
        mr_text_add(out, "null");
    } else {
        mr_text_add_json(out, value);
    }
}

// ---- list ------------------------------------------------------------------------------------

static int list(const mr_cli_args *args, mr_control *control, mr_cx *cx) {
    mr_control_group *groups;
    uint32_t count;
    if (mr_control_group_list(control, &groups, &count, cx) != MR_OK) {
        return mr_reach_failed(cx);
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_columns columns;
    mr_columns_init(&columns, "GROUP,STATE,KIND,PROTOCOL,>COORDINATOR", cx->arena);
    for (uint32_t i = 0; i < count; i++) {
        const mr_control_group *g = &groups[i];
        if (mr_args_has(args, "--json")) {
            mr_text_add(&out, "{");
            member(&out, "group", g->id);
            member(&out, "state", g->state);
            member(&out, "kind", g->kind);
            member(&out, "protocol", g->protocol);
            mr_reach_add_number(&out, "coordinator", g->coordinator);
            mr_text_add(&out, "}\n");
            continue;
        }
        mr_columns_add(&columns, "%.*s", MR_SPAN_ARGS(g->id));
        mr_columns_add(&columns, "%.*s", MR_SPAN_ARGS(g->state));
        mr_columns_add(&columns, "%.*s", MR_SPAN_ARGS(g->kind));
        mr_columns_add(&columns, "%.*s", MR_SPAN_ARGS(g->protocol));
        mr_columns_add_count(&columns, g->coordinator);
    }
    if (!mr_args_has(args, "--json")) {
        mr_columns_print(&columns, &out);
    }
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}

// ---- describe --------------------------------------------------------------------------------

// Records between what is committed and the end; -1 = not known.
static int64_t lag_of(const mr_control_place *p) {
    return p->committed < 0 || p->next < 0 ? -1 : MR_MAX(p->next - p->committed, (int64_t)0);
}

static void describe_json(const mr_control_group *g, mr_text *out) {
    mr_text_add(out, "{");
    member(out, "group", g->id);
    member(out, "state", g->state);
    member(out, "kind", g->kind);
    member(out, "assignor", g->assignor);
    mr_reach_add_number(out, "coordinator", g->coordinator);
    mr_text_add(out, ",\"members\":[");
    for (int32_t i = 0; i < g->member_count; i++) {
        const mr_control_member *m = &g->members[i];
        mr_text_add(out, i == 0 ? "{" : ",{");
        member(out, "member", m->id);
        member(out, "instance", m->instance);
        member(out, "client", m->client_id);
        member(out, "host", m->host);
        mr_text_add(out, "}");
    }
    mr_text_add(out, "],\"partitions\":[");
    for (uint32_t i = 0; i < g->place_count; i++) {
        const mr_control_place *p = &g->places[i];
        mr_text_add(out, i == 0 ? "{" : ",{");
        member(out, "topic", p->topic);
        mr_reach_add_number(out, "partition", p->partition);
        mr_reach_add_number(out, "committed", p->committed);
        mr_reach_add_number(out, "first", p->first);
        mr_reach_add_number(out, "next", p->next);
        mr_reach_add_number(out, "lag", lag_of(p));
        member(out, "member", p->member == NULL ? (mr_span){0} : p->member->id);
        mr_text_add(out, "}");
    }
    mr_text_add(out, "]}\n");
}

static void describe_text(const mr_control_group *g, mr_cx *cx, mr_text *out) {
    int64_t lag = 0;
    for (uint32_t i = 0; i < g->place_count; i++) {
        lag += MR_MAX(lag_of(&g->places[i]), (int64_t)0);
    }
    mr_text_addf(out, "%.*s: %.*s, %d member%s, lag %" PRId64 "\n", MR_SPAN_ARGS(g->id),
                 MR_SPAN_ARGS(g->state), g->member_count, g->member_count == 1 ? "" : "s", lag);
    mr_columns columns;
    mr_columns_init(&columns, "TOPIC,>PARTITION,>COMMITTED,>NEXT,>LAG,MEMBER,CLIENT,HOST",
                    cx->arena);
    for (uint32_t i = 0; i < g->place_count; i++) {
        const mr_control_place *p = &g->places[i];
        static const mr_control_member nobody = {
            .id = {"-", 1}, .client_id = {"-", 1}, .host = {"-", 1}};
        const mr_control_member *m = p->member == NULL ? &nobody : p->member;
        mr_columns_add(&columns, "%.*s", MR_SPAN_ARGS(p->topic));
        mr_columns_add_count(&columns, p->partition);
        mr_columns_add_count(&columns, p->committed);
        mr_columns_add_count(&columns, p->next);
        mr_columns_add_count(&columns, lag_of(p));
        mr_columns_add(&columns, "%.*s", MR_SPAN_ARGS(m->id));
        mr_columns_add(&columns, "%.*s", MR_SPAN_ARGS(m->client_id));
        mr_columns_add(&columns, "%.*s", MR_SPAN_ARGS(m->host));
    }
    mr_columns_print(&columns, out);
}

static int describe(const mr_cli_args *args, mr_control *control, mr_cx *cx) {
    for (uint32_t i = 1; i < args->plain_count; i++) {
        mr_control_group group;
        if (mr_control_group_describe(control, args->plain[i], &group, cx) != MR_OK) {
            return mr_reach_failed(cx);
        }
        mr_text out;
        mr_text_init(&out, cx->arena);
        if (mr_args_has(args, "--json")) {
            describe_json(&group, &out);
        } else {
            mr_text_add(&out, i > 1 ? "\n" : "");
            describe_text(&group, cx, &out);
        }
        mr_report_print(cx, &out);
    }
    return MR_EXIT_DONE;
}

// ---- reset-offsets ---------------------------------------------------------------------------

// Lines of TOPIC,PARTITION,OFFSET, as Kafka's own tool has them.
static mr_code read_list(const char *path, mr_control_reset *spec, mr_cx *cx) {
    mr_span rest;
    MR_TRY(mr_file_load(path, LIST_BYTES_MAX, &rest, cx));
    mr_span source = rest;
    size_t lines = 1;
    for (size_t i = 0; i < rest.bytes; i++) {
        lines += rest.data[i] == '\n';
    }
    mr_control_place *listed = MR_NEW_ARRAY(cx->arena, mr_control_place, lines);
    while (rest.bytes > 0) {
        int32_t offset = (int32_t)(rest.data - source.data);
        mr_span line = mr_span_trim(mr_span_line(&rest));
        if (line.bytes == 0) {
            continue;
        }
        const char *one = memchr(line.data, ',', line.bytes);
        const char *two =
            one == NULL ? NULL : memchr(one + 1, ',', (size_t)(line.data + line.bytes - one - 1));
        int64_t partition, number;
        if (two == NULL ||
            !mr_text_parse_int64((mr_span){one + 1, (size_t)(two - one - 1)}, &partition) ||
            !mr_text_parse_int64((mr_span){two + 1, (size_t)(line.data + line.bytes - two - 1)},
                                 &number) ||
            partition < 0 || partition > INT32_MAX || number < 0) {
            return mr_fail_at(cx, MR_E_VALUE, ((mr_place){path, source.data, offset}),
                              "Write TOPIC,PARTITION,OFFSET.", "\"%.*s\" is no place of a group",
                              MR_SPAN_ARGS(line));
        }
        listed[spec->listed_count++] =
            (mr_control_place){.topic = {line.data, (size_t)(one - line.data)},
                               .partition = (int32_t)partition,
                               .committed = number};
    }
    spec->listed = listed;
    return MR_OK;
}

static mr_code read_spec(const mr_cli_args *args, mr_control_reset *spec, mr_cx *cx) {
    static const struct {
        const char *flag;
        mr_control_reset_way way;
    } ways[] = {
        {"--to-earliest", MR_RESET_EARLIEST}, {"--to-latest", MR_RESET_LATEST},
        {"--to-current", MR_RESET_CURRENT},   {"--to-offset", MR_RESET_OFFSET},
        {"--to-time", MR_RESET_TIME},         {"--shift-by", MR_RESET_SHIFT},
        {"--from-file", MR_RESET_LISTED},
    };
    const char *value = NULL;
    uint32_t given = 0;
    for (size_t i = 0; i < MR_COUNT(ways); i++) {
        if (mr_args_has(args, ways[i].flag)) {
            spec->way = ways[i].way;
            value = mr_args_get(args, ways[i].flag);
            given++;
        }
    }
    if (given != 1) {
        return mr_fail(cx, MR_E_OPTION,
                       "Write --to-earliest, --to-latest, --to-current, --to-offset N, --to-time "
                       "TIME, --shift-by N or --from-file FILE.",
                       "reset-offsets wants one place to go to, not %u", given);
    }
    spec->topics = MR_NEW_ARRAY(cx->arena, const char *, args->flag_count + 1);
    for (uint32_t i = 0; i < args->flag_count; i++) {
        if (strcmp(args->flags[i].name, "--topic") == 0) {
            spec->topics[spec->topic_count++] = args->flags[i].value;
        }
    }
    if (spec->way == MR_RESET_LISTED) {
        return read_list(value, spec, cx);
    }
    if (spec->way == MR_RESET_TIME) {
        return mr_reach_time(value, "--to-time", &spec->number, cx);
    }
    if (spec->way == MR_RESET_SHIFT) {
        return mr_reach_number(args, "--shift-by", INT64_MIN / 2, &spec->number, cx);
    }
    return spec->way == MR_RESET_OFFSET ? mr_reach_number(args, "--to-offset", 0, &spec->number, cx)
                                        : MR_OK;
}

static void say_places(const mr_cli_args *args, const mr_control_place *places, uint32_t count,
                       mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    bool json = mr_args_has(args, "--json");
    bool csv = mr_args_has(args, "--csv");
    mr_columns columns;
    mr_columns_init(&columns, "TOPIC,>PARTITION,>NEW OFFSET,>FIRST,>NEXT", cx->arena);
    for (uint32_t i = 0; i < count; i++) {
        const mr_control_place *p = &places[i];
        if (csv) {
            mr_text_addf(&out, "%.*s,%d,%" PRId64 "\n", MR_SPAN_ARGS(p->topic), p->partition,
                         p->committed);
        } else if (json) {
            mr_text_add(&out, "{");
            member(&out, "topic", p->topic);
            mr_reach_add_number(&out, "partition", p->partition);
            mr_reach_add_number(&out, "offset", p->committed);
            mr_reach_add_number(&out, "first", p->first);
            mr_reach_add_number(&out, "next", p->next);
            mr_text_add(&out, "}\n");
        } else {
            mr_columns_add(&columns, "%.*s", MR_SPAN_ARGS(p->topic));
            mr_columns_add_count(&columns, p->partition);
            mr_columns_add_count(&columns, p->committed);
            mr_columns_add_count(&columns, p->first);
            mr_columns_add_count(&columns, p->next);
        }
    }
    if (!json && !csv) {
        mr_columns_print(&columns, &out);
    }
    mr_report_print(cx, &out);
}

static mr_code reset(const mr_cli_args *args, mr_control *control, mr_cx *cx) {
    mr_control_reset spec = {.group = args->plain[1]};
    MR_TRY(read_spec(args, &spec, cx));
    mr_control_place *places;
    uint32_t count;
    MR_TRY(mr_control_group_reset(control, &spec, &places, &count, cx));
    bool execute = mr_args_has(args, "--execute");
    if (execute) {
        mr_control_committer who = {.group = spec.group, .generation = -1};
        MR_TRY(mr_control_group_commit(control, &who, places, count, cx));
    }
    say_places(args, places, count, cx);
    mr_report_say(cx,
                  execute ? "Done: %u offset%s committed.\n"
                          : "Nothing was changed: add --execute to commit %u offset%s.\n",
                  count, count == 1 ? "" : "s");
    return MR_OK;
}

static mr_code delete (const mr_cli_args *args, mr_control *control, mr_cx *cx) {
    for (uint32_t i = 1; i < args->plain_count; i++) {
        MR_TRY(mr_control_group_delete(control, args->plain[i], cx));
        mr_report_say(cx, "group \"%s\" is gone\n", args->plain[i]);
    }
    return MR_OK;
}

static int group_run(const mr_cli_args *args, mr_cx *cx) {
    const char *verb = args->plain[0];
    bool lists = strcmp(verb, "list") == 0 && args->plain_count == 1;
    bool describes = strcmp(verb, "describe") == 0 && args->plain_count > 1;
    bool deletes = strcmp(verb, "delete") == 0 && args->plain_count > 1;
    bool resets = strcmp(verb, "reset-offsets") == 0 && args->plain_count == 2;
    if (!lists && !describes && !deletes && !resets) {
        return mr_args_usage(args, cx);
    }
    mr_control control;
    if (mr_reach_open(args, &control, cx) != MR_OK) {
        return mr_reach_failed(cx);
    }
    int exit_code = lists       ? list(args, &control, cx)
                    : describes ? describe(args, &control, cx)
                    : (resets ? reset(args, &control, cx) : delete (args, &control, cx)) == MR_OK
                        ? MR_EXIT_DONE
                        : mr_reach_failed(cx);
    mr_control_close(&control, cx->plat);
    return exit_code;
}

const mr_cli_command mr_cmd_group = {
    .name = "group",
    .usage = "list | describe GROUP … | reset-offsets GROUP [options] | delete GROUP …",
    .summary = "Shows consumer groups and their lag, moves their offsets.",
    .details = "reset-offsets works on groups without members, and only says what it would do "
               "until --execute\nis added. Offsets outside of a partition become its first or "
               "its next one.",
    .flags = group_flags,
    .plain_min = 1,
    .plain_max = 1000,
    .run = group_run,
};
