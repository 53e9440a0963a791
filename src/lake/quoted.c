// Quoted: see quoted.h.

#include "lake/quoted.h"

#include <string.h>

bool mr_quoted_in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

// Behind the next `quote` that is not doubled; a backslash takes its neighbour.
static const char *skip_string(const char *at, char quote, bool escapes) {
    for (; *at != '\0'; at++) {
        if (at[0] == quote && at[1] == quote) {
            at++;
            continue;
        }
        if (*at == quote) {
            return at + 1;
        }
        if (escapes && at[0] == '\\' && at[1] != '\0') {
            at++;
        }
    }
    return at;
}

static const char *skip_comment(const char *at) {
    for (unsigned depth = 0; *at != '\0';) {
        bool opens = at[0] == '/' && at[1] == '*', closes = at[0] == '*' && at[1] == '/';
        at += opens || closes ? 2 : 1;
        depth = opens ? depth + 1 : closes ? depth - 1 : depth;
        if (depth == 0) {
            return at;
        }
    }
    return at;
}

// $tag$ … $tag$; a digit behind the first $ makes a parameter of it.
static const char *skip_dollars(const char *at) {
    size_t tag = 1;
    while (mr_quoted_in_name(at[tag])) {
        tag++;
    }
    if (at[tag] != '$' || (at[1] >= '0' && at[1] <= '9')) {
        return at;
    }
    tag++;
    for (const char *end = at + tag; *end != '\0'; end++) {
        if (strncmp(end, at, tag) == 0) {
            return end + tag;
        }
    }
    return at + strlen(at);
}

const char *mr_quoted_skip(const char *sql, const char *at, bool *ret_comment) {
    bool behind_name = at > sql && (mr_quoted_in_name(at[-1]) || at[-1] == '$');
    *ret_comment = (at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*');
    if (*ret_comment) {
        return at[0] == '-' ? at + strcspn(at, "\n") : skip_comment(at);
    }
    switch (*at) {
    case '\'':
    case '"': return skip_string(at + 1, *at, /* escapes= */ false);
    case 'e':
    case 'E':
        return at[1] == '\'' && !behind_name ? skip_string(at + 2, '\'', /* escapes= */ true) : at;
    case '$': return behind_name ? at : skip_dollars(at);
    default: return at;
    }
}
