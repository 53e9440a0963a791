// JSON drive: the loop over lines or framed records; included by json_rows_*.c only.

#pragma once

#include "codec/json_flat.h"

#define DRIVE_TRUST_MAX  64    // Each guided record raises trust by one.
#define DRIVE_TRUST_COST 2     // Each other one lowers it by this.
#define DRIVE_PAUSE      1024  // Records that are not guided once trust is lost.

// Learns the walked record's shape, and when guessing has not paid, stops it for a while.
static void drive_learn(mr_json *json) {
    json->trust -= DRIVE_TRUST_COST;
    if (json->trust <= -DRIVE_TRUST_MAX) {
        // Too many kinds of records; the tree may also be full of old ones.
        mr_json_learn_clear(json);
        json->trust = 0;
        json->pause = DRIVE_PAUSE;
    } else if (json->learnable) {
        mr_json_learn(json);
    }
}

// The present record, by the flat way while shapes are of no use, else or when that fails by the
// general way. True when it became the present row.
static bool drive_general(mr_json *json) {
    if (json->pause > 0) {
        json->pause--;
        if (flat_record(json, json->start, json->end) == json->end) {
            return true;
        }
    }
    json->stamp++;
    json->leaf_count = 0;
    json->learnable = true;
    if (!walk_record(json) || !walk_values(json)) {
        return false;
    }
    if (json->pause == 0) {
        drive_learn(json);
    }
    return true;
}

static inline void drive_accept(mr_json *json, int64_t offset, size_t start, size_t bytes) {
    json->offsets[json->row] = offset;
    json->starts[json->row] = (uint32_t)start;
    json->lengths[json->row] = (uint32_t)bytes;
    json->row++;
    json->ret->record_count++;
}

static inline bool drive_guide(const mr_json *json) {
    return json->nodes[0].child != 0 && json->pause == 0;
}

static inline void drive_trust(mr_json *json) {
    json->trust += json->trust < DRIVE_TRUST_MAX;
}

// One line that was not guided: at .. end, end is its '\n'.
static void drive_line(mr_json *json, const char *at, const char *end) {
    size_t start = (size_t)(at - json->in.data) + json->in.shift;
    end -= end > at && end[-1] == '\r';
    size_t bytes = (size_t)(end - at);
    int64_t offset = json->in.offset_first + (int64_t)start;
    if (walk_space(at, end) == end) {
        return;  // Blank.
    }
    json->start = at;
    json->end = end;
    if (drive_general(json)) {
        drive_accept(json, offset, start, bytes);
    } else {
        mr_json_value_bad(json, offset, json->ret_base + start, bytes);
    }
}

static void drive_lines(mr_json *json) {
    json_input *in = &json->in;
    while (in->at < in->stop && json->row < json->capacity) {
        const char *at = in->at;
        const char *end = drive_guide(json) ? rows_guided(json, at) : NULL;
        if (MR_LIKELY(end != NULL)) {
            size_t bytes = (size_t)(end - at);
            end += *end == '\r';
            if (MR_LIKELY(*end == '\n')) {
                size_t start = (size_t)(at - in->data) + in->shift;
                drive_accept(json, in->offset_first + (int64_t)start, start, bytes);
                drive_trust(json);
                in->at = end + 1;
                continue;
            }
        }
        end = memchr(at, '\n', (size_t)(in->stop - at));
        mr_assert(end != NULL);
        drive_line(json, at, end);
        in->at = end + 1;
    }
}

static void drive_framed(mr_json *json) {
    const mr_records *records = json->in.framed;
    for (; json->in.next < records->count && json->row < json->capacity; json->in.next++) {
        uint32_t i = json->in.next;
        size_t bytes = records->lengths[i];
        const char *raw = records->base + records->starts[i];
        const char *end = raw + bytes;
        *(char *)(uintptr_t)end = '\n';
        const char *at = raw;
        if (bytes >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) {
            at += 3;
        }
        const char *guided = drive_guide(json) ? rows_guided(json, at) : NULL;
        if (guided == end) {
            drive_accept(json, records->offsets[i], records->starts[i], bytes);
            drive_trust(json);
            continue;
        }
        const char *text = walk_space(at, end);
        if (text == end) {
            continue;  // A tombstone, or blank.
        }
        json->start = at;
        json->end = end;
        if (drive_general(json)) {
            drive_accept(json, records->offsets[i], records->starts[i], bytes);
        } else {
            mr_json_value_bad(json, records->offsets[i], raw, bytes);
        }
    }
}

static void drive_rows(mr_json *json) {
    if (json->in.framed != NULL) {
        drive_framed(json);
    } else {
        drive_lines(json);
    }
}
