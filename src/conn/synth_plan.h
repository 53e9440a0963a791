// Synth plan: a checked spec, as its files share it; see synth.h. Nobody else includes it.

#pragma once

#include "base/hash.h"
#include "conn/synth.h"

#define MR_SYNTH_DEPTH_MAX   8
#define MR_SYNTH_COLUMNS_MAX 1024

// X(id, name, doc)
#define MR_SYNTH_TYPES(X)                                                       \
    X(BOOLEAN, "boolean", "true or false")                                      \
    X(SMALLINT, "smallint", "whole numbers of 16 bits")                         \
    X(INTEGER, "integer", "whole numbers of 32 bits")                           \
    X(BIGINT, "bigint", "whole numbers of 64 bits")                             \
    X(FLOAT, "float", "numbers with up to `scale` digits behind the point (6)") \
    X(NUMERIC, "numeric", "numbers with `scale` digits behind the point (2)")   \
    X(TEXT, "text", "text")                                                     \
    X(UUID, "uuid", "identifiers such as 3f2a91c0-5b7e-4d21-a6f0-0c9d8e7f6a5b") \
    X(DATE, "date", "2026-01-31")                                               \
    X(TIME, "time", "23:59:59.999")                                             \
    X(TIMESTAMP, "timestamp", "2026-01-31T23:59:59.999Z")                       \
    X(OBJECT, "object", "columns of its own, given as `columns`")               \
    X(ARRAY, "array", "a list of `length_min` to `length_max` values, each as `of` says")

typedef enum mr_synth_type {
#define SYNTH_ENUM(id, name, doc) SYNTH_##id,
    MR_SYNTH_TYPES(SYNTH_ENUM)
#undef SYNTH_ENUM
        SYNTH_TYPE_COUNT
} mr_synth_type;

#define SYNTH_BIT(id) (1u << SYNTH_##id)
#define SYNTH_WHOLE   (SYNTH_BIT(SMALLINT) | SYNTH_BIT(INTEGER) | SYNTH_BIT(BIGINT))
#define SYNTH_NUMBERS (SYNTH_WHOLE | SYNTH_BIT(FLOAT) | SYNTH_BIT(NUMERIC))
#define SYNTH_TIMES   (SYNTH_BIT(DATE) | SYNTH_BIT(TIME) | SYNTH_BIT(TIMESTAMP))
#define SYNTH_WORDS   (SYNTH_BIT(TEXT) | SYNTH_BIT(UUID))
#define SYNTH_PLAIN   (SYNTH_NUMBERS | SYNTH_TIMES | SYNTH_WORDS | SYNTH_BIT(BOOLEAN))

// X(id, name, types, keys it takes, doc). Blanks around each key, so that one can be looked for.
#define MR_SYNTH_DISTS(X)                                                                        \
    X(CONSTANT, "constant", SYNTH_PLAIN, " value ", "always `value`")                            \
    X(SEQUENCE, "sequence", SYNTH_NUMBERS | SYNTH_TIMES | SYNTH_BIT(UUID),                       \
      " start step rate disorder ",                                                              \
      "`start`, and `step` more with each row; a timestamp up to `disorder` less")               \
    X(UNIFORM, "uniform", SYNTH_PLAIN, " min max values ",                                       \
      "from `min` to `max`, or one of `values`, all as likely")                                  \
    X(NORMAL, "normal", SYNTH_NUMBERS, " mean sd min max ",                                      \
      "around `mean` with standard deviation `sd`, held within `min` and `max`")                 \
    X(EXPONENTIAL, "exponential", SYNTH_NUMBERS, " mean min max ",                               \
      "from 0, with `mean` on average, held within `min` and `max`")                             \
    X(ZIPF, "zipf", SYNTH_PLAIN, " n exponent values ",                                          \
      "1 to `n`, or the items of `values`: the k-th as likely as 1 / k^`exponent`")              \
    X(CHOICE, "choice", SYNTH_PLAIN, " values weights ",                                         \
      "one of `values`, as likely as its weight")                                                \
    X(PATTERN, "pattern", SYNTH_BIT(TEXT), " pattern ",                                          \
      "text with {seq} {seq:08} {hex:8} {digits:4} {letters:6} and {name of an earlier column}") \
    X(REFERENCE, "reference", SYNTH_PLAIN, " column multiply add ",                              \
      "the value of an earlier `column`; numbers times `multiply` plus `add`, times plus `add`") \
    X(WALK, "walk", SYNTH_NUMBERS, " start step min max ",                                       \
      "from `start`, with each row up to `step` up or down, turned back at `min` and `max`")

typedef enum mr_synth_dist {
#define SYNTH_ENUM(id, name, types, keys, doc) SYNTH_DIST_##id,
    MR_SYNTH_DISTS(SYNTH_ENUM)
#undef SYNTH_ENUM
        SYNTH_DIST_COUNT
} mr_synth_dist;

typedef struct mr_synth_dist_row {
    const char *name;
    uint32_t types;
    const char *keys;
    const char *doc;
} mr_synth_dist_row;

extern const mr_synth_dist_row mr_synth_key_dists[SYNTH_DIST_COUNT];
extern const char *const mr_synth_key_types[SYNTH_TYPE_COUNT];

// Picks one of count outcomes by their weights with one random number (Vose's alias method).
typedef struct mr_synth_alias {
    uint32_t *threshold;
    uint32_t *other;
    uint32_t count;
} mr_synth_alias;

typedef struct mr_synth_token {  // An item of `values`.
    mr_span text;
    int64_t ticks;
} mr_synth_token;

typedef enum mr_synth_part_kind {
    SYNTH_PART_TEXT,
    SYNTH_PART_SEQ,
    SYNTH_PART_HEX,
    SYNTH_PART_DIGITS,
    SYNTH_PART_LETTERS,
    SYNTH_PART_COLUMN,
} mr_synth_part_kind;

typedef struct mr_synth_part {
    mr_synth_part_kind kind;
    mr_span text;
    uint32_t width;   // Of SEQ (0 = as needed), HEX, DIGITS, LETTERS.
    uint32_t column;  // Of the same group.
} mr_synth_part;

typedef struct mr_synth_column mr_synth_column;
typedef struct mr_synth_group {  // The columns of the spec, or of an object.
    mr_synth_column *columns;
    uint32_t count;
} mr_synth_group;

struct mr_synth_column {
    const char *name;
    mr_span lead;  // `"name":`
    mr_synth_type type;
    mr_synth_dist dist;
    uint64_t salt;
    uint32_t nulls;  // Share, of 2^32.
    bool quoted;     // In JSON.
    bool safe;       // Its text needs no escapes, in JSON or CSV.
    uint32_t scale;
    int64_t lowest;  // What the type, or `min`, allows.
    int64_t highest;
    bool has_min;
    bool has_max;
    int64_t start;
    int64_t step;
    double rate;  // Rows in a second of a sequence of timestamps; 0 = by step.
    int64_t disorder;
    double mean;  // In ticks.
    double sd;
    mr_synth_token *tokens;
    uint32_t token_count;
    mr_synth_alias alias;
    uint64_t n;  // ZIPF without values.
    double exponent;
    uint32_t head;  // ZIPF: share of the ranks that the alias table has, of 2^32.
    mr_synth_part *parts;
    uint32_t part_count;
    uint32_t reference;
    double multiply;
    int64_t add;
    uint32_t walk;    // Index of the cursor's walk.
    bool event_time;  // Late and future rows are so by this column,
    int64_t late_by;  // by up to so much.
    int64_t future_by;
    mr_synth_group group;
    mr_synth_column *of;
    uint32_t length_min;
    uint32_t length_max;
};

struct mr_synth {
    mr_synth_settings settings;
    bool csv;
    uint64_t seed;
    mr_synth_group group;
    int32_t key;  // Column, or -1.
    uint32_t walks;
    uint32_t duplicates;  // Shares, of 2^32.
    uint32_t late;
    uint32_t future;
    uint32_t bad;
    uint32_t bad_kinds[3];  // mr_synth_bad, bad_kind_count of them.
    uint32_t bad_kind_count;
};

typedef enum mr_synth_bad {
    SYNTH_BAD_NONE,
    SYNTH_BAD_MALFORMED,
    SYNTH_BAD_WRONG_TYPE,
    SYNTH_BAD_MISSING,
} mr_synth_bad;

// A stream of random numbers that belongs to one value of one row.
typedef struct mr_synth_dice {
    uint64_t state;
} mr_synth_dice;

static inline uint64_t mr_synth_roll(mr_synth_dice *d) {
    d->state += 0x9E3779B97F4A7C15u;
    return mr_hash_u64(d->state, 0);
}
static inline uint64_t mr_synth_below(mr_synth_dice *d, uint64_t limit) {
    return (uint64_t)(((unsigned __int128)mr_synth_roll(d) * limit) >> 64);
}
static inline bool mr_synth_share(mr_synth_dice *d, uint32_t share) {
    return share > 0 && (mr_synth_roll(d) >> 32) < share;
}

typedef struct mr_synth_row_of {
    uint64_t index;
    uint64_t seed;
    uint64_t state;  // Of its columns' dice.
    bool late;
    bool future;
} mr_synth_row_of;

typedef struct mr_synth_walk {
    uint64_t index;
    uint64_t sum;  // Of the steps up to index, in 2^-31 steps; two's complement.
} mr_synth_walk;

typedef struct mr_synth_cell {  // A column's value in the row at hand.
    bool null;
    int64_t ticks;
    const char *data;  // NULL: at `offset` of the level's scratch.
    size_t offset;
    size_t bytes;
} mr_synth_cell;

typedef struct mr_synth_level {
    mr_text scratch;
    mr_synth_cell *cells;
} mr_synth_level;

struct mr_synth_cursor {
    const mr_synth *synth;
    mr_arena arena;
    mr_synth_walk *walks;
    mr_synth_level levels[MR_SYNTH_DEPTH_MAX + 1];
};

// synth_draw.c: weights of any size, at least one above 0; memory: arena.
void mr_synth_draw_alias(const double *weights, uint32_t count, mr_synth_alias *ret,
                         mr_arena *arena);
void mr_synth_draw_zipf(mr_synth_column *column, mr_arena *arena);
// The ticks of a value, or in *ret_token the item of `values`; not for patterns and references.
int64_t mr_synth_draw(const mr_synth_column *column, const mr_synth_row_of *row,
                      mr_synth_walk *walks, mr_synth_dice *dice, uint32_t *ret_token);

// synth_cell.c: makes all values of a group, and writes a value as JSON or CSV has it.
void mr_synth_cell_group(mr_synth_cursor *cursor, const mr_synth_group *group, uint32_t depth,
                         const mr_synth_row_of *row);
void mr_synth_cell_print(const mr_synth_column *column, int64_t ticks, mr_text *out);
mr_span mr_synth_cell_text(const mr_synth_cursor *cursor, uint32_t depth, uint32_t column);
void mr_synth_cell_json(const mr_synth_column *column, bool null, mr_span text, mr_text *out);
