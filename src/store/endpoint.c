// Endpoint: URIs and JSON objects in, and out again; see endpoint.h.

#include "store/endpoint.h"

#include <inttypes.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "base/utf8.h"

#define NAME_BYTES_MAX 200
#define FORM_HINT \
    "Write type://login:password@host:port/schema?key=value, each part percent-encoded."

static const char *const hidden = "***";

bool mr_endpoint_is_secret(mr_span name) {
    static const char *const words[] = {
        "password",   "passwd",          "pwd",           "passphrase", "secret",
        "token",      "apikey",          "accesskey",     "accountkey", "privatekey",
        "keyfile",    "sslkey",          "jaas",          "sharedkey",  "signingkey",
        "credential", "subscriptionkey", "authorization", "cookie",     "connectionstring"};
    char plain[256];  // api_key, api-key and apiKey are one.
    size_t count = 0;
    for (size_t i = 0; i < name.bytes && count < sizeof(plain); i++) {
        if (strchr("_-. ", name.data[i]) == NULL) {
            plain[count++] = name.data[i];
        }
    }
    for (size_t i = 0; i < MR_COUNT(words); i++) {
        size_t bytes = strlen(words[i]);
        for (size_t at = 0; at + bytes <= count; at++) {
            if (mr_span_equal_nocase((mr_span){plain + at, bytes}, mr_span_of(words[i]))) {
                return true;
            }
        }
    }
    return false;
}

typedef struct secrets {
    void (*give)(void *self, const char *secret);
    void *self;
} secrets;

static void walk(const secrets *s, mr_span value, bool all);

// A text, which may be a JSON object itself: Airflow keeps a key file so.
static void walk_text(const secrets *s, mr_span value, bool all) {
    mr_text plain;
    mr_text_init(&plain, NULL);
    mr_jsonvalue_unescape(value, &plain);
    mr_span inside = mr_jsonvalue_trim(mr_text_span(&plain));
    if (all && plain.bytes > 0) {
        s->give(s->self, mr_text_string(&plain));
    }
    if (inside.bytes > 0 && inside.data[0] == '{' && mr_jsonvalue_check(inside)) {
        walk(s, inside, all);
    }
    mr_text_release(&plain);
}

// Gives what is secret in a value, at any depth. all: its name says that all of it is.
static void walk(const secrets *s, mr_span value, bool all) {
    mr_span key, item, inside = value;
    switch (mr_jsonvalue_kind_of(value)) {
    case MR_JSONVALUE_STRING: walk_text(s, value, all); break;
    case MR_JSONVALUE_NUMBER:
        if (all) {
            mr_text plain;
            mr_text_init(&plain, NULL);
            mr_text_add_bytes(&plain, value.data, value.bytes);
            s->give(s->self, mr_text_string(&plain));
            mr_text_release(&plain);
        }
        break;
    case MR_JSONVALUE_ARRAY:
        inside = mr_jsonvalue_inside(value);
        while (mr_jsonvalue_next(&inside, /* ret_key= */ NULL, &item)) {
            walk(s, item, all);
        }
        break;
    case MR_JSONVALUE_OBJECT:
        inside = mr_jsonvalue_inside(value);
        while (mr_jsonvalue_next(&inside, &key, &item)) {
            walk(s, item, all || mr_endpoint_is_secret(key));
        }
        break;
    case MR_JSONVALUE_NULL:
    case MR_JSONVALUE_FALSE:
    case MR_JSONVALUE_TRUE: break;
    }
}

void mr_endpoint_secrets(const mr_endpoint *c, void (*give)(void *self, const char *secret),
                         void *self) {
    const secrets s = {give, self};
    if (c->password[0] != '\0') {
        give(self, c->password);
    }
    if (c->extra_json.bytes > 0) {
        walk(&s, c->extra_json, /* all= */ false);
    }
}

mr_code mr_endpoint_check_name(const char *what, const char *name, mr_cx *cx) {
    size_t bytes = strlen(name);
    bool good = bytes > 0 && bytes <= NAME_BYTES_MAX;
    for (const char *at = name; *at != '\0'; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        good = good && (letter || (*at >= '0' && *at <= '9') || strchr("_-.", *at) != NULL);
    }
    return good ? MR_OK
                : mr_fail(cx, MR_E_VALUE, "Letters, digits, _, - and . can be used.",
                          "\"%s\" is no name for a %s", name, what);
}

// ---- percent-encoding ------------------------------------------------------------------------

static int hex_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

void mr_endpoint_percent(mr_span text, mr_text *out) {
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool plain = letter || (c >= '0' && c <= '9') || (c != '\0' && strchr("_-.~", c) != NULL);
        mr_text_addf(out, plain ? "%c" : "%%%02X", (unsigned char)c);
    }
}

// *ret is NUL-terminated; false: a broken escape, a NUL, or what is no UTF-8.
static bool decode(mr_span text, bool plus_is_blank, const char **ret, mr_arena *arena) {
    char *out = mr_arena_raw(arena, text.bytes + 1);
    size_t bytes = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.bytes ? hex_of(text.data[i + 1]) : -1;
            int low = i + 2 < text.bytes ? hex_of(text.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c == '\0') {
            return false;
        }
        out[bytes++] = c;
    }
    out[bytes] = '\0';
    *ret = out;
    return mr_utf8_valid(out, bytes);
}

// ---- reading a URI ---------------------------------------------------------------------------

// Cuts text at the first c: what stands before it is returned, text is what stands behind.
static bool cut(mr_span *text, char c, mr_span *ret) {
    const char *at = text->bytes == 0 ? NULL : memchr(text->data, c, text->bytes);
    if (at == NULL) {
        return false;
    }
    *ret = (mr_span){text->data, (size_t)(at - text->data)};
    *text = (mr_span){at + 1, text->bytes - ret->bytes - 1};
    return true;
}

static mr_code fail_uri(const char *name, const char *what, mr_cx *cx) {
    return mr_fail(cx, MR_E_VALUE, FORM_HINT, "connection \"%s\": its URI %s", name, what);
}

// The type as the rest of the program calls it.
// NULL: it is none.
static const char *type_of(mr_span scheme, mr_arena *arena) {
    static const char *const others[][2] = {
        {"postgresql", "postgres"}, {"aws", "s3"}, {"mariadb", "mysql"}};
    for (size_t i = 0; i < MR_COUNT(others); i++) {
        if (mr_span_equal_nocase(scheme, mr_span_of(others[i][0]))) {
            return others[i][1];
        }
    }
    char *type = mr_arena_copy(arena, scheme.data, scheme.bytes);
    bool good = scheme.bytes > 0 && strlen(type) == scheme.bytes;
    for (char *at = type; *at != '\0'; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        good = good && (letter || (*at >= '0' && *at <= '9') || strchr("_-+.", *at) != NULL);
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at == '-' ? '_' : *at;
    }
    return good ? type : NULL;
}

static bool parse_port(mr_span text, int64_t *ret) {
    return text.bytes == 0 || (mr_text_parse_int64(text, ret) && *ret > 0 && *ret <= 65535);
}

// host, host:port, [v6]:port, or several with commas, which stay as they are.
static bool parse_place(mr_span place, mr_endpoint *c, mr_arena *arena) {
    mr_span host = place, port = {0};
    const char *colon = place.bytes == 0 ? NULL : memrchr(place.data, ':', place.bytes);
    bool several = place.bytes > 0 && memchr(place.data, ',', place.bytes) != NULL;
    if (place.bytes > 0 && place.data[0] == '[') {
        const char *end = memchr(place.data, ']', place.bytes);
        if (end == NULL) {
            return false;
        }
        host = (mr_span){place.data + 1, (size_t)(end - place.data - 1)};
        mr_span rest = {end + 1, place.bytes - host.bytes - 2};
        if (rest.bytes > 0 && rest.data[0] != ':') {
            return false;
        }
        port = rest.bytes == 0 ? rest : (mr_span){rest.data + 1, rest.bytes - 1};
    } else if (colon != NULL && !several) {
        host.bytes = (size_t)(colon - place.data);
        port = (mr_span){colon + 1, place.bytes - host.bytes - 1};
    }
    return decode(host, /* plus_is_blank= */ false, &c->host, arena) && parse_port(port, &c->port);
}

static mr_code parse_query(mr_span query, mr_endpoint *c, mr_cx *cx) {
    mr_text extra;
    mr_text_init(&extra, cx->arena);
    while (query.bytes > 0) {
        mr_span pair, key;
        if (!cut(&query, '&', &pair)) {
            pair = query;
            query.bytes = 0;
        }
        mr_span value = pair;
        if (!cut(&value, '=', &key)) {
            key = pair;
            value = (mr_span){0};
        }
        const char *key_text, *value_text;
        if (!decode(key, true, &key_text, cx->arena) ||
            !decode(value, true, &value_text, cx->arena)) {
            return fail_uri(c->name, "has a broken % in its query", cx);
        }
        if (strcmp(key_text, "__extra__") == 0) {
            mr_span json = mr_span_of(value_text);
            if (!mr_jsonvalue_check(json) || mr_jsonvalue_kind_of(json) != MR_JSONVALUE_OBJECT) {
                return fail_uri(c->name, "has an __extra__ that is no JSON object", cx);
            }
            c->extra_json = mr_jsonvalue_trim(json);
            return MR_OK;
        }
        if (key_text[0] != '\0') {
            mr_text_add(&extra, extra.bytes == 0 ? "{" : ", ");
            mr_text_add_json(&extra, mr_span_of(key_text));
            mr_text_add(&extra, ": ");
            mr_text_add_json(&extra, mr_span_of(value_text));
        }
    }
    if (extra.bytes > 0) {
        mr_text_add(&extra, "}");
        c->extra_json = mr_text_span(&extra);
    }
    return MR_OK;
}

static mr_code parse_uri(const char *name, mr_span text, mr_endpoint *ret, mr_cx *cx) {
    mr_endpoint c = {.name = name, .host = "", .login = "", .password = "", .schema = ""};
    mr_span scheme, fragment = text, account, place;
    if (!cut(&text, ':', &scheme) || !mr_span_starts(text, "//") ||
        (c.type = type_of(scheme, cx->arena)) == NULL) {
        return fail_uri(name, "does not begin with type://", cx);
    }
    text = (mr_span){text.data + 2, text.bytes - 2};
    if (cut(&text, '#', &fragment)) {
        text = fragment;
    }
    mr_span query = text, before;
    if (cut(&query, '?', &before)) {
        text = before;
        MR_TRY(parse_query(query, &c, cx));
    }
    mr_span path = text;
    if (cut(&path, '/', &place)) {
        if (!decode(path, false, &c.schema, cx->arena)) {
            return fail_uri(name, "has a broken % in its path", cx);
        }
    } else {
        place = text;
    }
    const char *at = place.bytes == 0 ? NULL : memrchr(place.data, '@', place.bytes);
    if (at != NULL) {
        account = (mr_span){place.data, (size_t)(at - place.data)};
        place = (mr_span){at + 1, place.bytes - account.bytes - 1};
        mr_span password = account, login;
        bool has_password = cut(&password, ':', &login);
        if (!decode(has_password ? login : account, false, &c.login, cx->arena) ||
            (has_password && !decode(password, false, &c.password, cx->arena))) {
            return fail_uri(name, "has a broken % before the @", cx);
        }
    }
    if (!parse_place(place, &c, cx->arena)) {
        return fail_uri(name, "has no host and port that can be read", cx);
    }
    *ret = c;
    return MR_OK;
}

// ---- reading JSON ----------------------------------------------------------------------------

// NULL: there is a NUL in it.
static const char *text_of(mr_span value, mr_arena *arena) {
    mr_text out;
    mr_text_init(&out, arena);
    if (mr_jsonvalue_kind_of(value) == MR_JSONVALUE_STRING) {
        mr_jsonvalue_unescape(value, &out);
    } else if (mr_jsonvalue_kind_of(value) != MR_JSONVALUE_NULL) {
        mr_text_add_bytes(&out, value.data, value.bytes);
    }
    // A NUL would cut it off unseen.
    return out.bytes == 0 || memchr(out.data, '\0', out.bytes) == NULL ? mr_text_string(&out)
                                                                       : NULL;
}

static bool take_member(mr_endpoint *c, const char *key, const char *value) {
    const struct {
        const char *name;
        const char **member;
    } members[] = {
        {"type", &c->type},         {"conn_type", &c->type}, {"host", &c->host},
        {"login", &c->login},       {"user", &c->login},     {"username", &c->login},
        {"password", &c->password}, {"schema", &c->schema},  {"database", &c->schema},
        {"bucket", &c->schema},
    };
    for (size_t i = 0; i < MR_COUNT(members); i++) {
        if (strcmp(members[i].name, key) == 0) {
            *members[i].member = value;
            return true;
        }
    }
    return strcmp(key, "description") == 0 || strcmp(key, "conn_id") == 0 ||
           strcmp(key, "id") == 0 || strcmp(key, "name") == 0 || key[0] == '_' ||
           strncmp(key, "is_", 3) == 0;  // is_encrypted and the like of an export.
}

static mr_code fail_json(const char *name, const char *what, const char *which, mr_cx *cx) {
    return mr_fail(cx, MR_E_VALUE,
                   "Its keys are type, host, port, login, password, schema and extra.",
                   "connection \"%s\": %s%s", name, what, which);
}

static mr_code parse_json(const char *name, mr_span text, mr_endpoint *ret, mr_cx *cx) {
    mr_endpoint c = {
        .name = name, .type = "", .host = "", .login = "", .password = "", .schema = ""};
    mr_span inside = mr_jsonvalue_inside(mr_jsonvalue_trim(text)), key, value;
    while (mr_jsonvalue_next(&inside, &key, &value)) {
        const char *key_text = text_of(key, cx->arena), *value_text = text_of(value, cx->arena);
        if (key_text == NULL || value_text == NULL) {
            return fail_json(name, "there is a NUL in its values", "", cx);
        }
        if (strcmp(key_text, "uri") == 0) {
            return parse_uri(name, mr_span_of(value_text), ret, cx);
        }
        if (strcmp(key_text, "port") == 0) {
            if (!parse_port(mr_span_of(value_text), &c.port)) {
                return fail_json(name, "no port: ", value_text, cx);
            }
        } else if (strcmp(key_text, "extra") == 0) {
            c.extra_json = mr_span_trim(mr_span_of(value_text));
        } else if (!take_member(&c, key_text, value_text)) {
            return fail_json(name, "unknown key ", key_text, cx);
        }
    }
    if (c.type[0] == '\0') {
        return fail_json(name, "its type is missing", "", cx);
    }
    if (c.extra_json.bytes > 0 && (!mr_jsonvalue_check(c.extra_json) ||
                                   mr_jsonvalue_kind_of(c.extra_json) != MR_JSONVALUE_OBJECT)) {
        return fail_json(name, "extra is no JSON object", "", cx);
    }
    const char *type = type_of(mr_span_of(c.type), cx->arena);
    if (type == NULL) {
        return fail_json(name, "no type: ", c.type, cx);
    }
    c.type = type;
    *ret = c;
    return MR_OK;
}

mr_code mr_endpoint_parse(const char *name, mr_span text, mr_endpoint *ret, mr_cx *cx) {
    text = mr_span_trim(text);
    if (text.bytes > 0 && text.data[0] == '{') {
        return mr_utf8_valid(text.data, text.bytes) && mr_jsonvalue_check(text)
                   ? parse_json(name, text, ret, cx)
                   : fail_json(name, "it is no JSON object", "", cx);
    }
    return parse_uri(name, text, ret, cx);
}

// ---- writing ---------------------------------------------------------------------------------

// A flat object of texts can be a query.
static bool is_flat(mr_span extra) {
    mr_span inside = mr_jsonvalue_inside(extra), key, value;
    while (mr_jsonvalue_next(&inside, &key, &value)) {
        if (mr_jsonvalue_kind_of(value) != MR_JSONVALUE_STRING) {
            return false;
        }
    }
    return true;
}

static void note(void *self, const char *secret) {
    (void)secret;
    *(bool *)self = true;
}

static void add_extra(mr_span value, bool with_password, mr_text *out);

// Of an object or, without keys, of a list.
static void add_items(mr_span value, bool keys, bool with_password, mr_text *out) {
    mr_span inside = mr_jsonvalue_inside(value), key = {0}, item;
    for (bool first = true; mr_jsonvalue_next(&inside, keys ? &key : NULL, &item); first = false) {
        mr_text_add(out, first ? "" : ", ");
        mr_text_add_bytes(out, key.data, key.bytes);
        mr_text_add(out, keys ? ": " : "");
        if (keys && !with_password && mr_endpoint_is_secret(key)) {
            mr_text_addf(out, "\"%s\"", hidden);
        } else {
            add_extra(item, with_password, out);
        }
    }
}

static void add_extra(mr_span value, bool with_password, mr_text *out) {
    bool keys = mr_jsonvalue_kind_of(value) == MR_JSONVALUE_OBJECT, any = false;
    if (keys || mr_jsonvalue_kind_of(value) == MR_JSONVALUE_ARRAY) {
        mr_text_add_char(out, keys ? '{' : '[');
        add_items(value, keys, with_password, out);
        mr_text_add_char(out, keys ? '}' : ']');
        return;
    }
    if (!with_password) {
        walk(&(secrets){note, &any}, value, /* all= */ false);  // A text may be an object.
    }
    if (any) {
        mr_text_addf(out, "\"%s\"", hidden);
    } else {
        mr_text_add_bytes(out, value.data, value.bytes);
    }
}

static void add_query(mr_span extra, bool with_password, mr_text *out) {
    mr_text piece;
    mr_text_init(&piece, NULL);
    if (!is_flat(extra)) {
        add_extra(extra, with_password, &piece);
        mr_text_add(out, "?__extra__=");
        mr_endpoint_percent(mr_text_span(&piece), out);
        mr_text_release(&piece);
        return;
    }
    mr_span inside = mr_jsonvalue_inside(extra), key, value;
    char between = '?';
    while (mr_jsonvalue_next(&inside, &key, &value)) {
        mr_text_add_char(out, between);
        mr_text_clear(&piece);
        mr_jsonvalue_unescape(key, &piece);
        mr_endpoint_percent(mr_text_span(&piece), out);
        mr_text_add_char(out, '=');
        bool any = !with_password && mr_endpoint_is_secret(key);
        walk(&(secrets){note, &any}, value, /* all= */ false);
        mr_text_clear(&piece);
        mr_jsonvalue_unescape(value, &piece);
        if (!with_password && any) {
            mr_text_add(out, hidden);
        } else {
            mr_endpoint_percent(mr_text_span(&piece), out);
        }
        between = '&';
    }
    mr_text_release(&piece);
}

void mr_endpoint_uri(const mr_endpoint *c, bool with_password, mr_text *out) {
    mr_text_addf(out, "%s://", c->type);
    if (c->login[0] != '\0' || c->password[0] != '\0') {
        mr_endpoint_percent(mr_span_of(c->login), out);
        if (c->password[0] != '\0') {
            mr_text_add_char(out, ':');
            if (with_password) {
                mr_endpoint_percent(mr_span_of(c->password), out);
            } else {
                mr_text_add(out, hidden);
            }
        }
        mr_text_add_char(out, '@');
    }
    bool several = strchr(c->host, ',') != NULL;
    bool v6 = !several && strchr(c->host, ':') != NULL && strstr(c->host, "://") == NULL;
    if (several) {
        mr_text_add(out, c->host);
    } else {
        mr_text_add(out, v6 ? "[" : "");
        if (v6) {
            mr_text_add(out, c->host);
        } else {
            mr_endpoint_percent(mr_span_of(c->host), out);
        }
        mr_text_add(out, v6 ? "]" : "");
        if (c->port != 0) {
            mr_text_addf(out, ":%" PRId64, c->port);
        }
    }
    if (c->schema[0] != '\0') {
        mr_text_add_char(out, '/');
        mr_endpoint_percent(mr_span_of(c->schema), out);
    }
    if (c->extra_json.bytes > 0) {
        add_query(c->extra_json, with_password, out);
    }
}

static void add_member(mr_text *out, const char *name, const char *value) {
    if (value[0] != '\0') {
        mr_text_addf(out, ", \"%s\": ", name);
        mr_text_add_json(out, mr_span_of(value));
    }
}

void mr_endpoint_json(const mr_endpoint *c, bool with_password, mr_text *out) {
    mr_text_add(out, "{\"name\": ");
    mr_text_add_json(out, mr_span_of(c->name));
    add_member(out, "type", c->type);
    add_member(out, "host", c->host);
    if (c->port != 0) {
        mr_text_addf(out, ", \"port\": %" PRId64, c->port);
    }
    add_member(out, "login", c->login);
    add_member(out, "password", c->password[0] != '\0' && !with_password ? hidden : c->password);
    add_member(out, "schema", c->schema);
    if (c->extra_json.bytes > 0) {
        mr_text_add(out, ", \"extra\": ");
        add_extra(c->extra_json, with_password, out);
    }
    mr_text_add_char(out, '}');
}
