// JSON learning: adds the shape of a good record to the tree that guides later ones.
//
// A node is one gap; its children are the gaps that were seen to follow. Siblings are ordered from
// the longest gap to the shortest, so that a gap which begins another one is tried after it. The
// way to a node fixes the brackets that are open and the keys that were seen, so a shape without
// double keys stays without.

#include "codec/json_decode.h"

static json_op learn_op(const mr_json *json, int32_t field) {
    return field < 0 ? JSON_OP_SKIP : json->items[field].op;
}

// The node behind `parent` with this gap and field, made when there is none; 0 when that cannot be.
static uint32_t learn_node(mr_json *json, uint32_t parent, mr_span gap, int32_t field, json_op op) {
    if (gap.bytes == 0 || gap.bytes > JSON_GAP_MAX || memchr(gap.data, '\n', gap.bytes) != NULL) {
        return 0;
    }
    uint32_t count = 0;
    uint16_t *link = &json->nodes[parent].child;
    uint16_t *place = NULL;
    for (; *link != 0; link = &json->nodes[*link].sibling) {
        const json_node *node = &json->nodes[*link];
        if (node->gap_bytes == gap.bytes && node->op == op && node->field == field &&
            memcmp(node->gap, gap.data, gap.bytes) == 0) {
            return *link;
        }
        if (place == NULL && node->gap_bytes < gap.bytes) {
            place = link;
        }
        count++;
    }
    if (count == JSON_SIBLINGS_MAX || json->node_count == JSON_NODES_MAX) {
        return 0;
    }
    place = place == NULL ? link : place;
    json_node *node = &json->nodes[json->node_count];
    *node = (json_node){.gap_bytes = (uint32_t)gap.bytes, .op = op, .field = field};
    memcpy(node->gap, gap.data, gap.bytes);
    node->gap_mask = ~(uint64_t)0 >> (64 - gap.bytes);
    node->sibling = *place;
    *place = (uint16_t)json->node_count;
    return json->node_count++;
}

// Lists the wanted fields that the present record lacks.
static void learn_missing(mr_json *json, json_node *node) {
    if (node->missing != NULL) {
        return;
    }
    uint32_t count = json->fields->count;
    int32_t *missing = MR_NEW_ARRAY(&json->shape_arena, int32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const json_field *item = &json->items[i];
        if (item->field->from == MR_FROM_VALUE && item->stamp != json->stamp) {
            missing[node->missing_count++] = (int32_t)i;
        }
    }
    node->missing = missing;
}

void mr_json_learn(mr_json *json) {
    mr_assert(json->learnable);
    if (json->leaf_count > JSON_LEAVES_MAX) {
        return;
    }
    uint32_t node = 0;
    const char *at = json->start;
    for (uint32_t i = 0; i < json->leaf_count; i++) {
        const json_leaf *leaf = &json->leaves[i];
        mr_span gap = {at, (size_t)(leaf->start - at)};
        node = learn_node(json, node, gap, leaf->field, learn_op(json, leaf->field));
        if (node == 0) {
            return;
        }
        at = leaf->end;
    }
    if (json->end[-1] == '\r') {
        return;  // The rows could not tell it from the end of a line.
    }
    mr_span tail = {at, (size_t)(json->end - at)};
    node = learn_node(json, node, tail, -1, JSON_OP_END);
    if (node != 0) {
        learn_missing(json, &json->nodes[node]);
    }
}

void mr_json_learn_clear(mr_json *json) {
    json->nodes[0].child = 0;
    json->node_count = 1;
    mr_arena_clear(&json->shape_arena);
}
