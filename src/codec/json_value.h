// JSON values: what json_value.c, json_text.c, json_number.c and json_time.c give to the decoder;
// included by json_decode.h.
// Also: mr_json_

#pragma once

#include "codec/json_decode.h"

// A value of any type but LIST and STRUCT.
typedef union json_storage {
    uint8_t u8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    mr_int128 numeric;
    mr_uuid uuid;
    mr_interval interval;
    mr_str str;
} json_storage;

// A place in a nested value, for reasons: field, then field of a struct or element of a list.
typedef struct json_where {
    const struct json_where *parent;  // NULL: a column.
    const char *name;                 // NULL: an element.
    uint32_t index;
} json_where;

// What a scalar is decoded to.
typedef struct json_spot {
    mr_type type;
    const mr_field *field;  // The column it belongs to.
    const json_where *where;
} json_spot;

// json_value.c: the value of a found field into its column at json->row. False: json->reason says
// why.
bool mr_json_value_put(mr_json *json, int32_t field, const json_value *value);
// A scalar that is not null as a value of any type but LIST and STRUCT; texts are views into the
// buffer or the hold's arena. False: json->reason says why.
bool mr_json_value_scalar(mr_json *json, const json_spot *spot, const json_value *value,
                          json_storage *ret);
// The value at `at` is of a type that the place cannot take.
void mr_json_value_wrong(mr_json *json, const json_where *where, const char *at);
// A string with escapes: its text, until the next call; or as JSON with as few as can be.
mr_span mr_json_value_unescaped(mr_json *json, const json_value *value);
void mr_json_value_requote(mr_json *json, const json_value *value, mr_text *out);
// Marks a field of the present row NULL.
bool mr_json_value_null(mr_json *json, int32_t field, json_kind kind);
// A string that is not in the cells: looks it up, or ends the column's dictionary.
void mr_json_value_text(mr_json *json, json_field *item, mr_str text);
// Why the present record is bad: word, then detail. at NULL: no place.
void mr_json_value_fail(mr_json *json, const char *word, const char *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
// Takes the present record as bad.
void mr_json_value_bad(mr_json *json, int64_t offset, const char *raw, size_t bytes);

// json_text.c: bytes between the quotes of a valid string, escapes resolved; into at least `bytes`
// bytes.
size_t mr_json_text_unescape(const char *data, size_t bytes, char *ret);
// A string with its quotes, escaped as far as JSON demands.
void mr_json_text_quote(const char *data, size_t bytes, mr_text *out);

// json_number.c: the double nearest to a number of valid grammar (ended by another character).
// False when it is too large.
bool mr_json_number_double(const char *at, double *ret);
// What a number is for an integer column.
typedef enum json_whole { JSON_WHOLE, JSON_WHOLE_NOT, JSON_WHOLE_TOO_LARGE } json_whole;
// A number as an integer, exactly: 3, 3.0 and 30e-1 are one. ret: of a whole one that fits.
json_whole mr_json_number_int(const char *at, int64_t *ret);
// A number of unit_us microseconds each, as microseconds; digits past them are cut.
bool mr_json_number_time(const char *at, int64_t unit_us, int64_t *ret);

// json_time.c: reads the date of ten bytes into day. False when it is none.
bool mr_json_time_day(const char *data, json_day *day);
// Text to days of a DATE, to microseconds of a timestamp; zone for times without an offset.
bool mr_json_time_text(mr_type type, const mr_zone *zone, mr_span text, int64_t *ret);
// A number by the column's time format.
bool mr_json_time_epoch(const json_spot *spot, const mr_zone *zone, const char *at, int64_t *ret);
