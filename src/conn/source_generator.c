// Source "generator": made-up events as JSON, through the same decoder as real ones.
//
// A partition's event i is event i * partitions + partition of all; its position is i. Claims are
// ranges and cost nothing; events are made by the readers. Threads: claims under the driver's
// mutex; readers share only constants.

#include <inttypes.h>
#include <string.h>

#include "conn/conn.h"
#include "conn/generate.h"
#include "conn/intake.h"
#include "conn/synth.h"
#include "plat/plat.h"

#define GENERATOR_EVENT_BYTES    ((uint64_t)224)  // About what an event has.
#define GENERATOR_PARTITIONS_MAX 1024
#define GENERATOR_WAIT_US        10000

typedef struct source_generator {
    mr_source base;
    mr_generate_settings settings;  // Options.
    mr_generate generate;
    mr_synth *synth;      // NULL without a spec.
    const char *topic;    // The kind, or the spec's file.
    int64_t *paced_from;  // Position at which pacing began, by partition.
    int64_t begun_us;     // Monotonic.
    uint32_t turn;
    int64_t chunk_rows;
} source_generator;

typedef struct generator_reader {
    source_generator *source;
    mr_intake intake;
    mr_text text;
    uint32_t *starts;  // Of the events in text: chunk_rows of them.
    mr_synth_cursor *cursor;
} generator_reader;

// With a spec, what the rows are stands there; the options say how they are made.
static mr_code spec_open(source_generator *s, const mr_option_values *options, mr_cx *cx) {
    static const char *const allowed[] = {"spec", "rate", "count", "seed", "partitions"};
    mr_generate_settings *settings = &s->settings;
    for (size_t i = 0; i < options->count; i++) {
        bool found = false;
        for (size_t a = 0; a < MR_COUNT(allowed); a++) {
            found |=
                mr_span_equal_nocase(mr_span_of(options->items[i].name), mr_span_of(allowed[a]));
        }
        if (!found) {
            return mr_fail_at(
                cx, MR_E_OPTION, options->items[i].place, "Write it into the spec's file.",
                "option \"%s\" is for a generator without a spec", options->items[i].name);
        }
    }
    mr_arena *before = cx->arena;
    cx->arena = &s->base.arena;
    mr_code code = mr_synth_load(settings->spec, mr_clock_real_us(cx->plat), &s->synth, cx);
    cx->arena = before;
    MR_TRY(code);
    const mr_synth_settings *own = mr_synth_get(s->synth);
    settings->rate = mr_option_find(options, "rate") == NULL ? own->rate : settings->rate;
    settings->count = mr_option_find(options, "count") == NULL ? own->count : settings->count;
    settings->seed = mr_option_find(options, "seed") == NULL ? own->seed : settings->seed;
    mr_synth_set_seed(s->synth, settings->seed);
    mr_synth_set_json(s->synth);
    const char *slash = strrchr(settings->spec, '/');
    s->topic = slash == NULL ? settings->spec : slash + 1;
    return MR_OK;
}

static mr_code generator_open(mr_source *base, const mr_source_spec *spec, mr_cx *cx) {
    source_generator *s = (source_generator *)base;
    base->spec = *spec;
    mr_generate_settings *settings = &s->settings;
    MR_TRY(mr_conn_options(mr_generate_options, spec->options, settings, &base->arena, cx));
    s->topic = settings->kind;
    if (settings->spec != NULL) {
        MR_TRY(spec_open(s, spec->options, cx));
    }
    MR_TRY(mr_generate_init(settings, &s->generate, cx));
    MR_TRY(mr_intake_check(spec, cx));
    if (settings->partitions < 1 || settings->partitions > GENERATOR_PARTITIONS_MAX) {
        return mr_fail_at(cx, MR_E_OPTION, mr_conn_place(spec->options, "partitions"),
                          "Write a number from 1 to 1024.",
                          "a generator cannot have %" PRId64 " partitions", settings->partitions);
    }
    if (settings->count == 0 && spec->until != MR_UNTIL_STOPPED) {
        return mr_fail(cx, MR_E_OPTION, "Give it option count.",
                       "generator \"%s\" has no end to run until", spec->table);
    }
    uint64_t bytes = spec->chunk_bytes == 0 ? (uint64_t)512 << 10 : spec->chunk_bytes;
    s->chunk_rows = (int64_t)MR_MAX(bytes / GENERATOR_EVENT_BYTES, (uint64_t)1);
    uint32_t count = (uint32_t)settings->partitions;
    base->partitions = MR_NEW_ARRAY(&base->arena, mr_partition, count);
    base->partition_count = count;
    s->paced_from = MR_NEW_ARRAY(&base->arena, int64_t, count);
    for (uint32_t p = 0; p < count; p++) {
        int64_t rows = settings->count / count + (p < settings->count % count);
        base->partitions[p] = (mr_partition){
            .name = mr_arena_printf(&base->arena, "%s/%" PRIu32, s->topic, p),
            .topic = s->topic,
            .number = mr_i32(p),
            .lane = p,
            .end = settings->count == 0 ? INT64_MAX : rows,
        };
    }
    return MR_OK;
}

static void begin(source_generator *s, mr_cx *cx) {
    s->begun_us = mr_clock_monotonic_us(cx->plat);
    for (uint32_t i = 0; i < s->base.partition_count; i++) {
        mr_partition *p = &s->base.partitions[i];
        s->paced_from[i] = p->position;
        p->finished = p->position >= p->end;
        p->closed = p->finished;
    }
}

static mr_code generator_start(mr_source *base, mr_cx *cx) {
    begin((source_generator *)base, cx);
    return MR_OK;
}

static mr_code generator_seek(mr_source *base, const char *const *names, const int64_t *positions,
                              size_t count, mr_cx *cx) {
    for (size_t n = 0; n < count; n++) {
        uint32_t p = 0;
        while (p < base->partition_count && strcmp(base->partitions[p].name, names[n]) != 0) {
            p++;
        }
        if (p == base->partition_count) {
            return mr_fail(cx, MR_E_MISSING,
                           "Go back to the number of partitions it had, or start with --fresh.",
                           "generator \"%s\" has no partition \"%s\" any more", base->spec.table,
                           names[n]);
        }
        base->partitions[p].position = positions[n];
    }
    begin((source_generator *)base, cx);
    return MR_OK;
}

// The position up to which a partition may go at this moment.
static int64_t due(const source_generator *s, uint32_t index, mr_cx *cx) {
    if (s->settings.rate == 0) {
        return INT64_MAX;
    }
    int64_t elapsed_us = mr_clock_monotonic_us(cx->plat) - s->begun_us;
    __int128 rows = (__int128)elapsed_us * s->settings.rate / MR_SECOND_US / s->settings.partitions;
    return s->paced_from[index] + (int64_t)rows;
}

static mr_code generator_claim(mr_source *base, mr_claim *ret, mr_claim_result *ret_result,
                               mr_cx *cx) {
    source_generator *s = (source_generator *)base;
    bool open = false;
    for (uint32_t i = 0; i < base->partition_count; i++) {
        uint32_t index = (s->turn + i) % base->partition_count;
        mr_partition *p = &base->partitions[index];
        if (p->finished) {
            continue;
        }
        open = true;
        int64_t limit = MR_MIN(p->end, due(s, index, cx));
        p->caught_up = limit <= p->position;
        if (p->caught_up) {
            continue;
        }
        int64_t next = p->position + MR_MIN(s->chunk_rows, limit - p->position);
        *ret = (mr_claim){index, p->position, next, NULL};
        *ret_result = MR_CLAIM_TAKEN;
        p->position = next;
        p->finished = next >= p->end;
        p->closed = p->finished;
        s->turn = index + 1;
        return MR_OK;
    }
    *ret_result = open ? MR_CLAIM_NONE : MR_CLAIM_DONE;
    return MR_OK;
}

static void generator_wait(mr_source *base, int64_t timeout_us, mr_cx *cx) {
    (void)base;
    mr_clock_sleep_us(cx->plat, MR_MIN(timeout_us, GENERATOR_WAIT_US));
}

static mr_code generator_reader_open(mr_source *base, mr_reader **ret, mr_cx *cx) {
    generator_reader *reader = mr_heap_alloc(sizeof(*reader));
    reader->source = (source_generator *)base;
    mr_code code = mr_intake_open(&reader->intake, &base->spec, cx);
    if (code != MR_OK) {
        mr_heap_free(reader);
        return code;
    }
    reader->starts = mr_heap_raw(sizeof(uint32_t) * (size_t)reader->source->chunk_rows);
    if (reader->source->synth != NULL) {
        reader->cursor = mr_synth_open(reader->source->synth);
    }
    *ret = (mr_reader *)reader;
    return MR_OK;
}

static void make_events(generator_reader *reader, const mr_claim *claim, uint32_t count) {
    const source_generator *s = reader->source;
    mr_text *text = &reader->text;
    mr_text_clear(text);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t row = (uint64_t)claim->position_first + i;
        uint64_t index = row * s->base.partition_count + claim->partition;
        reader->starts[i] = mr_u32(text->bytes);
        if (reader->cursor != NULL) {
            mr_synth_row(reader->cursor, index, text, /* ret_key= */ NULL);
        } else {
            mr_generate_event(&s->generate, index, text);
        }
        mr_text_add_char(text, '\n');
    }
}

static mr_code generator_read(mr_reader *base, const mr_claim *claim, mr_chunk *ret, mr_cx *cx) {
    generator_reader *reader = (generator_reader *)base;
    source_generator *s = reader->source;
    uint32_t count = (uint32_t)(claim->position_next - claim->position_first);
    make_events(reader, claim, count);
    const mr_text *text = &reader->text;
    mr_chunk chunk = {.hold = mr_pool_take(reader->intake.pool, text->bytes), .bytes = text->bytes};
    mr_arena *arena = &chunk.hold->arena;
    uint32_t *starts = mr_arena_raw(arena, sizeof(uint32_t) * count);
    memcpy(starts, reader->starts, sizeof(uint32_t) * count);
    memcpy(chunk.hold->buffer, text->data, text->bytes);
    uint32_t *lengths = mr_arena_raw(arena, sizeof(uint32_t) * count);
    int64_t *offsets = mr_arena_raw(arena, sizeof(int64_t) * count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t next = i + 1 < count ? starts[i + 1] : (uint32_t)text->bytes;
        lengths[i] = next - starts[i] - 1;
        offsets[i] = claim->position_first + i;
    }
    mr_records records = {
        .base = chunk.hold->buffer,
        .bytes = text->bytes,
        .starts = starts,
        .lengths = lengths,
        .offsets = offsets,
        .count = count,
    };
    mr_intake_from from = {
        .topic = s->topic,
        .partition = mr_i32(claim->partition),
        .partition_index = claim->partition,
        .timestamp_us = s->generate.start_us,
    };
    mr_code code = mr_intake_decode(&reader->intake, &records, &from, &chunk, cx);
    if (code != MR_OK) {
        mr_hold_unref(chunk.hold);
        return code;
    }
    *ret = chunk;
    return MR_OK;
}

static void generator_reader_close(mr_reader *base) {
    generator_reader *reader = (generator_reader *)base;
    mr_intake_close(&reader->intake);
    mr_text_release(&reader->text);
    mr_heap_free(reader->starts);
    mr_synth_close(reader->cursor);
    mr_heap_free(reader);
}

static void generator_close(mr_source *base) {
    mr_arena_release(&base->arena);
}

const mr_source_type mr_source_generator = {
    .name = "generator",
    .file = __FILE__,
    .summary = "Makes up events, built in or from a spec, the same for the same seed.",
    .size = sizeof(source_generator),
    .options = mr_generate_options,
    .open = generator_open,
    .start = generator_start,
    .seek = generator_seek,
    .claim = generator_claim,
    .wait = generator_wait,
    .reader_open = generator_reader_open,
    .read = generator_read,
    .reader_close = generator_reader_close,
    .close = generator_close,
};
