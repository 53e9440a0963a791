// numeric_dump: exact decimals for comparison with Python's: reads lines, prints a result for each.
//
//   parse DIGITS SCALE TEXT · rescale VALUE SCALE TO_SCALE TO_DIGITS · add A B · mul A B
//   double VALUE SCALE · float VALUE SCALE · from DIGITS SCALE DOUBLE · fromf DIGITS SCALE FLOAT
//
// Values are integers; what does not fit is printed as "refused".

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numeric.h"

static __int128 dump_int(const char *text) {
    bool negative = *text == '-';
    __int128 value = 0;
    for (text += negative; *text != '\0'; text++) {
        value = value * 10 + (*text - '0');
    }
    return negative ? -value : value;
}

static uint32_t dump_u32(const char *text) {
    return (uint32_t)strtoul(text, NULL, 10);
}

static void dump(bool good, __int128 value, uint32_t scale) {
    mr_text out;
    mr_text_init(&out, NULL);
    if (good) {
        mr_numeric_print(value, scale, &out);
    }
    puts(good ? mr_text_string(&out) : "refused");
    mr_text_release(&out);
}

static void dump_line(char **w) {
    __int128 value = 0;
    if (strcmp(w[0], "parse") == 0) {
        uint32_t scale = dump_u32(w[2]);
        bool good = mr_numeric_parse(mr_span_of(w[3]), dump_u32(w[1]), scale, &value);
        dump(good, value, scale);
    } else if (strcmp(w[0], "rescale") == 0) {
        bool good = mr_numeric_rescale(dump_int(w[1]), dump_u32(w[2]), dump_u32(w[3]),
                                       dump_u32(w[4]), &value);
        dump(good, value, /* scale= */ 0);
    } else if (strcmp(w[0], "add") == 0) {
        bool good = mr_numeric_add(dump_int(w[1]), dump_int(w[2]), &value);
        dump(good, value, /* scale= */ 0);
    } else if (strcmp(w[0], "mul") == 0) {
        bool good = mr_numeric_mul(dump_int(w[1]), dump_int(w[2]), &value);
        dump(good, value, /* scale= */ 0);
    } else if (strcmp(w[0], "double") == 0) {
        printf("%a\n", mr_numeric_to_double(dump_int(w[1]), dump_u32(w[2])));
    } else if (strcmp(w[0], "float") == 0) {
        printf("%a\n", (double)mr_numeric_to_float(dump_int(w[1]), dump_u32(w[2])));
    } else {
        uint32_t digits = dump_u32(w[1]), scale = dump_u32(w[2]);
        bool good = strcmp(w[0], "from") == 0
                        ? mr_numeric_from_double(strtod(w[3], NULL), digits, scale, &value)
                        : mr_numeric_from_float(strtof(w[3], NULL), digits, scale, &value);
        dump(good, value, scale);
    }
}

int main(void) {
    char line[512];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *words[8] = {NULL};
        size_t count = 0;
        line[strcspn(line, "\n")] = '\0';
        for (char *at = line; at != NULL && count < 8;) {
            words[count++] = at;
            at = strchr(at, '\t');
            if (at != NULL) {
                *at++ = '\0';
            }
        }
        dump_line(words);
    }
    return 0;
}
