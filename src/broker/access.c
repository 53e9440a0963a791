// Access: who a client is, and what it may do; see access.h.

#include "broker/access.h"

#include <openssl/crypto.h>
#include <string.h>

#include "broker/ledger.h"
#include "plat/thread.h"

// What is stored; never changed, replaced as a whole.
typedef struct access_state {
    mr_arena arena;
    mr_acl *acls;
    uint32_t acl_count;
    mr_access_stored *users;
    uint32_t user_count;
} access_state;

typedef struct access_user {
    mr_span name;
    mr_span password;
    mr_scram_credential credentials[2];
} access_user;

struct mr_access {
    mr_arena arena;  // Of all that the settings say.
    mr_access_spec spec;
    const char *path;
    access_user *users;
    uint32_t user_count;
    mr_span *super;
    uint32_t super_count;
    mr_mutex change;  // Held while a new state is written.
    mr_mutex mutex;
    access_state *state;  // Under mutex.
};

// ---- settings --------------------------------------------------------------------------------

// Parts between separators, trimmed, without empty ones.
static mr_span *parts_of(const char *text, const char *separators, uint32_t *ret_count,
                         mr_arena *arena) {
    uint32_t most = 1, count = 0;
    for (const char *c = text; c != NULL && *c != '\0'; c++) {
        most += strchr(separators, *c) != NULL;
    }
    mr_span *parts = MR_NEW_ARRAY(arena, mr_span, most);
    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t bytes = strcspn(at, separators);
        mr_span part = mr_span_trim((mr_span){at, bytes});
        if (part.bytes > 0) {
            parts[count++] = (mr_span){mr_arena_copy(arena, part.data, part.bytes), part.bytes};
        }
        at += bytes + (at[bytes] != '\0');
    }
    *ret_count = count;
    return parts;
}

static mr_code read_users(mr_access *access, mr_cx *cx) {
    mr_span *parts = parts_of(access->spec.users, ",\n", &access->user_count, &access->arena);
    access->users = MR_NEW_ARRAY(&access->arena, access_user, access->user_count);
    for (uint32_t u = 0; u < access->user_count; u++) {
        const char *colon = memchr(parts[u].data, ':', parts[u].bytes);
        access_user *user = &access->users[u];
        if (colon == NULL || colon == parts[u].data || colon[1] == '\0') {
            return mr_fail(cx, MR_E_OPTION, "Write name:password, with commas between users.",
                           "user %u of broker.users has no name or no password", u + 1);
        }
        user->name = (mr_span){parts[u].data, (size_t)(colon - parts[u].data)};
        user->password = mr_span_of(colon + 1);
        for (int m = 0; m < 2; m++) {
            uint64_t *salt = MR_NEW_ARRAY(&access->arena, uint64_t, 3);
            for (int w = 0; w < 3; w++) {
                salt[w] = mr_random_u64(cx->plat);
            }
            user->credentials[m] =
                (mr_scram_credential){.mechanism = (mr_scram_mechanism)(m + 1),
                                      .iterations = MR_SCRAM_ITERATIONS_MIN,
                                      .salt = {(const char *)salt, 3 * sizeof(uint64_t)}};
            mr_scram_derive_from_password(user->password, &user->credentials[m]);
        }
    }
    access->super =
        parts_of(access->spec.super_users, ",;\n", &access->super_count, &access->arena);
    return MR_OK;
}

// ---- the state -------------------------------------------------------------------------------

static void state_free(access_state *state) {
    if (state != NULL) {
        mr_arena_release(&state->arena);
        mr_heap_free(state);
    }
}

static mr_acl acl_copy(const mr_acl *acl, mr_arena *arena) {
    mr_acl copy = *acl;
    copy.name = mr_arena_string(arena, acl->name);
    copy.principal = mr_arena_string(arena, acl->principal);
    copy.host = mr_arena_string(arena, acl->host);
    return copy;
}

static mr_access_stored user_copy(const mr_access_stored *user, mr_arena *arena) {
    mr_access_stored copy = *user;
    copy.user = mr_arena_string(arena, user->user);
    copy.credential.salt.data =
        mr_arena_copy(arena, user->credential.salt.data, user->credential.salt.bytes);
    return copy;
}

// A copy with room for more.
static access_state *state_copy(const access_state *from, uint32_t more) {
    access_state *to = mr_heap_alloc(sizeof(*to));
    to->acls = MR_NEW_ARRAY(&to->arena, mr_acl, from->acl_count + more);
    to->users = MR_NEW_ARRAY(&to->arena, mr_access_stored, from->user_count + more);
    for (uint32_t a = 0; a < from->acl_count; a++) {
        to->acls[to->acl_count++] = acl_copy(&from->acls[a], &to->arena);
    }
    for (uint32_t u = 0; u < from->user_count; u++) {
        to->users[to->user_count++] = user_copy(&from->users[u], &to->arena);
    }
    return to;
}

static mr_code state_save(const mr_access *access, const access_state *state, mr_cx *cx) {
    mr_ledger ledger;
    mr_ledger_begin(&ledger, "access", cx);
    for (uint32_t u = 0; u < state->user_count; u++) {
        const mr_scram_credential *c = &state->users[u].credential;
        size_t bytes = mr_scram_key_bytes(c->mechanism);
        mr_ledger_row_begin(&ledger, "scram");
        mr_ledger_word(&ledger, mr_span_of(state->users[u].user));
        mr_ledger_number(&ledger, c->mechanism);
        mr_ledger_number(&ledger, c->iterations);
        mr_ledger_word(&ledger, c->salt);
        mr_ledger_word(&ledger, (mr_span){(const char *)c->stored_key, bytes});
        mr_ledger_word(&ledger, (mr_span){(const char *)c->server_key, bytes});
    }
    for (uint32_t a = 0; a < state->acl_count; a++) {
        const mr_acl *acl = &state->acls[a];
        mr_ledger_row_begin(&ledger, "acl");
        mr_ledger_number(&ledger, acl->resource);
        mr_ledger_number(&ledger, acl->pattern);
        mr_ledger_number(&ledger, acl->operation);
        mr_ledger_number(&ledger, acl->permission);
        mr_ledger_word(&ledger, mr_span_of(acl->name));
        mr_ledger_word(&ledger, mr_span_of(acl->principal));
        mr_ledger_word(&ledger, mr_span_of(acl->host));
    }
    return mr_ledger_save(&ledger, access->path, cx);
}

// Makes it durable and puts it in force, or frees it.
static mr_code state_replace(mr_access *access, access_state *next, mr_cx *cx) {
    mr_code code = state_save(access, next, cx);
    if (code != MR_OK) {
        state_free(next);
        return code;
    }
    mr_mutex_lock(&access->mutex);
    access_state *old = access->state;
    access->state = next;
    mr_mutex_unlock(&access->mutex);
    state_free(old);
    return MR_OK;
}

static bool row_numbers(const mr_ledger_row *row, uint32_t from, uint32_t count, int64_t *ret,
                        mr_cx *cx) {
    for (uint32_t n = 0; n < count; n++) {
        if (mr_ledger_int(row, from + n, &ret[n], cx) != MR_OK) {
            return false;
        }
    }
    return true;
}

static bool load_row(access_state *state, const mr_ledger_row *row, mr_cx *cx) {
    int64_t n[4];
    if (mr_span_is(row->words[0], "acl") && row->count == 8 && row_numbers(row, 1, 4, n, cx)) {
        mr_acl acl = {(int8_t)n[0],       (int8_t)n[1],       (int8_t)n[2],      (int8_t)n[3],
                      row->words[5].data, row->words[6].data, row->words[7].data};
        state->acls[state->acl_count++] = acl_copy(&acl, &state->arena);
        return true;
    }
    if (!mr_span_is(row->words[0], "scram") || row->count != 7 || !row_numbers(row, 2, 2, n, cx) ||
        (n[0] != MR_SCRAM_SHA_256 && n[0] != MR_SCRAM_SHA_512)) {
        return false;
    }
    mr_access_stored user = {.user = row->words[1].data};
    user.credential.mechanism = (mr_scram_mechanism)n[0];
    user.credential.iterations = (int32_t)n[1];
    user.credential.salt = row->words[4];
    size_t bytes = mr_scram_key_bytes(user.credential.mechanism);
    if (row->words[5].bytes != bytes || row->words[6].bytes != bytes) {
        return false;
    }
    memcpy(user.credential.stored_key, row->words[5].data, bytes);
    memcpy(user.credential.server_key, row->words[6].data, bytes);
    state->users[state->user_count++] = user_copy(&user, &state->arena);
    return true;
}

static mr_code load(mr_access *access, mr_cx *cx) {
    mr_ledger_row *rows = NULL;
    uint32_t count = 0;
    access->state = mr_heap_alloc(sizeof(access_state));
    mr_code code = mr_ledger_load(access->path, "access", &rows, &count, cx);
    if (code == MR_E_MISSING) {
        return MR_OK;
    }
    MR_TRY(code);
    access->state->acls = MR_NEW_ARRAY(&access->state->arena, mr_acl, count);
    access->state->users = MR_NEW_ARRAY(&access->state->arena, mr_access_stored, count);
    for (uint32_t r = 0; r < count; r++) {
        if (!load_row(access->state, &rows[r], cx)) {
            return mr_fail(cx, MR_E_CORRUPT, "Put back a copy of it.",
                           "\"%s\" line %u is neither an ACL nor a credential", access->path,
                           r + 2);
        }
    }
    return MR_OK;
}

mr_code mr_access_open(const mr_access_spec *spec, mr_access **ret, mr_cx *cx) {
    mr_access *access = mr_heap_alloc(sizeof(*access));
    access->spec = *spec;
    access->path = mr_arena_printf(&access->arena, "%s/access", spec->dir);
    mr_mutex_init(&access->change);
    mr_mutex_init(&access->mutex);
    mr_code code = read_users(access, cx);
    code = code == MR_OK ? load(access, cx) : code;
    if (code != MR_OK) {
        mr_access_close(access);
        return code;
    }
    *ret = access;
    return MR_OK;
}

void mr_access_close(mr_access *access) {
    if (access == NULL) {
        return;
    }
    state_free(access->state);
    mr_mutex_release(&access->change);
    mr_mutex_release(&access->mutex);
    mr_arena_release(&access->arena);
    mr_heap_free(access);
}

int64_t mr_access_reauth_us(const mr_access *access) {
    return access->spec.reauth_us;
}

// ---- users -----------------------------------------------------------------------------------

bool mr_access_credential(mr_access *access, mr_span user, mr_scram_mechanism mechanism,
                          mr_scram_credential *ret, mr_cx *cx) {
    for (uint32_t u = 0; u < access->user_count; u++) {
        if (mr_span_equal(access->users[u].name, user)) {
            *ret = access->users[u].credentials[mechanism - 1];
            return true;
        }
    }
    bool found = false;
    mr_mutex_lock(&access->mutex);
    for (uint32_t u = 0; u < access->state->user_count && !found; u++) {
        const mr_access_stored *stored = &access->state->users[u];
        found = stored->credential.mechanism == mechanism && mr_span_is(user, stored->user);
        if (found) {
            *ret = user_copy(stored, cx->arena).credential;
        }
    }
    mr_mutex_unlock(&access->mutex);
    return found;
}

bool mr_access_password(mr_access *access, mr_span user, mr_span password, mr_cx *cx) {
    for (uint32_t u = 0; u < access->user_count; u++) {
        const access_user *known = &access->users[u];
        if (mr_span_equal(known->name, user)) {
            return known->password.bytes == password.bytes &&
                   CRYPTO_memcmp(known->password.data, password.data, password.bytes) == 0;
        }
    }
    mr_scram_credential credential;
    for (int m = MR_SCRAM_SHA_256; m <= MR_SCRAM_SHA_512; m++) {
        if (mr_access_credential(access, user, (mr_scram_mechanism)m, &credential, cx)) {
            return mr_scram_matches(password, &credential);
        }
    }
    return false;
}

mr_access_stored *mr_access_list(mr_access *access, uint32_t *ret_count, mr_cx *cx) {
    mr_mutex_lock(&access->mutex);
    uint32_t count = access->state->user_count;
    mr_access_stored *list = MR_NEW_ARRAY(cx->arena, mr_access_stored, count);
    for (uint32_t u = 0; u < count; u++) {
        list[u] = user_copy(&access->state->users[u], cx->arena);
    }
    mr_mutex_unlock(&access->mutex);
    *ret_count = count;
    return list;
}

static void put_user(access_state *state, const mr_access_stored *change) {
    uint32_t at = 0;
    while (at < state->user_count && strcmp(state->users[at].user, change->user) < 0) {
        at++;
    }
    while (at < state->user_count && strcmp(state->users[at].user, change->user) == 0 &&
           state->users[at].credential.mechanism < change->credential.mechanism) {
        at++;
    }
    bool there = at < state->user_count && strcmp(state->users[at].user, change->user) == 0 &&
                 state->users[at].credential.mechanism == change->credential.mechanism;
    mr_access_stored *to = &state->users[at];
    size_t behind = sizeof(*to) * (state->user_count - at);
    if (there && change->credential.iterations == 0) {
        memmove(to, to + 1, behind - sizeof(*to));
        state->user_count--;
    } else if (change->credential.iterations > 0) {
        if (!there) {
            memmove(to + 1, to, behind);
            state->user_count++;
        }
        *to = user_copy(change, &state->arena);
    }
}

mr_code mr_access_store(mr_access *access, const mr_access_stored *changes, uint32_t count,
                        mr_cx *cx) {
    mr_mutex_lock(&access->change);
    access_state *next = state_copy(access->state, count);
    for (uint32_t c = 0; c < count; c++) {
        put_user(next, &changes[c]);
    }
    mr_code code = state_replace(access, next, cx);
    mr_mutex_unlock(&access->change);
    return code;
}

// ---- ACLs ------------------------------------------------------------------------------------

bool mr_access_authorizes(const mr_access *access) {
    return access->spec.authorize;
}

static bool resource_fits(const mr_acl *acl, mr_resource resource, mr_span name) {
    return acl->resource == (int8_t)resource &&
           (acl->pattern == MR_ACL_PREFIXED
                ? mr_span_starts(name, acl->name)
                : strcmp(acl->name, "*") == 0 || mr_span_is(name, acl->name));
}

// Who may read, write, delete or alter may also describe.
static bool operation_fits(const mr_acl *acl, mr_operation operation) {
    if (acl->operation == MR_OPERATION_ALL || acl->operation == (int8_t)operation) {
        return true;
    }
    if (acl->permission == MR_ACL_DENY) {
        return false;
    }
    return (operation == MR_OPERATION_DESCRIBE &&
            (acl->operation == MR_OPERATION_READ || acl->operation == MR_OPERATION_WRITE ||
             acl->operation == MR_OPERATION_DELETE || acl->operation == MR_OPERATION_ALTER)) ||
           (operation == MR_OPERATION_DESCRIBE_CONFIGS &&
            acl->operation == MR_OPERATION_ALTER_CONFIGS);
}

static bool person_fits(const mr_acl *acl, const mr_access_question *q) {
    return (strcmp(acl->principal, "User:*") == 0 || strcmp(acl->principal, q->principal) == 0) &&
           (strcmp(acl->host, "*") == 0 || strcmp(acl->host, q->host) == 0);
}

// Who is asked nothing: ACLs are off, or it is a super user.
static bool may_all(const mr_access *access, const mr_access_question *q) {
    bool all = !access->spec.authorize;
    for (uint32_t s = 0; s < access->super_count && !all; s++) {
        all = mr_span_is(access->super[s], q->principal);
    }
    return all;
}

bool mr_access_may(mr_access *access, const mr_access_question *question) {
    const mr_access_question *q = question;
    if (may_all(access, q)) {
        return true;
    }
    bool allowed = false, denied = false, any = false;
    mr_mutex_lock(&access->mutex);
    const access_state *state = access->state;
    for (uint32_t a = 0; a < state->acl_count && !denied; a++) {
        const mr_acl *acl = &state->acls[a];
        if (!resource_fits(acl, q->resource, q->name)) {
            continue;
        }
        any = true;
        if (person_fits(acl, q) && operation_fits(acl, q->operation)) {
            denied = acl->permission == MR_ACL_DENY;
            allowed = true;
        }
    }
    mr_mutex_unlock(&access->mutex);
    return !denied && (allowed || (!any && access->spec.open_without_acls));
}

static bool is_about(const mr_acl *acl, const mr_access_question *q, int8_t permission) {
    return acl->permission == permission && acl->resource == (int8_t)q->resource &&
           person_fits(acl, q) && operation_fits(acl, q->operation);
}

// Whether what one ACL denies is all that another allows.
static bool covers(const mr_acl *deny, const mr_acl *allow) {
    if (deny->pattern == MR_ACL_PREFIXED) {
        return strncmp(allow->name, deny->name, strlen(deny->name)) == 0 &&
               (allow->pattern == MR_ACL_PREFIXED || strcmp(allow->name, "*") != 0);
    }
    return strcmp(deny->name, "*") == 0 ||
           (allow->pattern == MR_ACL_LITERAL && strcmp(deny->name, allow->name) == 0);
}

static bool denies_all(const access_state *state, const mr_access_question *q,
                       const mr_acl *allow) {
    bool covered = false;
    for (uint32_t d = 0; d < state->acl_count && !covered; d++) {
        covered = is_about(&state->acls[d], q, MR_ACL_DENY) && covers(&state->acls[d], allow);
    }
    return covered;
}

bool mr_access_may_some(mr_access *access, const mr_access_question *question) {
    const mr_access_question *q = question;
    if (may_all(access, q)) {
        return true;
    }
    static const mr_acl everything = {.pattern = MR_ACL_LITERAL, .name = "*"};
    mr_mutex_lock(&access->mutex);
    const access_state *state = access->state;
    bool may = access->spec.open_without_acls && !denies_all(state, q, &everything);
    for (uint32_t a = 0; a < state->acl_count && !may; a++) {
        const mr_acl *acl = &state->acls[a];
        may = is_about(acl, q, MR_ACL_ALLOW) && !denies_all(state, q, acl);
    }
    mr_mutex_unlock(&access->mutex);
    return may;
}

static bool text_fits(const char *filter, const char *value) {
    return filter == NULL || strcmp(filter, value) == 0;
}

bool mr_access_fits(const mr_acl *filter, const mr_acl *acl) {
    bool name;
    if (filter->name == NULL) {
        name = filter->pattern <= MR_ACL_MATCH || filter->pattern == acl->pattern;
    } else if (filter->pattern == MR_ACL_MATCH) {
        name = resource_fits(acl, (mr_resource)acl->resource, mr_span_of(filter->name));
    } else {
        name = strcmp(filter->name, acl->name) == 0 &&
               (filter->pattern == MR_ACL_ANY || filter->pattern == acl->pattern);
    }
    return name && (filter->resource == MR_ACL_ANY || filter->resource == acl->resource) &&
           (filter->operation == MR_ACL_ANY || filter->operation == acl->operation) &&
           (filter->permission == MR_ACL_ANY || filter->permission == acl->permission) &&
           text_fits(filter->principal, acl->principal) && text_fits(filter->host, acl->host);
}

mr_acl *mr_access_acls(mr_access *access, const mr_acl *filter, uint32_t *ret_count, mr_cx *cx) {
    mr_mutex_lock(&access->mutex);
    mr_acl *list = MR_NEW_ARRAY(cx->arena, mr_acl, access->state->acl_count);
    uint32_t count = 0;
    for (uint32_t a = 0; a < access->state->acl_count; a++) {
        if (mr_access_fits(filter, &access->state->acls[a])) {
            list[count++] = acl_copy(&access->state->acls[a], cx->arena);
        }
    }
    mr_mutex_unlock(&access->mutex);
    *ret_count = count;
    return list;
}

static bool is_listed(const access_state *state, const mr_acl *acl) {
    for (uint32_t a = 0; a < state->acl_count; a++) {
        const mr_acl *o = &state->acls[a];
        if (o->resource == acl->resource && o->pattern == acl->pattern &&
            o->operation == acl->operation && o->permission == acl->permission &&
            strcmp(o->name, acl->name) == 0 && strcmp(o->principal, acl->principal) == 0 &&
            strcmp(o->host, acl->host) == 0) {
            return true;
        }
    }
    return false;
}

mr_code mr_access_add(mr_access *access, const mr_acl *acls, uint32_t count, mr_cx *cx) {
    mr_mutex_lock(&access->change);
    access_state *next = state_copy(access->state, count);
    for (uint32_t c = 0; c < count; c++) {
        if (!is_listed(next, &acls[c])) {
            next->acls[next->acl_count++] = acl_copy(&acls[c], &next->arena);
        }
    }
    mr_code code = state_replace(access, next, cx);
    mr_mutex_unlock(&access->change);
    return code;
}

mr_code mr_access_remove(mr_access *access, const mr_acl *filters, uint32_t count, mr_cx *cx) {
    mr_mutex_lock(&access->change);
    access_state *next = state_copy(access->state, 0);
    uint32_t kept = 0;
    for (uint32_t a = 0; a < next->acl_count; a++) {
        bool gone = false;
        for (uint32_t f = 0; f < count; f++) {
            gone = gone || mr_access_fits(&filters[f], &next->acls[a]);
        }
        if (!gone) {
            next->acls[kept++] = next->acls[a];
        }
    }
    next->acl_count = kept;
    mr_code code = state_replace(access, next, cx);
    mr_mutex_unlock(&access->change);
    return code;
}
