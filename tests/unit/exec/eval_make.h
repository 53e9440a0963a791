// Eval's tests: six rows of each type, expressions written as SQL, results as text.

#pragma once

#include "exec/eval.h"

typedef enum make_kind { MAKE_FLAT, MAKE_DICT, MAKE_CONST } make_kind;

typedef struct make {
    mr_arena arena;
    mr_cx cx;
    mr_schema schema;
    mr_vector columns[8];
    mr_batch batch;
    mr_eval_env env;
    mr_dict *dict;
} make;

// n integer   1 -2 NULL 0 2147483647 7        x double   1.5 -0.5 NULL 0 nan 1e300
// k bigint    10 -20 NULL 0 9223372036854775807 70
// s text      'abc' ' Éa ' NULL '' '12' 'abc' u text     'x' 'b' 'c' NULL 'abc' 'abc'
// b boolean   t f NULL t f t                  t timestamptz, d date: days 0 1 NULL 365 20000 -1
make *make_new(make_kind kind);
void make_free(make *m);
// NULL when it does not bind or compile: m->cx.error says why.
mr_eval *make_eval(make *m, const char *expression);
// "1|NULL|!reason of a failed row|…" for the selected rows. sel NULL = all.
const char *make_run(make *m, mr_eval *eval, const uint32_t *sel, uint32_t sel_count);
// The same for an expression that is compiled and closed again.
const char *make_text(make *m, const char *expression);

// What expressions give in the first row: the edges of functions over constants.
typedef struct make_answer {
    const char *expression;
    const char *value;
} make_answer;
void make_expect(const make_answer *answers, size_t count);
