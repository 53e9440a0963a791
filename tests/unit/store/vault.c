// Vault: what is secret comes back only with its key, and is masked in every form that it takes.

#include "runner.h"

#include <stdlib.h>
#include <string.h>

#include "store/users.h"
#include "store/vault.h"

typedef struct rig {
    mr_arena arena;
    mr_cx cx;
    char dir[64];
    mr_db *db;
    mr_vault *vault;
} rig;

static bool rig_init(rig *r) {
    memset(r, 0, sizeof(*r));
    mr_cx_init(&r->cx, &r->arena, mr_plat_linux());
    memcpy(r->dir, "/tmp/millrace-vault-XXXXXX", sizeof("/tmp/millrace-vault-XXXXXX"));
    if (mkdtemp(r->dir) == NULL) {
        abort();
    }
    const char *path = mr_arena_printf(&r->arena, "%s/flow.db", r->dir);
    return EXPECT_OK(mr_db_open(path, false, &r->db, &r->cx)) &&
           EXPECT_OK(mr_vault_open(r->db, r->dir, NULL, &r->vault, &r->cx));
}

static void rig_release(rig *r) {
    mr_vault_close(r->vault);
    mr_db_close(r->db);
    (void)!mr_dir_delete(r->dir, &r->cx);
    mr_arena_release(&r->arena);
}

static bool is_masked(rig *r, const char *text) {
    const char *const *values;
    uint32_t count;
    if (!EXPECT_OK(mr_vault_masked(r->vault, &values, &count, &r->cx)) ||
        !EXPECT(values[count] == NULL)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        EXPECT(i == 0 || strlen(values[i - 1]) >= strlen(values[i]));
        if (strcmp(values[i], text) == 0) {
            return true;
        }
    }
    return false;
}

TEST(vault, masks_all_forms_of_what_is_secret) {
    rig r;
    REQUIRE(rig_init(&r));
    mr_endpoint endpoint;
    REQUIRE_OK(mr_endpoint_parse("db", MR_SPAN("mysql://ann:p%40ss%2Fword@h/x?token=t0k3n&ssl=on"),
                                 &endpoint, &r.cx));
    EXPECT_OK(mr_vault_put_connection(r.vault, &endpoint, &r.cx));
    EXPECT_OK(mr_vault_put(r.vault, "secret", "pem", MR_SPAN("first line\nsecond line\n"), &r.cx));
    EXPECT_OK(mr_vault_put(r.vault, "secret", "short", MR_SPAN("abc"), &r.cx));
    EXPECT(is_masked(&r, "p@ss/word") && is_masked(&r, "p%40ss%2Fword"));
    EXPECT(is_masked(&r, "t0k3n") && is_masked(&r, "first line\nsecond line\n"));
    EXPECT(is_masked(&r, "first line") && is_masked(&r, "second line"));
    EXPECT(!is_masked(&r, "abc") && !is_masked(&r, "on") && !is_masked(&r, "ann"));
    // Those of a file count once they are asked for.
    mr_endpoint file = {.name = "file",
                        .type = "http",
                        .host = "h",
                        .login = "",
                        .schema = "",
                        .password = "from a file"};
    mr_vault_default(r.vault, &file);
    EXPECT(!is_masked(&r, "from a file"));
    EXPECT_OK(mr_vault_connection(r.vault, "file", &endpoint, &r.cx));
    EXPECT_STR(endpoint.password, "from a file");
    EXPECT(is_masked(&r, "from a file"));
    rig_release(&r);
}

TEST(vault, masks_secrets_at_any_depth_of_extra_values) {
    rig r;
    REQUIRE(rig_init(&r));
    mr_endpoint endpoint;
    REQUIRE_OK(mr_endpoint_parse(
        "k",
        MR_SPAN("{\"type\": \"kafka\", \"host\": \"h\", \"extra\": {\"opts\": {\"sasl.password\": "
                "\"hunter22\", \"acks\": \"every\"}, \"keyfile_dict\": {\"id\": \"PRIV-1\"}, "
                "\"list\": [{\"X-Api-Key\": 123456}], \"accountKey\": \"a\\\"cc\", "
                "\"text\": \"{\\\"client_secret\\\": \\\"inner-1\\\"}\"}}"),
        &endpoint, &r.cx));
    EXPECT_OK(mr_vault_put_connection(r.vault, &endpoint, &r.cx));
    mr_text shown;
    mr_text_init(&shown, &r.arena);
    mr_endpoint_json(&endpoint, /* with_password= */ false, &shown);
    EXPECT_STR(mr_text_string(&shown),
               "{\"name\": \"k\", \"type\": \"kafka\", \"host\": \"h\", \"extra\": {\"opts\": "
               "{\"sasl.password\": \"***\", \"acks\": \"every\"}, \"keyfile_dict\": \"***\", "
               "\"list\": [{\"X-Api-Key\": \"***\"}], \"accountKey\": \"***\", \"text\": "
               "\"***\"}}");
    EXPECT(is_masked(&r, "hunter22") && is_masked(&r, "PRIV-1") && is_masked(&r, "123456"));
    EXPECT(is_masked(&r, "inner-1") && is_masked(&r, "a\"cc") && is_masked(&r, "a\\\"cc"));
    EXPECT(!is_masked(&r, "every"));
    mr_text_clear(&shown);
    mr_endpoint_uri(&endpoint, /* with_password= */ false, &shown);
    EXPECT(strstr(mr_text_string(&shown), "hunter22") == NULL);
    REQUIRE_OK(mr_endpoint_parse("flat", MR_SPAN("x://h?pwd=hunter22&a=1"), &endpoint, &r.cx));
    mr_text_clear(&shown);
    mr_endpoint_uri(&endpoint, /* with_password= */ false, &shown);
    EXPECT_STR(mr_text_string(&shown), "x://h?pwd=***&a=1");
    rig_release(&r);
}

TEST(vault, masks_what_it_can_open_when_the_rest_is_lost) {
    rig r;
    REQUIRE(rig_init(&r));
    mr_endpoint endpoint;
    mr_cx *cx = &r.cx;
    EXPECT_OK(mr_vault_put(r.vault, "secret", "a", MR_SPAN("value of a"), cx));
    EXPECT_OK(mr_vault_put(r.vault, "secret", "b", MR_SPAN("value of b"), cx));
    REQUIRE_OK(mr_endpoint_parse("c", MR_SPAN("x://u:password-of-c@h"), &endpoint, cx));
    EXPECT_OK(mr_vault_put_connection(r.vault, &endpoint, cx));
    EXPECT_OK(mr_db_run(r.db, "UPDATE secret SET value = substr(value, 1, 20) WHERE name = 'a'",
                        NULL, 0, NULL, cx));
    EXPECT(!is_masked(&r, "value of a") && is_masked(&r, "value of b"));
    EXPECT(is_masked(&r, "password-of-c"));
    // Without the key only what was given by a file and the environment.
    mr_vault *vault = r.vault;
    const char *key = mr_arena_printf(&r.arena, "%s/flow.key", r.dir);
    EXPECT_OK(mr_file_delete(key, cx));
    REQUIRE_OK(mr_vault_open(r.db, r.dir, NULL, &r.vault, cx));
    REQUIRE_OK(mr_endpoint_parse("file", MR_SPAN("x://u:from-a-file@h"), &endpoint, cx));
    mr_vault_default(r.vault, &endpoint);
    EXPECT_OK(mr_vault_connection(r.vault, "file", &endpoint, cx));
    EXPECT(is_masked(&r, "from-a-file") && !is_masked(&r, "value of b"));
    mr_vault_close(vault);
    rig_release(&r);
}

TEST(vault, masks_what_the_environment_brings) {
    rig r;
    REQUIRE(rig_init(&r));
    EXPECT(setenv("MILLRACE_CONN_ONE", "x://u:of%20one@h?token=t0k3n", 1) == 0);
    EXPECT(setenv("MILLRACE_CONN_BROKEN", "x//u:of two@h", 1) == 0);
    EXPECT(setenv("MILLRACE_SECRET_THREE", "of three", 1) == 0);
    EXPECT(setenv("MILLRACE_VAR_FOUR", "of four", 1) == 0);
    EXPECT(is_masked(&r, "of one") && is_masked(&r, "of%20one") && is_masked(&r, "t0k3n"));
    EXPECT(is_masked(&r, "x//u:of two@h") && is_masked(&r, "of three"));
    EXPECT(!is_masked(&r, "of four"));
    EXPECT(unsetenv("MILLRACE_CONN_ONE") == 0 && unsetenv("MILLRACE_CONN_BROKEN") == 0);
    EXPECT(unsetenv("MILLRACE_SECRET_THREE") == 0 && unsetenv("MILLRACE_VAR_FOUR") == 0);
    rig_release(&r);
}

TEST(vault, a_sealed_value_opens_only_where_it_was_put) {
    rig r;
    REQUIRE(rig_init(&r));
    mr_cx *cx = &r.cx;
    EXPECT_OK(mr_vault_put(r.vault, "secret", "a", MR_SPAN("value of a"), cx));
    EXPECT_OK(mr_vault_put(r.vault, "secret", "b", MR_SPAN("value of b"), cx));
    mr_span value;
    EXPECT_OK(mr_vault_get(r.vault, "secret", "a", &value, cx));
    EXPECT(mr_span_is(value, "value of a"));
    EXPECT_OK(mr_db_run(r.db,
                        "UPDATE secret SET value = (SELECT value FROM secret WHERE name = 'b') "
                        "WHERE name = 'a'",
                        NULL, 0, NULL, cx));
    EXPECT(mr_vault_get(r.vault, "secret", "a", &value, cx) == MR_E_CORRUPT);
    EXPECT_OK(mr_db_run(r.db, "UPDATE secret SET value = substr(value, 1, 20) WHERE name = 'b'",
                        NULL, 0, NULL, cx));
    EXPECT(mr_vault_get(r.vault, "secret", "b", &value, cx) == MR_E_CORRUPT);
    rig_release(&r);
}

TEST(vault, without_a_database_knows_defaults_only) {
    rig r;
    REQUIRE(rig_init(&r));
    mr_vault *vault;
    REQUIRE_OK(mr_vault_open(NULL, r.dir, NULL, &vault, &r.cx));
    mr_endpoint endpoint;
    mr_endpoint file = {
        .name = "file", .type = "http", .host = "h", .login = "", .schema = "", .password = ""};
    mr_vault_default(vault, &file);
    EXPECT_OK(mr_vault_connection(vault, "file", &endpoint, &r.cx));
    EXPECT(mr_vault_connection(vault, "fil", &endpoint, &r.cx) == MR_E_NAME);
    EXPECT_STR(r.cx.error.hint, "Did you mean \"file\"?");
    EXPECT(mr_vault_put(vault, "variable", "x", MR_SPAN("y"), &r.cx) == MR_E_MISSING);
    mr_vault_close(vault);
    rig_release(&r);
}

TEST(users, are_known_by_their_passwords) {
    rig r;
    REQUIRE(rig_init(&r));
    mr_cx *cx = &r.cx;
    const char *role;
    EXPECT_OK(mr_users_add(r.db, "ann", "op", MR_SPAN("long enough"), cx));
    EXPECT_OK(mr_users_check(r.db, "ann", MR_SPAN("long enough"), &role, cx));
    EXPECT_STR(role, "op");
    EXPECT_OK(mr_users_check(r.db, "ann", MR_SPAN("long enougH"), &role, cx));
    EXPECT(role == NULL);
    EXPECT_OK(mr_users_check(r.db, "bob", MR_SPAN("long enough"), &role, cx));
    EXPECT(role == NULL);
    mr_span other = MR_SPAN("another one");
    EXPECT_OK(mr_users_change(r.db, "ann", NULL, &other, cx));
    EXPECT_OK(mr_users_check(r.db, "ann", other, &role, cx));
    EXPECT_STR(role, "op");
    EXPECT(mr_users_change(r.db, "bob", "op", NULL, cx) == MR_E_NAME);
    rig_release(&r);
}

TEST(endpoint, reads_what_airflow_writes) {
    static const struct {
        const char *text;
        const char *json;  // NULL: it is refused.
    } cases[] = {
        {"http://https%3A%2F%2Fexample.com/", "{\"name\": \"n\", \"type\": \"http\", "
                                              "\"host\": \"https://example.com\"}"},
        {"https://u:pw@h:9/s", "{\"name\": \"n\", \"type\": \"https\", \"host\": \"h\", "
                               "\"port\": 9, \"login\": \"u\", \"password\": \"pw\", "
                               "\"schema\": \"s\"}"},
        {"google-cloud-platform://", "{\"name\": \"n\", \"type\": \"google_cloud_platform\"}"},
        {"kafka://a:9092,b:9093", "{\"name\": \"n\", \"type\": \"kafka\", "
                                  "\"host\": \"a:9092,b:9093\"}"},
        {"ssh://root@[::1]:2222", "{\"name\": \"n\", \"type\": \"ssh\", \"host\": \"::1\", "
                                  "\"port\": 2222, \"login\": \"root\"}"},
        {"x://:pw@h", "{\"name\": \"n\", \"type\": \"x\", \"host\": \"h\", \"password\": \"pw\"}"},
        {"x://h?a=1&b=%C3%A4+c", "{\"name\": \"n\", \"type\": \"x\", \"host\": \"h\", "
                                 "\"extra\": {\"a\": \"1\", \"b\": \"\u00e4 c\"}}"},
        {"x://h:0", NULL},
        {"x://h:70000", NULL},
        {"x://h:1x", NULL},
        {"x://%4", NULL},
        {"x://%zz", NULL},
        {"//h", NULL},
        {"x:h", NULL},
        {"", NULL},
        {"x://[::1", NULL},
        {"x://h?__extra__=1", NULL},
        {"{\"host\": \"h\"}", NULL},
        {"{", NULL},
        {"{\"type\": \"x\", \"prot\": 1}", NULL},
        {"{\"type\": \"x\", \"extra\": \"[]\"}", NULL},
    };
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        mr_endpoint endpoint;
        mr_code code = mr_endpoint_parse("n", mr_span_of(cases[i].text), &endpoint, &cx);
        EXPECT(code == (cases[i].json == NULL ? MR_E_VALUE : MR_OK));
        if (code == MR_OK && cases[i].json != NULL) {
            mr_text out;
            mr_text_init(&out, &arena);
            mr_endpoint_json(&endpoint, true, &out);
            EXPECT_STR(mr_text_string(&out), cases[i].json);
        }
    }
    mr_arena_release(&arena);
}

TEST(endpoint, knows_the_names_of_secrets) {
    static const char *const secret[] = {
        "password",    "sasl.password",    "sasl.jaas.config", "sasl.oauthbearer.client.secret",
        "ssl.key.pem", "ssl.key.password", "ssl.keystore.key", "api_key",
        "X-Api-Key",   "AccountKey",       "access_token"};
    static const char *const plain[] = {
        "key",           "key_format", "message_key", "ssl.ca.location",
        "sasl.username", "ssl.ca.pem", "keyspace",    "partition_key"};
    for (size_t i = 0; i < MR_COUNT(secret); i++) {
        EXPECT(mr_endpoint_is_secret(mr_span_of(secret[i])));
    }
    for (size_t i = 0; i < MR_COUNT(plain); i++) {
        EXPECT(!mr_endpoint_is_secret(mr_span_of(plain[i])));
    }
}
