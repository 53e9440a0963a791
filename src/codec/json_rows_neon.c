// JSON rows with NEON, 16 bytes at a time: see json_rows.h and json_walk.h.

#define MR_JSON_SCAN_NEON

#include "codec/json_drive.h"

void mr_json_rows_neon(mr_json *json) {
    drive_rows(json);
}
