// Container: see container.h.

#include "task/container.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "task/given.h"

#define IMAGE_BYTES_MAX 1024
#define CPUS_MIN        0.01  // The kernel's least share; much less would be 0, which is no limit.
#define CPUS_MAX        1e6
#define TIMEOUT_US_MAX  ((int64_t)365 * 86400 * 1000000)

// ---- lists of words --------------------------------------------------------------------------

static bool is_word(mr_span json) {
    mr_jsonvalue_kind kind = mr_jsonvalue_kind_of(json);
    return kind != MR_JSONVALUE_ARRAY && kind != MR_JSONVALUE_OBJECT && kind != MR_JSONVALUE_NULL;
}

static const char *word_of(mr_span json, mr_cx *cx) {
    const char *text = mr_jsonvalue_text(json, cx->arena);
    return text != NULL ? text : mr_arena_copy(cx->arena, json.data, json.bytes);
}

static mr_code take_words(const char *key, const char *value, const char *const **ret, mr_cx *cx) {
    mr_span *items;
    uint32_t count;
    if (value != NULL && !mr_given_is_list(value)) {
        return mr_fail(cx, MR_E_TYPE, "Write [program, argument, …]: no shell reads them.",
                       "key \"%s\" must be a list of words", key);
    }
    mr_given_items(value, &items, &count, cx);
    const char **words = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_word(items[i])) {
            return mr_fail(cx, MR_E_TYPE, "Write [program, argument, …]: no shell reads them.",
                           "key \"%s\" must be a list of words", key);
        }
        words[i] = word_of(items[i], cx);
    }
    *ret = words;
    return MR_OK;
}

static void add_words(const char *name, const char *const *words, mr_text *out) {
    mr_text_addf(out, ",\"%s\":[", name);
    for (size_t i = 0; words[i] != NULL; i++) {
        mr_text_add(out, i == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(words[i]));
    }
    mr_text_add_char(out, ']');
}

static bool is_name(const char *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return text[0] != '\0' && strspn(text, letters) == strlen(text) &&
           (text[0] < '0' || text[0] > '9');
}

mr_code mr_container_broker_env(const char *value, const char *const **ret, mr_cx *cx) {
    mr_span *items;
    uint32_t count;
    const char *text = mr_given_is_list(value) ? value : mr_given_text(value, cx);
    mr_given_items(text, &items, &count, cx);
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = mr_given_is_list(text) && is_word(items[i]) ? word_of(items[i], cx) : text;
        if (!is_name(names[i])) {
            return mr_fail(cx, MR_E_OPTION, "Write broker_env: KAFKA_BROKERS, or a list of names.",
                           "\"%s\" cannot be a variable's name", names[i]);
        }
    }
    *ret = names;
    return MR_OK;
}

// ---- image -----------------------------------------------------------------------------------

mr_code mr_container_image_parse(const char *text, mr_container_image *ret, mr_cx *cx) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@";
    size_t bytes = strlen(text);
    const char *at = strchr(text, '@'), *slash = strrchr(text, '/');
    size_t name_bytes = at == NULL ? bytes : (size_t)(at - text);
    const char *name = mr_arena_copy(cx->arena, text, name_bytes);
    const char *colon = strrchr(name, ':');
    slash = strrchr(name, '/');
    bool tagged = colon != NULL && (slash == NULL || colon > slash);
    if (tagged) {
        name = mr_arena_copy(cx->arena, name, (size_t)(colon - name));
    }
    bool strange = bytes > IMAGE_BYTES_MAX || strspn(text, allowed) != bytes ||
                   strstr(text, "//") != NULL || strstr(text, "/.") != NULL ||
                   strchr("/-.", text[0]) != NULL;
    if (strange || name[0] == '\0' || (tagged && colon[1] == '\0') ||
        (at != NULL && strchr(at, ':') == NULL) || name[strlen(name) - 1] == '/') {
        return mr_fail(cx, MR_E_OPTION,
                       "Write NAME, NAME:TAG, REGISTRY/NAME:TAG, or NAME@sha256:….",
                       "\"%s\" is no name of an image", text);
    }
    *ret = (mr_container_image){.name = name, .digest = at == NULL ? NULL : at + 1};
    ret->tag = at != NULL ? NULL : tagged ? colon + 1 : "latest";
    ret->tag = ret->tag == NULL ? NULL : mr_arena_string(cx->arena, ret->tag);
    ret->whole = at != NULL ? mr_arena_printf(cx->arena, "%s@%s", name, at + 1)
                            : mr_arena_printf(cx->arena, "%s:%s", name, ret->tag);
    return MR_OK;
}

// ---- mounts ----------------------------------------------------------------------------------

typedef struct mount {
    const char *source;
    const char *target;
    const char *type;
    bool read_only;
} mount;

static const mr_option mount_options[] = {
    MR_OPTION(mount, source, MR_OPT_TEXT, NULL, "A folder or file of this machine, or a volume."),
    MR_OPTION(mount, target, MR_OPT_TEXT, MR_REQUIRED, "Where the container has it."),
    MR_OPTION_CHOICE(mount, type, "bind|volume|tmpfs", NULL, "What the source is."),
    MR_OPTION(mount, read_only, MR_OPT_BOOL, "false", "Whether it cannot be written."),
    MR_OPTION_END,
};

// SOURCE:TARGET or SOURCE:TARGET:ro, as of docker run -v.
static mr_code mount_of_text(const char *text, mount *ret, mr_cx *cx) {
    const char *first = strchr(text, ':');
    const char *second = first == NULL ? NULL : strchr(first + 1, ':');
    bool ro = second != NULL && strcmp(second, ":ro") == 0;
    if (first == NULL || first == text || (second != NULL && !ro && strcmp(second, ":rw") != 0)) {
        return mr_fail(cx, MR_E_OPTION,
                       "Write SOURCE:TARGET, SOURCE:TARGET:ro, or {source: …, target: …, "
                       "read_only: true}.",
                       "mount \"%s\" is not understood", text);
    }
    size_t target_bytes = second == NULL ? strlen(first + 1) : (size_t)(second - first - 1);
    *ret = (mount){
        .source = mr_arena_copy(cx->arena, text, (size_t)(first - text)),
        .target = mr_arena_copy(cx->arena, first + 1, target_bytes),
        .read_only = ro,
    };
    return MR_OK;
}

static mr_code finish_mount(mount *m, mr_cx *cx) {
    const char *source = m->source == NULL ? "" : m->source;
    bool path = strchr(source, '/') != NULL || source[0] == '.';
    if (m->type == NULL || m->type[0] == '\0') {
        m->type = path ? "bind" : "volume";
    }
    bool bind = strcmp(m->type, "bind") == 0, tmpfs = strcmp(m->type, "tmpfs") == 0;
    size_t bytes = m->target == NULL ? 0 : strlen(m->target);
    while (bytes > 1 && m->target[bytes - 1] == '/') {  // Else it would not be known again.
        m->target = mr_arena_copy(cx->arena, m->target, --bytes);
    }
    if (m->target == NULL || m->target[0] != '/' || strcmp(m->target, "/") == 0) {
        return mr_fail(cx, MR_E_OPTION, "It is a path inside the container: /data.",
                       "the target of a mount must begin with /, not be \"%s\"",
                       m->target == NULL ? "" : m->target);
    }
    if (tmpfs != (source[0] == '\0') || (path && !bind)) {
        return mr_fail(cx, MR_E_OPTION,
                       tmpfs ? "Memory has no source: leave it out."
                             : "A volume has a name without a slash; a folder is of type bind.",
                       "the mount at \"%s\" cannot have the source \"%s\"", m->target, source);
    }
    return MR_OK;
}

static mr_code take_mounts(const char *value, mount **ret, uint32_t *ret_count, mr_cx *cx) {
    const mr_given_keys keys = {mount_options, NULL, sizeof(mount)};
    mr_span *items;
    // A template that gave a text is as one text in the file.
    const char *text =
        mr_given_is_list(value) || mr_given_is_map(value) ? value : mr_given_text(value, cx);
    mr_given_items(text, &items, ret_count, cx);
    *ret = MR_NEW_ARRAY(cx->arena, mount, *ret_count + 1);
    for (uint32_t i = 0; i < *ret_count; i++) {
        const char *one = mr_arena_copy(cx->arena, items[i].data, items[i].bytes);
        if (mr_given_is_map(one)) {
            mount *map;
            MR_TRY(mr_given_map("mounts", one, &keys, (void **)&map, cx));
            (*ret)[i] = *map;
        } else {
            MR_TRY(mount_of_text(mr_given_text(one, cx), &(*ret)[i], cx));
        }
        MR_TRY(finish_mount(&(*ret)[i], cx));
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp((*ret)[k].target, (*ret)[i].target) == 0) {
                return mr_fail(cx, MR_E_OPTION, "Give each a place of its own.",
                               "two mounts have the target \"%s\"", (*ret)[i].target);
            }
        }
    }
    return MR_OK;
}

// The engine knows no project: paths are made whole.
static const char *source_of(const mount *m, const char *dir, mr_cx *cx) {
    const char *source = m->source;
    bool bare = strcmp(m->type, "bind") != 0 || source[0] == '/';
    source += !bare && strncmp(source, "./", 2) == 0 ? 2 : 0;
    return bare                       ? source
           : strcmp(source, ".") == 0 ? dir
                                      : mr_arena_printf(cx->arena, "%s/%s", dir, source);
}

static void add_mounts(const mount *mounts, uint32_t count, const char *dir, mr_text *out,
                       mr_cx *cx) {
    mr_text_add(out, ",\"Mounts\":[");
    for (uint32_t i = 0; i < count; i++) {
        mr_text_addf(out, "%s{\"Type\":\"%s\",\"Target\":", i == 0 ? "" : ",", mounts[i].type);
        mr_text_add_json(out, mr_span_of(mounts[i].target));
        if (mounts[i].source != NULL && mounts[i].source[0] != '\0') {
            mr_text_add(out, ",\"Source\":");
            mr_text_add_json(out, mr_span_of(source_of(&mounts[i], dir, cx)));
        }
        mr_text_addf(out, ",\"ReadOnly\":%s}", mounts[i].read_only ? "true" : "false");
    }
    mr_text_add_char(out, ']');
}

// ---- hosts -----------------------------------------------------------------------------------

static mr_code add_hosts(const mr_container_keys *keys, const char *more, mr_text *out, mr_cx *cx) {
    const char **pairs;
    uint32_t count;
    MR_TRY(mr_given_pairs("hosts", keys->hosts, &pairs, &count, cx));
    mr_text_add(out, ",\"ExtraHosts\":[");
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes = strlen(pairs[2 * i]);
        bool same = more != NULL && strncmp(more, pairs[2 * i], bytes) == 0 && more[bytes] == ':';
        more = same ? NULL : more;  // The file's wins.
        mr_text_add(out, i == 0 ? "" : ",");
        mr_text_add_json(
            out, mr_span_of(mr_arena_printf(cx->arena, "%s:%s", pairs[2 * i], pairs[2 * i + 1])));
    }
    if (more != NULL) {
        mr_text_add(out, count == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(more));
    }
    mr_text_add_char(out, ']');
    return MR_OK;
}

// ---- all of it -------------------------------------------------------------------------------

static mr_code check_timeout(const char *key, int64_t us, mr_cx *cx) {
    return us >= 0 && us <= TIMEOUT_US_MAX ? MR_OK
                                           : mr_fail(cx, MR_E_OPTION, "Write 30s, or 1h.",
                                                     "key \"%s\" must be from 0 to 365 days", key);
}

mr_code mr_container_check(const mr_container_keys *keys, mr_cx *cx) {
    mr_container_image image;
    mount *mounts;
    uint32_t count;
    const char *const *words;
    const char **pairs;
    if (keys->image != NULL) {
        MR_TRY(mr_container_image_parse(keys->image, &image, cx));
    }
    MR_TRY(take_words("command", keys->command, &words, cx));
    MR_TRY(take_words("entrypoint", keys->entrypoint, &words, cx));
    MR_TRY(take_mounts(keys->mounts, &mounts, &count, cx));
    MR_TRY(mr_given_pairs("hosts", keys->hosts, &pairs, &count, cx));
    MR_TRY(mr_container_broker_env(keys->broker_env, &words, cx));
    if (keys->engine != NULL && keys->conn != NULL) {
        return mr_fail(cx, MR_E_OPTION, "Keep one of them.",
                       "\"engine\" and \"conn\" exclude each other");
    }
    if (keys->cpus != 0 && !(keys->cpus >= CPUS_MIN && keys->cpus <= CPUS_MAX)) {
        return mr_fail(cx, MR_E_OPTION, "Write cpus: 1.5.",
                       "key \"cpus\" must be from %g to %.0f, not %g", CPUS_MIN, CPUS_MAX,
                       keys->cpus);
    }
    MR_TRY(check_timeout("connect_timeout", keys->connect_timeout, cx));
    return check_timeout("pull_timeout", keys->pull_timeout, cx);
}

static void add_text(const char *name, const char *value, mr_text *out) {
    if (value != NULL && value[0] != '\0') {
        mr_text_addf(out, ",\"%s\":", name);
        mr_text_add_json(out, mr_span_of(value));
    }
}

mr_code mr_container_request(const mr_container_keys *keys, const mr_container_more *more,
                             mr_text *out, mr_cx *cx) {
    mr_container_image image;
    mount *mounts;
    uint32_t count;
    const char *const *words;
    MR_TRY(mr_container_check(keys, cx));
    MR_TRY(mr_container_image_parse(keys->image, &image, cx));
    mr_text_add(out, "{\"Image\":");
    mr_text_add_json(out, mr_span_of(image.whole));
    mr_text_addf(out, ",\"Tty\":%s,\"Labels\":{", keys->tty ? "true" : "false");
    for (uint32_t i = 0; i < more->label_count; i++) {
        mr_text_add(out, i == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(more->labels[i].name));
        mr_text_add_char(out, ':');
        mr_text_add_json(out, mr_span_of(more->labels[i].value));
    }
    mr_text_add_char(out, '}');
    add_words("Env", more->env, out);
    if (keys->command != NULL) {
        MR_TRY(take_words("command", keys->command, &words, cx));
        add_words("Cmd", words, out);
    }
    if (keys->entrypoint != NULL) {
        MR_TRY(take_words("entrypoint", keys->entrypoint, &words, cx));
        add_words("Entrypoint", words, out);
    }
    add_text("WorkingDir", keys->working_dir, out);
    add_text("User", keys->user, out);
    mr_text_add(out, ",\"HostConfig\":{\"AutoRemove\":false");
    add_text("NetworkMode", keys->network, out);
    if (keys->memory > 0) {
        mr_text_addf(out, ",\"Memory\":%" PRIu64, keys->memory);
    }
    if (keys->cpus > 0) {
        mr_text_addf(out, ",\"NanoCpus\":%" PRId64, (int64_t)(keys->cpus * 1e9 + 0.5));
    }
    MR_TRY(take_mounts(keys->mounts, &mounts, &count, cx));
    add_mounts(mounts, count, more->dir, out, cx);
    MR_TRY(add_hosts(keys, more->host, out, cx));
    mr_text_add(out, "}}");
    return MR_OK;
}
