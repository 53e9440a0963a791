// Schema: configs of topics and brokers, and clients' quotas; see schema.h.

#pragma once

// ---- DescribeConfigs (32) ---------------------------------------------------------------------

#define SCHEMA_DESCRIBE_CONFIGS_RESOURCE(F, T) \
    F(I8, resource_type, 0, MAX, 0)            \
    F(STRING, resource_name, 0, MAX, 0)        \
    F(NSTRINGS, configuration_keys, 0, MAX, 0)

#define SCHEMA_DESCRIBE_CONFIGS_REQUEST(F, T)              \
    F(ARRAY, resources, 0, MAX, describe_configs_resource) \
    F(BOOL, include_synonyms, 1, MAX, 0)                   \
    F(BOOL, include_documentation, 3, MAX, 0)

#define SCHEMA_DESCRIBE_CONFIGS_SYNONYM(F, T) \
    F(STRING, name, 1, MAX, 0)                \
    F(NSTRING, value, 1, MAX, 0)              \
    F(I8, source, 1, MAX, 0)

#define SCHEMA_DESCRIBE_CONFIGS_CONFIG(F, T)             \
    F(STRING, name, 0, MAX, 0)                           \
    F(NSTRING, value, 0, MAX, 0)                         \
    F(BOOL, read_only, 0, MAX, 0)                        \
    F(I8, config_source, 1, MAX, -1)                     \
    F(BOOL, is_default, 0, 0, 0)                         \
    F(BOOL, is_sensitive, 0, MAX, 0)                     \
    F(ARRAY, synonyms, 1, MAX, describe_configs_synonym) \
    F(I8, config_type, 3, MAX, 0)                        \
    F(NSTRING, documentation, 3, MAX, 0)

#define SCHEMA_DESCRIBE_CONFIGS_FOUND(F, T) \
    F(I16, error_code, 0, MAX, 0)           \
    F(NSTRING, error_message, 0, MAX, 0)    \
    F(I8, resource_type, 0, MAX, 0)         \
    F(STRING, resource_name, 0, MAX, 0)     \
    F(ARRAY, configs, 0, MAX, describe_configs_config)

#define SCHEMA_DESCRIBE_CONFIGS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)        \
    F(ARRAY, results, 0, MAX, describe_configs_found)

// ---- AlterConfigs (33) ------------------------------------------------------------------------

#define SCHEMA_ALTER_CONFIGS_CONFIG(F, T) \
    F(STRING, name, 0, MAX, 0)            \
    F(NSTRING, value, 0, MAX, 0)

#define SCHEMA_ALTER_CONFIGS_RESOURCE(F, T) \
    F(I8, resource_type, 0, MAX, 0)         \
    F(STRING, resource_name, 0, MAX, 0)     \
    F(ARRAY, configs, 0, MAX, alter_configs_config)

#define SCHEMA_ALTER_CONFIGS_REQUEST(F, T)              \
    F(ARRAY, resources, 0, MAX, alter_configs_resource) \
    F(BOOL, validate_only, 0, MAX, 0)

#define SCHEMA_ALTER_CONFIGS_DONE(F, T)  \
    F(I16, error_code, 0, MAX, 0)        \
    F(NSTRING, error_message, 0, MAX, 0) \
    F(I8, resource_type, 0, MAX, 0)      \
    F(STRING, resource_name, 0, MAX, 0)

#define SCHEMA_ALTER_CONFIGS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)     \
    F(ARRAY, responses, 0, MAX, alter_configs_done)

// ---- IncrementalAlterConfigs (44) -------------------------------------------------------------

#define SCHEMA_INCREMENTAL_ALTER_CONFIGS_CONFIG(F, T) \
    F(STRING, name, 0, MAX, 0)                        \
    F(I8, config_operation, 0, MAX, 0)                \
    F(NSTRING, value, 0, MAX, 0)

#define SCHEMA_INCREMENTAL_ALTER_CONFIGS_RESOURCE(F, T) \
    F(I8, resource_type, 0, MAX, 0)                     \
    F(STRING, resource_name, 0, MAX, 0)                 \
    F(ARRAY, configs, 0, MAX, incremental_alter_configs_config)

#define SCHEMA_INCREMENTAL_ALTER_CONFIGS_REQUEST(F, T)              \
    F(ARRAY, resources, 0, MAX, incremental_alter_configs_resource) \
    F(BOOL, validate_only, 0, MAX, 0)

#define SCHEMA_INCREMENTAL_ALTER_CONFIGS_DONE(F, T) \
    F(I16, error_code, 0, MAX, 0)                   \
    F(NSTRING, error_message, 0, MAX, 0)            \
    F(I8, resource_type, 0, MAX, 0)                 \
    F(STRING, resource_name, 0, MAX, 0)

#define SCHEMA_INCREMENTAL_ALTER_CONFIGS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)                 \
    F(ARRAY, responses, 0, MAX, incremental_alter_configs_done)

// ---- ListConfigResources (74) -----------------------------------------------------------------

#define SCHEMA_LIST_CONFIG_RESOURCES_REQUEST(F, T) F(I8S, resource_types, 1, MAX, 0)

#define SCHEMA_LIST_CONFIG_RESOURCES_RESOURCE(F, T) \
    F(STRING, resource_name, 0, MAX, 0)             \
    F(I8, resource_type, 1, MAX, 16)

#define SCHEMA_LIST_CONFIG_RESOURCES_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)             \
    F(I16, error_code, 0, MAX, 0)                   \
    F(ARRAY, config_resources, 0, MAX, list_config_resources_resource)

// ---- DescribeClientQuotas (48) ----------------------------------------------------------------

#define SCHEMA_DESCRIBE_CLIENT_QUOTAS_COMPONENT(F, T) \
    F(STRING, entity_type, 0, MAX, 0)                 \
    F(I8, match_type, 0, MAX, 0)                      \
    F(NSTRING, match, 0, MAX, 0)

#define SCHEMA_DESCRIBE_CLIENT_QUOTAS_REQUEST(F, T)                \
    F(ARRAY, components, 0, MAX, describe_client_quotas_component) \
    F(BOOL, strict, 0, MAX, 0)

#define SCHEMA_DESCRIBE_CLIENT_QUOTAS_ENTITY(F, T) \
    F(STRING, entity_type, 0, MAX, 0)              \
    F(NSTRING, entity_name, 0, MAX, 0)

#define SCHEMA_DESCRIBE_CLIENT_QUOTAS_VALUE(F, T) \
    F(STRING, key, 0, MAX, 0)                     \
    F(F64, value, 0, MAX, 0)

#define SCHEMA_DESCRIBE_CLIENT_QUOTAS_ENTRY(F, T)           \
    F(ARRAY, entity, 0, MAX, describe_client_quotas_entity) \
    F(ARRAY, values, 0, MAX, describe_client_quotas_value)

#define SCHEMA_DESCRIBE_CLIENT_QUOTAS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)              \
    F(I16, error_code, 0, MAX, 0)                    \
    F(NSTRING, error_message, 0, MAX, 0)             \
    F(NARRAY, entries, 0, MAX, describe_client_quotas_entry)

// ---- AlterClientQuotas (49) -------------------------------------------------------------------

#define SCHEMA_ALTER_CLIENT_QUOTAS_ENTITY(F, T) \
    F(STRING, entity_type, 0, MAX, 0)           \
    F(NSTRING, entity_name, 0, MAX, 0)

#define SCHEMA_ALTER_CLIENT_QUOTAS_OP(F, T) \
    F(STRING, key, 0, MAX, 0)               \
    F(F64, value, 0, MAX, 0)                \
    F(BOOL, remove, 0, MAX, 0)

#define SCHEMA_ALTER_CLIENT_QUOTAS_ENTRY(F, T)           \
    F(ARRAY, entity, 0, MAX, alter_client_quotas_entity) \
    F(ARRAY, ops, 0, MAX, alter_client_quotas_op)

#define SCHEMA_ALTER_CLIENT_QUOTAS_REQUEST(F, T)         \
    F(ARRAY, entries, 0, MAX, alter_client_quotas_entry) \
    F(BOOL, validate_only, 0, MAX, 0)

#define SCHEMA_ALTER_CLIENT_QUOTAS_DONE_ENTITY(F, T) \
    F(STRING, entity_type, 0, MAX, 0)                \
    F(NSTRING, entity_name, 0, MAX, 0)

#define SCHEMA_ALTER_CLIENT_QUOTAS_DONE(F, T) \
    F(I16, error_code, 0, MAX, 0)             \
    F(NSTRING, error_message, 0, MAX, 0)      \
    F(ARRAY, entity, 0, MAX, alter_client_quotas_done_entity)

#define SCHEMA_ALTER_CLIENT_QUOTAS_RESPONSE(F, T) \
    F(I32, throttle_time_ms, 0, MAX, 0)           \
    F(ARRAY, entries, 0, MAX, alter_client_quotas_done)

// ---- inner structs first ---------------------------------------------------------------------

#define MR_SCHEMA_CONFIG(S)                                                          \
    S(describe_configs_resource, SCHEMA_DESCRIBE_CONFIGS_RESOURCE)                   \
    S(describe_configs_request, SCHEMA_DESCRIBE_CONFIGS_REQUEST)                     \
    S(describe_configs_synonym, SCHEMA_DESCRIBE_CONFIGS_SYNONYM)                     \
    S(describe_configs_config, SCHEMA_DESCRIBE_CONFIGS_CONFIG)                       \
    S(describe_configs_found, SCHEMA_DESCRIBE_CONFIGS_FOUND)                         \
    S(describe_configs_response, SCHEMA_DESCRIBE_CONFIGS_RESPONSE)                   \
    S(alter_configs_config, SCHEMA_ALTER_CONFIGS_CONFIG)                             \
    S(alter_configs_resource, SCHEMA_ALTER_CONFIGS_RESOURCE)                         \
    S(alter_configs_request, SCHEMA_ALTER_CONFIGS_REQUEST)                           \
    S(alter_configs_done, SCHEMA_ALTER_CONFIGS_DONE)                                 \
    S(alter_configs_response, SCHEMA_ALTER_CONFIGS_RESPONSE)                         \
    S(incremental_alter_configs_config, SCHEMA_INCREMENTAL_ALTER_CONFIGS_CONFIG)     \
    S(incremental_alter_configs_resource, SCHEMA_INCREMENTAL_ALTER_CONFIGS_RESOURCE) \
    S(incremental_alter_configs_request, SCHEMA_INCREMENTAL_ALTER_CONFIGS_REQUEST)   \
    S(incremental_alter_configs_done, SCHEMA_INCREMENTAL_ALTER_CONFIGS_DONE)         \
    S(incremental_alter_configs_response, SCHEMA_INCREMENTAL_ALTER_CONFIGS_RESPONSE) \
    S(list_config_resources_request, SCHEMA_LIST_CONFIG_RESOURCES_REQUEST)           \
    S(list_config_resources_resource, SCHEMA_LIST_CONFIG_RESOURCES_RESOURCE)         \
    S(list_config_resources_response, SCHEMA_LIST_CONFIG_RESOURCES_RESPONSE)         \
    S(describe_client_quotas_component, SCHEMA_DESCRIBE_CLIENT_QUOTAS_COMPONENT)     \
    S(describe_client_quotas_request, SCHEMA_DESCRIBE_CLIENT_QUOTAS_REQUEST)         \
    S(describe_client_quotas_entity, SCHEMA_DESCRIBE_CLIENT_QUOTAS_ENTITY)           \
    S(describe_client_quotas_value, SCHEMA_DESCRIBE_CLIENT_QUOTAS_VALUE)             \
    S(describe_client_quotas_entry, SCHEMA_DESCRIBE_CLIENT_QUOTAS_ENTRY)             \
    S(describe_client_quotas_response, SCHEMA_DESCRIBE_CLIENT_QUOTAS_RESPONSE)       \
    S(alter_client_quotas_entity, SCHEMA_ALTER_CLIENT_QUOTAS_ENTITY)                 \
    S(alter_client_quotas_op, SCHEMA_ALTER_CLIENT_QUOTAS_OP)                         \
    S(alter_client_quotas_entry, SCHEMA_ALTER_CLIENT_QUOTAS_ENTRY)                   \
    S(alter_client_quotas_request, SCHEMA_ALTER_CLIENT_QUOTAS_REQUEST)               \
    S(alter_client_quotas_done_entity, SCHEMA_ALTER_CLIENT_QUOTAS_DONE_ENTITY)       \
    S(alter_client_quotas_done, SCHEMA_ALTER_CLIENT_QUOTAS_DONE)                     \
    S(alter_client_quotas_response, SCHEMA_ALTER_CLIENT_QUOTAS_RESPONSE)
