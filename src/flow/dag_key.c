// Dag, keys: the tables behind the reader, the JSON Schema and the manual, and the simple values.

#include "flow/dag_build.h"

#include <inttypes.h>
#include <string.h>

#include "flow/template.h"

#define RULE_CHOICE(name, text) "|" text
#define RULES                   (&(MR_TRIGGER_RULES(RULE_CHOICE))[1])

#define CALLBACKS_DOC \
    "{script: …} is run, {webhook: URL} gets a JSON document by POST; one, or a list."

#define DAG(name, shape, field, default_text, doc) \
    { #name, MR_SHAPE_##shape, offsetof(mr_dag, field), 0, default_text, NULL, NULL, false, doc }
#define DAG_OWN(name, default_text, schema, doc) \
    { #name, MR_SHAPE_OWN, 0, 0, default_text, NULL, schema, false, doc }

#define TEXT_LIST \
    "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}"

const mr_dag_key mr_dag_keys[] = {
    DAG(id, ID, id, MR_REQUIRED, "Name of the DAG: letters, digits, _, - and points."),
    DAG(description, TEXT, description, NULL, "What it is for."),
    DAG(owner, TEXT, owner, NULL, "Whom to ask."),
    DAG(tags, TEXTS, tags, NULL, "Words to find it by."),
    DAG_OWN(
        schedule, "null",
        "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\"},{\"type\":\"array\",\"items\":{"
        "\"type\":\"string\"},\"minItems\":1},{\"type\":\"object\",\"properties\":{"
        "\"cron\":" TEXT_LIST ",\"every\":{\"type\":\"string\"},\"at\":" TEXT_LIST
        "},\"minProperties\":1,"
        "\"maxProperties\":1,\"additionalProperties\":false}]}",
        "When it runs: null (on request only), a cron text, a preset such as \"@daily\", a list "
        "of them, {every: 15m}, {every: 1mo}, or {at: [times]}."),
    DAG_OWN(timezone, "that of the project, UTC", "{\"type\":\"string\"}",
            "Zone of the schedule, of dates and of {{ ds }}: Asia/Kolkata."),
    DAG_OWN(start_date, NULL, "{\"type\":\"string\"}",
            "No run is scheduled for data from before it: 2025-11-01, or with a time. Where runs "
            "have a "
            "data interval, the first one begins with the first tick from it on."),
    DAG_OWN(end_date, NULL, "{\"type\":\"string\"}", "… or for data that begins after it."),
    DAG_OWN(
        data_interval, "previous_tick", "{\"type\":\"string\"}",
        "Which data a run is about: previous_tick (from the tick before to its own), none, or a "
        "fixed time back from its tick, 24h."),
    {"catchup", MR_SHAPE_CHOICE, offsetof(mr_dag, catchup), 0, "none", "none|last|all", NULL, false,
     "Runs whose time passed while nothing ran: none of them, the last, or all."},
    DAG(catchup_window, DURATION, catchup_window_us, NULL, "… but none that are older than this."),
    {"max_active_runs", MR_SHAPE_COUNT, offsetof(mr_dag, max_active_runs), 1, "16", NULL, NULL,
     false, "Runs of this DAG at the same time."},
    {"max_active_tasks", MR_SHAPE_COUNT, offsetof(mr_dag, max_active_tasks), 1, "16", NULL, NULL,
     false, "Tasks of this DAG at the same time, over all its runs."},
    {"overlap", MR_SHAPE_CHOICE, offsetof(mr_dag, overlap), 0, "queue", "queue|skip|cancel_running",
     NULL, false,
     "A tick while max_active_runs are running: its run waits, is left out, or ends the oldest."},
    DAG(dagrun_timeout, DURATION, dagrun_timeout_us, NULL, "A run that takes longer fails."),
    DAG(deadline, DURATION, deadline_us, NULL,
        "A run that is not over so long after its tick calls on_deadline."),
    DAG(retention, DURATION, retention_us, NULL,
        "Runs that ended longer ago are deleted with their logs; that of the project if not "
        "given."),
    DAG_OWN(params, NULL,
            "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"type\":[\"string\","
            "\"number\",\"boolean\",\"null\",\"array\"]},{\"$ref\":\"#/definitions/param\"}]}}",
            "Values given when a run is started: name: default, or name: {type: …}."),
    DAG(env, ENV, env, NULL, "Environment of every task: NAME: value, or NAME: {secret: NAME}."),
    DAG_OWN(connections, NULL,
            "{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/connection\"}}",
            "Connections of this DAG alone; others are those of the store."),
    DAG_OWN(default_args, NULL, "{\"$ref\":\"#/definitions/default_args\"}",
            "Keys of tasks, for each task that does not say otherwise."),
    DAG(on_success, CALLBACKS, on_success, NULL, "When a run succeeds. " CALLBACKS_DOC),
    DAG(on_failure, CALLBACKS, on_failure, NULL, "When a run fails. " CALLBACKS_DOC),
    DAG(on_exit, CALLBACKS, on_exit, NULL,
        "When a run is over, however it ended: {{ state }} says how. " CALLBACKS_DOC),
    DAG(on_deadline, CALLBACKS, on_deadline, NULL,
        "When a run misses its deadline. " CALLBACKS_DOC),
    DAG_OWN(groups, NULL, "{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/group\"}}",
            "What tasks that say group: share; needed only to give a group keys of its own."),
    DAG_OWN(tasks, MR_REQUIRED,
            "{\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#/definitions/any_task\"}}",
            "What is to be done."),
    {.name = NULL},
};

#define TASK(name, shape, field, default_text, shared, doc)                                        \
    {                                                                                              \
        name, MR_SHAPE_##shape, offsetof(mr_dag_task, field), 0, default_text, NULL, NULL, shared, \
            doc                                                                                    \
    }
#define TASK_COUNT(name, field, least, default_text, doc)                                          \
    {                                                                                              \
        name, MR_SHAPE_COUNT, offsetof(mr_dag_task, field), least, default_text, NULL, NULL, true, \
            doc                                                                                    \
    }

const mr_dag_key mr_dag_keys_task[] = {
    TASK("id", ID, id, MR_REQUIRED, false, "Name of the task: letters, digits, _ and -."),
    {"type", MR_SHAPE_OWN, 0, 0, MR_REQUIRED, NULL, "{\"type\":\"string\"}", false,
     "What kind of task it is, see below."},
    TASK("doc", TEXT, doc, NULL, false, "What it is for."),
    {"depends_on", MR_SHAPE_OWN, 0, 0, NULL, NULL, TEXT_LIST, false,
     "Tasks that must be over first; a group's id means all its tasks."},
    TASK("group", ID, group, NULL, false, "The task group that it belongs to."),
    {"trigger_rule", MR_SHAPE_CHOICE, offsetof(mr_dag_task, trigger_rule), 0, "all_success", RULES,
     NULL, true, "How the tasks before it must have ended for it to run."},
    TASK("if", CONDITION, condition, NULL, false,
         "A template; when it gives false, 0, \"\", null or something empty, the task is skipped."),
    TASK("foreach", LIST, foreach, NULL, false,
         "A list, or a template that gives one: an instance of the task for each {{ item }}."),
    TASK("depends_on_past", BOOL, depends_on_past, "false", true,
         "Runs only when it succeeded or was skipped in the run before."),
    TASK_COUNT("retries", retries, 0, "0", "How often it is tried again when it fails."),
    TASK("retry_delay", DURATION, retry_delay_us, "5m", true, "How long it waits before that."),
    TASK("retry_exponential_backoff", BOOL, retry_exponential_backoff, "false", true,
         "Each wait is twice as long as the one before …"),
    TASK("max_retry_delay", DURATION, max_retry_delay_us, "24h", true, "… but no longer."),
    TASK("retry_on_exit_codes", CODES, retry_on_exit_codes, NULL, true,
         "Exit codes to try again for; without it, all."),
    TASK("skip_on_exit_codes", CODES, skip_on_exit_codes, "99", true,
         "Exit codes that mean skipped."),
    TASK("execution_timeout", DURATION, execution_timeout_us, NULL, true,
         "A try that takes longer is ended, with all that it started, and has failed."),
    TASK("poke_interval", DURATION, poke_interval_us, "30s", true,
         "Of a type that waits: the time between two looks …"),
    TASK("timeout", DURATION, timeout_us, "7d", true, "… and how long it waits in all."),
    TASK("pool", TEXT, pool, "default_pool", true, "The pool whose slots it takes."),
    TASK_COUNT("pool_slots", pool_slots, 1, "1", "How many of them."),
    TASK_COUNT("priority_weight", priority_weight, INT32_MIN, "1",
               "Who goes first when slots are scarce: the greater one."),
    TASK("env", ENV, env, NULL, true,
         "Environment: NAME: value, or NAME: {secret: NAME}; the way to give values to a script."),
    TASK("outputs", VALUES, outputs, NULL, false,
         "Outputs set when it succeeds, beside those that it writes itself."),
    TASK("on_success", CALLBACKS, on_success, NULL, true, "When it succeeds. " CALLBACKS_DOC),
    TASK("on_failure", CALLBACKS, on_failure, NULL, true, "When it has failed. " CALLBACKS_DOC),
    TASK("on_retry", CALLBACKS, on_retry, NULL, true,
         "When it will be tried again. " CALLBACKS_DOC),
    {.name = NULL},
};

_Static_assert(offsetof(mr_dag_task, retry_on_exit_code_count) ==
                       offsetof(mr_dag_task, retry_on_exit_codes) + sizeof(void *) &&
                   offsetof(mr_dag_task, skip_on_exit_code_count) ==
                       offsetof(mr_dag_task, skip_on_exit_codes) + sizeof(void *),
               "a list of codes has its count behind it");

const mr_dag_key mr_dag_keys_group[] = {
    {"id", MR_SHAPE_ID, offsetof(mr_dag_group, id), 0, MR_REQUIRED, NULL, NULL, false,
     "Name of the group, other than any task's."},
    {"doc", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"type\":\"string\"}", false, "What it is for."},
    {"depends_on", MR_SHAPE_OWN, 0, 0, NULL, NULL, TEXT_LIST, false,
     "What the first tasks of the group depend on."},
    {"default_args", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"$ref\":\"#/definitions/default_args\"}",
     false, "As those of the DAG, for this group's tasks."},
    {.name = NULL},
};

#define PARAM_TYPES "string|integer|number|boolean|date|datetime|array|object"

const mr_dag_key mr_dag_keys_param[] = {
    {"type", MR_SHAPE_OWN, 0, 0, "that of default", PARAM_TYPES,
     "{\"enum\":[\"string\",\"integer\",\"number\",\"boolean\",\"date\",\"datetime\",\"array\","
     "\"object\"]}",
     false, "What it must be."},
    {"default", MR_SHAPE_OWN, 0, 0, NULL, NULL, "true", false,
     "Its value when none is given; without it, one must be. With null it may be left empty."},
    {"enum", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"type\":\"array\",\"minItems\":1}", false,
     "The values that it may have."},
    {"minimum", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"type\":\"number\"}", false,
     "The least number."},
    {"maximum", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"type\":\"number\"}", false,
     "The greatest number."},
    {"pattern", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"type\":\"string\"}", false,
     "A regular expression (PCRE) that a text must fit somewhere."},
    {"description", MR_SHAPE_TEXT, offsetof(mr_dag_param, doc), 0, NULL, NULL, NULL, false,
     "What it is for."},
    {.name = NULL},
};

const mr_dag_key mr_dag_keys_connection[] = {
    {"id", MR_SHAPE_OWN, 0, 0, MR_REQUIRED, NULL, "{\"type\":\"string\"}", false, "Its name."},
    {"type", MR_SHAPE_OWN, 0, 0, MR_REQUIRED, NULL, "{\"type\":\"string\"}", false,
     "kafka, postgres, http, s3, docker, …"},
    {"host", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"type\":\"string\"}", false, "Host, or host:port."},
    {"port", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"type\":\"integer\"}", false, "Port."},
    {"login", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"type\":\"string\"}", false, "User."},
    {"password", MR_SHAPE_OWN, 0, 0, NULL, NULL,
     "{\"type\":\"object\",\"properties\":{\"secret\":{\"type\":\"string\"}},\"required\":["
     "\"secret\"],\"additionalProperties\":false}",
     false, "{secret: NAME}: a password does not stand in the file."},
    {"schema", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"type\":\"string\"}", false,
     "Database, or http and https."},
    {"extra", MR_SHAPE_OWN, 0, 0, NULL, NULL, "{\"type\":\"object\"}", false, "Anything else."},
    {.name = NULL},
};

// ---- finding ---------------------------------------------------------------------------------

const mr_dag_key *mr_dag_key_find(const mr_dag_key *table, const char *name) {
    for (const mr_dag_key *key = table; key->name != NULL; key++) {
        if (strcmp(key->name, name) == 0) {
            return key;
        }
    }
    return NULL;
}

bool mr_dag_key_is_id(const char *text) {
    size_t bytes = strlen(text);
    return bytes > 0 && bytes <= 128 && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               bytes;
}

const char *mr_dag_key_hint(const char *name, const char *const *names, size_t count,
                            const char *what, mr_arena *arena) {
    mr_text all;
    mr_text_init(&all, arena);
    mr_text_addf(&all, "%s: ", what);
    for (size_t i = 0; i < count && all.bytes < 800; i++) {
        mr_text_addf(&all, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    mr_text_add_char(&all, '.');
    return mr_text_hint(name, names, count, count == 0 ? NULL : mr_text_string(&all), arena);
}

// What words of Airflow, Kestra and Dagu are here.
static const char *foreign(const char *name) {
    static const struct {
        const char *name;
        const char *here;
    } words[] = {
        {"schedule_interval", "Write schedule:."},
        {"cron", "Write schedule: and the cron text in quotes."},
        {"dag_id", "Write id:."},
        {"task_id", "Write id:."},
        {"name", "Write id:."},
        {"steps", "Write tasks:."},
        {"depends", "Write depends_on: [id]."},
        {"upstream", "Write depends_on: [id]."},
        {"needs", "Write depends_on: [id]."},
        {"bash_command", "Write type: shell and script:."},
        {"python_callable", "Write type: python and script: or file:."},
        {"operator", "Write type:."},
        {"concurrency", "Write max_active_tasks:."},
        {"on_failure_callback", "Write on_failure: {script: …} or {webhook: URL}."},
        {"on_success_callback", "Write on_success: {script: …} or {webhook: URL}."},
        {"on_retry_callback", "Write on_retry: {script: …} or {webhook: URL}."},
        {"task_group", "Write group:."},
        {"task_group_id", "Write group:."},
        {"preconditions", "Write if: \"{{ … }}\"."},
        {"environment", "Write env:."},
        {"inputs", "Write params:."},
        {"variables", "Write params:, or use {{ var.NAME }}."},
        {"sla", "Write deadline: for the DAG."},
        {"doc_md", "Write doc: of a task, description: of a DAG."},
        {"wait_for_downstream", "Write depends_on_past: true; it waits for the task only."},
        {"email", "Write on_failure: {script: …}, which sends it."},
        {"email_on_failure", "Write on_failure: {script: …}, which sends a mail."},
        {"email_on_retry", "Write on_retry: {script: …}, which sends a mail."},
    };
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        if (strcmp(words[i].name, name) == 0) {
            return words[i].here;
        }
    }
    return NULL;
}

mr_code mr_dag_key_unknown(const mr_dag_key *table, const mr_option *own, const char *name,
                           mr_place place, mr_cx *cx) {
    const char *names[128];
    size_t count = 0;
    for (const mr_option *row = own; row != NULL && row->name != NULL; row++) {
        names[count++] = row->name;
        mr_assert(count < 64);
    }
    size_t own_count = count;
    for (const mr_dag_key *key = table; key->name != NULL; key++) {
        names[count++] = key->name;
        mr_assert(count < MR_COUNT(names));
    }
    const char *hint = foreign(name);
    if (hint == NULL && table == mr_dag_keys && mr_dag_key_find(mr_dag_keys_task, name) != NULL) {
        hint = "It is a key of tasks: write it there, or under default_args.";
    } else if (hint == NULL && table != mr_dag_keys && mr_dag_key_find(mr_dag_keys, name) != NULL) {
        hint = "It is a key of the DAG: write it at the left edge.";
    } else if (hint == NULL && own_count > 0 && mr_text_closest(name, names, count) == NULL) {
        hint = mr_dag_key_hint(name, names, own_count, "Keys of this type", cx->arena);
    } else if (hint == NULL) {
        hint = mr_dag_key_hint(name, names, count, "The keys are", cx->arena);
    }
    return mr_fail_at(cx, MR_E_OPTION, place, hint, "unknown key \"%s\"", name);
}

// ---- values ----------------------------------------------------------------------------------

static mr_code bad(const mr_dag_key *key, const mr_yaml *node, const char *hint, mr_cx *cx) {
    return mr_fail_at(cx, MR_E_VALUE, node->place, hint, "bad value \"%s\" for key \"%s\"",
                      node->text, key->name);
}

static mr_code expect(const mr_dag_key *key, const mr_yaml *node, mr_yaml_kind kind, mr_cx *cx) {
    MR_TRY(mr_yaml_expect(node, kind, mr_arena_printf(cx->arena, "key \"%s\"", key->name), cx));
    if (kind == MR_YAML_SCALAR && mr_template_has(mr_span_of(node->text)) &&
        (key->shape == MR_SHAPE_BOOL || key->shape == MR_SHAPE_COUNT ||
         key->shape == MR_SHAPE_DURATION || key->shape == MR_SHAPE_CHOICE ||
         key->shape == MR_SHAPE_CODES)) {
        return mr_fail_at(cx, MR_E_VALUE, node->place,
                          "The scheduler needs it before a run exists: write the value itself.",
                          "key \"%s\" takes no template", key->name);
    }
    return MR_OK;
}

static mr_code read_id(const mr_dag_key *key, const mr_yaml *node, const char **ret, mr_cx *cx) {
    MR_TRY(expect(key, node, MR_YAML_SCALAR, cx));
    char *plain = mr_arena_string(cx->arena, node->text);
    bool points = key == &mr_dag_keys[0];  // Of a DAG; a task's would make its files ambiguous.
    for (char *at = plain; points && *at != '\0'; at++) {
        *at = *at == '.' && at > plain ? '_' : *at;
    }
    if (!mr_dag_key_is_id(plain)) {
        return mr_fail_at(cx, MR_E_VALUE, node->place,
                          "Use letters, digits, _ and -, such as load_orders; 128 at the most.",
                          "\"%s\" cannot be an id", node->text);
    }
    *ret = node->text;
    return MR_OK;
}

static mr_code read_bool(const mr_dag_key *key, const mr_yaml *node, bool *ret, mr_cx *cx) {
    MR_TRY(expect(key, node, MR_YAML_SCALAR, cx));
    *ret = strcmp(node->text, "true") == 0;
    if (*ret || strcmp(node->text, "false") == 0) {
        return MR_OK;
    }
    static const char *const words[] = {"yes", "no", "on", "off", "y", "n"};
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        if (mr_span_equal_nocase(mr_span_of(node->text), mr_span_of(words[i]))) {
            return bad(key, node, "In YAML 1.2 yes, no, on and off are texts: write true or false.",
                       cx);
        }
    }
    return bad(key, node, "Write true or false.", cx);
}

static mr_code read_count(const mr_dag_key *key, const mr_yaml *node, int64_t *ret, mr_cx *cx) {
    MR_TRY(expect(key, node, MR_YAML_SCALAR, cx));
    int64_t value;
    if (!mr_text_parse_int64(mr_span_of(node->text), &value)) {
        return bad(key, node, "Write a whole number.", cx);
    }
    if (value < key->least || value > INT32_MAX) {
        return bad(
            key, node,
            mr_arena_printf(cx->arena, "It goes from %" PRId64 " to %d.", key->least, INT32_MAX),
            cx);
    }
    *ret = value;
    return MR_OK;
}

static mr_code read_duration(const mr_dag_key *key, const mr_yaml *node, int64_t *ret, mr_cx *cx) {
    MR_TRY(expect(key, node, MR_YAML_SCALAR, cx));
    int64_t value, number;
    if (mr_text_parse_int64(mr_span_of(node->text), &number) && number != 0) {
        return bad(key, node,
                   mr_arena_printf(cx->arena,
                                   "Write the unit too: %ss for seconds, %sm for "
                                   "minutes.",
                                   node->text, node->text),
                   cx);
    }
    if (!mr_text_parse_duration_us(mr_span_of(node->text), &value) || value < 0) {
        return bad(key, node, "Write a duration, such as 30s, 5m, 1h30m or 7d.", cx);
    }
    *ret = value;
    return MR_OK;
}

static mr_code read_choice(const mr_dag_key *key, const mr_yaml *node, unsigned *ret, mr_cx *cx) {
    MR_TRY(expect(key, node, MR_YAML_SCALAR, cx));
    const char *names[32];
    size_t count = 0;
    for (const char *at = key->choices; at != NULL;) {
        const char *bar = strchr(at, '|');
        size_t bytes = bar == NULL ? strlen(at) : (size_t)(bar - at);
        mr_assert(count < MR_COUNT(names));
        names[count] = mr_arena_copy(cx->arena, at, bytes);
        if (strcmp(names[count], node->text) == 0) {
            *ret = (unsigned)count;
            return MR_OK;
        }
        count++;
        at = bar == NULL ? NULL : bar + 1;
    }
    const char *hint = mr_dag_key_hint(node->text, names, count, "Write one of", cx->arena);
    bool truth = strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0 ||
                 strcmp(node->text, "True") == 0 || strcmp(node->text, "False") == 0;
    if (strcmp(key->name, "catchup") == 0 && truth) {
        hint = "Airflow's False is none, its True is all.";
    }
    return bad(key, node, hint, cx);
}

// A list, or one value in its place.
static const mr_yaml *item_of(const mr_yaml *node, uint32_t index) {
    return node->kind == MR_YAML_LIST ? node->items[index] : node;
}

static mr_code read_texts(const mr_dag_key *key, const mr_yaml *node, const char *const **ret,
                          mr_cx *cx) {
    uint32_t count = node->kind == MR_YAML_LIST ? node->count : 1;
    const char **texts = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(expect(key, item_of(node, i), MR_YAML_SCALAR, cx));
        texts[i] = item_of(node, i)->text;
    }
    *ret = texts;
    return MR_OK;
}

static mr_code read_codes(const mr_dag_key *key, const mr_yaml *node, void *field, mr_cx *cx) {
    uint32_t count = node->kind == MR_YAML_LIST ? node->count : 1;
    int32_t *codes = MR_NEW_ARRAY(cx->arena, int32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const mr_yaml *item = item_of(node, i);
        MR_TRY(expect(key, item, MR_YAML_SCALAR, cx));
        int64_t code;
        if (!mr_text_parse_int64(mr_span_of(item->text), &code) || code < 0 || code > 255) {
            return bad(key, item, "An exit code goes from 0 to 255.", cx);
        }
        codes[i] = (int32_t)code;
    }
    const int32_t *list = codes;
    memcpy(field, &list, sizeof(list));
    memcpy((char *)field + sizeof(list), &count, sizeof(count));
    return MR_OK;
}

static mr_code read_callback(const mr_dag_key *key, const mr_yaml *node, mr_callback *ret,
                             mr_cx *cx) {
    const char *hint = "Write {script: \"…\"} or {webhook: \"https://…\"}.";
    if (node->kind != MR_YAML_MAP || node->count != 1) {
        return mr_fail_at(cx, MR_E_TYPE, node->place, hint, "\"%s\" is a map with one key",
                          key->name);
    }
    bool script = strcmp(node->names[0], "script") == 0;
    if (!script && strcmp(node->names[0], "webhook") != 0) {
        return mr_fail_at(cx, MR_E_OPTION, node->places[0], hint, "unknown key \"%s\"",
                          node->names[0]);
    }
    MR_TRY(mr_yaml_expect(node->items[0], MR_YAML_SCALAR, node->names[0], cx));
    const char *text = node->items[0]->text;
    mr_span url = mr_span_of(text);
    if (!script && !mr_span_starts(url, "http://") && !mr_span_starts(url, "https://") &&
        !mr_span_starts(url, "{{")) {
        return mr_fail_at(cx, MR_E_VALUE, node->items[0]->place, "Write http://… or https://….",
                          "\"%s\" is no URL", text);
    }
    *ret = (mr_callback){.script = script ? text : NULL, .webhook = script ? NULL : text};
    return MR_OK;
}

static mr_code read_callbacks(const mr_dag_key *key, const mr_yaml *node, mr_callbacks *ret,
                              mr_cx *cx) {
    uint32_t count = node->kind == MR_YAML_LIST ? node->count : 1;
    mr_callback *items = MR_NEW_ARRAY(cx->arena, mr_callback, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        MR_TRY(read_callback(key, item_of(node, i), &items[i], cx));
    }
    *ret = (mr_callbacks){.items = items, .count = count};
    return MR_OK;
}

static mr_code read_condition(const mr_dag_key *key, const mr_yaml *node, const char **ret,
                              mr_cx *cx) {
    MR_TRY(expect(key, node, MR_YAML_SCALAR, cx));
    mr_span text = mr_span_of(node->text);
    bool plain = strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0;
    if (!plain && !mr_template_has(text)) {
        return mr_fail_at(cx, MR_E_VALUE, node->place,
                          mr_arena_printf(cx->arena, "Write: if: \"{{ %s }}\".", node->text),
                          "\"if\" wants a template");
    }
    if (!plain) {  // "{{ a }} > 0" would always be true: it is a text.
        MR_TRY(mr_template_check(text, node->place, /* name= */ NULL, /* self= */ NULL, cx));
        if (!mr_template_alone(text)) {
            return mr_fail_at(cx, MR_E_VALUE, node->place,
                              "Write the whole condition inside: \"{{ outputs.a.n > 0 }}\".",
                              "\"if\" must be one {{ … }} and nothing else");
        }
    }
    *ret = node->text;
    return MR_OK;
}

static mr_code read_list(const mr_dag_key *key, const mr_yaml *node, const mr_yaml **ret,
                         mr_cx *cx) {
    if (node->kind == MR_YAML_SCALAR && !mr_template_alone(mr_span_of(node->text))) {
        return mr_fail_at(cx, MR_E_TYPE, node->place,
                          "Write [a, b], or a template such as \"{{ outputs.find.files }}\".",
                          "key \"%s\" must be a list, or one template that gives one", key->name);
    }
    if (node->kind == MR_YAML_MAP) {
        MR_TRY(expect(key, node, MR_YAML_LIST, cx));
    }
    *ret = node;
    return MR_OK;
}

static mr_code read_values(const mr_dag_key *key, const mr_yaml *node, const mr_yaml **ret,
                           mr_cx *cx) {
    MR_TRY(expect(key, node, MR_YAML_MAP, cx));
    static const char *const plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    for (uint32_t i = 0; i < node->count; i++) {
        const char *name = node->names[i];
        const mr_yaml *item = node->items[i];
        if (name[0] == '\0' || strspn(name, plain) != strlen(name) ||
            (name[0] >= '0' && name[0] <= '9')) {
            return mr_fail_at(cx, MR_E_VALUE, node->places[i],
                              "Use letters, digits and _, no digit first.",
                              "\"%s\" cannot be a name in \"%s\"", name, key->name);
        }
        if (key->shape != MR_SHAPE_ENV || item->kind == MR_YAML_SCALAR) {
            continue;
        }
        const mr_yaml *secret =
            item->kind == MR_YAML_MAP && item->count == 1 ? mr_yaml_get(item, "secret") : NULL;
        if (secret == NULL || secret->kind != MR_YAML_SCALAR || mr_yaml_is_null(secret)) {
            return mr_fail_at(cx, MR_E_TYPE, item->place,
                              "Write a text, or {secret: NAME} for a secret of the store.",
                              "\"%s\" in \"%s\" is no text", name, key->name);
        }
    }
    *ret = node;
    return MR_OK;
}

mr_code mr_dag_key_read(const mr_dag_key *key, const mr_yaml *node, void *target, mr_cx *cx) {
    void *field = (char *)target + key->offset;
    switch (key->shape) {
    case MR_SHAPE_ID: return read_id(key, node, field, cx);
    case MR_SHAPE_TEXT:
        MR_TRY(expect(key, node, MR_YAML_SCALAR, cx));
        *(const char **)field = node->text;
        return MR_OK;
    case MR_SHAPE_BOOL: return read_bool(key, node, field, cx);
    case MR_SHAPE_COUNT: return read_count(key, node, field, cx);
    case MR_SHAPE_DURATION: return read_duration(key, node, field, cx);
    case MR_SHAPE_CHOICE: return read_choice(key, node, field, cx);
    case MR_SHAPE_TEXTS: return read_texts(key, node, field, cx);
    case MR_SHAPE_CODES: return read_codes(key, node, field, cx);
    case MR_SHAPE_CALLBACKS: return read_callbacks(key, node, field, cx);
    case MR_SHAPE_CONDITION: return read_condition(key, node, field, cx);
    case MR_SHAPE_LIST: return read_list(key, node, field, cx);
    case MR_SHAPE_VALUES:
    case MR_SHAPE_ENV: return read_values(key, node, field, cx);
    case MR_SHAPE_OWN: return MR_OK;
    }
    return MR_OK;
}

void mr_dag_key_defaults(const mr_dag_key *table, void *target, mr_cx *cx) {
    for (const mr_dag_key *key = table; key->name != NULL; key++) {
        if (key->shape == MR_SHAPE_OWN || key->default_text == NULL ||
            key->default_text == MR_REQUIRED) {
            continue;
        }
        mr_yaml node = {.kind = MR_YAML_SCALAR, .text = key->default_text, .place = MR_NOWHERE};
        mr_code code = mr_dag_key_read(key, &node, target, cx);
        mr_assert(code == MR_OK);  // A default is written by us.
    }
}
