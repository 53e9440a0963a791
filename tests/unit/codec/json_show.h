// Decodes JSON in every way there is and shows what came out, for the tests of codec/json.
//
// spec: "name:type[!][@path][%format] …", "!" = required, format s, ms or us.
// Shown: a line for each record in order, values joined by commas (text quoted as JSON, NULL as
// "-"), or "!" and the reason. The input is read as lines and framed, with each form of SIMD there
// is, by a new decoder and by one that has seen it before; when two ways differ, both are shown.

#pragma once

#include "codec/json.h"

// Memory: until the next call. framed_too false: for what only lines know (BOM, last line, …).
const char *json_show(const char *spec, mr_span input, bool framed_too);
const char *json_show_text(const char *spec, const char *input);
// One way only: simd, framed.
const char *json_show_one(const char *spec, mr_span input, mr_json_simd simd, bool framed,
                          mr_text *out);
// The fields of a spec, in arena.
mr_fields json_show_fields(const char *spec, mr_arena *arena);
// What was decoded, as shown.
void json_show_decoded(const mr_decoded *in, const mr_fields *fields, mr_text *out);
// A hold with a copy of the input.
mr_hold *json_show_hold(mr_span input);
// Lines, without their '\r', as framed records (blank lines too), in arena.
mr_records json_show_frames(const mr_hold *hold, size_t bytes, mr_arena *arena);
