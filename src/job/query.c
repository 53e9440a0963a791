// Query: see query.h.   Also: mr_change

#include "job/query.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "plat/plat.h"
#include "store/catalog.h"

#define TITLE             "millrace-query 1"
#define QUERY_BYTES_MAX   ((uint64_t)16 << 20)
#define LINES_COMPARED    200  // Operators of one path that are told apart by their order.
#define OUTPUT_LINE_START "output "

// ---- the description -------------------------------------------------------------------------

static const char *const identity_options[] = {"topic", "path", "format"};

static void add_line(mr_text *out, const char *text) {
    for (; *text != '\0'; text++) {
        mr_text_add_char(out, *text == '\n' ? ' ' : *text);
    }
    mr_text_add_char(out, '\n');
}

static const char *source_text(const mr_plan_source *source, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, source->type->name);
    for (size_t i = 0; i < MR_COUNT(identity_options); i++) {
        const char *value = mr_option_find(&source->options, identity_options[i]);
        if (value != NULL) {
            mr_text_addf(&out, " %s '%s'", identity_options[i], value);
        }
    }
    return mr_text_string(&out);
}

static const char *node_text(const mr_pipeline *pipeline, const mr_plan *plan, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_plan_print_node(pipeline, plan, &out);
    return mr_text_string(&out);
}

static const char *output_text(const mr_plan_insert *insert, mr_cx *cx) {
    static const char *const modes[] = {"append", "update", "complete"};
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_addf(&out, OUTPUT_LINE_START "%s", modes[insert->mode]);
    const mr_schema *schema = insert->root->schema;
    for (uint32_t c = 0; c < schema->count; c++) {
        mr_text_addf(&out, "%s%s %s", c == 0 ? ": " : ", ", schema->columns[c].name,
                     mr_type_text(schema->columns[c].type, cx->arena));
    }
    for (uint32_t k = 0; k < insert->conflict_key_count; k++) {
        mr_text_addf(&out, "%s%s", k == 0 ? "; keys " : ", ",
                     schema->columns[insert->conflict_keys[k]].name);
    }
    return mr_text_string(&out);
}

mr_span mr_query_describe(const mr_pipeline *pipeline, uint64_t *ret_hash, mr_cx *cx) {
    mr_text out;
    mr_text_init(&out, cx->arena);
    mr_text_add(&out, TITLE "\n");
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        const mr_plan_source *source = &pipeline->sources[s];
        mr_text_addf(&out, "source %016" PRIx64 " ", source->hash);
        add_line(&out, source->name);
        mr_text_add(&out, "from ");
        add_line(&out, source_text(source, cx));
    }
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        const mr_plan_insert *insert = &pipeline->inserts[i];
        mr_text_addf(&out, "insert %016" PRIx64 " ", insert->hash);
        add_line(&out, insert->table);
        mr_text_addf(&out, "op %016x ", 0);
        add_line(&out, output_text(insert, cx));
        for (const mr_plan *plan = insert->root; plan != NULL; plan = plan->input) {
            mr_text_addf(&out, "op %016" PRIx64 " ", plan->hash);
            add_line(&out, node_text(pipeline, plan, cx));
        }
    }
    *ret_hash = mr_hash_bytes(out.data, out.bytes, 0);
    return mr_text_span(&out);
}

const char *mr_query_path(const char *state_dir, uint64_t hash, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s/query-%016" PRIx64, state_dir, hash);
}

// ---- read back -------------------------------------------------------------------------------

typedef struct old_op {
    uint64_t hash;
    const char *text;
} old_op;

typedef struct old_item {  // A source, with its text; or an insert, with the operators of its path.
    bool is_source;
    uint64_t hash;
    const char *name;
    const char *text;
    old_op *ops;
    uint32_t op_count;
} old_item;

typedef struct old_query {
    old_item *items;
    uint32_t count;
} old_query;

// "word 0123456789abcdef rest"; false when it is something else.
static bool take_hashed(mr_span line, const char *word, uint64_t *ret_hash, mr_span *ret_rest) {
    size_t skip = strlen(word);
    if (!mr_span_starts(line, word) || line.bytes < skip + 17) {
        return false;
    }
    uint64_t hash = 0;
    for (size_t i = skip; i < skip + 16; i++) {
        char c = line.data[i];
        uint64_t digit = c >= '0' && c <= '9' ? (uint64_t)(c - '0') : (uint64_t)(c - 'a') + 10;
        if (digit > 15) {
            return false;
        }
        hash = hash * 16 + digit;
    }
    *ret_hash = hash;
    *ret_rest = (mr_span){line.data + skip + 17, line.bytes - skip - 17};
    return true;
}

static void parse_line(old_query *query, mr_span line, mr_arena *arena) {
    uint64_t hash;
    mr_span rest;
    bool source = take_hashed(line, "source ", &hash, &rest);
    old_item *last = query->count == 0 ? NULL : &query->items[query->count - 1];
    if (source || take_hashed(line, "insert ", &hash, &rest)) {
        query->items[query->count++] =
            (old_item){.is_source = source,
                       .hash = hash,
                       .name = mr_arena_copy(arena, rest.data, rest.bytes),
                       .text = "",
                       .ops = MR_NEW_ARRAY(arena, old_op, LINES_COMPARED)};
    } else if (last != NULL && mr_span_starts(line, "from ")) {
        last->text = mr_arena_copy(arena, line.data + 5, line.bytes - 5);
    } else if (last != NULL && take_hashed(line, "op ", &hash, &rest) &&
               last->op_count < LINES_COMPARED) {
        last->ops[last->op_count++] = (old_op){hash, mr_arena_copy(arena, rest.data, rest.bytes)};
    }
}

// The description of the query that the state was kept for; empty when it is gone.
static void query_load(const char *state_dir, uint64_t hash, old_query *ret, mr_cx *cx) {
    *ret = (old_query){0};
    mr_span text;
    const char *path = mr_query_path(state_dir, hash, cx);
    if (!mr_file_exists(path, cx) || mr_file_load(path, QUERY_BYTES_MAX, &text, cx) != MR_OK ||
        mr_hash_bytes(text.data, text.bytes, 0) != hash ||
        !mr_span_is(mr_span_line(&text), TITLE)) {
        return;
    }
    uint32_t lines = 1;
    for (size_t i = 0; i < text.bytes; i++) {
        lines += text.data[i] == '\n';
    }
    ret->items = MR_NEW_ARRAY(cx->arena, old_item, lines);
    while (text.bytes > 0) {
        parse_line(ret, mr_span_line(&text), cx->arena);
    }
}

static const old_item *old_find(const old_query *query, bool source, const char *name) {
    for (uint32_t i = 0; i < query->count; i++) {
        if (query->items[i].is_source == source && strcmp(query->items[i].name, name) == 0) {
            return &query->items[i];
        }
    }
    return NULL;
}

static const char *old_op_text(const old_query *query, uint64_t hash) {
    for (uint32_t i = 0; i < query->count; i++) {
        for (uint32_t o = 0; o < query->items[i].op_count; o++) {
            const old_op *op = &query->items[i].ops[o];
            bool stateful =
                strncmp(op->text, "distinct", 8) == 0 || strncmp(op->text, "aggregate", 9) == 0;
            if (op->hash == hash && stateful) {
                return op->text;
            }
        }
    }
    return "an operator of the former query";
}

// ---- comparing -------------------------------------------------------------------------------

typedef struct comparer {
    mr_change *change;
    old_query old;
    mr_cx *cx;
} comparer;

static mr_change_item *item_add(comparer *c, mr_change_kind kind, const char *what,
                                const char *name) {
    mr_change_item *item = &c->change->items[c->change->item_count++];
    *item = (mr_change_item){
        .kind = kind, .what = what, .name = name, .reason = "", .place = MR_NOWHERE};
    item->was = item->now = MR_NEW_ARRAY(c->cx->arena, const char *, 1);
    c->change->changed = c->change->changed || kind != MR_KEEP;
    return item;
}

static const mr_view_source *state_source(const mr_change *change, const char *name) {
    for (uint32_t s = 0; s < change->state.last.source_count; s++) {
        if (strcmp(change->state.last.sources[s].name, name) == 0) {
            return &change->state.last.sources[s];
        }
    }
    return NULL;
}

static const mr_state_sink *state_sink(const mr_change *change, const char *name) {
    for (uint32_t s = 0; s < change->state.sink_count; s++) {
        if (strcmp(change->state.sinks[s].name, name) == 0) {
            return &change->state.sinks[s];
        }
    }
    return NULL;
}

static void refuse(comparer *c, const char *table, const char *why) {
    if (c->change->refusal == NULL) {
        c->change->refusal = why;
        c->change->refused_table = table;
    }
}

static void compare_sources(comparer *c) {
    const mr_pipeline *pipeline = c->change->pipeline;
    for (uint32_t s = 0; s < pipeline->source_count; s++) {
        const mr_plan_source *source = &pipeline->sources[s];
        const mr_view_source *was = state_source(c->change, source->name);
        bool same = was != NULL && was->hash == source->hash;
        mr_change_kind kind = was == NULL ? MR_NEW : same ? MR_KEEP : MR_REBUILD;
        mr_change_item *item = item_add(c, kind, "source", source->name);
        item->place = source->place;
        item->source = same ? was : NULL;
        if (kind == MR_REBUILD) {
            const old_item *old = old_find(&c->old, true, source->name);
            item->reason = "reads from elsewhere";
            item->was = MR_NEW_ARRAY(c->cx->arena, const char *, 2);
            item->was[0] = old == NULL ? NULL : old->text;
            item->now = MR_NEW_ARRAY(c->cx->arena, const char *, 2);
            item->now[0] = source_text(source, c->cx);
        }
    }
}

static bool in_pipeline(const mr_pipeline *pipeline, bool source, const char *name) {
    uint32_t count = source ? pipeline->source_count : pipeline->insert_count;
    for (uint32_t i = 0; i < count; i++) {
        const char *own = source ? pipeline->sources[i].name : pipeline->inserts[i].table;
        if (strcmp(own, name) == 0) {
            return true;
        }
    }
    return false;
}

// By plan id: whether a table uses it that goes on; or one that is to be rebuilt.
static bool *used_by(const comparer *c, bool kept) {
    const mr_pipeline *pipeline = c->change->pipeline;
    bool *used = MR_NEW_ARRAY(c->cx->arena, bool, pipeline->plan_count + 1);
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        const mr_plan_insert *insert = &pipeline->inserts[i];
        const mr_state_sink *was = state_sink(c->change, insert->table);
        bool same = was != NULL && was->hash == insert->hash;
        bool wanted = kept ? same : was != NULL && !same;
        for (const mr_plan *plan = wanted ? insert->root : NULL; plan != NULL; plan = plan->input) {
            used[plan->id] = true;
        }
    }
    return used;
}

static void compare_operators(comparer *c) {
    const mr_pipeline *pipeline = c->change->pipeline;
    const mr_commit_view *last = &c->change->state.last;
    bool *taken = MR_NEW_ARRAY(c->cx->arena, bool, last->state_count + 1);
    bool *kept = used_by(c, true);
    bool *rebuilt = used_by(c, false);
    for (uint32_t p = 0; p < pipeline->plan_count; p++) {
        const mr_plan *plan = pipeline->plans[p];
        if (!mr_commit_is_stateful(plan)) {
            continue;
        }
        bool found = false;
        for (uint32_t i = 0; i < last->state_count && !found; i++) {
            found = !taken[i] && last->states[i] == plan->hash;
            taken[i] = taken[i] || found;
        }
        bool rebuild = found || rebuilt[p];
        mr_change_kind kind = found && kept[p] ? MR_KEEP : rebuild ? MR_REBUILD : MR_NEW;
        mr_change_item *item = item_add(c, kind, "operator", node_text(pipeline, plan, c->cx));
        item->place = plan->place;
        item->reason = kind != MR_REBUILD ? ""
                       : found            ? "every table that it feeds has changed"
                                          : "it, or what is before it, has changed";
    }
    for (uint32_t i = 0; i < last->state_count; i++) {
        if (!taken[i]) {
            mr_change_item *item =
                item_add(c, MR_DROP, "operator", old_op_text(&c->old, last->states[i]));
            item->reason = "its state is left behind";
        }
    }
}

// The lines of each side that the other has not, in order: all but a longest common sequence.
static void differ(const char **was, uint32_t was_count, const char **now, uint32_t now_count,
                   mr_arena *arena) {
    uint32_t wide = now_count + 1;
    uint32_t *common = MR_NEW_ARRAY(arena, uint32_t, (was_count + 1) * wide);
    for (uint32_t i = was_count; i-- > 0;) {
        for (uint32_t j = now_count; j-- > 0;) {
            common[i * wide + j] = strcmp(was[i], now[j]) == 0 ? common[(i + 1) * wide + j + 1] + 1
                                                               : MR_MAX(common[(i + 1) * wide + j],
                                                                        common[i * wide + j + 1]);
        }
    }
    uint32_t i = 0;
    uint32_t j = 0;
    while (i < was_count && j < now_count) {
        if (strcmp(was[i], now[j]) == 0) {
            was[i++] = now[j++] = NULL;
        } else if (common[(i + 1) * wide + j] >= common[i * wide + j + 1]) {
            i++;
        } else {
            j++;
        }
    }
}

static const char *clause_of(const char *line) {
    static const struct {
        const char *start;
        const char *clause;
    } rows[] = {
        {"filter", "WHERE, HAVING or CHECK changed"},
        {"join", "JOIN changed"},
        {"distinct", "DISTINCT ON changed"},
        {"late", "GROUP BY or its window changed"},
        {"window", "the window changed"},
        {"aggregate", "GROUP BY or its window changed"},
        {"project", "the SELECT list changed"},
        {OUTPUT_LINE_START, "the output columns or mode changed"},
        {"scan", "CREATE FOREIGN TABLE changed"},
    };
    for (size_t i = 0; i < MR_COUNT(rows); i++) {
        if (strncmp(line, rows[i].start, strlen(rows[i].start)) == 0) {
            return rows[i].clause;
        }
    }
    return "the query changed";
}

// The lines that are left, closed up; *ret_lowest is the one nearest to the source, scans last.
static void close_up(const char **lines, uint32_t count, const char **ret_lowest) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (lines[i] != NULL) {
            bool scan = strncmp(lines[i], "scan", 4) == 0;
            *ret_lowest = scan && *ret_lowest != NULL ? *ret_lowest : lines[i];
            lines[kept++] = lines[i];
        }
    }
    lines[kept] = NULL;
}

// What changed on the way to a table, in lines, as a clause, and as a place.
static void explain_change(comparer *c, const mr_plan_insert *insert, mr_change_item *item) {
    mr_cx *cx = c->cx;
    const old_item *old = old_find(&c->old, false, insert->table);
    if (old == NULL) {
        item->reason = "its query changed";
        return;
    }
    uint32_t was_count = old->op_count;
    item->was = MR_NEW_ARRAY(cx->arena, const char *, was_count + 1);
    for (uint32_t i = 0; i < was_count; i++) {
        item->was[i] = old->ops[i].text;
    }
    uint32_t now_count = 1;
    for (const mr_plan *plan = insert->root; plan != NULL; plan = plan->input) {
        now_count++;
    }
    item->now = MR_NEW_ARRAY(cx->arena, const char *, now_count + 1);
    item->now[0] = output_text(insert, cx);
    uint32_t at = 1;
    for (const mr_plan *plan = insert->root; plan != NULL; plan = plan->input) {
        item->now[at++] = node_text(c->change->pipeline, plan, cx);
    }
    differ(item->was, was_count, item->now, now_count, cx->arena);
    at = 1;
    for (const mr_plan *plan = insert->root; plan != NULL; plan = plan->input, at++) {
        item->place =
            item->now[at] != NULL && plan->kind != MR_PLAN_SCAN ? plan->place : item->place;
    }
    const char *lowest_was = NULL;
    const char *lowest_now = NULL;
    close_up(item->was, was_count, &lowest_was);
    close_up(item->now, now_count, &lowest_now);
    const char *lowest = lowest_now != NULL ? lowest_now : lowest_was;
    item->reason = lowest == NULL ? "an option of its source changed" : clause_of(lowest);
}

static bool reads_known_source(const mr_change *change, const mr_plan_insert *insert) {
    const mr_plan *plan = insert->root;
    while (plan->kind != MR_PLAN_SCAN) {
        plan = plan->input;
    }
    const mr_plan_source *source = &change->pipeline->sources[plan->scan.source];
    const mr_view_source *was = state_source(change, source->name);
    return was != NULL && was->hash == source->hash;
}

static void compare_inserts(comparer *c) {
    const mr_pipeline *pipeline = c->change->pipeline;
    for (uint32_t i = 0; i < pipeline->insert_count; i++) {
        const mr_plan_insert *insert = &pipeline->inserts[i];
        const mr_state_sink *was = state_sink(c->change, insert->table);
        bool same = was != NULL && was->hash == insert->hash;
        mr_change_kind kind = was == NULL ? MR_NEW : same ? MR_KEEP : MR_REBUILD;
        mr_change_item *item = item_add(c, kind, "table", insert->table);
        item->place = insert->place;
        if (kind == MR_REBUILD) {
            explain_change(c, insert, item);
            item->waiting_rows = was->waiting_rows;
            refuse(c, insert->table, "is written by another query now");
        } else if (kind == MR_NEW && reads_known_source(c->change, insert)) {
            item->reason = "its source has been read already";
            refuse(c, insert->table, "is new, and its source has been read already");
        }
    }
}

// Tables and sources that the file has no more. A side table goes with its source.
static void compare_dropped(comparer *c) {
    const mr_pipeline *pipeline = c->change->pipeline;
    const mr_commit_view *last = &c->change->state.last;
    for (uint32_t s = 0; s < last->source_count; s++) {
        if (!in_pipeline(pipeline, true, last->sources[s].name)) {
            mr_change_item *item = item_add(c, MR_DROP, "source", last->sources[s].name);
            item->reason = "nothing reads it any more; its positions are forgotten";
            item->source = &last->sources[s];
        }
    }
    for (uint32_t s = 0; s < c->change->state.sink_count; s++) {
        const mr_state_sink *sink = &c->change->state.sinks[s];
        bool there = in_pipeline(pipeline, false, sink->name);
        for (uint32_t i = 0; i < pipeline->source_count && !there; i++) {
            const char *source = pipeline->sources[i].name;
            size_t bytes = strlen(source);
            there = strncmp(sink->name, source, bytes) == 0 &&
                    (strcmp(sink->name + bytes, "_bad") == 0 ||
                     strcmp(sink->name + bytes, "_late") == 0);
        }
        if (there) {
            continue;
        }
        mr_change_item *item = item_add(c, MR_DROP, "table", sink->name);
        item->reason = "the file no longer writes it; its files stay";
        item->waiting_rows = sink->waiting_rows + sink->pending_rows;
        if (item->waiting_rows > 0) {
            refuse(c, sink->name, "is no longer written, and committed rows still wait for it");
        }
    }
}

mr_code mr_query_state(const char *state_dir, mr_state *ret, mr_cx *cx) {
    MR_TRY(mr_state_read(state_dir, ret, cx));
    uint64_t incarnation;
    uint64_t epoch;
    // The log learns with its next record that all is published; the readers' mark knows before.
    bool done = ret->exists && mr_catalog_get_published(state_dir, &incarnation, &epoch, cx) &&
                incarnation == ret->last.incarnation && epoch >= ret->epoch;
    for (uint32_t s = 0; done && s < ret->sink_count; s++) {
        ret->sinks[s].pending_count = 0;
        ret->sinks[s].pending_rows = 0;
    }
    ret->last.published_epoch = done ? ret->epoch : ret->last.published_epoch;
    return MR_OK;
}

mr_code mr_query_compare(const mr_pipeline *pipeline, const char *state_dir, mr_change *ret,
                         mr_cx *cx) {
    *ret = (mr_change){.pipeline = pipeline};
    MR_TRY(mr_query_state(state_dir, &ret->state, cx));
    if (!ret->state.exists) {
        return MR_OK;
    }
    const mr_commit_view *last = &ret->state.last;
    ret->items =
        MR_NEW_ARRAY(cx->arena, mr_change_item,
                     pipeline->plan_count + pipeline->source_count + pipeline->insert_count +
                         last->source_count + last->state_count + ret->state.sink_count + 1);
    comparer c = {.change = ret, .cx = cx};
    query_load(state_dir, last->query_hash, &c.old, cx);
    compare_sources(&c);
    compare_operators(&c);
    compare_inserts(&c);
    compare_dropped(&c);
    return MR_OK;
}

bool mr_query_is_drop(const mr_change *change, const char *table) {
    for (uint32_t i = 0; i < change->item_count; i++) {
        const mr_change_item *item = &change->items[i];
        if (item->kind == MR_DROP && strcmp(item->what, "table") == 0 &&
            strcmp(item->name, table) == 0) {
            return true;
        }
    }
    return false;
}
