// Principals from certificates' names: the cases of Kafka's own SslPrincipalMapperTest, and those
// of its documentation.

#include "broker/principal.h"

#include <string.h>

#include "runner.h"

static const char *mapped(const char *text, const char *name, mr_arena *arena) {
    mr_cx cx;
    mr_cx_init(&cx, arena, NULL);
    mr_principal_rules *rules = NULL;
    if (!EXPECT_OK(mr_principal_rules_open(text, &rules, &cx))) {
        EXPECT_STR(cx.error.text, text);
        return "";
    }
    const char *made = mr_principal_rules_apply(rules, name, arena);
    mr_principal_rules_close(rules);
    return made == NULL ? "(none)" : made;
}

static void expect(const char *rules, const char *name, const char *principal) {
    mr_arena arena = {0};
    EXPECT_STR(mapped(rules, name, &arena), principal);
    mr_arena_release(&arena);
}

TEST(principal, names_are_mapped_as_kafkas_test_has_it) {
    static const char rules[] =
        "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L, "
        "RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L, "
        "RULE:^cn=(.*?),ou=(.*?),dc=(.*?),dc=(.*?)$/$1@$2/U, "
        "RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/U, "
        "DEFAULT";
    expect(rules, "CN=Duke,OU=ServiceUsers,O=Org,C=US", "duke");
    expect(rules, "CN=Duke,OU=SME,O=mycp,L=Fulton,ST=MD,C=US", "duke@sme");
    expect(rules, "cn=duke,ou=sme,dc=mycp,dc=com", "DUKE@SME");
    expect(rules, "cN=duke,OU=JavaSoft,O=Sun Microsystems", "DUKE");
    expect(rules, "OU=JavaSoft,O=Sun Microsystems,C=US", "OU=JavaSoft,O=Sun Microsystems,C=US");
    expect("RULE:^CN=((\\\\, *|\\w)+)(,.*|$)/$1/,DEFAULT", "CN=Tkac\\, Adam,OU=ITZ,DC=geodis,DC=cz",
           "Tkac\\, Adam");
}

TEST(principal, names_are_mapped_as_kafkas_documentation_has_it) {
    static const char rules[] = "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,"
                                "RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L,"
                                "RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/L,"
                                "DEFAULT";
    expect(rules, "CN=serviceuser,OU=ServiceUsers,O=Unknown,L=Unknown,ST=Unknown,C=Unknown",
           "serviceuser");
    expect(rules, "CN=adminUser,OU=Admin,O=Unknown,L=Unknown,ST=Unknown,C=Unknown",
           "adminuser@admin");
}

TEST(principal, the_whole_name_must_fit_and_all_that_is_found_is_replaced) {
    expect(NULL, "CN=a", "CN=a");
    expect(" , ", "CN=a", "CN=a");
    expect("RULE:^CN=a/x/", "CN=abc", "(none)");
    expect("RULE:.*/x/", "CN=a", "xx");  // So does Java.
    expect("RULE:(b?)CN=(.*)/[$1$2$3$12$0]/", "CN=a", "[a$32CN=a]");
    expect("RULE:CN=(.*)/$1\\/\\$\\\\/U", "CN=ä", "Ä/$\\");
    expect("RULE:O=a\\/b/slash/,DEFAULT", "O=a/b", "slash");
}

TEST(principal, a_wrong_rule_is_refused_and_named) {
    static const char *const rules[][2] = {
        // Those of Kafka's test.
        {"default", "neither DEFAULT nor"},
        {"DEFAUL", "neither DEFAULT nor"},
        {"DEFAULT/L", "neither DEFAULT nor"},
        {"DEFAULT/", "neither DEFAULT nor"},
        {"RULE:CN=(.*?),OU=ServiceUsers.*/$1", "a / is missing"},
        {"rule:^CN=(.*?),OU=ServiceUsers.*$/$1/", "neither DEFAULT nor"},
        {"RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L/U", "\"/U\" behind it"},
        {"RULE:^CN=(.*?),OU=ServiceUsers.*$/L", "a / is missing"},
        {"RULE:^CN=(.*?),OU=ServiceUsers.*$/U", "a / is missing"},
        {"RULE:^CN=(.*?),OU=ServiceUsers.*$/LU", "a / is missing"},
        // Those that Kafka meets when a client comes.
        {"DEFAULT, RULE:^CN=(.*$/$1/", "missing closing parenthesis"},
        {"RULE:^CN=(.*)$/$x/", "number of a group"},
        {"RULE:^CN=(.*)$/$/", "number of a group"},
        {"RULE:a/b/LU", "\"U\" behind it"},
        {"RULE:a\\", "a / is missing"},
    };
    for (size_t i = 0; i < MR_COUNT(rules); i++) {
        mr_arena arena = {0};
        mr_cx cx;
        mr_cx_init(&cx, &arena, NULL);
        mr_principal_rules *none = NULL;
        EXPECT_EQ(mr_principal_rules_open(rules[i][0], &none, &cx), MR_E_OPTION);
        if (!EXPECT(strstr(cx.error.text, rules[i][1]) != NULL)) {
            EXPECT_STR(cx.error.text, rules[i][1]);
        }
        mr_arena_release(&arena);
    }
    static const char *const good[] = {
        "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L, DEFAULT",
        "RULE:^cn=(.?),ou=(.?),dc=(.?),dc=(.?)$/$1@$2/U",
        "RULE:^CN=([^,ADEFLTU,]+)(,.*|$)/$1/",
        "RULE:^CN=([^,DEFAULT,]+)(,.*|$)/$1/",
    };
    for (size_t i = 0; i < MR_COUNT(good); i++) {
        mr_arena arena = {0};
        (void)mapped(good[i], "CN=x", &arena);
        mr_arena_release(&arena);
    }
}
