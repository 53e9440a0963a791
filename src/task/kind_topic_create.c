// Kind "topic.create": topics that are there afterwards. A try that is repeated finds them.

#include <string.h>

#include "base/jsonvalue.h"
#include "plat/plat.h"
#include "task/given.h"
#include "task/kinds.h"
#include "task/where.h"

typedef struct create {
    const char *topics;  // JSON.
    const char *if_exists;
    const char *conn;
    int64_t connect_timeout;
} create;

typedef struct topic {
    const char *name;
    int64_t partitions;
    int64_t replication;
    const char *configs;  // JSON.
} topic;

static const mr_option create_options[] = {
    MR_OPTION(create, topics, MR_OPT_TEXT, MR_REQUIRED,
              "The topics: names, or maps with `name`, `partitions`, `replication` (both the "
              "broker's if not given) and `configs`, a map."),
    MR_OPTION_CHOICE(create, if_exists, "keep|fail", "keep", "What to do with one that is there."),
    MR_OPTION(create, conn, MR_OPT_TEXT, NULL,
              "A connection of type kafka; the project's broker if not given."),
    MR_OPTION(create, connect_timeout, MR_OPT_DURATION, "30s", "How long the cluster is tried."),
    MR_OPTION_END,
};

static const char *const create_nested[] = {"topics", NULL};
static const char *const create_outputs[] = {"topics", NULL};

static const mr_option topic_options[] = {
    MR_OPTION(topic, name, MR_OPT_TEXT, MR_REQUIRED, "Its name."),
    MR_OPTION(topic, partitions, MR_OPT_INT, "-1", "How many."),
    MR_OPTION(topic, replication, MR_OPT_INT, "-1", "Replicas of each."),
    MR_OPTION(topic, configs, MR_OPT_TEXT, NULL, "Its configs."),
    MR_OPTION_END,
};

static const char *const topic_nested[] = {"configs", NULL};

static mr_code take_topic(mr_span item, bool exists_fine, mr_control_topic_new *ret, mr_cx *cx) {
    const mr_given_keys keys = {topic_options, topic_nested, sizeof(topic)};
    const char *text = mr_arena_copy(cx->arena, item.data, item.bytes);
    topic *t;
    *ret = (mr_control_topic_new){.partitions = -1, .replication = -1, .exists_fine = exists_fine};
    if (!mr_given_is_map(text)) {
        ret->name = mr_given_text(text, cx);
        return MR_OK;
    }
    MR_TRY(mr_given_map("topics", text, &keys, (void **)&t, cx));
    bool partitions_fine = t->partitions == -1 || (t->partitions > 0 && t->partitions <= 100000);
    if (!partitions_fine || t->replication == 0 || t->replication > INT16_MAX) {
        return mr_fail(cx, MR_E_OPTION, "Write a whole number from 1.",
                       "topic \"%s\" cannot have so many %s", t->name,
                       partitions_fine ? "replicas" : "partitions");
    }
    const char **pairs;
    uint32_t count;
    MR_TRY(mr_given_pairs("configs", t->configs, &pairs, &count, cx));
    mr_control_setting *settings = MR_NEW_ARRAY(cx->arena, mr_control_setting, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        settings[i].name = mr_span_of(pairs[2 * i]);
        settings[i].value = mr_span_of(pairs[2 * i + 1]);
    }
    ret->name = t->name;
    ret->partitions = (int32_t)t->partitions;
    ret->replication = (int16_t)t->replication;
    ret->settings = settings;
    ret->setting_count = (int32_t)count;
    return MR_OK;
}

static mr_code create_all(mr_control *control, const create *o, mr_text *names, mr_cx *cx) {
    mr_span *items;
    uint32_t count;
    mr_given_items(o->topics, &items, &count, cx);
    for (uint32_t i = 0; i < count; i++) {
        mr_control_topic_new wish;
        MR_TRY(take_topic(items[i], strcmp(o->if_exists, "keep") == 0, &wish, cx));
        MR_TRY(mr_control_topic_create(control, &wish, cx));
        mr_text_add_char(names, i == 0 ? '[' : ',');
        mr_text_add_json(names, mr_span_of(wish.name));
        const char *line = mr_arena_printf(cx->arena, "topic \"%s\" is there\n", wish.name);
        MR_TRY(mr_stream_write(MR_STDOUT, mr_span_of(line), cx));
    }
    mr_text_add(names, count == 0 ? "[]" : "]");
    return MR_OK;
}

static mr_code create_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    const create *o = options;
    mr_control control;
    mr_text names;
    mr_text_init(&names, cx->arena);
    MR_TRY(mr_where_open(try, o->conn, o->connect_timeout, &control, cx));
    mr_code code = create_all(&control, o, &names, cx);
    mr_control_close(&control, cx->plat);
    MR_TRY(code);
    return try->output(try, "topics", mr_text_span(&names), cx);
}

const mr_task_type mr_kind_topic_create = {
    .name = "topic.create",
    .doc = "Makes topics.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = create_options,
    .nested = create_nested,
    .outputs = create_outputs,
    .size = sizeof(create),
    .run = create_run,
};
