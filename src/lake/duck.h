// Duck: DuckDB's C API, found when it is first needed.
//
// Why dlopen: the library costs 35 MB and 50 ms, and most runs never ask for it. One row of the
// list below is a function of the table.

#pragma once

#include <duckdb.h>

#include "base/cx.h"

// clang-format off
#define MR_DUCK_FUNCTIONS(X)                                                              \
    X(create_config) X(set_config) X(destroy_config)                                      \
    X(open_ext) X(close) X(connect) X(disconnect) X(free)                                 \
    X(query) X(interrupt) X(destroy_result) X(result_error)                               \
    X(extract_statements) X(extract_statements_error) X(destroy_extracted)                \
    X(prepare_extracted_statement) X(prepare_error) X(destroy_prepare)                    \
    X(prepared_statement_type) X(execute_prepared_streaming)                              \
    X(column_count) X(column_name) X(column_type)                                         \
    X(fetch_chunk) X(destroy_data_chunk) X(data_chunk_get_size)                           \
    X(data_chunk_get_vector) X(vector_get_data) X(vector_get_validity)                    \
    X(prepare) X(execute_prepared) X(column_logical_type) X(data_chunk_set_size)          \
    X(vector_ensure_validity_writable) X(vector_assign_string_element_len)                \
    X(list_vector_get_child) X(list_vector_get_size) X(list_vector_set_size)              \
    X(list_vector_reserve) X(struct_vector_get_child)                                     \
    X(create_logical_type) X(create_list_type) X(create_struct_type)                      \
    X(create_decimal_type) X(destroy_logical_type) X(get_type_id)                         \
    X(decimal_width) X(decimal_scale) X(list_type_child_type)                             \
    X(struct_type_child_count) X(struct_type_child_name) X(struct_type_child_type)        \
    X(logical_type_get_alias)                                                             \
    X(create_table_function) X(destroy_table_function) X(table_function_set_name)         \
    X(table_function_set_extra_info) X(table_function_set_bind)                           \
    X(table_function_set_init) X(table_function_set_function)                             \
    X(register_table_function) X(bind_get_extra_info) X(bind_add_result_column)           \
    X(init_get_extra_info) X(function_get_extra_info)
// clang-format on

typedef struct mr_duck {
    void *library;
#define MR_DUCK_MEMBER(name) __typeof__(&duckdb_##name) name;
    MR_DUCK_FUNCTIONS(MR_DUCK_MEMBER)
#undef MR_DUCK_MEMBER
} mr_duck;

// Loads the library: MILLRACE_DUCKDB, near the program, build/deps/lib, the system's path. It stays
// loaded.  errors  MR_E_MISSING
mr_code mr_duck_load(mr_duck *ret, mr_cx *cx);

typedef struct mr_duck_setting {
    const char *name;
    const char *value;  // NULL = as DuckDB has it.
} mr_duck_setting;

// Opens a database in memory that loads no extension by itself, with these settings too.
// errors  MR_E_INTERNAL
mr_code mr_duck_open(const mr_duck *duck, const mr_duck_setting *settings, size_t count,
                     duckdb_database *ret, mr_cx *cx);
