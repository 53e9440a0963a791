// Synth, cells: the values of one row, as text; see synth_plan.h.
//
// A value is printed once into its level's scratch (a fixed item of `values` was printed when the
// spec was read), so that a key, a reference or a pattern can use it, and is then copied into the
// record. Objects and arrays are a level of their own, whose JSON is the value of the level above.

#include <math.h>
#include <string.h>

#include "base/civil.h"
#include "conn/synth_plan.h"

static const char digit_pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546"
    "4748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293"
    "949596979899";

// The last digits of a number, right up to `end`; at least `width` of them. Returns the first.
static char *digits_before(char *end, uint64_t value, uint32_t width) {
    char *at = end;
    while (value >= 100) {
        at -= 2;
        memcpy(at, digit_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, digit_pairs + value * 2, 2);
    } else if (value > 0 || at == end) {
        *--at = (char)('0' + value);
    }
    while ((size_t)(end - at) < width) {
        *--at = '0';
    }
    return at;
}

static void add_number(mr_text *out, int64_t ticks, uint32_t scale, bool trim) {
    char buffer[48];
    char *end = buffer + sizeof buffer;
    uint64_t size = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
    for (; trim && scale > 0 && size % 10 == 0; scale--) {
        size /= 10;
    }
    char *at = digits_before(end, size, scale == 0 ? 0 : scale + 1);
    if (ticks < 0) {
        *--at = '-';
    }
    if (scale == 0) {
        mr_text_add_bytes(out, at, (size_t)(end - at));
        return;
    }
    size_t whole = (size_t)(end - at) - scale;
    char *to = mr_text_grow(out, whole + 1 + scale);
    memcpy(to, at, whole);
    to[whole] = '.';
    memcpy(to + whole + 1, at + whole, scale);
}

static void put2(char *to, int32_t value) {
    memcpy(to, digit_pairs + value * 2, 2);
}

static void put_date(char *to, const mr_civil *civil) {
    put2(to, (int32_t)(civil->year / 100));
    put2(to + 2, (int32_t)(civil->year % 100));
    to[4] = to[7] = '-';
    put2(to + 5, civil->month);
    put2(to + 8, civil->day);
}

// "23:59:59", and behind it milli- or microseconds when there are any, or `always`.
static size_t put_clock(char *to, const mr_civil *civil, bool always) {
    put2(to, civil->hour);
    put2(to + 3, civil->minute);
    put2(to + 6, civil->second);
    to[2] = to[5] = ':';
    if (civil->us == 0 && !always) {
        return 8;
    }
    bool whole = civil->us % 1000 == 0;
    to[8] = '.';
    uint32_t width = whole ? 3 : 6;
    (void)digits_before(to + 9 + width, (uint64_t)(whole ? civil->us / 1000 : civil->us), width);
    return 9 + width;
}

static void add_time(mr_text *out, mr_synth_type type, int64_t ticks) {
    char buffer[40];
    mr_civil civil;
    size_t bytes = 0;
    mr_civil_from_us(type == SYNTH_DATE ? ticks * MR_DAY_US : ticks, &civil);
    if (type != SYNTH_TIME) {
        put_date(buffer, &civil);
        bytes = 10;
    }
    if (type == SYNTH_TIMESTAMP) {
        buffer[bytes++] = 'T';
    }
    if (type != SYNTH_DATE) {
        bytes += put_clock(buffer + bytes, &civil, type == SYNTH_TIMESTAMP);
    }
    if (type == SYNTH_TIMESTAMP) {
        buffer[bytes++] = 'Z';
    }
    mr_text_add_bytes(out, buffer, bytes);
}

static void add_hex(mr_text *out, uint64_t value, uint32_t count) {
    char *to = mr_text_grow(out, count);
    for (uint32_t i = 0; i < count; i++) {
        to[i] = "0123456789abcdef"[value >> (4 * (count - 1 - i)) & 15];
    }
}

static void add_uuid(mr_text *out, uint64_t high, uint64_t low) {
    char hex[33];
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        hex[i] = digits[high >> (60 - 4 * i) & 15];
        hex[16 + i] = digits[low >> (60 - 4 * i) & 15];
    }
    char *to = mr_text_grow(out, 36);
    memcpy(to, hex, 8);
    memcpy(to + 9, hex + 8, 4);
    memcpy(to + 14, hex + 12, 4);
    memcpy(to + 19, hex + 16, 4);
    memcpy(to + 24, hex + 20, 12);
    to[8] = to[13] = to[18] = to[23] = '-';
}

void mr_synth_cell_print(const mr_synth_column *column, int64_t ticks, mr_text *out) {
    switch (column->type) {
    case SYNTH_BOOLEAN: mr_text_add(out, ticks != 0 ? "true" : "false"); break;
    case SYNTH_SMALLINT:
    case SYNTH_INTEGER:
    case SYNTH_BIGINT: add_number(out, ticks, 0, false); break;
    case SYNTH_FLOAT: add_number(out, ticks, column->scale, true); break;
    case SYNTH_NUMERIC: add_number(out, ticks, column->scale, false); break;
    case SYNTH_DATE:
    case SYNTH_TIME:
    case SYNTH_TIMESTAMP: add_time(out, column->type, ticks); break;
    case SYNTH_UUID: add_uuid(out, 0x8000, (uint64_t)1 << 63 | (uint64_t)ticks); break;
    case SYNTH_TEXT:
    case SYNTH_OBJECT:
    case SYNTH_ARRAY:
    case SYNTH_TYPE_COUNT: mr_assert(false);
    }
}

mr_span mr_synth_cell_text(const mr_synth_cursor *cursor, uint32_t depth, uint32_t column) {
    const mr_synth_level *level = &cursor->levels[depth];
    const mr_synth_cell *cell = &level->cells[column];
    return (mr_span){cell->data != NULL ? cell->data : level->scratch.data + cell->offset,
                     cell->bytes};
}

void mr_synth_cell_json(const mr_synth_column *column, bool null, mr_span text, mr_text *out) {
    if (null) {
        mr_text_add_bytes(out, "null", 4);
    } else if (!column->quoted) {
        mr_text_add_bytes(out, text.data, text.bytes);
    } else if (column->safe) {
        char *to = mr_text_grow(out, text.bytes + 2);
        to[0] = '"';
        memcpy(to + 1, text.data, text.bytes);
        to[text.bytes + 1] = '"';
    } else {
        mr_text_add_json(out, text);
    }
}

static void add_random(mr_text *out, const mr_synth_part *part, mr_synth_dice *dice) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    if (part->kind == SYNTH_PART_HEX) {
        for (uint32_t left = part->width; left > 0; left -= MR_MIN(left, 16u)) {
            add_hex(out, mr_synth_roll(dice), MR_MIN(left, 16u));
        }
        return;
    }
    char *to = mr_text_grow(out, part->width);
    uint64_t roll = 0;
    uint32_t base = part->kind == SYNTH_PART_DIGITS ? 10 : 26;
    for (uint32_t i = 0; i < part->width; i++) {
        roll = i % 8 == 0 ? mr_synth_roll(dice) >> 8 : roll;  // 56 bits: eight from 26 are fair.
        uint64_t scaled = (roll & 0xFFFFFFFFFFFFFFu) * base;
        to[i] = (base == 10 ? "0123456789" : letters)[scaled >> 56];
        roll = scaled;
    }
}

static void pattern(mr_synth_cursor *cursor, const mr_synth_column *column, uint32_t depth,
                    uint64_t index, mr_synth_dice *dice) {
    mr_text *out = &cursor->levels[depth].scratch;
    for (uint32_t p = 0; p < column->part_count; p++) {
        const mr_synth_part *part = &column->parts[p];
        char buffer[80];
        switch (part->kind) {
        case SYNTH_PART_TEXT: mr_text_add_bytes(out, part->text.data, part->text.bytes); break;
        case SYNTH_PART_SEQ: {
            char *end = buffer + sizeof buffer;
            char *at = digits_before(end, index, part->width);
            mr_text_add_bytes(out, at, (size_t)(end - at));
            break;
        }
        case SYNTH_PART_HEX:
        case SYNTH_PART_DIGITS:
        case SYNTH_PART_LETTERS: add_random(out, part, dice); break;
        case SYNTH_PART_COLUMN: {
            bool null = cursor->levels[depth].cells[part->column].null;
            mr_span text = mr_synth_cell_text(cursor, depth, part->column);
            char *to = null ? NULL : mr_text_grow(out, text.bytes);
            if (to != NULL) {  // The scratch may have moved.
                text = mr_synth_cell_text(cursor, depth, part->column);
                memcpy(to, text.data, text.bytes);
            }
            break;
        }
        }
    }
}

static void make(mr_synth_cursor *cursor, const mr_synth_column *column, uint32_t depth,
                 const mr_synth_row_of *row, mr_synth_cell *ret);

// An object's or array's JSON, made a level deeper, into this level's scratch.
static void nest(mr_synth_cursor *cursor, const mr_synth_column *column, uint32_t depth,
                 const mr_synth_row_of *row, mr_synth_dice *dice) {
    mr_text *out = &cursor->levels[depth].scratch;
    if (column->type == SYNTH_OBJECT) {
        mr_synth_cell_group(cursor, &column->group, depth + 1, row);
        for (uint32_t c = 0; c < column->group.count; c++) {
            const mr_synth_column *inner = &column->group.columns[c];
            mr_text_add_char(out, c == 0 ? '{' : ',');
            mr_text_add_bytes(out, inner->lead.data, inner->lead.bytes);
            mr_synth_cell_json(inner, cursor->levels[depth + 1].cells[c].null,
                               mr_synth_cell_text(cursor, depth + 1, c), out);
        }
        mr_text_add_char(out, '}');
        return;
    }
    uint64_t count = column->length_min +
                     mr_synth_below(dice, (uint64_t)column->length_max - column->length_min + 1);
    mr_text_add_char(out, '[');
    for (uint64_t i = 0; i < count; i++) {
        mr_synth_row_of own = *row;
        own.state = mr_hash_u64(i, row->state ^ column->salt);
        mr_synth_level *inner = &cursor->levels[depth + 1];
        mr_text_clear(&inner->scratch);
        make(cursor, column->of, depth + 1, &own, &inner->cells[0]);
        mr_text_add(out, i == 0 ? "" : ",");
        mr_synth_cell_json(column->of, inner->cells[0].null,
                           mr_synth_cell_text(cursor, depth + 1, 0), out);
    }
    mr_text_add_char(out, ']');
}

// The value of an earlier column, or what arithmetic makes of it.
static void refer(mr_synth_cursor *cursor, const mr_synth_column *column, uint32_t depth,
                  mr_synth_cell *ret) {
    const mr_synth_cell *from = &cursor->levels[depth].cells[column->reference];
    ret->null |= from->null;
    ret->ticks = from->ticks;
    if (ret->null || (column->multiply == 1 && column->add == 0)) {
        ret->data = from->data;
        ret->offset = from->offset;
        ret->bytes = from->bytes;
        return;
    }
    double value = (double)from->ticks * column->multiply + (double)column->add;
    bool exact = column->multiply == 1 && mr_add_fits(from->ticks, column->add, &ret->ticks);
    if (!exact) {
        ret->ticks = value >= 9.2e18 ? INT64_MAX : value <= -9.2e18 ? INT64_MIN : llrint(value);
    }
    ret->ticks = MR_MAX(MR_MIN(ret->ticks, column->highest), column->lowest);
    mr_text *out = &cursor->levels[depth].scratch;
    ret->offset = out->bytes;
    mr_synth_cell_print(column, ret->ticks, out);
    ret->bytes = out->bytes - ret->offset;
}

static void make(mr_synth_cursor *cursor, const mr_synth_column *column, uint32_t depth,
                 const mr_synth_row_of *row, mr_synth_cell *ret) {
    mr_text *out = &cursor->levels[depth].scratch;
    mr_synth_dice dice = {row->state ^ column->salt};
    mr_synth_cell cell = {.null = mr_synth_share(&dice, column->nulls), .offset = out->bytes};
    uint32_t token = UINT32_MAX;
    if (cell.null) {
        *ret = cell;
        return;
    }
    if (column->type == SYNTH_OBJECT || column->type == SYNTH_ARRAY) {
        nest(cursor, column, depth, row, &dice);
    } else if (column->dist == SYNTH_DIST_PATTERN) {
        pattern(cursor, column, depth, row->index, &dice);
    } else if (column->dist == SYNTH_DIST_REFERENCE) {
        refer(cursor, column, depth, &cell);
        *ret = cell;
        return;
    } else if (column->type == SYNTH_UUID && column->dist == SYNTH_DIST_UNIFORM &&
               column->token_count == 0) {
        uint64_t high = mr_synth_roll(&dice);
        uint64_t low = mr_synth_roll(&dice);
        add_uuid(out, (high & ~(uint64_t)0xF000) | 0x4000, low >> 2 | (uint64_t)1 << 63);
    } else {
        cell.ticks = mr_synth_draw(column, row, cursor->walks, &dice, &token);
        if (token == UINT32_MAX) {
            mr_synth_cell_print(column, cell.ticks, out);
        } else {
            cell.data = column->tokens[token].text.data;
            cell.bytes = column->tokens[token].text.bytes;
            *ret = cell;
            return;
        }
    }
    cell.bytes = out->bytes - cell.offset;
    *ret = cell;
}

void mr_synth_cell_group(mr_synth_cursor *cursor, const mr_synth_group *group, uint32_t depth,
                         const mr_synth_row_of *row) {
    mr_synth_level *level = &cursor->levels[depth];
    mr_text_clear(&level->scratch);
    for (uint32_t c = 0; c < group->count; c++) {
        make(cursor, &group->columns[c], depth, row, &level->cells[c]);
    }
}
