// See json_show.h.

#include "unit/codec/json_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json_decode.h"
#include "type_text.h"

mr_fields json_show_fields(const char *spec, mr_arena *arena) {
    mr_fields fields = {.event_time = -1};
    fields.items = MR_NEW_ARRAY(arena, mr_field, 64);
    char *text = mr_arena_string(arena, spec);
    char *rest = NULL;
    for (char *one = strtok_r(text, " ", &rest); one != NULL; one = strtok_r(NULL, " ", &rest)) {
        mr_field *field = &fields.items[fields.count++];
        char *type = strchr(one, ':');
        *type++ = '\0';
        field->name = one;
        const char *behind = type;
        field->type = type_text_take(&behind, arena);
        char *more = type + (behind - type);
        if (*more == '!') {
            field->required = true;
            more++;
        }
        char *format = strchr(more, '%');
        if (format != NULL) {
            field->time_format = strcmp(format, "%s") == 0    ? MR_TIME_EPOCH_S
                                 : strcmp(format, "%ms") == 0 ? MR_TIME_EPOCH_MS
                                                              : MR_TIME_EPOCH_US;
            *format = '\0';
        }
        field->path = *more == '@' ? more + 1 : NULL;
    }
    return fields;
}

static void show_value(const mr_vector *v, uint32_t row, mr_text *out) {
    if (v->data == NULL) {
        mr_text_add(out, "unfilled");
        return;
    }
    if (mr_vector_is_null(v, row)) {
        mr_text_add(out, "-");
        return;
    }
    switch ((int)v->type.id) {
    case MR_BOOL: mr_text_add(out, v->bools[row] ? "true" : "false"); break;
    case MR_INT32:
    case MR_DATE: mr_text_addf(out, "%" PRId32, v->int32s[row]); break;
    case MR_FLOAT64: mr_text_addf(out, "%.17g", v->float64s[row]); break;
    case MR_TEXT: {
        mr_str s = mr_vector_str(v, row);
        mr_json_text_quote(s.data, s.bytes, out);
        break;
    }
    case MR_INT64:
    case MR_TIMESTAMP:
    case MR_TIMESTAMPTZ: mr_text_addf(out, "%" PRId64, v->int64s[row]); break;
    default: mr_vector_print(v, row, /* zone= */ NULL, out); break;
    }
}

void json_show_decoded(const mr_decoded *in, const mr_fields *fields, mr_text *out) {
    uint32_t batch = 0, row = 0, bad = 0;
    for (uint32_t record = 0; record < in->record_count; record++) {
        if (bad < in->bad_count && in->bad[bad].record == record) {
            mr_text_addf(out, "!%s\n", in->bad[bad++].reason);
            continue;
        }
        if (batch == in->batch_count) {
            mr_text_add(out, "a record is in no batch\n");
            return;
        }
        const mr_batch *b = &in->batches[batch];
        for (uint32_t c = 0; c < fields->count; c++) {
            mr_text_add(out, c == 0 ? "" : ",");
            show_value(&b->columns[c], row, out);
        }
        mr_text_add(out, "\n");
        if (++row == b->rows) {
            row = 0;
            batch++;
        }
    }
}

mr_hold *json_show_hold(mr_span input) {
    mr_hold *hold = mr_hold_new(input.bytes);
    if (input.bytes > 0) {
        memcpy(hold->buffer, input.data, input.bytes);
    }
    return hold;
}

mr_records json_show_frames(const mr_hold *hold, size_t bytes, mr_arena *arena) {
    const char *data = hold->buffer;
    uint32_t *starts = MR_NEW_ARRAY(arena, uint32_t, bytes + 1);
    uint32_t *lengths = MR_NEW_ARRAY(arena, uint32_t, bytes + 1);
    int64_t *offsets = MR_NEW_ARRAY(arena, int64_t, bytes + 1);
    uint32_t count = 0;
    for (size_t at = 0; at < bytes;) {
        const char *end = memchr(data + at, '\n', bytes - at);
        size_t stop = end == NULL ? bytes : (size_t)(end - data);
        starts[count] = (uint32_t)at;
        lengths[count] = (uint32_t)(stop - at) - (stop > at && data[stop - 1] == '\r');
        offsets[count++] = (int64_t)at;
        at = stop + 1;
    }
    return (mr_records){.base = data,
                        .bytes = bytes,
                        .starts = starts,
                        .lengths = lengths,
                        .offsets = offsets,
                        .count = count};
}

static const char *show_twice(const char *spec, mr_span input, mr_json_simd simd, bool framed,
                              mr_text *out) {
    mr_arena arena = {0};
    mr_cx cx;
    mr_cx_init(&cx, &arena, NULL);
    mr_fields fields = json_show_fields(spec, &arena);
    mr_json *json = NULL;
    if (mr_json_open(&fields, simd, &json, &cx) != MR_OK) {
        mr_text_addf(out, "not opened: %s\n", cx.error.text);
        mr_arena_release(&arena);
        return mr_text_string(out);
    }
    mr_text first;
    mr_text_init(&first, &arena);
    for (int turn = 0; turn < 3; turn++) {
        // By the general way, then guided by what was learned, then by the flat way.
        json->pause = turn == 2 ? UINT32_MAX : 0;
        mr_hold *hold = json_show_hold(input);
        mr_records records = framed ? json_show_frames(hold, input.bytes, &arena)
                                    : (mr_records){.base = hold->buffer, .bytes = input.bytes};
        mr_decoded decoded = {0};
        if (mr_json_decode(json, &records, hold, &decoded, &cx) != MR_OK) {
            mr_text_addf(out, "failed: %s\n", cx.error.text);
        }
        mr_text_clear(out);
        json_show_decoded(&decoded, &fields, out);
        mr_hold_unref(hold);
        if (turn == 0) {
            mr_text_add(&first, mr_text_string(out));
        } else if (strcmp(mr_text_string(&first), mr_text_string(out)) != 0) {
            mr_text_addf(out, "differs from the first time:\n%s", mr_text_string(&first));
            break;
        }
    }
    mr_json_close(json);
    mr_arena_release(&arena);
    return mr_text_string(out);
}

const char *json_show_one(const char *spec, mr_span input, mr_json_simd simd, bool framed,
                          mr_text *out) {
    return show_twice(spec, input, simd, framed, out);
}

const char *json_show(const char *spec, mr_span input, bool framed_too) {
    static mr_text texts[4];
    static char shown[1 << 16];
    static const struct {
        mr_json_simd simd;
        bool framed;
    } ways[] = {{MR_JSON_SCALAR, false},
                {MR_JSON_BEST, false},
                {MR_JSON_SCALAR, true},
                {MR_JSON_BEST, true}};
    shown[0] = '\0';
    for (size_t i = 0; i < (framed_too ? 4 : 2); i++) {
        const char *text = show_twice(spec, input, ways[i].simd, ways[i].framed, &texts[i]);
        if (i == 0) {
            snprintf(shown, sizeof(shown), "%s", text);
        } else if (strcmp(mr_text_string(&texts[0]), text) != 0) {
            size_t used = strlen(shown);
            snprintf(shown + used, sizeof(shown) - used, "%s, %s differs:\n%s",
                     ways[i].framed ? "framed" : "lines",
                     ways[i].simd == MR_JSON_BEST ? "best" : "plain C", text);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        mr_text_release(&texts[i]);
    }
    return shown;
}

const char *json_show_text(const char *spec, const char *input) {
    return json_show(spec, mr_span_of(input), /* framed_too= */ true);
}
