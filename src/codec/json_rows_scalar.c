// JSON rows in plain C, eight bytes at a time: see json_rows.h and json_walk.h.

#include "codec/json_drive.h"

void mr_json_rows_scalar(mr_json *json) {
    drive_rows(json);
}
