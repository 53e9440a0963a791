// Schema: who may do what: SASL, SCRAM credentials, ACLs; see schema.h.

#pragma once

// ---- SaslHandshake (17) -----------------------------------------------------------------------

#define SCHEMA_SASL_HANDSHAKE_REQUEST(F, T) F(STRING, mechanism, 0, MAX, 0)

#define SCHEMA_SASL_HANDSHAKE_RESPONSE(F, T) \
    F(I16, error_code, 0, MAX, 0)            \
    F(STRINGS, mechanisms, 0, MAX, 0)

// ---- SaslAuthenticate (36) --------------------------------------------------------------------

#define SCHEMA_SASL_AUTHENTICATE_REQUEST(F, T) F(BYTES, auth_bytes, 0, MAX, 0)

#define SCHEMA_SASL_AUTHENTICATE_RESPONSE(F, T) \
    F(I16, error_code, 0, MAX, 0)               \
    F(NSTRING, error_message, 0, MAX, 0)        \
    F(BYTES, auth_bytes, 0, MAX, 0)             \
    F(I64, session_lifetime_ms, 1, MAX, 0)

// ---- DescribeUserScramCredentials (50) --------------------------------------------------------

#define SCHEMA_DESCRIBE_USER_SCRAM_CREDENTIALS_USER(F, T) F(STRING, name, 0, MAX, 0)

#define SCHEMA_DESCRIBE_USER_SCRAM_CREDENTIALS_REQUEST(F, T) \
    F(NARRAY, users, 0, MAX, describe_user_scram_credentials_user)

#define SCHEMA_DESCRIBE_USER_SCRAM_CREDENTIALS_CREDENTIAL(F, T) \
    F(I8, mechanism, 0, MAX, 0)                                 \
    F(I32, iterations, 0, MAX, 0)

#define SCHEMA_DESCRIBE_USER_SCRAM_CREDENTIALS_FOUND(F, T) \
    F(STRING, user, 0, MAX, 0)                             \
    F(I16, error_code, 0, MAX, 0)                          \
    F(NSTRING, error_message, 0, MAX, 0)                   \
    F(ARRAY, credential_infos, 0, MAX, describe_user_scram_credentials_credential)

#define SCHEMA_DESCRIBE_USER_SCRAM_CREDENTIALS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)                       \
    F(I16, error_code, 0, MAX, 0)                             \
    F(NSTRING, error_message, 0, MAX, 0)                      \
    F(ARRAY, results, 0, MAX, describe_user_scram_credentials_found)

// ---- AlterUserScramCredentials (51) -----------------------------------------------------------

#define SCHEMA_ALTER_USER_SCRAM_CREDENTIALS_DELETION(F, T) \
    F(STRING, name, 0, MAX, 0)                             \
    F(I8, mechanism, 0, MAX, 0)

#define SCHEMA_ALTER_USER_SCRAM_CREDENTIALS_UPSERTION(F, T) \
    F(STRING, name, 0, MAX, 0)                              \
    F(I8, mechanism, 0, MAX, 0)                             \
    F(I32, iterations, 0, MAX, 0)                           \
    F(BYTES, salt, 0, MAX, 0)                               \
    F(BYTES, salted_password, 0, MAX, 0)

#define SCHEMA_ALTER_USER_SCRAM_CREDENTIALS_REQUEST(F, T)              \
    F(ARRAY, deletions, 0, MAX, alter_user_scram_credentials_deletion) \
    F(ARRAY, upsertions, 0, MAX, alter_user_scram_credentials_upsertion)

#define SCHEMA_ALTER_USER_SCRAM_CREDENTIALS_DONE(F, T) \
    F(STRING, user, 0, MAX, 0)                         \
    F(I16, error_code, 0, MAX, 0)                      \
    F(NSTRING, error_message, 0, MAX, 0)

#define SCHEMA_ALTER_USER_SCRAM_CREDENTIALS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)                    \
    F(ARRAY, results, 0, MAX, alter_user_scram_credentials_done)

// ---- DescribeAcls (29) ------------------------------------------------------------------------

#define SCHEMA_DESCRIBE_ACLS_REQUEST(F, T)      \
    F(I8, resource_type_filter, 0, MAX, 0)      \
    F(NSTRING, resource_name_filter, 0, MAX, 0) \
    F(I8, pattern_type_filter, 1, MAX, 3)       \
    F(NSTRING, principal_filter, 0, MAX, 0)     \
    F(NSTRING, host_filter, 0, MAX, 0)          \
    F(I8, operation, 0, MAX, 0)                 \
    F(I8, permission_type, 0, MAX, 0)

#define SCHEMA_DESCRIBE_ACLS_ACL(F, T) \
    F(STRING, principal, 0, MAX, 0)    \
    F(STRING, host, 0, MAX, 0)         \
    F(I8, operation, 0, MAX, 0)        \
    F(I8, permission_type, 0, MAX, 0)

#define SCHEMA_DESCRIBE_ACLS_RESOURCE(F, T) \
    F(I8, resource_type, 0, MAX, 0)         \
    F(STRING, resource_name, 0, MAX, 0)     \
    F(I8, pattern_type, 1, MAX, 3)          \
    F(ARRAY, acls, 0, MAX, describe_acls_acl)

#define SCHEMA_DESCRIBE_ACLS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)     \
    F(I16, error_code, 0, MAX, 0)           \
    F(NSTRING, error_message, 0, MAX, 0)    \
    F(ARRAY, resources, 0, MAX, describe_acls_resource)

// ---- CreateAcls (30) --------------------------------------------------------------------------

#define SCHEMA_CREATE_ACLS_CREATION(F, T)   \
    F(I8, resource_type, 0, MAX, 0)         \
    F(STRING, resource_name, 0, MAX, 0)     \
    F(I8, resource_pattern_type, 1, MAX, 3) \
    F(STRING, principal, 0, MAX, 0)         \
    F(STRING, host, 0, MAX, 0)              \
    F(I8, operation, 0, MAX, 0)             \
    F(I8, permission_type, 0, MAX, 0)

#define SCHEMA_CREATE_ACLS_REQUEST(F, T) F(ARRAY, creations, 0, MAX, create_acls_creation)

#define SCHEMA_CREATE_ACLS_DONE(F, T) \
    F(I16, error_code, 0, MAX, 0)     \
    F(NSTRING, error_message, 0, MAX, 0)

#define SCHEMA_CREATE_ACLS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)   \
    F(ARRAY, results, 0, MAX, create_acls_done)

// ---- DeleteAcls (31) --------------------------------------------------------------------------

#define SCHEMA_DELETE_ACLS_FILTER(F, T)         \
    F(I8, resource_type_filter, 0, MAX, 0)      \
    F(NSTRING, resource_name_filter, 0, MAX, 0) \
    F(I8, pattern_type_filter, 1, MAX, 3)       \
    F(NSTRING, principal_filter, 0, MAX, 0)     \
    F(NSTRING, host_filter, 0, MAX, 0)          \
    F(I8, operation, 0, MAX, 0)                 \
    F(I8, permission_type, 0, MAX, 0)

#define SCHEMA_DELETE_ACLS_REQUEST(F, T) F(ARRAY, filters, 0, MAX, delete_acls_filter)

#define SCHEMA_DELETE_ACLS_ACL(F, T)     \
    F(I16, error_code, 0, MAX, 0)        \
    F(NSTRING, error_message, 0, MAX, 0) \
    F(I8, resource_type, 0, MAX, 0)      \
    F(STRING, resource_name, 0, MAX, 0)  \
    F(I8, pattern_type, 1, MAX, 3)       \
    F(STRING, principal, 0, MAX, 0)      \
    F(STRING, host, 0, MAX, 0)           \
    F(I8, operation, 0, MAX, 0)          \
    F(I8, permission_type, 0, MAX, 0)

#define SCHEMA_DELETE_ACLS_DONE(F, T)    \
    F(I16, error_code, 0, MAX, 0)        \
    F(NSTRING, error_message, 0, MAX, 0) \
    F(ARRAY, matching_acls, 0, MAX, delete_acls_acl)

#define SCHEMA_DELETE_ACLS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)   \
    F(ARRAY, filter_results, 0, MAX, delete_acls_done)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_ACCESS(S)                                                                      \
    S(sasl_handshake_request, SCHEMA_SASL_HANDSHAKE_REQUEST)                                     \
    S(sasl_handshake_response, SCHEMA_SASL_HANDSHAKE_RESPONSE)                                   \
    S(sasl_authenticate_request, SCHEMA_SASL_AUTHENTICATE_REQUEST)                               \
    S(sasl_authenticate_response, SCHEMA_SASL_AUTHENTICATE_RESPONSE)                             \
    S(describe_user_scram_credentials_user, SCHEMA_DESCRIBE_USER_SCRAM_CREDENTIALS_USER)         \
    S(describe_user_scram_credentials_request, SCHEMA_DESCRIBE_USER_SCRAM_CREDENTIALS_REQUEST)   \
    S(describe_user_scram_credentials_credential,                                                \
      SCHEMA_DESCRIBE_USER_SCRAM_CREDENTIALS_CREDENTIAL)                                         \
    S(describe_user_scram_credentials_found, SCHEMA_DESCRIBE_USER_SCRAM_CREDENTIALS_FOUND)       \
    S(describe_user_scram_credentials_response, SCHEMA_DESCRIBE_USER_SCRAM_CREDENTIALS_RESPONSE) \
    S(alter_user_scram_credentials_deletion, SCHEMA_ALTER_USER_SCRAM_CREDENTIALS_DELETION)       \
    S(alter_user_scram_credentials_upsertion, SCHEMA_ALTER_USER_SCRAM_CREDENTIALS_UPSERTION)     \
    S(alter_user_scram_credentials_request, SCHEMA_ALTER_USER_SCRAM_CREDENTIALS_REQUEST)         \
    S(alter_user_scram_credentials_done, SCHEMA_ALTER_USER_SCRAM_CREDENTIALS_DONE)               \
    S(alter_user_scram_credentials_response, SCHEMA_ALTER_USER_SCRAM_CREDENTIALS_RESPONSE)       \
    S(describe_acls_request, SCHEMA_DESCRIBE_ACLS_REQUEST)                                       \
    S(describe_acls_acl, SCHEMA_DESCRIBE_ACLS_ACL)                                               \
    S(describe_acls_resource, SCHEMA_DESCRIBE_ACLS_RESOURCE)                                     \
    S(describe_acls_response, SCHEMA_DESCRIBE_ACLS_RESPONSE)                                     \
    S(create_acls_creation, SCHEMA_CREATE_ACLS_CREATION)                                         \
    S(create_acls_request, SCHEMA_CREATE_ACLS_REQUEST)                                           \
    S(create_acls_done, SCHEMA_CREATE_ACLS_DONE)                                                 \
    S(create_acls_response, SCHEMA_CREATE_ACLS_RESPONSE)                                         \
    S(delete_acls_filter, SCHEMA_DELETE_ACLS_FILTER)                                             \
    S(delete_acls_request, SCHEMA_DELETE_ACLS_REQUEST)                                           \
    S(delete_acls_acl, SCHEMA_DELETE_ACLS_ACL)                                                   \
    S(delete_acls_done, SCHEMA_DELETE_ACLS_DONE)                                                 \
    S(delete_acls_response, SCHEMA_DELETE_ACLS_RESPONSE)
