// JSON rows with AVX2, 32 bytes at a time: see json_rows.h and json_walk.h.
// Also: mr_json_rows_

#define MR_JSON_SCAN_AVX2

#include "codec/json_drive.h"

void mr_json_rows_avx2(mr_json *json) {
    drive_rows(json);
}

const char *mr_json_rows_nested_avx2(mr_json *json, int32_t field, const char *at,
                                     const char *end) {
    return nested_put(json, field, at, end);
}
