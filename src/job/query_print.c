// Query print: a comparison for people and for programs; see query.h.   Also: mr_query_

#include <inttypes.h>

#include "base/civil.h"
#include "job/query.h"

static const char *const kind_words[] = {
    [MR_KEEP] = "KEEP", [MR_NEW] = "NEW", [MR_REBUILD] = "REBUILD", [MR_DROP] = "DROP"};

static void print_positions(const mr_view_source *source, mr_text *out) {
    for (uint32_t p = 0; p < source->partition_count; p++) {
        mr_text_addf(out, "           %s at %" PRIi64 "\n", source->partitions[p],
                     source->positions[p]);
    }
}

static void print_item(const mr_change_item *item, mr_text *out) {
    mr_text_addf(out, "%-8s %-9s %s", kind_words[item->kind], item->what, item->name);
    if (item->reason[0] != '\0') {
        mr_text_addf(out, ": %s", item->reason);
    }
    uint32_t line;
    uint32_t column;
    if (item->kind == MR_REBUILD && mr_error_line_column(&item->place, &line, &column)) {
        mr_text_addf(out, " (%s:%u:%u)", item->place.file, line, column);
    }
    mr_text_add_char(out, '\n');
    for (const char **was = item->was; *was != NULL; was++) {
        mr_text_addf(out, "         - %s\n", *was);
    }
    for (const char **now = item->now; *now != NULL; now++) {
        mr_text_addf(out, "         + %s\n", *now);
    }
    if (item->source != NULL) {
        print_positions(item->source, out);
    }
    if (item->waiting_rows > 0) {
        mr_text_addf(out, "         %" PRIu64 " committed rows wait to be written\n",
                     item->waiting_rows);
    }
}

static void print_outcome(const mr_change *change, mr_text *out) {
    if (!change->changed) {
        mr_text_add(out, "Nothing changed: a run goes on where it stopped.\n");
        return;
    }
    if (change->refusal == NULL) {
        mr_text_add(out, "A run goes on: what is KEEP as it stands, what is NEW from its start.\n");
        return;
    }
    mr_text_addf(out, "A run is refused: table \"%s\" %s.\n", change->refused_table,
                 change->refusal);
}

void mr_query_print(const mr_change *change, mr_text *out) {
    if (!change->state.exists) {
        mr_text_addf(out, "Pipeline \"%s\" has no state yet: a run starts it.\n",
                     change->pipeline->name);
        return;
    }
    mr_text_addf(out, "Pipeline \"%s\" against epoch %" PRIu64 " of ", change->pipeline->name,
                 change->state.epoch);
    mr_civil_print_iso(out, change->state.last.time_us);
    mr_text_add(out, "\n");
    for (uint32_t i = 0; i < change->item_count; i++) {
        print_item(&change->items[i], out);
    }
    print_outcome(change, out);
}

void mr_query_print_changes(const mr_change *change, mr_text *out) {
    for (uint32_t i = 0; i < change->item_count; i++) {
        if (change->items[i].kind != MR_KEEP) {
            print_item(&change->items[i], out);
        }
    }
}

static void json_member(mr_text *out, const char *name, const char *value) {
    mr_text_addf(out, ",\"%s\":", name);
    mr_text_add_json(out, mr_span_of(value));
}

static void json_lines(mr_text *out, const char *name, const char **lines) {
    mr_text_addf(out, ",\"%s\":[", name);
    for (uint32_t i = 0; lines[i] != NULL; i++) {
        mr_text_add(out, i == 0 ? "" : ",");
        mr_text_add_json(out, mr_span_of(lines[i]));
    }
    mr_text_add(out, "]");
}

static void json_item(const mr_change_item *item, mr_text *out) {
    mr_text_addf(out, "{\"change\":\"%s\"", kind_words[item->kind]);
    json_member(out, "what", item->what);
    json_member(out, "name", item->name);
    json_member(out, "reason", item->reason);
    uint32_t line;
    uint32_t column;
    if (mr_error_line_column(&item->place, &line, &column)) {
        json_member(out, "file", item->place.file);
        mr_text_addf(out, ",\"line\":%u,\"column\":%u", line, column);
    }
    json_lines(out, "was", item->was);
    json_lines(out, "now", item->now);
    mr_text_addf(out, ",\"waiting_rows\":%" PRIu64, item->waiting_rows);
    if (item->source != NULL) {
        mr_text_add(out, ",\"positions\":{");
        for (uint32_t p = 0; p < item->source->partition_count; p++) {
            mr_text_add(out, p == 0 ? "" : ",");
            mr_text_add_json(out, mr_span_of(item->source->partitions[p]));
            mr_text_addf(out, ":%" PRIi64, item->source->positions[p]);
        }
        mr_text_add(out, "}");
    }
    mr_text_add(out, "}");
}

void mr_query_print_json(const mr_change *change, mr_text *out) {
    mr_text_add(out, "{\"pipeline\":");
    mr_text_add_json(out, mr_span_of(change->pipeline->name));
    mr_text_addf(out, ",\"state\":%s", change->state.exists ? "true" : "false");
    if (change->state.exists) {
        mr_text_addf(out, ",\"epoch\":%" PRIu64, change->state.epoch);
    }
    mr_text_addf(out, ",\"changed\":%s,\"runs\":%s,\"items\":[", change->changed ? "true" : "false",
                 change->refusal == NULL ? "true" : "false");
    for (uint32_t i = 0; i < change->item_count; i++) {
        mr_text_add(out, i == 0 ? "" : ",");
        json_item(&change->items[i], out);
    }
    mr_text_add(out, "]}\n");
}
