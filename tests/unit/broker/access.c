// Access: passwords, SCRAM and ACLs, and what of them survives a restart.

#include "runner.h"

#include <string.h>

#include "broker/sasl.h"
#include "plat/sim.h"

typedef struct rig {
    mr_arena arena;
    mr_plat *plat;
    mr_cx cx;
    mr_access *access;
} rig;

static const mr_access_spec rig_spec = {
    .dir = "d",
    .users = "admin:admin-secret, alice:a:b",
    .super_users = "User:admin",
    .authorize = true,
};

static void rig_open(rig *r) {
    REQUIRE_OK(mr_access_open(&rig_spec, &r->access, &r->cx));
}

static void rig_init(rig *r) {
    memset(r, 0, sizeof(*r));
    r->plat = mr_sim_new(11);
    mr_cx_init(&r->cx, &r->arena, r->plat);
    REQUIRE_OK(mr_dir_make("d", &r->cx));
    rig_open(r);
}

static void rig_release(rig *r) {
    mr_access_close(r->access);
    mr_sim_free(r->plat);
    mr_arena_release(&r->arena);
}

static void rig_restart(rig *r) {
    mr_access_close(r->access);
    mr_sim_restart(r->plat);
    rig_open(r);
}

// ---- SCRAM -----------------------------------------------------------------------------------

// RFC 7677, section 3: user "user", password "pencil"; the server's part of the nonce is given.
TEST(scram, is_that_of_rfc_7677) {
    rig r;
    rig_init(&r);
    mr_scram_credential c = {.mechanism = MR_SCRAM_SHA_256, .iterations = 4096};
    static const unsigned char salt[] = {0x5B, 0x6D, 0x99, 0x68, 0x9D, 0x12, 0x35, 0x8E,
                                         0xEC, 0xA0, 0x4B, 0x14, 0x12, 0x36, 0xFA, 0x81};
    c.salt = (mr_span){(const char *)salt, sizeof(salt)};
    mr_scram_derive_from_password(MR_SPAN("pencil"), &c);
    mr_scram scram = {.mechanism = MR_SCRAM_SHA_256};
    const char *user;
    REQUIRE(mr_scram_first(&scram, MR_SPAN("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), &user, &r.arena));
    EXPECT_STR(user, "user");
    // The challenge of the RFC, whose nonce ours would not draw.
    scram.nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    mr_text_add(&scram.auth_message, ",r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                     "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    mr_span answer;
    EXPECT(mr_scram_final(&scram,
                          MR_SPAN("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                  "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
                          &c, &answer, &r.cx));
    EXPECT(mr_span_is(answer, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    EXPECT(mr_scram_matches(MR_SPAN("pencil"), &c));
    EXPECT(!mr_scram_matches(MR_SPAN("pencil "), &c));
    rig_release(&r);
}

TEST(scram, refuses_what_is_no_first_message) {
    rig r;
    rig_init(&r);
    const char *bad[] = {"",
                         "n",
                         "n,",
                         "n,,",
                         "y,,n=a,r=b",
                         "n,,n=a",
                         "n,,n=,r=b",
                         "n,,r=b,n=a",
                         "n,,n=a=,r=b",
                         "n,,n=a=2D,r=b",
                         "n,a=other,n=a,r=b",
                         "n,,n=a,r=",
                         "n,,n=a,r=b,tokenauth=true",
                         "n,,n=a,r=b,x"};
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        mr_scram scram = {.mechanism = MR_SCRAM_SHA_512};
        const char *user;
        EXPECT(!mr_scram_first(&scram, mr_span_of(bad[i]), &user, &r.arena));
    }
    mr_scram scram = {.mechanism = MR_SCRAM_SHA_512};
    const char *user;
    EXPECT(mr_scram_first(&scram, MR_SPAN("n,a=x=2Cy=3D,n=x=2Cy=3D,r=b"), &user, &r.arena));
    EXPECT_STR(user, "x,y=");
    rig_release(&r);
}

// ---- SASL ------------------------------------------------------------------------------------

static mr_sasl_result plain(rig *r, mr_sasl_session *session, mr_span token) {
    mr_sasl_begin(session, /* sasl= */ true);
    EXPECT(mr_sasl_lets(session, MR_KEY_api_versions, 0));
    EXPECT(!mr_sasl_lets(session, MR_KEY_metadata, 0));
    EXPECT(!mr_sasl_lets(session, MR_KEY_sasl_authenticate, 0));
    EXPECT_EQ(mr_sasl_choose(session, MR_SPAN("PLAIN"), 1), MR_KAFKA_NONE);
    EXPECT(!mr_sasl_lets(session, MR_KEY_api_versions, 0));
    EXPECT(mr_sasl_lets(session, MR_KEY_sasl_authenticate, 0));
    return mr_sasl_token(session, r->access, token, &r->cx);
}

TEST(sasl, takes_a_password_and_nothing_else) {
    rig r;
    rig_init(&r);
    mr_sasl_session session;
    mr_sasl_result result = plain(&r, &session, MR_SPAN("\0alice\0a:b"));
    EXPECT_EQ(result.error, MR_KAFKA_NONE);
    EXPECT_STR(session.principal, "User:alice");
    EXPECT(mr_sasl_lets(&session, MR_KEY_metadata, INT64_MAX));
    mr_sasl_end(&session);
    const mr_span bad[] = {MR_SPAN("\0alice\0a:"),
                           MR_SPAN("\0alice\0a:b\0"),
                           MR_SPAN("bob\0alice\0a:b"),
                           MR_SPAN("\0alice"),
                           MR_SPAN(""),
                           MR_SPAN("\0\0a:b"),
                           MR_SPAN("\0nobody\0a:b"),
                           MR_SPAN("\0alice\0"),
                           MR_SPAN("\0alice\0a:b\0more")};
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        result = plain(&r, &session, bad[i]);
        EXPECT_EQ(result.error, MR_KAFKA_SASL_AUTHENTICATION_FAILED);
        EXPECT(session.principal == NULL);
        EXPECT(!mr_sasl_lets(&session, MR_KEY_metadata, 0));
        EXPECT(!mr_sasl_lets(&session, MR_KEY_sasl_handshake, 0));
        mr_sasl_end(&session);
    }
    mr_sasl_begin(&session, true);
    EXPECT_EQ(mr_sasl_choose(&session, MR_SPAN("GSSAPI"), 1), MR_KAFKA_UNSUPPORTED_SASL_MECHANISM);
    mr_sasl_end(&session);
    mr_sasl_begin(&session, false);
    EXPECT_EQ(mr_sasl_choose(&session, MR_SPAN("PLAIN"), 1), MR_KAFKA_ILLEGAL_SASL_STATE);
    EXPECT(mr_sasl_lets(&session, MR_KEY_metadata, 0));
    mr_sasl_end(&session);
    rig_release(&r);
}

TEST(access, users_survive_a_power_cut) {
    rig r;
    rig_init(&r);
    mr_access_stored user = {.user = "carol"};
    user.credential = (mr_scram_credential){
        .mechanism = MR_SCRAM_SHA_512, .iterations = 4096, .salt = MR_SPAN("\0salt %")};
    mr_scram_derive_from_password(MR_SPAN("pw"), &user.credential);
    REQUIRE_OK(mr_access_store(r.access, &user, 1, &r.cx));
    rig_restart(&r);
    EXPECT(mr_access_password(r.access, MR_SPAN("carol"), MR_SPAN("pw"), &r.cx));
    EXPECT(!mr_access_password(r.access, MR_SPAN("carol"), MR_SPAN("px"), &r.cx));
    mr_scram_credential c;
    EXPECT(mr_access_credential(r.access, MR_SPAN("carol"), MR_SCRAM_SHA_512, &c, &r.cx));
    EXPECT(!mr_access_credential(r.access, MR_SPAN("carol"), MR_SCRAM_SHA_256, &c, &r.cx));
    EXPECT(mr_access_credential(r.access, MR_SPAN("alice"), MR_SCRAM_SHA_256, &c, &r.cx));
    uint32_t count = 0;
    (void)mr_access_list(r.access, &count, &r.cx);
    EXPECT_EQ(count, 1);
    user.credential.iterations = 0;
    REQUIRE_OK(mr_access_store(r.access, &user, 1, &r.cx));
    rig_restart(&r);
    EXPECT(!mr_access_password(r.access, MR_SPAN("carol"), MR_SPAN("pw"), &r.cx));
    rig_release(&r);
}

// ---- ACLs ------------------------------------------------------------------------------------

static bool may(rig *r, const char *principal, mr_operation operation, const char *topic) {
    return mr_access_may(r->access, &(mr_access_question){principal, "127.0.0.1", operation,
                                                          MR_RESOURCE_TOPIC, mr_span_of(topic)});
}

static bool may_some(rig *r, const char *principal) {
    const mr_access_question question = {
        .principal = principal,
        .host = "127.0.0.1",
        .operation = MR_OPERATION_WRITE,
        .resource = MR_RESOURCE_TOPIC,
    };
    return mr_access_may_some(r->access, &question);
}

TEST(access, who_may_with_some_name_is_known_unless_each_is_denied) {
    static const struct {
        int8_t pattern;
        const char *name;
        int8_t deny_pattern;
        const char *deny_name;  // NULL: none.
        bool may;
    } cases[] = {
        {MR_ACL_LITERAL, "t", 0, NULL, true},
        {MR_ACL_PREFIXED, "in.", 0, NULL, true},
        {MR_ACL_LITERAL, "*", 0, NULL, true},
        {MR_ACL_LITERAL, "t", MR_ACL_LITERAL, "t", false},
        {MR_ACL_LITERAL, "t", MR_ACL_LITERAL, "other", true},
        {MR_ACL_LITERAL, "in.a", MR_ACL_PREFIXED, "in.", false},
        {MR_ACL_PREFIXED, "in.", MR_ACL_PREFIXED, "in", false},
        {MR_ACL_PREFIXED, "in", MR_ACL_PREFIXED, "in.", true},
        {MR_ACL_PREFIXED, "in.", MR_ACL_LITERAL, "in.", true},
        {MR_ACL_PREFIXED, "in.", MR_ACL_LITERAL, "*", false},
        {MR_ACL_LITERAL, "*", MR_ACL_PREFIXED, "in.", true},
        {MR_ACL_LITERAL, "*", MR_ACL_LITERAL, "*", false},
    };
    for (size_t i = 0; i < MR_COUNT(cases); i++) {
        rig r;
        rig_init(&r);
        EXPECT(may_some(&r, "User:admin"));
        EXPECT(!may_some(&r, "User:alice"));
        mr_acl acls[] = {{MR_RESOURCE_TOPIC, cases[i].pattern, MR_OPERATION_WRITE, MR_ACL_ALLOW,
                          cases[i].name, "User:alice", "*"},
                         {MR_RESOURCE_TOPIC, cases[i].deny_pattern, MR_OPERATION_ALL, MR_ACL_DENY,
                          cases[i].deny_name, "User:*", "127.0.0.1"}};
        uint32_t count = cases[i].deny_name == NULL ? 1 : 2;
        REQUIRE_OK(mr_access_add(r.access, acls, count, &r.cx));
        if (!EXPECT_EQ(may_some(&r, "User:alice"), cases[i].may)) {
            EXPECT_STR(cases[i].name, cases[i].deny_name);
        }
        EXPECT(!may_some(&r, "User:bob"));
        rig_release(&r);
    }
}

TEST(access, a_deny_wins_and_nothing_is_allowed_by_itself) {
    rig r;
    rig_init(&r);
    EXPECT(may(&r, "User:admin", MR_OPERATION_WRITE, "t"));
    EXPECT(!may(&r, "User:alice", MR_OPERATION_READ, "t"));
    mr_acl acls[] = {
        {MR_RESOURCE_TOPIC, MR_ACL_PREFIXED, MR_OPERATION_READ, MR_ACL_ALLOW, "in.", "User:alice",
         "*"},
        {MR_RESOURCE_TOPIC, MR_ACL_LITERAL, MR_OPERATION_ALL, MR_ACL_DENY, "in.secret", "User:*",
         "127.0.0.1"},
        {MR_RESOURCE_TOPIC, MR_ACL_LITERAL, MR_OPERATION_WRITE, MR_ACL_ALLOW, "*", "User:bob", "*"},
        {MR_RESOURCE_GROUP, MR_ACL_LITERAL, MR_OPERATION_ALL, MR_ACL_ALLOW, "*", "User:*", "*"},
        {MR_RESOURCE_TOPIC, MR_ACL_LITERAL, MR_OPERATION_READ, MR_ACL_ALLOW, "far", "User:alice",
         "10.0.0.1"},
    };
    REQUIRE_OK(mr_access_add(r.access, acls, MR_COUNT(acls), &r.cx));
    REQUIRE_OK(mr_access_add(r.access, acls, 1, &r.cx));  // Once more is no second one.
    rig_restart(&r);
    EXPECT(may(&r, "User:alice", MR_OPERATION_READ, "in.orders"));
    EXPECT(may(&r, "User:alice", MR_OPERATION_DESCRIBE, "in.orders"));
    EXPECT(!may(&r, "User:alice", MR_OPERATION_WRITE, "in.orders"));
    EXPECT(!may(&r, "User:alice", MR_OPERATION_READ, "in"));
    EXPECT(!may(&r, "User:alice", MR_OPERATION_READ, "in.secret"));
    EXPECT(!may(&r, "User:bob", MR_OPERATION_WRITE, "in.secret"));
    EXPECT(may(&r, "User:bob", MR_OPERATION_WRITE, "else"));
    EXPECT(!may(&r, "User:bob", MR_OPERATION_READ, "else"));
    EXPECT(!may(&r, "User:alice", MR_OPERATION_READ, "far"));
    EXPECT(may(&r, "User:admin", MR_OPERATION_READ, "in.secret"));
    uint32_t count = 0;
    mr_acl any = {MR_ACL_ANY, MR_ACL_ANY, MR_ACL_ANY, MR_ACL_ANY, NULL, NULL, NULL};
    (void)mr_access_acls(r.access, &any, &count, &r.cx);
    EXPECT_EQ(count, 5);
    mr_acl match = any;
    match.resource = MR_RESOURCE_TOPIC;
    match.pattern = MR_ACL_MATCH;
    match.name = "in.secret";
    (void)mr_access_acls(r.access, &match, &count, &r.cx);
    EXPECT_EQ(count, 3);  // The prefix, the literal, and the wildcard.
    match.pattern = MR_ACL_ANY;
    REQUIRE_OK(mr_access_remove(r.access, &match, 1, &r.cx));
    EXPECT(may(&r, "User:alice", MR_OPERATION_READ, "in.secret"));
    rig_release(&r);
}
