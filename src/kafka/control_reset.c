// Control of groups' offsets: where a group shall go on; see control_group.h.
//
// Also: mr_control_

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kafka/control_group.h"

// Places in the making.
typedef struct plan {
    const mr_control_reset *spec;
    const mr_control_group *group;
    mr_control_place *places;
    uint32_t count;
    uint32_t capacity;
} plan;

static int by_place(const void *a, const void *b) {
    const mr_control_place *x = a, *y = b;
    int order = mr_span_compare(x->topic, y->topic);
    return order != 0 ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static void add(plan *p, mr_span topic, int32_t partition, int64_t committed, mr_cx *cx) {
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->places[i].partition == partition && mr_span_equal(p->places[i].topic, topic)) {
            return;
        }
    }
    if (p->count == p->capacity) {
        p->capacity = MR_MAX(p->capacity * 2, 16u);
        mr_control_place *wider = MR_NEW_ARRAY(cx->arena, mr_control_place, p->capacity);
        if (p->count > 0) {
            memcpy(wider, p->places, sizeof(*wider) * p->count);
        }
        p->places = wider;
    }
    p->places[p->count++] = (mr_control_place){.topic = topic,
                                               .partition = partition,
                                               .committed = committed,
                                               .leader = MR_CLUSTER_NOBODY};
}

static int64_t committed_of(const plan *p, mr_span topic, int32_t partition) {
    for (uint32_t i = 0; i < p->group->place_count; i++) {
        const mr_control_place *place = &p->group->places[i];
        if (place->partition == partition && mr_span_equal(place->topic, topic)) {
            return place->committed;
        }
    }
    return -1;
}

// "topic" or "topic:0,2".
static mr_code add_named(mr_control *control, plan *p, const char *word, mr_cx *cx) {
    const char *colon = strchr(word, ':');
    const char *name =
        colon == NULL ? word : mr_arena_copy(cx->arena, word, (size_t)(colon - word));
    mr_control_topic topic;
    MR_TRY(mr_control_topic_find(control, name, &topic, cx));
    if (colon == NULL) {
        for (int32_t i = 0; i < topic.partition_count; i++) {
            add(p, topic.name, topic.partitions[i].number,
                committed_of(p, topic.name, topic.partitions[i].number), cx);
        }
        return MR_OK;
    }
    for (const char *at = colon + 1; at != NULL;) {
        const char *comma = strchr(at, ',');
        int64_t number;
        mr_span text = {at, comma == NULL ? strlen(at) : (size_t)(comma - at)};
        if (!mr_text_parse_int64(text, &number) || number < 0 || number >= topic.partition_count) {
            return mr_fail(cx, MR_E_OPTION, "Write TOPIC or TOPIC:0,2.",
                           "topic \"%s\" has no partition \"%.*s\"", name, MR_SPAN_ARGS(text));
        }
        add(p, topic.name, (int32_t)number, committed_of(p, topic.name, (int32_t)number), cx);
        at = comma == NULL ? NULL : comma + 1;
    }
    return MR_OK;
}

static mr_code gather(mr_control *control, plan *p, mr_cx *cx) {
    const mr_control_reset *spec = p->spec;
    if (spec->way == MR_RESET_LISTED) {
        for (uint32_t i = 0; i < spec->listed_count; i++) {
            add(p, spec->listed[i].topic, spec->listed[i].partition, spec->listed[i].committed, cx);
        }
    } else if (spec->topic_count == 0) {
        for (uint32_t i = 0; i < p->group->place_count; i++) {
            const mr_control_place *place = &p->group->places[i];
            add(p, place->topic, place->partition, place->committed, cx);
        }
    } else {
        for (uint32_t i = 0; i < spec->topic_count; i++) {
            MR_TRY(add_named(control, p, spec->topics[i], cx));
        }
    }
    if (p->count == 0) {
        return mr_fail(cx, MR_E_OPTION, "Name topics with --topic.",
                       "group \"%s\" has committed no offsets", spec->group);
    }
    qsort(p->places, p->count, sizeof(*p->places), by_place);
    return MR_OK;
}

// Offsets of the moment; the end where no record is that young.
static mr_code at_time(mr_control *control, plan *p, mr_cx *cx) {
    mr_control_wish *wishes = MR_NEW_ARRAY(cx->arena, mr_control_wish, p->count);
    for (uint32_t i = 0; i < p->count; i++) {
        wishes[i] = (mr_control_wish){.topic = p->places[i].topic,
                                      .partition = p->places[i].partition,
                                      .leader = p->places[i].leader,
                                      .time_ms = p->spec->number};
    }
    MR_TRY(mr_control_offsets(control, wishes, p->count, cx));
    for (uint32_t i = 0; i < p->count; i++) {
        p->places[i].committed = wishes[i].offset < 0 ? p->places[i].next : wishes[i].offset;
    }
    return MR_OK;
}

static mr_code move(const plan *p, mr_control_place *place, mr_cx *cx) {
    int64_t number = p->spec->number;
    switch (p->spec->way) {
    case MR_RESET_EARLIEST: place->committed = place->first; break;
    case MR_RESET_LATEST: place->committed = place->next; break;
    case MR_RESET_CURRENT:
        place->committed = place->committed < 0 ? place->next : place->committed;
        break;
    case MR_RESET_OFFSET: place->committed = number; break;
    case MR_RESET_SHIFT:
        if (place->committed < 0) {
            return mr_fail(cx, MR_E_VALUE, "Give it an offset first, such as with --to-latest.",
                           "group \"%s\" has no offset of %.*s-%d to shift", p->spec->group,
                           MR_SPAN_ARGS(place->topic), place->partition);
        }
        // Both ends of the log are far from those of the type.
        place->committed =
            number > 0
                ? (number > INT64_MAX - place->committed ? INT64_MAX : place->committed + number)
                : MR_MAX(place->committed + number, (int64_t)0);
        break;
    case MR_RESET_TIME:
    case MR_RESET_LISTED: break;
    }
    place->committed = MR_MIN(MR_MAX(place->committed, place->first), place->next);
    return MR_OK;
}

mr_code mr_control_group_reset(mr_control *control, const mr_control_reset *spec,
                               mr_control_place **ret, uint32_t *ret_count, mr_cx *cx) {
    mr_control_group group;
    MR_TRY(mr_control_group_look(control, spec->group, &group, cx));
    if (group.member_count > 0) {
        return mr_fail(cx, MR_E_LOCKED, "Stop its consumers first.",
                       "group \"%s\" has %d member%s: its offsets are theirs", spec->group,
                       group.member_count, group.member_count == 1 ? "" : "s");
    }
    plan p = {.spec = spec, .group = &group};
    MR_TRY(gather(control, &p, cx));
    MR_TRY(mr_control_places_bound(control, p.places, p.count, cx));
    for (uint32_t i = 0; i < p.count; i++) {
        if (p.places[i].first < 0 || p.places[i].next < 0) {
            return mr_fail(cx, MR_E_MISSING, "Name other topics with --topic.",
                           "there is no partition %.*s-%d, or it has no leader",
                           MR_SPAN_ARGS(p.places[i].topic), p.places[i].partition);
        }
    }
    if (spec->way == MR_RESET_TIME) {
        MR_TRY(at_time(control, &p, cx));
    }
    for (uint32_t i = 0; i < p.count; i++) {
        MR_TRY(move(&p, &p.places[i], cx));
    }
    *ret = p.places;
    *ret_count = p.count;
    return MR_OK;
}
