// Types as tests write them, without spaces: "numeric(6,2)", "int[]", "struct(a:int,b:text[])[]".

#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "column/type.h"

// Takes a type off the front of *at. Ends the program at anything else.
static mr_type type_text_take(const char **at, mr_arena *arena) {
    static const struct {
        const char *name;
        mr_type_id id;
    } types[] = {{"bool", MR_BOOL},           {"int", MR_INT32},
                 {"smallint", MR_INT16},      {"bigint", MR_INT64},
                 {"double", MR_FLOAT64},      {"real", MR_FLOAT32},
                 {"numeric", MR_NUMERIC},     {"text", MR_TEXT},
                 {"bytea", MR_BYTES},         {"uuid", MR_UUID},
                 {"date", MR_DATE},           {"time", MR_TIME},
                 {"timestamp", MR_TIMESTAMP}, {"timestamptz", MR_TIMESTAMPTZ},
                 {"interval", MR_INTERVAL},   {"json", MR_JSON},
                 {"struct", MR_STRUCT}};
    size_t bytes = strspn(*at, "abcdefghijklmnopqrstuvwxyz");
    size_t i = 0;
    while (i < MR_COUNT(types) &&
           (strlen(types[i].name) != bytes || memcmp(types[i].name, *at, bytes) != 0)) {
        i++;
    }
    if (i == MR_COUNT(types)) {
        fprintf(stderr, "unknown type %s\n", *at);
        abort();
    }
    mr_type type = MR_TYPE(types[i].id);
    *at += bytes;
    if (type.id == MR_NUMERIC) {
        type.precision = (uint8_t)strtoul(*at + 1, (char **)(void *)at, 10);
        type.scale = (uint8_t)strtoul(*at + 1, (char **)(void *)at, 10);
        *at += 1;
    } else if (type.id == MR_STRUCT) {
        mr_schema *fields = MR_NEW(arena, mr_schema);
        fields->columns = MR_NEW_ARRAY(arena, mr_column, 64);
        while (**at != ')' && fields->count < 64) {
            size_t name = strcspn(++*at, ":");
            mr_column *column = &fields->columns[fields->count++];
            column->name = mr_arena_copy(arena, *at, name);
            *at += name + 1;
            column->type = type_text_take(at, arena);
        }
        *at += 1;
        type.fields = fields;
    }
    while (strncmp(*at, "[]", 2) == 0) {
        type = mr_type_list(type, arena);
        *at += 2;
    }
    return type;
}
