// JSON rows in plain C, eight bytes at a time: see json_rows.h and json_walk.h.
// Also: mr_json_rows_

#include "codec/json_drive.h"

void mr_json_rows_scalar(mr_json *json) {
    drive_rows(json);
}

const char *mr_json_rows_nested_scalar(mr_json *json, int32_t field, const char *at,
                                       const char *end) {
    return nested_put(json, field, at, end);
}
