// State: see state.h.

#include "exec/state.h"

#include <string.h>

#include "exec/commit_log.h"

typedef struct looker {
    mr_state *state;
    mr_arena *arenas;  // Two in turn: of the record before, and of this one.
    uint32_t turn;
    mr_view_publication *pending;  // Heap; `table` is found by its sink in the record it is from.
    const char **pending_tables;
    uint32_t pending_count;
    uint32_t pending_capacity;
    mr_arena *names;
    const char *dir;
} looker;

static const mr_state_sink *sink_find(const mr_state *state, const char *name) {
    for (uint32_t s = 0; s < state->sink_count; s++) {
        if (strcmp(state->sinks[s].name, name) == 0) {
            return &state->sinks[s];
        }
    }
    return NULL;
}

static void look_sinks(looker *l, const mr_commit_view *v, mr_arena *arena) {
    mr_state *state = l->state;
    mr_state_sink *sinks = MR_NEW_ARRAY(arena, mr_state_sink, v->sink_count + 1);
    for (uint32_t s = 0; s < v->sink_count; s++) {
        const mr_view_sink *from = &v->sinks[s];
        const mr_state_sink *before = sink_find(state, from->name);
        bool gone = before == NULL || from->handed_over;
        sinks[s] =
            (mr_state_sink){.name = from->name,
                            .hash = from->hash,
                            .waiting_rows = (gone ? 0 : before->waiting_rows) + from->row_count};
    }
    state->sinks = sinks;
    state->sink_count = v->sink_count;
}

static void look_publications(looker *l, const mr_commit_view *v) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < l->pending_count; i++) {
        if (l->pending[i].publication.id.epoch > v->published_epoch) {
            l->pending_tables[kept] = l->pending_tables[i];
            l->pending[kept++] = l->pending[i];
        }
    }
    l->pending_count = kept;
    for (uint32_t i = 0; i < v->publication_count; i++) {
        if (l->pending_count == l->pending_capacity) {
            l->pending_capacity = MR_MAX(16u, 2 * l->pending_capacity);
            l->pending = mr_heap_resize(l->pending, l->pending_capacity * sizeof *l->pending);
            l->pending_tables =
                mr_heap_resize(l->pending_tables, l->pending_capacity * sizeof(const char *));
        }
        l->pending_tables[l->pending_count] =
            mr_arena_string(l->names, v->sinks[v->publications[i].sink].name);
        l->pending[l->pending_count++] = v->publications[i];
    }
}

static mr_code look(void *self, uint64_t epoch, mr_span payload, mr_cx *cx) {
    looker *l = self;
    mr_arena *outer = cx->arena;
    mr_arena *arena = &l->arenas[l->turn];
    mr_arena_clear(arena);
    cx->arena = arena;
    mr_commit_view view;
    mr_code code = mr_commit_view_read(l->dir, epoch, payload, &view, cx);
    cx->arena = outer;
    MR_TRY(code);
    look_sinks(l, &view, arena);
    look_publications(l, &view);
    l->state->last = view;
    l->state->epoch = epoch;
    l->state->exists = true;
    l->turn = 1 - l->turn;
    return MR_OK;
}

// The last record out of the scratch arenas; what is not needed any more is left out.
static void keep_last(mr_state *state, mr_arena *arena) {
    mr_commit_view *v = &state->last;
    mr_view_source *sources = MR_NEW_ARRAY(arena, mr_view_source, v->source_count + 1);
    for (uint32_t s = 0; s < v->source_count; s++) {
        const mr_view_source *from = &v->sources[s];
        sources[s] = *from;
        sources[s].name = mr_arena_string(arena, from->name);
        sources[s].partitions = MR_NEW_ARRAY(arena, const char *, from->partition_count + 1);
        sources[s].positions = MR_NEW_ARRAY(arena, int64_t, from->partition_count + 1);
        sources[s].lanes = MR_NEW_ARRAY(arena, int64_t, from->lane_count + 1);
        for (uint32_t p = 0; p < from->partition_count; p++) {
            sources[s].partitions[p] = mr_arena_string(arena, from->partitions[p]);
            sources[s].positions[p] = from->positions[p];
        }
        for (uint32_t i = 0; i < from->lane_count; i++) {
            sources[s].lanes[i] = from->lanes[i];
        }
    }
    uint64_t *states = MR_NEW_ARRAY(arena, uint64_t, v->state_count + 1);
    for (uint32_t i = 0; i < v->state_count; i++) {
        states[i] = v->states[i];
    }
    mr_state_sink *sinks = MR_NEW_ARRAY(arena, mr_state_sink, state->sink_count + 1);
    for (uint32_t s = 0; s < state->sink_count; s++) {
        sinks[s] = state->sinks[s];
        sinks[s].name = mr_arena_string(arena, sinks[s].name);
    }
    state->sinks = sinks;
    v->pipeline = mr_arena_string(arena, v->pipeline);
    v->sources = sources;
    v->states = states;
    v->deltas = NULL;
    v->parts = NULL;
    v->part_count = 0;
    v->sinks = NULL;
    v->sink_count = 0;
    v->publications = NULL;
    v->publication_count = 0;
}

static void count_pending(const looker *l) {
    for (uint32_t i = 0; i < l->pending_count; i++) {
        for (uint32_t s = 0; s < l->state->sink_count; s++) {
            mr_state_sink *sink = &l->state->sinks[s];
            if (strcmp(sink->name, l->pending_tables[i]) == 0) {
                sink->pending_rows += l->pending[i].publication.row_count;
                sink->pending_count++;
            }
        }
    }
}

mr_code mr_state_read(const char *state_dir, mr_state *ret, mr_cx *cx) {
    *ret = (mr_state){0};
    if (!mr_file_exists(state_dir, cx)) {
        return MR_OK;
    }
    mr_arena arenas[2] = {{0}, {0}};
    looker l = {.state = ret, .arenas = arenas, .names = cx->arena, .dir = state_dir};
    mr_commit_log log;
    mr_code code = mr_commit_log_look(state_dir, look, &l, &log, cx);
    if (code == MR_OK && ret->exists) {
        keep_last(ret, cx->arena);
        count_pending(&l);
        ret->log_bytes = log.bytes;
        ret->segment_count = log.segment_count;
    }
    mr_heap_free(l.pending);
    mr_heap_free(l.pending_tables);
    mr_arena_release(&arenas[0]);
    mr_arena_release(&arenas[1]);
    return code;
}
