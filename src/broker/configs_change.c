// Configs change: whether changes of configs are allowed, and what they make of what is set.
//
// Words and codes are Kafka's, since tools show them and some clients look at them.
//
// Also: mr_configs_

#include <limits.h>
#include <string.h>

#include "broker/configs.h"

// ---- one value -------------------------------------------------------------------------------

static const char *bad(const mr_config *config, mr_span value, const char *why, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "Invalid value %.*s for configuration %s: %s",
                           MR_SPAN_ARGS(value), config->name, why);
}

static bool is_choice(const char *choices, mr_span value) {
    const char *at = choices;
    while (*at != '\0') {
        size_t bytes = strcspn(at, ",");
        if (mr_span_equal(mr_span_trim((mr_span){at, bytes}), value)) {
            return true;
        }
        at += bytes + (at[bytes] == ',');
    }
    return false;
}

static const char *check_number(const mr_config *config, mr_span value, mr_cx *cx) {
    static const char *const type_names[] = {
        [MR_CONFIG_INT] = "INT",
        [MR_CONFIG_SHORT] = "SHORT",
        [MR_CONFIG_LONG] = "LONG",
        [MR_CONFIG_DOUBLE] = "DOUBLE",
    };
    mr_span trimmed = mr_span_trim(value);
    int64_t whole = 0;
    double number = 0;
    bool ok = config->type == MR_CONFIG_DOUBLE ? mr_text_parse_double(trimmed, &number)
                                               : mr_text_parse_int64(trimmed, &whole);
    ok = ok && !(config->type == MR_CONFIG_INT && (whole < INT_MIN || whole > INT_MAX)) &&
         !(config->type == MR_CONFIG_SHORT && (whole < SHRT_MIN || whole > SHRT_MAX));
    if (!ok) {
        const char *why =
            mr_arena_printf(cx->arena, "Not a number of type %s", type_names[config->type]);
        return bad(config, value, why, cx);
    }
    number = config->type == MR_CONFIG_DOUBLE ? number : (double)whole;
    int digits = config->type == MR_CONFIG_DOUBLE;
    if (number < config->least) {
        return bad(config, trimmed,
                   mr_arena_printf(cx->arena, "Value must be at least %.*f", digits, config->least),
                   cx);
    }
    if (number > config->greatest) {
        return bad(
            config, trimmed,
            mr_arena_printf(cx->arena, "Value must be no more than %.*f", digits, config->greatest),
            cx);
    }
    return NULL;
}

static const char *check_choice(const mr_config *config, mr_span value, mr_cx *cx) {
    if (is_choice(config->choices, value)) {
        return NULL;
    }
    mr_text why;
    mr_text_init(&why, cx->arena);
    mr_text_add(&why, "String must be one of: ");
    for (const char *at = config->choices; *at != '\0'; at++) {
        mr_text_addf(&why, at[0] == ',' && at[1] != ' ' ? "%c " : "%c", *at);
    }
    return bad(config, value, mr_text_string(&why), cx);
}

// NULL: it is well.
static const char *check(const mr_config *config, mr_span value, mr_cx *cx) {
    mr_span trimmed = mr_span_trim(value);
    switch (config->type) {
    case MR_CONFIG_BOOLEAN:
        return mr_span_equal_nocase(trimmed, MR_SPAN("true")) ||
                       mr_span_equal_nocase(trimmed, MR_SPAN("false"))
                   ? NULL
                   : bad(config, value, "Expected value to be either true or false", cx);
    case MR_CONFIG_INT:
    case MR_CONFIG_SHORT:
    case MR_CONFIG_LONG:
    case MR_CONFIG_DOUBLE: return check_number(config, value, cx);
    case MR_CONFIG_STRING:
        return config->choices == NULL ? NULL : check_choice(config, trimmed, cx);
    case MR_CONFIG_LIST: break;
    case MR_CONFIG_CLASS:
    case MR_CONFIG_PASSWORD: return NULL;
    }
    for (size_t from = 0; config->choices != NULL && from < trimmed.bytes;) {
        const char *comma = memchr(trimmed.data + from, ',', trimmed.bytes - from);
        size_t to = comma == NULL ? trimmed.bytes : (size_t)(comma - trimmed.data);
        const char *why =
            check_choice(config, mr_span_trim((mr_span){trimmed.data + from, to - from}), cx);
        if (why != NULL) {
            return why;
        }
        from = to + 1;
    }
    return NULL;
}

// ---- lists -----------------------------------------------------------------------------------

// The parts of `list` without (or with) those of `parts`: Kafka's SUBTRACT and APPEND.
static const char *list_change(const char *list, mr_span parts, bool append, mr_cx *cx) {
    mr_span pieces[2] = {mr_span_of(list), parts};
    mr_text out;
    mr_text_init(&out, cx->arena);
    for (int p = 0; p <= (append ? 1 : 0); p++) {
        for (size_t from = 0; from < pieces[p].bytes;) {
            const char *comma = memchr(pieces[p].data + from, ',', pieces[p].bytes - from);
            size_t to = comma == NULL ? pieces[p].bytes : (size_t)(comma - pieces[p].data);
            mr_span part = {pieces[p].data + from, to - from};
            const char *other =
                append ? mr_text_string(&out) : mr_arena_copy(cx->arena, parts.data, parts.bytes);
            if (part.bytes > 0 && !is_choice(other, part)) {
                mr_text_add(&out, out.bytes == 0 ? "" : ",");
                mr_text_add_bytes(&out, part.data, part.bytes);
            }
            from = to + 1;
        }
    }
    return mr_text_string(&out);
}

// ---- a set -----------------------------------------------------------------------------------

typedef struct next_set {
    mr_topic_setting *items;
    uint32_t count;
} next_set;

static uint32_t find(const next_set *set, mr_span name) {
    uint32_t i = 0;
    while (i < set->count && !mr_span_is(name, set->items[i].name)) {
        i++;
    }
    return i;
}

static void drop(next_set *set, mr_span name) {
    uint32_t at = find(set, name);
    if (at < set->count) {
        memmove(&set->items[at], &set->items[at + 1], sizeof(*set->items) * (set->count - at - 1));
        set->count--;
    }
}

static void put(next_set *set, mr_span name, const char *value, mr_cx *cx) {
    uint32_t at = find(set, name);
    if (at == set->count) {
        set->items[set->count++].name = mr_arena_copy(cx->arena, name.data, name.bytes);
    }
    set->items[at].value = value;
}

// NULL: done.
static const char *apply(next_set *set, const mr_config_changes *changes,
                         const mr_config_change *change, mr_cx *cx) {
    const mr_config *config = mr_configs_find(changes->kind, change->name);
    switch (change->op) {
    case MR_CONFIG_SET:
        put(set, change->name, mr_arena_copy(cx->arena, change->value.data, change->value.bytes),
            cx);
        return NULL;
    case MR_CONFIG_DELETE: drop(set, change->name); return NULL;
    case MR_CONFIG_APPEND:
    case MR_CONFIG_SUBTRACT: break;
    }
    bool append = change->op == MR_CONFIG_APPEND;
    if (config == NULL || config->type != MR_CONFIG_LIST) {
        return mr_arena_printf(cx->arena, "Can't %s to key %.*s because its type is not LIST.",
                               append ? "APPEND" : "SUBTRACT", MR_SPAN_ARGS(change->name));
    }
    uint32_t at = find(set, change->name);
    const char *now = at < set->count ? set->items[at].value : config->value;
    put(set, change->name, list_change(now == NULL ? "" : now, change->value, append, cx), cx);
    return NULL;
}

static int64_t lag_of(const next_set *set, const char *name) {
    uint32_t at = find(set, mr_span_of(name));
    const mr_config *config = mr_configs_find(MR_CONFIGS_OF_TOPICS, mr_span_of(name));
    int64_t value = 0;
    (void)!mr_text_parse_int64(
        mr_span_trim(mr_span_of(at < set->count ? set->items[at].value : config->value)), &value);
    return value;
}

// Kafka checks the whole set that comes out. NULL: it is well.
static const char *check_set(const mr_config_changes *changes, const next_set *set, mr_cx *cx) {
    bool topics = changes->kind == MR_CONFIGS_OF_TOPICS;
    for (uint32_t i = 0; i < set->count; i++) {
        const mr_config *config = mr_configs_find(changes->kind, mr_span_of(set->items[i].name));
        if (config == NULL) {
            if (!topics) {
                continue;  // Kafka keeps what it does not know for plugins.
            }
            return mr_arena_printf(cx->arena, "Unknown topic config name: %s", set->items[i].name);
        }
        const char *why = check(config, mr_span_of(set->items[i].value), cx);
        if (why != NULL) {
            return why;
        }
    }
    int64_t least = topics ? lag_of(set, "min.compaction.lag.ms") : 0;
    int64_t greatest = topics ? lag_of(set, "max.compaction.lag.ms") : 0;
    if (least > greatest) {
        return mr_arena_printf(cx->arena,
                               "conflict topic config setting min.compaction.lag.ms (%lld) > "
                               "max.compaction.lag.ms (%lld)",
                               (long long)least, (long long)greatest);
    }
    return NULL;
}

static const char *read_only_in(const mr_config_changes *changes, mr_cx *cx) {
    for (uint32_t c = 0; changes->kind == MR_CONFIGS_OF_BROKERS && c < changes->count; c++) {
        const mr_config *config = mr_configs_find(changes->kind, changes->items[c].name);
        if (config != NULL && config->read_only) {
            return mr_arena_printf(cx->arena, "Cannot update these configs dynamically: Set(%s)",
                                   config->name);
        }
    }
    return NULL;
}

void mr_configs_change(const mr_config_changes *changes, mr_config_set now, mr_config_set *ret,
                       mr_outcome *ret_outcome, mr_cx *cx) {
    *ret_outcome = (mr_outcome){MR_KAFKA_NONE, NULL};
    next_set set = {MR_NEW_ARRAY(cx->arena, mr_topic_setting, now.count + changes->count), 0};
    for (uint32_t i = 0; i < now.count && !changes->replace; i++) {
        set.items[set.count++] = now.items[i];
    }
    const char *why = read_only_in(changes, cx);
    if (why != NULL) {
        *ret_outcome = (mr_outcome){MR_KAFKA_INVALID_REQUEST, why};
        return;
    }
    for (uint32_t c = 0; c < changes->count && why == NULL; c++) {
        why = apply(&set, changes, &changes->items[c], cx);
    }
    why = why != NULL ? why : check_set(changes, &set, cx);
    if (why != NULL) {
        *ret_outcome = (mr_outcome){MR_KAFKA_INVALID_CONFIG, why};
        return;
    }
    *ret = (mr_config_set){set.items, set.count};
}
