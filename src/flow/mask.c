// Mask: see mask.h.

#include "flow/mask.h"

#include <stdlib.h>
#include <string.h>

static int longer_first(const void *a, const void *b) {
    size_t left = ((const mr_span *)a)->bytes, right = ((const mr_span *)b)->bytes;
    return left > right ? -1 : left < right;
}

void mr_mask_init(mr_mask *mask, const char *const *values, mr_arena *arena) {
    *mask = (mr_mask){.longest = 0};
    uint32_t count = 0;
    while (values != NULL && values[count] != NULL) {
        count++;
    }
    mask->values = MR_NEW_ARRAY(arena, mr_span, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        mr_span value = mr_span_of(mr_arena_string(arena, values[i]));
        if (value.bytes > 0) {
            mask->values[mask->count++] = value;
            mask->first[(uint8_t)value.data[0]] = true;
            mask->longest = MR_MAX(mask->longest, value.bytes);
        }
    }
    if (mask->count > 1) {
        qsort(mask->values, mask->count, sizeof(mr_span), longer_first);
    }
    mr_text_init(&mask->held, /* arena= */ NULL);
}

// What stands at the beginning of rest: *ret_bytes of a value; or, false, maybe one that goes on
// behind the end.
static bool value_at(const mr_mask *mask, mr_span rest, bool more, size_t *ret_bytes) {
    *ret_bytes = 0;
    for (uint32_t i = 0; i < mask->count; i++) {
        const mr_span *value = &mask->values[i];
        if (memcmp(value->data, rest.data, MR_MIN(value->bytes, rest.bytes)) != 0) {
            continue;
        }
        if (value->bytes <= rest.bytes) {
            *ret_bytes = value->bytes;
            return true;
        }
        if (more) {
            return false;
        }
    }
    return true;
}

static void pass(mr_mask *mask, mr_span piece, bool more, mr_text *out) {
    mr_text_add_bytes(&mask->held, piece.data, piece.bytes);
    mr_span all = mr_text_span(&mask->held);
    size_t at = 0, plain = 0;  // all[plain..at] is to be passed on as it is.
    while (at < all.bytes) {
        size_t bytes = 0;
        mr_span rest = {all.data + at, all.bytes - at};
        if (mask->first[(uint8_t)all.data[at]] && !value_at(mask, rest, more, &bytes)) {
            break;
        }
        if (bytes > 0) {
            mr_text_add_bytes(out, all.data + plain, at - plain);
            mr_text_add(out, "***");
            plain = at + bytes;
        }
        at += MR_MAX(bytes, (size_t)1);
    }
    mr_text_add_bytes(out, all.data + plain, at - plain);
    size_t left = all.bytes - at;
    if (left > 0) {
        memmove(mask->held.data, mask->held.data + at, left);
    }
    mask->held.bytes = left;
}

void mr_mask_put(mr_mask *mask, mr_span piece, mr_text *out) {
    pass(mask, piece, /* more= */ true, out);
}

void mr_mask_end(mr_mask *mask, mr_text *out) {
    pass(mask, (mr_span){NULL, 0}, /* more= */ false, out);
}

void mr_mask_release(mr_mask *mask) {
    mr_text_release(&mask->held);
}

const char *mr_mask_text(const char *const *values, const char *text, mr_arena *arena) {
    mr_mask mask;
    mr_text out;
    mr_text_init(&out, arena);
    mr_mask_init(&mask, values, arena);
    mr_mask_put(&mask, mr_span_of(text), &out);
    mr_mask_end(&mask, &out);
    mr_mask_release(&mask);
    return mr_text_string(&out);
}
