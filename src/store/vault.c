// Vault: tables, names, and who wins; see vault.h.
//
// The key is read when the first sealed thing is met, so listing variables needs none.

#include "store/vault.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonvalue.h"
#include "base/map.h"
#include "base/utf8.h"
#include "store/vault_seal.h"

#define MASKED_BYTES_MIN 4
#define SLOTS_MAX        1000000

struct mr_vault {
    mr_arena arena;
    mr_db *db;  // NULL: none, or it has no tables yet.
    char *data_dir;
    bool has_key;
    mr_vault_key key;
    const char *const *env;  // Beside the process's own.
    mr_map defaults;         // Name → mr_endpoint.
    mr_map given;            // Values from the environment that were asked for: to be masked.
};

static const char *const no_env[] = {NULL};

static const char *const steps[] = {
    "CREATE TABLE connection (name text PRIMARY KEY, type text NOT NULL, host text NOT NULL, "
    "port bigint NOT NULL, login text NOT NULL, schema_name text NOT NULL, password bytea, "
    "extra bytea, changed_us bigint NOT NULL);\n"
    "CREATE TABLE variable (name text PRIMARY KEY, value text NOT NULL, "
    "changed_us bigint NOT NULL);\n"
    "CREATE TABLE secret (name text PRIMARY KEY, value bytea NOT NULL, "
    "changed_us bigint NOT NULL);\n"
    "CREATE TABLE pool (name text PRIMARY KEY, slots bigint NOT NULL, "
    "changed_us bigint NOT NULL);\n"
    "CREATE TABLE users (name text PRIMARY KEY, role text NOT NULL, hash text NOT NULL, "
    "changed_us bigint NOT NULL);\n"
    "CREATE TABLE vault_key (name text PRIMARY KEY, sealed bytea NOT NULL)",
};

// A kind of thing that has a name. Statements stand whole, so that they can be searched for.
typedef struct vault_kind {
    const char *name;
    const char *list;  // name, value or NULL, number, changed_us
    const char *get;   // One column: text, sealed bytes or a number.
    const char *put;   // name, value, changed_us
    const char *remove;
    const char *environment;  // "MILLRACE_VAR_", or NULL.
} vault_kind;

static const vault_kind kinds[] = {
    {"variable", "SELECT name, value, 0, changed_us FROM variable ORDER BY name",
     "SELECT value FROM variable WHERE name = $1",
     "INSERT INTO variable (name, value, changed_us) VALUES ($1, $2, $3) ON CONFLICT (name) "
     "DO UPDATE SET value = excluded.value, changed_us = excluded.changed_us",
     "DELETE FROM variable WHERE name = $1", "MILLRACE_VAR_"},
    {"secret", "SELECT name, NULL, 0, changed_us FROM secret ORDER BY name",
     "SELECT value FROM secret WHERE name = $1",
     "INSERT INTO secret (name, value, changed_us) VALUES ($1, $2, $3) ON CONFLICT (name) "
     "DO UPDATE SET value = excluded.value, changed_us = excluded.changed_us",
     "DELETE FROM secret WHERE name = $1", "MILLRACE_SECRET_"},
    {"pool", "SELECT name, NULL, slots, changed_us FROM pool ORDER BY name",
     "SELECT slots FROM pool WHERE name = $1",
     "INSERT INTO pool (name, slots, changed_us) VALUES ($1, $2, $3) ON CONFLICT (name) "
     "DO UPDATE SET slots = excluded.slots, changed_us = excluded.changed_us",
     "DELETE FROM pool WHERE name = $1", NULL},
    {"connection", "SELECT name, type, 0, changed_us FROM connection ORDER BY name", NULL, NULL,
     "DELETE FROM connection WHERE name = $1", "MILLRACE_CONN_"},
    {"user", "SELECT name, role, 0, changed_us FROM users ORDER BY name", NULL, NULL,
     "DELETE FROM users WHERE name = $1", NULL},
};

static const vault_kind *kind_of(const char *name) {
    for (size_t i = 0; i < MR_COUNT(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    mr_assert(false && "a kind of the vault");
    return NULL;
}

// ---- opening ---------------------------------------------------------------------------------

mr_code mr_vault_open(mr_db *db, const char *data_dir, const char *const *env, mr_vault **ret,
                      mr_cx *cx) {
    int64_t version = MR_COUNT(steps);
    if (db != NULL && mr_db_is_read_only(db)) {
        MR_TRY(mr_db_version(db, "vault", &version, cx));
    } else if (db != NULL) {
        MR_TRY(mr_db_migrate(db, "vault", steps, MR_COUNT(steps), cx));
    }
    mr_vault *vault = mr_heap_alloc(sizeof(*vault));
    vault->db = version == 0 ? NULL : db;
    vault->env = env == NULL ? no_env : env;
    vault->data_dir = mr_arena_string(&vault->arena, data_dir);
    mr_map_init(&vault->defaults, &vault->arena);
    mr_map_init(&vault->given, &vault->arena);
    *ret = vault;
    return MR_OK;
}

void mr_vault_close(mr_vault *vault) {
    if (vault != NULL) {
        mr_vault_seal_forget(&vault->key);
        mr_arena_release(&vault->arena);
        mr_heap_free(vault);
    }
}

static mr_code need_db(const mr_vault *vault, mr_cx *cx) {
    return vault->db != NULL ? MR_OK
                             : mr_fail(cx, MR_E_MISSING, "Set it in the environment.",
                                       "there is no flow database");
}

static const char *const word_label = "the vault's first word";

// The word that was sealed with the key first; none: no key has been used yet.
static mr_code sealed_word(const mr_vault *vault, mr_db_rows *ret, mr_cx *cx) {
    return mr_db_run(vault->db, "SELECT sealed FROM vault_key WHERE name = 'key'", NULL, 0, ret,
                     cx);
}

// A lost key that nothing is sealed with any more is forgotten.
static mr_code forget_unused(const mr_vault *vault, mr_cx *cx) {
    return mr_db_run(vault->db,
                     "DELETE FROM vault_key WHERE NOT EXISTS (SELECT 1 FROM secret) AND NOT EXISTS "
                     "(SELECT 1 FROM connection WHERE password IS NOT NULL OR extra IS NOT NULL)",
                     NULL, 0, NULL, cx);
}

static mr_code first_word(const mr_vault *vault, mr_db_rows *ret, mr_cx *cx) {
    mr_span sealed = mr_vault_seal(&vault->key, word_label, MR_SPAN("millrace"), cx->arena);
    mr_db_value args[] = {MR_DB_BYTES_VALUE(sealed)};
    MR_TRY(mr_db_run(vault->db,
                     "INSERT INTO vault_key (name, sealed) VALUES ('key', $1) "
                     "ON CONFLICT DO NOTHING",
                     args, 1, NULL, cx));
    return sealed_word(vault, ret, cx);  // Another process may have been first, with another key.
}

// The key, proved by the first word. seals: for writing, so a key may be made.
static mr_code need_key(mr_vault *vault, bool seals, mr_cx *cx) {
    if (vault->has_key) {
        return MR_OK;
    }
    mr_db_rows rows;
    MR_TRY(sealed_word(vault, &rows, cx));
    mr_code code =
        mr_vault_seal_key(vault->data_dir, seals && rows.row_count == 0, &vault->key, cx);
    if (code == MR_E_MISSING && seals) {
        MR_TRY(forget_unused(vault, cx));
        MR_TRY(sealed_word(vault, &rows, cx));
        code = mr_vault_seal_key(vault->data_dir, rows.row_count == 0, &vault->key, cx);
    }
    MR_TRY(code);
    if (rows.row_count == 0) {
        MR_TRY(first_word(vault, &rows, cx));
    }
    mr_span plain;
    MR_TRY(mr_vault_seal_open(&vault->key, word_label, mr_db_cell(&rows, 0, 0)->bytes, &plain, cx));
    vault->has_key = true;
    return MR_OK;
}

// ---- names -----------------------------------------------------------------------------------

static const char *environment_of(const mr_vault *vault, const vault_kind *kind, const char *name,
                                  mr_cx *cx) {
    if (kind->environment == NULL) {
        return NULL;
    }
    char *variable = mr_arena_printf(cx->arena, "%s%s", kind->environment, name);
    for (char *at = variable + strlen(kind->environment); *at != '\0'; at++) {
        bool small = *at >= 'a' && *at <= 'z';
        bool plain = (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        *at = small ? (char)(*at - 'a' + 'A') : plain ? *at : '_';
    }
    const char *given = mr_plat_env(cx->plat, variable);
    const size_t bytes = strlen(variable);
    for (const char *const *at = vault->env; given == NULL && *at != NULL; at++) {
        given = strncmp(*at, variable, bytes) == 0 && (*at)[bytes] == '=' ? *at + bytes + 1 : NULL;
    }
    return given;
}

static mr_code fail_name(mr_vault *vault, const vault_kind *kind, const char *name, mr_cx *cx) {
    mr_vault_entry *entries;
    uint32_t count;
    MR_TRY(mr_vault_list(vault, kind->name, &entries, &count, cx));
    bool is_connection = strcmp(kind->name, "connection") == 0;
    uint32_t defaults = is_connection ? vault->defaults.count : 0;
    const char **names = MR_NEW_ARRAY(cx->arena, const char *, count + defaults + 1);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = entries[i].name;
    }
    for (uint32_t i = 0; i < defaults; i++) {
        names[count + i] = vault->defaults.entries[i].key.data;
    }
    const char *command = is_connection                         ? "conn"
                          : strcmp(kind->name, "variable") == 0 ? "var"
                                                                : kind->name;
    const char *list = mr_arena_printf(cx->arena, "millrace %s list shows what there is.", command);
    const char *hint = mr_text_hint(name, names, count + defaults, list, cx->arena);
    return mr_fail(cx, MR_E_NAME, hint, "no %s \"%s\"", kind->name, name);
}

// ---- lists, values ---------------------------------------------------------------------------

mr_code mr_vault_list(mr_vault *vault, const char *kind, mr_vault_entry **ret, uint32_t *ret_count,
                      mr_cx *cx) {
    mr_db_rows rows = {.row_count = 0};
    if (vault->db != NULL) {
        MR_TRY(mr_db_run(vault->db, kind_of(kind)->list, NULL, 0, &rows, cx));
    }
    mr_vault_entry *entries = MR_NEW_ARRAY(cx->arena, mr_vault_entry, rows.row_count);
    for (uint32_t i = 0; i < rows.row_count; i++) {
        entries[i] = (mr_vault_entry){
            .name = mr_db_cell(&rows, i, 0)->bytes.data,
            .value = mr_db_cell(&rows, i, 1)->bytes.data,
            .number = mr_db_cell(&rows, i, 2)->number,
            .changed_us = mr_db_cell(&rows, i, 3)->number,
        };
    }
    *ret = entries;
    *ret_count = rows.row_count;
    return MR_OK;
}

static void remember_given(void *self, const char *value) {
    mr_vault *vault = self;
    if (mr_map_get(&vault->given, mr_span_of(value)) == NULL) {
        const char *copy = mr_arena_string(&vault->arena, value);
        mr_map_put(&vault->given, mr_span_of(copy), vault);
    }
}

static const char *label_of(const char *kind, const char *name, mr_arena *arena) {
    return mr_arena_printf(arena, "%s \"%s\"", kind, name);
}

mr_code mr_vault_get(mr_vault *vault, const char *kind_name, const char *name, mr_span *ret,
                     mr_cx *cx) {
    const vault_kind *kind = kind_of(kind_name);
    mr_assert(kind->get != NULL);
    bool is_secret = strcmp(kind_name, "secret") == 0;
    const char *given = environment_of(vault, kind, name, cx);
    if (given != NULL) {
        if (is_secret) {
            remember_given(vault, given);
        }
        *ret = mr_span_of(given);
        return MR_OK;
    }
    mr_db_rows rows = {.row_count = 0};
    if (vault->db != NULL) {
        mr_db_value args[] = {MR_DB_STRING_VALUE(name)};
        MR_TRY(mr_db_run(vault->db, kind->get, args, 1, &rows, cx));
    }
    if (rows.row_count == 0) {
        return fail_name(vault, kind, name, cx);
    }
    const mr_db_value *value = mr_db_cell(&rows, 0, 0);
    if (is_secret) {
        MR_TRY(need_key(vault, /* seals= */ false, cx));
        return mr_vault_seal_open(&vault->key, label_of(kind_name, name, cx->arena), value->bytes,
                                  ret, cx);
    }
    *ret = value->kind == MR_DB_INT
               ? mr_span_of(mr_arena_printf(cx->arena, "%" PRId64, value->number))
               : value->bytes;
    return MR_OK;
}

mr_code mr_vault_put(mr_vault *vault, const char *kind_name, const char *name, mr_span value,
                     mr_cx *cx) {
    const vault_kind *kind = kind_of(kind_name);
    mr_assert(kind->put != NULL);
    MR_TRY(mr_endpoint_check_name(kind_name, name, cx));
    MR_TRY(need_db(vault, cx));
    mr_db_value args[] = {MR_DB_STRING_VALUE(name), MR_DB_TEXT_VALUE(value),
                          MR_DB_INT_VALUE(mr_clock_real_us(cx->plat))};
    if (strcmp(kind_name, "pool") == 0) {
        int64_t slots;
        if (!mr_text_parse_int64(value, &slots) || slots < 0 || slots > SLOTS_MAX) {
            return mr_fail(cx, MR_E_VALUE, "It is a number of tasks, 0 to 1000000.",
                           "pool \"%s\" cannot have \"%.*s\" slots", name, MR_SPAN_ARGS(value));
        }
        args[1] = MR_DB_INT_VALUE(slots);
    } else if (value.bytes > 0 && (memchr(value.data, '\0', value.bytes) != NULL ||
                                   !mr_utf8_valid(value.data, value.bytes))) {
        return mr_fail(cx, MR_E_VALUE, "Store other bytes as base64.",
                       "the value of %s \"%s\" is no UTF-8 text", kind_name, name);
    } else if (strcmp(kind_name, "secret") == 0) {
        MR_TRY(need_key(vault, /* seals= */ true, cx));
        args[1] = MR_DB_BYTES_VALUE(
            mr_vault_seal(&vault->key, label_of(kind_name, name, cx->arena), value, cx->arena));
    }
    return mr_db_run(vault->db, kind->put, args, 3, NULL, cx);
}

mr_code mr_vault_delete(mr_vault *vault, const char *kind_name, const char *name, mr_cx *cx) {
    MR_TRY(need_db(vault, cx));
    mr_db_value args[] = {MR_DB_STRING_VALUE(name)};
    mr_db_rows rows;
    const vault_kind *kind = kind_of(kind_name);
    MR_TRY(mr_db_run(vault->db, kind->remove, args, 1, &rows, cx));
    return rows.changed == 1 ? MR_OK : fail_name(vault, kind, name, cx);
}

// ---- connections -----------------------------------------------------------------------------

#define CONNECTION_COLUMNS "name, type, host, port, login, schema_name, password, extra"

static const char *const password_part = "the password";
static const char *const extra_part = "the extra values";

static const char *part_label(const char *name, const char *part, mr_arena *arena) {
    return mr_arena_printf(arena, "%s of connection \"%s\"", part, name);
}

static mr_code open_part(mr_vault *vault, const char *label, const mr_db_value *sealed,
                         mr_span *ret, mr_cx *cx) {
    *ret = (mr_span){"", 0};
    if (sealed->kind == MR_DB_NULL) {
        return MR_OK;
    }
    MR_TRY(need_key(vault, /* seals= */ false, cx));
    return mr_vault_seal_open(&vault->key, label, sealed->bytes, ret, cx);
}

static mr_code take_connection(mr_vault *vault, const mr_db_rows *rows, uint32_t row,
                               mr_endpoint *ret, mr_cx *cx) {
    mr_endpoint c = {
        .name = mr_db_cell(rows, row, 0)->bytes.data,
        .type = mr_db_cell(rows, row, 1)->bytes.data,
        .host = mr_db_cell(rows, row, 2)->bytes.data,
        .port = mr_db_cell(rows, row, 3)->number,
        .login = mr_db_cell(rows, row, 4)->bytes.data,
        .schema = mr_db_cell(rows, row, 5)->bytes.data,
    };
    mr_span password;
    const char *label = part_label(c.name, password_part, cx->arena);
    MR_TRY(open_part(vault, label, mr_db_cell(rows, row, 6), &password, cx));
    label = part_label(c.name, extra_part, cx->arena);
    MR_TRY(open_part(vault, label, mr_db_cell(rows, row, 7), &c.extra_json, cx));
    c.password = password.data;
    *ret = c;
    return MR_OK;
}

static mr_code stored_connections(mr_vault *vault, const char *name, mr_endpoint **ret,
                                  uint32_t *ret_count, mr_cx *cx) {
    mr_db_rows rows = {.row_count = 0};
    mr_db_value args[] = {MR_DB_STRING_VALUE(name)};
    if (vault->db != NULL && name != NULL) {
        MR_TRY(mr_db_run(vault->db, "SELECT " CONNECTION_COLUMNS " FROM connection WHERE name = $1",
                         args, 1, &rows, cx));
    } else if (vault->db != NULL) {
        MR_TRY(mr_db_run(vault->db, "SELECT " CONNECTION_COLUMNS " FROM connection ORDER BY name",
                         NULL, 0, &rows, cx));
    }
    mr_endpoint *connections = MR_NEW_ARRAY(cx->arena, mr_endpoint, rows.row_count);
    for (uint32_t i = 0; i < rows.row_count; i++) {
        MR_TRY(take_connection(vault, &rows, i, &connections[i], cx));
    }
    *ret = connections;
    *ret_count = rows.row_count;
    return MR_OK;
}

mr_code mr_vault_connections(mr_vault *vault, mr_endpoint **ret, uint32_t *ret_count, mr_cx *cx) {
    return stored_connections(vault, NULL, ret, ret_count, cx);
}

mr_code mr_vault_connection(mr_vault *vault, const char *name, mr_endpoint *ret, mr_cx *cx) {
    const vault_kind *kind = kind_of("connection");
    const char *given = environment_of(vault, kind, name, cx);
    mr_endpoint *stored;
    uint32_t count = 0;
    if (given != NULL) {
        MR_TRY(mr_endpoint_parse(mr_arena_string(cx->arena, name), mr_span_of(given), ret, cx));
    } else {
        MR_TRY(stored_connections(vault, name, &stored, &count, cx));
        const mr_endpoint *fallback = mr_map_get(&vault->defaults, mr_span_of(name));
        if (count == 0 && fallback == NULL) {
            return fail_name(vault, kind, name, cx);
        }
        *ret = count == 1 ? stored[0] : *fallback;
    }
    mr_endpoint_secrets(ret, remember_given, vault);
    return MR_OK;
}

void mr_vault_default(mr_vault *vault, const mr_endpoint *c) {
    mr_arena *arena = &vault->arena;
    mr_endpoint *copy = MR_NEW(arena, mr_endpoint);
    *copy = (mr_endpoint){
        .name = mr_arena_string(arena, c->name),
        .type = mr_arena_string(arena, c->type),
        .host = mr_arena_string(arena, c->host),
        .port = c->port,
        .login = mr_arena_string(arena, c->login),
        .password = mr_arena_string(arena, c->password),
        .schema = mr_arena_string(arena, c->schema),
        .extra_json = {c->extra_json.bytes == 0
                           ? ""
                           : mr_arena_copy(arena, c->extra_json.data, c->extra_json.bytes),
                       c->extra_json.bytes},
    };
    mr_map_put(&vault->defaults, mr_span_of(copy->name), copy);
}

static mr_db_value seal_part(const mr_vault *vault, const char *name, const char *part,
                             mr_span plain, mr_arena *arena) {
    if (plain.bytes == 0) {
        return MR_DB_NULL_VALUE;
    }
    return MR_DB_BYTES_VALUE(
        mr_vault_seal(&vault->key, part_label(name, part, arena), plain, arena));
}

mr_code mr_vault_put_connection(mr_vault *vault, const mr_endpoint *c, mr_cx *cx) {
    MR_TRY(mr_endpoint_check_name("connection", c->name, cx));
    MR_TRY(need_db(vault, cx));
    if (c->password[0] != '\0' || c->extra_json.bytes > 0) {
        MR_TRY(need_key(vault, /* seals= */ true, cx));
    }
    mr_db_value args[] = {
        MR_DB_STRING_VALUE(c->name),
        MR_DB_STRING_VALUE(c->type),
        MR_DB_STRING_VALUE(c->host),
        MR_DB_INT_VALUE(c->port),
        MR_DB_STRING_VALUE(c->login),
        MR_DB_STRING_VALUE(c->schema),
        seal_part(vault, c->name, password_part, mr_span_of(c->password), cx->arena),
        seal_part(vault, c->name, extra_part, c->extra_json, cx->arena),
        MR_DB_INT_VALUE(mr_clock_real_us(cx->plat)),
    };
    return mr_db_run(vault->db,
                     "INSERT INTO connection (" CONNECTION_COLUMNS ", changed_us) "
                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name) DO UPDATE "
                     "SET type = excluded.type, host = excluded.host, port = excluded.port, "
                     "login = excluded.login, schema_name = excluded.schema_name, "
                     "password = excluded.password, extra = excluded.extra, "
                     "changed_us = excluded.changed_us",
                     args, MR_COUNT(args), NULL, cx);
}

// ---- masks -----------------------------------------------------------------------------------

static void give_form(mr_span value, void (*give)(void *self, const char *secret), void *self) {
    if (value.bytes >= MASKED_BYTES_MIN) {
        mr_text form;
        mr_text_init(&form, NULL);
        mr_text_add_bytes(&form, value.data, value.bytes);
        give(self, mr_text_string(&form));
        mr_text_release(&form);
    }
}

void mr_vault_forms(mr_span value, void (*give)(void *self, const char *secret), void *self) {
    mr_text form;
    mr_text_init(&form, NULL);
    give_form(value, give, self);
    mr_endpoint_percent(value, &form);
    give_form(mr_text_span(&form), give, self);
    mr_text_clear(&form);
    mr_text_add_json(&form, value);
    give_form((mr_span){form.data + 1, form.bytes - 2}, give, self);
    mr_text_release(&form);
    while (value.bytes > 0) {
        give_form(mr_span_trim(mr_span_line(&value)), give, self);
    }
}

void mr_vault_env_secrets(const char *pair, void (*give)(void *self, const char *secret),
                          void *self, mr_cx *cx) {
    const char *value = strchr(pair, '=');
    mr_endpoint endpoint;
    if (value == NULL || value[1] == '\0') {
        return;
    }
    if (mr_span_starts(mr_span_of(pair), "MILLRACE_SECRET_")) {
        give(self, value + 1);
    } else if (mr_span_starts(mr_span_of(pair), "MILLRACE_CONN_")) {
        mr_error kept = cx->error;
        if (mr_endpoint_parse("environment", mr_span_of(value + 1), &endpoint, cx) == MR_OK) {
            mr_endpoint_secrets(&endpoint, give, self);
        } else {
            give(self, value + 1);  // Wherever the password is in it.
        }
        cx->error = kept;
    }
}

static int longer_first(const void *a, const void *b) {
    size_t left = strlen(*(const char *const *)a), right = strlen(*(const char *const *)b);
    return left < right ? 1 : left > right ? -1 : 0;
}

static void add_form(void *self, const char *form) {
    mr_map *set = self;
    if (mr_map_get(set, mr_span_of(form)) == NULL) {
        mr_map_put(set, mr_span_of(mr_arena_string(set->arena, form)), set);
    }
}

static void add_masked(void *self, const char *secret) {
    mr_vault_forms(mr_span_of(secret), add_form, self);
}

// What the key does not open nobody reads: it is left out, and all else is masked.
static bool is_sealed_for_ever(mr_code code, const mr_cx *cx) {
    bool of_key = code == MR_E_CORRUPT || code == MR_E_MISSING || code == MR_E_VALUE ||
                  code == MR_E_PERMISSION;
    return of_key && (cx->error.flags & (MR_FATAL | MR_RETRY)) == 0;
}

static mr_code mask_connections(mr_vault *vault, mr_map *set, mr_cx *cx) {
    mr_db_rows rows = {.row_count = 0};
    if (vault->db != NULL) {
        MR_TRY(mr_db_run(vault->db, "SELECT name, password, extra FROM connection ORDER BY name",
                         NULL, 0, &rows, cx));
    }
    for (uint32_t i = 0; i < 2 * rows.row_count; i++) {
        bool is_password = i % 2 == 0;
        const char *name = mr_db_cell(&rows, i / 2, 0)->bytes.data;
        const char *label = part_label(name, is_password ? password_part : extra_part, cx->arena);
        mr_endpoint c = {.password = ""};
        mr_span plain;
        mr_code code =
            open_part(vault, label, mr_db_cell(&rows, i / 2, is_password ? 1 : 2), &plain, cx);
        if (code == MR_OK) {
            c.password = is_password ? plain.data : "";
            c.extra_json = is_password ? (mr_span){NULL, 0} : plain;
            mr_endpoint_secrets(&c, add_masked, set);
        } else if (!is_sealed_for_ever(code, cx)) {
            return code;
        }
    }
    return MR_OK;
}

static mr_code mask_secrets(mr_vault *vault, mr_map *set, mr_cx *cx) {
    mr_db_rows rows = {.row_count = 0};
    if (vault->db != NULL) {
        MR_TRY(mr_db_run(vault->db, "SELECT name, value FROM secret ORDER BY name", NULL, 0, &rows,
                         cx));
    }
    for (uint32_t i = 0; i < rows.row_count; i++) {
        mr_span plain;
        const char *label = label_of("secret", mr_db_cell(&rows, i, 0)->bytes.data, cx->arena);
        mr_code code = open_part(vault, label, mr_db_cell(&rows, i, 1), &plain, cx);
        if (code == MR_OK) {
            mr_vault_forms(plain, add_form, set);
        } else if (!is_sealed_for_ever(code, cx)) {
            return code;
        }
    }
    return MR_OK;
}

mr_code mr_vault_masked(mr_vault *vault, const char *const **ret, uint32_t *ret_count, mr_cx *cx) {
    mr_map set;
    mr_map_init(&set, cx->arena);
    mr_error kept = cx->error;
    MR_TRY(mask_connections(vault, &set, cx));
    MR_TRY(mask_secrets(vault, &set, cx));
    cx->error = kept;
    for (uint32_t i = 0; i < vault->given.count; i++) {
        mr_vault_forms(vault->given.entries[i].key, add_form, &set);
    }
    const char *pair;
    for (size_t i = 0; (pair = mr_plat_env_at(cx->plat, i)) != NULL; i++) {
        mr_vault_env_secrets(pair, add_masked, &set, cx);
    }
    for (const char *const *at = vault->env; *at != NULL; at++) {
        mr_vault_env_secrets(*at, add_masked, &set, cx);
    }
    const char **values = MR_NEW_ARRAY(cx->arena, const char *, set.count + 1);
    for (uint32_t i = 0; i < set.count; i++) {
        values[i] = set.entries[i].key.data;
    }
    qsort(values, set.count, sizeof(*values), longer_first);
    *ret = values;
    *ret_count = set.count;
    return MR_OK;
}
