// Command "topic": lists, describes, creates, alters and deletes topics of a cluster.

#include <inttypes.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/reach.h"

static const mr_cli_flag topic_flags[] = {
    {"--partitions", "N", false, "create: how many; alter: how many there shall be."},
    {"--replication", "N", false, "create: replicas of each partition (default the broker's)."},
    {"--config", "NAME=VALUE", true,
     "create, alter: a topic's config, such as retention.ms=86400000 (alter: NAME= resets it)."},
    {"--if-not-exists", NULL, false, "create: one that is there already is fine."},
    {"--if-exists", NULL, false, "delete: one that is not there is fine."},
    {"--all", NULL, false, "list: internal topics too; describe: all configs, not only set ones."},
    {"--json", NULL, false, "list, describe: one JSON object a topic."},
    MR_CLI_REACH_FLAGS,
    MR_CLI_FLAGS_END,
};

static void add_uuid(const mr_wire_uuid *id, mr_text *out) {
    for (int i = 0; i < 16; i++) {
        mr_text_addf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id->bytes[i]);
    }
}

static int64_t records_of(const mr_control_topic *topic) {
    int64_t records = 0;
    for (int32_t i = 0; i < topic->partition_count; i++) {
        const mr_control_partition *p = &topic->partitions[i];
        if (p->first < 0 || p->next < 0) {
            return -1;
        }
        records += p->next - p->first;
    }
    return records;
}

// ---- list ------------------------------------------------------------------------------------

static int list(const mr_cli_args *args, mr_control *control, mr_cx *cx) {
    mr_control_topic *topics;
    uint32_t count;
    if (mr_control_topic_list(control, &topics, &count, cx) != MR_OK) {
        return mr_reach_failed(cx);
    }
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_columns columns;
    mr_columns_init(&columns, "TOPIC,>PARTITIONS,>REPLICAS", cx->arena);
    for (uint32_t i = 0; i < count; i++) {
        const mr_control_topic *t = &topics[i];
        int32_t replicas = t->partition_count > 0 ? t->partitions[0].replica_count : 0;
        if (t->internal && !mr_args_has(args, "--all")) {
            continue;
        }
        if (mr_args_has(args, "--json")) {
            mr_text_add(&out, "{\"topic\":");
            mr_text_add_json(&out, t->name);
            mr_text_addf(&out, ",\"partitions\":%d,\"replicas\":%d,\"internal\":%s}\n",
                         t->partition_count, replicas, t->internal ? "true" : "false");
            continue;
        }
        mr_columns_add(&columns, "%.*s", MR_SPAN_ARGS(t->name));
        mr_columns_add_count(&columns, t->partition_count);
        mr_columns_add_count(&columns, replicas);
    }
    if (!mr_args_has(args, "--json")) {
        mr_columns_print(&columns, &out);
    }
    mr_report_print(cx, &out);
    return MR_EXIT_DONE;
}

// ---- describe --------------------------------------------------------------------------------

static void add_nodes(const int32_t *nodes, int32_t count, mr_text *out) {
    for (int32_t i = 0; i < count; i++) {
        mr_text_addf(out, "%s%d", i == 0 ? "" : ",", nodes[i]);
    }
}

static bool shows(const mr_control_setting *setting, bool all) {
    return all || setting->source == MR_CONTROL_OF_TOPIC;
}

static void describe_json(const mr_control_topic *t, bool all, mr_text *out) {
    mr_text_add(out, "{\"topic\":");
    mr_text_add_json(out, t->name);
    mr_text_add(out, ",\"id\":\"");
    add_uuid(&t->id, out);
    mr_text_addf(out, "\",\"internal\":%s,\"partitions\":[", t->internal ? "true" : "false");
    for (int32_t i = 0; i < t->partition_count; i++) {
        const mr_control_partition *p = &t->partitions[i];
        mr_text_addf(out, "%s{\"partition\":%d,\"leader\":%d,\"replicas\":[", i == 0 ? "" : ",",
                     p->number, p->leader);
        add_nodes(p->replicas, p->replica_count, out);
        mr_text_add(out, "],\"in_sync\":[");
        add_nodes(p->in_sync, p->in_sync_count, out);
        mr_text_add(out, "]");
        mr_reach_add_number(out, "first", p->first);
        mr_reach_add_number(out, "next", p->next);
        mr_reach_add_number(out, "bytes", p->bytes);
        mr_text_add(out, "}");
    }
    mr_text_add(out, "],\"configs\":{");
    bool first = true;
    for (int32_t i = 0; i < t->setting_count; i++) {
        if (shows(&t->settings[i], all)) {
            mr_text_add(out, first ? "" : ",");
            mr_text_add_json(out, t->settings[i].name);
            mr_text_add(out, ":");
            if (t->settings[i].value.data == NULL) {
                mr_text_add(out, "null");
            } else {
                mr_text_add_json(out, t->settings[i].value);
            }
            first = false;
        }
    }
    mr_text_add(out, "}}\n");
}

static void describe_text(const mr_control_topic *t, bool all, mr_cx *cx, mr_text *out) {
    mr_text_addf(out, "%.*s: %d partitions", MR_SPAN_ARGS(t->name), t->partition_count);
    if (records_of(t) >= 0) {
        mr_text_addf(out, ", %" PRId64 " offsets", records_of(t));
    }
    mr_text_add(out, ", id ");
    add_uuid(&t->id, out);
    mr_text_add(out, "\n");
    for (int32_t i = 0; i < t->setting_count; i++) {
        const mr_control_setting *s = &t->settings[i];
        if (shows(s, all)) {
            mr_text_addf(out, "  %.*s=%.*s%s\n", MR_SPAN_ARGS(s->name), MR_SPAN_ARGS(s->value),
                         s->source == MR_CONTROL_OF_TOPIC || !all ? "" : "  (default)");
        }
    }
    mr_columns columns;
    mr_columns_init(&columns, ">PARTITION,>LEADER,REPLICAS,IN SYNC,>FIRST,>NEXT,>BYTES", cx->arena);
    for (int32_t i = 0; i < t->partition_count; i++) {
        const mr_control_partition *p = &t->partitions[i];
        mr_text nodes;
        mr_text_init(&nodes, cx->arena);
        mr_columns_add_count(&columns, p->number);
        mr_columns_add_count(&columns, p->leader);
        add_nodes(p->replicas, p->replica_count, &nodes);
        mr_columns_add(&columns, "%s", mr_text_string(&nodes));
        mr_text_clear(&nodes);
        add_nodes(p->in_sync, p->in_sync_count, &nodes);
        mr_columns_add(&columns, "%s", mr_text_string(&nodes));
        mr_columns_add_count(&columns, p->first);
        mr_columns_add_count(&columns, p->next);
        mr_columns_add_count(&columns, p->bytes);
    }
    mr_columns_print(&columns, out);
}

static int describe(const mr_cli_args *args, mr_control *control, mr_cx *cx) {
    bool all = mr_args_has(args, "--all");
    for (uint32_t i = 1; i < args->plain_count; i++) {
        mr_control_topic topic;
        if (mr_control_topic_describe(control, args->plain[i], &topic, cx) != MR_OK) {
            return mr_reach_failed(cx);
        }
        mr_text out;
        mr_text_init(&out, cx->arena);
        if (mr_args_has(args, "--json")) {
            describe_json(&topic, all, &out);
        } else {
            mr_text_add(&out, i > 1 ? "\n" : "");
            describe_text(&topic, all, cx, &out);
        }
        mr_report_print(cx, &out);
    }
    return MR_EXIT_DONE;
}

// ---- changes ---------------------------------------------------------------------------------

static mr_code create(const mr_cli_args *args, mr_control *control, mr_cx *cx) {
    int64_t partitions = -1;
    int64_t replication = -1;
    mr_control_topic_new topic = {.exists_fine = mr_args_has(args, "--if-not-exists")};
    mr_control_setting *settings;
    MR_TRY(mr_reach_number(args, "--partitions", 1, &partitions, cx));
    MR_TRY(mr_reach_number(args, "--replication", 1, &replication, cx));
    MR_TRY(mr_reach_settings(args, "--config", &settings, &topic.setting_count, cx));
    topic.settings = settings;
    topic.partitions = (int32_t)MR_MIN(partitions, (int64_t)INT32_MAX);
    topic.replication = (int16_t)MR_MIN(replication, (int64_t)INT16_MAX);
    for (uint32_t i = 1; i < args->plain_count; i++) {
        topic.name = args->plain[i];
        MR_TRY(mr_control_topic_create(control, &topic, cx));
        mr_report_say(cx, "topic \"%s\" is there\n", topic.name);
    }
    return MR_OK;
}

static mr_code alter(const mr_cli_args *args, mr_control *control, mr_cx *cx) {
    int64_t partitions = 0;
    mr_control_setting *settings;
    int32_t count;
    MR_TRY(mr_reach_number(args, "--partitions", 1, &partitions, cx));
    MR_TRY(mr_reach_settings(args, "--config", &settings, &count, cx));
    if (partitions == 0 && count == 0) {
        return mr_fail(cx, MR_E_OPTION, "Write --partitions N or --config NAME=VALUE.",
                       "nothing to alter");
    }
    for (uint32_t i = 1; i < args->plain_count; i++) {
        const char *name = args->plain[i];
        if (count > 0) {
            MR_TRY(mr_control_topic_set(control, name, settings, count, cx));
        }
        if (partitions > 0) {
            MR_TRY(mr_control_topic_grow(control, name,
                                         (int32_t)MR_MIN(partitions, (int64_t)INT32_MAX), cx));
        }
        mr_report_say(cx, "topic \"%s\" is altered\n", name);
    }
    return MR_OK;
}

static mr_code delete (const mr_cli_args *args, mr_control *control, mr_cx *cx) {
    for (uint32_t i = 1; i < args->plain_count; i++) {
        mr_code code = mr_control_topic_delete(control, args->plain[i], cx);
        if (code == MR_E_MISSING && mr_args_has(args, "--if-exists")) {
            continue;
        }
        MR_TRY(code);
        mr_report_say(cx, "topic \"%s\" is gone\n", args->plain[i]);
    }
    return MR_OK;
}

static int topic_run(const mr_cli_args *args, mr_cx *cx) {
    const char *verb = args->plain[0];
    bool lists = strcmp(verb, "list") == 0 && args->plain_count == 1;
    bool describes = strcmp(verb, "describe") == 0 && args->plain_count > 1;
    mr_code (*change)(const mr_cli_args *, mr_control *, mr_cx *) =
        strcmp(verb, "create") == 0   ? create
        : strcmp(verb, "alter") == 0  ? alter
        : strcmp(verb, "delete") == 0 ? delete
                                      : NULL;
    if (!lists && !describes && (change == NULL || args->plain_count < 2)) {
        return mr_args_usage(args, cx);
    }
    mr_control control;
    if (mr_reach_open(args, &control, cx) != MR_OK) {
        return mr_reach_failed(cx);
    }
    int exit_code = lists                                 ? list(args, &control, cx)
                    : describes                           ? describe(args, &control, cx)
                    : change(args, &control, cx) == MR_OK ? MR_EXIT_DONE
                                                          : mr_reach_failed(cx);
    mr_control_close(&control, cx->plat);
    return exit_code;
}

const mr_cli_command mr_cmd_topic = {
    .name = "topic",
    .usage = "list | describe TOPIC … | create TOPIC … | alter TOPIC … | delete TOPIC … [options]",
    .summary = "Lists, describes, creates, alters and deletes topics.",
    .details = "FIRST and NEXT are the offsets of a partition's first record and of the one that "
               "comes next.\nalter sets configs and adds partitions; none can be taken away.",
    .flags = topic_flags,
    .plain_min = 1,
    .plain_max = 1000,
    .run = topic_run,
};
